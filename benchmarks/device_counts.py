"""Count what the kernels would do on a GPU, and predict what bounds them there. No GPU is used, and no clock is seen.

    python benchmarks/device_counts.py --catalog catalog.tle --out benchmarks/results/device_counts.md

Real work is run on the scalar cpu build, twice: an hour of a screening, a year of the shipped removal scenario, a step
in fine cells. The first run writes down every launch; from each kernel's launches some are drawn, large ones more
often. In the second run, warps of these launches run in lockstep on copies of their arrays, as PTX for sm_90 on the
virtual device of the tests. Registers and spills are the compiler's.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import machine  # noqa: E402
from support.plans import plan_for  # noqa: E402
from support.workflows import functions  # noqa: E402
from virtual_device import library, lockstep, ptx  # noqa: E402

import stmgpu as stm  # noqa: E402
from stmgpu.backend import nvrtc  # noqa: E402
from stmgpu.backend.cpu import CpuBackend  # noqa: E402
from stmgpu.backend.cuda import BLOCK, CudaBackend  # noqa: E402
from stmgpu.backend.signature import signature, signatures  # noqa: E402
from stmgpu.backend.source import kernel_files  # noqa: E402
from stmgpu.debris.collisions.cube import Cube  # noqa: E402
from stmgpu.debris.evolution.loop import Evolution  # noqa: E402
from stmgpu.debris.evolution.members import Coefficients, Members  # noqa: E402
from stmgpu.debris.population.sources import load_population  # noqa: E402
from stmgpu.debris.study.scenario_file import read_study, shipped_scenarios  # noqa: E402
from stmgpu.propagate.screening_objects import ScreeningObjects  # noqa: E402
from stmgpu.risk import (  # noqa: E402
    curved_probability,
    dwell_probability,
    encounter_entries,
    encounter_probability,
    monte_carlo,
    straight_monte_carlo,
)
from stmgpu.screen.engine import run  # noqa: E402

ARCH = 90
SMS = 132
CLOCK_HZ, ISSUES, FP64 = 1.755e9, 4, 2  # warp instructions that a multiprocessor issues, and begins in float64
MEMORY = {"H100": 3.35e12, "H200": 4.8e12}  # bytes a second
CONVERSIONS, REQUESTS, SECTORS = 0.5, 1.0, 4.0  # of a multiprocessor in a clock
WARPS, REGISTERS, REGISTER_UNIT, PARTITIONS = 64, 65536, 256, 4  # of a multiprocessor; a unit is a warp's

# class of PTX instructions: machine instructions it becomes, those of them on the float64 pipe, and conversions
MODEL = {
    "f64": (1, 1, 0),
    "div f64": (17, 9, 0),
    "rcp f64": (12, 6, 0),
    "sqrt f64": (16, 9, 0),
    "cvt f64": (1, 0, 1),
    "select f64": (2, 0, 0),
    "f32": (1, 0, 0),
    "div f32": (11, 0, 0),
    "rcp f32": (7, 0, 0),
    "sqrt f32": (10, 0, 0),
    "cvt f32": (1, 0, 1),
    "select f32": (1, 0, 0),
    "whole 64": (2, 0, 0),
    "whole 32": (1, 0, 0),
    "whole multiply 64": (5, 0, 0),
    "whole multiply 32": (1, 0, 0),
    "whole division 64": (90, 0, 0),
    "whole division 32": (16, 0, 1),
    "cvt whole": (0.5, 0, 0),
    "predicate": (0.5, 0, 0),
    "move": (0.3, 0, 0),
    "branch": (2, 0, 0),
    "parameter": (0, 0, 0),
    **{f"{access} global": (1, 0, 0) for access in ("ld", "st", "atom")},
    **{f"{access} local": (1, 0, 0) for access in ("ld", "st")},
}
COLUMNS = {
    "float64": ("f64",),
    "its division, root": ("div f64", "rcp f64", "sqrt f64"),
    "float32": ("f32", "div f32", "rcp f32", "sqrt f32"),
    "int64": ("whole 64", "whole multiply 64"),
    "int32": ("whole 32", "whole multiply 32"),
    "int division": ("whole division 64", "whole division 32"),
    "conversion": ("cvt f64", "cvt f32", "cvt whole"),
    "select, move, predicate": ("select f64", "select f32", "move", "predicate"),
    "branch": ("branch",),
    "global memory": ("ld global", "st global", "atom global"),
    "local memory": ("ld local", "st local"),
}


@dataclass
class Tally:
    """Launches of one kernel in one case, and what the sampled warps of some of them did."""

    launches: list[int] = field(default_factory=list)
    warps: int = 0
    classes: Counter[str] = field(default_factory=Counter)
    active: float = 0.0
    sectors: dict[str, int] = field(default_factory=lambda: {"ld": 0, "st": 0, "atom": 0})
    requests: int = 0
    array_bytes: float = 0.0
    """Bytes that the warps of the sampled launches must move, if each array is moved once at most."""
    launched_warps: int = 0
    """Warps of the sampled launches."""

    def a_warp(self, total: float) -> float:
        return total / self.warps

    def machine(self, kind: int) -> float:
        """Machine instructions of a warp by the model: all, float64, conversions."""
        return self.a_warp(sum(MODEL[name][kind] * n for name, n in self.classes.items()))


class Counting(CpuBackend):
    """The scalar cpu build with the batches of the cuda backend; launches are listed, or sampled in lockstep."""

    rows_share_cache = CudaBackend.rows_share_cache
    batch_bytes = CudaBackend.batch_bytes
    array_chunk = CudaBackend.array_chunk

    def __init__(self, options: argparse.Namespace) -> None:
        super().__init__(threads=1, isa="scalar")
        self.options = options
        self.tallies: dict[tuple[str, str], Tally] = {}
        self.case = ""
        self.chosen: dict[tuple[str, str], set[int]] | None = None
        self.seen: Counter[tuple[str, str]] = Counter()

    @contextmanager
    def sampling(self, case: str, *, draw: bool) -> Iterator[None]:
        """Run a case: list its launches, or sample those that are drawn from the list."""
        self.case, self.chosen = case, None
        self.seen.clear()
        if draw:
            rng = np.random.default_rng(0)
            self.chosen = {}
            for key, tally in self.tallies.items():
                weights = np.array(tally.launches, float)
                count = min(self.options.launches, int(np.count_nonzero(weights)))
                drawn = rng.choice(len(weights), count, replace=False, p=weights / weights.sum())
                self.chosen[key] = set(drawn.tolist())
        yield

    def launch(self, kernel: str, items: int, *args: Any) -> None:
        key = (kernel, self.case)
        number = self.seen[key]
        self.seen[key] += 1
        if self.chosen is None:
            self.tallies.setdefault(key, Tally()).launches.append(max(items, 0))
        elif number in self.chosen[key]:
            self._sample(self.tallies[key], kernel, items, args)
        super().launch(kernel, items, *args)

    def _sample(self, tally: Tally, kernel: str, items: int, args: tuple[Any, ...]) -> None:
        contract = signature(kernel)
        copies = [_aligned(a) if p.is_array else a for p, a in zip(contract.parameters, args, strict=True)]
        words, extents = [], []
        for p, value in zip(contract.parameters, copies, strict=True):
            extents.append(value.nbytes if p.is_array else None)
            words.append(
                value.ctypes.data
                if p.is_array
                else int.from_bytes(p.dtype.type(value).tobytes().ljust(8, b"\0"), "little")
            )
        grid = -(-items // BLOCK)
        warps = grid * BLOCK // lockstep.WARP
        every = max(1, warps // self.options.warps)
        device = library.product(contract.file, arch=ARCH, form="lockstep")
        counts = device.count(kernel, grid, BLOCK, words, first=every // 2, every=every, extents=extents)
        issued = Counter(counts.by_class())
        tally.active = (tally.active * tally.classes.total() + counts.active() * issued.total()) / max(
            1, tally.classes.total() + issued.total()
        )
        tally.classes += issued
        tally.warps += counts.warps
        tally.launched_warps += warps
        for access in tally.sectors:
            requests, sectors = counts.memory(access)
            tally.sectors[access] += sectors
            tally.requests += requests
        tally.array_bytes += _moved(counts, warps, list(extents))


def _aligned(array: np.ndarray) -> np.ndarray:
    """Copy of an array that begins at a multiple of 512 bytes, as CuPy's do."""
    room = np.empty(array.nbytes + 512, np.uint8)
    start = -room.ctypes.data % 512
    copy = room[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy


def _moved(counts: lockstep.Counts, warps: int, extents: list[int | None]) -> float:
    """Bytes between memory and the caches: all sectors of an array, but the array no more than once each way."""
    origins = ptx.origins(counts.kernel)
    names = list(counts.kernel.parameters)
    sectors: Counter[tuple[str, bool]] = Counter()
    for i in counts.kernel.instructions:
        if lockstep.is_global(i):
            where = ptx.address(i.operands[0 if i.parts[0] == "st" else 1])[0]
            sectors[min(origins[where]), i.parts[0] == "ld"] += int(counts.sectors[i.number])
    scale = 32.0 * warps / counts.warps
    return sum(min(n * scale, float(extents[names.index(name)] or 0)) for (name, _), n in sectors.items())


# ----------------------------------------------------------------------------------------------------------- cases
def screening(backend: CpuBackend, options: argparse.Namespace) -> None:
    """An hour of all against all."""
    catalog = stm.read_catalog(options.catalog) if options.catalog else stm.synthetic_catalog(26_389)
    epoch = float(np.median(catalog.epoch_jd))
    plan = plan_for((np.floor(epoch) + 0.5, 0.0), 3600.0 * options.hours, 5.0, len(catalog))
    run(ScreeningObjects(catalog), plan, backend)


def debris(backend: CpuBackend, options: argparse.Namespace) -> None:
    """Two runs of the shipped removal scenario, side by side."""
    scenario = read_study(shipped_scenarios()["removal"]).scenarios[0]
    population = load_population(scenario.population)
    Evolution(scenario, population, years=options.years, seed=0, run_numbers=[0, 1], backend=backend).run()


def cells(backend: CpuBackend) -> None:
    """A step of that population in cubes of 20 km, 64 samples."""
    population = load_population(read_study(shipped_scenarios()["removal"]).scenarios[0].population)
    members = Members(backend, len(population), Coefficients(2.2, 1.2))
    members.add(0, np.arange(len(population), dtype=np.int64), population)
    Cube(backend, seed=1, run_numbers=0, cube_km=20.0, resamples=64, lattice="cube").encounters(members.state, 3)


def risk(backend: CpuBackend) -> None:
    """Collision probabilities of 30,000 encounters, from far apart to flying together, with needles of covariances.

    Of 100 of them also 10,000 samples, of 200 slow pairs, and 1,000 on curved orbits, 50 of them by entries.
    """
    n, rng = 30_000, np.random.default_rng(0)
    position = rng.normal(size=(n, 3))
    position *= rng.uniform(6_800.0, 8_000.0, (n, 1)) / np.linalg.norm(position, axis=1, keepdims=True)
    across = [np.cross(position, rng.normal(size=(n, 3))) for _ in range(2)]
    velocity = [7.5 * v / np.linalg.norm(v, axis=1, keepdims=True) for v in across]
    axes = [rng.normal(size=(n, 3, 3)) * np.array([[20.0], [2_000.0], [10.0]]) for _ in range(2)]
    sigmas = [a * 10.0 ** rng.uniform(-3.0, 0.5, (n, 1, 1)) for a in axes]
    covariance = [a @ a.transpose(0, 2, 1) for a in sigmas]
    other = position + rng.normal(size=(n, 3)) * 10.0 ** rng.uniform(-3.0, 0.5, (n, 1))
    radius = rng.uniform(1.0, 20.0, n)
    encounter_probability(
        position, velocity[0], covariance[0], other, velocity[1], covariance[1], radius, backend=backend
    )
    few, speed = slice(0, 100), np.diag([1.0, 1e-2, 1e-2])
    spread = [np.kron(np.diag([1.0, 0.0]), np.ones((3, 3))) * np.tile(c[few], (1, 2, 2)) for c in covariance]
    for c in spread:
        c[:, 3:, 3:] = speed
    options: dict[str, Any] = {"samples": 10_000, "backend": backend}
    states = [x[few] for x in (position, velocity[0], spread[0], other, velocity[1], spread[1], radius)]
    monte_carlo(*states, **options)
    relative = 1e3 * np.hstack([position - other, velocity[0] - velocity[1]])[few]
    straight_monte_carlo(relative, spread[0], radius[few], -10.0, 10.0, **options)
    drawn = rng.normal(size=(200, 6, 6)) * np.repeat([30.0, 0.3], 3)[:, np.newaxis]
    mean = rng.normal(size=(200, 6)) * np.repeat([60.0, 1.0], 3)
    dwell_probability(mean, drawn @ drawn.transpose(0, 2, 1), radius[:200], -100.0, 300.0, backend=backend)
    many = slice(0, 1_000)
    wide = [rng.normal(size=(1_000, 6, 6)) * np.array([20, 500, 20, 0.5, 0.02, 0.02])[:, None] for _ in range(2)]
    curved = [a @ a.transpose(0, 2, 1) for a in wide]
    one, two = (position[many], velocity[0][many], curved[0]), (other[many], velocity[1][many], curved[1])
    curved_probability(*one, *two, radius[many], backend=backend)
    slow = [tuple(x[:50] for x in each) for each in (one, two)]
    encounter_entries(*slow[0], *slow[1], radius[:50], backend=backend)


CASES: dict[str, Callable[[CpuBackend, argparse.Namespace], None]] = {
    "screening": screening,
    "debris": debris,
    "cells": lambda backend, _: cells(backend),
    "risk": lambda backend, _: risk(backend),
    "functions": lambda backend, _: functions(backend),  # launched by tests alone
}


# ---------------------------------------------------------------------------------------------------------- bounds
def resident_warps(registers: int) -> int:
    """Warps of a kernel that a multiprocessor of sm_90 holds at once, by registers and in blocks of BLOCK threads."""
    of_a_warp = -(-registers * lockstep.WARP // REGISTER_UNIT) * REGISTER_UNIT
    warps = min(WARPS, REGISTERS // PARTITIONS // of_a_warp * PARTITIONS)
    block = BLOCK // lockstep.WARP
    return warps // block * block


def bounds(tally: Tally) -> dict[str, float]:
    """Picoseconds of a lane if nothing but one limit counted."""
    sectors = tally.a_warp(sum(tally.sectors.values()))
    clocks = {
        "issue": tally.machine(0) / ISSUES,
        "fp64": tally.machine(1) / FP64,
        "conversion": tally.machine(2) / CONVERSIONS,
        "load/store": max(tally.a_warp(tally.requests) / REQUESTS, sectors / SECTORS),
    }
    seconds = {name: n / SMS / CLOCK_HZ for name, n in clocks.items()}
    seconds |= {name: tally.array_bytes / tally.launched_warps / rate for name, rate in MEMORY.items()}
    return {name: 1e12 * s / lockstep.WARP for name, s in seconds.items()}


# ---------------------------------------------------------------------------------------------------------- report
def report(backend: Counting, usage: dict[str, nvrtc.Usage], options: argparse.Namespace) -> str:
    tallies = {key: tally for key, tally in sorted(backend.tallies.items(), key=_place) if tally.warps}
    missing = sorted(set(signatures()) - {kernel for kernel, _ in tallies})
    source = options.catalog.name if options.catalog else "the synthetic catalogue of 26,389 objects"
    covered = (
        f"Not counted, since no case launches them: {', '.join(missing)}." if missing else "All kernels are counted."
    )
    counts, limits, classes = [], [], []
    for (kernel, case), tally in tallies.items():
        used, name = usage[kernel], f"`{kernel}`, {case}"
        fits = resident_warps(used.registers)
        counts.append([
            name,
            f"{len(tally.launches):,}",
            f"{sum(tally.launches):,}",
            *map(_count, (tally.a_warp(tally.classes.total()), tally.machine(0), tally.machine(1))),
            f"{tally.active:.2f}",
            *(_count(tally.a_warp(n)) for n in tally.sectors.values()),
        ])  # fmt: skip
        times = bounds(tally)
        inside = {limit: t for limit, t in times.items() if limit not in MEMORY}
        limit = max(inside, key=lambda name: inside[name])
        if inside[limit] < times["H200"]:
            limit = "memory"
        elif inside[limit] < times["H100"]:
            limit += "; H100: memory"
        limits.append([
            name,
            *map(str, (used.registers, used.spill_store_bytes + used.spill_load_bytes, used.stack_bytes, fits)),
            f"{max(tally.launches) / lockstep.WARP / SMS / fits:.2g}",
            *map(_count, times.values()),
            limit,
        ])  # fmt: skip
        sums = (sum(tally.classes[name] for name in names) for names in COLUMNS.values())
        classes.append([name, *(_count(tally.a_warp(n)) for n in sums)])
    counted = _table("kernel, case|launches|lanes|PTX|SASS|float64|active|loaded|stored|atomic", counts)
    bound = _table(f"kernel, case|registers|spills [B]|local [B]|warps|waves|{'|'.join(times)}|largest", limits)
    by_class = _table(f"kernel, case|{'|'.join(COLUMNS)}", classes)
    return f"""# Counts of the kernels for a GPU: predicted, no clock was seen

Nothing here was measured on a GPU. The kernels' PTX for sm_90 was executed on a CPU, 32 lanes in lockstep, by
`python benchmarks/device_counts.py`. Instructions, active lanes and sectors are counts of sampled warps; registers and
spills are the compiler's; times follow from a model and are lower limits.

Cases: *screening*, {options.hours:g} h of {source}, 5 km; *debris*, {
        options.years:g} a of two runs of the shipped removal
scenario; *cells*, a step of its population in cubes of 20 km, 64 samples; *risk*, collision probabilities of 30,000
random encounters, 10,000 samples of 100 of them, and 1,000 on curved orbits; *functions*, the elementary functions,
which only tests launch. NVRTC {".".join(map(str, nvrtc.version()))}, commit {machine.describe()["commit"][:8]}. {
        covered
    }

## Counts

PTX, machine (SASS, by the model) and float64 instructions of a warp; the share of lanes that take part in one; sectors
of 32 bytes of a warp that loads, stores and atomics touch.

{counted}

## Bounds

Warps: what a multiprocessor holds of 64, by registers. Waves: how often the largest launch fills all multiprocessors;
below 1 there are too few warps to hide latency, and no bound is reached. The next columns are picoseconds of a lane
if nothing but issue, the float64 pipe, conversions, loads and stores, or memory (H100, H200) counted; the last one
names the largest.

{bound}

## PTX instructions by class

Of a warp; reading of parameters is left out.

{by_class}

## What this rests on

- Samples: up to {options.launches} launches of a kernel and case, drawn by size, and of each about
  {options.warps} warps.
- SASS follows from classes of PTX instructions (`MODEL` in the script: a float64 division is 17, 9 of them float64;
  a root 16 and 9; a 64-bit division of whole numbers 90; a 64-bit sum 2). Beside the disassembly of the same compiler,
  float64 came out at 0.78 to 1.00 and all instructions at 0.6 to 1.1 times its number, but at 1.4 to 1.8 for kernels
  full of 64-bit division (`cube_link`, `cube_match`, `field_met`, `field_hits`, `field_partners`): too pessimistic.
- H100 SXM and H200: {SMS} multiprocessors at {CLOCK_HZ / 1e9} GHz (assumed; data sheets count with more); in a clock
  {ISSUES} warp instructions, {FP64} of them float64, half a conversion, {REQUESTS:g} request and {SECTORS:g} sectors;
  {MEMORY["H100"] / 1e12:g} and {MEMORY["H200"] / 1e12:g} TB/s. From the table of arithmetic throughput in NVIDIA's
  CUDA C++ Programming Guide, and data sheets. No fused multiply-add is used.
- Memory: the sectors of an array, but no more than the whole array once each way. What is already in the L2 cache
  (50 MB) costs less than that: most arrays of kernels with few waves are.
- Lanes of a branch meet at its immediate post-dominator.
- Warps: {REGISTERS:,} registers and {WARPS} warps a multiprocessor in {PARTITIONS} partitions, allocated by
  {REGISTER_UNIT} to a warp (compute capability 9.0 in the same guide), and whole blocks of {BLOCK} threads.
- A real kernel reaches a part of its bound: latency, instruction cache and scheduling are not in the model.
"""


def _table(head: str, rows: list[list[str]]) -> str:
    aligned = ["--:" if text[:1].isdigit() else "---" for text in rows[0]]
    return "\n".join(f"| {' | '.join(line)} |" for line in (head.split("|"), aligned, *rows))


def _place(entry: tuple[tuple[str, str], Tally]) -> tuple[int, int]:
    (kernel, case), _ = entry
    return list(CASES).index(case), list(signatures()).index(kernel)


def _count(number: float) -> str:
    return f"{number:,.0f}" if number >= 10 or number == 0 else f"{number:.1f}"


def main() -> int:
    options = _options()
    backend = Counting(options)
    library.prepare(arch=ARCH, form="lockstep")
    usage = {u.kernel: u for file in kernel_files() for u in nvrtc.compile_file(file, ARCH).usage}
    for case, work in CASES.items():
        for draw in (False, True):
            with backend.sampling(case, draw=draw):
                work(backend, options)
        print(
            f"{case}: {sum(len(t.launches) for (_, c), t in backend.tallies.items() if c == case)} launches", flush=True
        )
    text = report(backend, usage, options)
    if options.out:
        options.out.write_text(text, encoding="utf-8")
    else:
        print(text)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n\n", maxsplit=1)[0])
    parser.add_argument("--catalog", type=Path, help="element sets; default the synthetic catalogue")
    parser.add_argument("--hours", type=float, default=1.0, help="of the screening")
    parser.add_argument("--years", type=float, default=1.0, help="of the evolution")
    parser.add_argument("--launches", type=int, default=6, help="launches of a kernel that are sampled")
    parser.add_argument("--warps", type=int, default=200, help="warps that are sampled in each, about")
    parser.add_argument("--out", type=Path, help="Markdown file; default the terminal")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
