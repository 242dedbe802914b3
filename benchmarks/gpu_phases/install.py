"""What is installed: the device and its kernels, the tests, and a first run with empty caches."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from gpu_phases.phase import ROOT, Phase
from stmgpu.backend import nvrtc
from stmgpu.backend.signature import signatures
from stmgpu.errors import BackendError
from stmgpu.versions import describe

STAND_IN = ROOT / "tests" / "virtual_device"
"""Folder of the stand-in for CuPy."""


def device(phase: Phase) -> None:
    """The device, versions, the catalogue, and registers of every kernel."""
    phase.result |= {"device": phase.candidate.device, "measured": phase.measured, "environment": describe()}
    catalog = phase.catalog
    phase.result["catalog"] = {
        "source": catalog.source or "synthetic, seed 0",
        "objects": len(catalog),
        "digest": catalog.digest(),
    }
    phase.say(f"{phase.result['device']}; {phase.result['catalog']['source']}, {len(catalog)} objects")
    if phase.options.backend != "cuda":
        return
    phase.result["driver"] = int(phase.candidate.xp.cuda.runtime.driverGetVersion())
    loaded: dict[str, Any] = {name: phase.candidate.usage(name) for name in sorted(signatures())}
    phase.result["kernels"] = loaded
    if phase.options.quick:
        return
    try:
        for file in sorted({s.file for s in signatures().values()}):
            for usage in nvrtc.compile_file(file, phase.candidate.arch).usage:
                loaded[usage.kernel]["compiled"] = asdict(usage)
    except BackendError as error:
        phase.say(f"no report of the compiler: {error}")


MAY_BE_SKIPPED = re.compile(
    "CuPy is installed|there is a GPU|the virtual device|a real (GPU|device)|has one GPU|not beside this checkout"
)
"""Reasons of skips that are right on a machine with a GPU."""


def tests(phase: Phase) -> None:
    """The tests of the checked backend; one that fails, or is skipped without need, is a problem."""
    backend, real = phase.options.backend, phase.options.device
    if importlib.util.find_spec("pytest") is None:
        phase.problem("pytest is not installed, so no test was run")
        return
    with TemporaryDirectory() as folder:
        report = Path(folder) / "junit.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-k", backend, f"--junit-xml={report}"]
        if backend == "cuda":
            command += ["--device", real]
        if importlib.util.find_spec("xdist") is not None:
            command += ["--numprocesses", str(min(4, len(os.sched_getaffinity(0)))), "--dist", "worksteal"]
        subprocess.run(command, cwd=ROOT, check=False)
        try:
            cases = list(ET.parse(report).iter("testcase"))
        except (OSError, ET.ParseError) as error:
            phase.problem(f"the tests left no report: {error}")
            return
    phase.result |= {"passed": 0, "failed": 0, "skipped": {}}
    for case in cases:
        name = f"{case.get('classname')}.{case.get('name')}"
        skip = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            phase.result["failed"] += 1
            phase.problem(f"failed: {name}")
        elif skip is not None:
            reason = str(skip.get("message"))
            phase.result["skipped"][reason] = phase.result["skipped"].get(reason, 0) + 1
            if not MAY_BE_SKIPPED.search(reason):
                phase.problem(f"skipped: {name}: {reason}")
        else:
            phase.result["passed"] += 1
    if not phase.result["passed"]:
        phase.problem("no test passed")
    phase.say(f"tests: {phase.result}")


def cold_start(phase: Phase) -> None:
    """``stmgpu compile`` with empty caches and again, and a small screening as a command with all caches filled."""
    with TemporaryDirectory() as folder:
        caches = {"CUPY_CACHE_DIR": f"{folder}/cupy", "STMGPU_CACHE_DIR": f"{folder}/stmgpu"}
        compiling = ("compile", "--arch", f"sm_{phase.candidate.arch}")
        empty_s, document = _command(caches, *compiling)
        cubins = _cubins(folder)
        phase.result |= {
            "empty_s": empty_s if phase.measured else None,
            "cubins": len(cubins),
            "cupy_kernels": document["gpu"]["cupy_kernels"],
            "cupy_s": document["gpu"]["seconds"] if phase.measured else None,
        }
        phase.save()
        filled_s, document = _command(caches, *compiling)
        phase.result["filled_s"] = filled_s if phase.measured else None
        if document["gpu"]["cupy_kernels"]:
            phase.problem(f"CuPy compiled {document['gpu']['cupy_kernels']} kernels again that were in its cache")
        catalog = f"{folder}/catalog.csv"
        _command(caches, "catalog", "synthesize", catalog, "--objects", "300")
        screen_s, _ = _command(caches, "screen", catalog, "--hours", "0.2", "--backend", "cuda")
        phase.result["screen_s"] = screen_s if phase.measured else None
        if _cubins(folder) != cubins:
            phase.problem("kernels were compiled again although `stmgpu compile` had left them in the cache")
    phase.say(f"cold start: {phase.result}")


def _command(caches: dict[str, str], *arguments: str) -> tuple[float, dict[str, Any]]:
    """Seconds of a command of stmgpu in a new process, and its document."""
    begin = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", "from stmgpu.cli import app; app()", *arguments, "--json"],
        env=os.environ | caches,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    seconds = time.perf_counter() - begin
    document: dict[str, Any] = json.loads(done.stdout)
    return seconds, document


def _cubins(folder: str) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in Path(folder, "stmgpu").rglob("*.cubin")}
