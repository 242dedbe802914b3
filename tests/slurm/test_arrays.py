"""Arrays in a real Slurm: signals, kills and dead nodes end in the bytes of the serial run.

``make slurm`` runs these with a cluster of this machine's own; elsewhere they are skipped and say why.
"""

from __future__ import annotations

import pytest
from slurm.jobs import markers, nodes, restart_nodes, submit, why_not
from slurm.world import STMGPU, World, stmgpu

from stmgpu.backend.cpu import usable_levels

TWO_AT_A_TIME = ["--cpus-per-task=2"]  # of a node's four (pretended) processors

pytestmark = [
    pytest.mark.skipif(why_not() is not None, reason=str(why_not())),
    pytest.mark.skipif(not usable_levels(), reason="the kernels were not compiled here"),
    pytest.mark.slow,
    pytest.mark.alone,
]


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


def test_killed_at_any_moment_and_submitted_again(world: World) -> None:
    """All tasks are killed, then one is cancelled, then the rest is computed: what was done is not done again."""
    store = world.folder / "killed.zarr"
    job = world.submit("killed.zarr", ["--array=0-2", *TWO_AT_A_TIME])
    job.wait("a tile", lambda: len(markers(store)) >= 1)
    job.hold()  # or the tasks that still wait would start behind the kill
    assert job.kill() > 0
    job.cancel()
    killed = markers(store)
    job = world.submit("killed.zarr", ["--array=0-2", *TWO_AT_A_TIME])
    job.wait("one more tile", lambda: len(markers(store)) > len(killed))
    job.cancel_task(1)
    job.finish()
    cancelled = markers(store)
    assert len(cancelled) < world.tiles, "it ended before it was cancelled; the test needs more work"
    assert "tasks of this array that were cancelled or have failed (counted from 0: 1)" in job.log()
    world.submit("killed.zarr", ["--array=0-1", *TWO_AT_A_TIME]).succeed()
    assert killed.items() <= cancelled.items() <= markers(store).items()
    assert world.is_equal("killed.zarr")


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
