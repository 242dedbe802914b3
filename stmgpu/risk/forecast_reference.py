"""Forecast of a decision by chords of the plane, one event at a time: the slow twin of :mod:`stmgpu.risk.forecast`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy

from stmgpu.risk.pc import plane_probability

if TYPE_CHECKING:
    from stmgpu.backend import Backend
    from stmgpu.typing import Floats

_FAR = 9.0
_GOLDEN = (np.sqrt(5.0) - 1.0) / 2.0


def forecast_probability(
    miss: Floats,
    sigmas_now: Floats,
    covariance_then: Floats,
    *,
    radius: float,
    line: float,
    backend: Backend,
    nodes: int = 301,
) -> float:
    """Probability of one event; arguments as for :func:`stmgpu.risk.forecast.forecast_probability`.

    The density of the miss is integrated along chords, whose ends are found by halving intervals, and across them by
    the trapezoidal rule after a double exponential substitution.
    """
    values, axes = np.linalg.eigh(np.diag(np.square(sigmas_now)) - covariance_then)
    across, along = np.sqrt(np.maximum(values, 0.0))
    variances, own = np.linalg.eigh(covariance_then)
    sigmas = np.sqrt(variances)

    def height(s: Floats, v: Floats) -> Floats:
        point = miss + s[:, np.newaxis] * axes[:, 1] + v[:, np.newaxis] * axes[:, 0]
        x, z = own.T @ point.T
        found = plane_probability(x, z, sigmas[0], sigmas[1], radius, backend=backend)
        far = -1e3 - x * x / variances[0] - z * z / variances[1]  # falls where the probability is 0 in float64
        with np.errstate(divide="ignore"):
            heights: Floats = np.where(found > 0.0, np.log(found), far) - np.log(line)
        return heights

    reach = radius + np.sqrt(variances[1] * 2.0 * np.log(1.0 / line)) + np.linalg.norm(miss)

    def peaks(v: Floats) -> Floats:
        low, high = np.full_like(v, -reach), np.full_like(v, reach)
        for _ in range(70):
            one, two = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
            rises = height(one, v) < height(two, v)
            low, high = np.where(rises, one, low), np.where(rises, high, two)
        return 0.5 * (low + high)

    center = -miss @ axes[:, 0]
    if not height(peaks(np.array([center])), np.array([center]))[0] > 0.0:
        return 0.0
    if along == 0.0:
        return float(height(np.zeros(1), np.zeros(1))[0] >= 0.0)
    ends = []
    for side in (-1.0, 1.0):
        inside, outside = center, center + side * reach
        for _ in range(9):  # 64 places at once
            places = np.linspace(inside, outside, 66)
            last = np.flatnonzero(height(peaks(places), places) > 0.0).max(initial=0)
            inside, outside = float(places[last]), float(places[min(last + 1, 65)])
        ends.append(float(np.clip(inside, -_FAR * across, _FAR * across)))
    low, high = ends
    t = np.linspace(-3.2, 3.2, nodes)
    v = low + (high - low) * 0.5 * (1.0 + np.tanh(0.5 * np.pi * np.sinh(t)))
    weight = (t[1] - t[0]) * (high - low) * 0.25 * np.pi * np.cosh(t) / np.cosh(0.5 * np.pi * np.sinh(t)) ** 2
    if across == 0.0:
        v, weight = np.zeros(1), np.ones(1)
    top = peaks(v)
    chord = []
    for side in (-1.0, 1.0):
        inside, outside = top.copy(), top + side * 2.0 * reach
        for _ in range(55):
            middle = 0.5 * (inside + outside)
            within = height(middle, v) > 0.0
            inside, outside = np.where(within, middle, inside), np.where(within, outside, middle)
        chord.append(0.5 * (inside + outside) / along)
    near = np.where(
        chord[0] > 0.0,
        scipy.special.ndtr(-chord[0]) - scipy.special.ndtr(-chord[1]),
        scipy.special.ndtr(chord[1]) - scipy.special.ndtr(chord[0]),
    )
    near = np.where(height(top, v) > 0.0, near, 0.0)
    if across > 0.0:
        near = near * np.exp(-0.5 * (v / across) ** 2) / (across * np.sqrt(2.0 * np.pi))
    return float((weight * near).sum())
