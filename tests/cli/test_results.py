"""``--json`` and standard output: one document for every command, with the keys that the guide lists."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.commands import refused, stmgpu
from support.messages import kvn
from support.paths import ROOT

from stmgpu.backend.cpu import usable_levels
from stmgpu.catalog import synthetic_catalog, write_catalog
from stmgpu.cli import app, catalog_app, cdm_app
from stmgpu.cli.results import plain
from stmgpu.screen.csv_table import CSV_COLUMNS
from stmgpu.store import open_dataset

pytestmark = pytest.mark.skipif(not usable_levels(), reason="the kernels were not compiled here")

GUIDE = (ROOT / "docs" / "guide" / "scripts.md").read_text(encoding="utf-8")
COMMANDS = {
    "info": "info",
    "catalog summary": "catalog summary c.csv",
    "catalog convert": "catalog convert c.csv made.json",
    "catalog synthesize": "catalog synthesize made.csv --objects 3",
    "screen": "screen c.csv --hours 1 --threshold-km 50 --backend cpu",
    "propagate": "propagate c.csv --hours 0.1 --out e.zarr --backend cpu",
    "screen --dry-run": "screen c.csv --hours 1 --dry-run",
    "propagate --dry-run": "propagate c.csv --hours 1 --out f.zarr --dry-run",
    "status": "status s.zarr",
    "check": "check s.zarr",
    "merge": "merge s.zarr",
    "info STORE": "info s.zarr",
    "scenario": "scenario made.toml",
    "plot": "plot s.zarr rate",
    "view": "view s.zarr --czml s.czml --backend cpu",
    "export": "export s.zarr crate",
    "export --socrates": "export s.zarr --socrates socrates.csv --backend cpu",
    "report": "report s.zarr --out report.html",
    "assess": "assess s.zarr --backend cpu",
    "assess --dry-run": "assess s.zarr --dry-run",
    "crash-clock": "crash-clock c.csv",
    "reproduce": "reproduce --list",
    "cdm check": "cdm check event.cdm",
    "cdm read": "cdm read event.cdm",
    "pc": "pc --cdm event.cdm --backend cpu",
}
"""Commands by the name that the table of the guide has for them."""

SLOW = {"cdm write", "demo", "evolve", "study", "compile", "evolve --dry-run"}
"""Commands that have a test of their own here or elsewhere."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    write_catalog(synthetic_catalog(400, seed=4), folder / "c.csv")
    (folder / "event.cdm").write_text(kvn())
    result = stmgpu(
        "screen", folder / "c.csv", "--hours", 1, "--threshold-km", 50, "--backend", "cpu", "--out", folder / "s.zarr"
    )
    assert result.exit_code == 0, result.stderr
    return folder


@pytest.fixture
def folder(made: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(made)
    return made


def document_of(text: str) -> dict[str, Any]:
    """The one JSON document in a text; ValueError for NaN and Infinity, which are not JSON."""

    def refuse(name: str) -> None:
        raise ValueError(name)

    document = json.loads(text, parse_constant=refuse)
    assert isinstance(document, dict)
    return document


def keys_of_the_guide() -> Iterator[tuple[str, list[str]]]:
    table = GUIDE[GUIDE.index("| command | keys |") :]
    for commands, keys in re.findall(r"^\| (`.*?) \| (.*?) \|$", table, re.M):
        for command in re.findall(r"`([^`]+)`", commands):
            yield command, re.findall(r"`(\w+)`", keys)


def test_the_guide_lists_every_command() -> None:
    verbs = [command.name or command.callback.__name__ for command in app.registered_commands if command.callback]
    verbs += [f"catalog {command.callback.__name__}" for command in catalog_app.registered_commands if command.callback]
    verbs += [f"cdm {command.callback.__name__}" for command in cdm_app.registered_commands if command.callback]
    listed = dict(keys_of_the_guide())
    assert {verb.replace("_", "-") for verb in verbs} == {
        re.sub(r" (--dry-run|--socrates|STORE)$", "", name) for name in listed
    }
    assert COMMANDS.keys() | SLOW == listed.keys()


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_prints_one_document_with_the_keys_of_the_guide(name: str, folder: Path) -> None:
    result = stmgpu(*shlex.split(COMMANDS[name]), "--json")
    assert result.exit_code == 0, result.stderr
    document = document_of(result.stdout)
    assert document.keys() == set(dict(keys_of_the_guide())[name])
    assert result.stdout.isascii()


@pytest.mark.slow
def test_the_demonstration_as_a_document(folder: Path) -> None:
    result = stmgpu("demo", "--objects", 60, "--hours", 0.1, "--backend", "cpu", "--json")
    assert document_of(result.stdout).keys() == set(dict(keys_of_the_guide())["demo"])


@pytest.mark.slow
def test_a_study_as_a_document(study: Path, tmp_path: Path) -> None:
    store, listed = tmp_path / "s.zarr", dict(keys_of_the_guide())
    command = ("evolve", study, "--out", store, "--years", 1, "--runs", 1, "--threads", 1, "--json")
    planned = document_of(stmgpu(*command, "--dry-run").stdout)
    assert planned.keys() == (set(listed["screen --dry-run"]) - {"executor"}) | {"inputs"}
    evolved = document_of(stmgpu(*command).stdout)
    assert evolved.keys() == set(listed["evolve"])
    assert evolved["written"] == [str(store)]
    again = document_of(stmgpu("study", store, "--json").stdout)
    assert again == evolved | {"written": []}


def test_rows_are_those_of_the_store(folder: Path) -> None:
    ds = open_dataset(folder / "s.zarr", "conjunctions")
    document = document_of(stmgpu(*shlex.split(COMMANDS["screen"]), "--json").stdout)
    rows = document["conjunctions"]
    assert document["events"] == len(rows) == ds.sizes["conjunction"] > 0
    assert list(rows[0]) == [CSV_COLUMNS[name] for name in CSV_COLUMNS if name in ds.variables]
    assert [row["primary"] for row in rows] == ds.primary.to_numpy().tolist()
    assert [row["miss_distance_km"] for row in rows] == np.round(ds.miss_distance.to_numpy(), 9).tolist()
    assert all(isinstance(row["flags"], list) for row in rows)
    assert {type(row["tca"]) for row in rows} == {str}
    assert document["certificate"]["complete"] is True


def test_a_share_prints_how_much_is_done(folder: Path, tmp_path: Path) -> None:
    command = ("screen", "c.csv", "--hours", 2, "--backend", "cpu", "--out", tmp_path / "a.zarr", "--tile-hours", 1)
    result = stmgpu(*command, "--executor", "slurm-array", "--task", "0/2", "--json")
    assert result.exit_code == 0, result.stderr
    document = document_of(result.stdout)
    assert document == {"complete": False, "store": str(tmp_path / "a.zarr"), "tiles": 2, "tiles_done": 1}


def test_findings_of_a_damaged_store_are_a_document_and_a_failure(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "s.zarr", tmp_path / "d.zarr")
    next((tmp_path / "d.zarr" / "miss_distance").rglob("c/*")).write_bytes(b"damaged")
    result = stmgpu("check", tmp_path / "d.zarr", "--json")
    assert result.exit_code == 1
    document = document_of(result.stdout)
    assert document["problems"] == len(document["findings"]) > 0
    assert all(finding.keys() == {"problem", "remedy"} for finding in document["findings"])


def test_a_refusal_prints_no_document(folder: Path) -> None:
    refused(stmgpu("screen", "c.csv", "--hours", -1, "--json"), "window of -1.0 hours")


@pytest.mark.parametrize(
    ("command", "first"),
    [
        ("screen c.csv --hours 1 --threshold-km 50 --backend cpu --csv -", "tca,primary,secondary"),
        ("catalog convert c.csv - --format 3le", "0 SYN-"),
        ("catalog synthesize - --objects 3 --format csv", "OBJECT_NAME,"),
        ("scenario -", "#"),
    ],
)
def test_a_dash_is_standard_output_alone(command: str, first: str, folder: Path) -> None:
    before = sorted(path.name for path in folder.iterdir())
    result = stmgpu(*shlex.split(command))
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith(first)
    file = command.replace(" - ", " made.txt ") if " - " in command else command.removesuffix("-") + "made.txt"
    assert stmgpu(*shlex.split(file)).exit_code == 0
    assert (folder / "made.txt").read_text(encoding="utf-8") == result.stdout
    (folder / "made.txt").unlink()
    assert sorted(path.name for path in folder.iterdir()) == before


def test_the_text_goes_to_standard_error_then(folder: Path) -> None:
    result = stmgpu(*shlex.split(COMMANDS["screen"]), "--csv", "-")
    assert "certificate: complete" in result.stderr
    assert "certificate" not in result.stdout
    assert max(map(len, result.stdout.splitlines())) > 100  # not folded


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("screen c.csv --csv - --json", "--json and - both write to standard output"),
        ("screen c.csv --out -", "a store is a folder"),
        ("screen s.zarr --csv -", "is a store; give a catalogue file, or screen a store of"),
        ("screen c.csv --plot -", "not a figure format"),
        ("catalog convert c.csv -", "choose one with --format"),
    ],
)
def test_what_cannot_go_to_standard_output(command: str, message: str, folder: Path) -> None:
    refused(stmgpu(*shlex.split(command)), message)
    assert not (folder / "-").exists()


@pytest.mark.slow
def test_a_reader_of_the_table_that_leaves_early_is_no_error(folder: Path) -> None:
    command = f"{sys.executable} -m stmgpu.cli -q catalog synthesize - --format csv | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[1:] == ["0"]
    assert done.stdout.startswith("OBJECT_NAME,")
    assert done.stderr == ""


def test_plain_values() -> None:
    instants = np.array(["2024-07-05T12:00:00", "NaT"], "datetime64[ns]")
    value = {
        "t": instants,
        "x": [np.float32(0.5), float("inf"), np.int8(3), np.bool_(1)],
        1: Path("a"),
        "m": instants[1],
    }
    assert plain(value) == {"t": ["2024-07-05T12:00:00.000000Z", None], "x": [0.5, None, 3, True], "1": "a", "m": None}
    with pytest.raises(TypeError, match="object is not JSON"):
        plain(object())


def test_nothing_else_writes_to_standard_output() -> None:
    for path in (ROOT / "stmgpu" / "cli").glob("*.py"):
        for line in path.read_text(encoding="utf-8").splitlines():
            assert "typer.echo(" not in line or "err=True" in line or path.name == "__init__.py", (path.name, line)
