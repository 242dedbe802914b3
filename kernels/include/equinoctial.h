// equinoctial.h: equinoctial elements of two-body motion and their partial derivatives, for lanes. SI units.
//
// (n, k, h, p, q, L): mean motion n [rad/s], k = e cos w, h = e sin w with w = argp + RAAN, p = tan(i/2) sin RAAN,
// q = tan(i/2) cos RAAN, mean longitude L = M + w [rad] (R. Broucke and P. Cefalu, Celest. Mech. 5 (1972) 303).
// Singular at an inclination of 180 degrees: callers turn the axes of states above 172 degrees by half a revolution about
// x (negate y and z), which leaves all formulas as they are. stmgpu/risk/equinoctial.py is the same in NumPy.
#pragma once
#include "earth.h"
#include "mathx.h"

#define EQUINOCTIAL_MU (EARTH_MU_KM3_S2 * 1e9)   // [m^3/s^2]
#define EQUINOCTIAL_REVERSED -0.99               // cosine of the inclination below which axes are turned
enum { EQUINOCTIAL_N, EQUINOCTIAL_K, EQUINOCTIAL_H, EQUINOCTIAL_P, EQUINOCTIAL_Q, EQUINOCTIAL_L, EQUINOCTIAL_SIZE };

// An orbit, and what does not depend on time: unit vectors f (origin of longitudes) and g (90 degrees ahead) of its
// plane, semi-major axis a [m], and flat = sqrt(1 - e^2).
struct Equinoctial {
    real e[EQUINOCTIAL_SIZE];
    real f[3], g[3], a, flat;
};

STM_FN void equinoctial_axes(real p, real q, real f[3], real g[3]) {
    real pp = p * p, qq = q * q, by = 1.0 / ((1.0 + pp) + qq), pq = (2.0 * by) * (p * q);
    f[0] = by * ((1.0 - pp) + qq);
    f[1] = pq;
    f[2] = -(2.0 * by) * p;
    g[0] = pq;
    g[1] = by * ((1.0 + pp) - qq);
    g[2] = (2.0 * by) * q;
}

STM_FN Equinoctial orbit_of(const real e[EQUINOCTIAL_SIZE]) {
    Equinoctial o;
    for (int i = 0; i < EQUINOCTIAL_SIZE; ++i) o.e[i] = e[i];
    equinoctial_axes(e[EQUINOCTIAL_P], e[EQUINOCTIAL_Q], o.f, o.g);
    o.a = power_two_thirds(root(splat(EQUINOCTIAL_MU)) / e[EQUINOCTIAL_N]);
    real k = e[EQUINOCTIAL_K], h = e[EQUINOCTIAL_H];
    o.flat = root((1.0 - h * h) - k * k);
    return o;
}

// Elements of a state [m, m/s]; L in (-pi - e, pi + e]. Not a number where the orbit is not an ellipse.
STM_FN void elements_of(const real r[3], const real v[3], real e[EQUINOCTIAL_SIZE]) {
    real distance = root((r[0] * r[0] + r[1] * r[1]) + r[2] * r[2]);
    real c[3] = {r[1] * v[2] - r[2] * v[1], r[2] * v[0] - r[0] * v[2], r[0] * v[1] - r[1] * v[0]};
    real size = root((c[0] * c[0] + c[1] * c[1]) + c[2] * c[2]);
    real p = c[0] / (size + c[2]), q = -c[1] / (size + c[2]), f[3], g[3];
    equinoctial_axes(p, q, f, g);
    real a = 1.0 / (2.0 / distance - ((v[0] * v[0] + v[1] * v[1]) + v[2] * v[2]) * (1.0 / EQUINOCTIAL_MU));
    real nan = from_bits((bits(a) & 0) | 0x7ff8000000000000LL);
    a = sel(a > 0.0, a, nan);
    real towards[3] = {(v[1] * c[2] - v[2] * c[1]) * (1.0 / EQUINOCTIAL_MU) - r[0] / distance,
                       (v[2] * c[0] - v[0] * c[2]) * (1.0 / EQUINOCTIAL_MU) - r[1] / distance,
                       (v[0] * c[1] - v[1] * c[0]) * (1.0 / EQUINOCTIAL_MU) - r[2] / distance};
    real k = (towards[0] * f[0] + towards[1] * f[1]) + towards[2] * f[2];
    real h = (towards[0] * g[0] + towards[1] * g[1]) + towards[2] * g[2];
    real flat = root((1.0 - h * h) - k * k), beta = 1.0 / (1.0 + flat), by = 1.0 / (a * flat);
    real along = by * ((r[0] * f[0] + r[1] * f[1]) + r[2] * f[2]);
    real across = by * ((r[0] * g[0] + r[1] * g[1]) + r[2] * g[2]);
    real cosine = (k + (1.0 - (k * k) * beta) * along) - (h * k) * beta * across;
    real sine = (h + (1.0 - (h * h) * beta) * across) - (h * k) * beta * along;
    e[EQUINOCTIAL_N] = root(EQUINOCTIAL_MU / a) / a;
    e[EQUINOCTIAL_K] = k;
    e[EQUINOCTIAL_H] = h;
    e[EQUINOCTIAL_P] = p;
    e[EQUINOCTIAL_Q] = q;
    e[EQUINOCTIAL_L] = (atan2_of(sine, cosine) + h * cosine) - k * sine;
}

// Cosine and sine of the eccentric longitude F, F + h cos F - k sin F = L, |L| <= 1e6: to 3e-15 rad for e <= 0.95.
// Start: L + e sin M / sqrt(1 - 2 e cos M + e^2); three steps of J. M. A. Danby (1987), of fourth order.
STM_FN void eccentric_longitude(real longitude, real k, real h, real* cosine, real* sine) {
    real s, c;
    sincos_of(longitude, &s, &c);
    real angle = longitude + (k * s - h * c) / root((1.0 - 2.0 * (k * c + h * s)) + (k * k + h * h));
    for (int i = 0; i < 3; ++i) {
        sincos_of(angle, &s, &c);
        real lean = k * s - h * c, tilt = k * c + h * s, off = (angle - lean) - longitude, slope = 1.0 - tilt;
        real step = -off * slope / (slope * slope - 0.5 * (off * lean));
        angle = angle - off / (slope + step * (0.5 * lean + step * tilt * (1.0 / 6)));
    }
    sincos_of(angle, sine, cosine);
}

// Place on an orbit: in its plane position (x, y) [m] and velocity (u, w) [m/s], and the eccentric longitude.
struct Place {
    real x, y, u, w, cosine, sine;
};

STM_FN Place place_at(const Equinoctial& o, real dt_s) {
    real n = o.e[EQUINOCTIAL_N], k = o.e[EQUINOCTIAL_K], h = o.e[EQUINOCTIAL_H];
    Place at;
    eccentric_longitude(o.e[EQUINOCTIAL_L] + n * dt_s, k, h, &at.cosine, &at.sine);
    real c = at.cosine, s = at.sine;
    real beta = 1.0 / (1.0 + o.flat), hkb = (h * k) * beta, kkb = 1.0 - (k * k) * beta, hhb = 1.0 - (h * h) * beta;
    real speed = (n * o.a) / ((1.0 - h * s) - k * c);
    at.x = o.a * ((hhb * c + hkb * s) - k);
    at.y = o.a * ((kkb * s + hkb * c) - h);
    at.u = speed * (hkb * c - hhb * s);
    at.w = speed * (kkb * c - hkb * s);
    return at;
}

// State [m, m/s] at that place.
STM_FN void state_at(const Equinoctial& o, const Place& at, real r[3], real v[3]) {
    for (int i = 0; i < 3; ++i) {
        r[i] = at.x * o.f[i] + at.y * o.g[i];
        v[i] = at.u * o.f[i] + at.w * o.g[i];
    }
}

// Partial derivatives of the state at that place, dt_s after the time of the elements: j[row of the state][element].
STM_FN void state_partials(const Equinoctial& o, const Place& at, real dt_s, real j[6][EQUINOCTIAL_SIZE]) {
    real n = o.e[EQUINOCTIAL_N], k = o.e[EQUINOCTIAL_K], h = o.e[EQUINOCTIAL_H];
    real p = o.e[EQUINOCTIAL_P], q = o.e[EQUINOCTIAL_Q], c = at.cosine, s = at.sine, na = n * o.a;
    real beta = 1.0 / (1.0 + o.flat), hk = h * k, hkb = hk * beta, kkb = 1.0 - (k * k) * beta, hhb = 1.0 - (h * h) * beta;
    real near = (1.0 - h * s) - k * c, by = 1.0 / near, lean = k * s - h * c;
    real x1 = hkb * c - hhb * s, y1 = kkb * c - hkb * s, x2 = -hkb * s - hhb * c, y2 = -kkb * s - hkb * c;
    real w[3] = {o.f[1] * o.g[2] - o.f[2] * o.g[1], o.f[2] * o.g[0] - o.f[0] * o.g[2], o.f[0] * o.g[1] - o.f[1] * o.g[0]};
    real distance = o.a * near, pull = -EQUINOCTIAL_MU / ((distance * distance) * (distance * n));

    // by k and h: beta, the eccentric longitude at a fixed mean one, then x/a, y/a and their derivatives
    for (int side = 0; side < 2; ++side) {
        real own = side ? h : k, other = side ? k : h, beta1 = (beta * beta) * own / o.flat;
        real turn = side ? -c * by : s * by, near1 = (side ? -s : -c) + lean * turn;
        real mixed = other * (beta + own * beta1), same = own * (2.0 * beta + own * beta1), cross = (other * other) * beta1;
        real x_fixed = side ? mixed * s - same * c : (mixed * s - cross * c) - 1.0;
        real y_fixed = side ? (mixed * c - cross * s) - 1.0 : mixed * c - same * s;
        real x1_fixed = mixed * c + (side ? same : cross) * s, y1_fixed = -(side ? cross : same) * c - mixed * s;
        real x_by = o.a * (x_fixed + x1 * turn), y_by = o.a * (y_fixed + y1 * turn);
        real u_by = (na * by) * ((x1_fixed + x2 * turn) - x1 * (near1 * by));
        real w_by = (na * by) * ((y1_fixed + y2 * turn) - y1 * (near1 * by));
        int column = side ? EQUINOCTIAL_H : EQUINOCTIAL_K;
        for (int i = 0; i < 3; ++i) {
            j[i][column] = x_by * o.f[i] + y_by * o.g[i];
            j[3 + i][column] = u_by * o.f[i] + w_by * o.g[i];
        }
    }
    real size = 2.0 / ((1.0 + p * p) + q * q), by_n = 1.0 / n;
    for (int i = 0; i < 3; ++i) {
        real r = at.x * o.f[i] + at.y * o.g[i], v = at.u * o.f[i] + at.w * o.g[i];
        real across = at.y * o.f[i] - at.x * o.g[i], across1 = at.w * o.f[i] - at.u * o.g[i];
        j[i][EQUINOCTIAL_P] = size * (q * across - at.x * w[i]);
        j[3 + i][EQUINOCTIAL_P] = size * (q * across1 - at.u * w[i]);
        j[i][EQUINOCTIAL_Q] = size * (at.y * w[i] - p * across);
        j[3 + i][EQUINOCTIAL_Q] = size * (at.w * w[i] - p * across1);
        j[i][EQUINOCTIAL_L] = v * by_n;
        j[3 + i][EQUINOCTIAL_L] = pull * r;
        j[i][EQUINOCTIAL_N] = dt_s * j[i][EQUINOCTIAL_L] - (2.0 / 3) * (r * by_n);
        j[3 + i][EQUINOCTIAL_N] = dt_s * j[3 + i][EQUINOCTIAL_L] + (1.0 / 3) * (v * by_n);
    }
}

// Partial derivatives of the elements by the state, g[element][row of the state]: the Poisson brackets of the elements
// (Broucke and Cefalu, 1972) times the partial derivatives of the state.
STM_FN void element_partials(const Equinoctial& o, const real j[6][EQUINOCTIAL_SIZE], real g[EQUINOCTIAL_SIZE][6]) {
    real k = o.e[EQUINOCTIAL_K], h = o.e[EQUINOCTIAL_H], p = o.e[EQUINOCTIAL_P], q = o.e[EQUINOCTIAL_Q];
    real by = 1.0 / (o.e[EQUINOCTIAL_N] * (o.a * o.a)), beta = o.flat / (1.0 + o.flat);
    real half = 0.5 * ((1.0 + p * p) + q * q) * (by / o.flat), quarter = 0.5 * ((1.0 + p * p) + q * q) * half;
    real nl = 3.0 / (o.a * o.a), kh = o.flat * by, kl = k * (beta * by), hl = h * (beta * by);
    for (int i = 0; i < 6; ++i) {
        int from = i < 3 ? 3 + i : i - 3;
        double sign = i < 3 ? 1.0 : -1.0;
        real by_n = j[from][0], by_k = j[from][1], by_h = j[from][2], by_p = j[from][3], by_q = j[from][4], by_l = j[from][5];
        real tilt = half * (p * by_p + q * by_q);
        real turn = half * ((k * by_h - h * by_k) + by_l);
        g[EQUINOCTIAL_N][i] = sign * (nl * by_l);
        g[EQUINOCTIAL_K][i] = sign * ((kh * by_h + h * tilt) + kl * by_l);
        g[EQUINOCTIAL_H][i] = sign * ((hl * by_l - kh * by_k) - k * tilt);
        g[EQUINOCTIAL_P][i] = sign * (p * turn - quarter * by_q);
        g[EQUINOCTIAL_Q][i] = sign * (q * turn + quarter * by_p);
        g[EQUINOCTIAL_L][i] = sign * (((-nl * by_n - kl * by_k) - hl * by_h) - tilt);
    }
}
