"""Effects of policies on a study's page equal the statistics; costs without an upper limit say so."""

from __future__ import annotations

import pytest
import xarray as xr
from support import ensembles

from stmgpu.debris import statistics as st
from stmgpu.report.page.study_effects import costs, differences_at_end, reduction
from stmgpu.report.study.summary import reduced


@pytest.fixture(scope="module")
def study() -> xr.Dataset:
    return ensembles.study(runs=12, years=6)


def test_differences_are_paired(study: xr.Dataset) -> None:
    objects, collisions, mass = differences_at_end(reduced(study))
    paired = st.paired_difference(study).isel(scenario=1, time=-1)
    (row,) = objects["rows"]
    assert (row["scenario"], row["runs"]) == (1, 12)
    assert row["mid"] == pytest.approx(float(paired["estimate"]), rel=1e-6)
    assert row["low"] == pytest.approx(float(paired["lower"]), rel=1e-6)
    assert row["gain"] == pytest.approx(float(paired["gain"]), rel=1e-6)
    assert collisions["rows"][0]["high"] < 0.0
    assert mass["rows"][0]["mid"] == 0.0


def test_reduction_is_per_object_removed(study: xr.Dataset) -> None:
    found = reduction(reduced(study))
    factor = st.effective_reduction_factor(study).isel(scenario=1, time=-1)
    (row,) = found["objects"]
    assert row["mid"] == pytest.approx(float(factor["estimate"]), rel=1e-6)
    assert row["removed"] == 30.0
    assert found["collisions"][0]["mid"] == pytest.approx(
        float(st.collisions_avoided_per_removal(study)["estimate"].isel(scenario=1, time=-1)), rel=1e-6
    )
    assert found["curves"][1]["mean"][0] is None  # nothing is removed yet


def test_costs_are_missions_unless_prices_are_given(study: xr.Dataset) -> None:
    missions, money = costs(study, None), costs(study, {"per_removal": 2e6, "per_collision": 1e8})
    assert (missions["unit"], money["unit"]) == ("missions", "money")
    assert missions["rows"][0]["cost"]["mid"] == 30.0
    assert money["rows"][0]["cost"]["mid"] == 6e7
    avoided = missions["rows"][0]["avoided"]["mid"]
    assert missions["rows"][0]["cost_per_collision"]["mid"] == pytest.approx(30.0 / avoided, rel=1e-5)
    assert money["rows"][0]["net_present_value"]["mid"] == pytest.approx(1e8 * avoided - 6e7, rel=1e-5)
    assert not missions["rows"][0]["open"]


def test_cost_has_no_upper_limit_where_no_collision_is_shown_to_be_avoided(study: xr.Dataset) -> None:
    same = study.copy(deep=True)
    swapped = study["expected_catastrophic"].isel(run=slice(None, None, -1)).to_numpy()[0]
    same["expected_catastrophic"].values[1] = swapped
    (row,) = costs(same, None)["rows"]
    assert row["open"]
    assert row["cost_per_collision"]["high"] is None


def test_costs_need_two_records(study: xr.Dataset) -> None:
    assert costs(study.isel(time=[0]), None)["rows"] == []
