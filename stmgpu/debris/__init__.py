"""Evolution of the debris population over decades, and what removal changes."""
