// sgp4.cu: kernels of the near-earth model SGP4 and of the constants that both models share.
// Theory and sources: include/sgp4.h, sgp4_init.h, sgp4_near.h. One lane is one object (init), one object-time (grid,
// list). Tables are [row][object], so that neighbouring lanes read neighbouring words. No spills.
#include "wide.h"
#include "sgp4_near.h"

// Element sets to constants; every column belongs to one object, in any order.
STM_KERNEL sgp4_init(
    i64 n_pad,                            // objects, a multiple of 16
    const double* STM_RESTRICT elements,  // [EL_ROWS][n_pad] EL_ rows of sgp4.h: rad, rad/min, days, min
    double* STM_RESTRICT constants)       // [C_ROWS][n_pad] C_ rows of sgp4.h; C_CLASS tells the model
{
    STM_PARALLEL(col, n_pad, STM_LANES) write_constants(elements, constants, n_pad, col);
}

// States of the objects in columns [0, cols) at all times, and of columns up to the next multiple of STM_LANES.
STM_KERNEL sgp4_grid(
    i64 n_pad,                             // columns of all tables, a multiple of 16
    i64 cols,                              // near-earth objects stand in the first cols columns
    i64 times,                             // number of times
    i64 chunk,                             // times that one lane does, so that it reads its constants once
    const double* STM_RESTRICT constants,  // [C_ROWS][n_pad] from sgp4_init
    const double* STM_RESTRICT t_s,        // [times] seconds after the propagator's midnight
    double* STM_RESTRICT states,           // [times][6][n_pad] x y z [km] vx vy vz [km/s], TEME
    i8* STM_RESTRICT code)                 // [times][n_pad] 0 or an error code
{
    STM_ROWS(row, (times + chunk - 1) / chunk, first, cols, SGP4_BLOCK) {
        // the block's constants, one vector of objects after the other, stay in the nearest cache for all its times
        double own[C_ROWS * SGP4_BLOCK];
        i64 vectors = ((first + SGP4_BLOCK < cols ? SGP4_BLOCK : cols - first) + STM_LANES - 1) / STM_LANES;
        if (SGP4_BLOCK == STM_LANES) vectors = 1;   // known to the compiler: a GPU keeps the constants in registers
        for (i64 v = 0; v < vectors; ++v)
            copy_constants(constants, n_pad, first + v * STM_LANES, own + v * C_ROWS * STM_LANES);
        i64 last = (row + 1) * chunk < times ? (row + 1) * chunk : times;
        double days_min = -1.0;   // no midnight
        for (i64 k = row * chunk; k < last; ++k) {
            const Instant at = instant_of(t_s[k]);
            if (at.days_min != days_min) {
                days_min = at.days_min;
                for (i64 v = 0; v < vectors; ++v)
                    store(own + (v * C_ROWS + C_OFFSET) * STM_LANES,
                          minutes_to_day(constants, n_pad, first + v * STM_LANES, splat(days_min)));
            }
            for (i64 v = 0; v < vectors; ++v) {
                Constants c = read_constants(own + v * C_ROWS * STM_LANES, STM_LANES, 0);
                i64 col = first + v * STM_LANES;
                ints found;
                State s = near_state(c, c.offset + at.rest_min, &found);
                store_state(states + k * 6 * n_pad + col, n_pad, s);
                store_i8(code + k * n_pad + col, found);
            }
        }
    }
}

// States of a list of (object, time) entries. Entry q does slots[q]; a slot may stand there twice (padding).
STM_KERNEL sgp4_list(
    i64 n_pad,                             // columns of the constants
    i64 m,                                 // entries of the whole list
    i64 entries,                           // entries done by this launch, a multiple of 16
    const double* STM_RESTRICT constants,  // [C_ROWS][n_pad] from sgp4_init
    const i64* STM_RESTRICT slots,         // [entries] positions in the list
    const i32* STM_RESTRICT object,        // [m] column of each entry
    const double* STM_RESTRICT t_s,        // [m] seconds after the propagator's midnight
    double* STM_RESTRICT states,           // [6][m] km, km/s, TEME
    i8* STM_RESTRICT code)                 // [m] 0 or an error code
{
    STM_PARALLEL(q, entries, STM_LANES) {
        double own[C_ROWS * STM_LANES], own_days[STM_LANES], own_rest[STM_LANES], own_state[6 * STM_LANES];
        i8 own_code[STM_LANES];
        for (int k = 0; k < STM_LANES; ++k) {
            i64 slot = slots[q + k];
            const Instant at = instant_of(t_s[slot]);
            own_days[k] = at.days_min;
            own_rest[k] = at.rest_min;
            for (int row = 0; row < C_ROWS; ++row) own[row * STM_LANES + k] = constants[row * n_pad + object[slot]];
        }
        Constants c = read_constants(own, STM_LANES, 0);
        ints found;
        State s = near_state(c, minutes_to_day(own, STM_LANES, 0, load(own_days)) + load(own_rest), &found);
        store_state(own_state, STM_LANES, s);
        store_i8(own_code, found);
        for (int k = 0; k < STM_LANES; ++k) {
            i64 slot = slots[q + k];
            for (int axis = 0; axis < 6; ++axis) states[axis * m + slot] = own_state[axis * STM_LANES + k];
            code[slot] = own_code[k];
        }
    }
}
