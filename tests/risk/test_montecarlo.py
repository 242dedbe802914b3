"""Monte Carlo: the twin, closed forms, published runs, and what random numbers may depend on.

Written down before the first run: limits of Alfano's twelve cases and of the closed forms hold jointly at 95 % (each at
1 - 0.05 / their number); each of CARA's 53 runs agrees by a test of two proportions at 0.05 / 53, and at most 7 of them
differ at 5 % (the 99 % quantile of as many chance events).
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom, chi2, fisher_exact, ncx2
from support.paths import SHARED

from stmgpu.backend import Backend
from stmgpu.backend.cpu import CpuBackend
from stmgpu.errors import InputError
from stmgpu.risk import monte_carlo, montecarlo_kernels, sampling, straight_monte_carlo
from stmgpu.risk.montecarlo import MonteCarlo, binomial_limits
from stmgpu.typing import Floats

DATA = SHARED / "data" / "pc"


def pairs(n: int, seed: int) -> list[Floats]:
    """Pairs near each other on orbits of all sizes and eccentricities to 0.8, fast and slow, with 6x6 covariances."""
    rng = np.random.default_rng(seed)
    columns: list[list[Floats]] = [[] for _ in range(6)]
    for k in range(n):
        r = rng.normal(size=3)
        r *= rng.uniform(6900.0, 42000.0) / np.linalg.norm(r)
        across = np.cross(r, rng.normal(size=3))
        speed = np.sqrt(398600.4418 / np.linalg.norm(r) * rng.uniform(0.9, 1.2 if k % 3 else 1.6))
        v = speed * (across / np.linalg.norm(across) + (0.0 if k % 2 else 0.1) * r / np.linalg.norm(r))
        turned = v + rng.normal(size=3) * (0.0, 0.01, 1e-4)[k % 3]
        if k % 3 == 0:
            turned = -v if k % 2 else v - 2.0 * (v @ across) / (across @ across) * across
        sigmas = np.array([10.0, 40.0, 10.0, 0.03, 0.01, 0.01])
        for place, value in enumerate((r, v, None, r + rng.normal(size=3) * 0.02, turned, None)):
            if value is None:
                shape = rng.normal(size=(6, 6)) * sigmas[:, np.newaxis]
                value = shape @ shape.T
            columns[place].append(value)
    return [*(np.array(x) for x in columns), np.full(n, 60.0)]


_WINDOWS: tuple[dict[str, Any], ...] = ({}, {"start_s": -9000.0, "stop_s": 5000.0})


@cache
def _twin(window: tuple[tuple[str, float], ...]) -> MonteCarlo:
    return monte_carlo(*pairs(18, 1), samples=100, backend="reference", **dict[str, Any](window))


def test_kernel_has_the_hits_of_its_twin(kernel_backend: Backend) -> None:
    """The twin looks at the distance at eight times as many times, and sections its minima."""
    cases = pairs(18, 1)
    for window in _WINDOWS:
        found = monte_carlo(*cases, samples=100, backend=kernel_backend, **window)
        twin = _twin(tuple(window.items()))
        assert found.hits.tolist() == twin.hits.tolist()
        assert (found.unmoved.tolist(), found.low.tolist()) == (twin.unmoved.tolist(), twin.low.tolist())
        assert 100 < found.hits.sum() < 1700


@pytest.mark.slow
def test_twin_with_more_samples() -> None:
    cases = pairs(24, 2)
    window: dict[str, Any] = {"start_s": -30000.0, "stop_s": 20000.0}
    found = monte_carlo(*cases, samples=250, backend="cpu", **window)
    assert found.hits.tolist() == monte_carlo(*cases, samples=250, backend="reference", **window).hits.tolist()


def test_hits_do_not_depend_on_batch_order_part_or_threads(
    kernel_backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = pairs(6, 3)
    found = monte_carlo(*cases, samples=700, seed=2**64 - 1, backend=kernel_backend).hits
    order = np.array([3, 5, 0, 2, 4, 1])
    turned = monte_carlo(*[x[order] for x in cases], samples=700, seed=2**64 - 1, backend=kernel_backend).hits
    assert turned.tolist() == found[order].tolist()
    monkeypatch.setattr(montecarlo_kernels, "_TOGETHER", 512)
    monkeypatch.setattr(montecarlo_kernels, "_EVENTS", 2)
    assert monte_carlo(*cases, samples=700, seed=2**64 - 1, backend=kernel_backend).hits.tolist() == found.tolist()
    assert monte_carlo(*cases, samples=700, seed=1, backend=kernel_backend).hits.tolist() != found.tolist()


def test_hits_on_every_instruction_set_and_number_of_threads(isa: str) -> None:
    cases = pairs(6, 4)
    hits = [
        monte_carlo(*cases, samples=700, backend=backend).hits.tolist()
        for backend in (CpuBackend(2, isa), CpuBackend(1, "scalar"))
    ]
    assert hits[0] == hits[1]


def test_more_samples_and_a_wider_radius_add_hits(kernel_backend: Backend) -> None:
    """The first samples of many are those of few, and radii share their samples."""
    cases = pairs(6, 5)
    hits = [monte_carlo(*cases, samples=n, backend=kernel_backend).hits for n in (250, 500)]
    wide = monte_carlo(*[*cases[:6], 1.5 * cases[6]], samples=250, backend=kernel_backend).hits
    assert (hits[0] <= hits[1]).all()
    assert (hits[0] <= wide).all()
    assert hits[0].sum() < wide.sum()


def test_closed_forms(backend: Backend) -> None:
    """Spheres at rest, and passes: the sum of three or two squares of normal variables, with a round covariance."""
    confidence = 1.0 - 0.05 / 6
    samples = 20_000 if backend.runs_kernels else 2000
    miss = np.array([0.0, 5.0, 30.0])
    options: dict[str, Any] = {"samples": samples, "confidence": confidence, "backend": backend}
    spread = np.diag([10.0**2] * 3 + [0.0] * 3)
    at_rest = straight_monte_carlo(np.outer(miss, [1, 0, 0, 0, 0, 0]), spread, 20.0, 0.0, 1.0, **options)
    _holds(at_rest, ncx2.cdf(4.0, 3, np.maximum((miss / 10.0) ** 2, 1e-12)))
    states = np.outer(miss, [1.0, 0, 0, 0, 0, 0]) + np.array([0, 0, 0, 0, 1e3, 0])
    passing = straight_monte_carlo(states, spread, 20.0, -10.0, 10.0, **options)
    _holds(passing, ncx2.cdf(4.0, 2, np.maximum((miss / 10.0) ** 2, 1e-12)))


def test_a_fast_pass_of_two_bodies(backend: Backend) -> None:
    """At 14 km/s curved orbits are straight."""
    miss = np.array([0.0, 0.02, 0.05])
    r = np.tile([7000.0, 0.0, 0.0], (3, 1))
    spread = np.diag([15.0**2] * 3 + [1e-8] * 3)
    found = monte_carlo(
        r,
        np.array([[0.0, 7.0, 2.7]]),
        spread,
        r + np.outer(miss, [1.0, 0.0, 0.0]),
        np.array([[0.0, -7.0, 2.7]]),
        spread,
        30.0,
        samples=20_000 if backend.runs_kernels else 1000,
        confidence=1.0 - 0.05 / 3,
        backend=backend,
    )
    _holds(found, ncx2.cdf(30.0**2 / 450.0, 2, np.maximum((1e3 * miss) ** 2 / 450.0, 1e-12)))
    assert (found.stop_s - found.start_s < 1.0).all()


def _holds(found: MonteCarlo, exact: Floats) -> None:
    assert (found.lower <= exact).all(), (found.lower, exact)
    assert (exact <= found.upper).all(), (found.upper, exact)


def _alfano() -> tuple[list[dict[str, Any]], list[Floats]]:
    file = DATA / "alfano2009_cases.json"
    if not file.is_file():
        pytest.skip("the shared data are not beside this checkout (../shared/data/pc)")
    cases = json.loads(file.read_text())["cases"]
    columns: list[list[Floats]] = [[] for _ in range(6)]
    for case in cases:
        for k in (1, 2):
            r, v, c = (np.array(case["at_tca"][f"{name}{k}_{unit}"], float) for name, unit in _NAMES)
            axes = np.kron(np.eye(2), _axes(r, v))
            own = axes.T @ c @ axes
            for place, value in enumerate((1e-3 * r, 1e-3 * v, 0.5 * (own + own.T))):
                columns[3 * (k - 1) + place].append(value)
    return cases, [*(np.array(x) for x in columns), np.array([float(case["HBR_m"]) for case in cases])]


_NAMES = (("r", "m"), ("v", "mps"), ("C", "m"))


def _axes(r: Floats, v: Floats) -> Floats:
    radial, normal = r / np.linalg.norm(r), np.cross(r, v) / np.linalg.norm(np.cross(r, v))
    return np.stack([radial, np.cross(normal, radial), normal], axis=1)


@pytest.mark.parametrize("samples", [10_000, pytest.param(400_000, marks=pytest.mark.slow)])
def test_alfanos_cases(samples: int) -> None:
    """S. Alfano, AAS 09-233 (2009), 1e8 samples of each case, over the published time on both sides of the approach.

    The windows of cases 11 and 12 are not published with the data. Over [0, t] this code finds 0.00325 for both, Alfano
    0.00333 and 0.00256; over [-t, t] 0.00435, of which 0.00192 are inside at the start, Alfano's 0.00192.
    """
    cases, columns = _alfano()
    limit = np.array([case["final_time_s"] for case in cases], float)
    published = np.array([case["Pc_MC_1e8"] for case in cases])
    options: dict[str, Any] = {"samples": samples, "confidence": 1.0 - 0.05 / 12, "backend": "cpu"}
    found = monte_carlo(*columns, start_s=-limit, stop_s=limit, **options)
    held = (found.lower <= published) & (published <= found.upper)
    assert held[:10].all(), found.probability
    assert found.probability[10:] == pytest.approx([0.00433, 0.00437], abs=4.0 * (0.00435 / samples) ** 0.5)
    inside = monte_carlo(*columns, start_s=-limit, stop_s=-limit, **options)
    for k in (8, 10):
        assert inside.lower[k] <= cases[k]["inst_prob"] <= inside.upper[k]


@pytest.mark.parametrize("samples", [5000, pytest.param(150_000, marks=pytest.mark.slow)])
def test_caras_runs(samples: int) -> None:
    """53 messages, of which NASA CARA sampled up to 4e9 pairs each."""
    file = DATA / "cara_53_cdms.json"
    if not file.is_file():
        pytest.skip("the shared data are not beside this checkout (../shared/data/pc)")
    cases = json.loads(file.read_text())["cases"]
    columns = [
        np.array([np.array(case[key][name], float) for case in cases])
        for key in ("obj1", "obj2")
        for name in ("r_km", "v_kms", "C_RTN_m")
    ]
    radius = np.array([float(case["HBR_m"]) for case in cases])
    found = monte_carlo(*[*columns, radius], samples=samples, backend="cpu")
    assert found.unmoved.sum() == 0
    chance = []
    for hits, case in zip(found.hits.tolist(), cases, strict=True):
        theirs, of = case["expected"]["NhitSDMC"], case["expected"]["NtotSDMC"]
        chance.append(float(fisher_exact([[hits, samples - hits], [theirs, of - theirs]]).pvalue))
    assert min(chance) > 0.05 / 53, chance
    assert sum(p < 0.05 for p in chance) <= 7


def test_a_longer_window_finds_no_hits_that_the_encounter_does_not_have() -> None:
    """The default window holds all of a fast encounter."""
    cases = [x[::3] for x in pairs(30, 6)]
    short = monte_carlo(*cases, samples=2000, backend="cpu")
    around = monte_carlo(*cases, samples=2000, start_s=-900.0, stop_s=900.0, backend="cpu")
    assert (short.stop_s - short.start_s < 60.0).all()
    assert short.hits.tolist() == around.hits.tolist()


def test_singular_covariances(backend: Backend) -> None:
    """Without any uncertainty a sample hits or does not; along one line the integral is that of one normal variable."""
    r1, v1, _, r2, v2, _, _ = (x[:1] for x in pairs(1, 7))
    distance = 1e3 * np.linalg.norm(r1 - r2)
    none = np.zeros((1, 6, 6))
    options: dict[str, Any] = {"samples": 64, "start_s": 0.0, "stop_s": 0.0, "backend": backend}
    sure = monte_carlo(r1, v1, none, r2, v2, none, distance * np.array([0.999, 1.001, 0.0, np.inf]), **options)
    assert sure.hits.tolist() == [0, 64, 0, 64]
    needle = np.zeros((6, 6))
    needle[0, 0] = 400.0
    state = [0.0, 6.0, 0.0, 0.0, 0.0, 0.0]
    found = straight_monte_carlo(state, needle, 10.0, 0.0, 0.0, samples=2000, confidence=0.999, backend=backend)
    assert found.lower[0] <= chi2.cdf(64.0 / 400.0, 1) <= found.upper[0]


def test_what_cannot_be_sampled_has_no_probability(backend: Backend) -> None:
    cases = pairs(6, 8)
    cases[0][0, 0] = np.nan
    cases[2][1, 0, 1] = cases[2][1, 1, 0] = np.nan
    cases[2][2, 0, 0] = -1.0
    cases[4][3] *= 2.0  # escapes
    cases[6][4] = np.nan
    found = monte_carlo(*cases, samples=20, backend=backend)
    expected = [sampling.NOT_FINITE] * 2 + [sampling.NOT_POSITIVE, sampling.NOT_MOVED, sampling.NOT_FINITE, 0]
    assert found.flags.tolist() == expected
    for values in (found.probability, found.lower, found.upper):
        assert np.isnan(values).tolist() == [True] * 5 + [False]
    assert found.hits[:5].tolist() == [0] * 5


def test_samples_that_escape_widen_the_limits(backend: Backend) -> None:
    r1, v1, c1, r2, v2, c2, radius = (x[:1].copy() for x in pairs(1, 9))
    c1[:, 3:, 3:] += np.eye(3) * 2.5e6
    found = monte_carlo(r1, v1, c1, r2, v2, c2, radius, samples=500, start_s=-1.0, stop_s=1.0, backend=backend)
    assert 10 < found.unmoved[0] < 490
    assert found.low[0] > 10
    assert found.upper[0] == binomial_limits(found.hits + found.unmoved, 500)[1][0]
    assert found.lower[0] == binomial_limits(found.hits, 500)[0][0]


def test_limits() -> None:
    """Beyond the limits the seen number of hits has a chance of half of what is left to the confidence."""
    lower, upper = binomial_limits([3, 40, 0, 90], [90, 90, 90, 90], 0.9)
    assert binom.sf(np.array([2, 39]), 90, lower[:2]) == pytest.approx(0.05)
    assert binom.cdf([3, 40], 90, upper[:2]) == pytest.approx(0.05)
    assert (lower[2], upper[3]) == (0.0, 1.0)
    assert upper[2] == pytest.approx(1.0 - 0.05 ** (1 / 90))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"samples": 0}, "samples must be a whole number of 1 or more"),
        ({"samples": 10**13}, "samples is 10000000000000, allowed are at most 1000000000000"),
        ({"seed": 2**64}, r"seed must be a whole number from 0 to 2\^64 - 1"),
        ({"confidence": 1.0}, "confidence is 1.0, allowed are numbers between 0 and 1"),
        ({"start_s": 5.0, "stop_s": 4.0}, "a window starts at 5 s and stops at 4 s"),
        ({"covariance_1": np.arange(36.0).reshape(6, 6)}, "covariance_1 is not symmetric at encounter 0"),
        ({"covariance_2": np.eye(3)}, r"covariance_2 must have the shape \(n, 6, 6\)"),
        ({"radius_m": np.ones(3)}, r"one number of encounters, got \[2, 3\]"),
    ],
)
def test_wrong_arguments_are_named(change: dict[str, Any], message: str) -> None:
    names = ("position_1_km", "velocity_1_km_s", "covariance_1", "position_2_km", "velocity_2_km_s", "covariance_2")
    given: dict[str, Any] = dict(zip((*names, "radius_m"), pairs(2, 10), strict=True)) | {"samples": 10}
    with pytest.raises(InputError, match=message):
        monte_carlo(**(given | change), backend="reference")
