"""How the tiles of a run are computed: executor, workers, tiling; nothing of it changes the result."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stmgpu.backend import gpus_of
from stmgpu.distribute import resources
from stmgpu.distribute.tiles import share
from stmgpu.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

EXECUTORS = ("serial", "dask", "slurm-array")

USABLE = 0.8
"""Share of the memory at hand that workers are planned for."""


@dataclass(frozen=True)
class Execution:
    """How the tiles of a run are computed; the result does not depend on any of it.

    Attributes
    ----------
    executor
        'serial' (this process), 'dask' or 'slurm-array' (this process does the share ``task`` of the tiles).
    task
        (i, n): share i of n, counted from 0; default from ``SLURM_ARRAY_TASK_ID``, ``_MIN``, ``_MAX``, ``_STEP``.
    backend, threads
        as for :func:`stmgpu.screen`; threads of each worker.
    workers
        local Dask workers; default as many as cores (GPUs), fewer where memory is short.
    scheduler, tls_ca, tls_cert, tls_key
        see :class:`stmgpu.distribute.cluster.ClusterOptions`.
    client
        a ``distributed.Client`` to use instead.
    tile_hours, chunk_objects
        how the work is cut; default by the memory at hand.
    runs_per_tile
        runs of a study that are evolved side by side in one tile; more than one pays on a GPU. Default: those of the
        store that is there, or 1.
    overwrite, resume, append
        replace a store that is there; insist that there is one to go on with; allow the window to be longer than that
        of the store (the runs of a study to be more), and compute what is missing.
    command
        what is written down as the command; default ``sys.argv``.
    """

    executor: str = "serial"
    task: tuple[int, int] | None = None
    backend: str = "auto"
    threads: int | None = None
    workers: int | None = None
    scheduler: str | None = None
    tls_ca: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    client: Any = None
    tile_hours: float | None = None
    chunk_objects: int | None = None
    runs_per_tile: int | None = None
    overwrite: bool = False
    resume: bool = False
    append: bool = False
    command: list[str] | None = None


def array_task() -> tuple[int, int] | None:
    """(i, n) of this Slurm array task; None outside an array."""
    try:
        number, first, last = (int(os.environ[f"SLURM_ARRAY_TASK_{name}"]) for name in ("ID", "MIN", "MAX"))
        step = int(os.environ.get("SLURM_ARRAY_TASK_STEP", "1"))
        tasks = (last - first) // step + 1
        there = int(os.environ.get("SLURM_ARRAY_TASK_COUNT", tasks))
    except (KeyError, ValueError):
        return None
    if there != tasks:
        raise InputError(
            f"the Slurm array has gaps: {there} tasks between {first} and {last} in steps of {step}. The "
            "tiles of absent tasks would stay undone; submit an array without gaps, such as 0-15, or give "
            "--task"
        )
    return (number - first) // step, tasks


def check_execution(how: Execution) -> None:
    """Refuse what does not go together."""
    if how.executor not in EXECUTORS:
        raise InputError(f"executor {how.executor!r} is unknown; choose one of {', '.join(EXECUTORS)}")
    if how.executor == "slurm-array":
        if how.task is None and array_task() is None:
            raise InputError(
                "the executor slurm-array needs --task i/n, or SLURM_ARRAY_TASK_ID, _MIN and _MAX from a "
                "Slurm array job"
            )
        share([], how.task or array_task())
        if how.overwrite:
            raise InputError(
                "--overwrite in an array job would let every task delete the work of the others; delete "
                "the store before the job is submitted"
            )
    elif how.task is not None:
        raise InputError("--task belongs to the executor slurm-array")
    if how.executor != "dask" and (how.scheduler or how.client is not None or how.workers is not None):
        raise InputError("--scheduler and --workers belong to the executor dask")
    if how.workers is not None and how.workers < 1:
        raise InputError(f"{how.workers} workers are impossible; give 1 or more")


def workers_of(how: Execution, memory_of: Callable[[int], float]) -> tuple[int, int]:
    """Workers on this machine and threads of each: all cores, or fewer workers where memory is short.

    Of a cluster elsewhere nothing is known: one worker is assumed, with as many cores as there are here.
    """
    cores = resources.cores()
    if how.executor != "dask":
        return 1, how.threads or cores
    workers = how.workers
    if workers is None and how.scheduler is None and how.client is None:
        most = int(resources.memory_bytes() * USABLE // memory_of(how.threads or 1))
        workers = max(1, min(cores // (how.threads or 1), most))
        if gpus := gpus_of(how.backend):
            workers = min(gpus, max(1, most))
    workers = workers or 1
    return workers, how.threads or max(1, cores // workers)
