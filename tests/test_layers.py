"""The layers of the package, and what importing it may not bring along."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest
from support.paths import ROOT

from stmgpu.backend import BACKENDS

# tests of a subject that crosses modules, by folder
SUBJECTS = {
    "": {"attacks", "layers"},
    "catalog": {"fuzz", "real"},  # any bytes; the real catalogues
    "cli": {"arguments", "debris_input"},
    "debris": {"public_names"},
    "debris/population": {"survivors"},
    "distribute": {"ensemble", "ensemble_damage", "kills", "resume"},  # runs that stop, are damaged, grow
    "propagate": {"catalogs", "propagator", "verification"},  # both catalogues; properties; the published vectors
    "screen": {"against_brute", "invariance", "trajectories", "truth"},
    "store": {"conventions"},  # netCDF, Parquet and CF of every kind
}
OTHER_FOLDERS = {"docs", "kernels", "slurm", "virtual_device"}  # not of the package, or mirrors of folders beside it


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


def test_backends_are_asked_for_capabilities() -> None:
    """Outside ``stmgpu.backend`` no backend is recognised by its name: a further one must not need changes there."""
    names = set(BACKENDS) - {"auto"}
    comparisons = []
    for path in sorted((ROOT / "stmgpu").rglob("*.py")):
        if (ROOT / "stmgpu" / "backend") in path.parents:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            by_name = isinstance(node, ast.Compare | ast.Dict | ast.MatchValue) and any(
                isinstance(part, ast.Constant) and part.value in names for part in ast.walk(node)
            )
            by_attribute = isinstance(node, ast.Compare | ast.Subscript) and any(
                isinstance(part, ast.Attribute) and part.attr == "name" and "backend" in ast.unparse(part.value)
                for part in ast.walk(node)
            )
            if by_name or by_attribute:
                comparisons.append(f"{path.relative_to(ROOT).as_posix()}:{node.lineno}: {ast.unparse(node)}")
    assert comparisons == []


def test_no_module_above_500_lines() -> None:
    long = {
        p.relative_to(ROOT).as_posix(): n
        for p in sorted((ROOT / "stmgpu").rglob("*.py"))
        if (n := len(p.read_text(encoding="utf-8").splitlines())) > 500
    }
    assert not long


def test_tests_mirror_modules() -> None:
    """``tests/a/test_b.py`` tests ``stmgpu/a/b.py``, the package ``stmgpu/a/b``, or is named after its own folder."""
    tests = ROOT / "tests"
    strangers, subjects = [], {folder: set(names) for folder, names in SUBJECTS.items()}
    for path in sorted(tests.rglob("test_*.py")):
        folder, name = path.relative_to(tests).parent, path.stem.removeprefix("test_")
        module = ROOT / "stmgpu" / folder / name
        if folder.parts[:1] and folder.parts[0] in OTHER_FOLDERS:
            continue
        if module.is_dir() or module.with_suffix(".py").is_file() or name == folder.name:
            continue
        if name in subjects.get(key := folder.as_posix().removeprefix("."), set()):
            subjects[key].discard(name)
            continue
        strangers.append(path.relative_to(ROOT).as_posix())
    assert not strangers, "name the test after its module, or add its subject to SUBJECTS"
    assert not any(subjects.values()), f"no longer there, or mirror a module now; remove from SUBJECTS: {subjects}"
