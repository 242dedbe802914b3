"""Observed solar and geomagnetic activity: monthly means of F10.7 and Ap from the files of CelesTrak.

F10.7 is the flux of the Sun at 10.7 cm in solar flux units (1e-22 W m^-2 Hz^-1) as observed, that is not reduced to 1
au; Ap is the daily planetary index of geomagnetic activity. A month has its mean from its first to its last day.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from stmgpu.debris.formats.csv_tables import parse_csv
from stmgpu.errors import InputError
from stmgpu.files import read_content
from stmgpu.time import J2000_JD, UNIX_EPOCH_JD, YEAR_DAYS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from stmgpu.typing import Floats, Ints

BURST = 2.0
"""Ratio of a daily F10.7 to its 81-day mean above which it was measured during a radio burst. Such values do not
represent the flux that heats the thermosphere and are left out of the month: eight days since 1957, up to 939 units."""

_LEAST_DAYS = 20  # days of a month that its mean needs
_END = "END OBSERVED"
_F107, _F107_MEAN, _AP = slice(112, 118), slice(118, 124), slice(78, 82)  # columns of a record
_CSV = ("DATE", "AP_AVG", "F10.7_OBS", "F10.7_DATA_TYPE", "F10.7_OBS_CENTER81")
_OBSERVED = ("OBS", "INT", "")
_PREDICTED = ("PRD", "PRM")


@dataclass(frozen=True)
class SpaceWeather:
    """Observed monthly means.

    Attributes
    ----------
    first_month : int
        Months from 1970-01 to the first row, negative before.
    f107, ap : ndarray of float64
        float64 [months], means of F10.7 [sfu] and Ap.
    source : str
        Name of the file.
    """

    first_month: int
    f107: Floats
    ap: Floats
    source: str = ""

    def __len__(self) -> int:
        return len(self.f107)

    @property
    def covers(self) -> str:
        """First and last month as text."""
        return f"{month_name(self.first_month)} to {month_name(self.first_month + len(self) - 1)}"


def months_of(years: ArrayLike) -> Ints:
    """Calendar months, counted from 1970-01, in which decimal years (Julian years from J2000) lie.

    Examples
    --------
    >>> months_of([1970.5, 2000.0]).tolist()
    [6, 360]
    """
    days = J2000_JD - UNIX_EPOCH_JD + (np.asarray(years, np.float64) - 2000.0) * YEAR_DAYS
    return np.floor(days).astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def month_name(month: int) -> str:
    """A month counted from 1970-01 as text.

    Examples
    --------
    >>> month_name(-147)
    '1957-10'
    """
    return str(np.datetime64(month, "M"))


def read_space_weather(path: str | Path) -> SpaceWeather:
    """Read the observed part of a CelesTrak space-weather file, in text form (SW-All.txt) or CSV (SW-All.csv).

    Predictions are not read, nor an incomplete first or last month.

    Parameters
    ----------
    path : str or Path
        File of data type CssiSpaceWeather in fixed columns (Vallado and Kelso, AAS 05-388; format page of CelesTrak),
        or CSV with the columns DATE, AP_AVG, F10.7_OBS, F10.7_DATA_TYPE and F10.7_OBS_CENTER81; plain or packed.

    Raises
    ------
    InputError
        missing file, another format, or a damaged record; the message names the line.
    """
    file = Path(path)
    content = read_content(path, kind="space weather").data
    try:
        text = content.decode("ascii")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{file} is not a CelesTrak space-weather file: byte {error.start} is not ASCII text"
        ) from error
    is_csv = text[:200].lstrip('"').startswith("DATE")
    return _monthly(_Days(file, _csv_records(file, text) if is_csv else _text_records(file, text)))


class _Record(NamedTuple):
    """Texts of one day, with their places for messages."""

    where: str
    date: str
    flux: tuple[str, str]
    mean: tuple[str, str]
    ap: tuple[str, str]


def _csv_records(file: Path, text: str) -> list[_Record]:
    """The days before the first prediction."""
    table = parse_csv(file, text, _CSV, None)
    kinds = table.cells["F10.7_DATA_TYPE"]
    for row, kind in enumerate(kinds):
        if kind not in (*_OBSERVED, *_PREDICTED):
            raise table.fail(row, "F10.7_DATA_TYPE", f"one of {', '.join(_OBSERVED[:2] + _PREDICTED)} is needed")
    observed = next((row for row, kind in enumerate(kinds) if kind in _PREDICTED), len(kinds))
    if not observed:
        raise InputError(f"{file} holds no observed record; download it again")
    records = []
    for row in range(observed):
        where = f"{file}, {table.where(row)}"
        flux, mean, ap = (
            (f"{where}, {name}", table.cells[name][row]) for name in ("F10.7_OBS", "F10.7_OBS_CENTER81", "AP_AVG")
        )
        records.append(_Record(where, table.cells["DATE"][row], flux, mean, ap))
    return records


def _text_records(file: Path, text: str) -> list[_Record]:
    """The observed days of the text form."""
    lines = text.splitlines()
    if not lines or lines[0].split() != ["DATATYPE", "CssiSpaceWeather"]:
        start = lines[0][:40] if lines else ""
        raise InputError(
            f"{file}, line 1: expected 'DATATYPE CssiSpaceWeather' or a header with DATE, found {start!r}; "
            "use SW-All.txt or SW-All.csv from CelesTrak"
        )
    try:
        begin, end = lines.index("BEGIN OBSERVED") + 1, lines.index(_END)
    except ValueError:
        raise InputError(
            f"{file}: 'BEGIN OBSERVED' or '{_END}' is missing; the file is incomplete, download it again"
        ) from None
    announced = [line.split()[1:] for line in lines[:begin] if line.startswith("NUM_OBSERVED_POINTS")]
    if announced != [[str(end - begin)]]:
        stated = " ".join(announced[0]) if announced else "nothing"
        raise InputError(
            f"{file}: {end - begin} observed records in lines {begin + 1} to {end}, but "
            f"NUM_OBSERVED_POINTS is {stated}; download the file again"
        )
    if end == begin:
        raise InputError(f"{file} holds no observed record; download it again")
    return [_text_record(line, f"{file}, line {number}") for number, line in enumerate(lines[begin:end], begin + 1)]


def _text_record(line: str, where: str) -> _Record:
    date = line[:10]
    if re.fullmatch(r"\d{4} [ \d]\d [ \d]\d", date) is None:
        raise InputError(f"{where}: {date!r} is not a date 'yyyy mm dd'")
    cells = []
    for columns in (_F107, _F107_MEAN, _AP):
        place = f"{where}, columns {columns.start + 1} to {columns.stop}"
        if len(line) < columns.stop:
            raise InputError(f"{place}: the record ends after {len(line)} characters")
        cells.append((place, line[columns].strip()))
    return _Record(where, date.replace("  ", " 0").replace(" ", "-"), *cells)


class _Days:
    """Daily records: date, F10.7 (NaN where missing or a burst) and Ap (NaN where missing)."""

    def __init__(self, file: Path, records: Sequence[_Record]) -> None:
        self.file = file
        self.date = np.empty(len(records), "datetime64[D]")
        self.f107, self.ap = np.empty(len(records)), np.empty(len(records))
        for k, record in enumerate(records):
            self.date[k] = _date(record)
            if k and self.date[k] != self.date[k - 1] + 1:
                raise InputError(
                    f"{record.where}: {self.date[k]} follows {self.date[k - 1]}; days must be consecutive: "
                    "download the file again"
                )
            flux = _number(*record.flux, low=30.0, high=9999.0)
            mean = _number(*record.mean, low=30.0, high=999.0)
            self.f107[k] = np.nan if flux > BURST * mean else flux
            self.ap[k] = _number(*record.ap, low=0.0, high=400.0)


def _date(record: _Record) -> np.datetime64:
    if re.fullmatch(r"\d{4}-\d\d-\d\d", record.date, re.ASCII) is None:
        raise InputError(f"{record.where}: {record.date!r} is not a date such as 2024-07-05")
    try:
        return np.datetime64(record.date, "D")
    except ValueError:
        raise InputError(f"{record.where}: there is no day {record.date.replace('-', ' ')!r}") from None


def _number(place: str, text: str, *, low: float, high: float) -> float:
    """A number between ``low`` and ``high``, NaN for blanks."""
    if not text:
        return float("nan")
    if re.fullmatch(r"-?\d+(\.\d*)?", text, re.ASCII) is None:
        raise InputError(f"{place}: {text!r} is not a number")
    if not low <= float(text) <= high:
        raise InputError(f"{place}: {text} is outside {low:g} to {high:g}")
    return float(text)


def _monthly(days: _Days) -> SpaceWeather:
    """Means of the complete months."""
    month = days.date.astype("datetime64[M]").astype(np.int64)
    first, last = int(month[0]), int(month[-1])
    first += int(days.date[0] != np.datetime64(first, "M").astype("datetime64[D]"))
    last -= int(days.date[-1] + 1 != np.datetime64(last + 1, "M").astype("datetime64[D]"))
    if last < first:
        raise InputError(f"{days.file}: {days.date[0]} to {days.date[-1]} hold no complete month")
    means: list[Floats] = []
    for name, values in (("F10.7", days.f107), ("Ap", days.ap)):
        used = np.isfinite(values) & (month >= first) & (month <= last)
        count = np.bincount(month[used] - first, minlength=last - first + 1)
        few = np.flatnonzero(count < _LEAST_DAYS)
        if len(few) and first + few[0] < last:
            bad = month_name(first + int(few[0]))
            raise InputError(f"{days.file}: {name} of {bad} has {count[few[0]]} days, {_LEAST_DAYS} are needed")
        sums = np.bincount(month[used] - first, weights=values[used], minlength=len(count))
        means.append((sums / np.maximum(count, 1))[: len(count) - len(few)])  # the last month may still be blank
    months = min(len(m) for m in means)
    if months == 0:
        raise InputError(f"{days.file} holds no month with F10.7 and Ap")
    return SpaceWeather(first, means[0][:months], means[1][:months], str(days.file))
