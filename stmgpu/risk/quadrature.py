"""Integrals over time of many encounters at once, in panels that are halved until the error is small."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from stmgpu.typing import Floats

    Integers = npt.NDArray[np.int64]

_HALF = [0.991455371120812639206854697526329, 0.949107912342758524526189684047851]
_HALF += [0.864864423359769072789712788640926, 0.741531185599394439863864773280788]
_HALF += [0.586087235467691130294144258890, 0.405845151377397166906606412076961, 0.207784955007898467600689403773245]
_KRONROD = [0.022935322010529224963732008058970, 0.063092092629978553290700663189204]
_KRONROD += [0.104790010322250183839876322541518, 0.140653259715525918745189590510238]
_KRONROD += [0.169004726639267902826583426598550, 0.190350578064785409913256402421014]
_KRONROD += [0.204432940075298892414161999234649]
_GAUSS = [0.0, 0.129484966168869693270611432679082, 0.0, 0.279705391489276667901467771423780]
_GAUSS += [0.0, 0.381830050505118944950369775488975, 0.0]

NODES = np.array([-x for x in _HALF] + [0.0] + _HALF[::-1])
"""Nodes of the 15-point rule of A. Kronrod (1965) on (-1, 1); those of Gauss's 7-point rule are among them."""
KRONROD = np.array([*_KRONROD, 0.209482141084727828012999174891714, *_KRONROD[::-1]])
GAUSS = np.array([*_GAUSS, 0.417959183673469387755102040816327, *_GAUSS[::-1]])

ROUNDS = 40
"""Halvings at most: then a panel is a rounding error wide."""

MOST = 400
"""Panels of an integral at most."""


def integrate(
    function: Callable[[Integers, Floats, Floats], tuple[Floats, Floats]],
    edges: Floats,
    tolerance: float,
    *,
    most: int = MOST,
) -> tuple[Floats, Floats]:
    """Integrals of functions of one variable that are not negative.

    Parameters
    ----------
    function : callable
        Gets the numbers of integrals, shape (k,), the 15 nodes of a panel of each, shape (k, 15), and the halves of
        their widths, shape (k,). Returns values, and errors of values that halving a panel does not mend, both of the
        shape (k, 15).
    edges : float64, shape (n, m)
        Edges of the first panels of each integral, ascending; empty panels count nothing.
    tolerance : float
        Relative error.
    most : int
        Panels of an integral at most.

    Returns
    -------
    value : float64, shape (n,)
    error : float64, shape (n,)
        Estimated error: that of QUADPACK's rule QK15 (R. Piessens et al., 1983), and that of the values.
    """
    n, m = edges.shape
    owner = np.repeat(np.arange(n), m - 1)
    left, right = edges[:, :-1].ravel(), edges[:, 1:].ravel()
    wide = right > left
    owner, left, right = owner[wide], left[wide], right[wide]
    value, error, kept = _panels(function, owner, left, right)
    for _ in range(ROUNDS):
        total = np.bincount(owner, value, n)
        lacking = np.bincount(owner, error, n) > tolerance * total
        panels = np.bincount(owner, minlength=n)
        share = tolerance * total / np.maximum(1, panels)
        split = (lacking & (panels < most))[owner] & (error > 0.5 * share[owner])
        if not split.any():
            break
        middle = 0.5 * (left[split] + right[split])
        new = (
            np.repeat(owner[split], 2),
            np.stack([left[split], middle], axis=1).ravel(),
            np.stack([middle, right[split]], axis=1).ravel(),
        )
        found = _panels(function, *new)
        keep = ~split
        parts = zip((owner, left, right, value, error, kept), (*new, *found), strict=True)
        owner, left, right, value, error, kept = (np.concatenate([old[keep], more]) for old, more in parts)
    sums = [np.bincount(owner, x, n).astype(np.float64) for x in (value, error + kept)]
    return sums[0], sums[1]


def weighted(values: Floats, half: Floats) -> Floats:
    """Integrals over panels from the values at their nodes, shapes (k, 15) and (k,)."""
    sums: Floats = half * (values * KRONROD).sum(axis=1)
    return sums


def _panels(
    function: Callable[[Integers, Floats, Floats], tuple[Floats, Floats]],
    owner: Integers,
    left: Floats,
    right: Floats,
) -> tuple[Floats, Floats, Floats]:
    if not len(owner):
        return np.zeros(0), np.zeros(0), np.zeros(0)
    half = 0.5 * (right - left)
    values, errors = function(owner, 0.5 * (left + right)[:, np.newaxis] + half[:, np.newaxis] * NODES, half)
    value = weighted(values, half)
    differs = half * np.abs((values * (KRONROD - GAUSS)).sum(axis=1))
    varies = half * (np.abs(values - 0.5 * (value / half)[:, np.newaxis]) * KRONROD).sum(axis=1)
    scale = np.where(varies > 0.0, varies, 1.0)
    error = np.where(varies > 0.0, scale * np.minimum(1.0, (200.0 * differs / scale) ** 1.5), differs)
    return value, error, weighted(errors, half)
