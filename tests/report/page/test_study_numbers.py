"""Numbers of a study's page: rounded, null where there is none, bands over the runs."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from stmgpu.debris import statistics as st
from stmgpu.report.page.study_numbers import bands, interval_at_end, mean_of_runs, numbers


def _values(runs: int = 20) -> xr.DataArray:
    values = np.random.default_rng(1).normal(100.0, 10.0, (2, runs, 3))
    return xr.DataArray(values, dims=("scenario", "run", "time"))


def test_numbers_keep_seven_digits() -> None:
    assert numbers([[1.0 / 3.0, np.nan], [np.inf, 1.5e12]]) == [[0.3333333, None], [None, 1.5e12]]
    assert numbers(np.float64(2.0)) == 2.0
    assert numbers(np.nan) is None


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_means_leave_runs_without_a_value_out() -> None:
    values = _values(4)
    values[0, 1] = np.nan
    values[1] = np.nan
    mean = mean_of_runs(values)
    np.testing.assert_allclose(mean[0], values[0, [0, 2, 3]].mean("run"))
    assert np.isnan(mean[1]).all()


def test_bands_hold_90_percent_of_the_runs_or_the_interval_of_the_mean() -> None:
    values = _values()
    curves = bands(values, of_mean=(1,))
    np.testing.assert_allclose(curves[0]["low"], values[0].quantile(0.05, "run"), rtol=1e-6)
    np.testing.assert_allclose(curves[0]["high"], values[0].quantile(0.95, "run"), rtol=1e-6)
    np.testing.assert_allclose(curves[1]["mean"], values[1].mean("run"), rtol=1e-6)
    interval = st.bootstrap_interval(values[1], resamples=1000)
    np.testing.assert_allclose(curves[1]["low"], interval["lower"], rtol=1e-6)
    assert np.all(np.array(curves[1]["high"]) < np.array(bands(values)[1]["high"]))


def test_interval_at_end_takes_the_last_time() -> None:
    interval = st.bootstrap_interval(_values())
    one = interval_at_end(interval, 1)
    assert one["mid"] == pytest.approx(float(interval["estimate"][1, -1]), rel=1e-6)
    assert one["low"] < one["mid"] < one["high"]
    assert one["runs"] == 20
