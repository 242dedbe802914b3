"""The npm packages of ``tests/report/page/package-lock.json``, installed under ``build/``: axe-core and TypeScript."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest
from support.paths import ROOT

LOCK = ROOT / "tests" / "report" / "page"
FOLDER = ROOT / "build" / "page_tools"


@cache
def installed() -> Path:
    """Folder ``node_modules`` with the locked packages; the first caller installs them, others wait for it.

    A test that needs them is skipped where they cannot be installed, and fails there if STMGPU_BROWSER is "required".
    """
    files = [LOCK / "package.json", LOCK / "package-lock.json"]
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    npm = shutil.which("npm")
    if npm is None:
        raise missing("npm is not installed")
    FOLDER.mkdir(parents=True, exist_ok=True)
    stamp = FOLDER / "installed"
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.is_file() or stamp.read_text() != digest:
            stamp.unlink(missing_ok=True)
            for file in files:
                shutil.copyfile(file, FOLDER / file.name)
            command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1"]
            done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, check=False, timeout=300)
            if done.returncode:
                raise missing(f"npm ci failed: {done.stderr.strip()[-300:]}")
            stamp.write_text(digest)
    return FOLDER / "node_modules"


def missing(reason: str) -> BaseException:
    """The exception of a test whose tools are not there: it skips, or fails where they are required."""
    if os.environ.get("STMGPU_BROWSER") == "required":
        return pytest.fail.Exception(reason)
    return pytest.skip.Exception(reason)
