"""Launches: what comes, when, and that how time is cut does not matter."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from scipy import stats

from stmgpu.debris.evolution.launches import Launches
from stmgpu.debris.population import Kind, Population, columns
from stmgpu.debris.population.synthetic import synthetic_population
from stmgpu.debris.specs import ConstellationSpec, DisposalSpec, LaunchSpec
from stmgpu.debris.study.scenario_file import study_from_document
from stmgpu.errors import InputError
from stmgpu.typing import Ints

DISPOSAL = DisposalSpec()
WINDOW = (2015.0, 2023.0)


@pytest.fixture(scope="module")
def population() -> Population:
    return synthetic_population(seed=3)


def repeat(population: Population, run: int = 0, seed: int = 7, **options: Any) -> Launches:
    return Launches(
        LaunchSpec(model="repeat", window=WINDOW, **options), population, disposal=DISPOSAL, seed=seed, run_number=run
    )


RATES = {"payload": 100.0, "rocket_body": 30.0, "mission_related": 15.0}
CLASS = {"payload": Kind.ACTIVE, "rocket_body": Kind.ROCKET_BODY, "mission_related": Kind.MISSION_RELATED}


def constant(
    population: Population,
    run: int = 0,
    seed: int = 7,
    per_year: dict[str, Any] | None = None,
    window=WINDOW,
    **options: Any,
) -> Launches:
    spec = LaunchSpec(model="constant", window=window, per_year=per_year or RATES, **options)
    return Launches(spec, population, disposal=DISPOSAL, seed=seed, run_number=run)


def shell(**options: Any) -> ConstellationSpec:
    base = {
        "name": "shell",
        "altitude_km": 600.0,
        "inclination_deg": 53.0,
        "planes": 6,
        "per_plane": 10,
        "spares": 1,
        "mass_kg": 300.0,
        "radius_m": 1.5,
        "life_years": 5.0,
        "from_year": 2024.0,
        "build_years": 3.0,
    }
    return ConstellationSpec(**{**base, **options})


def equal(one: tuple[Population, Ints], other: tuple[Population, Ints]) -> None:
    assert (one is None) == (other is None)
    if one is not None:
        np.testing.assert_array_equal(one[1], other[1])
        for name in set(columns()):
            np.testing.assert_array_equal(getattr(one[0], name), getattr(other[0], name))


def test_no_model_no_arrival(population: Population) -> None:
    assert Launches(LaunchSpec(), population, disposal=DISPOSAL, seed=7, run_number=0).arrivals(2023.0, 2123.0) is None


def test_each_object_of_the_window_comes_once_a_cycle_at_its_phase(population: Population) -> None:
    launched = population[
        (population.kind <= Kind.MISSION_RELATED)
        & (population.launch_year >= 2015)
        & (population.launch_year < 2023)
        & (population.constellation < 0)
    ]
    launches = repeat(population)
    for cycle in (1, 2, 5):
        arrived, serial = launches.arrivals(2015.0 + 8 * cycle, 2023.0 + 8 * cycle)
        assert len(arrived) == len(launched) == len(np.unique(serial))
        order = np.lexsort((launched.a_km, launched.launch_year))
        again = np.lexsort((arrived.a_km, np.round(arrived.launch_year - 8 * cycle, 9)))
        np.testing.assert_allclose(arrived.launch_year[again] - 8 * cycle, launched.launch_year[order], atol=1e-9)
        assert (np.diff(arrived.launch_year) >= 0.0).all()
        for name in ("a_km", "ecc", "inc_rad", "mass_kg", "radius_m", "area_to_mass", "length_m"):
            np.testing.assert_allclose(np.sort(getattr(arrived, name)), np.sort(getattr(launched, name)))


def test_what_arrives_is_new(population: Population) -> None:
    arrived, _ = repeat(population).arrivals(2023.0, 2031.0)
    payload = arrived.kind == Kind.ACTIVE
    assert not (arrived.kind == Kind.DERELICT).any()
    np.testing.assert_allclose((arrived.mission_end_year - arrived.launch_year)[payload], DISPOSAL.mission_years)
    assert np.isinf(arrived.mission_end_year[~payload]).all()
    np.testing.assert_array_equal(arrived.controlled == 1, payload & (arrived.mass_kg >= 10.0))
    for name in ("raan_rad", "argp_rad", "mean_rad"):
        angle = getattr(arrived, name)
        assert abs(np.exp(1j * angle).mean()) < 4.0 / np.sqrt(len(angle))  # uniform on the circle
        old = getattr(population, name)
        assert not np.isin(angle, old).any()
    assert not arrived.norad_id.any()


@pytest.mark.parametrize("growth", [0.0, 0.05, -0.03])
@pytest.mark.parametrize("made", [repeat, constant])
def test_how_time_is_cut_does_not_matter(population: Population, growth: float, made: Callable[..., Any]) -> None:
    options = {"growth": growth, "constellations": (shell(),)}
    whole = made(population, **options).arrivals(2023.0, 2040.0)
    steps = 2023.0 + np.arange(0, int(17 * 365.25 / 5) + 2) * 5 / 365.25
    steps[-1] = 2040.0
    stepper = made(population, **options)
    parts = [part for a, b in itertools.pairwise(steps) if (part := stepper.arrivals(a, b)) is not None]
    joined = (Population.concatenate([p for p, _ in parts]), np.concatenate([s for _, s in parts]))
    equal(joined, whole)
    # in whatever order it is asked
    back = made(population, **options)
    equal(back.arrivals(2036.3, 2036.4), stepper.arrivals(2036.3, 2036.4))
    equal(back.arrivals(2024.1, 2024.2), stepper.arrivals(2024.1, 2024.2))
    first, second = back.arrivals(2023.0, 2031.7), back.arrivals(2031.7, 2040.0)
    np.testing.assert_array_equal(np.concatenate([first[1], second[1]]), whole[1])


def test_serials_are_unique_and_fit(population: Population) -> None:
    found = []
    for made in (repeat, constant):
        launches = made(population, growth=0.03, constellations=(shell(), shell(name="other")))
        arrived, serial = launches.arrivals(2023.0, 2123.0)
        assert serial.dtype == np.int64
        assert len(np.unique(serial)) == len(serial)
        assert serial.min() >= 0
        assert serial.max() < 1 << 61
        found.append(serial[arrived.constellation < 0])
    # 'repeat' fills 59 bits at most, so no launch of one model has a number of the other
    assert found[0].max() < 1 << 59
    assert found[1].min() >= 1 << 59
    assert found[1].max() < 1 << 60


def test_scenarios_share_the_arrivals_they_have_in_common(population: Population) -> None:
    base, base_serial = repeat(population).arrivals(2023.0, 2040.0)
    grown, grown_serial = repeat(population, growth=0.04, repeat_constellations=True).arrivals(2023.0, 2040.0)
    _, here, there = np.intersect1d(base_serial, grown_serial, return_indices=True)
    assert len(here) == len(base)
    for name in ("raan_rad", "argp_rad", "mean_rad", "a_km", "launch_year"):
        np.testing.assert_array_equal(getattr(base, name)[here], getattr(grown, name)[there])


def test_runs_and_seeds_differ(population: Population) -> None:
    base, serial = repeat(population).arrivals(2023.0, 2024.0)
    for other in (repeat(population, run=1), repeat(population, seed=8)):
        arrived, others = other.arrivals(2023.0, 2024.0)
        np.testing.assert_array_equal(serial, others)
        np.testing.assert_array_equal(base.launch_year, arrived.launch_year)
        assert (base.raan_rad != arrived.raan_rad).all()


@pytest.mark.parametrize("growth", [0.05, -0.05])
def test_growth(population: Population, growth: float) -> None:
    """Launches t years after the epoch: (1 + g)^t times as many, over cycles of eight years."""
    without, with_growth = repeat(population), repeat(population, growth=growth)
    for begin in (2023.0, 2039.0, 2055.0):
        plain, _ = without.arrivals(begin, begin + 8)
        grown, _ = with_growth.arrivals(begin, begin + 8)
        expected = ((1.0 + growth) ** (plain.launch_year - 2023.0)).sum()
        assert len(grown) == pytest.approx(expected, abs=4.0 * np.sqrt(len(plain)) + 1.0)
        assert len(grown) != len(plain)


def test_until_year_and_constellations_of_the_past(population: Population) -> None:
    arrived, _ = repeat(population, until_year=2027.0).arrivals(2023.0, 2060.0)
    assert arrived.launch_year.max() < 2027.0
    assert (arrived.constellation < 0).all()
    arrived, _ = repeat(population, repeat_constellations=True).arrivals(2023.0, 2031.0)
    members = arrived.constellation >= 0
    assert members.sum() == (population.constellation >= 0).sum()
    np.testing.assert_allclose((arrived.mission_end_year - arrived.launch_year)[members], 5.0)


def test_epoch_within_a_cycle(population: Population) -> None:
    """A window that ended before the epoch: the cycle runs on, and begins nothing before the epoch."""
    launches = Launches(
        LaunchSpec(model="repeat", window=(2012.0, 2020.0)), population, disposal=DISPOSAL, seed=7, run_number=0
    )
    assert launches.arrivals(2020.0, 2023.0) is None
    arrived, _ = launches.arrivals(2020.0, 2028.0)
    old = population[(population.kind <= Kind.MISSION_RELATED) & (population.constellation < 0)]
    assert len(arrived) == ((old.launch_year >= 2015.0) & (old.launch_year < 2020.0)).sum()


def test_mistakes(population: Population) -> None:
    with pytest.raises(InputError, match="ends after the epoch"):
        Launches(
            LaunchSpec(model="repeat", window=(2020.0, 2024.0)), population, disposal=DISPOSAL, seed=7, run_number=0
        )
    with pytest.raises(InputError, match="nothing in the population"):
        Launches(
            LaunchSpec(model="repeat", window=(1957.0, 1957.2)), population, disposal=DISPOSAL, seed=7, run_number=0
        )
    with pytest.raises(InputError, match=r"growth of 0\.5"):
        repeat(population, growth=0.5).arrivals(2073.0, 2074.0)
    with pytest.raises(InputError, match="too short"):
        Launches(
            LaunchSpec(constellations=(shell(life_years=1e-7),)), population, disposal=DISPOSAL, seed=7, run_number=0
        ).arrivals(2030, 2031)


def counted(population: Population, run: int, **options: dict[str, Any]) -> int:
    part = constant(population, run=run, **options).arrivals(2023.0, 2024.0)
    return 0 if part is None else len(part[0])


@pytest.mark.slow
def test_constant_rates_make_a_poisson_process(population) -> None:
    """Numbers a year: mean and variance are the rate. Times: even. Classes and years: independent."""
    runs = 150
    counts = {name: np.zeros((runs, 4)) for name in RATES}
    times = []
    for run in range(runs):
        arrived, _ = constant(population, run=run).arrivals(2023.0, 2027.0)
        for name, table in counts.items():
            years = arrived.launch_year[arrived.kind == CLASS[name]] - 2023.0
            table[run] = np.bincount(years.astype(int), minlength=4)
            times.append(years)
    for name, rate in RATES.items():
        n = counts[name].size
        assert counts[name].mean() == pytest.approx(rate, abs=4.0 * np.sqrt(rate / n))
        assert counts[name].var() / rate == pytest.approx(1.0, abs=4.0 * np.sqrt(2.0 / n))
        assert abs(np.corrcoef(counts[name].T)[np.triu_indices(4, 1)]).max() < 4.0 / np.sqrt(runs)
    between = np.corrcoef([c.ravel() for c in counts.values()])[np.triu_indices(3, 1)]
    assert abs(between).max() < 4.0 / np.sqrt(4 * runs)
    assert stats.kstest(np.concatenate(times) / 4.0, "uniform").pvalue > 1e-3


@pytest.mark.parametrize(("rate", "runs"), [(0.7, 400), (3000.0, 100)])
def test_numbers_are_those_of_the_poisson_law(population: Population, rate: float, runs: int) -> None:
    law = stats.poisson(rate)
    edges = np.unique([-1.0, *law.ppf([0.25, 0.5, 0.75, 0.95]), 1e9])
    found = [counted(population, run, per_year={"payload": rate}) for run in range(runs)]
    expected = runs * np.diff(law.cdf(edges))
    assert stats.chisquare(np.histogram(found, edges + 0.5)[0], expected).pvalue > 1e-3


def test_objects_are_drawn_evenly_from_the_window(population: Population) -> None:
    """As many of each as a multinomial law has it, and no others; what arrives is new."""
    pool = population[(population.kind == Kind.ROCKET_BODY) & (population.launch_year >= 2015)]
    arrived, _ = constant(population, per_year={"rocket_body": 50.0 * len(pool)}).arrivals(2023.0, 2024.0)
    assert (arrived.kind == Kind.ROCKET_BODY).all()
    order = np.argsort(pool.a_km)
    place = np.searchsorted(pool.a_km[order], arrived.a_km)
    for name in ("a_km", "ecc", "inc_rad", "mass_kg", "radius_m", "area_to_mass", "length_m"):
        np.testing.assert_array_equal(getattr(pool, name)[order][place], getattr(arrived, name))
    assert stats.chisquare(np.bincount(place, minlength=len(pool))).pvalue > 1e-3
    assert abs(np.corrcoef(place, arrived.launch_year)[0, 1]) < 4.0 / np.sqrt(len(place))  # whenever it is launched
    for name in ("raan_rad", "argp_rad", "mean_rad"):
        angle = getattr(arrived, name)
        assert len(np.unique(angle)) == len(angle)
        assert stats.kstest(angle / (2.0 * np.pi), "uniform").pvalue > 1e-3
    assert not arrived.norad_id.any()
    assert np.isinf(arrived.mission_end_year).all()
    payload, _ = constant(population, per_year={"payload": 500.0}).arrivals(2023.0, 2024.0)
    assert (payload.kind == Kind.ACTIVE).all()
    assert (payload.constellation < 0).all()
    np.testing.assert_allclose(payload.mission_end_year - payload.launch_year, DISPOSAL.mission_years)
    np.testing.assert_array_equal(payload.controlled == 1, payload.mass_kg >= 10.0)
    whole, _ = constant(population, per_year={"payload": 500.0}, repeat_constellations=True).arrivals(2023.0, 2024.0)
    members = whole.constellation >= 0
    candidates = population[(population.kind <= Kind.DERELICT) & (population.launch_year >= 2015)]
    share = (candidates.constellation >= 0).mean()
    assert members.mean() == pytest.approx(share, abs=4.0 * np.sqrt(share * (1.0 - share) / len(whole)))
    np.testing.assert_allclose((whole.mission_end_year - whole.launch_year)[members], 5.0)


@pytest.mark.parametrize("growth", [0.05, -0.05, 0.5])
def test_constant_rates_grow(population: Population, growth: float) -> None:
    """n (1 + g)^t objects a year: the number up to a time is its integral, and so they are spread within a year."""
    launches = constant(population, growth=growth, per_year={"payload": 2000.0})
    for begin, end in ((2023.0, 2024.0), (2030.0, 2032.5)):
        first, last = ((1.0 + growth) ** (year - 2023.0) for year in (begin, end))
        arrived, _ = launches.arrivals(begin, end)
        mean = 2000.0 * (last - first) / np.log1p(growth)
        assert len(arrived) == pytest.approx(mean, abs=4.0 * np.sqrt(mean))
        passed = ((1.0 + growth) ** (arrived.launch_year - 2023.0) - first) / (last - first)
        assert stats.kstest(passed, "uniform").pvalue > 1e-3


def test_more_launches_are_the_same_and_others(population: Population) -> None:
    few, few_serial = constant(population).arrivals(2023.0, 2040.0)
    rates = {"payload": 150.0, "rocket_body": 30.0, "mission_related": 0.0}
    more, more_serial = constant(population, per_year=rates, until_year=2035.0).arrivals(2023.0, 2040.0)
    assert (more.kind != Kind.MISSION_RELATED).all()
    assert more.launch_year.max() < 2035.0
    there = few[(few.launch_year < 2035.0) & (few.kind != Kind.MISSION_RELATED)]
    _, here, among = np.intersect1d(few_serial, more_serial, return_indices=True)
    assert len(here) == len(there)
    for name in ("raan_rad", "argp_rad", "mean_rad", "a_km", "mass_kg", "launch_year"):
        np.testing.assert_array_equal(getattr(few, name)[here], getattr(more, name)[among])
    faster, faster_serial = constant(population, growth=0.02).arrivals(2023.0, 2040.0)
    assert np.isin(few_serial, faster_serial).all()
    _, here, among = np.intersect1d(few_serial, faster_serial, return_indices=True)
    np.testing.assert_array_equal(few.a_km[here], faster.a_km[among])
    assert 0.002 < (faster.launch_year[among] - few.launch_year[here]).max() < 0.0026  # g / 8 of a year at most
    other, _ = constant(population, run=1).arrivals(2023.0, 2040.0)
    assert len(other) != len(few)


def test_mistakes_in_constant_rates(population: Population) -> None:
    with pytest.raises(InputError, match="ends after the epoch"):
        constant(population, window=(2020.0, 2024.0))
    with pytest.raises(InputError, match="nothing in the population"):
        constant(population, window=(1957.0, 1957.2))
    with pytest.raises(InputError, match=r"per_year\.mission_related is 15, but nothing of that class"):
        constant(population[population.kind != Kind.MISSION_RELATED])
    with pytest.raises(InputError, match=r"growth of 0\.5 a year makes .* launches a year by 2053"):
        constant(population, growth=0.5).arrivals(2053.0, 2054.0)
    assert constant(population, growth=0.5, until_year=2040.0).arrivals(2053.0, 2054.0) is None
    for options, said in (
        ({"model": "constant", "per_year": RATES}, r"needs window"),
        ({"model": "constant", "window": WINDOW}, r"needs per_year"),
        ({"model": "repeat", "window": WINDOW, "per_year": RATES}, r"belongs to model = 'constant'"),
        ({"model": "constant", "window": WINDOW, "per_year": {}}, r"launches nothing"),
        ({"model": "constant", "window": WINDOW, "per_year": {"payload": 0.0}}, r"launches nothing"),
        (
            {"model": "constant", "window": WINDOW, "per_year": {"satellite": 1.0}},
            r"'payload', 'rocket_body' or 'mission_related'",
        ),
        ({"model": "constant", "window": WINDOW, "per_year": {"payload": True}}, r"valid number"),
        ({"model": "constant", "window": WINDOW, "per_year": {"payload": -1.0}}, r"greater than or equal to 0"),
        ({"model": "constant", "window": WINDOW, "per_year": {"payload": np.inf}}, r"less than or equal to"),
        ({"model": "constant", "window": WINDOW, "per_year": RATES, "until_year": 2020.0}, r"so nothing is launched"),
    ):
        with pytest.raises(ValidationError, match=said):
            LaunchSpec(**options)
    launches = {"model": "constant", "window": [2015, 2023], "per_year": {"satellite": 1}}
    with pytest.raises(InputError, match=r"launches\.per_year\.satellite \(allowed: payload, rocket_body, mission_rel"):
        study_from_document({"launches": launches}, Path(), "file")


def test_constant_rates_in_a_scenario_file() -> None:
    base = {
        "launches": {"model": "constant", "window": [2015, 2023], "per_year": {"payload": 100, "rocket_body": 30}},
        "scenario": [{"name": "one"}, {"name": "two", "launches": {"per_year": {"payload": 50.0}}}],
    }
    study = study_from_document(base, Path(), "file")
    one, two = (s.launches for s in study.scenarios)
    assert one.per_year == {"payload": 100.0, "rocket_body": 30.0}
    assert two.per_year == {"payload": 50.0, "rocket_body": 30.0}
    assert LaunchSpec.model_validate_json(one.model_dump_json()) == one
