// secular.cu: mean elements of all objects over one step of days: J2, drag, radiation pressure. The equations stand in
// include/secular.h.
//
// Drag: while any time of the step is left, one evaluation gives the first and second derivatives of axis and perigee,
// and the axis
//   a(t + h) = a + h a' + h^2 a'' (1/2 + q/3 + q^2/4),   q = h a'' / a',
// the perigee likewise with the same q. The terms in q continue the series -ln(1 - q) / q of a circular orbit that
// sinks through an exponential atmosphere. h is what is left, but at most that in which the density at perigee, a' or a
// change by the share LARGEST_Q, lane by lane: one evaluation for an object that has more than ten steps to live. Where
// q would be DOOMED_Q over all that is left, the object does not see the end of it: scale heights shrink downwards, so
// it lives no longer than a'/a''. Lifetimes with steps of 2.5, 5 and 10 days agree to 0.3 % from a month on, to 0.05 %
// from a year on. An orbit above the table's last row has no drag; one that reaches over it from below meets the last
// slope continued.
//
// Node, perigee and anomaly turn at the rates of the step's mean a and e: half before the radiation pressure's kick,
// half after it. Light objects are kicked `kicks` times a step, so that their perigees turn and the Sun moves on between
// one kick and the next.
//
// Lanes know nothing of their neighbours: `any` only skips what no lane of a vector needs. On a CPU the few objects
// that need further steps are packed into vectors of their own, wherever they stand in a block. Sums keep their order.
// Left out: luni-solar attraction, higher zonals, resonances with the Earth's rotation. No spills.
#include "wide.h"
#include "orbit_table.h"
#include "secular.h"

#define LARGEST_Q 0.1
#define DOOMED_Q 2.0
#define MOST_STEPS 64

// Objects that one lane's turn does: on a CPU enough of them that those with further steps fill vectors.
#ifdef STM_SCALAR
#define SECULAR_BLOCK 1
#else
#define SECULAR_BLOCK 128
#endif

// An orbit on its way down: what changes, then what stays.
struct Descent {
    real a, e, left_s, mean_a, mean_e;
    real first, cos_i, ballistic, ground;
};
#define DESCENT_ROWS 9

// One step of the lanes with time left. Where an object falls, or is doomed and keeps its orbit, what is left turns
// negative.
STM_FN void sink(const Atmosphere& air, double dt_s, double grave_km, Descent* d) {
    mask waiting = d->left_s > 0.0;
    Rates r = drag_rates(air, d->first, d->ground, d->a, d->e, d->cos_i, d->ballistic);
    real bend = sel(r.a < 0.0, r.a2 / r.a, splat(0.0));
    mask doomed = both(waiting, bend * d->left_s > DOOMED_Q), moving = both(waiting, negate(doomed));
    real haste = larger(absolute(bend), absolute(r.slope * r.p)) - r.a / d->a;
    real h = smaller(d->left_s, LARGEST_Q / haste), q = bend * h;               // nothing moves: infinity
    real curve = (h * h) * (0.5 + q * (1.0 / 3 + q * 0.25));
    real a = d->a + (h * r.a + curve * r.a2);
    real perigee = smaller(d->a * (1.0 - d->e) + (h * r.p + curve * r.p2), a);
    real e = (a - perigee) / a;
    real part = h * (0.5 / dt_s);
    d->mean_a = sel(moving, d->mean_a + part * (d->a + a), d->mean_a);
    d->mean_e = sel(moving, d->mean_e + part * (d->e + e), d->mean_e);
    d->a = sel(moving, a, d->a);
    d->e = sel(moving, e, d->e);
    real left = sel(doomed, d->left_s, d->left_s - h);
    mask ended = either(doomed, both(moving, perigee < grave_km));
    left = sel(ended, -larger(left, splat(1.0)), left);        // at least a second, so that the sign is seen
    d->left_s = sel(waiting, left, d->left_s);
}

STM_FN void put(double* own, i64 at, const Descent& d) {
    store(own + at, d.a);
    store(own + SECULAR_BLOCK + at, d.e);
    store(own + 2 * SECULAR_BLOCK + at, d.left_s);
    store(own + 3 * SECULAR_BLOCK + at, d.mean_a);
    store(own + 4 * SECULAR_BLOCK + at, d.mean_e);
    store(own + 5 * SECULAR_BLOCK + at, d.first);
    store(own + 6 * SECULAR_BLOCK + at, d.cos_i);
    store(own + 7 * SECULAR_BLOCK + at, d.ballistic);
    store(own + 8 * SECULAR_BLOCK + at, d.ground);
}

STM_FN Descent take(const double* own, i64 at) {
    return {load(own + at), load(own + SECULAR_BLOCK + at), load(own + 2 * SECULAR_BLOCK + at),
            load(own + 3 * SECULAR_BLOCK + at), load(own + 4 * SECULAR_BLOCK + at),
            load(own + 5 * SECULAR_BLOCK + at), load(own + 6 * SECULAR_BLOCK + at),
            load(own + 7 * SECULAR_BLOCK + at), load(own + 8 * SECULAR_BLOCK + at)};
}

#ifdef STM_SCALAR
STM_FN void sink_all(const Atmosphere& air, double dt_s, double grave_km, i64 objects, double* own) {
    (void)objects;
    Descent d = take(own, 0);
    for (int count = 0; d.left_s > 0.0 && count < MOST_STEPS; ++count) sink(air, dt_s, grave_km, &d);
    put(own, 0, d);
}
#else
// Every object's first step in place; then those that have time left, packed, until none has.
STM_FN void sink_all(const Atmosphere& air, double dt_s, double grave_km, i64 objects, double* own) {
    i64 list[SECULAR_BLOCK + STM_LANES], listed = 0;
    for (i64 v = 0; v < objects; v += STM_LANES) {
        Descent d = take(own, v);
        if (!any(d.left_s > 0.0)) continue;
        sink(air, dt_s, grave_km, &d);
        put(own, v, d);
        for (i64 k = v; k < v + STM_LANES; ++k)
            if (own[2 * SECULAR_BLOCK + k] > 0.0) list[listed++] = k;
    }
    for (int count = 1; listed && count < MOST_STEPS; ++count) {
        // the same object twice is harmless
        for (i64 k = 0; k < STM_LANES; ++k) list[listed + k] = list[listed - 1];
        i64 still = 0;
        for (i64 j = 0; j < listed; j += STM_LANES) {
            double packed[DESCENT_ROWS * SECULAR_BLOCK];
            for (int row = 0; row < DESCENT_ROWS; ++row)
                for (int k = 0; k < STM_LANES; ++k)
                    packed[row * SECULAR_BLOCK + k] = own[row * SECULAR_BLOCK + list[j + k]];
            Descent d = take(packed, 0);
            sink(air, dt_s, grave_km, &d);
            put(packed, 0, d);
            for (int row = 0; row < 5; ++row)
                for (int k = 0; k < STM_LANES; ++k)
                    own[row * SECULAR_BLOCK + list[j + k]] = packed[row * SECULAR_BLOCK + k];
            for (i64 k = j; k < j + STM_LANES && k < listed; ++k)
                if (own[2 * SECULAR_BLOCK + list[k]] > 0.0) list[still++] = list[k];
        }
        listed = still;
    }
}
#endif

// One step of all objects; `gone` is written for all of them.
STM_KERNEL secular_step(
    i64 n,                                   // slots in use, a multiple of 16
    i64 stride,                              // capacity
    i64 runs,                                // runs side by side
    i64 heights,                             // rows of a run's density
    i64 tilts,                               // rows of a run's change with latitude
    i64 kicks,                               // kicks of radiation pressure a step for light objects
    double dt_s,                             // step
    double decay_km,                         // perigee altitude below which an object is gone
    double omega_rad_s,                      // rotation of the atmosphere
    double lowest_km,                        // height of the first row
    double spacing_km,                       // from row to row
    double tilt_spacing_km,                  // from row to row of the change with latitude, the first at lowest_km
    double bulge_km,                         // equatorial less polar radius
    double lift_km2,                         // 3/4 J2 R^2
    double pushed_from_m2_kg,                // C_r A/m up to which there is no radiation pressure
    double light_from_m2_kg,                 // C_r A/m above which an object is kicked `kicks` times
    const double* STM_RESTRICT sun,          // [kicks + 1][3] to the Sun, frame of the elements: mid-step, mid-kick
    const double* STM_RESTRICT log_density,  // [runs][heights] ln(kg/m^3)
    const double* STM_RESTRICT tilt,         // [runs][tilts] change of ln(density) with latitude, T of secular.h
    const i32* STM_RESTRICT run,             // [stride] run of each object
    const i8* STM_RESTRICT mode,             // [stride] MODE_ of orbit_table.h
    double* STM_RESTRICT orbit,              // [ORBIT_ROWS][stride] orbit_table.h; the last two are not read
    i8* STM_RESTRICT gone)                   // [stride] 1 where the perigee fell below decay_km
{
    (void)runs;
    Atmosphere air = {log_density, (double)heights, lowest_km, 1.0 / spacing_km, omega_rad_s};
    Latitudes latitudes = {tilt, (double)tilts, lowest_km, 1.0 / tilt_spacing_km, bulge_km, lift_km2};
    double top_km = lowest_km + (double)(heights - 1) * spacing_km;
    double grave_km = EARTH_RADIUS_KM + decay_km;
    STM_PARALLEL(begin, n, SECULAR_BLOCK) {
        i64 objects = n - begin < SECULAR_BLOCK ? n - begin : SECULAR_BLOCK;
        if (SECULAR_BLOCK == 1) objects = 1;        // known to the compiler: a GPU then keeps the block in registers
        double own[DESCENT_ROWS * SECULAR_BLOCK];
        for (i64 v = 0; v < objects; v += STM_LANES) {
            const double* p = orbit + begin + v;
            double runs_of[STM_LANES];
            for (int k = 0; k < STM_LANES; ++k) runs_of[k] = (double)run[begin + v + k];
            real a = load(p + ORBIT_A_KM * stride), e = load(p + ORBIT_ECC * stride), sin_i, cos_i;
            sincos_of(load(p + ORBIT_INC * stride), &sin_i, &cos_i);
            real ground = ground_of(latitudes, a, cos_i), perigee_km = a * (1.0 - e) - ground;
            mask dragged = both(load_i8(mode + begin + v) == (double)MODE_FREE, perigee_km < top_km);
            real owner = sel(dragged, load(runs_of), splat(0.0));
            real factor = tilted(latitudes, owner * (double)tilts, perigee_km, cos_i);
            Descent d = {a, e, sel(dragged, splat(dt_s), splat(0.0)), sel(dragged, splat(0.0), a),
                         sel(dragged, splat(0.0), e), owner * (double)heights, cos_i,
                         load(p + ORBIT_BALLISTIC * stride) * factor, ground};
            put(own, v, d);
        }
        sink_all(air, dt_s, grave_km, objects, own);
        for (i64 v = 0; v < objects; v += STM_LANES) {
            double* p = orbit + begin + v;
            real kind = load_i8(mode + begin + v);
            mask free = kind == (double)MODE_FREE, present = kind != (double)MODE_ABSENT;
            Descent d = take(own, v);
            real rest = absolute(d.left_s) * (1.0 / dt_s);          // not zero where the end came early
            Turning t = j2_rates(d.mean_a + rest * d.a, d.mean_e + rest * d.e, d.cos_i);
            real reflecting = load(p + ORBIT_SRP * stride);
            mask pushed = both(free, reflecting > pushed_from_m2_kg), light = both(pushed, reflecting > light_from_m2_kg);
            real part = sel(light, splat(dt_s / (double)kicks), splat(dt_s)), span = sel(pushed, 0.5 * part, part);
            Orbit o = {d.a, d.e, load(p + ORBIT_INC * stride), turned(load(p + ORBIT_RAAN * stride), t.node * span),
                       turned(load(p + ORBIT_ARGP * stride), t.perigee * span),
                       turned(load(p + ORBIT_MEAN * stride), t.anomaly * span)};
            for (i64 kick = 0; kick < kicks && any(pushed); ++kick) {
                const double* of_kick = sun + 3 * (kick + 1);
                real to_sun[3];
                for (int k = 0; k < 3; ++k) to_sun[k] = sel(light, splat(of_kick[k]), splat(sun[k]));
                Orbit kicked = radiation(o, reflecting, to_sun, part);
                span = 0.5 * part;
                if (kick + 1 < kicks) span = sel(light, part, span);        // up to the middle of the next part
                o.e = sel(pushed, kicked.e, o.e);
                o.i = sel(pushed, kicked.i, o.i);
                o.node = sel(pushed, turned(kicked.node, t.node * span), o.node);
                o.perigee = sel(pushed, turned(kicked.perigee, t.perigee * span), o.perigee);
                o.anomaly = sel(pushed, turned(kicked.anomaly, t.anomaly * span), o.anomaly);
                pushed = light;                     // the others have had theirs
            }
            mask low = both(present, either(o.a * (1.0 - o.e) < grave_km, d.left_s != 0.0));
            ints zero = bits(splat(0.0));
            store_i8(gone + begin + v, seli(low, zero + 1, zero));
            store(p + ORBIT_A_KM * stride, sel(present, o.a, load(p + ORBIT_A_KM * stride)));
            store(p + ORBIT_ECC * stride, sel(present, o.e, load(p + ORBIT_ECC * stride)));
            store(p + ORBIT_INC * stride, sel(present, o.i, load(p + ORBIT_INC * stride)));
            store(p + ORBIT_RAAN * stride, sel(present, o.node, load(p + ORBIT_RAAN * stride)));
            store(p + ORBIT_ARGP * stride, sel(present, o.perigee, load(p + ORBIT_ARGP * stride)));
            store(p + ORBIT_MEAN * stride, sel(present, o.anomaly, load(p + ORBIT_MEAN * stride)));
        }
    }
}
