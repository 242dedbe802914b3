"""Result of a screening as a CSV table: a row for each conjunction, a column for each variable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from stmgpu.csv_cells import protected
from stmgpu.files import writing
from stmgpu.screen.conjunctions import flag_names
from stmgpu.screen.variables import REGIME_CODES, ROW, VARIABLES
from stmgpu.time import format_utc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import BinaryIO

    import xarray as xr

_ROWS_AT_ONCE = 50_000

_SUFFIX = {"km": "_km", "km s-1": "_km_s", "degrees_north": "_deg", "degrees_east": "_deg"}
_FORMAT = {
    "primary_epoch_age_days": "%.6f",
    "secondary_epoch_age_days": "%.6f",
    "altitude": "%.3f",
    "latitude": "%.5f",
    "longitude": "%.5f",
}
_REGIMES = ("regime", "primary_regime", "secondary_regime")

CSV_COLUMNS = {name: f"{name}{_SUFFIX.get(spec.units, '')}" for name, spec in VARIABLES.items()}
"""Columns of the CSV table by variable: the variable's name, with its unit where it has one."""

_MORE_SUFFIXES = {"m": "_m", "degree": "_deg", "d": "_days"}


def write_csv(conjunctions: xr.Dataset, path: str | Path | BinaryIO) -> None:
    """Write a result as CSV.

    Variables that a result has beyond those of a screening, such as those of an assessment, follow in their order:
    texts, numbers with nine digits, flags and codes by name.

    The table is that of ``conjunctions.to_dataframe()``, row for row and column for column. Names of columns carry the
    unit (:data:`CSV_COLUMNS`); times are UTC to the microsecond; flags and regimes are written by name. A text that a
    spreadsheet would take for a formula gets a leading apostrophe (:mod:`stmgpu.csv_cells`). The file appears complete
    or not at all, see :func:`stmgpu.files.replacing`.

    Parameters
    ----------
    conjunctions : xr.Dataset
        From `stmgpu.screen`, or from a store; also some of its rows.
    path : str, Path or binary file
        File to write; an existing one is replaced. A file that is open for writing is written to as it is.

    Examples
    --------
    >>> write_csv(con, "day.csv")  # doctest: +SKIP
    """
    names = [name for name in VARIABLES if name in conjunctions.variables]
    columns = [(_writer(name, conjunctions[name].values), conjunctions[name].values) for name in names]
    heads = [CSV_COLUMNS[name] for name in names]
    for name in _more(conjunctions):
        columns.append((_writer_of(conjunctions[name]), conjunctions[name].values))
        heads.append(_column(conjunctions[name]))
    with writing(path) as file:
        file.write((",".join(heads) + "\n").encode())
        for k in range(0, conjunctions.sizes["conjunction"], _ROWS_AT_ONCE):
            texts = (write(values[k : k + _ROWS_AT_ONCE]) for write, values in columns)
            file.write("".join(",".join(row) + "\n" for row in zip(*texts, strict=True)).encode())


def table_rows(conjunctions: xr.Dataset) -> Iterator[dict[str, Any]]:
    """Rows of the table that :func:`write_csv` writes, one by one.

    Parameters
    ----------
    conjunctions : xr.Dataset
        As for :func:`write_csv`.

    Yields
    ------
    dict
        Values by the name of the column: numbers with the digits of the CSV table, times as text in UTC, ``flags`` as a
        list of names; None for what is missing.

    Examples
    --------
    >>> [row["primary"] for row in table_rows(con)]  # doctest: +SKIP
    """
    names = [name for name in VARIABLES if name in conjunctions.variables]
    columns = [conjunctions[name].values for name in names]
    more = [(_column(conjunctions[name]), conjunctions[name]) for name in _more(conjunctions)]
    for k in range(0, conjunctions.sizes["conjunction"], _ROWS_AT_ONCE):
        parts = [_values(name, column[k : k + _ROWS_AT_ONCE]) for name, column in zip(names, columns, strict=True)]
        parts += [_values_of(column, slice(k, k + _ROWS_AT_ONCE)) for _, column in more]
        heads = [*(CSV_COLUMNS[name] for name in names), *(head for head, _ in more)]
        for row in zip(*parts, strict=True):
            yield dict(zip(heads, row, strict=True))


def _values(name: str, part: np.ndarray[Any, Any]) -> list[Any]:
    kind = VARIABLES[name].dtype
    if kind == "text":
        return [str(text) for text in part.tolist()]
    texts = _writer(name, part)(part)
    if name == "flags":
        return [text.split("|") if text else [] for text in texts]
    if name in _REGIMES:
        return [text or None for text in texts]
    if kind == "time":
        return [None if text == "NaT" else text for text in texts]
    if kind == "int64":
        return [int(text) for text in texts]
    numbers = map(float, texts)
    return [number if np.isfinite(number) else None for number in numbers]


def _writer(name: str, values: np.ndarray[Any, Any]) -> Callable[[np.ndarray[Any, Any]], list[str]]:
    """Function that turns a piece of a column into texts."""
    kind = VARIABLES[name].dtype
    if kind == "time":
        return lambda part: list(np.atleast_1d(format_utc(part)).tolist())
    if kind == "text":
        quoted = {text: _quoted(protected(str(text))) for text in set(values.tolist())}
        return lambda part: [quoted[text] for text in part.tolist()]
    if name == "flags" or name in _REGIMES:
        codes = np.unique(values).tolist()
        words = {c: flag_names(int(c)) if name == "flags" else REGIME_CODES.get(int(c), "") for c in codes}
        return lambda part: [words[code] for code in part.tolist()]
    form = "%d" if kind == "int64" else _FORMAT.get(name, "%.9f")
    return lambda part: [form % value for value in part.tolist()]


def _more(conjunctions: xr.Dataset) -> list[str]:
    """Variables of every row beyond those of a screening."""
    return [
        str(name)
        for name, variable in conjunctions.data_vars.items()
        if name not in VARIABLES and variable.dims == (ROW,) and variable.dtype.kind in "iufbU"
    ]


def _column(variable: xr.DataArray) -> str:
    """Name of a column, with its unit where it has one."""
    return f"{variable.name}{_MORE_SUFFIXES.get(variable.attrs.get('units', ''), '')}"


def _words_of(variable: xr.DataArray) -> dict[int, str]:
    """Words of every code that a variable has, or of its sums of flags; empty for plain numbers."""
    meanings = str(variable.attrs.get("flag_meanings", "")).split()
    codes = np.unique(variable.values).tolist() if meanings else []
    if "flag_masks" in variable.attrs:
        bits = [(int(bit), word) for bit, word in zip(variable.attrs["flag_masks"], meanings, strict=True)]
        return {code: "|".join(word for bit, word in bits if code & bit) for code in codes}
    known = dict(zip(map(int, variable.attrs.get("flag_values", ())), meanings, strict=True)) if meanings else {}
    return {code: known.get(code, "") for code in codes}


def _writer_of(variable: xr.DataArray) -> Callable[[np.ndarray[Any, Any]], list[str]]:
    """Function that turns a piece of a further column into texts, by its attributes."""
    if variable.dtype.kind == "U":
        quoted = {text: _quoted(protected(str(text))) for text in np.unique(variable.values).tolist()}
        return lambda part: [quoted[text] for text in part.tolist()]
    if words := _words_of(variable):
        return lambda part: [words[code] for code in part.tolist()]
    form = "%.9g" if variable.dtype.kind == "f" else "%d"
    return lambda part: [form % value for value in part.tolist()]


def _values_of(variable: xr.DataArray, rows: slice) -> list[Any]:
    """A piece of a further column as plain values."""
    part: list[Any] = variable.values[rows].tolist()
    if words := _words_of(variable):
        several = "flag_masks" in variable.attrs
        return [words[code].split("|") if several and code else [] if several else words[code] for code in part]
    if variable.dtype.kind == "f":
        return [float(f"{value:.9g}") if np.isfinite(value) else None for value in part]
    return part


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if any(c in text for c in ',"\n\r') else text
