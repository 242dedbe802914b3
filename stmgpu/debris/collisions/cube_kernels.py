"""Cube on a backend with kernels (``kernels/cube.cu``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stmgpu.backend import device_entry
from stmgpu.debris.collisions.encounters import Pairs, Rows, Sampling, State
from stmgpu.errors import CapacityError, DeviceMemoryError, InputError
from stmgpu.propagate.orbit_table import ABSENT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from stmgpu.backend import Backend
    from stmgpu.typing import BackendArray

_REACH_KM = 50_000.0  # cell numbers reach so far at first, and further where an object lies further out
_KEY_BITS = 62
_BATCH_KEYS = 1 << 25  # keys of a batch of rows: 256 MiB, half as much for the chains
_BYTES_PER_KEY = 40  # with its chain, its share of the buckets, and room for growth
_MAX_PAIRS = 1 << 27
_BUCKETS = 1 << 18  # buckets in use at a time on a CPU: 1 MiB
_LANES = 1 << 18  # lanes that fill a GPU
_SMALL = 8192  # slots below which a row is not worth sharing
_SLOTS, _PAIRS = 256, 128  # lanes are rounded up to multiples: few sizes, so that most launches need no new check


class CubeKernels:
    """Launches of the kernels, and the arrays that they work in, which grow when they are too small."""

    def __init__(self, backend: Backend, sampling: Sampling) -> None:
        self.backend, self.sampling = backend, sampling
        self.run_number = self.backend.put(sampling.run_numbers)
        self.sectors = self.backend.put(sampling.lattice.sectors)
        self.reach_km = _REACH_KM
        self.capacity = 256
        self._start(min(_BATCH_KEYS, backend.memory_bytes() // (2 * _BYTES_PER_KEY)))

    def _start(self, keys_at_once: int) -> None:
        """Start anew without arrays, with batches of so many keys."""
        self.keys_at_once = keys_at_once
        self.keys, self.next = self.backend.empty(0, np.int64), self.backend.empty(0, np.int32)
        self.head = self.backend.empty(0, np.int32)
        self.count = self.backend.zeros(1, np.int32)  # whether an object lies beyond the cells, then pairs by line
        self.found = self.backend.empty((2, 0), np.int32)  # first and second slot of each pair

    def _prepare(self, n: int, samples: int) -> None:
        """Room for ``n`` slots, in as many of the samples as a batch holds; CPU threads share a row in parts."""
        self.n, self.rows = n, int(np.clip(self.keys_at_once // n, 1, samples))
        threads = self.backend.threads
        spare = threads // self.rows
        self.parts = 1 << (spare.bit_length() - 1) if spare > 1 and n >= _SMALL else 1
        self.bits = max(8, (2 * n - 1).bit_length())
        # on a CPU a few rows after the other use the same buckets, which then stay in its cache
        self.linked = (
            min(self.rows, max(threads, _BUCKETS >> self.bits)) if self.backend.rows_share_cache else self.rows
        )
        if self.keys.size < self.rows * n:
            room = self.rows * n * 5 // 4
            self.keys, self.next = self.backend.empty(room, np.int64), self.backend.empty(room, np.int32)
        if self.head.size < self.linked << self.bits:
            self.head = self.backend.empty(self.linked << self.bits, np.int32)
        if self.count.size <= self.rows * self.parts:
            self.count = self.backend.zeros(1 + self.rows * self.parts, np.int32)
        self._room_for_pairs()

    def _room_for_pairs(self) -> None:
        room = self.rows * self.parts * self.capacity
        if self.found.shape[1] < room:
            self.found = self.backend.empty((2, room), np.int32)

    @device_entry
    def find(self, state: State, rows: Rows) -> Pairs:
        """Pairs that share a cell in any row, unsorted."""
        while True:
            try:
                with self.backend.on_device():
                    return self._find(state, rows)
            except DeviceMemoryError:
                if self.rows == 1:
                    raise
            self._start(self.rows // 2 * self.n)  # samples of a batch are halved
            self.backend.release()

    def _find(self, state: State, rows: Rows) -> Pairs:
        samples = len(rows.counter)
        self._prepare(min(-(-max(state.n, 1) // _SLOTS) * _SLOTS, int(state.mode.shape[0]) // 16 * 16), samples)
        batches = []
        for begin in range(0, samples, self.rows):
            part = slice(begin, begin + self.rows)
            put = tuple(self.backend.put(column[part]) for column in (rows.counter, rows.elapsed_s, rows.shifts))
            batches.append(self._batch(state, begin, put))
        if len(batches) == 1:
            return batches[0]
        return Pairs(*(np.concatenate(column, axis=-1) for column in zip(*batches, strict=True)))

    def _batch(self, state: State, begin: int, columns: tuple[BackendArray, ...]) -> Pairs:
        """Pairs of the rows from number ``begin`` on, whose counters, times and shifts are given."""
        backend, launch, lattice, n = self.backend, self.backend.launch, self.sampling.lattice, self.n
        rows = len(columns[0])
        capacity, runs = int(state.orbit.shape[1]), len(self.sampling.run_numbers)
        seed = _signed(self.sampling.seed)
        keys, following = self.keys[: rows * n], self.next[: rows * n]
        groups = 1 if backend.rows_share_cache else int(np.clip(_LANES // n, 1, rows))
        while True:
            launch(
                "cube_cells",
                n * groups,
                rows,
                groups,
                n,
                state.n,
                capacity,
                runs,
                seed,
                *self._bits(state),
                lattice.bands,
                lattice.cell_km,
                state.orbit,
                state.uid,
                state.run,
                state.mode,
                self.run_number,
                *columns,
                self.sectors,
                keys,
                self.count[:1],
            )
            for k in range(0, rows, self.linked):
                linked = min(self.linked, rows - k)
                head, part = self.head[: linked << self.bits], slice(k * n, (k + linked) * n)
                head[...] = -1
                launch(
                    "cube_link",
                    linked * n,
                    linked,
                    self.parts,
                    n,
                    self.bits,
                    1 << self.bits,
                    keys[part],
                    head,
                    following[part],
                )
            counts, beyond = self._match(state, rows, keys, following)
            if not beyond:
                break
            self.count[:1] = 0
            self.reach_km *= 4.0
        m = int(counts.sum())
        if m == 0:
            none = np.empty(0, np.int64)
            return Pairs(none, none, none, none, none, none, np.empty((14, 0)), np.empty((2, 0), np.uint64))
        padded = -(-m // _PAIRS) * _PAIRS
        answer = backend.zeros((22, padded))  # of one piece, so that a device is waited for once
        out, random, uids, pairs = (
            answer[:14],
            *(answer[k:end].view(np.int64) for k, end in ((14, 16), (16, 18), (18, 22))),
        )
        lines, xp = rows * self.parts, backend.xp
        taken = xp.flatnonzero(xp.arange(self.capacity, dtype=np.int32) < self.count[1 : 1 + lines, None])
        pairs[:2, :m] = self.found[:, taken]
        pairs[2, :m] = taken // (self.capacity * self.parts)
        pairs[3, :m] = state.run[pairs[0, :m]]
        uids[...] = state.uid[pairs[:2]]
        launch(
            "cube_pairs",
            padded,
            padded,
            rows,
            capacity,
            runs,
            seed,
            lattice.bands,
            lattice.cell_km,
            self.sampling.mu_km3_s2,
            state.orbit,
            state.uid,
            self.run_number,
            *columns,
            self.sectors,
            pairs[0],
            pairs[1],
            pairs[2],
            pairs[3],
            out,
            random,
        )
        found = backend.get(answer)[:, :m]
        first_uid, second_uid, first, second, row, run = found[16:].view(np.int64)
        words = found[14:16].view(np.uint64)
        return Pairs(first, second, run, first_uid, second_uid, row + begin, found[:14], words)

    def _match(
        self, state: State, rows: int, keys: BackendArray, following: BackendArray
    ) -> tuple[NDArray[np.int32], bool]:
        """Fill ``found``, growing it if it overflows.

        Returns
        -------
        counts, beyond
            pairs of each part of a row, and whether an object lies beyond the reach of the cells.
        """
        lines = rows * self.parts
        count = self.count[1 : 1 + lines]
        while True:
            count[...] = 0
            room = lines * self.capacity
            self.backend.launch(
                "cube_match",
                rows * self.n,
                rows,
                self.parts,
                self.n,
                int(state.uid.shape[0]),
                self.bits,
                1 << self.bits,
                self.capacity,
                keys,
                following,
                state.uid,
                count,
                self.found[0, :room],
                self.found[1, :room],
            )
            answer: NDArray[np.int32] = self.backend.get(self.count[: 1 + lines])
            counts, beyond = answer[1:], bool(answer[0])
            most = int(counts.max())
            if most <= self.capacity:
                return counts, beyond
            self.capacity = 1 << most.bit_length()
            if self.capacity * self.rows * self.parts > _MAX_PAIRS:
                raise CapacityError(
                    f"at least {most} pairs of objects share a cell in one sample of positions; choose "
                    "smaller cells (cube_km) or fewer resamples"
                )
            self._room_for_pairs()

    def _bits(self, state: State) -> tuple[int, int]:
        """Bits of the cell numbers.

        Raises
        ------
        InputError
            they do not fit into a key beside the run; the message names the furthest object.
        """
        first, other = self.sampling.lattice.bits(self.reach_km)
        if first + 2 * other + (len(self.sampling.run_numbers) - 1).bit_length() <= _KEY_BITS and first < 31:
            return first, other
        apogee = self.backend.get(state.orbit[0, : state.n] * (1.0 + state.orbit[1, : state.n]))
        apogee = np.where(self.backend.get(state.mode[: state.n]) == ABSENT, 0.0, apogee)
        k = int(np.argmax(np.where(np.isfinite(apogee), apogee, np.inf)))
        raise InputError(
            f"the object in slot {k} has its apogee at {apogee[k]:.6g} km from the centre; with cells of "
            f"{self.sampling.lattice.cell_km:g} km and {len(self.sampling.run_numbers)} runs side by side cells "
            f"are numbered up to {self.reach_km / 4.0:.3g} km: leave the object out, choose larger cells, "
            "or fewer runs a batch"
        )


def _signed(word: int) -> int:
    """A 64-bit word as the signed number with the same bits."""
    return word - (1 << 64) if word >= 1 << 63 else word
