// overlap.cu: the two orbits, most likely under the errors of both objects, that bring them together at a time.
//
// D. Hall, J. Spacecraft Rockets 58 (2021) 715. Errors are normal in equinoctial elements, and motion is that of two
// bodies. With means E, covariances Q = G D G' (curved.h), states x(E) and derivatives J of the positions, the relative
// position has, linear about two orbits, the mean u and the covariance A,
//
//   u = x1(E1) - x2(E2) + J1 (E1mean - E1) - J2 (E2mean - E2),  A = J1 Q1 J1' + J2 Q2 J2',
//
// and the next orbits are E1mean - Q1 J1' y and E2mean + Q2 J2' y, where y = A^-1 (u - p) and p is the point of the
// sphere that is nearest in sigmas. It is p = (I + k A)^-1 u with |p| = R, so that y = k p: no inverse of A, which may be
// singular, is needed. The square of the distance in sigmas is k (u . p - R^2). The step is one of Gauss and Newton.
//
// overlap_orbits finds the orbits; 16 lanes in a row belong to one pair. overlap_states gives the whole relative state
// and its covariance, linear about them. No spills.
#include "curved.h"
#include "equinoctial.h"
#include "overlap.h"
#include "rate3d.h"

STM_FN real inner(const real a[3], const real b[3]) { return (a[0] * b[0] + a[1] * b[1]) + a[2] * b[2]; }

// I + k A as L D L', and its solutions.
struct Shifted {
    real by0, by1, by2, l10, l20, l21;
};
STM_FN Shifted shifted_of(const real a[6], real k) {
    Shifted f;
    real a10 = k * a[1], a20 = k * a[3];
    f.by0 = 1.0 / (1.0 + k * a[0]);
    f.l10 = a10 * f.by0;
    f.l20 = a20 * f.by0;
    f.by1 = 1.0 / ((1.0 + k * a[2]) - f.l10 * a10);
    real t = k * a[4] - f.l20 * a10;
    f.l21 = t * f.by1;
    f.by2 = 1.0 / (((1.0 + k * a[5]) - f.l20 * a20) - f.l21 * t);
    return f;
}
STM_FN void solve_shifted(const Shifted& f, const real b[3], real x[3]) {
    real z1 = b[1] - f.l10 * b[0], z2 = (b[2] - f.l20 * b[0]) - f.l21 * z1;
    x[2] = z2 * f.by2;
    x[1] = z1 * f.by1 - f.l21 * x[2];
    x[0] = (b[0] * f.by0 - f.l10 * x[1]) - f.l20 * x[2];
}

// y of the head of this file, and the square of the distance in sigmas; *k is where the search for k starts, and its end.
// The search is that of J. More and D. Sorensen, SIAM J. Sci. Stat. Comput. 4 (1983) 553.
STM_FN real nearest_of(const real u[3], const real a[6], real radius, real* k, real y[3]) {
    mask outside = inner(u, u) > radius * radius, open = outside;
    *k = sel(outside, *k, splat(0.0));
    real p[3] = {u[0], u[1], u[2]};
    STM_ROLLED
    for (int turn = 0; turn < OVERLAP_TURNS && any(open); ++turn) {
        Shifted f = shifted_of(a, *k);
        real q[3];
        solve_shifted(f, u, p);
        solve_shifted(f, p, q);
        real length = root(inner(p, p)), over = length - radius;
        real aq[3] = {(a[0] * q[0] + a[1] * q[1]) + a[3] * q[2], (a[1] * q[0] + a[2] * q[1]) + a[4] * q[2],
                      (a[3] * q[0] + a[4] * q[1]) + a[5] * q[2]};
        open = both(open, absolute(over) > OVERLAP_NEAREST * radius);
        real next = *k + (length * length) * over / (radius * inner(p, aq));
        *k = sel(open, larger(next, splat(0.0)), *k);
    }
    for (int i = 0; i < 3; ++i) y[i] = *k * p[i];
    return *k * (inner(u, p) - radius * radius);
}

STM_KERNEL overlap_orbits(
    i64 n,                                // times, a multiple of 16
    i64 pairs,                            // pairs
    const double* STM_RESTRICT first,     // [CURVED_OBJECT_ROWS][pairs] the first objects, from curved_objects
    const double* STM_RESTRICT second,    // [CURVED_OBJECT_ROWS][pairs] the second ones
    const double* STM_RESTRICT radius_m,  // [pairs] radius of the sphere, positive
    const i64* STM_RESTRICT pair,         // [n] pair of each time; that of the first of 16 counts
    const double* STM_RESTRICT time_s,    // [n] after that of the states
    double* STM_RESTRICT elements,        // [2 * EQUINOCTIAL_SIZE][n] the two orbits
    double* STM_RESTRICT far)             // [n] square of their distance from the means in sigmas; infinite: not found
{
    STM_PARALLEL(i, n, STM_LANES) {
        const i64 at = pair[i];
        const double *one = first + at, *two = second + at;
        const real t = load(time_s + i);
        const double radius = radius_m[at], thin = (ENTRY_CLIP * radius) * (ENTRY_CLIP * radius);
        real e[2][6];
        for (int side = 0; side < 2; ++side)
            for (int c = 0; c < 6; ++c) e[side][c] = splat((side ? two : one)[(CURVED_ELEMENTS + c) * pairs]);
        real found = from_bits((bits(t) & 0) | 0x7ff0000000000000LL), last = found, k = splat(0.0);
        mask open = t == t;
        STM_ROLLED
        for (int turn = 0; turn < OVERLAP_TURNS && any(open); ++turn) {
            real u[3] = {splat(0.0), splat(0.0), splat(0.0)}, moves[2][3][6];
            real a[6] = {splat(thin), splat(0.0), splat(thin), splat(0.0), splat(0.0), splat(thin)};
            STM_ROLLED
            for (int side = 0; side < 2; ++side) {
                const double* object = side ? two : one;
                const double sense = object[CURVED_SENSE * pairs];
                real x[3], v[3], j[6][6];
                Equinoctial orbit = orbit_of(e[side]);
                Place place = place_at(orbit, t);
                state_at(orbit, place, x, v);
                state_partials(orbit, place, t, j);
                for (int r = 0; r < 3; ++r) {
                    for (int c = 0; c < 6; ++c) {
                        x[r] = x[r] + j[r][c] * (object[(CURVED_ELEMENTS + c) * pairs] - e[side][c]);
                        moves[side][r][c] = r ? sense * j[r][c] : j[r][c];
                    }
                    x[r] = r ? sense * x[r] : x[r];
                    u[r] = side ? u[r] - x[r] : u[r] + x[r];
                }
                STM_ROLLED
                for (int c = 0; c < 6; ++c) {
                    real column[3] = {splat(0.0), splat(0.0), splat(0.0)};
                    for (int m = 0; m < 6; ++m) {
                        const double g = object[(CURVED_COLUMNS + 6 * m + c) * pairs];
                        for (int r = 0; r < 3; ++r) column[r] = column[r] + g * moves[side][r][m];
                    }
                    const double d = object[(CURVED_PIVOTS + c) * pairs];
                    for (int r = 0, q = 0; r < 3; ++r)
                        for (int s = 0; s <= r; ++s, ++q) a[q] = a[q] + (d * column[r]) * column[s];
                }
            }
            real y[3], now = nearest_of(u, a, splat(radius), &k, y);
            mask even = absolute(now - last) < OVERLAP_EVEN + OVERLAP_LOOSE * larger(now - OVERLAP_FAR, splat(0.0));
            found = sel(both(open, even), now, found);
            last = now;
            STM_ROLLED
            for (int side = 0; side < 2; ++side) {
                const double* object = side ? two : one;
                real push[6], change[6], step[3] = {splat(0.0), splat(0.0), splat(0.0)};
                for (int c = 0; c < 6; ++c) push[c] = change[c] = splat(0.0);
                for (int m = 0; m < 6; ++m) {
                    real along = (moves[side][0][m] * y[0] + moves[side][1][m] * y[1]) + moves[side][2][m] * y[2];
                    for (int c = 0; c < 6; ++c) push[c] = push[c] + object[(CURVED_COLUMNS + 6 * m + c) * pairs] * along;
                }
                for (int c = 0; c < 6; ++c) push[c] = (side ? 1.0 : -1.0) * (object[(CURVED_PIVOTS + c) * pairs] * push[c]);
                for (int m = 0; m < 6; ++m) {
                    for (int c = 0; c < 6; ++c) change[m] = change[m] + object[(CURVED_COLUMNS + 6 * m + c) * pairs] * push[c];
                    change[m] = change[m] + (object[(CURVED_ELEMENTS + m) * pairs] - e[side][m]);
                    for (int r = 0; r < 3; ++r) step[r] = step[r] + moves[side][r][m] * change[m];
                }
                real share = smaller(OVERLAP_LONGEST / larger(root(inner(step, step)), splat(1.0)), splat(1.0));
                for (int m = 0; m < 6; ++m) e[side][m] = sel(open, e[side][m] + share * change[m], e[side][m]);
            }
            open = both(open, both(negate(even), now == now));
        }
        for (int side = 0; side < 2; ++side)
            for (int c = 0; c < 6; ++c) store(elements + (6 * side + c) * n + i, e[side][c]);
        store(far + i, found);
    }
}

STM_KERNEL overlap_states(
    i64 n,                                 // chosen times, a multiple of 16
    i64 pairs,                             // pairs
    i64 times,                             // times of overlap_orbits
    const double* STM_RESTRICT first,      // [CURVED_OBJECT_ROWS][pairs] the first objects, from curved_objects
    const double* STM_RESTRICT second,     // [CURVED_OBJECT_ROWS][pairs] the second ones
    const i64* STM_RESTRICT pair,          // [times] pair of each time
    const double* STM_RESTRICT time_s,     // [times] after that of the states
    const double* STM_RESTRICT elements,   // [2 * EQUINOCTIAL_SIZE][times] orbits from overlap_orbits
    const i64* STM_RESTRICT chosen,        // [n] which times
    double* STM_RESTRICT state,            // [6][n] mean relative position [m] and velocity [m/s]
    double* STM_RESTRICT covariance)       // [21][n] its covariance, lower triangle by rows [m2, m2/s, m2/s2]
{
    STM_PARALLEL(i, n, STM_LANES) {
        const ints node = load_i64(chosen + i), at = gather_i64(pair, node);
        const real t = gather(time_s, node);
        real u[6], a[21];
        for (int r = 0; r < 6; ++r) u[r] = splat(0.0);
        for (int q = 0; q < 21; ++q) a[q] = splat(0.0);
        STM_ROLLED
        for (int side = 0; side < 2; ++side) {
            const double* object = side ? second : first;
            const real sense = gather(object + CURVED_SENSE * pairs, at);
            real e[6], x[6], j[6][6];
            for (int c = 0; c < 6; ++c) e[c] = gather(elements + (6 * side + c) * times, node);
            Equinoctial orbit = orbit_of(e);
            Place place = place_at(orbit, t);
            state_at(orbit, place, x, x + 3);
            state_partials(orbit, place, t, j);
            for (int c = 0; c < 6; ++c) {
                real off = gather(object + (CURVED_ELEMENTS + c) * pairs, at) - e[c];
                for (int r = 0; r < 6; ++r) {
                    x[r] = x[r] + j[r][c] * off;
                    j[r][c] = r % 3 ? sense * j[r][c] : j[r][c];
                }
            }
            for (int r = 0; r < 6; ++r) {
                x[r] = r % 3 ? sense * x[r] : x[r];
                u[r] = side ? u[r] - x[r] : u[r] + x[r];
            }
            STM_ROLLED
            for (int c = 0; c < 6; ++c) {
                real column[6];
                for (int r = 0; r < 6; ++r) column[r] = splat(0.0);
                for (int m = 0; m < 6; ++m) {
                    real g = gather(object + (CURVED_COLUMNS + 6 * m + c) * pairs, at);
                    for (int r = 0; r < 6; ++r) column[r] = column[r] + j[r][m] * g;
                }
                real d = gather(object + (CURVED_PIVOTS + c) * pairs, at);
                for (int r = 0, q = 0; r < 6; ++r)
                    for (int s = 0; s <= r; ++s, ++q) a[q] = a[q] + (d * column[r]) * column[s];
            }
        }
        for (int r = 0; r < 6; ++r) store(state + r * n + i, u[r]);
        for (int q = 0; q < 21; ++q) store(covariance + q * n + i, a[q]);
    }
}
