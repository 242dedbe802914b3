"""Dask clusters: local workers, a running scheduler, or the ranks of a Slurm job step.

Dask's messages are pickles: anyone who can connect to a scheduler or worker can run code as its owner. So every cluster
of stmgpu speaks TLS with a certificate of its own and serves no HTTP, and a scheduler elsewhere has to be reached by
``tls://`` unless the user insists.
"""

from __future__ import annotations

import logging
import signal
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from stmgpu.distribute.executors import SLURM
from stmgpu.errors import InputError, StmgpuError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from distributed import Client, SpecCluster
    from distributed.security import Security

    from stmgpu.distribute.executors import Dask
    from stmgpu.distribute.slurm import JobCluster

CONNECT = "30s"
"""Timeout of the connection to a scheduler."""

NO_WORKERS = {"distributed.scheduler.no-workers-timeout": "2 minutes"}
"""A cluster whose workers are all lost (a nanny gives up a worker that dies while it starts) ends with an error."""

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
        Shared folder for the address and the certificate of a job step.

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
        from stmgpu.distribute.slurm import step_runner

        with step_runner(folder) as runner, Client(runner) as client:
            client.wait_for_workers(runner.n_workers)
            runner.withdraw_contact()
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
            warn_if_plain(client)
            if not client.scheduler_info(n_workers=-1)["workers"]:
                _LOG.warning("%s has no workers yet; the run begins when one connects", executor.scheduler)
            yield client


def private_scratch() -> tempfile.TemporaryDirectory[str]:
    """Folder for the files of workers that only their owner can enter.

    Dask takes one below a temporary folder that whoever comes first creates, and unpickles what it spills there.
    """
    return tempfile.TemporaryDirectory(prefix="stmgpu-dask-", ignore_cleanup_errors=True)


def _ignore_interrupts() -> None:
    """Ignore keyboard interrupts, which reach all processes; workers end with their client."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def _local(workers: int) -> Iterator[SpecCluster]:
    import dask
    from distributed import Nanny, SpecCluster
    from distributed.security import Security
    from distributed.system import MEMORY_LIMIT

    from stmgpu.distribute.nodes import Scheduler, Worker

    # sampling the Python stacks of workers every 10 ms took a tenth of two cores and does not see into kernels;
    # Dask makes glibc return memory at once, and allocating it again took a quarter of an evolution
    memory = {f"distributed.nanny.pre-spawn-environ.MALLOC_{name}_THRESHOLD_": size for name, size in _KEPT.items()}
    scratch = private_scratch()
    security = Security.temporary()
    common = {"host": "127.0.0.1", "protocol": "tls://", "security": security}
    process = {
        "cls": Nanny,
        "options": common
        | {
            "worker_class": Worker,
            "nthreads": 1,
            "memory_limit": MEMORY_LIMIT // workers,
            "silence_logs": logging.CRITICAL,
            "local_directory": scratch.name,
        },
    }
    with (
        scratch,
        dask.config.set({"distributed.worker.profile.enabled": False, **NO_WORKERS, **memory}),
        SpecCluster(
            scheduler={"cls": Scheduler, "options": common | {"port": 0, "dashboard": False}},
            workers=dict.fromkeys(range(workers), process),
            security=security,
            silence_logs=logging.CRITICAL,
        ) as cluster,
    ):
        yield cluster


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
    if not (executor.insecure or _is_loopback(address.hostname)):
        raise InputError(
            f"the scheduler {executor.scheduler} is not encrypted: anyone who can reach it can run code as its owner; "
            "use tls://, or --insecure (insecure=True) in a network without strangers"
        )
    return None


def _is_loopback(host: str | None) -> bool:
    return host in ("localhost", "127.0.0.1", "::1")


def warn_if_plain(client: Client) -> None:
    """Warn if the messages of a client are not encrypted."""
    address = client.scheduler_info(n_workers=0)["address"]
    if address.startswith("tcp://"):
        who = "any user of this machine" if _is_loopback(urlsplit(address).hostname) else "anyone who can reach it"
        _LOG.warning("%s is not encrypted: %s can run code as its owner; use tls://", address, who)


def slurm_cluster(*, cores: int = 1, memory: str = "4GiB", walltime: str = "01:00:00", **options: Any) -> JobCluster:
    """Create a Dask cluster whose workers are Slurm jobs, for notebooks on a login node.

    Each job runs one process with one Dask thread; the kernels of a tile use all its cores. Workers retire before
    their time limit, so that no tile is lost. All connections are encrypted; the jobs read a temporary certificate from
    a private folder below the working folder, which is removed when the cluster is closed. Other keywords are passed
    to :class:`dask_jobqueue.SLURMCluster`, such as ``queue``, ``account``, ``job_extra_directives``
    (``["--gres=gpu:1"]``), ``interface`` and ``shared_temp_directory`` (for the private folder).

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
    JobCluster
        A :class:`dask_jobqueue.SLURMCluster`. Call ``scale(jobs=n)`` and pass ``distributed.Client(cluster)`` to
        :func:`stmgpu.screen_to_store`.

    Examples
    --------
    >>> cluster = slurm_cluster(cores=8, walltime="04:00:00", queue="batch")  # doctest: +SKIP
    """
    interrupt = signal.getsignal(signal.SIGINT)
    from stmgpu.distribute.slurm import JobCluster

    signal.signal(signal.SIGINT, interrupt)  # dask_jobqueue makes an interrupt end the process without a word
    hours, minutes, seconds = (int(part) for part in walltime.split(":"))
    life = max(60, hours * 3600 + minutes * 60 + seconds - 180)
    arguments = ["--nthreads", "1", "--lifetime", f"{life}s", "--lifetime-stagger", "60s"]
    defaults: dict[str, Any] = {
        "processes": 1,
        "worker_extra_args": [*arguments, "--worker-class", "stmgpu.distribute.nodes.Worker"],
        "scheduler_options": {"dashboard": False},
        "local_directory": '"$STMGPU_SCRATCH"',
    }
    prologue = [
        "export OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1",
        "STMGPU_SCRATCH=$(mktemp -d -t stmgpu-dask.XXXXXX)",  # only its owner can enter it
        "trap 'rm -rf -- \"$STMGPU_SCRATCH\"' EXIT",
        *options.pop("job_script_prologue", ()),
    ]
    folder = Path(options.get("shared_temp_directory") or Path.cwd())
    options = defaults | {"job_script_prologue": prologue} | options
    return JobCluster(folder, cores=cores, memory=memory, walltime=walltime, **options)
