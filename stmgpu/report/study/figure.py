"""A debris study for people: table and figure. Its numbers are those of :mod:`stmgpu.report.study.summary`."""

from __future__ import annotations

import os
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np
import xarray as xr
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table

from stmgpu.debris.statistics.bootstrap import bootstrap_interval
from stmgpu.debris.statistics.density import spatial_density
from stmgpu.debris.statistics.growth import collisions, total
from stmgpu.debris.statistics.policy_effects import paired_difference
from stmgpu.debris.statistics.runs import quantiles
from stmgpu.errors import StmgpuError
from stmgpu.report.study.summary import reduced, study_summary

__all__ = ["plot_study", "print_study", "study_lines", "study_summary", "study_table"]

# Okabe and Ito (2008): distinct for all common kinds of colour vision; the line styles tell them apart in print
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
_STYLES = ("-", (0, (5, 2)), (0, (1, 1)), (0, (5, 1, 1, 1)))

_NO_END = 10_000
"""Characters in a line that is as wide as it likes."""

_FIGURE_WIDE, _LABEL = 140, 30
"""Characters that fit side by side into the figure, and those of a scenario's name in it."""


# ------------------------------------------------------------------------------------------------------------- table
def study_table(ds: xr.Dataset | dict[str, Any], upright: bool = False) -> Table:
    """One row a scenario: how it ends, how that differs from the first scenario, with intervals.

    Parameters
    ----------
    ds
        an ensemble, or its :func:`~stmgpu.report.study.summary.study_summary`.
    upright
        one column a scenario instead, for narrow terminals.
    """
    summary = ds if isinstance(ds, dict) else study_summary(ds)
    what = f"with {100.0 * summary['level']:g} % intervals" if max(_used(summary)) > 1 else "without intervals"
    table = Table(
        title=f"{summary['first_year']:.0f} to {summary['last_year']:.0f}, means {what}",
        title_justify="left",
        box=SIMPLE_HEAD,
        padding=(0, 1),
        collapse_padding=True,
    )
    heads = [
        "objects\nat the end",
        "change",
        "catastrophic\nsampled",
        "catastrophic\nexpected",
        f"objects against\n{escape(summary['baseline'])}",
        "removed",
        "ERF",
        "P(growth)",
        "twice as\nmany after",
    ]
    rows = [[escape(one["name"]), *_row(one)] for one in summary["scenarios"]]
    table.add_column("scenario", overflow="fold")
    if upright:
        for row in rows:
            table.add_column(row[0], justify="right", overflow="fold")
        rows = [list(row) for row in zip(heads, *(row[1:] for row in rows), strict=True)]
    else:
        for head in heads:
            table.add_column(head, justify="right")
    for row in rows:
        table.add_row(*row, end_section=True)
    return table


def _row(one: dict[str, Any]) -> list[str]:
    change = one["change_percent"]["mean"]
    return [
        _cell(one["objects_end"], _whole),
        "-" if change is None else f"{change:+.1f} %",
        _cell(one["catastrophic_sampled"], _short),
        _cell(one["catastrophic_expected"], _short),
        _cell(one["difference"], _signed),
        _whole(one["removed"]),
        _cell(one["effective_reduction_factor"], _short),
        _cell(one["growth_probability"], _share).replace(" % to", " to"),
        _doubling(one["doubling"]),
    ]


def study_lines(summary: dict[str, Any]) -> list[str]:
    """What stands below the table: runs, cut-offs, common random numbers, balances, each a line."""
    scenarios = summary["scenarios"]
    lines = [_runs_line(summary["runs"], [(one["name"], one["runs_finished"]) for one in scenarios])]
    if max(_used(summary)) < 2:
        lines.append("intervals: of P(growth) only; that of a mean takes two runs that are finished and not cut off")
    elif min(_used(summary)) < 10:
        lines.append("intervals: fewer than 10 runs; none of the intervals holds what it promises")
    gains = [one["difference"]["gain"] for one in scenarios if one["difference"] and one["difference"]["gain"]]
    if gains:
        lines.append(f"differences: run by run with common random numbers, worth {_range(gains)} times the runs")
    gains = [one["variance_gain"] for one in scenarios if one["variance_gain"] and one["estimator"] != "expected"]
    if gains:
        lines.append(f"expected collisions: variance {_range(gains)} times smaller than that of sampled ones")
    virtual = [one["name"] for one in scenarios if one["estimator"] == "expected"]
    if virtual:
        lines.append(
            f"estimator 'expected' ({', '.join(virtual)}): collisions are sums of probabilities; both columns "
            "are the same, and nothing is drawn by chance but fragments"
        )
    lines += _cut_lines(summary)
    balances = [
        f"{name.removesuffix('_balance')} {value:.1e}"
        for name, value in summary["balances"].items()
        if value is not None
    ]
    if balances:
        lines.append(f"balances, largest relative errors: {', '.join(balances)}")
    return lines


def _used(summary: dict[str, Any]) -> list[int]:
    """Runs in the means of each scenario."""
    return [one["runs_used"] for one in summary["scenarios"]]


def _runs_line(runs: int, finished: list[tuple[str, int]]) -> str:
    line = f"runs: {runs} of each scenario"
    if min(number for _, number in finished) == runs:
        return line
    return f"{line}, finished: {', '.join(f'{name} {number}' for name, number in finished)}"


def _cut_lines(summary: dict[str, Any]) -> list[str]:
    if not summary["cut_off"]:
        return ["cut off: no run"]
    lines = []
    for one in summary["scenarios"]:
        years = [cut["year"] for cut in summary["cut_off"] if cut["scenario"] == one["name"]]
        if years:
            lines.append(
                f"cut off: {len(years)} of {one['runs_finished']} runs of {one['name']} held too many objects "
                f"(first in {min(years):.0f}); they count as grown and are left out of means, which are low"
            )
    return lines


def print_study(ds: xr.Dataset, console: Console | None = None) -> None:
    """Print table and lines of a study to standard output."""
    summary = study_summary(ds)
    console = console or Console()
    table = study_table(summary)
    needed = Measurement.get(console, console.options.update(width=_NO_END), table).maximum
    if not console.is_terminal:
        console.width = max(console.width, needed)
    elif console.width < needed:
        table = study_table(summary, upright=True)
    with console.capture() as text:  # rich itself would end the process when the reader has gone
        console.print(table)
        for line in study_lines(summary):
            console.print(line, soft_wrap=True, highlight=False, markup=False)
    console.file.write(text.get())
    console.file.flush()


def _cell(part: dict[str, Any] | None, form: Any) -> str:
    if part is None or part["mean"] is None:
        return "-"
    if part["lower"] is None or part["upper"] is None:
        return str(form(part["mean"]))
    return f"{form(part['mean'])}\n{form(part['lower'])} to {form(part['upper'])}"


def _whole(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100.0 else _short(value)


def _short(value: float) -> str:
    """Three digits."""
    if value == 0.0:
        return "0"
    if abs(value) >= 100.0:
        return f"{value:,.0f}"
    return f"{value:.{max(0, 2 - int(np.floor(np.log10(abs(value)))))}f}" if abs(value) >= 1e-3 else f"{value:.1e}"


def _signed(value: float) -> str:
    return ("+" if value > 0.0 else "") + _whole(value)


def _share(value: float) -> str:
    return f"{100.0 * value:.0f} %"


def _range(values: list[float]) -> str:
    low, high = _short(min(values)), _short(max(values))
    return low if low == high else f"{low} to {high}"


def _doubling(part: dict[str, Any]) -> str:
    if part["median_years"] is not None:
        return f"{part['median_years']:.0f} a\n(median)"
    return "no run" if not part["share"] else f"{_share(part['share'])}\nof runs"


# ------------------------------------------------------------------------------------------------------------ figure
def plot_study(ds: xr.Dataset, path: str | os.PathLike[str]) -> Path:
    """Draw a study: population, collisions, differences from the first scenario, density by altitude.

    Upper left: number of objects, mean (line) and the range of 90 % of the runs (band). Upper right: catastrophic
    collisions since the start, mean of the expected (line) and of the sampled ones (points, with the 95 % interval of
    the mean). Lower left: objects more than in the first scenario, run by run, mean and 95 % interval of the mean; with
    one scenario only, how many times as many objects there are as at the start. Lower right: objects per volume at the
    start (grey) and at the end. Long names of scenarios are shortened.

    Parameters
    ----------
    ds
        an ensemble, in memory or lazily loaded.
    path
        the picture; its ending names the form (.png, .pdf, .svg).

    Raises
    ------
    StmgpuError
        the picture cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    small = reduced(ds)
    figure = Figure(figsize=(12.0, 8.0), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    panels: Any = figure.subplot_mosaic([["objects", "collisions"], ["difference", "density"]])
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
        panels[name].set_xlim(time[0] - margin, time[-1] + margin)  # runs that were cut off may leave it nearly empty
        panels[name].xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8, min_n_ticks=1))
    labels = [_label(name) for name in small["scenario"].to_numpy()]
    if len(labels) > 1:
        columns = min(len(labels), 4, _FIGURE_WIDE // (max(map(len, labels)) + 8))
        legend = figure.legend(
            panels["objects"].lines, " " * len(labels), loc="outside upper center", ncols=columns, frameon=False
        )
        for text, label in zip(legend.get_texts(), labels, strict=True):
            text.set_text(label)  # given to legend(), those with an underscore in front may be left out
    finished = small["population"].isel(time=0).notnull().sum("run").to_numpy()
    below = _runs_line(small.sizes["run"], list(zip(labels, finished.tolist(), strict=True)))
    cut = int(small["truncated_year"].notnull().sum())
    if cut:
        below += f"; {cut} cut off for too many objects and not shown from then on"
    figure.supxlabel(fill(below, _FIGURE_WIDE), fontsize=9)
    try:
        figure.savefig(path)
    except (OSError, ValueError) as error:
        raise StmgpuError(
            f"cannot write the picture {path}: {error}; choose another path or one of .png, .pdf, .svg"
        ) from error
    return Path(path)


def _label(name: Any) -> str:
    """A scenario's name as it fits into the figure, without mathematics."""
    text = str(name)
    half = _LABEL // 2
    return (text if len(text) <= _LABEL else f"{text[:half]}…{text[1 - half :]}").replace("$", r"\$")


def _line(axes: Any, values: xr.DataArray, k: int) -> None:
    """Values of a scenario against time; a single one is a point."""
    axes.plot(values["time"], values, lw=2, marker="o" if int(values.notnull().sum()) == 1 else None, **_look(k))


def _look(k: int) -> dict[str, Any]:
    return {"color": _COLOURS[k % len(_COLOURS)], "ls": _STYLES[k // len(_COLOURS) % len(_STYLES)]}


def _objects(axes: Any, small: xr.Dataset) -> None:
    n = total(small, "population")
    band = quantiles(n, (0.05, 0.95))
    for k in range(small.sizes["scenario"]):
        axes.fill_between(small["time"], *(b.isel(scenario=k) for b in band), color=_look(k)["color"], alpha=0.15, lw=0)
        _line(axes, n.isel(scenario=k).mean("run"), k)
    axes.set(title="Objects: mean, 90 % of the runs", xlabel="year", ylabel="objects")


def _collisions(axes: Any, small: xr.Dataset) -> None:
    time = small["time"].to_numpy()
    expected = collisions(small, channel="expected").mean("run")
    at = np.unique(np.linspace(0, len(time) - 1, 9).astype(int))[1:]
    sampled = bootstrap_interval(collisions(small).isel(time=at))
    count = small.sizes["scenario"]
    width = (time[-1] - time[0]) / 120.0 * min(1.0, 4.0 / count)  # side by side, where they would hide each other
    for k in range(count):
        _line(axes, expected.isel(scenario=k), k)
        one = sampled.isel(scenario=k)
        mean = one["estimate"].to_numpy()
        away = np.abs(np.stack([mean - one["lower"], one["upper"] - mean]))
        axes.errorbar(
            time[at] + (k - 0.5 * (count - 1)) * width,
            mean,
            np.nan_to_num(away),
            fmt="o",
            ms=4,
            lw=1.2,
            color=_look(k)["color"],
        )
    axes.set(
        title="Catastrophic collisions: expected (lines), sampled (points)",
        xlabel="year",
        ylabel="collisions since the start",
    )


def _difference(axes: Any, small: xr.Dataset) -> None:
    names = small["scenario"].to_numpy()
    if len(names) == 1:
        axes.set(title="Objects over those at the start, each run", xlabel="year", ylabel="times as many")
        grown = (small["population"] / small["population"].isel(time=0)).isel(scenario=0)
        axes.plot(small["time"], grown.transpose("time", "run")[:, :200], color=_COLOURS[0], alpha=0.35, lw=0.7)
        axes.axhline(1.0, color="0.3", lw=0.8)
        return
    found = paired_difference(small, "population", resamples=1000)
    for k in range(1, len(names)):
        one = found.isel(scenario=k)
        axes.fill_between(small["time"], one["lower"], one["upper"], color=_look(k)["color"], alpha=0.25, lw=0)
        _line(axes, one["estimate"], k)
    axes.axhline(0.0, color="0.3", lw=0.8)
    axes.set(title=f"Objects more than in '{_label(names[0])}'", xlabel="year", ylabel="objects: mean, 95 % interval")


def _density(axes: Any, ds: xr.Dataset) -> None:
    ends = ds.isel(time=[0, -1]) if ds.sizes["time"] > 1 else ds
    density = spatial_density(ends).sum("class", skipna=False).mean("run").load() * 1e9
    edges = np.append(ds["shell_lower"].to_numpy(), ds["shell_upper"].to_numpy()[-1])
    axes.stairs(density.isel(scenario=0, time=0), edges, color="0.6", fill=True, alpha=0.5, label="start")
    for k in range(ds.sizes["scenario"]):
        look = _look(k)
        axes.stairs(
            density.isel(scenario=k, time=-1),
            edges,
            color=look["color"],
            ls=look["ls"],
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
