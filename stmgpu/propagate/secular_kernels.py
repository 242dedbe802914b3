"""Secular step on a backend that runs kernels (``kernels/secular.cu``)."""

from __future__ import annotations

from stmgpu.constants import EARTH_BULGE_KM
from stmgpu.propagate.orbit_table import PAD, SecularState
from stmgpu.propagate.secular_forces import (
    LIFT_KM2,
    SRP_FROM_M2_KG,
    SRP_KICKS_FROM_M2_KG,
    TILT_SPACING_KM,
    SecularStep,
)


def advance(state: SecularState, step: SecularStep) -> None:
    """Advance all objects by one step; see :meth:`stmgpu.propagate.secular.Secular.step`."""
    items = -(-state.n // PAD) * PAD
    density, sun = step.density, step.directions
    runs, heights = density.log_density.shape
    tilt = density.tilt if density.tilt is not None and step.oblate else state.backend.zeros((runs, 2))
    state.backend.launch(
        "secular_step",
        items,
        items,
        state.capacity,
        runs,
        heights,
        int(tilt.shape[1]),
        len(sun) - 1,
        step.dt_s,
        step.decay_km,
        step.omega_rad_s,
        float(density.lowest_km),
        float(density.spacing_km),
        TILT_SPACING_KM,
        EARTH_BULGE_KM if step.oblate else 0.0,
        LIFT_KM2 if step.oblate else 0.0,
        SRP_FROM_M2_KG,
        SRP_KICKS_FROM_M2_KG,
        state.backend.put(sun),
        density.log_density,
        tilt,
        state.run,
        state.mode,
        state.orbit,
        state.gone,
    )
