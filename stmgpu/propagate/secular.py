"""Mean elements over decades, in steps of days: J2, drag of any eccentricity, radiation pressure.

The equations and their sources stand in ``kernels/include/secular.h`` and ``kernels/secular.cu``. Elements are mean
ones in an inertial frame with the equator as its plane. Luni-solar attraction, higher zonals and resonances with the
Earth's rotation are left out: they matter little below 2,000 km, and much above 10,000 km.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stmgpu.backend import Backend
from stmgpu.errors import CapacityError, InputError

A_KM, ECC, INC, RAAN, ARGP, MEAN, BALLISTIC, SRP, RADIUS, WEIGHT = range(10)
"""Rows of :attr:`SecularState.orbit`."""
ROWS = 10

FREE, KEPT, ABSENT = 0, 1, 2
"""Values of :attr:`SecularState.mode`."""

PAD = 16
"""Kernels run over multiples of so many slots."""

SOLAR_PRESSURE_N_M2 = 4.56e-6
OMEGA_RAD_S = 7.292115e-5
"""Rotation of the Earth, and of the atmosphere with it [rad/s]."""

SRP_FROM_M2_KG = 0.05
"""Objects with C_r A/m up to this feel no radiation pressure [m^2/kg]. What they miss is a circle of radius 6e-5 for
the eccentricity vector in low orbits, 0.4 km at perigee (more where perigee and Sun keep pace)."""


class SecularState:
    """Objects of one or several runs in a backend's memory.

    Parameters
    ----------
    backend
        whose memory.
    capacity
        slots to begin with, rounded up to a multiple of 16.

    Attributes
    ----------
    orbit
        float64 [10][capacity]: a [km], eccentricity, inclination, node, argument of perigee, mean anomaly [rad],
        C_d A/m, C_r A/m [m^2/kg], collision radius [km], weight.
    uid
        int64 [capacity], unique within its run.
    run
        int32 [capacity], index of the object's run in this batch.
    mode
        int8 [capacity]: FREE, KEPT (a, e, i stay; the angles turn by J2) or ABSENT (no object here).
    gone
        int8 [capacity]: 1 where the perigee fell below the decay altitude in the last step.
    n : int
        slots in use, at most ``capacity``.
    """

    def __init__(self, backend: Backend, capacity: int) -> None:
        if capacity < 1:
            raise InputError(f"a state needs a capacity of at least 1 object, got {capacity}")
        self.backend = backend
        self.capacity = 0
        self.n = 0
        self.orbit: Any = backend.zeros((ROWS, 0))
        self.uid: Any = backend.zeros(0, np.int64)
        self.run: Any = backend.zeros(0, np.int32)
        self.mode: Any = backend.zeros(0, np.int8)
        self.gone: Any = backend.zeros(0, np.int8)
        self._resize(capacity)

    def grow(self, capacity: int) -> None:
        """Make room for ``capacity`` objects and for as many again as there was room for; the content stays."""
        if capacity > self.capacity:
            self._resize(max(capacity, 2 * self.capacity))

    def _resize(self, capacity: int) -> None:
        capacity = -(-capacity // PAD) * PAD
        if capacity > np.iinfo(np.int32).max:
            raise CapacityError(f"{capacity:,} objects in one batch are too many; evolve fewer runs at a time")
        kept = self.capacity
        for name in ("orbit", "uid", "run", "mode", "gone"):
            old = getattr(self, name)
            new = self.backend.zeros((*old.shape[:-1], capacity), old.dtype)
            new[..., :kept] = old
            setattr(self, name, new)
        self.mode[kept:] = ABSENT
        self.capacity = capacity


class Secular:
    """Moves a :class:`SecularState` on.

    Parameters
    ----------
    backend
        where the state is.
    decay_km
        perigee altitude below which an object is gone.
    rotating
        whether the atmosphere turns with the Earth.
    """

    def __init__(self, backend: Backend, decay_km: float, rotating: bool = True) -> None:
        if not 0.0 <= decay_km < np.inf:
            raise InputError(f"decay_km must be a finite altitude of 0 km or more, got {decay_km}")
        self.backend = backend
        self.decay_km = float(decay_km)
        self.omega_rad_s = OMEGA_RAD_S if rotating else 0.0

    def step(
        self,
        state: SecularState,
        dt_s: float,
        log_density: Any,
        lowest_km: float,
        spacing_km: float,
        sun: Sequence[float] | NDArray[np.float64],
    ) -> None:
        """Advance all objects by ``dt_s`` and set ``state.gone``.

        Parameters
        ----------
        state
            changed in place. Angles come out in [0, 2 pi). The orbit of a gone object is one of its last and of no
            further use; the caller takes the object out.
        dt_s
            step [s]; with 2.5, 5 and 10 days lifetimes of a month and more agree to 0.3 %, of a year to 0.05 %.
        log_density
            backend array float64 [runs, heights], ln of the density [kg/m^3] at ``lowest_km + k * spacing_km``,
            linear between. Below the first height and above the last the nearest cell's slope goes on; an object whose
            perigee is above the last has no drag.
        lowest_km, spacing_km
            heights of the density.
        sun
            direction to the Sun at the middle of the step, in the frame of the elements (any length).

        Raises
        ------
        InputError
            a table that is no table, a step that is not positive.
        """
        if not 0.0 < dt_s < np.inf:
            raise InputError(f"the step must be a positive number of seconds, got {dt_s}")
        if getattr(log_density, "ndim", 0) != 2 or log_density.shape[1] < 2:
            raise InputError(
                "log_density must be an array [runs, heights] with at least 2 heights, got shape "
                f"{getattr(log_density, 'shape', None)}"
            )
        if not (0.0 < spacing_km < np.inf and np.isfinite(lowest_km)):
            raise InputError(f"heights of the density must be finite and rise, got {lowest_km} + k * {spacing_km} km")
        size = float(np.sqrt(sum(float(x) ** 2 for x in sun)))
        if len(sun) != 3 or not 0.0 < size < np.inf:
            raise InputError(f"sun must be a direction of 3 numbers, got {sun}")
        direction = tuple(float(x) / size for x in sun)
        if state.n == 0:
            return
        if not self.backend.runs_kernels:
            from stmgpu.propagate.secular_reference import step

            step(state, self.decay_km, self.omega_rad_s, dt_s, log_density, lowest_km, spacing_km, direction)
            return
        items = -(-state.n // PAD) * PAD
        runs, heights = log_density.shape
        self.backend.launch(
            "secular_step",
            items,
            items,
            state.capacity,
            runs,
            heights,
            float(dt_s),
            self.decay_km,
            self.omega_rad_s,
            float(lowest_km),
            float(spacing_km),
            SRP_FROM_M2_KG,
            *direction,
            log_density,
            state.run,
            state.mode,
            state.orbit,
            state.gone,
        )
