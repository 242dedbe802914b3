// sgp4.h: the SGP4 theory for lanes: constants of an object, secular motion with drag, Kepler's equation, short periods.
//
// Source: F. Hoots and R. Roehrich, "Models for Propagation of NORAD Element Sets", Spacetrack Report No. 3, 1980
// (STR#3), section 6; corrections and constants of D. Vallado, P. Crawford, R. Hujsak, T. Kelso, "Revisiting Spacetrack
// Report #3", AIAA 2006-6753. Gravity WGS-72, with which the element sets are fitted.
// Units: Earth equatorial radius, minute, rad; positions leave in km, velocities in km/s, frame TEME.
//
// The differences from the usual programs change no digit that matters: angles are never reduced modulo 2 pi (sincos_of
// does it), the last short-period corrections turn (sin, cos) pairs by small angles where others take an arctangent and
// three more sincos, and the "simple" drag model is the full one with coefficients of zero.
#pragma once
#include "codes.h"
#include "earth.h"
#include "mathx.h"

// model classes
#define NEAR_EARTH 0
#define DEEP 1
#define DEEP_SYNCHRONOUS 2
#define DEEP_HALF_DAY 3

// rows of the element table: mean elements at epoch, [rad], [rad/min], and times
enum {
    EL_MOTION, EL_ECC, EL_INC, EL_NODE, EL_ARGP, EL_ANOM, EL_BSTAR, EL_DAYS, EL_GST, EL_MIDNIGHT, EL_OFFSET,
    EL_STATUS, EL_ROWS
};
// EL_DAYS: epoch [days since 1949-12-31 00:00 UTC]; EL_GST: sidereal time at epoch [rad]; EL_MIDNIGHT: minutes from the
// midnight before the epoch to t = 0, whole days; EL_OFFSET: minutes from the epoch to that midnight, not positive;
// EL_STATUS: 0, or the code that the lane always gives

// rows of the constants table
enum {
    C_MIDNIGHT, C_OFFSET, C_STATUS, C_CLASS, C_ANOM, C_ANOMDOT, C_ARGP, C_ARGPDOT, C_NODE, C_NODEDOT, C_NODE2, C_A1, C_A2,
    C_A3, C_A4, C_E1, C_ESIN, C_SINANOM, C_WDOT, C_MCUBE, C_ETA, C_CUBE0, C_L2, C_L3, C_L4, C_L5, C_AXIS, C_MOTION, C_ECC,
    C_LPSIN, C_LPL, C_SINI, C_COSI, C_3C2, C_S2, C_7C2, C_ROWS
};

// Brouwer mean motion from the Kozai one that element sets carry.
STM_FN void brouwer_motion(real kozai, real ecc, real cosi, real* motion, real* axis) {
    real b2 = 1.0 - ecc * ecc;
    real a1 = power_two_thirds(WGS72_XKE / kozai);
    real d = 0.75 * WGS72_J2 * (3.0 * cosi * cosi - 1.0) / (root(b2) * b2);
    real d1 = d / (a1 * a1);
    real a0 = a1 * (1.0 - d1 * (1.0 / 3 + d1 * (1.0 + d1 * (134.0 / 81))));
    *motion = kozai / (1.0 + d / (a0 * a0));
    *axis = power_two_thirds(WGS72_XKE / *motion);
}

// Coefficients of the long-period terms; the divisor is kept from zero at an inclination of 180 degrees.
STM_FN void long_period(real sini, real cosi, real* lpsin, real* lpl) {
    real below = 1.0 + cosi;
    below = sel(absolute(below) > 1.5e-12, below, splat(1.5e-12));
    *lpsin = -0.5 * WGS72_J3_J2 * sini;
    *lpl = -0.25 * WGS72_J3_J2 * sini * (3.0 + 5.0 * cosi) / below;
}

// Kepler's equation in the nonsingular form  E - k sin E + h cos E = u,  k = e cos w, h = e sin w (with the long-period
// term in it). Out: sine and cosine of E.
// Start: Halley's step from u (E. Halley, 1694), wrong in the 4th power of e; its sine and cosine may be those of an
// angle near u that is known earlier. Step: the inverse series of the equation to the 4th power of Newton's step, so the
// error goes with its 5th. A lane that moved by less than NEAR_ROOT is done:
// its last step turns (sin E, cos E) by a small angle. A lane that is done repeats the same numbers while its
// neighbours go on, so its result does not depend on them. STR#3 stops at 1e-12 or ten steps.
#define NEAR_ROOT 2e-3
#define KEPLER_CAP 12
STM_FN void kepler_nonsingular(real u, real near_u, real k, real h, real* sine, real* cosine) {
    real s, c;
    sincos_rough(near_u, &s, &c);
    real es = k * s - h * c, ec = k * c + h * s;
    real slope = 1.0 - ec;
    real angle = u + es * slope / (slope * slope + 0.5 * es * es);
    sincos_of(angle, &s, &c);
    real step;
    for (int turn = 0;; ++turn) {
        es = k * s - h * c;
        ec = k * c + h * s;
        real inverse = 1.0 / (1.0 - ec);
        real newton = (u - angle + es) * inverse;
        // f = E - es - u: f'' = es, f''' = ec, f'''' = -es; coefficients over f'
        real p = 0.5 * es * inverse, q = (1.0 / 6) * ec * inverse, w = (-1.0 / 24) * es * inverse;
        real p2 = p * p;
        real series = newton * (1.0 + newton * (-p + newton * ((2.0 * p2 - q) +
                      newton * (5.0 * p * (q - p2) - w))));
        step = sel(absolute(newton * p) < 0.05, series, newton);
        mask far = absolute(step) > NEAR_ROOT;
        if (turn == KEPLER_CAP || !any(far)) break;
        real clipped = larger(smaller(step, splat(0.95)), splat(-0.95));
        angle = sel(far, angle + clipped, angle);
        real s1, c1;
        sincos_of(angle, &s1, &c1);
        s = sel(far, s1, s);
        c = sel(far, c1, c);
    }
    real z = step * step;
    real sd = step + (step * z) * (-1.0 / 6 + z * (1.0 / 120));
    real cd = 1.0 + z * (-0.5 + z * (1.0 / 24));
    rotate(&s, &c, sd, cd);
    *sine = s;
    *cosine = c;
}

// Mean elements at one time, with which the periodic terms begin.
struct Mean {
    real axis, sqrt_axis;      // [Earth radii], its square root
    real ecc, argp, latitude;  // eccentricity; argument of perigee; argp + mean anomaly [rad]
    real sin_node, cos_node, sini, cosi;
    real lpsin, lpl;           // long-period coefficients
    real c3, s2, c7;           // 3 cos^2 i - 1, sin^2 i, 7 cos^2 i - 1
    ints code;
};

struct State { real x, y, z, vx, vy, vz; };

// Long and short periods, then position [km] and velocity [km/s]: STR#3 section 6 from "add the long-period periodic
// terms" on. limit: the largest radius that makes sense [Earth radii]; senseless: the lane has already lost it.
STM_FN State mean_to_state(Mean m, real limit, mask senseless, ints* code) {
    real sw, cw;
    sincos_of(m.argp, &sw, &cw);
    real inv_axis = 1.0 / m.axis;
    real inv_p = inv_axis / (1.0 - m.ecc * m.ecc);
    real k = m.ecc * cw;
    real h = m.ecc * sw + inv_p * m.lpsin;
    real s, c;
    kepler_nonsingular(m.latitude + inv_p * m.lpl * k, m.latitude, k, h, &s, &c);

    real es = k * s - h * c, ec = k * c + h * s;
    real e2 = k * k + h * h;
    real b2 = 1.0 - e2;
    real b = root(b2);
    real inv_r = 1.0 / (1.0 - ec);                 // axis / radius
    real radius = m.axis * (1.0 - ec);
    real rate = inv_r / m.sqrt_axis;               // sqrt(axis) / radius
    real t = es / (1.0 + b);
    real su = inv_r * (s - h - k * t), cu = inv_r * (c - k + h * t);
    real s2u = (cu + cu) * su, c2u = 1.0 - 2.0 * su * su;
    real inv_p2 = inv_axis / b2;
    real g1 = 0.5 * WGS72_J2 * inv_p2, g2 = g1 * inv_p2;
    real n = inv_axis / m.sqrt_axis;               // mean motion / WGS72_XKE

    real r = radius * (1.0 - 1.5 * g2 * b * m.c3) + 0.5 * g1 * m.s2 * c2u;
    real rdot = rate * es - n * g1 * m.s2 * s2u;
    real rfdot = rate * b + n * g1 * (m.s2 * c2u + 1.5 * m.c3);

    // the angles u, node and inclination change by at most 1.5 g2: turn their sines and cosines
    real du = -0.25 * g2 * m.c7 * s2u, dnode = 1.5 * g2 * m.cosi * s2u, dinc = 1.5 * g2 * m.cosi * m.sini * c2u;
    real su_d, cu_d, sn_d, cn_d, si_d, ci_d;
    sincos_small(du, &su_d, &cu_d);
    sincos_small(dnode, &sn_d, &cn_d);
    sincos_small(dinc, &si_d, &ci_d);
    mask wide = negate(1.5 * g2 <= SMALL_ANGLE);
    if (any(wide)) {
        real a, z;
        sincos_of(du, &a, &z);
        su_d = sel(wide, a, su_d);
        cu_d = sel(wide, z, cu_d);
        sincos_of(dnode, &a, &z);
        sn_d = sel(wide, a, sn_d);
        cn_d = sel(wide, z, cn_d);
        sincos_of(dinc, &a, &z);
        si_d = sel(wide, a, si_d);
        ci_d = sel(wide, z, ci_d);
    }
    real sn = m.sin_node, cn = m.cos_node, si = m.sini, ci = m.cosi;
    rotate(&su, &cu, su_d, cu_d);
    rotate(&sn, &cn, sn_d, cn_d);
    rotate(&si, &ci, si_d, ci_d);

    real mx = -sn * ci, my = cn * ci;
    real ux = mx * su + cn * cu, uy = my * su + sn * cu, uz = si * su;
    real tx = mx * cu - cn * su, ty = my * cu - sn * su, tz = si * cu;
    real r_km = r * WGS72_RADIUS_KM, rdot_km_s = rdot * WGS72_SPEED_KM_S, rfdot_km_s = rfdot * WGS72_SPEED_KM_S;
    State out = {r_km * ux, r_km * uy, r_km * uz, rdot_km_s * ux + rfdot_km_s * tx, rdot_km_s * uy + rfdot_km_s * ty,
                 rdot_km_s * uz + rfdot_km_s * tz};

    // codes in the published order; 1-4 leave no state, 6 (below the surface) and 7 leave their numbers
    mask fine = both(r >= 1.0, both(r <= limit, absolute(rdot) + absolute(rfdot) < 1e6));
    mask trouble = either(negate(fine), either(senseless, m.code != 0));
    *code = m.code;
    if (any(trouble)) {
        ints zero = bits(splat(0.0));
        ints found = seli(either(senseless, negate(fine)), zero + CODE_SENSELESS, zero);
        found = seli(r < 1.0, zero + 6, found);
        found = seli(b2 < 0.0, zero + 4, found);
        found = seli(m.code != 0, m.code, found);
        mask empty = either(both(found >= 1, found <= 4), found >= CODE_OUTSIDE);
        real nan = from_bits(zero | 0x7ff8000000000000LL);
        out.x = sel(empty, nan, out.x);
        out.y = sel(empty, nan, out.y);
        out.z = sel(empty, nan, out.z);
        out.vx = sel(empty, nan, out.vx);
        out.vy = sel(empty, nan, out.vy);
        out.vz = sel(empty, nan, out.vz);
        *code = found;
    }
    return out;
}
