// mathx.cu: the elementary functions of include/mathx.h over arrays, so that the tests can measure their error on every
// backend and instruction set. Sources, ranges and errors: include/mathx.h. No spills.
#include "mathx.h"

// first and second: 0 sine and cosine of x [rad]; 1 the same to 1e-8; 2 the same for small angles; 3 angle of the point
// (x, y) [rad] and 0; 4 x^(2/3) and 0; 5 x modulo 2 pi and x without its fraction; 6 e^x and 0.
STM_KERNEL mathx_values(
    i64 n,                         // values, a multiple of 16
    i64 function,                  // number of the function, see above
    const double* STM_RESTRICT x,  // [n] argument
    const double* STM_RESTRICT y,  // [n] second argument, used by function 3
    double* STM_RESTRICT first,    // [n] result
    double* STM_RESTRICT second)   // [n] second result
{
    STM_PARALLEL(i, n, STM_LANES) {
        real a = load(x + i), b = load(y + i), u = splat(0.0), v = splat(0.0);
        if (function == 0) sincos_of(a, &u, &v);
        if (function == 1) sincos_rough(a, &u, &v);
        if (function == 2) sincos_small(a, &u, &v);
        if (function == 3) u = atan2_of(b, a);
        if (function == 4) u = power_two_thirds(a);
        if (function == 5) {
            u = fmod_two_pi(a);
            v = truncated(a);
        }
        if (function == 6) u = exp_of(a);
        store(first + i, u);
        store(second + i, v);
    }
}
