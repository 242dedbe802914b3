// random.h: Threefry2x64-20, a random number as a function of a key and a counter; no state, no order.
//
// J. K. Salmon, M. A. Moraes, R. O. Dror and D. E. Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC '11, 2011.
// Only additions, rotations and exclusive ors of 64-bit words, so every target gives the same bits; the NumPy twin is
// stmgpu/counter_random.py. stmgpu/debris/streams.py says what key and counter mean in studies of debris.
#pragma once
#include "portable.h"

// Purposes of random numbers in the upper half of the second key, and the multiplier that mixes two names into one word
// (2^64 / golden ratio); 1 to 11 are those of stmgpu/debris/streams.py.
#define STREAM_ANGLE 1ULL
#define STREAM_COLLISION 3ULL
#define STREAM_SAMPLE 12ULL  // deviates of states, see stmgpu/risk/montecarlo_kernels.py
#define STREAM_ODD 0x9E3779B97F4A7C15ULL

// One round: the words are unsigned, additions are modulo 2^64.
STM_FN void threefry_round(words* x0, words* x1, int turn) {
    *x0 = *x0 + *x1;
    *x1 = ((*x1 << turn) | (*x1 >> (64 - turn))) ^ *x0;
}

STM_FN void threefry_four(words* x0, words* x1, int a, int b, int c, int d) {
    threefry_round(x0, x1, a);
    threefry_round(x0, x1, b);
    threefry_round(x0, x1, c);
    threefry_round(x0, x1, d);
}

// Replaces the counter (x0, x1) by two independent words of 64 random bits.
STM_FN void threefry(words key0, words key1, words* x0, words* x1) {
    words key2 = key0 ^ key1 ^ 0x1BD11BDAA9FC1A22ULL;
    *x0 = *x0 + key0;
    *x1 = *x1 + key1;
    threefry_four(x0, x1, 16, 42, 12, 31);
    *x0 = *x0 + key1;
    *x1 = *x1 + (key2 + 1ULL);
    threefry_four(x0, x1, 16, 32, 24, 21);
    *x0 = *x0 + key2;
    *x1 = *x1 + (key0 + 2ULL);
    threefry_four(x0, x1, 16, 42, 12, 31);
    *x0 = *x0 + key0;
    *x1 = *x1 + (key1 + 3ULL);
    threefry_four(x0, x1, 16, 32, 24, 21);
    *x0 = *x0 + key1;
    *x1 = *x1 + (key2 + 4ULL);
    threefry_four(x0, x1, 16, 42, 12, 31);
    *x0 = *x0 + key2;
    *x1 = *x1 + (key0 + 5ULL);
}

// A double in (0, 1) from the top 52 bits k: (k + 1/2) / 2^52, exactly: 1 + k / 2^52 less (1 - 2^-53).
STM_FN real uniform(words x) {
    return from_bits(from_words((x >> 12) | 0x3FF0000000000000ULL)) - 0.99999999999999988898;
}
