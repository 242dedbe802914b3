"""Statistics of ensembles against closed forms, hand-computed cases, and SciPy's bootstrap."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr
from scipy import stats
from scipy.stats import chi2, norm
from support import ensembles

from stmgpu.debris import statistics as st
from stmgpu.debris.statistics import bootstrap
from stmgpu.errors import InputError


@pytest.fixture(scope="module")
def study() -> xr.Dataset:
    return ensembles.study()


# --------------------------------------------------------------------------------------------------------- intervals
@pytest.mark.slow
@pytest.mark.parametrize(("ours", "theirs"), [("bca-plain", "BCa"), ("percentile", "percentile")])
def test_bootstrap_agrees_with_scipy(ours: str, theirs: str) -> None:
    """Independent code, other random numbers: agreement to the noise of 20,000 resamples. Percentiles are compared at a
    size where the widening for few runs is below that noise."""
    n = 40 if ours == "bca-plain" else 2000
    x = np.random.default_rng(2).exponential(1.0, n)
    theirs = stats.bootstrap((x,), np.mean, n_resamples=20_000, method=theirs, rng=np.random.default_rng(3))
    want = theirs.confidence_interval
    got = st.bootstrap_interval(xr.DataArray(x, dims="run"), resamples=20_000, method=ours)
    sd = x.std() / np.sqrt(n)
    assert float(got.lower) == pytest.approx(want.low, abs=0.05 * sd)
    assert float(got.upper) == pytest.approx(want.high, abs=0.05 * sd)
    assert float(got.estimate) == pytest.approx(x.mean(), rel=1e-12)


@pytest.mark.parametrize("law", ["normal", "poisson"])
def test_intervals_cover_what_they_promise(law: str) -> None:
    """2,000 ensembles of 20 runs each: 95 % intervals of the mean hold the truth in 95 % of them (standard error
    0.5 %); without the widening for few runs in fewer."""
    rng = np.random.default_rng(11)
    x = rng.normal(7.0, 2.0, (2000, 20)) if law == "normal" else rng.poisson(7.0, (2000, 20)).astype(float)
    da = xr.DataArray(x, dims=("cell", "run"))
    covered = {}
    for method in ("bca", "percentile", "bca-plain"):
        found = st.bootstrap_interval(da, method=method, resamples=1000)
        covered[method] = float(((found.lower <= 7.0) & (found.upper >= 7.0)).mean())
    assert 0.93 <= covered["bca"] <= 0.965
    assert 0.935 <= covered["percentile"] <= 0.965
    assert covered["bca-plain"] < covered["bca"] - 0.01


def test_interval_of_a_normal_mean_has_the_width_of_students() -> None:
    x = np.random.default_rng(5).normal(0.0, 1.0, 25)
    found = st.bootstrap_interval(xr.DataArray(x, dims="run"), resamples=20_000)
    student = 2.0639 * x.std(ddof=1) / 5.0  # t(24) at 97.5 %, from tables
    assert float(found.upper - found.lower) == pytest.approx(2.0 * student, rel=0.04)


def test_named_statistics_and_functions() -> None:
    x = np.random.default_rng(6).poisson(4.0, (3, 50)).astype(float)
    da = xr.DataArray(x, dims=("shell", "run"))
    for name, want in (
        ("variance", x.var(axis=1, ddof=1)),
        ("std", x.std(axis=1, ddof=1)),
        ("dispersion", x.var(axis=1, ddof=1) / x.mean(axis=1)),
    ):
        found = st.bootstrap_interval(da, name)
        np.testing.assert_allclose(found.estimate, want, rtol=1e-12)
        assert ((found.lower < found.estimate) & (found.estimate < found.upper)).all()
    middle = st.bootstrap_interval(da, np.nanmedian, resamples=500, method="percentile")
    np.testing.assert_array_equal(middle.estimate, np.median(x, axis=1))
    assert ((middle.lower >= 2.0) & (middle.upper <= 6.0)).all()
    by_function = st.bootstrap_interval(da, np.mean, resamples=300)
    xr.testing.assert_allclose(by_function, st.bootstrap_interval(da, "mean", resamples=300))  # the same draws


def test_interval_depends_neither_on_chunks_nor_on_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    da = xr.DataArray(np.random.default_rng(8).normal(size=(5, 7, 30)), dims=("scenario", "time", "run"))
    want = st.bootstrap_interval(da, resamples=200)
    monkeypatch.setattr(bootstrap, "_BLOCK_BYTES", 4000)  # single rows and cells
    xr.testing.assert_allclose(st.bootstrap_interval(da, resamples=200), want, rtol=1e-12)
    lazy = st.bootstrap_interval(da.chunk(scenario=2, time=3, run=11), resamples=200)
    assert all(v.chunks is not None for v in lazy.data_vars.values())
    xr.testing.assert_allclose(lazy.compute(), want, rtol=1e-12)


def test_runs_without_a_value_are_left_out_and_counted() -> None:
    x = np.random.default_rng(9).normal(5.0, 1.0, 80)
    holes = x.copy()
    holes[::4] = np.nan
    found = st.bootstrap_interval(xr.DataArray(holes, dims="run"), resamples=10_000)
    rest = st.bootstrap_interval(xr.DataArray(holes[np.isfinite(holes)], dims="run"), resamples=10_000)
    assert int(found.runs_used) == 60
    assert float(found.estimate) == pytest.approx(np.nanmean(x[np.isfinite(holes)]), rel=1e-12)
    for end in ("lower", "upper"):
        assert float(found[end]) == pytest.approx(float(rest[end]), abs=0.02)  # 4 % of its width
    nothing = st.bootstrap_interval(xr.DataArray(np.full((2, 5), np.nan), dims=("time", "run")))
    assert nothing.estimate.isnull().all()
    assert nothing.lower.isnull().all()
    assert int(nothing.runs_used.sum()) == 0
    single = st.bootstrap_interval(xr.DataArray([3.0], dims="run"))
    assert float(single.estimate) == 3.0
    assert np.isnan(float(single.lower))
    flat = st.bootstrap_interval(xr.DataArray(np.full(9, 2.5), dims="run"))
    assert float(flat.lower) == float(flat.upper) == 2.5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"statistic": "mode"}, "statistic 'mode' is unknown; choose mean"),
        ({"level": 95}, "level = 95"),
        ({"resamples": 10}, "resamples = 10 is too few"),
        ({"method": "magic"}, "method 'magic' is unknown"),
    ],
)
def test_impossible_intervals(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        st.bootstrap_interval(xr.DataArray(np.arange(9.0), dims="run"), **change)


# ---------------------------------------------------------------------------------------------- quantiles and tails
def test_quantiles_are_numpys() -> None:
    x = np.random.default_rng(1).normal(size=(4, 31, 3))
    x[0, ::3] = np.nan
    x[1] = np.nan
    da = xr.DataArray(x, dims=("scenario", "run", "time"), attrs={"units": "1"})
    q = [0.0, 0.1, 0.5, 0.77, 1.0]
    found = st.quantiles(da, q)
    np.testing.assert_allclose(found[:, [0, 2, 3]], np.nanquantile(x[[0, 2, 3]], q, axis=1), rtol=1e-13)
    assert found[:, 1].isnull().all()
    assert found.runs_used[:, 0].values.tolist() == [20, 0, 31, 31]
    assert found.attrs["units"] == "1"
    lazy = st.quantiles(da.chunk(run=10, time=1), q)
    assert lazy.chunks is not None
    xr.testing.assert_equal(lazy.compute(), found)


def test_runs_that_were_cut_off_can_count_as_the_largest() -> None:
    da = xr.DataArray([1.0, np.nan, 3.0, 2.0, np.nan], dims="run")
    assert st.quantiles(da, [0.0, 0.25, 0.5, 0.75], capped="high").values.tolist() == [1.0, 2.0, 3.0, np.inf]
    assert float(st.value_at_risk(da, 0.5)) == 3.0
    assert float(st.value_at_risk(da, 0.95)) == np.inf
    assert float(st.value_at_risk(da, 0.5, capped="skip")) == 2.0
    assert float(st.conditional_value_at_risk(da, 0.5)) == np.inf
    assert float(st.conditional_value_at_risk(da, 2.0 / 3.0, capped="skip")) == pytest.approx(3.0)
    with pytest.raises(InputError, match="capped = 'low' is unknown"):
        st.quantiles(da, 0.5, capped="low")
    with pytest.raises(InputError, match="between 0 and 1"):
        st.quantiles(da, 5)


def test_tail_risk_of_a_normal_law() -> None:
    """VaR = z, CVaR = density(z)/(1 - level) of the standard normal law; and a border run counts with its part."""
    da = xr.DataArray(np.random.default_rng(4).normal(size=200_000), dims="run")
    z = norm.ppf(0.95)
    assert float(st.value_at_risk(da)) == pytest.approx(z, abs=0.02)
    assert float(st.conditional_value_at_risk(da)) == pytest.approx(norm.pdf(z) / 0.05, abs=0.03)
    ten = xr.DataArray(np.arange(1.0, 11.0), dims="run")
    assert float(st.conditional_value_at_risk(ten, 0.85)) == pytest.approx((10.0 + 0.5 * 9.0) / 1.5)


def test_dispersion_of_poisson_and_binomial_counts() -> None:
    rng = np.random.default_rng(10)
    poisson = st.index_of_dispersion(xr.DataArray(rng.poisson(6.0, (500, 40)), dims=("cell", "run")))
    inside = (poisson.poisson_lower <= poisson.dispersion) & (poisson.dispersion <= poisson.poisson_upper)
    assert 0.92 <= float(inside.mean()) <= 0.98
    assert float(poisson.poisson_upper[0]) == pytest.approx(chi2.ppf(0.975, 39) / 39)
    binomial = st.index_of_dispersion(xr.DataArray(rng.binomial(20, 0.7, 20_000), dims="run"))
    assert float(binomial.dispersion) == pytest.approx(0.3, rel=0.04)  # 1 - p
    assert float(binomial.dispersion) < float(binomial.poisson_lower)


def test_wilson_and_required_runs() -> None:
    """0 of 10: upper end z^2/(n + z^2) by hand; 633 of 725 runs grew in the IADC comparison of 2013 (normal law: 87.3
    +- 2.4 %, and Wilson's centre lies lower); numbers of runs are (1.96 cv/h)^2, rounded up."""
    low, high = st.wilson_interval(0, 10)
    assert low == pytest.approx(0.0, abs=1e-12)
    assert high == pytest.approx(1.959964**2 / (10 + 1.959964**2), rel=1e-6)
    low, high = st.wilson_interval(633, 725)
    assert (low, high) == pytest.approx((0.8469, 0.8955), abs=2e-4)
    assert [st.required_runs(*pair) for pair in ((0.17, 0.05), (0.35, 0.1), (0.35, 0.02), (0.6, 0.1))] == [
        45,
        48,
        1177,
        139,
    ]
    with pytest.raises(InputError, match="both must be positive"):
        st.required_runs(0.0, 0.1)


# -------------------------------------------------------------------------------------------------------- collisions
def test_collision_rates_in_windows() -> None:
    ds = ensembles.empty(runs=2, years=10)
    ds["collisions_catastrophic"].values[0, 0, :, 3] = np.arange(11) * 2.0
    ds["collisions_cratering"].values[0, 0, :, 3] = np.arange(11) ** 2
    ds["expected_catastrophic"].values[0, 1, :, 5] = np.arange(11) * 0.5
    found = st.collision_rate(ds, window_years=5.0)
    assert found.window.values.tolist() == [2027.5, 2032.5]
    assert found.window_end.values.tolist() == [2030.0, 2035.0]
    assert found.sampled.sel(run=0).isel(scenario=0, shell=3).values.tolist() == [2.0, 2.0]
    assert found.expected.sel(run=1).isel(scenario=0, shell=5).values.tolist() == [0.5, 0.5]
    everything = st.collision_rate(ds, window_years=5.0, kind="all")
    assert everything.sampled.sel(run=0).isel(scenario=0, shell=3).values.tolist() == [7.0, 17.0]
    assert st.collision_rate(ds, window_years=100.0).window_end.values.tolist() == [2035.0]
    with pytest.raises(InputError, match="kind = 'large'"):
        st.collision_rate(ds, window_years=5.0, kind="large")
    with pytest.raises(InputError, match=r"window_years = -1\.0"):
        st.collision_rate(ds, window_years=-1.0)


def test_variance_gain_is_that_of_the_gamma_poisson_law() -> None:
    """Rate from a gamma law of mean m and cv c: the compensator varies by m^2 c^2, the count by m + m^2 c^2."""
    ds = ensembles.study(runs=4000, years=20, rate=0.5)
    m = 0.5 * 20
    gain = st.variance_gain(ds).isel(time=-1)
    assert float(gain.sel(scenario="no removal")) == pytest.approx((m + 0.04 * m**2) / (0.04 * m**2), rel=0.1)
    m *= 0.6
    assert float(gain.sel(scenario="removal")) == pytest.approx((m + 0.04 * m**2) / (0.04 * m**2), rel=0.1)
    assert st.variance_gain(ds).isel(time=0).isnull().all()


def test_steadied_values_keep_the_mean_and_lose_the_luck() -> None:
    """y = 3 N + noise: without the martingale N - C its variance is that of 3 C + noise."""
    ds = ensembles.study(runs=3000)
    n, c = (st.collisions(ds, channel=channel).isel(time=-1) for channel in ("sampled", "expected"))
    y = 3.0 * n + xr.DataArray(np.random.default_rng(1).normal(0.0, 1.0, n.shape), dims=n.dims)
    steady = st.smoothed(ds, y)
    np.testing.assert_allclose(steady.mean("run"), (3.0 * c).mean("run"), atol=0.15)
    np.testing.assert_allclose(steady.var("run", ddof=1), 9.0 * c.var("run", ddof=1) + 1.0, rtol=0.06)
    assert (steady.var("run") < 0.45 * y.var("run")).all()
    assert st.smoothed(ds, st.total(ds, "population")).dims == ("scenario", "run", "time")


def test_crash_clock(study: xr.Dataset) -> None:
    """Rate without manoeuvres: expected catastrophic + cratering + avoided = 2 x 0.5 a year in the first scenario."""
    clock = st.crash_clock(study)
    rate = (365.25 / clock).mean("run")
    np.testing.assert_allclose(rate.sel(scenario="no removal"), 1.0, atol=0.06)
    assert clock.sizes["time"] == study.sizes["time"] - 1
    assert float(st.crash_clock(66.4)) == pytest.approx(5.5, abs=0.01)
    assert float(st.crash_clock(0.0)) == np.inf


# ------------------------------------------------------------------------------------------------------------ growth
def _populations(*series: list[int]) -> xr.Dataset:
    """An ensemble of one scenario whose runs have these numbers of objects."""
    ds = ensembles.empty(runs=len(series), years=len(series[0]) - 1)
    ds["population"].values[0, :, :, 5] = series
    return ds


def test_growth_probability_counts_runs_that_were_cut_off_as_grown() -> None:
    ds = _populations([10, 11, 12], [10, 9, 8], [10, 12, 9], [10, 30, 90], [10, 10, 10])
    ds = ensembles.cut(ds, 0, 3, 2026.5)
    found = st.growth_probability(ds).isel(scenario=0)
    np.testing.assert_allclose(found.probability, [0.0, 3 / 5, 2 / 5])
    assert found.runs_cut_off.values.tolist() == [0, 0, 1]
    assert found.runs_used.values.tolist() == [5, 5, 5]
    low, high = st.wilson_interval(2, 5)
    assert (float(found.lower[-1]), float(found.upper[-1])) == pytest.approx((low, high))
    factor = st.growth_factor(ds).isel(scenario=0, time=-1)
    np.testing.assert_allclose(factor, [1.2, 0.8, 0.9, np.nan, 1.0])


def test_runs_that_are_not_there_do_not_count() -> None:
    ds = _populations([10, 11], [10, 11], [10, 9])
    for name, da in ds.data_vars.items():
        if "time" in da.dims:
            ds[name].values[0, 1] = np.nan
    found = st.growth_probability(ds).isel(scenario=0, time=-1)
    assert (float(found.probability), int(found.runs_used)) == (0.5, 2)
    assert np.isnan(float(st.time_to_double(ds).followed[0, 1]))


def test_time_to_double_by_hand() -> None:
    """Doubling after 1.5 and 3 years, one run cut off after 2 of 4 years, one never: Kaplan and Meier give 1/4 from 2
    years on and 1 - 3/4 x 1/2 = 5/8 after 3."""
    ds = _populations([10, 15, 25, 25, 25], [10, 10, 10, 20, 30], [10, 12, 14, 0, 0], [10, 9, 8, 7, 6])
    ds = ensembles.cut(ds, 0, 2, 2027.5)
    found = st.time_to_double(ds).isel(scenario=0)
    np.testing.assert_allclose(found.years, [1.5, 3.0, np.nan, np.nan])
    np.testing.assert_allclose(found.followed, [1.5, 3.0, 2.0, 4.0])
    np.testing.assert_allclose(found.share, [0.0, 0.0, 0.25, 0.625, 0.625])
    assert float(found.median_years) == 3.0
    assert st.time_to_double(ds, 5.0).median_years.isnull().all()
    with pytest.raises(InputError, match=r"factor = 1\.0 is out of range"):
        st.time_to_double(ds, 1.0)


def test_debris_years_of_a_triangle() -> None:
    ds = _populations([0, 10, 20, 30], [5, 5, 5, 5])
    ds["population"].values[0, :, :, 0] = 1000.0  # active payloads are no debris
    assert st.debris_years(ds).values.tolist() == [[45.0, 15.0]]
    assert st.debris_years(ds, ["active payload"]).values.tolist() == [[3000.0, 3000.0]]
    with pytest.raises(InputError, match="class 'dust' is unknown"):
        st.debris_years(ds, ["dust"])


def test_total_names_what_there_is(study: xr.Dataset) -> None:
    with pytest.raises(InputError, match="no variable 'objects'; it has"):
        st.total(study, "objects")
    cut = ensembles.cut(study, 0, 0, 2030.0)
    assert st.total(cut, "number").isel(scenario=0, run=0, time=slice(5, None)).isnull().all()


# ---------------------------------------------------------------------------------------------------------- policies
def test_paired_differences_and_their_gain(study: xr.Dataset) -> None:
    """Growth differs between runs by 40, the difference of the scenarios by 4: independent runs would need
    (40^2 + 40^2 + 4^2)/4^2 = 201 times as many."""
    found = st.paired_difference(study)
    end = found.sel(scenario="removal").isel(time=-1)
    assert float(end.lower) < -140.0 < float(end.upper)
    assert float(end.upper - end.lower) == pytest.approx(2 * 2.0 * 4.0 / np.sqrt(60), rel=0.25)
    assert float(end.gain) == pytest.approx(201.0, rel=0.6)
    assert (found.sel(scenario="no removal").estimate == 0.0).all()
    assert found.gain.sel(scenario="no removal").isnull().all()
    other = st.paired_difference(study, baseline="removal").sel(scenario="no removal").isel(time=-1)
    assert float(other.estimate) == pytest.approx(-float(end.estimate))
    by_shell = st.paired_difference(study.isel(time=[-1]), st.collisions(study, by_shell=True).isel(time=[-1]))
    assert by_shell.estimate.dims == ("scenario", "time", "shell")
    with pytest.raises(InputError, match="baseline 'nothing' is not a scenario; choose one of no removal, removal"):
        st.paired_difference(study, baseline="nothing")


def test_cut_off_runs_leave_both_sides_of_a_pair(study: xr.Dataset) -> None:
    cut = ensembles.cut(study, 0, 7, 2040.0)
    found = st.paired_difference(cut).sel(scenario="removal").isel(time=-1)
    assert int(found.runs_used) == study.sizes["run"] - 1
    n = st.total(study, "population").isel(time=-1)
    difference = np.delete((n[1] - n[0]).values, 7)
    assert float(found.estimate) == pytest.approx(difference.mean(), rel=1e-12)


def test_effective_reduction_factor_and_collisions_avoided(study: xr.Dataset) -> None:
    """Each removal takes 1.4 objects away; 40 % of 0.5 collisions a year are avoided by 5 removals a year: 0.04."""
    end = st.effective_reduction_factor(study).isel(time=-1)
    assert float(end.lower[1]) < 1.4 < float(end.upper[1])
    assert float(end.removed[1]) == 100.0
    assert np.isnan(float(end.estimate[0]))
    intensity = study.expected_catastrophic.isel(scenario=0, time=-1).sum("shell").mean() / 20.0
    avoided = st.collisions_avoided_per_removal(study).isel(time=-1)
    assert float(avoided.estimate[1]) == pytest.approx(0.4 * float(intensity) / 5.0, rel=1e-9)
    sampled = st.collisions_avoided_per_removal(study, channel="sampled").isel(time=-1)
    assert float(sampled.lower[1]) < 0.04 < float(sampled.upper[1])
    assert float(sampled.upper[1] - sampled.lower[1]) > 1.5 * float(avoided.upper[1] - avoided.lower[1])


def test_costs_by_hand(study: xr.Dataset) -> None:
    """Five removals a year of 10, a campaign of 7 a year, 100 once, 5 % a year: an annuity paid in mid-year."""
    worth = (1.05 ** -(np.arange(20) + 0.5)).sum()
    prices = {"per_removal": 10.0, "per_campaign": 7.0, "fixed": 100.0, "discount_rate": 0.05, "per_collision": 1000.0}
    found = st.cost_per_collision_avoided(study, prices)
    cost = 100.0 + (50.0 + 7.0) * worth
    assert float(found.cost[1]) == pytest.approx(cost)
    intensity = float(study.expected_catastrophic.isel(scenario=0, time=-1).sum("shell").mean()) / 20.0
    assert float(found.avoided[1]) == pytest.approx(0.4 * 20 * intensity)
    assert float(found.cost_per_collision[1]) == pytest.approx(cost / (8.0 * intensity))
    assert float(found.net_present_value[1]) == pytest.approx(1000.0 * 0.4 * intensity * worth - cost)
    assert float(found.cost_per_collision_lower[1]) < cost / 4.0 < float(found.cost_per_collision_upper[1])
    assert np.isnan(float(found.cost[0]))
    rows = [
        {"scenario": 1, "run": r, "time": 2025.0 + y, "type": 3, "first_mass": 200.0, "id": 99}
        for r in range(60)
        for y in range(20)
    ]
    weighed = st.removal_costs(ensembles.with_events(study, rows), {"per_kg": 2.0, "discount_rate": 0.05})
    np.testing.assert_allclose(weighed.sel(scenario="removal"), 400.0 * worth, rtol=1e-12)
    np.testing.assert_allclose(weighed.sel(scenario="no removal"), 0.0)


def test_costs_where_nothing_is_avoided(study: xr.Dataset) -> None:
    ds = study.copy(deep=True)
    ds["expected_catastrophic"].values[1] = ds["expected_catastrophic"].values[0]
    found = st.cost_per_collision_avoided(ds, {"per_removal": 1.0})
    assert float(found.cost_per_collision[1]) == np.inf
    assert float(found.cost_per_collision_upper[1]) == np.inf
    with pytest.raises(InputError, match="price 'per_ton' is unknown; choose per_removal"):
        st.cost_per_collision_avoided(ds, {"per_ton": 1.0})
    with pytest.raises(InputError, match=r"per_kg = -1\.0 is out of range"):
        st.cost_per_collision_avoided(ds, {"per_kg": -1.0})
    with pytest.raises(InputError, match="no event table"):
        st.removal_costs(ds.drop_vars("event_type"), {"per_kg": 1.0})


# ---------------------------------------------------------------------------------------------------------- laziness
@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize(
    "function",
    [
        lambda ds: st.spatial_density(ds),
        lambda ds: st.flux(ds),
        lambda ds: st.collision_rate(ds),
        lambda ds: st.variance_gain(ds),
        lambda ds: st.growth_probability(ds),
        lambda ds: st.growth_factor(ds),
        lambda ds: st.time_to_double(ds, 1.2),
        lambda ds: st.debris_years(ds),
        lambda ds: st.crash_clock(ds),
        lambda ds: st.paired_difference(ds, resamples=100),
        lambda ds: st.smoothed(ds, st.total(ds, "population")),
        lambda ds: st.effective_reduction_factor(ds, resamples=100),
        lambda ds: st.cost_per_collision_avoided(ds, {"per_removal": 1.0}, resamples=100),
        lambda ds: st.index_of_dispersion(st.collisions(ds)),
        lambda ds: st.conditional_value_at_risk(st.total(ds, "population")),
        lambda ds: st.quantiles(ds["number"]),
    ],
    ids=lambda f: "-".join(f.__code__.co_names[1:3]),
)
def test_lazily_loaded_ensembles_give_the_same_and_stay_lazy(study: xr.Dataset, function: Callable[..., Any]) -> None:
    ds = ensembles.cut(study.isel(run=slice(9), time=slice(0, 21, 4)), 1, 2, 2038.0)
    want, got = function(ds), function(ds.chunk(run=4, time=2, shell=20))
    for da in got.data_vars.values() if isinstance(got, xr.Dataset) else [got]:
        assert da.chunks is not None
    xr.testing.assert_allclose(got.compute(), want)
