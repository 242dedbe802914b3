"""Estimates of the interpolation error. Truth: circles."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from support.trajectories import T0, S, circle

from stmgpu.catalog.trajectories import Trajectories, Trajectory
from stmgpu.errors import InputError


@pytest.mark.parametrize(
    ("step_s", "method", "degree"),
    [(60.0, "lagrange", 5), (120.0, "lagrange", 7), (120.0, "lagrange", 9), (180.0, "hermite", 5), (5.0, "linear", 1)],
)
def test_the_error_estimate_covers_the_error(step_s: float, method: str, degree: int) -> None:
    """On a circle, whose every state is known."""
    samples = circle(60, step_s, method=method, degree=degree)
    estimate = float(Trajectories.of([Trajectory([samples])]).interpolation_error_km()[0])
    from stmgpu.backend import get_backend
    from stmgpu.propagate.tabulated import TabulatedPropagator

    t = np.linspace(0.0, 59 * step_s, 2000)
    table = TabulatedPropagator(
        Trajectories.of([Trajectory([samples])]), get_backend("reference"), (2460676.5, 0.0), (0.0, float(t[-1]))
    )
    exact = np.asarray(circle(2000, t[1]).position)
    error = np.linalg.norm(table.at(np.zeros(len(t), int), t)[0][:3].T - exact, axis=1).max()
    assert error < estimate < 100.0 * error


def test_coarse_samples_are_refused() -> None:
    t = Trajectories.of([Trajectory([circle(30, 60.0)]), Trajectory([circle(30, 900.0)], name="COARSE")])
    assert t[:1].require_accuracy().max() < 1e-6
    with pytest.raises(InputError, match=r"1 of 2 trajectories .*'COARSE'.* closer together"):
        t.require_accuracy()
    # a manoeuvre inside a segment is seen, too
    kicked = circle(60)
    position = np.array(kicked.position)
    position[30:, 2] += 50.0 * np.arange(30)
    with pytest.raises(InputError, match="sampled too coarsely"):
        Trajectories.of([Trajectory([dataclasses.replace(kicked, position=position)])]).require_accuracy()
    # and outside the usable time nothing counts
    usable = dataclasses.replace(kicked, position=position, usable_stop_ns=T0 + 15 * 60 * S)
    Trajectories.of([Trajectory([usable])]).require_accuracy()
