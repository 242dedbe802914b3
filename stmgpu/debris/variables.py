"""Variables of an ensemble: names, dimensions, types and units, in memory and in stores."""

from __future__ import annotations

from stmgpu.variables import Variable

BY_SHELL = (
    "collisions_catastrophic",
    "collisions_cratering",
    "expected_catastrophic",
    "expected_cratering",
    "expected_fragments",
    "active_losses",
    "expected_active_losses",
    "manoeuvres",
)
BY_CLASS = (
    "explosions",
    "launches",
    "disposals",
    "disposals_failed",
    "removals",
    "removals_failed",
    "decays",
    "fragments",
    "scheduled_breakups",
)
BY_RUN = ("expected_avoided", "expected_within_fleets")
RATES = ("rate_catastrophic", "rate_cratering")
NOW_BY_SHELL = ("number", "mass", "area")
NOW_BY_CLASS = ("population", "total_mass")
NOW_BY_SHELL_AND = {"number_by_size": "size", "number_by_inclination": "inclination"}
"""Counts by shell and another dimension than the class."""

NOW_BY_RUN = ("population_steered",)
BY_FLEET = ("constellation_losses", "constellation_manoeuvres")
NOW_BY_FLEET = ("constellation_active", "constellation_derelict")
"""Series by constellation, of studies that have any."""

BALANCES = ("count_balance", "mass_balance", "breakup_balance", "momentum_balance", "energy_balance")

LONG_NAMES = {
    "number": ("1", "effective number of objects: fractions of their periods spent in the shell"),
    "mass": ("kg", "mass in the shell, by fractions of periods"),
    "area": ("m2", "cross-section in the shell, by fractions of periods"),
    "number_by_size": ("1", "effective number of objects of a size: fractions of their periods spent in the shell"),
    "number_by_inclination": (
        "1",
        "effective number of objects in a bin of inclination: fractions of their periods spent in the shell",
    ),
    "population_by_size": ("1", "number of objects of a size, in the shells or not"),
    "population": ("1", "number of objects, in the shells or not"),
    "total_mass": ("kg", "mass of all objects, in the shells or not"),
    "collisions_catastrophic": ("1", "catastrophic collisions since the start"),
    "collisions_cratering": ("1", "collisions that were not catastrophic since the start"),
    "expected_catastrophic": ("1", "sum of the probabilities of catastrophic collisions since the start (compensator)"),
    "expected_cratering": (
        "1",
        "sum of the probabilities of collisions that are not catastrophic since the start (compensator)",
    ),
    "expected_fragments": ("1", "sum of probability times fragments over all encounters since the start"),
    "active_losses": ("1", "active satellites hit since the start"),
    "expected_active_losses": ("1", "sum of the probabilities that active satellites are hit since the start"),
    "manoeuvres": (
        "1",
        "expected manoeuvres since the start: passages within output.manoeuvre_km times the share that is avoided",
    ),
    "population_steered": ("1", "number of objects that avoid others"),
    "constellation_active": ("1", "active satellites of the constellation"),
    "constellation_derelict": ("1", "derelict satellites of the constellation"),
    "constellation_losses": (
        "1",
        "sum of the probabilities that active satellites of the constellation are hit since the start",
    ),
    "constellation_manoeuvres": ("1", "expected manoeuvres of the constellation since the start"),
    "rate_catastrophic": ("a-1", "mean-field rate of catastrophic collisions at that time"),
    "rate_cratering": ("a-1", "mean-field rate of collisions that are not catastrophic at that time"),
    "explosions": ("1", "explosions since the start"),
    "launches": ("1", "objects launched since the start"),
    "disposals": ("1", "disposals that succeeded since the start"),
    "disposals_failed": ("1", "disposals that failed since the start"),
    "removals": ("1", "objects that policies removed, lowered or kept out of the way since the start"),
    "removals_failed": ("1", "missions of policies that failed since the start"),
    "decays": ("1", "objects decayed since the start"),
    "fragments": ("1", "fragments made since the start"),
    "scheduled_breakups": ("1", "objects broken up by scheduled events since the start"),
    "expected_avoided": ("1", "expected collisions avoided by manoeuvres since the start"),
    "expected_within_fleets": (
        "1",
        "expected collisions between derelict members of one constellation since the start",
    ),
    "count_balance": ("1", "relative error of the number of objects against all that entered and left"),
    "mass_balance": ("1", "relative error of the mass against all that entered and left"),
    "breakup_balance": ("1", "largest relative error of mass in a breakup"),
    "momentum_balance": ("1", "largest momentum that a breakup did not conserve, relative to its fragments'"),
    "energy_balance": (
        "1",
        "largest energy that fragments carried beyond that of their impact, relative; what they do not carry is heat",
    ),
    "final_year": ("a", "decimal year of the final population; not a number where none was kept"),
    "truncated_year": ("a", "when a run was cut off for too many objects; not a number where it was not"),
}
"""Units and long_name of each variable of an ensemble."""

CATASTROPHIC, CRATERING, EXPLOSION, REMOVAL, REMOVAL_FAILED = range(5)
"""Types of events."""

MISSIONS = (REMOVAL, REMOVAL_FAILED)
"""Types of events that are no breakups."""

EVENT_TYPES = {
    CATASTROPHIC: "catastrophic_collision",
    CRATERING: "cratering_collision",
    EXPLOSION: "explosion",
    REMOVAL: "removal",
    REMOVAL_FAILED: "failed_removal",
}
"""Types of events and their names."""

EVENTS = {
    "scenario": ("int32", "1", "index of the scenario"),
    "run": ("int32", "1", "index of the run"),
    "time": ("float64", "a", "decimal year"),
    "type": ("int8", "", "type of the event"),
    "id": ("int64", "1", "number of the event; its fragments have it as their cause"),
    "first": ("int64", "1", "uid of the target, or of the object that exploded or was removed"),
    "second": ("int64", "1", "uid of the projectile, -1 for none"),
    "first_norad": ("int64", "1", "NORAD id of the first, 0 for none"),
    "second_norad": ("int64", "1", "NORAD id of the second, 0 for none"),
    "first_class": ("int8", "1", "class of the first"),
    "second_class": ("int8", "1", "class of the second, -1 for none"),
    "first_mass": ("float64", "kg", "mass of the first"),
    "second_mass": ("float64", "kg", "mass of the second"),
    "speed": ("float64", "km s-1", "relative speed"),
    "energy": ("float64", "J g-1", "energy over the mass of the target"),
    "altitude": ("float64", "km", "altitude"),
    "latitude": ("float64", "rad", "geocentric latitude"),
    "fragments": ("float64", "1", "fragments made, large ones included; in a crater also the target that is left"),
    "first_cause": ("int64", "1", "event that made the first, 0 for none"),
    "second_cause": ("int64", "1", "event that made the second, 0 for none"),
    "scheduled": ("int32", "1", "number of the scheduled event of the scenario that caused it, 0 for none"),
}
"""Type, units and long_name of the columns of the event table; their names in the Dataset begin with ``event_``."""


FINAL = {
    "scenario": ("int32", "1", "index of the scenario"),
    "run": ("int32", "1", "index of the run"),
    "norad_id": ("int64", "1", "NORAD id, 0 for none"),
    "kind": ("int8", "1", "class"),
    "a_km": ("float64", "km", "mean semi-major axis"),
    "ecc": ("float64", "1", "mean eccentricity"),
    "inc_rad": ("float64", "rad", "mean inclination"),
    "raan_rad": ("float64", "rad", "mean right ascension of the ascending node"),
    "argp_rad": ("float64", "rad", "mean argument of perigee"),
    "mean_rad": ("float64", "rad", "mean anomaly"),
    "mass_kg": ("float64", "kg", "mass"),
    "radius_m": ("float64", "m", "radius of the circle that collides"),
    "area_to_mass": ("float64", "m2 kg-1", "cross-section over mass"),
    "length_m": ("float64", "m", "characteristic length"),
    "launch_year": ("float64", "a", "decimal year of launch, or of the breakup of a fragment"),
    "mission_end_year": ("float64", "a", "decimal year in which the mission ends, infinity for never"),
    "controlled": ("int8", "1", "1 for objects that avoid others"),
    "constellation": ("text", "", "constellation, empty for none"),
    "owner": ("text", "", "owner, empty where not known"),
    "weight": ("float64", "1", "number of objects that the row stands for"),
    "filled": ("int8", "1", "values that were filled in: 1 mass, 2 radius, 4 area over mass, 8 launch date"),
    "ballistic_m2_kg": ("float64", "m2 kg-1", "drag coefficient times area over mass, its spread included"),
    "explodes_year": ("float64", "a", "decimal year of an explosion that is due, infinity for never"),
    "avoidance": ("float64", "1", "factor on the probability of collisions with intact objects"),
    "cause": ("int64", "1", "number of the breakup that made a fragment, negative, 0 for none"),
    "born_year": ("float64", "a", "decimal year from which the object exists"),
}
"""Type, units and long_name of the columns of final populations; their names in the Dataset begin with ``final_``."""


def dims_of(name: str) -> tuple[str, ...]:
    """Dimensions of a variable."""
    if name in BALANCES or name in ("truncated_year", "final_year"):
        return ("scenario", "run")
    time = ("scenario", "run", "time")
    if name in NOW_BY_SHELL:
        return (*time, "shell", "class")
    if name in BY_FLEET or name in NOW_BY_FLEET:
        return (*time, "constellation")
    if name in NOW_BY_SHELL_AND:
        return (*time, "shell", NOW_BY_SHELL_AND[name])
    if name == "population_by_size":
        return (*time, "size")
    if name in BY_SHELL or name in RATES:
        return (*time, "shell")
    if name in BY_CLASS or name in NOW_BY_CLASS:
        return (*time, "class")
    return time


def dtype_of(name: str) -> str:
    """Type of a variable: float32 for those by shell and another dimension, otherwise float64."""
    return "float32" if name in NOW_BY_SHELL or name in NOW_BY_SHELL_AND else "float64"


def _coordinate(dim: str, dtype: str, long_name: str, units: str = "", *, required: bool = True) -> Variable:
    return Variable((dim,), dtype, long_name, units, coordinate=True, required=required)


COORDINATES = {
    "scenario": _coordinate("scenario", "text", "scenario"),
    "time": _coordinate("time", "float64", "decimal year (UTC)", "a"),
    "shell": _coordinate("shell", "float64", "altitude of the middle of the shell", "km"),
    "shell_lower": _coordinate("shell", "float64", "altitude of the lower edge of the shell", "km"),
    "shell_upper": _coordinate("shell", "float64", "altitude of the upper edge of the shell", "km"),
    "class": _coordinate("class", "text", "class of objects"),
    "size": _coordinate("size", "text", "size of objects, by their characteristic length", required=False),
    "size_lower": _coordinate("size", "float64", "smallest characteristic length", "m", required=False),
    "size_upper": _coordinate("size", "float64", "characteristic length that is too large", "m", required=False),
    "constellation": _coordinate("constellation", "text", "constellation", required=False),
    "inclination": _coordinate("inclination", "float64", "middle of the bin of inclination", "degree", required=False),
    "inclination_lower": _coordinate("inclination", "float64", "smallest inclination", "degree", required=False),
    "inclination_upper": _coordinate("inclination", "float64", "largest inclination", "degree", required=False),
}
"""Coordinates of an ensemble."""

_OPTIONAL = frozenset(
    {
        *NOW_BY_SHELL_AND,
        *NOW_BY_RUN,
        *BY_FLEET,
        *NOW_BY_FLEET,
        "population_by_size",
        "active_losses",
        "expected_active_losses",
        "manoeuvres",
        "expected_within_fleets",
        "scheduled_breakups",
        "event_scheduled",
        "final_year",
    }
)
"""What older stores, or those without constellations or final populations, do not hold."""

VARIABLES = {
    **COORDINATES,
    **{
        name: Variable(dims_of(name), dtype_of(name), long_name, units, required=name not in _OPTIONAL)
        for name, (units, long_name) in LONG_NAMES.items()
    },
    **{
        f"event_{name}": Variable(
            ("event",),
            dtype,
            text,
            units,
            flags=EVENT_TYPES if name == "type" else None,
            required=f"event_{name}" not in _OPTIONAL,
        )
        for name, (dtype, units, text) in EVENTS.items()
    },
    **{
        f"final_{name}": Variable(("object",), dtype, text, units, required=False)
        for name, (dtype, units, text) in FINAL.items()
    },
}
"""Every variable of an ensemble."""

TITLE = "Monte-Carlo evolution of the debris population"
