"""Reports of a study: summary, table and figure."""
