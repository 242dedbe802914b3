"""Covariance matrices in messages: the lower triangles of 6 x 6 matrices of a state, with epoch and frame.

Order and units of the 21 elements: Orbit Data Messages, CCSDS 502.0-B-3, table 5-4: rows of the lower triangle of X, Y,
Z, X_DOT, Y_DOT, Z_DOT in km and km/s.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.messages.fields import COVARIANCE_UNITS, Record, fail, shown
from stmgpu.messages.times import EPOCH_FORMS, parse_epochs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from stmgpu.typing import Floats, Ints

ELEMENTS = tuple(COVARIANCE_UNITS)
"""Keywords of the lower triangle, row by row."""

COUNT = len(ELEMENTS)
"""Elements of a lower triangle: 21."""

DIAGONAL = tuple(k * (k + 3) // 2 for k in range(6))
"""Places of the variances among the elements."""

_MAX_FRAME = 20


@dataclass(frozen=True)
class CovarianceTable:
    """Covariances of one segment, in its own time system.

    Parameters
    ----------
    day, nanosecond : ndarray of int64, shape (c,)
        Epochs as in `stmgpu.messages.times.parse_epochs`.
    frame : tuple of str
        Frame of each, in capitals.
    values : ndarray of float64, shape (c, 21)
        Lower triangles [km2, km2/s, km2/s2].
    """

    day: Ints
    nanosecond: Ints
    frame: tuple[str, ...]
    values: Floats

    def __len__(self) -> int:
        return len(self.day)


class CovarianceRows:
    """Matrices of one segment, collected one by one.

    Parameters
    ----------
    meta : dict of str to str
        Metadata of the segment; its REF_FRAME is the frame of matrices without one.
    """

    def __init__(self, meta: Record) -> None:
        self._meta = meta
        self._places: list[str] = []
        self._epochs: list[bytes] = []
        self._frames: list[str] = []
        self._values: list[Sequence[bytes]] = []

    def add(self, place: str, *, epoch: str, frame: str, values: Sequence[bytes]) -> None:
        """Add a matrix: place for messages, epoch, frame ('' for that of the states) and 21 numbers."""
        plain = (frame or self._meta.get("REF_FRAME", "")).strip().upper()
        if not plain or len(plain) > _MAX_FRAME or not plain.isprintable():
            fail(place, f"COV_REF_FRAME is {shown(plain)}, allowed is a name of at most {_MAX_FRAME} characters")
        self._places.append(place)
        self._epochs.append(epoch.strip().encode("utf-8", "replace").replace(b" ", b"T", 1))
        self._frames.append(plain)
        self._values.append(values)

    def close(self) -> CovarianceTable | None:
        """All matrices; None if there is none.

        Raises
        ------
        InputError
            For the first epoch or number that is wrong, and for a negative variance.
        """
        if not self._places:
            return None
        values = finite_numbers(self._values, lambda k, c: fail(self._places[k], _wrong(c, self._values[k][c])))
        day, nanosecond, valid = parse_epochs(self._epochs)
        if not valid.all():
            k = int(np.flatnonzero(~valid)[0])
            fail(self._places[k], f"EPOCH is {shown(self._epochs[k])}, allowed are times such as {EPOCH_FORMS}")
        negative = np.argwhere(values[:, DIAGONAL] < 0.0)
        if len(negative):
            k, row = negative[0].tolist()
            fail(self._places[k], f"variance {ELEMENTS[DIAGONAL[row]]} is {values[k, DIAGONAL[row]]:g}, below 0")
        return CovarianceTable(day, nanosecond, tuple(self._frames), values)


def _wrong(column: int, text: bytes) -> str:
    return f"{ELEMENTS[column]} is {shown(text)}, allowed is a finite decimal number"


def finite_numbers(
    rows: Sequence[Sequence[bytes]], reject: Callable[[int, int], None], columns: slice = slice(None)
) -> Floats:
    """Numbers of many rows of one length.

    Parameters
    ----------
    rows : sequence of sequence of bytes
        Texts of n rows.
    reject : callable
        Called with row and column of the first text that is not a finite decimal number; it raises.
    columns : slice
        Part of each row that counts; columns are counted from its begin.

    Returns
    -------
    ndarray of float64, shape (n, columns)
        The numbers.

    Examples
    --------
    >>> finite_numbers([[b"1", b"-2.5e3"]], print).tolist()
    [[1.0, -2500.0]]
    """
    texts = [text for row in rows for text in row[columns]]
    try:
        if b"_" in b"".join(texts):  # float() would take 1_000
            raise ValueError
        values = np.array(list(map(float, texts)), np.float64)
    except ValueError:
        values = np.array([_number(text) for text in texts])
    values = values.reshape(len(rows), -1)
    wrong = np.argwhere(~np.isfinite(values))
    if len(wrong):
        reject(*wrong[0].tolist())
    return values


def _number(text: bytes) -> float:
    try:
        return float("nan") if b"_" in text else float(text)
    except ValueError:
        return float("nan")
