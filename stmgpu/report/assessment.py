"""Assessed conjunctions as text for a terminal or a batch log, and as plain numbers for JSON."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from stmgpu.errors import counted, printable
from stmgpu.risk.messages import METHODS
from stmgpu.risk.triage import DECISIONS, ranked
from stmgpu.risk.variables import FLAGS
from stmgpu.screen.csv_table import table_rows
from stmgpu.time import format_utc

if TYPE_CHECKING:
    import xarray as xr
    from rich.console import Console

WORST = 10
"""Conjunctions that the table shows."""

PRINTED = (
    *("tca", "primary", "secondary", "primary_name", "secondary_name", "miss_distance", "pc", "pc_max", "p_act"),
    *("pc_method", "pc_flags", "triage", "sigma_major", "sigma_minor", "hard_body_radius"),
)
"""Columns of a store that :func:`print_assessment` needs."""

_TIME_WIDTH, _NAME_WIDTH = 23, 21
_UNLIKELY = 1e-99
_OBJECTS = (("primary", 1), ("secondary", 2))


def assessment_summary(con: xr.Dataset) -> dict[str, Any]:
    """Summarise assessed conjunctions, with all rows.

    Parameters
    ----------
    con : Dataset
        From :func:`stmgpu.assess`, or from a store.

    Returns
    -------
    dict
        ``conjunctions_assessed``, ``triage``: numbers of each decision; ``expected_collisions``: the sum of all
        probabilities, and ``without_probability``: rows that it lacks; the sources and lines; ``worst``: row numbers of
        the most urgent conjunctions; ``conjunctions``: an iterator of rows.
    """
    a = con.attrs
    return {
        "conjunctions_assessed": con.sizes["conjunction"],
        "triage": json.loads(a["triage_counts"]),
        "red_line": a["red_line"],
        "watch_line": a["watch_line"],
        "expected_collisions": a["expected_collisions"],
        "without_probability": a["rows_without_probability"],
        "covariances": a["covariance_model"],
        "notice": a.get("covariance_notice", ""),
        "radii": a["hard_body_rule"],
        "worst": worst(con).tolist(),
        "conjunctions": table_rows(con),
    }


def worst(con: xr.Dataset, rows: int = WORST) -> np.ndarray[Any, Any]:
    """Row numbers of the most urgent conjunctions: by triage, then by probability, those to improve by the forecast.

    With covariances of a model alone the maximum probability goes before the probability.
    """
    pc, largest, forecast = (con[name].to_numpy() for name in ("pc", "pc_max", "p_act"))
    order = ranked(con.triage.to_numpy(), largest if a_model_alone(con) else pc, largest, forecast)
    return np.asarray(order[:rows])


def a_model_alone(con: xr.Dataset) -> bool:
    """Whether the covariances are only a model, so that its maximum says more than the probability."""
    return "covariance_notice" in con.attrs


def print_assessment(con: xr.Dataset, console: Console) -> None:
    """Print counts, expected collisions, the most urgent conjunctions, and what all of it stands on."""
    a = con.attrs
    decisions = ", ".join(f"{number:,} {name}" for name, number in json.loads(a["triage_counts"]).items())
    lines = f"{a['triage_lines']}: {a['red_line']:g} and {a['watch_line']:g}"
    n, without = con.sizes["conjunction"], int(a["rows_without_probability"])
    if n:
        console.print(worst_title(con, n))
        console.print(_table(con))
    console.print(escape(f"{counted(n, 'conjunction', ',')}: {decisions} (lines {lines})"))
    lacking = f"; {without:,} have none" if without else ""
    if "message_id" in con.variables:
        console.print(f"sum of Pc: {a['expected_collisions']:.3g}, with every message of an event{lacking}")
    else:
        console.print(f"expected collisions: {a['expected_collisions']:.3g}, the sum of Pc{lacking}")
    named = sorted({METHODS[code] for code in np.unique(con.pc_method.to_numpy()).tolist()} - {""})
    methods = f"; method: {', '.join(named)}" if named else ""
    console.print(escape(f"covariances: {a['covariance_model']}; radii: {a['hard_body_rule']}{methods}"))
    if a.get("covariance_notice"):
        console.print(escape(a["covariance_notice"]))


def worst_title(con: xr.Dataset, count: int) -> str:
    """What the table shows."""
    by = "max Pc" if a_model_alone(con) else "Pc"
    return f"the most urgent {min(WORST, count)} of {count:,}, by triage and {by}"


def _table(con: xr.Dataset) -> Table:
    heads = ("max Pc\nPc", "miss\n[km]", "sigmas\n[m]", "radius\n[m]")
    if not a_model_alone(con):
        heads = ("Pc\nmax Pc", *heads[1:])
    table = Table(box=SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("TCA (UTC)\ntriage, flags", width=_TIME_WIDTH, overflow="fold")
    table.add_column("primary\nsecondary", max_width=_NAME_WIDTH, overflow="ellipsis", no_wrap=True)
    for head in heads:
        table.add_column(escape(head), justify="right", no_wrap=True)
    for k in worst(con):
        row = con.isel(conjunction=int(k))
        numbers = [_probability(float(row.pc_max)), _probability(float(row.pc))]
        table.add_row(
            f"{str(format_utc(row.tca.to_numpy(), 3)).rstrip('Z').replace('T', ' ')}\n{_words(row)}",
            escape("\n".join(_object(row, *names) for names in _OBJECTS)),
            "\n".join(numbers if a_model_alone(con) else numbers[::-1]),
            f"{float(row.miss_distance):.3f}",
            f"{float(row.sigma_major):.0f}\n{float(row.sigma_minor):.0f}",
            f"{float(row.hard_body_radius):.3g}",
        )
    return table


def _words(row: xr.Dataset) -> str:
    flags = [word.replace("_", " ") for bit, word in FLAGS.items() if int(row.pc_flags) & bit]
    return ", ".join([DECISIONS[int(row.triage)], *flags])


def _object(row: xr.Dataset, who: str, number: int) -> str:
    """Id and name of an object of a screening or of a message."""
    key, name = (who, f"{who}_name") if who in row.variables else (f"designator_{number}", f"name_{number}")
    parts = [printable(str(row[key].item())) for key in (key, name) if key in row.variables]
    return " ".join(parts).rstrip()


def _probability(value: float) -> str:
    if math.isnan(value):
        return "-"
    return f"{value:.2e}" if value >= _UNLIKELY or value == 0.0 else f"< {_UNLIKELY:g}"
