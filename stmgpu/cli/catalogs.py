"""Commands about catalogues."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stmgpu.cli.common import SHOWN_REJECTIONS, CatalogFile, Lenient, MaxSizeGib, SatcatFile, note_sets, read, say
from stmgpu.cli.invocation import INVOCATION
from stmgpu.cli.object_choice import Ids, Name, chosen
from stmgpu.cli.outputs import check_outputs, is_standard_output, name_of, opened
from stmgpu.cli.results import result
from stmgpu.errors import InputError, counted
from stmgpu.files import writing

if TYPE_CHECKING:
    from stmgpu.catalog import Catalog


def summary(
    catalog: CatalogFile,
    rejected: Annotated[bool, typer.Option("--rejected", help="List every rejected record.")] = False,
    satcat: SatcatFile = None,
    lenient: Lenient = False,
    max_size_gib: MaxSizeGib = None,
    ids: Ids = None,
    name: Name = None,
) -> None:
    """Count objects by regime, type and status, and show epochs, ages and rejected records."""
    shown = 0 if rejected or INVOCATION.as_json else SHOWN_REJECTIONS
    objects = read(catalog, shown, satcat=satcat, lenient=lenient, max_size_gib=max_size_gib)
    objects = chosen(objects, ids, name)
    counts: dict[str, Any] = objects.summary()
    rejections = [str(rejection) for rejection in objects.rejected]
    lines = []
    for name, value in counts.items():
        if value == {}:
            continue
        if isinstance(value, dict):
            value = ", ".join(f"{k} {v:,.2f}" if isinstance(v, float) else f"{k} {v:,}" for k, v in value.items())
        lines.append(f"{name.replace('_', ' '):<13} {value}")
    if rejected:
        lines += [f"rejected      {rejection}" for rejection in rejections]
        if objects.further_rejected:
            lines.append(f"rejected      and {objects.further_rejected:,} more, which were counted only")
    result({**counts, "notes": list(objects.notes), "rejections": rejections}, lines)


def convert(
    catalog: CatalogFile,
    target: Annotated[
        Path, typer.Argument(help="File to write; its suffix sets the format. - writes to standard output.")
    ],
    form: Annotated[str | None, typer.Option("--format", help="tle, 3le, csv, json, xml or kvn.")] = None,
    satcat: SatcatFile = None,
    lenient: Lenient = False,
    max_size_gib: MaxSizeGib = None,
) -> None:
    """Convert a catalogue to another format, and tell what that does not hold."""
    from stmgpu.catalog.writer import losses

    check_outputs(None, target)
    check_form(target, form)
    objects = read(catalog, satcat=satcat, lenient=lenient, max_size_gib=max_size_gib)
    note_sets(objects)
    for text in losses(objects, form or target.suffix.lstrip(".").lower()):
        say(f"note: {text}")
    _write(objects, target, form)


def synthesize(
    target: Annotated[
        Path, typer.Argument(help="File to write; its suffix sets the format. - writes to standard output.")
    ],
    objects: Annotated[int, typer.Option(help="Number of objects.")] = 27_000,
    seed: Annotated[int, typer.Option(help="Seed; the same seed gives the same catalogue.")] = 0,
    epoch: Annotated[str, typer.Option(help="Latest possible epoch, UTC.")] = "2025-01-01T00:00:00",
    form: Annotated[str | None, typer.Option("--format", help="tle, 3le, csv, json, xml or kvn.")] = None,
) -> None:
    """Generate a synthetic catalogue with the proportions of the public one."""
    from stmgpu.catalog import synthetic_catalog

    check_outputs(None, target)
    check_form(target, form)
    _write(synthetic_catalog(objects, seed=seed, epoch=epoch), target, form)


def check_form(target: Path, form: str | None) -> None:
    """Raise :class:`InputError` for a format of catalogues that is unknown or not given."""
    from stmgpu.catalog import Catalog, format_catalog

    if form is None and is_standard_output(target):
        raise InputError("the format of standard output is not known; choose one with --format")
    format_catalog(Catalog.empty(), target.suffix.lstrip(".").lower() if form is None else form)


def _write(objects: Catalog, target: Path, form: str | None) -> None:
    """Write a catalogue and report it."""
    from stmgpu.catalog import format_catalog, write_catalog

    if is_standard_output(target):
        with writing(opened(target)) as file:
            file.write(format_catalog(objects, form or ""))
    else:
        write_catalog(objects, target, format=form)
    rejected = objects.rejected_count
    result(
        {"objects": len(objects), "rejected": rejected, "written": [target]},
        f"{counted(len(objects), 'object')} written to {name_of(target)}, {rejected} rejected",
    )
