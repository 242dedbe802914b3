"""Populations from a catalogue of GP elements, joined with a table of types, masses and sizes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from stmgpu.catalog import Catalog, read_catalog
from stmgpu.catalog.orbits import semi_major_axis_km, sgp4_period_min
from stmgpu.catalog.radar_sizes import SIZE_CLASS_RADIUS_M, radius_of_rcs
from stmgpu.constants import WGS72
from stmgpu.debris.formats.csv_tables import Table, read_csv, year_of_days
from stmgpu.debris.population.assembly import assemble
from stmgpu.debris.population.from_table import KIND_NAMES, SIZE_COLUMNS, kinds_of, size_columns
from stmgpu.debris.population.missions import MISSION_YEARS
from stmgpu.debris.population.population import Kind, Population
from stmgpu.errors import InputError, counted
from stmgpu.time import YEAR_DAYS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from stmgpu.typing import Bools

_ACTIVE_STATUS = {"+", "P", "B", "S", "X"}  # operational, partly, standby, spare, extended mission
_IDLE_STATUS = {"-", "D"}  # nonoperational, decayed
_NAMES = (("STARLINK", 0), ("ONEWEB", 1), ("KUIPER", 2), ("QIANFAN", 3), ("HULIANWANG", 4), ("GUOWANG", 4))
_STAGE_FRAGMENT = re.compile(
    r"^(SL-|CZ-|DELTA|ATLAS|TITAN|TRANSTAGE|ARIANE|FREGAT|BREEZE|H-2|PSLV|THOR|ABLESTAR|AGENA|SCOUT|PEGASUS|CENTAUR|"
    r"STEP 2 R/B|FALCON|.*\bR/B\b).*\bDEB\b"
)
_SATCAT = ("NORAD_CAT_ID", "OBJECT_TYPE")


def read_gp(
    path: str | Path | Catalog,
    rng: np.random.Generator,
    *,
    sizes: str | Path | None = None,
    year: float | None = None,
    mission_years: float = MISSION_YEARS,
) -> Population:
    """Read a catalogue (TLE or OMM, see :func:`stmgpu.catalog.read_catalog`) and join it with sizes by NORAD id.

    Parameters
    ----------
    path : str, Path or Catalog
        The catalogue, or its file.
    rng : Generator
        Random numbers for values that are filled in.
    sizes : str or Path, optional
        CSV: a SATCAT of CelesTrak or Space-Track (recognised by ``NORAD_CAT_ID`` in its header), or a table with
        ``norad_id`` and any of `SIZE_COLUMNS`. The type of other objects is that of the catalogue or follows from their
        names (R/B, DEB).
    year : float, optional
        Epoch, decimal year; default the median epoch of the catalogue.
    mission_years : float
        Life of payloads.

    Returns
    -------
    Population
        SGP4's mean elements are taken as mean elements of the secular model (Brouwer's semi-major axis, WGS-72), moved
        to the common epoch by the J2 rates of node, perigee and anomaly. Fragments are unattributed.

    Raises
    ------
    InputError
        unreadable files, no object in common, or neither types nor names.

    Notes
    -----
    A radar cross-section S becomes a radius by the optical limit, r = sqrt(S / pi), not below 0.042 m; where only its
    class is given, by the radii of :mod:`stmgpu.catalog.radar_sizes`. In the Rayleigh range, below some 0.3 m, this is
    too small by up to a third. Payloads are active by the status code of the SATCAT; without one, by their age.
    """
    catalog = path if isinstance(path, Catalog) else read_catalog(Path(path))
    middle = catalog.median_epoch()
    epoch = year_of_days(middle.jd, middle.fr) if year is None else year
    known, notes = _descriptions(catalog, None if sizes is None else Path(sizes), epoch)
    columns = {**_elements(catalog, epoch), **known}
    decayed = columns.pop("decay_year", np.full(len(catalog), np.nan))
    for k in np.flatnonzero(np.isnan(decayed) & ~np.isnan(catalog.decay_jd)).tolist():
        decayed[k] = year_of_days(catalog.decay_jd[k], 0.0)
    keep = ~(decayed < epoch)
    if not keep.all():
        notes.append(f"{counted(int((~keep).sum()), 'object', ',')} that had decayed left out")
        columns = {name: values[keep] for name, values in columns.items()}
    ids = catalog.norad_id[keep]
    return assemble(
        epoch,
        columns,
        rng,
        Path(catalog.source).name,
        mission_years=mission_years,
        notes=tuple(notes),
        row_name=lambda k: f"object {ids[k]}",
    )


def _elements(catalog: Catalog, epoch: float) -> dict[str, NDArray[Any]]:
    """Mean elements at a common epoch."""
    motion = 2.0 * np.pi / sgp4_period_min(catalog.mean_motion, catalog.eccentricity, catalog.inclination)  # rad/min
    a_km, e, i = semi_major_axis_km(motion), catalog.eccentricity, catalog.inclination
    years = np.array([year_of_days(jd, fr) for jd, fr in zip(catalog.epoch_jd, catalog.epoch_fr, strict=True)])
    minutes = (epoch - years) * YEAR_DAYS * 1440.0
    cosine = np.cos(i)
    rate = 0.75 * WGS72.j2 * motion * (WGS72.radius_km / (a_km * (1.0 - e * e))) ** 2
    return {
        "norad_id": catalog.norad_id, "a_km": a_km, "ecc": e, "inc_rad": i,
        "raan_rad": catalog.raan - 2.0 * rate * cosine * minutes,
        "argp_rad": catalog.argp + rate * (5.0 * cosine**2 - 1.0) * minutes,
        "mean_rad": catalog.mean_anomaly
        + (motion + rate * np.sqrt(1.0 - e * e) * (3.0 * cosine**2 - 1.0)) * minutes,
    }  # fmt: skip


def _descriptions(catalog: Catalog, sizes: Path | None, epoch: float) -> tuple[dict[str, NDArray[Any]], list[str]]:
    """Columns of a catalogue and a table of sizes beside the elements, and notes."""
    n = len(catalog)
    typed = [KIND_NAMES.get(text.lower()) for text in catalog.object_type.tolist()]
    kinds = np.array(
        [
            _kind_by_name(name) if kind is None else kind
            for kind, name in zip(typed, catalog.name.tolist(), strict=True)
        ],
        np.int8,
    )
    untyped = np.array([kind is None for kind in typed], np.bool_)
    launched = [_launched(text, epoch) for text in catalog.object_id.tolist()]
    names = catalog.name.tolist()
    constellation = np.full(n, -1, np.int32)
    for start, index in _NAMES:
        constellation[[name.startswith(start) for name in names]] = index
    columns: dict[str, NDArray[Any]] = {
        "kind": kinds, "launch_year": np.array(launched), "constellation": constellation,
        "radius_m": np.nan_to_num(catalog.hard_body_radius_m, nan=0.0),
        "mass_kg": np.nan_to_num(catalog.mass_kg, nan=0.0),
        "rocket_body_parent": np.array([_STAGE_FRAGMENT.match(name.upper()) is not None for name in names], np.bool_),
    }  # fmt: skip
    notes = [
        "mean elements of SGP4 taken as they are, moved to a common epoch by their J2 rates",
        "fragments are unattributed: the catalogue does not say whether a collision or an explosion made them",
    ]
    if sizes is None:
        if not (any(catalog.object_type) or any(names)):
            raise InputError(
                f"{catalog.source}: it states neither types nor names of its objects; give sizes, a "
                "SATCAT or a table with norad_id, object_type, mass_kg and radius_m"
            )
        return columns, [*notes, *_note_of_names(untyped)]
    table, known = _sizes(sizes)
    ids = known.pop("norad_id")
    order = np.argsort(ids, kind="stable")
    position = np.minimum(np.searchsorted(ids[order], catalog.norad_id), len(ids) - 1)
    row = order[position]
    listed = ids[row] == catalog.norad_id
    if not listed.any():
        raise InputError(f"{table.path} and {catalog.source} have no NORAD id in common")
    for name, values in known.items():
        stated = listed & ~_blank(values)[row]
        base = columns.get(name)
        if base is None:
            base = np.full(n, _UNKNOWN.get(name, np.nan), values.dtype)
        columns[name] = np.where(stated, values[row], base)
    if not listed.all():
        notes.append(f"{counted(int((~listed).sum()), 'object', ',', verb='are')} not in {table.path.name}")
    return columns, [*notes, *_note_of_names(untyped & ~listed if "kind" in known else untyped)]


def _launched(designator: str, epoch: float) -> float:
    """Middle of the year of launch, at most the epoch in the year of the epoch; NaN if not stated."""
    if not re.match(r"\d{4}-", designator):
        return np.nan
    year = int(designator[:4])
    return min(year + 0.5, max(float(year), epoch))


def _kind_by_name(name: str) -> Kind:
    """Kind by the names of the public catalogue: R/B for stages, DEB for fragments, neither for payloads."""
    text = name.upper()
    if re.search(r"\bDEB\b", text) or text in ("", "UNKNOWN") or text.startswith(("TBA", "OBJECT ")):
        return Kind.UNATTRIBUTED
    return Kind.ROCKET_BODY if "R/B" in text else Kind.DERELICT


def _note_of_names(which: Bools) -> list[str]:
    return [f"types of {int(which.sum()):,} objects inferred from their names"] if which.any() else []


_UNKNOWN: dict[str, Any] = {
    "mass_kg": 0.0,
    "radius_m": 0.0,
    "area_to_mass": 0.0,
    "length_m": 0.0,
    "stated_active": -1,
    "owner": "",
}


def _blank(values: NDArray[Any]) -> Bools:
    """Mask of the missing values of a column."""
    if values.dtype.kind == "f":
        return np.asarray(~np.isfinite(values) | (values == 0.0))
    if values.dtype.kind == "U":
        return np.asarray(values == "")
    return np.asarray(values == -1)


def _sizes(path: Path) -> tuple[Table, dict[str, NDArray[Any]]]:
    """Columns of a SATCAT or of a table of sizes, with norad_id."""
    table = read_csv(path, (), None)
    if "NORAD_CAT_ID" not in table.cells:
        table = read_csv(path, ("norad_id",), SIZE_COLUMNS)
        columns, _ = size_columns(table)
        columns["norad_id"] = table.integers("norad_id")
        return table, columns
    table = read_csv(path, _SATCAT, None)
    columns = {"norad_id": table.integers("NORAD_CAT_ID"), "kind": kinds_of(table, "OBJECT_TYPE")}
    cells = table.cells
    if "LAUNCH_DATE" in cells:
        columns["launch_year"] = table.years("LAUNCH_DATE")
    if "DECAY_DATE" in cells:
        columns["decay_year"] = table.years("DECAY_DATE")
    if "OWNER" in cells:
        columns["owner"] = np.array(cells["OWNER"], np.str_)
    if "OPS_STATUS_CODE" in cells:
        columns["stated_active"] = np.array(
            [1 if code in _ACTIVE_STATUS else 0 if code in _IDLE_STATUS else -1 for code in cells["OPS_STATUS_CODE"]],
            np.int8,
        )
    radius = radius_of_rcs(table.numbers("RCS", empty=0.0)) if "RCS" in cells else np.zeros(len(table))
    if "RCS_SIZE" in cells:
        by_class = [SIZE_CLASS_RADIUS_M.get(text.upper(), 0.0) for text in cells["RCS_SIZE"]]
        radius = np.where(radius > 0.0, radius, by_class)
    columns["radius_m"] = radius
    return table, columns
