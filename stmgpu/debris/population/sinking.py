"""How far objects sank between dates, in their elements and in the model: the data of fitted ballistic coefficients.

The model is that of the evolution (:class:`stmgpu.propagate.secular.Secular`) without radiation pressure, under the
density of the dates. Only differences of semi-major axes count, so that it does not matter which mean axis a source
brings, as long as it is the same one at all dates.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.backend.cpu import CpuBackend, usable_levels
from stmgpu.backend.reference import ReferenceBackend
from stmgpu.constants import EARTH
from stmgpu.propagate import orbit_table
from stmgpu.propagate.orbit_table import SecularState
from stmgpu.propagate.secular import Secular
from stmgpu.propagate.secular_forces import DensityTable
from stmgpu.time import YEAR_DAYS

if TYPE_CHECKING:
    from stmgpu.debris.environment import Environment
    from stmgpu.typing import Bools, Floats, Ints

SHORTEST_YEARS = 0.25
"""Dates of an object that follow sooner are left out: noise would exceed what it sinks."""

LARGEST_ECC = 0.05
"""Orbits of larger eccentricity are left out: the Sun and the Moon, which the model does not have, move perigees."""

_STEP_DAYS = 10.0


@dataclass(frozen=True)
class Track:
    """Elements of objects at dates, in any order.

    Attributes
    ----------
    norad_id : ndarray of int64
        int64 [m].
    year : ndarray of float64
        Decimal years [m].
    a_km, ecc, inc_rad : ndarray of float64
        Mean elements [m].
    kept : ndarray of bool
        bool [m], whether the object kept its orbit at that date (no drag to be seen).
    """

    norad_id: Ints
    year: Floats
    a_km: Floats
    ecc: Floats
    inc_rad: Floats
    kept: Bools

    @staticmethod
    def concatenate(parts: list[Track]) -> Track:
        """Join tracks."""
        return Track(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Track)))


@dataclass(frozen=True)
class Sinking:
    """Pairs of successive dates of one object each.

    Attributes
    ----------
    norad_id : ndarray of int64
        int64 [p], in ascending order; dates of one object in their order.
    begin, end : ndarray of float64
        Decimal years [p].
    a_km, ecc, inc_rad : ndarray of float64
        Mean elements at the first date [p].
    sank_km : ndarray of float64
        By how much the semi-major axis decreased [p].
    """

    norad_id: Ints
    begin: Floats
    end: Floats
    a_km: Floats
    ecc: Floats
    inc_rad: Floats
    sank_km: Floats

    def __len__(self) -> int:
        return len(self.norad_id)

    def __getitem__(self, which: Bools) -> Sinking:
        return Sinking(*(getattr(self, f.name)[which] for f in fields(Sinking)))


def sinking_of(track: Track) -> Sinking:
    """Pairs of successive dates, without those in which the object kept its orbit or that are too eccentric.

    Examples
    --------
    >>> dates = np.array([2005.0, 2000.0, 2005.1])
    >>> one = np.ones(3)
    >>> track = Track(np.array([7, 7, 7]), dates, 7000.0 - dates, 0.001 * one, one, np.zeros(3, bool))
    >>> pairs = sinking_of(track)
    >>> pairs.begin.tolist(), pairs.end.tolist(), pairs.sank_km.tolist()
    ([2000.0], [2005.0], [5.0])
    """
    order = np.lexsort((track.year, track.norad_id))
    ids, years = track.norad_id[order], track.year[order]
    chosen: list[int] = []
    for k in range(len(order)):
        if not chosen or ids[chosen[-1]] != ids[k] or years[k] - years[chosen[-1]] >= SHORTEST_YEARS:
            chosen.append(k)
    order = order[chosen]
    ids = track.norad_id[order]
    same = ids[1:] == ids[:-1]
    first, second = order[:-1][same], order[1:][same]
    usable = ~track.kept[first] & ~track.kept[second]
    usable &= (track.ecc[first] < LARGEST_ECC) & (track.ecc[second] < LARGEST_ECC)
    first, second = first[usable], second[usable]
    return Sinking(
        track.norad_id[first],
        track.year[first],
        track.year[second],
        track.a_km[first],
        track.ecc[first],
        track.inc_rad[first],
        track.a_km[first] - track.a_km[second],
    )


def modelled_sinking(
    pairs: Sinking, ballistic_m2_kg: Floats, air: Environment, *, decay_km: float, rotating: bool
) -> Floats:
    """By how much the model lowers the semi-major axes between the dates of each pair [p, km].

    Steps of ten days on one grid of dates, to which the first date of a pair is moved; the last step counts in part.
    What decays before its second date has sunk to ``decay_km``.

    Parameters
    ----------
    pairs : Sinking
        Pairs.
    ballistic_m2_kg : ndarray of float64
        C_d A/m of each pair [p].
    air : Environment
        Density of the dates; it must not differ between runs.
    decay_km, rotating : float and bool
        As for :class:`stmgpu.propagate.secular.Secular`.
    """
    count = len(pairs)
    if not count:
        return np.empty(0)
    backend = CpuBackend(threads=1) if usable_levels() else ReferenceBackend()
    origin, step = float(pairs.begin.min()), _STEP_DAYS / YEAR_DAYS
    begins = np.floor((pairs.begin - origin) / step).astype(np.int64)
    length = (pairs.end - pairs.begin) / step
    ends = begins + np.ceil(length).astype(np.int64)
    state = SecularState(backend, count)
    orbit = np.zeros((orbit_table.ROWS, count))
    orbit[[orbit_table.A_KM, orbit_table.ECC, orbit_table.INC]] = pairs.a_km, pairs.ecc, pairs.inc_rad
    orbit[orbit_table.BALLISTIC] = ballistic_m2_kg
    state.orbit[:, :count] = backend.put(orbit)
    state.n = count
    secular = Secular(backend, decay_km, rotating=rotating)
    steps = int(ends.max())
    years = np.minimum(origin + (np.arange(steps) + 0.5) * step, air.last_year)
    density, tilt = backend.put(air.log_density(years)), backend.put(air.tilt(years))
    last, stopped = ends - 1, ends.copy()
    changes = set(begins.tolist()) | set(last.tolist()) | set(ends.tolist())
    before = pairs.a_km.copy()  # the last step of each pair
    for k in range(steps):
        if k in changes:
            moves = (begins <= k) & (k < stopped)
            state.mode[:count] = backend.put(np.where(moves, orbit_table.FREE, orbit_table.ABSENT), np.int8)
            here = last == k
            before[here] = backend.get(state.orbit[orbit_table.A_KM, :count])[here]
        table = DensityTable(density[k : k + 1], air.lowest_km, air.spacing_km, tilt[k : k + 1])
        secular.step(state, _STEP_DAYS * 86_400.0, density=table, sun=(1.0, 0.0, 0.0))
        fell = np.flatnonzero(backend.get(state.gone[:count]))
        if len(fell):
            stopped[fell] = k
            state.mode[backend.put(fell)] = orbit_table.ABSENT
    after = backend.get(state.orbit[orbit_table.A_KM, :count])
    part = length - (last - begins)
    fallen = pairs.a_km - np.minimum(after, EARTH.radius_km + decay_km)  # what falls in a step may keep its orbit
    return np.where(stopped < ends, fallen, pairs.a_km - before - part * (after - before))
