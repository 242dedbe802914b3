"""How long orbits last under drag, from a table made once for a density profile.

Drag alone moves an orbit along a curve in the plane of perigee altitude and eccentricity that does not depend on the
ballistic coefficient B = C_d A/m, which only sets the pace: lifetime times B is a function of perigee and eccentricity.
It is tabulated here by marching in eccentricity, and looked up for any number of orbits at once.

Circular orbits: da/dt = -rho B sqrt(mu a). Others, averaged over the eccentric anomaly E (King-Hele 1987, chapter 4)::

    da/dt = -B sqrt(mu a)            < rho (1 + e cos E)^(3/2) (1 - e cos E)^(-1/2) >
    de/dt = -B sqrt(mu/a) (1 - e^2)  < rho ((1 + e cos E) / (1 - e cos E))^(1/2) cos E >

The density does not change with time, so lifetimes of less than a solar cycle hold for its mean and not for a date; the
rotation of the atmosphere enters by the inclination where it is given. Radiation pressure, the Sun and the Moon are not
taken into account.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stmgpu.constants import EARTH
from stmgpu.errors import InputError
from stmgpu.time import YEAR_S

Array = NDArray[np.float64]

EARTH_RATE_RAD_S = 7.292115e-5
"""Rotation of the Earth, and of its atmosphere [rad/s]."""

_E_FIRST, _E_LAST, _LEVELS = 1e-4, 0.95, 128
_CIRCULAR_STEP_KM, _STEP_KM = 1.0, 4.0
_FLOOR_KM = 0.01  # lowest height above decay_km in the table
_TOP_KM = 3000.0
_PARTS, _ROUNDS = 9, 5  # a height is sought in 9 parts 5 times over: 30 m of at most some 2,000 km
_POINTS = 36


class Lifetime:
    """Residual lifetimes for one density profile.

    Parameters
    ----------
    log_density
        ln of the density [kg/m^3] at ``lowest_km + k spacing_km``: linear between, continued below and, unlike in the
        propagation, nothing above the last height.
    lowest_km, spacing_km
        heights of the profile [km].
    decay_km
        perigee altitude at which an object is gone [km].

    Examples
    --------
    >>> profile = np.log(2.418e-11) - (np.arange(0.0, 901.0, 100.0) - 200.0) / 60.0
    >>> life = Lifetime(profile, 100.0, 100.0, 150.0)
    >>> perigee, apogee = life.disposal_orbit(7178.0, 0.0, 0.022, 25.0)
    >>> bool(abs(life.years(0.5 * (perigee + apogee), (apogee - perigee) / (apogee + perigee), 0.022) - 25.0) < 0.1)
    True
    """

    def __init__(self, log_density: ArrayLike, lowest_km: float, spacing_km: float, decay_km: float = 150.0) -> None:
        self.log_density = np.asarray(log_density, np.float64)
        if self.log_density.ndim != 1 or len(self.log_density) < 2 or not np.isfinite(self.log_density).all():
            raise InputError(
                f"log_density must be one profile of at least two finite values, got shape {self.log_density.shape}"
            )
        if not (spacing_km > 0.0 and decay_km > 0.0):
            raise InputError(f"spacing_km and decay_km must be positive, got {spacing_km} and {decay_km}")
        self.lowest_km, self.spacing_km, self.decay_km = float(lowest_km), float(spacing_km), float(decay_km)
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
        self, a_km: ArrayLike, ecc: ArrayLike, ballistic_m2_kg: ArrayLike, inc_rad: ArrayLike | None = None
    ) -> Any:
        """Years until the perigee falls below ``decay_km``.

        Parameters
        ----------
        a_km, ecc
            mean elements [n].
        ballistic_m2_kg
            C_d A/m [n, m^2/kg].
        inc_rad
            inclination [n]; where it is not given the atmosphere does not rotate.

        Returns
        -------
        float64 [n]: 0 for perigees below ``decay_km``, infinity for those above the profile.
        """
        a, e, b = (np.asarray(v, np.float64) for v in np.broadcast_arrays(a_km, ecc, ballistic_m2_kg))
        perigee = a * (1.0 - e)
        height = perigee - EARTH.radius_km
        # below the first eccentricity an orbit is as good as circular at its mean altitude
        height = np.where(e < _E_FIRST, height + a * e * (1.0 - e / _E_FIRST), height)
        pace = b if inc_rad is None else b * rotation_factor(perigee, e, inc_rad)
        with np.errstate(divide="ignore"):
            result = np.where(height < self.top_km, self._scaled(height, e) / pace, np.inf)
        return result[()]

    def disposal_orbit(
        self,
        a_km: ArrayLike,
        ecc: ArrayLike,
        ballistic_m2_kg: ArrayLike,
        years: float,
        inc_rad: ArrayLike | None = None,
        circular: bool = False,
    ) -> tuple[Any, Any]:
        """Orbit to lower an object to so that it decays within so many years.

        Parameters
        ----------
        a_km, ecc, ballistic_m2_kg
            as for :meth:`years`.
        years
            the rule.
        inc_rad
            inclination [n], see :meth:`years`.
        circular
            lower to a circular orbit instead of keeping the apogee.

        Returns
        -------
        radius of perigee and apogee [n, km]; those of the orbit itself where it decays soon enough anyway.
        """
        if not years > 0.0:
            raise InputError(f"a disposal orbit of {years} years is impossible; give a positive number")
        a, e, b = (np.asarray(v, np.float64) for v in np.broadcast_arrays(a_km, ecc, ballistic_m2_kg))
        perigee, apogee = a * (1.0 - e), a * (1.0 + e)
        low = np.minimum(perigee, EARTH.radius_km + self.decay_km)
        high = perigee.copy()
        # many heights at a time: most calls are for a few objects, where the number of calls counts
        inner = np.arange(1, _PARTS).reshape(-1, *(1,) * perigee.ndim)
        for _ in range(_ROUNDS):
            part = (high - low) / _PARTS
            middle = low + inner * part
            top = middle if circular else apogee
            soon = (
                self.years(0.5 * (middle + top), np.maximum((top - middle) / (top + middle), 0.0), b, inc_rad) <= years
            )
            below = np.minimum.accumulate(soon, axis=0).sum(axis=0)
            low = low + below * part
            high = np.where(below < _PARTS - 1, low + part, high)
        stays = self.years(a, e, b, inc_rad) <= years
        new_perigee = np.where(stays, perigee, low)
        new_apogee = np.where(stays, apogee, low if circular else apogee)
        return new_perigee[()], new_apogee[()]

    def _density(self, height_km: Array) -> Array:
        """Density at heights, times the seconds of a year and 1000 m/km: da/dt in km/a for B = 1 and sqrt(mu a) = 1."""
        position = (height_km - self.lowest_km) / self.spacing_km
        k = np.clip(position.astype(np.int64), 0, len(self.log_density) - 2)
        value = self.log_density[k] + (position - k) * (self.log_density[k + 1] - self.log_density[k])
        return np.where(position > len(self.log_density) - 1, 0.0, np.exp(value) * (1e3 * YEAR_S))

    def _slopes(self, height_km: Array, ecc: float) -> tuple[Array, Array]:
        """d height / dx and -d time / dx, x = ln(e / (1 - e)), for B = 1, at perigee heights [m, km]."""
        radius = height_km + EARTH.radius_km
        a, c = radius / (1.0 - ecc), ecc * _COSINES
        rho = self._density(a[:, None] * (1.0 - c) - EARTH.radius_km)
        weighted = _WEIGHTS * np.sqrt((1.0 + c) / (1.0 - c))
        speed = np.sqrt(EARTH.mu_km3_s2 * a)
        rounds = np.maximum(rho @ (weighted * _COSINES), np.finfo(float).tiny) * speed / a * (1.0 - ecc**2)
        # (1 - e) da/dt - a de/dt without its cancellation
        sinks = rho @ (weighted * (1.0 - _COSINES)) * speed * (1.0 - ecc)
        return sinks * ecc * (1.0 - ecc) / rounds, ecc * (1.0 - ecc) / rounds

    def _march(self) -> Array:
        """ln(lifetime times B / height above the floor) [levels of eccentricity, heights]; the first are circles."""
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

    def _level(self, below: Array, upper: float, lower: float) -> Array:
        """One level of the table from the one below: follow the curves from ``upper`` to ``lower`` eccentricity."""
        start, floor, fold = self.heights, self.decay_km, self.folds[1] - self.folds[0]
        sinks, takes = self._slopes(start, upper)
        later, takes_later = self._slopes(np.maximum(start - fold * sinks, floor - 50.0), lower)
        end = start - 0.5 * fold * (sinks + later)  # Heun
        time = 0.5 * fold * (takes + takes_later)
        left = np.where(end > floor, np.exp(np.interp(end, start, below)) * (end - floor), 0.0)
        # those that come below the floor on the way get the part of the step above it
        above = np.where(end > floor, 1.0, (start - floor) / np.maximum(start - end, 1e-12))
        time = np.where(end > floor, time, np.minimum(above * takes * fold, time))
        result: Array = np.log((left + time) / (start - floor))
        return result

    def _scaled(self, height_km: Array, ecc: Array) -> Array:
        """Lifetime times B from the table, linear in its logarithm."""
        spacing = self.heights[2] - self.heights[1]
        above = np.maximum(height_km - self.decay_km, 0.0)
        x = np.minimum(above / spacing, len(self.heights) - 1.0)
        fold = _fold(np.clip(ecc, _E_FIRST, _E_LAST))
        y = np.clip((fold - self.folds[0]) / (self.folds[1] - self.folds[0]), 0.0, _LEVELS - 1.0)
        i, j = np.minimum(x.astype(np.int64), len(self.heights) - 2), np.minimum(y.astype(np.int64), _LEVELS - 2)
        u, v, t = x - i, y - j, self._table
        lower = (1.0 - u) * t[j, i] + u * t[j, i + 1]
        upper = (1.0 - u) * t[j + 1, i] + u * t[j + 1, i + 1]
        return above * np.exp((1.0 - v) * lower + v * upper)


def residual_lifetime_years(
    a_km: ArrayLike,
    ecc: ArrayLike,
    ballistic_m2_kg: ArrayLike,
    log_density: ArrayLike,
    lowest_km: float,
    spacing_km: float,
    decay_km: float = 150.0,
) -> Any:
    """Years that orbits last, see :meth:`Lifetime.years`; for many calls with one profile make a :class:`Lifetime`.

    Examples
    --------
    >>> profile = np.log(2.418e-11) - (np.arange(0.0, 901.0, 100.0) - 200.0) / 60.0
    >>> f"{residual_lifetime_years(6878.0, 0.001, 0.02, profile, 100.0, 100.0):.1f} years"
    '2.1 years'
    """
    return Lifetime(log_density, lowest_km, spacing_km, decay_km).years(a_km, ecc, ballistic_m2_kg)


def disposal_perigee_km(
    a_km: ArrayLike,
    ecc: ArrayLike,
    ballistic_m2_kg: ArrayLike,
    years: float,
    log_density: ArrayLike,
    lowest_km: float,
    spacing_km: float,
    decay_km: float = 150.0,
    circular: bool = False,
) -> Any:
    """Altitude of the perigee, or of the circular orbit, that decays within so many years [km].

    See :meth:`Lifetime.disposal_orbit`.

    Examples
    --------
    >>> profile = np.log(2.418e-11) - (np.arange(0.0, 901.0, 100.0) - 200.0) / 60.0
    >>> f"{disposal_perigee_km(7178.0, 0.001, 0.02, 5.0, profile, 100.0, 100.0, circular=True):.0f} km"
    '552 km'
    """
    life = Lifetime(log_density, lowest_km, spacing_km, decay_km)
    return life.disposal_orbit(a_km, ecc, ballistic_m2_kg, years, circular=circular)[0] - EARTH.radius_km


def rotation_factor(perigee_km: ArrayLike, ecc: ArrayLike, inc_rad: ArrayLike) -> Any:
    """What the rotation of the atmosphere does to drag: (1 - w r_p cos i / v_p)^2 (King-Hele 1987, equation 2.15).

    Examples
    --------
    >>> rotation_factor(6878.0, 0.0, np.radians([0.0, 90.0, 180.0])).round(3).tolist()
    [0.873, 1.0, 1.136]
    """
    r = np.asarray(perigee_km, np.float64)
    speed = np.sqrt(EARTH.mu_km3_s2 / r * (1.0 + np.asarray(ecc, np.float64)))
    return (1.0 - EARTH_RATE_RAD_S * r * np.cos(inc_rad) / speed) ** 2


def _fold(ecc: Any) -> Any:
    """ln(e / (1 - e)): even steps in it are fine enough for small eccentricities and for those near 1."""
    return np.log(ecc / (1.0 - ecc))


def _quadrature() -> tuple[Array, Array]:
    """cos E and weights for a mean over E: Gauss-Legendre in s with E = pi s^3, so that points crowd at the perigee."""
    x, w = np.polynomial.legendre.leggauss(_POINTS)
    s = 0.5 * (x + 1.0)
    return np.cos(np.pi * s**3), 0.5 * w * 3.0 * s**2


_COSINES, _WEIGHTS = _quadrature()
