"""How much curved orbits change a collision probability that was computed with straight errors: a first estimate.

A covariance in Cartesian axes lets the along-track error of an object run along the tangent of its orbit. In truth it
follows the orbit, and an error of t ends t^2 / (2 r) below the tangent. Near the errors that lead to a collision, the
relative position is therefore off by a vector b, and the logarithm of the probability by about -m'b - b'b / 2 in units
of the combined covariance, where m is the miss. :mod:`stmgpu.risk.curved` computes the curved probability itself; this
estimate is for covariances that have no velocities, which that needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from stmgpu.typing import Floats

LARGEST = 0.01
"""Change of the logarithm from which the straight method is doubted.

Of 53 messages of CARA, all 29 on which the two-dimensional method fails are above, and 9 of the 24 on which it holds.
"""


def curvature(r1: Floats, v1: Floats, c1: Floats, r2: Floats, v2: Floats, c2: Floats) -> Floats:  # noqa: PLR0917  # two objects
    """Estimated change of the logarithm of the collision probability.

    Parameters
    ----------
    r1, v1, r2, v2 : float64, shape (n, 3)
        States in one inertial frame [km, km/s].
    c1, c2 : float64, shape (n, 3, 3)
        Covariances of position in each object's own radial, transverse and normal axes [m2].

    Returns
    -------
    float64, shape (n,)
        Size of the change; NaN where there is no encounter plane.
    """
    with np.errstate(all="ignore"):
        r, v = (r1 - r2) * 1e3, (v1 - v2) * 1e3
        r = r - v * (_dot(r, v) / _dot(v, v))[:, np.newaxis]
        along = _unit(v)
        across = _unit(np.cross(r, v))
        plane = np.stack([np.cross(along, across), across], axis=1)  # (n, 2, 3)
        axes = [_axes(r1, v1), _axes(r2, v2)]
        own = [q @ c @ q.transpose(0, 2, 1) for q, c in zip(axes, (c1, c2), strict=True)]
        inverse = _inverse(plane @ (own[0] + own[1]) @ plane.transpose(0, 2, 1))
        miss = np.einsum("nij,nj->ni", plane, r)
        gain = [c @ plane.transpose(0, 2, 1) @ inverse for c in own]
        bend = np.zeros_like(r)
        for sign, q, c, g, at in zip((1.0, -1.0), axes, own, gain, (r1, r2), strict=True):
            transverse = q[:, :, 1]
            mean = _dot(transverse, np.einsum("nij,nj->ni", g, miss))  # of the error that leads to a collision
            left = c - g @ plane @ c
            variance = np.maximum(0.0, np.einsum("ni,nij,nj->n", transverse, left, transverse))
            below = (mean * mean + variance) / (2e3 * np.linalg.norm(at, axis=1))
            bend -= sign * below[:, np.newaxis] * q[:, :, 0]
        b = np.einsum("nij,nj->ni", plane, bend)
        change: Floats = np.abs(np.einsum("ni,nij,nj->n", miss + 0.5 * b, inverse, b))
    return change


def _dot(a: Floats, b: Floats) -> Floats:
    product: Floats = (a * b).sum(axis=1)
    return product


def _unit(a: Floats) -> Floats:
    unit: Floats = a / np.linalg.norm(a, axis=1, keepdims=True)
    return unit


def _axes(r: Floats, v: Floats) -> Floats:
    """Columns R, T, N."""
    radial, normal = _unit(r), _unit(np.cross(r, v))
    return np.stack([radial, np.cross(normal, radial), normal], axis=2)


def _inverse(a: Floats) -> Floats:
    determinant = a[:, 0, 0] * a[:, 1, 1] - a[:, 0, 1] * a[:, 1, 0]
    turned = np.stack([np.stack([a[:, 1, 1], -a[:, 0, 1]], 1), np.stack([-a[:, 1, 0], a[:, 0, 0]], 1)], 1)
    inverse: Floats = turned / determinant[:, np.newaxis, np.newaxis]
    return inverse
