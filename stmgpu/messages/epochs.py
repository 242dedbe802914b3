"""Many epochs at array speed: the EPOCH texts of an OMM file as two-part Julian dates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from stmgpu.errors import InputError
from stmgpu.time import NS_PER_DAY, NS_PER_SECOND, UNIX_EPOCH_JD, parse_utc


def parse_utc_many(
    texts: Sequence[str],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Read many UTC times without raising: the usual form at array speed, any other allowed form one by one.

    Parameters
    ----------
    texts : sequence of str
        n times as in `parse_utc`.

    Returns
    -------
    jd, fr : ndarray of float64, shape (n,)
        Two-part Julian dates [d]; NaN where the text is not a time.
    valid : ndarray of bool, shape (n,)
        Where the text was a time.

    Examples
    --------
    >>> parse_utc_many(["2024-07-05T12:00:00", "noon"])[2].tolist()
    [True, False]
    """
    n = len(texts)
    jd, fr = np.full(n, np.nan), np.full(n, np.nan)
    done = np.zeros(n, np.bool_)
    if n and max(map(len, texts)) <= 64 and "".join(texts).isascii():
        done = _parse_common_form(np.array(texts, dtype="S"), jd, fr)
    valid = done.copy()
    for index in np.flatnonzero(~done).tolist():
        try:
            epoch = parse_utc(texts[index])
        except InputError:
            continue
        jd[index], fr[index], valid[index] = epoch.jd, epoch.fr, True
    return jd, fr, valid


def _parse_common_form(
    texts: npt.NDArray[np.bytes_], jd: npt.NDArray[np.float64], fr: npt.NDArray[np.float64]
) -> npt.NDArray[np.bool_]:
    """Fill `jd` and `fr` where a text reads YYYY-MM-DDTHH:MM:SS with up to 9 decimals and an optional Z."""
    width = 30
    raw = np.ascontiguousarray(texts.astype(f"S{width}")).view(np.uint8).reshape(len(texts), width)
    digit = raw.astype(np.int16) - ord("0")
    is_digit = (digit >= 0) & (digit <= 9)

    def number(*columns: int) -> npt.NDArray[np.int64]:
        value = np.zeros(len(raw), np.int64)
        for column in columns:
            value = value * 10 + digit[:, column]
        return value

    ok: npt.NDArray[np.bool_] = np.char.str_len(texts) < width
    for column, allowed in ((4, b"-"), (7, b"-"), (10, b"T "), (13, b":"), (16, b":")):
        ok &= np.isin(raw[:, column], np.frombuffer(allowed, np.uint8))
    ok &= is_digit[:, [0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18]].all(axis=1)

    # After the seconds: nothing, or a point and 1 to 9 digits; then an optional Z; then only padding.
    has_point = raw[:, 19] == ord(".")
    nanos = np.zeros(len(raw), np.int64)
    open_ = has_point.copy()
    count = np.zeros(len(raw), np.int64)
    for column in range(20, 29):
        open_ &= is_digit[:, column]
        nanos = nanos * 10 + np.where(open_, digit[:, column], 0)
        count += open_
    ok &= ~has_point | (count > 0)
    rows = np.arange(len(raw))
    end = np.where(has_point, 20 + count, 19)
    end = end + (raw[rows, end] == ord("Z"))
    ok &= (raw[rows, np.minimum(end, width - 1)] == 0) & (np.char.str_len(texts) == end)

    year, month, day = number(0, 1, 2, 3), number(5, 6), number(8, 9)
    hour, minute, second = number(11, 12), number(14, 15), number(17, 18)
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    lengths = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
    month_length = lengths[np.clip(month, 0, 12)] + (leap & (month == 2))
    ok &= (year >= 1) & (month >= 1) & (month <= 12) & (day >= 1) & (day <= month_length)
    ok &= (hour <= 23) & (minute <= 59) & (second <= 59)

    # Days since 1970-01-01 of the proleptic Gregorian calendar, with March as the first month of the year.
    shifted_year = year - (month <= 2)
    era = shifted_year // 400
    year_of_era = shifted_year - era * 400
    day_of_year = (153 * (month + np.where(month > 2, -3, 9)) + 2) // 5 + day - 1
    day_of_era = year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year
    days = era * 146_097 + day_of_era - 719_468
    nanoseconds = (hour * 3600 + minute * 60 + second) * NS_PER_SECOND + nanos
    jd[ok] = days[ok] + UNIX_EPOCH_JD
    fr[ok] = nanoseconds[ok] / float(NS_PER_DAY)  # both below 2**53: one rounding, as in parse_utc
    return ok
