"""A device whose memory is too small for a plan gets smaller launches, and the result has the same bytes."""

from __future__ import annotations

import gc
import re
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.stores import result_of, screen, small_catalog
from support.workflows import WORKFLOWS, Arrays, same_bytes

import stmgpu as stm
from stmgpu.backend import Backend, get_backend
from stmgpu.backend.cpu import CpuBackend, usable_levels
from stmgpu.backend.cuda import CudaBackend
from stmgpu.backend.parts import in_parts
from stmgpu.debris.evolution import loop as evolution
from stmgpu.debris.population.synthetic import synthetic_population
from stmgpu.debris.scenario import Scenario
from stmgpu.debris.specs import EnvironmentSpec
from stmgpu.errors import CapacityError, DeviceMemoryError
from stmgpu.propagate.grids import grid_on_host
from stmgpu.propagate.sgp4 import SGP4Propagator

MIB = 1 << 20
needs_kernels = pytest.mark.skipif(not usable_levels(), reason="the kernels were not compiled here")


@pytest.fixture
def cuda() -> CudaBackend:
    return CudaBackend()


@pytest.fixture
def virtual(cuda: CudaBackend) -> Any:
    """What only the virtual device has."""
    import cupy

    if not hasattr(cupy, "virtual"):
        pytest.skip("the memory of a real GPU is what it is")
    return cupy.virtual


@cache
def expected(name: str) -> Arrays:
    return WORKFLOWS[name](CpuBackend())


class Small(type(get_backend("reference"))):  # type: ignore[misc]
    """A backend that has room for so many elements at a time."""

    room = 3
    released = 0

    def release(self) -> None:
        self.released += 1

    def on_device(self) -> AbstractContextManager[None]:
        return nullcontext()


def test_parts_shrink_to_what_fits() -> None:
    backend, failed = Small(), []

    def work(part: slice) -> list[int]:
        if part.stop - part.start > backend.room:
            failed.append(part)
            raise DeviceMemoryError("full")
        return list(range(100))[part]

    found = list(in_parts(backend, 20, 16, work))
    assert [k for _, values in found for k in values] == list(range(20))
    assert [(p.start, p.stop) for p in failed] == [(0, 16), (0, 8), (0, 4)]
    assert [p.stop - p.start for p, _ in found] == [2] * 10
    assert backend.released == 3
    with pytest.raises(DeviceMemoryError):
        list(in_parts(backend, 20, 16, work, least=4))
    assert list(in_parts(backend, 0, 16, work)) == []


@needs_kernels
@pytest.mark.parametrize(
    ("name", "share"),
    [
        ("screening", 0.4),
        ("primaries", 0.4),
        pytest.param("trajectories", 0.6, marks=pytest.mark.slow),
        ("encounters", 0.8),
    ],
)
def test_a_small_device_computes_the_same_bytes(name: str, share: float, cuda: CudaBackend, virtual: Any) -> None:
    """The device has a share of the memory that the work takes where there is room."""
    gc.collect()
    held = virtual.used.total()  # by other tests
    with virtual.counted() as roomy:
        WORKFLOWS[name](cuda)
    memory = held + int(share * (roomy.peak_bytes - held))
    with virtual.changed(memory=memory), virtual.counted() as small:
        same_bytes(WORKFLOWS[name](cuda), expected(name))
    assert small.peak_bytes <= memory
    assert small.launches.total() + small.elementwise > roomy.launches.total() + roomy.elementwise


@needs_kernels
@pytest.mark.slow
def test_runs_side_by_side_follow_the_memory(cuda: CudaBackend, virtual: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    groups: list[int] = []
    loop = evolution.Loop.__init__

    def watched(self: evolution.Loop, task: evolution.Evolution) -> None:
        groups.append(len(task.run_numbers))
        loop(self, task)

    monkeypatch.setattr(evolution.Loop, "__init__", watched)
    population = synthetic_population(400, seed=1)

    def evolve(backend: Backend) -> Arrays:
        progress: list[float] = []
        task = evolution.Evolution(
            Scenario(environment=EnvironmentSpec(density="exponential")),
            population,
            years=1.0,
            seed=5,
            run_numbers=[7, 0, 2, 9, 4],
            backend=backend,
            progress=progress.append,
        )
        results = task.run()
        assert progress == sorted(progress)
        assert progress[-1] == 1.0
        return {f"{k} {name}": values for k, run in enumerate(results) for name, values in run.series.items()}

    monkeypatch.setattr(evolution, "_BYTES_PER_OBJECT", 60 * MIB // 400 // 2)  # a sixteenth of 64 MiB is in reserve
    with virtual.changed(memory=64 * MIB):
        same_bytes(evolve(cuda), evolve(CpuBackend()))
    assert groups == [2, 2, 1, 5]


@needs_kernels
@pytest.mark.slow
@pytest.mark.parametrize("name", ["screening", "encounters", "evolution"])
def test_memory_that_is_full_for_once_changes_nothing(name: str, cuda: CudaBackend, virtual: Any) -> None:
    """Wherever a plan turns out too large, the work is done in smaller parts, or an error says what is lacking."""
    with virtual.counted() as counts:
        WORKFLOWS[name](cuda)
    fractions = (0.4, 0.8, 0.95) if name != "evolution" else (0.5,)
    done = 0
    for number in (int(counts.allocations * fraction) for fraction in fractions):
        try:
            with virtual.fault(allocation=number):
                found = WORKFLOWS[name](cuda)
        except CapacityError as error:
            assert re.search(r"memory is full \(.* MiB free\).*use the cpu backend", str(error))  # noqa: PT017
        else:
            same_bytes(found, expected(name))
            done += 1
    assert done


@needs_kernels
def test_plans_fit_the_memory(cuda: CudaBackend, virtual: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trying and failing takes time: a device that has some room is never asked for more."""
    with virtual.counted() as roomy:
        WORKFLOWS["screening"](cuda)

    def refuse(*_: object) -> None:
        raise AssertionError("the plan did not fit")

    monkeypatch.setattr("stmgpu.errors.DeviceMemoryError.__init__", refuse)
    with virtual.changed(memory=roomy.peak_bytes * 3 // 4), virtual.counted() as counts:
        WORKFLOWS["screening"](cuda)
    assert counts.peak_bytes < roomy.peak_bytes * 3 // 4


@needs_kernels
def test_a_device_that_is_too_small_says_what_is_needed(cuda: CudaBackend, virtual: Any) -> None:
    with (
        virtual.changed(memory=MIB // 2),
        pytest.raises(CapacityError, match=r"screening of 500 objects needs about 2 MiB: .*--chunk-objects"),
    ):
        WORKFLOWS["screening"](cuda)
    with virtual.changed(memory=8 * MIB), pytest.raises(CapacityError, match=r"need \d+ MiB, and there is room for 7"):
        WORKFLOWS["rates"](cuda)


@needs_kernels
def test_an_ephemeris_is_propagated_in_parts(cuda: CudaBackend, virtual: Any) -> None:
    catalog, times = stm.synthetic_catalog(300, seed=6), np.linspace(0.0, 86400.0, 500)
    for memory in (MIB, 8 * MIB):
        found = []
        for backend in (cuda, CpuBackend()):
            with virtual.changed(memory=memory), virtual.counted() as counts:
                propagator = SGP4Propagator(catalog, backend, (2460676.5, 0.25), (0.0, 86400.0), "i")
                found.append(dict(zip(("states", "codes"), grid_on_host(propagator, backend, times), strict=True)))
                if backend is cuda:
                    assert 0.3 * memory < counts.peak_bytes <= memory
        same_bytes(*found)


@needs_kernels
@pytest.mark.slow
def test_a_catalogue_is_cut_for_the_gpu(cuda: CudaBackend, virtual: Any, tmp_path: Path) -> None:
    catalog = small_catalog(600)
    assert screen(catalog, tmp_path / "cpu", hours=1.0, tile_hours=2.0, backend="cpu").tiles == 1
    with virtual.changed(memory=3 * MIB // 2):
        outcome = screen(catalog, tmp_path / "cuda", hours=1.0, tile_hours=2.0, backend="cuda")
    assert (outcome.complete, outcome.tiles) == (True, 10)  # pairs of four chunks
    assert result_of(tmp_path / "cuda") == result_of(tmp_path / "cpu")
