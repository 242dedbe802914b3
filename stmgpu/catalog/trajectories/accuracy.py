"""Estimate of the interpolation error of trajectories, by leaving samples out.

Largest interpolation error in metres, measured at 150 random times of 6 h (SGP4: median / worst of 2,000 objects of the
synthetic catalogue, periods of 1.5 to 24 h; J2: a circle at 500 km integrated with flattening). The worst are in
the first and last intervals of eccentric orbits at perigee, where samples are on one side only:

    spacing       Lagrange 5      Lagrange 7       Lagrange 9        Lagrange 11       Hermite 7
     60 s SGP4    3e-3 / 0.2      5e-6 / 5e-3      2e-7 / 9e-4       1e-7 / 9e-4       0.2 / 17
          J2      0.01            5e-5             2e-6              3e-6              1e-6
    120 s SGP4    0.7 / 18        0.01 / 5         7e-4 / 3          7e-5 / 2          1.5 / 160
          J2      0.9             0.02             1e-3              1e-4              3e-5
    180 s SGP4    9 / 230         0.3 / 140        0.04 / 130        0.01 / 130        1.9 / 210
          J2      11              0.4              0.05              0.01              7e-4
    300 s SGP4    190 / 3,700     17 / 3,400       6 / 6,100         4 / 14,000        3 / 320
          J2      230             23               6                 4                 0.04

Hermite is best where velocities are the derivatives of the positions, and poor for SGP4, whose velocities are not.
Lagrange of degree 9 is the default: good for both, up to 120 s.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.catalog.trajectories.interpolation import METHODS, weights, window_start
from stmgpu.constants import WGS72

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stmgpu.catalog.trajectories.columns import Columns
    from stmgpu.typing import BackendArray, Floats, Ints

_SAMPLES_TESTED = 100
"""Approximate number of samples of a segment that are left out, evenly spread."""


def interpolation_error_km(t: Columns) -> Floats:
    """Estimate of each object's largest interpolation error in its usable time.

    Every sample is left out in turn and interpolated from its neighbours; twice the difference, scaled to the middle of
    the intervals beside it, is the estimate. In the table above it is between the true error and 3 times it for
    Lagrange up to 120 s (Hermite: 100 times); beyond, where errors are tens of metres, down to a quarter of it. Rounded
    samples count as errors, too. Of each segment about 100 samples are tested; the estimate of an object does not
    depend on the others.

    Parameters
    ----------
    t : Columns
        Trajectories of n objects.

    Returns
    -------
    ndarray of float64, shape (n,)
        [km].
    """
    segment = np.repeat(np.arange(len(t.segment_object)), t.length)
    time_s = np.asarray((t.time_ns - t.time_ns[t.offset[:-1]][segment]) / 1e9, np.float64)
    table = _Table(t.length, t.offset[:-1], time_s, t.position, t.velocity)
    pick = _tested_samples(t, segment)
    worst = np.zeros(len(t))
    used = t.samples_used
    for method in METHODS:
        for samples in np.unique(used[t.method == method]).tolist():
            is_of_kind = (t.method == method) & (used == samples)
            rows = pick[is_of_kind[segment[pick]]]
            errors = _left_out_errors(table, rows, segment[rows], method=method, samples=samples)
            np.maximum.at(worst, t.segment_object[segment[rows]], 2.0 * errors)
    return worst


def _tested_samples(t: Columns, segment: Ints) -> Ints:
    """Samples whose two intervals overlap the usable time, thinned to about `_SAMPLES_TESTED` a segment."""
    place = np.arange(len(t.time_ns))
    before = t.time_ns[np.maximum(place - 1, t.offset[:-1][segment])]
    after = t.time_ns[np.minimum(place + 1, t.offset[1:][segment] - 1)]
    counts = (after > t.usable_start_ns[segment]) & (before < t.usable_stop_ns[segment])
    pick = np.flatnonzero(counts)
    each = np.bincount(segment[pick], minlength=len(t.length))
    number = np.arange(len(pick)) - np.repeat(np.cumsum(each) - each, each)
    is_tested = (number % np.repeat(-(-each // _SAMPLES_TESTED), each) == 0) | (number == np.repeat(each, each) - 1)
    return np.asarray(pick[is_tested], np.int64)


@dataclass(frozen=True)
class _Table:
    """Samples of s segments: lengths and offsets, shape (s,); times [s], positions [km] and velocities [km/s]."""

    length: Ints
    offset: Ints
    time_s: Floats
    position: Floats
    velocity: Floats


def _left_out_errors(table: _Table, pick: Ints, segment: Ints, *, method: str, samples: int) -> Floats:
    """Interpolation error around samples [km], estimated by leaving each of them out.

    An interpolation errs by a derivative of the motion times w(t) = prod (t - t_j). A sample that is left out and
    interpolated from its neighbours shows the derivative, and the times give w: so the error there, times the largest
    ratio of the w in the middle of the two adjoining intervals, is the error that the whole table makes beside the
    sample. For Hermite w is squared, but an error of the velocities grows with the spacing only; so the ratio is not
    squared. Velocities that are not the derivatives of the positions may cancel in the middle of an interval, so the
    velocity of what is left out counts, too, over 0.15 of the interval.

    Where a table has no sample to spare fewer are used, which errs on the large side.
    """
    first, count = table.offset[segment], table.length[segment]
    error = np.zeros(len(pick))
    two = count == 2
    if two.any():  # nothing can be left out
        a, b = first[two], first[two] + 1
        width = table.time_s[b] - table.time_s[a]
        if method == "hermite":  # h^4 / 384 of the fourth derivative, mu^2 / r^5; the 4 is for eccentric orbits
            radius = np.sqrt((table.position[a] ** 2).sum(axis=1))
            error[two] = 4.0 / 384.0 * width**4 * WGS72.mu_km3_s2**2 / radius**5
        else:
            error[two] = np.sqrt(((table.velocity[b] - table.velocity[a]) ** 2).sum(axis=1)) * width / 8.0
    for used in np.unique(np.minimum(samples, count[~two] - 1)):
        rows = np.flatnonzero(~two & (np.minimum(samples, count - 1) == used))
        error[rows] = _left_out(table, pick[rows], segment[rows], method=method, used=int(used))
    return error


def _left_out(table: _Table, pick: Ints, segment: Ints, *, method: str, used: int) -> Floats:
    """Errors of segments that all have more than `used` samples."""
    first, count, time_s = table.offset[segment], table.length[segment], table.time_s
    place = pick - first
    start = np.maximum(np.minimum(place - used // 2, count - used - 1), 0)
    others = [first + start + j + (start + j >= place) for j in range(used)]
    times, t = [time_s[k] for k in others], time_s[pick]
    weight = weights("lagrange" if method == "linear" else method, times, t)
    error = _distance(table, others, weight[:2], table.position[pick])
    if method == "hermite":
        wide = time_s[np.minimum(pick + 1, first + count - 1)] - time_s[np.maximum(pick - 1, first)]
        error += 0.15 * wide * _distance(table, others, weight[2:], table.velocity[pick])
    span = time_s[first + count - 1] - time_s[first]
    measured = _product(times, t, span)
    growth = np.zeros(len(pick))
    for side in (-1, 0):
        interval = np.clip(place + side, 0, count - 2)
        begin = window_start(np, interval, used, count)
        around = [time_s[first + begin + j] for j in range(used)]
        middle = 0.5 * (time_s[first + interval] + time_s[first + interval + 1])
        growth = np.maximum(growth, _product(around, middle, span) / measured)
    return np.asarray(error * growth)


def _distance(table: _Table, rows: list[Ints], weight: Sequence[list[BackendArray]], truth: Floats) -> Floats:
    """Distance of the weighted sum of rows from the truth, shapes (m,) and (m, 3)."""
    guess = -truth
    for values, part in zip((table.position, table.velocity), weight, strict=True):
        for k, w in zip(rows, part, strict=bool(part)):
            guess = guess + values[k] * w[:, None]
    return np.asarray(np.sqrt((guess * guess).sum(axis=1)))


def _product(times: list[Floats], t: Floats, span: Floats) -> Floats:
    """|w(t)|, times in units of `span`."""
    total = np.ones(len(t))
    for s in times:
        total = total * np.abs((t - s) / span)
    return total
