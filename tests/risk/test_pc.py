"""Collision probability of the encounter plane: against mpmath, closed forms, the twin and its own properties."""

from __future__ import annotations

import json

import numpy as np
import pytest
from support.paths import SHARED
from support.scripts import script

from stmgpu.backend import Backend
from stmgpu.risk import plane_probability
from stmgpu.risk.pc_kernels import PAD, SMOOTH
from stmgpu.typing import Floats

mpmath = pytest.importorskip("mpmath")

GRID = SHARED / "data" / "pc" / "pc_truth_grid.json"


_SCRIPT = script("plane_probability")


def _exact(cases: tuple[Floats, ...]) -> Floats:
    """The integral at 30 digits."""
    with mpmath.workdps(_SCRIPT.DIGITS):
        return np.array([_SCRIPT.exact(*case) for case in zip(*(x.tolist() for x in cases), strict=True)])


def _random(n: int, seed: int) -> tuple[Floats, ...]:
    """Discs of 1e-5 to 100 sigmas, aspect ratios to 1e4, misses to 10 sigmas; a third has the mean on the rim."""
    cases: tuple[Floats, ...] = _SCRIPT.draw(n, seed)
    return cases


def _check(found: Floats, exact: Floats) -> None:
    """The tolerances of :func:`stmgpu.risk.plane_probability`; below 1e-300 nothing is asked."""
    kept = exact > 1e-300
    error = np.abs(found[kept] / exact[kept] - 1.0)
    allowed = np.where(exact[kept] < 1e-20, 1e-11, 1e-12)
    worst = int(np.argmax(error / allowed))
    assert (error < allowed).all(), f"{error[worst]:.2e} at a probability of {exact[kept][worst]:.2e}"


def test_against_mpmath(backend: Backend) -> None:
    cases = _random(9, 1)
    _check(plane_probability(*cases, backend=backend), _exact(cases))


@pytest.mark.slow
def test_against_mpmath_widely() -> None:
    cases = _random(24, 2)
    _check(plane_probability(*cases, backend="cpu"), _exact(cases))


def test_against_the_grid_of_known_values(kernel_backend: Backend) -> None:
    if not GRID.is_file():
        pytest.skip("the shared data are not beside this checkout (../shared/data/pc)")
    cases = json.loads(GRID.read_text())["cases"]
    columns = [np.array([float(case[name]) for case in cases]) for name in ("xm", "ym", "sx", "sy", "R", "Pc")]
    _check(plane_probability(*columns[:5], backend=kernel_backend), columns[5])


def test_kernels_agree_with_their_twin(kernel_backend: Backend) -> None:
    """All classes of discs, on both sides of every limit between the rules."""
    n = 300
    rng = np.random.default_rng(3)
    limits = np.resize([limit for limit, *_ in SMOOTH], n)
    miss = rng.uniform(0, 6, n)
    radius = limits / (1.0 + miss) * rng.choice([0.2, 0.999999, 1.000001], n)
    cases = (rng.uniform(0, 1, n) * miss, miss, np.ones(n), np.ones(n), radius)
    found = plane_probability(*cases, backend=kernel_backend)
    np.testing.assert_allclose(found, plane_probability(*cases, backend="reference"), rtol=1e-12)


def test_closed_form_of_a_centred_disc(backend: Backend) -> None:
    radius = np.geomspace(1e-6, 8.0, 40)
    exact = -np.expm1(-0.5 * radius**2)
    np.testing.assert_allclose(plane_probability(0, 0, 1, 1, radius, backend=backend), exact, rtol=1e-13)


def test_independent_of_order_axes_and_units(kernel_backend: Backend) -> None:
    """The same bytes in any order and with the axes swapped; units change no more than rounding."""
    cases = _random(200, 4)
    found = plane_probability(*cases, backend=kernel_backend)
    order = np.random.default_rng(5).permutation(200)
    assert np.array_equal(plane_probability(*(x[order] for x in cases), backend=kernel_backend), found[order])
    xm, zm, sx, sz, radius = cases
    assert np.array_equal(plane_probability(-zm, xm, sz, sx, radius, backend=kernel_backend), found)
    one = [plane_probability(*(float(x[k]) for x in cases), backend=kernel_backend) for k in range(PAD + 1)]
    assert np.array_equal(one, found[: PAD + 1])
    scaled = plane_probability(*(x * 1e-3 for x in cases), backend=kernel_backend)
    np.testing.assert_allclose(scaled, found, rtol=1e-11, atol=1e-300)


def test_grows_with_the_radius_and_stays_a_probability(kernel_backend: Backend) -> None:
    radius = np.geomspace(1e-3, 1e4, 400)
    for xm, zm, sx in ((0.0, 0.0, 1.0), (3.0, 2.0, 2.0), (50.0, 8.0, 1e3), (4.0, 0.0, 50.0)):
        found = plane_probability(xm, zm, sx, 1.0, radius, backend=kernel_backend)
        assert (found >= 0.0).all()
        assert (found <= 1.0).all()
        assert (np.diff(found) >= -1e-12).all()


def test_same_bytes_on_every_instruction_set(isa: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from stmgpu.backend.cpu import CpuBackend

    cases = _random(200, 6)
    expected = plane_probability(*cases, backend=CpuBackend())
    monkeypatch.setenv("STMGPU_ISA", isa)
    assert np.array_equal(plane_probability(*cases, backend=CpuBackend()), expected)


def test_what_has_no_probability(backend: Backend) -> None:
    nan, inf = np.nan, np.inf
    found = plane_probability(
        [1, 1, 1, 1, 1, nan, inf, 1],
        1.0,
        [1, 1, 1, 0, inf, 1, 1, 1],
        [1, 1, 1, 1, 1, 1, 1, -1],
        [0, -5, inf, 1, 1, 1, 1, 1],
        backend=backend,
    )
    assert found.tolist()[:3] == [0.0, 0.0, 1.0]
    assert np.isnan(found[3:]).all()
    assert plane_probability([], 1, 1, 1, 1, backend=backend).shape == (0,)
    assert plane_probability(0, 0, 1, 1, 1, backend=backend).shape == ()
    assert np.isnan(plane_probability(0, 0, 1, 1, nan, backend=backend))
