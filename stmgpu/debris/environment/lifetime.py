"""Residual orbital lifetimes under drag, from a table computed once for a density profile.

Drag moves an orbit along a curve in the plane of perigee altitude and eccentricity that does not depend on the
ballistic coefficient B = C_d A/m; B only sets the speed along it. Lifetime times B is therefore a function of perigee
and eccentricity, which is tabulated by integration along eccentricity.

Circular orbits: da/dt = -rho B sqrt(mu a). Others, averaged over the eccentric anomaly E (King-Hele 1987, chapter 4)::

    da/dt = -B sqrt(mu a)            < rho (1 + e cos E)^(3/2) (1 - e cos E)^(-1/2) >
    de/dt = -B sqrt(mu/a) (1 - e^2)  < rho ((1 + e cos E) / (1 - e cos E))^(1/2) cos E >

The density does not change with time: lifetimes of less than a solar cycle are means, not those of a date. If the
inclination is given, drag sees the oblate Earth, what J2 lifts the mean radius, and the change of density with
latitude, as in the propagation (:func:`stmgpu.propagate.secular_forces.height_lift_km`), and the rotation of the
atmosphere. Radiation pressure, the Sun and the Moon are neglected.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stmgpu.constants import EARTH
from stmgpu.errors import InputError
from stmgpu.propagate.secular_forces import OMEGA_RAD_S, TILT_SPACING_KM, height_lift_km, latitude_share
from stmgpu.time import YEAR_S

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from stmgpu.typing import Floats

_E_FIRST, _E_LAST, _LEVELS = 1e-4, 0.95, 128
_CIRCULAR_STEP_KM, _STEP_KM = 1.0, 4.0
_FLOOR_KM = 0.01  # lowest height above decay_km in the table
_TOP_KM = 3000.0
_PARTS, _ROUNDS = 9, 5  # a height is searched by division into 9 parts, 5 times: to 30 m of some 2,000 km
_POINTS = 36


class Lifetime:
    """Residual lifetimes for one density profile.

    Parameters
    ----------
    log_density : array_like
        Ln of the density [kg/m^3] at ``lowest_km + k spacing_km``: linear between, extrapolated below and, unlike in
        the propagation, 0 above the last height.
    lowest_km, spacing_km : float
        Heights of the profile [km].
    decay_km : float
        Perigee altitude at which an object has decayed [km]; with an inclination, height in the profile.
    tilt : array_like, optional
        Change of ln of the density with latitude at ``lowest_km`` + k 100 km, see
        :meth:`stmgpu.debris.environment.environment.Environment.tilt`; default none.

    Examples
    --------
    >>> profile = np.log(2.418e-11) - (np.arange(0.0, 901.0, 100.0) - 200.0) / 60.0
    >>> life = Lifetime(profile, 100.0, 100.0, 150.0)
    >>> f"{life.years(6878.0, 0.001, ballistic_m2_kg=0.02):.1f} years"
    '2.1 years'
    >>> perigee, apogee = life.disposal_orbit(7178.0, 0.0, ballistic_m2_kg=0.022, years=25.0)
    >>> a, e = 0.5 * (perigee + apogee), (apogee - perigee) / (apogee + perigee)
    >>> bool(abs(life.years(a, e, ballistic_m2_kg=0.022) - 25.0) < 0.1)
    True
    """

    def __init__(
        self,
        log_density: ArrayLike,
        lowest_km: float,
        spacing_km: float,
        decay_km: float = 150.0,
        *,
        tilt: ArrayLike | None = None,
    ) -> None:
        self.log_density = np.asarray(log_density, np.float64)
        if self.log_density.ndim != 1 or len(self.log_density) < 2 or not np.isfinite(self.log_density).all():
            raise InputError(
                f"log_density must be one profile of at least two finite values, got shape {self.log_density.shape}"
            )
        if not (spacing_km > 0.0 and decay_km > 0.0):
            raise InputError(f"spacing_km and decay_km must be positive, got {spacing_km} and {decay_km}")
        self.lowest_km, self.spacing_km, self.decay_km = float(lowest_km), float(spacing_km), float(decay_km)
        self.tilt = np.zeros(2) if tilt is None else np.asarray(tilt, np.float64)
        self._tilt_heights = self.lowest_km + TILT_SPACING_KM * np.arange(len(self.tilt))
        self.top_km = min(self.lowest_km + self.spacing_km * (len(self.log_density) - 1), _TOP_KM)
        if not self.top_km > decay_km + 2 * _STEP_KM:
            raise InputError(
                f"the density profile ends at {self.top_km:g} km; it must reach above decay_km = {decay_km:g}"
            )
        self.heights = np.linspace(decay_km, self.top_km, round((self.top_km - decay_km) / _STEP_KM) + 1)
        self.heights[0] += _FLOOR_KM
        self.folds = np.linspace(_fold(_E_FIRST), _fold(_E_LAST), _LEVELS)
        self._table = self._march()

    def years(
        self,
        a_km: ArrayLike,
        ecc: ArrayLike,
        *,
        ballistic_m2_kg: ArrayLike,
        inc_rad: ArrayLike | None = None,
        rotating: bool = True,
    ) -> Floats:
        """Years until the perigee falls below ``decay_km``.

        Parameters
        ----------
        a_km, ecc : array_like
            Mean elements [n].
        ballistic_m2_kg : array_like
            C_d A/m [n, m^2/kg].
        inc_rad : array_like, optional
            Inclination [n]; without it the Earth is a sphere without J2, and the atmosphere does not rotate.
        rotating : bool
            Whether the atmosphere rotates, where an inclination is given.

        Returns
        -------
        float64 [n]: 0 for perigees below ``decay_km``, infinity for those above the profile.
        """
        a, e, b = (np.asarray(v, np.float64) for v in np.broadcast_arrays(a_km, ecc, ballistic_m2_kg))
        perigee = a * (1.0 - e)
        height = perigee - EARTH.radius_km
        # below the first eccentricity an orbit counts as circular at its mean altitude
        height = np.where(e < _E_FIRST, height + a * e * (1.0 - e / _E_FIRST), height)
        pace = b
        if inc_rad is not None:
            height = height + height_lift_km(a, inc_rad)
            pace = b * np.exp(latitude_share(inc_rad) * self._tilt_below(height))
            pace = pace * rotation_factor(perigee, e, inc_rad) if rotating else pace
        with np.errstate(divide="ignore"):
            result = np.where(height < self.top_km, self._scaled(height, e) / pace, np.inf)
        return result[()]

    def disposal_orbit(
        self,
        a_km: ArrayLike,
        ecc: ArrayLike,
        *,
        ballistic_m2_kg: ArrayLike,
        years: float,
        inc_rad: ArrayLike | None = None,
        rotating: bool = True,
        circular: bool = False,
    ) -> tuple[Floats, Floats]:
        """Orbit from which an object decays within a number of years.

        Parameters
        ----------
        a_km, ecc, ballistic_m2_kg : array_like
            As for :meth:`years`.
        years : float
            Longest lifetime.
        inc_rad, rotating : array_like and bool, optional
            See :meth:`years`.
        circular : bool
            Lower the apogee too, to a circular orbit.

        Returns
        -------
        radius of perigee and apogee [n, km], unchanged where the orbit decays soon enough.
        """
        if not years > 0.0:
            raise InputError(f"lifetime on a disposal orbit is {years} years; use a positive number")
        a, e, b = (np.asarray(v, np.float64) for v in np.broadcast_arrays(a_km, ecc, ballistic_m2_kg))
        perigee, apogee = a * (1.0 - e), a * (1.0 + e)
        low = np.minimum(perigee, EARTH.radius_km + self.decay_km)
        high = perigee.copy()
        # several heights at a time: most calls are for few objects, whose cost is the number of calls
        inner = np.arange(1, _PARTS).reshape(-1, *(1,) * perigee.ndim)
        for _ in range(_ROUNDS):
            part = (high - low) / _PARTS
            middle = low + inner * part
            top = middle if circular else apogee
            soon = (
                self.years(
                    0.5 * (middle + top),
                    np.maximum((top - middle) / (top + middle), 0.0),
                    ballistic_m2_kg=b,
                    inc_rad=inc_rad,
                    rotating=rotating,
                )
                <= years
            )
            below = np.minimum.accumulate(soon, axis=0).sum(axis=0)
            low = low + below * part
            high = np.where(below < _PARTS - 1, low + part, high)
        stays = self.years(a, e, ballistic_m2_kg=b, inc_rad=inc_rad, rotating=rotating) <= years
        new_perigee = np.where(stays, perigee, low)
        new_apogee = np.where(stays, apogee, low if circular else apogee)
        return new_perigee[()], new_apogee[()]

    def _tilt_below(self, height_km: Floats) -> Floats:
        """Change of ln(density) with latitude over the life of orbits with perigee at heights.

        The time that a sinking orbit spends at a height falls by e with every scale height, so that the mean of what
        changes linearly is its value one scale height further down.
        """
        values: Floats = np.interp(height_km - self._scale_height(height_km), self._tilt_heights, self.tilt)
        return values

    def _scale_height(self, height_km: Floats) -> Floats:
        k = np.clip((height_km - self.lowest_km) / self.spacing_km, 0, len(self.log_density) - 2).astype(np.int64)
        return self.spacing_km / np.maximum(self.log_density[k] - self.log_density[k + 1], 1e-3)

    def _density(self, height_km: Floats) -> Floats:
        """Density at heights, times the seconds of a year and 1000 m/km: -da/dt [km/a] for B = 1 and sqrt(mu a) = 1."""
        position = (height_km - self.lowest_km) / self.spacing_km
        k = np.clip(position.astype(np.int64), 0, len(self.log_density) - 2)
        value = self.log_density[k] + (position - k) * (self.log_density[k + 1] - self.log_density[k])
        return np.where(position > len(self.log_density) - 1, 0.0, np.exp(value) * (1e3 * YEAR_S))

    def _slopes(self, height_km: Floats, ecc: float) -> tuple[Floats, Floats]:
        """d height / dx and -d time / dx, x = ln(e / (1 - e)), for B = 1, at perigee heights [m, km]."""
        radius = height_km + EARTH.radius_km
        a, c = radius / (1.0 - ecc), ecc * _COSINES
        rho = self._density(a[:, None] * (1.0 - c) - EARTH.radius_km)
        weighted = _WEIGHTS * np.sqrt((1.0 + c) / (1.0 - c))
        speed = np.sqrt(EARTH.mu_km3_s2 * a)
        rounds = np.maximum(rho @ (weighted * _COSINES), np.finfo(float).tiny) * speed / a * (1.0 - ecc**2)
        # dq/dt = (1 - e) da/dt - a de/dt, written without cancellation
        sinks = rho @ (weighted * (1.0 - _COSINES)) * speed * (1.0 - ecc)
        return sinks * ecc * (1.0 - ecc) / rounds, ecc * (1.0 - ecc) / rounds

    def _march(self) -> Floats:
        """ln(lifetime times B / height above the floor) [levels of eccentricity, heights]; level 0 is circular."""
        fine = np.linspace(self.decay_km, self.top_km, round((self.top_km - self.decay_km) / _CIRCULAR_STEP_KM) + 1)
        middle = 0.5 * (fine[1:] + fine[:-1])
        ends, centre = (
            1.0 / (self._density(h) * np.sqrt(EARTH.mu_km3_s2 * (h + EARTH.radius_km))) for h in (fine, middle)
        )
        parts = (ends[:-1] + 4.0 * centre + ends[1:]) * np.diff(fine) / 6.0  # Simpson
        circular = np.interp(self.heights, fine, np.append(0.0, np.cumsum(parts)))
        table = np.empty((_LEVELS, len(self.heights)))
        table[0] = np.log(circular / (self.heights - self.decay_km))
        ecc = 1.0 / (1.0 + np.exp(-self.folds))
        for k in range(1, _LEVELS):
            table[k] = self._level(table[k - 1], float(ecc[k]), float(ecc[k - 1]))
        return table

    def _level(self, below: Floats, upper: float, lower: float) -> Floats:
        """One level of the table from the level below, along the curves from ``upper`` to ``lower`` eccentricity."""
        start, floor, fold = self.heights, self.decay_km, self.folds[1] - self.folds[0]
        sinks, takes = self._slopes(start, upper)
        later, takes_later = self._slopes(np.maximum(start - fold * sinks, floor - 50.0), lower)
        end = start - 0.5 * fold * (sinks + later)  # Heun's method
        time = 0.5 * fold * (takes + takes_later)
        left = np.where(end > floor, np.exp(np.interp(end, start, below)) * (end - floor), 0.0)
        # orbits that pass the floor on the way get the part of the step above it
        above = np.where(end > floor, 1.0, (start - floor) / np.maximum(start - end, 1e-12))
        time = np.where(end > floor, time, np.minimum(above * takes * fold, time))
        result: Floats = np.log((left + time) / (start - floor))
        return result

    def _scaled(self, height_km: Floats, ecc: Floats) -> Floats:
        """Lifetime times B from the table, by linear interpolation of its logarithm."""
        spacing = self.heights[2] - self.heights[1]
        above = np.maximum(height_km - self.decay_km, 0.0)
        x = np.minimum(above / spacing, len(self.heights) - 1.0)
        fold = _fold(np.clip(ecc, _E_FIRST, _E_LAST))
        y = np.clip((fold - self.folds[0]) / (self.folds[1] - self.folds[0]), 0.0, _LEVELS - 1.0)
        i, j = np.minimum(x.astype(np.int64), len(self.heights) - 2), np.minimum(y.astype(np.int64), _LEVELS - 2)
        u, v, t = x - i, y - j, self._table
        lower = (1.0 - u) * t[j, i] + u * t[j, i + 1]
        upper = (1.0 - u) * t[j + 1, i] + u * t[j + 1, i + 1]
        scaled: Floats = above * np.exp((1.0 - v) * lower + v * upper)
        return scaled


def rotation_factor(perigee_km: ArrayLike, ecc: ArrayLike, inc_rad: ArrayLike) -> Floats:
    """Factor on drag by the rotation of the atmosphere, (1 - w r_p cos i / v_p)^2 (King-Hele 1987, equation 2.15).

    Examples
    --------
    >>> rotation_factor(6878.0, 0.0, np.radians([0.0, 90.0, 180.0])).round(3).tolist()
    [0.873, 1.0, 1.136]
    """
    r = np.asarray(perigee_km, np.float64)
    speed = np.sqrt(EARTH.mu_km3_s2 / r * (1.0 + np.asarray(ecc, np.float64)))
    factor: Floats = (1.0 - OMEGA_RAD_S * r * np.cos(inc_rad) / speed) ** 2
    return factor


def _fold(ecc: Floats | float) -> Floats:
    """ln(e / (1 - e)), in which equal steps resolve small eccentricities and those near 1."""
    return np.asarray(np.log(ecc / (1.0 - ecc)))


def _quadrature() -> tuple[Floats, Floats]:
    """cos E and weights for a mean over E: Gauss-Legendre in s with E = pi s^3: points concentrate at the perigee."""
    x, w = np.polynomial.legendre.leggauss(_POINTS)
    s = 0.5 * (x + 1.0)
    return np.cos(np.pi * s**3), 0.5 * w * 3.0 * s**2


_COSINES, _WEIGHTS = _quadrature()
