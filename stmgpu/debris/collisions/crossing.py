"""Encounter rate of two near-circular orbits by their inclinations and relative speed: the mean-field kernel.

Orbits of inclination i at one radius r with uniform nodes are found at latitude b with the density (per unit of area)
2 / (pi sqrt(sin^2 i - sin^2 b)) / (4 pi r^2), moving north or south, at the angle g from east, cos g = cos i / cos b.
Two of them in a thin shell of volume V meet at the rate::

    A_c v_c / V  k(i1, i2),    k = (4 / pi^2) int_0^{pi/2} <v> / sqrt(B^2 - A^2 sin^2 f) df

with A = min(sin i1, sin i2), B = max(...), sin b = A sin f, and <v> the mean of 2 |sin((g1 - g2)/2)| and
2 |sin((g1 + g2)/2)|, the relative speeds in units of the circular speed v_c of two objects that move in the same, or
in opposite, directions of latitude (Kessler 1981, *Icarus* 48, 39, for e = 0). k has a logarithmic singularity at
i1 + i2 = pi, where orbits cross head-on along their northernmost and southernmost parallels; means over bins of
inclination are finite. Over isotropic inclinations its mean is 4/pi, the mean relative speed of two directions in a
plane.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from stmgpu.typing import Floats

SPEED_EDGES = (0.0, 0.7, 1.1, 1.5, 2.0)
"""Groups of relative speeds, in units of the circular speed."""

GROUPS = len(SPEED_EDGES) - 1

_FIRST_NODES, _SECOND_NODES, _LATITUDE_NODES = 3, 4, 36


def crossing_kernel(first_rad: Floats, second_rad: Floats) -> tuple[Floats, Floats]:
    """k(i1, i2) by groups of speed.

    Parameters
    ----------
    first_rad, second_rad : ndarray of float64
        Inclinations, broadcast against each other; not on i1 + i2 = pi.

    Returns
    -------
    k
        [4, ...] its parts from relative speeds within :data:`SPEED_EDGES`.
    squares
        [4, ...] the same weighted with the squared relative speed.

    Examples
    --------
    >>> k, _ = crossing_kernel(np.radians(53.0), np.radians(98.0))
    >>> round(float(k.sum()), 3)
    1.195
    """
    i1, i2 = (np.clip(v, 1e-6, np.pi - 1e-6)[..., None] for v in np.broadcast_arrays(first_rad, second_rad))
    s1, s2 = np.sin(i1), np.sin(i2)
    low, high = np.minimum(s1, s2), np.maximum(s1, s2)
    x, w = np.polynomial.legendre.leggauss(_LATITUDE_NODES)
    t = 0.5 * (x + 1.0)
    angle, weight = (
        0.5 * np.pi * (1.0 - t**3),
        0.5 * w * 1.5 * np.pi * t**2,
    )  # points concentrate at the highest latitude
    # 1 - cos^2 and differences of sines are factored: they cancel near the highest latitude
    sine = low * np.sin(angle)
    cosine = np.sqrt(1.0 - sine**2)
    rest = (high - low) * (high + low) + (low * np.cos(angle)) ** 2
    g1 = np.arctan2(np.sqrt(np.maximum(s1**2 - sine**2, 0.0)) / cosine, np.cos(i1) / cosine)
    g2 = np.arctan2(np.sqrt(np.maximum(s2**2 - sine**2, 0.0)) / cosine, np.cos(i2) / cosine)
    k, squares = [], []
    density = 4.0 / np.pi**2 * weight / np.sqrt(rest)
    speeds = [2.0 * np.abs(np.sin(0.5 * (g1 - g2))), 2.0 * np.abs(np.sin(0.5 * (g1 + g2)))]
    for slow, fast in pairwise(SPEED_EDGES):
        parts = [
            np.where((v >= slow) & ((v < fast) | (fast == SPEED_EDGES[-1])), 0.5 * v * density, 0.0) for v in speeds
        ]
        k.append(sum(p.sum(axis=-1) for p in parts))
        squares.append(sum((p * v**2).sum(axis=-1) for p, v in zip(parts, speeds, strict=True)))
    return np.stack(k), np.stack(squares)


@lru_cache(maxsize=4)
def kernel_table(bins: int) -> tuple[Floats, Floats]:
    """Means of k over pairs of equal bins of inclination from 0 to pi, and the mean square speed of each group.

    Returns
    -------
    k
        [4, bins, bins], symmetric.
    squares
        [4] mean squared relative speed of a group over all pairs of bins, in units of the circular speed.
    """
    width = np.pi / bins
    (x1, w1), (x2, w2) = (np.polynomial.legendre.leggauss(n) for n in (_FIRST_NODES, _SECOND_NODES))
    centres = (np.arange(bins) + 0.5) * width
    first, second = (centres[:, None] + 0.5 * width * x for x in (x1, x2))
    k, squares = np.empty((GROUPS, bins, bins)), np.empty((GROUPS, bins, bins))
    for row in range((bins + 1) // 2):
        parts = crossing_kernel(first[row][:, None, None], second[None])  # [4, nodes, bins, nodes]
        k[:, row], squares[:, row] = (np.einsum("ganb,a,b->gn", p, 0.5 * w1, 0.5 * w2) for p in parts)
        # mirror image: both inclinations i -> pi - i
        k[:, bins - 1 - row], squares[:, bins - 1 - row] = k[:, row, ::-1], squares[:, row, ::-1]
    k = 0.5 * (k + k.transpose(0, 2, 1))
    mean_squares = squares.sum(axis=(1, 2)) / k.sum(axis=(1, 2))
    k.flags.writeable = mean_squares.flags.writeable = False
    return k, mean_squares
