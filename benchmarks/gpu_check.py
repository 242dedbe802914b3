"""Check the cuda backend on a machine with a GPU.

    python benchmarks/gpu_check.py              # less than nine minutes
    python benchmarks/gpu_check.py --quick      # less than two: bytes, and seconds of the main cases

Bytes and seconds come first, so that a machine that is lost after a minute has still answered the main question. Each
phase runs in a process of its own with a limit of its own, and the report is written anew after each: a crash, a hang
or a poisoned CUDA context loses one phase. What there was no time for is named. Exit code 0 means that everything ran,
every byte was the same and every test of the cuda backend passed; one that is skipped although there is a GPU is a
problem.

Without a GPU, ``--backend cpu`` compares the widest build for the CPU with the scalar one, which has the form of the
kernels that a GPU runs, and ``--device virtual`` runs the phases on the virtual device of the tests. Seconds are null
there: nothing that was not measured on a GPU gets into the report of one.

The report is one JSON document, ``benchmarks/results/gpu_check_<device>.json``:

``backend``, ``device``, ``measured``, ``quick``, ``seconds``
    what was checked; ``measured`` is false on the virtual device.
``environment``, ``commit``, ``options``
    versions and caches, the commit, and the options of the command.
``phases``
    for each phase ``status`` (``done``; ``failed`` by an exception or a crash; ``timed out``; ``skipped`` for want of
    time; ``left out`` by options; ``not needed``), ``seconds`` and ``limit_s``.
``problems``
    texts; empty if all is well.
``kernels``
    [kernel] ``registers`` and ``local_bytes`` as loaded, ``compiled`` as the compiler reports them (not with
    ``--quick``).
``states``
    ``numbers``, ``differing``, ``differing_codes``, ``largest_difference``; ``timed`` and ``baseline`` (the CPU) have
    ``first_s``, ``best_s``, ``runs`` and ``states_per_s``.
``screening``, ``week``, ``million``
    ``cases``: a list with ``objects``, ``hours``, ``threshold_km``, ``events``, ``candidates``, ``timed``, ``stages``
    (seconds of each in the last run), ``baseline``, ``events_baseline`` and ``differing_variables``.
``debris``
    ``runs``, ``years``, ``objects``, ``object_steps``, ``differing_variables``; ``timed`` and ``baseline`` have also
    ``object_steps_per_s``, ``moving_per_s`` (secular_step alone) and ``meeting_per_s`` (cells and pairs alone).
``mean_field``
    ``differing_variables``; ``timed`` and ``baseline`` have ``objects_per_s``.
``launches``
    only if a byte differed, or with ``--only launches``: [``kernels``][kernel] ``launches``, ``numbers``, ``nan`` (NaN
    on both with other bits), ``differing`` and ``first``: by array, how many differ, and the first with both values.
``tests``
    ``passed``, ``failed`` and ``skipped`` (by reason) of ``pytest -k cuda``.
``clock``
    ``glue``: microseconds of an elementwise kernel, a reduction, a launch, a wait and a copy of 240 kB, gigabytes a
    second to and from the GPU; for each of the runs ``states``, ``screening``, ``debris`` and ``field`` ``wall_s``,
    ``kernel_s`` (in kernels of stmgpu), ``other_s`` (CuPy's kernels, waits, host), and [``kernels``][kernel]
    ``launches``, ``lanes``, ``seconds``, ``us_a_launch``, ``bound_s`` (predicted) and ``share_of_bound``.
``registers``
    [kernel] ``us`` of its largest launch as it is, ``capped_us`` with at most ``cap`` registers, ``blocks_us`` by
    threads a block.
``second_gpu``
    ``devices``, ``ran``; ``differing`` and ``differing_variables`` of GPU 1 against GPU 0.
``cold_start``
    ``empty_s`` and ``filled_s`` of ``stmgpu compile`` with empty caches and again; ``cupy_kernels`` that CuPy compiled,
    ``cupy_s`` in the first run; ``screen_s`` of a small screening as a command, with all caches filled.

To carry the check to a machine without network: the checkout, and a folder of wheels for its Python and platform, made
where there is network:

    pip download --dest wheels '.[cuda13]' scikit-build-core==1.1.2 cmake ninja pytest pytest-xdist hypothesis mpmath

The extra brings cupy-cuda13x, cuda-bindings, cuda-pathfinder and, by cuda-toolkit, nvidia-cuda-nvrtc,
nvidia-cuda-runtime, nvidia-cublas, nvidia-cufft, nvidia-curand, nvidia-cusolver, nvidia-cusparse and nvidia-nvjitlink;
only the driver (580 or newer; for ``cuda12`` 525 or newer) and a C++ compiler have to be on the machine. There:

    pip install --no-index --find-links wheels scikit-build-core cmake ninja pytest pytest-xdist hypothesis mpmath
    pip install --no-index --find-links wheels --no-build-isolation --editable '.[cuda13]'
    python benchmarks/gpu_check.py --quick
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks"), str(ROOT / "tests")]

import machine  # noqa: E402
from gpu_phases import clock, equality, install, launches  # noqa: E402
from gpu_phases.phase import Phase, write_json  # noqa: E402

FULL_S, QUICK_S = 525.0, 110.0
"""Time that the phases of a check have together; the rest of nine and two minutes is for starting and writing."""

LEAST_S = 5.0
"""A phase that would have less is skipped."""


@dataclass(frozen=True)
class Plan:
    """A phase: what it runs, its limits with and without ``--quick`` [s], and whether only a GPU can run it."""

    run: Callable[[Phase], None]
    limit_s: float
    quick_s: float = 0.0
    needs_cuda: bool = False
    needed: bool = True
    """Whether a lack of time for it is a problem."""


PHASES = {
    "device": Plan(install.device, 60.0, 40.0),
    "states": Plan(equality.states, 60.0, 25.0),
    "screening": Plan(equality.screening, 90.0, 40.0),
    "week": Plan(equality.week, 90.0),
    "debris": Plan(equality.debris, 90.0, 40.0),
    "mean_field": Plan(equality.field, 40.0, 20.0),
    "launches": Plan(launches.compare, 90.0, 40.0, needs_cuda=True),
    "tests": Plan(install.tests, 150.0),
    "clock": Plan(clock.clock, 60.0, 25.0, needs_cuda=True),
    "registers": Plan(clock.registers, 50.0, needs_cuda=True),
    "second_gpu": Plan(equality.second_gpu, 40.0, needs_cuda=True),
    "cold_start": Plan(install.cold_start, 90.0, needs_cuda=True),
    "million": Plan(equality.million, 120.0, needed=False),
}


def main() -> int:
    """Run the check, or one phase of it in a process of its own; the exit code."""
    options = _options()
    if options.phase:
        return _phase(options)
    return Check(options).run()


class Check:
    """All phases, one after the other, and the report."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options, self.begin = options, time.monotonic()
        self.total_s = options.total_s or (QUICK_S if options.quick else FULL_S)
        self.file: Path | None = None
        self.report: dict[str, Any] = {
            "backend": options.backend,
            "quick": options.quick,
            "commit": machine.describe()["commit"],
            "options": {
                name: str(value) if isinstance(value, Path) else value for name, value in vars(options).items()
            },
            "phases": {},
            "problems": [],
        }

    def run(self) -> int:
        """Run them; the exit code."""
        with tempfile.TemporaryDirectory() as folder:
            for name, plan in PHASES.items():
                entry = self._run(name, plan, Path(folder) / f"{name}.json")
                self.report["phases"][name] = entry
                if name == "device":
                    if entry["status"] != "done":
                        print(f"cannot run: {'; '.join(self.report['problems'])}", file=sys.stderr)
                        return 1
                    self.file = self._named()
                self.report["seconds"] = time.monotonic() - self.begin
                self._write()
        problems = self.report["problems"]
        print(f"written: {self.file}")
        print("\n".join(["FAILED:", *problems]) if problems else "everything ran, every byte was the same")
        return 1 if problems else 0

    def _run(self, name: str, plan: Plan, part: Path) -> dict[str, Any]:
        options, left = self.options, self.total_s - (time.monotonic() - self.begin)
        if not self._wanted(name, plan):
            return {"status": "left out"}
        if name == "launches" and options.only is None and not self._bytes_differ():
            return {"status": "not needed"}
        limit = min(dict(options.limit_s).get(name, plan.quick_s if options.quick else plan.limit_s), left)
        if limit < LEAST_S:
            if plan.needed:
                self.report["problems"].append(f"{name}: no time was left")
            return {"status": "skipped"}
        print(f"== {name} (at most {limit:.0f} s)", flush=True)
        begin = time.monotonic()
        code = self._process(name, part, limit)
        seconds = time.monotonic() - begin
        status = "done" if code == 0 else "timed out" if code is None else "failed"
        found = json.loads(part.read_text(encoding="utf-8")) if part.is_file() else {"result": {}, "problems": []}
        self.report |= found["result"] if name == "device" else {name: found["result"]}
        problems = [f"{name}: {text}" for text in found["problems"]]
        if status == "timed out" and plan.needed:
            problems.append(f"{name}: ran past its limit of {limit:.0f} s; what it had found is in the report")
        elif status == "failed" and not problems:
            problems.append(f"{name}: ended with exit status {code}")
        self.report["problems"] += problems
        return {"status": status, "seconds": seconds, "limit_s": limit}

    def _process(self, name: str, part: Path, limit: float) -> int | None:
        """Exit status of a phase in a process group of its own; None if it ran past its limit and was ended."""
        environment = dict(os.environ)
        if self.options.device == "virtual":
            folders = [str(install.STAND_IN), str(ROOT / "tests"), environment.get("PYTHONPATH")]
            environment["PYTHONPATH"] = os.pathsep.join(filter(None, folders))
        command = [
            sys.executable,
            __file__,
            *sys.argv[1:],
            "--phase",
            name,
            "--part",
            str(part),
            "--seconds",
            str(limit),
        ]
        process = subprocess.Popen(command, env=environment, start_new_session=True)
        try:
            return process.wait(limit)
        except subprocess.TimeoutExpired:
            return None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def _wanted(self, name: str, plan: Plan) -> bool:
        options = self.options
        if options.only is not None:
            return name == "device" or name in options.only
        if (options.quick and not plan.quick_s) or (name == "tests" and options.skip_tests):
            return False
        return options.backend == "cuda" or not plan.needs_cuda

    def _bytes_differ(self) -> bool:
        parts = [self.report.get(name, {}) for name in ("states", "screening", "week", "debris", "mean_field")]
        found = [*parts, *(case for part in parts for case in part.get("cases", ()))]
        return any(p.get("differing") or p.get("differing_codes") or p.get("differing_variables") for p in found)

    def _named(self) -> Path:
        device = re.sub(r"[^A-Za-z0-9]+", "_", self.report["device"].split(",")[0]).strip("_").lower()
        self.options.results.mkdir(parents=True, exist_ok=True)
        name: Path = self.options.results / f"gpu_check_{device}{'_quick' if self.options.quick else ''}.json"
        return name

    def _write(self) -> None:
        if self.file is not None:
            write_json(self.file, self.report)


def _phase(options: argparse.Namespace) -> int:
    """Run one phase in this process."""
    phase = Phase(options, options.part, time.monotonic() + options.seconds)
    try:
        PHASES[options.phase].run(phase)
    except Exception as error:  # noqa: BLE001  whatever it is, the report says so and the other phases run
        traceback.print_exc()
        phase.problem(f"{type(error).__name__}: {error}")
        return 1
    finally:
        phase.save()
    return 0


def _limit(text: str) -> tuple[str, float]:
    name, _, seconds = text.partition("=")
    if name not in PHASES:
        raise argparse.ArgumentTypeError(f"there is no phase {name!r}")
    return name, float(seconds)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n\n", maxsplit=1)[0])
    parser.add_argument("--backend", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--device", choices=("real", "virtual"), default="real")
    parser.add_argument("--quick", action="store_true", help="bytes, and seconds of the main cases, in two minutes")
    parser.add_argument("--only", nargs="+", choices=[name for name in PHASES if name != "device"], metavar="PHASE")
    parser.add_argument("--skip-tests", action="store_true")
    parser.add_argument("--catalog", type=Path, help="catalogue file; default the synthetic one")
    parser.add_argument("--objects", type=int, default=27_000, help="objects of the synthetic catalogue")
    parser.add_argument("--hours", type=float, default=24.0, help="window; `week` takes seven times as much")
    parser.add_argument("--many", type=int, default=1_000_000, help="objects of `million`")
    parser.add_argument("--runs", type=int, help="runs of debris side by side; default 64, with --quick 16")
    parser.add_argument("--years", type=float, default=2.0, help="length of the debris ensemble")
    parser.add_argument("--population", type=int, help="objects of the debris ensemble; default the shipped population")
    parser.add_argument("--copy-mb", type=int, default=256, help="size of the copies to and from the GPU")
    parser.add_argument("--total-s", type=float, help="time for all phases; default 525, with --quick 110")
    parser.add_argument(
        "--limit-s", type=_limit, action="append", default=[], metavar="PHASE=S", help="limit of a phase"
    )
    parser.add_argument("--results", type=Path, default=machine.RESULTS)
    for hidden, kind in (("--phase", str), ("--part", Path), ("--seconds", float)):
        parser.add_argument(hidden, type=kind, help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.runs = options.runs or (16 if options.quick else 64)
    return options


if __name__ == "__main__":
    raise SystemExit(main())
