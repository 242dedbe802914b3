"""The guide of debris studies against the models: keys, defaults, variables, ranks, statistics."""

from __future__ import annotations

import re

import pytest
from pydantic import BaseModel
from support.paths import ROOT

from stmgpu.debris import scenario, specs
from stmgpu.debris.policy.view import RemovalPolicy
from stmgpu.debris.variables import LONG_NAMES

TABLES = {
    "key of the file itself": (scenario.Scenario, scenario.Study),
    "[population]": (specs.PopulationSpec,),
    "[environment]": (specs.EnvironmentSpec,),
    "[propagation]": (specs.PropagationSpec,),
    "[collisions]": (specs.CollisionSpec,),
    "[breakups]": (specs.BreakupSpec,),
    "[launches]": (specs.LaunchSpec,),
    "[[launches.constellations]]": (specs.ConstellationSpec,),
    "[explosions]": (specs.ExplosionSpec,),
    "[[events]]": (specs.EventSpec,),
    "[disposal]": (specs.DisposalSpec,),
    "[output]": (specs.OutputSpec,),
}


def rows(text: str, head: str) -> dict[str, str]:
    """Keys and what stands in the column of defaults."""
    found = re.search(r"^\| `?" + re.escape(head) + r"`? \|.*?\n\|[-|]+\n((?:\|.*\n)+)", text, re.M)
    assert found, head
    keys = {}
    for line in found[1].splitlines():
        cells = line.split(" | ")
        for key in re.findall(r"`([^`]+)`", cells[0]):
            keys[key] = cells[1]
    return keys


def shown(value: object) -> str:
    if value is None or value == ():
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'`"{value}"`'
    if isinstance(value, tuple):
        return f"[{', '.join(map(shown, value))}]"
    return f"{value:,.0f}" if float(value).is_integer() and value >= 10_000 else f"{value:g}"


@pytest.mark.parametrize("head", TABLES)
def test_tables_of_the_scenario_file_are_those_of_the_models(head: str) -> None:
    text = (ROOT / "docs" / "guide" / "debris-scenario-file.md").read_text(encoding="utf-8")
    keys = rows(text, head)
    wanted = {}
    for model in TABLES[head]:
        for name, field in model.model_fields.items():
            if isinstance(field.default, BaseModel) and head == "[environment]":
                wanted |= {f"{name}.{k}": f.default for k, f in type(field.default).model_fields.items()}
            elif not isinstance(field.default, BaseModel) and name not in ("scenarios", "removal", "events"):
                wanted[name] = "needed" if field.is_required() else field.default
    assert keys.keys() == wanted.keys()
    for name, default in wanted.items():
        if name in ("area_to_mass", "objects") or (name, head) == ("year", "[population]"):  # words
            continue
        assert keys[name].split(" (")[0] == ("needed" if default == "needed" else shown(default)), name


def test_every_variable_and_policy_is_in_the_guide() -> None:
    text = (ROOT / "docs" / "guide" / "debris-results.md").read_text(encoding="utf-8")
    for name in LONG_NAMES:
        assert f"`{name}`" in text, name
    page = (ROOT / "docs" / "guide" / "debris-policies.md").read_text(encoding="utf-8")
    for rank, cls in RemovalPolicy.registry.items():
        if cls.__module__.startswith("stmgpu."):
            assert f'| `"{rank}"` |' in page, rank


def test_every_statistic_is_in_the_guide() -> None:
    from stmgpu.debris import statistics

    page = (ROOT / "docs" / "guide" / "debris-statistics.md").read_text(encoding="utf-8")
    table = page[page.index("| function |") :]
    for name in statistics.__all__:
        assert re.search(rf"`{name}\b", table), name
