"""Populations of MOCAT-MC."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat
from support.paths import SHARED
from support.populations import mocat_file

from stmgpu.debris.population import FILLED_AREA, FILLED_DATE, FILLED_MASS, Kind
from stmgpu.debris.population.assembly import perigee_km
from stmgpu.debris.population.mocat import read_mocat
from stmgpu.debris.population.sources import load_population
from stmgpu.debris.specs import PopulationSpec
from stmgpu.errors import InputError
from stmgpu.time import jd_of_year

DATA = SHARED / "data" / "debris"


def rng() -> np.random.Generator:
    return np.random.default_rng(11)


def test_classes_of_mocat(tmp_path: Path) -> None:
    population = read_mocat(mocat_file(tmp_path / "2020.mat"), rng())
    assert population.epoch_year == 2020.0
    u = Kind.UNATTRIBUTED
    assert population.kind.tolist() == [
        Kind.ACTIVE,
        Kind.MISSION_RELATED,
        u,
        u,
        Kind.ROCKET_BODY,
        Kind.MISSION_RELATED,
        u,
        u,
        u,
        u,
        u,
    ]
    np.testing.assert_allclose(population.a_km, 1.125 * 6378.137, atol=7.0)  # Kozai's axis in the file
    np.testing.assert_allclose(population.mean_rad, 0.25 * np.arange(11))
    assert not np.isclose(population.raan_rad, population.mean_rad, atol=1e-3).any()  # column 4 is not the node
    np.testing.assert_allclose(population.area_to_mass, np.pi * 0.25 / 100.0)
    np.testing.assert_allclose(population.launch_year, 2015.0)
    assert population.mission_end_year[0] == pytest.approx(2023.0)
    assert not population.filled.any()
    assert any("does not say whether a collision or an explosion" in note for note in population.notes)


def test_payloads_are_active_for_their_life(tmp_path: Path) -> None:
    changes = {
        "c22": 1,
        "c15": jd_of_year(np.array([2000.0, 2011.9, 2012.1, 2019.0, 2016.0, 1998.9, *[2000.0] * 5])),
        "c10": [0] * 10 + [1],
        "c12": [0, 0, 0, 0, 3.0, *[0] * 6],
        "c7": [100.0] * 3 + [4.0, 100, 450_000.0] + [100.0] * 5,
    }
    population = read_mocat(mocat_file(tmp_path / "2020.mat", **changes), rng())
    active = population.kind == Kind.ACTIVE
    # 8.1 years old, 7.9 years old, new; a life of three years is stated; a crewed station; stated to be controlled
    assert active.tolist()[:6] == [False, False, True, True, False, True]
    assert active[10]
    assert 2020.0 < population.mission_end_year[10] <= 2028.0
    assert population.controlled.tolist()[:4] == [0, 0, 1, 0]  # 4 kg carry no engine
    assert (population.mission_end_year[~active] <= 2020.0).all()
    short = read_mocat(mocat_file(tmp_path / "2020.mat", **changes), rng(), mission_years=2.0)
    assert (short.kind == Kind.ACTIVE).tolist()[:4] == [False, False, False, True]


def test_constellations_of_mocat(tmp_path: Path) -> None:
    changes = {
        "c22": [1] * 10 + [5],
        "c15": jd_of_year(2019.9),
        "c7": [260.0] * 4 + [148.0] * 3 + [261.0] * 3 + [260.0],
    }
    population = read_mocat(mocat_file(tmp_path / "2023.mat", **changes), rng())
    assert population.constellation.tolist() == [0] * 4 + [1] * 3 + [-1] * 4
    assert population.mission_end_year[0] == pytest.approx(2024.9)
    assert any("4 Starlink and 3 OneWeb" in note for note in population.notes)


def test_gaps_of_mocat(tmp_path: Path) -> None:
    changes = {
        "c7": [100.0] * 2 + [0.0] * 2 + [100.0] * 7,
        "c15": [*jd_of_year(np.full(10, 2015.0)), np.nan],
        "c22": [*range(1, 11), np.nan],
    }
    population = read_mocat(mocat_file(tmp_path / "2020.mat", **changes), rng())
    assert population.filled.tolist()[2:4] == [FILLED_MASS | FILLED_AREA] * 2
    assert population.filled[10] == FILLED_DATE
    assert population.launch_year[10] == 2000.0
    text = " ".join(population.notes)
    assert "mass of 2 from these" in text
    assert "launch date of 1 taken as 20 years before the epoch" in text
    assert "1 object without a class" in text


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"c1": [0.001] * 10 + [1.2]}, r"eccentricity of row 11 of mat_sats \(NORAD id 1010\) is 1\.2"),
        ({"c7": [100.0] * 4 + [-3.0] + [100.0] * 6}, r"mass_kg of row 5 .* is -3"),
        ({"c0": [1.1] * 3 + [np.nan] + [1.1] * 7}, r"a_km of row 4 .* is nan"),
        ({"c2": [1.0, 4.0] + [1.0] * 9}, r"inclination \[deg\] of row 2 .* is 229\.18"),
        ({"c0": 0.9}, r"height of the apogee .* row 1 .*and 10 more"),
        ({"c22": [1] * 10 + [12]}, r"class in row 11 of mat_sats is 12"),
    ],
)
def test_what_cannot_be_is_refused_by_row(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_mocat(mocat_file(tmp_path / "2020.mat", **changes), rng())


def test_files_that_are_no_population_of_mocat(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"MAT file .* cannot be read"):
        read_mocat(tmp_path / "2020.mat", rng())
    (tmp_path / "2021.mat").write_text("not a MATLAB file")
    with pytest.raises(InputError, match="not a MATLAB file"):
        read_mocat(tmp_path / "2021.mat", rng())
    savemat(tmp_path / "2022.mat", {"mat_sats": np.zeros((3, 5))})
    with pytest.raises(InputError, match=r"mat_sats is \(3, 5\)"):
        read_mocat(tmp_path / "2022.mat", rng())
    with pytest.raises(InputError, match="does not begin with the year"):
        read_mocat(mocat_file(tmp_path / "population.mat"), rng())
    assert read_mocat(mocat_file(tmp_path / "population.mat"), rng(), year=2020.0).epoch_year == 2020.0


@pytest.mark.parametrize(("year", "count"), [(2000, 5_847), (2010, 10_213), (2020, 14_041), (2023, 19_085)])
def test_published_counts_of_mocat(year: int, count: int) -> None:
    """Perigees from 200 to 2,000 km: the counts that MOCAT-MC's authors give for their populations, one more or less
    where Brouwer's perigee lies on the other side of 200 km."""
    file = DATA / "mocat_mc" / f"{year}.mat"
    if not file.is_file():
        pytest.skip(f"{file} is not there")
    population = load_population(PopulationSpec(source="mocat", path=file, seed=1))
    height = perigee_km(population)
    assert abs((height >= 200.0).sum() - count) <= 1
    assert height.max() < 2000.0
    if year == 2023:
        inside = population[height >= 200.0]
        assert (inside.kind <= Kind.DERELICT).sum() == 7_911
        assert (inside.kind == Kind.ROCKET_BODY).sum() == 1_111
        assert (inside.kind == Kind.MISSION_RELATED).sum() == 259 + 776
        assert (inside.constellation == 0).sum() == 3_320
