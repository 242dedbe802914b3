"""Syntax of JSON: objects in a list, one after another, alone, or in a list that another object wraps.

Objects are read one by one and are of bounded size, so that a hostile file is never in memory as Python objects.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from stmgpu.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_ENTRY = 1 << 20
"""Longest entry [characters]; an element set has about 500."""

_MOST_FIELDS = 1_000
_DEEPEST = 16
_NOTHING = object()
_BLANK = re.compile(r"[ \t\r\n]*+")
_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_LIST_OF_OBJECTS = re.compile(r"\[[ \t\r\n]*+\{")
_SCALAR = re.compile(r'[^\s,\[\]{}":]++')
_FLAT_OBJECT = re.compile(r'\{[^{}\[\]"]*+(?:"(?:[^"\\]++|\\.)*+"[^{}\[\]"]*+)*+\}', re.DOTALL)
_BRACKET_OR_STRING = re.compile(r'[\[\]{}]|"(?:[^"\\]++|\\.)*+"', re.DOTALL)


class Entry(NamedTuple):
    """One entry of a JSON text.

    Parameters
    ----------
    position : int
        Its number, from 1.
    value : object
        The decoded value; numbers are the texts that are written.
    """

    position: int
    value: object


def read_entries(text: str, *, unique: bool = False) -> Iterator[Entry]:
    """Entries of a JSON text, one after another.

    They are the entries of a list, of the first list of objects in a wrapping object, or the objects that follow each
    other (JSON lines).

    Parameters
    ----------
    text : str
        Content of a file.
    unique : bool
        Whether a key that is given twice in an object, and NaN or Infinity without quotes, are errors.

    Yields
    ------
    Entry
        A value and its number.

    Raises
    ------
    InputError
        Where the text is not JSON, or an entry is longer than `MAX_ENTRY`.

    Examples
    --------
    >>> [entry.value for entry in read_entries('{"count": 2, "data": [{"a": 1}, {"a": 2.50}]}')]
    [{'a': '1'}, {'a': '2.50'}]
    """
    options = _UNIQUE if unique else _PLAIN
    at = next_at = _skip(text, 0)
    position = 0
    if text[at : at + 1] not in ("[", "{"):
        _fail(text, at, "'[' or '{'")
    while at < len(text):
        for value, end in (_list if text[at] == "[" else _object)(text, at, options):
            next_at = end
            if value is not _NOTHING:
                position += 1
                yield Entry(position, value)
        at = _skip(text, next_at)
        if at < len(text) and text[at] not in "{[":
            _fail(text, at, "an object or the end of the file")


def _list(text: str, at: int, options: dict[str, Any]) -> Iterator[tuple[object, int]]:
    """Values of a list that begins at a place, each with the place after it; at last nothing, and the list's end."""
    at = _skip(text, at + 1)
    if text[at : at + 1] != "]":
        while True:
            value, at = _value(text, at, options)
            yield value, at
            at = _skip(text, at)
            if text[at : at + 1] == "]":
                break
            if text[at : at + 1] != ",":
                _fail(text, at, "',' or ']'")
            at = _skip(text, at + 1)
    yield _NOTHING, at + 1


def _object(text: str, at: int, options: dict[str, Any]) -> Iterator[tuple[object, int]]:
    """The object that begins at a place, or the entries of the first list of objects in it."""
    flat = _FLAT_OBJECT.match(text, at, at + MAX_ENTRY)
    if flat:
        yield _decoded(text, at, flat.end(), options), flat.end()
        return
    fields: dict[str, object] = {}
    has_list, after = False, at
    at = _skip(text, at + 1)
    while text[at : at + 1] != "}":
        key, at = _value(text, at, options)
        at = _skip(text, at)
        if not isinstance(key, str) or text[at : at + 1] != ":":
            _fail(text, at, "a text as key and ':'")
        at = _skip(text, at + 1)
        if not has_list and _LIST_OF_OBJECTS.match(text, at):
            has_list = True
            for value, end in _list(text, at, options):
                yield value, end
                after = end
            at = after
        else:
            if options is _UNIQUE and key in fields:
                _fail(text, at, f"another key than {key[:60]!r}, which is given twice")
            fields[key], at = _value(text, at, options)
            if len(fields) > _MOST_FIELDS:
                _fail(text, at, f"an object of at most {_MOST_FIELDS} fields")
        at = _skip(text, at)
        if text[at : at + 1] == ",":
            at = _skip(text, at + 1)
        elif text[at : at + 1] != "}":
            _fail(text, at, "',' or '}'")
    yield (_NOTHING if has_list else fields), at + 1


def _value(text: str, at: int, options: dict[str, Any]) -> tuple[object, int]:
    """The value that begins at a place, and the place after it."""
    end = _end_of_value(text, at)
    return _decoded(text, at, end, options), end


def _end_of_value(text: str, at: int) -> int:
    most = at + MAX_ENTRY
    first = text[at : at + 1]
    for character, pattern in (("{", _FLAT_OBJECT), ('"', _STRING)):
        match = pattern.match(text, at, most) if first == character else None
        if match:
            return match.end()
    if first not in ("{", "["):
        match = _SCALAR.match(text, at, most)
        if match is None or first == '"':
            _fail(text, at, "a value")
        return match.end()
    depth = 0
    for match in _BRACKET_OR_STRING.finditer(text, at, most):
        token = match[0]
        depth += (token in "[{") - (token in "]}")
        if depth == 0:
            return match.end()
    if most < len(text):
        _fail(text, at, f"a value of at most {MAX_ENTRY} characters")
    _fail(text, len(text), "the end of a list or object; the file is cut")


def _decoded(text: str, begin: int, end: int, options: dict[str, Any]) -> Any:
    try:
        return json.loads(text[begin:end], parse_float=str, parse_int=str, **options)
    except RecursionError:
        _fail(text, begin, "a value that is not nested so deeply")
    except json.JSONDecodeError as error:
        _fail(text, begin + error.pos, error.msg)
    except _NotUniqueError as error:
        _fail(text, begin, str(error))


class _NotUniqueError(Exception):
    pass


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in found if names.count(name) > 1)
        raise _NotUniqueError(f"an object whose keys are unique, without a second {twice[:60]!r}")
    return found


def _no_constant(name: str) -> NoReturn:
    raise _NotUniqueError(f"a number or null instead of {name}")


_PLAIN = {"parse_constant": str}
_UNIQUE = {"parse_constant": _no_constant, "object_pairs_hook": _without_repetition}


def _skip(text: str, at: int) -> int:
    match = _BLANK.match(text, at)
    return match.end() if match else at


def flatten(value: dict[str, Any]) -> dict[str, Any]:
    """Fields of an object and of the objects in it, by their own names.

    Parameters
    ----------
    value : dict
        A decoded object.

    Raises
    ------
    InputError
        If a name stands for two values, or objects are nested more than 16 deep.

    Examples
    --------
    >>> flatten({"info": {"satid": "7"}, "tle": "1 00007"})
    {'tle': '1 00007', 'satid': '7'}
    """
    if not any(isinstance(inner, dict) for inner in value.values()):
        return value
    fields: dict[str, Any] = {}
    waiting = [(0, value)]
    while waiting:
        depth, part = waiting.pop(0)
        if depth > _DEEPEST:
            raise InputError(f"its objects are nested more than {_DEEPEST} deep")
        for name, inner in part.items():
            if isinstance(inner, dict):
                waiting.append((depth + 1, inner))
            elif fields.setdefault(name, inner) != inner:
                raise InputError(f"{name[:60]!r} stands for two values in it")
    return fields


def _fail(text: str, at: int, expected: str) -> NoReturn:
    line, column = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
    raise InputError(
        f"it is not valid JSON: line {line}, character {column} is {text[at : at + 20]!r}, "
        f"expected is {expected}; give objects in a list or one after another"
    )
