// mathx.h: elementary functions for lanes: branch-free, no libm, no fused multiply-add, same bytes on every target.
// Each states its range and error; tests/kernels/test_mathx.py measures both against mpmath.
//
// Polynomials: minimax fits made for this file by the Remez exchange at 60 digits (E. Remez, 1934; J.-M. Muller,
// "Elementary Functions", 3rd ed. 2016, ch. 3). Argument reduction: W. Cody and W. Waite, "Software Manual for the
// Elementary Functions", 1980, ch. 8: pi/2 as a sum of pieces with trailing zeros, so that k * piece is exact.
// One ulp is the spacing of doubles at the result; "ulp of 1" is 1.1e-16 (the spacing below 1).
#pragma once
#include "portable.h"

#define STM_PI 3.141592653589793238463
#define STM_TWO_PI 6.283185307179586476925
#define STM_SHIFTER 6755399441055744.0  // 1.5 * 2^52: adding it leaves no room for a fraction

// Nearest integer (ties to even), |x| < 2^51.
STM_FN real nearest(real x) { return (x + STM_SHIFTER) - STM_SHIFTER; }
// Largest integer <= x, and x without its fraction, |x| < 2^51.
STM_FN real floored(real x) { real k = nearest(x); return sel(k > x, k - 1.0, k); }
STM_FN real truncated(real x) { real k = floored(absolute(x)); return sel(x < 0.0, -k, k); }

// x modulo the double nearest 2 pi, with the sign of x, |x| <= 6e6: exact like C's fmod, because the two pieces of 2 pi
// have 33 and 20 bits and k has 20. (Where k * 2 pi lies within rounding of x the result can be one turn off zero.)
STM_FN real fmod_two_pi(real x) {
    real k = truncated(x * (1.0 / STM_TWO_PI));
    return (x - k * 6.2831853069365025) - k * 2.430837753308879e-10;
}

// Reduce x [rad] to r in [-pi/4, pi/4] (a hair more where x / (pi/2) is close to a half) and the quadrant's number,
// of which only the low two bits count. |x| <= 1e6: k has 20 bits and the first two pieces 33 each, so both products
// are exact; the third piece leaves 1e-37 * k.
STM_FN ints reduce_quadrant(real x, real* r) {
    real shifted = x * 0.63661977236758138 + STM_SHIFTER;
    real k = shifted - STM_SHIFTER;
    *r = ((x - k * 1.5707963267341256) - k * 6.077100506303966e-11) - k * 2.0222662487959506e-21;
    return bits(shifted);
}

// sin and cos of r in [-pi/4, pi/4], z = r^2: error of the polynomials 3.5e-18 relative and 5e-20.
STM_FN real sin_quadrant(real r, real z) {
    real w = z * z;
    real low = -0.16666666666666632 + z * 0.008333333333322398;
    real mid = -0.000198412698297941 + z * 2.755731368695821e-06;
    real high = -2.5050757308816456e-08 + z * 1.589674727859229e-10;
    return r + (r * z) * (low + w * (mid + w * high));
}
STM_FN real cos_quadrant(real z) {
    real w = z * z;
    real low = 0.0416666666666666 + z * -0.00138888888888741;
    real mid = 2.480158728946768e-05 + z * -2.755731434795616e-07;
    real high = 2.0875722654555165e-09 + z * -1.1359614608797226e-11;
    return (1.0 - 0.5 * z) + w * (low + w * (mid + w * high));
}

// Sine and cosine of x [rad], |x| <= 1e6: at most 2 ulp of the result, and 1.8e-16 absolute. Beyond it the error grows
// with |x|; beyond 2^51 the result has no meaning.
STM_FN void sincos_of(real x, real* sine, real* cosine) {
    real r;
    ints q = reduce_quadrant(x, &r);
    real z = r * r;
    real s = sin_quadrant(r, z), c = cos_quadrant(z);
    mask odd = (q & 1) != 0;
    *sine = from_bits(bits(sel(odd, c, s)) ^ ((q & 2) << 62));
    *cosine = from_bits(bits(sel(odd, s, c)) ^ (((q + 1) & 2) << 62));
}

// Sine or cosine alone: same bytes as sincos_of.
STM_FN real sine_of(real x) { real s, c; sincos_of(x, &s, &c); return s; }
STM_FN real cosine_of(real x) { real s, c; sincos_of(x, &s, &c); return c; }

// Sine and cosine of x [rad] to 1e-8 for starting values, |x| <= 1e6; reduced by one subtraction, off by k ulps.
STM_FN void sincos_rough(real x, real* sine, real* cosine) {
    real shifted = x * 0.63661977236758138 + STM_SHIFTER;
    real r = x - (shifted - STM_SHIFTER) * 1.5707963267948966;
    ints q = bits(shifted);
    real z = r * r;
    real s = r + (r * z) * (-0.1666665492616949 + z * (0.008332176996255282 - z * 0.0001951713820074863));
    real c = 1.0 + z * (-0.49999999724558514 + z * (0.0416666232594507 +
             z * (-0.0013886761677175355 + z * 2.4390246512722024e-05)));
    mask odd = (q & 1) != 0;
    *sine = from_bits(bits(sel(odd, c, s)) ^ ((q & 2) << 62));
    *cosine = from_bits(bits(sel(odd, s, c)) ^ (((q + 1) & 2) << 62));
}

// Sine and cosine of a small angle d [rad], |d| <= SMALL_ANGLE: Taylor, 1.2e-16 absolute.
#define SMALL_ANGLE 0.05
STM_FN void sincos_small(real d, real* sine, real* cosine) {
    real z = d * d;
    *sine = d + (d * z) * (-1.0 / 6 + z * (1.0 / 120 + z * (-1.0 / 5040)));
    *cosine = 1.0 + z * (-0.5 + z * (1.0 / 24 + z * (-1.0 / 720 + z * (1.0 / 40320))));
}

// Turn the pair (sin x, cos x) into (sin(x + d), cos(x + d)), given sine and cosine of d.
STM_FN void rotate(real* sine, real* cosine, real sine_d, real cosine_d) {
    real s = *sine * cosine_d + *cosine * sine_d;
    *cosine = *cosine * cosine_d - *sine * sine_d;
    *sine = s;
}

// Angle of the point (x, y) in (-pi, pi] [rad], at most 3 ulp and 5e-16 absolute; 0 for (0, 0); both finite.
// |y/x| <= 1 by exchange, <= tan(pi/8) by atan t = pi/4 + atan((t - 1)/(t + 1)), then a polynomial (3.4e-17 relative).
STM_FN real atan2_of(real y, real x) {
    real ay = absolute(y), ax = absolute(x);
    mask steep = ay > ax;
    real low = sel(steep, ax, ay), high = sel(steep, ay, ax);
    mask wide = low > 0.41421356237309503 * high;
    real t = sel(wide, low - high, low) / sel(wide, low + high, sel(high > 0.0, high, splat(1.0)));
    real z = t * t;
    real p = -0.33333333333330206 + z * (0.1999999999910099 + z * (-0.14285714196204477 + z * (0.11111106689805088 +
             z * (-0.09090783198518758 + z * (0.07690078593947174 + z * (-0.06641204140690674 +
             z * (0.05692941298960856 + z * (-0.04360172147372009 + z * 0.021272064040521246))))))));
    real a = t + (t * z) * p;
    a = sel(wide, 0.78539816339744828 + (a + 3.061616997868383e-17), a);
    a = sel(steep, 1.5707963267948966 - (a - 6.123233995736766e-17), a);
    a = sel(x < 0.0, 3.1415926535897931 - (a - 1.2246467991473532e-16), a);
    return sel(y < 0.0, -a, a);
}

// x^(2/3), x normal, at most 3 ulp; not a number where x is not positive. x = m 8^j with m near [0.35, 2.9] through the
// exponent bits, then
// Halley's iteration for the cube root of m (E. Halley, 1694: y + y (m - y^3) / (2 y^3 + m), error cubed at each step).
STM_FN real power_two_thirds(real x) {
    real exponent = from_bits(((bits(x) >> 52) & 0x7ff) | 0x4330000000000000LL) - (4503599627370496.0 + 1023.0);
    real shifted = exponent * (1.0 / 3) + STM_SHIFTER;
    ints j = bits(shifted) - 0x4338000000000000LL;
    real m = x * from_bits((1023 - 3 * j) << 52);
    real y = 0.5 + 0.5 * m - 0.0625 * (m - 1.0) * (m - 1.0);
    for (int k = 0; k < 4; ++k) {
        real c = y * y * y;
        y = y + y * ((m - c) / (2.0 * c + m));
    }
    real nan = from_bits((j & 0) | 0x7ff8000000000000LL);
    return sel(x > 0.0, (y * y) * from_bits((1023 + 2 * j) << 52), nan);
}

// Natural logarithm of x, positive and normal, at most 1.1 ulp. x = m 2^k with m in [0.7, 1.42], k through the exponent
// bits; ln m = 2 artanh s with s = (m - 1) / (m + 1), by s + s^3 P(s^2) (error of the polynomial 5e-19 relative).
STM_FN real log_of(real x) {
    ints power = ((bits(x) + 0x00095f6200000000LL) >> 52) & 0x7ff;
    real m = from_bits(bits(x) - ((power - 1023) << 52));
    real k = from_bits(power | 0x4330000000000000LL) - (4503599627370496.0 + 1023.0);
    real f = m - 1.0, s = f / (2.0 + f), z = s * s, w = z * z;
    real low = (0.3333333333333333 + z * 0.2000000000000044) + w * (0.14285714285401627 + z * 0.11111111195897364);
    real up = (0.09090897815749122 + z * 0.07693120086223919) + w * (0.06634380281018362 + z * 0.06543378833476035);
    real half = 0.5 * (f * f);
    real tail = s * (half + (2.0 * z) * (low + (w * w) * up));
    return k * 0.6931471803691238 + ((f - (half - tail)) + k * 1.9082149292705877e-10);
}

// e^x, at most 1.1 ulp, x taken as -708 where it is smaller or not a number, and as 709 where it is larger.
// x = k ln 2 + r, |r| <= ln 2 / 2: the first piece of ln 2 has 32 bits and k has 11, so their product is exact. Then
// 1 + r + r^2 P(r) (error of the polynomial 1.4e-17 relative) and the exponent bits.
STM_FN real exp_clamped(real x) {
    real inside = smaller(larger(x, splat(-708.0)), splat(709.0));
    real shifted = inside * 1.4426950408889634 + STM_SHIFTER;
    real k = shifted - STM_SHIFTER;
    real r = (inside - k * 0.6931471803691238) - k * 1.9082149292705877e-10;
    real z = r * r, w = z * z;
    real low = (0.5000000000000009 + r * 0.16666666666666693) + z * (0.04166666666654582 + r * 0.008333333333310242);
    real mid = (0.0013888888940113751 + r * 0.0001984126991182508) +
               z * (2.480149629796488e-05 + r * 2.7557220606811205e-06);
    real high = 2.762922753622848e-07 + r * 2.5116656307409597e-08;
    ints power = bits(shifted) - 0x4338000000000000LL;
    return (1.0 + (r + z * (low + w * (mid + w * high)))) * from_bits((power + 1023) << 52);
}

// e^x, at most 1.1 ulp: 0 where x < -708, infinite where x > 709, not a number where x is none.
STM_FN real exp_of(real x) {
    real e = sel(x < -708.0, splat(0.0), exp_clamped(x));
    real infinite = from_bits((bits(x) & 0) | 0x7ff0000000000000LL);
    return sel(x > 709.0, infinite, sel(x == x, e, x));
}
