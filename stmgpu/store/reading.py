"""Open a store as a Dataset: only if it is whole, or what is there of one that is being computed."""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
import zarr

from stmgpu.errors import StoreError
from stmgpu.screen.encounters import Encounters
from stmgpu.screen.events import merge_events
from stmgpu.store.run import RunStore, open_run
from stmgpu.store.run_input import StudyInputs
from stmgpu.store.schema import CODECS, KINDS, kind_of
from stmgpu.store.writing import KIND, check_root, reading
from stmgpu.time import to_datetime64

if TYPE_CHECKING:
    import os


def open_dataset(
    path: str | os.PathLike[str], kind: str | None = None, load: bool | None = None, partial: bool = False
) -> xr.Dataset:
    """Open a store as a Dataset.

    Parameters
    ----------
    path
        folder of the store.
    kind
        refuse a store of another kind.
    load
        read everything now, which checks every checksum; default for conjunctions and ensembles, not for an ephemeris
        (its data are read, and checked, when they are used).

    partial
        also read a store that is still being computed: what its finished tiles hold. The attributes ``complete``,
        ``tiles_done`` and ``tiles`` say how much that is. Conjunctions then have no entry and exit times, and minima
        of slow pairs are not told apart yet; an ephemeris has the times at which all objects are there; runs of an
        ensemble that are not finished are not numbers.

    Raises
    ------
    StoreError
        there is no store, it was left unfinished, a file is missing or damaged, its kind is another, or its schema is
        newer than this version of stmgpu.
    """
    folder = Path(path)
    if partial and not check_root(folder, unfinished=True)[1]:
        return open_unfinished(open_run(folder), kind)
    attributes = check_arrays(folder, kind)
    if load is None:
        load = attributes[KIND] != "ephemeris"
    with reading(folder):
        ds = xr.open_zarr(folder, chunks=None, consolidated=False)
        known = list(KINDS[attributes[KIND]].variables)
        ds = ds[sorted(ds.data_vars, key=lambda name: known.index(name) if name in known else len(known))]
        return ds.load() if load else ds


def open_unfinished(run: RunStore, kind: str | None = None) -> xr.Dataset:
    """What the finished tiles of a run hold, see :func:`open_dataset`."""
    if kind is not None and run.kind != kind:
        raise StoreError(f"{run.folder} holds {run.kind}, not {kind}")
    with reading(run.folder):
        ds = {"conjunctions": _conjunctions, "ephemeris": _ephemeris, "ensemble": _ensemble}[run.kind](run)
        # what a result says of itself comes before what its run was asked for, which an ensemble has in other forms
        ds.attrs = {
            **run.document["settings"],
            **ds.attrs,
            "complete": False,
            "tiles_done": len(run.markers()),
            "tiles": run.document["tiling"].get("tiles"),
        }
        return ds


def _conjunctions(run: RunStore) -> xr.Dataset:
    catalog, s = run.run_input(), run.document["settings"]
    if isinstance(catalog, StudyInputs):
        raise StoreError(f"{run.folder} is damaged: conjunctions are not computed from the files of a study")
    tiles = [run.read_tile(marker) for marker in run.markers().values()]
    names = list(Encounters.join([]).__dict__)
    events = merge_events(Encounters.join([Encounters(**{n: t[n] for n in names}) for t in tiles]))
    a, b = events.first, events.second
    events = events[np.lexsort((catalog.norad_id[b], catalog.norad_id[a], events.tca_s))]
    a, b = events.first, events.second
    data = {
        "primary": catalog.norad_id[a],
        "secondary": catalog.norad_id[b],
        "primary_name": catalog.name[a],
        "secondary_name": catalog.name[b],
        "tca": to_datetime64(s["start_jd"], s["start_fr"], events.tca_s),
        "miss_distance": events.miss_km,
        "relative_speed": events.speed_km_s,
        "miss_rtn": events.miss_rtn,
        "flags": events.flags,
    }
    spec = KINDS["conjunctions"].variables
    variables = {
        name: (
            spec[name].dims,
            values,
            {"long_name": spec[name].long_name} | ({} if spec[name].dtype == "time" else {"units": spec[name].units}),
        )
        for name, values in data.items()
    }
    return xr.Dataset(variables, coords={"axis": ["radial", "transverse", "normal"]})


def _ensemble(run: RunStore) -> xr.Dataset:
    from stmgpu.debris.study.evolve import build_ensemble, check_study
    from stmgpu.debris.study.packing import unpack
    from stmgpu.debris.study.scenario_file import study_from_settings

    results = {
        (int(marker.summary["scenario"]), number): result
        for marker in run.markers().values()
        for number, result in unpack(run.read_tile(marker)).items()
    }
    if not results:
        raise StoreError(f"{run.folder}: no run is finished yet")
    settings = run.document["settings"]
    study = study_from_settings(settings)
    check_study(study, settings["seed"])
    if any(not (0 <= s < len(study.scenarios) and 0 <= number < study.runs) for s, number in results):
        raise StoreError(f"{run.folder} is damaged: a tile holds a run that the study has not")
    return build_ensemble(study, results, seed=settings["seed"], begin=settings["begin_year"], notes=settings["notes"])


def _ephemeris(run: RunStore) -> xr.Dataset:
    ds = xr.open_zarr(run.folder, chunks=None, consolidated=False)
    covered = np.zeros(ds.sizes["time"], np.int64)
    for marker in run.markers().values():
        (first, last), (begin, end) = marker.summary["times"], marker.summary["objects"]
        covered[first:last] += end - begin
    return ds.isel(time=np.flatnonzero(covered == ds.sizes["object"]))


def check_arrays(folder: Path, kind: str | None = None) -> dict[str, Any]:
    """Root attributes of a store that is whole as far as can be seen without reading its data."""
    attributes, _ = check_root(folder)
    found = attributes[KIND]
    spec = kind_of(found)
    if kind is not None and found != kind:
        raise StoreError(f"{folder} holds {found}, not {kind}")
    with reading(folder):
        arrays = dict(zarr.open_group(folder, mode="r", zarr_format=3, use_consolidated=False).arrays())
    missing = [name for name, v in spec.variables.items() if v.required and name not in arrays]
    if missing:
        raise StoreError(f"{folder} is damaged: the arrays {', '.join(missing)} are missing")
    for name, array in arrays.items():
        _check_array(folder, name, array)
    return attributes


def _check_array(folder: Path, name: str, array: zarr.Array[Any]) -> None:
    """Only codecs that we know, and every shard's file in its place."""
    names = _codec_names(array.metadata.to_dict().get("codecs"))
    if not names <= CODECS:
        raise StoreError(
            f"{folder}: array {name} uses the codecs {', '.join(sorted(names - CODECS))}, which are not "
            f"opened; allowed: {', '.join(sorted(CODECS))}"
        )
    shape = array.shards or array.chunks
    counts = [-(-n // s) for n, s in zip(array.shape, shape, strict=True)]
    place = folder / name / "c"
    absent = [i for i in np.ndindex(*counts) if not place.joinpath(*map(str, i)).is_file()] if prod(counts) else []
    if absent:
        first = place.joinpath(*map(str, absent[0])).relative_to(folder)
        raise StoreError(
            f"{folder} is damaged: {len(absent)} of {prod(counts)} files of {name} are missing, the first {first}"
        )


def _codec_names(codecs: Any) -> set[str]:
    names = set()
    for codec in codecs or ():
        names.add(codec["name"] if isinstance(codec, dict) else str(codec))
        if isinstance(codec, dict):
            configuration = codec.get("configuration") or {}
            names |= _codec_names(configuration.get("codecs")) | _codec_names(configuration.get("index_codecs"))
    return names
