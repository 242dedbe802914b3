// census.cu: how many objects, how much mass and how much cross-section there is in every shell of altitude. No spills.
//
// An object spends the share [M(r2) - M(r1)] / pi of its period between two radii r1 < r2, M = E - e sin E and
// cos E = (1 - r/a) / e by Kepler's equation; that share of it is counted there. Sums are whole numbers of small units,
// so that neither the order of slots nor the number of threads changes them.
#include "mathx.h"

#define ABSENT 2.0
#define CIRCULAR 1e-9               // orbits of smaller eccentricity are circles

#define SUMS 3LL                     // of a shell: number, mass, area

// Rows of the orbit table, stmgpu/propagate/secular.py.
enum { A_KM, ECC, RADIUS_KM = 8, WEIGHT };

// Share of half a revolution, from the perigee up, that lies below a radius.
FN real passed(real radius, real a, real e, mask eccentric) {
    real cosine = smaller(larger((1.0 - radius / a) / sel(eccentric, e, splat(1.0)), splat(-1.0)), splat(1.0));
    real sine = root(1.0 - cosine * cosine);
    real share = (atan2_of(sine, cosine) - e * sine) * (1.0 / STM_PI);
    return sel(eccentric, share, sel(radius > a, splat(1.0), splat(0.0)));
}

FN void count(i64* sums, ints place, real number, real mass, real area, mask there) {
    add_i64(sums, place, to_ints(nearest(number)), there);
    add_i64(sums, place + 1LL, to_ints(nearest(mass)), there);
    add_i64(sums, place + 2LL, to_ints(nearest(area)), there);
}

KERNEL census_shells(
    i64 n,                               // slots, a multiple of 16
    i64 objects,                         // slots in use
    i64 capacity,                        // slots of the orbit table
    i64 runs,                            // runs side by side in the slots
    i64 classes,                         // classes of objects
    i64 shells,                          // shells of altitude
    double lowest_km,                    // radius of the lowest edge
    double thickness_km,                 // of a shell
    double units,                        // parts of an object: what is counted in whole numbers
    double mass_units,                   // parts of a kilogram
    double area_units,                   // parts of a square metre
    const double* RESTRICT orbit,        // [10][capacity] mean elements, see stmgpu/propagate/secular.py
    const i32* RESTRICT run,             // [capacity] run of the object
    const i8* RESTRICT mode,             // [capacity] 2 where there is no object
    const i8* RESTRICT kind,             // [n] class of the object
    const double* RESTRICT mass_kg,      // [n] its mass
    i64* RESTRICT sums)                  // [runs][classes][shells + 1][3] number, mass, area; the last shell holds all
{
    (void)runs;
    PARALLEL(i, n, LANES) {
        mask present = both(load_i8(mode + i) != ABSENT, lane_ids() + i < objects);
        if (!any(present)) continue;
        const double* o = orbit + i;
        real a = load(o + A_KM * capacity), e = load(o + ECC * capacity), radius = load(o + RADIUS_KM * capacity);
        real weight = load(o + WEIGHT * capacity);
        real number = weight * units, mass = (weight * load(mass_kg + i)) * mass_units;
        real area = (weight * (radius * radius)) * (STM_PI * 1e6 * area_units);
        ints own = seli(present, load_i32(run + i) * classes + to_ints(load_i8(kind + i)), splat_i64(0));
        ints place = own * ((shells + 1) * SUMS);
        count(sums, place + shells * SUMS, number, mass, area, present);

        const double last = (double)shells - 1.0;
        mask eccentric = e > CIRCULAR;
        real from = floored((a * (1.0 - e) - lowest_km) * (1.0 / thickness_km));
        real to = floored((a * (1.0 + e) - lowest_km) * (1.0 / thickness_km));
        real k = larger(from, splat(0.0));
        real before = sel(from < 0.0, passed(splat(lowest_km), a, e, eccentric), splat(0.0));
        mask crossing = both(present, both(to >= 0.0, k <= smaller(to, splat(last))));
        while (any(crossing)) {
            real after = sel(k < to, passed(lowest_km + (k + 1.0) * thickness_km, a, e, eccentric), splat(1.0));
            real share = after - before;
            ints here = place + to_ints(sel(crossing, k, splat(0.0))) * SUMS;
            count(sums, here, number * share, mass * share, area * share, crossing);
            before = after;
            k = k + 1.0;
            crossing = both(crossing, k <= smaller(to, splat(last)));
        }
    }
}
