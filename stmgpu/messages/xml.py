"""Syntax of XML messages, with or without namespaces; DTDs and entities are rejected.

Only elements at the places of the schema count. Work is linear in the size of a file, and a file of states is read
without a tree of its elements.
"""

from __future__ import annotations

import io
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser, iterparse

from stmgpu.errors import InputError
from stmgpu.messages.covariances import ELEMENTS
from stmgpu.messages.fields import STATE, FlatMessage, FlatRecord, Record, SegmentedMessage, fail
from stmgpu.messages.states import Place, StateRows, StateSegment, StateTables

if TYPE_CHECKING:
    from collections.abc import Iterator

_BYTES_AT_ONCE = 1 << 20
_DEEPEST = 64
_MOST_ELEMENTS = 10_000
_MOST_OUTSIDE = 1_000_000
_LONG_TAG = re.compile(rb"<[^<>]{65536}")
_STATE_FIELDS = ("EPOCH", *STATE)
_MATRIX_FIELDS = ("EPOCH", *ELEMENTS)


def read_records(data: bytes, kind: FlatMessage, *, lenient: bool = False) -> Iterator[FlatRecord]:
    """Read one flat message, or all of an `ndm`.

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
        Each message, with its number as position.

    Raises
    ------
    InputError
        If it is not XML, has a DTD or entities, or holds no such message.

    Examples
    --------
    >>> from stmgpu.messages.fields import OMM
    >>> next(read_records(b"<omm/>", OMM)).problem
    'message holds 0 <meanElements> sections, allowed is one'
    """
    _check_tags(data)
    with _rejecting_bad_xml(kind.name):
        for number, message in enumerate(_messages(data, kind.name), start=1):
            yield _read_record(number, message, kind, lenient=lenient)


def read_messages(data: bytes, name: str) -> Iterator[Element]:
    """Elements of all messages of a kind, one by one.

    Parameters
    ----------
    data : bytes
        Content of a file.
    name : str
        Short name of the kind, such as 'CDM'.

    Yields
    ------
    Element
        Each message; its content is gone when the next one is asked for.

    Raises
    ------
    InputError
        If it is not XML, has a DTD or entities, or holds no such message.

    Examples
    --------
    >>> [message.get("version") for message in read_messages(b"<cdm version='1.0'/>", "CDM")]
    ['1.0']
    """
    _check_tags(data)
    with _rejecting_bad_xml(name):
        yield from _messages(data, name)


def _check_tags(data: bytes) -> None:
    """Refuse a tag that is so long that the parser would take long for its attributes."""
    if _LONG_TAG.search(data):
        fail("XML", "a tag has more than 65536 characters")


def _messages(data: bytes, name: str) -> Iterator[Element]:
    """Messages where the schema puts them: at the root, or in an `ndm` at the root. Nothing else is kept in memory."""
    path: list[Element] = []
    begun, size, count, root = 0, 0, 0, ""
    for event, element in iterparse(io.BytesIO(data), events=("start", "end"), forbid_dtd=True):
        if event == "start":
            path.append(element)
            size += 1
            root = root or local_name(element)
            if size > (_MOST_ELEMENTS if begun else _MOST_OUTSIDE):
                place = f"a message has more than {_MOST_ELEMENTS}" if begun else f"more than {_MOST_OUTSIDE}"
                fail("XML", f"{place} elements" + ("" if begun else f" are outside of <{name.lower()}>"))
            if not begun and len(path) <= 2 and local_name(element) == name.lower():
                begun, size, count = len(path), 0, count + 1
            elif len(path) > _DEEPEST:
                fail("XML", f"elements are nested more than {_DEEPEST} deep")
        else:
            if len(path) == begun:
                yield element
                begun = size = 0
            path.pop()
            if not begun and path:
                path[-1].clear()
    if not count:
        _fail_without_message(root, name)


def _read_record(position: int, message: Element, kind: FlatMessage, *, lenient: bool) -> FlatRecord:
    sections = [element for element in message.iter() if local_name(element) in kind.sections]
    names = [local_name(section) for section in sections]
    for name in sorted(name for name, required in kind.sections.items() if required):
        if names.count(name) != 1:
            return FlatRecord(position, {}, f"message holds {names.count(name)} <{name}> sections, allowed is one")
    record, ignored = Record(), set[str]()
    for keyword, element in _fields(message, sections):
        if lenient and not kind.block.knows(keyword):
            ignored.add(keyword)
            continue
        problem = kind.block.add(record, keyword, (element.text or "").strip(), unit=element.get("units"))
        if problem:
            return FlatRecord(position, record, problem)
    return FlatRecord(position, record, ignored=ignored)


def _fields(message: Element, sections: list[Element]) -> Iterator[tuple[str, Element]]:
    """Keyword and element of each field: those of the sections, then the user's."""
    for section in sections:
        for element in section:
            if local_name(element) != "COMMENT":
                yield local_name(element), element
    for element in message.iter():
        if local_name(element) == "USER_DEFINED":
            yield "USER_DEFINED_" + element.get("parameter", ""), element


def local_name(element: Element) -> str:
    """Tag without its namespace; comments and processing instructions have none."""
    tag: object = element.tag  # a function in comments and processing instructions
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _fail_without_message(root: str, kind: str) -> NoReturn:
    raise InputError(f"XML root <{root[:40]}> holds no <{kind.lower()}>; give one {kind} or an ndm of several")


@contextmanager
def _rejecting_bad_xml(kind: str) -> Iterator[None]:
    """Raise InputError for what the parser rejects."""
    try:
        yield
    except DefusedXmlException as error:
        raise InputError(f"XML with a DTD or entities is refused ({error!r}); give plain {kind} XML") from None
    except InputError:
        raise
    except (ParseError, ValueError, LookupError) as error:
        raise InputError(f"it is not valid XML: {error}; give one {kind} or an ndm of several") from None


def read_segments(data: bytes, kind: SegmentedMessage) -> list[StateSegment]:
    """Read the segments of one message, or of all in an `ndm`.

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
        If it is not XML, has a DTD or entities, holds no such message, or for the first element that is wrong; it names
        segment and state.
    """
    _check_tags(data)
    target = _SegmentTarget(kind)
    parser = DefusedXMLParser(target=target, forbid_dtd=True)
    with target.tables.first_problem(), _rejecting_bad_xml(kind.name):
        for k in range(0, len(data), _BYTES_AT_ONCE):
            parser.feed(data[k : k + _BYTES_AT_ONCE])
        parser.close()
    if not target.messages:
        _fail_without_message(target.root, kind.name)
    return target.tables.close()


class _SegmentTarget:
    """Target of the parser's events; keeps only the fields that are open and finished segments."""

    def __init__(self, kind: SegmentedMessage) -> None:
        self.kind = kind
        self.tables = StateTables()
        self.messages = 0
        self.root = ""
        self._tag = kind.name.lower()
        self._path: list[str] = []
        self._base = 0
        self._text: list[str] | None = None
        self._unit: str | None = None
        self._meta: Record | None = None
        self._vector: Record | None = None
        self._rows: StateRows | None = None
        self._states = self._matrices = 0
        self._block = kind.state

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Begin an element."""
        name, path = tag.rpartition("}")[2], self._path
        level = len(path) - self._base
        path.append(name)
        if self._vector is not None:  # nearly every element of a file
            if level == 5:
                self._text, self._unit = [], attributes.get("units")
        elif level == 4 and self._is_at("data", "stateVector"):
            self._vector, self._block = {}, self.kind.state
        elif level == 4 and self._is_at("data", "covarianceMatrix"):
            self._vector, self._block = {}, self.kind.covariance
        elif level == 4 and self._is_at("metadata", name):
            self._text, self._unit = [], None
        elif level == 3 and self._is_at("metadata"):
            if self._meta is not None:
                fail(self._where(), "it has more than one <metadata>")
            self._meta = {}
        elif level == 2 and self._is_at():
            self._meta, self._rows, self._states, self._matrices = None, None, 0, 0
        elif len(path) == 1:
            self.root, self._base = name, 1 if name == "ndm" else 0
        if name == self._tag and len(path) - 1 == self._base:
            self.messages += 1
            self.kind.check_version(f"message {self.messages}", attributes.get("version", ""))

    def _is_at(self, *names: str) -> bool:
        """Whether the path is that of a segment and then these names."""
        return self._path[self._base :] == [self._tag, "body", "segment", *names]

    def _where(self) -> str:
        return f"segment {len(self.tables) + 1}, state {self._states + 1}"

    def _place(self) -> str:
        if self._block is self.kind.state:
            return self._where()
        return f"segment {len(self.tables) + 1}, covariance {self._matrices + 1}"

    def data(self, text: str) -> None:
        """Take text of an element."""
        if self._text is not None:
            self._text.append(text)

    def end(self, tag: str) -> None:
        """End an element."""
        name = self._path.pop()
        level = len(self._path) - self._base
        if self._text is not None and level == (5 if self._vector is not None else 4):
            self._end_field(name)
        elif self._vector is not None and level == 4:
            self._end_vector()
        elif level == 2 and name == "segment" and self._path[self._base :] == [self._tag, "body"]:
            if self._rows is None:
                fail(f"segment {len(self.tables) + 1}", "it holds no <metadata> followed by a <stateVector>")
            self.tables.append(self._rows)
            self._meta = self._rows = None

    def _end_field(self, name: str) -> None:
        text, self._text = "".join(self._text or ()).strip(), None
        if name == "COMMENT":
            return
        if self._vector is not None:
            problem = self._block.add(self._vector, name, text, unit=self._unit)
            if problem:
                fail(self._place(), problem)
        elif self._meta is not None:
            problem = self.kind.metadata.add(self._meta, name, text)
            if problem:
                fail(f"segment {len(self.tables) + 1}", problem)

    def _end_vector(self) -> None:
        vector, self._vector = self._vector or {}, None
        is_state = self._block is self.kind.state
        missing = [name for name in (_STATE_FIELDS if is_state else _MATRIX_FIELDS) if name not in vector]
        if missing:
            fail(self._place(), f"it has no {', '.join(missing)}")
        if self._rows is None:
            if self._meta is None:
                fail(self._place(), "it comes before any <metadata>")
            self._rows = StateRows(self._meta, Place("segment", len(self.tables) + 1))
        if not is_state:
            self._rows.covariances.add(
                self._place(),
                epoch=vector["EPOCH"],
                frame=vector.get("COV_REF_FRAME", ""),
                values=[vector[name].encode("utf-8", "replace") for name in ELEMENTS],
            )
            self._matrices += 1
            return
        self._states += 1
        self._rows.add([vector[name].encode("utf-8", "replace") for name in _STATE_FIELDS], self._states)

    def close(self) -> None:
        """End the document."""
