"""Scheduled events that cannot be: told before the work begins, all at once."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import stmgpu as stm
from stmgpu.backend.cpu import usable_levels
from stmgpu.debris.population import Population
from stmgpu.debris.population.synthetic import synthetic_population
from stmgpu.debris.scenario import Scenario, Study
from stmgpu.debris.study.preparation import prepare
from stmgpu.debris.study.scenario_file import input_files, read_study, shipped_scenarios, study_from_settings
from stmgpu.errors import InputError

DATA = Path(__file__).resolve().parents[4] / "shared" / "data" / "debris" / "mocat_mc"
HIT = {"type": "collision", "projectile_kg": 30.0, "speed_km_s": 9.0}


@pytest.fixture(scope="module")
def crowd() -> Population:
    some = synthetic_population(50, seed=4, constellations=False)
    return dataclasses.replace(some, norad_id=np.arange(1, 51), mass_kg=np.full(50, 800.0))


def prepared(population: Population, *events: dict[str, Any]) -> None:
    scenario = Scenario.model_validate({"environment": {"density": "exponential"}, "events": events})
    prepare(Study(scenarios=(scenario,), years=3.0), seed=0, population=population)


def test_all_faults_of_events_are_told_at_once(crowd: Population) -> None:
    with pytest.raises(InputError) as caught:
        prepared(
            crowd,
            {"year": 2030.0, "ids": [1]},
            {"year": 2024.0, "ids": [99, 2], "type": "collision"},
            {"year": 2024.0, "ids": [3]},
            {"year": 2025.0, "ids": [3], **HIT},
        )
    assert str(caught.value) == (
        "scenario 'base': event 2: object 99 is not in the population (synthetic); event 4: object 3 was broken up by "
        "event 3 before; event 1: year 2030 is outside the study, 2023.00 to 2026.00"
    )
    # a crater leaves the object, and the speed of two on their own orbits is not known before
    prepared(crowd, {"year": 2024.0, "ids": [3], **HIT, "projectile_kg": 0.001}, {"year": 2025.0, "ids": [3]})
    prepared(crowd, {"year": 2024.0, "ids": [3, 4], "type": "collision"}, {"year": 2025.0, "ids": [3]})
    without = dataclasses.replace(crowd, norad_id=np.zeros(50, np.int64))
    with pytest.raises(InputError, match=r"object 3 is not in the population \(synthetic, whose objects have no NORAD"):
        prepared(without, {"year": 2024.0, "ids": [3]})


def test_tables_of_fragments_are_read_before_the_work(crowd: Population, tmp_path: Path) -> None:
    table = tmp_path / "cloud.csv"
    event = {"year": 2024.0, "ids": [3], "fragments": table}
    with pytest.raises(InputError, match=r"event 1: .*cloud\.csv"):
        prepared(crowd, event)
    table.write_text("a_km,ecc,inc_deg,object_type,mass_kg,length_m\n7200,0,82,debris,801,0.5\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"event 1: the fragments in .* weigh 801\.0 kg, more than the 800\.0 kg that"):
        prepared(crowd, event)
    table.write_text("a_km,ecc,inc_deg,object_type,mass_kg,length_m\n7200,0,82,debris,1,0.05\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"holds 0 fragments of at least breakups\.min_length_m = 0\.1 m"):
        prepared(crowd, event)


WRONG = [
    ("ids = [1, 2]", "an explosion is of one object"),
    ("ids = [1]\nspeed_km_s = 3", "an explosion is of one object"),
    ("ids = [1]\ntype = 'collision'", "needs projectile_kg and speed_km_s"),
    ("ids = [1, 2]\ntype = 'collision'\nprojectile_kg = 3", "projectile_kg belongs to a collision of one id"),
    ("ids = [7, 7]\ntype = 'collision'", "object 7 cannot collide with itself"),
    ("ids = []", r"events\.1\.ids"),
    ("ids = [0]", r"events\.1\.ids\.1"),
    ("ids = [1]\nscale = 0", r"events\.1\.scale"),
    ("ids = [1]\nscale = 2\nfragments = 'a.csv'", "scale is a factor on the breakup model"),
    ("ids = [1]\nprojectile_kg = -3", r"events\.1\.projectile_kg"),
    ("ids = [1]\nmass = 3", r"unknown key events\.1\.mass"),
]


@pytest.mark.parametrize(("text", "said"), WRONG)
def test_impossible_events_are_named(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "study.toml"
    file.write_text(f"[[events]]\nyear = 2025.0\n{text}\n", encoding="utf-8")
    with pytest.raises(InputError, match=f"study.toml: .*{said}"):
        read_study(file)


def test_events_survive_a_store(tmp_path: Path) -> None:
    file = tmp_path / "study.toml"
    file.write_text("[[events]]\nyear = 2025.0\nids = [3]\nfragments = 'a/cloud.csv'\n", encoding="utf-8")
    study = read_study(file)
    renamed, files = input_files(study)
    assert files == {"cloud.csv": tmp_path / "a" / "cloud.csv"}
    settings = [scenario.model_dump(mode="json") for scenario in renamed.scenarios]
    again = study_from_settings(settings, years=100.0, runs=20, folder=tmp_path / "a")
    assert again == study


@pytest.mark.slow
@pytest.mark.skipif(not (DATA / "2005.mat").is_file(), reason="../shared with the populations of MOCAT-MC is not there")
@pytest.mark.skipif(not usable_levels(), reason="the kernels were not compiled here")
@pytest.mark.parametrize(
    ("name", "epoch", "ids", "catalogued"),
    [
        ("kosmos-1408", 2020, [13552, 0], 926),
        ("fengyun-1c", 2005, [25730, 0], 3072),
        ("iridium-cosmos", 2009, [24946, 22675], 2010),
    ],
)
def test_shipped_breakups_happen(name: str, epoch: int, ids: list[int], catalogued: int) -> None:
    """The factor of each makes as many fragments as the catalogue has, within what it is rounded to."""
    study = read_study(shipped_scenarios()[name])
    calm = {"population": {"source": "mocat", "path": str(DATA / f"{epoch}.mat")}, "collisions": {"enabled": False}}
    event = study.scenarios[0].events[0].model_dump()
    scenario = Scenario.model_validate({**calm, "environment": {"density": "exponential"}, "events": [event]})
    ds = stm.evolve(Study(scenarios=(scenario,), years=np.ceil(event["year"] - epoch), runs=1), seed=1)
    assert [ds.event_first_norad.item(), ds.event_second_norad.item()] == ids
    assert ds.event_fragments.item() == pytest.approx(catalogued, rel=0.03)
    assert study.scenarios[1].events == ()
    assert max(abs(ds[f"{name}_balance"]).max().item() for name in ("count", "mass", "breakup")) < 1e-12
