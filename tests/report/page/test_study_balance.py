"""Balances of a study's page add up, by class and in all."""

from __future__ import annotations

import numpy as np
import pytest
from support import ensembles

from stmgpu.report.page.study_balance import REST, balances


def test_flows_add_up_by_class() -> None:
    study = ensembles.study(runs=10, years=5)
    fragment = list(study["class"].to_numpy()).index(ensembles.FRAGMENT)
    study["launches"].values[..., 0] = 3.0 * np.arange(6)
    study["fragments"].values[..., fragment] = 12.0 * np.arange(6)
    study["decays"].values[..., fragment] = 2.0 * np.arange(6)
    found = balances(study)
    rows = found["flows"][1]
    assert [row["label"] for row in rows] == [
        "at the start",
        "launched",
        "made as fragments",
        "decayed",
        REST,
        "at the end",
    ]
    values = np.array([row["values"] for row in rows])
    np.testing.assert_allclose(values[:-1].sum(axis=0), values[-1], atol=1e-3)
    assert values[1][0] == 15.0
    assert values[3][fragment] == -10.0
    assert rows[-1]["all"] == pytest.approx(float(study["population"][1, :, -1].sum("class").mean()), rel=1e-6)
    assert [row["label"] for row in found["counted"][1]] == ["missions of policies that succeeded"]
    assert found["counted"][1][0]["all"] == 25.0
    assert found["mass"][0][0]["all"] == 400.0


def test_errors_are_the_largest_of_any_run() -> None:
    study = ensembles.study(runs=10, years=5)
    study["mass_balance"].values[1, 3] = -2e-15
    errors = {one["label"]: one["largest"] for one in balances(study)["errors"]}
    assert errors == {"count": 0.0, "mass": 2e-15, "breakup": 0.0, "momentum": 0.0, "energy": 0.0}
