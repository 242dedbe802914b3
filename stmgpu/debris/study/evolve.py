"""Evolution of a study in memory: all runs of all scenarios, as one Dataset."""

from __future__ import annotations

import json
import logging
import operator
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from stmgpu.backend import get_backend
from stmgpu.debris.evolution.census import INCLINATION_BINS
from stmgpu.debris.evolution.loop import Evolution, RunResult
from stmgpu.debris.policy.view import RemovalPolicy
from stmgpu.debris.population.population import CLASS_NAMES, Population
from stmgpu.debris.scenario import Scenario, Study
from stmgpu.debris.shells import SHELL_EDGES_KM
from stmgpu.debris.study.final_population import final_table
from stmgpu.debris.study.preparation import check_study, prepare
from stmgpu.debris.study.scenario_file import read_study
from stmgpu.debris.study.warnings import collisions_within_fleets
from stmgpu.debris.variables import BALANCES, COORDINATES, EVENTS, TITLE, VARIABLES, dims_of, dtype_of
from stmgpu.progress import Progress, reporting
from stmgpu.variables import CONVENTIONS

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from stmgpu.typing import Floats

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
    if "expected_within_fleets" not in variables:  # runs of an earlier version
        return []

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
