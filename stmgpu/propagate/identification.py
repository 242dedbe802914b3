"""Identify trajectories with objects of a catalogue by their paths.

An object screened by its elements and by its trajectory would be in conjunction with itself all the time. Ids and
designators tell most trajectories apart; one without a usable id is compared with the states that SGP4 gives for the
catalogue. The distance counts in units of a tolerance that grows with the time from the epoch of the elements: 10 km,
and 8 km times the square of the days. In the lowest orbits, where SGP4 is worst, two of three element sets of public
histories drift less than that (5 km in a day, 34 km in three days, 400 km in seven); in others, nearly all.

A trajectory within the tolerance of one object at all compared times, and within 30 km at one of them, is that object
if every other is at least three times as far. Where several are as near (docked spacecraft, launches of many, clusters
at GEO), or the tolerance is exceeded by up to three times, the states cannot decide: a warning names the objects.
"""

from __future__ import annotations

import logging
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.backend import get_backend
from stmgpu.catalog.trajectories.segments import SYNTHETIC_ID
from stmgpu.errors import BackendError, UncertainIdentityWarning
from stmgpu.propagate.sgp4 import SGP4Propagator
from stmgpu.propagate.tabulated.by_object import ByObject
from stmgpu.propagate.tabulated.tabulated import TabulatedPropagator
from stmgpu.time import NS_PER_DAY, UNIX_EPOCH_JD, Epoch

if TYPE_CHECKING:
    from stmgpu.backend import Backend
    from stmgpu.catalog import Catalog
    from stmgpu.catalog.trajectories.trajectories import Trajectories
    from stmgpu.typing import Floats, Ints

_LOG = logging.getLogger(__name__)

TOLERANCE_KM, TOLERANCE_KM_PER_DAY2 = 10.0, 8.0
"""Distance between a trajectory and SGP4 that is taken for one object: at the epoch [km], and its growth [km/d2]."""

NEAR_KM = 30.0
"""Distance that a match must reach at one time at least [km]."""

MARGIN = 3.0
"""How many times as far the second object must be, and up to how many tolerances a match is doubtful."""

_TIMES = 12
"""Times at which paths are compared, evenly spaced over a trajectory's usable time; besides, the one of the search."""

_SEARCH_S = 6 * 3600.0
"""Part of a trajectory nearest to the elements' epochs in which candidates are searched [s]."""


@dataclass(frozen=True)
class _Nearest:
    """Objects of the catalogue nearest to a trajectory, in the order of distance.

    Parameters
    ----------
    places : ndarray of int64
        Indices in the catalogue.
    scores : ndarray of float64
        Largest distance in units of the tolerance.
    least_km : ndarray of float64
        Least distance of the compared times [km].
    """

    places: Ints
    scores: Floats
    least_km: Floats

    @property
    def is_sure(self) -> bool:
        """Whether the nearest object is the only one that the trajectory can be."""
        if len(self.places) == 0 or self.scores[0] > 1.0 or self.least_km[0] > NEAR_KM:
            return False
        return len(self.places) == 1 or bool(self.scores[1] >= MARGIN * max(self.scores[0], 1.0 / MARGIN))


def identify(trajectories: Trajectories, catalog: Catalog) -> Ints:
    """Index in the catalogue of each trajectory's object.

    Ids and designators come first; trajectories that they leave open are compared by their paths. One without an id of
    its own is matched and logged; what is doubtful, and a path that agrees while the ids differ, is a warning.

    Parameters
    ----------
    trajectories : Trajectories
        n objects.
    catalog : Catalog
        The catalogue, not empty.

    Returns
    -------
    ndarray of int64, shape (n,)
        Indices, -1 for objects that the catalogue does not hold.
    """
    places = trajectories.matches(catalog)
    _warn_of_twins(trajectories, catalog, places)
    unknown = np.flatnonzero(places < 0)
    if not len(unknown):
        return places
    nearest = _nearest(trajectories[unknown], catalog)
    for k, found in zip(unknown.tolist(), nearest, strict=True):
        if not len(found.places):
            continue
        own = f"trajectory {trajectories.norad_id[k]} {str(trajectories.name[k])!r}"
        near = ", ".join(
            f"{catalog.norad_id[p]} {str(catalog.name[p])!r} (down to {km:.1f} km)"
            for p, km in zip(found.places[:3].tolist(), found.least_km.tolist(), strict=False)
        )
        if found.is_sure and trajectories.norad_id[k] >= SYNTHETIC_ID and found.places[0] not in places:
            places[k] = found.places[0]
            _LOG.info("%s has no NORAD id and follows %s: it is taken for that object", own, near)
            continue
        warnings.warn(
            f"{own} may be an object of the catalogue, whose elements it follows: {near}. If it is, it is now screened "
            "against itself; state its id (--ephemeris FILE=NORAD, or norad_ids)",
            UncertainIdentityWarning,
            stacklevel=4,
        )
    return places


def _warn_of_twins(trajectories: Trajectories, catalog: Catalog, places: Ints) -> None:
    """Warn of trajectories that have one designator, and so one object."""
    values, counts = np.unique(places[places >= 0], return_counts=True)
    for place in values[counts > 1].tolist():
        ids = ", ".join(f"{n}" for n in trajectories.norad_id[places == place][:5].tolist())
        warnings.warn(
            f"trajectories {ids} are all of object {catalog.norad_id[place]} {str(catalog.name[place])!r}, by their "
            "designator, and are screened against each other; give one of them",
            UncertainIdentityWarning,
            stacklevel=5,
        )


def _nearest(trajectories: Trajectories, catalog: Catalog) -> list[_Nearest]:
    """Objects within `MARGIN` tolerances of each trajectory at all times."""
    from scipy.spatial import cKDTree

    begin, end = int(trajectories.usable_start_ns.min()), int(trajectories.usable_stop_ns.max())
    start = (UNIX_EPOCH_JD + begin // NS_PER_DAY, begin % NS_PER_DAY / NS_PER_DAY)
    middle = Epoch.of(start[0] + (end - begin) / 2 / NS_PER_DAY, start[1])
    elements = catalog.with_sets("nearest", near=middle)
    span_s = (0.0, (end - begin) / 1e9)
    backend = _host_backend()
    sgp4 = SGP4Propagator(elements, backend, start, span_s)
    table = ByObject(TabulatedPropagator(trajectories, backend, start, span_s))
    column_of = np.empty(len(catalog), np.int64)
    column_of[sgp4.order] = np.arange(len(sgp4.order))
    age_zero_s = ((start[0] - elements.epoch_jd) + (start[1] - elements.epoch_fr)) * 86_400.0

    first, last = _usable_s(trajectories, begin)
    epoch_s = -float(np.median(age_zero_s))
    low = np.minimum(np.maximum(epoch_s, first), np.maximum(last - _SEARCH_S, first))
    high = np.maximum(np.minimum(epoch_s, last), np.minimum(first + _SEARCH_S, last))
    search_s = np.zeros(len(trajectories))
    candidates: list[list[int]] = [[] for _ in range(len(trajectories))]
    for time_s, members in _common_times(np.minimum(low, high), np.maximum(low, high)):
        search_s[members] = time_s
        states, code = sgp4.grid([time_s])
        position, good = backend.get(states)[0, :3, : sgp4.n].T, backend.get(code)[0, : sgp4.n] == 0
        columns = np.flatnonzero(good & np.isfinite(position).all(axis=1))
        if not len(columns):
            continue
        own, own_code = table.at(members, np.full(len(members), time_s))
        own_position = backend.get(own)[:3].T
        known = np.flatnonzero(backend.get(own_code) == 0)
        near = cKDTree(position[columns]).query_ball_point(own_position[known], MARGIN * NEAR_KM)
        for k, indices in zip(known.tolist(), near, strict=True):
            candidates[members[k]] = sgp4.order[columns[np.array(indices, np.int64)]].tolist()

    pairs = [(k, place) for k, places in enumerate(candidates) for place in sorted(places)]
    if not pairs:
        return [_Nearest(np.empty(0, np.int64), np.empty(0), np.empty(0))] * len(trajectories)
    own, place = (np.array(part, np.int64) for part in zip(*pairs, strict=True))
    least_km, score = np.full(len(own), np.inf), np.zeros(len(own))
    every = np.linspace(first, last, _TIMES)
    for times in (*every[:, own], search_s[own]):
        a, code_a = table.at(own, times)
        b, code_b = sgp4.at(column_of[place], times)
        distance = np.sqrt(((backend.get(a)[:3] - backend.get(b)[:3]) ** 2).sum(axis=0))
        days = np.abs(age_zero_s[place] + times) / 86_400.0
        in_units = distance / (TOLERANCE_KM + TOLERANCE_KM_PER_DAY2 * days * days)
        in_units[(backend.get(code_b) != 0) | ~np.isfinite(in_units)] = np.inf
        known = backend.get(code_a) == 0  # not between two segments
        score[known] = np.maximum(score, in_units)[known]
        least_km[known] = np.fmin(least_km, distance)[known]
    result = []
    for k in range(len(trajectories)):
        rows = np.flatnonzero((own == k) & (score <= MARGIN))
        rows = rows[np.argsort(score[rows], kind="stable")]
        result.append(_Nearest(place[rows], score[rows], least_km[rows]))
    return result


def _usable_s(trajectories: Trajectories, begin_ns: int) -> tuple[Floats, Floats]:
    """First and last usable second of each object after an instant."""
    first, last = np.full(len(trajectories), np.inf), np.full(len(trajectories), -np.inf)
    np.minimum.at(first, trajectories.segment_object, (trajectories.usable_start_ns - begin_ns) / 1e9)
    np.maximum.at(last, trajectories.segment_object, (trajectories.usable_stop_ns - begin_ns) / 1e9)
    return first, last


def _common_times(first: Floats, last: Floats) -> list[tuple[float, list[int]]]:
    """Few times that meet every span, and the spans that each meets.

    Examples
    --------
    >>> _common_times(np.array([0.0, 5.0, 20.0]), np.array([10.0, 30.0, 40.0]))
    [(10.0, [0, 1]), (40.0, [2])]
    """
    left = np.argsort(last, kind="stable").tolist()
    times: list[tuple[float, list[int]]] = []
    while left:
        time_s = float(last[left[0]])
        members = [k for k in left if first[k] <= time_s]
        times.append((time_s, sorted(members)))
        left = [k for k in left if first[k] > time_s]
    return times


def _host_backend() -> Backend:
    """The cpu backend where it works, else the reference backend: a few states need no device."""
    try:
        return get_backend("cpu")
    except BackendError:
        return get_backend("reference")
