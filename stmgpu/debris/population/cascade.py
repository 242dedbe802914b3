"""States of objects as esa/cascade publishes them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from stmgpu.constants import EARTH
from stmgpu.debris.breakup.size_law import mass_of_length
from stmgpu.debris.population.assembly import assemble
from stmgpu.debris.population.mean_axis import axis_of_osculating
from stmgpu.debris.population.missions import MISSION_YEARS
from stmgpu.debris.population.population import FILLED_AREA, FILLED_MASS, Kind, Population
from stmgpu.errors import InputError, counted
from stmgpu.files import read_content
from stmgpu.propagate.kepler import elements_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from stmgpu.typing import Floats

CASCADE_YEAR = 2022.1615
"""Epoch of the states that come with esa/cascade, 2022-03-01."""

_B_STAR_DENSITY = 0.157 / 6_378_135.0  # kg/m^3: what B* is scaled with (Hoots and Roehrich 1980)
_NO_DRAG = 1e-9  # m^2/kg where B* is zero or negative: no measurable drag
_CASCADE_DRAG = 2.2


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
    path : str or Path
        X, y, z [m], vx, vy, vz [m/s] and radius [m] of each object.
    rng : Generator
        Random numbers.
    par : str or Path, optional
        B* over the Earth's radius [1/m], one number an object. With it, C_d A/m is what B* means in SGP4 (Hoots and
        Roehrich 1980), which only suits the density model that cascade fitted to solar minimum; without it, A/m is
        pi r^2 over the mass. C_d of 2.2 is taken out again.
    year : float, optional
        Epoch, decimal year; that of the published states, 2022-03-01, where not given.
    mission_years : float
        Not used: no object is known to be a payload.

    Returns
    -------
    Population
        unattributed debris: the files contain no classes. Masses follow from the length 2 r (:func:`mass_of_length`).
        Semi-major axes are freed of the short-period terms of J2, which are up to 10 km; the other osculating elements
        are taken as mean ones (eccentricities are off by up to 0.002).

    Raises
    ------
    InputError
        unreadable files, or files of the wrong length.
    """
    file = Path(path)
    values = _numbers(file)
    if len(values) == 0 or len(values) % 7:
        raise InputError(f"{file} holds {counted(len(values), 'number', ',')}; 7 an object are needed")
    rows = values.reshape(-1, 7)
    for k in np.flatnonzero(~np.isfinite(rows).all(axis=1))[:1]:
        raise InputError(f"{file}: object {k + 1} (line {7 * k + 1} on) holds a number that is not finite")
    radius = rows[:, 6]
    if (radius <= 0.0).any():
        k = int(np.flatnonzero(radius <= 0.0)[0])
        raise InputError(f"{file}, line {7 * k + 7}: a radius of {radius[k]} m; it must be positive")
    position, velocity = rows[:, :3] * 1e-3, rows[:, 3:6] * 1e-3
    distance = np.linalg.norm(position, axis=1)
    unbound = (distance < EARTH.radius_km) | (0.5 * np.sum(velocity**2, axis=1) >= EARTH.mu_km3_s2 / distance)
    if unbound.any():
        k = int(np.flatnonzero(unbound)[0])
        raise InputError(
            f"{file}, line {7 * k + 1}: object {k + 1}, {distance[k]:,.0f} km from the Earth's centre, is "
            "within the Earth or on no closed orbit; are the numbers in m and m/s?"
        )
    a, e, i, raan, argp, mean = elements_of(position, velocity, mu_km3_s2=EARTH.mu_km3_s2)
    e_cos = 1.0 - distance / a  # e cos E; tan of half the true anomaly follows from that of half of E
    e_sin = (position * velocity).sum(axis=1) / np.sqrt(EARTH.mu_km3_s2 * a)
    true = np.arctan2(np.sqrt(1.0 - e**2) * e_sin, e_cos - e**2)
    a = axis_of_osculating(a, e, i, argp + true, distance)
    mass = mass_of_length(2.0 * radius)
    columns: dict[str, NDArray[Any]] = {
        "kind": np.full(len(rows), Kind.UNATTRIBUTED, np.int8), "a_km": a, "ecc": e, "inc_rad": i, "raan_rad": raan,
        "argp_rad": argp, "mean_rad": mean, "mass_kg": mass, "radius_m": radius, "length_m": 2.0 * radius,
        "filled": np.full(len(rows), FILLED_MASS | FILLED_AREA, np.int8),
    }  # fmt: skip
    notes = [
        f"{counted(len(rows), 'object', ',')}: masses by the density of intact objects of their size, no classes; "
        "osculating elements, but for the axis, taken as mean ones"
    ]
    if par is not None:
        other = Path(par)
        b = _numbers(other)
        if len(b) != len(rows):
            raise InputError(
                f"{other} holds {counted(len(b), 'number', ',')} for the "
                f"{counted(len(rows), 'object', ',')} of {file.name}; one an object is needed"
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


def _numbers(file: Path) -> Floats:
    """Numbers of a text file, one a line."""
    content = read_content(file, kind="text").data
    try:
        lines = content.decode("ascii").replace("\r\n", "\n").split("\n")
    except UnicodeDecodeError as error:
        raise InputError(f"{file} is not a text file of numbers: {error.reason}") from error
    while lines and not lines[-1].strip():
        lines.pop()
    try:
        return np.array(lines, np.float64)
    except ValueError:
        for number, line in enumerate(lines, 1):
            try:
                float(line)
            except ValueError:
                raise InputError(
                    f"{file}, line {number}: {line[:40]!r} is not a number; write one number per line"
                ) from None
        raise
