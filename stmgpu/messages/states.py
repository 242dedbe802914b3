"""Tables of states in messages: from texts of epochs and numbers to arrays, a block of rows at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from stmgpu.messages.covariances import CovarianceRows, CovarianceTable, finite_numbers
from stmgpu.messages.fields import STATE, Record, fail, shown
from stmgpu.messages.times import EPOCH_FORMS, parse_epochs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stmgpu.typing import Floats, Ints

_ROWS_AT_ONCE = 1 << 15


@dataclass(frozen=True)
class Place:
    """Place of a segment in its file, for error messages.

    Parameters
    ----------
    noun : {'line', 'segment'}
        What is counted.
    number : int
        First line of the segment, or its number, from 1.
    """

    noun: Literal["line", "segment"]
    number: int

    def __str__(self) -> str:
        return f"{'the segment that begins at line' if self.noun == 'line' else 'segment'} {self.number}"

    def of_state(self, position: int) -> str:
        """Place of one state, by its line or by its number in the segment."""
        return f"line {position}" if self.noun == "line" else f"{self}, state {position}"


@dataclass(frozen=True)
class StateSegment:
    """Metadata and states of one segment, in its own frame and time system.

    Parameters
    ----------
    meta : dict of str to str
        Fields of the metadata.
    place : Place
        Where the segment is.
    day, nanosecond : ndarray of int64, shape (m,)
        Epochs as in `parse_epochs`.
    states : ndarray of float64, shape (m, 6)
        Positions [km] and velocities [km/s].
    position : ndarray of int64, shape (m,)
        Line or number of each state.
    covariance : CovarianceTable, optional
        Covariances, if there are any.
    """

    meta: Record
    place: Place
    day: Ints
    nanosecond: Ints
    states: Floats
    position: Ints
    covariance: CovarianceTable | None = None

    def where(self, row: int | None = None) -> str:
        """Place of the segment, or of one of its states."""
        return str(self.place) if row is None else self.place.of_state(int(self.position[row]))


class StateRows:
    """Rows of one segment, converted to arrays as they are added."""

    def __init__(self, meta: Record, place: Place) -> None:
        self.meta = meta
        self.place = place
        self.covariances = CovarianceRows(meta)
        self._rows: list[Sequence[bytes]] = []
        self._positions: list[int] = []
        self._parts: list[tuple[Ints, Ints, Floats, Ints]] = []

    def add(self, row: Sequence[bytes], position: int) -> None:
        """Add an epoch and six numbers; further numbers are ignored."""
        self._rows.append(row)
        self._positions.append(position)
        if len(self._rows) >= _ROWS_AT_ONCE:
            self._convert()

    def _convert(self) -> None:
        rows, positions = self._rows, self._positions
        if not rows:
            return
        states = finite_numbers(
            rows,
            lambda k, c: fail(
                self.place.of_state(positions[k]),
                f"{STATE[c]} is {shown(rows[k][1 + c])}, allowed is a finite decimal number",
            ),
            slice(1, 7),
        )
        day, nanosecond, valid = parse_epochs([row[0] for row in rows])
        if not valid.all():
            k = int(np.flatnonzero(~valid)[0])
            fail(
                self.place.of_state(positions[k]),
                f"EPOCH is {shown(rows[k][0])}, allowed are times such as {EPOCH_FORMS}",
            )
        self._parts.append((day, nanosecond, states, np.array(positions, np.int64)))
        self._rows, self._positions = [], []

    def close(self) -> StateSegment:
        """The segment with all its states.

        Raises
        ------
        InputError
            If there is none, or a text is not a time or a number.
        """
        self._convert()
        if not self._parts:
            fail(str(self.place), "it holds no state; give lines of EPOCH X Y Z X_DOT Y_DOT Z_DOT")
        day, nanosecond, states, position = zip(*self._parts, strict=True)
        return StateSegment(
            self.meta,
            self.place,
            np.concatenate(day),
            np.concatenate(nanosecond),
            np.concatenate(states),
            np.concatenate(position),
            self.covariances.close(),
        )
