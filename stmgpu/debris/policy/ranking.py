"""Removal by rank: eligible objects, their scores, and the missions of a year."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator

from stmgpu.debris.policy.view import PolicyModel, RemovalPolicy, Selection, View, Whole
from stmgpu.debris.population.population import CLASS_NAMES, Kind
from stmgpu.errors import InputError

LEO_KM = 2000.0
"""Perigees below this altitude are in low Earth orbit (IADC-02-01) [km]."""

LIOU_ECCENTRICITY = 0.5
"""Removal of more eccentric orbits is not considered (Liou, Johnson and Hill 2010)."""

INTACT = (Kind.ACTIVE, Kind.DERELICT, Kind.ROCKET_BODY)

RANDOM_ORDER, MISSION, SWEPT = 1, 2, 3
"""Streams of :meth:`View.uniforms` that the policies here use."""

_WORTH_LOWERING = 1.05  # of the lifetime that is aimed at: an orbit that was lowered before is not lowered again

Share = Annotated[float, Field(strict=True, ge=0.0, le=1.0)]
NotNegative = Annotated[float, Field(strict=True, ge=0.0, allow_inf_nan=False)]
Altitude = Annotated[float, Field(strict=True, ge=-100.0, le=1e6)]
Inclination = Annotated[float, Field(strict=True, ge=0.0, le=180.0)]
Interval = tuple[float, float]


class Lower(PolicyModel):
    """Lower the perigee so far that the object decays within ``lower_years``."""

    lower_years: Annotated[float, Field(strict=True, gt=0.0, le=1000.0)]


class Only(PolicyModel):
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
