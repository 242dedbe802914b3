"""Syntax of KVN, the keyword = value form of messages.

Lines are taken one after another, so that work is linear in the size of a file.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from stmgpu.errors import counted
from stmgpu.messages.covariances import COUNT
from stmgpu.messages.fields import FlatMessage, FlatRecord, Record, SegmentedMessage, fail, shown
from stmgpu.messages.states import Place, StateRows, StateSegment, StateTables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stmgpu.messages.covariances import CovarianceRows

_MAX_LINE = 2000
_NUMBER = frozenset(b"+-.0123456789"[k : k + 1] for k in range(13))


def decode(data: bytes) -> str:
    """UTF-8 text; other bytes become surrogates, so that only the record that holds them is rejected."""
    return data.decode("utf-8", "surrogateescape")


def lines(data: bytes) -> Iterator[str]:
    """Lines of a text with their ends, which may be LF, CR LF or, throughout, CR."""
    return map(decode, io.BytesIO(data if b"\n" in data else data.replace(b"\r", b"\n")))


Line = tuple[int, str, str | None, str]
"""A line that is not blank: its number from 1, its keyword or COMMENT, its value or None without '=', and itself."""


def read_lines(data: bytes) -> Iterator[Line]:
    """Lines of a text as keyword and value.

    Examples
    --------
    >>> [line[:3] for line in read_lines(b"COMMENT by hand\\n\\nHBR = 5 [m]\\nend")]
    [(1, 'COMMENT', 'by hand'), (3, 'HBR', '5 [m]'), (4, 'end', None)]
    """
    for number, raw in enumerate(lines(data), start=1):
        line = raw.strip()
        if not line:
            continue
        if line.startswith("COMMENT"):
            words = line.split(None, 1)
            if words[0] == "COMMENT":
                yield number, "COMMENT", words[1] if len(words) > 1 else "", line
                continue
        keyword, separator, value = line.partition("=")
        yield number, keyword.rstrip(), value.lstrip() if separator else None, line


def read_records(data: bytes, kind: FlatMessage, *, lenient: bool = False) -> Iterator[FlatRecord]:
    """Read one flat message, or several after one another.

    A message begins at its version line, or at the next OBJECT_NAME where there is none.

    Parameters
    ----------
    data : bytes
        Content of a file.
    kind : FlatMessage
        The kind of messages to read.
    lenient : bool
        Whether unknown keywords are ignored.

    Yields
    ------
    FlatRecord
        Each message, with its first line as position.

    Examples
    --------
    >>> from stmgpu.messages.fields import OMM
    >>> next(read_records(b"CCSDS_OMM_VERS = 3.0\\nOBJECT_NAME = SAT\\nMASS = 300 [kg]", OMM)).fields["MASS"]
    '300'
    """
    record, ignored = Record(), set[str]()
    start, problem, has_name = 0, "", False
    for number, keyword, value, line in read_lines(data):
        if keyword == "COMMENT":
            continue
        if start and (keyword == kind.version_keyword or (keyword == "OBJECT_NAME" and has_name)):
            yield FlatRecord(start, record, problem, ignored)
            record, ignored, start, problem, has_name = {}, set(), 0, "", False
        start = start or number
        has_name = has_name or keyword == "OBJECT_NAME"
        if problem:
            continue
        if value is None:
            problem = f"line {line[:60]!r} is not of the form KEYWORD = value"
            continue
        if lenient and not kind.block.knows(keyword):
            ignored.add(keyword)
            continue
        unit = None
        if keyword in kind.block.units:
            value, unit = split_unit(value)
        problem = kind.block.add(record, keyword, value, unit=unit)
    if start:
        yield FlatRecord(start, record, problem, ignored)


def split_unit(value: str) -> tuple[str, str | None]:
    """Separate a value from a unit in brackets after it.

    Examples
    --------
    >>> split_unit("51.6 [deg]"), split_unit("51.6")
    (('51.6', 'deg'), ('51.6', None))
    """
    if not value.endswith("]"):
        return value, None
    start = value.find("[", value.rfind("]", 0, -1) + 1)
    return (value, None) if start < 0 else (value[:start].rstrip(), value[start + 1 : -1])


def read_segments(data: bytes, kind: SegmentedMessage) -> list[StateSegment]:
    """Read the segments of one message, or of several after one another.

    Parameters
    ----------
    data : bytes
        Content of a file.
    kind : SegmentedMessage
        The kind of messages to read.

    Returns
    -------
    list of StateSegment
        All segments in the order of the file.

    Raises
    ------
    InputError
        For the first line that is wrong; it names the line and what is allowed there.
    """
    reader = _SegmentReader(kind)
    with reader.tables.first_problem():
        return _read_segments(data, reader)


def _read_segments(data: bytes, reader: _SegmentReader) -> list[StateSegment]:
    for position, line in enumerate(io.BytesIO(data), start=1):
        rows = reader.rows
        if rows is not None and len(line) <= _MAX_LINE and line.lstrip()[:1].isdigit():  # nearly every line of a file
            row = line.split()
            if len(row) not in (7, 10):
                fail(
                    f"line {position}",
                    f"it has {counted(len(row), 'field')}, allowed are EPOCH, 6 numbers, and 3 accelerations",
                )
            rows.add(row, position)
            continue
        if reader.matrices is not None and len(line) <= _MAX_LINE and reader.matrices.takes_row(line):
            continue
        if len(line) > _MAX_LINE:
            fail(
                f"line {position}",
                f"it has {len(line)} characters, allowed are {_MAX_LINE}; check that it is an {reader.kind.name}",
            )
        text = line.decode("utf-8", "replace").strip()
        if text and text.split(None, 1)[0] != "COMMENT":
            reader.read(text, position)
    return reader.close()


class _SegmentReader:
    """The block that is open, and what a line may be in it."""

    def __init__(self, kind: SegmentedMessage) -> None:
        self.kind = kind
        self.tables = StateTables()
        self.block = "start"
        self.meta: Record = {}
        self.opened = 0
        self.table: StateRows | None = None
        self.matrices: _CovarianceBlock | None = None

    @property
    def rows(self) -> StateRows | None:
        """Rows of the segment whose states are read."""
        return self.table if self.block == "data" else None

    def read(self, text: str, position: int) -> None:
        """Read a line other than a state."""
        place = f"line {position}"
        keyword, separator, value = (part.strip() for part in text.partition("="))
        if self.block == "covariance" and self.matrices is not None:
            if self.matrices.read(text, position):
                self.block, self.matrices = "data", None
        elif keyword == self.kind.version_keyword and self.block in ("start", "data"):
            self.kind.check_version(place, value)
            self._end_segment()
            self.block = "header"
        elif self.block == "start":
            versions = ", ".join(self.kind.versions)
            fail(
                place, f"it is {shown(text)}; an {self.kind.name} begins with {self.kind.version_keyword} = {versions}"
            )
        elif text == "META_START" and self.block in ("header", "data"):
            self._end_segment()
            self.block, self.meta, self.opened = "meta", {}, position
        elif text == "META_STOP" and self.block == "meta":
            self.block, self.table = "data", StateRows(self.meta, Place("line", self.opened))
        elif text == "COVARIANCE_START" and self.block == "data" and self.table is not None:
            self.block, self.matrices = "covariance", _CovarianceBlock(self.table.covariances)
        elif self.block in ("header", "meta") and separator:
            block, record = (self.kind.metadata, self.meta) if self.block == "meta" else (self.kind.header, Record())
            problem = block.add(record, keyword, value)
            if problem:
                fail(place, problem)
        else:
            expected = {
                "header": "KEYWORD = value or META_START",
                "meta": "KEYWORD = value or META_STOP",
                "data": "EPOCH and 6 numbers, META_START or COVARIANCE_START",
            }[self.block]
            fail(place, f"it is {shown(text)}, allowed here: {expected}")

    def _end_segment(self) -> None:
        if self.table is not None:
            self.tables.append(self.table)
            self.table = None

    def close(self) -> list[StateSegment]:
        """All segments, at the end of the file."""
        if self.block == "meta":
            fail(f"line {self.opened}", "META_START has no META_STOP; the file is cut")
        if self.block == "covariance":
            fail("end of file", "COVARIANCE_START has no COVARIANCE_STOP; the file is cut")
        self._end_segment()
        return self.tables.close()


class _CovarianceBlock:
    """Matrices between COVARIANCE_START and COVARIANCE_STOP: EPOCH, COV_REF_FRAME, and rows of 1 to 6 numbers."""

    def __init__(self, rows: CovarianceRows) -> None:
        self._rows = rows
        self._fields: Record = {}
        self._values: list[bytes] = []
        self._rows_read = self._opened = 0

    def read(self, text: str, position: int) -> bool:
        """Read a line; True at the end of the block."""
        place = f"line {position}"
        if text == "COVARIANCE_STOP":
            if self._fields or self._values:
                fail(
                    place,
                    f"the matrix that begins at line {self._opened} has {counted(self._rows_read, 'row')}, allowed "
                    "are 6",
                )
            return True
        if text in ("META_START", "COVARIANCE_START"):
            fail(place, f"{text} is inside a covariance block; COVARIANCE_STOP is missing")
        keyword, separator, value = (part.strip() for part in text.partition("="))
        if separator:
            if keyword not in ("EPOCH", "COV_REF_FRAME") or keyword in self._fields or self._values:
                expected = "a row of numbers" if self._values else "EPOCH or COV_REF_FRAME, each once"
                fail(place, f"it is {shown(text)}, allowed here: {expected}")
            self._opened = self._opened if self._fields else position
            self._fields[keyword] = value
            return False
        if "EPOCH" not in self._fields:
            fail(place, f"it is {shown(text)}; a covariance matrix begins with EPOCH = time")
        count, wanted = len(text.split()), self._rows_read + 1
        if count == wanted:
            fail(place, f"it is {shown(text)}, allowed here: a row of numbers")
        fail(place, f"row {wanted} of a covariance matrix has {counted(count, 'number')} instead of {wanted}")

    def takes_row(self, line: bytes) -> bool:
        """Take a row of the right length; False for any other line."""
        row = line.split()
        if len(row) != self._rows_read + 1 or "EPOCH" not in self._fields or row[0][:1] not in _NUMBER:
            return False
        self._values += row
        self._rows_read += 1
        if len(self._values) == COUNT:
            self._rows.add(
                f"the covariance at line {self._opened}",
                epoch=self._fields["EPOCH"],
                frame=self._fields.get("COV_REF_FRAME", ""),
                values=self._values,
            )
            self._fields, self._values, self._rows_read = {}, [], 0
        return True
