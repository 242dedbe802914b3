"""Mean-field collision rates: expected rates of a whole population without sampling and without pairs.

Nodes, perigees and anomalies are taken as uniform. An object spends the share f_s of its period in shell s of volume
V_s; there its encounters with objects of other inclinations follow from the kernel k of
:mod:`stmgpu.debris.collisions.crossing`::

    rate_i = sum_s f_is / V_s  v_s  sum_b k(b_i, b)  sum_(j in b) w_j f_js pi (r_i + r_j)^2

The sum over j is computed once, from the moments sum w f, sum w f r and sum w f r^2 of every shell, bin of inclination
and class of mass: the cost grows with objects and shells, not with pairs, and sizes are exact. Whether a collision is
catastrophic, and the number of its fragments, depend on classes of both masses and 4 groups of speed.

Bias. Objects are spread evenly within a shell; neighbours that keep their altitudes to less than its thickness meet
more often than computed. Within a bin of inclination (2 degrees) k is a mean. The relative speed of eccentric orbits
is that of circular ones times sqrt((v^2 / v_s^2 + 1) / 2) for each of the two, exact for one of them at
a right angle and close to it elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.debris.collisions import mean_field_reference
from stmgpu.debris.collisions.mean_field_bins import BinnedPopulation, Rates, numbered
from stmgpu.debris.collisions.mean_field_kernels import Solver
from stmgpu.debris.shells import WIDE_SHELL_RADII_KM, checked_edges, divide_shells
from stmgpu.errors import InputError, counted

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from stmgpu.backend import Backend
    from stmgpu.typing import Bools, Floats, Ints

_CONTROLLED, _TRACKABLE, _UNSEEN = 0, 1, 2


@dataclass(frozen=True)
class MeanField:
    """Expected rates of a population [1/a].

    Attributes
    ----------
    rate, catastrophic_rate : ndarray of float64
        [n] collisions of one object of each row.
    fragment_rate : ndarray of float64
        [n] fragments of at least ``min_length_m`` from them.
    shell_catastrophic, shell_cratering : ndarray of float64
        [shells] collisions of all objects.
    edges_km : ndarray of float64
        Radii between the shells [shells + 1].
    total, total_catastrophic : float
        Collisions of all objects; a pair counts once.
    total_without_avoidance : float
        The same without avoidance, including those between satellites of one constellation.
    """

    rate: Floats
    catastrophic_rate: Floats
    fragment_rate: Floats
    shell_catastrophic: Floats
    shell_cratering: Floats
    edges_km: Floats
    total: float
    total_catastrophic: float
    total_without_avoidance: float

    @property
    def crash_clock_days(self) -> float:
        """Mean time to a collision without avoidance [d] (Thiele, Heiland, Boley and Lawler 2025)."""
        return 365.25 / self.total_without_avoidance if self.total_without_avoidance > 0.0 else np.inf


def mean_field(
    a_km: ArrayLike,
    ecc: ArrayLike,
    inc_rad: ArrayLike,
    radius_m: ArrayLike,
    mass_kg: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    edges_km: ArrayLike = WIDE_SHELL_RADII_KM,
    thickness_km: float = 10.0,
    controlled: ArrayLike | None = None,
    length_m: ArrayLike | None = None,
    intact: ArrayLike | None = None,
    avoided: ArrayLike | None = None,
    constellation: ArrayLike | None = None,
    avoidance: float = 1.0,
    avoidance_both: float = 1.0,
    trackable_m: float = 0.1,
    min_length_m: float = 0.1,
    backend: Backend | Solver | None = None,
) -> MeanField:
    """Compute expected collision rates of all objects with each other.

    Parameters
    ----------
    a_km, ecc, inc_rad : array_like
        Mean elements [n].
    radius_m, mass_kg : array_like
        Radius of the circle that collides, and mass [n].
    weight : array_like, optional
        Number of objects that a row represents [n], default 1; a row of weight 2 meets itself once.
    edges_km : array_like
        Radii of the edges of the shells of the result [shells + 1]; encounters outside are ignored.
    thickness_km : float
        Largest thickness of the shells of the computation, into which those of the result are divided: thinner ones
        have less bias.
    controlled, length_m : array_like, optional
        Which objects can avoid others [n], and lengths [n, m], of which those from ``trackable_m`` can be avoided;
        without ``controlled`` there is no avoidance.
    intact, avoided : array_like, optional
        just-in-time avoidance: which objects are intact [n], and each object's factor on encounters with these [n].
    constellation : array_like, optional
        -1, or number of a constellation, whose controlled members never meet each other [n].
    avoidance, avoidance_both : float
        Factors on pairs one of which, or both of which, can avoid the other.
    trackable_m, min_length_m : float
        Smallest length that is avoided, and of the fragments that are counted.
    backend : Backend or Solver, optional
        a backend, or a solver, which keeps its memory between calls; default NumPy, with the same result up to
        rounding.

    Examples
    --------
    Two satellites of 2 m at 800 km collide once in 4 million years:

    >>> rates = mean_field([7178.0, 7178.0], [0.001, 0.001], [1.2, 1.4], [1.0, 1.0], [800.0, 800.0])
    >>> f"{1.0 / rates.total:.1e} years, {rates.total_catastrophic / rates.total:.1%} of them catastrophic"
    '3.9e+06 years, 100.0% of them catastrophic'
    """
    columns = [np.ascontiguousarray(v, np.float64) for v in (a_km, ecc, inc_rad, radius_m, mass_kg)]
    n = len(columns[0])
    w = np.ones(n) if weight is None else np.ascontiguousarray(weight, np.float64)
    edges, shell = divide_shells(checked_edges(edges_km), thickness_km)
    for name, column in zip(("a_km", "ecc", "inc_rad", "radius_m", "mass_kg", "weight"), [*columns, w], strict=True):
        if column.shape != (n,) or not np.isfinite(column).all():
            raise InputError(f"mean_field: {name} must hold {counted(n, 'finite number')}, got shape {column.shape}")
    if n == 0:
        none = np.zeros(int(shell[-1]) + 1)
        return MeanField(np.zeros(0), np.zeros(0), np.zeros(0), none, none, checked_edges(edges_km), 0.0, 0.0, 0.0)
    steers = np.zeros(n, bool) if controlled is None else np.asarray(controlled).astype(bool)
    seen = np.ones(n, bool) if length_m is None else np.asarray(length_m) >= trackable_m
    role = np.where(steers, _CONTROLLED, np.where(seen, _TRACKABLE, _UNSEEN))
    factors = np.array([[avoidance_both, avoidance, 1.0], [avoidance, 1.0, 1.0], [1.0, 1.0, 1.0]])
    whole = np.zeros(n, bool) if intact is None else np.asarray(intact).astype(bool)
    factor = np.ones(n) if avoided is None else np.asarray(avoided, np.float64)
    parties = _parties(role, factors, intact=whole, avoided=factor)
    solved = _solve(BinnedPopulation.of((*columns, w), *parties, edges, min_length_m), backend)
    rates, by_shell = solved.rates, solved.by_shell
    if constellation is not None and steers.any() and avoidance_both > 0.0:
        names = np.where(steers, np.asarray(constellation), -1)
        for name in np.unique(names[names >= 0]):
            members = np.flatnonzero(names == name)
            inner = tuple(c[members] for c in (*columns, w))
            a, e = inner[:2]
            low = max(int(np.searchsorted(edges, (a * (1.0 - e)).min(), side="right")) - 1, 0)
            high = min(int(np.searchsorted(edges, (a * (1.0 + e)).max(), side="right")), len(edges) - 1)
            if low < high:
                parties = _parties(role[members], factors, intact=whole[members], avoided=factor[members])
                among = _solve(BinnedPopulation.of(inner, *parties, edges[low : high + 1], min_length_m), backend)
                rates[:, members] -= among.rates
                by_shell[:, low:high] -= among.by_shell
        rates, by_shell = np.maximum(rates, 0.0), np.maximum(by_shell, 0.0)
    every, shattering = (np.bincount(shell, part).astype(np.float64) for part in by_shell)
    # no dot products: above 10,000 elements BLAS would start threads
    total, catastrophic = (float(0.5 * (w * rates[c]).sum()) for c in (0, 1))
    return MeanField(
        rate=rates[0],
        catastrophic_rate=rates[1],
        fragment_rate=rates[2],
        shell_catastrophic=shattering,
        shell_cratering=np.maximum(every - shattering, 0.0),
        edges_km=checked_edges(edges_km),
        total=total,
        total_catastrophic=catastrophic,
        total_without_avoidance=solved.free,
    )


def _solve(population: BinnedPopulation, backend: Backend | Solver | None) -> Rates:
    if backend is None:
        return mean_field_reference.solve(population)
    return (backend if isinstance(backend, Solver) else Solver(backend)).solve(population)


def _parties(role: Ints, factors: Floats, *, intact: Bools, avoided: Floats) -> tuple[Ints, Floats]:
    """Party of each object [n], and the factor on encounters between two parties [parties, parties].

    A pair's factor is that of their roles, times avoided_i if j is intact, times avoided_j if i is intact.
    """
    if (avoided == 1.0).all():  # then being intact makes no difference
        roles, party = numbered(role, len(factors))
        return party, factors[roles[:, None], roles]
    parties, party = np.unique(np.column_stack([role, intact, avoided]), axis=0, return_inverse=True)
    roles, whole, factor = parties[:, 0].astype(np.int64), parties[:, 1] > 0.0, parties[:, 2]
    jointly = np.where(whole, factor[:, None], 1.0) * np.where(whole[:, None], factor, 1.0)
    return party.ravel(), factors[roles[:, None], roles] * jointly
