"""Mean-field rates by kernels: against their twin in NumPy, and bytes that nothing changes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from stmgpu.backend import Backend
from stmgpu.backend.cpu import CpuBackend, usable_levels
from stmgpu.constants import EARTH
from stmgpu.debris.collisions import mean_field_kernels
from stmgpu.debris.collisions.mean_field import MeanField, mean_field
from stmgpu.errors import CapacityError

RESULTS = ("rate", "catastrophic_rate", "fragment_rate", "shell_catastrophic", "shell_cratering")
COLUMNS = ("weight", "controlled", "length_m", "intact", "avoided", "constellation")


def population(seed: int, n: int = 400) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Objects of all sizes on orbits of all kinds, some of them outside of all shells."""
    rng = np.random.default_rng(seed)
    perigee = EARTH.radius_km + rng.uniform(100.0, 2200.0, n)
    apogee = perigee + rng.choice([0.0, 1e-6, 1.0, 100.0, 3000.0, 40_000.0], n) * rng.uniform(0.0, 1.0, n)
    a, e = 0.5 * (perigee + apogee), (apogee - perigee) / (apogee + perigee)
    radius = 10.0 ** rng.uniform(-2.0, 1.2, n)
    columns = (a, e, rng.uniform(0.0, np.pi, n), radius, radius**2.3 * rng.uniform(20.0, 200.0, n))
    active = rng.random(n) < 0.3
    settings = {
        "weight": rng.choice([0.0, 0.3, 1.0, 4.0], n, p=[0.05, 0.3, 0.6, 0.05]),
        "controlled": active,
        "length_m": 2.0 * radius,
        "intact": radius > 0.5,
        "avoided": np.where(rng.random(n) < 0.1, 0.2, 1.0),
        "constellation": np.where(active, rng.integers(-1, 3, n), -1),
        "avoidance": 0.1,
        "avoidance_both": 0.05,
        "edges_km": EARTH.radius_km + np.array([180.0, 300.0, 310.0, 655.5, 900.0, 2000.0]),
    }
    return columns, settings


def agree(found: MeanField, expected: MeanField) -> None:
    for name in RESULTS:
        ours, theirs = getattr(found, name), getattr(expected, name)
        np.testing.assert_allclose(ours, theirs, rtol=1e-7, atol=1e-11 * theirs.max(), err_msg=name)
    for name in ("total", "total_catastrophic", "total_without_avoidance"):
        assert getattr(found, name) == pytest.approx(getattr(expected, name), rel=1e-10)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_kernels_against_numpy(seed: int, kernel_backend: Backend) -> None:
    columns, settings = population(seed)
    agree(mean_field(*columns, **settings, backend=kernel_backend), mean_field(*columns, **settings))
    plain = {"weight": settings["weight"]}
    agree(mean_field(*columns, **plain, backend=kernel_backend), mean_field(*columns, **plain))


@pytest.mark.slow
@pytest.mark.skipif(not usable_levels(), reason="the kernels were not compiled here")
def test_the_bytes_do_not_depend_on_threads_or_the_instruction_set() -> None:
    columns, settings = population(9, 1000)
    expected = mean_field(*columns, **settings, backend=CpuBackend(1, "scalar"))
    for level in usable_levels():
        for threads in (1, 4):
            found = mean_field(*columns, **settings, backend=CpuBackend(threads, level))
            assert all((getattr(found, name) == getattr(expected, name)).all() for name in RESULTS)


@pytest.mark.slow
def test_the_order_of_rows_changes_nothing_but_rounding(kernel_backend: Backend) -> None:
    columns, settings = population(10)
    order = np.random.default_rng(0).permutation(len(columns[0]))
    shuffled = settings | {name: settings[name][order] for name in COLUMNS}
    found = mean_field(*(c[order] for c in columns), **shuffled, backend=kernel_backend)
    expected = mean_field(*columns, **settings, backend=kernel_backend)
    np.testing.assert_allclose(found.rate, expected.rate[order], rtol=1e-12)


def test_who_is_alone_meets_nobody(kernel_backend: Backend) -> None:
    one = ([7178.0], [0.01], [1.2], [1.0], [800.0])
    assert mean_field(*one, backend=kernel_backend).total == 0.0
    assert mean_field(*one, weight=[2.0], backend=kernel_backend).total == pytest.approx(
        mean_field(*one, weight=[2.0]).total
    )
    assert mean_field(*one, weight=[0.0], backend=kernel_backend).total == 0.0
    far = ([42_164.0] * 2, [0.0] * 2, [0.1] * 2, [1.0] * 2, [800.0] * 2)
    assert mean_field(*far, backend=kernel_backend).total == 0.0
    assert mean_field(*([],) * 5, backend=kernel_backend).total == 0.0


def test_too_many_parties(kernel_backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    columns, settings = population(11, 20)
    settings["avoided"] = np.linspace(0.1, 0.9, len(columns[0]))
    agree(mean_field(*columns, **settings, backend=kernel_backend), mean_field(*columns, **settings))
    monkeypatch.setattr(mean_field_kernels, "MAX_BYTES", 1 << 16)
    with pytest.raises(CapacityError, match="parties that avoid each other differently are too many"):
        mean_field(*columns, **settings, backend=kernel_backend)
