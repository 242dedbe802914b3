"""Interpolation errors from positions alone: every sample is predicted from its neighbours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stmgpu.catalog.trajectories.gravity import gravity
from stmgpu.catalog.trajectories.interpolation import windows_without
from stmgpu.catalog.trajectories.tables import Errors, Table, norm
from stmgpu.constants import WGS72

if TYPE_CHECKING:
    from stmgpu.typing import Floats, Ints

_MORE, _MOST = 4, 16
"""A sample is predicted from so many more than are interpolated between, but from no more than 16."""

_SPARE = 5
"""Samples of a short table that a prediction leaves aside: of all but one, every prediction tells the same."""

_FEW = (8, 6, 5, 4, 3)
"""Numbers of samples for predictions where the usual number magnifies rounding."""

_QUIET = 8.0
"""Sum of the weights' sizes up to which a prediction does not magnify rounding; it is 3 to 4 in even tables."""

_UNKNOWN_FORCES_KM_S2 = 1e-7
"""Acceleration that gravity with J2 may leave out [km/s^2]."""

_REACH = 3
"""Samples to each side whose error a sample may share unseen: neighbours that are wrong alike hide each other."""

_TRUNCATION_FACTOR, _STATE_FACTOR, _OWN_FACTOR = 1.5, 4.0, 2.5
"""Safety factors: of truncation, of errors that neighbours may share, of a sample's own; measured by random draws."""


def fewest_samples(table: Table) -> int:
    """Samples that `polynomial_errors` needs to leave one out and to tell rounding from truncation."""
    return max(table.samples + 2, 5)


def polynomial_errors(table: Table) -> Errors:
    """Errors estimated from positions.

    An interpolation errs by a derivative of the motion times w(t) = prod (t - t_j). A sample that is left out and
    predicted by as many others shows the derivative; times the ratio of the w it gives the truncation in the middle of
    the intervals beside it. The errors of the samples themselves come from the best prediction of each, see
    `_sample_errors`, and count with their weights in the middle of the interval.

    Parameters
    ----------
    table : Table
        Lagrange or linear, with at least `fewest_samples`.
    """
    off = _sample_errors(table)
    wide = _STATE_FACTOR * off
    wide[[0, -1]] = 0.0  # no run of wrong samples shows at the ends
    shared = wide.copy()
    for k in range(1, _REACH + 1):
        np.maximum(wide[k:], shared[:-k], out=wide[k:])
        np.maximum(wide[:-k], shared[k:], out=wide[:-k])
    np.maximum(wide, _OWN_FACTOR * off, out=wide)
    every, interval = np.arange(len(table)), np.arange(len(table) - 1)
    middle = 0.5 * table.step_s
    nodes = windows_without(table.time_ns, every, table.samples)
    residual, _ = _residual(table, every, nodes)
    shown = residual / _product(table, nodes, every, np.zeros(len(every)))[:, None]
    around = _product(table, table.windows, interval, middle)[:, None]
    (value, *_), pattern = table.weights(table.windows, interval, middle, "lagrange")
    total = np.zeros_like(wide[1:])
    for j, w in enumerate(value):
        total += np.abs(w)[pattern][:, None] * off[table.windows[:, j]]
    states = np.maximum(np.maximum(wide[:-1], wide[1:]), _STATE_FACTOR * total)
    return Errors(_TRUNCATION_FACTOR * around * np.maximum(shown[:-1], shown[1:]), states, off)


def _residual(table: Table, sample: Ints, nodes: Ints) -> tuple[Floats, Floats]:
    """Distance of samples from their prediction [m, g], and the sum of the weights' sizes [m]."""
    (value, *_), pattern = table.weights(nodes, sample, np.zeros(len(sample)), "lagrange")
    gain: Floats = np.sum(np.abs(value), axis=0)[pattern]
    return norm(table.combine(nodes, pattern, (value, [])) - table.position[sample]), gain


def _product(table: Table, nodes: Ints, origin: Ints, t_s: Floats) -> Floats:
    """Product of the distances in time from the samples of a window [s^q], shape (m,)."""
    rows, pattern = table.patterns(nodes, origin)
    start = table.time_ns[origin[rows]]
    total = np.ones(len(rows))
    for j in range(nodes.shape[1]):
        total *= np.abs(t_s[rows] - (table.time_ns[nodes[rows, j]] - start) / 1e9)
    return np.asarray(total[pattern])


def _sample_errors(table: Table) -> Floats:
    """How wrong each sample may be, [n, g] [km].

    A wrong sample is off its prediction by its own error; the prediction is off by the rounding of others, times the
    sum of the weights' sizes, and by what a polynomial leaves out. In the middle of a table a high degree is best; at
    its ends, and where steps change, a high degree magnifies rounding a thousand times. There a lower one, or gravity,
    is chosen by what it should leave out, never by the residual that it gives.
    """
    n = len(table)
    count = min(table.samples + _MORE, _MOST, max(n - _SPARE, 4))
    every = np.arange(n)
    nodes = windows_without(table.time_ns, every, count)
    best, gain = _residual(table, every, nodes)
    quiet = gain <= max(_QUIET, float(np.median(gain)))
    rounding = 2.5 * np.median(best[quiet] / np.sqrt(1.0 + gain[quiet] ** 2 / 4.0)[:, None], axis=0)
    loud = np.flatnonzero(~quiet)
    if len(loud) == 0:
        return best
    scales = _Scales(table, loud)
    noise = gain[loud, None] * rounding
    unsure, best[loud] = noise + scales.left_out(table, nodes[loud]), best[loud] + noise
    for few in _FEW:
        if few < count:
            nodes = windows_without(table.time_ns, loud, few)
            residual, gain = _residual(table, loud, nodes)
            noise = gain[:, None] * rounding
            doubt = noise + scales.left_out(table, nodes)
            best[loud] = np.where(doubt < unsure, residual + noise, best[loud])
            unsure = np.minimum(unsure, doubt)
    residual, gain, step_s, lopsided = _falling(table, loud)
    noise = gain[:, None] * rounding
    doubt = noise + _UNKNOWN_FORCES_KM_S2 * step_s[:, None] ** 2 + scales.left_out_by_gravity(step_s, lopsided)
    best[loud] = np.where(doubt < unsure, residual + noise, best[loud])
    return best


def _falling(table: Table, sample: Ints) -> tuple[Floats, Floats, Floats, Floats]:
    """Residuals of samples against two others and gravity: Numerov's rule for three times.

    Returns
    -------
    residual : float64, shape (m, g)
        [km].
    gain, step_s, lopsided : float64, shape (m,)
        Sum of the weights' sizes of the other two; the larger step [s]; relative difference of the steps.
    """
    middle = np.clip(sample, 1, len(table) - 2)
    one, two = table.step_s[middle - 1], table.step_s[middle]
    p = [table.position[middle + k] for k in (-1, 0, 1)]
    pull = [np.moveaxis(gravity(np, np.moveaxis(r, 1, 0)), 0, 1) for r in p]
    h, k = one[:, None, None], two[:, None, None]
    rising, later = (pull[1] - pull[0]) / h, (pull[2] - pull[1]) / k
    curve = (later - rising) / (h + k)
    slope = rising + curve * h
    turn = 0.5 * (h + k) * pull[1] + (k * k - h * h) / 6.0 * slope + (h**3 + k**3) / 12.0 * curve
    off = norm((p[2] - p[1]) / k - (p[1] - p[0]) / h - turn)
    shares = np.stack([1.0 / one, 1.0 / one + 1.0 / two, 1.0 / two])
    own = np.take_along_axis(shares, (sample - middle + 1)[None], axis=0)[0]
    return off / own[:, None], shares.sum(axis=0) / own - 1.0, np.maximum(one, two), np.abs(one - two) / (one + two)


class _Scales:
    """Radius [km] and rates of change [1/s] of the orbit at some samples, [m, g].

    A derivative of order q is about w^q of the radius on a circle. On an ellipse the motion is singular at a complex
    time beside the perigee (mean anomaly E - e sin E with e cos E = 1), and a divided difference is about the product
    of the inverse distances of its times from there.
    """

    def __init__(self, table: Table, sample: Ints) -> None:
        p, v = table.position[sample], table.velocity[sample]
        self.sample, self.radius = sample, norm(p)
        self.rate = np.maximum(norm(v) / self.radius, np.sqrt(WGS72.mu_km3_s2 / self.radius**3))
        a = 1.0 / np.maximum(2.0 / self.radius - (v * v).sum(axis=1) / WGS72.mu_km3_s2, 1e-9)
        x, y = 1.0 - self.radius / a, (p * v).sum(axis=1) / np.sqrt(WGS72.mu_km3_s2 * a)
        e = np.clip(np.sqrt(x * x + y * y), 1e-6, 1.0 - 1e-6)
        slowness = np.sqrt(a**3 / WGS72.mu_km3_s2)
        self.since_perigee_s = slowness * (np.arctan2(y, x) - y)
        self.pole_s = slowness * (np.arccosh(1.0 / e) - np.sqrt(1.0 - e * e))

    def left_out(self, table: Table, nodes: Ints) -> Floats:
        """Approximate size of what a polynomial leaves out at the samples [km]."""
        circle, pole = self.radius, self.radius * nodes.shape[1] ** (-5.0 / 3.0)
        for j in range(nodes.shape[1]):
            later = ((table.time_ns[nodes[:, j]] - table.time_ns[self.sample]) / 1e9)[:, None]
            away = np.abs(later)
            circle = circle * self.rate * away / (j + 1)
            pole = pole * away / np.hypot(self.since_perigee_s + later, self.pole_s)
        return np.asarray(np.maximum(circle, pole), np.float64)

    def left_out_by_gravity(self, step_s: Floats, lopsided: Floats) -> Floats:
        """Approximate size of what `_falling` leaves out [km]."""
        h = step_s[:, None]
        circle, pole = self.rate * h, h / np.hypot(self.since_perigee_s, self.pole_s)
        even = np.maximum(circle**6 / 240.0, 0.15 * pole**6)
        total: Floats = self.radius * (even + lopsided[:, None] * np.maximum(circle**5 / 60.0, 0.15 * pole**5))
        return total
