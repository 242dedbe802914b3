"""Dask and studies in a real Slurm: nobody else gets in, lost workers and kills end in the bytes of the serial run."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from slurm.jobs import contents, markers, submit, why_not
from slurm.world import SLOWLY, STMGPU, World, stmgpu
from support.ports import answers_without_tls, listening

import stmgpu as stm
from stmgpu.backend.cpu import usable_levels

TWO_AT_A_TIME = ["--cpus-per-task=2"]  # of a node's four (pretended) processors
STUDY = """
[population]
objects = 1000
[environment]
density = "exponential"
[[scenario]]
name = "nothing"
[[scenario]]
name = "mass"
removal = [{rank = "mass", per_year = 5, from_year = 1960}]
"""

pytestmark = [
    pytest.mark.skipif(why_not() is not None, reason=str(why_not())),
    pytest.mark.skipif(not usable_levels(), reason="the kernels were not compiled here"),
    pytest.mark.slow,
    pytest.mark.alone,
]


def test_dask_lets_nobody_in_and_does_without_a_worker_that_is_lost(world: World) -> None:
    """Before its time limit it is requeued as well."""
    store = world.folder / "dask.zarr"
    job = world.submit("dask.zarr", ["--ntasks=4", "--cpus-per-task=1", "--gres=none"], "screen_dask.sbatch")
    job.wait("a tile", lambda: len(markers(store)) >= 1)
    ports = {port for _, port in listening(*job.processes("SLURM_STEP_ID=0"))}
    assert len(ports) == 3  # scheduler and two workers
    assert [port for port in ports if answers_without_tls(port)] == []
    assert not list(world.folder.glob(".stmgpu-dask-*"))  # the certificate is in memory now
    assert job.kill_rank(2) > 0  # task 0 is the scheduler, 1 the client
    killed = markers(store)
    job.wait("another tile", lambda: len(markers(store)) > len(killed) + 1)
    assert {task.restarts for task in job.tasks()} == {0}
    job.usr1()
    job.wait("a restart", lambda: any(task.restarts for task in job.tasks()))
    before = markers(store)
    (task,) = job.succeed()
    assert (task.exit_code, task.restarts) == (0, 1)
    assert before.items() <= markers(store).items()
    assert world.is_equal("dask.zarr")


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
        scratch = client.run(lambda dask_worker: str(Path(dask_worker.local_directory).parent.parent))
        assert {oct(Path(folder).stat().st_mode & 0o777) for folder in scratch.values()} == {"0o700"}
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
