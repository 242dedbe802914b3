// twobody_mc.cu: collisions among random samples of two objects' states.
//
// A lane takes MC_EACH samples of an event. Deviates are functions of seed, event and sample (random.h), so that it does
// not matter which lane of which launch draws a sample. A sample is a pair of orbits, whose elements are normal
// variables (equinoctial.h), or a straight relative motion. Errors that both objects share are one more normal variable.
//
// Nearest approach of two orbits within [t_0, t_m]: between two nodes, r.v changes sign from - to + where the distance
// has its minimum; Newton's steps on r.v from the chord, bisection where a step leaves the bracket. The last step is not
// made but added: with f = r.v, its derivative g = v.v + r.a and the step -f/g, the squared distance there is
// r.r - f^2 / g to third order. Nodes count themselves, and with them the ends of the window.
#include "equinoctial.h"
#include "montecarlo.h"
#include "normal.h"
#include "random.h"

// Pair number `pair` of the normal deviates of a sample of an event.
STM_FN void deviates(i64 seed, i64 event, words sample, int pair, real* first, real* second) {
    words x0 = sample, x1 = to_words(splat_i64(event * 8 + pair));
    threefry(to_words(splat_i64(seed)), to_words(splat_i64((i64)(STREAM_SAMPLE << 32))), &x0, &x1);
    normal_pair(uniform(x0), uniform(x1), first, second);
}

// Six normal variables: a mean and a factor of the covariance, row by row, from three pairs of deviates.
STM_FN void draw(i64 seed, i64 event, words sample, int pair, const double* mean, const double* factor, real x[6]) {
    real z[6];
    for (int k = 0; k < 3; ++k) deviates(seed, event, sample, pair + k, &z[2 * k], &z[2 * k + 1]);
    for (int i = 0; i < 6; ++i) {
        real sum = splat(0.0);
        for (int j = 0; j < 6; ++j) sum = sum + factor[6 * i + j] * z[j];
        x[i] = mean[i] + sum;
    }
}

// Changes of the elements of both objects by the normal deviate that they share.
STM_FN void share(i64 seed, i64 event, words sample, const double* first, const double* second, real x[6], real y[6]) {
    real common, unused;
    deviates(seed, event, sample, MC_SHARED_PAIR, &common, &unused);
    for (int i = 0; i < 6; ++i) {
        x[i] = x[i] + first[i] * common;
        y[i] = y[i] + second[i] * common;
    }
}

// Squared distance of two objects, half its derivative, half its second derivative, and squared relative speed.
struct Approach {
    real square, change, slope, speed2;
};

STM_FN Approach approach_at(const Equinoctial& a, const Equinoctial& b, double sense_a, double sense_b, real t) {
    Place at = place_at(a, t);
    real r1[3], v1[3], r2[3], v2[3];
    state_at(a, at, r1, v1);
    real near = at.x * at.x + at.y * at.y, pull1 = EQUINOCTIAL_MU / (near * root(near));
    at = place_at(b, t);
    state_at(b, at, r2, v2);
    near = at.x * at.x + at.y * at.y;
    real pull2 = EQUINOCTIAL_MU / (near * root(near));
    Approach found = {splat(0.0), splat(0.0), splat(0.0), splat(0.0)};
    for (int k = 0; k < 3; ++k) {
        double s1 = k ? sense_a : 1.0, s2 = k ? sense_b : 1.0;
        real p = s1 * r1[k], q = s2 * r2[k], d = p - q, v = s1 * v1[k] - s2 * v2[k];
        found.square = found.square + d * d;
        found.change = found.change + d * v;
        found.speed2 = found.speed2 + v * v;
        found.slope = found.slope + d * (pull2 * q - pull1 * p);
    }
    found.slope = found.slope + found.speed2;
    return found;
}

// Squared distance of the minimum between two nodes at which the distance falls and rises, where `open`; the smallest
// one that was met elsewhere. Nothing depends on other lanes.
STM_FN real between(const Equinoctial& a, const Equinoctial& b, double sense_a, double sense_b, real low, real high,
                    real fall, real rise, double radius, mask open, real best) {
    real t = low + (high - low) * (fall / (fall - rise));
    for (int step = 0; step < MC_STEPS && any(open); ++step) {
        Approach m = approach_at(a, b, sense_a, sense_b, t);
        mask up = m.change > 0.0, rising = m.slope > 0.0;
        low = sel(up, low, t);
        high = sel(up, t, high);
        real move = -m.change / sel(rising, m.slope, splat(1.0)), next = t + move;
        mask fits = both(rising, both(next >= low, next <= high));
        mask done = both(fits, move * move * m.speed2 <= (MC_NEAR * radius) * (MC_NEAR * radius));
        real least = sel(done, m.square + m.change * move, m.square);
        best = sel(both(open, least < best), least, best);
        t = sel(fits, next, 0.5 * (low + high));
        open = both(open, negate(done));
    }
    return best;
}

// How many of the samples first, first + 1, ... below `samples` come nearer than the radius.
STM_KERNEL twobody_hits(
    i64 events,                          // events
    i64 blocks,                          // blocks of MC_BLOCK samples of each event
    i64 first,                           // number of the first sample
    i64 samples,                         // number after the last sample
    i64 seed,                            // seed of the random numbers
    i64 nodes,                           // nodes of each event
    const i64* STM_RESTRICT event,       // [events] id, 60 bits
    const double* STM_RESTRICT table,    // [events][MC_COLUMNS] see montecarlo.h
    const double* STM_RESTRICT times,    // [events][nodes] growing times after that of the states [s]
    i64* STM_RESTRICT counts)            // [MC_COUNTS][events] added to: see montecarlo.h
{
    STM_ROWS(row, events * blocks, lane, MC_LANES, STM_LANES) {
        i64 e = row / blocks, start = first + (row % blocks) * MC_BLOCK + lane;
        const double *own = table + e * MC_COLUMNS, *at = times + e * nodes;
        double radius = own[MC_RADIUS], sense1 = own[MC_SENSE_1], sense2 = own[MC_SENSE_2];
        ints hits = splat_i64(0), unmoved = splat_i64(0), low = splat_i64(0);
        for (int k = 0; k < MC_EACH; ++k) {
            ints sample = splat_i64(start + k * MC_LANES) + lane_ids();
            mask counted = sample < samples;
            real e1[6], e2[6];
            draw(seed, event[e], to_words(sample), 0, own + MC_MEAN_1, own + MC_FACTOR_1, e1);
            draw(seed, event[e], to_words(sample), 3, own + MC_MEAN_2, own + MC_FACTOR_2, e2);
            if (own[MC_SHARES] != 0.0)
                share(seed, event[e], to_words(sample), own + MC_SHARED_1, own + MC_SHARED_2, e1, e2);
            real ecc1 = e1[EQUINOCTIAL_K] * e1[EQUINOCTIAL_K] + e1[EQUINOCTIAL_H] * e1[EQUINOCTIAL_H];
            real ecc2 = e2[EQUINOCTIAL_K] * e2[EQUINOCTIAL_K] + e2[EQUINOCTIAL_H] * e2[EQUINOCTIAL_H];
            double most = MC_ECCENTRICITY * MC_ECCENTRICITY;
            mask moves = both(both(ecc1 <= most, e1[EQUINOCTIAL_N] > 0.0), both(ecc2 <= most, e2[EQUINOCTIAL_N] > 0.0));
            Equinoctial a = orbit_of(e1), b = orbit_of(e2);
            real perigee = smaller(a.a * (1.0 - root(ecc1)), b.a * (1.0 - root(ecc2)));
            unmoved = unmoved + seli(both(counted, negate(moves)), splat_i64(1), splat_i64(0));
            low = low + seli(both(both(counted, moves), perigee < 1e3 * EARTH_RADIUS_KM), splat_i64(1), splat_i64(0));
            counted = both(counted, moves);

            Approach before = approach_at(a, b, sense1, sense2, splat(at[0]));
            real best = before.square;
            for (i64 node = 1; node < nodes; ++node) {
                Approach after = approach_at(a, b, sense1, sense2, splat(at[node]));
                best = smaller(best, after.square);
                mask open = both(both(before.change < 0.0, after.change > 0.0), both(counted, best >= radius * radius));
                if (any(open))
                    best = between(a, b, sense1, sense2, splat(at[node - 1]), splat(at[node]), before.change, after.change,
                                   radius, open, best);
                before = after;
            }
            hits = hits + seli(both(counted, best < radius * radius), splat_i64(1), splat_i64(0));
        }
        add_i64(counts + MC_HITS * events, splat_i64(e), hits, hits != 0);
        add_i64(counts + MC_UNMOVED * events, splat_i64(e), unmoved, unmoved != 0);
        add_i64(counts + MC_LOW * events, splat_i64(e), low, low != 0);
    }
}

// The same for straight relative motion.
STM_KERNEL line_hits(
    i64 events,                          // events
    i64 blocks,                          // blocks of MC_BLOCK samples of each event
    i64 first,                           // number of the first sample
    i64 samples,                         // number after the last sample
    i64 seed,                            // seed of the random numbers
    const i64* STM_RESTRICT event,       // [events] id, 60 bits
    const double* STM_RESTRICT table,    // [events][MC_LINE_COLUMNS] see montecarlo.h
    i64* STM_RESTRICT counts)            // [events] hits are added
{
    STM_ROWS(row, events * blocks, lane, MC_LANES, STM_LANES) {
        i64 e = row / blocks, start = first + (row % blocks) * MC_BLOCK + lane;
        const double* own = table + e * MC_LINE_COLUMNS;
        double radius = own[MC_LINE_RADIUS];
        ints hits = splat_i64(0);
        for (int k = 0; k < MC_EACH; ++k) {
            ints sample = splat_i64(start + k * MC_LANES) + lane_ids();
            real x[6];
            draw(seed, event[e], to_words(sample), 0, own + MC_LINE_MEAN, own + MC_LINE_FACTOR, x);
            real rv = (x[0] * x[3] + x[1] * x[4]) + x[2] * x[5], v2 = (x[3] * x[3] + x[4] * x[4]) + x[5] * x[5];
            real t = -rv / sel(v2 > 0.0, v2, splat(1.0));
            t = smaller(larger(t, splat(own[MC_LINE_START])), splat(own[MC_LINE_STOP]));
            real r0 = x[0] + t * x[3], r1 = x[1] + t * x[4], r2 = x[2] + t * x[5];
            mask hit = both(sample < samples, (r0 * r0 + r1 * r1) + r2 * r2 < radius * radius);
            hits = hits + seli(hit, splat_i64(1), splat_i64(0));
        }
        add_i64(counts, splat_i64(e), hits, hits != 0);
    }
}
