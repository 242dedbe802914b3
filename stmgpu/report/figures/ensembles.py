"""Figures of debris studies: the fan of the runs, and collisions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stmgpu.debris.statistics.bootstrap import bootstrap_interval
from stmgpu.debris.statistics.growth import collisions as count_collisions
from stmgpu.debris.statistics.growth import total
from stmgpu.debris.statistics.runs import quantiles
from stmgpu.errors import InputError
from stmgpu.report.figures.contents import ensemble_of
from stmgpu.report.figures.scenarios import line, marked, runs_note, scenario_legend, sideways, year_axis
from stmgpu.report.figures.style import axes_of, look, styled

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

_SHOWN_SHARE = 0.05
"""Share of the objects above which those of the smallest size are shown apart."""


@styled
def ensemble(ds: xr.Dataset, ax: Axes | None = None, *, variable: str = "population", band: str | None = None) -> Axes:
    """Draw the mean of every scenario against time, and the spread of the runs of one of them.

    The bands contain half and 90 % of the runs. Only one scenario has them: several would mix into one grey block.
    Where there are objects of the smallest size, thin lines are without these.

    Parameters
    ----------
    ds : xr.Dataset
        An ensemble, from :func:`stmgpu.evolve` or a store.
    ax : Axes, optional
        Where to draw; default a new figure of one column.
    variable : str
        Variable to draw, summed over shells and classes.
    band : str, optional
        Scenario with bands; default the first.

    Returns
    -------
    Axes

    Raises
    ------
    InputError
        If this is no ensemble, or it has no such variable or scenario.
    """
    ds = ensemble_of(ds, figure="ensemble")
    values = total(ds, variable)
    if not {"run", "time"} <= set(values.dims):
        raise InputError(
            f"ensemble draws a variable over runs and time, and {variable} has {', '.join(map(str, values.dims))}"
        )
    values = values.load()
    names = [str(name) for name in ds["scenario"].to_numpy()]
    if band is not None and band not in names:
        raise InputError(f"there is no scenario {band!r}; choose one of {', '.join(names)}")
    chosen = 0 if band is None else names.index(band)
    ax = axes_of(ax)
    spread = quantiles(values.isel(scenario=chosen), (0.05, 0.25, 0.75, 0.95))
    time = values["time"].to_numpy()
    for outer, alpha in ((0, 0.18), (1, 0.28)):
        low, high = spread.isel(quantile=outer).to_numpy(), spread.isel(quantile=3 - outer).to_numpy()
        ax.fill_between(time, low, high, color=look(chosen)["color"], alpha=alpha, lw=0)
    lines = [line(ax, values.isel(scenario=k).mean("run"), **look(k)) for k in range(len(names))]
    units = values.attrs.get("units", "1")
    label = "objects" if variable == "population" else variable.replace("_", " ")
    ax.set(ylabel=label if units == "1" else f"{label} [{units}]")
    if variable == "population":
        _without_the_smallest(ax, ds, values)
    year_axis(ax, ds)
    scenario_legend(ax, ds, lines)
    runs_note(ax, ds)
    return ax


def _without_the_smallest(ax: Axes, ds: xr.Dataset, objects: xr.DataArray) -> None:
    """Thin lines without the smallest sizes, where these, which are not tracked, are many of the objects."""
    if "population_by_size" not in ds or "size_lower" not in ds:
        return
    by_size = ds["population_by_size"].load()
    if not float((by_size.isel(size=0) / objects).max()) > _SHOWN_SHARE:
        return
    larger = by_size.isel(size=slice(1, None)).sum("size", skipna=False).mean("run")
    for k in range(ds.sizes["scenario"]):
        line(ax, larger.isel(scenario=k), lw=0.6, **look(k))
    ax.set_ylabel(f"objects (thin: {float(ds['size_lower'][1]):g} m and larger)")


@styled
def collisions(ds: xr.Dataset, ax: Axes | None = None, *, kind: str = "catastrophic") -> Axes:
    """Draw the collisions since the start: expected ones as lines, sampled ones as points with 95 % intervals.

    Parameters
    ----------
    ds : xr.Dataset
        An ensemble, from :func:`stmgpu.evolve` or a store.
    ax : Axes, optional
        Where to draw; default a new figure of one column.
    kind : {'catastrophic', 'cratering', 'all'}
        Kind of collisions.

    Returns
    -------
    Axes

    Raises
    ------
    InputError
        If this is no ensemble.
    """
    ds = ensemble_of(ds, "collisions_catastrophic", "expected_catastrophic", figure="collisions")
    time = ds["time"].to_numpy()
    expected = count_collisions(ds, kind, channel="expected").mean("run").load()
    places = marked(time)
    sampled = bootstrap_interval(count_collisions(ds, kind).isel(time=places).load())
    ax = axes_of(ax)
    count = ds.sizes["scenario"]
    lines = []
    for k in range(count):
        lines.append(line(ax, expected.isel(scenario=k), **look(k)))
        one = sampled.isel(scenario=k)
        mean = one["estimate"].to_numpy()
        errors = np.nan_to_num(np.abs(np.stack([mean - one["lower"].to_numpy(), one["upper"].to_numpy() - mean])))
        ax.errorbar(
            time[places] + sideways(time, k, count),
            mean,
            errors,
            fmt="o",
            ms=2.5,
            lw=0.8,
            capsize=0,
            color=look(k)["color"],
        )
    what = "collisions" if kind == "all" else f"{kind} collisions"
    ax.set_ylabel(f"{what} since the start")
    ax.set_ylim(0.0, None)
    year_axis(ax, ds)
    scenario_legend(ax, ds, lines, ": expected (line), sampled (points)")
    runs_note(ax, ds)
    return ax
