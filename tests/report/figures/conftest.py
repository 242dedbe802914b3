"""Results that the tests of figures draw."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import xarray as xr
from matplotlib import pyplot
from support import ensembles, page_stores

from stmgpu.risk.variables import VARIABLES as RISK


@pytest.fixture(autouse=True)
def _close() -> Iterator[None]:
    yield
    pyplot.close("all")


@pytest.fixture(scope="session")
def con() -> xr.Dataset:
    """Made-up conjunctions, nine of them in the geostationary orbit."""
    ds = page_stores.conjunctions(900, seed=4)
    ds["altitude"].values[:9] = 35_786.0
    return ds


@pytest.fixture(scope="session")
def assessed(con: xr.Dataset) -> xr.Dataset:
    """The same with made-up probabilities, the highest in row 5; every third row has none."""
    n = con.sizes["conjunction"]
    rng = np.random.default_rng(2)
    pc = 10.0 ** rng.uniform(-12.0, -5.0, n)
    pc[5] = 3e-4
    pc[1::3] = np.nan
    columns = {
        "pc": pc,
        "triage": np.where(np.isnan(pc), 2, np.digitize(pc, [1e-7, 1e-4])),
        "hard_body_radius": np.full(n, 12.0),
        "sigma_major": rng.uniform(100.0, 400.0, n),
        "sigma_minor": rng.uniform(20.0, 90.0, n),
        "miss_major": rng.normal(0.0, 300.0, n),
        "miss_minor": rng.normal(0.0, 80.0, n),
    }
    added: xr.Dataset = con.assign({name: RISK[name].of(values) for name, values in columns.items()})
    return added.assign_attrs(red_line=1e-4, watch_line=1e-7)


@pytest.fixture(scope="session")
def study() -> xr.Dataset:
    """Two scenarios with removals, known statistics, and fragments of one breakup in the final population."""
    return ensembles.study(runs=20, years=20)


@pytest.fixture(scope="session")
def three(study: xr.Dataset) -> xr.Dataset:
    return study.isel(scenario=[0, 1, 1]).assign_coords(scenario=["no removal", "removal", "the same again"])
