"""The census of shells: its kernel against Kepler's equation in NumPy, and sums that nothing changes."""

from __future__ import annotations

import numpy as np
import pytest

from stmgpu.backend import Backend, get_backend
from stmgpu.backend.cpu import CpuBackend, usable_levels
from stmgpu.constants import EARTH
from stmgpu.debris.evolution.census import (
    INCLINATION_BINS,
    UNITS,
    by_class,
    by_inclination,
    by_size,
    census,
    size_and_inclination,
)
from stmgpu.debris.evolution.members import Coefficients, Members
from stmgpu.debris.population import Population
from stmgpu.debris.population.synthetic import synthetic_population
from stmgpu.debris.shells import SHELL_EDGES_KM
from stmgpu.errors import CapacityError

pytestmark = pytest.mark.skipif(not usable_levels(), reason="the kernels were not compiled here")


def orbits(perigee_km: object, apogee_km: object, seed: int = 1) -> Population:
    """Objects of a synthetic population on orbits of these altitudes."""
    low, high = np.broadcast_arrays(np.asarray(perigee_km, np.float64), np.asarray(apogee_km, np.float64))
    population = synthetic_population(max(len(low), 200), seed)[np.arange(len(low))]
    population.a_km[:] = EARTH.radius_km + 0.5 * (low + high)
    population.ecc[:] = (high - low) / (2.0 * population.a_km)
    population.weight[:] = np.random.default_rng(seed).uniform(0.0, 1.5, len(low))
    return population


def members(backend: Backend, *runs: Population) -> Members:
    found = Members(backend, 16, Coefficients(2.2, 1.2))
    for run, population in enumerate(runs):
        found.add(run, np.arange(len(population), dtype=np.int64), population)
    return found


def random_orbits(seed: int, count: int = 3000) -> Population:
    rng = np.random.default_rng(seed)
    perigee = rng.uniform(100.0, 2500.0, count)
    apogee = perigee + rng.choice([0.0, 1e-9, 1e-4, 1.0, 100.0, 3000.0, 40_000.0], count) * rng.uniform(0.0, 1.0, count)
    return orbits(perigee, apogee, seed)


@pytest.mark.parametrize("level", usable_levels())
@pytest.mark.parametrize("seed", range(3))
def test_kernel_against_numpy(level: str, seed: int) -> None:
    runs = [random_orbits(seed), random_orbits(seed + 10, 37)]
    for group in (by_class, lambda m: by_size(m, (0.1, 0.3, 1.0)), by_inclination):
        there = members(get_backend("reference"), *runs)
        reference = census(there, 2, group(there))
        for threads in (1, 3):
            there = members(CpuBackend(threads=threads, isa=level), *runs)
            found = census(there, 2, group(there))
            for sums, expected, units in zip(found, reference, UNITS, strict=True):
                np.testing.assert_allclose(sums, expected, rtol=1e-8, atol=3000 * 0.5 / units)  # half a unit an object


def test_groups_by_size_and_inclination_hold_each_object_once() -> None:
    """Edges belong to the larger size, 180 degrees to the last bin; every grouping has the same total."""
    population = random_orbits(2, 64)
    population.weight[:] = 1.0
    population.length_m[:] = np.resize([0.05, np.nextafter(0.1, 0.0), 0.1, 1.0], 64)
    population.inc_rad[:] = np.radians(np.resize([0.0, 9.99, 10.01, 180.0], 64))
    found = members(get_backend("cpu", 1), population)
    by_length = census(found, 1, by_size(found, (0.1, 1.0)))[0, 0]
    assert by_length[:, -1].tolist() == [32.0, 16.0, 16.0]
    tilted = census(found, 1, by_inclination(found))[0, 0]
    assert tilted[:, -1].tolist() == [32.0, 16.0, *[0.0] * (INCLINATION_BINS - 3), 16.0]
    for groups in (by_length, tilted):
        assert (groups.sum(axis=0) == census(found, 1)[0, 0].sum(axis=0)).all()


@pytest.mark.parametrize("edges", [(0.3,), (0.1, 0.2, 0.3, 0.4, 0.5, 1.0), tuple(np.linspace(0.1, 2.0, 12))])
def test_one_launch_or_two_give_the_same_bytes(edges: tuple[float, ...]) -> None:
    """Up to 7 sizes there are groups enough for all pairs of sizes and inclinations."""
    found = members(CpuBackend(2), random_orbits(1), random_orbits(2, 37))
    sizes, inclinations = size_and_inclination(found, 2, edges)
    assert (sizes == census(found, 2, by_size(found, edges))[0]).all()
    assert (inclinations == census(found, 2, by_inclination(found))[0]).all()


def test_the_bytes_do_not_depend_on_the_order_or_the_instruction_set() -> None:
    population = random_orbits(5)
    shuffled = population[np.random.default_rng(0).permutation(len(population))]
    expected = census(members(CpuBackend(1, "scalar"), population), 1)
    for level in usable_levels():
        for threads in (1, 4):
            assert (census(members(CpuBackend(threads, level), shuffled), 1) == expected).all()


def test_on_the_edges_of_shells() -> None:
    """Circles on an edge count in one of the two shells, whole; nothing outside counts in any."""
    population = orbits(SHELL_EDGES_KM, SHELL_EDGES_KM)
    population.weight[:] = 1.0
    number = census(members(get_backend("cpu", 1), population), 1)[0, 0].sum(axis=0)
    assert number[-1] == len(population)
    assert number[:-1].sum() >= len(population) - 2
    assert number[:-1].max() <= 2.0
    outside = orbits([50.0, 190.0, 2000.1, 40_000.0], [60.0, 199.9, 2001.0, 41_000.0])
    number = census(members(get_backend("cpu", 1), outside), 1)[0, 0].sum(axis=0)
    assert number[:-1].sum() == 0.0


def test_what_is_not_there_does_not_count() -> None:
    found = members(get_backend("cpu", 1), random_orbits(3, 100))
    before = census(found, 1)
    found.drop(np.arange(0, 100, 2))
    after = census(found, 1)
    kept = members(get_backend("cpu", 1), random_orbits(3, 100)[np.arange(1, 100, 2)])
    assert (after == census(kept, 1)).all()
    assert after[0, ..., -1].sum() < before[0, ..., -1].sum()
    found.drop(np.arange(100))
    assert (census(found, 1) == 0.0).all()
    assert (census(Members(get_backend("cpu", 1), 16, Coefficients(2.2, 1.2)), 2) == 0.0).all()


def test_rows_too_large_to_be_counted() -> None:
    population = random_orbits(3, 20)
    population.weight[7] = 1e7
    with pytest.raises(CapacityError, match=r"stands for 1e\+07 objects; at most 2\.1e\+06"):
        census(members(get_backend("cpu", 1), population), 1)
