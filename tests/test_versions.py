"""What an installation says of itself."""

from __future__ import annotations

import re

import pytest

import stmgpu as stm


@pytest.mark.cuda
def test_versions_name_the_device(capsys: pytest.CaptureFixture[str]) -> None:
    stm.show_versions()
    shown = capsys.readouterr().out
    assert re.search(r"^cuda backend +.+, sm_\d+, \d+ GiB, \d+ multiprocessors$", shown, re.M)


def test_versions_name_backends_and_packages(capsys: pytest.CaptureFixture[str]) -> None:
    stm.show_versions()
    shown = capsys.readouterr().out
    for word in ("stmgpu", "python", "cpu backend", "cuda backend", "numpy ", "kernel cache"):
        assert word in shown
