"""A study of debris growth as a job in tiles: a tile is a few runs of one scenario."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from stmgpu.debris.environment.environment import Environment
from stmgpu.debris.evolution.loop import Evolution, RunResult, time_span
from stmgpu.debris.study.evolve import build_ensemble, check_study, initial_population, population_key
from stmgpu.debris.study.packing import pack, unpack
from stmgpu.debris.study.scenario_file import input_files, study_from_settings
from stmgpu.distribute.tiles import Estimate, Tile
from stmgpu.errors import StoreError
from stmgpu.store.result import write_result
from stmgpu.store.run_input import INPUTS

if TYPE_CHECKING:
    from stmgpu.backend import Backend
    from stmgpu.debris.population.population import Population
    from stmgpu.debris.scenario import Scenario, Study
    from stmgpu.debris.specs import EnvironmentSpec, PopulationSpec
    from stmgpu.store.run import Marker, RunStore

_PROCESS_BYTES = 400e6
_BYTES_PER_OBJECT = 1000.0
"""Memory of one object in one run: orbit, columns and their growth."""

_STEP_NS = 170.0
"""Time of one core for one object and step, about (benchmarks/results/debris.md)."""


class EnsembleJob:
    """A study in a store.

    Parameters
    ----------
    run
        a store of kind 'ensemble'.
    """

    def __init__(self, run: RunStore) -> None:
        self.run = run
        s, folder = run.document["settings"], run.run_folder / INPUTS
        self.study = study_from_settings(s, folder)
        self.seed = s["seed"]
        self.begin_year, self.notes = float(s["begin_year"]), [str(note) for note in s["notes"]]
        check_study(self.study, self.seed)
        known = {(folder / name).absolute() for name in run.document["catalog"]["files"]}
        if strange := set(input_files(self.study)[1].values()) - known:
            raise StoreError(
                f"{run.folder} is damaged: a scenario reads {min(strange)}, which is none of its input files"
            )
        runs_per_tile = run.document["tiling"]["runs_per_tile"]
        if not isinstance(runs_per_tile, int) or runs_per_tile < 1:
            raise StoreError(f"{run.folder} is damaged: its tiles hold {runs_per_tile!r} runs")
        self.tiles = ensemble_tiles(len(self.study.scenarios), self.study.runs, runs_per_tile)
        self._populations: dict[tuple[PopulationSpec, float], Population] = {}
        self._environments: dict[EnvironmentSpec, Environment] = {}

    def compute(self, tile: Tile, backend: Backend) -> None:
        """Evolve the runs of a tile side by side and keep what they came to."""
        begin = time.perf_counter()
        number = tile.left[0]
        scenario = self.study.scenarios[number]
        population = self._population(scenario)
        runs = list(range(tile.first, tile.last))
        task = Evolution(
            scenario,
            population,
            years=self.study.years,
            seed=self.seed,
            run_numbers=runs,
            backend=backend,
            environment=self._environment(scenario, population),
        )
        results = task.run()
        summary = {
            "scenario": number,
            "runs": [tile.first, tile.last],
            "device": backend.device,
            "wall_s": round(time.perf_counter() - begin, 4),
        }
        self.run.write_tile(tile.id, pack(zip(runs, results, strict=True)), summary)

    def _population(self, scenario: Scenario) -> Population:
        key = population_key(scenario)
        if key not in self._populations:
            self.run.run_input()  # the files are those that the study was begun with
            self._populations[key] = initial_population(scenario)
        return self._populations[key]

    def _environment(self, scenario: Scenario, population: Population) -> Environment:
        key = scenario.environment
        if key not in self._environments:
            self.run.run_input()
            self._environments[key] = Environment.build(key, *time_span(population, self.study.years))
        return self._environments[key]

    def finish(self, markers: dict[str, Marker], backend: Backend) -> None:
        """Put all runs together and write the result."""
        results: dict[tuple[int, int], RunResult] = {}
        for tile in self.tiles:
            try:
                found = unpack(self.run.read_tile(markers[tile.id]))
                if sorted(found) != list(range(tile.first, tile.last)):
                    raise ValueError(f"tile {tile.id} of {self.run.folder} holds the runs {sorted(found)}")
            except (StoreError, KeyError, TypeError, ValueError, AttributeError) as error:
                self.run.forget(tile.id)
                raise StoreError(
                    f"{error}; its tile is forgotten: run the same command again, which computes it anew"
                ) from error
            results |= {(tile.left[0], number): result for number, result in found.items()}
        study = study_from_settings(self.run.document["settings"])
        write_result(self.run, build_ensemble(study, results, seed=self.seed, begin=self.begin_year, notes=self.notes))


def ensemble_tiles(scenarios: int, runs: int, runs_per_tile: int) -> list[Tile]:
    """Tiles of a study: the first runs of every scenario, then the next ones."""
    tiles = []
    for first in range(0, runs, runs_per_tile):
        last = min(first + runs_per_tile, runs)
        for number in range(scenarios):
            own = (number, number + 1)
            tiles.append(Tile(f"s{number:03d}-r{first:06d}-{last:06d}", first, last, own, own))
    return tiles


def settings_of(study: Study, seed: int, begin_year: float, notes: list[str], arithmetic: str) -> dict[str, Any]:
    """Settings of a study as they stand in ``run.json``."""
    return {
        "scenarios": [s.model_dump(mode="json") for s in study.scenarios],
        "years": study.years,
        "runs": study.runs,
        "seed": int(seed),
        "begin_year": begin_year,
        "notes": notes,
        "arithmetic": arithmetic,
    }


def memory_of(objects: int, runs_per_tile: int) -> float:
    """Memory of a worker, about [bytes]; a population may grow several times."""
    return _PROCESS_BYTES + _BYTES_PER_OBJECT * 4.0 * objects * runs_per_tile


def estimate(study: Study, objects: int, tiles: int, runs_per_tile: int) -> Estimate:
    """What a study needs, about, as if its population did not grow."""
    runs = len(study.scenarios) * study.runs
    steps = sum(365.25 / s.propagation.step_days for s in study.scenarios) * study.years * study.runs
    return Estimate(
        tiles, memory_of(objects, runs_per_tile), 2.5e4 * study.years * runs, _STEP_NS * 1e-9 * steps * objects
    )
