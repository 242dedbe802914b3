"""A first run on a GPU: small computations of every kind, so that CuPy compiles its own kernels into its cache.

CuPy compiles one kernel for each operation, types of its operands and layout when it first meets them. Only a GPU shows
which these are, and CuPy compiles only where there is one.
"""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.backend.cuda import CudaBackend, cupy_cache
from stmgpu.catalog import synthetic_catalog
from stmgpu.catalog.trajectories.trajectories import Trajectories
from stmgpu.debris.evolution.loop import Evolution
from stmgpu.debris.policy import RiskRemoval
from stmgpu.debris.population.synthetic import synthetic_population
from stmgpu.debris.scenario import Scenario
from stmgpu.debris.specs import CollisionSpec, DisposalSpec, EnvironmentSpec, ExplosionSpec, LaunchSpec
from stmgpu.errors import StaleElementsWarning
from stmgpu.propagate.ephemeris import propagate
from stmgpu.risk import (
    curved_probability,
    dwell_probability,
    encounter_entries,
    encounter_probability,
    monte_carlo,
    straight_monte_carlo,
)
from stmgpu.screen.screening import screen

if TYPE_CHECKING:
    from pathlib import Path

    from stmgpu.catalog import Catalog


@dataclass(frozen=True)
class WarmUp:
    """What a warm-up did.

    Attributes
    ----------
    device : str
        The GPU.
    cache : Path or None
        CuPy's cache on disk; None if it has none.
    compiled, cached : int
        Kernels that CuPy compiled into it now, and all that are in it.
    seconds : float
        Time of all.
    """

    device: str
    cache: Path | None
    compiled: int
    cached: int
    seconds: float


def warm_up() -> WarmUp:
    """Screen, propagate and evolve a little on the first GPU.

    Raises
    ------
    BackendError
        There is no usable GPU.
    """
    begin = time.perf_counter()
    backend = CudaBackend()
    cache = cupy_cache()
    before = _kernels(cache)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StaleElementsWarning)
        _screen()
    _evolve(backend)
    _assess(backend)
    return WarmUp(
        backend.device, cache, len(_kernels(cache) - before), len(_kernels(cache)), time.perf_counter() - begin
    )


def _screen() -> None:
    """Screen elements, primaries and trajectories."""
    catalog, start = _catalog(), "2025-01-01"
    screen(catalog, start=start, hours=1.5, threshold_km=150.0, backend="cuda")
    for primaries in (
        catalog.norad_id[:60],
        catalog.norad_id[:1],
    ):  # in many cells, and in so few that others are left out
        screen(catalog, start=start, hours=0.5, threshold_km=20.0, primaries=primaries, backend="cuda")
    states = propagate(catalog[100:200], start, hours=1.0, step_s=60.0, backend="cuda")
    screen(
        catalog[:100],
        start=start,
        hours=1.0,
        threshold_km=150.0,
        ephemeris=Trajectories.from_dataset(states),
        backend="cuda",
    )


def _catalog() -> Catalog:
    """Objects of all kinds of orbits, one that decays, and two that fly together."""
    catalog = synthetic_catalog(500, seed=4)
    columns = {
        name: getattr(catalog, name).copy()
        for name in ("mean_motion", "eccentricity", "inclination", "raan", "argp", "mean_anomaly", "bstar")
    }
    columns["bstar"][7] = 5.0
    for column in columns.values():
        column[9] = column[8]
    columns["mean_anomaly"][9] += 1e-4
    return replace(catalog, **columns)


def _evolve(backend: CudaBackend) -> None:
    """Two runs of a year with launches, explosions, collisions, disposal and removal by risk."""
    population = synthetic_population(300, seed=4, constellations=False)
    scenario = Scenario(
        environment=EnvironmentSpec(density="exponential"),
        launches=LaunchSpec(model="repeat", window=(2016, 2022)),
        explosions=ExplosionSpec(rocket_body=0.02, payload=0.01, max_age_years=60.0),
        disposal=DisposalSpec(payload=0.5, rocket_body=0.5),
        collisions=CollisionSpec(cube_km=100.0, avoidance=0.5),
        removal=(RiskRemoval(per_year=3),),
    )
    crowd = replace(population, radius_m=90.0 * population.radius_m)  # so large that they collide
    Evolution(scenario, crowd, years=1.0, seed=5, run_numbers=[0, 1], backend=backend).run()


def _assess(backend: CudaBackend) -> None:
    """Collision probabilities of discs small and large, on curved orbits, by samples, and of a pair that stays near."""
    position, covariance = np.array([[7000.0, 0.0, 0.0]]), np.array([np.diag([1e4, 1e6, 1e4])])
    states = (position, np.array([[0.0, 7.5, 0.0]])), (np.add(position, [0.1, 0.0, 0.2]), np.array([[0.0, 0.0, 7.5]]))
    radius = np.array([1.0, 100.0, 1e4])
    encounter_probability(*states[0], covariance, *states[1], covariance, radius, backend=backend)
    curved = np.array([np.diag([1e2, 1e4, 1e2, 1e-2, 1e-4, 1e-4])])
    curved_probability(*states[0], curved, *states[1], curved, radius, backend=backend)
    encounter_entries(*states[0], curved, *states[1], curved, radius, backend=backend)
    spread = np.diag([1e4, 1e6, 1e4, 1.0, 1e-2, 1e-2])
    speed = np.array([[0.0, 7.5, 0.0]])
    monte_carlo(position, speed, spread, np.add(position, 0.1), -speed, spread, 100.0, samples=256, backend=backend)
    straight_monte_carlo(np.ones(6), spread, 100.0, -1.0, 1.0, samples=256, backend=backend)
    near = np.diag([100.0] * 3 + [0.01] * 3)
    dwell_probability([20.0, 5.0, 0.0, -1.0, 0.0, 0.0], near, 10.0, 0.0, 60.0, backend=backend)


def _kernels(cache: Path | None) -> set[str]:
    return set() if cache is None else {path.name for path in cache.glob("*.cubin")}
