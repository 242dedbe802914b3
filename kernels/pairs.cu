// pairs.cu: every pair of objects that may come within the threshold during a row's interval.
//
// Pair test (stmgpu/screen/plan.py has the proof): over |s| <= h the relative motion deviates from the straight line
// dr + s dv by at most A h^2/2 + pad_i + pad_j, with the tidal bound of the relative acceleration
//     A = 1.05 * 2 mu (|dr| + 1.05 |dv| h) / (r_min - 8 km/s h)^3,
// so a pair can come within D only if min |dr + s dv| <= D + A h^2/2 + pad_i + pad_j. Two cheaper necessary tests go
// first: |dr| <= gate_i + gate_j, and |radius_i - radius_j| <= band_i + band_j.
//
// One lane is one partner j (SIMD) or, under CUDA, a thread is one object i that walks its partners.
// All arithmetic float32; its rounding is part of the pads (hashgrid.cu, fill_rows).
#include "mathx.h"

#define FIELDS 10
#define TIDAL (1.05f * 398600.8f)

#if FLANES > 1
FN realf lane_numbers() { realf v; for (int k = 0; k < FLANES; ++k) v[k] = (float)k; return v; }
FN float lane_value(realf v, int k) { return v[k]; }
#else
FN realf lane_numbers() { return 0.0f; }
FN float lane_value(realf v, int) { return v; }
#endif

struct Row {
    const float* f;          // [FIELDS][slots]
    const i32* object;       // [slots]
    const i32* starts;       // [cells + 2]
    i64 slots;
    i32* count;
    i32* first;
    i32* second;
    float* offset;
    i32 capacity;
    float h, threshold;
};

struct Object {
    float x, y, z, vx, vy, vz, radius, gate, band, pad;
};

FN Object object_at(const Row& row, i64 i) {
    const float* f = row.f + i;
    const i64 s = row.slots;
    return {f[0], f[s], f[2 * s], f[3 * s], f[4 * s], f[5 * s], f[6 * s], f[7 * s], f[8 * s], f[9 * s]};
}

// Test object i (at slot `at`) against the slots [from, to) and append the pairs that pass.
FN void test_range(const Row& row, const Object& o, i64 at, i64 from, i64 to) {
    const i64 s = row.slots;
    for (i64 j = from; j < to; j += FLANES) {
        const float* f = row.f + j;
        realf dx = loadf(f) - o.x, dy = loadf(f + s) - o.y, dz = loadf(f + 2 * s) - o.z;
        realf d2 = dx * dx + dy * dy + dz * dz;
        realf gate = loadf(f + 7 * s) + o.gate;
        realf radius = loadf(f + 6 * s);
        realf apart = radius - o.radius;
        realf band = loadf(f + 8 * s) + o.band;
        maskf pass = both(both(d2 <= gate * gate, apart <= band), both(-apart <= band, lane_numbers() < (float)(to - j)));
        if (lane_bits(pass) == 0) continue;

        realf dvx = loadf(f + 3 * s) - o.vx, dvy = loadf(f + 4 * s) - o.vy, dvz = loadf(f + 5 * s) - o.vz;
        realf v2 = dvx * dvx + dvy * dvy + dvz * dvz;
        realf offset = -(dx * dvx + dy * dvy + dz * dvz) / (v2 + 1e-30f);
        offset = smallerf(largerf(offset, splatf(-row.h)), splatf(row.h));
        realf mx = dx + offset * dvx, my = dy + offset * dvy, mz = dz + offset * dvz;
        realf low = smallerf(radius, splatf(o.radius)) - 8.0f * row.h;
        realf bend = TIDAL * (row.h * row.h) * (rootf(d2) + rootf(v2) * (1.05f * row.h)) / (low * low * low);
        realf reach = row.threshold + bend + loadf(f + 9 * s) + o.pad;
        pass = both(pass, mx * mx + my * my + mz * mz <= reach * reach);
        for (unsigned hits = lane_bits(pass); hits != 0; hits &= hits - 1) {
            int k = lowest_bit(hits);
            i32 slot = claim(row.count, 1);
            if (slot < row.capacity) {
                i32 a = row.object[at], b = row.object[j + k];
                row.first[slot] = a < b ? a : b;
                row.second[slot] = a < b ? b : a;
                row.offset[slot] = lane_value(offset, k);
            }
        }
    }
}

FN i64 wrap(i64 c, i64 side) { return c < 0 ? c + side : (c >= side ? c - side : c); }

// Cells x-1, x, x+1 of the line (y, z): one stretch of slots, or two at the seam of the torus.
FN void test_line(const Row& row, const Object& o, i64 at, i64 x, i64 y, i64 z, i64 side) {
    const i32* line = row.starts + (wrap(z, side) * side + wrap(y, side)) * side;
    if (x > 0 && x < side - 1) {
        test_range(row, o, at, line[x - 1], line[x + 2]);
    } else if (x == 0) {
        test_range(row, o, at, line[0], line[2]);
        test_range(row, o, at, line[side - 1], line[side]);
    } else {
        test_range(row, o, at, line[side - 2], line[side]);
        test_range(row, o, at, line[0], line[1]);
    }
}

// Pairs of every row. Each unordered pair is tested once: an object in a cell meets the rest of its own cell and one
// of each two opposite neighbour cells; an object with a wide gate meets all cells in its reach and later wide ones.
KERNEL find_pairs(
    i64 rows,                            // rows of the batch
    i64 slots,                           // slots a row
    i64 side,                            // cells along each axis, at least 3
    i64 cells,                           // side^3
    i64 capacity,                        // candidates a row has room for
    double h_s,                          // half interval
    double threshold_km,                 // screening threshold D
    double cell_km,                      // edge of a cell
    const float* RESTRICT sorted,        // [rows][10][slots] fields by slot, see hashgrid.cu
    const i32* RESTRICT object,          // [rows][slots] object in each slot
    const i32* RESTRICT cell,            // [rows][slots] cell of each slot
    const i32* RESTRICT starts,          // [rows][cells + 2] first slot of each cell
    i32* RESTRICT count,                 // [rows] candidates found, may exceed capacity; must be zero before
    i32* RESTRICT first,                 // [rows][capacity] lower object
    i32* RESTRICT second,                // [rows][capacity] higher object
    float* RESTRICT offset_s)            // [rows][capacity] time of the straight-line minimum after the sample
{
    ROWS(r, rows, at, slots, 1) {
        const i32* row_starts = starts + r * (cells + 2);
        if (at >= row_starts[cells + 1]) continue;
        Row row = {sorted + (r * FIELDS) * slots, object + r * slots, row_starts, slots, count + r,
                   first + r * capacity, second + r * capacity, offset_s + r * capacity, (i32)capacity,
                   (float)h_s, (float)threshold_km};
        Object o = object_at(row, at);
        i64 c = cell[r * slots + at];
        if (c < cells) {
            i64 x = c % side, y = (c / side) % side, z = c / (side * side);
            if (x < side - 1) {
                test_range(row, o, at, at + 1, row_starts[c + 2]);
            } else {
                test_range(row, o, at, at + 1, row_starts[c + 1]);
                test_range(row, o, at, row_starts[c + 1 - side], row_starts[c + 2 - side]);
            }
            test_line(row, o, at, x, y + 1, z, side);
            test_line(row, o, at, x, y - 1, z + 1, side);
            test_line(row, o, at, x, y, z + 1, side);
            test_line(row, o, at, x, y + 1, z + 1, side);
            continue;
        }
        // a wide gate: all cells within reach, or everything where the reach spans the torus
        test_range(row, o, at, at + 1, row_starts[cells + 1]);
        double reach = (double)o.gate + 0.5 * cell_km;
        if (!(reach < 0.5 * cell_km * (double)(side - 2))) {
            test_range(row, o, at, row_starts[0], row_starts[cells]);
            continue;
        }
        i64 low[3], high[3];
        const float centre[3] = {o.x, o.y, o.z};
        for (int axis = 0; axis < 3; ++axis) {
            low[axis] = (i64)floor(((double)centre[axis] - reach) / cell_km);
            high[axis] = (i64)floor(((double)centre[axis] + reach) / cell_km);
        }
        for (i64 z = low[2]; z <= high[2]; ++z) {
            for (i64 y = low[1]; y <= high[1]; ++y) {
                const i32* line = row_starts + (((z % side + side) % side) * side + (y % side + side) % side) * side;
                i64 a = (low[0] % side + side) % side, b = a + (high[0] - low[0]);
                test_range(row, o, at, line[a], line[b < side ? b + 1 : side]);
                if (b >= side) test_range(row, o, at, line[0], line[b - side + 1]);
            }
        }
    }
}
