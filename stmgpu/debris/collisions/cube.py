r"""Which objects may collide in a step, and at what rate: Cube, with random positions along the orbits.

Over decades the mean anomaly of an object is as good as random. Each *resample* draws all of them anew, sorts the
objects into cells of space and takes every pair that shares a cell of volume V; in that state it collides at the rate

    V_imp pi (R_1 + R_2)^2 / V,        V_imp = |v_1 - v_2|

(J.-C. Liou, D. J. Kessler, M. Matney and G. Stansbery 2003, LPSC 34, 1828; gravitational focusing is nil for
satellites). The mean over all anomalies is the pair's collision rate with the density smeared over a cell: large cells
smear away what is dense, small ones see few pairs, so that the variance of one sample goes with 1 / V. Density in orbit
changes within a kilometre along the radius, but hardly within hundreds across it: with ``lattice='shell'`` cells are
thin and wide, and at the same volume nearly nothing is smeared away (benchmarks/reproduce/cube.py has the figures). The
lattice is shifted at random in every sample, so that its walls have no place.

The kernels are in ``kernels/cube.cu``; on the reference backend ``cube_reference.py`` does the same in
NumPy with the same random numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stmgpu.backend import Backend
from stmgpu.constants import EARTH
from stmgpu.debris.collisions import cube_reference
from stmgpu.debris.collisions.lattice import Lattice
from stmgpu.debris.streams import LATTICE, key, uniforms
from stmgpu.errors import CapacityError, InputError

_REACH_KM = 50_000.0  # cell numbers reach so far at first, and further where an object lies further out
_KEY_BITS = 62
_BATCH_KEYS = 1 << 25  # keys of a batch of rows: 256 MiB, half as much for the chains
_SHIFTS = 1 << 14  # shifts of the lattice that are drawn at a time
_MAX_PAIRS = 1 << 27
_BUCKETS = 1 << 18  # buckets in use at a time on a CPU: 1 MiB
_LANES = 1 << 18  # lanes that fill a GPU
_SMALL = 8192  # slots below which a row is not worth sharing

Array = NDArray[np.float64]


class State(Protocol):
    """The columns of :class:`stmgpu.propagate.secular.SecularState` that Cube reads."""

    orbit: Any
    uid: Any
    run: Any
    mode: Any
    n: int


@dataclass(frozen=True)
class Encounters:
    """Pairs that share a cell in one resample, sorted by (run, lower uid, higher uid, resample); host arrays [m].

    Attributes
    ----------
    first, second
        int64 slots; ``first`` has the lower uid.
    run, resample
        int64, index of the run in the batch, and number of the resample.
    speed_km_s
        relative speed.
    rate_per_s
        collision rate that this resample stands for: V_imp pi (R_1 + R_2)^2 / V / resamples, without weights. The sum
        over the pairs of a step estimates the rate of all collisions.
    position_km
        [m, 3] midpoint.
    r_first, v_first, r_second, v_second
        [m, 3] states [km, km/s].
    words
        uint64 [2, m]: random words of each pair, see :func:`stmgpu.debris.streams.pair_draws`.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    run: NDArray[np.int64]
    resample: NDArray[np.int64]
    speed_km_s: Array
    rate_per_s: Array
    position_km: Array
    r_first: Array
    v_first: Array
    r_second: Array
    v_second: Array
    words: NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.first)


class Cube:
    """Encounters of all runs of a batch.

    Parameters
    ----------
    backend
        where the states are.
    seed
        seed of the study, a whole number below 2^64.
    run_numbers
        [runs] number of each run in the study; the random numbers of a run hang on it, not on its place in the batch.
    cube_km
        edge of a cubic cell; cells of the lattice 'shell' have the same volume (at 7,000 km from the centre).
    resamples
        samples of all positions a step.
    lattice
        'cube' or 'shell', see :class:`stmgpu.debris.collisions.lattice.Lattice`.
    mu_km3_s2
        gravitational parameter of the central body.

    Raises
    ------
    InputError
        an unknown lattice, a size or number out of range, or (from :meth:`encounters`) orbits so large against the
        cells that these cannot be numbered.

    Examples
    --------
    >>> from stmgpu.backend import get_backend
    >>> cube = Cube(get_backend("reference"), seed=7, run_numbers=[0, 1], cube_km=10.0, resamples=4, lattice="shell")
    >>> cube.resamples
    4
    """

    def __init__(
        self,
        backend: Backend,
        seed: int,
        run_numbers: ArrayLike,
        cube_km: float,
        resamples: int = 1,
        lattice: str = "cube",
        *,
        mu_km3_s2: float = EARTH.mu_km3_s2,
    ) -> None:
        if not 1 <= resamples < 1 << 16:
            raise InputError(f"resamples must be a whole number from 1 to {(1 << 16) - 1}, got {resamples}")
        self.backend, self.seed, self.resamples, self.mu_km3_s2 = backend, int(seed), int(resamples), float(mu_km3_s2)
        self.lattice = Lattice.of(lattice, cube_km)
        self.run_numbers = np.atleast_1d(np.asarray(run_numbers, dtype=np.int64))
        key(self.seed, self.run_numbers, LATTICE)  # raises where a number is out of range
        self._kernels: _Kernels | None = None if backend.name == "reference" else _Kernels(self)
        self._shifts_from, self._shifts = 0, np.empty((0, self.resamples, len(self.run_numbers), 3))

    def encounters(self, state: State, step: int) -> Encounters:
        """Pairs that share a cell in step number ``step`` (0 <= step < 2^47).

        Parameters
        ----------
        state
            mean elements of all objects; slots with mode ABSENT take no part.
        step
            number of the step in the study: another step, other positions.
        """
        shifts = self.shifts(step)
        if self._kernels is None:
            rows = cube_reference.find(self, state, step, shifts)
        else:
            rows = self._kernels.find(state, step, shifts)
        first, second, run, uid_first, uid_second, resample, found, words = rows
        order = np.lexsort((resample, uid_second, uid_first, run))
        found = found[:, order]
        r1, v1, r2, v2 = (np.ascontiguousarray(found[k : k + 3].T) for k in (2, 5, 8, 11))
        return Encounters(
            first[order],
            second[order],
            run[order],
            resample[order],
            found[0],
            found[1] / self.resamples,
            0.5 * (r1 + r2),
            r1,
            v1,
            r2,
            v2,
            words[:, order],
        )

    def shifts(self, step: int) -> Array:
        """Random shifts of the lattice, [resamples, runs, 3] in (0, 1)."""
        k = step - self._shifts_from
        if not 0 <= k < len(self._shifts):
            if not 0 <= step < 1 << 47:
                raise InputError(f"step must be a whole number from 0 to 2^47 - 1, got {step}")
            many = max(1, _SHIFTS // (self.resamples * len(self.run_numbers)))
            steps = np.arange(step, step + many, dtype=np.int64)[:, None, None]
            counter = (steps << 16) | np.arange(self.resamples)[:, None]
            x, y = uniforms(self.seed, self.run_numbers, LATTICE, counter, 0)
            z, _ = uniforms(self.seed, self.run_numbers, LATTICE, counter, 1)
            self._shifts_from, self._shifts, k = step, np.stack([x, y, z], axis=-1), 0
        return np.asarray(self._shifts[k])


class _Kernels:
    """The arrays that the kernels work in, grown when they are too small."""

    def __init__(self, cube: Cube) -> None:
        self.cube, self.backend = cube, cube.backend
        self.run_number = self.backend.put(cube.run_numbers)
        self.sectors = self.backend.put(cube.lattice.sectors)
        self.beyond = self.backend.zeros(1, np.int32)
        self.reach_km = _REACH_KM
        self.capacity = 256
        self.keys, self.next = self.backend.empty(0, np.int64), self.backend.empty(0, np.int32)
        self.head, self.count = self.backend.empty(0, np.int32), self.backend.empty(0, np.int32)
        self.first, self.second = self.backend.empty(0, np.int32), self.backend.empty(0, np.int32)

    def _prepare(self, n: int) -> None:
        """Room for ``n`` slots, in as many rows as a batch holds; parts are what CPU threads share a row in."""
        self.n, self.rows = n, int(np.clip(_BATCH_KEYS // n, 1, self.cube.resamples))
        threads = getattr(self.backend, "threads", 1)
        spare = threads // self.rows
        self.parts = 1 << (spare.bit_length() - 1) if spare > 1 and n >= _SMALL else 1
        self.bits = max(8, (2 * n - 1).bit_length())
        # on a CPU a few rows after the other use the same buckets, which then stay in its cache
        self.linked = min(self.rows, max(threads, _BUCKETS >> self.bits)) if self.backend.name == "cpu" else self.rows
        if self.keys.size < self.rows * n:
            room = self.rows * n * 5 // 4
            self.keys, self.next = self.backend.empty(room, np.int64), self.backend.empty(room, np.int32)
        if self.head.size < self.linked << self.bits:
            self.head = self.backend.empty(self.linked << self.bits, np.int32)
        if self.count.size < self.rows * self.parts:
            self.count = self.backend.empty(self.rows * self.parts, np.int32)
        self._room_for_pairs()

    def _room_for_pairs(self) -> None:
        room = self.rows * self.parts * self.capacity
        if self.first.size < room:
            self.first, self.second = self.backend.empty(room, np.int32), self.backend.empty(room, np.int32)

    def find(self, state: State, step: int, shifts: Array) -> tuple[Any, ...]:
        """Unsorted pairs: slots, run, uids, resample (int64 [m] each), and what cube_pairs finds [14, m] and draws
        [2, m]."""
        self._prepare(max(16, -(-state.n // 16) * 16))
        batches = []
        for begin in range(0, self.cube.resamples, self.rows):
            rows = min(self.rows, self.cube.resamples - begin)
            batches.append(self._batch(state, step, begin, rows, self.backend.put(shifts[begin : begin + rows])))
        if len(batches) == 1:
            return batches[0]
        return tuple(np.concatenate(column, axis=-1) for column in zip(*batches, strict=True))

    def _batch(self, state: State, step: int, begin: int, rows: int, shifts: Any) -> tuple[Any, ...]:
        cube, backend, launch, lattice, n = self.cube, self.backend, self.backend.launch, self.cube.lattice, self.n
        capacity, runs, seed = int(state.orbit.shape[1]), len(cube.run_numbers), _signed(cube.seed)
        keys, following = self.keys[: rows * n], self.next[: rows * n]
        groups = 1 if backend.name == "cpu" else int(np.clip(_LANES // n, 1, rows))
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
                step,
                begin,
                *self._bits(state),
                lattice.bands,
                lattice.cell_km,
                state.orbit,
                state.uid,
                state.run,
                state.mode,
                self.run_number,
                shifts,
                self.sectors,
                keys,
                self.beyond,
            )
            for k in range(0, rows, self.linked):
                many = min(self.linked, rows - k)
                head, these = self.head[: many << self.bits], slice(k * n, (k + many) * n)
                head[...] = -1
                launch(
                    "cube_link",
                    many * n,
                    many,
                    self.parts,
                    n,
                    self.bits,
                    1 << self.bits,
                    keys[these],
                    head,
                    following[these],
                )
            found = self._match(state, rows, keys, following)
            if not int(backend.get(self.beyond)[0]):
                break
            self.beyond[...] = 0
            self.reach_km *= 4.0
        m = int(found.sum())
        padded = max(16, -(-m // 16) * 16)
        pairs = backend.zeros((4, padded), np.int64)
        if m:
            lines = rows * self.parts
            taken = backend.xp.arange(self.capacity, dtype=np.int32) < self.count[:lines, None]
            pairs[0, :m] = self.first[: lines * self.capacity].reshape(lines, -1)[taken]
            pairs[1, :m] = self.second[: lines * self.capacity].reshape(lines, -1)[taken]
            pairs[2, :m] = backend.put(np.repeat(np.arange(lines, dtype=np.int64) // self.parts, found))
            pairs[3, :m] = state.run[pairs[0, :m]]
        out, random = backend.empty((14, padded)), backend.empty((2, padded), np.int64)
        launch(
            "cube_pairs",
            padded,
            padded,
            rows,
            capacity,
            runs,
            seed,
            step,
            begin,
            lattice.bands,
            lattice.cell_km,
            cube.mu_km3_s2,
            state.orbit,
            state.uid,
            self.run_number,
            shifts,
            self.sectors,
            pairs[0],
            pairs[1],
            pairs[2],
            pairs[3],
            out,
            random,
        )
        uids = backend.get(state.uid[pairs[:2, :m]])
        first, second, row, run = backend.get(pairs)[:, :m]
        return (
            first,
            second,
            run,
            uids[0],
            uids[1],
            row + begin,
            backend.get(out)[:, :m],
            backend.get(random)[:, :m].view(np.uint64),
        )

    def _match(self, state: State, rows: int, keys: Any, following: Any) -> NDArray[np.int32]:
        """Fill ``first`` and ``second``, with more room if they overflow; returns the pairs of each part of a row."""
        lines = rows * self.parts
        count = self.count[:lines]
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
                self.first[:room],
                self.second[:room],
            )
            found: NDArray[np.int32] = self.backend.get(count)
            most = int(found.max())
            if most <= self.capacity:
                return found
            self.capacity = 1 << most.bit_length()
            if self.capacity * self.rows * self.parts > _MAX_PAIRS:
                raise CapacityError(
                    f"at least {most} pairs of objects share a cell in one sample of positions; choose "
                    "smaller cells (cube_km) or fewer resamples"
                )
            self._room_for_pairs()

    def _bits(self, state: State) -> tuple[int, int]:
        """Bits of the cell numbers; an error that names the furthest object where they do not fit beside the run."""
        first, other = self.cube.lattice.bits(self.reach_km)
        if first + 2 * other + (len(self.cube.run_numbers) - 1).bit_length() <= _KEY_BITS and first < 31:
            return first, other
        apogee = self.backend.get(state.orbit[0, : state.n] * (1.0 + state.orbit[1, : state.n]))
        apogee = np.where(self.backend.get(state.mode[: state.n]) == cube_reference.ABSENT, 0.0, apogee)
        k = int(np.argmax(np.where(np.isfinite(apogee), apogee, np.inf)))
        raise InputError(
            f"the object in slot {k} has its apogee at {apogee[k]:.6g} km from the centre; with cells of "
            f"{self.cube.lattice.cell_km:g} km and {len(self.cube.run_numbers)} runs side by side cells "
            f"are numbered up to {self.reach_km / 4.0:.3g} km: leave the object out, choose larger cells, "
            "or fewer runs a batch"
        )


def _signed(word: int) -> int:
    """A 64-bit word as the signed number with the same bits."""
    return word - (1 << 64) if word >= 1 << 63 else word
