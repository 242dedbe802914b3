"""Commands about conjunction data messages: check, read, and their collision probabilities."""

from __future__ import annotations

import csv as csv_module
import io
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stmgpu.cli.approximations import add_approximations, show_approximations
from stmgpu.cli.common import Backend, Threads, backend_name, say
from stmgpu.cli.exit_codes import FAILED
from stmgpu.cli.outputs import check_outputs, name_of, opened
from stmgpu.cli.results import plain, result
from stmgpu.cli.samples import add_samples, show_samples
from stmgpu.csv_cells import protected
from stmgpu.errors import InputError, counted, printable
from stmgpu.files import writing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from rich.console import Console

    from stmgpu.messages.cdm import ConjunctionMessage
    from stmgpu.risk import MessageRisk

MessageFiles = Annotated[
    list[Path],
    typer.Argument(
        metavar="FILES",
        help="Conjunction data messages (CDM) in KVN, XML, or JSON as Space-Track writes it, also packed; a folder "
        "stands for the files in it.",
    ),
]
CsvFile = Annotated[
    Path | None,
    typer.Option("--csv", help="CSV file to write; replaces an existing file; - writes to standard output."),
]
_NAME = 22
_NARROW = 19


def _expanded(files: Sequence[Path]) -> list[Path]:
    found: list[Path] = []
    for path in files:
        found += sorted(p for p in path.iterdir() if p.is_file()) if path.is_dir() else [path]
    if not found:
        raise InputError("the folders hold no file; give files of CDMs")
    return found


def read_messages(files: Sequence[Path]) -> tuple[list[ConjunctionMessage], list[str]]:
    """Messages of all files, and the errors of those that cannot be read."""
    from stmgpu.messages.cdm import read_cdm

    messages: list[ConjunctionMessage] = []
    rejected: list[str] = []
    for path in _expanded(files):
        try:
            messages += read_cdm(path, on_rejected=rejected.append)
        except InputError as error:
            rejected.append(str(error))
    return messages, rejected


def list_rejected(rejected: Sequence[str]) -> None:
    """Say why messages were left out."""
    for text in rejected:
        say(f"rejected: {text}")


def check(files: MessageFiles) -> None:
    """Check messages: list each that is wrong, and what is doubtful in the others."""
    messages, rejected = read_messages(files)
    doubtful = [f"CDM {m.source!r}: {text}" for m in messages for text in m.warnings]
    lines = [f"wrong     {text}" for text in rejected] + [f"doubtful  {text}" for text in doubtful]
    lines.append(f"{counted(len(messages), 'message')} can be used, {len(rejected)} rejected")
    result({"messages": len(messages), "rejected": len(rejected), "rejections": rejected, "warnings": doubtful}, lines)
    if rejected:
        raise typer.Exit(FAILED)


def read(files: MessageFiles, csv: CsvFile = None) -> None:
    """Show the conjunctions that messages state."""
    check_outputs(None, csv)
    messages, rejected = read_messages(files)
    list_rejected(rejected)
    if not messages:
        raise InputError("no message can be used; `stmgpu cdm check` lists what is wrong")
    rows = [_stated(message) for message in messages]
    written = _written(csv, rows)

    def show(console: Console) -> None:
        from rich.box import SIMPLE_HEAD
        from rich.markup import escape
        from rich.table import Table

        table = Table(box=SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0), pad_edge=False)
        table.add_column("TCA (UTC)", width=23, no_wrap=True)
        table.add_column("objects", max_width=_NAME + 10, overflow="fold")
        for head in map(escape, ("miss\n[m]", "speed\n[m/s]", "Pc\nstated")):
            table.add_column(head, justify="right", no_wrap=True)
        for row in rows:
            table.add_row(
                _time(row["tca"]),
                escape(_objects(row)),
                _number(row["miss_m"], ".0f"),
                _number(row["speed_m_s"], ".0f"),
                _number(row["pc_stated"], ".2e"),
            )
        console.print(table)
        console.print(f"{counted(len(rows), 'message')}, {len(rejected)} rejected")

    result({"messages": rows, "rejected": len(rejected), "rejections": rejected}, show, written=written)


def pc(
    cdm: Annotated[
        list[Path],
        typer.Option(
            "--cdm",
            metavar="FILE",
            help="Conjunction data messages (CDM) in KVN, XML or JSON; a folder stands for the files in it. May be "
            "repeated.",
        ),
    ],
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="[FILES]", help="More of them, as a pattern of the shell gives them.")
    ] = None,
    radius: Annotated[
        float | None,
        typer.Option(help="Combined hard-body radius in metres. Default: what each message states."),
    ] = None,
    radii: Annotated[
        str | None,
        typer.Option(
            metavar="RULE|FILE",
            help="Radii where a message states none: cara, socrates, tracss, fixed:METRES (combined), a rule in TOML "
            "or a CSV table, also a SATCAT with RCS.",
        ),
    ] = None,
    cross_correlation: Annotated[
        bool,
        typer.Option(
            "--cross-correlation/--no-cross-correlation",
            help="Whether the common error of the density forecast is taken into account, where a message "
            "states its DCP terms.",
        ),
    ] = True,
    compare: Annotated[
        bool,
        typer.Option("--compare", help="Show published approximations beside the exact two-dimensional probability."),
    ] = False,
    samples: Annotated[
        int | None,
        typer.Option(help="Also draw so many samples of each message's states: the probability by Monte Carlo."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the samples.")] = 0,
    csv: CsvFile = None,
    backend: Backend = "auto",
    threads: Threads = None,
) -> None:
    """Compute the collision probabilities of messages, each with what it stands on.

    Pc is the two-dimensional integral at the closest approach of straight motion; 2D-Nc
    where orbits are too curved for it, and 3D-Nc where that fails, too. A line says why.
    """
    from stmgpu.backend import get_backend
    from stmgpu.risk import message_risks, radius_rule

    check_outputs(None, csv)
    if radius is not None and not 0.0 <= radius < math.inf:
        raise InputError(f"--radius is {radius:g}, allowed is a finite number of 0 or more, in metres")
    if radius is not None and radii is not None:
        raise InputError("--radius and --radii are given; choose one: --radius also replaces what messages state")
    rule = None if radii is None else radius_rule(radii)
    name = backend_name(backend, threads)
    runner = get_backend(name, threads=threads)
    messages, rejected = read_messages([*cdm, *(files or ())])
    risks = message_risks(
        messages,
        radius_m=radius,
        radii=rule,
        cross_correlation=cross_correlation,
        on_rejected=rejected.append,
        backend=runner,
    )
    list_rejected(rejected)
    if not risks:
        raise InputError("no message can be used; the reasons are listed above")
    rows = [_row(risk) for risk in risks]
    if compare:
        add_approximations(rows)
    if samples is not None:
        add_samples(rows, risks, samples, seed, runner)
    written = _written(csv, rows)

    def show(console: Console) -> None:
        _show(console, rows, len(rejected))
        if compare:
            show_approximations(console, rows)
        if samples is not None:
            show_samples(console, rows)

    document = {"messages": rows, "refuted": sum(r.refuted for r in risks), "rejected": len(rejected)}
    result(document | {"rejections": rejected}, show, written=written)


def _show(console: Console, rows: Sequence[Mapping[str, Any]], rejected: int) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("objects\nTCA (UTC)", width=_NARROW, no_wrap=True)
    for head in (
        "Pc\nstated",
        "max Pc\nat sigmas x",
        "miss\n\\[m]",
        "sigmas\n\\[m]",
        "radius\n\\[m]",
        "speed\n\\[m/s]",
    ):
        table.add_column(head, justify="right", no_wrap=True)
    for k, row in enumerate(rows, start=1):
        table.add_row(
            str(k),
            escape(f"{_objects(row, width=_NARROW)}\n{_time(row['tca'])[:_NARROW]}"),
            f"{_number(row['pc'], '.3e')}\n{_number(row['pc_stated'], '.3e')}",
            f"{_number(row['pc_max'], '.3e')}\n{_number(row['pc_max_scale'], '.3g')}",
            _number(row["miss_m"], ".1f"),
            f"{_number(row['sigma_major_m'], '.1f')}\n{_number(row['sigma_minor_m'], '.1f')}",
            _number(row["radius_m"], ".4g"),
            _number(row["speed_m_s"], ".0f"),
        )
    console.print(table)
    for k, row in enumerate(rows, start=1):
        said = list(row["flags"])
        if row["refuted"]:
            what = f"Pc is {row['pc_method']}" if row["pc_method"] else "no Pc"
            said.append(f"{what}: the two-dimensional {_number(row['pc_plane'], '.3e')} does not hold")
        for text in said:
            console.print(escape(f"{k}: {text}"))
    sources = sorted({row["radius_source"] for row in rows})
    used = ", ".join(sorted({row["pc_method"] or "none" for row in rows}))
    methods = sorted({row[f"covariance_source_{k}"] for row in rows for k in (1, 2)})
    console.print(escape(f"method: {used}; radius: {', '.join(sources)}; covariances: {', '.join(methods)}"))
    console.print(f"{counted(len(rows), 'message')}, {rejected} rejected")


def _stated(message: ConjunctionMessage) -> dict[str, Any]:
    one, two = message.objects
    return {
        "message_id": message.message_id,
        "tca": message.tca,
        "object_1": one.designator,
        "name_1": one.name,
        "object_2": two.designator,
        "name_2": two.name,
        "miss_m": message.miss_distance_m,
        "speed_m_s": message.number("RELATIVE_SPEED"),
        "pc_stated": message.number("COLLISION_PROBABILITY"),
        "pc_stated_method": message.fields.get("COLLISION_PROBABILITY_METHOD", ""),
        "creation_date": message.fields.get("CREATION_DATE", ""),
        "originator": message.fields.get("ORIGINATOR", ""),
        "source": message.source,
    }


def _row(risk: MessageRisk) -> dict[str, Any]:
    return {
        "message_id": risk.message_id,
        "tca": risk.tca,
        "object_1": risk.designators[0],
        "name_1": risk.names[0],
        "object_2": risk.designators[1],
        "name_2": risk.names[1],
        "pc": risk.probability,
        "pc_method": risk.method,
        "pc_plane": risk.plane_probability,
        "pc_curved": risk.curved_probability,
        "refuted": risk.refuted,
        "flags": list(risk.flags),
        "pc_max": risk.maximum,
        "pc_max_scale": risk.maximum_scale,
        "pc_stated": risk.stated,
        "pc_stated_method": risk.stated_method,
        "miss_m": risk.miss_m,
        "speed_m_s": risk.speed_m_s,
        "shift_s": risk.shift_s,
        "miss_major_m": risk.miss_major_m,
        "miss_minor_m": risk.miss_minor_m,
        "sigma_major_m": risk.sigma_major_m,
        "sigma_minor_m": risk.sigma_minor_m,
        "radius_m": risk.radius_m,
        "radius_source": risk.radius_source,
        "covariance_source_1": risk.covariance_sources[0],
        "covariance_source_2": risk.covariance_sources[1],
        "duration_periods": risk.duration,
        "offset_periods": risk.offset,
        "inaccuracy": risk.inaccuracy,
        "source": risk.source,
    }


def _written(path: Path | None, rows: Sequence[Mapping[str, Any]]) -> list[Path]:
    """Write rows as CSV."""
    if path is None:
        return []
    page = io.StringIO()
    table = csv_module.writer(page, lineterminator="\n")
    table.writerow(rows[0])
    table.writerows([_cell(value) for value in row.values()] for row in rows)
    with writing(opened(path)) as file:
        file.write(page.getvalue().encode())
    return [Path(name_of(path))]


def _cell(value: object) -> str:
    if isinstance(value, list):
        value = "|".join(value)
    shown = plain(value)
    return protected(printable(shown)) if isinstance(shown, str) else "" if shown is None else str(shown)


def _time(tca: np.datetime64) -> str:
    return str(tca.astype("datetime64[ms]")).replace("T", " ")


def _number(value: float, form: str) -> str:
    return format(value, form) if math.isfinite(value) else "-"


def _objects(row: Mapping[str, Any], width: int = _NAME + 10) -> str:
    texts = (f"{printable(row[f'object_{k}']).lstrip('0')} {printable(row[f'name_{k}'])}" for k in (1, 2))
    return "\n".join(text[:width] for text in texts)
