"""Collision rates: Cube, mean field, and the screening engine as the truth."""
