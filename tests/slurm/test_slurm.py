"""The batch scripts in a real Slurm: arrays, signals, kills and Dask end in the bytes of the serial run.

``make slurm`` runs these with a cluster of this machine's own; elsewhere they are skipped and say why.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from slurm.jobs import Job, contents, markers, nodes, restart_nodes, submit, why_not
from support.ports import answers_without_tls, listening

import stmgpu as stm
from stmgpu.backend.cpu import usable_levels

STMGPU = Path(sys.executable).with_name("stmgpu")
TWO_AT_A_TIME = ["--cpus-per-task=2"]  # of a node's four (pretended) processors
STUDY = """
[population]
objects = 2000
[environment]
density = "exponential"
[[scenario]]
name = "nothing"
[[scenario]]
name = "mass"
removal = [{rank = "mass", per_year = 5, from_year = 1960}]
"""
SLOWLY = {"STMGPU_ISA": "scalar"}  # a few seconds of work, to have something to interrupt

pytestmark = [
    pytest.mark.skipif(why_not() is not None, reason=str(why_not())),
    pytest.mark.skipif(not usable_levels(), reason="the kernels were not compiled here"),
    pytest.mark.slow,
    pytest.mark.alone,
]


@dataclass(frozen=True)
class World:
    """A catalogue, what is to be computed of it, and the result of the serial run."""

    folder: Path
    arguments: list[str]
    serial: dict[str, str]
    tiles: int

    def submit(self, store: str, options: list[str], script: str = "screen_array.sbatch", *more: str) -> Job:
        """Submit the screening into another store."""
        return submit(
            self.folder,
            options,
            script,
            [*self.arguments, "--threads", "1", *more, "--out", store],
            {"STMGPU": str(STMGPU), **SLOWLY},
        )

    def is_equal(self, store: str) -> bool:
        """Whether a store has the files and the bytes of the serial run."""
        return contents(self.folder / store) == self.serial


def stmgpu(folder: Path, *arguments: str) -> None:
    """Run stmgpu here."""
    done = subprocess.run(
        [STMGPU, *arguments],
        cwd=folder,
        env={**os.environ, **SLOWLY},
        timeout=600,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("slurm")
    stmgpu(folder, "catalog", "synthesize", "catalog.tle", "--objects", "3000", "--seed", "5")
    arguments = [
        "catalog.tle",
        "--start",
        "2025-01-01T12:00:00",
        "--hours",
        "24",
        "--threshold-km",
        "5",
        "--tile-hours",
        "1",
        "--step-s",
        "15",
        "--backend",
        "cpu",
    ]
    stmgpu(folder, "screen", *arguments, "--out", "serial.zarr")
    found = World(folder, arguments, contents(folder / "serial.zarr"), len(markers(folder / "serial.zarr")))
    assert found.tiles > 8
    return found


def test_an_array_gives_the_bytes_of_the_serial_run(world: World) -> None:
    job = world.submit("array.zarr", ["--array=0-3", *TWO_AT_A_TIME])
    tasks = job.succeed()
    assert [(task.exit_code, task.restarts) for task in tasks] == [(0, 0)] * 4
    assert world.is_equal("array.zarr")
    stmgpu(world.folder, "check", "array.zarr")


def test_before_the_time_limit_a_task_ends_its_tile_and_requeues_itself(world: World) -> None:
    store = world.folder / "limit.zarr"
    job = world.submit("limit.zarr", ["--array=0-1", *TWO_AT_A_TIME])
    job.wait("a tile", lambda: len(markers(store)) >= 1)
    job.usr1()
    job.wait("a task that is requeued", lambda: any(task.restarts for task in job.tasks()))
    before = markers(store)
    tasks = job.succeed()
    assert max(task.restarts for task in tasks) == 1
    assert "is back in the queue" in job.log()
    assert before.items() <= markers(store).items()  # what was done is not done again
    assert world.is_equal("limit.zarr")


@pytest.mark.parametrize("how", ["SIGKILL", "scancel"])
def test_killed_at_any_moment_and_submitted_again(how: str, world: World) -> None:
    name = f"{how}.zarr"
    store = world.folder / name
    job = world.submit(name, ["--array=0-2", *TWO_AT_A_TIME])
    job.wait("two tiles", lambda: len(markers(store)) >= 2)
    if how == "SIGKILL":
        job.hold()  # or the tasks that still wait would start behind the kill
        assert job.kill() > 0
    job.cancel()
    before = markers(store)
    assert len(before) < world.tiles, "it ended before it was killed; the test needs more work"
    again = world.submit(name, ["--array=0-1", *TWO_AT_A_TIME])
    again.succeed()
    assert before.items() <= markers(store).items()
    assert world.is_equal(name)


def test_a_node_that_dies_takes_no_tile_with_it(world: World) -> None:
    """Its tasks are requeued and end on other nodes; all nodes together write the bytes of the serial run."""
    if len(nodes()) < 2:
        pytest.skip("the cluster has one node; start it with --nodes 3")
    store, lost = world.folder / "node.zarr", nodes()[-1]
    job = world.submit("node.zarr", ["--partition=all", "--array=0-3", *TWO_AT_A_TIME])
    try:
        job.wait("tasks on two nodes", lambda: len({task.node for task in job.tasks() if task.state == "RUNNING"}) > 1)
        job.wait("two tiles", lambda: len(markers(store)) >= 2)
        there = {task.name for task in job.tasks() if task.node == lost and task.state == "RUNNING"}
        assert there, "no task was on the node that was to die"
        assert job.kill_node(lost) > 2
        before = markers(store)
        tasks = job.succeed()
    finally:
        restart_nodes()
    assert len(before) < world.tiles, "it ended before its node died; the test needs more work"
    assert {task.name for task in tasks if task.restarts} == there
    assert lost not in {task.node for task in tasks if task.name in there}
    assert before.items() <= markers(store).items()
    assert world.is_equal("node.zarr")


def test_a_study_of_debris_as_an_array(world: World) -> None:
    """Its runs are cut among tasks, killed, and end in the bytes of the serial study."""
    (world.folder / "study.toml").write_text(STUDY, encoding="utf-8")
    arguments = ["study.toml", "--runs", "4", "--years", "4", "--seed", "3", "--backend", "cpu"]
    stmgpu(world.folder, "evolve", *arguments, "--out", "study.zarr")
    job = submit(
        world.folder,
        ["--array=0-1"],
        "evolve_array.sbatch",
        [*arguments, "--out", "array_study.zarr"],
        {"STMGPU": str(STMGPU), **SLOWLY},
    )
    job.wait("a tile", lambda: len(markers(world.folder / "array_study.zarr")) >= 1)
    job.kill()
    job.cancel()
    again = submit(
        world.folder,
        ["--array=0-2"],
        "evolve_array.sbatch",
        [*arguments, "--out", "array_study.zarr"],
        {"STMGPU": str(STMGPU), **SLOWLY},
    )
    again.succeed()
    assert contents(world.folder / "array_study.zarr") == contents(world.folder / "study.zarr")
    stmgpu(world.folder, "check", "array_study.zarr")


def test_the_exit_code_is_the_jobs(world: World) -> None:
    job = submit(
        world.folder,
        ["--array=0-1"],
        "screen_array.sbatch",
        ["missing.tle", "--out", "none.zarr"],
        {"STMGPU": str(STMGPU)},
    )
    assert [(task.state, task.exit_code) for task in job.finish()] == [("FAILED", 2)] * 2
    assert "missing.tle" in job.log()
    assert not (world.folder / "none.zarr").exists()


def test_dask_does_without_a_worker_that_is_lost(world: World) -> None:
    store = world.folder / "dask.zarr"
    job = world.submit("dask.zarr", ["--ntasks=4", "--cpus-per-task=1", "--gres=none"], "screen_dask.sbatch")
    job.wait("a tile", lambda: len(markers(store)) >= 1)
    ports = {port for _, port in listening(*job.processes("SLURM_STEP_ID=0"))}
    assert len(ports) == 3  # scheduler and two workers
    assert [port for port in ports if answers_without_tls(port)] == []
    assert not list(world.folder.glob(".stmgpu-dask-*"))  # the certificate is in memory now
    assert job.kill_rank(2) > 0  # task 0 is the scheduler, 1 the client
    (task,) = job.succeed()
    assert (task.exit_code, task.restarts) == (0, 0)
    assert world.is_equal("dask.zarr")


def test_dask_is_requeued_too(world: World) -> None:
    store = world.folder / "dask-limit.zarr"
    job = world.submit("dask-limit.zarr", ["--ntasks=4", "--cpus-per-task=1", "--gres=none"], "screen_dask.sbatch")
    job.wait("a tile", lambda: len(markers(store)) >= 1)
    job.usr1()
    job.wait("a restart", lambda: any(task.restarts for task in job.tasks()))
    before = markers(store)
    job.succeed()
    assert before.items() <= markers(store).items()
    assert world.is_equal("dask-limit.zarr")


def test_workers_that_are_jobs_of_their_own(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The way of a notebook on a login node: a cluster whose workers are Slurm jobs."""
    from distributed import Client

    monkeypatch.chdir(world.folder)
    monkeypatch.setenv("STMGPU_ISA", SLOWLY["STMGPU_ISA"])
    with (
        stm.slurm_cluster(
            cores=1, memory="500MiB", walltime="00:10:00", interface="lo", python=sys.executable, log_directory="logs"
        ) as cluster,
        Client(cluster) as client,
    ):
        cluster.scale(jobs=2)
        client.wait_for_workers(2, timeout=120)
        workers = client.scheduler_info()["workers"]
        addresses = (cluster.scheduler_address, *workers, *(worker["nanny"] for worker in workers.values()))
        ports = {port for _, port in listening(os.getpid())} | {urlsplit(address).port for address in addresses}
        assert [port for port in ports if answers_without_tls(port)] == []
        (private,) = world.folder.glob(".stmgpu-dask-*")
        assert {oct(path.stat().st_mode & 0o777) for path in (private, *private.iterdir())} == {"0o700", "0o600"}
        outcome = stm.screen_to_store(
            stm.read_catalog("catalog.tle"),
            "jobs.zarr",
            start="2025-01-01T12:00:00",
            hours=24,
            threshold_km=5.0,
            step_s=15.0,
            executor=stm.Dask(client=client),
            backend="cpu",
            threads=1,
            tiling=stm.Tiling(tile_hours=1.0),
        )
    assert (outcome.computed, outcome.complete) == (world.tiles, True)
    assert not private.exists()
    assert world.is_equal("jobs.zarr")
