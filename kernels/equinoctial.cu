// equinoctial.cu: the functions of include/equinoctial.h over arrays, so that the tests can measure their error on every
// backend. Sources: see there. No spills.
#include "equinoctial.h"

STM_KERNEL equinoctial_values(
    i64 n,                                 // states, a multiple of 16
    const double* STM_RESTRICT states,     // [6][n] positions [m] and velocities [m/s]
    const double* STM_RESTRICT dt_s,       // [n] time after that of the states
    double* STM_RESTRICT elements,         // [6][n] equinoctial elements
    double* STM_RESTRICT moved,            // [6][n] states at that time
    double* STM_RESTRICT partials,         // [36][n] derivatives of these by the elements, by rows
    double* STM_RESTRICT inverse)          // [36][n] derivatives of the elements by the moved states, by rows
{
    STM_PARALLEL(i, n, STM_LANES) {
        real x[6], e[6], j[6][6], g[6][6];
        for (int k = 0; k < 6; ++k) x[k] = load(states + k * n + i);
        elements_of(x, x + 3, e);
        Equinoctial orbit = orbit_of(e);
        real dt = load(dt_s + i);
        Place at = place_at(orbit, dt);
        state_at(orbit, at, x, x + 3);
        state_partials(orbit, at, dt, j);
        element_partials(orbit, j, g);
        for (int k = 0; k < 6; ++k) {
            store(elements + k * n + i, e[k]);
            store(moved + k * n + i, x[k]);
            for (int l = 0; l < 6; ++l) {
                store(partials + (6 * k + l) * n + i, j[k][l]);
                store(inverse + (6 * k + l) * n + i, g[k][l]);
            }
        }
    }
}
