"""What a study needs is kept in its store, and what is damaged or nonsense there is named and mended."""

from __future__ import annotations

import contextlib
import json
import random
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat
from support.stores import BACKEND, result_of
from support.studies import edit, evolve, flip, stopping_after, unfinished

import stmgpu as stm
from stmgpu.backend.cpu import usable_levels
from stmgpu.debris.environment.atmosphere import exponential_log_density
from stmgpu.debris.study.settings import EnsembleSettings
from stmgpu.distribute.execute import compute_tile
from stmgpu.distribute.jobs.ensemble import EnsembleJob
from stmgpu.errors import InputError, StoreError
from stmgpu.store import check_store
from stmgpu.store.document import RunDocument
from stmgpu.store.records import read_record, write_record
from stmgpu.store.run import create_run, marker_name, open_run
from stmgpu.store.run_input import StudyInputs, identity_of

pytestmark = pytest.mark.skipif(not usable_levels(), reason="the kernels were not compiled here")


@pytest.fixture(scope="module")
def whole(study: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = tmp_path_factory.mktemp("whole") / "whole.zarr"
    assert evolve(study, store).complete
    return store


@pytest.fixture
def store(whole: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    return Path(shutil.copytree(whole, tmp_path / "s.zarr"))


# --------------------------------------------------------------------------------------------------------- input files
def weather(path: Path) -> None:
    """Observed days of a whole cycle, in the columns of CelesTrak's file."""
    days = np.arange("2008-12-01", "2020-02-01", dtype="datetime64[D]")
    blank = " " * 65
    lines = [f"{str(d).replace('-', ' ')}{blank}   {10:4d}{' ' * 30}{120.0:6.1f}{120.0:6.1f}{' ' * 6}" for d in days]
    path.write_text(
        "\n".join(
            [
                "DATATYPE CssiSpaceWeather",
                f"NUM_OBSERVED_POINTS {len(days)}",
                "BEGIN OBSERVED",
                *lines,
                "END OBSERVED",
                "",
            ]
        )
    )


@pytest.fixture(scope="module")
def with_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of objects in a table, a density table and a space-weather file, two of them of the same name."""
    folder = tmp_path_factory.mktemp("files")
    (folder / "more").mkdir()
    rows = [
        f"{400 + 7 * (k % 120)},{410 + 7 * (k % 120)},{40 + k % 60},{'rocket body' if k % 3 else 'payload'},"
        f"{1000 if k % 4 else ''},{1990 + k % 30}-01-01"
        for k in range(120)
    ]
    (folder / "a.csv").write_text(
        "# epoch = 2020-06-01\nperigee_km,apogee_km,inc_deg,object_type,mass_kg,launch_date\n" + "\n".join(rows) + "\n"
    )
    (folder / "more" / "a.csv").write_text((folder / "a.csv").read_text().replace("1000", "2000"))
    height, months = np.linspace(200.0, 2000.0, 36), np.arange(48)
    density = np.tile(np.exp(exponential_log_density(height))[:, None], (1, len(months)))
    savemat(
        folder / "2020.mat",
        {"dens_highvar": {"dens": density, "year": 2020 + months // 12, "month": 1 + months % 12, "alt": height}},
    )
    weather(folder / "sw.txt")
    (folder / "study.toml").write_text("""
years = 1
runs = 2
population = { source = "table", path = "a.csv" }
collisions = { enabled = false }

[[scenario]]
name = "table"
environment = { density = "jb2008", path = "2020.mat" }

[[scenario]]
name = "other"
population = { path = "more/a.csv" }
environment = { density = "exponential" }

[[scenario]]
name = "weather"
environment = { solar = { model = "repeat", space_weather = "sw.txt" } }
""")
    return folder


NAMES = ["2020.mat", "a-2.csv", "a.csv", "sw.txt"]


@pytest.fixture(scope="module")
def whole_with_files(with_files: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = tmp_path_factory.mktemp("whole") / "f.zarr"
    assert evolve(with_files / "study.toml", store).complete
    return store


@pytest.mark.slow
def test_input_files_are_kept_in_the_store(with_files: Path, whole_with_files: Path, tmp_path: Path) -> None:
    """What a study needs is in its store: once that is made, the originals may vanish."""
    moved, store = Path(shutil.copytree(with_files, tmp_path / "moved")), tmp_path / "f.zarr"
    evolve(moved / "study.toml", store, stop=stopping_after(1))
    assert sorted(p.name for p in (store / "run" / "inputs").iterdir()) == NAMES
    assert (store / "run" / "inputs" / "a-2.csv").read_bytes() == (moved / "more" / "a.csv").read_bytes()
    assert sorted(open_run(store).document.run_input.files) == NAMES
    shutil.rmtree(moved)
    with pytest.raises(InputError, match=r"scenario file .*study\.toml. cannot be read"):
        evolve(moved / "study.toml", store)
    for tile in stm.merge_store(store).missing:
        compute_tile(
            str(store), tile, module=EnsembleJob.__module__, backend=BACKEND, threads=1
        )  # what a Dask worker is given
    assert stm.merge_store(store).complete
    assert result_of(store) == result_of(whole_with_files)
    notes = stm.open_dataset(store).attrs["notes"]
    assert any(re.match(r"a\.csv: \d+ rocket bodies: mass of \d+ ", note) for note in notes), notes
    assert any(note.startswith("density: table 2020.mat, 2020-01 to 2023-12") for note in notes)
    assert any("observed 2008-12 to 2020-01" in note for note in notes)
    assert json.loads(stm.open_dataset(store).attrs["scenarios"])[1]["population"]["path"] == "a-2.csv"


def test_other_contents_are_another_study(with_files: Path, whole_with_files: Path, tmp_path: Path) -> None:
    changed = Path(shutil.copytree(with_files, tmp_path / "changed"))
    assert evolve(changed / "study.toml", whole_with_files).computed == 0
    with (changed / "sw.txt").open("a") as file:
        file.write("\n")
    with pytest.raises(InputError, match=r"catalog\.files\.sw\.txt: stored '[0-9a-f]{64}', requested '[0-9a-f]{64}'"):
        evolve(changed / "study.toml", whole_with_files)
    (changed / "sw.txt").unlink()
    with pytest.raises(InputError, match=r"space weather file .*sw\.txt. cannot be read"):
        evolve(changed / "study.toml", tmp_path / "new.zarr")
    assert not (tmp_path / "new.zarr").exists()


@pytest.mark.parametrize(
    ("happens", "message"),
    [
        (lambda path: path.write_text("other"), r"a\.csv changed while it was read; rerun the command"),
        (Path.unlink, r"cannot read .*a\.csv, which a scenario names: No such file"),
    ],
    ids=["changes", "vanishes"],
)
def test_a_file_that_goes_before_it_is_kept(tmp_path: Path, happens: Callable[[Path], object], message: str) -> None:
    (tmp_path / "a.csv").write_text("one")
    inputs = StudyInputs.of({"a.csv": tmp_path / "a.csv"}, objects=1)
    settings = EnsembleSettings(({"name": "base"},), 1.0, 1, 0, 2025.0)
    document = RunDocument("ensemble", settings, "kernels", identity_of(inputs), {}, stm.Tiling(runs_per_tile=1), 1)
    happens(tmp_path / "a.csv")
    with pytest.raises(InputError, match=message):
        create_run(tmp_path / "s.zarr", document, inputs)
    assert not [p for p in tmp_path.iterdir() if p.is_dir()], "nothing is left behind"


def test_a_population_dated_by_its_name_stays_dated(tmp_path: Path) -> None:
    """Files of MOCAT-MC state their epoch in their names alone."""
    sats = np.zeros((40, 24))
    sats[:, 0], sats[:, 1], sats[:, 2] = 1.12 + 0.001 * np.arange(40), 0.001, 1.2  # a [Earth radii], e, i
    sats[:, 7:9], sats[:, 22], sats[:, 23] = 500.0, 5, np.arange(1, 41)
    sats[:, 8] = 1.0
    savemat(tmp_path / "2021_cut.mat", {"mat_sats": sats})
    (tmp_path / "s.toml").write_text(
        'population = { source = "mocat", path = "2021_cut.mat" }\nenvironment = { density = "exponential" }\n'
    )
    outcome = evolve(tmp_path / "s.toml", tmp_path / "s.zarr", years=1, runs=1)
    assert outcome.complete, outcome
    assert stm.open_dataset(tmp_path / "s.zarr").time.to_numpy().tolist() == [2021.0, 2022.0]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f: flip(f / "a.csv"), r"a\.csv has other contents"),
        (lambda f: (f / "sw.txt").unlink(), r"sw\.txt is missing"),
        (lambda f: shutil.rmtree(f), "is missing"),
    ],
    ids=["damaged", "missing", "all missing"],
)
def test_damaged_input_files_are_named(
    with_files: Path, tmp_path: Path, spoil: Callable[[Path], object], message: str
) -> None:
    store = tmp_path / "f.zarr"
    evolve(with_files / "study.toml", store, stop=stopping_after(1))
    spoil(store / "run" / "inputs")
    with pytest.raises(StoreError, match=message):
        open_run(store).run_input()
    findings = check_store(store)
    assert [f for f in findings if re.search(message, f.what) and "another store" in f.cure], findings
    assert evolve(with_files / "study.toml", store, stop=stopping_after(0)).computed == 0
    assert len(open_run(store).run_input().files) == len(NAMES), "the command has written them again"


OUTSIDE = r"which is none of its input files|outside the store|cannot be read|is damaged"


@pytest.mark.parametrize("place", ["../../../secret.csv", "{folder}/secret.csv", "secret.csv", "..", "nowhere/a.csv"])
@pytest.mark.parametrize("listed", [True, False])
def test_a_store_reads_no_files_outside_of_itself(with_files: Path, tmp_path: Path, place: str, listed: bool) -> None:
    store, place = tmp_path / "f.zarr", place.format(folder=tmp_path)
    evolve(with_files / "study.toml", store, stop=stopping_after(0))
    shutil.copyfile(with_files / "a.csv", tmp_path / "secret.csv")

    def change(document: dict[str, Any]) -> None:
        document["settings"]["scenarios"][0]["population"]["path"] = place
        if listed:
            document["catalog"]["files"][place] = document["catalog"]["files"].pop("a.csv")

    edit(store, change)
    with pytest.raises(StoreError, match=OUTSIDE):
        compute_tile(str(store), "s000-r000000-000001", module=EnsembleJob.__module__, backend=BACKEND, threads=1)
    assert not list((store / "run" / "tiles").iterdir())


# ------------------------------------------------------------------------------------------------------------- damage
@pytest.mark.slow
def test_a_damaged_tile_is_computed_again(study: Path, whole: Path, store: Path) -> None:
    flip(sorted((unfinished(store) / "run" / "tiles").glob("*.npz"))[1])
    with pytest.raises(StoreError, match=r"is damaged: its hash .* was discarded: rerun the same command"):
        evolve(study, store)
    outcome = evolve(study, store)
    assert (outcome.computed, outcome.complete) == (1, True)
    assert result_of(store) == result_of(whole)


@pytest.mark.slow
def test_damage_to_a_finished_store_is_mended(study: Path, store: Path, whole: Path) -> None:
    flip(store / "number" / "c" / "0" / "0" / "0" / "0" / "0")
    flip(sorted((store / "run" / "tiles").glob("*.npz"))[2])
    with pytest.raises(StoreError, match="damaged"):
        stm.open_dataset(store)
    assert sorted(re.sub(" .*", "", f.what) for f in check_store(store, repair=True)) == ["number:", "tile"]
    assert evolve(study, store).computed == 1
    assert check_store(store) == []
    assert result_of(store) == result_of(whole)


@pytest.mark.slow
def test_markers_of_other_tiles_are_seen_through(study: Path, whole: Path, store: Path) -> None:
    unfinished(store)
    other = read_record(store, marker_name("s000-r000000-000001"))
    write_record(store, marker_name("s000-r000001-000002"), other)
    with pytest.raises(StoreError, match=r"s000-r000001-000002 .*holds the runs \[0\]"):
        evolve(study, store)
    assert evolve(study, store).computed == 1
    assert result_of(store) == result_of(whole)


NONSENSE: list[tuple[str, Callable[[dict[str, Any]], object]]] = [
    ("no scenarios", lambda d: d["settings"].pop("scenarios")),
    ("empty scenarios", lambda d: d["settings"].update(scenarios=[])),
    ("scenarios of numbers", lambda d: d["settings"].update(scenarios=[1, 2])),
    ("an unknown key", lambda d: d["settings"]["scenarios"][0].update(gravity=9.81)),
    ("an unknown policy", lambda d: d["settings"]["scenarios"][1]["removal"][0].update(rank="beauty")),
    ("a rate of text", lambda d: d["settings"]["scenarios"][0]["explosions"].update(payload="often")),
    ("years of text", lambda d: d["settings"].update(years="two")),
    ("endless years", lambda d: d["settings"].update(years=1e300)),
    ("runs that are none", lambda d: d["settings"].update(runs=0)),
    ("half a run", lambda d: d["settings"].update(runs=2.5)),
    ("no runs", lambda d: d["settings"].pop("runs")),
    ("a seed of text", lambda d: d["settings"].update(seed="seven")),
    ("a negative seed", lambda d: d["settings"].update(seed=-7)),
    ("no first year", lambda d: d["settings"].pop("begin_year")),
    ("notes of nothing", lambda d: d["settings"].update(notes=None)),
    ("no arithmetic", lambda d: d["settings"].pop("arithmetic")),
    ("no tiles", lambda d: d["tiling"].update(runs_per_tile=0)),
    ("tiles backwards", lambda d: d["tiling"].update(runs_per_tile=-1)),
    ("tiles of text", lambda d: d["tiling"].update(runs_per_tile="all")),
    ("files of nothing", lambda d: d["catalog"].update(files=None)),
    ("no files", lambda d: d["catalog"].pop("files")),
    ("files in a list", lambda d: d["catalog"].update(files=["a.csv"])),
    ("files of numbers", lambda d: d["catalog"].update(files={"a.csv": 3})),
]


@pytest.mark.parametrize(("name", "change"), NONSENSE, ids=[name for name, _ in NONSENSE])
def test_nonsense_in_the_settings_is_named(
    study: Path, store: Path, name: str, change: Callable[[dict[str, Any]], object]
) -> None:
    edit(unfinished(store), change)
    with pytest.raises(StoreError, match=r"is damaged: .*run\.json"):
        stm.merge_store(store)
    for use in (
        lambda s: stm.open_dataset(s, partial=True),
        stm.provenance,
        check_store,
        lambda s: evolve(study, s, if_exists="append"),
    ):
        with contextlib.suppress(StoreError, InputError):
            use(store)


def _strange(document: Any, rng: random.Random) -> Any:
    """A JSON document with one value, anywhere in it, lost or replaced by something that has no business there."""
    inner = list(document) if isinstance(document, dict) else list(range(len(document)))
    if not inner:
        return rng.choice([None, -1, "x", [], {}])
    key = rng.choice(inner)
    if isinstance(document[key], (dict, list)) and rng.random() < 0.8:
        document[key] = _strange(document[key], rng)
    elif isinstance(document, dict) and rng.random() < 0.3:
        del document[key]
    else:
        document[key] = rng.choice([None, -1, 1e300, "x", "../../x", [], {}, [1], {"a": 1}, True])
    return document


@pytest.mark.slow
@pytest.mark.parametrize("name", ["zarr.json", "run/run.json", "run/tiles/s001-r000001-000002.json"])
def test_nonsense_anywhere_ends_in_an_error_of_ours(store: Path, name: str) -> None:
    rng, file = random.Random(name), unfinished(store) / name
    kept = {path: path.read_bytes() for path in (file, *(store / "run" / "tiles").iterdir())}
    for _ in range(6):
        file.write_text(json.dumps(_strange(json.loads(kept[file]), rng)))
        for use in (check_store, stm.provenance, lambda s: stm.open_dataset(s, partial=True), stm.merge_store):
            with contextlib.suppress(stm.StmgpuError):
                use(store)
        for path, data in kept.items():
            path.write_bytes(data)
        unfinished(store)
