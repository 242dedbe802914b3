// mean_field.h: columns and sizes of the mean-field tables of meanfield.cu.
// stmgpu/debris/collisions/mean_field_kernels.py reads MEAN_FIELD_POWERS from here.
#pragma once

#define MEAN_FIELD_SPEEDS 4         // groups of relative speed, stmgpu/debris/collisions/crossing.py
#define MEAN_FIELD_POWERS 3         // moments: 1, r, r^2
#define MEAN_FIELD_OUTCOMES 3       // collisions, catastrophic ones, fragments
#define MEAN_FIELD_HITS (MEAN_FIELD_OUTCOMES * MEAN_FIELD_POWERS)

// Columns of numbers of an object: semi-major axis [km], eccentricity, radius [m], weight.
enum { NUMBER_A_KM, NUMBER_ECC, NUMBER_RADIUS_M, NUMBER_WEIGHT, NUMBER_COLUMNS };

// Columns of labels: bin of inclination, party, group of parties, class of mass as a partner, class of its own mass.
enum { LABEL_BIN, LABEL_PARTY, LABEL_GROUP, LABEL_PARTNER_CLASS, LABEL_OWN_CLASS, LABEL_COLUMNS };
