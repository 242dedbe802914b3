"""Probability of the encounter plane by ``kernels/pc.cu``, and of an interval by ``kernels/mathx.cu``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stmgpu.backend import device_entry
from stmgpu.backend.tables import table

if TYPE_CHECKING:
    from stmgpu.backend import Backend
    from stmgpu.typing import Floats

PAD = 16
CUTS = table("plane.h").integer("PLANE_CUTS")

_BETWEEN, _LOGARITHM = 7, 8
"""Numbers of functions of the kernel ``mathx_values``."""

SMOOTH = (
    (0.9, 4, 0.3420201433256687, 0.9396926207859084),
    (3.0, 8, 0.18374951781657034, 0.9829730996839018),
    (5.4, 12, 0.12533323356430426, 0.9921147013144779),
    (12.0, 24, 0.06407021998071293, 0.9979453927503363),
)
"""Rules for discs of a size up to a limit: nodes on a quarter of the rim, sine and cosine of pi / (2 nodes + 1).

The size is the larger of R/s (1 + m/s) along the two axes, where R is the radius, s the sigma and m the miss. Up to its
limit a rule is within 2e-13 of 301 nodes (200,000 random discs)."""

TOGETHER = 1 << 16
"""Encounters whose rims are cut at once."""


@device_entry
def probability(u: Floats, v: Floats, p: Floats, q: Floats, backend: Backend) -> Floats:
    """Probability that the normal variable lies in the disc, by the rule that suits each disc.

    Parameters
    ----------
    u, v : float64, shape (n,)
        Miss in sigmas along the major and the minor axis, not negative.
    p, q : float64, shape (n,)
        Radius in sigmas along both axes, positive.
    backend : Backend
        Backend that runs kernels.

    Returns
    -------
    float64, shape (n,)
    """
    size = np.maximum(p * (1.0 + u), q * (1.0 + v))
    rule = np.searchsorted([limit for limit, *_ in SMOOTH], size)
    found = np.empty(len(u))
    for number in range(len(SMOOTH) + 1):
        chosen = np.flatnonzero(rule == number)
        if number == len(SMOOTH):
            chosen = chosen[np.argsort(size[chosen], kind="stable")]  # neighbours have about as many panels
        for start in range(0, len(chosen), TOGETHER):
            part = chosen[start : start + TOGETHER]
            columns = [backend.put(np.resize(x[part], -(-len(part) // PAD) * PAD)) for x in (u, v, p, q)]
            n = len(columns[0])
            pc = backend.empty(n)
            if number < len(SMOOTH):
                _, pairs, sine, cosine = SMOOTH[number]
                backend.launch("plane_smooth", n, n, pairs, sine, cosine, *columns, pc)
            else:
                cuts = backend.empty((CUTS, n))
                backend.launch("plane_cuts", n, n, *columns, cuts)
                backend.launch("plane_panels", n, n, *columns, cuts, pc)
            found[part] = backend.get(pc)[: len(part)]
    return found


@device_entry
def between(z: Floats, h: Floats, backend: Backend) -> Floats:
    """P(z - h < x < z + h) of a normal variable, for n numbers z and h of 0 or more, by ``kernels/mathx.cu``."""
    return _values(_BETWEEN, z, h, backend)[1]


@device_entry
def logarithm(x: Floats, backend: Backend) -> Floats:
    """Natural logarithm of n positive numbers, by ``kernels/mathx.cu``."""
    return _values(_LOGARITHM, x, x, backend)[0]


def _values(function: int, x: Floats, y: Floats, backend: Backend) -> list[Floats]:
    n = -(-len(x) // PAD) * PAD
    both = [backend.empty(n), backend.empty(n)]
    backend.launch("mathx_values", n, n, function, *(backend.put(np.resize(v, n)) for v in (x, y)), *both)
    return [backend.get(found)[: len(x)] for found in both]
