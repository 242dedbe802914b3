"""From the fields of a file, in the order they come, to a message that is checked."""

from __future__ import annotations

from decimal import Decimal
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
from stmgpu.messages.times import EPOCH_FORMS, parse_epochs
from stmgpu.time import NS_PER_DAY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stmgpu.typing import Floats

_MOST_NAMED = 6
_MOST_COMMENTS = 10_000


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

    def __str__(self) -> str:
        return f"OBJECT{self.number}" if self.number else "the message"

    def add(self, place: str, keyword: str, value: str, unit: str | None) -> None:
        """Add a field; a wrong one that is not needed is kept as it is written, with a warning."""
        if keyword in self.record:
            fail(place, f"{keyword[:60]} is given twice in {self}; remove one")
        field = self.table.get(keyword, Field())
        value, unit = value.strip(), (unit or "").strip() or None
        if not value.isprintable():
            value = " ".join(value.split())
        if field.kind == "text" and unit is not None:
            value, unit = f"{value} [{unit}]", None
        if not value and self.block.knows(keyword):
            return
        problem = self.block.add(self.record, keyword, value, unit=unit)
        if problem and not self.block.knows(keyword):
            fail(place, problem)
        problem = problem or _problem(keyword, value, field)
        if problem and field.needed:
            fail(place, problem)
        if problem:
            self.record[keyword] = f"{value} [{unit}]" if unit else value
            if value.lower() != "nan":  # how some write that a number is unknown
                self.warnings.append(f"{place}: {problem}; it is kept as text")
        self.places[keyword] = place

    def check(self) -> None:
        """Raise :class:`InputError` if a needed field is missing."""
        missing = [name for name, field in self.table.items() if field.needed and name not in self.record]
        if missing:
            more = f" and {len(missing) - _MOST_NAMED} more" if len(missing) > _MOST_NAMED else ""
            raise InputError(
                f"{self} has no {', '.join(missing[:_MOST_NAMED])}{more}, which a CDM needs; check that the file is "
                "complete"
            )

    def take(self, *names: str) -> list[str]:
        """Remove fields from the record and return their texts."""
        return [self.record.pop(name) for name in names]


def _problem(keyword: str, value: str, field: Field) -> str:
    if field.choices and value not in field.choices:
        return f"{keyword} is {shown(value)}, allowed: {', '.join(field.choices)}"
    if field.kind == "number" and not np.isfinite(number_of(value)):
        return f"{keyword} is {shown(value)}, allowed is {NUMBER_FORM}"
    if field.kind == "time" and _time(value) is None:
        return f"{keyword} is {shown(value)}, allowed are times such as {EPOCH_FORMS}"
    return ""


def _time(text: str) -> np.datetime64 | None:
    day, nanosecond, valid = parse_epochs([text.encode("utf-8", "replace")])
    if not valid[0]:
        return None
    return np.datetime64(int(day[0]) * NS_PER_DAY + int(nanosecond[0]), "ns")


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
        texts = [dict(section.record) for section in self.sections]
        objects = _object(self.sections[1]), _object(self.sections[2])
        time, miss = first.take("TCA", "MISS_DISTANCE")
        tca = _time(time)
        if tca is None or number_of(miss) < 0.0:
            fail(first.places["MISS_DISTANCE"], f"MISS_DISTANCE is {shown(miss)}, allowed is a number of 0 or more")
        warnings = [text for section in self.sections for text in section.warnings]
        message = ConjunctionMessage(
            tca, number_of(miss), objects, first.record, tuple(first.comments), source=self.source, version=self.version
        )
        warnings += _disagreements(message, texts)
        object.__setattr__(message, "warnings", tuple(warnings))
        return message


def _object(section: Section) -> ConjunctionObject:
    state = [number_of(text) for text in section.take(*STATE)]
    size = 6
    while size < len(AXES) and all(
        np.isfinite(number_of(section.record.get(element(size, column), ""))) for column in range(size + 1)
    ):
        size += 1
    matrix = np.zeros((size, size))
    for row in range(size):
        for column in range(row + 1):
            value = number_of(section.record[element(row, column)])
            if row == column and value < 0.0:
                name = element(row, row)
                fail(section.places[name], f"variance {name} is {value:g}, allowed is 0 or more")
            matrix[row, column] = matrix[column, row] = value
            del section.record[element(row, column)]
    rest = [name for name in section.record if name in COVARIANCE]
    if rest:
        section.warnings.append(f"{section.places[rest[0]]}: row of {rest[0]} is not complete; it is kept as text")
    designator, name, frame = section.take("OBJECT_DESIGNATOR", "OBJECT_NAME", "REF_FRAME")
    return ConjunctionObject(
        designator, name, frame, np.array(state[:3]), np.array(state[3:]), matrix, section.record,
        tuple(section.comments),
    )  # fmt: skip


def _last_digit(text: str) -> float:
    """Size of the last digit of a number."""
    exponent = Decimal(text).as_tuple().exponent
    return 10.0 ** min(max(int(exponent), -30), 20)


def _disagreements(message: ConjunctionMessage, texts: list[Record]) -> list[str]:
    """What the message states of itself and its states contradict by more than the rounding of both."""
    found = []
    one, two = message.objects
    if one.frame == two.frame:
        r = (one.position_km - two.position_km) * 1e3
        v = (one.velocity_km_s - two.velocity_km_s) * 1e3
        miss, speed = float(np.linalg.norm(r)), float(np.linalg.norm(v))
        digits = [_last_digit(record[name]) * 1e3 for record in texts[1:] for name in STATE]
        rounding = float(np.linalg.norm(digits[:3]) + np.linalg.norm(digits[6:9]))  # rounded or cut off
        rounding += float(np.hypot(miss, 1e-3 * speed)) - miss + 1e-9 * miss  # TCA is given to 1 ms
        stated = message.miss_distance_m
        if abs(miss - stated) > rounding + _last_digit(texts[0]["MISS_DISTANCE"]):
            found.append(f"the states are {miss:.9g} m apart, while MISS_DISTANCE is {stated:.9g} m")
        if one.frame == "ITRF":  # its rates turn with the Earth; relative speeds may be stated without that
            digits.append(ROTATION_RAD_S * miss)
        stated = message.number("RELATIVE_SPEED")
        rounding = float(np.linalg.norm(digits[3:6]) + np.linalg.norm(digits[9:12]) + sum(digits[12:])) + 1e-9 * speed
        if np.isfinite(stated) and abs(speed - stated) > rounding + _last_digit(texts[0]["RELATIVE_SPEED"]):
            found.append(f"the states move at {speed:.9g} m/s, while RELATIVE_SPEED is {stated:.9g} m/s")
    else:
        found.append(f"the objects have different frames, {one.frame} and {two.frame}")
    if one.designator == two.designator:
        found.append(f"both objects have OBJECT_DESIGNATOR {one.designator[:40]!r}")
    for first, last in (("START_SCREEN_PERIOD", "STOP_SCREEN_PERIOD"), ("SCREEN_ENTRY_TIME", "SCREEN_EXIT_TIME")):
        begin, end = (_time(message.fields.get(name, "")) for name in (first, last))
        if (begin is not None and message.tca < begin) or (end is not None and message.tca > end):
            found.append(f"TCA is outside of {first} and {last}")
    for number, each in enumerate(message.objects, start=1):
        if not _is_positive(each.covariance[:3, :3]):
            found.append(f"the covariance of the position of OBJECT{number} is not positive definite")
    return found


def _is_positive(matrix: Floats) -> bool:
    scale = np.sqrt(matrix.diagonal())
    if not (scale > 0.0).all():
        return False
    return bool(np.linalg.eigvalsh(matrix / np.outer(scale, scale))[0] > 0.0)
