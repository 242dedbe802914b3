"""Tasks of a Slurm array, told from the queue: a small program stands in for squeue."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.commands import stmgpu

import stmgpu as stm
from stmgpu.distribute.array_tasks import live_tasks


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """File with what squeue prints; this process is task 4 of the array 4-8:2."""
    (tmp_path / "bin").mkdir()
    squeue = tmp_path / "bin" / "squeue"
    squeue.write_text(f'#!/bin/sh\n[ "$3" = --jobs=70 ] && cat {tmp_path}/queue\n', encoding="utf-8")
    squeue.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    for name, value in {"JOB_ID": 70, "TASK_ID": 4, "TASK_MIN": 4, "TASK_MAX": 8, "TASK_STEP": 2}.items():
        monkeypatch.setenv(f"SLURM_ARRAY_{name}", str(value))
    return tmp_path / "queue"


def test_tasks_that_wait_or_run(queue: Path) -> None:
    queue.write_text("4 RUNNING\n6 COMPLETING\n8 PENDING\n", encoding="utf-8")
    assert live_tasks() == {0, 2}


def test_without_an_answer_nothing_is_said(queue: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert live_tasks() is None  # squeue fails
    queue.write_text("slurm_load_jobs error\n", encoding="utf-8")
    assert live_tasks() is None
    monkeypatch.delenv("SLURM_ARRAY_JOB_ID")
    assert live_tasks() is None


def test_a_task_says_that_others_were_cancelled(queue: Path, tmp_path: Path) -> None:
    tle, store = tmp_path / "c.tle", tmp_path / "s.zarr"
    stm.write_catalog(stm.synthetic_catalog(50, seed=1), tle, format="3le")
    array = ["--start", "2025-01-01", "--hours", 4, "--tile-hours", 1, "--out", store, "--executor", "slurm-array"]
    queue.write_text("4 RUNNING\n8 PENDING\n", encoding="utf-8")
    result = stmgpu("screen", tle, *array)
    assert result.exit_code == 0, result.stderr
    assert (
        "1 of them belongs to tasks of this array that were cancelled or have failed (counted from 0: 1)"
        in result.stderr
    )
    assert "submit the same array again" in result.stderr
    queue.write_text("4 RUNNING\n6 PENDING\n8 PENDING\n", encoding="utf-8")
    assert "were cancelled" not in stmgpu("screen", tle, *array).stderr
