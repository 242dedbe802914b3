"""Assessment in stores: the same bytes however it is cut, resumed or killed; the conjunctions stay as they are."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from support.damage import DAMAGES, files_of
from support.orbits import catalog_of, shared
from support.stores import BACKEND, result_of, screen, small_catalog

import stmgpu as stm
from stmgpu.backend.cpu import usable_levels
from stmgpu.distribute.jobs.assessment import AssessmentJob
from stmgpu.distribute.status import status
from stmgpu.errors import InputError, StoreError
from stmgpu.risk.variables import NO_SPEED, STAY
from stmgpu.store import check_store, provenance, write_dataset

pytestmark = pytest.mark.skipif(not usable_levels(), reason="the kernels were not compiled here")

ROWS = 100
THOROUGH = bool(os.environ.get("STMGPU_KILLS"))


def assess(store: Path, rows: int | None = ROWS, **keywords: Any) -> stm.distribute.Outcome:
    return stm.assess_store(store, backend=BACKEND, tiling=stm.Tiling(rows_per_tile=rows), **keywords)


@pytest.fixture(scope="module")
def catalog() -> stm.Catalog:
    return small_catalog()


@pytest.fixture(scope="module")
def screened(catalog: stm.Catalog, tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = tmp_path_factory.mktemp("screened") / "s.zarr"
    assert screen(catalog, store).complete
    return store


@pytest.fixture(scope="module")
def whole(screened: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that was assessed in one tile."""
    store = tmp_path_factory.mktemp("assessed") / "s.zarr"
    shutil.copytree(screened, store)
    assert assess(store, rows=None).tiles == 1
    return store


@pytest.fixture
def store(screened: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(screened, tmp_path / "s.zarr"))


def test_the_store_gives_what_memory_gives(catalog: stm.Catalog, screened: Path, whole: Path) -> None:
    memory, stored = stm.assess(stm.open_dataset(screened), catalog, backend=BACKEND), stm.open_dataset(whole)
    xr.testing.assert_identical(memory, stored)
    assert list(memory.variables) == list(stored.variables)
    for name, variable in memory.variables.items():
        assert (variable.dtype, variable.encoding) == (stored[name].dtype, stored[name].encoding), name
    assert stored.sizes["conjunction"] > 3 * ROWS
    assert check_store(whole) == []
    files = {name: digest for name, digest in result_of(whole).items() if not name.startswith("assessment/")}
    assert files == result_of(screened)


@pytest.mark.parametrize("rows", [37])
def test_tiles_do_not_matter(store: Path, whole: Path, rows: int) -> None:
    assert assess(store, rows).tiles == -(-stm.open_dataset(store).sizes["conjunction"] // rows)
    assert result_of(store / "assessment") == result_of(whole / "assessment")


def test_tasks_of_an_array_share_the_tiles(store: Path, whole: Path) -> None:
    first = assess(store, executor=stm.SlurmArray((0, 2)))
    assert not first.complete
    assert first.computed == first.tiles - len(first.missing) > 0
    assert "pc" not in stm.open_dataset(store)
    assert assess(store, executor=stm.SlurmArray((1, 2))).complete
    assert result_of(store / "assessment") == result_of(whole / "assessment")


@pytest.mark.slow
def test_stays_are_the_same_in_any_tiles(tmp_path: Path) -> None:
    """Four objects that fly together: the whole, and tiles of two rows that are interrupted."""
    row = np.array([0.0653, 1e-3, 0.9, 1.0, 0.5, 0.3])
    ahead, around = np.array([0.0, 0.0, 0.0, 0.0, 0.0, 6e-5]), np.array([0.0, 2e-5, 1e-5, 0.0, 0.0, 0.0])
    together = catalog_of(np.stack([row, row, row + ahead, row + around]))
    options: dict[str, Any] = {"start": "2025-03-01T03:20:00", "hours": 0.9, "threshold_km": 5.0, "backend": BACKEND}
    for name in ("whole", "cut"):
        stm.screen_to_store(together, tmp_path / name, **options)
    asked: dict[str, Any] = {"slow": "all", "samples": 300, "seed": 7}
    assess(tmp_path / "whole", rows=None, **asked)
    assert assess(tmp_path / "cut", rows=2, stop=stopping_after(1), **asked).stopped
    assert assess(tmp_path / "cut", rows=2, **asked).complete
    assert result_of(tmp_path / "cut" / "assessment") == result_of(tmp_path / "whole" / "assessment")
    con = stm.open_dataset(tmp_path / "cut")
    assert (con.pc_method.values == STAY).any()
    assert con.attrs["samples"] == 300


@pytest.mark.slow
def test_dask(store: Path, whole: Path) -> None:
    assert assess(store, executor=stm.Dask(2)).complete
    assert result_of(store / "assessment") == result_of(whole / "assessment")
    assert check_store(store) == []


def stopping_after(tiles: int) -> Callable[[], bool]:
    answers = iter([False] * tiles)
    return lambda: next(answers, True)


def test_a_stopped_assessment_goes_on(store: Path, screened: Path, whole: Path) -> None:
    stopped = assess(store, stop=stopping_after(2))
    assert (stopped.computed, stopped.complete, stopped.stopped) == (2, False, True)
    assert stm.open_dataset(store).identical(stm.open_dataset(screened))
    with pytest.raises(StoreError, match="has no complete assessment"):
        stm.encounters(store)
    (finding,) = check_store(store)
    assert "assessment: unfinished: 2 of" in str(finding)
    assert "run `stmgpu assess` again" in finding.cure
    facts = status(store)
    assert (facts["state"], facts["assessment"]["state"]) == ("complete", "unfinished")
    assert facts["assessment"]["tiles"]["done"] == 2
    rest = assess(store)
    assert (rest.computed, rest.complete) == (rest.tiles - 2, True)
    assert result_of(store / "assessment") == result_of(whole / "assessment")
    assert check_store(store) == []
    assert assess(store).computed == 0
    assert len(provenance(store)["assessment"]["sessions"]) == 2


@pytest.mark.parametrize("step", ["finish", "write", "root"])
def test_what_is_killed_at_any_step_is_as_if_it_had_not_begun(
    store: Path, screened: Path, whole: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def die(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        if step == "finish":
            patch.setattr(AssessmentJob, "finish", die)
        elif step == "write":
            patch.setattr("stmgpu.store.result._move", die)
        else:
            patch.setattr("stmgpu.store.run.RunStore.write_manifest", die)
        with pytest.raises(Killed):
            assess(store)
    assert stm.open_dataset(store).identical(stm.open_dataset(screened))
    assert all(finding.what.startswith("assessment: ") for finding in check_store(store))
    assert assess(store).complete
    assert result_of(store / "assessment") == result_of(whole / "assessment")
    assert check_store(store) == []


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.parametrize("tiles", [1, 4])
def test_a_killed_process_leaves_the_conjunctions_and_its_tiles(
    store: Path, screened: Path, whole: Path, tiles: int
) -> None:
    words = [sys.executable, "-m", "stmgpu.cli", "assess", str(store), "--rows-per-tile", "30", "--backend", BACKEND]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 120
    while process.poll() is None and len(list((store / "assessment/run/tiles").glob("*.json"))) < tiles:
        assert time.monotonic() < end
        time.sleep(0.002)
    process.kill()
    process.wait()
    if process.returncode:  # killed before it was done
        assert stm.open_dataset(store).identical(stm.open_dataset(screened)) or "pc" in stm.open_dataset(store)
        assert all(finding.what.startswith("assessment: ") for finding in check_store(store))
    assert subprocess.run(words, capture_output=True, check=True).returncode == 0
    assert result_of(store / "assessment") == result_of(whole / "assessment")
    assert check_store(store) == []


@pytest.mark.slow
def test_the_real_catalogue(tmp_path: Path) -> None:
    """States in GCRF are as far apart as the screening found; every row has a maximum and its sources."""
    objects = stm.read_catalog(shared("catalogs/2024-07-05.tle"))
    store = tmp_path / "s.zarr"
    stm.screen_to_store(objects, store, start="2024-07-06", hours=2, threshold_km=5.0, backend=BACKEND)
    assert assess(store, rows=700).complete
    con = stm.open_dataset(store)
    assert con.sizes["conjunction"] > 1000
    states = stm.encounters(con)
    apart = (states.state_2 - states.state_1).values
    np.testing.assert_allclose(np.linalg.norm(apart[:, :3], axis=1), con.miss_distance, rtol=0, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(apart[:, 3:], axis=1), con.relative_speed, rtol=0, atol=1e-6)
    still = (con.pc_flags.values & NO_SPEED) != 0  # docked objects with the same elements
    assert 0 < still.sum() < 100
    assert (np.isnan(con.pc_max.values) == still).all()
    assert ((con.pc_max.values[~still] >= 0.0) & (con.pc_max.values[~still] <= 1.0)).all()
    known = np.isfinite(con.pc.values)
    assert known.mean() > 0.4
    assert (con.pc.values[known] <= con.pc_max.values[known] * (1.0 + 1e-9)).all()
    assert (con.hard_body_source != "").all()
    assert (np.abs(con.covariance_age_1 - con.primary_epoch_age_days) < 1e-9).all()
    diagonal = np.diagonal(states.covariance_1.values, axis1=1, axis2=2)
    assert (diagonal > 0.0).all()


def test_another_request_replaces(store: Path, whole: Path, tmp_path: Path) -> None:
    assess(store, lines="1e-5")
    assert stm.open_dataset(store).attrs["triage_lines"] == "1e-5"
    assess(store, lines="cara", stop=stopping_after(1))
    assert "pc" not in stm.open_dataset(store)  # what it replaces is gone, the conjunctions are not
    assert assess(store, rows=None).complete
    assert result_of(store / "assessment") == result_of(whole / "assessment")
    lines = tmp_path / "mine.toml"
    lines.write_text('source = "a test"\nact = 1e-3\nwatch = 1e-6\n')
    assess(store, lines=str(lines))
    assert stm.open_dataset(store).attrs["red_line"] == 1e-3
    lines.write_text('source = "a test"\nact = 1e-2\nwatch = 1e-6\n')
    assert assess(store, lines=str(lines)).computed > 0
    assert stm.open_dataset(store).attrs["red_line"] == 1e-2
    assert check_store(store) == []


@pytest.mark.slow
def test_files_are_kept_in_the_store(catalog: stm.Catalog, store: Path, tmp_path: Path) -> None:
    """A table of covariances for some, the model for all others; the store needs the files no more."""
    con = stm.open_dataset(store)
    known = int(con.primary.values[0])
    table = tmp_path / "own+1.csv"
    table.write_text(f"norad_id,sigma_r_m,sigma_t_m,sigma_n_m\n{known},10,50,10\n")
    request = f"{table}+tle"
    memory = stm.assess(con, catalog, covariance=request, backend=BACKEND)
    assess(store, rows=50, covariance=request, stop=stopping_after(3))
    shutil.copy(table, tmp_path / "moved.csv")
    assert assess(store, rows=50, covariance=f"{tmp_path / 'moved.csv'}+tle").complete
    table.unlink()
    stored = stm.open_dataset(store)
    for name in ("pc_max", "sigma_major", "covariance_age_1"):
        np.testing.assert_array_equal(memory[name].values, stored[name].values)
    mine = np.flatnonzero(stored.primary.values == known)
    states = stm.encounters(stored.isel(conjunction=mine))
    np.testing.assert_allclose(
        states.covariance_1.values[:, :3, :3], np.broadcast_to(np.diag([100.0, 2500.0, 100.0]), (len(mine), 3, 3))
    )
    assert np.isfinite(states.covariance_2.values[:, :3, :3]).all()
    assert check_store(store) == []


def test_an_appended_screening_loses_its_assessment(catalog: stm.Catalog, store: Path, tmp_path: Path) -> None:
    assess(store)
    assert screen(catalog, store, hours=6.5, if_exists="append").complete
    assert not (store / "assessment").exists()
    assert "pc" not in stm.open_dataset(store)
    assert check_store(store) == []
    assess(store)
    screen(catalog, tmp_path / "long.zarr", hours=6.5)
    assess(tmp_path / "long.zarr")
    assert result_of(store / "assessment") == result_of(tmp_path / "long.zarr" / "assessment")


def test_an_assessment_of_other_conjunctions_is_left_out(catalog: stm.Catalog, whole: Path, tmp_path: Path) -> None:
    store = tmp_path / "s.zarr"
    screen(catalog, store, hours=2.0)
    shutil.copytree(whole / "assessment", store / "assessment")
    assert "pc" not in stm.open_dataset(store)
    assert any("it is one of other conjunctions" in str(finding) for finding in check_store(store))
    assert assess(store).complete
    assert check_store(store) == []


@pytest.mark.slow
def test_repair_keeps_an_assessment_of_the_same_conjunctions(catalog: stm.Catalog, store: Path, whole: Path) -> None:
    assess(store)
    kept = {name: digest for name, digest in result_of(store).items() if name.startswith("assessment/")}
    (store / "miss_distance" / "c" / "0").write_bytes(b"")
    assert check_store(store, repair=True)
    assert screen(catalog, store).complete
    now = result_of(store)
    assert {name: digest for name, digest in now.items() if name.startswith("assessment/")} == kept
    assert now.keys() - kept.keys() == {name for name in result_of(whole) if not name.startswith("assessment/")}
    assert check_store(store) == []
    assert "pc" in stm.open_dataset(store)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [*DAMAGES][:: 1 if THOROUGH else 4])
def test_damage_is_named_and_mended(store: Path, whole: Path, kind: str) -> None:
    rng = random.Random(kind)
    shutil.copytree(whole / "assessment", store / "assessment")
    DAMAGES[kind](rng, files_of(store / "assessment"))
    findings = check_store(store)
    assert findings
    assert all("assessment" in str(finding) for finding in findings)
    assert assess(store, rows=None).complete
    assert check_store(store) == []
    assert result_of(store / "assessment") == result_of(whole / "assessment")


def test_what_cannot_be_assessed(catalog: stm.Catalog, store: Path, screened: Path, tmp_path: Path) -> None:
    plain = write_dataset(stm.open_dataset(screened), tmp_path / "plain.zarr", "conjunctions")
    with pytest.raises(InputError, match="has no record of what was screened"):
        assess(plain)
    with pytest.raises(StoreError, match="there is no store at"):
        assess(tmp_path / "none.zarr")
    with pytest.raises(InputError, match="covariance source 'guess' is unknown"):
        assess(store, covariance="guess")
    assert not (store / "assessment").exists()
    screen(catalog, tmp_path / "half.zarr", tile_hours=1.0, stop=stopping_after(1))
    with pytest.raises(StoreError, match="was left unfinished"):
        assess(tmp_path / "half.zarr")


def test_an_assessed_dataset_is_a_store_too(whole: Path, tmp_path: Path) -> None:
    con = stm.open_dataset(whole)
    again = stm.open_dataset(write_dataset(con, tmp_path / "copy.zarr", "conjunctions"))
    xr.testing.assert_identical(con, again)


def test_without_conjunctions(catalog: stm.Catalog, tmp_path: Path) -> None:
    store = tmp_path / "s.zarr"
    stm.screen_to_store(catalog[:5], store, start="2025-01-01", hours=1, threshold_km=0.1, backend=BACKEND)
    assert stm.open_dataset(store).sizes["conjunction"] == 0
    assert assess(store).complete
    assert stm.open_dataset(store).pc.shape == (0,)
    assert check_store(store) == []
    assert np.isfinite(stm.open_dataset(store).attrs["expected_collisions"])
