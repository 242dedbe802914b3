"""Densities, fluxes and rates are those of the statistics."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from support import ensembles

from stmgpu import plot
from stmgpu.debris import statistics
from stmgpu.errors import InputError


def test_density_of_conjunctions(con: xr.Dataset) -> None:
    low = con.isel(conjunction=con["altitude"].to_numpy() <= 2000.0)
    (mesh,) = plot.density(con).collections
    counts = np.ma.filled(mesh.get_array(), 0.0)
    cells = np.linspace(-90.0, 90.0, 37), np.linspace(200.0, 2000.0, 91)
    expected = np.histogram2d(
        low["latitude"].to_numpy().astype(float), low["altitude"].to_numpy().astype(float), cells
    )[0]
    np.testing.assert_array_equal(counts, expected.T)
    (points,) = plot.density(con, region="high").lines
    assert len(points.get_xdata()) == 9


def test_density_of_a_study_at_its_start_and_end(study: xr.Dataset) -> None:
    ax = plot.density(study)
    values = statistics.spatial_density(study).sum("class").mean("run") * 1e9
    start, *ends = (patch.get_data().values for patch in ax.patches)
    np.testing.assert_allclose(start, values.isel(scenario=0, time=0))
    for k, drawn in enumerate(ends):
        np.testing.assert_allclose(drawn, values.isel(scenario=k, time=-1))
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["no removal", "removal", "start 2025"]


def test_flux_has_its_power_of_ten_in_the_unit(study: xr.Dataset) -> None:
    ax = plot.flux(study)
    values = statistics.flux(study).sum("class").mean("run").isel(scenario=1, time=-1).to_numpy()
    exponent = int(ax.get_ylabel().partition("{")[2].partition("}")[0])
    np.testing.assert_allclose(ax.patches[2].get_data().values * 10.0**exponent, values)
    assert 1.0 <= max(patch.get_data().values.max() for patch in ax.patches) < 10.0


def test_populations() -> None:
    population = ensembles.population(
        [7178.0] * 30 + [7378.0] * 10, [80.0] * 20 + [30.0] * 20, kind=[1] * 30 + [5] * 10
    )
    ax = plot.density(population)
    values = statistics.spatial_density(population) * 1e9
    total, *classes = (patch.get_data().values for patch in ax.patches)
    np.testing.assert_allclose(total, values.sum("class"))
    np.testing.assert_allclose(classes, values.transpose("class", "shell")[[1, 5]])
    (mesh,) = plot.flux(population).collections
    values = statistics.flux(population).sum("class").to_numpy()
    drawn = np.ma.filled(mesh.get_array(), 0.0)
    np.testing.assert_allclose(drawn / drawn.max(), values / values.max())
    for draw in (plot.density, plot.flux):
        with pytest.raises(InputError, match="no objects between 200 and 2,000 km"):
            draw(ensembles.population(42164.0, 1.0))


def test_conjunctions_an_hour(con: xr.Dataset) -> None:
    (patch,) = plot.rate(con).patches
    values, edges, _ = patch.get_data()
    assert edges[-1] == pytest.approx(5.5)
    assert (values * np.diff(edges)).sum() == pytest.approx(con.sizes["conjunction"])


def test_collisions_a_year(study: xr.Dataset) -> None:
    ax = plot.rate(study, window_years=5.0)
    rates = statistics.collision_rate(study, window_years=5.0).sum("shell").mean("run")
    for k in range(2):
        np.testing.assert_allclose(ax.patches[k].get_data().values, rates["expected"].isel(scenario=k))
        np.testing.assert_allclose(ax.lines[k].get_ydata(), rates["sampled"].isel(scenario=k))
