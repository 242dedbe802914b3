"""The warm-up of a GPU: it launches every kernel, and meets every kernel that CuPy compiles for other work."""

from __future__ import annotations

import warnings

import pytest
from support.workflows import WORKFLOWS

import stmgpu as stm
from stmgpu.backend.cpu import usable_levels
from stmgpu.backend.cuda import CudaBackend
from stmgpu.backend.signature import signatures
from stmgpu.cli.warm_up import warm_up

pytestmark = [
    pytest.mark.skipif(not usable_levels(), reason="the kernels were not compiled here"),
    pytest.mark.parametrize("kernel_backend", ["cuda"], indirect=True),
]


@pytest.mark.slow
def test_later_work_meets_no_kernel_that_the_warm_up_did_not(kernel_backend: CudaBackend) -> None:
    """By operation and types; CuPy also compiles by number of axes and layout, which the stand-in does not tell."""
    virtual = getattr(kernel_backend.xp, "virtual", None)
    if virtual is None:
        pytest.skip("needs the virtual device, which tells what CuPy compiles")
    with virtual.counted() as warm:
        done = warm_up()
    assert done.device == kernel_backend.device
    assert set(signatures()) - set(warm.launches) == {"equinoctial_values", "mathx_values"}
    assert len(warm.cupy_kernels) > 50
    with virtual.counted() as later, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, workflow in WORKFLOWS.items():
            if name != "states":  # asks for single objects by indices of the host, as no command does
                workflow(kernel_backend)
        stm.screen(stm.synthetic_catalog(2000), hours=1.0, threshold_km=20.0, backend="cuda")
    assert set(later.cupy_kernels) <= set(warm.cupy_kernels)
