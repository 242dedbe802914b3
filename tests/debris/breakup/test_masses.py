"""Masses of the pieces of a breakup."""

from __future__ import annotations

import numpy as np

from stmgpu.debris.breakup.masses import limit_masses


def test_overdraw_is_cut_from_the_top() -> None:
    mass = np.array([1.0, 5.0, 2.0, 9.0])
    np.testing.assert_allclose(limit_masses(mass, 12.0), [1.0, 4.5, 2.0, 4.5])
    np.testing.assert_allclose(limit_masses(mass, 2.0), [0.5, 0.5, 0.5, 0.5])
    np.testing.assert_array_equal(limit_masses(mass, 17.0), mass)
