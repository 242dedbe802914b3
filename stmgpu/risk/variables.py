"""The variables of an assessment: what every conjunction gets, with units, meaning and source."""

from __future__ import annotations

from dataclasses import replace

from stmgpu.risk.triage import DECISIONS
from stmgpu.screen.variables import ROW
from stmgpu.variables import Variable

CLIPPED, NOT_POSITIVE, NO_SPEED, NO_MISS = 1, 2, 4, 8
EXTENDED, OFFSET, SHIFTED, CURVED = 16, 32, 64, 128
AGE_BEYOND_MODEL, REMEDIED, MISSING, NOT_CALIBRATED = 256, 512, 1024, 2048
CORRELATED = 4096
NO_VELOCITIES, INDEFINITE, NO_OVERLAP, CURVED_EXTENDED, CURVED_OFFSET = 8192, 16384, 32768, 65536, 131072
BLENDED, UNCORRELATED, UNSTEADY = 262144, 524288, 1048576
STAYS, EARTH_FIXED = 2097152, 16777216

FLAGS = {
    CLIPPED: "eigenvalue_raised",
    NOT_POSITIVE: "covariance_not_positive",
    NO_SPEED: "no_relative_velocity",
    NO_MISS: "no_miss",
    EXTENDED: "extended",
    OFFSET: "offset",
    SHIFTED: "shifted",
    CURVED: "curved",
    AGE_BEYOND_MODEL: "age_beyond_covariance_model",
    REMEDIED: "covariance_remedied",
    MISSING: "covariance_missing",
    NOT_CALIBRATED: "covariance_model_not_calibrated",
    CORRELATED: "common_density_error_removed",
    NO_VELOCITIES: "covariance_without_velocities",
    INDEFINITE: "covariance_of_an_object_not_positive",
    NO_OVERLAP: "no_overlap_of_the_densities_found",
    CURVED_EXTENDED: "too_extended_for_nc_2d",
    CURVED_OFFSET: "too_offset_for_nc_2d",
    BLENDED: "entries_may_repeat",
    UNCORRELATED: "curved_method_keeps_common_density_error",
    UNSTEADY: "relative_velocity_uncertain",
    STAYS: "pair_does_not_part",
    EARTH_FIXED: "earth_fixed_states_without_polar_motion",
}
"""Bits of the variable ``pc_flags`` and their names."""

NONE, PLANE, CURVED_PLANE, ENTRIES, STAY, SAMPLES = 0, 1, 2, 3, 4, 5

METHODS = {
    NONE: "none",
    PLANE: "plane_2d",
    CURVED_PLANE: "nc_2d",
    ENTRIES: "nc_3d",
    STAY: "dwell",
    SAMPLES: "monte_carlo",
}
"""Codes of the variable ``pc_method`` and their names."""

_EACH = (ROW,)
_COPPOLA = "(Coppola, AAS 12-248) in units of the shorter orbital period"


def _number(meaning: str, units: str = "1") -> Variable:
    return Variable(_EACH, "float64", meaning, units, required=False)


def _text(meaning: str) -> Variable:
    return Variable(_EACH, "text", meaning, required=False)


VARIABLES = {
    "pc": _number("collision probability by the method of pc_method (NaN: no method holds)"),
    "pc_method": Variable(_EACH, "int8", "method of the collision probability", flags=METHODS, required=False),
    "pc_flags": Variable(
        _EACH,
        "int32",
        "what speaks against the collision probability, and what its covariances lack",
        flags=FLAGS,
        masks=True,
        required=False,
    ),
    "pc_lower": _number(
        "lower limit of the collision probability: of Clopper and Pearson (95 %) for monte_carlo, the probability to "
        "be within the radius at the start for dwell, else the probability itself; NaN with the flag "
        "entries_may_repeat of nc_3d"
    ),
    "pc_upper": _number(
        "upper limit of the collision probability: of Clopper and Pearson (95 %) for monte_carlo, else the probability "
        "itself"
    ),
    "pc_max": _number("largest two-dimensional probability over the size of the combined covariance (Alfano 2005)"),
    "pc_max_sigma": _number("standard deviation along the minor axis at which the probability is largest", "m"),
    "diluted": Variable(
        _EACH,
        "int8",
        "whether the probability is largest at a smaller covariance, so that better data may raise it",
        flags={0: "no", 1: "yes"},
        required=False,
    ),
    "hard_body_radius": _number("combined hard-body radius", "m"),
    "hard_body_source": _text("rule and entries that the hard-body radius comes from"),
    "covariance_source_1": _text("source of the covariance of the primary"),
    "covariance_source_2": _text("source of the covariance of the secondary"),
    "covariance_age_1": _number("age at TCA of the data behind the covariance of the primary (NaN: unknown)", "d"),
    "covariance_age_2": _number("age at TCA of the data behind the covariance of the secondary (NaN: unknown)", "d"),
    "sigma_major": _number("standard deviation along the major axis of the encounter plane", "m"),
    "sigma_minor": _number("standard deviation along the minor axis of the encounter plane", "m"),
    "miss_major": _number("miss along the major axis of the encounter plane", "m"),
    "miss_minor": _number("miss along the minor axis of the encounter plane", "m"),
    "mahalanobis": _number("miss in units of its standard deviations in the encounter plane"),
    "approach_angle": _number("angle between the velocities of the two objects", "degree"),
    "encounter_duration": _number(f"length of the encounter {_COPPOLA}"),
    "encounter_offset": _number(f"distance of the middle of the encounter from the closest approach {_COPPOLA}"),
    "p_act": _number(
        "probability that pc will be at or above the red line at the decision (NaN: pc is not of plane_2d)"
    ),
    "triage": Variable(_EACH, "int8", "what to do about the conjunction", flags=DECISIONS, required=False),
    "triage_reason": _text("why"),
}
"""Every variable that an assessment adds to conjunctions, in the order of its columns."""

MESSAGES_TITLE = "assessment of conjunction data messages; the primary is object 1"

MESSAGES = {
    "tca": Variable(_EACH, "time", "time of closest approach (UTC)", standard_name="time"),
    "message_id": Variable(_EACH, "text", "id of the message"),
    "designator_1": Variable(_EACH, "text", "designator of object 1"),
    "designator_2": Variable(_EACH, "text", "designator of object 2"),
    "name_1": Variable(_EACH, "text", "name of object 1"),
    "name_2": Variable(_EACH, "text", "name of object 2"),
    "miss_distance": Variable(_EACH, "float64", "distance at TCA", "km"),
    "relative_speed": Variable(_EACH, "float64", "relative speed at TCA", "km s-1"),
    **{name: replace(variable, required=True) for name, variable in VARIABLES.items()},
    "pc_stated": Variable(_EACH, "float64", "collision probability that the message states (NaN: none)", "1"),
    "pc_stated_method": Variable(_EACH, "text", "method that the message states, empty if none"),
    "source": Variable(_EACH, "text", "file and place of the message"),
}
"""Every variable of assessed messages, in the order of its columns."""

TITLE = "assessment of conjunctions"

STATE, TERM = "state", "term"
"""Dimensions of the states and covariances of an assessment."""

STATES = {
    f"state_{k}": Variable(
        (ROW, STATE),
        "float64",
        f"state of the {who} at TCA in GCRF: x, y, z [km], then vx, vy, vz [km s-1] (NaN: stated in ITRF)",
    )
    for k, who in ((1, "primary"), (2, "secondary"))
}
"""States that every stored assessment has, in a group of their own."""

COVARIANCES = {
    f"covariance_{k}": Variable(
        (ROW, TERM),
        "float64",
        f"covariance of the {who} in its own RTN axes: the lower triangle row by row, [m2, m2 s-1, m2 s-2]",
        required=False,
    )
    for k, who in ((1, "primary"), (2, "secondary"))
}
"""Covariances beside the states, unless they follow from the name of a model."""
