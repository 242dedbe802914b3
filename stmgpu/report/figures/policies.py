"""Figures that compare removal policies: paired differences, effects at the end, and costs."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np

from stmgpu.debris.statistics.growth import collisions, total
from stmgpu.debris.statistics.policy_effects import (
    baseline_of,
    cost_per_collision_avoided,
    effective_reduction_factor,
    paired_difference,
)
from stmgpu.errors import InputError
from stmgpu.report.figures.contents import ensemble_of
from stmgpu.report.figures.scenarios import line, marked, runs_note, scenario_legend, sideways, year_axis
from stmgpu.report.figures.style import INK, axes_of, look, short, styled

if TYPE_CHECKING:
    from collections.abc import Mapping

    import xarray as xr
    from matplotlib.axes import Axes

_RESAMPLES = 1000
_LABEL_WIDTH = 24

EFFECTS = {
    "population": "objects at the end less those of {}",
    "collisions": "expected catastrophic collisions less those of {}",
    "reduction": "objects fewer per object removed",
}
"""What :func:`policies` compares, and its label."""


@styled
def difference(
    ds: xr.Dataset, ax: Axes | None = None, *, variable: str = "population", baseline: str | None = None
) -> Axes:
    """Draw the difference of every scenario from the baseline, paired by run, with 95 % intervals of its mean.

    A single scenario beside the baseline has its interval as a band, several have bars. A study with one scenario shows
    every run relative to its start.

    Parameters
    ----------
    ds : xr.Dataset
        An ensemble with common random numbers.
    ax : Axes, optional
        Where to draw; default a new figure of one column.
    variable : str
        Variable to compare, summed over shells and classes.
    baseline : str, optional
        Scenario to subtract; default the first.

    Returns
    -------
    Axes

    Raises
    ------
    InputError
        If this is no ensemble, or it has no such variable or scenario.
    """
    ds = ensemble_of(ds, figure="difference")
    values = total(ds, variable).load()
    others = [k for k, name in enumerate(ds["scenario"].to_numpy().tolist()) if name != baseline_of(ds, baseline)]
    ax = axes_of(ax)
    if not others:
        _relative(ax, values.isel(scenario=0), variable)
        year_axis(ax, ds)
        return ax
    time = values["time"].to_numpy()
    result = paired_difference(ds, values.rename(variable), baseline=baseline, resamples=_RESAMPLES)
    lines, places = [], marked(time)
    for n, k in enumerate(others):
        one = result.isel(scenario=k)
        lines.append(line(ax, one["estimate"], **look(k)))
        if len(others) == 1:
            ax.fill_between(time, one["lower"], one["upper"], color=look(k)["color"], alpha=0.22, lw=0)
        else:
            _bars(ax, time + sideways(time, n, len(others)), one, places, look(k)["color"])
    ax.axhline(0.0, color=INK, lw=0.8)
    units = values.attrs.get("units", "1")
    name = "objects" if variable == "population" else variable.replace("_", " ")
    ax.set_ylabel(f"{name}, difference" + ("" if units == "1" else f" [{units}]"))
    year_axis(ax, ds)
    scenario_legend(ax, ds.isel(scenario=others), lines, f" less {short(baseline_of(ds, baseline))}")
    runs_note(ax, ds, corner="lower left")
    return ax


def _relative(ax: Axes, values: xr.DataArray, variable: str) -> None:
    grown = (values / values.isel(time=0)).transpose("time", "run")[:, :200]
    ax.plot(grown["time"].to_numpy(), grown.to_numpy(), color=look(0)["color"], alpha=0.35, lw=0.5)
    ax.axhline(1.0, color=INK, lw=0.8)
    name = "objects" if variable == "population" else variable.replace("_", " ")
    ax.set_ylabel(f"{name} relative to the start, by run")


def _bars(ax: Axes, time: Any, one: xr.Dataset, places: Any, colour: str) -> None:
    low, middle, high = (one[name].to_numpy()[places] for name in ("lower", "estimate", "upper"))
    errors = np.nan_to_num(np.abs(np.stack([middle - low, high - middle])))
    ax.errorbar(time[places], middle, errors, fmt="none", lw=0.8, capsize=1.5, color=colour)


@styled
def policies(
    ds: xr.Dataset, ax: Axes | None = None, *, effect: str = "population", baseline: str | None = None
) -> Axes:
    """Compare the scenarios at the end of a study by one effect, with 95 % intervals, the largest first.

    Parameters
    ----------
    ds : xr.Dataset
        An ensemble with common random numbers and at least two scenarios.
    ax : Axes, optional
        Where to draw; default a new figure of one column.
    effect : {'population', 'collisions', 'reduction'}
        Difference in objects or in expected catastrophic collisions from the baseline, or objects fewer for each object
        removed.
    baseline : str, optional
        Scenario to compare with; default the first.

    Returns
    -------
    Axes

    Raises
    ------
    InputError
        If this is no ensemble of several scenarios, there is no such effect, or nothing was removed.
    """
    if effect not in EFFECTS:
        raise InputError(f"effect = {effect!r} is unknown; choose one of {', '.join(EFFECTS)}")
    ds = ensemble_of(ds, figure="policies")
    _several(ds, "policies")
    last = ds.isel(time=slice(-1, None)).load()
    if effect == "reduction":
        result = effective_reduction_factor(last, baseline=baseline, resamples=_RESAMPLES)
    else:
        variable = total(last, "population") if effect == "population" else collisions(last, channel="expected")
        result = paired_difference(last, variable, baseline=baseline, resamples=_RESAMPLES)
    result = result.isel(time=-1).drop_sel(scenario=baseline_of(ds, baseline))
    middle = result["estimate"].to_numpy()
    if not np.isfinite(middle).any():
        raise InputError("no scenario has a value at the end: nothing was removed, or all runs were cut off")
    order = np.argsort(middle)[::-1]  # drawn from below: the most negative, or least, at the bottom
    if effect != "reduction":
        order = order[np.argsort(np.abs(middle[order]), kind="stable")]
    ax = axes_of(ax)
    places = dict(zip(ds["scenario"].to_numpy().tolist(), range(ds.sizes["scenario"]), strict=True))
    for row, n in enumerate(order.tolist()):
        one = result.isel(scenario=n)
        colour = look(places[one["scenario"].item()])["color"]
        x, low, high = (float(one[name]) for name in ("estimate", "lower", "upper"))
        errors = np.nan_to_num(np.abs([[x - low], [high - x]]))
        ax.errorbar([x], [row], xerr=errors, fmt="o", ms=4, lw=1.2, capsize=2.5, color=colour)
    ax.set_yticks(range(len(order)), [short(result["scenario"].to_numpy()[n]) for n in order])
    ax.set_ylim(-0.6, len(order) - 0.4)
    ax.axvline(1.0 if effect == "reduction" else 0.0, color=INK, lw=0.8)
    ax.set_xlabel(fill(EFFECTS[effect].format(short(baseline_of(ds, baseline))), _LABEL_WIDTH))
    ax.grid(visible=False, axis="y")
    runs_note(ax, ds, corner="upper left")
    return ax


@styled
def cost(
    ds: xr.Dataset,
    ax: Axes | None = None,
    *,
    prices: Mapping[str, float] | None = None,
    baseline: str | None = None,
) -> Axes:
    """Draw what policies cost against the expected catastrophic collisions that they avoid, with 95 % intervals.

    Parameters
    ----------
    ds : xr.Dataset
        An ensemble with common random numbers.
    ax : Axes, optional
        Where to draw; default a new figure of one column.
    prices : mapping of str to float, optional
        As for :func:`stmgpu.debris.statistics.cost_per_collision_avoided`. Default: every removal costs 1, so that the
        cost is the number of removals.
    baseline : str, optional
        Scenario without the policy; default the first.

    Returns
    -------
    Axes

    Raises
    ------
    InputError
        If this is no ensemble, a price is unknown or negative, or nothing was removed.
    """
    ds = ensemble_of(ds, "removals", "removals_failed", figure="cost", records=2)
    _several(ds, "cost")
    result = cost_per_collision_avoided(
        ds.load(), prices or {"per_removal": 1.0}, baseline=baseline, resamples=_RESAMPLES
    )
    shown = np.flatnonzero(np.isfinite(result["cost"].to_numpy()) & np.isfinite(result["avoided"].to_numpy()))
    if not len(shown):
        raise InputError("no scenario removes anything, so there is no cost to draw")
    ax = axes_of(ax)
    bars = []
    for k in shown.tolist():
        one = {str(name): float(value) for name, value in result.isel(scenario=k).data_vars.items()}
        x_error, y_error = (
            np.abs([[one[name] - one[f"{name}_lower"]], [one[f"{name}_upper"] - one[name]]])
            for name in ("avoided", "cost")
        )
        bars.append(
            ax.errorbar(
                [one["avoided"]], [one["cost"]], xerr=np.nan_to_num(x_error), yerr=np.nan_to_num(y_error),
                fmt="osD^v"[k % 5], ms=4, lw=1.0, color=look(k)["color"],
            )
        )  # fmt: skip
    ax.axvline(0.0, color=INK, lw=0.8)
    ax.set(
        xlabel="expected catastrophic collisions avoided",
        ylabel="cost" if prices else "cost [removals]",
    )
    ax.set_ylim(0.0, None)
    scenario_legend(ax, ds.isel(scenario=shown), bars)  # type: ignore[arg-type]  # containers have a legend, too
    runs_note(ax, ds)
    return ax


def _several(ds: xr.Dataset, figure: str) -> None:
    if ds.sizes["scenario"] < 2:
        raise InputError(f"{figure} compares scenarios, and this study has one; evolve a study with two or more")
