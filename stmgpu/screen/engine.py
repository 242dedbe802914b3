"""All-against-all search of a window: nodes, candidates and minima in blocks of bounded memory.

A window is searched in parts of whole blocks (:class:`Screener`), in any order and by any number of processes, and the
parts are merged at the end (:func:`stmgpu.screen.parts.merge_parts`). Results do not depend on the division of the
window: all parts count time from midnight, blocks begin on whole hours, and duplicates are dropped in the merge only.

This module works on arrays in memory; files, stores and schedulers are handled elsewhere.
"""

from __future__ import annotations

import math
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.backend import device_entry
from stmgpu.backend.parts import in_parts
from stmgpu.errors import CapacityError, DeviceMemoryError
from stmgpu.propagate.codes import CODE_ABSENT
from stmgpu.screen.broad_phase import Block, Candidates
from stmgpu.screen.broad_phase_kernels import HashGrid
from stmgpu.screen.broad_phase_reference import KdTree
from stmgpu.screen.certificate import Certificate
from stmgpu.screen.encounters import Encounters, Followed, encounters, propagator_of
from stmgpu.screen.parts import Part, merge_parts
from stmgpu.screen.plan import BLOCK_NODES, NODE_STEP_S, Plan
from stmgpu.screen.refine import Refiner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from stmgpu.backend import Backend
    from stmgpu.propagate.protocol import Propagator
    from stmgpu.propagate.screening_objects import ScreeningObjects
    from stmgpu.typing import BackendArray

BYTES_PER_OBJECT_ROW, BYTES_PER_CELL_ROW = 100, 8
_BYTES_PER_OBJECT = 2500  # constants, and states at the nodes of a block
_BYTES_PER_CANDIDATE = 100  # held, and while they are sorted

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
        with self._watch("initialise"), _fitting(plan, len(objects), backend):
            nodes = min(BLOCK_NODES, plan.last_node - plan.first_node) + 3
            self.propagator = propagator_of(objects, plan, backend)
            self.refiner = Refiner(self.propagator, plan, backend)
            self._ids = np.asarray(objects.norad_id)
            self._ids_in_order = backend.put(self._ids[self.propagator.order])
            primary = objects.is_primary[self.propagator.order]
            self._groups = _groups(objects, self.propagator.order, split, primary=primary, backend=backend)
            self._pads = self.propagator.pads_km(plan.half_step_s, NODE_STEP_S)
            self._absent = _absent(objects, self.propagator, plan, backend)
            self._states = backend.empty((nodes, 6, self.propagator.n_pad))
            self._codes = backend.empty((nodes, self.propagator.n_pad), np.int8)
            self._rows_per_batch = rows_per_batch(plan, backend, self.propagator.n_pad)
            search_type = HashGrid if backend.runs_kernels else KdTree
            selected = (
                None if primary.all() else np.append(primary, np.zeros(self.propagator.n_pad - len(primary), bool))
            )
            self._search = search_type(plan, backend, self.propagator.n_pad, self._rows_per_batch, selected=selected)
            self._candidates_at_once = min(CANDIDATES_AT_ONCE, backend.memory_bytes() // (4 * _BYTES_PER_CANDIDATE))

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
        with _fitting(self.plan, len(self._ids), self.backend):
            return self._run(first_block, self.plan.blocks if last_block is None else last_block, progress)

    def _run(self, first_block: int, last_block: int, progress: Callable[[float], None] | None) -> Part:
        refiner, watch, xp = self.refiner, self._watch, self.backend.xp
        failures, certificate = _Failures(self.propagator.n, self.backend), Certificate()
        batches: list[Encounters] = []
        pending: list[Candidates] = []
        counted = unrefined = 0

        def refine() -> None:
            nonlocal unrefined
            if not pending:
                return
            with watch("refine"):
                whole = Candidates.join(pending, xp)
                pending.clear()
                for _, (events, bad) in in_parts(
                    self.backend, len(whole), refiner.at_once, lambda part: self._refine(whole[part])
                ):
                    batches.append(events)
                    unrefined += bad

        for number, (block, rows) in enumerate(self._blocks(first_block, last_block), first_block + 1):
            with watch("bounds"):
                error, codes = self._search.measure(block)
                error += self._pads  # the search's own array
                failures.note(codes[1:-1], block.first_node + 1)
            for candidates in self._candidates(block, rows):
                counted += len(candidates)
                pending.append(candidates)
                with watch("certify"):
                    self._certify(certificate, candidates, block, error)
                if sum(map(len, pending)) >= refiner.at_once:
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

    def _refine(self, candidates: Candidates) -> tuple[Encounters, int]:
        """Encounters of some candidates, and how many could not be refined."""
        events, failed = self.refiner.refine(candidates)
        return encounters(self.refiner, events, self._ids), failed

    def _certify(self, certificate: Certificate, candidates: Candidates, block: Block, error_km: BackendArray) -> None:
        """Add the sample of some candidates to the certificate."""

        def measure(part: slice) -> None:
            certificate.measure(
                candidates[part], block, refiner=self.refiner, error_km=error_km, ids=self._ids_in_order
            )

        for _ in in_parts(self.backend, len(candidates), len(candidates), measure):
            pass

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
                self._propagate(times, states[kept:count], codes[kept:count])
                kept = 3
            per_node = plan.steps_per_node
            rows = np.arange(max(node * per_node - plan.first_row, 0), min(stop * per_node - plan.first_row, plan.rows))
            yield Block(states[:count], codes[:count], node - 1), rows

    def _propagate(self, times_s: np.ndarray, states: BackendArray, codes: BackendArray) -> None:
        """Fill states and codes; the propagator's own buffers are as long as a part of the times."""

        def fill(part: slice) -> None:
            self.propagator.grid(times_s[part], (states[part], codes[part]))

        for _ in in_parts(self.backend, len(times_s), len(times_s), fill):
            pass

    def _candidates(self, block: Block, rows: np.ndarray) -> Iterator[Candidates]:
        """Candidates of a block in the order of their rows, in lists of about :data:`CANDIDATES_AT_ONCE`."""
        parts: list[Candidates] = []
        for k in range(0, len(rows), self._rows_per_batch):
            with self._watch("search"):
                candidates = self._search.find(block, rows[k : k + self._rows_per_batch])
                for groups in self._groups:
                    candidates = candidates[
                        self.backend.xp.flatnonzero(groups[candidates.first] != groups[candidates.second])
                    ]
                parts.append(candidates)
            if sum(map(len, parts)) >= self._candidates_at_once or k + self._rows_per_batch >= len(rows):
                yield from self._in_order(Candidates.join(parts, self.backend.xp))
                parts = []

    def _in_order(self, candidates: Candidates) -> Iterator[Candidates]:
        """Sort candidates by interval and objects: their order depends on threads, results must not.

        Those that the memory of the device is too small to sort together are sorted interval by interval.
        """
        try:
            with self._watch("search"), self.backend.on_device():
                ordered = _sorted(candidates, self.backend.xp)
        except DeviceMemoryError:
            row = self.backend.get(candidates.row)  # rises already
            if len(row) == 0 or row[0] == row[-1]:
                raise
        else:
            yield ordered
            return
        self.backend.release()
        middle = int(np.searchsorted(row, row[len(row) // 2]))
        middle = middle or int(np.searchsorted(row, row[0], side="right"))
        yield from self._in_order(candidates[:middle])
        yield from self._in_order(candidates[middle:])


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
    parts, refiner = [screener.run(progress=progress)], screener.refiner
    del screener  # with the arrays of the search
    part, followed = merge_parts(parts, objects, plan, backend)
    return Screening(plan, backend, refiner, part, followed)


def _sorted(candidates: Candidates, xp: ModuleType) -> Candidates:
    order = xp.lexsort(
        xp.stack([candidates.second.astype(np.int64), candidates.first.astype(np.int64), candidates.row])
    )
    return candidates[order]


@contextmanager
def _fitting(plan: Plan, objects: int, backend: Backend) -> Iterator[None]:
    """Raise an error that says what is needed where the device cannot hold what every block needs."""
    try:
        with backend.on_device():
            yield
    except DeviceMemoryError as error:
        needed = math.ceil(device_bytes(plan, objects) / 2**20)
        raise CapacityError(
            f"a screening of {objects:,} objects needs about {needed:,} MiB: {error}; into a store it can be screened "
            "in chunks (--chunk-objects, stm.Tiling)"
        ) from error


def device_bytes(plan: Plan, objects: int) -> float:
    """Memory of a device without which that many objects cannot be screened, about [bytes]."""
    return objects * (_BYTES_PER_OBJECT + BYTES_PER_OBJECT_ROW) + 2.0 * BYTES_PER_CELL_ROW * plan.cells
