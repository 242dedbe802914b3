"""The variables of a screening's result: names, dimensions, types and CF attributes."""

from __future__ import annotations

from stmgpu.catalog.orbits import REGIMES
from stmgpu.propagate.variables import CODE_WORDS
from stmgpu.screen.encounters import ENTRY_BEFORE_START, EXIT_AFTER_END, SLOW
from stmgpu.screen.window_ends import END_EDGE, START_EDGE
from stmgpu.variables import Variable

FLAGS = {
    SLOW: "slow",
    START_EDGE: "start_edge",
    END_EDGE: "end_edge",
    ENTRY_BEFORE_START: "entry_before_start",
    EXIT_AFTER_END: "exit_after_end",
}
"""Bits of the variable ``flags`` and their names."""

REGIME_CODES = dict(enumerate(REGIMES, 1))
"""Codes of orbit regimes and their names, see :func:`stmgpu.catalog.orbits.regime_of`."""

ROW = "conjunction"
"""Dimension of a result: a row for each conjunction."""

_EACH = (ROW,)
_RTN = "position of the secondary relative to the primary at TCA, {} component in the primary's RTN frame"

VARIABLES = {
    "tca": Variable(_EACH, "time", "time of closest approach (UTC)", standard_name="time"),
    "primary": Variable(_EACH, "int64", "NORAD id of the primary, the object with the lower id", "1"),
    "secondary": Variable(_EACH, "int64", "NORAD id of the secondary, the object with the higher id", "1"),
    "primary_name": Variable(_EACH, "text", "name of the primary", required=False),
    "secondary_name": Variable(_EACH, "text", "name of the secondary", required=False),
    "miss_distance": Variable(_EACH, "float64", "distance at TCA", "km"),
    "relative_speed": Variable(_EACH, "float64", "relative speed at TCA", "km s-1"),
    "miss_radial": Variable(_EACH, "float64", _RTN.format("radial"), "km"),
    "miss_transverse": Variable(_EACH, "float64", _RTN.format("transverse"), "km"),
    "miss_normal": Variable(_EACH, "float64", _RTN.format("normal"), "km"),
    "primary_epoch_age_days": Variable(
        _EACH, "float64", "TCA minus element epoch of the primary (NaN: trajectory)", "d", required=False
    ),
    "secondary_epoch_age_days": Variable(
        _EACH, "float64", "TCA minus element epoch of the secondary (NaN: trajectory)", "d", required=False
    ),
    "flags": Variable(_EACH, "int32", "flags of the conjunction", flags=FLAGS, masks=True),
    "entry": Variable(_EACH, "time", "entry into the threshold sphere (UTC)", standard_name="time", required=False),
    "exit": Variable(_EACH, "time", "exit from the threshold sphere (UTC)", standard_name="time", required=False),
    "altitude": Variable(
        _EACH,
        "float32",
        "height of the encounter (midpoint of the two objects at TCA) above the WGS-84 ellipsoid",
        "km",
        "height_above_reference_ellipsoid",
        required=False,
    ),
    "latitude": Variable(
        _EACH, "float32", "geodetic latitude of the encounter", "degrees_north", "latitude", required=False
    ),
    "longitude": Variable(_EACH, "float32", "longitude of the encounter", "degrees_east", "longitude", required=False),
    "regime": Variable(
        _EACH,
        "int8",
        "orbit regime of the encounter: the lower code of the two objects",
        flags=REGIME_CODES,
        required=False,
    ),
    "primary_regime": Variable(_EACH, "int8", "orbit regime of the primary", flags=REGIME_CODES, required=False),
    "secondary_regime": Variable(_EACH, "int8", "orbit regime of the secondary", flags=REGIME_CODES, required=False),
    "primary_type": Variable(_EACH, "text", "object type of the primary, empty where unknown", required=False),
    "secondary_type": Variable(_EACH, "text", "object type of the secondary, empty where unknown", required=False),
    **{
        f"{who}_{what}": Variable(_EACH, "text", f"{name} of the {who}, empty where unknown", required=False)
        for what, name in (("status", "operational status"), ("owner", "owner"))
        for who in ("primary", "secondary")
    },
}
"""Every variable of a result, in the order of its columns."""

COORDINATES = ("tca", "primary", "secondary")
"""Variables that are coordinates."""

_FAILURE = ("failure",)

FAILURES = {
    "norad_id": Variable(_FAILURE, "int64", "NORAD id of an object that could not be propagated", "1"),
    "code": Variable(_FAILURE, "int8", "propagation error code at the first failure", flags=CODE_WORDS),
    "time": Variable(_FAILURE, "time", "node at which the propagation first failed (UTC)", standard_name="time"),
}
"""Columns of the table of objects that could not be propagated at some node; an object takes part in the screening
wherever both nodes of an interval are good."""

FAILED = "failed_"
"""Prefix of the attributes that hold :data:`FAILURES` in memory."""

TITLE = "conjunctions of all objects with all others"
