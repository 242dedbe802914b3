"""Commands about catalogues."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from stmgpu.cli.common import SHOWN_REJECTIONS, CatalogFile, note_sets, read
from stmgpu.cli.outputs import check_outputs


def summary(
    catalog: CatalogFile,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    rejected: Annotated[bool, typer.Option("--rejected", help="List every rejected record.")] = False,
) -> None:
    """Count objects by regime, and show epochs, ages and rejected records."""
    objects = read(catalog, 0 if rejected or as_json else SHOWN_REJECTIONS)
    counts: dict[str, Any] = objects.summary()
    if as_json:
        typer.echo(json.dumps({**counts, "rejections": [str(r) for r in objects.rejected]}, indent=2))
        return
    for name, value in counts.items():
        if isinstance(value, dict):
            value = ", ".join(f"{k} {v:,.2f}" if isinstance(v, float) else f"{k} {v:,}" for k, v in value.items())
        typer.echo(f"{name.replace('_', ' '):<13} {value}")
    if rejected:
        for rejection in objects.rejected:
            typer.echo(f"rejected      {rejection}")


def convert(
    catalog: CatalogFile,
    target: Annotated[Path, typer.Argument(help="File to write; its suffix sets the format.")],
    form: Annotated[str | None, typer.Option("--format", help="tle, 3le, csv, json, xml or kvn.")] = None,
) -> None:
    """Convert a catalogue to another format."""
    from stmgpu.catalog import write_catalog

    check_outputs(None, target)
    objects = read(catalog)
    note_sets(objects)
    write_catalog(objects, target, format=form)
    typer.echo(f"{len(objects)} objects written to {target}, {len(objects.rejected)} rejected")


def synthesize(
    target: Annotated[Path, typer.Argument(help="File to write; its suffix sets the format.")],
    objects: Annotated[int, typer.Option(help="Number of objects.")] = 27_000,
    seed: Annotated[int, typer.Option(help="Seed; the same seed gives the same catalogue.")] = 0,
    epoch: Annotated[str, typer.Option(help="Latest possible epoch, UTC.")] = "2025-01-01T00:00:00",
    form: Annotated[str | None, typer.Option("--format", help="tle, 3le, csv, json, xml or kvn.")] = None,
) -> None:
    """Generate a synthetic catalogue with the proportions of the public one."""
    from stmgpu.catalog import synthetic_catalog, write_catalog

    check_outputs(None, target)
    write_catalog(synthetic_catalog(objects, seed=seed, epoch=epoch), target, format=form)
    typer.echo(f"{objects} objects written to {target}")
