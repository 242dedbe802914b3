"""Command that writes the conjunctions of a store as files of conjunction data messages."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from stmgpu.cli.common import say
from stmgpu.cli.results import result
from stmgpu.errors import InputError, counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    import xarray as xr

    from stmgpu.typing import Ints

Form = Literal["kvn", "xml"]
CdmFrame = Literal["EME2000", "GCRF"]
Dialect = Literal["ccsds", "tracss"]
_SUFFIXES = {"kvn": ".cdm", "xml": ".xml"}
_TOGETHER = 10_000


def write(
    store: Annotated[Path, typer.Argument(help="Store of a screening that `stmgpu assess` has assessed.")],
    folder: Annotated[
        Path, typer.Option("--dir", help="Folder for the messages, one file each; made if it is not there.")
    ],
    above: Annotated[
        float | None,
        typer.Option(
            help="Least probability of a conjunction: its Pc, or its largest probability where no method holds. "
            "Default: all."
        ),
    ] = None,
    form: Annotated[Form, typer.Option(help="Form of the files.")] = "kvn",
    frame: Annotated[CdmFrame, typer.Option(help="Frame of the states.")] = "EME2000",
    dialect: Annotated[
        Dialect,
        typer.Option(help="Fields: those of CDM 1.0 (ccsds), or also those of TraCSS, as CDM 2.0 (tracss)."),
    ] = "ccsds",
    originator: Annotated[str, typer.Option(help="ORIGINATOR of the messages.")] = "STMGPU",
    created: Annotated[
        str | None,
        typer.Option(help="CREATION_DATE, UTC, such as 2024-07-05T12:00:00. Default: when the assessment ended."),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace files of the same names that hold something else.")
    ] = False,
) -> None:
    """Write conjunctions of a store as messages: states, covariances, radii and probabilities.

    A file has the name of its conjunction, from objects and TCA: the same store gives the
    same files. A covariance that is only a model has COVARIANCE_METHOD DEFAULT, and a
    comment names it.
    """
    from stmgpu.store import open_dataset
    from stmgpu.store.messages import names_of, writable
    from stmgpu.time import parse_utc

    if not (originator.isprintable() and originator.strip()):
        raise InputError(f"--originator is {originator[:40]!r}, allowed is printable text")
    if folder.exists() and not folder.is_dir():
        raise InputError(f"cannot write into {folder}: it is a file; give a folder with --dir")
    conjunctions = open_dataset(store, "conjunctions")
    rows = writable(conjunctions, above)
    lost = 0 if above is not None else conjunctions.sizes["conjunction"] - len(rows)
    options: dict[str, Any] = {"frame": frame, "originator": originator.strip(), "dialect": dialect}
    options["created"] = None if created is None else parse_utc(created).datetime64
    paths = [folder / (name + _SUFFIXES[form]) for name in names_of(conjunctions.isel(conjunction=rows))]
    known = [k for k, path in enumerate(paths) if path.exists() and not overwrite]
    _check(known, paths, _contents(conjunctions, rows[known], form, options))
    new = sorted(set(range(len(rows))) - set(known))
    folder.mkdir(exist_ok=True)
    for k, content in zip(new, _contents(conjunctions, rows[new], form, options), strict=True):
        _replace(paths[k], content)
    if lost:
        say(f"{counted(lost, 'conjunction')} without covariances left out")
    text = f"{counted(len(rows), 'message')} in {folder}" + (f", {len(known)} of them before" if known else "")
    document = {"messages": len(rows), "written": len(new), "without_covariance": lost, "folder": folder}
    result(document, text)


def _contents(conjunctions: xr.Dataset, rows: Ints, form: Form, options: dict[str, Any]) -> Iterator[bytes]:
    """Files of the messages of some rows, a part at a time."""
    from stmgpu.messages.cdm import format_cdm
    from stmgpu.store import messages_of

    for begin in range(0, len(rows), _TOGETHER):
        some = conjunctions.isel(conjunction=rows[begin : begin + _TOGETHER])
        for message in messages_of(some, **options):
            yield format_cdm(message, form)


def _check(known: list[int], paths: list[Path], contents: Iterator[bytes]) -> None:
    """Refuse files that hold something else than would be written, before anything is written."""
    different = [paths[k] for k, content in zip(known, contents, strict=True) if not _holds(paths[k], content)]
    if different:
        more = f" and {counted(len(different) - 1, 'more file')}" if len(different) > 1 else ""
        verb = "hold" if more else "holds"
        raise InputError(
            f"{different[0]}{more} {verb} something else than would be written; use --overwrite to replace, or another "
            "--dir"
        )


def _holds(path: Path, content: bytes) -> bool:
    try:
        return path.is_file() and path.stat().st_size == len(content) and path.read_bytes() == content
    except OSError as error:
        raise InputError(f"{path} cannot be compared with what would be written: {error.strerror}") from None


def _replace(path: Path, content: bytes) -> None:
    from stmgpu.files import writing

    with writing(path) as file:
        file.write(content)
