// sgp4_init.h: constants of one object, from its element set: STR#3 section 6 up to "the secular effects of
// atmospheric drag and gravitation", with the constants of AIAA 2006-6753. Units: Earth radius, minute, rad.
//
// Letters of STR#3, and the names they have here: n, a Brouwer mean motion and semi-major axis (brouwer_motion);
// theta = cos i (ci), beta^2 = 1 - e^2 (b2), k2 = J2 / 2, k4 = -3 J4 / 8, A30 = -J3; xi = 1 / (a - s), eta = a e xi;
// C1 to C5 (k1 to k5), D2 to D4 (a2 to a4).
//
// Drag. The density falls as ((q0 - s) / (r - s))^4, q0 = 120 km, s = 78 km above the surface:
//   C2 = (q0 - s)^4 xi^4 n (1 - eta^2)^(-7/2) [a (1 + 3/2 eta^2 + 4 e eta + e eta^3)
//        + 3/2 k2 xi / (1 - eta^2) (-1/2 + 3/2 theta^2) (8 + 24 eta^2 + 3 eta^4)],    C1 = B* C2
//   C3 = (q0 - s)^4 xi^5 A30 n sin i / (k2 e)
//   C4 = 2 n (q0 - s)^4 xi^4 a beta^2 (1 - eta^2)^(-7/2) {2 eta (1 + e eta) + e/2 + eta^3/2
//        - 2 k2 xi / (a (1 - eta^2)) [3 (1 - 3 theta^2) (1 + 3/2 eta^2 - 2 e eta - 1/2 e eta^3)
//        + 3/4 (1 - theta^2) (2 eta^2 - e eta - e eta^3) cos 2w]}
//   C5 = 2 (q0 - s)^4 xi^4 a beta^2 (1 - eta^2)^(-7/2) [1 + 11/4 eta (eta + e) + e eta^3]
//   D2 = 4 a xi C1^2,   D3 = 4/3 a xi^2 (17 a + s) C1^3,   D4 = 2/3 a^2 xi^3 (221 a + 31 s) C1^4
// With t from epoch (near_state evaluates these):
//   axis          a (1 - C1 t - D2 t^2 - D3 t^3 - D4 t^4)^2
//   eccentricity  e - B* C4 t - B* C5 (sin M_p - sin M_0)
//   M_p = M + dw + dM, w = w - dw - dM,  dw = B* C3 cos(w_0) t,
//         dM = -2/3 (q0 - s)^4 B* xi^4 / (e eta) [(1 + eta cos M)^3 - (1 + eta cos M_0)^3]
//   node          + node_rate t - 21/2 n k2 theta / (a^2 beta^2) C1 t^2
//   longitude     + n [3/2 C1 t^2 + (D2 + 2 C1^2) t^3 + 1/4 (3 D3 + 12 C1 D2 + 10 C1^3) t^4
//                 + 1/5 (3 D4 + 12 C1 D3 + 6 D2^2 + 30 C1^2 D2 + 15 C1^4) t^5]
//
// Gravity, rates over n:
//   M     1 + 3 k2 (3 theta^2 - 1) / (2 a^2 beta^3) + 3 k2^2 (13 - 78 theta^2 + 137 theta^4) / (16 a^4 beta^7)
//   w     -3 k2 (1 - 5 theta^2) / (2 a^2 beta^4) + 3 k2^2 (7 - 114 theta^2 + 395 theta^4) / (16 a^4 beta^8)
//         + 5 k4 (3 - 36 theta^2 + 49 theta^4) / (4 a^4 beta^8)
//   node  -3 k2 theta / (a^2 beta^4) + 3 k2^2 (4 theta - 19 theta^3) / (2 a^4 beta^8)
//         + 5 k4 theta (3 - 7 theta^2) / (2 a^4 beta^8)
#pragma once
#include "sgp4.h"

#define PERIGEE_SIMPLE_KM 220.0
// a state farther out than this many semi-major axes belongs to no orbit with that mean motion: r < a (1 + e) < 2 a
#define LARGEST_RADIUS 2.1

struct Elements { real motion, ecc, inc, node, argp, anom, bstar; };

STM_FN Elements read_elements(const double* el, i64 n_pad, i64 col) {
    Elements e = {load(el + EL_MOTION * n_pad + col), load(el + EL_ECC * n_pad + col), load(el + EL_INC * n_pad + col),
                  load(el + EL_NODE * n_pad + col), load(el + EL_ARGP * n_pad + col), load(el + EL_ANOM * n_pad + col),
                  load(el + EL_BSTAR * n_pad + col)};
    return e;
}

// Reads one vector of element sets and writes its column of the constants table.
STM_FN void write_constants(const double* el, double* out, i64 n_pad, i64 col) {
    Elements e = read_elements(el, n_pad, col);
    real zero = splat(0.0);
    real si, ci, sw, cw, sm, cm;          // of inclination, argument of perigee, mean anomaly
    sincos_of(e.inc, &si, &ci);
    sincos_of(e.argp, &sw, &cw);
    sincos_of(e.anom, &sm, &cm);
    real n, a;
    brouwer_motion(e.motion, e.ecc, ci, &n, &a);
    real e2 = e.ecc * e.ecc, b2 = 1.0 - e2, b = root(b2);
    real c2 = ci * ci, c4 = c2 * c2, s2 = 1.0 - c2, c3 = 3.0 * c2 - 1.0;
    real perigee = a * (1.0 - e.ecc);

    // the atmosphere's parameter s and (q0 - s)^4, lowered for low perigees
    real perigee_km = (perigee - 1.0) * WGS72_RADIUS_KM;
    real s_km = sel(perigee_km < 156.0, sel(perigee_km < 98.0, splat(20.0), perigee_km - 78.0), splat(78.0));
    real q = (120.0 - s_km) / WGS72_RADIUS_KM;
    real q4 = (q * q) * (q * q);
    real s = s_km / WGS72_RADIUS_KM + 1.0;

    real xi = 1.0 / (a - s);
    real eta = a * e.ecc * xi, eta2 = eta * eta, eeta = e.ecc * eta;
    real psi2 = absolute(1.0 - eta2);
    real xi2 = xi * xi;
    real drag = q4 * (xi2 * xi2);         // (q0 - s)^4 xi^4, and the same times (1 - eta^2)^(-7/2)
    real drag1 = drag / (psi2 * psi2 * psi2 * root(psi2));
    // C2 to C5; below an eccentricity of 1e-4 the terms divided by e are dropped
    real d2 = drag1 * n * (a * (1.0 + 1.5 * eta2 + eeta * (4.0 + eta2)) +
              0.375 * WGS72_J2 * xi / psi2 * c3 * (8.0 + 3.0 * eta2 * (8.0 + eta2)));
    real k1 = e.bstar * d2;
    mask round = negate(e.ecc > 1.0e-4);
    real k3 = sel(round, zero, -2.0 * drag * xi * WGS72_J3_J2 * n * si / e.ecc);
    real cos2w = 1.0 - 2.0 * sw * sw;
    real k4 = 2.0 * n * drag1 * a * b2 * (eta * (2.0 + 0.5 * eta2) + e.ecc * (0.5 + 2.0 * eta2) -
              WGS72_J2 * xi / (a * psi2) * (-3.0 * c3 * (1.0 - 2.0 * eeta + eta2 * (1.5 - 0.5 * eeta)) +
              0.75 * s2 * (2.0 * eta2 - eeta * (1.0 + eta2)) * cos2w));
    real k5 = 2.0 * drag1 * a * b2 * (1.0 + 2.75 * (eta2 + eeta) + eeta * eta2);

    // secular rates from J2, J2^2 and J4
    real p = a * b2;
    real inv_p2 = 1.0 / (p * p);
    real g1 = 1.5 * WGS72_J2 * inv_p2 * n, g2 = 0.5 * g1 * WGS72_J2 * inv_p2;
    real g4 = -0.46875 * WGS72_J4 * inv_p2 * inv_p2 * n;
    real anom_rate = n + 0.5 * g1 * b * c3 + 0.0625 * g2 * b * (13.0 - 78.0 * c2 + 137.0 * c4);
    real argp_rate = -0.5 * g1 * (1.0 - 5.0 * c2) + 0.0625 * g2 * (7.0 - 114.0 * c2 + 395.0 * c4) +
                     g4 * (3.0 - 36.0 * c2 + 49.0 * c4);
    real node_j2 = -g1 * ci;
    real node_rate = node_j2 + (0.5 * g2 * (4.0 - 19.0 * c2) + 2.0 * g4 * (3.0 - 7.0 * c2)) * ci;

    // deep space from a period of 225 minutes; the resonance bands of STR#3
    mask deep = STM_TWO_PI / n >= 225.0;
    mask day = both(n > 0.0034906585, n < 0.0052359877);
    mask half = both(both(n >= 8.26e-3, n <= 9.24e-3), e.ecc >= 0.5);
    real kind = sel(deep, sel(day, splat(DEEP_SYNCHRONOUS), sel(half, splat(DEEP_HALF_DAY), splat(DEEP))), zero);

    // full drag model, or the simple one: the same formulas with coefficients of zero
    mask simple = either(deep, perigee < PERIGEE_SIMPLE_KM / WGS72_RADIUS_KM + 1.0);
    real k1sq = k1 * k1;
    real a2 = 4.0 * a * xi * k1sq;
    real third = a2 * xi * k1 / 3.0;
    real a3 = (17.0 * a + s) * third;
    real a4 = 0.5 * third * a * xi * (221.0 * a + 31.0 * s) * k1;
    real l3 = a2 + 2.0 * k1sq;
    real l4 = 0.25 * (3.0 * a3 + k1 * (12.0 * a2 + 10.0 * k1sq));
    real l5 = 0.2 * (3.0 * a4 + 12.0 * k1 * a3 + 6.0 * a2 * a2 + 15.0 * k1sq * (2.0 * a2 + k1sq));
    real cube = 1.0 + eta * cm;
    real mcube = sel(either(round, simple), zero, (-2.0 / 3) * drag * e.bstar / eeta);
    real lpsin, lpl;
    long_period(si, ci, &lpsin, &lpl);

    double* o = out + col;
    store(o + C_MIDNIGHT * n_pad, load(el + EL_MIDNIGHT * n_pad + col));
    store(o + C_OFFSET * n_pad, load(el + EL_OFFSET * n_pad + col));
    real status = load(el + EL_STATUS * n_pad + col);
    store(o + C_STATUS * n_pad, sel(both(b2 < 0.0, status == 0.0), splat(1.0), status));   // no ellipse: code 1 always
    store(o + C_CLASS * n_pad, kind);
    store(o + C_ANOM * n_pad, e.anom);
    store(o + C_ANOMDOT * n_pad, anom_rate);
    store(o + C_ARGP * n_pad, e.argp);
    store(o + C_ARGPDOT * n_pad, argp_rate);
    store(o + C_NODE * n_pad, e.node);
    store(o + C_NODEDOT * n_pad, node_rate);
    store(o + C_NODE2 * n_pad, 3.5 * b2 * node_j2 * k1);
    store(o + C_A1 * n_pad, k1);
    store(o + C_A2 * n_pad, sel(simple, zero, a2));
    store(o + C_A3 * n_pad, sel(simple, zero, a3));
    store(o + C_A4 * n_pad, sel(simple, zero, a4));
    store(o + C_E1 * n_pad, e.bstar * k4);
    store(o + C_ESIN * n_pad, sel(simple, zero, e.bstar * k5));
    store(o + C_SINANOM * n_pad, sm);
    store(o + C_WDOT * n_pad, sel(simple, zero, e.bstar * k3 * cw));
    store(o + C_MCUBE * n_pad, mcube);
    store(o + C_ETA * n_pad, eta);
    store(o + C_CUBE0 * n_pad, cube * cube * cube);
    store(o + C_L2 * n_pad, 1.5 * k1 * n);
    store(o + C_L3 * n_pad, sel(simple, zero, l3 * n));
    store(o + C_L4 * n_pad, sel(simple, zero, l4 * n));
    store(o + C_L5 * n_pad, sel(simple, zero, l5 * n));
    store(o + C_AXIS * n_pad, a);
    store(o + C_MOTION * n_pad, n);
    store(o + C_ECC * n_pad, e.ecc);
    store(o + C_LPSIN * n_pad, lpsin);
    store(o + C_LPL * n_pad, lpl);
    store(o + C_SINI * n_pad, si);
    store(o + C_COSI * n_pad, ci);
    store(o + C_3C2 * n_pad, c3);
    store(o + C_S2 * n_pad, s2);
    store(o + C_7C2 * n_pad, 7.0 * c2 - 1.0);
}
