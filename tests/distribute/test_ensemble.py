"""Studies of debris growth in stores: however they are cut, shared out, stopped, killed or enlarged, the same bytes."""

from __future__ import annotations

import io
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from rich.console import Console
from support.stores import BACKEND, result_of
from support.studies import STUDY, TILES, evolve, stopping_after

import stmgpu as stm
from stmgpu.backend.cpu import usable_levels
from stmgpu.debris.evolution.loop import RunResult
from stmgpu.debris.scenario import Study
from stmgpu.debris.specs import BreakupSpec, ExplosionSpec, PopulationSpec
from stmgpu.debris.study.packing import pack
from stmgpu.debris.variables import EXPLOSION, REMOVAL
from stmgpu.distribute.jobs.ensemble import ensemble_tiles
from stmgpu.errors import InputError, StoreError
from stmgpu.report.study import print_study, study_summary
from stmgpu.store import check_store, write_dataset

pytestmark = pytest.mark.skipif(not usable_levels(), reason="the kernels were not compiled here")


@pytest.fixture(scope="module")
def whole(study: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = tmp_path_factory.mktemp("whole") / "whole.zarr"
    outcome = evolve(study, store)
    assert (outcome.tiles, outcome.computed, outcome.complete) == (TILES, TILES, True)
    return store


@pytest.fixture
def store(whole: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    return Path(shutil.copytree(whole, tmp_path / "s.zarr"))


# ------------------------------------------------------------------------------------------------ what a store holds
@pytest.mark.slow
def test_a_store_holds_what_the_call_returns(study: Path, whole: Path, tmp_path: Path) -> None:
    expected = stm.evolve(study, seed=7, backend=BACKEND, threads=1)
    found = stm.open_dataset(whole, "ensemble")
    types = expected.event_type.to_numpy()
    assert (types == EXPLOSION).sum() > 2, "nothing exploded, so little is compared"
    assert (types == REMOVAL).sum() == 2 * 4 * 3  # at the start and after a year
    for again in (found, stm.open_dataset(write_dataset(expected, tmp_path / "direct.zarr", "ensemble"))):
        assert set(again.variables) == set(expected.variables)
        for name, variable in expected.variables.items():
            values = again[name].to_numpy()
            assert again[name].dims == variable.dims, name
            np.testing.assert_equal(again[name].attrs, variable.attrs, name)
            if variable.dtype.kind in "UT":
                assert values.tolist() == variable.to_numpy().tolist(), name
            else:
                assert values.dtype == variable.dtype, name
                assert values.tobytes() == variable.to_numpy().tobytes(), name
        assert {name: again.attrs[name] for name in expected.attrs} == expected.attrs
    assert "run" not in found.coords
    assert check_store(whole) == []


@pytest.mark.slow
def test_xarray_alone_opens_it(whole: Path) -> None:
    code = (
        "import sys; sys.modules['stmgpu'] = None; import warnings; warnings.simplefilter('error'); import xarray;"
        f"ds = xarray.open_zarr({str(whole)!r}, chunks=None).load();"
        "print(sorted(ds.sizes.items()), float(ds.population.sum()), ds.event_time.dtype, *ds['class'].values)"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    ds = stm.open_dataset(whole)
    assert printed.split("\n")[0] == (
        f"{sorted(ds.sizes.items())} {float(ds.population.sum())} float64 " + " ".join(ds["class"].values)
    )
    assert xr.open_zarr(whole, chunks=None).sizes["event"] == ds.sizes["event"] > 10


def test_tiles_are_the_first_runs_of_all_scenarios_first() -> None:
    tiles = ensemble_tiles(2, 5, 2)
    assert [(t.scenario, *t.runs) for t in tiles] == [
        (0, 0, 2),
        (1, 0, 2),
        (0, 2, 4),
        (1, 2, 4),
        (0, 4, 5),
        (1, 4, 5),
    ]
    assert len({t.id for t in tiles}) == 6


# ------------------------------------------------------------------------------------------------- cut and shared out
@pytest.mark.slow
def test_bytes_do_not_depend_on_the_runs_of_a_tile(study: Path, whole: Path, tmp_path: Path) -> None:
    """Nor does whether all of them are evolved side by side, see also :func:`test_a_study_may_be_given_as_objects`."""
    outcome = evolve(study, tmp_path / "s.zarr", runs_per_tile=2, threads=2)
    assert (outcome.computed, outcome.complete) == (4, True)
    assert result_of(tmp_path / "s.zarr") == result_of(whole)
    assert check_store(tmp_path / "s.zarr") == []


@pytest.mark.slow
def test_bytes_do_not_depend_on_the_workers(study: Path, whole: Path, tmp_path: Path) -> None:
    assert evolve(study, tmp_path / "dask.zarr", executor=stm.Dask(workers=2)).computed == TILES
    assert result_of(tmp_path / "dask.zarr") == result_of(whole)


@pytest.mark.slow
def test_shares_of_an_array_and_parts_from_elsewhere(study: Path, whole: Path, tmp_path: Path) -> None:
    first = evolve(study, tmp_path / "array.zarr", executor=stm.SlurmArray(task=(0, 2)))
    assert (first.computed, first.complete, len(first.missing)) == (3, False, 3)
    part = Path(shutil.copytree(tmp_path / "array.zarr", tmp_path / "part.zarr"))
    second = evolve(study, tmp_path / "array.zarr", executor=stm.SlurmArray(task=(1, 2)))
    assert (second.computed, second.complete) == (3, True)
    assert result_of(tmp_path / "array.zarr") == result_of(whole)
    assert len(stm.merge_store(part).missing) == 3
    evolve(study, tmp_path / "two.zarr", runs_per_tile=2, stop=stopping_after(0))
    with pytest.raises(InputError, match=r"tiling\.runs_per_tile"):
        stm.merge_store(part, [tmp_path / "two.zarr"])
    evolve(study, tmp_path / "other.zarr", seed=8, stop=stopping_after(0))
    with pytest.raises(InputError, match=r"settings\.seed: stored 7, requested 8"):
        stm.merge_store(part, [tmp_path / "other.zarr"])
    assert stm.merge_store(part, [tmp_path / "array.zarr"]).complete
    assert result_of(part) == result_of(whole)


# ------------------------------------------------------------------------------------------------- stopped and killed
@pytest.mark.slow
def test_a_stopped_study_goes_on_and_can_be_looked_at(study: Path, whole: Path, tmp_path: Path) -> None:
    path = tmp_path / "s.zarr"
    outcome = evolve(study, path, stop=stopping_after(3))
    assert (outcome.computed, outcome.stopped, len(outcome.missing)) == (3, True, 3)
    with pytest.raises(StoreError, match="left unfinished"):
        stm.open_dataset(path)
    part, expected = stm.open_dataset(path, "ensemble", partial=True), stm.open_dataset(whole)
    assert (part.attrs["complete"], part.attrs["tiles_done"], part.attrs["tiles"]) == (False, 3, TILES)
    assert {name: part.attrs[name] for name in ("seed", "years", "runs", "notes", "scenarios")} == {
        name: expected.attrs[name] for name in ("seed", "years", "runs", "notes", "scenarios")
    }
    there = np.array([[True, True, False], [True, False, False]])
    assert (part.population.notnull().all(["time", "class"]) == there).all()
    for name in ("number", "expected_catastrophic", "decays", "mass_balance"):
        assert part[name].to_numpy()[there].tobytes() == expected[name].to_numpy()[there].tobytes(), name
    events = expected.isel(event=there[expected.event_scenario, expected.event_run])
    assert part.event_id.to_numpy().tolist() == events.event_id.to_numpy().tolist()
    before = {p.name: p.stat().st_mtime_ns for p in (path / "run" / "tiles").iterdir()}
    outcome = evolve(study, path, if_exists="resume")
    assert (outcome.computed, outcome.complete) == (3, True)
    assert before.items() <= {p.name: p.stat().st_mtime_ns for p in (path / "run" / "tiles").iterdir()}.items()
    assert result_of(path) == result_of(whole)
    assert evolve(study, path).computed == 0
    assert [s["tiles"] for s in stm.provenance(path)["sessions"]] == [3, 3]
    assert stm.open_dataset(path, partial=True).equals(expected)


# what earlier versions did not record
LATER = ("constellation", "active_losses", "expected_active_losses", "manoeuvres", "expected_within_fleets")


@pytest.mark.slow
@pytest.mark.parametrize("lost", [(), ("first_cause",)], ids=["less", "too little"])
def test_an_unfinished_study_of_an_earlier_version(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lost: tuple[str, ...]
) -> None:
    """What it did not record is absent, and none of its events was scheduled; a column without a default is named."""

    def earlier(results: Iterable[tuple[int, RunResult]]) -> dict[str, np.ndarray]:
        return {
            name: array
            for name, array in pack(results).items()
            if not name.split("/")[2].startswith(LATER) and name.split("/")[2] not in ("scheduled", *lost)
        }

    monkeypatch.setattr("stmgpu.distribute.jobs.ensemble.pack", earlier)
    path = tmp_path / "s.zarr"
    evolve(study, path, stop=stopping_after(1))
    if lost:
        with pytest.raises(StoreError, match=r"event table of a run lacks first_cause: .* evolve the study anew"):
            stm.open_dataset(path, partial=True)
        return
    part = stm.open_dataset(path, "ensemble", partial=True)
    assert part.population.notnull().all(["time", "class"]).to_numpy().tolist() == [[True, False, False], [False] * 3]
    assert not [name for name in part.variables if str(name).startswith(LATER)]
    assert part.event_scheduled.dtype == np.int32
    assert part.sizes["event"] > 0
    assert not part.event_scheduled.any()
    text = io.StringIO()
    print_study(study_summary(part, resamples=100), Console(file=text, width=200))
    assert "runs: 3 of each scenario, finished: nothing 1, removal 0" in text.getvalue()


def test_nothing_is_finished_yet(study: Path, tmp_path: Path) -> None:
    evolve(study, tmp_path / "s.zarr", stop=stopping_after(0))
    with pytest.raises(StoreError, match="no run has finished yet"):
        stm.open_dataset(tmp_path / "s.zarr", partial=True)


@pytest.mark.alone
@pytest.mark.slow
def test_clients_that_are_killed_or_come_twice(study: Path, store: Path, tmp_path: Path) -> None:
    """Three clients work on one store, one of them is killed; what they leave is what a store holds that grew."""
    grown = store
    store, runs = tmp_path / "new.zarr", 6
    command = [
        sys.executable,
        "-m",
        "stmgpu.cli",
        "evolve",
        str(study),
        "--runs",
        str(runs),
        "--seed",
        "7",
        "--threads",
        "1",
        "--out",
        str(store),
    ]
    killed, other = (
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)
    )
    while killed.poll() is None and len(list((store / "run" / "tiles").glob("*.json"))) < 2:
        time.sleep(0.01)
    killed.kill()
    assert evolve(study, store, runs=runs).complete
    _, said = other.communicate(timeout=120)
    assert other.returncode == 0, said
    _, last_words = killed.communicate(timeout=120)
    assert killed.returncode == -signal.SIGKILL, last_words
    assert check_store(store) == []
    assert evolve(study, grown, runs=runs, if_exists="append").computed == 6
    assert result_of(store) == result_of(grown)


# ---------------------------------------------------------------------------------------------- more runs, other runs
@pytest.mark.slow
def test_runs_are_added(study: Path, whole: Path, tmp_path: Path) -> None:
    """The tile of one run gives way to one of two; one run more than two stays in a tile of its own."""
    path = tmp_path / "s.zarr"
    evolve(study, path, runs=1, runs_per_tile=2)
    assert stm.open_dataset(path).sizes["run"] == 1
    with pytest.raises(InputError, match="runs: stored 1, requested 3"):
        evolve(study, path)
    with pytest.raises(InputError, match=r"tiling\.runs_per_tile: stored 2, requested 3"):
        evolve(study, path, if_exists="append", runs_per_tile=3)
    outcome = evolve(study, path, if_exists="append")
    assert (outcome.computed, outcome.complete) == (4, True)
    assert result_of(path) == result_of(whole)
    assert check_store(path) == []
    assert evolve(study, path, if_exists="append").computed == 0
    with pytest.raises(InputError, match="holds 3 runs; --append cannot shorten it to 2"):
        evolve(study, path, runs=2, if_exists="append")
    with pytest.raises(InputError, match=r"settings\.years: stored 2\.0, requested 3\.0"):
        evolve(study, path, years=3.0, if_exists="append")


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        (
            "payload = 0.02",
            "payload = 0.03",
            "settings.scenario 'nothing'.explosions.payload: stored 0.02, requested 0.03",
        ),
        ("per_year = 4", "per_year = 5", "settings.scenario 'removal'.removal: stored [{'rank': 'mass'"),
        ("objects = 300", "objects = 301", "catalog.objects: stored 300, requested 301"),
        (
            'name = "removal"',
            'name = "removed"',
            "settings.scenarios: stored ['nothing', 'removal'], requested ['nothing', 'removed']",
        ),
        ("years = 2", "years = 2.5", "settings.years: stored 2.0, requested 2.5"),
    ],
)
def test_another_study_is_refused(whole: Path, tmp_path: Path, old: str, new: str, shown: str) -> None:
    (tmp_path / "other.toml").write_text(STUDY.replace(old, new, 1))
    before = result_of(whole)
    with pytest.raises(InputError, match="a different computation") as error:
        evolve(tmp_path / "other.toml", whole, if_exists="append")
    told = str(error.value)
    assert shown in told
    assert len(told.splitlines()) <= 8, "only what differs is listed"
    assert result_of(whole) == before


@pytest.mark.slow
def test_a_study_may_be_given_as_objects(study: Path, whole: Path, tmp_path: Path) -> None:
    """The numbers may be NumPy's, and years whole numbers: neither changes a byte."""
    found = stm.read_study(study)
    outcome = stm.evolve_to_store(
        found,
        str(tmp_path / "s.zarr"),
        years=2,
        runs=np.int64(3),
        seed=np.int64(7),
        backend=BACKEND,
        tiling=stm.Tiling(runs_per_tile=3),
    )
    assert outcome.complete
    assert result_of(tmp_path / "s.zarr") == result_of(whole)
    single = stm.evolve(found.scenarios[0], years=1, runs=1, seed=7, backend=BACKEND)
    kept = tmp_path / "one.zarr"
    assert evolve(found.scenarios[0], kept, years=1, runs=1).complete
    assert stm.open_dataset(kept).population.to_numpy().tobytes() == single.population.to_numpy().tobytes()


def test_studies_that_are_refused_before_anything_is_written(study: Path, tmp_path: Path) -> None:
    found = stm.read_study(study)
    first, second = found.scenarios
    later = second.model_copy(update={"population": PopulationSpec(objects=300, year=2024.0)})
    for scenarios, change, message in (
        ((), {}, "has no scenarios"),
        ((first, first), {}, "names of scenarios repeat"),
        ((first, later), {}, "begin in different years"),
        ((first,), {"years": -1.0}, "years = .* is out of range"),
        ((first,), {"years": np.nan}, "years = .* is out of range"),
        ((first,), {"years": 1e9}, "choose 1 to 1000"),
        ((first,), {"runs": 0}, "runs = .* is out of range"),
        ((first,), {"runs": 10**9}, "runs = .* is out of range"),
        ((first,), {"seed": -1}, "seed = -1 is out of range"),
        ((first,), {"seed": 1 << 63}, "seed = "),
        ((first,), {"seed": 1.5}, "seed = "),
        ((first,), {"runs_per_tile": 0}, "0 runs a tile"),
    ):
        with pytest.raises(InputError, match=message):
            evolve(found.model_copy(update={"scenarios": scenarios}), tmp_path / "s.zarr", **change)
    assert list(tmp_path.iterdir()) == []


# ------------------------------------------------------------------------------------------------------ runs cut off
@pytest.fixture(scope="module")
def exploding(study: Path) -> Study:
    """Runs that soon hold more objects than they may, each at another time; removal goes on."""
    scenario = (
        stm.read_study(study)
        .scenarios[1]
        .model_copy(
            update={
                "max_objects": 700,
                "breakups": BreakupSpec(min_length_m=0.1),
                "explosions": ExplosionSpec(rocket_body=0.05, payload=0.05, max_age_years=60.0),
            }
        )
    )
    return Study(scenarios=(scenario,), years=4.0, runs=3)


@pytest.mark.slow
def test_runs_that_are_cut_off_are_no_numbers_afterwards(exploding: Study, tmp_path: Path) -> None:
    assert evolve(exploding, tmp_path / "s.zarr").complete
    ds = stm.open_dataset(tmp_path / "s.zarr").isel(scenario=0)
    cut = ds.truncated_year
    assert len(set(cut.to_numpy().tolist())) == 3, "all runs were cut off together, so less is tested"
    assert ((cut > 2023.0) & (cut < 2027.0)).any()
    there = ~(ds.time >= cut)  # also where a run was not cut off
    assert there.isel(time=0).all()
    for name, variable in ds.data_vars.items():
        if "time" in variable.dims and not name.startswith("rate_"):
            assert (variable.notnull() == there).all(), name
    assert ds.mass_balance.notnull().all()
    held = ds.population.sum("class").where(there).max("time")
    assert (held <= 1.5 * 700).all()
    assert (ds.event_time.to_numpy() <= np.nan_to_num(cut, nan=2027.0)[ds.event_run]).all()


@pytest.mark.slow
def test_runs_that_are_cut_off_do_not_notice_the_others(exploding: Study, tmp_path: Path) -> None:
    for runs_per_tile in (1, 3):
        evolve(exploding, tmp_path / f"{runs_per_tile}.zarr", runs_per_tile=runs_per_tile)
    assert result_of(tmp_path / "1.zarr") == result_of(tmp_path / "3.zarr")
