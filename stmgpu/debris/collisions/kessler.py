"""Collision rate of two orbits whose nodes and perigees are random: the integral that Cube estimates."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.constants import EARTH

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from stmgpu.typing import Floats


def kessler_rate(
    a_km: ArrayLike,
    ecc: ArrayLike,
    inc_rad: ArrayLike,
    radius_km: ArrayLike,
    *,
    mu_km3_s2: float = EARTH.mu_km3_s2,
    points: int = 400,
) -> float:
    """Mean collision rate of two objects over all nodes, perigees and anomalies [1/s].

    Each is spread over its orbit's shell with the density, at radius r and latitude b,
    S = 1 / (2 pi^3 r a sqrt((sin^2 i - sin^2 b) (r - q) (Q - r))), q and Q being the radii of perigee and apogee; the
    rate is the integral of S_1 S_2 <V> pi (R_1 + R_2)^2 over the volume that both reach, <V> the mean relative speed of
    the four combinations of directions (each rises or falls, and goes north or south).

    D. J. Kessler (1981), "Derivation of the collision probability between orbiting objects: the lifetimes of Jupiter's
    outer moons", Icarus 48, 39.

    Parameters
    ----------
    a_km, ecc, inc_rad, radius_km : array_like
        [2] semi-major axes [km], eccentricities (above 0), inclinations [rad] and radii [km] of both.
    mu_km3_s2 : float
        Gravitational parameter.
    points : int
        Points in radius and in latitude. A change of variable removes the singularities at both ends, so the result
        converges fast, unless both orbits share a perigee or apogee radius or have i_1 = i_2 or i_1 + i_2 = pi. There
        the integral diverges (weakly for i_1 = i_2: the relative speed is nearly zero).

    Returns
    -------
    Rate [1/s]; 0 where the ranges of radius do not overlap.

    Examples
    --------
    Himalia and Elara, moons of Jupiter (Kessler 1981): once in 2.4 billion years.

    >>> rate = kessler_rate([11.47e6, 11.74e6], [0.1578, 0.2070], [0.48171, 0.43284], [85.0, 40.0],
    ...                     mu_km3_s2=1.26686534e8)
    >>> round(1e-9 / (rate * 31557600.0), 2)
    2.41
    """
    a, e, i, size = (np.asarray(x, dtype=np.float64) for x in (a_km, ecc, inc_rad, radius_km))
    low, high = a * (1.0 - e), a * (1.0 + e)
    inner, outer = low.max(), high.min()
    if inner >= outer:
        return 0.0
    angle = (np.arange(points) + 0.5) * (np.pi / points)
    top = np.sin(i).min()
    r = 0.5 * (inner + outer) + 0.5 * (outer - inner) * np.cos(angle)[:, None]
    sine = top * np.cos(angle)
    weight = np.outer(0.5 * (outer - inner) * np.sin(angle), top * np.sin(angle)) * (np.pi / points) ** 2
    density = np.ones_like(weight)
    vertical, level, north = [], [], []
    for k in range(2):
        spin = np.sqrt(mu_km3_s2 * a[k] * (1.0 - e[k] ** 2))
        above = (np.sin(i[k]) - sine) * (np.sin(i[k]) + sine)
        density /= 2.0 * np.pi**3 * r * a[k] * np.sqrt(above * (r - low[k]) * (high[k] - r))
        level.append(spin / r)
        vertical.append(np.sqrt(np.maximum(mu_km3_s2 * (2.0 / r - 1.0 / a[k]) - (spin / r) ** 2, 0.0)))
        north.append(np.arctan2(np.sqrt(above), np.cos(i[k])))  # heading, from east
    speed: Floats = np.zeros_like(weight)
    for up, way in product((1.0, -1.0), (1.0, -1.0)):
        along = level[0] * level[1] * np.cos(north[0] - way * north[1])
        squared = (vertical[0] - up * vertical[1]) ** 2 + level[0] ** 2 + level[1] ** 2 - 2.0 * along
        speed += 0.25 * np.sqrt(np.maximum(squared, 0.0))
    # dU = 2 pi r^2 dr d(sin b)
    return float((density * speed * 2.0 * np.pi * r**2 * weight).sum() * np.pi * size.sum() ** 2)
