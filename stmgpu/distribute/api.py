"""``stmgpu.screen_to_store``, ``stmgpu.propagate_to_store``, ``stmgpu.merge_store``: long computations in tiles."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from stmgpu.backend import Backend, get_backend
from stmgpu.debris.study.evolve import prepare, resolve_study
from stmgpu.debris.study.scenario_file import input_files
from stmgpu.distribute import resources
from stmgpu.distribute.cluster import ClusterOptions, client_of
from stmgpu.distribute.execute import Outcome, Report, conclude, job_of, run_on_cluster, run_serially
from stmgpu.distribute.executors import USABLE, Execution, array_task, check_execution, workers_of
from stmgpu.distribute.jobs import ensemble, ephemeris, screening
from stmgpu.distribute.stores import bring_in, open_or_create
from stmgpu.distribute.tiles import Estimate, Tiling, share
from stmgpu.errors import InputError
from stmgpu.propagate.screening_objects import ScreeningObjects
from stmgpu.propagate.settings import EphemerisSettings, operation_mode
from stmgpu.screen.plan import make_plan
from stmgpu.screen.screening import default_start, screening_objects, screening_settings
from stmgpu.screen.settings import ScreeningSettings
from stmgpu.store.code_identity import code_identity
from stmgpu.store.provenance import session
from stmgpu.store.run import open_run
from stmgpu.store.run_input import RunInput, StudyInputs
from stmgpu.time import Window, as_epoch, window_seconds
from stmgpu.validation import Fields

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from stmgpu.catalog import Catalog
    from stmgpu.catalog.trajectories.trajectories import Trajectories
    from stmgpu.debris.scenario import Scenario, Study


def screen_to_store(
    catalog: Catalog | None,
    path: str | os.PathLike[str],
    start: Any = None,
    hours: float | None = None,
    days: float | None = None,
    threshold_km: float = 5.0,
    step_s: float | None = None,
    mode: str = "i",
    how: Execution | None = None,
    progress: Report | None = None,
    stop: Callable[[], bool] = lambda: False,
    ephemeris: Trajectories | None = None,
) -> Outcome:
    """Screen all objects against all others, tile by tile, into a store that can be resumed.

    Parameters
    ----------
    catalog, start, hours, days, threshold_km, step_s, mode, ephemeris
        as for :func:`stmgpu.screen`.
    path
        folder of the store. Where the same computation was begun there, only what is missing is computed.
    how
        executor, workers, tiling: see :class:`Execution`.
    progress
        called with the fraction done.
    stop
        asked between tiles; once it says True no new tile is begun.

    Returns
    -------
    Outcome: open the result with :func:`stmgpu.open_dataset` where ``complete``.

    Raises
    ------
    InputError
        impossible arguments, or the store holds another computation; the message shows the differences.
    StoreError
        the store cannot be written. What is done is kept.

    Examples
    --------
    >>> import stmgpu as stm
    >>> cat = stm.synthetic_catalog(n=500, seed=1)
    >>> stm.screen_to_store(cat, "day.zarr", hours=24).complete  # doctest: +SKIP
    True
    """
    how = how or Execution()
    objects = screening_objects(catalog, ephemeris)
    settings = screening_settings(
        objects, start=start, hours=hours, days=days, threshold_km=threshold_km, step_s=step_s, mode=mode
    )
    document, _, _ = plan_screening(objects, settings, how)
    return _run(objects, Path(path), document, how, progress, stop)


def propagate_to_store(
    catalog: Catalog,
    path: str | os.PathLike[str],
    start: Any = None,
    hours: float | None = None,
    days: float | None = None,
    step_s: float = 60.0,
    mode: str = "i",
    how: Execution | None = None,
    progress: Report | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Write the ephemeris of a whole catalogue, tile by tile, into a store that can be resumed.

    Parameters
    ----------
    catalog
        n objects.
    path
        folder of the store.
    start
        first time, UTC; default as for :func:`stmgpu.screen`.
    hours, days
        length of the window, one of the two (default 24 hours); its end is included where a step falls on it.
    step_s
        step [s].
    mode, how, progress, stop
        as for :func:`screen_to_store`.

    Raises
    ------
    InputError
        an empty catalogue, a window or step that is not positive, too many times, or another computation in the store.
    StoreError
        the store cannot be written. What is done is kept.
    """
    how = how or Execution()
    objects = ScreeningObjects(catalog)
    settings = ephemeris_settings(catalog, start=start, hours=hours, days=days, step_s=step_s, mode=mode)
    document, _, _ = plan_ephemeris(objects, settings, how)
    return _run(objects, Path(path), document, how, progress, stop)


def evolve_to_store(
    study: Study | Scenario | str | os.PathLike[str],
    path: str | os.PathLike[str],
    years: float | None = None,
    runs: int | None = None,
    seed: int = 0,
    how: Execution | None = None,
    progress: Report | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Evolve the debris population, every run of every scenario, tile by tile, into a store that can be resumed.

    Parameters
    ----------
    study
        a study, one scenario, or a scenario file; the files that it names are copied into the store.
    path
        folder of the store. Where the same study was begun there, only what is missing is computed.
    years, runs, seed
        as for :func:`stmgpu.evolve`.
    how
        executor, workers, runs a tile: see :class:`Execution`; with ``append`` more runs are added to those in a store.
    progress, stop
        as for :func:`screen_to_store`.

    Raises
    ------
    InputError
        an impossible scenario, a file that cannot be read, or another computation in the store.
    StoreError
        the store cannot be written. What is done is kept.
    """
    how = how or Execution()
    inputs, document, _ = plan_study(study, years, runs, seed, how)
    return _run(inputs, Path(path), document, how, progress, stop)


def merge_store(
    path: str | os.PathLike[str], parts: list[Path] | None = None, backend: str = "auto", threads: int | None = None
) -> Outcome:
    """Finish a store whose tiles are all there, after bringing in those of other stores of the same run.

    Parameters
    ----------
    path
        folder of the store.
    parts
        stores in which other tiles of the same run were computed, on another file system for instance.
    backend, threads
        as for :func:`stmgpu.screen`.

    Raises
    ------
    InputError
        a part belongs to another run, or is cut in another way.
    StoreError
        there is no store, or a tile is damaged.
    """
    run = open_run(path)
    for part in parts or []:
        bring_in(run, open_run(part))
    job = job_of(run)
    return conclude(job, lambda: _backend(run.document, backend, threads), Outcome(len(job.tiles)))


def plan_screening(
    catalog: ScreeningObjects, settings: ScreeningSettings, how: Execution
) -> tuple[dict[str, Any], Tiling, Estimate]:
    """What a screening will be: its run document, how it is cut, and what it needs."""
    plan = make_plan(settings, len(catalog))
    workers, threads = workers_of(how, lambda n: screening.memory_of(plan, len(catalog), n))
    tiling, _ = screening.choose(
        plan,
        len(catalog),
        how.tile_hours,
        how.chunk_objects,
        resources.memory_bytes() * USABLE / workers,
        threads,
        screening.ALONE if how.executor == "serial" else screening.SHARED,
    )
    settings_json = {**plan.settings.to_json(), "arithmetic": _arithmetic(how.backend)}
    document = _document("conjunctions", settings_json, catalog, tiling)
    return document, tiling, screening.estimate(plan, len(catalog), tiling, threads)


def ephemeris_settings(
    catalog: Catalog,
    *,
    start: object = None,
    hours: float | None = None,
    days: float | None = None,
    step_s: float = 60.0,
    mode: str = "i",
) -> EphemerisSettings:
    """Settings of an ephemeris from the arguments of :func:`propagate_to_store`."""
    duration_s = window_seconds(hours, days)
    if len(catalog) == 0:
        raise InputError("the catalogue is empty; nothing to propagate")
    window = Window(default_start(catalog) if start is None else as_epoch(start), duration_s)
    return EphemerisSettings(window, step_s, operation_mode(mode))


def plan_ephemeris(
    objects: ScreeningObjects, settings: EphemerisSettings, how: Execution
) -> tuple[dict[str, Any], Tiling, Estimate]:
    """Run document, tiling and needs of an ephemeris."""
    span_s, step_s = settings.window.duration_s, settings.step_s
    if span_s / step_s > ephemeris.MAX_TIMES:
        raise InputError(
            f"{span_s / 3600.0:g} hours in steps of {step_s:g} s are {span_s / step_s:.3g} times; a store "
            f"holds at most {ephemeris.MAX_TIMES:,}: shorten the window or lengthen the step"
        )
    tiling, _ = ephemeris.cut(len(objects), settings, how.tile_hours, how.chunk_objects)
    return (
        _document("ephemeris", {**settings.to_json(), "arithmetic": _arithmetic(how.backend)}, objects, tiling),
        tiling,
        ephemeris.estimate(len(objects), settings, tiling),
    )


def plan_study(
    study: Study | Scenario | str | os.PathLike[str], years: float | None, runs: int | None, seed: int, how: Execution
) -> tuple[StudyInputs, dict[str, Any], Estimate]:
    """What a study will be: its input files, its run document, and what it needs."""
    study = resolve_study(study, years=years, runs=runs, seed=seed)
    runs_per_tile = 1 if how.runs_per_tile is None else how.runs_per_tile
    if runs_per_tile < 1:
        raise InputError(f"{runs_per_tile} runs a tile are impossible; give 1 or more")
    initial = prepare(study, seed=seed)
    renamed, files = input_files(study)
    inputs = StudyInputs.of(files)
    settings = ensemble.settings_of(renamed, seed, initial.year, initial.notes, _arithmetic(how.backend))
    tiles = len(ensemble.ensemble_tiles(len(study.scenarios), study.runs, runs_per_tile))
    objects = max(map(len, initial.populations))
    document = {
        "kind": "ensemble",
        "settings": settings,
        "catalog": {"digest": inputs.digest(), "files": dict(inputs.hashes), "objects": objects},
        "code": code_identity(ensemble.__name__),
        "tiling": {"runs_per_tile": runs_per_tile, "tile_hours": None, "chunk_objects": None, "tiles": tiles},
    }
    return inputs, document, ensemble.estimate(study, objects, tiles, runs_per_tile)


def stage_seconds(path: str | os.PathLike[str]) -> dict[str, float]:
    """Seconds that all workers together spent in each stage of a screening, from the markers of its tiles."""
    found: dict[str, float] = {}
    for marker in open_run(path).markers().values():
        for stage, value in marker.summary.get("seconds", {}).items():
            found[stage] = round(found.get(stage, 0.0) + value, 4)
    return found


def _run(
    catalog: RunInput,
    path: Path,
    document: dict[str, Any],
    how: Execution,
    progress: Report | None,
    stop: Callable[[], bool],
) -> Outcome:
    report = progress or (lambda _: None)
    check_execution(how)
    if how.executor == "dask" and how.client is None:
        workers, threads = workers_of(how, lambda n: _memory_of(document, catalog, n))
        options = ClusterOptions(how.scheduler, workers, threads, how.tls_ca, how.tls_cert, how.tls_key)
        open_or_create(catalog, path, document, how, dry=True)  # what is refused is refused before workers start
        with client_of(options, path.absolute().parent) as client:
            # workers elsewhere know best how many cores they have
            return _run_with(
                client, catalog, path, document, how, how.threads if how.scheduler else threads, report, stop
            )
    return _run_with(how.client, catalog, path, document, how, how.threads, report, stop)


def _run_with(
    client: Any,
    catalog: RunInput,
    path: Path,
    document: dict[str, Any],
    how: Execution,
    threads: int | None,
    report: Report,
    stop: Callable[[], bool],
) -> Outcome:
    run = open_or_create(catalog, path, document, how)
    assert run is not None
    job = job_of(run)
    outcome = Outcome(len(job.tiles))
    made: list[Backend] = []

    def backend() -> Backend:
        if not made:
            # a client whose workers are done may take all cores to put the result together
            made.append(_backend(document, how.backend, how.threads if client is None else None))
        return made[0]

    done = run.markers()
    task = how.task or array_task() if how.executor == "slurm-array" else None
    todo = [tile for tile in share(job.tiles, task) if tile.id not in done]
    if not todo and run.complete:
        return conclude(job, backend, outcome)
    told = session(how.command, "" if client is not None else backend().device, how.executor, run.document["code"])
    name = f"{told['begin'].replace(':', '')}-{told['host']}-{told['process']}-{secrets.token_hex(2)}"
    run.add_session(name, told)
    if isinstance(job, ephemeris.EphemerisJob) and not run.complete:
        job.prepare()
    try:
        if client is not None:
            run_on_cluster(job, todo, client, how.backend, threads, report, stop, outcome)
        else:
            run_serially(job, todo, backend(), report, stop, outcome)
        return conclude(job, backend, outcome)
    finally:
        told |= {
            "end": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "tiles": outcome.computed,
            "failed": len(outcome.failed),
            "complete": outcome.complete,
        }
        run.add_session(name, told)


def _document(kind: str, settings: dict[str, Any], objects: ScreeningObjects, tiling: Tiling) -> dict[str, Any]:
    trajectories = {}
    if objects.any_trajectory:
        t = objects.trajectories
        trajectories = {"trajectories": {"digest": t.digest(), "objects": len(t), "samples": len(t.time_ns)}}
    epochs = np.sort(objects.catalog.epoch)
    dated = (
        {
            "epoch_first": str(epochs[0]),
            "epoch_median": str(epochs[(len(epochs) - 1) // 2]),
            "epoch_last": str(epochs[-1]),
        }
        if len(epochs)
        else {}
    )
    return {
        "kind": kind,
        "settings": settings,
        "catalog": {
            "digest": objects.digest(),
            "objects": len(objects),
            "source": objects.source,
            "sha256": objects.sha256,
            "rejected": len(objects.rejected),
            **dated,
            **trajectories,
        },
        "code": code_identity((screening if kind == "conjunctions" else ephemeris).__name__),
        "tiling": tiling.as_dict(),
    }


def _arithmetic(backend: str) -> str:
    """'kernels' for the backends that run them, which agree to the byte; else what computes instead."""
    return "kernels" if get_backend(backend).runs_kernels else "reference"


def _backend(document: dict[str, Any], name: str, threads: int | None) -> Backend:
    chosen = get_backend(name, threads)
    arithmetic = "kernels" if chosen.runs_kernels else "reference"
    begun = document["settings"].get("arithmetic")
    if arithmetic != begun:
        raise InputError(
            f"the store was begun with the arithmetic {begun!r}; the backend {chosen.name} computes with "
            f"{arithmetic!r}, choose another with --backend"
        )
    return chosen


def _memory_of(document: dict[str, Any], catalog: RunInput, threads: int) -> float:
    if document["kind"] == "ensemble":
        return ensemble.memory_of(document["catalog"]["objects"], document["tiling"]["runs_per_tile"])
    if document["kind"] == "conjunctions":
        plan = make_plan(ScreeningSettings.from_json(Fields(document["settings"], "settings")), len(catalog))
        return screening.memory_of(plan, document["tiling"]["chunk_objects"] or len(catalog), threads)
    return 4.0 * ephemeris.TILE_BYTES + 280e6
