"""The synthetic population against the published figures of what it imitates.

Truth: tracked objects with perigees between 200 and 2,000 km on 2023-01-01 as MOCAT-MC publishes them (MIT ARCLab;
orbits by Space-Track, masses and sizes by ESA's DISCOS), counted by us.
"""

from __future__ import annotations

import numpy as np
import pytest

from stmgpu.debris.assembly import EARTH_RADIUS_KM, perigee_km
from stmgpu.debris.population import Kind, Population, columns
from stmgpu.debris.synthetic_population import synthetic_population
from stmgpu.errors import InputError

BINS_KM = np.arange(200.0, 2001.0, 100.0)
HEIGHTS = {  # objects by height of the semi-major axis, per 100 km from 200 to 2,000 km
    "payload": [23, 257, 772, 4197, 400, 419, 186, 307, 123, 166, 287, 45, 565, 71, 26, 9, 6, 7],
    "rocket body": [4, 13, 62, 101, 111, 124, 110, 203, 48, 32, 9, 28, 48, 63, 7, 4, 2, 2],
    "debris": [13, 105, 275, 455, 847, 2071, 2312, 1149, 619, 355, 330, 192, 285, 328, 148, 49, 32, 33],
}
ECC = {  # 5, 25, 50, 75 and 95 %
    "payload": [0.000126, 0.000184, 0.0003, 0.00124, 0.0060],
    "rocket body": [0.0009, 0.002, 0.005, 0.021, 0.60],
    "debris": [0.001, 0.003, 0.008, 0.017, 0.131],
}


@pytest.fixture(scope="module")
def population() -> Population:
    return synthetic_population(seed=5)


def of_kind(population: Population, name: str) -> Population:
    low, high = {"payload": (Kind.ACTIVE, Kind.DERELICT), "rocket body": (Kind.ROCKET_BODY, Kind.ROCKET_BODY),
                 "debris": (Kind.MISSION_RELATED, Kind.UNATTRIBUTED)}[name]
    return population[(population.kind >= low) & (population.kind <= high)]


def test_counts_are_the_published_ones(population):
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
def test_heights(population, name):
    part = of_kind(population, name)
    ours = np.histogram(part.a_km - EARTH_RADIUS_KM, BINS_KM)[0]
    truth = np.array(HEIGHTS[name])
    assert np.abs(ours - truth).sum() < 0.18 * truth.sum()
    assert np.all(np.abs(ours - truth) <= 4.0 * np.sqrt(truth) + 0.2 * truth + 5.0), (ours, truth)
    # what is higher is on elliptic orbits
    higher = {"payload": 45, "rocket body": 140, "debris": 465}[name]
    assert len(part) - ours.sum() == pytest.approx(higher, abs=30)


@pytest.mark.parametrize("name", ECC)
def test_eccentricities(population, name):
    ours = np.percentile(of_kind(population, name).ecc, [5, 25, 50, 75, 95])
    assert np.all(np.abs(np.log(ours / ECC[name])) < np.log(1.35)), ours


def test_perigees_lie_in_the_published_range(population):
    assert perigee_km(population).min() >= 200.0
    assert perigee_km(population).max() < 2000.0


def test_inclinations(population):
    """Peaks: those of debris and rocket bodies on 2020-01-01, when there were 9,720 and 1,035, in shares."""
    debris, stages = of_kind(population, "debris"), of_kind(population, "rocket body")
    for part, total, peaks in (
        (debris, 9720, {(98, 99): 2633, (99, 100): 1386, (73, 75.5): 1237, (82, 84): 656, (64, 66.5): 578,
                        (100, 102): 554, (70, 73): 384}),
        (stages, 1035, {(82, 84): 269, (73, 75.5): 134, (98, 99): 100}),
    ):
        inclination = np.degrees(part.inc_rad)
        for (low, high), count in peaks.items():
            share = ((inclination >= low) & (inclination < high)).mean()
            # 2021 brought Cosmos 1408 at 82.6 deg, 2022 CZ-6A at 98.8 deg
            extra = {82: 300, 98: 460}.get(low, 0) if part is debris else 0
            assert share == pytest.approx((count + extra) / (total + (extra and 760)), rel=0.35), (low, share)


def test_masses_and_sizes(population):
    """log10 of masses and radii: mean, sd and correlation; lumps; totals."""
    payload, stages = of_kind(population, "payload"), of_kind(population, "rocket body")
    for part, figures in ((payload[payload.constellation < 0], (1.73, 1.08, -0.37, 0.47, 0.89)),
                          (stages, (2.95, 0.55, 0.22, 0.23, 0.92))):
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


def test_fragments_follow_the_breakup_model(population):
    """Power law of explosions from 10 cm up: N(> 0.2 m) / N(> 0.1 m), cut at 1 m; A/m far above that of intact ones."""
    part = population[population.kind == Kind.EXPLOSION_FRAGMENT]
    expected = (0.2**-1.6 - 1.0) / (0.1**-1.6 - 1.0)
    assert (part.length_m > 0.2).mean() == pytest.approx(expected, abs=0.03)
    assert part.length_m.min() >= 0.1
    assert part.length_m.max() <= 1.0
    assert 0.08 < np.median(part.area_to_mass) < 0.3
    np.testing.assert_allclose(np.pi * population.radius_m**2, population.area_to_mass * population.mass_kg, rtol=1e-9)


def test_launch_dates(population):
    """2,031 payloads besides the large constellations, and 191 upper stages, had been launched since 2015."""
    payload, stages = of_kind(population, "payload"), of_kind(population, "rocket body")
    assert ((payload.launch_year >= 2015) & (payload.constellation < 0)).sum() == pytest.approx(2_031, rel=0.08)
    assert (stages.launch_year >= 2015).sum() == pytest.approx(191, rel=0.2)
    assert (stages.launch_year < 1990).sum() == pytest.approx(101 + 202 + 244, rel=0.1)
    assert population.launch_year.max() <= 2023.0


def test_constellations_can_be_left_out_and_keep_their_planes(population):
    starlink = population[(population.constellation == 0) & (np.abs(np.degrees(population.inc_rad) - 53.05) < 0.05)]
    planes = np.unique(np.round(np.degrees(starlink.raan_rad), 6))
    np.testing.assert_allclose(np.diff(planes), 5.0, atol=1e-5)  # 72 of them
    without = synthetic_population(seed=5, constellations=False)
    assert len(without) == 19_085 - 3_320 - 502
    assert (without.constellation < 0).all()


def test_members_have_five_years_and_small_satellites_no_engine(population):
    members = population[population.constellation >= 0]
    np.testing.assert_allclose(members.mission_end_year - members.launch_year, 5.0)
    active = population[population.kind == Kind.ACTIVE]
    np.testing.assert_array_equal(active.controlled == 1, active.mass_kg >= 10.0)
    others = population[population.kind != Kind.ACTIVE]
    assert not others.controlled.any()
    assert np.isinf(population.mission_end_year[population.kind > Kind.DERELICT]).all()


def test_seed_number_and_epoch():
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
