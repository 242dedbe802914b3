"""One batch of runs, stepped through decades."""
