"""Check the cuda backend on a machine with a GPU.

    python benchmarks/gpu_check.py

It prints the device, runs the test suite (a test of the cuda backend that is skipped counts as a failure), compares
the bytes of states, of screening results and of an ensemble of debris evolutions with those of the CPU, times the
cases, and writes ``benchmarks/results/gpu_check_<device>.json``. Exit code 0 means that everything ran and every byte
was the same.

``--backend cpu`` rehearses the check without a GPU. It compares the widest CPU library with the scalar one, which has
the form of the kernels that a GPU runs.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
import xarray as xr  # noqa: E402

from stmgpu.backend import Backend, get_backend, nvrtc  # noqa: E402
from stmgpu.backend.signature import signatures  # noqa: E402
from stmgpu.catalog import Catalog, read_catalog, synthetic_catalog  # noqa: E402
from stmgpu.debris.collisions.cube import Cube  # noqa: E402
from stmgpu.debris.collisions.mean_field import mean_field  # noqa: E402
from stmgpu.debris.collisions.mean_field_kernels import Solver  # noqa: E402
from stmgpu.debris.environment import Environment  # noqa: E402
from stmgpu.debris.evolution.loop import Evolution, RunResult  # noqa: E402
from stmgpu.debris.evolution.members import Coefficients, Members  # noqa: E402
from stmgpu.debris.population import Population  # noqa: E402
from stmgpu.debris.scenario import Scenario  # noqa: E402
from stmgpu.debris.study.evolve import initial_population  # noqa: E402
from stmgpu.debris.study.scenario_file import read_study, shipped_scenarios  # noqa: E402
from stmgpu.errors import BackendError, StmgpuError  # noqa: E402
from stmgpu.propagate.secular import Secular  # noqa: E402
from stmgpu.propagate.secular_forces import DensityTable  # noqa: E402
from stmgpu.propagate.sgp4 import SGP4Propagator  # noqa: E402
from stmgpu.screen.screening import default_start, screen  # noqa: E402
from stmgpu.versions import describe  # noqa: E402

REPEATS = 3


def main() -> int:
    """Run the check; the exit code."""
    options = _options()
    problems: list[str] = []
    report: dict[str, Any] = {"backend": options.backend, "environment": describe()}
    try:
        candidate = get_backend(options.backend)
    except BackendError as error:
        print(f"cannot run: {error}", file=sys.stderr)
        return 1
    report["device"] = candidate.device
    print(f"device: {candidate.device}")
    if options.backend == "cuda":
        report["kernels"] = _kernels(candidate)
    if not options.skip_tests:
        report["tests"] = _tests(options.backend, problems)
    catalog = read_catalog(options.catalog) if options.catalog else synthetic_catalog(options.objects)
    report["catalog"] = {
        "source": catalog.source or "synthetic, seed 0",
        "objects": len(catalog),
        "digest": catalog.digest(),
    }
    print(f"catalogue: {report['catalog']['source']}, {len(catalog)} objects")
    for name, case in (("states", _states), ("screening", _screening)):
        try:
            report[name] = case(options.backend, catalog, options.hours, problems)
        except StmgpuError as error:
            problems.append(f"{name}: {error}")
            print(f"FAILED {name}: {error}")
    try:
        report["ensemble"] = _ensemble(options.backend, options.runs, options.years, problems)
    except StmgpuError as error:
        problems.append(f"ensemble: {error}")
        print(f"FAILED ensemble: {error}")
    report["problems"] = problems
    device = re.sub(r"[^A-Za-z0-9]+", "_", candidate.device.split(",")[0]).strip("_").lower()
    options.results.mkdir(parents=True, exist_ok=True)
    file = options.results / f"gpu_check_{device}.json"
    file.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(f"written: {file}")
    print("\n".join(["FAILED:", *problems]) if problems else "everything ran, every byte was the same")
    return 1 if problems else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n\n", maxsplit=1)[0])
    parser.add_argument("--backend", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--catalog", type=Path, help="catalogue file; default the synthetic one")
    parser.add_argument("--objects", type=int, default=27_000, help="objects of the synthetic catalogue")
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--runs", type=int, default=64, help="runs of the debris ensemble, side by side")
    parser.add_argument("--years", type=float, default=2.0, help="length of the debris ensemble")
    parser.add_argument("--skip-tests", action="store_true")
    parser.add_argument("--results", type=Path, default=ROOT / "benchmarks" / "results")
    return parser.parse_args()


@contextmanager
def _as_baseline(backend: str) -> Iterator[str]:
    """Name of the backend to compare with: the CPU, in its scalar build when the CPU itself is checked."""
    before = os.environ.get("STMGPU_ISA")
    if backend == "cpu":
        os.environ["STMGPU_ISA"] = "scalar"
    try:
        yield "cpu"
    finally:
        if before is None:
            os.environ.pop("STMGPU_ISA", None)
        else:
            os.environ["STMGPU_ISA"] = before


def _kernels(backend: Any) -> dict[str, Any]:
    """Registers and local memory of every kernel as loaded, and spills as the compiler reports them."""
    loaded: dict[str, Any] = {name: backend.usage(name) for name in sorted(signatures())}
    try:
        for file in sorted({s.file for s in signatures().values()}):
            for usage in nvrtc.compile_file(file, backend.arch).usage:
                loaded[usage.kernel]["compiled"] = asdict(usage)
    except BackendError as error:
        print(f"no compiler report: {error}")
    for name, usage in loaded.items():
        print(f"kernel {name}: {usage['registers']} registers, {usage['local_bytes']} bytes of local memory a thread")
    return loaded


def _tests(backend: str, problems: list[str]) -> dict[str, int]:
    """Run the suite; tests of the checked backend that were skipped are problems."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "junit.xml"
        subprocess.run([sys.executable, "-m", "pytest", "-q", f"--junit-xml={report}"], cwd=ROOT, check=False)
        try:
            cases = list(ET.parse(report).iter("testcase"))
        except (OSError, ET.ParseError) as error:
            problems.append(f"the test suite left no report: {error}")
            return {}
    counts = {"passed": 0, "failed": 0, "skipped": 0, f"skipped_{backend}": 0}
    for case in cases:
        name = f"{case.get('classname')}.{case.get('name')}"
        if case.find("failure") is not None or case.find("error") is not None:
            counts["failed"] += 1
            problems.append(f"test failed: {name}")
        elif (skip := case.find("skipped")) is not None:
            counts["skipped"] += 1
            if (backend == "cuda" and "no GPU" in str(skip.get("message"))) or f"[{backend}" in name:
                counts[f"skipped_{backend}"] += 1
                problems.append(f"test of the {backend} backend skipped: {name}: {skip.get('message')}")
        else:
            counts["passed"] += 1
    return counts


def _timed(run: Callable[[], Any], wait: Callable[[Any], Any]) -> tuple[Any, dict[str, float]]:
    """The result, and seconds of the first run (with compiling) and of the fastest of the following ones."""
    seconds = []
    for _ in range(REPEATS + 1):
        begin = time.perf_counter()
        result = run()
        wait(result)
        seconds.append(time.perf_counter() - begin)
    return result, {"first_s": seconds[0], "best_s": min(seconds[1:])}


def _states(backend: str, catalog: Catalog, hours: float, problems: list[str]) -> dict[str, Any]:
    """SGP4 states of the whole catalogue every ten minutes: bytes, and states a second."""
    start = default_start(catalog)
    times = np.arange(0.0, hours * 3600.0, 600.0)

    def run(runner: Backend) -> tuple[np.ndarray, np.ndarray, dict[str, float]]:
        propagator = SGP4Propagator(catalog, runner, (start.jd, start.fr), (0.0, hours * 3600.0))
        (states, codes), seconds = _timed(lambda: propagator.grid(times), lambda out: runner.get(out[1][-1]))
        n = propagator.n
        seconds["states_per_s"] = n * len(times) / seconds["best_s"]
        return runner.get(states)[:, :, :n], runner.get(codes)[:, :n], seconds

    states, codes, seconds = run(get_backend(backend))
    with _as_baseline(backend) as name:
        expected, expected_codes, baseline = run(get_backend(name))
    differing = int((states.view(np.int64) != expected.view(np.int64)).sum())
    differing_codes = int((codes != expected_codes).sum())
    largest = float(np.nanmax(np.abs(states - expected), initial=0.0))
    result = {
        "timed": seconds,
        "baseline": baseline,
        "numbers": states.size,
        "differing": differing,
        "differing_codes": differing_codes,
        "largest_difference": largest,
    }
    if differing or differing_codes:
        problems.append(
            f"states: {differing} of {states.size} numbers and {differing_codes} codes differ from the "
            f"CPU's, by at most {largest:g} km or km/s"
        )
    print(
        f"states: {seconds['states_per_s']:,.0f} a second (baseline {baseline['states_per_s']:,.0f}), "
        f"{differing} of {states.size} numbers differ"
    )
    return result


def _screening(backend: str, catalog: Catalog, hours: float, problems: list[str]) -> dict[str, Any]:
    """All against all at two thresholds: bytes of every variable, and seconds of every stage."""
    results = {}
    for threshold_km, window in ((5.0, hours), (50.0, min(hours, 1.0))):

        def run(name: str, threshold_km: float = threshold_km, window: float = window) -> xr.Dataset:
            return screen(catalog, hours=window, threshold_km=threshold_km, backend=name)

        found, seconds = _timed(lambda run=run: run(backend), len)
        with _as_baseline(backend) as name:
            expected, baseline = _timed(lambda run=run, name=name: run(name), len)
        differing = [
            str(v) for v in expected.variables if found[v].to_numpy().tobytes() != expected[v].to_numpy().tobytes()
        ]
        case = f"{window:g} h, {threshold_km:g} km"
        results[case] = {
            "timed": seconds,
            "stages": json.loads(found.attrs["seconds"]),
            "baseline": baseline,
            "events": found.sizes["conjunction"],
            "candidates": found.attrs["candidates"],
            "differing_variables": differing,
        }
        if differing:
            problems.append(
                f"screening {case}: {', '.join(differing)} differ from the CPU's "
                f"({found.sizes['conjunction']} events, the CPU found {expected.sizes['conjunction']})"
            )
        print(
            f"screening {case}: {found.sizes['conjunction']} events, {seconds['best_s']:.2f} s (baseline "
            f"{baseline['best_s']:.2f} s), variables that differ: {', '.join(differing) or 'none'}"
        )
    return results


def _ensemble(backend: str, runs: int, years: float, problems: list[str]) -> dict[str, Any]:
    """Runs of the shipped scenario side by side: bytes of every variable and event, and object-steps a second.

    Once whole, and once with the two kernels that work on all objects alone, which is what a GPU is there for.
    """
    scenario = read_study(shipped_scenarios()["removal"]).scenarios[1]
    population = initial_population(scenario)
    steps = round(years * 365.25 / scenario.propagation.step_days)

    def run(name: str) -> tuple[list[RunResult], dict[str, float]]:
        chosen = get_backend(name)
        begin = time.perf_counter()
        results = Evolution(
            scenario, population, years=years, seed=1, run_numbers=list(range(runs)), backend=chosen
        ).run()
        seconds = time.perf_counter() - begin
        objects = sum(float(r.series["population"].sum(axis=1).mean()) for r in results)
        return results, {
            "seconds": seconds,
            "object_steps_per_s": objects * steps / seconds,
            **_object_kernels(chosen, scenario, population, runs),
        }

    found, timed = run(backend)
    with _as_baseline(backend) as name:
        expected, baseline = run(name)
    differing = sorted(
        {
            key
            for a, b in zip(found, expected, strict=True)
            for part in ("series", "events")
            for key, values in getattr(b, part).items()
            if getattr(a, part)[key].tobytes() != values.tobytes()
        }
    )
    if differing:
        problems.append(f"ensemble: {', '.join(differing)} differ from the CPU's")
    for key, rate in timed.items():
        print(f"ensemble: {key} {rate:,.4g} (baseline {baseline[key]:,.4g})")
    print(f"ensemble: variables that differ: {', '.join(differing) or 'none'}")
    return {
        "runs": runs,
        "years": years,
        "objects": len(population),
        "timed": timed,
        "baseline": baseline,
        "differing_variables": differing,
    }


def _object_kernels(backend: Backend, scenario: Scenario, population: Population, runs: int) -> dict[str, float]:
    """Object-steps a second of moving and of sorting into cells, with all runs in the backend's memory, and objects a
    second of mean-field rates."""
    environment = Environment.build(scenario.environment, population.epoch_year, population.epoch_year + 1.0)
    members = Members(backend, len(population) * runs, Coefficients(2.2, 1.2))
    for number in range(runs):
        members.add(number, np.arange(len(population), dtype=np.int64), population)
    density = np.repeat(environment.log_density([population.epoch_year + 0.5]), runs, axis=0)
    air = DensityTable(backend.put(density), environment.lowest_km, environment.spacing_km)
    mover = Secular(backend, 150.0)
    cube = Cube(
        backend,
        seed=1,
        run_numbers=np.arange(runs),
        cube_km=scenario.collisions.cube_km,
        resamples=1,
        lattice=scenario.collisions.lattice,
    )
    _, moving = _timed(
        lambda: mover.step(members.state, 432_000.0, density=air, sun=(1.0, 0.0, 0.0)),
        lambda _: backend.get(members.state.gone[:1]),
    )
    _, meeting = _timed(lambda: cube.encounters(members.state, 1), len)
    objects, p, solver = len(population) * runs, population, Solver(backend)
    _, ranking = _timed(
        lambda: mean_field(p.a_km, p.ecc, p.inc_rad, p.radius_m, p.mass_kg, backend=solver), lambda found: found.total
    )
    return {
        "moving_per_s": objects / moving["best_s"],
        "meeting_per_s": objects / meeting["best_s"],
        "ranking_per_s": len(p) / ranking["best_s"],
    }


if __name__ == "__main__":
    raise SystemExit(main())
