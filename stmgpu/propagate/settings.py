"""Settings of an ephemeris, and the operation modes of SGP4."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast, get_args

import numpy as np

from stmgpu.choices import OperationMode
from stmgpu.errors import InputError
from stmgpu.validation import Fields, number
from stmgpu.window import Window

if TYPE_CHECKING:
    from stmgpu.time import Epoch
    from stmgpu.typing import Floats


def operation_mode(mode: object) -> OperationMode:
    """The operation mode of that name; `InputError` for any other value.

    Examples
    --------
    >>> operation_mode("i")
    'i'
    """
    if mode not in get_args(OperationMode):
        raise InputError(f"SGP4 mode {mode!r} is unknown; choose 'i' (improved) or 'a' (AFSPC)")
    return cast("OperationMode", mode)


@dataclass(frozen=True)
class EphemerisSettings:
    """Window, time step and operation mode of an ephemeris.

    Parameters
    ----------
    window : Window
        Span of the ephemeris.
    step_s : float
        Time step [s]; the window's end is included where a step falls on it.
    mode : str
        Operation mode of SGP4, 'i' or 'a'.

    Raises
    ------
    InputError
        If the step is not positive or the mode is unknown.

    Examples
    --------
    >>> EphemerisSettings(Window.of("2024-07-05", hours=1), step_s=600.0).count
    7
    """

    window: Window
    step_s: float = 60.0
    mode: OperationMode = "i"

    def __post_init__(self) -> None:
        step_s = number("step_s", self.step_s)
        if not (np.isfinite(step_s) and step_s > 0.0):
            raise InputError(
                f"a window of {self.window.duration_s} s in steps of {step_s} s is not possible; use a positive step"
            )
        object.__setattr__(self, "step_s", step_s)
        operation_mode(self.mode)

    @classmethod
    def from_json(cls, fields: Fields) -> EphemerisSettings:
        """Settings from the fields that `to_json` wrote; `InputError` names a field that is missing or wrong."""
        return cls(Window.from_json(fields), fields.number("step_s"), operation_mode(fields.text("mode")))

    def to_json(self) -> dict[str, Any]:
        """Plain values for ``run.json``."""
        return {**self.window.to_json(), "step_s": self.step_s, "mode": self.mode}

    @property
    def start(self) -> Epoch:
        """First instant, UTC."""
        return self.window.start

    @property
    def count(self) -> int:
        """Number of times."""
        return int(self.window.duration_s / self.step_s + 1e-9) + 1

    @property
    def times_s(self) -> Floats:
        """Times since the start [count] [s]."""
        return np.asarray(np.arange(self.count) * self.step_s, np.float64)
