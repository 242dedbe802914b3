"""Plans of screenings from plain numbers."""

from __future__ import annotations

from stmgpu.screen.plan import Plan, make_plan
from stmgpu.screen.settings import ScreeningSettings
from stmgpu.time import Epoch
from stmgpu.window import Window


def plan_for(
    start: tuple[float, float] | Epoch,
    duration_s: float,
    threshold_km: float,
    objects: int,
    step_s: float | None = None,
) -> Plan:
    epoch = start if isinstance(start, Epoch) else Epoch.of(*start)
    return make_plan(ScreeningSettings(Window(epoch, duration_s), threshold_km, step_s), objects)
