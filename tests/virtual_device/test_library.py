"""Libraries of translated kernels: launches, faults, orders of threads, coverage, and what is kept on disk."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from virtual_device import library
from virtual_device.library import DeviceFault, Library

from stmgpu.backend import nvrtc
from stmgpu.errors import BackendError

HEAD = "typedef long long i64; #define AT ((i64)blockIdx.x * blockDim.x + threadIdx.x)\n".replace("; #", ";\n#")
TWICE = HEAD + (
    'extern "C" __global__ void twice(i64 n, const double* __restrict__ a, double* __restrict__ b) {\n'
    "    const i64 i = AT;\n"
    "    if (i < n) b[i] = a[i] * 2.0;\n"
    "}\n"
    'extern "C" __global__ void ticket(int* counter, int* drawn) { drawn[AT] = atomicAdd(counter, 1); }\n'
    'extern "C" __global__ void ratio(i64 a, i64 b, i64* c) { c[AT] = a / (b - AT) + a % (b - AT); }\n'
)


@pytest.fixture(scope="module")
def twice() -> Library:
    try:
        nvrtc.version()
    except BackendError as error:
        pytest.skip(str(error))
    return Library(TWICE, nvrtc.OPTIONS)


def _run(twice: Library, n: int, given: int, returned: int, order: int = 0, shift: int = 0) -> np.ndarray:
    a, b = np.arange(64.0), np.full(64, -1.0)
    words = [n, a.ctypes.data, b.ctypes.data + shift]
    twice.launch("twice", 2, 32, words, order, [None, given, returned])
    return b


def test_threads_inside_of_the_arrays_run(twice: Library) -> None:
    assert np.array_equal(_run(twice, 50, 400, 400), [2.0 * i if i < 50 else -1.0 for i in range(64)])


@pytest.mark.parametrize(
    ("given", "returned", "message"),
    [
        (392, 400, r"twice, thread 17 of block 1: ld\.global.* reaches byte 392 of argument 1, which has 392 bytes"),
        (400, 392, r"twice, thread 17 of block 1: st\.global.* reaches byte 392 of argument 2, which has 392 bytes"),
        (0, 400, r"thread 0 of block 0: ld\.global.* byte 0 of argument 1"),
    ],
)
def test_an_access_beyond_an_array_is_named(twice: Library, given: int, returned: int, message: str) -> None:
    with pytest.raises(DeviceFault, match=message):
        _run(twice, 50, given, returned)


def test_an_access_before_an_array_or_unaligned_is_named(twice: Library) -> None:
    with pytest.raises(DeviceFault, match=r"thread 0 of block 0: st\.global"):
        _run(twice, 1, 8, 8, shift=4)


def test_arrays_that_lie_over_each_other_are_named(twice: Library) -> None:
    a = np.arange(64.0)
    for start in (0, 8, 392):
        words = [50, a.ctypes.data, a.ctypes.data + start]
        with pytest.raises(DeviceFault, match="twice: argument 1 and argument 2 lie over each other"):
            twice.launch("twice", 2, 32, words, 0, [None, 400, 400])
    assert np.array_equal(a, np.arange(64.0))
    twice.launch("twice", 2, 32, [0, a.ctypes.data, a.ctypes.data], 0, [None, 400, 0])


def test_division_by_zero_is_named(twice: Library) -> None:
    c = np.zeros(32, np.int64)
    with pytest.raises(DeviceFault, match=r"ratio, thread 7 of block 0: div\.s64 .* divides by zero"):
        twice.launch("ratio", 1, 32, [1 << 40, 7, c.ctypes.data], 0, [None, None, c.nbytes])
    assert c[:8].tolist() == [(1 << 40) // (7 - i) + (1 << 40) % (7 - i) for i in range(7)] + [0]


@pytest.mark.parametrize("order", [0, 1, 2, 3, 77])
@pytest.mark.parametrize("blocks", [1, 3, 16])
def test_every_order_runs_every_thread_once(twice: Library, order: int, blocks: int) -> None:
    counter, drawn = np.zeros(1, np.int32), np.full(32 * blocks, -1, np.int32)
    twice.launch("ticket", blocks, 32, [counter.ctypes.data, drawn.ctypes.data], order, [4, drawn.nbytes])
    assert counter[0] == drawn.size
    assert np.array_equal(np.sort(drawn), np.arange(drawn.size))
    expected = {0: np.arange(drawn.size), 1: np.arange(drawn.size)[::-1]}.get(order)
    if expected is not None:
        assert np.array_equal(drawn, expected)
    else:
        assert abs(np.corrcoef(drawn, np.arange(drawn.size))[0, 1]) < 0.6, "threads are hardly shuffled"


def test_orders_differ(twice: Library) -> None:
    seen = set()
    for order in range(12):
        counter, drawn = np.zeros(1, np.int32), np.zeros(96, np.int32)
        twice.launch("ticket", 3, 32, [counter.ctypes.data, drawn.ctypes.data], order)
        seen.add(tuple(drawn))
    assert len(seen) == 12


def test_coverage_tells_which_blocks_ran() -> None:
    code = 'extern "C" __global__ void fork(int n, int* a) { if (n > 5) { a[0] = n % 7; } else { a[1] = n % 11; } }\n'
    fork = Library(code, nvrtc.OPTIONS)
    a = np.zeros(2, np.int32)
    assert not fork.covered("fork").any()
    fork.launch("fork", 1, 1, [9, a.ctypes.data])
    half = fork.covered("fork")
    fork.launch("fork", 1, 1, [3, a.ctypes.data])
    assert half.any()
    assert not half.all()
    assert fork.covered("fork").all()
    assert a.tolist() == [2, 3]


def test_wrong_launches_are_refused(twice: Library) -> None:
    with pytest.raises(TypeError, match="twice takes 3 arguments, got 2"):
        twice.launch("twice", 1, 32, [0, 0])
    for grid, block in ((0, 32), (1, 0), (1, 1025), (2**31, 1)):
        with pytest.raises(ValueError, match="cannot be launched"):
            twice.launch("twice", grid, block, [0, 0, 0])


def test_processes_share_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four at once make one library, and nothing is left of a process that died at work."""
    monkeypatch.setattr(library, "FOLDER", tmp_path)
    made = []
    compile_ptx: Callable[..., str] = nvrtc.compile_ptx
    monkeypatch.setattr(nvrtc, "compile_ptx", lambda *a: (made.append(a), compile_ptx(*a))[1])
    code = 'extern "C" __global__ void one(int* a) { a[0] = 1; }\n'
    with ThreadPoolExecutor(4) as pool:
        paths = set(pool.map(lambda _: library.compiled(library.ptx_of(code, nvrtc.OPTIONS)), range(4)))
    assert len(made) == 1
    assert len(paths) == 1
    assert sorted(p.suffix for p in tmp_path.iterdir()) == [".lock", ".lock", ".ptx", ".so"]
    assert library.compiled(library.ptx_of(code, ("-fmad=false",))) in paths, "the same PTX is the same library"
    assert library.compiled(library.ptx_of(code, nvrtc.OPTIONS, 80)) not in paths


@pytest.mark.slow
def test_address_sanitizer_stops_a_wild_write() -> None:
    """Without extents nothing but AddressSanitizer knows where an array ends."""
    script = f"""
import ctypes, sys
import numpy as np
from virtual_device.library import Library
from stmgpu.backend import nvrtc
twice = Library({TWICE!r}, nvrtc.OPTIONS, sanitize=True)
a, b = np.ones(50), np.ones(50)
twice.launch("twice", 2, 32, [int(sys.argv[1]), a.ctypes.data, b.ctypes.data])
print("sum", b.sum())
"""
    environment = {
        **library.sanitized_environment(),
        "PYTHONPATH": os.pathsep.join(map(str, [Path(__file__).parents[1]])),
    }
    results = [
        subprocess.run(
            [sys.executable, "-c", script, n], env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        for n in ("50", "51")
    ]
    assert results[0].returncode == 0, results[0].stderr[-2000:]
    assert "sum 100.0" in results[0].stdout
    assert results[1].returncode != 0
    assert "AddressSanitizer: heap-buffer-overflow" in results[1].stderr
    assert "twice" in results[1].stderr
