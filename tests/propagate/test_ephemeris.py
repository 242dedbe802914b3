"""``stm.propagate``: the Dataset in catalogue order, against the published code."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.orbits import START, catalog_of, random_rows, sgp4_state

import stmgpu as stm
from stmgpu.backend import Backend
from stmgpu.errors import CapacityError, InputError


def test_states_in_catalogue_order(backend: Backend) -> None:
    rng = np.random.default_rng(1)
    rows = np.concatenate([random_rows(rng, 5, kind) for kind in ("geo", "leo", "heo")])
    eph = stm.propagate(catalog_of(rows), start=START, hours=2, step_s=1800, backend=backend.name)
    assert dict(eph.position.sizes) == {"object": 15, "time": 5, "axis": 3}
    assert eph.object.values.tolist() == list(range(1, 16))
    for k, row in enumerate(rows):
        for m in (0, 4):
            expected = sgp4_state(row, START, 1800.0 * m)
            np.testing.assert_allclose(eph.position.values[k, m], expected[:3], atol=1e-6)
            np.testing.assert_allclose(eph.velocity.values[k, m], expected[3:], atol=1e-9)
    assert np.all(eph.error_code.values == 0)


@pytest.mark.parametrize(
    ("kwargs", "error"),
    [
        ({"hours": 1, "days": 1}, InputError),
        ({"hours": 0}, InputError),
        ({"hours": 1, "step_s": -1}, InputError),
        ({"days": 3000, "step_s": 1e-3}, CapacityError),
        ({"hours": 1, "mode": "q"}, InputError),
    ],
)
def test_impossible_requests(kwargs: dict[str, Any], error: type) -> None:
    with pytest.raises(error):
        stm.propagate(stm.synthetic_catalog(5, seed=1), start="2025-01-01", **kwargs)


def test_empty_catalogue() -> None:
    with pytest.raises(InputError, match="empty"):
        stm.propagate(stm.synthetic_catalog(5, seed=1)[:0], start="2025-01-01")
