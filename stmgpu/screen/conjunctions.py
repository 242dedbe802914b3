"""The result of a screening as an xarray Dataset, and as CSV."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from stmgpu.catalog import Catalog
from stmgpu.constants import SECONDS_PER_DAY, SLOW_PAIR_KM_S
from stmgpu.files import replacing
from stmgpu.propagate.sgp4 import CODES
from stmgpu.screen.encounters import ENTRY_BEFORE_START, EXIT_AFTER_END, SLOW, entry_exit
from stmgpu.screen.engine import Screening
from stmgpu.screen.refine import END_EDGE, START_EDGE
from stmgpu.time import Epoch, format_utc, to_datetime64

FLAGS = {SLOW: "slow", START_EDGE: "start_edge", END_EDGE: "end_edge", ENTRY_BEFORE_START: "entry_before_start",
         EXIT_AFTER_END: "exit_after_end"}
"""Bits of the variable ``flags`` and their names."""

_ROWS_AT_ONCE = 50_000
_ROW = "%d,%d,%s,%s,%s,%.9f,%.9f,%.9f,%.9f,%.9f,%.6f,%.6f,%s\n"

CSV_COLUMNS = ("primary", "secondary", "primary_name", "secondary_name", "tca", "miss_distance_km",
               "relative_speed_km_s", "miss_radial_km", "miss_transverse_km", "miss_normal_km",
               "primary_epoch_age_days", "secondary_epoch_age_days", "flags")


def build_dataset(result: Screening, catalog: Catalog) -> xr.Dataset:
    """Events with states, names, ages and dwell times, sorted by (tca, primary, secondary).

    Parameters
    ----------
    result
        from :func:`stmgpu.screen.engine.run`.
    catalog
        the screened catalogue.

    Returns
    -------
    Dataset with dimension ``conjunction`` (and ``axis``: radial, transverse, normal; ``failed``: objects that SGP4
    could not propagate at some node). Distances in km, speeds in km/s, times UTC; ``miss_rtn`` is the secondary's
    position as seen from the primary in the primary's RTN frame. Attributes carry counts, times and the certificate.
    """
    events, plan, refiner = result.events, result.plan, result.refiner
    order, ids = result.propagator.order, catalog.norad_id
    swap = ids[order[events.first]] > ids[order[events.second]]
    first = np.where(swap, events.second, events.first)
    second = np.where(swap, events.first, events.second)
    sort = np.lexsort((ids[order[second]], ids[order[first]], events.tca_s))
    first, second, tca_s, flags = first[sort], second[sort], events.tca_s[sort], events.flags[sort].copy()

    miss, speed, miss_rtn = np.empty(len(tca_s)), np.empty(len(tca_s)), np.empty((len(tca_s), 3))
    for s, state, rel, _ in refiner.on_host(first, second, tca_s):
        miss[s], speed[s], miss_rtn[s] = _norm(rel[:3]), _norm(rel[3:]), _rtn(state, rel[:3]).T
    slow = speed < SLOW_PAIR_KM_S
    flags[slow] |= SLOW
    entry, leave, dwell = entry_exit(refiner, plan, first, second, tca_s, miss, speed, slow)
    flags |= dwell

    a, b = order[first], order[second]
    start = Epoch.of(*plan.start)
    tca, entry, leave = (to_datetime64(start.jd, start.fr, s) for s in (tca_s, entry, leave))
    c = "conjunction"
    data: dict[str, Any] = {
        "primary": (c, ids[a], {"long_name": "NORAD id of the primary (the lower of the two)"}),
        "secondary": (c, ids[b], {"long_name": "NORAD id of the secondary"}),
        "primary_name": (c, catalog.name[a], {"long_name": "name of the primary"}),
        "secondary_name": (c, catalog.name[b], {"long_name": "name of the secondary"}),
        "tca": (c, tca, {"long_name": "time of closest approach, UTC"}),
        "miss_distance": (c, miss, {"units": "km", "long_name": "distance at TCA"}),
        "relative_speed": (c, speed, {"units": "km s-1", "long_name": "relative speed at TCA (SGP4 velocities)"}),
        "miss_rtn": ((c, "axis"), miss_rtn,
                     {"units": "km", "long_name": "secondary minus primary at TCA in the primary's RTN frame"}),
        "primary_epoch_age_days": (c, _age_days(catalog, a, start, tca_s),
                                   {"units": "day", "long_name": "TCA minus element epoch of the primary"}),
        "secondary_epoch_age_days": (c, _age_days(catalog, b, start, tca_s),
                                     {"units": "day", "long_name": "TCA minus element epoch of the secondary"}),
        "flags": (c, flags.astype(np.int32), {"long_name": "what is special about the event",
                                              "flag_masks": np.array(list(FLAGS), np.int32),
                                              "flag_meanings": " ".join(FLAGS.values())}),
        "entry": (c, entry, {"long_name": "entry into the threshold sphere, UTC"}),
        "exit": (c, leave, {"long_name": "exit from the threshold sphere, UTC"}),
        **_failed(result, catalog, start),
    }
    coords = {"axis": ("axis", np.array(["radial", "transverse", "normal"]), {"long_name": "axis of the RTN frame"})}
    return xr.Dataset(data, coords=coords, attrs=_attributes(result, catalog, start))


def _norm(v: np.ndarray) -> np.ndarray:
    return np.sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2])


def _rtn(state: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """A vector [3, m] in the radial, transverse, normal axes of a state [6, m]."""
    r, v = state[:3], state[3:]
    radial = r / _norm(r)
    normal = np.cross(r, v, axis=0)
    normal = normal / _norm(normal)
    transverse = np.cross(normal, radial, axis=0)
    return np.stack([(vector * axis).sum(axis=0) for axis in (radial, transverse, normal)])


def _age_days(catalog: Catalog, index: np.ndarray, start: Epoch, tca_s: np.ndarray) -> np.ndarray:
    return (start.jd - catalog.epoch_jd[index]) + (start.fr - catalog.epoch_fr[index]) + tca_s / SECONDS_PER_DAY


def _failed(result: Screening, catalog: Catalog, start: Epoch) -> dict[str, Any]:
    sort = np.lexsort((catalog.norad_id[result.failed_object], result.failed_s))
    objects = result.failed_object[sort]
    meanings = " ".join(f"{code}: {text};" for code, text in CODES.items())
    return {
        "failed_object": ("failed", catalog.norad_id[objects],
                          {"long_name": "NORAD id of an object that SGP4 could not propagate at some node"}),
        "failed_code": ("failed", result.failed_code[sort].astype(np.int8),
                        {"long_name": "SGP4 error code at the first failing node", "meanings": meanings}),
        "failed_time": ("failed", to_datetime64(start.jd, start.fr, result.failed_s[sort]),
                        {"long_name": "first failing node, UTC; the object takes part wherever both nodes are good"}),
    }


def _attributes(result: Screening, catalog: Catalog, start: Epoch) -> dict[str, Any]:
    certificate = result.certificate
    worst = dict(certificate.worst)
    if worst:
        worst["objects"] = catalog.norad_id[result.propagator.order[worst["objects"]]].tolist()
    return {
        "title": "conjunctions of all objects with all others",
        "frame": "TEME", "time_system": "UTC",
        "start": format_utc(start), "duration_s": result.plan.duration_s, "threshold_km": result.plan.threshold_km,
        "objects": len(catalog), "objects_rejected": len(catalog.rejected), "objects_failed": len(result.failed_object),
        "candidates": result.candidates, "candidates_unrefined": result.unrefined, "events": len(result.events),
        "backend": result.refiner.backend.name, "device": result.refiner.backend.device,
        "catalog_source": catalog.source, "catalog_sha256": catalog.sha256, "catalog_digest": catalog.digest(),
        "seconds": json.dumps({k: round(v, 4) for k, v in result.seconds.items()}),
        "certificate": json.dumps({"complete": certificate.holds,
                                   "pairs_measured": certificate.pairs_measured,
                                   "largest_ratio": certificate.largest_ratio,
                                   "largest_pad_km": certificate.largest_pad_km, "worst": worst,
                                   "plan": result.plan.describe()}),
    }


def flag_names(flags: int) -> str:
    """Names of the set bits joined by ``|``, empty for none."""
    return "|".join(name for bit, name in FLAGS.items() if flags & bit)


def write_csv(conjunctions: xr.Dataset, path: str | Path) -> None:
    """Write the events as CSV with the columns :data:`CSV_COLUMNS`, times UTC to the microsecond.

    The file appears complete or not at all, see :func:`stmgpu.files.replacing`.
    """
    d = {name: conjunctions[name].values for name in conjunctions.data_vars}
    names = {int(f): flag_names(int(f)) for f in np.unique(d["flags"])}
    quoted = {text: _quoted(text) for which in ("primary_name", "secondary_name") for text in set(d[which].tolist())}
    with replacing(path) as file:
        file.write((",".join(CSV_COLUMNS) + "\n").encode())
        for k in range(0, len(d["tca"]), _ROWS_AT_ONCE):
            part = {name: values[k : k + _ROWS_AT_ONCE] for name, values in d.items()}
            rows = zip(part["primary"].tolist(), part["secondary"].tolist(),
                       *(map(quoted.__getitem__, part[name].tolist()) for name in ("primary_name", "secondary_name")),
                       format_utc(part["tca"]).tolist(), part["miss_distance"].tolist(),
                       part["relative_speed"].tolist(), *part["miss_rtn"].T.tolist(),
                       part["primary_epoch_age_days"].tolist(), part["secondary_epoch_age_days"].tolist(),
                       map(names.__getitem__, part["flags"].tolist()), strict=True)
            file.write("".join(_ROW % row for row in rows).encode())


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if any(c in text for c in ',"\n\r') else text
