"""Input of a run inside its store: catalogue and trajectories, or the files of a study.

Workers read it from there, so a run can be resumed after the files that were read have changed.
"""

from __future__ import annotations

import hashlib
import shutil
import zipfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import zarr

from stmgpu.catalog import Catalog
from stmgpu.catalog.columns import COLUMNS, FIRST_COLUMNS
from stmgpu.catalog.rejection import Rejection
from stmgpu.catalog.trajectories.trajectories import Trajectories
from stmgpu.errors import InputError, StoreError
from stmgpu.files import file_hash, replacing
from stmgpu.propagate.screening_objects import ScreeningObjects
from stmgpu.store.document import CatalogIdentity, FilesIdentity, InputIdentity
from stmgpu.store.schema import KINDS
from stmgpu.store.writing import create_array, create_group, reading

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

INPUTS = "inputs"
"""Folder of the files, inside the run folder."""


@dataclass(frozen=True)
class StudyInputs:
    """Input files of a study, by their names in the store.

    Attributes
    ----------
    files, hashes : mapping of Path, mapping of str
        Paths and SHA-256 by name.
    objects : int
        Largest number of objects that a scenario is expected to hold, without collisions.
    """

    files: Mapping[str, Path]
    hashes: Mapping[str, str]
    objects: int

    @staticmethod
    def of(paths: Mapping[str, Path], *, objects: int) -> StudyInputs:
        """Input files of a study; :class:`InputError` if one cannot be read."""
        hashes = {}
        for name, path in paths.items():
            try:
                hashes[name] = file_hash(path)[1]
            except OSError as error:
                raise InputError(f"cannot read {path}, which a scenario names: {error.strerror}") from error
        return StudyInputs(dict(paths), hashes, objects)

    def digest(self) -> str:
        """SHA-256 over all names and contents."""
        text = "".join(f"{name}\0{digest}\0" for name, digest in sorted(self.hashes.items()))
        return hashlib.sha256(text.encode()).hexdigest()

    def write(self, folder: Path) -> None:
        """Copy the files into a run folder."""
        (folder / INPUTS).mkdir()
        for name, path in self.files.items():
            try:
                source = path.open("rb")
            except OSError as error:
                raise InputError(f"cannot read {path}, which a scenario names: {error.strerror}") from error
            with source, (folder / INPUTS / name).open("wb") as target:
                shutil.copyfileobj(source, target)
            if file_hash(folder / INPUTS / name)[1] != self.hashes[name]:
                raise InputError(f"{path} changed while it was read; rerun the command")


RunInput = ScreeningObjects | StudyInputs
"""Input of a run: a catalogue with or without trajectories, or the files of a study."""


def write_run_input(objects: RunInput, folder: Path) -> None:
    """Write the input of a run into its run folder."""
    if isinstance(objects, StudyInputs):
        objects.write(folder)
        return
    _write_catalog(objects.catalog, folder / "catalog")
    if objects.any_trajectory:
        with replacing(folder / "trajectories.npz") as file:
            np.savez(file, **objects.trajectories.to_arrays())  # type: ignore[arg-type]


def identity_of(run_input: RunInput) -> InputIdentity:
    """Identity of the input of a run."""
    if isinstance(run_input, StudyInputs):
        return FilesIdentity(run_input.digest(), run_input.hashes, run_input.objects)
    return CatalogIdentity.of(run_input)


def read_run_input(folder: Path, identity: InputIdentity) -> RunInput:
    """Read the input of a run; :class:`StoreError` if it is damaged or has another identity."""
    if isinstance(identity, FilesIdentity):
        return _read_files(folder, identity)
    objects = ScreeningObjects(_read_catalog(folder / "catalog"))
    path = folder / "trajectories.npz"
    if identity.trajectories is not None:
        try:
            with np.load(path, allow_pickle=False) as arrays:
                objects = ScreeningObjects(objects.catalog, Trajectories.from_arrays(dict(arrays)))
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise StoreError(f"{path} is damaged: {error}; rerun into another store") from error
    if objects.digest() != identity.digest:
        raise StoreError(
            f"{folder} is damaged: it does not contain the catalogue that the run was started with; rerun "
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
            dtype="U" if text else spec.dtype,
            shape=column.shape,
            dims=spec.dims,
            attrs={"units": spec.units, "long_name": spec.long_name},
        )
        array[...] = column.astype(np.dtypes.StringDType()) if text else column
    group.attrs.update(
        {
            "source": catalog.source,
            "sha256": catalog.sha256,
            "columns": list(kind.variables),
            "rejected": [[r.where, r.norad_id, r.reason] for r in catalog.rejected],
            **({"sets": catalog.sets, "sets_not_used": catalog.sets_not_used} if catalog.sets_not_used else {}),
            **({"further_rejected": catalog.further_rejected} if catalog.further_rejected else {}),
            **({"notes": list(catalog.notes)} if catalog.notes else {}),
        }
    )


def _read_catalog(folder: Path) -> Catalog:
    """Read all columns back."""
    with reading(folder):
        group = zarr.open_group(folder, mode="r", zarr_format=3, use_consolidated=False)
        columns: dict[str, Any] = {}
        attrs = group.attrs.asdict()
        stored = set(attrs.get("columns", FIRST_COLUMNS))  # type: ignore[arg-type]
        length = group["norad_id"].shape  # type: ignore[union-attr]
        for name, description in COLUMNS.items():
            if name not in stored and name not in FIRST_COLUMNS:
                columns[name] = np.full(length, description.default)
                continue
            column = np.asarray(group[name][...])  # type: ignore[index]
            columns[name] = np.array(column.tolist(), str) if column.dtype.kind in "OT" else column
        rejected = tuple(Rejection(*(str(word) for word in r)) for r in attrs["rejected"])  # type: ignore[union-attr]
        catalog = Catalog(
            **columns,
            source=str(attrs["source"]),
            sha256=str(attrs["sha256"]),
            rejected=rejected,
            sets=str(attrs.get("sets", "")),
            sets_not_used=int(attrs.get("sets_not_used", 0)),  # type: ignore[arg-type]
            further_rejected=int(attrs.get("further_rejected", 0)),  # type: ignore[arg-type]
            notes=tuple(map(str, attrs.get("notes", ()))),  # type: ignore[arg-type]
        )
    return catalog


def _read_files(folder: Path, identity: FilesIdentity) -> StudyInputs:
    """The files of a run folder; :class:`StoreError` if one differs from the file that the run was started with."""
    files = {name: folder / INPUTS / name for name in identity.files}
    for name, path in files.items():
        try:
            digest = file_hash(path)[1]
        except OSError as error:
            raise StoreError(f"{path} cannot be read ({error.strerror}); rerun into another store") from error
        if digest != identity.files[name]:
            raise StoreError(f"{path} is damaged (its hash does not match); rerun into another store")
    return StudyInputs(files, identity.files, identity.objects)
