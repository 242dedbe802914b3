// sdp4.h: the deep-space part of the theory: rows of its tables, and an object at one time.
//
// Source: R. Hujsak, "A Restricted Four Body Solution for Resonating Satellites with an Oblate Earth", Spacetrack Report
// No. 1, 1979; F. Hoots and R. Roehrich, Spacetrack Report No. 3, 1980, section 8 (SDP4); with the corrections of
// D. Vallado, P. Crawford, R. Hujsak, T. Kelso, AIAA 2006-6753. Units: Earth radius, minute, rad.
#pragma once
#include "sgp4_near.h"

#define KNOT_MIN 720.0                       // step of the resonance integrator [min]
#define EARTH_RATE 4.37526908801129966e-3    // rotation of the Earth [rad/min]
#define SUN_RATE 1.19459e-5                  // mean motion of the Sun [rad/min] and eccentricity of its orbit
#define SUN_ECC 0.01675
#define MOON_RATE 1.5835218e-4               // the same of the Moon
#define MOON_ECC 0.05490

// Rows of the deep-space table. B_: one disturbing body's periodic terms, in units of the functions f2 and f3 of its
// anomaly and of its sine; the Sun's begin at D_SUN, the Moon's at D_MOON.
enum { B_ANOM, B_E2, B_E3, B_I2, B_I3, B_L2, B_L3, B_L4, B_G2, B_G3, B_G4, B_H2, B_H3, B_ROWS };
enum {
    D_ECC, D_INC, D_ANOM, D_NODE, D_ARGP, D_GST, D_INC0, D_KNOT0, D_LAMBDA0, D_LAMBDADOT, D_SUN,
    D_MOON = D_SUN + B_ROWS, D_RES = D_MOON + B_ROWS, D_ROWS = D_RES + 10
};
// D_ECC .. D_ARGP: secular rates from Sun and Moon [1/min]; D_KNOT0: number of the first knot in the table;
// D_LAMBDA0, D_LAMBDADOT: resonance angle at epoch and its rate beyond the mean motion; D_RES: amplitudes [rad/min^2].

// Rows of the resonance table: angle and mean motion at a knot, first and second rate of the mean motion.
enum { K_ANGLE, K_MOTION, K_RATE, K_RATE2, K_ROWS };

// Changes of eccentricity, inclination, mean anomaly, and (not yet divided by sin i) perigee and node.
struct Periodics { real ecc, inc, anom, argp, node; };

// Periodic terms of one disturbing body at its mean anomaly `anom`. d: its rows of the deep-space table.
STM_FN Periodics body_periodics(const double* d, i64 stride, i64 col, double rate, double orbit_ecc, real t) {
#define ROW(name) load(d + (name) * stride + col)
    real anom = ROW(B_ANOM) + rate * t;
    real s, c;
    sincos_of(anom + 2.0 * orbit_ecc * sine_of(anom), &s, &c);
    real f2 = 0.5 * s * s - 0.25, f3 = -0.5 * s * c;
    Periodics p = {ROW(B_E2) * f2 + ROW(B_E3) * f3, ROW(B_I2) * f2 + ROW(B_I3) * f3,
                   ROW(B_L2) * f2 + ROW(B_L3) * f3 + ROW(B_L4) * s, ROW(B_G2) * f2 + ROW(B_G3) * f3 + ROW(B_G4) * s,
                   ROW(B_H2) * f2 + ROW(B_H3) * f3};
#undef ROW
    return p;
}

// State [km, km/s] and code at t minutes after epoch.
// d, stride, col: the object's column of the deep-space table. knots [knot_count][K_ROWS][knot_cols]: the resonance
// table, knot_col the object's column there (any number for objects without resonance). afspc: operation mode 'a'.
STM_FN State deep_state(const Constants& c, real kind, const double* d, i64 stride, i64 col, const double* knots,
                    i64 knot_count, i64 knot_cols, ints knot_col, bool afspc, real t, ints* code) {
#define ROW(name) load(d + (name) * stride + col)
    real t2 = t * t;
    real anom = (c.anom + c.anomdot * t) + ROW(D_ANOM) * t;
    real argp = (c.argp + c.argpdot * t) + ROW(D_ARGP) * t;
    real node = (c.node + c.nodedot * t) + c.node2 * t2 + ROW(D_NODE) * t;
    real inc = ROW(D_INC0) + ROW(D_INC) * t;
    real ecc = (c.ecc + ROW(D_ECC) * t) - c.e1 * t;
    real shrink = 1.0 - c.a1 * t;
    real motion = c.motion, axis = c.axis;
    ints zero = bits(splat(0.0)), early = zero;

    mask resonant = kind >= (double)DEEP_SYNCHRONOUS;
    if (any(resonant)) {
        // the knot on the epoch's side of t, and a Taylor step from it
        real knot = truncated(t / KNOT_MIN);
        real from = t - knot * KNOT_MIN;
        real place = knot - ROW(D_KNOT0);
        mask inside = both(place >= 0.0, place < (double)knot_count);
        mask usable = both(resonant, inside);
        ints at = seli(usable, to_ints(sel(inside, place, splat(0.0))) * (K_ROWS * knot_cols) + knot_col, zero);
        real angle = gather(knots + K_ANGLE * knot_cols, at), rate = gather(knots + K_RATE * knot_cols, at);
        real now = gather(knots + K_MOTION * knot_cols, at), rate2 = gather(knots + K_RATE2 * knot_cols, at);
        real half = 0.5 * from * from;
        real sidereal = ROW(D_GST) + t * EARTH_RATE;
        real lambda = angle + (now + ROW(D_LAMBDADOT)) * from + rate * half;
        real anom_half_day = lambda - 2.0 * node + 2.0 * sidereal;
        real anom_day = lambda - node - argp + sidereal;
        anom = sel(resonant, sel(kind > (double)DEEP_SYNCHRONOUS, anom_half_day, anom_day), anom);
        motion = sel(resonant, now + rate * from + rate2 * half, motion);
        axis = sel(resonant, power_two_thirds(WGS72_XKE / sel(motion > 0.0, motion, splat(1.0))), axis);
        early = seli(both(resonant, negate(inside)), zero + CODE_OUTSIDE, zero);
    }
    Mean m;
    m.code = first_code(c.status, ecc);
    m.code = seli(motion <= 0.0, zero + 2, m.code);
    anom = anom + t2 * c.l2;
    ecc = larger(ecc, splat(1e-6));
    // reduced in the published order: years from epoch the sums' rounding is a tenth of a millimetre at a perigee
    real sum = fmod_two_pi((anom + argp) + node);
    argp = fmod_two_pi(argp);
    node = fmod_two_pi(node);
    anom = fmod_two_pi((sum - argp) - node);

    // periodic terms of Sun and Moon
    Periodics sun = body_periodics(d + D_SUN * stride, stride, col, SUN_RATE, SUN_ECC, t);
    Periodics moon = body_periodics(d + D_MOON * stride, stride, col, MOON_RATE, MOON_ECC, t);
    real dinc = sun.inc + moon.inc, dnode = sun.node + moon.node, dargp = sun.argp + moon.argp;
    ecc = ecc + (sun.ecc + moon.ecc);
    anom = anom + (sun.anom + moon.anom);
    inc = inc + dinc;
    real si, ci;
    sincos_of(inc, &si, &ci);
    mask low = negate(inc >= 0.2);
    real turn = dnode / sel(low, splat(1.0), si);
    if (any(low)) {
        // Lyddane's form for low inclinations: the node is the direction of a vector, so it turns by the angle of
        // (sin i + dinc cos i, dnode); the node itself, between -2 pi and 2 pi, enters the perigee
        real reduced = node;
        if (afspc) reduced = sel(reduced < 0.0, reduced + STM_TWO_PI, reduced);
        turn = sel(low, atan2_of(dnode, si + dinc * ci), turn);
        dargp = sel(low, dargp - dinc * si * reduced, dargp);
    }
    argp = argp + (dargp - ci * turn);
    node = node + turn;
    mask below = inc < 0.0;
    si = sel(below, -si, si);
    node = sel(below, node + STM_PI, node);
    argp = sel(below, argp - STM_PI, argp);
    m.code = seli(both(m.code == 0, either(ecc < 0.0, ecc > 1.0)), zero + 3, m.code);
    m.code = seli(either(c.status > 0.0, early == 0), m.code, early);

    m.axis = axis * (shrink * shrink);
    m.sqrt_axis = root(m.axis);
    m.ecc = ecc;
    m.argp = argp;
    m.latitude = anom + argp;
    sincos_of(node, &m.sin_node, &m.cos_node);
    m.sini = si;
    m.cosi = ci;
    long_period(si, ci, &m.lpsin, &m.lpl);
    real c2 = ci * ci;
    m.c3 = 3.0 * c2 - 1.0;
    m.s2 = 1.0 - c2;
    m.c7 = 7.0 * c2 - 1.0;
#undef ROW
    return mean_to_state(m, LARGEST_RADIUS * c.axis, negate(shrink > 0.0), code);
}
