"""Variables of an ensemble: what a store must hold to be read."""

from __future__ import annotations

from stmgpu.debris.variables import VARIABLES

FIRST_STORES = [
    "scenario",
    "time",
    "shell",
    "shell_lower",
    "shell_upper",
    "class",
    "number",
    "mass",
    "area",
    "population",
    "total_mass",
    "collisions_catastrophic",
    "collisions_cratering",
    "expected_catastrophic",
    "expected_cratering",
    "expected_fragments",
    "rate_catastrophic",
    "rate_cratering",
    "explosions",
    "launches",
    "disposals",
    "disposals_failed",
    "removals",
    "removals_failed",
    "decays",
    "fragments",
    "expected_avoided",
    "count_balance",
    "mass_balance",
    "breakup_balance",
    "momentum_balance",
    "energy_balance",
    "truncated_year",
    "event_scenario",
    "event_run",
    "event_time",
    "event_type",
    "event_id",
    "event_first",
    "event_second",
    "event_first_norad",
    "event_second_norad",
    "event_first_class",
    "event_second_class",
    "event_first_mass",
    "event_second_mass",
    "event_speed",
    "event_energy",
    "event_altitude",
    "event_latitude",
    "event_fragments",
    "event_first_cause",
    "event_second_cause",
]
"""What every store of kind 'ensemble' has held since its schema began; do not add to it."""


def test_stores_without_later_variables_can_still_be_read() -> None:
    assert [name for name, variable in VARIABLES.items() if variable.required and name not in FIRST_STORES] == []
    assert [name for name in FIRST_STORES if not VARIABLES[name].required] == []
