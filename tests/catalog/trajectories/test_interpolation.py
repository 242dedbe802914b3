"""Weights of interpolation. Truth: polynomials."""

from __future__ import annotations

import numpy as np
import pytest

from stmgpu.catalog.trajectories.interpolation import hermite_weights, lagrange_weights, windows, windows_without


@pytest.mark.parametrize(("count", "degree"), [(2, 1), (5, 4), (10, 9), (16, 15)])
def test_lagrange_is_exact_for_polynomials(count: int, degree: int) -> None:
    rng = np.random.default_rng(count)
    times = np.sort(rng.uniform(0.0, 100.0, count))
    t = rng.uniform(0.0, 100.0, 50)
    polynomial = np.polynomial.Polynomial(rng.normal(size=degree + 1), domain=[0.0, 100.0])
    value, rate = lagrange_weights([np.full(50, s) for s in times], t)
    scale = np.abs(polynomial(times)).max() * np.max(np.abs(value))
    value_at_t = sum(w * polynomial(s) for w, s in zip(value, times, strict=True))
    assert np.abs(value_at_t - polynomial(t)).max() < 1e-10 * scale
    slope = sum(w * polynomial(s) for w, s in zip(rate, times, strict=True))
    assert np.abs(slope - polynomial.deriv()(t)).max() < 1e-9 * scale


def test_hermite_is_exact_for_polynomials() -> None:
    rng = np.random.default_rng(3)
    times, t = np.array([0.0, 7.0, 10.0, 22.0]), rng.uniform(0.0, 22.0, 50)
    p = np.polynomial.Polynomial(rng.normal(size=8), domain=[0.0, 22.0])
    a, b, da, db = hermite_weights([np.full(50, s) for s in times], t)
    each = list(zip(a, b, da, db, times, strict=True))
    assert np.allclose(sum(x * p(s) + y * p.deriv()(s) for x, y, _, _, s in each), p(t), rtol=0, atol=1e-9)
    assert np.allclose(sum(x * p(s) + y * p.deriv()(s) for _, _, x, y, s in each), p.deriv()(t), rtol=0, atol=1e-9)


@pytest.mark.parametrize("samples", [2, 4, 5, 10, 16])
def test_windows_of_equal_steps_are_counted_off(samples: int) -> None:
    """The rule for unequal steps gives the same, so nothing changes where a table becomes a little uneven."""
    time_ns, interval = np.arange(40) * 60 * 10**9, np.arange(39)
    begin = np.clip(interval - (samples - 1) // 2, 0, 40 - samples)
    expected = begin[:, None] + np.arange(samples)
    assert np.array_equal(windows(time_ns, samples), expected)
    nudged = time_ns.copy()
    nudged[-1] += 70 * 10**9  # one step is more than twice another: the rule by time takes over
    assert np.array_equal(windows(nudged, samples)[: 38 - samples], expected[: 38 - samples])


def test_windows_of_unequal_steps_hold_both_ends_and_keep_their_distance() -> None:
    rng = np.random.default_rng(5)
    for _ in range(100):
        steps = np.exp(rng.uniform(0.0, 4.0, 60))
        time_ns = np.round(np.concatenate([[0.0], np.cumsum(steps)]) * 1e9).astype(np.int64)
        chosen = windows(time_ns, 6)
        interval = np.arange(60)
        assert (np.diff(chosen, axis=1) > 0).all()
        assert (chosen == interval[:, None]).any(axis=1).all()
        assert (chosen == interval[:, None] + 1).any(axis=1).all()
        inner = slice(25, 35)  # far from the ends, where samples run out
        gaps = np.diff(time_ns[chosen[inner]], axis=1)
        assert (gaps >= 0.4 * np.diff(time_ns)[inner, None] - 1).all()


def test_a_left_out_sample_is_in_none_of_its_windows() -> None:
    rng = np.random.default_rng(6)
    for spread in (0.0, 3.0):
        time_ns = np.cumsum(np.exp(rng.uniform(0.0, spread, 40)) * 1e9).astype(np.int64)
        for samples in (2, 5, 10):
            chosen = windows_without(time_ns, np.arange(40), samples)
            assert chosen.shape == (40, samples)
            assert not (chosen == np.arange(40)[:, None]).any()
            assert (np.diff(chosen, axis=1) > 0).all()
            assert 0 <= chosen.min() <= chosen.max() <= 39
