"""Progress of a run, as everybody who can read its store sees it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.commands import stmgpu
from support.stores import screen, small_catalog
from support.studies import flip, stopping_after

import stmgpu as stm
from stmgpu.backend.cpu import usable_levels
from stmgpu.distribute.status import status
from stmgpu.store import write_dataset
from stmgpu.store.provenance import worker
from stmgpu.store.records import read_record, write_record
from stmgpu.store.run import DOCUMENT, open_run

pytestmark = pytest.mark.skipif(not usable_levels(), reason="the kernels were not compiled here")


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of six tiles, of which two are done."""
    store = tmp_path_factory.mktemp("stores") / "s.zarr"
    screen(small_catalog(250), store, tile_hours=1.0, stop=stopping_after(2))
    return store


@pytest.fixture
def store(stopped: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(stopped, tmp_path / "s.zarr"))


def session_of(store: Path, **changes: Any) -> None:
    """Change the record of the only session; None removes a field."""
    (path,) = (store / "run" / "sessions").glob("*.json")
    name = path.relative_to(store).as_posix()
    record = read_record(store, name) | changes
    write_record(store, name, {key: value for key, value in record.items() if value is not None})


def test_an_unfinished_run(store: Path) -> None:
    facts = status(store)
    assert facts["state"] == "unfinished"
    assert facts["tiles"] == {"all": 6, "done": 2, "running": 0, "failed": 0, "damaged": 0, "missing": 4}
    assert facts["missing"] == ["h00002-00003", "h00003-00004", "h00004-00005", "h00005-00006-end19800"]
    (session,) = facts["sessions"]
    assert (session["state"], session["tiles"], session["process"]) == ("ended", 2, os.getpid())
    assert facts["last_tile"].endswith("+00:00")


def test_a_tile_in_work(store: Path) -> None:
    session_of(store, end=None)
    with open_run(store).computing("h00002-00003", worker()):
        facts = status(store)
        text = stmgpu("status", store)
    assert (facts["state"], facts["tiles"]["running"], facts["tiles"]["missing"]) == ("running", 1, 3)
    (note,) = facts["running"]
    assert (note["tile"], note["process"], note["host"]) == ("h00002-00003", os.getpid(), worker()["host"])
    assert text.exit_code == 0, text.stderr
    assert "tiles              6: 2 done, 1 running, 3 missing\n" in text.stdout
    assert f"h00002-00003 by {worker()['user']} on {worker()['host']} (process {os.getpid()})" in text.stdout
    assert max(map(len, text.stdout.splitlines())) <= 80
    assert status(store)["running"] == []


def test_a_run_that_was_killed(store: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    session_of(store, end=None, process=gone.pid)
    note = store / "run" / "running" / "h00003-00004.json"
    note.parent.mkdir(exist_ok=True)
    note.write_text(json.dumps(worker() | {"process": gone.pid, "since": "2025-01-01T00:00:00+00:00"}))
    facts = status(store)
    assert (facts["state"], facts["running"], facts["sessions"][0]["state"]) == ("unfinished", [], "killed")
    note.write_text(json.dumps(worker() | {"process": os.getpid(), "since": "2001-01-01T00:00:00+00:00"}))
    assert status(store)["running"] == [], "the number of a process that is gone may be that of another"
    session_of(store, host="elsewhere")
    assert status(store)["sessions"][0]["state"] == "unknown"


def test_failures_and_damage(store: Path) -> None:
    open_run(store).fail("h00002-00003", "out of luck")
    flip(store / "run" / "tiles" / "h00000-00001.npz")
    facts = json.loads(stmgpu("status", store, "--json").stdout)
    assert (facts["state"], facts["failed"]) == ("damaged", {"h00002-00003": "out of luck"})
    assert facts["tiles"] == {"all": 6, "done": 1, "running": 0, "failed": 1, "damaged": 1, "missing": 3}
    (store / DOCUMENT).write_text("{")
    broken = stmgpu("status", store)
    assert broken.exit_code == 1
    assert "run/run.json has other contents" in broken.stdout


def test_finished_stores(store: Path, tmp_path: Path) -> None:
    assert screen(small_catalog(250), store).complete
    facts = status(store)
    assert (facts["state"], facts["tiles"]["done"], facts["missing"], facts["problems"]) == ("complete", 6, [], [])
    plain = write_dataset(stm.open_dataset(store), tmp_path / "plain.zarr", "conjunctions")
    assert status(plain) == {"store": str(plain), "kind": "conjunctions", "state": "complete", "problems": []}
