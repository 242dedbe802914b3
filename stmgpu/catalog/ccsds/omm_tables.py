"""Orbit Mean-Elements Messages as a table of text, from CSV, JSON, KVN or XML."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from stmgpu.catalog.assemble import Stray
from stmgpu.errors import CatalogError
from stmgpu.messages import kvn, xml
from stmgpu.messages.fields import OMM, FlatRecord, Record
from stmgpu.messages.kvn import decode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Texts = list[str | None]

REQUIRED = (
    "EPOCH", "ECCENTRICITY", "INCLINATION", "RA_OF_ASC_NODE", "ARG_OF_PERICENTER", "MEAN_ANOMALY", "NORAD_CAT_ID",
    "BSTAR",
)  # fmt: skip
"""Keywords without which no record can be used; besides, MEAN_MOTION or SEMI_MAJOR_AXIS."""

RADIUS_KEYWORD = "USER_DEFINED_HARD_BODY_RADIUS_M"
TYPE_KEYWORD = "USER_DEFINED_OBJECT_TYPE"
"""Keywords for values that OMM has no keyword for."""

USED = frozenset({
    *REQUIRED, RADIUS_KEYWORD, TYPE_KEYWORD, "OBJECT_NAME", "OBJECT_ID", "OBJECT_TYPE", "CENTER_NAME", "REF_FRAME",
    "TIME_SYSTEM", "MEAN_ELEMENT_THEORY", "MEAN_MOTION", "SEMI_MAJOR_AXIS", "MASS", "EPHEMERIS_TYPE",
    "CLASSIFICATION_TYPE", "ELEMENT_SET_NO", "REV_AT_EPOCH", "MEAN_MOTION_DOT", "MEAN_MOTION_DDOT", "BTERM", "AGOM",
})  # fmt: skip
"""Every keyword that is looked at."""


@dataclass
class FieldTable:
    """Fields of n records as text.

    Parameters
    ----------
    fields : mapping of str to list of str or None
        Texts by keyword, each list of length n; None where a record lacks the keyword.
    positions : list of int
        Line or number of each record in the file, from 1.
    noun : {'line', 'record'}
        What positions count.
    stray : list of Stray
        Rejected text that is not among the n records.
    """

    fields: Mapping[str, Texts]
    positions: list[int]
    noun: str
    stray: list[Stray] = field(default_factory=list)

    def get(self, keyword: str) -> Texts:
        """Texts of one of the `USED` keywords; None throughout where no record has it."""
        return self.fields.get(keyword) or [None] * len(self.positions)


def read_csv(data: bytes) -> FieldTable:
    """Parse CSV with a header of OMM keywords in any order; other columns are ignored."""
    reader = csv.reader(io.StringIO(decode(data), newline=""))
    rows: list[list[str]] = []
    positions: list[int] = []
    stray: list[Stray] = []
    header: list[str] | None = None
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            stray.append(Stray(line, "", f"row cannot be read as CSV: {error}"))
            continue
        if not any(row):
            continue
        if header is None:
            header = _header(row)
        elif len(row) != len(header):
            stray.append(Stray(line, "", f"row has {len(row)} fields, allowed are the header's {len(header)}"))
        else:
            rows.append(row)
            positions.append(line)
    if header is None:
        raise CatalogError("CSV holds no header line; give a file with a line of OMM keywords first")
    texts = list(zip(*rows, strict=True)) if rows else [()] * len(header)
    fields: dict[str, Texts] = {keyword: list(column) for keyword, column in zip(header, texts, strict=True)}
    return FieldTable(fields, positions, "line", stray)


def _header(row: list[str]) -> list[str]:
    header = [keyword.strip().upper() for keyword in row]
    missing = [keyword for keyword in REQUIRED if keyword not in header]
    if not {"MEAN_MOTION", "SEMI_MAJOR_AXIS"} & set(header):
        missing.append("MEAN_MOTION")
    repeated = sorted(keyword for keyword, times in Counter(header).items() if times > 1 and keyword in USED)
    if missing or repeated:
        raise CatalogError(
            f"CSV header lacks {missing} and repeats {repeated}; each of {list(REQUIRED)} and MEAN_MOTION must stand "
            "in it once"
        )
    return header


def read_json(data: bytes) -> FieldTable:
    """Read one OMM object or a list of them; numbers are kept as text, as they are written."""
    try:
        content = json.loads(decode(data), parse_float=str, parse_int=str, parse_constant=str)
    except (ValueError, RecursionError) as error:
        raise CatalogError(f"file is not valid JSON: {error}; give one OMM object or a list of them") from None
    entries = content if isinstance(content, list) else [content]
    return _table_of([_json_record(position, entry) for position, entry in enumerate(entries, start=1)], "record")


def _json_record(position: int, entry: object) -> FlatRecord:
    if not isinstance(entry, dict):
        return FlatRecord(position, {}, f"entry is {str(entry)[:40]!r}, allowed is an object of OMM keywords")
    fields: Record = {}
    problem = ""
    for keyword, value in entry.items():
        if isinstance(value, str):
            fields[keyword] = value
        elif value is not None and not problem:
            problem = f"value of {keyword[:40]!r} is not text, a number or null"
    return FlatRecord(position, fields, problem)


def read_kvn(data: bytes) -> FieldTable:
    """Read one OMM in KVN, or several after one another."""
    return _table_of(kvn.read_records(data, OMM), "line")


def read_xml(data: bytes) -> FieldTable:
    """Read one OMM in XML, or an `ndm` of several."""
    return _table_of(xml.read_records(data, OMM), "record")


def _table_of(messages: Sequence[FlatRecord], noun: str) -> FieldTable:
    """Columns of text from one record a message."""
    good = [message for message in messages if not message.problem]
    stray = [
        Stray(message.position, _shown_id(message.fields), message.problem) for message in messages if message.problem
    ]
    keywords = {keyword for message in good for keyword in message.fields if keyword in USED}
    fields: dict[str, Texts] = {keyword: [message.fields.get(keyword) for message in good] for keyword in keywords}
    return FieldTable(fields, [message.position for message in good], noun, stray)


def _shown_id(record: Record) -> str:
    return record.get("NORAD_CAT_ID", "")[:20].encode("ascii", "replace").decode("ascii")
