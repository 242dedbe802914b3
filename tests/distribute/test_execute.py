"""Several GPUs in one machine: a worker for each, the same store as on the cpu."""

from __future__ import annotations

import os
import secrets
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.stores import result_of, screen, small_catalog

import stmgpu as stm
from stmgpu.backend import choose, cuda
from stmgpu.backend.cpu import usable_levels
from stmgpu.distribute.cluster import client_of
from stmgpu.distribute.execute import _worker_backend
from stmgpu.errors import BackendError

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not usable_levels(), reason="the kernels were not compiled here"),
]


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Two GPUs or more, in this process and in those that it starts; virtual ones are of a machine of their own."""
    try:
        import cupy

        if hasattr(cupy, "virtual"):
            settings = {"devices": 2, "machine": secrets.randbits(64)}
            for name, value in settings.items():
                monkeypatch.setenv(f"STMGPU_VIRTUAL_{name.upper()}", str(value))
            for path in os.environ["PYTHONPATH"].split(os.pathsep):
                monkeypatch.syspath_prepend(path)  # what a process of multiprocessing gets instead of PYTHONPATH
            with cupy.virtual.changed(**settings):
                yield len(cuda.devices())
            return
        found = len(cuda.devices())
    except (ImportError, BackendError) as error:
        pytest.skip(f"no GPU: {error}")
    if found < 2:
        pytest.skip("this machine has one GPU")
    yield found


def _gpu() -> int:
    return int(_worker_backend("cuda", None)._device.id)  # type: ignore[attr-defined]


def test_a_worker_for_each_gpu_by_default(gpus: int) -> None:
    assert stm.Dask().plan_workers(lambda _: 1e6, backend="cuda")[0] == gpus
    assert stm.Dask().plan_workers(lambda _: 1e6, backend="auto")[0] == gpus
    assert stm.Dask(1).plan_workers(lambda _: 1e6, backend="cuda")[0] == 1


def test_plans_need_no_gpu_for_themselves(gpus: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A context of the client takes memory of a worker's GPU, or all of it in the mode of exclusive processes."""

    def refuse(*_: object) -> None:
        raise AssertionError("a context on a GPU")

    monkeypatch.setattr(cuda.CudaBackend, "__init__", refuse)
    for name in ("cuda", "auto"):
        chosen = choose(name)
        assert (chosen.name, chosen.runs_kernels, chosen.device) == ("cuda", True, cuda.devices()[0])


@pytest.mark.slow
@pytest.mark.alone
def test_each_worker_has_its_gpu_and_keeps_it(gpus: int, tmp_path: Path) -> None:
    catalog = small_catalog(300)
    assert screen(catalog, tmp_path / "cpu", hours=4.0, tile_hours=1.0, backend="cpu").complete
    with client_of(stm.Dask(gpus), gpus, tmp_path) as client:
        before = client.run(_gpu)
        assert sorted(before.values()) == list(range(gpus))
        processes = client.run(os.getpid)
        killed = max(before, key=before.__getitem__)
        os.kill(processes[killed], signal.SIGKILL)
        end = time.monotonic() + 60
        while killed in (workers := client.scheduler_info()["workers"]) or len(workers) < gpus:
            assert time.monotonic() < end
            time.sleep(0.05)
        after = client.run(_gpu)
        (restarted,) = after.keys() - before.keys()
        assert after == {address: gpu for address, gpu in before.items() if address != killed} | {
            restarted: before[killed]
        }
        outcome = screen(
            catalog,
            tmp_path / "gpus",
            hours=4.0,
            tile_hours=1.0,
            backend="cuda",
            executor=stm.Dask(client=client),
        )
        used = client.run(lambda: _worker_backend.cache_info().currsize)
    assert (outcome.computed, outcome.complete, outcome.failed) == (outcome.tiles, True, {})
    assert set(used.values()) == {1}
    assert result_of(tmp_path / "gpus") == result_of(tmp_path / "cpu")
