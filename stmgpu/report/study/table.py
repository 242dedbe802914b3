"""The table of a debris study in the terminal: one row a scenario, and notes below it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table

from stmgpu.errors import printable
from stmgpu.report.study.settings import density_lines, settings_lines
from stmgpu.report.study.summary import study_summary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import xarray as xr

__all__ = ["print_study", "runs_line", "study_lines", "study_table"]

_UNLIMITED = 10_000
"""Width of a console in which no line is broken."""

_RUNS_OF_RANGE = 10
"""Runs from which a range of 90 % of them is printed."""

_HEAD_WIDTH, _COLUMN_WIDTH = 14, 20
"""Columns that an upright table needs for its first column and for each scenario."""

MOST_NOTES = 10
"""Notes on scenarios that are listed below the table."""


def study_table(ds: xr.Dataset | dict[str, Any], *, upright: bool = False) -> Table:
    """Tabulate a study: per scenario, the final state and its difference from the first scenario.

    Parameters
    ----------
    ds : Dataset or dict
        An ensemble, or its :func:`~stmgpu.report.study.summary.study_summary`.
    upright : bool
        One column a scenario, for narrow terminals, instead of one row.

    Returns
    -------
    rich.table.Table
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
        f"objects against\n{escape(printable(summary['baseline']))}",
        "removed",
        "ERF",
        "P(growth)",
        "twice as\nmany after",
    ]
    rows = [[escape(printable(one["name"])), *_row(one)] for one in summary["scenarios"]]
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


def _blocks(summary: dict[str, Any], columns: int) -> Iterator[Table]:
    """Upright tables of a number of scenarios each."""
    scenarios = summary["scenarios"]
    for first in range(0, len(scenarios), columns):
        yield study_table({**summary, "scenarios": scenarios[first : first + columns]}, upright=True)


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
    """List the notes below the table: runs, cut-offs, common random numbers, balances."""
    scenarios = summary["scenarios"]
    lines = [runs_line(summary["runs"], [(one["name"], one["runs_finished"]) for one in scenarios])]
    if max(_used(summary)) < 2:
        lines.append("intervals: only P(growth) has one; a mean needs two runs that are finished and not cut off")
    elif min(_used(summary)) < 10:
        lines.append("intervals: fewer than 10 runs; intervals are too narrow")
    gains = [one["difference"]["gain"] for one in scenarios if one["difference"] and one["difference"]["gain"]]
    if gains:
        lines.append(f"differences: paired by common random numbers, equivalent to {_range(gains)} times as many runs")
    gains = [one["variance_gain"] for one in scenarios if one["variance_gain"] and one["estimator"] != "expected"]
    if gains:
        lines.append(f"expected collisions: {_range(gains)} times less variance than sampled ones")
    virtual = [one["name"] for one in scenarios if one["estimator"] == "expected"]
    if virtual:
        lines.append(
            f"estimator 'expected' ({', '.join(virtual)}): collisions are sums of probabilities, so both "
            "columns are equal; only fragments are random"
        )
    lines += density_lines(summary)
    lines += _spread_lines(scenarios)
    lines += _size_lines(scenarios)
    lines += _operator_lines(scenarios)
    lines += settings_lines(summary)
    lines += _cut_lines(summary)
    balances = [
        f"{name.removesuffix('_balance')} {value:.1e}"
        for name, value in summary["balances"].items()
        if value is not None
    ]
    if balances:
        lines.append(f"balances, largest relative errors: {', '.join(balances)}")
    return [*lines, *_note_lines(summary)]


def _used(summary: dict[str, Any]) -> list[int]:
    """Runs in the means of each scenario."""
    return [one["runs_used"] for one in summary["scenarios"]]


def runs_line(runs: int, finished: list[tuple[str, int]]) -> str:
    """State the number of runs, and of finished ones by scenario where some are missing."""
    line = f"runs: {runs} of each scenario"
    if min(number for _, number in finished) == runs:
        return line
    return f"{line}, finished: {', '.join(f'{name} {number}' for name, number in finished)}"


def _spread_lines(scenarios: list[dict[str, Any]]) -> list[str]:
    """Range of the runs, which contains what is drawn for each of them, such as the density of the atmosphere."""
    shown = []
    for one in scenarios:
        low, high = (one["objects_end_quantiles"].get(q) for q in ("0.05", "0.95"))
        if one["runs_used"] >= _RUNS_OF_RANGE and low is not None and high is not None:
            shown.append(f"{one['name']} {_whole(low)} to {_whole(high)}")
    if not shown:
        return []
    return [f"objects at the end of 90 % of the runs (intervals above are of means): {', '.join(shown)}"]


def _size_lines(scenarios: list[dict[str, Any]]) -> list[str]:
    """Objects by size at the end, a line for each scenario in which they are of more than one size."""
    lines = []
    for one in scenarios:
        held = {name: part["mean"] for name, part in (one["objects_end_by_size"] or {}).items() if part["mean"]}
        if len(held) > 1:
            lines.append(
                f"objects at the end of {one['name']}: {', '.join(f'{_whole(n)} {name}' for name, n in held.items())}"
            )
    return lines


def _operator_lines(scenarios: list[dict[str, Any]]) -> list[str]:
    """Losses and manoeuvres of active satellites, where there are any."""
    lines = []
    for text, values in (
        ("active satellites hit, expected", [(one["active_losses_expected"] or {}).get("mean") for one in scenarios]),
        ("manoeuvres a satellite in the last year", [one["manoeuvres_per_satellite"] for one in scenarios]),
    ):
        shown = [f"{one['name']} {_short(v)}" for one, v in zip(scenarios, values, strict=True) if v]
        if shown:
            lines.append(f"{text}: {', '.join(shown)}")
    return lines


def _note_lines(summary: dict[str, Any]) -> list[str]:
    """Notes on scenarios and their runs; those on sources are the same for all and stand in the attributes only."""
    starts = tuple(f"{one['name']}{mark}" for one in summary["scenarios"] for mark in (": ", ", run "))
    notes = [f"note: {note}" for note in summary["notes"] if note.startswith(starts)]
    more = len(notes) - MOST_NOTES
    return notes if more <= 0 else [*notes[:MOST_NOTES], f"notes: {more} more, in the attribute notes of the result"]


def _cut_lines(summary: dict[str, Any]) -> list[str]:
    if not summary["cut_off"]:
        return ["cut off: no run"]
    lines = []
    for one in summary["scenarios"]:
        years = [cut["year"] for cut in summary["cut_off"] if cut["scenario"] == one["name"]]
        if years:
            lines.append(
                f"cut off: {len(years)} of {one['runs_finished']} runs of {one['name']} held too many objects "
                f"(first in {min(years):.0f}); they count as grown and are excluded from means, which are therefore low"
            )
    return lines


def print_study(ds: xr.Dataset | dict[str, Any], console: Console | None = None) -> None:
    """Print the table of a study and its notes.

    Parameters
    ----------
    ds : Dataset or dict
        An ensemble, or its :func:`~stmgpu.report.study.summary.study_summary`.
    console : rich.console.Console, optional
        Where to print; default standard output.
    """
    summary = ds if isinstance(ds, dict) else study_summary(ds)
    console = console or Console()
    tables = [study_table(summary)]
    if console.width < Measurement.get(console, console.options.update(width=_UNLIMITED), tables[0]).maximum:
        tables = list(_blocks(summary, max(1, (console.width - _HEAD_WIDTH) // _COLUMN_WIDTH)))
    with console.capture() as text:  # rich exits the process on a closed pipe, so write the text ourselves
        for table in tables:
            console.print(table)
        for line in study_lines(summary):
            console.print(printable(line), soft_wrap=True, highlight=False, markup=False)
    console.file.write(text.get())
    console.file.flush()


def _cell(part: dict[str, Any] | None, form: Callable[[float], str]) -> str:
    if part is None or part["mean"] is None:
        return "-"
    if part["lower"] is None or part["upper"] is None:
        return form(part["mean"])
    return f"{form(part['mean'])}\n{form(part['lower'])} to {form(part['upper'])}"


def _whole(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100.0 else _short(value)


def _short(value: float) -> str:
    """Format with three significant digits."""
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
