// orbit_table.h: rows of the table of mean elements that debris evolution works on, and the modes of its slots.
// stmgpu/propagate/orbit_table.py reads both from here.
#pragma once

// Rows [ORBIT_ROWS][capacity]: semi-major axis [km]; eccentricity; inclination, right ascension of the ascending node,
// argument of perigee, mean anomaly [rad]; C_d A/m and C_r A/m [m^2/kg]; collision radius [km]; weight (objects per row).
enum {
    ORBIT_A_KM, ORBIT_ECC, ORBIT_INC, ORBIT_RAAN, ORBIT_ARGP, ORBIT_MEAN, ORBIT_BALLISTIC, ORBIT_SRP, ORBIT_RADIUS_KM,
    ORBIT_WEIGHT, ORBIT_ROWS
};

// Modes [capacity]: free; station-kept (a, e, i stay, the angles turn by J2); no object in this slot.
enum { MODE_FREE, MODE_KEPT, MODE_ABSENT };
