"""Limits of the values of a catalogue, for every reader and for columns built in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from stmgpu.catalog.object_data import STATUS_CODES
from stmgpu.constants import MINUTES_PER_DAY

if TYPE_CHECKING:
    from stmgpu.typing import Bools

MAX_NORAD_ID = 999_999_999
OBJECT_TYPES = ("", "PAYLOAD", "ROCKET BODY", "DEBRIS", "UNKNOWN")
STATUSES = tuple(STATUS_CODES.values())
CLASSIFICATIONS = ("U", "C", "S")
LONGEST_NAME = 64
"""Longest name that is read from a file [characters]: the longest one sets the memory of all."""
LONGEST_CODE = 24
"""Longest designator or code of an owner that is read from a file [characters]."""

_TWO_PI = 2.0 * np.pi
# A degree value of 360.0000 times pi/180 may exceed 2 pi by one unit in the last place.
_FULL_CIRCLE = np.nextafter(_TWO_PI, np.inf)
_HALF_CIRCLE = np.nextafter(np.pi, np.inf)
_DEG = 180.0 / np.pi
_REV_PER_DAY = MINUTES_PER_DAY / _TWO_PI

Values = npt.NDArray[Any]
Columns = Mapping[str, Values]


@dataclass(frozen=True)
class Fault:
    """A limit that records break.

    Parameters
    ----------
    mask : ndarray of bool, shape (n,)
        Records that break it.
    label : str
        Name of the value.
    shown : callable
        Text of the value of record i.
    allowed : str
        Allowed values.
    """

    mask: Bools
    label: str
    shown: Callable[[int], str]
    allowed: str

    def describe(self, index: int) -> str:
        """Message for one record: value and allowed values."""
        return f"{self.label} is {self.shown(index)}, allowed is {self.allowed}"


def element_faults(columns: Columns) -> Iterator[Fault]:
    """Limits that some record breaks.

    Parameters
    ----------
    columns : mapping of str to ndarray
        Columns of `Catalog`, shape (n,); absent ones are not checked.

    Yields
    ------
    Fault
        One for each limit that is broken.
    """
    ranges: tuple[tuple[str, str, Callable[[Values], Bools], float, str], ...] = (
        ("norad_id", "NORAD id", lambda v: (v >= 1) & (v <= MAX_NORAD_ID), 1, "1 to 999999999"),
        ("epoch_jd", "epoch (Julian date)", lambda v: np.isfinite(v) & (v % 1.0 == 0.5), 1.0, "a midnight (.5)"),
        ("epoch_fr", "epoch (fraction of the day)", lambda v: (v >= 0.0) & (v < 1.0), 1.0, "0 <= fraction < 1"),
        (
            "mean_motion", "mean motion [rev/day]", lambda v: (v > 0.0) & np.isfinite(v), _REV_PER_DAY,
            "a finite number above 0",
        ),
        ("eccentricity", "eccentricity", lambda v: (v >= 0.0) & (v < 1.0), 1.0, "0 <= e < 1"),
        ("inclination", "inclination [deg]", lambda v: (v >= 0.0) & (v <= _HALF_CIRCLE), _DEG, "0 to 180"),
        ("raan", "right ascension of the node [deg]", _on_circle, _DEG, "0 to 360"),
        ("argp", "argument of perigee [deg]", _on_circle, _DEG, "0 to 360"),
        ("mean_anomaly", "mean anomaly [deg]", _on_circle, _DEG, "0 to 360"),
        ("bstar", "B*", np.isfinite, 1.0, "a finite number"),
        ("mean_motion_dot", "mean motion derivative [rad/min^2]", np.isfinite, 1.0, "a finite number"),
        ("mean_motion_ddot", "mean motion second derivative [rad/min^3]", np.isfinite, 1.0, "a finite number"),
        ("hard_body_radius_m", "hard-body radius [m]", _positive_or_unknown, 1.0, "above 0, or NaN where unknown"),
        ("mass_kg", "mass [kg]", _positive_or_unknown, 1.0, "above 0, or NaN where unknown"),
        ("element_set_no", "element set number", lambda v: v >= 0, 1, "0 or more"),
        ("rev_at_epoch", "revolution number", lambda v: v >= 0, 1, "0 or more"),
        ("object_type", "object type", lambda v: np.isin(v, OBJECT_TYPES), 1, f"one of {OBJECT_TYPES}"),
        ("status", "status", lambda v: np.isin(v, STATUSES), 1, f"one of {STATUSES}"),
        (
            "decay_jd", "day of decay (Julian date)", lambda v: np.isnan(v) | (np.isfinite(v) & (v % 1.0 == 0.5)), 1.0,
            "a midnight (.5), or NaN where unknown",
        ),
        ("classification", "classification", lambda v: np.isin(v, CLASSIFICATIONS), 1, f"one of {CLASSIFICATIONS}"),
    )  # fmt: skip
    for name, label, holds, unit, allowed in ranges:
        if name in columns:
            broken = ~np.asarray(holds(columns[name]))
            if broken.any():
                yield Fault(broken, label, _shower(columns[name], unit), allowed)
    for name in ("name", "object_id", "owner"):
        if name in columns and not "".join(columns[name].tolist()).isprintable():
            broken = np.array([not text.isprintable() for text in columns[name].tolist()], np.bool_)
            yield Fault(broken, name, _shower(columns[name], 1), "printable text on one line")


def _on_circle(value: Values) -> Bools:
    return np.asarray((value >= 0.0) & (value <= _FULL_CIRCLE))


def _positive_or_unknown(value: Values) -> Bools:
    return np.asarray(np.isnan(value) | ((value > 0.0) & np.isfinite(value)))


def _shower(column: Values, unit: float) -> Callable[[int], str]:
    def show(index: int) -> str:
        value = column[index]
        if column.dtype.kind == "f":
            return f"{value * unit:.10g}"
        return repr(value.item() if column.dtype.kind == "U" else int(value))

    return show
