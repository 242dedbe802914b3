"""Counts of warps in lockstep on kernels whose answer is counted by hand, and the same bytes as thread by thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from support.workflows import WORKFLOWS
from virtual_device import library, lockstep, ptx
from virtual_device.library import DeviceFault, Library
from virtual_device.shadow import ShadowedBackend

from stmgpu.backend import nvrtc
from stmgpu.backend.cpu import CpuBackend, usable_levels
from stmgpu.backend.cuda import BLOCK
from stmgpu.backend.signature import signature
from stmgpu.errors import BackendError

HEAD = """.version 9.5
.target sm_90
.address_size 64
.visible .entry k(
	.param .u64 k_param_0,
	.param .u64 k_param_1
)
{
	.reg .pred 	%p<9>;
	.reg .b32 	%r<9>;
	.reg .f64 	%fd<9>;
	.reg .b64 	%rd<9>;

	ld.param.u64 	%rd1, [k_param_0];
	ld.param.u64 	%rd2, [k_param_1];
	cvta.to.global.u64 	%rd3, %rd1;
	cvta.to.global.u64 	%rd4, %rd2;
	mov.u32 	%r1, %tid.x;
"""
TAIL = "\n\tret;\n\n}\n"


@pytest.fixture(autouse=True)
def _bindings() -> None:
    try:
        nvrtc.version()
    except BackendError as error:
        pytest.skip(str(error))


class Warps:
    """A kernel whose body is given as PTX, on two arrays of 4096 bytes, the second one the result."""

    def __init__(self, body: str) -> None:
        self.device = Library.of_ptx(HEAD + body + TAIL, "lockstep")
        room = np.zeros(4 * 512, np.uint64)
        start = -room.ctypes.data % 32 // 8  # arrays of CuPy begin at a sector
        self.arrays = room[start : start + 2 * 512].reshape(2, 512)

    def run(self, grid: int = 1, block: int = 32, **sample: int) -> lockstep.Counts:
        self.arrays[0], self.arrays[1] = np.arange(512), 0
        words = [row.ctypes.data for row in self.arrays]
        return self.device.count("k", grid, block, words, extents=[4096, 4096], **sample)


def _index(shift: int, base: str = "%rd3") -> str:
    """Put the address of element tid << shift into %rd6."""
    return f"\tmul.wide.u32 %rd5, %r1, {1 << shift};\n\tadd.s64 %rd6, {base}, %rd5;\n"


# ------------------------------------------------------------------------------------------------------- counting
def test_straight_code_counts_every_warp_once() -> None:
    counts = Warps(_index(3) + "\tld.global.f64 %fd1, [%rd6];\n\tadd.rn.f64 %fd2, %fd1, %fd1;\n").run(3, 64)
    assert counts.warps == 6
    assert counts.active() == 1.0
    assert counts.by_class() == {
        "parameter": 12,
        "move": 18,  # two cvta and the number of the thread
        "whole multiply 32": 6,
        "whole 64": 6,
        "ld global": 6,
        "f64": 6,
        "branch": 6,
    }


def test_lanes_beyond_the_block_do_not_run() -> None:
    counts = Warps(_index(3) + "\tld.global.u64 %rd7, [%rd6];\n").run(1, 40)
    assert counts.warps == 2
    assert counts.lanes.tolist() == [40]
    assert counts.active() == 40 / 64


@pytest.mark.parametrize(("first", "every", "warps"), [(0, 1, 12), (0, 3, 4), (2, 3, 4), (11, 5, 1), (12, 1, 0)])
def test_a_sample_of_warps(first: int, every: int, warps: int) -> None:
    kernel = Warps(_index(3, "%rd4") + "\tst.global.u64 [%rd6], %rd1;\n")
    counts = kernel.run(4, 96, first=first, every=every)
    assert counts.warps == warps
    assert counts.executed.tolist() == [warps]
    assert counts.active() == (1.0 if warps else 0.0)
    seen = {w % 3 for w in range(first, 12, every)}
    written = [w for w in range(16) if (kernel.arrays[1, 32 * w : 32 * w + 32] != 0).all()]
    assert set(written) == seen


# --------------------------------------------------------------------------------------------------------- sectors
@pytest.mark.parametrize(
    ("shift", "kind", "offset", "sectors"),
    [
        (3, "u64", 0, 8),  # 256 bytes in a row
        (2, "u32", 0, 4),
        (0, "u8", 0, 1),
        (5, "u64", 0, 32),  # a sector each
        (6, "u32", 0, 32),
        (4, "u64", 0, 16),
        (3, "u64", 16, 9),  # the row begins in the middle of a sector
        (3, "u64", 32, 8),
    ],
)
def test_sectors_of_a_load(shift: int, kind: str, offset: int, sectors: int) -> None:
    register = {"u64": "%rd7", "u32": "%r7", "u8": "%r7"}[kind]
    counts = Warps(_index(shift) + f"\tld.global.{kind} {register}, [%rd6+{offset}];\n").run()
    assert counts.memory("ld") == (1, sectors)
    assert counts.memory("st") == counts.memory("atom") == (0, 0)


def test_sectors_of_stores_and_atomics() -> None:
    body = _index(4, "%rd4") + (
        "\tst.global.u64 [%rd6], %rd1;\n"
        "\tatom.global.add.u32 %r2, [%rd4], 1;\n"  # all lanes at one place
        "\tsetp.lt.u32 %p1, %r1, 3;\n"
        "\t@%p1 st.global.u64 [%rd6+512], %rd1;\n"
        "\tsetp.lt.u32 %p2, %r1, 0;\n"
        "\t@%p2 st.global.u64 [%rd6+1024], %rd1;\n"
    )
    counts = Warps(body).run()
    assert counts.memory("st") == (2, 16 + 2)
    assert counts.memory("atom") == (1, 1)


# ------------------------------------------------------------------------------------------------------ divergence
def _lanes(counts: lockstep.Counts) -> list[tuple[int, int]]:
    return list(zip(counts.executed.tolist(), counts.lanes.tolist(), strict=True))


def test_lanes_part_at_a_branch_and_meet_behind_it() -> None:
    body = (
        "\tsetp.lt.u32 %p1, %r1, 8;\n\t@%p1 bra \t$L__BB0_1;\n"
        "\tmov.u32 %r2, 1;\n\tmov.u32 %r2, 2;\n\tbra.uni \t$L__BB0_2;\n"
        "$L__BB0_1:\n\tmov.u32 %r2, 3;\n$L__BB0_2:\n\tmov.u32 %r3, 4;\n"
    )
    counts = Warps(body).run()
    assert _lanes(counts) == [(1, 32), (1, 24), (1, 8), (1, 32)]
    assert counts.active() == pytest.approx((7 * 32 + 3 * 24 + 1 * 8 + 2 * 32) / (13 * 32))


def test_a_loop_runs_as_long_as_its_last_lane() -> None:
    body = (
        "\tmov.u32 %r2, 0;\n$L__BB0_1:\n\tadd.s32 %r2, %r2, 1;\n\tsetp.le.u32 %p1, %r2, %r1;\n\t@%p1 bra \t$L__BB0_1;\n"
        "\tmov.u32 %r3, 4;\n"
    )
    assert _lanes(Warps(body).run()) == [(1, 32), (32, sum(range(1, 33))), (1, 32)]


def test_lanes_that_return_take_part_no_more() -> None:
    body = "\tsetp.ge.u32 %p1, %r1, 5;\n\t@%p1 ret;\n\tmov.u32 %r3, 4;\n"
    assert _lanes(Warps(body).run()) == [(1, 32), (1, 5)]


def test_a_branch_within_a_loop_within_a_branch() -> None:
    """Lanes 0 to 15 go three times around a loop in which odd ones take another way."""
    body = (
        "\tand.b32 %r2, %r1, 1;\n\tsetp.eq.s32 %p2, %r2, 1;\n\tmov.u32 %r4, 0;\n"
        "\tsetp.ge.u32 %p1, %r1, 16;\n\t@%p1 bra \t$L__BB0_4;\n"
        "$L__BB0_1:\n\tadd.s32 %r4, %r4, 1;\n\t@%p2 bra \t$L__BB0_2;\n"
        "\tmov.u32 %r3, 1;\n\tbra.uni \t$L__BB0_3;\n"
        "$L__BB0_2:\n\tmov.u32 %r3, 2;\n"
        "$L__BB0_3:\n\tsetp.lt.u32 %p3, %r4, 3;\n\t@%p3 bra \t$L__BB0_1;\n"
        "$L__BB0_4:\n\tmov.u32 %r5, 4;\n"
    )
    assert _lanes(Warps(body).run()) == [(1, 32), (3, 48), (3, 24), (3, 24), (3, 48), (1, 32)]


def test_meeting_points() -> None:
    """Two loops, one with a way out of the kernel: what leaves there meets the others only at the end."""
    body = (
        "$L__BB0_1:\n\t@%p1 bra \t$L__BB0_3;\n\t@%p2 ret;\n$L__BB0_3:\n\t@%p3 bra \t$L__BB0_1;\n"
        "$L__BB0_4:\n\tmov.u32 %r2, 0;\n\t@%p4 bra \t$L__BB0_4;\n"
    )
    (kernel,) = ptx.parse(HEAD + body + TAIL).values()
    labels = [block.label for block in kernel.blocks]
    assert labels == ["entry", "$L__BB0_1", "after_1", "$L__BB0_3", "$L__BB0_4", "after_4"]
    assert lockstep.meeting_points(kernel) == [1, 6, 6, 6, 5, 6]


def test_a_kernel_without_end_is_refused() -> None:
    with pytest.raises(ptx.PtxError, match="the end cannot be reached"):
        lockstep.warp_source(ptx.parse(HEAD + "$L__BB0_1:\n\tbra.uni \t$L__BB0_1;\n" + TAIL))


def test_a_fault_names_the_lane() -> None:
    kernel = Warps(_index(8) + "\tld.global.u64 %rd7, [%rd6];\n")
    with pytest.raises(DeviceFault, match=r"k, thread 16 of block 0: ld\.global\.u64 .* byte 4096 of argument 0"):
        kernel.run()


def test_forms_are_not_mixed_up() -> None:
    kernel = Warps("\tmov.u32 %r3, 4;\n")
    with pytest.raises(ValueError, match="runs no threads one by one"):
        kernel.device.launch("k", 1, 32, [0, 0])
    threads = Library('extern "C" __global__ void one(int* a) { a[0] = 1; }\n', nvrtc.OPTIONS)
    with pytest.raises(ValueError, match="does not count"):
        threads.count("one", 1, 32, [0])


# ---------------------------------------------------------------------------------------------------- same bytes
TANGLE = """
extern "C" __global__ void tangle(long long n, const int* __restrict__ seed, unsigned long long* __restrict__ out) {
    const long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    unsigned long long h = seed[i];
    int own[6];
    for (int k = 0; k < 6; ++k) own[k] = (int)(h >> k) & 7;
    for (int a = 0; a < own[h % 6]; ++a) {
        if (h % 3 == 0) { h = h * 31 + a; continue; }
        for (long long b = i; b > 0; b /= 3) {
            h = (h ^ b) * 1099511628211ull;
            if (h % 7 == 1) break;
            own[h % 6] = (own[(h + 1) % 6] + a) % 9;
            if (h % 101 == 5) { out[i] = h; return; }
        }
        switch (h % 5) { case 0: h += 7; break; case 3: h /= 3; case 4: h ^= 99; break; default: h -= i; }
    }
    out[i] = h;
}
"""


@pytest.mark.parametrize("arch", [90, 100])
def test_a_tangle_of_branches_gives_the_same_bytes(arch: int) -> None:
    n = 1000
    seed = np.random.default_rng(0).integers(0, 1 << 30, n, np.int32)
    results = []
    for form in ("threads", "lockstep"):
        device = Library(TANGLE, nvrtc.OPTIONS, arch=arch, form=form)
        out = np.zeros(n, np.uint64)
        words = [n, seed.ctypes.data, out.ctypes.data]
        run: Callable[..., Any] = device.launch if form == "threads" else device.count
        counts = run("tangle", 8, 128, words, extents=[None, seed.nbytes, out.nbytes])
        results.append(out)
    assert np.array_equal(*results)
    assert 0.03 < counts.active() < 0.8
    assert (counts.lanes >= counts.executed).all()
    assert (counts.lanes <= 32 * counts.executed).all()


class Lockstep(CpuBackend):
    """A backend whose launches run in lockstep."""

    def put(self, array: Any, dtype: Any = None) -> np.ndarray:
        return np.array(array, dtype)

    def launch(self, kernel: str, items: int, *args: Any) -> None:
        contract = signature(kernel)
        words, extents = [], []
        for p, value in zip(contract.parameters, args, strict=True):
            bits = 0 if p.is_array else int.from_bytes(p.dtype.type(value).tobytes().ljust(8, b"\0"), "little")
            words.append(value.ctypes.data if p.is_array else bits)
            extents.append(value.nbytes if p.is_array else None)
        device = library.product(contract.file, form="lockstep")
        counts = device.count(kernel, -(-items // BLOCK), BLOCK, words, extents=extents)
        assert 0.0 < counts.active() <= 1.0


@pytest.mark.slow
@pytest.mark.skipif("scalar" not in usable_levels(), reason="the kernels were not compiled here")
@pytest.mark.parametrize("name", ["screening", "evolution", "shells", "rates", "encounters", "functions"])
def test_the_kernels_give_the_same_bytes_in_lockstep(name: str) -> None:
    """All but the places that lanes claim from a counter, whose turns are others in lockstep."""
    claimed = {
        "fill_rows": {"ranks"},
        "find_pairs": {"first", "second", "offset_s"},
        "cube_match": {"first", "second"},
    }
    backend = ShadowedBackend(Lockstep())
    WORKFLOWS[name](backend)
    assert backend.compared
    for kernel, comparison in backend.compared.items():
        assert set(comparison.differing) <= claimed.get(kernel, set()), kernel
