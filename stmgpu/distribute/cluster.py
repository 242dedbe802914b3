"""Dask clusters: local workers, a running scheduler, or the ranks of a Slurm job step.

Dask's messages are pickles: anyone who can connect to a scheduler can run code as its owner. So a local cluster listens
on loopback only (and requires a temporary certificate where the ``cryptography`` package is installed), dashboards are
off, and a scheduler elsewhere should be reached by ``tls://`` with certificates.
"""

from __future__ import annotations

import logging
import os
import signal
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from stmgpu.errors import InputError, StmgpuError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dask_jobqueue.slurm import SLURMCluster, SLURMRunner
    from distributed import Client, LocalCluster
    from distributed.security import Security

    from stmgpu.distribute.executors import Dask

SLURM = "slurm"
"""Scheduler argument for the ranks of a Slurm job step."""

CONNECT = "30s"
"""Timeout of the connection to a scheduler."""

_LOG = logging.getLogger(__name__)


def quiet() -> None:
    """Silence Dask's own loggers; the errors of this package report what matters."""
    import distributed  # noqa: F401  # configures them when it is imported

    for name in ("asyncio", *logging.root.manager.loggerDict):
        if name.startswith(("asyncio", "distributed", "tornado")):
            logging.getLogger(name).setLevel(logging.CRITICAL)


_KEPT = {"MMAP": 64 << 20, "TRIM": 256 << 20}
"""Thresholds of glibc on workers [bytes]: size of an array that is mapped, and free memory that is returned."""


@contextmanager
def client_of(executor: Dask, workers: int, folder: Path) -> Iterator[Client]:
    """Connect a Dask client; with the scheduler 'slurm' one rank gets the client, the others serve as workers and exit.

    Parameters
    ----------
    executor : Dask
        Address of the scheduler, if any, and certificates.
    workers : int
        Number of workers of a local cluster.
    folder : Path
        Shared folder for the address of the scheduler.

    Raises
    ------
    InputError
        If the address or the certificates cannot be used.
    StmgpuError
        If the scheduler cannot be reached.
    """
    from distributed import Client

    if executor.scheduler is None:
        with _local(workers) as cluster, Client(cluster) as client:
            client.run(_ignore_interrupts)
            yield client
    elif executor.scheduler == SLURM:
        with _slurm_ranks(folder) as runner, Client(runner) as client:
            client.wait_for_workers(runner.n_workers)
            yield client
    else:
        security = _security(executor)
        try:
            client = Client(executor.scheduler, security=security, timeout=CONNECT)
        except (OSError, ValueError, TypeError) as error:
            raise StmgpuError(
                f"the scheduler {executor.scheduler} cannot be reached: {error}; "
                "check that it is running and whether it requires TLS"
            ) from error
        with client:
            yield client


def _ignore_interrupts() -> None:
    """Ignore keyboard interrupts, which reach all processes; workers end with their client."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def _local(workers: int) -> Iterator[LocalCluster]:
    import dask
    from distributed import LocalCluster

    # sampling the Python stacks of workers every 10 ms took a tenth of two cores and does not see into kernels;
    # Dask makes glibc return memory at once, and allocating it again took a quarter of an evolution
    memory = {f"distributed.nanny.pre-spawn-environ.MALLOC_{name}_THRESHOLD_": size for name, size in _KEPT.items()}
    with (
        dask.config.set({"distributed.worker.profile.enabled": False, **memory}),
        LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            scheduler_port=0,
            dashboard_address="127.0.0.1:0",
            worker_dashboard_address=None,
            scheduler_kwargs={"dashboard": False},
            security=_temporary_certificate(),
            silence_logs=logging.CRITICAL,
        ) as cluster,
    ):
        yield cluster


def _temporary_certificate() -> Security | None:
    """Temporary certificate of a local cluster, so that other users of the machine cannot connect to it."""
    from distributed.security import Security

    try:
        certificate: Security = Security.temporary()
    except ImportError:
        _LOG.debug("without the cryptography package the local cluster on loopback asks for no certificate")
        return None
    return certificate


@contextmanager
def _slurm_ranks(folder: Path) -> Iterator[SLURMRunner]:
    try:
        from dask_jobqueue.slurm import SLURMRunner, WorldTooSmallException
    except ImportError as error:
        raise StmgpuError(f"--scheduler slurm needs dask-jobqueue 0.9 or newer: {error}") from error
    step = "-".join(os.environ.get(name, "0") for name in ("SLURM_JOB_ID", "SLURM_STEP_ID", "SLURM_RESTART_COUNT"))
    address = folder / f".stmgpu-scheduler-{step}.json"
    try:
        runner = SLURMRunner(
            scheduler_file=str(address),
            worker_options={"nthreads": 1},
            scheduler_options={"dashboard": False, "dashboard_address": "127.0.0.1:0"},
        )
    except RuntimeError as error:
        raise InputError(f"--scheduler slurm works inside `srun` with 3 tasks or more: {error}") from error
    except WorldTooSmallException as error:
        raise InputError(f"--scheduler slurm: {error}") from error
    try:
        with runner:
            yield runner
    finally:
        address.unlink(missing_ok=True)


def _security(executor: Dask) -> Security | None:
    from distributed.security import Security

    files = {"tls_ca_file": executor.tls_ca, "tls_client_cert": executor.tls_cert, "tls_client_key": executor.tls_key}
    given = {name: str(path) for name, path in files.items() if path is not None}
    address = urlsplit(executor.scheduler or "")
    if not address.hostname or address.scheme not in ("tcp", "tls"):
        raise InputError(
            f"the scheduler {executor.scheduler!r} is not an address; use tls://host:port or tcp://host:port, "
            f"or {SLURM!r} inside a Slurm job step"
        )
    if missing := [path for path in given.values() if not Path(path).is_file()]:
        raise InputError(f"there is no file {missing[0]}; use PEM files for the certificates")
    if address.scheme == "tls":
        return Security(**given, require_encryption=True) if given else None
    if given:
        raise InputError(
            f"certificates need an encrypted connection, but the scheduler is {executor.scheduler}; use tls://"
        )
    if address.hostname not in ("localhost", "127.0.0.1", "::1"):
        _LOG.warning(
            "%s is not encrypted: anyone who can reach the scheduler can run code as its owner; use tls://",
            executor.scheduler,
        )
    return None


def slurm_cluster(*, cores: int = 1, memory: str = "4GiB", walltime: str = "01:00:00", **options: Any) -> SLURMCluster:
    """Create a Dask cluster whose workers are Slurm jobs, for notebooks on a login node.

    Each job runs one process with one Dask thread; the kernels of a tile use all its cores. Workers retire before
    their time limit, so that no tile is lost. Other keywords are passed to :class:`dask_jobqueue.SLURMCluster`, such as
    ``queue``, ``account``, ``job_extra_directives`` (``["--gres=gpu:1"]``) and ``interface``.

    Parameters
    ----------
    cores : int
        Cores of a job.
    memory, walltime : str
        Memory and time limit of a job.
    **options
        Further arguments of :class:`dask_jobqueue.SLURMCluster`.

    Returns
    -------
    dask_jobqueue.SLURMCluster
        Call ``scale(jobs=n)`` and pass ``distributed.Client(cluster)`` to :func:`stmgpu.screen_to_store`.

    Examples
    --------
    >>> cluster = slurm_cluster(cores=8, walltime="04:00:00", queue="batch")  # doctest: +SKIP
    """
    from dask_jobqueue.slurm import SLURMCluster

    hours, minutes, seconds = (int(part) for part in walltime.split(":"))
    life = max(60, hours * 3600 + minutes * 60 + seconds - 180)
    arguments = ["--nthreads", "1", "--lifetime", f"{life}s", "--lifetime-stagger", "60s"]
    defaults: dict[str, Any] = {
        "processes": 1,
        "worker_extra_args": arguments,
        "scheduler_options": {"dashboard": False},
    }
    return SLURMCluster(cores=cores, memory=memory, walltime=walltime, **(defaults | options))
