// shells.h: time that an object on a Kepler orbit spends below a radius, for sums over shells of altitude.
#pragma once
#include "mathx.h"

#define CIRCULAR 1e-9               // orbits of smaller eccentricity are circles

// Share of half a revolution, from the perigee up, below a radius: M / pi with cos E = (1 - r/a) / e, M = E - e sin E.
STM_FN real share_below(real radius, real a, real e, mask eccentric) {
    real cosine = smaller(larger((1.0 - radius / a) / sel(eccentric, e, splat(1.0)), splat(-1.0)), splat(1.0));
    real sine = root(1.0 - cosine * cosine);
    real share = (atan2_of(sine, cosine) - e * sine) * (1.0 / STM_PI);
    return sel(eccentric, share, sel(radius > a, splat(1.0), splat(0.0)));
}
