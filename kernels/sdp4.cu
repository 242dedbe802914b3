// sdp4.cu: kernels of the deep-space model SDP4. Theory and sources: include/sdp4.h, sdp4_init.h.
// Deep-space objects stand behind the near-earth ones, resonant ones last. The deep-space and the resonance table cover
// the last columns of the constants table; both begin at a multiple of 16, so that a vector never straddles an edge.
// No spills.
#include "wide.h"
#include "sdp4_init.h"

// Element sets and constants to the deep-space table.
STM_KERNEL sdp4_init(
    i64 n_pad,                             // columns of elements and constants, a multiple of 16
    i64 deep_from,                         // column that is the deep table's first
    i64 width,                             // n_pad - deep_from
    double first_min,                      // earliest time that will be asked for [min after the propagator's midnight]
    const double* STM_RESTRICT elements,   // [EL_ROWS][n_pad] EL_ rows of sgp4.h
    const double* STM_RESTRICT constants,  // [C_ROWS][n_pad] from sgp4_init
    double* STM_RESTRICT deep)             // [D_ROWS][width] D_ rows of sdp4.h
{
    STM_PARALLEL(place, width, STM_LANES)
        write_deep(elements, constants, n_pad, deep_from + place, first_min, deep, width, place);
}

// The resonance integrator's knots for the time span.
STM_KERNEL sdp4_knots(
    i64 n_pad,                             // columns of the constants
    i64 width,                             // columns of the deep table, the last ones of the constants table
    i64 knot_count,                        // knots of each object
    i64 knot_cols,                         // columns of the resonance table, the last ones of the constants table
    const double* STM_RESTRICT constants,  // [C_ROWS][n_pad] from sgp4_init
    const double* STM_RESTRICT deep,       // [D_ROWS][width] from sdp4_init
    double* STM_RESTRICT knots)            // [knot_count][K_ROWS][knot_cols] K_ rows of sdp4.h
{
    STM_PARALLEL(k, knot_cols, STM_LANES)
        write_knots(constants, n_pad, n_pad - knot_cols + k, deep, width, width - knot_cols + k, knots, knot_count,
                    knot_cols, k);
}

// States of the objects in columns [deep_first, n_pad) at all times; other columns are left alone.
STM_KERNEL sdp4_grid(
    i64 n_pad,                             // columns of states and constants, a multiple of 16
    i64 deep_first,                        // first deep-space object
    i64 deep_from,                         // column that is the deep table's first
    i64 width,                             // n_pad - deep_from
    i64 knot_count,                        // knots of each object
    i64 knot_cols,                         // columns of the resonance table, the last ones of the constants table
    i64 afspc,                             // 1 for operation mode 'a'
    i64 times,                             // number of times
    i64 chunk,                             // times that one lane does, so that it reads its constants once
    const double* STM_RESTRICT constants,  // [C_ROWS][n_pad] from sgp4_init
    const double* STM_RESTRICT deep,       // [D_ROWS][width] from sdp4_init
    const double* STM_RESTRICT knots,      // [knot_count][K_ROWS][knot_cols] from sdp4_knots
    const double* STM_RESTRICT t_s,        // [times] seconds after the propagator's midnight
    double* STM_RESTRICT states,           // [times][6][n_pad] x y z [km] vx vy vz [km/s], TEME
    i8* STM_RESTRICT code)                 // [times][n_pad] 0 or an error code
{
    i64 start = deep_first & ~(i64)(STM_LANES - 1);
    STM_ROWS(row, (times + chunk - 1) / chunk, q, n_pad - start, STM_LANES) {
        i64 col = start + q;
        Constants c = read_constants(constants, n_pad, col);
        real kind = load(constants + C_CLASS * n_pad + col);
        ints knot_col = lane_ids() + (col - (n_pad - knot_cols));
        i64 last = (row + 1) * chunk < times ? (row + 1) * chunk : times;
        for (i64 k = row * chunk; k < last; ++k) {
            const Instant at = instant_of(t_s[k]);
            real t_min = minutes_to_day(constants, n_pad, col, splat(at.days_min)) + at.rest_min;
            ints found;
            State s = deep_state(c, kind, deep, width, col - deep_from, knots, knot_count, knot_cols, knot_col,
                                 afspc != 0, t_min, &found);
            double* to = states + k * 6 * n_pad + col;
#if STM_LANES > 1
            if (col < deep_first) {
                // the vector in which both models meet: the near-earth lanes have been written already
                double own[6 * STM_LANES];
                i8 own_code[STM_LANES];
                store_state(own, STM_LANES, s);
                store_i8(own_code, found);
                for (i64 j = deep_first - col; j < STM_LANES; ++j) {
                    for (int axis = 0; axis < 6; ++axis) to[axis * n_pad + j] = own[axis * STM_LANES + j];
                    code[k * n_pad + col + j] = own_code[j];
                }
                continue;
            }
#endif
            store_state(to, n_pad, s);
            store_i8(code + k * n_pad + col, found);
        }
    }
}

// States of a list of (object, time) entries. Entry q does slots[q]; a slot may stand there twice (padding).
STM_KERNEL sdp4_list(
    i64 n_pad,                             // columns of the constants
    i64 deep_from,                         // column that is the deep table's first
    i64 width,                             // n_pad - deep_from
    i64 knot_count,                        // knots of each object
    i64 knot_cols,                         // columns of the resonance table, the last ones of the constants table
    i64 afspc,                             // 1 for operation mode 'a'
    i64 m,                                 // entries of the whole list
    i64 entries,                           // entries done by this launch, a multiple of 16
    const double* STM_RESTRICT constants,  // [C_ROWS][n_pad] from sgp4_init
    const double* STM_RESTRICT deep,       // [D_ROWS][width] from sdp4_init
    const double* STM_RESTRICT knots,      // [knot_count][K_ROWS][knot_cols] from sdp4_knots
    const i64* STM_RESTRICT slots,         // [entries] positions in the list
    const i32* STM_RESTRICT object,        // [m] column of each entry
    const double* STM_RESTRICT t_s,        // [m] seconds after the propagator's midnight
    double* STM_RESTRICT states,           // [6][m] km, km/s, TEME
    i8* STM_RESTRICT code)                 // [m] 0 or an error code
{
    STM_PARALLEL(q, entries, STM_LANES) {
        double own[C_ROWS * STM_LANES], own_deep[D_ROWS * STM_LANES], own_days[STM_LANES], own_rest[STM_LANES];
        double own_col[STM_LANES], own_state[6 * STM_LANES];
        i8 own_code[STM_LANES];
        for (int k = 0; k < STM_LANES; ++k) {
            i64 slot = slots[q + k], col = object[slot];
            const Instant at = instant_of(t_s[slot]);
            own_days[k] = at.days_min;
            own_rest[k] = at.rest_min;
            own_col[k] = (double)(col - (n_pad - knot_cols));
            for (int row = 0; row < C_ROWS; ++row) own[row * STM_LANES + k] = constants[row * n_pad + col];
            for (int row = 0; row < D_ROWS; ++row) own_deep[row * STM_LANES + k] = deep[row * width + col - deep_from];
        }
        Constants c = read_constants(own, STM_LANES, 0);
        ints found;
        State s = deep_state(c, load(own + C_CLASS * STM_LANES), own_deep, STM_LANES, 0, knots, knot_count, knot_cols,
                             to_ints(load(own_col)), afspc != 0,
                             minutes_to_day(own, STM_LANES, 0, load(own_days)) + load(own_rest), &found);
        store_state(own_state, STM_LANES, s);
        store_i8(own_code, found);
        for (int k = 0; k < STM_LANES; ++k) {
            i64 slot = slots[q + k];
            for (int axis = 0; axis < 6; ++axis) states[axis * m + slot] = own_state[axis * STM_LANES + k];
            code[slot] = own_code[k];
        }
    }
}
