"""Arrivals, decays and gaps of objects in the ten published MOCAT-MC populations of 2000 to 2023.

A file contains the objects that were catalogued with fresh elements at the turn of its year. An object may be missing
from one file and present in a later one; that is a gap in the file, not a decay. So an object counts as present up to
the last file that contains it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from unittest import mock

import numpy as np
from numpy.typing import NDArray

from stmgpu.constants import EARTH
from stmgpu.debris.population import Kind, Population, filling
from stmgpu.debris.population.mocat import read_mocat

YEARS = (2000, 2005, 2009, 2010, 2013, 2015, 2018, 2020, 2022, 2023)
LOW_KM, HIGH_KM = 200.0, 2000.0
"""Perigees of what is counted, as in the published counts."""

EARLY_YEARS = 10.0 / 365.25
"""What is added with a file comes so much before its epoch, to be there when that day is written down."""

_SAME_LAUNCH_YEARS = 0.6 / 365.25


@dataclass(frozen=True)
class Event:
    """A breakup that is known by date [decimal year], NORAD ids of its parents and speed of impact."""

    name: str
    year: float
    parents: tuple[int, ...]
    speed_km_s: float


EVENTS = (
    Event("Fengyun-1C", 2007.028, (25730,), 9.0),
    Event("Iridium 33-Cosmos 2251", 2009.110, (24946, 22675), 11.7),
    Event("Cosmos 1408", 2021.871, (13552,), 9.0),
)
"""2007-01-11, 2009-02-10, 2021-11-15. The speed of the two interceptors is a guess: all that hangs on it is the fastest
fragment (1.3 times as fast)."""


def in_leo(a_km: NDArray[np.float64], ecc: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Mask of the objects that are counted, by perigee."""
    perigee = a_km * (1.0 - ecc) - EARTH.radius_km
    return (perigee >= LOW_KM) & (perigee <= HIGH_KM)


class History:
    """All files, read together.

    Parameters
    ----------
    folder
        with 2000.mat to 2023.mat.
    seed
        for what the files leave open: nodes, sizes and area-to-mass ratios of fragments.
    """

    def __init__(self, folder: Path, seed: int) -> None:
        self.files: dict[int, Population] = {}
        for year in YEARS:
            p = read_mocat(folder / f"{year}.mat", np.random.default_rng([seed, year]), year=float(year))
            self.files[year] = p[p.a_km * (1.0 - p.ecc) - EARTH.radius_km < HIGH_KM]
        self.ids = {year: frozenset(p.norad_id.tolist()) for year, p in self.files.items()}
        self.first: dict[int, int] = {}
        self.last: dict[int, int] = {}
        for year in YEARS:
            for k in self.ids[year]:
                self.first.setdefault(k, year)
                self.last[k] = year

    def count(self, year: int) -> int:
        """Objects of a file with perigees in low orbits."""
        p = self.files[year]
        return int(in_leo(p.a_km, p.ecc).sum())

    def missing(self, year: int) -> int:
        """Objects that an earlier and a later file have, but not this one: its gaps."""
        return sum(self.first[k] < year < self.last[k] and k not in self.ids[year] for k in self.first)

    def lost(self, begin: int, end: int) -> NDArray[np.bool_]:
        """Objects of one file that no file from ``end`` on contains."""
        return np.array([self.last[k] < end for k in self.files[begin].norad_id.tolist()])

    def parent(self, norad_id: int, year: float) -> Population:
        """Parent of an event, from the last file before it: one row."""
        before = max(y for y in YEARS if y <= year and norad_id in self.ids[y])
        p = self.files[before]
        return p[p.norad_id == norad_id]

    def fragments_of(self, event: Event) -> set[int]:
        """NORAD ids of all fragments that the catalogue dates by the launch of an event's parents."""
        dates = np.array([self.parent(k, event.year).launch_year[0] for k in event.parents])
        found: set[int] = set()
        for p in self.files.values():
            near = np.abs(p.launch_year[:, None] - dates).min(axis=1) < _SAME_LAUNCH_YEARS
            found |= set(p.norad_id[near & (p.kind == Kind.UNATTRIBUTED)].tolist())
        return {k for k in found if self.first[k] > event.year}

    def additions(
        self, start: int, at_launch: bool, without: frozenset[int] = frozenset()
    ) -> tuple[Population, NDArray[np.float64]]:
        """Objects that arrive after ``start``, each from the first file that contains it.

        Intact objects launched after the start come at their launch, where ``at_launch``. All others, fragments and
        what was catalogued late, come with that file, so that no decay counts twice.

        Returns
        -------
        population, year
            objects and when they come, in that order.
        """
        parts, comes = [], []
        seen = set(self.ids[start]) | without
        for year in (y for y in YEARS if y > start):
            p = self.files[year]
            p = p[np.array([k not in seen for k in p.norad_id.tolist()])]
            seen |= self.ids[year]
            dated = (p.launch_year > start) & (p.kind != Kind.UNATTRIBUTED) & at_launch
            with_file = year - EARLY_YEARS
            parts.append(p)
            comes.append(np.where(dated, np.minimum(p.launch_year, with_file), with_file))
        population, when = Population.concatenate(parts), np.concatenate(comes)
        order = np.argsort(when, kind="stable")
        return population[order], when[order]


@lru_cache(maxsize=2)
def read_history(folder: Path, seed: int, *, fresh: bool = False) -> History:
    """All files; area-to-mass ratios of fragments are those of survivors, or as if they had just been made."""
    if not fresh:
        return History(folder, seed)
    with mock.patch.object(filling, "survivors_weight", lambda lifetime, age: np.ones(np.shape(lifetime))):
        return History(folder, seed)
