"""The table of a report page as its reader sees it, and what the store says that it must show."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from playwright.sync_api import Locator, Page

import stmgpu as stm
from stmgpu.time import format_utc
from stmgpu.typing import Ints

DIGITS = {
    "miss_distance": 3, "relative_speed": 3, "miss_radial": 3, "miss_transverse": 3, "miss_normal": 3,
    "primary_epoch_age_days": 1, "secondary_epoch_age_days": 1, "altitude": 1, "latitude": 1, "longitude": 1,
}  # fmt: skip
"""Digits that the table shows."""

KEPT = {"altitude": 0.005, "latitude": 0.005, "longitude": 0.005, "primary_epoch_age_days": 5e-5,
        "secondary_epoch_age_days": 5e-5}  # fmt: skip
"""Rounding of the numbers inside a page, where it is above half of 1e-6."""

_ROWS = """[...grid.querySelectorAll('[role=row][data-row]')].filter(row => !row.hidden)
  .map(row => [Number(row.getAttribute('aria-rowindex')) - 2, Number(row.dataset.row), row])
  .sort((a, b) => a[0] - b[0])"""

_ORDER = f"grid => {_ROWS}.map(([place, row]) => [place, row])"

_LINES = f"""async (grid, places) => {{
  const lines = [], count = Number(grid.getAttribute('aria-rowcount')) - 1;
  for (const wanted of places) {{
    for (let miss = wanted, k = 0; wanted !== null && miss && k < 4; k++) {{
      grid.scrollTop = k ? grid.scrollTop + miss / count * grid.scrollHeight : wanted / count * grid.scrollHeight;
      for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
      const places = {_ROWS}.map(([place]) => place);
      miss = places.includes(wanted) ? 0 : wanted - places[places.length >> 1];
    }}
    for (const [place, row, line] of {_ROWS}) if (wanted === null || wanted === place) lines.push({{
      place, row, selected: line.getAttribute('aria-selected') === 'true',
      cells: Object.fromEntries([...line.querySelectorAll('[data-column]')]
        .map(cell => [cell.dataset.column, cell.textContent])),
    }});
  }}
  return lines;
}}"""


@dataclass(frozen=True)
class Line:
    """A row in sight: its place in the table, its number in the columns, and the texts of its cells."""

    place: int
    row: int
    selected: bool
    cells: dict[str, str]


class Table:
    """The table of conjunctions on a page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.grid: Locator = page.get_by_role("grid", name="Conjunctions")

    @property
    def count(self) -> int:
        """Rows that the table says it has."""
        return int(self.grid.get_attribute("aria-rowcount") or -1) - 1

    @property
    def columns(self) -> list[str]:
        return self.grid.get_by_role("columnheader").evaluate_all("cells => cells.map(cell => cell.dataset.column)")

    @property
    def status(self) -> str:
        return self.page.locator(".count[role=status]").inner_text()

    def header(self, column: str) -> Locator:
        return self.grid.locator(f"[role=columnheader][data-column={column}]")

    def lines(self, places: Sequence[int | None] = (None,)) -> list[Line]:
        """Rows at some places, each scrolled into sight; without places, all rows that are elements now."""
        return [Line(**line) for line in self.grid.evaluate(_LINES, list(places))]

    def order(self) -> list[int]:
        """Rows of the whole table in its order, which must all be in sight, see :meth:`stretch`."""
        rows = self.grid.evaluate(_ORDER)
        assert [place for place, _ in rows] == list(range(self.count)), "not all rows are in sight"
        return [row for _, row in rows]

    def stretch(self, height: int) -> None:
        """Make the table so high that every row is in sight."""
        self.grid.evaluate("(grid, px) => { grid.style.maxHeight = 'none'; grid.style.height = `${px}px` }", height)
        self.page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def show_slow(self) -> None:
        self.page.locator("[data-filter=slow]").check()


def rows_of(store: Path) -> xr.Dataset:
    """Conjunctions of a store in the order of a page's rows: the closest first."""
    ds = stm.open_dataset(store)
    return ds.isel(conjunction=np.argsort(ds.miss_distance.values, kind="stable"))


def words_of(ds: xr.Dataset, name: str) -> list[str]:
    """Texts, flags or codes of a column as the table has them."""
    if name == "tca":
        return [text[:-1].replace("T", " ") for text in np.atleast_1d(format_utc(ds.tca.values, 3)).tolist()]
    if "flag_masks" in ds[name].attrs:
        meanings = dict(zip(ds[name].attrs["flag_masks"], ds[name].attrs["flag_meanings"].split(), strict=True))
        return [
            ", ".join(word.replace("_", " ") for bit, word in meanings.items() if value & bit)
            for value in ds[name].values.tolist()
        ]
    if "flag_values" in ds[name].attrs:
        meanings = dict(zip(ds[name].attrs["flag_values"], ds[name].attrs["flag_meanings"].split(), strict=True))
        return [meanings[value].replace("_", " ") for value in ds[name].values.tolist()]
    return [printable(str(value)) for value in ds[name].values.tolist()]


def printable(text: str) -> str:
    """A name as a page writes it: what cannot be seen, or turns the text around it, as an escape."""
    return "".join(
        f"\\u{ord(one):04x}" if unicodedata.category(one).startswith("C") or one in "\u2028\u2029" else one
        for one in text
    )


def disagreements(ds: xr.Dataset, row: int, cells: dict[str, str]) -> list[str]:
    """Cells of a row that are not what the store has."""
    wrong = []
    for name, text in cells.items():
        said: Any = text
        if name in DIGITS:
            value, places = float(ds[name].values[row]), DIGITS[name]
            if np.isnan(value):
                right = text == "–"
            else:
                said = float(text.replace("−", "-"))
                right = abs(said - value) <= 0.5 * 10.0**-places + KEPT.get(name, 5e-7) and text.count(".") == 1
                right &= len(text.partition(".")[2]) == places
        elif name in ("pc", "pc_max"):
            value = float(ds[name].values[row])
            if np.isnan(value) or value < 1e-37:  # less than a float32 holds
                right = text == ("–" if np.isnan(value) else "<1e-37")
            else:
                right = abs(float(text) - value) <= 0.0501 * 10.0 ** np.floor(np.log10(value))
        else:
            value = words_of(ds.isel(conjunction=[row]), name)[0]
            right = text == value
        if not right:
            wrong.append(f"row {row}, {name}: {text!r}, the store has {value!r}")
    return wrong


def sorted_rows(values: np.ndarray, *, descending: bool) -> Ints:
    """Rows in the order of their numbers, equal ones as they stand, those without a number last."""
    keys = np.where(np.isnan(values), np.inf, -values if descending else values)
    return np.lexsort((np.arange(len(keys)), keys, np.isnan(values)))
