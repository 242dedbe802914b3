"""Executors: this process, a Dask cluster, or a task of a Slurm array. None of them changes the result."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, get_args

from stmgpu.backend import BackendName, gpus_of
from stmgpu.choices import ExecutorName, IfExists
from stmgpu.distribute import resources
from stmgpu.distribute.array_tasks import array_task
from stmgpu.distribute.tiles import check_task
from stmgpu.errors import InputError
from stmgpu.store.document import Tiling

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from distributed import Client

    from stmgpu.progress import Progress

SLURM = "slurm"
"""Scheduler argument for the ranks of a Slurm job step."""

_OTHER_RANKS = 2
"""Ranks of a job step that are no workers: the scheduler and the client."""

USABLE = 0.8
"""Share of the free memory that workers are planned for."""


class Executor(ABC):
    """Base of the executors.

    Attributes
    ----------
    name : str
        Name in provenance and on the command line.
    parallel : bool
        Whether several processes work on the tiles, so that tiles should be smaller.
    """

    name: ClassVar[ExecutorName]
    parallel: ClassVar[bool]

    @abstractmethod
    def plan_workers(
        self, memory_of: Callable[[int], float], *, backend: BackendName = "auto", threads: int | None = None
    ) -> tuple[int, int]:
        """Number of workers on this machine, and threads of each.

        Parameters
        ----------
        memory_of : callable
            Memory of a worker with that many threads [bytes].
        backend : str
            Backend of the workers.
        threads : int, optional
            Prescribed threads of each worker.
        """

    def resolve_task(self) -> tuple[int, int] | None:
        """(i, n) where this process computes the i-th share of n; None if it computes all tiles."""
        return None

    def processes(self, workers: int) -> int:
        """Processes that will work on the tiles, as far as is known; `workers` are those planned on this machine."""
        return workers


@dataclass(frozen=True)
class Serial(Executor):
    """Compute all tiles in this process.

    Examples
    --------
    >>> Serial().name
    'serial'
    """

    name: ClassVar[ExecutorName] = "serial"
    parallel: ClassVar[bool] = False

    def plan_workers(
        self, memory_of: Callable[[int], float], *, backend: BackendName = "auto", threads: int | None = None
    ) -> tuple[int, int]:
        """One worker, by default with all cores."""
        return 1, threads or resources.cores()


@dataclass(frozen=True)
class SlurmArray(Executor):
    """Compute one share of the tiles in this process: a task of a Slurm job array.

    Parameters
    ----------
    task : tuple of int, optional
        (i, n): share i of n, counted from 0; default from ``SLURM_ARRAY_TASK_ID``, ``_MIN``, ``_MAX``, ``_STEP``.

    Raises
    ------
    InputError
        If i is not in [0, n).

    Examples
    --------
    >>> SlurmArray((0, 4)).resolve_task()
    (0, 4)
    """

    name: ClassVar[ExecutorName] = "slurm-array"
    parallel: ClassVar[bool] = True

    task: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if self.task is not None:
            check_task(self.task)

    def plan_workers(
        self, memory_of: Callable[[int], float], *, backend: BackendName = "auto", threads: int | None = None
    ) -> tuple[int, int]:
        """One worker, by default with all cores."""
        return 1, threads or resources.cores()

    def resolve_task(self) -> tuple[int, int]:
        """(i, n) of this task.

        Raises
        ------
        InputError
            If it is neither given nor set by Slurm, or the array has gaps.
        """
        task = array_task() if self.task is None else self.task
        if task is None:
            raise InputError(
                "the share of this slurm-array task is unknown; use --task i/n, or submit a Slurm array job, which "
                "sets SLURM_ARRAY_TASK_ID, _MIN and _MAX"
            )
        check_task(task)
        return task

    def processes(self, workers: int) -> int:
        """Tasks of the array, if they are known by now, each with that many workers."""
        _, tasks = self.task or array_task() or (0, 1)
        return workers * tasks


@dataclass(frozen=True)
class Dask(Executor):
    """Compute the tiles on the workers of a Dask cluster.

    Parameters
    ----------
    workers : int, optional
        Number of local workers; default one for each core (GPU), fewer where memory is short.
    scheduler : str, optional
        Address of a running scheduler, ``tls://host:port`` or ``tcp://host:port``, or 'slurm' for the ranks of this
        Slurm job step; default a local cluster.
    client : distributed.Client, optional
        Client to use instead.
    tls_ca, tls_cert, tls_key : Path, optional
        PEM files for ``tls://`` addresses; default Dask's own configuration (``distributed.comm.tls``).
    insecure : bool
        Allow ``tcp://`` to another machine: anyone who can reach the scheduler can run code as its owner.

    Raises
    ------
    InputError
        If the number of workers is not positive.

    Examples
    --------
    >>> Dask(2).name
    'dask'
    """

    name: ClassVar[ExecutorName] = "dask"
    parallel: ClassVar[bool] = True

    workers: int | None = None
    scheduler: str | None = field(default=None, kw_only=True)
    client: Client | None = field(default=None, kw_only=True)
    tls_ca: Path | None = field(default=None, kw_only=True)
    tls_cert: Path | None = field(default=None, kw_only=True)
    tls_key: Path | None = field(default=None, kw_only=True)
    insecure: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        if self.workers is not None and self.workers < 1:
            raise InputError(f"{self.workers} workers are not possible; use 1 or more")
        if self.insecure and not (self.scheduler or "").startswith("tcp://"):
            raise InputError(
                "--insecure belongs to --scheduler tcp://host:port; clusters of stmgpu always use TLS, omit it"
            )

    def plan_workers(
        self, memory_of: Callable[[int], float], *, backend: BackendName = "auto", threads: int | None = None
    ) -> tuple[int, int]:
        """All cores or GPUs of this machine, fewer where memory is short; one worker for a cluster elsewhere."""
        cores = resources.cores()
        workers = self.workers
        if workers is None and self.scheduler is None and self.client is None:
            most = int(resources.memory_bytes() * USABLE // memory_of(threads or 1))
            workers = max(1, min(cores // (threads or 1), most))
            if gpus := gpus_of(backend):
                workers = min(gpus, max(1, most))
        workers = workers or 1
        return workers, threads or max(1, cores // workers)

    def processes(self, workers: int) -> int:
        """Workers of the cluster that there are by now; of a cluster elsewhere nobody knows before it is joined."""
        if self.client is not None:
            return max(workers, len(self.client.scheduler_info(n_workers=-1)["workers"]))
        ranks = os.environ.get("SLURM_NTASKS", "")
        if self.scheduler == SLURM and ranks.isdecimal():
            return max(workers, int(ranks) - _OTHER_RANKS)
        return workers


SERIAL = Serial()
"""Executor by default."""

AUTOMATIC = Tiling()
"""Tiling by default: by the work and the memory."""


@dataclass(frozen=True)
class RunOptions:
    """Options of a run in a store that do not change its result.

    Parameters
    ----------
    executor : Executor
        Where tiles are computed.
    tiling : Tiling
        Size of the tiles.
    if_exists : str
        Treatment of a store that is already there: 'resume', 'overwrite' or 'append'.
    backend : str
        'auto', 'cpu', 'cuda' or 'reference'.
    threads : int, optional
        Threads of each worker.
    progress : callable or bool, optional
        See :data:`stmgpu.progress.Progress`.
    stop : callable
        Asked between tiles; once it returns True no new tile is started.

    Raises
    ------
    InputError
        If `if_exists` is unknown, or an array task would overwrite the store.
    """

    executor: Executor = SERIAL
    tiling: Tiling = AUTOMATIC
    if_exists: IfExists = "resume"
    backend: BackendName = "auto"
    threads: int | None = None
    progress: Progress = None
    stop: Callable[[], bool] = lambda: False

    def __post_init__(self) -> None:
        if not isinstance(self.executor, Executor):
            raise InputError(f"executor {self.executor!r} is unknown; use stm.Serial(), stm.Dask() or stm.SlurmArray()")
        if not isinstance(self.tiling, Tiling):
            raise InputError(f"tiling {self.tiling!r} is not a Tiling; use stm.Tiling(...)")
        if self.if_exists not in get_args(IfExists):
            raise InputError(f"if_exists={self.if_exists!r} is unknown; choose 'resume', 'overwrite' or 'append'")
        if self.if_exists == "overwrite" and isinstance(self.executor, SlurmArray):
            raise InputError(
                "--overwrite in an array job would let every task delete the work of the others; delete "
                "the store before the job is submitted"
            )

    def plan_workers(self, memory_of: Callable[[int], float]) -> tuple[int, int]:
        """Number of workers on this machine, and threads of each."""
        return self.executor.plan_workers(memory_of, backend=self.backend, threads=self.threads)
