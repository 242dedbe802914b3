"""The stand-in offers nothing that CuPy lacks; runs where CuPy is installed, which needs no GPU."""

from __future__ import annotations

import importlib
import inspect
from types import ModuleType
from typing import Any

import pytest


@pytest.fixture(scope="module")
def real() -> ModuleType:
    cupy = pytest.importorskip("cupy", reason="CuPy is not installed")
    for name in ("compiler", "function", "memory", "runtime"):
        importlib.import_module(f"cupy.cuda.{name}")
    return cupy


def parameters(function: Any) -> list[tuple[str, Any, str]]:
    return [(p.name, p.kind, repr(p.default)) for p in inspect.signature(function).parameters.values()]


def public(owner: Any) -> set[str]:
    return {name for name in dir(owner) if not name.startswith("_")}


def test_types_of_elementwise_functions(real: ModuleType, stand_in: ModuleType) -> None:
    ours = {name: f for name in public(stand_in) if hasattr(f := getattr(stand_in, name), "types")}
    assert len(ours) > 30
    for name, function in ours.items():
        theirs = getattr(real, name).types
        assert [loop for loop in theirs if loop in function.types] == function.types, name


def test_functions_and_their_defaults(real: ModuleType, stand_in: ModuleType) -> None:
    ours = {name: f for name in public(stand_in) if inspect.isfunction(f := getattr(stand_in, name))}
    assert len(ours) > 25
    for name, function in ours.items():
        theirs = parameters(getattr(real, name))
        assert [p for p in theirs if p in parameters(function)] == parameters(function), name


def test_attributes(real: ModuleType, stand_in: ModuleType) -> None:
    for name in ("ndarray", "RawModule", "RawKernel"):
        assert public(getattr(stand_in, name)) <= public(getattr(real, name)), name
    operators = {name for name in dir(stand_in.ndarray) if name.startswith("__")} - set(dir(object))
    assert operators <= {*dir(real.ndarray), "__annotations__", "__weakref__", "__slots__"}
    for name in ("Device", "Event"):
        assert public(getattr(stand_in.cuda, name)) <= public(getattr(real.cuda, name)), name
    assert public(stand_in.get_default_memory_pool()) <= public(real.get_default_memory_pool())
    for name in ("compiler", "driver", "function", "memory", "runtime", "stream"):
        assert set(getattr(stand_in.cuda, name).__all__) <= public(getattr(real.cuda, name)), name


def test_errors(real: ModuleType, stand_in: ModuleType) -> None:
    for module, name in (
        ("memory", "OutOfMemoryError"),
        ("runtime", "CUDARuntimeError"),
        ("driver", "CUDADriverError"),
        ("compiler", "CompileException"),
    ):
        ours, theirs = (getattr(getattr(cupy.cuda, module), name) for cupy in (stand_in, real))
        assert [base.__name__ for base in ours.__mro__] == [base.__name__ for base in theirs.__mro__]
    assert str(stand_in.cuda.runtime.CUDARuntimeError(700)) == str(real.cuda.runtime.CUDARuntimeError(700))
    assert str(stand_in.cuda.memory.OutOfMemoryError(9, 9)) == str(real.cuda.memory.OutOfMemoryError(9, 9))
