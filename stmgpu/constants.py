"""Physical constants, each with its source."""

from __future__ import annotations

from typing import NamedTuple


class EarthModel(NamedTuple):
    """Gravity and size of the Earth in one consistent set."""

    mu_km3_s2: float
    """Gravitational parameter [km^3/s^2]."""

    radius_km: float
    """Equatorial radius [km]."""

    j2: float
    """Second zonal harmonic, unnormalised."""


WGS72 = EarthModel(398600.8, 6378.135, 0.001082616)
"""WGS-72, with which SGP4 element sets are fitted and only right (Hoots and Roehrich 1980; Vallado et al. 2006)."""

EARTH = EarthModel(398600.4418, 6378.137, 1.08262668e-3)
"""Of everything else: debris evolution, altitudes, shells (IERS Conventions 2010 and WGS-84; J2 of EGM-96)."""

EARTH_BULGE_KM = 6378.137 / 298.257223563
"""Equatorial less polar radius of the ellipsoid WGS-84 [km]: 21.385."""

SECONDS_PER_DAY = 86400.0
MINUTES_PER_DAY = 1440.0

DEEP_SPACE_PERIOD_MIN = 225.0
"""Orbits with this period or longer are propagated with SDP4 [min] (Hoots and Roehrich 1980)."""

SLOW_PAIR_KM_S = 0.1
"""Conjunctions slower than this are flagged slow: SGP4's velocity is not the derivative of its position [km/s]."""
