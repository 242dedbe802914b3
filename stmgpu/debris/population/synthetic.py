"""Synthetic population: seeded, with published proportions, for studies without a file.

It has the counts by class, heights, inclinations, eccentricities, masses, sizes and launch dates of what was tracked
with perigees between 200 and 2,000 km on 2023-01-01, drawn from the families of
:mod:`.synthetic_families`. Nodes, perigees and anomalies are random but for the planes of the large
constellations. For another epoch all dates move with it: the picture stays, ages are kept.

**Fragments from 1 to 10 cm** come on top where they are asked for. At any time 328,207 of them are between 200 and
2,000 km: spatial densities of ESA's MASTER, which MIT ARCLab publishes with its source-sink models, times volumes. They
are drawn from the same clouds as the larger ones, with the same shares of collisions and explosions:

* Lengths follow the power laws of the breakup model, with exponents of 1.71 for collisions and 1.6 for explosions
  (Johnson et al. 2001). Continued from the larger fragments of this population they would give 18 % more than the
  published number, which holds here: the density of lengths steps down at 10 cm, by 28 and 7 %.
* Inclinations and eccentricities are those of the larger fragments. Perigees are weighted by exp(height / 400 km), for
  small fragments have larger area-to-mass ratios, and low ones have gone. Without it the numbers in shells of 100 km
  are off from MASTER's by factors from 2.9 too many (400 km) to 5 too few (1,900 km); with it they come to within 30 %
  from 300 to 1,300 km and within a factor of 2.1 above.
* Area-to-mass ratios and masses follow from the lengths by the breakup model, as with the larger fragments.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from stmgpu.constants import EARTH
from stmgpu.debris.breakup.size_law import EXPONENT, Event, draw_length
from stmgpu.debris.population.assembly import assemble
from stmgpu.debris.population.missions import MISSION_YEARS
from stmgpu.debris.population.population import Kind, Population
from stmgpu.debris.population.synthetic_families import (
    Cloud,
    ConstellationShell,
    Family,
    synthetic_families,
)
from stmgpu.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stmgpu.typing import Floats

Columns = dict[str, NDArray[Any]]

REFERENCE_YEAR = 2023.0
"""Epoch of the published counts."""

SMALLEST_M, TRACKED_M = 0.01, 0.1
"""Lengths between which small fragments are added [m]."""

SMALL_FRAGMENTS = 328_207
"""Fragments of 1 to 10 cm that are between 200 and 2,000 km at any time (MASTER)."""

LOWEST_PERIGEE_KM, HIGHEST_PERIGEE_KM = 200.0, 2000.0

_SEVEN = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
_FIVE = (0.0, 0.25, 0.5, 0.75, 1.0)
_MAX_ECC = 0.7
_SHELL_ECC = 1.9e-4
_Z95 = 1.6448536269514722  # 95 % quantile of the normal distribution
_LIFT_KM = 400.0  # height over which small fragments become e times as many, compared with large ones
_IN_LEO = 0.9784  # share of their time that small fragments spend between 200 and 2,000 km
_MOST = 50_000_000
_PERIGEE_ECC = -0.3  # correlation of perigee and log e within a cloud: fragments stay near the height of the breakup


def synthetic_population(
    objects: int | None = None,
    seed: int = 0,
    year: float | None = None,
    *,
    constellations: bool = True,
    mission_years: float = MISSION_YEARS,
    rng: np.random.Generator | None = None,
    min_length_m: float | None = None,
) -> Population:
    """Draw a population of n objects with perigees between 200 and 2,000 km.

    Parameters
    ----------
    objects : int, optional
        How many of 10 cm and larger; the published 19,085, or 15,263 without the large constellations, where not given.
        Other numbers keep the proportions.
    seed : int
        Same seed, same population.
    year : float, optional
        Epoch, decimal year; 2023.0 where not given.
    constellations : bool
        Whether Starlink and OneWeb are in it, as they were at the beginning of 2023.
    mission_years : float
        Life of payloads that are in no constellation.
    rng : Generator, optional
        Random numbers, instead of ``seed``.
    min_length_m : float, optional
        0.01 to 0.1: fragments between this length and 10 cm come on top, as many as published, times ``objects`` over
        the published number of objects. The others are the same with and without them. 0.1 and more, or not given:
        none.

    Returns
    -------
    Population
        in the order payloads, rocket bodies, mission-related objects, fragments, members of constellations, small
        fragments.

    Raises
    ------
    InputError
        fewer than 2 objects, or more than 50,000,000 with the small ones; a ``min_length_m`` below 0.01.

    Examples
    --------
    >>> population = synthetic_population(1000, seed=7)
    >>> len(population), population.epoch_year
    (1000, 2023.0)
    """
    families = synthetic_families()
    groups: list[tuple[Kind, Family | Cloud | ConstellationShell]] = [
        *((Kind.DERELICT, f) for f in families.payloads),
        *((Kind.ROCKET_BODY, f) for f in families.rocket_bodies),
        *((Kind.MISSION_RELATED, f) for f in families.mission_related),
        *((Kind.COLLISION_FRAGMENT if f.collision else Kind.EXPLOSION_FRAGMENT, f) for f in families.fragments),
        *((Kind.DERELICT, s) for s in families.constellation_shells if constellations),
    ]
    published = sum(group.number for _, group in groups)
    total = published if objects is None else int(objects)
    if total < 2:
        raise InputError(f"a synthetic population of {total} objects is too small; use 2 or more")
    small = _small_numbers(families.fragments, min_length_m, total / published)
    if total + sum(small) > _MOST:
        raise InputError(
            f"a synthetic population of {total:,} objects and {sum(small):,} small fragments is too "
            f"large; at most {_MOST:,} are possible: use fewer objects, or a longer min_length_m"
        )
    epoch = REFERENCE_YEAR if year is None else float(year)
    random = np.random.default_rng(seed) if rng is None else rng
    parts = []
    for (kind, group), count in zip(groups, _shares([g.number for _, g in groups], total), strict=True):
        if isinstance(group, ConstellationShell):
            part = _shell(group, count, random)
        elif isinstance(group, Cloud):
            part = _cloud(group, count, random)
        else:
            part = _family(group, count, random)
        parts.append({"kind": np.full(count, kind, np.int8), **part})
    notes = (
        f"synthetic: proportions of the {published:,} objects tracked with perigees between 200 and 2,000 km on "
        "2023-01-01; fragments but those of four known clouds count as explosion fragments; sizes and masses of "
        "fragments by the breakup model from 10 cm up",
    )
    tracked = _assembled(parts, epoch, random, mission_years, notes)
    if min_length_m is None or not sum(small):
        return tracked
    parts = [
        _small_cloud(cloud, count, min_length_m, random) for cloud, count in zip(families.fragments, small, strict=True)
    ]
    notes = (
        f"synthetic: {sum(small):,} fragments of {min_length_m:g} to {TRACKED_M:g} m on top, in proportion to the "
        f"{SMALL_FRAGMENTS:,} of 1 to 10 cm that MASTER has between 200 and 2,000 km; lengths by the power laws "
        "of the breakup model, orbits those of the larger fragments, weighted to greater heights",
    )
    return Population.concatenate([tracked, _assembled(parts, epoch, random, mission_years, notes)])


def _assembled(
    parts: Sequence[Columns], epoch: float, rng: np.random.Generator, mission_years: float, notes: tuple[str, ...]
) -> Population:
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    columns["launch_year"] += epoch - REFERENCE_YEAR
    population = assemble(epoch, columns, rng, "synthetic", mission_years=mission_years, notes=notes)
    # nothing counts as filled in: all values are drawn by design
    return dataclasses.replace(population, filled=np.zeros(len(population), np.int8), notes=notes)


def _shares(counts: Sequence[float], total: int) -> list[int]:
    """Whole numbers in the proportion of ``counts`` that sum to ``total``: the largest remainders are rounded up."""
    exact = np.array(counts, np.float64) * total / sum(counts)
    whole = np.floor(exact).astype(np.int64)
    order = np.argsort(whole - exact, kind="stable")
    whole[order[: total - int(whole.sum())]] += 1
    return [int(n) for n in whole]


def _family(family: Family, count: int, rng: np.random.Generator) -> Columns:
    """Intact objects: mass first, then the cross-section that its area-to-mass ratio gives."""
    if isinstance(family.mass, tuple):
        mass = np.exp(np.interp(rng.random(count), _SEVEN, np.log(family.mass)))
    else:
        mass = np.full(count, float(family.mass))
    ratio = np.exp(_split_normal(np.log(family.area_to_mass), rng.standard_normal(count)))
    launch = np.interp(rng.random(count), _FIVE, family.launch)
    return {
        **_orbits(family, count, rng),
        "launch_year": launch,
        "mass_kg": mass,
        "radius_m": np.sqrt(ratio * mass / np.pi),
        **_rest(count, rng),
    }


def _cloud(cloud: Cloud, count: int, rng: np.random.Generator, place: Floats | None = None) -> Columns:
    """Fragments: their sizes are left to the breakup model."""
    if isinstance(cloud.launch, tuple):
        launch = np.interp(rng.random(count), _FIVE, cloud.launch)
    else:
        launch = np.full(count, float(cloud.launch))
    rest = _rest(count, rng)
    rest["rocket_body_parent"] = rng.random(count) < cloud.rocket_bodies
    return {
        **_orbits(cloud, count, rng, place),
        "launch_year": launch,
        "mass_kg": np.zeros(count),
        "radius_m": np.zeros(count),
        **rest,
    }


def _event(cloud: Cloud) -> Event:
    return "collision" if cloud.collision else "explosion"


def _small_numbers(clouds: Sequence[Cloud], min_length_m: float | None, scale: float) -> list[int]:
    """Fragments shorter than 10 cm of each cloud."""
    if min_length_m is not None and not min_length_m >= SMALLEST_M:
        raise InputError(
            f"min_length_m = {min_length_m} is too small for a synthetic population, which has no "
            f"fragments below {SMALLEST_M} m; use {SMALLEST_M} or more"
        )
    if min_length_m is None or min_length_m >= TRACKED_M:
        return [0] * len(clouds)
    weights = np.zeros(len(clouds))
    for event in EXPONENT:
        number = np.array([cloud.number * (_event(cloud) == event) for cloud in clouds], np.float64)
        lifted = number * [_lifted(cloud)[1][-1] for cloud in clouds]
        at_top, at_length, at_bottom = (x ** -EXPONENT[event] for x in (TRACKED_M, min_length_m, SMALLEST_M))
        weights += lifted * number.sum() / lifted.sum() * (at_length - at_top) / (at_bottom - at_top)
    each = SMALL_FRAGMENTS / _IN_LEO * scale / sum(cloud.number for cloud in clouds)  # small ones for a large one
    return _shares(weights.tolist(), round(float(weights.sum()) * each))


def _lifted(cloud: Cloud) -> tuple[Floats, Floats]:
    """Intervals between the quantiles of a cloud's heights, which are even within each: widths in units of the lift,
    and the weight up to the end of each."""
    height = np.array(cloud.height, np.float64) / _LIFT_KM
    width = np.diff(height)
    mean = np.where(width > 0.0, np.expm1(width) / np.where(width > 0.0, width, 1.0), 1.0)
    return width, np.cumsum(np.diff(_SEVEN) * np.exp(height[:-1]) * mean)


def _small_cloud(cloud: Cloud, count: int, min_length_m: float, rng: np.random.Generator) -> Columns:
    """Fragments shorter than 10 cm: those of the cloud, weighted to greater heights."""
    width, sums = _lifted(cloud)
    at = rng.random(count) * sums[-1]
    k = np.minimum(np.searchsorted(sums, at, side="right"), len(sums) - 1)
    w, u = width[k], rng.random(count)
    inside = np.where(w > 0.0, np.log1p(u * np.expm1(w)) / np.where(w > 0.0, w, 1.0), u)
    quantile = np.interp(k + inside, np.arange(len(_SEVEN)), _SEVEN)
    return {
        **_cloud(cloud, count, rng, ndtri(quantile)),
        "kind": np.full(count, Kind.COLLISION_FRAGMENT if cloud.collision else Kind.EXPLOSION_FRAGMENT, np.int8),
        "length_m": draw_length(count, low_m=min_length_m, high_m=TRACKED_M, rng=rng, event=_event(cloud)),
    }


def _shell(shell: ConstellationShell, count: int, rng: np.random.Generator) -> Columns:
    """Satellites in evenly spaced planes, evenly spaced within each; some on their way."""
    number = np.arange(count)
    plane = number % shell.planes
    per_plane = max(1, -(-count // shell.planes))
    height = shell.height + shell.spread * rng.uniform(-1.0, 1.0, count)
    away = rng.random(count) < shell.raising
    height[away] = rng.uniform(shell.lowest, shell.height, int(away.sum()))
    phase = number // shell.planes / per_plane + plane / count
    rest = _rest(count, rng)
    rest["raan_rad"] = 2.0 * np.pi * plane / shell.planes
    rest["mean_rad"] = np.where(away, rest["mean_rad"], 2.0 * np.pi * phase - rest["argp_rad"])
    rest["constellation"] = np.full(count, shell.constellation, np.int32)
    return {
        "a_km": height + EARTH.radius_km,
        "ecc": _SHELL_ECC * np.exp(0.28 * rng.standard_normal(count)),
        "inc_rad": np.radians(shell.inclination + 0.003 * rng.standard_normal(count)),
        "launch_year": np.interp(rng.random(count), _FIVE, shell.launch),
        "mass_kg": np.full(count, shell.mass),
        "radius_m": np.full(count, shell.radius),
        **rest,
    }


def _orbits(group: Family | Cloud, count: int, rng: np.random.Generator, place: Floats | None = None) -> Columns:
    """Semi-major axes, eccentricities and inclinations of a family; ``place``: normal deviates of the height."""
    z = rng.standard_normal((3, count))
    if place is not None:
        z[0] = place
    tie = _PERIGEE_ECC if isinstance(group, Cloud) else 0.0
    height = np.interp(ndtr(z[0]), _SEVEN, group.height) + rng.uniform(-0.5, 0.5, count)
    ecc = np.exp(_split_normal(np.log(group.ecc), tie * z[0] + np.sqrt(1.0 - tie**2) * z[1]))
    inclination = np.clip(_split_normal(group.inclination, z[2]), 0.05, 179.0)
    low, high = (EARTH.radius_km + h for h in (LOWEST_PERIGEE_KM + 0.5, HIGHEST_PERIGEE_KM - 0.5))
    if isinstance(group, Cloud) or group.perigee:
        ecc = np.minimum(ecc, _MAX_ECC)
        axis = np.clip(height + EARTH.radius_km, low, high) / (1.0 - ecc)
    else:
        axis = np.clip(height + EARTH.radius_km, low / (1.0 - 1e-5), None)
        ecc = np.clip(ecc, np.maximum(1.0 - high / axis, 0.0), 1.0 - low / axis)
    return {"a_km": axis, "ecc": ecc, "inc_rad": np.radians(inclination)}


def _rest(count: int, rng: np.random.Generator) -> Columns:
    turn = 2.0 * np.pi
    return {
        "raan_rad": rng.uniform(0.0, turn, count),
        "argp_rad": rng.uniform(0.0, turn, count),
        "mean_rad": rng.uniform(0.0, turn, count),
        "constellation": np.full(count, -1, np.int32),
        "rocket_body_parent": np.zeros(count, np.bool_),
    }


def _split_normal(quantiles: Sequence[float] | Floats, z: Floats) -> Floats:
    """Normal deviates to a distribution of given quantiles at 5, 50 and 95 %: two halves of normal distributions."""
    low, middle, high = (float(q) for q in quantiles)
    return middle + np.clip(z, -3.0, 3.0) * np.where(z < 0.0, middle - low, high - middle) / _Z95
