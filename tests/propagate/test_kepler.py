"""Kepler's equation and elements: against 40 digits, a published example, and back again where angles vanish."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from stmgpu.constants import EARTH
from stmgpu.propagate.kepler import eccentric_anomaly, elements_of, states_of

mpmath = pytest.importorskip("mpmath")

Array = NDArray[np.float64]
N = 2000


def _cases() -> tuple[Array, Array]:
    """Ordinary, nearly parabolic (where the perigee is hard), nearly circular."""
    rng = np.random.default_rng(1)
    ecc = np.concatenate([rng.random(N), 1.0 - 10.0 ** rng.uniform(-14, -1, N), 10.0 ** rng.uniform(-15, -1, N)])
    mean = np.concatenate([rng.uniform(-np.pi, np.pi, N), 10.0 ** rng.uniform(-14, 0.49, N), rng.uniform(0, np.pi, N)])
    return mean, ecc


def test_keplers_equation_holds() -> None:
    mean, ecc = _cases()
    x = eccentric_anomaly(mean, ecc)
    assert np.abs(x - ecc * np.sin(x) - mean).max() < 1e-13


def test_eccentric_anomaly_against_40_digits() -> None:
    """The residual alone would not show digits that are lost at the perigee of a long orbit."""
    mean, ecc = _cases()
    x = eccentric_anomaly(mean, ecc)
    with mpmath.workdps(40):
        for k in range(0, len(x), 20):
            e, m = mpmath.mpf(float(ecc[k])), mpmath.mpf(float(mean[k]))
            truth = mpmath.findroot(lambda y, e=e, m=m: y - e * mpmath.sin(y) - m, mpmath.mpf(float(x[k])))
            assert abs(float(mpmath.mpf(float(x[k])) - truth)) <= 1e-14 * max(abs(float(truth)), 1e-300)


def test_ends_and_whole_revolutions() -> None:
    for e in (0.0, 0.5, 0.999999):
        at = eccentric_anomaly([0.0, np.pi, -np.pi], e)
        np.testing.assert_allclose(at, [0.0, np.pi, -np.pi], atol=1e-14)
    np.testing.assert_allclose(
        eccentric_anomaly(1.0 + 2.0 * np.pi * np.arange(-3, 4), 0.7),
        eccentric_anomaly(1.0, 0.7) + 2.0 * np.pi * np.arange(-3, 4),
        rtol=0,
        atol=1e-13,
    )


def test_published_example() -> None:
    """Vallado, Fundamentals of Astrodynamics and Applications (4th ed.), example 2-5: r, v to elements, and back."""
    r, v = np.array([6524.834, 6862.875, 6448.296]), np.array([4.901327, 5.533756, -1.976341])
    a, e, i, raan, argp, mean = elements_of(r, v, mu_km3_s2=398600.4418)
    np.testing.assert_allclose([a, e], [36127.343, 0.832853], rtol=1e-6)
    np.testing.assert_allclose(np.degrees([i, raan, argp]), [87.870, 227.898, 53.38], rtol=0, atol=0.006)
    x = eccentric_anomaly(mean, e)
    true = 2.0 * np.arctan(np.sqrt((1 + e) / (1 - e)) * np.tan(x / 2.0))
    np.testing.assert_allclose(np.degrees(true), 92.335, rtol=0, atol=0.001)
    back = states_of((a, e, i, raan, argp, mean), mu_km3_s2=398600.4418)
    np.testing.assert_allclose(back[0], r, rtol=1e-12)
    np.testing.assert_allclose(back[1], v, rtol=1e-12)


_KINDS = {
    "ordinary": ((0.0, 0.9), (0.0, np.pi)),
    "circular": ((0.0, 0.0), (0.0, np.pi)),
    "equatorial": ((0.0, 0.9), (0.0, 0.0)),
    "circular and equatorial": ((0.0, 0.0), (0.0, 0.0)),
    "retrograde equatorial": ((0.0, 0.5), (np.pi, np.pi)),
    "nearly circular": ((1e-15, 1e-7), (0.0, np.pi)),
    "nearly equatorial": ((0.0, 0.9), (1e-15, 1e-7)),
    "long": ((0.99, 0.9999), (0.0, np.pi)),
}


@pytest.mark.parametrize("kind", list(_KINDS))
def test_there_and_back(kind: str) -> None:
    """0.1 mm and 1 um/s, also where node or perigee are not defined."""
    rng = np.random.default_rng(2)
    ecc, inc = (rng.uniform(low, high, N) for low, high in _KINDS[kind])
    angles = rng.uniform(0.0, 2.0 * np.pi, (3, N))
    r, v = states_of((rng.uniform(6600.0, 42000.0, N), ecc, inc, *angles))
    elements = elements_of(r, v)
    assert all(np.isfinite(x).all() for x in elements)
    assert all(((x >= 0.0) & (x < 2.0 * np.pi)).all() for x in elements[3:])
    back = states_of(elements)
    assert np.abs(back[0] - r).max() < 1e-7
    assert np.abs(back[1] - v).max() < 1e-9


def test_elements_come_back() -> None:
    rng = np.random.default_rng(3)
    given_ = (
        rng.uniform(6600.0, 9000.0, N),
        rng.uniform(0.001, 0.8, N),
        rng.uniform(0.01, 3.13, N),
        *rng.uniform(0.0, 2.0 * np.pi, (3, N)),
    )
    found = elements_of(*states_of(given_))
    for truth, got in zip(given_[:3], found[:3], strict=True):
        np.testing.assert_allclose(got, truth, rtol=0, atol=1e-10 * np.abs(truth).max())
    for truth, got in zip(given_[3:], found[3:], strict=True):
        assert np.abs(np.mod(got - truth + np.pi, 2.0 * np.pi) - np.pi).max() < 1e-9


def test_conventions_where_angles_are_not_defined() -> None:
    a, e, i, raan, argp, mean = elements_of([0.0, 7000.0, 0.0], [-np.sqrt(EARTH.mu_km3_s2 / 7000.0), 0.0, 0.0])
    assert (float(i), float(raan), float(argp)) == (0.0, 0.0, 0.0)
    np.testing.assert_allclose([a, e, mean], [7000.0, 0.0, np.pi / 2.0], rtol=1e-12, atol=1e-12)


def test_unbound_states_say_so() -> None:
    r = np.array([[7000.0, 0.0, 0.0]] * 2)
    a, e, _, _, _, mean = elements_of(r, np.array([[0.0, 7.5, 0.0], [0.0, 11.0, 0.5]]))
    assert a[0] > 0.0 > a[1]
    assert e[0] < 1.0 < e[1]
    assert np.isnan(mean).tolist() == [False, True]


def test_shapes_broadcast() -> None:
    r, v = states_of((np.full((4, 1), 7000.0), 0.1, 0.5, np.linspace(0, 6, 3), 0.0, 1.0))
    assert r.shape == v.shape == (4, 3, 3)
    assert all(x.shape == (4, 3) for x in elements_of(r, v))


@settings(max_examples=150, deadline=None)
@given(
    st.floats(6500.0, 50000.0),
    st.floats(0.0, 0.99),
    st.floats(0.0, np.pi),
    st.floats(-10.0, 10.0),
    st.floats(-10.0, 10.0),
    st.floats(-100.0, 100.0),
)
def test_energy_and_momentum(a: float, e: float, i: float, raan: float, argp: float, mean: float) -> None:
    """vis-viva, h^2 = mu a (1 - e^2), h_z = h cos i, r between perigee and apogee."""
    r, v = states_of((a, e, i, raan, argp, mean))
    distance, h = np.linalg.norm(r), np.cross(r, v)
    np.testing.assert_allclose(v @ v, EARTH.mu_km3_s2 * (2.0 / distance - 1.0 / a), rtol=1e-9)
    np.testing.assert_allclose(h @ h, EARTH.mu_km3_s2 * a * (1.0 - e * e), rtol=1e-11)
    np.testing.assert_allclose(h[2], np.linalg.norm(h) * np.cos(i), rtol=0, atol=1e-11 * np.linalg.norm(h))
    assert a * (1.0 - e) * (1.0 - 1e-12) <= distance <= a * (1.0 + e) * (1.0 + 1e-12)
