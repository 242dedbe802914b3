"""Objects of a screening: those with mean elements, and those with trajectories."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from stmgpu.catalog.ids import IdChoice
from stmgpu.catalog.trajectories.segments import SYNTHETIC_ID
from stmgpu.catalog.trajectories.trajectories import Trajectories
from stmgpu.errors import InputError
from stmgpu.propagate.identification import identify
from stmgpu.propagate.mixed import MixedPropagator
from stmgpu.propagate.sgp4 import SGP4Propagator
from stmgpu.propagate.tabulated.by_object import ByObject
from stmgpu.propagate.tabulated.tabulated import TabulatedPropagator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stmgpu.backend import Backend
    from stmgpu.catalog import Catalog
    from stmgpu.catalog.rejection import Rejection
    from stmgpu.choices import ElementSets
    from stmgpu.propagate.protocol import Propagator
    from stmgpu.typing import Bools, Floats, Ints, Strings
    from stmgpu.window import Window


def _no_trajectories() -> Trajectories:
    return Trajectories.of([])


def _named(trajectories: Trajectories, catalog: Catalog, places: Ints) -> Trajectories:
    """Trajectories with the ids of their objects instead of synthetic ones, and none of an object that is another."""
    own = np.flatnonzero((places >= 0) & (trajectories.norad_id >= SYNTHETIC_ID))
    ids = trajectories.norad_id.copy()
    ids[own] = catalog.norad_id[places[own]]
    if len(np.unique(ids)) < len(ids):  # two trajectories of one object keep ids of their own
        ids = trajectories.norad_id.copy()
    of_object = np.where(places < 0, -1, catalog.norad_id[places])
    of_others = np.flatnonzero(np.isin(ids, catalog.norad_id) & (ids != of_object))
    ids[of_others] = max(int(ids.max()), int(catalog.norad_id.max())) + 1 + np.arange(len(of_others))
    return trajectories if np.array_equal(ids, trajectories.norad_id) else replace(trajectories, norad_id=ids)


@dataclass(frozen=True)
class ScreeningObjects:
    """A catalogue and trajectories; positions count the catalogue's objects first.

    Parameters
    ----------
    catalog : Catalog
        Objects that SGP4 propagates; may be empty.
    trajectories : Trajectories, optional
        Objects whose states are interpolated; default none. Their ids must not be in the catalogue: see `of`.
    primaries : array_like of int, optional
        NORAD ids of the objects of which one is in every pair that is screened; default those with a trajectory, or
        all objects if there is none. Parts of the objects inherit them.

    Raises
    ------
    InputError
        If an object has both elements and a trajectory.

    Examples
    --------
    >>> from stmgpu.catalog.synthetic import synthetic_catalog
    >>> from stmgpu.propagate import propagate
    >>> cat = synthetic_catalog(5, seed=1)
    >>> eph = propagate(cat[:2], "2025-01-01", hours=1, step_s=60, backend="reference")
    >>> objects = ScreeningObjects.of(cat, Trajectories.from_dataset(eph))
    >>> len(objects), len(objects.catalog)
    (5, 3)
    """

    catalog: Catalog
    trajectories: Trajectories = field(default_factory=_no_trajectories)
    primaries: Ints | None = None

    @classmethod
    def of(cls, catalog: Catalog, trajectories: Trajectories) -> ScreeningObjects:
        """Objects of a catalogue and of trajectories; a trajectory replaces its object's elements.

        A trajectory without an id of its own that follows an object of the catalogue gets the id of that object, see
        `stmgpu.propagate.identification`; an `UncertainIdentityWarning` tells where this is doubtful.

        Raises
        ------
        InputError
            If a trajectory is sampled too coarsely to be interpolated.
        """
        trajectories.require_accuracy()
        if len(catalog) == 0:
            return cls(catalog, trajectories)
        places = identify(trajectories, catalog)
        trajectories = _named(trajectories, catalog, places)
        keep = np.ones(len(catalog), bool)
        keep[places[places >= 0]] = False
        return cls(catalog if keep.all() else catalog[keep], trajectories)

    def __post_init__(self) -> None:
        both = np.intersect1d(self.catalog.norad_id, self.trajectories.norad_id)
        if len(both):
            raise InputError(f"object {both[0]} has both elements and a trajectory; use ScreeningObjects.of")
        if self.primaries is None and self.any_trajectory:
            object.__setattr__(self, "primaries", np.unique(self.trajectories.norad_id))

    def __len__(self) -> int:
        return len(self.catalog) + len(self.trajectories)

    def __getitem__(self, index: slice | npt.NDArray[np.integer[Any] | np.bool_]) -> ScreeningObjects:
        """Some of the objects; with trajectories only by rising positions."""
        if not self.any_trajectory:
            return replace(self, catalog=self.catalog[index])
        chosen = np.arange(len(self))[index]
        if np.any(np.diff(chosen) <= 0):
            raise InputError("screening objects with trajectories must be chosen in their order, each once")
        n = len(self.catalog)
        return ScreeningObjects(
            self.catalog[chosen[chosen < n]], self.trajectories[chosen[chosen >= n] - n], self.primaries
        )

    def for_window(self, window: Window, sets: ElementSets | None = None) -> ScreeningObjects:
        """The same objects, each with the element set that fits a window; see `Catalog.with_sets`.

        Parameters
        ----------
        window : Window
            Span that is screened or propagated.
        sets : {'nearest', 'newest'}, optional
            Rule for objects with several sets; default the choice that the catalogue was given, or else 'nearest' to
            the middle of the window.

        Raises
        ------
        InputError
            If the rule is unknown.
        """
        if sets is None and (self.catalog.sets or self.catalog.all_sets is None):
            return self
        return replace(self, catalog=self.catalog.with_sets(sets or "nearest", near=window.middle))

    @property
    def any_trajectory(self) -> bool:
        """Whether there is an object with a trajectory."""
        return len(self.trajectories) > 0

    @property
    def norad_id(self) -> Ints:
        """NORAD ids [n]."""
        return np.concatenate([self.catalog.norad_id, self.trajectories.norad_id])

    @property
    def name(self) -> Strings:
        """Names [n]."""
        return np.concatenate([self.catalog.name, self.trajectories.name])

    @property
    def is_primary(self) -> Bools:
        """True for primaries [n]: every pair that is screened has one."""
        if self.primaries is None:
            return np.ones(len(self), bool)
        return np.isin(self.norad_id, self.primaries)

    def with_primaries(self, primaries: Sequence[int] | None) -> ScreeningObjects:
        """The same objects with other primaries; None leaves them as they are.

        Raises
        ------
        InputError
            If one of them is not among the objects.
        """
        if primaries is None:
            return self
        return replace(self, primaries=IdChoice(tuple(primaries)).among(self.norad_id))

    @property
    def has_trajectory(self) -> Bools:
        """True for objects with a trajectory [n]."""
        return np.arange(len(self)) >= len(self.catalog)

    @property
    def epoch_jd(self) -> Floats:
        """First part of the Julian date of the elements' epoch, UTC [n]; NaN for trajectories."""
        return np.concatenate([self.catalog.epoch_jd, np.full(len(self.trajectories), np.nan)])

    @property
    def epoch_fr(self) -> Floats:
        """Second part [n]."""
        return np.concatenate([self.catalog.epoch_fr, np.full(len(self.trajectories), np.nan)])

    @property
    def source(self) -> str:
        """Names of all files and stores that were read."""
        if not self.any_trajectory:
            return self.catalog.source
        named = [self.catalog.source] * (len(self.catalog) > 0)
        return ", ".join([*named, *dict.fromkeys(self.trajectories.source.tolist())])

    @property
    def sha256(self) -> str:
        """Digest of the catalogue's file."""
        return self.catalog.sha256

    @property
    def rejected(self) -> tuple[Rejection, ...]:
        """Records of the catalogue that were not read."""
        return self.catalog.rejected

    @property
    def rejected_count(self) -> int:
        """Number of those records, also of the ones that are only counted."""
        return self.catalog.rejected_count

    def digest(self) -> str:
        """Digest of everything that the numbers depend on."""
        if not self.any_trajectory:
            return self.catalog.digest()
        return hashlib.sha256(f"{self.catalog.digest()} {self.trajectories.digest()}".encode()).hexdigest()

    def propagator(
        self,
        backend: Backend,
        start: tuple[float, float],
        span_s: tuple[float, float],
        *,
        mode: str,
        by_object: bool = False,
    ) -> Propagator:
        """Propagator of all objects: a column for each with elements, and one for each segment of a trajectory.

        Parameters
        ----------
        backend : Backend
            Backend to run on.
        start : tuple of float
            Two-part Julian date from which times are counted, UTC [d].
        span_s : tuple of float
            First and last time that will be asked for [s after start].
        mode : str
            Operation mode of SGP4, 'i' or 'a'.
        by_object : bool
            One column for all segments of a trajectory, to follow objects through the window.
        """
        elements = SGP4Propagator(self.catalog, backend, start, span_s, mode) if len(self.catalog) else None
        if elements is not None and not self.any_trajectory:
            return elements
        table = TabulatedPropagator(self.trajectories, backend, start, span_s)
        return MixedPropagator(elements, ByObject(table) if by_object else table, backend)
