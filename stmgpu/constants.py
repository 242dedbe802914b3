"""Physical constants. SGP4 element sets are fitted with WGS-72 and are only right with it (Vallado et al. 2006)."""

from __future__ import annotations

MU_KM3_S2 = 398600.8
"""Earth's gravitational parameter, WGS-72 [km^3/s^2]."""

EARTH_RADIUS_KM = 6378.135
"""Earth's equatorial radius, WGS-72 [km]."""

J2 = 0.001082616
"""Second zonal harmonic, WGS-72."""

SECONDS_PER_DAY = 86400.0
MINUTES_PER_DAY = 1440.0

DEEP_SPACE_PERIOD_MIN = 225.0
"""Orbits with this period or longer are propagated with SDP4 [min] (Hoots and Roehrich 1980)."""

SLOW_PAIR_KM_S = 0.1
"""Conjunctions slower than this are flagged slow: SGP4's velocity is not the derivative of its position [km/s]."""
