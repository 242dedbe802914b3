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

MOST_SETTINGS = 12
"""Settings that are listed below the table of a study."""

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


def density_lines(summary: dict[str, Any]) -> list[str]:
    """Say whether the runs differ in the density of the atmosphere, as far as that is recorded."""
    sigmas = summary["density_sigma"]
    if not sigmas:
        return []
    if max(sigmas) == 0.0:
        return ["intervals: without what is unknown about the density of the atmosphere (density_sigma = 0)"]
    shown = " to ".join(f"{sigma:g}" for sigma in dict.fromkeys((min(sigmas), max(sigmas))))
    return [f"intervals: with one factor a run on the density of the atmosphere, log-normal, sigma {shown}"]


def settings_lines(summary: dict[str, Any]) -> list[str]:
    """Settings in which the scenarios differ, a line for each.

    An entry of a list that some scenarios have, all with the same values, takes one line, with its first key.
    """
    names = [one["name"] for one in summary["scenarios"]]
    differ = summary["settings_that_differ"]
    varied = {_entry(one["key"]) for one in differ if len(set(one["values"]) - {NOT_SET}) > 1}
    entries: dict[str, list[str]] = {}
    for one in differ:
        entry, key = _entry(one["key"]), one["key"].rpartition(".")[2]
        if entry in varied or not entry[-1:].isdigit():
            entries[one["key"]] = one["values"]
        else:
            entries.setdefault(entry, [value if value == NOT_SET else f"{key} {value}" for value in one["values"]])
    lines = [
        f"setting {key}: " + ", ".join(f"{name} = {value}" for name, value in zip(names, values, strict=True))
        for key, values in entries.items()
    ]
    more = len(lines) - MOST_SETTINGS
    if more <= 0:
        return lines
    return [*lines[:MOST_SETTINGS], f"settings: {more} more differ, see the attribute scenarios of the result"]


def _entry(key: str) -> str:
    """Return the entry of a list that a key belongs to, or the table."""
    return key.rpartition(".")[0]


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
