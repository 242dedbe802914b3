// normal.h: the normal distribution for lanes, with relative accuracy far into its tails.
#pragma once
#include "mathx.h"

// e^(x^2) erfc(x), 0 <= x <= 28 (larger taken as 28), at most 7 ulp. (1 + 2 x) times it is a polynomial in
// (x - 4) / (x + 4), interpolated in Chebyshev's points at 50 digits: error 1.4e-17 relative. The form is that of
// M. Shepherd and J. Laframboise, Math. Comp. 36 (1981) 249.
STM_FN real erfcx_of(real x) {
    x = smaller(x, splat(28.0));
    real u = (x - 4.0) / (x + 4.0);
    real w = u * u, w2 = w * w, w4 = w2 * w2;
    real q0 = (1.2329951186255526 + u * -0.1396211168405629) + w * (0.01537965210262074 + u * 0.06809705425473732);
    real q1 = (-0.10103906603635213 + u * 0.09373283499679412) + w * (-0.06633036581152939 + u * 0.03716751556249286);
    real q2 = (-0.016197734059115006 + u * 0.005031969755895426) +
              w * (-0.00075777334141333 + u * -0.00019925550755614952);
    real q3 = (0.000150622243948303 + u * -2.4403169244974074e-05) +
              w * (-1.1224789135154701e-05 + u * 5.7178872846321855e-06);
    real q4 = (3.0135049944875397e-07 + u * -8.351619688696847e-07) +
              w * (6.270727157198311e-08 + u * 1.1534943745754157e-07);
    real q5 = (-7.71541861441783e-09 + u * -1.3670989863347383e-08) + w * -1.8206098680308682e-09;
    real sum = ((q0 + w2 * q1) + w4 * (q2 + w2 * q3)) + (w4 * w4) * (q4 + w2 * q5);
    return sum / (1.0 + 2.0 * x);
}

// Two independent normal deviates of two independent uniform ones in (0, 1), at most 6e-15 off, of a size up to
// sqrt(-2 ln(2^-53)) = 8.57 (G. Box and M. Muller, Ann. Math. Statist. 29 (1958) 610).
STM_FN void normal_pair(real u, real w, real* first, real* second) {
    real size = root(-2.0 * log_of(u)), sine, cosine;
    sincos_of(STM_TWO_PI * w, &sine, &cosine);
    *first = size * cosine;
    *second = size * sine;
}

#define NORMAL_SQRT_HALF 0.70710678118654752440
#define NORMAL_DENSITY 0.39894228040143267794 // 1 / sqrt(2 pi)
#define NORMAL_SMALL 0.15                     // largest h (1 + z) for the series

// P(z - h < x < z + h) of a normal variable x, z >= 0 and h >= 0: 2e-13 relative where z <= 12.
//
// A short interval by its Taylor series, whose terms are Hermite polynomials: 2 h phi(z) (1 + h^2 He2/3! + h^4 He4/5!
// + h^6 He6/7! + h^8 He8/9!). A long one by its two tails, which differ enough not to cancel.
STM_FN real normal_between(real z, real h) {
    mask brief = h * (1.0 + z) < NORMAL_SMALL;
    real found = splat(0.0);
    if (any(negate(brief))) {
        real a = z - h, b = z + h;
        real upper = 0.5 * (exp_of(-0.5 * (b * b)) * erfcx_of(b * NORMAL_SQRT_HALF));
        real lower = 0.5 * (exp_of(-0.5 * (a * a)) * erfcx_of(absolute(a) * NORMAL_SQRT_HALF));
        found = sel(a < 0.0, (1.0 - lower) - upper, lower - upper);
    }
    if (any(brief)) {
        real y = z * z, k = h * h;
        real he2 = y - 1.0, he4 = y * (y - 6.0) + 3.0, he6 = y * (y * (y - 15.0) + 45.0) - 15.0;
        real he8 = y * (y * (y * (y - 28.0) + 210.0) - 420.0) + 105.0;
        real series = 1.0 + k * (he2 * (1.0 / 6) + k * (he4 * (1.0 / 120) + k * (he6 * (1.0 / 5040) +
                      k * (he8 * (1.0 / 362880)))));
        found = sel(brief, ((2.0 * NORMAL_DENSITY) * h * exp_of(-0.5 * y)) * series, found);
    }
    return found;
}
