"""Benchmark the evolution of the debris population.

    python benchmarks/debris.py [POPULATION.mat] [--years 200] [--only CASE] [--name debris]

POPULATION.mat defaults to the 2023 population of MOCAT-MC beside the checkout, else to the synthetic one. Cases:

single     one run of 200 years with breakups, no launches: seconds with one thread and with all cores, and object-steps
           a second
stages     where the time goes: kernels by name, everything else on the host, for one run and for 16 side by side;
           what is left of the host is what a GPU would wait for
objects    objects a second against their number, 1e4 to 1e6: moved over 30 days, and met in one of the steps of 5 days
ensemble   the same runs on one and on two Dask workers of one thread
batch      runs side by side in one process, which is how a GPU is to be filled
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import machine
import numpy as np
from one_move import month

import stmgpu as stm
from stmgpu.backend import get_backend
from stmgpu.backend.cpu import CpuBackend
from stmgpu.constants import SECONDS_PER_DAY
from stmgpu.debris.collisions.cube import Cube
from stmgpu.debris.evolution.loop import Evolution, steps_per_move
from stmgpu.debris.evolution.members import Coefficients, Members
from stmgpu.debris.evolution.removals import Removals
from stmgpu.debris.population import Population
from stmgpu.debris.scenario import Scenario, Study
from stmgpu.debris.specs import CollisionSpec, PopulationSpec
from stmgpu.debris.study.preparation import initial_population
from stmgpu.distribute.cluster import client_of
from stmgpu.propagate.secular import Secular

MOCAT_2023 = Path(__file__).resolve().parents[2] / "shared" / "data" / "debris" / "mocat_mc" / "2023.mat"


def main() -> int:
    options = _options()
    path = options.population or (MOCAT_2023 if MOCAT_2023.exists() else None)
    spec = PopulationSpec(source="mocat", path=path.resolve()) if path else PopulationSpec()
    scenario = Scenario(population=spec)
    population = initial_population(scenario)
    result: dict[str, Any] = {
        "population": {"source": population.source, "objects": len(population)},
        "years": options.years,
        "step_days": scenario.propagation.step_days,
    }
    for case in (_single, _stages, _objects, _ensemble, _batch):
        if not options.only or options.only in case.__name__:
            result[case.__name__[1:]] = case(scenario, population, options)
            print(case.__name__[1:], json.dumps(result[case.__name__[1:]]), flush=True)
    if options.name:
        print(machine.write(options.name, result))
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n\n", maxsplit=1)[0])
    parser.add_argument("population", type=Path, nargs="?")
    parser.add_argument("--years", type=float, default=200.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only")
    parser.add_argument("--name", help="write results/NAME.json")
    return parser.parse_args()


def _evolve(scenario: Scenario, population: Population, years: float, threads: int, runs: int = 1) -> dict[str, float]:
    begin, used = time.perf_counter(), time.process_time()
    results = Evolution(
        scenario, population, years=years, seed=1, run_numbers=list(range(runs)), backend=get_backend("cpu", threads)
    ).run()
    seconds, used = time.perf_counter() - begin, time.process_time() - used
    objects = sum(float(r.series["population"].sum(axis=1).mean()) for r in results)
    steps = round(years * 365.25 * steps_per_move(scenario) / scenario.propagation.step_days)
    return {
        "threads": threads,
        "runs": runs,
        "seconds": round(seconds, 2),
        "core_seconds": round(used, 2),
        "object_steps": objects * steps,
        "object_steps_per_s": round(objects * steps / seconds),
        "objects_at_end": float(results[0].series["population"][-1].sum()),
        "catastrophic": float(results[0].series["collisions_catastrophic"][-1].sum()),
    }


def _single(scenario: Scenario, population: Population, options: argparse.Namespace) -> list[dict[str, float]]:
    return [
        {"load": round(os.getloadavg()[0], 2), **_evolve(scenario, population, options.years, threads)}
        for threads in dict.fromkeys((1, len(os.sched_getaffinity(0))))
    ]


def _stages(scenario: Scenario, population: Population, options: argparse.Namespace) -> list[dict[str, float]]:
    """Nanoseconds of an object-step, one thread: in each kernel, in the mean field with its kernels, in the rest."""
    seconds: dict[str, float] = {}
    wrapped: list[tuple[type, str, Any]] = []

    def clock(owner: type, method: str, name_of: Callable[..., str]) -> None:
        plain = getattr(owner, method)

        def timed(*args: Any) -> Any:
            begin = time.perf_counter()
            result = plain(*args)
            name = name_of(*args)
            seconds[name] = seconds.get(name, 0.0) + time.perf_counter() - begin
            return result

        wrapped.append((owner, method, plain))
        setattr(owner, method, timed)

    clock(CpuBackend, "launch", lambda backend, kernel, *_: kernel)
    clock(Removals, "_mean_fields", lambda *_: "mean_field")
    found = []
    smaller = scenario.model_copy(update={"collisions": CollisionSpec(cube_km=20.0)})
    try:
        for runs, years, case in (
            (1, options.years / 4.0, scenario),
            (16, options.years / 20.0, scenario),
            (16, options.years / 20.0, smaller),
        ):
            seconds.clear()
            whole = _evolve(case, population, years, 1, runs)
            rest = whole["seconds"] - sum(s for name, s in seconds.items() if not name.startswith("field_"))
            found.append(
                {
                    "runs": runs,
                    "years": years,
                    "cube_km": case.collisions.cube_km,
                    **{f"{name}_ns": round(s / whole["object_steps"] * 1e9, 2) for name, s in seconds.items()},
                    "rest_of_the_host_ns": round(rest / whole["object_steps"] * 1e9, 2),
                    "seconds": whole["seconds"],
                }
            )
    finally:
        for owner, method, plain in wrapped:
            setattr(owner, method, plain)
    return found


def _objects(scenario: Scenario, population: Population, options: argparse.Namespace) -> list[dict[str, float]]:
    """Resampled populations of each size, with cells of a size that keeps encounters few: moves and their meetings."""
    backend, rng = get_backend("cpu"), np.random.default_rng(0)
    steps, dt_s = steps_per_move(scenario), scenario.propagation.step_days * SECONDS_PER_DAY
    air, sun = month(scenario, population.epoch_year, backend)
    found = []
    for objects, cube_km in ((10_000, 50.0), (30_000, 50.0), (100_000, 20.0), (300_000, 10.0), (1_000_000, 5.0)):
        chosen = population[np.sort(rng.integers(0, len(population), objects))]
        chosen.raan_rad[:] = rng.uniform(0.0, 2.0 * np.pi, objects)
        order = np.argsort(chosen.ecc, kind="stable")
        members = Members(backend, objects, Coefficients(2.2, 1.2))
        members.add(0, np.arange(objects, dtype=np.int64), chosen[order])
        cube, mover = (
            Cube(backend, seed=1, run_numbers=[0], cube_km=cube_km, resamples=1, lattice="shell"),
            Secular(backend, 150.0),
        )
        moving, meeting = [], []
        for move in range(3 + options.rounds):
            begin = time.perf_counter()
            met = len(cube.encounters(members.state, move * steps + 1, steps=steps, interval_s=dt_s / steps).first)
            meeting.append(time.perf_counter() - begin)
            begin = time.perf_counter()
            mover.step(members.state, dt_s, density=air, sun=sun)
            moving.append(time.perf_counter() - begin)
            members.drop(members.decayed())
        found.append(
            {
                "objects": objects,
                "cube_km": cube_km,
                "encounters": met,
                "moving_per_s": round(objects / statistics.median(moving[2:])),
                "meeting_per_s": round(objects * steps / statistics.median(meeting[2:])),
            }
        )
    return found


def _ensemble(scenario: Scenario, _: Population, options: argparse.Namespace) -> dict[str, Any]:
    """Eight runs of ten years; the cluster's start is not counted."""
    study = Study(scenarios=(scenario,), years=min(options.years, 10.0), runs=8)
    seconds: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(options.rounds):
        for workers, times in seconds.items():
            with (
                tempfile.TemporaryDirectory() as folder,
                client_of(stm.Dask(workers=workers), workers, Path(folder)) as client,
            ):
                begin = time.perf_counter()
                store, executor = Path(folder) / "study.zarr", stm.Dask(client=client)
                outcome = stm.evolve_to_store(study, store, seed=1, executor=executor, backend="cpu", threads=1)
                times.append(time.perf_counter() - begin)
                if not outcome.complete:
                    raise SystemExit(f"the study did not end: {outcome}")
    ratios = [one / two for one, two in zip(seconds[1], seconds[2], strict=True)]
    return {
        "years": study.years,
        "runs": study.runs,
        "one_worker_s": [round(s, 2) for s in seconds[1]],
        "two_workers_s": [round(s, 2) for s in seconds[2]],
        "ratios": [round(r, 2) for r in ratios],
        "median_ratio": round(statistics.median(ratios), 2),
    }


def _batch(scenario: Scenario, population: Population, options: argparse.Namespace) -> list[dict[str, float]]:
    return [_evolve(scenario, population, min(options.years, 10.0), 1, runs) for runs in (1, 4, 16)]


if __name__ == "__main__":  # workers of a local cluster import this module again
    raise SystemExit(main())
