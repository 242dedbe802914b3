"""Scaling of the density by carbon dioxide, against numbers of its file."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from support.paths import SHARED

from stmgpu.debris.environment import Co2Scaling, Environment
from stmgpu.debris.environment.atmosphere import Exponential
from stmgpu.debris.environment.solar import Sinusoid
from stmgpu.debris.specs import EnvironmentSpec
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
