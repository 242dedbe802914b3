"""Size, period and regime of orbits, from SGP4 mean elements."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from stmgpu.constants import WGS72

if TYPE_CHECKING:
    from stmgpu.typing import Floats, Strings

REGIMES = ("LEO", "MEO", "GEO", "HEO")
"""Orbit regimes, as assigned by `regime_of`."""

_LEO_TOP_KM = 2000.0
_GEO_BOTTOM_KM = 35_586.0
_GEOSYNCHRONOUS_AXIS_KM = (37_948.0, 46_380.0)
_GEOSYNCHRONOUS_ECCENTRICITY = 0.25


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


def osculating_heights_km(position_km: npt.ArrayLike, velocity_km_s: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Heights of perigee and apogee above the equatorial radius [km], of the osculating orbits of states.

    Parameters
    ----------
    position_km, velocity_km_s : array_like of float64, shape (n, 3)
        States in an inertial frame [km], [km/s].

    Returns
    -------
    perigee_km, apogee_km : ndarray of float64, shape (n,)
        Heights; infinite apogees for states that leave the Earth.

    Examples
    --------
    >>> [height.round(-1).tolist() for height in osculating_heights_km([[6778.0, 0.0, 0.0]], [[0.0, 7.6686, 0.0]])]
    [[400.0], [400.0]]
    """
    r, v = np.asarray(position_km, np.float64), np.asarray(velocity_km_s, np.float64)
    radius, speed2, mu = np.linalg.norm(r, axis=-1), np.sum(v * v, axis=-1), WGS72.mu_km3_s2
    vector = ((speed2 - mu / radius)[:, None] * r - np.sum(r * v, axis=-1)[:, None] * v) / mu
    e = np.linalg.norm(vector, axis=-1)
    semi_latus_km = np.sum(np.cross(r, v) ** 2, axis=-1) / mu
    with np.errstate(divide="ignore"):
        apogee = np.where(e < 1.0, semi_latus_km / np.maximum(1.0 - e, 0.0), np.inf)
    return semi_latus_km / (1.0 + e) - WGS72.radius_km, apogee - WGS72.radius_km


def regime_of(perigee_km: npt.ArrayLike, apogee_km: npt.ArrayLike) -> Strings:
    """Regime of each orbit.

    - LEO: apogee below 2,000 km.
    - GEO: semi-major axis from 37,948 to 46,380 km and eccentricity up to 0.25, at any inclination: geosynchronous
      orbits and the graveyards beside them.
    - MEO: perigee from 2,000 km and apogee below 35,586 km, the lower edge of the protected GEO region.
    - HEO: all others, among them transfer and Molniya orbits and those above GEO.

    Parameters
    ----------
    perigee_km, apogee_km : array_like of float64
        Heights above the equatorial radius [km].

    Returns
    -------
    ndarray of str
        One of `REGIMES` for each orbit; HEO where a height is infinite or NaN.

    Notes
    -----
    Limits of LEO and of the protected GEO region: IADC-02-01, Space Debris Mitigation Guidelines. Geosynchronous orbits
    are the classes EGO and IGO of ESA's Annual Space Environment Report, which CCSDS lists as orbit categories (SANA
    registry, CCSDS 502.0-B-3).

    Examples
    --------
    >>> regime_of([410.0, 20_180.0, 35_780.0, 250.0], [420.0, 20_190.0, 35_790.0, 35_950.0]).tolist()
    ['LEO', 'MEO', 'GEO', 'HEO']
    """
    perigee, apogee = np.asarray(perigee_km, np.float64), np.asarray(apogee_km, np.float64)
    with np.errstate(invalid="ignore"):
        axis = (perigee + apogee) / 2.0 + WGS72.radius_km
        eccentricity = (apogee - perigee) / (2.0 * axis)
    lowest, highest = _GEOSYNCHRONOUS_AXIS_KM
    is_geo = (axis >= lowest) & (axis <= highest) & (eccentricity <= _GEOSYNCHRONOUS_ECCENTRICITY)
    is_meo = (perigee >= _LEO_TOP_KM) & (apogee < _GEO_BOTTOM_KM) & ~is_geo
    return np.asarray(np.select([apogee < _LEO_TOP_KM, is_meo, is_geo], list(REGIMES[:3]), REGIMES[3]))


def sgp4_period_min(mean_motion: npt.ArrayLike, eccentricity: npt.ArrayLike, inclination: npt.ArrayLike) -> Floats:
    """Period that decides between SGP4 and SDP4 [min]: that of Brouwer's mean motion, recovered from Kozai's.

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
