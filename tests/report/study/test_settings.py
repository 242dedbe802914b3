"""Settings of a study's page: what the scenarios differ in, and what they share."""

from __future__ import annotations

import json

import xarray as xr

from stmgpu.debris.policy import RandomRemoval, RiskRemoval
from stmgpu.debris.scenario import Scenario
from stmgpu.report.study.settings import NOT_SET, settings, without_spread


def _study(*scenarios: Scenario) -> xr.Dataset:
    return xr.Dataset(attrs={"scenarios": json.dumps([one.model_dump(mode="json") for one in scenarios])})


def _scenario(name: str, *policies: object, **more: object) -> Scenario:
    values = {"name": name, "population": {"objects": 800, "constellations": False}, **more}
    return Scenario.model_validate(values).model_copy(update={"removal": policies})


def test_keys_that_differ_are_those_of_the_file() -> None:
    found = settings(
        _study(
            _scenario("none"),
            _scenario("risk", RiskRemoval(per_year=5, from_year=2030)),
            _scenario("random", RandomRemoval(per_year=10, from_year=2030, failure=0.2)),
        )
    )
    assert found["differ"] == [
        {"key": "removal 1.rank", "values": [NOT_SET, "risk", "random"]},
        {"key": "removal 1.from_year", "values": [NOT_SET, "2030.0", "2030.0"]},
        {"key": "removal 1.per_year", "values": [NOT_SET, "5", "10"]},
        {"key": "removal 1.failure", "values": [NOT_SET, "0.0", "0.2"]},
    ]


def test_shared_keys_are_those_that_are_not_the_defaults() -> None:
    assert settings(_study(_scenario("one"), _scenario("two")))["shared"] == [
        {"key": "population.objects", "value": "800"},
        {"key": "population.constellations", "value": "false"},
    ]


def test_ensembles_without_their_settings_have_none() -> None:
    assert settings(xr.Dataset()) == {"differ": [], "shared": []}
    assert without_spread(xr.Dataset(attrs={"scenarios": "["})) == ()


def test_scenarios_without_spread_are_those_with_expected_collisions() -> None:
    expected = _scenario("virtual", collisions={"estimator": "expected"})
    assert without_spread(_study(_scenario("drawn"), expected)) == (1,)
