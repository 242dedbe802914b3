"""The page's modules under TypeScript's strict checks, by their JSDoc."""

from __future__ import annotations

import subprocess

import pytest
from support.npm_tools import LOCK, installed
from support.paths import ROOT

SCRIPTS = ROOT / "stmgpu" / "report" / "page" / "scripts"


@pytest.mark.slow
def test_modules_pass_strict_type_checks() -> None:
    command = [installed() / "typescript" / "bin" / "tsc", "--project", LOCK / "tsconfig.json", "--listFiles"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    errors = [line for line in done.stdout.splitlines() if "error TS" in line]
    assert (done.returncode, errors) == (0, [])
    checked = {line.rpartition("/")[2] for line in done.stdout.splitlines() if "/page/scripts/" in line}
    assert checked == {path.name for path in SCRIPTS.glob("*.js")}
