"""Everything that launches kernels gives the same bytes on the cpu and on the cuda backend."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.commands import stmgpu
from support.device import is_virtual
from support.stores import result_of, screen, small_catalog
from support.studies import evolve
from support.workflows import WORKFLOWS, same_bytes

import stmgpu as stm
from stmgpu.backend import Backend
from stmgpu.backend.cpu import CpuBackend, usable_levels
from stmgpu.backend.cuda import CudaBackend
from stmgpu.backend.signature import signatures
from stmgpu.catalog.ccsds.oem_writer import format_oem
from stmgpu.catalog.trajectories import Trajectories
from stmgpu.store import check_store

pytestmark = [
    pytest.mark.skipif(not usable_levels(), reason="the kernels were not compiled here"),
    pytest.mark.parametrize("kernel_backend", ["cuda"], indirect=True),
]


@pytest.fixture
def launched(kernel_backend: Backend, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Names of the kernels that are launched on the cuda backend."""
    names: set[str] = set()
    launch = CudaBackend.launch

    def recorded(self: CudaBackend, kernel: str, items: int, *args: Any) -> None:
        names.add(kernel)
        launch(self, kernel, items, *args)

    monkeypatch.setattr(CudaBackend, "launch", recorded)
    return names


@pytest.mark.parametrize("name", WORKFLOWS)
def test_the_same_bytes_as_on_the_cpu(name: str, kernel_backend: Backend) -> None:
    same_bytes(WORKFLOWS[name](kernel_backend), WORKFLOWS[name](CpuBackend()))


@pytest.mark.slow
@pytest.mark.parametrize("order", [1, 7])
def test_the_same_bytes_in_every_order_of_threads(order: int, kernel_backend: Backend) -> None:
    """Reversed, and in a permutation; a real device has an order of its own."""
    if not is_virtual():
        pytest.skip("threads are put in order on the virtual device")
    with kernel_backend.xp.virtual.changed(order=order):  # type: ignore[attr-defined]
        for workflow in WORKFLOWS.values():
            same_bytes(workflow(kernel_backend), workflow(CpuBackend()))


@pytest.mark.slow
def test_every_kernel_is_launched(kernel_backend: Backend, launched: set[str]) -> None:
    """A kernel that no workflow launches is not compared: add it to one in ``tests/support/workflows.py``."""
    for workflow in WORKFLOWS.values():
        workflow(kernel_backend)
    assert launched == set(signatures())


@pytest.mark.slow
def test_tiles_of_a_screening(kernel_backend: Backend, launched: set[str], tmp_path: Path) -> None:
    catalog = small_catalog(600)
    for name in ("cpu", "cuda"):
        outcome = screen(catalog, tmp_path / name, hours=2.5, tile_hours=1.0, chunk_objects=300, backend=name)
        assert outcome.complete
        assert outcome.computed == 9
    assert {"find_pairs", "sdp4_list"} <= launched
    assert result_of(tmp_path / "cuda") == result_of(tmp_path / "cpu")
    assert check_store(tmp_path / "cuda") == []


@pytest.mark.slow
def test_tiles_of_an_ensemble(kernel_backend: Backend, launched: set[str], study: Path, tmp_path: Path) -> None:
    for name in ("cpu", "cuda"):
        assert evolve(study, tmp_path / name, backend=name, runs_per_tile=2).complete
    assert {"secular_step", "cube_match", "census_shells", "field_rates"} <= launched
    assert result_of(tmp_path / "cuda") == result_of(tmp_path / "cpu")
    assert check_store(tmp_path / "cuda") == []


@pytest.mark.slow
def test_commands(kernel_backend: Backend, launched: set[str], study: Path, tmp_path: Path) -> None:
    """Screening of a catalogue and an ephemeris, an ephemeris of all objects, and a study, by the commands."""
    catalog = small_catalog(400)
    tle, oem = tmp_path / "objects.3le", tmp_path / "own.oem"
    stm.write_catalog(catalog[20:], tle, format="3le")
    own = stm.propagate(catalog[:20], "2025-01-01T03:00", hours=2, step_s=60, backend="cpu")
    oem.write_bytes(format_oem(Trajectories.from_dataset(own)))
    window = ("--start", "2025-01-01T03:20:00", "--hours", 1)
    commands: dict[str, tuple[Any, ...]] = {
        "screen": (tle, "--ephemeris", oem, "--threshold-km", 150, *window),
        "propagate": (tle, "--step-s", 300, *window),
        "evolve": (study, "--runs", 1, "--years", 1),
    }
    for verb, arguments in commands.items():
        launched.clear()
        for name in ("cpu", "cuda"):
            done = stmgpu(verb, *arguments, "--backend", name, "--out", tmp_path / f"{verb}-{name}")
            assert done.exit_code == 0, done.output
        assert launched
        assert result_of(tmp_path / f"{verb}-cuda") == result_of(tmp_path / f"{verb}-cpu")
    assert stm.open_dataset(tmp_path / "screen-cuda", "conjunctions").sizes["conjunction"] > 5
