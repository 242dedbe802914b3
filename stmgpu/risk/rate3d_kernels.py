"""Rate at which a relative state enters a sphere, by ``kernels/rate3d.cu``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stmgpu.backend import device_entry
from stmgpu.backend.tables import table

if TYPE_CHECKING:
    import numpy.typing as npt

    from stmgpu.backend import Backend
    from stmgpu.typing import Floats

    Flags = npt.NDArray[np.int32]

PAD = 16
_TABLE = table("rate3d.h")
SIZE, ROWS = _TABLE.integers("ENTRY_", "SIZE ROWS")
CLIPPED = _TABLE.integer("ENTRY_FLAG_CLIPPED")
NOT_CONVERGED = 2
CLIP = _TABLE.number("ENTRY_CLIP")

RULES = (
    (0.7, 12, 1.6),
    (1.5, 16, 1.6),
    (3.0, 24, 1.6),
    (5.0, 32, 1.0),
    (9.0, 48, 0.5),
    (14.0, 64, 0.5),
    (28.0, 128, 0.25),
    (56.0, 256, 0.12),
    (112.0, 512, 0.06),
    (np.inf, 1024, 0.03),
)
"""Meridians, and widest panels in radians, for states of a size up to a limit (see ``rate3d.cu``)."""

SEARCHED = 5.0
"""Size from which panels without density are looked for and left out."""

DOUBLINGS = 5
"""How often the meridians may be doubled where they do not suffice."""

MOST_MERIDIANS = 512
"""Meridians to which they are doubled at most: more take longer than such a rate is worth."""

_WORK = 1 << 22
"""Meridians in one launch: what a device computes in well below a second."""

_LOWER = np.tril_indices(6)


@device_entry
def rates(
    state: Floats, covariance: Floats, radius_m: Floats, tolerance: float, *, backend: Backend
) -> tuple[Floats, Flags]:
    """Expected entries a second and flags.

    Parameters
    ----------
    state : float64, shape (n, 6)
        Mean relative positions [m] and velocities [m/s].
    covariance : float64, shape (n, 6, 6)
        Their covariances, positive semidefinite; the lower triangles are used.
    radius_m : float64, shape (n,)
        Radii of the spheres around the origin, positive.
    tolerance : float
        Relative error of a rate.
    backend : Backend
        Backend that runs kernels.

    Returns
    -------
    rate : float64, shape (n,)
    flags : int32, shape (n,)
        Sum of ``CLIPPED`` (a standard deviation of position was raised to 0.005 radii) and ``NOT_CONVERGED`` (as many
        meridians as are allowed leave more than a hundred times the tolerance).
    """
    n = len(radius_m)
    rate, flags = np.empty(n), np.empty(n, np.int32)
    rows = np.empty((ROWS, n))
    for start in range(0, n, _WORK // 64):
        part = np.arange(start, min(start + _WORK // 64, n))
        padded = np.resize(part, -(-len(part) // PAD) * PAD)
        columns = (state[padded].T, covariance[padded][:, _LOWER[0], _LOWER[1]].T, radius_m[padded])
        tables = [backend.put(np.ascontiguousarray(x)) for x in columns]
        size = len(padded)
        found, bits = backend.empty((ROWS, size)), backend.empty(size, np.int32)
        backend.launch("entry_axes", size, size, *tables, found, bits)
        rows[:, part] = backend.get(found)[:, : len(part)]
        flags[part] = backend.get(bits)[: len(part)]
    rule = np.searchsorted([limit for limit, *_ in RULES], rows[SIZE])
    for number, (_, meridians, widest) in enumerate(RULES):
        chosen, searches = (
            np.flatnonzero(rule == number),
            int(number > np.searchsorted([r[0] for r in RULES], SEARCHED)),
        )
        for doubling in range(DOUBLINGS + 1):
            if not len(chosen) or (doubling and meridians << doubling > MOST_MERIDIANS):
                break
            rate[chosen], change = _on_meridians(
                rows[:, chosen], meridians << doubling, widest / (1 << doubling), searches, backend
            )
            lacking = change > 3.0 * tolerance * rate[chosen]
            chosen, change = chosen[lacking], change[lacking]
        if len(chosen):
            flags[chosen[change > 100.0 * tolerance * rate[chosen]]] |= NOT_CONVERGED
    return rate, flags


def _on_meridians(
    rows: Floats, meridians: int, widest: float, searches: int, backend: Backend
) -> tuple[Floats, Floats]:
    """Rates by a number of meridians, and what they would change with half of them."""
    n, angle = rows.shape[1], 2.0 * np.pi / meridians
    together = max(PAD, _WORK // meridians // PAD * PAD)
    rate, change = np.empty(n), np.empty(n)
    for start in range(0, n, together):
        part = np.arange(start, min(start + together, n))
        padded = np.resize(part, -(-len(part) // PAD) * PAD)
        size = len(padded)
        found, differs = backend.empty(size), backend.empty(size)
        given = backend.put(np.ascontiguousarray(rows[:, padded]))
        backend.launch(
            "entry_rate",
            size,
            size,
            meridians,
            float(np.sin(angle)),
            float(np.cos(angle)),
            widest,
            searches,
            given,
            found,
            differs,
        )
        rate[part], change[part] = backend.get(found)[: len(part)], backend.get(differs)[: len(part)]
    return rate, change
