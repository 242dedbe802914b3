"""Errors of element sets: older sets against newer ones of the same object, or against independent states.

A set counts at most once in each stratum of ages: its error is taken at the time whose age is nearest to the middle of
the stratum. Errors are along the radial, transverse and normal axis of the newer or independent state.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.backend import get_backend
from stmgpu.constants import SECONDS_PER_DAY
from stmgpu.errors import InputError
from stmgpu.propagate.instants import seconds_of_ns
from stmgpu.propagate.sgp4 import SGP4Propagator
from stmgpu.propagate.tabulated.by_object import ByObject
from stmgpu.propagate.tabulated.tabulated import TabulatedPropagator
from stmgpu.risk.rotations import local_axes
from stmgpu.risk.tle_covariance import regimes_of
from stmgpu.time import NS_PER_DAY, UNIX_EPOCH_JD, from_datetime64

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from stmgpu.backend import Backend
    from stmgpu.catalog import Catalog
    from stmgpu.catalog.trajectories.trajectories import Trajectories
    from stmgpu.typing import Floats, Ints

ELEMENTS = ("mean_motion", "eccentricity", "inclination", "raan", "argp", "mean_anomaly", "bstar")

_SPAN_DAYS = 30.0
"""Epochs that are propagated together [d]; seconds in whole ticks are exact within 97 days."""

_TOGETHER = 1 << 20
"""States that are computed at a time."""


@dataclass(frozen=True)
class ElementSets:
    """Element sets of many objects over time, by rising id and epoch.

    Attributes
    ----------
    norad_id : int64, shape (n,)
        Objects.
    epoch_jd, epoch_fr : float64, shape (n,)
        Epochs: two-part Julian dates, UTC [d].
    mean_motion, eccentricity, inclination, raan, argp, mean_anomaly, bstar : float64, shape (n,)
        Elements in the units of :class:`stmgpu.catalog.Catalog`.
    """

    norad_id: Ints
    epoch_jd: Floats
    epoch_fr: Floats
    mean_motion: Floats
    eccentricity: Floats
    inclination: Floats
    raan: Floats
    argp: Floats
    mean_anomaly: Floats
    bstar: Floats

    def __len__(self) -> int:
        return len(self.norad_id)

    def __getitem__(self, rows: Ints) -> ElementSets:
        return ElementSets(*(getattr(self, name)[rows] for name in _COLUMNS))

    @classmethod
    def of(cls, catalogs: Sequence[Catalog]) -> ElementSets:
        """All element sets of catalogues; of several with one epoch the last one.

        Parameters
        ----------
        catalogs : sequence of Catalog
            Histories, each with one or many sets of an object, or the catalogues of many days.
        """
        parts: list[Catalog] = []
        for catalog in catalogs:
            if catalog.all_sets is None:
                parts.append(catalog)
            else:
                parts += [catalog.all_sets, catalog[~np.isin(catalog.norad_id, catalog.all_sets.norad_id)]]
        columns = [np.concatenate([getattr(part, name) for part in parts]) for name in _COLUMNS]
        order = np.lexsort((np.arange(len(columns[0])), columns[2], columns[1], columns[0]))
        sets = cls(*(column[order] for column in columns))
        last = np.append(
            np.any([np.diff(x) != 0.0 for x in (sets.norad_id, sets.epoch_jd, sets.epoch_fr)], axis=0), True
        )
        return sets[np.flatnonzero(last)]

    @property
    def days(self) -> Floats:
        """Epochs as days since 1970 UTC, to a microsecond."""
        return (self.epoch_jd - UNIX_EPOCH_JD) + self.epoch_fr


_COLUMNS = ("norad_id", "epoch_jd", "epoch_fr", *ELEMENTS)


@dataclass(frozen=True)
class Errors:
    """Errors of n propagated element sets.

    Attributes
    ----------
    norad_id : int64, shape (n,)
        Objects.
    state_km : float64, shape (n, 6)
        Newer or independent states in TEME [km, km/s].
    age_days : float64, shape (n,)
        Ages of the sets [d].
    error_m : float64, shape (n, 6)
        Propagated minus newer or independent position and velocity along the latter's own RTN [m, m/s].
    time_jd : two float64, shape (n,)
        Times of the states: two-part Julian dates, UTC [d].
    failed : int
        Sets that SGP4 could not propagate to the time wanted.
    """

    norad_id: Ints
    state_km: Floats
    age_days: Floats
    error_m: Floats
    time_jd: tuple[Floats, Floats]
    failed: int = 0

    def __len__(self) -> int:
        return len(self.norad_id)

    @property
    def regime(self) -> Ints:
        """Regimes of the states, see :func:`stmgpu.risk.tle_covariance.regimes_of`."""
        return regimes_of(self.state_km)


def consistency(sets: ElementSets, edges_days: Sequence[float], *, backend: str | Backend = "auto") -> Errors:
    """Differences of older element sets, propagated to the epochs of newer ones of the same object.

    Parameters
    ----------
    sets : ElementSets
        Histories.
    edges_days : sequence of float
        Rising limits of the ages of k strata, k + 1 of them [d].
    backend : str or Backend, optional
        Backend or its name, see :func:`stmgpu.get_backend`.

    Returns
    -------
    Errors
        Sorted by stratum, object and epoch.

    Raises
    ------
    InputError
        If no object has two sets whose epochs differ by an age of any stratum.
    """
    older, newer = [], []
    for stratum in itertools.pairwise(edges_days):
        first, second = _later((sets.norad_id, sets.days), (sets.norad_id, sets.days), stratum)
        older.append(first)
        newer.append(second)
    one, other = np.concatenate(older), np.concatenate(newer)
    if len(one) == 0:
        raise InputError(
            f"none of {len(sets)} element sets has a newer one of the same object {edges_days[0]:g} to "
            f"{edges_days[-1]:g} days later; give histories with several sets of an object"
        )
    time_jd = sets.epoch_jd[other], sets.epoch_fr[other]
    runner = get_backend(backend) if isinstance(backend, str) else backend
    old, new = (propagated(sets, which, time_jd, backend=runner) for which in (one, other))
    return _errors(sets.norad_id[one], sets.days[other] - sets.days[one], (old, new), time_jd)


def against(
    sets: ElementSets, truth: Trajectories, edges_days: Sequence[float], *, backend: str | Backend = "auto"
) -> Errors:
    """Errors of element sets against independent states of the same objects.

    Parameters
    ----------
    sets : ElementSets
        Histories.
    truth : Trajectories
        States of an operator, by NORAD id.
    edges_days, backend
        As for :func:`consistency`.

    Raises
    ------
    InputError
        If no set has a state of its object after it within the ages of the strata.
    """
    segment_id = truth.norad_id[truth.segment_object]
    sample_id = np.repeat(segment_id, truth.length)
    usable = np.repeat(truth.usable_start_ns, truth.length) <= truth.time_ns
    usable &= truth.time_ns <= np.repeat(truth.usable_stop_ns, truth.length)
    jd, fr = from_datetime64(truth.time_ns.view("datetime64[ns]"))
    days = (jd - UNIX_EPOCH_JD) + fr
    order = np.lexsort((days, sample_id))[np.isin(np.sort(sample_id), sets.norad_id)]
    order = order[usable[order]]
    place, sample = [], []
    for stratum in itertools.pairwise(edges_days):
        found, nearest = _later((sets.norad_id, sets.days), (sample_id[order], days[order]), stratum)
        place.append(found)
        sample.append(order[nearest])
    rows, states = np.concatenate(place), np.concatenate(sample)
    if len(rows) == 0:
        common = len(np.intersect1d(sets.norad_id, truth.norad_id))
        raise InputError(
            f"the independent states are of {common} objects of the histories, and none of their sets has a state "
            f"{edges_days[0]:g} to {edges_days[-1]:g} days after it; give states of the same objects and times "
            "(FILE=NORAD states whose a file is)"
        )
    time_jd = jd[states], fr[states]
    old = propagated(sets, rows, time_jd, backend=backend)
    new = np.hstack([truth.position[states], truth.velocity[states]])
    return _errors(sets.norad_id[rows], days[states] - sets.days[rows], (old, new), time_jd)


def of_ephemerides(predicted: Trajectories, truth: Trajectories, *, backend: str | Backend = "auto") -> Errors:
    """Errors of ephemerides at the epochs of their covariances, against independent states of the same objects.

    Parameters
    ----------
    predicted : Trajectories
        With covariances.
    truth : Trajectories
        Independent states, by NORAD id.
    backend : str or Backend, optional
        Backend or its name, see :func:`stmgpu.get_backend`.

    Returns
    -------
    Errors
        One for each covariance; ages are counted from the begin of the ephemeris, `state_km` are the predicted states
        and `error_m` is along their axes; `failed` counts the covariances without a state in both.

    Raises
    ------
    InputError
        If the two have no object, or no time, in common.
    """
    runner = get_backend(backend) if isinstance(backend, str) else backend
    blocks = predicted.covariance
    owner = predicted.segment_object[blocks.segment]
    begin = np.array([predicted.usable_start_ns[predicted.segment_object == k].min() for k in range(len(predicted))])
    norad_id = predicted.norad_id[owner]
    age_days = (blocks.time_ns - begin[owner]) / NS_PER_DAY
    old, new = (_interpolated(table, norad_id, blocks.time_ns, runner) for table in (predicted, truth))
    time_jd = from_datetime64(blocks.time_ns.view("datetime64[ns]"))
    found = _errors(norad_id, age_days, (old, new), time_jd, along=0)
    if len(found) == 0:
        common = len(np.intersect1d(predicted.norad_id, truth.norad_id))
        raise InputError(
            f"the independent states are of {common} objects of the ephemerides, and at none of the {len(blocks)} "
            "epochs of covariances both have a state; give states of the same objects and times (FILE=NORAD states "
            "whose a file is)"
        )
    return found


def _interpolated(table: Trajectories, norad_id: Ints, time_ns: Ints, backend: Backend) -> Floats:
    """States [m, 6] of objects at times, NaN where a table has none."""
    states = np.full((len(norad_id), 6), np.nan)
    rows = np.flatnonzero(np.isin(norad_id, table.norad_id))
    if not len(rows):
        return states
    first = int(time_ns[rows].min()) // NS_PER_DAY
    seconds = seconds_of_ns(time_ns[rows] - first * NS_PER_DAY)
    span = float(seconds.min()), float(seconds.max())
    propagator = ByObject(TabulatedPropagator(table, backend, (UNIX_EPOCH_JD + first, 0.0), span))
    column = np.full(len(table), -1, np.int64)
    column[propagator.order] = np.arange(propagator.n)
    order = np.argsort(table.norad_id)
    wanted = column[order[np.searchsorted(table.norad_id[order], norad_id[rows])]]
    rows, seconds, wanted = rows[wanted >= 0], seconds[wanted >= 0], wanted[wanted >= 0]
    if len(rows):
        found, code = (backend.get(x) for x in propagator.at(wanted, seconds))
        states[rows] = np.where(code == 0, found, np.nan).T
    return states


def _later(first: tuple[Ints, Floats], second: tuple[Ints, Floats], stratum: tuple[float, float]) -> tuple[Ints, Ints]:
    """Rows of a table of ids and days with a row of a second one that is as much later as the stratum, and that row.

    The second table is sorted by id and time. Of several rows the one nearest to the middle is taken, of two equally
    near ones the earlier.
    """
    (norad_id, days), (other_id, other_days), (low, high) = first, second, stratum
    middle = 0.5 * (low + high)
    if len(other_id) == 0 or len(norad_id) == 0:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    ids, group = np.unique(other_id, return_inverse=True)
    origin = min(days.min(), other_days.min())
    width = 4.0 * (max(days.max(), other_days.max()) - origin + high + 1.0)
    key = group * width + (other_days - origin)
    at = np.minimum(np.searchsorted(ids, norad_id), len(ids) - 1)
    known = ids[at] == norad_id
    wanted = at * width + (days - origin) + middle
    right = np.searchsorted(key, wanted)
    left = np.maximum(right - 1, 0)
    right = np.minimum(right, len(key) - 1)
    best = np.where(np.abs(key[left] - wanted) <= np.abs(key[right] - wanted), left, right)
    age = other_days[best] - days
    rows = np.flatnonzero(known & (other_id[best] == norad_id) & (age >= low) & (age < high))
    return rows, best[rows]


def propagated(
    sets: ElementSets, rows: Ints, time_jd: tuple[Floats, Floats], *, backend: str | Backend = "auto"
) -> Floats:
    """States of element sets, each at its own time.

    Parameters
    ----------
    sets : ElementSets
        Element sets.
    rows : int64, shape (m,)
        Set of each state.
    time_jd : two float64, shape (m,)
        Times: two-part Julian dates, UTC [d].
    backend : str or Backend, optional
        Backend or its name.

    Returns
    -------
    ndarray of float64, shape (m, 6)
        TEME [km, km/s]; NaN where SGP4 has no state.
    """
    runner = get_backend(backend) if isinstance(backend, str) else backend
    states = np.full((len(rows), 6), np.nan)
    for part, midnight in _spans(time_jd):
        used, place = np.unique(rows[part], return_inverse=True)
        seconds = ((time_jd[0][part] - midnight) + time_jd[1][part]) * SECONDS_PER_DAY
        span = float(seconds.min()), float(seconds.max())
        propagator = SGP4Propagator(sets[used], runner, (midnight, 0.0), span)
        internal = np.empty(propagator.n, np.int64)
        internal[propagator.order] = np.arange(propagator.n)
        found, code = (runner.get(x) for x in propagator.at(internal[place], seconds))
        states[part] = np.where(code == 0, found, np.nan).T
    return states


def _spans(time_jd: tuple[Floats, Floats]) -> Iterator[tuple[Ints, float]]:
    """Rows whose times lie close together, in parts of limited size, and a midnight before each part."""
    whole = np.floor((time_jd[0] - 0.5) / _SPAN_DAYS)
    for span in np.unique(whole).tolist():
        rows = np.flatnonzero(whole == span)
        for k in range(0, len(rows), _TOGETHER):
            yield rows[k : k + _TOGETHER], span * _SPAN_DAYS + 0.5


def _errors(
    norad_id: Ints, age_days: Floats, states: tuple[Floats, Floats], time_jd: tuple[Floats, Floats], *, along: int = 1
) -> Errors:
    """Old minus new states, along the axes of the old (0) or new (1) ones."""
    old, new = states
    valid = np.isfinite(old).all(axis=1) & np.isfinite(new).all(axis=1)
    own, difference = states[along][valid], 1e3 * (old - new)[valid]
    axes = local_axes("RTN", own)
    turned = [np.einsum("nij,ni->nj", axes, difference[:, part]) for part in (slice(0, 3), slice(3, 6))]
    when = time_jd[0][valid], time_jd[1][valid]
    return Errors(norad_id[valid], own, age_days[valid], np.hstack(turned), when, int((~valid).sum()))
