"""Words of a study's page: what the reader is warned of, and how numbers are written."""

from __future__ import annotations

import json

import pytest
from support import ensembles

from stmgpu.debris.scenario import Scenario
from stmgpu.report.page.study_words import certificate, figure_warning, spoken, warnings
from stmgpu.report.study import study_summary


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0.0, "0"),
        (15_263.2, "15,263"),
        (99.96, "100"),
        (99.94, "99.9"),
        (-0.4712, "−0.471"),
        (2.0, "2.00"),
        (-1.7e-14, "−1.7 × 10⁻¹⁴"),
    ],
)
def test_numbers_are_written_for_a_reader(value: float | None, text: str) -> None:
    assert spoken(value) == text


def test_signed_numbers_have_a_plus() -> None:
    assert [spoken(value, signed=True) for value in (3.0, -3.0, 0.0)] == ["+3.00", "−3.00", "0"]


def test_estimators_without_spread_are_warned_of() -> None:
    study = ensembles.study(runs=10, years=3)
    scenarios = [
        Scenario.model_validate({"name": str(name), "collisions": {"estimator": "expected"}}).model_dump(mode="json")
        for name in study["scenario"].to_numpy()
    ]
    summary = study_summary(study.assign_attrs(scenarios=json.dumps(scenarios)))
    (text,) = warnings(summary, {})
    assert text.startswith("Estimator 'expected' (no removal, removal):")
    assert figure_warning(summary) == ""


def test_certificate_says_what_intervals_do_not_say_and_how_exact_the_balances_are() -> None:
    study = ensembles.study(runs=10, years=3)
    study["mass_balance"].values[0, 0] = 3e-15
    parts = {one["heading"]: one["text"] for one in certificate(study_summary(study))}
    assert "in no interval" in parts["What they do not say"]
    assert "The largest relative error of any balance is 3.0 × 10⁻¹⁵." in parts["What is checked"]
