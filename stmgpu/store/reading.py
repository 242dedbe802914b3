"""Open a finished store as a Dataset, or the finished tiles of a running one."""

from __future__ import annotations

import json
import stat
import warnings
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
import zarr

from stmgpu.errors import StoreError, WrongStoreError
from stmgpu.screen.conjunctions import arrange, as_failure_attributes, partial_dataset
from stmgpu.screen.events import merge_events
from stmgpu.screen.parts import Part
from stmgpu.screen.plan import make_plan
from stmgpu.screen.row_index import index_rows
from stmgpu.screen.settings import ScreeningSettings
from stmgpu.screen.variables import FAILURES, ROW
from stmgpu.store.assessment import finished_assessment
from stmgpu.store.lazy import StoreBackend
from stmgpu.store.manifest import check_files, manifest_of, result_of
from stmgpu.store.run import RunStore, open_run
from stmgpu.store.run_input import StudyInputs
from stmgpu.store.schema import CODECS, KINDS, RUN, Kind, kind_of
from stmgpu.store.writing import KIND, MARKS, SCHEMA, check_root, reading
from stmgpu.variables import as_text

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Collection, Iterator


def open_dataset(
    path: str | os.PathLike[str], kind: str | None = None, *, load: bool | None = None, partial: bool = False
) -> xr.Dataset:
    """Open a store as a Dataset.

    A finished store gives the Dataset that the computation in memory gives, but for its attributes about the machine.

    Parameters
    ----------
    path : str or path
        Folder of the store.
    kind : str, optional
        Refuse a store of another kind.
    load : bool, optional
        Read everything now, which checks every checksum; default for conjunctions and ensembles, not for an ephemeris
        (its numbers are read, and checked, when they are used).
    partial : bool
        Also read a store that is still being computed: what its finished tiles hold. The attributes ``complete``
        (0 or 1), ``tiles_done`` and ``tiles`` tell how much that is. Conjunctions then have no entry and exit times,
        and shallow minima of slow pairs are not removed yet; an ephemeris has the times at which all objects are
        computed; runs of an ensemble that are not finished are NaN.

    Returns
    -------
    xr.Dataset
        Variables of the store, with the attributes and types of its kind.

    Raises
    ------
    StoreError
        If there is no store, it was left unfinished, a file is missing or damaged, its kind is another, or its schema
        cannot be read by this version of stmgpu.

    Examples
    --------
    >>> open_dataset("day.zarr", "conjunctions")  # doctest: +SKIP
    """
    folder = Path(path)
    if partial and not check_root(folder, unfinished=True)[1]:
        return open_unfinished(open_run(folder), kind)
    attributes = check_arrays(folder, kind)
    if load is None:
        load = attributes[KIND] != "ephemeris"
    with reading(folder):
        ds = _open(folder, attributes[KIND], load=load)
    if attributes[KIND] == "conjunctions":
        ds = _with_assessment(ds, folder, load=load)
    elif attributes[KIND] == "messages":
        ds = index_rows(ds, ROW, "tca")
    ds.encoding["source"] = str(folder.absolute())  # where the states are: see `stmgpu.encounters`
    return ds


def open_conjunctions(folder: Path, names: Collection[str]) -> xr.Dataset:
    """Some columns of the conjunctions in a complete store; their numbers are read when they are used."""
    check_arrays(folder, "conjunctions")
    with reading(folder):
        return _open(folder, "conjunctions", load=False, names=names)


def open_assessed(folder: Path, names: Collection[str]) -> xr.Dataset:
    """Some columns of the assessed conjunctions in a complete store, with all attributes."""
    check_arrays(folder, "conjunctions")
    with reading(folder):
        ds = _open(folder, "conjunctions", load=True, names=names)
    return _with_assessment(ds, folder, load=True, names=names)


def _with_assessment(ds: xr.Dataset, folder: Path, *, load: bool, names: Collection[str] | None = None) -> xr.Dataset:
    """Conjunctions with the columns and attributes of the assessment in their store, if there is one."""
    part = finished_assessment(folder)
    if part is None:
        return ds
    check_arrays(part, "assessment")
    with reading(part):
        columns = _open(part, "assessment", load=load, names=names)
    if columns.sizes != {ROW: ds.sizes[ROW]}:
        raise StoreError(f"{folder} is damaged: its assessment has {columns.sizes[ROW]} rows; assess it again")
    added: xr.Dataset = ds.assign(columns.data_vars).assign_attrs(
        {name: value for name, value in columns.attrs.items() if name not in _COMMON}
    )
    return added


_COMMON = frozenset({"Conventions", "title"})
"""Attributes of an assessment that say nothing about the conjunctions."""


def _open(folder: Path, kind: str, *, load: bool, names: Collection[str] | None = None) -> xr.Dataset:
    """The arrays of a store, or some of them, as a Dataset with the types and attributes of its kind."""
    others = [] if names is None else [entry.name for entry in folder.iterdir() if entry.name not in names]
    with _result_only():
        ds = xr.open_dataset(folder, engine=StoreBackend, drop_variables=[RUN, *others])
    if load:
        ds = ds.load()
    spec = KINDS[kind]
    for name, variable in ds.variables.items():
        known = spec.variables.get(str(name))
        attrs = known.attrs() if known else {}
        attrs |= {name: value for name, value in variable.attrs.items() if name not in attrs}
        if variable.dtype.kind in "TO":
            ds = (
                ds.assign_coords({name: (variable.dims, as_text(variable.to_numpy()))})
                if name in ds.coords
                else (ds.assign({name: (variable.dims, as_text(variable.to_numpy()))}))
            )
        ds[name].attrs = attrs
        if load:
            ds[name].encoding = known.encoding() if known else {}
    ds.attrs = {name: value for name, value in ds.attrs.items() if name not in MARKS}
    ordered: xr.Dataset = ds[sorted(ds.variables, key=lambda name: _place(str(name), spec))]
    if kind != "conjunctions":
        return ordered
    return arrange(ordered.assign_attrs(_failures(folder)))


def _place(name: str, kind: Kind) -> int:
    """Place of a variable in the order of its kind."""
    known = list(kind.variables)
    return known.index(name) if name in known else len(known)


def _failures(folder: Path) -> dict[str, Any]:
    """Attributes of the objects that could not be propagated; empty for a store without their table."""
    if not (folder / "failures").is_dir():
        return {}
    group = zarr.open_group(folder / "failures", mode="r", zarr_format=3, use_consolidated=False)
    columns = {name: np.asarray(group[name]) for name in FAILURES}
    return as_failure_attributes({**columns, "time": columns["time"].view("datetime64[ns]")})


def open_unfinished(run: RunStore, kind: str | None = None) -> xr.Dataset:
    """Open the finished tiles of a run, see :func:`open_dataset`."""
    if kind is not None and run.kind != kind:
        raise WrongStoreError(f"{run.folder} is a store of kind {run.kind}, not {kind}; use a store of kind {kind}")
    with reading(run.folder):
        if run.kind not in UNFINISHED:
            raise StoreError(f"{run.folder} is unfinished, and {run.kind} can only be read when complete")
        ds = UNFINISHED[run.kind](run)
        # attributes of the result override the settings of the run, which an ensemble has in another form
        ds.attrs = {
            **run.document.settings.to_json(),
            "arithmetic": run.document.arithmetic,
            **ds.attrs,
            "complete": 0,
            "tiles_done": len(run.markers()),
            "tiles": run.document.tiles,
        }
        return ds


def _conjunctions(run: RunStore) -> xr.Dataset:
    objects, settings = run.run_input(), run.document.settings
    if isinstance(objects, StudyInputs) or not isinstance(settings, ScreeningSettings):
        raise StoreError(f"{run.folder} is damaged: conjunctions are not computed from the files of a study")
    plan, objects = make_plan(settings, len(objects)), objects.with_primaries(settings.primaries)
    part = Part.join([Part.from_arrays(run.read_tile(marker), marker.summary) for marker in run.markers().values()])
    part.events = merge_events(part.events)
    return partial_dataset(part, objects, plan)


def _ensemble(run: RunStore) -> xr.Dataset:
    from stmgpu.debris.study.evolve import build_ensemble
    from stmgpu.debris.study.packing import unpack
    from stmgpu.debris.study.settings import EnsembleSettings

    results = {
        (int(marker.summary["scenario"]), number): result
        for marker in run.markers().values()
        for number, result in unpack(run.read_tile(marker)).items()
    }
    if not results:
        raise StoreError(f"{run.folder}: no run has finished yet; try again later")
    settings = run.document.settings
    if not isinstance(settings, EnsembleSettings):
        raise StoreError(f"{run.folder} is damaged: its settings are not those of a study")
    study = settings.study()
    if any(not (0 <= s < len(study.scenarios) and 0 <= number < study.runs) for s, number in results):
        raise StoreError(f"{run.folder} is damaged: a tile contains a run that is not in the study")
    return build_ensemble(study, results, seed=settings.seed, begin=settings.begin_year, notes=settings.notes)


def _ephemeris(run: RunStore) -> xr.Dataset:
    run.check_placed()
    ds = _open(run.folder, "ephemeris", load=False)
    covered = np.zeros(ds.sizes["time"], np.int64)
    for marker in run.markers().values():
        (first, last), (begin, end) = marker.summary["times"], marker.summary["objects"]
        covered[first:last] += end - begin
    return ds.isel(time=np.flatnonzero(covered == ds.sizes["object"]))


UNFINISHED: dict[str, Callable[[RunStore], xr.Dataset]] = {
    "conjunctions": _conjunctions,
    "ephemeris": _ephemeris,
    "ensemble": _ensemble,
}
"""Readers of the finished tiles of a run, by kind."""


def arrays_of(folder: Path, kind: str) -> dict[str, zarr.Array[Any]]:
    """Every array of a store by its path, those of its kind's tables included."""
    root = zarr.open_group(folder, mode="r", zarr_format=3, use_consolidated=False)
    with _result_only():
        arrays = {str(name): array for name, array in root.arrays() if name != RUN}
    for table, columns in KINDS[kind].tables.items():
        if table in root:
            group = zarr.open_group(folder / table, mode="r", zarr_format=3, use_consolidated=False)
            arrays |= {f"{table}/{name}": array for name, array in group.arrays()}
            missing = [name for name, v in columns.items() if v.required and f"{table}/{name}" not in arrays]
            if missing:
                raise StoreError(f"{folder} is damaged: {table} lacks {', '.join(missing)}")
    return arrays


@contextmanager
def _result_only() -> Iterator[None]:
    """Ignore what Zarr says of a damaged run folder, which a result does not need."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=f"Object at {RUN} is not recognized")
        yield


def check_arrays(folder: Path, kind: str | None = None) -> dict[str, Any]:
    """Check a store without reading its data, and return the attributes of its root.

    Every file of the result is compared with the manifest: metadata by hash, others by size and last bytes.
    """
    attributes, _ = check_root(folder)
    held = attributes[KIND]
    spec = kind_of(held)
    if kind is not None and held != kind:
        raise WrongStoreError(f"{folder} is a store of kind {held}, not {kind}; use a store of kind {kind}")
    manifest = manifest_of(folder, attributes[SCHEMA])
    with reading(folder):
        if manifest is not None:
            check_files(folder, result_of(manifest.files))
        arrays = arrays_of(folder, held)
        placed = _consolidated(folder)
    missing = [name for name, v in spec.variables.items() if v.required and name not in arrays]
    if missing:
        raise StoreError(f"{folder} is damaged: the arrays {', '.join(missing)} are missing")
    for name, array in arrays.items():
        if placed and name in placed and placed[name] != json.loads((folder / name / "zarr.json").read_bytes()):
            raise StoreError(f"{folder} is damaged: {name}/zarr.json differs from the metadata in the root")
        _check_array(folder, name, array)
    return attributes


def _consolidated(folder: Path) -> dict[str, Any]:
    """Metadata of the arrays as the root repeats them, by path; empty where it does not."""
    root = json.loads((folder / "zarr.json").read_bytes())
    return dict((root.get("consolidated_metadata") or {}).get("metadata") or {})


def _check_array(folder: Path, name: str, array: zarr.Array[Any]) -> None:
    """Raise :class:`StoreError` for an unknown codec, or a missing or empty file of a shard."""
    names = _codec_names(array.metadata.to_dict().get("codecs"))
    if not names <= CODECS:
        raise StoreError(
            f"{folder}: array {name} uses the codecs {', '.join(sorted(names - CODECS))}, which are not "
            f"opened; allowed: {', '.join(sorted(CODECS))}"
        )
    shape = array.shards or array.chunks
    counts = [-(-n // s) for n, s in zip(array.shape, shape, strict=True)]
    place = folder / name / "c"
    absent = [i for i in np.ndindex(*counts) if not _has_content(place.joinpath(*map(str, i)))] if prod(counts) else []
    if absent:
        first = place.joinpath(*map(str, absent[0])).relative_to(folder)
        raise StoreError(
            f"{folder} is damaged: {len(absent)} of {prod(counts)} files of {name} are missing or empty, "
            f"the first {first}"
        )


def _has_content(path: Path) -> bool:
    try:
        status = path.stat()
    except OSError:
        return False
    return stat.S_ISREG(status.st_mode) and status.st_size > 0


def _codec_names(codecs: object) -> set[str]:
    names: set[str] = set()
    for codec in codecs if isinstance(codecs, list | tuple) else ():
        names.add(codec["name"] if isinstance(codec, dict) else str(codec))
        if isinstance(codec, dict):
            configuration = codec.get("configuration") or {}
            names |= _codec_names(configuration.get("codecs")) | _codec_names(configuration.get("index_codecs"))
    return names
