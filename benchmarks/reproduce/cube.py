"""R2 and R3: Cube against Kessler's integral and an independent Cube; gain of thin cells.

Usage: python benchmarks/reproduce/cube.py [--data FOLDER] [--seed N] [--backend cpu] [--share 1.0]

R2: six pairs of Jupiter's outer moons (cube_verification/JovianMoons.json), nodes and perigees random.
R3: 19,647 tracked objects of 2022-03-01 (cascade/test_ic_19647.txt), radii as given, osculating elements held fixed,
    mean anomalies random; nodes as they are, or random.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from verdict import Report

from stmgpu.backend import Backend, get_backend
from stmgpu.debris.collisions.cube import Cube
from stmgpu.debris.collisions.kessler import kessler_rate
from stmgpu.propagate.kepler import elements_of
from stmgpu.time import YEAR_S

Array = NDArray[np.float64]
DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "debris"
JUPITER_MU = 1.26686534e8

MOONS = {  # rates a year: Kessler's integral by another quadrature, converged to five digits
    ("Himalia", "Elara"): 4.1442e-10,
    ("Himalia", "Lysithea"): 3.4003e-10,
    ("Himalia", "Leda"): 3.0442e-10,
    ("Elara", "Lysithea"): 5.1350e-11,
    ("Elara", "Leda"): 5.7104e-11,
    ("Lysithea", "Leda"): 3.7594e-12,
}

REFERENCE = {  # rates a year of an independent Cube in NumPy and their standard errors: nodes kept, nodes random
    5.0: ((1.89, 0.24), (1.09, 0.15)),
    10.0: ((1.434, 0.041), (1.335, 0.040)),
    20.0: ((1.247, 0.046), (1.133, 0.045)),
    50.0: ((0.964, 0.017), (0.927, 0.016)),
    100.0: ((0.795, 0.010), (0.777, 0.012)),
}
SAMPLES = {5.0: 20_000, 10.0: 20_000, 20.0: 10_000, 50.0: 2_000, 100.0: 400}
RESAMPLES = 50

DETERMINISTIC = (31.85 / 20.0, 1.21 / 20.0)
"""Collisions a year of 20 deterministic runs of 20 years from the same states (esa/cascade), and the standard error."""


@dataclass(frozen=True)
class Rate:
    """Collisions a year: mean of all samples and its error, deviation of one sample, pairs and milliseconds of one."""

    mean: float
    error: float
    deviation: float
    pairs: float
    ms: float


def state(backend: Backend, elements: Array, radius_km: Array) -> Any:
    """Secular state as Cube reads it: one run, every object present."""
    n = elements.shape[1]
    capacity = -(-n // 16) * 16
    orbit, mode = np.zeros((10, capacity)), np.full(capacity, 2, np.int8)
    orbit[:6, :n], orbit[8, :n], mode[:n] = elements, radius_km, 0
    return SimpleNamespace(
        orbit=backend.put(orbit),
        uid=backend.put(np.arange(capacity, dtype=np.int64)),
        run=backend.zeros(capacity, np.int32),
        mode=backend.put(mode),
        n=n,
    )


def sample(backend: Backend, seed: int, objects: Any, cube_km: float, lattice: str, samples: int) -> Rate:
    """The rate of a fixed population by many samples."""
    cube = Cube(backend, seed=seed, run_numbers=0, cube_km=cube_km, resamples=RESAMPLES, lattice=lattice)
    rates, pairs, begin = [], 0, time.perf_counter()
    for step in range(max(2, samples // RESAMPLES)):
        e = cube.encounters(objects, step)
        rates.append(np.bincount(e.resample, e.rate_per_s, RESAMPLES) * (RESAMPLES * YEAR_S))
        pairs += len(e)
    each = np.concatenate(rates)
    return Rate(
        float(each.mean()),
        float(each.std() / len(each) ** 0.5),
        float(each.std()),
        pairs / len(each),
        (time.perf_counter() - begin) * 1e3 / len(each),
    )


def moons(report: Report, backend: Backend, data: Path, seed: int, share: float) -> None:
    """R2: each moon many times with random nodes and perigees, so every pair is met in many ways at once."""
    text = (data / "cube_verification" / "JovianMoons.json").read_text(encoding="utf-8")
    found = json.loads(re.sub(r"//[^\n]*", "", text))["objects"]
    names = [o["name"] for o in found]
    shape = np.array([[o["orbitalElements"][k] for k in ("a", "e", "i")] for o in found], dtype=np.float64).T
    radius = np.array([o["radius"] for o in found]) / 1e3
    for (one, other), rate in MOONS.items():
        k = [names.index(one), names.index(other)]
        ours = kessler_rate(shape[0, k], shape[1, k], shape[2, k], radius[k], mu_km3_s2=JUPITER_MU) * YEAR_S
        report.check(f"R2 {one}-{other}, integral [1/a]", rate, ours, tolerance_relative=1e-4)
    copies, rng = 400, np.random.default_rng(seed)
    for part in (0.03, 0.05):
        cube = Cube(
            backend,
            seed=seed,
            run_numbers=0,
            cube_km=part * float(shape[0].mean()),
            resamples=RESAMPLES,
            lattice="cube",
            mu_km3_s2=JUPITER_MU,
        )
        rates: dict[tuple[str, str], list[float]] = {pair: [] for pair in MOONS}
        for step in range(max(4, round(60 * share))):
            elements = rng.uniform(0.0, 2.0 * np.pi, (6, 4 * copies))
            elements[:3] = np.repeat(shape, copies, axis=1)
            e = cube.encounters(state(backend, elements, np.repeat(radius, copies)), step)
            first, second = np.minimum(e.first, e.second) // copies, np.maximum(e.first, e.second) // copies
            for pair in MOONS:
                mine = (first == names.index(pair[0])) & (second == names.index(pair[1]))
                rates[pair].append(float(e.rate_per_s[mine].sum()) * YEAR_S / copies**2)
        for pair, values in rates.items():
            error = float(np.std(values) / len(values) ** 0.5)
            allowed = 3.0 * error + 0.05 * MOONS[pair]
            report.check(
                f"R2 {pair[0]}-{pair[1]}, Cube of {100 * part:g} % of a [1/a]",
                MOONS[pair],
                float(np.mean(values)),
                low=MOONS[pair] - allowed,
                high=MOONS[pair] + allowed,
                note=f"standard error {error:.2g}; 5 % for the smearing",
            )


def catalogue(data: Path) -> tuple[Array, Array]:
    """Osculating elements [6, n] and radii [n] km of the cascade's initial states."""
    rows = np.loadtxt(data / "cascade" / "test_ic_19647.txt").reshape(-1, 7) / 1e3
    return np.stack(elements_of(rows[:, :3], rows[:, 3:6])), rows[:, 6]


def population(report: Report, backend: Backend, data: Path, seed: int, share: float) -> None:
    """R3 and the table of bias and noise."""
    kept, radius = catalogue(data)
    scattered = kept.copy()
    scattered[3] = np.random.default_rng(seed).uniform(0.0, 2.0 * np.pi, kept.shape[1])
    objects = {"kept": state(backend, kept, radius), "random": state(backend, scattered, radius)}
    table: dict[tuple[float, str, str], Rate] = {}
    for cube_km, samples in SAMPLES.items():
        for lattice in ("cube", "shell"):
            for which, theirs in zip(objects, REFERENCE[cube_km], strict=True):
                ours = sample(backend, seed, objects[which], cube_km, lattice, round(samples * share))
                table[cube_km, lattice, which] = ours
                if lattice == "cube":
                    report.check(
                        f"R3 cubes of {cube_km:g} km, nodes {which} [1/a]",
                        theirs[0],
                        ours.mean,
                        sigma=float(np.hypot(theirs[1], ours.error)),
                        note=f"theirs ±{theirs[1]:g}, ours ±{ours.error:.2g}",
                    )
    for (cube_km, lattice, which), r in table.items():
        if which == "kept":
            report.check(
                f"{lattice} lattice, cells of {cube_km:g}^3 km^3 [1/a]",
                DETERMINISTIC[0],
                r.mean,
                note=f"{100.0 * (r.mean / DETERMINISTIC[0] - 1.0):+.0f} %, ±{r.error:.2g}; one sample: "
                f"deviation {r.deviation:.2g}, {r.pairs:.3g} pairs, {r.ms:.2f} ms",
            )
    thin, limit, thick = table[50.0, "shell", "kept"], table[20.0, "shell", "kept"], table[10.0, "cube", "kept"]
    report.check(
        "variance of one sample, cubes of 10 km over shell of 50 km",
        None,
        (thick.deviation / thin.deviation) ** 2,
        low=50.0,
        note=f"at {thick.ms / thin.ms:.2g} times the cost; {100 * (thick.mean / thin.mean - 1):+.0f} % bias",
    )
    report.check(
        "rate in shells of 50 km over the limit of small cells",
        1.0,
        thin.mean / limit.mean,
        low=0.94,
        high=1.06,
        note=f"the limit: shells of 20 km, {limit.mean:.3f} ±{limit.error:.2g}",
    )
    report.note(
        "The table's reference: 637 collisions in 20 deterministic runs of 20 years (esa/cascade), with drag "
        "and oblateness; here the orbits of the first day are held fixed and osculating elements taken for "
        "mean ones, so that agreement better than some 10 % is chance."
    )


def main() -> int:
    parser = argparse.ArgumentParser(description="Collision rates by Cube against references (R2, R3).")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--backend", default="auto")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--share", type=float, default=1.0, help="share of the samples to draw")
    given = parser.parse_args()
    backend = get_backend(given.backend, given.threads)
    report = Report("Cube: R2 (Jovian moons) and R3 (19,647 tracked objects)")
    report.note(f"seed {given.seed}, {backend.name}: {backend.device}")
    begin = time.perf_counter()
    moons(report, backend, given.data, given.seed, given.share)
    population(report, backend, given.data, given.seed, given.share)
    report.note(f"{time.perf_counter() - begin:.0f} s")
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
