"""Dask on Slurm: a cluster of the ranks of a job step, and a cluster whose workers are jobs.

Importing this module replaces the handler of SIGINT (``dask_jobqueue`` does), so it is imported only when it is used.
"""

from __future__ import annotations

import copy
import os
import shlex
import shutil
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dask
from dask_jobqueue.runner import BaseRunner, Role
from dask_jobqueue.slurm import SLURMCluster
from distributed.core import rpc
from distributed.security import Security

from stmgpu.distribute import nodes
from stmgpu.distribute.certificates import Contact, await_contact, private_folder, publish, write_private
from stmgpu.distribute.cluster import NO_WORKERS, private_scratch
from stmgpu.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import distributed

_SCHEDULER, _CLIENT = 0, 1
"""Ranks with a role of their own; the others are workers."""


class StepRunner(BaseRunner):
    """Cluster of the ranks of a job step: rank 0 is the scheduler, rank 1 the client, the others are workers.

    Parameters
    ----------
    rank, ranks : int
        This rank, and their number.
    path : Path
        File through which rank 0 publishes its address and certificate.
    scratch : str
        Private folder for the files of a worker.
    """

    def __init__(self, rank: int, ranks: int, path: Path, scratch: str) -> None:
        self.rank, self.n_workers, self.path = rank, ranks - 2, path
        self.contact = None if rank == _SCHEDULER else await_contact(path)
        self.security = Security.temporary() if self.contact is None else self.contact.security
        secured = {"security": self.security}
        super().__init__(
            scheduler_options=secured | {"protocol": "tls://", "dashboard": False},
            worker_class="stmgpu.distribute.nodes.Worker",
            worker_options=secured | {"nthreads": 1, "local_directory": scratch},
        )

    async def get_role(self) -> Role:  # type: ignore[override]  # declared as a string, used as a Role
        """Role of this rank."""
        return {_SCHEDULER: Role.scheduler, _CLIENT: Role.client}.get(self.rank, Role.worker)

    async def get_worker_name(self) -> str:
        """Rank as the name of a worker."""
        return str(self.rank)

    async def get_scheduler_address(self) -> str:
        """Address that rank 0 published."""
        return "" if self.contact is None else self.contact.address

    async def set_scheduler_address(self, scheduler: distributed.Scheduler) -> None:
        """Publish address and certificate."""
        publish(self.path, Contact.of(scheduler.address, self.security))

    async def before_client_start(self) -> None:
        """Connect to the scheduler with the certificate."""
        security = self.security.get_connection_args("client")
        self.scheduler_comm = rpc(self.scheduler_address, connection_args=security)  # type: ignore[assignment]

    def withdraw_contact(self) -> None:
        """Remove the certificate from the disk; connected processes hold it in memory."""
        shutil.rmtree(self.path.parent, ignore_errors=True)

    async def start_scheduler(self) -> None:
        """Run the scheduler until the client closes it."""
        with dask.config.set(NO_WORKERS):
            started = nodes.Scheduler(**self.scheduler_options)
        async with started as scheduler:
            await self.set_scheduler_address(scheduler)
            await scheduler.finished()


@contextmanager
def step_runner(folder: Path) -> Iterator[StepRunner]:
    """Make a cluster of the ranks of this job step; only the client gets past this call, the others serve and exit.

    The certificate lies in a private folder until :meth:`StepRunner.withdraw_contact` is called or the scheduler ends.

    Parameters
    ----------
    folder : Path
        Folder that all ranks share.

    Raises
    ------
    InputError
        If this is not a job step of at least three ranks.
    """
    names = ("SLURM_PROCID", "SLURM_NTASKS", "SLURM_JOB_ID")
    if missing := [name for name in names if not os.environ.get(name, "").isdecimal()]:
        raise InputError(f"--scheduler slurm works inside `srun` with 3 tasks or more: {missing[0]} is not set")
    rank, ranks, job = (int(os.environ[name]) for name in names)
    if ranks < 3:
        raise InputError(
            f"--scheduler slurm works inside `srun` with 3 tasks or more (scheduler, client, workers), not with {ranks}"
        )
    step = "-".join(os.environ.get(name, "0") for name in ("SLURM_STEP_ID", "SLURM_RESTART_COUNT"))
    private = folder / f".stmgpu-dask-{job}-{step}"
    with ExitStack() as stack:
        if rank == _SCHEDULER:
            stack.enter_context(private_folder(private))
        scratch = stack.enter_context(private_scratch())
        with StepRunner(rank, ranks, private / "contact.json", scratch) as runner:
            yield runner


class JobCluster(SLURMCluster):
    """Cluster whose workers are Slurm jobs; they read a certificate from a private folder.

    Parameters
    ----------
    folder : Path
        Folder that all machines share; the private folder is created in it and removed when the cluster is closed.
    security : distributed.Security, optional
        Certificates to use instead.
    **options
        Further arguments of :class:`dask_jobqueue.SLURMCluster`.
    """

    def __init__(self, folder: Path, *, security: Security | None = None, **options: Any) -> None:
        self._folder, self._closing = folder, ExitStack()
        try:
            super().__init__(
                security=security or Security.temporary(), protocol="tls://", scheduler_cls=nodes.Scheduler, **options
            )
        except BaseException:
            self._closing.close()
            raise

    def _get_worker_security(self, security: Security) -> Security:
        """Replace PEM texts by files that the jobs can read."""
        role = security.get_tls_config_for_role("worker")
        texts = {name: text for name, text in role.items() if text is not None and "\n" in text}
        if not texts:
            return security
        private = Path(tempfile.mkdtemp(prefix=".stmgpu-dask-", dir=self._folder))
        self._closing.callback(shutil.rmtree, private, ignore_errors=True)
        in_files = copy.copy(security)
        for name, text in texts.items():
            path = private / f"{name}.pem"
            write_private(path, text)
            # the command of a job is not quoted by dask_jobqueue
            setattr(in_files, f"tls_{name}" if name == "ca_file" else f"tls_worker_{name}", shlex.quote(str(path)))
        return in_files

    async def _close(self) -> None:
        await super()._close()  # type: ignore[no-untyped-call]
        self._closing.close()
