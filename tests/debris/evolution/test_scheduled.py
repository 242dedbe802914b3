"""Scheduled breakups: what happens at a date to the objects that a scenario names, and to nothing else."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stmgpu.backend.cpu import CpuBackend, usable_levels
from stmgpu.constants import EARTH
from stmgpu.debris import breakup
from stmgpu.debris.evolution.loop import Evolution, RunResult
from stmgpu.debris.population import Kind, Population
from stmgpu.debris.population.synthetic import synthetic_population
from stmgpu.debris.scenario import Scenario
from stmgpu.debris.variables import CATASTROPHIC, CRATERING, EXPLOSION

pytestmark = pytest.mark.skipif(not usable_levels(), reason="the kernels were not compiled here")
FIRST, SECOND, STAGE, LOW = 101, 102, 103, 104


@pytest.fixture(scope="module")
def population() -> Population:
    """Thirty derelicts, the first four of them with ids: two satellites, a stage, one that decays within days."""
    some = synthetic_population(30, seed=4, constellations=False)
    ids = np.zeros(30, np.int64)
    ids[:4] = FIRST, SECOND, STAGE, LOW
    height = np.full(30, 900.0)
    height[3] = 155.0
    return dataclasses.replace(
        some,
        norad_id=ids,
        kind=np.where(np.arange(30) == 2, Kind.ROCKET_BODY, Kind.DERELICT).astype(np.int8),
        a_km=EARTH.radius_km + height,
        ecc=np.full(30, 1e-4),
        mass_kg=np.full(30, 900.0),
        length_m=np.full(30, 2.5),
        radius_m=np.full(30, 1.2),
        area_to_mass=np.full(30, 0.01),
        controlled=np.zeros(30, np.int8),
    )


def run(
    population: Population, *events: dict[str, Any], runs: tuple[int, ...] = (0,), **tables: Any
) -> list[RunResult]:
    calm = {"environment": {"density": "exponential"}, "collisions": {"enabled": False}}
    scenario = Scenario.model_validate({**calm, "events": events})
    return Evolution(
        scenario, population, years=2.0, seed=5, run_numbers=list(runs), backend=CpuBackend(threads=1)
    ).run()


EXPLOSION_AT: dict[str, Any] = {"year": 2023.5, "ids": [STAGE]}
HIT: dict[str, Any] = {"year": 2024.2, "ids": [FIRST], "type": "collision", "projectile_kg": 20.0, "speed_km_s": 9.0}
PAIR: dict[str, Any] = {"year": 2023.1, "ids": [FIRST, SECOND], "type": "collision"}


def closes(result: RunResult) -> None:
    for name in ("count_balance", "mass_balance", "breakup_balance", "momentum_balance"):
        assert abs(result.balances[name]) < 1e-12, name


def test_an_object_explodes_at_its_date(population: Population) -> None:
    """6 S L^-1.6 fragments (Johnson et al. 2001), and up to eight large remnants."""
    for scale in (1.0, 2.5):
        (result,) = run(population, {**EXPLOSION_AT, "scale": scale})
        events = result.events
        assert events["type"].tolist() == [EXPLOSION]
        assert events["time"].tolist() == [2023.5]
        assert (events["scheduled"].item(), events["first_norad"].item()) == (1, STAGE)
        assert scale * 6.0 * (0.1**-1.6 - 1.0) - 2 <= events["fragments"].item() <= scale * 6.0 * 0.1**-1.6 + 9
        assert result.series["scheduled_breakups"][:, Kind.ROCKET_BODY].tolist() == [0.0, 1.0, 1.0]
        assert result.series["explosions"].sum() == result.series["collisions_catastrophic"].sum() == 0.0
        closes(result)


def test_a_projectile_hits(population: Population) -> None:
    """0.1 M^0.75 L^-1.71 fragments, all of the target's orbit or of a projectile that falls back at once."""
    counts = []
    for scale in (1.0, 3.0):
        (result,) = run(population, {**HIT, "scale": scale})
        events = result.events
        assert events["type"].tolist() == [CATASTROPHIC]
        assert (events["second"].item(), events["second_mass"].item(), events["speed"].item()) == (-1, 20.0, 9.0)
        assert events["energy"].item() == pytest.approx(0.5 * 20.0 * 9000.0**2 / 900e3)
        counts.append(events["fragments"].item())
        closes(result)
    # up to 1 m, and up to eight large remnants
    assert -2.0 <= counts[0] - 0.1 * 920.0**0.75 * (0.1**-1.71 - 1.0) <= 10.0
    assert counts[1] == pytest.approx(3.0 * counts[0], rel=0.02)


def test_a_slow_or_light_projectile_leaves_a_crater(population: Population) -> None:
    (result,) = run(population, {**HIT, "projectile_kg": 0.01}, {**HIT, "year": 2024.5, "ids": [SECOND]})
    events = result.events
    assert events["type"].tolist() == [CRATERING, CATASTROPHIC]
    assert events["scheduled"].tolist() == [1, 2]
    assert events["first_norad"].tolist() == [FIRST, SECOND]
    assert result.series["population"][-1, Kind.DERELICT] == 27.0  # the cratered one is still there
    closes(result)


def test_two_objects_collide_where_their_planes_cross(population: Population) -> None:
    (own,) = run(population, PAIR)
    (stated,) = run(population, {**PAIR, "speed_km_s": 11.7})
    assert own.events["second_norad"].item() == SECOND
    # nodes turn by -9.964 (R/a)^3.5 cos i degrees a day (Wertz 1999)
    i, turn = population.inc_rad[:2], 9.964 * (EARTH.radius_km / (EARTH.radius_km + 900.0)) ** 3.5
    node = population.raan_rad[:2] - np.radians(turn * np.cos(i)) * 0.1 * 365.25
    axis = np.stack([np.sin(node) * np.sin(i), -np.cos(node) * np.sin(i), np.cos(i)], axis=1)
    speed = 2.0 * np.sqrt(398600.44 / (EARTH.radius_km + 900.0)) * np.sin(0.5 * np.arccos(axis[0] @ axis[1]))
    assert own.events["speed"].item() == pytest.approx(speed, rel=2e-3)
    assert stated.events["speed"].item() == 11.7
    for result in (own, stated):
        assert result.series["population"][-1, Kind.DERELICT] == 26.0  # LOW is gone
        closes(result)


def test_an_object_that_is_gone_does_not_break_up_and_is_told(population: Population) -> None:
    (result,) = run(population, {**EXPLOSION_AT, "ids": [LOW]}, {**PAIR, "ids": [LOW, FIRST]})
    # the pair comes first, by date, but within days of the start the low one has decayed
    assert result.notes == (
        f"event 2 of 2023.10: object {LOW} was no longer there, so nothing broke up",
        f"event 1 of 2023.50: object {LOW} was no longer there, so nothing broke up",
    )
    assert len(result.events["id"]) == 0


def test_events_depend_neither_on_each_other_nor_on_the_batch(population: Population) -> None:
    alone, batch = run(population, HIT, runs=(3,))[0], run(population, EXPLOSION_AT, HIT, runs=(0, 3))
    first, second = (r.events for r in batch)
    np.testing.assert_array_equal(second["id"][1], alone.events["id"][0])
    # a move ends at an event, so that others cut the same motion into other moves
    assert second["altitude"][1] == pytest.approx(alone.events["altitude"].item(), rel=1e-9)
    assert second["scheduled"].tolist() == [1, 2]
    assert not set(first["id"]) & set(second["id"])
    again = run(population, HIT, EXPLOSION_AT, runs=(3,))[0]
    np.testing.assert_array_equal(again.events["id"], second["id"])
    np.testing.assert_array_equal(again.series["number"], batch[1].series["number"])


def test_the_last_day_counts(population: Population) -> None:
    (result,) = run(population, {**EXPLOSION_AT, "year": 2025.0}, {**HIT, "year": 2023.0})
    assert result.events["time"].tolist() == [2023.0, 2025.0]


def test_a_row_that_is_there_in_part_breaks_up_in_part(population: Population) -> None:
    part = dataclasses.replace(population, weight=np.where(population.norad_id == STAGE, 0.5, 1.0))
    results = run(part, EXPLOSION_AT, runs=tuple(range(40)))
    happened = [len(result.events["id"]) for result in results]
    assert 10 <= sum(happened) <= 30
    for result in results:
        assert result.series["population"][-1, Kind.ROCKET_BODY] == 0.0
        closes(result)


def test_fragments_of_a_file_are_put_where_it_says(population: Population, tmp_path: Path) -> None:
    table = tmp_path / "cloud.csv"
    rows = "\n".join(f"{7200 + k},0.001,82.0,{k},0,0,debris,{2 + k},0.01,0.3" for k in range(20))
    header = "a_km,ecc,inc_deg,raan_deg,argp_deg,mean_anomaly_deg,object_type,mass_kg,area_to_mass,length_m"
    table.write_text(f"{header}\n{rows}\n7300,0,82,0,0,0,debris,0.01,0.1,0.05\n", encoding="utf-8")
    (result,) = run(population, {**HIT, "fragments": table})
    assert result.events["fragments"].item() == 20.0  # the shortest is below breakups.min_length_m
    assert result.series["population"][-1, Kind.COLLISION_FRAGMENT] == 20.0
    assert result.series["total_mass"][-1, Kind.COLLISION_FRAGMENT] == sum(range(2, 22))
    closes(result)


def test_scaled_collisions_keep_their_mass() -> None:
    for scale in (0.3, 1.0, 30.0):
        made = breakup.collision(
            breakup.Body(900.0, 2.5),
            breakup.Body(30.0, 0.4),
            speed_km_s=9.0,
            rng=np.random.default_rng(1),
            scale=scale,
        )
        assert abs(made.closure) < 1e-12
        assert made.mass_kg.sum() <= 930.0 + 1e-9
