"""Random numbers of the long-term model: independence of what they are drawn for."""

from __future__ import annotations

import numpy as np
import pytest

from stmgpu.debris import streams
from stmgpu.debris.streams import generator, key, uniforms
from stmgpu.errors import InputError


def test_uniform_by_moments_and_correlation() -> None:
    """Mean 1/2 and variance 1/12, within 4 standard errors; neither words nor neighbours are correlated."""
    n = 200_000
    u, v = uniforms(3, 1, streams.ANGLE, 17, np.arange(n))
    for x in (u, v):
        assert abs(x.mean() - 0.5) < 4.0 * (1.0 / 12.0 / n) ** 0.5
        assert abs(x.var() - 1.0 / 12.0) < 4.0 * (1.0 / 180.0 / n) ** 0.5
    for x, y in ((u, v), (u[1:], u[:-1]), (v[1:], v[:-1])):
        assert abs(np.corrcoef(x, y)[0, 1]) < 4.0 / n**0.5


def test_every_argument_counts() -> None:
    base = (7, 1, streams.ANGLE, 5, 9)
    drawn = {float(uniforms(*base)[0])}
    for k in range(5):
        other = list(base)
        other[k] += 1
        drawn.add(float(uniforms(*other)[0]))
    assert len(drawn) == 6
    hosts = {
        float(generator(*args).random())
        for args in (
            (7, 1, 2),
            (7, 1, 3),
            (7, 2, 2),
            (8, 1, 2),
            (7, 1, 2, 0),
            (7, 1, 2, 0, 0),
            (7, 12, 0),
            (71, 2, 0),
            (7, 1, -2),
        )
    }
    assert len(hosts) == 9


def test_generators_repeat() -> None:
    assert np.array_equal(
        generator(7, 3, streams.BREAKUP, 1, 2).normal(size=8),
        generator(7, 3, streams.BREAKUP, np.int64(1), 2).normal(size=8),
    )


def test_purposes_differ() -> None:
    names = (
        "ANGLE",
        "LATTICE",
        "COLLISION",
        "BREAKUP",
        "EXPLOSION",
        "DISPOSAL",
        "LAUNCH",
        "SOLAR",
        "POLICY",
        "POPULATION",
    )
    assert [getattr(streams, name) for name in names] == list(range(1, 11))


@pytest.mark.parametrize(("seed", "run"), [(-1, 0), (2**64, 0), (1, -1), (1, 2**32)])
def test_keys_out_of_range_are_refused(seed: int, run: int) -> None:
    with pytest.raises(InputError, match=r"from 0 to 2\^"):
        key(seed, run, streams.ANGLE)
