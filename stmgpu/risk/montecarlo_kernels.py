"""Collisions among samples by ``kernels/twobody_mc.cu``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stmgpu.backend import device_entry
from stmgpu.backend.parts import in_parts
from stmgpu.backend.tables import table

if TYPE_CHECKING:
    from collections.abc import Callable

    from stmgpu.backend import Backend
    from stmgpu.typing import BackendArray, Floats, Ints

_TABLE = table("montecarlo.h")
MEAN_1, MEAN_2, FACTOR_1, FACTOR_2, SENSE_1, SENSE_2, RADIUS = _TABLE.integers(
    "MC_", "MEAN_1 MEAN_2 FACTOR_1 FACTOR_2 SENSE_1 SENSE_2 RADIUS"
)
SHARED_1, SHARED_2, SHARES, COLUMNS = _TABLE.integers("MC_", "SHARED_1 SHARED_2 SHARES COLUMNS")
LINE_MEAN, LINE_FACTOR, LINE_RADIUS, LINE_START, LINE_STOP, LINE_COLUMNS = _TABLE.integers(
    "MC_LINE_", "MEAN FACTOR RADIUS START STOP COLUMNS"
)
HITS, UNMOVED, LOW, COUNTS = _TABLE.integers("MC_", "HITS UNMOVED LOW COUNTS")
LANES, BLOCK, SHARED_PAIR = (_TABLE.integer(f"MC_{name}") for name in ("LANES", "BLOCK", "SHARED_PAIR"))
ECCENTRICITY = _TABLE.number("MC_ECCENTRICITY")
PURPOSE = table("random.h").integer("STREAM_SAMPLE")
"""Purpose of the random numbers: the second word of their key is 2^32 times it.

The first word is the seed; they are counted by the sample, and by 8 times the event's id plus the number of the pair.
"""

_TOGETHER = 1 << 24
"""Samples of one launch."""

_EVENTS = 1 << 12
"""Events of one launch."""


@device_entry
def twobody(events: Ints, rows: Floats, times: Floats, *, samples: int, seed: int, backend: Backend) -> Ints:
    """Count the samples of two-body motion that hit.

    Parameters
    ----------
    events : int64, shape (n,)
        Ids below 2^60, with which the random numbers are keyed.
    rows : float64, shape (n, COLUMNS)
        Table of ``montecarlo.h``.
    times : float64, shape (n, nodes)
        Growing times after that of the states [s], from the start to the stop of the window, so close that the distance
        has at most one minimum between two of them.
    samples : int
        Samples of each event.
    seed : int
        Seed from 0 to 2^64 - 1.
    backend : Backend
        Backend that runs kernels.

    Returns
    -------
    int64, shape (COUNTS, n)
        Rows ``HITS``, ``UNMOVED`` and ``LOW``.
    """
    arrays = [events, rows, times]

    def launch(columns: list[BackendArray], first: int, blocks: int, counts: BackendArray) -> None:
        n = len(columns[0])
        scalars = (n, blocks, first, samples, _signed(seed), times.shape[1])
        backend.launch("twobody_hits", n * blocks * LANES, *scalars, *columns, counts)

    return _counted(arrays, launch, COUNTS, samples, backend)


@device_entry
def straight(events: Ints, rows: Floats, *, samples: int, seed: int, backend: Backend) -> Ints:
    """Count the samples of straight relative motion that hit.

    Parameters
    ----------
    events, samples, seed, backend
        As for `twobody`.
    rows : float64, shape (n, LINE_COLUMNS)
        Table of ``montecarlo.h``.

    Returns
    -------
    int64, shape (1, n)
        Hits.
    """

    def launch(columns: list[BackendArray], first: int, blocks: int, counts: BackendArray) -> None:
        n = len(columns[0])
        backend.launch("line_hits", n * blocks * LANES, n, blocks, first, samples, _signed(seed), *columns, counts[0])

    return _counted([events, rows], launch, 1, samples, backend)


def _counted(
    arrays: list[BackendArray],
    launch: Callable[[list[BackendArray], int, int, BackendArray], None],
    kinds: int,
    samples: int,
    backend: Backend,
) -> Ints:
    """Sum the counts of launches that cover all events and samples."""
    n = len(arrays[0])
    found = np.zeros((kinds, n), np.int64)

    def work(part: slice) -> Ints:
        columns = [backend.put(np.ascontiguousarray(x[part])) for x in arrays]
        blocks = max(1, _TOGETHER // (BLOCK * len(columns[0])))
        counts = backend.zeros((kinds, len(columns[0])), np.int64)
        for first in range(0, samples, blocks * BLOCK):
            launch(columns, first, min(blocks, -(-(samples - first) // BLOCK)), counts)
        return np.asarray(backend.get(counts))

    for part, counts in in_parts(backend, n, _EVENTS, work):
        found[:, part] = counts
    return found


def _signed(seed: int) -> int:
    return seed - 2**64 if seed >= 2**63 else seed
