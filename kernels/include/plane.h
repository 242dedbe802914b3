// plane.h: sizes and limits of pc.cu that Python reads too.
#pragma once

#define PLANE_LEVELS 8          // levels at which the rim is cut: squares of 0, 0.6, 1.4, 2.5, 4, 6, 9 and the last
#define PLANE_CUTS 32           // 4 a level
#define PLANE_NEGLIGIBLE 85.0   // twice the exponent by which the integrand may fall until it is left out
#define PLANE_WIDEST 1.1        // widest panel [rad]
#define PLANE_NARROWEST 1e-9    // narrowest panel [rad]
