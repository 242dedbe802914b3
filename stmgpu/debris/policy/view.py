"""The contract of a removal policy: a view of one run goes in, a selection of objects comes out.

A policy is a small model that a scenario file can hold. Once a year :meth:`RemovalPolicy.select` gets a :class:`View`
of one run and returns a :class:`Selection`. A policy does not change the population; the evolution applies the
selection.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from stmgpu.constants import EARTH
from stmgpu.debris.streams import threefry, uniform
from stmgpu.errors import InputError

_TIME_SLACK = 0.01  # years: 2030-01-01 is 2029.998 or 2030.001 in Julian years


def _plain(value: Any) -> Any:
    """A whole number of NumPy as one of Python; anything else as it is."""
    return int(value) if isinstance(value, np.integer) else value


Whole = Annotated[int, BeforeValidator(_plain), Field(strict=True)]
Year = Annotated[float, Field(strict=True, ge=1957.0, le=3000.0)]


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


class PolicyModel(BaseModel):
    """A frozen table of a scenario file; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Campaign(PolicyModel):
    """Missions for ``years_on`` years, then none for ``years_off``, and again, counted from the start of the policy."""

    years_on: Annotated[Whole, Field(ge=1, le=1000)]
    years_off: Annotated[Whole, Field(ge=1, le=1000)]


class RemovalPolicy(PolicyModel):
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
