"""The variables of an ephemeris: names, dimensions, types and CF attributes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from stmgpu.propagate.codes import CODES
from stmgpu.variables import Variable

if TYPE_CHECKING:
    from stmgpu.catalog import Catalog

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


def sets_attributes(catalog: Catalog) -> dict[str, str | int]:
    """Attributes of a result that say which element sets were not used, empty if there are none.

    Examples
    --------
    >>> from stmgpu.catalog import synthetic_catalog
    >>> sets_attributes(synthetic_catalog(3))
    {}
    """
    if not catalog.sets_not_used:
        return {}
    return {"element_sets": catalog.sets or "newest", "element_sets_not_used": catalog.sets_not_used}


AXES = ("x", "y", "z")

TITLE = "ephemeris of objects propagated with SGP4"
