"""Evolution of a study in memory: all runs of all scenarios, as one Dataset."""

from __future__ import annotations

import json
import logging
import operator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import xarray as xr

from stmgpu.backend import get_backend
from stmgpu.debris.environment.environment import Environment
from stmgpu.debris.evolution.census import INCLINATION_BINS
from stmgpu.debris.evolution.launches import Launches
from stmgpu.debris.evolution.loop import Evolution, RunResult, time_span
from stmgpu.debris.policy.view import RemovalPolicy
from stmgpu.debris.population.population import CLASS_NAMES, Population, divided
from stmgpu.debris.population.sources import load_population
from stmgpu.debris.scenario import Scenario, Study
from stmgpu.debris.shells import SHELL_EDGES_KM
from stmgpu.debris.study.event_checks import check_events
from stmgpu.debris.study.final_population import final_table
from stmgpu.debris.study.histories import with_fitted_ballistic
from stmgpu.debris.study.scenario_errors import joined
from stmgpu.debris.study.scenario_file import read_study
from stmgpu.debris.study.warnings import collisions_within_fleets, orbits_not_covered, settings_without_effect
from stmgpu.debris.variables import BALANCES, COORDINATES, EVENTS, TITLE, VARIABLES, dims_of, dtype_of
from stmgpu.errors import InputError
from stmgpu.progress import Progress, reporting
from stmgpu.typing import is_whole
from stmgpu.variables import CONVENTIONS

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from stmgpu.debris.specs import EnvironmentSpec, PopulationSpec, PropagationSpec
    from stmgpu.typing import Floats

MAX_YEARS, MAX_RUNS = 1000.0, 1_000_000
"""Largest number of years, and of runs of a scenario."""

_LOG = logging.getLogger(__name__)


def evolve(
    study: Study | Scenario | Population | str | os.PathLike[str],
    *,
    years: float | None = None,
    runs: int | None = None,
    seed: int = 0,
    backend: str = "auto",
    threads: int | None = None,
    progress: Progress = None,
    population: Population | None = None,
    policy: RemovalPolicy | Sequence[RemovalPolicy] | None = None,
) -> xr.Dataset:
    """Evolve the debris population for every run of every scenario, in memory.

    For long studies use :func:`stmgpu.evolve_to_store`, which computes the same result in tiles and can be resumed.

    Parameters
    ----------
    study : Study, Scenario, Population or path-like
        A study, one scenario, a scenario file, or a population to evolve with the default scenario.
    years : float, optional
        Length of the runs; default that of the study.
    runs : int, optional
        Number of runs of each scenario; default that of the study.
    seed : int
        Seed of the study. Run k of all scenarios shares its random numbers.
    backend : str
        As for :func:`stmgpu.screen`.
    threads : int, optional
        As for :func:`stmgpu.screen`.
    progress : callable or bool, optional
        Called with the fraction done; True shows a bar of ``tqdm``.
    population : Population, optional
        Initial population, instead of those of the scenarios.
    policy : RemovalPolicy or sequence of RemovalPolicy, optional
        Removal policies, instead of those of the scenarios.

    Returns
    -------
    Dataset
        Variables over (scenario, run, time, shell, class) and an event table over (event), listed in
        docs/guide/debris-results.md. Runs are numbered from 0 and have no coordinate.

    Raises
    ------
    InputError
        An invalid scenario, or an input file that is missing or damaged.

    Examples
    --------
    >>> import stmgpu as stm
    >>> ds = stm.evolve("removal.toml", years=10, runs=2, seed=1)  # doctest: +SKIP
    >>> ds = stm.evolve(population, years=200, runs=100, policy=stm.RiskRemoval(per_year=5), seed=7)  # doctest: +SKIP
    """
    if isinstance(study, Population):
        population, study = study, Scenario()
    study = resolve_study(study, years=years, runs=runs, seed=seed)
    if policy is not None:
        policies = (policy,) if isinstance(policy, RemovalPolicy) else tuple(policy)
        study = study.model_copy(
            update={"scenarios": tuple(s.model_copy(update={"removal": policies}) for s in study.scenarios)}
        )
    chosen = get_backend(backend, threads)
    initial = prepare(study, seed=seed, population=population)
    for note in initial.notes:
        _LOG.info("%s", note)
    results: dict[tuple[int, int], RunResult] = {}
    total = len(study.scenarios) * study.runs
    with reporting(progress, "evolving") as report:
        for number, scenario in enumerate(study.scenarios):
            population, environment = initial.populations[number], initial.environments[number]
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
                report(len(results) / total)
    return build_ensemble(study, results, seed=seed, begin=initial.year, notes=initial.notes)


def resolve_study(
    study: Study | Scenario | str | os.PathLike[str], *, years: float | None, runs: int | None, seed: int
) -> Study:
    """Read a scenario file, or wrap a scenario; override years and runs, and check the study.

    Raises
    ------
    InputError
        The file cannot be read, or the study is invalid.
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
class InitialState:
    """Initial populations and environments of a study.

    Attributes
    ----------
    year : float
        First year.
    populations, environments : list of Population or list of Environment
        Those of each scenario, in their order; scenarios with the same settings share them.
    notes : list of str
        Sources (:func:`source_notes`) and settings without effect
        (:func:`stmgpu.debris.study.warnings.settings_without_effect`).
    """

    year: float
    populations: list[Population]
    environments: list[Environment]
    notes: list[str]


def prepare(study: Study, *, seed: int, population: Population | None = None) -> InitialState:
    """Load the initial populations and environments of a study, so that errors are raised before anything is computed.

    Parameters
    ----------
    study : Study
        Scenarios.
    seed : int
        Seed of the study.
    population : Population, optional
        Initial population of all scenarios, instead of their own.

    Raises
    ------
    InputError
        A file that is missing or damaged, an environment that does not cover the years, launches that repeat nothing,
        impossible events, populations of different epochs, or one larger than ``max_objects``.
    """
    without_effect: list[str] = []
    faults: list[str] = []
    populations: dict[PopulationKey, Population] = {}
    environments: dict[EnvironmentSpec, Environment] = {}
    begins: dict[float, str] = {}
    for scenario in study.scenarios:
        key = population_key(scenario)
        if key not in populations:
            populations[key] = initial_population(scenario) if population is None else population
        initial = populations[key]
        begins.setdefault(initial.epoch_year, scenario.name)
        if len(begins) > 1:
            epochs = ", ".join(f"{name!r} in {year:.3f}" for year, name in begins.items())
            raise InputError(
                f"the populations of the scenarios begin in different years ({epochs}); compare "
                "populations of one epoch, or evolve them into separate stores"
            )
        if scenario.environment not in environments:
            environments[scenario.environment] = Environment.build(
                scenario.environment, *time_span(initial, study.years)
            )
        for check in (_check_size, check_events, _check_launches):
            try:
                check(scenario, initial, study.years, seed)
            except InputError as error:
                faults.append(str(error))
        without_effect += settings_without_effect(scenario, initial, study.years)
    if faults:
        raise InputError(joined(faults))
    (year,) = begins
    return InitialState(
        year,
        [populations[population_key(s)] for s in study.scenarios],
        [environments[s.environment] for s in study.scenarios],
        [*source_notes(populations.values(), environments.values()), *without_effect],
    )


def _check_size(scenario: Scenario, population: Population, years: float, seed: int) -> None:  # noqa: ARG001
    """Raise InputError where the initial population is larger than the scenario allows."""
    rows = len(divided(population, scenario.max_objects))
    if rows > scenario.max_objects:
        raise InputError(
            f"scenario {scenario.name!r} begins with {rows:,} objects, more than max_objects = "
            f"{scenario.max_objects:,}, above which its runs are cut off; raise max_objects, or use "
            "a smaller population"
        )


def _check_launches(scenario: Scenario, population: Population, years: float, seed: int) -> None:  # noqa: ARG001
    """Raise InputError for launches that are impossible with the population, or below the altitude of decay."""
    Launches(scenario.launches, population, disposal=scenario.disposal, seed=seed, run_number=0)
    for shell in scenario.launches.constellations:
        lowest, decay = shell.altitudes_km[0], scenario.propagation.decay_km
        if lowest <= decay:
            raise InputError(
                f"scenario {scenario.name!r}: constellation {shell.name!r} has planes at {lowest:g} km, below "
                f"propagation.decay_km = {decay:g}; raise its altitude_km"
            )


def source_notes(populations: Iterable[Population], environments: Iterable[Environment] = ()) -> list[str]:
    """List the sources of populations, what was filled in or left out, and the environments, without repetitions."""
    notes: list[str] = []
    for population in populations:
        source = population.source
        told = [*population.notes, *orbits_not_covered(population)]
        notes += [note if note.startswith(source) else f"{source}: {note}" for note in told] or [source]
    for environment in environments:
        notes += environment.notes
    return list(dict.fromkeys(notes))


def check_study(study: Study, seed: int) -> None:
    """Raise InputError for a study that cannot be run."""
    if not (np.isfinite(study.years) and 1.0 <= study.years <= MAX_YEARS):
        raise InputError(
            f"years = {study.years:g} is out of range, since whole years are recorded; choose 1 to {MAX_YEARS:g}"
        )
    if not 1 <= study.runs <= MAX_RUNS:
        raise InputError(f"runs = {study.runs} is out of range; choose 1 to {MAX_RUNS:,}")
    if not is_whole(seed) or not 0 <= seed < 1 << 63:
        raise InputError(f"seed = {seed} is out of range; choose a whole number from 0 to 2^63 - 1")
    names = [s.name for s in study.scenarios]
    if not names:
        raise InputError("the study has no scenarios; give at least one")
    if len(set(names)) < len(names):
        raise InputError(f"the names of scenarios repeat ({', '.join(names)}); give each its own name")
    for s in study.scenarios[1:]:
        if s.output != study.scenarios[0].output:
            raise InputError(
                f"scenario {s.name!r} has an [output] of its own; all scenarios share one result, so set it in the base"
            )


class PopulationKey(NamedTuple):
    """Settings that the initial population of a scenario depends on; those of drag only where they are fitted."""

    population: PopulationSpec
    mission_years: float
    environment: EnvironmentSpec | None = None
    propagation: PropagationSpec | None = None


def population_key(scenario: Scenario) -> PopulationKey:
    """Return the settings that the initial population of a scenario depends on."""
    spec, life = scenario.population, scenario.disposal.mission_years
    if spec.ballistic == "table":
        return PopulationKey(spec, life)
    return PopulationKey(spec, life, scenario.environment, scenario.propagation)


def initial_population(scenario: Scenario) -> Population:
    """Load the initial population of a scenario; values its source lacks are drawn with the seed of its settings."""
    population = load_population(scenario.population, mission_years=scenario.disposal.mission_years)
    return population if scenario.population.ballistic == "table" else with_fitted_ballistic(population, scenario)


def build_ensemble(
    study: Study,
    results: Mapping[tuple[int, int], RunResult],
    *,
    seed: int,
    begin: float,
    notes: Iterable[str] = (),
) -> xr.Dataset:
    """Assemble the Dataset of a study from its runs.

    Parameters
    ----------
    study : Study
        Scenarios, years and runs.
    results : mapping of (int, int) to RunResult
        Finished runs by (scenario, run), at least one; the values of other runs are NaN.
    seed : int
        Seed of the study.
    begin : float
        First year.
    notes : iterable of str
        Notes besides those of the runs.
    """
    shape = (len(study.scenarios), study.runs)
    times = np.asarray(begin + np.arange(int(study.years + 1e-9) + 1), np.float64)
    variables: dict[str, NDArray[np.generic]] = {}
    fleets = list(dict.fromkeys(name for _, result in sorted(results.items()) for name in result.constellations))
    shapes = {name: values.shape[1:] for result in results.values() for name, values in result.series.items()}
    for name, inner in shapes.items():
        of_fleets = dims_of(name)[-1] == "constellation"
        array = np.full((*shape, len(times), *((len(fleets),) if of_fleets else inner)), np.nan, dtype_of(name))
        for place, result in results.items():
            until = _records(result, times)
            if of_fleets:
                array[place][:until] = 0.0  # of a constellation that is not in this scenario
            if name in result.series:
                target = array[place][:until]
                if of_fleets:
                    target[:, [fleets.index(fleet) for fleet in result.constellations]] = result.series[name][:until]
                else:
                    target[...] = result.series[name][:until]
        variables[name] = array
    for name in (*BALANCES, "truncated_year"):
        array = np.full(shape, np.nan)
        for place, result in results.items():
            array[place] = result.truncated_year if name == "truncated_year" else result.balances[name]
        variables[name] = array
    edges = SHELL_EDGES_KM
    if study.scenarios[0].output.final_population:
        variables |= final_table({place: result.final for place, result in results.items()}, shape)
    variables |= {
        "scenario": np.array([s.name for s in study.scenarios]),
        "time": times,
        "shell": 0.5 * (edges[:-1] + edges[1:]),
        "shell_lower": edges[:-1],
        "shell_upper": edges[1:],
        "class": np.array(CLASS_NAMES),
        **_size_coordinates(study.scenarios[0].output.size_edges_m),
        **_inclination_coordinates(),
        **({"constellation": np.array(fleets)} if fleets else {}),
        **_event_table(results),
    }
    run_notes = [
        f"{study.scenarios[s].name}, run {r}: {note}"
        for (s, r), result in sorted(results.items())
        for note in result.notes
    ]
    attrs = {
        "Conventions": CONVENTIONS,
        "title": TITLE,
        "seed": int(seed),
        "years": study.years,
        "runs": study.runs,
        "notes": [*notes, *_fleet_notes(study, variables), *run_notes],
        "scenarios": json.dumps([s.model_dump(mode="json") for s in study.scenarios]),
    }
    data = {name: spec.of(variables[name]) for name, spec in VARIABLES.items() if name in variables}
    return xr.Dataset(data, attrs=attrs).set_coords([name for name in COORDINATES if name in data])


def _records(result: RunResult, times: Floats) -> int:
    """Number of records of a run, those after it was cut off left out."""
    made = len(result.series["population"])
    return made if np.isnan(result.truncated_year) else min(made, int((times < result.truncated_year).sum()))


def _size_coordinates(edges_m: Sequence[float]) -> dict[str, NDArray[np.generic]]:
    """Name the sizes, and give their edges [m]."""
    texts = [f"{edge:.12g}" for edge in edges_m]
    names = [
        f"below {texts[0]} m",
        *(f"{low} to {high} m" for low, high in pairwise(texts)),
        f"{texts[-1]} m and larger",
    ]
    edges = np.array([0.0, *edges_m, np.inf])
    return {"size": np.array(names), "size_lower": edges[:-1], "size_upper": edges[1:]}


def _inclination_coordinates() -> dict[str, NDArray[np.generic]]:
    edges = np.linspace(0.0, 180.0, INCLINATION_BINS + 1)
    middles = 0.5 * (edges[:-1] + edges[1:])
    return {"inclination": middles, "inclination_lower": edges[:-1], "inclination_upper": edges[1:]}


def _fleet_notes(study: Study, variables: Mapping[str, NDArray[np.generic]]) -> list[str]:
    """Note for each scenario with many collisions within constellations, in the mean over its finished runs."""

    def last(name: str) -> NDArray[np.float64]:
        values = np.asarray(variables[name], np.float64)
        totals = values.reshape(*values.shape[:3], -1).sum(axis=3)  # not a number beyond a run's end
        greatest: NDArray[np.float64] = np.where(np.isnan(totals), 0.0, totals).max(axis=2).sum(axis=1)
        return greatest

    within = last("expected_within_fleets")
    expected = last("expected_catastrophic") + last("expected_cratering")
    return [
        f"{scenario.name}: {note}"
        for scenario, *amounts in zip(study.scenarios, within.tolist(), expected.tolist(), strict=True)
        for note in collisions_within_fleets(*amounts)
    ]


def _event_table(results: Mapping[tuple[int, int], RunResult]) -> dict[str, NDArray[np.generic]]:
    """Concatenate the event tables of all runs."""
    columns: dict[str, list[NDArray[np.generic]]] = {name: [] for name in EVENTS}
    for s, r in sorted(results):
        events = results[s, r].events
        count = len(events["time"])
        run_columns = {"scenario": np.full(count, s), "run": np.full(count, r)}
        for name, parts in columns.items():
            parts.append(run_columns[name] if name in run_columns else events[name])
    return {f"event_{name}": np.concatenate(parts) for name, parts in columns.items()}
