"""Read two-line and three-line element sets as one matrix of bytes a line.

Columns, units and checksum: NORAD two-line format as described by Hoots and Roehrich (1980), Spacetrack Report 3, and
Vallado et al. (2006), AIAA 2006-6753. Each number is digits divided once by a power of ten, which rounds as a decimal
parser does, and unit conversions follow the published SGP4 code, so that the elements equal its own to the last bit.
"""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import numpy.typing as npt

from stmgpu.catalog.assemble import Records, Stray
from stmgpu.catalog.limits import Fault
from stmgpu.typing import Bools, Floats, Ints, Strings

LINE_LENGTH = 69
FIRST_YEAR = 57
"""First two-digit year of the 1900s; smaller ones are of the 2000s."""

ALPHA5_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
"""First letters of ids from 100,000 on, in tens of thousands from 10; I and O are left out."""

_DEG_TO_RAD = math.pi / 180.0
_REV_PER_DAY = 1440.0 / (2.0 * math.pi)  # of one rad/min
_ELEMENT_LINE = re.compile(rb"[12] [ 0-9A-Z][ 0-9]{4}")
_LONGEST_NAME = 26
_POWERS = np.array([10.0**exponent for exponent in range(-9, 10)])
_BLANK_COLUMNS = {1: (1, 8, 17, 32, 43, 52, 61, 63), 2: (1, 7, 16, 25, 33, 42, 51)}

Matrix = npt.NDArray[np.uint8]
Mask = Bools


def read_tle(data: bytes) -> Records:
    """Parse TLE or 3LE text, with or without name lines; lines that start with # are comments."""
    lines = [line.rstrip() for line in data.splitlines()]
    used = [i for i, line in enumerate(lines) if line and not line.startswith(b"#")]
    kinds = _kinds([lines[i] for i in used])
    first = np.flatnonzero((kinds[:-1] == 1) & (kinds[1:] == 2))
    in_set = np.zeros(len(kinds), np.bool_)
    in_set[first] = in_set[first + 1] = True
    has_name = np.zeros(len(kinds), np.bool_)
    has_name[first[first > 0]] = kinds[first[first > 0] - 1] == 0
    in_set[np.flatnonzero(has_name) - 1] = True

    stray = [_stray(lines[used[i]], int(kinds[i]), used[i] + 1) for i in np.flatnonzero(~in_set).tolist()]
    sets, names = [], []
    for place in first.tolist():
        one, two = lines[used[place]], lines[used[place + 1]]
        wrong = next(((k, line) for k, line in ((1, one), (2, two)) if len(line) != LINE_LENGTH), None)
        if wrong is not None:
            position = used[place] + 1 if wrong[0] == 1 else used[place + 1] + 1
            reason = f"line {wrong[0]} of the set has {len(wrong[1])} characters, allowed is {LINE_LENGTH}"
            stray.append(Stray(position, _text(one[2:7]).strip(), reason))
            continue
        sets.append(place)
        names.append(lines[used[place - 1]] if has_name[place] else b"")
    ones = _matrix([lines[used[place]] for place in sets])
    twos = _matrix([lines[used[place + 1]] for place in sets])
    positions = np.array([used[place] + 1 for place in sets], np.int64)
    columns, faults = _columns(ones, twos, names)
    return Records(columns, positions, "line", lambda i: _text(ones[i, 2:7].tobytes()).strip(), faults, stray)


def _kinds(lines: list[bytes]) -> Ints:
    """1 and 2 for element lines, 0 for anything else; a short name that begins with '1 ' is not one."""
    kinds = np.array([1 if line[:2] == b"1 " else 2 if line[:2] == b"2 " else 0 for line in lines], np.int64)
    for i in np.flatnonzero((kinds[:-1] > 0) & (kinds[1:] == 1)).tolist():
        if len(lines[i]) <= _LONGEST_NAME and not _ELEMENT_LINE.match(lines[i]):
            kinds[i] = 0
    return kinds


def _stray(line: bytes, kind: int, position: int) -> Stray:
    who = _text(line[2:7]).strip() if kind else ""
    if kind == 1:
        return Stray(position, who, "line 1 is not followed by a line 2")
    if kind == 2:
        return Stray(position, who, "line 2 does not follow a line 1")
    return Stray(position, who, f"{_text(line[:40])!r} is neither an element line nor a name before one")


def _text(line: bytes) -> str:
    return line.decode("ascii", "replace")


def _matrix(lines: list[bytes]) -> Matrix:
    return np.frombuffer(b"".join(lines), np.uint8).reshape(len(lines), LINE_LENGTH)


def _columns(ones: Matrix, twos: Matrix, raw_names: list[bytes]) -> tuple[dict[str, npt.NDArray[Any]], list[Fault]]:
    faults: list[Fault] = []

    def fault(mask: Mask, label: str, lines: Matrix, columns: slice, *, allowed: str) -> None:
        if mask.any():
            faults.append(Fault(mask, label, lambda i: repr(_text(lines[i, columns].tobytes())), allowed))

    def number(lines: Matrix, start: int, whole: int, decimals: int, label: str) -> Floats:
        value, ok = _fixed(lines, start, whole, decimals)
        fault(~ok, label, lines, slice(start, start + whole + 1 + decimals), allowed=f"{'N' * whole}.{'N' * decimals}")
        return value

    def integer(lines: Matrix, start: int, stop: int, label: str) -> Ints:
        value, ok = _integer(lines[:, start:stop], blank_is_zero=True)
        fault(~ok, label, lines, slice(start, stop), allowed=f"{stop - start} digits or blanks before digits")
        return value

    for k, lines in ((1, ones), (2, twos)):
        foreign = np.asarray(((lines < 32) | (lines > 126)).any(axis=1))
        fault(foreign, f"line {k}", lines, slice(LINE_LENGTH), allowed="printable ASCII")
        filled = (lines[:, _BLANK_COLUMNS[k]] != ord(" ")).any(axis=1)
        blanks = ", ".join(str(column + 1) for column in _BLANK_COLUMNS[k])
        fault(filled, f"line {k}", lines, slice(LINE_LENGTH), allowed=f"a blank in columns {blanks}")
        total = _checksum(lines)
        digit = lines[:, 68].astype(np.int64) - ord("0")
        if (total != digit).any():
            faults.append(
                Fault(
                    total != digit,
                    f"checksum of line {k}",
                    lambda i, lines=lines: repr(chr(lines[i, 68])),  # type: ignore[misc]
                    "the sum over the line modulo 10; the line was damaged or edited",
                )
            )

    norad_id, ok = _satellite_number(ones[:, 2:7])
    fault(~ok, "NORAD id", ones, slice(2, 7), allowed="5 digits, or alpha-5 A0000 to Z9999 without I and O")
    fault(
        (ones[:, 2:7] != twos[:, 2:7]).any(axis=1), "NORAD id of line 2", twos, slice(2, 7), allowed="the id of line 1"
    )
    year, ok_year = _integer(ones[:, 18:20])
    day, ok_day = _fixed(ones, 20, 3, 8)
    day_digits = np.where(ok_day, np.rint(day * 1e8), 1e8).astype(np.int64)
    ok_day &= (day_digits >= 10**8) & (day_digits < 367 * 10**8)
    fault(~(ok_year & ok_day), "epoch", ones, slice(18, 32), allowed="YYDDD.DDDDDDDD with days 001 to 366")
    full_year = year + np.where(year < FIRST_YEAR, 2000, 1900)
    whole_days, fraction = np.divmod(day_digits, 10**8)

    dot, ok = _signed_fraction(ones[:, 33:43])
    fault(~ok, "mean motion derivative", ones, slice(33, 43), allowed="+.NNNNNNNN")
    ddot, ok = _exponential(ones[:, 44:52])
    fault(~ok, "mean motion second derivative", ones, slice(44, 52), allowed="+NNNNN-N")
    bstar, ok = _exponential(ones[:, 53:61])
    fault(~ok, "B*", ones, slice(53, 61), allowed="+NNNNN-N; it may not be left out")
    is_xp = ones[:, 62] == ord("4")
    fault(
        is_xp,
        "ephemeris type",
        ones,
        slice(62, 63),
        allowed="0: type 4 is SGP4-XP, which SGP4 cannot propagate; get SGP4 sets",
    )
    known = np.isin(ones[:, 62], np.frombuffer(b" 023", np.uint8)) | is_xp
    fault(~known, "ephemeris type", ones, slice(62, 63), allowed="0, 2, 3 or blank")
    eccentricity, ok = _integer(twos[:, 26:33])
    fault(~ok, "eccentricity", twos, slice(26, 33), allowed="7 digits")

    names, odd = _names(raw_names)
    if odd.any():
        faults.append(Fault(odd, "name line", lambda i: repr(_text(raw_names[i])), "printable ASCII"))
    classification = ones[:, 7].copy()
    classification[classification == ord(" ")] = ord("U")
    columns: dict[str, npt.NDArray[Any]] = {
        "norad_id": norad_id,
        "name": names,
        "object_id": np.array([_designator(_text(row.tobytes())) for row in ones[:, 9:17]], np.str_),
        "classification": classification.view("S1").astype("U1") if not (classification > 127).any() else
        np.array([chr(c) for c in classification], "U1"),
        "epoch_jd": full_year * 365 + (full_year - 1) // 4 + whole_days + 1721044.5,
        "epoch_fr": fraction / 1e8,
        "mean_motion_dot": dot / (_REV_PER_DAY * 1440.0),
        "mean_motion_ddot": ddot / (_REV_PER_DAY * 1440.0 * 1440.0),
        "bstar": bstar,
        "element_set_no": integer(ones, 64, 68, "element set number"),
        "inclination": number(twos, 8, 3, 4, "inclination") * _DEG_TO_RAD,
        "raan": number(twos, 17, 3, 4, "right ascension of the node") * _DEG_TO_RAD,
        "eccentricity": eccentricity / 1e7,
        "argp": number(twos, 34, 3, 4, "argument of perigee") * _DEG_TO_RAD,
        "mean_anomaly": number(twos, 43, 3, 4, "mean anomaly") * _DEG_TO_RAD,
        "mean_motion": number(twos, 52, 2, 8, "mean motion") / _REV_PER_DAY,
        "rev_at_epoch": integer(twos, 63, 68, "revolution number"),
    }  # fmt: skip
    return columns, faults


def _checksum(lines: Matrix) -> Ints:
    """Sum of the digits of the first 68 columns, a minus counting 1, modulo 10."""
    worth = np.zeros(256, np.uint8)
    worth[ord("0") : ord("9") + 1] = np.arange(10)
    worth[ord("-")] = 1
    return np.asarray(worth[lines[:, :68]].sum(axis=1, dtype=np.int64) % 10)


def _integer(chars: Matrix, *, blank_is_zero: bool = False) -> tuple[Ints, Mask]:
    """Digits after any leading blanks; all blank counts as zero only where allowed."""
    blank = chars == ord(" ")
    digit = (chars >= ord("0")) & (chars <= ord("9"))
    ok = (blank | digit).all(axis=1) & ~(digit[:, :-1] & blank[:, 1:]).any(axis=1)
    if not blank_is_zero:
        ok &= digit[:, -1]
    worth = np.where(digit, chars - np.uint8(ord("0")), 0).astype(np.int64)
    return worth @ 10 ** np.arange(chars.shape[1] - 1, -1, -1), ok


def _fixed(lines: Matrix, start: int, whole: int, decimals: int) -> tuple[Floats, Mask]:
    """A number with its point in a fixed column; blanks only before the first digit."""
    point = start + whole
    upper, ok_upper = _integer(lines[:, start:point], blank_is_zero=True)
    lower_chars = lines[:, point + 1 : point + 1 + decimals]
    lower, ok_lower = _integer(lower_chars)
    ok = ok_upper & ok_lower & (lines[:, point] == ord(".")) & (lower_chars != ord(" ")).all(axis=1)
    return (upper * 10**decimals + lower) / 10.0**decimals, ok


def _sign(chars: npt.NDArray[np.uint8]) -> tuple[Floats, Mask]:
    return np.where(chars == ord("-"), -1.0, 1.0), np.isin(chars, np.frombuffer(b" +-", np.uint8))


def _signed_fraction(chars: Matrix) -> tuple[Floats, Mask]:
    """A sign (or 0) and a fraction, as in ' .00000872'."""
    sign, ok_sign = _sign(chars[:, 0])
    digits, ok = _integer(chars[:, 2:])
    ok &= (ok_sign | (chars[:, 0] == ord("0"))) & (chars[:, 1] == ord(".")) & (chars[:, 2:] != ord(" ")).all(axis=1)
    return sign * (digits / 1e8), ok


def _exponential(chars: Matrix) -> tuple[Floats, Mask]:
    """A sign, five decimals after an assumed point, and a signed digit of the exponent, as in ' 11018-2'."""
    sign, ok_sign = _sign(chars[:, 0])
    digits, ok = _integer(chars[:, 1:6])
    exponent_sign, ok_exponent = _sign(chars[:, 6])
    exponent, ok_digit = _integer(chars[:, 7:8])
    ok &= ok_sign & ok_exponent & ok_digit & (chars[:, 1:6] != ord(" ")).all(axis=1)
    power = np.where(ok, exponent_sign * exponent, 0).astype(np.int64)
    return sign * (digits / 1e5) * _POWERS[power + 9], ok


def _satellite_number(chars: Matrix) -> tuple[Ints, Mask]:
    """Five digits, or a letter for tens of thousands from 10 on and four digits."""
    tens = np.zeros(256, np.int64)
    for value, letter in enumerate(ALPHA5_LETTERS, start=10):
        tens[ord(letter)] = value
    plain, ok_plain = _integer(chars)
    tail, ok_tail = _integer(chars[:, 1:])
    lettered = tens[chars[:, 0]]
    ok_tail &= (chars[:, 1:] != ord(" ")).all(axis=1)
    is_lettered = lettered > 0
    return np.where(is_lettered, lettered * 10_000 + tail, plain), np.where(is_lettered, ok_tail, ok_plain)


def _designator(text: str) -> str:
    """'98067A  ' as '1998-067A'; other texts unchanged."""
    text = text.strip()
    if len(text) < 5 or not (text[:5].isascii() and text[:5].isdigit()):
        return text
    century = 19 if int(text[:2]) >= FIRST_YEAR else 20
    return f"{century}{text[:2]}-{text[2:]}"


def _names(raw: list[bytes]) -> tuple[Strings, Mask]:
    texts = [_text(line[2:] if line[:2] == b"0 " else line).strip() for line in raw]
    odd = np.array([not (line.isascii() and _text(line).isprintable()) for line in raw], np.bool_)
    return np.array(texts, np.str_) if texts else np.zeros(0, "U1"), odd
