"""The command that checks the claims of the project anew."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stmgpu.cli import common
from stmgpu.cli.exit_codes import FAILED
from stmgpu.cli.results import result
from stmgpu.errors import InputError, StmgpuError

if TYPE_CHECKING:
    from stmgpu.report.claims import Claims


def reproduce(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Claims; see --list.")] = None,
    listed: Annotated[
        bool, typer.Option("--list", help="Show the claims, or all about those that are named, and run nothing.")
    ] = False,
    every: Annotated[bool, typer.Option("--all", help="Check every claim whose data are there.")] = False,
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of the data; default: that in STMGPU_DATA.")
    ] = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for figures and printed tables.")] = Path(
        "reproduced"
    ),
    max_seconds: Annotated[
        float | None, typer.Option(help="With --all, leave out claims that take longer on one core [s].")
    ] = None,
) -> None:
    """Check claims of the project anew: run their scripts, and compare the figures with the stored ones.

    Exit code 1 if a figure parts from the stored one. It needs a clone of the repository.
    """
    from stmgpu.report.claims import checkout, data_folder, read_claims

    root = checkout()
    table = read_claims(root)
    folder = data_folder(data)
    chosen = _chosen(table, names or [], every=every, listed=listed)
    if listed:
        rows = [_row(table, name, folder) for name in chosen]
        result({"claims": rows}, _described(table, chosen, folder) if names else _list(rows), written=[])
        return
    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is a file; give --out a folder")
    if not every:
        for name in chosen:
            _need(table, name, folder)
    _run(table, chosen, root, out, folder, max_seconds if every else None)


def _chosen(table: Claims, names: list[str], *, every: bool, listed: bool) -> list[str]:
    """Names of the claims to check or to show, in the order of the table."""
    if unknown := [name for name in names if name not in table.claims]:
        raise InputError(f"there is no claim {unknown[0]!r}; choose from {', '.join(table.claims)}")
    if every and names:
        raise InputError("give either names or --all")
    if not (names or every or listed):
        raise InputError("name the claims to check, or give --all; --list shows them")
    return [name for name in table.claims if not names or name in names]


def _need(table: Claims, name: str, folder: Path | None) -> None:
    """Raise :class:`InputError` for data that are not there."""
    from stmgpu.report.claims import to_fetch

    for key, files in table.lacking(name, folder).items():
        raise InputError(to_fetch(key, table.data[key], files))


def _run(
    table: Claims, names: list[str], root: Path, out: Path, folder: Path | None, max_seconds: float | None
) -> None:
    """Check claims one after the other, and print what came of each."""
    from stmgpu.report.reproduction import reproduce as check

    rows, lines, failed = [], [], 0
    for name in names:
        claim = table.claims[name]
        row: dict[str, Any] = {"name": name, "claim": claim.claim}
        if lacking := table.lacking(name, folder):
            row |= {"state": "data missing", "differences": []}
            lines.append(f"{name}: not run; data missing: {', '.join(lacking)} (`stmgpu reproduce --list {name}`)")
        elif max_seconds is not None and claim.seconds > max_seconds:
            row |= {"state": "too long", "differences": []}
            lines.append(f"{name}: not run; takes {claim.seconds:g} s of CPU time")
        else:
            common.note(f"{name}: {claim.claim} ({claim.seconds:g} s)")
            try:
                outcome = check(name, table, root, out, folder)
            except StmgpuError as error:
                row |= {"state": "failed", "differences": [str(error)]}
            else:
                agreed, judged = outcome.verdicts
                row |= {
                    "state": "reproduced" if outcome.reproduced else "differs",
                    "differences": outcome.differences,
                    "verdicts": {"agree": agreed, "judged": judged},
                }
                if len(names) == 1:
                    lines += outcome.text.splitlines()
            failed += row["state"] != "reproduced"
            if "verdicts" in row:
                agreed, judged = row["verdicts"].values()
                lines.append(f"{name}: {row['state']}; {agreed} of {judged} figures agree with their reference")
            else:
                lines.append(f"{name}: failed")
            lines += [f"  {text}" for text in row["differences"]]
        rows.append(row)
    ran = [row for row in rows if row["state"] in ("reproduced", "differs", "failed")]
    lines.append(
        f"{sum(row['state'] == 'reproduced' for row in ran)} of {len(ran)} claims reproduced"
        + (f", {len(rows) - len(ran)} not run" if len(rows) > len(ran) else "")
    )
    result({"claims": rows}, lines, written=[out] if ran else [])
    if failed:
        raise typer.Exit(FAILED)


def _row(table: Claims, name: str, folder: Path | None) -> dict[str, Any]:
    """One claim in plain values."""
    claim = table.claims[name]
    return {
        "name": name,
        **claim.model_dump(),
        "data": {key: data.model_dump() for key, data in table.data_of(name).items()},
        "lacking": table.lacking(name, folder),
    }


def _list(rows: list[dict[str, Any]]) -> list[str]:
    """The claims, a line or two each."""
    width = max(len(row["name"]) for row in rows)
    lines = []
    for row in rows:
        needs = f"; needs {', '.join(row['lacking'])}" if row["lacking"] else ""
        lines.append(f"{row['name']:{width}}  {row['claim']} ({row['seconds']:g} s{needs})")
    return lines


def _described(table: Claims, names: list[str], folder: Path | None) -> list[str]:
    """Claims with all that the table has about them."""
    lines: list[str] = []
    for name in names:
        claim = table.claims[name]
        lines += [
            *([""] if lines else []),
            name,
            f"  claim      {claim.claim}",
            f"  source     {claim.source}",
            f"  command    python {' '.join(claim.command)}",
            f"  CPU time   {claim.seconds:g} s on one core",
            f"  tolerance  {claim.tolerance:g} of the stored figures"
            + (f"; not compared: {', '.join(claim.unstable)}" if claim.unstable else ""),
        ]
        for key, data in table.data_of(name).items():
            there = "missing" if data.lacking(folder) else "there"
            lines += [f"  data       {key}: {data.what} ({there})"]
            lines += [f"             from {data.source}; terms: {data.licence}"]
            lines += [f"             {digest}  {file}" for file, digest in data.files.items()]
    return lines
