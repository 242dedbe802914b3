"""Conjunction rates and the value of removals, from screenings.

Where the positions of two objects are independent, the miss vector is uniform over the disc of radius D across their
relative velocity, so of N conjunctions within a threshold D a share of (R/D)^2 passes within the combined radius R: the
expected number of collisions. The law does not hold for slow pairs (docked, formation) nor within constellations, whose
satellites keep their distance; these are left out.

Conjunctions are read in blocks, so the Dataset may be larger than memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from stmgpu.catalog.orbits import semi_major_axis_km
from stmgpu.constants import EARTH, SECONDS_PER_DAY, SLOW_PAIR_KM_S
from stmgpu.debris.breakup.size_law import expected_fragments
from stmgpu.debris.population.population import CLASS_NAMES, Population
from stmgpu.debris.shells import SHELL_EDGES_KM
from stmgpu.errors import InputError
from stmgpu.time import YEAR_DAYS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike, NDArray

    from stmgpu.catalog import Catalog
    from stmgpu.typing import Floats, Ints, Times

GROUPS = ("altitude", "class", "month")
"""Dimensions by which conjunctions can be counted."""

_ROWS = 1_000_000


def conjunction_rate(
    con: xr.Dataset,
    objects: Catalog | Population,
    *,
    by: str | tuple[str, ...] = "altitude",
    altitude_edges_km: ArrayLike = SHELL_EDGES_KM,
    min_speed_km_s: float = SLOW_PAIR_KM_S,
) -> xr.Dataset:
    """Compute conjunctions per day by altitude, class and month.

    Parameters
    ----------
    con : Dataset
        Conjunctions, from :func:`stmgpu.screen` or a store.
    objects : Catalog or Population
        Objects that were screened, with their altitudes and classes.
    by : str or tuple of str
        'altitude' (mean altitude of the primary), 'class' (of both objects; object type for a catalogue), 'month' (of
        the closest approach), or several of them.
    altitude_edges_km : array_like
        Edges of the shells [km].
    min_speed_km_s : float
        Slower conjunctions are not counted [km/s].

    Returns
    -------
    Dataset
        ``conjunctions`` (number) and ``rate`` [1/d] over ``shell``, ``class`` and ``partner`` (each pair once, in the
        order of the classes), ``month`` (first day; the rate is over its days within the window). Attributes:
        ``counted``, ``slow``, ``unknown`` (an object is not among ``objects``), ``outside`` (in no shell).

    Raises
    ------
    InputError
        An unknown ``by``, or a Dataset without the length of its window.
    """
    groups = (by,) if isinstance(by, str) else tuple(by)
    if not groups or len(set(groups)) < len(groups) or any(name not in GROUPS for name in groups):
        raise InputError(f"by = {by!r} is unknown; choose one or several of {', '.join(GROUPS)}")
    start, days = _window(con)
    known = _Known(objects)
    edges = np.asarray(altitude_edges_km, np.float64)
    months = np.arange(
        start.astype("datetime64[M]"), (start + _duration(days) - np.timedelta64(1, "ns")).astype("datetime64[M]") + 1
    )
    dims, shape = [], []
    for name in groups:
        dims += {"altitude": ["shell"], "class": ["class", "partner"], "month": ["month"]}[name]
        shape += {"altitude": [len(edges) - 1], "class": [len(known.classes)] * 2, "month": [len(months)]}[name]
    counts = np.zeros(int(np.prod(shape)), np.int64)
    tally = {"counted": 0, "slow": 0, "unknown": 0, "outside": 0}
    for part in _blocks(con, ("primary", "secondary", "tca", "relative_speed")):
        first, second = known.rows(part["primary"]), known.rows(part["secondary"])
        fast, is_known = part["relative_speed"] >= min_speed_km_s, (first >= 0) & (second >= 0)
        tally["slow"] += int((~fast).sum())
        tally["unknown"] += int((fast & ~is_known).sum())
        use = fast & is_known
        first, second, month = first[use], second[use], part["tca"][use].astype("datetime64[M]")
        places: list[Ints] = []
        inside = np.ones(len(first), np.bool_)
        for name in groups:
            if name == "altitude":
                shell = np.searchsorted(edges, known.altitude_km[first], side="right") - 1
                inside &= (shell >= 0) & (shell < len(edges) - 1)
                places.append(shell)
            elif name == "class":
                kinds = np.stack([known.kind[first], known.kind[second]])
                places += [kinds.min(axis=0), kinds.max(axis=0)]
            else:
                index = (month - months[0]).astype(np.int64)
                places.append(np.clip(index, 0, len(months) - 1))  # minima at the very end of the window
        tally["outside"] += int((~inside).sum())
        tally["counted"] += int(inside.sum())
        flat = np.ravel_multi_index(tuple(place[inside] for place in places), shape)
        counts += np.bincount(flat, minlength=len(counts))
    coords = _coordinates(groups, edges, known.classes, months)
    number = xr.DataArray(
        counts.reshape(shape), dims=dims, coords=coords, attrs={"units": "1", "long_name": "conjunctions"}
    )
    span: xr.DataArray | float = days
    if "month" in groups:
        begin = np.maximum(months.astype("datetime64[ns]"), start)
        finish = np.minimum((months + 1).astype("datetime64[ns]"), start + _duration(days))
        span = xr.DataArray((finish - begin) / np.timedelta64(1, "D"), dims="month", coords={"month": number["month"]})
    rate = (number / span).assign_attrs(units="1/d", long_name="conjunctions a day")
    return xr.Dataset(
        {"conjunctions": number, "rate": rate},
        attrs={
            **tally,
            "days": days,
            "threshold_km": con.attrs.get("threshold_km", np.nan),
            "min_speed_km_s": min_speed_km_s,
        },
    )


def removal_value(
    con: xr.Dataset,
    population: Population,
    *,
    min_length_m: float = 0.1,
    avoidance: float = 0.01,
    avoidance_both: float = 0.0,
    min_speed_km_s: float = SLOW_PAIR_KM_S,
) -> xr.Dataset:
    """Rank objects by the fragments expected from their conjunctions.

    A conjunction within the threshold D counts as (R/D)^2 collisions (R: combined radius), a collision as the fragments
    that the breakup model expects of it. The value of an object is the sum over its conjunctions, per year.

    Parameters
    ----------
    con : Dataset
        Conjunctions, from :func:`stmgpu.screen` or a store; a long window and a large threshold reduce the sampling
        error of the ranking.
    population : Population
        Objects with masses and radii, by NORAD id.
    min_length_m : float
        Smallest fragment to count [m].
    avoidance, avoidance_both : float
        Fraction of collisions that remains if one or both of the objects can manoeuvre.
    min_speed_km_s : float
        Slower conjunctions are left out [km/s], as are pairs within one constellation.

    Returns
    -------
    Dataset
        Over (object), most valuable first: ``norad_id``, ``value`` [fragments/a], ``share`` of the total,
        ``share_removed`` (share of the total that this object and all above it account for, each pair once),
        ``collision_rate`` [1/a], ``conjunctions``, ``mass`` [kg], ``kind``. Attributes: ``total`` [fragments/a],
        ``counted``, ``slow``, ``constellation`` and ``unknown`` conjunctions.

    Raises
    ------
    InputError
        A Dataset without its threshold or the length of its window, or an avoidance out of range.
    """
    for name, share in (("avoidance", avoidance), ("avoidance_both", avoidance_both)):
        if not 0.0 <= share <= 1.0:
            raise InputError(f"{name} = {share} is out of range; choose a fraction between 0 and 1")
    _, days = _window(con)
    threshold = con.attrs.get("threshold_km")
    if threshold is None:
        raise InputError("the conjunctions lack the attribute threshold_km; screen again")
    known = _Known(population)
    tally = {"counted": 0, "slow": 0, "constellation": 0, "unknown": 0}
    pairs: list[tuple[Ints, Ints, Floats, Floats]] = []
    for part in _blocks(con, ("primary", "secondary", "relative_speed")):
        first, second, speed = known.rows(part["primary"]), known.rows(part["secondary"]), part["relative_speed"]
        fast, is_known = speed >= min_speed_km_s, (first >= 0) & (second >= 0)
        group = population.constellation
        kin = is_known & (group[first] >= 0) & (group[first] == group[second])
        tally["slow"] += int((~fast).sum())
        tally["unknown"] += int((fast & ~is_known).sum())
        tally["constellation"] += int((fast & kin).sum())
        use = fast & is_known & ~kin
        tally["counted"] += int(use.sum())
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

    def by_object(amount: Floats) -> Floats:
        return np.asarray(np.bincount(first, amount, n) + np.bincount(second, amount, n), np.float64)

    value = by_object(worth)
    times = np.bincount(first, minlength=n) + np.bincount(second, minlength=n)
    ids = population.ids()
    order = np.lexsort((ids, -value))
    order = order[times[order] > 0]
    total = float(worth.sum())
    rank = np.full(n, n)
    rank[order] = np.arange(len(order))
    removed = np.bincount(np.minimum(rank[first], rank[second]), worth, len(order))[: len(order)]
    scale = 1.0 / total if total > 0.0 else 0.0
    columns: dict[str, tuple[NDArray[np.generic], str, str]] = {
        "norad_id": (ids[order], "1", "NORAD id"),
        "value": (value[order], "1/a", "fragments a year that its collisions are expected to make"),
        "share": (value[order] * scale, "1", "share of all expected fragments in which it takes part"),
        "share_removed": (
            np.cumsum(removed) * scale,
            "1",
            "share of all expected fragments due to it and those above",
        ),
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
            **tally,
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
            self.kind: Ints = objects.kind.astype(np.int64)
            axis = objects.a_km
        else:
            types, kind = np.unique(objects.object_type, return_inverse=True)
            self.classes = tuple(str(name) or "unknown" for name in types)
            self.kind = kind.astype(np.int64)
            axis = semi_major_axis_km(objects.mean_motion)
        self.altitude_km: Floats = axis - EARTH.radius_km

    def rows(self, norad_id: Ints) -> Ints:
        """Return the row of each id; -1 for unknown ids, and for 0, which means no id."""
        if not len(self.ids):
            return np.full(len(norad_id), -1)
        k = np.minimum(np.searchsorted(self.ids, norad_id), len(self.ids) - 1)
        return np.where((self.ids[k] == norad_id) & (norad_id != 0), self.order[k], -1)


def _blocks(con: xr.Dataset, names: tuple[str, ...]) -> Iterator[dict[str, NDArray[Any]]]:
    """Yield columns of the conjunctions in blocks of rows; a single empty block if there are none."""
    for k in range(0, max(con.sizes["conjunction"], 1), _ROWS):
        part = con[list(names)].isel(conjunction=slice(k, k + _ROWS))
        yield {name: part[name].to_numpy() for name in names}


def _window(con: xr.Dataset) -> tuple[np.datetime64, float]:
    """Return start and length [d] of the window that was screened."""
    try:
        start, seconds = np.datetime64(str(con.attrs["start"]).rstrip("Z"), "ns"), float(con.attrs["duration_s"])
    except KeyError as error:
        raise InputError(
            f"the conjunctions lack the attribute {error.args[0]} of their window; screen "
            "again, or use a Dataset of stmgpu.screen"
        ) from None
    if not seconds > 0.0:
        raise InputError(f"the window of the conjunctions has duration_s = {seconds}; screen again")
    return start, seconds / SECONDS_PER_DAY


def _duration(days: float) -> np.timedelta64:
    return np.timedelta64(round(days * SECONDS_PER_DAY * 1e9), "ns")


def _coordinates(by: tuple[str, ...], edges: Floats, classes: tuple[str, ...], months: Times) -> dict[str, Any]:
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
