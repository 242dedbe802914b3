"""Solar and geomagnetic activity over decades: monthly means of F10.7 and Ap, observed or generated.

F10.7 is the flux of the Sun at 10.7 cm in solar flux units (1e-22 W m^-2 Hz^-1) as observed, that is not reduced to 1
au; Ap is the daily planetary index of geomagnetic activity. A month has its mean from its first to its last day.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.errors import InputError
from stmgpu.time import J2000_JD, UNIX_EPOCH_JD, YEAR_DAYS

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from stmgpu.debris.specs import SolarSpec
    from stmgpu.typing import Floats, Ints

MAXIMUM_YEAR = 2024.8
"""Maximum of the sinusoid, that of cycle 25, October 2024 (SILSO, Royal Observatory of Belgium: 13-month smoothed
sunspot number 160.9). The smoothed F10.7 has its maximum in the same month."""

CYCLE_YEARS = 11.0
"""Period of the sinusoid [a]."""

MINIMA = ("1954-04", "1964-10", "1976-03", "1986-09", "1996-08", "2008-12", "2019-12")
"""Months in which solar cycles 19 to 25 began: minima of the 13-month smoothed sunspot number (SILSO)."""

BURST = 2.0
"""Ratio of a daily F10.7 to its 81-day mean above which it was measured during a radio burst. Such values do not
represent the flux that heats the thermosphere and are left out of the month: eight days since 1957, up to 939 units."""

_LEAST_DAYS = 20  # days of a month that its mean needs
_END = "END OBSERVED"
_F107, _F107_MEAN, _AP = slice(112, 118), slice(118, 124), slice(78, 82)  # columns of a record


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
    """Read the observed part of a CelesTrak space-weather file (text form, SW-All.txt or sw19571001.txt).

    Predictions are not read, nor an incomplete first or last month.

    Parameters
    ----------
    path : str or Path
        File of data type CssiSpaceWeather, fixed columns (Vallado and Kelso, AAS 05-388; format page of CelesTrak).

    Raises
    ------
    InputError
        missing file, another format, or a damaged record; the message names the line.
    """
    file = Path(path)
    try:
        lines = file.read_bytes().decode("ascii").splitlines()
    except OSError as error:
        raise InputError(f"cannot read the space-weather file {file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(
            f"{file} is not a CelesTrak space-weather file: byte {error.start} is not ASCII text"
        ) from error
    if not lines or lines[0].split() != ["DATATYPE", "CssiSpaceWeather"]:
        start = lines[0][:40] if lines else ""
        cure = "use the text form (SW-All.txt)" if start.startswith("DATE,") else "use SW-All.txt from CelesTrak"
        raise InputError(f"{file}, line 1: expected 'DATATYPE CssiSpaceWeather', found {start!r}; {cure}")
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
    return _monthly(_Days(file, lines[begin:end], begin + 1))


class _Days:
    """Daily records: date, F10.7 (NaN where missing or a burst) and Ap (NaN where missing)."""

    def __init__(self, file: Path, lines: list[str], first_line: int) -> None:
        self.file = file
        self.date = np.empty(len(lines), "datetime64[D]")
        self.f107, self.ap = np.empty(len(lines)), np.empty(len(lines))
        for k, line in enumerate(lines):
            where = f"{file}, line {first_line + k}"
            self.date[k] = _date(line, where)
            if k and self.date[k] != self.date[k - 1] + 1:
                raise InputError(
                    f"{where}: {self.date[k]} follows {self.date[k - 1]}; days must be consecutive: "
                    "download the file again"
                )
            flux = _number(line, _F107, low=30.0, high=9999.0, where=where)
            mean = _number(line, _F107_MEAN, low=30.0, high=999.0, where=where)
            self.f107[k] = np.nan if flux > BURST * mean else flux
            self.ap[k] = _number(line, _AP, low=0.0, high=400.0, where=where)


def _date(line: str, where: str) -> np.datetime64:
    """Date at the start of a record."""
    if re.fullmatch(r"\d{4} [ \d]\d [ \d]\d", line[:10]) is None:
        raise InputError(f"{where}: {line[:10]!r} is not a date 'yyyy mm dd'")
    try:
        return np.datetime64(line[:10].replace("  ", " 0").replace(" ", "-"), "D")
    except ValueError:
        raise InputError(f"{where}: there is no day {line[:10]!r}") from None


def _number(line: str, columns: slice, *, low: float, high: float, where: str) -> float:
    """A number between ``low`` and ``high`` in fixed columns, NaN for blanks."""
    text = line[columns].strip()
    start, stop = columns.start, columns.stop
    place = f"{where}, columns {start + 1} to {stop}"
    if len(line) < stop:
        raise InputError(f"{place}: the record ends after {len(line)} characters")
    if not text:
        return float("nan")
    if re.fullmatch(r"-?\d+(\.\d*)?", text) is None:
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


@dataclass(frozen=True)
class Sinusoid:
    """Sinusoidal F10.7 = ``f107`` + ``amplitude`` cos(2 pi (year - 2024.8) / 11), constant Ap."""

    f107: float = 123.0
    amplitude: float = 0.0
    ap: float = 12.8

    varies = False

    @property
    def note(self) -> str:
        """A line for the record of a study."""
        swing = f" + {self.amplitude:g} cos(2 pi (year - {MAXIMUM_YEAR}) / {CYCLE_YEARS:g})" if self.amplitude else ""
        return f"solar activity: F10.7 = {self.f107:g}{swing}, Ap = {self.ap:g}"

    @property
    def f107_range(self) -> tuple[float, float]:
        """Smallest and largest F10.7."""
        return self.f107 - abs(self.amplitude), self.f107 + abs(self.amplitude)

    @property
    def ap_range(self) -> tuple[float, float]:
        """Smallest and largest Ap."""
        return self.ap, self.ap

    def check(self, first_year: float, last_year: float) -> None:
        """Accept all years."""

    def activity(self, years: Floats) -> tuple[Floats, Floats]:
        """F10.7 and Ap at decimal years, two float64 [k]."""
        phase = 2.0 * np.pi * (years - MAXIMUM_YEAR) / CYCLE_YEARS
        return self.f107 + self.amplitude * np.cos(phase), np.full(len(years), self.ap)


class Recorded:
    """Observed months, and past cycles after the last of them.

    The cycle in which the record ends is continued at the same phase, by the last complete cycle or, if ``drawn``, by a
    random one. Complete cycles follow: the last one repeatedly, or random ones with equal probability.

    Parameters
    ----------
    weather : SpaceWeather
        The record.
    drawn : bool
        Whether cycles are drawn at random.

    Raises
    ------
    InputError
        the record contains no complete cycle.
    """

    def __init__(self, weather: SpaceWeather, *, drawn: bool) -> None:
        self.weather = weather
        self.varies = drawn
        starts = np.array(MINIMA, "datetime64[M]").astype(np.int64) - weather.first_month
        inside = starts[(starts >= 0) & (starts <= len(weather))]
        if len(inside) < 2:
            raise InputError(
                f"{weather.source}: {weather.covers} does not contain a complete solar cycle; "
                f"cycles began in {', '.join(MINIMA)}"
            )
        self.starts, self.lengths = inside[:-1], np.diff(inside)
        self.elapsed = len(weather) - int(inside[-1])

    @property
    def note(self) -> str:
        """A line for the record of a study."""
        last = month_name(int(self.starts[-1]) + self.weather.first_month)
        after = f"{len(self.starts)} past cycles drawn at random" if self.varies else f"the cycle from {last} repeated"
        return f"solar activity: observed {self.weather.covers}, then {after}"

    @property
    def f107_range(self) -> tuple[float, float]:
        """Smallest and largest F10.7."""
        return float(self.weather.f107.min()), float(self.weather.f107.max())

    @property
    def ap_range(self) -> tuple[float, float]:
        """Smallest and largest Ap."""
        return float(self.weather.ap.min()), float(self.weather.ap.max())

    def check(self, first_year: float, last_year: float) -> None:
        """Raise :class:`InputError` if a run would begin before the record."""
        if int(months_of(first_year)) < self.weather.first_month:
            raise InputError(
                f"{self.weather.source} covers {self.weather.covers} (and past cycles from there on), the "
                f"run needs {first_year:.2f} to {last_year:.2f}; begin later or use solar.model = "
                "'sinusoid'"
            )

    def months(self, years: Floats, last_year: float, rng: np.random.Generator | None) -> Ints:
        """Rows of ``weather`` for decimal years.

        Parameters
        ----------
        years : ndarray of float64
            Decimal years [k], none before the record.
        last_year : float
            End of the run; cycles are drawn up to it, independent of ``years``.
        rng : Generator, optional
            Generator, needed if cycles are drawn.

        Returns
        -------
        ndarray of int64, shape (k,)
        """
        month = months_of(years) - self.weather.first_month
        known = len(self.weather)
        missing = int(months_of(last_year)) - self.weather.first_month + 1 - known
        if missing <= 0:
            return np.clip(month, 0, known - 1)
        count = missing // int(self.lengths.min()) + 2
        if not self.varies:
            drawn = np.full(count, len(self.starts) - 1)
        elif rng is None:
            raise InputError("solar activity is drawn at random (bootstrap); give a numpy Generator as rng")
        else:
            drawn = rng.integers(len(self.starts), size=count)
        parts = [np.arange(known)]
        skip = self.elapsed % int(self.lengths[drawn[0]])
        for k in drawn:
            parts.append(self.starts[k] + np.arange(skip, self.lengths[k]))
            skip = 0
        rows = np.concatenate(parts)
        return rows[np.clip(month, 0, len(rows) - 1)]


def solar_activity(spec: SolarSpec) -> Sinusoid | Recorded:
    """Solar activity of a scenario.

    Raises
    ------
    InputError
        an unusable space-weather file.
    """
    if spec.space_weather is not None and spec.model in ("repeat", "bootstrap"):
        return Recorded(read_space_weather(spec.space_weather), drawn=spec.model == "bootstrap")
    return Sinusoid(spec.f107, spec.amplitude if spec.model == "sinusoid" else 0.0, spec.ap)
