"""Rate at which a relative state enters a sphere, by ``kernels/rate3d.cu``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stmgpu.backend import device_entry
from stmgpu.backend.tables import table

if TYPE_CHECKING:
    import numpy.typing as npt

    from stmgpu.backend import Backend
    from stmgpu.typing import BackendArray, Floats

    Flags = npt.NDArray[np.int32]

PAD = 16
_TABLE = table("rate3d.h")
SIZE, KINK, ROWS = _TABLE.integers("ENTRY_", "SIZE KINK ROWS")
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

SUFFICES = 3.0
"""Tolerances by which half the meridians may be off: all of them are off by far less."""

LENIENT = 1e-6
"""Tolerance from which on half the meridians of a rule are tried first."""

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
    for start in range(0, n, _WORK // 64):
        part = np.arange(start, min(start + _WORK // 64, n))
        padded = np.resize(part, padded_size(len(part)))
        columns = (state[padded].T, covariance[padded][:, _LOWER[0], _LOWER[1]].T, radius_m[padded])
        states, lower, radii = (backend.put(np.ascontiguousarray(x)) for x in columns)
        spheres = Spheres(states, lower, radii, len(part), tolerance, backend)
        spheres.refine(0.0)
        coarse = spheres.change > 100.0 * tolerance * spheres.rate
        rate[part], flags[part] = spheres.rate, spheres.flags | np.where(coarse, NOT_CONVERGED, 0)
    return rate, flags


def padded_size(n: int) -> int:
    """Smallest multiple of `PAD` that holds n."""
    return -(-n // PAD) * PAD


class Spheres:
    """Relative states beside spheres, on a backend, and their rates by as many meridians as were asked for so far.

    Parameters
    ----------
    state, covariance, radius_m : backend arrays, shapes (6, m), (21, m) and (m,)
        As for `rates`, with the lower triangles of the covariances, m a multiple of `PAD`.
    n : int
        How many of them count.
    tolerance : float
        Relative error of a rate.
    backend : Backend
        Backend that runs kernels.

    Attributes
    ----------
    rate, change : float64, shape (n,)
        Rates, and what they would change with half the meridians.
    flags : int32, shape (n,)
        ``CLIPPED``.
    """

    def __init__(  # noqa: PLR0917  # the tables of one kernel
        self,
        state: BackendArray,
        covariance: BackendArray,
        radius_m: BackendArray,
        n: int,
        tolerance: float,
        backend: Backend,
    ) -> None:
        self.backend, self.tolerance, self._states = backend, tolerance, padded_size(n)
        self._rows, bits = backend.empty((ROWS, self._states)), backend.empty(self._states, np.int32)
        if n:
            backend.launch("entry_axes", self._states, self._states, state, covariance, radius_m, self._rows, bits)
        self.flags = np.asarray(backend.get(bits)[:n])
        size, kink = (np.asarray(backend.get(self._rows[row])[:n]) for row in (SIZE, KINK))
        self._rule = np.minimum(np.searchsorted([limit for limit, *_ in RULES], size), len(RULES) - 1)
        self._sharp = kink < tolerance**0.25
        self._doubled = np.full(n, -1 if tolerance >= LENIENT else 0, np.int64)
        self.rate, self.change = np.empty(n), np.empty(n)
        self._compute(np.arange(n))

    @device_entry
    def refine(self, floor: Floats | float) -> None:
        """Double the meridians where half of them change more than the tolerance of a rate and a floor [1/s] allow."""
        meridians = np.array([number for _, number, _ in RULES])
        for _ in range(DOUBLINGS):
            doubled = (meridians[self._rule] << 2 + self._doubled) >> 1  # from -1 on, half the meridians of a rule
            may = doubled <= MOST_MERIDIANS
            lacking = np.flatnonzero(may & (self.change > SUFFICES * (self.tolerance * self.rate + floor)))
            if not len(lacking):
                break
            self._doubled[lacking] += 1
            self._compute(lacking)

    def _compute(self, chosen: npt.NDArray[np.int64]) -> None:
        code = (self._rule[chosen] * (DOUBLINGS + 2) + self._doubled[chosen] + 1) * 2 + self._sharp[chosen]
        for one in np.unique(code).tolist():
            rule, doubled = divmod(one // 2, DOUBLINGS + 2)
            limit, meridians, widest = RULES[rule]
            part = chosen[code == one]
            numbers = ((meridians << doubled) // 2, widest / (1 << max(0, doubled - 1)), int(limit > SEARCHED))
            self.rate[part], self.change[part] = self._on_meridians(
                "entry_front" if one % 2 else "entry_rate", part, *numbers
            )

    def _on_meridians(
        self, kernel: str, chosen: npt.NDArray[np.int64], meridians: int, widest: float, searches: int
    ) -> tuple[Floats, Floats]:
        n, angle, backend = len(chosen), 2.0 * np.pi / meridians, self.backend
        together = max(PAD, _WORK // meridians // PAD * PAD)
        rate, change = np.empty(n), np.empty(n)
        for start in range(0, n, together):
            part = slice(start, min(start + together, n))
            which = np.resize(chosen[part], padded_size(len(chosen[part])))
            size = len(which)
            found, differs = backend.empty(size), backend.empty(size)
            numbers = (self._states, meridians, float(np.sin(angle)), float(np.cos(angle)), widest, searches)
            backend.launch(kernel, size, size, *numbers, self._rows, backend.put(which), found, differs)
            rate[part], change[part] = (backend.get(x)[: len(chosen[part])] for x in (found, differs))
        return rate, change
