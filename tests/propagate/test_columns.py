"""What propagators are asked for: indices outside are found, without making a device wait for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from support.trajectories import several

import stmgpu as stm
from stmgpu.backend import Backend
from stmgpu.errors import InputError
from stmgpu.propagate.mixed import MixedPropagator
from stmgpu.propagate.protocol import Propagator
from stmgpu.propagate.sgp4 import SGP4Propagator
from stmgpu.propagate.tabulated import TabulatedPropagator
from stmgpu.propagate.tabulated.by_object import ByObject

START, SPAN = (2460676.5, 0.0), (0.0, 3600.0)


def _elements(backend: Backend) -> SGP4Propagator:
    return SGP4Propagator(stm.synthetic_catalog(20, seed=1), backend, START, SPAN)


def _table(backend: Backend) -> TabulatedPropagator:
    return TabulatedPropagator(several(), backend, START, SPAN)


PROPAGATORS: dict[str, Callable[[Backend], Propagator]] = {
    "elements": _elements,
    "table": _table,
    "by object": lambda backend: ByObject(_table(backend)),
    "mixed": lambda backend: MixedPropagator(_elements(backend), _table(backend), backend),
    "mixed by object": lambda backend: MixedPropagator(None, ByObject(_table(backend)), backend),
}


@pytest.mark.parametrize("name", PROPAGATORS)
def test_indices_outside_are_refused(name: str, backend: Backend) -> None:
    propagator = PROPAGATORS[name](backend)
    for outside in (-1, propagator.n_pad):
        for index in ([0, outside], np.array([0, outside], np.int32), backend.put([0, outside], np.int64)):
            low, high = sorted((0, outside))
            with pytest.raises(InputError, match=rf"\[0, {propagator.n_pad}\), got {low} to {high}"):
                propagator.at(index, [0.0, 0.0])
    with pytest.raises(InputError, match="one time for each index"):
        propagator.at([0, 1], [0.0])
    states, codes = propagator.at([propagator.n_pad - 1], [0.0])
    assert backend.get(codes).tolist() == [9]
    assert states.shape == (6, 1)


@pytest.mark.parametrize("kernel_backend", ["cuda"], indirect=True)
@pytest.mark.parametrize("name", PROPAGATORS)
def test_only_users_wait_for_the_check(name: str, kernel_backend: Backend) -> None:
    virtual: Any = pytest.importorskip("cupy.virtual", reason="waits are counted on the virtual device")
    propagator = PROPAGATORS[name](kernel_backend)
    host, times = np.arange(propagator.n), kernel_backend.put(np.zeros(propagator.n))
    waits = []
    for index, check in ((kernel_backend.put(host), False), (host, True), (kernel_backend.put(host), True)):
        with virtual.counted() as counts:
            propagator.at(index, times, check=check)
        waits.append(counts.waits)
    assert waits[1] == waits[0]
    assert waits[2] == waits[0] + 2
