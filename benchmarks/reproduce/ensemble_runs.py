"""Ensembles for the scripts in this folder: parallel runs, yearly means, intervals."""

from __future__ import annotations

import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import xarray as xr

from stmgpu.backend import get_backend
from stmgpu.debris.environment import Environment
from stmgpu.debris.evolution.loop import Evolution, RunResult, time_span
from stmgpu.debris.population import Population
from stmgpu.debris.scenario import Study
from stmgpu.debris.specs import EnvironmentSpec
from stmgpu.debris.statistics import bootstrap_interval
from stmgpu.debris.study.evolve import build_ensemble
from stmgpu.debris.study.preparation import initial_population, source_notes

CYCLE_YEARS = 11.0
"""Populations are means over so many years where the solar cycle would show otherwise."""

_study: tuple[Study, int] | None = None


@dataclass(frozen=True)
class Figure:
    """Mean of runs with the ends of its 95 % interval (bootstrap), which a single run does not have."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"95 % interval {self.low:.4g} to {self.high:.4g}" if np.isfinite(self.low) else "one run"


def figure(values: xr.DataArray, seed: int = 0) -> Figure:
    """Mean over runs of one value a run."""
    found = bootstrap_interval(values, seed=seed)
    return Figure(float(found["estimate"]), float(found["lower"]), float(found["upper"]))


def leo(ds: xr.Dataset, low_km: float = 200.0, high_km: float = 2000.0) -> xr.DataArray:
    """Effective number of objects between two altitudes (scenario, run, time)."""
    return shells(ds["number"].sum("class"), low_km, high_km)


def shells(values: xr.DataArray, low_km: float, high_km: float) -> xr.DataArray:
    """Sum over the shells between two altitudes; edges of shells only."""
    inside = (values["shell_lower"] >= low_km) & (values["shell_upper"] <= high_km)
    return values.astype(np.float64).isel(shell=np.flatnonzero(inside.to_numpy())).sum("shell", skipna=False)


def years_mean(values: xr.DataArray, first: float, last: float) -> xr.DataArray:
    """Mean of the records from one year to another, both included; those without a value do not count."""
    time_ = values["time"].to_numpy()
    return values.isel(time=np.flatnonzero((time_ >= first - 1e-6) & (time_ <= last + 1e-6))).mean("time")


def last_cycle(values: xr.DataArray) -> xr.DataArray:
    """Mean of the records of the last solar cycle."""
    end = float(values["time"][-1])
    return years_mean(values, end - CYCLE_YEARS, end)


@lru_cache(maxsize=2)
def _air(spec: EnvironmentSpec, begin: float, end: float) -> Environment:
    return Environment.build(spec, begin, end)


@lru_cache(maxsize=2)
def _objects(number: int) -> Population:
    assert _study is not None
    return initial_population(_study[0].scenarios[number])


def _begin(study: Study, seed: int) -> None:
    """Set the study of a worker process."""
    global _study
    _study = study, seed
    _objects.cache_clear()


def _run(number: int, run: int) -> RunResult:
    """Run ``run`` of scenario ``number``; run k of all scenarios shares its random numbers."""
    assert _study is not None
    study, seed = _study
    scenario, population = study.scenarios[number], _objects(number)
    air = _air(scenario.environment, *time_span(population, study.years))
    return Evolution(
        scenario,
        population,
        years=study.years,
        seed=seed,
        run_numbers=[run],
        backend=get_backend("cpu", 1),
        environment=air,
    ).run()[0]


def ensemble(study: Study, seed: int, workers: int) -> xr.Dataset:
    """The ensemble of a study, runs spread over ``workers`` processes of one thread each; the result depends on the
    study and the seed alone."""
    tasks = [(number, run) for run in range(study.runs) for number in range(len(study.scenarios))]
    results: dict[tuple[int, int], RunResult] = {}
    begun = time.perf_counter()
    _begin(study, seed)

    def collect(task: tuple[int, int], result: RunResult) -> None:
        results[task] = result
        print(
            f"\r{len(results)} of {len(tasks)} runs, {time.perf_counter() - begun:.0f} s",
            end="",
            file=sys.stderr,
            flush=True,
        )

    if workers == 1:
        for task in tasks:
            collect(task, _run(*task))
    else:
        with ProcessPoolExecutor(workers, initializer=_begin, initargs=(study, seed)) as pool:
            futures = {pool.submit(_run, *task): task for task in tasks}
            for future in as_completed(futures):
                collect(futures[future], future.result())
    print(file=sys.stderr)
    population = _objects(0)
    air = _air(study.scenarios[0].environment, *time_span(population, study.years))
    return build_ensemble(
        study, results, seed=seed, begin=population.epoch_year, notes=[*source_notes([population]), *air.notes]
    )
