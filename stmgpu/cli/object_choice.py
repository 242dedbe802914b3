"""Options that choose objects: ``--primaries``, ``--ids`` and ``--name``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stmgpu.choices import OperationMode
from stmgpu.cli.common import ReadLimits, size_limits
from stmgpu.compression import Limits
from stmgpu.errors import CatalogError, InputError
from stmgpu.files import exists, read_content

if TYPE_CHECKING:
    from stmgpu.catalog import Catalog
    from stmgpu.catalog.ids import IdChoice
    from stmgpu.typing import Ints

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


def primaries_of(text: str | None, max_size_gib: float | None = None) -> IdChoice | None:
    """Choice of the primaries: the ids of the text itself, or of the file that it names, which has a largest size.

    Raises
    ------
    InputError
        If it is neither, or the file contains no objects.
    """
    if text is None:
        return None
    from stmgpu.catalog.ids import IdChoice

    if _IDS.fullmatch(text):
        return IdChoice.parse(text)
    path = Path(text)
    if not exists(path):
        raise InputError(
            f"--primaries {text[:60]!r} is neither a file nor a list of NORAD ids; write ids such as 25544,40000-40010"
        )
    return _listed(path) or IdChoice(_ids_of_objects(path, size_limits(max_size_gib)))


def _listed(path: Path) -> IdChoice | None:
    """Ids of a file that contains nothing else; None for other files."""
    from stmgpu.catalog.ids import IdChoice

    try:
        return IdChoice.parse(read_content(path, kind="list of ids", limits=Limits(_LARGEST_LIST)).data.decode())
    except (UnicodeDecodeError, InputError):
        return None


def _ids_of_objects(path: Path, limits: ReadLimits) -> tuple[int, ...]:
    from stmgpu.catalog import read_catalog
    from stmgpu.store import read_ephemeris

    if path.is_dir():
        ids = read_ephemeris(path).norad_id
    else:
        try:
            ids = read_catalog(path, **limits).norad_id
        except CatalogError as no_catalog:
            ids = _ids_of_trajectories(path, limits, no_catalog)
    if len(ids) == 0:
        raise InputError(f"{path} contains no objects; --primaries needs one")
    return tuple(ids.tolist())


def _ids_of_trajectories(path: Path, limits: ReadLimits, no_catalog: CatalogError) -> Ints:
    from stmgpu.catalog.trajectories import SYNTHETIC_ID
    from stmgpu.catalog.trajectories.files import read_trajectories

    try:
        ids = read_trajectories(path, covariances=False, on_note=lambda text: None, **limits).norad_id
    except InputError:
        raise no_catalog from None
    if (ids >= SYNTHETIC_ID).any():
        raise InputError(f"{path} does not state the NORAD id of each object; give --primaries the ids themselves")
    return ids


def chosen(objects: Catalog, ids: str | None, name: str | None) -> Catalog:
    """Objects of a catalogue that match both options, in its order.

    Raises
    ------
    InputError
        If an id is not in the catalogue, or no name matches.
    """
    if ids is not None:
        import numpy as np

        from stmgpu.catalog.ids import IdChoice

        objects = objects[np.isin(objects.norad_id, IdChoice.parse(ids).among(objects.norad_id))]
    return objects if name is None else objects.sel(name=name)
