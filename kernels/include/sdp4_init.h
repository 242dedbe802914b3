// sdp4_init.h: deep-space constants of one object: effects of Sun and Moon, resonance amplitudes.
// Sources as in sdp4.h: STR#3 section 8 with the constants of AIAA 2006-6753. Units: Earth radius, minute, rad.
//
// Sun and Moon (Hujsak 1979). The attraction of a third body is averaged over the object's revolution. With the body's
// mean motion n_x and strength C_x, eta = sqrt(1 - e^2), S and Z as in `attraction`:
//   de/dt = S1 n_x S5                           di/dt = S2 n_x (Z11 + Z13)
//   dM/dt = -S3 n_x (Z1 + Z3 - 14 - 6 e^2)      sin i dh/dt = -S2 n_x (Z21 + Z23)
//   dg/dt = S4 n_x (Z31 + Z33 - 6) - cos i dh/dt
//   S3 = C_x / n,  S2 = -S3 / (2 eta),  S4 = S3 eta,  S1 = -15 e S4
// The periodic part of each element is a combination of f2 = sin^2(f) / 2 - 1/4, f3 = -sin(f) cos(f) / 2 and, for M and
// g, sin f, where f is the body's true anomaly to first order in its eccentricity (body_periodics); `write_body` stores
// the coefficients.
//
// Resonance. Where the period is a day or half a day the same tesseral harmonics act at every revolution. With
// the angle lambda (M + node + w - sidereal time, or M + 2 node - 2 sidereal time) and amplitudes D:
//   one day       dn/dt = D1 sin(lambda - l31) + D2 sin 2(lambda - l22) + D3 sin 3(lambda - l33)
//   half a day    dn/dt = sum of D_lmpq sin((l - 2p) w + (m / 2) lambda - G_lm)
//   D_lmpq = 3 n^2 a^-l R_lm F_lmp(i) G_lpq(e), twice that for m = 4;  dlambda/dt = n + the rate at epoch beyond n
// F: inclination functions (W. Kaula 1966), G: eccentricity functions, polynomials fitted by range of e. `write_knots`
// integrates dn/dt from epoch in steps of 720 min, and `deep_state` continues from the knot before the time asked for.
#pragma once
#include "sdp4.h"

struct Pair { real s, c; };   // sine and cosine of an angle

// Orbit of the object in the theory of the third body.
struct PerturbedOrbit { real ecc, motion; Pair inc, node, argp; };

// Averages of the attraction of one body: the s and z of the theory that are needed again.
struct Attraction { real s1, s2, s3, s4, s5, s6, s7, z1, z2, z3, z11, z12, z13, z21, z22, z23, z31, z32, z33; };

// g, i, h: argument of perigee, inclination and node of the body, relative to the object's node; strength: C_x.
STM_FN Attraction attraction(const PerturbedOrbit& o, Pair g, Pair i, Pair h, double strength) {
    real e2 = o.ecc * o.ecc, b2 = 1.0 - e2, b = root(b2);
    // a1 to a10: the body's axes seen from the object's node; a2, a4, a5, a6 turned by the object's inclination
    real a1 = g.c * h.c + g.s * i.c * h.s, a3 = -g.s * h.c + g.c * i.c * h.s;
    real a7 = -g.c * h.s + g.s * i.c * h.c, a8 = g.s * i.s;
    real a9 = g.s * h.s + g.c * i.c * h.c, a10 = g.c * i.s;
    real a2 = o.inc.c * a7 + o.inc.s * a8, a4 = o.inc.c * a9 + o.inc.s * a10;
    real a5 = -o.inc.s * a7 + o.inc.c * a8, a6 = -o.inc.s * a9 + o.inc.c * a10;
    // x1 to x4: in the orbit's plane, towards perigee and 90 degrees ahead; x5 to x8: across the plane
    real x1 = a1 * o.argp.c + a2 * o.argp.s, x2 = a3 * o.argp.c + a4 * o.argp.s;
    real x3 = -a1 * o.argp.s + a2 * o.argp.c, x4 = -a3 * o.argp.s + a4 * o.argp.c;
    real x5 = a5 * o.argp.s, x6 = a6 * o.argp.s, x7 = a5 * o.argp.c, x8 = a6 * o.argp.c;

    Attraction t;
    t.z31 = 12.0 * x1 * x1 - 3.0 * x3 * x3;
    t.z32 = 24.0 * x1 * x2 - 6.0 * x3 * x4;
    t.z33 = 12.0 * x2 * x2 - 3.0 * x4 * x4;
    t.z11 = -6.0 * a1 * a5 + e2 * (-24.0 * x1 * x7 - 6.0 * x3 * x5);
    t.z12 = -6.0 * (a1 * a6 + a3 * a5) + e2 * (-24.0 * (x2 * x7 + x1 * x8) - 6.0 * (x3 * x6 + x4 * x5));
    t.z13 = -6.0 * a3 * a6 + e2 * (-24.0 * x2 * x8 - 6.0 * x4 * x6);
    t.z21 = 6.0 * a2 * a5 + e2 * (24.0 * x1 * x5 - 6.0 * x3 * x7);
    t.z22 = 6.0 * (a4 * a5 + a2 * a6) + e2 * (24.0 * (x2 * x5 + x1 * x6) - 6.0 * (x4 * x7 + x3 * x8));
    t.z23 = 6.0 * a4 * a6 + e2 * (24.0 * x2 * x6 - 6.0 * x4 * x8);
    t.z1 = 2.0 * (3.0 * (a1 * a1 + a2 * a2) + t.z31 * e2) + b2 * t.z31;
    t.z2 = 2.0 * (6.0 * (a1 * a3 + a2 * a4) + t.z32 * e2) + b2 * t.z32;
    t.z3 = 2.0 * (3.0 * (a3 * a3 + a4 * a4) + t.z33 * e2) + b2 * t.z33;
    t.s3 = strength / o.motion;
    t.s2 = -0.5 * t.s3 / b;
    t.s4 = t.s3 * b;
    t.s1 = -15.0 * o.ecc * t.s4;
    t.s5 = x1 * x3 + x2 * x4;
    t.s6 = x2 * x3 + x1 * x4;
    t.s7 = x2 * x4 - x1 * x3;
    return t;
}

// Secular rates that one body causes; node still to be divided by sin i, argp without the node's part.
STM_FN Periodics body_secular(const Attraction& a, double rate, real e2, mask flat) {
    Periodics p = {a.s1 * rate * a.s5, a.s2 * rate * (a.z11 + a.z13),
                   -rate * a.s3 * (a.z1 + a.z3 - 14.0 - 6.0 * e2), a.s4 * rate * (a.z31 + a.z33 - 6.0),
                   sel(flat, splat(0.0), -rate * a.s2 * (a.z21 + a.z23))};
    return p;
}

STM_FN void write_body(const Attraction& a, double orbit_ecc, real e2, real anom, double* o, i64 stride) {
    store(o + B_ANOM * stride, anom);
    store(o + B_E2 * stride, 2.0 * a.s1 * a.s6);
    store(o + B_E3 * stride, 2.0 * a.s1 * a.s7);
    store(o + B_I2 * stride, 2.0 * a.s2 * a.z12);
    store(o + B_I3 * stride, 2.0 * a.s2 * (a.z13 - a.z11));
    store(o + B_L2 * stride, -2.0 * a.s3 * a.z2);
    store(o + B_L3 * stride, -2.0 * a.s3 * (a.z3 - a.z1));
    store(o + B_L4 * stride, -2.0 * a.s3 * (-21.0 - 9.0 * e2) * orbit_ecc);
    store(o + B_G2 * stride, 2.0 * a.s4 * a.z32);
    store(o + B_G3 * stride, 2.0 * a.s4 * (a.z33 - a.z31));
    store(o + B_G4 * stride, -18.0 * a.s4 * orbit_ecc);
    store(o + B_H2 * stride, -2.0 * a.s2 * a.z22);
    store(o + B_H3 * stride, -2.0 * a.s2 * (a.z23 - a.z21));
}

// c0 + c1 e + c2 e^2 + c3 e^3
STM_FN real cubic(real e, double c0, double c1, double c2, double c3) { return c0 + e * (c1 + e * (c2 + e * c3)); }

// Amplitudes of the half-day resonance: eccentricity functions G (fits by range of e), inclination functions F.
STM_FN void half_day_amplitudes(real e, Pair i, real motion, real inv_axis, real* out) {
    mask up65 = e > 0.65, up70 = negate(e < 0.7), up715 = e > 0.715;
    real g201 = -0.306 - (e - 0.64) * 0.440;
    real g211 = sel(up65, cubic(e, -72.099, 331.819, -508.738, 266.724), cubic(e, 3.616, -13.2470, 16.2900, 0.0));
    real g310 = sel(up65, cubic(e, -346.844, 1582.851, -2415.925, 1246.113),
                    cubic(e, -19.302, 117.3900, -228.4190, 156.5910));
    real g322 = sel(up65, cubic(e, -342.585, 1554.908, -2366.899, 1215.972),
                    cubic(e, -18.9068, 109.7927, -214.6334, 146.5816));
    real g410 = sel(up65, cubic(e, -1052.797, 4758.686, -7193.992, 3651.957),
                    cubic(e, -41.122, 242.6940, -471.0940, 313.9530));
    real g422 = sel(up65, cubic(e, -3581.690, 16178.110, -24462.770, 12422.520),
                    cubic(e, -146.407, 841.8800, -1629.014, 1083.4350));
    real g520 = sel(up65, sel(up715, cubic(e, -5149.66, 29936.92, -54087.36, 31324.56),
                              cubic(e, 1464.74, -4664.75, 3763.64, 0.0)),
                    cubic(e, -532.114, 3017.977, -5740.032, 3708.2760));
    real g533 = sel(up70, cubic(e, -37995.780, 161616.52, -229838.20, 109377.94),
                    cubic(e, -919.22770, 4988.6100, -9064.7700, 5542.21));
    real g521 = sel(up70, cubic(e, -51752.104, 218913.95, -309468.16, 146349.42),
                    cubic(e, -822.71072, 4568.6173, -8491.4146, 5337.524));
    real g532 = sel(up70, cubic(e, -40023.880, 170470.89, -242699.48, 115605.82),
                    cubic(e, -853.66600, 4690.2500, -8624.7700, 5341.4));
    // inclination functions F_lmp, then D_lmpq in pairs of one R_lm: 22, 32, 44, 52, 54
    real s = i.s, c = i.c, s2 = s * s, c2 = c * c;
    real f220 = 0.75 * (1.0 + 2.0 * c + c2), f221 = 1.5 * s2;
    real f321 = 1.875 * s * (1.0 - 2.0 * c - 3.0 * c2), f322 = -1.875 * s * (1.0 + 2.0 * c - 3.0 * c2);
    real f441 = 35.0 * s2 * f220, f442 = 39.3750 * s2 * s2;
    real f522 = 9.84375 * s * (s2 * (1.0 - 2.0 * c - 5.0 * c2) + 0.33333333 * (-2.0 + 4.0 * c + 6.0 * c2));
    real f523 = s * (4.92187512 * s2 * (-2.0 - 4.0 * c + 10.0 * c2) + 6.56250012 * (1.0 + 2.0 * c - 3.0 * c2));
    real f542 = 29.53125 * s * (2.0 - 8.0 * c + c2 * (-12.0 + 8.0 * c + 10.0 * c2));
    real f543 = 29.53125 * s * (-2.0 - 8.0 * c + c2 * (12.0 + 8.0 * c - 10.0 * c2));
    real k2 = 3.0 * motion * motion * inv_axis * inv_axis, k3 = k2 * inv_axis, k4 = k3 * inv_axis, k5 = k4 * inv_axis;
    out[0] = k2 * 1.7891679e-6 * f220 * g201;
    out[1] = k2 * 1.7891679e-6 * f221 * g211;
    out[2] = k3 * 3.7393792e-7 * f321 * g310;
    out[3] = k3 * 3.7393792e-7 * f322 * g322;
    out[4] = 2.0 * k4 * 7.3636953e-9 * f441 * g410;
    out[5] = 2.0 * k4 * 7.3636953e-9 * f442 * g422;
    out[6] = k5 * 1.1428639e-7 * f522 * g520;
    out[7] = k5 * 1.1428639e-7 * f523 * g532;
    out[8] = 2.0 * k5 * 2.1765803e-9 * f542 * g521;
    out[9] = 2.0 * k5 * 2.1765803e-9 * f543 * g533;
}

// Amplitudes of the synchronous resonance.
STM_FN void synchronous_amplitudes(real e2, Pair i, real motion, real inv_axis, real* out) {
    // eccentricity functions G_lpq, inclination functions F_lmp; R_31, R_22, R_33 in D1, D2, D3
    real up = 1.0 + i.c;
    real g200 = 1.0 + e2 * (-2.5 + 0.8125 * e2), g310 = 1.0 + 2.0 * e2, g300 = 1.0 + e2 * (-6.0 + 6.60937 * e2);
    real f220 = 0.75 * up * up, f311 = 0.9375 * i.s * i.s * (1.0 + 3.0 * i.c) - 0.75 * up, f330 = 1.875 * up * up * up;
    real k2 = 3.0 * motion * motion * inv_axis * inv_axis;
    out[0] = k2 * f311 * g310 * 2.1460748e-6 * inv_axis;
    out[1] = 2.0 * k2 * f220 * g200 * 1.7891679e-6;
    out[2] = 3.0 * k2 * f330 * g300 * 2.2123015e-7 * inv_axis;
}

// Rates of the resonance: d(motion)/dt and d2(motion)/dt2 at the angle `lambda`, of which `speed` is the rate.
STM_FN void resonance_rates(const real* amp, real kind, real lambda, real speed, real argp, real* rate, real* rate2) {
    real s, c;
    sincos_of(lambda - 0.13130908, &s, &c);
    real f = amp[0] * s, g = amp[0] * c;
    sincos_of(2.0 * (lambda - 2.8843198), &s, &c);
    f = f + amp[1] * s;
    g = g + 2.0 * amp[1] * c;
    sincos_of(3.0 * (lambda - 0.37448087), &s, &c);
    f = f + amp[2] * s;
    g = g + 3.0 * amp[2] * c;
    mask half_day = kind > (double)DEEP_SYNCHRONOUS;
    if (any(half_day)) {
        // amplitude k goes with the angle  lambda_times[k] lambda + argp_times[k] argp - phase[k]
        const double phase[10] = {5.7686396, 5.7686396, 0.95240898, 0.95240898, 1.8014998, 1.8014998,
                                  1.0508330, 1.0508330, 4.4108898, 4.4108898};
        const double argp_times[10] = {2, 0, 1, -1, 2, 0, 1, -1, 1, -1};
        const double lambda_times[10] = {1, 1, 1, 1, 2, 2, 1, 1, 2, 2};
        real f2 = splat(0.0), g2 = splat(0.0);
        for (int k = 0; k < 10; ++k) {
            sincos_of(argp_times[k] * argp + lambda_times[k] * lambda - phase[k], &s, &c);
            f2 = f2 + amp[k] * s;
            g2 = g2 + lambda_times[k] * amp[k] * c;
        }
        f = sel(half_day, f2, f);
        g = sel(half_day, g2, g);
    }
    *rate = f;
    *rate2 = g * speed;
}

// Writes one column of the deep-space table. el, table: element and constants tables, column col; out: column place.
STM_FN void write_deep(const double* el, const double* table, i64 n_pad, i64 col, double first_min,
                   double* out, i64 stride, i64 place) {
    Elements e = read_elements(el, n_pad, col);
#define ROW(name) load(table + (name) * n_pad + col)
    PerturbedOrbit o;
    o.ecc = e.ecc;
    o.motion = ROW(C_MOTION);
    sincos_of(e.inc, &o.inc.s, &o.inc.c);
    sincos_of(e.node, &o.node.s, &o.node.c);
    sincos_of(e.argp, &o.argp.s, &o.argp.c);
    real e2 = e.ecc * e.ecc;
    real zero = splat(0.0), kind = ROW(C_CLASS);

    // Sun: fixed perigee and inclination to the equator. Moon: its node regresses on the ecliptic.
    real day = load(el + EL_DAYS * n_pad + col) + 18261.5;
    Pair sun_g = {splat(-0.98088458), splat(0.1945905)}, sun_i = {splat(0.39785416), splat(0.91744867)};
    Attraction sun = attraction(o, sun_g, sun_i, o.node, 2.9864797e-6);
    real moon_node = 4.5236020 - 9.2422029e-4 * day;
    Pair n, i, h, g;
    sincos_of(moon_node, &n.s, &n.c);
    i.c = 0.91375164 - 0.03568096 * n.c;
    i.s = root(1.0 - i.c * i.c);
    h.s = 0.089683511 * n.s / i.s;
    h.c = root(1.0 - h.s * h.s);
    real perigee = 5.8351514 + 0.0019443680 * day;
    real y = 0.39785416 * n.s / i.s, x = h.c * n.c + 0.91744867 * h.s * n.s;
    real inv = 1.0 / root(x * x + y * y);
    sincos_of(perigee - moon_node, &g.s, &g.c);
    rotate(&g.s, &g.c, y * inv, x * inv);
    Pair moon_h = {o.node.s * h.c - o.node.c * h.s, h.c * o.node.c + h.s * o.node.s};
    Attraction moon = attraction(o, g, i, moon_h, 4.7968065e-7);

    // the node's rate is singular at inclinations of 0 and 180 degrees: left out within 3 degrees of them
    mask flat = either(e.inc < 5.2359877e-2, e.inc > STM_PI - 5.2359877e-2);
    Periodics s = body_secular(sun, SUN_RATE, e2, flat), m = body_secular(moon, MOON_RATE, e2, flat);
    real safe = sel(o.inc.s == 0.0, splat(1.0), o.inc.s);
    real node = (s.node + m.node) / safe;
    real argp = s.argp + m.argp - o.inc.c * node;
    real anom = s.anom + m.anom;
    double* p = out + place;
    store(p + D_ECC * stride, s.ecc + m.ecc);
    store(p + D_INC * stride, s.inc + m.inc);
    store(p + D_ANOM * stride, anom);
    store(p + D_NODE * stride, node);
    store(p + D_ARGP * stride, argp);
    store(p + D_INC0 * stride, e.inc);
    write_body(sun, SUN_ECC, e2, 6.2565837 + 0.017201977 * day, p + D_SUN * stride, stride);
    write_body(moon, MOON_ECC, e2, (4.7199672 + 0.22997150 * day) - perigee, p + D_MOON * stride, stride);

    // resonance: lambda = M + node + argp - sidereal time, or M + 2 node - 2 sidereal time
    real gst = load(el + EL_GST * n_pad + col);
    real inv_axis = power_two_thirds(o.motion / WGS72_XKE);
    real synchronous[3], half_day[10];
    synchronous_amplitudes(e2, o.inc, o.motion, inv_axis, synchronous);
    half_day_amplitudes(e.ecc, o.inc, o.motion, inv_axis, half_day);
    mask twice = kind > (double)DEEP_SYNCHRONOUS, once = kind == (double)DEEP_SYNCHRONOUS;
    real node_rate = ROW(C_NODEDOT), argp_rate = ROW(C_ARGPDOT), anom_rate = ROW(C_ANOMDOT);
    real angle = sel(twice, e.anom + 2.0 * (e.node - gst), e.anom + e.node + e.argp - gst);
    real speed = sel(twice, anom_rate + anom + 2.0 * (node_rate + node - EARTH_RATE) - o.motion,
                     anom_rate + argp_rate + node_rate - EARTH_RATE + anom + argp + node - o.motion);
    store(p + D_GST * stride, gst);
    store(p + D_LAMBDA0 * stride, angle);
    store(p + D_LAMBDADOT * stride, speed);
    for (int k = 0; k < 10; ++k)
        store(p + (D_RES + k) * stride, sel(twice, half_day[k], k < 3 ? sel(once, synchronous[k], zero) : zero));
    // the table of knots begins one knot before the first time asked for
    store(p + D_KNOT0 * stride, truncated(((ROW(C_MIDNIGHT) + ROW(C_OFFSET)) + first_min) / KNOT_MIN) - 1.0);
#undef ROW
}

// Integrates one vector of objects from epoch with steps of +-720 min (Euler with second-order terms, as published) and
// writes the knots that fall into each lane's window of knot_count knots.
STM_FN void write_knots(const double* table, i64 n_pad, i64 col, const double* d, i64 stride, i64 place, double* knots,
                    i64 knot_count, i64 knot_cols, i64 knot_col) {
    real amp[10];
    for (int k = 0; k < 10; ++k) amp[k] = load(d + (D_RES + k) * stride + place);
    real kind = load(table + C_CLASS * n_pad + col), motion0 = load(table + C_MOTION * n_pad + col);
    real argp0 = load(table + C_ARGP * n_pad + col), argp_rate = load(table + C_ARGPDOT * n_pad + col);
    real first = load(d + D_KNOT0 * stride + place), drift = load(d + D_LAMBDADOT * stride + place);
    mask resonant = kind >= (double)DEEP_SYNCHRONOUS;
    real last = first + (double)(knot_count - 1);
    for (int back = 0; back < 2; ++back) {
        double sign = back ? -1.0 : 1.0;
        real angle = load(d + D_LAMBDA0 * stride + place), motion = motion0;
        real goal = back ? -first : last;               // steps to do in this direction
        for (double step = 0.0;; step += 1.0) {
            real rate, rate2, speed = motion + drift;
            resonance_rates(amp, kind, angle, speed, argp0 + argp_rate * (sign * step * KNOT_MIN), &rate, &rate2);
            real at = splat(sign * step) - first;
            mask mine = both(resonant, both(at >= 0.0, at < (double)knot_count));
            if (any(mine)) {
                ints slot = to_ints(sel(mine, at, splat(0.0))) * (K_ROWS * knot_cols) + (knot_col + lane_ids());
                scatter(knots + K_ANGLE * knot_cols, slot, angle, mine);
                scatter(knots + K_MOTION * knot_cols, slot, motion, mine);
                scatter(knots + K_RATE * knot_cols, slot, rate, mine);
                scatter(knots + K_RATE2 * knot_cols, slot, rate2, mine);
            }
            if (!any(both(resonant, goal > step))) break;
            angle = angle + speed * (sign * KNOT_MIN) + rate * (0.5 * KNOT_MIN * KNOT_MIN);
            motion = motion + rate * (sign * KNOT_MIN) + rate2 * (0.5 * KNOT_MIN * KNOT_MIN);
        }
    }
}
