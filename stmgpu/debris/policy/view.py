"""The contract of a removal policy: a view of one run goes in, a selection of objects comes out.

A policy is a small model that a scenario file can hold. Once a year :meth:`RemovalPolicy.select` gets a :class:`View`
of one run and returns a :class:`Selection`. A policy does not change the population; the evolution applies the
selection.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from stmgpu.constants import EARTH
from stmgpu.counter_random import threefry, uniform
from stmgpu.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from stmgpu.typing import Bools, Floats, Ints, Strings

Action = Literal["remove", "lower", "avoid"]
"""Treatment of the selected objects."""

_TIME_SLACK = 0.01  # years: 2030-01-01 is 2029.998 or 2030.001 in Julian years


def _plain(value: object) -> object:
    """Convert a whole number of NumPy to one of Python; return anything else unchanged."""
    return int(value) if isinstance(value, np.integer) else value


Whole = Annotated[int, BeforeValidator(_plain), Field(strict=True)]
Year = Annotated[float, Field(strict=True, ge=1957.0, le=3000.0)]


@dataclass(frozen=True)
class View:
    """The objects of one run in one year, as a policy sees them: host arrays of n rows.

    Attributes
    ----------
    uid, norad_id : ndarray of int64
        The uid is unique in its run, the NORAD id 0 where there is none.
    kind : ndarray of int8
        Class, :class:`stmgpu.debris.population.Kind`.
    mass_kg, radius_m, area_to_mass, length_m : ndarray of float64
        Mass [kg], radius [m], area-to-mass ratio [m^2/kg] and length [m].
    a_km, ecc, inc_rad : ndarray of float64
        Mean elements.
    age_years : ndarray of float64
        Since launch or breakup.
    owner : ndarray of str
        Owner, empty where unknown.
    constellation, controlled : ndarray of int32 or ndarray of int8
        -1 for none; 1 for objects that keep station and avoid.
    weight : ndarray of float64
        Number of objects that a row represents.
    rate, catastrophic_rate, fragment_rate : ndarray of float64
        Expected collisions, catastrophic ones, and fragments from them, of one such object [1/a]
        (:func:`stmgpu.debris.collisions.mean_field.mean_field`).
    lifetime_years : ndarray of float64
        Residual orbital lifetime.
    year : float
        Decimal year.
    rng : Generator
        Generator keyed by (seed, run, purpose POLICY, year).
    avoidance : ndarray of float64, optional
        Factor on the probability of encounters with intact objects from current just-in-time avoidance, 1 for none.
    """

    uid: Ints
    norad_id: Ints
    kind: NDArray[np.int8]
    mass_kg: Floats
    radius_m: Floats
    area_to_mass: Floats
    length_m: Floats
    a_km: Floats
    ecc: Floats
    inc_rad: Floats
    age_years: Floats
    owner: Strings
    constellation: NDArray[np.int32]
    controlled: NDArray[np.int8]
    weight: Floats
    rate: Floats
    catastrophic_rate: Floats
    fragment_rate: Floats
    lifetime_years: Floats
    year: float
    rng: np.random.Generator
    avoidance: Floats | None = None
    _key: tuple[int, int] = field(init=False, repr=False, default=(0, 0))

    def __post_init__(self) -> None:
        # of a copy, so that the key does not depend on earlier draws, nor change later ones
        first, second = copy.deepcopy(self.rng).integers(0, 2**63, size=2)
        object.__setattr__(self, "_key", (int(first), int(second)))

    def __len__(self) -> int:
        return len(self.uid)

    @property
    def altitude_km(self) -> Floats:
        """Mean altitude, a - R_E [km]."""
        return self.a_km - EARTH.radius_km

    @property
    def perigee_km(self) -> Floats:
        """Altitude of the perigee [km]."""
        return self.a_km * (1.0 - self.ecc) - EARTH.radius_km

    def uniforms(self, stream: int) -> Floats:
        """Random numbers in (0, 1), one for each object, the same in every call.

        They depend on (seed, run, year, ``stream``, uid) and not on other objects. Comparisons are therefore nested: an
        object among the first five is among the first ten. Streams 1 to 99 are reserved.

        Parameters
        ----------
        stream : int
            number of the stream; different streams are independent.
        """
        return uniform(threefry(self._key[0], self._key[1], stream, self.uid)[0])


@dataclass(frozen=True)
class Selection:
    """The objects that a policy selects in one year of one run, and what happens to them.

    Attributes
    ----------
    indices : ndarray of int64
        int64 rows of the view to act on, first choice first.
    failed : ndarray of int64
        int64 rows whose mission failed: they count as missions, and their objects stay unchanged.
    action : Action
        'remove'; 'lower' to an orbit of ``lower_years``; 'avoid': encounters with intact objects become ``factor``
        times as probable.
    eligible : int
        Number of objects that could be selected.
    exhausted : bool
        Whether the policy was in force and had fewer eligible objects than missions.
    """

    indices: Ints
    failed: Ints
    action: Action = "remove"
    lower_years: float = 0.0
    factor: float = 1.0
    eligible: int = 0
    exhausted: bool = False


class PolicyModel(BaseModel):
    """A frozen table of a scenario file; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Campaign(PolicyModel):
    """Missions for ``years_on`` years, then none for ``years_off``, repeated from the start of the policy."""

    years_on: Annotated[Whole, Field(ge=1, le=1000)]
    years_off: Annotated[Whole, Field(ge=1, le=1000)]


class RemovalPolicy(PolicyModel):
    """Base class of all policies. Scenario files refer to a subclass by the default value of its ``rank``.

    Attributes
    ----------
    rank : str
        Name of the criterion.
    from_year, until_year : float
        First year in force, and first year no longer in force.
    campaign : Campaign, optional
        Years with and without missions; default missions in every year.
    """

    rank: str
    from_year: Year = 1957.0
    until_year: Year = 3000.0
    campaign: Campaign | None = None

    registry: ClassVar[dict[str, type[RemovalPolicy]]] = {}
    needs_rates: ClassVar[bool] = True
    """Whether the policy uses the rates of the view. If no policy does they are zero, which saves a third of a run."""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: object) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        name = cls.model_fields["rank"].default
        if isinstance(name, str):
            known = RemovalPolicy.registry.get(name)
            if known is not None and (known.__module__, known.__qualname__) != (cls.__module__, cls.__qualname__):
                raise InputError(
                    f"rank {name!r} of {cls.__qualname__} is already used by {known.__module__}."
                    f"{known.__qualname__}; choose another name"
                )
            RemovalPolicy.registry[name] = cls

    @model_validator(mode="after")
    def _years(self) -> RemovalPolicy:
        if not self.from_year < self.until_year:
            raise ValueError(f"until_year {self.until_year:g} must be later than from_year {self.from_year:g}")
        return self

    def in_force(self, year: float) -> bool:
        """Whether there are missions in this year."""
        if not self.from_year <= year + _TIME_SLACK < self.until_year:
            return False
        if self.campaign is None:
            return True
        since = int(year + _TIME_SLACK - self.from_year)
        return since % (self.campaign.years_on + self.campaign.years_off) < self.campaign.years_on

    def select(self, view: View, taken: Bools | None = None) -> Selection:
        """Select objects for one year of one run.

        Parameters
        ----------
        view : View
            The objects.
        taken : ndarray of bool, optional
            Mask [n] of objects that another policy has already selected in this year.

        Returns
        -------
        Selection
        """
        raise NotImplementedError
