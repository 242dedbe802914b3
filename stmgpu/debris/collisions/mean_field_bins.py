"""What the mean-field rates are made of: a population in shells, bins of inclination, classes of mass, and parties.

``mean_field_kernels`` and, in NumPy, ``mean_field_reference`` solve it;
:mod:`stmgpu.debris.collisions.mean_field` has the method.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stmgpu.constants import EARTH
from stmgpu.debris.collisions.crossing import kernel_table
from stmgpu.debris.shells import shell_volumes
from stmgpu.time import YEAR_S

Array = NDArray[np.float64]
Numbers = NDArray[np.int64]

INCLINATION_BINS = 90
MASS_CLASSES, OWN_CLASSES = 2, 4
"""Classes a decade of the partners' masses, and of an object's own mass; their edges do not depend on who is there."""

CATASTROPHIC_J_KG = 4e4
"""Energy a kilogram of the heavier object from which on both break up (Johnson et al. 2001) [J/kg]."""

ROUNDING = 1e-12
"""Who meets nobody but itself is left with this share of it at most."""


@dataclass(frozen=True)
class Solved:
    """Rates of a field [1/a].

    Attributes
    ----------
    rates
        [3, n] of one object of each row: collisions, catastrophic ones, fragments.
    by_shell
        [2, shells] collisions and catastrophic ones of all objects; a pair counts once.
    free
        collisions of all objects if nobody avoided anybody.
    """

    rates: Array
    by_shell: Array
    free: float


@dataclass(frozen=True)
class Field:
    """A population of n objects as the solvers see it.

    Attributes
    ----------
    a_km, ecc, radius_m, mass_kg, weight
        [n].
    party, factors
        party of each object [n], and the factor on encounters between two parties [parties, parties].
    groups, group
        rows of ``factors`` that differ [groups, parties], and the one of each party [parties]: parties of one group
        see the same partners.
    edges_km, centres_km, scale
        shells: radii between them, in their middles, and rates per unit of k and m^2 [1/a].
    bin, k
        bin of inclination [n] among those that occur, and how often two of them meet [groups of speed, bins, bins].
    partner_class, own_class
        classes of mass [n] among those that occur.
    """

    a_km: Array
    ecc: Array
    radius_m: Array
    mass_kg: Array
    weight: Array
    party: Numbers
    factors: Array
    groups: Array
    group: Numbers
    edges_km: Array
    centres_km: Array
    scale: Array
    bin: Numbers
    k: Array
    partner_class: Numbers
    own_class: Numbers
    _squares: Array
    _speeds: Array
    _masses: tuple[Array, Array]
    _min_length_m: float

    @classmethod
    def of(
        cls, columns: tuple[Array, ...], party: Numbers, factors: Array, edges_km: Array, min_length_m: float
    ) -> Field:
        """The field of a_km, ecc, inc_rad, radius_m, mass_kg, weight [n each] in these parties and shells."""
        a, e, inc, radius, mass, weight = columns
        centres = 0.5 * (edges_km[1:] + edges_km[:-1])
        speeds = np.sqrt(EARTH.mu_km3_s2 / centres)
        k, squares = kernel_table(INCLINATION_BINS)
        bins = np.clip((inc / np.pi * INCLINATION_BINS).astype(np.int64), 0, INCLINATION_BINS - 1)
        occupied, number = numbered(bins, INCLINATION_BINS)
        partner_class, partner_mass = _classes(mass, weight, MASS_CLASSES)
        own_class, own_mass = _classes(mass, weight, OWN_CLASSES)
        groups, group = np.unique(factors, axis=0, return_inverse=True)
        return cls(
            a,
            e,
            radius,
            mass,
            weight,
            party,
            factors,
            groups,
            group.ravel(),
            edges_km,
            centres,
            np.pi * 1e-6 * YEAR_S * speeds / shell_volumes(edges_km),
            number,
            np.ascontiguousarray(k[:, occupied[:, None], occupied]),
            partner_class,
            own_class,
            squares,
            speeds,
            (partner_mass, own_mass),
            min_length_m,
        )

    def outcomes(self, crowd: Array) -> Array:
        """Whether catastrophic, and fragments, of a collision [groups of speed, partner classes, own classes, 2].

        ``crowd`` [shells] are objects in each shell, for the mean square of the speeds. Johnson et al. (2001), with the
        mass of a cratering m_p v^2 (ODQN 15-4).
        """
        # no dot products here and below: from 10,000 elements on BLAS starts threads for them
        mean_square = float((crowd * self._speeds**2).sum() / max(crowd.sum(), 1e-300))
        square = (self._squares * mean_square)[:, None, None]
        partner, own = self._masses
        heavy = np.maximum(partner[:, None], own)[None]
        light = np.minimum(partner[:, None], own)[None]
        catastrophic = 0.5 * light * square * 1e6 >= CATASTROPHIC_J_KG * heavy
        broken = np.where(catastrophic, heavy + light, np.minimum(light * square, heavy + light))
        return np.stack([catastrophic.astype(np.float64), 0.1 * broken**0.75 * self._min_length_m**-1.71], axis=-1)

    def total(self, moments: Array, own: Array) -> float:
        """Collisions of all objects if nobody avoided anybody [1/a].

        ``moments`` [3, shells, bins] are those of all objects, ``own`` [n] what the objects of each row meet of
        themselves.
        """
        met = np.stack([m @ self.k.sum(axis=0) for m in moments[:2]])
        pairs = ((2.0 * (met[0] * moments[2] + met[1] * moments[1])).sum(axis=1) * self.scale).sum()
        alone = own.sum() >= (1.0 - ROUNDING) * pairs
        return 0.0 if alone else float(0.5 * (pairs - own.sum()))


def numbered(values: Numbers, count: int) -> tuple[Numbers, Numbers]:
    """Which of 0 ... count - 1 occur, and the number among these of each value."""
    present = np.bincount(values, minlength=count) > 0
    number: Numbers = (np.cumsum(present) - 1)[values]
    return np.flatnonzero(present), number


def _classes(mass: Array, weight: Array, a_decade: int) -> tuple[Numbers, Array]:
    """Class of each mass, even in its logarithm, and the mean mass of each class; empty ones are left out."""
    number = np.floor(np.log10(np.maximum(mass, 1e-12)) * a_decade).astype(np.int64)
    number -= number.min()
    number = numbered(number, int(number.max()) + 1)[1]
    sums = np.bincount(number, weight)
    return number, np.bincount(number, weight * mass) / np.maximum(sums, 1e-300)
