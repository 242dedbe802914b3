"""Nothing is lost: runs that stop, stores that are damaged, windows that grow, tiles that cannot be computed."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import random
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.stores import (
    BACKEND,
    HOURS,
    START,
    THRESHOLD_KM,
    crowd_catalog,
    propagate,
    result_of,
    screen,
    small_catalog,
)
from support.studies import edit

import stmgpu as stm
from stmgpu.backend.cpu import usable_levels
from stmgpu.errors import InputError, StoreError
from stmgpu.store import SCHEMA_VERSION, check_store
from stmgpu.store.manifest import fingerprints, walk
from stmgpu.store.writing import mark_root

pytestmark = pytest.mark.skipif(not usable_levels(), reason="the kernels were not compiled here")


@pytest.fixture(scope="module")
def catalog() -> stm.Catalog:
    return small_catalog(700)


@pytest.fixture(scope="module")
def whole(catalog: stm.Catalog, tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = tmp_path_factory.mktemp("whole") / "whole.zarr"
    screen(catalog, store, tile_hours=1.0)
    return store


@pytest.fixture
def store(whole: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    return Path(shutil.copytree(whole, tmp_path / "s.zarr"))


def stopping_after(tiles: int) -> Callable[[], bool]:
    asked = iter(range(1000))
    return lambda: next(asked) >= tiles


def run_until(catalog: stm.Catalog, path: Path, tiles: int) -> stm.distribute.Outcome:
    return screen(catalog, path, tile_hours=1.0, stop=stopping_after(tiles))


@pytest.mark.slow
def test_a_stopped_run_goes_on(catalog: stm.Catalog, whole: Path, tmp_path: Path) -> None:
    path = tmp_path / "s.zarr"
    outcome = run_until(catalog, path, 2)
    assert (outcome.computed, outcome.stopped, outcome.complete, len(outcome.missing)) == (2, True, False, 4)
    with pytest.raises(StoreError, match="left unfinished; rerun the command that made the store, without --overwrite"):
        stm.open_dataset(path)
    assert [f.what for f in check_store(path)] == ["unfinished: 2 of 6 tiles are done"]
    outcome = screen(catalog, path, tile_hours=1.0, if_exists="resume")
    assert (outcome.computed, outcome.complete) == (4, True)
    assert result_of(path) == result_of(whole)
    sessions = stm.provenance(path)["sessions"]
    assert [s["tiles"] for s in sessions] == [2, 4]
    assert sessions[0]["packages"]["numpy"] == np.__version__
    assert screen(catalog, path).computed == 0
    assert len(stm.provenance(path)["sessions"]) == 2


def test_what_is_there_can_be_read_before_the_end(catalog: stm.Catalog, whole: Path, tmp_path: Path) -> None:
    path = tmp_path / "s.zarr"
    run_until(catalog, path, 3)
    part, expected = stm.open_dataset(path, partial=True), stm.open_dataset(whole)
    assert (part.attrs["complete"], part.attrs["tiles_done"], part.attrs["tiles"]) == (False, 3, 6)
    until = np.datetime64("2025-01-01T06:00:00")  # blocks end on whole hours
    early = expected.isel(conjunction=np.flatnonzero(expected.tca.to_numpy() < until))
    fast = part.isel(conjunction=np.flatnonzero(part.relative_speed.to_numpy() >= 0.1))
    early = early.isel(conjunction=np.flatnonzero(early.relative_speed.to_numpy() >= 0.1))
    assert early.sizes["conjunction"] > 10
    assert list(part.variables) == [name for name in expected.variables if name not in ("entry", "exit")]
    for name, variable in part.variables.items():
        assert str(variable.attrs) == str(expected[name].attrs), name
        assert variable.dtype.kind == expected[name].dtype.kind, name
    for name in (
        "primary",
        "secondary",
        "tca",
        "miss_distance",
        "relative_speed",
        "miss_radial",
        "altitude",
        "primary_name",
    ):
        assert fast[name].to_numpy().tolist() == early[name].to_numpy().tolist(), name
    assert stm.open_dataset(whole, partial=True).attrs["events"] == expected.attrs["events"]


@pytest.mark.slow
def test_an_unfinished_ephemeris_gives_its_finished_times(tmp_path: Path) -> None:
    catalog = small_catalog(30)
    propagate(catalog, tmp_path / "e.zarr", tile_hours=0.1, stop=stopping_after(2))
    part = stm.open_dataset(tmp_path / "e.zarr", partial=True)
    assert part.sizes["time"] == 256
    expected = stm.propagate(catalog, START, hours=9, backend=BACKEND).isel(time=slice(256))
    assert part.position.to_numpy().tobytes() == np.ascontiguousarray(expected.position).tobytes()
    propagate(catalog, tmp_path / "e.zarr")
    propagate(catalog, tmp_path / "whole.zarr")
    assert result_of(tmp_path / "e.zarr") == result_of(tmp_path / "whole.zarr")


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({"threshold_km": 21.0}, "settings.threshold_km: stored 20.0, requested 21.0"),
        ({"hours": 6.0}, "settings.duration_s: stored 19800.0, requested 21600.0"),
        (
            {"start": "2025-01-01T03:21:00"},
            "settings.start: stored '2025-01-01T03:20:00.000000Z', requested '2025-01-01T03:21",
        ),
        ({"mode": "a"}, "settings.mode: stored 'i', requested 'a'"),
        ({"step_s": 60.0}, "settings.step_s"),
        ({"catalog": small_catalog(701)}, "catalog.objects: stored 700, requested 701"),
        ({"backend": "reference"}, "settings.arithmetic: stored 'kernels', requested 'reference'"),
        ({"tiling": stm.Tiling(tile_hours=2.0)}, "tiling.tile_hours: stored 1.0, requested 2.0"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_another_computation_is_refused(
    catalog: stm.Catalog, store: Path, change: dict[str, object], shown: str
) -> None:
    before = result_of(store)
    arguments = {
        "catalog": catalog,
        "start": START,
        "hours": HOURS,
        "threshold_km": THRESHOLD_KM,
        "backend": BACKEND,
    } | change
    with pytest.raises(InputError, match="a different computation") as error:
        stm.screen_to_store(path=store, **arguments)
    assert shown in str(error.value)
    assert result_of(store) == before


def test_other_code_is_refused(catalog: stm.Catalog, store: Path) -> None:
    edit(store, lambda document: document["code"].update(sources="0" * 64))
    with pytest.raises(InputError, match=r"code\.sources: stored '0000"):
        screen(catalog, store)


@pytest.mark.slow
def test_a_window_grows(catalog: stm.Catalog, whole: Path, tmp_path: Path) -> None:
    path = tmp_path / "s.zarr"
    for hours, computed in ((2.25, 3), (4.0, 3), (4.0, 0), (HOURS, 2)):
        outcome = screen(catalog, path, hours, tile_hours=1.0, if_exists="append" if path.exists() else "resume")
        assert (outcome.computed, outcome.complete) == (computed, True)
        assert check_store(path) == []
    assert result_of(path) == result_of(whole)
    with pytest.raises(InputError, match="cannot shorten"):
        screen(catalog, path, 1.0, if_exists="append")


@pytest.mark.slow
def test_an_ephemeris_grows(tmp_path: Path) -> None:
    catalog = small_catalog(30)
    for hours, computed in ((0.5, 1), (3.0, 2), (9.0, 4)):
        how = {"if_exists": "append"} if hours > 1.0 else {"tile_hours": 0.1}
        outcome = propagate(catalog, tmp_path / "e.zarr", hours, **how)
        assert (outcome.computed, outcome.complete) == (computed, True)
    propagate(catalog, tmp_path / "whole.zarr")
    assert result_of(tmp_path / "e.zarr") == result_of(tmp_path / "whole.zarr")
    assert check_store(tmp_path / "e.zarr") == []


def test_a_damaged_ephemeris_is_named_and_mended(tmp_path: Path) -> None:
    catalog, path = small_catalog(30), tmp_path / "e.zarr"
    propagate(catalog, path, tile_hours=0.1)
    expected = result_of(path)
    _flip(path / "velocity" / "c" / "0" / "4" / "0")  # the shard at the array's end
    (path / "position" / "c" / "0" / "1" / "0").unlink()
    (path / "error_code" / "zarr.json").write_text("{")
    assert len(check_store(path, repair=True)) == 2 + 1  # two tiles, one file
    assert propagate(catalog, path).computed == 2
    assert check_store(path) == []
    assert result_of(path) == expected


@pytest.mark.slow
def test_tiles_from_elsewhere_are_merged(catalog: stm.Catalog, whole: Path, tmp_path: Path) -> None:
    for task in range(3):
        screen(catalog, tmp_path / f"{task}.zarr", executor=stm.SlurmArray(task=(task, 3)), tile_hours=1.0)
    outcome = stm.merge_store(tmp_path / "0.zarr", [tmp_path / "1.zarr"])
    assert not outcome.complete
    assert len(outcome.missing) == 2
    assert stm.merge_store(tmp_path / "0.zarr", [tmp_path / "2.zarr"]).complete
    assert result_of(tmp_path / "0.zarr") == result_of(whole)
    assert stm.merge_store(tmp_path / "0.zarr").complete
    screen(catalog, tmp_path / "other.zarr", tile_hours=2.0)
    with pytest.raises(InputError, match=r"tiling\.tile_hours"):
        stm.merge_store(tmp_path / "1.zarr", [tmp_path / "other.zarr"])


def _tile(store: Path, suffix: str) -> Path:
    return sorted((store / "run" / "tiles").glob(f"*{suffix}"))[2]


def _flip(path: Path, at: int | None = None) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2 if at is None else at] ^= 1
    path.write_bytes(data)


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a flipped bit in a tile": (lambda s: _flip(_tile(s, ".npz")), r"tile h\S+: run/tiles/\S+\.npz has other contents"),
    "a truncated tile": (
        lambda s: _tile(s, ".npz").write_bytes(_tile(s, ".npz").read_bytes()[:100]),
        "has 100 bytes instead of",
    ),
    "a marker without data": (lambda s: _tile(s, ".npz").unlink(), "missing"),
    "a marker of garbage": (lambda s: _tile(s, ".json").write_text("{"), "marker cannot be read"),
    "a marker that leaves the store": (
        lambda s: _tile(s, ".json").write_text('{"tile": "x", "files": {"../../x": [1, ""]}, "summary": {}}'),
        "marker cannot be read",
    ),
    "data without a marker": (lambda s: _tile(s, ".json").unlink(), r"marker cannot be read .*\.json is missing"),
    "a flipped bit in the result": (lambda s: _flip(s / "miss_distance" / "c" / "0"), r"miss_distance/c/0 has other"),
    "a truncated result": (
        lambda s: (s / "tca" / "c" / "0").write_bytes(b"short"),
        r"tca: its file tca/c/0 has 5 bytes instead of",
    ),
    "a missing chunk": (lambda s: (s / "primary" / "c" / "0").unlink(), "primary/c/0 is missing"),
    "a stale file": (lambda s: (s / "primary" / "c" / "7").write_text("x"), "not part of the store"),
    "a missing manifest": (lambda s: (s / "run" / "manifest.json").unlink(), "manifest.json is missing"),
    "a manifest of garbage": (
        lambda s: (s / "run" / "manifest.json").write_text("[]"),
        "manifest.json has other contents",
    ),
}


RESULT_DAMAGES = (
    "a flipped bit in the result",
    "a truncated result",
    "a missing chunk",
    "a missing manifest",
    "a manifest of garbage",
)
"""Damages with which a result is not opened; others leave it as it is."""


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_named_and_mended(catalog: stm.Catalog, store: Path, whole: Path, damage: str) -> None:
    spoil, message = DAMAGES[damage]
    spoil(store)
    findings = check_store(store)
    assert any(re.search(message, f.what) for f in findings), findings
    assert all(f.cure for f in findings)
    if damage in RESULT_DAMAGES:
        with pytest.raises(StoreError, match="damaged"):
            stm.open_dataset(store)
    else:
        stm.open_dataset(store)
    (store / "primary" / "c" / "7").unlink(missing_ok=True)
    check_store(store, repair=True)
    screen(catalog, store, tile_hours=1.0)
    assert check_store(store) == []
    assert result_of(store) == result_of(whole)


def test_a_newer_or_foreign_store_is_refused(catalog: stm.Catalog, store: Path) -> None:
    root = json.loads((store / "zarr.json").read_text())
    root["attributes"]["stmgpu_schema"] = SCHEMA_VERSION + 1
    (store / "zarr.json").write_text(json.dumps(root))
    for use in (check_store, stm.open_dataset, stm.merge_store, stm.provenance, lambda s: screen(catalog, s)):
        with pytest.raises(StoreError, match="install a newer stmgpu"):
            use(store)
    mark_root(store, "ephemeris")
    with pytest.raises(StoreError, match="its root says 'ephemeris'"):
        screen(catalog, store)
    (store / "run" / "run.json").write_text("[1]")
    with pytest.raises(StoreError, match=r"run\.json"):
        screen(catalog, store)


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
@pytest.mark.parametrize("name", ["zarr.json", "run/run.json", "marker", "run/manifest.json"])
@pytest.mark.parametrize("finished", [True, False])
def test_nonsense_in_a_store_ends_in_an_error_of_ours(
    catalog: stm.Catalog, tmp_path: Path, name: str, finished: bool
) -> None:
    rng = random.Random(name)
    path, sound = tmp_path / "s.zarr", tmp_path / "sound.zarr"
    run_until(catalog, sound, 99 if finished else 3)
    file = path / (_tile(sound, ".json").relative_to(sound) if name == "marker" else name)
    if not (sound / file.relative_to(path)).exists():
        return  # an unfinished store has no manifest
    for _ in range(12):
        shutil.copytree(sound, path)
        file.write_text(json.dumps(_strange(json.loads(file.read_bytes()), rng)))
        for use in (
            check_store,
            stm.provenance,
            stm.open_dataset,
            lambda s: stm.open_dataset(s, partial=True),
            lambda s: screen(catalog, s, tile_hours=1.0) if rng.random() < 0.2 else stm.merge_store(s),
        ):
            with contextlib.suppress(stm.StmgpuError):
                use(path)
        shutil.rmtree(path)


def test_another_catalogue_in_the_store_is_damage(catalog: stm.Catalog, whole: Path, tmp_path: Path) -> None:
    path = tmp_path / "s.zarr"
    run_until(catalog, path, 2)
    shutil.rmtree(path / "run" / "catalog" / "bstar")
    shutil.copytree(path / "run" / "catalog" / "argp", path / "run" / "catalog" / "bstar")
    with pytest.raises(StoreError, match=r"bstar: its file run/catalog/bstar/c/0 has"):
        stm.merge_store(path)
    assert any("run/catalog/bstar/c/0 has" in f.what for f in check_store(path))
    files = fingerprints(path, (name for name in walk(path) if name.startswith("run/catalog/")))
    edit(path, lambda document: document.update(files=files))
    with pytest.raises(StoreError, match="does not contain the catalogue"):
        screen(catalog, path)


def test_lost_input_is_restored_from_the_same_catalogue(catalog: stm.Catalog, whole: Path, tmp_path: Path) -> None:
    """Names are not part of the digest of a catalogue, and were blank in the result once their file was lost."""
    path = tmp_path / "s.zarr"
    screen(catalog, path, 2.25, tile_hours=1.0)
    (path / "run" / "catalog" / "name" / "c" / "0").unlink()
    (path / "run" / "catalog" / "argp" / "c" / "0").write_bytes(b"")
    assert [re.sub(r" \d.*", "", f.what) for f in check_store(path)] == [
        "argp: its file run/catalog/argp/c/0 has",
        "name: its file run/catalog/name/c/0 is missing",
    ]
    nameless = dataclasses.replace(catalog, name=np.full(len(catalog), ""))
    for _ in range(2):  # the same objects, but not the same file of names
        with pytest.raises(StoreError, match="name: its file run/catalog/name/c/0 is missing"):
            screen(nameless, path, if_exists="append")
    assert screen(catalog, path, if_exists="append").complete
    assert check_store(path) == []
    assert result_of(path) == result_of(whole)


@pytest.mark.slow
def test_a_tile_that_cannot_be_computed_fails_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All objects meet in one place at one time: more pairs than a row may have. The other hours are not touched."""
    # 46,000 pairs of one interval; 7,500 objects reach the limit itself
    monkeypatch.setattr("stmgpu.screen.broad_phase_kernels._MAX_CAPACITY", 1 << 15)
    path = tmp_path / "s.zarr"
    outcome = stm.screen_to_store(
        crowd_catalog(500),
        path,
        start="2025-01-01T00:30:00",
        hours=3,
        threshold_km=0.5,
        backend=BACKEND,
        tiling=stm.Tiling(tile_hours=1.0),
    )
    assert list(outcome.failed) == outcome.missing == ["h00002-00003"]
    assert "candidate pairs in one interval" in outcome.failed["h00002-00003"]
    assert not outcome.complete
    assert outcome.computed == outcome.tiles - 1 == 3
    assert any("tile h00002-00003 failed" in f.what for f in check_store(path))
    assert stm.open_dataset(path, partial=True).attrs["tiles_done"] == 3


def _die_in(tile: str) -> None:
    """Runs in a worker: from now on it dies when it is given that tile."""
    from stmgpu.distribute.jobs.screening import ScreeningJob

    compute = ScreeningJob.compute

    def compute_or_die(self: ScreeningJob, t: Any, backend: Any) -> None:
        if t.id == tile:
            time.sleep(0.5)  # a nanny gives up a worker that dies while it starts
            os._exit(1)
        compute(self, t, backend)

    ScreeningJob.compute = compute_or_die


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.parametrize("workers", [1, 2])
def test_a_tile_that_kills_its_workers_fails_alone(
    catalog: stm.Catalog, whole: Path, tmp_path: Path, workers: int
) -> None:
    """On one worker the next tile waits behind it each time, and is blamed by Dask as well."""
    import dask
    from distributed import Client, LocalCluster, WorkerPlugin

    class Poison(WorkerPlugin):
        def setup(self, worker: object) -> None:
            _die_in("h00001-00002")

    path = tmp_path / "s.zarr"
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 1}),
        LocalCluster(
            n_workers=workers, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0", silence_logs=50
        ) as cluster,
        Client(cluster) as client,
    ):
        client.register_plugin(Poison(), name="poison")
        outcome = screen(catalog, path, executor=stm.Dask(client=client), tile_hours=1.0)
    assert list(outcome.failed) == outcome.missing == ["h00001-00002"]
    assert "ended 2 workers" in outcome.failed["h00001-00002"]
    assert screen(catalog, path).complete
    assert result_of(path) == result_of(whole)


@pytest.mark.slow
def test_a_cluster_without_workers_is_an_error(
    catalog: stm.Catalog, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    import dask
    from distributed import Client, LocalCluster

    with (
        dask.config.set({"distributed.scheduler.no-workers-timeout": "100 ms"}),
        LocalCluster(n_workers=0, host="127.0.0.1", dashboard_address="127.0.0.1:0", silence_logs=50) as cluster,
        Client(cluster) as client,
        pytest.raises(stm.StmgpuError, match=r"all Dask workers were lost.*rerun the same command"),
    ):
        screen(catalog, tmp_path / "s.zarr", executor=stm.Dask(client=client), tile_hours=1.0)
    assert "is not encrypted: any user of this machine can run code as its owner" in caplog.text


def test_a_tile_damaged_before_the_end_is_computed_again(catalog: stm.Catalog, whole: Path, tmp_path: Path) -> None:
    path = tmp_path / "s.zarr"
    run_until(catalog, path, 3)
    _flip(_tile(path, ".npz"), 50)
    with pytest.raises(StoreError, match="was discarded: rerun the same command"):
        screen(catalog, path)
    outcome = screen(catalog, path)
    assert (outcome.computed, outcome.complete) == (1, True)
    assert result_of(path) == result_of(whole)


def test_a_damaged_tile_is_not_brought_in(catalog: stm.Catalog, tmp_path: Path) -> None:
    for task in range(2):
        screen(catalog, tmp_path / f"{task}.zarr", executor=stm.SlurmArray(task=(task, 2)), tile_hours=1.0)
    _flip(_tile(tmp_path / "1.zarr", ".npz"))
    with pytest.raises(StoreError, match=r"is damaged: run/tiles/\S+ has other contents.*see `stmgpu check"):
        stm.merge_store(tmp_path / "0.zarr", [tmp_path / "1.zarr"])
    assert not list((tmp_path / "0.zarr").rglob("*.partial"))


def test_all_tasks_of_an_array_may_lengthen_the_window(catalog: stm.Catalog, whole: Path, tmp_path: Path) -> None:
    path = tmp_path / "s.zarr"
    screen(catalog, path, 2.25, tile_hours=1.0)
    computed = [
        screen(catalog, path, executor=stm.SlurmArray(task=(k, 3)), if_exists="append").computed for k in range(3)
    ]
    assert sum(computed) == 4
    assert result_of(path) == result_of(whole)
