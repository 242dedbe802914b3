"""Drag along inclined orbits over the oblate Earth, against NRLMSIS itself along the same orbits."""

from __future__ import annotations

import numpy as np
import pymsis
import pytest
from support.secular_states import DAY, LOW, MU, RADIUS, SPACING, single, state_of, thermosphere

from stmgpu.backend import Backend
from stmgpu.constants import EARTH
from stmgpu.debris.environment.atmosphere import Nrlmsis
from stmgpu.debris.environment.environment import Environment
from stmgpu.debris.environment.lifetime import Lifetime
from stmgpu.debris.environment.solar import Sinusoid
from stmgpu.propagate.secular import Secular
from stmgpu.propagate.secular_forces import DensityTable
from stmgpu.typing import Floats

AP = 12.8
INCLINATIONS = np.radians([0.0, 15.0, 30.0, 53.0, 71.0, 83.0, 98.0])
HEIGHTS = (400.0, 500.0, 600.0, 700.0, 800.0)


def along_the_orbit(a_km: Floats, inc_rad: Floats, f107: float) -> Floats:
    """Mean density of NRLMSIS along circular orbits, at geodetic altitude, over day of year, local and universal time.

    The radius is that of SGP4 (Spacetrack Report 3, section 6): Brouwer's mean axis and the periodic terms of J2.
    """
    u = (np.arange(12) + 0.5) / 12.0 * np.pi - 0.5 * np.pi
    day, local, universal = (np.arange(64)[:, None] * np.array([1, 19, 27]) / 64.0 % 1.0).T
    grid = np.broadcast_arrays(a_km[:, None, None], inc_rad[:, None, None], u[:, None], np.arange(64))
    a, i, u, k = (x.ravel() for x in grid)
    j2 = EARTH.j2 * (EARTH.radius_km / a) ** 2
    r = a * (1.0 - 0.75 * j2 * (3.0 * np.cos(i) ** 2 - 1.0) + 0.25 * j2 * np.sin(i) ** 2 * np.cos(2.0 * u))
    geocentric = np.arcsin(np.sin(i) * np.sin(u))
    x, z, e2 = r * np.cos(geocentric), r * np.sin(geocentric), (2.0 - 1.0 / 298.257223563) / 298.257223563
    latitude = geocentric
    for _ in range(5):
        normal = 6378.137 / np.sqrt(1.0 - e2 * np.sin(latitude) ** 2)
        latitude = np.arctan2(z + e2 * normal * np.sin(latitude), x)
    altitude = np.hypot(x, z + e2 * normal * np.sin(latitude)) - normal
    date = np.datetime64("2019-01-01", "s") + (np.floor(day[k] * 365.0) * 86400.0 + universal[k] * 86400.0).astype(int)
    longitude = 360.0 * (local[k] - universal[k]) % 360.0
    full = np.full(len(k), f107)
    rho = pymsis.calculate(date, longitude, np.degrees(latitude), altitude, full, full, np.full((len(k), 7), AP))
    mean: Floats = rho[:, 0].reshape(len(a_km), -1).mean(axis=1)
    return mean


@pytest.mark.slow
@pytest.mark.parametrize("f107", [70.0, 123.0, 180.0])
def test_density_along_inclined_orbits(kernel_backend: Backend, f107: float) -> None:
    """Within 3 % from 0 to 98 degrees and 400 to 800 km."""
    height, inc = (x.ravel() for x in np.meshgrid(HEIGHTS, INCLINATIONS, indexing="ij"))
    a, ballistic = EARTH.radius_km + height, 1e-3
    truth = along_the_orbit(a, inc, f107)
    environment = Environment(Nrlmsis(AP), 2025.0, 2026.0, Sinusoid(f107, 0.0, AP))
    table, tilt = environment.log_density([2025.5]), environment.tilt([2025.5])
    orbit = np.concatenate([single(x, 0.0, i, ballistic) for x, i in zip(a, inc, strict=True)], axis=1)
    state, put = state_of(kernel_backend, orbit), kernel_backend.put
    density = DensityTable(put(table), environment.lowest_km, environment.spacing_km, put(tilt))
    Secular(kernel_backend, 150.0, rotating=False).step(state, 0.1 * DAY, density=density, sun=(1.0, 0.0, 0.0))
    sunk = a - kernel_backend.get(state.orbit)[0, : len(a)]
    met = sunk / (0.1 * DAY) / (ballistic * 1e3 * np.sqrt(MU * a))
    assert np.abs(met / truth - 1.0).max() < 0.03


def test_lifetimes_are_those_of_the_propagation(kernel_backend: Backend) -> None:
    """From 450 km at three inclinations, with a density that changes with latitude: within 1 % of steps of 2 days."""
    inc, table, tilt = np.radians([0.0, 53.0, 98.0]), thermosphere()[None], np.array([[0.5, 0.4, 0.3, 0.2, 0.1, 0.0]])
    a, ballistic, put = RADIUS + 450.0, 0.04, kernel_backend.put
    life = Lifetime(table[0], LOW, SPACING, tilt=tilt[0])
    truth = life.years(a, 0.0, ballistic_m2_kg=ballistic, inc_rad=inc) * 365.25
    state = state_of(kernel_backend, np.concatenate([single(a, 0.0, i, ballistic) for i in inc], axis=1))
    secular, density = Secular(kernel_backend, 150.0), DensityTable(put(table), LOW, SPACING, put(tilt))
    days = np.full(3, np.nan)
    for step in range(1, 1000):
        secular.step(state, 2.0 * DAY, density=density, sun=(1.0, 0.0, 0.0))
        days[np.isnan(days) & (kernel_backend.get(state.gone[:3]) != 0)] = 2.0 * step - 1.0
        if not np.isnan(days).any():
            break
    assert (days > 100.0).all()
    assert days == pytest.approx(truth, rel=0.01)
    assert truth[0] < truth[1] < truth[2]
