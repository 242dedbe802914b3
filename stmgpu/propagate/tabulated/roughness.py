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

from stmgpu.catalog.trajectories.gravity import gravity
from stmgpu.catalog.trajectories.tables import Table, norm, tables

if TYPE_CHECKING:
    from stmgpu.catalog.trajectories.trajectories import Trajectories
    from stmgpu.typing import Floats, Ints

_FRACTION = 1.0 / 64.0


def measure(t: Trajectories, segments: Ints, reach_ns: tuple[int, int]) -> Floats:
    """Largest departure of each segment from free motion, over its usable time within a span.

    Parameters
    ----------
    t : Trajectories
        The trajectories.
    segments : ndarray of int64
        Which of their segments [k]; those with the same times, method and usable time should stand together.
    reach_ns : tuple
        First and last instant of the span [ns since 1970].

    Returns
    -------
    bend, jump, jump_rate, offset : float64 [4, k]
        acceleration that gravity (with J2) does not explain [km/s^2]; jump of the velocity where the window of samples
        moves on [km/s], and the same over the spacing of the samples [km/s^2]; how far a table that is linearly
        interpolated is off smooth motion [km]. What is found of one segment does not depend on the others.
    """
    worst, done = np.zeros((4, len(segments))), 0
    for members, table in tables(t, segments):
        one = members[0]
        begin = max(int(t.usable_start_ns[one]), reach_ns[0])
        end = min(int(t.usable_stop_ns[one]), reach_ns[1])
        picked = np.flatnonzero((table.time_ns[:-1] < end) & (table.time_ns[1:] > begin))
        if len(picked):
            for row, values in zip(worst[:, done : done + len(members)], _measures(table, picked), strict=True):
                row[:] = values.max(axis=0)
        done += len(members)
    return worst


def _velocity(table: Table, window: Ints, origin: Ints, t_s: Floats) -> Floats:
    """Velocity [p, 3, g] of the polynomials of the intervals `window`, `t_s` after the samples `origin`."""
    nodes = table.windows[window]
    weight, pattern = table.weights(nodes, origin, t_s, table.method)
    return table.combine(nodes, pattern, weight[2:])


def _measures(table: Table, picked: Ints) -> tuple[Floats, Floats, Floats, Floats]:
    """Bend, jump, jump over the spacing, and offset in some intervals, each [p, g]; see `measure`."""
    seconds = table.step_s[picked]
    width = seconds[:, None]
    none = np.zeros((len(picked), table.position.shape[2]))
    if table.method == "linear":
        return none, none, none, norm(table.velocity[picked + 1] - table.velocity[picked]) * width / 8.0
    bend, step, stop = none, _FRACTION * seconds, none
    for sample, begin, side in ((picked, seconds * 0.0, 0.5), (picked + 1, seconds - step, -0.5)):
        a, stop = _velocity(table, picked, picked, begin), _velocity(table, picked, picked, begin + step)
        middle = table.position[sample] + side * step[:, None, None] * a
        pull = gravity(np, np.moveaxis(middle, 1, 0))
        bend = np.maximum(bend, norm((stop - a) / step[:, None, None] - np.moveaxis(pull, 0, 1)))
    jump = norm(_velocity(table, np.minimum(picked + 1, len(table) - 2), picked, seconds) - stop)
    return bend, jump, jump / width, none
