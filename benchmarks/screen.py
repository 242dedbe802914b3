"""Benchmark a screening by stage, against an sgp4 + cKDTree pipeline.

    python benchmarks/screen.py [CATALOG] [--hours 24] [--rounds 5] [--baseline SCRIPT]

CATALOG defaults to the real catalogue of 2024-07-05 beside the checkout, else to the synthetic one. ``--baseline``
names a script that is called as ``SCRIPT CATALOG.tle HOURS THRESHOLD --start JD --jobs CORES`` and prints its wall
time as "wall SECONDS": an sgp4 + SciPy cKDTree pipeline. Rounds are interleaved, so that both meet the same load.
``--astroz`` adds the peer of that name, if it is installed, at its fastest step. Writes ``results/screen.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import machine
from element_files import FOLDER

import stmgpu as stm
from stmgpu.backend.cpu import CpuBackend, usable_levels
from stmgpu.propagate.screening_objects import ScreeningObjects
from stmgpu.screen.engine import run
from stmgpu.screen.plan import make_plan
from stmgpu.screen.settings import ScreeningSettings
from stmgpu.window import Window

LEVELS = ("x86-64-v4", "x86-64-v3")


def main() -> int:
    options = _options()
    real = FOLDER / "2024-07-05.tle"
    path = options.catalog or (real if real.exists() else None)
    catalog = stm.read_catalog(path) if path else stm.synthetic_catalog()
    start = stm.parse_utc(options.start) if options.start else stm.screen.default_start(catalog)
    cores = len(os.sched_getaffinity(0))
    cases = [(isa, threads) for isa in LEVELS if isa in usable_levels() for threads in {1, cores}]
    samples: dict[tuple[str, int], list[dict[str, Any]]] = {case: [] for case in cases}
    baseline: list[dict[str, Any]] = []
    astroz: list[dict[str, Any]] = []
    peak_mib = 0  # of this process before any peer has run in it
    with tempfile.TemporaryDirectory() as folder:
        tle = Path(folder) / "catalog.tle"
        stm.write_catalog(catalog, tle, format="tle")
        for round_number in range(options.rounds):
            for isa, threads in cases:
                samples[isa, threads].append(_ours(catalog, start, options, isa, threads))
                print(round_number, isa, threads, samples[isa, threads][-1]["wall_s"], flush=True)
            peak_mib = peak_mib or round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
            if options.astroz:
                astroz.append(_astroz(tle, start, options))
                print(round_number, "astroz", astroz[-1]["wall_s"], flush=True)
            if options.baseline and round_number < options.baseline_rounds:
                baseline.append(_baseline(options, tle, start, cores))
                print(round_number, "baseline", baseline[-1]["wall_s"], flush=True)
    result: dict[str, Any] = {
        "catalog": {
            "source": Path(path).name if path else catalog.source,
            "objects": len(catalog),
            "digest": catalog.digest(),
        },
        "window": {"start": str(start), "hours": options.hours, "threshold_km": options.threshold_km},
        "ours": {f"{isa}, {threads} threads": _summary(samples[isa, threads]) for isa, threads in cases},
        "peak_memory_mib": peak_mib,
    }
    ours = samples[cases[0][0], cores]
    for name, runs in (("baseline", baseline), ("astroz", astroz)):
        if runs:
            result[name] = {
                "runs": runs,
                "ratio_to_ours": {
                    "best_to_best": round(min(r["wall_s"] for r in runs) / min(r["wall_s"] for r in ours), 1),
                    "median_to_median": round(
                        statistics.median(r["wall_s"] for r in runs) / statistics.median(r["wall_s"] for r in ours), 1
                    ),
                },
            }
    print(json.dumps(result, indent=2))
    if options.name:
        print(machine.write(options.name, result))
    return 0


def _ours(
    catalog: stm.Catalog, start: stm.Epoch, options: argparse.Namespace, isa: str, threads: int
) -> dict[str, Any]:
    """One screening: wall seconds of propagation, search and refinement, and of each stage."""
    settings = ScreeningSettings(Window.of(start, options.hours), options.threshold_km, options.step_s)
    plan = make_plan(settings, len(catalog))
    begin, cpu = time.perf_counter(), time.process_time()
    result = run(ScreeningObjects(catalog), plan, CpuBackend(threads, isa))
    wall, cpu = time.perf_counter() - begin, time.process_time() - cpu
    return {
        "wall_s": round(wall, 3),
        "cpu_s": round(cpu, 3),
        "events": len(result.events),
        "step_s": plan.step_s,
        "candidates": result.part.candidates,
        "stages_s": {k: round(v, 3) for k, v in result.part.seconds.items()},
    }


def _baseline(options: argparse.Namespace, tle: Path, start: stm.Epoch, cores: int) -> dict[str, Any]:
    """One run of the obvious pipeline: its own wall time and its number of conjunctions."""
    command = [
        sys.executable,
        options.baseline,
        str(tle),
        str(options.hours),
        str(options.threshold_km),
        "--start",
        repr(start.jd + start.fr),
        "--jobs",
        str(cores),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    wall = re.search(r"wall ([0-9.]+)", done.stdout)
    events = re.search(r"conjunctions (\d+)", done.stdout)
    if wall is None or events is None:
        raise SystemExit(f"{options.baseline} printed no wall time:\n{done.stdout}{done.stderr}")
    return {"wall_s": float(wall.group(1)), "events": int(events.group(1))}


def _astroz(tle: Path, start: stm.Epoch, options: argparse.Namespace) -> dict[str, Any]:
    """One run of astroz' ``screen``, reading excluded; steps of half a minute are its fastest."""
    import astroz

    objects = astroz.Constellation(str(tle))
    when = datetime.fromisoformat(str(start)).replace(tzinfo=UTC)
    begin, cpu = time.perf_counter(), time.process_time()
    found = astroz.screen(objects, options.hours * 60.0, threshold=options.threshold_km, step=0.5, start_time=when)
    return {
        "wall_s": round(time.perf_counter() - begin, 3),
        "cpu_s": round(time.process_time() - cpu, 3),
        "events": len(found.i),
        "version": astroz.__version__,
        "step_min": 0.5,
    }


def _summary(runs: list[dict[str, Any]]) -> dict[str, Any]:
    best = min(runs, key=lambda r: r["wall_s"])
    return {"best": best, "median_wall_s": round(statistics.median(r["wall_s"] for r in runs), 3), "runs": len(runs)}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("catalog", nargs="?", type=Path)
    parser.add_argument("--start", help="UTC, default the median epoch rounded up to the hour")
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--threshold-km", type=float, default=5.0)
    parser.add_argument("--step-s", type=float)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--baseline", help="script of the obvious pipeline")
    parser.add_argument("--baseline-rounds", type=int, default=2)
    parser.add_argument("--astroz", action="store_true")
    parser.add_argument("--name", default="screen", help="name of the result file; empty writes none")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
