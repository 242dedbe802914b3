"""Random numbers as functions of a key and a counter, without state: Threefry2x64-20.

The same bits come from ``kernels/include/random.h``.

J. K. Salmon, M. A. Moraes, R. O. Dror and D. E. Shaw (2011), "Parallel random numbers: as easy as 1, 2, 3", SC '11.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from stmgpu.typing import Floats

Words = NDArray[np.uint64]

_ROTATIONS = (16, 42, 12, 31, 16, 32, 24, 21)
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
    k0, k1, x0, x1 = (a.copy() for a in np.broadcast_arrays(*(as_words(v) for v in (key0, key1, c0, c1))))
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
    return ((as_words(bits) >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52


def normal_pair(u: ArrayLike, w: ArrayLike) -> tuple[Floats, Floats]:
    """Two independent normal deviates of two independent numbers in (0, 1).

    G. Box and M. Muller, "A note on the generation of random normal deviates", Ann. Math. Statist. 29 (1958) 610. From
    numbers of `uniform` their size is at most 8.57. ``kernels/include/normal.h`` has the same to 8e-15.

    Examples
    --------
    >>> first, second = normal_pair(0.5, 0.125)
    >>> round(float(first), 6), round(float(second), 6)
    (0.832555, 0.832555)
    """
    size, angle = np.sqrt(-2.0 * np.log(u)), 2.0 * np.pi * np.asarray(w)
    return size * np.cos(angle), size * np.sin(angle)


def as_words(values: object) -> Words:
    """Integers as uint64, modulo 2^64."""
    if isinstance(values, int):
        return np.asarray(values % 2**64, dtype=np.uint64)
    array = np.asarray(values)
    return array if array.dtype == np.uint64 else array.astype(np.int64).view(np.uint64)
