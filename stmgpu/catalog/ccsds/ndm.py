"""OMM as KVN and XML (CCSDS 502.0-B-3): strict, since an unknown keyword may change what the elements mean."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from stmgpu.catalog.ccsds.omm import FieldTable
from stmgpu.catalog.ccsds.omm_tables import decode, table_of
from stmgpu.errors import CatalogError

_HEADER = {"CCSDS_OMM_VERS", "COMMENT", "CLASSIFICATION", "CREATION_DATE", "ORIGINATOR", "MESSAGE_ID"}
_METADATA = {
    "OBJECT_NAME", "OBJECT_ID", "CENTER_NAME", "REF_FRAME", "REF_FRAME_EPOCH", "TIME_SYSTEM", "MEAN_ELEMENT_THEORY",
}  # fmt: skip
_UNITS = {
    "SEMI_MAJOR_AXIS": "KM", "MEAN_MOTION": "REV/DAY", "INCLINATION": "DEG", "RA_OF_ASC_NODE": "DEG",
    "ARG_OF_PERICENTER": "DEG", "MEAN_ANOMALY": "DEG", "GM": "KM**3/S**2", "MASS": "KG", "BSTAR": "1/ER",
    "MEAN_MOTION_DOT": "REV/DAY**2", "MEAN_MOTION_DDOT": "REV/DAY**3", "BTERM": "M**2/KG", "AGOM": "M**2/KG",
    "SOLAR_RAD_AREA": "M**2", "DRAG_AREA": "M**2",
}  # fmt: skip
_DATA = {
    "EPOCH", "ECCENTRICITY", "SOLAR_RAD_COEFF", "DRAG_COEFF", "EPHEMERIS_TYPE", "CLASSIFICATION_TYPE", "NORAD_CAT_ID",
    "ELEMENT_SET_NO", "REV_AT_EPOCH", "COV_REF_FRAME", *_UNITS,
}  # fmt: skip
_KEYWORDS = _HEADER | _METADATA | _DATA
_COVARIANCE = re.compile(r"C[XYZ](_DOT)?_[XYZ](_DOT)?")
_UNIT = re.compile(r"(.*?)\s*\[([^\]]*)\]")
_SECTIONS = {"metadata", "meanElements", "spacecraftParameters", "tleParameters"}

Record = dict[str, str]
Stray = list[tuple[int, str, str]]


def read_kvn(data: bytes) -> FieldTable:
    """Parse one OMM or several after one another, each from its CCSDS_OMM_VERS line (or its next OBJECT_NAME) on."""
    records: list[Record] = []
    positions: list[int] = []
    stray: Stray = []
    for position, lines in _messages(decode(data)):
        record: Record = {}
        problem = ""
        for line in lines:
            keyword, separator, value = (part.strip() for part in line.partition("="))
            if not separator:
                problem = problem or f"line {line.strip()[:60]!r} is not of the form KEYWORD = value"
                continue
            value, unit = _split_unit(keyword, value)
            problem = problem or _store(record, keyword, value, unit)
        if problem:
            stray.append((position, _who(record), problem))
        else:
            records.append(record)
            positions.append(position)
    return table_of(records, positions, "line", stray)


def _messages(text: str) -> Iterator[tuple[int, list[str]]]:
    """First line number and the lines of each message, without blanks and comments."""
    start, lines, has_name = 1, [], False  # type: int, list[str], bool
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if not stripped or stripped.split(None, 1)[0] == "COMMENT":
            continue
        keyword = stripped.partition("=")[0].strip()
        begins = keyword == "CCSDS_OMM_VERS" or (keyword == "OBJECT_NAME" and has_name)
        if begins and lines:
            yield start, lines
            lines, has_name = [], False
        if not lines:
            start = number
        has_name = has_name or keyword == "OBJECT_NAME"
        lines.append(stripped)
    if lines:
        yield start, lines


def read_xml(data: bytes) -> FieldTable:
    """Parse one `omm` element or an `ndm` of many, with or without namespaces; DTDs and entities are refused."""
    try:
        root = fromstring(data, forbid_dtd=True)
    except DefusedXmlException as error:
        raise CatalogError(f"XML with a DTD or entities is refused ({error!r}); give plain OMM XML") from None
    except (ParseError, ValueError, LookupError) as error:
        raise CatalogError(f"file is not valid XML: {error}; give one OMM or an ndm of many") from None
    records: list[Record] = []
    positions: list[int] = []
    stray: Stray = []
    # only where the schema puts them: searching the whole tree for nested ones would take quadratic time
    messages = [element for element in (root, *root) if _local(element) == "omm"]
    if not messages:
        raise CatalogError(f"XML root <{_local(root)[:40]}> holds no <omm>; give one OMM or an ndm of many")
    for position, message in enumerate(messages, start=1):
        record: Record = {}
        problem = _xml_record(message, record)
        if problem:
            stray.append((position, _who(record), problem))
        else:
            records.append(record)
            positions.append(position)
    return table_of(records, positions, "record", stray)


def _xml_record(message: Element, record: Record) -> str:
    """Fill the fields of one message; the problem found, or ''."""
    sections = [element for element in message.iter() if _local(element) in _SECTIONS]
    names = [_local(section) for section in sections]
    for name in sorted(_SECTIONS - {"spacecraftParameters"}):
        if names.count(name) != 1:
            return f"message holds {names.count(name)} <{name}> sections, allowed is one"
    problem = ""
    for section in sections:
        for element in section:
            keyword = _local(element)
            if keyword != "COMMENT":
                unit = element.get("units")
                problem = problem or _store(record, keyword, (element.text or "").strip(), unit)
    for element in message.iter():
        if _local(element) == "USER_DEFINED":
            keyword = "USER_DEFINED_" + element.get("parameter", "")
            problem = problem or _store(record, keyword, (element.text or "").strip(), None)
    return problem


def _local(element: Element) -> str:
    """Tag without its namespace; comments and processing instructions have none."""
    tag: object = element.tag  # a function in comments and processing instructions
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _split_unit(keyword: str, value: str) -> tuple[str, str | None]:
    match = _UNIT.fullmatch(value) if keyword in _UNITS else None
    return (match[1], match[2]) if match else (value, None)


def _store(record: Record, keyword: str, value: str, unit: str | None) -> str:
    """Add a field to a record; the problem with it, or ''."""
    if keyword not in _KEYWORDS and not keyword.startswith("USER_DEFINED_") and not _COVARIANCE.fullmatch(keyword):
        return f"keyword {keyword[:40]!r} is not one of OMM's; remove it or name it USER_DEFINED_..."
    if keyword in record:
        return f"keyword {keyword!r} stands in the message twice"
    if unit is not None and keyword in _UNITS and unit.strip().upper() != _UNITS[keyword]:
        return f"unit of {keyword} is {unit[:40]!r}, allowed is {_UNITS[keyword]}"
    record[keyword] = value
    return ""


def _who(record: Record) -> str:
    return record.get("NORAD_CAT_ID", "")[:20].encode("ascii", "replace").decode("ascii")
