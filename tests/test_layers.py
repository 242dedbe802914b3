"""The layers of the package, and what importing it may not bring along."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.paths import ROOT

from stmgpu.backend import BACKENDS

# tests of a subject that crosses modules, by folder
SUBJECTS = {
    "": {"attacks", "layers", "packages"},  # packages: sdist and wheel
    "backend": {"workflows"},  # cpu and cuda
    "catalog": {"fuzz", "real"},  # any bytes; the real catalogues
    "cli": {"arguments", "debris_input"},
    "debris": {"public_names"},
    "debris/environment": {"oblate_drag"},  # every part that drag along an inclined orbit takes
    "debris/population": {"survivors"},
    "distribute": {"ensemble", "ensemble_damage", "kills", "resume"},  # runs that stop, are damaged, grow
    "propagate": {"catalogs", "propagator", "verification"},  # both catalogues; properties; the published vectors
    "report/page/browser": {  # the page as its reader sees it
        *("access", "event", "figures", "figures_page", "headline", "offline", "study_page", "table", "types"),
    },
    "risk": {"tracss_key"},  # the answer key of TraCSS
    "screen": {"against_brute", "invariance", "trajectories", "truth"},
    "store": {"conventions"},  # netCDF, Parquet and CF of every kind
}
OTHER_FOLDERS = {
    "benchmarks",
    "docs",
    "kernels",
    "slurm",
    "virtual_device",
}  # not of the package, or mirrors of folders beside it


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


def test_help_needs_no_numerical_library() -> None:
    """Each takes longer to load than the help takes to print."""
    heavy = "numpy scipy pandas pyarrow xarray zarr dask matplotlib tqdm"
    code = f"""import atexit, sys, stmgpu.cli
atexit.register(lambda: print("loaded:", *[m for m in "{heavy}".split() if m in sys.modules]))
stmgpu.cli.app(["--help"])"""
    result = _run("-c", code)
    assert result.returncode == 0, result.stderr
    assert "assess" in result.stdout
    assert result.stdout.splitlines()[-1].split() == ["loaded:"]


def test_assessments_load_of_scipy_what_they_use() -> None:
    """``scipy.stats`` takes as long to load as everything else; samples alone need it."""
    parts = "scipy.stats scipy.optimize scipy.spatial scipy.special scipy.interpolate"
    result = _run(
        "-c",
        f"import sys, stmgpu.distribute.jobs.assessment; print(*[m for m in '{parts}'.split() if m in sys.modules])",
    )
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


# functions of xp that return the same bytes on every device: CUDA's others, and **, differ by an ulp or two
EXACT = {
    *("arange", "array", "asarray", "ascontiguousarray", "empty", "full", "ndarray", "ones", "zeros"),
    *("concatenate", "flatnonzero", "lexsort", "nonzero", "repeat", "searchsorted", "stack", "tile", "where"),
    *("abs", "floor", "max", "maximum", "min", "minimum", "rint", "sqrt"),
}
SUMS = {"cumsum", "dot", "einsum", "matmul", "mean", "prod", "std", "sum", "trapezoid", "var"}


def test_array_code_is_exact_on_every_device() -> None:
    """In modules that work on arrays of a backend nothing is used whose last digits depend on the device."""
    inexact = []
    for path in _modules_of_arrays():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        counts = [a for c in ast.walk(tree) if isinstance(c, ast.Call) and ast.unparse(c.func) == "int" for a in c.args]
        for node in ast.walk(tree):
            power = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow) and not _of_the_host(node.left)
            power |= isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Pow)
            function = isinstance(node, ast.Attribute) and _is_xp(node.value) and node.attr not in EXACT
            method = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in SUMS
            if power or function or (method and node not in counts and not ast.unparse(node).startswith("np.")):
                inexact.append(f"{path.relative_to(ROOT).as_posix()}:{node.lineno}: {ast.unparse(node)}")
    assert inexact == [], "write products out, and sums term by term; EXACT lists what may be used"


def _modules_of_arrays() -> list[Path]:
    """Modules that ask for ``xp`` or are given it, and what they share."""
    folder = ROOT / "stmgpu"
    found = [
        path
        for path in sorted(folder.rglob("*.py"))
        if path.parent.name != "backend" and re.search(r"\.xp\b|\bxp: ModuleType", path.read_text(encoding="utf-8"))
    ]
    names = {path.relative_to(folder).as_posix() for path in found}
    assert {"screen/refine.py", "propagate/tabulated/tabulated.py", "catalog/trajectories/gravity.py"} <= names
    return [*found, folder / "screen" / "vectors.py", folder / "screen" / "broad_phase.py"]


def _is_xp(node: ast.expr) -> bool:
    return isinstance(node, ast.Name | ast.Attribute) and (node.id if isinstance(node, ast.Name) else node.attr) == "xp"


def _of_the_host(base: ast.expr) -> bool:
    """Whether the base of a power is a number, a constant, or a quantity of the plan."""
    if isinstance(base, ast.BinOp):
        return _of_the_host(base.left) and _of_the_host(base.right)
    text = ast.unparse(base)
    return isinstance(base, ast.Constant) or text.isupper() or text.startswith(("plan.", "self.plan.", "WGS72."))


def test_nobody_keeps_the_array_module() -> None:
    """``backend.xp`` makes the backend's GPU the current one of the thread, so it is asked for in each function."""
    kept = []
    for path in sorted((ROOT / "stmgpu").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Assign) or path.parent.name == "backend":
                continue
            targets = [
                t for target in node.targets for t in (target.elts if isinstance(target, ast.Tuple) else [target])
            ]
            values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value] * len(targets)
            for target, value in zip(targets, values, strict=False):
                if isinstance(target, ast.Attribute) and _is_xp(value):
                    kept.append(f"{path.relative_to(ROOT).as_posix()}:{node.lineno}: {ast.unparse(node)}")
    assert kept == []


def test_cupy_compiles_no_kernel_of_ours() -> None:
    """CuPy appends ``-ftz=true`` to every compilation; modules of machine code are the only ones that may be made."""
    tree = ast.parse((ROOT / "stmgpu" / "backend" / "cuda.py").read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    assert [[k.arg for k in c.keywords] for c in calls if ast.unparse(c.func).endswith("RawModule")] == [["path"]]
    assert not {c.func.attr for c in calls if isinstance(c.func, ast.Attribute)} & {
        "RawKernel",
        "ElementwiseKernel",
        "ReductionKernel",
        "compile_with_cache",
        "fuse",
    }


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
