"""Forecast of encounters: the plane against the encounter geometry, and truth that is drawn in space."""

from __future__ import annotations

import numpy as np

from stmgpu.backend import Backend
from stmgpu.risk import encounter_geometry, encounter_probability
from stmgpu.risk.decision import encounter_forecast
from stmgpu.risk.forecast import forecast_probability
from stmgpu.risk.rotations import local_axes
from stmgpu.typing import Floats

RADIUS = 15.0


def encounters(n: int) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
    """States of two objects that pass within some hundred metres, and their covariances."""
    rng = np.random.default_rng(4)
    r = np.array([7000.0, 0.0, 0.0]) + rng.normal(size=(n, 3))
    tilt = rng.uniform(0.4, 2.6, n)
    v1 = np.stack([np.zeros(n), 7.5 * np.ones(n), np.zeros(n)], axis=1) + 0.01 * rng.normal(size=(n, 3))
    v2 = np.stack([np.zeros(n), 7.5 * np.cos(tilt), 7.5 * np.sin(tilt)], axis=1)
    one, two = np.hstack([r, v1]), np.hstack([r + 0.2 * rng.normal(size=(n, 3)), v2])
    root = rng.normal(size=(2, n, 3, 3)) * np.array([60.0, 200.0, 60.0])[:, np.newaxis]
    return (one, two), tuple(m @ m.swapaxes(1, 2) for m in root)  # type: ignore[return-value]


def test_a_covariance_of_the_same_shape_has_the_axes_of_now(kernel_backend: Backend) -> None:
    """With C1 = k C0 everything follows from the misses and sigmas of the encounter geometry."""
    states, now = encounters(40)
    (one, two), k = states, 0.16
    radius = np.full(40, RADIUS)
    found = encounter_forecast(
        states, now, (k * now[0], k * now[1]), radius_m=radius, line=1e-4, backend=kernel_backend
    )
    plane = encounter_geometry(
        one[:, :3], one[:, 3:], now[0], two[:, :3], two[:, 3:], now[1], radius, backend=kernel_backend
    )
    then = np.zeros((40, 2, 2))
    then[:, 0, 0], then[:, 1, 1] = k * plane.sigma_major_m**2, k * plane.sigma_minor_m**2
    expected = forecast_probability(
        plane.miss_major_m, plane.miss_minor_m, plane.sigma_major_m, plane.sigma_minor_m, then, RADIUS, 1e-4,
        backend=kernel_backend,
    )  # fmt: skip
    assert ((found.p_act > 1e-3) & (found.p_act < 0.999)).sum() > 20
    np.testing.assert_allclose(found.p_act, expected, rtol=1e-6, atol=1e-12)
    assert not found.grows.any()


def test_no_row_depends_on_the_others(kernel_backend: Backend) -> None:
    states, now = encounters(12)
    then = (0.2 * now[0], 0.3 * now[1])
    radius = np.geomspace(1.0, 300.0, 12)

    def run(rows: slice) -> Floats:
        some = ((a[rows], b[rows]) for a, b in (states, now, then))
        return encounter_forecast(*some, radius_m=radius[rows], line=1e-4, backend=kernel_backend).p_act

    alone = np.concatenate([run(slice(k, k + 1)) for k in range(12)])
    np.testing.assert_array_equal(alone, run(slice(None)))


def test_truth_drawn_in_space(kernel_backend: Backend) -> None:
    """Both objects are measured again: how often Pc is then above the line, within 4 standard deviations."""
    states, now = encounters(1)
    rng = np.random.default_rng(6)
    shrink = np.array([[0.3, 0.05, 0.0], [0.05, 0.2, 0.1], [0.0, 0.1, 0.6]])
    roots = [np.linalg.cholesky(c) for c in now]
    then = tuple(root @ shrink @ root.swapaxes(1, 2) for root in roots)
    n = 20_000
    radius, line = np.full(n, RADIUS), 1e-4
    moved = []
    for state, c0, c1 in zip(states, now, then, strict=True):
        step = (np.linalg.cholesky(c0 - c1) @ rng.normal(size=(n, 3, 1)))[..., 0] @ local_axes("RTN", state)[0].T
        moved.append(np.broadcast_to(state[:, :3], (n, 3)) + step / 1e3)
    v1, v2 = (np.broadcast_to(state[:, 3:], (n, 3)) for state in states)
    later = encounter_probability(
        moved[0], v1, np.repeat(then[0], n, 0), moved[1], v2, np.repeat(then[1], n, 0), radius, backend=kernel_backend
    )
    forecast = encounter_forecast(
        states, now, (then[0], then[1]), radius_m=radius[:1], line=line, backend=kernel_backend
    )
    p = float(forecast.p_act[0])
    assert 0.02 < p < 0.98
    assert abs(float((later >= line).mean()) - p) < 4.0 * np.sqrt(p * (1.0 - p) / n)


def test_without_a_plane_there_is_no_forecast() -> None:
    (one, _), now = encounters(3)
    found = encounter_forecast((one, one), now, now, radius_m=np.full(3, RADIUS), line=1e-4, backend="reference")
    assert np.isnan(found.p_act).all()
    states, _ = encounters(3)
    grown = (now[0] * 1.1, now[1] * 1.1)
    assert encounter_forecast(
        states, now, grown, radius_m=np.full(3, RADIUS), line=1e-4, backend="reference"
    ).grows.all()
