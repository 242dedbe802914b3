"""Mean elements over decades, in steps of days: J2, drag at any eccentricity, solar radiation pressure.

Equations and sources: ``kernels/include/secular.h`` and ``kernels/secular.cu``. Elements are mean elements in an
inertial frame whose plane is the equator. Luni-solar attraction, higher zonals and resonances with the Earth's rotation
are neglected: they matter little below 2,000 km, and much above 10,000 km.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stmgpu.backend import device_entry
from stmgpu.errors import InputError
from stmgpu.propagate import secular_kernels, secular_reference
from stmgpu.propagate.secular_forces import OMEGA_RAD_S, DensityTable, SecularStep

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stmgpu.backend import Backend
    from stmgpu.propagate.orbit_table import SecularState
    from stmgpu.typing import Floats


class Secular:
    """Secular propagation of a :class:`~stmgpu.propagate.orbit_table.SecularState`.

    Parameters
    ----------
    backend : Backend
        backend of the state.
    decay_km : float
        perigee altitude below which an object has decayed [km].
    rotating : bool
        whether the atmosphere rotates with the Earth.
    oblate : bool
        whether drag sees the oblate Earth and what J2 lifts the mean radius
        (:func:`stmgpu.propagate.secular_forces.height_lift_km`); False reads the table of density at a - R.

    Raises
    ------
    InputError
        a negative or infinite ``decay_km``.
    """

    def __init__(self, backend: Backend, decay_km: float, *, rotating: bool = True, oblate: bool = True) -> None:
        if not 0.0 <= decay_km < np.inf:
            raise InputError(f"decay_km must be a finite altitude of 0 km or more, got {decay_km}")
        self.backend = backend
        self.decay_km = float(decay_km)
        self.omega_rad_s = OMEGA_RAD_S if rotating else 0.0
        self.oblate = oblate

    @device_entry
    def step(self, state: SecularState, dt_s: float, *, density: DensityTable, sun: Sequence[float] | Floats) -> None:
        """Advance all objects by ``dt_s`` and set ``state.gone``.

        Parameters
        ----------
        state : SecularState
            changed in place. Angles come out in [0, 2 pi). The orbit of a decayed object is one of its last and of no
            further use; the caller removes the object.
        dt_s : float
            step [s]. With 2.5, 5 and 10 days lifetimes from a month on agree to 0.3 %, from a year on to 0.05 %.
            Steps of more than 5 days need several directions to the Sun, one for every 5 days.
        density : DensityTable
            density of the atmosphere.
        sun : array_like, shape (3,) or (kicks, 3)
            directions to the Sun, in the frame of the elements, at the middles of as many equal parts of the step;
            light objects are pushed once in each, others once at the middle of the step. Any length.

        Raises
        ------
        InputError
            a step that is not positive, or a direction that is none.
        """
        step = SecularStep(float(dt_s), density, sun, self.decay_km, self.omega_rad_s, self.oblate)
        if state.n == 0:
            return
        if self.backend.runs_kernels:
            secular_kernels.advance(state, step)
        else:
            secular_reference.advance(state, step)
