"""Fields of CCSDS messages: their keywords, units and blocks, independent of the form of the file.

Keywords and units: Orbit Data Messages, CCSDS 502.0-B-3.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, NoReturn

from stmgpu.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

Record = dict[str, str]
"""Fields of one message or block: text by keyword."""


def fail(place: str, problem: str) -> NoReturn:
    """Reject a file for a problem at a place in it."""
    raise InputError(f"{place}: {problem}")


def shown(text: bytes | str) -> str:
    """Text of a file as an error message quotes it: ASCII, at most 60 characters.

    Examples
    --------
    >>> shown(b"caf\\xc3\\xa9")
    "'caf\\\\xe9'"
    """
    plain = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return ascii(plain[:60])


@dataclass(frozen=True)
class Block:
    """Fields that one block of a message may hold.

    Parameters
    ----------
    name : str
        Name of the block in error messages.
    keywords : frozenset of str
        Allowed keywords.
    units : mapping of str to str
        Unit of each keyword that may be given with one.
    pattern : re.Pattern, optional
        Keywords allowed besides.
    cure : str
        Advice on an unknown keyword; the allowed ones by default.
    """

    name: str
    keywords: frozenset[str]
    units: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    pattern: re.Pattern[str] | None = None
    cure: str = ""

    def knows(self, keyword: str) -> bool:
        """Whether the block may hold a keyword."""
        return keyword in self.keywords or bool(self.pattern and self.pattern.fullmatch(keyword))

    def add(self, record: Record, keyword: str, value: str, *, unit: str | None = None) -> str:
        """Add a field to a record.

        Returns
        -------
        str
            The problem, for which nothing was added: an unknown or repeated keyword, or a wrong unit; '' if there is
            none.

        Examples
        --------
        >>> OMM.block.add({}, "INCLINATION", "0.9", unit="rad")
        "unit of INCLINATION is 'rad', allowed is deg"
        """
        if not self.knows(keyword):
            cure = self.cure or f"allowed: {', '.join(sorted(self.keywords))}"
            return f"keyword {shown(keyword)} is not known in {self.name}; {cure}"
        if keyword in record:
            return f"{keyword[:60]} is given twice in {self.name}"
        if unit is not None and keyword in self.units and unit.strip().upper() != self.units[keyword].upper():
            return f"unit of {keyword} is {shown(unit)}, allowed is {self.units[keyword]}"
        record[keyword] = value
        return ""


@dataclass(frozen=True)
class FlatMessage:
    """A kind of message that is one list of fields, such as OMM.

    Parameters
    ----------
    name : str
        Name of the kind.
    block : Block
        All of its fields.
    sections : mapping of str to bool
        XML elements that hold the fields, and whether each is required.
    """

    name: str
    block: Block
    sections: Mapping[str, bool]

    @property
    def version_keyword(self) -> str:
        """Keyword that begins a message in KVN."""
        return f"CCSDS_{self.name}_VERS"


@dataclass(frozen=True)
class SegmentedMessage:
    """A kind of message with segments of metadata and states, such as OEM.

    Parameters
    ----------
    name : str
        Name of the kind.
    versions : tuple of str
        Supported versions.
    header, metadata, state, covariance : Block
        Fields of the header, of a segment's metadata, and of an XML state vector and covariance matrix.
    """

    name: str
    versions: tuple[str, ...]
    header: Block
    metadata: Block
    state: Block
    covariance: Block

    @property
    def version_keyword(self) -> str:
        """Keyword that begins a message in KVN."""
        return f"CCSDS_{self.name}_VERS"

    def check_version(self, place: str, version: str) -> None:
        """Reject a version that is not supported.

        Raises
        ------
        InputError
            If it is not among `versions`.
        """
        if version.strip() not in self.versions:
            fail(place, f"{self.name} version is {shown(version)}, allowed: {', '.join(self.versions)}")


@dataclass(frozen=True)
class FlatRecord:
    """One flat message as read from a file.

    Parameters
    ----------
    position : int
        Line or number of the message in the file, from 1.
    fields : dict of str to str
        Its fields, up to the first problem.
    problem : str
        What is wrong with it, or ''.
    ignored : set of str
        Unknown keywords that were ignored.
    """

    position: int
    fields: Record
    problem: str = ""
    ignored: AbstractSet[str] = frozenset()


HEADER = frozenset({"COMMENT", "CLASSIFICATION", "CREATION_DATE", "ORIGINATOR", "MESSAGE_ID"})
"""Keywords of every header, besides the version."""

METADATA = frozenset({"OBJECT_NAME", "OBJECT_ID", "CENTER_NAME", "REF_FRAME", "REF_FRAME_EPOCH", "TIME_SYSTEM"})
"""Metadata that orbit data messages have in common."""

STATE = ("X", "Y", "Z", "X_DOT", "Y_DOT", "Z_DOT")
"""Components of a state."""

_ACCELERATION = ("X_DDOT", "Y_DDOT", "Z_DDOT")

COVARIANCE_UNITS = {
    f"C{row}_{column}": ("km**2", "km**2/s", "km**2/s**2")[("DOT" in row) + ("DOT" in column)]
    for k, row in enumerate(STATE)
    for column in STATE[: k + 1]
}
"""Elements of the lower triangle of a covariance matrix, row by row, and their units."""

_MEAN_ELEMENT_UNITS = {
    "SEMI_MAJOR_AXIS": "km", "MEAN_MOTION": "rev/day", "INCLINATION": "deg", "RA_OF_ASC_NODE": "deg",
    "ARG_OF_PERICENTER": "deg", "MEAN_ANOMALY": "deg", "GM": "km**3/s**2", "MASS": "kg", "BSTAR": "1/ER",
    "MEAN_MOTION_DOT": "rev/day**2", "MEAN_MOTION_DDOT": "rev/day**3", "BTERM": "m**2/kg", "AGOM": "m**2/kg",
    "SOLAR_RAD_AREA": "m**2", "DRAG_AREA": "m**2",
}  # fmt: skip
_MEAN_ELEMENTS = frozenset({
    "EPOCH", "ECCENTRICITY", "SOLAR_RAD_COEFF", "DRAG_COEFF", "EPHEMERIS_TYPE", "CLASSIFICATION_TYPE", "NORAD_CAT_ID",
    "ELEMENT_SET_NO", "REV_AT_EPOCH", "COV_REF_FRAME", *_MEAN_ELEMENT_UNITS,
})  # fmt: skip

OMM = FlatMessage(
    name="OMM",
    block=Block(
        name="an OMM",
        keywords=HEADER | METADATA | _MEAN_ELEMENTS | {"CCSDS_OMM_VERS", "MEAN_ELEMENT_THEORY"},
        units=_MEAN_ELEMENT_UNITS,
        pattern=re.compile(r"USER_DEFINED_.*|C[XYZ](_DOT)?_[XYZ](_DOT)?", re.DOTALL),
        cure="check that the file holds OMM, or read it with --lenient (lenient=True), which ignores the keyword",
    ),
    sections={"metadata": True, "meanElements": True, "spacecraftParameters": False, "tleParameters": True},
)
"""Orbit Mean-Elements Message."""

OEM = SegmentedMessage(
    name="OEM",
    versions=("1.0", "2.0", "3.0"),
    header=Block("the header of an OEM", HEADER | {"CCSDS_OEM_VERS"}),
    metadata=Block(
        "the metadata of a segment",
        METADATA
        | {"START_TIME", "USEABLE_START_TIME", "USEABLE_STOP_TIME", "STOP_TIME"}
        | {"INTERPOLATION", "INTERPOLATION_DEGREE"},
    ),
    state=Block(
        "a state vector",
        frozenset({"EPOCH", *STATE, *_ACCELERATION}),
        {
            **dict.fromkeys(STATE[:3], "km"),
            **dict.fromkeys(STATE[3:], "km/s"),
            **dict.fromkeys(_ACCELERATION, "km/s**2"),
        },
    ),
    covariance=Block("a covariance matrix", frozenset({"EPOCH", "COV_REF_FRAME", *COVARIANCE_UNITS}), COVARIANCE_UNITS),
)
"""Orbit Ephemeris Message."""
