"""Series of a study's page equal the statistics."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from support import ensembles

from stmgpu.debris import statistics as st
from stmgpu.report.page.study_series import (
    collision_series,
    collisions_by_altitude,
    operator_series,
    population_series,
)
from stmgpu.report.study.summary import reduced


@pytest.fixture(scope="module")
def study() -> xr.Dataset:
    return ensembles.study(runs=12, years=6)


def test_population_is_shown_in_all_and_by_class_and_size(study: xr.Dataset) -> None:
    series = population_series(study)
    assert [(one["by"], one["label"]) for one in series] == [
        ("all", "all objects"),
        ("class", "derelict payload"),
        ("class", "collision fragment"),
        ("size", "0.1 to 1 m"),
        ("size", "1 m and larger"),
    ]
    n = st.total(study, "population")
    np.testing.assert_allclose(series[0]["values"][1]["mean"], n[1].mean("run"), rtol=1e-6)
    fragments = study["population"].sel({"class": "collision fragment"})
    np.testing.assert_allclose(series[2]["values"][0]["high"], fragments[0].quantile(0.95, "run"), rtol=1e-6)
    paired = st.paired_difference(study, resamples=1000)
    np.testing.assert_allclose(series[0]["differences"][1]["low"], paired["lower"][1], rtol=1e-6)
    np.testing.assert_allclose(series[0]["gain"][1][-1], paired["gain"][1, -1], rtol=1e-6)
    assert set(series[0]["gain"][0]) == {None}


def test_collisions_have_both_channels(study: xr.Dataset) -> None:
    catastrophic, cratering = collision_series(study)
    assert (catastrophic["kind"], cratering["kind"]) == ("catastrophic", "cratering")
    for channel in ("sampled", "expected"):
        mean = st.collisions(study, channel=channel).mean("run")
        np.testing.assert_allclose(catastrophic[channel][0]["mean"], mean[0], rtol=1e-6)
    assert set(cratering["sampled"][0]["mean"]) == {0.0}
    assert catastrophic["differences"][1]["mean"][-1] < 0.0


def test_collisions_by_altitude_are_those_at_the_end(study: xr.Dataset) -> None:
    by_altitude = collisions_by_altitude(study)
    assert by_altitude.shape == (2, 36)
    expected = study["expected_catastrophic"].isel(time=-1).mean("run")
    np.testing.assert_allclose(by_altitude, expected.transpose("scenario", "shell"))
    assert study["shell"].to_numpy()[by_altitude[0].argmax()] == 825.0


def test_operators_have_clock_and_manoeuvres(study: xr.Dataset) -> None:
    study = study.assign(
        population_steered=study["population_steered"] + 10.0,
        manoeuvres=study["manoeuvres"] + (study["time"] - 2025.0) / study.sizes["shell"],
    )
    found = operator_series(reduced(study))
    assert found["year"] == [2026.0, 2027.0, 2028.0, 2029.0, 2030.0, 2031.0]
    np.testing.assert_allclose(found["crash_clock"][0], st.crash_clock(study).mean("run")[0], rtol=1e-6)
    np.testing.assert_allclose(found["manoeuvres"], 0.1)
    assert operator_series(reduced(study.isel(time=[0]))) == {}
