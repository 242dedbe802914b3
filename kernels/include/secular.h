// secular.h: mean rates of one orbit: drag averaged over a revolution, J2, radiation pressure. Units km, s, rad.
//
// Drag (D. King-Hele, "Theory of Satellite Orbits in an Atmosphere", 1964, ch. 3 and 4; E the eccentric anomaly, x = e
// cos E, <> the mean over E, B = C_d A/m, F the factor of the rotating atmosphere):
//   da/dt = -F B sqrt(mu a) <rho (1 + x)^(3/2) (1 - x)^(-1/2)>
//   de/dt = -F B sqrt(mu / a) (1 - e^2) <rho (1 + x)^(1/2) (1 - x)^(-1/2) cos E>
//   F = (1 - w r_p cos i / v_p)^2, r_p and v_p at perigee
// The integrands are even in E, so the mean over [0, pi] is the mean over the revolution, and the midpoint rule there
// is the trapezoidal rule of a periodic function. With z = a e / H and density falling exponentially over the scale
// height H its n points are off by 2 I_2n(z) / I_0(z) (the first aliased harmonic), so 4 points do for z <= 2, to
// 2.4e-5. For greater z the integrand is close to a Gaussian about perigee, 1 / sqrt(z) wide: 10 points over
// E <= 9 / sqrt(z), where exp(-40) is left, are off by 2 exp(-2 pi^2 10^2 / 9^2) = 5e-11 whatever the eccentricity.
// What remains are the kinks of a table that is linear from row to row: 2e-3 at worst where scale heights change as in
// the thermosphere, 1 % where they jump by a tenth (Vallado's layers), of either sign, so that a sinking orbit meets
// their mean.
//
// Height: the table of density is a mean over the globe at a distance r from the Earth's centre less the equatorial
// radius. An orbit of inclination i passes over another mix of latitudes, and its mean radius is not its mean axis, so
// the table is read `lift` higher, and the density is that times exp(s T):
//   lift = s B - 3/4 J2 R^2 / a (3 cos^2 i - 1),     s = sin^2 i / 2 - 1/3
// s is the mean of sin^2(latitude) along the orbit less that over the globe, so s B is how much further the ellipsoid
// (B = 21.385 km lower at the poles) lies below. The second term is what J2 lifts the mean radius above Brouwer's mean
// axis (D. Brouwer, Astron. J. 64, 1959; the term of r in W. Lane and K. Hoots, Spacetrack Report 3, 1980, section 6):
// 4.5 km up for polar orbits, 9.5 km down for equatorial ones. T [per unit of s] is how the density of the thermosphere
// itself, averaged over day and year, changes with latitude (the tilt, see Nrlmsis in
// stmgpu/debris/environment/atmosphere.py); it changes slowly with height and is taken at perigee.
//
// The second derivatives come from the same points: rho moves with r = a (1 - x) at the slope of the table. Axis and
// perigee are integrated, not axis and eccentricity: at great e both change fast while their a (1 - e) hardly does.
#pragma once
#include "j2.h"
#include "mathx.h"

#define SOLAR_PRESSURE_N_M2 4.56e-6

#define FEW_POINTS 4
#define MANY_POINTS 10
#define FEW_UP_TO_Z 2.0
#define GAUSSIAN_WIDTHS 9.0

// ln(density [kg/m^3]) on equidistant heights: rows [heights] of all runs, one after the other.
struct Atmosphere {
    const double* log_density;
    double heights, lowest_km, per_km, omega_rad_s;
};

// Change of ln(density) with s: rows [tilts] of all runs, one after the other.
struct Latitudes {
    const double* tilt;
    double tilts, lowest_km, per_km;
    double bulge_km, lift_km2;      // B and 3/4 J2 R^2, both 0 on a sphere without J2's lift
};

// Mean of sin^2(latitude) along an orbit, less that over the globe.
STM_FN real latitude_share(real cos_i) { return (0.5 - 1.0 / 3.0) - 0.5 * (cos_i * cos_i); }

// Radius whose height is 0 for the table of density [km].
STM_FN real ground_of(const Latitudes& l, real a, real cos_i) {
    real lift = l.bulge_km * latitude_share(cos_i) - l.lift_km2 / a * (3.0 * (cos_i * cos_i) - 1.0);
    return EARTH_RADIUS_KM - lift;
}

// Factor exp(s T) of the density; `first` is the run's first index into the tilts.
STM_FN real tilted(const Latitudes& l, real first, real height_km, real cos_i) {
    real t = smaller(larger((height_km - l.lowest_km) * l.per_km, splat(0.0)), splat(l.tilts - 1.0));
    real cell = smaller(floored(t), splat(l.tilts - 2.0));
    ints at = to_ints(first + cell);
    real low = gather(l.tilt, at), high = gather(l.tilt + 1, at);
    return exp_clamped(latitude_share(cos_i) * (low + (t - cell) * (high - low)));
}

struct Rates {
    real a, p, a2, p2;      // first and second derivatives of the axis and of the perigee by time [km/s, km/s^2]
    real slope;             // of ln(density) at perigee [1/km]
};

// ln(density) at a height, and its slope [1/km]: linear between rows, the first and last cells continued outwards.
STM_FN real log_density_at(const Atmosphere& air, real first, real height_km, real* slope) {
    real t = (height_km - air.lowest_km) * air.per_km;
    // the order of arguments turns what is not a number into 0, so no lane reads outside the table
    real cell = smaller(larger(floored(t), splat(0.0)), splat(air.heights - 2.0));
    ints at = to_ints(first + cell);
    real low = gather(air.log_density, at), rise = gather(air.log_density + 1, at) - low;
    *slope = rise * air.per_km;
    return low + (t - cell) * rise;
}

struct Sums {
    real a, e, ar, ae, er, ee;      // integrals of da/dt and de/dt, and their derivatives by a and by e
};

// Add the point with cosine c of the eccentric anomaly in the lanes of `wanted`.
STM_FN void add_point(const Atmosphere& air, real first, real ground, real a, real e, real c, mask wanted, Sums* s) {
    real x = e * c, u = 1.0 - x, slope;
    real rho = exp_clamped(log_density_at(air, first, a * u - ground, &slope));
    real inverse = 1.0 / (u * (1.0 + x));                       // 1 / (1 - x^2)
    real w = sel(wanted, rho * ((1.0 + x) * root(inverse)), splat(0.0));
    real wa = w * (1.0 + x), we = w * c;
    real by_a = slope * u, by_e = -(a * slope);
    s->a = s->a + wa;
    s->e = s->e + we;
    s->ar = s->ar + wa * by_a;
    s->er = s->er + we * by_a;
    s->ae = s->ae + (wa * c) * (by_e + (2.0 - x) * inverse);
    s->ee = s->ee + (we * c) * (by_e + inverse);
}

// Drag on an orbit; `first` is the run's first index into the table, ground the radius of its height 0 [km], ballistic
// is C_d A/m exp(s T) [m^2/kg].
STM_FN Rates drag_rates(const Atmosphere& air, real first, real ground, real a, real e, real cos_i, real ballistic) {
    real perigee = a * (1.0 - e), slope;
    log_density_at(air, first, perigee - ground, &slope);
    real z = a * e * absolute(slope);
    mask few = z <= FEW_UP_TO_Z;
    real share = sel(few, splat(1.0 / FEW_POINTS), splat(1.0 / MANY_POINTS));
    real reach = smaller(GAUSSIAN_WIDTHS / root(z), splat(STM_PI));        // z = 0: infinity, thus pi
    real step = reach * share;
    // step is at most pi/4; cosines of the midpoints by recurrence: cos((k + 1) d) = 2 cos d cos(k d) - cos((k - 1) d)
    real half = 0.5 * step;
    real c = cos_quadrant(half * half), before = c, twice = 2.0 * cos_quadrant(step * step);
    Sums s = {splat(0.0), splat(0.0), splat(0.0), splat(0.0), splat(0.0), splat(0.0)};
    mask all = either(few, negate(few));
    for (int k = 0; k < FEW_POINTS; ++k) {
        add_point(air, first, ground, a, e, c, all, &s);
        real next = twice * c - before;
        before = c;
        c = next;
    }
    mask many = negate(few);
    if (any(many))
        for (int k = FEW_POINTS; k < MANY_POINTS; ++k) {
            add_point(air, first, ground, a, e, c, many, &s);
            real next = twice * c - before;
            before = c;
            c = next;
        }

    // 1e3: B in m^2/kg times rho in kg/m^3 is 1/m
    real inverse_a = 1.0 / a, one = 1.0 - e * e;
    real turn = 1.0 - air.omega_rad_s * perigee * cos_i * root(perigee / (EARTH_MU_KM3_S2 * (1.0 + e)));
    real scale = (ballistic * (-1e3 / STM_PI)) * (turn * turn) * step * root(EARTH_MU_KM3_S2 * a);
    real scale_e = scale * inverse_a * one;
    Rates r;
    r.a = scale * s.a;
    real rate_e = scale_e * s.e, growth = 0.5 * r.a * inverse_a;
    r.a2 = scale * (s.ar * r.a + s.ae * rate_e) + r.a * growth;
    real e2 = scale_e * (s.er * r.a + s.ee * rate_e) - rate_e * (growth + 2.0 * e * rate_e / one);
    r.p = r.a * (1.0 - e) - a * rate_e;
    r.p2 = r.a2 * (1.0 - e) - 2.0 * r.a * rate_e - a * e2;
    r.slope = slope;
    return r;
}

STM_FN real turned(real angle, real by) {
    real sum = angle + by;
    real left = sum - STM_TWO_PI * floored(sum * (1.0 / STM_TWO_PI));
    left = sel(left < 0.0, left + STM_TWO_PI, left);
    return sel(left < STM_TWO_PI, left, splat(0.0));
}

struct Orbit {
    real a, e, i, node, perigee, anomaly;
};

// Radiation pressure over dt_s, averaged over a revolution: with h = sqrt(1 - e^2) times the orbit's normal, the
// acceleration P = -nu P0 C_r A/m s (s the direction to the Sun) and k = 1.5 sqrt(a / mu),
//   d(e vector)/dt = k P x h,   dh/dt = k P x (e vector),   a stays
// (R. Allan, Q. J. Mech. Appl. Math. 15, 1962, without shadow), so h + e turns about P by the angle k |P| dt and h - e
// by its opposite; that keeps h^2 + e^2 = 1. The turn is that with half its angle's tangent (A. Cayley), short of the
// angle by a twelfth of its cube, at most 0.02 % for C_r A/m of 50 m^2/kg in a geostationary orbit and 5 days. nu is
// the part of a circular orbit of radius a outside the cylinder of the Earth's shadow (arc cosine to 7e-5: M.
// Abramowitz and I. Stegun 1964, 4.4.45). The frame's x axis is the node before. The place along the orbit stays.
STM_FN Orbit radiation(Orbit o, real reflecting, const real sun[3], real dt_s) {
    real sin_i, cos_i, sin_node, cos_node, sin_p, cos_p;
    sincos_of(o.i, &sin_i, &cos_i);
    sincos_of(o.node, &sin_node, &cos_node);
    sincos_of(o.perigee, &sin_p, &cos_p);
    real sx = cos_node * sun[0] + sin_node * sun[1], sy = cos_node * sun[1] - sin_node * sun[0], sun_z = sun[2];
    real above = cos_i * sun_z - sin_i * sy;                        // sine of the Sun's height over the orbit's plane
    real r = EARTH_RADIUS_KM / o.a;
    real edge = (1.0 - r * r) / larger(1.0 - above * above, splat(1e-9));
    real c = root(smaller(larger(edge, splat(0.0)), splat(1.0)));   // cosine of half the shadowed arc
    real half = root(1.0 - c) * (1.5707288 + c * (-0.2121144 + c * (0.0742610 - 0.0187293 * c)));
    real t = root(o.a * (1.0 / EARTH_MU_KM3_S2)) * reflecting * (1.0 - half * (1.0 / STM_PI)) *
             (-0.75e-3 * SOLAR_PRESSURE_N_M2) * dt_s;
    real share = 1.0 / (1.0 + t * t), sine = 2.0 * t * share, rest = 2.0 * (t * t) * share, cosine = 1.0 - rest;

    real h = root(1.0 - o.e * o.e);
    real ex = cos_p * o.e, ey = sin_p * o.e * cos_i, ez = sin_p * o.e * sin_i;
    real hy = -(h * sin_i), hz = h * cos_i;
    // v cos + (s x v) sin + s (s . v) (1 - cos) of v = h + e and, turned back, of v = h - e; half their sum and
    // difference
    real along_h = (hy * sy + hz * sun_z) * rest, along_e = (ex * sx + ey * sy + ez * sun_z) * rest;
    real new_hx = (ez * sy - ey * sun_z) * sine + along_h * sx;
    real new_hy = hy * cosine + (ex * sun_z - ez * sx) * sine + along_h * sy;
    real new_hz = hz * cosine + (ey * sx - ex * sy) * sine + along_h * sun_z;
    real new_ex = ex * cosine + (hz * sy - hy * sun_z) * sine + along_e * sx;
    real new_ey = ey * cosine - hz * sx * sine + along_e * sy;
    real new_ez = ez * cosine + hy * sx * sine + along_e * sun_z;

    Orbit out = o;
    real flat = new_hx * new_hx + new_hy * new_hy;
    real level = root(flat), size = root(flat + new_hz * new_hz);
    out.e = root(new_ex * new_ex + new_ey * new_ey + new_ez * new_ez);
    // the plane tilts by little: arc sine by its series
    real tilt = (level * cos_i - new_hz * sin_i) / size;
    out.i = larger(o.i + tilt * (1.0 + (tilt * tilt) * (1.0 / 6)), splat(0.0));
    // an equatorial orbit keeps its node; e vector along the node and across it in the plane
    mask plane = level > 0.0;
    real node_x = sel(plane, -new_hy, splat(1.0)), node_y = sel(plane, new_hx, splat(0.0));
    real node_moved = atan2_of(node_y, node_x);
    real to_node = new_ex * node_x + new_ey * node_y;
    real to_top = (new_hx * node_y - new_hy * node_x) * new_ez + new_hz * (node_x * new_ey - node_y * new_ex);
    out.node = o.node + node_moved;
    out.perigee = atan2_of(to_top, to_node * size);
    out.anomaly = o.anomaly - (out.perigee - o.perigee) - cos_i * node_moved;
    return out;
}
