"""Scenario and study: defaults, JSON, and that they are frozen."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from stmgpu.debris.policy import RiskRemoval
from stmgpu.debris.scenario import Scenario, Study
from stmgpu.debris.specs import DisposalSpec


def test_defaults_of_a_study() -> None:
    study = Study(scenarios=(Scenario(),))
    assert (study.years, study.runs) == (100.0, 20)
    assert study.scenarios[0].removal == ()


def test_models_survive_json_and_cannot_be_changed() -> None:
    scenario = Scenario(disposal=DisposalSpec(payload=0.5), removal=(RiskRemoval(per_year=5),))
    assert Scenario.model_validate_json(scenario.model_dump_json()) == scenario
    with pytest.raises(ValidationError, match="frozen"):
        scenario.name = "other"
    with pytest.raises(ValidationError, match="frozen"):
        scenario.disposal.payload = 1.0
