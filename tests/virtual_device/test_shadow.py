"""Each launch of the scalar cpu build, repeated on the device and compared as integers; and what would be noticed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from support.device import is_virtual
from support.orbits import shared
from support.plans import plan_for
from support.workflows import WORKFLOWS
from virtual_device import library
from virtual_device.shadow import ShadowedBackend, WatchedBackend

import stmgpu as stm
from stmgpu.backend import Backend, nvrtc
from stmgpu.backend.cpu import usable_levels
from stmgpu.backend.cuda import CudaBackend
from stmgpu.backend.signature import signatures
from stmgpu.backend.source import flatten
from stmgpu.debris.collisions.cube import Cube
from stmgpu.debris.evolution.loop import Evolution
from stmgpu.debris.evolution.members import Coefficients, Members
from stmgpu.debris.population.sources import load_population
from stmgpu.debris.scenario import Scenario
from stmgpu.debris.study.scenario_file import read_study, shipped_scenarios
from stmgpu.propagate.screening_objects import ScreeningObjects
from stmgpu.screen.engine import run

pytestmark = [
    pytest.mark.skipif("scalar" not in usable_levels(), reason="the kernels were not compiled here"),
    pytest.mark.parametrize("kernel_backend", ["cuda"], indirect=True),
]

SCREENING = (
    "sgp4_init", "sgp4_grid", "sgp4_list", "sdp4_init", "sdp4_knots", "sdp4_grid", "sdp4_list", "node_errors",
    "fill_rows", "sum_chunks", "cell_starts", "sort_rows", "find_pairs",
)  # fmt: skip
DEBRIS = (
    "secular_step", "cube_cells", "cube_link", "cube_match", "cube_pairs", "census_shells", "field_moments",
    "field_partners", "field_met", "field_hits", "field_rates", "field_shells",
)  # fmt: skip


@pytest.fixture(autouse=True)
def as_numbered(kernel_backend: Backend) -> Iterator[None]:
    """Lanes claim places in their order, on the device as on the cpu."""
    if not is_virtual():
        yield
        return
    with kernel_backend.xp.virtual.changed(order=0):  # type: ignore[attr-defined]
        yield


def agreed(backend: ShadowedBackend, *kernels: str) -> None:
    """These kernels were launched, and none of those launched gave other numbers."""
    assert backend.differences == {}
    assert set(kernels) <= set(backend.compared)
    assert all(c.numbers > 0 for c in backend.compared.values())


def shipped() -> Scenario:
    return read_study(shipped_scenarios()["removal"]).scenarios[0]


@pytest.mark.parametrize("name", WORKFLOWS)
def test_every_launch_of_a_workflow(name: str, kernel_backend: Backend) -> None:
    backend = ShadowedBackend(kernel_backend)
    WORKFLOWS[name](backend)
    agreed(backend)


def test_no_kernel_is_left_out(kernel_backend: Backend) -> None:
    """A kernel that no workflow launches is compared by nobody: add it to one in ``tests/support/workflows.py``."""
    launched: set[str] = set()

    class Recorder(ShadowedBackend):
        def launch(self, kernel: str, items: int, *args: object) -> None:
            launched.add(kernel)
            super(ShadowedBackend, self).launch(kernel, items, *args)

    for workflow in WORKFLOWS.values():
        workflow(Recorder(kernel_backend))
    assert launched == set(signatures())


@pytest.mark.slow
def test_no_races(kernel_backend: Backend) -> None:
    """Threads share places through atomics alone; they only read a counter to stop far beyond any capacity."""
    watched = WatchedBackend()
    backend = ShadowedBackend(watched)
    for workflow in WORKFLOWS.values():
        workflow(backend)
    agreed(backend, *signatures())
    assert set(watched.races) == {("find_pairs", "count"), ("cube_match", "count")}, watched.races


@pytest.mark.slow
def test_contraction_is_seen(kernel_backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    """With fused multiply-adds every kernel into which NVRTC puts one gives other numbers, and no other kernel."""
    if not is_virtual():
        pytest.skip("on a real device ptxas fuses what NVRTC has left, which no PTX shows")
    options = tuple("-fmad=true" if option == "-fmad=false" else option for option in nvrtc.OPTIONS)
    assert options != nvrtc.OPTIONS
    monkeypatch.setattr(nvrtc, "OPTIONS", options)
    backend = ShadowedBackend(CudaBackend())
    for workflow in WORKFLOWS.values():
        workflow(backend)
    fused = set()
    for file in {s.file for s in signatures().values()}:
        for kernel in library.Library(flatten(file), options).kernels.values():
            if any(instruction.parts[0] == "fma" for instruction in kernel.instructions):
                fused.add(kernel.name)
    assert len(fused) > 10
    # their results are whole numbers, and float32: a rounding in float64 hardly ever reaches them
    hidden = {"census_shells", "cube_cells", "fill_rows", "line_hits", "twobody_hits"}
    assert fused - set(backend.differences) <= hidden
    assert set(backend.differences) <= fused


@pytest.mark.slow
def test_a_screening_of_a_real_catalogue(kernel_backend: Backend) -> None:
    """Half an hour of a day's catalogue of 26,389 objects, among them 126 that fail and all kinds of resonance."""
    catalog = stm.read_catalog(shared("catalogs/2024-07-05.tle"))
    backend = ShadowedBackend(kernel_backend)
    result = run(ScreeningObjects(catalog), plan_for((2460497.0, 0.0), 1800.0, 5.0, len(catalog)), backend)
    assert len(result.events) > 100
    assert len(result.part.failed_object) > 50
    agreed(backend, *SCREENING)


@pytest.mark.slow
def test_a_year_of_the_shipped_scenario(kernel_backend: Backend) -> None:
    """One run of a year: 15,000 objects, launches, collisions in cells that are thin in radius, rates by mean field."""
    scenario, backend = shipped(), ShadowedBackend(kernel_backend)
    population = load_population(scenario.population)
    (result,) = Evolution(scenario, population, years=1.0, seed=0, run_numbers=[0], backend=backend).run()
    assert result.series["launches"][-1].sum() > 100.0
    agreed(backend, *DEBRIS)


@pytest.mark.slow
@pytest.mark.parametrize("lattice", ["cube", "shell"])
def test_cells_of_20_km(lattice: str, kernel_backend: Backend) -> None:
    """A step of the shipped scenario's population in fine cells of both kinds."""
    backend = ShadowedBackend(kernel_backend)
    population = load_population(shipped().population)
    members = Members(backend, len(population), Coefficients(2.2, 1.2))
    members.add(0, np.arange(len(population), dtype=np.int64), population)
    cube = Cube(backend, seed=1, run_numbers=0, cube_km=20.0, resamples=64, lattice=lattice)
    assert len(cube.encounters(members.state, 3)) > 50
    agreed(backend, "cube_cells", "cube_link", "cube_match", "cube_pairs")
