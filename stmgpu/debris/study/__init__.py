"""Studies: all scenarios and runs."""
