"""Populations as CSV files that :func:`stmgpu.debris.population.from_table.read_table` reads without loss."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.csv_cells import protected
from stmgpu.debris.population.from_table import NEVER
from stmgpu.debris.population.population import CLASS_NAMES, Kind
from stmgpu.files import writing

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

    from numpy.typing import NDArray

    from stmgpu.debris.population.population import Population
    from stmgpu.typing import Floats


def write_table(population: Population, path: str | Path | BinaryIO) -> None:
    """Write a population as CSV (:func:`format_table`), for ``population.source = "table"``.

    Parameters
    ----------
    population : Population
        Objects.
    path : str, Path or binary file
        File to write; an existing one is replaced. A file that is open for writing is written to as it is.

    Examples
    --------
    >>> write_table(population, "after.csv")  # doctest: +SKIP
    """
    with writing(path) as file:
        file.write(format_table(population).encode())


def format_table(population: Population) -> str:
    """Write a population as the text of a CSV file.

    Parameters
    ----------
    population : Population
        Objects.

    Returns
    -------
    str
        A comment with the epoch, a header, and a row for each object. Numbers have as many digits as they need to be
        read back exactly; angles are in degrees, and are read back to the last digit or the one before.

    Examples
    --------
    >>> from stmgpu.debris.population.synthetic import synthetic_population
    >>> print(format_table(synthetic_population(2, 0))[:77])
    # epoch = 2023.0
    norad_id,a_km,ecc,inc_deg,raan_deg,argp_deg,mean_anomaly_deg
    """
    p = population
    names = [p.constellation_name(number) for number in p.constellation.tolist()]
    text = {
        "norad_id": _integers(np.where(p.norad_id > 0, p.norad_id, 0)),
        "a_km": _numbers(p.a_km),
        "ecc": _numbers(p.ecc),
        "inc_deg": _numbers(np.minimum(np.degrees(p.inc_rad), 180.0)),
        "raan_deg": _numbers(np.degrees(p.raan_rad)),
        "argp_deg": _numbers(np.degrees(p.argp_rad)),
        "mean_anomaly_deg": _numbers(np.degrees(p.mean_rad)),
        "object_type": [CLASS_NAMES[k] for k in p.kind.tolist()],
        "mass_kg": _numbers(p.mass_kg),
        "radius_m": _numbers(p.radius_m),
        "area_to_mass": _numbers(p.area_to_mass),
        "length_m": _numbers(p.length_m),
        "launch_date": _numbers(p.launch_year),
        "mission_end": _numbers(np.where(p.kind == Kind.ACTIVE, p.mission_end_year, np.nan)),
        "constellation": [protected(name) for name in names],
        "owner": [protected(str(name)) for name in p.owner.tolist()],
        "weight": _numbers(p.weight),
        "controlled": _integers(p.controlled),
        "ballistic_m2_kg": _numbers(p.ballistic_m2_kg),
        "explodes": [NEVER if year == np.inf else _number(year) for year in p.explodes_year.tolist()],
        "avoidance": _numbers(p.avoidance),
        "breakup": _integers(np.abs(p.cause)),
        "born": _numbers(np.where(np.isnan(p.born_year), p.epoch_year, p.born_year)),
        "filled": _integers(p.filled),
    }
    file = io.StringIO(newline="")
    file.write(f"# epoch = {float(p.epoch_year)!r}\n")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(text)
    writer.writerows(zip(*text.values(), strict=True))
    return file.getvalue()


def _numbers(values: Floats) -> list[str]:
    """Numbers as the shortest text that is read back exactly; nothing for those that are not finite."""
    return [_number(value) for value in values.tolist()]


def _number(value: float) -> str:
    return repr(value) if np.isfinite(value) else ""


def _integers(values: NDArray[np.integer]) -> list[str]:
    return [str(value) for value in values.tolist()]
