"""Brouwer's mean semi-major axis, which the long-term model takes, from the axes that sources give.

Three axes of one orbit differ by kilometres, and drag changes by a percent a kilometre:

========== ======================================== ===============================================================
axis       from                                     sources of populations
========== ======================================== ===============================================================
Brouwer    n'' = sqrt(mu / a''^3)                   GP elements (after SGP4's own conversion), tables, the synthetic
                                                    population, constellations
Kozai      the mean motion that GP elements state,  MOCAT-MC files
           n = n'' (1 + 3/4 J2 (R/p)^2
           sqrt(1 - e^2) (3 cos^2 i - 1) + ...)
osculating one state                                states of esa/cascade
========== ======================================== ===============================================================

Kozai's axis is 3.2 km longer for polar and 6.5 km shorter for equatorial low orbits; that of a state swings by 10 km.
That MOCAT-MC gives Kozai's was measured: of the 2023 file's objects at 1,100 to 1,900 km, 1,911 near-polar ones have an
axis 0.16 km (median) from Kozai's and 2.89 km from Brouwer's in the GP elements of July 2024.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stmgpu.catalog.orbits import mean_motion_of_axis, semi_major_axis_km, sgp4_period_min
from stmgpu.constants import EARTH

if TYPE_CHECKING:
    from stmgpu.typing import Floats


def axis_of_kozai(a_km: Floats, ecc: Floats, inc_rad: Floats) -> Floats:
    """Brouwer's mean axis [n, km] from that which Kepler's law gives for Kozai's mean motion, WGS-72.

    The conversion is that of SGP4 (Hoots and Roehrich 1980, section 6). What is no orbit is returned as it is.

    Examples
    --------
    >>> float(axis_of_kozai(np.array([7178.0]), np.array([0.0]), np.radians([98.6]))[0].round(2))
    7175.14
    """
    with np.errstate(all="ignore"):
        found = semi_major_axis_km(2.0 * np.pi / sgp4_period_min(mean_motion_of_axis(a_km), ecc, inc_rad))
    return np.where(np.isfinite(found) & (ecc < 1.0), found, a_km)


def axis_of_osculating(a_km: Floats, ecc: Floats, inc_rad: Floats, latitude_rad: Floats, radius_km: Floats) -> Floats:
    """Brouwer's mean axis [n, km] from osculating elements, without the short-period terms of J2, to first order.

    Parameters
    ----------
    a_km, ecc, inc_rad : ndarray of float64
        Osculating elements.
    latitude_rad, radius_km : ndarray of float64
        Argument of latitude u (argument of perigee plus true anomaly) and distance from the centre r of the state.

    Notes
    -----
    D. Brouwer (1959), Astron. J. 64, 378, the term of a of the first order; with s = 3/2 sin^2 i ::

        a - a'' = J2 R^2 / a ( (a/r)^3 (1 - s + s cos 2u) - (1 - s) (1 - e^2)^(-3/2) )
    """
    s = 1.5 * np.sin(inc_rad) ** 2
    swing = (a_km / radius_km) ** 3 * (1.0 - s + s * np.cos(2.0 * latitude_rad)) - (1.0 - s) * (1.0 - ecc**2) ** -1.5
    mean: Floats = a_km - EARTH.j2 * EARTH.radius_km**2 / a_km * swing
    return mean
