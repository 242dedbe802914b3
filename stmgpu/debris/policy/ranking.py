"""Removal by rank: eligible objects, their scores, and the missions of a year."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field, field_validator, model_validator

from stmgpu.debris.policy.view import Action, PolicyModel, RemovalPolicy, Selection, View, Whole
from stmgpu.debris.population.population import CLASS_NAMES, Kind
from stmgpu.errors import InputError

if TYPE_CHECKING:
    from stmgpu.typing import Bools, Floats

LEO_KM = 2000.0
"""Perigees below this altitude are in low Earth orbit (IADC-02-01) [km]."""

LIOU_ECCENTRICITY = 0.5
"""Eccentricity from which objects are not considered for removal (Liou, Johnson and Hill 2010)."""

INTACT = (Kind.ACTIVE, Kind.DERELICT, Kind.ROCKET_BODY)

RANDOM_ORDER, MISSION, SWEPT = 1, 2, 3
"""Streams of :meth:`View.uniforms` that the policies of the package use."""

_WORTH_LOWERING = 1.05  # times the required lifetime: an orbit that was lowered before is not lowered again

Share = Annotated[float, Field(strict=True, ge=0.0, le=1.0)]
NotNegative = Annotated[float, Field(strict=True, ge=0.0, allow_inf_nan=False)]
Altitude = Annotated[float, Field(strict=True, ge=-100.0, le=1e6)]
Inclination = Annotated[float, Field(strict=True, ge=0.0, le=180.0)]
Interval = tuple[float, float]


class Lower(PolicyModel):
    """Lowering of the perigee so that the object decays within ``lower_years``."""

    lower_years: Annotated[float, Field(strict=True, gt=0.0, le=1000.0)]


class Only(PolicyModel):
    """Conditions on the objects of a policy; all given ones must hold.

    Attributes
    ----------
    inclination_deg, altitude_km : tuple, optional
        [lowest, highest]; the altitude is the mean one, a - R_E.
    classes : tuple of str, optional
        Names of classes, instead of intact objects.
    owners : tuple of str, optional
        Names of owners, as in the population.
    min_mass_kg, min_length_m, min_lifetime_years : float
        Smallest mass, length and residual lifetime.
    max_eccentricity, max_perigee_km : float
        Limits, instead of e < 0.5 and perigees below 2000 km.
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
                raise ValueError(f"class {name!r} cannot be removed; choose from {', '.join(CLASS_NAMES[1:])}")
        return value

    def mask(self, view: View) -> Bools:
        """Mask [n] of the objects that fulfil the conditions; active and controlled objects never do."""
        if self.classes is None:
            kinds = [int(k) for k in INTACT]
        else:
            kinds = [CLASS_NAMES.index(name) for name in self.classes]
        chosen: Bools = np.isin(view.kind, kinds) & (view.kind != Kind.ACTIVE) & (view.controlled == 0)
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
    """A number of missions a year to the objects with the highest score.

    A policy of your own needs a name and a score::

        class Oldest(RankedRemoval):
            rank: Literal["oldest"] = "oldest"

            def score(self, view):
                return view.age_years

    Use it as ``Scenario(removal=(Oldest(per_year=5, from_year=2030),))``, or with ``rank = "oldest"`` in a file that is
    read after the class was defined. Scores are ranked every year; objects whose score is not finite or not positive
    are not eligible; of equal scores the lower uid comes first.

    Attributes
    ----------
    per_year : int
        Missions a year.
    only : Only
        Conditions on eligible objects; default intact objects that are not active, in low Earth orbit, e < 0.5
        (Liou, Johnson and Hill 2010).
    failure : float
        Probability that a mission fails and its object stays unchanged.
    action : {'remove', 'avoid'} or Lower
        'remove', 'avoid', or ``{lower_years = 5}``.
    avoid_factor : float
        For 'avoid': factor on the probability of encounters with intact objects.
    """

    per_year: Annotated[Whole, Field(ge=0, le=1_000_000)]
    only: Only = Only()
    failure: Share = 0.0
    action: Literal["remove", "avoid"] | Lower = "remove"
    avoid_factor: Share = 0.1

    @model_validator(mode="after")
    def _used(self) -> RankedRemoval:
        # compared by value: a stored scenario contains every key
        if self.action != "avoid" and self.avoid_factor != type(self).model_fields["avoid_factor"].default:
            raise ValueError(f"avoid_factor = {self.avoid_factor:g} needs action = 'avoid'")
        return self

    def score(self, view: View) -> Floats:
        """Priority of each object [n], in any unit."""
        raise NotImplementedError

    def eligible(self, view: View) -> Bools:
        """Mask [n] of the objects that can be selected."""
        chosen = self.only.mask(view)
        if isinstance(self.action, Lower):
            chosen &= view.lifetime_years > _WORTH_LOWERING * self.action.lower_years
        if self.action == "avoid" and view.avoidance is not None:
            chosen &= view.avoidance >= 1.0
        return chosen

    def missions(self, eligible: int) -> int:
        """Number of missions of this year for a number of eligible objects."""
        return self.per_year

    def select(self, view: View, taken: Bools | None = None) -> Selection:
        """Select the eligible objects with the highest scores, ``per_year`` or all if there are fewer."""
        none = np.empty(0, np.int64)
        if not self.in_force(view.year):
            return Selection(none, none)
        score = np.asarray(self.score(view), np.float64)
        if score.shape != (len(view),):
            raise InputError(
                f"policy {self.rank!r}: score has shape {score.shape}, expected one number an object, ({len(view)},)"
            )
        chosen = self.eligible(view) & np.isfinite(score) & (score > 0.0)
        if taken is not None:
            chosen &= ~taken
        rows = np.flatnonzero(chosen)
        missions = self.missions(len(rows))
        best = rows[np.lexsort((view.uid[rows], -score[rows]))][:missions]
        failed = view.uniforms(MISSION)[best] < self.failure
        action: Action = "lower" if isinstance(self.action, Lower) else self.action
        return Selection(
            indices=best[~failed],
            failed=best[failed],
            action=action,
            lower_years=self.action.lower_years if isinstance(self.action, Lower) else 0.0,
            factor=self.avoid_factor if action == "avoid" else 1.0,
            eligible=len(rows),
            exhausted=len(rows) < missions,
        )


def ordered(value: Interval | None) -> Interval | None:
    """Return an interval [low, high]; ValueError where it is empty."""
    if value is not None and not value[0] < value[1]:
        raise ValueError(f"[{value[0]:g}, {value[1]:g}] is empty; the first number must be below the second")
    return value


def within(values: Floats, interval: Interval) -> Bools:
    """Mask of the values in [low, high]."""
    return np.asarray((values >= interval[0]) & (values <= interval[1]))
