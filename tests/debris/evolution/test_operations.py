"""What befalls single objects: rows that stand for several, drag that differs, disposal by who can, lowering once."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from stmgpu.backend.cpu import CpuBackend, usable_levels
from stmgpu.constants import EARTH
from stmgpu.debris.environment.atmosphere import HEIGHTS_KM, LOWEST_KM, SPACING_KM, exponential_log_density
from stmgpu.debris.environment.lifetime import Lifetime
from stmgpu.debris.evolution.loop import Evolution, Loop, RunResult
from stmgpu.debris.policy import MassRemoval
from stmgpu.debris.policy.ranking import Lower
from stmgpu.debris.population import Kind, Population, divided
from stmgpu.debris.population.synthetic import synthetic_population
from stmgpu.debris.scenario import Scenario
from stmgpu.debris.specs import CollisionSpec, DisposalSpec, EnvironmentSpec, ExplosionSpec, PropagationSpec
from stmgpu.debris.variables import CRATERING
from stmgpu.errors import InputError
from stmgpu.propagate import orbit_table

pytestmark = pytest.mark.skipif(not usable_levels(), reason="the kernels were not compiled here")
QUIET: dict[str, Any] = {
    "environment": EnvironmentSpec(density="exponential"),
    "collisions": CollisionSpec(enabled=False),
}


def evolution(population: Population, years: float, runs: int = 1, **tables: Any) -> Evolution:
    return Evolution(
        Scenario(**(QUIET | tables)),
        population,
        years=years,
        seed=5,
        run_numbers=list(range(runs)),
        backend=CpuBackend(threads=1),
    )


def run(population: Population, years: float, **tables: Any) -> RunResult:
    return evolution(population, years, **tables).run()[0]


def derelicts(count: int, kind: Kind = Kind.DERELICT, height_km: float = 850.0) -> Population:
    """Equal objects on high orbits."""
    population = synthetic_population(count, seed=4, constellations=False)
    return dataclasses.replace(
        population,
        kind=np.full(count, kind, np.int8),
        a_km=np.full(count, EARTH.radius_km + height_km),
        ecc=np.full(count, 1e-3),
        mass_kg=np.full(count, 800.0),
        radius_m=np.full(count, 1.0),
        length_m=np.full(count, 2.0),
        area_to_mass=np.full(count, 0.004),
        controlled=np.zeros(count, np.int8),
        launch_year=np.full(count, population.epoch_year - 1.0),
    )


# ------------------------------------------------------------------------------------------------------------- weights
def test_intact_rows_that_stand_for_several_are_divided() -> None:
    population = derelicts(4)
    population.weight[:] = [1.0, 2.5, 3.0, 0.25]
    parts = divided(population, 100)
    assert parts.weight.tolist() == [1.0, 1.0, 1.0, 0.5, 1.0, 1.0, 1.0, 0.25]
    population.kind[:] = Kind.COLLISION_FRAGMENT
    assert divided(population, 100) is population
    population.kind[1], population.weight[1] = Kind.ACTIVE, 1e6
    with pytest.raises(InputError, match=r"weights of intact objects make 1e\+06 rows; at most 100"):
        divided(population, 100)


def test_explosions_of_a_row_of_ten_are_those_of_ten_rows() -> None:
    explosions = ExplosionSpec(rocket_body=0.1, payload=0.1, max_age_years=60.0)
    one = derelicts(30)
    ten = one[np.repeat(np.arange(30), 10)]
    one.weight[:] = 10.0
    weighted, single = (run(p, 2.0, explosions=explosions) for p in (one, ten))
    assert weighted.series["explosions"][-1].sum() == single.series["explosions"][-1].sum() > 20.0
    assert weighted.series["total_mass"][-1].sum() == single.series["total_mass"][-1].sum()


def test_what_is_there_in_part_explodes_in_part() -> None:
    population = derelicts(400)
    population.weight[:] = 0.25
    result = run(population, 1.0, explosions=ExplosionSpec(rocket_body=0.7, payload=0.7, max_age_years=60.0))
    gone = result.series["explosions"][-1].sum()
    assert gone == pytest.approx(400 * 0.25 * (1.0 - np.exp(-0.7)), abs=4.0 * 0.25 * np.sqrt(100.0))
    assert len(result.events["id"]) == pytest.approx(gone, abs=4.0 * np.sqrt(0.75 * gone))
    assert abs(result.balances["count_balance"]) < 1e-12


def test_a_collision_takes_one_fragment_from_a_row_of_many() -> None:
    rng = np.random.default_rng(1)
    population = dataclasses.replace(derelicts(60), radius_m=np.full(60, 80.0))
    small = rng.random(60) < 0.5
    population.kind[small], population.mass_kg[small] = Kind.COLLISION_FRAGMENT, 0.5
    population.weight[small] = 50.0
    result = run(population, 1.0, collisions=CollisionSpec(cube_km=100.0))
    events = result.events
    assert len(events["id"]) > 5
    fragments = (events["first_class"] == Kind.COLLISION_FRAGMENT) | (events["second_class"] == Kind.COLLISION_FRAGMENT)
    assert fragments.sum() > 2
    assert abs(result.balances["count_balance"]) < 1e-12
    assert abs(result.balances["mass_balance"]) < 1e-12
    lost = 50.0 * small.sum() - (
        result.series["population"][-1, Kind.COLLISION_FRAGMENT]
        - result.series["fragments"][-1].sum()
        + result.series["decays"][-1, Kind.COLLISION_FRAGMENT]
    )
    hits = (
        np.isin(events["first_class"], Kind.COLLISION_FRAGMENT).sum()
        + np.isin(events["second_class"], Kind.COLLISION_FRAGMENT).sum()
    )
    # half of the ejecta m v^2 [kg, km/s] come from the projectile: a slow one is not used up
    fragment = events["second_class"] == Kind.COLLISION_FRAGMENT
    spared = ((events["type"] == CRATERING) & fragment & (0.5 * events["speed"] ** 2 < 1.0)).sum()
    assert lost == pytest.approx(hits - spared, abs=1e-6)  # not fifty at a time


# ---------------------------------------------------------------------------------------------------------------- drag
def test_drag_of_equal_objects_differs_by_its_spread() -> None:
    population = derelicts(2000)
    plain, spread, fragments = (
        Loop(evolution(p, 1.0, 2, propagation=PropagationSpec(drag_spread=s))).members
        for p, s in ((population, 0.0), (population, 0.2), (derelicts(2000, Kind.COLLISION_FRAGMENT), 0.2))
    )
    ballistic = plain.orbits()[orbit_table.BALLISTIC]
    assert (ballistic == 2.2 * 0.004).all()
    assert (fragments.orbits()[orbit_table.BALLISTIC] == ballistic).all()  # their A/m is drawn by the breakup model
    ratio = spread.orbits()[orbit_table.BALLISTIC] / ballistic
    assert np.log(ratio).std() == pytest.approx(0.2, rel=0.05)
    assert ratio.mean() == pytest.approx(1.0, abs=4.0 * 0.2 / np.sqrt(4000))
    assert (ratio[:2000] != ratio[2000:]).all()  # of each run


def test_a_kept_object_whose_perigee_lies_in_the_air_decays() -> None:
    population = derelicts(20, Kind.ACTIVE)
    population.controlled[:] = 1
    population.ecc[:10] = 0.2
    result = run(dataclasses.replace(population, mission_end_year=np.full(20, 2100.0)), 1.0)
    assert result.series["decays"][-1, Kind.ACTIVE] == 10.0


# ------------------------------------------------------------------------------------------------------------ disposal
def test_who_cannot_keep_its_orbit_does_not_leave_it() -> None:
    population = derelicts(40, Kind.ACTIVE)
    population.controlled[:20] = 1
    population = dataclasses.replace(population, mission_end_year=np.full(40, population.epoch_year + 0.5))
    result = run(population, 1.0, disposal=DisposalSpec(mode="remove", payload=1.0))
    assert result.series["disposals"][-1].sum() == 20.0
    assert result.series["disposals_failed"][-1].sum() == 0.0
    assert result.series["population"][-1, Kind.DERELICT] == 20.0


@pytest.mark.parametrize("inclination", [0.1, 0.9, 1.7, 3.0])
def test_a_disposal_orbit_lasts_as_long_as_the_rule_with_the_atmosphere_turning(inclination: float) -> None:
    life = Lifetime(exponential_log_density(HEIGHTS_KM), LOWEST_KM, SPACING_KM)
    a, b = np.full(3, EARTH.radius_km + 900.0), np.array([0.005, 0.01, 0.02])
    perigee, apogee = life.disposal_orbit(a, 1e-3, ballistic_m2_kg=b, years=25.0, inc_rad=inclination)
    assert (perigee < a * (1.0 - 1e-3)).all()
    years = life.years(
        0.5 * (perigee + apogee), (apogee - perigee) / (apogee + perigee), ballistic_m2_kg=b, inc_rad=inclination
    )
    np.testing.assert_allclose(years, 25.0, rtol=1e-3)


def test_nobody_is_lowered_twice() -> None:
    population = derelicts(60, Kind.ROCKET_BODY)
    population.mass_kg[:] = np.linspace(800.0, 1500.0, 60)
    result = run(population, 10.0, removal=(MassRemoval(per_year=5, action=Lower(lower_years=25.0)),))
    lowered = result.events["first"]
    assert len(lowered) == len(set(lowered)) == 50


def test_members_of_a_constellation_leave_within_their_own_rule_and_avoid_on_the_way() -> None:
    population = derelicts(60, Kind.ACTIVE, 600.0)
    population.controlled[:] = 1
    population.constellation[:40] = 3
    population = dataclasses.replace(population, mission_end_year=np.full(60, population.epoch_year + 0.05))
    chances: dict[str, Any] = {"constellation": 0.5, "payload": 1.0}
    loop = Loop(evolution(population, 1.0, disposal=DisposalSpec(**chances)))
    m, (member, other) = loop.members, (np.arange(40), np.arange(40, 60))
    loop.operations.advance(population.epoch_year + 0.1)
    assert (m.kind[:60] == Kind.DERELICT).all()
    orbit = m.orbits()
    life = loop.lifetime.years(
        orbit[orbit_table.A_KM],
        orbit[orbit_table.ECC],
        ballistic_m2_kg=orbit[orbit_table.BALLISTIC],
        inc_rad=orbit[orbit_table.INC],
    )
    steered = m.controlled[member] != 0
    assert 10 <= steered.sum() <= 30
    np.testing.assert_allclose(life[member][steered], 1.0, rtol=0.01)
    assert (life[member][~steered] > 5.0).all()  # where the disposal failed, the orbit stays
    assert (life[other] > 5.0).all()  # 25 years are more than they need
    assert not m.controlled[other].any()
    assert (m.backend.get(m.state.mode[:60]) == orbit_table.FREE).all()
    left = DisposalSpec(**chances, avoids_while_lowering=False)
    loop = Loop(evolution(population, 1.0, disposal=left))
    loop.operations.advance(population.epoch_year + 0.1)
    assert not loop.members.controlled[:60].any()
    np.testing.assert_array_equal(loop.members.orbits(), orbit)


@pytest.mark.parametrize("mode", ["lower", "graveyard", "remove"])
def test_stations_re_enter_whatever_the_rule(mode: str) -> None:
    population = derelicts(6, Kind.ACTIVE, 500.0)
    population.controlled[:5] = 1
    population.mass_kg[:] = [96_000.0, 50_000.0, 49_999.0, 800.0, 400_000.0, 96_000.0]  # the last one cannot steer
    population = dataclasses.replace(population, mission_end_year=np.full(6, population.epoch_year + 0.1))
    result = run(population, 1.0, disposal=DisposalSpec(mode=mode, payload=0.0))
    assert result.series["disposals"][-1].sum() == 3.0
    assert result.series["disposals_failed"][-1].sum() == 2.0
    assert result.series["total_mass"][-1].sum() == 49_999.0 + 800.0 + 96_000.0
    assert abs(result.balances["mass_balance"]) < 1e-12
    heavier = run(population, 1.0, disposal=DisposalSpec(mode=mode, payload=0.0, station_kg=97_000.0))
    assert heavier.series["disposals"][-1].sum() == 1.0


def test_a_derelict_that_is_steered_avoids_and_a_hit_ends_that() -> None:
    population = dataclasses.replace(derelicts(60), radius_m=np.full(60, 150.0))
    population.controlled[:] = 1
    spec: dict[str, Any] = {"cube_km": 100.0, "avoidance_both": 0.0}
    avoiding = run(population, 1.0, collisions=CollisionSpec(**spec, estimator="none"))
    assert avoiding.series["expected_catastrophic"][-1].sum() == 0.0
    assert avoiding.series["expected_avoided"][-1] > 0.1
    small = np.arange(60) >= 30  # too small to be tracked: they hit, and leave craters
    population.controlled[small], population.length_m[small], population.mass_kg[small] = 0, 0.05, 1e-4
    loop = Loop(evolution(population, 2.0, collisions=CollisionSpec(**spec)))
    loop.run()
    m, slots = loop.members, loop.members.slots()
    large, hit = slots[m.uid[slots] < 30], m.mass_kg < 800.0
    assert 3 <= hit[large].sum() < 30
    np.testing.assert_array_equal(m.controlled[large] == 0, hit[large])
