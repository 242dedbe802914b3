"""Departure of interpolated tables from free orbits, and the bounds that a screening derives from it.

The proof in `stmgpu/screen/plan.py` bounds relative accelerations by tides, and cubic Hermite interpolation between
nodes is measured for smooth motion. A trajectory may thrust, and its interpolant bends a little where the window of
samples moves on. Let f'' = gravity + x(t), |x| <= a, with jumps of the velocity of at most j, N of them within a node
interval T. Then, from the Peano kernel of cubic Hermite interpolation for second derivatives (largest T / 8, integral
T^2 / 16) and of its slope (largest 1, integral T / 2), the straight line of a row is off by at most

    a (T^2 / 16 + h T / 2 + h^2 / 2)  +  N j (T / 8 + 2 h)

more than smooth motion allows. a and j are measured at the ends of every interval of samples.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stmgpu.catalog.trajectories.interpolation import weights, window_start
from stmgpu.propagate.tabulated.free_orbit import gravity

if TYPE_CHECKING:
    from stmgpu.catalog.trajectories.trajectories import Trajectories
    from stmgpu.typing import Floats, Ints

_LOOKED_AT = 256
_FRACTION = 1.0 / 64.0
_STATES_AT_ONCE = 1 << 16


def measure(t: Trajectories, segments: Ints, reach_ns: tuple[int, int]) -> Floats:
    """Largest departure of each segment from free motion, over its usable time within a span.

    Parameters
    ----------
    t : Trajectories
        The trajectories.
    segments : ndarray of int64
        Which of their segments [k]; those with the same times, method and usable time must stand together.
    reach_ns : tuple
        First and last instant of the span [ns since 1970].

    Returns
    -------
    bend, jump, jump_rate, offset : float64 [4, k]
        acceleration that gravity (with J2) does not explain [km/s^2]; jump of the velocity where the window of samples
        moves on [km/s], and the same over the spacing of the samples [km/s^2]; how far a table that is linearly
        interpolated is off smooth motion [km]. Of a segment's intervals 256 at most are looked at, evenly spread: what
        is found of one does not depend on the others.
    """
    worst = np.zeros((4, len(segments)))
    used = t.samples_used
    begin, end = np.maximum(t.usable_start_ns, reach_ns[0]), np.minimum(t.usable_stop_ns, reach_ns[1])
    k = 0
    while k < len(segments):
        one = segments[k]
        rows = slice(int(t.offset[one]), int(t.offset[one + 1]))
        time_ns, together = t.time_ns[rows], 1
        while k + together < len(segments) and _alike(t, one, segments[k + together], used):
            together += 1
        picked = np.flatnonzero((time_ns[:-1] < end[one]) & (time_ns[1:] > begin[one]))
        picked = np.union1d(picked[:: max(1, -(-len(picked) // _LOOKED_AT))], picked[-1:])
        members = segments[k : k + together]
        at = t.offset[members][None, :] + np.arange(len(time_ns))[:, None]
        position, velocity = (np.ascontiguousarray(a[at].transpose(0, 2, 1)) for a in (t.position, t.velocity))
        chunk = max(1, _STATES_AT_ONCE // together)
        for c in range(0, len(picked), chunk):
            intervals = _Intervals(
                time_ns, position, velocity, picked[c : c + chunk], method=str(t.method[one]), samples=int(used[one])
            )
            for row, values in zip(worst[:, k : k + together], intervals.measures(), strict=True):
                np.maximum(row, values.max(axis=0), out=row)
        k += together
    return worst


def _alike(t: Trajectories, one: int, other: int, used: Ints) -> bool:
    """Whether two segments have the same times and are interpolated alike."""
    return bool(
        t.method[one] == t.method[other]
        and used[one] == used[other]
        and t.usable_start_ns[one] == t.usable_start_ns[other]
        and t.usable_stop_ns[one] == t.usable_stop_ns[other]
        and np.array_equal(
            t.time_ns[t.offset[one] : t.offset[one + 1]], t.time_ns[t.offset[other] : t.offset[other + 1]]
        )
    )


class _Intervals:
    """Some intervals [p] of tables [samples, 3, g] with one time axis."""

    def __init__(
        self,
        time_ns: Ints,
        position: Floats,
        velocity: Floats,
        picked: Ints,
        *,
        method: str,
        samples: int,
    ) -> None:
        self.time_ns, self.position_km, self.velocity_km_s = time_ns, position, velocity
        self.picked, self.method, self.samples = picked, method, samples
        self.width = (time_ns[picked + 1] - time_ns[picked]) / 1e9

    def velocity(self, interval: Ints, t_s: Floats) -> Floats:
        """Velocity [p, 3, g] of each interval's polynomial, `t_s` after the beginnings of the picked intervals."""
        begin = window_start(np, interval, self.samples, len(self.time_ns))
        times = [(self.time_ns[begin + j] - self.time_ns[self.picked]) / 1e9 for j in range(self.samples)]
        total = np.zeros((len(self.picked), *self.position_km.shape[1:]))
        tables = (self.position_km, self.velocity_km_s)
        for table, part in zip(tables, weights(self.method, times, t_s)[2:], strict=True):
            for j, w in enumerate(part):
                total += table[begin + j] * w[:, None, None]
        return total

    def measures(self) -> tuple[Floats, Floats, Floats, Floats]:
        """Bend, jump, jump over the spacing, and offset, each [p, g]; see `measure`."""
        picked, width = self.picked, self.width[:, None]
        none = np.zeros((len(picked), self.position_km.shape[2]))
        if self.method == "linear":
            return none, none, none, _norm(self.velocity_km_s[picked + 1] - self.velocity_km_s[picked]) * width / 8.0
        bend, step, stop = none, _FRACTION * self.width, self.width * 0.0
        for sample, begin, side in ((picked, self.width * 0.0, 0.5), (picked + 1, self.width - step, -0.5)):
            a, stop = self.velocity(picked, begin), self.velocity(picked, begin + step)
            middle = self.position_km[sample] + side * step[:, None, None] * a
            pull = gravity(np, np.moveaxis(middle, 1, 0))
            bend = np.maximum(bend, _norm((stop - a) / step[:, None, None] - np.moveaxis(pull, 0, 1)))
        jump = _norm(self.velocity(np.minimum(picked + 1, len(self.time_ns) - 2), self.width) - stop)
        return bend, jump, jump / width, none


def _norm(v: Floats) -> Floats:
    norm: Floats = np.sqrt(v[:, 0] * v[:, 0] + v[:, 1] * v[:, 1] + v[:, 2] * v[:, 2])
    return norm
