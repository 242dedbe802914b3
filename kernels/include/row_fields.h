// row_fields.h: fields of an object in a row of the broad phase, float32; hashgrid.cu writes them, pairs.cu reads them,
// stmgpu/screen/broad_phase_kernels.py allocates them. stmgpu/screen/plan.py derives the bounds.
#pragma once

enum {
    FIELD_NX, FIELD_NY, FIELD_NZ,     // direction from the Earth's centre
    FIELD_LOWEST, FIELD_HIGHEST,      // radii that bound the pair's radial gate: those of two objects must overlap [km]
    FIELD_LIMIT,                      // cosine of the largest angle at which a partner of common gate can be within the
                                      // pair's gate
    FIELD_VX, FIELD_VY, FIELD_VZ,     // velocity [km/s]
    FIELD_PAD,                        // bound of the errors of interpolation and float32 over the interval [km]
    FIELD_ROWS
};
