"""The command line loads numerical libraries with one thread each; threads of memory allocators have other names."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

import pytest

from stmgpu.cli.libraries import BLAS_THREADS

COUNT = (
    "import os, stmgpu.cli, numpy, scipy.linalg; "
    "numpy.ones((600, 600)) @ numpy.ones((600, 600)); "
    "names = [open(f'/proc/self/task/{task}/comm').read() for task in os.listdir('/proc/self/task')]; "
    "print(os.environ['OPENBLAS_NUM_THREADS'], names.count(open('/proc/self/comm').read()))"
)


@pytest.mark.slow
@pytest.mark.skipif(not pathlib.Path("/proc/self/task").is_dir(), reason="threads are counted in /proc")
@pytest.mark.parametrize(("settings", "expected"), [({}, ["1", "1"]), ({"OPENBLAS_NUM_THREADS": "3"}, ["3"])])
def test_one_thread_unless_the_user_asks_for_more(settings: dict[str, str], expected: list[str]) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in BLAS_THREADS} | settings
    command = [sys.executable, "-c", COUNT]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split()[: len(expected)] == expected
