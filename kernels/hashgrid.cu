// hashgrid.cu: every object at every sample time, interpolated, and sorted into the cells of a uniform grid.
//
// A row is one sample time. Objects' float64 states at nodes `node_step_s` apart are interpolated with the cubic
// Hermite polynomial (positions and velocities at both nodes), reduced to float32 and counted into cells; the counts
// become first slots; a last pass copies each object to its slot, so that a cell, and three neighbouring cells along
// x, are one contiguous stretch of memory. Cells repeat with period `side` along each axis (a torus): distant cells
// share a slot range and cost a few tests that fail, never a pair. Counting sort by cell: Green (2008), "Particle
// simulation using CUDA"; here the counters belong to one row, so a CPU needs no atomics.
//
// What a row stores of an object: row_fields.h.
#include "codes.h"
#include "earth.h"
#include "mathx.h"
#include "row_fields.h"

// Interpolation error of each object over a block of nodes, measured at every inner node from its two neighbours:
//   c1 = |r_m - H(t_m)|, H the Hermite polynomial over [t_m-1, t_m+1] (twice the spacing, so 16 times the error), and
//   c2 = |(r_m+1 - r_m-1) / 2T - (v_m-1 + 4 v_m + v_m+1) / 6|, Simpson's rule: SGP4's velocity is not the derivative
//        of its position, and an error dv of the node velocities moves the polynomial by at most dv T / 4.
// error = c1 / 8 + c2 T / 2 is twice what both can cause. Where a neighbour failed nothing can be measured. No orbit is
// interpolated worse than `senseless_km`: a state with a larger error and no code is invalid (object past its decay).
STM_KERNEL node_errors(
    i64 nodes,                          // nodes of the block
    i64 n,                              // objects, a multiple of 16
    double node_step_s,                 // node spacing T
    double unknown_km,                  // error assumed where it cannot be measured
    double senseless_km,                // error above which a state without a code gets code 7
    const double* STM_RESTRICT states,  // [nodes][6][n] TEME position [km] and velocity [km/s]
    const i8* STM_RESTRICT codes,       // [nodes][n] SGP4's codes, zero where the state is good
    i8* STM_RESTRICT usable,            // [nodes][n] the same with code 7 added; first and last node as they were
    double* STM_RESTRICT error_km)      // [n] largest error over the block
{
    STM_PARALLEL(i, n, STM_LANES) {
        real worst = splat(0.0);
        for (int k = 0; k < STM_LANES; ++k) {
            usable[i + k] = codes[i + k];
            usable[(nodes - 1) * n + i + k] = codes[(nodes - 1) * n + i + k];
        }
        for (i64 m = 1; m + 1 < nodes; ++m) {
            const double* b = states + (m * 6) * n + i;
            const double* a = b - 6 * n;
            const double* c = b + 6 * n;
            real c1 = splat(0.0), c2 = splat(0.0);
            for (int axis = 0; axis < 3; ++axis) {
                real ra = load(a + axis * n), rb = load(b + axis * n), rc = load(c + axis * n);
                real va = load(a + (axis + 3) * n), vb = load(b + (axis + 3) * n), vc = load(c + (axis + 3) * n);
                real d = rb - ((ra + rc) * 0.5 + (va - vc) * (0.25 * node_step_s));
                real e = (rc - ra) * (0.5 / node_step_s) - (va + vb * 4.0 + vc) * (1.0 / 6.0);
                c1 = c1 + d * d;
                c2 = c2 + e * e;
            }
            real error = root(c1) * 0.125 + root(c2) * (0.5 * node_step_s);
            const i8* code = codes + m * n + i;
            real failed = load_i8(code - n) + load_i8(code) + load_i8(code + n);
            mask senseless = both(failed <= 0.0, negate(error < senseless_km));
            worst = larger(worst, sel(either(failed > 0.0, senseless), splat(unknown_km), error));
            store_i8(usable + m * n + i, to_ints(sel(senseless, splat((double)CODE_SENSELESS), load_i8(code))));
        }
        store(error_km + i, worst);
    }
}

// Interpolate, bound, and count into cells. Cell number `cells` collects objects whose gate is too wide for a cell
// (fast, eccentric or badly interpolated ones: tested against everything they may reach) and selected ones, `cells + 1`
// those that take no part because a node of their interval failed, or because their radii stay outside the given ones.
STM_KERNEL fill_rows(
    i64 rows,                             // sample times of the batch
    i64 n,                                // objects, a multiple of 16
    i64 nodes,                            // nodes of the block
    i64 side,                             // cells along each axis
    i64 cells,                            // side^3
    double h_s,                           // half interval
    double cell_km,                       // edge of a cell
    double gate_factor,                   // widening of the gate by curvature, see plan.py
    double half_threshold_km,             // half of the screening threshold
    double pad_factor,                    // pad = pad_factor * error
    double lowest_km,                     // radii of objects that take part: no partner is below
    double highest_km,                    // or above
    const double* STM_RESTRICT states,    // [nodes][6][n] TEME position [km] and velocity [km/s]
    const i8* STM_RESTRICT codes,         // [nodes][n] zero where the state is good
    const double* STM_RESTRICT error_km,  // [n] interpolation error, see node_errors
    const i8* STM_RESTRICT selected,      // [n] 1 for the few objects whose pairs alone are wanted, see pairs.cu; else 0
    const i32* STM_RESTRICT row_node,     // [rows] node before each row
    const double* STM_RESTRICT weights,   // [rows][8] Hermite weights r0 v0 r1 v1 of the position, then of the velocity
    float* STM_RESTRICT fields,           // [rows][FIELD_ROWS][n] see row_fields.h
    i32* STM_RESTRICT keys,               // [rows][n] cell of each object
    i32* STM_RESTRICT ranks,              // [rows][n] number of the object within its cell
    i32* STM_RESTRICT counts)             // [rows][cells + 2] objects in each cell; must be zero before
{
    (void)nodes;
    STM_ROWS(row, rows, i, n, STM_LANES) {
        const double* a = states + ((i64)row_node[row] * 6) * n + i;
        const double* b = a + 6 * n;
        const double* w = weights + row * 8;
        real r[3], v[3];
        for (int axis = 0; axis < 3; ++axis) {
            real ra = load(a + axis * n), rb = load(b + axis * n);
            real va = load(a + (axis + 3) * n), vb = load(b + (axis + 3) * n);
            r[axis] = ra * w[0] + va * w[1] + rb * w[2] + vb * w[3];
            v[axis] = ra * w[4] + va * w[5] + rb * w[6] + vb * w[7];
        }
        real r2 = r[0] * r[0] + r[1] * r[1] + r[2] * r[2];
        real v2 = v[0] * v[0] + v[1] * v[1] + v[2] * v[2];
        real radius = root(r2);
        real inverse = 1.0 / radius;
        real rate = (r[0] * v[0] + r[1] * v[1] + r[2] * v[2]) * inverse;
        // float32 rounding of position, velocity and differences: below 4e-7 of the radius
        real pad = load(error_km + i) * pad_factor + radius * 4e-7;
        real gate = (root(v2) * h_s + pad + half_threshold_km) * gate_factor;
        // |radius(t_k + s) - radius_k| <= |rate| h + |acceleration| h^2/2 + |jerk| h^3/6, two-body plus 1 % for J2
        real gravity = WGS72_MU_KM3_S2 * inverse * inverse;
        real acceleration = absolute((v2 - rate * rate) * inverse - gravity) * 1.1 + gravity * 0.01;
        real jerk = gravity * inverse * 5.0 * (absolute(rate) + acceleration * h_s);
        real band = (absolute(rate) + (acceleration * 0.5 + jerk * (h_s / 6.0)) * h_s) * h_s + pad + half_threshold_km;

        float* f = fields + (row * FIELD_ROWS) * n + i;
        for (int axis = 0; axis < 3; ++axis) {
            store_narrow(f + (FIELD_NX + axis) * n, r[axis] * inverse);
            store_narrow(f + (FIELD_VX + axis) * n, v[axis]);
        }
        store_narrow(f + FIELD_LOWEST * n, radius - band);
        store_narrow(f + FIELD_HIGHEST * n, radius + band);
        // |r_i - r_j| <= G < radius_i: r_j lies in a cone around r_i whose half angle has the sine G / radius_i
        real sine = (gate + 0.5 * cell_km) * inverse;
        store_narrow(f + FIELD_LIMIT * n,
                     sel(sine < 1.0, root(1.0 - smaller(sine * sine, splat(1.0))) - 4e-7, splat(-2.0)));
        store_narrow(f + FIELD_PAD * n, pad);

        real cell[3];
        for (int axis = 0; axis < 3; ++axis) {
            real c = floored(r[axis] * (1.0 / cell_km));
            cell[axis] = c - floored(c * (1.0 / (double)side)) * (double)side;
            // the quotient is rounded, so the remainder may come out one period off
            cell[axis] = sel(cell[axis] < 0.0, cell[axis] + (double)side, cell[axis]);
            cell[axis] = sel(cell[axis] >= (double)side, cell[axis] - (double)side, cell[axis]);
        }
        mask far = either(radius + band < lowest_km, radius - band > highest_km);
        real key = (cell[2] * (double)side + cell[1]) * (double)side + cell[0];
        key = sel(gate <= 0.5 * cell_km, key, splat((double)cells));       // a NaN gate is not taken for a cell
        key = sel(far, splat((double)cells + 1.0), key);
        i32* k = keys + row * n + i;
        store_i32(k, to_ints(key));
        const i8* code_a = codes + (i64)row_node[row] * n + i;
        i32* counter = counts + row * (cells + 2);
        for (int q = 0; q < STM_LANES; ++q) {
            if (selected[i + q] != 0) k[q] = (i32)cells;
            if (code_a[q] != 0 || code_a[n + q] != 0) k[q] = (i32)cells + 1;
            ranks[row * n + i + q] = claim(counter + k[q], 1);
        }
    }
}

// Sums of `chunk` counters at a time: the first half of a prefix sum over each row.
STM_KERNEL sum_chunks(
    i64 rows,                        // rows of the batch
    i64 counters,                    // counters a row
    i64 chunk,                       // counters a chunk
    i64 chunks,                      // chunks a row, the last may be short
    const i32* STM_RESTRICT counts,  // [rows][counters]
    i32* STM_RESTRICT sums)          // [rows][chunks]
{
    STM_ROWS(row, rows, c, chunks, 1) {
        i64 last = (c + 1) * chunk < counters ? (c + 1) * chunk : counters;
        i32 sum = 0;
        for (i64 k = c * chunk; k < last; ++k) sum += counts[row * counters + k];
        sums[row * chunks + c] = sum;
    }
}

// First slot of each cell: the second half of the prefix sum.
STM_KERNEL cell_starts(
    i64 rows,                        // rows of the batch
    i64 counters,                    // counters a row
    i64 chunk,                       // counters a chunk
    i64 chunks,                      // chunks a row
    const i32* STM_RESTRICT counts,  // [rows][counters]
    const i32* STM_RESTRICT sums,    // [rows][chunks]
    i32* STM_RESTRICT starts)        // [rows][counters] objects in earlier cells of the row
{
    STM_ROWS(row, rows, c, chunks, 1) {
        i32 start = 0;
        for (i64 k = 0; k < c; ++k) start += sums[row * chunks + k];
        i64 last = (c + 1) * chunk < counters ? (c + 1) * chunk : counters;
        for (i64 k = c * chunk; k < last; ++k) {
            starts[row * counters + k] = start;
            start += counts[row * counters + k];
        }
    }
}

// Copy every object that takes part to its slot. Within a cell the order is that of `ranks`; pairs do not depend on it.
STM_KERNEL sort_rows(
    i64 rows,                          // rows of the batch
    i64 n,                             // objects, a multiple of 16
    i64 slots,                         // slots a row: n plus room for one SIMD register
    i64 cells,                         // cells of the grid
    const float* STM_RESTRICT fields,  // [rows][FIELD_ROWS][n]
    const i32* STM_RESTRICT keys,      // [rows][n]
    const i32* STM_RESTRICT ranks,     // [rows][n]
    const i32* STM_RESTRICT starts,    // [rows][cells + 2]
    float* STM_RESTRICT sorted,        // [rows][FIELD_ROWS][slots]
    i32* STM_RESTRICT object,          // [rows][slots] object in each slot
    i32* STM_RESTRICT cell)            // [rows][slots] cell of each slot
{
    STM_ROWS(row, rows, i, n, 1) {
        i32 key = keys[row * n + i];
        if (key > cells) continue;
        i64 slot = starts[row * (cells + 2) + key] + ranks[row * n + i];
        const float* from = fields + (row * FIELD_ROWS) * n + i;
        float* to = sorted + (row * FIELD_ROWS) * slots + slot;
        for (int f = 0; f < FIELD_ROWS; ++f) to[f * slots] = from[f * n];
        object[row * slots + slot] = (i32)i;
        cell[row * slots + slot] = key;
    }
}
