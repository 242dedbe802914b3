"""What a run works on, inside its store, so that it can go on without the files that were read."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import zarr

from stmgpu.catalog import Catalog
from stmgpu.catalog.catalog import COLUMNS, Rejection
from stmgpu.catalog.trajectories.trajectories import Trajectories
from stmgpu.errors import StoreError
from stmgpu.files import replacing
from stmgpu.propagate.screening_objects import Objects
from stmgpu.store.inputs import StudyInputs, read_inputs
from stmgpu.store.schema import KINDS
from stmgpu.store.writing import create_array, create_group, reading

Worked = Catalog | Objects | StudyInputs
"""What a run works on: a catalogue, one with trajectories, or the files of a study."""


def write_population(objects: Worked, folder: Path) -> None:
    """Write what a run works on into its folder."""
    if isinstance(objects, StudyInputs):
        objects.write(folder)
        return
    _write_catalog(objects.catalog if isinstance(objects, Objects) else objects, folder / "catalog")
    if isinstance(objects, Objects):
        with replacing(folder / "trajectories.npz") as file:
            np.savez(file, **objects.trajectories.to_arrays())  # type: ignore[arg-type]


def read_population(folder: Path, document: Mapping[str, Any]) -> Worked:
    """Read it back; :class:`StoreError` if it is damaged or not the one whose digest ``document`` names."""
    if "files" in document:
        return read_inputs(folder, document)
    catalog = _read_catalog(folder / "catalog")
    objects: Catalog | Objects = catalog
    path = folder / "trajectories.npz"
    if document.get("trajectories"):
        try:
            with np.load(path, allow_pickle=False) as arrays:
                objects = Objects(catalog, Trajectories.from_arrays(dict(arrays)))
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise StoreError(f"{path} is damaged: {error}; run again into another store") from error
    if objects.digest() != document.get("digest"):
        raise StoreError(
            f"{folder} is damaged: it does not hold the catalogue that the run was begun with; run again "
            "into another store"
        )
    return objects


def _write_catalog(catalog: Catalog, folder: Path) -> None:
    """Write all columns as a Zarr group."""
    kind = KINDS["catalog"]
    group = create_group(folder)
    for name, spec in kind.variables.items():
        column = getattr(catalog, name)
        text = spec.dtype == "text"
        array = create_array(
            group,
            kind,
            name,
            np.dtype("U" if text else spec.dtype),
            column.shape,
            spec.dims,
            {"units": spec.units, "long_name": spec.long_name},
        )
        array[...] = column.astype(np.dtypes.StringDType()) if text else column
    group.attrs.update(
        {
            "source": catalog.source,
            "sha256": catalog.sha256,
            "rejected": [[r.where, r.norad_id, r.reason] for r in catalog.rejected],
        }
    )


def _read_catalog(folder: Path) -> Catalog:
    """Read all columns back."""
    with reading(folder):
        group = zarr.open_group(folder, mode="r", zarr_format=3, use_consolidated=False)
        columns = {}
        for name in COLUMNS:
            column = np.asarray(group[name][...])  # type: ignore[index]
            columns[name] = np.array(column.tolist(), str) if column.dtype.kind in "OT" else column
        attrs = group.attrs.asdict()
        rejected = tuple(Rejection(*(str(word) for word in r)) for r in attrs["rejected"])  # type: ignore[union-attr]
        catalog = Catalog(**columns, source=str(attrs["source"]), sha256=str(attrs["sha256"]), rejected=rejected)
    return catalog
