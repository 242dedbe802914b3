"""Figure of a study: file formats, odd studies, labels, ticks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure
from support import ensembles

from stmgpu.errors import StmgpuError
from stmgpu.report.study import plot_study


@pytest.fixture(scope="module")
def study() -> xr.Dataset:
    return ensembles.study(runs=40, years=20)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """A study as a figure that is laid out and not written."""
    kept = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, path: kept.append(figure))

    def draw(ds):
        plot_study(ds, "none.png")
        kept[-1].canvas.draw()
        return kept[-1]

    return draw


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_figure(study: xr.Dataset, tmp_path: Path, ending: str) -> None:
    path = plot_study(study if ending == "png" else study.isel(time=slice(0, 21, 5)), tmp_path / f"study.{ending}")
    head = path.read_bytes()[:300]
    assert {"png": b"\x89PNG", "svg": b"<svg", "pdf": b"%PDF"}[ending] in head


@pytest.mark.slow
@pytest.mark.filterwarnings("error")
def test_figures_of_odd_studies(study, tmp_path: Path) -> None:
    """One scenario; a single record; runs cut off and missing; many scenarios; nothing ever happens."""
    cut = ensembles.cut(study.isel(run=slice(12)), 0, 2, 2028.0)
    cut["number"].values[1, 5] = np.nan
    many = study.isel(run=slice(6), scenario=[0] * 9).assign_coords(scenario=[f"scenario {k}" for k in range(9)])
    for k, ds in enumerate(
        (study.isel(scenario=[0]), study.isel(time=[0]), cut.chunk(run=5), many, ensembles.empty(runs=2, years=3))
    ):
        assert plot_study(ds, tmp_path / f"{k}.png").stat().st_size > 10_000


@pytest.mark.slow
def test_the_figure_counts_the_runs_that_are_finished(study, drawn) -> None:
    ds = ensembles.cut(study, 1, 3, 2033.2)
    for name, da in ds.data_vars.items():
        if "time" in da.dims:
            ds[name].values[0, 30:] = np.nan
    below = "runs: 40 of each scenario, finished: no removal 30, removal 40; 1 cut off for too many objects"
    assert drawn(ds).get_supxlabel().startswith(below)
    assert drawn(study.isel(run=[0])).get_supxlabel() == "runs: 1 of each scenario"


@pytest.mark.slow
@pytest.mark.filterwarnings("error")
def test_names_of_scenarios_fit_into_the_figure(study, drawn) -> None:
    names = ["$x^{ for $5", "_first", "[W]" * 66, *(f"an even longer name of scenario {k}" for k in range(6))]
    figure = drawn(study.isel(run=slice(5), scenario=[0] * 9).assign_coords(scenario=names))
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        r"\$x^{ for \$5",
        "_first",
        "[W][W][W][W][W]…W][W][W][W][W]",
        *(f"an even longer … of scenario {k}" for k in range(6)),
    ]
    assert [handle.get_color() for handle in legend.legend_handles[:2]] == ["#0072B2", "#D55E00"]
    box = legend.get_window_extent()
    assert 0.0 <= box.x0 < box.x1 <= figure.bbox.x1
    long = drawn(study.isel(run=slice(5)).assign_coords(scenario=["x" * 200, "removal"]))
    title = long.axes[2].title.get_window_extent()
    assert title.x1 < long.axes[3].get_window_extent().x0


@pytest.mark.slow
@pytest.mark.parametrize("years", [1, 3, 20])
def test_ticks_of_years_are_whole_and_apart(drawn, years: int) -> None:
    figure = drawn(ensembles.study(runs=2, years=years))
    for axes in figure.axes[:3]:
        low, high = axes.get_xlim()
        ticks = [tick for tick in axes.get_xticks() if low <= tick <= high]
        assert all(tick == round(tick) for tick in ticks)
        assert 2 <= len(ticks) <= 9


def test_runs_that_are_cut_off_at_once_are_seen(drawn: Callable[..., Any]) -> None:
    ds = ensembles.study(runs=1, years=20)
    figure = drawn(ensembles.cut(ensembles.cut(ds, 0, 0, 2025.5), 1, 0, 2025.5))
    for axes in figure.axes[:3]:
        assert axes.get_xlim() == pytest.approx((2025.0, 2045.0), abs=0.5)
        assert axes.lines[0].get_marker() == "o"


def test_figures_that_cannot_be_written(study: xr.Dataset, tmp_path: Path) -> None:
    with pytest.raises(StmgpuError, match="cannot write the figure"):
        plot_study(study, tmp_path / "study.doc")
    with pytest.raises(StmgpuError, match="cannot write the figure"):
        plot_study(study, tmp_path / "nowhere" / "study.png")


@pytest.mark.slow
def test_objects_that_are_not_tracked_are_shown_apart(study: xr.Dataset, drawn: Callable[..., Any]) -> None:
    """A study that follows small pieces shows the others as thin lines; the legend has one entry a scenario."""
    ds = study.isel(run=slice(6)).copy(deep=True)
    assert len(drawn(ds).axes[0].lines) == 2
    ds["population_by_size"].values[..., 0] = 5000.0
    ds["population"].values[..., 6] = 5000.0
    figure = drawn(ds)
    thin = figure.axes[0].lines[2:]
    assert [line.get_linewidth() for line in thin] == [0.9, 0.9]
    larger = ds["population_by_size"].isel(size=slice(1, None)).sum("size").mean("run")
    np.testing.assert_allclose([line.get_ydata() for line in thin], larger)
    assert figure.axes[0].get_title().endswith("thin: 0.1 m and larger")
    assert len(figure.legends[0].get_texts()) == 2
