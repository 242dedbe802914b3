"""Write CDMs in KVN and XML."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal
from xml.sax.saxutils import escape, quoteattr

import numpy as np

from stmgpu.errors import InputError
from stmgpu.files import writing
from stmgpu.messages.cdm.fields import (
    COVARIANCE,
    MESSAGE,
    MESSAGE_BLOCK,
    OBJECT,
    OBJECT_BLOCK,
    OF_OBJECT,
    VERSION_KEYWORD,
    Field,
    element,
    is_user_defined,
)
from stmgpu.messages.cdm.message import ConjunctionMessage, number_of
from stmgpu.messages.fields import STATE

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence
    from typing import BinaryIO

    from stmgpu.messages.cdm.message import ConjunctionObject
    from stmgpu.messages.fields import Block

Form = Literal["kvn", "xml"]
FORMS = ("kvn", "xml")
_SUFFIXES = {".cdm": "kvn", ".kvn": "kvn", ".txt": "kvn", ".xml": "xml"}
_WIDTH = 36


def format_cdm(messages: ConjunctionMessage | Sequence[ConjunctionMessage], form: Form = "kvn") -> bytes:
    """Write messages as KVN, one after another, or XML (several in an `ndm`).

    Parameters
    ----------
    messages : ConjunctionMessage or sequence of them
        What to write. Numbers are written with the digits that give the same values back.
    form : {'kvn', 'xml'}
        Form of the file.

    Returns
    -------
    bytes
        In UTF-8; each message in its own version of CDM.

    Raises
    ------
    InputError
        If the form is unknown, there is no message, or a text cannot be written.

    Examples
    --------
    >>> format_cdm(stm.read_cdm("event.xml"))[:20]  # doctest: +SKIP
    b'CCSDS_CDM_VERS      '
    """
    several = [messages] if isinstance(messages, ConjunctionMessage) else list(messages)
    if form not in FORMS:
        raise InputError(f"form of a CDM is {form!r}, allowed: {', '.join(FORMS)}")
    if not several:
        raise InputError("there is no message to write; give at least one")
    if form == "kvn":
        return "".join(_kvn(message) for message in several).encode()
    body = "".join(_xml(message) for message in several)
    whole = body if len(several) == 1 else f"<ndm>\n{body}</ndm>\n"
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{whole}'.encode()


def write_cdm(
    messages: ConjunctionMessage | Sequence[ConjunctionMessage],
    path: str | os.PathLike[str] | BinaryIO,
    *,
    form: Form | None = None,
) -> None:
    """Write messages to a file, which appears complete or not at all.

    Parameters
    ----------
    messages : ConjunctionMessage or sequence of them
        What to write.
    path : path or binary file
        File to write; an existing one is replaced.
    form : {'kvn', 'xml'}, optional
        Form of the file; by default that of its suffix (.cdm, .kvn, .txt or .xml).

    Raises
    ------
    InputError
        As :func:`format_cdm`, and if the suffix is unknown.

    Examples
    --------
    >>> write_cdm(stm.read_cdm("event.json"), "event.cdm")  # doctest: +SKIP
    """
    if form is None:
        suffix = "." + str(path).rpartition(".")[2].lower()
        if suffix not in _SUFFIXES:
            raise InputError(f"suffix of {str(path)!r} is no form of a CDM; use {', '.join(_SUFFIXES)}, or give form=")
        form = "xml" if _SUFFIXES[suffix] == "xml" else "kvn"
    content = format_cdm(messages, form)
    with writing(path) as file:
        file.write(content)


def _tca(message: ConjunctionMessage) -> str:
    text = str(np.datetime_as_string(message.tca.astype("datetime64[ns]"), unit="ns"))
    return text[:-9] + text[-9:-6] + text[-6:].rstrip("0")


def _of_message(message: ConjunctionMessage) -> dict[str, str]:
    given = {**message.fields, "TCA": _tca(message), "MISS_DISTANCE": repr(float(message.miss_distance_m))}
    return _in_order(given, MESSAGE, MESSAGE_BLOCK)


def _of_object(one: ConjunctionObject) -> dict[str, str]:
    given = {
        **one.fields,
        "OBJECT_DESIGNATOR": one.designator,
        "OBJECT_NAME": one.name,
        "REF_FRAME": one.frame,
        **{name: repr(float(value)) for name, value in zip(STATE, (*one.position_km, *one.velocity_km_s), strict=True)},
    }
    matrix = one.covariance
    elements = {
        element(row, column): repr(float(matrix[row, column]))
        for row in range(len(matrix))
        for column in range(row + 1)
    }
    return _in_order(given | elements, OF_OBJECT, OBJECT_BLOCK)


def _in_order(given: Mapping[str, str], table: Mapping[str, Field], block: Block) -> dict[str, str]:
    """Fields in the order of the standard, then those that it does not have."""
    missing = [name for name, field in table.items() if field.needed and not given.get(name)]
    if missing:
        raise InputError(f"a CDM needs {', '.join(missing[:6])}; add what is missing to `fields`")
    unknown = [name for name in given if not block.knows(name)]
    if unknown:
        raise InputError(f"keyword {unknown[0][:60]!a} is not known in {block.name}; {block.cure}")
    known = {name: given[name] for name in table if name in given}
    return known | {name: text for name, text in given.items() if name not in table}


def _plain(keyword: str, text: str) -> str:
    if not text.isprintable():
        raise InputError(f"{keyword} is {text[:60]!a}, allowed is printable text on one line")
    return text


def _unit(keyword: str, text: str, table: Mapping[str, Field]) -> str:
    """Unit to write behind a number; a text that is none stands as it was read."""
    unit = table[keyword].unit if keyword in table else ""
    return unit if unit and np.isfinite(number_of(text)) else ""


def _kvn(message: ConjunctionMessage) -> str:
    lines = [(VERSION_KEYWORD, message.version)]
    own = _of_message(message)
    lines += [(name, _plain(name, text) + _bracket(name, text, MESSAGE)) for name, text in own.items()]
    lines += [("COMMENT", _plain("COMMENT", text)) for text in message.comments]
    for number, one in enumerate(message.objects, start=1):
        table = OF_OBJECT
        lines.append(("OBJECT", f"OBJECT{number}"))
        lines += [("COMMENT", _plain("COMMENT", text)) for text in one.comments]
        lines += [(name, _plain(name, text) + _bracket(name, text, table)) for name, text in _of_object(one).items()]
    return "".join(
        f"COMMENT {text}".rstrip() + "\n" if name == "COMMENT" else f"{name:<{_WIDTH}}= {text}\n"
        for name, text in lines
    )


def _bracket(name: str, text: str, table: Mapping[str, Field]) -> str:
    unit = _unit(name, text, table)
    return f" [{unit}]" if unit else ""


def _xml(message: ConjunctionMessage) -> str:
    own = _of_message(message)
    user = {name: own.pop(name) for name in list(own) if is_user_defined(name)}
    parts = [f'<cdm id="{VERSION_KEYWORD}" version="{message.version}">\n', "<header>\n"]
    parts += [_comment(text) for text in message.comments]
    parts += [_element(name, text, MESSAGE) for name, text in own.items() if MESSAGE[name].section == "header"]
    parts.append("</header>\n<body>\n<relativeMetadataData>\n")
    vector = False
    for name, text in own.items():
        section = MESSAGE[name].section
        if section == "header":
            continue
        inner = section.endswith("/relativeStateVector")
        if inner != vector:
            parts.append(f"<{'' if inner else '/'}relativeStateVector>\n")
        vector = inner
        parts.append(_element(name, text, MESSAGE))
    parts.append("</relativeStateVector>\n" if vector else "")
    parts.append("</relativeMetadataData>\n")
    for number, one in enumerate(message.objects, start=1):
        parts.append(_segment(number, one))
    if user:
        parts.append("<userDefinedParameters>\n")
        parts += [
            f"<USER_DEFINED parameter={quoteattr(name.removeprefix('USER_DEFINED_'))}>{escape(_plain(name, text))}"
            "</USER_DEFINED>\n"
            for name, text in user.items()
        ]
        parts.append("</userDefinedParameters>\n")
    return "".join([*parts, "</body>\n</cdm>\n"])


def _segment(number: int, one: ConjunctionObject) -> str:
    table = OF_OBJECT
    fields = _of_object(one)
    parts = ["<segment>\n<metadata>\n", *map(_comment, one.comments), f"<OBJECT>OBJECT{number}</OBJECT>\n"]
    parts += [_element(name, text, table) for name, text in fields.items() if _section(name) == "metadata"]
    parts.append("</metadata>\n<data>\n")
    for section in ("odParameters", "additionalParameters", "stateVector", "covarianceMatrix"):
        inside = [_element(name, text, table) for name, text in fields.items() if _section(name) == f"data/{section}"]
        if inside:
            parts += [f"<{section}>\n", *inside, f"</{section}>\n"]
    return "".join([*parts, "</data>\n</segment>\n"])


def _section(name: str) -> str:
    field = OBJECT.get(name) or COVARIANCE.get(name)
    return field.section if field else "data/covarianceMatrix"


def _comment(text: str) -> str:
    return f"<COMMENT>{escape(_plain('COMMENT', text))}</COMMENT>\n"


def _element(name: str, text: str, table: Mapping[str, Field]) -> str:
    unit = _unit(name, text, table)
    units = f" units={quoteattr(unit)}" if unit else ""
    return f"<{name}{units}>{escape(_plain(name, text))}</{name}>\n"
