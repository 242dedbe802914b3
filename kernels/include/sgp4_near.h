// sgp4_near.h: a near-earth object at one time: secular gravity and drag (STR#3 section 6), then mean_to_state.
#pragma once
#include "sgp4_init.h"

struct Constants {
    real offset, status, anom, anomdot, argp, argpdot, node, nodedot, node2, a1, a2, a3, a4, e1, esin, sinanom, wdot,
        mcube, eta, cube0, l2, l3, l4, l5, axis, motion, ecc, lpsin, lpl, sini, cosi, c3, s2, c7;
};

// One vector of the table `t` [C_ROWS][stride] from column col on.
STM_FN Constants read_constants(const double* t, i64 stride, i64 col) {
#define ROW(name) load(t + (name) * stride + col)
    Constants c = {ROW(C_OFFSET), ROW(C_STATUS), ROW(C_ANOM), ROW(C_ANOMDOT), ROW(C_ARGP), ROW(C_ARGPDOT), ROW(C_NODE),
                   ROW(C_NODEDOT), ROW(C_NODE2), ROW(C_A1), ROW(C_A2), ROW(C_A3), ROW(C_A4), ROW(C_E1), ROW(C_ESIN),
                   ROW(C_SINANOM), ROW(C_WDOT), ROW(C_MCUBE), ROW(C_ETA), ROW(C_CUBE0), ROW(C_L2), ROW(C_L3), ROW(C_L4),
                   ROW(C_L5), ROW(C_AXIS), ROW(C_MOTION), ROW(C_ECC), ROW(C_LPSIN), ROW(C_LPL), ROW(C_SINI), ROW(C_COSI),
                   ROW(C_3C2), ROW(C_S2), ROW(C_7C2)};
#undef ROW
    return c;
}

// A CPU thread does all times of its row for a block of objects before it goes on: six streams of stores at a time
// instead of six for each time, and constants that stay in the nearest cache. A GPU thread does one object.
#ifdef STM_CUDA
#define SGP4_BLOCK 1
#else
#define SGP4_BLOCK 128
#endif

// Constants of the vector at col, packed: own [C_ROWS][STM_LANES].
STM_FN void copy_constants(const double* t, i64 stride, i64 col, double* own) {
    for (int row = 0; row < C_ROWS; ++row) store(own + row * STM_LANES, load(t + row * stride + col));
}

// A time after the propagator's midnight, in whole days and the rest, each in minutes.
struct Instant { double days_min, rest_min; };
STM_FN Instant instant_of(double t_s) {
    double day = floor(t_s / 86400.0);
    return {day * 1440.0, (t_s - day * 86400.0) / 60.0};
}

// Minutes from epoch to the midnight that comes `days_min` after the propagator's; the rest of an instant is added to
// them. The days are summed first and exactly, so that the bits depend on the instant alone and not on the day from which
// its seconds are counted.
STM_FN real minutes_to_day(const double* table, i64 stride, i64 col, real days_min) {
    return (load(table + C_MIDNIGHT * stride + col) + days_min) + load(table + C_OFFSET * stride + col);
}

// The code a lane begins with: its status (padding lanes), else 1 where the mean eccentricity has left [0, 1).
STM_FN ints first_code(real status, real ecc) {
    ints zero = bits(splat(0.0));
    ints code = seli(either(ecc >= 1.0, ecc < -0.001), zero + 1, zero);
    return seli(status > 0.0, to_ints(status), code);
}

// State [km, km/s] and code at t_min minutes after epoch.
STM_FN State near_state(const Constants& c, real t_min, ints* code) {
    real t = t_min, t2 = t * t;
    real anom = c.anom + c.anomdot * t;
    real sin_anom, cos_anom;
    sincos_of(anom, &sin_anom, &cos_anom);
    real cube = 1.0 + c.eta * cos_anom;
    real shift = c.wdot * t + c.mcube * (cube * cube * cube - c.cube0);
    anom = anom + shift;
    // drag moves the anomaly little in most lanes: turn the sine instead of computing another
    real sin_shift, cos_shift;
    sincos_small(shift, &sin_shift, &cos_shift);
    mask wide = negate(absolute(shift) <= SMALL_ANGLE);
    real sin_moved = sin_anom * cos_shift + cos_anom * sin_shift;
    if (any(wide)) sin_moved = sel(wide, sine_of(anom), sin_moved);
    real argp = (c.argp + c.argpdot * t) - shift;
    real node = (c.node + c.nodedot * t) + c.node2 * t2;
    real shrink = 1.0 - t * (c.a1 + t * (c.a2 + t * (c.a3 + t * c.a4)));
    real ecc = c.ecc - (c.e1 * t + c.esin * (sin_moved - c.sinanom));
    anom = anom + t2 * (c.l2 + t * (c.l3 + t * (c.l4 + t * c.l5)));

    Mean m;
    m.code = first_code(c.status, ecc);
    m.ecc = larger(ecc, splat(1e-6));
    m.axis = c.axis * (shrink * shrink);
    m.sqrt_axis = root(m.axis);
    m.argp = argp;
    m.latitude = anom + argp;
    sincos_of(node, &m.sin_node, &m.cos_node);
    m.sini = c.sini;
    m.cosi = c.cosi;
    m.lpsin = c.lpsin;
    m.lpl = c.lpl;
    m.c3 = c.c3;
    m.s2 = c.s2;
    m.c7 = c.c7;
    return mean_to_state(m, LARGEST_RADIUS * c.axis, negate(shrink > 0.0), code);
}

STM_FN void store_state(double* p, i64 stride, State s) {
    store(p, s.x);
    store(p + stride, s.y);
    store(p + 2 * stride, s.z);
    store(p + 3 * stride, s.vx);
    store(p + 4 * stride, s.vy);
    store(p + 5 * stride, s.vz);
}
