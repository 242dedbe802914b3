"""Types of arrays, as they are named in annotations throughout the package."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Strings = npt.NDArray[np.str_]
Times = npt.NDArray[np.datetime64]


def is_whole(value: object) -> bool:
    """Tell whether a value, of whatever type, is a whole number; True and False are none."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)
