"""The package as others install it: its requirements, the sdist, and a wheel that works outside the checkout."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from support.paths import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
NAMES = {
    "dask_jobqueue": "dask-jobqueue",
    "erfa": "pyerfa",
    "cuda": "cuda-bindings",
    "cupy": "cupy-cuda13x",
    "pydantic_core": "pydantic",
}
"""Names of distributions that differ from that of their module."""


def _distributions(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[<>=!~; ]", text)[0].lower() for text in requirements}


def test_everything_that_is_imported_is_required() -> None:
    """By the package itself or, in the modules that say so when it is missing, by an extra."""
    found: dict[str, set[str]] = {}
    for path in sorted((ROOT / "stmgpu").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
                names = [node.args[0].value] if isinstance(node.args[0], ast.Constant) else []
            for name in names:
                top = name.partition(".")[0]
                if top not in sys.stdlib_module_names and top != "stmgpu":
                    found.setdefault(NAMES.get(top, top), set()).add(path.relative_to(ROOT).as_posix())
    core = _distributions(PROJECT["dependencies"])
    extras = {name: _distributions(lines) for name, lines in PROJECT["optional-dependencies"].items()}
    outside = {name: paths for name, paths in found.items() if name not in core}
    assert outside.keys() <= set().union(*extras.values()), outside
    assert outside["matplotlib"] <= {p for p in outside["matplotlib"] if p.startswith("stmgpu/report/figures/")}
    assert outside["czml3"] == {"stmgpu/report/czml.py"}
    assert {"matplotlib"} == extras["plot"]
    assert {"czml3"} == extras["czml"]
    unused = core - found.keys() - {"cryptography"}  # Dask makes certificates with it
    assert not unused


def test_one_version_everywhere() -> None:
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    image = (ROOT / "slurm" / "stmgpu.def").read_text(encoding="utf-8")
    assert f"\nversion: {PROJECT['version']}\n" in citation
    assert f"\nlicense: {PROJECT['license']}\n" in citation
    assert f"image.version {PROJECT['version']}\n" in image
    assert f"image.licenses {PROJECT['license']}\n" in image


@pytest.mark.slow
def test_without_matplotlib_everything_that_draws_says_the_cure(tmp_path: Path) -> None:
    code = f"""import sys
sys.modules["matplotlib"] = None
import stmgpu as stm
from typer.testing import CliRunner
from stmgpu.cli import app
for command in ("plot x.zarr rate", "screen x.tle --plot x.png", "study x.zarr --plot x.png"):
    result = CliRunner().invoke(app, command.split())
    assert result.exit_code == 2 and "pip install 'stmgpu[plot]'" in result.stderr, (command, result.stderr)
try:
    stm.plot.rate
except ImportError as error:
    assert "pip install 'stmgpu[plot]'" in str(error)
else:
    raise AssertionError
demo = ["demo", "--objects", "300", "--hours", "1", "--out", {str(tmp_path / "demo")!r}]
assert CliRunner().invoke(app, demo).exit_code == 0
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)


@pytest.mark.slow
@pytest.mark.alone
def test_the_wheel_of_the_sdist_runs_outside_the_checkout(tmp_path: Path) -> None:
    """Built and installed without the network: requirements come from the environment of the tests."""
    build = "import sys; from scikit_build_core.build import build_sdist; print(build_sdist(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", build, str(tmp_path)], cwd=ROOT, check=True, capture_output=True)
    (sdist,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = [name.partition("/")[2] for name in archive.getnames()]
    assert {"LICENSE", "CITATION.cff", "CHANGELOG.md", "pyproject.toml", "CMakeLists.txt"} <= set(names)
    assert not [name for name in names if name.startswith(("stmgpu/_native", "build/", "demo/", ".ci"))]
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    options = ["--no-index", "--no-deps", "--no-build-isolation", "--wheel-dir", str(tmp_path)]
    subprocess.run([*pip, "wheel", *options, str(sdist)], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
    tracked = subprocess.run(["git", "ls-files", "stmgpu"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(tracked.stdout.split()) <= held
    assert any(name.endswith("licenses/LICENSE") for name in held)
    assert not [name for name in held if name.startswith(("tests", "benchmarks", "docs"))]

    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "env")], check=True)
    python = tmp_path / "env" / "bin" / "python"
    subprocess.run([*pip, "--python", str(python), "install", "--no-index", "--no-deps", str(wheel)], check=True)
    (site,) = (tmp_path / "env").glob("lib/python*/site-packages")
    (site / "requirements.pth").write_text(sysconfig.get_paths()["purelib"] + "\n", encoding="utf-8")
    outside = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "STMGPU"))}

    def run(*command: str) -> str:
        done = subprocess.run(command, cwd=tmp_path, env=outside, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert Path(run(str(python), "-c", "import stmgpu; print(stmgpu.__file__)").strip()).is_relative_to(site)
    stmgpu = str(tmp_path / "env" / "bin" / "stmgpu")
    assert "closest" in run(stmgpu, "demo", "--objects", "2000", "--out", "demo").lower()
    assert "complete and undamaged" in run(stmgpu, "check", "demo/conjunctions.zarr")
    run(stmgpu, "plot", "demo/conjunctions.zarr", "rate", "--out", "rate.pdf")
    assert run(stmgpu, "--version").strip() == f"stmgpu {PROJECT['version']}"


def test_the_image_takes_the_versions_of_the_lock(tmp_path: Path) -> None:
    """The line of ``stmgpu.def`` that makes constraints of the lock keeps markers, and every requirement has one."""
    text = (ROOT / "slurm" / "stmgpu.def").read_text(encoding="utf-8")
    (line,) = re.findall(r"^    (sed -n .*?constraints\.txt)$", text, re.M | re.S)
    command = line.replace("/opt/stmgpu/requirements.lock", str(ROOT / "requirements.lock"))
    command = command.replace("/opt/stmgpu/constraints.txt", "constraints.txt")
    subprocess.run(["bash", "-c", command], cwd=tmp_path, check=True)
    lines = (tmp_path / "constraints.txt").read_text(encoding="utf-8").splitlines()
    for python in ("3.11", "3.12"):
        environment = {"python_version": python, "python_full_version": f"{python}.0"}
        pinned = [one for one in map(Requirement, lines) if one.marker is None or one.marker.evaluate(environment)]
        names = [one.name for one in pinned]
        assert len(set(names)) == len(names)
        needed = _distributions([*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["plot"]])
        assert needed <= {name.lower() for name in names}
