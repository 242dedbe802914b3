// census.cu: how many objects, how much mass and how much cross-section there is in every shell of altitude, by groups of
// objects (classes, sizes or bins of inclination). No spills.
//
// An object spends the share [M(r2) - M(r1)] / pi of its period between two radii r1 < r2, M = E - e sin E and
// cos E = (1 - r/a) / e by Kepler's equation; that share of it is counted there. Sums are whole numbers of small units,
// so that neither the order of slots nor the number of threads changes them.
#include "orbit_table.h"
#include "shells.h"

#define CENSUS_SUMS 3LL                     // of a shell: number, mass, area

STM_FN void count(i64* sums, ints place, real number, real mass, real area, mask there) {
    add_i64(sums, place, to_ints(nearest(number)), there);
    add_i64(sums, place + 1LL, to_ints(nearest(mass)), there);
    add_i64(sums, place + 2LL, to_ints(nearest(area)), there);
}

STM_KERNEL census_shells(
    i64 n,                               // slots, a multiple of 16
    i64 objects,                         // slots in use
    i64 capacity,                        // slots of the orbit table
    i64 runs,                            // runs side by side in the slots
    i64 classes,                         // groups of objects, at most 127
    i64 shells,                          // shells of altitude
    double lowest_km,                    // radius of the lowest edge
    double thickness_km,                 // of a shell
    double units,                        // parts of an object: what is counted in whole numbers
    double mass_units,                   // parts of a kilogram
    double area_units,                   // parts of a square metre
    const double* STM_RESTRICT orbit,    // [ORBIT_ROWS][capacity] mean elements, see orbit_table.h
    const i32* STM_RESTRICT run,         // [capacity] run of the object
    const i8* STM_RESTRICT mode,         // [capacity] MODE_ of orbit_table.h
    const i8* STM_RESTRICT kind,         // [n] group of the object
    const double* STM_RESTRICT mass_kg,  // [n] its mass
    i64* STM_RESTRICT sums)              // [runs][classes][shells + 1][CENSUS_SUMS]; the last shell: all
{
    (void)runs;
    STM_PARALLEL(i, n, STM_LANES) {
        mask present = both(load_i8(mode + i) != (double)MODE_ABSENT, lane_ids() + i < objects);
        if (!any(present)) continue;
        const double* o = orbit + i;
        real a = load(o + ORBIT_A_KM * capacity), e = load(o + ORBIT_ECC * capacity);
        real radius = load(o + ORBIT_RADIUS_KM * capacity);
        real weight = load(o + ORBIT_WEIGHT * capacity);
        real number = weight * units, mass = (weight * load(mass_kg + i)) * mass_units;
        real area = (weight * (radius * radius)) * (STM_PI * 1e6 * area_units);
        ints own = seli(present, load_i32(run + i) * classes + to_ints(load_i8(kind + i)), splat_i64(0));
        ints place = own * ((shells + 1) * CENSUS_SUMS);
        count(sums, place + shells * CENSUS_SUMS, number, mass, area, present);

        const double last = (double)shells - 1.0;
        mask eccentric = e > CIRCULAR;
        real from = floored((a * (1.0 - e) - lowest_km) * (1.0 / thickness_km));
        real to = floored((a * (1.0 + e) - lowest_km) * (1.0 / thickness_km));
        real k = larger(from, splat(0.0));
        real before = sel(from < 0.0, share_below(splat(lowest_km), a, e, eccentric), splat(0.0));
        mask crossing = both(present, both(to >= 0.0, k <= smaller(to, splat(last))));
        while (any(crossing)) {
            real after = sel(k < to, share_below(lowest_km + (k + 1.0) * thickness_km, a, e, eccentric), splat(1.0));
            real share = after - before;
            ints here = place + to_ints(sel(crossing, k, splat(0.0))) * CENSUS_SUMS;
            count(sums, here, number * share, mass * share, area * share, crossing);
            before = after;
            k = k + 1.0;
            crossing = both(crossing, k <= smaller(to, splat(last)));
        }
    }
}
