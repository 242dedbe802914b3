"""``stmgpu assess``: what it prints, writes and refuses."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from support.commands import refused, stmgpu
from support.messages import kvn
from support.stores import BACKEND, screen, small_catalog

import stmgpu as stm
from stmgpu.backend.cpu import usable_levels
from stmgpu.risk.variables import FLAGS, VARIABLES

pytestmark = pytest.mark.skipif(not usable_levels(), reason="the kernels were not compiled here")

ASSUMED = ("--covariance", "rtn:1000,3000,1000", "--radii", "fixed:20", "--backend", BACKEND)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = tmp_path_factory.mktemp("screened") / "s.zarr"
    assert screen(small_catalog(800), store, hours=3.0).complete
    return store


def test_text_says_what_the_numbers_stand_on(store: Path) -> None:
    run = stmgpu("assess", store, "--backend", BACKEND)
    assert run.exit_code == 0, run.stderr
    con = stm.open_dataset(store)
    text = " ".join(run.stdout.split())
    assert f"{con.sizes['conjunction']} conjunctions: 0 act" in text
    assert "do not suffice for decisions about manoeuvres" in text
    assert "expected collisions: " in text
    assert "covariances: tle-2013; radii: socrates; method: 2-D" in text
    assert text.index("max Pc miss") > 0  # covariances are a model: the maximum stands first
    assert "by triage and max Pc" in text
    assert f"written: {store}" in text
    assert max(map(len, run.stdout.splitlines())) <= 80


def test_json_and_csv_have_every_column(store: Path, tmp_path: Path) -> None:
    table = tmp_path / "risks.csv"
    run = stmgpu("assess", store, *ASSUMED, "--csv", table, "--json")
    assert run.exit_code == 0, run.stderr
    document = json.loads(run.stdout)
    con = stm.open_dataset(store)
    assert document["conjunctions_assessed"] == con.sizes["conjunction"] == len(document["conjunctions"])
    assert sum(document["triage"].values()) == con.sizes["conjunction"]
    assert document["expected_collisions"] == pytest.approx(float(np.nansum(con.pc)), rel=1e-12)
    assert document["without_probability"] == int(np.isnan(con.pc).sum())
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == con.sizes["conjunction"]
    names = {name.rpartition("_")[0] if name not in VARIABLES else name for name in rows[0]}
    assert set(VARIABLES) <= names
    for k in (0, len(rows) - 1):
        event, row, entry = con.isel(conjunction=k), rows[k], document["conjunctions"][k]
        assert float(row["pc_max"]) == pytest.approx(float(event.pc_max), rel=1e-8) == entry["pc_max"]
        assert row["triage_reason"] == str(event.triage_reason.item()) == entry["triage_reason"]
        words = [word for bit, word in FLAGS.items() if int(event.pc_flags) & bit]
        assert row["pc_flags"].split("|") == (words or [""])
        assert entry["pc_flags"] == words
        assert row["hard_body_radius_m"] == "20"
    worst = document["worst"]
    decisions = con.triage.values[worst]
    assert (np.diff(decisions) <= 0).all()


def test_a_plan_writes_nothing(tmp_path: Path) -> None:
    store = tmp_path / "s.zarr"
    screen(small_catalog(300), store, hours=1.0)
    run = stmgpu("assess", store, *ASSUMED, "--rows-per-tile", 5, "--dry-run")
    assert run.exit_code == 0, run.stderr
    assert "conjunctions" in run.stdout
    assert not (store / "assessment").exists()


def test_a_task_leaves_the_rest_to_others(tmp_path: Path) -> None:
    store = tmp_path / "s.zarr"
    screen(small_catalog(800), store, hours=2.0)
    words = ("assess", store, *ASSUMED, "--rows-per-tile", 10, "--executor", "slurm-array", "--task")
    first = stmgpu(*words, "0/2")
    assert first.exit_code == 0, first.stderr
    assert "belong to other tasks" in " ".join(first.stderr.split())
    assert stmgpu(*words, "1/2").exit_code == 0
    assert "pc" in stm.open_dataset(store)
    status = stmgpu("status", store)
    assert "assessment, complete" in status.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--covariance guess", "covariance source 'guess' is unknown"),
        ("--radii guess", "radius rule 'guess' is unknown"),
        ("--lines guess", "lines 'guess' are unknown"),
        ("--samples 10", "samples is 10, but the covariances (tle-2013) are only a model; ask for methods of slow"),
        ("--samples -1", "greater than or equal"),
        ("--rows-per-tile 0", "greater than or equal"),
        ("--csv no/such/folder.csv", "there is no folder"),
        ("--csv - --json", "both write to standard output"),
    ],
)
def test_wrong_options(store: Path, words: str, message: str) -> None:
    run = stmgpu("assess", store, "--backend", BACKEND, *words.split())
    assert run.exit_code == 2
    assert message in " ".join(run.stderr.split())


def test_messages_have_a_store_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "event.cdm").write_text(kvn())
    (tmp_path / "broken.cdm").write_text(kvn().replace("X_DOT", "Y_DOT"))
    store, table = tmp_path / "events.zarr", tmp_path / "events.csv"
    words = ("assess", "--cdm", tmp_path / "event.cdm", "--cdm", tmp_path / "broken.cdm", "--backend", BACKEND)
    run = stmgpu(*words, "--out", store, "--csv", table)
    assert run.exit_code == 0, run.stderr
    assert "rejected: " in run.stderr
    text = " ".join(run.stdout.split())
    assert "1 conjunction: 1 act" in text
    assert "sum of Pc: 0.000447, with every message of an event" in text
    assert "91001" in text
    assert max(map(len, run.stdout.splitlines()[:-1])) <= 80
    with table.open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["message_id"], row["triage"], row["hard_body_source"]) == ("event-1", "act", "COMMENT HBR")
    assert stmgpu("check", store).exit_code == 0
    again = stmgpu(*words, "--out", store)
    assert again.exit_code == 2
    assert "exists" in again.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("assess", "nothing to assess"),
        ("assess --cdm event.cdm", "messages need --cdm FILE and --out STORE"),
        ("assess --out e.zarr", "messages need --cdm FILE and --out STORE"),
        ("assess s.zarr --cdm event.cdm --out e.zarr", "assess one of them"),
        ("assess --cdm event.cdm --out e.zarr --covariance tle", "--covariance is for conjunctions of a screening"),
        (
            "assess --cdm event.cdm --out e.zarr --decision-hours 5",
            "--decision-hours is for conjunctions of a screening",
        ),
        ("assess --cdm event.cdm --out e.zarr --slow all", "--slow is for conjunctions of a screening"),
        ("assess --cdm event.cdm --out event.cdm", "event.cdm exists; choose another path, or remove it first"),
        ("assess --cdm event.cdm --out e.zarr --executor dask", "are for the store of a screening"),
        ("assess --cdm event.cdm --out e.zarr --lines guess", "lines 'guess' are unknown"),
    ],
)
def test_wrong_requests_for_messages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str, message: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "event.cdm").write_text(kvn())
    refused(stmgpu(*words.split()), message)
    assert not (tmp_path / "e.zarr").exists()


def test_wrong_stores(tmp_path: Path) -> None:
    run = stmgpu("assess", tmp_path / "none.zarr")
    assert run.exit_code == 2
    assert "there is no store at" in run.stderr
    eph = tmp_path / "e.zarr"
    stm.write_dataset(stm.propagate(small_catalog(3), "2025-01-01", hours=1, step_s=600), eph, "ephemeris")
    run = stmgpu("assess", eph)
    assert run.exit_code == 2
    assert "is a store of kind ephemeris, not conjunctions" in " ".join(run.stderr.split())
