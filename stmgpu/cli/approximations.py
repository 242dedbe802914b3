"""Published approximations of the collision probability beside the exact one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

_HEADS = {
    "foster1992": "Foster",
    "chan1997": "Chan",
    "alfano2005": "Alfano",
    "patera2005": "Patera",
    "serra2016": "Serra",
    "small_radius": "small\nradius",
}

_UNLIKELY = 1e-99
_EXACT = 1e-12
"""Relative error of the exact integral."""


def add_approximations(rows: Sequence[dict[str, Any]]) -> None:
    """Add the probability by each method of :data:`stmgpu.risk.comparison.METHODS` to rows, as ``pc_METHOD``."""
    import numpy as np

    from stmgpu.risk.comparison import Plane, compare

    names = ("miss_major_m", "miss_minor_m", "sigma_major_m", "sigma_minor_m", "radius_m")
    found = compare(Plane(*(np.array([row[name] for row in rows]) for name in names)))
    for k, row in enumerate(rows):
        row |= {f"pc_{method}": float(values[k]) for method, values in found.items()}


def show_approximations(console: Console, rows: Sequence[dict[str, Any]]) -> None:
    """Print the methods side by side, each with its relative difference from the exact two-dimensional integral."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("", justify="right", no_wrap=True)
    for head in ("exact\n2-D", *_HEADS.values()):
        table.add_column(head, justify="right", no_wrap=True)
    for k, row in enumerate(rows, start=1):
        exact = row["pc_plane"]
        cells = [f"{_probability(row[f'pc_{m}'])}\n{_difference(row[f'pc_{m}'], exact)}" for m in _HEADS]
        table.add_row(str(k), _probability(exact), *cells)
    console.print()
    console.print(table)
    console.print("second lines: relative difference from the exact integral")


def _difference(value: float, exact: float) -> str:
    if not exact > 0.0:
        return "-"
    relative = value / exact - 1.0
    return "<1e-12" if abs(relative) < _EXACT else _shown(relative, "+.1e")


def _probability(value: float) -> str:
    """Number of nine characters at most, so that the table fits a terminal."""
    return f"<{_UNLIKELY:g}" if 0.0 < value < _UNLIKELY else _shown(value, ".3e")


def _shown(value: float, form: str) -> str:
    return format(value, form) if math.isfinite(value) else "-"
