// curved.cu: encounters on curved orbits, straightened where the densities of the objects overlap most.
//
// The method 2D-Nc of D. Hall, L. Baars and S. Casali, AAS 23-398 (2023), after D. Hall, J. Spacecraft Rockets 58 (2021)
// 715. Errors are normal in equinoctial elements, and motion is that of two bodies. At a time t, the most likely elements
// with which the objects are at a given relative position x minimise the sum of both squared distances in sigmas; about
// them the motion is linear. With E the elements there, J the derivatives of a state by its elements and Q a covariance
// of elements, the relative position has the mean
//
//   u = r1 - r2 + J1 (E1mean - E1) - J2 (E2mean - E2)  and the covariance  A = J1 Q1 J1' + J2 Q2 J2',
//
// and E1 = E1mean - Q1 J1' y, E2 = E2mean + Q2 J2' y, y = A^-1 (u - x), which is iterated. M(t) = (u - x)' y + ln |A| is
// least at T, and the rate of collisions is normal in time with the width sqrt(2 / M''). What remains of the sphere
// integral of the rate is that over the disc across the relative velocity at x, v = its mean given the position: the
// probability in that plane, times |v| sqrt(2 / M'') sqrt(w' A^-1 w), w = v / |v|, which is 1 for straight motion.
// Hall's x is 0. Here it is so first, and then the point of the disc where the density is greatest, so that the method
// holds for discs far larger than the sigmas, too. Q enters as L D L' of the Cartesian covariance, which keeps the
// digits of needles, and may be indefinite.
//
// Kernels: objects; the start of the search; then twice the search for T and the plane there. No spills.
#include "curved.h"
#include "equinoctial.h"

STM_KERNEL curved_objects(
    i64 n,                                 // objects, a multiple of 16
    const double* STM_RESTRICT states,     // [6][n] inertial position [km] and velocity [km/s]
    const double* STM_RESTRICT cov,        // [21][n] covariance in own R, T, N and their rates, lower triangle [m, m/s]
    double* STM_RESTRICT objects)          // [CURVED_OBJECT_ROWS][n] see curved.h
{
    STM_PARALLEL(i, n, STM_LANES) {
        real x[6];
        for (int k = 0; k < 6; ++k) x[k] = 1e3 * load(states + k * n + i);
        real normal[3] = {x[1] * x[5] - x[2] * x[4], x[2] * x[3] - x[0] * x[5], x[0] * x[4] - x[1] * x[3]};
        real size = root((normal[0] * normal[0] + normal[1] * normal[1]) + normal[2] * normal[2]);
        real sense = sel(normal[2] < EQUINOCTIAL_REVERSED * size, splat(-1.0), splat(1.0));
        for (int k = 1; k < 6; ++k) x[k] = k == 3 ? x[k] : sense * x[k];
        real e[6], j[6][6], g[6][6];
        elements_of(x, x + 3, e);
        Equinoctial orbit = orbit_of(e);
        Place at = place_at(orbit, splat(0.0));
        state_partials(orbit, at, splat(0.0), j);
        element_partials(orbit, j, g);

        // axes R, T, N in the turned axes, as columns
        real distance = root((x[0] * x[0] + x[1] * x[1]) + x[2] * x[2]), axes[3][3];
        for (int k = 0; k < 3; ++k) {
            axes[k][0] = x[k] / distance;
            axes[k][2] = (k ? sense * normal[k] : normal[k]) / size;
        }
        for (int k = 0; k < 3; ++k) {
            int a = (k + 1) % 3, b = (k + 2) % 3;
            axes[k][1] = axes[a][2] * axes[b][0] - axes[b][2] * axes[a][0];
        }

        // L D L' of the covariance: L below its diagonal of ones
        real l[6][6], d[6];
        for (int c = 0; c < 6; ++c) {
            real pivot = load(cov + (c * (c + 1) / 2 + c) * n + i);
            for (int m = 0; m < c; ++m) pivot = pivot - (l[c][m] * l[c][m]) * d[m];
            d[c] = pivot;
            real by = sel(pivot == 0.0, splat(0.0), 1.0 / pivot);
            for (int r = c + 1; r < 6; ++r) {
                real sum = load(cov + (r * (r + 1) / 2 + c) * n + i);
                for (int m = 0; m < c; ++m) sum = sum - (l[r][m] * l[c][m]) * d[m];
                l[r][c] = sum * by;
            }
        }
        for (int k = 0; k < 6; ++k) {
            store(objects + (CURVED_ELEMENTS + k) * n + i, e[k]);
            store(objects + (CURVED_PIVOTS + k) * n + i, d[k]);
            real own[6];  // row k of the derivatives by the state in R, T, N
            for (int c = 0; c < 6; ++c) {
                const real* row = g[k] + (c < 3 ? 0 : 3);
                own[c] = (row[0] * axes[0][c % 3] + row[1] * axes[1][c % 3]) + row[2] * axes[2][c % 3];
            }
            for (int c = 0; c < 6; ++c) {
                real sum = own[c];
                for (int r = c + 1; r < 6; ++r) sum = sum + own[r] * l[r][c];
                store(objects + (CURVED_COLUMNS + 6 * k + c) * n + i, sum);
            }
        }
        store(objects + CURVED_SENSE * n + i, sense);
    }
}

// Relative motion, linear about given elements: mean u [m, m/s], covariance a of position (lower triangle by rows) and b
// of velocity with position, and how the position moves with each independent error of each object.
struct Relative {
    real u[6], a[6], b[3][3], w[2][6][3];
};
STM_FN Relative relative_at(const double* STM_RESTRICT one, const double* STM_RESTRICT two, i64 n, const real e[2][6],
                            real t) {
    Relative m;
    for (int k = 0; k < 6; ++k) m.u[k] = m.a[k] = splat(0.0);
    for (int k = 0; k < 9; ++k) m.b[k / 3][k % 3] = splat(0.0);
    STM_ROLLED
    for (int side = 0; side < 2; ++side) {
        const double* object = side ? two : one;
        real x[6], j[6][6], off[6];
        Equinoctial orbit = orbit_of(e[side]);
        Place at = place_at(orbit, t);
        state_at(orbit, at, x, x + 3);
        state_partials(orbit, at, t, j);
        real sense = load(object + CURVED_SENSE * n);
        for (int c = 0; c < 6; ++c) off[c] = load(object + (CURVED_ELEMENTS + c) * n) - e[side][c];
        for (int r = 0; r < 6; ++r) {
            for (int c = 0; c < 6; ++c) {
                x[r] = x[r] + j[r][c] * off[c];
                j[r][c] = r % 3 ? sense * j[r][c] : j[r][c];
            }
            x[r] = r % 3 ? sense * x[r] : x[r];
            m.u[r] = side ? m.u[r] - x[r] : m.u[r] + x[r];
        }
        STM_ROLLED
        for (int c = 0; c < 6; ++c) {
            real column[6] = {splat(0.0), splat(0.0), splat(0.0), splat(0.0), splat(0.0), splat(0.0)};
            for (int k = 0; k < 6; ++k) {
                real g = load(object + (CURVED_COLUMNS + 6 * k + c) * n);
                for (int r = 0; r < 6; ++r) column[r] = column[r] + j[r][k] * g;
            }
            real d = load(object + (CURVED_PIVOTS + c) * n);
            for (int p = 0, q = 0; p < 3; ++p) {
                m.w[side][c][p] = column[p];
                for (int r = 0; r <= p; ++r, ++q) m.a[q] = m.a[q] + d * (column[p] * column[r]);
                for (int r = 0; r < 3; ++r) m.b[p][r] = m.b[p][r] + d * (column[3 + p] * column[r]);
            }
        }
    }
    return m;
}

// L D L' of a covariance of position, and its solutions.
struct Factor {
    real d0, d1, d2, l10, l20, l21;
};
STM_FN Factor factor_of(const real a[6]) {
    Factor f;
    f.d0 = a[0];
    f.l10 = a[1] / f.d0;
    f.l20 = a[3] / f.d0;
    f.d1 = a[2] - f.l10 * a[1];
    real t = a[4] - f.l20 * a[1];
    f.l21 = t / f.d1;
    f.d2 = (a[5] - f.l20 * a[3]) - f.l21 * t;
    return f;
}
STM_FN void solve(const Factor& f, const real b[3], real y[3]) {
    real z1 = b[1] - f.l10 * b[0], z2 = (b[2] - f.l20 * b[0]) - f.l21 * z1;
    y[2] = z2 / f.d2;
    y[1] = z1 / f.d1 - f.l21 * y[2];
    y[0] = (b[0] / f.d0 - f.l10 * y[1]) - f.l20 * y[2];
}
STM_FN real log_determinant(const Factor& f) {
    real product = (f.d0 * f.d1) * f.d2, nan = from_bits((bits(product) & 0) | 0x7ff8000000000000LL);
    return sel(product > 0.0, log_of(product), nan);
}
STM_FN real dotted(const real a[3], const real b[3]) { return (a[0] * b[0] + a[1] * b[1]) + a[2] * b[2]; }

// Sum over all independent errors of their variances times their moves along p and q.
STM_FN real variance(const double* STM_RESTRICT one, const double* STM_RESTRICT two, i64 n, const Relative& m,
                     const real p[3], const real q[3]) {
    real sum = splat(0.0);
    STM_ROLLED
    for (int side = 0; side < 2; ++side)
        for (int c = 0; c < 6; ++c) {
            real d = load((side ? two : one) + (CURVED_PIVOTS + c) * n);
            sum = sum + d * (dotted(m.w[side][c], p) * dotted(m.w[side][c], q));
        }
    return sum;
}

// M(t), the least squared distance plus ln |A|, with the elements e moved to the overlap. Not a number where no overlap
// is found.
STM_FN real overlap_at(const double* STM_RESTRICT one, const double* STM_RESTRICT two, i64 n, real t, const real x[3],
                       mask wanted, real e[2][6]) {
    real found = from_bits((bits(t) & 0) | 0x7ff8000000000000LL), last = found;
    mask open = wanted;
    STM_ROLLED
    for (int turn = 0; turn < CURVED_TURNS && any(open); ++turn) {
        Relative m = relative_at(one, two, n, e, t);
        Factor f = factor_of(m.a);
        real off[3] = {m.u[0] - x[0], m.u[1] - x[1], m.u[2] - x[2]}, y[3];
        solve(f, off, y);
        real now = dotted(off, y) + log_determinant(f);
        mask even = absolute(now - last) < CURVED_EVEN;
        found = sel(both(open, even), now, found);
        last = now;
        STM_ROLLED
        for (int side = 0; side < 2; ++side) {
            const double* object = side ? two : one;
            real pull[6];
            for (int c = 0; c < 6; ++c) pull[c] = load(object + (CURVED_PIVOTS + c) * n) * dotted(m.w[side][c], y);
            for (int k = 0; k < 6; ++k) {
                real sum = splat(0.0);
                for (int c = 0; c < 6; ++c) sum = sum + load(object + (CURVED_COLUMNS + 6 * k + c) * n) * pull[c];
                real mean = load(object + (CURVED_ELEMENTS + k) * n);
                e[side][k] = sel(open, side ? mean + sum : mean - sum, e[side][k]);
            }
        }
        open = both(open, both(negate(even), now == now));
    }
    return found;
}

// The densest point of a disc about the origin under a normal density about (m1, m2): the miss, or the point of the rim
// at which the secular equation |m / (1 + k s^2)| = R holds (J. More and D. Sorensen, SIAM J. Sci. Stat. Comput. 4 (1983)
// 553), by 12 steps.
STM_FN void densest(real m1, real m2, real s1, real s2, real radius, real* p1, real* p2) {
    real k = splat(0.0), far = root(m1 * m1 + m2 * m2);
    mask outside = far > radius;
    real rim = sel(radius > 0.0, radius, splat(1.0));
    STM_ROLLED
    for (int turn = 0; turn < 12; ++turn) {
        real g1 = 1.0 / (1.0 + k * s1), g2 = 1.0 / (1.0 + k * s2), n1 = m1 * g1, n2 = m2 * g2;
        real there = n1 * n1 + n2 * n2, slope = (n1 * n1) * (s1 * g1) + (n2 * n2) * (s2 * g2);
        mask steep = both(outside, slope > 0.0);
        real more = (there / sel(steep, slope, splat(1.0))) * ((root(there) - rim) / rim);
        k = sel(steep, k + more, k);
    }
    real n1 = m1 / (1.0 + k * s1), n2 = m2 / (1.0 + k * s2);
    real onto = sel(outside, radius / sel(outside, root(n1 * n1 + n2 * n2), splat(1.0)), splat(1.0));
    *p1 = onto * n1;
    *p2 = onto * n2;
}

STM_KERNEL curved_start(
    i64 n,                                // encounters, a multiple of 16
    const double* STM_RESTRICT first,     // [CURVED_OBJECT_ROWS][n] the first objects, from curved_objects
    const double* STM_RESTRICT second,    // [CURVED_OBJECT_ROWS][n] the second ones
    double* STM_RESTRICT search)          // [CURVED_SEARCH_ROWS][n] see curved.h: the straight encounter
{
    STM_PARALLEL(i, n, STM_LANES) {
        const double *one = first + i, *two = second + i;
        real e[2][6];
        for (int k = 0; k < 6; ++k) {
            e[0][k] = load(one + (CURVED_ELEMENTS + k) * n);
            e[1][k] = load(two + (CURVED_ELEMENTS + k) * n);
            store(search + (CURVED_FIRST + k) * n + i, e[0][k]);
            store(search + (CURVED_SECOND + k) * n + i, e[1][k]);
        }
        Relative m = relative_at(one, two, n, e, splat(0.0));
        Factor f = factor_of(m.a);
        real y[3], z[3];
        solve(f, m.u, y);
        solve(f, m.u + 3, z);
        real vv = dotted(m.u + 3, z), rv = dotted(m.u, z), width = 1.0 / root(vv);
        real straight = (dotted(m.u, y) - rv * (rv / vv)) + log_determinant(f);
        straight = straight - 2.0 * log_of(width * root(dotted(m.u + 3, m.u + 3)));
        real nan = from_bits((bits(width) & 0) | 0x7ff8000000000000LL);
        store(search + CURVED_AT * n + i, -rv / vv);
        store(search + CURVED_BY * n + i, sel(width * 0.0 == 0.0, width, nan));
        store(search + CURVED_WIDE * n + i, nan);
        store(search + CURVED_LEAST * n + i, nan);
        store(search + CURVED_STRAIGHT * n + i, straight);
        for (int k = 0; k < 3; ++k) store(search + (CURVED_PLACE + k) * n + i, splat(0.0));
    }
}

STM_KERNEL curved_overlap(
    i64 n,                                // encounters, a multiple of 16
    const double* STM_RESTRICT first,     // [CURVED_OBJECT_ROWS][n] the first objects, from curved_objects
    const double* STM_RESTRICT second,    // [CURVED_OBJECT_ROWS][n] the second ones
    double* STM_RESTRICT search)          // [CURVED_SEARCH_ROWS][n] see curved.h; its overlap becomes the densest one
{
    STM_PARALLEL(i, n, STM_LANES) {
        const double *one = first + i, *two = second + i;
        real e[2][6], x[3];
        for (int k = 0; k < 6; ++k) {
            e[0][k] = load(search + (CURVED_FIRST + k) * n + i);
            e[1][k] = load(search + (CURVED_SECOND + k) * n + i);
        }
        for (int k = 0; k < 3; ++k) x[k] = load(search + (CURVED_PLACE + k) * n + i);
        real time = load(search + CURVED_AT * n + i), width = load(search + CURVED_BY * n + i);
        const real unity = splat(1.0), nan = from_bits((bits(width) & 0) | 0x7ff8000000000000LL);
        real least = nan, curve = nan;
        mask open = width == width, done = negate(open == open);
        STM_ROLLED
        for (int turn = 0; turn < CURVED_REFINED && any(open); ++turn) {
            real before = nan, now = nan, after = nan;
            STM_ROLLED
            for (int side = 0; side < 3; ++side) {  // in the end the elements are those of the middle
                real late = side == 2 ? 0.0 * width : side ? width : -width;
                real at = overlap_at(one, two, n, time + late, x, open, e);
                before = side == 0 ? at : before;
                after = side == 1 ? at : after;
                now = at;
            }
            real by = 1.0 / width, slope = 0.5 * ((after - before) * by);
            real bend = ((after + before) - 2.0 * now) * (by * by);
            mask known = bend == bend, hollow = bend > 0.0;
            real curved = sel(hollow, bend, unity), wide = sel(hollow, root(2.0 / curved), width);
            real away = sel(after < before, width, -width) * (CURVED_STEP - 1.0);
            real shift = sel(hollow, -slope / curved, away);
            mask still = both(hollow, both(absolute(shift) < CURVED_STILL * wide,
                                           absolute(wide - width) < CURVED_ALIKE * width));
            mask met = both(open, still);
            least = sel(met, now, least);
            curve = sel(met, wide, curve);
            done = either(done, met);
            open = both(open, both(known, negate(still)));
            real most = CURVED_STEP * width;
            time = sel(open, time + smaller(larger(shift, -most), most), time);
            width = sel(open, smaller(larger(wide, width * (1.0 / CURVED_STEP)), most), width);
        }
        for (int k = 0; k < 6; ++k) {
            store(search + (CURVED_FIRST + k) * n + i, e[0][k]);
            store(search + (CURVED_SECOND + k) * n + i, e[1][k]);
        }
        store(search + CURVED_AT * n + i, time);
        store(search + CURVED_BY * n + i, sel(done, width, nan));
        store(search + CURVED_WIDE * n + i, curve);
        store(search + CURVED_LEAST * n + i, least);
    }
}

STM_KERNEL curved_plane(
    i64 n,                                // encounters, a multiple of 16
    const double* STM_RESTRICT first,     // [CURVED_OBJECT_ROWS][n] the first objects, from curved_objects
    const double* STM_RESTRICT second,    // [CURVED_OBJECT_ROWS][n] the second ones
    const double* STM_RESTRICT radius_m,  // [n] combined hard-body radius
    double* STM_RESTRICT search,          // [CURVED_SEARCH_ROWS][n] see curved.h; x becomes the densest point of the disc
    double* STM_RESTRICT rows)            // [CURVED_ROWS][n] see curved.h; not a number where nothing is found
{
    STM_PARALLEL(i, n, STM_LANES) {
        const double *one = first + i, *two = second + i;
        real e[2][6], x[3];
        for (int k = 0; k < 6; ++k) {
            e[0][k] = load(search + (CURVED_FIRST + k) * n + i);
            e[1][k] = load(search + (CURVED_SECOND + k) * n + i);
        }
        for (int k = 0; k < 3; ++k) x[k] = load(search + (CURVED_PLACE + k) * n + i);
        const real time = load(search + CURVED_AT * n + i), curve = load(search + CURVED_WIDE * n + i);
        const real radius = load(radius_m + i), by = load(search + CURVED_BY * n + i), unity = splat(1.0);
        const real zero = splat(0.0), nan = from_bits((bits(radius) & 0) | 0x7ff8000000000000LL);
        const mask good = by == by;

        // the mean relative velocity at the position x, and two axes across it
        Relative m = relative_at(one, two, n, e, time);
        Factor f = factor_of(m.a);
        real off[3] = {x[0] - m.u[0], x[1] - m.u[1], x[2] - m.u[2]}, y[3], z[3], v[3];
        solve(f, off, y);
        for (int k = 0; k < 3; ++k) v[k] = m.u[3 + k] + dotted(m.b[k], y);
        real speed = root(dotted(v, v)), along[3] = {v[0] / speed, v[1] / speed, v[2] / speed};
        solve(f, along, z);
        real factor = (speed * curve) * root(dotted(along, z));
        real least = load(search + CURVED_LEAST * n + i), straight = load(search + CURVED_STRAIGHT * n + i);
        real correction = 0.5 * (straight - least) + log_of(speed * curve);
        real ax = absolute(along[0]), ay = absolute(along[1]), az = absolute(along[2]);
        mask by_x = both(ax < ay, ax < az), by_y = both(negate(by_x), ay < az);
        real pick[3] = {sel(by_x, unity, zero), sel(by_y, unity, zero), sel(either(by_x, by_y), zero, unity)};
        real p[3] = {along[1] * pick[2] - along[2] * pick[1], along[2] * pick[0] - along[0] * pick[2],
                     along[0] * pick[1] - along[1] * pick[0]};
        real size = root(dotted(p, p));
        for (int k = 0; k < 3; ++k) p[k] = p[k] / size;
        real q[3] = {along[1] * p[2] - along[2] * p[1], along[2] * p[0] - along[0] * p[2],
                     along[0] * p[1] - along[1] * p[0]};

        // the principal axes there, as in encounter.cu
        real pq = variance(one, two, n, m, p, q);
        real half = 0.5 * (variance(one, two, n, m, p, p) - variance(one, two, n, m, q, q));
        real length = root(half * half + pq * pq);
        mask round = negate(length > 0.0);
        real inverse = 1.0 / sel(round, unity, length);
        real cos2 = sel(round, unity, half * inverse), sin2 = sel(round, zero, pq * inverse);
        real large = root(0.5 * (1.0 + absolute(cos2))), small = 0.5 * absolute(sin2) / large;
        real c = sel(cos2 < 0.0, small, large), s = sel(cos2 < 0.0, large, small);
        s = sel(sin2 < 0.0, -s, s);
        real major[3], minor[3], limit = (CURVED_CLIP * radius) * (CURVED_CLIP * radius);
        for (int k = 0; k < 3; ++k) {
            major[k] = p[k] * c + q[k] * s;
            minor[k] = q[k] * c - p[k] * s;
        }
        real most = larger(variance(one, two, n, m, major, major), limit);
        real fewest = larger(variance(one, two, n, m, minor, minor), limit);
        real m1 = dotted(m.u, major), m2 = dotted(m.u, minor), n1, n2;
        store(rows + CURVED_MISS_MAJOR * n + i, sel(good, absolute(m1), nan));
        store(rows + CURVED_MISS_MINOR * n + i, sel(good, absolute(m2), nan));
        store(rows + CURVED_SIGMA_MAJOR * n + i, sel(good, root(most), nan));
        store(rows + CURVED_SIGMA_MINOR * n + i, sel(good, root(fewest), nan));
        store(rows + CURVED_FACTOR * n + i, sel(good, factor, nan));
        store(rows + CURVED_TIME * n + i, sel(good, time, nan));
        store(rows + CURVED_WIDTH * n + i, sel(good, curve, nan));
        store(rows + CURVED_CORRECTION * n + i, sel(good, correction, nan));
        densest(m1, m2, most, fewest, radius, &n1, &n2);
        for (int k = 0; k < 3; ++k) store(search + (CURVED_PLACE + k) * n + i, n1 * major[k] + n2 * minor[k]);
    }
}
