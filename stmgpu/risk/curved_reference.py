"""Straightening of curved encounters with NumPy's linear algebra: the slow twin of ``kernels/curved.cu``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy

from stmgpu.risk import curved_kernels as rows
from stmgpu.risk import equinoctial

if TYPE_CHECKING:
    from stmgpu.typing import Floats


def straightened(
    state_1: Floats,
    covariance_1: Floats,
    state_2: Floats,
    covariance_2: Floats,
    radius_m: Floats,
    *,
    rim: bool = True,
) -> Floats:
    """Rows of encounters; arguments as for :func:`stmgpu.risk.curved_kernels.straightened`."""
    found = np.full((rows.ROWS, len(radius_m)), np.nan)
    for k, radius in enumerate(radius_m.tolist()):
        with np.errstate(all="ignore"):
            try:
                pair = _Object(state_1[:, k], covariance_1[k]), _Object(state_2[:, k], covariance_2[k])
                found[:, k] = _straight(pair, radius, rim=rim)
            except (_NotFoundError, np.linalg.LinAlgError):
                continue
    return found


class _NotFoundError(Exception):
    """There is no overlap, or its densest time was not reached."""


class _Object:
    """An object's mean elements, and the covariance of its errors in Cartesian axes."""

    def __init__(self, state_km: Floats, own: Floats) -> None:
        state = 1e3 * state_km
        radial, normal = state[:3], np.cross(state[:3], state[3:])
        radial, normal = radial / np.linalg.norm(radial), normal / np.linalg.norm(normal)
        axes = np.kron(np.eye(2), np.stack([radial, np.cross(normal, radial), normal], axis=1))
        lower = np.tril(own)
        self.covariance = axes @ (lower + np.tril(own, -1).T) @ axes.T
        self.sense = float(equinoctial.sense_of(state))
        self.mean = equinoctial.elements(state, self.sense)
        self.by_state = equinoctial.inverse_jacobian(self.mean, equinoctial.jacobian(self.mean, sense=self.sense))

    def about(self, elements: Floats, time_s: float) -> tuple[Floats, Floats]:
        """Mean state when motion is linear about some elements, and its derivative by the state at the start."""
        by_elements = equinoctial.jacobian(elements, time_s, self.sense)
        state = equinoctial.state(elements, time_s, self.sense) + by_elements @ (self.mean - elements)
        return state, by_elements @ self.by_state


@dataclass(frozen=True)
class Overlap:
    """Relative motion, linear about the elements that lead two objects to a relative position.

    Attributes
    ----------
    distance : float
        Squared distance in sigmas, plus the logarithm of the determinant of the covariance of position.
    mean, covariance : float64, shape (6,) and (6, 6)
        Of the relative state [m, m/s].
    elements : tuple of two float64, shape (6,)
        The elements.
    """

    distance: float
    mean: Floats
    covariance: Floats
    elements: tuple[Floats, Floats]


def _overlap(pair: tuple[_Object, _Object], time_s: float, place: Floats, near: tuple[Floats, Floats]) -> Overlap:
    last = np.nan
    for _ in range(rows.TURNS):
        (mean_1, move_1), (mean_2, move_2) = (one.about(e, time_s) for one, e in zip(pair, near, strict=True))
        covariance = move_1 @ pair[0].covariance @ move_1.T + move_2 @ pair[1].covariance @ move_2.T
        off = (mean_1 - mean_2)[:3] - place
        pull = np.linalg.solve(covariance[:3, :3], off)
        sign, size = np.linalg.slogdet(covariance[:3, :3])
        now = float(off @ pull + size) if sign > 0.0 else np.nan
        near = (
            pair[0].mean - pair[0].by_state @ (pair[0].covariance @ (move_1[:3].T @ pull)),
            pair[1].mean + pair[1].by_state @ (pair[1].covariance @ (move_2[:3].T @ pull)),
        )
        if abs(now - last) < rows.EVEN:
            return Overlap(now, mean_1 - mean_2, covariance, near)
        last = now
    raise _NotFoundError


def _densest(
    pair: tuple[_Object, _Object], time_s: float, width_s: float, place: Floats, near: tuple[Floats, Floats]
) -> tuple[float, float, float, tuple[Overlap, Overlap, Overlap]]:
    """Time and width of the densest overlap, the step of time with which they were found, and the overlaps there."""
    for _ in range(rows.REFINED):
        before, now, after = (_overlap(pair, time_s + k * width_s, place, near) for k in (-1, 0, 1))
        near = now.elements
        slope = (after.distance - before.distance) / (2.0 * width_s)
        bend = (after.distance + before.distance - 2.0 * now.distance) / width_s**2
        wide = np.sqrt(2.0 / bend) if bend > 0.0 else width_s
        shift = -slope / bend if bend > 0.0 else np.sign(before.distance - after.distance) * (rows.STEP - 1.0) * width_s
        if bend > 0.0 and abs(shift) < rows.STILL * wide and abs(wide - width_s) < rows.ALIKE * width_s:
            return time_s, float(wide), width_s, (before, now, after)
        time_s += float(np.clip(shift, -rows.STEP * width_s, rows.STEP * width_s))
        width_s = float(np.clip(wide, width_s / rows.STEP, width_s * rows.STEP))
    raise _NotFoundError


def _velocity(overlap: Overlap, place: Floats) -> Floats:
    """Mean relative velocity where the relative position is given."""
    a, b = overlap.covariance[:3, :3], overlap.covariance[3:, :3]
    velocity: Floats = overlap.mean[3:] + b @ np.linalg.solve(a, place - overlap.mean[:3])
    return velocity


def _start(pair: tuple[_Object, _Object]) -> tuple[float, float, float]:
    """Time and width of the overlap of straight motion, and its probability as a logarithm times -2, to a constant."""
    mean = pair[0].about(pair[0].mean, 0.0)[0] - pair[1].about(pair[1].mean, 0.0)[0]
    r, v = mean[:3], mean[3:]
    a = (pair[0].covariance + pair[1].covariance)[:3, :3]
    vv, rv, rr = (float(x @ np.linalg.solve(a, y)) for x, y in ((v, v), (r, v), (r, r)))
    sign, size = np.linalg.slogdet(a)
    if not (sign > 0.0 and 0.0 < vv < np.inf):
        raise _NotFoundError
    return (
        -rv / vv,
        1.0 / np.sqrt(vv),
        rr - rv * rv / vv + float(size) - 2.0 * float(np.log(np.linalg.norm(v) / vv**0.5)),
    )


def _straight(pair: tuple[_Object, _Object], radius: float, *, rim: bool) -> Floats:
    time, width, straight = _start(pair)
    place, near, found = np.zeros(3), (pair[0].mean, pair[1].mean), np.full(rows.ROWS, np.nan)
    for first in (True, False) if rim else (True,):
        time, curve, width, (_, now, _) = _densest(pair, time, width, place, near)
        near = now.elements
        a, v = now.covariance[:3, :3], _velocity(now, place)
        speed = float(np.linalg.norm(v))
        along = v / speed
        if first:
            found[rows.CORRECTION] = 0.5 * (straight - now.distance) + np.log(speed * curve)
        across = np.linalg.svd(along[np.newaxis])[2][1:]
        _, vectors = np.linalg.eigh(across @ a @ across.T)
        axes = (vectors.T @ across)[::-1]
        variance = np.maximum(np.einsum("ki,ij,kj->k", axes, a, axes), (rows.CLIP * radius) ** 2)
        miss = axes @ now.mean[:3]
        place = axes.T @ _densest_point(miss, variance, radius)
    found[[rows.MISS_MAJOR, rows.MISS_MINOR]] = np.abs(miss)
    found[[rows.SIGMA_MAJOR, rows.SIGMA_MINOR]] = np.sqrt(variance)
    found[rows.FACTOR] = speed * curve * np.sqrt(along @ np.linalg.solve(a, along))
    found[[rows.TIME, rows.WIDTH]] = time, curve
    return found


def _densest_point(miss: Floats, variance: Floats, radius: float) -> Floats:
    """Point of a disc about the origin where a normal density about the miss is greatest."""
    if np.linalg.norm(miss) <= radius:
        return miss
    if radius <= 0.0:
        return np.zeros(2)

    def beyond(k: float) -> float:
        return float(np.linalg.norm(miss / (1.0 + k * variance)) - radius)

    most = np.linalg.norm(miss) / radius / variance.min()
    point: Floats = miss / (1.0 + scipy.optimize.brentq(beyond, 0.0, most, xtol=1e-12 * most) * variance)
    return point


def sphere_probability(  # noqa: PLR0917  # the fields of two objects
    state_1: Floats, covariance_1: Floats, state_2: Floats, covariance_2: Floats, radius: float, nodes: int = 24
) -> float:
    """2D-Nc as Hall, Baars and Casali write it: the rate over the sphere about its centre, second order in time.

    Product Gauss-Legendre rule with the pole along the relative velocity; for radii up to the smallest sigma.

    Parameters
    ----------
    state_1, state_2 : float64, shape (6,)
        Inertial states [km, km/s].
    covariance_1, covariance_2 : float64, shape (6, 6)
        Covariances in own axes [m, m/s].
    radius : float
        Combined hard-body radius [m].
    nodes : int, optional
        Nodes a panel of the cosine; there are eight panels, and eight times as many nodes around the pole.

    Returns
    -------
    float
        NaN where nothing was found.
    """
    pair = _Object(state_1, covariance_1), _Object(state_2, covariance_2)
    centre = np.zeros(3)
    try:
        time, width, _ = _start(pair)
        _, _, step, overlaps = _densest(pair, time, width, centre, (pair[0].mean, pair[1].mean))
    except _NotFoundError:
        return np.nan
    now = overlaps[1]
    a, b, c = now.covariance[:3, :3], now.covariance[3:, :3], now.covariance[3:, 3:]
    v = _velocity(now, centre)
    along = v / np.linalg.norm(v)
    x, y = np.linalg.svd(along[np.newaxis])[2][1:]
    edges = np.array([-1.0, -0.25, -0.03, -0.003, 0.0, 0.003, 0.03, 0.25, 1.0])
    at, weight = np.polynomial.legendre.leggauss(nodes)
    half = 0.5 * np.diff(edges)[:, np.newaxis]
    cosine, weight = (0.5 * (edges[:-1] + edges[1:])[:, np.newaxis] + half * at).ravel(), (half * weight).ravel()
    turn = 2.0 * np.pi * np.arange(8 * nodes) / (8 * nodes)
    sine = np.sqrt(1.0 - cosine * cosine)[:, np.newaxis, np.newaxis]
    around = np.cos(turn)[:, np.newaxis] * x + np.sin(turn)[:, np.newaxis] * y
    n = (cosine[:, np.newaxis, np.newaxis] * along + sine * around).reshape(-1, 3)
    weight = np.repeat(weight, len(turn)) * 2.0 * np.pi / len(turn)
    before, middle, after = (_distances(each, radius * n) for each in overlaps)
    slope, bend = (after - before) / (2.0 * step), (after + before - 2.0 * middle) / step**2
    inverse = np.linalg.inv(a)
    normal = np.einsum("ni,ni->n", n, now.mean[3:] + (radius * n - now.mean[:3]) @ (b @ inverse).T)
    sigma = np.sqrt(np.einsum("ni,ij,nj->n", n, c - b @ inverse @ b.T, n))
    inward = sigma / np.sqrt(2.0 * np.pi) * np.exp(-0.5 * (normal / sigma) ** 2)
    inward -= 0.5 * normal * scipy.special.erfc(normal / sigma / np.sqrt(2.0))
    rate = inward * np.sqrt(2.0 / bend) * np.exp(-0.5 * (middle - slope**2 / (2.0 * bend)))
    return float(radius**2 / (2.0 * np.pi) * (weight * rate).sum())


def _distances(overlap: Overlap, places: Floats) -> Floats:
    """Squared distances in sigmas of places, plus the logarithm of the determinant."""
    a = overlap.covariance[:3, :3]
    off = places - overlap.mean[:3]
    distance: Floats = np.einsum("ni,ij,nj->n", off, np.linalg.inv(a), off) + np.linalg.slogdet(a)[1]
    return distance
