"""Codes of states: the published ones of SGP4, and those of ``kernels/include/codes.h``."""

from __future__ import annotations

from stmgpu.backend.tables import table

CODE_SENSELESS, CODE_OUTSIDE, CODE_DUMMY, CODE_ABSENT = table("codes.h").integers(
    "CODE_", "SENSELESS OUTSIDE DUMMY ABSENT"
)

CODE_DECAYED = 11
"""Code of an object after the day of its decay, by its catalogue; no kernel knows of it."""

CODES = {
    0: "no error",
    1: "mean eccentricity outside [0, 1)",
    2: "mean motion not positive",
    3: "eccentricity with the effects of Sun and Moon outside [0, 1]",
    4: "semi-latus rectum negative",
    6: "decayed: below the Earth's surface",
    CODE_SENSELESS: "state without physical sense: drag polynomial past its end, or farther out than the orbit reaches",
    CODE_OUTSIDE: "resonant object asked outside the time span of the propagator",
    CODE_DUMMY: "padding lane",
    CODE_ABSENT: "outside the usable time of the object's ephemeris",
    CODE_DECAYED: "after its decay date: no longer in orbit by the catalogue",
}
"""Text of each code. 1, 2, 3, 4 and 6 are the published ones of SGP4."""
