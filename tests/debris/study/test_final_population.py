"""The objects at the end of a run, as a table with which another study starts: nothing that matters is lost."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import stmgpu as stm
from stmgpu.backend.cpu import usable_levels
from stmgpu.debris.population import Population, columns, load_population, write_table
from stmgpu.debris.population.synthetic import synthetic_population
from stmgpu.debris.scenario import Scenario, Study
from stmgpu.debris.specs import PopulationSpec
from stmgpu.debris.study.final_population import final_population
from stmgpu.errors import InputError

pytestmark = pytest.mark.skipif(not usable_levels(), reason="the kernels were not compiled here")
ANGLES = ("inc_rad", "raan_rad", "argp_rad", "mean_rad")
FLEET = {
    "name": "own, fleet", "altitude_km": 600.0, "inclination_deg": 53.0, "planes": 4, "per_plane": 5, "mass_kg": 300.0,
    "radius_m": 1.5, "from_year": 2023.0, "build_years": 1.0, "life_years": 1.5,
}  # fmt: skip


@pytest.fixture(scope="module")
def initial() -> Population:
    population = synthetic_population(500, seed=4)
    return dataclasses.replace(population, owner=np.resize(["US", "=1+1", "CIS"], len(population)))


def scenario(**tables: Any) -> Scenario:
    base: dict[str, Any] = {
        "environment": {"density": "exponential"},
        "propagation": {"step_days": 15.21875},  # 24 steps a year, of 365.25 days
        "collisions": {"enabled": False},
        "disposal": {"payload": 1.0, "constellation": 1.0, "rocket_body": 1.0},
        "launches": {"constellations": [FLEET]},
        "output": {"final_population": True},
    }
    return Scenario.model_validate(base | tables)


def evolved(population: Population, years: float, runs: int = 1, **tables: Any) -> xr.Dataset:
    return stm.evolve(Study(scenarios=(scenario(**tables),)), population=population, years=years, runs=runs, seed=3)


def through_a_file(population: Population, folder: Path) -> Population:
    write_table(population, folder / "objects.csv")
    return load_population(PopulationSpec(source="table", path=folder / "objects.csv", max_perigee_km=1e6))


def test_a_table_gives_back_every_column(initial: Population, tmp_path: Path) -> None:
    """Also of objects with a weight, an explosion that is due, a breakup in common, and a fleet of another name."""
    there = final_population(evolved(initial, 1.0, explosions={"rocket_body": 1.0, "max_age_years": 60.0}))
    there.weight[there.kind > 3] = np.random.default_rng(0).uniform(1e-3, 2.0, int((there.kind > 3).sum()))
    there.avoidance[::7] = 0.1
    assert {"own, fleet"} == set(there.constellation_names)
    assert (there.cause < 0).sum() > 10
    assert np.isfinite(there.explodes_year).sum() > 5
    back = through_a_file(there, tmp_path)
    assert back.epoch_year == there.epoch_year
    assert back.constellation_names == there.constellation_names
    assert back.notes == ("constellations: own, fleet 100",)
    for name in columns():
        ours, theirs = getattr(there, name), getattr(back, name)
        if name in ANGLES:
            np.testing.assert_allclose(np.mod(ours, 2 * np.pi), theirs, rtol=0.0, atol=1e-15, err_msg=name)
        elif name == "mission_end_year":
            active = there.kind == 0
            np.testing.assert_array_equal(ours[active], theirs[active])
        else:
            np.testing.assert_array_equal(ours, theirs, err_msg=name)


@pytest.mark.slow
def test_without_chance_a_study_that_was_cut_ends_as_one_that_was_not(initial: Population, tmp_path: Path) -> None:
    """Drag with its spread, explosions of a known date, ends of missions, and a fleet that goes on being replaced."""
    how: dict[str, Any] = {
        "explosions": {"rocket_body": 0.2, "max_age_years": 60.0},
        "breakups": {"min_length_m": 1.0},
    }
    whole = final_population(evolved(initial, 4.0, **how))
    halfway = through_a_file(final_population(evolved(initial, 2.0, **how)), tmp_path)
    cut = final_population(evolved(halfway, 2.0, **how))
    assert cut.epoch_year == pytest.approx(whole.epoch_year, abs=1e-9)
    intact = [population.kind <= 3 for population in (whole, cut)]
    for name in ("a_km", "ecc", "inc_rad", "mass_kg", "ballistic_m2_kg", "mission_end_year"):
        ours, theirs = (np.sort(getattr(p, name)[rows]) for p, rows in zip((whole, cut), intact, strict=True))
        assert len(ours) == len(theirs)
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, err_msg=name)
    fleets = [
        sorted(p.constellation_name(k) for k in p.constellation[rows])
        for p, rows in zip((whole, cut), intact, strict=True)
    ]
    assert fleets[0] == fleets[1]
    assert len(whole) > 400


@pytest.mark.slow
def test_in_distribution_a_study_that_was_cut_is_as_one_that_was_not(initial: Population, tmp_path: Path) -> None:
    """Means over runs with collisions, which chance decides: within four standard errors of each other."""
    crowd = dataclasses.replace(initial, radius_m=100.0 * initial.radius_m)
    collisions = {"cube_km": 300.0, "avoidance": 1.0, "avoidance_both": 1.0}
    runs, how = 6, {"collisions": collisions, "breakups": {"min_length_m": 0.4}}
    whole = evolved(crowd, 2.0, runs, **how)
    half = evolved(crowd, 1.0, runs, **how)
    ends = []
    for run in range(runs):
        halfway = through_a_file(final_population(half, run=run), tmp_path)
        rest = stm.evolve(Study(scenarios=(scenario(**how),)), population=halfway, years=1.0, runs=1, seed=100 + run)
        ends.append(rest["population"].isel(time=-1, run=0, scenario=0))
    cut, uncut = xr.concat(ends, "run"), whole["population"].isel(time=-1, scenario=0)
    assert whole.sizes["event"] > 20
    error = np.sqrt((cut.var("run", ddof=1) + uncut.var("run", ddof=1)) / runs)
    assert (abs(cut.mean("run") - uncut.mean("run")) <= 4.0 * error + 1e-9).all()


def test_a_fleet_of_the_population_goes_on_under_its_number(initial: Population) -> None:
    ds = evolved(initial, 1.0, launches={"constellations": [FLEET | {"name": "Starlink"}]})
    there = final_population(ds)
    assert there.constellation_names == ()
    assert (there.constellation == 0).sum() >= 20


def test_what_is_not_there_is_named(initial: Population) -> None:
    ds = evolved(initial[:100], 1.0, 2)
    assert float(ds.final_year[0, 1]) == pytest.approx(initial.epoch_year + 1.0)
    assert int((ds.final_run == 1).sum()) == len(final_population(ds, "base", 1))
    with pytest.raises(InputError, match="no scenario 'other'; choose one of base"):
        final_population(ds, "other")
    with pytest.raises(InputError, match="no run 2; choose 0 to 1"):
        final_population(ds, run=2)
    with pytest.raises(InputError, match="final_population = true"):
        final_population(evolved(initial[:100], 1.0, output={}))


@pytest.mark.parametrize(
    ("column", "cell", "words"),
    [
        ("avoidance", "1.5", "avoidance is '1.5'; 0 to 1 is allowed"),
        ("controlled", "2", "controlled is '2'; 0 to 1"),
        ("ballistic_m2_kg", "0", "ballistic_m2_kg is '0'"),
        ("explodes", "soon", "explodes is 'soon'; a date like"),
        ("filled", "16", "filled is '16'; 0 to 15"),
    ],
)
def test_wrong_cells_are_named_by_line(column: str, cell: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "objects.csv"
    path.write_text(f"# epoch = 2025.0\ninc_deg,object_type,a_km,ecc,{column}\n50,debris,7000,0.001,{cell}\n")
    with pytest.raises(InputError, match=f"line 3: {words}"):
        load_population(PopulationSpec(source="table", path=path))
