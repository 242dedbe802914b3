"""What a command that ends early says about resuming: the exact command, or why there is nothing to resume."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from support.commands import stmgpu
from support.studies import stopping_after
from typer.testing import Result

from stmgpu.backend.cpu import usable_levels
from stmgpu.catalog import synthetic_catalog, write_catalog
from stmgpu.cli.invocation import Invocation
from stmgpu.errors import InputError, StoreError

pytestmark = pytest.mark.skipif(not usable_levels(), reason="the kernels were not compiled here")

HOURS = ("--hours", 2, "--tile-hours", 1, "--backend", "cpu")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_catalog(synthetic_catalog(100, seed=4), tmp_path / "my objects.csv")
    return tmp_path


@pytest.fixture
def ended_early(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run a command that is ended after its first tile by an exception, or by SIGUSR1 where there is none."""

    def run(*arguments: object, by: BaseException | None, after: int = 1) -> Result:
        is_time = stopping_after(after)

        def stopping() -> bool:
            if not is_time():
                return False
            if by is not None:
                raise by
            return True

        with monkeypatch.context() as patch:
            patch.setattr("stmgpu.cli.common.stopping", stopping)
            return stmgpu(*arguments)

    return run


@pytest.mark.parametrize(
    ("by", "code"), [(KeyboardInterrupt(), 130), (SystemExit(143), 143), (None, 75)], ids=["Ctrl-C", "SIGTERM", "USR1"]
)
def test_the_command_that_resumes_leaves_overwrite_out(
    by: BaseException | None, code: int, folder: Path, ended_early: Callable[..., Result]
) -> None:
    command = ("screen", "my objects.csv", "--out", "s.zarr", *HOURS)
    result = ended_early(*command, "--overwrite", by=by)
    assert (result.exit_code, result.stdout) == (code, "")
    advice, _, resume = result.stderr.splitlines()[-1].rpartition("discard them: ")
    assert "finished tiles are kept in s.zarr; resume without --overwrite" in advice
    assert resume == shlex.join(["stmgpu", *map(str, command)])
    if code != 130:
        return
    resumed = stmgpu(*shlex.split(resume)[1:])
    assert resumed.exit_code == 0
    assert "tiles computed now: 1; done: 2 of 2" in resumed.stderr


def test_append_stays_in_the_command(folder: Path, ended_early: Callable[..., Result]) -> None:
    command = ["screen", "my objects.csv", "--out", "s.zarr", *HOURS]
    assert stmgpu(*command).exit_code == 0
    command[command.index(2)] = 4
    refused = stmgpu(*command)
    assert refused.exit_code == 2
    assert "use --append to extend it" in refused.stderr
    result = ended_early(*command, "--append", by=KeyboardInterrupt())
    resume = result.stderr.splitlines()[-1].rpartition("resume: ")[2]
    assert shlex.split(resume)[1:] == [*map(str, command), "--append"]
    resumed = stmgpu(*shlex.split(resume)[1:])
    assert "done: 4 of 4" in resumed.stderr


def test_a_store_that_is_not_replaced_yet_is_not_resumed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = ("screen", "my objects.csv", "--out", "s.zarr", *HOURS)
    assert stmgpu(*command, "--threshold-km", 9).exit_code == 0

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("stmgpu.cli.common.read", interrupt)
    for arguments in ([*command, "--overwrite"], [*command[:3], "t.zarr", *HOURS]):
        result = stmgpu(*arguments)
        assert result.exit_code == 130
        assert result.stderr.splitlines()[-1] == (
            "stmgpu: interrupted; nothing was computed yet; rerun the same command"
        )
    in_memory = stmgpu("screen", "my objects.csv", *HOURS[:2])
    assert "interrupted; nothing was stored; with --out" in in_memory.stderr


def test_failed_tiles_are_resumed_without_overwrite(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = ("propagate", "my objects.csv", "--out", "e.zarr", *HOURS)
    with monkeypatch.context() as patch:
        patch.setattr("stmgpu.distribute.jobs.ephemeris.EphemerisJob.compute", _fail)
        result = stmgpu(*command, "--overwrite")
    assert result.exit_code == 1
    assert "fix the cause" in result.stderr
    resume = result.stderr.splitlines()[-1].rpartition(": stmgpu ")[2]
    assert shlex.split(resume) == [str(argument) for argument in command]


def test_a_run_that_breaks_down_is_resumed_without_overwrite(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = ("propagate", "my objects.csv", "--out", "e.zarr", *HOURS)

    def full(*_: object) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr("stmgpu.distribute.jobs.ephemeris.EphemerisJob.compute", full)
    result = stmgpu(*command, "--overwrite")
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1] == "stmgpu: the disk is full"
    assert "resume without --overwrite, which would discard them: stmgpu propagate" in result.stderr


def _fail(self: object, tile: object, backend: object) -> None:
    raise InputError("no")


def test_one_result_has_standard_output() -> None:
    invocation = Invocation()
    invocation.take_standard_output("--csv -")
    with pytest.raises(InputError, match="--csv - and --plot - both write to standard output"):
        invocation.take_standard_output("--plot -")
    invocation.begin(["info"])
    invocation.take_standard_output("--csv -")


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        (["screen", "c.tle"], "nothing was stored; with --out, finished tiles are kept and can be resumed"),
        (["-q", "evolve", "s.toml"], "nothing was stored; with --out, finished tiles are kept and can be resumed"),
        (["reproduce", "--all"], "rerun the same command"),
        (["report", "s.zarr", "--out", "r.html"], "rerun the same command"),
    ],
)
def test_only_commands_that_compute_into_a_store_advise_one(arguments: list[str], advice: str) -> None:
    invocation = Invocation()
    invocation.begin(arguments)
    assert invocation.how_to_resume() == advice
