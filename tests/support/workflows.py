"""Small cases of everything that launches kernels, each as named arrays that must be the same bytes on every backend.

Together they launch every kernel. A new kernel belongs into one of them: then it is compared between the cpu and the
cuda backend, and each of its launches with the virtual device's, without further tests.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from support.plans import plan_for

import stmgpu as stm
from stmgpu.backend import Backend
from stmgpu.catalog.trajectories import Trajectories
from stmgpu.debris.collisions.cube import Cube
from stmgpu.debris.collisions.mean_field import mean_field
from stmgpu.debris.evolution.census import by_inclination, census
from stmgpu.debris.evolution.loop import Evolution
from stmgpu.debris.evolution.members import Coefficients, Members
from stmgpu.debris.policy import RiskRemoval
from stmgpu.debris.population import Population
from stmgpu.debris.population.synthetic import synthetic_population
from stmgpu.debris.scenario import Scenario
from stmgpu.debris.specs import CollisionSpec, DisposalSpec, EnvironmentSpec, ExplosionSpec, LaunchSpec, PropagationSpec
from stmgpu.propagate.screening_objects import ScreeningObjects
from stmgpu.propagate.sgp4 import SGP4Propagator
from stmgpu.risk import (
    curved_probability,
    dwell_probability,
    encounter_entries,
    encounter_geometry,
    frisbee_probability,
    maximum_probability,
    monte_carlo,
    plane_probability,
    straight_monte_carlo,
)
from stmgpu.risk.dwell import entry_rates
from stmgpu.screen.conjunctions import build_dataset
from stmgpu.screen.engine import run
from stmgpu.screen.plan import FEW

Arrays = dict[str, np.ndarray]
START = (2460676.5, 0.25)


def screening(backend: Backend) -> Arrays:
    """Half an hour of near Earth, deep space and resonant objects, one that decays, and a pair that flies together."""
    catalog = stm.synthetic_catalog(500, seed=4)
    bstar, mean_anomaly = catalog.bstar.copy(), catalog.mean_anomaly.copy()
    bstar[7] = 5.0
    columns = {
        name: getattr(catalog, name).copy() for name in ("mean_motion", "eccentricity", "inclination", "raan", "argp")
    }
    for column in (*columns.values(), bstar, mean_anomaly):
        column[9] = column[8]
    mean_anomaly[9] += 1e-4
    catalog = dataclasses.replace(catalog, bstar=bstar, mean_anomaly=mean_anomaly, **columns)
    return _screened(ScreeningObjects(catalog), 50.0, backend)


def primaries(backend: Backend) -> Arrays:
    """So few objects against all others that the cells are searched for them one by one."""
    objects = ScreeningObjects(stm.synthetic_catalog(1000, seed=4))
    chosen = objects.norad_id[:: int(1.0 / FEW) + 1]
    return _screened(objects.with_primaries(tuple(chosen.tolist())), 150.0, backend)


def wide_cells(backend: Backend) -> Arrays:
    """Wide cells, whose edges many meet, and gates that reach over several of them."""
    return _screened(ScreeningObjects(stm.synthetic_catalog(300, seed=9)), 200.0, backend, 120.0)


def trajectories(backend: Backend) -> Arrays:
    """Tabulated objects against others."""
    catalog = stm.synthetic_catalog(500, seed=5)
    ephemeris = stm.propagate(
        catalog[:100], "2025-01-01T05:50", hours=1.0, step_s=60, backend="reference", max_age_days=np.inf
    )
    return _screened(ScreeningObjects(catalog[100:], Trajectories.from_dataset(ephemeris)), 150.0, backend)


def _screened(objects: ScreeningObjects, threshold_km: float, backend: Backend, step_s: float | None = None) -> Arrays:
    plan = plan_for(START, 1800.0, threshold_km, len(objects), step_s)
    result = run(objects, plan, backend)
    found, certificate = build_dataset(result.part, result.followed, objects, plan), result.part.certificate
    assert found.sizes["conjunction"] > 10
    arrays = {str(name): values.to_numpy() for name, values in found.variables.items() if values.dtype.kind != "O"}
    measured = [certificate.largest_ratio, certificate.largest_pad_km, certificate.pairs_measured]
    return arrays | result.part.to_arrays() | {"certificate": np.array([*measured, result.part.candidates], float)}


def states(backend: Backend) -> Arrays:
    """Propagation of all kinds of orbits: a grid, and single objects at single times."""
    catalog, rng = stm.synthetic_catalog(300, seed=6), np.random.default_rng(1)
    bstar, motion, eccentricity = (getattr(catalog, name).copy() for name in ("bstar", "mean_motion", "eccentricity"))
    motion[:60], eccentricity[:60] = 2.0 * np.pi / 220.0, 0.4  # near Earth, but far from a circle
    eccentricity[40:50] = 0.48  # with a perigee below the ground
    bstar[50:60], motion[50:60], eccentricity[50:60] = 0.3, 2.0 * np.pi / 93.0, 0.02  # decaying within days
    motion[60:70], eccentricity[60:70] = 2.0 * np.pi / 2000.0, np.linspace(0.8, 0.995, 10)  # far out and back
    catalog = dataclasses.replace(catalog, bstar=bstar, mean_motion=motion, eccentricity=eccentricity)
    found: Arrays = {}
    for mode in "ia":
        propagator = SGP4Propagator(catalog, backend, START, (-3e5, 3e5), mode)
        times = np.linspace(-3e5, 3e5, 70)
        index, at = rng.integers(0, propagator.n, 2000), rng.uniform(-3e5, 3e5, 2000)
        for name, answer in (("grid", propagator.grid(times)), ("at", propagator.at(index, at))):
            found |= {f"{name} {mode} {k}": backend.get(a) for k, a in enumerate(answer)}
        assert len(np.unique(found[f"at {mode} 1"])) > 2  # codes
    return found


def crowd() -> Population:
    """Objects so large that they collide within a year."""
    population = synthetic_population(300, seed=4, constellations=False)
    return dataclasses.replace(population, radius_m=90.0 * population.radius_m)


def evolution(backend: Backend) -> Arrays:
    """Series and events of two runs with launches, explosions, collisions, disposal and removal by risk."""
    scenario = Scenario(
        environment=EnvironmentSpec(density="exponential"),
        launches=LaunchSpec(model="repeat", window=(2016, 2022)),
        explosions=ExplosionSpec(rocket_body=0.02, payload=0.01, max_age_years=60.0),
        disposal=DisposalSpec(payload=0.5, rocket_body=0.5),
        propagation=PropagationSpec(step_days=15.0),
        collisions=CollisionSpec(cube_km=100.0, avoidance=0.5),
        removal=(RiskRemoval(per_year=3),),
    )
    results = Evolution(scenario, crowd(), years=1.0, seed=5, run_numbers=[0, 3], backend=backend).run()
    assert sum(r.series["fragments"][-1].sum() for r in results) > 0.0
    return {
        f"{k} {name}": values
        for k, result in enumerate(results)
        for name, values in (*result.series.items(), *result.events.items())
    }


def shells(backend: Backend) -> Arrays:
    """Census of objects on orbits of all shapes, some of them gone."""
    rng = np.random.default_rng(3)
    population = synthetic_population(500, 3)
    population.ecc[:] = rng.choice([0.0, 1e-9, 1e-4, 0.02, 0.5], 500)
    population.a_km[:] = 6378.0 + rng.uniform(100.0, 2500.0, 500) / (1.0 - population.ecc)
    members = Members(backend, 16, Coefficients(2.2, 1.2))
    for number in range(2):
        members.add(number, np.arange(500, dtype=np.int64), population)
    members.drop(np.arange(0, 1000, 7))
    return {"census": census(members, 2), "by inclination": census(members, 2, by_inclination(members))}


def rates(backend: Backend) -> Arrays:
    """Mean-field rates with constellations and parties that avoid each other differently."""
    population, rng = synthetic_population(200, seed=2), np.random.default_rng(0)
    field = mean_field(
        population.a_km,
        population.ecc,
        population.inc_rad,
        population.radius_m,
        population.mass_kg,
        weight=population.weight,
        controlled=population.controlled,
        length_m=population.length_m,
        intact=population.radius_m > 0.5,
        avoided=rng.choice([1.0, 0.3], 200),
        constellation=population.constellation,
        avoidance=0.1,
        avoidance_both=0.05,
        backend=backend,
    )
    return {f.name: np.asarray(getattr(field, f.name)) for f in dataclasses.fields(field)}


def encounters(backend: Backend) -> Arrays:
    """Pairs in cubes and in cells that are thin in radius, for two runs side by side, with objects far out."""
    population = synthetic_population(600, seed=8)
    population.a_km[::50] *= 12.0  # further than cells are numbered at first
    members = Members(backend, 16, Coefficients(2.2, 1.2))
    for number in range(2):
        members.add(number, np.arange(600, dtype=np.int64) + (1 << 40), population)
    found: Arrays = {}
    for lattice, cube_km in (("cube", 300.0), ("shell", 200.0)):
        cube = Cube(backend, seed=2**64 - 5, run_numbers=[4, 2**32 - 1], cube_km=cube_km, resamples=3, lattice=lattice)
        pairs = cube.encounters(members.state, 9)
        assert len(pairs) > 10
        found |= {f"{lattice} {f.name}": getattr(pairs, f.name) for f in dataclasses.fields(pairs)}
    return found


def functions(backend: Backend) -> Arrays:
    """The elementary functions."""
    rng = np.random.default_rng(11)
    x = np.concatenate([rng.uniform(-1e6, 1e6, 512), 10.0 ** rng.uniform(-9, 9, 512), np.resize([0.0, -0.0], 16)])
    y = rng.uniform(-1.0, 1.0, len(x))
    found: Arrays = {}
    shares = np.linspace(1e-9, 1.0 - 1e-9, len(x))
    for function in range(10):
        first, second = backend.empty(len(x)), backend.empty(len(x))
        given = shares if function == 9 else np.abs(x) + (function == 8) if function in (4, 7, 8) else x
        other = backend.put(shares[::-1].copy() if function == 9 else y)
        backend.launch("mathx_values", len(x), len(x), function, backend.put(given), other, first, second)
        found |= {f"{function} first": backend.get(first), f"{function} second": backend.get(second)}
    return found


def orbits(backend: Backend) -> Arrays:
    """Equinoctial elements, their motion and derivatives."""
    rng = np.random.default_rng(13)
    n = 64
    states = np.concatenate([rng.normal(size=(3, n)) * 7e6, rng.normal(size=(3, n)) * 4e3])
    out = [backend.empty((rows, n)) for rows in (6, 6, 36, 36)]
    backend.launch("equinoctial_values", n, n, backend.put(states), backend.put(rng.uniform(-6000.0, 6000.0, n)), *out)
    return {f"{k}": backend.get(x) for k, x in enumerate(out)}


def probabilities(backend: Backend) -> Arrays:
    """Collision probability of pairs of objects, from discs far smaller than the sigmas to far larger ones."""
    rng = np.random.default_rng(12)
    n = 400
    position, velocity, turned = rng.normal(size=(3, n, 3))
    position *= 7000.0 / np.linalg.norm(position, axis=1, keepdims=True)
    other = position + 0.3 * rng.normal(size=(n, 3))
    spread = rng.normal(size=(2, n, 3, 3)) * [[20.0], [2000.0], [10.0]]
    first, second = spread @ spread.transpose(0, 1, 3, 2)
    radius = 10.0 ** rng.uniform(0.0, 4.0, n)
    found = encounter_geometry(position, velocity, first, other, turned, second, radius, backend=backend)
    plane = (found.miss_major_m, found.miss_minor_m, found.sigma_major_m, found.sigma_minor_m)
    few = (*(x[:8] for x in plane), radius[:8])
    largest = maximum_probability(*few, backend=backend)
    needles = maximum_probability(*plane[:3], 0.0, radius, backend=backend)
    other = frisbee_probability(*plane, radius, backend=backend)
    columns = {"pc": plane_probability(*plane, radius, backend=backend), "frisbee": other}
    for name, (probability, scale) in {"largest": largest, "needle": needles}.items():
        columns |= {name: probability, f"{name} at": scale}
    return columns | vars(found)


def samples(backend: Backend) -> Arrays:
    """Hits among samples of orbits that pass fast and slowly, and of straight motion."""
    rng = np.random.default_rng(14)
    n = 12
    position = rng.normal(size=(n, 3))
    position *= rng.uniform(7000.0, 9000.0, (n, 1)) / np.linalg.norm(position, axis=1, keepdims=True)
    velocity = np.cross(position, rng.normal(size=(n, 3)))
    velocity *= 7.3 / np.linalg.norm(velocity, axis=1, keepdims=True)
    other = np.where(np.arange(n)[:, np.newaxis] % 3, velocity + 1e-3 * rng.normal(size=(n, 3)), -velocity)
    spread = rng.normal(size=(2, n, 6, 6)) * [[20.0], [60.0], [20.0], [0.05], [0.02], [0.02]]
    first, second = spread @ spread.transpose(0, 1, 3, 2)
    near = position + 0.02 * rng.normal(size=(n, 3))
    found: Arrays = {}
    together = np.stack([0.3 * spread[0, :, :, 0], -0.3 * spread[1, :, :, 0]], axis=1)
    windows: dict[str, Any] = {"short": {}, "long": {"start_s": -3000.0, "stop_s": 2000.0}}
    for name, window in (windows | {"shared": {"shared": together}}).items():
        options: Any = {"samples": 300, "seed": 9, "backend": backend, **window}
        hits = monte_carlo(position, velocity, first, near, other, second, 60.0, **options)
        found |= {f"{name} {key}": np.asarray(value) for key, value in vars(hits).items()}
    state = np.hstack([near - position, other - velocity]) * 1e3
    straight = straight_monte_carlo(state, first, 60.0, -100.0, 100.0, samples=300, seed=2**64 - 1, backend=backend)
    return found | {f"straight {key}": np.asarray(value) for key, value in vars(straight).items()}


def curved(backend: Backend) -> Arrays:
    """Encounters on curved orbits: one at 180 degrees, one without relative velocity and one far apart among them."""
    rng = np.random.default_rng(14)
    n = 40
    position, turn_1, turn_2 = rng.normal(size=(3, n, 3))
    position *= 7000.0 / np.linalg.norm(position, axis=1, keepdims=True)
    position[0], turn_1[0] = [7000.0, 0.0, 0.0], [0.0, 0.0, -1.0]
    one, two = (
        7.5 * each / np.linalg.norm(each, axis=1, keepdims=True) for each in np.cross(position, (turn_1, turn_2))
    )
    two[1] = one[1]
    other = position + 0.1 * rng.normal(size=(n, 3))
    other[2] += 500.0
    spread = rng.normal(size=(2, n, 6, 6)) * np.array([20.0, 500.0, 20.0, 0.5, 0.02, 0.02])[:, np.newaxis]
    first, second = spread @ spread.transpose(0, 1, 3, 2)
    return vars(curved_probability(position, one, first, other, two, second, rng.uniform(1, 30, n), backend=backend))


def entries(backend: Backend) -> Arrays:
    """Curved encounters: fast ones, one at 180 degrees, one in formation, over their own and a given time."""
    rng, n = np.random.default_rng(17), 6
    position, turn_1, turn_2 = rng.normal(size=(3, n, 3))
    position *= 7000.0 / np.linalg.norm(position, axis=1, keepdims=True)
    position[0], turn_1[0] = [7000.0, 0.0, 0.0], [0.0, 0.0, -1.0]
    one, two = (
        7.5 * each / np.linalg.norm(each, axis=1, keepdims=True) for each in np.cross(position, (turn_1, turn_2))
    )
    other = position + 0.03 * rng.normal(size=(n, 3))
    two[1] = one[1]
    spread = rng.normal(size=(2, n, 6, 6)) * np.array([20.0, 100.0, 20.0, 0.1, 0.02, 0.02])[:, np.newaxis]
    first, second = spread @ spread.transpose(0, 1, 3, 2)
    given = (position, one, first, other, two, second, rng.uniform(1.0, 30.0, n))
    found = {}
    for name, times in (("whole", {}), ("part", {"start_s": -5.0, "stop_s": 20.0})):
        found |= {f"{name} {k}": v for k, v in vars(encounter_entries(*given, **times, backend=backend)).items()}
    return found


def dwells(backend: Backend) -> Arrays:
    """Pairs that stay near each other, and rates of entry with all sizes of the sphere against the sigmas."""
    rng, n = np.random.default_rng(13), 24
    spread = rng.normal(size=(n, 6, 6)) * np.repeat([30.0, 0.3], 3)[:, np.newaxis]
    covariance = spread @ spread.transpose(0, 2, 1)
    mean = rng.normal(size=(n, 6)) * np.repeat([60.0, 1.0], 3)
    rate, flags = entry_rates(mean, covariance, 10.0 ** rng.uniform(-1.0, 2.0, n), tolerance=1e-3, backend=backend)
    found = dwell_probability(mean[:2], np.diag([400.0] * 3 + [0.04] * 3), 8.0, -20.0, 60.0, backend=backend)
    return {"rate": rate, "flags of rates": flags} | vars(found)


WORKFLOWS: dict[str, Callable[[Backend], Arrays]] = {
    f.__name__: f
    for f in (
        screening,
        primaries,
        wide_cells,
        trajectories,
        states,
        evolution,
        shells,
        rates,
        encounters,
        probabilities,
        curved,
        entries,
        dwells,
        functions,
        orbits,
        samples,
    )
}


def same_bytes(ours: Arrays, theirs: Arrays) -> None:
    """Two results have the same names, types and bytes; NaN is NaN, whatever its sign and payload."""
    assert ours.keys() == theirs.keys()
    for name, values in ours.items():
        others: Any = theirs[name]
        assert (values.dtype, values.shape) == (others.dtype, others.shape), name
        if values.dtype.kind == "f":
            values, others = (np.where(np.isnan(a), np.nan, a) for a in (values, others))
        assert values.tobytes() == others.tobytes(), f"{name}: {(values != others).sum()} of {values.size} differ"
