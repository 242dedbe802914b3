"""What is screened: objects with mean elements, objects with trajectories, or both, as one population."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stmgpu.backend import Backend
from stmgpu.catalog import Catalog
from stmgpu.catalog.trajectories.trajectories import Trajectories
from stmgpu.errors import InputError
from stmgpu.propagate.mixed import MixedPropagator
from stmgpu.propagate.sgp4 import SGP4Propagator
from stmgpu.propagate.tabulated.by_object import ByObject
from stmgpu.propagate.tabulated.tabulated import TabulatedPropagator


@dataclass(frozen=True)
class Objects:
    """A catalogue and trajectories; positions count the catalogue's objects first.

    Parameters
    ----------
    catalog
        objects that SGP4 propagates; may be empty.
    trajectories
        objects whose states are interpolated. Their ids must not be in the catalogue: see :meth:`of`.

    Examples
    --------
    >>> from stmgpu.catalog.synthetic import synthetic_catalog
    >>> from stmgpu.propagate import propagate
    >>> cat = synthetic_catalog(5, seed=1)
    >>> eph = propagate(cat[:2], "2025-01-01", hours=1, step_s=60, backend="reference")
    >>> both = Objects.of(cat, Trajectories.from_dataset(eph))
    >>> len(both), len(both.catalog)
    (5, 3)
    """

    catalog: Catalog
    trajectories: Trajectories

    @classmethod
    def of(cls, catalog: Catalog, trajectories: Trajectories) -> Objects:
        """The population in which a trajectory stands for its object: the object's own elements are left out.

        Raises
        ------
        InputError
            a trajectory is sampled too coarsely to be interpolated.
        """
        trajectories.require_accuracy()
        if len(catalog) == 0:
            return cls(catalog, trajectories)
        own = trajectories.matches(catalog)
        keep = np.ones(len(catalog), bool)
        keep[own[own >= 0]] = False
        return cls(catalog if keep.all() else catalog[keep], trajectories)

    def __post_init__(self) -> None:
        both = np.intersect1d(self.catalog.norad_id, self.trajectories.norad_id)
        if len(both):
            raise InputError(f"object {both[0]} has both elements and a trajectory; use Objects.of")

    def __len__(self) -> int:
        return len(self.catalog) + len(self.trajectories)

    def __getitem__(self, index: Any) -> Objects:
        """Some of the objects, by rising positions."""
        chosen = np.arange(len(self))[index]
        if np.any(np.diff(chosen) <= 0):
            raise InputError("objects of a mixed population are taken in their order, each once")
        n = len(self.catalog)
        return Objects(self.catalog[chosen[chosen < n]], self.trajectories[chosen[chosen >= n] - n])

    @property
    def norad_id(self) -> NDArray[np.int64]:
        """NORAD ids [n]."""
        return np.concatenate([self.catalog.norad_id, self.trajectories.norad_id])

    @property
    def name(self) -> NDArray[np.str_]:
        """Names [n]."""
        return np.concatenate([self.catalog.name, self.trajectories.name])

    @property
    def has_trajectory(self) -> NDArray[np.bool_]:
        """Which objects have a trajectory [n]."""
        return np.arange(len(self)) >= len(self.catalog)

    @property
    def epoch_jd(self) -> NDArray[np.float64]:
        """First part of the Julian date of the elements' epoch, UTC [n]; NaN for trajectories."""
        return np.concatenate([self.catalog.epoch_jd, np.full(len(self.trajectories), np.nan)])

    @property
    def epoch_fr(self) -> NDArray[np.float64]:
        """Second part [n]."""
        return np.concatenate([self.catalog.epoch_fr, np.full(len(self.trajectories), np.nan)])

    @property
    def source(self) -> str:
        """Where all of it was read from."""
        named = [self.catalog.source] * (len(self.catalog) > 0)
        return ", ".join([*named, *dict.fromkeys(self.trajectories.source.tolist())])

    @property
    def sha256(self) -> str:
        """Digest of the catalogue's file."""
        return self.catalog.sha256

    @property
    def rejected(self) -> tuple[Any, ...]:
        """Records of the catalogue that were not read."""
        return self.catalog.rejected

    def digest(self) -> str:
        """Digest of everything that the numbers depend on."""
        return hashlib.sha256(f"{self.catalog.digest()} {self.trajectories.digest()}".encode()).hexdigest()

    def propagator(
        self,
        backend: Backend,
        start: tuple[float, float],
        span_s: tuple[float, float],
        mode: str,
        by_object: bool = False,
    ) -> MixedPropagator:
        """Propagator of all: a column for each object with elements, and one for each segment of a trajectory.

        With ``by_object`` a trajectory has one column for all its segments, for whoever follows it through the window.
        """
        table = TabulatedPropagator(self.trajectories, backend, start, span_s)
        elements = SGP4Propagator(self.catalog, backend, start, span_s, mode) if len(self.catalog) else None
        return MixedPropagator(elements, ByObject(table) if by_object else table, backend)
