"""Gabbard diagrams: apogee, perigee and period of fragments."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from support import ensembles

import stmgpu as stm
from stmgpu.constants import EARTH
from stmgpu.debris.breakup import Body, collision
from stmgpu.debris.variables import FINAL
from stmgpu.errors import InputError
from stmgpu.plot import gabbard


@pytest.fixture(scope="module")
def with_finals(study: xr.Dataset) -> xr.Dataset:
    """Ten fragments of breakup 7 in run 1, six of breakup 9 in run 2, five objects that were there before."""
    cause = np.repeat([-7, -9, 0], [10, 6, 5])
    columns: dict[str, object] = {name: np.zeros(21) for name in FINAL}
    columns |= {"cause": cause, "run": np.repeat([1, 2, 1], [10, 6, 5]), "scenario": np.zeros(21, int)}
    columns |= {"a_km": 7000.0 + 10.0 * np.arange(21), "ecc": 0.001 * np.arange(21)}
    return study.assign({f"final_{name}": ("object", values) for name, values in columns.items()})


def _expected(a_km: np.ndarray, ecc: np.ndarray) -> tuple[np.ndarray, ...]:
    period = 2.0 * np.pi * np.sqrt(a_km**3 / EARTH.mu_km3_s2) / 60.0
    return period, a_km * (1.0 + ecc) - EARTH.radius_km, a_km * (1.0 - ecc) - EARTH.radius_km


def test_the_breakup_with_most_fragments_in_orbit_is_drawn(with_finals: xr.Dataset) -> None:
    for event, rows in ((None, slice(0, 10)), (-9, slice(10, 16)), (9, slice(10, 16))):
        apogee, perigee = gabbard(with_finals, event=event).lines
        period, high, low = _expected(7000.0 + 10.0 * np.arange(21)[rows], 0.001 * np.arange(21)[rows])
        np.testing.assert_allclose(apogee.get_xydata(), np.stack([period, high], axis=1))
        np.testing.assert_allclose(perigee.get_xydata(), np.stack([period, low], axis=1))
    with pytest.raises(InputError, match="no fragment of breakup 3 is in orbit"):
        gabbard(with_finals, event=3)


def test_studies_that_keep_no_objects(study: xr.Dataset) -> None:
    with pytest.raises(InputError, match="evolve it with final_population = true in"):
        gabbard(study)


def test_populations_and_catalogues() -> None:
    a, ecc = np.array([7000.0, 26000.0]), np.array([0.01, 0.7])
    ax = gabbard(ensembles.population(a, 50.0, ecc))
    np.testing.assert_allclose(ax.lines[0].get_ydata(), _expected(a, ecc)[1])
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert len(gabbard(stm.synthetic_catalog(20, seed=1)).lines[0].get_xdata()) == 20


def test_fragments_of_the_model_start_from_the_states_of_their_bodies() -> None:
    made = collision(Body(1000.0, 3.0), Body(10.0, 0.3), speed_km_s=10.0, rng=np.random.default_rng(1))
    speed = np.sqrt(EARTH.mu_km3_s2 / 7200.0)
    state = [7200.0, 0.0, 0.0, 0.0, speed, 0.0]
    apogee, perigee = gabbard(made, state=[state, [7200.0, 0.0, 0.0, 0.0, 0.0, speed]]).lines
    above, below = (line.get_ydata() + EARTH.radius_km for line in (apogee, perigee))
    assert (above > 7200.0 - 1e-6).all()  # each orbit passes through the place of the breakup
    assert (below < 7200.0 + 1e-6).all()
    axis = 0.5 * (above + below)
    np.testing.assert_allclose(apogee.get_xdata(), 2.0 * np.pi * np.sqrt(axis**3 / EARTH.mu_km3_s2) / 60.0)
    with pytest.raises(InputError, match=r"pass state=\(x, y, z, vx, vy, vz\)"):
        gabbard(made)
    with pytest.raises(InputError, match=r"shape \(6,\) or \(2, 6\)"):
        gabbard(made, state=[1.0, 2.0])
