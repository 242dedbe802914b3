"""Columns of two-line element sets: from characters in fixed columns to numbers.

Columns, units and checksum: NORAD two-line format as described by Hoots and Roehrich (1980), Spacetrack Report 3, and
Vallado et al. (2006), AIAA 2006-6753. Each number is digits divided once by a power of ten, which rounds as a decimal
parser does, and unit conversions follow the published SGP4 code, so that the elements equal its own to the last bit.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from stmgpu.catalog.limits import LONGEST_NAME, Fault
from stmgpu.typing import Bools, Floats, Ints, Strings

if TYPE_CHECKING:
    from stmgpu.catalog.notes import Notes

LINE_LENGTH = 69
FIRST_YEAR = 57
"""First two-digit year of the 1900s; smaller ones are of the 2000s."""

ALPHA5_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
"""First letters of ids from 100,000 on, in tens of thousands from 10; I and O are left out."""

_DEG_TO_RAD = math.pi / 180.0
_REV_PER_DAY = 1440.0 / (2.0 * math.pi)  # of one rad/min
_REPLACED = "\ufffd"
_POWERS = np.array([10.0**exponent for exponent in range(-9, 10)])
_BLANK_COLUMNS = {1: (1, 8, 17, 32, 43, 52, 61, 63), 2: (1, 7, 16, 25, 33, 42, 51)}

Matrix = npt.NDArray[np.uint8]
Mask = Bools


def text_of(line: bytes) -> str:
    """Characters of a line; what is not ASCII is replaced."""
    return line.decode("ascii", "replace")


class SetColumns:
    """Columns of n sets from their lines, with the faults found on the way.

    Parameters
    ----------
    ones, twos : ndarray of uint8, shape (n, 69)
        Characters of the lines.
    positions : ndarray of int64, shape (n,)
        Places of the sets.
    notes : Notes
        Takes a note for what is mended.
    lenient : bool
        Whether harmless breaches are mended.
    """

    def __init__(self, ones: Matrix, twos: Matrix, positions: Ints, notes: Notes, *, lenient: bool) -> None:
        self.faults: list[Fault] = []
        self._ones, self._twos = ones, twos
        self._positions, self._notes, self._lenient = positions, notes, lenient

    def _fault(self, mask: Mask, label: str, lines: Matrix, columns: slice, *, allowed: str) -> None:
        if mask.any():
            self.faults.append(Fault(mask, label, lambda i: repr(text_of(lines[i, columns].tobytes())), allowed))

    def _mended(self, broken: Mask, note: str) -> Mask:
        """What is still a fault."""
        if not self._lenient:
            return broken
        self._notes.add_all(note, broken, self._positions)
        return np.zeros(len(broken), np.bool_)

    def _number(self, lines: Matrix, start: int, whole: int, decimals: int, label: str) -> Floats:
        value, ok = _fixed(lines, start, whole, decimals)
        columns = slice(start, start + whole + 1 + decimals)
        self._fault(~ok, label, lines, columns, allowed=f"{'N' * whole}.{'N' * decimals}")
        return value

    def _count(self, lines: Matrix, start: int, stop: int, label: str) -> Ints:
        """A whole number that SGP4 does not use."""
        value, ok = _integer(lines[:, start:stop], blank_is_zero=True)
        broken = self._mended(~ok, f"{label} cannot be read and is left out")
        self._fault(broken, label, lines, slice(start, stop), allowed=f"{stop - start} digits or blanks before digits")
        return np.where(ok, value, 0)

    def _derivative(self, parsed: tuple[Floats, Mask], columns: slice, label: str, allowed: str) -> Floats:
        """A derivative, which SGP4 does not use."""
        value, ok = parsed
        broken = self._mended(~ok, f"{label} cannot be read and is left out")
        self._fault(broken, label, self._ones, columns, allowed=allowed)
        return np.where(ok, value, 0.0)

    def columns(self, raw_names: list[bytes]) -> dict[str, npt.NDArray[Any]]:
        """Columns of `Catalog`."""
        ones, twos = self._ones, self._twos
        self._check_lines()
        ids = self._ids()
        jd, fr = self._epochs()
        dot = self._derivative(_signed_fraction(ones[:, 33:43]), slice(33, 43), "mean motion derivative", "+.NNNNNNNN")
        ddot = self._derivative(
            _exponential(ones[:, 44:52]), slice(44, 52), "mean motion second derivative", "+NNNNN-N"
        )
        bstar, ok = _exponential(ones[:, 53:61])
        self._fault(~ok, "B*", ones, slice(53, 61), allowed="+NNNNN-N; it may not be left out")
        self._check_type()
        eccentricity, ok = _integer(twos[:, 26:33])
        self._fault(~ok, "eccentricity", twos, slice(26, 33), allowed="7 digits")
        return {
            "norad_id": ids,
            "name": self._names(raw_names),
            "object_id": np.array([_designator(text_of(row.tobytes())) for row in ones[:, 9:17]], np.str_),
            "classification": self._classifications(),
            "epoch_jd": jd,
            "epoch_fr": fr,
            "mean_motion_dot": dot / (_REV_PER_DAY * 1440.0),
            "mean_motion_ddot": ddot / (_REV_PER_DAY * 1440.0 * 1440.0),
            "bstar": bstar,
            "element_set_no": self._count(ones, 64, 68, "element set number"),
            "inclination": self._number(twos, 8, 3, 4, "inclination") * _DEG_TO_RAD,
            "raan": self._number(twos, 17, 3, 4, "right ascension of the node") * _DEG_TO_RAD,
            "eccentricity": eccentricity / 1e7,
            "argp": self._number(twos, 34, 3, 4, "argument of perigee") * _DEG_TO_RAD,
            "mean_anomaly": self._number(twos, 43, 3, 4, "mean anomaly") * _DEG_TO_RAD,
            "mean_motion": self._number(twos, 52, 2, 8, "mean motion") / _REV_PER_DAY,
            "rev_at_epoch": self._count(twos, 63, 68, "revolution number"),
        }

    def _check_lines(self) -> None:
        for k, lines in ((1, self._ones), (2, self._twos)):
            foreign = np.asarray(((lines < 32) | (lines > 126)).any(axis=1))
            self._fault(foreign, f"line {k}", lines, slice(LINE_LENGTH), allowed="printable ASCII")
            filled = (lines[:, _BLANK_COLUMNS[k]] != ord(" ")).any(axis=1)
            blanks = ", ".join(str(column + 1) for column in _BLANK_COLUMNS[k])
            self._fault(filled, f"line {k}", lines, slice(LINE_LENGTH), allowed=f"a blank in columns {blanks}")
            self._fault(
                checksums(lines) != lines[:, LINE_LENGTH - 1].astype(np.int64) - ord("0"),
                f"checksum of line {k}",
                lines,
                slice(LINE_LENGTH - 1, LINE_LENGTH),
                allowed="the sum over the line modulo 10; the line was damaged or edited",
            )

    def _ids(self) -> Ints:
        ones, twos = self._ones, self._twos
        ids, ok = _satellite_number(ones[:, 2:7])
        allowed = "5 digits, or alpha-5 A0000 to Z9999 without I and O"
        self._fault(~ok, "NORAD id", ones, slice(2, 7), allowed=allowed)
        differs = (ones[:, 2:7] != twos[:, 2:7]).any(axis=1)
        if self._lenient:
            ids_two, ok_two = _satellite_number(twos[:, 2:7])
            same = differs & ok & ok_two & (ids == ids_two)
            self._mended(same, "line 2 writes the id otherwise than line 1")
            differs &= ~same
        self._fault(differs, "NORAD id of line 2", twos, slice(2, 7), allowed="the id of line 1")
        return ids

    def _epochs(self) -> tuple[Floats, Floats]:
        ones = self._ones
        year, ok_year = _integer(ones[:, 18:20])
        day, ok_day = _fixed(ones, 20, 3, 8)
        day_digits = np.where(ok_day, np.rint(day * 1e8), 1e8).astype(np.int64)
        ok_day &= (day_digits >= 10**8) & (day_digits < 367 * 10**8)
        allowed = "YYDDD.DDDDDDDD with days 001 to 366"
        self._fault(~(ok_year & ok_day), "epoch", ones, slice(18, 32), allowed=allowed)
        full_year = year + np.where(year < FIRST_YEAR, 2000, 1900)
        whole_days, fraction = np.divmod(day_digits, 10**8)
        jd = full_year * 365 + (full_year - 1) // 4 + whole_days + 1721044.5
        return np.asarray(jd, np.float64), fraction / 1e8

    def _check_type(self) -> None:
        kind = self._ones[:, 62]
        is_xp = kind == ord("4")
        xp = "0: type 4 is SGP4-XP, which SGP4 cannot propagate; get SGP4 sets"
        self._fault(is_xp, "ephemeris type", self._ones, slice(62, 63), allowed=xp)
        known = np.isin(kind, np.frombuffer(b" 023", np.uint8)) | is_xp
        self._fault(~known, "ephemeris type", self._ones, slice(62, 63), allowed="0, 2, 3 or blank")

    def _classifications(self) -> Strings:
        letters = self._ones[:, 7].copy()
        letters[letters == ord(" ")] = ord("U")
        if self._lenient:
            small = np.isin(letters, np.frombuffer(b"ucs", np.uint8))
            self._mended(small, "the classification is a small letter")
            letters[small] -= ord("a") - ord("A")
        if (letters > 127).any():
            return np.array([chr(c) for c in letters], "U1")
        return np.asarray(letters.view("S1").astype("U1"))

    def _names(self, raw: list[bytes]) -> Strings:
        texts = [(line[2:] if line[:2] == b"0 " else line).decode("utf-8", "replace").strip() for line in raw]
        for label, wrong in (
            ("the name is not UTF-8; bytes that are none are replaced", [_REPLACED in text for text in texts]),
            (f"the name is cut after {LONGEST_NAME} characters", [len(text) > LONGEST_NAME for text in texts]),
        ):
            self._notes.add_all(label, np.array(wrong, np.bool_), self._positions)
        texts = [text[:LONGEST_NAME] for text in texts]
        odd = np.array([not text.isprintable() for text in texts], np.bool_)
        if self._lenient and odd.any():
            self._mended(odd, "control characters of the name are replaced")
            texts = ["".join(c if c.isprintable() else _REPLACED for c in text) for text in texts]
            odd[:] = False
        if odd.any():
            allowed = "printable text"
            self.faults.append(Fault(odd, "name line", lambda i: repr(raw[i].decode("utf-8", "replace")), allowed))
        return np.array(texts, np.str_) if texts else np.zeros(0, "U1")


def checksums(lines: Matrix) -> Ints:
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
