"""The command that writes a report: report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stmgpu.cli import common
from stmgpu.cli.outputs import check_outputs, is_standard_output, opened
from stmgpu.cli.results import result
from stmgpu.errors import InputError


def report(
    store: Annotated[Path, typer.Argument(help="Store of `stmgpu screen` or `stmgpu evolve`.")],
    out: Annotated[
        Path,
        typer.Option(
            metavar="FILE.html", help="File to write; replaces an existing file; - writes to standard output."
        ),
    ],
    rows: Annotated[
        int,
        typer.Option(min=1, help="Conjunctions in the table, the closest first. Figures and counts are over all."),
    ] = 100_000,
    partial: Annotated[
        bool, typer.Option("--partial", help="Report what is finished of a store that is still being computed.")
    ] = False,
    price: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE",
            help="Price of removals in a study: per_removal, per_kg, per_campaign, fixed, per_collision or "
            "discount_rate; may be repeated.",
        ),
    ] = None,
    policies: common.Policies = None,
) -> None:
    """Write a result as one HTML page that works offline: table, figures, globe, certificate, provenance."""
    from stmgpu.report.page import write_page

    check_outputs(None, out)
    common.run_policies(policies)
    page = write_page(store, opened(out), rows=rows, partial=partial, prices=_prices(price))
    result(page.summary(), written=[] if is_standard_output(out) else [out])


def _prices(words: list[str] | None) -> dict[str, float] | None:
    """Prices of ``KEY=VALUE``; their keys and sizes are checked where they are used."""
    if not words:
        return None
    prices: dict[str, float] = {}
    for word in words:
        key, _, value = word.partition("=")
        try:
            number = float(value)
        except ValueError:
            raise InputError(f"--price is {word!r}, allowed is KEY=VALUE such as per_removal=30e6") from None
        if key in prices:
            raise InputError(f"--price {key} is given twice; give it once")
        prices[key] = number
    return prices
