"""Keyed streams of random numbers, independent of the order in which numbers are drawn.

Every number is a function of (seed, run, purpose, two counters). A run therefore gives the same result alone, within a
batch, on any backend and with any number of threads, and the scenarios of a study share their common draws. Numbers of
objects come from Threefry2x64-20 (:mod:`stmgpu.counter_random`), all others from NumPy generators with
their own keys.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.counter_random import as_words, threefry, uniform
from stmgpu.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from stmgpu.counter_random import Words
    from stmgpu.typing import Floats, Ints

(ANGLE, LATTICE, COLLISION, BREAKUP, EXPLOSION, DISPOSAL, LAUNCH, SOLAR, POLICY, POPULATION, DRAG, DENSITY,
 SCHEDULED) = range(1, 14)  # fmt: skip
"""Purposes; the streams of different purposes are independent."""

_ODD = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio
_EVENT_BITS = 42  # of the id of an event


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
    return as_words(seed), as_words(run) | np.uint64(purpose << 32)


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
        pair = as_words(first) * _ODD + as_words(second)
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
