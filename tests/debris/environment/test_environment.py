"""Density tables and the Sun's direction, against published numbers and against the models themselves."""

from __future__ import annotations

import pickle
import warnings
from pathlib import Path
from typing import Any

import erfa
import numpy as np
import pymsis
import pytest
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.io import loadmat, savemat
from support.paths import SHARED

from stmgpu.debris.environment import Environment, atmosphere, sun_direction
from stmgpu.debris.environment.atmosphere import (
    HEIGHTS_KM,
    Density,
    Exponential,
    FourExponentials,
    Jb2008,
    Nrlmsis,
    exponential_log_density,
    four_exponential_log_density,
)
from stmgpu.debris.environment.solar import Recorded, Sinusoid
from stmgpu.debris.specs import EnvironmentSpec, SolarSpec
from stmgpu.errors import InputError

DATA = SHARED / "data" / "debris"
JB2008 = DATA / "mocat_mc" / "dens_jb2008_032020_022224.mat"
WEATHER = DATA / "space_weather" / "sw19571001.txt"
CO2 = DATA / "space_weather" / "DEN-CO2scaling2000-2100_v3.nc"
FINE = np.arange(150.0, 1001.0)

Floats = NDArray[np.float64]


def data(path: Path) -> Path:
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    return path


@pytest.fixture(scope="module")
def table() -> Jb2008:
    return Jb2008(data(JB2008))


def at(height_km: float, curves: Floats) -> Floats:
    """Densities where the kernels look them up: linear in ln(rho)."""
    k, part = divmod((height_km - HEIGHTS_KM[0]) / (HEIGHTS_KM[1] - HEIGHTS_KM[0]), 1.0)
    result: Floats = np.exp(curves[:, int(k)] * (1.0 - part) + curves[:, int(k) + 1] * part)
    return result


def worst(curve: Floats, truth: Floats, heights: Floats = FINE) -> float:
    """Largest relative error of a table, linear in ln(rho) between its heights."""
    return float(np.abs(np.exp(np.interp(heights, HEIGHTS_KM, curve) - truth) - 1.0).max())


def lifetime(curve: Floats, height_km: float) -> float:
    """Years of a circular orbit down to 150 km at C_d A/m = 0.022 m^2/kg: da/dt = -rho B sqrt(mu a)."""
    heights = np.arange(150.0, height_km + 0.5, 0.5)
    radius_m = (6378.137 + heights) * 1000.0
    speed = np.exp(np.interp(heights, HEIGHTS_KM, curve)) * 0.022 * np.sqrt(3.986004418e14 * radius_m)
    return float(np.trapezoid(1.0 / speed, radius_m)) / (365.25 * 86_400.0)


# ------------------------------------------------------------------------------------------------ closed forms
def test_vallado_at_printed_heights() -> None:
    """Vallado, table 8-4, with 9.518e-12 at 350 km."""
    printed = {
        150: 2.070e-9,
        200: 2.789e-10,
        350: 9.518e-12,
        400: 3.725e-12,
        500: 6.967e-13,
        600: 1.454e-13,
        700: 3.614e-14,
        800: 1.170e-14,
        900: 5.245e-15,
        1000: 3.019e-15,
    }
    curve = Exponential().log_density(np.zeros(1), np.zeros(1), np.zeros(1))
    for height, density in printed.items():
        assert at(height, curve)[0] == pytest.approx(density, rel=1e-9)
    assert exponential_log_density(1300.0) == pytest.approx(np.log(3.019e-15) - 300.0 / 268.0)


def test_vallado_is_continuous() -> None:
    """The erratum at 350 km (9.158e-12 in print): with the corrected value no layer boundary jumps by over 0.2 %."""
    boundaries = np.r_[120.0:151.0:10.0, 180.0, 200.0:501.0:50.0, 600.0:1001.0:100.0]
    jump = exponential_log_density(boundaries) - exponential_log_density(boundaries - 1e-9)
    assert np.abs(jump).max() < 0.002


def test_four_exponentials() -> None:
    """debris reference 4.2: 4.1e-14 kg/m^3 at 500 km, ten times below the mean of JB2008 (5.59e-13)."""
    assert np.exp(four_exponential_log_density(500.0)) == pytest.approx(4.1e-14, rel=0.01)
    curve = FourExponentials().log_density(np.zeros(1), np.zeros(1), np.zeros(1))[0]
    assert worst(curve, four_exponential_log_density(FINE)) < 0.004
    assert worst(curve, four_exponential_log_density(FINE[30:]), FINE[30:]) < 0.001


def test_the_grid_follows_vallado() -> None:
    curve = Exponential().log_density(np.zeros(1), np.zeros(1), np.zeros(1))[0]
    assert worst(curve, exponential_log_density(FINE)) < 1e-4


@pytest.mark.parametrize(
    ("height", "years"),
    [(400, 0.38), (500, 2.3), (550, 5.3), (600, 11.8), (700, 52), (800, 191), (900, 543), (1000, 1221)],
)
def test_lifetimes_in_vallado(height: float, years: float) -> None:
    """debris reference 4.4, circular decay to 150 km."""
    curve = Exponential().log_density(np.zeros(1), np.zeros(1), np.zeros(1))[0]
    assert lifetime(curve, height) == pytest.approx(years, rel=0.015)


# ------------------------------------------------------------------------------------------------ JB2008
@pytest.mark.parametrize(
    ("height", "mean", "low", "high"),
    [
        (400, 2.81e-12, 6.8e-13, 6.8e-12),
        (500, 5.59e-13, 8.4e-14, 1.60e-12),
        (600, 1.35e-13, 1.6e-14, 4.3e-13),
        (700, 3.90e-14, 5.1e-15, 1.28e-13),
        (800, 1.37e-14, 2.6e-15, 4.3e-14),
        (900, 6.04e-15, 1.6e-15, 1.7e-14),
        (1000, 3.26e-15, 1.1e-15, 8.2e-15),
    ],
)
def test_jb2008_statistics(table: Jb2008, height: float, mean: float, low: float, high: float) -> None:
    """debris reference 4.2: mean and 5 and 95 % of all months, there with straight lines between 51 km (up to 1 %
    more)."""
    years = 2020.21 + np.arange(2448) / 12.0
    density = at(height, table.log_density(years, years, years))
    assert density.mean() == pytest.approx(mean, rel=0.01)
    assert np.percentile(density, [5, 95]) == pytest.approx([low, high], rel=0.05)


@pytest.mark.parametrize(
    ("height", "years"), [(400, 0.51), (500, 3.0), (600, 14.0), (700, 54), (800, 179), (1000, 1109)]
)
def test_lifetimes_in_mean_jb2008(table: Jb2008, height: float, years: float) -> None:
    """debris reference 4.4, mean density held constant."""
    when = 2020.21 + np.arange(2448) / 12.0
    curve = np.log(np.exp(table.log_density(when, when, when)).mean(axis=0))
    assert lifetime(curve, height) == pytest.approx(years, rel=0.02)


def test_jb2008_month_and_grid(table: Jb2008) -> None:
    """A month's column holds in the whole month; between the file's altitudes ln(rho) is a cubic spline."""
    content = loadmat(JB2008)["dens_highvar"][0, 0]
    curve = CubicSpline(content["alt"].ravel(), np.log(content["dens"][:, 100]))  # March 2020 + 100 months = July 2028
    years = np.array([2028.505, 2028.57])
    got = table.log_density(years, years, years)
    assert np.array_equal(got[0], got[1])
    assert got[0, 8] == pytest.approx(np.log(content["dens"][0, 100]))  # 200 km
    high = FINE[FINE >= 200.0]
    assert worst(got[0], curve(high), high) < 0.0025
    below = exponential_log_density(HEIGHTS_KM[:9])
    assert got[0, :9] - got[0, 8] == pytest.approx(below - below[8])


def test_cubic_between_altitudes_is_better_than_lines() -> None:
    """Every other altitude of the file, predicted from its neighbours 102 km apart."""
    content = loadmat(data(JB2008))["dens_highvar"][0, 0]
    altitude, curve = content["alt"].ravel(), np.log(content["dens"][:, ::50])
    left = slice(3, 17, 2)  # 354 to 971 km
    cubic = CubicSpline(altitude[::2], curve[::2], axis=0)(altitude[left]) - curve[left]
    lines = 0.5 * (curve[2:16:2] + curve[4:18:2]) - curve[left]
    assert np.abs(cubic).max() < 0.012
    assert np.abs(lines).max() > 0.04


def test_jb2008_years_outside(table: Jb2008) -> None:
    with pytest.raises(InputError, match=r"covers 2020-03 to 2224-02, the run needs 2020\.00 to 2100\.00"):
        Environment(table, 2020.0, 2100.0)
    with pytest.raises(InputError, match=r"the run needs 2025\.00 to 2225\.00"):
        Environment.build(EnvironmentSpec(density="jb2008", path=JB2008), 2025.0, 2225.0)


def _mat(**change: Any) -> dict[str, Any]:
    altitude = np.linspace(200.0, 2000.0, 9)
    month = np.arange(24)
    fields = {
        "dens": np.exp(-22.0 - altitude[:, np.newaxis] / 60.0 + 0.0 * month),
        "year": 2020 + month // 12,
        "month": month % 12 + 1,
        "alt": altitude,
    }
    return {"dens_highvar": {k: v for k, v in (fields | change).items() if v is not None}}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"other": np.ones(3)}, "it holds other, and no structure with the fields dens, year, month, alt"),
        (_mat(alt=None), "no structure"),
        (
            _mat(alt=np.linspace(200.0, 1500.0, 9)),
            r"covers altitudes from 200 to 1500 km; it must cover 300 to 2000 km",
        ),
        (
            _mat(alt=np.linspace(400.0, 2000.0, 9)),
            r"covers altitudes from 400 to 2000 km; it must cover 300 to 2000 km",
        ),
        (_mat(alt=np.linspace(2000.0, 200.0, 9)), "increasing altitudes"),
        (_mat(dens=np.ones((24, 9))), r"dens has shape \(24, 9\)"),
        (_mat(dens=-np.ones((9, 24))), "must hold positive values"),
        (_mat(dens=np.full((9, 24), np.nan)), "must hold positive values"),
        (_mat(month=np.ones(24)), "consecutive months"),
        (_mat(year=np.full(24, np.nan)), "consecutive months"),
    ],
)
def test_other_mat_files(tmp_path: Path, content: dict[str, Any], message: str) -> None:
    path = tmp_path / "table.mat"
    savemat(path, content, do_compression=True)
    with pytest.raises(InputError, match=message) as caught:
        Jb2008(path)
    assert str(path) in str(caught.value)


def test_own_table(tmp_path: Path) -> None:
    """Any table of this form serves: here rho = exp(-22 - h/60) at all times."""
    savemat(tmp_path / "own.mat", _mat(), do_compression=True)
    own = Jb2008(tmp_path / "own.mat")
    assert own.covers == "2020-01 to 2021-12"
    assert own.log_density(np.array([2021.5]), FINE, FINE)[0, 8:] == pytest.approx(-22.0 - HEIGHTS_KM[8:] / 60.0)


def test_no_mat_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"MAT file .* cannot be read"):
        Jb2008(tmp_path / "none.mat")
    (tmp_path / "text.mat").write_text("not a table\n" * 40, encoding="ascii")
    with pytest.raises(InputError, match="cannot be read as a MAT-file"):
        Jb2008(tmp_path / "text.mat")


# ------------------------------------------------------------------------------------------------ NRLMSIS
def dense_mean(heights: Floats, f107: float, ap: float) -> Floats:
    """Mean of NRLMSIS over 12 dates, 8 hours of universal time, 10 longitudes and 10 Gauss latitudes, by another rule
    than the table's, at equal distance from the Earth's centre (WGS-84: the poles lie 21.385 km lower)."""
    hours = np.arange(96)
    date = np.datetime64("2021-01-16", "h") + hours // 8 * 730 + hours % 8 * 3
    sine, weight = np.polynomial.legendre.leggauss(10)
    d, lon, lat, h = (
        a.ravel()
        for a in np.meshgrid(
            np.arange(96), np.arange(0.0, 360.0, 36.0), np.arange(10), np.arange(len(heights)), indexing="ij"
        )
    )
    full, altitude = np.full(len(d), f107), heights[h] + 21.385 * sine[lat] ** 2
    rho = pymsis.calculate(
        date[d], lon, np.degrees(np.arcsin(sine[lat])), altitude, full, full, np.full((len(d), 7), ap)
    )[:, 0].reshape(96 * 10, 10, len(heights))
    result: Floats = (rho.mean(axis=0) * weight[:, np.newaxis] / 2.0).sum(axis=0)
    return result


@pytest.mark.parametrize(("f107", "ap", "fixed"), [(73.0, 4.0, False), (123.0, 12.8, True), (231.0, 27.0, False)])
def test_nrlmsis_table_against_the_model(f107: float, ap: float, fixed: bool) -> None:
    """At heights, F10.7 and Ap between those of the table, and within 0.5 % all in all."""
    heights = np.array([150.0, 155.0, 163.0, 185.0, 215.0, 290.0, 405.0, 555.0, 645.0, 795.0, 995.0])
    curve = Nrlmsis(ap if fixed else None).log_density(np.zeros(1), np.array([f107]), np.array([ap]))[0]
    truth = np.log(dense_mean(heights, f107, ap))
    assert worst(curve, truth, heights) < 0.005
    assert worst(curve, truth[4:], heights[4:]) < 0.002


def test_nrlmsis_is_near_the_other_models(table: Jb2008) -> None:
    """Two models of the same thermosphere over a solar cycle: within 35 % at 400 to 800 km (they are 15 % uncertain
    each, and JB2008's table stands at geodetic altitudes, which makes 5 to 12 %)."""
    years = 2025.0 + np.arange(132) / 12.0
    environment = Environment(Nrlmsis(12.8), 2025.0, 2036.0, Sinusoid(123.0, 45.0, 12.8))
    ours = environment.log_density(years)
    months = 2020.21 + np.arange(2448) / 12.0
    theirs = table.log_density(months, months, months)
    for height in (400, 500, 600, 700, 800):
        assert at(height, ours).mean() == pytest.approx(at(height, theirs).mean(), rel=0.35)


def test_nothing_is_downloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """pymsis fetches a file where F10.7 or Ap are not given: neither its look-up nor a socket may be touched."""

    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("a look-up of space weather")

    monkeypatch.setattr(pymsis.utils, "get_f107_ap", refuse)
    monkeypatch.setattr("socket.socket.connect", refuse)
    atmosphere._msis_table.cache_clear()
    assert np.isfinite(Nrlmsis(11.0)._table).all()


def test_nrlmsis_outside_its_table() -> None:
    with pytest.raises(InputError, match=r"F10\.7 goes from 180 to 420 .* covers 60 to 300; change solar\.f107"):
        Environment.build(EnvironmentSpec(solar=SolarSpec(f107=300.0, amplitude=120.0)), 2025.0, 2035.0)


def test_without_pymsis(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pymsis", None)
    atmosphere._msis_table.cache_clear()
    with pytest.raises(InputError, match=r"needs the package pymsis.*pip install pymsis"):
        Environment.build(EnvironmentSpec(), 2025.0, 2035.0)


# ------------------------------------------------------------------------------------------------ Environment
def test_one_table_for_all_runs_unless_cycles_are_drawn() -> None:
    years = 2025.0 + np.arange(120) / 12.0
    environment = Environment(Exponential(), 2025.0, 2035.0)
    first = environment.log_density(years, np.random.default_rng(1))
    assert environment.log_density(years, np.random.default_rng(2)) is first
    assert not environment.varies
    assert not first.flags.writeable
    assert first.shape == (120, len(environment.heights))
    assert environment.heights[0] == environment.lowest_km == 120.0
    assert environment.heights[-1] == 2000.0
    assert np.diff(environment.heights).tolist() == [environment.spacing_km] * 188


@pytest.mark.slow
@pytest.mark.parametrize("model", ["repeat", "bootstrap"])
def test_density_follows_the_recorded_sun(model: str) -> None:
    """Drawn months are rows of a table made once: they equal what the model gives for that month's F10.7 and Ap."""
    spec = EnvironmentSpec(solar=SolarSpec(model=model, space_weather=data(WEATHER)), co2_scenario="none")
    environment = Environment.build(spec, 2000.0, 2060.0)
    assert environment.varies == (model == "bootstrap")
    after = "5 past cycles drawn at random" if environment.varies else "the cycle from 2008-12 repeated"
    assert environment.notes[-1] == f"solar activity: observed 1957-10 to 2026-07, then {after}"
    years = 2000.04 + np.arange(719) / 12.0
    got = environment.log_density(years, np.random.default_rng(5))
    assert isinstance(environment.solar, Recorded)
    rows = environment.solar.months(years, 2060.0, np.random.default_rng(5))
    f107, ap = environment.solar.weather.f107[rows], environment.solar.weather.ap[rows]
    assert np.array_equal(got, environment.density.log_density(years, f107, ap))
    assert np.corrcoef(f107, got[:, 38])[0, 1] > 0.9
    other = environment.log_density(years, np.random.default_rng(6))
    assert np.array_equal(got[:318], other[:318])  # observed to July 2026
    assert np.array_equal(got, other) == (model == "repeat")
    again = pickle.loads(pickle.dumps(environment)).log_density(years, np.random.default_rng(5))  # noqa: S301
    assert np.array_equal(got, again)


def test_years_outside_are_refused() -> None:
    environment = Environment(Exponential(), 2025.0, 2035.0)
    environment.log_density([2025.0 - 1e-9, 2035.0 + 1.0 / 12.0])
    with pytest.raises(
        InputError,
        match=r"density of 2024\.000 to 2026\.000 is outside .* 2025\.000 to 2035\.000",
    ):
        environment.log_density([2024.0, 2026.0])
    with pytest.raises(InputError, match="is outside the years"):
        environment.log_density([2030.0, 2035.2])
    with pytest.raises(InputError, match="is outside the years"):
        environment.log_density([np.nan])
    with pytest.raises(InputError, match="one dimension"):
        environment.log_density(2026.0)
    with pytest.raises(InputError, match="is after the last"):
        Environment(Exponential(), 2035.0, 2025.0)


def test_models_keep_the_protocol() -> None:
    models: list[Density] = [Exponential(), FourExponentials()]
    for model in models:
        model.check(1957.0, 3000.0, (0.0, 1000.0), (0.0, 1000.0))
        assert model.notes


# ------------------------------------------------------------------------------------------------ the Sun
def test_sun_against_erfa() -> None:
    """Earth's position (ERFA epv00, 1900 to 2100 exact, longer good enough), turned to the mean equator of date."""
    years = np.linspace(1957.0, 2225.0, 4001)
    days = (years - 2000.0) * 365.25
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", erfa.ErfaWarning)
        earth = erfa.epv00(2451545.0, days)[0]["p"]
    sun = -np.einsum("kij,kj->ki", erfa.pmat06(2451545.0, days), earth)
    sun /= np.linalg.norm(sun, axis=1, keepdims=True)
    got = sun_direction(years)
    assert np.linalg.norm(got, axis=1) == pytest.approx(np.ones(4001), abs=1e-14)
    error = np.degrees(np.linalg.norm(got - sun, axis=1))
    assert error[years <= 2125.0].max() < 0.016
    assert error.max() < 0.021


def test_sun_at_the_equinox() -> None:
    """Equinox of 2024-03-20, 03:06 UTC (Astronomical Almanac): along +x, rising through the equator."""
    year = 2000.0 + (2_460_389.5 + 3.1 / 24.0 - 2_451_545.0) / 365.25
    assert sun_direction(year) == pytest.approx([1.0, 0.0, 0.0], abs=2e-4)
    assert sun_direction(year + 0.01)[2] > 0.0
