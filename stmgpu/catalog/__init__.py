"""Catalogues of orbiting objects: the `Catalog` type, readers, writers and a synthetic population."""

from __future__ import annotations

from stmgpu.catalog.catalog import Catalog
from stmgpu.catalog.reader import detect_format, read_catalog
from stmgpu.catalog.rejection import Rejection
from stmgpu.catalog.synthetic import synthetic_catalog
from stmgpu.catalog.writer import format_catalog, write_catalog

__all__ = [
    "Catalog",
    "Rejection",
    "detect_format",
    "format_catalog",
    "read_catalog",
    "synthetic_catalog",
    "write_catalog",
]
