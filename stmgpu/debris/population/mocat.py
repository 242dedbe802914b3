"""Populations of MOCAT-MC (MIT ARCLab)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from stmgpu.constants import EARTH
from stmgpu.debris.formats.matlab import read_mat
from stmgpu.debris.population.assembly import assemble
from stmgpu.debris.population.mean_axis import axis_of_kozai
from stmgpu.debris.population.missions import MISSION_YEARS
from stmgpu.debris.population.population import Kind, Population
from stmgpu.errors import InputError, counted
from stmgpu.time import year_of_jd

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from stmgpu.typing import Floats

_MOCAT_COLUMNS = 24
_KIND_OF_MOCAT = {
    1: Kind.DERELICT, 2: Kind.MISSION_RELATED, 3: Kind.UNATTRIBUTED, 4: Kind.UNATTRIBUTED, 5: Kind.ROCKET_BODY,
    6: Kind.MISSION_RELATED, 7: Kind.UNATTRIBUTED, 8: Kind.UNATTRIBUTED, 9: Kind.UNATTRIBUTED, 10: Kind.UNATTRIBUTED,
    11: Kind.UNATTRIBUTED,
}  # fmt: skip
# constellation, mass [kg], first launch: Starlink v1, OneWeb
_CONSTELLATION_BY_MASS = (
    (0, 260.0, 2019.8),
    (1, 148.0, 2019.1),
)


def read_mocat(
    path: str | Path, rng: np.random.Generator, *, year: float | None = None, mission_years: float = MISSION_YEARS
) -> Population:
    """Read a population of MOCAT-MC (MIT ARCLab): ``mat_sats`` [n, 24] of a MATLAB file.

    Parameters
    ----------
    path : str or Path
        The .mat file; its name begins with the year of its epoch, January 1, unless ``year`` is given.
    rng : Generator
        Random numbers for nodes, and for what is filled in.
    year : float, optional
        Epoch, decimal year.
    mission_years : float
        Life of payloads where the file states none.

    Returns
    -------
    Population
        all objects of the file. Payloads are active by the rule of MOCAT-MC (controlled, or not older than their life).
        Fragments are unattributed: the file says what they broke off, a payload or a rocket body, which chooses their
        distribution of area-to-mass ratios, but not whether in a collision or an explosion. Nodes are drawn: the fourth
        column of the published files holds the mean anomaly again, not the node. Axes in the file are Kozai's and
        become Brouwer's (:mod:`stmgpu.debris.population.mean_axis`).

    Raises
    ------
    InputError
        no such file, no MATLAB file, no such array in it, or values out of range.
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
    undefined = ~unknown & ~np.isin(code, list(_KIND_OF_MOCAT))
    if undefined.any():
        k = int(np.flatnonzero(undefined)[0])
        raise InputError(f"{file}: the class in row {k + 1} of mat_sats is {code[k]}; allowed are 1 to 11")
    launch = np.asarray(year_of_jd(np.where(sats[:, 15] > 0.0, sats[:, 15], np.nan)))
    payload = code == 1
    constellation = np.where(sats[:, 13] > 0, sats[:, 13], 0).astype(np.int32) - 1
    notes = ["nodes are random: the file holds the mean anomaly in their place"]
    if (constellation < 0).all():
        for index, mass, first in _CONSTELLATION_BY_MASS:
            constellation[payload & (sats[:, 7] == mass) & (launch >= first)] = index
        counts = [int((constellation == index).sum()) for index, *_ in _CONSTELLATION_BY_MASS]
        if any(counts):
            notes.append(
                f"{counts[0]:,} Starlink and {counts[1]:,} OneWeb satellites identified by mass and launch date"
            )
    notes.append("fragments are unattributed: the file does not say whether a collision or an explosion made them")
    if unknown.any():
        notes.append(f"{counted(int(unknown.sum()), 'object')} without a class taken as unattributed debris")
    life = np.where(sats[:, 12] > 0.0, sats[:, 12], np.nan)
    columns: dict[str, NDArray[Any]] = {
        "norad_id": sats[:, 23].astype(np.int64), "kind": kinds,
        "a_km": axis_of_kozai(sats[:, 0] * EARTH.radius_km, sats[:, 1], sats[:, 2]),
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


def _mat_sats(file: Path) -> Floats:
    """The array ``mat_sats`` of a MOCAT-MC file."""
    try:
        content = read_mat(file)
    except InputError:
        raise
    except ValueError as error:
        raise InputError(f"{file} is not a MATLAB file of version 7 or older: {error}") from error
    sats = content.get("mat_sats")
    if not (
        isinstance(sats, np.ndarray) and sats.ndim == 2 and sats.shape[1] == _MOCAT_COLUMNS and sats.dtype.kind in "fiu"
    ):
        content_text = f"{sats.shape} of {sats.dtype}" if isinstance(sats, np.ndarray) else "nothing"
        raise InputError(
            f"{file}: mat_sats is {content_text}; numbers of shape (n, {_MOCAT_COLUMNS}) are needed: is it a "
            "population of MOCAT-MC?"
        )
    return np.asarray(sats, np.float64)
