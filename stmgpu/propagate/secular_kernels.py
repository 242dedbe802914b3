"""Secular step on a backend that runs kernels (``kernels/secular.cu``)."""

from __future__ import annotations

from stmgpu.propagate.orbit_table import PAD, SecularState
from stmgpu.propagate.secular_forces import SRP_FROM_M2_KG, SecularStep


def advance(state: SecularState, step: SecularStep) -> None:
    """Advance all objects by one step; see :meth:`stmgpu.propagate.secular.Secular.step`."""
    items = -(-state.n // PAD) * PAD
    density = step.density
    runs, heights = density.log_density.shape
    state.backend.launch(
        "secular_step",
        items,
        items,
        state.capacity,
        runs,
        heights,
        step.dt_s,
        step.decay_km,
        step.omega_rad_s,
        float(density.lowest_km),
        float(density.spacing_km),
        SRP_FROM_M2_KG,
        *step.sun,
        density.log_density,
        state.run,
        state.mode,
        state.orbit,
        state.gone,
    )
