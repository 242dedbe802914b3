"""The commands about the growth of debris: evolve, study, scenario; what they print, write and refuse."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import unquote

import numpy as np
import pytest
from distribute.stores import result_of
from distribute.studies import STUDY, TILES, flip, stopping_after, write_study
from scipy.io import savemat
from typer.testing import CliRunner, Result

import stmgpu as stm
from stmgpu.backend.cpu import usable_levels
from stmgpu.cli import app
from stmgpu.debris.scenario import shipped_scenarios
from stmgpu.distribute.ensemble import EnsembleJob
from stmgpu.errors import InputError
from stmgpu.store import open_dataset

pytestmark = pytest.mark.skipif(not usable_levels(), reason="the kernels were not compiled here")
DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "debris"


def stmgpu(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_study(tmp_path_factory.mktemp("study"))


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
    assert f"3 tiles computed now, 3 of {TILES} done" in result.stderr
    return tmp_path / "u.zarr"


# --------------------------------------------------------------------------------------------------------------- evolve
def test_evolve_writes_a_store_and_prints_the_table(evolved: tuple[Path, Result]) -> None:
    store, result = evolved
    assert re.search(r"^ *removal +\d.* 8\.00 ", result.stdout, re.M), result.stdout
    assert "runs: 3 of each scenario" in result.stdout
    assert "cut off: no run" in result.stdout
    assert result.stdout.endswith(f"written: {store}\n")
    for words in ("synthetic: proportions of the", "density: Vallado's exponential table", "backend cpu: ",
                  "scenarios: nothing, removal; runs: 3 of each, 2 years from 2023.00",
                  f"{TILES} tiles computed now, {TILES} of {TILES} done"):
        assert words in result.stderr, words
    ds = open_dataset(store, "ensemble")
    assert dict(ds.sizes) | {"event": 0} == {"scenario": 2, "run": 3, "time": 3, "shell": 36, "class": 7, "event": 0}
    assert stmgpu("check", store).stdout == f"{store} is whole and complete\n"


def test_the_same_command_again_computes_nothing_and_another_is_refused(study: Path, evolved: tuple[Path, Result],
                                                                        tmp_path: Path) -> None:
    store = Path(shutil.copytree(evolved[0], tmp_path / "s.zarr"))
    command = ("evolve", study, "--out", store, "--seed", 7)
    again = stmgpu(*command)
    assert f"0 tiles computed now, {TILES} of {TILES} done" in again.stderr
    assert again.stdout.splitlines()[:-1] == evolved[1].stdout.splitlines()[:-1]
    other = stmgpu(*command, "--years", 3)
    assert other.exit_code == 2
    assert "settings.years: there 2.0, now 3.0" in other.stderr
    assert "--overwrite" in other.stderr
    assert stmgpu(*command, "--runs", 2, "--append").exit_code == 2
    more = stmgpu(*command, "--runs", 4, "--append")
    assert "2 tiles computed now, 8 of 8 done" in more.stderr, more.stderr
    assert open_dataset(store).sizes["run"] == 4
    assert "there is no store" in stmgpu("evolve", study, "--out", tmp_path / "n.zarr", "--resume").stderr


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
    assert f"3 tiles computed now, {TILES} of {TILES} done" in result.stderr
    assert result_of(unfinished) == result_of(evolved[0])


def test_shares_are_merged(study: Path, evolved: tuple[Path, Result], tmp_path: Path) -> None:
    for task in range(2):
        result = stmgpu("evolve", study, "--out", tmp_path / f"{task}.zarr", "--seed", 7, "--executor", "slurm-array",
                        "--task", f"{task}/2", "--runs-per-tile", 2)
        assert result.exit_code == 0, result.stderr
        assert "the other 2 tiles belong to other tasks" in result.stderr
    missing = stmgpu("merge", tmp_path / "0.zarr")
    assert missing.exit_code == 1
    assert "2 of 4 tiles are missing: s001-r000000-000002, s001-r000002-000003" in missing.stderr
    assert stmgpu("merge", tmp_path / "0.zarr", tmp_path / "1.zarr").exit_code == 0
    assert result_of(tmp_path / "0.zarr") == result_of(evolved[0])


def test_a_dry_run_writes_nothing(study: Path, tmp_path: Path) -> None:
    csv = table(tmp_path)
    write_table_study(tmp_path)
    before = sorted(tmp_path.iterdir())
    result = stmgpu("evolve", tmp_path / "t.toml", "--out", tmp_path / "s.zarr", "--runs", 7, "--years", 30,
                    "--runs-per-tile", 3, "--dry-run")
    assert result.exit_code == 0, result.stderr
    shown = dict(re.findall(r"^(\w+) +(.*)$", result.stdout, re.M))
    assert shown["runs"] == "7 each, 30 years from 2020.00"
    assert shown["tiles"] == "3"
    assert shown["input"] == f"{csv} (kept as {csv.name})"
    for name, pattern in (("memory", r"about [\d,]+ MiB a worker"), ("disk", r"about [\d,]+ MB"),
                          ("time", r"about [\d,]+ s of one core")):
        assert re.match(pattern, shown[name])
    assert sorted(tmp_path.iterdir()) == before


def test_progress_as_lines_of_json(study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stmgpu.log.LINE_EVERY_S", 0.0)
    result = stmgpu("--log-json", "evolve", study, "--out", tmp_path / "s.zarr", "--runs", 1)
    lines = [json.loads(line) for line in result.stderr.splitlines()]
    assert [line["progress"] for line in lines if "progress" in line] == [0.5]
    assert any(line["message"].startswith("density: ") for line in lines)


def test_a_tile_that_fails_is_named_once(study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compute = EnsembleJob.compute

    def fails(job: EnsembleJob, tile: Any, backend: Any) -> None:
        if tile.left[0] == 1:
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


# ---------------------------------------------------------------------------------------------- populations, what fails
def table(folder: Path, mass: Callable[[int], object] = lambda k: 1000, kind: str = "rocket body") -> Path:
    rows = [f"{700 + k},{720 + k},{40 + k},{kind},{mass(k)},1990-01-01" for k in range(60)]
    path = folder / "objects.csv"
    path.write_text("# epoch = 2020-01-01\nperigee_km,apogee_km,inc_deg,object_type,mass_kg,launch_date\n"
                    + "\n".join(rows) + "\n")
    return path


def write_table_study(folder: Path, more: str = "years = 2\nruns = 1\n") -> None:
    (folder / "t.toml").write_text(f'{more}population = {{ source = "table", path = "objects.csv" }}\n'
                                   'environment = { density = "exponential" }\n')


def test_masses_that_are_not_known_are_told(tmp_path: Path) -> None:
    table(tmp_path, lambda k: ("", 0, 1500)[k % 3])
    write_table_study(tmp_path)
    result = stmgpu("evolve", tmp_path / "t.toml", "--out", tmp_path / "s.zarr")
    assert result.exit_code == 0, result.stderr
    filled = "objects.csv: 60 rocket bodies: mass of 40 "
    assert filled in result.stderr
    assert filled in stmgpu("info", tmp_path / "s.zarr").stdout
    notes = json.loads(stmgpu("study", tmp_path / "s.zarr", "--json").stdout)["notes"]
    assert any(note.startswith(filled) for note in notes)


def test_a_policy_may_empty_the_population(tmp_path: Path) -> None:
    table(tmp_path)
    write_table_study(tmp_path, 'years = 3\nruns = 2\nname = "[red]all[/]"\n'
                                'removal = [{ rank = "mass", per_year = 50 }]\n')
    result = stmgpu("evolve", tmp_path / "t.toml", "--out", tmp_path / "s.zarr", "--runs-per-tile", 2)
    assert result.exit_code == 0, result.stderr
    assert "[red]all[/]" in result.stdout
    ds = open_dataset(tmp_path / "s.zarr")
    assert ds.population.sum("class").to_numpy().tolist() == [[[60.0, 10.0, 0.0, 0.0]] * 2]
    told = [note for note in ds.attrs["notes"] if "run 1" in note]
    assert any("nothing is left to remove" in note for note in told), told
    assert any("only 10 objects to choose from" in note for note in told), told
    picture = tmp_path / "p.svg"
    assert stmgpu("study", tmp_path / "s.zarr", "--plot", picture).exit_code == 0
    assert "<svg" in picture.read_text()[:1000]


BASE = 'environment = { density = "exponential" }\npopulation = { objects = 300 }\nyears = 2\nruns = 1\n'
SCENARIOS = {
    "gravity = 9.81\n" + BASE: "unknown key gravity",
    BASE + "[propagation]\nstep = 5\n": "unknown key propagation.step",
    BASE + "[explosions]\npayload = 1.5\n": r"explosions.payload: .*less than or equal to 1.*got 1\.5",
    BASE + '[collisions]\nestimator = "guess"\n': "collisions.estimator",
    BASE + '[[removal]]\nrank = "beauty"\n': "no policy with rank 'beauty'",
    BASE + '[[removal]]\nrank = "mass"\nper_year = -1\n': "per_year",
    BASE + '[[scenario]]\nname = "a"\n[[scenario]]\nname = "a"\n': "names of scenarios repeat",
    BASE.replace("objects = 300", "objects = 300, max_perigee_km = 150.0"): "nothing is left of 300 objects",
    BASE + '[launches]\nmodel = "repeat"\nwindow = [1957, 1958]\n': "nothing in the population .* window",
    BASE + '[launches]\nmodel = "repeat"\nwindow = [2020, 2030]\n': "ends after the epoch",
    BASE.replace("objects = 300", 'source = "table", path = "none.csv"'): r"none\.csv",
    BASE.replace("objects = 300", 'objects = 300, source = "table", path = "negative.csv"'): "objects .* belong to",
    BASE.replace("objects = 300", 'source = "mocat", path = "negative.csv", sizes = "negative.csv"'):
        "sizes belongs to the sources",
    BASE.replace("objects = 300", 'source = "table", path = "."'): "cannot read|is a directory|no table",
    BASE.replace("objects = 300", 'source = "table", path = "negative.csv"'): "line 3: mass_kg is '-5'",
    BASE.replace("objects = 300", 'source = "mocat", path = "negative.csv", year = 2020.0'): "no MATLAB file",
    BASE.replace("exponential", 'jb2008", path = "none.mat'): r"cannot read the density table .*none\.mat",
    BASE.replace("exponential", 'jb2008", path = "negative.csv'): "is no density table",
    BASE.replace('"exponential"', '"nrlmsis", solar = { model = "repeat", space_weather = "negative.csv" }'):
        "negative.csv, line 1: expected 'DATATYPE",
    BASE.replace('"exponential"', '"nrlmsis", solar = { model = "repeat" }'): "needs space_weather",
    BASE + '[[scenario]]\nname = "now"\n[[scenario]]\nname = "then"\npopulation = { year = 2020.0 }\n':
        "begin in different years",
    "years = [": "is no TOML",
    "years = -1\n": "years: .*greater than 0",
    "runs = 0\n": "runs: .*greater than or equal to 1",
    "scenario = 3\n": "must be .*tables",
}


@pytest.mark.parametrize("text", SCENARIOS, ids=[m[:30] for m in SCENARIOS.values()])
def test_scenarios_that_cannot_be_give_2_and_one_line(tmp_path: Path, text: str) -> None:
    table(tmp_path, lambda k: -5).rename(tmp_path / "negative.csv")
    (tmp_path / "s.toml").write_text(text)
    result = stmgpu("evolve", tmp_path / "s.toml", "--out", tmp_path / "s.zarr")
    refused(result, SCENARIOS[text])
    assert not (tmp_path / "s.zarr").exists()


def refused(result: Result, message: str, code: int = 2) -> None:
    assert result.exit_code == code, (result.stderr, result.exception)
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert lines[-1].startswith("stmgpu: "), lines
    assert len(lines) == 1, lines
    assert re.search(message, lines[-1]), lines


@pytest.mark.parametrize(("population", "years"), [("objects = 300, year = 2019.0", 2), ("objects = 300", 400)])
def test_a_density_table_that_does_not_cover_the_years(tmp_path: Path, population: str, years: int) -> None:
    mat = DATA / "mocat_mc" / "dens_jb2008_032020_022224.mat"
    if not mat.is_file():
        pytest.skip(f"the density table is not beside this checkout ({mat})")
    (tmp_path / "s.toml").write_text(f'population = {{ {population} }}\n'
                                     f'environment = {{ density = "jb2008", path = "{mat}" }}\n')
    result = stmgpu("evolve", tmp_path / "s.toml", "--out", tmp_path / "s.zarr", "--years", years)
    refused(result, "covers 2020-03 to 2224-02, the run needs 20(19|23)")


def test_a_density_table_that_does_not_reach_the_orbits(tmp_path: Path) -> None:
    month, height = np.arange(60), np.linspace(200.0, 1500.0, 9)
    density = np.exp(-22.0 - height[:, None] / 60.0 + 0.0 * month)
    savemat(tmp_path / "low.mat", {"dens_highvar": {"dens": density, "year": 2023 + month // 12,
                                                    "month": month % 12 + 1, "alt": height}})
    (tmp_path / "s.toml").write_text(BASE.replace("exponential", 'jb2008", path = "low.mat'))
    result = stmgpu("evolve", tmp_path / "s.toml", "--out", tmp_path / "s.zarr")
    refused(result, "covers altitudes from 200 to 1500 km, 300 to 2000 km are needed")


@pytest.mark.parametrize(("arguments", "message"), [
    (["--years", "-1"], "-1 years are impossible"), (["--years", "0"], "0 years are impossible"),
    (["--years", "0.5"], r"0\.5 years are impossible"), (["--years", "nan"], "nan years are impossible"),
    (["--years", "1e9"], "give 1 to 1000"),
    (["--seed", str(1 << 63)], "the seed 9223372036854775808 is impossible"),
    (["--runs", "2000000"], "2000000 runs are impossible"),
    (["--out", "{foreign}"], "is no store of stmgpu, so it is not overwritten"),
    (["--out", "{foreign}", "--overwrite"], "is no store of stmgpu, so it is not overwritten"),
    (["--out", "{foreign}/thesis.tex"], "is no store of stmgpu"),
    (["--out", "{foreign}/thesis.tex/s.zarr"], "is not a folder"),
    (["--out", "{conjunctions}"], "kind: there 'conjunctions', now 'ensemble'"),
    (["--task", "0/2"], "belongs to the executor slurm-array"),
    (["--executor", "slurm-array", "--task", "2/2"], "is no share"),
    (["--executor", "dask", "--scheduler", "nowhere"], "is no address"),
    (["--resume"], "there is no store"), (["--resume", "--overwrite"], "contradict"),
])
def test_wrong_use_gives_2_and_says_why(study: Path, conjunctions: Path, tmp_path: Path, arguments: list[str],
                                        message: str) -> None:
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "thesis.tex").write_text("years of work")
    words = [a.format(foreign=foreign, conjunctions=conjunctions) for a in arguments]
    out = [] if "--out" in words else ["--out", tmp_path / "s.zarr"]
    result = stmgpu("-q", "evolve", study, *words, *out)
    assert result.exit_code == 2, (result.stderr, result.exception)
    assert re.search(message, result.stderr), result.stderr
    assert "Traceback" not in result.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["foreign"]
    assert (foreign / "thesis.tex").read_text() == "years of work"


@pytest.mark.parametrize("arguments", [["--runs", "0"], ["--runs", "many"], ["--seed", "-1"], ["--runs-per-tile", "0"],
                                       ["--executor", "cloud"], ["--gravity", "9.81"]])
def test_impossible_options(study: Path, tmp_path: Path, arguments: list[str]) -> None:
    result = stmgpu("evolve", study, "--out", tmp_path / "s.zarr", *arguments)
    assert result.exit_code == 2
    assert "Traceback" not in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_no_scenario_file(tmp_path: Path) -> None:
    refused(stmgpu("evolve", tmp_path / "none.toml", "--out", tmp_path / "s.zarr"), "cannot read the scenario file")
    refused(stmgpu("evolve", tmp_path, "--out", tmp_path / "s.zarr"), "cannot read the scenario file")
    (tmp_path / "b.toml").write_bytes(b"\xff\xfe")
    refused(stmgpu("evolve", tmp_path / "b.toml", "--out", tmp_path / "s.zarr"), "not UTF-8")


# -------------------------------------------------------------------------------------------------- info, export, check
def test_a_study_as_a_crate(tmp_path: Path) -> None:
    """Its input files are files of the crate, its settings plain values."""
    (tmp_path / "few objects.csv").write_text("a_km,ecc,inc_deg,object_type,mass_kg,radius_m\n" + "".join(
        f"{7000 + 10 * k},0.001,{50 + k},payload,500,1\n" for k in range(8)))
    scenario = tmp_path / "s.toml"
    scenario.write_text(BASE.replace("objects = 300", 'source = "table", path = "few objects.csv", year = 2020.0')
                        + '[[removal]]\nrank = "list"\nids = [3, 4]\n')
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


def test_info_is_short_and_says_what_differs(evolved: tuple[Path, Result]) -> None:
    result = stmgpu("info", evolved[0])
    assert result.exit_code == 0, result.stderr
    assert len(result.stdout.splitlines()) < 90
    for words in (r"^  scenario 'nothing'$", r"^    population\.objects +300$", r"^    environment\.density +exp\w+$",
                  r"^  scenario 'removal'$", r"^    removal 1 +mass, per_year 4$", r"^  runs +3$", r"^  seed +7$",
                  r"^  runs_per_tile +1$", r"^tiles_done +6$", r"^  notes +synthetic: ", r"^ +density: Vallado"):
        assert re.search(words, result.stdout, re.M), words
    assert "drag_coefficient" not in result.stdout
    document = json.loads(stmgpu("info", evolved[0], "--json").stdout)
    assert document["settings"]["scenarios"][1]["propagation"]["drag_coefficient"] == 2.2


def test_check_names_a_damaged_input(tmp_path: Path) -> None:
    table(tmp_path)
    write_table_study(tmp_path)
    store = tmp_path / "s.zarr"
    assert stmgpu("evolve", tmp_path / "t.toml", "--out", store).exit_code == 0
    flip(store / "run" / "inputs" / "objects.csv")
    result = stmgpu("check", store)
    assert result.exit_code == 1
    assert re.search(r"inputs/objects\.csv is damaged \(its hash is another\)", result.stdout)
    assert "Traceback" not in stmgpu("info", store).stderr


# ---------------------------------------------------------------------------------------------------------------- study
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
    assert f"written: {picture}" in result.stderr
    only = stmgpu("study", store, "--plot", tmp_path / "q.pdf")
    assert (only.exit_code, only.stdout) == (0, "")
    both = stmgpu("study", store, "--table", "--plot", tmp_path / "q.svg")
    assert both.stdout == printed.stdout


def test_study_of_what_is_none(evolved: tuple[Path, Result], conjunctions: Path, tmp_path: Path) -> None:
    refused(stmgpu("study", conjunctions), "holds conjunctions, not ensemble", 1)
    refused(stmgpu("study", conjunctions, "--partial"), "holds conjunctions, not ensemble", 1)
    refused(stmgpu("study", tmp_path / "none.zarr"), "there is no store", 1)
    (tmp_path / "file").write_text("")
    for plot in ("nowhere/p.png", "p.doc", "file", "file/p.png", ".", "p"):
        refused(stmgpu("study", evolved[0], "--plot", tmp_path / plot), "cannot write|names no picture")
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_runs_that_are_cut_off_are_named(tmp_path: Path) -> None:
    text = STUDY.replace("0.02", "0.2").replace("[propagation]", "[propagation]\n#").replace(
        "years = 2", "years = 2\nmax_objects = 400")
    result = stmgpu("evolve", write_study(tmp_path, text), "--out", tmp_path / "s.zarr", "--runs", 2)
    assert result.exit_code == 0, result.stderr
    assert "more than 400 objects" in result.stderr
    for name in ("nothing", "removal"):
        assert re.search(rf"cut off: 2 of 2 runs of {name} held too many objects \(first in 2023\)", result.stdout)
    document = json.loads(stmgpu("study", tmp_path / "s.zarr", "--json").stdout)
    assert len(document["cut_off"]) == 4
    assert stmgpu("study", tmp_path / "s.zarr", "--plot", tmp_path / "p.png").exit_code == 0


def test_a_study_of_one_year_has_a_table_too(study: Path, tmp_path: Path) -> None:
    result = stmgpu("evolve", study, "--out", tmp_path / "s.zarr", "--years", 1, "--runs", 1)
    assert result.exit_code == 0, (result.stderr, result.exception)
    assert "written:" in result.stdout
    assert stmgpu("study", tmp_path / "s.zarr", "--plot", tmp_path / "p.png").exit_code == 0


# ------------------------------------------------------------------------------------------------------------- scenario
def test_scenario_writes_a_file_to_begin_with(tmp_path: Path) -> None:
    for name in shipped_scenarios():
        target = tmp_path / f"{name}.toml"
        assert stmgpu("scenario", target, "--name", name).stdout == f"written: {target}\n"
        result = stmgpu("evolve", target, "--out", tmp_path / "s.zarr", "--dry-run")
        assert result.exit_code == 0, result.stderr
        assert re.search(r"^scenarios +\w", result.stdout, re.M)
        before = target.read_bytes()
        refused(stmgpu("scenario", target, "--name", name), "exists; choose another name")
        assert target.read_bytes() == before
    refused(stmgpu("scenario", tmp_path / "x.toml", "--name", "utopia"), "file 'utopia'; there are .*removal")
    refused(stmgpu("scenario", tmp_path / "nowhere" / "x.toml"), "there is no folder")
    (tmp_path / "link.toml").symlink_to(tmp_path / "elsewhere")
    refused(stmgpu("scenario", tmp_path / "link.toml"), "no ordinary file")
    refused(stmgpu("scenario", tmp_path), "no ordinary file|exists")
    assert not (tmp_path / "elsewhere").exists()
    assert not (tmp_path / "s.zarr").exists()
