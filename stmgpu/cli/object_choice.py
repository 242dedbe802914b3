"""Options that choose objects: ``--primaries``, ``--ids`` and ``--name``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stmgpu.catalog.ids import IdChoice
from stmgpu.choices import OperationMode
from stmgpu.errors import InputError, StmgpuError

if TYPE_CHECKING:
    from stmgpu.catalog import Catalog

Primaries = Annotated[
    str | None,
    typer.Option(
        metavar="FILE|IDS",
        help="Screen only pairs with one of these objects: NORAD ids and ranges such as 25544,40000-40010, a file of "
        "them, or a catalogue or an ephemeris that contains the objects.",
    ),
]
Ids = Annotated[
    str | None,
    typer.Option(metavar="IDS", help="Take only these objects: NORAD ids and ranges such as 25544,40000-40010."),
]
Name = Annotated[
    str | None,
    typer.Option(metavar="PATTERN", help="Take only objects whose name matches, in any case, such as 'STARLINK*'."),
]
Mode = Annotated[
    OperationMode, typer.Option(help="Operation mode of SGP4: i (improved) or a (as the AFSPC code does).")
]

_IDS = re.compile(r"[\d\s,;-]+", re.ASCII)
_LARGEST_LIST = 16 << 20
"""Largest file of ids [bytes]."""


def primaries_of(text: str | None) -> IdChoice | None:
    """Choice of the primaries: the ids of the text itself, or of the file that it names.

    Raises
    ------
    InputError
        If it is neither, or the file contains no objects.
    """
    if text is None:
        return None
    if _IDS.fullmatch(text):
        return IdChoice.parse(text)
    path = Path(text)
    if not path.exists():
        raise InputError(
            f"--primaries {text[:60]!r} is neither a file nor a list of NORAD ids; write ids such as 25544,40000-40010"
        )
    return _listed(path) or IdChoice(tuple(_ids_of_objects(path)))


def _listed(path: Path) -> IdChoice | None:
    """Ids of a file that contains nothing else; None for other files."""
    if path.is_dir() or path.stat().st_size > _LARGEST_LIST:
        return None
    try:
        return IdChoice.parse(path.read_text(encoding="utf-8-sig"))
    except (UnicodeDecodeError, InputError):
        return None


def _ids_of_objects(path: Path) -> list[int]:
    from stmgpu.catalog import read_catalog
    from stmgpu.store import read_ephemeris

    try:
        ids = read_ephemeris(path).norad_id if path.is_dir() else read_catalog(path).norad_id
    except StmgpuError as no_catalog:
        try:
            ids = read_ephemeris(path).norad_id
        except StmgpuError:
            raise no_catalog from None
    if len(ids) == 0:
        raise InputError(f"{path} contains no objects; --primaries needs one")
    return [int(k) for k in ids]


def chosen(objects: Catalog, ids: str | None, name: str | None) -> Catalog:
    """Objects of a catalogue that match both options, in its order.

    Raises
    ------
    InputError
        If an id is not in the catalogue, or no name matches.
    """
    if ids is not None:
        wanted = IdChoice.parse(ids).among(objects.norad_id)
        objects = objects[[int(k) in set(wanted.tolist()) for k in objects.norad_id]]
    return objects if name is None else objects.sel(name=name)
