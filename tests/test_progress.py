"""Progress of long computations."""

from __future__ import annotations

import pytest

import stmgpu as stm
from stmgpu.debris.specs import PopulationSpec
from stmgpu.progress import reporting


def test_nothing_is_shown_unless_asked(capsys: pytest.CaptureFixture[str]) -> None:
    for progress in (None, False):
        with reporting(progress, "screening") as report:
            report(1.0)
    assert capsys.readouterr().err == ""


def test_a_study_shows_a_bar(capsys: pytest.CaptureFixture[str]) -> None:
    scenario = stm.Scenario(population=PopulationSpec(objects=100))
    stm.evolve(scenario, years=1, runs=2, progress=True, backend="reference")
    assert "evolving: 100%" in capsys.readouterr().err
    fractions: list[float] = []
    stm.evolve(scenario, years=1, runs=2, progress=fractions.append, backend="reference")
    assert fractions == [0.5, 1.0]
