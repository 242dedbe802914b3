"""Weights of interpolation. Truth: polynomials."""

from __future__ import annotations

import numpy as np
import pytest

from stmgpu.catalog.trajectories.interpolation import hermite_weights, lagrange_weights


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
