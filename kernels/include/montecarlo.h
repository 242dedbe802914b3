// montecarlo.h: tables that twobody_mc.cu reads and fills; Python reads the layout from here.
#pragma once

enum {                            // a row of the table of events of two bodies
    MC_MEAN_1 = 0,                // equinoctial elements of the first object
    MC_MEAN_2 = 6,                // of the second one
    MC_FACTOR_1 = 12,             // their changes by six normal deviates, row by row
    MC_FACTOR_2 = 48,
    MC_SENSE_1 = 84,              // 1, or -1 where y and z of the state are negated, see equinoctial.h
    MC_SENSE_2,
    MC_RADIUS,                    // combined radius [m]
    MC_SHARED_1,                  // changes of the first object's elements by the normal deviate that both share
    MC_SHARED_2 = 93,             // of the second one's
    MC_SHARES = 99,               // 1 where one of these is not zero, else 0
    MC_COLUMNS
};

enum {                            // a row of the table of events of straight motion
    MC_LINE_MEAN = 0,             // relative position [m] and velocity [m/s] at time 0
    MC_LINE_FACTOR = 6,           // its changes by six normal deviates, row by row
    MC_LINE_RADIUS = 42,
    MC_LINE_START,                // of the time in which a hit counts [s]
    MC_LINE_STOP,
    MC_LINE_COLUMNS
};

enum { MC_HITS, MC_UNMOVED, MC_LOW, MC_COUNTS };  // hits; orbits that cannot be moved; perigees below the surface

#define MC_SHARED_PAIR 6          // pair of deviates of which the first is shared; pairs 0 to 5 are the objects' own
#define MC_LANES 16               // lanes of a block of samples
#define MC_EACH 16                // samples of a lane
#define MC_BLOCK (MC_LANES * MC_EACH)
#define MC_ECCENTRICITY 0.95      // largest one for which Kepler's equation is solved, see equinoctial.h
#define MC_STEPS 30               // most steps to a nearest approach; three or four are usual
#define MC_NEAR 1e-3              // last step, in radii of relative motion
