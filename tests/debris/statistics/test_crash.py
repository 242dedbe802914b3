"""The CRASH clock of a population: its parts add up, and are those of mean field by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from support.ensembles import population

from stmgpu.debris.collisions.mean_field import mean_field
from stmgpu.debris.population import Kind
from stmgpu.debris.population.synthetic import synthetic_population
from stmgpu.debris.statistics.crash import GROUPS, Radii, population_crash_clock
from stmgpu.errors import InputError


def test_parts_add_up_and_are_those_of_two_kinds_alone() -> None:
    everything = synthetic_population(800, seed=3)
    clock = population_crash_clock(everything, Radii(5.0, 3.0, 0.2), thickness_km=10.0)
    assert sum(clock.parts.values()) == pytest.approx(clock.rate, rel=1e-12)
    assert clock.by_shell.sum() == pytest.approx(clock.rate, rel=1e-9)
    assert clock.days == pytest.approx(365.25 / clock.rate)
    assert clock.probability_of_a_day == pytest.approx(1.0 - np.exp(-1.0 / clock.days))
    assert clock.by_thickness[10.0] == pytest.approx(clock.rate)
    assert sum(clock.objects.values()) == len(everything)
    # by hand, satellites with debris: the rate of each satellite among debris alone, one satellite at a time
    satellites = np.flatnonzero(everything.kind <= Kind.DERELICT)[:12]
    debris = np.flatnonzero(everything.kind > Kind.ROCKET_BODY)
    few = everything[np.concatenate([satellites, debris])]
    found = population_crash_clock(few, Radii(5.0, 3.0, 0.2), thickness_km=10.0).parts["satellites", "debris"]
    by_hand = 0.0
    for k in range(len(satellites)):
        p = few[np.append(k, np.arange(len(satellites), len(few)))]
        radius = np.where(np.arange(len(p)) == 0, 5.0, 0.2)
        by_hand += mean_field(p.a_km, p.ecc, p.inc_rad, radius, p.mass_kg).rate[0]
    assert found == pytest.approx(by_hand, rel=0.02)  # shells from 150 km in both


def test_rates_go_with_the_square_of_radii_and_of_weights() -> None:
    objects = population(np.linspace(6900.0, 7400.0, 60), np.linspace(40.0, 110.0, 60), radius_m=2.0)
    one = population_crash_clock(objects, thickness_km=20.0)
    larger = population_crash_clock(dataclasses.replace(objects, radius_m=2.0 * objects.radius_m), thickness_km=20.0)
    assert larger.rate == pytest.approx(4.0 * one.rate)
    alike = population_crash_clock(objects, Radii(satellite_m=2.0), thickness_km=20.0)
    assert alike.rate == pytest.approx(one.rate)
    assert list(one.objects) == list(GROUPS)
    none = population_crash_clock(objects[:0], thickness_km=20.0)
    assert (none.days, none.probability_of_a_day) == (np.inf, 0.0)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(InputError, match=r"debris_m = 0\.0 is out of range; choose a radius above 0, up to 1000 m"):
        Radii(debris_m=0.0)
    with pytest.raises(InputError, match=r"thickness_km = 0\.01 is out of range"):
        population_crash_clock(population(7000.0, 50.0), thickness_km=0.01)
