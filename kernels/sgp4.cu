// sgp4.cu: kernels of the near-earth model SGP4 and of the constants that both models share.
// Theory and sources: include/sgp4.h, sgp4_init.h, sgp4_near.h. One lane is one object (init), one object-time (grid,
// list). Tables are [row][object], so that neighbouring lanes read neighbouring words. No spills.
#include "wide.h"
#include "sgp4_near.h"

// Element sets to constants; every column belongs to one object, in any order.
KERNEL sgp4_init(
    i64 n_pad,                              // objects, a multiple of 16
    const double* RESTRICT elements,        // [11][n_pad] EL_ rows of sgp4.h: rad, rad/min, days, min
    double* RESTRICT constants)             // [35][n_pad] C_ rows of sgp4.h; C_CLASS tells the model
{
    PARALLEL(col, n_pad, LANES) write_constants(elements, constants, n_pad, col);
}

// States of the objects in columns [0, cols) at all times; columns up to the next multiple of LANES are written too.
KERNEL sgp4_grid(
    i64 n_pad,                              // columns of all tables, a multiple of 16
    i64 cols,                               // near-earth objects stand in the first cols columns
    i64 times,                              // number of times
    i64 chunk,                              // times that one lane does, so that it reads its constants once
    const double* RESTRICT constants,       // [35][n_pad] from sgp4_init
    const double* RESTRICT t_s,             // [times] seconds after the propagator's start
    double* RESTRICT states,                // [times][6][n_pad] x y z [km] vx vy vz [km/s], TEME
    i8* RESTRICT code)                      // [times][n_pad] 0 or an error code
{
    ROWS(row, (times + chunk - 1) / chunk, first, cols, GRID_BLOCK) {
        // the block's constants, one vector of objects after the other, stay in the nearest cache for all its times
        double own[C_ROWS * GRID_BLOCK];
        i64 vectors = ((first + GRID_BLOCK < cols ? GRID_BLOCK : cols - first) + LANES - 1) / LANES;
        if (GRID_BLOCK == LANES) vectors = 1;   // known to the compiler: a GPU then keeps the constants in registers
        for (i64 v = 0; v < vectors; ++v) copy_constants(constants, n_pad, first + v * LANES, own + v * C_ROWS * LANES);
        i64 last = (row + 1) * chunk < times ? (row + 1) * chunk : times;
        for (i64 k = row * chunk; k < last; ++k)
            for (i64 v = 0; v < vectors; ++v) {
                Constants c = read_constants(own + v * C_ROWS * LANES, LANES, 0);
                i64 col = first + v * LANES;
                ints found;
                State s = near_state(c, c.offset + t_s[k] / 60.0, &found);
                store_state(states + k * 6 * n_pad + col, n_pad, s);
                store_i8(code + k * n_pad + col, found);
            }
    }
}

// States of a list of (object, time) entries. Entry q does slots[q]; a slot may stand there twice (padding).
KERNEL sgp4_list(
    i64 n_pad,                              // columns of the constants
    i64 m,                                  // entries of the whole list
    i64 entries,                            // entries done by this launch, a multiple of 16
    const double* RESTRICT constants,       // [35][n_pad] from sgp4_init
    const i64* RESTRICT slots,              // [entries] positions in the list
    const i32* RESTRICT object,             // [m] column of each entry
    const double* RESTRICT t_s,             // [m] seconds after the propagator's start
    double* RESTRICT states,                // [6][m] km, km/s, TEME
    i8* RESTRICT code)                      // [m] 0 or an error code
{
    PARALLEL(q, entries, LANES) {
        double own[C_ROWS * LANES], own_t[LANES], own_state[6 * LANES];
        i8 own_code[LANES];
        for (int k = 0; k < LANES; ++k) {
            i64 slot = slots[q + k];
            own_t[k] = t_s[slot] / 60.0;
            for (int row = 0; row < C_ROWS; ++row) own[row * LANES + k] = constants[row * n_pad + object[slot]];
        }
        Constants c = read_constants(own, LANES, 0);
        ints found;
        State s = near_state(c, c.offset + load(own_t), &found);
        store_state(own_state, LANES, s);
        store_i8(own_code, found);
        for (int k = 0; k < LANES; ++k) {
            i64 slot = slots[q + k];
            for (int axis = 0; axis < 6; ++axis) states[axis * m + slot] = own_state[axis * LANES + k];
            code[slot] = own_code[k];
        }
    }
}
