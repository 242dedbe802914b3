"""From the fields of a file, in the order they come, to a message that is checked."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.errors import InputError
from stmgpu.frames import ROTATION_RAD_S
from stmgpu.messages.cdm.fields import (
    AXES,
    COVARIANCE,
    MESSAGE,
    MESSAGE_BLOCK,
    OBJECT_BLOCK,
    OF_OBJECT,
    VERSION_KEYWORD,
    VERSIONS,
    Field,
    element,
    is_user_defined,
)
from stmgpu.messages.cdm.message import NUMBER_FORM, ConjunctionMessage, ConjunctionObject, number_of
from stmgpu.messages.fields import STATE, Block, Record, fail, shown
from stmgpu.messages.times import EPOCH_FORMS, parse_epoch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from stmgpu.typing import Floats

_MOST_NAMED = 6
_MOST_COMMENTS = 10_000
_CLEARLY_POSITIVE = 1e-9
"""Principal minors of correlations above this are positive whatever their rounding, which is of the order of 1e-15."""

_NEEDED = [tuple(name for name, field in table.items() if field.needed) for table in (MESSAGE, OF_OBJECT)]
_ROWS = tuple(tuple(element(row, column) for column in range(row + 1)) for row in range(len(AXES)))
"""Keywords of the lower triangle of a covariance, row by row."""

_AS_VALUES = {
    size: frozenset({"OBJECT_DESIGNATOR", "OBJECT_NAME", "REF_FRAME", *STATE}.union(*_ROWS[:size]))
    for size in range(6, len(AXES) + 1)
}
"""Keywords of an object that are no longer texts, by the size of its covariance."""


class Section:
    """Fields of the message itself (number 0), or of one object."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.block: Block = OBJECT_BLOCK if number else MESSAGE_BLOCK
        self.table: Mapping[str, Field] = OF_OBJECT if number else MESSAGE
        self.record: Record = {}
        self.places: dict[str, str] = {}
        self.comments: list[str] = []
        self.warnings: list[str] = []
        self.numbers: dict[str, float] = {}
        self.times: dict[str, int] = {}

    def __str__(self) -> str:
        return f"OBJECT{self.number}" if self.number else "the message"

    def take_plain(self, place: str, keyword: str, value: str, unit: str | None) -> bool:
        """Add a field that is right in its usual form, as nearly all are; False for any other, which is not added."""
        field = self.table.get(keyword)
        if field is None or keyword in self.record:
            return False
        value = value.strip()
        if field.kind == "number":
            number = number_of(value)
            if number != number or (unit and field.unit not in (unit, "")):
                return False
            self.numbers[keyword] = number
        elif unit or not value or not value.isprintable():
            return False
        elif field.kind == "time":
            time = parse_epoch(value)
            if time is None:
                return False
            self.times[keyword] = time
        elif field.choices and value not in field.choices:
            return False
        self.record[keyword] = value
        self.places[keyword] = place
        return True

    def add(self, place: str, keyword: str, value: str, unit: str | None) -> None:
        """Add a field of any form; a wrong one that is not needed is kept as it is written, with a warning."""
        if keyword in self.record:
            fail(place, f"{keyword[:60]} is given twice in {self}; remove one")
        field = self.table.get(keyword, Field())
        value, unit = value.strip(), (unit or "").strip() or None
        if not value.isprintable():
            value = " ".join(value.split())
        if field.kind == "text" and unit is not None:
            value, unit = f"{value} [{unit}]".lstrip(), None
        if not value and self.block.knows(keyword):
            return
        problem = self.block.add(self.record, keyword, value, unit=unit)
        if problem and not self.block.knows(keyword):
            fail(place, problem)
        problem = problem or self._problem(keyword, value, field)
        if problem and field.needed:
            fail(place, problem)
        if problem:
            self.record[keyword] = f"{value} [{unit}]" if unit else value
            if value.lower() != "nan":  # how some write that a number is unknown
                self.warnings.append(f"{place}: {problem}; it is kept as text")
        self.places[keyword] = place

    def _problem(self, keyword: str, value: str, field: Field) -> str:
        """What is wrong with a value; if nothing is, '', and the number or time is kept."""
        if field.choices and value not in field.choices:
            return f"{keyword} is {shown(value)}, allowed: {', '.join(field.choices)}"
        if field.kind == "number":
            number = number_of(value)
            if number != number:
                return f"{keyword} is {shown(value)}, allowed is {NUMBER_FORM}"
            self.numbers[keyword] = number
        if field.kind == "time":
            time = parse_epoch(value)
            if time is None:
                return f"{keyword} is {shown(value)}, allowed are times such as {EPOCH_FORMS}"
            self.times[keyword] = time
        return ""

    def check(self) -> None:
        """Raise :class:`InputError` if a needed field is missing."""
        missing = [name for name in _NEEDED[self.number > 0] if name not in self.record]
        if missing:
            more = f" and {len(missing) - _MOST_NAMED} more" if len(missing) > _MOST_NAMED else ""
            raise InputError(
                f"{self} has no {', '.join(missing[:_MOST_NAMED])}{more}, which a CDM needs; check that the file is "
                "complete"
            )


class Builder:
    """Collects the fields of one message.

    Parameters
    ----------
    source : str
        File and place of the message.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self.sections = [Section(0)]
        self.version = ""

    def comment(self, text: str) -> None:
        """Add a comment to the section that is open."""
        comments = self.sections[-1].comments
        if len(comments) >= _MOST_COMMENTS:
            fail(str(self.sections[-1]), f"it has more than {_MOST_COMMENTS} comments")
        comments.append(" ".join(text.split()))

    def add(self, place: str, keyword: str, value: str, unit: str | None = None) -> None:
        """Add a field: to the section that is open, or OBJECT, which opens the next."""
        if self.sections[-1].take_plain(place, keyword, value, unit):
            return
        if keyword == VERSION_KEYWORD:
            if value.strip() not in VERSIONS:
                fail(place, f"CDM version is {shown(value)}, allowed: {', '.join(VERSIONS)}")
            self.version = value.strip()
        elif keyword == "OBJECT":
            self._open(place, value.strip())
        else:
            section = self.sections[0 if is_user_defined(keyword) else -1]
            section.add(place, keyword, value, unit)

    def _open(self, place: str, value: str) -> None:
        wanted = f"OBJECT{len(self.sections)}"
        if value != wanted or len(self.sections) > 2:
            again = value in [str(section) for section in self.sections[1:]]
            allowed = f"allowed here: {wanted}" if len(self.sections) < 3 else "a CDM has OBJECT1 and OBJECT2"
            fail(place, f"OBJECT is {shown(value)}{', which is given already' if again else ''}; {allowed}")
        self.sections.append(Section(len(self.sections)))

    def close(self) -> ConjunctionMessage:
        """The message.

        Raises
        ------
        InputError
            If something needed is missing or a covariance is impossible.
        """
        if not self.version:
            raise InputError(f"it has no {VERSION_KEYWORD}; a CDM begins with {VERSION_KEYWORD} = {VERSIONS[0]}")
        first = self.sections[0]
        first.check()
        for number in (1, 2):
            if number >= len(self.sections):
                raise InputError(f"it has no OBJECT = OBJECT{number}; check that the file is complete")
            self.sections[number].check()
        one, two = _object(self.sections[1]), _object(self.sections[2])
        tca, miss = np.datetime64(first.times["TCA"], "ns"), first.numbers["MISS_DISTANCE"]
        if miss < 0.0:
            text = shown(first.record["MISS_DISTANCE"])
            fail(first.places["MISS_DISTANCE"], f"MISS_DISTANCE is {text}, allowed is a number of 0 or more")
        fields = {name: text for name, text in first.record.items() if name not in ("TCA", "MISS_DISTANCE")}
        message = ConjunctionMessage(
            tca, miss, (one, two), fields, tuple(first.comments), source=self.source, version=self.version
        )
        warnings = [text for section in self.sections for text in section.warnings]
        warnings += _disagreements(message, self.sections)
        object.__setattr__(message, "warnings", tuple(warnings))
        return message


def _object(section: Section) -> ConjunctionObject:
    numbers, record = section.numbers, section.record
    size = 6
    while size < len(AXES) and all(name in numbers for name in _ROWS[size]):
        size += 1
    matrix = np.zeros((size, size))
    for row, names in enumerate(_ROWS[:size]):
        values = [numbers[name] for name in names]
        if values[-1] < 0.0:
            fail(section.places[names[-1]], f"variance {names[-1]} is {values[-1]:g}, allowed is 0 or more")
        matrix[row, : row + 1] = matrix[: row + 1, row] = values
    fields = {name: text for name, text in record.items() if name not in _AS_VALUES[size]}
    rest = [name for name in fields if name in COVARIANCE]
    if rest:
        section.warnings.append(f"{section.places[rest[0]]}: row of {rest[0]} is not complete; it is kept as text")
    state = np.array([numbers[name] for name in STATE])
    return ConjunctionObject(
        record["OBJECT_DESIGNATOR"], record["OBJECT_NAME"], record["REF_FRAME"], state[:3], state[3:], matrix, fields,
        tuple(section.comments),
    )  # fmt: skip


def _last_digit(text: str) -> float:
    """Size of the last digit of a number.

    Examples
    --------
    >>> _last_digit("-1.50"), _last_digit("3.e2")
    (0.01, 100.0)
    """
    digits, _, exponent = text.lower().partition("e")
    return 10.0 ** min(max(int(exponent or 0) - len(digits.partition(".")[2]), -30), 20)


def _disagreements(message: ConjunctionMessage, sections: Sequence[Section]) -> list[str]:
    """What the message states of itself and its states contradict by more than the rounding of both."""
    found = []
    one, two = message.objects
    of_message, times = sections[0], sections[0].times
    if one.frame == two.frame:
        miss = 1e3 * math.dist(one.position_km.tolist(), two.position_km.tolist())
        speed = 1e3 * math.dist(one.velocity_km_s.tolist(), two.velocity_km_s.tolist())
        digits = [[_last_digit(section.record[name]) * 1e3 for name in STATE] for section in sections[1:]]
        rounding = math.hypot(*digits[0][:3]) + math.hypot(*digits[1][:3])  # rounded or cut off
        rounding += math.hypot(miss, 1e-3 * speed) - miss + 1e-9 * miss  # TCA is given to 1 ms
        stated = message.miss_distance_m
        if abs(miss - stated) > rounding + _last_digit(of_message.record["MISS_DISTANCE"]):
            found.append(f"the states are {miss:.9g} m apart, while MISS_DISTANCE is {stated:.9g} m")
        rounding = math.hypot(*digits[0][3:]) + math.hypot(*digits[1][3:]) + 1e-9 * speed
        if one.frame == "ITRF":  # its rates turn with the Earth; relative speeds may be stated without that
            rounding += ROTATION_RAD_S * miss
        stated = of_message.numbers.get("RELATIVE_SPEED", math.nan)
        if stated == stated and abs(speed - stated) > rounding + _last_digit(of_message.record["RELATIVE_SPEED"]):
            found.append(f"the states move at {speed:.9g} m/s, while RELATIVE_SPEED is {stated:.9g} m/s")
    else:
        found.append(f"the objects have different frames, {one.frame} and {two.frame}")
    if one.designator == two.designator:
        found.append(f"both objects have OBJECT_DESIGNATOR {one.designator[:40]!r}")
    for first, last in (("START_SCREEN_PERIOD", "STOP_SCREEN_PERIOD"), ("SCREEN_ENTRY_TIME", "SCREEN_EXIT_TIME")):
        if not times.get(first, times["TCA"]) <= times["TCA"] <= times.get(last, times["TCA"]):
            found.append(f"TCA is outside of {first} and {last}")
    for number, each in enumerate(message.objects, start=1):
        if not _is_positive(each.covariance[:3, :3]):
            found.append(f"the covariance of the position of OBJECT{number} is not positive definite")
    return found


def _is_positive(matrix: Floats) -> bool:
    variances = matrix.diagonal().tolist()
    if min(variances) <= 0.0:
        return False
    scale = [math.sqrt(value) for value in variances]
    a, b, c = (float(matrix[row, column]) / (scale[row] * scale[column]) for row, column in ((1, 0), (2, 0), (2, 1)))
    minors = 1.0 - a * a, 1.0 - a * a - b * b - c * c + 2.0 * a * b * c
    if min(minors) > _CLEARLY_POSITIVE:
        return True
    return bool(np.linalg.eigvalsh(matrix / np.outer(scale, scale))[0] > 0.0)
