"""Tasks of a Slurm job array: which one this process is, and which others can still compute their tiles."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Any

from stmgpu.errors import InputError

if TYPE_CHECKING:
    from stmgpu.distribute.jobs import Job

_PATIENCE_S = 20.0


def array_task() -> tuple[int, int] | None:
    """(i, n) of this Slurm array task; None outside an array."""
    try:
        number, first, last = (int(os.environ[f"SLURM_ARRAY_TASK_{name}"]) for name in ("ID", "MIN", "MAX"))
        step = int(os.environ.get("SLURM_ARRAY_TASK_STEP", "1"))
        tasks = (last - first) // step + 1
        count = int(os.environ.get("SLURM_ARRAY_TASK_COUNT", tasks))
    except (KeyError, ValueError):
        return None
    if count != tasks:
        raise InputError(
            f"the Slurm array has gaps: {count} tasks between {first} and {last} in steps of {step}. The "
            "tiles of absent tasks would stay undone; submit an array without gaps, such as 0-15, or give "
            "--task"
        )
    return (number - first) // step, tasks


def live_tasks() -> set[int] | None:
    """Shares of the tasks of this Slurm array that wait or run; None outside an array, or if Slurm does not answer."""
    job, first = os.environ.get("SLURM_ARRAY_JOB_ID", ""), os.environ.get("SLURM_ARRAY_TASK_MIN", "")
    step = os.environ.get("SLURM_ARRAY_TASK_STEP", "1")
    if not (job.isdecimal() and first.isdecimal() and step.isdecimal()):
        return None
    command = ["squeue", "--noheader", "--array", f"--jobs={job}", "--format=%K %T"]
    try:
        queue = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE_S, check=True).stdout
        tasks = [line.split() for line in queue.splitlines()]
        # a cancelled task is completing until its processes have ended
        return {(int(number) - int(first)) // int(step) for number, state in tasks if state != "COMPLETING"}
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


def orphans(job: Job[Any], tasks: int) -> dict[int, list[str]]:
    """Tiles that no task will compute, by task: those of tasks that were cancelled or have failed.

    Parameters
    ----------
    job : Job
        The job.
    tasks : int
        Number of tasks of the array.

    Returns
    -------
    dict of list of str
        Ids of tiles; empty outside a Slurm array, or if Slurm does not answer.
    """
    live = live_tasks()
    if live is None:
        return {}
    done = job.run.markers()  # after Slurm was asked: whoever had ended by then has written everything
    missing: dict[int, list[str]] = {}
    for position, tile in enumerate(job.tiles):
        if tile.id not in done and position % tasks not in live:
            missing.setdefault(position % tasks, []).append(tile.id)
    return missing
