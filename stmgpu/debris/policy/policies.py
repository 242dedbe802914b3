"""Removal policies: rankings, lists and sweeps.

In a scenario file a policy is a ``[[removal]]`` table whose ``rank`` names the criterion::

    [[removal]]
    rank = "risk"          # probability of collision times mass
    per_year = 5
    from_year = 2030
    failure = 0.1
    only = { inclination_deg = [81, 84], altitude_km = [700, 1000], classes = ["rocket body"] }

Several policies are applied in their order; none selects an object that an earlier one selected in the same year. For
policies of your own see :class:`stmgpu.debris.policy.ranking.RankedRemoval`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np
from pydantic import BeforeValidator, Field, SerializeAsAny, field_validator

from stmgpu.constants import EARTH
from stmgpu.debris.policy.ranking import (
    INTACT,
    LEO_KM,
    RANDOM_ORDER,
    SWEPT,
    Altitude,
    Interval,
    Only,
    RankedRemoval,
    ordered,
    within,
)
from stmgpu.debris.policy.view import RemovalPolicy, Selection, View, Whole
from stmgpu.debris.population.population import CLASS_NAMES, Kind
from stmgpu.debris.shells import shell_shares, shell_volumes, sparse_shell_shares

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stmgpu.typing import Bools, Floats

CSI_K = 0.6
"""Weight of the inclination in the criticality of spacecraft index (Rossi et al. 2015)."""

FRAGMENT_AREA_TO_MASS = 0.1
"""Typical area-to-mass ratio of fragments of 10 cm (Johnson et al. 2001: chi near -1) [m^2/kg]."""

CLOUD_WIDTH_KM = 100.0
"""Standard deviation of the altitudes of a cloud of fragments: 2 a dv / v for the median dv of 100 m/s at chi = -1, of
which 1/sqrt(3) is along the track [km]."""

FOOTPRINT_YEARS = 25.0
"""Time over which consequences of a breakup count (Letizia et al. 2017) [a]."""

ALL = 1_000_000
"""``per_year`` of a list whose objects are all removed at once."""

Length = Annotated[float, Field(strict=True, ge=0.0)]
_SHELL_KM = 50.0


class RiskRemoval(RankedRemoval):
    """Ranking by probability of collision times mass, R_i = P_i m_i (Liou and Johnson 2009)."""

    rank: Literal["risk"] = "risk"

    def score(self, view: View) -> Floats:
        """Expected colliding mass [kg/a]."""
        return view.weight * view.rate * view.mass_kg


class PersistentRiskRemoval(RankedRemoval):
    """Ranking by probability of collision times mass times residual lifetime, at most ``horizon_years``."""

    rank: Literal["persistent risk"] = "persistent risk"
    horizon_years: Annotated[float, Field(strict=True, gt=0.0, le=10_000.0)] = 200.0

    def score(self, view: View) -> Floats:
        """Expected colliding mass during the residual lifetime [kg]."""
        return view.weight * view.rate * view.mass_kg * np.minimum(view.lifetime_years, self.horizon_years)


class MassRemoval(RankedRemoval):
    """Ranking by mass."""

    needs_rates: ClassVar[bool] = False
    rank: Literal["mass"] = "mass"

    def score(self, view: View) -> Floats:
        """Mass [kg]."""
        return view.weight * view.mass_kg


class FragmentRemoval(RankedRemoval):
    """Ranking by the expected number of fragments from collisions of the object."""

    rank: Literal["fragments"] = "fragments"

    def score(self, view: View) -> Floats:
        """Fragments [1/a]."""
        return view.weight * view.fragment_rate


class CsiRemoval(RankedRemoval):
    """Ranking by the criticality of spacecraft index (Rossi, Valsecchi and Alessi 2015), see :func:`csi`."""

    needs_rates: ClassVar[bool] = False
    rank: Literal["csi"] = "csi"

    def score(self, view: View) -> Floats:
        """The index."""
        return view.weight * csi(view)


class FootprintRemoval(RankedRemoval):
    """Ranking by the consequences of a breakup for active satellites nearby, see :func:`footprint`."""

    rank: Literal["footprint"] = "footprint"

    def score(self, view: View) -> Floats:
        """Expected impacts on active satellites, up to a common factor."""
        return view.weight * footprint(view)


class RandomRemoval(RankedRemoval):
    """Random order: the control experiment, removal without any ranking."""

    needs_rates: ClassVar[bool] = False
    rank: Literal["random"] = "random"

    def score(self, view: View) -> Floats:
        """A random number in (0, 1) for each uid."""
        return view.uniforms(RANDOM_ORDER)


class ListRemoval(RankedRemoval):
    """Listed objects of any class in the order of the list, once they are no longer active.

    Attributes
    ----------
    ids : tuple of int
        NORAD ids.
    per_year : int
        Missions a year; default all objects at once.
    """

    needs_rates: ClassVar[bool] = False
    rank: Literal["list"] = "list"
    ids: Annotated[tuple[Whole, ...], Field(min_length=1)]
    per_year: Annotated[Whole, Field(ge=0, le=ALL)] = ALL
    only: Only = Only(max_perigee_km=1e6, max_eccentricity=1.0, classes=CLASS_NAMES[1:])

    @field_validator("ids")
    @classmethod
    def _each_once(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        repeated = {i for i in value if value.count(i) > 1}
        if repeated or min(value) <= 0:
            wrong = sorted(repeated) or [i for i in value if i <= 0]
            raise ValueError(f"NORAD ids must be positive and each listed once; correct or remove {wrong[:5]}")
        return value

    def missions(self, eligible: int) -> int:
        """Missions of this year: ``per_year``, or all eligible objects."""
        return eligible if self.per_year == ALL else self.per_year

    def score(self, view: View) -> Floats:
        """1 for the first object of the list, decreasing along it; 0 for all others."""
        ids = np.array(self.ids, np.int64)
        order = np.argsort(ids)
        place = order[np.minimum(np.searchsorted(ids[order], view.norad_id), len(ids) - 1)]
        score = np.where(ids[place] == view.norad_id, (len(ids) - place) / len(ids), 0.0)
        # later launches copied from a listed object may have its id; the object itself has the lowest uid
        first = np.zeros(len(view), bool)
        by_uid = np.argsort(view.uid, kind="stable")
        first[by_uid[np.unique(view.norad_id[by_uid], return_index=True)[1]]] = True
        return np.where(first, score, 0.0)


class Sweep(RemovalPolicy):
    """Removal of small debris in a band of altitudes, as by a laser.

    An object between the sizes is removed within a year with the probability 1 - exp(-thinning s), s being the share of
    its period in the band.

    Attributes
    ----------
    thinning : float
        Rate of removal of an object in the band [1/a].
    length_m : tuple
        [smallest, largest] characteristic length [m].
    altitude_km : tuple
        [lowest, highest] altitude of the band [km].
    """

    needs_rates: ClassVar[bool] = False
    rank: Literal["sweep"] = "sweep"
    thinning: Annotated[float, Field(strict=True, ge=0.0, le=100.0)]
    length_m: tuple[Length, Length] = (0.01, 0.1)
    altitude_km: tuple[Altitude, Altitude] = (200.0, LEO_KM)

    @field_validator("length_m", "altitude_km")
    @classmethod
    def _ordered(cls, value: Interval) -> Interval:
        ordered(value)
        return value

    def select(self, view: View, taken: Bools | None = None) -> Selection:
        """Select the objects that are removed in this year."""
        none = np.empty(0, np.int64)
        if not self.in_force(view.year):
            return Selection(none, none)
        target = ~np.isin(view.kind, [int(k) for k in INTACT]) & within(view.length_m, self.length_m)
        if taken is not None:
            target &= ~taken
        rows = np.flatnonzero(target)
        edges = EARTH.radius_km + np.array(self.altitude_km)
        share = shell_shares(view.a_km[rows], view.ecc[rows], edges)[:, 0]
        hit = view.uniforms(SWEPT)[rows] < -np.expm1(-self.thinning * share)
        return Selection(rows[hit], none, eligible=int((share > 0.0).sum()), exhausted=not (share > 0.0).any())


def csi(view: View) -> Floats:
    """Criticality of spacecraft index of each object [n].

    (M / 10,000 kg) (D(h) / D(h0)) (life(h) / life(1000 km)) (1 + k Gamma) / (1 + k), Gamma = (1 - cos i) / 2, k = 0.6,
    ln life = 14.18 h^0.1831 - 42.94 (Rossi, Valsecchi and Alessi 2015, *Advances in Space Research* 56). D is the
    spatial density of the objects of the view in shells of 50 km, h0 the altitude of its maximum.
    """
    edges = EARTH.radius_km + np.arange(100.0, LEO_KM + _SHELL_KM, _SHELL_KM)
    density = view.weight @ sparse_shell_shares(view.a_km, view.ecc, edges) / shell_volumes(edges)
    altitude = np.maximum(view.altitude_km, 1.0)
    shell = np.clip(np.searchsorted(edges, view.a_km, side="right") - 1, 0, len(density) - 1)
    life = np.exp(14.18 * (altitude**0.1831 - 1000.0**0.1831))
    gamma = 0.5 * (1.0 - np.cos(view.inc_rad))
    index: Floats = (
        view.mass_kg
        / 10_000.0
        * density[shell]
        / max(density.max(), np.finfo(float).tiny)
        * life
        * (1.0 + CSI_K * gamma)
        / (1.0 + CSI_K)
    )
    return index


def footprint(view: View) -> Floats:
    """Expected consequences of an object's collisions for active satellites, up to a common factor [n].

    Similar to ECOB (Letizia, Colombo, Lewis and Krag 2017): expected fragments a year, times the cross-section of
    active satellites per volume around the object, times the lifetime of fragments, at most 25 years. Altitudes of
    fragments are normally distributed with a deviation of 100 km. Their lifetime is that of the object divided by the
    ratio of the area-to-mass ratios (0.1 m^2/kg for fragments).
    """
    edges = EARTH.radius_km + np.arange(100.0, LEO_KM + 500.0, 0.1 * CLOUD_WIDTH_KM)
    active = np.flatnonzero((view.kind == Kind.ACTIVE) | (view.controlled != 0))
    area = view.weight[active] * np.pi * view.radius_m[active] ** 2
    density = area @ sparse_shell_shares(view.a_km[active], view.ecc[active], edges) / shell_volumes(edges)
    centres = 0.5 * (edges[1:] + edges[:-1])
    spread = np.exp(-0.5 * ((centres[:, None] - centres) / CLOUD_WIDTH_KM) ** 2)
    cloud = spread @ density / spread.sum(axis=1)
    near = sparse_shell_shares(view.a_km, view.ecc, edges) @ cloud
    stay = np.minimum(view.lifetime_years * view.area_to_mass / FRAGMENT_AREA_TO_MASS, FOOTPRINT_YEARS)
    consequences: Floats = view.fragment_rate * near * stay
    return consequences


def select_all(policies: Sequence[RemovalPolicy], view: View) -> list[Selection]:
    """Selections of several policies in their order; no object is selected twice."""
    taken = np.zeros(len(view), bool)
    selections = []
    for policy in policies:
        selection = policy.select(view, taken)
        taken[selection.indices] = taken[selection.failed] = True
        selections.append(selection)
    return selections


def policy_of(value: object) -> RemovalPolicy:
    """Convert a table of a scenario file to the policy that its ``rank`` names; return a policy unchanged.

    Examples
    --------
    >>> policy_of({"rank": "mass", "per_year": 5, "from_year": 2030}).in_force(2029.0)
    False
    """
    if isinstance(value, RemovalPolicy):
        return value
    known = ", ".join(f'"{name}"' for name in sorted(RemovalPolicy.registry))
    if not isinstance(value, dict) or "rank" not in value:
        raise ValueError(f"a policy must be a table with rank, one of {known}")
    cls = RemovalPolicy.registry.get(value["rank"]) if isinstance(value["rank"], str) else None
    if cls is None:
        raise ValueError(
            f"unknown rank {value['rank']!r}; choose one of {known}, or import the module of your own policy first"
        )
    return cls.model_validate(value)


Policy = Annotated[SerializeAsAny[RemovalPolicy], BeforeValidator(policy_of)]
"""A removal policy as a field of a scenario: an instance, or a table with ``rank``."""
