"""Random numbers by key and counter: published vectors, the ends of the interval, and normal deviates."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import ndtr

from stmgpu.counter_random import normal_pair, threefry, uniform

# counter, key, output: Random123 1.14, tests/kat_vectors, threefry2x64 with 20 rounds (Salmon et al. 2011)
KNOWN = [
    (
        (0x0000000000000000, 0x0000000000000000),
        (0x0000000000000000, 0x0000000000000000),
        (0xC2B6E3A8C2C69865, 0x6F81ED42F350084D),
    ),
    (
        (0xFFFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF),
        (0xFFFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF),
        (0xE02CB7C4D95D277A, 0xD06633D0893B8B68),
    ),
    (
        (0x243F6A8885A308D3, 0x13198A2E03707344),
        (0xA4093822299F31D0, 0x082EFA98EC4E6C89),
        (0x263C7D30BB0F0AF1, 0x56BE8361D3311526),
    ),
]


def _known() -> NDArray[np.uint64]:
    """[vectors, 6]: counter, key, output."""
    return np.array([[*c, *k, *o] for c, k, o in KNOWN], dtype=np.uint64)


@pytest.mark.parametrize(("counter", "key", "output"), KNOWN)
def test_known_answers(counter: tuple[int, int], key: tuple[int, int], output: tuple[int, int]) -> None:
    assert tuple(int(x) for x in threefry(*key, *counter)) == output


def test_arrays_and_scalars_give_the_same() -> None:
    v = _known()
    first, second = threefry(v[:, 2], v[:, 3], v[:, 0], v[:, 1])
    assert np.array_equal(first, v[:, 4])
    assert np.array_equal(second, v[:, 5])
    grid, _ = threefry(5, np.arange(3)[:, None], 7, np.arange(4))
    assert grid.shape == (3, 4)
    assert grid[2, 3] == threefry(5, 2, 7, 3)[0]


def test_negative_counters_count_by_their_bits() -> None:
    assert threefry(-1, -1, -1, np.int64(-1))[0] == KNOWN[1][2][0]


def test_uniform_is_open_at_both_ends() -> None:
    ends = uniform(np.array([0, 2**64 - 1], dtype=np.uint64))
    assert ends[0] == 2.0**-53
    assert ends[1] == 1.0 - 2.0**-53


def test_normal_deviates_by_quantiles_and_moments() -> None:
    """Of 400,000 deviates: shares beyond -4 to 4 sigmas and moments within 4 standard errors, no correlation."""
    n = 200_000
    first, second = normal_pair(*(uniform(words) for words in threefry(3, 1 << 32, np.arange(n), 5)))
    z = np.concatenate([first, second])
    for sigmas in np.arange(-4.0, 4.5, 0.5):
        share = ndtr(sigmas)
        assert abs((z < sigmas).mean() - share) < 4.0 * np.sqrt(share * (1.0 - share) / len(z))
    for moment, exact, variance in ((1, 0.0, 1.0), (2, 1.0, 2.0), (3, 0.0, 15.0), (4, 3.0, 96.0)):
        assert abs((z**moment).mean() - exact) < 4.0 * np.sqrt(variance / len(z))
    for x, y in ((first, second), (first[1:], first[:-1]), (first**2, second**2)):
        assert abs(np.corrcoef(x, y)[0, 1]) < 4.0 / np.sqrt(n)
    assert abs(normal_pair(2.0**-53, 0.0)[0]) < 8.58
