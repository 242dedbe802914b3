"""Parallel runs of scenarios, for the scripts in this folder."""

from __future__ import annotations

import dataclasses
import math
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from scipy.stats import norm, t
from verdict import SIGMAS, Report

from stmgpu.backend.cpu import CpuBackend
from stmgpu.debris.environment import Environment
from stmgpu.debris.evolution.loop import Evolution, RunResult, time_span
from stmgpu.debris.population import Population
from stmgpu.debris.scenario import Scenario, Study
from stmgpu.debris.specs import DisposalSpec, EnvironmentSpec, PopulationSpec
from stmgpu.debris.study.evolve import build_ensemble
from stmgpu.debris.study.preparation import initial_population


@dataclass(frozen=True)
class Task:
    """One run of one scenario."""

    scenario: Scenario
    years: float
    seed: int
    run: int
    most_kg: float = math.inf


@lru_cache(maxsize=2)
def _population(spec: PopulationSpec, mission_years: float, most_kg: float) -> Population:
    whole = initial_population(Scenario(population=spec, disposal=DisposalSpec(mission_years=mission_years)))
    return whole[whole.mass_kg < most_kg]


@lru_cache(maxsize=2)
def _environment(spec: EnvironmentSpec, first: float, last: float) -> Environment:
    return Environment.build(spec, first, last)


def evolved(task: Task) -> tuple[RunResult, float]:
    """The run, and the CPU seconds of its evolution alone."""
    s = task.scenario
    population = _population(s.population, s.disposal.mission_years, task.most_kg)
    environment = _environment(s.environment, *time_span(population, task.years))
    begin = time.process_time()
    result = Evolution(
        s,
        population,
        years=task.years,
        seed=task.seed,
        run_numbers=[task.run],
        backend=CpuBackend(threads=1),
        environment=environment,
    ).run()[0]
    return result, time.process_time() - begin


def ensemble(
    scenarios: Sequence[Scenario], years: float, runs: int, seed: int, workers: int, *, most_kg: float = math.inf
) -> tuple[Any, Any]:
    """All runs of all scenarios: Dataset of the ensemble, and CPU seconds by (scenario, run).

    Objects of ``most_kg`` and more are left out of the initial population. Runs come in turn, so that what else the
    machine does takes from all scenarios alike.
    """
    keys = [(number, run) for run in range(runs) for number in range(len(scenarios))]
    with ProcessPoolExecutor(workers) as pool:
        done = list(pool.map(evolved, [Task(scenarios[number], years, seed, run, most_kg) for number, run in keys]))
    results = {key: result for key, (result, _) in zip(keys, done, strict=True)}
    population = _population(scenarios[0].population, scenarios[0].disposal.mission_years, most_kg)
    study = Study(scenarios=tuple(scenarios), years=float(years), runs=runs)
    ds = build_ensemble(study, results, seed=seed, begin=population.epoch_year, notes=population.notes)
    return ds, {key: cpu for key, (_, cpu) in zip(keys, done, strict=True)}


def as_sigma(error: float, freedom: float) -> float:
    """A standard error with so few degrees of freedom, as the one of a normal law that is exceeded as often."""
    return float(error * t.isf(norm.sf(SIGMAS), freedom) / SIGMAS)


def write(name: str | None, result: dict[str, Any], report: Report) -> int:
    """Print the report; write the result with its verdicts and the machine to ``benchmarks/results``."""
    code = report.finish()
    if name:
        sys.path.append(str(Path(__file__).resolve().parents[1]))
        import machine

        rows = [dataclasses.asdict(row) for row in report.rows]
        print(machine.write(name, {**result, "verdicts": rows, "notes": report.notes}))
    return code
