"""The model behind ``benchmarks/device_counts.py``, on numbers that are worked out by hand."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from virtual_device import lockstep, ptx

from stmgpu.backend import nvrtc
from stmgpu.errors import BackendError

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    try:
        nvrtc.version()
    except BackendError as error:
        pytest.skip(str(error))
    monkeypatch.setattr(sys, "path", [str(BENCHMARKS), *sys.path])
    import device_counts

    return device_counts


@pytest.mark.parametrize(
    ("registers", "warps"), [(16, 64), (32, 64), (33, 48), (40, 48), (41, 40), (64, 32), (94, 20), (168, 12), (255, 8)]
)
def test_resident_warps(counts: ModuleType, registers: int, warps: int) -> None:
    """Of NVIDIA's occupancy calculator for compute capability 9.0 and blocks of 128 threads."""
    assert counts.resident_warps(registers) == warps


def test_bounds_of_a_lane(counts: ModuleType) -> None:
    """Two warps of 1,000 float64 operations, 100 divisions and 50 loads of 8 sectors each."""
    tally = counts.Tally(launches=[64], warps=2, classes=Counter({"f64": 2_000, "div f64": 200, "ld global": 100}))
    tally.sectors["ld"], tally.requests = 800, 100
    tally.array_bytes, tally.launched_warps = 3.35e6, 4
    a_lane = 1e12 / 32 / 132 / 1.755e9  # picoseconds of a clock of all multiprocessors
    assert tally.machine(0) == 1_000 + 100 * 17 + 50
    assert counts.bounds(tally) == pytest.approx({
        "issue": 2_750 / 4 * a_lane,
        "fp64": 1_900 / 2 * a_lane,
        "conversion": 0.0,
        "load/store": 400 / 4 * a_lane,
        "H100": 1e6 / 32 / 4,
        "H200": 3.35e6 / 4.8e12 * 1e12 / 32 / 4,
    })  # fmt: skip


def test_every_class_has_a_price_and_a_column(counts: ModuleType) -> None:
    shown = {name for names in counts.COLUMNS.values() for name in names}
    assert shown | {"parameter"} == set(counts.MODEL)


def test_arrays_are_moved_no_more_than_once(counts: ModuleType) -> None:
    text = (
        ".version 9.5\n.target sm_90\n.address_size 64\n"
        ".visible .entry k(\n\t.param .u64 k_param_0,\n\t.param .u64 k_param_1\n)\n{\n\t.reg .b64 \t%rd<9>;\n\n"
        "\tld.param.u64 \t%rd1, [k_param_0];\n\tld.param.u64 \t%rd2, [k_param_1];\n"
        "\tcvta.to.global.u64 \t%rd3, %rd1;\n\tcvta.to.global.u64 \t%rd4, %rd2;\n"
        "\tld.global.u64 \t%rd5, [%rd3];\n\tld.global.u64 \t%rd6, [%rd4];\n\tst.global.u64 \t[%rd4], %rd5;\n"
        "\tret;\n\n}\n"
    )
    (kernel,) = ptx.parse(text).values()
    sectors = np.array([0, 0, 0, 0, 10, 20, 5, 0])
    sampled = lockstep.Counts(kernel, 4, np.ones(1), np.ones(1), sectors > 0, sectors)
    # of 8 warps: 20, 40 and 10 sectors, but the first array has only 100 bytes
    assert counts._moved(sampled, 8, [100, 10_000]) == 100 + 40 * 32 + 10 * 32


def test_copies_begin_where_arrays_of_a_gpu_do(counts: ModuleType) -> None:
    for array in (np.arange(7.0), np.ones((3, 5), np.float32), np.arange(9, dtype=np.int8)):
        copy = counts._aligned(array)
        assert copy.ctypes.data % 512 == 0
        assert copy.dtype == array.dtype
        assert np.array_equal(copy, array)


def test_classes_of_the_kernels_are_known(counts: ModuleType) -> None:
    instruction = ptx.Instruction("mad.lo.s64", ("%rd1", "%rd2", "%rd3", "%rd4"))
    assert lockstep.instruction_class(instruction) == "whole multiply 64"
    for opcode, expected in {
        "mul.wide.s32": "whole multiply 32",
        "setp.lt.f64": "f64",
        "setp.lt.s64": "whole 64",
        "selp.f64": "select f64",
        "cvt.rn.f64.s64": "cvt f64",
        "cvt.rn.f32.f64": "cvt f64",
        "cvt.s64.s32": "cvt whole",
        "neg.f64": "move",
        "div.s64": "whole division 64",
        "rem.u32": "whole division 32",
        "and.pred": "predicate",
        "atom.relaxed.gpu.global.add.u32": "atom global",
        "ld.param.u64": "parameter",
        "ld.local.v2.f32": "ld local",
        "bra.uni": "branch",
    }.items():
        assert lockstep.instruction_class(ptx.Instruction(opcode, ())) == expected
        assert expected in counts.MODEL
