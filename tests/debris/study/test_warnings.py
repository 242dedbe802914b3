"""What a scenario states in vain is told before anything is computed; what would cut off every run is refused."""

from __future__ import annotations

import dataclasses
import logging
from typing import Any

import numpy as np
import pytest

import stmgpu as stm
from stmgpu.backend.cpu import usable_levels
from stmgpu.debris.policy import ListRemoval, MassRemoval, Sweep
from stmgpu.debris.policy.view import Campaign
from stmgpu.debris.population import Kind, Population
from stmgpu.debris.population.synthetic import synthetic_population
from stmgpu.debris.scenario import Scenario, Study
from stmgpu.debris.specs import (
    CollisionSpec,
    ConstellationSpec,
    EnvironmentSpec,
    EventSpec,
    LaunchSpec,
    PropagationSpec,
    SolarSpec,
)
from stmgpu.debris.study.preparation import prepare
from stmgpu.debris.study.warnings import orbits_not_covered
from stmgpu.errors import InputError

CALM = EnvironmentSpec(density="exponential")


@pytest.fixture(scope="module")
def crowd() -> Population:
    population = synthetic_population(300, seed=4, constellations=False)
    return dataclasses.replace(population, norad_id=np.arange(1, 301))


def study(**tables: Any) -> Study:
    return Study(scenarios=(Scenario(name="own", **({"environment": CALM} | tables)),), years=3.0, runs=1)


def told(population: Population, **tables: Any) -> list[str]:
    return [
        note.removeprefix("own: ")
        for note in prepare(study(**tables), seed=0, population=population).notes
        if note.startswith("own: ")
    ]


RUN = "the run, 2023.00 to 2026.00"


def test_policies_that_are_never_in_force_are_told(crowd: Population) -> None:
    policies = (
        MassRemoval(per_year=1, from_year=2100),
        MassRemoval(per_year=1, until_year=2023),
        Sweep(thinning=0.1, from_year=2026),
        MassRemoval(per_year=1, from_year=2025),
        MassRemoval(per_year=1, from_year=2022, campaign=Campaign(years_on=1, years_off=9)),
    )
    assert told(crowd, removal=policies) == [
        f"policy {k}, {rank!r}, is never in force in the years of {RUN}"
        for k, rank in ((1, "mass"), (2, "mass"), (3, "sweep"), (5, "mass"))
    ]


def test_ids_that_are_not_there_are_told(crowd: Population) -> None:
    policies = (
        ListRemoval(ids=(5, 99_999, 7, 301)),
        ListRemoval(ids=(1, 2)),
        ListRemoval(ids=tuple(range(400, 410)), per_year=1),
    )
    assert told(crowd, removal=policies) == [
        "policy 1, 'list': 2 of 4 ids are not in the population (99999, 301)",
        "policy 3, 'list': 10 of 10 ids are not in the population (400, 401, 402, 403, 404, ...)",
    ]


def test_launches_outside_the_run_are_told(crowd: Population) -> None:
    def shell(name: str, **years: Any) -> ConstellationSpec:
        return ConstellationSpec(
            name=name,
            altitude_km=900.0,
            inclination_deg=50.0,
            planes=2,
            per_plane=2,
            mass_kg=100.0,
            radius_m=1.0,
            **years,
        )

    shells = (
        shell("late", from_year=2060),
        shell("over", from_year=2010, until_year=2020),
        shell("new", from_year=2024),
        shell("old", from_year=2010),
    )
    launches = LaunchSpec(model="repeat", window=(2005, 2010), until_year=2020, constellations=shells)
    assert told(crowd, launches=launches) == [
        f"launches: until_year 2020 is before {RUN}: nothing is launched from the window",
        f"constellation 'late': from 2060 until 3000 is outside {RUN}",
        f"constellation 'over': from 2010 until 2020 is outside {RUN}",
    ]
    assert told(crowd, launches=LaunchSpec(model="repeat", window=(2005, 2010), until_year=2024)) == []


def test_a_fleet_of_many_planes_that_becomes_wide_is_told(crowd: Population) -> None:
    def fleet(planes: int) -> LaunchSpec:
        made = ConstellationSpec(
            name="mega",
            altitude_km=1100.0,
            inclination_deg=53.0,
            planes=planes,
            per_plane=1,
            mass_kg=150.0,
            radius_m=1.0,
            from_year=2024.0,
        )
        return LaunchSpec(constellations=(made,))

    assert told(crowd, launches=fleet(51)) == []
    (note,) = told(crowd, launches=fleet(72))
    assert note.startswith("constellation 'mega': its 72 planes, spread_km = 2 apart, lie at 1029 to 1171 km")


def test_a_sun_that_nothing_asks_for_is_told(crowd: Population) -> None:
    sun = SolarSpec(f107=150.0)
    assert told(crowd, environment=EnvironmentSpec(density="exponential", solar=sun)) == [
        "environment.solar is not used: density = 'exponential' uses no solar activity"
    ]
    assert told(crowd, environment=EnvironmentSpec(density="nrlmsis", solar=sun)) == []


def test_faults_of_all_scenarios_are_told_before_the_work(crowd: Population) -> None:
    low = ConstellationSpec(
        name="low",
        altitude_km=300.0,
        inclination_deg=50.0,
        planes=2,
        per_plane=2,
        mass_kg=9.0,
        radius_m=1.0,
        from_year=2024.0,
    )
    scenarios = (
        Scenario(name="one", environment=CALM, max_objects=200, events=(EventSpec(year=2024.0, ids=(777,)),)),
        Scenario(
            name="two",
            environment=CALM,
            launches=LaunchSpec(constellations=(low,)),
            propagation=PropagationSpec(decay_km=350.0),
        ),
    )
    with pytest.raises(InputError) as caught:
        prepare(Study(scenarios=scenarios, years=3.0, runs=1), seed=0, population=crowd)
    for said in (
        "'one' begins with 300 objects",
        "'one': event 1: object 777 is not in the population",
        "'two': constellation 'low' has planes at 299 km, below propagation.decay_km = 350",
    ):
        assert said in str(caught.value)


def test_a_population_above_max_objects_is_refused(crowd: Population) -> None:
    with pytest.raises(InputError, match="scenario 'own' begins with 300 objects, more than max_objects = 200"):
        prepare(study(max_objects=200), seed=0, population=crowd)
    prepare(study(max_objects=300), seed=0, population=crowd)
    several = dataclasses.replace(crowd, weight=np.where(crowd.kind == Kind.ROCKET_BODY, 50.0, 1.0))
    with pytest.raises(InputError, match="rows; at most 300"):
        prepare(study(max_objects=300), seed=0, population=several)


def test_orbits_that_the_model_does_not_cover_are_counted(crowd: Population) -> None:
    population = dataclasses.replace(crowd, ecc=np.full(300, 0.001), a_km=np.full(300, 7000.0))
    assert orbits_not_covered(population) == []
    population.ecc[:3], population.a_km[:3] = 0.7, 24_000.0  # perigee 822 km, apogee 34,422 km
    population.ecc[3] = 0.1001
    population.a_km[4:6] = 8400.0
    eccentric, above = orbits_not_covered(population)
    assert eccentric.startswith("4 of 300 objects have e > 0.1, 3 an apogee above 10,000 km")
    assert above.startswith("2 objects have perigees above 2000 km")
    assert any("4 of 300 objects have e > 0.1" in n for n in prepare(study(), seed=0, population=population).notes)


@pytest.mark.skipif(not usable_levels(), reason="the kernels were not compiled here")
def test_a_fleet_that_collides_with_itself_is_told(crowd: Population) -> None:
    """Two derelict fleets in thin layers of their own meet their own members more than anything else."""
    fleets = dataclasses.replace(
        crowd,
        kind=np.full(300, Kind.DERELICT, np.int8),
        constellation=(np.arange(300) % 2).astype(np.int32),
        a_km=7400.0 + 300.0 * (np.arange(300) % 2),
        ecc=np.full(300, 1e-4),
        inc_rad=np.full(300, 1.5),
    )
    for number, (constellation, found) in enumerate(((fleets.constellation, True), (np.arange(300), False))):
        population = dataclasses.replace(fleets, constellation=constellation.astype(np.int32))
        ds = stm.evolve(study(collisions=CollisionSpec(estimator="none")), years=1, population=population)
        within = ds.expected_within_fleets.isel(time=-1).sum().item()
        expected = (ds.expected_catastrophic + ds.expected_cratering).isel(time=-1).sum().item()
        assert within == (pytest.approx(expected) if found else 0.0), number
        assert expected > 0.0
        said = "own: 100 % of the expected collisions are between derelict members of one constellation"
        assert any(note.startswith(said) for note in ds.attrs["notes"]) == found


@pytest.mark.skipif(not usable_levels(), reason="the kernels were not compiled here")
def test_notes_are_logged_and_kept(crowd: Population, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "stmgpu"):
        ds = stm.evolve(study(removal=(MassRemoval(per_year=1, from_year=2100),)), years=1, population=crowd)
    (note,) = [note for note in ds.attrs["notes"] if note.startswith("own: policy 1, 'mass', is never in force")]
    assert note in caplog.messages
