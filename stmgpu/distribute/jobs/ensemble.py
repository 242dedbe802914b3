"""Study of debris growth in tiles: a few runs of one scenario each."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from stmgpu.backend.cpu import CpuBackend, usable_levels
from stmgpu.debris.environment.environment import Environment
from stmgpu.debris.evolution.loop import Evolution, RunResult, steps_per_move, time_span
from stmgpu.debris.policy.policy_file import POLICIES, load_policies, loaded_policies
from stmgpu.debris.study.evolve import build_ensemble, resolve_study
from stmgpu.debris.study.forecast import Forecast, growth_notes
from stmgpu.debris.study.packing import pack, unpack
from stmgpu.debris.study.preparation import initial_population, population_key, prepare
from stmgpu.debris.study.scenario_file import input_files
from stmgpu.debris.study.settings import EnsembleSettings
from stmgpu.debris.study.timing import core_seconds
from stmgpu.distribute.jobs.base import Growth, Job, RunPlan, read_or_forget
from stmgpu.distribute.tiles import Estimate
from stmgpu.errors import InputError, StoreError
from stmgpu.store.document import FilesIdentity, RunDocument, Tiling
from stmgpu.store.result import write_result
from stmgpu.store.run_input import INPUTS, StudyInputs

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    import numpy as np

    from stmgpu.backend import Backend
    from stmgpu.debris.population.population import Population
    from stmgpu.debris.scenario import Scenario, Study
    from stmgpu.debris.specs import EnvironmentSpec
    from stmgpu.debris.study.preparation import PopulationKey
    from stmgpu.distribute.executors import RunOptions
    from stmgpu.store.run import Marker, RunStore

_PROCESS_BYTES = 400e6
_BYTES_PER_OBJECT = 1000.0
"""Memory of one object in one run: orbit, columns and their growth."""

_FINAL_BYTES = 220.0
"""Disk for one object at the end of one run, where final populations are kept: 165 in its tile, 55 in the result."""

_MEET_NS, _MOVE_NS, _YEAR_NS = 40.0, 100.0, 2000.0
"""Time of one core for one object: in a step in which objects meet, in a move, and at the end of a year, about
(benchmarks/results/debris.md)."""


@dataclass(frozen=True)
class EnsembleTile:
    """Tile of a study: some runs of one scenario.

    Attributes
    ----------
    scenario : int
        Number of the scenario.
    runs : tuple of int
        First run, and the one behind the last.
    """

    scenario: int
    runs: tuple[int, int]

    @property
    def id(self) -> str:
        """Name of its files."""
        return f"s{self.scenario:03d}-r{self.runs[0]:06d}-{self.runs[1]:06d}"


class EnsembleJob(Job[EnsembleTile]):
    """All runs of all scenarios of a study, in a store of kind 'ensemble'.

    Parameters
    ----------
    run : RunStore
        Store to work on.
    """

    kind = "ensemble"
    grows_by = Growth("runs", "runs", lambda settings: settings.runs)

    def __init__(self, run: RunStore) -> None:
        super().__init__(run)
        settings, files, folder = run.document.settings, run.document.run_input, run.run_folder / INPUTS
        if not isinstance(settings, EnsembleSettings) or not isinstance(files, FilesIdentity):
            raise StoreError(f"{run.folder} is damaged: its settings and input files are not those of a study")
        self.policies = files.files.get(POLICIES, "")
        if self.policies and loaded_policies() != self.policies:
            raise StoreError(
                f"{run.folder} uses policies of a Python file, which runs only if you name it; give the same file with "
                f"--policies (a copy is {folder / POLICIES})"
            )
        self.settings, self.study = settings, settings.study(folder)
        known = {(folder / name).absolute() for name in files.files}
        if strange := set(input_files(self.study)[1].values()) - known:
            raise StoreError(
                f"{run.folder} is damaged: a scenario reads {min(strange)}, which is not one of its input files"
            )
        runs_per_tile = run.document.tiling.runs_per_tile
        if runs_per_tile is None:
            raise StoreError(f"{run.folder} is damaged: in its run.json, tiling.runs_per_tile is missing")
        self.tiles = ensemble_tiles(len(self.study.scenarios), self.study.runs, runs_per_tile)
        self._populations: dict[PopulationKey, Population] = {}
        self._environments: dict[EnvironmentSpec, Environment] = {}

    @classmethod
    def plan(cls, run_input: StudyInputs, settings: EnsembleSettings, options: RunOptions) -> RunPlan:
        """Plan a study: its tiles, and its estimated needs."""
        runs_per_tile = options.tiling.runs_per_tile or 1
        tiles = ensemble_tiles(len(settings.scenarios), settings.runs, runs_per_tile)
        tiling = Tiling(runs_per_tile=runs_per_tile)
        document = cls.document(run_input, settings, tiling=tiling, tiles=len(tiles), backend=options.backend)
        return RunPlan(document, run_input, estimate(settings.study(), run_input.objects, runs_per_tile))

    @classmethod
    def memory_of(cls, document: RunDocument, threads: int) -> float:  # noqa: ARG003  # other kinds depend on them
        """Estimated memory of a worker [bytes]."""
        return memory_of(document.run_input.objects, document.tiling.runs_per_tile or 1)

    def compute(self, tile: EnsembleTile, backend: Backend) -> None:
        """Evolve the runs of a tile side by side and write their results."""
        begin = time.perf_counter()
        scenario = self.study.scenarios[tile.scenario]
        population = self._population(scenario)
        task = Evolution(
            scenario,
            population,
            years=self.study.years,
            seed=self.settings.seed,
            run_numbers=list(range(*tile.runs)),
            backend=backend,
            environment=self._environment(scenario, population),
        )
        results = task.run()
        summary = {
            "scenario": tile.scenario,
            "runs": list(tile.runs),
            "device": backend.device,
            "wall_s": round(time.perf_counter() - begin, 4),
        }
        self.run.write_tile(tile.id, pack(zip(range(*tile.runs), results, strict=True)), summary)

    def _population(self, scenario: Scenario) -> Population:
        key = population_key(scenario)
        if key not in self._populations:
            self.run.run_input()  # checks that the files are those that the study was begun with
            self._populations[key] = initial_population(scenario)
        return self._populations[key]

    def _environment(self, scenario: Scenario, population: Population) -> Environment:
        key = scenario.environment
        if key not in self._environments:
            self.run.run_input()
            self._environments[key] = Environment.build(key, *time_span(population, self.study.years))
        return self._environments[key]

    def finish(self, markers: dict[str, Marker], backend: Backend) -> None:
        """Collect all runs and write the result."""
        results: dict[tuple[int, int], RunResult] = {}
        for tile in self.tiles:
            parse = partial(_results, f"tile {tile.id} of {self.run.folder}", tile)
            results |= read_or_forget(self.run, tile.id, markers[tile.id], parse)
        settings = self.settings
        ensemble = build_ensemble(
            settings.study(), results, seed=settings.seed, begin=settings.begin_year, notes=settings.notes
        )
        write_result(self.run, ensemble)


def _results(
    name: str, tile: EnsembleTile, arrays: Mapping[str, np.ndarray], _: object
) -> dict[tuple[int, int], RunResult]:
    """Results of the runs of a tile by scenario and run; ValueError if it holds others."""
    results = unpack(arrays)
    if sorted(results) != list(range(*tile.runs)):
        raise ValueError(f"{name} holds the runs {sorted(results)}")
    return {(tile.scenario, number): result for number, result in results.items()}


def ensemble_tiles(scenarios: int, runs: int, runs_per_tile: int) -> list[EnsembleTile]:
    """Tiles of a study: the first runs of every scenario, then the next ones."""
    return [
        EnsembleTile(number, (first, min(first + runs_per_tile, runs)))
        for first in range(0, runs, runs_per_tile)
        for number in range(scenarios)
    ]


def memory_of(objects: int, runs_per_tile: int) -> float:
    """Estimated memory of a worker whose populations grow to four times the expected number [bytes]."""
    return _PROCESS_BYTES + _BYTES_PER_OBJECT * 4.0 * objects * runs_per_tile


def estimate(study: Study, objects: int, runs_per_tile: int) -> Estimate:
    """Estimated needs of a study with this number of objects, without any measurement."""
    runs = len(study.scenarios) * study.runs
    nanoseconds = sum(
        365.25 / s.propagation.step_days * (steps_per_move(s) * _MEET_NS + _MOVE_NS) + _YEAR_NS for s in study.scenarios
    )
    disk = 2.5e4 * study.years * runs
    if study.scenarios[0].output.final_population:
        disk += _FINAL_BYTES * objects * runs
    return Estimate(memory_of(objects, runs_per_tile), disk, nanoseconds * 1e-9 * objects * study.years * study.runs)


def plan_study(
    study: Study | Scenario | str | os.PathLike[str],
    *,
    years: float | None,
    runs: int | None,
    seed: int,
    options: RunOptions,
    policies: str | os.PathLike[str] | None = None,
    measure: bool = False,
) -> RunPlan:
    """Plan a study from the arguments of :func:`stmgpu.evolve_to_store`: its input files, settings, tiles and needs.

    With ``measure`` the time is that of years of the study that are run here, with the populations that launches,
    disposal and decay make of the initial ones.
    """
    loaded = None if policies is None else load_policies(policies)
    study = resolve_study(study, years=years, runs=runs, seed=seed)
    initial = prepare(study, seed=seed)
    renamed, files = input_files(study)
    if policies is not None:
        if POLICIES in files:
            raise InputError(f"{files[POLICIES]} has the name under which the policies are kept; rename it")
        files[POLICIES] = Path(policies)
    forecasts = [
        Forecast(scenario, population, environment, study.years, seed)
        for scenario, population, environment in zip(
            study.scenarios, initial.populations, initial.environments, strict=True
        )
    ]
    inputs = StudyInputs.of(files, objects=max(forecast.most for forecast in forecasts))
    if loaded is not None and inputs.hashes[POLICIES] != loaded:
        raise InputError(f"{files[POLICIES]} changed while it was read; rerun the command")
    notes = [*initial.notes, *(note for forecast in forecasts for note in growth_notes(forecast))]
    settings = EnsembleSettings.of(renamed, seed=seed, begin_year=initial.year, notes=notes)
    plan = EnsembleJob.plan(inputs, settings, options)
    if measure and usable_levels():
        seconds = core_seconds(
            forecasts, initial.environments, years=study.years, runs=study.runs, backend=CpuBackend(threads=1)
        )
        plan = dataclasses.replace(plan, estimate=dataclasses.replace(plan.estimate, core_seconds=seconds))
    return plan
