"""Mean elements of the 19,647 objects of esa/cascade, under cascade's forces: J2 and drag, no J3.

cascade's force model has J2, C22, S22 and drag. Without J3 there is no frozen orbit: an eccentricity vector turns about
zero, not about its forced value (-J3 / 2 J2) (R / p) sin i, some 0.001, that SGP4 adds to its mean elements. So what is
moved here is SGP4's mean eccentricity vector plus the forced one, and the forced one is taken off again whenever SGP4
elements are made for a window of a day or less, in which SGP4 turns it wrongly by at most 0.0001.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stmgpu.backend import Backend
from stmgpu.catalog import Catalog
from stmgpu.catalog.orbits import mean_motion_of_axis, semi_major_axis_km
from stmgpu.constants import WGS72
from stmgpu.debris.collisions.screening_catalog import SGP4_RHO0, fit_catalog
from stmgpu.debris.environment.atmosphere import four_exponential_log_density
from stmgpu.errors import InputError
from stmgpu.propagate import orbit_table
from stmgpu.propagate.orbit_table import SecularState
from stmgpu.propagate.secular import Secular
from stmgpu.propagate.secular_forces import DensityTable
from stmgpu.time import Epoch, parse_utc

Array = NDArray[np.float64]
EPOCH = parse_utc("2022-03-01T00:00:00")
RADIUS_KM, J3 = WGS72.radius_km, -2.53881e-6  # WGS-72, those of SGP4
REENTRY_KM = 150.0
_LOWEST_KM, _SPACING_KM, _HEIGHTS = 100.0, 2.0, 951
_LONGEST_DAYS = 5.0


@dataclass(frozen=True)
class States:
    """Contents of the files in km and s: position, velocity [n, 3], radius [m], B* over the Earth's radius [1/m]."""

    position: Array
    velocity: Array
    radius_m: Array
    drag_per_m: Array

    @classmethod
    def read(cls, folder: Path) -> States:
        """From test_ic_19647.txt (seven numbers an object, SI) and test_par_19647.txt."""
        for name in ("test_ic_19647.txt", "test_par_19647.txt"):
            if not (folder / name).is_file():
                raise InputError(f"{folder / name} is missing; give the folder of the debris data with --data")
        rows = np.loadtxt(folder / "test_ic_19647.txt").reshape(-1, 7)
        return cls(rows[:, :3] * 1e-3, rows[:, 3:6] * 1e-3, rows[:, 6], np.loadtxt(folder / "test_par_19647.txt"))

    def perturbed(self, most_km: float, rng: np.random.Generator) -> States:
        """With uniform errors of position up to ``most_km`` in each coordinate; what is then below 150 km is left out,
        as cascade's script does."""
        position = self.position + rng.uniform(-most_km, most_km, self.position.shape)
        k = np.linalg.norm(position, axis=1) > 6378.137 + REENTRY_KM
        return States(position[k], self.velocity[k], self.radius_m[k], self.drag_per_m[k])


@dataclass(frozen=True)
class Elements:
    """Mean elements of objects under J2 alone; ``id`` counts the rows of the file from 1, angles in rad."""

    id: NDArray[np.int64]
    a_km: Array
    ecc: Array
    inc: Array
    raan: Array
    argp: Array
    mean: Array
    radius_m: Array

    def catalog(self, epoch: Epoch) -> Catalog:
        """SGP4 elements of this motion, without drag."""
        x, y = self.ecc * np.cos(self.argp), self.ecc * np.sin(self.argp) - forced(self.a_km, self.ecc, self.inc)
        argp, turn, n = np.arctan2(y, x), 2.0 * np.pi, len(self.id)
        return Catalog.from_columns(
            norad_id=self.id,
            epoch_jd=np.full(n, epoch.jd),
            epoch_fr=np.full(n, epoch.fr),
            mean_motion=mean_motion_of_axis(self.a_km),
            eccentricity=np.hypot(x, y),
            inclination=self.inc,
            raan=np.mod(self.raan, turn),
            argp=np.mod(argp, turn),
            mean_anomaly=np.mod(self.mean + self.argp - argp, turn),
            bstar=np.zeros(n),
            hard_body_radius_m=self.radius_m,
            mass_kg=np.full(n, np.nan),
        )

    def drifted(self, seconds: float) -> Elements:
        """After some days of J2: node, perigee, and the mean longitude, whose rate is SGP4's own."""
        rate = WGS72.j2 * np.sqrt(WGS72.mu_km3_s2 / self.a_km**3) * (RADIUS_KM / (self.a_km * (1.0 - self.ecc**2))) ** 2
        return Elements(
            self.id,
            self.a_km,
            self.ecc,
            self.inc,
            self.raan - 1.5 * rate * np.cos(self.inc) * seconds,
            self.argp + apsidal_rate(self.a_km, self.ecc, self.inc) * seconds,
            self.mean + mean_motion_of_axis(self.a_km) / 60.0 * seconds,
            self.radius_m,
        )


def forced(a_km: Array, ecc: Array, inc: Array) -> Array:
    """Effect of J3 on e sin(omega) in SGP4 (Brouwer 1959: the long-period terms of J3)."""
    return -0.5 * J3 / WGS72.j2 * np.sin(inc) * RADIUS_KM / (a_km * (1.0 - ecc**2))


def apsidal_rate(a_km: Array, ecc: Array, inc: Array) -> Array:
    """Apsidal rate due to J2 [rad/s]."""
    rate = WGS72.j2 * np.sqrt(WGS72.mu_km3_s2 / a_km**3) * (RADIUS_KM / (a_km * (1.0 - ecc**2))) ** 2
    return 0.75 * rate * (5.0 * np.cos(inc) ** 2 - 1.0)


def fitted(states: States, backend: Backend) -> tuple[Catalog, Elements, float]:
    """SGP4's mean elements of the states with their B*, the mean elements under J2 alone, the worst error [km]."""
    ids = np.arange(1, len(states.radius_m) + 1)
    catalog, off = fit_catalog(
        states.position,
        states.velocity,
        epoch=EPOCH,
        bstar=states.drag_per_m * 6378137.0,
        radius_m=states.radius_m,
        norad_id=ids,
        backend=backend,
    )
    a, e, i, w = semi_major_axis_km(catalog.mean_motion), catalog.eccentricity, catalog.inclination, catalog.argp
    x, y = e * np.cos(w), e * np.sin(w) + forced(a, e, i)
    argp = np.arctan2(y, x)
    return (
        catalog,
        Elements(ids, a, np.hypot(x, y), i, catalog.raan, argp, catalog.mean_anomaly + w - argp, states.radius_m),
        float(off.max()),
    )


def drag_axis(a_km: Array, ecc: Array, inc: Array) -> Array:
    """Ratio of the mean radius that drag feels to the axis of SGP4's (Kozai's) mean motion under J2.

    Brouwer's axis is larger than Kozai's by J2 (R/p)^2 (3 cos^2 i - 1) / 2, and the mean radius of a circular orbit
    smaller than Brouwer's axis by 3/2 of that; 1.5 km for polar orbits.
    """
    return 1.0 - 0.25 * WGS72.j2 * (RADIUS_KM / (a_km * (1.0 - ecc**2))) ** 2 * (3.0 * np.cos(inc) ** 2 - 1.0)


class Decades:
    """The elements through the years, by the project's secular propagator in cascade's atmosphere at rest.

    Parameters
    ----------
    start
        of :func:`fitted`.
    drag_per_m
        B* over the Earth's radius: cascade's drag is rho / rho_0 of it times v^2, rho_0 = 0.1570 kg/m^2 over the
        radius.
    backend
        where the elements are moved.
    """

    def __init__(self, start: Elements, drag_per_m: Array, backend: Backend) -> None:
        self._start, self._backend = start, backend
        self._ratio = drag_axis(start.a_km, start.ecc, start.inc)
        self._state = SecularState(backend, len(start.id))
        orbit = np.zeros((orbit_table.ROWS, self._state.capacity))
        n = self._state.n = len(start.id)
        orbit[:6, :n] = start.a_km * self._ratio, start.ecc, start.inc, start.raan, start.argp, start.mean
        orbit[orbit_table.BALLISTIC, :n] = 2.0 * drag_per_m * 6378136.3 / SGP4_RHO0
        orbit[orbit_table.WEIGHT, :n] = 1.0
        mode = np.full(self._state.capacity, orbit_table.ABSENT, np.int8)
        mode[:n] = orbit_table.FREE
        self._state.orbit, self._state.mode = backend.put(orbit), backend.put(mode)
        heights = _LOWEST_KM + _SPACING_KM * np.arange(_HEIGHTS)
        log_density = backend.put(four_exponential_log_density(heights)[np.newaxis])
        self._density = DensityTable(log_density, _LOWEST_KM, _SPACING_KM)
        self._secular = Secular(backend, REENTRY_KM, rotating=False, oblate=False)
        self.days = 0.0
        self.reentry_days = np.full(n, np.inf)

    def until(self, days: float) -> Elements:
        """Advance to a day after the epoch and return the objects that are left."""
        while self.days < days - 1e-9:
            step = min(_LONGEST_DAYS, days - self.days)
            self._secular.step(self._state, step * 86_400.0, density=self._density, sun=(1.0, 0.0, 0.0))
            self.days += step
            gone = self._backend.get(self._state.gone) != 0
            if gone.any():
                mode = self._backend.get(self._state.mode)
                new = np.flatnonzero(gone & (mode == orbit_table.FREE))
                self.reentry_days[new], mode[new] = self.days, orbit_table.ABSENT
                self._state.mode = self._backend.put(mode)
        n = len(self.reentry_days)
        k = np.flatnonzero(np.isinf(self.reentry_days))
        a, e, i, raan, argp, mean = self._backend.get(self._state.orbit)[:6, :n][:, k]
        return Elements(self._start.id[k], a / self._ratio[k], e, i, raan, argp, mean, self._start.radius_m[k])
