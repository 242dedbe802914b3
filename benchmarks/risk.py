"""Benchmark collision probabilities: encounters a second, against two published ways of computing the integral.

Usage: python benchmarks/risk.py [--encounters 1000000] [--rounds 5] [--threads 2] [--isa x86-64-v3] [--out FILE]

The operational mix has sigmas of 50 to 5,000 m, misses up to 5 sigmas and radii of at most half the smaller sigma; the
hard mix the ranges of the tests' grid: radii of 1e-5 to 100 sigmas, aspect ratios up to 1e4, misses up to 10 sigmas.
All cases run in turn, round after round, and each keeps its best wall and CPU time, because other jobs may share the
machine: ratios can be compared, times cannot. The peers work on a part of the encounters.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import machine
import numpy as np
from scipy.special import erf

from stmgpu.backend.cpu import CpuBackend
from stmgpu.messages.cdm import read_cdm
from stmgpu.risk import (
    curved_probability,
    encounter_entries,
    encounter_geometry,
    encounter_probability,
    monte_carlo,
    plane_probability,
)
from stmgpu.risk.comparison import Plane, foster
from stmgpu.risk.validity import best_probability
from stmgpu.typing import Floats

PEER = 20_000
"""Encounters of the peers."""


@dataclass
class Case:
    """One way of computing, its work, and its shortest times so far."""

    name: str
    unit: str
    count: int
    work: Callable[[], object]
    wall_s: float = float("inf")
    cpu_s: float = float("inf")

    def run(self) -> None:
        wall, cpu = time.perf_counter(), time.process_time()
        self.work()
        self.wall_s = min(self.wall_s, time.perf_counter() - wall)
        self.cpu_s = min(self.cpu_s, time.process_time() - cpu)


def operational(n: int, rng: np.random.Generator) -> list[Floats]:
    """States and covariances of encounters on low orbits, as `encounter_probability` takes them, and radii."""
    position = rng.normal(size=(n, 3))
    position *= (6_900.0 + rng.uniform(0, 1000, (n, 1))) / np.linalg.norm(position, axis=1, keepdims=True)
    velocities = []
    for _ in range(2):
        across = np.cross(position, rng.normal(size=(n, 3)))
        velocities.append(7.5 * across / np.linalg.norm(across, axis=1, keepdims=True))
    covariances = []
    for _ in range(2):
        size = 10.0 ** rng.uniform(np.log10(50.0), 3.0, (n, 1, 1))
        root = rng.normal(size=(n, 3, 3)) * size * np.array([[1.0], [5.0], [1.0]])
        covariances.append(root @ root.transpose(0, 2, 1))
    other = position + rng.normal(size=(n, 3)) * 0.2
    columns = [position, velocities[0], covariances[0], other, velocities[1], covariances[1]]
    found = encounter_geometry(*columns, 1.0)
    return [*columns, found.sigma_minor_m * 10.0 ** rng.uniform(-3, np.log10(0.5), n)]


def hard(n: int, rng: np.random.Generator) -> Plane:
    """Planes over the whole range of the tests' grid."""
    aspect, radius = 10.0 ** rng.uniform(0, 4, n), 10.0 ** rng.uniform(-5, 2, n)
    sigmas, angle = rng.uniform(0, 10, n), rng.uniform(0, 0.5 * np.pi, n)
    return Plane(sigmas * np.cos(angle) * aspect, sigmas * np.sin(angle), aspect, np.ones(n), radius)


def chebyshev(plane: Plane, nodes: int = 64) -> Floats:
    """Gauss-Chebyshev quadrature of the second kind with NumPy (S. Elrod, 2019; 64 nodes as in NASA's CARA)."""
    t = np.arange(1, nodes + 1) * np.pi / (nodes + 1)
    xm, zm, sx, sz, r = (x[:, np.newaxis] for x in plane)
    x, half = xm + r * np.cos(t), r * np.sin(t)
    chord = erf((zm + half) / (np.sqrt(2.0) * sz)) - erf((zm - half) / (np.sqrt(2.0) * sz))
    total = (np.sin(t) * np.exp(-0.5 * (x / sx) ** 2) * chord).sum(axis=1)
    found: Floats = plane.radius / (np.sqrt(8.0 * np.pi) * plane.sigma_major) * np.pi / (nodes + 1) * total
    return found


def cases(n: int, backend: CpuBackend, messages: Path | None) -> list[Case]:
    """All cases."""
    rng = np.random.default_rng(1)
    states, rough = operational(n, rng), hard(n // 5, rng)
    found = encounter_geometry(*states, backend=backend)
    plane = Plane(found.miss_major_m, found.miss_minor_m, found.sigma_major_m, found.sigma_minor_m, states[-1])
    part = Plane(*(x[:PEER] for x in plane))
    chosen = [
        Case("states to probability, operational", "pairs", n, lambda: encounter_probability(*states, backend=backend)),
        Case("integral, operational", "pairs", n, lambda: plane_probability(*plane, backend=backend)),
        Case("integral, hard", "pairs", n // 5, lambda: plane_probability(*rough, backend=backend)),
        Case("Gauss-Chebyshev 64 in NumPy, operational", "pairs", PEER, lambda: chebyshev(part)),
        Case(
            "Foster's rings in NumPy, operational",
            "pairs",
            PEER // 10,
            lambda: foster(Plane(*(x[: PEER // 10] for x in part))),
        ),
    ]
    few = [x[:PEER] for x in states]
    for place in (2, 5):
        whole = np.zeros((PEER, 6, 6))
        whole[:, :3, :3], whole[:, 3:, 3:] = few[place], 1e-6 * few[place]  # a thousandth of the sigmas a second
        few[place] = whole
    slow = [x[: PEER // 100] for x in few]
    sampled = [x[: PEER // 1000] for x in few]
    chosen += [
        Case(
            "believed method and all flags", "pairs", PEER, lambda: best_probability(*few, slow=False, backend=backend)
        ),
        Case("2D-Nc", "pairs", PEER, lambda: curved_probability(*few, backend=backend)),
        Case("3D-Nc", "pairs", PEER // 100, lambda: encounter_entries(*slow, backend=backend)),
        Case(
            "Monte Carlo",
            "samples",
            50_000 * (PEER // 1000),
            lambda: monte_carlo(*sampled, samples=50_000, backend=backend),
        ),
    ]
    if messages:
        files = sorted(messages.glob("*.cdm"))
        chosen.append(Case("CDM, KVN", "messages", len(files), lambda: [read_cdm(file) for file in files]))
    return chosen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--encounters", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--isa")
    parser.add_argument("--messages", type=Path, help="folder of CDMs in KVN, to time reading them")
    parser.add_argument("--out", type=Path, help="JSON file to write; default results/risk.json")
    options = parser.parse_args()
    backend = CpuBackend(options.threads, options.isa)
    everything = cases(options.encounters, backend, options.messages)
    for _ in range(options.rounds):
        for case in everything:
            case.run()
    rows: list[dict[str, Any]] = []
    for case in everything:
        rows.append(
            {
                "case": case.name,
                "unit": case.unit,
                "per_s": case.count / case.wall_s,
                "per_cpu_s": case.count / case.cpu_s,
            }
        )
        print(f"{case.name:45} {rows[-1]['per_s']:12,.0f} {case.unit}/s {rows[-1]['per_cpu_s']:12,.0f} a CPU second")
    result = {"threads": backend.threads, "isa": backend.isa, "rounds": options.rounds, "rows": rows}
    print(machine.write("risk", result, options.out))


if __name__ == "__main__":
    main()
