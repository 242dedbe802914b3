"""The CUDA backend itself; what the kernels compute is tested over the ``backend`` fixture with the other backends."""

from __future__ import annotations

import importlib.util
import logging
import re
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.studies import BASE, write_study
from support.workflows import START, WORKFLOWS, same_bytes

import stmgpu as stm
from stmgpu.backend import choose, get_backend, nvrtc
from stmgpu.backend.cuda import CudaBackend, cupy_cache, devices
from stmgpu.backend.signature import signatures
from stmgpu.debris.collisions.mean_field import mean_field
from stmgpu.errors import BackendError, CapacityError, DeviceMemoryError, InputError, KernelContractError
from stmgpu.propagate.sgp4 import SGP4Propagator


@pytest.fixture
def cuda() -> CudaBackend:
    try:
        return CudaBackend()
    except BackendError as error:
        pytest.skip(f"no GPU: {error}")


@pytest.fixture
def virtual(cuda: CudaBackend) -> Iterator[Any]:
    """Settings, counts and faults of the virtual devices."""
    try:
        from cupy import virtual
    except ImportError:
        pytest.skip("needs the virtual device: on a GPU no faults can be ordered")
    with virtual.changed():
        yield virtual
    _make_current(0)


@pytest.fixture
def two(virtual: Any) -> Iterator[tuple[CudaBackend, CudaBackend]]:
    """A backend on each of two GPUs; the current one of the thread is the first."""
    with virtual.changed(devices=2):
        backends = CudaBackend(0), CudaBackend(1)
        _make_current(0)
        yield backends


def _make_current(number: int) -> None:
    import cupy

    cupy.cuda.Device(number).use()


def _current() -> int:
    import cupy

    return int(cupy.cuda.runtime.getDevice())


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


# ------------------------------------------------------------------------------------------------ several GPUs
@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.slow) if n == "evolution" else n for n in WORKFLOWS]
)
def test_any_gpu_works_in_any_thread(name: str, two: tuple[CudaBackend, CudaBackend]) -> None:
    """Every thread begins on GPU 0, whichever the backend has and wherever it was made."""
    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(_current).result() == 0
        assert thread.submit(WORKFLOWS[name], two[1]).result()


def test_two_gpus_at_once(two: tuple[CudaBackend, CudaBackend]) -> None:
    with ThreadPoolExecutor(2) as threads:
        same_bytes(*threads.map(WORKFLOWS["primaries"], two))


def test_one_gpu_for_several_threads(two: tuple[CudaBackend, CudaBackend]) -> None:
    with ThreadPoolExecutor(3) as threads:
        first, *others = threads.map(WORKFLOWS["states"], [two[1]] * 3)
    for other in others:
        same_bytes(first, other)


def test_two_gpus_in_turn(two: tuple[CudaBackend, CudaBackend]) -> None:
    """The work of one thread may change from GPU to GPU between any two calls."""
    catalog = stm.synthetic_catalog(40, seed=1)
    propagators = [SGP4Propagator(catalog, backend, START, (0.0, 7200.0)) for backend in two]
    for times in ([0.0, 60.0], [7200.0]):
        answers = [p.grid(times) for p in propagators] + [p.at([3], times[:1]) for p in propagators]
        on_host = [[backend.get(a) for a in answer] for backend, answer in zip(two * 2, answers, strict=True)]
        for a, b in ((0, 1), (2, 3)):
            same_bytes(*({str(k): part for k, part in enumerate(on_host[i])} for i in (a, b)))
    for backend, answer in zip(two[::-1], answers[1::-1], strict=True):
        shifted = backend.xp.abs(answer[0]) + answer[0]  # code of a user
        assert shifted.device.id == backend.xp.cuda.runtime.getDevice()


def test_entries_restore_the_callers_gpu(two: tuple[CudaBackend, CudaBackend]) -> None:
    propagator = SGP4Propagator(stm.synthetic_catalog(20, seed=1), two[1], START, (0.0, 60.0))
    assert _current() == 0
    states, _ = propagator.grid([0.0])
    assert (_current(), states.device.id) == (0, 1)
    with pytest.raises(InputError, match="one time for each index"):
        propagator.at([1, 2], [0.0])
    assert _current() == 0


def test_nothing_is_loaded_on_another_gpu(
    two: tuple[CudaBackend, CudaBackend], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A context on GPU 0 would take half a gigabyte there from each process that works on another."""
    import cupy

    seen = []

    def record(owner: type, name: str) -> None:
        original = getattr(owner, name)

        def recorded(self: Any, *args: Any) -> Any:
            seen.append(_current())
            return original(self, *args)

        monkeypatch.setattr(owner, name, recorded)

    for owner, name in ((cupy.RawModule, "compile"), (cupy.RawModule, "get_function"), (cupy.RawKernel, "__call__")):
        record(owner, name)
    backend = two[1]
    _make_current(0)
    backend.usage("sgp4_init")
    _make_current(0)
    SGP4Propagator(stm.synthetic_catalog(20, seed=1), backend, START, (0.0, 60.0))
    assert len(seen) > 5
    assert set(seen) == {1}


# ------------------------------------------------------------------------------------------------ compiler and cache
def test_a_driver_older_than_the_compiler(virtual: Any) -> None:
    """Such a driver can load neither machine code nor PTX."""
    with virtual.changed(driver=12_080):
        for call in (CudaBackend, devices, lambda: get_backend("cuda")):
            with pytest.raises(BackendError, match=r"driver knows CUDA 12.*NVRTC 13.*pip install 'stmgpu\[cuda12\]'"):
                call()
        assert get_backend("auto").name != "cuda"
        assert choose("auto").name != "cuda"


def test_a_gpu_that_the_compiler_does_not_know(virtual: Any) -> None:
    with virtual.changed(arch=70), pytest.raises(BackendError, match=r"sm_70; it knows sm_75.*'stmgpu\[cuda12\]'"):
        CudaBackend()


def test_without_a_compiler(virtual: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """CuPy's own compiler is no substitute: it flushes subnormal numbers."""

    def missing() -> Any:
        raise BackendError("the NVRTC bindings cannot be used")

    monkeypatch.setattr(nvrtc, "_bindings", missing)
    with pytest.raises(BackendError, match="NVRTC bindings"):
        CudaBackend()
    assert get_backend("auto").name != "cuda"


def test_damaged_machine_code_is_compiled_anew(
    virtual: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("STMGPU_CACHE_DIR", str(tmp_path))
    CudaBackend().usage("census_shells")
    (path,) = (tmp_path / "cubin").iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with caplog.at_level(logging.INFO, "stmgpu"):
        assert CudaBackend().usage("census_shells")["registers"] > 0
    assert path.read_bytes() == whole
    assert f"deleted {path}, which is damaged" in caplog.text


def test_machine_code_that_the_driver_refuses(virtual: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        virtual.fault(load="census"),
        pytest.raises(BackendError, match=r"cannot load census\.cu.*delete .*census.*cpu"),
    ):
        CudaBackend().usage("census_shells")


def test_a_cache_that_cannot_be_written(
    virtual: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "taken").write_text("a file where the folder should be")
    monkeypatch.setenv("STMGPU_CACHE_DIR", str(tmp_path / "taken"))
    backend = CudaBackend()
    for kernel in ("census_shells", "mathx_values"):
        assert backend.usage(kernel)["registers"] > 0
    assert caplog.text.count("every process compiles its kernels anew") == 1


# ------------------------------------------------------------------------------------------------ faults
CATALOG = stm.synthetic_catalog(100, seed=4)
STUDY = BASE.replace("years = 2", "years = 1") + "propagation = { step_days = 30.0 }\n"
SPAN: dict[str, Any] = {"start": "2025-01-01T06:00", "hours": 0.1, "backend": "cuda"}


def _in_memory(folder: Path) -> None:
    stm.screen(CATALOG, threshold_km=100.0, **SPAN)


def _states(folder: Path) -> None:
    stm.propagate(CATALOG, **SPAN)


def _study(folder: Path) -> None:
    stm.evolve(write_study(folder, STUDY), backend="cuda")


def _screening_in_a_store(folder: Path) -> None:
    _raise_failure(stm.screen_to_store(CATALOG, folder / "store", threshold_km=100.0, **SPAN))


def _ephemeris_in_a_store(folder: Path) -> None:
    _raise_failure(stm.propagate_to_store(CATALOG, folder / "store", **SPAN))


def _study_in_a_store(folder: Path) -> None:
    _raise_failure(stm.evolve_to_store(write_study(folder, STUDY), folder / "store", backend="cuda"))


def _raise_failure(outcome: stm.distribute.Outcome) -> None:
    """A tile that fails is recorded with its error, by name if that is none of stmgpu."""
    for reason in outcome.failed.values():
        error = CapacityError if "memory is full" in reason else BackendError
        raise (RuntimeError if re.match(r"\w+(Error|Exception):", reason) else error)(reason)


def _rates(folder: Path) -> None:
    two = np.ones(2)
    mean_field(7178.0 * two, 0.001 * two, 1.2 * two, two, 800.0 * two, backend=CudaBackend())


def _on_backend(name: str) -> Callable[[Path], None]:
    def call(folder: Path) -> None:
        WORKFLOWS[name](CudaBackend())

    return call


ENTRIES: dict[str, Callable[[Path], None]] = {
    "screen": _in_memory,
    "propagate": _states,
    "evolve": _study,
    "screen_to_store": _screening_in_a_store,
    "propagate_to_store": _ephemeris_in_a_store,
    "evolve_to_store": _study_in_a_store,
    "mean_field": _rates,
    **{
        name: _on_backend(name)
        for name in (
            "primaries",
            "trajectories",
            "states",
            "shells",
            "encounters",
            "probabilities",
            "curved",
            "entries",
            "samples",
            "dwells",
        )
    },
}
SLOW = {"evolve", "trajectories", "screen_to_store", "propagate_to_store", "evolve_to_store"}
entries = pytest.mark.parametrize(
    "entry",
    [pytest.param(e, marks=pytest.mark.slow) if e in SLOW else e for e in ENTRIES],
)


@pytest.fixture
def counts(entry: str, virtual: Any, tmp_path: Path) -> Any:
    """What an entry asks of the device where nothing fails."""
    (tmp_path / "whole").mkdir()
    with virtual.counted() as counts:
        ENTRIES[entry](tmp_path / "whole")
    return counts


@entries
def test_full_memory_reaches_nobody_as_an_error_of_cupy(entry: str, counts: Any, virtual: Any, tmp_path: Path) -> None:
    """What can be done in smaller parts is done so (``test_parts.py``); everything else says what is lacking."""
    for number in sorted({1, counts.allocations // 3, 2 * counts.allocations // 3, counts.allocations}):
        folder = tmp_path / str(number)
        folder.mkdir()
        with virtual.fault(allocation=number):
            try:
                ENTRIES[entry](folder)
            except CapacityError as error:
                assert re.search(r"memory is full \(.* MiB free\).*use the cpu backend", str(error))  # noqa: PT017
            assert virtual.faults.allocation == 0


@entries
def test_a_fault_in_a_kernel_reaches_nobody_as_an_error_of_cupy(
    entry: str, counts: Any, virtual: Any, tmp_path: Path
) -> None:
    """Kernels run while the host goes on: the fault is reported by whatever waits next."""
    first, *others = counts.launches
    for fault in ({"launch": first}, {"kernel": first}, *({"kernel": kernel} for kernel in others)):
        folder = tmp_path / f"{fault}"
        folder.mkdir()
        shown = pytest.raises(BackendError, match=r"the GPU reported .*start a new process.*rerun with the cpu")
        with virtual.fault(**fault), shown:
            ENTRIES[entry](folder)


@pytest.mark.parametrize(
    ("raised", "shown"),
    [
        (RuntimeError("radix_sort: failed on 1st step: cudaErrorIllegalAddress: ..."), BackendError),
        (RuntimeError("CuPy failed to load libnvrtc.so.13: OSError: no such file"), BackendError),
        (MemoryError("std::bad_alloc: allocation failed"), DeviceMemoryError),
        (RuntimeError("a fault of our own"), RuntimeError),
        (MemoryError("Unable to allocate 1 TiB for a host array"), MemoryError),
        (CapacityError("too many pairs; use CUDA with care"), CapacityError),
    ],
    ids=str,
)
def test_errors_of_cupys_libraries(cuda: CudaBackend, raised: Exception, shown: type[Exception]) -> None:
    """Thrust, which sorts, and the loader of libraries have no exceptions of their own."""
    with pytest.raises(shown) as caught, cuda.on_device():
        raise raised
    assert type(caught.value) is shown
    assert (caught.value is raised) == (shown is type(raised))


def test_a_kernel_of_cupy_that_does_not_compile(cuda: CudaBackend) -> None:
    from cupy.cuda.compiler import CompileException

    with (
        pytest.raises(
            BackendError, match=r"CuPy cannot compile one of its own kernels: no headers.*'stmgpu\[cuda13\]'"
        ),
        cuda.on_device(),
    ):
        raise CompileException("no headers", "", "kern.cu", ())
