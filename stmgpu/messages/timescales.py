"""Epochs of ephemeris files: many texts at array speed, and TAI, TT and GPS time as UTC.

Inside, UTC has days of 86,400 s and a leap second is the first second of the next day (see `stmgpu.time`). A table of
states that runs across a leap second is uniform in TAI only, so it is labelled twice: once as UTC went before it, once
as after it, each half used on its own side. The leap second itself has no label of its own and is left out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stmgpu.errors import InputError
from stmgpu.frames import tai_minus_utc
from stmgpu.time import NS_PER_DAY, NS_PER_SECOND

Ints = npt.NDArray[np.int64]

TIME_SYSTEMS = ("UTC", "TAI", "TT", "GPS")
"""Time systems that can be read."""

_TAI_MINUS_NS = {"TAI": 0, "TT": -32_184_000_000, "GPS": 19 * NS_PER_SECOND}
_YEARS = (1972, 2200)
_CALENDAR = re.compile(rb"(\d{4})-(?:(\d\d)-(\d\d)|(\d{3}))T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,30}))?)?Z?")
EPOCH_FORMS = (
    "2024-07-05T12:34:56.789 or, with the day of the year, 2024-187T12:34:56.789 (up to 30 decimals, rounded to "
    f"nanoseconds, an optional Z; years {_YEARS[0]} to {_YEARS[1]}; second 60 only in UTC at the end of a day)"
)
_WIDTH = 34
_CUMULATIVE = np.array([0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334])
_LENGTHS = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])


def parse_epochs(texts: Sequence[bytes]) -> tuple[Ints, Ints, npt.NDArray[np.bool_]]:
    """Read many calendar or day-of-year times without raising.

    Parameters
    ----------
    texts : sequence of bytes
        m times, without blanks around them; forms as `EPOCH_FORMS`.

    Returns
    -------
    day : ndarray of int64, shape (m,)
        Days since 1970-01-01; 0 where the text is no time.
    nanosecond : ndarray of int64, shape (m,)
        Nanoseconds since that midnight, 0 to 86,401e9: second 60 is kept as it stands.
    valid : ndarray of bool, shape (m,)
        Where the text was a time.

    Examples
    --------
    >>> day, nanosecond, valid = parse_epochs([b"1973-01-01T00:00:01.5Z", b"1973-002T00:00", b"noon"])
    >>> day.tolist(), nanosecond.tolist(), valid.tolist()
    ([1096, 1097, 0], [1500000000, 0, 0], [True, True, False])
    """
    m = len(texts)
    day, nanosecond, valid = np.zeros(m, np.int64), np.zeros(m, np.int64), np.zeros(m, np.bool_)
    if m == 0:
        return day, nanosecond, valid
    short = [text if len(text) < _WIDTH else b"" for text in texts]
    raw = np.array(short, f"S{_WIDTH}").view(np.uint8).reshape(m, _WIDTH)
    for by_day, column in ((False, 10), (True, 8)):
        rows = np.flatnonzero(raw[:, column] == ord("T"))
        if len(rows):
            day[rows], nanosecond[rows], valid[rows] = _columns(raw[rows], by_day)
    for k in np.flatnonzero(~valid).tolist():
        day[k], nanosecond[k], valid[k] = _one(texts[k])
    return day, nanosecond, valid


def _columns(raw: npt.NDArray[np.uint8], by_day: bool) -> tuple[Ints, Ints, npt.NDArray[np.bool_]]:
    """Times that read YYYY-MM-DDTHH:MM:SS or YYYY-DDDTHH:MM:SS with up to 9 decimals and an optional Z."""
    digit = raw.astype(np.int16) - ord("0")
    is_digit = (digit >= 0) & (digit <= 9)
    t = 8 if by_day else 10
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

    fraction, open_, count = np.zeros(len(raw), np.int64), raw[:, t + 9] == ord("."), np.zeros(len(raw), np.int64)
    has_point = open_.copy()
    for column in range(t + 10, t + 19):
        open_ &= is_digit[:, column]
        fraction = fraction * 10 + np.where(open_, digit[:, column], 0)
        count += open_
    good &= ~has_point | (count > 0)
    rows, end = np.arange(len(raw)), np.where(has_point, t + 10 + count, t + 9)
    end = end + (raw[rows, end] == ord("Z"))
    good &= raw[rows, end] == 0

    year = number(0, 1, 2, 3)
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    if by_day:
        of_year = number(5, 6, 7)
        good &= (of_year >= 1) & (of_year <= 365 + leap)
    else:
        month, of_month = number(5, 6), number(8, 9)
        good &= (month >= 1) & (month <= 12)
        known = np.where(good, month, 1)
        good &= (of_month >= 1) & (of_month <= _LENGTHS[known] + (leap & (known == 2)))
        of_year = _CUMULATIVE[known] + (leap & (known > 2)) + of_month
    before = year - 1
    day = before * 365 + before // 4 - before // 100 + before // 400 - 719_163 + of_year
    hour, minute, second = number(t + 1, t + 2), number(t + 4, t + 5), number(t + 7, t + 8)
    good &= (hour <= 23) & (minute <= 59) & (second <= 59 + ((hour == 23) & (minute == 59)))
    good &= (year >= _YEARS[0]) & (year <= _YEARS[1])
    return day, ((hour * 60 + minute) * 60 + second) * NS_PER_SECOND + fraction, good


def _one(text: bytes) -> tuple[int, int, bool]:
    """One time of any allowed form: more decimals, or no seconds."""
    match = _CALENDAR.fullmatch(text) if len(text) < 64 else None
    if match is None:
        return 0, 0, False
    year, month, of_month, of_year, hour, minute, second, decimals = match.groups(b"")
    head = year + b"-" + (of_year or month + b"-" + of_month)
    plain = head + b"T" + hour + b":" + minute + b":" + (second or b"00")
    day, nanosecond, valid = _columns(np.array([plain], f"S{_WIDTH}").view(np.uint8).reshape(1, _WIDTH), bool(of_year))
    scale = 10 ** len(decimals)
    fraction = (2 * int(decimals or 0) * NS_PER_SECOND + scale) // (2 * scale)
    return int(day[0]), int(nanosecond[0]) + fraction, bool(valid[0])


def to_tai(system: str, day: Ints, nanosecond: Ints) -> Ints:
    """Labels of a time system as TAI [ns since 1970-01-01T00:00:00 TAI].

    Parameters
    ----------
    system : str
        One of `TIME_SYSTEMS`.
    day, nanosecond : ndarray of int64
        From `parse_epochs`.

    Raises
    ------
    InputError
        For another system, and for a second 60 where there is no leap second.

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
        return np.asarray(day * NS_PER_DAY + nanosecond + _TAI_MINUS_NS[name])
    offset = tai_minus_utc(day)
    if leaping.any() and not (tai_minus_utc(day[leaping] + 1) == offset[leaping] + 1).all():
        wrong = int(day[leaping][tai_minus_utc(day[leaping] + 1) != offset[leaping] + 1][0])
        raise InputError(f"there is no leap second at the end of {np.datetime64(wrong, 'D')}, yet a time has second 60")
    return np.asarray(day * NS_PER_DAY + nanosecond + offset * NS_PER_SECOND)


@dataclass(frozen=True)
class Side:
    """UTC = TAI - `offset_ns` between two leap seconds: from `begin_ns` until `end_ns` (UTC, ns since 1970)."""

    offset_ns: int
    begin_ns: int
    end_ns: int


def sides_of_leaps(first_tai: int, last_tai: int) -> list[Side]:
    """The sides of the leap seconds within a span of TAI: one where there is none, the usual case.

    Parameters
    ----------
    first_tai, last_tai : int
        TAI [ns since 1970], first <= last.

    Examples
    --------
    >>> [side.offset_ns // 10**9 for side in sides_of_leaps(17_166 * NS_PER_DAY, 17_168 * NS_PER_DAY)]
    [36, 37]
    """
    days = np.arange(first_tai // NS_PER_DAY - 1, last_tai // NS_PER_DAY + 2)
    offset = tai_minus_utc(np.maximum(days, 730))
    starts = np.concatenate([[0], np.flatnonzero(np.diff(offset)) + 1])
    far = np.iinfo(np.int64).max // 2
    edges = [-far, *(int(days[k]) * NS_PER_DAY for k in starts[1:]), far]
    sides = [Side(int(offset[k]) * NS_PER_SECOND, a, b) for k, a, b in zip(starts, edges[:-1], edges[1:], strict=True)]
    return [s for s in sides if first_tai - s.offset_ns < s.end_ns and last_tai - s.offset_ns >= s.begin_ns]
