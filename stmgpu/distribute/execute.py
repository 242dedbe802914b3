"""Execution of the tiles of a job, serially or on the workers of a Dask cluster.

Both compute the same tiles with the same code. The state of a run is in its store, not in the scheduler: a failed tile
is recorded there and the others are computed. A store that cannot be written ends the run.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stmgpu.backend import Backend, BackendName, get_backend
from stmgpu.distribute.jobs import Job, job_of
from stmgpu.errors import InputError, StmgpuError, StoreError
from stmgpu.store.code_identity import code_identity
from stmgpu.store.provenance import worker
from stmgpu.store.run import open_run
from stmgpu.store.run_input import INPUTS
from stmgpu.store.schema import RUN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from distributed import Client, Future

    from stmgpu.distribute.tiles import Tile
    from stmgpu.progress import Report

_LOG = logging.getLogger(__name__)

_COMPUTING = threading.Lock()
"""Held while a worker computes a tile: jobs and backends keep arrays that the next tile works in."""


@dataclass
class Outcome:
    """State of a run after a session.

    Attributes
    ----------
    tiles, computed : int
        All tiles of the run, and those computed in this session.
    failed : dict of str
        Reasons of the tiles that failed in this session, by id.
    missing : list of str
        Tiles that are not done yet.
    complete : bool
        Whether the result is complete.
    stopped : bool
        Whether the session was asked to stop before its work was done.
    orphans : dict of list of str
        Missing tiles of tasks of this Slurm array that were cancelled or have failed, by task.
    """

    tiles: int
    computed: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    complete: bool = False
    stopped: bool = False
    orphans: dict[int, list[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Session:
    """Tiles that one session computes.

    Attributes
    ----------
    job : Job
        The job.
    tiles : sequence of tiles
        Tiles to compute.
    outcome : Outcome
        Record of the session, updated in place.
    report : callable
        Called with the fraction done.
    stop : callable
        Asked between tiles; once it returns True no new tile is started.
    """

    job: Job[Any]
    tiles: Sequence[Tile]
    outcome: Outcome
    report: Report
    stop: Callable[[], bool]

    def note_failure(self, tile: str, error: Exception) -> None:
        """Record a failed tile in the store and in the outcome."""
        reason = str(error) if isinstance(error, StmgpuError) else f"{type(error).__name__}: {error}"
        _LOG.warning("tile %s failed: %s", tile, reason)
        self.job.run.fail(tile, reason)
        self.outcome.failed[tile] = reason


def run_serially(session: Session, backend: Backend) -> None:
    """Compute the tiles of a session serially."""
    job, outcome = session.job, session.outcome
    for number, tile in enumerate(session.tiles):
        if session.stop():
            outcome.stopped = True
            return
        if job.run.marker(tile.id) is None:  # another client may have been faster
            try:
                with job.run.computing(tile.id, worker()), backend.on_device():
                    job.compute(tile, backend)
                outcome.computed += 1
            except StoreError:
                raise
            except Exception as error:  # noqa: BLE001  # a tile that fails must not end the others
                session.note_failure(tile.id, error)
        session.report((number + 1) / len(session.tiles))


def run_on_cluster(session: Session, client: Client, *, backend: BackendName, threads: int | None) -> None:
    """Compute the tiles of a session on the workers of a Dask client.

    Two tiles per worker are submitted at a time, so that workers do not wait for their next tile. When a worker dies,
    Dask reports every tile assigned to it as failed, including queued ones. These suspects are computed again at the
    end, one at a time, so that a tile fails only if it kills its worker itself.

    Parameters
    ----------
    session : Session
        Tiles to compute.
    client : distributed.Client
        Client of the cluster.
    backend : str
        Backend of the workers.
    threads : int, optional
        Threads of each worker.
    """
    from distributed import as_completed
    from distributed.scheduler import KilledWorker

    run, outcome = session.job.run, session.outcome
    folder, module = str(run.folder.absolute()), type(session.job).__module__
    finished, total = 0, len(session.tiles)

    def compute(tiles: Sequence[Tile], at_once: int) -> dict[Tile, KilledWorker]:
        nonlocal finished
        queue = iter(tiles)
        submitted: dict[object, Tile] = {}
        suspects: dict[Tile, KilledWorker] = {}

        def submit(count: int) -> Iterator[Future[None]]:
            for tile in islice(queue, count):
                future = client.submit(
                    compute_tile,
                    folder,
                    tile.id,
                    module=module,
                    backend=backend,
                    threads=threads,
                    policies=session.job.policies,
                    pure=False,
                )
                submitted[future.key] = tile
                yield future

        futures = as_completed(list(submit(at_once)))
        for future in futures:
            tile = submitted[future.key]
            error = _exception(future, client)
            if isinstance(error, StoreError):
                raise error
            if isinstance(error, KilledWorker) and run.marker(tile.id) is None:
                suspects[tile] = error
            else:
                finished += 1
                if error is None or isinstance(error, KilledWorker):  # the tile was done before its worker died
                    outcome.computed += 1
                else:
                    session.note_failure(tile.id, error)
                session.report(finished / total)
            if session.stop():
                outcome.stopped = finished < total
            else:
                futures.update(list(submit(1)))
        return suspects

    workers = len(client.scheduler_info(n_workers=-1)["workers"])
    suspects = compute(session.tiles, 2 * max(workers, 1))
    if suspects and not outcome.stopped:
        for tile, killed in compute(list(suspects), 1).items():
            reason = f"it ended {killed.allowed_failures + 1} workers that computed it (out of memory, or a crash)"
            session.note_failure(tile.id, StmgpuError(reason))
            finished += 1
            session.report(finished / total)


def _exception(future: Future[None], client: Client) -> Exception | None:
    """Exception of a tile; :class:`StmgpuError` is raised if the scheduler or all workers were lost."""
    from distributed.scheduler import NoWorkerError

    if future.status in ("cancelled", "lost") or client.status != "running":
        raise StmgpuError("the Dask scheduler was lost; finished tiles are kept: rerun the same command to resume")
    error: Exception | None = future.exception()
    if isinstance(error, NoWorkerError):
        raise StmgpuError("all Dask workers were lost; finished tiles are kept: rerun the same command to resume")
    return error


def compute_tile(
    folder: str, tile: str, *, module: str, backend: BackendName, threads: int | None, policies: str = ""
) -> None:
    """Compute one tile of a store on a Dask worker; the threads of a worker take turns.

    Parameters
    ----------
    folder : str
        Folder of the store.
    tile : str
        Id of the tile.
    module : str
        Module that defines and registers the kind of job.
    backend : str
        Backend to compute with.
    threads : int, optional
        Threads of the backend.
    policies : str
        SHA-256 of the policy file that the client has run, to be run from the store; empty for none.

    Raises
    ------
    InputError
        If the worker has another version of stmgpu than the run, or the policy file in the store has another hash.
    """
    with _COMPUTING:
        _compute_tile(folder, tile, module=module, backend=backend, threads=threads, policies=policies)


def _compute_tile(
    folder: str, tile: str, *, module: str, backend: BackendName, threads: int | None, policies: str
) -> None:
    import_module(module)
    if policies:
        from stmgpu.debris.policy.policy_file import POLICIES, load_policies

        load_policies(Path(folder) / RUN / INPUTS / POLICIES, sha256=policies)
    run_json = Path(folder) / "run" / "run.json"
    job = _cached_job(folder, run_json.stat().st_mtime_ns)
    code = code_identity(type(job).__module__)
    if job.run.document.code != code:
        raise InputError(
            f"the worker has another stmgpu ({code['version']}) than the run was started with; "
            "install the same version on all of them"
        )
    if job.run.marker(tile) is None:
        runner = _worker_backend(backend, threads)
        with job.run.computing(tile, worker()), runner.on_device():
            job.compute(next(t for t in job.tiles if t.id == tile), runner)


@lru_cache(maxsize=1)
def _cached_job(folder: str, _: int) -> Job[Any]:
    return job_of(open_run(folder))


@lru_cache(maxsize=1)
def _worker_backend(name: BackendName, threads: int | None) -> Backend:
    return get_backend(name, threads, own_gpu=True)


def conclude(job: Job[Any], backend: Callable[[], Backend], outcome: Outcome) -> Outcome:
    """Write the result once all tiles are done, under the lock of the run."""
    markers = job.run.markers()
    outcome.missing = [tile.id for tile in job.tiles if tile.id not in markers]
    outcome.complete = job.run.complete
    if not outcome.missing and not outcome.complete:
        with job.run.locked():
            if not job.run.complete:
                runner = backend()
                with runner.on_device():
                    job.finish({tile.id: markers[tile.id] for tile in job.tiles}, runner)
        outcome.complete = True
    return outcome
