"""Evolution of whole populations: balances, invariance, and that what is counted is what should be expected.

Truths: conservation (what is there is what entered and did not leave), the martingale property of a counting process
and its compensator (Doob and Meyer), and that a run depends on nothing but its scenario, seed and number.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.stats import kstest

import stmgpu as stm
from stmgpu.backend import Backend
from stmgpu.backend.cpu import CpuBackend, usable_levels
from stmgpu.backend.reference import ReferenceBackend
from stmgpu.debris.evolution.loop import Evolution, Loop, RunResult
from stmgpu.debris.policy import ListRemoval, MassRemoval, RandomRemoval, Sweep
from stmgpu.debris.policy.ranking import Only
from stmgpu.debris.population import CLASS_NAMES, Kind, Population
from stmgpu.debris.population.synthetic import synthetic_population
from stmgpu.debris.scenario import Scenario
from stmgpu.debris.specs import (
    BreakupSpec,
    CollisionSpec,
    DisposalSpec,
    EnvironmentSpec,
    ExplosionSpec,
    LaunchSpec,
    PropagationSpec,
)

pytestmark = pytest.mark.skipif(not usable_levels(), reason="the kernels were not compiled here")
ATMOSPHERE = EnvironmentSpec(density="exponential")
FRAGMENTS = [Kind.EXPLOSION_FRAGMENT, Kind.COLLISION_FRAGMENT]


@pytest.fixture(scope="module")
def crowd() -> Population:
    """A thousand objects so large that they collide within a year."""
    population = synthetic_population(1000, seed=4, constellations=False)
    return dataclasses.replace(population, radius_m=60.0 * population.radius_m)


def run(
    population: Population,
    years: float,
    numbers: list[int],
    backend: Backend | None = None,
    seed: int = 5,
    **tables: Any,
) -> list[RunResult]:
    scenario = Scenario(environment=ATMOSPHERE, **tables)
    return Evolution(
        scenario, population, years=years, seed=seed, run_numbers=numbers, backend=backend or CpuBackend(threads=1)
    ).run()


BUSY: dict[str, Any] = {
    "launches": LaunchSpec(model="repeat", window=(2016, 2022)),
    "explosions": ExplosionSpec(rocket_body=0.02, payload=0.01, max_age_years=60.0),
    "disposal": DisposalSpec(payload=0.5, rocket_body=0.5),
    "collisions": CollisionSpec(cube_km=50.0, avoidance=0.5),
    "removal": (RandomRemoval(per_year=3),),
}


def equal(one: RunResult, other: RunResult) -> None:
    assert one.series.keys() == other.series.keys()
    for name, values in one.series.items():
        np.testing.assert_array_equal(values, other.series[name], err_msg=name)
    for name, column in one.events.items():
        np.testing.assert_array_equal(column, other.events[name], err_msg=name)


@pytest.mark.slow
def test_what_is_there_is_what_entered_and_did_not_leave(crowd: Population) -> None:
    (result,) = run(crowd, 6.0, [0], **BUSY)
    series = {name: values[-1] for name, values in result.series.items()}
    for name in (
        "explosions",
        "launches",
        "disposals",
        "disposals_failed",
        "removals",
        "decays",
        "fragments",
        "collisions_catastrophic",
        "expected_fragments",
        "expected_avoided",
    ):
        assert series[name].sum() > 0.0, f"{name}: nothing of it happened, so nothing is tested"
    assert abs(result.balances["count_balance"]) < 1e-12
    assert abs(result.balances["mass_balance"]) < 1e-12
    assert result.balances["breakup_balance"] < 1e-12
    assert result.balances["momentum_balance"] < 1e-12
    assert result.balances["energy_balance"] == 0.0  # what fragments carry comes from the impact
    # and by hand, from the series alone: collisions destroy both objects, cratering ones the projectile
    events = result.events
    destroyed = (2 * (events["type"] == 0) + (events["type"] == 1) + (events["type"] == 2)).sum()
    slow = int(((events["type"] == 1) & (events["speed"] < 1.42)).sum())
    gone = series["decays"].sum() + series["removals"].sum() + destroyed
    left = len(crowd) + series["launches"].sum() + series["fragments"].sum() - gone
    assert left - slow <= series["population"].sum() <= left + slow
    # disposal lowers here, so nothing is lost by it; a shell holds no more than there is
    assert series["number"].sum() <= series["population"].sum() * (1.0 + 1e-6)


@pytest.mark.slow
def test_runs_do_not_notice_each_other(crowd: Population) -> None:
    together = run(crowd, 3.0, [0, 1, 2], **BUSY)
    for number, result in enumerate(together):
        equal(run(crowd, 3.0, [number], **BUSY)[0], result)
    assert not np.array_equal(together[0].series["population"], together[1].series["population"])
    equal(run(crowd, 3.0, [2, 0], **BUSY)[0], together[2])


@pytest.mark.slow
@pytest.mark.parametrize(
    "make", [lambda: CpuBackend(threads=2), lambda: CpuBackend(threads=1, isa="scalar")], ids=["threads", "scalar"]
)
def test_neither_threads_nor_instruction_set_matter(make: Callable[[], Backend], crowd: Population) -> None:
    equal(run(crowd, 2.0, [7], make(), **BUSY)[0], run(crowd, 2.0, [7], **BUSY)[0])


@pytest.mark.slow
def test_the_reference_backend_agrees(crowd: Population) -> None:
    few = crowd[:300]
    plain: dict[str, Any] = {
        "collisions": CollisionSpec(cube_km=50.0, resamples=2, estimator="none"),
        "propagation": PropagationSpec(step_days=5.0),  # an orbit about to decay is less exact in longer moves
    }
    (kernels,), (reference,) = (run(few, 1.0, [0], backend, **plain) for backend in (None, ReferenceBackend()))
    for name in ("number", "population", "expected_catastrophic", "expected_fragments"):
        np.testing.assert_allclose(kernels.series[name], reference.series[name], rtol=2e-3, atol=1e-6, err_msg=name)


def test_another_seed_is_another_run(crowd: Population) -> None:
    (one,), (other,) = run(crowd, 2.0, [0], **BUSY), run(crowd, 2.0, [0], seed=6, **BUSY)
    assert not np.array_equal(one.series["expected_fragments"], other.series["expected_fragments"])


def test_density_has_one_factor_a_run_that_nobody_plans_with(crowd: Population) -> None:
    """The same in all scenarios, in any batch, and at every height and date; its logarithm is normal."""

    def air(sigma: float, numbers: list[int]) -> Loop:
        scenario = Scenario(environment=EnvironmentSpec(density="exponential", density_sigma=sigma))
        return Loop(Evolution(scenario, crowd[:20], years=0.5, seed=3, run_numbers=numbers, backend=CpuBackend()))

    plain, wide, wider = (air(sigma, list(range(300))) for sigma in (0.0, 0.1, 0.2))
    factor = wide.log_density - plain.log_density  # [months, runs, heights]
    drawn = factor[0, :, 0] / 0.1
    np.testing.assert_allclose(factor, np.broadcast_to(0.1 * drawn[:, None], factor.shape), atol=1e-12)
    np.testing.assert_allclose(wider.log_density - plain.log_density, 2.0 * factor, atol=1e-12)
    np.testing.assert_array_equal(air(0.1, [7]).log_density[:, 0], wide.log_density[:, 7])
    assert kstest(drawn, "norm").pvalue > 0.001
    assert (plain.log_density[:, 0] == plain.log_density[:, 1]).all()
    np.testing.assert_array_equal(wide.lifetime.log_density, plain.lifetime.log_density)


@pytest.mark.slow
def test_scenarios_share_their_random_numbers(crowd: Population) -> None:
    """Until a policy acts a run is the same with and without it, and later it differs only by what follows from it."""
    begin = crowd.epoch_year
    late = {**BUSY, "removal": (MassRemoval(per_year=20, from_year=begin + 2.0),)}
    (without,), (with_it,) = (run(crowd, 4.0, [0], **{**BUSY, "removal": removal}) for removal in ((), late["removal"]))
    for name in ("population", "decays", "expected_catastrophic", "fragments"):
        np.testing.assert_array_equal(without.series[name][:3], with_it.series[name][:3], err_msg=name)
    assert with_it.series["removals"][-1].sum() == 40  # nobody is removed at the end
    assert (with_it.events["type"] == 3).sum() == 40
    launched = [result.series["launches"] for result in (without, with_it)]
    np.testing.assert_array_equal(*launched)


@pytest.mark.slow
def test_counted_collisions_are_those_expected(crowd: Population) -> None:
    """N minus its compensator has mean 0 and the compensator's mean as variance: 24 runs within 4 sigma."""
    results = run(crowd, 2.0, list(range(24)), collisions=CollisionSpec(cube_km=50.0))
    counted = np.array(
        [sum(r.series[f"collisions_{k}"][-1].sum() for k in ("catastrophic", "cratering")) for r in results]
    )
    expected = np.array(
        [sum(r.series[f"expected_{k}"][-1].sum() for k in ("catastrophic", "cratering")) for r in results]
    )
    assert expected.mean() > 2.0
    assert abs((counted - expected).sum()) < 4.0 * np.sqrt(expected.sum())
    fragments = np.array([r.series["fragments"][-1].sum() for r in results])
    foreseen = np.array([r.series["expected_fragments"][-1].sum() for r in results])
    assert abs((fragments - foreseen).mean()) < 4.0 * (fragments - foreseen).std() / np.sqrt(len(results))


@pytest.mark.slow
def test_expected_fragments_have_the_mean_of_sampled_ones_and_less_variance(crowd: Population) -> None:
    number = list(range(16))
    smaller = dataclasses.replace(crowd, radius_m=0.5 * crowd.radius_m)
    found = {
        estimator: np.array(
            [
                r.series["fragments"][-1].sum()
                for r in run(
                    smaller, 1.0, number, collisions=CollisionSpec(cube_km=100.0, resamples=32, estimator=estimator)
                )
            ]
        )
        for estimator in ("sampled", "expected")
    }
    sampled, expected = found["sampled"], found["expected"]
    error = np.hypot(sampled.std(ddof=1), expected.std(ddof=1)) / np.sqrt(len(number))
    assert abs(sampled.mean() - expected.mean()) < 4.0 * error
    assert sampled.var(ddof=1) > 8.0 * expected.var(ddof=1)  # far more where probabilities are small


def test_expected_fragments_close_their_books(crowd: Population) -> None:
    (result,) = run(crowd, 2.0, [0], collisions=CollisionSpec(cube_km=50.0, estimator="expected"))
    assert result.series["collisions_catastrophic"][-1].sum() > 0.1
    assert abs(result.balances["count_balance"]) < 1e-12
    assert abs(result.balances["mass_balance"]) < 1e-12
    np.testing.assert_allclose(result.series["collisions_catastrophic"], result.series["expected_catastrophic"])


def test_rates_are_counted_where_nothing_breaks(crowd: Population) -> None:
    (result,) = run(crowd, 1.0, [0], collisions=CollisionSpec(cube_km=100.0, estimator="none"))
    assert result.series["expected_catastrophic"][-1].sum() > 0.02
    assert result.series["fragments"][-1].sum() == 0.0
    (still,) = run(crowd, 1.0, [0], collisions=CollisionSpec(enabled=False))
    assert still.series["expected_catastrophic"][-1].sum() == 0.0


def test_a_run_that_explodes_is_cut_off_and_kept(crowd: Population, caplog: pytest.LogCaptureFixture) -> None:
    scenario = Scenario(
        environment=ATMOSPHERE,
        max_objects=1500,
        breakups=BreakupSpec(min_length_m=0.05),
        explosions=ExplosionSpec(rocket_body=1.0, payload=1.0, max_age_years=60.0),
    )
    results = Evolution(scenario, crowd, years=4.0, seed=1, run_numbers=[0, 1], backend=CpuBackend(threads=1)).run()
    for result in results:
        assert 2023.0 < result.truncated_year < 2025.0
        assert result.series["population"][0].sum() == len(crowd)
        assert abs(result.balances["mass_balance"]) < 1e-12
    assert "more than 1500 objects" in caplog.text
    assert "max_objects" in caplog.text


def test_a_policy_may_take_all_there_is(crowd: Population) -> None:
    few = crowd[crowd.kind == Kind.ROCKET_BODY]
    (result,) = run(few, 3.0, [0], removal=(MassRemoval(per_year=10_000),))
    assert result.series["population"][-1].sum() < 0.1 * len(few)  # what is too eccentric to be eligible
    assert any("fewer than its missions" in note or "nothing is left" in note for note in result.notes)


def test_each_policy_has_a_note_of_its_own(crowd: Population) -> None:
    stages = crowd[crowd.kind == Kind.ROCKET_BODY]
    stages = dataclasses.replace(stages, norad_id=np.arange(1, len(stages) + 1))
    policies = (
        ListRemoval(ids=(1, 2)),
        MassRemoval(per_year=3, only=Only(min_mass_kg=1e6)),
        MassRemoval(per_year=4, only=Only(owners=("nobody",))),
        Sweep(thinning=0.1),
    )
    (result,) = run(stages, 3.0, [0], removal=policies, collisions=CollisionSpec(enabled=False))
    assert result.series["removals"][-1].sum() == 2.0
    had = "had only 0 objects to choose from"
    assert result.notes == (
        f"2023: policy 2, 'mass', {had}, fewer than its missions",
        f"2023: policy 3, 'mass', {had}, fewer than its missions",
        f"2023: policy 4, 'sweep', {had}",
    )


def test_missions_end_and_disposal_follows_the_rule(crowd: Population) -> None:
    high = crowd.a_km * (1.0 - crowd.ecc) > 7000.0
    active = np.flatnonzero((crowd.kind == Kind.ACTIVE) & high)
    payloads = dataclasses.replace(
        crowd[active],
        mission_end_year=np.full(len(active), crowd.epoch_year + 0.5),
        radius_m=np.full(len(active), 1.0),
        controlled=np.ones(len(active), np.int8),
    )
    gone, stay, low = (
        run(payloads, 1.0, [0], disposal=DisposalSpec(mode=mode, payload=share, constellation=share))[0]
        for mode, share in (("remove", 1.0), ("remove", 0.0), ("lower", 1.0))
    )
    assert gone.series["population"][-1].sum() == 0.0
    assert stay.series["population"][-1, Kind.ACTIVE] == 0.0
    assert stay.series["population"][-1, Kind.DERELICT] > 0.9 * len(active)
    assert low.series["disposals"][-1, Kind.DERELICT] == len(active)
    (long,) = run(payloads, 12.0, [0], disposal=DisposalSpec(rule_years=8.0, payload=1.0, constellation=1.0))
    assert long.series["population"][-1].sum() < 0.1 * len(active)  # lifetimes are estimates, good to some per cent


def test_high_objects_go_up_to_the_graveyard(crowd: Population) -> None:
    """From 1,800 km it is nearer than an orbit that decays within 25 years, from 900 km it is not."""
    count = 20
    high = np.arange(count) % 2 == 0
    payloads = dataclasses.replace(
        crowd[crowd.kind == Kind.ACTIVE][:count],
        mission_end_year=np.full(count, crowd.epoch_year + 0.5),
        a_km=np.where(high, 8178.0, 7278.0),
        ecc=np.full(count, 1e-3),
        controlled=np.ones(count, np.int8),
    )
    (result,) = run(
        payloads,
        1.0,
        [0],
        collisions=CollisionSpec(enabled=False),
        disposal=DisposalSpec(mode="graveyard", payload=1.0, constellation=1.0),
    )
    assert result.series["population"][-1].sum() == count
    assert result.series["number"][0].sum() == pytest.approx(count)
    shells = result.series["number"][-1].sum(axis=1)
    assert shells[26:].sum() == 0.0  # above 1,500 km: all have left
    assert 0.5 * high.sum() < shells.sum() < count - high.sum() + 1e-6


def test_evolve_takes_a_population_and_a_policy(crowd: Population) -> None:
    scenario = Scenario(environment=ATMOSPHERE, collisions=CollisionSpec(enabled=False))
    few = crowd[:200]
    kept, cleared = (
        stm.evolve(scenario, years=2, runs=2, seed=3, backend="cpu", population=few, policy=policy)
        for policy in (None, stm.MassRemoval(per_year=4))
    )
    assert kept.population.isel(time=0).sum("class").values.tolist() == [[200.0, 200.0]]
    assert cleared.removals.isel(time=-1).sum("class").values.tolist() == [[8.0, 8.0]]
    assert cleared.sizes["run"] == 2
    assert cleared.scenario.item() == "base"
    policies = [stm.MassRemoval(per_year=1), stm.RiskRemoval(per_year=1)]
    both = stm.evolve(few, years=1, runs=1, backend="cpu", policy=policies)
    assert float(both.removals.isel(time=-1).sum()) == 2.0


def test_passivated_objects_do_not_explode(crowd: Population) -> None:
    spec = {"rocket_body": 0.5, "payload": 0.5, "max_age_years": 60.0}
    (some,) = run(crowd, 1.0, [0], explosions=ExplosionSpec(**spec), collisions=CollisionSpec(enabled=False))
    (none,) = run(crowd, 1.0, [0], explosions=ExplosionSpec(**spec, passivated=1.0))
    intact = np.isin(crowd.kind, [Kind.ROCKET_BODY, Kind.DERELICT])
    young = intact & (crowd.launch_year + 60.0 > crowd.epoch_year)
    foreseen = young.sum() * (1.0 - np.exp(-0.5))
    assert abs(some.series["explosions"][-1].sum() - foreseen) < 4.0 * np.sqrt(foreseen) + 0.02 * len(crowd)
    assert none.series["explosions"][-1].sum() == 0.0


def test_fragments_know_the_event_that_made_them(crowd: Population) -> None:
    (result,) = run(
        crowd,
        4.0,
        [3],
        collisions=CollisionSpec(cube_km=50.0, protected_days=0.0),
        explosions=ExplosionSpec(rocket_body=0.05, payload=0.05, max_age_years=60.0),
    )
    events = result.events
    assert len(set(events["id"])) == len(events["id"])
    made = events["first_cause"][events["first_cause"] != 0].tolist()
    made += events["second_cause"][events["second_cause"] != 0].tolist()
    assert made, "no fragment broke up again, so nothing is tested"
    assert set(made) <= set(events["id"].tolist())
    ours = events["second"] >= 1 << 62  # not those of the initial population
    assert ours.any()
    assert (events["second_cause"][ours] != 0).all()
    assert np.isin(events["second_class"][ours], FRAGMENTS).all()
    assert len(CLASS_NAMES) == len(Kind)


@pytest.mark.parametrize("years", [0.1, 1.01, 1.3])
def test_an_evolution_may_end_within_a_month(crowd: Population, years: float) -> None:
    result = run(crowd, years, [0], backend=CpuBackend(threads=1))[0]
    assert len(result.series["population"]) == int(years) + 1
