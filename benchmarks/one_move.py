"""What objects need for a move with the settings of a scenario: the air of a month, and the Sun."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stmgpu.backend import Backend
from stmgpu.debris.environment import Environment, sun_direction
from stmgpu.debris.evolution.loop import steps_per_move
from stmgpu.debris.scenario import Scenario
from stmgpu.propagate.secular_forces import DensityTable
from stmgpu.time import YEAR_DAYS


def month(scenario: Scenario, year: float, backend: Backend, runs: int = 1) -> tuple[DensityTable, NDArray[np.float64]]:
    """Density in the middle of a year, for runs side by side, and the directions to the Sun in a move from then on."""
    environment = Environment.build(scenario.environment, year, year + 1.0)
    density, tilt = environment.log_density([year + 0.5]), environment.tilt([year + 0.5])
    air = DensityTable(
        backend.put(np.repeat(density, runs, axis=0)),
        environment.lowest_km,
        environment.spacing_km,
        backend.put(np.repeat(tilt, runs, axis=0)),
    )
    steps = steps_per_move(scenario)
    middles = (np.arange(steps) + 0.5) * scenario.propagation.step_days / steps / YEAR_DAYS
    return air, sun_direction(year + 0.5 + middles)
