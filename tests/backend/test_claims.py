"""Workers of one machine share its GPUs: one each, also when a worker is killed and another takes its place."""

from __future__ import annotations

import re
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

WORKER = """
import sys
from stmgpu.backend.claims import claim
print(claim(sys.argv[1:]), claim(sys.argv[1:]), flush=True)
sys.stdin.read()
"""
Start = Callable[..., tuple[subprocess.Popen[str], int]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a worker that can use some GPUs, and tells which of them it has taken."""
    name = secrets.token_hex(8)  # other tests have GPUs of their own
    with ExitStack() as processes:

        def worker(*gpus: int) -> tuple[subprocess.Popen[str], int]:
            identities = [f"{name}-{gpu}" for gpu in gpus]
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
            process = subprocess.Popen([sys.executable, "-c", WORKER, *identities], text=True, **pipes)
            processes.enter_context(process)
            processes.callback(process.kill)
            assert process.stdout is not None
            first, again = process.stdout.readline().split()
            assert first == again
            return process, gpus[int(first)]

        yield worker


def test_a_gpu_for_each_worker(start: Start) -> None:
    assert [start(0, 1, 2)[1] for _ in range(3)] == [0, 1, 2]


def test_a_worker_that_is_restarted_takes_the_gpu_that_became_free(start: Start) -> None:
    workers = [start(0, 1)[0] for _ in range(2)]
    workers[1].kill()
    workers[1].wait()
    assert start(0, 1)[1] == 1


def test_workers_that_see_the_gpus_in_another_order(start: Start) -> None:
    """As with CUDA_VISIBLE_DEVICES of each worker, its own GPU first."""
    assert [start(*gpus)[1] for gpus in ((0, 1, 2), (1, 2, 0), (2, 0, 1))] == [0, 1, 2]
    assert start(2)[1] == 2  # sees only this one


def test_more_workers_than_gpus_share_them_evenly_and_say_so(start: Start) -> None:
    workers = [start(0, 1) for _ in range(5)]
    assert [gpu for _, gpu in workers] == [0, 1, 0, 1, 0]
    warnings = [process.communicate()[1] for process, _ in workers]
    assert warnings[:2] == ["", ""]
    shared = [re.findall(r"UserWarning: GPU (\d) is shared by (\d) workers", text) for text in warnings[2:]]
    assert shared == [[("0", "2")], [("1", "2")], [("0", "3")]]
