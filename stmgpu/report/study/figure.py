"""The figure of a debris study: objects, collisions, paired differences, density by altitude."""

from __future__ import annotations

import os
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, TypedDict

import numpy as np

from stmgpu.debris.statistics.bootstrap import bootstrap_interval
from stmgpu.debris.statistics.density import spatial_density
from stmgpu.debris.statistics.growth import collisions, total
from stmgpu.debris.statistics.policy_effects import paired_difference
from stmgpu.debris.statistics.runs import quantiles
from stmgpu.errors import StmgpuError
from stmgpu.report.study.summary import reduced
from stmgpu.report.study.table import runs_line

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

__all__ = ["plot_study"]

LineStyle = str | tuple[int, tuple[int, ...]]

# Okabe and Ito (2008): colours that all common kinds of colour vision distinguish; line styles do so in print
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
_STYLES: tuple[LineStyle, ...] = ("-", (0, (5, 2)), (0, (1, 1)), (0, (5, 1, 1, 1)))

_SHOWN_SHARE = 0.05
"""Share of the objects above which those of the smallest size are shown apart."""

_FIGURE_WIDTH, _LABEL_WIDTH = 140, 30
"""Characters that fit side by side into the figure, and into the label of a scenario."""


class _Style(TypedDict):
    """Keyword arguments of matplotlib for the lines of a scenario."""

    color: str
    ls: LineStyle


def plot_study(ds: xr.Dataset, path: str | os.PathLike[str]) -> Path:
    """Plot a study: population, collisions, differences from the first scenario, density by altitude.

    Upper left: number of objects, mean (line) and range of 90 % of the runs (band); where there are objects of the
    smallest size, the mean without these too (thin line). Upper right: cumulative catastrophic collisions, mean of the
    expected (line) and of the sampled ones (points, with the 95 % interval of the mean). Lower left: difference in
    objects from the first scenario, paired by run, mean and 95 % interval of the mean; for a single scenario, each
    run's population relative to its start. Lower right: spatial density at the start (grey) and at the end. Long
    scenario names are shortened.

    Parameters
    ----------
    ds : Dataset
        An ensemble, in memory or lazily loaded.
    path : path-like
        Image file; its suffix selects the format (.png, .pdf, .svg).

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    StmgpuError
        The image cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    small = reduced(ds)
    figure = Figure(figsize=(12.0, 8.0), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplot_mosaic([["objects", "collisions"], ["difference", "density"]])
    _objects(panels["objects"], small)
    _collisions(panels["collisions"], small)
    _difference(panels["difference"], small)
    _density(panels["density"], ds)
    for panel in panels.values():
        panel.spines[["top", "right"]].set_visible(False)
        panel.grid(alpha=0.25, lw=0.6)
    time = small["time"].to_numpy()
    margin = 0.02 * max(time[-1] - time[0], 1.0)
    for name in ("objects", "collisions", "difference"):
        panels[name].set_xlim(time[0] - margin, time[-1] + margin)  # limits from data fail where runs are cut off early
        panels[name].xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8, min_n_ticks=1))
    labels = [_label(name) for name in small["scenario"].to_numpy()]
    if len(labels) > 1:
        columns = min(len(labels), 4, _FIGURE_WIDTH // (max(map(len, labels)) + 8))
        legend = figure.legend(
            panels["objects"].lines[: len(labels)],
            " " * len(labels),
            loc="outside upper center",
            ncols=columns,
            frameon=False,
        )
        for text, label in zip(legend.get_texts(), labels, strict=True):
            text.set_text(label)  # legend() drops labels that begin with an underscore
    finished = small["population"].isel(time=0).notnull().sum("run").to_numpy()
    below = runs_line(small.sizes["run"], list(zip(labels, finished.tolist(), strict=True)))
    cut = int(small["truncated_year"].notnull().sum())
    if cut:
        below += f"; {cut} cut off for too many objects and not shown from then on"
    figure.supxlabel(fill(below, _FIGURE_WIDTH), fontsize=9)
    try:
        figure.savefig(os.fspath(path))
    except (OSError, ValueError) as error:
        raise StmgpuError(
            f"cannot write the figure {path}: {error}; choose another path or a suffix of .png, .pdf, .svg"
        ) from error
    return Path(path)


def _label(name: object) -> str:
    """Shorten a scenario's name to fit into the figure, and escape mathtext."""
    text = str(name)
    half = _LABEL_WIDTH // 2
    return (text if len(text) <= _LABEL_WIDTH else f"{text[:half]}…{text[1 - half :]}").replace("$", r"\$")


def _plot_series(axes: Axes, values: xr.DataArray, k: int) -> None:
    """Plot values of scenario k against time; a single value as a marker."""
    axes.plot(values["time"], values, lw=2, marker="o" if int(values.notnull().sum()) == 1 else None, **_style(k))


def _style(k: int) -> _Style:
    """Colour and line style of scenario k."""
    return {"color": _COLOURS[k % len(_COLOURS)], "ls": _STYLES[k // len(_COLOURS) % len(_STYLES)]}


def _objects(axes: Axes, small: xr.Dataset) -> None:
    n = total(small, "population")
    band = quantiles(n, (0.05, 0.95))
    for k in range(small.sizes["scenario"]):
        axes.fill_between(
            small["time"], *(b.isel(scenario=k) for b in band), color=_style(k)["color"], alpha=0.15, lw=0
        )
        _plot_series(axes, n.isel(scenario=k).mean("run"), k)
    title = "Objects: mean, 90 % of the runs"
    smallest = float((small["population_by_size"].isel(size=0) / n).max()) if "population_by_size" in small else 0.0
    if smallest > _SHOWN_SHARE:
        # the smallest sizes, which are not tracked, are most of the objects where a study follows them
        larger = small["population_by_size"].isel(size=slice(1, None)).sum("size", skipna=False).mean("run")
        for k in range(small.sizes["scenario"]):
            axes.plot(small["time"], larger.isel(scenario=k), lw=0.9, **_style(k))
        title += f"; thin: {float(small['size_lower'][1]):g} m and larger"
    axes.set(title=title, xlabel="year", ylabel="objects")


def _collisions(axes: Axes, small: xr.Dataset) -> None:
    time = small["time"].to_numpy()
    expected = collisions(small, channel="expected").mean("run")
    marked = np.unique(np.linspace(0, len(time) - 1, 9).astype(int))[1:]
    sampled = bootstrap_interval(collisions(small).isel(time=marked))
    count = small.sizes["scenario"]
    width = (
        (time[-1] - time[0]) / 120.0 * min(1.0, 4.0 / count)
    )  # shift scenarios sideways so that error bars do not overlap
    for k in range(count):
        _plot_series(axes, expected.isel(scenario=k), k)
        one = sampled.isel(scenario=k)
        mean = one["estimate"].to_numpy()
        errors = np.abs(np.stack([mean - one["lower"], one["upper"] - mean]))
        axes.errorbar(
            time[marked] + (k - 0.5 * (count - 1)) * width,
            mean,
            np.nan_to_num(errors),
            fmt="o",
            ms=4,
            lw=1.2,
            color=_style(k)["color"],
        )
    axes.set(
        title="Catastrophic collisions: expected (lines), sampled (points)",
        xlabel="year",
        ylabel="collisions since the start",
    )


def _difference(axes: Axes, small: xr.Dataset) -> None:
    names = small["scenario"].to_numpy()
    if len(names) == 1:
        axes.set(title="Population relative to the start, by run", xlabel="year", ylabel="population ratio")
        grown = (small["population"] / small["population"].isel(time=0)).isel(scenario=0)
        axes.plot(small["time"], grown.transpose("time", "run")[:, :200], color=_COLOURS[0], alpha=0.35, lw=0.7)
        axes.axhline(1.0, color="0.3", lw=0.8)
        return
    differences = paired_difference(small, "population", resamples=1000)
    for k in range(1, len(names)):
        one = differences.isel(scenario=k)
        axes.fill_between(small["time"], one["lower"], one["upper"], color=_style(k)["color"], alpha=0.25, lw=0)
        _plot_series(axes, one["estimate"], k)
    axes.axhline(0.0, color="0.3", lw=0.8)
    axes.set(title=f"Objects relative to '{_label(names[0])}'", xlabel="year", ylabel="difference: mean, 95 % interval")


def _density(axes: Axes, ds: xr.Dataset) -> None:
    ends = ds.isel(time=[0, -1]) if ds.sizes["time"] > 1 else ds
    density = spatial_density(ends).sum("class", skipna=False).mean("run").load() * 1e9
    edges = np.append(ds["shell_lower"].to_numpy(), ds["shell_upper"].to_numpy()[-1])
    axes.stairs(density.isel(scenario=0, time=0), edges, color="0.6", fill=True, alpha=0.5, label="start")
    for k in range(ds.sizes["scenario"]):
        style = _style(k)
        axes.stairs(
            density.isel(scenario=k, time=-1),
            edges,
            color=style["color"],
            ls=style["ls"],
            lw=1.6,
            label="end" if k == 0 else None,
        )
    axes.set(
        title="Density by altitude: start (grey), end (lines)",
        xlabel="altitude [km]",
        ylabel="objects per (1000 km)$^3$",
        xlim=(edges[0], edges[-1]),
    )
    axes.set_ylim(0.0, None)
