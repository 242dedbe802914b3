// rate3d.h: rows of the table between the kernels of rate3d.cu, and its limits; Python reads both.
#pragma once

enum {                   // rows; "axes" are the principal axes of the covariance of position
    ENTRY_MEAN = 0,      // 3: mean position along the axes, in sigmas
    ENTRY_RADIUS = 3,    // 3: radius of the sphere in sigmas of each axis
    ENTRY_VELOCITY = 6,  // 3: mean velocity at the centre of the sphere, along the axes [m/s]
    ENTRY_GROWTH = 9,    // 6: xx, yx, yy, zx, zy, zz of the change of that velocity from the centre to the rim [m/s]
    ENTRY_SPREAD = 15,   // 6: the same of the covariance of velocity at a known position [m2/s2]
    ENTRY_FACTOR = 21,   // square of the radius times the largest density of position [1/m]
    ENTRY_SIZE = 22,     // how narrow the rate is on the sphere, see rate3d.cu
    ENTRY_KINK = 23,     // width of the kink [rad] times the size, or 1 where this is smaller; 1e300: several kinks
    ENTRY_ROWS
};

enum {                      // flags
    ENTRY_FLAG_CLIPPED = 1  // a sigma of position was raised to its smallest value
};

#define ENTRY_CLIP 0.005    // smallest sigma in radii
#define ENTRY_BENT 0.04     // square of the change of velocity from the centre to the rim, in mean velocities, from which on
                            // there may be several kinks on a meridian
