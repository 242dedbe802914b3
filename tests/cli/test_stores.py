"""Commands about stores and long runs: dry run, check, merge, info, export, compile, lines of JSON."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from support.commands import refused, stmgpu

import stmgpu as stm
from stmgpu.backend.cpu import usable_levels
from stmgpu.backend.cuda import CudaBackend
from stmgpu.catalog import read_catalog, synthetic_catalog, write_catalog
from stmgpu.catalog.ccsds.oem_writer import format_oem
from stmgpu.cli import warm_up
from stmgpu.messages.socrates import read_socrates
from stmgpu.store import open_dataset, write_dataset

pytestmark = pytest.mark.skipif(not usable_levels(), reason="the kernels were not compiled here")


@pytest.fixture(scope="module")
def tle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("catalog") / "objects.tle"
    write_catalog(synthetic_catalog(800, seed=4), path, format="3le")
    return path


@pytest.fixture(scope="module")
def made(tle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = tmp_path_factory.mktemp("made") / "day.zarr"
    result = stmgpu("screen", tle, "--hours", 5, "--threshold-km", 20, "--tile-hours", 1, "--out", store)
    assert result.exit_code == 0, result.stderr
    return store


@pytest.fixture
def store(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "day.zarr"))


@pytest.mark.parametrize("verb", ["screen", "propagate"])
def test_a_dry_run_writes_nothing(tle: Path, tmp_path: Path, verb: str) -> None:
    result = stmgpu(verb, tle, "--hours", 48, "--tile-hours", 4, "--out", tmp_path / "s.zarr", "--dry-run")
    assert result.exit_code == 0, result.stderr
    shown = dict(re.findall(r"^(\w+) +(.*)$", result.stdout, re.M))
    assert shown["tiles"].startswith("12, each 4 h" if verb == "screen" else "12, each 4.26667 h")
    assert re.match(r"about [\d,]+ MiB a worker", shown["memory"])
    assert re.match(r"about [\d,]+ MB", shown["disk"])
    assert re.match(r"about [\d,]+ s of one core", shown["time"])
    assert list(tmp_path.iterdir()) == []


def test_info_tells_where_a_store_comes_from(store: Path) -> None:
    result = stmgpu("info", store)
    assert result.exit_code == 0, result.stderr
    for words in (
        r"complete +True",
        r"  threshold_km +20\.0",
        r"  kernels\s+[0-9a-f]{64}",
        r"  numpy +\d|numpy",
        r"  pairs_measured +\d+",
        r"epoch_median",
        r"sessions 1",
        r"  executor +serial",
        r"  host +\S+",
    ):
        assert re.search(words, result.stdout), words
    document = json.loads(stmgpu("info", store, "--json").stdout)
    assert document["tiles_done"] == document["tiling"]["tiles"] == 5
    assert document["attributes"]["certificate"]["complete"] is True
    assert document["sessions"][0]["packages"]["zarr"]


def test_check_names_damage_and_repair_mends_it(tle: Path, store: Path) -> None:
    assert stmgpu("check", store).stdout.endswith("is complete and undamaged\n")
    tile = sorted((store / "run" / "tiles").glob("*.npz"))[1]
    tile.write_bytes(b"nonsense")
    result = stmgpu("check", store)
    assert result.exit_code == 1
    assert "tile h00001-00002" in result.stdout
    assert "--repair" in result.stdout
    assert "problems found in" in result.stderr
    assert stmgpu("check", store, "--repair").exit_code == 1
    again = stmgpu("screen", tle, "--hours", 5, "--threshold-km", 20, "--out", store)
    assert "tiles computed now: 1; done: 5 of 5;" in again.stderr
    assert stmgpu("check", store).exit_code == 0


@pytest.mark.parametrize("verb", ["info", "check", "merge", "study", "export", "status"])
def test_a_missing_or_wrong_store_is_wrong_use(store: Path, tmp_path: Path, verb: str) -> None:
    more = [tmp_path / "crate"] if verb == "export" else []
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("text")
    plain = write_dataset(open_dataset(store), tmp_path / "plain.zarr", "conjunctions")
    for path, message in (
        (tmp_path / "none.zarr", "there is no store at .*none.zarr; check the path"),
        (tmp_path / "file", "file is a file, and a store is a folder, such as day.zarr; check the path"),
        (tmp_path / "folder", "folder is not a store of stmgpu"),
        (store / "run", "run is not a store of stmgpu"),
        *([(plain, "it was not computed in tiles")] if verb == "merge" else []),
        *([(store, "is a store of kind conjunctions, not ensemble")] if verb == "study" else []),
    ):
        refused(stmgpu(verb, path, *more), message)


@pytest.mark.slow
def test_merge_finishes_what_is_there(tle: Path, tmp_path: Path, made: Path) -> None:
    stores = [tmp_path / f"{k}.zarr" for k in range(2)]
    for k, path in enumerate(stores):
        result = stmgpu(
            "screen",
            tle,
            "--hours",
            5,
            "--threshold-km",
            20,
            "--tile-hours",
            1,
            "--out",
            path,
            "--executor",
            "slurm-array",
            "--task",
            f"{k}/2",
            "--csv",
            tmp_path / "c.csv",
        )
        assert result.exit_code == 0, result.stderr
        assert "belong to other tasks" in result.stderr
        assert not (tmp_path / "c.csv").exists()
    missing = stmgpu("merge", stores[0])
    assert missing.exit_code == 1
    assert "2 of 5 tiles are missing: h00001-00002, h00003-00004" in missing.stderr
    assert stmgpu("merge", stores[0], stores[1]).stdout.endswith("is complete: 5 tiles\n")
    assert open_dataset(stores[0]).equals(open_dataset(made))


def test_export_makes_a_crate(store: Path, tmp_path: Path) -> None:
    crate = tmp_path / "crate"
    result = stmgpu("export", store, crate)
    assert result.exit_code == 0, result.stderr
    graph = {e["@id"]: e for e in json.loads((crate / "ro-crate-metadata.json").read_text())["@graph"]}
    assert graph["ro-crate-metadata.json"]["about"] == {"@id": "./"}
    assert graph["./"]["hasPart"] == [{"@id": "day.zarr/"}]
    assert graph["#session-1"]["@type"] == "CreateAction"
    assert graph["#session-1"]["instrument"] == {"@id": "#stmgpu"}
    assert "800 objects" in graph["#catalog"]["description"]
    assert graph["#setting-threshold_km"]["value"] == 20.0
    named = {
        part["@id"]
        for e in graph.values()
        for v in e.values()
        for part in (v if isinstance(v, list) else [v])
        if isinstance(part, dict) and "@id" in part
    }
    assert named - {"https://w3id.org/ro/crate/1.1"} <= graph.keys()
    assert open_dataset(crate / "day.zarr").equals(open_dataset(store))
    assert stmgpu("export", store, crate).exit_code == 2


def test_export_as_socrates(store: Path, tmp_path: Path) -> None:
    """Rows, columns and radii of the table, on standard output too; and what is refused."""
    file = tmp_path / "s.csv"
    result = stmgpu("export", store, "--socrates", file, "--radii", "fixed:30", "--backend", "reference", "--json")
    assert result.exit_code == 0, result.stderr
    con = open_dataset(store)
    assert json.loads(result.stdout) == {"conjunctions": con.sizes["conjunction"], "written": [str(file)]}
    table = read_socrates(file)
    assert np.array_equal(table.norad_id_1, con.primary)
    assert np.array_equal(table.norad_id_2, con.secondary)
    np.testing.assert_allclose(table.range_km, con.miss_distance, atol=5.1e-4)
    small = stmgpu("export", store, "--socrates", "-", "--backend", "reference")
    assert small.exit_code == 0, small.stderr
    least = read_socrates(small.stdout.encode())
    far = table.probability < 1e-2
    np.testing.assert_allclose(table.probability[far] / least.probability[far], 15.0**2, rtol=0.02)  # radii 1 + 1 m
    refused(stmgpu("export", store), "there is nothing to export; name a folder for an RO-Crate, or a file with --soc")
    refused(
        stmgpu("export", store, "--socrates", file, "--radii", "ours"), "the radius rule 'ours' is unknown; allowed"
    )
    refused(
        stmgpu("export", store, "--socrates", tmp_path / "no" / "s.csv"), "there is no folder .*no; create it first"
    )


@pytest.mark.slow
def test_compile_needs_no_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("cuda.bindings.nvrtc")
    monkeypatch.setenv("STMGPU_CACHE_DIR", str(tmp_path))
    result = stmgpu("compile", "--arch", "sm_90", "--arch", "80")
    assert result.exit_code == 0, result.stderr
    files = [Path(line) for line in result.stdout.split()]
    assert {re.search(r"_(sm\d+)_", f.name)[1] for f in files} == {"sm90", "sm80"}  # type: ignore[index]
    assert all(f.is_relative_to(tmp_path) and f.stat().st_size > 1000 for f in files)
    assert stmgpu("compile", "--arch", "hopper").exit_code == 2
    without = stmgpu("compile")
    assert without.exit_code == 2
    assert "--arch, such as sm_90, since there is no GPU" in without.stderr
    assert stmgpu("compile", "--arch", "sm_999").exit_code == 1


@pytest.mark.slow
@pytest.mark.parametrize("kernel_backend", ["cuda"], indirect=True)
def test_compile_on_a_gpu(kernel_backend: CudaBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The architecture is that of the GPU, and CuPy's own kernels are counted by the files in its cache."""
    monkeypatch.setenv("CUPY_CACHE_DIR", str(tmp_path / "cupy"))
    (tmp_path / "cupy").mkdir()
    (tmp_path / "cupy" / "old.cubin").touch()
    monkeypatch.setattr(warm_up, "_evolve", lambda _: (tmp_path / "cupy" / "new.cubin").touch())
    document = json.loads(stmgpu("compile", "--json").stdout)
    assert all(f"_sm{kernel_backend.arch}_" in name for name in document["written"])
    gpu = document["gpu"]
    assert gpu.pop("seconds") > 0.0
    assert gpu == {
        "device": kernel_backend.device,
        "cupy_cache": str(tmp_path / "cupy"),
        "cupy_kernels": 1,
        "cupy_kernels_cached": 2,
    }
    assert json.loads(stmgpu("compile", "--no-warm-up", "--json").stdout)["gpu"] is None
    others = "sm_75" if kernel_backend.arch != 75 else "sm_80"
    assert json.loads(stmgpu("compile", "--arch", others, "--json").stdout)["gpu"] is None


@pytest.fixture(scope="module")
def operators(tle: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The states of 40 objects of the catalogue, as an OEM file and as a store."""
    folder = tmp_path_factory.mktemp("ephemeris")
    objects = read_catalog(tle)[::20]
    states = stm.propagate(objects, stm.screen.default_start(read_catalog(tle)), hours=6, step_s=60)
    oem = folder / "own.oem"
    oem.write_bytes(format_oem(stm.Trajectories.from_dataset(states)))
    return oem, write_dataset(states, folder / "own.zarr", "ephemeris")


@pytest.mark.slow
def test_own_trajectories_against_the_catalogue(
    tle: Path, operators: tuple[Path, Path], made: Path, tmp_path: Path
) -> None:
    """An operator's file, an ephemeris store and the element sets they were made from give the same conjunctions."""
    own = read_catalog(tle).norad_id[::20]
    everything = open_dataset(made)
    expected = everything.isel(conjunction=(everything.primary.isin(own) | everything.secondary.isin(own)).to_numpy())
    assert expected.sizes["conjunction"] > 5
    for k, ephemeris in enumerate(operators):
        out = tmp_path / f"{k}.zarr"
        result = stmgpu(
            "screen",
            tle,
            "--ephemeris",
            ephemeris,
            "--hours",
            5,
            "--threshold-km",
            20,
            "--out",
            out,
            "--tile-hours",
            2,
            "--chunk-objects",
            300,
            "--csv",
            tmp_path / "c.csv",
            "--plot",
            tmp_path / "p.png",
            "--start",
            everything.attrs["start"],
        )
        assert result.exit_code == 0, result.stderr
        assert "ephemeris " in result.stderr
        found = open_dataset(out)
        assert found.primary.to_numpy().tolist() == expected.primary.to_numpy().tolist()
        assert found.secondary.to_numpy().tolist() == expected.secondary.to_numpy().tolist()
        assert abs(found.miss_distance.to_numpy() - expected.miss_distance.to_numpy()).max() < 1e-5
        assert found.attrs["objects_with_trajectory"] == 40
        assert 0.0 < found.attrs["largest_interpolation_error_km"] < 0.1
        assert json.loads(stmgpu("info", out, "--json").stdout)["catalog"]["trajectories"]["objects"] == 40
        assert stmgpu("check", out).exit_code == 0
    alone = stmgpu("screen", "--ephemeris", operators[1], "--hours", 5, "--threshold-km", 20)
    assert alone.exit_code == 0, alone.stderr
    assert "40 objects read" in alone.stdout


@pytest.mark.slow
def test_trajectories_that_cannot_be_used(tle: Path, operators: tuple[Path, Path], made: Path, tmp_path: Path) -> None:
    (tmp_path / "junk.oem").write_text("not an ephemeris")
    (tmp_path / "cut.oem").write_bytes(operators[0].read_bytes()[:5000])
    for words, code, message in (
        (["--ephemeris", tmp_path / "none.oem"], 2, "there is no file"),
        (["--ephemeris", tmp_path / "junk.oem"], 2, "ephemeris"),
        (["--ephemeris", tmp_path / "cut.oem"], 2, "ephemeris"),
        (["--ephemeris", made], 2, "is a store of kind conjunctions, not ephemeris"),
        (["--ephemeris", operators[1], "--start", "2030-01-01"], 2, "has no states in the window"),
    ):
        result = stmgpu("screen", tle, "--hours", 1, *words)
        assert result.exit_code == code, result.stderr
        assert message in result.stderr
    assert stmgpu("screen", "--hours", 1).exit_code == 2
    store = tmp_path / "s.zarr"
    command = ("screen", tle, "--hours", 1, "--out", store)
    assert stmgpu(*command, "--ephemeris", operators[0]).exit_code == 0
    assert "catalog.trajectories" in stmgpu(*command).stderr
    longer = stmgpu("screen", tle, "--hours", 2, "--out", store, "--ephemeris", operators[0], "--append")
    assert longer.exit_code == 2
    assert "--append cannot lengthen it" in longer.stderr


def test_messages_as_lines_of_json(tle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stmgpu.log.LINE_EVERY_S", 0.0)
    result = stmgpu("--log-json", "screen", tle, "--hours", 5, "--tile-hours", 1, "--out", tmp_path / "s.zarr")
    assert result.exit_code == 0, result.stderr
    lines = [json.loads(line) for line in result.stderr.splitlines()]
    assert all({"time", "level", "logger", "message"} <= line.keys() for line in lines)
    assert [line["progress"] for line in lines if "progress" in line] == [0.2, 0.4, 0.6, 0.8]
    assert any(line["message"].startswith("window: 5 h from") for line in lines)
    failed = stmgpu("--log-json", "screen", tmp_path / "none.tle")
    assert failed.exit_code == 2
    assert json.loads(failed.stderr.splitlines()[-1])["level"] == "error"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--executor", "slurm-array", "--task", "3/3", "--out", "{out}"],
        ["--executor", "slurm-array", "--task", "one", "--out", "{out}"],
        ["--executor", "slurm-array", "--out", "{out}"],
        ["--task", "0/2", "--out", "{out}"],
        ["--executor", "dask"],
        ["--executor", "cloud", "--out", "{out}"],
        ["--resume", "--out", "{out}"],
        ["--append"],
        ["--tile-hours", "-1", "--out", "{out}"],
        ["--chunk-objects", "0", "--out", "{out}"],
        ["--executor", "dask", "--scheduler", "nowhere", "--out", "{out}"],
        ["--executor", "dask", "--scheduler", "slurm", "--out", "{out}"],
        ["--resume", "--overwrite", "--out", "{out}"],
    ],
)
def test_wrong_use(tle: Path, tmp_path: Path, arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SLURM_ARRAY_TASK_ID", "SLURM_PROCID"):
        monkeypatch.delenv(name, raising=False)
    result = stmgpu("screen", tle, "--hours", 1, *(a.format(out=tmp_path / "s.zarr") for a in arguments))
    assert result.exit_code == 2, result.stderr
    assert "Traceback" not in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_scheduler_that_is_not_there(tle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stmgpu.distribute.cluster.CONNECT", "1s")
    result = stmgpu(
        "screen",
        tle,
        "--hours",
        1,
        "--out",
        tmp_path / "s.zarr",
        "--executor",
        "dask",
        "--scheduler",
        "tcp://127.0.0.1:9",
    )
    assert result.exit_code == 1
    assert "cannot be reached" in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--task", "0/2"], "--task belongs to the executor slurm-array"),
        (["--scheduler", "tcp://a:1"], "belong to the executor dask"),
        (["--workers", "2", "--executor", "slurm-array", "--task", "0/2"], "belong to the executor dask"),
        (["--resume"], "there is no store at"),
        (["--resume", "--overwrite"], "--resume and --overwrite contradict each other"),
        (["--append", "--overwrite"], "--append and --overwrite contradict each other"),
        (["--executor", "slurm-array", "--task", "2/2"], "--task '2/2' is not a share"),
    ],
)
def test_options_that_contradict_each_other_are_refused(
    tle: Path, tmp_path: Path, words: list[str], message: str
) -> None:
    refused(stmgpu("screen", tle, "--out", tmp_path / "s.zarr", *words), message)
    assert not list(tmp_path.glob("s.zarr*"))
