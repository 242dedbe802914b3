// pairs.cu: every pair of objects that may come within the threshold during a row's interval.
//
// Pair test (stmgpu/screen/plan.py has the proof): over |s| <= h the relative motion deviates from the straight line
// dr + s dv by at most A h^2/2 + pad_i + pad_j, with the tidal bound of the relative acceleration
//     A = 1.05 * 2 mu (|dr| + 1.05 |dv| h) / (r_min - 8 km/s h)^3,
// so a pair can come within D only if min |dr + s dv| <= D + A h^2/2 + pad_i + pad_j. Cheaper necessary tests go first:
// the angle between the directions (limit, see hashgrid.cu), the overlap of their radii (lowest, highest), and the
// distance of the whole line from the origin, |dr x dv| / |dv|, with the largest A of any pair within a cell.
//
// One lane is one partner j. Objects of one cell have the same neighbours, so up to PAIR_GROUP of them are tested
// against each register of partners (under CUDA a thread is one object, PAIR_GROUP is 1).
// All arithmetic float32; its rounding is part of the pads (hashgrid.cu, fill_rows).
#include "earth.h"
#include "mathx.h"
#include "row_fields.h"

#define TIDAL (1.05f * (float)WGS72_MU_KM3_S2)
// candidates of a row are counted up to here: 65,537 objects at one place are 2^31 pairs
#define COUNT_END (1 << 30)

#if STM_FLOAT_LANES > 1
#define PAIR_GROUP 16
STM_FN realf lane_numbers() { realf v; for (int k = 0; k < STM_FLOAT_LANES; ++k) v[k] = (float)k; return v; }
STM_FN float lane_value(realf v, int k) { return v[k]; }
#else
#define PAIR_GROUP 1
STM_FN realf lane_numbers() { return 0.0f; }
STM_FN float lane_value(realf v, int) { return v; }
#endif

struct Row {
    const float* f;          // [FIELD_ROWS][slots]
    const i32* object;       // [slots]
    const i32* starts;       // [cells + 2]
    i64 slots;
    i32* count;
    i32* first;
    i32* second;
    float* offset;
    i32 capacity;
    float h, threshold;
    float loose;             // threshold + largest A h^2/2 of pairs that are no further apart than a cell [km]
};

struct Object {
    float nx, ny, nz, lowest, highest, limit, vx, vy, vz, pad;
};

// Objects of one cell that are tested together: slots [at, at + size).
struct Group {
    Object o[PAIR_GROUP];
    i64 at;
    int size;
};

STM_FN Object object_at(const Row& row, i64 i) {
    const float* f = row.f + i;
    const i64 s = row.slots;
    return {f[FIELD_NX * s], f[FIELD_NY * s], f[FIELD_NZ * s], f[FIELD_LOWEST * s], f[FIELD_HIGHEST * s],
            f[FIELD_LIMIT * s], f[FIELD_VX * s], f[FIELD_VY * s], f[FIELD_VZ * s], f[FIELD_PAD * s]};
}

// The pair test of object `o` at slot `i` with the partners at slots j, j + 1, ... where `pass` is set.
static
#ifdef STM_CUDA
__device__
#endif
void test_pairs(const Row& row, const Object& o, i64 i, i64 j, maskf pass) {
    const i64 s = row.slots;
    const float* f = row.f + j;
    realf radius = (loadf(f + FIELD_LOWEST * s) + loadf(f + FIELD_HIGHEST * s)) * 0.5f;
    const float own = (o.lowest + o.highest) * 0.5f;
    realf dx = loadf(f + FIELD_NX * s) * radius - o.nx * own;
    realf dy = loadf(f + FIELD_NY * s) * radius - o.ny * own;
    realf dz = loadf(f + FIELD_NZ * s) * radius - o.nz * own;
    realf dvx = loadf(f + FIELD_VX * s) - o.vx, dvy = loadf(f + FIELD_VY * s) - o.vy;
    realf dvz = loadf(f + FIELD_VZ * s) - o.vz;
    realf d2 = dx * dx + dy * dy + dz * dz;
    realf v2 = dvx * dvx + dvy * dvy + dvz * dvz;
    realf offset = -(dx * dvx + dy * dvy + dz * dvz) / (v2 + 1e-30f);
    offset = smallerf(largerf(offset, splatf(-row.h)), splatf(row.h));
    realf mx = dx + offset * dvx, my = dy + offset * dvy, mz = dz + offset * dvz;
    realf low = smallerf(radius, splatf(own)) - 8.0f * row.h;
    realf bend = TIDAL * (row.h * row.h) * (rootf(d2) + rootf(v2) * (1.05f * row.h)) / (low * low * low);
    realf reach = row.threshold + bend + loadf(f + FIELD_PAD * s) + o.pad;
    pass = both(pass, at_mostf(mx * mx + my * my + mz * mz, reach * reach));
    if (*row.count >= COUNT_END) return;                                 // far above any capacity: the host refuses
    for (unsigned hits = lane_bits(pass); hits != 0; hits &= hits - 1) {
        int k = lowest_bit(hits);
        i32 slot = claim(row.count, 1);
        if (slot < row.capacity) {
            i32 a = row.object[i], b = row.object[j + k];
            row.first[slot] = a < b ? a : b;
            row.second[slot] = a < b ? b : a;
            row.offset[slot] = lane_value(offset, k);
        }
    }
}

// Test a group against the partners at slots [from, to). With `own` the range begins inside the group's own cell, and
// each object meets only the slots behind its own.
STM_FN void test_range(const Row& row, const Group& group, i64 from, i64 to, bool own) {
    const i64 s = row.slots;
    for (i64 j = from; j < to; j += STM_FLOAT_LANES) {
        const float* f = row.f + j;
        realf nx = loadf(f + FIELD_NX * s), ny = loadf(f + FIELD_NY * s), nz = loadf(f + FIELD_NZ * s);
        realf low = loadf(f + FIELD_LOWEST * s), high = loadf(f + FIELD_HIGHEST * s);
        maskf valid = lessf(lane_numbers(), splatf((float)(to - j)));
        for (int k = 0; k < group.size; ++k) {
            const Object& o = group.o[k];
            realf cosine = nx * o.nx + ny * o.ny + nz * o.nz;
            maskf near = both(at_mostf(low, splatf(o.highest)), at_mostf(splatf(o.lowest), high));
            maskf pass = both(both(at_mostf(splatf(o.limit), cosine), near), valid);
            if (lane_bits(pass) == 0) continue;
            if (own) pass = both(pass, at_mostf(splatf((float)(group.at + k + 1 - j)), lane_numbers()));
            realf radius = (low + high) * 0.5f;
            const float centre = (o.lowest + o.highest) * 0.5f;
            realf dx = nx * radius - o.nx * centre, dy = ny * radius - o.ny * centre, dz = nz * radius - o.nz * centre;
            realf dvx = loadf(f + FIELD_VX * s) - o.vx, dvy = loadf(f + FIELD_VY * s) - o.vy;
            realf dvz = loadf(f + FIELD_VZ * s) - o.vz;
            realf d2 = dx * dx + dy * dy + dz * dz, v2 = dvx * dvx + dvy * dvy + dvz * dvz;
            realf along = dx * dvx + dy * dvy + dz * dvz;
            realf reach = loadf(f + FIELD_PAD * s) + (row.loose + o.pad);
            // 1e-6 d^2 v^2: rounding of the difference on the left
            pass = both(pass, at_mostf(d2 * v2 - along * along, (reach * reach + d2 * 1e-6f) * v2));
            if (lane_bits(pass) == 0) continue;
            test_pairs(row, o, group.at + k, j, pass);
        }
    }
}

STM_FN i64 wrap(i64 c, i64 side) { return c < 0 ? c + side : (c >= side ? c - side : c); }

// Cells x-1, x, x+1 of the line (y, z): one stretch of slots, or two at the seam of the torus.
STM_FN void test_line(const Row& row, const Group& group, i64 x, i64 y, i64 z, i64 side) {
    const i32* line = row.starts + (wrap(z, side) * side + wrap(y, side)) * side;
    if (x > 0 && x < side - 1) {
        test_range(row, group, line[x - 1], line[x + 2], false);
    } else if (x == 0) {
        test_range(row, group, line[0], line[2], false);
        test_range(row, group, line[side - 1], line[side], false);
    } else {
        test_range(row, group, line[side - 2], line[side], false);
        test_range(row, group, line[0], line[1], false);
    }
}

// Pairs of every row. Each unordered pair is tested once: an object in a cell meets the rest of its own cell and one
// of each two opposite neighbour cells; an object with a wide gate meets all cells in its reach and later wide ones.
// With `only_selected` pairs without a selected object are left out: those are in no cell but among the wide ones (see
// fill_rows), so only they look into cells.
STM_KERNEL find_pairs(
    i64 rows,                          // rows of the batch
    i64 n,                             // objects
    i64 slots,                         // slots a row
    i64 side,                          // cells along each axis, at least 3
    i64 cells,                         // side^3
    i64 capacity,                      // candidates a row has room for
    i64 only_selected,                 // 1 for pairs of selected objects only
    double h_s,                        // half interval
    double threshold_km,               // screening threshold D
    double cell_km,                    // edge of a cell
    double gate_factor,                // widening of the gate by curvature, see plan.py
    const i8* STM_RESTRICT selected,   // [n] 1 for selected objects
    const float* STM_RESTRICT sorted,  // [rows][FIELD_ROWS][slots] fields by slot, see row_fields.h
    const i32* STM_RESTRICT object,    // [rows][slots] object in each slot
    const i32* STM_RESTRICT cell,      // [rows][slots] cell of each slot
    const i32* STM_RESTRICT starts,    // [rows][cells + 2] first slot of each cell
    i32* STM_RESTRICT count,           // [rows] candidates found, may exceed capacity (then up to 2^30); zero before
    i32* STM_RESTRICT first,           // [rows][capacity] lower object
    i32* STM_RESTRICT second,          // [rows][capacity] higher object
    float* STM_RESTRICT offset_s)      // [rows][capacity] time of the straight-line minimum after the sample
{
    (void)n;
    STM_ROWS(r, rows, at, slots, 1) {
        const i32* row_starts = starts + r * (cells + 2);
        if (at >= row_starts[cells + 1]) continue;
        Row row = {sorted + (r * FIELD_ROWS) * slots, object + r * slots, row_starts, slots, count + r,
                   first + r * capacity, second + r * capacity, offset_s + r * capacity, (i32)capacity,
                   (float)h_s, (float)threshold_km, 0.0f};
        const double lowest_km = WGS72_RADIUS_KM - 8.0 * h_s;            // below the surface there is an error code
        row.loose = (float)(1.000001 * (threshold_km + 2.05 * TIDAL * h_s * h_s * cell_km
                                        / (lowest_km * lowest_km * lowest_km)));
        i64 c = cell[r * slots + at];
        if (only_selected != 0 && c < cells) continue;
        Group group;
        group.at = at;
        if (c < cells) {
            if ((at - row_starts[c]) % PAIR_GROUP != 0) continue;             // tested with the first of its group
            i64 left = row_starts[c + 1] - at;
            group.size = left < PAIR_GROUP ? (int)left : PAIR_GROUP;
            for (int k = 0; k < group.size; ++k) group.o[k] = object_at(row, at + k);
            i64 x = c % side, y = (c / side) % side, z = c / (side * side);
            if (x < side - 1) {
                test_range(row, group, at + 1, row_starts[c + 2], true);
            } else {
                test_range(row, group, at + 1, row_starts[c + 1], true);
                test_range(row, group, row_starts[c + 1 - side], row_starts[c + 2 - side], false);
            }
            test_line(row, group, x, y + 1, z, side);
            test_line(row, group, x, y - 1, z + 1, side);
            test_line(row, group, x, y, z + 1, side);
            test_line(row, group, x, y + 1, z + 1, side);
            continue;
        }
        // a wide gate: all cells within reach, or everything where the reach spans the torus
        group.size = 1;
        group.o[0] = object_at(row, at);
        const Object o = group.o[0];
        group.o[0].limit = -2.0f;                                        // partners may have wide gates too
        row.loose = 1e9f;                                                // and be further apart than a cell
        test_range(row, group, at + 1, row_starts[cells + 1], true);
        if (only_selected != 0 && selected[object[r * slots + at]] == 0) continue;
        group.o[0].limit = o.limit;
        const float* f = row.f + at;
        const float vx = f[FIELD_VX * slots], vy = f[FIELD_VY * slots], vz = f[FIELD_VZ * slots];
        double speed = lane_value(rootf(splatf(vx * vx + vy * vy + vz * vz)), 0);
        double gate = (speed * h_s + f[FIELD_PAD * slots] + 0.5 * threshold_km) * gate_factor;
        double reach = gate * 1.000001 + 0.5 * cell_km;
        if (!(reach < 0.5 * cell_km * (double)(side - 2))) {
            test_range(row, group, row_starts[0], row_starts[cells], false);
            continue;
        }
        i64 low[3], high[3];
        const float radius = (o.lowest + o.highest) * 0.5f;
        const float centre[3] = {o.nx * radius, o.ny * radius, o.nz * radius};
        for (int axis = 0; axis < 3; ++axis) {
            low[axis] = (i64)floor(((double)centre[axis] - reach) / cell_km);
            high[axis] = (i64)floor(((double)centre[axis] + reach) / cell_km);
        }
        for (i64 z = low[2]; z <= high[2]; ++z) {
            for (i64 y = low[1]; y <= high[1]; ++y) {
                const i32* line = row_starts + (((z % side + side) % side) * side + (y % side + side) % side) * side;
                i64 a = (low[0] % side + side) % side, b = a + (high[0] - low[0]);
                test_range(row, group, line[a], line[b < side ? b + 1 : side], false);
                if (b >= side) test_range(row, group, line[0], line[b - side + 1], false);
            }
        }
    }
}
