"""OMM as CSV and JSON: from bytes to fields of text. KVN and XML are in `ndm`."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from typing import Any

from stmgpu.catalog.ccsds.omm import REQUIRED, USED, FieldTable, Texts
from stmgpu.errors import CatalogError


def decode(data: bytes) -> str:
    """UTF-8 text; bytes that are not UTF-8 become surrogates, which only spoils the record they stand in."""
    return data.decode("utf-8", "surrogateescape")


def read_csv(data: bytes) -> FieldTable:
    """Parse CSV with a header of OMM keywords in any order; other columns are ignored."""
    reader = csv.reader(io.StringIO(decode(data), newline=""))
    rows: list[list[str]] = []
    positions: list[int] = []
    stray: list[tuple[int, str, str]] = []
    header: list[str] | None = None
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            stray.append((line, "", f"row cannot be read as CSV: {error}"))
            continue
        if not any(row):
            continue
        if header is None:
            header = _header(row)
        elif len(row) != len(header):
            stray.append((line, "", f"row has {len(row)} fields, allowed are the header's {len(header)}"))
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
    """Parse one OMM object or a list of them; numbers are kept as they are written, as text."""
    try:
        content = json.loads(decode(data), parse_float=str, parse_int=str, parse_constant=str)
    except (ValueError, RecursionError) as error:
        raise CatalogError(f"file is not valid JSON: {error}; give one OMM object or a list of them") from None
    entries = content if isinstance(content, list) else [content]
    records: list[dict[str, str]] = []
    positions: list[int] = []
    stray: list[tuple[int, str, str]] = []
    for position, entry in enumerate(entries, start=1):
        if not isinstance(entry, dict):
            stray.append((position, "", f"entry is {str(entry)[:40]!r}, allowed is an object of OMM keywords"))
            continue
        nested = next((key for key, value in entry.items() if not _is_scalar(value)), None)
        if nested is not None:
            who = str(entry.get("NORAD_CAT_ID", ""))[:20].encode("ascii", "replace").decode("ascii")
            stray.append((position, who, f"value of {nested[:40]!r} is no text, number or null"))
            continue
        records.append({key: value for key, value in entry.items() if value is not None})
        positions.append(position)
    return table_of(records, positions, "record", stray)


def _is_scalar(value: Any) -> bool:
    return value is None or isinstance(value, str)


def table_of(
    records: list[dict[str, str]], positions: list[int], noun: str, stray: list[tuple[int, str, str]]
) -> FieldTable:
    """Columns of text from one dictionary a record."""
    keywords = {keyword for record in records for keyword in record if keyword in USED}
    fields: dict[str, Texts] = {keyword: [record.get(keyword) for record in records] for keyword in keywords}
    return FieldTable(fields, positions, noun, stray)
