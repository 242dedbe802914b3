"""Orbits, atmospheres and steps that the tests of mean elements share."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stmgpu.backend import Backend
from stmgpu.constants import EARTH
from stmgpu.propagate import orbit_table
from stmgpu.propagate.orbit_table import SecularState
from stmgpu.propagate.secular import Secular
from stmgpu.propagate.secular_forces import DensityTable

Array = NDArray[np.float64]
MU, RADIUS = EARTH.mu_km3_s2, EARTH.radius_km
DAY, LOW, SPACING = 86400.0, 100.0, 10.0
HEIGHTS = LOW + SPACING * np.arange(191)
SUN = (0.36, -0.48, 0.8)


def thermosphere(rho_200: float = 2.789e-10, scale_km: float = 37.105, growth: float = 0.11) -> Array:
    """ln of a density whose scale height grows with altitude, like that of the thermosphere; [heights]."""
    stretch = 1.0 + growth * (HEIGHTS - 200.0) / scale_km
    value: Array = np.log(rho_200) - np.log(stretch) / growth
    return value


def flat_air(scale_km: float, rho_500: float = 6.967e-13) -> Array:
    return np.log(rho_500) - (HEIGHTS - 500.0) / scale_km


def some_orbits(n: int, seed: int, perigee_km: tuple[float, float] = (150.0, 2000.0), largest_e: float = 0.9) -> Array:
    """Rows as in SecularState: half nearly circular, half of any eccentricity; A/m from 0.001 to 3 m^2/kg."""
    rng = np.random.default_rng(seed)
    o = np.zeros((orbit_table.ROWS, n))
    o[orbit_table.ECC] = np.where(
        rng.random(n) < 0.5, 10.0 ** rng.uniform(-4.5, -1.0, n), rng.uniform(0.0, largest_e, n)
    )
    o[orbit_table.A_KM] = (RADIUS + rng.uniform(*perigee_km, n)) / (1.0 - o[orbit_table.ECC])
    o[orbit_table.INC] = rng.uniform(0.0, np.pi, n)
    o[[orbit_table.RAAN, orbit_table.ARGP, orbit_table.MEAN]] = rng.uniform(0.0, 2.0 * np.pi, (3, n))
    area_to_mass = 10.0 ** rng.uniform(-3.0, 0.5, n)
    o[orbit_table.BALLISTIC], o[orbit_table.SRP] = 2.2 * area_to_mass, 1.2 * area_to_mass
    return o


def state_of(backend: Backend, orbit: Array, run: Any = 0, mode: Any = orbit_table.FREE) -> SecularState:
    n = orbit.shape[1]
    state = SecularState(backend, n)
    state.orbit[:, :n] = backend.put(orbit)
    state.uid[:n] = backend.put(np.arange(n))
    state.run[:n] = backend.put(np.broadcast_to(run, n), np.int32)
    state.mode[:n] = backend.put(np.broadcast_to(mode, n), np.int8)
    state.n = n
    return state


def stepped(
    backend: Backend,
    orbit: Array,
    tables: Array,
    days: float = 5.0,
    steps: int = 1,
    decay_km: float = 150.0,
    rotating: bool = True,
    oblate: bool = True,
    tilt: Any = None,
    sun: Any = SUN,
    **columns: Any,
) -> tuple[Array, NDArray[np.int8]]:
    """Orbits and gone flags after some steps."""
    state = state_of(backend, orbit, **columns)
    secular = Secular(backend, decay_km, rotating=rotating, oblate=oblate)
    for _ in range(steps):
        slopes = None if tilt is None else backend.put(np.atleast_2d(tilt))
        density = DensityTable(backend.put(np.atleast_2d(tables)), LOW, SPACING, slopes)
        secular.step(state, days * DAY, density=density, sun=sun)
    return backend.get(state.orbit[:, : state.n]).copy(), backend.get(state.gone[: state.n]).copy()


def single(
    a: float, e: float, i: float = 1.0, ballistic: float = 0.022, srp: float = 0.0, raan: float = 1.0, argp: float = 2.0
) -> Array:
    return np.array([[a, e, i, raan, argp, 3.0, ballistic, srp, 0.001, 1.0]]).T


def apart(x: Array, y: Array) -> Array:
    """Distance of angles."""
    return np.abs(np.mod(x - y + np.pi, 2.0 * np.pi) - np.pi)
