"""All-against-all search of a window: nodes, candidates and minima in blocks of bounded memory.

A window is searched in parts of whole blocks (:class:`Screener`), in any order and by any number of processes, and the
parts are merged at the end (:func:`stmgpu.screen.parts.merge_parts`). Results do not depend on the division of the
window: all parts count time from midnight, blocks begin on whole hours, and duplicates are dropped in the merge only.

This module works on arrays in memory; files, stores and schedulers are handled elsewhere.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.backend import device_entry
from stmgpu.propagate.codes import CODE_ABSENT
from stmgpu.screen.broad_phase import Block, Candidates
from stmgpu.screen.broad_phase_kernels import HashGrid
from stmgpu.screen.broad_phase_reference import KdTree
from stmgpu.screen.certificate import Certificate
from stmgpu.screen.encounters import Encounters, Followed, encounters, propagator_of
from stmgpu.screen.parts import Part, merge_parts
from stmgpu.screen.plan import BLOCK_NODES, NODE_STEP_S, Plan
from stmgpu.screen.refine import STATES_AT_ONCE, Refiner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from stmgpu.backend import Backend
    from stmgpu.propagate.protocol import Propagator
    from stmgpu.propagate.screening_objects import ScreeningObjects
    from stmgpu.typing import BackendArray

BYTES_PER_OBJECT_ROW, BYTES_PER_CELL_ROW = 100, 8

CANDIDATES_AT_ONCE = 2_000_000
"""Candidates collected before they are sorted and refined [pairs]; more if a single batch yields more."""


class _Stopwatch:
    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        begin = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - begin


class _Failures:
    """First failing node and its code for every object; codes leave the backend where an object begins to fail."""

    def __init__(self, n: int, backend: Backend) -> None:
        self.node = np.full(n, np.iinfo(np.int64).max)
        self.code = np.zeros(n, np.int8)
        self._backend, self._good = backend, backend.zeros(n, np.int8) == 0

    def note(self, codes: BackendArray, first_node: int) -> None:
        codes = codes[:, : len(self.node)]
        columns = self._backend.xp.flatnonzero((codes != 0).any(axis=0) & self._good)
        if len(columns) == 0:
            return
        self._good[columns] = False
        new, codes = self._backend.get(columns), self._backend.get(codes[:, columns])
        at = (codes != 0).argmax(axis=0)
        self.node[new] = first_node + at
        self.code[new] = codes[at, np.arange(len(new))]


class Screener:
    """Search of any number of parts of one plan's window.

    Parameters
    ----------
    objects : ScreeningObjects
        Objects to screen; of a pair the one with the lower NORAD id is the primary.
    plan : Plan
        From :func:`stmgpu.screen.plan.make_plan`, for the whole catalogue.
    backend : Backend
        Backend to compute with.
    split : int, optional
        Report only pairs of an object before this position and one at or after it; default all pairs.
    """

    @device_entry
    def __init__(
        self,
        objects: ScreeningObjects,
        plan: Plan,
        backend: Backend,
        *,
        split: int | None = None,
    ) -> None:
        self.plan, self.backend = plan, backend
        self._watch = _Stopwatch()
        with self._watch("initialise"):
            self.propagator = propagator_of(objects, plan, backend)
            self.refiner = Refiner(self.propagator, plan, backend)
            self._ids = np.asarray(objects.norad_id)
            self._ids_in_order = backend.put(self._ids[self.propagator.order])
            primary = objects.is_primary[self.propagator.order]
            self._groups = _groups(objects, self.propagator.order, split, primary=primary, backend=backend)
            self._pads = self.propagator.pads_km(plan.half_step_s, NODE_STEP_S)
            self._absent = _absent(objects, self.propagator, plan, backend)
            self._rows_per_batch = rows_per_batch(plan, backend, self.propagator.n_pad)
            search_type = HashGrid if backend.runs_kernels else KdTree
            selected = (
                None if primary.all() else np.append(primary, np.zeros(self.propagator.n_pad - len(primary), bool))
            )
            self._search = search_type(plan, backend, self.propagator.n_pad, self._rows_per_batch, selected=selected)
            nodes = min(BLOCK_NODES, plan.last_node - plan.first_node) + 3
            self._states = backend.empty((nodes, 6, self.propagator.n_pad))
            self._codes = backend.empty((nodes, self.propagator.n_pad), np.int8)

    @device_entry
    def run(
        self, first_block: int = 0, last_block: int | None = None, progress: Callable[[float], None] | None = None
    ) -> Part:
        """Search the blocks from the first up to, not including, the last.

        Parameters
        ----------
        first_block, last_block : int
            Range of blocks; default all.
        progress : callable, optional
            Called with the fraction done, between 0 and 1.
        """
        plan, refiner, watch, xp = self.plan, self.refiner, self._watch, self.backend.xp
        last_block = plan.blocks if last_block is None else last_block
        failures, certificate = _Failures(self.propagator.n, self.backend), Certificate()
        batches: list[Encounters] = []
        pending: list[Candidates] = []
        counted = unrefined = 0

        def refine() -> None:
            nonlocal unrefined
            with watch("refine"):
                for part in _chunks(pending, xp):
                    events, bad = refiner.refine(part)
                    batches.append(encounters(refiner, events, self._ids))
                    unrefined += bad
                pending.clear()

        for number, (block, rows) in enumerate(self._blocks(first_block, last_block), first_block + 1):
            with watch("bounds"):
                error, codes = self._search.measure(block)
                error += self._pads  # the search's own array
                failures.note(codes[1:-1], block.first_node + 1)
            for candidates in self._candidates(block, rows):
                counted += len(candidates)
                pending.append(candidates)
                with watch("certify"):
                    certificate.measure(candidates, block, refiner=refiner, error_km=error, ids=self._ids_in_order)
                if sum(map(len, pending)) >= STATES_AT_ONCE:
                    refine()
            if progress is not None:
                progress((number - first_block) / (last_block - first_block))
        refine()
        seconds, watch.seconds = watch.seconds, {}
        bad = np.flatnonzero((failures.code != 0) & (failures.code != CODE_ABSENT))
        objects, nodes = self._absent
        return Part(
            Encounters.join(batches),
            np.concatenate([self.propagator.order[bad], objects]),
            np.concatenate([failures.code[bad], np.full(len(objects), CODE_ABSENT, np.int8)]),
            np.concatenate([failures.node[bad], nodes]),
            counted,
            unrefined,
            certificate,
            seconds,
        )

    def _blocks(self, first: int, last: int) -> Iterator[tuple[Block, np.ndarray]]:
        """Blocks with the rows between their nodes; the last three nodes of a block are the first of the next.

        All blocks share one buffer: a block is valid until the next one is requested.
        """
        plan, states, codes = self.plan, self._states, self._codes
        kept = count = 0
        for number in range(first, last):
            node, stop = plan.block_nodes(number)
            with self._watch("propagate"):
                if kept:
                    states[:3], codes[:3] = states[count - 3 : count].copy(), codes[count - 3 : count].copy()
                count = stop - node + 3
                times = np.asarray(plan.node_s(np.arange(node - 1 + kept, stop + 2)), float)
                self.propagator.grid(times, (states[kept:count], codes[kept:count]))
                kept = 3
            per_node = plan.steps_per_node
            rows = np.arange(max(node * per_node - plan.first_row, 0), min(stop * per_node - plan.first_row, plan.rows))
            yield Block(states[:count], codes[:count], node - 1), rows

    def _candidates(self, block: Block, rows: np.ndarray) -> Iterator[Candidates]:
        """Candidates of a block, in batches of at least :data:`CANDIDATES_AT_ONCE`; the last may be smaller."""
        xp = self.backend.xp
        parts: list[Candidates] = []
        for k in range(0, len(rows), self._rows_per_batch):
            with self._watch("search"):
                candidates = self._search.find(block, rows[k : k + self._rows_per_batch])
                for groups in self._groups:
                    candidates = candidates[xp.flatnonzero(groups[candidates.first] != groups[candidates.second])]
                parts.append(candidates)
            if sum(map(len, parts)) >= CANDIDATES_AT_ONCE or k + self._rows_per_batch >= len(rows):
                yield _in_order(parts, xp)
                parts = []


def _groups(
    objects: ScreeningObjects, order: np.ndarray, split: int | None, *, primary: np.ndarray, backend: Backend
) -> list[BackendArray]:
    """Group numbers of the columns; a pair is screened if its columns differ in all of them."""
    numbers = [] if split is None else [order >= split]
    if objects.any_trajectory:
        numbers.append(order)  # no two segments of one object
    if not primary.all():
        numbers.append(np.where(primary, 1 + np.arange(len(order)), 0))  # no two objects that are not primary
    return [backend.put(groups) for groups in numbers]


def _absent(
    objects: ScreeningObjects, propagator: Propagator, plan: Plan, backend: Backend
) -> tuple[np.ndarray, np.ndarray]:
    """Objects whose trajectory does not cover the window, and the first node (or interval's end) without it."""
    if propagator.usable_s is None:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    begin, end = (backend.get(a)[: propagator.n] for a in propagator.usable_s)
    first = np.full(len(objects), plan.first_node, np.int64)
    missing = objects.has_trajectory.copy()
    reached = np.full(len(objects), plan.start_s)
    for k in np.lexsort((begin, propagator.order)).tolist():
        index = propagator.order[k]
        if missing[index] and begin[k] <= reached[index]:
            reached[index] = max(reached[index], end[k])
    late = np.ceil(np.minimum(reached, plan.end_s) / NODE_STEP_S).astype(np.int64)
    first = np.where(reached > plan.start_s, late, first)
    missing &= reached < plan.end_s
    return np.flatnonzero(missing), first[missing]


def rows_per_batch(plan: Plan, backend: Backend, n_pad: int) -> int:
    """Sample times searched at once: as many as fit a cache (or the GPU's memory), with work for each thread."""
    row_bytes = BYTES_PER_OBJECT_ROW * n_pad + BYTES_PER_CELL_ROW * plan.cells
    rows = max(1, backend.batch_bytes // row_bytes, 2 * backend.threads)
    return min(rows, BLOCK_NODES * plan.steps_per_node)


@dataclass
class Screening:
    """Result of a whole window: its events and the tools that computed them.

    Attributes
    ----------
    plan, backend, refiner : Plan or Backend or Refiner
        Plan, backend and refiner of the screening.
    part : Part
        Events by pair and time, without duplicates.
    followed : Followed, optional
        Objects of slow pairs; None without such pairs.
    """

    plan: Plan
    backend: Backend
    refiner: Refiner
    part: Part
    followed: Followed | None

    @property
    def events(self) -> Encounters:
        """The events."""
        return self.part.events


@device_entry
def run(
    objects: ScreeningObjects, plan: Plan, backend: Backend, progress: Callable[[float], None] | None = None
) -> Screening:
    """Screen all objects against all others over the whole window; see :class:`Screener` for the parameters."""
    screener = Screener(objects, plan, backend)
    part, followed = merge_parts([screener.run(progress=progress)], objects, plan, backend)
    return Screening(plan, backend, screener.refiner, part, followed)


def _in_order(parts: list[Candidates], xp: ModuleType) -> Candidates:
    """Sort candidates by interval and objects: their order depends on threads, results must not."""
    first, second, row, offset_s = (
        xp.concatenate([getattr(p, name) for p in parts]) for name in ("first", "second", "row", "offset_s")
    )
    order = xp.lexsort(xp.stack([second.astype(np.int64), first.astype(np.int64), row]))
    return Candidates(first[order], second[order], row[order], offset_s[order])


def _chunks(parts: list[Candidates], xp: ModuleType) -> Iterator[Candidates]:
    """Pending candidates, at most :data:`STATES_AT_ONCE` at a time."""
    if not parts:
        return
    whole = Candidates(
        *(xp.concatenate([getattr(p, name) for p in parts]) for name in ("first", "second", "row", "offset_s"))
    )
    for k in range(0, len(whole), STATES_AT_ONCE):
        yield whole[k : k + STATES_AT_ONCE]
