"""The layers of the package, and what importing it may not bring along."""

from __future__ import annotations

import subprocess
import sys

import pytest
from support.paths import ROOT


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False)


def test_imports_go_down_only() -> None:
    """The contracts stand in pyproject.toml under ``[tool.importlinter]``."""
    lint = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True, no_logo=True))"
    result = _run("-c", lint)
    assert result.returncode == 0, result.stdout[-4000:] + result.stderr[-2000:]


@pytest.mark.parametrize("module", ["stmgpu", "stmgpu.backend", "stmgpu.backend.cuda", "stmgpu.backend.nvrtc"])
def test_import_stays_light(module: str) -> None:
    heavy = "cupy dask distributed zarr matplotlib xarray pandas cuda"
    result = _run("-c", f"import sys, {module}; print(*[m for m in '{heavy}'.split() if m in sys.modules])")
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == []


def test_no_module_above_500_lines() -> None:
    long = {
        p.relative_to(ROOT).as_posix(): n
        for p in sorted((ROOT / "stmgpu").rglob("*.py"))
        if (n := len(p.read_text(encoding="utf-8").splitlines())) > 500
    }
    assert not long
