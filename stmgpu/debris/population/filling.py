"""Filling in of masses, sizes and area-to-mass ratios that a source does not state, by class and with a note.

Known values are kept. For intact objects missing ones follow from the median mass and the median area-to-mass ratio of
the known objects of the class or, if fewer than `ENOUGH` are known, from log-normal distributions. Lengths of fragments
are drawn by the power law of the breakup model from 10 cm, and area-to-mass ratios by its distribution (Johnson et al.
2001), given that the fragment has not decayed: see :func:`survivors_weight`. B* is never used: read as a ballistic
coefficient it gives debris a median area-to-mass ratio of 0.007 m^2/kg, an order of magnitude below radar measurements.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from stmgpu.debris.breakup.area_to_mass import draw_chi
from stmgpu.debris.breakup.size_law import Event, area_of_length, draw_length, length_of_mass
from stmgpu.debris.population.missions import STATION_KG
from stmgpu.debris.population.population import FILLED_AREA, FILLED_MASS, FILLED_RADIUS, Kind
from stmgpu.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike, NDArray

    from stmgpu.typing import Bools, Floats, Ints

ENOUGH = 20
"""Number of known objects of a class from which their median is used."""

SMALLEST_M, LARGEST_M = 0.1, 1.0
"""Range of lengths that are drawn for fragments of unknown size, those of catalogued objects [m]."""

PLURALS = {
    Kind.ACTIVE: "active payloads", Kind.DERELICT: "derelict payloads", Kind.ROCKET_BODY: "rocket bodies",
    Kind.MISSION_RELATED: "mission-related objects", Kind.EXPLOSION_FRAGMENT: "explosion fragments",
    Kind.COLLISION_FRAGMENT: "collision fragments", Kind.UNATTRIBUTED: "unattributed debris",
}  # fmt: skip

_LOG_NORMAL = {
    # class: mean and sd of log10(mass [kg]), mean and sd of log10(A/m [m^2/kg]); tracked objects of 2023-01-01 whose
    # mass and size DISCOS states, constellations left out
    Kind.ACTIVE: (1.73, 1.08, -1.64, 0.35),
    Kind.DERELICT: (1.73, 1.08, -1.64, 0.35),
    Kind.ROCKET_BODY: (2.95, 0.55, -2.00, 0.20),
    Kind.MISSION_RELATED: (1.20, 1.10, -1.73, 0.60),
}
_FRAGMENTS = (Kind.EXPLOSION_FRAGMENT, Kind.COLLISION_FRAGMENT, Kind.UNATTRIBUTED)
_CANDIDATES, _AT_ONCE = 32, 50_000
_LENGTH_FACTOR, _LENGTH_EXPONENT = 0.556945, 2.0047077  # of the cross-section, Johnson et al. (2001), equation 9


@dataclass(frozen=True)
class Filled:
    """Complete columns of n objects.

    Attributes
    ----------
    mass_kg, radius_m, area_to_mass, length_m : ndarray of float64
        float64 [n].
    filled : ndarray of int8
        int8 [n], bits FILLED_* of a population.
    notes : tuple
        a line for each class.
    """

    mass_kg: Floats
    radius_m: Floats
    area_to_mass: Floats
    length_m: Floats
    filled: NDArray[np.int8]
    notes: tuple[str, ...]


@dataclass
class _Part:
    """Columns of one class, 0 where not known."""

    mass: Floats
    radius: Floats
    ratio: Floats
    length: Floats


def fill_missing(
    kind: ArrayLike,
    mass_kg: ArrayLike,
    radius_m: ArrayLike,
    rng: np.random.Generator,
    *,
    area_to_mass: ArrayLike | None = None,
    length_m: ArrayLike | None = None,
    constellation: ArrayLike | None = None,
    rocket_body_parent: ArrayLike | None = None,
    stay_years: ArrayLike | None = None,
    age_years: ArrayLike | None = None,
    where: str = "population",
    first_row: int = 0,
) -> Filled:
    """Fill in missing masses, radii, area-to-mass ratios and lengths of n objects.

    Parameters
    ----------
    kind : array_like
        :class:`Kind` of each object [n].
    mass_kg, radius_m : array_like
        [n]; 0 where not known.
    rng : Generator
        Random numbers for what is drawn.
    area_to_mass, length_m : array_like, optional
        [n], m^2/kg and m; 0 where not known. Not given: not known. A known mass and radius give the area-to-mass ratio
        pi r^2 / m, and a known mass the length of an intact object (:func:`length_of_mass`): these do not count as
        filled.
    constellation : array_like, optional
        [n]; members of a constellation (0 and more) count for the medians of each other, not of other objects (-1).
    rocket_body_parent : array_like, optional
        [n]: whether the parent of a fragment is a rocket body, not a spacecraft (default).
    stay_years, age_years : array_like, optional
        [n]: lifetime of each orbit for an area-to-mass ratio of 1 m^2/kg, and years since the launch, by which the
        area-to-mass ratios of fragments are weighted (:func:`survivors_weight`). Not given: fresh fragments.
    where, first_row : str or int
        For messages: name of the source, and number of its first row.

    Returns
    -------
    Filled

    Raises
    ------
    InputError
        a negative or not finite value; the message names the row.

    Examples
    --------
    >>> from stmgpu.debris.population.population import Kind
    >>> rng = np.random.default_rng(1)
    >>> filled = fill_missing([Kind.ROCKET_BODY] * 21, [1000.0] * 20 + [0.0], [2.0] * 21, rng)
    >>> float(filled.mass_kg[20].round(6)), int(filled.filled[20])
    (1000.0, 5)
    >>> filled.notes
    ('21 rocket bodies: mass of 1 filled from radius and the class median A/m 0.0126 m^2/kg',)
    """
    kinds = np.asarray(kind)
    n = len(kinds)

    def column(values: ArrayLike | None, name: str) -> Floats:
        array = np.zeros(n) if values is None else np.array(values, np.float64)
        bad = ~(np.isfinite(array) & (array >= 0.0))
        if bad.any():
            k = int(np.flatnonzero(bad)[0])
            raise InputError(
                f"{where}: {name} in row {k + first_row} is {array[k]}; a positive number is allowed, and "
                "0 where it is not known"
            )
        return array

    mass, radius = column(mass_kg, "mass_kg"), column(radius_m, "radius_m")
    ratio, length = column(area_to_mass, "area_to_mass"), column(length_m, "length_m")
    filled = np.zeros(n, np.int8)
    both = (mass > 0.0) & (radius > 0.0) & (ratio == 0.0)
    ratio[both] = np.pi * radius[both] ** 2 / mass[both]
    member = np.full(n, -1) if constellation is None else np.asarray(constellation)
    rocket = np.zeros(n, np.bool_) if rocket_body_parent is None else np.asarray(rocket_body_parent, np.bool_)
    stay = np.full(n, np.inf) if stay_years is None else np.asarray(stay_years, np.float64)
    age = np.ones(n) if age_years is None else np.asarray(age_years, np.float64)
    notes: list[str] = []
    for k, rows, label in _groups(kinds, member, (mass > 0.0) & (ratio > 0.0)):
        part = _Part(mass[rows], radius[rows], ratio[rows], length[rows])
        if k in _FRAGMENTS:
            filled[rows], note = _fragments(k, part, rng, rocket=rocket[rows], stay=stay[rows], age=age[rows])
        else:
            # the members of a constellation that forms a group count for its medians
            filled[rows], note = _intact(k, part, (member[rows] < 0) | (member[rows] >= 0).all(), rng)
        mass[rows], radius[rows], ratio[rows], length[rows] = part.mass, part.radius, part.ratio, part.length
        notes += [f"{len(rows):,} {label}: {note}"] if note else []
    return Filled(mass, radius, ratio, length, filled, tuple(notes))


def _groups(kinds: NDArray[Any], member: NDArray[Any], known: Bools) -> Iterator[tuple[Kind, Ints, str]]:
    """Rows that share medians: classes, and constellations with enough known members."""
    for k in Kind:
        of_class = kinds == k
        if k in (Kind.ACTIVE, Kind.DERELICT):
            for index in np.unique(member[of_class & (member >= 0)]).tolist():
                inside = of_class & (member == index)
                if (known & inside).sum() >= ENOUGH:
                    yield k, np.flatnonzero(inside), f"{PLURALS[k]} of constellation {index}"
                    of_class &= ~inside
        if of_class.any():
            yield k, np.flatnonzero(of_class), PLURALS[k]


def _intact(kind: Kind, part: _Part, counts: Bools, rng: np.random.Generator) -> tuple[NDArray[np.int8], str]:
    """Fill the columns of intact objects of one class in place; return bits and a note."""
    mass, radius, ratio, length = part.mass, part.radius, part.ratio, part.length
    no_mass, no_radius, no_ratio = mass == 0.0, radius == 0.0, ratio == 0.0
    mass_mean, mass_sd, ratio_mean, ratio_sd = _LOG_NORMAL[kind]
    known_mass, known_ratio = mass[~no_mass & counts], ratio[~no_ratio & counts]
    unit = " m^2/kg"
    clauses = []
    if no_ratio.any():
        if len(known_ratio) >= ENOUGH:
            ratio[no_ratio] = np.median(known_ratio)
            basis = f"the class median A/m {np.median(known_ratio):.3g}{unit}"
        else:
            ratio[no_ratio] = 10.0 ** rng.normal(ratio_mean, ratio_sd, int(no_ratio.sum()))
            basis = f"A/m drawn around {10.0**ratio_mean:.2g}{unit} ({len(known_ratio)} known)"
    else:
        basis = "A/m as stated"
    from_radius = no_mass & ~no_radius
    mass[from_radius] = np.pi * radius[from_radius] ** 2 / ratio[from_radius]
    nothing = no_mass & no_radius
    if from_radius.any():
        clauses.append(f"mass of {int(from_radius.sum()):,} filled from radius and {basis}")
    if nothing.any():
        if len(known_mass) >= ENOUGH:
            median = float(np.median(known_mass))
            mass[nothing] = median
            clauses.append(f"mass of {int(nothing.sum()):,} filled with the class median {median:,.4g} kg")
        else:
            drawn = 10.0 ** rng.normal(mass_mean, mass_sd, int(nothing.sum()))
            mass[nothing] = np.minimum(drawn, STATION_KG)  # heavier ones are stations, and known
            clauses.append(
                f"mass of {int(nothing.sum()):,} drawn around {10.0**mass_mean:,.2g} kg ({len(known_mass)} known)"
            )
    radius[no_radius] = np.sqrt(ratio[no_radius] * mass[no_radius] / np.pi)
    if no_radius.any():
        clauses.append(f"radius of {int(no_radius.sum()):,} filled from mass and {basis}")
    unsized = length == 0.0
    length[unsized] = length_of_mass(mass[unsized])
    return _bits(no_mass, no_radius, no_ratio), "; ".join(clauses)


def survivors_weight(lifetime_years: Floats, age_years: Floats) -> Floats:
    """Probability that a fragment is still at its altitude, relative to one without drag.

    A catalogue shows fragments that have not decayed. In an exponential atmosphere of scale height H they descend at
    the speed (H / t) exp(-(h - h0) / H), t being its lifetime at h0. A fragment at h0 a time s after its breakup
    began at h with exp((h - h0) / H) = 1 + s / t. For fragments created evenly over altitude, the density at h0 is
    therefore 1 / (1 + s / t) of that without drag. The date of a breakup is not recorded; with s uniform from 0 to the
    time T since the launch, the mean is

        w = (t / T) ln(1 + T / t).
    """
    ratio = np.clip(lifetime_years / np.maximum(age_years, 1e-3), 1e-300, 1e12)
    weight: Floats = ratio * np.log1p(1.0 / ratio)
    return weight


def _surviving_chi(length: Floats, rocket: Bools, stay: Floats, age: Floats, rng: np.random.Generator) -> Floats:
    """Draw log10 of area-to-mass ratios by the breakup model, weighted by :func:`survivors_weight`.

    Of `_CANDIDATES` draws for each fragment one is chosen in proportion to its weight (sampling and importance
    resampling, Rubin 1988).
    """
    if np.isinf(stay).all():
        return draw_chi(length, rocket_body=rocket, rng=rng)
    if len(length) > _AT_ONCE:
        parts = [slice(k, k + _AT_ONCE) for k in range(0, len(length), _AT_ONCE)]
        return np.concatenate([_surviving_chi(length[p], rocket[p], stay[p], age[p], rng) for p in parts])
    count = len(length)
    chi = draw_chi(np.tile(length, _CANDIDATES), rocket_body=np.tile(rocket, _CANDIDATES), rng=rng).reshape(
        _CANDIDATES, count
    )
    weight = survivors_weight(stay / 10.0**chi, np.broadcast_to(age, chi.shape))
    total = np.cumsum(weight, axis=0)
    chosen = (total < rng.random(count) * total[-1]).sum(axis=0)
    drawn: Floats = chi[np.minimum(chosen, _CANDIDATES - 1), np.arange(count)]
    return drawn


def _fragments(
    kind: Kind, part: _Part, rng: np.random.Generator, *, rocket: Bools, stay: Floats, age: Floats
) -> tuple[NDArray[np.int8], str]:
    """Fill the columns of fragments of one class in place; return bits and a note."""
    mass, radius, ratio, length = part.mass, part.radius, part.ratio, part.length
    no_mass, no_radius, no_ratio = mass == 0.0, radius == 0.0, ratio == 0.0
    sized = length > 0.0
    has_area = ~sized & (~no_radius | (~no_mass & ~no_ratio))
    area = np.where(no_radius, mass * ratio, np.pi * radius**2)
    length[has_area] = (area[has_area] / _LENGTH_FACTOR) ** (1.0 / _LENGTH_EXPONENT)
    has_mass = ~sized & ~has_area & ~no_mass
    length[has_mass] = length_of_mass(mass[has_mass])
    drawn = length == 0.0
    event: Event = "collision" if kind == Kind.COLLISION_FRAGMENT else "explosion"
    length[drawn] = draw_length(int(drawn.sum()), low_m=SMALLEST_M, high_m=LARGEST_M, rng=rng, event=event)
    ratio[no_ratio] = 10.0 ** _surviving_chi(length[no_ratio], rocket[no_ratio], stay[no_ratio], age[no_ratio], rng)
    by_length = no_mass & no_radius
    radius[by_length] = np.sqrt(area_of_length(length[by_length]) / np.pi)
    by_mass = no_radius & ~no_mass
    radius[by_mass] = np.sqrt(ratio[by_mass] * mass[by_mass] / np.pi)
    mass[no_mass] = np.pi * radius[no_mass] ** 2 / ratio[no_mass]
    clauses = []
    if drawn.any():
        clauses.append(f"size of {int(drawn.sum()):,} drawn by the {event} law from {SMALLEST_M * 100:.0f} cm up")
    if no_ratio.any():
        which = "" if np.isinf(stay).all() else ", given that they have not decayed yet"
        clauses.append(f"A/m of {int(no_ratio.sum()):,} drawn by the breakup model{which}")
    if no_mass.any():
        clauses.append(f"mass of {int(no_mass.sum()):,} from these")
    return _bits(no_mass, no_radius, no_ratio), "; ".join(clauses)


def _bits(no_mass: Bools, no_radius: Bools, no_ratio: Bools) -> NDArray[np.int8]:
    bits = FILLED_MASS * no_mass + FILLED_RADIUS * no_radius + FILLED_AREA * (no_ratio & (no_mass | no_radius))
    return np.asarray(bits, np.int8)
