"""Families of objects that the synthetic population is drawn from; their figures are in ``synthetic_families.toml``."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import AfterValidator, BeforeValidator, Field, TypeAdapter, ValidationError

from stmgpu.debris.population.population import CONSTELLATION_NAMES
from stmgpu.errors import InputError

_FILE = Path(__file__).with_name("synthetic_families.toml")


def _increasing(values: tuple[float, ...]) -> tuple[float, ...]:
    if list(values) != sorted(values):
        raise ValueError("quantiles must not decrease")
    return values


def _constellation(name: object) -> int:
    if name not in CONSTELLATION_NAMES:
        raise ValueError(f"must be one of {', '.join(CONSTELLATION_NAMES)}")
    return CONSTELLATION_NAMES.index(name)


Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Count = Annotated[int, Field(ge=1, strict=True)]
Three = Annotated[tuple[Positive, Positive, Positive], AfterValidator(_increasing)]
Five = Annotated[tuple[Positive, Positive, Positive, Positive, Positive], AfterValidator(_increasing)]
Seven = Annotated[
    tuple[Positive, Positive, Positive, Positive, Positive, Positive, Positive], AfterValidator(_increasing)
]


class Family(NamedTuple):
    """Intact objects of similar orbit and make.

    Attributes
    ----------
    inclination, ecc, area_to_mass : tuple of float
        Quantiles at 5, 50 and 95 %.
    launch : tuple of float
        Decimal years, quantiles at 0, 25, 50, 75 and 100 %.
    height : tuple of float
        Of the semi-major axis, or of the perigee where ``perigee`` is true; quantiles at 0, 5, 25, 50, 75, 95, 100 %.
    mass : tuple of float or float
        Quantiles as of the height, or one mass of all.
    """

    name: str
    number: Count
    inclination: Three
    ecc: Three
    launch: Five
    height: Seven
    mass: Seven | Positive
    area_to_mass: Three
    perigee: bool = False


class Cloud(NamedTuple):
    """Fragments of one breakup, or of several in similar orbits; sizes and masses follow from the breakup model.

    Attributes
    ----------
    inclination, ecc, height : tuple of float
        Quantiles as in :class:`Family`; the height is that of the perigee.
    launch : tuple of float or float
        Of the parent: quantiles as in :class:`Family`, or one year of all.
    rocket_bodies : float
        Share of fragments whose parent is a rocket body.
    collision : bool
        Whether it was a collision or intercept; otherwise it counts as an explosion.
    """

    name: str
    number: Count
    inclination: Three
    ecc: Three
    launch: Five | Positive
    height: Seven
    rocket_bodies: Share
    collision: bool = False


class ConstellationShell(NamedTuple):
    """Part of a large constellation.

    Attributes
    ----------
    constellation : int
        Index in ``CONSTELLATION_NAMES``; its name in the file.
    height, spread : float
        Height of the shell, and how far satellites in service are above or below it.
    planes : Count
        Number of evenly spaced planes.
    raising, lowest : float
        Share of satellites that are on their way up or down, evenly between ``lowest`` and the shell.
    launch : tuple of float
        Quantiles as in :class:`Family`.
    mass, radius : float
        Of every satellite [kg, m].
    """

    constellation: Annotated[int, BeforeValidator(_constellation)]
    number: Count
    inclination: Positive
    height: Positive
    spread: Positive
    planes: Count
    raising: Share
    lowest: Positive
    launch: Five
    mass: Positive
    radius: Positive


class Families(NamedTuple):
    """All families, by the class of their objects."""

    constellation_shells: tuple[ConstellationShell, ...]
    payloads: tuple[Family, ...]
    rocket_bodies: tuple[Family, ...]
    mission_related: tuple[Family, ...]
    fragments: tuple[Cloud, ...]


@cache
def synthetic_families() -> Families:
    """The families of the package."""
    return read_families(_FILE)


def read_families(path: Path) -> Families:
    """Read families from a TOML file.

    Raises
    ------
    InputError
        the file cannot be read, or its values are not as :class:`Families` describes them.
    """
    try:
        return TypeAdapter(Families).validate_python(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, tomllib.TOMLDecodeError, ValidationError) as error:
        raise InputError(f"cannot read the families of the synthetic population from {path}: {error}") from error
