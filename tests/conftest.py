"""Fixtures that all tests share: the backends, the instruction sets, the shared data, and the device of ``cuda``.

Tests with the parameter ``cuda``, the fixture ``cuda`` or the mark ``cuda`` run on a GPU where there is one, else on
the virtual device (``tests/virtual_device``). Its stand-in for CuPy can be imported while such a test runs, also by
processes that the test starts, and at no other time.
"""

from __future__ import annotations

import importlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest
from support.paths import SHARED
from support.studies import write_study

from stmgpu.backend import Backend, nvrtc
from stmgpu.backend.cpu import CpuBackend, usable_levels
from stmgpu.backend.reference import ReferenceBackend
from stmgpu.errors import BackendError


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--backend``, which the quick lane uses, and ``--device``."""
    parser.addoption(
        "--backend", choices=list(_MAKERS), help="run tests that exist for several backends on this one only"
    )
    parser.addoption(
        "--device",
        choices=["auto", "real", "virtual"],
        default="auto",
        help="where tests of the cuda backend run: auto is a GPU where there is one, else the virtual device",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what runs on a device, and deselect what runs on another backend than ``--backend``."""
    for item in items:
        if "cuda" in _backends_of(item) or "cuda" in getattr(item, "fixturenames", ()):
            item.add_marker("cuda")
    chosen = config.getoption("--backend")
    if chosen is None:
        return
    others = [item for item in items if _backends_of(item) - {chosen}]
    items[:] = [item for item in items if not _backends_of(item) - {chosen}]
    config.hook.pytest_deselected(items=others)


def _backends_of(item: pytest.Item) -> set[str]:
    """Return the backends that a test's parameters and marks name."""
    parameters = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
    named = {value for value in parameters.values() if isinstance(value, str) and value in _MAKERS}
    return named | ({"cuda"} if item.get_closest_marker("cuda") is not None else set())


def _cpu() -> Backend:
    return CpuBackend()


def _cuda() -> Backend:
    from stmgpu.backend.cuda import CudaBackend, devices

    return CudaBackend(len(devices()) - 1)


_MAKERS: dict[str, Callable[[], Backend]] = {"reference": ReferenceBackend, "cpu": _cpu, "cuda": _cuda}


def _make(name: str) -> Backend:
    try:
        return _MAKERS[name]()
    except BackendError as error:
        pytest.skip(f"backend {name}: {error}")


VIRTUAL = Path(__file__).parent / "virtual_device"


@cache
def _lack() -> str:
    """What the virtual device lacks on this machine; empty if it can run."""
    try:
        nvrtc.version()
    except BackendError as error:
        return str(error)
    return "" if shutil.which("g++") else "g++ is not installed"


@cache
def _has_gpu() -> bool:
    from stmgpu.backend.cuda import devices

    try:
        return bool(devices())
    except BackendError:
        return False


@cache
def _stand_in() -> dict[str, ModuleType]:
    """The stand-in for CuPy, imported under CuPy's names and taken out of :data:`sys.modules` again."""
    there = {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] == "cupy"}
    sys.path.insert(0, str(VIRTUAL))
    try:
        importlib.import_module("cupy.virtual")
        return {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] == "cupy"}
    finally:
        sys.path.remove(str(VIRTUAL))
        sys.modules.update(there)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test of the cuda backend where there is neither a GPU nor a virtual device."""
    from stmgpu.backend.cuda import devices

    if item.get_closest_marker("cuda") is not None:
        try:
            devices()
        except BackendError as error:
            real = item.config.getoption("--device") == "real"
            pytest.skip(f"no GPU: {error}; no virtual device: {'--device=real' if real else _lack()}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Let a test of the cuda backend, with its fixtures and processes, find the stand-in for CuPy."""
    device = item.config.getoption("--device")
    if item.get_closest_marker("cuda") is None or device == "real" or (device == "auto" and _has_gpu()) or _lack():
        return (yield)
    with pytest.MonkeyPatch.context() as patch:
        for name, module in _stand_in().items():
            patch.setitem(sys.modules, name, module)
        _stand_in()["cupy.virtual"].start_thread()
        paths = [str(VIRTUAL), str(VIRTUAL.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
        patch.setenv("PYTHONPATH", os.pathsep.join(paths))
        return (yield)


def pytest_sessionfinish() -> None:
    """Write which blocks of the kernels this process has run; a worker of xdist ends without its exit functions."""
    if (folder := os.environ.get("STMGPU_VIRTUAL_COVERAGE")) and _stand_in.cache_info().currsize:
        _stand_in()["cupy.virtual"].write_coverage(Path(folder))


@pytest.fixture(scope="session")
def stand_in() -> ModuleType:
    """The stand-in for CuPy itself, as ``import cupy`` gives it to a test with the mark ``cuda``."""
    if _lack():
        pytest.skip(_lack())
    return _stand_in()["cupy"]


@pytest.fixture(params=list(_MAKERS))
def backend(request: pytest.FixtureRequest) -> Backend:
    """Each backend in turn; one that cannot run here skips with the reason."""
    return _make(request.param)


@pytest.fixture(params=["cpu", "cuda"])
def kernel_backend(request: pytest.FixtureRequest) -> Backend:
    """The backends that run the compiled kernels."""
    return _make(request.param)


@pytest.fixture(params=["scalar", "x86-64-v2", "x86-64-v3", "x86-64-v4"])
def isa(request: pytest.FixtureRequest) -> str:
    """Instruction-set levels of the cpu backend."""
    if request.param not in usable_levels():
        pytest.skip(f"instruction set {request.param} was not compiled or this processor cannot run it")
    return str(request.param)


@pytest.fixture(scope="session")
def shared_catalogs() -> Path:
    """Folder of the real catalogues beside the checkout."""
    folder = SHARED / "data" / "catalogs"
    if not folder.is_dir():
        pytest.skip("the shared catalogues are not beside this checkout (../shared/data/catalogs)")
    return folder


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scenario file of a small study."""
    return write_study(tmp_path_factory.mktemp("study"))
