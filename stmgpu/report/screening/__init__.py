"""Reports of a screening: text and figure."""
