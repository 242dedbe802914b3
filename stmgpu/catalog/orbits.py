"""Size and regime of orbits from SGP4 mean elements: the plain quantities that summaries and readers need."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from stmgpu.constants import WGS72

Floats = npt.NDArray[np.float64]

REGIMES = ("LEO", "MEO", "GEO", "HEO")
"""Orbit regimes, as told apart by `regime`."""

_LEO_TOP_KM = 2000.0
_GEO_HEIGHT_KM = 35_786.0
_GEO_REV_PER_DAY = (0.9, 1.1)
_RAD_PER_MIN_PER_REV_PER_DAY = 2.0 * np.pi / 1440.0


def semi_major_axis_km(mean_motion: npt.ArrayLike) -> Floats:
    """Semi-major axis by Kepler's third law with WGS-72 [km], from the mean motion [rad/min].

    SGP4's own axis differs by a few kilometres, since its mean motion is Kozai's.

    Examples
    --------
    >>> round(float(semi_major_axis_km(0.0043752)))
    42165
    """
    return np.asarray(np.cbrt(WGS72.mu_km3_s2 / (np.asarray(mean_motion, np.float64) / 60.0) ** 2))


def mean_motion_of_axis(semi_major_axis: npt.ArrayLike) -> Floats:
    """Mean motion [rad/min] by Kepler's third law with WGS-72, from the semi-major axis [km].

    Examples
    --------
    >>> round(float(mean_motion_of_axis(6778.0)), 4)
    0.0679
    """
    return np.asarray(60.0 * np.sqrt(WGS72.mu_km3_s2 / np.asarray(semi_major_axis, np.float64) ** 3))


def apsis_heights_km(mean_motion: npt.ArrayLike, eccentricity: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Heights of perigee and apogee above the equatorial radius [km].

    Examples
    --------
    >>> [round(float(height), -1) for height in apsis_heights_km(0.0679, 0.0)]
    [400.0, 400.0]
    """
    axis = semi_major_axis_km(mean_motion)
    e = np.asarray(eccentricity, np.float64)
    return axis * (1.0 - e) - WGS72.radius_km, axis * (1.0 + e) - WGS72.radius_km


def regime(mean_motion: npt.ArrayLike, eccentricity: npt.ArrayLike) -> npt.NDArray[np.str_]:
    """Regime of each orbit, from mean motion [rad/min] and eccentricity.

    LEO: apogee below 2,000 km. GEO: 0.9 to 1.1 revolutions a day and e < 0.1. MEO: perigee above 2,000 km and apogee
    below GEO's height. HEO: everything else (transfer orbits, Molniya, above GEO).

    Examples
    --------
    >>> regime([0.0679, 0.0043752], [0.001, 0.0]).tolist()
    ['LEO', 'GEO']
    """
    e = np.asarray(eccentricity, np.float64)
    perigee, apogee = apsis_heights_km(mean_motion, e)
    rev_per_day = np.asarray(mean_motion, np.float64) / _RAD_PER_MIN_PER_REV_PER_DAY
    low, high = _GEO_REV_PER_DAY
    is_geo = (rev_per_day >= low) & (rev_per_day <= high) & (e < 0.1)
    is_meo = (perigee >= _LEO_TOP_KM) & (apogee < _GEO_HEIGHT_KM) & ~is_geo
    return np.select([apogee < _LEO_TOP_KM, is_meo, is_geo], list(REGIMES[:3]), REGIMES[3])


def sgp4_period_min(mean_motion: npt.ArrayLike, eccentricity: npt.ArrayLike, inclination: npt.ArrayLike) -> Floats:
    """Period by which SGP4 chooses its model [min]: of Brouwer's mean motion, recovered from Kozai's.

    Parameters
    ----------
    mean_motion, eccentricity, inclination : array_like of float
        Kozai mean motion [rad/min], eccentricity and inclination [rad].

    Notes
    -----
    Hoots and Roehrich (1980), Spacetrack Report 3, section 6, with WGS-72.

    Examples
    --------
    >>> round(float(sgp4_period_min(0.0679, 0.001, 0.9)), 1)
    92.5
    """
    n = np.asarray(mean_motion, np.float64)
    e2 = np.square(np.asarray(eccentricity, np.float64))
    cosine = np.cos(np.asarray(inclination, np.float64))
    k_e = 60.0 * np.sqrt(WGS72.mu_km3_s2 / WGS72.radius_km**3)
    a1 = (k_e / n) ** (2.0 / 3.0)
    factor = 0.75 * WGS72.j2 * (3.0 * cosine**2 - 1.0) / (1.0 - e2) ** 1.5
    delta1 = factor / a1**2
    a0 = a1 * (1.0 - delta1 * (1.0 / 3.0 + delta1 * (1.0 + 134.0 / 81.0 * delta1)))
    delta0 = factor / a0**2
    return np.asarray(2.0 * np.pi * (1.0 + delta0) / n)
