"""Error of the kernels' elementary functions, against mpmath at 40 digits."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from stmgpu.backend import Backend
from stmgpu.backend.cpu import CpuBackend
from stmgpu.counter_random import normal_pair

mpmath = pytest.importorskip("mpmath")

Array = NDArray[np.float64]
SINCOS, ROUGH, SMALL, ATAN2, TWO_THIRDS, REDUCE, EXP, NORMAL, LOG, PAIR = range(10)
N = 4096


def _values(backend: Backend, function: int, x: Array, y: Array | None = None) -> tuple[Array, Array]:
    first, second = backend.empty(len(x)), backend.empty(len(x))
    y = np.zeros(len(x)) if y is None else y
    backend.launch("mathx_values", len(x), len(x), function, backend.put(x), backend.put(y), first, second)
    return backend.get(first), backend.get(second)


def _error(got: Array, exact: Callable[..., object], *args: Array) -> tuple[float, float]:
    """Largest error in ulps of the exact result, and largest absolute error."""
    ulps = absolute = 0.0
    with mpmath.workdps(40):
        for value, *point in zip(got, *args, strict=True):
            truth = exact(*(mpmath.mpf(float(p)) for p in point))
            off = abs(float(mpmath.mpf(float(value)) - truth))
            absolute = max(absolute, off)
            ulps = max(ulps, off / np.spacing(max(abs(float(truth)), 1e-300)))
    return ulps, absolute


def _angles() -> Array:
    """Wide, narrow, and the doubles next to multiples of pi/2, where the reduction loses most."""
    rng = np.random.default_rng(7)
    k = rng.integers(-600_000, 600_000, N // 4)
    near = k * (np.pi / 2.0)
    return np.concatenate(
        [
            rng.uniform(-1e6, 1e6, N // 4),
            rng.uniform(-10.0, 10.0, N // 4),
            near,
            np.nextafter(near, rng.choice([-np.inf, np.inf], N // 4)),
        ]
    )


def test_sincos(kernel_backend: Backend) -> None:
    """At most 2 ulp and 1.8e-16, as mathx.h says, up to a million radians."""
    x = _angles()
    sine, cosine = _values(kernel_backend, SINCOS, x)
    for got, exact in ((sine, mpmath.sin), (cosine, mpmath.cos)):
        ulps, absolute = _error(got, exact, x)
        assert ulps <= 2.0
        assert absolute <= 1.8e-16


def test_sincos_at_zero_and_signs(kernel_backend: Backend) -> None:
    x = np.resize([0.0, -0.0, np.pi, -np.pi, np.pi / 2, -np.pi / 2, 1e-300, 1e-9], N)
    sine, cosine = _values(kernel_backend, SINCOS, x)
    np.testing.assert_allclose(sine, np.sin(x), rtol=0, atol=1e-16)
    np.testing.assert_allclose(cosine, np.cos(x), rtol=0, atol=1e-16)
    assert sine[6] == 1e-300


def test_sincos_rough(kernel_backend: Backend) -> None:
    x = _angles()
    sine, cosine = _values(kernel_backend, ROUGH, x)
    assert np.abs(sine - np.sin(x)).max() <= 1e-8
    assert np.abs(cosine - np.cos(x)).max() <= 1e-8


def test_sincos_small(kernel_backend: Backend) -> None:
    x = np.linspace(-0.05, 0.05, N)
    sine, cosine = _values(kernel_backend, SMALL, x)
    assert _error(sine, mpmath.sin, x)[1] <= 1.2e-16
    assert _error(cosine, mpmath.cos, x)[1] <= 1.2e-16


def test_atan2(kernel_backend: Backend) -> None:
    rng = np.random.default_rng(8)
    angle = rng.uniform(-np.pi, np.pi, N)
    size = 10.0 ** rng.uniform(-12, 12, N)
    x, y = size * np.cos(angle), size * np.sin(angle)
    got, _ = _values(kernel_backend, ATAN2, x, y)
    ulps, absolute = _error(got, mpmath.atan2, y, x)
    assert ulps <= 3.0
    assert absolute <= 5e-16


def test_atan2_on_the_axes(kernel_backend: Backend) -> None:
    x = np.resize([1.0, 0.0, -1.0, 0.0, 0.0, 1.0, -1.0, -1.0], 16)
    y = np.resize([0.0, 1.0, 0.0, -1.0, 0.0, 1.0, 1.0, -1.0], 16)
    got, _ = _values(kernel_backend, ATAN2, x, y)
    np.testing.assert_allclose(got, np.arctan2(y, x), rtol=0, atol=5e-16)


def test_power_two_thirds(kernel_backend: Backend) -> None:
    x = 10.0 ** np.random.default_rng(9).uniform(-30, 30, N)
    got, _ = _values(kernel_backend, TWO_THIRDS, x)
    ulps, _ = _error(got, lambda v: mpmath.power(v, mpmath.mpf(2) / 3), x)
    assert ulps <= 3.0


def test_reduction_is_fmod(kernel_backend: Backend) -> None:
    x = np.random.default_rng(10).uniform(-1.0, 1.0, N) * np.resize([10.0, 1e3, 1e5, 6e6], N)
    reduced, whole = _values(kernel_backend, REDUCE, x)
    assert np.array_equal(reduced, np.fmod(x, 2.0 * np.pi))
    assert np.array_equal(whole, np.trunc(x))


def test_exp(kernel_backend: Backend) -> None:
    """At most 1.1 ulp, as mathx.h says, over the whole range."""
    rng = np.random.default_rng(12)
    x = np.concatenate(
        [
            rng.uniform(-708.0, 709.0, N // 2),
            rng.uniform(-1.0, 1.0, N // 4),
            (rng.integers(-1000, 1000, N // 4) + 0.5) * np.log(2.0),
        ]
    )  # where the reduction changes over
    got, _ = _values(kernel_backend, EXP, x)
    assert _error(got, mpmath.exp, x)[0] <= 1.1


def test_exp_outside_its_range(kernel_backend: Backend) -> None:
    x = np.resize([-1e9, -709.0, -np.inf, 0.0, 710.0, np.inf, np.nan, -0.0], 16)
    got, _ = _values(kernel_backend, EXP, x)
    np.testing.assert_array_equal(got, np.resize([0.0, 0.0, 0.0, 1.0, np.inf, np.inf, np.nan, 1.0], 16))


def test_same_bytes_on_every_instruction_set(isa: str) -> None:
    rng = np.random.default_rng(11)
    x = np.concatenate([rng.uniform(-1e6, 1e6, N), 10.0 ** rng.uniform(-9, 9, N)])
    y = rng.uniform(-1.0, 1.0, 2 * N)
    for function in range(7):
        here = _values(CpuBackend(1, isa), function, np.abs(x) if function == TWO_THIRDS else x, y)
        scalar = _values(CpuBackend(1, "scalar"), function, np.abs(x) if function == TWO_THIRDS else x, y)
        assert [a.tobytes() for a in here] == [a.tobytes() for a in scalar]


def test_scaled_complementary_error_function(kernel_backend: Backend) -> None:
    """At most 7 ulp, as normal.h says, to the end of its range."""
    x = np.concatenate([np.linspace(0.0, 28.0, N // 2), 10.0 ** np.random.default_rng(12).uniform(-12, 1.447, N // 2)])
    got, _ = _values(kernel_backend, NORMAL, x)
    ulps, _ = _error(got, lambda v: mpmath.exp(v * v) * mpmath.erfc(v), x)
    assert ulps <= 7.0


def test_normal_interval(kernel_backend: Backend) -> None:
    """Within 2e-13 of the exact probability, on both sides of the change from the series to the tails."""
    rng = np.random.default_rng(13)
    z = rng.uniform(0.0, 12.0, N) * rng.integers(0, 2, N)
    h = np.where(np.arange(N) % 2, 10.0 ** rng.uniform(-8, 1.5, N), 0.15 / (1.0 + z) * rng.choice([0.999, 1.001], N))
    _, got = _values(kernel_backend, NORMAL, z, h)
    with mpmath.workdps(60):
        exact = [
            (mpmath.erfc((a - b) / mpmath.sqrt(2)) - mpmath.erfc((a + b) / mpmath.sqrt(2))) / 2
            for a, b in ((mpmath.mpf(float(p)), mpmath.mpf(float(q))) for p, q in zip(z, h, strict=True))
        ]
        error = max(abs(float(mpmath.mpf(float(g)) / e - 1)) for g, e in zip(got, exact, strict=True))
    assert error <= 2e-13


def test_log(kernel_backend: Backend) -> None:
    """At most 1.1 ulp, as mathx.h says: over all normal numbers, around 1, and where the reduction changes over."""
    rng = np.random.default_rng(14)
    near = np.sqrt(2.0) * np.exp2(rng.integers(-60, 60, N // 4)) * (1.0 + rng.uniform(-1e-8, 1e-8, N // 4))
    x = np.concatenate(
        [
            np.exp(rng.uniform(-708.0, 709.0, N // 4)),
            1.0 + rng.choice([-1.0, 1.0], N // 4) * np.exp2(-rng.uniform(1.5, 52.0, N // 4)),
            near,
            rng.uniform(0.0, 1.0, N // 4) + 2.0**-53,
        ]
    )
    got, _ = _values(kernel_backend, LOG, x)
    assert _error(got, mpmath.log, x)[0] <= 1.1
    ones, _ = _values(kernel_backend, LOG, np.ones(16))
    assert (ones == 0.0).all()


def test_normal_pair(kernel_backend: Backend) -> None:
    """Within 6e-15 of the exact deviates, to the ends of what uniform() gives, and as NumPy has it."""
    rng = np.random.default_rng(15)
    u = np.concatenate([2.0 ** -rng.uniform(0.0, 53.0, N // 2), 1.0 - 2.0 ** -rng.uniform(1.0, 53.0, N // 2)])
    w = rng.uniform(0.0, 1.0, N)
    u[:4], w[:4] = [2.0**-53, 1.0 - 2.0**-53] * 2, [0.5, 0.5, 2.0**-53, 1.0 - 2.0**-53]
    first, second = _values(kernel_backend, PAIR, u, w)
    for got, turn in ((first, mpmath.cos), (second, mpmath.sin)):
        _, absolute = _error(got, lambda a, b, t=turn: mpmath.sqrt(-2 * mpmath.log(a)) * t(2 * mpmath.pi * b), u, w)
        assert absolute <= 6e-15
    for got, twin in zip((first, second), normal_pair(u, w), strict=True):
        np.testing.assert_allclose(got, twin, rtol=0.0, atol=8e-15)
    assert first[0] == pytest.approx(-8.5717, abs=1e-4)


def test_normal_deviates_far_out(kernel_backend: Backend) -> None:
    """Tails beyond 2 to 7 sigmas, sampled evenly in the logarithm of the first number, so that all have their hits."""
    rng = np.random.default_rng(16)
    layers, each = 53, 8192
    layer = np.repeat(np.arange(layers), each)
    u = np.exp2(-layer - 1.0) * (1.0 + rng.uniform(0.0, 1.0, layers * each))
    weight = np.exp2(-layer - 1.0) / each
    first, second = _values(kernel_backend, PAIR, u, rng.uniform(0.0, 1.0, layers * each))
    for sigmas in (2.0, 4.0, 6.0, 7.0):
        exact = 0.5 * float(mpmath.erfc(sigmas / mpmath.sqrt(2)))
        for tail in (first > sigmas, first < -sigmas, second > sigmas, second < -sigmas):
            assert (weight * tail).sum() == pytest.approx(exact, rel=0.15)
    for moment, exact in ((1, 0.0), (2, 1.0), (3, 0.0), (4, 3.0)):
        for x in (first, second):
            assert (weight * x**moment).sum() == pytest.approx(exact, abs=0.15)
    assert abs((weight * first * second).sum()) < 0.05
