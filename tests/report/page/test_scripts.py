"""The pure parts of the page's scripts (scales, ticks, bins, projections, orbits) in node, without a browser.

Each ``scripts/*.test.js`` says what it takes as truth.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SCRIPTS = Path("stmgpu/report/page/scripts")
TESTS = Path("tests/report/page/scripts")
FILES = sorted(path.name for path in (ROOT / TESTS).glob("*.test.js"))


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy of scripts and tests in a folder that declares them as modules, which node asks for."""
    root = tmp_path_factory.mktemp("scripts")
    for folder in (SCRIPTS, TESTS):
        shutil.copytree(ROOT / folder, root / folder)
    (root / "package.json").write_text('{"type": "module"}')
    return root


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("node") is None, reason="node is not on this machine")
@pytest.mark.parametrize("name", FILES)
def test_scripts_in_node(modules: Path, name: str) -> None:
    run = subprocess.run(
        ["node", "--test", str(TESTS / name)], cwd=modules, capture_output=True, text=True, timeout=120, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "# pass 0" not in run.stdout, run.stdout


def test_every_script_stays_short() -> None:
    lengths = {path.name: len(path.read_text().splitlines()) for path in (ROOT / SCRIPTS).glob("*.js")}
    assert lengths
    assert {name: length for name, length in lengths.items() if length > 200} == {}


def test_every_script_is_checked_for_types() -> None:
    unchecked = [p.name for p in (ROOT / SCRIPTS).glob("*.js") if not p.read_text().startswith("// @ts-check\n")]
    assert unchecked == []
