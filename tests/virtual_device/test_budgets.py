"""What the host asks of a device, against its budgets; see :mod:`virtual_device.budgets`."""

from __future__ import annotations

import dataclasses

import pytest
from support.device import is_virtual
from virtual_device.budgets import BUDGETS, CASES, Cost, verdict

from stmgpu.backend import Backend


@pytest.mark.parametrize("kernel_backend", ["cuda"], indirect=True)
@pytest.mark.parametrize("name", CASES)
def test_a_budget_is_kept(name: str, kernel_backend: Backend) -> None:
    if not is_virtual():
        pytest.skip("costs are counted on the virtual device")
    assert verdict(name, CASES[name](kernel_backend)) == []


def test_a_verdict() -> None:
    name = "a year of debris"
    bound = BUDGETS[name]
    assert verdict(name, bound) == []
    assert verdict(name, dataclasses.replace(bound, waits=bound.waits - bound.waits // 10)) == []
    (more,) = verdict(name, dataclasses.replace(bound, launches=bound.launches + 1))
    assert more == f"{name} takes {bound.launches + 1} launches, its budget is {bound.launches}: do with less"
    (fewer,) = verdict(name, dataclasses.replace(bound, bytes_moved=bound.bytes_moved // 2))
    assert fewer.endswith("lower it to what was counted")
    assert len(verdict(name, Cost())) == 5
