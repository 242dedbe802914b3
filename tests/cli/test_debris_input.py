"""What studies are fed with: populations, scenarios and options, what is said of them and what is refused."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat
from support.commands import refused, stmgpu
from support.paths import SHARED
from support.studies import BASE, write_table, write_table_study

import stmgpu as stm
from stmgpu.backend.cpu import usable_levels
from stmgpu.store import open_dataset

pytestmark = pytest.mark.skipif(not usable_levels(), reason="the kernels were not compiled here")
DATA = SHARED / "data" / "debris"


@pytest.fixture(scope="module")
def conjunctions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = tmp_path_factory.mktemp("conjunctions") / "c.zarr"
    stm.screen_to_store(stm.synthetic_catalog(50, seed=1), store, hours=0.2)
    return store


@pytest.mark.slow
def test_masses_that_are_not_known_are_told(tmp_path: Path) -> None:
    write_table(tmp_path, lambda k: ("", 0, 1500)[k % 3])
    write_table_study(tmp_path)
    result = stmgpu("evolve", tmp_path / "t.toml", "--out", tmp_path / "s.zarr")
    assert result.exit_code == 0, result.stderr
    filled = "objects.csv: 60 rocket bodies: mass of 40 "
    assert filled in result.stderr
    assert filled in stmgpu("info", tmp_path / "s.zarr").stdout
    notes = json.loads(stmgpu("study", tmp_path / "s.zarr", "--json").stdout)["notes"]
    assert any(note.startswith(filled) for note in notes)


@pytest.mark.slow
def test_a_policy_may_empty_the_population(tmp_path: Path) -> None:
    write_table(tmp_path)
    write_table_study(
        tmp_path, 'years = 3\nruns = 2\nname = "[red]all[/]"\nremoval = [{ rank = "mass", per_year = 50 }]\n'
    )
    result = stmgpu("evolve", tmp_path / "t.toml", "--out", tmp_path / "s.zarr", "--runs-per-tile", 2)
    assert result.exit_code == 0, result.stderr
    assert "[red]all[/]" in result.stdout
    ds = open_dataset(tmp_path / "s.zarr")
    assert ds.population.sum("class").to_numpy().tolist() == [[[60.0, 10.0, 0.0, 0.0]] * 2]
    told = [note for note in ds.attrs["notes"] if "run 1" in note]
    assert any("nothing was removed" in note for note in told), told
    assert any("only 10 objects to choose from" in note for note in told), told
    picture = tmp_path / "p.svg"
    assert stmgpu("study", tmp_path / "s.zarr", "--plot", picture).exit_code == 0
    assert "<svg" in picture.read_text()[:1000]


@pytest.mark.slow
def test_names_that_the_terminal_cannot_write_are_no_error(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text('name = "Größe 軌道"\n' + BASE, encoding="utf-8")
    ascii_only = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command = [sys.executable, "-m", "stmgpu.cli", "evolve", "s.toml", "--out", "s.zarr"]
    result = subprocess.run(command, cwd=tmp_path, env=ascii_only, capture_output=True)
    assert result.returncode == 0, result.stderr
    assert rb"Gr\xf6\xdfe \u8ecc\u9053" in result.stdout


SCENARIOS = {
    "gravity = 9.81\n" + BASE: "unknown key gravity",
    BASE + "[propagation]\nstep = 5\n": "unknown key propagation.step",
    BASE + "[explosions]\npayload = 1.5\n": r"explosions\.payload is 1\.5; allowed: 1 or less",
    BASE + '[collisions]\nestimator = "guess"\n': "collisions.estimator",
    BASE + '[[removal]]\nrank = "beauty"\n': "unknown rank 'beauty'",
    BASE + '[[removal]]\nrank = "mass"\nper_year = -1\n': "per_year",
    BASE + '[[scenario]]\nname = "a"\n[[scenario]]\nname = "a"\n': "names of scenarios repeat",
    BASE.replace("objects = 300", "objects = 300, max_perigee_km = 150.0"): "nothing is left of 300 objects",
    BASE + '[launches]\nmodel = "repeat"\nwindow = [1957, 1958]\n': "nothing in the population .* window",
    BASE + '[launches]\nmodel = "repeat"\nwindow = [2020, 2030]\n': "ends after the epoch",
    BASE.replace("objects = 300", 'source = "table", path = "none.csv"'): r"none\.csv",
    BASE.replace("objects = 300", 'objects = 300, source = "table", path = "negative.csv"'): "objects .* belong to",
    BASE.replace(
        "objects = 300", 'source = "mocat", path = "negative.csv", sizes = "negative.csv"'
    ): "sizes belongs to the sources",
    BASE.replace("objects = 300", 'source = "table", path = "."'): "cannot be read|is a directory|no table",
    BASE.replace("objects = 300", 'source = "table", path = "negative.csv"'): "line 3: mass_kg is '-5'",
    BASE.replace("objects = 300", 'source = "mocat", path = "negative.csv", year = 2020.0'): "not a MATLAB file",
    BASE.replace("exponential", 'jb2008", path = "none.mat'): r"MAT file .*none\.mat. cannot be read",
    BASE.replace("exponential", 'jb2008", path = "negative.csv'): "is not a density table",
    BASE.replace(
        '"exponential"', '"nrlmsis", solar = { model = "repeat", space_weather = "negative.csv" }'
    ): "negative.csv, line 1: expected 'DATATYPE",
    BASE.replace('"exponential"', '"nrlmsis", solar = { model = "repeat" }'): "needs space_weather",
    f'{BASE}[[scenario]]\nname = "now"\n[[scenario]]\nname = "then"\npopulation = {{ year = 2020.0 }}\n': (
        "begin in different years"
    ),
    "years = [": "is not TOML",
    "years = -1\n": "years is -1; allowed: more than 0",
    "runs = 0\n": "runs is 0; allowed: 1 or more",
    "scenario = 3\n": "must be .*tables",
}


@pytest.mark.parametrize("text", SCENARIOS, ids=[m[:30] for m in SCENARIOS.values()])
def test_scenarios_that_cannot_be_give_2_and_one_line(tmp_path: Path, text: str) -> None:
    write_table(tmp_path, lambda k: -5).rename(tmp_path / "negative.csv")
    (tmp_path / "s.toml").write_text(text)
    result = stmgpu("evolve", tmp_path / "s.toml", "--out", tmp_path / "s.zarr")
    refused(result, SCENARIOS[text])
    assert not (tmp_path / "s.zarr").exists()


@pytest.mark.parametrize(("population", "years"), [("objects = 300, year = 2019.0", 2), ("objects = 300", 400)])
def test_a_density_table_that_does_not_cover_the_years(tmp_path: Path, population: str, years: int) -> None:
    mat = DATA / "mocat_mc" / "dens_jb2008_032020_022224.mat"
    if not mat.is_file():
        pytest.skip(f"the density table is not beside this checkout ({mat})")
    (tmp_path / "s.toml").write_text(
        f'population = {{ {population} }}\nenvironment = {{ density = "jb2008", path = "{mat}" }}\n'
    )
    result = stmgpu("evolve", tmp_path / "s.toml", "--out", tmp_path / "s.zarr", "--years", years)
    refused(result, "covers 2020-03 to 2224-02, the run needs 20(19|23)")


def test_a_density_table_that_does_not_reach_the_orbits(tmp_path: Path) -> None:
    month, height = np.arange(60), np.linspace(200.0, 1500.0, 9)
    density = np.exp(-22.0 - height[:, None] / 60.0 + 0.0 * month)
    savemat(
        tmp_path / "low.mat",
        {"dens_highvar": {"dens": density, "year": 2023 + month // 12, "month": month % 12 + 1, "alt": height}},
    )
    (tmp_path / "s.toml").write_text(BASE.replace("exponential", 'jb2008", path = "low.mat'))
    result = stmgpu("evolve", tmp_path / "s.toml", "--out", tmp_path / "s.zarr")
    refused(result, "covers altitudes from 200 to 1500 km; it must cover 300 to 2000 km")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--years", "-1"], "years = -1 is out of range"),
        (["--years", "0"], "years = 0 is out of range"),
        (["--years", "0.5"], r"years = 0\.5 is out of range"),
        (["--years", "nan"], "years = nan is out of range"),
        (["--years", "1e9"], "choose 1 to 1000"),
        (["--seed", str(1 << 63)], "seed = 9223372036854775808 is out of range"),
        (["--runs", "2000000"], "runs = 2000000 is out of range"),
        (["--out", "{foreign}"], "is not a store of stmgpu, so it is not overwritten"),
        (["--out", "{foreign}", "--overwrite"], "is not a store of stmgpu, so it is not overwritten"),
        (["--out", "{foreign}/thesis.tex"], "is not a store of stmgpu"),
        (["--out", "{foreign}/thesis.tex/s.zarr"], "is not a folder"),
        (["--out", "{conjunctions}"], "kind: stored 'conjunctions', requested 'ensemble'"),
        (["--task", "0/2"], "belongs to the executor slurm-array"),
        (["--executor", "slurm-array", "--task", "2/2"], "is not a share"),
        (["--executor", "dask", "--scheduler", "nowhere"], "is not an address"),
        (["--resume"], "there is no store"),
        (["--resume", "--overwrite"], "contradict"),
    ],
)
def test_wrong_use_gives_2_and_says_why(
    study: Path, conjunctions: Path, tmp_path: Path, arguments: list[str], message: str
) -> None:
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


@pytest.mark.parametrize(
    "arguments",
    [
        ["--runs", "0"],
        ["--runs", "many"],
        ["--seed", "-1"],
        ["--runs-per-tile", "0"],
        ["--executor", "cloud"],
        ["--gravity", "9.81"],
    ],
)
def test_impossible_options(study: Path, tmp_path: Path, arguments: list[str]) -> None:
    result = stmgpu("evolve", study, "--out", tmp_path / "s.zarr", *arguments)
    assert result.exit_code == 2
    assert "Traceback" not in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_no_scenario_file(tmp_path: Path) -> None:
    refused(stmgpu("evolve", tmp_path / "none.toml", "--out", tmp_path / "s.zarr"), "scenario file .* cannot be read")
    refused(stmgpu("evolve", tmp_path, "--out", tmp_path / "s.zarr"), "scenario file .* cannot be read")
    (tmp_path / "b.toml").write_bytes(b"\xff")
    refused(stmgpu("evolve", tmp_path / "b.toml", "--out", tmp_path / "s.zarr"), "not UTF-8")


@pytest.mark.slow
def test_a_population_of_an_archive(tmp_path: Path) -> None:
    table = write_table(tmp_path)
    write_table_study(tmp_path)
    study = tmp_path / "t.toml"
    study.write_text(study.read_text().replace("objects.csv", "data.zip/in/objects.csv"))
    with zipfile.ZipFile(tmp_path / "data.zip", "w") as archive:
        archive.write(table, "in/objects.csv")
        archive.writestr("other.csv", "")
    table.unlink()
    store = tmp_path / "s.zarr"
    result = stmgpu("evolve", study, "--out", store)
    assert result.exit_code == 0, result.stderr
    assert [path.name for path in (store / "run" / "inputs").iterdir()] == ["data.zip"]
    assert stmgpu("check", store).exit_code == 0
    (tmp_path / "data.zip").unlink()
    assert "data.zip" in stmgpu("info", store).stdout
