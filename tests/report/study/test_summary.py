"""Summary of a study: numbers equal those of the ensemble; incomplete ensembles are rejected."""

from __future__ import annotations

import json

import pytest
import xarray as xr
from support import ensembles

from stmgpu.debris import statistics as st
from stmgpu.debris.variables import BALANCES
from stmgpu.errors import InputError
from stmgpu.report.study import study_summary


@pytest.fixture(scope="module")
def study() -> xr.Dataset:
    return ensembles.study(runs=40, years=20)


def test_summary_holds_the_numbers_of_the_ensemble(study: xr.Dataset) -> None:
    summary = study_summary(study)
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary
    assert (summary["first_year"], summary["last_year"], summary["runs"]) == (2025.0, 2045.0, 40)
    base, removal = summary["scenarios"]
    n = st.total(study, "population").isel(time=-1)
    assert base["objects_start"] == 1000.0
    assert base["objects_end"]["mean"] == pytest.approx(float(n[0].mean()))
    assert base["change_percent"]["mean"] == pytest.approx(float(n[0].mean()) / 10.0 - 100.0)
    assert removal["difference"]["mean"] == pytest.approx(float((n[1] - n[0]).mean()))
    assert removal["difference"]["lower"] < -140.0 < removal["difference"]["upper"]
    assert removal["difference"]["gain"] > 50.0
    assert removal["effective_reduction_factor"]["lower"] < 1.4 < removal["effective_reduction_factor"]["upper"]
    assert removal["removed"] == 100.0
    sampled = st.collisions(study).isel(time=-1)
    assert removal["catastrophic_sampled"]["mean"] == pytest.approx(float(sampled[1].mean()))
    assert removal["catastrophic_expected"]["upper"] < base["catastrophic_expected"]["lower"]
    assert base["difference"] is None
    assert base["effective_reduction_factor"] is None
    assert base["growth_probability"]["mean"] == 1.0
    assert base["doubling"] == {"share": 0.0, "median_years": None}
    assert summary["cut_off"] == []
    assert set(summary["balances"]) == set(BALANCES)


@pytest.mark.slow
def test_lazily_loaded_studies_give_the_same_summary(study) -> None:
    assert study_summary(study.chunk(run=7, time=5)) == study_summary(study)


def test_studies_that_cannot_be_summarised(study: xr.Dataset) -> None:
    with pytest.raises(InputError, match=r"not an ensemble of stmgpu\.evolve: variable 'population' is missing"):
        study_summary(study.drop_vars("population"))
    with pytest.raises(InputError, match="no run of this study is finished"):
        study_summary(study.where(study.run < 0))
