"""Probability along a stay: against straight motion, against samples of two-body motion, and as a bound."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from stmgpu.backend import Backend, get_backend
from stmgpu.risk import dwell_probability, equinoctial, monte_carlo
from stmgpu.risk.dwell import NOT_CONVERGED, moved
from stmgpu.risk.rotations import local_axes, turned
from stmgpu.risk.stays import stay_probability
from stmgpu.typing import Floats

Motion = Callable[[Floats], tuple[Floats, Floats]]

PERIOD = 2.0 * np.pi * np.sqrt(7000.0**3 / 398600.4418)


def test_straight_motion(kernel_backend: Backend) -> None:
    """The same numbers as those of `dwell_probability`, slow pairs and a needle."""
    rng = np.random.default_rng(5)
    means = np.hstack([60.0 * rng.normal(size=(4, 3)), rng.normal(size=(4, 3)) * [[0.01], [0.1], [1.0], [30.0]]])
    spread = rng.normal(size=(4, 6, 6)) * np.repeat([20.0, 0.1], 3)[:, np.newaxis]
    covariances = spread @ spread.transpose(0, 2, 1)
    for mean, covariance in zip(means, covariances, strict=True):

        def motion(times_s: Floats, mean: Floats = mean, covariance: Floats = covariance) -> tuple[Floats, Floats]:
            n = len(times_s)
            return moved(np.tile(mean, (n, 1)), np.tile(covariance, (n, 1, 1)), times_s)

        found = stay_probability(motion, 12.0, -400.0, 900.0, PERIOD, backend=kernel_backend)
        wanted = dwell_probability(mean, covariance, 12.0, -400.0, 900.0, backend=kernel_backend)
        np.testing.assert_allclose(found.inside, wanted.inside, rtol=1e-6, atol=1e-30)
        np.testing.assert_allclose(found.entries, wanted.entries, rtol=1e-3, atol=1e-30)


def formation(sigma: Floats, ahead_m: float, up_m: float) -> tuple[list[Floats], Motion]:
    """Two objects on one orbit but for a few metres: their fields, and their motion with its covariance."""
    circular = np.sqrt(398600.4418 / 7000.0)
    r1, v1 = np.array([[7000.0, 0.0, 0.0]]), np.array([[0.0, circular, 0.0]])
    motion_s = circular / 7000.0
    r2 = r1 + 1e-3 * np.array([[up_m, ahead_m, 0.0]])
    v2 = v1 + 1e-3 * np.array([[-ahead_m * motion_s, -2.0 * up_m * motion_s, 0.02]])
    covariance = np.diag(sigma**2)[np.newaxis]
    objects = []
    for r, v in ((r1, v1), (r2, v2)):
        state = 1e3 * np.hstack([r, v])
        elements = equinoctial.elements(state)
        inverse = equinoctial.inverse_jacobian(elements, equinoctial.jacobian(elements, 0.0))
        objects.append((elements[0], (inverse @ turned(local_axes("RTN", state), covariance) @ inverse.mT)[0]))

    def motion(times_s: Floats) -> tuple[Floats, Floats]:
        states, covariances = [], []
        for elements, spread in objects:
            orbit = np.tile(elements, (len(times_s), 1))
            partials = equinoctial.jacobian(orbit, times_s)
            states.append(equinoctial.state(orbit, times_s))
            covariances.append(partials @ spread @ partials.mT)
        return states[0] - states[1], covariances[0] + covariances[1]

    return [r1, v1, covariance, r2, v2, covariance, np.array([10.0])], motion


def test_formations_against_samples(kernel_backend: Backend) -> None:
    """A third of a revolution within 99.9 % limits of 30,000 samples, and three of them above what these hit."""
    sigma = np.array([6.0, 20.0, 6.0, 0.02, 0.006, 0.006])
    fields, motion = formation(sigma, 30.0, 10.0)
    for turns, single in ((0.33, True), (3.0, False)):
        stop = turns * PERIOD
        found = stay_probability(motion, 10.0, 0.0, stop, PERIOD, backend=kernel_backend)
        samples = monte_carlo(
            *fields, samples=30_000, start_s=0.0, stop_s=stop, confidence=0.999, backend=kernel_backend
        )
        assert found.flags[0] == 0
        assert 0.0 < found.inside[0] < found.probability[0]
        assert samples.lower[0] <= found.inside[0] + found.entries[0]
        assert found.inside[0] <= samples.upper[0]
        if single:
            assert found.probability[0] <= samples.upper[0]


def test_rates_that_do_not_converge_are_told(kernel_backend: Backend) -> None:
    """A needle of 4 mm beside a sphere of 50 m."""
    mean, sigma = np.array([60.0, -30.0, 20.0, -0.15, 0.02, 0.01]), np.array([5.0, 0.004, 0.004, 0.08, 0.0025, 5e-5])

    def motion(times_s: Floats) -> tuple[Floats, Floats]:
        n = len(times_s)
        return moved(np.tile(mean, (n, 1)), np.tile(np.diag(sigma**2), (n, 1, 1)), times_s)

    assert stay_probability(motion, 50.0, 0.0, 200.0, PERIOD, backend=kernel_backend).flags[0] & NOT_CONVERGED


@pytest.mark.parametrize("kind", ["missing", "negative"])
def test_without_a_covariance_there_is_no_number(kind: str) -> None:
    _, motion = formation(np.full(6, 1.0), 30.0, 10.0)

    def lacking(times_s: Floats) -> tuple[Floats, Floats]:
        mean, covariance = motion(times_s)
        covariance[-1, 4, 4] = np.nan if kind == "missing" else -1.0
        return mean, covariance

    found = stay_probability(lacking, 10.0, 0.0, 900.0, PERIOD, backend=get_backend("reference"))
    assert np.isnan(found.probability[0])
