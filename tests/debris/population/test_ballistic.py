"""Ballistic coefficients from histories: known ones are found, jumps are told, and noise is shrunk towards the type."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from stmgpu.constants import EARTH
from stmgpu.debris.environment import Environment, Exponential, Lifetime
from stmgpu.debris.population import Kind, sinking
from stmgpu.debris.population.ballistic import Measured, measure, refuse_jumping, shrink
from stmgpu.debris.population.sinking import Sinking, Track, modelled_sinking, sinking_of
from stmgpu.errors import InputError

AIR = Environment(Exponential(), 2000.0, 2013.0)
MODEL = {"decay_km": 150.0, "rotating": True}


class Tilted(Exponential):
    """Twice as dense over the poles as a table of means says, less dense over the equator."""

    def tilt(self, years: np.ndarray, f107: np.ndarray, ap: np.ndarray) -> np.ndarray:
        return np.full((len(years), 20), 2.0)


def pairs_of(height_km: np.ndarray, begin: np.ndarray, end: np.ndarray) -> Sinking:
    n = len(height_km)
    a = EARTH.radius_km + height_km
    return Sinking(np.arange(n), begin, end, a, np.full(n, 1e-3), np.full(n, np.radians(74.0)), np.zeros(n))


@pytest.mark.parametrize("density", [Exponential(), Tilted()], ids=["round", "tilted"])
def test_modelled_sinking_takes_the_time_that_lifetimes_say(density: Exponential) -> None:
    """From a to a - sinking takes as long as the lifetimes of the two orbits differ, also if density has latitudes."""
    air = Environment(density, 2000.0, 2013.0)
    height = np.array([400.0, 550.0, 700.0, 850.0])
    pairs = pairs_of(height, np.array([2000.0, 2003.3, 2000.0, 2001.0]), np.array([2000.4, 2006.0, 2013.0, 2012.0]))
    b = np.array([0.015, 0.03, 0.05, 0.02])
    sank = modelled_sinking(pairs, b, air, **MODEL)
    life = Lifetime(air.log_density([2000.0])[0], air.lowest_km, air.spacing_km, tilt=air.tilt([2000.0])[0])
    took = np.subtract(
        *(life.years(a, pairs.ecc, ballistic_m2_kg=b, inc_rad=pairs.inc_rad) for a in (pairs.a_km, pairs.a_km - sank))
    )
    np.testing.assert_allclose(took, pairs.end - pairs.begin, rtol=0.02)


def test_the_reference_backend_sinks_as_the_kernels_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing was compiled the fit is slower, not another one."""
    pairs = pairs_of(np.array([350.0, 500.0]), np.array([2000.0, 2000.05]), np.array([2000.1, 2000.15]))
    b = np.array([0.02, 0.5])
    kernels = modelled_sinking(pairs, b, AIR, **MODEL)
    monkeypatch.setattr(sinking, "usable_levels", tuple)
    np.testing.assert_allclose(modelled_sinking(pairs, b, AIR, **MODEL), kernels, rtol=2e-3)


def test_known_coefficients_are_found_and_jumps_told() -> None:
    rng = np.random.default_rng(1)
    n, dates, noise = 120, np.array([2000.0, 2004.0, 2009.0, 2013.0]), 0.03
    height = np.where(np.arange(n) < 60, rng.uniform(680.0, 780.0, n), 1900.0)  # the upper half shows the noise
    table, true = np.full(n, 0.02), np.exp(rng.normal(0.3, 0.5, n))
    true[60:] = 0.3  # they sink 15 m
    a = np.empty((4, n))
    a[0] = EARTH.radius_km + height
    for k in range(3):
        leg = pairs_of(a[k] - EARTH.radius_km, np.full(n, dates[k]), np.full(n, dates[k + 1]))
        a[k + 1] = a[k] - modelled_sinking(leg, table * true, AIR, **MODEL)
    a += rng.normal(0.0, noise, a.shape)
    a[2:, 3] += 30.0  # raised
    shape = np.ones(4 * n)
    track = Track(
        np.tile(np.arange(n), 4), np.repeat(dates, n), a.ravel(), 1e-3 * shape, np.radians(74.0) * shape, shape == 0
    )
    pairs = sinking_of(track)
    found = measure(pairs, pairs.norad_id, table, AIR, **MODEL)
    assert np.flatnonzero(found.jumps).tolist() == [3]
    assert found.noise_km == pytest.approx(noise, rel=0.3)
    good = np.isfinite(found.variance)
    assert good[:60].sum() == 59
    assert not good[60:].any()
    wrong = (found.log_factor - np.log(true))[good] / np.sqrt(found.variance[good])
    assert np.abs(wrong).max() < 5.0
    assert 0.6 < np.sqrt((wrong**2).mean()) < 1.4
    everything = Measured(found.log_factor, found.variance, np.ones(n, np.bool_), 0.03)
    with pytest.raises(InputError, match=r"histories a\.mat do not fit b\.mat: 120 objects of 120 jump"):
        refuse_jumping(everything, "b.mat", "a.mat")


def test_coefficients_of_objects_about_to_decay_are_found() -> None:
    """Their sinking grows far faster than their drag, so that steps by its ratio would swing around the truth."""
    true = np.exp([0.5, -0.5, 1.0, -1.0, 0.0])
    height, years = np.full(5, 450.0), np.full(5, 2001.5)
    pairs = pairs_of(height, np.full(5, 2000.0), years)
    b = 0.015  # decays after 1.6 years
    pairs = dataclasses.replace(pairs, sank_km=modelled_sinking(pairs, np.full(5, b), AIR, **MODEL))
    assert 100.0 < pairs.sank_km[0] < 150.0
    found = measure(pairs, pairs.norad_id, b / true, AIR, **MODEL)
    np.testing.assert_allclose(found.log_factor, np.log(true), atol=2e-3)


def test_noise_is_shrunk_towards_the_type() -> None:
    """Of two types with known means, tau 0.1 and errors 0.05 to 0.6: posterior means are as near the truth as can be,
    objects without a history get their type, unknown types the class."""
    rng = np.random.default_rng(2)
    n = 400
    type_ = np.repeat([0, 1], n // 2)
    true = np.where(type_ == 0, 0.6, -0.2) + rng.normal(0.0, 0.1, n)
    error = rng.uniform(0.05, 0.6, n)
    d = true + rng.normal(0.0, error)
    kind = np.full(n + 3, int(Kind.ROCKET_BODY), np.int8)
    kind[-1] = int(Kind.DERELICT)
    measured = Measured(
        np.r_[d, 0.0, 0.0, 0.0], np.r_[error**2, np.inf, np.inf, np.inf], np.zeros(n + 3, np.bool_), 0.05
    )
    got, outlying = shrink(measured, kind, np.r_[type_, 0, 7, 9])

    def rms(x: np.ndarray) -> float:
        return float(np.sqrt((x**2).mean()))

    assert not outlying.any()
    best = np.sqrt((1.0 / (1.0 / 0.1**2 + 1.0 / error**2)).mean())  # with tau and the means of the types known
    assert rms(got[:n] - true) == pytest.approx(best, rel=0.1)
    assert got[n] == pytest.approx(0.6, abs=0.05)  # no history: its type
    assert got[n + 1] == pytest.approx(0.2, abs=0.1)  # unknown type: its class
    assert got[n + 2] == 0.0  # a class that nobody measured

    far = Measured(np.r_[d, 4.0], np.r_[error**2, 0.01], np.zeros(n + 1, np.bool_), 0.05)
    got, outlying = shrink(far, kind[: n + 1], np.r_[type_, 0])
    assert np.flatnonzero(outlying).tolist() == [n]
    assert got[n] == pytest.approx(0.6, abs=0.05)
    debris = np.full(n + 1, int(Kind.UNATTRIBUTED), np.int8)
    got, _ = shrink(
        Measured(np.r_[d, 0.0], np.r_[error**2, np.inf], np.zeros(n + 1, np.bool_), 0.05), debris, np.zeros(n + 1)
    )
    assert got[n] == 0.0  # what was drawn for it stays
