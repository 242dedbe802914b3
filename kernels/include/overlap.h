// overlap.h: limits of the search for orbits that bring two objects together (overlap.cu); Python reads them.
#pragma once

#define OVERLAP_TURNS 40          // steps of the search, at most
#define OVERLAP_EVEN 1e-6         // change of the squared distance in sigmas at which it ends
#define OVERLAP_FAR 300.0         // squared distance beyond which nothing enters: a density below 1e-65
#define OVERLAP_LOOSE 0.05        // and what the change may be there, in excesses over it
#define OVERLAP_LONGEST 5e5       // longest step [m]
#define OVERLAP_NEAREST 1e-9      // relative error of the nearest point of the sphere
