"""The stand-in for CuPy refuses what a GPU would, counts what a GPU would pay for, and has its faults."""

from __future__ import annotations

import dataclasses
import gc
import os
import re
import subprocess
import sys
import threading
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from stmgpu.backend import nvrtc
from stmgpu.backend.signature import signature

ROOT = Path(__file__).resolve().parents[2]
SOURCE = """
extern "C" __global__ void last(long long* out, double by, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) out[0] = i + (long long)by;
}
"""


@pytest.fixture(scope="module")
def module(stand_in: ModuleType) -> Any:
    """A module with the kernel ``last``, whose result depends on the order of threads."""
    return stand_in.RawModule(code=SOURCE, options=nvrtc.OPTIONS)


# ------------------------------------------------------------------------------------------------ what is refused
REFUSED = {
    "conversion to NumPy": (lambda cp, a: np.asarray(a), TypeError, "Implicit conversion"),
    "a NumPy array beside": (lambda cp, a: a + np.ones(4), TypeError, "Unsupported type <class 'numpy.ndarray'>"),
    "a NumPy array before": (lambda cp, a: np.ones(4) + a, TypeError, "Unsupported type <class 'numpy.ndarray'>"),
    "a NumPy array of no axes": (lambda cp, a: a * np.array(2.0), TypeError, "Unsupported type"),
    "a list beside": (lambda cp, a: a * [1, 2, 3, 4], TypeError, "Unsupported type <class 'list'>"),
    "a function of NumPy": (lambda cp, a: np.sqrt(a), AssertionError, "numpy.sqrt of an array in the GPU"),
    "another one": (lambda cp, a: np.concatenate([a, a]), AssertionError, "numpy.concatenate"),
    "a NumPy array to a function": (lambda cp, a: cp.sqrt(np.ones(4)), TypeError, "Unsupported type"),
    "a host index": (lambda cp, a: a[np.array([1])], AssertionError, "each time; use put"),
    "a list as an index": (lambda cp, a: a[[1, 2]], AssertionError, "each time; use put"),
    "a host mask": (lambda cp, a: a[np.ones(4, bool)], AssertionError, "each time; use put"),
    "a host value": (lambda cp, a: a.__setitem__(slice(None), np.ones(4)), AssertionError, "each time; use put"),
    "an index of floats": (lambda cp, a: a[a], IndexError, "must be of integer or boolean type"),
    "an index out of range": (lambda cp, a: a[cp.asarray([4])], IndexError, "out of bounds"),
    "a number out of range": (lambda cp, a: a[4], IndexError, "out of bounds"),
    "a slice by an array": (lambda cp, a: a[: cp.asarray(2)], TypeError, "slice indices must be integers"),
    "truth of several": (lambda cp, a: bool(a), ValueError, "ambiguous"),
    "whether it can be written": (lambda cp, a: a.flags.writeable, AttributeError, "writeable"),
    "repeat by a NumPy array": (lambda cp, a: cp.repeat(a, np.arange(4)), TypeError, "does not accept numpy.ndarray"),
    "lexsort of a tuple": (lambda cp, a: cp.lexsort((a, a)), AttributeError, "'tuple' object has no attribute 'ndim'"),
    "searchsorted of a list": (lambda cp, a: cp.searchsorted(a, [1.0]), NotImplementedError, "python scalars"),
    "joining with NumPy": (lambda cp, a: cp.concatenate([a, np.ones(4)]), TypeError, "Only cupy arrays"),
    "stacking NumPy": (lambda cp, a: cp.stack([np.ones(4)]), TypeError, "must be a cupy.ndarray"),
    "a list of arrays": (lambda cp, a: cp.asarray([a, a]), AssertionError, "use stack"),
    "a condition of NumPy": (lambda cp, a: cp.where(np.ones(4, bool), a, a), TypeError, "must be a cupy.ndarray"),
    "one branch": (lambda cp, a: cp.where(a > 0, a), ValueError, "Must provide both"),
    "dates": (lambda cp, a: cp.asarray(np.array(["2024-01-01"], "M8[ns]")), ValueError, "Unsupported dtype"),
    "text": (lambda cp, a: cp.asarray("a"), ValueError, "Unsupported dtype"),
    "bits of floats": (lambda cp, a: a & 1, TypeError, "Wrong type"),
    "a narrower result in place": (lambda cp, a: cp.arange(4).__iadd__(a), TypeError, "could not be coerced"),
    "a hash": (lambda cp, a: hash(a), TypeError, "unhashable"),
    "what is not there": (lambda cp, a: cp.einsum, AttributeError, "the virtual device has no cupy.einsum"),
    "a method that is not there": (lambda cp, a: a.tostring(), AttributeError, "tostring"),
    "two values for one place": (
        lambda cp, a: a.__setitem__(cp.asarray([1, 1]), cp.asarray([1.0, 2.0])),
        AssertionError,
        "the last of them is chance",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refused(what: str, stand_in: ModuleType) -> None:
    call, error, message = REFUSED[what]
    with pytest.raises(error, match=message):
        call(stand_in, stand_in.asarray(np.arange(4.0)))


# ------------------------------------------------------------------------------------------------ what is as in CuPy
def test_results_stay_on_the_device(stand_in: ModuleType) -> None:
    a = stand_in.asarray(np.arange(6.0).reshape(2, 3))
    for result in (a[0], a[0, 0], a.sum(), a.max(axis=0), a > 1, -a, np.float64(2) * a, a[a > 1], abs(a), a.any()):
        assert type(result) is stand_in.ndarray
    assert a[0, 0].shape == a.sum().shape == ()
    a[0][1:] = 9.0  # views
    a.T[0, 1] = -1.0
    a.ravel()[0] = 7.0
    assert a.get().tolist() == [[7.0, 9.0, 9.0], [-1.0, 4.0, 5.0]]
    b = a.get()
    b[...] = 0.0
    assert a.sum().item() == 33.0


def test_kernels_write_in_c_order(stand_in: ModuleType) -> None:
    a = stand_in.asarray(np.arange(6.0).reshape(2, 3))
    assert not a.T.flags.c_contiguous
    assert (a.T + a.T).flags.c_contiguous  # NumPy would keep the order
    assert a.T[:, stand_in.asarray([1, 0])].flags.c_contiguous
    assert not stand_in.asarray(np.arange(6.0).reshape(2, 3).T).flags.c_contiguous
    assert stand_in.ascontiguousarray(np.arange(6.0).reshape(2, 3).T).flags.c_contiguous


@pytest.mark.parametrize(
    ("other", "expected"),
    [(1, np.int32), (2.5, np.float64), (np.float32(1), np.float64), (np.int64(1), np.int64), (True, np.int32)],
)
def test_types_follow_the_loops_of_cupy(other: Any, expected: type, stand_in: ModuleType) -> None:
    assert (stand_in.arange(3, dtype=np.int32) + other).dtype == expected


def test_types_of_where_and_division(stand_in: ModuleType) -> None:
    flag = stand_in.asarray([True, False])
    assert stand_in.where(flag, 300, 1).dtype == np.int64  # not of the first loop that holds a small number
    assert (stand_in.arange(2, dtype=np.int8) / 2).dtype == np.float64
    assert (stand_in.zeros(2, np.float32) * 2.0).dtype == np.float32


def test_powers_and_sums_show(stand_in: ModuleType) -> None:
    host = np.array([1.0, 1e16, -1e16])
    a = stand_in.asarray(host)
    assert (a**3).get().tolist() == np.nextafter(host**3, np.inf).tolist()
    assert ((a * a) * a).get().tolist() == (host * host * host).tolist()
    assert a.sum().item() != host.sum()
    assert (stand_in.arange(3) ** 2).get().tolist() == [0, 1, 4]
    assert (stand_in.asarray(np.float32([1e-39, 1.0])) * np.float32(1)).get().tolist() == [0.0, 1.0]  # -ftz=true


def test_memory_that_nobody_has_written_is_filled(stand_in: ModuleType) -> None:
    assert stand_in.virtual.Settings().fill == 0xA5
    for order in ("C", "F"):
        with stand_in.virtual.changed(fill=0xA5):
            assert stand_in.empty((2, 3), np.uint8, order).get().tolist() == [[0xA5] * 3] * 2
    with stand_in.virtual.changed(fill=0xFF):
        assert np.isnan(stand_in.empty(2).get()).all()


# ------------------------------------------------------------------------------------------------ devices and memory
def test_devices_are_kept_apart(stand_in: ModuleType) -> None:
    with stand_in.virtual.changed(devices=2):
        here = stand_in.zeros(2)
        with stand_in.cuda.Device(1):
            there = stand_in.zeros(2)
            assert there.device.id == stand_in.cuda.runtime.getDevice() == 1
            for call in (lambda: here + 1, lambda: here + there, lambda: stand_in.concatenate([here, there])):
                with pytest.raises(ValueError, match=r"resides \(0\) is different from the current device \(1\)"):
                    call()
            assert here[1:].shape == (1,)  # a view needs no device
            seen: list[int] = []
            thread = threading.Thread(target=lambda: seen.append(stand_in.cuda.Device().id))
            thread.start()
            thread.join()
            assert seen == [0]  # every thread starts there
        assert stand_in.cuda.Device().id == 0
        with stand_in.cuda.Device(0):
            stand_in.cuda.Device(1).use()
            assert stand_in.zeros(1).device.id == 1
        assert stand_in.cuda.Device().id == 0
        with pytest.raises(stand_in.cuda.runtime.CUDARuntimeError, match="cudaErrorInvalidDevice"):
            stand_in.cuda.Device(2).use()
    with (
        stand_in.virtual.changed(devices=0),
        pytest.raises(stand_in.cuda.runtime.CUDARuntimeError, match="cudaErrorNoDevice"),
    ):
        stand_in.cuda.runtime.getDeviceCount()


def test_memory_ends_and_comes_back(stand_in: ModuleType) -> None:
    pool = stand_in.get_default_memory_pool()
    gc.collect()
    pool.free_all_blocks()
    before = stand_in.virtual.used[0]
    with stand_in.virtual.changed(memory=before + 4096):
        a = stand_in.zeros(256)
        assert stand_in.cuda.Device(0).mem_info == (2048, before + 4096)
        b = a[:1]
        with pytest.raises(stand_in.cuda.memory.OutOfMemoryError, match="Out of memory allocating 4,096 bytes"):
            stand_in.concatenate([a, a])
        del a
        with pytest.raises(MemoryError):  # the view keeps it
            stand_in.zeros(512)
        del b
        assert (pool.free_bytes(), stand_in.cuda.Device(0).mem_info[0]) == (2048, 2048)  # the pool keeps it
        assert stand_in.zeros(512).size == 512
        assert (pool.free_bytes(), pool.total_bytes()) == (4096, before + 4096)
        pool.free_all_blocks()
        assert (pool.free_bytes(), stand_in.cuda.Device(0).mem_info[0]) == (0, 4096)
    assert stand_in.virtual.used[0] == before


# ------------------------------------------------------------------------------------------------ counts
def test_counts(stand_in: ModuleType) -> None:
    host = np.arange(1000.0)
    with stand_in.virtual.counted() as seen:
        a = stand_in.asarray(host)
    assert (seen.uploads, seen.upload_bytes, seen.waits, seen.elementwise) == (1, 8000, 0, 0)
    with stand_in.virtual.counted() as seen:
        b = a * 2.0 + 1.0
        with stand_in.virtual.counted() as inner:
            b.get()
    assert (seen.elementwise, seen.waits, seen.downloads, seen.download_bytes) == (2, 1, 1, 8000)
    assert (inner.elementwise, inner.waits) == (0, 1)
    with stand_in.virtual.counted() as seen:
        a[1:10], a.reshape(10, 100), a.T, stand_in.empty(0)
    assert dataclasses.replace(seen, peak_bytes=0) == stand_in.virtual.Counts()
    assert seen.peak_bytes >= a.nbytes
    with stand_in.virtual.counted() as seen:
        places = stand_in.flatnonzero(a > 500.0)
        a[places], a[a > 3.0]
    assert (seen.scans, seen.waits, seen.download_bytes) == (2, 2, 8)
    assert seen.cupy_kernels["cupy_greater dd->?"] == 2
    with stand_in.virtual.counted() as seen:
        float(a.sum())
        bool((a > 0).all())
        stand_in.lexsort(stand_in.stack([a, a]))
    assert (seen.reductions, seen.sorts, seen.waits) == (2, 1, 2)


# ------------------------------------------------------------------------------------------------ kernels
def test_order_of_threads_shows(module: Any, stand_in: ModuleType) -> None:
    out, kernel = stand_in.zeros(1, np.int64), module.get_function("last")
    found = {}
    for order in (0, 1, 7):
        with stand_in.virtual.changed(order=order), stand_in.virtual.counted() as seen:
            kernel((2,), (128,), (out, np.float64(0), np.int32(200)))
        found[order] = out.item()
        assert seen.launches == {"last": 1}
    assert found[0] == 199
    assert found[1] == 0
    assert 0 < found[7] < 199


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (lambda out: (out, np.float64(0), 200), AssertionError, "argument 2 has 8 bytes, the kernel reads 4"),
        (lambda out: (out, np.float32(0), np.int32(2)), AssertionError, "argument 1 has 4 bytes, the kernel reads 8"),
        (lambda out: (out, np.float64(0)), AssertionError, "takes 3 arguments, got 2"),
        (lambda out: (out.get(), np.float64(0), np.int32(2)), TypeError, "Unsupported type"),
        (lambda out: (out[:0], np.float64(0), np.int32(2)), AssertionError, "which has 0 bytes"),
    ],
)
def test_wrong_arguments(arguments: Any, error: Any, message: str, module: Any, stand_in: ModuleType) -> None:
    with pytest.raises(error, match=message):
        module.get_function("last")((1,), (128,), arguments(stand_in.zeros(1, np.int64)))


def test_a_kernel_belongs_to_a_device(module: Any, stand_in: ModuleType) -> None:
    out, kernel = stand_in.zeros(1, np.int64), module.get_function("last")
    with stand_in.virtual.changed(devices=2), stand_in.cuda.Device(1):
        with pytest.raises(stand_in.cuda.driver.CUDADriverError, match="CUDA_ERROR_INVALID_HANDLE"):
            kernel((1,), (128,), (out, np.float64(0), np.int32(2)))
        with pytest.raises(AssertionError, match="argument 0 lies on device 0, not on 1"):
            module.get_function("last")((1,), (128,), (out, np.float64(0), np.int32(2)))


@pytest.mark.slow
def test_modules_load_late_and_flush(stand_in: ModuleType) -> None:
    bad = stand_in.RawModule(code="__global__ void f( {}", options=nvrtc.OPTIONS)
    with pytest.raises(stand_in.cuda.compiler.CompileException, match="expected"):
        bad.compile()
    missing = stand_in.RawModule(path="/nowhere.cubin")
    with pytest.raises(stand_in.cuda.driver.CUDADriverError, match="CUDA_ERROR_FILE_NOT_FOUND"):
        missing.get_function("last")
    text = 'extern "C" __global__ void f(float* x) { x[0] = x[0] * 0.5f; }'
    value = stand_in.asarray(np.float32([2e-38]))
    stand_in.RawModule(code=text, options=nvrtc.OPTIONS).get_function("f")((1,), (1,), (value,))
    assert value.item() == 0.0  # CuPy appends -ftz=true


@pytest.mark.slow
def test_machine_code_is_read(stand_in: ModuleType, tmp_path: Path) -> None:
    contract = signature("mathx_values")
    compiled = nvrtc.compile_file(contract.file, 90)
    whole = tmp_path / "whole.cubin"
    whole.write_bytes(compiled.cubin)
    attributes = stand_in.RawModule(path=str(whole)).get_function(contract.name).attributes
    assert attributes["num_regs"] == compiled.usage[0].registers
    assert attributes["local_size_bytes"] == compiled.usage[0].stack_bytes
    with pytest.raises(stand_in.cuda.driver.CUDADriverError, match="CUDA_ERROR_NOT_FOUND"):
        stand_in.RawModule(path=str(whole)).get_function("no_such")
    for damaged in (b"", compiled.cubin[:1000], compiled.cubin[:-200], b"#!/bin/sh\n" * 500):
        whole.write_bytes(damaged)
        with pytest.raises(stand_in.cuda.driver.CUDADriverError, match="CUDA_ERROR_INVALID_IMAGE"):
            stand_in.RawModule(path=str(whole)).get_function(contract.name)
    whole.write_bytes(nvrtc.compile_file(contract.file, 120).cubin)
    with pytest.raises(stand_in.cuda.driver.CUDADriverError, match="CUDA_ERROR_NO_BINARY_FOR_GPU"):
        stand_in.RawModule(path=str(whole)).get_function(contract.name)


# ------------------------------------------------------------------------------------------------ faults
def test_events_have_no_times(stand_in: ModuleType) -> None:
    """Nothing here may look like a second of a GPU."""
    cuda = stand_in.cuda
    with stand_in.virtual.changed(devices=2):
        begin, end, untimed = cuda.Event(), cuda.stream.Event(), cuda.Event(disable_timing=True)
        with pytest.raises(cuda.runtime.CUDARuntimeError, match="invalid resource handle"):
            cuda.get_elapsed_time(begin, end)
        for event in (begin, end, untimed):
            event.record()
            event.synchronize()
        assert begin.done
        assert np.isnan(cuda.get_elapsed_time(begin, end))
        with pytest.raises(cuda.runtime.CUDARuntimeError, match="invalid resource handle"):
            cuda.get_elapsed_time(begin, untimed)
        with cuda.Device(1), pytest.raises(cuda.runtime.CUDARuntimeError, match="invalid resource handle"):
            begin.record()


def test_faults(module: Any, stand_in: ModuleType) -> None:
    cuda, fault = stand_in.cuda, stand_in.virtual.fault
    out, kernel = stand_in.zeros(1, np.int64), module.get_function("last")
    arguments = (out, np.float64(0), np.int32(2))
    with fault(allocation=2):
        stand_in.zeros(1)
        with pytest.raises(cuda.memory.OutOfMemoryError):
            stand_in.zeros(1)
        stand_in.zeros(1)
    with fault(launch="last"):
        with pytest.raises(cuda.driver.CUDADriverError, match="CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES"):
            kernel((1,), (128,), arguments)
        kernel((1,), (128,), arguments)
    with fault(kernel="last"):
        kernel((1,), (128,), arguments)  # nothing is known yet
        for _ in range(2):  # and the device stays broken
            with pytest.raises(cuda.runtime.CUDARuntimeError, match="cudaErrorIllegalAddress"):
                out.get()
    assert out.item() == 1
    with fault(load="last"), pytest.raises(cuda.driver.CUDADriverError, match="CUDA_ERROR_INVALID_IMAGE"):
        stand_in.RawModule(code=SOURCE, options=nvrtc.OPTIONS).compile()
    with pytest.raises(TypeError, match="no fault 'heat'"), fault(heat=1):
        pass


# ------------------------------------------------------------------------------------------------ where it is found
@pytest.mark.cuda
@pytest.mark.slow
def test_processes_of_a_test_find_a_device(tmp_path: Path) -> None:
    def run(*arguments: Any) -> str:
        command = [sys.executable, "-m", "stmgpu.cli", *map(str, arguments)]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert re.search(r"^ *cuda backend .* sm_\d+, ", run("info"), re.M)
    catalog = tmp_path / "objects.tle"
    run("catalog", "synthesize", catalog, "--objects", 200)
    csv = {name: tmp_path / f"{name}.csv" for name in ("cpu", "cuda")}
    for name, path in csv.items():
        run("screen", catalog, "--hours", 1, "--threshold-km", 200, "--backend", name, "--csv", path)
    assert len(csv["cpu"].read_text().splitlines()) > 2
    assert csv["cuda"].read_bytes() == csv["cpu"].read_bytes()


@pytest.mark.skipif("config.getoption('--device') == 'real'")
def test_other_tests_find_none() -> None:
    assert not hasattr(sys.modules.get("cupy"), "virtual")
    assert "virtual_device" not in os.environ.get("PYTHONPATH", "")
