"""Read CDMs from KVN, XML, and JSON as Space-Track and TraCSS write it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stmgpu.compression import Limits
from stmgpu.errors import InputError
from stmgpu.files import read_content
from stmgpu.messages.cdm.building import Builder
from stmgpu.messages.cdm.fields import MESSAGE, OF_OBJECT, VERSION_KEYWORD, is_user_defined
from stmgpu.messages.fields import fail, shown
from stmgpu.messages.json_records import flatten, read_entries
from stmgpu.messages.kinds import kind_of
from stmgpu.messages.kvn import Line, decode, read_lines, split_unit
from stmgpu.messages.xml import local_name, read_messages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from xml.etree.ElementTree import Element

    from stmgpu.files import Source
    from stmgpu.messages.cdm.message import ConjunctionMessage

MAX_BYTES = 64 << 20
"""Largest size of a file, before and after unpacking [bytes]."""

_MOST_REJECTED = 1_000

_OF_SITES = ("CONSTELLATION", "CDM_ID", "FILENAME", "INSERT_EPOCH", "GID", "ID")
"""Keys of Space-Track beside those of CDM; they become comments."""

_PREFIXES = {"SAT1": 1, "SAT2": 2, "OBJECT1": 1, "OBJECT2": 2}
_PUBLIC = {"MIN_RNG", "SAT_1_ID"}


def read_cdm(source: Source, *, on_rejected: Callable[[str], None] | None = None) -> list[ConjunctionMessage]:
    """Read conjunction data messages (CDM 1.0) in KVN, XML or JSON, plain or packed (gzip, bzip2, xz, zip).

    Parameters
    ----------
    source : path, bytes or file-like
        A file's path, its content, or an object with `read()`; at most 64 MiB.
    on_rejected : callable, optional
        Called with the error of each message that is wrong, which is then left out; the rest of a file is after 1,000
        of them. Without it, the first one is raised.

    Returns
    -------
    list of ConjunctionMessage
        All messages of the file, in its order.

    Raises
    ------
    InputError
        If the file cannot be read, is too large or holds no CDM, and for a wrong message: a needed field that is
        missing, given twice, or has a wrong unit, number, date or text; it names file and line. A wrong field that is
        not needed is kept as text, with a warning in the message.

    Examples
    --------
    >>> read_cdm(b"CCSDS_CDM_VERS = 1.0")
    Traceback (most recent call last):
        ...
    stmgpu.errors.InputError: CDM '<bytes>': line 1: the message has no CREATION_DATE, ORIGINATOR, MESSAGE_ID, TCA, \
MISS_DISTANCE, which a CDM needs; check that the file is complete
    """
    content = read_content(source, kind="CDM", limits=Limits(MAX_BYTES))
    data, label = content.data, f"CDM {content.name!r}"
    found: list[ConjunctionMessage] = []
    rejected = 0
    try:
        for build in _builders(data):
            try:
                found.append(build(content.name).close())
            except _PlacedError as error:
                if on_rejected is None:
                    raise
                on_rejected(f"{label}: {error}")
                rejected += 1
                if rejected > _MOST_REJECTED:
                    fail("the rest", f"more than {_MOST_REJECTED} messages are wrong; check that it is a CDM")
    except InputError as error:
        if on_rejected is None or not (found or rejected):
            raise InputError(f"{label}: {error}") from None
        on_rejected(f"{label}: {error}")
    if not found and not rejected:
        raise InputError(f"{label}: it holds no CDM")
    return found


class _PlacedError(InputError):
    """An error in one message, which leaves the others as they are."""


class _Pending:
    """A message whose fields are read: its builder, or the error in it."""

    def __init__(self, place: str) -> None:
        self.place = place
        self.builder = Builder(place)
        self.error = ""

    def take(self, add: Callable[[Builder], None]) -> None:
        """Add to the builder, up to the first error."""
        if not self.error:
            try:
                add(self.builder)
            except InputError as error:
                self.error = str(error)

    def __call__(self, name: str) -> _Pending:
        self.builder.source = f"{name}: {self.place}"
        return self

    def close(self) -> ConjunctionMessage:
        """The message; :class:`_PlacedError` for the first error."""
        if not self.error:
            try:
                return self.builder.close()
            except InputError as error:
                text = str(error)
                self.error = text if text.startswith(("line ", "message ")) else f"{self.place}: {text}"
        raise _PlacedError(self.error)


def _builders(data: bytes) -> Iterator[_Pending]:
    if not data.strip():
        raise InputError("it is empty; give a CDM in KVN, XML or JSON")
    if b"\0" in data:
        raise InputError("it holds zero bytes and is not text; give a CDM in KVN, XML or JSON")
    kind = kind_of(data)
    if kind is not None and kind.key != "CDM":
        raise InputError(f"it is {kind.name}, which holds {kind.content}; give a CDM in KVN, XML or JSON")
    begin = data.lstrip()[:1]
    if begin == b"<":
        yield from _xml(data)
    elif begin in (b"{", b"["):
        yield from _json(data)
    else:
        yield from _kvn(data)


def _kvn(data: bytes) -> Iterator[_Pending]:
    pending: _Pending | None = None
    for line in read_lines(data):
        if pending is None or line[1] == VERSION_KEYWORD:
            if pending is not None:
                yield pending
            pending = _Pending(f"line {line[0]}")
        if not pending.error:
            try:
                _add_line(pending.builder, line)
            except InputError as error:
                pending.error = str(error)
    if pending is not None:
        yield pending


def _add_line(builder: Builder, line: Line) -> None:
    position, keyword, value, text = line
    if keyword == "COMMENT":
        builder.comment(value or "")
    elif value is None:
        fail(f"line {position}", f"it is {shown(text)}, allowed is KEYWORD = value or COMMENT")
    else:
        builder.add(f"line {position}", keyword, *split_unit(value))


def _xml(data: bytes) -> Iterator[_Pending]:
    for number, message in enumerate(read_messages(data, "CDM"), start=1):
        pending = _Pending(f"message {number}")
        pending.take(lambda builder, m=message, n=number: _add_element(builder, m, f"message {n}"))  # type: ignore[misc]
        yield pending


def _add_element(builder: Builder, message: Element, place: str) -> None:
    builder.add(place, VERSION_KEYWORD, message.get("version", ""))
    segments = 0
    held: list[str] | None = None  # comments of a segment before its OBJECT
    waiting = [message]
    while waiting:
        element = waiting.pop()
        name = local_name(element)
        if name == "segment":
            segments, held = segments + 1, []
            place = f"{place.partition(',')[0]}, segment {segments}"
        if not name:
            continue
        if len(element) or not _is_field(name):
            waiting.extend(reversed(element))
        elif name == "COMMENT":
            text = element.text or ""
            builder.comment(text) if held is None else held.append(text)
        elif name == "USER_DEFINED":
            builder.add(place, f"USER_DEFINED_{element.get('parameter', '')}", element.text or "")
        else:
            builder.add(place, name, element.text or "", element.get("units"))
            if name == "OBJECT":
                for text in held or ():
                    builder.comment(text)
                held = None


def _is_field(name: str) -> bool:
    """Whether an element is a field, by the capitals of CCSDS; others hold fields."""
    return name.upper() == name


def _json(data: bytes) -> Iterator[_Pending]:
    for entry in read_entries(decode(data), unique=True):
        pending = _Pending(f"message {entry.position}")
        pending.take(lambda builder, e=entry: _add_entry(builder, e.value, f"message {e.position}"))  # type: ignore[misc]
        yield pending


def _add_entry(builder: Builder, value: object, place: str) -> None:
    if not isinstance(value, dict):
        fail(place, f"it is {shown(str(value))}, allowed is an object of CDM fields")
    given = flatten(value)
    fields: dict[str, Any] = {}
    for key, inner in given.items():
        name = key.upper()
        if name in fields:
            fail(place, f"{name[:60]} is given twice; remove one")
        fields[name] = inner
    if fields.keys() >= _PUBLIC:
        fail(place, "it is a row of Space-Track's cdm_public, without states and covariances; ask for the class cdm")
    sections: list[dict[str, str]] = [{}, {}, {}]
    for key, inner in fields.items():
        if inner is None:
            continue
        if not isinstance(inner, str):
            fail(place, f"{key[:60]} is {shown(str(inner))}, allowed is a text or a number")
        prefix, separator, name = key.partition("_")
        number = _PREFIXES.get(prefix, 0) if separator else 0
        sections[number][name if number else key] = inner
    builder.add(place, VERSION_KEYWORD, sections[0].pop(VERSION_KEYWORD, "1.0"))
    for number, section in enumerate(sections):
        if number:
            builder.add(place, "OBJECT", section.pop("OBJECT", f"OBJECT{number}"))
        _add_section(builder, section, f"{place}, OBJECT{number}" if number else place)


def _add_section(builder: Builder, section: dict[str, str], place: str) -> None:
    for key, value in section.items():
        field = MESSAGE.get(key) or OF_OBJECT.get(key)
        if field is not None:
            if value and field.kind == "time":
                value = _with_fraction(place, key, value, section.get(f"{key}_FRACTION", ""))
            builder.add(place, key, value, section.get(f"{key}_UNIT"))
        elif key.startswith("COMMENT"):
            name = key.removeprefix("COMMENT").lstrip("_")
            builder.comment(f"{name} = {value}" if name else value)
        elif key in _OF_SITES:
            builder.comment(f"{key} = {value}")
        elif not (key.endswith(("_UNIT", "_FRACTION")) and _is_known(key.rpartition("_")[0])):
            builder.add(place, key, value, section.get(f"{key}_UNIT"))


def _is_known(key: str) -> bool:
    return key in MESSAGE or key in OF_OBJECT or is_user_defined(key)


def _with_fraction(place: str, key: str, value: str, fraction: str) -> str:
    """A time as CCSDS writes it; Space-Track gives whole milliseconds in a field of their own."""
    text = value.strip().replace(" ", "T", 1)
    if not fraction.strip():
        return text
    if not (fraction.isascii() and fraction.isdecimal() and int(fraction[:4]) <= 999 and len(fraction) <= 4):
        fail(place, f"{key}_FRACTION is {shown(fraction)}, allowed are whole milliseconds from 0 to 999")
    if "." in text:
        fail(place, f"{key} is {shown(value)} and has a fraction already; remove {key}_FRACTION")
    return f"{text}.{int(fraction):03d}"
