"""Equinoctial elements: against integration at 30 digits, mpmath's derivatives, and the kernel's form of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from stmgpu.backend import Backend
from stmgpu.risk import equinoctial
from stmgpu.risk.equinoctial import MU_M3_S2
from stmgpu.typing import Floats

mpmath = pytest.importorskip("mpmath")

KINDS = ("round", "eccentric", "retrograde", "equatorial", "any")


def _states(kind: str, n: int, seed: int) -> Floats:
    """States of a kind of orbits, built from angles without the module under test."""
    rng = np.random.default_rng(seed)
    ecc = {"round": 10.0 ** rng.uniform(-14, -3, n), "eccentric": rng.uniform(0.85, 0.95, n)}.get(
        kind, rng.uniform(0, 0.8, n)
    )
    inc = {"retrograde": np.pi - 10.0 ** rng.uniform(-9, -1, n), "equatorial": 10.0 ** rng.uniform(-12, -2, n)}.get(
        kind, rng.uniform(0, 2.8, n)
    )
    if kind == "equatorial":
        inc[0] = 0.0
    raan, argp, true = rng.uniform(-np.pi, np.pi, (3, n))
    a = rng.uniform(6.7e6, 4.2e7, n)
    p = a * (1.0 - ecc * ecc)
    r, speed = p / (1.0 + ecc * np.cos(true)), np.sqrt(MU_M3_S2 / p)
    plane = np.stack([r * np.cos(true), r * np.sin(true), -speed * np.sin(true), speed * (ecc + np.cos(true))])
    so, co, sw, cw, si, ci = np.sin(raan), np.cos(raan), np.sin(argp), np.cos(argp), np.sin(inc), np.cos(inc)
    first = np.stack([co * cw - so * sw * ci, so * cw + co * sw * ci, sw * si], axis=1)
    second = np.stack([-co * sw - so * cw * ci, co * cw * ci - so * sw, cw * si], axis=1)
    x, y, u, w = (each[:, np.newaxis] for each in plane)
    return np.concatenate([x * first + y * second, u * first + w * second], axis=1)


def _sense(kind: str, states: Floats) -> Floats:
    return equinoctial.sense_of(states) if kind == "retrograde" else np.ones(len(states))


def _moved(state: Floats, dt: float) -> Floats:
    """Two-body motion by universal variables at 40 digits (R. Bate et al., 1971), independent of any elements."""
    with mpmath.workdps(40):
        r0, v0 = (mpmath.matrix([mpmath.mpf(float(x)) for x in part]) for part in (state[:3], state[3:]))
        mu, t = mpmath.mpf(MU_M3_S2), mpmath.mpf(dt)
        size, along = mpmath.norm(r0), (r0.T * v0)[0] / mpmath.sqrt(mu)
        alpha = 2 / size - (v0.T * v0)[0] / mu

        def terms(chi: Any) -> tuple[Any, Any, Any]:
            z = alpha * chi * chi
            root = mpmath.sqrt(z)
            return z, (1 - mpmath.cos(root)) / z, (root - mpmath.sin(root)) / root**3

        def late(chi: Any) -> Any:
            _, c, s = terms(chi)
            return along * chi**2 * c + (1 - alpha * size) * chi**3 * s + size * chi - mpmath.sqrt(mu) * t

        low, high = mpmath.mpf(0), mpmath.sqrt(mu) * t * 1000 / size
        while late(high / 2) > 0:
            high /= 2
        for _ in range(20):
            middle = (low + high) / 2
            low, high = (low, middle) if late(middle) > 0 else (middle, high)
        chi = mpmath.findroot(late, (low, high), solver="anderson", tol=1e-30, maxsteps=200)
        z, c, s = terms(chi)
        f, g = 1 - chi**2 / size * c, t - chi**3 * s / mpmath.sqrt(mu)
        r = r0 * f + v0 * g
        far = mpmath.norm(r)
        f1, g1 = mpmath.sqrt(mu) / (far * size) * chi * (z * s - 1), 1 - chi**2 / far * c
        v = r0 * f1 + v0 * g1
        return np.array([float(x) for x in [*r, *v]])


@pytest.mark.parametrize("kind", KINDS)
def test_there_and_back(kind: str) -> None:
    states = _states(kind, 500, 1)
    sense = _sense(kind, states)
    back = equinoctial.state(equinoctial.elements(states, sense), sense=sense)
    scale = np.repeat([np.linalg.norm(states[:, :3], axis=1), np.linalg.norm(states[:, 3:], axis=1)], 3, axis=0).T
    assert np.abs((back - states) / scale).max() < (2e-13 if kind == "eccentric" else 2e-14)


@pytest.mark.parametrize("kind", KINDS)
def test_motion_is_that_of_universal_variables(kind: str) -> None:
    states = _states(kind, 6, 2)
    sense = _sense(kind, states)
    times = np.array([1.0, 60.0, 900.0, 2500.0, 5000.0, 5400.0])
    found = equinoctial.state(equinoctial.elements(states, sense), times, sense)
    for one, dt, moved in zip(states, times.tolist(), found, strict=True):
        exact = _moved(one, dt)
        off = np.linalg.norm((moved - exact).reshape(2, 3), axis=1) / np.linalg.norm(exact.reshape(2, 3), axis=1)
        assert off.max() < (1e-11 if kind == "eccentric" else 1e-12)


def _mp_state(orbit: list[Any], dt: Any) -> Any:
    """State of an orbit at the working precision, by rotations and Kepler's equation of the true perigee."""
    n, k, h, p, q, longitude = orbit
    mu = mpmath.mpf(MU_M3_S2)
    ecc, perigee, raan = mpmath.hypot(k, h), mpmath.atan2(h, k), mpmath.atan2(p, q)
    inc = 2 * mpmath.atan(mpmath.hypot(p, q))
    mean = longitude + n * dt - perigee
    big = mpmath.findroot(lambda x: x - ecc * mpmath.sin(x) - mean, mean + ecc * mpmath.sin(mean))
    a = mpmath.cbrt(mu / n**2)
    flat = mpmath.sqrt(1 - ecc**2)
    x, y = a * (mpmath.cos(big) - ecc), a * flat * mpmath.sin(big)
    rate = n * a / (1 - ecc * mpmath.cos(big))
    u, w = -rate * mpmath.sin(big), rate * flat * mpmath.cos(big)
    so, co, sw, cw = mpmath.sin(raan), mpmath.cos(raan), mpmath.sin(perigee - raan), mpmath.cos(perigee - raan)
    si, ci = mpmath.sin(inc), mpmath.cos(inc)
    first = (co * cw - so * sw * ci, so * cw + co * sw * ci, sw * si)
    second = (-co * sw - so * cw * ci, co * cw * ci - so * sw, cw * si)
    return [x * f + y * s for f, s in zip(first, second, strict=True)] + [
        u * f + w * s for f, s in zip(first, second, strict=True)
    ]


@pytest.mark.parametrize("kind", ["round", "eccentric", "any"])
def test_jacobian_against_differences_at_50_digits(kind: str) -> None:
    orbits = equinoctial.elements(_states(kind, 4, 3))
    times = np.array([0.0, 100.0, -700.0, 4000.0])
    found = equinoctial.jacobian(orbits, times)
    for orbit, dt, matrix in zip(orbits, times.tolist(), found, strict=True):
        exact = np.empty((6, 6))
        with mpmath.workdps(50):
            given = [mpmath.mpf(float(x)) for x in orbit]
            for i in range(6):
                step = mpmath.mpf("1e-18") * (given[0] if i == 0 else 1)
                more, less = (
                    _mp_state([x + sign * step * (j == i) for j, x in enumerate(given)], mpmath.mpf(dt))
                    for sign in (1, -1)
                )
                exact[:, i] = [float((m - s) / (2 * step)) for m, s in zip(more, less, strict=True)]
        scale = np.repeat([np.abs(exact[:3]).max(axis=0), np.abs(exact[3:]).max(axis=0)], 3, axis=0)
        assert (np.abs(matrix - exact) / scale).max() < (1e-10 if kind == "eccentric" else 1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_inverse_of_the_jacobian(kind: str) -> None:
    states = _states(kind, 200, 4)
    sense = _sense(kind, states)
    orbits = equinoctial.elements(states, sense)
    partials = equinoctial.jacobian(orbits, 1000.0, sense)
    product = equinoctial.inverse_jacobian(orbits, partials) @ partials
    unit = np.concatenate([orbits[:, :1], np.ones((200, 5))], axis=1)
    off = (product - np.eye(6)) * unit[:, np.newaxis, :] / unit[:, :, np.newaxis]
    assert np.abs(off).max() < (1e-8 if kind == "eccentric" else 1e-11)


def test_no_elements_of_what_is_no_ellipse() -> None:
    fast = [7e6, 0.0, 0.0, 0.0, 1.2e4, 0.0]
    straight = [7e6, 0.0, 0.0, 1e3, 0.0, 0.0]
    assert np.isnan(equinoctial.elements([fast, straight])).any(axis=1).all()


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "retrograde"])
def test_kernel_agrees_with_its_twin(kind: str, kernel_backend: Backend) -> None:
    n = 256
    states, dt = _states(kind, n, 5), np.random.default_rng(6).uniform(-6000.0, 6000.0, n)
    out = [kernel_backend.empty((rows, n)) for rows in (6, 6, 36, 36)]
    given = kernel_backend.put(np.ascontiguousarray(states.T)), kernel_backend.put(dt)
    kernel_backend.launch("equinoctial_values", n, n, *given, *out)
    orbits, moved, partials, inverse = (kernel_backend.get(x).T for x in out)
    expected = equinoctial.elements(states)
    np.testing.assert_allclose(orbits, expected, rtol=1e-13, atol=3e-14 if kind != "eccentric" else 2e-13)
    np.testing.assert_allclose(moved, equinoctial.state(orbits, dt), rtol=1e-12, atol=1e-4)
    units = np.repeat([np.linalg.norm(x, axis=1) for x in (moved[:, :3], moved[:, 3:])], 3, axis=0).T
    unit = units[:, :, np.newaxis] / np.concatenate([orbits[:, :1], np.ones((n, 5))], axis=1)[:, np.newaxis, :]
    jacobian = equinoctial.jacobian(orbits, dt)
    limit = 1e-11 if kind != "eccentric" else 1e-9
    assert np.abs((partials.reshape(n, 6, 6) - jacobian) / unit).max() < limit
    expected = equinoctial.inverse_jacobian(orbits, jacobian)
    assert np.abs((inverse.reshape(n, 6, 6) - expected) * unit.transpose(0, 2, 1)).max() < limit
