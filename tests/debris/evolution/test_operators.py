"""Losses, manoeuvres and series by constellation, against avoided collisions, the event table and counts by hand."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import stmgpu as stm
from stmgpu.backend.cpu import CpuBackend, usable_levels
from stmgpu.debris import statistics as st
from stmgpu.debris.evolution.loop import Evolution, RunResult
from stmgpu.debris.evolution.operators import Fleets
from stmgpu.debris.policy import MassRemoval
from stmgpu.debris.population import Kind, Population
from stmgpu.debris.population.synthetic import synthetic_population
from stmgpu.debris.scenario import Scenario, Study
from stmgpu.debris.specs import CollisionSpec, ConstellationSpec, EnvironmentSpec, LaunchSpec, OutputSpec
from stmgpu.errors import InputError
from stmgpu.typing import Floats

pytestmark = pytest.mark.skipif(not usable_levels(), reason="the kernels were not compiled here")
FLEET = ConstellationSpec(
    name="own", altitude_km=600.0, inclination_deg=53.0, planes=4, per_plane=5, mass_kg=300.0, radius_m=1.5,
    from_year=2023.0, build_years=0.5,
)  # fmt: skip


def run(population: Population, years: float, **tables: Any) -> RunResult:
    scenario = Scenario(environment=EnvironmentSpec(density="exponential"), **tables)
    backend = CpuBackend(threads=1)
    return Evolution(scenario, population, years=years, seed=5, run_numbers=[0], backend=backend).run()[0]


@pytest.fixture(scope="module")
def crowd() -> Population:
    population = synthetic_population(1000, seed=4, constellations=False)
    return dataclasses.replace(population, radius_m=60.0 * population.radius_m)


def test_manoeuvres_are_the_passages_that_operators_avoid(crowd: Population) -> None:
    """Equal radii: the box of a manoeuvre over the area of a hit is one number for all pairs."""
    crowd = dataclasses.replace(crowd, radius_m=np.full(len(crowd), 2.0))
    crowd.controlled[:] = crowd.kind == Kind.ACTIVE
    crowd.mission_end_year[crowd.controlled != 0] = 2100.0
    spec = CollisionSpec(cube_km=50.0, resamples=16, estimator="none", avoidance=0.25, avoidance_both=0.25)

    def series(members: NDArray[np.bool_]) -> dict[str, Floats]:
        made = dataclasses.replace(crowd, constellation=np.where(members, 0, -1).astype(np.int32))
        return run(made, 1.0, collisions=spec, output=OutputSpec(manoeuvre_km=2.0)).series

    active = crowd.kind == Kind.ACTIVE
    nobody, half, everybody = (series(active & (np.arange(len(crowd)) % k == 0)) for k in (len(crowd) + 1, 2, 1))
    total = [result["manoeuvres"][-1].sum() for result in (nobody, half, everybody)]
    avoided = nobody["expected_avoided"][-1]
    assert avoided > 0.0
    assert total[0] == pytest.approx(avoided * (2000.0 / 4.0) ** 2)
    assert total[0] > total[1] > total[2] > 0.0  # members of a constellation do not avoid each other
    assert 0.0 < half["constellation_manoeuvres"][-1, 0] < total[1]
    assert everybody["constellation_manoeuvres"][-1, 0] == pytest.approx(total[2])


def test_losses_are_the_active_satellites_in_the_event_table(crowd: Population) -> None:
    open_to_all = {"cube_km": 300.0, "avoidance": 1.0, "avoidance_both": 1.0}
    crowd = dataclasses.replace(crowd, radius_m=2.0 * crowd.radius_m)
    result = run(crowd, 1.0, collisions=CollisionSpec(**open_to_all))
    events, series = result.events, result.series
    inside = (events["altitude"] >= 200.0) & (events["altitude"] < 2000.0)
    hit = sum((events[f"{side}_class"][inside] == Kind.ACTIVE).sum() for side in ("first", "second"))
    assert hit > 0
    assert series["active_losses"][-1].sum() == hit
    assert abs(hit - series["expected_active_losses"][-1].sum()) < 4.0 * np.sqrt(hit)
    assert series["manoeuvres"][-1].sum() == 0.0  # nobody avoids anything
    virtual = run(crowd, 1.0, collisions=CollisionSpec(estimator="expected", **open_to_all)).series
    assert virtual["active_losses"][-1].sum() > 0.01
    np.testing.assert_allclose(virtual["active_losses"], virtual["expected_active_losses"])


def test_fleets_of_the_population_and_of_the_scenario_have_one_name_each() -> None:
    population = dataclasses.replace(synthetic_population(300, seed=4), constellation_names=("other",))
    population.constellation[:4] = [-1, 1, 100, 101]
    fleets = Fleets.of(
        Scenario(launches=LaunchSpec(constellations=(FLEET, FLEET.model_copy(update={"name": "oneweb"})))), population
    )
    assert fleets.names == ("Starlink", "OneWeb", "other", "constellation 101", "own")
    assert fleets.index(np.array([1, -1, 100, 1000, 0, 1001, 7])).tolist() == [1, -1, 2, 4, 0, -1, -1]
    assert Fleets((), ()).index(np.array([3, -1])).tolist() == [-1, -1]


def test_each_constellation_has_its_series_and_none_where_it_is_not() -> None:
    population = synthetic_population(300, seed=4)
    base = Scenario(environment=EnvironmentSpec(density="exponential"), name="without")
    more = base.model_copy(update={"name": "with", "launches": LaunchSpec(constellations=(FLEET,))})
    ds = stm.evolve(Study(scenarios=(base, more)), population=population, years=1.0, runs=1, backend="cpu")
    active = ds["constellation_active"].isel(run=0)
    assert ds["constellation"].to_numpy().tolist()[-1] == "own"
    assert active.sel(constellation="own").to_numpy().tolist() == [[0.0, 0.0], [0.0, 20.0]]
    assert (
        float(active.sel(constellation="Starlink")[0, 0])
        == ((population.constellation == 0) & (population.kind == Kind.ACTIVE)).sum()
    )
    steered = float(ds["population_steered"][0, 0, 0])
    assert steered == (population.controlled != 0).sum()
    rate = st.manoeuvres_per_satellite(ds)
    there = ds["population_steered"][1, 0].mean()
    assert float(rate[1, 0, 0]) == pytest.approx(float(ds["manoeuvres"][1, 0, -1].sum() / there))
    fleets = st.manoeuvres_per_satellite(ds, by="constellation")
    assert np.isnan(fleets.sel(constellation="own")[0]).all()
    with pytest.raises(InputError, match="no variable 'constellation_manoeuvres'"):
        st.manoeuvres_per_satellite(ds.drop_vars("constellation_manoeuvres"), by="constellation")


def test_failed_missions_are_events(crowd: Population) -> None:
    result = run(crowd, 3.0, collisions=CollisionSpec(enabled=False), removal=(MassRemoval(per_year=8, failure=0.5),))
    for kind, name in ((3, "removals"), (4, "removals_failed")):
        rows = result.events["type"] == kind
        assert rows.sum() == result.series[name][-1].sum() > 3
    failed = result.events["first"][result.events["type"] == 4]
    assert set(failed) & set(range(len(crowd)))  # uids of objects that were there at the start
