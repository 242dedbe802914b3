// encounter.h: rows of the table that encounter.cu fills, and its flags; Python reads both.
#pragma once

enum {                       // rows
    ENCOUNTER_MISS_MAJOR,    // miss along the major axis of the combined covariance in the encounter plane [m]
    ENCOUNTER_MISS_MINOR,    // along its minor axis [m]
    ENCOUNTER_SIGMA_MAJOR,   // root of the larger eigenvalue [m]
    ENCOUNTER_SIGMA_MINOR,   // of the smaller one, not below ENCOUNTER_CLIP radii [m]
    ENCOUNTER_MISS,          // distance at the closest approach [m]
    ENCOUNTER_SPEED,         // relative speed [m/s]
    ENCOUNTER_SHIFT,         // time of closest approach after that of the states [s]
    ENCOUNTER_ANGLE,         // between the velocities [rad]
    ENCOUNTER_START,         // bound of the encounter's start after the closest approach [s]
    ENCOUNTER_STOP,          // bound of its end [s]
    ENCOUNTER_PERIOD,        // the shorter one of both periods [s]
    ENCOUNTER_ROWS
};

enum {                                // flags
    ENCOUNTER_FLAG_CLIPPED = 1,       // an eigenvalue was raised to the limit
    ENCOUNTER_FLAG_NOT_POSITIVE = 2,  // both eigenvalues are zero or negative, so that there are no sigmas
    ENCOUNTER_FLAG_NO_SPEED = 4,      // no relative velocity, so that there is no encounter plane
    ENCOUNTER_FLAG_NO_MISS = 8,       // the miss vanishes; it was set to the smallest one
    ENCOUNTER_FLAG_ASYMMETRIC = 16    // a covariance is not symmetric; the lower triangle was used
};

#define ENCOUNTER_CLIP 1e-4           // smallest sigma in radii
#define ENCOUNTER_SMALLEST 2.3e-15    // smallest miss in distances from the Earth's centre
#define ENCOUNTER_NO_MISS_RADII 1e-6  // and in radii
#define ENCOUNTER_SYMMETRY 1e-9       // largest difference of two terms that should be equal, in products of sigmas
