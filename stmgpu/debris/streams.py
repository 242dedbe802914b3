"""Keyed streams of random numbers, independent of the order in which numbers are drawn.

Every number is a function of (seed, run, purpose, two counters). A run therefore gives the same result alone, within a
batch, on any backend and with any number of threads, and the scenarios of a study share their common draws. Numbers of
objects come from Threefry2x64-20 (the same bits in ``kernels/include/random.h``), all others from NumPy generators with
their own keys.

J. K. Salmon, M. A. Moraes, R. O. Dror and D. E. Shaw (2011), "Parallel random numbers: as easy as 1, 2, 3", SC '11.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stmgpu.errors import InputError

if TYPE_CHECKING:
    from stmgpu.typing import Floats, Ints

(ANGLE, LATTICE, COLLISION, BREAKUP, EXPLOSION, DISPOSAL, LAUNCH, SOLAR, POLICY, POPULATION, DRAG) = range(1, 12)
"""Purposes; the streams of different purposes are independent."""

Words = NDArray[np.uint64]

_ROTATIONS = (16, 42, 12, 31, 16, 32, 24, 21)
_ODD = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio
_EVENT_BITS = 42  # of the id of an event
_PARITY = np.uint64(0x1BD11BDAA9FC1A22)


def threefry(key0: ArrayLike, key1: ArrayLike, c0: ArrayLike, c1: ArrayLike) -> tuple[Words, Words]:
    """Threefry2x64 with 20 rounds.

    Parameters
    ----------
    key0, key1, c0, c1 : array_like
        Key and counter, integers of 64 bits (negative ones as two's complement), broadcast against each other.

    Returns
    -------
    first, second : ndarray of uint64
        uniform and independent, of the common shape.

    Examples
    --------
    >>> first, second = threefry(0, 0, 0, 0)
    >>> hex(int(first)), hex(int(second))
    ('0xc2b6e3a8c2c69865', '0x6f81ed42f350084d')
    """
    k0, k1, x0, x1 = (a.copy() for a in np.broadcast_arrays(*(_words(v) for v in (key0, key1, c0, c1))))
    keys = (k0, k1, k0 ^ k1 ^ _PARITY)
    with np.errstate(over="ignore"):  # sums are modulo 2^64
        x0 += k0
        x1 += k1
        for r in range(20):
            x0 += x1
            turn = _ROTATIONS[r % 8]
            x1 = (x1 << np.uint64(turn)) | (x1 >> np.uint64(64 - turn))
            x1 ^= x0
            if r % 4 == 3:
                group = r // 4 + 1
                x0 += keys[group % 3]
                x1 += keys[(group + 1) % 3]
                x1 += np.uint64(group)
    return x0, x1


def uniform(bits: ArrayLike) -> Floats:
    """Convert the top 52 of 64 random bits to doubles in the open interval (0, 1): (k + 1/2) / 2^52, exactly.

    With 53 bits the largest value would round to 1.
    """
    return ((_words(bits) >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52


def key(seed: int, run_number: ArrayLike, purpose: int) -> tuple[Words, Words]:
    """Key of a purpose in a run: (seed, run_number + purpose 2^32).

    Raises
    ------
    InputError
        seed or run number out of range.
    """
    run = np.asarray(run_number)
    if not 0 <= seed < 2**64:
        raise InputError(f"seed must be a whole number from 0 to 2^64 - 1, got {seed}")
    if run.size and (int(run.min()) < 0 or int(run.max()) >= 2**32):
        raise InputError(
            f"run numbers must be whole numbers from 0 to 2^32 - 1, got {int(run.min())} to {int(run.max())}"
        )
    return _words(seed), _words(run) | np.uint64(purpose << 32)


def uniforms(seed: int, run_number: ArrayLike, purpose: int, c0: ArrayLike, c1: ArrayLike) -> tuple[Floats, Floats]:
    """Draw two independent numbers in (0, 1) for each counter, see :func:`threefry`.

    Examples
    --------
    >>> first, second = uniforms(7, 0, COLLISION, 3, np.arange(4))
    >>> first.shape
    (4,)
    """
    first, second = threefry(*key(seed, run_number, purpose), c0, c1)
    return uniform(first), uniform(second)


def pair_words(
    seed: int,
    run_number: ArrayLike,
    purpose: int,
    *,
    step: ArrayLike,
    resample: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
) -> tuple[Words, Words]:
    """Two random words [m] for each pair of uids in a step and resample, for :func:`pair_draws`.

    Two pairs can get the same words, since the uids are mixed modulo 2^64; that is rare and harmless.
    """
    with np.errstate(over="ignore"):
        pair = _words(first) * _ODD + _words(second)
    counter = (np.asarray(step, np.int64) << 16) | np.asarray(resample, np.int64)
    return threefry(*key(seed, run_number, purpose), counter, pair)


def pair_draws(first: Words, second: Words) -> tuple[Floats, Ints]:
    """A number in (0, 1) and the id of an event [m] from the words of pairs.

    Ids have 42 bits and are never 0; the uids of fragments contain them.
    """
    return uniform(first), ((second >> np.uint64(64 - _EVENT_BITS)) | np.uint64(1)).astype(np.int64)


def generator(seed: int, run_number: int, purpose: int, *numbers: int) -> np.random.Generator:
    """Create a NumPy generator for one purpose in one run, and for ``numbers`` within it (a step, an object, ...).

    It is a Philox4x64 (Salmon et al. 2011) whose key is the BLAKE2 hash of all arguments.

    Examples
    --------
    >>> generator(7, 0, BREAKUP, 12, 345).normal() == generator(7, 0, BREAKUP, 12, 345).normal()
    True
    """
    text = ",".join(str(int(n)) for n in (seed, run_number, purpose, *numbers))
    digest = hashlib.blake2b(text.encode(), digest_size=16).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest, "little")))


def _words(values: object) -> Words:
    """Integers as uint64, modulo 2^64."""
    if isinstance(values, int):
        return np.asarray(values % 2**64, dtype=np.uint64)
    array = np.asarray(values)
    return array if array.dtype == np.uint64 else array.astype(np.int64).view(np.uint64)
