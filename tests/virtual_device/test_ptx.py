"""What the kernels' PTX may hold, and how it is read."""

from __future__ import annotations

import numpy as np
import pytest
from virtual_device import library, ptx, translate
from virtual_device.library import DeviceFault, Library
from virtual_device.ptx import LOCAL, PtxError

from stmgpu.backend import nvrtc
from stmgpu.backend.signature import parse
from stmgpu.backend.source import flatten, kernel_files
from stmgpu.errors import BackendError

ENTRY = 'extern "C" __global__ void k'
AXPY = ENTRY + "(float* a, double* b) { a[0] = a[1] * a[2] + a[3] / sqrtf(a[4]); b[0] = b[1] * b[2] + b[3]; }\n"
HEAD = ".version 9.5\n.target sm_90\n.address_size 64\n"


@pytest.fixture(autouse=True)
def _bindings() -> None:
    try:
        nvrtc.version()
    except BackendError as error:
        pytest.skip(str(error))


# ------------------------------------------------------------------------------------------------------ forbidden
@pytest.mark.parametrize(
    "arch", [a if a == 90 else pytest.param(a, marks=pytest.mark.slow) for a in nvrtc.ARCHITECTURES]
)
def test_kernels_hold_nothing_but_ieee_arithmetic(arch: int) -> None:
    for file in kernel_files():
        text = library.ptx_of(flatten(file), nvrtc.OPTIONS, arch)
        assert not ptx.forbidden(text), f"{file.name} for compute_{arch}"
        assert set(ptx.parse(text)) == {s.name for s in parse(file)}


def _without(*options: str) -> tuple[str, ...]:
    return tuple(o for o in nvrtc.OPTIONS if o.split("=")[0] not in options)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ((*_without("-fmad"), "-fmad=true"), "fused"),
        (_without("-fmad"), "fused"),
        ((*nvrtc.OPTIONS, "-ftz=true"), "flushed subnormals"),
        ((*_without("-prec-div"), "-prec-div=false"), "division without IEEE rounding"),
        ((*_without("-prec-sqrt"), "-prec-sqrt=false"), "approximate"),
        (("--use_fast_math",), "flushed subnormals"),
    ],
)
@pytest.mark.parametrize("arch", [90, 100])
def test_an_option_that_breaks_the_bytes_is_caught(options: tuple[str, ...], reason: str, arch: int) -> None:
    assert not ptx.forbidden(library.ptx_of(AXPY, nvrtc.OPTIONS, arch))
    found = ptx.forbidden(library.ptx_of(AXPY, options, arch))
    assert any(line.startswith(reason) for line in found), found


def test_a_real_kernel_with_fused_operations_is_caught() -> None:
    (census,) = [file for file in kernel_files() if file.stem == "census"]
    found = ptx.forbidden(library.ptx_of(flatten(census), (*_without("-fmad"), "-fmad=true")))
    assert sum(line.startswith("fused") for line in found) > 10


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("a[0] = __fdividef(a[1], a[2]);", "approximate"),
        ("a[0] = __sinf(a[1]);", "approximate"),
        ("a[0] = __fmaf_rn(a[1], a[2], a[3]);", "fused"),
        ("a[0] = fma(double(a[1]), double(a[2]), 1.0);", "fused"),
        ("a[0] = sin(double(a[1]));", "fused"),
        ("a[0] = __saturatef(a[1]);", "clamped"),
        ("atomicAdd(a, 1.0f);", "sum of floats"),
        ("atomicAdd((double*)a, 1.0);", "sum of floats"),
        ("a[0] = far(a[1]);", "device function"),
    ],
)
def test_an_operation_that_breaks_the_bytes_is_caught(body: str, reason: str) -> None:
    far = "__device__ __noinline__ float far(float x) { return x > 1 ? x * far(x - 1) : 1; }\n"
    text = library.ptx_of(f"{far}{ENTRY}(float* a) {{ {body} }}\n", nvrtc.OPTIONS)
    assert any(line.startswith(reason) for line in ptx.forbidden(text)), text


@pytest.mark.parametrize(
    "line",
    [
        "mad.lo.s64 \t%rd1, %rd2, %rd3, %rd4;",
        "fma_like.b32 %r1;",
        "add.rn.f64 %fd1, %fd2, %fd3;",
        "add.sat.s32 %r1, %r2, %r3;  // only floats are clamped to [0, 1]",
        "// fma.rn.f64 stands in a comment",
        "atom.global.add.u64 %rd1, [%rd2], %rd3;",
        "bra $L__call;",
    ],
)
def test_what_is_harmless_is_no_alarm(line: str) -> None:
    assert not ptx.forbidden(line)


# --------------------------------------------------------------------------------------- threads that know of others
@pytest.mark.parametrize(
    "body",
    [
        "__shared__ int s[32]; s[threadIdx.x] = a[0]; __syncthreads(); a[1] = s[3];",
        "extern __shared__ int s[]; a[1] = s[threadIdx.x];",
        "__syncthreads(); a[0] = 1;",
        "a[threadIdx.x] = __shfl_sync(~0u, a[threadIdx.x], 3);",
        "a[0] = __ballot_sync(~0u, a[threadIdx.x] > 0);",
        "a[0] = __activemask();",
        "a[0] = __any_sync(~0u, a[threadIdx.x]);",
        "__threadfence(); a[0] = 1;",
        "a[0] = atomicCAS(a, 1, 2);",
        "volatile int* v = a; v[0] = v[1];",
        "a[0] = clock();",
        "a[0] = far(a[1]);",
        "a[0] = table[a[1]];",
        "a[0] = threadIdx.y + blockIdx.z;",
    ],
)
def test_kernels_whose_threads_are_not_independent_are_refused(body: str) -> None:
    far = "__device__ __noinline__ int far(int x) { return x > 1 ? x * far(x - 1) : 1; }\n"
    table = "__device__ int table[9];\n" if "table" in body else ""
    text = library.ptx_of(f"{far if 'far' in body else ''}{table}{ENTRY}(int* a) {{ {body} }}\n", nvrtc.OPTIONS)
    with pytest.raises(PtxError):
        translate.thread_source(ptx.parse(text))


# -------------------------------------------------------------------------------------------------------- reading
def test_blocks_and_where_they_lead() -> None:
    text = HEAD + (
        ".visible .entry walk(\n\t.param .u64 walk_param_0,\n\t.param .f64 walk_param_1\n)\n"
        ".maxntid 128, 1, 1\n.minnctapersm 2\n{\n\t.reg .pred \t%p<3>;\n\t.reg .b32 \t%r<4>;\n\n"
        "\tmov.u32 \t%r1, %tid.x;\n\t@%p1 bra \t$L__BB0_3;\n\n"
        "\tmov.u32 \t%r1, 1;\n\n"
        '$L__BB0_2:\n\t.pragma "nounroll";\n\t{\n\t.reg .b32 %t;\n\tshl.b32 \t%t, %r1, 2;\n\t}\n'
        "\t{\n\t.reg .b32 %t;\n\tshl.b32 \t%t, %r1, 3;\n\t}\n\t@!%p2 bra \t$L__BB0_2;\n\n"
        "$L__BB0_3:\n\n$L__BB0_4:\n\tbra.uni \t$L__BB0_5;\n\n$L__BB0_5:\n\t@%p1 ret;\n\tret;\n\n}\n"
    )
    (kernel,) = ptx.parse(text).values()
    assert kernel.parameters == {"walk_param_0": "u64", "walk_param_1": "f64"}
    assert kernel.registers["%t"] == "b32"
    assert set(kernel.registers) == {"%p0", "%p1", "%p2", "%r0", "%r1", "%r2", "%r3", "%t"}
    labels = [block.label for block in kernel.blocks]
    assert labels == ["entry", "after_0", "$L__BB0_2", "$L__BB0_3", "$L__BB0_4", "$L__BB0_5", "after_5"]
    assert [block.successors for block in kernel.blocks] == [(3, 1), (2,), (2, 3), (4,), (5,), (7, 6), (7,)]
    assert [i.number for i in kernel.instructions] == list(range(len(kernel.instructions)))
    assert str(kernel.blocks[2].instructions[-1]) == "@!%p2 bra $L__BB0_2;"
    assert ptx.implied(kernel) == [False, False, False, True, True, False, False]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (".target sm_90", ".target sm_90\n.extern .shared .align 4 .b8 s[];", "outside of kernels"),
        (".visible .entry", ".func f()\n{\n\tret;\n}\n.visible .entry", "outside of kernels"),
        (".reg .b32 \t%r<4>;", ".shared .align 4 .b8 s[32];", "unknown"),
        (".reg .b32 \t%r<4>;", ".reg .v4 .b32 %q;", "unknown"),
        (".reg .b32 \t%r<4>;", ".reg .b64 \t%r<4>;\n\t.reg .b32 \t%r<4>;", "declared as b64 and as b32"),
        (".param .u64", ".param .align 8 .b8", "parameter"),
        ("bra \t$L__BB0_2", "bra \t$L__BB0_9", "leads to no label"),
        ("ret;", "RET;", "unknown"),
    ],
)
def test_what_cannot_be_read_is_named(old: str, new: str, message: str) -> None:
    text = HEAD + (
        ".visible .entry walk(\n\t.param .u64 walk_param_0\n)\n{\n\t.reg .b32 \t%r<4>;\n\n"
        "\tbra \t$L__BB0_2;\n\n$L__BB0_2:\n\tret;\n\n}\n"
    )
    ptx.parse(text)
    with pytest.raises(PtxError, match=message):
        ptx.parse(text.replace(old, new, 1))


def test_origins_of_addresses() -> None:
    code = ENTRY + (
        "(long long n, int* a, const int* __restrict__ b, int* c) {\n"
        "    int own[9];\n"
        "    for (int k = 0; k < 9; ++k) own[k] = a[k];\n"
        "    int* chosen = n > 3 ? a : c;\n"
        "    for (long long k = 0; k < n; ++k) { chosen[k] = own[(n + k) % 9]; chosen += own[b[k] % 9]; }\n"
        "}\n"
    )
    for arch in (90, 100):
        (kernel,) = ptx.parse(library.ptx_of(code, nvrtc.OPTIONS, arch)).values()
        known = ptx.origins(kernel)
        spaces: dict[str, set[frozenset[str]]] = {}
        for i in kernel.instructions:
            if i.parts[0] in ("ld", "st") and i.parts[1] in ("global", "local"):
                where = ptx.address(i.operands[0 if i.parts[0] == "st" else 1])[0]
                spaces.setdefault(".".join(i.parts[:2]), set()).add(known[where])
        assert spaces["ld.local"] == spaces["st.local"] == {frozenset({LOCAL})}
        assert spaces["ld.global"] == {frozenset({"k_param_1"}), frozenset({"k_param_2"})}
        assert spaces["st.global"] == {frozenset({"k_param_1", "k_param_3"})}


def test_a_choice_between_arrays_is_checked_against_both() -> None:
    code = ENTRY + "(int n, int* a, int* c) { int* chosen = n > 3 ? a : c; chosen[n] = n; }\n"
    device = Library(code, nvrtc.OPTIONS)
    a, c = np.zeros(8, np.int32), np.zeros(4, np.int32)
    for n in (7, 3, 0, 4):
        device.launch("k", 1, 1, [n, a.ctypes.data, c.ctypes.data], 0, [None, 32, 16])
    assert a.tolist() == [0, 0, 0, 0, 4, 0, 0, 7]
    assert c.tolist() == [0, 0, 0, 3]
    with pytest.raises(DeviceFault, match="byte 32 of argument 1, which has 32 bytes or byte"):
        device.launch("k", 1, 1, [8, a.ctypes.data, c.ctypes.data], 0, [None, 32, 0])
