"""The commands about the growth of debris: evolve, study, scenario; what they print, write and refuse."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import unquote

import pytest
from support.commands import refused, stmgpu
from support.paths import SHARED
from support.stores import result_of
from support.studies import BASE, STUDY, TILES, flip, stopping_after, write_study, write_table, write_table_study
from typer.testing import Result

import stmgpu as stm
from stmgpu.backend.cpu import usable_levels
from stmgpu.debris.policy.policy_file import _forget, loaded_policies
from stmgpu.debris.study.scenario_file import read_study, shipped_scenarios
from stmgpu.distribute.execute import compute_tile
from stmgpu.distribute.jobs.ensemble import EnsembleJob
from stmgpu.errors import InputError
from stmgpu.store import open_dataset

pytestmark = pytest.mark.skipif(not usable_levels(), reason="the kernels were not compiled here")
DATA = SHARED / "data" / "debris"


@pytest.fixture(scope="module")
def evolved(study: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    store = tmp_path_factory.mktemp("evolved") / "s.zarr"
    result = stmgpu("evolve", study, "--out", store, "--threads", 1, "--seed", 7)
    assert result.exit_code == 0, result.stderr
    return store, result


@pytest.fixture(scope="module")
def conjunctions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = tmp_path_factory.mktemp("conjunctions") / "c.zarr"
    stm.screen_to_store(stm.synthetic_catalog(50, seed=1), store, hours=0.2)
    return store


@pytest.fixture
def unfinished(study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A study that was asked to stop after three of its tiles, as SIGUSR1 does."""
    with monkeypatch.context() as patch:
        patch.setattr("stmgpu.cli.common.stopping", stopping_after(3))
        result = stmgpu("evolve", study, "--out", tmp_path / "u.zarr", "--threads", 1, "--seed", 7)
    assert result.exit_code == 75, result.stderr
    assert f"tiles computed now: 3; done: 3 of {TILES};" in result.stderr
    return tmp_path / "u.zarr"


# --------------------------------------------------------------------------------------------------------------- evolve
@pytest.mark.slow
def test_the_end_of_a_run_starts_another_study(tmp_path: Path) -> None:
    text = BASE.replace("runs = 1", "runs = 2") + "output = { final_population = true }\n"
    (tmp_path / "first.toml").write_text(text)
    store = tmp_path / "first.zarr"
    assert stmgpu("evolve", tmp_path / "first.toml", "--out", store, "--threads", 1).exit_code == 0
    written = stmgpu("study", store, "--population", tmp_path / "objects.csv", "--run", 1)
    assert (written.exit_code, written.stdout) == (0, f"written: {tmp_path / 'objects.csv'}\n")
    direct = stmgpu("study", store, "--population", "-", "--run", 1, "--scenario", "base")
    assert direct.stdout == (tmp_path / "objects.csv").read_text()
    (tmp_path / "second.toml").write_text(
        'environment = { density = "exponential" }\nyears = 1\nruns = 1\n'
        'population = { source = "table", path = "objects.csv" }\n'
    )
    second = tmp_path / "second.zarr"
    assert stmgpu("evolve", tmp_path / "second.toml", "--out", second, "--threads", 1).exit_code == 0
    first, then = open_dataset(store, "ensemble"), open_dataset(second, "ensemble")
    assert then.time[0].item() == first.final_year[0, 1].item()
    assert (then.population[0, 0, 0] == first.population[0, 1, -1]).all()
    for words, *more in (
        ("no final populations; evolve it with final_population = true", second, "--population", "-"),
        ("no scenario 'other'; choose one of base", store, "--population", "-", "--scenario", "other"),
        ("--scenario and --run choose the objects of --population", store, "--run", 1),
    ):
        refused(stmgpu("study", *more), words)


@pytest.mark.slow
def test_evolve_writes_a_store_and_prints_the_table(evolved: tuple[Path, Result]) -> None:
    store, result = evolved
    assert re.search(r"^ *scenario +nothing +removal *$", result.stdout, re.M), result.stdout
    assert re.search(r"^ *removed +0 +8\.00 *$", result.stdout, re.M), result.stdout
    assert "runs: 3 of each scenario" in result.stdout
    assert "cut off: no run" in result.stdout
    assert result.stdout.endswith(f"written: {store}\n")
    for words in (
        "synthetic: proportions of the",
        "density: Vallado's exponential table",
        "backend cpu: ",
        "scenarios: nothing, removal; runs: 3 of each, 2 years from 2023.00",
        f"tiles computed now: {TILES}; done: {TILES} of {TILES};",
    ):
        assert words in result.stderr, words
    ds = open_dataset(store, "ensemble")
    assert dict(ds.sizes) | {"event": 0} == {
        "scenario": 2,
        "run": 3,
        "time": 3,
        "shell": 36,
        "class": 7,
        "size": 3,
        "inclination": 18,
        "event": 0,
    }
    assert stmgpu("check", store).stdout == f"{store} is complete and undamaged\n"


@pytest.mark.slow
def test_the_same_command_again_computes_nothing_and_another_is_refused(
    study: Path, evolved: tuple[Path, Result], tmp_path: Path
) -> None:
    store = Path(shutil.copytree(evolved[0], tmp_path / "s.zarr"))
    command = ("evolve", study, "--out", store, "--seed", 7)
    again = stmgpu(*command)
    assert f"tiles computed now: 0; done: {TILES} of {TILES};" in again.stderr
    assert again.stdout.splitlines()[:-1] == evolved[1].stdout.splitlines()[:-1]
    other = stmgpu(*command, "--years", 3)
    assert other.exit_code == 2
    assert "settings.years: stored 2.0, requested 3.0" in other.stderr
    assert "--overwrite" in other.stderr
    assert stmgpu(*command, "--runs", 2, "--append").exit_code == 2
    more = stmgpu(*command, "--runs", 4, "--append")
    assert "tiles computed now: 2; done: 8 of 8;" in more.stderr, more.stderr
    assert open_dataset(store).sizes["run"] == 4
    assert "there is no store" in stmgpu("evolve", study, "--out", tmp_path / "n.zarr", "--resume").stderr


@pytest.mark.slow
def test_a_stopped_study_goes_on(study: Path, evolved: tuple[Path, Result], unfinished: Path) -> None:
    assert stmgpu("check", unfinished).exit_code == 1
    early = stmgpu("study", unfinished)
    assert early.exit_code == 1
    assert "left unfinished" in early.stderr
    part = stmgpu("study", unfinished, "--partial")
    assert part.exit_code == 0, part.stderr
    assert "runs: 3 of each scenario, finished: nothing 2, removal 1" in part.stdout
    numbers = json.loads(stmgpu("study", unfinished, "--partial", "--json").stdout)
    assert numbers["scenarios"][0]["estimator"] == "sampled"
    result = stmgpu("evolve", study, "--out", unfinished, "--seed", 7, "--resume")
    assert f"tiles computed now: 3; done: {TILES} of {TILES};" in result.stderr
    assert result_of(unfinished) == result_of(evolved[0])


@pytest.mark.slow
def test_shares_are_merged(study: Path, evolved: tuple[Path, Result], tmp_path: Path) -> None:
    for task in range(2):
        result = stmgpu(
            "evolve",
            study,
            "--out",
            tmp_path / f"{task}.zarr",
            "--seed",
            7,
            "--executor",
            "slurm-array",
            "--task",
            f"{task}/2",
            "--runs-per-tile",
            2,
        )
        assert result.exit_code == 0, result.stderr
        assert "2 other tiles belong to other tasks" in result.stderr
    missing = stmgpu("merge", tmp_path / "0.zarr")
    assert missing.exit_code == 1
    assert "2 of 4 tiles are missing: s001-r000000-000002, s001-r000002-000003" in missing.stderr
    assert stmgpu("merge", tmp_path / "0.zarr", tmp_path / "1.zarr").exit_code == 0
    assert result_of(tmp_path / "0.zarr") == result_of(evolved[0])


@pytest.mark.slow
def test_a_dry_run_writes_nothing(study: Path, tmp_path: Path) -> None:
    csv = write_table(tmp_path)
    write_table_study(tmp_path)
    before = sorted(tmp_path.iterdir())
    result = stmgpu(
        "evolve",
        tmp_path / "t.toml",
        "--out",
        tmp_path / "s.zarr",
        "--runs",
        7,
        "--years",
        30,
        "--runs-per-tile",
        3,
        "--dry-run",
    )
    assert result.exit_code == 0, result.stderr
    shown = dict(re.findall(r"^(\w+) +(.*)$", result.stdout, re.M))
    assert shown["runs"] == "7 each, 30 years from 2020.00"
    assert shown["tiles"] == "3"
    assert shown["input"] == f"{csv} (kept as {csv.name})"
    for name, pattern in (
        ("memory", r"about [\d,]+ MiB a worker"),
        ("disk", r"about [\d,]+ MB"),
        ("time", r"about [\d,]+ s of one core"),
    ):
        assert re.match(pattern, shown[name])
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.slow
def test_progress_as_lines_of_json(study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stmgpu.log.LINE_EVERY_S", 0.0)
    result = stmgpu("--log-json", "evolve", study, "--out", tmp_path / "s.zarr", "--runs", 1)
    lines = [json.loads(line) for line in result.stderr.splitlines()]
    assert [line["progress"] for line in lines if "progress" in line] == [0.5]
    assert any(line["message"].startswith("density: ") for line in lines)


@pytest.mark.slow
def test_a_tile_that_fails_is_named_once(study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compute = EnsembleJob.compute

    def fails(job: EnsembleJob, tile: Any, backend: Any) -> None:
        if tile.scenario == 1:
            raise InputError("the second scenario cannot be computed")
        compute(job, tile, backend)

    with monkeypatch.context() as patch:
        patch.setattr(EnsembleJob, "compute", fails)
        result = stmgpu("-q", "evolve", study, "--out", tmp_path / "s.zarr", "--runs", 2)
    assert result.exit_code == 1
    told = [line for line in result.stderr.splitlines() if "WARNING" not in line]
    assert told[0] == "tile s001-r000000-000001 and 1 more failed: the second scenario cannot be computed"
    assert told[1].startswith("stmgpu: 2 tiles failed, 2 of 4 are done and kept in")
    assert "tile s001-r000000-000001 failed" in stmgpu("check", tmp_path / "s.zarr").stdout
    assert stmgpu("evolve", study, "--out", tmp_path / "s.zarr", "--runs", 2).exit_code == 0
    assert stmgpu("check", tmp_path / "s.zarr").exit_code == 0


# -------------------------------------------------------------------------------------------------- info, export, check
@pytest.mark.slow
def test_a_study_as_a_crate(tmp_path: Path) -> None:
    """Its input files are files of the crate, its settings plain values."""
    (tmp_path / "few objects.csv").write_text(
        "a_km,ecc,inc_deg,object_type,mass_kg,radius_m\n"
        + "".join(f"{7000 + 10 * k},0.001,{50 + k},payload,500,1\n" for k in range(8))
    )
    scenario = tmp_path / "s.toml"
    scenario.write_text(
        BASE.replace("objects = 300", 'source = "table", path = "few objects.csv", year = 2020.0')
        + '[[removal]]\nrank = "list"\nids = [3, 4]\n'
    )
    made = stmgpu("-q", "evolve", scenario, "--out", tmp_path / "s.zarr")
    assert made.exit_code == 0, made.stderr
    crate = tmp_path / "crate"
    result = stmgpu("export", tmp_path / "s.zarr", crate)
    assert result.exit_code == 0, result.stderr
    graph = {e["@id"]: e for e in json.loads((crate / "ro-crate-metadata.json").read_text())["@graph"]}
    (file,) = (e for e in graph.values() if e["@type"] == "File")
    assert (crate / unquote(file["@id"])).read_text() == (tmp_path / "few objects.csv").read_text()
    assert graph["#session-1"]["object"] == [{"@id": file["@id"]}]
    assert {"@id": file["@id"]} in graph["./"]["hasPart"]
    assert "#catalog" not in graph
    settings = {e["name"]: e["value"] for e in graph.values() if e["@type"] == "PropertyValue"}
    assert settings["scenarios.1.population.source"] == "table"
    assert settings["scenarios.1.removal.1.ids"] == "[3, 4]"
    assert all(isinstance(v, str | int | float | bool) for v in settings.values())
    flip(tmp_path / "s.zarr" / "run" / "inputs" / "few objects.csv")
    damaged = stmgpu("export", tmp_path / "s.zarr", tmp_path / "other")
    assert (damaged.exit_code, (tmp_path / "other").exists()) == (1, False)
    assert "is damaged" in damaged.stderr


def test_what_is_damaged_is_not_given_away(evolved: tuple[Path, Result], tmp_path: Path) -> None:
    store = Path(shutil.copytree(evolved[0], tmp_path / "s.zarr"))
    (chunk, *_) = sorted(path for path in (store / "population" / "c").rglob("*") if path.is_file())
    with chunk.open("ab") as file:
        file.write(b"--")
    refused(
        stmgpu("export", store, tmp_path / "crate"),
        r"is damaged or incomplete.*: its file population/c/\S+ has \d+ bytes instead of",
        1,
    )
    assert [path.name for path in tmp_path.iterdir()] == ["s.zarr"]


def test_nothing_is_written_into_a_store(study: Path, evolved: tuple[Path, Result], tmp_path: Path) -> None:
    store = Path(shutil.copytree(evolved[0], tmp_path / "s.zarr"))
    (tmp_path / "link").symlink_to(store / "run")
    message = "cannot write .*: it lies inside the store .*s.zarr; choose another path"
    for place in (store, tmp_path / "link"):
        refused(stmgpu("study", store, "--plot", place / "x.png"), message)
        refused(stmgpu("export", store, place / "deep" / "crate"), message)
        refused(stmgpu("evolve", study, "--out", place / "t.zarr"), message)
        refused(stmgpu("scenario", place / "x.toml"), message)
    assert stmgpu("check", store).exit_code == 0


def test_info_is_short_and_says_what_differs(evolved: tuple[Path, Result]) -> None:
    result = stmgpu("info", evolved[0])
    assert result.exit_code == 0, result.stderr
    assert len(result.stdout.splitlines()) < 120
    for words in (
        r"^  scenario 'nothing'$",
        r"^    population\.objects +300$",
        r"^    environment\.density +exp\w+$",
        r"^  scenario 'removal'$",
        r"^    removal 1 +mass, per_year 4$",
        r"^  runs +3$",
        r"^  seed +7$",
        r"^  runs_per_tile +1$",
        r"^tiles_done +6$",
        r"^  notes +synthetic: ",
        r"^ +density: Vallado",
    ):
        assert re.search(words, result.stdout, re.M), words
    assert "drag_coefficient" not in result.stdout
    document = json.loads(stmgpu("info", evolved[0], "--json").stdout)
    assert document["settings"]["scenarios"][1]["propagation"]["drag_coefficient"] == 2.2


def test_check_names_a_damaged_input(tmp_path: Path) -> None:
    write_table(tmp_path)
    write_table_study(tmp_path)
    store = tmp_path / "s.zarr"
    assert stmgpu("evolve", tmp_path / "t.toml", "--out", store).exit_code == 0
    flip(store / "run" / "inputs" / "objects.csv")
    result = stmgpu("check", store)
    assert result.exit_code == 1
    assert re.search(r"inputs/objects\.csv has other contents", result.stdout)
    assert "Traceback" not in stmgpu("info", store).stderr


# ---------------------------------------------------------------------------------------------------------------- study
@pytest.mark.slow
def test_study_as_table_json_and_figure(evolved: tuple[Path, Result], tmp_path: Path) -> None:
    store, picture = evolved[0], tmp_path / "p.png"
    printed = stmgpu("study", store)
    assert printed.stdout == evolved[1].stdout.removesuffix(f"written: {store}\n")

    def no_constant(name: str) -> NoReturn:
        raise AssertionError(f"{name} is no JSON")

    result = stmgpu("study", store, "--json", "--plot", picture)
    document = json.loads(result.stdout, parse_constant=no_constant)
    assert [s["name"] for s in document["scenarios"]] == ["nothing", "removal"]
    assert document["scenarios"][1]["removed"] == pytest.approx(8.0)  # what was removed at the end is not counted yet
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert document["written"] == [str(picture)]
    only = stmgpu("study", store, "--plot", tmp_path / "q.pdf")
    assert (only.exit_code, only.stdout) == (0, f"written: {tmp_path / 'q.pdf'}\n")
    both = stmgpu("study", store, "--table", "--plot", tmp_path / "q.svg")
    assert both.stdout == f"{printed.stdout}written: {tmp_path / 'q.svg'}\n"


def test_study_of_what_is_none(evolved: tuple[Path, Result], conjunctions: Path, tmp_path: Path) -> None:
    refused(stmgpu("study", conjunctions), "is a store of kind conjunctions, not ensemble")
    refused(stmgpu("study", conjunctions, "--partial"), "is a store of kind conjunctions, not ensemble")
    refused(stmgpu("study", tmp_path / "none.zarr"), "there is no store")
    (tmp_path / "file").write_text("")
    for plot in ("nowhere/p.png", "p.doc", "file", "file/p.png", ".", "p"):
        refused(stmgpu("study", evolved[0], "--plot", tmp_path / plot), "cannot write|no supported picture format")
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


@pytest.mark.slow
def test_runs_that_are_cut_off_are_named(tmp_path: Path) -> None:
    text = (
        STUDY.replace("0.02", "0.2")
        .replace("[propagation]", "[propagation]\n#")
        .replace("years = 2", "years = 2\nmax_objects = 400")
    )
    result = stmgpu("evolve", write_study(tmp_path, text), "--out", tmp_path / "s.zarr", "--runs", 2)
    assert result.exit_code == 0, result.stderr
    assert "more than 400 objects" in result.stderr
    for name in ("nothing", "removal"):
        assert re.search(rf"cut off: 2 of 2 runs of {name} held too many objects \(first in 2023\)", result.stdout)
    document = json.loads(stmgpu("study", tmp_path / "s.zarr", "--json").stdout)
    assert len(document["cut_off"]) == 4
    assert stmgpu("study", tmp_path / "s.zarr", "--plot", tmp_path / "p.png").exit_code == 0


@pytest.mark.slow
def test_a_study_of_one_year_has_a_table_too(study: Path, tmp_path: Path) -> None:
    result = stmgpu("evolve", study, "--out", tmp_path / "s.zarr", "--years", 1, "--runs", 1)
    assert result.exit_code == 0, (result.stderr, result.exception)
    assert "written:" in result.stdout
    assert stmgpu("study", tmp_path / "s.zarr", "--plot", tmp_path / "p.png").exit_code == 0


# ------------------------------------------------------------------------------------------------------------- scenario
@pytest.mark.slow
def test_scenario_writes_a_file_to_begin_with(tmp_path: Path) -> None:
    for name in shipped_scenarios():
        target = tmp_path / f"{name}.toml"
        assert stmgpu("scenario", target, "--name", name).stdout == f"written: {target}\n"
        result = stmgpu("evolve", target, "--out", tmp_path / "s.zarr", "--dry-run")
        if read_study(target).scenarios[0].population.path is not None:  # of a file that does not come with it
            refused(result, r"\d{4}\.mat' cannot be read: No such file")
        else:
            assert result.exit_code == 0, result.stderr
            assert re.search(r"^scenarios +\w", result.stdout, re.M)
        before = target.read_bytes()
        refused(stmgpu("scenario", target, "--name", name), "exists; choose another name")
        assert target.read_bytes() == before
    refused(stmgpu("scenario", tmp_path / "x.toml", "--name", "utopia"), "example 'utopia'; choose one of .*removal")
    refused(stmgpu("scenario", tmp_path / "nowhere" / "x.toml"), "there is no folder")
    (tmp_path / "link.toml").symlink_to(tmp_path / "elsewhere")
    refused(stmgpu("scenario", tmp_path / "link.toml"), "not an ordinary file")
    refused(stmgpu("scenario", tmp_path), "not an ordinary file|exists")
    assert not (tmp_path / "elsewhere").exists()
    assert not (tmp_path / "s.zarr").exists()


# -------------------------------------------------------------------------------------------- policies of a user's own
POLICY = """
from typing import Literal
import numpy as np
from stmgpu.debris.policy import RankedRemoval


class Youngest(RankedRemoval):
    rank: Literal["youngest"] = "youngest"

    def score(self, view):
        return 1.0 / (1.0 + np.asarray(view.age_years))
"""


@pytest.fixture
def own(study: Path, tmp_path: Path) -> Iterator[tuple[object, ...]]:
    """A command with a rank that is defined in a file."""
    (tmp_path / "mine.py").write_text(POLICY)
    scenario = tmp_path / "own.toml"
    scenario.write_text(study.read_text().replace('rank = "mass"', 'rank = "youngest"'))
    yield ("evolve", scenario, "--runs", 1, "--years", 1, "--threads", 1, "--out", tmp_path / "o.zarr")
    _forget()


@pytest.mark.slow
def test_a_policy_file_travels_with_the_store(own: tuple[object, ...], tmp_path: Path) -> None:
    refused(stmgpu(*own), "unknown rank 'youngest'")
    with_file = (*own, "--policies", tmp_path / "mine.py", "--executor", "slurm-array", "--task")
    assert stmgpu(*with_file, "0/2").exit_code == 0
    kept = tmp_path / "o.zarr" / "run" / "inputs" / "policies.py"
    assert kept.read_text() == POLICY
    (tmp_path / "other.py").write_text(POLICY + "# a comment\n")
    other = (*own, "--policies", tmp_path / "other.py", "--executor", "slurm-array", "--task", "1/2")
    result = stmgpu(*other)
    assert result.exit_code == 2
    assert re.search(r"policies\.py: stored '\w+', requested '\w+'", result.stderr)
    _forget()
    merged = stmgpu("merge", tmp_path / "o.zarr")
    assert merged.exit_code == 1
    assert "runs only if you name it" in merged.stderr
    assert stmgpu("info", tmp_path / "o.zarr").exit_code == 0
    assert loaded_policies() == ""  # nothing of the store has run
    partial = stmgpu("study", tmp_path / "o.zarr", "--partial", "--policies", kept)
    assert partial.exit_code == 0, partial.stderr
    _forget()  # as a Dask worker begins
    worker = {"module": EnsembleJob.__module__, "backend": "cpu", "threads": 1}
    with pytest.raises(InputError, match="is not the one that the study was begun with"):
        compute_tile(str(tmp_path / "o.zarr"), "s001-r000000-000001", **worker, policies="0" * 64)
    digest = hashlib.sha256(POLICY.encode()).hexdigest()
    compute_tile(str(tmp_path / "o.zarr"), "s001-r000000-000001", **worker, policies=digest)
    assert stmgpu(*with_file, "1/2").exit_code == 0
    removals = open_dataset(tmp_path / "o.zarr", "ensemble").removals.sum("class")
    assert float(removals.sel(scenario="removal").isel(time=-1).sum()) > 0
