"""Screening results as text for a terminal or a batch log."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from stmgpu.constants import SLOW_PAIR_KM_S
from stmgpu.errors import counted, printable
from stmgpu.propagate.codes import CODE_DECAYED, CODES
from stmgpu.screen.conjunctions import flag_names
from stmgpu.screen.selection import closest, failures
from stmgpu.time import format_utc

if TYPE_CHECKING:
    import xarray as xr

INTERPOLATION_SHARE = 0.01
"""Share of the threshold above which the interpolation error of trajectories is printed."""

_TIME_WIDTH, _ID_WIDTH, _NAME_WIDTH = 23, 9, 24


def summary_line(ds: xr.Dataset) -> str:
    """One line: objects read, rejected and failing, candidates, events, and the seconds of every stage."""
    a = ds.attrs
    stages = json.loads(a["seconds"])
    seconds = ", ".join(f"{stage} {value:.2f}" for stage, value in stages.items())
    decayed = int((failures(ds)["code"] == CODE_DECAYED).sum())
    return (
        f"{counted(a['objects'] + a['objects_rejected'], 'object')} read, {a['objects_rejected']} rejected, "
        f"{a['objects_failed'] - decayed} failing propagation, {f'{decayed} decayed, ' if decayed else ''}"
        f"{counted(a['candidates'], 'candidate')}, {counted(a['events'], 'event')}; "
        f"seconds: {seconds}, total {sum(stages.values()):.2f}"
    )


def certificate_line(ds: xr.Dataset) -> str:
    """One line: whether the run's own check of its bounds held, and the share of the objects that it is about."""
    c = json.loads(ds.attrs["certificate"])
    if ds.attrs["candidates"]:
        measured = (
            f"largest deviation {c['largest_ratio']:.3f} of its bound over "
            f"{counted(c['pairs_measured'], 'measured pair')}, "
            f"{counted(ds.attrs['candidates_unrefined'], 'candidate')} without a state"
        )
    else:
        measured = "no two objects came near enough to be candidates, so nothing was measured"
    verdict = "complete" if c["complete"] or not ds.attrs["candidates"] else "NOT COMPLETE"
    return f"certificate: {verdict} ({measured}) for {_participants(ds)}"


def _participants(ds: xr.Dataset) -> str:
    objects, failed = int(ds.attrs["objects"]), int(ds.attrs["objects_failed"])
    if not failed:
        return f"all {counted(objects, 'object', ',')}"
    share = min(100.0 * (objects - failed) / objects, 99.9)
    return f"{objects - failed:,} of {objects:,} objects ({share:.1f} %), which took part throughout the window"


def participation_text(ds: xr.Dataset) -> str:
    """Warning about a certificate that is about less than half of the objects; empty for the others."""
    objects, failed = int(ds.attrs["objects"]), int(ds.attrs["objects_failed"])
    if 2 * failed <= objects:
        return ""
    return (
        f"only {objects - failed:,} of {objects:,} objects took part throughout the window; the certificate says "
        "nothing of times when an object had no state: check the window against the epochs of the elements"
    )


def interpolation_line(ds: xr.Dataset) -> str:
    """One line about the interpolation error of trajectories; empty below 1 % of the threshold."""
    c = json.loads(ds.attrs["certificate"])
    error_km = c.get("interpolation_error_km", 0.0)
    if error_km <= INTERPOLATION_SHARE * ds.attrs["threshold_km"]:
        return ""
    return (
        f"trajectories: interpolated to within {error_km:.3g} km (object {c['worst_trajectory']} is the worst); minima "
        "may be off by as much"
    )


def closest_table(ds: xr.Dataset, rows: int = 10) -> Table:
    """Table of the closest conjunctions of fast pairs, at most 80 columns wide; two lines each, one for each object."""
    nearest = closest(ds, rows)
    table = Table(box=SIMPLE_HEAD, show_edge=False, padding=0, pad_edge=False)
    table.add_column("TCA (UTC)\nflags", width=_TIME_WIDTH, overflow="fold")
    table.add_column("primary\nsecondary", max_width=_ID_WIDTH + 1 + _NAME_WIDTH, overflow="fold")
    for head in ("age\n[d]", "miss\n[km]", "speed\n[km/s]"):
        table.add_column(escape(head), justify="right", no_wrap=True)
    for k in range(nearest.sizes["conjunction"]):
        event = nearest.isel(conjunction=k)
        time = str(format_utc(event.tca.to_numpy(), 3)).rstrip("Z").replace("T", " ")
        objects = [
            f"{int(event[who])} {printable(str(event[f'{who}_name'].item()))[:_NAME_WIDTH]}"
            for who in ("primary", "secondary")
        ]
        ages = [float(event[f"{who}_epoch_age_days"]) for who in ("primary", "secondary")]
        table.add_row(
            f"{time}\n{flag_names(int(event.flags)).replace('|', ', ')}".rstrip(),
            escape("\n".join(objects)),
            "\n".join("-" if math.isnan(age) else f"{round(age, 1) + 0.0:.1f}" for age in ages),
            f"{float(event.miss_distance):.3f}",
            f"{float(event.relative_speed):.3f}",
        )
    return table


def table_title(ds: xr.Dataset, rows: int = 10) -> str:
    """Title of :func:`closest_table`, with the number of slow conjunctions that it leaves out."""
    fast = int((ds.relative_speed.to_numpy() >= SLOW_PAIR_KM_S).sum())
    slow = ds.sizes["conjunction"] - fast
    left_out = f"; {counted(slow, 'slower one')} (docked or co-orbital) not shown" if slow else ""
    if fast == 0:
        return f"No conjunction at {SLOW_PAIR_KM_S:g} km/s or faster{left_out}"
    return f"Closest {min(rows, fast)} of {fast} conjunctions at {SLOW_PAIR_KM_S:g} km/s or faster{left_out}"


def failing_lines(ds: xr.Dataset, most: int = 10) -> list[str]:
    """Lines about failed objects, one for each error code: number, meaning and the ids of at most ``most``."""
    failed = failures(ds)
    objects, codes = failed["norad_id"].to_numpy(), failed["code"].to_numpy()
    lines = []
    for code in sorted(set(codes.tolist())):
        ids = sorted(objects[codes == code].tolist())
        rest = f" and {len(ids) - most} more" if len(ids) > most else ""
        what = "decayed" if code == CODE_DECAYED else "failing propagation"
        lines.append(f"{what}: {len(ids)} with code {code} ({CODES[code]}): {', '.join(map(str, ids[:most]))}{rest}")
    return lines


def print_result(ds: xr.Dataset, console: Console | None = None) -> None:
    """Print the closest conjunctions, the summary and the certificate to standard output."""
    console = console or Console()
    with console.capture() as text:  # rich itself would end the process when the reader has gone
        if ds.sizes["conjunction"]:
            console.print(table_title(ds), soft_wrap=True, highlight=False)
            if (ds.relative_speed.to_numpy() >= SLOW_PAIR_KM_S).any():
                console.print(closest_table(ds))
        console.print(summary_line(ds), soft_wrap=True, highlight=False)
        console.print(certificate_line(ds), soft_wrap=True, highlight=False)
        if line := interpolation_line(ds):
            console.print(line, soft_wrap=True, highlight=False)
    console.file.write(text.get())
    console.file.flush()
