"""Catalogues of orbiting objects: the `Catalog` type, readers, writers and a synthetic population."""
