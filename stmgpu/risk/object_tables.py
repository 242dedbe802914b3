"""A user's table of objects as CSV: hard-body radii with their uncertainty, masses, owners; or a SATCAT's RCS."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.catalog.ccsds.omm_tables import bounded_lines
from stmgpu.catalog.limits import MAX_NORAD_ID
from stmgpu.catalog.radar_sizes import (
    CROSS_SECTION_SOURCE,
    SIZE_CLASS_RADIUS_M,
    SIZE_CLASS_SOURCE,
    radius_of_rcs,
)
from stmgpu.compression import Limits
from stmgpu.csv_cells import unprotected
from stmgpu.errors import InputError, counted
from stmgpu.files import Source, read_content
from stmgpu.messages.cdm.message import number_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from stmgpu.files import Content
    from stmgpu.typing import Bools, Floats, Ints, Strings

MAX_BYTES = 64 << 20
"""Largest table that is read [bytes]."""

LARGEST_M = 1_000.0
"""Largest radius of one object [m]; the largest one at NASA CARA is 250 m."""

_LARGEST_KG = 1e7
_NUMBERS = {"radius_m": LARGEST_M, "sigma_m": LARGEST_M, "mass_kg": _LARGEST_KG}
_TEXTS = ("name", "object_type", "status", "owner", "source")
COLUMNS = ("norad_id", *_NUMBERS, *_TEXTS)
"""Columns of a table; norad_id and radius_m must be there."""

_LONGEST = 100  # of a text [characters]
_OF_SATCAT = {"NORAD_CAT_ID": "norad_id", "RCS": "rcs", "RCS_SIZE": "rcs_size"}
"""Columns of a SATCAT that count: CelesTrak's and Space-Track's."""


@dataclass(frozen=True, eq=False)
class ObjectTable:
    """What a table says of n objects, in the order of their ids.

    Attributes
    ----------
    norad_id : int64, shape (n,)
        Catalogue numbers, each once.
    radius_m, sigma_m, mass_kg : float64, shape (n,)
        Radius, its standard deviation [m] and mass [kg]; NaN where the cell is empty, `sigma_m` 0.
    name, object_type, status, owner, source : str, shape (n,)
        Texts of the table, '' where empty; `source` is the name of the file there.
    citations : mapping of str to str
        The published source of radii that follow from something else, by the text of `source`.
    """

    norad_id: Ints
    radius_m: Floats
    sigma_m: Floats
    mass_kg: Floats
    name: Strings
    object_type: Strings
    status: Strings
    owner: Strings
    source: Strings
    citations: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.norad_id)

    def find(self, norad_id: Ints) -> tuple[Ints, Bools]:
        """Rows of objects, and whether the table has them."""
        rows = np.minimum(np.searchsorted(self.norad_id, norad_id), len(self) - 1)
        return rows, self.norad_id[rows] == norad_id


def read_object_table(source: Source) -> ObjectTable:
    """Read a table of objects.

    Parameters
    ----------
    source : path, bytes or file-like
        CSV with a header: `norad_id` and `radius_m`, and any of the other `COLUMNS`. Or a SATCAT as CSV, with
        NORAD_CAT_ID: its radii follow from RCS, and from RCS_SIZE where that is empty or 0
        (:mod:`stmgpu.catalog.radar_sizes`), and their source says so.

    Raises
    ------
    InputError
        If the table cannot be read, a column is missing, unknown or given twice, or a row is wrong.

    Examples
    --------
    >>> table = read_object_table(b"norad_id,radius_m,sigma_m\\n25544,55,2\\n5,0.5,\\n")
    >>> table.norad_id, table.radius_m, table.sigma_m
    (array([    5, 25544]), array([ 0.5, 55. ]), array([0., 2.]))
    """
    content = read_content(source, kind="table of objects", limits=Limits(MAX_BYTES))
    kept: set[str] = set()

    def header_of(cells: list[str]) -> list[str]:
        kept.update(cell.upper() for cell in cells)
        return _satcat_header(cells) if "NORAD_CAT_ID" in kept else _header(cells)

    def check(fields: Mapping[str, str]) -> None:
        (_check_satcat if "NORAD_CAT_ID" in kept else _check)(fields)

    rows = rows_by_object(content, header_of, check)
    if not rows:
        raise InputError(f"{content.name!r} has no row; give a header such as norad_id,radius_m and a row an object")
    name = content.name.replace("\\", "/").rsplit("/", 1)[-1]
    if "NORAD_CAT_ID" not in kept:
        return _table(rows, name)
    by_section, by_class = f"{name}: RCS", f"{name}: RCS_SIZE"
    for fields in rows.values():
        _add_radius(fields, by_section, by_class)
    return replace(_table(rows, name), citations={by_section: CROSS_SECTION_SOURCE, by_class: SIZE_CLASS_SOURCE})


def rows_by_object(
    content: Content, header_of: Callable[[list[str]], list[str]], check: Callable[[Mapping[str, str]], None]
) -> dict[int, dict[str, str]]:
    """Rows of a CSV table with a row an object.

    Parameters
    ----------
    content : Content
        The file.
    header_of : callable
        Names of the columns from the cells of the header, with `norad_id` among them; it raises for wrong ones.
    check : callable
        Called with the cells of each row by column; it raises for wrong ones.

    Returns
    -------
    dict of int to dict
        Cells by catalogue number and column.

    Raises
    ------
    InputError
        If the file is not CSV, a row has another number of cells, or an object is given twice; with file and line.
    """
    reader = csv.reader(bounded_lines(content.data))
    rows: dict[int, dict[str, str]] = {}
    header: list[str] = []
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if not header:
                header = header_of([cell.strip() for cell in cells])
                continue
            if len(cells) != len(header):
                raise InputError(f"it has {counted(len(cells), 'cell')}, the header has {len(header)}")
            fields = dict(zip(header, (unprotected(cell).strip() for cell in cells), strict=True))
            norad_id = _id_of(fields)
            check(fields)
            if norad_id in rows:
                raise InputError(f"object {norad_id} occurs twice; give it one row")
            rows[norad_id] = fields
    except csv.Error as error:
        raise InputError(f"line {reader.line_num} of {content.name!r} is not CSV: {error}") from None
    except InputError as error:
        raise InputError(f"line {reader.line_num} of {content.name!r}: {error}") from None
    return rows


def _header(cells: list[str]) -> list[str]:
    header = [cell.lower() for cell in cells]
    for name in ("norad_id", "radius_m"):
        if name not in header:
            raise InputError(f"the header has no column {name}; allowed are {', '.join(COLUMNS)}")
    for name in header:
        if name not in COLUMNS:
            raise InputError(f"column {name[:40]!r} is unknown, allowed are {', '.join(COLUMNS)}")
        if header.count(name) > 1:
            raise InputError(f"column {name} is given twice")
    return header


def _satcat_header(cells: list[str]) -> list[str]:
    names = [cell.upper() for cell in cells]
    if not {"RCS", "RCS_SIZE"} & set(names):
        raise InputError("the SATCAT has no column RCS or RCS_SIZE, from which radii would follow")
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"column {name[:40]!r} is given twice")
    return [_OF_SATCAT.get(name, name) for name in names]


def _check_satcat(fields: Mapping[str, str]) -> None:
    cell = fields.get("rcs", "")
    largest = np.pi * LARGEST_M**2
    if cell and not 0.0 <= number_of(cell) <= largest:
        raise InputError(f"RCS is {cell[:40]!r}, allowed is a number from 0 to {largest:.3g} m2, or nothing")


def _add_radius(fields: dict[str, str], by_section: str, by_class: str) -> None:
    """Add the radius that follows from a radar cross-section, or else from its class, and what it follows from."""
    section = number_of(fields.get("rcs", ""))
    known = SIZE_CLASS_RADIUS_M.get(fields.get("rcs_size", "").upper())
    if section > 0.0:
        fields |= {"radius_m": repr(float(radius_of_rcs(section))), "source": by_section}
    elif known is not None:
        fields |= {"radius_m": repr(known), "source": by_class}


def _id_of(fields: Mapping[str, str]) -> int:
    text = fields["norad_id"]
    if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= MAX_NORAD_ID):
        raise InputError(f"norad_id is {text[:40]!r}, allowed is 1 to {MAX_NORAD_ID}")
    return int(text)


def _check(fields: Mapping[str, str]) -> None:
    for name, largest in _NUMBERS.items():
        cell = fields.get(name, "")
        if cell and not 0.0 <= number_of(cell) <= largest:
            raise InputError(f"{name} is {cell[:40]!r}, allowed is a number from 0 to {largest:g}, or nothing")
    for name in _TEXTS:
        cell = fields.get(name, "")
        if len(cell) > _LONGEST or not cell.isprintable():
            raise InputError(f"{name} is {cell[:40]!r}, allowed is printable text of at most {_LONGEST} characters")


def _table(rows: Mapping[int, Mapping[str, str]], name: str) -> ObjectTable:
    ids = sorted(rows)

    def numbers(column: str) -> Floats:
        return np.array([number_of(rows[k].get(column, "")) for k in ids])

    def texts(column: str, empty: str = "") -> Strings:
        return np.array([rows[k].get(column, "") or empty for k in ids], np.str_)

    return ObjectTable(
        norad_id=np.array(ids, np.int64),
        radius_m=numbers("radius_m"),
        sigma_m=np.nan_to_num(numbers("sigma_m"), nan=0.0),
        mass_kg=numbers("mass_kg"),
        name=texts("name"),
        object_type=texts("object_type"),
        status=texts("status"),
        owner=texts("owner"),
        source=texts("source", name),
    )
