"""What the commands share: options, reading a catalogue, messages, the request to stop."""

from __future__ import annotations

import logging
import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from stmgpu import log
from stmgpu.backend import BackendName
from stmgpu.errors import BackendError, InputError

if TYPE_CHECKING:
    from stmgpu.catalog import Catalog
    from stmgpu.catalog.trajectories.trajectories import Trajectories

SHOWN_REJECTIONS = 20
STOPPED = 75
"""Exit code of a run that was asked to stop (EX_TEMPFAIL of sysexits.h): the same command goes on with it."""

_FAR_DAYS = 14.0
"""Days from the median epoch beyond which the command line warns; element sets are good for a few."""

_LOG = logging.getLogger("stmgpu.cli")
_stop: list[int] = []


class ExecutorName(StrEnum):
    """Ways to compute the tiles of a run."""

    SERIAL = "serial"
    DASK = "dask"
    SLURM_ARRAY = "slurm-array"


_RUN, _CLUSTER = "Running", "Dask cluster"

CatalogFile = Annotated[
    Path, typer.Argument(help="TLE, 3LE, or OMM in CSV, JSON, XML or KVN, plain or gzipped; - reads standard input.")
]
OptionalCatalog = Annotated[
    Path | None,
    typer.Argument(
        metavar="CATALOG", help="TLE, 3LE, or OMM in CSV, JSON, XML or KVN, plain or gzipped; - reads standard input."
    ),
]
Ephemeris = Annotated[
    list[Path] | None,
    typer.Option(
        help="Trajectories to screen against the catalogue and each "
        "other: OEM files (KVN or XML), or a store of `stmgpu propagate`. May be repeated."
    ),
]
Start = Annotated[
    str | None,
    typer.Option(
        help="Start, UTC, such as 2024-07-05T12:00:00. Default: the catalogue's median epoch rounded up to the hour."
    ),
]
Hours = Annotated[float | None, typer.Option(help="Length of the window in hours. Default: 24.")]
Days = Annotated[float | None, typer.Option(help="Length of the window in days, instead of --hours.")]
Backend = Annotated[
    BackendName, typer.Option(help="Where to compute; auto takes cuda, cpu or reference, the first that works.")
]
Threads = Annotated[
    int | None,
    typer.Option(
        min=1, help="Threads of the cpu backend (of each worker). Default: all cores, shared among the workers."
    ),
]
Executor = Annotated[ExecutorName, typer.Option(rich_help_panel=_RUN, help="Who computes the tiles of the store.")]
Task = Annotated[
    str | None,
    typer.Option(
        metavar="I/N",
        rich_help_panel=_RUN,
        help="Share of the tiles for slurm-array, counted from 0. Default: from SLURM_ARRAY_TASK_ID.",
    ),
]
TileHours = Annotated[
    float | None, typer.Option(rich_help_panel=_RUN, help="Length of a tile in hours. Default: by the work in it.")
]
ChunkObjects = Annotated[
    int | None,
    typer.Option(
        min=1,
        rich_help_panel=_RUN,
        help="Cut the catalogue into chunks of "
        "at most this many objects. Default: only where it does not fit a worker's memory.",
    ),
]
DryRun = Annotated[
    bool,
    typer.Option("--dry-run", rich_help_panel=_RUN, help="Say what would be done and what it needs; write nothing."),
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", rich_help_panel=_RUN, help="Replace a store that is already there.")
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume",
        rich_help_panel=_RUN,
        help="Go on with the store at --out; fail if "
        "there is none. Without it a store of the same command is gone on with too.",
    ),
]
Append = Annotated[
    bool,
    typer.Option(
        "--append",
        rich_help_panel=_RUN,
        help="Lengthen the window of the store at --out; only what is new is computed.",
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        min=1, rich_help_panel=_CLUSTER, help="Local workers. Default: one for each GPU or core, as far as memory goes."
    ),
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        rich_help_panel=_CLUSTER,
        help="An existing scheduler (tls://host:port or tcp://host:port), or slurm: the ranks of this srun step.",
    ),
]
TlsCa = Annotated[Path | None, typer.Option(rich_help_panel=_CLUSTER, help="Certificate authority, PEM file.")]
TlsCert = Annotated[Path | None, typer.Option(rich_help_panel=_CLUSTER, help="Own certificate, PEM file.")]
TlsKey = Annotated[Path | None, typer.Option(rich_help_panel=_CLUSTER, help="Key of the certificate, PEM file.")]


def stop_soon(signum: int, frame: object) -> None:
    """SIGUSR1: finish the tile at hand, then leave. Nothing is printed here: the signal may have come amid printing."""
    _stop.append(signum)


def stopping() -> bool:
    """Whether SIGUSR1 has come; says so once."""
    if len(_stop) == 1:
        _stop.append(0)
        say("asked to stop: the tile at hand is done, the run ends; the same command goes on with it")
    return bool(_stop)


def task_of(text: str | None) -> tuple[int, int] | None:
    """(i, n) of 'i/n'."""
    if text is None:
        return None
    parts = text.split("/")
    if len(parts) != 2 or not all(p.isdecimal() and len(p) < 10 for p in parts) or not int(parts[0]) < int(parts[1]):
        raise InputError(f"--task {text!r} is no share; give i/n with i from 0 to n - 1, such as 0/4")
    return int(parts[0]), int(parts[1])


def read(path: Path, shown: int = SHOWN_REJECTIONS) -> Catalog:
    """Read a catalogue and say what was rejected."""
    from stmgpu.catalog import read_catalog

    if str(path) == "-":
        objects = read_catalog(sys.stdin.buffer)
    elif not path.exists():
        raise InputError(f"there is no file {str(path)!r}; give a catalogue, or - for standard input")
    elif path.is_dir():
        raise InputError(f"{str(path)!r} is a folder; give a catalogue file (TLE, 3LE or OMM)")
    else:
        objects = read_catalog(path)
    note(f"catalogue {objects.source}: {len(objects)} objects, {len(objects.rejected)} rejected")
    for rejection in objects.rejected[:shown]:
        say(f"rejected: {rejection}")
    if len(objects.rejected) > shown > 0:
        say(f"and {len(objects.rejected) - shown} more rejected; `stmgpu catalog summary --rejected` lists all")
    return objects


def read_ephemerides(
    paths: list[Path] | None, catalog: Catalog | None, start: Any, hours: float
) -> Trajectories | None:
    """Read trajectories; objects of an OEM get the NORAD id that the catalogue has for their designator."""
    if not paths:
        return None
    from stmgpu.catalog.ccsds.oem import read_oem
    from stmgpu.catalog.trajectories import SYNTHETIC_ID, Trajectories
    from stmgpu.store import read_ephemeris

    known = {} if catalog is None else dict(zip(catalog.object_id.tolist(), catalog.norad_id.tolist(), strict=True))
    known.pop("", None)
    found: list[Trajectories] = []
    for path in paths:
        if not path.exists():
            raise InputError(f"there is no file {str(path)!r}; give an OEM file or an ephemeris store")
        if path.is_dir():
            window = (None, None) if start is None else (start, hours * 3600.0)
            found.append(read_ephemeris(path, *window))
        else:
            found.append(read_oem(path, norad_ids=known, first_id=SYNTHETIC_ID + sum(map(len, found))))
        note(f"ephemeris {path}: {len(found[-1])} objects, {len(found[-1].time_ns)} states")
    return Trajectories.concatenate(found)


def backend_name(backend: BackendName, threads: int | None) -> str:
    """The backend that will run; says so where nothing better than the reference is there."""
    from stmgpu.backend import get_backend
    from stmgpu.backend.cpu import CpuBackend

    chosen = get_backend(backend, threads)
    note(f"backend {chosen.name}: {chosen.device}")
    if backend == "auto" and not chosen.runs_kernels:
        try:
            CpuBackend(threads)
        except BackendError as error:
            if os.environ.get("STMGPU_ISA"):  # asked for by name, so not to be replaced by something slower
                raise
            say(f"this is slow, since the cpu backend cannot be used: {error}")
    return chosen.name


def note_window(objects: Catalog | None, start: Any, hours: float, how: str) -> None:
    """Say what is about to be computed, and warn where the elements are too old or too new for it."""
    import numpy as np

    from stmgpu.time import as_epoch, format_utc

    begin = as_epoch(start)
    if np.isfinite(hours):  # what is wrong with a window is the library's to say
        note(f"window: {hours:g} h from {format_utc(begin)}, {how}")
    if objects is None:
        return
    middle = objects.median_epoch()
    days = (begin.jd - middle.jd) + (begin.fr - middle.fr)
    if abs(days) > _FAR_DAYS:
        say(
            f"warning: the window starts {abs(days):,.0f} days {'after' if days > 0 else 'before'} the median epoch "
            f"of the elements ({format_utc(middle)}); positions from element sets are of use for a few days only"
        )


def say(text: str) -> None:
    """A message that is always shown."""
    if log.is_json():
        _LOG.warning("%s", text)
    else:
        typer.echo(text, err=True)


def note(text: str) -> None:
    """Say what goes on, unless --quiet was asked for."""
    if log.is_json():
        _LOG.info("%s", text)
    elif _LOG.isEnabledFor(logging.INFO):
        typer.echo(text, err=True)


def fail(error: object, code: int) -> NoReturn:
    """Say what went wrong and leave."""
    if log.is_json():
        _LOG.error("%s", error)
    else:
        typer.echo(f"stmgpu: {error}", err=True)
    raise typer.Exit(code)
