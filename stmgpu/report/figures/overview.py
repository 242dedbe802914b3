"""Figures of several panels: the overview of a screening or of a study, and figures by name."""

from __future__ import annotations

from importlib import import_module
from textwrap import fill
from typing import TYPE_CHECKING, Any

from stmgpu.errors import InputError, counted
from stmgpu.report.figures import densities, ensembles, policies, screening
from stmgpu.report.figures.contents import conjunctions_of, ensemble_of, kind_of, named, start_and_hours
from stmgpu.report.figures.kinds import FIGURES
from stmgpu.report.figures.scenarios import names_of
from stmgpu.report.figures.style import blank, new_figure, styled
from stmgpu.report.study.table import runs_line

if TYPE_CHECKING:
    from collections.abc import Callable

    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDE = 130
"""Characters of a line below a figure of two columns."""


@styled
def overview(ds: xr.Dataset, *, width: str = "two") -> Figure:
    """Draw a result in several panels.

    Of a screening: altitude against relative speed, up to 2,000 km and above, conjunctions an hour, and within a
    distance. Of a study: objects, collisions, differences from the first scenario, and density by altitude. A panel
    that has nothing to draw says so.

    Parameters
    ----------
    ds : xr.Dataset
        Conjunctions or an ensemble, in memory or lazily loaded.
    width : {'one', 'two'}
        Columns of a page that the figure fills.

    Returns
    -------
    Figure
        Write it with :func:`stmgpu.plot.save`.

    Raises
    ------
    InputError
        If this is neither, or no run of the study is finished.
    """
    if kind_of(ds) == "ensemble":
        return _study(ensemble_of(ds, figure="overview"), width)
    if kind_of(ds) != "conjunctions":
        raise InputError(
            f"overview draws a screening or a debris study, not {named(ds)}; pass the result of stmgpu.screen or "
            "stmgpu.evolve"
        )
    return _screening(ds, width)


def _screening(con: xr.Dataset, width: str) -> Figure:
    _, hours = start_and_hours(con) if con.sizes["conjunction"] or "start" in con.attrs else (None, 0.0)
    high = con.sizes["conjunction"] > 0 and "altitude" in con and "high" in screening.regions_of(con)
    panels: list[tuple[str, Callable[..., Axes], dict[str, Any]]] = [
        ("Where and how fast", screening.speeds, {"region": "low"}),
        *([("Above 2,000 km", screening.speeds, {"region": "high"})] if high else []),
        ("When", densities.rate, {}),
        ("How close (at least 0.1 km/s)", screening.miss_distance, {}),
    ]
    across = 2 if width == "two" else 1
    figure = new_figure(width, rows=-(-len(panels) // across), columns=across)
    if width == "one":
        places = list(figure.subplots(len(panels), 1))
    elif high:
        places = list(figure.subplots(2, 2).flat)
    else:
        mosaic = figure.subplot_mosaic([["a", "b"], ["a", "c"]], width_ratios=[1.2, 1.0])
        places = [mosaic[name] for name in "abc"]
    for ax, (title, draw, options) in zip(places, panels, strict=True):
        _panel(ax, title, draw, con, **options)
    start = str(con.attrs.get("start", ""))[:16]
    text = counted(con.sizes["conjunction"], "conjunction", ",")
    if {"objects", "threshold_km"} <= con.attrs.keys():
        text += f" of {con.attrs['objects']:,} objects closer than {con.attrs['threshold_km']:g} km"
    figure.suptitle(
        fill(f"{text} in {hours:g} h from {start}Z", 100 if across == 2 else 46), fontsize=9 if across == 2 else 8
    )
    return figure


def _panel(ax: Axes, title: str, draw: Callable[..., Axes], ds: xr.Dataset, **options: Any) -> None:
    try:
        draw(ds, ax, **options)
    except InputError as error:
        blank(ax, fill(str(error).partition(";")[0], 40))
    legend = ax.get_legend()
    ax.set_title(title, pad=18 if legend is not None else 6)


def _study(ds: xr.Dataset, width: str) -> Figure:
    across = 2 if width == "two" else 1
    figure = new_figure(width, rows=4 // across, columns=across)
    places = list(figure.subplots(4 // across, across).flat)
    names = names_of(ds)
    first = f" (bands: half and 90 % of {names[0]})" if len(names) > 1 else " (bands: half and 90 % of the runs)"
    panels: list[tuple[str, Callable[..., Axes]]] = [
        (f"Objects{first}", ensembles.ensemble),
        ("Collisions: expected (lines), sampled (points)", ensembles.collisions),
        (f"Difference from {names[0]}" if len(names) > 1 else "Every run", policies.difference),
        ("Density: start (grey), end (lines)", densities.density),
    ]
    handles: list[Any] = []
    for ax, (title, draw) in zip(places, panels, strict=True):
        draw(ds, ax)
        legend = ax.get_legend()
        if legend is not None and not handles:
            handles = list(ax.lines[: len(names)])
        if legend is not None:
            legend.remove()
        ax.set_title(fill(title, 52), fontsize=8)
    if len(names) > 1:
        _legend(figure, handles, names, width)
    finished = ds["population"].isel(time=0).notnull().any("class").sum("run").to_numpy()
    below = runs_line(ds.sizes["run"], list(zip(names, finished.tolist(), strict=True)))
    cut = int(ds["truncated_year"].notnull().sum())
    if cut:
        below += f"; {cut} cut off for too many objects and not shown from then on"
    figure.supxlabel(fill(below, _WIDE // (3 - across)), fontsize=7)
    return figure


def _legend(figure: Figure, handles: list[Any], names: list[str], width: str) -> None:
    """A legend above all panels, in as many columns as fit."""
    characters = _WIDE if width == "two" else _WIDE // 2
    columns = max(1, min(len(names), 4, characters // (max(map(len, names)) + 8)))
    legend = figure.legend(handles, [" "] * len(names), loc="outside upper center", ncols=columns)
    for text, name in zip(legend.get_texts(), names, strict=True):
        text.set_text(name)  # legend() drops labels that begin with an underscore


@styled
def figure_of(name: str, ds: xr.Dataset, *, width: str = "one", **options: Any) -> Figure:
    """Draw a figure by its name, with a panel for each region of altitude, or for each scenario with its bands.

    Parameters
    ----------
    name : str
        One of :data:`stmgpu.report.figures.kinds.FIGURES`.
    ds : xr.Dataset
        The result.
    width : {'one', 'two'}
        Columns of a page that the figure fills.
    **options
        Of the function of that name.

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        As the function of that name.
    """
    check = ensemble_of if kind_of(ds) == "ensemble" else conjunctions_of
    if kind_of(ds) != "population" and "state_1" not in getattr(ds, "variables", ()):
        check(ds, figure=name)
    if name == "overview":
        return overview(ds, width=width)
    draw: Callable[..., Axes] = getattr(import_module(f"stmgpu.report.figures.{FIGURES[name].module}"), name)
    parts: list[dict[str, Any]] = [{}]
    if name in ("speeds", "density") and kind_of(ds) == "conjunctions" and "altitude" in ds:
        parts = [{"region": region} for region in screening.regions_of(ds)]
    elif name == "ensemble" and ds.sizes["scenario"] > 1:
        parts = [{"band": str(scenario)} for scenario in ds["scenario"].to_numpy()]
    across = 2 if width == "two" and len(parts) > 1 else 1
    rows = -(-len(parts) // across)
    figure = new_figure(width, rows=rows, columns=across)
    places = list(figure.subplots(rows, across, squeeze=False, sharey=name == "ensemble").flat)
    for ax, part in zip(places, parts, strict=False):
        draw(ds, ax, **part, **options)
    for ax in places[len(parts) :]:
        ax.set_axis_off()
    if name == "ensemble" and len(parts) > 1:
        names = names_of(ds)
        for ax, scenario in zip(places, names, strict=False):
            ax.get_legend().remove()
            ax.set_title(scenario, fontsize=8)
            ax.label_outer()
        _legend(figure, list(places[0].lines[: len(names)]), names, width)
    return figure
