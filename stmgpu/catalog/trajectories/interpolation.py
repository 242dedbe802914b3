"""Interpolation in tables of states: which samples take part, and with which weights.

Weights are computed element by element from the sample times alone, in one order of operations, on any array
namespace with NumPy's interface; so one instant gets the same bits alone or among a million others, on every backend.

Lagrange: l_k(t) = prod_{j != k} (t - t_j) / (t_k - t_j). Hermite (positions and velocities at p samples, degree 2p - 1;
Burden and Faires, Numerical Analysis, section 3.4): [1 - 2 (t - t_k) l_k'(t_k)] l_k^2 of the positions and
(t - t_k) l_k^2 of the velocities. The window of samples moves on only at sample times, where every window gives the
sample itself: the interpolated position is continuous, its derivative jumps by about the interpolation error over the
spacing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from stmgpu.constants import WGS72

METHODS = ("lagrange", "hermite", "linear")
"""Known methods, in the order of their numbers in stored form."""

MAX_DEGREE = 15
"""Highest degree that is used; a higher one is read as this: beyond, rounding of the samples grows at the ends."""

DEFAULT_DEGREE = 9
"""Degree where nothing is said. Measured: see `stmgpu.catalog.trajectories.trajectories`."""


def sample_count(method: str, degree: int) -> int:
    """Samples that take part in one interpolation: degree + 1, or half of that where velocities count too.

    Examples
    --------
    >>> sample_count("lagrange", 7), sample_count("hermite", 7), sample_count("linear", 1)
    (8, 4, 2)
    """
    return (degree + 2) // 2 if method == "hermite" else degree + 1


def window_start(xp: Any, interval: Any, samples: int, length: Any) -> Any:
    """First of the samples around an interval: centred, and moved inwards at the ends of the table.

    Parameters
    ----------
    xp
        array namespace.
    interval
        number of the sample at or before the instant, 0 to length - 2.
    samples
        samples that take part.
    length
        samples of the table, at least `samples`.
    """
    return xp.maximum(xp.minimum(interval - (samples - 1) // 2, length - samples), 0)


def lagrange_weights(times: list[Any], t: Any) -> tuple[list[Any], list[Any]]:
    """Weights of the value and of its derivative.

    Parameters
    ----------
    times
        q arrays [m]: times of the samples that take part [s].
    t
        instants [m] [s].

    Returns
    -------
    value [1], rate [1/s] : lists of q arrays [m]

    Examples
    --------
    >>> value, rate = lagrange_weights([np.array([0.0]), np.array([10.0])], np.array([2.5]))
    >>> [float(w[0]) for w in value], [float(w[0]) for w in rate]
    ([0.75, 0.25], [-0.1, 0.1])
    """
    q = len(times)
    span = times[-1] - times[0]
    away = [(t - s) / span for s in times]
    one, none = away[0] * 0.0 + 1.0, away[0] * 0.0
    left, right = [(one, none)], [(one, none)]
    for k in range(q - 1):  # products of the first k factors, of the last k, and their derivatives
        for part, factor in ((left, away[k]), (right, away[q - 1 - k])):
            product, slope = part[-1]
            part.append((product * factor, slope * factor + product))
    value, rate = [], []
    for k in range(q):
        (a, da), (b, db) = left[k], right[q - 1 - k]
        scale = one
        for j in range(q):
            if j != k:
                scale = scale * ((times[k] - times[j]) / span)
        value.append(a * b / scale)
        rate.append((da * b + a * db) / scale / span)
    return value, rate


def hermite_weights(times: list[Any], t: Any) -> tuple[list[Any], list[Any], list[Any], list[Any]]:
    """Weights of positions and velocities of the samples.

    Parameters
    ----------
    times, t
        as in `lagrange_weights`.

    Returns
    -------
    of the value: positions [1], velocities [s]; of its derivative: positions [1/s], velocities [1]
    """
    basis, slope = lagrange_weights(times, t)
    value_r, value_v, rate_r, rate_v = [], [], [], []
    for k, (b, s) in enumerate(zip(basis, slope, strict=True)):
        own = b * 0.0
        for j, other in enumerate(times):
            if j != k:
                own = own + 1.0 / (times[k] - other)
        away = t - times[k]
        tilt = 1.0 - 2.0 * away * own
        value_r.append(tilt * b * b)
        value_v.append(away * b * b)
        rate_r.append(2.0 * b * (tilt * s - own * b))
        rate_v.append(b * b + 2.0 * away * b * s)
    return value_r, value_v, rate_r, rate_v


def weights(method: str, times: list[Any], t: Any) -> tuple[list[Any], list[Any], list[Any], list[Any]]:
    """Weights of any method: of the position (from positions, velocities), then of the velocity (likewise).

    Lists are empty where samples have no part: Lagrange's velocity is the derivative of the polynomial, so that it fits
    the positions; a linear table's velocity is interpolated from the velocities, since the slope between two positions
    is a mean over the whole interval.
    """
    if method == "hermite":
        return hermite_weights(times, t)
    value, rate = lagrange_weights(times, t)
    return (value, [], [], value) if method == "linear" else (value, [], rate, [])


def left_out_errors(
    length: npt.NDArray[np.int64],
    offset: npt.NDArray[np.int64],
    pick: npt.NDArray[np.int64],
    segment: npt.NDArray[np.int64],
    time_s: npt.NDArray[np.float64],
    position: npt.NDArray[np.float64],
    velocity: npt.NDArray[np.float64],
    method: str,
    samples: int,
) -> npt.NDArray[np.float64]:
    """Interpolation error around samples, estimated by leaving each of them out.

    An interpolation errs by a derivative of the motion times w(t) = prod (t - t_j). A sample that is left out and
    interpolated from its neighbours shows the one, the times tell the other: so the error there, times the largest
    ratio of the w in the middle of the two adjoining intervals, is the error that the whole table makes beside the
    sample. (Hermite: w is squared, but an error of the velocities grows with the spacing only; so the ratio is not
    squared. Velocities that are not the derivatives of the positions may cancel in the middle of an interval, so the
    velocity of what is left out counts, too, over 0.15 of the interval.)

    Parameters
    ----------
    length, offset
        samples of each segment and where they begin in the columns [s].
    pick, segment
        samples to look at, as numbers within the columns, and the segments that they belong to [m].
    time_s, position, velocity
        columns: time [s] (any origin within a segment), position [km] and velocity [km/s], shapes (M,), (M, 3), (M, 3).
    method, samples
        how all these segments are interpolated.

    Returns
    -------
    ndarray of float64, shape (m,)
        Estimated errors [km]. Where a table has no sample to spare fewer are used, which errs on the large side.
    """
    first, count = offset[segment], length[segment]
    error = np.zeros(len(pick))
    two = count == 2
    if two.any():  # nothing can be left out
        a, b = first[two], first[two] + 1
        width = time_s[b] - time_s[a]
        if method == "hermite":  # h^4 / 384 of the fourth derivative, mu^2 / r^5; the 4 is for eccentric orbits
            radius = np.sqrt((position[a] ** 2).sum(axis=1))
            error[two] = 4.0 / 384.0 * width**4 * WGS72.mu_km3_s2**2 / radius**5
        else:
            error[two] = np.sqrt(((velocity[b] - velocity[a]) ** 2).sum(axis=1)) * width / 8.0
    for used in np.unique(np.minimum(samples, count[~two] - 1)):
        rows = np.flatnonzero(~two & (np.minimum(samples, count - 1) == used))
        error[rows] = _left_out(pick[rows], first[rows], count[rows], time_s, position, velocity, method, int(used))
    return error


def _left_out(
    pick: npt.NDArray[np.int64],
    first: npt.NDArray[np.int64],
    count: npt.NDArray[np.int64],
    time_s: npt.NDArray[np.float64],
    position: npt.NDArray[np.float64],
    velocity: npt.NDArray[np.float64],
    method: str,
    used: int,
) -> npt.NDArray[np.float64]:
    place = pick - first
    start = np.maximum(np.minimum(place - used // 2, count - used - 1), 0)
    others = [first + start + j + (start + j >= place) for j in range(used)]
    times, t = [time_s[k] for k in others], time_s[pick]
    weight = weights("lagrange" if method == "linear" else method, times, t)
    off = _off(others, weight[:2], position, velocity, position[pick])
    if method == "hermite":
        wide = time_s[np.minimum(pick + 1, first + count - 1)] - time_s[np.maximum(pick - 1, first)]
        off += 0.15 * wide * _off(others, weight[2:], position, velocity, velocity[pick])
    span = time_s[first + count - 1] - time_s[first]
    measured = _product(times, t, span)
    growth = np.zeros(len(pick))
    for side in (-1, 0):
        interval = np.clip(place + side, 0, count - 2)
        begin = window_start(np, interval, used, count)
        around = [time_s[first + begin + j] for j in range(used)]
        middle = 0.5 * (time_s[first + interval] + time_s[first + interval + 1])
        growth = np.maximum(growth, _product(around, middle, span) / measured)
    return np.asarray(off * growth)


def _off(
    rows: list[npt.NDArray[np.int64]],
    weight: Sequence[list[Any]],
    position: npt.NDArray[np.float64],
    velocity: npt.NDArray[np.float64],
    truth: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """Distance [m] of what weights make of rows from the truth [m, 3]."""
    guess = -truth
    for table, part in zip((position, velocity), weight, strict=True):
        for k, w in zip(rows, part, strict=bool(part)):
            guess = guess + table[k] * w[:, None]
    return np.asarray(np.sqrt((guess * guess).sum(axis=1)))


def _product(
    times: list[npt.NDArray[np.float64]], t: npt.NDArray[np.float64], span: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """|w(t)|, times in units of `span`."""
    total = np.ones(len(t))
    for s in times:
        total = total * np.abs((t - s) / span)
    return total
