"""Messages of the command line: no input can command the terminal, and arguments are checked first."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from support.commands import refused, stmgpu
from support.studies import STUDY, write_study

from stmgpu.backend.cpu import usable_levels
from stmgpu.catalog import synthetic_catalog, write_catalog
from stmgpu.cli import app, catalog_app, cdm_app, covariance_app

pytestmark = pytest.mark.skipif(not usable_levels(), reason="the kernels were not compiled here")

HOSTILE = "\x1b]0;owned\x07\x9b2J\r\u202egnp"
"""Sets the title, rings, clears the screen, returns to the margin, turns the direction of the text."""


def silent(text: str) -> bool:
    """Whether a terminal would show a text as it is."""
    return all(c.isprintable() or c == "\n" for c in text)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_catalog(synthetic_catalog(100, seed=4), tmp_path / "c.csv")
    write_study(tmp_path, STUDY)
    return tmp_path


@pytest.mark.parametrize(
    "command",
    [
        "screen 'X'",
        "X",
        "screen c.csv --X",
        "screen c.csv --hours 'X'",
        "screen c.csv --backend 'X'",
        "screen c.csv --start 'X'",
        "screen c.csv --csv 'no/X.csv'",
        "catalog convert c.csv 'made.X'",
        "catalog synthesize made.csv --format 'X'",
        "scenario s.toml --name 'X'",
        "evolve 'X' --out s.zarr",
        "check 'X'",
        "info 'X'",
        "study 'X'",
        "merge 'X'",
        "export 'X' crate",
        "cdm read 'X'",
        "pc --cdm 'X'",
        "covariance fit 'X' --out m.toml",
        "covariance fit c.csv --out m.toml --name 'X'",
        "covariance check c.csv --covariance 'X'",
        "covariance check c.csv --ages 'X'",
    ],
)
def test_arguments_do_not_command_the_terminal(command: str, folder: Path) -> None:
    result = stmgpu(*(word.replace("X", HOSTILE) for word in shlex.split(command)))
    assert result.exit_code in (1, 2)
    assert result.stderr
    assert silent(result.stderr.replace("╭", "").replace("│", "")), ascii(result.stderr)
    assert result.stdout == ""


@pytest.mark.slow
def test_files_do_not_command_the_terminal(folder: Path) -> None:
    lines = (folder / "c.csv").read_text(encoding="utf-8").splitlines()
    name = folder / f"{HOSTILE}.csv"
    broken = lines[1].replace("SYN-", HOSTILE, 1), lines[2].replace(",", f",{HOSTILE}", 3)
    name.write_text("\n".join([lines[0], *broken, *lines[3:]]), encoding="utf-8", newline="\n")
    (folder / "s.toml").write_text(
        STUDY.replace('"nothing"', '"a\\u001b[2J\\u009bb"').replace("runs = 3", "runs = 1"), encoding="utf-8"
    )
    results = [
        stmgpu("screen", name, "--hours", 1, "--threshold-km", 100, "--backend", "cpu", "--out", f"{HOSTILE}.zarr"),
        stmgpu("catalog", "summary", name, "--rejected"),
        stmgpu("info", f"{HOSTILE}.zarr"),
        stmgpu("evolve", "s.toml", "--out", "d.zarr", "--dry-run"),
    ]
    for result in results:
        assert result.exit_code in (0, 2), result.exception
        assert silent(result.stdout + result.stderr), ascii(result.stdout + result.stderr)
    assert any("\\x1b" in result.stdout + result.stderr for result in results)
    logged = stmgpu("--log-json", "catalog", "summary", name).stderr
    assert logged.isascii()
    assert silent(logged)


def test_unexpected_errors_do_not_command_the_terminal(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(*_: object, **__: object) -> None:
        raise ZeroDivisionError(HOSTILE, 3)

    monkeypatch.setattr("stmgpu.catalog.read_catalog", read)
    error = stmgpu("catalog", "summary", "c.csv").exception
    assert isinstance(error, ZeroDivisionError)
    assert silent(str(error.args[0]))
    assert error.args[1] == 3


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("screen big --threshold-km -1", "a threshold of -1.0 km is not supported"),
        ("screen big --hours 0", "a window of 0.0 hours is not possible"),
        ("screen big --days 31", "a window of 31 days is not supported"),
        ("screen big --start soon", "is not a UTC time"),
        ("screen big --start 1600-01-01", "outside the years"),
        ("screen big --step-s 7", "step 7 s is not supported"),
        ("screen big --csv no/such/folder.csv", "there is no folder"),
        ("screen big --plot x.gif", "not a figure format"),
        ("screen big --ephemeris no.oem", "there is no file 'no.oem'"),
        ("screen big --append", "need a store"),
        ("screen big --out s.zarr --resume", "there is no store"),
        ("screen big --out s.zarr --tile-hours -1", "tiles of -1.0 hours are not possible"),
        ("screen big --out s.zarr --executor slurm-array --task 3/2", "is not a share"),
        ("propagate big --out e.zarr --step-s 0", "use a positive step"),
        ("propagate big --out e.zarr --hours nan", "a window of nan hours"),
        ("covariance fit big --out no/such/m.toml", "there is no folder"),
        ("covariance fit big --out m.toml --ages 2,1", "two or more rising numbers of days"),
        ("covariance fit big --out m.toml --name a/b", "allowed are up to 40 letters"),
        ("covariance fit big --out m.toml --reference no.oem", "there is no file 'no.oem'"),
        ("covariance check big --covariance none", "covariance source 'none' is unknown"),
        ("catalog convert big made.xyz", "format 'xyz' is unknown"),
        ("catalog synthesize made.csv --format xyz", "format 'xyz' is unknown"),
    ],
)
def test_arguments_are_checked_before_the_catalogue_is_read(
    command: str, message: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(*_: object, **__: object) -> None:
        raise AssertionError("read")

    (folder / "big").touch()
    monkeypatch.setattr("stmgpu.catalog.read_catalog", read)
    monkeypatch.setattr("stmgpu.catalog.synthetic_catalog", read)
    refused(stmgpu(*shlex.split(command)), message)


def test_every_help_page_fits_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERMINAL_WIDTH", "80")
    verbs = [[c.name or c.callback.__name__.replace("_", "-")] for c in app.registered_commands if c.callback]
    verbs += [["catalog", c.callback.__name__] for c in catalog_app.registered_commands if c.callback]
    verbs += [["cdm", c.callback.__name__] for c in cdm_app.registered_commands if c.callback]
    verbs += [["covariance", c.callback.__name__] for c in covariance_app.registered_commands if c.callback]
    for verb in ([], ["catalog"], ["cdm"], ["covariance"], *verbs):
        page = stmgpu(*verb, "-h").stdout
        assert "Usage" in page
        assert max(map(len, page.splitlines())) <= 80, verb
        flags = [line for line in page.splitlines() if "<bool>" in line]
        assert all(re.search("--help|completion", line) for line in flags), verb  # flags take no value


def test_values_of_info_fit_80_columns(folder: Path) -> None:
    assert stmgpu("screen", "c.csv", "--hours", 0.1, "--backend", "cpu", "--out", "s.zarr").exit_code == 0
    for arguments in ([], ["s.zarr"]):
        lines = stmgpu("info", *arguments).stdout.splitlines()
        assert max(map(len, lines)) <= 80
    assert any(re.fullmatch(r"    [0-9a-f]{64}", line) for line in lines)  # a hash is not broken
