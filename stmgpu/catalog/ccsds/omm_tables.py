"""Element sets as a table of text, from CSV, JSON, KVN or XML."""

from __future__ import annotations

import csv
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stmgpu.catalog.assemble import Strays
from stmgpu.catalog.ccsds.field_names import MOTION, REQUIRED, TEXTS, TLE_LINES, USED, is_exact, keyword_of
from stmgpu.catalog.notes import Notes
from stmgpu.csv_cells import unprotected
from stmgpu.errors import CatalogError, InputError, counted
from stmgpu.messages import kvn, xml
from stmgpu.messages.fields import OMM, FlatRecord, Record
from stmgpu.messages.json_records import flatten, read_entries
from stmgpu.messages.kvn import decode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

Texts = list[str | None]

DELIMITERS = (",", ";", "\t")
"""Characters that may separate the cells of a CSV file."""

_MOST_MISSING = 4  # of a record whose fields are looked at one by one
_LONGEST_LINE = 1 << 20
_MOST_COLUMNS = 1_000
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?", re.ASCII)


@dataclass
class FieldTable:
    """Fields of n records as text.

    Parameters
    ----------
    fields : dict of str to list of str or None
        Texts by keyword, each list of length n; None where a record lacks the keyword.
    positions : list of int
        Line or number of each record in the file, from 1.
    strays : Strays
        Rejected text that is not among the n records.
    notes : Notes
        Notes on records that are used.
    """

    fields: dict[str, Texts]
    positions: list[int]
    strays: Strays
    notes: Notes

    def get(self, keyword: str) -> Texts:
        """Texts of one of the `USED` keywords; None throughout where no record has it."""
        return self.fields.get(keyword) or [None] * len(self.positions)

    @property
    def holds_lines(self) -> bool:
        """Whether the records hold two-line sets in fields."""
        return all(keyword in self.fields for keyword in TLE_LINES)


class _Columns:
    """Columns that grow by records; records that lack most of the required fields are rejected at once."""

    def __init__(self, noun: str) -> None:
        self._columns: dict[str, Texts] = {}
        self._positions: list[int] = []
        self._strays = Strays(noun)
        self.notes = Notes(noun)
        self._wanted: tuple[str, ...] = ()

    def reject(self, position: int, norad_id: str, reason: str) -> None:
        self._strays.add(position, norad_id, reason, good=len(self._positions))

    def add(self, position: int, fields: Mapping[str, str]) -> None:
        """Add a record by keyword, or reject it."""
        lines = fields.get("TLE", "").strip().splitlines()
        if len(lines) in (2, 3):
            fields = {**fields, **dict(zip(("TLE_LINE2", "TLE_LINE1", "TLE_LINE0"), reversed(lines), strict=False))}
        missing = _missing(fields)
        if missing and not self._wanted and all(fields.get(keyword) for keyword in TLE_LINES):
            self._wanted = TLE_LINES  # the layout of the first record is that of all
        if self._wanted == TLE_LINES:
            missing = [keyword for keyword in TLE_LINES if not fields.get(keyword)]
        if len(missing) > (_MOST_MISSING if self._wanted != TLE_LINES else 0):
            norad_id = fields.get("NORAD_CAT_ID", "")[:20]
            self.reject(position, norad_id, f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing")
            return
        self._wanted = self._wanted or REQUIRED
        count = len(self._positions)
        for keyword in fields.keys() - self._columns.keys():
            if keyword in USED:
                self._columns[keyword] = [None] * count
        for keyword, column in self._columns.items():
            column.append(fields.get(keyword))
        self._positions.append(position)

    def table(self) -> FieldTable:
        """The table of all records."""
        columns = {
            keyword: column
            for keyword, column in self._columns.items()
            if self._wanted == TLE_LINES or not keyword.startswith("TLE")
        }
        return FieldTable(columns, self._positions, self._strays, self.notes)


def _missing(fields: Mapping[str, str]) -> list[str]:
    missing = [keyword for keyword in REQUIRED if not fields.get(keyword, "").strip()]
    if not any(fields.get(keyword, "").strip() for keyword in MOTION):
        missing.append(MOTION[0])
    return missing


def read_csv(data: bytes, *, lenient: bool = False) -> FieldTable:
    """Parse CSV with a header of keywords in any order, separated by comma, semicolon or tab.

    Other columns are ignored. An apostrophe before = + - @, a tab or CR at the beginning of a text is removed:
    `write_catalog` puts it there, so that a spreadsheet does not take the text for a formula.

    Parameters
    ----------
    data : bytes
        Content of a file.
    lenient : bool
        Whether empty cells may follow the last column.
    """
    columns = _Columns("line")
    delimiter = delimiter_of(data) or ","
    reader = csv.reader(bounded_lines(data), delimiter=delimiter)
    header: dict[str, int] = {}
    width = 0
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            columns.reject(line, "", f"row cannot be read as CSV: {error}")
            continue
        if not any(row):
            continue
        if not header:
            header, width = _header(row), len(row)
            continue
        if lenient and len(row) > width and not any(row[width:]):
            row = row[:width]
            columns.notes.add("empty cells after the last column are ignored", line)
        if len(row) != width:
            columns.reject(line, "", f"row has {counted(len(row), 'field')}, allowed are the header's {width}")
            continue
        columns.add(line, {keyword: row[k] for keyword, k in header.items()})
    if not header:
        raise CatalogError("CSV holds no header line; give a file with a line of OMM keywords first")
    table = columns.table()
    for keyword, texts in table.fields.items():
        if keyword in TEXTS:
            texts[:] = [text and unprotected(text) for text in texts]
        elif delimiter == ";":
            texts[:] = [text.replace(",", ".") if text and _DECIMAL_COMMA.fullmatch(text) else text for text in texts]
    return table


def bounded_lines(data: bytes) -> Iterator[str]:
    """Lines of a text; `CatalogError` for one of more than 1,048,576 characters."""
    for number, line in enumerate(kvn.lines(data), start=1):
        if len(line) > _LONGEST_LINE:
            raise CatalogError(f"line {number} has more than {_LONGEST_LINE} characters; give a file with shorter ones")
        yield line


def delimiter_of(data: bytes) -> str:
    """Delimiter by which the first line splits into most keywords; '' if it holds fewer than two."""
    first = next((line for line in bounded_lines(data) if line.strip()), "")
    counts = {d: len({keyword_of(cell.strip(' "\r\n')) for cell in first.split(d)} & USED) for d in DELIMITERS}
    best = max(counts, key=lambda d: counts[d])
    return best if counts[best] > 1 else ""


def _header(row: list[str]) -> dict[str, int]:
    """Column of each keyword."""
    if len(row) > _MOST_COLUMNS:
        raise CatalogError(f"CSV header has {len(row)} columns, allowed are {_MOST_COLUMNS}")
    names = [name.strip() for name in row]
    found = {keyword_of(name): k for k, name in reversed(list(enumerate(names))) if keyword_of(name) in USED}
    exact = Counter(keyword_of(name) for name in names if is_exact(name))
    found |= {keyword_of(name): k for k, name in enumerate(names) if is_exact(name) and keyword_of(name) in USED}
    missing = _missing(dict.fromkeys(found, "column"))
    if all(keyword in found for keyword in TLE_LINES):
        missing = []
    repeated = sorted(keyword for keyword, times in exact.items() if times > 1 and keyword in USED)
    if missing or repeated:
        raise CatalogError(
            f"CSV header lacks {missing} and repeats {repeated}; each of {list(REQUIRED)} and MEAN_MOTION must stand "
            "in it once"
        )
    return found


def read_json(data: bytes) -> FieldTable:
    """Read objects with the keywords of OMM, or names that stand for them: one, a list, lines, or a wrapped list."""
    columns = _Columns("record")
    for position, value in read_entries(decode(data)):
        if not isinstance(value, dict):
            columns.reject(position, "", f"entry is {str(value)[:40]!r}, allowed is an object of OMM keywords")
            continue
        try:
            fields, problem = _json_fields(flatten(value))
        except InputError as error:
            fields, problem = {}, str(error)
        if problem:
            columns.reject(position, fields.get("NORAD_CAT_ID", "")[:20], problem)
        else:
            columns.add(position, fields)
    return columns.table()


def _json_fields(entry: Mapping[str, object]) -> tuple[Record, str]:
    fields: Record = {}
    problem = ""
    for name, value in entry.items():
        keyword = keyword_of(name)
        if keyword not in USED or value is None or (keyword in fields and not is_exact(name)):
            continue
        if keyword == "TLE" and isinstance(value, list):
            value = "\n".join(line for line in value if isinstance(line, str))
        if isinstance(value, str):
            fields[keyword] = value
        else:
            problem = problem or f"value of {name[:40]!r} is not text, a number or null"
    return fields, problem


def read_kvn(data: bytes, *, lenient: bool = False) -> FieldTable:
    """Read one OMM in KVN, or several after one another."""
    return _table_of(kvn.read_records(data, OMM, lenient=lenient), "line")


def read_xml(data: bytes, *, lenient: bool = False) -> FieldTable:
    """Read one OMM in XML, or an `ndm` of several."""
    return _table_of(xml.read_records(data, OMM, lenient=lenient), "record")


def _table_of(messages: Iterable[FlatRecord], noun: str) -> FieldTable:
    columns = _Columns(noun)
    for message in messages:
        if message.problem:
            columns.reject(message.position, message.fields.get("NORAD_CAT_ID", "")[:20], message.problem)
            continue
        columns.add(message.position, message.fields)
        for keyword in message.ignored:
            columns.notes.add(f"keyword {keyword[:60]!r} is not known and ignored", message.position)
    return columns.table()
