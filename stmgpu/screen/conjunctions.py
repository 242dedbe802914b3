"""Result of a screening as an xarray Dataset; the object with the lower id is the primary."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from stmgpu.catalog.orbits import REGIMES, apsis_heights_km, osculating_heights_km, regime_of
from stmgpu.constants import SECONDS_PER_DAY
from stmgpu.frames import geodetic
from stmgpu.propagate.element_ages import ElementAges
from stmgpu.propagate.variables import sets_attributes
from stmgpu.screen.encounters import Encounters, Followed, entry_exit
from stmgpu.screen.row_index import index_rows
from stmgpu.screen.variables import COORDINATES, FAILED, FAILURES, FLAGS, ROW, TITLE, VARIABLES
from stmgpu.time import Epoch, format_utc, to_datetime64
from stmgpu.variables import CONVENTIONS
from stmgpu.window import Window

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stmgpu.propagate.screening_objects import ScreeningObjects
    from stmgpu.screen.parts import Part
    from stmgpu.screen.plan import Plan
    from stmgpu.typing import Floats, Ints, Strings


def build_dataset(part: Part, followed: Followed | None, catalog: ScreeningObjects, plan: Plan) -> xr.Dataset:
    """Build the Dataset of a whole screening, sorted by (tca, primary, secondary).

    Parameters
    ----------
    part, followed : Part, Followed
        From :func:`stmgpu.screen.parts.merge_parts`.
    catalog : ScreeningObjects
        Screened objects.
    plan : Plan
        Plan of the screening.

    Returns
    -------
    xr.Dataset
        Dimension ``conjunction`` and the variables :data:`stmgpu.screen.variables.VARIABLES`. Distances in km, speeds
        in km/s, times UTC. Attributes hold counts, times, the certificate and the objects that could not be propagated,
        see :func:`stmgpu.screen.selection.failures`.
    """
    events = _sorted(part.events, catalog.norad_id)
    entry, leave, dwell = entry_exit(events, plan, followed)
    events.flags = events.flags | dwell
    midnight = Epoch.of(*plan.midnight)
    columns = event_columns(events, catalog, midnight)
    columns |= {name: to_datetime64(midnight.jd, 0.0, s) for name, s in (("entry", entry), ("exit", leave))}
    attrs = {**_attributes(part, catalog, plan), **failure_attributes(part, catalog, plan)}
    return conjunction_dataset(columns, attrs)


def partial_dataset(part: Part, catalog: ScreeningObjects, plan: Plan) -> xr.Dataset:
    """Build the Dataset of a part of a screening, without entry and exit times, which need the whole window."""
    events = _sorted(part.events, catalog.norad_id)
    attrs = {"Conventions": CONVENTIONS, "title": TITLE, **failure_attributes(part, catalog, plan)}
    return conjunction_dataset(event_columns(events, catalog, Epoch.of(*plan.midnight)), attrs)


def conjunction_dataset(columns: Mapping[str, Any], attrs: Mapping[str, Any]) -> xr.Dataset:
    """Build a Dataset from columns by name; with the coordinates, index, types and attributes of every result."""
    variables = {name: spec.of(columns[name]) for name, spec in VARIABLES.items() if name in columns}
    return arrange(xr.Dataset(variables, attrs=dict(attrs)))


def arrange(ds: xr.Dataset) -> xr.Dataset:
    """Set coordinates, index and the order of variables of a result."""
    order = [name for name in (*VARIABLES, *ds.variables) if name in ds.variables and name != ROW]
    ds = ds.set_coords([name for name in COORDINATES if name in ds.variables])
    return index_rows(ds, ROW, "tca")[list(dict.fromkeys(order))]


def event_columns(events: Encounters, catalog: ScreeningObjects, midnight: Epoch) -> dict[str, Any]:
    """Columns of a result by name, without entry and exit times; ``tca_s`` counts from `midnight`."""
    a, b, tca_s = events.first, events.second, events.tca_s
    tca = to_datetime64(midnight.jd, 0.0, tca_s)
    latitude, longitude, altitude = geodetic(tca, events.midpoint_km)
    regimes = _regime_codes(catalog)
    return {
        "tca": tca,
        "primary": catalog.norad_id[a],
        "secondary": catalog.norad_id[b],
        "primary_name": catalog.name[a],
        "secondary_name": catalog.name[b],
        "miss_distance": events.miss_km,
        "relative_speed": events.speed_km_s,
        "miss_radial": events.miss_rtn[:, 0],
        "miss_transverse": events.miss_rtn[:, 1],
        "miss_normal": events.miss_rtn[:, 2],
        "primary_epoch_age_days": _age_days(catalog, a, midnight, tca_s),
        "secondary_epoch_age_days": _age_days(catalog, b, midnight, tca_s),
        "flags": events.flags,
        "altitude": altitude,
        "latitude": latitude,
        "longitude": longitude,
        "regime": np.minimum(regimes[a], regimes[b]),
        "primary_regime": regimes[a],
        "secondary_regime": regimes[b],
        **_descriptions(catalog, a, b),
    }


def _sorted(events: Encounters, ids: Ints) -> Encounters:
    return events[np.lexsort((ids[events.second], ids[events.first], events.tca_s))]


def _age_days(catalog: ScreeningObjects, index: Ints, midnight: Epoch, tca_s: Floats) -> Floats:
    days = np.floor(tca_s / SECONDS_PER_DAY)  # whole days first: the sum does not depend on the midnight
    age: Floats = (midnight.jd + days - catalog.epoch_jd[index]) + (
        (tca_s - days * SECONDS_PER_DAY) / SECONDS_PER_DAY - catalog.epoch_fr[index]
    )
    return age


def _regime_codes(catalog: ScreeningObjects) -> np.ndarray[Any, np.dtype[np.int8]]:
    """Regime of every object: of its elements, or of the first state of its trajectory."""
    elements = catalog.catalog
    heights = np.stack(apsis_heights_km(elements.mean_motion, elements.eccentricity))
    if catalog.any_trajectory:
        tracks = catalog.trajectories
        first = tracks.offset[np.searchsorted(tracks.segment_object, np.arange(len(tracks)))]
        states = np.stack(osculating_heights_km(tracks.position[first], tracks.velocity[first]))
        heights = np.concatenate([heights, states], axis=1)
    names = regime_of(*heights)
    codes = np.zeros(len(names), np.int8)
    for code, name in enumerate(REGIMES, 1):
        codes[names == name] = code
    return codes


def _descriptions(catalog: ScreeningObjects, first: Ints, second: Ints) -> dict[str, Strings]:
    """Type, status and owner of both objects, empty where unknown; status and owner only if known of some object."""
    columns: dict[str, Strings] = {}
    for name, column in (("type", "object_type"), ("status", "status"), ("owner", "owner")):
        values = np.concatenate([getattr(catalog.catalog, column), np.full(len(catalog.trajectories), "")])
        if name == "type" or (values != "").any():
            columns |= {f"primary_{name}": values[first], f"secondary_{name}": values[second]}
    return columns


def failure_attributes(part: Part, catalog: ScreeningObjects, plan: Plan) -> dict[str, Any]:
    """Objects that could not be propagated at some node, by time, as attributes."""
    midnight = Epoch.of(*plan.midnight)
    failed_s = np.asarray(plan.node_s(part.failed_node), float)
    sort = np.lexsort((catalog.norad_id[part.failed_object], failed_s))
    columns = {
        "norad_id": catalog.norad_id[part.failed_object[sort]],
        "code": part.failed_code[sort],
        "time": to_datetime64(midnight.jd, 0.0, failed_s[sort]),
    }
    return as_failure_attributes(columns)


def as_failure_attributes(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Columns of the table of failures as attributes that every netCDF library writes: times as a list of ISO texts."""
    values = {name: spec.of(columns[name]).values for name, spec in FAILURES.items()}
    times = np.atleast_1d(format_utc(values["time"])).tolist()
    return {f"{FAILED}{name}": times if name == "time" else array for name, array in values.items()}


def _title(plan: Plan, *, any_trajectory: bool) -> str:
    if plan.settings.primaries is not None:
        return "conjunctions of primaries with all others"
    return "conjunctions of objects with trajectories with all others" if any_trajectory else TITLE


def _attributes(part: Part, catalog: ScreeningObjects, plan: Plan) -> dict[str, Any]:
    """Attributes of the result; none of them depends on the machine or on the tiling."""
    certificate = part.certificate
    trajectories: dict[str, Any] = {}
    interpolation: dict[str, Any] = {}
    if catalog.any_trajectory:
        error_km = catalog.trajectories.interpolation_error_km()
        worst = int(error_km.argmax())
        trajectories = {
            "objects_with_trajectory": len(catalog.trajectories),
            "largest_interpolation_error_km": float(error_km[worst]),
        }
        interpolation = {
            "interpolation_error_km": float(error_km[worst]),
            "worst_trajectory": int(catalog.trajectories.norad_id[worst]),
        }
    return {
        "Conventions": CONVENTIONS,
        "title": _title(plan, any_trajectory=bool(trajectories)),
        "frame": "TEME",
        "time_system": "UTC",
        "start": format_utc(Epoch.of(*plan.start)),
        "duration_s": plan.duration_s,
        "threshold_km": plan.threshold_km,
        "objects": len(catalog),
        "objects_rejected": catalog.rejected_count,
        "objects_failed": len(part.failed_object),
        **trajectories,
        **({} if plan.settings.primaries is None else {"primaries": len(plan.settings.primaries)}),
        "candidates": part.candidates,
        "candidates_unrefined": part.unrefined,
        "events": len(part.events),
        "catalog_source": catalog.source,
        "catalog_sha256": catalog.sha256,
        "catalog_digest": catalog.digest(),
        **sets_attributes(catalog.catalog),
        **ElementAges.of(catalog.catalog, Window(Epoch.of(*plan.start), plan.duration_s)).attributes(),
        "certificate": json.dumps(
            {
                "complete": certificate.holds,
                "pairs_measured": certificate.pairs_measured,
                "largest_ratio": certificate.largest_ratio,
                "largest_pad_km": certificate.largest_pad_km,
                "worst": certificate.worst,
                **interpolation,
                "plan": plan.describe(),
            }
        ),
    }


def flag_names(flags: int) -> str:
    """Names of the set bits joined by ``|``, empty for none."""
    return "|".join(name for bit, name in FLAGS.items() if flags & bit)
