"""Public functions that compute into stores: ``screen_to_store``, ``propagate_to_store``, ``evolve_to_store``, ..."""

from __future__ import annotations

import secrets
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stmgpu.backend import Backend, BackendName, get_backend
from stmgpu.choices import MAX_AGE_DAYS
from stmgpu.distribute.array_tasks import orphans
from stmgpu.distribute.cluster import client_of, warn_if_plain
from stmgpu.distribute.execute import Outcome, Session, conclude, run_on_cluster, run_serially
from stmgpu.distribute.executors import AUTOMATIC, SERIAL, Dask, Executor, RunOptions
from stmgpu.distribute.jobs import JOBS, RunPlan, job_of
from stmgpu.distribute.jobs.base import arithmetic_of
from stmgpu.distribute.jobs.ephemeris import EphemerisJob
from stmgpu.distribute.jobs.screening import ScreeningJob
from stmgpu.distribute.stores import bring_in, check_store_of, open_or_create
from stmgpu.distribute.tiles import share
from stmgpu.errors import InputError
from stmgpu.progress import Progress, reporting
from stmgpu.propagate.element_ages import age_limit, ages_text, warn
from stmgpu.propagate.screening_objects import ScreeningObjects
from stmgpu.propagate.settings import EphemerisSettings, operation_mode
from stmgpu.screen.screening import default_start, screening_objects, screening_settings
from stmgpu.screen.stale_events import stale_text
from stmgpu.store.provenance import session_record
from stmgpu.store.reading import open_dataset
from stmgpu.store.run import open_run
from stmgpu.time import as_epoch
from stmgpu.window import Window, window_seconds

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence

    import numpy.typing as npt
    from distributed import Client

    from stmgpu.catalog import Catalog
    from stmgpu.catalog.ids import IdChoice
    from stmgpu.catalog.trajectories.trajectories import Trajectories
    from stmgpu.choices import ElementSets, IfExists, SlowMethods
    from stmgpu.debris.scenario import Scenario, Study
    from stmgpu.store.document import RunDocument, Tiling


def _never() -> bool:
    return False


def screen_to_store(
    catalog: Catalog | None,
    path: str | os.PathLike[str],
    *,
    start: object = None,
    hours: float | None = None,
    days: float | None = None,
    threshold_km: float = 5.0,
    step_s: float | None = None,
    mode: str = "i",
    ephemeris: Trajectories | None = None,
    primaries: IdChoice | str | npt.ArrayLike | None = None,
    sets: ElementSets | None = None,
    max_age_days: float = MAX_AGE_DAYS,
    executor: Executor = SERIAL,
    tiling: Tiling = AUTOMATIC,
    if_exists: IfExists = "resume",
    backend: BackendName = "auto",
    threads: int | None = None,
    progress: Progress = None,
    stop: Callable[[], bool] = _never,
) -> Outcome:
    """Screen all objects against all others, tile by tile, into a store that can be resumed.

    Parameters
    ----------
    catalog, start, hours, days, threshold_km, step_s, mode, ephemeris, primaries, sets, max_age_days
        See :func:`stmgpu.screen`.
    path : path-like
        Folder of the store.
    executor : Serial, Dask or SlurmArray
        Where tiles are computed; default this process.
    tiling : Tiling
        Size of the tiles; default by the work and the memory.
    if_exists : str
        Treatment of a store that is already there: 'resume' computes only the tiles that are missing, 'overwrite'
        replaces it, 'append' also allows a longer window.
    backend : str
        'auto', 'cpu', 'cuda' or 'reference'.
    threads : int, optional
        Threads of each worker; default all cores, shared among the workers.
    progress : callable or bool, optional
        Called with the fraction done; True shows a bar of ``tqdm``.
    stop : callable
        Asked between tiles; once it returns True no new tile is started.

    Returns
    -------
    Outcome
        Open the result with :func:`stmgpu.open_dataset` if it is ``complete``.

    Raises
    ------
    InputError
        If an argument is impossible, or the store contains a different computation; the message lists the differences.
    StoreError
        If the store cannot be written. Finished tiles are kept.

    Examples
    --------
    >>> import stmgpu as stm
    >>> cat = stm.synthetic_catalog(n=500, seed=1)
    >>> stm.screen_to_store(cat, "day.zarr", hours=24, executor=stm.Dask(workers=2)).complete  # doctest: +SKIP
    True
    """
    objects = screening_objects(catalog, ephemeris)
    settings = screening_settings(
        objects,
        start=start,
        hours=hours,
        days=days,
        threshold_km=threshold_km,
        step_s=step_s,
        mode=mode,
        primaries=primaries,
    )
    options = RunOptions(executor, tiling, if_exists, backend, threads, progress, stop)
    objects, limit = objects.for_window(settings.window, sets), age_limit(max_age_days)
    outcome = run_to_store(ScreeningJob.plan(objects, settings, options), path, options)
    if outcome.complete:
        warn(stale_text(open_dataset(path, "conjunctions"), limit), stacklevel=2)
    return outcome


def propagate_to_store(
    catalog: Catalog,
    path: str | os.PathLike[str],
    *,
    start: object = None,
    hours: float | None = None,
    days: float | None = None,
    step_s: float = 60.0,
    mode: str = "i",
    sets: ElementSets | None = None,
    max_age_days: float = MAX_AGE_DAYS,
    executor: Executor = SERIAL,
    tiling: Tiling = AUTOMATIC,
    if_exists: IfExists = "resume",
    backend: BackendName = "auto",
    threads: int | None = None,
    progress: Progress = None,
    stop: Callable[[], bool] = _never,
) -> Outcome:
    """Write the ephemeris of a whole catalogue, tile by tile, into a store that can be resumed.

    Parameters
    ----------
    catalog : Catalog
        Objects to propagate.
    path : path-like
        Folder of the store.
    start : Epoch, str or datetime64, optional
        First time, UTC; default as for :func:`stmgpu.screen`.
    hours, days : float, optional
        Length of the window, one of the two (default 24 hours); its end is included where a step falls on it.
    step_s : float
        Time step [s].
    mode : str
        Operation mode of SGP4, 'i' (improved) or 'a' (AFSPC).
    sets : {'nearest', 'newest'}, optional
        Element set of an object of which the source holds several, see :func:`stmgpu.screen`.
    max_age_days : float
        Median age of the elements beyond which `stmgpu.StaleElementsWarning` is given [d]; inf for no such warning.
    executor, tiling, if_exists, backend, threads, progress, stop
        See :func:`screen_to_store`.

    Returns
    -------
    Outcome
        Open the result with :func:`stmgpu.open_dataset` if it is ``complete``.

    Raises
    ------
    InputError
        If the catalogue is empty, the window or step is not positive, there are too many times, or the store holds
        another computation.
    StoreError
        If the store cannot be written. Finished tiles are kept.
    """
    settings = ephemeris_settings(catalog, start=start, hours=hours, days=days, step_s=step_s, mode=mode)
    options = RunOptions(executor, tiling, if_exists, backend, threads, progress, stop)
    objects = ScreeningObjects(catalog).for_window(settings.window, sets)
    warn(ages_text(objects.catalog, settings.window, age_limit(max_age_days)), stacklevel=2)
    return run_to_store(EphemerisJob.plan(objects, settings, options), path, options)


def evolve_to_store(
    study: Study | Scenario | str | os.PathLike[str],
    path: str | os.PathLike[str],
    *,
    years: float | None = None,
    runs: int | None = None,
    seed: int = 0,
    policies: str | os.PathLike[str] | None = None,
    executor: Executor = SERIAL,
    tiling: Tiling = AUTOMATIC,
    if_exists: IfExists = "resume",
    backend: BackendName = "auto",
    threads: int | None = None,
    progress: Progress = None,
    stop: Callable[[], bool] = _never,
) -> Outcome:
    """Evolve the debris population, every run of every scenario, tile by tile, into a store that can be resumed.

    Parameters
    ----------
    study : Study, Scenario or path-like
        A study, one scenario, or a scenario file; the files that it names are copied into the store.
    path : path-like
        Folder of the store.
    years, runs, seed : float or int, optional
        See :func:`stmgpu.evolve`.
    policies : path-like, optional
        Python file that defines policies, see :func:`stmgpu.debris.policy.load_policies`. It runs here and on the
        workers, and its text is kept in the store.
    executor, tiling, backend, threads, progress, stop
        See :func:`screen_to_store`.
    if_exists : str
        Treatment of a store that is already there: 'resume' computes only the tiles that are missing, 'overwrite'
        replaces it, 'append' also allows more runs.

    Returns
    -------
    Outcome
        Open the result with :func:`stmgpu.open_dataset` if it is ``complete``.

    Raises
    ------
    InputError
        If the scenario is impossible, a file cannot be read, or the store contains a different computation.
    StoreError
        If the store cannot be written. Finished tiles are kept.
    """
    options = RunOptions(executor, tiling, if_exists, backend, threads, progress, stop)
    from stmgpu.distribute.jobs.ensemble import plan_study  # a screening need not import debris

    plan = plan_study(study, years=years, runs=runs, seed=seed, options=options, policies=policies)
    return run_to_store(plan, path, options)


def assess_store(
    path: str | os.PathLike[str],
    *,
    covariance: str = "tle",
    radii: str = "socrates",
    lines: str = "cara",
    decision_hours: float = 24.0,
    slow: SlowMethods = "stated",
    samples: int = 0,
    seed: int = 0,
    executor: Executor = SERIAL,
    tiling: Tiling = AUTOMATIC,
    backend: BackendName = "auto",
    threads: int | None = None,
    progress: Progress = None,
    stop: Callable[[], bool] = _never,
) -> Outcome:
    """Assess the conjunctions in the store of a screening, tile by tile, into that store.

    Parameters
    ----------
    path : path-like
        Store of a finished screening.
    covariance, radii, lines, decision_hours, slow, samples, seed
        See :func:`stmgpu.assess`; files are copied into the store.
    executor, tiling, backend, threads, progress, stop
        See :func:`screen_to_store`.

    Returns
    -------
    Outcome
        If it is ``complete``, :func:`stmgpu.open_dataset` gives the conjunctions with their assessment, and
        :func:`stmgpu.encounters` states and covariances.

    Raises
    ------
    InputError
        If an argument is impossible, or the store is not one of a screening.
    StoreError
        If the store is damaged or cannot be written. Finished tiles are kept.

    Notes
    -----
    An interrupted assessment is resumed by the same request. Another request replaces it, also a complete one; the
    conjunctions are never touched. Conjunctions that are appended to or screened anew lose their assessment.
    """
    from stmgpu.distribute.jobs.assessment import place_of, plan_assessment  # a screening need not import risk
    from stmgpu.risk.settings import AssessmentSettings

    options = RunOptions(executor, tiling, "resume", backend, threads, progress, stop)
    settings = AssessmentSettings(covariance, radii, lines, decision_hours, slow, samples, seed)
    plan = plan_assessment(path, settings, options)
    return run_to_store(plan, place_of(path), options)


def merge_store(
    path: str | os.PathLike[str],
    parts: Sequence[str | os.PathLike[str]] = (),
    *,
    backend: BackendName = "auto",
    threads: int | None = None,
) -> Outcome:
    """Complete a store whose tiles are all done, after copying tiles from other stores of the same run.

    Parameters
    ----------
    path : path-like
        Folder of the store.
    parts : sequence of path-like
        Stores in which other tiles of the same run were computed, for instance on another file system.
    backend : str
        'auto', 'cpu', 'cuda' or 'reference'.
    threads : int, optional
        Threads of the cpu backend; default all cores.

    Returns
    -------
    Outcome
        Its ``missing`` lists the tiles that are still to be computed.

    Raises
    ------
    InputError
        If a part belongs to another run, or is cut in another way.
    StoreError
        If there is no store, or a tile is damaged.
    """
    run = open_run(path)
    for part in parts:
        bring_in(run, open_run(part))
    job = job_of(run)
    return conclude(job, lambda: _backend(run.document, backend, threads), Outcome(len(job.tiles)))


def ephemeris_settings(
    catalog: Catalog,
    *,
    start: object = None,
    hours: float | None = None,
    days: float | None = None,
    step_s: float = 60.0,
    mode: str = "i",
) -> EphemerisSettings:
    """Settings of an ephemeris from the arguments of :func:`propagate_to_store`.

    Raises
    ------
    InputError
        If an argument is impossible, or the catalogue is empty.
    """
    duration_s = window_seconds(hours, days)
    if len(catalog) == 0:
        raise InputError("the catalogue is empty; nothing to propagate")
    window = Window(default_start(catalog) if start is None else as_epoch(start), duration_s)
    return EphemerisSettings(window, step_s, operation_mode(mode))


def stage_seconds(path: str | os.PathLike[str]) -> dict[str, float]:
    """Seconds that all workers together spent in each stage of a screening, from the markers of its tiles."""
    seconds: dict[str, float] = {}
    for marker in open_run(path).markers().values():
        for stage, value in marker.summary.get("seconds", {}).items():
            seconds[stage] = round(seconds.get(stage, 0.0) + value, 4)
    return seconds


def run_to_store(plan: RunPlan, path: str | os.PathLike[str], options: RunOptions) -> Outcome:
    """Compute a planned run of any kind into a store.

    Parameters
    ----------
    plan : RunPlan
        From :meth:`stmgpu.distribute.jobs.Job.plan`.
    path : path-like
        Folder of the store.
    options : RunOptions
        Executor, tiling, treatment of a store that is already there.

    Returns
    -------
    Outcome
        Tiles that were computed, that failed and that are missing.

    Raises
    ------
    InputError
        If the store contains a different computation.
    StoreError
        If the store cannot be written. Finished tiles are kept.
    """
    folder, executor = Path(path), options.executor
    task = executor.resolve_task()
    if not isinstance(executor, Dask) or executor.client is not None:
        client = executor.client if isinstance(executor, Dask) else None
        if client is not None:
            warn_if_plain(client)
        return _run(plan, folder, options, client=client, task=task, threads=options.threads)
    job = JOBS[plan.document.kind]
    workers, threads = options.plan_workers(lambda n: job.memory_of(plan.document, n))
    check_store_of(plan, folder, options)  # reject it before workers start
    with ExitStack() as cluster:
        client = cluster.enter_context(client_of(executor, workers, folder.absolute().parent))
        # workers elsewhere know best how many cores they have
        threads_each = options.threads if executor.scheduler else threads
        return _run(plan, folder, options, client=client, task=task, threads=threads_each, cluster=cluster)


def _run(
    plan: RunPlan,
    folder: Path,
    options: RunOptions,
    *,
    client: Client | None,
    task: tuple[int, int] | None,
    threads: int | None,
    cluster: ExitStack | None = None,
) -> Outcome:
    run = open_or_create(plan, folder, options)
    job = job_of(run)
    outcome = Outcome(len(job.tiles))
    backends: list[Backend] = []

    def backend() -> Backend:
        if not backends:
            # a client whose workers are done may take all cores to write the result
            host_threads = options.threads if client is None else None
            backends.append(_backend(run.document, options.backend, host_threads))
        return backends[0]

    done = run.markers()
    tiles = [tile for tile in share(job.tiles, task) if tile.id not in done]
    if not tiles and run.complete:
        return conclude(job, backend, outcome)
    device = "" if client is not None else backend().device
    record = session_record(device=device, executor=options.executor.name, code=run.document.code)
    name = f"{record['begin'].replace(':', '')}-{record['host']}-{record['process']}-{secrets.token_hex(2)}"
    run.add_session(name, record)
    if not run.complete:
        job.prepare()
    try:
        with reporting(options.progress, run.kind) as report:
            session = Session(job, tiles, outcome, report, options.stop)
            if client is not None:
                run_on_cluster(session, client, backend=options.backend, threads=threads)
            else:
                run_serially(session, backend())
        if cluster is not None:
            cluster.close()  # the memory and the GPUs of its workers are free for the result
        conclude(job, backend, outcome)
        if task is not None and outcome.missing and not outcome.stopped:
            outcome.orphans = orphans(job, task[1])
        return outcome
    finally:
        end: dict[str, Any] = {
            "end": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "tiles": outcome.computed,
            "failed": len(outcome.failed),
            "complete": outcome.complete,
        }
        run.add_session(name, record | end)


def _backend(document: RunDocument, name: BackendName, threads: int | None) -> Backend:
    """The backend of that name; :class:`InputError` if its results would differ from those in the store."""
    backend = get_backend(name, threads)
    arithmetic = arithmetic_of(backend)
    if arithmetic != document.arithmetic:
        raise InputError(
            f"the store was started with the arithmetic {document.arithmetic!r}; the backend {backend.name} computes "
            f"with {arithmetic!r}, choose another with --backend"
        )
    return backend
