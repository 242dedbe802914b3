"""All against all over one window: nodes, candidates, minima, in blocks of bounded memory.

This module takes element columns and returns arrays; it knows no files, no stores and no schedulers.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from stmgpu.backend import Backend
from stmgpu.propagate.sgp4 import Propagator
from stmgpu.screen.candidates import Block, Candidates, HashGrid, KdTree
from stmgpu.screen.certificate import Certificate
from stmgpu.screen.plan import Plan
from stmgpu.screen.prominence import drop_shallow
from stmgpu.screen.refine import STATES_AT_ONCE, Events, Refiner, merge_events

BLOCK_INTERVALS = 32
"""Node intervals a block: 35 nodes of 30,000 objects are 50 MB."""

_BATCH_BYTES = {"cpu": 10 << 20, "cuda": 1 << 30, "reference": 0}
_BYTES_PER_OBJECT_ROW, _BYTES_PER_CELL_ROW = 100, 8

CANDIDATES_AT_ONCE = 2_000_000
"""Candidates that are collected before they are sorted and refined [pairs], or one batch's where it finds more."""


@dataclass
class Screening:
    """Everything one run found, before it becomes a Dataset.

    ``events`` hold catalogue indices; ``failed_*`` [k] list the objects that SGP4 could not propagate at one node or
    more: catalogue index, code, first time [s after start].
    """

    plan: Plan
    propagator: Propagator
    refiner: Refiner
    events: Events
    certificate: Certificate
    candidates: int
    unrefined: int
    failed_object: np.ndarray
    failed_code: np.ndarray
    failed_s: np.ndarray
    seconds: dict[str, float] = field(default_factory=dict)


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
    """First failing node and its code for every object."""

    def __init__(self, n: int) -> None:
        self.node = np.full(n, np.iinfo(np.int64).max)
        self.code = np.zeros(n, np.int8)

    def note(self, codes: np.ndarray, first_node: int) -> None:
        bad = codes[:, : len(self.node)] != 0
        new = np.flatnonzero(bad.any(axis=0) & (self.code == 0))
        at = bad[:, new].argmax(axis=0)
        self.node[new] = first_node + at
        self.code[new] = codes[at, new]


def run(elements: Any, plan: Plan, backend: Backend, mode: str = "i",
        progress: Callable[[float], None] | None = None) -> Screening:
    """Screen all objects against all others.

    Parameters
    ----------
    elements
        mean elements, such as a :class:`stmgpu.catalog.Catalog`.
    plan
        from :func:`stmgpu.screen.plan.make_plan`.
    backend
        where to run.
    mode
        SGP4 operation mode, 'i' or 'a'.
    progress
        called with the fraction done, between 0 and 1.
    """
    watch = _Stopwatch()
    first_node, last_node = int(plan.node_before(0)), int(plan.node_before(plan.rows - 1)) + 1
    with watch("initialise"):
        span = (float(plan.node_s(first_node - 1)) - 1.0, float(plan.node_s(last_node + 1)) + 1.0)
        propagator = Propagator(elements, backend, plan.start, span, mode)
        refiner = Refiner(propagator, plan, backend)
        row_bytes = _BYTES_PER_OBJECT_ROW * propagator.n_pad + _BYTES_PER_CELL_ROW * plan.cells
        rows_per_batch = max(1, _BATCH_BYTES[backend.name] // row_bytes)
        rows_per_batch = min(max(rows_per_batch, 2 * getattr(backend, "threads", 1)),
                             BLOCK_INTERVALS * plan.steps_per_node)
        search_type = KdTree if backend.name == "reference" else HashGrid
        search = search_type(plan, backend, propagator.n_pad, rows_per_batch)
    failures, certificate = _Failures(propagator.n), Certificate()
    found: list[Events] = []
    waiting: list[Candidates] = []
    counted = unrefined = 0

    def refine() -> None:
        nonlocal unrefined
        with watch("refine"):
            for part in _chunks(waiting, backend.xp):
                events, bad = refiner.refine(part)
                found.append(events)
                unrefined += bad
            waiting.clear()

    for block, rows in _blocks(plan, propagator, backend, first_node, last_node, watch):
        with watch("bounds"):
            error, codes = search.measure(block)
            failures.note(backend.get(codes[1:-1]), block.first_node + 1)
        for candidates in _found(search, block, rows, rows_per_batch, backend.xp, watch):
            counted += len(candidates)
            waiting.append(candidates)
            with watch("certify"):
                certificate.measure(plan, refiner, block, error, candidates)
            if sum(map(len, waiting)) >= STATES_AT_ONCE:
                refine()
        if progress is not None:
            progress((int(rows[-1]) + 1) / plan.rows)
    refine()
    with watch("merge"):
        events = drop_shallow(refiner, merge_events(Events.concatenate(found), plan.duration_s))
    bad = np.flatnonzero(failures.code)
    return Screening(plan, propagator, refiner, events, certificate, counted, unrefined, propagator.order[bad],
                     failures.code[bad], np.asarray(plan.node_s(failures.node[bad]), float), watch.seconds)


def _blocks(plan: Plan, propagator: Propagator, backend: Backend, first_node: int, last_node: int,
            watch: _Stopwatch) -> Iterator[tuple[Block, np.ndarray]]:
    """Blocks of nodes with the rows between them; the last three nodes of a block are the first of the next.

    All blocks share one buffer: a block is valid until the next is asked for.
    """
    all_rows = np.arange(plan.rows)
    row_node = plan.node_before(all_rows)
    states = backend.empty((BLOCK_INTERVALS + 3, 6, propagator.n_pad))
    codes = backend.empty((BLOCK_INTERVALS + 3, propagator.n_pad), np.int8)
    kept = 0
    for node in range(first_node, last_node, BLOCK_INTERVALS):
        stop = min(node + BLOCK_INTERVALS, last_node)
        count = stop - node + 3
        with watch("propagate"):
            if kept:
                states[:3], codes[:3] = states[-3:].copy(), codes[-3:].copy()
            times = np.asarray(plan.node_s(np.arange(node - 1 + kept, stop + 2)), float)
            propagator.grid(times, (states[kept:count], codes[kept:count]))
            kept = 3
        yield Block(states[:count], codes[:count], node - 1), all_rows[(row_node >= node) & (row_node < stop)]


def _found(search: HashGrid | KdTree, block: Block, rows: np.ndarray, rows_per_batch: int, xp: Any,
           watch: _Stopwatch) -> Iterator[Candidates]:
    """Candidates of a block: all at once, or as many batches together as make :data:`CANDIDATES_AT_ONCE`."""
    parts: list[Candidates] = []
    for k in range(0, len(rows), rows_per_batch):
        with watch("search"):
            parts.append(search.find(block, rows[k : k + rows_per_batch]))
        if sum(map(len, parts)) >= CANDIDATES_AT_ONCE or k + rows_per_batch >= len(rows):
            yield _in_order(parts, xp)
            parts = []


def _in_order(parts: list[Candidates], xp: Any) -> Candidates:
    """Candidates by interval and objects: appending order depends on threads, results must not."""
    first, second, row, offset_s = (xp.concatenate([getattr(p, name) for p in parts])
                                    for name in ("first", "second", "row", "offset_s"))
    order = xp.lexsort(xp.stack([second.astype(np.int64), first.astype(np.int64), row]))
    return Candidates(first[order], second[order], row[order], offset_s[order])


def _chunks(parts: list[Candidates], xp: Any) -> Iterator[Candidates]:
    """Waiting candidates, at most :data:`STATES_AT_ONCE` at a time."""
    if not parts:
        return
    whole = Candidates(*(xp.concatenate([getattr(p, name) for p in parts])
                         for name in ("first", "second", "row", "offset_s")))
    for k in range(0, len(whole), STATES_AT_ONCE):
        s = slice(k, k + STATES_AT_ONCE)
        yield Candidates(whole.first[s], whole.second[s], whole.row[s], whole.offset_s[s])
