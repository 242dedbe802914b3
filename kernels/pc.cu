// pc.cu: probability that a normal variable of the encounter plane lies in a disc. No spills.
//
// A lane is an encounter. The disc has radius R and centre (xm, zm) >= 0 in the principal axes, sigmas sx >= sz. With
// u = xm/sx, v = zm/sz, p = R/sx, q = R/sz, and the disc's rim at angle t,
//
//   Pc = p / sqrt(2 pi) Int_0^pi exp(-(u + p cos t)^2 / 2) D(v, q sin t) sin t dt,  D(z, h) = Phi(z + h) - Phi(z - h),
//
// the integral over chords of J. Foster and H. Estes (NASA JSC-25898, 1992) as F. Chan writes it ("Spacecraft Collision
// Probability", 2008, ch. 4). Both halves of the rim have the same chords, so that t runs to pi/2 and D counts twice.
//
// A disc that is small against the density's scale has a smooth and periodic integrand, for which the trapezoidal rule
// converges geometrically (Gauss-Chebyshev quadrature of the second kind; S. Elrod, 2019, with 64 nodes for all). Any
// other rim is cut where the integrand falls by given levels from its own peak, and each panel gets 16 Gauss-Legendre
// nodes. tests/risk/test_pc.py measures the error of both against mpmath.
#include "normal.h"
#include "plane.h"

STM_FN real column(real x) { return exp_of(-0.5 * (x * x)); }

STM_KERNEL plane_smooth(
    i64 n,                           // encounters, a multiple of 16
    i64 pairs,                       // nodes on a quarter of the rim
    double sine,                     // of the step, pi / (2 pairs + 1)
    double cosine,                   // of the step
    const double* STM_RESTRICT u,    // [n] miss along the major axis in sigmas
    const double* STM_RESTRICT v,    // [n] miss along the minor axis in sigmas
    const double* STM_RESTRICT p,    // [n] radius in sigmas of the major axis
    const double* STM_RESTRICT q,    // [n] radius in sigmas of the minor axis
    double* STM_RESTRICT pc)         // [n] probability
{
    const double weight = STM_PI / (double)(2 * pairs + 1) * NORMAL_DENSITY;
    STM_PARALLEL(i, n, STM_LANES) {
        real un = load(u + i), vn = load(v + i), pn = load(p + i), qn = load(q + i), sum = splat(0.0);
        real s = splat(sine), c = splat(cosine);
        for (i64 k = 0; k < pairs; ++k) {
            real x = pn * c;
            sum = sum + (column(un - x) + column(un + x)) * (normal_between(vn, qn * s) * s);
            rotate(&s, &c, splat(sine), splat(cosine));
        }
        real found = (weight * pn) * sum;
        store(pc + i, sel(found > 1.0, splat(1.0), found));
    }
}

STM_FN real within(real x) { return smaller(absolute(x), splat(1.0)); }
// angle of the rim in [0, pi/2] with this cosine, or with this sine, either taken as 1 where it is larger
STM_FN real angle_of_cosine(real c) { return atan2_of(root(larger(1.0 - c * c, splat(0.0))), c); }
STM_FN real angle_of_sine(real s) { return atan2_of(s, root(larger(1.0 - s * s, splat(0.0)))); }

STM_KERNEL plane_cuts(
    i64 n,                           // encounters, a multiple of 16
    const double* STM_RESTRICT u,    // [n] miss along the major axis in sigmas
    const double* STM_RESTRICT v,    // [n] miss along the minor axis in sigmas
    const double* STM_RESTRICT p,    // [n] radius in sigmas of the major axis
    const double* STM_RESTRICT q,    // [n] radius in sigmas of the minor axis
    double* STM_RESTRICT cuts)       // [PLANE_CUTS][n] angles in [0, pi/2] at which the rim is cut, unsorted
{
    const double levels[PLANE_LEVELS] = {0.0, 0.36, 1.96, 6.25, 16.0, 36.0, 81.0, PLANE_NEGLIGIBLE};
    STM_PARALLEL(i, n, STM_LANES) {
        real un = load(u + i), vn = load(v + i), pn = load(p + i), qn = load(q + i);
        real b = larger(un - pn, splat(0.0)), g = larger(vn - qn, splat(0.0));
        real b2 = b * b, g2 = g * g;
        for (int k = 0; k < PLANE_LEVELS; ++k) {
            real across = root(b2 + levels[k]), along = root(g2 + levels[k]);
            double* row = cuts + 4 * k * n + i;
            store(row, angle_of_cosine(within((un - across) / pn)));
            store(row + n, angle_of_cosine(within((un + across) / pn)));
            store(row + 2 * n, angle_of_sine(within((vn - along) / qn)));
            store(row + 3 * n, angle_of_sine(within((vn + along) / qn)));
        }
    }
}

STM_KERNEL plane_panels(
    i64 n,                           // encounters, a multiple of 16
    const double* STM_RESTRICT u,    // [n] miss along the major axis in sigmas
    const double* STM_RESTRICT v,    // [n] miss along the minor axis in sigmas
    const double* STM_RESTRICT p,    // [n] radius in sigmas of the major axis
    const double* STM_RESTRICT q,    // [n] radius in sigmas of the minor axis
    const double* STM_RESTRICT cuts, // [PLANE_CUTS][n] from plane_cuts
    double* STM_RESTRICT pc)         // [n] probability
{
    const double nodes[8] = {0.09501250983763744, 0.2816035507792589, 0.45801677765722737, 0.6178762444026438,
                             0.755404408355003, 0.8656312023878318, 0.9445750230732326, 0.9894009349916499};
    const double weights[8] = {0.1894506104550685, 0.18260341504492358, 0.16915651939500254, 0.14959598881657673,
                               0.12462897125553388, 0.09515851168249279, 0.062253523938647894, 0.027152459411754096};
    STM_PARALLEL(i, n, STM_LANES) {
        real un = load(u + i), vn = load(v + i), pn = load(p + i), qn = load(q + i), sum = splat(0.0);
        real b = larger(un - pn, splat(0.0)), g = larger(vn - qn, splat(0.0));
        real across = root(b * b + PLANE_NEGLIGIBLE), along = root(g * g + PLANE_NEGLIGIBLE);
        const double end = 0.5 * STM_PI;
        real from = splat(0.0);
        while (any(from < end)) {
            real to = smaller(from + PLANE_WIDEST, splat(end));
            for (int k = 0; k < PLANE_CUTS; ++k) {
                real t = load(cuts + k * n + i);
                to = sel(both(t > from + PLANE_NARROWEST, t < to), t, to);
            }
            real middle = 0.5 * (from + to), half = 0.5 * (to - from);
            real sm, cm;
            sincos_of(middle, &sm, &cm);
            mask counts = both(both(from < end, absolute(un - pn * cm) < across), vn - qn * sm < along);
            from = to;
            if (!any(counts)) continue;
            real panel = splat(0.0);
            for (int k = 0; k < 8; ++k) {
                real sd, cd;
                sincos_of(half * nodes[k], &sd, &cd);
                real sides = splat(0.0);
                for (int side = 0; side < 2; ++side) {
                    real s = side ? sm * cd - cm * sd : sm * cd + cm * sd;
                    real c = side ? cm * cd + sm * sd : cm * cd - sm * sd;
                    real x = pn * c;
                    sides = sides + (column(un - x) + column(un + x)) * (normal_between(vn, qn * s) * s);
                }
                panel = panel + weights[k] * sides;
            }
            sum = sum + sel(counts, half * panel, splat(0.0));
        }
        real found = (NORMAL_DENSITY * pn) * sum;
        store(pc + i, sel(found > 1.0, splat(1.0), found));
    }
}
