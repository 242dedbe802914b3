"""What figures of studies share: legends, years, and the warning of few runs."""

from __future__ import annotations

import pytest
import xarray as xr
from support import ensembles

from stmgpu import plot
from stmgpu.report.figures.scenarios import FEW_RUNS


@pytest.mark.parametrize("name", ["ensemble", "collisions", "difference", "policies", "cost"])
def test_few_runs_are_said_inside_the_figure(study: xr.Dataset, name: str) -> None:
    draw = getattr(plot, name)
    texts = [text.get_text() for text in draw(study.isel(run=slice(FEW_RUNS - 1))).texts]
    assert texts == ["9 runs: intervals too narrow"]
    assert not draw(study.isel(run=slice(FEW_RUNS))).texts


@pytest.mark.parametrize("years", [1, 3, 20])
def test_ticks_of_years_are_whole_and_apart(years: int) -> None:
    ax = plot.ensemble(ensembles.study(runs=2, years=years))
    low, high = ax.get_xlim()
    ticks = [tick for tick in ax.get_xticks() if low <= tick <= high]
    assert all(tick == round(tick) for tick in ticks)
    assert 2 <= len(ticks) <= 9


def test_odd_names_stand_in_the_legend(study: xr.Dataset) -> None:
    names = ["$x^{ for $5", "_first"]
    ax = plot.ensemble(study.assign_coords(scenario=names))
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [r"\$x^{ for \$5", "_first"]
