"""Covariances of trajectories, as flat columns beside the samples.

They do not change the motion, so neither the digest of trajectories nor the results of a screening depend on them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.catalog.trajectories.columns import float_column, int_column, text_column
from stmgpu.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from stmgpu.typing import Floats, Ints, Strings

ELEMENTS = 21
"""Elements of the lower triangle of a 6 x 6 matrix."""

_ROW, _COLUMN = np.tril_indices(6)
_COLUMNS = ("segment", "time_ns", "frame", "lower")
_PREFIX = "covariance_"


@dataclass(frozen=True, eq=False)
class TrajectoryCovariances:
    """Covariances of the states of trajectories: c matrices of s segments, as read-only columns.

    Parameters
    ----------
    segment : int64, shape (c,)
        Segment of each matrix, not decreasing.
    time_ns : int64, shape (c,)
        UTC [ns since 1970, days of 86,400 s].
    frame : str, shape (c,)
        'RTN' (radial, along the motion, normal: also called RSW, RIC, UVW and RSW_INERTIAL), 'TNW' (along the
        velocity), 'TEME', or another frame by the name in its file.
    lower : float64, shape (c, 21)
        Lower triangles of position and velocity, row by row [km2, km2/s, km2/s2].

    Examples
    --------
    >>> one = TrajectoryCovariances(np.array([0]), np.array([0]), np.array(["RTN"]), np.arange(21.0)[None])
    >>> one.matrices()[0, 5].tolist()
    [15.0, 16.0, 17.0, 18.0, 19.0, 20.0]
    """

    segment: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    time_ns: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    frame: Strings = field(default_factory=lambda: np.empty(0, np.str_))
    lower: Floats = field(default_factory=lambda: np.empty((0, ELEMENTS)))

    def __post_init__(self) -> None:
        for name in _COLUMNS:
            convert = text_column if name == "frame" else float_column if name == "lower" else int_column
            column = convert(f"covariance {name}", getattr(self, name)).view()
            column.flags.writeable = False
            object.__setattr__(self, name, column)
        c = len(self.segment)
        shapes = (self.segment.shape, self.time_ns.shape, self.frame.shape, self.lower.shape)
        if shapes != ((c,), (c,), (c,), (c, ELEMENTS)):
            raise InputError(f"columns of covariances have shapes {shapes}; allowed are (c,), (c,), (c,) and (c, 21)")
        if c and ((np.diff(self.segment) < 0).any() or self.segment[0] < 0):
            raise InputError("segments of covariances must not be negative and must not decrease")
        if not np.isfinite(self.lower).all():
            raise InputError("covariances must be finite")

    def __len__(self) -> int:
        return len(self.segment)

    @classmethod
    def concatenate(cls, parts: Sequence[TrajectoryCovariances], segments: Sequence[int]) -> TrajectoryCovariances:
        """Join the covariances of several trajectories.

        Parameters
        ----------
        parts : sequence of TrajectoryCovariances
            Covariances of each.
        segments : sequence of int
            Number of segments of each.
        """
        first = np.cumsum([0, *segments])
        filled = [(part, k) for part, k in zip(parts, first, strict=False) if len(part)]
        if not filled:
            return cls()
        return cls(
            np.concatenate([part.segment + k for part, k in filled]),
            *(np.concatenate([getattr(part, name) for part, _ in filled]) for name in _COLUMNS[1:]),
        )

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.ArrayLike]) -> TrajectoryCovariances:
        """Covariances of the arrays of `to_arrays`; none if there are none of them.

        Raises
        ------
        InputError
            If some are missing, or a value is wrong.
        """
        missing = [_PREFIX + name for name in _COLUMNS if _PREFIX + name not in arrays]
        if len(missing) == len(_COLUMNS):
            return cls()
        if missing:
            raise InputError(f"arrays of covariances: missing {missing}")
        return cls(*(arrays[_PREFIX + name] for name in _COLUMNS))  # type: ignore[arg-type]

    def to_arrays(self) -> dict[str, npt.NDArray[np.generic]]:
        """Columns by name, none if there are no covariances."""
        return {_PREFIX + name: getattr(self, name) for name in _COLUMNS} if len(self) else {}

    def of_segments(self, segments: Ints) -> TrajectoryCovariances:
        """Covariances of chosen segments, in their order; segments are numbered anew from 0."""
        if len(self) == 0:
            return self
        begin = np.searchsorted(self.segment, segments)
        count = np.searchsorted(self.segment, segments, side="right") - begin
        owner = np.repeat(np.arange(len(segments)), count)
        rows = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count) + begin[owner]
        return TrajectoryCovariances(owner, *(getattr(self, name)[rows] for name in _COLUMNS[1:]))

    def __getitem__(self, rows: npt.NDArray[np.bool_] | Ints) -> TrajectoryCovariances:
        """Some of the matrices, by a mask or rising indices."""
        return TrajectoryCovariances(*(getattr(self, name)[rows] for name in _COLUMNS))

    def matrices(self) -> Floats:
        """Symmetric matrices, shape (c, 6, 6) [km2, km2/s, km2/s2]."""
        full = np.empty((len(self), 6, 6))
        full[:, _ROW, _COLUMN] = self.lower
        full[:, _COLUMN, _ROW] = self.lower
        return full

    def equals(self, other: TrajectoryCovariances) -> bool:
        """Whether every column holds the same values."""
        return all(np.array_equal(getattr(self, name), getattr(other, name)) for name in _COLUMNS)


def lower_of(matrices: Floats) -> Floats:
    """Lower triangles, shape (c, 21), of symmetric matrices, shape (c, 6, 6)."""
    return np.ascontiguousarray(matrices[:, _ROW, _COLUMN])
