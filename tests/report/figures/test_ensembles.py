"""Fans and collisions hold the numbers of the statistics."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from matplotlib.collections import PolyCollection
from support import ensembles

from stmgpu import plot
from stmgpu.debris import statistics
from stmgpu.errors import InputError
from stmgpu.report.figures.style import COLOURS


def _bands(ax) -> list[PolyCollection]:
    return [collection for collection in ax.collections if isinstance(collection, PolyCollection)]


def test_means_of_all_and_bands_of_one_scenario(three: xr.Dataset) -> None:
    ax = plot.ensemble(three)
    objects = three["population"].sum("class")
    for k, line in enumerate(ax.lines):
        np.testing.assert_allclose(line.get_ydata(), objects.isel(scenario=k).mean("run"))
    outer, inner = _bands(ax)
    for band, (low, high) in ((outer, (0.05, 0.95)), (inner, (0.25, 0.75))):
        vertices = band.get_paths()[0].vertices
        last = vertices[vertices[:, 0] == 2045.0][:, 1]
        expected = statistics.quantiles(objects.isel(scenario=0, time=-1), (low, high))
        np.testing.assert_allclose([last.min(), last.max()], expected)
        assert tuple(band.get_facecolor()[0][:3]) == pytest.approx(
            [int(COLOURS[0][i : i + 2], 16) / 255 for i in (1, 3, 5)]
        )


def test_another_scenario_or_variable(three: xr.Dataset) -> None:
    ax = plot.ensemble(three, variable="total_mass", band="removal")
    assert ax.get_ylabel() == "total mass [kg]"
    assert len(_bands(ax)) == 2
    with pytest.raises(InputError, match="there is no scenario 'x'; choose one of no removal, removal, the same again"):
        plot.ensemble(three, band="x")
    with pytest.raises(InputError, match="the ensemble has no variable 'x'"):
        plot.ensemble(three, variable="x")
    with pytest.raises(InputError, match="over runs and time, and count_balance has scenario, run"):
        plot.ensemble(three, variable="count_balance")


def test_objects_that_are_not_tracked_are_shown_apart(study: xr.Dataset) -> None:
    ds = study.copy(deep=True)
    ds["population_by_size"].values[..., 0] = 5000.0
    ds["population"].values[..., 6] = 5000.0
    ax = plot.ensemble(ds)
    larger = ds["population_by_size"].isel(size=slice(1, None)).sum("size").mean("run")
    np.testing.assert_allclose([line.get_ydata() for line in ax.lines[2:]], larger)
    assert ax.get_ylabel() == "objects (thin: 0.1 m and larger)"
    assert len(ax.get_legend().get_texts()) == 2


def test_collisions_by_both_estimators(study: xr.Dataset) -> None:
    ax = plot.collisions(study)
    expected = statistics.collisions(study, channel="expected").mean("run")
    sampled = statistics.collisions(study).mean("run")
    for k in range(2):
        np.testing.assert_allclose(ax.lines[2 * k].get_ydata(), expected.isel(scenario=k))
        points = ax.lines[2 * k + 1]
        np.testing.assert_allclose(points.get_ydata(), sampled.isel(scenario=k).sel(time=np.round(points.get_xdata())))


def test_runs_that_are_cut_off_at_once_are_seen() -> None:
    ds = ensembles.study(runs=1, years=20)
    ax = plot.ensemble(ensembles.cut(ensembles.cut(ds, 0, 0, 2025.5), 1, 0, 2025.5))
    assert ax.get_xlim() == pytest.approx((2025.0, 2045.0), abs=0.5)
    assert ax.lines[0].get_marker() == "o"
