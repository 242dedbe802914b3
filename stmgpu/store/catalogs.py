"""The catalogue inside a store, so that a run can go on without the file it was read from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import zarr

from stmgpu.catalog import Catalog
from stmgpu.catalog.catalog import COLUMNS, Rejection
from stmgpu.errors import StoreError
from stmgpu.store.schema import KINDS
from stmgpu.store.zarrio import create_array, create_group, reading


def write_stored_catalog(catalog: Catalog, folder: Path) -> None:
    """Write all columns as a Zarr group."""
    kind = KINDS["catalog"]
    group = create_group(folder)
    for name, spec in kind.variables.items():
        column = getattr(catalog, name)
        text = spec.dtype == "text"
        array = create_array(group, kind, name, np.dtype("U" if text else spec.dtype), column.shape, spec.dims,
                             {"units": spec.units, "long_name": spec.long_name})
        array[...] = column.astype(np.dtypes.StringDType()) if text else column
    group.attrs.update({"source": catalog.source, "sha256": catalog.sha256,
                        "rejected": [[r.where, r.norad_id, r.reason] for r in catalog.rejected]})


def read_stored_catalog(folder: Path, document: Mapping[str, Any]) -> Catalog:
    """Read it back; :class:`StoreError` if it is damaged or not the one whose digest ``document`` names."""
    with reading(folder):
        group = zarr.open_group(folder, mode="r", zarr_format=3, use_consolidated=False)
        columns = {}
        for name in COLUMNS:
            column = np.asarray(group[name][...])  # type: ignore[index]
            columns[name] = np.array(column.tolist(), str) if column.dtype.kind in "OT" else column
        attrs = group.attrs.asdict()
        rejected = tuple(Rejection(*(str(word) for word in r)) for r in attrs["rejected"])  # type: ignore[union-attr]
        catalog = Catalog(**columns, source=str(attrs["source"]), sha256=str(attrs["sha256"]), rejected=rejected)
    if catalog.digest() != document.get("digest"):
        raise StoreError(f"{folder} is damaged: it does not hold the catalogue that the run was begun with; run again "
                         "into another store")
    return catalog
