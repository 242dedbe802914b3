// codes.h: codes of states beside the published 1, 2, 3, 4 and 6 of SGP4; stmgpu/propagate/elements.py reads them.
#pragma once

#define CODE_SENSELESS 7    // no published code, but the state has no physical sense (mean_to_state, node_errors)
#define CODE_OUTSIDE 8      // resonant object asked outside the time span that its table covers
#define CODE_DUMMY 9        // padding lane
#define CODE_ABSENT 10      // object with a trajectory asked outside its usable time; no kernel gives it
