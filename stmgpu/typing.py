"""Types of arrays, as they are named in annotations throughout the package."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Strings = npt.NDArray[np.str_]
Times = npt.NDArray[np.datetime64]

BackendArray = npt.NDArray[Any]
"""Array in a backend's memory: :class:`numpy.ndarray` on the host, :class:`cupy.ndarray` on a GPU.

CuPy has no type annotations; its arrays are used as far as they have the interface of NumPy's.
"""


def is_whole(value: object) -> bool:
    """Tell whether a value, of whatever type, is a whole number; True and False are none."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)
