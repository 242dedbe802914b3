"""Format two-line element sets: fixed columns, alpha-5 ids, checksums."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.catalog.tle.columns import ALPHA5_LETTERS, FIRST_YEAR
from stmgpu.constants import MINUTES_PER_DAY
from stmgpu.errors import InputError
from stmgpu.time import from_datetime64, to_datetime64

if TYPE_CHECKING:
    from stmgpu.catalog.catalog import Catalog

MAX_ALPHA5_ID = 339_999
"""Largest id that five characters can hold, as Z9999."""

_REV_PER_DAY = MINUTES_PER_DAY / (2.0 * math.pi)
_TICKS = 100_000_000
_DESIGNATOR = re.compile(r"(\d{4})-(\d{3}[A-Z]{0,3})", re.ASCII)


def to_alpha5(norad_id: int) -> str:
    """Format an id up to 339,999 in five characters.

    Raises
    ------
    InputError
        For ids that do not fit.

    Examples
    --------
    >>> to_alpha5(25544), to_alpha5(100000), to_alpha5(339999)
    ('25544', 'A0000', 'Z9999')
    """
    if not 0 <= norad_id <= MAX_ALPHA5_ID:
        raise InputError(
            f"NORAD id {norad_id} does not fit a two-line element set, allowed are ids up to {MAX_ALPHA5_ID}; "
            "write OMM (csv, json, kvn or xml) instead"
        )
    tens, rest = divmod(norad_id, 10_000)
    return f"{norad_id:05d}" if tens < 10 else f"{ALPHA5_LETTERS[tens - 10]}{rest:04d}"


def tle_lines(catalog: Catalog, *, names: bool) -> str:
    """Format all objects as two-line element sets.

    Parameters
    ----------
    catalog : Catalog
        Objects to format.
    names : bool
        Whether a name line ('0 NAME') precedes each set.

    Raises
    ------
    InputError
        If an object's id, epoch, mean motion or B* does not fit the columns.
    """
    too_large = catalog.norad_id > MAX_ALPHA5_ID
    if too_large.any():
        to_alpha5(int(catalog.norad_id[too_large][0]))
    # Round the epoch to its 8 decimals first: it may carry into the next day or year.
    ticks = np.rint(catalog.epoch_fr * _TICKS).astype(np.int64)
    midnight = to_datetime64(catalog.epoch_jd + (ticks == _TICKS), 0.0)
    ticks = np.where(ticks == _TICKS, 0, ticks)
    years = midnight.astype("datetime64[Y]")
    day_of_year = from_datetime64(midnight)[0] - from_datetime64(years)[0] + 1.0
    year = years.astype(np.int64) + 1970
    angles = [np.round(np.degrees(column), 4) % 360.0 for column in (catalog.raan, catalog.argp, catalog.mean_anomaly)]
    texts = []
    for i in range(len(catalog)):
        who = to_alpha5(int(catalog.norad_id[i]))
        dot = float(catalog.mean_motion_dot[i]) * (_REV_PER_DAY * MINUTES_PER_DAY)
        ddot = float(catalog.mean_motion_ddot[i]) * (_REV_PER_DAY * MINUTES_PER_DAY * MINUTES_PER_DAY)
        motion = float(catalog.mean_motion[i]) * _REV_PER_DAY
        eccentricity = round(float(catalog.eccentricity[i]) * 1e7)
        if not 1900 + FIRST_YEAR <= year[i] < 2000 + FIRST_YEAR:
            raise _misfit(who, "epoch year", int(year[i]), "1957 to 2056")
        if not 0.0 < round(motion, 8) < 100.0:
            raise _misfit(who, "mean motion [rev/day]", motion, "1e-8 to 99.99999999")
        if eccentricity > 9_999_999:
            raise _misfit(who, "eccentricity", float(catalog.eccentricity[i]), "up to 0.9999999")
        one = (
            f"1 {who}{catalog.classification[i]} {_designator(str(catalog.object_id[i])):8s} "
            f"{year[i] % 100:02d}{int(day_of_year[i]):03d}.{ticks[i]:08d} {_first_derivative(dot, who)} "
            f"{_exponential(ddot, who, 'second derivative', '-')} "
            f"{_exponential(float(catalog.bstar[i]), who, 'B*', '+')} "
            f"0 {int(catalog.element_set_no[i]) % 10_000:4d}"
        )
        two = (
            f"2 {who} {math.degrees(float(catalog.inclination[i])):8.4f} {angles[0][i]:8.4f} "
            f"{eccentricity:07d} {angles[1][i]:8.4f} {angles[2][i]:8.4f} {motion:11.8f}"
            f"{int(catalog.rev_at_epoch[i]) % 100_000:5d}"
        )
        if names:
            texts.append(f"0 {_name(str(catalog.name[i]), who)}\n")
        texts.append(f"{one}{checksum(one)}\n{two}{checksum(two)}\n")
    return "".join(texts)


def checksum(line: str) -> int:
    """Sum of the digits of a line, a minus counting 1, modulo 10.

    Examples
    --------
    >>> checksum("1 - 23")
    7
    """
    return (sum(int(char) for char in line if char.isdigit()) + line.count("-")) % 10


def _misfit(who: str, what: str, value: object, allowed: str) -> InputError:
    return InputError(
        f"object {who}: {what} {value} does not fit a two-line element set, allowed is {allowed}; "
        "write OMM (csv, json, kvn or xml) instead"
    )


def _name(name: str, who: str) -> str:
    return name or f"OBJECT {who}"


def _designator(text: str) -> str:
    """'1998-067A' as '98067A'; other texts do not fit and become blank."""
    match = _DESIGNATOR.fullmatch(text)
    if match is None:
        return ""
    return match[1][2:] + match[2] if 1900 + FIRST_YEAR <= int(match[1]) < 2000 + FIRST_YEAR else ""


def _first_derivative(value: float, who: str) -> str:
    digits = round(abs(value) * 1e8)
    if digits >= 10**8:
        raise _misfit(who, "mean motion derivative [rev/day^2]", value, "below 1")
    return f"{_sign(value)}.{digits:08d}"


def _sign(value: float) -> str:
    return "-" if math.copysign(1.0, value) < 0.0 else " "  # public sets hold -.00000000 for what was rounded to zero


def _exponential(value: float, who: str, what: str, sign_of_zero: str) -> str:
    """A sign, five decimals after an assumed point, and the exponent of ten; public sets sign a zero one by field."""
    if value == 0.0:
        return f"{_sign(value)}00000{sign_of_zero}0"
    mantissa, _, power = f"{abs(value):.4e}".partition("e")
    exponent = int(power) + 1
    digits = int(mantissa.replace(".", ""))
    while exponent < -9:  # smaller than the exponent's one digit allows: fewer digits of the mantissa
        digits, exponent = round(digits / 10), exponent + 1
        if digits == 0:
            return f"{_sign(value)}00000{sign_of_zero}0"
    if exponent > 9:
        raise _misfit(who, what, value, "below 1e9")
    sign = "-" if exponent < 0 else "+" if exponent > 0 else sign_of_zero
    return f"{_sign(value)}{digits:05d}{sign}{abs(exponent)}"
