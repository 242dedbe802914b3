"""Table of a reproduced result: reference, our value, tolerance, verdict.

The scripts in this folder collect their rows in a :class:`Report` and return what ``finish`` returns::

    report = Report("R1: breakup model")
    report.check("fragments above 5 cm", 4064, ours, tolerance_relative=1e-3, source="ESA unit test")
    sys.exit(report.finish())
"""

from __future__ import annotations

import dataclasses
import math
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

SIGMAS = 3.0
"""Standard deviations within which a figure with statistical error agrees."""


@dataclass(frozen=True)
class Row:
    """One compared figure; ``passed`` is None where nothing is decided (for information)."""

    name: str
    reference: str
    ours: str
    allowed: str
    passed: bool | None
    note: str


class Report:
    """Rows of one benchmark, printed as a table at the end.

    Parameters
    ----------
    title
        what is reproduced.
    """

    def __init__(self, title: str) -> None:
        self.title = title
        self.rows: list[Row] = []
        self.notes: list[str] = []
        self.omitted: list[str] = []

    def check(
        self,
        name: str,
        reference: Any,
        ours: Any,
        tolerance_relative: float | None = None,
        low: float | None = None,
        high: float | None = None,
        sigma: float | None = None,
        interval: tuple[float, float] | None = None,
        note: str = "",
        source: str = "",
    ) -> bool:
        """Add a row. Every criterion that is given must hold; without any, the row is for information.

        Parameters
        ----------
        name
            the figure and its unit.
        reference
            published value; None or text where it is no number.
        ours
            our value.
        tolerance_relative
            |ours - reference| <= tolerance_relative * |reference|; 0 asks for the same number.
        low, high
            low <= ours <= high.
        sigma
            standard error of ours - reference (that of ours where the reference is exact): within 3 of it.
        interval
            95 % interval of our value; what ``tolerance_relative``, ``low`` and ``high`` allow is then compared with
            it, and the row fails only where the two are disjoint.
        note, source
            remarks and where the reference comes from.

        Returns
        -------
        Whether the row passed (True for information).
        """
        least, most = (ours, ours) if interval is None else interval
        allowed, verdicts = [], []
        if tolerance_relative is not None:
            allowed.append("equal" if tolerance_relative == 0.0 else f"±{100.0 * tolerance_relative:.4g} %")
            slack = tolerance_relative * abs(float(reference))
            verdicts.append(float(least) - float(reference) <= slack and float(reference) - float(most) <= slack)
        if low is not None or high is not None:
            bottom, top = -math.inf if low is None else float(low), math.inf if high is None else float(high)
            allowed.append(
                f">= {shown(low)}"
                if high is None
                else f"<= {shown(high)}"
                if low is None
                else f"{shown(low)} to {shown(high)}"
            )
            verdicts.append(float(least) <= top and bottom <= float(most))
        if sigma is not None:
            allowed.append(f"±{SIGMAS:g} x {shown(sigma)}")
            verdicts.append(abs(float(ours) - float(reference)) <= SIGMAS * sigma)
        if interval is not None:
            allowed.append("interval")
        passed = all(verdicts) if verdicts else None
        remark = "; ".join(part for part in (note, source) if part)
        self.rows.append(Row(name, shown(reference), shown(ours), ", ".join(allowed), passed, remark))
        return passed is not False

    def omit(self, name: str, reason: str) -> None:
        """Add a row for something that was not run; it is named at the end and counts for nothing."""
        self.rows.append(Row(name, "-", "-", "", None, f"not run: {reason}"))
        self.omitted.append(name)

    def note(self, text: str) -> None:
        """Add a line below the table: a proxy, an assumption, a seed."""
        self.notes.append(text)

    def finish(self) -> int:
        """Print the table and the notes; 0 if no verdict failed, else 1 (the exit code of the script)."""
        table = Table(title=escape(self.title), title_justify="left", title_style="bold")
        for heading in ("target", "reference", "ours", "allowed", "verdict", "source, note"):
            table.add_column(heading, justify="right" if heading in ("reference", "ours") else "left", overflow="fold")
        marks = {True: "[green]pass[/green]", False: "[bold red]FAIL[/bold red]", None: "info"}
        for row in self.rows:
            name, reference, ours, allowed, note = (
                escape(text)
                for text in (  # "[kg]" is no style
                    row.name,
                    row.reference,
                    row.ours,
                    row.allowed,
                    row.note,
                )
            )
            table.add_row(name, reference, ours, allowed, marks[row.passed], note)
        if file := os.environ.get("STMGPU_VERDICTS"):  # of `stmgpu reproduce`
            self._store(Path(file))
        console = Console(soft_wrap=False)
        if not console.is_terminal:
            console = Console(width=160)  # a log file has no width; the default of 80 columns folds every cell
        console.print(table)
        for text in self.notes:
            console.print(f"- {text}", markup=False, highlight=False)
        failed = [row.name for row in self.rows if row.passed is False]
        judged = sum(row.passed is not None for row in self.rows)
        console.print(
            (f"{judged - len(failed)} of {judged} verdicts pass" if judged else "nothing was judged")
            + (f"; failed: {', '.join(failed)}" if failed else "")
            + (f"; not run: {', '.join(self.omitted)}" if self.omitted else ""),
            markup=False,
            highlight=False,
        )
        return 1 if failed else 0

    def _store(self, file: Path) -> None:
        """Write the rows and the notes, with machine, versions and commit."""
        sys.path.append(str(Path(__file__).resolve().parents[1]))
        import machine

        rows = [dataclasses.asdict(row) for row in self.rows]
        machine.write(file.stem, {"verdicts": rows, "notes": self.notes}, out=file)


def shown(value: Any) -> str:
    """Format a figure for the table: integers in full, others with 5 digits, '-' for None."""
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    number = float(value)
    if number.is_integer() and abs(number) < 1e9:
        return f"{int(number):,}"
    return f"{number:.5g}"
