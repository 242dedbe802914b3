"""Expected rates of collision of a whole population, without looking at pairs: cheap, without noise, once a year.

Nodes, perigees and anomalies are taken as uniform. An object spends the share f_s of its period in shell s of volume
V_s; there it meets objects of other inclinations as :mod:`stmgpu.debris.crossing` says::

    rate_i = sum_s f_is / V_s  v_s  sum_b k(b_i, b)  sum_(j in b) w_j f_js pi (r_i + r_j)^2

The sum over j is made once, from the moments sum w f, sum w f r and sum w f r^2 of every shell, bin of inclination and
class of mass, so that the cost grows with objects and shells, not with pairs; sizes are exact. Whether a collision is
catastrophic, and how many fragments it makes, goes by classes of both masses and 4 groups of speed.

Bias. Within a shell objects are spread evenly, so neighbours that keep their altitudes better than a shell is thick
meet more often than is counted. Within a bin of inclination (2 degrees) k is a mean. The relative speed of eccentric
orbits is taken as that of circular ones times sqrt((v^2 / v_s^2 + 1) / 2) for each of the two, exact for one of them at
a right angle and close to it elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from stmgpu.constants import EARTH_RADIUS_KM, MU_KM3_S2
from stmgpu.debris.crossing import kernel_table
from stmgpu.debris.population import YEAR_S
from stmgpu.errors import InputError

Array = NDArray[np.float64]

INCLINATION_BINS = 90
MASS_CLASSES = 12
"""Classes of the partners' masses."""

OWN_CLASSES = 32
"""Classes of an object's own mass."""

RADII_KM = EARTH_RADIUS_KM + np.arange(150.0, 2050.1, 50.0)
"""Radii between the shells of a result, unless others are given."""

CATASTROPHIC_J_KG = 4e4
"""Energy a kilogram of the heavier object from which on both break up (Johnson et al. 2001) [J/kg]."""

_CONTROLLED, _TRACKABLE, _UNSEEN = 0, 1, 2
_CIRCULAR = 1e-9
_ROUNDING = 1e-12


@dataclass(frozen=True)
class MeanField:
    """Expected rates of a population [1/a].

    Attributes
    ----------
    rate, catastrophic_rate
        [n] collisions of one object of each row.
    fragment_rate
        [n] fragments of at least ``min_length_m`` from them.
    shell_catastrophic, shell_cratering
        [shells] collisions of all objects.
    edges_km
        radii between the shells [shells + 1].
    total, total_catastrophic
        collisions of all objects; a pair counts once.
    total_without_avoidance
        the same if nobody avoided anybody, with those between satellites of one constellation.
    """

    rate: Array
    catastrophic_rate: Array
    fragment_rate: Array
    shell_catastrophic: Array
    shell_cratering: Array
    edges_km: Array
    total: float
    total_catastrophic: float
    total_without_avoidance: float

    @property
    def crash_clock_days(self) -> float:
        """Mean time to a collision if nobody avoided anybody [d] (Thiele, Heiland, Boley and Lawler 2025)."""
        return 365.25 / self.total_without_avoidance if self.total_without_avoidance > 0.0 else np.inf


def shell_shares(a_km: ArrayLike, ecc: ArrayLike, edges_km: ArrayLike) -> Array:
    """Share of its period that an object spends in each radial shell: its effective number there.

    [M(r2) - M(r1)] / pi with M = E - e sin E, cos E = (1 - r/a) / e.

    Parameters
    ----------
    a_km, ecc
        semi-major axes [n, km] and eccentricities [n].
    edges_km
        radii between the shells, increasing [shells + 1, km].

    Returns
    -------
    float64 [n, shells].

    Examples
    --------
    >>> shell_shares([7000.0, 7000.0], [0.0, 0.01], [6900.0, 7000.0, 7100.0]).round(3).tolist()
    [[0.0, 1.0], [0.497, 0.503]]
    """
    result: Array = occupancy(a_km, ecc, edges_km).toarray()
    return result


def occupancy(a_km: ArrayLike, ecc: ArrayLike, edges_km: ArrayLike) -> Any:
    """:func:`shell_shares` as a sparse matrix (scipy CSR), which has a few entries a row."""
    a, e, edges = np.asarray(a_km, np.float64), np.asarray(ecc, np.float64), _edges(edges_km)
    shells, n = len(edges) - 1, len(a)
    first = np.searchsorted(edges, a * (1.0 - e), side="right") - 1
    last = np.searchsorted(edges, a * (1.0 + e), side="right") - 1
    inside = (last >= 0) & (first < shells)
    first, last = np.clip(first, 0, shells - 1), np.clip(last, 0, shells - 1)
    count = np.where(inside, last - first + 1, 0)
    ends = np.cumsum(count)
    row = np.repeat(np.arange(n), count)
    column = np.arange(ends[-1] if n else 0) - np.repeat(ends - count, count) + np.repeat(first, count)
    lower = _passed(edges[column], a[row], e[row])
    # the upper edge of a shell is the lower one of the next, except for the last of a row
    upper = np.empty_like(lower)
    upper[:-1] = lower[1:]
    final = ends[count > 0] - 1
    rows = np.flatnonzero(count)
    upper[final] = _passed(edges[last[rows] + 1], a[rows], e[rows])
    return sparse.csr_array((upper - lower, column, np.append(0, ends)), shape=(n, shells))


def _passed(radius: Array, a: Array, e: Array) -> Array:
    """Share of half a revolution, from the perigee up, that lies below a radius; circles count where they are."""
    eccentric = e > _CIRCULAR
    cosine = np.where(eccentric, (1.0 - radius / a) / np.where(eccentric, e, 1.0), np.where(radius > a, -1.0, 1.0))
    cosine = np.clip(cosine, -1.0, 1.0)
    result: Array = (np.arccos(cosine) - e * np.sqrt(1.0 - cosine**2)) / np.pi
    return result


def shell_volumes(edges_km: ArrayLike) -> Array:
    """Volume of each spherical shell [shells, km^3].

    Examples
    --------
    >>> shell_volumes([6900.0, 7000.0, 7100.0]).round(-7).tolist()
    [60700000000.0, 62460000000.0]
    """
    result: Array = 4.0 / 3.0 * np.pi * np.diff(_edges(edges_km) ** 3)
    return result


def _thin(edges: Array, thickness_km: float) -> tuple[Array, NDArray[np.int64]]:
    """Radii between shells no thicker than this, and the shell of the given ones that each is a part of."""
    parts = np.maximum(np.ceil(np.diff(edges) / thickness_km - 1e-9).astype(np.int64), 1)
    shell = np.repeat(np.arange(len(parts)), parts)
    within = np.arange(len(shell)) - np.repeat(np.cumsum(parts) - parts, parts)
    lower = edges[shell] + within * (np.diff(edges) / parts)[shell]
    return np.append(lower, edges[-1]), shell


def mean_field(a_km: ArrayLike, ecc: ArrayLike, inc_rad: ArrayLike, radius_m: ArrayLike, mass_kg: ArrayLike,
               weight: ArrayLike | None = None, *, edges_km: ArrayLike = RADII_KM, thickness_km: float = 10.0,
               controlled: ArrayLike | None = None, length_m: ArrayLike | None = None,
               intact: ArrayLike | None = None, avoided: ArrayLike | None = None,
               constellation: ArrayLike | None = None, avoidance: float = 1.0, avoidance_both: float = 1.0,
               trackable_m: float = 0.1, min_length_m: float = 0.1) -> MeanField:
    """Expected rates of collision of all objects with each other.

    Parameters
    ----------
    a_km, ecc, inc_rad
        mean elements [n].
    radius_m, mass_kg
        radius of the circle that collides, and mass [n].
    weight
        number of objects that a row stands for [n], 1 where it is not given; a row of weight 2 meets itself once.
    edges_km
        radii between the shells of the result [shells + 1]. Nothing is counted outside.
    thickness_km
        these are divided into shells of at most this thickness for the computation: thinner ones have less bias.
    controlled, length_m
        which objects can avoid others [n], and sizes for whether they are seen [n, m]; nobody avoids where not given.
    intact, avoided
        just-in-time avoidance: which objects are intact [n], and each object's factor on encounters with these [n].
    constellation
        -1, or number of a constellation, whose controlled members never meet each other [n].
    avoidance, avoidance_both
        factors on pairs one of which, or both of which, can avoid the other.
    trackable_m, min_length_m
        smallest length that is avoided, and of the fragments that are counted.

    Examples
    --------
    Two satellites of 2 m at 800 km meet each other once in 4 million years:

    >>> found = mean_field([7178.0, 7178.0], [0.001, 0.001], [1.2, 1.4], [1.0, 1.0], [800.0, 800.0])
    >>> f"{1.0 / found.total:.1e} years, {found.total_catastrophic / found.total:.1%} of them catastrophic"
    '3.9e+06 years, 100.0% of them catastrophic'
    """
    columns = [np.ascontiguousarray(v, np.float64) for v in (a_km, ecc, inc_rad, radius_m, mass_kg)]
    n = len(columns[0])
    w = np.ones(n) if weight is None else np.ascontiguousarray(weight, np.float64)
    edges, shell = _thin(_edges(edges_km), thickness_km)
    for name, column in zip(("a_km", "ecc", "inc_rad", "radius_m", "mass_kg", "weight"), [*columns, w], strict=True):
        if column.shape != (n,) or not np.isfinite(column).all():
            raise InputError(f"mean_field: {name} must hold {n} finite numbers, got shape {column.shape}")
    if n == 0:
        none = np.zeros(int(shell[-1]) + 1)
        return MeanField(np.zeros(0), np.zeros(0), np.zeros(0), none, none, _edges(edges_km), 0.0, 0.0, 0.0)
    steers = np.zeros(n, bool) if controlled is None else np.asarray(controlled).astype(bool)
    seen = np.ones(n, bool) if length_m is None else np.asarray(length_m) >= trackable_m
    role = np.where(steers, _CONTROLLED, np.where(seen, _TRACKABLE, _UNSEEN))
    factors = np.array([[avoidance_both, avoidance, 1.0], [avoidance, 1.0, 1.0], [1.0, 1.0, 1.0]])
    whole = np.zeros(n, bool) if intact is None else np.asarray(intact).astype(bool)
    own = np.ones(n) if avoided is None else np.asarray(avoided, np.float64)
    field = _Field((*columns, w), *_parties(role, factors, whole, own), edges, min_length_m)
    rates, by_shell = field.rates()
    if constellation is not None and steers.any() and avoidance_both > 0.0:
        names = np.where(steers, np.asarray(constellation), -1)
        for name in np.unique(names[names >= 0]):
            members = np.flatnonzero(names == name)
            parties = _parties(role[members], factors, whole[members], own[members])
            inner = _Field(tuple(c[members] for c in (*columns, w)), *parties, edges, min_length_m).rates()
            rates[members] -= inner[0]
            by_shell -= inner[1]
        rates, by_shell = np.maximum(rates, 0.0), np.maximum(by_shell, 0.0)
    every, broken = (np.bincount(shell, part).astype(np.float64) for part in by_shell)
    # no dot products: from 10,000 elements on BLAS starts threads for them (see _met)
    total, catastrophic = (float(0.5 * (w * rates[:, c]).sum()) for c in (0, 1))
    return MeanField(rates[:, 0], rates[:, 1], rates[:, 2], broken, np.maximum(every - broken, 0.0),
                     _edges(edges_km), total, catastrophic, field.total())


def _parties(role: NDArray[np.int64], factors: Array, intact: NDArray[np.bool_], avoided: Array) -> tuple[
        NDArray[np.int64], Array]:
    """Number of the party of each object [n], and the factor on encounters between two parties [parties, parties].

    A pair's factor is that of their roles, times avoided_i if j is intact, times avoided_j if i is intact.
    """
    if (avoided == 1.0).all():  # whether they are intact makes no difference
        roles, party = _numbered(role, len(factors))
        return party, factors[roles[:, None], roles]
    kinds, party = np.unique(np.column_stack([role, intact, avoided]), axis=0, return_inverse=True)
    roles, whole, own = kinds[:, 0].astype(np.int64), kinds[:, 1] > 0.0, kinds[:, 2]
    jointly = np.where(whole, own[:, None], 1.0) * np.where(whole[:, None], own, 1.0)
    return party.ravel(), factors[roles[:, None], roles] * jointly


class _Field:
    """A population in shells, bins of inclination, classes of mass and parties that treat each other alike."""

    def __init__(self, columns: tuple[Array, ...], party: NDArray[np.int64], factors: Array, edges: Array,
                 min_length_m: float) -> None:
        a, e, inc, self.radius, self.mass, self.weight = columns
        self.party, self.factors = party, factors
        self.n, self.shells = len(a), len(edges) - 1
        centre = 0.5 * (edges[1:] + edges[:-1])
        speed = np.sqrt(MU_KM3_S2 / centre)
        self.scale = np.pi * 1e-6 * YEAR_S * speed / shell_volumes(edges)  # rate per unit of k and m^2 [1/a]
        share = occupancy(a, e, edges)
        self.row, self.shell = np.repeat(np.arange(self.n), np.diff(share.indptr)), share.indices
        # v^2 = v_s^2 (2 - r/a): what being faster or slower than a circle does to relative speeds
        self.share = share.data * np.sqrt(np.maximum(1.5 - 0.5 * centre[self.shell] / a[self.row], 0.0))
        k, squares = kernel_table(INCLINATION_BINS)
        bins = np.clip((inc / np.pi * INCLINATION_BINS).astype(np.int64), 0, INCLINATION_BINS - 1)
        occupied, self.bin = _numbered(bins, INCLINATION_BINS)
        self.k = np.ascontiguousarray(k[:, occupied[:, None], occupied])
        self.bins = len(occupied)
        self.cell = self.shell * self.bins + self.bin[self.row]
        self.partner_class, partner_mass = _classes(self.mass, self.weight, MASS_CLASSES)
        self.own_class, own_mass = _classes(self.mass, self.weight, OWN_CLASSES)
        crowd = np.bincount(self.shell, self.weight[self.row] * self.share, self.shells)
        mean_square = float(crowd @ speed**2 / max(crowd.sum(), 1e-300))
        self.outcomes = _outcomes(partner_mass, own_mass, squares * mean_square, min_length_m)
        self.moments = self._moments(len(partner_mass))

    def _moments(self, classes: int) -> Array:
        """sum w f, sum w f r, sum w f r^2 [3, parties, shells, bins, classes of mass]."""
        parties, cells = len(self.factors), self.bins * self.shells
        place = (self.party[self.row] * cells + self.cell) * classes + self.partner_class[self.row]
        value = self.weight[self.row] * self.share
        result = np.empty((3, parties, self.shells, self.bins, classes))
        for power in range(3):
            result[power] = np.bincount(place, value, parties * cells * classes).reshape(result.shape[1:])
            value = value * self.radius[self.row]
        return result

    def rates(self) -> tuple[Array, Array]:
        """Rate, catastrophic rate and fragments a year of each object [n, 3]; the first two by shell [2, shells]."""
        # parties with the same factors towards all others see the same partners
        rows, group = np.unique(self.factors, axis=0, return_inverse=True)
        local = np.zeros((3, len(self.row)))
        group = group.ravel()[self.party][self.row]
        for number, factors in enumerate(rows):
            entries = slice(None) if len(rows) == 1 else np.flatnonzero(group == number)
            local[:, entries] = self._met(factors, entries)
        local *= self.share * self.scale[self.shell]
        sums = np.stack([np.bincount(self.row, part, self.n) for part in local])
        own = self._own()
        rates = np.where(own < (1.0 - _ROUNDING) * sums, sums - own, 0.0)
        part = np.divide(rates, sums, out=np.zeros_like(rates), where=sums > 0.0) * (0.5 * self.weight)
        by_shell = [np.bincount(self.shell, local[c] * part[c, self.row], self.shells) for c in (0, 1)]
        return rates.T, np.stack(by_shell)

    def _met(self, factors: Array, entries: Any) -> Array:
        """Partners met by parties with these factors towards the others, times their areas, for entries of the
        occupancy [3 outcomes, entries]."""
        row = self.row[entries]
        shells, shell = _numbered(self.shell[entries], self.shells)  # those and the classes that occur
        classes, own_class = _numbered(self.own_class[row], self.outcomes.shape[2])
        cell = shell * self.bins + self.bin[row]
        place = cell * len(classes) + own_class
        moments = np.zeros((3, len(shells), *self.moments.shape[3:]))
        for party, factor in enumerate(factors):
            if factor > 0.0:
                moments += self.moments[:, party, shells] * factor
        groups, partners, _, kinds = self.outcomes.shape
        outcomes = np.ascontiguousarray(np.moveaxis(self.outcomes[:, :, classes], 3, 0))
        outcomes = outcomes.reshape(kinds, groups * partners, len(classes))
        r = self.radius[row]
        result = np.zeros((1 + kinds, len(row)))
        for power, factor in ((0, r * r), (1, 2.0 * r), (2, 1.0)):
            # shell by shell: products so small that BLAS starts no threads for them, which would wait for each other
            # where several workers share the cores
            met = self.k[:, np.newaxis] @ moments[power]  # [groups, shells, bins, partners]
            met = np.ascontiguousarray(met.transpose(1, 2, 0, 3)).reshape(len(shells), self.bins, groups * partners)
            result[0] += met.sum(axis=2).ravel()[cell] * factor
            for kind in range(kinds):
                result[1 + kind] += (met @ outcomes[kind]).ravel()[place] * factor
        return result

    def _own(self) -> Array:
        """What each object would have met of itself [3, n]; rows that stand for several objects do meet themselves."""
        each = np.bincount(self.row, self.share**2 * self.scale[self.shell], self.n) * 4.0 * self.radius**2
        each *= np.minimum(self.weight, 1.0) * self.factors[self.party, self.party]
        same = self.k[:, self.bin, self.bin] * each  # [groups, n]
        kinds = self.outcomes[:, self.partner_class, self.own_class]  # [groups, n, 2]
        return np.concatenate([same.sum(axis=0)[None], np.einsum("gn,gnc->cn", same, kinds)])

    def total(self) -> float:
        """Collisions of all objects if nobody avoided anybody [1/a]."""
        k = self.k.sum(axis=0)
        m = self.moments.sum(axis=(1, 4))
        met = np.einsum("ab,psb->psa", k, m[:2])
        pairs = (2.0 * (met[0] * m[2] + met[1] * m[1])).sum(axis=1) @ self.scale
        own = np.bincount(self.row, self.share**2 * self.scale[self.shell], self.n) * k[self.bin, self.bin]
        own *= 4.0 * self.radius**2 * self.weight * np.minimum(self.weight, 1.0)
        alone = own.sum() >= (1.0 - _ROUNDING) * pairs
        return 0.0 if alone else float(0.5 * (pairs - own.sum()))


def _classes(mass: Array, weight: Array, count: int) -> tuple[NDArray[np.int64], Array]:
    """Class of each mass, even in its logarithm, and the mean mass of each class; empty ones are left out."""
    logs = np.log(np.maximum(mass, 1e-12))
    low = float(logs.min())
    width = max((float(logs.max()) - low) / count, 1e-9)
    number = _numbered(np.minimum(((logs - low) / width).astype(np.int64), count - 1), count)[1]
    sums = np.bincount(number, weight)
    return number, np.bincount(number, weight * mass) / np.maximum(sums, 1e-300)


def _numbered(values: NDArray[np.int64], count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which of 0 ... count - 1 occur, and the number among these of each value."""
    present = np.bincount(values, minlength=count) > 0
    number: NDArray[np.int64] = (np.cumsum(present) - 1)[values]
    return np.flatnonzero(present), number


def _outcomes(partner: Array, own: Array, squares: Array, min_length_m: float) -> Array:
    """Whether catastrophic, and fragments, of a collision [groups of speed, partner classes, own classes, 2].

    ``squares`` are squared speeds [km^2/s^2]. Johnson et al. (2001), with the mass of a cratering m_p v^2 (ODQN 15-4).
    """
    square = squares[:, None, None]
    heavy = np.maximum(partner[:, None], own)[None]
    light = np.minimum(partner[:, None], own)[None]
    catastrophic = 0.5 * light * square * 1e6 >= CATASTROPHIC_J_KG * heavy
    broken = np.where(catastrophic, heavy + light, np.minimum(light * square, heavy + light))
    return np.stack([catastrophic.astype(np.float64), 0.1 * broken**0.75 * min_length_m**-1.71], axis=-1)


def _edges(edges_km: ArrayLike) -> Array:
    edges: Array = np.asarray(edges_km, np.float64)
    if edges.ndim != 1 or len(edges) < 2 or not (np.diff(edges) > 0.0).all():
        raise InputError("edges_km must be radii in increasing order, two or more")
    return edges
