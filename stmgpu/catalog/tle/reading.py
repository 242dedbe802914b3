"""Read two-line and three-line element sets: from lines of text to the sets they form."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from stmgpu.catalog.assemble import Records, Strays
from stmgpu.catalog.notes import Notes
from stmgpu.catalog.tle.columns import LINE_LENGTH, Matrix, SetColumns, checksums, text_of

if TYPE_CHECKING:
    from stmgpu.typing import Ints

_ELEMENT_LINE = re.compile(rb"[12] [ 0-9A-Z][ 0-9]{4}")
_INDENTED = re.compile(rb"[ \t]+[12] [ 0-9A-Z][ 0-9]{4}")
_LONGEST_NAME = 26


def read_tle(data: bytes, *, lenient: bool = False) -> Records:
    """Parse TLE or 3LE text, with or without name lines; lines that start with # are comments.

    Parameters
    ----------
    data : bytes
        Content of a file.
    lenient : bool
        Whether harmless breaches are mended, each with a note.
    """
    lines = [line.rstrip() for line in data.splitlines()]
    used = np.flatnonzero(np.array([bool(line) and not line.startswith(b"#") for line in lines], np.bool_))
    notes = Notes("line")
    if lenient:
        for i in used.tolist():
            if _INDENTED.match(lines[i]):
                notes.add("blanks before an element line are ignored", i + 1)
                lines[i] = lines[i].lstrip()
    kinds = _kinds([lines[i] for i in used.tolist()])
    first = np.flatnonzero((kinds[:-1] == 1) & (kinds[1:] == 2))
    in_set = np.zeros(len(kinds), np.bool_)
    in_set[first] = in_set[first + 1] = True
    has_name = np.zeros(len(kinds), np.bool_)
    has_name[first[first > 0]] = kinds[first[first > 0] - 1] == 0
    in_set[np.flatnonzero(has_name) - 1] = True

    strays = Strays("line")
    for i in np.flatnonzero(~in_set).tolist():
        _reject(strays, lines[used[i]], int(kinds[i]), int(used[i]) + 1, good=len(first))
    sets = [
        ElementLines(
            lines[used[place]],
            lines[used[place + 1]],
            lines[used[place - 1]] if has_name[place] else b"",
            int(used[place]) + 1,
            int(used[place + 1]) + 1,
        )
        for place in first.tolist()
    ]
    return read_sets(sets, strays, notes, lenient=lenient)


class ElementLines(NamedTuple):
    """Lines of one element set, without blanks at their ends.

    Parameters
    ----------
    one, two, name : bytes
        Lines 1 and 2, and the name line or b''.
    position, position_two : int
        Places of line 1 and line 2 in the file.
    """

    one: bytes
    two: bytes
    name: bytes
    position: int
    position_two: int


def read_sets(sets: list[ElementLines], strays: Strays, notes: Notes, *, lenient: bool = False) -> Records:
    """Parse element sets whose lines are already together.

    Parameters
    ----------
    sets : list of ElementLines
        n sets.
    strays : Strays
        Rejections so far.
    notes : Notes
        Notes so far.
    lenient : bool
        Whether harmless breaches are mended, each with a note.
    """
    whole: list[ElementLines] = []
    unsealed: list[bool] = []
    for lines in sets:
        has_no_checksums = len(lines.one) == len(lines.two) == LINE_LENGTH - 1
        pair = ((1, lines.one), (2, lines.two))
        wrong, line = next(((k, line) for k, line in pair if not _has_length(line)), (0, b""))
        if wrong and not has_no_checksums:
            reason = f"line {wrong} of the set has {len(line)} characters, allowed is {LINE_LENGTH}"
            reason += ", or a blank and other text after them" if len(line) > LINE_LENGTH else ""
            position = lines.position if wrong == 1 else lines.position_two
            strays.add(position, text_of(lines.one[2:7]).strip(), reason, good=len(whole))
            continue
        for line, position in ((lines.one, lines.position), (lines.two, lines.position_two)):
            if len(line) > LINE_LENGTH:
                notes.add(f"text after column {LINE_LENGTH} is ignored", position)
        whole.append(lines)
        unsealed.append(has_no_checksums)
    ones, twos = _matrix([lines.one for lines in whole]), _matrix([lines.two for lines in whole])
    for matrix in (ones, twos):
        matrix[unsealed, LINE_LENGTH - 1] = checksums(matrix[unsealed]) + ord("0")
    positions = np.array([lines.position for lines in whole], np.int64)
    notes.add_all("both lines of the set lack their checksum", np.array(unsealed, np.bool_), positions)
    reader = SetColumns(ones, twos, positions, notes, lenient=lenient)
    columns = reader.columns([lines.name for lines in whole])
    return Records(columns, positions, lambda i: text_of(ones[i, 2:7].tobytes()).strip(), reader.faults, strays, notes)


def _has_length(line: bytes) -> bool:
    return len(line) == LINE_LENGTH or line[LINE_LENGTH : LINE_LENGTH + 1].isspace()


def _kinds(lines: list[bytes]) -> Ints:
    """1 and 2 for element lines, 0 for anything else; a short name that begins with '1 ' is not one."""
    kinds = np.array([1 if line[:2] == b"1 " else 2 if line[:2] == b"2 " else 0 for line in lines], np.int64)
    for i in np.flatnonzero((kinds[:-1] > 0) & (kinds[1:] == 1)).tolist():
        if len(lines[i]) <= _LONGEST_NAME and not _ELEMENT_LINE.match(lines[i]):
            kinds[i] = 0
    return kinds


def _reject(strays: Strays, line: bytes, kind: int, position: int, *, good: int) -> None:
    who = text_of(line[2:7]).strip() if kind else ""
    reasons = {
        1: "line 1 is not followed by a line 2",
        2: "line 2 does not follow a line 1",
        0: f"{text_of(line[:40])!r} is neither an element line nor a name before one",
    }
    strays.add(position, who, reasons[kind], good=good)


def _matrix(lines: list[bytes]) -> Matrix:
    joined = b"".join(line[:LINE_LENGTH].ljust(LINE_LENGTH) for line in lines)
    return np.frombuffer(joined, np.uint8).reshape(len(lines), LINE_LENGTH).copy()
