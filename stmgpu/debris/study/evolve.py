"""``stmgpu.evolve``: all runs of all scenarios of a study, as one Dataset."""

from __future__ import annotations

import json
import logging
import operator
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from stmgpu.backend import get_backend
from stmgpu.debris.environment.environment import Environment
from stmgpu.debris.evolution.launches import Launches
from stmgpu.debris.evolution.loop import Evolution, RunResult, time_span
from stmgpu.debris.policy.view import RemovalPolicy
from stmgpu.debris.population.population import CLASS_NAMES, Population, divided
from stmgpu.debris.population.sources import load_population
from stmgpu.debris.scenario import Scenario, Study
from stmgpu.debris.shells import SHELL_EDGES_KM
from stmgpu.debris.specs import EnvironmentSpec, PopulationSpec
from stmgpu.debris.study.scenario_file import read_study
from stmgpu.debris.study.warnings import unused
from stmgpu.debris.variables import BALANCES, EVENTS, LONG_NAMES, dims_of, dtype_of
from stmgpu.errors import InputError
from stmgpu.typing import is_whole

MOST_YEARS, MOST_RUNS = 1000.0, 1_000_000
"""Longest study, and most runs of a scenario."""

_LOG = logging.getLogger(__name__)


def evolve(
    study: Study | Scenario | Population | str | os.PathLike[str],
    years: float | None = None,
    runs: int | None = None,
    seed: int = 0,
    backend: str = "auto",
    threads: int | None = None,
    progress: Callable[[float], None] | None = None,
    population: Population | None = None,
    policy: RemovalPolicy | Sequence[RemovalPolicy] | None = None,
) -> xr.Dataset:
    """Evolve the debris population, every run of every scenario, in memory.

    For long studies see :func:`stmgpu.evolve_to_store`, which does the same in tiles that can be resumed.

    Parameters
    ----------
    study
        a study, one scenario, a scenario file, or a population, for the default scenario.
    years, runs
        length and number of runs; default those of the study.
    seed
        of the study; run k of all scenarios shares its random numbers.
    backend, threads
        as for :func:`stmgpu.screen`.
    progress
        called with the fraction done.
    population
        to begin with, instead of those that the scenarios name.
    policy
        one or several removal policies, instead of those of the scenarios.

    Returns
    -------
    Dataset over (scenario, run, time, shell, class) and an event table over (event). docs/guide/debris-results.md lists
    the variables. Runs are numbered from 0 and have no coordinate (a store keeps its own files under that name).

    Raises
    ------
    InputError
        an impossible scenario, or a file that it names is missing or damaged.

    Examples
    --------
    >>> import stmgpu as stm
    >>> ds = stm.evolve("removal.toml", years=10, runs=2, seed=1)  # doctest: +SKIP
    >>> ds = stm.evolve(population, years=200, runs=100, policy=stm.RiskRemoval(per_year=5), seed=7)  # doctest: +SKIP
    """
    if isinstance(study, Population):
        population, study = study, Scenario()
    study = asked_study(study, years, runs, seed)
    if policy is not None:
        policies = (policy,) if isinstance(policy, RemovalPolicy) else tuple(policy)
        study = study.model_copy(
            update={"scenarios": tuple(s.model_copy(update={"removal": policies}) for s in study.scenarios)}
        )
    chosen = get_backend(backend, threads)
    begin = prepare(study, seed, population)
    for note in begin.notes:
        _LOG.info("%s", note)
    results: dict[tuple[int, int], RunResult] = {}
    total = len(study.scenarios) * study.runs
    for number, scenario in enumerate(study.scenarios):
        population, environment = begin.populations[number], begin.environments[number]
        for run in range(study.runs):
            task = Evolution(
                scenario,
                population,
                years=study.years,
                seed=seed,
                run_numbers=[run],
                backend=chosen,
                environment=environment,
            )
            results[number, run] = task.run()[0]
            if progress:
                progress(len(results) / total)
    return build_ensemble(study, seed, results, begin.year, begin.notes)


def asked_study(
    study: Study | Scenario | str | os.PathLike[str], years: float | None, runs: int | None, seed: int
) -> Study:
    """The study that a call asks for: a file, a study or a scenario, with the call's own years and runs.

    Raises
    ------
    InputError
        the file cannot be read, or the study cannot be run.
    """
    if isinstance(study, Scenario):
        study = Study(scenarios=(study,))
    elif not isinstance(study, Study):
        study = read_study(Path(study))
    if years is not None:
        study = study.model_copy(update={"years": float(years)})
    if runs is not None:
        study = study.model_copy(update={"runs": operator.index(runs)})
    check_study(study, seed)
    return study


@dataclass(frozen=True)
class Beginning:
    """What the runs of a study begin with.

    Attributes
    ----------
    year
        first year.
    populations, environments
        of each scenario, in their order; scenarios that begin alike share them.
    notes
        see :func:`notes_of`, and what the scenarios state in vain (:func:`stmgpu.debris.study.warnings.unused`).
    """

    year: float
    populations: list[Population]
    environments: list[Environment]
    notes: list[str]


def prepare(study: Study, seed: int, population: Population | None = None) -> Beginning:
    """Read and make what a study begins with, so that what is impossible is refused before anything is computed.

    With ``population`` all scenarios begin with that one.

    Raises
    ------
    InputError
        a file that is missing or damaged, an environment that does not cover the years, launches that repeat nothing,
        populations of different epochs, or one that is larger than ``max_objects``.
    """
    vain: list[str] = []
    populations: dict[tuple[PopulationSpec, float], Population] = {}
    environments: dict[EnvironmentSpec, Environment] = {}
    begins: dict[float, str] = {}
    for scenario in study.scenarios:
        key = population_key(scenario)
        if key not in populations:
            populations[key] = population_of(scenario) if population is None else population
        own = populations[key]
        begins.setdefault(own.epoch_year, scenario.name)
        if len(begins) > 1:
            told = ", ".join(f"{name!r} in {year:.3f}" for year, name in begins.items())
            raise InputError(
                f"the populations of the scenarios begin in different years ({told}); compare populations "
                "of one epoch, or evolve them into stores of their own"
            )
        if scenario.environment not in environments:
            environments[scenario.environment] = Environment.build(scenario.environment, *time_span(own, study.years))
        rows = len(divided(own, scenario.max_objects))
        if rows > scenario.max_objects:
            raise InputError(
                f"scenario {scenario.name!r} begins with {rows:,} objects, more than max_objects = "
                f"{scenario.max_objects:,}, above which its runs are cut off; allow more, or begin with "
                "fewer"
            )
        Launches(scenario.launches, own, disposal=scenario.disposal, seed=seed, run_number=0)
        vain += unused(scenario, own, study.years)
    (year,) = begins
    return Beginning(
        year,
        [populations[population_key(s)] for s in study.scenarios],
        [environments[s.environment] for s in study.scenarios],
        [*notes_of(populations.values(), environments.values()), *vain],
    )


def notes_of(populations: Iterable[Population], environments: Iterable[Environment] = ()) -> list[str]:
    """Where populations come from, what was filled in or left out, and what the environments are: a line each."""
    found: list[str] = []
    for population in populations:
        source = population.source
        found += [note if note.startswith(source) else f"{source}: {note}" for note in population.notes] or [source]
    for environment in environments:
        found += environment.notes
    return list(dict.fromkeys(found))


def check_study(study: Study, seed: int) -> None:
    """Refuse a study that cannot be run."""
    if not (np.isfinite(study.years) and 1.0 <= study.years <= MOST_YEARS):
        raise InputError(
            f"{study.years:g} years are impossible, since every whole year is recorded; give 1 to {MOST_YEARS:g}"
        )
    if not 1 <= study.runs <= MOST_RUNS:
        raise InputError(f"{study.runs} runs are impossible; give 1 to {MOST_RUNS:,}")
    if not is_whole(seed) or not 0 <= seed < 1 << 63:
        raise InputError(f"the seed {seed} is impossible; give a whole number from 0 to 2^63 - 1")
    names = [s.name for s in study.scenarios]
    if not names:
        raise InputError("a study without scenarios is impossible; give at least one")
    if len(set(names)) < len(names):
        raise InputError(f"the names of scenarios repeat ({', '.join(names)}); give each its own name")


def population_key(scenario: Scenario) -> tuple[PopulationSpec, float]:
    """What the initial population of a scenario depends on."""
    return scenario.population, scenario.disposal.mission_years


def population_of(scenario: Scenario) -> Population:
    """The initial population of a scenario; what its source leaves open is drawn from the spec's own seed."""
    spec, mission_years = population_key(scenario)
    return load_population(spec, mission_years=mission_years)


def build_ensemble(
    study: Study, seed: int, results: Mapping[tuple[int, int], RunResult], begin: float, notes: Iterable[str] = ()
) -> xr.Dataset:
    """Put the runs together.

    Parameters
    ----------
    study, seed
        what was run.
    results
        by (scenario, run), at least one; runs that are not among them are not numbers.
    begin
        first year.
    notes
        what a reader should know besides what the runs say.
    """
    shape = (len(study.scenarios), study.runs)
    times = begin + np.arange(int(study.years + 1e-9) + 1)
    variables: dict[str, Any] = {}
    for name, values in next(iter(results.values())).series.items():
        array = np.full((*shape, len(times), *values.shape[1:]), np.nan, dtype_of(name))
        for place, result in results.items():
            series = result.series[name]
            until = len(series) if np.isnan(result.truncated_year) else int((times < result.truncated_year).sum())
            array[place][: min(until, len(series))] = series[:until]
        variables[name] = array
    for name in (*BALANCES, "truncated_year"):
        array = np.full(shape, np.nan)
        for place, result in results.items():
            array[place] = result.truncated_year if name == "truncated_year" else result.balances[name]
        variables[name] = array
    edges = SHELL_EDGES_KM
    coords = {
        "scenario": ("scenario", [s.name for s in study.scenarios], _attrs("1", "scenario")),
        "time": ("time", times.astype(np.float64), _attrs("a", "decimal year (UTC)")),
        "shell": ("shell", 0.5 * (edges[:-1] + edges[1:]), _attrs("km", "altitude of the middle of the shell")),
        "shell_lower": ("shell", edges[:-1], _attrs("km", "altitude of the lower edge of the shell")),
        "shell_upper": ("shell", edges[1:], _attrs("km", "altitude of the upper edge of the shell")),
        "class": ("class", list(CLASS_NAMES), _attrs("1", "class of objects")),
    }
    told = [
        f"{study.scenarios[s].name}, run {r}: {note}"
        for (s, r), result in sorted(results.items())
        for note in result.notes
    ]
    attrs = {
        "seed": int(seed),
        "years": study.years,
        "runs": study.runs,
        "notes": [*notes, *told],
        "scenarios": json.dumps([s.model_dump(mode="json") for s in study.scenarios]),
    }
    data = {name: (dims_of(name), array, _attrs(*LONG_NAMES[name])) for name, array in variables.items()}
    return xr.Dataset({**data, **_event_table(results)}, coords=coords, attrs=attrs)


def _event_table(results: Mapping[tuple[int, int], RunResult]) -> dict[str, Any]:
    columns: dict[str, list[Any]] = {name: [] for name in EVENTS}
    for s, r in sorted(results):
        events = results[s, r].events
        count = len(events["time"])
        own = {"scenario": np.full(count, s), "run": np.full(count, r)}
        for name, parts in columns.items():
            parts.append(own.get(name, events.get(name)))
    return {
        f"event_{name}": ("event", np.concatenate(parts).astype(EVENTS[name][0]), _attrs(*EVENTS[name][1:]))
        for name, parts in columns.items()
    }


def _attrs(units: str, long_name: str) -> dict[str, str]:
    return {"units": units, "long_name": long_name}
