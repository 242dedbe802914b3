"""Forces of a secular step: density of the atmosphere by height, direction to the Sun, and constants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.backend.tables import table
from stmgpu.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stmgpu.typing import BackendArray, Floats

SOLAR_PRESSURE_N_M2 = table("secular.h").number("SOLAR_PRESSURE_N_M2")
"""Radiation pressure of the Sun at 1 au on an absorbing surface [N/m^2]."""

OMEGA_RAD_S = 7.292115e-5
"""Rotation of the Earth, and of the atmosphere with it [rad/s]."""

SRP_FROM_M2_KG = 0.05
"""C_r A/m up to which radiation pressure is neglected [m^2/kg]. The neglected motion is a circle of radius 6e-5 of the
eccentricity vector in low orbits, 0.4 km at perigee (more where perigee and Sun keep pace)."""


@dataclass(frozen=True)
class DensityTable:
    """Density of the atmosphere at equidistant heights, one row per run.

    Parameters
    ----------
    log_density : backend array, float64, shape (runs, heights)
        ln of the density [kg/m^3] at ``lowest_km + k * spacing_km``, linear between. Below the first height and above
        the last the slope of the nearest cell continues; an object whose perigee is above the last has no drag.
    lowest_km, spacing_km : float
        heights [km].

    Raises
    ------
    InputError
        an array of another shape, or heights that do not rise.
    """

    log_density: BackendArray
    lowest_km: float
    spacing_km: float

    def __post_init__(self) -> None:
        shape = getattr(self.log_density, "shape", None)
        if shape is None or len(shape) != 2 or shape[1] < 2:
            raise InputError(f"log_density must have shape [runs, heights] with at least 2 heights, got {shape}")
        if not (0.0 < self.spacing_km < np.inf and np.isfinite(self.lowest_km)):
            raise InputError(
                f"heights of the density must be finite and rise, got {self.lowest_km} + k * {self.spacing_km} km"
            )


@dataclass(frozen=True)
class SecularStep:
    """Length of a step and the forces during it.

    Parameters
    ----------
    dt_s : float
        length of the step [s].
    density : DensityTable
        density of the atmosphere.
    sun : sequence of 3 floats
        direction to the Sun at the middle of the step, in the frame of the elements; any length.
    decay_km : float
        perigee altitude below which an object has decayed [km].
    omega_rad_s : float
        rotation of the atmosphere [rad/s].

    Raises
    ------
    InputError
        a step that is not positive, or a direction that is none.
    """

    dt_s: float
    density: DensityTable
    sun: Sequence[float] | Floats
    decay_km: float
    omega_rad_s: float

    def __post_init__(self) -> None:
        if not 0.0 < self.dt_s < np.inf:
            raise InputError(f"the step must be a positive number of seconds, got {self.dt_s}")
        size = float(np.sqrt(sum(float(x) ** 2 for x in self.sun)))
        if len(self.sun) != 3 or not 0.0 < size < np.inf:
            raise InputError(f"the direction to the Sun must be 3 finite numbers, not all 0, got {self.sun}")
        object.__setattr__(self, "sun", tuple(float(x) / size for x in self.sun))
