"""Tables of states in messages: from texts of epochs and numbers to arrays, a block of rows at a time."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NoReturn

import numpy as np

from stmgpu.errors import InputError
from stmgpu.messages.covariances import CovarianceRows, CovarianceTable, finite_numbers
from stmgpu.messages.fields import STATE, Record, fail, shown
from stmgpu.messages.times import EPOCH_FORMS, parse_epochs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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
        self.rows: list[Sequence[bytes]] = []
        self._positions: list[int] = []
        self._parts: list[tuple[Ints, Ints, Floats, Ints]] = []

    def add(self, row: Sequence[bytes], position: int) -> None:
        """Add an epoch and six numbers; further numbers are ignored."""
        self.rows.append(row)
        self._positions.append(position)
        if len(self.rows) >= _ROWS_AT_ONCE:
            self._convert()

    @property
    def waiting(self) -> int:
        """Number of rows that are not converted yet."""
        return len(self.rows)

    def take(self, day: Ints, nanosecond: Ints, states: Floats) -> None:
        """Take the arrays of the rows that wait."""
        if self.rows:
            self._parts.append((day, nanosecond, states, np.array(self._positions, np.int64)))
            self.rows, self._positions = [], []

    def _convert(self) -> None:
        rows, positions = self.rows, self._positions
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
        self.take(day, nanosecond, states)

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


class StateTables:
    """Segments of a file in their order; short ones are converted together.

    Attributes
    ----------
    segments : list of StateSegment
        Segments that are converted.
    """

    def __init__(self) -> None:
        self.segments: list[StateSegment] = []
        self._open: list[StateRows] = []
        self._waiting = 0

    def __len__(self) -> int:
        return len(self.segments) + len(self._open)

    def append(self, rows: StateRows) -> None:
        """Add a segment whose rows are complete; :class:`InputError` as `StateRows.close`, perhaps later."""
        self._open.append(rows)
        self._waiting += rows.waiting
        if self._waiting >= _ROWS_AT_ONCE:
            self.close()

    def close(self) -> list[StateSegment]:
        """All segments; :class:`InputError` for the first that is wrong."""
        if len(self._open) > 1:
            _convert_together(self._open)
        self.segments += [rows.close() for rows in self._open]
        self._open, self._waiting = [], 0
        return self.segments

    @contextmanager
    def first_problem(self) -> Iterator[None]:
        """Before an error in a later line, raise that of a segment which waits to be converted."""
        try:
            yield
        except InputError:
            self.close()
            raise


class _WrongNumberError(Exception):
    pass


def _give_up(*_: int) -> NoReturn:
    raise _WrongNumberError


def _convert_together(tables: Sequence[StateRows]) -> None:
    """Convert the rows of several segments at once; if one is wrong, none: closing them then finds it."""
    rows = [row for table in tables for row in table.rows]
    if not rows:
        return
    try:
        states = finite_numbers(rows, _give_up, slice(1, 7))
    except _WrongNumberError:
        return
    day, nanosecond, valid = parse_epochs([row[0] for row in rows])
    if not valid.all():
        return
    begin = 0
    for table in tables:
        part = slice(begin, begin := begin + table.waiting)
        table.take(day[part], nanosecond[part], states[part])
