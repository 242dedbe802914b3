"""States of all columns of a propagator at many times, on the host."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stmgpu.backend.parts import in_parts

if TYPE_CHECKING:
    from stmgpu.backend import Backend
    from stmgpu.propagate.protocol import Propagator
    from stmgpu.typing import Floats

_STATE_BYTES = 49


def grid_on_host(propagator: Propagator, backend: Backend, t_s: Floats) -> tuple[np.ndarray, np.ndarray]:
    """States and codes of :meth:`Propagator.grid` as host arrays, of as many times at once as the device holds.

    Parameters
    ----------
    propagator, backend : Propagator or Backend
        Propagator, and the backend that it works on.
    t_s : ndarray, float64, shape (T,)
        Times [s after the start].

    Returns
    -------
    states : ndarray, float64, shape (T, 6, n_pad)
    codes : ndarray, int8, shape (T, n_pad)
    """

    def grid(part: slice) -> tuple[np.ndarray, np.ndarray]:
        states, codes = propagator.grid(t_s[part])
        return backend.get(states), backend.get(codes)

    at_once = max(1, backend.memory_bytes() // (2 * _STATE_BYTES * propagator.n_pad))
    parts = [found for _, found in in_parts(backend, len(t_s), at_once, grid)]
    if len(parts) == 1:
        return parts[0]
    states, codes = (np.concatenate(column) for column in zip(*parts, strict=True))
    return states, codes
