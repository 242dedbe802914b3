"""Orbits that bring two objects together, most likely under their errors, by ``kernels/overlap.cu``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.backend import device_entry
from stmgpu.backend.tables import table
from stmgpu.risk import rate3d_kernels
from stmgpu.risk.curved_kernels import OBJECT_ROWS

if TYPE_CHECKING:
    import numpy.typing as npt

    from stmgpu.backend import Backend
    from stmgpu.typing import BackendArray, Floats

    Integers = npt.NDArray[np.int64]

GROUP = 16
"""Times of one pair in a row that share its numbers."""

_TABLE = table("overlap.h")
TURNS = _TABLE.integer("OVERLAP_TURNS")
EVEN, FAR, LOOSE, LONGEST_M = (_TABLE.number(f"OVERLAP_{name}") for name in ("EVEN", "FAR", "LOOSE", "LONGEST"))
_ORBITS = 2 * table("equinoctial.h").integer("EQUINOCTIAL_SIZE")
_LOWER = np.tril_indices(6)


@dataclass(frozen=True)
class Orbits:
    """Orbits at k times w of pairs, on a backend.

    Attributes
    ----------
    far : float64, shape (k, w)
        Squares of their distances from the mean orbits in sigmas; infinite where none were found.
    pair, time_s, elements : backend arrays, shapes (m,), (m,) and (12, m)
        Pairs, times [s] and elements as ``overlap.cu`` has them, each row padded to a multiple of `GROUP` times.
    """

    far: Floats
    pair: BackendArray
    time_s: BackendArray
    elements: BackendArray


class Overlaps:
    """Pairs of orbits with normal errors of their elements, on a backend.

    Parameters
    ----------
    states : list of two float64, shape (n, 6)
        Inertial states [m, m/s].
    covariances : list of two float64, shape (n, 6, 6)
        Covariances in each object's own radial, transverse and normal axes [m, m/s]; lower triangles are used.
    radius_m : float64, shape (n,)
        Combined hard-body radii, positive.
    backend : Backend
        Backend that runs kernels.
    """

    def __init__(self, states: list[Floats], covariances: list[Floats], radius_m: Floats, backend: Backend) -> None:
        self.backend, self._radius = backend, radius_m
        self._prepare(states, covariances)

    @device_entry
    def _prepare(self, states: list[Floats], covariances: list[Floats]) -> None:
        backend, n = self.backend, len(self._radius)
        padded = np.resize(np.arange(n), rate3d_kernels.padded_size(n))
        self._pairs = len(padded)
        self._objects: list[BackendArray] = []
        for state, covariance in zip(states, covariances, strict=True):
            lower = np.ascontiguousarray(covariance[padded][:, _LOWER[0], _LOWER[1]].T)
            moved = np.ascontiguousarray(1e-3 * state[padded].T)
            prepared = backend.empty((OBJECT_ROWS, self._pairs))
            backend.launch("curved_objects", self._pairs, self._pairs, backend.put(moved), backend.put(lower), prepared)
            self._objects.append(prepared)
        self._radii = backend.put(self._radius[padded])

    @device_entry
    def orbits(self, pair: Integers, time_s: Floats) -> Orbits:
        """The orbits at times of pairs, shapes (k,) and (k, w)."""
        k, w = time_s.shape
        backend, wide = self.backend, -(-w // GROUP) * GROUP
        times = np.empty((k, wide))
        times[:, :w], times[:, w:] = time_s, time_s[:, -1:]
        n = k * wide
        pairs, after = backend.put(np.repeat(pair, wide)), backend.put(times.ravel())
        elements, far = backend.empty((_ORBITS, n)), backend.empty(n)
        tables = (*self._objects, self._radii, pairs, after, elements)
        backend.launch("overlap_orbits", n, n, self._pairs, *tables, far)
        return Orbits(backend.get(far).reshape(k, wide)[:, :w], pairs, after, elements)

    @device_entry
    def spheres(
        self, orbits: Orbits, chosen: tuple[Integers, Integers], pair: Integers, tolerance: float
    ) -> rate3d_kernels.Spheres:
        """Rates of entry at times chosen by row and column of `orbits`, of these pairs."""
        n = len(pair)
        state, covariance = self._states(orbits, chosen)
        radii = self.backend.put(np.resize(self._radius[pair], rate3d_kernels.padded_size(n)))
        return rate3d_kernels.Spheres(state, covariance, radii, n, tolerance, self.backend)

    @device_entry
    def states(self, orbits: Orbits, chosen: tuple[Integers, Integers]) -> tuple[Floats, Floats]:
        """Mean relative states and covariances, shapes (n, 6) and (n, 6, 6), at times chosen as for `spheres`."""
        n = len(chosen[0])
        state, lower = (self.backend.get(x)[:, :n].T for x in self._states(orbits, chosen))
        covariance = np.empty((n, 6, 6))
        covariance[:, _LOWER[0], _LOWER[1]] = covariance[:, _LOWER[1], _LOWER[0]] = lower
        return np.ascontiguousarray(state), covariance

    def _states(self, orbits: Orbits, chosen: tuple[Integers, Integers]) -> tuple[BackendArray, BackendArray]:
        backend, times = self.backend, orbits.time_s.size
        wide = int(times // max(1, len(orbits.far)))
        size = rate3d_kernels.padded_size(len(chosen[0]))
        which = np.resize(chosen[0] * wide + chosen[1], size)
        state, covariance = backend.empty((6, size)), backend.empty((21, size))
        if size:
            tables = (*self._objects, orbits.pair, orbits.time_s, orbits.elements, backend.put(which))
            backend.launch("overlap_states", size, size, self._pairs, times, *tables, state, covariance)
        return state, covariance
