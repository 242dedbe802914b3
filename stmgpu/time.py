"""UTC in two parts: a Julian date at midnight and a fraction of the day.

One float64 Julian date resolves 40 microseconds, which is 0.3 m along a low orbit. Two parts resolve 0.01 ns. Days have
86,400 s throughout, as in every element set: a leap second is read as the first second of the next day.
"""

from __future__ import annotations

import datetime as _dt
import re
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from stmgpu.constants import SECONDS_PER_DAY
from stmgpu.errors import InputError
from stmgpu.typing import Floats, is_whole

UNIX_EPOCH_JD = 2440587.5
"""Julian date of 1970-01-01T00:00:00Z."""

YEAR_DAYS = 365.25
"""Julian year [d]."""

YEAR_S = YEAR_DAYS * 86_400.0
"""Julian year [s]."""

J2000_JD = 2_451_545.0
"""Julian date of the epoch J2000."""

NS_PER_SECOND = 1_000_000_000
NS_PER_DAY = 86_400 * NS_PER_SECOND
"""Nanoseconds in a second and in a day of 86,400 s."""

_Number = TypeVar("_Number", float, Floats)
_ORDINAL_TO_JD = 1721424.5  # date.toordinal() counts days from 0001-01-01
_MAX_DAYS_NS = 106_751  # |days since 1970| that datetime64[ns] can hold
_NAT = np.iinfo(np.int64).min
_FORMS = (
    "allowed: 2024-07-05, 2024-07-05T12:34, 2024-07-05T12:34:56, 2024-07-05T12:34:56.789012 (any number of "
    "digits up to 30, 'T' or a blank), or with the day of the year 2024-187T12:34:56.789; UTC, with or without Z, "
    "unless an offset such as +02:00 follows the time"
)
_PATTERN = re.compile(
    r"(\d{4})-(?:(\d{2})-(\d{2})|(\d{3}))"
    r"(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,30}))?)?(?:Z|([+-])(\d{2}):?(\d{2})?)?|Z)?",
    re.ASCII,
)


@dataclass(frozen=True, order=True)
class Epoch:
    """One instant in UTC as two float64: a Julian date at midnight and a fraction of the day.

    Parameters
    ----------
    jd : float
        Julian date of the midnight before the instant [d]; its decimals are .5.
    fr : float
        Fraction of the day since then, 0 <= fr < 1 [d].

    Raises
    ------
    InputError
        If the parts are not of this form; `Epoch.of` makes them so.

    Examples
    --------
    >>> parse_utc("2024-07-05T12:00:00")
    Epoch(jd=2460496.5, fr=0.5)
    """

    jd: float
    fr: float

    def __post_init__(self) -> None:
        if not (np.isfinite(self.jd) and self.jd % 1.0 == 0.5 and 0.0 <= self.fr < 1.0):
            raise InputError(
                f"epoch parts jd={self.jd!r}, fr={self.fr!r} are not a midnight (decimals .5) and a fraction in "
                "[0, 1); use Epoch.of(jd, fr) to bring other parts into this form"
            )

    @classmethod
    def of(cls, jd: float, fr: float = 0.0) -> Epoch:
        """Epoch from any two parts of a Julian date [d].

        Examples
        --------
        >>> Epoch.of(2460497.0)
        Epoch(jd=2460496.5, fr=0.5)
        """
        if not (np.isfinite(jd) and np.isfinite(fr)):
            raise InputError(f"epoch parts must be finite, got jd={jd!r}, fr={fr!r}")
        whole, part = normalise(jd, fr)
        return cls(float(whole), float(part))

    def plus(self, seconds: float) -> Epoch:
        """The epoch a number of seconds later (earlier if negative).

        Examples
        --------
        >>> parse_utc("2024-07-05").plus(-43200.0)
        Epoch(jd=2460495.5, fr=0.5)
        """
        if not np.isfinite(seconds):
            raise InputError(f"seconds must be finite, got {seconds!r}")
        days, rest = divmod(float(seconds), SECONDS_PER_DAY)
        return Epoch.of(self.jd + days, self.fr + rest / SECONDS_PER_DAY)

    def seconds_since(self, other: Epoch) -> float:
        """Seconds from `other` to this epoch, in days of 86,400 s.

        Examples
        --------
        >>> parse_utc("2024-07-06").seconds_since(parse_utc("2024-07-05T23:00:00"))
        3600.0
        """
        return float(seconds_since(self.jd, self.fr, other))

    @property
    def datetime64(self) -> np.datetime64:
        """The epoch as datetime64[ns], rounded to the nearest nanosecond."""
        return np.datetime64(int(to_datetime64(self.jd, self.fr).view(np.int64)), "ns")

    def __str__(self) -> str:
        return str(format_utc(self))


def normalise(jd: npt.ArrayLike, fr: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Bring two-part Julian dates into the form midnight plus fraction in [0, 1).

    Parameters
    ----------
    jd, fr : array_like of float
        Any two parts of Julian dates [d], of shapes that broadcast.

    Returns
    -------
    jd, fr : ndarray of float64
        `jd` with decimals .5 and `fr` in [0, 1) [d].

    Examples
    --------
    >>> [float(part) for part in normalise(2460496.5, 1.25)]
    [2460497.5, 0.25]
    """
    first, second = np.asarray(jd, np.float64), np.asarray(fr, np.float64)
    midnight = np.floor(first - 0.5) + 0.5
    part = (first - midnight) + second
    days = np.floor(part)
    part = part - days
    carry = part >= 1.0  # a tiny negative part rounds up to a whole day
    return midnight + days + carry, np.where(carry, 0.0, part)


def seconds_since(jd: npt.ArrayLike, fr: npt.ArrayLike, epoch: Epoch) -> Floats:
    """Seconds from `epoch` to two-part Julian dates, in days of 86,400 s.

    Parameters
    ----------
    jd, fr : array_like of float
        Two-part Julian dates [d], any shape.
    epoch : Epoch
        The instant to count from.

    Examples
    --------
    >>> seconds_since([2460496.5, 2460497.5], [0.5, 0.0], parse_utc("2024-07-05")).tolist()
    [43200.0, 86400.0]
    """
    days = np.asarray(jd, np.float64) - epoch.jd
    part = np.asarray(fr, np.float64) - epoch.fr
    return np.asarray(days * SECONDS_PER_DAY + part * SECONDS_PER_DAY)


def parse_utc(text: str) -> Epoch:
    """Read one UTC time.

    Parameters
    ----------
    text : str
        ISO 8601 date, or date and time with any fraction, or the day-of-year form, with or without Z. After a time,
        an offset from UTC such as +02:00 is subtracted.
        Second 60 is allowed at 23:59 (leap second) and gives the first second of the next day.

    Raises
    ------
    InputError
        For any other text; it names the text and the allowed forms.

    Examples
    --------
    >>> parse_utc("2007-064T10:34:41.4264").jd
    2454164.5
    """
    value: object = text  # callers without type checks pass anything
    match = _PATTERN.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise InputError(f"time {str(text)[:60]!r} is not a UTC time; {_FORMS}")
    year, month, day, day_of_year, hour, minute, second, digits, sign, hours_ahead, minutes_ahead = match.groups()
    try:
        if day_of_year is None:
            date = _dt.date(int(year), int(month), int(day))
        else:
            date = _dt.date(int(year), 1, 1) + _dt.timedelta(days=int(day_of_year) - 1)
            if date.year != int(year):
                raise ValueError("day of the year")
        ordinal = date.toordinal()
    except (ValueError, OverflowError):
        raise InputError(f"time {text!r} contains a date that does not exist; {_FORMS}") from None
    h, m, s = int(hour or 0), int(minute or 0), int(second or 0)
    ahead_h, ahead_m = int(hours_ahead or 0), int(minutes_ahead or 0)
    if ahead_h > 18 or ahead_m > 59:
        raise InputError(f"time {text!r} has an offset that does not exist (up to 18:00); {_FORMS}")
    ahead = (ahead_h * 60 + ahead_m) * (-1 if sign == "-" else 1)
    if h > 23 or m > 59 or s > 60 or (s == 60 and (h * 60 + m - ahead) % 1440 != 1439):
        raise InputError(
            f"time {text!r} holds a time of day that does not exist (hours 00-23, minutes 00-59, seconds 00-59, "
            f"and 60 only at 23:59); {_FORMS}"
        )
    scale = 10 ** len(digits or "")
    numerator = (h * 3600 + (m - ahead) * 60 + s) * scale + int(digits or 0)
    day_length = 86_400 * scale
    days, numerator = divmod(numerator, day_length)
    fr = numerator / day_length  # true division of integers rounds once
    if fr >= 1.0:
        days, fr = days + 1, 0.0
    return Epoch(ordinal + _ORDINAL_TO_JD + days, fr)


def to_datetime64(jd: npt.ArrayLike, fr: npt.ArrayLike, seconds: npt.ArrayLike = 0.0) -> npt.NDArray[np.datetime64]:
    """Two-part Julian dates, plus seconds, as datetime64[ns].

    Parameters
    ----------
    jd, fr : array_like of float
        Two-part Julian dates [d].
    seconds : array_like of float
        Seconds to add [s]. All three broadcast. The parts are summed as integer nanoseconds.

    Returns
    -------
    ndarray of datetime64[ns]
        NaT where any part is not finite.

    Raises
    ------
    InputError
        For instants outside the years 1678 to 2261, which datetime64[ns] cannot hold.

    Examples
    --------
    >>> str(to_datetime64(2460496.5, 0.5, 0.25))
    '2024-07-05T12:00:00.250000000'
    """
    first, part, extra = np.broadcast_arrays(
        np.asarray(jd, np.float64), np.asarray(fr, np.float64), np.asarray(seconds, np.float64)
    )
    finite = np.isfinite(first) & np.isfinite(part) & np.isfinite(extra)
    relative = np.where(finite, first, UNIX_EPOCH_JD) - UNIX_EPOCH_JD
    part = np.where(finite, part, 0.0)
    extra = np.where(finite, extra, 0.0)
    outside = np.abs(relative + part + extra / SECONDS_PER_DAY) >= _MAX_DAYS_NS
    if outside.any():
        bad = np.asarray(first)[outside].flat[0]
        raise InputError(f"Julian date {float(bad)} lies outside the years 1678 to 2261 that datetime64[ns] can hold")
    total = np.zeros(first.shape, np.int64)
    for value, unit in ((relative, NS_PER_DAY), (part, NS_PER_DAY), (extra, NS_PER_SECOND)):
        whole = np.floor(value)
        total = total + whole.astype(np.int64) * unit + np.rint((value - whole) * unit).astype(np.int64)
    return np.asarray(np.where(finite, total, _NAT), np.int64).view("datetime64[ns]")


def from_datetime64(values: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Two-part Julian dates of datetime64 values of any unit.

    Parameters
    ----------
    values : array_like of datetime64
        UTC instants, any shape.

    Returns
    -------
    jd, fr : ndarray of float64
        Midnight and fraction of the day [d]; NaN for NaT.

    Raises
    ------
    InputError
        If the values are not datetime64, or lie outside the years 1678 to 2261.

    Examples
    --------
    >>> [float(part) for part in from_datetime64(np.datetime64("2024-07-05T06:00"))]
    [2460496.5, 0.25]
    """
    array = np.asarray(values)
    if array.dtype.kind != "M":
        raise InputError(f"expected datetime64 values, got {array.dtype}; read texts with parse_utc")
    days_since_1970 = array.astype("datetime64[D]").view(np.int64)
    missing = np.isnat(array)
    if (np.abs(np.where(missing, 0, days_since_1970)) >= _MAX_DAYS_NS).any():
        raise InputError("datetime64 values outside the years 1678 to 2261 cannot be used to the nanosecond")
    nanos = array.astype("datetime64[ns]").view(np.int64)
    days, rest = np.divmod(np.where(missing, 0, nanos), NS_PER_DAY)
    jd = np.where(missing, np.nan, days + UNIX_EPOCH_JD)
    return jd, np.where(missing, np.nan, rest / float(NS_PER_DAY))


def format_utc(time: Epoch | npt.ArrayLike, digits: int = 6) -> Any:
    """UTC as text such as 2024-07-05T12:00:00.000000Z, rounded to the given digits.

    Parameters
    ----------
    time : Epoch, datetime64 or array_like of datetime64
        What to write; NaT gives 'NaT'.
    digits : int
        Decimals of the seconds, 0 to 9.

    Returns
    -------
    str or ndarray of str
        One text for one instant, otherwise an array of the same shape.

    Examples
    --------
    >>> format_utc(parse_utc("2024-07-05 12:00:00"), digits=3)
    '2024-07-05T12:00:00.000Z'
    """
    if not is_whole(digits) or not 0 <= digits <= 9:
        raise InputError(f"digits must be a whole number from 0 to 9, got {digits!r}")
    if isinstance(time, Epoch):
        values = to_datetime64(time.jd, time.fr)
    else:
        values = np.asarray(time)
        if values.dtype.kind != "M":
            raise InputError(f"expected an Epoch or datetime64 values, got {values.dtype}")
        values = np.asarray(values.astype("datetime64[ns]"))
    step = 10 ** (9 - digits)
    nanos = values.view(np.int64)
    rounded = np.where(np.isnat(values), _NAT, (nanos + step // 2) // step * step)
    stamp = np.datetime_as_string(np.asarray(rounded, np.int64).view("datetime64[ns]"))
    cut = np.asarray(stamp).astype(f"U{19 + (digits + 1 if digits else 0)}")
    text = np.where(np.isnat(values), "NaT", np.char.add(cut, "Z"))
    return str(text) if text.ndim == 0 else text


def as_epoch(value: object) -> Epoch:
    """Convert an instant to an `Epoch`.

    Parameters
    ----------
    value : Epoch, str, datetime64, datetime or Timestamp
        UTC, unless it has a time zone.

    Raises
    ------
    InputError
        For any other value.

    Examples
    --------
    >>> as_epoch("2024-07-05").fr
    0.0
    """
    if isinstance(value, Epoch):
        return value
    if isinstance(value, str):
        return parse_utc(value)
    if isinstance(value, _dt.datetime) and value.tzinfo is not None:
        value = value.astimezone(_dt.UTC).replace(tzinfo=None)
    if hasattr(value, "to_datetime64"):  # pandas.Timestamp keeps nanoseconds that datetime would lose
        value = value.to_datetime64()
    if getattr(value, "ndim", None) == 0:  # one element of an array or DataArray
        value = np.asarray(value)[()]
    if isinstance(value, (_dt.date, np.datetime64)):
        stamp = np.datetime64(value)
        if not np.isnat(stamp):
            jd, fr = from_datetime64(stamp)
            return Epoch(float(jd), float(fr))
    raise InputError(f"{value!r} is not an instant; give text such as '2024-07-05T12:00:00' or a datetime64")


def year_of_jd(jd: _Number) -> _Number:
    """Decimal year (Julian years since J2000) of a Julian date."""
    return 2000.0 + (jd - J2000_JD) / YEAR_DAYS


def jd_of_year(year: _Number) -> _Number:
    """Julian date of a decimal year (Julian years since J2000)."""
    return J2000_JD + (year - 2000.0) * YEAR_DAYS
