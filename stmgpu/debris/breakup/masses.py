r"""Masses of the pieces of one breakup: fragments within the budget of each parent, and remnants of what is left.

Fragments of ``min_length_m`` and longer are drawn. The expected mass of shorter ones, ``mass_below_kg``, is taken from
each parent in proportion to what it sheds: m_below = share * f * int_{1 mm}^{min_length} E[m | L] n(L) dL, where
f n(L) is the power law of :mod:`stmgpu.debris.breakup.size_law`. The mass of every parent is conserved:

    m_parent = fragments + remnants + m_below

* *Catastrophic collision, explosion.* Fragments and a few large remnants make up what is left of the parent. From 2
  to 8 remnants are drawn, but no more than their mass is worth in mean fragments of the largest length; a mass too
  small for one is added to the heaviest fragment. Remnants have the density of their parent, so
  L_c = L_parent (m / m_parent)^(1/3). (Krisko 2011 states this for catastrophic collisions; here explosions do the
  same.)
* *Cratering.* What the fragments do not carry away stays in the target: one remnant. A projectile gives half of M and
  at most itself. Above 1.41 km/s nothing is left of it, and a mass that its fragments lack is added to the heaviest of
  them or to the mass below. In slower impacts it stays as a second remnant: the model, made for fast impacts, would
  merge both bodies.
* *Too much mass drawn.* Where the fragments of a parent weigh more than its budget, the heaviest are limited to one
  common mass so that the sum fits. Their number and lengths stay as drawn; discarding fragments would lower their
  number. Where the whole budget is worth less than one fragment, a fragment that is drawn nevertheless takes its mass
  from the mass below.

**Parents.** A fragment longer than the lighter body belongs to the heavier body. The lighter body gets at random as
many of the others as make the expected mass of its fragments proportional to what it sheds; every fragment follows the
area-to-mass law of its own parent. (ESA's implementation fills the heavier body first. With rocket bodies, whose
fragments make up a quarter of the mass, the lighter body would then shed nothing. NASA's results in the comparison of
the IADC of 2006 have 97 % and 3 % of the fragments from 1,000 and 10 kg.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.debris.breakup.area_to_mass import Bridge, draw_chi, mean_mass_to_area
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

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from stmgpu.debris.breakup.fragments import Body
    from stmgpu.typing import Bools, Floats

FEWEST_REMNANTS, MOST_REMNANTS = 2, 8


@dataclass
class Parent:
    """A body that breaks and the balance of its mass.

    Attributes
    ----------
    body : Body
        The body.
    share, sheds_kg : float
        Its share of M, and the mass that it sheds.
    below_kg : float
        Mass of its fragments below the shortest length.
    left_kg : float
        Mass of its remnants.
    """

    body: Body
    share: float
    sheds_kg: float
    below_kg: float = 0.0
    left_kg: float = 0.0


@dataclass(frozen=True)
class FragmentLaw:
    """Distribution of the fragments of one breakup.

    Attributes
    ----------
    event, bridge : str
        Kind of breakup, and law between small and large fragments.
    factor : float
        Factor of the power law.
    low_m, high_m : float
        Shortest and longest fragment; equal where all fragments would be shorter than ``min_length_m``.
    min_length_m : float
        Shortest length that is asked for.
    """

    event: Event
    bridge: Bridge
    factor: float
    low_m: float
    high_m: float
    min_length_m: float

    @staticmethod
    def of(
        strength: float, *, mass_kg: float, body: Body, event: Event, min_length_m: float, bridge: Bridge
    ) -> FragmentLaw:
        """The law up to 1 m, the length of the heavier body, and the length at which the mass is used up."""
        high = float(largest_length(strength, mass_kg, rocket_body=body.rocket_body, event=event, bridge=bridge))
        high = min(high, LARGEST_M, body.length_m)
        return FragmentLaw(
            event=event,
            bridge=bridge,
            factor=float(coefficient(strength, event)),
            low_m=min(min_length_m, high),
            high_m=high,
            min_length_m=min_length_m,
        )

    @property
    def count(self) -> float:
        """Mean number of fragments, f (low^-b - high^-b)."""
        b = EXPONENT[self.event]
        return max(self.factor * float(self.low_m**-b - self.high_m**-b), 0.0)

    def mass(self, body: Body, low_m: float, high_m: float) -> float:
        """Expected mass between two lengths if all fragments were of this body [kg]."""
        unit = unit_mass(low_m, high_m, rocket_body=body.rocket_body, event=self.event, bridge=self.bridge)
        return self.factor * float(unit)

    def mean_mass(self, body: Body, length_m: float) -> float:
        """Mean mass of a fragment of this length [kg]."""
        return float(
            area_of_length(length_m) * mean_mass_to_area(length_m, rocket_body=body.rocket_body, bridge=self.bridge)
        )


@dataclass(frozen=True)
class Pieces:
    """Fragments or remnants: lengths, masses, and their parents (0 the heavier, 1 the lighter body)."""

    length_m: Floats
    mass_kg: Floats
    parent: NDArray[np.int8]

    def of(self, parent: int) -> Bools:
        """Mask of the pieces of one parent."""
        return np.asarray(self.parent == parent)

    def add_to_heaviest(self, parent: int, mass_kg: float) -> bool:
        """Add mass to the heaviest piece of a parent; False where it has no piece."""
        pieces = np.flatnonzero(self.of(parent))
        if not len(pieces):
            return False
        self.mass_kg[pieces[np.argmax(self.mass_kg[pieces])]] += mass_kg
        return True


def whole_number(mean: float, rng: np.random.Generator) -> int:
    """One of the two whole numbers next to ``mean``, with ``mean`` as expectation."""
    low = int(mean)
    return low + int(rng.random() < mean - low)


def lighter_parent_odds(law: FragmentLaw, lighter: Parent) -> tuple[float, float]:
    """Length up to which fragments may be of the lighter body, and the probability that a shorter fragment is."""
    limit = min(max(lighter.body.length_m, law.low_m), law.high_m)
    budget = lighter.sheds_kg - lighter.below_kg
    eligible = law.mass(lighter.body, law.low_m, limit)
    if eligible <= 0.0 or budget < 0.5 * law.mean_mass(lighter.body, law.low_m):  # not worth a single fragment
        return limit, 0.0
    wanted = min(lighter.share * law.mass(lighter.body, law.low_m, law.high_m), budget)
    return limit, min(wanted / eligible, 1.0)


def draw_fragments(law: FragmentLaw, parents: tuple[Parent, ...], rng: np.random.Generator) -> Pieces:
    """Draw the fragments within the budget of each parent; sets ``below_kg`` and ``left_kg`` of the parents."""
    count = whole_number(law.count, rng)
    length = draw_length(count, low_m=law.low_m, high_m=law.high_m, rng=rng, event=law.event)
    for parent in parents:
        parent.below_kg = min(parent.share * law.mass(parent.body, SMALLEST_M, law.low_m), parent.sheds_kg)
    of_parent = np.zeros(count, np.int8)
    rocket: Bools | bool = parents[0].body.rocket_body
    if len(parents) == 2:
        limit, odds = lighter_parent_odds(law, parents[1])
        of_parent[(length <= limit) & (rng.random(count) < odds)] = 1
        if parents[1].body.rocket_body != rocket:
            rocket = np.array([parent.body.rocket_body for parent in parents])[of_parent]
    # m = A / (A/M), with A(L) by equations 8 and 9 and A/M = 10^chi
    mass = area_of_length(length) / 10.0 ** draw_chi(length, rocket_body=rocket, rng=rng, bridge=law.bridge)
    for k, parent in enumerate(parents):
        mine = of_parent == k
        budget, sum_kg = parent.sheds_kg - parent.below_kg, mass[mine].sum()
        if sum_kg > budget:
            # a budget below one fragment still gets a whole fragment now and then, at the cost of the mass below
            mean = law.mass(parent.body, law.low_m, law.high_m) / law.count
            mass[mine] = limit_masses(mass[mine], max(budget, min(mean, parent.sheds_kg)))
            sum_kg = mass[mine].sum()
            parent.below_kg = min(parent.below_kg, max(parent.sheds_kg - sum_kg, 0.0))
        parent.left_kg = max(parent.sheds_kg - parent.below_kg - sum_kg, 0.0)
    return Pieces(length, mass, of_parent)


def limit_masses(mass_kg: Floats, budget_kg: float) -> Floats:
    """Limit the heaviest masses to one common value, so that the sum is at most the budget.

    With the masses in ascending order m_1 .. m_n, the common value is c_k = (budget - sum_{i<k} m_i) / (n - k + 1) for
    the first k with c_k <= m_k.
    """
    if mass_kg.sum() <= budget_kg:
        return mass_kg
    ordered = np.sort(mass_kg)
    lighter = np.concatenate([[0.0], np.cumsum(ordered)[:-1]])
    level = (budget_kg - lighter) / np.arange(len(ordered), 0, -1)
    limited: Floats = np.minimum(mass_kg, level[np.argmax(level <= ordered)])
    return limited


def shattered_remnants(
    law: FragmentLaw, parents: tuple[Parent, ...], fragments: Pieces, rng: np.random.Generator
) -> Pieces:
    """Draw the large remnants of shattered bodies.

    What is too small for a remnant is added to the heaviest fragment of the parent, or to its mass below.
    """
    numbers = _remnant_numbers(law, parents, rng)
    lengths, masses, of_parent = [], [], []
    for k, (parent, number) in enumerate(zip(parents, numbers, strict=True)):
        part = rng.uniform(0.5, 1.5, number)
        mass = parent.left_kg * part / part.sum() if number else part
        length = parent.body.length_m * np.cbrt(mass / parent.body.mass_kg)
        long = length >= law.min_length_m
        if not long.all() or not number:
            rest = parent.left_kg - mass[long].sum()
            if number or not fragments.add_to_heaviest(k, rest):
                parent.below_kg += rest
        lengths.append(length[long])
        masses.append(mass[long])
        of_parent.append(np.full(int(long.sum()), k, np.int8))
    return Pieces(np.concatenate(lengths), np.concatenate(masses), np.concatenate(of_parent))


def _remnant_numbers(law: FragmentLaw, parents: tuple[Parent, ...], rng: np.random.Generator) -> list[int]:
    """Numbers of remnants of the parents: 2 to 8 together, no more than their masses are worth."""
    total = int(rng.integers(FEWEST_REMNANTS, MOST_REMNANTS + 1))
    worth = [whole_number(parent.left_kg / law.mean_mass(parent.body, law.high_m), rng) for parent in parents]
    left = sum(parent.left_kg for parent in parents)
    if len(parents) == 1 or left <= 0.0:
        return [min(total, w) for w in worth]
    second = min(max(whole_number(total * parents[1].left_kg / left, rng), 1), total - 1, worth[1])
    return [min(total - second, worth[0]), second]


def crater_remnants(parents: tuple[Parent, ...], fragments: Pieces) -> Pieces:
    """The cratered target, and a projectile that a slow impact has not used up."""
    lengths, masses, of_parent = [], [], []
    for k, parent in enumerate(parents):
        if parent.sheds_kg >= parent.body.mass_kg:  # used up: what the fragments lack is added to one of them
            if not fragments.add_to_heaviest(k, parent.left_kg):
                parent.below_kg += parent.left_kg
            continue
        mass = parent.body.mass_kg - parent.below_kg - fragments.mass_kg[fragments.of(k)].sum()
        lengths.append(parent.body.length_m * np.cbrt(mass / parent.body.mass_kg))
        masses.append(mass)
        of_parent.append(k)
    return Pieces(np.array(lengths), np.array(masses), np.array(of_parent, np.int8))
