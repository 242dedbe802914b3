// mathx.h: elementary functions for lanes: branch-free, no libm, same bytes on every target.
// Each states its range and error; tests/kernels/test_mathx.py measures both against exact arithmetic.
#pragma once
#include "portable.h"

#define STM_PI 3.141592653589793238463
#define STM_TWO_PI 6.283185307179586476925

// Nearest integer (ties to even), |x| < 2^51: adding 1.5 * 2^52 leaves no room for a fraction.
FN real nearest(real x) { return (x + 6755399441055744.0) - 6755399441055744.0; }
// Largest integer <= x, and x without its fraction, |x| < 2^51.
FN real floored(real x) { real k = nearest(x); return sel(k > x, k - 1.0, k); }
FN real truncated(real x) { real k = floored(absolute(x)); return sel(x < 0.0, -k, k); }

// x modulo 2 pi with the sign of x, like C's fmod (the sign matters where SGP4 compares an angle with zero).
FN real fmod_two_pi(real x) { return x - truncated(x * (1.0 / STM_TWO_PI)) * STM_TWO_PI; }
