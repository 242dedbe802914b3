"""Flat columns of trajectories, and the conversion of values to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import numpy.typing as npt

from stmgpu.catalog.trajectories.interpolation import sample_count
from stmgpu.errors import InputError
from stmgpu.typing import Floats, Ints, Strings

if TYPE_CHECKING:
    from collections.abc import Callable

_Column = TypeVar("_Column", Floats, Ints, Strings)

OBJECT = ("norad_id", "name", "object_id", "source", "sha256")
"""Columns with a value for each object."""

SEGMENT = ("segment_object", "usable_start_ns", "usable_stop_ns", "method", "degree")
"""Columns with a value for each segment; besides, `offset`."""

SAMPLE = ("time_ns", "position", "velocity")
"""Columns with a value for each sample."""


@dataclass(frozen=True, eq=False)
class Columns:
    """Columns of n objects, s segments and m samples, in the order of `Trajectories`, which documents them."""

    norad_id: Ints
    name: Strings
    object_id: Strings
    source: Strings
    sha256: Strings
    segment_object: Ints
    usable_start_ns: Ints
    usable_stop_ns: Ints
    method: Strings
    degree: Ints
    offset: Ints
    time_ns: Ints
    position: Floats
    velocity: Floats

    def __len__(self) -> int:
        return len(self.norad_id)

    @property
    def length(self) -> Ints:
        """Number of samples of each segment, shape (s,)."""
        return np.diff(self.offset)

    @property
    def samples_used(self) -> Ints:
        """Number of samples that take part in one interpolation, shape (s,)."""
        return np.array(
            [sample_count(m, d) for m, d in zip(self.method.tolist(), self.degree.tolist(), strict=True)], np.int64
        )


def float_column(name: str, value: npt.ArrayLike) -> Floats:
    """Values as float64, or an InputError that names the column; a copy only where the type changes."""
    return _convert(name, lambda: np.ascontiguousarray(np.asarray(value), np.float64))


def text_column(name: str, value: npt.ArrayLike) -> Strings:
    """Values as text, or an InputError that names the column."""
    return _convert(name, lambda: np.asarray(value).astype(np.str_))


def int_column(name: str, value: npt.ArrayLike) -> Ints:
    """Values as int64, instants as nanoseconds since 1970, or an InputError that names the column."""

    def convert() -> Ints:
        array = np.asarray(value)
        if array.dtype.kind == "M":
            return array.astype("datetime64[ns]").view(np.int64)
        if array.dtype.kind not in "iu" and array.size:
            raise ValueError(f"it has type {array.dtype}")
        return np.ascontiguousarray(array, np.int64)

    return _convert(name, convert)


def _convert(name: str, convert: Callable[[], _Column]) -> _Column:
    try:
        return convert()
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"column {name!r} of trajectories cannot be used: {error}") from None
