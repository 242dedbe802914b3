"""The settings of a study: what its scenarios differ in, and what they share."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from stmgpu.debris.policy.policies import RiskRemoval
from stmgpu.debris.scenario import Scenario

if TYPE_CHECKING:
    from collections.abc import Iterator

    import xarray as xr

NOT_SET = "not set"
"""What stands for a key that a scenario does not have, or that is empty."""

_ALWAYS = ("rank", "per_year", "from_year")
"""Keys of a policy that stand on the page even if they have their usual values."""


def stored_scenarios(ds: xr.Dataset) -> list[dict[str, Any]]:
    """Settings of the scenarios as the ensemble records them; empty where it does not."""
    try:
        found = json.loads(ds.attrs["scenarios"])
    except (KeyError, TypeError, ValueError):
        return []
    return [dict(scenario) for scenario in found]


def without_spread(ds: xr.Dataset) -> tuple[int, ...]:
    """Numbers of the scenarios with the estimator 'expected', whose runs have no spread of their own."""
    return tuple(
        number
        for number, scenario in enumerate(stored_scenarios(ds))
        if scenario.get("collisions", {}).get("estimator") == "expected"
    )


def settings(ds: xr.Dataset) -> dict[str, list[dict[str, Any]]]:
    """Keys in which the scenarios differ, and those that they share.

    Returns
    -------
    dict
        ``differ``: for each key its ``values`` by scenario, as texts; ``shared``: for each key that all scenarios set
        to the same value, which is not the default, its ``value``. Keys are written as in a scenario file, entries of
        lists counted from 1; keys of a policy that all policies leave at its default are left out.
    """
    flat = [dict(_flat(scenario)) for scenario in stored_scenarios(ds)]
    if not flat:
        return {"differ": [], "shared": []}
    usual = dict(_flat(Scenario().model_dump(mode="json")))
    policy = dict(_flat(RiskRemoval(per_year=0).model_dump(mode="json", exclude=set(_ALWAYS))))
    keys = [key for key in dict.fromkeys(key for one in flat for key in one) if key not in ("name", "removal")]
    differ, shared = [], []
    for key in keys:
        values = [one.get(key, NOT_SET) for one in flat]
        of_policy = policy.get(key.partition(".")[2], NOT_SET) if key.startswith("removal ") else NOT_SET
        if len(set(values)) > 1:
            if not set(values) <= {NOT_SET, of_policy}:
                differ.append({"key": key, "values": values})
        elif values[0] not in (usual.get(key, NOT_SET), NOT_SET):
            shared.append({"key": key, "value": values[0]})
    return {"differ": differ, "shared": shared}


def _flat(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Yield the keys of nested settings with their values as texts."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _flat(inner, f"{key}.{name}" if key else str(name))
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        for number, item in enumerate(value, 1):
            yield from _flat(item, f"{key} {number}")
    elif value is None or value == []:
        yield key, NOT_SET
    else:
        yield key, value if isinstance(value, str) else json.dumps(value)
