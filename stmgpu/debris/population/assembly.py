"""Assembly of a :class:`Population` from the columns of a source: checks, missing values, missions, selection."""

from __future__ import annotations

import dataclasses
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from stmgpu.constants import EARTH
from stmgpu.debris.environment.atmosphere import HEIGHTS_KM, LOWEST_KM, SPACING_KM, exponential_log_density
from stmgpu.debris.environment.lifetime import Lifetime
from stmgpu.debris.population.filling import ENOUGH, PLURALS, fill_missing
from stmgpu.debris.population.missions import MISSION_YEARS, STATION_KG, assign_missions, can_keep_station
from stmgpu.debris.population.population import FILLED_DATE, Kind, Population, history
from stmgpu.errors import InputError, counted

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from stmgpu.debris.population.filling import Filled
    from stmgpu.typing import Bools, Floats

DRAG_COEFFICIENT = 2.2

UNDATED_AGE_YEARS = 20.0
"""Age of objects without a launch date: neither in their mission nor young enough to explode [years]."""

EPOCH_SLACK = 0.01
"""Launches up to so long after the epoch count as present: calendar dates are not exact Julian years [years]."""

MOST_KG, MOST_RADIUS_M, MOST_APOGEE_KM, MOST_WEIGHT = 1e6, 1e3, 1e6, 2e6
"""Limits of a row: twice the mass of the ISS, orbits up to about the Earth's sphere of influence, and the largest
weight of :mod:`stmgpu.debris.evolution.census`."""

MOST_KG_OF_ROW, MOST_M2_OF_ROW = 1e8, 8e6
"""Limits of mass and cross-section times weight of a row of fragments; rows of intact objects are divided."""

_PAYLOAD = (Kind.ACTIVE, Kind.DERELICT)
_ANGLES = ("raan_rad", "argp_rad", "mean_rad")
_OPTIONAL: dict[str, Any] = {
    "norad_id": np.int64(0), "mass_kg": 0.0, "radius_m": 0.0, "area_to_mass": 0.0, "length_m": 0.0,
    "launch_year": np.nan, "constellation": np.int32(-1), "owner": "", "weight": 1.0,
    "rocket_body_parent": False, "stated_active": np.int8(-1), "stated_end": np.nan,
    "filled": np.int8(0), "stated_control": np.int8(-1), **{name: column[0] for name, column in history(1).items()},
}  # fmt: skip


def assemble(
    epoch_year: float,
    columns: dict[str, NDArray[Any]],
    rng: np.random.Generator,
    source: str,
    *,
    mission_years: float = MISSION_YEARS,
    notes: tuple[str, ...] = (),
    constellation_names: tuple[str, ...] = (),
    row_name: Callable[[int], str] = "row {}".format,
) -> Population:
    """Build a population from the columns of a source.

    Parameters
    ----------
    epoch_year : float
        Decimal year for which the elements hold.
    columns : dict
        Arrays of one length n: kind (ACTIVE and DERELICT both mean payload; which one is decided by the mission),
        a_km, ecc, inc_rad, and any of raan_rad, argp_rad, mean_rad (random if missing), norad_id, mass_kg, radius_m,
        area_to_mass, length_m (0 if unknown), launch_year (NaN if unknown), constellation, owner, weight,
        rocket_body_parent (of fragments), stated_active (1, 0, -1 not stated), stated_end (year, NaN if not stated),
        filled (bits of values that the reader filled in), stated_control (1, 0, -1 not stated), and the columns of
        :func:`stmgpu.debris.population.population.history`.
    rng : Generator
        Random numbers.
    source : str
        Name of the source, for messages and the population.
    mission_years : float
        Life of payloads that are in no constellation.
    notes : tuple
        Notes of the reader of the source.
    constellation_names : tuple
        As in a population.
    row_name : callable
        Name of row k in messages.

    Returns
    -------
    Population

    Raises
    ------
    InputError
        values out of range, the message names the row; or all objects are launched after the epoch.
    """
    n = len(columns["a_km"])
    if n == 0:
        raise InputError(f"{source} holds no object; use a source with objects")
    c: dict[str, NDArray[Any]] = {**{name: np.full(n, value) for name, value in _OPTIONAL.items()}, **columns}
    all_notes = list(notes)
    _check(c, source, row_name)
    rows = np.flatnonzero(~(c["launch_year"] > epoch_year + EPOCH_SLACK))  # objects without a date stay
    if len(rows) < n:
        later = f"{counted(n - len(rows), 'object', ',')} launched after the epoch ({epoch_year:.2f}) left out"
        if not len(rows):
            raise InputError(f"{source}: nothing is left of {n:,} objects ({later}); use a later year")
        all_notes.append(later)
        n, c = len(rows), {name: values[rows] for name, values in c.items()}
    drawn = [name for name in _ANGLES if name not in c]
    for name in drawn:
        c[name] = rng.uniform(0.0, 2.0 * np.pi, n)
    if drawn:
        all_notes.append(f"{', '.join(name.removesuffix('_rad') for name in drawn)} of all objects drawn at random")
    station = (c["mass_kg"] >= STATION_KG) & (c["stated_active"] < 0) & np.isin(c["kind"], _PAYLOAD)
    if station.any():
        c["stated_active"] = np.where(station, 1, c["stated_active"])
        all_notes.append(f"payloads of {STATION_KG / 1e3:g} t and more taken as active stations: {int(station.sum())}")
    ground = c["a_km"] * (1.0 - c["ecc"]) <= EARTH.radius_km
    if ground.any():
        all_notes.append(f"objects with perigees in the ground, which re-enter at once: {int(ground.sum())}")
    launch, undated, date_notes = _dated(c["launch_year"], c["kind"], epoch_year)
    kind, mission_end = assign_missions(
        c["kind"],
        launch,
        c["constellation"],
        epoch_year,
        rng,
        mission_years=mission_years,
        stated_active=c["stated_active"],
        stated_end=c["stated_end"],
    )
    filled = fill_missing(
        kind,
        c["mass_kg"],
        c["radius_m"],
        rng,
        area_to_mass=c["area_to_mass"],
        length_m=c["length_m"],
        constellation=c["constellation"],
        rocket_body_parent=c["rocket_body_parent"],
        stay_years=_typical_lifetimes().years(
            c["a_km"], c["ecc"], ballistic_m2_kg=DRAG_COEFFICIENT, inc_rad=c["inc_rad"], rotating=False
        ),
        age_years=epoch_year - launch,
        where=source,
    )
    _check_amounts(kind, filled, c["weight"], source=source, row_name=lambda k: row_name(int(rows[k])))
    able = (kind == Kind.ACTIVE) & can_keep_station(filled.mass_kg)
    controlled = np.where(c["stated_control"] < 0, able, c["stated_control"])
    return Population(
        epoch_year=float(epoch_year),
        norad_id=c["norad_id"].astype(np.int64),
        kind=kind,
        a_km=c["a_km"].astype(np.float64),
        ecc=c["ecc"].astype(np.float64),
        inc_rad=c["inc_rad"].astype(np.float64),
        **{name: np.mod(c[name], 2.0 * np.pi) for name in _ANGLES},
        mass_kg=filled.mass_kg,
        radius_m=filled.radius_m,
        area_to_mass=filled.area_to_mass,
        length_m=filled.length_m,
        launch_year=launch,
        mission_end_year=mission_end,
        controlled=controlled.astype(np.int8),
        constellation=c["constellation"].astype(np.int32),
        owner=c["owner"].astype(np.str_),
        weight=c["weight"].astype(np.float64),
        filled=(c["filled"] | filled.filled | np.where(undated, FILLED_DATE, 0)).astype(np.int8),
        **{name: c[name].astype(column.dtype) for name, column in history(0).items()},
        constellation_names=constellation_names,
        source=source,
        notes=(*all_notes, *date_notes, *filled.notes),
    )


def perigee_km(population: Population) -> Floats:
    """Heights of the perigees above the equatorial radius [km], shape [n]."""
    return population.a_km * (1.0 - population.ecc) - EARTH.radius_km


def select(
    population: Population, *, max_perigee_km: float | None = None, min_length_m: float | None = None
) -> Population:
    """Select objects with perigees below ``max_perigee_km`` and lengths from ``min_length_m``; notes count the others.

    Raises
    ------
    InputError
        nothing is left.
    """
    keep = np.ones(len(population), np.bool_)
    notes = []
    if max_perigee_km is not None:
        low = perigee_km(population) < max_perigee_km
        if not low.all():
            notes.append(
                f"{counted(int((~low).sum()), 'object', ',')} with perigees at {max_perigee_km:g} km or higher left out"
            )
        keep &= low
    if min_length_m is not None:
        long = population.length_m >= min_length_m
        if not (long | ~keep).all():
            notes.append(
                f"{counted(int((keep & ~long).sum()), 'object', ',')} shorter than {min_length_m:g} m left out"
            )
        keep &= long
    if not keep.any():
        raise InputError(
            f"{population.source}: nothing is left of {len(population):,} objects ({'; '.join(notes)}); "
            "raise max_perigee_km or lower min_length_m"
        )
    return dataclasses.replace(population[keep], notes=(*population.notes, *notes))


def _check(c: dict[str, NDArray[Any]], source: str, row_name: Callable[[int], str]) -> None:
    """Check for finite elements, e in [0, 1), i in [0, pi], and orbits neither within the Earth nor too far."""
    for name in (
        "a_km",
        "ecc",
        "inc_rad",
        *(a for a in _ANGLES if a in c),
        "mass_kg",
        "radius_m",
        "area_to_mass",
        "length_m",
        "weight",
    ):
        _refuse(~np.isfinite(c[name]), c[name], name, allowed="a finite number", source=source, row_name=row_name)
    for name in ("mass_kg", "radius_m", "area_to_mass", "length_m"):
        _refuse(c[name] < 0.0, c[name], name, allowed="0 (not known) or more", source=source, row_name=row_name)
    _refuse(c["weight"] <= 0.0, c["weight"], "weight", allowed="more than 0", source=source, row_name=row_name)
    _refuse(
        (c["ecc"] < 0.0) | (c["ecc"] >= 1.0),
        c["ecc"],
        "eccentricity",
        allowed="0 <= e < 1",
        source=source,
        row_name=row_name,
    )
    _refuse(
        (c["inc_rad"] < 0.0) | (c["inc_rad"] > np.pi),
        np.degrees(c["inc_rad"]).round(9),
        "inclination [deg]",
        allowed="0 to 180",
        source=source,
        row_name=row_name,
    )
    apogee = c["a_km"] * (1.0 + c["ecc"]) - EARTH.radius_km
    _refuse(
        (apogee <= 0.0) | (apogee > MOST_APOGEE_KM),
        apogee,
        "height of the apogee [km]",
        allowed=f"more than 0, up to {MOST_APOGEE_KM:,.0f}",
        source=source,
        row_name=row_name,
    )


def _check_amounts(
    kind: NDArray[np.int8], filled: Filled, weight: Floats, *, source: str, row_name: Callable[[int], str]
) -> None:
    """Check that objects, stated or filled in, are small enough to be counted."""
    mass, radius = filled.mass_kg, filled.radius_m
    pieces = np.where(kind > Kind.MISSION_RELATED, weight, 1.0)
    for values, most, name in (
        (mass, MOST_KG, "mass_kg"),
        (radius, MOST_RADIUS_M, "radius_m"),
        (weight, MOST_WEIGHT, "weight"),
        (pieces * mass, MOST_KG_OF_ROW, "weight x mass [kg]"),
        (pieces * np.pi * radius**2, MOST_M2_OF_ROW, "weight x cross-section [m^2]"),
    ):
        _refuse(values > most, values, name, allowed=f"up to {most:,.0f}", source=source, row_name=row_name)


def _refuse(
    bad: Bools, values: NDArray[Any], name: str, *, allowed: str, source: str, row_name: Callable[[int], str]
) -> None:
    if bad.any():
        k = int(np.flatnonzero(bad)[0])
        more = f" (and {int(bad.sum()) - 1:,} more)" if bad.sum() > 1 else ""
        raise InputError(f"{source}: {name} of {row_name(k)} is {values[k]}{more}; allowed is {allowed}")


def _dated(launch: NDArray[Any], kinds: NDArray[Any], epoch_year: float) -> tuple[Floats, Bools, list[str]]:
    """Launch dates with missing ones filled in, a mask of these, and notes."""
    dates = np.array(launch, np.float64)
    undated = ~np.isfinite(dates)
    notes = []
    classes = [("payloads", _PAYLOAD), *((PLURALS[k], (k,)) for k in Kind if k > Kind.DERELICT)]
    for name, members in classes:
        rows = np.isin(kinds, members)
        gaps = rows & undated
        if not gaps.any():
            continue
        known = dates[rows & ~undated]
        if len(known) >= ENOUGH:
            dates[gaps] = np.median(known)
            basis = f"the class median {np.median(known):.1f}"
        else:
            dates[gaps] = epoch_year - UNDATED_AGE_YEARS
            basis = f"{UNDATED_AGE_YEARS:g} years before the epoch"
        notes.append(f"{int(rows.sum()):,} {name}: launch date of {int(gaps.sum()):,} taken as {basis}")
    return dates, undated, notes


@cache
def _typical_lifetimes() -> Lifetime:
    """Lifetimes in Vallado's atmosphere, about the mean over past solar cycles."""
    return Lifetime(exponential_log_density(HEIGHTS_KM), LOWEST_KM, SPACING_KM)
