"""What screenings say of the debris problem: conjunction rates, and which objects' removal would take most risk away.

Conjunctions within a threshold D are many, collisions are few. Where the tracks of two objects know nothing of each
other, the point at which one passes the other is uniform over the disc of radius D across their relative velocity, so
of N conjunctions within D the share (R/D)^2 passes within the combined radius R: the expected number of collisions. The
law does not hold for slow pairs (docked, formation) nor within constellations, whose satellites keep their distance;
these are left out.

Conjunctions are read a piece at a time, so the Dataset may be larger than the memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from stmgpu.catalog import Catalog
from stmgpu.catalog.orbits import semi_major_axis_km
from stmgpu.constants import EARTH, SECONDS_PER_DAY, SLOW_PAIR_KM_S
from stmgpu.debris.breakup.size_law import expected_fragments
from stmgpu.debris.population.population import CLASS_NAMES, Population
from stmgpu.debris.shells import SHELL_EDGES_KM
from stmgpu.errors import InputError
from stmgpu.time import YEAR_DAYS

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

GROUPS = ("altitude", "class", "month")
"""What conjunctions can be counted by."""

_ROWS = 1_000_000


def conjunction_rate(
    con: xr.Dataset,
    objects: Catalog | Population,
    by: str | tuple[str, ...] = "altitude",
    altitude_edges_km: Any = SHELL_EDGES_KM,
    min_speed_km_s: float = SLOW_PAIR_KM_S,
) -> xr.Dataset:
    """Conjunctions a day by altitude, class and month.

    Parameters
    ----------
    con
        conjunctions, from :func:`stmgpu.screen` or a store.
    objects
        what was screened, as a catalogue or a population: altitudes and classes come from it.
    by
        'altitude' (mean altitude of the primary), 'class' (of both; classes of the population, object types of a
        catalogue), 'month' (of the closest approach), or several of them.
    altitude_edges_km
        edges of the shells; what lies outside is in none.
    min_speed_km_s
        slower conjunctions are not counted.

    Returns
    -------
    Dataset: ``conjunctions`` (number) and ``rate`` [1/d] over ``shell``, ``class`` and ``partner`` (each pair once: the
    class that comes first in the list first), ``month`` (first day; its rate is over the days that the window has of
    it). Attributes: ``counted``, ``slow``, ``unknown`` (an object is not among ``objects``), ``outside`` (in no shell).

    Raises
    ------
    InputError
        an unknown ``by``, or a Dataset that does not say how long its window is.
    """
    wanted = (by,) if isinstance(by, str) else tuple(by)
    if not wanted or len(set(wanted)) < len(wanted) or any(name not in GROUPS for name in wanted):
        raise InputError(f"by = {by!r} is not understood; choose one or several of {', '.join(GROUPS)}")
    start, days = _window(con)
    known = _Known(objects)
    edges = np.asarray(altitude_edges_km, np.float64)
    months = np.arange(
        start.astype("datetime64[M]"), (start + _duration(days) - np.timedelta64(1, "ns")).astype("datetime64[M]") + 1
    )
    dims, shape = [], []
    for name in wanted:
        dims += {"altitude": ["shell"], "class": ["class", "partner"], "month": ["month"]}[name]
        shape += {"altitude": [len(edges) - 1], "class": [len(known.classes)] * 2, "month": [len(months)]}[name]
    counts = np.zeros(int(np.prod(shape)), np.int64)
    told = {"counted": 0, "slow": 0, "unknown": 0, "outside": 0}
    for part in _pieces(con, ("primary", "secondary", "tca", "relative_speed")):
        first, second = known.rows(part["primary"]), known.rows(part["secondary"])
        fast, there = part["relative_speed"] >= min_speed_km_s, (first >= 0) & (second >= 0)
        told["slow"] += int((~fast).sum())
        told["unknown"] += int((fast & ~there).sum())
        use = fast & there
        first, second, month = first[use], second[use], part["tca"][use].astype("datetime64[M]")
        places: list[Integers] = []
        inside = np.ones(len(first), np.bool_)
        for name in wanted:
            if name == "altitude":
                shell = np.searchsorted(edges, known.altitude_km[first], side="right") - 1
                inside &= (shell >= 0) & (shell < len(edges) - 1)
                places.append(shell)
            elif name == "class":
                kinds = np.stack([known.kind[first], known.kind[second]])
                places += [kinds.min(axis=0), kinds.max(axis=0)]
            else:
                at = (month - months[0]).astype(np.int64)
                places.append(np.clip(at, 0, len(months) - 1))  # minima at the very end of the window
        told["outside"] += int((~inside).sum())
        told["counted"] += int(inside.sum())
        flat = np.ravel_multi_index(tuple(place[inside] for place in places), shape)
        counts += np.bincount(flat, minlength=len(counts))
    coords = _coordinates(wanted, edges, known.classes, months)
    number = xr.DataArray(
        counts.reshape(shape), dims=dims, coords=coords, attrs={"units": "1", "long_name": "conjunctions"}
    )
    span: Any = days
    if "month" in wanted:
        begin = np.maximum(months.astype("datetime64[ns]"), start)
        finish = np.minimum((months + 1).astype("datetime64[ns]"), start + _duration(days))
        span = xr.DataArray((finish - begin) / np.timedelta64(1, "D"), dims="month", coords={"month": number["month"]})
    rate = (number / span).assign_attrs(units="1/d", long_name="conjunctions a day")
    return xr.Dataset(
        {"conjunctions": number, "rate": rate},
        attrs={
            **told,
            "days": days,
            "threshold_km": con.attrs.get("threshold_km", np.nan),
            "min_speed_km_s": min_speed_km_s,
        },
    )


def removal_value(
    con: xr.Dataset,
    population: Population,
    min_length_m: float = 0.1,
    avoidance: float = 0.01,
    avoidance_both: float = 0.0,
    min_speed_km_s: float = SLOW_PAIR_KM_S,
) -> xr.Dataset:
    """Which objects' removal would take most risk away: fragments to be expected from each, by all its conjunctions.

    Every conjunction within the threshold D stands for (R/D)^2 collisions (R: combined radius), and a collision of the
    pair for the fragments that the breakup model expects of it. An object's value is the sum over its conjunctions over
    the length of the window.

    Parameters
    ----------
    con
        conjunctions, from :func:`stmgpu.screen` or a store; the longer the window and the larger the threshold, the
        less the ranking is by chance.
    population
        the objects with masses and radii, by NORAD id.
    min_length_m
        fragments of this length and longer count [m].
    avoidance, avoidance_both
        share of collisions that is left where one of two, or both, are controlled and can avoid the other.
    min_speed_km_s
        slower conjunctions are left out, and so are pairs within one constellation.

    Returns
    -------
    Dataset (object), most valuable first: ``norad_id``, ``value`` [fragments/a], ``share`` of all risk,
    ``share_removed`` (share of all risk that is gone with this object and all above it: a pair counts once),
    ``collision_rate`` [1/a], ``conjunctions``, ``mass`` [kg], ``kind``. Attributes: ``total`` [fragments/a],
    ``counted``, ``slow``, ``constellation`` and ``unknown`` conjunctions.

    Raises
    ------
    InputError
        a Dataset that says neither its threshold nor how long its window is; an impossible avoidance.
    """
    for name, share in (("avoidance", avoidance), ("avoidance_both", avoidance_both)):
        if not 0.0 <= share <= 1.0:
            raise InputError(f"{name} = {share} is impossible; give a share between 0 and 1")
    _, days = _window(con)
    threshold = con.attrs.get("threshold_km")
    if threshold is None:
        raise InputError("the conjunctions do not say their threshold (attribute threshold_km); screen again")
    known = _Known(population)
    told = {"counted": 0, "slow": 0, "constellation": 0, "unknown": 0}
    pairs: list[tuple[Integers, Integers, Floats, Floats]] = []
    for part in _pieces(con, ("primary", "secondary", "relative_speed")):
        first, second, speed = known.rows(part["primary"]), known.rows(part["secondary"]), part["relative_speed"]
        fast, there = speed >= min_speed_km_s, (first >= 0) & (second >= 0)
        group = population.constellation
        kin = there & (group[first] >= 0) & (group[first] == group[second])
        told["slow"] += int((~fast).sum())
        told["unknown"] += int((fast & ~there).sum())
        told["constellation"] += int((fast & kin).sum())
        use = fast & there & ~kin
        told["counted"] += int(use.sum())
        first, second, speed = first[use], second[use], speed[use]
        reach_km = (population.radius_m[first] + population.radius_m[second]) * 1e-3
        steers = population.controlled.astype(np.int64)[[first, second]].sum(axis=0)
        rate = (reach_km / threshold) ** 2 * np.array([1.0, avoidance, avoidance_both])[steers] * YEAR_DAYS / days
        pairs.append(
            (
                first,
                second,
                rate,
                rate
                * expected_fragments(
                    population.mass_kg[first], population.mass_kg[second], speed, min_length_m=min_length_m
                ),
            )
        )
    first, second, rate, worth = (np.concatenate(columns) for columns in zip(*pairs, strict=True))
    n = len(population)

    def by_object(amount: Floats | None) -> Any:
        return np.bincount(first, amount, n) + np.bincount(second, amount, n)

    value, times = by_object(worth), by_object(None)
    ids = population.ids()
    order = np.lexsort((ids, -value))
    order = order[times[order] > 0]
    total = float(worth.sum())
    rank = np.full(n, n)
    rank[order] = np.arange(len(order))
    gone = np.bincount(np.minimum(rank[first], rank[second]), worth, len(order))[: len(order)]
    scale = 1.0 / total if total > 0.0 else 0.0
    columns: dict[str, Any] = {
        "norad_id": (ids[order], "1", "NORAD id"),
        "value": (value[order], "1/a", "fragments a year that its collisions are expected to make"),
        "share": (value[order] * scale, "1", "share of all expected fragments in which it takes part"),
        "share_removed": (np.cumsum(gone) * scale, "1", "share of all expected fragments gone with it and those above"),
        "collision_rate": (by_object(rate)[order], "1/a", "collisions a year"),
        "conjunctions": (times[order].astype(np.int64), "1", "conjunctions within the threshold"),
        "mass": (population.mass_kg[order], "kg", "mass"),
        "kind": (population.kind[order], "1", "class"),
    }
    return xr.Dataset(
        {
            name: ("object", values, {"units": units, "long_name": text})
            for name, (values, units, text) in columns.items()
        },
        attrs={
            "total": total,
            **told,
            "days": days,
            "threshold_km": float(threshold),
            "min_length_m": min_length_m,
            "avoidance": avoidance,
            "avoidance_both": avoidance_both,
        },
    )


class _Known:
    """Rows, altitudes and classes of objects by NORAD id."""

    def __init__(self, objects: Catalog | Population) -> None:
        ids = objects.ids() if isinstance(objects, Population) else objects.norad_id
        self.order = np.argsort(ids, kind="stable")
        self.ids = ids[self.order]
        if isinstance(objects, Population):
            self.classes: tuple[str, ...] = CLASS_NAMES
            self.kind: Integers = objects.kind.astype(np.int64)
            axis = objects.a_km
        else:
            types, kind = np.unique(objects.object_type, return_inverse=True)
            self.classes = tuple(str(name) or "unknown" for name in types)
            self.kind = kind.astype(np.int64)
            axis = semi_major_axis_km(objects.mean_motion)
        self.altitude_km: Floats = axis - EARTH.radius_km

    def rows(self, norad_id: Integers) -> Integers:
        """Row of each id; -1 for ids that are not known, and for 0, which stands for none."""
        if not len(self.ids):
            return np.full(len(norad_id), -1)
        k = np.minimum(np.searchsorted(self.ids, norad_id), len(self.ids) - 1)
        return np.where((self.ids[k] == norad_id) & (norad_id != 0), self.order[k], -1)


def _pieces(con: xr.Dataset, names: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """Columns of the conjunctions, so many rows at a time; one empty piece where there are none."""
    for k in range(0, max(con.sizes["conjunction"], 1), _ROWS):
        part = con[list(names)].isel(conjunction=slice(k, k + _ROWS))
        yield {name: part[name].to_numpy() for name in names}


def _window(con: xr.Dataset) -> tuple[np.datetime64, float]:
    """Start and length [d] of the window that was screened."""
    try:
        start, seconds = np.datetime64(str(con.attrs["start"]).rstrip("Z"), "ns"), float(con.attrs["duration_s"])
    except KeyError as error:
        raise InputError(
            f"the conjunctions do not say their window (attribute {error.args[0]} is missing); screen "
            "again, or take a Dataset of stmgpu.screen"
        ) from None
    if not seconds > 0.0:
        raise InputError(f"the window of the conjunctions is {seconds} s long; it must be positive")
    return start, seconds / SECONDS_PER_DAY


def _duration(days: float) -> np.timedelta64:
    return np.timedelta64(round(days * SECONDS_PER_DAY * 1e9), "ns")


def _coordinates(by: tuple[str, ...], edges: Floats, classes: tuple[str, ...], months: Any) -> dict[str, Any]:
    coords: dict[str, Any] = {}
    if "altitude" in by:
        coords |= {
            "shell": ("shell", 0.5 * (edges[:-1] + edges[1:]), {"units": "km"}),
            "shell_lower": ("shell", edges[:-1], {"units": "km"}),
            "shell_upper": ("shell", edges[1:], {"units": "km"}),
        }
    if "class" in by:
        coords |= {"class": list(classes), "partner": list(classes)}
    if "month" in by:
        coords |= {"month": months.astype("datetime64[ns]")}
    return coords
