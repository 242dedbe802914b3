"""Monte Carlo numbers beside the other probabilities of messages."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from stmgpu.backend import Backend
    from stmgpu.risk import MessageRisk


def add_samples(
    rows: Sequence[dict[str, Any]], risks: Sequence[MessageRisk], samples: int, seed: int, backend: Backend
) -> None:
    """Sample messages and add what was found to their rows, as ``mc_...``."""
    from stmgpu.risk import message_samples
    from stmgpu.risk.sampled_messages import remarks

    found = message_samples(risks, samples, seed=seed, backend=backend)
    for k, (row, said) in enumerate(zip(rows, remarks(found, risks), strict=True)):
        row |= {
            "mc_probability": float(found.probability[k]),
            "mc_lower": float(found.lower[k]),
            "mc_upper": float(found.upper[k]),
            "mc_confidence": found.confidence,
            "mc_hits": int(found.hits[k]),
            "mc_samples": found.samples,
            "mc_seed": seed,
            "mc_start_s": float(found.start_s[k]),
            "mc_stop_s": float(found.stop_s[k]),
            "mc_remarks": said,
        }


def show_samples(console: Console, rows: Sequence[dict[str, Any]]) -> None:
    """Print the Monte Carlo numbers with their limits."""
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0), pad_edge=False)
    for head in ("", "Monte Carlo", f"limits ({rows[0]['mc_confidence']:.0%})", "hits", "window \\[s]"):
        table.add_column(head, justify="right", no_wrap=True)
    for k, row in enumerate(rows, start=1):
        window = f"{row['mc_start_s']:.4g} to {row['mc_stop_s']:.4g}" if math.isfinite(row["mc_stop_s"]) else "-"
        known = math.isfinite(row["mc_probability"])
        table.add_row(
            str(k),
            f"{row['mc_probability']:.3e}" if known else "-",
            f"{row['mc_lower']:.3e} to {row['mc_upper']:.3e}" if known else "-",
            str(row["mc_hits"]) if known else "-",
            window,
        )
    console.print()
    console.print(table)
    for k, row in enumerate(rows, start=1):
        for text in row["mc_remarks"]:
            console.print(escape(f"{k}: {text}"))
    console.print(f"{rows[0]['mc_samples']} samples each, two-body motion, seed {rows[0]['mc_seed']}")
