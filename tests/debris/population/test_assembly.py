"""What a source states that cannot begin a run: objects of a later day, and rows too large to be evolved."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from support.paths import SHARED

from stmgpu.catalog import format_catalog
from stmgpu.catalog.synthetic import synthetic_catalog
from stmgpu.debris.population import columns
from stmgpu.debris.population.assembly import assemble
from stmgpu.debris.population.from_catalog import read_gp
from stmgpu.debris.population.from_table import read_table
from stmgpu.debris.population.mocat import read_mocat
from stmgpu.debris.population.sources import load_population
from stmgpu.debris.specs import PopulationSpec
from stmgpu.errors import InputError

MOCAT = SHARED / "data" / "debris" / "mocat_mc" / "2023.mat"
HEADER = "norad_id,perigee_km,apogee_km,inc_deg,object_type,mass_kg,radius_m,launch_date,weight\n"


def rng() -> np.random.Generator:
    return np.random.default_rng(11)


def table(tmp_path: Path, *rows: str) -> Path:
    file = tmp_path / "own.csv"
    file.write_text("# epoch = 2025-01-01\n" + HEADER + "\n".join(rows) + "\n")
    return file


def test_what_is_launched_after_the_epoch_is_left_out(tmp_path: Path) -> None:
    file = table(
        tmp_path,
        "1,700,720,98,payload,500,1,2026-06-01,1",
        "2,800,820,71,rocket body,1400,2,2025-01-01,1",
        "3,900,920,65,debris,,,,1",
        "4,600,620,53,payload,260,1,2025.5,1",
        "5,650,660,97,payload,900,1,2020,1",
    )
    population = read_table(file, rng())
    assert population.norad_id.tolist() == [2, 3, 5]
    np.testing.assert_allclose(np.degrees(population.inc_rad), [71.0, 65.0, 97.0])
    assert population.mass_kg[[0, 2]].tolist() == [1400.0, 900.0]
    assert {len(getattr(population, name)) for name in columns()} == {3}
    assert any("2 objects launched after the epoch (2025.00) left out" in note for note in population.notes)
    with pytest.raises(InputError, match=r"nothing is left of 5 objects .*5 objects launched after the epoch \(1990"):
        read_table(table(tmp_path, *["1,700,720,98,payload,500,1,2001-01-01,1"] * 5), rng(), year=1990.0)


def test_a_year_before_that_of_the_file() -> None:
    if not MOCAT.is_file():
        pytest.skip(f"{MOCAT} is not there")
    whole = read_mocat(MOCAT, rng())
    early = load_population(PopulationSpec(source="mocat", path=MOCAT, year=2010.0))
    assert early.launch_year.max() < 2010.01
    later = int((whole.launch_year[(whole.filled & 8) == 0] > 2010.01).sum())
    assert later > 7000
    assert any(f"{later:,} objects launched after the epoch (2010.00) left out" in note for note in early.notes)


def test_a_designator_states_no_more_than_the_year(tmp_path: Path) -> None:
    ids = np.array(["2020-001A", "2024-001A", "2024-090A", "2025-001A", "2024-001B"])
    catalog = dataclasses.replace(synthetic_catalog(5), object_id=ids)
    file = tmp_path / "catalog.csv"
    file.write_bytes(format_catalog(catalog, "csv"))
    population = read_gp(file, rng(), year=2024.1)
    assert population.launch_year.tolist() == [2020.5, 2024.1, 2024.1, 2024.1]
    assert any("1 object launched after the epoch (2024.10) left out" in note for note in population.notes)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("1,700,720,98,payload,1e12,1,2020,1", r"mass_kg of line 5 is 1000000000000\.0; allowed is up to 1,000,000"),
        ("1,700,720,98,payload,500,1e7,2020,1", r"radius_m of line 5 is 10000000\.0; allowed is up to 1,000"),
        ("1,700,720,98,payload,500,1,2020,1e9", r"weight of line 5 is 1000000000\.0; allowed is up to 2,000,000"),
        ("1,700,1e9,98,payload,500,1,2020,1", r"height of the apogee \[km\] of line 5 .*more than 0, up to 1,000,000"),
        ("1,700,720,98,debris,2000,1,2020,1e6", r"weight x mass \[kg\] of line 5 .* up to 100,000,000"),
        ("1,700,720,98,debris,1,5,2020,1e6", r"weight x cross-section \[m\^2\] of line 5 .* up to 8,000,000"),
    ],
)
def test_rows_too_large_to_be_evolved_are_refused(tmp_path: Path, row: str, message: str) -> None:
    # line 4 is left out: lines are counted as in the file all the same
    file = table(tmp_path, "7,800,820,71,rocket body,1400,2,1990-01-01,1", "1,700,720,98,payload,500,1,2030,1", row)
    with pytest.raises(InputError, match=message):
        read_table(file, rng())


def test_the_largest_rows_that_are_allowed(tmp_path: Path) -> None:
    rows = ["1,700,720,98,payload,1e6,1e3,2020,1", "2,700,1e6,98,debris,45,1,2020,2e6"]
    population = read_table(table(tmp_path, *rows), rng())
    assert population.weight.tolist() == [1.0, 2e6]


def test_nothing_is_no_population() -> None:
    with pytest.raises(InputError, match="holds no object"):
        assemble(2020.0, {name: np.zeros(0) for name in ("kind", "a_km", "ecc", "inc_rad")}, rng(), "empty")
