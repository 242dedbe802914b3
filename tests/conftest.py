"""Fixtures that all tests share: the backends, the instruction sets, and the shared data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.paths import SHARED
from support.studies import write_study

from stmgpu.backend import Backend
from stmgpu.backend.cpu import CpuBackend, usable_levels
from stmgpu.backend.reference import ReferenceBackend
from stmgpu.errors import BackendError


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--backend``, which the quick lane uses."""
    parser.addoption(
        "--backend", choices=list(_MAKERS), help="run tests that exist for several backends on this one only"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect what runs on another backend than ``--backend``, whatever fixture chooses it."""
    chosen = config.getoption("--backend")
    if chosen is None:
        return
    others = [item for item in items if _backends_of(item) - {chosen}]
    items[:] = [item for item in items if not _backends_of(item) - {chosen}]
    config.hook.pytest_deselected(items=others)


def _backends_of(item: pytest.Item) -> set[str]:
    """Return the backends that a test's parameters name."""
    parameters = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
    return {value for value in parameters.values() if isinstance(value, str) and value in _MAKERS}


def _cpu() -> Backend:
    return CpuBackend()


def _cuda() -> Backend:
    from stmgpu.backend.cuda import CudaBackend

    return CudaBackend()


_MAKERS: dict[str, Callable[[], Backend]] = {"reference": ReferenceBackend, "cpu": _cpu, "cuda": _cuda}


def _make(name: str) -> Backend:
    try:
        return _MAKERS[name]()
    except BackendError as error:
        pytest.skip(f"backend {name}: {error}")


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
