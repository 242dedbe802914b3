// kepler.h: position and velocity on an ellipse, for lanes.
#pragma once
#include "mathx.h"

// Unit vectors of an orbit's plane: p towards perigee, q 90 degrees ahead of it (inertial frame).
struct Plane {
    real p[3], q[3];
};

STM_FN Plane plane_of(real inc, real raan, real argp) {
    real si, ci, so, co, sw, cw;
    sincos_of(inc, &si, &ci);
    sincos_of(raan, &so, &co);
    sincos_of(argp, &sw, &cw);
    Plane plane;
    plane.p[0] = co * cw - so * sw * ci;
    plane.p[1] = so * cw + co * sw * ci;
    plane.p[2] = sw * si;
    plane.q[0] = -co * sw - so * cw * ci;
    plane.q[1] = co * cw * ci - so * sw;
    plane.q[2] = cw * si;
    return plane;
}

// Sine and cosine of the eccentric anomaly E, E - e sin E = M, |M| <= pi [rad]. Error of E: at most 1e-12 for e <= 0.9,
// 1e-8 for e <= 0.95, 2e-4 for e <= 0.99 (tests/debris/collisions/test_cube.py).
// Start: M + e sin M / sqrt(1 - 2 e cos M + e^2), whose error is of order e^3 (0.14 at e = 0.9, near perigee); one step
// of J. M. A. Danby (1987), "The solution of Kepler's equation, III", of fourth order, then one of Halley, of third.
// Both move E so little that its sine and cosine are turned instead of evaluated anew.
STM_FN void kepler_any(real mean, real ecc, real* sine, real* cosine) {
    real s, c;
    sincos_rough(mean, &s, &c);
    real anomaly = mean + ecc * s / root((1.0 - 2.0 * (ecc * c)) + ecc * ecc);
    sincos_of(anomaly, &s, &c);
    real f = (anomaly - ecc * s) - mean, f1 = 1.0 - ecc * c, f2 = 0.5 * (ecc * s), f3 = ecc * c * (1.0 / 6);
    real d = -f * f1 / (f1 * f1 - f * f2);
    d = -f / (f1 + d * (f2 + d * f3));
    real sd, cd;
    sincos_small(d, &sd, &cd);
    rotate(&s, &c, sd, cd);
    anomaly = anomaly + d;
    f = (anomaly - ecc * s) - mean;
    f1 = 1.0 - ecc * c;
    f2 = 0.5 * (ecc * s);
    d = -f * f1 / (f1 * f1 - f * f2);
    rotate(&s, &c, d * (1.0 - d * d * (1.0 / 6)), 1.0 - 0.5 * (d * d));
    *sine = s;
    *cosine = c;
}

// The same for e <= NEARLY_CIRCULAR, to 1e-15, without a division: d = E - M begins as e sin M + e^2 sin M cos M, off by
// half of e^3, and takes two steps of Newton, whose slope 1 - e cos E is inverted by its geometric series.
#define NEARLY_CIRCULAR 0.04
STM_FN void kepler_circular(real mean, real ecc, real* sine, real* cosine) {
    real s, c, sd, cd;
    sincos_of(mean, &s, &c);
    real d = (ecc * s) * (1.0 + ecc * c);
    sincos_small(d, &sd, &cd);
    rotate(&s, &c, sd, cd);
    real x = ecc * c, inverse = 1.0 + x * (1.0 + x * (1.0 + x));
    real step = (ecc * s - d) * inverse;
    rotate(&s, &c, step * (1.0 - step * step * (1.0 / 6)), 1.0 - 0.5 * (step * step));
    step = (ecc * s - (d + step)) * inverse;
    *sine = s + c * step;
    *cosine = c - s * step;
}

STM_FN void kepler(real mean, real ecc, real* sine, real* cosine) {
    mask round = ecc <= NEARLY_CIRCULAR;
    real s = mean, c = mean;
    if (any(round)) kepler_circular(mean, ecc, &s, &c);
    if (any(negate(round))) {
        real other_s, other_c;
        kepler_any(mean, ecc, &other_s, &other_c);
        s = sel(round, s, other_s);
        c = sel(round, c, other_c);
    }
    *sine = s;
    *cosine = c;
}

// Position [km] and velocity [km/s] where the eccentric anomaly has that sine and cosine.
STM_FN void position_at(const Plane& plane, real a, real ecc, real sine, real cosine, real r[3]) {
    real x = a * (cosine - ecc), y = a * (root(1.0 - ecc * ecc) * sine);
    for (int k = 0; k < 3; ++k) r[k] = plane.p[k] * x + plane.q[k] * y;
}
STM_FN void velocity_at(const Plane& plane, real a, real ecc, real sine, real cosine, double mu, real v[3]) {
    real speed = root(mu / a) / (1.0 - ecc * cosine);
    real x = -speed * sine, y = speed * (root(1.0 - ecc * ecc) * cosine);
    for (int k = 0; k < 3; ++k) v[k] = plane.p[k] * x + plane.q[k] * y;
}
