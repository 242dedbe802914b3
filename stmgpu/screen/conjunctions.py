"""The result of a screening as an xarray Dataset, and as CSV."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from stmgpu.constants import SECONDS_PER_DAY
from stmgpu.files import replacing
from stmgpu.propagate.codes import CODES
from stmgpu.screen.encounters import ENTRY_BEFORE_START, EXIT_AFTER_END, SLOW, Followed, entry_exit
from stmgpu.screen.window_ends import END_EDGE, START_EDGE
from stmgpu.time import Epoch, format_utc, to_datetime64

if TYPE_CHECKING:
    from pathlib import Path

    from stmgpu.propagate.screening_objects import ScreeningObjects
    from stmgpu.screen.parts import Part
    from stmgpu.screen.plan import Plan

FLAGS = {
    SLOW: "slow",
    START_EDGE: "start_edge",
    END_EDGE: "end_edge",
    ENTRY_BEFORE_START: "entry_before_start",
    EXIT_AFTER_END: "exit_after_end",
}
"""Bits of the variable ``flags`` and their names."""

_ROWS_AT_ONCE = 50_000
_ROW = "%d,%d,%s,%s,%s,%.9f,%.9f,%.9f,%.9f,%.9f,%.6f,%.6f,%s\n"

CSV_COLUMNS = (
    "primary",
    "secondary",
    "primary_name",
    "secondary_name",
    "tca",
    "miss_distance_km",
    "relative_speed_km_s",
    "miss_radial_km",
    "miss_transverse_km",
    "miss_normal_km",
    "primary_epoch_age_days",
    "secondary_epoch_age_days",
    "flags",
)


def build_dataset(part: Part, followed: Followed | None, catalog: ScreeningObjects, plan: Plan) -> xr.Dataset:
    """Events with states, names, ages and dwell times, sorted by (tca, primary, secondary).

    Parameters
    ----------
    part, followed
        from :func:`stmgpu.screen.parts.merge_parts`.
    catalog
        the screened objects.
    plan
        of the screening.

    Returns
    -------
    Dataset with dimension ``conjunction`` (and ``axis``: radial, transverse, normal; ``failed``: objects that SGP4
    could not propagate at some node). Distances in km, speeds in km/s, times UTC; ``miss_rtn`` is the secondary's
    position as seen from the primary in the primary's RTN frame. Attributes carry counts, times and the certificate.
    """
    ids = catalog.norad_id
    events = part.events[np.lexsort((ids[part.events.second], ids[part.events.first], part.events.tca_s))]
    entry, leave, dwell = entry_exit(events, plan, followed)
    flags = events.flags | dwell
    a, b, tca_s = events.first, events.second, events.tca_s
    start = Epoch.of(*plan.start)
    tca, entry, leave = (to_datetime64(start.jd, start.fr, s) for s in (tca_s, entry, leave))
    c = "conjunction"
    data: dict[str, Any] = {
        "primary": (c, ids[a], {"long_name": "NORAD id of the primary (the lower of the two)"}),
        "secondary": (c, ids[b], {"long_name": "NORAD id of the secondary"}),
        "primary_name": (c, catalog.name[a], {"long_name": "name of the primary"}),
        "secondary_name": (c, catalog.name[b], {"long_name": "name of the secondary"}),
        "tca": (c, tca, {"long_name": "time of closest approach, UTC"}),
        "miss_distance": (c, events.miss_km, {"units": "km", "long_name": "distance at TCA"}),
        "relative_speed": (
            c,
            events.speed_km_s,
            {"units": "km s-1", "long_name": "relative speed at TCA (SGP4 velocities)"},
        ),
        "miss_rtn": (
            (c, "axis"),
            events.miss_rtn,
            {"units": "km", "long_name": "secondary minus primary at TCA in the primary's RTN frame"},
        ),
        "primary_epoch_age_days": (
            c,
            _age_days(catalog, a, start, tca_s),
            {"units": "day", "long_name": ("TCA minus element epoch of the primary (NaN: trajectory)")},
        ),
        "secondary_epoch_age_days": (
            c,
            _age_days(catalog, b, start, tca_s),
            {"units": "day", "long_name": ("TCA minus element epoch of the secondary (NaN: trajectory)")},
        ),
        "flags": (
            c,
            flags.astype(np.int32),
            {
                "long_name": "what is special about the event",
                "flag_masks": np.array(list(FLAGS), np.int32),
                "flag_meanings": " ".join(FLAGS.values()),
            },
        ),
        "entry": (c, entry, {"long_name": "entry into the threshold sphere, UTC"}),
        "exit": (c, leave, {"long_name": "exit from the threshold sphere, UTC"}),
        **_failed(part, catalog, plan, start),
    }
    coords = {"axis": ("axis", np.array(["radial", "transverse", "normal"]), {"long_name": "axis of the RTN frame"})}
    return xr.Dataset(data, coords=coords, attrs=_attributes(part, catalog, plan))


def _age_days(catalog: ScreeningObjects, index: np.ndarray, start: Epoch, tca_s: np.ndarray) -> np.ndarray:
    return (start.jd - catalog.epoch_jd[index]) + (start.fr - catalog.epoch_fr[index]) + tca_s / SECONDS_PER_DAY


def _failed(part: Part, catalog: ScreeningObjects, plan: Plan, start: Epoch) -> dict[str, Any]:
    failed_s = np.asarray(plan.node_s(part.failed_node), float)
    sort = np.lexsort((catalog.norad_id[part.failed_object], failed_s))
    meanings = " ".join(f"{code}: {text};" for code, text in CODES.items())
    return {
        "failed_object": (
            "failed",
            catalog.norad_id[part.failed_object[sort]],
            {"long_name": "NORAD id of an object that SGP4 could not propagate at some node"},
        ),
        "failed_code": (
            "failed",
            part.failed_code[sort].astype(np.int8),
            {"long_name": "SGP4 error code at the first failing node", "meanings": meanings},
        ),
        "failed_time": (
            "failed",
            to_datetime64(start.jd, start.fr, failed_s[sort]),
            {"long_name": "first failing node, UTC; the object takes part wherever both nodes are good"},
        ),
    }


def _attributes(part: Part, catalog: ScreeningObjects, plan: Plan) -> dict[str, Any]:
    """What the result says of itself: nothing in it depends on the machine or on how the work was cut."""
    certificate = part.certificate
    trajectories = {}
    if catalog.any_trajectory:
        error_km = catalog.trajectories.interpolation_error_km()
        trajectories = {
            "objects_with_trajectory": len(catalog.trajectories),
            "largest_interpolation_error_km": float(error_km.max(initial=0.0)),
        }
    return {
        "title": "conjunctions of all objects with all others"
        if not trajectories
        else "conjunctions of objects with trajectories with all others",
        "frame": "TEME",
        "time_system": "UTC",
        "start": format_utc(Epoch.of(*plan.start)),
        "duration_s": plan.duration_s,
        "threshold_km": plan.threshold_km,
        "objects": len(catalog),
        "objects_rejected": len(catalog.rejected),
        "objects_failed": len(part.failed_object),
        **trajectories,
        "candidates": part.candidates,
        "candidates_unrefined": part.unrefined,
        "events": len(part.events),
        "catalog_source": catalog.source,
        "catalog_sha256": catalog.sha256,
        "catalog_digest": catalog.digest(),
        "certificate": json.dumps(
            {
                "complete": certificate.holds,
                "pairs_measured": certificate.pairs_measured,
                "largest_ratio": certificate.largest_ratio,
                "largest_pad_km": certificate.largest_pad_km,
                "worst": certificate.worst,
                "plan": plan.describe(),
            }
        ),
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
            rows = zip(
                part["primary"].tolist(),
                part["secondary"].tolist(),
                *(map(quoted.__getitem__, part[name].tolist()) for name in ("primary_name", "secondary_name")),
                format_utc(part["tca"]).tolist(),
                part["miss_distance"].tolist(),
                part["relative_speed"].tolist(),
                *part["miss_rtn"].T.tolist(),
                part["primary_epoch_age_days"].tolist(),
                part["secondary_epoch_age_days"].tolist(),
                map(names.__getitem__, part["flags"].tolist()),
                strict=True,
            )
            file.write("".join(_ROW % row for row in rows).encode())


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if any(c in text for c in ',"\n\r') else text
