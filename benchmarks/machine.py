"""Machine, versions and commit of a benchmark, and the folder of its results."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent / "results"


def describe() -> dict[str, Any]:
    """Processor model, cores this process may use, load, versions, git commit."""
    model = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines()
        model = next((x.split(":", 1)[1].strip() for x in lines if x.startswith("model name")), model)
    except OSError:
        model += " (no /proc/cpuinfo)"
    git = subprocess.run(["git", "rev-parse", "HEAD"], cwd=RESULTS, capture_output=True, text=True, check=False)
    dirty = subprocess.run(
        ["git", "status", "--porcelain", "--", "../../kernels", "../../stmgpu/propagate"],
        cwd=RESULTS,
        capture_output=True,
        text=True,
        check=False,
    )
    compiler = subprocess.run(["c++", "--version"], capture_output=True, text=True, check=False).stdout.splitlines()
    return {
        "machine": {
            "cpu": model,
            "cores": os.cpu_count(),
            "usable_cores": len(os.sched_getaffinity(0)),
            "load_1min": round(os.getloadavg()[0], 2),
            "system": platform.system(),
        },
        "versions": {
            "python": platform.python_version(),
            "numpy": version("numpy"),
            "sgp4": version("sgp4"),
            "compiler": compiler[0] if compiler else "unknown",
        },
        "commit": git.stdout.strip() or "unknown",
        "kernels_changed_since_commit": bool(dirty.stdout.strip()),
    }


def write(name: str, result: dict[str, Any], out: Path | None = None) -> Path:
    """Write a result with the description of the machine, by default as ``results/<name>.json``."""
    path = out or RESULTS / f"{name}.json"
    path.write_text(json.dumps({**describe(), **result}, indent=2) + "\n", encoding="utf-8")
    return path
