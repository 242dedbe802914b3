"""Evolutions of the hindcast: populations of the past with actual arrivals, and with breakups of the model."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from history import EVENTS, YEARS, Event, History, in_leo, read_history
from inputs import SPACE_WEATHER
from numpy.typing import NDArray

from stmgpu.backend.cpu import CpuBackend
from stmgpu.debris import breakup
from stmgpu.debris.environment import Environment
from stmgpu.debris.evolution import loop as evolve
from stmgpu.debris.population import Kind, Population
from stmgpu.debris.scenario import Scenario
from stmgpu.debris.specs import CollisionSpec, DisposalSpec, EnvironmentSpec, SolarSpec
from stmgpu.propagate.kepler import elements_of, states_of

Floats = NDArray[np.float64]
INTERCEPTOR_KG = 10.0


@dataclass(frozen=True)
class Job:
    """One evolution: from ``start`` to ``end``; ``kind`` says what is added: 'nothing', 'dates', 'files', 'model'; or
    'fresh': nothing, and area-to-mass ratios of fragments are drawn as if they had just been made."""

    data: Path
    seed: int
    run: int
    start: int
    end: int
    kind: str


@dataclass
class Seen:
    """Objects at the years of the files: NORAD id (negative: fragment of the model), a [km], e."""

    at: dict[int, tuple[NDArray[np.int64], Floats, Floats]] = field(default_factory=dict)
    made: tuple[int, ...] = ()

    def count(self, year: int) -> int:
        _, a, e = self.at[year]
        return int(in_leo(a, e).sum())


class _Arrivals:
    """Additions in the form of launches."""

    def __init__(self, population: Population, comes: Floats) -> None:
        self.population, self.comes = population, comes

    def arrivals(self, since: float, until: float) -> tuple[Population, NDArray[np.int64]] | None:
        low, high = np.searchsorted(self.comes, [since, until])
        return (self.population[low:high], np.arange(low, high)) if low < high else None


class _Hindcast(evolve.Loop):
    """Evolution with actual arrivals that records which objects are present."""

    def __init__(self, task: evolve.Evolution, added: _Arrivals | None, broken: tuple[Event, ...]) -> None:
        super().__init__(task)
        self.seen, self.broken = Seen(), broken
        if added is not None:
            self.launches = [added]  # type: ignore[list-item]

    def _launch(self, since: float, year: float) -> None:
        super()._launch(since, year)
        m = self.members
        for event in self.broken:
            if since <= event.year < year:
                gone = np.flatnonzero(m.present[: m.n] & np.isin(m.norad_id[: m.n], event.parents))
                self.ledger.transfer("removed", m.run[gone], m.weight[gone], m.weight[gone] * m.mass_kg[gone])
                m.drop(gone)

    def _record_year(self, year: float, *, last: bool = False) -> None:
        m, now = self.members, round(year)
        if now in YEARS:
            slots = m.slots()
            orbit = m.orbits(slots)
            self.seen.at[now] = (m.norad_id[slots], orbit[0], orbit[1])
        super()._record_year(year, last=last)


@lru_cache(maxsize=1)
def _environment(data: Path) -> tuple[EnvironmentSpec, Environment]:
    spec = EnvironmentSpec(
        density="nrlmsis",
        density_sigma=0.0,
        solar=SolarSpec(model="repeat", space_weather=data / SPACE_WEATHER),
    )
    return spec, Environment.build(spec, YEARS[0], YEARS[-1])


def work(job: Job) -> Seen:
    history = read_history(job.data / "mocat_mc", job.seed + job.run, fresh=job.kind == "fresh")
    spec, environment = _environment(job.data)
    scenario = Scenario(
        environment=spec,
        collisions=CollisionSpec(enabled=False),
        disposal=DisposalSpec(payload=0.0, rocket_body=0.0, constellation=0.0),
    )
    population, rng = history.files[job.start], np.random.default_rng([job.seed, job.run, job.start])
    added, broken, made = None, (), ()
    if job.kind not in ("nothing", "fresh"):
        young = read_history(job.data / "mocat_mc", job.seed + job.run, fresh=True)
        coming, comes = young.additions(job.start, job.kind != "files")
        if job.kind == "model":
            broken = tuple(e for e in EVENTS if e.year > job.start)
            coming, comes, made = with_model(young, broken, job.start, rng)
        added = _Arrivals(coming, comes)
    task = evolve.Evolution(
        scenario,
        population,
        years=float(job.end - job.start),
        seed=job.seed,
        run_numbers=[job.run],
        backend=CpuBackend(threads=1),
        environment=environment,
    )
    loop = _Hindcast(task, added, broken)
    loop.run()
    loop.seen.made = made
    return loop.seen


def with_model(
    history: History, events: tuple[Event, ...], start: int, rng: np.random.Generator
) -> tuple[Population, Floats, tuple[int, ...]]:
    """Additions in which the fragments of these events are those of the breakup model; and how many it makes."""
    catalogued = frozenset().union(*(history.fragments_of(event) for event in events))
    coming, comes = history.additions(start, at_launch=True, without=catalogued)
    parts, when, made = [coming], [comes], []
    for number, event in enumerate(events):
        fragments = fragments_of_model(history, event, rng, -1 - number)
        parts.append(fragments)
        when.append(np.full(len(fragments), event.year))
        made.append(len(fragments))
    population, times = Population.concatenate(parts), np.concatenate(when)
    order = np.argsort(times, kind="stable")
    return population[order], times[order], tuple(made)


def fragments_of_model(history: History, event: Event, rng: np.random.Generator, mark: int) -> Population:
    """Fragments of 10 cm and more. What an interceptor sheds was in no orbit and is left out."""
    parents = [history.parent(k, event.year) for k in event.parents]
    bodies = [breakup.Body(float(p.mass_kg[0]), float(p.length_m[0])) for p in parents]
    alone = len(parents) == 1
    if alone:
        bodies.append(breakup.Body(INTERCEPTOR_KG, float(breakup.length_of_mass(INTERCEPTOR_KG))))
    found = breakup.collision(bodies[0], bodies[1], speed_km_s=event.speed_km_s, rng=rng)
    rows = np.flatnonzero(found.parent == 0) if alone else np.arange(len(found))
    anomaly = rng.uniform(0.0, 2.0 * np.pi, len(parents))
    states = [
        states_of((p.a_km, p.ecc, p.inc_rad, p.raan_rad, p.argp_rad, np.array([m])))
        for p, m in zip(parents, anomaly, strict=True)
    ]
    side = found.parent[rows]
    r, v = (np.stack([s[k][0] for s in states])[side] for k in (0, 1))
    orbit = dict(
        zip(
            ("a_km", "ecc", "inc_rad", "raan_rad", "argp_rad", "mean_rad"),
            elements_of(r, v + found.delta_v_km_s[rows]),
            strict=True,
        )
    )
    stays = (orbit["a_km"] > 0.0) & (orbit["ecc"] < 1.0)
    rows = rows[stays]
    n = len(rows)
    return replace(
        parents[0][np.zeros(n, np.int64)],
        **{name: values[stays] for name, values in orbit.items()},
        norad_id=np.full(n, mark),
        kind=np.full(n, Kind.COLLISION_FRAGMENT, np.int8),
        mass_kg=found.mass_kg[rows],
        radius_m=np.sqrt(found.area_m2[rows] / np.pi),
        area_to_mass=found.area_to_mass[rows],
        length_m=found.length_m[rows],
        launch_year=np.full(n, event.year),
        mission_end_year=np.full(n, np.inf),
        controlled=np.zeros(n, np.int8),
        constellation=np.full(n, -1, np.int32),
    )
