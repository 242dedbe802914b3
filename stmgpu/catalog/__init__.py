"""Catalogues of orbiting objects: the `Catalog` type, readers, writers and a synthetic population."""

from __future__ import annotations

from stmgpu.catalog.catalog import Catalog
from stmgpu.catalog.reader import detect_format, read_catalog
from stmgpu.catalog.rejection import Rejection
from stmgpu.catalog.satcat import Satcat, read_satcat
from stmgpu.catalog.synthetic import synthetic_catalog
from stmgpu.catalog.writer import format_catalog, write_catalog

__all__ = [
    "Catalog",
    "Rejection",
    "Satcat",
    "detect_format",
    "format_catalog",
    "read_catalog",
    "read_satcat",
    "synthetic_catalog",
    "write_catalog",
]
