"""The command line: one thin command a verb over the library's calls.

Exit codes: 0 done, 1 something failed, 2 wrong use or input, 130 interrupted.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from stmgpu import log
from stmgpu.errors import BackendError, InputError, StmgpuError
from stmgpu.report.outputs import check_outputs, check_picture

if TYPE_CHECKING:
    import xarray as xr

    from stmgpu.catalog import Catalog

_SHOWN_REJECTIONS = 20
_FAR_DAYS = 14.0
"""Days from the median epoch beyond which the command line warns; element sets are good for a few."""

_LOG = logging.getLogger("stmgpu.cli")  # also when run as __main__


class BackendName(StrEnum):
    """Backends that can be asked for."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"
    REFERENCE = "reference"


class _Commands(TyperGroup):
    """Turns the library's errors into a line on standard error and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except InputError as error:
            _fail(error, 2)
        except StmgpuError as error:
            _fail(error, 1)
        except BrokenPipeError:  # the reader, such as `head`, has gone
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from None
        except MemoryError:
            _fail("out of memory; use a shorter window, a smaller threshold or fewer objects", 1)
        except OSError as error:
            _fail(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}", 1)
        except KeyboardInterrupt:
            _fail("interrupted", 130)


app = typer.Typer(name="stmgpu", cls=_Commands, no_args_is_help=True, pretty_exceptions_show_locals=False,
                  help="Screen satellite catalogues for conjunctions, all against all.")
catalog_app = typer.Typer(cls=_Commands, no_args_is_help=True, help="Look at, convert and make catalogues.")
app.add_typer(catalog_app, name="catalog")

CatalogFile = Annotated[Path, typer.Argument(help="TLE, 3LE, or OMM in CSV, JSON, XML or KVN, plain or gzipped; "
                                                "- reads standard input.")]
Start = Annotated[str | None, typer.Option(help="Start, UTC, such as 2024-07-05T12:00:00. Default: the catalogue's "
                                                "median epoch rounded up to the hour.")]
Hours = Annotated[float | None, typer.Option(help="Length of the window in hours. Default: 24.")]
Backend = Annotated[BackendName, typer.Option(help="Where to compute; auto takes cuda, cpu or reference, the first "
                                                   "that works.")]
Threads = Annotated[int | None, typer.Option(min=1, help="Threads of the cpu backend. Default: all cores.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace a store that is already there.")]


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import PackageNotFoundError, version

        try:
            typer.echo(f"stmgpu {version('stmgpu')}")
        except PackageNotFoundError:
            typer.echo("stmgpu, run from its sources without being installed")
        raise typer.Exit


@app.callback()
def main(verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log everything.")] = False,
         quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Warnings and errors only.")] = False,
         version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True,
                                               help="Show the version and exit.")] = False) -> None:
    """Screen satellite catalogues for conjunctions, all against all.

    Results go to standard output, messages and progress to standard error. Exit codes: 0 done, 1 failed, 2 wrong use
    or input, 130 interrupted, 143 terminated.
    """
    log.configure(-1 if quiet else int(verbose))
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _terminated)


@app.command()
def info() -> None:
    """Backends, devices, instruction set, versions and caches."""
    from stmgpu.report.environment import describe

    for name, value in describe().items():
        typer.echo(f"{name:<18} {value}")


@app.command()
def screen(
    catalog: CatalogFile,
    start: Start = None,
    hours: Hours = None,
    days: Annotated[float | None, typer.Option(help="Length of the window in days, instead of --hours.")] = None,
    threshold_km: Annotated[float, typer.Option(help="Report minima of distance below this, in km.")] = 5.0,
    backend: Backend = BackendName.AUTO,
    threads: Threads = None,
    step_s: Annotated[float | None, typer.Option(help="Broad-phase interval in seconds; the events do not "
                                                      "depend on it. Default: planned.")] = None,
    out: Annotated[Path | None, typer.Option(help="Store to write, such as day.zarr.")] = None,
    csv: Annotated[Path | None, typer.Option(help="CSV file to write; an existing one is replaced.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Picture to write: .png, .pdf or .svg.")] = None,
    overwrite: Overwrite = False,
) -> None:
    """Find every conjunction of every object with every other."""
    check_outputs(out, overwrite, csv, plot)
    check_picture(plot)
    objects = _read(catalog)
    found = _screen(objects, start, hours, days, threshold_km, backend, threads, step_s)
    _deliver(found, objects, out, csv, plot, overwrite)


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for the store, the CSV file and the picture.")] = Path("demo"),
    objects: Annotated[int, typer.Option(min=2, help="Objects of the synthetic catalogue.")] = 27_000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the synthetic catalogue.")] = 0,
    hours: Annotated[float, typer.Option(help="Length of the window in hours.")] = 24.0,
    threshold_km: Annotated[float, typer.Option(help="Report minima of distance below this, in km.")] = 5.0,
    backend: Backend = BackendName.AUTO,
    threads: Threads = None,
) -> None:
    """Screen a synthetic catalogue, all against all: the whole way from elements to a store and a picture."""
    from stmgpu.catalog import synthetic_catalog

    store, csv, plot = out / "conjunctions.zarr", out / "conjunctions.csv", out / "screening.png"
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {out}: {error.strerror}; choose another with --out") from error
    check_outputs(store, True, csv, plot)
    _note(f"synthetic catalogue: {objects} objects, seed {seed}")
    population = synthetic_catalog(objects, seed=seed)
    found = _screen(population, None, hours, None, threshold_km, backend, threads, None)
    _deliver(found, population, store, csv, plot, True)


@app.command()
def propagate(
    catalog: CatalogFile,
    out: Annotated[Path, typer.Option(help="Store to write, such as day.zarr.")],
    start: Start = None,
    hours: Hours = None,
    step_s: Annotated[float, typer.Option(help="Time step in seconds.")] = 60.0,
    backend: Backend = BackendName.AUTO,
    threads: Threads = None,
    overwrite: Overwrite = False,
) -> None:
    """Write ephemerides of all objects (TEME, km and km/s)."""
    from stmgpu.screen.screening import default_start
    from stmgpu.store import open_dataset, propagate_to_store

    check_outputs(out, overwrite)
    objects = _read(catalog)
    window = 24.0 if hours is None else hours
    chosen = default_start(objects) if start is None else start
    _note_window(objects, chosen, window, f"step {step_s:g} s")
    with log.progress("propagating", window, "h") as report:
        propagate_to_store(objects, out, chosen, window, step_s, _backend(backend, threads),
                           threads, overwrite, report)
    written = open_dataset(out, "ephemeris")
    failing = int((written.error_code != 0).any("time").sum())
    typer.echo(f"{len(objects) + len(objects.rejected)} objects read, {len(objects.rejected)} rejected, {failing} "
               f"failing propagation, {written.sizes['time']} times; {out}")


@catalog_app.command()
def summary(
    catalog: CatalogFile,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    rejected: Annotated[bool, typer.Option("--rejected", help="List every rejected record.")] = False,
) -> None:
    """Count objects by regime, and show epochs, ages and rejected records."""
    objects = _read(catalog, 0 if rejected or as_json else _SHOWN_REJECTIONS)
    counts: dict[str, Any] = objects.summary()
    if as_json:
        typer.echo(json.dumps({**counts, "rejections": [str(r) for r in objects.rejected]}, indent=2))
        return
    for name, value in counts.items():
        if isinstance(value, dict):
            value = ", ".join(f"{k} {v:,.2f}" if isinstance(v, float) else f"{k} {v:,}" for k, v in value.items())
        typer.echo(f"{name.replace('_', ' '):<13} {value}")
    if rejected:
        for rejection in objects.rejected:
            typer.echo(f"rejected      {rejection}")


@catalog_app.command()
def convert(
    catalog: CatalogFile,
    target: Annotated[Path, typer.Argument(help="File to write; its ending names the form.")],
    form: Annotated[str | None, typer.Option("--format", help="tle, 3le, csv, json, xml or kvn.")] = None,
) -> None:
    """Write a catalogue in another form."""
    from stmgpu.catalog import write_catalog

    check_outputs(None, False, target)
    objects = _read(catalog)
    write_catalog(objects, target, form)
    typer.echo(f"{len(objects)} objects written to {target}, {len(objects.rejected)} rejected")


@catalog_app.command()
def synthesize(
    target: Annotated[Path, typer.Argument(help="File to write; its ending names the form.")],
    objects: Annotated[int, typer.Option(help="Number of objects.")] = 27_000,
    seed: Annotated[int, typer.Option(help="Seed; the same seed gives the same catalogue.")] = 0,
    epoch: Annotated[str, typer.Option(help="Newest possible epoch, UTC.")] = "2025-01-01T00:00:00",
    form: Annotated[str | None, typer.Option("--format", help="tle, 3le, csv, json, xml or kvn.")] = None,
) -> None:
    """Make a catalogue with the proportions of the real one."""
    from stmgpu.catalog import synthetic_catalog, write_catalog

    check_outputs(None, False, target)
    write_catalog(synthetic_catalog(objects, seed=seed, epoch=epoch), target, form)
    typer.echo(f"{objects} objects written to {target}")


def _read(path: Path, shown: int = _SHOWN_REJECTIONS) -> Catalog:
    from stmgpu.catalog import read_catalog

    if str(path) == "-":
        objects = read_catalog(sys.stdin.buffer)
    elif not path.exists():
        raise InputError(f"there is no file {str(path)!r}; give a catalogue, or - for standard input")
    elif path.is_dir():
        raise InputError(f"{str(path)!r} is a folder; give a catalogue file (TLE, 3LE or OMM)")
    else:
        objects = read_catalog(path)
    _note(f"catalogue {objects.source}: {len(objects)} objects, {len(objects.rejected)} rejected")
    for rejection in objects.rejected[:shown]:
        _say(f"rejected: {rejection}")
    if len(objects.rejected) > shown > 0:
        _say(f"and {len(objects.rejected) - shown} more rejected; `stmgpu catalog summary --rejected` lists all")
    return objects


def _backend(backend: BackendName, threads: int | None) -> str:
    """The backend that will run; says so where nothing better than the reference is there."""
    from stmgpu.backend import get_backend
    from stmgpu.backend.cpu import CpuBackend

    chosen = get_backend(backend.value, threads)
    _note(f"backend {chosen.name}: {chosen.device}")
    if backend is BackendName.AUTO and chosen.name == "reference":
        try:
            CpuBackend(threads)
        except BackendError as error:
            if os.environ.get("STMGPU_ISA"):  # asked for by name, so not to be replaced by something slower
                raise
            _say(f"this is slow, since the cpu backend cannot be used: {error}")
    return chosen.name


def _screen(objects: Catalog, start: str | None, hours: float | None, days: float | None, threshold_km: float,
            backend: BackendName, threads: int | None, step_s: float | None) -> xr.Dataset:
    from stmgpu.screen.screening import default_start
    from stmgpu.screen.screening import screen as run

    window = days * 24.0 if days is not None else 24.0 if hours is None else hours
    name = _backend(backend, threads)
    _note_window(objects, default_start(objects) if start is None else start, window, f"threshold {threshold_km:g} km")
    with log.progress("screening", window, "h") as report:
        return run(objects, start=start, hours=hours, days=days, threshold_km=threshold_km, backend=name,
                   threads=threads, step_s=step_s, progress=report)


def _note_window(objects: Catalog, start: Any, hours: float, how: str) -> None:
    """Say what is about to be computed, and warn where the elements are too old or too new for it."""
    import numpy as np

    from stmgpu.time import as_epoch, format_utc

    begin, middle = as_epoch(start), objects.median_epoch()
    days = (begin.jd - middle.jd) + (begin.fr - middle.fr)
    if np.isfinite(hours):  # what is wrong with a window is the library's to say
        _note(f"window: {hours:g} h from {format_utc(begin)}, {how}")
    if abs(days) > _FAR_DAYS:
        _say(f"warning: the window starts {abs(days):,.0f} days {'after' if days > 0 else 'before'} the median epoch "
             f"of the elements ({format_utc(middle)}); positions from element sets are of use for a few days only")


def _deliver(found: xr.Dataset, objects: Catalog, store: Path | None, csv: Path | None, plot: Path | None,
             overwrite: bool) -> None:
    """Write and print the result; what cannot be written does not take the printed result with it."""
    from stmgpu.report.text import failing_lines, print_result
    from stmgpu.screen.conjunctions import write_csv
    from stmgpu.store import write_dataset

    try:
        if store is not None:
            write_dataset(found, store, "conjunctions", overwrite)
        if csv is not None:
            write_csv(found, csv)
        if plot is not None:
            with _quiet_fonts():
                from stmgpu.report.plots import plot_screening

                plot_screening(found, objects, plot)
    except (StmgpuError, OSError):
        print_result(found)
        raise
    for line in failing_lines(found):
        _say(line)
    if found.sizes["failed"] and store is None:
        _note("a store (--out) holds each failing object with the time of its first failure")
    print_result(found)
    if written := [str(p) for p in (store, csv, plot) if p is not None]:
        typer.echo(f"written: {', '.join(written)}")
    if not json.loads(found.attrs["certificate"])["complete"]:
        raise StmgpuError("the certificate does not hold: a pair moved more than its proven bound, so conjunctions may "
                          "be missing; please report it with the catalogue and the command")


@contextlib.contextmanager
def _quiet_fonts() -> Iterator[None]:
    """Matplotlib lists the machine's fonts on its first run and says so in the log; nobody asked."""
    logger = logging.getLogger("matplotlib")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _say(text: str) -> None:
    typer.echo(text, err=True)


def _note(text: str) -> None:
    """Say what goes on, unless --quiet was asked for."""
    if _LOG.isEnabledFor(logging.INFO):
        _say(text)


def _terminated(signum: int, frame: object) -> None:
    """A batch system ends a job with SIGTERM: leave by the way that removes what is half written."""
    raise SystemExit(143)


def _fail(error: object, code: int) -> None:
    _say(f"stmgpu: {error}")
    raise typer.Exit(code)


if __name__ == "__main__":
    app(prog_name="stmgpu")
