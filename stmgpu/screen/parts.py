"""Partial results of a window, and their merge into the whole."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from stmgpu.backend import device_entry
from stmgpu.constants import SLOW_PAIR_KM_S
from stmgpu.screen.certificate import Certificate
from stmgpu.screen.encounters import SLOW, Encounters, Followed
from stmgpu.screen.events import merge_events
from stmgpu.screen.prominence import drop_shallow
from stmgpu.screen.window_ends import close_junctions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stmgpu.backend import Backend
    from stmgpu.propagate.screening_objects import ScreeningObjects
    from stmgpu.screen.plan import Plan
_FAILED = ("failed_object", "failed_code", "failed_node")


@dataclass
class Part:
    """Result of a part of the window: minima with duplicates, failures, counts and the certificate's sample.

    ``failed_*`` [k] list the objects that SGP4 could not propagate at one node or more: position among the objects,
    code and node (counted from midnight, see :class:`~stmgpu.screen.plan.Plan`) of the first failure.
    """

    events: Encounters
    failed_object: np.ndarray
    failed_code: np.ndarray
    failed_node: np.ndarray
    candidates: int
    unrefined: int
    certificate: Certificate
    seconds: dict[str, float]

    @staticmethod
    def join(parts: list[Part]) -> Part:
        """Concatenate parts; of several failures of an object the first is kept."""
        empty = (np.empty(0, np.int64), np.empty(0, np.int8), np.empty(0, np.int64))
        objects, codes, nodes = (
            np.concatenate([none, *(getattr(p, name) for p in parts)])
            for none, name in zip(empty, _FAILED, strict=True)
        )
        order = np.lexsort((nodes, objects))
        first = order[np.flatnonzero(np.diff(objects[order], prepend=-1))]
        seconds: dict[str, float] = {}
        for part in parts:
            for stage, value in part.seconds.items():
                seconds[stage] = seconds.get(stage, 0.0) + value
        return Part(
            Encounters.join([p.events for p in parts]),
            objects[first],
            codes[first],
            nodes[first],
            sum(p.candidates for p in parts),
            sum(p.unrefined for p in parts),
            Certificate.join([p.certificate for p in parts]),
            seconds,
        )

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Events and failures as arrays by name, for a file."""
        names = [f.name for f in dataclasses.fields(Encounters)]
        return {
            **{name: getattr(self.events, name) for name in names},
            **{name: getattr(self, name) for name in _FAILED},
        }

    @staticmethod
    def from_arrays(arrays: Mapping[str, np.ndarray], summary: Mapping[str, Any]) -> Part:
        """Part from the arrays of :meth:`to_arrays` and the counts of its tile."""
        return Part(
            Encounters(**{f.name: arrays[f.name] for f in dataclasses.fields(Encounters)}),
            arrays["failed_object"],
            arrays["failed_code"],
            arrays["failed_node"],
            int(summary["candidates"]),
            int(summary["unrefined"]),
            Certificate(**summary["certificate"]),
            {},
        )


@device_entry
def merge_parts(
    parts: list[Part], objects: ScreeningObjects, plan: Plan, backend: Backend
) -> tuple[Part, Followed | None]:
    """Merge the parts of a window: drop duplicate minima, and shallow minima of slow pairs.

    Parameters
    ----------
    parts : list of Part
        From :meth:`stmgpu.screen.engine.Screener.run`, of all blocks and all pairs of the objects, in any order;
        the list is emptied.
    objects, plan, backend : ScreeningObjects or Plan or Backend
        As for :class:`stmgpu.screen.engine.Screener`.

    Returns
    -------
    part : Part
        The whole window, with :data:`~stmgpu.screen.encounters.SLOW` set in its flags.
    followed : Followed, optional
        Objects of slow pairs; None without such pairs.
    """
    begin = time.perf_counter()
    whole = Part.join(parts)
    parts.clear()  # millions of events are held once
    events = merge_events(close_junctions(whole.events))
    slow = events.speed_km_s < SLOW_PAIR_KM_S
    followed = None
    if slow.any():
        which = np.concatenate([events.first[slow], events.second[slow]])
        followed = Followed(objects, which, plan, backend)
        events.flags[slow] |= SLOW
        events = drop_shallow(followed, events)
    whole.events = events
    whole.seconds["merge"] = whole.seconds.get("merge", 0.0) + time.perf_counter() - begin
    return whole, followed
