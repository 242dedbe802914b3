"""The check for a machine with a GPU, rehearsed without one: every phase runs, and finds what it is there to find."""

from __future__ import annotations

import argparse
import functools
import importlib
import json
import math
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from support.commands import stmgpu
from support.paths import ROOT
from virtual_device.shadow import IN_ANY_ORDER

from stmgpu.backend import Backend, nvrtc
from stmgpu.backend.cpu import usable_levels
from stmgpu.backend.cuda import CudaBackend
from stmgpu.backend.signature import signatures

pytestmark = pytest.mark.skipif("scalar" not in usable_levels(), reason="the kernels were not compiled here")

SMALL = (
    "--objects", "300", "--hours", "0.2", "--runs", "2", "--years", "0.1", "--many", "400", "--population", "500",
    "--copy-mb", "1", "--skip-tests",
)  # fmt: skip
cuda = pytest.mark.parametrize("kernel_backend", ["cuda"], indirect=True)


@pytest.fixture
def gpu_check(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The script as a module; its phases and commands run in this process, and nothing is compiled twice."""
    path = list(sys.path)
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    module = importlib.import_module("gpu_check")

    def in_process(check: Any, name: str, part: Path, limit: float) -> int:
        options = argparse.Namespace(**vars(check.options) | {"phase": name, "part": part, "seconds": limit})
        return int(module._phase(options))

    def command(caches: dict[str, str], *arguments: str) -> tuple[float, Any]:
        with monkeypatch.context() as patch:
            for name, value in caches.items():
                patch.setenv(name, value)
            done = stmgpu(*arguments, "--json")
        assert done.exit_code == 0, done.stderr
        return 1.0, json.loads(done.stdout)

    monkeypatch.setattr(module.Check, "_process", in_process)
    monkeypatch.setattr(module.install, "_command", command)
    monkeypatch.setattr(nvrtc, "compile_text", functools.cache(nvrtc.compile_text))
    yield module
    sys.path[:] = path


@pytest.fixture
def virtual(kernel_backend: Backend) -> Any:
    """Settings of the virtual device; on a GPU there is nothing to rehearse."""
    if not hasattr(kernel_backend.xp, "virtual"):
        pytest.skip("needs the virtual device")
    return kernel_backend.xp.virtual


def checked(
    gpu_check: ModuleType, monkeypatch: pytest.MonkeyPatch, results: Path, *options: str
) -> tuple[int, dict[str, Any]]:
    """Exit code and report."""
    monkeypatch.setattr(sys, "argv", ["gpu_check.py", *SMALL, "--results", str(results), *options])
    code = gpu_check.main()
    (file,) = results.glob("gpu_check_*.json")
    report: dict[str, Any] = json.loads(file.read_text(), parse_constant=lambda name: pytest.fail(name))
    return code, report


def fields_of(table: str) -> set[str]:
    """Fields of the report that a page names in the second column of a table."""
    return set(re.findall(r"^\|[^|]*\| `([\w.*]+)`", table, re.M))


def found(report: Any, field: str) -> list[Any]:
    """Values of a field such as ``clock.glue.wait_us``; ``*`` stands for any name or number."""
    values = [report]
    for name in field.split("."):
        parts = [v if isinstance(v, dict) else dict(enumerate(v)) for v in values if isinstance(v, dict | list)]
        values = [value for part in parts for key, value in part.items() if name in ("*", str(key))]
    return values


@pytest.mark.slow
@cuda
def test_every_phase_on_the_virtual_device(
    virtual: Any, gpu_check: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gpu_phases import clock

    monkeypatch.setattr(clock, "CAPS", {"secular_step": 96, "cube_cells": 80})  # whose files compile fast
    with virtual.changed(devices=2):
        code, report = checked(gpu_check, monkeypatch, tmp_path, "--device", "virtual")
    assert report["second_gpu"]["ran"]
    assert (code, report["problems"]) == (0, [])
    assert {name: phase["status"] for name, phase in report["phases"].items()} == {
        **dict.fromkeys(gpu_check.PHASES, "done"),
        "launches": "not needed",
        "tests": "left out",
    }
    assert report["measured"] is False
    for field in (
        "states.timed.best_s", "states.timed.states_per_s", "screening.cases.*.timed.best_s",
        "debris.timed.moving_per_s", "clock.glue.elementwise_us", "clock.screening.wall_s",
        "clock.screening.kernels.find_pairs.seconds", "registers.secular_step.us", "cold_start.empty_s",
    ):  # fmt: skip
        assert set(found(report, field)) == {None}, f"{field} was not measured on a GPU"
    assert found(report, "clock.screening.kernels.find_pairs.launches")[0] > 0
    assert all(bound > 0.0 for bound in found(report, "clock.*.kernels.*.bound_s")), "predicted for every kernel"
    assert report["states"]["numbers"] > 1000
    page = (ROOT / "benchmarks" / "results" / "PENDING.md").read_text()
    answered = {field for field in fields_of(page) if field.partition(".")[0] not in ("launches", "tests")}
    assert len(answered) > 15
    assert {field for field in answered if not found(report, field)} == set()


@pytest.mark.slow
@cuda
def test_a_byte_that_differs_is_traced_to_kernel_and_argument(
    virtual: Any, gpu_check: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One bit of what one kernel writes: the states differ, and the launches say where it comes from."""
    plain = CudaBackend.launch

    def launch(backend: CudaBackend, kernel: str, items: int, *args: Any) -> None:
        plain(backend, kernel, items, *args)
        if kernel == "sgp4_grid":
            states = args[6]
            states[:1, 1, 2:3] = math.nextafter(float(states[0, 1, 2]), math.inf)

    monkeypatch.setattr(CudaBackend, "launch", launch)
    with virtual.changed(order=0):  # or else arrays in the order of claims differ, too
        code, report = checked(gpu_check, monkeypatch, tmp_path, "--device", "virtual", "--quick")
    assert code == 1
    assert report["states"]["differing"] == 1
    assert report["phases"]["launches"]["status"] == "done"
    wrong = {name for name, kernel in report["launches"]["kernels"].items() if kernel["differing"]}
    assert wrong == {"sgp4_grid"}
    traced = r"launches: sgp4_grid: \d+ numbers of states differ, first states\[0, 1, 2\] is .*\d on the cpu and .*\d"
    assert any(re.match(traced, text) for text in report["problems"]), report["problems"]


@pytest.mark.slow
@cuda
def test_arrays_in_the_order_of_claims_are_those_listed(
    virtual: Any, gpu_check: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threads of a GPU claim places in any order: other arrays than those listed must not depend on it."""
    with virtual.changed(order=1):
        code, report = checked(gpu_check, monkeypatch, tmp_path, "--device", "virtual", "--only", "launches")
    assert (code, report["problems"]) == (0, [])
    kernels = report["launches"]["kernels"]
    assert {name: set(kernel["differing"]) for name, kernel in kernels.items() if kernel["differing"]} == IN_ANY_ORDER


@pytest.mark.slow
def test_a_phase_that_crashes_or_hangs_loses_only_itself(tmp_path: Path) -> None:
    """In processes of their own, as they run on a machine with a GPU."""
    (tmp_path / "sitecustomize.py").write_text(
        "import os, signal, sys, time\n"
        "if 'mean_field' in sys.argv[-5:]: os.kill(os.getpid(), signal.SIGSEGV)\n"
        "if 'debris' in sys.argv[-5:]: time.sleep(600)\n"
    )
    only = ("--only", "states", "debris", "mean_field", "screening")
    command = [sys.executable, "benchmarks/gpu_check.py", "--backend", "cpu", *SMALL, *only, "--results", str(tmp_path)]
    done = subprocess.run(
        [*command, "--limit-s", "debris=6"],
        cwd=ROOT, env={"PYTHONPATH": str(tmp_path)}, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    (file,) = tmp_path.glob("gpu_check_*.json")
    report = json.loads(file.read_text())
    statuses = {name: report["phases"][name]["status"] for name in only[1:]}
    assert statuses == {"states": "done", "debris": "timed out", "mean_field": "failed", "screening": "done"}
    assert report["problems"] == [
        "debris: ran past its limit of 6 s; what it had found is in the report",
        "mean_field: ended with exit status -11",
    ]
    assert report["states"]["timed"]["states_per_s"] > 0.0


def test_time_that_runs_out_is_named(gpu_check: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    process = gpu_check.Check._process

    def late(check: Any, *arguments: Any) -> Any:
        code = process(check, *arguments)
        check.begin -= 3600.0
        return code

    monkeypatch.setattr(gpu_check.Check, "_process", late)
    code, report = checked(gpu_check, monkeypatch, tmp_path, "--backend", "cpu", "--only", "states", "million")
    assert code == 1
    assert report["phases"]["states"]["status"] == report["phases"]["million"]["status"] == "skipped"
    assert report["problems"] == ["states: no time was left"]


@pytest.mark.parametrize(
    ("reason", "right"),
    [
        ("CuPy is installed", True),
        ("costs are counted on the virtual device", True),
        ("a real device is not handed faulty kernels", True),
        ("the shared catalogues are not beside this checkout (../shared/data/catalogs)", True),
        ("no GPU: CUDA sees no GPU; no virtual device: --device=real", False),
        ("backend cuda: the cuda backend needs CuPy, which cannot be imported", False),
    ],
)
def test_a_skipped_test_is_a_problem_unless_it_is_not_for_a_gpu(
    reason: str, right: bool, gpu_check: ModuleType
) -> None:
    assert bool(gpu_check.install.MAY_BE_SKIPPED.search(reason)) == right


def test_predicted_bounds_are_those_of_the_table(gpu_check: ModuleType) -> None:
    """Seconds of the most work that the arithmetic units of an H200 can do: a state of SGP4 is 287 instructions."""
    from gpu_phases import clock

    bounds = clock.predicted_ps("NVIDIA H200, sm_90")
    assert set(bounds) == set(signatures()) - {"equinoctial_values"}, "which tests alone launch"
    assert bounds["sgp4_grid"] == pytest.approx(4586 / 8 / 2 / 32 / 132 / 1.755e9 * 1e12, rel=0.05)
    assert bounds["find_pairs"] == pytest.approx(22_460 / 4 / 32 / 132 / 1.755e9 * 1e12, rel=0.05)
    assert bounds["sort_rows"] < clock.predicted_ps("NVIDIA H100 80GB HBM3, sm_90")["sort_rows"], "memory limits it"


def test_nan_is_nan_and_zero_is_not_minus_zero(gpu_check: ModuleType) -> None:
    from gpu_phases.phase import differing

    a = np.array([math.nan, 0.0, 1.0, math.nan])
    b = np.array([-math.nan, -0.0, 1.0, 2.0])
    assert differing(a, b).tolist() == [False, True, False, True]
