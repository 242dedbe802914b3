"""OEM as KVN and XML: from bytes to segments of numbers and fields of text, with the place of whatever is wrong.

Lines and elements are taken one after another, numbers a block at a time, so work is linear in the size of a file and
memory beyond the numbers is bounded whatever the bytes say.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn
from xml.etree.ElementTree import ParseError

import numpy as np
import numpy.typing as npt
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from stmgpu.errors import InputError
from stmgpu.messages.times import EPOCH_FORMS, parse_epochs

VERSIONS = ("1.0", "2.0", "3.0")
HEADER = {"CCSDS_OEM_VERS", "COMMENT", "CLASSIFICATION", "CREATION_DATE", "ORIGINATOR", "MESSAGE_ID"}
METADATA = {
    "OBJECT_NAME", "OBJECT_ID", "CENTER_NAME", "REF_FRAME", "REF_FRAME_EPOCH", "TIME_SYSTEM", "START_TIME",
    "USEABLE_START_TIME", "USEABLE_STOP_TIME", "STOP_TIME", "INTERPOLATION", "INTERPOLATION_DEGREE",
}  # fmt: skip
STATE = ("X", "Y", "Z", "X_DOT", "Y_DOT", "Z_DOT")
_ACCELERATION = ("X_DDOT", "Y_DDOT", "Z_DDOT")
_VECTOR = {"EPOCH", *STATE, *_ACCELERATION}
_UNITS = {
    **dict.fromkeys(STATE[:3], "KM"), **dict.fromkeys(STATE[3:], "KM/S"), **dict.fromkeys(_ACCELERATION, "KM/S**2"),
}  # fmt: skip
_AT_ONCE = 1 << 15
_MAX_LINE = 2000


def fail(place: str, what: str) -> NoReturn:
    """Refuse the file: every error of it passes here."""
    raise InputError(f"{place}: {what}")


@dataclass
class RawSegment:
    """One META and its data as they stand in the file: text fields, and numbers of m lines.

    `day` and `nanosecond` [m] are labels of the segment's own time system, `states` [m, 6] km and km/s in its own
    frame, `place` [m] line or record numbers.
    """

    meta: dict[str, str]
    noun: str
    number: int
    day: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    nanosecond: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    states: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 6)))
    place: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))

    def where(self, row: int | None = None) -> str:
        """Where the segment, or one of its states, stands in the file."""
        if row is None:
            return f"{'the segment that begins at line' if self.noun == 'line' else 'segment'} {self.number}"
        return f"{self.noun} {self.place[row]}" if self.noun == "line" else f"{self.where()}, state {self.place[row]}"


class _Numbers:
    """Data lines of one segment on their way to arrays, a block at a time."""

    def __init__(self, segment: RawSegment) -> None:
        self.segment = segment
        self.rows: list[Sequence[bytes]] = []
        self.places: list[int] = []
        self.parts: list[tuple[Any, ...]] = []

    def add(self, row: Sequence[bytes], place: int) -> None:
        """One epoch and six numbers (and what follows them, which does not count)."""
        self.rows.append(row)
        self.places.append(place)
        if len(self.rows) >= _AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Turn the waiting rows into numbers."""
        if not self.rows:
            return
        segment, rows = self.segment, self.rows
        segment.place = np.array(self.places, np.int64)
        texts = [text for row in rows for text in row[1:7]]
        try:
            if b"_" in b"".join(texts):  # float() would take 1_000
                raise ValueError
            states = np.array(list(map(float, texts)), np.float64).reshape(-1, 6)
        except ValueError:
            states = np.array([[_number(text) for text in row[1:7]] for row in rows])
        wrong = np.argwhere(~np.isfinite(states))
        if len(wrong):
            k, column = wrong[0].tolist()
            shown = _shown(rows[k][1 + column])
            fail(segment.where(k), f"{STATE[column]} is {shown}, allowed is a finite decimal number")
        day, nanosecond, valid = parse_epochs([row[0] for row in rows])
        if not valid.all():
            k = int(np.flatnonzero(~valid)[0])
            fail(segment.where(k), f"EPOCH is {_shown(rows[k][0])}, allowed are times such as {EPOCH_FORMS}")
        self.parts.append((day, nanosecond, states, segment.place))
        self.rows, self.places = [], []

    def close(self) -> RawSegment:
        """The segment with all its numbers."""
        self.flush()
        if not self.parts:
            fail(self.segment.where(), "it holds no state; give lines of EPOCH X Y Z X_DOT Y_DOT Z_DOT")
        s = self.segment
        s.day, s.nanosecond, s.states, s.place = (np.concatenate(column) for column in zip(*self.parts, strict=True))
        return s


def _number(text: bytes) -> float:
    try:
        return float("nan") if b"_" in text else float(text)
    except ValueError:
        return float("nan")


def _shown(text: bytes | str) -> str:
    plain = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return ascii(plain[:60])


def read_kvn(data: bytes) -> list[RawSegment]:
    """Segments of one OEM, or of several after one another, in KVN."""
    segments: list[RawSegment] = []
    state, meta, numbers = "start", dict[str, str](), None  # type: str, dict[str, str], _Numbers | None
    opened = 0
    for place, line in enumerate(io.BytesIO(data), start=1):
        if state == "data" and len(line) <= _MAX_LINE and line.lstrip()[:1].isdigit():  # nearly every line of a file
            row = line.split()
            if len(row) not in (7, 10):
                fail(f"line {place}", f"it has {len(row)} fields, allowed are EPOCH, 6 numbers, and 3 accelerations")
            assert numbers is not None
            numbers.add(row, place)
            continue
        if len(line) > _MAX_LINE:
            fail(f"line {place}", f"it has {len(line)} characters, allowed are {_MAX_LINE}; is this an OEM?")
        text = line.decode("utf-8", "replace").strip()
        if not text or text.split(None, 1)[0] == "COMMENT":
            continue
        keyword, separator, value = (part.strip() for part in text.partition("="))
        if state == "covariance":
            if text == "COVARIANCE_STOP":
                state = "data"
            elif text in ("META_START", "COVARIANCE_START"):
                fail(f"line {place}", f"{text} stands inside a covariance block; COVARIANCE_STOP is missing")
        elif keyword == "CCSDS_OEM_VERS" and state in ("start", "data"):
            state = _version(f"line {place}", value)
        elif state == "start":
            fail(f"line {place}", f"it is {_shown(text)}; an OEM begins with CCSDS_OEM_VERS = 1.0, 2.0 or 3.0")
        elif text == "META_START" and state in ("header", "data"):
            state, meta, opened = "meta", {}, place
            if numbers is not None:
                segments.append(numbers.close())
                numbers = None
        elif text == "META_STOP" and state == "meta":
            state, numbers = "data", _Numbers(RawSegment(meta, "line", opened))
        elif text == "COVARIANCE_START" and state == "data" and numbers is not None:
            state = "covariance"
        elif state in ("header", "meta") and separator:
            record, known = (meta, METADATA) if state == "meta" else ({}, HEADER)
            _store(f"line {place}", record, keyword, value, known)
        else:
            expected = {
                "header": "KEYWORD = value or META_START",
                "meta": "KEYWORD = value or META_STOP",
                "data": "EPOCH and 6 numbers, META_START or COVARIANCE_START",
            }[state]
            fail(f"line {place}", f"it is {_shown(text)}, allowed here: {expected}")
    if state == "meta":
        fail(f"line {opened}", "META_START has no META_STOP; the file is cut")
    if state == "covariance":
        fail("end of file", "COVARIANCE_START has no COVARIANCE_STOP; the file is cut")
    if numbers is not None:
        segments.append(numbers.close())
    return segments


def _version(place: str, value: str) -> str:
    if value.strip() not in VERSIONS:
        fail(place, f"OEM version is {_shown(value)}, allowed: {', '.join(VERSIONS)}")
    return "header"


def _store(place: str, record: dict[str, str], keyword: str, value: str, known: set[str]) -> None:
    if keyword not in known:
        fail(place, f"keyword {_shown(keyword)} is not known here; allowed: {', '.join(sorted(known))}")
    if keyword in record:
        fail(place, f"{keyword} is given twice in one segment")
    record[keyword] = value


def read_xml(data: bytes) -> list[RawSegment]:
    """Segments of an `oem` element or of all in an `ndm`, with or without namespaces; DTDs and entities are refused."""
    target = _Target()
    parser = DefusedXMLParser(target=target, forbid_dtd=True)
    try:
        for k in range(0, len(data), 1 << 20):
            parser.feed(data[k : k + (1 << 20)])
        parser.close()
    except DefusedXmlException as error:
        raise InputError(f"XML with a DTD or entities is refused ({error!r}); give plain OEM XML") from None
    except InputError:
        raise
    except (ParseError, ValueError, LookupError) as error:
        raise InputError(f"it is not valid XML: {error}; give one OEM or an ndm of OEMs") from None
    if not target.messages:
        raise InputError(f"XML root <{target.root[:40]}> holds no <oem>; give one OEM or an ndm of OEMs")
    return target.segments


class _Target:
    """What the parser calls: only the elements at the schema's places count, nothing else is kept."""

    def __init__(self) -> None:
        self.segments: list[RawSegment] = []
        self.messages = 0
        self.root = ""
        self._path: list[str] = []
        self._base = 0
        self._text: list[str] | None = None
        self._meta: dict[str, str] | None = None
        self._vector: dict[str, str] | None = None
        self._numbers: _Numbers | None = None
        self._states = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        name, path = tag.rpartition("}")[2], self._path
        level = len(path) - self._base
        path.append(name)
        if self._vector is not None:  # nearly every element of a file
            if level == 5:
                self._text = []
                unit = attributes.get("units")
                if unit is not None and name in _UNITS and unit.strip().upper() != _UNITS[name]:
                    fail(self._where(), f"unit of {name} is {_shown(unit)}, allowed is {_UNITS[name].lower()}")
        elif level == 4 and self._inside("data", "stateVector"):
            self._vector = {}
        elif level == 4 and self._inside("metadata", name):
            self._text = []
        elif level == 3 and self._inside("metadata"):
            if self._meta is not None:
                fail(self._where(), "it has more than one <metadata>")
            self._meta = {}
        elif level == 2 and self._inside():
            self._meta, self._numbers, self._states = None, None, 0
        elif len(path) == 1:
            self.root, self._base = name, 1 if name == "ndm" else 0
        if name == "oem" and len(path) - 1 == self._base:
            self.messages += 1
            _version(f"message {self.messages}", attributes.get("version", ""))

    def _inside(self, *names: str) -> bool:
        """Whether the path is that of a segment and then these names."""
        return self._path[self._base :] == ["oem", "body", "segment", *names]

    def _where(self) -> str:
        return f"segment {len(self.segments) + 1}, state {self._states + 1}"

    def data(self, text: str) -> None:
        """Text of an element."""
        if self._text is not None:
            self._text.append(text)

    def end(self, tag: str) -> None:
        """An element ends."""
        name = self._path.pop()
        level = len(self._path) - self._base
        if self._text is not None and level == (5 if self._vector is not None else 4):
            text, self._text = "".join(self._text).strip(), None
            if name == "COMMENT":
                return
            if self._vector is not None:
                if name in self._vector or name not in _VECTOR:
                    _store(self._where(), self._vector, name, text, _VECTOR)
                self._vector[name] = text
            elif self._meta is not None:
                _store(f"segment {len(self.segments) + 1}", self._meta, name, text, METADATA)
        elif self._vector is not None and level == 4:
            self._end_vector()
        elif level == 2 and name == "segment" and self._path[self._base :] == ["oem", "body"]:
            if self._numbers is None:
                fail(f"segment {len(self.segments) + 1}", "it holds no <metadata> followed by a <stateVector>")
            self.segments.append(self._numbers.close())
            self._meta = self._numbers = None

    def _end_vector(self) -> None:
        vector, self._vector = self._vector or {}, None
        missing = [name for name in ("EPOCH", *STATE) if name not in vector]
        if missing:
            fail(self._where(), f"it has no {', '.join(missing)}")
        if self._numbers is None:
            if self._meta is None:
                fail(self._where(), "it stands before any <metadata>")
            self._numbers = _Numbers(RawSegment(self._meta, "record", len(self.segments) + 1))
        self._states += 1
        self._numbers.add([vector[name].encode("utf-8", "replace") for name in ("EPOCH", *STATE)], self._states)

    def close(self) -> None:
        """The document ends."""
