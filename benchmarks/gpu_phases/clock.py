"""Where the time goes: seconds of every kernel, cost of launches, waits and copies, share of the bounds.

Seconds of kernels are those of CUDA events on the stream. The stand-in for CuPy in the tests has events without times;
everything that rests on them is null then.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

import numpy as np
from machine import RESULTS

from gpu_phases.launches import small_runs
from gpu_phases.phase import Phase, differing, rate, shown
from stmgpu.backend import nvrtc
from stmgpu.backend.cuda import BLOCK, CudaBackend
from stmgpu.backend.signature import signature
from stmgpu.backend.source import flatten

COUNTS = RESULTS / "device_counts.md"
"""Predicted bounds of every kernel on an H100 and H200, see ``benchmarks/device_counts.py``."""

SMS = 132
TIMES_OF_A_LANE = 33 / 9
"""Times that a lane of sgp4_grid and sdp4_grid does in the case of that table: 33 nodes in 9 parts."""

CAPS = {"sgp4_grid": 128, "sdp4_grid": 168, "find_pairs": 80, "secular_step": 96, "cube_cells": 80}
"""Registers a thread to try: the next step of occupancy, at the price of a few spilled bytes."""

BLOCKS = (64, 128, 256)
MANY = 2_000


@dataclass
class Recorder:
    """Launches of the cuda backend: events around each, and copies of the largest launch of some kernels."""

    backend: CudaBackend
    keep: frozenset[str] = frozenset()
    events: list[tuple[str, int, float, Any, Any]] = field(default_factory=list)
    largest: dict[str, tuple[int, list[Any]]] = field(default_factory=dict)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Record the launches of the cuda backend."""
        plain, cupy = CudaBackend.launch, self.backend.xp

        def launch(backend: CudaBackend, kernel: str, items: int, *args: Any) -> None:
            if kernel in self.keep and items > self.largest.get(kernel, (0, []))[0]:
                self.largest[kernel] = (items, _copied(kernel, args))
            begin, end = cupy.cuda.Event(), cupy.cuda.Event()
            begin.record()
            plain(backend, kernel, items, *args)
            end.record()
            self.events.append((kernel, items, _units(kernel, items, args), begin, end))

        with mock.patch.object(CudaBackend, "launch", launch):
            yield

    def kernels(self) -> dict[str, dict[str, Any]]:
        """Launches, lanes and seconds by kernel."""
        table: dict[str, dict[str, Any]] = {}
        for kernel, items, units, begin, end in self.events:
            end.synchronize()
            row = table.setdefault(kernel, {"launches": 0, "lanes": 0, "units": 0, "seconds": 0.0})
            row["launches"] += 1
            row["lanes"] += items
            row["units"] += units
            row["seconds"] += 1e-3 * self.backend.xp.cuda.get_elapsed_time(begin, end)
        for kernel, row in table.items():
            row["us_a_launch"] = 1e6 * row["seconds"] / row["launches"]
            row["bound_s"] = self.bound_s(kernel, row["units"])
            row["share_of_bound"] = row["bound_s"] / row["seconds"] if row["bound_s"] and row["seconds"] else None
        return table

    def bound_s(self, kernel: str, units: float) -> float | None:
        """Seconds that a kernel takes at least, as predicted; only for sm_90."""
        bounds = predicted_ps(self.backend.device)
        if kernel not in bounds or self.backend.arch != 90:
            return None
        properties = self.backend.xp.cuda.runtime.getDeviceProperties(0)
        return 1e-12 * units * bounds[kernel] * SMS / int(properties["multiProcessorCount"])


@cache
def predicted_ps(device: str) -> dict[str, float]:
    """Lower limit of every kernel for a lane [ps], or for a state in sgp4_grid and sdp4_grid.

    Of the cases of the table the first counts.
    """
    text = COUNTS.read_text(encoding="utf-8")
    lines = [line for line in text[text.index("## Bounds") :].splitlines() if line.startswith("|")]
    names = [name.strip() for name in lines[0].strip("|").split("|")]
    memory = "H100" if "H100" in device else "H200"
    bounds: dict[str, float] = {}
    for line in lines[2:]:
        row = dict(zip(names, (cell.strip() for cell in line.strip("|").split("|")), strict=False))
        if "largest" not in row:
            break
        kernel = row["kernel, case"].split("`")[1]
        limits = [float(row[n].replace(",", "")) for n in ("issue", "fp64", "conversion", "load/store", memory)]
        bounds.setdefault(kernel, max(limits) / (TIMES_OF_A_LANE if kernel in ("sgp4_grid", "sdp4_grid") else 1.0))
    return bounds


def clock(phase: Phase) -> None:
    """Costs of the glue, then seconds by kernel of each small run with everything loaded."""
    backend = phase.candidate
    phase.result["glue"] = _glue(phase, backend)
    phase.save()
    for name, run in small_runs(phase, backend, runs=min(phase.options.runs, 16)).items():
        run()
        recorder = Recorder(backend)
        with recorder.watching():
            begin = time.perf_counter()
            run()
            backend.xp.cuda.Device().synchronize()
            wall = time.perf_counter() - begin if phase.measured else math.nan
        kernels = recorder.kernels()
        inside = sum(row["seconds"] for row in kernels.values())
        phase.result[name] = {"wall_s": wall, "kernel_s": inside, "other_s": wall - inside, "kernels": kernels}
        phase.say(f"{name}: {_number(wall)} s, of which {_number(inside)} s in {len(recorder.events)} launches")
        for kernel, row in sorted(kernels.items(), key=lambda item: -item[1]["seconds"]):
            print(f"  {kernel}: {_number(row['seconds'])} s, {_number(row['share_of_bound'])} of the predicted bound")


def registers(phase: Phase) -> None:
    """The largest launch of some kernels with fewer registers and with other blocks: microseconds and bytes."""
    backend, cupy = phase.candidate, phase.candidate.xp
    recorder = Recorder(backend, keep=frozenset(CAPS))
    with recorder.watching():
        for run in small_runs(phase, backend, runs=min(phase.options.runs, 16)).values():
            run()
    with TemporaryDirectory() as folder:
        for kernel, cap in CAPS.items():
            if kernel not in recorder.largest:
                phase.problem(f"registers: no launch of {kernel} was seen")
                continue
            items, args = recorder.largest[kernel]
            file = signature(kernel).file
            compiled = nvrtc.compile_text(
                flatten(file), file.name, backend.arch, options=(*nvrtc.OPTIONS, f"-maxrregcount={cap}")
            )
            cubin = Path(folder) / f"{file.stem}_sm{backend.arch}_{cap}.cubin"
            cubin.write_bytes(compiled.cubin)
            capped = cupy.RawModule(path=str(cubin)).get_function(kernel)
            plain = backend._function(signature(kernel))
            us, expected = _repeated(backend, kernel, plain, items, args, BLOCK)
            capped_us, found = _repeated(backend, kernel, capped, items, args, BLOCK)
            row = {
                "lanes": items,
                "registers": int(plain.attributes["num_regs"]),
                "us": us,
                "cap": cap,
                "capped_registers": int(capped.attributes["num_regs"]),
                "capped_local_bytes": int(capped.attributes["local_size_bytes"]),
                "capped_us": capped_us,
                "blocks_us": {},
            }
            if not _same(backend, expected, found):
                phase.problem(f"registers: {kernel} with at most {cap} registers gives other bytes")
            for block in BLOCKS:
                row["blocks_us"][str(block)], found = _repeated(backend, kernel, plain, items, args, block)
                if not _same(backend, expected, found):
                    phase.problem(f"registers: {kernel} in blocks of {block} gives other bytes")
            phase.result[kernel] = row
            phase.say(f"{kernel}: {_number(us)} us, with at most {cap} registers {_number(capped_us)} us")


def _glue(phase: Phase, backend: CudaBackend) -> dict[str, Any]:
    """Microseconds of an elementwise kernel, a launch and a wait, and gigabytes a second of copies."""
    one, values = backend.zeros(1), backend.zeros(32)
    first, second = backend.empty(32), backend.empty(32)
    big = np.ones(phase.options.copy_mb << 17)  # not zeros, which have no memory of their own
    device = backend.put(big)

    def each(run: Callable[[], object], times: int) -> float | None:
        run()
        backend.get(one)
        begin = time.perf_counter()
        for _ in range(times):
            run()
        backend.get(one)
        return (time.perf_counter() - begin) / times if phase.measured else None

    times = MANY if phase.measured else 3
    small = np.zeros(30_000)
    costs = {
        "elementwise_us": each(lambda: values + values, times),
        "reduction_us": each(values.sum, times),
        "launch_us": each(lambda: backend.launch("mathx_values", 32, 32, 0, values, values, first, second), times),
        "wait_us": each(lambda: backend.get(one), times),
        "small_put_us": each(lambda: backend.put(small), times // 10 + 1),
        "put_s": each(lambda: backend.put(big), 3),
        "get_s": each(lambda: backend.get(device), 3),
    }
    found: dict[str, Any] = {
        name: value if name.endswith("_s") or value is None else 1e6 * value for name, value in costs.items()
    }
    found |= {"put_gb_s": rate(big.nbytes / 1e9, costs["put_s"]), "get_gb_s": rate(big.nbytes / 1e9, costs["get_s"])}
    for name, value in found.items():
        print(f"{name} {shown(value)}")
    return found


def _repeated(
    backend: CudaBackend, kernel: str, function: Any, items: int, args: list[Any], block: int
) -> tuple[float, list[Any]]:
    """Fastest of five launches [us], and what the last one wrote."""
    cupy, fastest, copies = backend.xp, math.inf, args
    for _ in range(5):
        copies = _copied(kernel, args)
        begin, end = cupy.cuda.Event(), cupy.cuda.Event()
        begin.record()
        function((-(-items // block),), (block,), tuple(copies))
        end.record()
        end.synchronize()
        elapsed = 1e3 * cupy.cuda.get_elapsed_time(begin, end)
        fastest = elapsed if math.isnan(elapsed) else min(fastest, elapsed)
    outputs = [a for p, a in zip(signature(kernel).parameters, copies, strict=True) if p.is_output]
    return fastest, outputs


def _copied(kernel: str, args: tuple[Any, ...] | list[Any]) -> list[Any]:
    """Arguments of a launch, with copies of what it writes and numbers in their own width."""
    return [
        (a.copy() if p.is_output else a) if p.is_array else p.dtype.type(a)
        for p, a in zip(signature(kernel).parameters, args, strict=True)
    ]


def _same(backend: CudaBackend, expected: list[Any], found: list[Any]) -> bool:
    return not any(differing(backend.get(a), backend.get(b)).any() for a, b in zip(found, expected, strict=True))


def _units(kernel: str, items: int, args: tuple[Any, ...]) -> float:
    """Lanes of a launch; of sgp4_grid and sdp4_grid the states."""
    if kernel not in ("sgp4_grid", "sdp4_grid"):
        return items
    named = dict(zip((p.name for p in signature(kernel).parameters), args, strict=True))
    times, parts = int(named["times"]), -(-int(named["times"]) // int(named["chunk"]))
    return items * times / parts


def _number(value: float | None) -> str:
    return shown(None if value is None or math.isnan(value) else value)
