"""The synthetic population against the published figures of what it imitates.

Truth: tracked objects with perigees between 200 and 2,000 km on 2023-01-01 as MOCAT-MC publishes them (MIT ARCLab;
orbits by Space-Track, masses and sizes by ESA's DISCOS), counted by us. Fragments of 1 to 10 cm: spatial densities of
ESA's MASTER, as published with the source-sink models of MIT ARCLab, times the volumes of shells, summed up by us.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from scipy import stats

from stmgpu.constants import EARTH
from stmgpu.debris.breakup.area_to_mass import chi_moments
from stmgpu.debris.breakup.size_law import area_of_length
from stmgpu.debris.population import Kind, Population, columns
from stmgpu.debris.population.assembly import perigee_km
from stmgpu.debris.population.synthetic import synthetic_population
from stmgpu.debris.specs import PopulationSpec
from stmgpu.errors import InputError
from stmgpu.typing import Floats

BINS_KM = np.arange(200.0, 2001.0, 100.0)
HEIGHTS = {  # objects by height of the semi-major axis, per 100 km from 200 to 2,000 km
    "payload": [23, 257, 772, 4197, 400, 419, 186, 307, 123, 166, 287, 45, 565, 71, 26, 9, 6, 7],
    "rocket body": [4, 13, 62, 101, 111, 124, 110, 203, 48, 32, 9, 28, 48, 63, 7, 4, 2, 2],
    "debris": [13, 105, 275, 455, 847, 2071, 2312, 1149, 619, 355, 330, 192, 285, 328, 148, 49, 32, 33],
}
SMALL = 328_207  # fragments of 1 to 10 cm between 200 and 2,000 km at any time, and per 100 km in hundreds:
SMALL_HEIGHTS = 100 * np.array([2, 14, 38, 92, 204, 455, 581, 324, 224, 170, 189, 169, 266, 172, 139, 105, 73, 64])
ECC = {  # 5, 25, 50, 75 and 95 %
    "payload": [0.000126, 0.000184, 0.0003, 0.00124, 0.0060],
    "rocket body": [0.0009, 0.002, 0.005, 0.021, 0.60],
    "debris": [0.001, 0.003, 0.008, 0.017, 0.131],
}


@pytest.fixture(scope="module")
def population() -> Population:
    return synthetic_population(seed=5)


@pytest.fixture(scope="module")
def small() -> Population:
    made = synthetic_population(seed=5, min_length_m=0.01)
    return made[19_085:]


def time_between(population: Population, low_km: float, high_km: float) -> Floats:
    """Share of each orbit's period between two heights: M = E - e sin E at both, over pi."""

    def passed(height):
        cosine = np.clip((1.0 - (EARTH.radius_km + height) / population.a_km) / population.ecc, -1.0, 1.0)
        return np.arccos(cosine) - population.ecc * np.sqrt(1.0 - cosine**2)

    return (passed(high_km) - passed(low_km)) / np.pi


def of_kind(population: Population, name: str) -> Population:
    low, high = {
        "payload": (Kind.ACTIVE, Kind.DERELICT),
        "rocket body": (Kind.ROCKET_BODY, Kind.ROCKET_BODY),
        "debris": (Kind.MISSION_RELATED, Kind.UNATTRIBUTED),
    }[name]
    return population[(population.kind >= low) & (population.kind <= high)]


def test_counts_are_the_published_ones(population: Population) -> None:
    kind = population.kind
    assert len(population) == 19_085
    assert (kind <= Kind.DERELICT).sum() == 7_911
    assert (kind == Kind.ROCKET_BODY).sum() == 1_111
    assert (kind == Kind.MISSION_RELATED).sum() == 259 + 776
    assert (kind > Kind.MISSION_RELATED).sum() == 5_604 + 95 + 3_037 + 37 + 254 + 1
    assert (population.constellation == 0).sum() == 3_320
    assert (population.constellation == 1).sum() == pytest.approx(504, abs=2)
    assert (kind == Kind.ACTIVE).sum() == pytest.approx(5_853, abs=100)  # payloads launched within eight years
    # MASTER has 10,836 explosion and 4,461 collision fragments above 10 cm between 200 and 2,000 km, catalogued or not
    assert 0.25 < (kind == Kind.COLLISION_FRAGMENT).sum() / (kind > Kind.MISSION_RELATED).sum() < 0.45


@pytest.mark.parametrize("name", HEIGHTS)
def test_heights(population: Population, name: str) -> None:
    part = of_kind(population, name)
    ours = np.histogram(part.a_km - EARTH.radius_km, BINS_KM)[0]
    truth = np.array(HEIGHTS[name])
    assert np.abs(ours - truth).sum() < 0.18 * truth.sum()
    assert np.all(np.abs(ours - truth) <= 4.0 * np.sqrt(truth) + 0.2 * truth + 5.0), (ours, truth)
    # what is higher is on elliptic orbits
    higher = {"payload": 45, "rocket body": 140, "debris": 465}[name]
    assert len(part) - ours.sum() == pytest.approx(higher, abs=30)


@pytest.mark.parametrize("name", ECC)
def test_eccentricities(population: Population, name: str) -> None:
    ours = np.percentile(of_kind(population, name).ecc, [5, 25, 50, 75, 95])
    assert np.all(np.abs(np.log(ours / ECC[name])) < np.log(1.35)), ours


def test_perigees_lie_in_the_published_range(population: Population) -> None:
    assert perigee_km(population).min() >= 200.0
    assert perigee_km(population).max() < 2000.0


def test_inclinations(population: Population) -> None:
    """Peaks: those of debris and rocket bodies on 2020-01-01, when there were 9,720 and 1,035, in shares."""
    debris, stages = of_kind(population, "debris"), of_kind(population, "rocket body")
    for part, total, peaks in (
        (
            debris,
            9720,
            {
                (98, 99): 2633,
                (99, 100): 1386,
                (73, 75.5): 1237,
                (82, 84): 656,
                (64, 66.5): 578,
                (100, 102): 554,
                (70, 73): 384,
            },
        ),
        (stages, 1035, {(82, 84): 269, (73, 75.5): 134, (98, 99): 100}),
    ):
        inclination = np.degrees(part.inc_rad)
        for (low, high), count in peaks.items():
            share = ((inclination >= low) & (inclination < high)).mean()
            # 2021 brought Cosmos 1408 at 82.6 deg, 2022 CZ-6A at 98.8 deg
            extra = {82: 300, 98: 460}.get(low, 0) if part is debris else 0
            assert share == pytest.approx((count + extra) / (total + (extra and 760)), rel=0.35), (low, share)


def test_masses_and_sizes(population: Population) -> None:
    """log10 of masses and radii: mean, sd and correlation; lumps; totals."""
    payload, stages = of_kind(population, "payload"), of_kind(population, "rocket body")
    for part, figures in (
        (payload[payload.constellation < 0], (1.73, 1.08, -0.37, 0.47, 0.89)),
        (stages, (2.95, 0.55, 0.22, 0.23, 0.92)),
    ):
        m, r = np.log10(part.mass_kg), np.log10(part.radius_m)
        ours = (m.mean(), m.std(), r.mean(), r.std(), np.corrcoef(m, r)[0, 1])
        assert ours == pytest.approx(figures, abs=0.08)
    assert payload.mass_kg.sum() == pytest.approx(3_191e3, rel=0.12)
    assert stages.mass_kg.sum() == pytest.approx(1_645e3, rel=0.06)
    heavy = population[population.mass_kg >= 1000.0]
    assert len(heavy) == pytest.approx(1_294, rel=0.12)
    assert heavy.mass_kg.sum() == pytest.approx(3_185e3, rel=0.12)
    assert ((stages.mass_kg > 1415) & (stages.mass_kg < 1440)).sum() == pytest.approx(340, rel=0.2)  # SL-8 and SL-3
    assert ((stages.mass_kg > 8000) & (np.abs(np.degrees(stages.inc_rad) - 71.0) < 0.2)).sum() == 17  # SL-16
    for part, (low, middle, high) in ((stages, (0.005, 0.010, 0.021)), (payload, (0.004, 0.023, 0.052))):
        ours = np.percentile(part.area_to_mass, [5, 50, 95])
        assert np.all(np.abs(np.log(ours / [low, middle, high])) < np.log(2.3)), ours


def test_fragments_follow_the_breakup_model(population: Population) -> None:
    """Power law of explosions from 10 cm up: N(> 0.2 m) / N(> 0.1 m), cut at 1 m; A/m far above that of intact ones."""
    part = population[population.kind == Kind.EXPLOSION_FRAGMENT]
    expected = (0.2**-1.6 - 1.0) / (0.1**-1.6 - 1.0)
    assert (part.length_m > 0.2).mean() == pytest.approx(expected, abs=0.03)
    assert part.length_m.min() >= 0.1
    assert part.length_m.max() <= 1.0
    assert 0.08 < np.median(part.area_to_mass) < 0.3
    np.testing.assert_allclose(np.pi * population.radius_m**2, population.area_to_mass * population.mass_kg, rtol=1e-9)


def test_launch_dates(population: Population) -> None:
    """2,031 payloads besides the large constellations, and 191 upper stages, had been launched since 2015."""
    payload, stages = of_kind(population, "payload"), of_kind(population, "rocket body")
    assert ((payload.launch_year >= 2015) & (payload.constellation < 0)).sum() == pytest.approx(2_031, rel=0.08)
    assert (stages.launch_year >= 2015).sum() == pytest.approx(191, rel=0.2)
    assert (stages.launch_year < 1990).sum() == pytest.approx(101 + 202 + 244, rel=0.1)
    assert population.launch_year.max() <= 2023.0


def test_constellations_can_be_left_out_and_keep_their_planes(population: Population) -> None:
    starlink = population[(population.constellation == 0) & (np.abs(np.degrees(population.inc_rad) - 53.05) < 0.05)]
    planes = np.unique(np.round(np.degrees(starlink.raan_rad), 6))
    np.testing.assert_allclose(np.diff(planes), 5.0, atol=1e-5)  # 72 of them
    without = synthetic_population(seed=5, constellations=False)
    assert len(without) == 19_085 - 3_320 - 502
    assert (without.constellation < 0).all()


def test_members_have_five_years_and_small_satellites_no_engine(population: Population) -> None:
    members = population[population.constellation >= 0]
    np.testing.assert_allclose(members.mission_end_year - members.launch_year, 5.0)
    active = population[population.kind == Kind.ACTIVE]
    np.testing.assert_array_equal(active.controlled == 1, active.mass_kg >= 10.0)
    others = population[population.kind != Kind.ACTIVE]
    assert not others.controlled.any()
    assert np.isinf(population.mission_end_year[population.kind > Kind.DERELICT]).all()


def test_seed_number_and_epoch() -> None:
    one, same, other = (synthetic_population(2_000, seed=seed) for seed in (1, 1, 2))
    for name in columns():
        np.testing.assert_array_equal(getattr(one, name), getattr(same, name))
    assert not np.array_equal(one.a_km, other.a_km)
    moved = synthetic_population(2_000, seed=1, year=2030.5)
    assert moved.epoch_year == 2030.5
    np.testing.assert_allclose(moved.launch_year - one.launch_year, 7.5, atol=1e-9)
    np.testing.assert_array_equal(moved.kind, one.kind)
    for number in (2, 17, 40_000):
        assert len(synthetic_population(number)) == number
    shares = np.bincount(one.kind, minlength=7) / 2_000
    np.testing.assert_allclose(shares, np.bincount(synthetic_population().kind, minlength=7) / 19_085, atol=0.012)
    with pytest.raises(InputError, match="too small"):
        synthetic_population(1)


@pytest.mark.slow
def test_small_fragments_have_the_published_number(small) -> None:
    """Objects that are between 200 and 2,000 km at any time. One stays there with an sd of 0.115 of its period."""
    assert time_between(small, 200.0, 2000.0).sum() == pytest.approx(SMALL, abs=4.0 * 0.115 * np.sqrt(SMALL))
    collision = small.kind == Kind.COLLISION_FRAGMENT
    assert (collision | (small.kind == Kind.EXPLOSION_FRAGMENT)).all()
    assert collision.mean() == pytest.approx((1980 + 822 + 228 + 304) / 9_028, abs=2e-5)  # as among the larger ones


def test_small_fragments_follow_the_power_laws(small: Population) -> None:
    for kind, exponent in ((Kind.COLLISION_FRAGMENT, 1.71), (Kind.EXPLOSION_FRAGMENT, 1.6)):
        length = small.length_m[small.kind == kind]
        quantile = (0.01**-exponent - length**-exponent) / (0.01**-exponent - 0.1**-exponent)
        assert stats.kstest(quantile, "uniform").pvalue > 1e-3
    # at 10 cm the density of lengths n b L^(-b-1) goes on with a step
    for kind, b, step in ((Kind.COLLISION_FRAGMENT, 1.71, 0.72), (Kind.EXPLOSION_FRAGMENT, 1.6, 0.93)):
        larger = synthetic_population(seed=5)
        above = (larger.kind == kind).sum() * b / (1.0 - 10.0**-b)
        assert (small.kind == kind).sum() * b / (10.0**b - 1.0) / above == pytest.approx(step, abs=0.01)


def test_small_fragments_have_the_areas_and_masses_of_the_breakup_model(small: Population) -> None:
    length = small.length_m
    np.testing.assert_allclose(np.pi * small.radius_m**2, area_of_length(length), rtol=1e-9)
    np.testing.assert_allclose(small.mass_kg * small.area_to_mass, area_of_length(length), rtol=1e-9)
    below = length < 0.08  # where spacecraft and rocket bodies have the same law
    mean, sd = chi_moments(length[below], rocket_body=False)
    deviate, height = (np.log10(small.area_to_mass[below]) - mean) / sd, perigee_km(small)[below]
    assert deviate[height > 1400.0].mean() == pytest.approx(0.0, abs=0.08)  # there they hardly decay
    assert deviate[height > 1400.0].std() == pytest.approx(1.0, abs=0.05)
    assert deviate[height < 600.0].mean() < -0.4  # there only the compact ones are left
    assert not small.controlled.any()
    assert not small.filled.any()
    assert (small.constellation < 0).all()


def test_small_fragments_are_where_the_larger_ones_are_but_higher(population: Population, small: Population) -> None:
    ours = np.array([time_between(small, low, low + 100.0).sum() for low in BINS_KM[:-1]])
    ratio = ours / SMALL_HEIGHTS
    assert np.all(np.abs(np.log(ratio[1:11])) < np.log(1.35)), ratio  # 300 to 1,300 km
    assert np.all(np.abs(np.log(ratio[11:])) < np.log(2.15)), ratio
    assert 0.5 * np.abs(ours / ours.sum() - SMALL_HEIGHTS / SMALL_HEIGHTS.sum()).sum() < 0.11
    # within the cloud of one event: same inclinations and parents, perigees weighted by exp(height / 400 km)
    clouds = [p[(p.kind == Kind.COLLISION_FRAGMENT) & (p.launch_year == 1999.35)] for p in (population, small)]
    large, tiny = (perigee_km(c) for c in clouds)
    weight = np.exp(large / 400.0)
    order = np.argsort(large)
    expected = np.interp([0.1, 0.5, 0.9], np.cumsum(weight[order]) / weight.sum(), large[order])
    np.testing.assert_allclose(np.percentile(tiny, [10, 50, 90]), expected, atol=12.0)
    assert np.median(tiny) > np.median(large) + 10.0
    assert stats.ks_2samp(clouds[0].inc_rad, clouds[1].inc_rad).pvalue > 1e-3
    spread = np.percentile(clouds[1].ecc, [5, 50, 95]) / [0.0023, 0.01, 0.037]
    np.testing.assert_allclose(np.log(spread), 0.0, atol=0.15)
    assert perigee_km(small).min() >= 200.0
    assert perigee_km(small).max() < 2000.0


@pytest.mark.parametrize("options", [{}, {"objects": 3_000, "constellations": False, "year": 2030.5}])
def test_larger_objects_are_the_same_without_small_ones(options: dict[str, Any]) -> None:
    base = synthetic_population(seed=4, **options)
    for length in (0.1, 0.3):
        assert len(synthetic_population(seed=4, min_length_m=length, **options)) == len(base)
    both = synthetic_population(seed=4, min_length_m=0.03, **options)
    for name in columns():
        np.testing.assert_array_equal(getattr(both, name)[: len(base)], getattr(base, name))
    small = both[len(base) :]
    assert small.length_m.min() >= 0.03
    assert small.length_m.max() <= 0.1
    assert both.notes[:-1] == base.notes
    # the share of the laws above 3 cm, in proportion to the larger objects
    share = {b: (0.03**-b - 0.1**-b) / (0.01**-b - 0.1**-b) for b in (1.71, 1.6)}
    collisions = (1980 + 822 + 228 + 304) / 9_028
    part = len(base) / (15_263 if options else 19_085)
    expected = part * SMALL * (collisions * share[1.71] + (1.0 - collisions) * share[1.6])
    assert time_between(small, 200.0, 2000.0).sum() == pytest.approx(expected, rel=0.005)
    assert (small.launch_year <= both.epoch_year).all()


def test_lengths_that_are_refused() -> None:
    for length in (0.0099, 0.0, -1.0, np.nan):
        with pytest.raises(InputError, match=r"no fragments below 0\.01 m; use 0\.01 or more"):
            synthetic_population(100, min_length_m=length)
    with pytest.raises(InputError, match="too large; at most 50,000,000"):
        synthetic_population(4_000_000, min_length_m=0.01)
    with pytest.raises(ValidationError, match=r"no fragments below 0\.01 m; choose 0\.01 or more, or read"):
        PopulationSpec(min_length_m=0.001)
    assert PopulationSpec(min_length_m=0.01).min_length_m == 0.01
    assert PopulationSpec(source="table", path="a.csv", min_length_m=0.001).min_length_m == 0.001  # only leaves out


def test_a_small_length_and_almost_no_fragments() -> None:
    assert len(synthetic_population(2, min_length_m=0.0999)) == 2
    assert len(synthetic_population(2, min_length_m=0.01)) == 2 + round(2 / 19_085 * SMALL / 0.9784)
