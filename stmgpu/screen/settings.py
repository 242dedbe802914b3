"""Settings of a screening: window, threshold, interval of the broad phase, operation mode of SGP4."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stmgpu.errors import InputError
from stmgpu.propagate.settings import operation_mode
from stmgpu.validation import Fields, number, whole_number
from stmgpu.window import Window

if TYPE_CHECKING:
    from stmgpu.choices import OperationMode
    from stmgpu.time import Epoch

STEPS_S = (10.0, 12.0, 15.0, 20.0, 24.0, 30.0, 40.0, 60.0, 120.0)
"""Intervals the planner may choose: divisors of the node spacing, so that no interval straddles a node."""

MIN_THRESHOLD_KM, MAX_THRESHOLD_KM = 0.1, 200.0
MIN_WINDOW_S, MAX_WINDOW_S = 60.0, 30 * 86400.0


@dataclass(frozen=True)
class ScreeningSettings:
    """Everything that a screening depends on, besides its objects.

    Parameters
    ----------
    window : Window
        Span that is screened, one minute to 30 days long.
    threshold_km : float
        Local minima of distance below this are reported, 0.1 to 200 [km].
    step_s : float, optional
        Interval of the broad phase, one of `STEPS_S` [s]; default the planner's choice. The events do not depend on it.
    mode : str
        Operation mode of SGP4, 'i' or 'a'.
    primaries : sequence of int, optional
        NORAD ids of the objects of which one must be in a pair; default all, or those with a trajectory.

    Raises
    ------
    InputError
        If a value is outside what is supported.

    Examples
    --------
    >>> ScreeningSettings(Window.of("2024-07-05", hours=6), threshold_km=10).threshold_km
    10.0
    """

    window: Window
    threshold_km: float = 5.0
    step_s: float | None = None
    mode: OperationMode = "i"
    primaries: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        operation_mode(self.mode)
        threshold_km, duration_s = number("threshold_km", self.threshold_km), self.window.duration_s
        if not MIN_THRESHOLD_KM <= threshold_km <= MAX_THRESHOLD_KM:
            raise InputError(
                f"a threshold of {threshold_km} km is not supported; use {MIN_THRESHOLD_KM} to {MAX_THRESHOLD_KM:g} km"
            )
        if not MIN_WINDOW_S <= duration_s <= MAX_WINDOW_S:
            shown = f"{duration_s / 86400.0:g} days" if duration_s > 86400.0 else f"{duration_s:g} s"
            raise InputError(f"a window of {shown} is not supported; use one minute to 30 days")
        object.__setattr__(self, "threshold_km", threshold_km)
        if self.step_s is not None:
            step_s = number("step_s", self.step_s)
            if step_s not in STEPS_S:
                allowed = ", ".join(f"{s:g}" for s in STEPS_S)
                raise InputError(f"step {step_s:g} s is not supported; choose one of {allowed}")
            object.__setattr__(self, "step_s", step_s)
        if self.primaries is not None:
            ids = {whole_number("primaries", k, 0) for k in self.primaries}
            if not ids:
                raise InputError("primaries are empty; name an object, or leave them out to screen all pairs")
            object.__setattr__(self, "primaries", tuple(sorted(ids)))

    @classmethod
    def from_json(cls, fields: Fields) -> ScreeningSettings:
        """Settings from the fields that `to_json` wrote; `InputError` names a field that is missing or wrong."""
        return cls(
            Window.from_json(fields),
            fields.number("threshold_km"),
            fields.number("step_s"),
            operation_mode(fields.text("mode")),
            tuple(fields.items("primaries")) if fields.has("primaries") else None,
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values for ``run.json``."""
        return {
            **self.window.to_json(),
            "threshold_km": self.threshold_km,
            "step_s": self.step_s,
            "mode": self.mode,
            **({} if self.primaries is None else {"primaries": list(self.primaries)}),
        }

    @property
    def start(self) -> Epoch:
        """First instant, UTC."""
        return self.window.start
