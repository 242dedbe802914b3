"""How a removal policy chooses: what it sees, who is eligible, the order, and what is done to the chosen.

A policy is a small model that a scenario file can hold. Once a year it gets a :class:`View` of one run and answers with
a :class:`Selection`. Nothing here changes a population; the evolution acts on the selection.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from stmgpu.constants import EARTH
from stmgpu.debris.population.population import CLASS_NAMES, Kind
from stmgpu.debris.streams import threefry, uniform
from stmgpu.errors import InputError

LEO_KM = 2000.0
"""Perigees below this altitude are in low Earth orbit (IADC-02-01) [km]."""

LIOU_ECCENTRICITY = 0.5
"""Removal of more eccentric orbits is not considered (Liou, Johnson and Hill 2010)."""

INTACT = (Kind.ACTIVE, Kind.DERELICT, Kind.ROCKET_BODY)

RANDOM_ORDER, MISSION, SWEPT = 1, 2, 3
"""Streams of :meth:`View.uniforms` that the policies here use."""

_WORTH_LOWERING = 1.05  # of the lifetime that is aimed at: an orbit that was lowered before is not lowered again
_TIME_SLACK = 0.01  # years: 2030-01-01 is 2029.998 or 2030.001 in Julian years


def _plain(value: Any) -> Any:
    """A whole number of NumPy as one of Python; anything else as it is."""
    return int(value) if isinstance(value, np.integer) else value


Whole = Annotated[int, BeforeValidator(_plain), Field(strict=True)]
Share = Annotated[float, Field(strict=True, ge=0.0, le=1.0)]
NotNegative = Annotated[float, Field(strict=True, ge=0.0, allow_inf_nan=False)]
Year = Annotated[float, Field(strict=True, ge=1957.0, le=3000.0)]
Altitude = Annotated[float, Field(strict=True, ge=-100.0, le=1e6)]
Inclination = Annotated[float, Field(strict=True, ge=0.0, le=180.0)]
Interval = tuple[float, float]


@dataclass(frozen=True)
class View:
    """The objects present in one run in one year: what a policy may know. Host arrays of n rows.

    Attributes
    ----------
    uid, norad_id
        int64; the uid is unique in its run, the NORAD id 0 where there is none.
    kind
        int8, :class:`stmgpu.debris.population.population.Kind`.
    mass_kg, radius_m, area_to_mass, length_m
        kg, m, m^2/kg, m.
    a_km, ecc, inc_rad
        mean elements.
    age_years
        since launch or breakup.
    owner
        text.
    constellation, controlled
        -1 for none; 1 for objects that keep station and avoid.
    weight
        number of objects that a row stands for.
    rate, catastrophic_rate, fragment_rate
        expected collisions, catastrophic ones, and fragments from them, of one such object [1/a]
        (:func:`stmgpu.debris.collisions.mean_field.mean_field`).
    lifetime_years
        residual orbital lifetime.
    year
        decimal year.
    rng
        generator keyed by (seed, run, purpose POLICY, year).
    avoidance
        factor on encounters with intact objects by just-in-time avoidance that is in force, 1 for none.
    """

    uid: NDArray[np.int64]
    norad_id: NDArray[np.int64]
    kind: NDArray[np.int8]
    mass_kg: NDArray[np.float64]
    radius_m: NDArray[np.float64]
    area_to_mass: NDArray[np.float64]
    length_m: NDArray[np.float64]
    a_km: NDArray[np.float64]
    ecc: NDArray[np.float64]
    inc_rad: NDArray[np.float64]
    age_years: NDArray[np.float64]
    owner: NDArray[np.str_]
    constellation: NDArray[np.int32]
    controlled: NDArray[np.int8]
    weight: NDArray[np.float64]
    rate: NDArray[np.float64]
    catastrophic_rate: NDArray[np.float64]
    fragment_rate: NDArray[np.float64]
    lifetime_years: NDArray[np.float64]
    year: float
    rng: np.random.Generator
    avoidance: NDArray[np.float64] | None = None
    _key: tuple[int, int] = field(init=False, repr=False, default=(0, 0))

    def __post_init__(self) -> None:
        # a copy: what is drawn here must not depend on whether something was drawn before, nor change what comes after
        first, second = copy.deepcopy(self.rng).integers(0, 2**63, size=2)
        object.__setattr__(self, "_key", (int(first), int(second)))

    def __len__(self) -> int:
        return len(self.uid)

    @property
    def altitude_km(self) -> NDArray[np.float64]:
        """Mean altitude, a - R_E [km]."""
        return self.a_km - EARTH.radius_km

    @property
    def perigee_km(self) -> NDArray[np.float64]:
        """Altitude of the perigee [km]."""
        return self.a_km * (1.0 - self.ecc) - EARTH.radius_km

    def uniforms(self, stream: int) -> NDArray[np.float64]:
        """One number in (0, 1) an object, the same every time it is asked for.

        It hangs on (seed, run, year, ``stream``, uid) and not on which other objects there are, so comparisons are
        nested: who would be among the first five is among the first ten. Streams 1 to 99 are taken.
        """
        return uniform(threefry(self._key[0], self._key[1], stream, self.uid)[0])


@dataclass(frozen=True)
class Selection:
    """What a policy decided for one year of one run.

    Attributes
    ----------
    indices
        int64 rows of the view to act on, first choice first.
    failed
        int64 rows whose mission failed: they took a slot, and stay as they are.
    action
        'remove'; 'lower' to an orbit of ``lower_years``; 'avoid': encounters with intact objects become ``factor``
        times as probable.
    eligible
        objects it could choose from.
    exhausted
        it was in force and had fewer eligible objects than missions.
    """

    indices: NDArray[np.int64]
    failed: NDArray[np.int64]
    action: Literal["remove", "lower", "avoid"] = "remove"
    lower_years: float = 0.0
    factor: float = 1.0
    eligible: int = 0
    exhausted: bool = False


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Campaign(_Table):
    """Missions for ``years_on`` years, then none for ``years_off``, and again, counted from the start of the policy."""

    years_on: Annotated[Whole, Field(ge=1, le=1000)]
    years_off: Annotated[Whole, Field(ge=1, le=1000)]


class Lower(_Table):
    """Lower the perigee so far that the object decays within ``lower_years``."""

    lower_years: Annotated[float, Field(strict=True, gt=0.0, le=1000.0)]


class Only(_Table):
    """Which objects a policy is for; all that is given must hold.

    Attributes
    ----------
    inclination_deg, altitude_km
        [lowest, highest]; the altitude is the mean one, a - R_E.
    classes
        names of classes; instead of the intact ones.
    owners
        as the population names them.
    min_mass_kg, min_length_m, min_lifetime_years
        smaller ones, or those that decay sooner, are left.
    max_eccentricity, max_perigee_km
        instead of e < 0.5 and perigees below 2000 km.
    """

    inclination_deg: tuple[Inclination, Inclination] | None = None
    altitude_km: tuple[Altitude, Altitude] | None = None
    classes: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    owners: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    min_mass_kg: NotNegative = 0.0
    min_length_m: NotNegative = 0.0
    min_lifetime_years: NotNegative = 0.0
    max_eccentricity: Annotated[float, Field(strict=True, gt=0.0, le=1.0)] = LIOU_ECCENTRICITY
    max_perigee_km: Annotated[float, Field(strict=True, gt=0.0, allow_inf_nan=False)] = LEO_KM

    @field_validator("inclination_deg", "altitude_km")
    @classmethod
    def _ordered(cls, value: Interval | None) -> Interval | None:
        return ordered(value)

    @field_validator("classes")
    @classmethod
    def _known(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for name in value or ():
            if name not in CLASS_NAMES[1:]:
                raise ValueError(f"no class {name!r} that could be removed; there are {', '.join(CLASS_NAMES[1:])}")
        return value

    def mask(self, view: View) -> NDArray[np.bool_]:
        """Rows for which it holds [n]. Active and controlled objects are never among them."""
        if self.classes is None:
            kinds = [int(k) for k in INTACT]
        else:
            kinds = [CLASS_NAMES.index(name) for name in self.classes]
        chosen = np.isin(view.kind, kinds) & (view.kind != Kind.ACTIVE) & (view.controlled == 0)
        chosen &= (view.perigee_km < self.max_perigee_km) & (view.ecc < self.max_eccentricity)
        chosen &= (view.mass_kg >= self.min_mass_kg) & (view.length_m >= self.min_length_m)
        chosen &= view.lifetime_years >= self.min_lifetime_years
        if self.inclination_deg is not None:
            chosen &= within(np.degrees(view.inc_rad), self.inclination_deg)
        if self.altitude_km is not None:
            chosen &= within(view.altitude_km, self.altitude_km)
        if self.owners is not None:
            chosen &= np.isin(view.owner, self.owners)
        return chosen


class RemovalPolicy(_Table):
    """Base of all policies. A subclass with a default ``rank`` of its own is known by it in scenario files.

    Attributes
    ----------
    rank
        name of the criterion.
    from_year, until_year
        in force in years from the first up to, and without, the second.
    campaign
        years on and off; none means every year.
    """

    rank: str
    from_year: Year = 1957.0
    until_year: Year = 3000.0
    campaign: Campaign | None = None

    registry: ClassVar[dict[str, type[RemovalPolicy]]] = {}
    needs_rates: ClassVar[bool] = True
    """Whether the view's rates are looked at. Where no policy does they are zero, which saves a third of a run."""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        name = cls.model_fields["rank"].default
        if isinstance(name, str):
            known = RemovalPolicy.registry.get(name)
            if known is not None and (known.__module__, known.__qualname__) != (cls.__module__, cls.__qualname__):
                raise InputError(
                    f"rank {name!r} of {cls.__qualname__} is taken by {known.__module__}."
                    f"{known.__qualname__}; give it another name"
                )
            RemovalPolicy.registry[name] = cls

    @model_validator(mode="after")
    def _years(self) -> RemovalPolicy:
        if not self.from_year < self.until_year:
            raise ValueError(f"until_year {self.until_year:g} is not after from_year {self.from_year:g}")
        return self

    def in_force(self, year: float) -> bool:
        """Whether there are missions in this year."""
        if not self.from_year <= year + _TIME_SLACK < self.until_year:
            return False
        if self.campaign is None:
            return True
        since = int(year + _TIME_SLACK - self.from_year)
        return since % (self.campaign.years_on + self.campaign.years_off) < self.campaign.years_on

    def select(self, view: View, taken: NDArray[np.bool_] | None = None) -> Selection:
        """Choose for one year of one run.

        Parameters
        ----------
        view
            the objects present.
        taken
            [n] objects that another policy has chosen already in this year.
        """
        raise NotImplementedError


class RankedRemoval(RemovalPolicy):
    """A number of missions a year to the objects with the highest score. To write one's own, give a name and a score::

        class Oldest(RankedRemoval):
            rank: Literal["oldest"] = "oldest"

            def score(self, view):
                return view.age_years

    and use it as ``Scenario(removal=(Oldest(per_year=5, from_year=2030),))``, or with ``rank = "oldest"`` in a file
    that is read after the class was defined. Scores are ranked anew every year; objects whose score is not finite, or
    not positive, are not eligible; equal scores go by the lower uid.

    Attributes
    ----------
    per_year
        missions a year.
    only
        which objects are eligible; by default intact ones that are not active, in low Earth orbit, e < 0.5 (Liou,
        Johnson and Hill 2010).
    failure
        probability that a mission fails: its object stays as it is.
    action
        'remove', 'avoid', or ``{lower_years = 5}``.
    avoid_factor
        for 'avoid': what remains of the probability to meet an intact object.
    """

    per_year: Annotated[Whole, Field(ge=0, le=1_000_000)]
    only: Only = Only()
    failure: Share = 0.0
    action: Literal["remove", "avoid"] | Lower = "remove"
    avoid_factor: Share = 0.1

    @model_validator(mode="after")
    def _used(self) -> RankedRemoval:
        # by value: what a store keeps states every key
        if self.action != "avoid" and self.avoid_factor != type(self).model_fields["avoid_factor"].default:
            raise ValueError(f"avoid_factor = {self.avoid_factor:g} belongs to action = 'avoid'")
        return self

    def score(self, view: View) -> NDArray[np.float64]:
        """Worth of a mission to each object [n], any unit."""
        raise NotImplementedError

    def eligible(self, view: View) -> NDArray[np.bool_]:
        """Objects that a mission could go to [n]."""
        chosen = self.only.mask(view)
        if isinstance(self.action, Lower):
            chosen &= view.lifetime_years > _WORTH_LOWERING * self.action.lower_years
        if self.action == "avoid" and view.avoidance is not None:
            chosen &= view.avoidance >= 1.0
        return chosen

    def missions(self, eligible: int) -> int:
        """Missions of this year; ``eligible``: how many objects there are for them."""
        return self.per_year

    def select(self, view: View, taken: NDArray[np.bool_] | None = None) -> Selection:
        """The ``per_year`` eligible objects with the highest score, fewer where there are not so many."""
        none = np.empty(0, np.int64)
        if not self.in_force(view.year):
            return Selection(none, none)
        score = np.asarray(self.score(view), np.float64)
        if score.shape != (len(view),):
            raise InputError(
                f"policy {self.rank!r}: score has shape {score.shape}, it must be ({len(view)},), one number an object"
            )
        chosen = self.eligible(view) & np.isfinite(score) & (score > 0.0)
        if taken is not None:
            chosen &= ~taken
        rows = np.flatnonzero(chosen)
        missions = self.missions(len(rows))
        best = rows[np.lexsort((view.uid[rows], -score[rows]))][:missions]
        failed = view.uniforms(MISSION)[best] < self.failure
        action: Literal["remove", "lower", "avoid"] = "lower" if isinstance(self.action, Lower) else self.action
        return Selection(
            best[~failed],
            best[failed],
            action,
            self.action.lower_years if isinstance(self.action, Lower) else 0.0,
            self.avoid_factor if action == "avoid" else 1.0,
            len(rows),
            len(rows) < missions,
        )


def ordered(value: Interval | None) -> Interval | None:
    """An interval [low, high] as it is, if it is one."""
    if value is not None and not value[0] < value[1]:
        raise ValueError(f"[{value[0]:g}, {value[1]:g}] is empty; the first number must be below the second")
    return value


def within(values: NDArray[np.float64], interval: Interval) -> NDArray[np.bool_]:
    """Which values lie in [low, high]."""
    return (values >= interval[0]) & (values <= interval[1])
