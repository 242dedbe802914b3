"""Rate of entries into a sphere: against its definition, closed forms, the twin, and what is inside."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from scipy.special import erfc

from stmgpu.backend import Backend, get_backend
from stmgpu.risk import rate3d_kernels, rate3d_reference
from stmgpu.risk.dwell import entry_rates, inside_probability, moved
from stmgpu.typing import Floats

Case = tuple[Floats, Floats, Floats]


def _random(n: int, seed: int, narrow: float) -> Case:
    """States near spheres of 1 to 30 m with smallest sigmas of radius/narrow, from docked to 3 km/s."""
    rng = np.random.default_rng(seed)
    radius = 10.0 ** rng.uniform(0.0, 1.5, n)
    axes = np.linalg.qr(rng.normal(size=(n, 3, 3)))[0]
    sigma = radius[:, np.newaxis] / narrow * 10.0 ** rng.uniform(0.0, 3.0, (n, 3))
    sigma[:, 0] = radius / narrow
    a = np.einsum("nij,nj,nkj->nik", axes, sigma**2, axes)
    gain = rng.normal(size=(n, 3, 3)) * 10.0 ** rng.uniform(-5.0, -2.0, (n, 1, 1))
    root = rng.normal(size=(n, 3, 3)) * 10.0 ** rng.uniform(-4.0, 1.0, (n, 1, 1))
    covariance = np.empty((n, 6, 6))
    covariance[:, :3, :3], covariance[:, 3:, :3] = a, gain @ a
    covariance[:, :3, 3:] = covariance[:, 3:, :3].transpose(0, 2, 1)
    covariance[:, 3:, 3:] = root @ root.transpose(0, 2, 1) + gain @ a @ gain.transpose(0, 2, 1)
    towards = rng.normal(size=(n, 3))
    towards *= (radius * rng.uniform(0.0, 1.5, n) / np.linalg.norm(towards, axis=1))[:, np.newaxis]
    r = towards + np.einsum("nij,nj->ni", axes, sigma * rng.normal(size=(n, 3)) * rng.uniform(0.0, 2.0, (n, 1)))
    v = rng.normal(size=(n, 3)) * 10.0 ** rng.uniform(-2.0, 3.0, (n, 1))
    return np.hstack([r, v]), covariance, radius


def _rate(case: Case, backend: Backend | str, tolerance: float = 1e-7) -> Floats:
    runner = get_backend(backend) if isinstance(backend, str) else backend
    return entry_rates(*case, tolerance=tolerance, backend=runner)[0]


@cache
def _known(n: int, narrow: float) -> tuple[Case, Floats]:
    """States and their rates by the twin."""
    case = _random(n, int(10 * narrow), narrow)
    return case, rate3d_reference.rates(*case, 1e-7, patches=max(20, int(3 * narrow)))[0]


@pytest.mark.parametrize("narrow", [0.1, 1.0, 4.0, pytest.param(20.0, marks=pytest.mark.slow)])
def test_kernel_agrees_with_its_twin(kernel_backend: Backend, narrow: float) -> None:
    """From discs far smaller than the sigmas to needles on the sphere; the rate of entries is right to 1e-6."""
    case, expected = _known(6, narrow)
    np.testing.assert_allclose(_rate(case, kernel_backend), expected, rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("narrow", [0.01, 0.3, 2.0, 8.0, 30.0])
def test_kernel_agrees_with_its_twin_widely(narrow: float) -> None:
    case, expected = _known(30 if narrow < 10.0 else 6, narrow)
    np.testing.assert_allclose(_rate(case, "cpu"), expected, rtol=1e-6)


@pytest.mark.parametrize("narrow", [0.1, 1.0, 4.0])
def test_lenient_rates_agree_with_their_twin(kernel_backend: Backend, narrow: float) -> None:
    """With fewer meridians, and narrow kinks only through their areas."""
    case, expected = _known(6, narrow)
    np.testing.assert_allclose(_rate(case, kernel_backend, 1e-5), expected, rtol=1e-5)


def test_a_front_with_a_narrow_kink(kernel_backend: Backend) -> None:
    """Three metres a second to an eighth of it against a spread of 1 cm/s: the same with the kink and without it."""
    state, covariance, radius = _random(8, 21, 2.0)
    state[:, 3:] *= (10.0 ** np.linspace(-1.0, 0.5, 8) / np.linalg.norm(state[:, 3:], axis=1))[:, np.newaxis]
    covariance[:, 3:, :3] = covariance[:, :3, 3:] = 0.0
    covariance[:, 3:, 3:] = 1e-4 * np.eye(3)
    exact = _rate((state, covariance, radius), kernel_backend, 1e-8)
    np.testing.assert_allclose(_rate((state, covariance, radius), kernel_backend, 1e-5), exact, rtol=1e-5)


def test_a_velocity_that_changes_across_the_sphere(kernel_backend: Backend) -> None:
    """Inflow on both sides of what moves apart: leaders and followers, whose mean relative velocity is nearly zero."""
    state, covariance, radius = _random(3, 22, 3.0)
    gain = 0.1 * np.diag([-1.0, 0.3, 0.8]) / radius[:, np.newaxis, np.newaxis]
    covariance[:, 3:, :3] = gain @ covariance[:, :3, :3]
    covariance[:, :3, 3:] = covariance[:, 3:, :3].transpose(0, 2, 1)
    covariance[:, 3:, 3:] = covariance[:, 3:, :3] @ gain.transpose(0, 2, 1) + 1e-4 * np.eye(3)
    state[:, :3] *= 0.1
    state[:, 3:] = [1e-3, 2e-3, -1e-3]
    expected = rate3d_reference.rates(state, covariance, radius, 1e-7, patches=20)[0]
    np.testing.assert_allclose(_rate((state, covariance, radius), kernel_backend), expected, rtol=2e-6)


def test_against_the_definition(backend: Backend) -> None:
    """The integral in the axes of the states, on so many points that a rule does not matter."""
    states, covariances, radii = case = _random(2, 3, 0.7)
    states[:, 3:] *= 3.0 / np.linalg.norm(states[:, 3:], axis=1, keepdims=True)
    z, weights = np.polynomial.legendre.leggauss(600)
    phi = 2.0 * np.pi * np.arange(200) / 200.0
    flat = np.sqrt(1.0 - z * z)
    n = np.stack([np.outer(flat, np.cos(phi)), np.outer(flat, np.sin(phi)), np.outer(z, 0.0 * phi + 1.0)], axis=-1)
    expected = []
    for state, covariance, radius in zip(states, covariances, radii, strict=True):
        inverse = np.linalg.inv(covariance[:3, :3])
        gain = covariance[3:, :3] @ inverse
        left = covariance[3:, 3:] - gain @ covariance[:3, 3:]
        off = radius * n - state[:3]
        v = (n * (state[3:] + off @ gain.T)).sum(axis=-1)
        s = np.sqrt((n @ left * n).sum(axis=-1))
        nu = s / np.sqrt(2.0 * np.pi) * np.exp(-0.5 * (v / s) ** 2) - 0.5 * v * erfc(v / s / np.sqrt(2.0))
        density = np.exp(-0.5 * (off @ inverse * off).sum(axis=-1)) * np.sqrt(np.linalg.det(inverse / (2.0 * np.pi)))
        expected.append(radius**2 * 2.0 * np.pi * (weights @ (density * nu).mean(axis=1)))
    np.testing.assert_allclose(_rate(case, backend), expected, rtol=2e-6)


def test_closed_form_of_a_cloud(backend: Backend) -> None:
    """Round clouds without mean velocity: R^2 s / sqrt(2 pi) times the mean density on the sphere."""
    distance, sigma, radius, speed = np.array([0.5, 3.0, 20.0, 70.0]), 8.0, 10.0, 0.2
    states = np.zeros((4, 6))
    states[:, 1] = distance
    covariance = np.repeat(np.diag([sigma**2] * 3 + [speed**2] * 3)[np.newaxis], 4, axis=0)
    x = radius * distance / sigma**2
    density = (
        np.exp(-0.5 * (radius**2 + distance**2) / sigma**2) * np.sinh(x) / x / np.sqrt(2.0 * np.pi * sigma**2) ** 3
    )
    expected = 4.0 * np.pi * radius**2 * density * speed / np.sqrt(2.0 * np.pi)
    np.testing.assert_allclose(_rate((states, covariance, np.full(4, radius)), backend), expected, rtol=1e-7)


def test_entries_less_exits_change_the_probability_inside(kernel_backend: Backend) -> None:
    """Exits are the entries of the motion backwards; their difference is what the probability inside gains."""
    for narrow in (0.5, 3.0, 30.0):
        states, covariances, radii = _random(12, 7, narrow)
        step = 1e-4 * radii / narrow / np.linalg.norm(states[:, 3:], axis=1)
        at = [
            inside_probability(*moved(states, covariances, t), radii, backend=kernel_backend)[0] for t in (-step, step)
        ]
        mirror = np.array([1.0, 1.0, 1.0, -1.0, -1.0, -1.0])
        back = (states * mirror, covariances * np.outer(mirror, mirror), radii)
        entries, exits = _rate((states, covariances, radii), kernel_backend), _rate(back, kernel_backend)
        np.testing.assert_allclose(
            (entries - exits) * 2.0 * step, at[1] - at[0], atol=1e-6 * float(np.max(entries * step)), rtol=1e-5
        )


def test_independent_of_order_batch_and_instruction_set(isa: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from stmgpu.backend.cpu import CpuBackend

    case = _random(50, 9, 3.0)
    expected = _rate(case, CpuBackend())
    monkeypatch.setenv("STMGPU_ISA", isa)
    backend = CpuBackend()
    order = np.random.default_rng(1).permutation(50)
    states, covariances, radii = (x[order] for x in case)
    assert np.array_equal(_rate((states, covariances, radii), backend), expected[order])
    alone = [_rate((states[k : k + 1], covariances[k : k + 1], radii[k : k + 1]), backend)[0] for k in range(3)]
    assert np.array_equal(alone, expected[order][:3])


def test_nothing_moves(backend: Backend) -> None:
    """Without velocity and its spread nothing enters; with velocity alone only the front is entered."""
    covariance = np.zeros((2, 6, 6))
    covariance[:, :3, :3] = 25.0 * np.eye(3)
    states = np.array([[4.0, 0, 0, 0, 0, 0], [0, 0, 0, 2.0, 0, 0]])
    found = _rate((states, covariance, np.full(2, 3.0)), backend)
    assert found[0] == 0.0
    front = 2.0 * np.pi * 9.0 * 0.5 * 2.0 * np.exp(-9.0 / 50.0) / np.sqrt(2.0 * np.pi * 25.0) ** 3
    np.testing.assert_allclose(found[1], front, rtol=1e-6)


def test_flat_covariances_are_clipped(backend: Backend) -> None:
    covariance = np.zeros((1, 6, 6))
    covariance[0, 0, 0], covariance[0, 3:, 3:] = 100.0, np.eye(3)
    state = np.array([[5.0, 0.0, 0.0, 1.0, 0.0, 0.0]])
    module = rate3d_kernels if backend.runs_kernels else rate3d_reference
    arguments = {"backend": backend} if backend.runs_kernels else {}
    found, flags = module.rates(state, covariance, np.array([10.0]), 1e-4, **arguments)
    assert flags.tolist() == [rate3d_kernels.CLIPPED]
    wider = covariance.copy()
    wider[0, 1, 1] = wider[0, 2, 2] = (rate3d_kernels.CLIP * 10.0) ** 2
    np.testing.assert_allclose(found, module.rates(state, wider, np.array([10.0]), 1e-4, **arguments)[0], rtol=1e-12)
