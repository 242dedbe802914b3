"""Parts that commands share: options, reading of catalogues, messages, the request to stop."""

from __future__ import annotations

import logging
import math
import os
import sys
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, TypedDict

import typer

from stmgpu import log
from stmgpu.choices import BackendName, ElementSets
from stmgpu.errors import BackendError, InputError, UncertainIdentityWarning, counted, printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stmgpu.catalog import Catalog, Satcat
    from stmgpu.window import Window

SHOWN_REJECTIONS = 20
_SHOWN_OF_SATCAT = 5

_LONGEST = 10_000
"""Longest message [characters]."""

_LARGEST_GIB = 1024

_LOG = logging.getLogger("stmgpu.cli")
_stop: list[int] = []


CatalogFile = Annotated[
    Path,
    typer.Argument(
        help="TLE, 3LE, or OMM in CSV, JSON, XML or KVN, also packed (gzip, bzip2, xz, zip); - reads standard input."
    ),
]
OptionalCatalog = Annotated[
    Path | None,
    typer.Argument(
        metavar="CATALOG",
        help="TLE, 3LE, or OMM in CSV, JSON, XML or KVN, also packed (gzip, bzip2, xz, zip); - reads standard input.",
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
    BackendName, typer.Option(help="Backend; auto selects the first of cuda, cpu and reference that works.")
]
SatcatFile = Annotated[
    Path | None,
    typer.Option(
        "--satcat",
        help="SATCAT of CelesTrak or Space-Track, CSV or JSON: type, status, owner and decay date of the objects.",
    ),
]
Lenient = Annotated[
    bool,
    typer.Option("--lenient", help="Mend harmless breaches of the catalogue's format, each with a note."),
]
MaxSizeGib = Annotated[
    float | None,
    typer.Option(
        help="Largest size in GiB of a file that is read, also unpacked. Default: 1 (0.5 for ephemerides), and at most "
        "200 times the size of the packed file.",
    ),
]
Sets = Annotated[
    ElementSets,
    typer.Option(
        help="Element set of an object with several: the one nearest to the middle of the window, or the newest."
    ),
]
MaxAgeDays = Annotated[
    float,
    typer.Option(help="Warn of conjunctions that stand on elements older than this many days, and of old catalogues."),
]
Threads = Annotated[
    int | None,
    typer.Option(
        min=1, help="Threads of the cpu backend (of each worker). Default: all cores, shared among the workers."
    ),
]


Policies = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.py",
        help="Python file with removal policies of your own. It runs with your rights, here and on the workers; a copy "
        "is kept in the store.",
    ),
]


class ReadLimits(TypedDict, total=False):
    """Limits that the readers of files take."""

    max_bytes: int
    max_ratio: float


def run_policies(path: Path | None) -> None:
    """Run the policy file that the user named."""
    if path is not None:
        from stmgpu.debris.policy import load_policies

        load_policies(path)


def stop_soon(signum: int, frame: object) -> None:
    """Handler of SIGUSR1: finish the current tile, then exit. It must not print: the signal may interrupt printing."""
    _stop.append(signum)


def stopping() -> bool:
    """Whether SIGUSR1 was received; logs it once."""
    if len(_stop) == 1:
        _stop.append(0)
        say("asked to stop after the current tile")
    return bool(_stop)


def check_catalog(path: Path) -> None:
    """Raise :class:`InputError` for a folder."""
    if (path / "zarr.json").exists():
        raise InputError(
            f"{str(path)!r} is a store; give a catalogue file, or screen a store of `stmgpu propagate` with --ephemeris"
        )
    if path.is_dir():
        raise InputError(f"{str(path)!r} is a folder; give a catalogue file (TLE, 3LE or OMM)")


def size_limits(max_size_gib: float | None) -> ReadLimits:
    """Limits of the readers for --max-size-gib; who raises the size trusts the file, so its ratio is not limited."""
    if max_size_gib is None:
        return {}
    if not 0.0 < max_size_gib <= _LARGEST_GIB:
        raise InputError(f"--max-size-gib is {max_size_gib:g}, allowed is more than 0 and at most {_LARGEST_GIB}")
    return {"max_bytes": int(max_size_gib * 2**30), "max_ratio": math.inf}


def read(
    path: Path,
    shown: int = SHOWN_REJECTIONS,
    *,
    satcat: Path | None = None,
    lenient: bool = False,
    max_size_gib: float | None = None,
) -> Catalog:
    """Read a catalogue, and what a SATCAT says of its objects; print the rejected records."""
    from stmgpu.catalog import read_catalog

    check_catalog(path)
    limits = size_limits(max_size_gib)
    objects = read_catalog(sys.stdin.buffer if str(path) == "-" else path, lenient=lenient, **limits)
    if satcat is not None:
        objects = objects.with_satcat(_read_satcat(satcat, limits))
    held = counted(len(objects), "object")
    note(f"catalogue {objects.source}: {held}, {objects.rejected_count} rejected{_other_sets(objects)}")
    for text in objects.notes:
        note(f"note: {text}")
    for rejection in objects.rejected[:shown]:
        say(f"rejected: {rejection}")
    if objects.rejected_count > shown > 0:
        say(f"and {objects.rejected_count - shown} more rejected; `stmgpu catalog summary --rejected` lists all")
    return objects


def _read_satcat(path: Path, limits: ReadLimits) -> Satcat:
    from stmgpu.catalog import read_satcat

    if path.is_dir():
        raise InputError(f"{str(path)!r} is a folder; give a SATCAT in CSV or JSON")
    satcat = read_satcat(path, **limits)
    note(f"SATCAT {satcat.source}: {counted(len(satcat), 'object')}, {satcat.rejected_count} rejected")
    for rejection in satcat.rejected[:_SHOWN_OF_SATCAT]:
        say(f"rejected of the SATCAT: {rejection}")
    if satcat.rejected_count > _SHOWN_OF_SATCAT:
        say(f"and {satcat.rejected_count - _SHOWN_OF_SATCAT} more rejected of the SATCAT")
    return satcat


def _other_sets(objects: Catalog) -> str:
    if objects.all_sets is None:
        return ""
    several = len(objects.all_sets) - objects.sets_not_used
    have = counted(several, "object", verb="have")
    return f"; {have} several element sets, {len(objects.all_sets)} in all"


def note_sets(objects: Catalog) -> None:
    """Log how many element sets are not used, and the rule that chose among them."""
    if count := objects.sets_not_used:
        note(
            f"{counted(count, 'element set', verb='are')} not used: of an object with several, "
            + ("the newest is taken" if objects.sets in ("", "newest") else f"the one {objects.sets} is taken")
        )


def checked_window(start: str | None, hours: float | None, days: float | None) -> Window:
    """Window of the arguments, for checks before a catalogue is read; it starts at J2000 if there is no start.

    Raises
    ------
    InputError
        If an argument is impossible.
    """
    from stmgpu.window import Window

    window = Window.of("2000-01-01" if start is None else start, hours, days)
    _ = window.start.datetime64  # InputError outside its years
    return window


def backend_name(backend: BackendName, threads: int | None) -> BackendName:
    """Name of the backend that will run; warns if only the slow reference backend works."""
    from stmgpu.backend import choose
    from stmgpu.backend.cpu import CpuBackend

    chosen = choose(backend, threads)
    note(f"backend {chosen.name}: {chosen.device}")
    if backend == "auto" and not chosen.runs_kernels:
        try:
            CpuBackend(threads)
        except BackendError as error:
            if os.environ.get("STMGPU_ISA"):  # asked for by name, so not to be replaced by something slower
                raise
            say(f"this is slow, since the cpu backend cannot be used: {error}")
    return chosen.name


def note_window(objects: Catalog | None, window: Window, settings: str, max_age_days: float) -> None:
    """Log the window and settings, and warn if the elements are too old or too new for it."""
    from stmgpu.propagate.element_ages import ages_text
    from stmgpu.time import format_utc

    note(f"window: {window.hours:g} h from {format_utc(window.start)}, {settings}")
    if objects is not None and (text := ages_text(objects, window, max_age_days)):
        say(f"warning: {text}; positions from element sets are of use for a few days only")


@contextmanager
def warnings_said() -> Iterator[None]:
    """Print warnings of the library as messages."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UncertainIdentityWarning)
        yield
    for warning in caught:
        say(f"warning: {warning.message}")


def say(text: str) -> None:
    """Print a message, also with --quiet."""
    if log.is_json():
        _LOG.warning("%s", text)
    else:
        typer.echo(printable(text, _LONGEST), err=True)


def note(text: str) -> None:
    """Print a message, unless with --quiet."""
    if log.is_json():
        _LOG.info("%s", text)
    elif _LOG.isEnabledFor(logging.INFO):
        typer.echo(printable(text, _LONGEST), err=True)


def fail(error: object, code: int) -> NoReturn:
    """Print an error and exit."""
    if log.is_json():
        _LOG.error("%s", error)
    else:
        typer.echo(f"stmgpu: {printable(str(error))}", err=True)
    raise typer.Exit(code)
