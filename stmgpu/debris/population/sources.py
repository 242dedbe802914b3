"""The initial population of a study, whatever its source."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stmgpu.constants import EARTH
from stmgpu.debris.breakup.size_law import mass_of_length
from stmgpu.debris.formats.matlab import read_mat
from stmgpu.debris.population.assembly import assemble, select
from stmgpu.debris.population.from_catalog import read_gp
from stmgpu.debris.population.from_table import read_table
from stmgpu.debris.population.missions import MISSION_YEARS
from stmgpu.debris.population.population import FILLED_AREA, FILLED_MASS, Kind, Population
from stmgpu.debris.population.synthetic import synthetic_population
from stmgpu.debris.specs import PopulationSpec
from stmgpu.debris.streams import POPULATION, generator
from stmgpu.errors import InputError
from stmgpu.propagate.kepler import elements_of
from stmgpu.time import year_of_jd

Floats = NDArray[np.float64]

CASCADE_YEAR = 2022.1615
"""Epoch of the states that come with esa/cascade, 2022-03-01."""

_B_STAR_DENSITY = 0.157 / 6_378_135.0  # kg/m^3: what B* is scaled with (Hoots and Roehrich 1980)
_NO_DRAG = 1e-9  # m^2/kg where B* is zero or negative: no measurable drag
_CASCADE_DRAG = 2.2
_MOCAT_COLUMNS = 24
_KIND_OF_MOCAT = {
    1: Kind.DERELICT, 2: Kind.MISSION_RELATED, 3: Kind.UNATTRIBUTED, 4: Kind.UNATTRIBUTED, 5: Kind.ROCKET_BODY,
    6: Kind.MISSION_RELATED, 7: Kind.UNATTRIBUTED, 8: Kind.UNATTRIBUTED, 9: Kind.UNATTRIBUTED, 10: Kind.UNATTRIBUTED,
    11: Kind.UNATTRIBUTED,
}  # fmt: skip
_MADE_BY_MASS = ((0, 260.0, 2019.8), (1, 148.0, 2019.1))  # constellation, kg, first launch: Starlink v1, OneWeb


def load_population(
    spec: PopulationSpec, rng: np.random.Generator | None = None, *, mission_years: float = MISSION_YEARS
) -> Population:
    """The population that a scenario begins with.

    Parameters
    ----------
    spec
        its table ``[population]``.
    rng
        random numbers for what is drawn (see the notes of the population); made from ``spec.seed`` where not given.
    mission_years
        life of payloads that are in no constellation.

    Returns
    -------
    Population
        with a note for everything that was filled in, drawn or left out.

    Raises
    ------
    InputError
        a file that is missing or not of its form, values that cannot be, or nothing left.

    Examples
    --------
    >>> from stmgpu.debris.specs import PopulationSpec
    >>> len(load_population(PopulationSpec(source="synthetic", objects=500, seed=3)))
    500
    """
    random = generator(spec.seed, 0, POPULATION) if rng is None else rng
    path, life = spec.path, mission_years
    if spec.source == "synthetic" or path is None:
        made = synthetic_population(
            spec.objects,
            spec.seed,
            spec.year,
            constellations=spec.constellations,
            mission_years=life,
            rng=random,
            min_length_m=spec.min_length_m,
        )
    elif spec.source == "mocat":
        made = read_mocat(path, random, year=spec.year, mission_years=life)
    elif spec.source == "cascade":
        made = read_cascade(path, random, par=spec.sizes, year=spec.year, mission_years=life)
    elif spec.source == "table":
        made = read_table(path, random, year=spec.year, mission_years=life)
    else:
        made = read_gp(path, random, sizes=spec.sizes, year=spec.year, mission_years=life)
    return select(made, spec.max_perigee_km, spec.min_length_m)


def read_mocat(
    path: str | Path, rng: np.random.Generator, *, year: float | None = None, mission_years: float = MISSION_YEARS
) -> Population:
    """Read a population of MOCAT-MC (MIT ARCLab): ``mat_sats`` [n, 24] of a MATLAB file.

    Parameters
    ----------
    path
        the .mat file; its name begins with the year at whose first day it holds, unless ``year`` is given.
    rng
        random numbers for nodes, and for what is filled in.
    year
        epoch, decimal year.
    mission_years
        life of payloads where the file states none.

    Returns
    -------
    Population
        all objects of the file. Payloads are active by the rule of MOCAT-MC (controlled, or not older than their life).
        Fragments are unattributed: the file says what they broke off, a payload or a rocket body, which chooses their
        distribution of area-to-mass ratios, but not whether in a collision or an explosion. Nodes are drawn: the fourth
        column of the published files holds the mean anomaly again, not the node.

    Raises
    ------
    InputError
        no such file, no MATLAB file, no such array in it, or values that cannot be.
    """
    file = Path(path)
    sats = _mat_sats(file)
    if year is None:
        match = re.match(r"(19|20)\d\d(?!\d)", file.stem)
        if match is None:
            raise InputError(f"{file}: its name does not begin with the year of the population; give year")
        year = float(match.group())
    code = sats[:, 22]
    unknown = ~np.isfinite(code)
    kinds = np.full(len(sats), Kind.UNATTRIBUTED, np.int8)
    for number, kind in _KIND_OF_MOCAT.items():
        kinds[code == number] = kind
    strange = ~unknown & ~np.isin(code, list(_KIND_OF_MOCAT))
    if strange.any():
        k = int(np.flatnonzero(strange)[0])
        raise InputError(f"{file}: the class in row {k + 1} of mat_sats is {code[k]}; allowed are 1 to 11")
    launch = np.asarray(year_of_jd(np.where(sats[:, 15] > 0.0, sats[:, 15], np.nan)))
    payload = code == 1
    constellation = np.where(sats[:, 13] > 0, sats[:, 13], 0).astype(np.int32) - 1
    notes = ["nodes are random: the file holds the mean anomaly in their place"]
    if (constellation < 0).all():
        for index, mass, first in _MADE_BY_MASS:
            constellation[payload & (sats[:, 7] == mass) & (launch >= first)] = index
        counts = [int((constellation == index).sum()) for index, *_ in _MADE_BY_MASS]
        if any(counts):
            notes.append(f"{counts[0]:,} Starlink and {counts[1]:,} OneWeb satellites told by mass and launch date")
    notes.append("fragments are unattributed: the file does not say whether a collision or an explosion made them")
    if unknown.any():
        notes.append(f"{int(unknown.sum())} objects without a class taken as unattributed debris")
    life = np.where(sats[:, 12] > 0.0, sats[:, 12], np.nan)
    columns: dict[str, NDArray[Any]] = {
        "norad_id": sats[:, 23].astype(np.int64), "kind": kinds, "a_km": sats[:, 0] * EARTH.radius_km,
        "ecc": sats[:, 1], "inc_rad": sats[:, 2], "argp_rad": sats[:, 4], "mean_rad": sats[:, 5],
        "mass_kg": sats[:, 7], "radius_m": sats[:, 8], "launch_year": launch, "constellation": constellation,
        "rocket_body_parent": np.isin(code, (7, 8)), "stated_end": launch + life,
        "stated_active": np.where(payload & (sats[:, 10] > 0), 1, -1).astype(np.int8),
    }  # fmt: skip
    return assemble(
        year,
        columns,
        rng,
        file.name,
        mission_years=mission_years,
        notes=tuple(notes),
        row_name=lambda k: f"row {k + 1} of mat_sats (NORAD id {sats[k, 23]:.0f})",
    )


def read_cascade(
    path: str | Path,
    rng: np.random.Generator,
    *,
    par: str | Path | None = None,
    year: float | None = None,
    mission_years: float = MISSION_YEARS,
) -> Population:
    """Read states of esa/cascade: text with one number a line, seven an object.

    Parameters
    ----------
    path
        x, y, z [m], vx, vy, vz [m/s] and radius [m] of each object.
    rng
        random numbers.
    par
        B* over the Earth's radius [1/m], one number an object. With it, C_d A/m is what B* means in SGP4 (Hoots and
        Roehrich 1980), which only suits the density model that cascade fitted to solar minimum; without it, A/m is
        pi r^2 over the mass. C_d of 2.2 is taken out again.
    year
        epoch, decimal year; that of the published states, 2022-03-01, where not given.
    mission_years
        not used: no object is known to be a payload.

    Returns
    -------
    Population
        unattributed debris all: the files tell no classes. Masses follow from the length 2 r (:func:`mass_of_length`).
        Osculating elements are taken as mean ones: semi-major axes are off by up to 10 km.

    Raises
    ------
    InputError
        files that cannot be read, or of the wrong length.
    """
    file = Path(path)
    values = _numbers(file)
    if len(values) == 0 or len(values) % 7:
        raise InputError(f"{file} holds {len(values):,} numbers; 7 an object are needed")
    rows = values.reshape(-1, 7)
    for k in np.flatnonzero(~np.isfinite(rows).all(axis=1))[:1]:
        raise InputError(f"{file}: object {k + 1} (line {7 * k + 1} on) holds a number that is not finite")
    radius = rows[:, 6]
    if (radius <= 0.0).any():
        k = int(np.flatnonzero(radius <= 0.0)[0])
        raise InputError(f"{file}, line {7 * k + 7}: a radius of {radius[k]} m; it must be positive")
    position, velocity = rows[:, :3] * 1e-3, rows[:, 3:6] * 1e-3
    distance = np.linalg.norm(position, axis=1)
    stray = (distance < EARTH.radius_km) | (0.5 * np.sum(velocity**2, axis=1) >= EARTH.mu_km3_s2 / distance)
    if stray.any():
        k = int(np.flatnonzero(stray)[0])
        raise InputError(
            f"{file}, line {7 * k + 1}: object {k + 1}, {distance[k]:,.0f} km from the Earth's centre, is "
            "within the Earth or on no closed orbit; are the numbers in m and m/s?"
        )
    a, e, i, raan, argp, mean = elements_of(position, velocity, EARTH.mu_km3_s2)
    mass = mass_of_length(2.0 * radius)
    columns: dict[str, NDArray[Any]] = {
        "kind": np.full(len(rows), Kind.UNATTRIBUTED, np.int8), "a_km": a, "ecc": e, "inc_rad": i, "raan_rad": raan,
        "argp_rad": argp, "mean_rad": mean, "mass_kg": mass, "radius_m": radius, "length_m": 2.0 * radius,
        "filled": np.full(len(rows), FILLED_MASS | FILLED_AREA, np.int8),
    }  # fmt: skip
    notes = [
        f"{len(rows):,} objects: masses by the density of intact objects of their size, no classes; osculating "
        "elements taken as mean ones"
    ]
    if par is not None:
        other = Path(par)
        b = _numbers(other)
        if len(b) != len(rows):
            raise InputError(
                f"{other} holds {len(b):,} numbers for the {len(rows):,} objects of {file.name}; one an "
                "object is needed"
            )
        if not np.isfinite(b).all():
            raise InputError(f"{other}, line {int(np.flatnonzero(~np.isfinite(b))[0]) + 1}: not a finite number")
        columns["area_to_mass"] = np.maximum(2.0 * b / (_B_STAR_DENSITY * _CASCADE_DRAG), _NO_DRAG)
        notes.append(
            f"area-to-mass ratios from B*, {int((b <= 0.0).sum()):,} of them without drag: they suit no "
            "density model but cascade's own"
        )
    epoch = CASCADE_YEAR if year is None else year
    return assemble(
        epoch,
        columns,
        rng,
        file.name,
        mission_years=mission_years,
        notes=tuple(notes),
        row_name=lambda k: f"object {k + 1} (line {7 * k + 1} on)",
    )


def _mat_sats(file: Path) -> Floats:
    """The array of a MOCAT-MC file; nothing else in the file is looked at."""
    try:
        content = read_mat(file)
    except OSError as error:
        raise InputError(f"cannot read the population {file}: {error.strerror or error}") from error
    except ValueError as error:
        raise InputError(f"{file} is no MATLAB file up to version 7: {error}") from error
    sats = content.get("mat_sats")
    if not (
        isinstance(sats, np.ndarray) and sats.ndim == 2 and sats.shape[1] == _MOCAT_COLUMNS and sats.dtype.kind in "fiu"
    ):
        found = f"{sats.shape} of {sats.dtype}" if isinstance(sats, np.ndarray) else "nothing"
        raise InputError(
            f"{file}: mat_sats is {found}; numbers of shape (n, {_MOCAT_COLUMNS}) are needed: is it a "
            "population of MOCAT-MC?"
        )
    return np.asarray(sats, np.float64)


def _numbers(file: Path) -> Floats:
    """Numbers of a text file, one a line."""
    try:
        lines = file.read_text(encoding="ascii").split("\n")
    except OSError as error:
        raise InputError(f"cannot read {file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{file} is no text of numbers: {error.reason}") from error
    while lines and not lines[-1].strip():
        lines.pop()
    try:
        return np.array(lines, np.float64)
    except ValueError:
        for number, line in enumerate(lines, 1):
            try:
                float(line)
            except ValueError:
                raise InputError(f"{file}, line {number}: {line[:40]!r} is no number; one a line is needed") from None
        raise
