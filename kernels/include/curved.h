// curved.h: rows of the tables that curved.cu fills, and its limits; Python reads them.
#pragma once

enum {                        // rows of an object
    CURVED_ELEMENTS,          // equinoctial elements
    CURVED_PIVOTS = 6,        // D of the covariance L D L'
    CURVED_COLUMNS = 12,      // derivatives of the elements by the state, times L: by rows
    CURVED_SENSE = 48,        // -1 where the axes are turned about x
    CURVED_OBJECT_ROWS
};

enum {                        // rows of an encounter
    CURVED_MISS_MAJOR,        // miss of the straightened encounter along the major axis of its plane [m]
    CURVED_MISS_MINOR,        // along the minor axis [m]
    CURVED_SIGMA_MAJOR,       // sigmas there [m]
    CURVED_SIGMA_MINOR,
    CURVED_FACTOR,            // of the probability in that plane
    CURVED_TIME,              // of the densest overlap after that of the states [s]
    CURVED_WIDTH,             // standard deviation in time of the rate of collisions [s]
    CURVED_CORRECTION,        // logarithm of curved by straight probability of a vanishing radius
    CURVED_ROWS
};

enum {                        // rows of an encounter on the way, which the kernels hand to each other
    CURVED_AT,                // time of the overlap after that of the states [s]
    CURVED_BY,                // step of time, about the width of the overlap [s]; not a number where nothing is found
    CURVED_WIDE,              // width sqrt(2 / M'') [s]
    CURVED_LEAST,             // M there
    CURVED_STRAIGHT,          // what it is for straight motion, to a constant
    CURVED_PLACE,             // relative position x [m]
    CURVED_FIRST = 8,         // elements of the first object there
    CURVED_SECOND = 14,       // of the second one
    CURVED_SEARCH_ROWS = 20
};

#define CURVED_EVEN 1e-6          // change of the squared distance in sigmas at which an overlap is found
#define CURVED_TURNS 60           // steps to an overlap, at most
#define CURVED_STILL 1e-4         // shift of the time of the densest overlap in widths at which it is found
#define CURVED_ALIKE 1e-2         // and relative change of the width
#define CURVED_REFINED 25         // steps to that time, at most
#define CURVED_STEP 3.0           // largest step in widths, and largest change of the width by factors
#define CURVED_CLIP 1e-4          // smallest sigma in the plane in radii
