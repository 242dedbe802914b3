"""Document of a study's page: its numbers are those of the statistics, and every kind of study has one."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import xarray as xr
from support import ensembles

from stmgpu.debris import statistics as st
from stmgpu.errors import InputError
from stmgpu.report.page.document import to_json
from stmgpu.report.page.study import study_document
from stmgpu.report.study import study_summary


@pytest.fixture(scope="module")
def study() -> xr.Dataset:
    return ensembles.study(runs=12, years=6)


@pytest.fixture(scope="module")
def page(study: xr.Dataset) -> tuple[dict[str, Any], dict[str, Any]]:
    return study_document(study)


def test_document_is_json_and_has_every_part(page: tuple[dict[str, Any], dict[str, Any]]) -> None:
    document, columns = page
    assert json.loads(to_json(document)) == document
    assert document["kind"] == "study"
    assert document["title"] == "Debris study, 2025 to 2031"
    assert document["subtitle"] == "no removal, removal"
    assert {"headline", "warnings", "certificate", "notes"} <= set(document)
    assert document["warnings"] == []
    assert document["study"]["warning"] == ""
    assert document["study"]["families"] is None
    assert {name: (array.dtype.str, array.size) for name, array in columns.items()} == {
        "density": ("<f4", 2 * 7 * 36),
        "density_difference": ("<f4", 2 * 7 * 36),
    }


def test_summary_and_headline_are_those_of_the_statistics(
    study: xr.Dataset, page: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    document, _ = page
    assert document["study"]["summary"] == study_summary(study)
    facts = {fact["label"]: fact for fact in document["headline"]}
    mean = float(st.total(study, "population").isel(time=-1, scenario=0).mean())
    assert facts["Objects at the end"]["value"] == f"{mean:,.0f}"
    assert facts["Objects at the end"]["note"].startswith("no removal; at the start 1,000; 95 %: ")
    difference = float(st.paired_difference(study)["estimate"].isel(scenario=1, time=-1))
    assert facts["Objects: largest difference"]["value"] == f"{difference:.3g}".replace("-", "−")


def test_density_is_in_the_order_scenario_year_shell(
    study: xr.Dataset, page: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    density = 1e9 * st.spatial_density(study).sum("class").mean("run").transpose("scenario", "time", "shell")
    _, columns = page
    np.testing.assert_allclose(columns["density"].reshape(2, 7, 36), density, rtol=1e-6)
    np.testing.assert_allclose(
        columns["density_difference"].reshape(2, 7, 36), density - density.isel(scenario=0), rtol=1e-5, atol=1e-6
    )


def test_few_runs_are_said_inside_the_figures() -> None:
    document, _ = study_document(ensembles.study(runs=4, years=3))
    assert document["study"]["warning"] == (
        "Only 4 runs: do not rely on the bands and intervals, which are too narrow."
    )
    assert document["warnings"] == [document["study"]["warning"]]


def test_runs_cut_off_are_listed_and_said(study: xr.Dataset) -> None:
    document, _ = study_document(ensembles.cut(study, 1, 3, 2028.0))
    assert document["study"]["warning"] == "1 run cut off from 2028 on: means are too low from then on."
    assert document["study"]["summary"]["cut_off"] == [{"scenario": "removal", "run": 3, "year": 2028.0}]
    flows = document["study"]["balances"]["flows"][1]
    assert flows[-1]["all"] == pytest.approx(
        float(st.total(study, "population").isel(scenario=1, time=-1, run=[r for r in range(12) if r != 3]).mean())
    )


def test_unfinished_studies_are_reported_from_the_finished_runs(study: xr.Dataset) -> None:
    some = study.where((study.run < 11) | (study.scenario == "no removal"))
    some = some.assign(truncated_year=study["truncated_year"]).assign_attrs(complete=0, tiles_done=23, tiles=24)
    document, _ = study_document(some)
    assert document["warnings"][0].startswith("This study is unfinished: 23 of 24 tiles are computed.")
    assert "no removal 12, removal 11" in document["warnings"][1]
    rows = document["study"]["differences"][0]["rows"]
    assert [row["runs"] for row in rows] == [11]


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_a_scenario_without_a_finished_run_has_no_values(study: xr.Dataset) -> None:
    begun = study.where(study.scenario == "no removal").assign(truncated_year=study["truncated_year"])
    document, _ = study_document(begun.assign_attrs(complete=0, tiles_done=12, tiles=24))
    values = document["study"]["population"][0]["values"]
    assert values[0]["mean"][-1] is not None
    assert set(values[1]["mean"]) == {None}
    assert [fact["label"] for fact in document["headline"]][-1] == "Catastrophic collisions expected"


def test_one_scenario_has_nothing_to_compare() -> None:
    document, _ = study_document(ensembles.study(runs=10, years=3).isel(scenario=[0]))
    study = document["study"]
    assert (study["differences"], study["reduction"], study["costs"]) == ([], None, None)
    assert study["population"][0]["differences"] == []
    assert document["subtitle"] == "no removal"


def test_scenarios_without_removal_have_no_costs(study: xr.Dataset) -> None:
    document, _ = study_document(study.assign(removals=0.0 * study["removals"]))
    assert (document["study"]["reduction"], document["study"]["costs"]) == (None, None)
    assert len(document["study"]["differences"]) == 3


def test_what_is_no_study_is_refused(study: xr.Dataset) -> None:
    with pytest.raises(InputError, match="variable 'removals' is missing"):
        study_document(study.drop_vars("removals"))
    with pytest.raises(InputError, match="price 'per_mission' is unknown; choose per_removal"):
        study_document(study, {"per_mission": 1.0})
