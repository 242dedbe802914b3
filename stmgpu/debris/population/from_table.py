"""Populations from a CSV file of elements, masses and sizes."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from stmgpu.constants import EARTH
from stmgpu.debris.formats.csv_tables import Table, read_csv, year_of_text
from stmgpu.debris.population.assembly import assemble
from stmgpu.debris.population.missions import MISSION_YEARS
from stmgpu.debris.population.population import CONSTELLATION_NAMES, FIRST_OTHER_CONSTELLATION, Kind, Population
from stmgpu.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

KIND_NAMES = {
    "payload": Kind.DERELICT, "pay": Kind.DERELICT, "active payload": Kind.ACTIVE, "derelict payload": Kind.DERELICT,
    "rocket body": Kind.ROCKET_BODY, "r/b": Kind.ROCKET_BODY, "mission related object": Kind.MISSION_RELATED,
    "mission related": Kind.MISSION_RELATED, "explosion fragment": Kind.EXPLOSION_FRAGMENT,
    "collision fragment": Kind.COLLISION_FRAGMENT, "unattributed debris": Kind.UNATTRIBUTED,
    "debris": Kind.UNATTRIBUTED, "deb": Kind.UNATTRIBUTED, "unknown": Kind.UNATTRIBUTED, "unk": Kind.UNATTRIBUTED,
    "tba": Kind.UNATTRIBUTED, "other": Kind.UNATTRIBUTED,
}  # fmt: skip
"""Object types, in small letters with spaces for - and _; the age of a 'payload' decides whether it is active."""

SIZE_COLUMNS = (
    "object_type", "mass_kg", "radius_m", "area_to_mass", "length_m", "launch_date", "mission_end", "active",
    "constellation", "owner",
)  # fmt: skip
"""Columns that describe objects, in tables of populations and of sizes."""

NEVER = "never"
"""Date of an explosion that does not come."""

_ORBITS = (("a_km", "ecc"), ("perigee_km", "apogee_km"))
_ANGLES = {"raan_deg": "raan_rad", "argp_deg": "argp_rad", "mean_anomaly_deg": "mean_rad"}

STATE_COLUMNS = ("controlled", "ballistic_m2_kg", "explodes", "avoidance", "breakup", "born", "filled")
"""Columns of tables of populations that say what an object was in another study; files that users write lack them."""


def read_table(
    path: str | Path, rng: np.random.Generator, *, year: float | None = None, mission_years: float = MISSION_YEARS
) -> Population:
    """Read a population from a CSV file with named columns.

    Parameters
    ----------
    path : str or Path
        CSV: ``inc_deg``, ``object_type`` and either ``a_km`` and ``ecc`` or ``perigee_km`` and ``apogee_km`` (heights
        above 6,378.137 km) of Brouwer's mean orbit; besides, in any order, ``raan_deg``, ``argp_deg``,
        ``mean_anomaly_deg`` (drawn where the column is not there), ``norad_id``, ``weight``, `SIZE_COLUMNS` and
        `STATE_COLUMNS`. Empty cells and zeros of masses and sizes are filled in by class. A comment ``# epoch =
        2025-01-01`` before the header states the epoch.
    rng : Generator
        Random numbers.
    year : float, optional
        Epoch, decimal year, instead of the comment.
    mission_years : float
        Life of payloads whose ``mission_end`` is not stated.

    Returns
    -------
    Population

    Raises
    ------
    InputError
        a missing file, one that is no such table, or an invalid cell; the message names the line.
    """
    known = {
        *SIZE_COLUMNS,
        *STATE_COLUMNS,
        *_ANGLES,
        *(name for pair in _ORBITS for name in pair),
        "norad_id",
        "weight",
    }
    table = read_csv(path, ("inc_deg", "object_type"), known)
    epoch = year if year is not None else year_of_text(table.epoch)
    if epoch is None:
        raise InputError(
            f"{table.path}: no epoch is known; give year in [population], or a comment line like "
            "# epoch = 2025-01-01 before the header"
        )
    given = [pair for pair in _ORBITS if any(name in table.cells for name in pair)]
    if len(given) != 1 or not all(name in table.cells for name in given[0]):
        raise InputError(f"{table.path}: orbits need either the columns a_km and ecc, or perigee_km and apogee_km")
    first, second = (table.numbers(name) for name in given[0])
    if given[0] == _ORBITS[0]:
        a_km, ecc = first, second
    else:
        upside_down = np.flatnonzero(first > second)
        if len(upside_down):
            raise table.fail(int(upside_down[0]), "perigee_km", "it must not be above apogee_km")
        a_km = EARTH.radius_km + 0.5 * (first + second)
        ecc = np.where(second > first, 0.5 * (second - first) / a_km, 0.0)
    columns: dict[str, NDArray[Any]] = {"a_km": a_km, "ecc": ecc, "inc_rad": np.radians(table.numbers("inc_deg"))}
    columns |= {target: np.radians(table.numbers(name)) for name, target in _ANGLES.items() if name in table.cells}
    if "norad_id" in table.cells:
        columns["norad_id"] = table.integers("norad_id", empty=0)
    if "weight" in table.cells:
        columns["weight"] = table.numbers("weight")
    descriptions, notes = size_columns(table)
    return assemble(
        epoch,
        {**columns, **descriptions, **_state_columns(table)},
        rng,
        table.path.name,
        mission_years=mission_years,
        notes=notes,
        constellation_names=tuple(_other_constellations(table.cells.get("constellation", []))),
        row_name=table.where,
    )


def size_columns(table: Table) -> tuple[dict[str, NDArray[Any]], tuple[str, ...]]:
    """Descriptions of objects in a table (`SIZE_COLUMNS`) as columns for :func:`assemble`, and notes."""
    columns: dict[str, NDArray[Any]] = {}
    notes = []
    cells = table.cells
    if "object_type" in cells:
        columns["kind"] = kinds_of(table, "object_type")
    for name in ("mass_kg", "radius_m", "area_to_mass", "length_m"):
        if name in cells:
            columns[name] = table.numbers(name, empty=0.0)
            below = np.flatnonzero(columns[name] < 0.0)
            if len(below):
                raise table.fail(int(below[0]), name, "0 (not known) or more is allowed")
    for name, target in (("launch_date", "launch_year"), ("mission_end", "stated_end")):
        if name in cells:
            columns[target] = table.years(name)
    stated = np.full(len(table), -1, np.int8)
    if "object_type" in cells:
        stated[columns["kind"] == Kind.ACTIVE] = 1
        stated[[cell.lower().startswith("derelict") for cell in cells["object_type"]]] = 0
    if "active" in cells:
        flags = table.integers("active", empty=-1)
        odd = np.flatnonzero(~np.isin(flags, (-1, 0, 1)))
        if len(odd):
            raise table.fail(int(odd[0]), "active", "1, 0 or nothing is allowed")
        stated = np.where(flags >= 0, flags, stated).astype(np.int8)
    columns["stated_active"] = stated
    if "constellation" in cells:
        others = _other_constellations(cells["constellation"])
        columns["constellation"] = _constellations(cells["constellation"], others)
        if others:
            notes.append("constellations: " + ", ".join(f"{name} {k}" for name, k in others.items()))
    if "owner" in cells:
        columns["owner"] = np.array(cells["owner"], np.str_)
    return columns, tuple(notes)


def kinds_of(table: Table, column: str) -> NDArray[np.int8]:
    """Kinds from a column of object types [n]."""
    kinds = np.empty(len(table), np.int8)
    for row, cell in enumerate(table.cells[column]):
        kind = KIND_NAMES.get(cell.lower().replace("-", " ").replace("_", " "))
        if kind is None:
            raise table.fail(row, column, f"known are {', '.join(KIND_NAMES)}")
        kinds[row] = kind
    return kinds


def _other_constellations(names: list[str]) -> dict[str, int]:
    """Numbers of the names of constellations that are not in `CONSTELLATION_NAMES`, in the order of the file."""
    known = {name.lower() for name in CONSTELLATION_NAMES}
    others = dict.fromkeys(name for name in names if name and name.lower() not in known)
    return {name: FIRST_OTHER_CONSTELLATION + k for k, name in enumerate(others)}


def _constellations(names: list[str], others: dict[str, int]) -> NDArray[np.int32]:
    """Number of the constellation of each row, -1 for none."""
    known = {name.lower(): k for k, name in enumerate(CONSTELLATION_NAMES)}
    return np.array([known.get(name.lower(), others.get(name, -1)) for name in names], np.int32)


def _state_columns(table: Table) -> dict[str, NDArray[Any]]:
    """Columns that say what objects were in another study (`STATE_COLUMNS`), for :func:`assemble`."""
    columns: dict[str, NDArray[Any]] = {}
    cells = table.cells
    if "controlled" in cells:
        columns["stated_control"] = _checked(table, "controlled", table.integers("controlled", empty=-1), -1, 1)
    if "ballistic_m2_kg" in cells:
        ballistic = table.numbers("ballistic_m2_kg", empty=np.nan)
        columns["ballistic_m2_kg"] = _checked(table, "ballistic_m2_kg", ballistic, np.nextafter(0.0, 1.0), np.inf)
    if "avoidance" in cells:
        columns["avoidance"] = _checked(table, "avoidance", table.numbers("avoidance", empty=1.0), 0.0, 1.0)
    if "explodes" in cells:
        never = np.array([cell.lower() == NEVER for cell in cells["explodes"]])
        dates = dataclasses.replace(
            table, cells={"explodes": ["" if n else c for n, c in zip(never, cells["explodes"], strict=True)]}
        )
        columns["explodes_year"] = np.where(never, np.inf, dates.years("explodes"))
    if "breakup" in cells:
        columns["cause"] = -np.abs(table.integers("breakup", empty=0))
    if "born" in cells:
        columns["born_year"] = table.years("born")
    if "filled" in cells:
        columns["filled"] = _checked(table, "filled", table.integers("filled", empty=0), 0, 15)
    return columns


def _checked(table: Table, column: str, values: NDArray[Any], least: float, most: float) -> NDArray[Any]:
    """Values of a column, which must lie in a range; NaN is left alone."""
    wrong = np.flatnonzero((values < least) | (values > most))
    if len(wrong):
        raise table.fail(int(wrong[0]), column, f"{max(least, 0.0):g} to {most:g} is allowed, or nothing")
    return values
