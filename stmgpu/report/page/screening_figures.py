"""Numbers behind the figures of a screening's page, over all of its fast conjunctions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from stmgpu.errors import printable
from stmgpu.report.page.objects import DEBRIS, KINDS, PAYLOAD, ROCKET_BODY, UNKNOWN, inclinations_deg
from stmgpu.screen.variables import ROW

if TYPE_CHECKING:
    import xarray as xr

    from stmgpu.report.page.objects import PageObjects
    from stmgpu.typing import Floats, Ints

_BINS = 40
_FAMILIES = 8
_COUNTED = (
    "tca", "primary", "secondary", "miss_distance", "relative_speed", "primary_epoch_age_days",
    "secondary_epoch_age_days", "altitude", "latitude",
)  # fmt: skip
BUSIEST = 20
"""Objects in the list of those with the most conjunctions."""

_HOUR_S = 3600.0
_STEPS_S = (60.0, 600.0, _HOUR_S, 6 * _HOUR_S, 24 * _HOUR_S, 7 * 24 * _HOUR_S, 30 * 24 * _HOUR_S)
_MOST_STEPS = 200
_LEO_KM = (100.0, 2000.0)
_LABELS = {PAYLOAD: "other payloads", ROCKET_BODY: "rocket bodies", DEBRIS: "debris", UNKNOWN: "unknown"}


def figure_data(ds: xr.Dataset, objects: PageObjects) -> dict[str, Any]:
    """Counts for every figure.

    Parameters
    ----------
    ds : Dataset
        Conjunctions to count: those of fast pairs.
    objects : PageObjects
        Objects of the conjunctions.

    Returns
    -------
    dict
        ``miss_speed``, ``miss_age``, ``altitude_latitude`` and ``altitude_inclination``: ``x`` and ``y`` edges,
        ``counts`` row by row of y, and ``outside``, the number in no cell; ``per_hour``: ``edges`` [Unix s],
        ``step_s`` and ``counts``; ``within``: ``counts`` of conjunctions within ``d`` [km]; ``types`` and
        ``constellations``: ``labels`` and a symmetric table of ``counts``; ``busiest``: ``ids``, ``names`` and
        ``counts``. What the result lacks is absent.
    """
    miss = ds.miss_distance.to_numpy()
    miss_edges = np.linspace(0.0, float(ds.attrs["threshold_km"]), _BINS + 1)
    places = [objects.places(ds[who].to_numpy()) for who in ("primary", "secondary")]
    data: dict[str, Any] = {
        "miss_speed": _density(ds.relative_speed.to_numpy(), _speed_edges(ds), miss, miss_edges),
        "per_hour": _per_time(ds),
        "within": _within(miss, float(ds.attrs["threshold_km"])),
        "types": _matrix(*_kind_labels(objects), places),
        "busiest": _busiest(objects, places),
    }
    if "primary_epoch_age_days" in ds:
        ages = np.stack([ds[f"{who}_epoch_age_days"].to_numpy() for who in ("primary", "secondary")])
        older = np.fmax(*np.abs(ages))
        data["miss_age"] = _density(older, _nice_edges(older, 0.0), miss, miss_edges)
    if "altitude" in ds:
        altitude = ds.altitude.to_numpy().astype(np.float64)
        edges = _altitude_edges(altitude)
        latitudes = np.linspace(-90.0, 90.0, 37)
        data["altitude_latitude"] = _density(ds.latitude.to_numpy().astype(np.float64), latitudes, altitude, edges)
        inclinations = inclinations_deg(objects)
        if inclinations is not None:
            both = np.concatenate([inclinations[place] for place in places])
            data["altitude_inclination"] = _density(both, np.linspace(0.0, 180.0, 37), np.tile(altitude, 2), edges)
    labels, group = family_labels(objects)
    if len(labels) > len(set(_LABELS.values()) & set(labels)):
        data["constellations"] = _matrix(labels, group, places)
    return data


def _density(x: Floats, x_edges: Floats, y: Floats, y_edges: Floats) -> dict[str, Any]:
    """Counts in cells, the last of which holds its upper edge; ``outside`` is the number of those in none."""
    counts, _, _ = np.histogram2d(y, x, (y_edges, x_edges))
    whole = counts.astype(np.int64)
    return {"x": x_edges, "y": y_edges, "counts": whole.ravel(), "outside": len(x) - int(whole.sum())}


def _speed_edges(ds: xr.Dataset) -> Floats:
    return _nice_edges(ds.relative_speed.to_numpy(), 0.0)


def _nice_edges(values: Floats, low: float, *, high: float | None = None) -> Floats:
    """About `_BINS` edges of a round step from `low` to the largest value."""
    top = float(np.nanmax(values)) if high is None and np.isfinite(values).any() else high or 1.0
    span = max(top - low, 1e-6)
    raw = span / _BINS
    unit = 10.0 ** np.floor(np.log10(raw))
    step = unit * next(factor for factor in (1.0, 2.0, 2.5, 5.0, 10.0) if factor * unit >= raw * 0.999)
    first = np.floor(low / step)
    return np.asarray(step * np.arange(first, np.ceil(top / step - 1e-9) + 1))


def _altitude_edges(altitude: Floats) -> Floats:
    """Edges over low orbits where most conjunctions are, otherwise over all but the outermost 0.5 %."""
    if not len(altitude) or np.mean((altitude > _LEO_KM[0]) & (altitude < _LEO_KM[1])) > 0.5:
        return np.arange(_LEO_KM[0], _LEO_KM[1] + 1.0, 50.0)
    low, high = np.quantile(altitude, (0.005, 0.995))
    return _nice_edges(altitude, float(low), high=float(max(high, low + 1.0)))


def _per_time(ds: xr.Dataset) -> dict[str, Any]:
    """Conjunctions by time of closest approach, by the hour or by a step that suits the window."""
    start = float(np.datetime64(str(ds.attrs["start"]).rstrip("Z"), "us").astype(np.int64)) / 1e6
    duration = float(ds.attrs["duration_s"])
    step = next((one for one in _STEPS_S[2:] if duration / one <= _MOST_STEPS), _STEPS_S[-1])
    if duration < 6 * _HOUR_S:
        step = next(one for one in _STEPS_S if duration / one <= 36)
    edges = start + np.append(np.arange(0.0, duration, step), duration)
    tca = ds.tca.to_numpy().astype("datetime64[us]").astype(np.float64) / 1e6
    return {"edges": edges, "step_s": step, "counts": np.histogram(np.clip(tca, edges[0], edges[-1]), edges)[0]}


def _within(miss: Floats, threshold_km: float) -> dict[str, Any]:
    """Conjunctions within each of a row of distances up to the threshold."""
    distances = threshold_km * np.geomspace(0.01, 1.0, 41)
    return {"d": distances, "counts": np.searchsorted(np.sort(miss), distances, side="right")}


def _kind_labels(objects: PageObjects) -> tuple[list[str], Ints]:
    kinds, _ = objects.kinds()
    present = [kind for kind in KINDS if np.any(kinds == kind)]
    return present, np.array([present.index(kind) for kind in kinds.tolist()], np.int64)


def family_labels(objects: PageObjects) -> tuple[list[str], Ints]:
    """Groups of objects: the largest families of names, then the kinds of all others.

    Returns
    -------
    labels : list of str
        Name of every group.
    group : int64, shape (n,)
        Group of every object.
    """
    families, kinds = objects.families(), objects.kinds()[0]
    names, members = np.unique(families[families != ""], return_counts=True)
    largest = names[np.argsort(-members, kind="stable")[:_FAMILIES]].tolist()
    group = np.array(
        [
            family if family in largest else _LABELS[kind]
            for family, kind in zip(families.tolist(), kinds.tolist(), strict=True)
        ],
        np.str_,
    )
    labels = [*largest, *(label for label in _LABELS.values() if np.any(group == label))]
    return labels, np.array([labels.index(one) for one in group.tolist()], np.int64)


def _matrix(labels: list[str], group: Ints, places: list[Ints]) -> dict[str, Any]:
    """Conjunctions between groups, symmetric; the diagonal counts those within a group."""
    n = len(labels)
    one, other = group[places[0]], group[places[1]]
    table = np.bincount(one * n + other, minlength=n * n).reshape(n, n)
    both = table + table.T
    both[np.diag_indices(n)] = np.diag(table)
    return {"labels": labels, "counts": both.ravel()}


def _busiest(objects: PageObjects, places: list[Ints]) -> dict[str, Any]:
    """Objects with the most conjunctions."""
    counts = np.bincount(np.concatenate(places), minlength=len(objects))
    most = np.argsort(-counts, kind="stable")[:BUSIEST]
    most = most[counts[most] > 0]
    names = [printable(name, 40) for name in objects.name[most].tolist()]
    return {"ids": objects.norad_id[most], "names": names, "counts": counts[most]}


def fast_only(ds: xr.Dataset, slow_km_s: float) -> xr.Dataset:
    """Conjunctions at a relative speed of at least `slow_km_s`, with the variables that figures count."""
    counted = ds[[name for name in _COUNTED if name in ds.variables]]
    return counted.isel({ROW: np.flatnonzero(ds.relative_speed.to_numpy() >= slow_km_s)})
