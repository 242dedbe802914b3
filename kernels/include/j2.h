// j2.h: secular rates of node, perigee and mean anomaly by the Earth's flattening. Units km, s, rad.
#pragma once
#include "earth.h"
#include "mathx.h"

struct Turning {
    real node, perigee, anomaly;    // secular rates [rad/s]
};

// Rates by J2, first order (Y. Kozai, Astron. J. 64, 1959).
STM_FN Turning j2_rates(real a, real e, real cos_i) {
    real one = 1.0 - e * e, motion = root(EARTH_MU_KM3_S2 / a) / a;
    real ratio = EARTH_RADIUS_KM / (a * one);
    real k = (0.75 * EARTH_J2) * motion * (ratio * ratio), square = cos_i * cos_i;
    return {-2.0 * k * cos_i, k * (5.0 * square - 1.0), motion + k * root(one) * (3.0 * square - 1.0)};
}
