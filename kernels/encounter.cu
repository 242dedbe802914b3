// encounter.cu: geometry of encounters: states and covariances of two objects to the encounter plane. No spills.
//
// A lane is an encounter; its numbers are gathered, so that arrays need not be transposed. Relative motion is straight. Both objects are moved to the closest approach, by
// t = -(r . v) / v^2, and the plane is the one across the relative velocity y = v / |v|, with z along r x v and x along
// the miss r. Each object's covariance lies in its own axes R = r / |r|, N along r x v, T = N x R of the state as given. The sum of both,
// projected on the plane, has the principal axes of the result (M. Akella and K. Alfriend, J. Guid. Contr. Dyn. 23
// (2000) 769). The smaller eigenvalue is the quadratic form of the minor axis, not a difference: for a needle-shaped
// covariance that is more accurate by the ratio of the eigenvalues.
//
// Bounds of the encounter in time: V. Coppola, AAS 12-248 (2012), eqs. 5 to 16. With e2 the variance along y, w the
// covariances of y with the plane, P that of the plane, b = w / P, s^2 = 2 (e2 - b . w) and q = b . m,
//
//   start = (-a s + q - R sqrt(1 + b^2)) / |v|,  stop = (a s + q + R |b|) / |v|,  erfc(a) the chosen level.
#include "earth.h"
#include "encounter.h"
#include "mathx.h"

struct Vec { real x, y, z; };
STM_FN Vec add(Vec a, Vec b) { return {a.x + b.x, a.y + b.y, a.z + b.z}; }
STM_FN Vec times(Vec a, real k) { return {a.x * k, a.y * k, a.z * k}; }
STM_FN real dot3(Vec a, Vec b) { return (a.x * b.x + a.y * b.y) + a.z * b.z; }
STM_FN Vec cross3(Vec a, Vec b) { return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x}; }
STM_FN Vec unit(Vec a) { return times(a, 1.0 / root(dot3(a, a))); }
STM_FN Vec gather3(const double* p, ints at) { return {gather(p, 3 * at), gather(p, 3 * at + 1), gather(p, 3 * at + 2)}; }

// A direction in the axes R, T, N of an object, and the covariance there: lower triangle by rows.
struct Axes { Vec r, t, n; };
struct Cov { real rr, tr, tt, nr, nt, nn; };
STM_FN Axes axes_of(Vec position, Vec velocity) {
    Axes a;
    a.r = unit(position);
    a.n = unit(cross3(position, velocity));
    a.t = cross3(a.n, a.r);
    return a;
}
STM_FN Vec in_axes(Axes a, Vec v) { return {dot3(a.r, v), dot3(a.t, v), dot3(a.n, v)}; }
STM_FN real form(Cov c, Vec a, Vec b) {
    Vec cb = {c.rr * b.x + c.tr * b.y + c.nr * b.z, c.tr * b.x + c.tt * b.y + c.nt * b.z,
              c.nr * b.x + c.nt * b.y + c.nn * b.z};
    return dot3(a, cb);
}
STM_FN Cov gather_cov(const double* p, ints at) {
    return {gather(p, 9 * at), gather(p, 9 * at + 3), gather(p, 9 * at + 4),
            gather(p, 9 * at + 6), gather(p, 9 * at + 7), gather(p, 9 * at + 8)};
}
STM_FN mask differ(real above, real below, real a, real b) {
    real d = above - below;
    return d * d > (ENCOUNTER_SYMMETRY * ENCOUNTER_SYMMETRY) * absolute(a * b);
}
STM_FN mask asymmetric(Cov c, const double* p, ints at) {
    return either(either(differ(gather(p, 9 * at + 1), c.tr, c.rr, c.tt), differ(gather(p, 9 * at + 2), c.nr, c.rr, c.nn)),
                  differ(gather(p, 9 * at + 5), c.nt, c.tt, c.nn));
}
STM_FN real period(Vec r, Vec v) {
    real inverse = 2.0 / root(dot3(r, r)) - dot3(v, v) * (1.0 / EARTH_MU_KM3_S2);
    real k = larger(inverse, splat(0.0));
    return STM_TWO_PI / root(EARTH_MU_KM3_S2 * (k * k * k));  // infinite on a hyperbola
}

STM_KERNEL encounter_plane(
    i64 n,                                  // encounters, a multiple of 16
    double level,                           // argument at which erfc has the chosen level
    const double* STM_RESTRICT position_1,  // [n][3] inertial position of the first object [km]
    const double* STM_RESTRICT velocity_1,  // [n][3] its velocity [km/s]
    const double* STM_RESTRICT cov_1,       // [n][3][3] covariance of its position in its own R, T, N [m^2]
    const double* STM_RESTRICT position_2,  // [n][3] the same of the second object
    const double* STM_RESTRICT velocity_2,  // [n][3] its velocity
    const double* STM_RESTRICT cov_2,       // [n][3][3] its covariance
    const double* STM_RESTRICT radius_m,    // [n] combined hard-body radius
    double* STM_RESTRICT rows,              // [ENCOUNTER_ROWS][n] see encounter.h
    i32* STM_RESTRICT flags)                // [n] ENCOUNTER_FLAG_ of encounter.h
{
    STM_PARALLEL(i, n, STM_LANES) {
        ints at = splat_i64(i) + lane_ids();
        Vec r1 = gather3(position_1, at), v1 = gather3(velocity_1, at);
        Vec r2 = gather3(position_2, at), v2 = gather3(velocity_2, at);
        real radius = load(radius_m + i);
        Vec r = times(add(r1, times(r2, splat(-1.0))), splat(1e3));
        Vec v = times(add(v1, times(v2, splat(-1.0))), splat(1e3));
        real speed2 = dot3(v, v), speed = root(speed2);
        mask still = negate(speed2 > 0.0);
        real shift = sel(still, splat(0.0), -dot3(r, v) / speed2);
        Axes axes1 = axes_of(r1, v1), axes2 = axes_of(r2, v2);
        real turn = smaller(period(r1, v1), period(r2, v2));
        r = add(r, times(v, shift));
        r1 = add(r1, times(v1, shift));
        r2 = add(r2, times(v2, shift));

        // the plane
        real least = larger(ENCOUNTER_SMALLEST * 1e3 * root(dot3(r1, r1)), ENCOUNTER_NO_MISS_RADII * radius);
        mask meets = dot3(r, r) < least * least;
        Vec aside = times(unit(cross3(add(r1, r2), v)), least);
        r = {sel(meets, aside.x, r.x), sel(meets, aside.y, r.y), sel(meets, aside.z, r.z)};
        real miss = root(dot3(r, r));
        Vec y = times(v, 1.0 / speed), z = unit(cross3(r, v)), x = cross3(y, z);

        // the combined covariance in it
        Cov c1 = gather_cov(cov_1, at), c2 = gather_cov(cov_2, at);
        mask uneven = either(asymmetric(c1, cov_1, at), asymmetric(c2, cov_2, at));
        Vec x1 = in_axes(axes1, x), z1 = in_axes(axes1, z), x2 = in_axes(axes2, x), z2 = in_axes(axes2, z);
        real xx = form(c1, x1, x1) + form(c2, x2, x2), zz = form(c1, z1, z1) + form(c2, z2, z2);
        real xz = form(c1, x1, z1) + form(c2, x2, z2);

        // its principal axes: the major one at the angle whose double has tangent 2 xz / (xx - zz)
        real half = 0.5 * (xx - zz), size = root(half * half + xz * xz);
        mask round = negate(size > 0.0);
        real by = 1.0 / sel(round, splat(1.0), size);
        real cos2 = sel(round, splat(1.0), half * by), sin2 = sel(round, splat(0.0), xz * by);
        real larger_part = root(0.5 * (1.0 + absolute(cos2)));
        real smaller_part = 0.5 * absolute(sin2) / larger_part;
        real c = sel(cos2 < 0.0, smaller_part, larger_part);
        real s = sel(cos2 < 0.0, larger_part, smaller_part);
        s = sel(sin2 < 0.0, -s, s);
        Vec major1 = add(times(x1, c), times(z1, s)), minor1 = add(times(z1, c), times(x1, -s));
        Vec major2 = add(times(x2, c), times(z2, s)), minor2 = add(times(z2, c), times(x2, -s));
        real most = form(c1, major1, major1) + form(c2, major2, major2);
        real least2 = form(c1, minor1, minor1) + form(c2, minor2, minor2);
        mask negative = both(negate(still), both(negate(most > 0.0), negate(least2 > 0.0)));
        real limit = (ENCOUNTER_CLIP * radius) * (ENCOUNTER_CLIP * radius);
        mask none = either(still, negative), clipped = both(negate(none), either(most < limit, least2 < limit));
        most = larger(most, limit);
        least2 = larger(least2, limit);

        // bounds in time
        Vec y1 = in_axes(axes1, y), y2 = in_axes(axes2, y);
        real yy = form(c1, y1, y1) + form(c2, y2, y2);
        real w_major = form(c1, y1, major1) + form(c2, y2, major2), b_major = w_major / most;
        real w_minor = form(c1, y1, minor1) + form(c2, y2, minor2), b_minor = w_minor / least2;
        real spread = root(larger(2.0 * (yy - (b_major * w_major + b_minor * w_minor)), splat(0.0)));
        real middle = b_major * (miss * c) - b_minor * (miss * s), b2 = b_major * b_major + b_minor * b_minor;
        real start = ((middle - level * spread) - radius * root(1.0 + b2)) / speed;
        real stop = ((middle + level * spread) + radius * root(b2)) / speed;

        Vec normal = cross3(v1, v2);
        real nan = from_bits((bits(miss) & 0) | 0x7ff8000000000000LL);
        store(rows + ENCOUNTER_MISS_MAJOR * n + i, sel(none, nan, absolute(miss * c)));
        store(rows + ENCOUNTER_MISS_MINOR * n + i, sel(none, nan, absolute(miss * s)));
        store(rows + ENCOUNTER_SIGMA_MAJOR * n + i, sel(none, nan, root(most)));
        store(rows + ENCOUNTER_SIGMA_MINOR * n + i, sel(none, nan, root(least2)));
        store(rows + ENCOUNTER_MISS * n + i, miss);
        store(rows + ENCOUNTER_SPEED * n + i, speed);
        store(rows + ENCOUNTER_SHIFT * n + i, shift);
        store(rows + ENCOUNTER_ANGLE * n + i, atan2_of(root(dot3(normal, normal)), dot3(v1, v2)));
        store(rows + ENCOUNTER_START * n + i, sel(none, nan, start));
        store(rows + ENCOUNTER_STOP * n + i, sel(none, nan, stop));
        store(rows + ENCOUNTER_PERIOD * n + i, turn);
        ints bit = seli(clipped, splat_i64(ENCOUNTER_FLAG_CLIPPED), splat_i64(0));
        bit = bit | seli(negative, splat_i64(ENCOUNTER_FLAG_NOT_POSITIVE), splat_i64(0));
        bit = bit | seli(still, splat_i64(ENCOUNTER_FLAG_NO_SPEED), splat_i64(0));
        bit = bit | seli(meets, splat_i64(ENCOUNTER_FLAG_NO_MISS), splat_i64(0));
        bit = bit | seli(uneven, splat_i64(ENCOUNTER_FLAG_ASYMMETRIC), splat_i64(0));
        store_i32(flags + i, bit);
    }
}
