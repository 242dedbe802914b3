"""The time span of a run: a start in UTC and a length."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from stmgpu.constants import SECONDS_PER_DAY
from stmgpu.errors import InputError
from stmgpu.time import Epoch, as_epoch, format_utc
from stmgpu.validation import Fields, number

DEFAULT_WINDOW_H = 24.0
"""Length of a window that is given neither in hours nor in days [h]."""


@dataclass(frozen=True)
class Window:
    """A span of time: its start in UTC and its length.

    Parameters
    ----------
    start : Epoch
        First instant.
    duration_s : float
        Length [s], above 0.

    Raises
    ------
    InputError
        If the start is no `Epoch` or the length is not positive; `Window.of` takes other forms of both.

    Examples
    --------
    >>> Window.of("2024-07-05", days=2).hours
    48.0
    """

    start: Epoch
    duration_s: float

    def __post_init__(self) -> None:
        if not isinstance(self.start, Epoch):
            raise InputError(f"a window must start at an Epoch, got {self.start!r}; use Window.of for other forms")
        duration_s = number("duration_s", self.duration_s)
        if not (np.isfinite(duration_s) and duration_s > 0.0):
            raise InputError(f"a window of {duration_s} s is not possible; use a positive length")
        object.__setattr__(self, "duration_s", duration_s)

    @classmethod
    def of(cls, start: object, hours: float | None = None, days: float | None = None) -> Window:
        """Window from a start in any form and a length in hours or in days.

        Parameters
        ----------
        start : Epoch, str, datetime64, datetime or Timestamp
            First instant, UTC.
        hours, days : float, optional
            Length, one of the two; default 24 hours.

        Raises
        ------
        InputError
            If both lengths are given, or one that is not positive.

        Examples
        --------
        >>> Window.of("2024-07-05").duration_s
        86400.0
        """
        return cls(as_epoch(start), window_seconds(hours, days))

    @classmethod
    def from_json(cls, fields: Fields) -> Window:
        """Window from the fields that `to_json` wrote; `InputError` names a field that is missing or wrong."""
        return cls(Epoch(fields.number("start_jd"), fields.number("start_fr")), fields.number("duration_s"))

    def to_json(self) -> dict[str, Any]:
        """Plain values: the start as text and in its two exact parts, and the length [s]."""
        return {
            "start": format_utc(self.start),
            "start_jd": self.start.jd,
            "start_fr": self.start.fr,
            "duration_s": self.duration_s,
        }

    @property
    def hours(self) -> float:
        """Length [h]."""
        return self.duration_s / 3600.0

    @property
    def middle(self) -> Epoch:
        """Instant halfway between start and end, UTC."""
        return Epoch.of(self.start.jd, self.start.fr + self.duration_s / (2.0 * SECONDS_PER_DAY))

    @property
    def parts(self) -> tuple[float, float]:
        """The start as two-part Julian date, UTC [d]."""
        return self.start.jd, self.start.fr


def window_seconds(hours: float | None = None, days: float | None = None) -> float:
    """Length of a window that is given in hours or in days [s].

    Parameters
    ----------
    hours, days : float, optional
        Length, one of the two; default 24 hours.

    Raises
    ------
    InputError
        If both are given, or one that is not a positive number.

    Examples
    --------
    >>> window_seconds(days=0.5)
    43200.0
    """
    if hours is not None and days is not None:
        raise InputError("the window is given in hours and in days; use one of the two")
    if days is not None:
        length_h = 24.0 * number("days", days)
    else:
        length_h = DEFAULT_WINDOW_H if hours is None else number("hours", hours)
    if not (np.isfinite(length_h) and length_h > 0.0):
        raise InputError(f"a window of {length_h} hours is not possible; use a positive number")
    return length_h * 3600.0
