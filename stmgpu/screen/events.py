"""Minima of distance as columns, and the removal of duplicates among them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self, TypeVar

import numpy as np

if TYPE_CHECKING:
    from stmgpu.typing import BackendArray

DUPLICATE_S = 1e-3
"""Two events of a pair closer than this are one [s]; distinct minima are minutes apart."""


@dataclass
class Events:
    """Minima: ``first``, ``second`` internal indices, ``tca_s`` [s after midnight], ``flags``; host arrays [m]."""

    first: np.ndarray
    second: np.ndarray
    tca_s: np.ndarray
    flags: np.ndarray

    @staticmethod
    def concatenate(parts: list[Events]) -> Events:
        """Concatenate the events of several batches."""
        if not parts:
            return Events(np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0), np.empty(0, np.int32))
        return Events(*(np.concatenate([getattr(p, f) for p in parts]) for f in ("first", "second", "tca_s", "flags")))

    def __getitem__(self, index: BackendArray | slice) -> Self:
        return dataclasses.replace(self, **{f.name: getattr(self, f.name)[index] for f in dataclasses.fields(self)})

    def __len__(self) -> int:
        return len(self.first)


E = TypeVar("E", bound=Events)


def merge_events(events: E) -> E:
    """Sort events by pair and time and drop duplicates at interval ends; interior events replace edge events."""
    order = np.lexsort((events.tca_s, events.second, events.first))
    first, second, tca_s = events.first[order], events.second[order], events.tca_s[order]
    twin = (np.diff(first) == 0) & (np.diff(second) == 0) & (np.diff(tca_s) < DUPLICATE_S)
    run = np.cumsum(np.append(True, ~twin)[: len(events)])  # number of each run of twins
    inner_first = np.lexsort((tca_s, events.flags[order] != 0, run))
    return events[order[inner_first[np.flatnonzero(np.diff(run, prepend=0))]]]
