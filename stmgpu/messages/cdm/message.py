"""A CDM as values: two objects with states and covariances, and every other field as its text."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.errors import InputError
from stmgpu.messages.cdm.fields import VERSIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stmgpu.typing import Floats

LARGEST = 1e20
"""Largest size of a number."""

NUMBER_FORM = f"a decimal number such as -1.5e3, of at most {LARGEST:g}"

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?", re.ASCII)
_RADIUS = re.compile(
    r"(?:(?:COMBINED )?HBR|(OPERATOR )?HARD[ _-]BODY[ _-]RADIUS)\s*[=:]\s*(\S+?)\s*(?:\[?\s*([a-z]+)\s*\]?)?\s*",
    re.IGNORECASE,
)
_METRES = {"": 1.0, "m": 1.0, "km": 1000.0}


def number_of(text: str) -> float:
    """Number that a text states; NaN if it states none.

    Examples
    --------
    >>> number_of("3.303E02"), number_of("1e400"), number_of("1_0")
    (330.3, nan, nan)
    """
    value = float(text) if len(text) <= 60 and _NUMBER.fullmatch(text) else np.nan
    return value if abs(value) <= LARGEST else np.nan


@dataclass(frozen=True, eq=False)
class ConjunctionObject:
    """One of both objects of a conjunction.

    Parameters
    ----------
    designator, name : str
        OBJECT_DESIGNATOR and OBJECT_NAME.
    frame : str
        REF_FRAME: EME2000, GCRF or ITRF.
    position_km, velocity_km_s : ndarray of float64, shape (3,)
        State at TCA in the frame.
    covariance : ndarray of float64, shape (k, k)
        In the object's own radial, transverse and normal axes: position and velocity [m, m/s] for k = 6, and then drag
        (k = 7), solar radiation pressure (8) [m2/kg] and thrust (9) [m/s2].
    fields : mapping of str to str
        All other fields: texts by keyword.
    comments : tuple of str
        Comments of the object.

    Raises
    ------
    InputError
        If a shape is wrong, a number is not finite, or the covariance is not symmetric or has a negative variance.
    """

    designator: str
    name: str
    frame: str
    position_km: Floats
    velocity_km_s: Floats
    covariance: Floats
    fields: Mapping[str, str] = field(default_factory=dict)
    comments: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, shapes in (("position_km", [(3,)]), ("velocity_km_s", [(3,)]), ("covariance", _SQUARES)):
            values = np.array(getattr(self, name), np.float64)
            if values.shape not in shapes:
                raise InputError(f"{name} has the shape {values.shape}, allowed: {' or '.join(map(str, shapes))}")
            if not np.isfinite(values).all():
                raise InputError(f"{name} holds {values[~np.isfinite(values)][0]}, allowed are finite numbers")
            values.flags.writeable = False
            object.__setattr__(self, name, values)
        _check_covariance(self.covariance)

    def number(self, keyword: str) -> float:
        """Value of a numeric field; NaN if there is none."""
        return number_of(self.fields.get(keyword, ""))


_SQUARES = [(k, k) for k in (6, 7, 8, 9)]


def _check_covariance(matrix: Floats) -> None:
    variances = matrix.diagonal()
    if (variances < 0.0).any():
        row = int(np.flatnonzero(variances < 0.0)[0])
        raise InputError(f"variance in row {row + 1} of the covariance is {variances[row]:g}, allowed is 0 or more")
    if (matrix == matrix.T).all():
        return
    sigma = np.sqrt(variances)
    wrong = np.argwhere(np.abs(matrix - matrix.T) > 1e-9 * np.outer(sigma, sigma))
    if len(wrong):
        row, column = wrong[0].tolist()
        raise InputError(
            f"covariance is not symmetric: rows {row + 1} and {column + 1} have {matrix[row, column]:g} and "
            f"{matrix[column, row]:g}; give the mean of both, or mend the matrix"
        )


@dataclass(frozen=True, eq=False)
class ConjunctionMessage:
    """A conjunction data message.

    Parameters
    ----------
    tca : numpy.datetime64
        Time of closest approach, UTC, in nanoseconds.
    miss_distance_m : float
        MISS_DISTANCE as stated.
    objects : tuple of ConjunctionObject
        OBJECT1 and OBJECT2.
    fields : mapping of str to str
        All other fields: texts by keyword; CREATION_DATE, ORIGINATOR and MESSAGE_ID are there.
    comments : tuple of str
        Comments before the objects.
    warnings : tuple of str
        What a reader should know: optional fields that are wrong, states that disagree with what is stated.
    source : str
        File and place in it.
    version : {'1.0', '2.0'}
        Version of CDM that the message has and is written with.

    Raises
    ------
    InputError
        If the miss distance is not a finite number of 0 or more, or there are not two objects.
    """

    tca: np.datetime64
    miss_distance_m: float
    objects: tuple[ConjunctionObject, ConjunctionObject]
    fields: Mapping[str, str]
    comments: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    source: str = ""
    version: str = "1.0"

    def __post_init__(self) -> None:
        if not 0.0 <= self.miss_distance_m < np.inf:
            raise InputError(f"miss_distance_m is {self.miss_distance_m}, allowed is a finite number of 0 or more")
        if self.version not in VERSIONS:
            raise InputError(f"version of a CDM is {self.version[:40]!r}, allowed: {', '.join(VERSIONS)}")
        if len(self.objects) != 2:
            raise InputError(f"a conjunction has 2 objects, got {len(self.objects)}")

    @property
    def message_id(self) -> str:
        """MESSAGE_ID."""
        return self.fields.get("MESSAGE_ID", "")

    def number(self, keyword: str) -> float:
        """Value of a numeric field; NaN if there is none."""
        return self.miss_distance_m if keyword == "MISS_DISTANCE" else number_of(self.fields.get(keyword, ""))

    def hard_body_radius(self) -> tuple[float, str]:
        """Combined hard-body radius [m] and where it stands; NaN and '' if the message states none.

        A comment such as ``HBR = 10 [m]`` before the objects states the combined radius (without a unit, metres). The
        fields HBR of both objects, or their comments, are added.

        Raises
        ------
        InputError
            If a radius is not a number of 0 or more in m or km, or two comments differ.

        Examples
        --------
        >>> message.hard_body_radius()  # doctest: +SKIP
        (10.0, 'COMMENT HBR')
        """
        if found := _radius(self.comments):
            return found
        radii = []
        for one in self.objects:
            text = one.fields.get("HBR", "")
            if text and not one.number("HBR") >= 0.0:
                raise InputError(f"HBR of {one.name[:40]!r} is {text[:40]!r}, allowed is a number of 0 or more")
            radii.append((one.number("HBR"), "HBR of both objects") if text else _radius(one.comments))
        if radii[0] and radii[1]:
            same = radii[0][1] == radii[1][1]
            return radii[0][0] + radii[1][0], radii[0][1] if same else f"{radii[0][1]} and {radii[1][1]}"
        return np.nan, ""


def _radius(comments: tuple[str, ...]) -> tuple[float, str] | None:
    """The radius that comments state, and how."""
    found: dict[float, str] = {}
    for comment in comments:
        match = _RADIUS.fullmatch(comment)
        if match is None:
            continue
        factor = _METRES.get((match[3] or "").lower())
        radius = number_of(match[2]) * (factor or np.nan)
        if not radius >= 0.0:
            raise InputError(f"comment {comment[:60]!r} states no radius, allowed is a number of 0 or more in m or km")
        found[radius] = "COMMENT " + ("HBR" if "hbr" in comment.lower() else "Hard Body Radius")
    if len(found) > 1:
        raise InputError(f"comments state several radii: {', '.join(f'{r:g} m' for r in found)}; give --radius")
    return next(iter(found.items()), None)
