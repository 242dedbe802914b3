// cube.cu: pairs of objects that share a cell of space in a sample of their positions along the orbit. No spills.
//
// Method: J.-C. Liou, D. J. Kessler, M. Matney and G. Stansbery, "A new approach to evaluate collision probabilities
// among asteroids, comets, and Kuiper belt objects", LPSC 34, 1828 (2003). An object's mean anomaly is uniform over
// decades, so it is drawn at random; two objects that then lie in the same cell of volume V collide at the rate
//     V_imp pi (R_1 + R_2)^2 / V,     V_imp = |v_1 - v_2|.
// A row is one sample ("resample") of one step; the average over the rows of a step estimates the rate. The random
// numbers hang on the run, the step, the sample (both in a row's `counter`) and the object's uid (random.h), so nothing
// depends on slots, threads or other runs of the batch. Elements stay while objects meet several times; node and perigee
// turn with J2 by what has `elapsed` until a row.
//
// Two lattices, both shifted at random in every run, step and row, so that no result depends on where their walls are:
//   bands == 0  cubes of `cell_km`, axes along those of the inertial frame;
//   bands >= 4  shells of thickness `cell_km`, cut into `bands` bands of latitude and each band into sectors of
//               longitude (numbers in `sectors`); the bands at a pole are joined with their neighbours. Density changes
//               within kilometres along the radius and hardly within hundreds across it: at the same volume, which sets
//               the noise, such a cell loses less.
//
// A key holds run and cell numbers in full (bits_first and 2 * bits_other of them for the cell), so equal keys mean the
// same cell of the same run; -1 is a slot that takes no part.
#include "wide.h"
#include "j2.h"
#include "kepler.h"
#include "orbit_table.h"
#include "random.h"

#define COUNT_END (1 << 30)         // pairs of a row are counted up to here: 46,342 objects in one cell are 2^30 pairs

struct Lattice {
    i64 bands;
    double cell_km;
    const double* sectors;
};

struct Cell {
    real c[3];
};

// floor(x), but for whole numbers, where it may be x - 1: a wall belongs to either of its cells.
STM_FN real cell_number(real x) { return nearest(x - 0.5); }

// Numbers of the cell around (x, y, z), `distance` from the centre, whose longitude is `node` [rad] further east than the axes; `offset` shifts the
// lattice, in cells, but the longitude in turns. Cubes have no use for the node.
STM_FN Cell cell_of(const Lattice& lattice, const real r[3], real distance, real node, const real offset[3]) {
    Cell cell;
    if (lattice.bands == 0) {
        for (int k = 0; k < 3; ++k) cell.c[k] = cell_number(r[k] * (1.0 / lattice.cell_km) + offset[k]);
        return cell;
    }
    const double bands = (double)lattice.bands;
    real rho2 = r[0] * r[0] + r[1] * r[1];
    real latitude = atan2_of(r[2], root(rho2)), longitude = atan2_of(r[1], r[0]) + node;
    cell.c[0] = cell_number(distance * (1.0 / lattice.cell_km) + offset[0]);
    real band = cell_number(latitude * (bands / STM_PI) + (offset[1] + 0.5 * bands));
    band = smaller(larger(band, splat(1.0)), splat(bands - 1.0));      // the order sends a NaN to a valid band
    real turn = longitude * (1.0 / STM_TWO_PI) + (offset[2] + 0.5);
    real sectors = gather(lattice.sectors, to_ints(band));
    cell.c[1] = band;
    cell.c[2] = smaller(cell_number((turn - cell_number(turn)) * sectors), sectors - 1.0);
    return cell;
}

// Volume of a cell [km^3]: exact, also for the innermost shell and the caps of the poles.
STM_FN real volume_of(const Lattice& lattice, const Cell& cell, const real offset[3]) {
    if (lattice.bands == 0) return splat(lattice.cell_km * lattice.cell_km * lattice.cell_km);
    const double last = (double)lattice.bands - 1.0, height = STM_PI / (double)lattice.bands;
    real inner = larger(cell.c[0] - offset[0], splat(0.0)) * lattice.cell_km;
    real outer = ((cell.c[0] + 1.0) - offset[0]) * lattice.cell_km;
    real south = sel(cell.c[1] <= 1.0, splat(-1.0), sine_of((cell.c[1] - offset[1]) * height - 0.5 * STM_PI));
    real north = sel(cell.c[1] >= last, splat(1.0), sine_of(((cell.c[1] + 1.0) - offset[1]) * height - 0.5 * STM_PI));
    real radial = (outer - inner) * ((outer * outer + outer * inner) + inner * inner);
    return radial * (north - south) * (STM_TWO_PI / 3.0) / gather(lattice.sectors, to_ints(cell.c[1]));
}

// Mean anomaly in (-pi, pi) of objects: counter (step and resample, uid), key (seed, run and purpose).
STM_FN real mean_anomaly(i64 seed, ints run_number, ints counter, ints uid) {
    words x0 = to_words(counter), x1 = to_words(uid);
    threefry(to_words(splat_i64(seed)), to_words(run_number) | (STREAM_ANGLE << 32), &x0, &x1);
    return (uniform(x0) - 0.5) * STM_TWO_PI;
}

// Keys of all objects in all rows.
STM_KERNEL cube_cells(
    i64 rows,                            // rows of the batch
    i64 groups,                          // lanes an object: each takes every groups-th row
    i64 n,                               // slots, a multiple of 16
    i64 objects,                         // slots in use
    i64 capacity,                        // slots of the orbit table
    i64 runs,                            // runs side by side in the slots
    i64 seed,                            // seed of the study
    i64 bits_first,                      // bits of the first cell number in a key
    i64 bits_other,                      // bits of the second and the third
    i64 bands,                           // bands of latitude, 0 for cubes
    double cell_km,                      // edge of a cube, thickness of a shell
    const double* STM_RESTRICT orbit,    // [ORBIT_ROWS][capacity] mean elements, see orbit_table.h
    const i64* STM_RESTRICT uid,         // [capacity] name of the object within its run
    const i32* STM_RESTRICT run,         // [capacity] run of the object
    const i8* STM_RESTRICT mode,         // [capacity] MODE_ of orbit_table.h
    const i64* STM_RESTRICT run_number,  // [runs] number of each run in the study
    const i64* STM_RESTRICT counter,     // [rows] number of the step times 2^16, plus number of the sample
    const double* STM_RESTRICT elapsed,  // [rows] time since the elements [s]
    const double* STM_RESTRICT offset,   // [rows][runs][3] shift of the lattice, 0 to 1
    const double* STM_RESTRICT sectors,  // [bands + 1] sectors of each band
    i64* STM_RESTRICT keys,              // [rows][n] run and cell, -1 for none
    i32* STM_RESTRICT beyond)            // [1] set to 1 if an object lies where the cell numbers do not reach
{
    STM_PARALLEL(lane, n * groups, STM_LANES) {
        const i64 group = lane / n, i = lane - group * n;
        mask present = both(load_i8(mode + i) != (double)MODE_ABSENT, lane_ids() + i < objects);
        if (!any(present)) {
            for (i64 row = group; row < rows; row += groups) store_i64(keys + row * n + i, splat_i64(-1));
            continue;
        }
        const i64 lead = i < objects && mode[i] != MODE_ABSENT ? run[i] : 0;
        ints owner = seli(present, load_i32(run + i), splat_i64(lead)), name = load_i64(uid + i);
        const bool mixed = any(owner != lead);
        ints number = mixed ? gather_i64(run_number, owner) : splat_i64(run_number[lead]);
        const double* o = orbit + i;
        real a = load(o + ORBIT_A_KM * capacity), ecc = load(o + ORBIT_ECC * capacity), sin_i, cos_i;
        sincos_of(load(o + ORBIT_INC * capacity), &sin_i, &cos_i);
        real raan = load(o + ORBIT_RAAN * capacity), argp = load(o + ORBIT_ARGP * capacity);
        Turning rate = j2_rates(a, ecc, cos_i);
        real minor = a * root(1.0 - ecc * ecc);
        const double centre = bands == 0 ? (double)(1LL << (bits_first - 1)) : 0.0;
        for (i64 row = group; row < rows; row += groups) {
            Lattice lattice = {bands, cell_km, sectors};
            const double* of_row = offset + row * runs * 3;
            real shift[3], r[3], sine, cosine;
            for (int k = 0; k < 3; ++k) shift[k] = mixed ? gather(of_row, owner * 3 + k) : splat(of_row[lead * 3 + k]);
            kepler(mean_anomaly(seed, number, splat_i64(counter[row]), name), ecc, &sine, &cosine);
            // along the node, across it in the plane of the equator, and north
            real sin_w, cos_w, x = a * (cosine - ecc), y = minor * sine, node = raan + rate.node * elapsed[row];
            sincos_of(argp + rate.perigee * elapsed[row], &sin_w, &cos_w);
            real across = x * sin_w + y * cos_w;
            r[0] = x * cos_w - y * sin_w;
            r[1] = across * cos_i;
            r[2] = across * sin_i;
            if (bands == 0) {
                real sin_o, cos_o, along = r[0];
                sincos_of(node, &sin_o, &cos_o);
                r[0] = along * cos_o - r[1] * sin_o;
                r[1] = along * sin_o + r[1] * cos_o;
            }
            Cell cell = cell_of(lattice, r, a * (1.0 - ecc * cosine), node, shift);
            ints c0 = to_ints(cell.c[0] + centre), c1 = to_ints(cell.c[1] + centre), c2 = to_ints(cell.c[2] + centre);
            mask inside = ((c0 >> (int)bits_first) | ((c1 | c2) >> (int)bits_other)) == 0;    // NaN has high bits
            if (any(both(present, negate(inside)))) *beyond = 1;
            ints key = ((((owner << (int)bits_first) | c0) << (int)bits_other | c1) << (int)bits_other) | c2;
            store_i64(keys + row * n + i, seli(both(present, inside), key, splat_i64(-1)));
        }
    }
}

// Bucket of a key: the top bits of its product with 2^64 / golden ratio (D. E. Knuth, TAOCP vol. 3, section 6.4).
STM_FN i64 bucket_of(i64 key, i64 bits) {
    return (i64)(((unsigned long long)key * STREAM_ODD) >> (64 - bits));
}

// Chain the slots of every bucket: `next` leads from a slot to one that came before, `head` to the last. On a CPU
// `parts` threads share a row, each with the buckets whose number begins with its own; the order within a chain does
// not matter.
STM_KERNEL cube_link(
    i64 rows,                      // rows of the batch
    i64 parts,                     // parts of a row, a power of two
    i64 n,                         // slots
    i64 bits,                      // there are 2^bits buckets
    i64 buckets,                   // 2^bits
    const i64* STM_RESTRICT keys,  // [rows][n] see cube_cells
    i32* STM_RESTRICT head,        // [rows][buckets] last slot of each bucket; -1 before
    i32* STM_RESTRICT next)        // [rows][n] slot before in the same bucket, -1 for none
{
    const i64 size = buckets / parts;
    STM_ROWS(line, rows * parts, i, n, 1) {
        const i64 row = line / parts, part = line - row * parts, key = keys[row * n + i];
        if (key < 0) continue;
        const i64 bucket = bucket_of(key, bits);
        if (bucket / size != part) continue;
        next[row * n + i] = exchange(head + row * buckets + bucket, (i32)i);
    }
}

// Pairs of slots with the same key, each once, the one with the lower uid first.
STM_KERNEL cube_match(
    i64 rows,                      // rows of the batch
    i64 parts,                     // parts of a row
    i64 n,                         // slots
    i64 slots,                     // slots of the uid table
    i64 bits,                      // bits of a bucket's number
    i64 buckets,                   // 2^bits
    i64 capacity,                  // pairs that a part of a row has room for
    const i64* STM_RESTRICT keys,  // [rows][n] see cube_cells
    const i32* STM_RESTRICT next,  // [rows][n] see cube_link
    const i64* STM_RESTRICT uid,   // [slots] name of the object within its run
    i32* STM_RESTRICT count,       // [rows][parts] pairs found, may exceed capacity (then up to 2^30); 0 before
    i32* STM_RESTRICT first,       // [rows][parts][capacity] slot with the lower uid
    i32* STM_RESTRICT second)      // [rows][parts][capacity] slot with the higher uid
{
    (void)slots;
    const i64 size = buckets / parts;
    STM_ROWS(line, rows * parts, i, n, 1) {
        const i64 row = line / parts, part = line - row * parts;
        const i64* key = keys + row * n;
        const i32* link = next + row * n;
        if (key[i] < 0 || link[i] < 0) continue;
        if (parts > 1 && bucket_of(key[i], bits) / size != part) continue;
        for (i64 j = link[i]; j >= 0; j = link[j]) {
            if (key[j] != key[i]) continue;
            if (count[line] >= COUNT_END) break;
            const i32 place = claim(count + line, 1);
            if (place >= capacity) continue;
            const bool ordered = uid[i] < uid[j];
            first[line * capacity + place] = (i32)(ordered ? i : j);
            second[line * capacity + place] = (i32)(ordered ? j : i);
        }
    }
}

// States and rate of every pair, and the random words that say whether it collides and what that event is called.
STM_KERNEL cube_pairs(
    i64 pairs,                           // pairs, a multiple of 16
    i64 rows,                            // rows of the batch
    i64 capacity,                        // slots of the orbit table
    i64 runs,                            // runs side by side in the slots
    i64 seed,                            // seed of the study
    i64 bands,                           // bands of latitude, 0 for cubes
    double cell_km,                      // edge of a cube, thickness of a shell
    double mu_km3_s2,                    // gravitational parameter
    const double* STM_RESTRICT orbit,    // [ORBIT_ROWS][capacity] mean elements
    const i64* STM_RESTRICT uid,         // [capacity] name of the object within its run
    const i64* STM_RESTRICT run_number,  // [runs] number of each run in the study
    const i64* STM_RESTRICT counter,     // [rows] number of the step times 2^16, plus number of the sample
    const double* STM_RESTRICT elapsed,  // [rows] time since the elements [s]
    const double* STM_RESTRICT offset,   // [rows][runs][3] shift of the lattice, 0 to 1
    const double* STM_RESTRICT sectors,  // [bands + 1] sectors of each band
    const i64* STM_RESTRICT first,       // [pairs] slot with the lower uid
    const i64* STM_RESTRICT second,      // [pairs] slot with the higher uid
    const i64* STM_RESTRICT row,         // [pairs] row of each pair
    const i64* STM_RESTRICT run,         // [pairs] run of each pair
    double* STM_RESTRICT found,          // [14][pairs] speed [km/s], rate in this row [1/s], r, v [km, km/s] of both
    i64* STM_RESTRICT random)            // [2][pairs] two words, see pair_words in stmgpu/debris/streams.py
{
    (void)rows;
    STM_PARALLEL(i, pairs, STM_LANES) {
        ints sampled = load_i64(row + i), owner = load_i64(run + i), number = gather_i64(run_number, owner);
        real r[2][3], v[2][3], distance[2], radius = splat(0.0);
        words of_step = to_words(gather_i64(counter, sampled)), of_pair = to_words(splat_i64(0));
        real since = gather(elapsed, sampled);
        for (int side = 0; side < 2; ++side) {
            ints slot = load_i64((side == 0 ? first : second) + i);
            real a = gather(orbit + ORBIT_A_KM * capacity, slot), ecc = gather(orbit + ORBIT_ECC * capacity, slot);
            real sine, cosine, inc = gather(orbit + ORBIT_INC * capacity, slot);
            Turning rate = j2_rates(a, ecc, cosine_of(inc));
            Plane plane = plane_of(inc, gather(orbit + ORBIT_RAAN * capacity, slot) + rate.node * since,
                                   gather(orbit + ORBIT_ARGP * capacity, slot) + rate.perigee * since);
            ints name = gather_i64(uid, slot);
            of_pair = of_pair * STREAM_ODD + to_words(name);
            kepler(mean_anomaly(seed, number, from_words(of_step), name), ecc, &sine, &cosine);
            distance[side] = a * (1.0 - ecc * cosine);
            position_at(plane, a, ecc, sine, cosine, r[side]);
            velocity_at(plane, a, ecc, sine, cosine, mu_km3_s2, v[side]);
            radius = radius + gather(orbit + ORBIT_RADIUS_KM * capacity, slot);
        }
        Lattice lattice = {bands, cell_km, sectors};
        real shift[3], speed = splat(0.0);
        for (int k = 0; k < 3; ++k) {
            shift[k] = gather(offset, (sampled * runs + owner) * 3 + k);
            real dv = v[0][k] - v[1][k];
            speed = speed + dv * dv;
        }
        speed = root(speed);
        real volume = volume_of(lattice, cell_of(lattice, r[0], distance[0], splat(0.0), shift), shift);
        threefry(to_words(splat_i64(seed)), to_words(number) | (STREAM_COLLISION << 32), &of_step, &of_pair);
        store_i64(random + i, from_words(of_step));
        store_i64(random + pairs + i, from_words(of_pair));
        store(found + i, speed);
        store(found + pairs + i, speed * (radius * radius) * STM_PI / volume);
        for (int side = 0; side < 2; ++side) {
            for (int k = 0; k < 3; ++k) {
                store(found + (2 + 6 * side + k) * pairs + i, r[side][k]);
                store(found + (5 + 6 * side + k) * pairs + i, v[side][k]);
            }
        }
    }
}
