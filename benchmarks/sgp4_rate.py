"""Benchmark states per second of the kernels and of the sgp4 package.

Usage: python benchmarks/sgp4_rate.py [--rounds 25] [--isa x86-64-v3 ...] [--out FILE]

One thread is pinned to one core. All cases run in turn, round after round, and each keeps its best, because other
jobs may share the machine; the ratio to the sgp4 package is what can be compared between machines. Times: 64 over one
day; objects: the near-earth and the deep-space ones of the TLE catalogue, position and velocity.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import element_files
import machine
import numpy as np
from sgp4.api import SatrecArray

from stmgpu.backend.cpu import CpuBackend, usable_levels
from stmgpu.propagate.sgp4 import SGP4Propagator

CATALOG = "2024-07-05.tle"
TIMES = 64


@dataclass
class Case:
    """One program on one group of objects, and its shortest run so far."""

    description: dict[str, Any]
    states: int
    cores: list[int]
    work: Callable[[], object]
    best_s: float = float("inf")

    def run(self) -> None:
        os.sched_setaffinity(0, self.cores)
        begin = time.perf_counter()
        self.work()
        self.best_s = min(self.best_s, time.perf_counter() - begin)


def cases(levels: list[str]) -> list[Case]:
    """The sgp4 package, then every instruction set with one and two threads, for both groups."""
    satrecs, start = element_files.read(CATALOG), element_files.STARTS[CATALOG]
    t_s = np.linspace(0.0, 86400.0, TIMES)
    cores = sorted(os.sched_getaffinity(0))
    found = []
    for group, method in (("near_earth", "n"), ("deep_space", "d")):
        chosen = [s for s in satrecs if s.method == method]
        states, elements, array = len(chosen) * TIMES, element_files.columns(chosen), SatrecArray(chosen)
        found.append(
            Case(
                {"program": "sgp4 package", "group": group, "threads": 1},
                states,
                cores[-1:],
                partial(array.sgp4, np.full(TIMES, start), t_s / 86400.0),
            )
        )
        for isa in levels:
            for threads in (1, 2)[: len(cores)]:
                propagator = SGP4Propagator(elements, CpuBackend(threads, isa), (start, 0.0), (0.0, 86400.0))
                found.append(
                    Case(
                        {"program": "stmgpu", "isa": isa, "group": group, "threads": threads},
                        states,
                        cores[-1:] if threads == 1 else cores,
                        partial(propagator.grid, t_s, propagator.grid(t_s)),
                    )
                )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--isa", nargs="*", default=usable_levels())
    parser.add_argument("--out", type=Path, help="JSON file to write; default results/sgp4_rate.json")
    options = parser.parse_args()
    everything = cases(options.isa)
    for _ in range(options.rounds):
        for case in everything:
            case.run()
    rows: list[dict[str, Any]] = []
    package = {c.description["group"]: c.states / c.best_s for c in everything if "isa" not in c.description}
    for case in everything:
        rate = case.states / case.best_s
        ratio = rate / package[case.description["group"]]
        rows.append({**case.description, "states_per_s": rate, "times_sgp4_package": ratio})
        print("  ".join(str(v) for v in case.description.values()), f" {rate / 1e6:.2f} M/s  {ratio:.1f} x")
    result = {"catalog": CATALOG, "times": TIMES, "rounds": options.rounds, "rows": rows}
    print(machine.write("sgp4_rate", result, options.out))


if __name__ == "__main__":
    main()
