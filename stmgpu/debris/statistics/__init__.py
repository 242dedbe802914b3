"""Statistics of debris studies.

Functions of an ensemble take the Dataset of :func:`stmgpu.evolve` or of a store, in memory or lazily loaded:

* :mod:`~stmgpu.debris.statistics.runs`: quantiles, tail risk, dispersion, proportions, number of runs;
* :mod:`~stmgpu.debris.statistics.bootstrap`: bootstrap intervals;
* :mod:`~stmgpu.debris.statistics.growth`: collision rates, growth, doubling, debris-years, CRASH clock;
* :mod:`~stmgpu.debris.statistics.crash`: the CRASH clock of a population, with its parts;
* :mod:`~stmgpu.debris.statistics.operators`: manoeuvres a satellite and year;
* :mod:`~stmgpu.debris.statistics.orbit_flux`: flux on a given orbit;
* :mod:`~stmgpu.debris.statistics.policy_effects`: paired differences, effective reduction factor, costs;
* :mod:`~stmgpu.debris.statistics.genealogy`: ancestry of breakups, removal evaluated on stored runs;
* :mod:`~stmgpu.debris.statistics.density`: density, speed and flux by altitude and latitude;
* :mod:`~stmgpu.debris.statistics.screenings`: conjunction rates and removal value from screenings.

>>> from stmgpu.debris import statistics
>>> statistics.required_runs(cv=0.17, half_width=0.05)
45
"""

from __future__ import annotations

from stmgpu.debris.statistics.bootstrap import bootstrap_interval
from stmgpu.debris.statistics.crash import population_crash_clock
from stmgpu.debris.statistics.density import (
    flux,
    latitude_density,
    relative_speed,
    spatial_density,
)
from stmgpu.debris.statistics.genealogy import ancestors, collisions_without, descendants, genealogy
from stmgpu.debris.statistics.growth import (
    collision_rate,
    collisions,
    crash_clock,
    debris_years,
    growth_factor,
    growth_probability,
    smoothed,
    time_to_double,
    total,
    variance_gain,
)
from stmgpu.debris.statistics.operators import manoeuvres_per_satellite
from stmgpu.debris.statistics.orbit_flux import orbit_flux
from stmgpu.debris.statistics.policy_effects import (
    collisions_avoided_per_removal,
    cost_per_collision_avoided,
    effective_reduction_factor,
    paired_difference,
    removal_costs,
)
from stmgpu.debris.statistics.runs import (
    conditional_value_at_risk,
    index_of_dispersion,
    quantiles,
    required_runs,
    value_at_risk,
    wilson_interval,
)
from stmgpu.debris.statistics.screenings import conjunction_rate, removal_value

__all__ = [
    "ancestors",
    "bootstrap_interval",
    "collision_rate",
    "collisions",
    "collisions_avoided_per_removal",
    "collisions_without",
    "conditional_value_at_risk",
    "conjunction_rate",
    "cost_per_collision_avoided",
    "crash_clock",
    "debris_years",
    "descendants",
    "effective_reduction_factor",
    "flux",
    "genealogy",
    "growth_factor",
    "growth_probability",
    "index_of_dispersion",
    "latitude_density",
    "manoeuvres_per_satellite",
    "orbit_flux",
    "paired_difference",
    "population_crash_clock",
    "quantiles",
    "relative_speed",
    "removal_costs",
    "removal_value",
    "required_runs",
    "smoothed",
    "spatial_density",
    "time_to_double",
    "total",
    "value_at_risk",
    "variance_gain",
    "wilson_interval",
]
