"""Faults put into kernels and host code on purpose: the checks of the other tests must find each of them.

A kernel's fault goes into the text that the backend compiles, or into NVRTC's PTX; a host's fault into the product's
own functions. The checks are those that the suite makes: workflows compared byte by byte, shadow runs, the text of the
PTX, the checked accesses and arguments of the virtual device, and budgets.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.device import is_virtual
from support.workflows import WORKFLOWS, same_bytes
from virtual_device import budgets, library
from virtual_device.ptx import forbidden
from virtual_device.shadow import ShadowedBackend, WatchedBackend

from stmgpu.backend import Backend, cuda, nvrtc, source
from stmgpu.backend.cpu import CpuBackend, usable_levels
from stmgpu.backend.cuda import CudaBackend
from stmgpu.backend.signature import signature
from stmgpu.debris.collisions import cube_kernels
from stmgpu.errors import KernelContractError
from stmgpu.propagate.sgp4 import SGP4Propagator
from stmgpu.screen import refine

pytestmark = [
    pytest.mark.skipif("scalar" not in usable_levels(), reason="the kernels were not compiled here"),
    pytest.mark.parametrize("kernel_backend", ["cuda"], indirect=True),
]


@pytest.fixture(autouse=True)
def virtual(kernel_backend: Backend) -> Iterator[Any]:
    """Settings and counts of the virtual device, whose threads run as numbered."""
    if not is_virtual():
        pytest.skip("a real device is not handed faulty kernels")
    module = kernel_backend.xp.virtual  # type: ignore[attr-defined]
    with module.changed(order=0):
        yield module


@pytest.fixture
def rewritten(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str, str, str], None]:
    """Change a passage of a kernel file wherever its text is compiled for the device."""
    monkeypatch.setenv("STMGPU_CACHE_DIR", str(tmp_path))  # nobody else needs the machine code

    def rewrite(file: str, passage: str, other: str) -> None:
        flatten = source.flatten

        def changed(path: Path) -> str:
            text = flatten(path)
            if path.name != file:
                return text
            assert text.count(passage) == 1, f"{passage!r} stands {text.count(passage)} times in {file}"
            return text.replace(passage, other)

        for module in (source, nvrtc):
            monkeypatch.setattr(module, "flatten", changed)

    return rewrite


def differences(workflow: str) -> dict[str, str]:
    """Kernels whose launches in a workflow give other numbers on the device."""
    backend = ShadowedBackend(CudaBackend())
    WORKFLOWS[workflow](backend)
    return backend.differences


def compare(workflow: str) -> None:
    """The check that the suite makes of a workflow on the cuda backend."""
    same_bytes(WORKFLOWS[workflow](CudaBackend()), WORKFLOWS[workflow](CpuBackend(1)))


def test_a_contracted_operation(kernel_backend: Backend, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("STMGPU_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(nvrtc, "OPTIONS", tuple(o.replace("-fmad=false", "-fmad=true") for o in nvrtc.OPTIONS))
    text = library.ptx_of(source.flatten(signature("mathx_values").file), nvrtc.OPTIONS)
    assert any(line.startswith("fused") for line in forbidden(text))
    assert set(differences("functions")) == {"mathx_values"}
    with pytest.raises(AssertionError, match="differ"):
        compare("functions")


def test_a_swapped_operand(kernel_backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    """a - b turned into b - a in the PTX, at the last of a kernel's subtractions."""
    ptx_of = library.ptx_of

    def swapped(code: str, options: tuple[str, ...], arch: int = 90) -> str:
        text = ptx_of(code, options, arch)
        if "STM_KERNEL mathx_values(" not in code:
            return text
        last = list(re.finditer(r"sub\.rn\.f64\s+(%\w+), (%\w+), (%\w+);", text))[-1]
        return f"{text[: last.start()]}sub.rn.f64 {last[1]}, {last[3]}, {last[2]};{text[last.end() :]}"

    monkeypatch.setattr(library, "ptx_of", swapped)
    monkeypatch.setattr("cupy._modules._libraries", {})
    found = differences("functions")
    assert set(found) == {"mathx_values"}
    assert "on the cpu and" in found["mathx_values"]


@pytest.mark.parametrize(("parameter", "dtype"), [("objects", np.int32), ("units", np.float32)])
def test_the_width_of_an_argument(
    kernel_backend: Backend, monkeypatch: pytest.MonkeyPatch, virtual: Any, parameter: str, dtype: type
) -> None:
    """The host passes four bytes where the kernel reads eight."""
    right = signature("census_shells")
    wrong = [dataclasses.replace(p, dtype=np.dtype(dtype)) if p.name == parameter else p for p in right.parameters]
    monkeypatch.setattr(cuda, "signature", lambda name: dataclasses.replace(right, parameters=tuple(wrong)))
    with pytest.raises(virtual.NotOnADeviceError, match="has 4 bytes, the kernel reads 8"):
        compare("shells")


def test_the_type_of_an_array(kernel_backend: Backend, rewritten: Callable[[str, str, str], None]) -> None:
    """The kernel reads the doubles of an array as float32."""
    rewritten("census.cu", "const double* STM_RESTRICT mass_kg", "const float* STM_RESTRICT mass_kg")
    rewritten("census.cu", "load(mass_kg + i)", "(double)mass_kg[i]")
    assert set(differences("shells")) == {"census_shells"}


def test_an_order_of_threads(kernel_backend: Backend, rewritten: Callable[[str, str, str], None], virtual: Any) -> None:
    """Of a pair that object is called the first which the threads reached first: right only where they run in order."""
    rewritten("cube.cu", "const bool ordered = uid[i] < uid[j];", "const bool ordered = false;")
    compare("encounters")
    for order in (1, 7):
        with virtual.changed(order=order), pytest.raises(AssertionError, match="differ"):
            compare("encounters")


@pytest.mark.parametrize(
    ("passage", "other", "race"),
    [
        (
            "{ return atomicAdd(counter, amount); }",
            "{ i32 old = *counter; *counter = old + amount; return old; }",
            ("cube_match", "count"),
        ),
        (
            "{ return atomicExch(place, value); }",
            "{ i32 old = *place; *place = value; return old; }",
            ("cube_link", "head"),
        ),
        ("*beyond = 1;", "*beyond = (i32)lane + 1;", ("cube_cells", "beyond")),
    ],
    ids=["add", "exchange", "flag"],
)
def test_a_race(
    kernel_backend: Backend,
    rewritten: Callable[[str, str, str], None],
    passage: str,
    other: str,
    race: tuple[str, str],
) -> None:
    """Without its atomic a kernel still comes out right while whole threads run after each other, but not by right."""
    rewritten("cube.cu", passage, other)
    watched = WatchedBackend()
    backend = ShadowedBackend(watched)
    WORKFLOWS["encounters"](backend)
    assert race in watched.races


def test_memory_that_nobody_wrote(kernel_backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sums that begin with what is in the memory, which is 0 in the first run of a process."""
    monkeypatch.setattr(CudaBackend, "zeros", CudaBackend.empty)
    with pytest.raises(AssertionError, match="census"):
        compare("shells")


@pytest.mark.parametrize(
    ("passage", "other", "argument"),
    [
        ("load(mass_kg + i)", "load(mass_kg + i + 16)", "mass_kg"),
        ("ints here = place +", "ints here = place + shells * classes * runs * CENSUS_SUMS +", "sums"),
        ("load(o + ORBIT_WEIGHT * capacity)", "load(o - 16 + ORBIT_ROWS * capacity * 2)", "orbit"),
    ],
)
def test_an_access_out_of_bounds(
    kernel_backend: Backend,
    rewritten: Callable[[str, str, str], None],
    virtual: Any,
    passage: str,
    other: str,
    argument: str,
) -> None:
    rewritten("census.cu", passage, other)
    with pytest.raises(
        virtual.NotOnADeviceError, match=rf"census_shells, thread \d+ of block \d+.* argument {argument}"
    ):
        compare("shells")


def test_numpy_on_an_array_of_the_device(
    kernel_backend: Backend, monkeypatch: pytest.MonkeyPatch, virtual: Any
) -> None:
    monkeypatch.setattr(refine, "dot", lambda a, b: np.sum(a * b, axis=0))
    with pytest.raises((TypeError, virtual.NotOnADeviceError), match="numpy"):
        compare("screening")


def test_another_device(kernel_backend: Backend, virtual: Any) -> None:
    """An array of one GPU in a launch on another, and in an expression beside one of another."""
    with virtual.changed(devices=2):
        first, second = CudaBackend(0), CudaBackend(1)
        x = first.put(np.zeros(16))
        with pytest.raises(KernelContractError, match="lies on GPU 0, the backend runs on GPU 1"):
            second.launch("mathx_values", 16, 16, 0, x, x, x, x)
        y = second.put(np.zeros(16))
        with pytest.raises(ValueError, match="is different from the current device"):
            x + y


def broken_budget(name: str, backend: Backend) -> list[str]:
    """What the check of budgets says of a piece of work with a fault in it."""
    return budgets.verdict(name, budgets.CASES[name](backend))


def test_a_wait_too_many(kernel_backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    """A check of indices that waits for the device."""
    at = SGP4Propagator.at

    def checked(self: SGP4Propagator, index: Any, t_s: Any) -> Any:
        assert int(index.min()) >= 0
        return at(self, index, t_s)

    monkeypatch.setattr(SGP4Propagator, "at", checked)
    found = broken_budget("a list of states", kernel_backend)
    assert any("waits, its budget is" in sentence for sentence in found)


def test_a_launch_too_many(kernel_backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pairs are matched twice."""
    match = cube_kernels.CubeKernels._match

    def twice(self: Any, *args: Any) -> Any:
        match(self, *args)
        return match(self, *args)

    monkeypatch.setattr(cube_kernels.CubeKernels, "_match", twice)
    found = broken_budget("a move of debris", kernel_backend)
    assert any("launches, its budget is" in sentence for sentence in found)


def test_bytes_too_many(kernel_backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    """States that take the way over the host."""
    grid = SGP4Propagator.grid
    monkeypatch.setattr(SGP4Propagator, "grid", lambda self, t_s: tuple(map(kernel_backend.get, grid(self, t_s))))
    found = broken_budget("a grid of states", kernel_backend)
    assert any("bytes_moved, its budget is" in sentence for sentence in found)
