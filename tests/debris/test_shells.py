"""Altitude shells: edges, shares of the period, volumes, division."""

from __future__ import annotations

import numpy as np
import pytest

from stmgpu.debris.shells import (
    SHELL_EDGES_KM,
    SHELL_RADII_KM,
    WIDE_SHELL_RADII_KM,
    checked_edges,
    divide_shells,
    fine_shell_radii_km,
    shell_of,
    shell_shares,
    shell_volumes,
)
from stmgpu.errors import InputError


def test_shells_of_altitudes() -> None:
    inside = 0.5 * (SHELL_EDGES_KM[:-1] + SHELL_EDGES_KM[1:])
    assert shell_of(inside).tolist() == list(range(36))
    assert shell_of(np.array([-1.0, 199.999, 2000.0, np.inf])).tolist() == [-1] * 4


def test_all_sets_of_edges_agree() -> None:
    np.testing.assert_array_equal(WIDE_SHELL_RADII_KM[1:-1], SHELL_RADII_KM)
    np.testing.assert_allclose(fine_shell_radii_km(5)[::5], SHELL_RADII_KM, rtol=1e-15)


def test_shares_of_a_period_add_up_to_one() -> None:
    rng = np.random.default_rng(3)
    shares = shell_shares(rng.uniform(7000.0, 8000.0, 50), rng.uniform(0.0, 0.05, 50), [1000.0, 7100.0, 7900.0, 2e4])
    np.testing.assert_allclose(shares.sum(axis=1), 1.0, rtol=1e-14)


def test_division_keeps_edges_and_volumes() -> None:
    edges = np.array([7000.0, 7030.0, 7075.0])
    thin, shell = divide_shells(edges, 10.0)
    assert shell.tolist() == [0] * 3 + [1] * 5
    assert np.diff(thin).max() <= 10.0 + 1e-9
    assert set(edges) <= set(thin)
    np.testing.assert_allclose(np.bincount(shell, shell_volumes(thin)), shell_volumes(edges))


@pytest.mark.parametrize("edges", [[7000.0], [7000.0, 7000.0], [[6900.0, 7000.0]]])
def test_edges_must_increase(edges: list[float]) -> None:
    with pytest.raises(InputError, match="in increasing order"):
        checked_edges(edges)
