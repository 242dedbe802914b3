"""Vector algebra on [3, m] arrays in a fixed order of operations, so that every backend rounds alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from stmgpu.typing import BackendArray, Floats


def dot(a: BackendArray, b: BackendArray) -> BackendArray:
    """Scalar products of [3, m] arrays."""
    product: BackendArray = a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
    return product


def cube(a: BackendArray) -> BackendArray:
    """Third powers, by multiplication: ``**`` differs from backend to backend in the last digit."""
    power: BackendArray = a * a * a
    return power


def norm(v: Floats) -> Floats:
    """Lengths of vectors [3, m]."""
    length: Floats = np.sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2])
    return length


def rtn(state: Floats, vector: Floats) -> Floats:
    """Components of vectors [3, m] along the radial, transverse and normal axes of states [6, m]."""
    r, v = state[:3], state[3:]
    radial = r / norm(r)
    normal = np.cross(r, v, axis=0)
    normal = normal / norm(normal)
    transverse = np.cross(normal, radial, axis=0)
    return np.stack([dot(vector, axis) for axis in (radial, transverse, normal)])
