"""Binning of a population for mean-field collision rates: shells, inclinations, classes of mass, and parties.

:mod:`.mean_field` describes the method; ``mean_field_kernels`` and ``mean_field_reference`` compute the rates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.constants import EARTH
from stmgpu.debris.collisions.crossing import kernel_table
from stmgpu.debris.shells import shell_volumes
from stmgpu.time import YEAR_S

if TYPE_CHECKING:
    from stmgpu.typing import Floats, Ints

INCLINATION_BINS = 90
MASS_CLASSES, OWN_CLASSES = 2, 4
"""Classes per decade of the partners' masses and of an object's own mass; edges do not depend on the population."""

CATASTROPHIC_J_KG = 4e4
"""Energy per mass of the heavier object above which both are shattered (Johnson et al. 2001) [J/kg]."""

ROUNDING = 1e-12
"""Relative rounding error of a rate after the object itself is subtracted; a smaller rest counts as 0."""


@dataclass(frozen=True)
class Rates:
    """Rates of a binned population [1/a].

    Attributes
    ----------
    rates : ndarray of float64
        [3, n] of one object of each row: collisions, catastrophic ones, fragments.
    by_shell : ndarray of float64
        [2, shells] collisions and catastrophic ones of all objects; a pair counts once.
    free : float
        Collisions of all objects without avoidance.
    """

    rates: Floats
    by_shell: Floats
    free: float


@dataclass(frozen=True)
class BinnedPopulation:
    """A population of n objects in bins, ready for the solvers.

    Attributes
    ----------
    a_km, ecc, radius_m, mass_kg, weight : ndarray of float64
        [n].
    party, factors : ndarray of int64 or ndarray of float64
        Party of each object [n], and the factor on encounters between two parties [parties, parties]: objects of one
        party avoid others, and are avoided, alike.
    groups, group : ndarray of float64 or ndarray of int64
        Rows of ``factors`` that differ [groups, parties], and the one of each party [parties]: parties of one group
        see the same partners.
    edges_km, centres_km, scale : ndarray of float64
        Shells: radii between them, in their middles, and rates per unit of k and m^2 [1/a].
    bin, k : ndarray of int64 or ndarray of float64
        Bin of inclination [n] among those that occur, and the kernel of :mod:`.crossing` between two of them
        [groups of speed, bins, bins].
    partner_class, own_class : ndarray of int64
        Classes of mass [n] among those that occur.
    """

    a_km: Floats
    ecc: Floats
    radius_m: Floats
    mass_kg: Floats
    weight: Floats
    party: Ints
    factors: Floats
    groups: Floats
    group: Ints
    edges_km: Floats
    centres_km: Floats
    scale: Floats
    bin: Ints
    k: Floats
    partner_class: Ints
    own_class: Ints
    _squares: Floats
    _speeds: Floats
    _masses: tuple[Floats, Floats]
    _min_length_m: float

    @classmethod
    def of(
        cls, columns: tuple[Floats, ...], party: Ints, factors: Floats, edges_km: Floats, min_length_m: float
    ) -> BinnedPopulation:
        """Bin a_km, ecc, inc_rad, radius_m, mass_kg, weight [n each] by parties and shells."""
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

    def outcomes(self, crowd: Floats) -> Floats:
        """Catastrophic (0 or 1) and number of fragments of a collision, by groups of speed and both classes of mass.

        N = 0.1 M^0.75 L^-1.71 (Johnson et al. 2001) with M = m_1 + m_2 if m_light v^2 / 2 >= 40 J/g m_heavy, otherwise
        M = m_light v^2 (ODQN 15-4).

        Parameters
        ----------
        crowd : ndarray of float64
            [shells] objects in each shell, for the mean square of the speeds.

        Returns
        -------
        ndarray of float64, shape (groups of speed, partner classes, own classes, 2)
        """
        # no dot products here and below: above 10,000 elements BLAS would start threads
        mean_square = float((crowd * self._speeds**2).sum() / max(crowd.sum(), 1e-300))
        square = (self._squares * mean_square)[:, None, None]
        partner, target = self._masses
        heavy = np.maximum(partner[:, None], target)[None]
        light = np.minimum(partner[:, None], target)[None]
        catastrophic = 0.5 * light * square * 1e6 >= CATASTROPHIC_J_KG * heavy
        broken = np.where(catastrophic, heavy + light, np.minimum(light * square, heavy + light))
        return np.stack([catastrophic.astype(np.float64), 0.1 * broken**0.75 * self._min_length_m**-1.71], axis=-1)

    def total(self, moments: Floats, own: Floats) -> float:
        """Collisions of all objects without avoidance [1/a].

        ``moments`` [3, shells, bins] are those of all objects; ``own`` [n] are encounters of each row with itself,
        which the moments include.
        """
        # sum over pairs of k (r_i + r_j)^2 = 2 (sum k * sum r^2 + (sum k r) * sum r), by moments of powers of r
        partners = np.stack([m @ self.k.sum(axis=0) for m in moments[:2]])
        pairs = ((2.0 * (partners[0] * moments[2] + partners[1] * moments[1])).sum(axis=1) * self.scale).sum()
        alone = own.sum() >= (1.0 - ROUNDING) * pairs
        return 0.0 if alone else float(0.5 * (pairs - own.sum()))


def numbered(values: Ints, count: int) -> tuple[Ints, Ints]:
    """Values of 0 ... count - 1 that occur, and the index among them of each value."""
    present = np.bincount(values, minlength=count) > 0
    number: Ints = (np.cumsum(present) - 1)[values]
    return np.flatnonzero(present), number


def _classes(mass: Floats, weight: Floats, a_decade: int) -> tuple[Ints, Floats]:
    """Class of each mass, evenly spaced in its logarithm, and the mean mass of each class that occurs."""
    number = np.floor(np.log10(np.maximum(mass, 1e-12)) * a_decade).astype(np.int64)
    number -= number.min()
    number = numbered(number, int(number.max()) + 1)[1]
    sums = np.bincount(number, weight)
    return number, np.bincount(number, weight * mass) / np.maximum(sums, 1e-300)
