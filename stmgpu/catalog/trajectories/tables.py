"""Segments with the same times as one table, for measurements that are vectorised over objects and samples."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.catalog.trajectories.interpolation import Weights, weights, windows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from stmgpu.catalog.trajectories.columns import Columns
    from stmgpu.typing import BackendArray, Floats, Ints

_STATES_AT_ONCE = 1 << 17


@dataclass(frozen=True)
class Table:
    """Samples of g segments that have the same times and are interpolated alike.

    Parameters
    ----------
    time_ns : int64, shape (n,)
        Times [ns].
    position, velocity : float64, shape (n, 3, g)
        [km], [km/s].
    method : str
        Method of interpolation.
    samples : int
        Samples that take part in one interpolation.
    """

    time_ns: Ints
    position: Floats
    velocity: Floats
    method: str
    samples: int

    def __len__(self) -> int:
        return len(self.time_ns)

    @cached_property
    def step_s(self) -> Floats:
        """Widths of the intervals [s], shape (n - 1,)."""
        return np.asarray(np.diff(self.time_ns) / 1e9, np.float64)

    @cached_property
    def is_uniform(self) -> bool:
        """Whether all steps are equal."""
        step = np.diff(self.time_ns)
        return bool((step == step[0]).all())

    @cached_property
    def windows(self) -> Ints:
        """Samples that take part in each interval, shape (n - 1, samples)."""
        return windows(self.time_ns, self.samples)

    def patterns(self, nodes: Ints, origin: Ints) -> tuple[Ints, Ints]:
        """Rows of windows that stand for all, and the one of each: on equal steps few windows differ in their times.

        Parameters
        ----------
        nodes : int64, shape (m, q)
            Windows of consecutive samples, or those with one left out.
        origin : int64, shape (m,)
            The sample or interval of each.
        """
        if not self.is_uniform:
            every = np.arange(len(nodes))
            return every, every
        pattern = origin - nodes[:, 0]
        pattern -= pattern.min()
        first = np.zeros(pattern.max() + 1, np.int64)  # those that do not occur get any row
        first[pattern[::-1]] = np.arange(len(nodes))[::-1]
        return first, pattern

    def weights(self, nodes: Ints, origin: Ints, t_s: Floats, method: str) -> tuple[Weights, Ints]:
        """Weights at instants, one row for each pattern of times, and the pattern of each instant.

        Instants must lie equally in windows of one pattern: at their origin, or at one fraction of its interval.
        """
        rows, pattern = self.patterns(nodes, origin)
        # times from the origin: the same numbers wherever a pattern occurs
        start = self.time_ns[origin[rows]]
        times = (self.time_ns[nodes[rows]].T - start) / 1e9
        at = np.ascontiguousarray(t_s[rows], np.float64)
        if not self.is_uniform:
            return weights(method, list(times), at), pattern
        return _known_weights(method, times.tobytes(), at.tobytes()), pattern

    def combine(self, nodes: Ints, pattern: Ints, parts: Sequence[list[BackendArray]]) -> Floats:
        """Weighted sums [m, 3, g] of the samples of each window: of positions, and of velocities."""
        total = np.zeros((len(nodes), *self.position.shape[1:]))
        alike = np.flatnonzero(pattern == pattern[len(pattern) // 2])
        begin, end = int(alike[0]), int(alike[-1]) + 1
        if not self.is_uniform or end - begin != len(alike) or nodes[end - 1, 0] - nodes[begin, 0] != end - begin - 1:
            begin = end = 0
        rest = np.concatenate([np.arange(begin), np.arange(end, len(nodes))])
        for table, part in zip((self.position, self.velocity), parts, strict=True):
            for j, w in enumerate(part):
                if len(rest):
                    total[rest] += table[nodes[rest, j]] * w[pattern[rest]][:, None, None]
                if end > begin:  # the same window again and again, one sample further each time
                    first = int(nodes[begin, j])
                    total[begin:end] += table[first : first + end - begin] * w[pattern[begin]]
        return total


@lru_cache(maxsize=256)
def _known_weights(method: str, times: bytes, t: bytes) -> Weights:
    """Weights of equal steps, which occur in table after table."""
    at = np.frombuffer(t, np.float64)
    return weights(method, list(np.frombuffer(times, np.float64).reshape(-1, len(at))), at)


@dataclass(frozen=True)
class Errors:
    """Parts of the bound of the interpolation error of a `Table`.

    Attributes
    ----------
    truncation : float64, shape (n - 1, g)
        What the polynomial leaves out in each interval [km].
    states : float64, shape (n - 1, g)
        What errors of the recorded states add [km].
    misfit : float64, shape (n, g)
        How far each state is off the path through its neighbours [km].
    """

    truncation: Floats
    states: Floats
    misfit: Floats


def tables(t: Columns, segments: Ints) -> Iterator[tuple[Ints, Table]]:
    """Segments that follow each other and have the same times, method and usable time, as tables.

    Parameters
    ----------
    t : Columns
        The trajectories.
    segments : ndarray of int64
        Which of their segments.

    Yields
    ------
    members : ndarray of int64, shape (g,)
        Segments of the table.
    table : Table
        Their samples.
    """
    used = t.samples_used
    k = 0
    while k < len(segments):
        one, together = segments[k], 1
        time_ns = t.time_ns[t.offset[one] : t.offset[one + 1]]
        most = max(1, _STATES_AT_ONCE // len(time_ns))
        while k + together < len(segments) and together < most and _alike(t, one, segments[k + together], used):
            together += 1
        members = segments[k : k + together]
        at = t.offset[members][None, :] + np.arange(len(time_ns))[:, None]
        position, velocity = (np.ascontiguousarray(a[at].transpose(0, 2, 1)) for a in (t.position, t.velocity))
        yield members, Table(time_ns, position, velocity, str(t.method[one]), int(used[one]))
        k += together


def _alike(t: Columns, one: int, other: int, used: Ints) -> bool:
    return bool(
        t.method[one] == t.method[other]
        and used[one] == used[other]
        and t.usable_start_ns[one] == t.usable_start_ns[other]
        and t.usable_stop_ns[one] == t.usable_stop_ns[other]
        and np.array_equal(
            t.time_ns[t.offset[one] : t.offset[one + 1]], t.time_ns[t.offset[other] : t.offset[other + 1]]
        )
    )


def norm(vectors: Floats) -> Floats:
    """Lengths of vectors [m, 3, g], shape (m, g)."""
    x, y, z = vectors[:, 0], vectors[:, 1], vectors[:, 2]
    length: Floats = np.sqrt(x * x + y * y + z * z)
    return length
