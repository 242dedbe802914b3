"""Figures of several panels, of ordinary and of odd results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from matplotlib.collections import PolyCollection
from support import ensembles
from support.page_stores import HOSTILE, conjunctions

from stmgpu import plot
from stmgpu.errors import InputError
from stmgpu.report.figures.kinds import FIGURES
from stmgpu.report.figures.overview import figure_of
from stmgpu.report.figures.style import WIDTHS_IN


def _titles(figure: Any) -> list[str]:
    return [ax.get_title(loc="left") for ax in figure.axes if ax.get_title(loc="left")]


def test_a_screening_in_panels(con: xr.Dataset) -> None:
    figure = plot.overview(con)
    assert _titles(figure) == ["Where and how fast", "Above 2,000 km", "When", "How close (at least 0.1 km/s)"]
    assert figure.get_suptitle().startswith(
        "900 conjunctions of 5,000 objects closer than 20 km in 5.5 h from 2025-01-01"
    )
    low = plot.overview(con.isel(conjunction=con["altitude"].to_numpy() < 2000.0))
    assert _titles(low) == ["Where and how fast", "When", "How close (at least 0.1 km/s)"]


def test_panels_without_anything_say_so() -> None:
    figure = plot.overview(conjunctions(0))
    assert [ax.texts[0].get_text().replace("\n", " ") for ax in figure.axes] == [
        f"there are no conjunctions for {name}" for name in ("speeds", "rate", "miss_distance")
    ]
    with pytest.raises(InputError, match="there are no conjunctions for overview"):
        figure_of("overview", conjunctions(0))


def test_a_study_in_panels(study: xr.Dataset) -> None:
    ds = ensembles.cut(study, 1, 3, 2033.2)
    for name, da in ds.data_vars.items():
        if "time" in da.dims:
            ds[name].values[0, 15:] = np.nan
    figure = plot.overview(ds)
    assert figure.get_supxlabel().startswith(
        "runs: 20 of each scenario, finished: no removal 15, removal 20; 1 cut off"
    )
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["no removal", "removal"]
    assert _titles(figure)[2] == "Difference from no removal"


@pytest.mark.slow
@pytest.mark.parametrize("width", WIDTHS_IN)
@pytest.mark.parametrize("name", FIGURES)
def test_everything_stays_inside_the_figure(assessed: xr.Dataset, three: xr.Dataset, name: str, width: str) -> None:
    """With names that are long, and of one or two columns: no text is cut off, and none lies on a legend."""
    if name == "gabbard":
        pytest.skip("studies of the fixtures keep no final population; test_breakups draws it")
    names = ["no removal", "an even longer name of scenario 2", "[W]" * 20]
    for ds, kind in ((assessed, "conjunctions"), (three.assign_coords(scenario=names), "ensemble")):
        if kind not in FIGURES[name].stores:
            continue
        figure = figure_of(name, ds, width=width)
        figure.canvas.draw()
        box = figure.bbox
        for ax in figure.axes:
            for text in (ax.xaxis.label, ax.yaxis.label, ax._left_title, *ax.texts):
                if text.get_visible() and text.get_text():
                    extent = text.get_window_extent()
                    assert extent.x0 >= -1.0, text.get_text()
                    assert extent.x1 <= box.x1 + 1.0, text.get_text()
                    assert extent.y0 >= -1.0, text.get_text()
                    assert extent.y1 <= box.y1 + 1.0, text.get_text()
        for legend in [*figure.legends, *(ax.get_legend() for ax in figure.axes if ax.get_legend())]:
            extent = legend.get_window_extent()
            assert extent.x0 >= -1.0
            assert extent.x1 <= box.x1 + 1.0


def test_bands_of_one_scenario_a_panel(three: xr.Dataset) -> None:
    """Several scenarios with translucent bands in one panel mix into grey."""
    for name in ("overview", "ensemble", "difference", "collisions"):
        for ax in figure_of(name, three).axes:
            bands = [c for c in ax.collections if isinstance(c, PolyCollection) and c.get_alpha()]
            assert len({tuple(band.get_facecolor()[0][:3]) for band in bands}) <= 1


def test_the_fan_of_every_scenario_has_a_panel(three: xr.Dataset) -> None:
    figure = figure_of("ensemble", three, width="two")
    assert _titles(figure) == ["no removal", "removal", "the same again"]
    assert len({ax.get_ylim() for ax in figure.axes if ax.get_title(loc="left")}) == 1


def test_regions_have_panels(con: xr.Dataset) -> None:
    for name in ("speeds", "density"):
        panels = [ax for ax in figure_of(name, con).axes if ax.get_label() != "<colorbar>"]
        assert len(panels) == 2


@pytest.mark.slow
def test_figures_of_odd_studies(study: xr.Dataset, tmp_path: Path) -> None:
    """One scenario; a single record; runs cut off and missing; many scenarios; nothing ever happens."""
    cut = ensembles.cut(study.isel(run=slice(12)), 0, 2, 2028.0)
    cut["number"].values[1, 5] = np.nan
    many = study.isel(run=slice(6), scenario=[0] * 9).assign_coords(scenario=[f"scenario {k}" for k in range(9)])
    for k, ds in enumerate(
        (study.isel(scenario=[0]), study.isel(time=[0]), cut.chunk(run=5), many, ensembles.empty(runs=2, years=3))
    ):
        assert plot.save(plot.overview(ds), tmp_path / f"{k}.png").stat().st_size > 10_000


@pytest.mark.slow
def test_hostile_names_are_drawn(assessed: xr.Dataset, tmp_path: Path) -> None:
    for k, name in enumerate(HOSTILE):
        ds = assessed.assign(primary_name=("conjunction", np.full(900, name)))
        assert plot.save(figure_of("encounter_plane", ds), tmp_path / f"{k}.png").stat().st_size > 10_000
