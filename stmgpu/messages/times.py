"""Times of messages: many texts at array speed, and TAI, TT, TDB and GPS time as UTC.

Throughout stmgpu, UTC has days of 86,400 s and a leap second is read as the first second of the next day (see
`stmgpu.time`). A table of states across a leap second is uniform in TAI only. It is therefore given two sets of UTC
times, one with the offset before the leap second and one with the offset after it, and each is used on its side. The
leap second itself has no time of its own and is left out.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from stmgpu.errors import InputError
from stmgpu.frames import tai_minus_utc
from stmgpu.time import NS_PER_DAY, NS_PER_SECOND, UNIX_EPOCH_JD, parse_utc

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stmgpu.typing import Bools, Floats, Ints

TIME_SYSTEMS = ("UTC", "TAI", "TT", "GPS", "TDB")
"""Supported time systems."""

_TAI_MINUS_NS = {"TAI": 0, "TT": -32_184_000_000, "GPS": 19 * NS_PER_SECOND}
_J2000_DAY = 10_957
_TDB_TERMS = (
    (0.001657, 628.3076, 6.2401), (0.000022, 575.3385, 4.2970), (0.000014, 1256.6152, 6.1969),
    (0.000005, 606.9777, 4.0212), (0.000005, 52.9691, 0.4444), (0.000002, 21.3299, 5.5431),
)  # fmt: skip
"""Amplitude [s], rate [rad per Julian century] and phase [rad] of the periodic terms of TDB - TT."""

_YEARS = (1972, 2200)
EPOCH_FORMS = (
    "2024-07-05T12:34:56.789 or, with the day of the year, 2024-187T12:34:56.789 (up to 30 decimals, rounded to "
    f"nanoseconds, an optional Z; years {_YEARS[0]} to {_YEARS[1]}; second 60 only in UTC at the end of a day)"
)
_FORM = re.compile(rb"(\d{4})-(?:(\d\d)-(\d\d)|(\d{3}))T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,30}))?)?Z?")
_DIGITS_FIRST = re.compile(r"\s*\d{4}-\d\d", re.ASCII)
_WIDTH = 34
_CALENDAR, _DAY_OF_YEAR = 10, 8  # column of the T
_DAYS_BEFORE = np.array([0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334])
_LENGTHS = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])

_UNIX_ORDINAL = date(1970, 1, 1).toordinal()
_MANY = 32
"""Times from which reading them together is faster than one by one."""

Bytes = npt.NDArray[np.uint8]


def parse_epochs(texts: Sequence[bytes]) -> tuple[Ints, Ints, Bools]:
    """Read many calendar or day-of-year times without raising, for states in any time system.

    Parameters
    ----------
    texts : sequence of bytes
        m times, without blanks around them; forms as in `EPOCH_FORMS`.

    Returns
    -------
    day : ndarray of int64, shape (m,)
        Days since 1970-01-01; 0 where the text is not a time.
    nanosecond : ndarray of int64, shape (m,)
        Nanoseconds since that midnight, 0 to 86,401e9: second 60 is kept.
    valid : ndarray of bool, shape (m,)
        Where the text is a time.

    Examples
    --------
    >>> day, nanosecond, valid = parse_epochs([b"1973-01-01T00:00:01.5Z", b"1973-002T00:00", b"noon"])
    >>> day.tolist(), nanosecond.tolist(), valid.tolist()
    ([1096, 1097, 0], [1500000000, 0, 0], [True, True, False])
    """
    m = len(texts)
    day, nanosecond, valid = np.zeros(m, np.int64), np.zeros(m, np.int64), np.zeros(m, np.bool_)
    if m >= _MANY:
        raw, length = _matrix(texts)
        for t in (_CALENDAR, _DAY_OF_YEAR):
            rows = np.flatnonzero(raw[:, t] == ord("T"))
            if len(rows):
                day[rows], nanosecond[rows], valid[rows] = _read_columns(raw[rows], length[rows], t, _YEARS)
    for k in np.flatnonzero(~valid).tolist():
        day[k], nanosecond[k], valid[k] = _read_one(texts[k])
    return day, nanosecond, valid


def parse_epoch(text: str) -> int | None:
    """Read one time as `parse_epochs` does.

    Parameters
    ----------
    text : str
        A time, without blanks around it.

    Returns
    -------
    int or None
        Nanoseconds since 1970-01-01, where a leap second is the first second of the next day; None for any other text.

    Examples
    --------
    >>> parse_epoch("1972-01-02T00:00:01.5"), parse_epoch("noon")
    (63158401500000000, None)
    """
    day, nanosecond, valid = _read_one(text.encode("utf-8", "replace"))
    return day * NS_PER_DAY + nanosecond if valid else None


def parse_utc_many(texts: Sequence[str]) -> tuple[Floats, Floats, Bools]:
    """Read many UTC times without raising: the usual form at array speed, other forms of `parse_utc` one by one.

    Parameters
    ----------
    texts : sequence of str
        n times as in `stmgpu.time.parse_utc`.

    Returns
    -------
    jd, fr : ndarray of float64, shape (n,)
        Two-part Julian dates [d]; NaN where the text is not a time.
    valid : ndarray of bool, shape (n,)
        Where the text is a time.

    Examples
    --------
    >>> parse_utc_many(["2024-07-05T12:00:00", "noon"])[2].tolist()
    [True, False]
    """
    jd, fr = np.full(len(texts), np.nan), np.full(len(texts), np.nan)
    raw, length = _matrix([text.encode("ascii", "replace") for text in texts])
    day, nanosecond, valid = _read_columns(raw, length, _CALENDAR, (1, 9999))
    valid &= np.isin(raw[:, _CALENDAR], np.frombuffer(b"T ", np.uint8)) & (nanosecond < NS_PER_DAY)
    jd[valid] = day[valid] + UNIX_EPOCH_JD
    fr[valid] = nanosecond[valid] / float(NS_PER_DAY)  # both below 2**53: one rounding, as in parse_utc
    for k in np.flatnonzero(~valid).tolist():
        if not _DIGITS_FIRST.match(texts[k]):
            continue  # raising for each row of garbage takes long
        try:
            epoch = parse_utc(texts[k])
        except InputError:
            continue
        jd[k], fr[k], valid[k] = epoch.jd, epoch.fr, True
    return jd, fr, valid


def _matrix(texts: Sequence[bytes]) -> tuple[Bytes, Ints]:
    """Texts as rows of characters, padded with zeros, and their lengths; rows of longer texts are empty."""
    short = [text if len(text) < _WIDTH else b"" for text in texts]
    length = np.fromiter(map(len, short), np.int64, len(short))
    return np.array(short, f"S{_WIDTH}").view(np.uint8).reshape(len(short), _WIDTH), length


def _read_columns(raw: Bytes, length: Ints, t: int, years: tuple[int, int]) -> tuple[Ints, Ints, Bools]:
    """Days, nanoseconds and validity of times in fixed columns.

    Rows read YYYY-MM-DD?HH:MM:SS (`t` = 10) or YYYY-DDD?HH:MM:SS (`t` = 8) with up to 9 decimals and an optional Z. The
    separator in column `t` is left to the caller. Second 60 is valid at 23:59.
    """
    by_day = t == _DAY_OF_YEAR
    digit = raw.astype(np.int16) - ord("0")
    is_digit = (digit >= 0) & (digit <= 9)
    places = [0, 1, 2, 3, *([5, 6, 7] if by_day else [5, 6, 8, 9]), t + 1, t + 2, t + 4, t + 5, t + 7, t + 8]
    good = is_digit[:, places].all(axis=1) & (raw[:, 4] == ord("-"))
    good &= (raw[:, t + 3] == ord(":")) & (raw[:, t + 6] == ord(":"))
    if not by_day:
        good &= raw[:, 7] == ord("-")

    def number(*columns: int) -> Ints:
        value = np.zeros(len(raw), np.int64)
        for column in columns:
            value = value * 10 + digit[:, column]
        return value

    has_point = raw[:, t + 9] == ord(".")
    fraction, decimals, in_fraction = np.zeros(len(raw), np.int64), np.zeros(len(raw), np.int64), has_point.copy()
    for column in range(t + 10, t + 19):
        in_fraction &= is_digit[:, column]
        fraction = fraction * 10 + np.where(in_fraction, digit[:, column], 0)
        decimals += in_fraction
    good &= ~has_point | (decimals > 0)
    end = np.where(has_point, t + 10 + decimals, t + 9)
    end = end + (raw[np.arange(len(raw)), end] == ord("Z"))
    good &= length == end

    year = number(0, 1, 2, 3)
    good &= (year >= years[0]) & (year <= years[1])
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    if by_day:
        day_of_year = number(5, 6, 7)
        good &= (day_of_year >= 1) & (day_of_year <= 365 + leap)
    else:
        month, day_of_month = number(5, 6), number(8, 9)
        good &= (month >= 1) & (month <= 12)
        known = np.where(good, month, 1)
        good &= (day_of_month >= 1) & (day_of_month <= _LENGTHS[known] + (leap & (known == 2)))
        day_of_year = _DAYS_BEFORE[known] + (leap & (known > 2)) + day_of_month
    before = year - 1
    day = before * 365 + before // 4 - before // 100 + before // 400 - 719_163 + day_of_year
    hour, minute, second = number(t + 1, t + 2), number(t + 4, t + 5), number(t + 7, t + 8)
    good &= (hour <= 23) & (minute <= 59) & (second <= 59 + ((hour == 23) & (minute == 59)))
    return day, ((hour * 60 + minute) * 60 + second) * NS_PER_SECOND + fraction, good


def _read_one(text: bytes) -> tuple[int, int, bool]:
    """Read one time of any allowed form: with more decimals, or without seconds."""
    match = _FORM.fullmatch(text) if len(text) < 64 else None
    if match is None:
        return 0, 0, False
    decimals = match[8] or b""
    year, month, day_of_month, day_of_year, hour, minute, second = (int(part or 0) for part in match.groups()[:7])
    if not _YEARS[0] <= year <= _YEARS[1]:
        return 0, 0, False
    leap = calendar.isleap(year)
    if match[4] is None:
        last = 29 if leap and month == 2 else int(_LENGTHS[month]) if 1 <= month <= 12 else 0
        good = 1 <= day_of_month <= last
        day_of_year = int(_DAYS_BEFORE[month]) + (leap and month > 2) + day_of_month if good else 0
    else:
        good = 1 <= day_of_year <= 365 + leap
    if not (good and hour <= 23 and minute <= 59 and second <= 59 + (hour == 23 and minute == 59)):
        return 0, 0, False
    day = date(year, 1, 1).toordinal() - _UNIX_ORDINAL + day_of_year - 1
    scale = 10 ** len(decimals)
    fraction = (2 * int(decimals or 0) * NS_PER_SECOND + scale) // (2 * scale)
    return day, ((hour * 60 + minute) * 60 + second) * NS_PER_SECOND + fraction, True


def to_tai(system: str, day: Ints, nanosecond: Ints) -> Ints:
    """Convert times of a time system to TAI [ns since 1970-01-01T00:00:00 TAI].

    Parameters
    ----------
    system : str
        One of `TIME_SYSTEMS`.
    day, nanosecond : ndarray of int64
        From `parse_epochs`.

    Raises
    ------
    InputError
        For any other system, and for second 60 where there is no leap second.

    Examples
    --------
    >>> to_tai("GPS", np.array([1000]), np.array([0])).tolist()
    [86400019000000000]
    """
    name = system.strip().upper()
    if name not in TIME_SYSTEMS:
        raise InputError(f"time system {system.strip()[:40]!r} is not supported; allowed: {', '.join(TIME_SYSTEMS)}")
    leaping = nanosecond >= NS_PER_DAY
    if name != "UTC":
        if leaping.any():
            raise InputError(f"second 60 does not exist in {name}; only UTC has leap seconds")
        if name == "TDB":
            nanosecond = nanosecond - _tdb_minus_tt_ns(day, nanosecond)
            name = "TT"
        return np.asarray(day * NS_PER_DAY + nanosecond + _TAI_MINUS_NS[name])
    offset = tai_minus_utc(day)
    if leaping.any() and not (tai_minus_utc(day[leaping] + 1) == offset[leaping] + 1).all():
        wrong = int(day[leaping][tai_minus_utc(day[leaping] + 1) != offset[leaping] + 1][0])
        raise InputError(f"there is no leap second at the end of {np.datetime64(wrong, 'D')}, yet a time has second 60")
    return np.asarray(day * NS_PER_DAY + nanosecond + offset * NS_PER_SECOND)


def _tdb_minus_tt_ns(day: Ints, nanosecond: Ints) -> Ints:
    """TDB - TT at the Earth's centre, to 10 us from 1600 to 2200 (Kaplan, USNO Circular 179, 2005, equation 2.6)."""
    t = (day - _J2000_DAY + (nanosecond / NS_PER_DAY - 0.5)) / 36525.0
    seconds = 0.000010 * t * np.sin(628.3076 * t + 4.2490)
    for amplitude, rate, phase in _TDB_TERMS:
        seconds = seconds + amplitude * np.sin(rate * t + phase)
    return np.rint(seconds * NS_PER_SECOND).astype(np.int64)


@dataclass(frozen=True)
class UtcInterval:
    """An interval between two leap seconds, in which UTC = TAI - `offset_ns`.

    Parameters
    ----------
    offset_ns : int
        TAI - UTC [ns].
    begin_ns, end_ns : int
        First instant and end of the interval [ns since 1970 UTC].
    """

    offset_ns: int
    begin_ns: int
    end_ns: int


def utc_intervals(first_tai: int, last_tai: int) -> list[UtcInterval]:
    """Intervals of constant TAI - UTC within a span: one, unless a leap second falls into it.

    Parameters
    ----------
    first_tai, last_tai : int
        TAI [ns since 1970], first <= last.

    Returns
    -------
    list of UtcInterval
        In the order of time.

    Examples
    --------
    >>> [interval.offset_ns // 10**9 for interval in utc_intervals(17_166 * NS_PER_DAY, 17_168 * NS_PER_DAY)]
    [36, 37]
    """
    days = np.arange(first_tai // NS_PER_DAY - 1, last_tai // NS_PER_DAY + 2)
    offset = tai_minus_utc(np.maximum(days, 730))
    starts = np.concatenate([[0], np.flatnonzero(np.diff(offset)) + 1])
    far = np.iinfo(np.int64).max // 2
    edges = [-far, *(int(days[k]) * NS_PER_DAY for k in starts[1:]), far]
    intervals = [
        UtcInterval(int(offset[k]) * NS_PER_SECOND, begin, end)
        for k, begin, end in zip(starts, edges[:-1], edges[1:], strict=True)
    ]
    return [i for i in intervals if first_tai - i.offset_ns < i.end_ns and last_tai - i.offset_ns >= i.begin_ns]
