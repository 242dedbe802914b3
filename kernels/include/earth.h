// earth.h: the Earth's gravity and size, in the two sets of stmgpu/constants.py. No kernel writes these numbers itself.
#pragma once

// WGS-72: element sets are fitted with it, so SGP4 and the screening of its states use it (STR#3; AIAA 2006-6753).
#define WGS72_MU_KM3_S2 398600.8
#define WGS72_RADIUS_KM 6378.135                                 // equatorial radius
#define WGS72_J2 0.001082616
#define WGS72_J3_J2 (-0.00000253881 / 0.001082616)
#define WGS72_J4 (-0.00000165597)
#define WGS72_XKE 0.07436691613317342                            // sqrt(mu) [Earth radii^1.5 / min]
#define WGS72_SPEED_KM_S (WGS72_RADIUS_KM * WGS72_XKE / 60.0)    // one Earth radius per time unit [km/s]

// Everything else: IERS Conventions (2010) and WGS-84; J2 of EGM-96.
#define EARTH_MU_KM3_S2 398600.4418
#define EARTH_RADIUS_KM 6378.137
#define EARTH_J2 1.08262668e-3
