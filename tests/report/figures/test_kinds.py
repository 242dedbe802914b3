"""The table of figures."""

from __future__ import annotations

from importlib import import_module

import pytest

from stmgpu.report.figures.kinds import FIGURES
from stmgpu.store import KINDS


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_is_where_the_table_says(name: str) -> None:
    figure = FIGURES[name]
    function = getattr(import_module(f"stmgpu.report.figures.{figure.module}"), name)
    assert set(figure.options) <= set(function.__wrapped__.__kwdefaults__ or {})
    assert set(figure.stores) <= set(KINDS)
