"""The door to the figures: it opens when it is used, and leads to every one of them."""

from __future__ import annotations

import subprocess
import sys

import pytest

import stmgpu as stm
from stmgpu import plot
from stmgpu.report.figures.kinds import FIGURES


def test_every_figure_can_be_reached() -> None:
    assert set(FIGURES) < set(plot.__all__) == set(dir(plot)) == set(plot._HOME)
    for name in plot.__all__:
        assert getattr(plot, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'pie'"):
        _ = plot.pie
    assert stm.plot is plot


@pytest.mark.slow
def test_matplotlib_is_loaded_with_the_first_figure() -> None:
    code = """import sys, stmgpu as stm
stm.plot
assert "matplotlib" not in sys.modules
stm.plot.rate
assert "matplotlib" in sys.modules and "matplotlib.pyplot" not in sys.modules"""
    subprocess.run([sys.executable, "-c", code], check=True)
