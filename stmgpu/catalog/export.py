"""Columns of a catalogue as an xarray Dataset, a pandas DataFrame and an HTML table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import xarray as xr

from stmgpu.catalog.columns import COLUMNS, DERIVED

if TYPE_CHECKING:
    import pandas as pd

Columns = Mapping[str, npt.NDArray[np.generic]]

_FIRST = ("norad_id", "name", "epoch")
_SHOWN_ROWS = 10


def to_dataset(columns: Columns, attributes: Mapping[str, str | int]) -> xr.Dataset:
    """Dataset over the dimension `object` with CF attributes; ids, names and epochs are coordinates.

    Parameters
    ----------
    columns : mapping of str to ndarray, shape (n,)
        All of `COLUMNS` and `DERIVED`, and `epoch`.
    attributes : mapping of str to str or int
        Attributes of the Dataset.
    """
    described = {**COLUMNS, **DERIVED}
    variables = {name: ("object", columns[name], column.attributes) for name, column in described.items()}
    variables["epoch"] = ("object", columns["epoch"], {"long_name": "epoch of the mean elements (UTC)"})
    return xr.Dataset(variables, attrs={"Conventions": "CF-1.11", **attributes}).set_coords(list(_FIRST))


def to_dataframe(columns: Columns) -> pd.DataFrame:
    """DataFrame with one row an object; ids, names and epochs come first.

    Parameters
    ----------
    columns : mapping of str to ndarray, shape (n,)
        Columns to convert.
    """
    import pandas as pd

    return pd.DataFrame({name: columns[name] for name in (*_FIRST, *(key for key in columns if key not in _FIRST))})


def to_html(columns: Columns, caption: str) -> str:
    """HTML table of the first objects.

    Parameters
    ----------
    columns : mapping of str to ndarray, shape (n,)
        As for `to_dataset`.
    caption : str
        Line above the table.
    """
    first: dict[str, list[str]] = {name: list(map(str, column[:_SHOWN_ROWS])) for name, column in columns.items()}
    shown = {
        "NORAD id": first["norad_id"],
        "name": first["name"],
        "type": first["object_type"],
        "epoch": [text[:19] for text in first["epoch"]],
        "regime": first["regime"],
        "perigee [km]": [f"{float(text):,.0f}" for text in first["perigee_km"]],
        "apogee [km]": [f"{float(text):,.0f}" for text in first["apogee_km"]],
        "inclination [deg]": [f"{np.degrees(float(text)):.2f}" for text in first["inclination"]],
    }
    rows = list(zip(*shown.values(), strict=True))
    if len(columns["norad_id"]) > len(rows):
        rows.append(("...",) * len(shown))
    return html_table(caption, list(shown), rows)


def html_table(caption: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """HTML table of texts, all of them escaped.

    Parameters
    ----------
    caption : str
        Line above the table.
    header : sequence of str
        Names of the columns.
    rows : iterable of sequence of str
        Cells of each row.

    Examples
    --------
    >>> html_table("<1 object>", ["name"], [["A & B"]])[-50:]
    '<tbody><tr><td>A &amp; B</td></tr></tbody></table>'
    """

    def row(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    body = "".join(row(cells, "td") for cells in rows)
    return f"<div>{escape(caption)}</div><table><thead>{row(header, 'th')}</thead><tbody>{body}</tbody></table>"
