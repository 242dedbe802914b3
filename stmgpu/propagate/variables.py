"""The variables of an ephemeris: names, dimensions, types and CF attributes."""

from __future__ import annotations

import re

from stmgpu.propagate.codes import CODES
from stmgpu.variables import Variable

_STATE = ("object", "time", "axis")

CODE_WORDS = {code: re.sub(r"[^a-z0-9]+", "_", text.split(":")[0].lower()).strip("_") for code, text in CODES.items()}
"""Error codes of the propagator and their meaning in one word, as ``flag_meanings`` needs it."""

VARIABLES = {
    "object": Variable(("object",), "int64", "NORAD id", "1"),
    "time": Variable(("time",), "time", "time (UTC)", standard_name="time"),
    "axis": Variable(("axis",), "text", "axis of the TEME frame", required=False),
    "position": Variable(_STATE, "float64", "position in TEME", "km"),
    "velocity": Variable(_STATE, "float64", "velocity in TEME", "km s-1"),
    "name": Variable(("object",), "text", "object name", required=False),
    "error_code": Variable(_STATE[:2], "int8", "propagation error code, 0 where there was none", flags=CODE_WORDS),
}
"""Every variable of an ephemeris, in the order of the Dataset."""

AXES = ("x", "y", "z")

TITLE = "ephemeris of objects propagated with SGP4"
