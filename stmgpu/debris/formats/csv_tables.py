"""Strict reader of CSV files with named columns: errors name the line."""

from __future__ import annotations

import csv
import datetime
import io
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.csv_cells import unprotected
from stmgpu.errors import InputError, counted
from stmgpu.files import read_content
from stmgpu.time import J2000_JD, YEAR_DAYS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stmgpu.typing import Floats, Ints

_J2000_NOON = datetime.datetime(2000, 1, 1, 12)
_EPOCH_LINE = re.compile(r"#\s*epoch\s*[=:]\s*(\S+)\s*$", re.IGNORECASE)


@dataclass(frozen=True)
class Table:
    """Cells of n rows by column, the line of each row, and the epoch from a comment ('' without one)."""

    path: Path
    cells: dict[str, list[str]]
    lines: list[int]
    epoch: str = ""

    def __len__(self) -> int:
        return len(self.lines)

    def where(self, row: int) -> str:
        """Name of a row in messages."""
        return f"line {self.lines[row]}"

    def fail(self, row: int, column: str, allowed: str) -> InputError:
        """Error for an invalid cell."""
        return InputError(f"{self.path}, {self.where(row)}: {column} is {self.cells[column][row]!r}; {allowed}")

    def numbers(self, column: str, *, empty: float | None = None) -> Floats:
        """A column as numbers [n]; ``empty`` for empty cells, which are an error if it is None."""
        values = np.empty(len(self))
        for row, cell in enumerate(self.cells[column]):
            if not cell and empty is not None:
                values[row] = empty
                continue
            try:
                values[row] = float(cell)
            except ValueError:
                raise self.fail(row, column, "a number is needed") from None
            if not math.isfinite(values[row]):
                raise self.fail(row, column, "a finite number is needed")
        return values

    def integers(self, column: str, *, empty: int | None = None) -> Ints:
        """A column as whole numbers [n]."""
        values = np.empty(len(self), np.int64)
        for row, cell in enumerate(self.cells[column]):
            if not cell and empty is not None:
                values[row] = empty
            elif re.fullmatch(r"-?\d{1,18}", cell, re.ASCII):
                values[row] = int(cell)
            else:
                raise self.fail(row, column, "a whole number is needed")
        return values

    def years(self, column: str) -> Floats:
        """A column of dates as decimal years [n]; NaN for empty cells."""
        values = np.full(len(self), np.nan)
        for row, cell in enumerate(self.cells[column]):
            if cell:
                year = year_of_text(cell)
                if year is None:
                    raise self.fail(row, column, "a date like 2019-11-11 or a decimal year like 2019.86 is needed")
                values[row] = year
        return values


def year_of_text(text: str) -> float | None:
    """Decimal year of a date (2019-11-11, with or without a time) or of a decimal year; None for other text.

    Examples
    --------
    >>> year_of_text("2000-01-01T12:00:00"), year_of_text("2019.5"), year_of_text("soon")
    (2000.0, 2019.5, None)
    """
    if re.fullmatch(r"\d{4}(\.\d*)?", text, re.ASCII):
        return float(text)
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is not None:
        moment = moment.astimezone(datetime.UTC).replace(tzinfo=None)
    return 2000.0 + (moment - _J2000_NOON).total_seconds() / 86_400.0 / YEAR_DAYS


def year_of_days(jd: float, fraction: float = 0.0) -> float:
    """Decimal year of a two-part Julian date."""
    return 2000.0 + ((jd - J2000_JD) + fraction) / YEAR_DAYS


def read_csv(path: str | Path, required: Iterable[str], known: Iterable[str] | None) -> Table:
    """Read a CSV file.

    Parameters
    ----------
    path : str or Path
        UTF-8 text, plain or packed: a header, then one row for each object; lines that begin with # are comments.
    required : iterable of str
        Required columns.
    known : iterable of str, optional
        Further columns that are allowed; None for any.

    Raises
    ------
    InputError
        missing file, text that is not UTF-8, missing, unknown or repeated columns, a row with another number of cells,
        or no row.
    """
    file = Path(path)
    content = read_content(path, kind="table").data
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{file} is not a CSV file: it is not UTF-8 text ({error.reason})") from error
    return parse_csv(file, text, required, known)


def parse_csv(file: Path, text: str, required: Iterable[str], known: Iterable[str] | None) -> Table:
    """Read the text of a CSV file.

    Parameters
    ----------
    file : Path
        Name of the file, for messages.
    text : str
        Its content.
    required, known : iterable of str
        Columns, as for `read_csv`.

    Raises
    ------
    InputError
        as `read_csv`.
    """
    epoch = ""
    header: list[str] = []
    rows: list[list[str]] = []
    lines: list[int] = []
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for row in reader:
            cells = [unprotected(cell.strip()) for cell in row]
            if cells and cells[0].startswith("#"):
                match = _EPOCH_LINE.fullmatch(",".join(cells))
                epoch = match.group(1) if match else epoch
            elif not any(cells):
                continue
            elif not header:
                header = _header(file, cells, required=set(required), known=None if known is None else set(known))
            elif len(cells) != len(header):
                raise InputError(
                    f"{file}, line {reader.line_num}: {counted(len(cells), 'cell')} where the header has {len(header)}"
                )
            else:
                rows.append(cells)
                lines.append(reader.line_num)
    except csv.Error as error:
        raise InputError(f"{file}, line {reader.line_num}: not valid CSV: {error}") from error
    if not rows:
        raise InputError(f"{file} holds no row; a header and one row an object are needed")
    columns = [list(column) for column in zip(*rows, strict=True)]
    return Table(file, dict(zip(header, columns, strict=True)), lines, epoch)


def _header(file: Path, names: list[str], *, required: set[str], known: set[str] | None) -> list[str]:
    """Check the names of the columns."""
    missing = sorted(required - set(names))
    if missing:
        raise InputError(f"{file}: its header lacks {', '.join(missing)} (it has {', '.join(names)})")
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise InputError(f"{file}: its header repeats {', '.join(repeated)}")
    if known is not None:
        unknown = [name for name in names if name not in required | known]
        if unknown:
            raise InputError(
                f"{file}: unknown columns {', '.join(unknown)}; known are {', '.join(sorted(required | known))}"
            )
    return names
