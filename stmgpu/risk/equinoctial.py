r"""Equinoctial elements of two-body motion, vectorised, with their partial derivatives: the twin of ``equinoctial.h``.

An orbit is (n, k, h, p, q, L): mean motion n [rad/s], k = e cos w and h = e sin w with the longitude of perigee
w = argp + RAAN, p = tan(i/2) sin RAAN and q = tan(i/2) cos RAAN, and the mean longitude L = M + w [rad] (R. Broucke and
P. Cefalu, Celest. Mech. 5 (1972) 303). NASA's CARA uses the same set. It is singular only at an inclination of 180
degrees. ``sense`` = -1 turns the axes by half a revolution about x before anything else, which moves that singularity
to an inclination of 0; `sense_of` chooses for each orbit, -1 above 172 degrees only: errors that are normal in one set
are not quite so in the other. With errors of 180 km along the track, that changes probabilities by 2e-3.

States are SI: positions [m] and velocities [m/s] about the Earth's centre.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stmgpu.backend.tables import table
from stmgpu.constants import EARTH

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from stmgpu.typing import Floats

MU_M3_S2 = 1e9 * EARTH.mu_km3_s2
"""Gravitational parameter of the Earth [m^3/s^2]."""

REVERSED = table("equinoctial.h").number("EQUINOCTIAL_REVERSED")
"""Cosine of the inclination below which `sense_of` turns the axes (172 degrees)."""

STEPS = 3
"""Steps of fourth order (J. M. A. Danby, 1987) with which Kepler's equation is solved: to 3e-15 rad for e <= 0.95."""


def sense_of(state: ArrayLike) -> Floats:
    """Sense in which an orbit is not near the singularity: 1 for an inclination up to 172 degrees, else -1.

    Parameters
    ----------
    state : array_like, shape (..., 6)
        States, in any units.

    Returns
    -------
    float64, shape (...)
    """
    x = np.asarray(state, np.float64)
    normal = np.cross(x[..., :3], x[..., 3:])
    return np.where(normal[..., 2] < REVERSED * np.sqrt(_dot(normal, normal)), -1.0, 1.0)


def elements(state: ArrayLike, sense: ArrayLike = 1.0) -> Floats:
    """Elements of states.

    Parameters
    ----------
    state : array_like, shape (..., 6)
        States [m, m/s].
    sense : array_like, shape (...)
        1 or -1, see the module's text.

    Returns
    -------
    float64, shape (..., 6)
        Mean motion [rad/s], k, h, p, q, and mean longitude in (-pi - e, pi + e] [rad]. NaN on a parabola or a
        hyperbola, and where the motion is straight.
    """
    x = _turned(np.asarray(state, np.float64), sense)
    r, v = x[..., :3], x[..., 3:]
    with np.errstate(all="ignore"):
        distance = np.sqrt(_dot(r, r))
        momentum = np.cross(r, v)
        w = momentum / np.sqrt(_dot(momentum, momentum))[..., np.newaxis]
        p, q = w[..., 0] / (1.0 + w[..., 2]), -w[..., 1] / (1.0 + w[..., 2])
        f, g, _ = _axes(p, q)
        a = 1.0 / (2.0 / distance - _dot(v, v) / MU_M3_S2)
        a = np.where(a > 0.0, a, np.nan)
        towards = np.cross(v, momentum) / MU_M3_S2 - r / distance[..., np.newaxis]
        k, h = _dot(towards, f), _dot(towards, g)
        flat = np.sqrt(1.0 - h * h - k * k)
        beta = 1.0 / (1.0 + flat)
        along, across = _dot(r, f) / (a * flat), _dot(r, g) / (a * flat)
        cosine = k + (1.0 - k * k * beta) * along - h * k * beta * across
        sine = h + (1.0 - h * h * beta) * across - h * k * beta * along
        longitude = np.arctan2(sine, cosine) + h * cosine - k * sine
        return np.stack([np.sqrt(MU_M3_S2 / a) / a, k, h, p, q, longitude], axis=-1)


def state(orbit: ArrayLike, dt_s: ArrayLike = 0.0, sense: ArrayLike = 1.0) -> Floats:
    """States of orbits some time after that of their mean longitudes.

    Parameters
    ----------
    orbit : array_like, shape (..., 6)
        Elements as `elements` returns them, e <= 0.95.
    dt_s : array_like, shape (...)
        Times [s]; the shape broadcasts with that of the orbits.
    sense : array_like, shape (...)
        Sense of the elements.

    Returns
    -------
    float64, shape (..., 6)
        States [m, m/s].
    """
    e = np.asarray(orbit, np.float64)
    x, y, x_dot, y_dot = _in_plane(e, dt_s)[:4]
    f, g, _ = _axes(e[..., 3], e[..., 4])
    r = x[..., np.newaxis] * f + y[..., np.newaxis] * g
    v = x_dot[..., np.newaxis] * f + y_dot[..., np.newaxis] * g
    return _turned(np.concatenate([r, v], axis=-1), sense)


def jacobian(orbit: ArrayLike, dt_s: ArrayLike = 0.0, sense: ArrayLike = 1.0) -> Floats:
    """Partial derivatives of the state at a time with respect to the elements.

    Parameters
    ----------
    orbit, dt_s, sense : array_like
        As for `state`.

    Returns
    -------
    float64, shape (..., 6, 6)
        Rows: position and velocity; columns: the elements.
    """
    e = np.asarray(orbit, np.float64)
    n, k, h, p, q = (e[..., i, np.newaxis] for i in range(5))
    dt = np.asarray(dt_s, np.float64)[..., np.newaxis]
    x, y, x_dot, y_dot, cosine, sine, a = (each[..., np.newaxis] for each in _in_plane(e, dt_s))
    f, g, w = _axes(e[..., 3], e[..., 4])
    r, v = x * f + y * g, x_dot * f + y_dot * g
    flat = np.sqrt(1.0 - h * h - k * k)
    beta = 1.0 / (1.0 + flat)
    near = 1.0 - h * sine - k * cosine  # distance in semi-major axes
    by_k, by_h = beta * beta * k / flat, beta * beta * h / flat  # derivatives of beta
    turn_k, turn_h = sine / near, -cosine / near  # of the eccentric longitude
    lean = k * sine - h * cosine
    # first and second derivative of x/a and y/a by the eccentric longitude
    x1, y1 = h * k * beta * cosine - (1.0 - h * h * beta) * sine, (1.0 - k * k * beta) * cosine - h * k * beta * sine
    x2, y2 = -h * k * beta * sine - (1.0 - h * h * beta) * cosine, -(1.0 - k * k * beta) * sine - h * k * beta * cosine
    columns = []
    for turn, near_fixed, x_fixed, y_fixed, x1_fixed, y1_fixed in (
        (
            turn_k,
            -cosine,
            -h * h * by_k * cosine + h * (beta + k * by_k) * sine - 1.0,
            h * (beta + k * by_k) * cosine - k * (2.0 * beta + k * by_k) * sine,
            h * (beta + k * by_k) * cosine + h * h * by_k * sine,
            -k * (2.0 * beta + k * by_k) * cosine - h * (beta + k * by_k) * sine,
        ),
        (
            turn_h,
            -sine,
            -h * (2.0 * beta + h * by_h) * cosine + k * (beta + h * by_h) * sine,
            k * (beta + h * by_h) * cosine - k * k * by_h * sine - 1.0,
            k * (beta + h * by_h) * cosine + h * (2.0 * beta + h * by_h) * sine,
            -k * k * by_h * cosine - k * (beta + h * by_h) * sine,
        ),
    ):
        near_by = near_fixed + lean * turn
        x_by, y_by = a * (x_fixed + x1 * turn), a * (y_fixed + y1 * turn)
        u_by = n * a * ((x1_fixed + x2 * turn) - x1 * near_by / near) / near
        w_by = n * a * ((y1_fixed + y2 * turn) - y1 * near_by / near) / near
        columns.append(np.concatenate([x_by * f + y_by * g, u_by * f + w_by * g], axis=-1))
    cube = (a * near) ** 3
    by_longitude = np.concatenate([v / n, -MU_M3_S2 * r / (cube * n)], axis=-1)
    by_motion = np.concatenate([-2.0 / 3.0 * r / n, v / (3.0 * n)], axis=-1) + dt * by_longitude
    size = 2.0 / (1.0 + p * p + q * q)
    by_p = [size * (q * (j * f - i * g) - i * w) for i, j in ((x, y), (x_dot, y_dot))]
    by_q = [size * (p * (i * g - j * f) + j * w) for i, j in ((x, y), (x_dot, y_dot))]
    found = [by_motion, *columns, np.concatenate(by_p, axis=-1), np.concatenate(by_q, axis=-1), by_longitude]
    matrix = np.stack(np.broadcast_arrays(*found), axis=-1)
    return np.swapaxes(_turned(np.swapaxes(matrix, -1, -2), np.asarray(sense)[..., np.newaxis]), -1, -2)


def inverse_jacobian(orbit: ArrayLike, partials: ArrayLike) -> Floats:
    """Partial derivatives of the elements with respect to the state, from those of `jacobian`.

    The inverse of a matrix whose Poisson brackets are known needs no elimination: with P the brackets of the elements,
    dE/dr = P (dv/dE)' and dE/dv = -P (dr/dE)'.

    Parameters
    ----------
    orbit : array_like, shape (..., 6)
        Elements.
    partials : array_like, shape (..., 6, 6)
        From `jacobian` at the same time, any sense.

    Returns
    -------
    float64, shape (..., 6, 6)
        Rows: the elements; columns: position and velocity.
    """
    matrix = np.swapaxes(np.asarray(partials, np.float64), -1, -2)
    brackets = _brackets(np.asarray(orbit, np.float64))
    found: Floats = np.concatenate([brackets @ matrix[..., 3:], -brackets @ matrix[..., :3]], axis=-1)
    return found


def _brackets(orbit: Floats) -> Floats:
    """Poisson brackets of the elements at the time of the mean longitude (R. Broucke and P. Cefalu, 1972)."""
    n, k, h, p, q = (orbit[..., i] for i in range(5))
    a2 = (MU_M3_S2 / n / n) ** (2.0 / 3.0)
    flat = np.sqrt(1.0 - h * h - k * k)
    c = 1.0 + p * p + q * q
    by = 1.0 / (n * a2)
    half = 0.5 * c * by / flat
    pairs = {
        (0, 5): 3.0 / a2,
        (1, 2): flat * by,
        (1, 3): h * p * half,
        (1, 4): h * q * half,
        (1, 5): k * flat / (1.0 + flat) * by,
        (2, 3): -k * p * half,
        (2, 4): -k * q * half,
        (2, 5): h * flat / (1.0 + flat) * by,
        (3, 4): -0.5 * c * half,
        (3, 5): p * half,
        (4, 5): q * half,
    }
    found = np.zeros((*orbit.shape, 6))
    for (i, j), value in pairs.items():
        found[..., i, j], found[..., j, i] = value, -value
    return found


def _in_plane(orbit: Floats, dt_s: ArrayLike) -> tuple[Floats, ...]:
    """Position and velocity in the orbit's plane, cosine and sine of the eccentric longitude, and semi-major axis."""
    n, k, h = (orbit[..., i] for i in range(3))
    longitude = orbit[..., 5] + n * np.asarray(dt_s, np.float64)
    cosine, sine = _kepler(longitude, k, h)
    a = np.cbrt(MU_M3_S2 / n / n)
    beta = 1.0 / (1.0 + np.sqrt(1.0 - h * h - k * k))
    hkb, kkb, hhb = h * k * beta, 1.0 - k * k * beta, 1.0 - h * h * beta
    near = 1.0 - h * sine - k * cosine
    speed = n * a / near
    x, y = a * (hhb * cosine + hkb * sine - k), a * (kkb * sine + hkb * cosine - h)
    x_dot, y_dot = speed * (hkb * cosine - hhb * sine), speed * (kkb * cosine - hkb * sine)
    return (*np.broadcast_arrays(x, y, x_dot, y_dot, cosine, sine, a),)


def _kepler(longitude: Floats, k: Floats, h: Floats) -> tuple[Floats, Floats]:
    """Cosine and sine of the eccentric longitude F, F + h cos F - k sin F = L."""
    cosine, sine = np.cos(longitude), np.sin(longitude)
    lean, tilt = k * sine - h * cosine, k * cosine + h * sine
    angle = longitude + lean / np.sqrt(1.0 - 2.0 * tilt + (k * k + h * h))
    for _ in range(STEPS):
        cosine, sine = np.cos(angle), np.sin(angle)
        lean, tilt = k * sine - h * cosine, k * cosine + h * sine
        off, slope = (angle - lean) - longitude, 1.0 - tilt
        step = -off * slope / (slope * slope - 0.5 * off * lean)
        angle = angle - off / (slope + step * (0.5 * lean + step * tilt * (1.0 / 6.0)))
    return np.cos(angle), np.sin(angle)


def _axes(p: Floats, q: Floats) -> tuple[Floats, Floats, Floats]:
    """Unit vectors of the equinoctial frame: towards the origin of longitudes, 90 degrees ahead, and the pole."""
    by = 1.0 / (1.0 + p * p + q * q)
    f = np.stack([1.0 - p * p + q * q, 2.0 * p * q, -2.0 * p], axis=-1)
    g = np.stack([2.0 * p * q, 1.0 + p * p - q * q, 2.0 * q], axis=-1)
    w = np.stack([2.0 * p, -2.0 * q, 1.0 - p * p - q * q], axis=-1)
    by = by[..., np.newaxis]
    return f * by, g * by, w * by


def _turned(state: Floats, sense: ArrayLike) -> Floats:
    """The state along axes that are turned by half a revolution about x where the sense is -1."""
    s = np.asarray(sense, np.float64)
    one = np.ones_like(s)
    turned: Floats = state * np.stack([one, s, s, one, s, s], axis=-1)
    return turned


def _dot(a: Floats, b: Floats) -> Floats:
    product: Floats = a[..., 0] * b[..., 0] + a[..., 1] * b[..., 1] + a[..., 2] * b[..., 2]
    return product
