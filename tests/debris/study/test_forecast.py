"""Forecasts of the number of objects: against runs without collisions, and against arithmetic."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import stmgpu as stm
from stmgpu.backend.cpu import CpuBackend, usable_levels
from stmgpu.debris.environment.environment import Environment
from stmgpu.debris.population import Kind, Population
from stmgpu.debris.population.synthetic import synthetic_population
from stmgpu.debris.scenario import Scenario, Study
from stmgpu.debris.study.forecast import Forecast, growth_notes
from stmgpu.debris.study.timing import core_seconds

YEARS = 20.0
FLEET: dict[str, Any] = {
    "name": "fleet",
    "altitude_km": 1100.0,
    "inclination_deg": 70.0,
    "planes": 10,
    "per_plane": 20,
    "mass_kg": 200.0,
    "radius_m": 1.0,
    "from_year": 2024.3,
    "build_years": 2.0,
    "until_year": 2036.0,
}
PER_YEAR = {"payload": 60.0, "rocket_body": 20.0}


@pytest.fixture(scope="module")
def population() -> Population:
    return synthetic_population(600, seed=3, constellations=False)


def forecast(population: Population, **tables: Any) -> tuple[Forecast, Environment]:
    scenario = Scenario.model_validate(
        {
            "environment": {"density": "exponential"},
            "collisions": {"enabled": False},
            "propagation": {"step_days": 15.0},
            **tables,
        }
    )
    environment = Environment.build(scenario.environment, population.epoch_year, population.epoch_year + YEARS)
    return Forecast(scenario, population, environment, YEARS, 0), environment


@pytest.mark.slow
@pytest.mark.skipif(not usable_levels(), reason="the kernels were not compiled here")
@pytest.mark.parametrize(
    "tables",
    [
        {"launches": {"constellations": [FLEET]}, "disposal": {"constellation": 0.7}},
        {"launches": {"constellations": [FLEET]}, "disposal": {"mode": "remove", "payload": 0.5}},
        {"launches": {"model": "constant", "window": [2010, 2020], "per_year": PER_YEAR, "growth": 0.03}},
        {"launches": {"model": "repeat", "window": [2010, 2020], "until_year": 2034}, "disposal": {"rule_years": 5.0}},
    ],
    ids=["fleet", "removed", "constant", "repeat"],
)
def test_it_is_what_a_run_without_collisions_holds(population: Population, tables: dict[str, Any]) -> None:
    found, _ = forecast(population, **tables)
    ds = stm.evolve(Study(scenarios=(found.scenario,), years=YEARS, runs=1), seed=2, population=population)
    held = ds.population.sum("class").squeeze().to_numpy()[:-1]
    # launches drawn at random scatter by the root of their number, disposal too
    np.testing.assert_allclose(found.numbers[::12], held, rtol=0.04, atol=20.0)
    assert np.ptp(held) > 100.0


def test_constellations_are_counted_plane_by_plane(population: Population) -> None:
    plain, _ = forecast(population)
    found, _ = forecast(population, launches={"constellations": [FLEET]}, disposal={"constellation": 1.0})
    extra = np.interp([2024.2, 2025.3, 2026.4, 2030.0], found.times, found.numbers - plain.numbers)
    np.testing.assert_allclose(extra, [0.0, 100.0, 200.0, 200.0 + 70.0], atol=1.0)  # 100 a year, lowered within one
    quick, _ = forecast(population, launches={"constellations": [{**FLEET, "life_years": 0.001}]})
    assert quick.numbers.max() > 5.0 * found.numbers.max()  # 200,000 launches a year, a tenth of them left


def test_runs_that_will_be_cut_off_are_told(population: Population) -> None:
    free, _ = forecast(population, launches={"constellations": [FLEET]})
    limit = int(np.interp(2026.0, free.times, free.numbers))
    found, _ = forecast(population, launches={"constellations": [FLEET]}, max_objects=limit)
    assert found.full_year == pytest.approx(2026.0, abs=0.1)
    (note,) = growth_notes(found)
    assert note.startswith(f"base: launches pass max_objects = {limit} in 2026")
    assert found.most == limit
    calm, _ = forecast(population)
    assert growth_notes(calm) == []
    assert calm.full_year == np.inf


def test_a_population_of_a_date_is_drawn(population: Population) -> None:
    found, _ = forecast(population, launches={"constellations": [FLEET]}, disposal={"constellation": 0.5})
    drawn = found.population(2034.0, 100_000)
    assert len(drawn) == pytest.approx(np.interp(2034.0, found.times, found.numbers), rel=0.05)
    fleet = drawn[drawn.constellation >= 0]
    active = fleet.kind == Kind.ACTIVE
    assert active.sum() == pytest.approx(200, abs=45)  # arrivals are drawn with replacement
    assert (fleet.mission_end_year[active] > 2034.0).all()
    assert (fleet.launch_year <= 2034.0).all()
    assert len(found.population(2034.0, 50)) == 50


@pytest.mark.slow
@pytest.mark.skipif(not usable_levels(), reason="the kernels were not compiled here")
def test_time_is_in_proportion_to_the_runs(population: Population) -> None:
    found, environment = forecast(population, launches={"constellations": [FLEET]})
    backend = CpuBackend(threads=1)
    one, hundred = (core_seconds([found], [environment], years=YEARS, runs=runs, backend=backend) for runs in (1, 100))
    assert 0.0 < one < hundred
