"""Brouwer's axis from the axes of sources, against SGP4, which converts the one and adds the short-period terms."""

from __future__ import annotations

import numpy as np
import pytest
from sgp4.api import WGS72 as SGP4_WGS72
from sgp4.api import Satrec

from stmgpu.catalog.orbits import semi_major_axis_km
from stmgpu.constants import WGS72
from stmgpu.debris.population.mean_axis import axis_of_kozai, axis_of_osculating
from stmgpu.propagate.kepler import elements_of


def satrec(ecc: float, inc_deg: float) -> Satrec:
    made = Satrec()
    made.sgp4init(SGP4_WGS72, "i", 1, 27000.0, 0.0, 0.0, 0.0, ecc, 0.3, np.radians(inc_deg), 0.5, 0.0627, 0.7)
    return made


@pytest.mark.parametrize("ecc", [0.001, 0.1, 0.6])
@pytest.mark.parametrize("inc_deg", [0.5, 54.7, 98.6, 140.0])
def test_axis_of_kozai(ecc: float, inc_deg: float) -> None:
    one = satrec(ecc, inc_deg)
    kozai, truth = semi_major_axis_km(np.array([one.no_kozai])), one.a * WGS72.radius_km
    found = axis_of_kozai(kozai, np.array([ecc]), np.radians([inc_deg]))
    assert found == pytest.approx(truth, abs=1e-4)
    if ecc < 0.01 and inc_deg > 90.0:
        assert abs(kozai[0] - truth) > 1.0


@pytest.mark.parametrize("inc_deg", [0.5, 54.7, 98.6])
def test_axis_of_states(inc_deg: float) -> None:
    """A revolution of states: their axes swing by 18 km at 98.6 degrees, what is left by less than 0.1 km."""
    one = satrec(0.002, inc_deg)
    states = [one.sgp4_tsince(minutes)[1:] for minutes in np.linspace(0.0, 100.0, 21)]
    r, v = (np.array(x) for x in zip(*states, strict=True))
    a, e, i, _, argp, mean = elements_of(r, v, mu_km3_s2=398600.8)
    true = mean + 2.0 * e * np.sin(mean)
    found = axis_of_osculating(a, e, i, argp + true, np.linalg.norm(r, axis=1))
    truth = one.a * WGS72.radius_km
    assert np.abs(found - truth).max() < 0.1
    if inc_deg > 90.0:
        assert np.ptp(a) > 15.0
