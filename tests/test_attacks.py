"""Damaged and hostile files of every format: a result or an error of ours, never another one.

STMGPU_ATTACKS=1 is the nightly form: 10,000 damaged files of each format, and hostile files of 20 MB.
"""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from support.attacks import READ, mutated, sound_files
from support.hostile import HOSTILE, HOSTILE_CDM
from support.paths import ROOT

from stmgpu.errors import MAX_MESSAGE, StmgpuError

NIGHTLY = bool(os.environ.get("STMGPU_ATTACKS"))
MUTATIONS = 10_000 if NIGHTLY else 500
LARGEST_KB, LONGEST_S = 1_000_000, 30.0

MEASURED = """
import resource, sys, time
from support.hostile import HOSTILE
from stmgpu.catalog import read_catalog
from stmgpu.errors import StmgpuError
content = HOSTILE[sys.argv[1]](20_000_000)
begin = time.process_time()
try:
    read_catalog(content)
except StmgpuError as error:
    assert len(str(error)) <= 1000
print(time.process_time() - begin, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", READ)
def test_damaged_files(name: str, tmp_path: Path) -> None:
    content, read = sound_files(tmp_path)[name]
    path = tmp_path / "damaged"
    read(content, path)
    messages = []
    for k in range(MUTATIONS):
        damaged = mutated(content, random.Random(f"{name} {k}"))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                read(damaged, path)
        except StmgpuError as error:
            messages.append(str(error))
        except Exception as error:
            raise AssertionError(f"{name} {k}: {type(error).__name__}: {error}; content {damaged!r}") from error
    assert 0 < len(messages) < MUTATIONS
    assert max(map(len, messages)) <= MAX_MESSAGE
    assert "".join(messages).replace("\n", "").isprintable()


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files(name: str) -> None:
    """Small ones in every run: quadratic work would show in the nightly form only, wrong errors here."""
    from stmgpu.catalog import read_catalog

    with contextlib.suppress(StmgpuError):
        assert len(read_catalog(HOSTILE[name](20_000))) > 0


@pytest.mark.parametrize("name", HOSTILE_CDM)
def test_hostile_messages(name: str) -> None:
    from stmgpu.messages.cdm import read_cdm

    rejected: list[str] = []
    with contextlib.suppress(StmgpuError):
        assert read_cdm(HOSTILE_CDM[name](20_000_000 if NIGHTLY else 20_000), on_rejected=rejected.append) == []
    assert len(rejected) <= 1002
    assert max(map(len, rejected), default=0) <= MAX_MESSAGE


@pytest.mark.slow
@pytest.mark.skipif(not NIGHTLY, reason="hostile files of 20 MB take minutes; STMGPU_ATTACKS=1 reads them")
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_of_20_mb(name: str) -> None:
    command = [sys.executable, "-c", MEASURED, name]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT / "tests"), str(ROOT)))}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    seconds, kilobytes = map(float, done.stdout.split())
    assert seconds < LONGEST_S
    assert kilobytes < LARGEST_KB
