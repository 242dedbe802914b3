"""How long a study takes: years of it, run with the populations that are expected then."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.debris.evolution.loop import Evolution, Loop
from stmgpu.debris.evolution.removals import RATE_YEARS
from stmgpu.debris.specs import LaunchSpec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stmgpu.backend import Backend
    from stmgpu.debris.environment.environment import Environment
    from stmgpu.debris.population.population import Population
    from stmgpu.debris.scenario import Scenario
    from stmgpu.debris.study.forecast import Forecast

PLACES = (0.25, 0.75)
"""Parts of a run at which a year of it is measured."""

MOST_MEASURED = 20_000
"""Largest number of objects of such a year; the time of more objects is in proportion."""

_WARM_UP = 100


def core_seconds(
    forecasts: Sequence[Forecast], environments: Sequence[Environment], *, years: float, runs: int, backend: Backend
) -> float:
    """Seconds of one core that all runs of a study take, from a few years of each scenario that are run.

    Parameters
    ----------
    forecasts, environments : sequence of Forecast, sequence of Environment
        Those of each scenario.
    years : float
        Length of the runs.
    runs : int
        Runs of each scenario.
    backend : Backend
        Runs the kernels, with one thread.
    """
    total = 0.0
    for forecast, environment in zip(forecasts, environments, strict=True):
        length = min(years, forecast.full_year - forecast.begin)
        span = max(length - 1.0, 0.0)
        measured: list[tuple[float, float]] = []
        for place in PLACES if length > 2.0 else PLACES[:1]:
            year = forecast.begin + place * span
            population = forecast.population(year, MOST_MEASURED)
            scenario = _plain(forecast.scenario, whole=len(population) < MOST_MEASURED)
            if not total and not measured:  # loading and tables that are made once
                _year(scenario, population[:_WARM_UP], environment, backend)
            expected = float(np.interp(year, forecast.times, forecast.numbers))
            start, each = _year(scenario, population, environment, backend)
            measured.append((start, each * max(expected / len(population), 1.0)))
        start, each = np.mean(measured, axis=0)
        total += runs * (start + each * length)
    return total


def _plain(scenario: Scenario, *, whole: bool) -> Scenario:
    """Return a scenario without what depends on the initial population, and, of a part of it, without launches."""
    launches = LaunchSpec(constellations=scenario.launches.constellations if whole else ())
    return scenario.model_copy(update={"events": (), "launches": launches})


def _year(
    scenario: Scenario, population: Population, environment: Environment, backend: Backend
) -> tuple[float, float]:
    """Return the CPU seconds of the start of a run and of a year."""
    task = Evolution(scenario, population, years=1.0, seed=0, run_numbers=[0], backend=backend, environment=environment)
    begin = time.process_time()
    loop = Loop(task)
    started = time.process_time()
    loop.removals.rates(population.epoch_year)  # once in RATE_YEARS; the year below has none unless a policy needs it
    rated = time.process_time()
    loop.run()
    return started - begin, time.process_time() - rated + (rated - started) / RATE_YEARS
