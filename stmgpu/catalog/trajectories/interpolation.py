"""Interpolation in tables of states: windows of samples and their weights.

Weights are computed element by element from the sample times alone, in one order of operations, on any array
namespace with NumPy's interface. An instant therefore gets the same bits alone or among many others, on every backend.
Windows depend on the times of a table only; see `windows`.

Lagrange: l_k(t) = prod_{j != k} (t - t_j) / (t_k - t_j). Hermite (positions and velocities at p samples, degree 2p - 1;
Burden and Faires, Numerical Analysis, section 3.4): [1 - 2 (t - t_k) l_k'(t_k)] l_k^2 of the positions and
(t - t_k) l_k^2 of the velocities. The window of samples moves on only at sample times, where every window gives the
sample itself: the interpolated position is continuous, its derivative jumps by about the interpolation error over the
spacing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from types import ModuleType

    from stmgpu.typing import BackendArray, Ints

Weights: TypeAlias = "tuple[list[BackendArray], list[BackendArray], list[BackendArray], list[BackendArray]]"
"""Weights of positions and of velocities in a position, and the same in a velocity; see :func:`hermite_weights`."""

METHODS = ("lagrange", "hermite", "linear")
"""Known methods, in the order of their numbers in stored form."""

MAX_DEGREE = 15
"""Highest degree that is used; a higher one is read as this: beyond, rounding of the samples grows at the ends."""

DEFAULT_DEGREE = 9
"""Degree where none is given; measured in docs/design/trajectories-interpolation.md."""


def sample_count(method: str, degree: int) -> int:
    """Samples that take part in one interpolation: degree + 1, or half of that where velocities count too.

    Examples
    --------
    >>> sample_count("lagrange", 7), sample_count("hermite", 7), sample_count("linear", 1)
    (8, 4, 2)
    """
    return (degree + 2) // 2 if method == "hermite" else degree + 1


def window_start(xp: ModuleType, interval: BackendArray, samples: int, length: BackendArray | int) -> BackendArray:
    """First of the samples around an interval: centred, and moved inwards at the ends of the table.

    Parameters
    ----------
    xp : module
        BackendArray namespace.
    interval : array of int
        Number of the sample at or before the instant, 0 to length - 2.
    samples : int
        Samples that take part.
    length : array of int
        Samples of the table, at least `samples`.
    """
    start: BackendArray = xp.maximum(xp.minimum(interval - (samples - 1) // 2, length - samples), 0)
    return start


def windows(time_ns: Ints, samples: int) -> Ints:
    """Samples that take part in the interpolation in each interval, chosen by time and spacing.

    Steps that differ by less than a factor of two are counted off: see `window_start`. Elsewhere a window begins with
    the two ends of its interval and takes, one by one, the sample that is nearest in time among those at least 0.4 of
    the interval's width beyond the last one on their side. So a second-by-second stretch beside an interval of a minute
    counts with one state in half a minute, and rounding is not magnified. On equal steps both rules agree.

    Parameters
    ----------
    time_ns : int64, shape (n,)
        Times of the samples, rising [ns].
    samples : int
        Samples that take part, 2 to n.

    Returns
    -------
    ndarray of int64, shape (n - 1, samples)
        Rising sample numbers; both ends of the interval are among them.

    Examples
    --------
    >>> import numpy as np
    >>> windows(np.array([0, 60, 120, 121, 122, 123, 183, 243]) * 10**9, 4)[1].tolist()
    [0, 1, 2, 6]
    """
    n = len(time_ns)
    interval = np.arange(n - 1)
    if is_even(time_ns) or samples >= n:
        begin: Ints = window_start(np, interval, samples, n)
        return begin[:, None] + np.arange(samples)
    return _nearest(time_ns, (interval, interval + 1), (interval * 0, interval * 0 + n - 1), samples)


def windows_without(time_ns: Ints, sample: Ints, samples: int) -> Ints:
    """Samples that predict a sample without using it, chosen as in `windows`.

    Parameters
    ----------
    time_ns : int64, shape (n,)
        Times of the samples, rising [ns].
    sample : int64, shape (m,)
        Samples that are left out.
    samples : int
        Samples that take part, 2 to n - 1.

    Returns
    -------
    ndarray of int64, shape (m, samples)
        Rising sample numbers.
    """
    n = len(time_ns)
    if is_even(time_ns) or samples >= n - 1:
        begin = np.maximum(np.minimum(sample - samples // 2, n - 1 - samples), 0)[:, None] + np.arange(samples)
        return begin + (begin >= sample[:, None])
    first, last = np.where(sample == 0, 1, 0), np.where(sample == n - 1, n - 2, n - 1)
    left = np.clip(sample - 1, first, last - 1)
    return _nearest(time_ns, (left, np.maximum(np.minimum(sample + 1, last), left + 1)), (first, last), samples)


def is_even(time_ns: Ints) -> bool:
    """Whether no step of a table is more than twice another."""
    step = np.diff(time_ns)
    return bool(step.max(initial=0) <= 2 * step.min(initial=1 << 62))


def _nearest(time_ns: Ints, sides: tuple[Ints, Ints], limits: tuple[Ints, Ints], samples: int) -> Ints:
    """Windows [m, samples] around pairs of samples, between the first and last that may be taken.

    Where samples run out the distance between them is relaxed by steps of 2, down to none.
    """
    (left, right), (first, last) = sides, limits
    chosen = np.empty((len(left), samples), np.int64)
    rows, width = np.arange(len(left)), time_ns[right] - time_ns[left]
    divisor = 5
    while len(rows):
        a, b, low, high = left[rows], right[rows], first[rows], last[rows]
        gap = np.maximum(2 * width[rows] // divisor, 1)
        picks, begin, end, failed = [a, b], a, b, np.zeros(len(rows), bool)
        for _ in range(samples - 2):
            before = np.searchsorted(time_ns, time_ns[begin] - gap, side="right") - 1
            after = np.searchsorted(time_ns, time_ns[end] + gap)
            none_before, none_after = before < low, after > high
            to_left = (
                time_ns[a] - time_ns[np.maximum(before, 0)] <= time_ns[np.minimum(after, len(time_ns) - 1)] - time_ns[b]
            )
            to_left = (to_left | none_after) & ~none_before
            failed |= none_before & none_after
            pick = np.where(to_left, before, np.minimum(after, high))
            picks.append(pick)
            begin, end = np.where(to_left, pick, begin), np.where(to_left, end, pick)
        chosen[rows] = np.sort(np.stack(picks, axis=1), axis=1)
        rows, divisor = rows[failed], divisor * 2 if divisor < 10**12 else 10**30
    return chosen


def lagrange_weights(times: list[BackendArray], t: BackendArray) -> tuple[list[BackendArray], list[BackendArray]]:
    """Weights of the value and of its derivative.

    Parameters
    ----------
    times : list of q arrays, shape (m,)
        Times of the samples that take part [s].
    t : array, shape (m,)
        Instants [s].

    Returns
    -------
    value, rate : list of q arrays, shape (m,)
        Weights of the value [1] and of its derivative [1/s].

    Examples
    --------
    >>> import numpy as np
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


def hermite_weights(times: list[BackendArray], t: BackendArray) -> Weights:
    """Weights of positions and velocities of the samples.

    Parameters
    ----------
    times : list of q arrays, shape (m,)
        Times of the samples that take part [s].
    t : array, shape (m,)
        Instants [s].

    Returns
    -------
    value_r, value_v, rate_r, rate_v : list of q arrays, shape (m,)
        Weights of positions [1] and velocities [s] for the value, and of positions [1/s] and velocities [1] for its
        derivative.
    """
    basis, slope = lagrange_weights(times, t)
    value_r, value_v, rate_r, rate_v = [], [], [], []
    for k, (b, s) in enumerate(zip(basis, slope, strict=True)):
        slope_at_sample = b * 0.0
        for j, other in enumerate(times):
            if j != k:
                slope_at_sample = slope_at_sample + 1.0 / (times[k] - other)
        away = t - times[k]
        tilt = 1.0 - 2.0 * away * slope_at_sample
        value_r.append(tilt * b * b)
        value_v.append(away * b * b)
        rate_r.append(2.0 * b * (tilt * s - slope_at_sample * b))
        rate_v.append(b * b + 2.0 * away * b * s)
    return value_r, value_v, rate_r, rate_v


def weights(method: str, times: list[BackendArray], t: BackendArray) -> Weights:
    """Weights of any method, for position and velocity.

    Parameters
    ----------
    method : {'lagrange', 'hermite', 'linear'}
        Method of interpolation.
    times : list of q arrays, shape (m,)
        Times of the samples that take part [s].
    t : array, shape (m,)
        Instants [s].

    Returns
    -------
    tuple of four lists of q arrays, shape (m,)
        Weights of positions and velocities for the position, then for the velocity; a list is empty where the samples
        do not count. Lagrange's velocity is the derivative of the polynomial, so that it fits the positions. A linear
        table's is interpolated from the velocities: the slope between two positions is a mean over the interval.
    """
    if method == "hermite":
        return hermite_weights(times, t)
    value, rate = lagrange_weights(times, t)
    return (value, [], [], value) if method == "linear" else (value, [], rate, [])
