// mathx.cu: the functions of include/mathx.h and include/normal.h over arrays, so that the tests can measure their error
// on every backend and instruction set. Sources, ranges and errors: see there. No spills.
#include "normal.h"

// first and second: 0 sine and cosine of x [rad]; 1 the same to 1e-8; 2 the same for small angles; 3 angle of the point
// (x, y) [rad] and 0; 4 x^(2/3) and 0; 5 x modulo 2 pi and x without its fraction; 6 e^x and 0; 7 e^(x^2) erfc(x) and
// P(x - y < a normal variable < x + y); 8 ln x and 0; 9 normal deviates of x and y.
STM_KERNEL mathx_values(
    i64 n,                         // values, a multiple of 16
    i64 function,                  // number of the function, see above
    const double* STM_RESTRICT x,  // [n] argument
    const double* STM_RESTRICT y,  // [n] second argument, used by functions 3, 7 and 9
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
        if (function == 7) {
            u = erfcx_of(a);
            v = normal_between(a, b);
        }
        if (function == 8) u = log_of(a);
        if (function == 9) normal_pair(a, b, &u, &v);
        store(first + i, u);
        store(second + i, v);
    }
}
