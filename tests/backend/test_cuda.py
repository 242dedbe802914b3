"""The CUDA backend itself; what the kernels compute is tested over the ``backend`` fixture with the other backends."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from stmgpu.backend import get_backend
from stmgpu.backend.cuda import CudaBackend, cupy_cache, devices
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


@pytest.fixture
def false_cupy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Put a module named ``cupy`` with this text in the place of the real one."""
    for name in ("CUPY_CACHE_DIR", "STMGPU_CACHE_DIR"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.delitem(sys.modules, "cupy", raising=False)
    monkeypatch.syspath_prepend(tmp_path)

    def write(text: str) -> None:
        (tmp_path / "cupy.py").write_text("import os\n" + text)
        importlib.invalidate_caches()

    yield write
    sys.modules.pop("cupy", None)


def test_a_cache_that_cupy_cannot_make_is_explained(false_cupy: Callable[[str], None]) -> None:
    """CuPy makes the folder of its kernels when it is imported, for example in a home that is read-only."""
    false_cupy("raise PermissionError(13, 'Permission denied', '/home/reader/.cupy')")
    with pytest.raises(BackendError, match=r"Permission denied: '/home/reader/.cupy'.*set CUPY_CACHE_DIR"):
        get_backend("cuda")
    assert get_backend("auto").name != "cuda"


def test_one_setting_moves_both_caches(false_cupy: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    assert cupy_cache() == Path.home() / ".cupy" / "kernel_cache"
    false_cupy("raise ImportError(os.environ['CUPY_CACHE_DIR'])")
    monkeypatch.setenv("STMGPU_CACHE_DIR", "/shared/cache")
    with pytest.raises(BackendError, match=re.escape("(/shared/cache/cupy)")):
        devices()
    assert cupy_cache() == Path("/shared/cache/cupy")
    monkeypatch.setenv("CUPY_CACHE_DIR", "/mine")
    with pytest.raises(BackendError, match=re.escape("(/mine)")):
        devices()
    assert cupy_cache() == Path("/mine")
    monkeypatch.setenv("CUPY_CACHE_IN_MEMORY", "1")
    assert cupy_cache() is None


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
