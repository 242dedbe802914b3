"""What figures of debris studies have in common: the legend of scenarios, axes of years, notes on runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import MaxNLocator

from stmgpu.report.figures.style import legend_above, note, short

if TYPE_CHECKING:
    from collections.abc import Sequence

    import xarray as xr
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

FEW_RUNS = 10
"""Runs below which intervals are too narrow."""


def names_of(ds: xr.Dataset) -> list[str]:
    """Names of the scenarios as figures show them."""
    return [short(name) for name in ds["scenario"].to_numpy().tolist()]


def scenario_legend(
    ax: Axes,
    ds: xr.Dataset,
    lines: Sequence[Artist],
    end: str = "",
    *,
    more: tuple[Sequence[Artist], Sequence[str]] = ((), ()),
) -> None:
    """A legend of scenarios, and of what else there is; `end` stands after the name of a single scenario."""
    names = names_of(ds)[-len(lines) :]
    if len(names) == 1:
        names = [names[0] + end]
    legend_above(ax, [*lines, *more[0]], [*names, *more[1]])


def year_axis(ax: Axes, ds: xr.Dataset) -> None:
    """Whole years, over all records: limits from the data fail where runs are cut off early."""
    time = ds["time"].to_numpy()
    margin = 0.02 * max(float(time[-1] - time[0]), 1.0)
    ax.set_xlim(time[0] - margin, time[-1] + margin)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6, min_n_ticks=1))
    ax.set_xlabel("year")


def runs_note(ax: Axes, ds: xr.Dataset, *, corner: str = "lower right") -> None:
    """Say inside the axes if fewer than 10 runs are finished."""
    runs = int(ds["population"].isel(time=0).notnull().any("class").sum("run").min())
    if runs < FEW_RUNS:
        what = "intervals too narrow" if runs > 1 else "no intervals"
        note(ax, f"{runs} run{'s' if runs != 1 else ''}: {what}", corner=corner)


def line(ax: Axes, values: xr.DataArray, **style: object) -> Artist:
    """Values against time as a line; a single value as a marker."""
    marker = "o" if int(values.notnull().sum()) == 1 else None
    drawn: Artist = ax.plot(values["time"].to_numpy(), values.to_numpy(), marker=marker, **style)[0]  # type: ignore[arg-type]
    return drawn


def marked(
    time: np.ndarray[tuple[int], np.dtype[np.float64]], count: int = 8
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Records at which intervals are drawn, so that those of several scenarios stay apart."""
    found: np.ndarray[tuple[int], np.dtype[np.int64]] = np.unique(
        np.linspace(0, len(time) - 1, count + 1).astype(np.int64)
    )
    return found[1:] if len(found) > 1 else found


def sideways(time: np.ndarray[tuple[int], np.dtype[np.float64]], k: int, count: int) -> float:
    """Shift of scenario k, so that error bars do not overlap [a]."""
    step = float(time[-1] - time[0]) / 100.0 * min(1.0, 4.0 / count)
    return (k - 0.5 * (count - 1)) * step
