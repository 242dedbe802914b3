// rate3d.cu: rate at which a normally distributed relative state enters a sphere.
//
// A lane is a state: position r and velocity v with the covariance [[A, B'], [B, C]], and a sphere of radius R around
// the origin. With n on the unit sphere, K = B A^-1, S = C - B A^-1 B', v_n = n . (v + K (R n - r)), s^2 = n' S n,
//
//   rate = R^2 Int N(R n; r, A) nu(n) dn,  nu = s phi(v_n / s) - v_n Phi(-v_n / s),
//
// where nu is the mean inward velocity of those at the position R n (V. Coppola, AAS 12-247, 2012; D. Hall, J. Spacecr.
// Rockets 58 (2021) 715). The density may be a needle on the sphere, and nu has a kink of width s / |v| where v_n = 0.
// The pole lies along the mean velocity at the centre. Meridians are equally spaced, since the rate is periodic across
// them: the trapezoidal rule converges geometrically. Each meridian is cut around its own kink, found by Newton's
// method, and into panels no wider than the density asks for, of 12 Gauss-Legendre nodes. Beyond 7 widths ahead of the
// kink nothing enters, unless the velocity changes by a fifth of its mean across the sphere: then there may be other kinks,
// and whole meridians are integrated. Where asked to, panels are left out whose density is below e^-40 of the largest one
// that enters.
//
// entry_front leaves nu out but for its part in front of the kink: to the order that counts where it is narrow,
//
//   Int f(t) (nu - max(0, -v_n)) dt = f s^2 / (2 |v_n'|) at the kink,
//
// with f the density times the sine, up to a relative error of the fourth power of ENTRY_KINK.
//
// The size of a state tells how many meridians and how wide panels it needs: the root of R^2 / s_i^2 + R |r_i| / s_i^2
// for the axis where it is largest, or that of the velocity's change across the sphere where this is not small.
#include "normal.h"
#include "rate3d.h"

// One rotation of Jacobi's method (C. Jacobi, 1846) that makes the element pq of a symmetric matrix zero; o is the third
// index. The columns of the axes turn with it.
STM_FN void jacobi_turn(real* pp, real* qq, real* pq, real* po, real* qo, real axes_p[3], real axes_q[3]) {
    mask done = negate(absolute(*pq) > 1e-300);
    real tau = (*qq - *pp) / sel(done, splat(1.0), 2.0 * *pq);
    real size = absolute(tau);
    real t = 1.0 / (size + root(1.0 + size * size));
    t = sel(done, splat(0.0), sel(tau < 0.0, -t, t));
    real c = 1.0 / root(1.0 + t * t), s = t * c;
    *pp = *pp - t * *pq;
    *qq = *qq + t * *pq;
    *pq = splat(0.0);
    real kept = *po;
    *po = c * kept - s * *qo;
    *qo = s * kept + c * *qo;
    for (int k = 0; k < 3; ++k) {
        kept = axes_p[k];
        axes_p[k] = c * kept - s * axes_q[k];
        axes_q[k] = s * kept + c * axes_q[k];
    }
}

STM_FN real dot_of(const real a[3], const real b[3]) { return (a[0] * b[0] + a[1] * b[1]) + a[2] * b[2]; }

STM_KERNEL entry_axes(
    i64 n,                                  // states, a multiple of 16
    const double* STM_RESTRICT state,       // [6][n] mean relative position [m] and velocity [m/s]
    const double* STM_RESTRICT covariance,  // [21][n] its covariance, lower triangle by rows [m2, m2/s, m2/s2]
    const double* STM_RESTRICT radius_m,    // [n] radius of the sphere, positive
    double* STM_RESTRICT rows,              // [ENTRY_ROWS][n] see rate3d.h
    i32* STM_RESTRICT flags)                // [n] ENTRY_FLAG_ of rate3d.h
{
    STM_PARALLEL(i, n, STM_LANES) {
        const double* c = covariance + i;
        real xx = load(c), yx = load(c + n), yy = load(c + 2 * n), zx = load(c + 3 * n), zy = load(c + 4 * n),
             zz = load(c + 5 * n);
        real axes[3][3];
        for (int j = 0; j < 3; ++j)
            for (int k = 0; k < 3; ++k) axes[j][k] = splat(j == k ? 1.0 : 0.0);
        for (int sweep = 0; sweep < 6; ++sweep) {
            jacobi_turn(&xx, &yy, &yx, &zx, &zy, axes[0], axes[1]);
            jacobi_turn(&xx, &zz, &zx, &yx, &zy, axes[0], axes[2]);
            jacobi_turn(&yy, &zz, &zy, &yx, &zx, axes[1], axes[2]);
        }
        real radius = load(radius_m + i), least = ENTRY_CLIP * radius;
        real floor2 = least * least;
        mask clipped = either(either(xx < floor2, yy < floor2), zz < floor2);
        real lambda[3] = {larger(xx, floor2), larger(yy, floor2), larger(zz, floor2)};

        // mean position and velocity along the axes, velocity against position, and the covariance of velocity
        real r[3], v[3], across[3][3], size = splat(0.0), density = radius * radius;
        for (int j = 0; j < 3; ++j) {
            r[j] = v[j] = splat(0.0);
            for (int k = 0; k < 3; ++k) {
                r[j] = r[j] + axes[j][k] * load(state + k * n + i);
                v[j] = v[j] + axes[j][k] * load(state + (3 + k) * n + i);
            }
            for (int l = 0; l < 3; ++l) {  // row l of B is row 3 + l of the covariance
                const double* row = c + (l == 0 ? 6 : l == 1 ? 10 : 15) * n;
                across[l][j] = (axes[j][0] * load(row) + axes[j][1] * load(row + n)) + axes[j][2] * load(row + 2 * n);
            }
            real sigma = root(lambda[j]);
            real mean = r[j] / sigma, wide = radius / sigma;
            store(rows + (ENTRY_MEAN + j) * n + i, mean);
            store(rows + (ENTRY_RADIUS + j) * n + i, wide);
            size = larger(size, wide * (wide + absolute(mean)));
            density = density * (NORMAL_DENSITY / sigma);
        }
        real gain[3][3];  // K along the axes
        for (int j = 0; j < 3; ++j)
            for (int k = 0; k < 3; ++k)
                gain[j][k] =
                    ((axes[j][0] * across[0][k] + axes[j][1] * across[1][k]) + axes[j][2] * across[2][k]) / lambda[k];
        real speed2 = splat(0.0);
        for (int j = 0; j < 3; ++j) {
            real w = v[j] - dot_of(gain[j], r);
            speed2 = speed2 + w * w;
            store(rows + (ENTRY_VELOCITY + j) * n + i, w);
        }
        real cc[3][3] = {{load(c + 9 * n), load(c + 13 * n), load(c + 18 * n)},
                         {load(c + 13 * n), load(c + 14 * n), load(c + 19 * n)},
                         {load(c + 18 * n), load(c + 19 * n), load(c + 20 * n)}};
        real change2 = splat(0.0), trace = splat(0.0);
        for (int j = 0, at = 0; j < 3; ++j) {
            for (int k = 0; k <= j; ++k, ++at) {
                real grows = (0.5 * radius) * (gain[j][k] + gain[k][j]);
                real ck[3] = {dot_of(cc[0], axes[k]), dot_of(cc[1], axes[k]), dot_of(cc[2], axes[k])};
                real kept = dot_of(axes[j], ck);
                for (int l = 0; l < 3; ++l) kept = kept - (gain[j][l] * lambda[l]) * gain[k][l];
                change2 = change2 + (j == k ? 1.0 : 2.0) * (grows * grows);
                if (j == k) trace = trace + larger(kept, splat(0.0));
                store(rows + (ENTRY_GROWTH + at) * n + i, grows);
                store(rows + (ENTRY_SPREAD + at) * n + i, kept);
            }
        }
        // where the velocity changes much across the sphere, the kink is a curve as narrow as the spread is small
        real bent = change2 / (trace + 1e-4 * change2 + 1e-300);
        mask several = negate(change2 <= ENTRY_BENT * speed2);
        size = sel(several, larger(size, smaller(bent, splat(1e4))), size);
        real sharp = root((trace / sel(several, splat(1.0), speed2)) * larger(size, splat(1.0)));
        store(rows + ENTRY_FACTOR * n + i, density);
        store(rows + ENTRY_SIZE * n + i, root(size));
        store(rows + ENTRY_KINK * n + i, sel(several, splat(1e300), sharp));
        store_i32(flags + i, seli(clipped, splat_i64(ENTRY_FLAG_CLIPPED), splat_i64(0)));
    }
}

STM_FN void times_symmetric(const real a[6], const real b[3], real found[3]) {
    found[0] = (a[0] * b[0] + a[1] * b[1]) + a[3] * b[2];
    found[1] = (a[1] * b[0] + a[2] * b[1]) + a[4] * b[2];
    found[2] = (a[3] * b[0] + a[4] * b[1]) + a[5] * b[2];
}

// A meridian: the position in sigmas is p cos + q sin - mean, the mean outward velocity v cos + (g_pp cos^2 + g_pq cos
// sin + g_qq sin^2), and its variance s_pp cos^2 + s_pq cos sin + s_qq sin^2, of the angle from the pole.
struct Meridian {
    real p[3], q[3], mean[3], v, g_pp, g_pq, g_qq, s_pp, s_pq, s_qq;
};
STM_FN real exponent_at(const Meridian& m, real s, real c) {
    real y[3];
    for (int k = 0; k < 3; ++k) y[k] = (m.p[k] * c + m.q[k] * s) - m.mean[k];
    return dot_of(y, y);
}
STM_FN real outward_at(const Meridian& m, real s, real c) {
    return m.v * c + (c * (m.g_pp * c + m.g_pq * s) + m.g_qq * (s * s));
}
STM_FN real variance_at(const Meridian& m, real s, real c) {
    return larger(c * (m.s_pp * c + m.s_pq * s) + m.s_qq * (s * s), splat(0.0));
}

// Density relative to its largest one, times the mean inward velocity, times the sine.
STM_FN real inflow_at(const Meridian& m, real s, real c, bool sharp) {
    real v = outward_at(m, s, c);
    real density = exp_of(-0.5 * exponent_at(m, s, c));
    real inward = larger(-v, splat(0.0));
    if (sharp) return density * inward * s;
    real spread = root(variance_at(m, s, c)), size = absolute(v);
    mask mixed = size < 9.0 * spread;
    if (any(mixed)) {
        real x = size / sel(mixed, spread, splat(1.0));
        real part = 1.0 - (x * 1.2533141373155002512) * erfcx_of(x * NORMAL_SQRT_HALF);
        inward = inward + sel(mixed, (NORMAL_DENSITY * spread) * (exp_of(-0.5 * (x * x)) * part), splat(0.0));
    }
    return density * inward * s;
}

#define ENTRY_BEHIND 7.0   // widths of the kink ahead of it from which on something enters
#define ENTRY_MIDDLE 2.3   // widths at which it is cut once more
#define ENTRY_DEEP 80.0    // twice the exponent by which the density may fall
#define ENTRY_NARROWEST 1e-9

// Rate and change of entry_rate and entry_front, of whose states `at` are those of the lanes.
STM_FN void rate_of(const double* STM_RESTRICT rows, i64 states, ints at, i64 meridians, double sine, double cosine,
                    double widest, bool searches, bool sharp, double* STM_RESTRICT rate, double* STM_RESTRICT change) {
    const double nodes[6] = {0.1252334085114689, 0.3678314989981802, 0.5873179542866175,
                             0.7699026741943047, 0.9041172563704749, 0.9815606342467192};
    const double weights[6] = {0.2491470458134028, 0.2334925365383548, 0.2031674267230659,
                               0.1600783285433462, 0.1069393259953184, 0.0471753363865118};
    const double end = STM_PI, step = STM_TWO_PI / (double)meridians;
    real wide[3], pole[3], first[3], second[3], growth[6], spread[6];
    Meridian m;
    for (int k = 0; k < 3; ++k) {
        m.mean[k] = gather(rows + (ENTRY_MEAN + k) * states, at);
        wide[k] = gather(rows + (ENTRY_RADIUS + k) * states, at);
        pole[k] = gather(rows + (ENTRY_VELOCITY + k) * states, at);
    }
    for (int k = 0; k < 6; ++k) {
        growth[k] = gather(rows + (ENTRY_GROWTH + k) * states, at);
        spread[k] = gather(rows + (ENTRY_SPREAD + k) * states, at);
    }
    real steep = larger(larger(wide[0], wide[1]), wide[2]);

    // axes of the sphere
    m.v = root(dot_of(pole, pole));
    mask still = negate(m.v > 0.0);
    real by = 1.0 / sel(still, splat(1.0), m.v);
    for (int k = 0; k < 3; ++k) pole[k] = sel(still, splat(k == 2 ? 1.0 : 0.0), pole[k] * by);
    mask along = absolute(pole[0]) > 0.7;  // the first meridian starts from the y-axis, else from the x-axis
    real kept = sel(along, pole[1], pole[0]);
    real unit_x = sel(along, splat(0.0), splat(1.0)), unit_y = sel(along, splat(1.0), splat(0.0));
    first[0] = unit_x - kept * pole[0];
    first[1] = unit_y - kept * pole[1];
    first[2] = -kept * pole[2];
    by = 1.0 / root(dot_of(first, first));
    for (int k = 0; k < 3; ++k) first[k] = first[k] * by;
    second[0] = pole[1] * first[2] - pole[2] * first[1];
    second[1] = pole[2] * first[0] - pole[0] * first[2];
    second[2] = pole[0] * first[1] - pole[1] * first[0];

    real gp[3], sp[3];
    times_symmetric(growth, pole, gp);
    times_symmetric(spread, pole, sp);
    m.g_pp = dot_of(pole, gp);
    m.s_pp = dot_of(pole, sp);
    for (int k = 0; k < 3; ++k) m.p[k] = wide[k] * pole[k];

    real widest_spread = root(larger((spread[0] + spread[2]) + spread[5], splat(0.0)));
    real change2 = ((growth[0] * growth[0] + growth[2] * growth[2]) + growth[5] * growth[5]) +
                   2.0 * ((growth[1] * growth[1] + growth[3] * growth[3]) + growth[4] * growth[4]);
    mask bent = change2 > ENTRY_BENT * (m.v * m.v);  // a meridian may be entered on both sides of its kink
    real sum = splat(0.0), odd = splat(0.0), best = splat(1e300);
    for (i64 pass = searches ? 0 : 1; pass < 2; ++pass) {  // pass 0 looks for where most enters
        real turn_s = splat(0.0), turn_c = splat(1.0);
        for (i64 meridian = 0; meridian < meridians; ++meridian) {
            real side[3], other[3];
            for (int k = 0; k < 3; ++k) {
                side[k] = first[k] * turn_c + second[k] * turn_s;
                m.q[k] = wide[k] * side[k];
            }
            rotate(&turn_s, &turn_c, splat(sine), splat(cosine));
            times_symmetric(growth, side, other);
            m.g_pq = 2.0 * dot_of(side, gp);
            m.g_qq = dot_of(side, other);
            times_symmetric(spread, side, other);
            m.s_pq = 2.0 * dot_of(side, sp);
            m.s_qq = dot_of(side, other);

            // the kink: outward velocity 0 near the equator, and its width
            real kink = splat(0.5 * STM_PI), slope = splat(1.0), s, c;
            for (int k = 0; k < 4; ++k) {
                sincos_of(kink, &s, &c);
                slope = m.g_pq * (c * c - s * s) + 2.0 * (m.g_qq - m.g_pp) * (s * c) - m.v * s;
                mask flat = negate(absolute(slope) > 1e-3 * m.v);
                slope = sel(flat, -(m.v + 1e-300), slope);
                real move = smaller(larger(-outward_at(m, s, c) / slope, splat(-0.4)), splat(0.4));
                kink = smaller(larger(kink + move, splat(0.0)), splat(end));
            }
            sincos_of(kink, &s, &c);
            real width = root(variance_at(m, s, c)) / absolute(slope);
            real from = kink;
            if (sharp) {
                real step_in = (0.5 * (width * width)) * (absolute(slope) * s) * exp_of(-0.5 * exponent_at(m, s, c));
                if (pass) {
                    sum = sum + step_in;
                    if (meridian & 1) odd = odd + step_in;
                }
            }
            real cuts[3] = {kink - ENTRY_MIDDLE * width, kink + ENTRY_MIDDLE * width, kink + ENTRY_BEHIND * width};
            real ahead = (1.15 * ENTRY_BEHIND) * (widest_spread / absolute(slope));
            if (!sharp) from = sel(both(negate(bent), ahead < 0.9), larger(kink - ahead, splat(0.0)), splat(0.0));
            while (any(from < end)) {
                real to = smaller(from + widest, splat(end));
                for (int k = 0; k < 3 && !sharp; ++k)
                    to = sel(both(cuts[k] > from + ENTRY_NARROWEST, cuts[k] < to), cuts[k], to);
                real middle = 0.5 * (from + to), half = 0.5 * (to - from), sm, cm;
                sincos_of(middle, &sm, &cm);
                mask counts = from < end;
                from = to;
                if (searches) {
                    real near = exponent_at(m, sm, cm);
                    if (!pass) {  // an outward mean velocity counts as a distance in its own sigmas
                        real v = larger(outward_at(m, sm, cm), splat(0.0));
                        real far = near + v * v / larger(variance_at(m, sm, cm), splat(1e-300));
                        best = sel(counts, smaller(best, far), best);
                        continue;
                    }
                    real least = larger(root(near) - steep * half, splat(0.0));
                    counts = both(counts, least * least < best + ENTRY_DEEP);
                    if (!any(counts)) continue;
                }
                real panel = splat(0.0);
                for (int k = 0; k < 6; ++k) {
                    real sd, cd;
                    sincos_of(half * nodes[k], &sd, &cd);
                    real after = inflow_at(m, sm * cd + cm * sd, cm * cd - sm * sd, sharp);
                    real before = inflow_at(m, sm * cd - cm * sd, cm * cd + sm * sd, sharp);
                    panel = panel + weights[k] * (after + before);
                }
                panel = sel(counts, half * panel, splat(0.0));
                sum = sum + panel;
                if (meridian & 1) odd = odd + panel;
            }
        }
    }
    real factor = gather(rows + ENTRY_FACTOR * states, at) * step;
    store(rate, factor * sum);
    store(change, factor * absolute(sum - 2.0 * odd));
}

STM_KERNEL entry_rate(
    i64 n,                            // chosen states, a multiple of 16
    i64 states,                       // states
    i64 meridians,                    // an even number
    double sine,                      // of the angle between meridians
    double cosine,                    // of it
    double widest,                    // widest panel [rad]
    i64 searches,                     // 1 where panels may be left out, else 0
    const double* STM_RESTRICT rows,  // [ENTRY_ROWS][states] from entry_axes
    const i64* STM_RESTRICT chosen,   // [n] which states
    double* STM_RESTRICT rate,        // [n] expected entries in a second
    double* STM_RESTRICT change)      // [n] what it would change without every other meridian
{
    STM_PARALLEL(i, n, STM_LANES) {
        rate_of(rows, states, load_i64(chosen + i), meridians, sine, cosine, widest, searches != 0, false, rate + i,
                change + i);
    }
}

STM_KERNEL entry_front(
    i64 n,                            // chosen states, a multiple of 16
    i64 states,                       // states
    i64 meridians,                    // an even number
    double sine,                      // of the angle between meridians
    double cosine,                    // of it
    double widest,                    // widest panel [rad]
    i64 searches,                     // 1 where panels may be left out, else 0
    const double* STM_RESTRICT rows,  // [ENTRY_ROWS][states] from entry_axes
    const i64* STM_RESTRICT chosen,   // [n] which states
    double* STM_RESTRICT rate,        // [n] expected entries in a second
    double* STM_RESTRICT change)      // [n] what it would change without every other meridian
{
    STM_PARALLEL(i, n, STM_LANES) {
        rate_of(rows, states, load_i64(chosen + i), meridians, sine, cosine, widest, searches != 0, true, rate + i,
                change + i);
    }
}
