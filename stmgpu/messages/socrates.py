"""SOCRATES CSV: conjunctions with their maximum probability, as CelesTrak publishes them.

Columns and digits are those of celestrak.org/SOCRATES (`sort-minRange.csv` and its siblings): ages of the elements,
range [km], relative speed [km/s] and DILUTION [km] with three decimals, MAX_PROB with four digits, TCA to the
millisecond. A name ends with the status of the object in brackets, where that is known.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.csv_cells import protected, unprotected
from stmgpu.errors import InputError, counted
from stmgpu.files import read_content, writing
from stmgpu.messages import kvn
from stmgpu.messages.fields import shown
from stmgpu.messages.kinds import kind_of
from stmgpu.messages.times import parse_utc_many
from stmgpu.time import format_utc, to_datetime64

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

    from stmgpu.files import Source
    from stmgpu.typing import Floats, Ints, Strings, Times

COLUMNS = (
    "NORAD_CAT_ID_1", "OBJECT_NAME_1", "DSE_1", "NORAD_CAT_ID_2", "OBJECT_NAME_2", "DSE_2", "TCA", "TCA_RANGE",
    "TCA_RELATIVE_SPEED", "MAX_PROB", "DILUTION",
)  # fmt: skip
"""Columns in the order of the file."""

STATUS_CODES = "+-PBSXD?"
"""Operational status of an object, by CelesTrak's code."""

_STATUS = re.compile(rf"(.*) \[([{re.escape(STATUS_CODES)}])\]", re.DOTALL)
_NUMBER = re.compile(r"[+-]?(?:\d{1,15}\.?\d{0,20}|\.\d{1,20})(?:[eE][+-]?\d{1,3})?", re.ASCII)
_MAX_ID = 999_999_999
_YEARS_JD = (2435839.5, 2524593.5)  # 1957 to 2199
_LONGEST = 200
_MOST_REJECTED = 1_000


@dataclass(frozen=True, eq=False)
class SocratesTable:
    """Rows of SOCRATES as columns of shape (n,).

    Parameters
    ----------
    norad_id_1, norad_id_2 : int64
        Catalogue numbers; the order of a pair has no meaning.
    name_1, name_2, status_1, status_2 : str
        Names, and the codes of `STATUS_CODES`, '' where unknown.
    age_days_1, age_days_2 : float64
        TCA minus epoch of the elements (DSE).
    tca : datetime64[ns]
        Time of closest approach, UTC.
    range_km, speed_km_s : float64
        Distance and relative speed at TCA.
    probability : float64
        Maximum probability (MAX_PROB); NaN where there is none.
    dilution_km : float64
        Standard deviation of the minor axis at the maximum; 0 where the range is below the combined radius.

    Raises
    ------
    InputError
        If the columns differ in length.
    """

    norad_id_1: Ints
    name_1: Strings
    status_1: Strings
    age_days_1: Floats
    norad_id_2: Ints
    name_2: Strings
    status_2: Strings
    age_days_2: Floats
    tca: Times
    range_km: Floats
    speed_km_s: Floats
    probability: Floats
    dilution_km: Floats

    def __post_init__(self) -> None:
        lengths = {field.name: np.shape(getattr(self, field.name)) for field in fields(self)}
        if len(set(lengths.values())) > 1 or len(lengths["tca"]) != 1:
            raise InputError(f"columns of SOCRATES must be of one length, got {lengths}")

    def __len__(self) -> int:
        return len(self.tca)


def write_socrates(table: SocratesTable, path: str | os.PathLike[str] | BinaryIO) -> None:
    """Write rows as SOCRATES does; the file appears complete or not at all.

    Parameters
    ----------
    table : SocratesTable
        From :func:`stmgpu.risk.socrates.socrates_table`, or read.
    path : path or binary file
        File to write; an existing one is replaced. A text that a spreadsheet would take for a formula gets a leading
        apostrophe (:mod:`stmgpu.csv_cells`).
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(_rows(table))
    with writing(path) as file:
        file.write(buffer.getvalue().encode())


def _rows(table: SocratesTable) -> Iterator[tuple[str, ...]]:
    names = [
        [protected(f"{name} [{code}]" if code else name) for name, code in zip(*pair, strict=True)]
        for pair in ((table.name_1.tolist(), table.status_1.tolist()), (table.name_2.tolist(), table.status_2.tolist()))
    ]
    times = [text[:-1].replace("T", " ") for text in np.atleast_1d(format_utc(table.tca, 3)).tolist()]
    three = ("age_days_1", "age_days_2", "range_km", "speed_km_s", "dilution_km")
    age_1, age_2, distance, speed, dilution = (_formatted(getattr(table, name), "%.3f") for name in three)
    ids = [list(map(str, column.tolist())) for column in (table.norad_id_1, table.norad_id_2)]
    maximum = _formatted(table.probability, "%.3E")
    return zip(
        ids[0], names[0], age_1, ids[1], names[1], age_2, times, distance, speed, maximum, dilution, strict=True
    )  # fmt: skip


def _formatted(values: Floats, form: str) -> list[str]:
    return [form % value if np.isfinite(value) else "" for value in values.tolist()]


def read_socrates(source: Source, *, on_rejected: Callable[[str], None] | None = None) -> SocratesTable:
    """Read a CSV file of SOCRATES, plain or packed by gzip, bzip2, xz or zip.

    Parameters
    ----------
    source : path, bytes or file-like
        A file's path, its content, or an object with `read()`.
    on_rejected : callable, optional
        Called with the reason for each row that is wrong, which is then left out; the rest of a file is after 1,000 of
        them. Without it, the first one is raised.

    Returns
    -------
    SocratesTable
        The rows in the order of the file.

    Raises
    ------
    InputError
        If the source cannot be read, is no such table or has no row, and for a wrong row; it names the line.

    Examples
    --------
    >>> read_socrates(b"NORAD_CAT_ID_1,TCA")
    Traceback (most recent call last):
        ...
    stmgpu.errors.InputError: SOCRATES '<bytes>': line 1: it lacks OBJECT_NAME_1, DSE_1, NORAD_CAT_ID_2 and 6 more; \
the header of SOCRATES is NORAD_CAT_ID_1,OBJECT_NAME_1,DSE_1,NORAD_CAT_ID_2,OBJECT_NAME_2,DSE_2,TCA,TCA_RANGE,\
TCA_RELATIVE_SPEED,MAX_PROB,DILUTION
    """
    content = read_content(source, kind="SOCRATES")
    label = f"SOCRATES {content.name!r}"
    try:
        if kind := kind_of(content.data):
            raise InputError(f"it is {kind.name}; give a CSV file of SOCRATES")
        return _read(content.data, label, on_rejected)
    except InputError as error:
        prefix = "" if str(error).startswith(label) else f"{label}: "
        raise InputError(f"{prefix}{error}") from None


def _read(data: bytes, label: str, on_rejected: Callable[[str], None] | None) -> SocratesTable:
    rejected = 0
    lines: list[int] = []
    rows: list[list[str]] = []

    def reject(line: int, problem: str) -> None:
        nonlocal rejected
        text = f"{label}: line {line}: {problem}"
        if on_rejected is None:
            raise InputError(text)
        on_rejected(text)
        rejected += 1
        if rejected > _MOST_REJECTED:
            raise InputError(f"more than {_MOST_REJECTED} rows are wrong; check that it is a CSV file of SOCRATES")

    reader = csv.reader(kvn.lines(data))
    places: list[int] | None = None
    width = 0
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            reject(line, f"it cannot be read as CSV: {error}")
            continue
        if not any(row):
            continue
        if places is None:
            places, width = _places(row, line), len(row)
        elif len(row) != width:
            reject(line, f"it has {counted(len(row), 'field')}, allowed are the header's {width}")
        else:
            rows.append([row[place].strip() for place in places])
            lines.append(line)
    texts = dict(zip(COLUMNS, map(list, zip(*rows, strict=True)), strict=True)) if rows else {}
    good = np.ones(len(rows), bool)
    jd, fr, is_time = parse_utc_many(texts.get("TCA", []))
    is_time &= (jd >= _YEARS_JD[0]) & (jd < _YEARS_JD[1])
    numbers = {name: np.array([_number(text) for text in texts.get(name, [])]) for name in _ALLOWED}
    for k in range(len(rows)):
        problem = _problem(
            {name: texts[name][k] for name in COLUMNS},
            {n: v[k] for n, v in numbers.items()},
            is_time=bool(is_time[k]),
        )
        if problem:
            good[k] = False
            reject(lines[k], problem)
    if not good.any():
        raise InputError("it has no row that can be used; give a CSV file of SOCRATES")
    names = [_names(texts[name], good) for name in ("OBJECT_NAME_1", "OBJECT_NAME_2")]
    ids = [np.array(texts[name])[good].astype(np.int64) for name in ("NORAD_CAT_ID_1", "NORAD_CAT_ID_2")]
    of = {name: values[good] for name, values in numbers.items()}
    return SocratesTable(
        ids[0], *names[0], of["DSE_1"], ids[1], *names[1], of["DSE_2"], to_datetime64(jd[good], fr[good]),
        of["TCA_RANGE"], of["TCA_RELATIVE_SPEED"], of["MAX_PROB"], of["DILUTION"],
    )  # fmt: skip


def _places(row: list[str], line: int) -> list[int]:
    header = [cell.strip().upper() for cell in row]
    missing = [name for name in COLUMNS if name not in header]
    if missing:
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        raise InputError(
            f"line {line}: it lacks {', '.join(missing[:3])}{more}; the header of SOCRATES is {','.join(COLUMNS)}"
        )
    if repeated := [name for name in COLUMNS if header.count(name) > 1]:
        raise InputError(f"line {line}: column {repeated[0]} stands there twice; remove one")
    return [header.index(name) for name in COLUMNS]


_ALLOWED = {
    "DSE_1": (-1e5, 1e5), "DSE_2": (-1e5, 1e5), "TCA_RANGE": (0.0, 1e6), "TCA_RELATIVE_SPEED": (0.0, 100.0),
    "MAX_PROB": (0.0, 1.0), "DILUTION": (0.0, 1e6),
}  # fmt: skip
_MAY_BE_EMPTY = ("MAX_PROB", "DILUTION")


def _number(text: str) -> float:
    return float(text) if _NUMBER.fullmatch(text) else np.nan


def _problem(texts: dict[str, str], numbers: dict[str, float], *, is_time: bool) -> str:
    for name in ("NORAD_CAT_ID_1", "NORAD_CAT_ID_2"):
        text = texts[name]
        if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) > 0):
            return f"{name} is {shown(text)}, allowed is 1 to {_MAX_ID}"
    for name in ("OBJECT_NAME_1", "OBJECT_NAME_2"):
        if len(texts[name]) > _LONGEST or not texts[name].isprintable():
            return f"{name} is {shown(texts[name])}, allowed is printable text of at most {_LONGEST} characters"
    if not is_time:
        return f"TCA is {shown(texts['TCA'])}, allowed is a time such as 2026-03-14 11:08:50.281, 1957 to 2199"
    for name, (low, high) in _ALLOWED.items():
        if not low <= numbers[name] <= high and (texts[name] or name not in _MAY_BE_EMPTY):
            return f"{name} is {shown(texts[name])}, allowed is a number from {low:g} to {high:g}"
    return ""


def _names(texts: list[str], good: np.ndarray) -> tuple[Strings, Strings]:
    """Names and codes of the status."""
    names, codes = [], []
    for text, use in zip(texts, good.tolist(), strict=True):
        if use:
            plain = unprotected(text)
            match = _STATUS.fullmatch(plain)
            names.append(match[1] if match else plain)
            codes.append(match[2] if match else "")
    return np.array(names, np.str_), np.array(codes, np.str_)
