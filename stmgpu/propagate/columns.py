"""Checks of the columns and times that a propagator is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stmgpu.errors import InputError

if TYPE_CHECKING:
    from types import ModuleType

    from numpy.typing import ArrayLike

    from stmgpu.typing import BackendArray


def columns_of(xp: ModuleType, index: ArrayLike, n_pad: int | None) -> BackendArray:
    """Columns as a backend array [m].

    Parameters
    ----------
    xp : module
        Array module of the backend.
    index : array_like, integer, shape (m,)
        Columns; host or backend array. What lies on the host is checked there.
    n_pad : int, optional
        Number of columns, padding included; None to let any index pass.

    Raises
    ------
    InputError
        An index is negative, or not below ``n_pad``.
    """
    given = index if isinstance(index, xp.ndarray) else np.asarray(index)
    if n_pad is not None and given.size and (int(given.min()) < 0 or int(given.max()) >= n_pad):
        raise InputError(f"indices must lie in [0, {n_pad}), got {int(given.min())} to {int(given.max())}")
    columns: BackendArray = xp.asarray(given).reshape(-1)
    return columns


def one_time_each(columns: BackendArray, times_s: BackendArray) -> None:
    """Raise :class:`InputError` unless there is one time for each column."""
    if columns.shape != times_s.shape:
        raise InputError(f"at() needs one time for each index, got {len(columns)} indices and {len(times_s)} times")
