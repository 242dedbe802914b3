"""The plan: its grids, its weights, and the inequality it rests on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import CubicHermiteSpline
from support.plans import plan_for

from stmgpu.constants import WGS72
from stmgpu.errors import InputError
from stmgpu.screen.broad_phase import bend_km
from stmgpu.screen.plan import NODE_STEP_S, gate_factor, hermite_weights, make_plan
from stmgpu.screen.settings import STEPS_S

windows = st.tuples(st.floats(0.0, 0.999999), st.floats(60.0, 30 * 86400.0), st.sampled_from(STEPS_S))


@given(windows)
@settings(max_examples=200, deadline=None)
def test_intervals_cover_the_window_and_hang_on_midnight(window) -> None:
    fr, duration, step = window
    plan = plan_for((2460000.5, fr), duration, 5.0, 1000, step)
    edges = plan.edge_s(np.arange(plan.rows + 1))
    start = fr * 86400.0
    assert edges[0] <= start + 1e-6
    assert edges[1] > start - 1e-6
    assert edges[-1] >= start + duration - 1e-6
    assert edges[-2] < start + duration + 1e-6
    assert np.all(edges % step == 0.0)
    rows = np.arange(plan.rows)
    before = plan.node_s(plan.node_before(rows))
    assert np.all(before <= plan.edge_s(rows) + 1e-6)
    assert np.all(before + NODE_STEP_S >= plan.edge_s(rows + 1) - 1e-6)


@pytest.mark.parametrize("step", STEPS_S)
def test_hermite_weights_equal_scipys_spline(step: float) -> None:
    plan = plan_for((2460000.5, 0.123), 3600.0, 5.0, 100, step)
    rng = np.random.default_rng(3)
    rows = np.arange(plan.rows)
    for row, w in zip(rows, hermite_weights(plan, rows), strict=True):
        r, v = rng.normal(size=2), rng.normal(size=2)
        t0 = plan.node_s(plan.node_before(row))
        spline = CubicHermiteSpline([t0, t0 + NODE_STEP_S], r, v)
        state = np.array([r[0], v[0], r[1], v[1]])
        np.testing.assert_allclose(w[:4] @ state, spline(plan.sample_s(row)), atol=1e-9)
        np.testing.assert_allclose(w[4:] @ state, spline(plan.sample_s(row), 1), atol=1e-9)


def two_body(state: np.ndarray, t: float, steps: int = 200) -> np.ndarray:
    """Two-body motion by Runge-Kutta 4: truth for the inequality, independent of SGP4."""

    def f(y):
        return np.concatenate([y[3:], -WGS72.mu_km3_s2 * y[:3] / np.linalg.norm(y[:3]) ** 3])

    h = t / steps
    for _ in range(steps):
        a = f(state)
        b = f(state + 0.5 * h * a)
        c = f(state + 0.5 * h * b)
        d = f(state + h * c)
        state = state + h / 6.0 * (a + 2 * b + 2 * c + d)
    return state


@pytest.mark.slow
def test_tidal_bound_holds_for_pairs_anywhere() -> None:
    rng = np.random.default_rng(11)
    worst = 0.0
    for _ in range(150):
        h = float(rng.choice([5.0, 15.0, 30.0, 60.0]))
        radius = 6500.0 + rng.exponential(3000.0)
        circular = np.sqrt(WGS72.mu_km3_s2 / radius)
        x = rng.normal(size=3)
        x *= radius / np.linalg.norm(x)
        offset = rng.normal(size=3)
        offset *= rng.uniform(0.0, 16.0 * h + 20.0) / np.linalg.norm(offset)
        va, vb = (v * circular * rng.uniform(0.7, 1.35) / np.linalg.norm(v) for v in rng.normal(size=(2, 3)))
        a, b = np.concatenate([x, va]), np.concatenate([x + offset, vb])
        low = min(np.linalg.norm(a[:3]), np.linalg.norm(b[:3]))
        bound = bend_km(np.linalg.norm(offset), np.linalg.norm(vb - va), low, h)
        for s in (-h, h):
            off = two_body(b, s)[:3] - two_body(a, s)[:3] - (offset + s * (vb - va))
            worst = max(worst, float(np.linalg.norm(off) / bound))
    assert 0.1 < worst < 1.0


@pytest.mark.parametrize("step", STEPS_S)
def test_gate_factor_solves_inequality_3(step: float) -> None:
    h = 0.5 * step
    distance = 700.0
    for speed in (0.1, 7.0, 15.0, 20.0):
        reach = max(distance - speed * h - bend_km(distance, speed, 6378.135, h), 0.0)  # what D + pads must exceed
        assert distance <= gate_factor(h) * (speed * h + reach) * (1 + 1e-12)


@pytest.mark.parametrize(
    ("kwargs", "word"),
    [
        ({"threshold_km": 0.05}, "threshold"),
        ({"threshold_km": 500.0}, "threshold"),
        ({"threshold_km": float("nan")}, "threshold"),
        ({"duration_s": 10.0}, "window"),
        ({"duration_s": 31 * 86400.0}, "window"),
        ({"step_s": 7.0}, "step"),
    ],
)
def test_impossible_requests_are_named(kwargs: dict[str, Any], word: str) -> None:
    request = {"start": (2460000.5, 0.0), "duration_s": 3600.0, "threshold_km": 5.0, "objects": 10} | kwargs
    with pytest.raises(InputError, match=word):
        plan_for(**request)


def test_plan_is_plain_data() -> None:
    plan = plan_for((2460000.5, 0.25), 7200.0, 5.0, 27000)
    described = plan.describe()
    assert described["step_s"] in STEPS_S
    assert [described[k] for k in ("start", "duration_s", "threshold_km", "cell_km", "side", "sampled")] == [
        (2460000.5, 0.25),
        7200.0,
        5.0,
        plan.cell_km,
        plan.side,
        plan.sampled,
    ]
    assert make_plan(plan.settings, 27000) == plan
