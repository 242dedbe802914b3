"""Run the tiles of a job: one after the other, or on the workers of a Dask cluster.

Both compute the same tiles with the same code; what is durable is the store, not the scheduler. A tile that fails is
noted in the store and the others go on. A store that cannot be written ends the run.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from stmgpu.backend import Backend, get_backend, gpus_of
from stmgpu.distribute.jobs.ensemble import EnsembleJob
from stmgpu.distribute.jobs.ephemeris import EphemerisJob
from stmgpu.distribute.jobs.screening import ScreeningJob
from stmgpu.errors import InputError, StmgpuError, StoreError
from stmgpu.store.code_identity import code_identity
from stmgpu.store.run import Marker, RunStore, open_run

if TYPE_CHECKING:
    from stmgpu.distribute.tiles import Tile

Report = Callable[[float], None]
_LOG = logging.getLogger(__name__)


class Job(Protocol):
    """What a computation in tiles offers."""

    run: RunStore
    tiles: list[Tile]

    def compute(self, tile: Tile, backend: Backend) -> None:
        """Compute a tile and write it into the store."""

    def finish(self, markers: dict[str, Marker], backend: Backend) -> None:
        """Put the tiles together, once all are there."""


@dataclass
class Outcome:
    """How far a run came.

    Attributes
    ----------
    tiles, computed
        all tiles of the run, and those computed just now.
    failed
        reasons of the tiles that failed just now, by id.
    missing
        tiles that are not done yet.
    complete
        whether the result stands.
    stopped
        whether it was asked to stop before its work was done.
    """

    tiles: int
    computed: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    complete: bool = False
    stopped: bool = False


def job_of(run: RunStore) -> Job:
    """The job of a store; :class:`StoreError` where what it says of it makes no sense."""
    try:
        if run.kind == "conjunctions":
            return ScreeningJob(run)
        if run.kind == "ephemeris":
            return EphemerisJob(run)
        if run.kind == "ensemble":
            return EnsembleJob(run)
    except StoreError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StoreError(f"{run.folder} is damaged: its run.json does not describe a computation ({error})") from error
    raise StoreError(f"{run.folder} holds {run.kind}, which is not computed in tiles")


def run_serially(
    job: Job, tiles: list[Tile], backend: Backend, report: Report, stop: Callable[[], bool], outcome: Outcome
) -> None:
    """Compute tiles one after the other."""
    for number, tile in enumerate(tiles):
        if stop():
            outcome.stopped = True
            return
        if job.run.marker(tile.id) is None:  # another client may have been faster
            try:
                job.compute(tile, backend)
                outcome.computed += 1
            except StoreError:
                raise
            except Exception as error:  # noqa: BLE001  # whatever a tile raises is the tile's alone
                _note_failure(job.run, tile.id, error, outcome)
        report((number + 1) / len(tiles))


def run_on_cluster(
    job: Job,
    tiles: list[Tile],
    client: Any,
    backend: str,
    threads: int | None,
    report: Report,
    stop: Callable[[], bool],
    outcome: Outcome,
) -> None:
    """Compute tiles on the workers of a Dask client, two for each at a time: the next is there when one is done.

    Dask blames every tile that a worker held when it died, those that only waited there too. So the blamed ones are
    computed again at the end, one at a time: then only what ends its worker itself fails.
    """
    from distributed import as_completed
    from distributed.scheduler import KilledWorker

    folder = str(job.run.folder.absolute())
    decided = 0

    def compute(tiles: list[Tile], at_once: int) -> dict[Tile, KilledWorker]:
        nonlocal decided
        waiting = iter(tiles)
        submitted: dict[str, Tile] = {}
        blamed: dict[Tile, KilledWorker] = {}

        def submit(count: int) -> Iterator[Any]:
            for tile in islice(waiting, count):
                future = client.submit(compute_tile, folder, tile.id, backend, threads, pure=False)
                submitted[future.key] = tile
                yield future

        futures = as_completed(list(submit(at_once)))
        for future in futures:
            tile = submitted[future.key]
            error = _exception(future, client)
            if isinstance(error, StoreError):
                raise error
            if isinstance(error, KilledWorker) and job.run.marker(tile.id) is None:
                blamed[tile] = error
            else:
                decided += 1
                if error is None or isinstance(error, KilledWorker):  # it was done, and its worker died later
                    outcome.computed += 1
                else:
                    _note_failure(job.run, tile.id, error, outcome)
                report(decided / total)
            if stop():
                outcome.stopped = decided < total
            else:
                futures.update(list(submit(1)))
        return blamed

    total = len(tiles)
    workers = len(client.scheduler_info(n_workers=-1)["workers"])
    blamed = compute(tiles, 2 * max(workers, 1))
    if blamed and not outcome.stopped:
        for tile, killed in compute(list(blamed), 1).items():
            reason = f"it ended {killed.allowed_failures + 1} workers that computed it (out of memory, or a crash)"
            _note_failure(job.run, tile.id, StmgpuError(reason), outcome)
            decided += 1
            report(decided / total)


def _exception(future: Any, client: Any) -> Exception | None:
    """What a tile raised; :class:`StmgpuError` where the cluster itself was lost."""
    if future.status in ("cancelled", "lost") or client.status != "running":
        raise StmgpuError("the Dask scheduler was lost; what is done is kept: run the same command again")
    error: Exception | None = future.exception()
    return error


def compute_tile(folder: str, tile: str, backend: str, threads: int | None) -> None:
    """Compute one tile of a store; this is what a Dask worker is given.

    Raises
    ------
    InputError
        the worker's stmgpu is not the one that the run was begun with.
    """
    run_json = Path(folder) / "run" / "run.json"
    job = _cached_job(folder, run_json.stat().st_mtime_ns)
    ours = code_identity(type(job).__module__)
    if job.run.document["code"] != ours:
        raise InputError(
            f"the worker has another stmgpu ({ours['version']}) than the run was begun with; "
            "install the same version on all of them"
        )
    if job.run.marker(tile) is None:
        wanted = next(t for t in job.tiles if t.id == tile)
        job.compute(wanted, _worker_backend(backend, threads))


@lru_cache(maxsize=1)
def _cached_job(folder: str, _: int) -> Job:
    return job_of(open_run(folder))


@lru_cache(maxsize=1)
def _worker_backend(name: str, threads: int | None) -> Backend:
    """The backend of a worker; workers on one machine take its GPUs in turn."""
    if gpus_of(name) < 2:
        return get_backend(name, threads)
    from distributed import get_worker

    number = str(get_worker().name)
    return get_backend(name, threads, worker=int(number) if number.isdecimal() else 0)


def conclude(job: Job, backend: Callable[[], Backend], outcome: Outcome) -> Outcome:
    """Put the result together if every tile is there; one process at a time does it."""
    markers = job.run.markers()
    outcome.missing = [tile.id for tile in job.tiles if tile.id not in markers]
    outcome.complete = job.run.complete
    if not outcome.missing and not outcome.complete:
        with job.run.locked():
            if not job.run.complete:
                job.finish({tile.id: markers[tile.id] for tile in job.tiles}, backend())
        outcome.complete = True
    return outcome


def _note_failure(run: RunStore, tile: str, error: Exception, outcome: Outcome) -> None:
    reason = str(error) if isinstance(error, StmgpuError) else f"{type(error).__name__}: {error}"
    _LOG.warning("tile %s failed: %s", tile, reason)
    run.fail(tile, reason)
    outcome.failed[tile] = reason
