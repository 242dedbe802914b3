"""How a breakup is drawn: fragments, budgets of mass, remnants, velocities. The rules stand in breakup.py."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr, ndtri_exp

from stmgpu.debris.breakup.area_to_mass import Bridge, draw_chi, mean_mass_to_area
from stmgpu.debris.breakup.fragments import Body, Breakup, Fragments
from stmgpu.debris.breakup.size_law import (
    EXPONENT,
    LARGEST_M,
    SMALLEST_M,
    Event,
    area_of_length,
    coefficient,
    draw_length,
    largest_length,
    unit_mass,
)

Floats = NDArray[np.float64]

SPEED_CAP = 1.3
"""Largest speed of a collision's fragment relative to its parent, in speeds of impact."""

FEWEST_REMNANTS, MOST_REMNANTS = 2, 8

_MEAN_SPEED: dict[Event, tuple[float, float]] = {"collision": (0.9, 2.9), "explosion": (0.2, 1.85)}
_SPEED_SIGMA = 0.4


@dataclass
class Side:
    """One parent, the share of M and the mass that it sheds [kg]; what of it is below the shortest length, and left."""

    body: Body
    share: float
    sheds_kg: float
    below_kg: float = 0.0
    left_kg: float = 0.0


@dataclass(frozen=True)
class Law:
    """What a breakup draws its fragments from; ``low_m`` to ``high_m`` is empty where all would be too short."""

    event: Event
    bridge: Bridge
    factor: float
    low_m: float
    high_m: float
    min_length_m: float

    @staticmethod
    def of(strength: float, mass_kg: float, body: Body, event: Event, min_length_m: float, bridge: Bridge) -> Law:
        """The law up to 1 m, to the length of the (heavier) body, and to where the mass is used up."""
        high = float(largest_length(strength, mass_kg, body.rocket_body, event, bridge))
        high = min(high, LARGEST_M, body.length_m)
        return Law(event, bridge, float(coefficient(strength, event)), min(min_length_m, high), high, min_length_m)

    @property
    def count(self) -> float:
        """Mean number of fragments."""
        b = EXPONENT[self.event]
        return max(self.factor * (self.low_m**-b - self.high_m**-b), 0.0)

    def mass(self, body: Body, low_m: float, high_m: float) -> float:
        """Expected mass between two lengths if all fragments were of this body [kg]."""
        return self.factor * float(unit_mass(body.rocket_body, low_m, high_m, self.event, self.bridge))

    def mean_mass(self, body: Body, length_m: float) -> float:
        """Mean mass of a fragment of this length [kg]."""
        return float(area_of_length(length_m) * mean_mass_to_area(length_m, body.rocket_body, self.bridge))


@dataclass(frozen=True)
class Pieces:
    """Fragments or remnants before they move: lengths, masses, and whose they are (0 heavier, 1 lighter body)."""

    length_m: Floats
    mass_kg: Floats
    side: NDArray[np.int8]

    def of(self, k: int) -> NDArray[np.bool_]:
        """Which belong to one side."""
        return self.side == k


def whole_number(mean: float, rng: np.random.Generator) -> int:
    """A whole number next to ``mean``, with that expectation."""
    low = int(mean)
    return low + int(rng.random() < mean - low)


def light_odds(law: Law, light: Side) -> tuple[float, float]:
    """Length up to which fragments may be of the lighter body, and the probability that such a one is."""
    limit = min(max(light.body.length_m, law.low_m), law.high_m)
    budget = light.sheds_kg - light.below_kg
    eligible = law.mass(light.body, law.low_m, limit)
    if eligible <= 0.0 or budget < 0.5 * law.mean_mass(light.body, law.low_m):  # not worth a single fragment
        return limit, 0.0
    wanted = min(light.share * law.mass(light.body, law.low_m, law.high_m), budget)
    return limit, min(wanted / eligible, 1.0)


def deposit(law: Law, sides: tuple[Side, ...], rng: np.random.Generator) -> Pieces:
    """Draw the fragments and fit each parent's into its budget; the sides know afterwards what is left."""
    count = whole_number(law.count, rng)
    length = draw_length(count, law.low_m, law.high_m, rng, law.event)
    for side in sides:
        side.below_kg = min(side.share * law.mass(side.body, SMALLEST_M, law.low_m), side.sheds_kg)
    owner = np.zeros(count, np.int8)
    rocket: NDArray[np.bool_] | bool = sides[0].body.rocket_body
    if len(sides) == 2:
        limit, odds = light_odds(law, sides[1])
        owner[(length <= limit) & (rng.random(count) < odds)] = 1
        if sides[1].body.rocket_body != rocket:
            rocket = np.array([side.body.rocket_body for side in sides])[owner]
    mass = area_of_length(length) / 10.0 ** draw_chi(length, rocket, rng, law.bridge)
    for k, side in enumerate(sides):
        mine = owner == k
        budget, sum_kg = side.sheds_kg - side.below_kg, mass[mine].sum()
        if sum_kg > budget:
            # a breakup worth less than one fragment has, now and then, a whole one: the cloud lacks it
            mean = law.mass(side.body, law.low_m, law.high_m) / law.count
            mass[mine] = cut(mass[mine], max(budget, min(mean, side.sheds_kg)))
            sum_kg = mass[mine].sum()
            side.below_kg = min(side.below_kg, max(side.sheds_kg - sum_kg, 0.0))
        side.left_kg = max(side.sheds_kg - side.below_kg - sum_kg, 0.0)
    return Pieces(length, mass, owner)


def cut(mass_kg: Floats, budget_kg: float) -> Floats:
    """Masses with the heaviest cut to one common mass, so that their sum is at most the budget."""
    if mass_kg.sum() <= budget_kg:
        return mass_kg
    ordered = np.sort(mass_kg)
    lighter = np.concatenate([[0.0], np.cumsum(ordered)[:-1]])
    level = (budget_kg - lighter) / np.arange(len(ordered), 0, -1)
    return np.minimum(mass_kg, level[np.argmax(level <= ordered)])


def remnants_of_shattered(law: Law, sides: tuple[Side, ...], pieces: Pieces, rng: np.random.Generator) -> Pieces:
    """Large remnants of what is left; too little for one goes to a side's heaviest fragment, or into the cloud."""
    numbers = _numbers(law, sides, rng)
    lengths, masses, owners = [], [], []
    for k, (side, number) in enumerate(zip(sides, numbers, strict=True)):
        part = rng.uniform(0.5, 1.5, number)
        mass = side.left_kg * part / part.sum() if number else part
        length = side.body.length_m * np.cbrt(mass / side.body.mass_kg)
        long = length >= law.min_length_m
        if not long.all() or not number:
            rest = side.left_kg - mass[long].sum()
            mine = np.flatnonzero(pieces.of(k))
            if number or not len(mine):
                side.below_kg += rest
            else:
                pieces.mass_kg[mine[np.argmax(pieces.mass_kg[mine])]] += rest
        lengths.append(length[long])
        masses.append(mass[long])
        owners.append(np.full(int(long.sum()), k, np.int8))
    return Pieces(np.concatenate(lengths), np.concatenate(masses), np.concatenate(owners))


def _numbers(law: Law, sides: tuple[Side, ...], rng: np.random.Generator) -> list[int]:
    """How many remnants each side has: 2 to 8 together, as far as the masses are worth it."""
    total = int(rng.integers(FEWEST_REMNANTS, MOST_REMNANTS + 1))
    worth = [whole_number(side.left_kg / law.mean_mass(side.body, law.high_m), rng) for side in sides]
    left = sum(side.left_kg for side in sides)
    if len(sides) == 1 or left <= 0.0:
        return [min(total, w) for w in worth]
    second = min(max(whole_number(total * sides[1].left_kg / left, rng), 1), total - 1, worth[1])
    return [min(total - second, worth[0]), second]


def remnants_of_crater(sides: tuple[Side, ...], pieces: Pieces) -> Pieces:
    """The cratered target, and a projectile that a slow bump has not used up."""
    lengths, masses, owners = [], [], []
    for k, side in enumerate(sides):
        if side.sheds_kg >= side.body.mass_kg:  # a projectile that is used up: what its fragments lack is in them
            mine = np.flatnonzero(pieces.of(k))
            if len(mine):
                pieces.mass_kg[mine[np.argmax(pieces.mass_kg[mine])]] += side.left_kg
            else:
                side.below_kg += side.left_kg
            continue
        mass = side.body.mass_kg - side.below_kg - pieces.mass_kg[pieces.of(k)].sum()
        lengths.append(side.body.length_m * np.cbrt(mass / side.body.mass_kg))
        masses.append(mass)
        owners.append(k)
    return Pieces(np.array(lengths), np.array(masses), np.array(owners, np.int8))


def finish(
    law: Law,
    sides: tuple[Side, ...],
    pieces: Pieces,
    remnants: Pieces,
    rng: np.random.Generator,
    fastest_km_s: float,
    available_mj: float,
    catastrophic: bool,
    energy_j_g: float,
    swapped: bool,
) -> Breakup:
    """Set everything in motion, balance the momentum of each side, and carry no more energy than there is."""
    length = np.concatenate([pieces.length_m, remnants.length_m])
    mass = np.concatenate([pieces.mass_kg, remnants.mass_kg])
    side = np.concatenate([pieces.side, remnants.side])
    remnant = np.arange(len(mass)) >= len(pieces.mass_kg)
    area = area_of_length(length)
    ratio = area / mass
    velocity = draw_velocity(np.log10(ratio), rng, law.event, fastest_km_s)
    if not catastrophic:
        velocity[remnant] = 0.0  # what is cratered recoils from its fragments and no more
    scale = max(float(mass @ np.sqrt(np.einsum("kx,kx->k", velocity, velocity))), np.finfo(np.float64).tiny)
    drawn, residual, carried = np.zeros(3), np.zeros(3), 0.0
    for k, parent in enumerate(sides):
        mine = side == k
        momentum = mass[mine] @ velocity[mine]
        mean = momentum / (mass[mine].sum() + parent.below_kg)
        velocity[mine] -= mean
        drawn += momentum
        residual += mass[mine] @ velocity[mine] - parent.below_kg * mean
        carried += 0.5 * (
            float(mass[mine] @ np.einsum("kx,kx->k", velocity[mine], velocity[mine]))
            + parent.below_kg * float(mean @ mean)
        )
    if carried > available_mj:  # the law of speeds knows no energies: slow impacts come to this
        velocity *= np.sqrt(available_mj / carried) * (1.0 - 1e-12)  # below it in any order of summation
    return Breakup(
        length_m=length,
        area_m2=area,
        area_to_mass=ratio,
        mass_kg=mass,
        delta_v_km_s=velocity,
        parent=1 - side if swapped else side,
        remnant=remnant,
        catastrophic=catastrophic,
        energy_j_g=energy_j_g,
        mass_in_kg=sum(s.body.mass_kg for s in sides),
        mass_below_kg=sum(s.below_kg for s in sides),
        momentum_drawn=float(np.linalg.norm(drawn)) / scale,
        momentum_residual=float(np.linalg.norm(residual)) / scale,
    )


def draw_velocity(chi: Floats, rng: np.random.Generator, event: Event, fastest_km_s: float | Floats) -> Floats:
    """Velocities relative to the parent [n, 3] km/s: lognormal speeds up to a limit, isotropic directions."""
    slope, offset = _MEAN_SPEED[event]
    mean, count = slope * chi + offset - 3.0, len(chi)
    with np.errstate(divide="ignore"):  # no speed of impact: no speed of fragments
        highest = (np.log10(fastest_km_s) - mean) / _SPEED_SIGMA
        below = np.log(1.0 - rng.random(count)) + log_ndtr(highest)
    speed = 10.0 ** (mean + _SPEED_SIGMA * ndtri_exp(below))
    up, turn = rng.uniform(-1.0, 1.0, count), rng.uniform(0.0, 2.0 * np.pi, count)
    level = speed * np.sqrt(1.0 - up * up)
    return np.stack([level * np.cos(turn), level * np.sin(turn), speed * up], axis=1)


def sampled(
    count: int,
    mass: Floats,
    rocket: NDArray[np.bool_],
    longest: Floats,
    speed: Floats,
    second: tuple[Floats, Floats, NDArray[np.bool_]],
    rng: np.random.Generator,
    min_length_m: float,
    bridge: Bridge,
    event: Event,
) -> Fragments:
    """Single fragments, each of its own breakup; ``second``: share, length and kind of the lighter bodies."""
    share, length_2, rocket_2 = second
    high = np.minimum(longest, LARGEST_M)
    if event == "collision":
        high = np.minimum(high, largest_length(mass, mass, rocket, event, bridge))
    high = np.maximum(high, min_length_m)
    length = draw_length(count, min_length_m, high, rng, event)
    limit = np.clip(length_2, min_length_m, high)
    whole, eligible = (
        np.where(
            rocket_2,
            unit_mass(True, min_length_m, top, event, bridge),
            unit_mass(False, min_length_m, top, event, bridge),
        )
        for top in (high, limit)
    )
    odds = np.divide(share * whole, eligible, out=np.zeros(count), where=eligible > 0.0)
    of_second = (length <= limit) & (rng.random(count) < odds)
    area = area_of_length(length)
    weight = area / 10.0 ** draw_chi(length, np.where(of_second, rocket_2, rocket), rng, bridge)
    if event == "collision":
        weight = np.minimum(weight, mass)
    ratio = area / weight
    velocity = draw_velocity(np.log10(ratio), rng, event, SPEED_CAP * speed if event == "collision" else np.inf)
    return Fragments(length, area, ratio, weight, velocity, of_second.astype(np.int8))
