"""Screening results as text for a terminal or a batch log."""

from __future__ import annotations

import json

import xarray as xr
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from stmgpu.constants import SLOW_PAIR_KM_S
from stmgpu.screen.conjunctions import flag_names
from stmgpu.time import format_utc


def summary_line(ds: xr.Dataset) -> str:
    """One line: objects read, rejected and failing, candidates, events, and the seconds of every stage."""
    a = ds.attrs
    stages = json.loads(a["seconds"])
    seconds = ", ".join(f"{stage} {value:.2f}" for stage, value in stages.items())
    return (f"{a['objects'] + a['objects_rejected']} objects read, {a['objects_rejected']} rejected, "
            f"{a['objects_failed']} failing propagation, {a['candidates']} candidates, {a['events']} events; "
            f"seconds: {seconds}, together {sum(stages.values()):.2f}")


def certificate_line(ds: xr.Dataset) -> str:
    """One line: whether the run's own check of its bounds held."""
    c = json.loads(ds.attrs["certificate"])
    found = (f"largest deviation {c['largest_ratio']:.3f} of its bound over {c['pairs_measured']} measured pairs, "
             f"{ds.attrs['candidates_unrefined']} candidates without a state")
    return f"certificate: complete ({found})" if c["complete"] else f"certificate: NOT COMPLETE ({found})"


def closest_table(ds: xr.Dataset, rows: int = 10) -> Table:
    """The closest conjunctions as a table, without the slow ones: docked craft would fill it with zeros."""
    fast = ds.isel(conjunction=ds.relative_speed.to_numpy() >= SLOW_PAIR_KM_S)
    closest = fast.sortby("miss_distance").isel(conjunction=slice(rows))
    shown, slow = closest.sizes["conjunction"], ds.sizes["conjunction"] - fast.sizes["conjunction"]
    table = Table(
        title=f"The {shown} closest of {fast.sizes['conjunction']} conjunctions at {SLOW_PAIR_KM_S:g} km/s or faster "
              f"(slower, docked or co-orbital: {slow})",
        title_justify="left",
    )
    table.add_column("TCA (UTC)", no_wrap=True)
    for column in ("primary", "secondary"):
        table.add_column(column)
    for column in ("miss [km]", "speed [km/s]"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("flags", overflow="fold")
    for k in range(shown):
        event = closest.isel(conjunction=k)
        table.add_row(
            str(format_utc(event.tca.to_numpy(), 3)),
            *(f"{int(event[who])} {escape(str(event[f'{who}_name'].item())[:18])}" for who in ("primary", "secondary")),
            f"{float(event.miss_distance):.3f}",
            f"{float(event.relative_speed):.3f}",
            flag_names(int(event.flags)),
        )
    return table


def print_result(ds: xr.Dataset, console: Console | None = None) -> None:
    """Print the closest conjunctions, the summary and the certificate to standard output."""
    console = console or Console()
    if not console.is_terminal:
        console.width = max(console.width, 120)
    if ds.sizes["conjunction"]:
        console.print(closest_table(ds))
    console.print(summary_line(ds), soft_wrap=True, highlight=False)
    console.print(certificate_line(ds), soft_wrap=True, highlight=False)
