"""Commands that compute: screen, demo, propagate."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stmgpu import log
from stmgpu.backend import BackendName
from stmgpu.cli import common
from stmgpu.cli.common import ExecutorName, note, say
from stmgpu.cli.outputs import check_outputs, check_picture
from stmgpu.cli.run_options import concluded, execution_of, quiet_fonts
from stmgpu.errors import InputError, StmgpuError

if TYPE_CHECKING:
    import xarray as xr

    from stmgpu.catalog import Catalog
    from stmgpu.catalog.trajectories.trajectories import Trajectories
    from stmgpu.distribute import Execution


def screen(
    context: typer.Context,
    catalog: common.OptionalCatalog = None,
    ephemeris: common.Ephemeris = None,
    start: common.Start = None,
    hours: common.Hours = None,
    days: common.Days = None,
    threshold_km: Annotated[float, typer.Option(help="Report minima of distance below this, in km.")] = 5.0,
    backend: common.Backend = "auto",
    threads: common.Threads = None,
    step_s: Annotated[
        float | None,
        typer.Option(help="Broad-phase interval in seconds; the events do not depend on it. Default: planned."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Store to write, such as day.zarr.")] = None,
    csv: Annotated[Path | None, typer.Option(help="CSV file to write; an existing one is replaced.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Picture to write: .png, .pdf or .svg.")] = None,
    executor: common.Executor = ExecutorName.SERIAL,
    task: common.Task = None,
    tile_hours: common.TileHours = None,
    chunk_objects: common.ChunkObjects = None,
    dry_run: common.DryRun = False,
    overwrite: common.Overwrite = False,
    resume: common.Resume = False,
    append: common.Append = False,
    workers: common.Workers = None,
    scheduler: common.Scheduler = None,
    tls_ca: common.TlsCa = None,
    tls_cert: common.TlsCert = None,
    tls_key: common.TlsKey = None,
) -> None:
    """Find every conjunction of every object with every other."""
    from stmgpu.distribute import Execution

    check_outputs(out, csv, plot)
    check_picture(plot)
    if plot is not None and catalog is None:
        raise InputError("--plot draws the catalogue's orbits and needs one")
    how = execution_of(context)
    if out is None and (how != Execution(backend=backend, threads=threads)) and not dry_run:
        raise InputError("executors, tiles, --overwrite, --resume and --append need a store; name one with --out")
    if catalog is None and not ephemeris:
        raise InputError("there is nothing to screen; give a catalogue, or trajectories with --ephemeris")
    objects = None if catalog is None else common.read(catalog)
    window = {
        "start": start,
        "hours": hours,
        "days": days,
        "threshold_km": threshold_km,
        "step_s": step_s,
        "ephemeris": common.read_ephemerides(ephemeris, objects, start, _hours(hours, days)),
    }
    if dry_run:
        _dry_screen(objects, window, how)
        return
    found = _screen(objects, window, backend, threads, out, how)
    if found is not None:
        _deliver(found, objects, out, csv, plot)


def demo(
    out: Annotated[Path, typer.Option(help="Folder for the store, the CSV file and the picture.")] = Path("demo"),
    objects: Annotated[int, typer.Option(min=2, help="Objects of the synthetic catalogue.")] = 27_000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the synthetic catalogue.")] = 0,
    hours: Annotated[float, typer.Option(help="Length of the window in hours.")] = 24.0,
    threshold_km: Annotated[float, typer.Option(help="Report minima of distance below this, in km.")] = 5.0,
    backend: common.Backend = "auto",
    threads: common.Threads = None,
) -> None:
    """Screen a synthetic catalogue, all against all: the whole way from elements to a store and a picture."""
    from stmgpu.catalog import synthetic_catalog
    from stmgpu.distribute import Execution

    store, csv, plot = out / "conjunctions.zarr", out / "conjunctions.csv", out / "screening.png"
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {out}: {error.strerror}; choose another with --out") from error
    check_outputs(store, csv, plot)
    note(f"synthetic catalogue: {objects} objects, seed {seed}")
    population = synthetic_catalog(objects, seed=seed)
    how = Execution(backend=backend, threads=threads, overwrite=True)
    window = {"hours": hours, "threshold_km": threshold_km}
    found = _screen(population, window, backend, threads, store, how)
    if found is not None:
        _deliver(found, population, store, csv, plot)


def propagate(
    context: typer.Context,
    catalog: common.CatalogFile,
    out: Annotated[Path, typer.Option(help="Store to write, such as day.zarr.")],
    start: common.Start = None,
    hours: common.Hours = None,
    days: common.Days = None,
    step_s: Annotated[float, typer.Option(help="Time step in seconds.")] = 60.0,
    backend: common.Backend = "auto",
    threads: common.Threads = None,
    executor: common.Executor = ExecutorName.SERIAL,
    task: common.Task = None,
    tile_hours: common.TileHours = None,
    chunk_objects: common.ChunkObjects = None,
    dry_run: common.DryRun = False,
    overwrite: common.Overwrite = False,
    resume: common.Resume = False,
    append: common.Append = False,
    workers: common.Workers = None,
    scheduler: common.Scheduler = None,
    tls_ca: common.TlsCa = None,
    tls_cert: common.TlsCert = None,
    tls_key: common.TlsKey = None,
) -> None:
    """Write ephemerides of all objects (TEME, km and km/s)."""
    from stmgpu.distribute import propagate_to_store
    from stmgpu.distribute.api import ephemeris_settings, plan_ephemeris
    from stmgpu.propagate.screening_objects import ScreeningObjects
    from stmgpu.store import open_dataset

    check_outputs(out)
    how = execution_of(context)
    objects = common.read(catalog)
    if dry_run:
        settings = ephemeris_settings(objects, start=start, hours=hours, days=days, step_s=step_s)
        _print_plan(*plan_ephemeris(ScreeningObjects(objects), settings, how), how)
        return
    length = _hours(hours, days)
    common.backend_name(backend, threads)
    _note_start(objects, start, length, f"step {step_s:g} s")
    with log.progress("propagating", total=length, unit="h") as report:
        outcome = propagate_to_store(objects, out, start, hours, days, step_s, "i", how, report, common.stopping)
    if not concluded(outcome, out):
        return
    written = open_dataset(out, "ephemeris")
    failing = int((written.error_code != 0).any("time").sum())
    typer.echo(
        f"{len(objects) + len(objects.rejected)} objects read, {len(objects.rejected)} rejected, {failing} "
        f"failing propagation, {written.sizes['time']} times; {out}"
    )


def _hours(hours: float | None, days: float | None) -> float:
    return days * 24.0 if days is not None else 24.0 if hours is None else hours


def _note_start(
    objects: Catalog | None, start: Any, hours: float, what: str, ephemeris: Trajectories | None = None
) -> None:
    from stmgpu.screen.screening import default_start, screening_objects

    if start is None:
        start = default_start(screening_objects(objects, ephemeris))
    common.note_window(objects, start, hours, what)


def _screen(
    objects: Catalog | None,
    window: dict[str, Any],
    backend: BackendName,
    threads: int | None,
    out: Path | None,
    how: Execution,
) -> xr.Dataset | None:
    """The result, in memory or from the store; None where the store is not complete yet."""
    from stmgpu.distribute import screen_to_store
    from stmgpu.distribute.api import stage_seconds
    from stmgpu.screen.screening import screen as run
    from stmgpu.store import open_dataset

    length = _hours(window.get("hours"), window.get("days"))
    name = common.backend_name(backend, threads)
    _note_start(
        objects, window.get("start"), length, f"threshold {window['threshold_km']:g} km", window.get("ephemeris")
    )
    with log.progress("screening", total=length, unit="h") as report:
        if out is None:
            return run(objects, **window, backend=name, threads=threads, progress=report)
        outcome = screen_to_store(objects, out, **window, how=how, progress=report, stop=common.stopping)
    if not concluded(outcome, out):
        return None
    found = open_dataset(out, "conjunctions")
    found.attrs["seconds"] = json.dumps(stage_seconds(out))
    return found


def _dry_screen(catalog: Catalog | None, window: dict[str, Any], how: Execution) -> None:
    from stmgpu.distribute.api import plan_screening
    from stmgpu.screen.screening import screening_objects, screening_settings

    objects = screening_objects(catalog, window.pop("ephemeris"))
    _print_plan(*plan_screening(objects, screening_settings(objects, **window), how), how)


def _print_plan(document: dict[str, Any], tiling: Any, needs: Any, how: Execution) -> None:
    """What a run would do: tiles, memory, disk, time."""
    from stmgpu.distribute import resources

    cores = resources.cores()
    chunk = tiling.chunk_objects
    typer.echo(
        f"tiles         {tiling.tiles}, each {tiling.tile_hours:g} h of "
        f"{'all objects' if chunk is None else f'chunks of {chunk} objects'}"
    )
    typer.echo(
        f"memory        about {needs.memory_bytes / 2**20:,.0f} MiB a worker "
        f"({resources.memory_bytes() / 2**20:,.0f} MiB at hand)"
    )
    typer.echo(f"disk          about {needs.disk_bytes / 1e6:,.0f} MB")
    typer.echo(
        f"time          about {needs.core_seconds:,.0f} s of one core, {needs.core_seconds / cores:,.0f} s on "
        f"the {cores} cores here"
    )
    typer.echo(f"executor      {how.executor}")
    for name, value in document["settings"].items():
        typer.echo(f"{name:<13} {value}")


def _deliver(
    found: xr.Dataset, objects: Catalog | None, store: Path | None, csv: Path | None, plot: Path | None
) -> None:
    """Write and print the result; what cannot be written does not take the printed result with it."""
    from stmgpu.report.screening.text import failing_lines, print_result
    from stmgpu.screen.csv_table import write_csv

    try:
        if csv is not None:
            write_csv(found, csv)
        if plot is not None:
            with quiet_fonts():
                from stmgpu.report.screening.figure import plot_screening

                plot_screening(found, objects, plot)
    except (StmgpuError, OSError):
        print_result(found)
        raise
    for line in failing_lines(found):
        say(line)
    if len(found.attrs["failed_norad_id"]) and store is None:
        note("a store (--out) holds each failing object with the time of its first failure")
    print_result(found)
    if written := [str(p) for p in (store, csv, plot) if p is not None]:
        typer.echo(f"written: {', '.join(written)}")
    if not json.loads(found.attrs["certificate"])["complete"]:
        raise StmgpuError(
            "the certificate does not hold: a pair moved more than its proven bound, so conjunctions may "
            "be missing; please report it with the catalogue and the command"
        )
