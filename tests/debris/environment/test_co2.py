"""Scaling of the density by carbon dioxide, against numbers of its file."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from support.paths import SHARED

from stmgpu.debris.environment import Co2Pathway, Co2Scaling, Environment
from stmgpu.debris.environment.atmosphere import HEIGHTS_KM, Exponential
from stmgpu.debris.environment.solar import Sinusoid
from stmgpu.debris.specs import CO2_PATHWAYS, EnvironmentSpec
from stmgpu.errors import InputError

DATA = SHARED / "data" / "debris"
CO2 = DATA / "space_weather" / "DEN-CO2scaling2000-2100_v3.nc"


def data(path: Path) -> Path:
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    return path


def test_co2_numbers_of_the_file() -> None:
    """RCP4.5 at 400 km: factors of the years 2000, 2025 and 2050 at F10.7 = 70, and between years, fluxes and
    heights."""
    with h5py.File(data(CO2)) as file:
        factor = file["RCP45"][()]  # [altitude 200..1000 by 100, year 2000..2100, F10.7 70, 100, 135, 170, 200]
    co2 = Co2Scaling(CO2, "RCP4.5")
    got = np.exp(co2.log_factor(np.array([2000.0, 2025.0, 2050.0]), np.full(3, 70.0)))
    assert got[:, 28] == pytest.approx([1.0, 0.82566, 0.71119], abs=1e-5)
    middle = np.exp(co2.log_factor(np.array([2040.5]), np.array([152.5])))[0, 33]  # 450 km
    assert middle == pytest.approx(np.exp(np.log(factor[2:4, 40:42, 2:4]).mean()), rel=1e-9)


def test_co2_is_held_outside_the_table() -> None:
    co2 = Co2Scaling(data(CO2), "SSP5-8.5")  # whose CO2 leaves the simulated range after 2081
    flux = np.full(4, 100.0)
    early, first, last, late = co2.log_factor(np.array([1980.0, 2000.0, 2081.0, 2225.0]), flux)
    assert np.array_equal(early, first)
    assert np.array_equal(last, late)
    assert np.isfinite(late).all()
    assert np.array_equal(late[:8], np.full(8, late[8]))  # below 200 km
    assert np.array_equal(late[88:], np.full(101, late[88]))  # above 1000 km
    assert "after 2081 that of 2081" in co2.notes[0]


def test_co2_lowers_the_density() -> None:
    years = np.array([2000.0, 2100.0])
    plain = Environment(Exponential(), 2000.0, 2100.0, Sinusoid(70.0, 0.0))
    lowered = Environment(Exponential(), 2000.0, 2100.0, Sinusoid(70.0, 0.0), Co2Scaling(data(CO2), "rcp45"))
    ratio = np.exp(lowered.log_density(years) - plain.log_density(years))
    assert ratio[:, 28] == pytest.approx([1.0, 0.61349], abs=1e-5)


def test_unknown_pathway() -> None:
    spec = EnvironmentSpec(density="exponential", co2=data(CO2), co2_scenario="RCP9.9")
    with pytest.raises(InputError, match=r"CO2 pathway 'RCP9\.9' .*choose one of RCP30, RCP45, .*SSP5_85"):
        Environment.build(spec, 2025.0, 2035.0)


def test_other_files_as_co2(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read the CO2 scaling"):
        Co2Scaling(tmp_path / "none.nc", "RCP4.5")
    (tmp_path / "text.nc").write_text("no netCDF\n" * 100, encoding="ascii")
    with pytest.raises(InputError, match="cannot read the CO2 scaling"):
        Co2Scaling(tmp_path / "text.nc", "RCP4.5")
    with h5py.File(tmp_path / "other.nc", "w") as file:
        file["alt"] = [200.0, 300.0]
    with pytest.raises(InputError, match="it needs increasing alt, year and F107; it holds alt"):
        Co2Scaling(tmp_path / "other.nc", "RCP4.5")
    with h5py.File(tmp_path / "gap.nc", "w") as file:
        file["alt"], file["year"], file["F107"] = [200.0, 300.0], [2000, 2001, 2002], [70, 100]
        file["RCP45"] = np.where(np.arange(3)[:, np.newaxis] == 1, np.nan, np.ones((2, 3, 2)))
    with pytest.raises(InputError, match="factors between 0 and 10, year by year"):
        Co2Scaling(tmp_path / "gap.nc", "RCP4.5")


@pytest.mark.parametrize("name", CO2_PATHWAYS)
def test_built_in_pathways_against_the_file(name: str) -> None:
    """Within the residual of the fit, 0.083 (2.5 % in the root mean square), and the 0.8 % of concentration by linear
    interpolation, which the factor follows to a power below 1.6."""
    file = Co2Scaling(data(CO2), name)
    last = 2080.0 if name == "SSP5-8.5" else 2100.0
    years, f107 = (a.ravel() for a in np.meshgrid(np.arange(2000.0, last, 5.0), [70.0, 100.0, 135.0, 170.0, 200.0]))
    inside = (HEIGHTS_KM >= 200.0) & (HEIGHTS_KM <= 1000.0)
    wrong = (Co2Pathway(name).log_factor(years, f107) - file.log_factor(years, f107))[:, inside]
    assert np.abs(wrong).max() < 0.083 + 1.6 * 0.008
    assert np.sqrt((wrong**2).mean()) < 0.025


def test_built_in_pathway() -> None:
    """1 in 2000 and before; steady after the table; more contraction with more CO2 and under a quiet Sun."""
    years = np.array([1970.0, 2000.0, 2100.0, 2250.0, 2900.0])
    quiet = Co2Pathway("SSP2-4.5").log_factor(years, np.full(5, 70.0))
    assert (quiet[:2] == 0.0).all()
    assert np.array_equal(quiet[3], quiet[4])
    assert np.array_equal(quiet[:, :8], np.repeat(quiet[:, 8:9], 8, axis=1))  # below 200 km
    mild = Co2Pathway("SSP1-2.6").log_factor(years, np.full(5, 70.0))
    active = Co2Pathway("SSP2-4.5").log_factor(years, np.full(5, 200.0))
    assert (quiet[2] < mild[2]).all()
    assert (quiet[2] < active[2]).all()
    assert (active[2] < 0.0).all()
    beyond = Co2Pathway("SSP5-8.5")
    assert np.array_equal(*beyond.log_factor(np.array([2100.0, 2200.0]), np.array([70.0, 70.0])))
    assert "before 2090" in beyond.notes[0]


def test_contraction_is_on_by_default() -> None:
    assert EnvironmentSpec().co2_pathway == "SSP2-4.5"
    assert EnvironmentSpec(density="exponential").co2_pathway is None
    assert EnvironmentSpec(density="exponential", co2_scenario="SSP1-1.9").co2_pathway == "SSP1-1.9"
    assert EnvironmentSpec(co2_scenario="none").co2_pathway is None
    assert EnvironmentSpec.model_validate({"co2_scenario": None}).co2_pathway is None  # stores of earlier versions
    air = Environment.build(EnvironmentSpec(density="exponential", co2_scenario="SSP3-7.0"), 2025.0, 2035.0)
    assert "CO2: pathway SSP3-7.0, factor 1 in 2000" in air.notes[1]
