"""The command that writes a report: report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stmgpu.cli import common
from stmgpu.cli.outputs import check_outputs, is_standard_output, opened
from stmgpu.cli.prices import Prices, prices_of
from stmgpu.cli.results import result


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
    price: Prices = None,
    policies: common.Policies = None,
) -> None:
    """Write a result as one HTML page that works offline: table, figures, globe, certificate, provenance."""
    from stmgpu.report.page import write_page

    check_outputs(None, out)
    common.run_policies(policies)
    page = write_page(store, opened(out), rows=rows, partial=partial, prices=prices_of(price))
    result(page.summary(), written=[] if is_standard_output(out) else [out])
