"""The CUDA backend itself; what the kernels compute is tested over the ``backend`` fixture with the other backends."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from stmgpu.backend import get_backend
from stmgpu.backend.cuda import CudaBackend, devices
from stmgpu.backend.signature import signatures
from stmgpu.errors import BackendError, KernelContractError


@pytest.fixture(scope="module")
def cuda() -> CudaBackend:
    try:
        return CudaBackend()
    except BackendError as error:
        pytest.skip(f"no GPU: {error}")


def test_without_cupy_the_message_names_the_cure() -> None:
    if importlib.util.find_spec("cupy") is not None:
        pytest.skip("CuPy is installed")
    for call in (CudaBackend, devices, lambda: get_backend("cuda")):
        with pytest.raises(BackendError, match=r"needs CuPy.*pip install 'stmgpu\[cuda13\]'.*'stmgpu\[cuda12\]'"):
            call()


def test_with_cupy_but_no_gpu_the_message_names_the_cure() -> None:
    if importlib.util.find_spec("cupy") is None:
        pytest.skip("CuPy is not installed")
    try:
        pytest.skip(f"there is a GPU: {devices()[0]}")
    except BackendError as error:
        message = str(error)
    assert "nvidia-smi" in message or "CUDA_VISIBLE_DEVICES" in message


def test_arrays_go_and_come_back(cuda: CudaBackend) -> None:
    host = np.arange(24.0).reshape(4, 6)
    assert np.array_equal(cuda.get(cuda.put(host)), host)
    transposed = cuda.put(host.T)
    assert transposed.flags.c_contiguous
    assert np.array_equal(cuda.get(transposed), host.T)
    assert cuda.put(host, np.float32).dtype == np.float32
    assert not cuda.get(cuda.zeros((3, 2), np.int64)).any()
    assert cuda.empty(5, np.int8).shape == (5,)
    assert f"sm_{cuda.arch}" in cuda.device
    assert devices()[0] == cuda.device


def test_every_kernel_loads_on_this_gpu(cuda: CudaBackend) -> None:
    for name in signatures():
        assert 0 < cuda.usage(name)["registers"] <= 255


def test_host_array_is_refused(cuda: CudaBackend) -> None:
    contract = next(s for s in signatures().values() if any(p.is_array for p in s.parameters))
    args = [np.zeros(0, p.dtype) if p.is_array else p.dtype.type(0) for p in contract.parameters]
    with pytest.raises(KernelContractError):
        cuda.launch(contract.name, 0, *args)


def test_missing_gpu_number(cuda: CudaBackend) -> None:
    with pytest.raises(BackendError, match="there is no GPU 99"):
        CudaBackend(99)
