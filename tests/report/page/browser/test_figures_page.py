"""Figures of a screening's page: what they count, brushing by keys and by mouse, picking, read-outs, and the globe.

Truth: the Dataset that was written to the store, counted here by NumPy, and the elements that were screened.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import xarray as xr
from playwright.sync_api import Locator, Page
from support.page_stores import conjunctions, write_conjunctions, write_screening
from support.stores import small_catalog

from stmgpu.constants import SLOW_PAIR_KM_S

pytestmark = pytest.mark.slow

ROWS = 3000


@pytest.fixture(scope="module")
def fast() -> xr.Dataset:
    """Rows that the page counts."""
    ds = conjunctions(ROWS)
    return ds.isel(conjunction=np.flatnonzero(ds.relative_speed.to_numpy() >= SLOW_PAIR_KM_S))


@pytest.fixture
def page(page_of: Any, opened: Any) -> Page:
    opened_page: Page = opened(page_of(write_conjunctions, ROWS))
    return opened_page


def shown(page: Page) -> int:
    """Rows in the table."""
    return int(page.get_by_role("grid").get_attribute("aria-rowcount") or 0) - 1


def figure(page: Page, name: str) -> Locator:
    """Canvas of a figure, drawn."""
    canvas = page.locator(f"#{name} .figure-overlay")
    canvas.scroll_into_view_if_needed()
    page.wait_for_function("name => document.querySelector(`#${name} .figure-canvas`).style.width", arg=name)
    return canvas


def keys(page: Page, *names: str) -> None:
    for name in names:
        page.keyboard.press(name)


def data(page: Page, name: str) -> dict[str, Any]:
    """Numbers behind a figure."""
    numbers: dict[str, Any] = page.evaluate(
        "name => JSON.parse(document.getElementById('page').textContent).figures[name]", name
    )
    return numbers


def listed(page: Page, name: str) -> list[list[str]]:
    """Cells of a figure's list of values."""
    details = page.locator(f"#{name} details")
    details.evaluate("one => { one.open = true }")
    details.locator("tbody tr").first.wait_for()
    cells: list[list[str]] = details.evaluate(
        "one => [...one.querySelectorAll('tbody tr')].map(row => [...row.cells].map(cell => cell.textContent))"
    )
    return [[cell.replace(",", "") for cell in row] for row in cells]


def test_an_interval_brushed_by_keys_filters_the_table(page: Page, fast: xr.Dataset) -> None:
    edges = np.array(data(page, "per_hour")["edges"])
    figure(page, "per_hour").focus()
    keys(page, "ArrowRight", "ArrowRight", "Shift+ArrowRight", "Shift+ArrowRight")
    tca = fast.tca.to_numpy().astype("datetime64[ms]").astype(np.float64) / 1e3
    expected = int(np.sum((tca >= edges[1]) & (tca <= edges[4])))
    assert 0 < expected < len(tca)
    assert abs(shown(page) - expected) <= 1, "a row at the very edge, by a rounding of the scale"
    keys(page, "Escape")
    assert shown(page) == len(tca)


def test_cells_brushed_by_keys_filter_table_and_other_figures(page: Page, fast: xr.Dataset) -> None:
    cells = data(page, "altitude_latitude")
    x, y = np.array(cells["x"]), np.array(cells["y"])
    figure(page, "altitude_latitude").focus()
    keys(page, *["ArrowRight"] * 13, *["ArrowUp"] * 9, *["Shift+ArrowRight"] * 9, *["Shift+ArrowUp"] * 4)
    inside = (fast.latitude >= x[12]) & (fast.latitude <= x[22]) & (fast.altitude >= y[9]) & (fast.altitude <= y[14])
    expected = int(inside.sum())
    assert 0 < expected < fast.sizes["conjunction"]
    assert abs(shown(page) - expected) <= 2, "rows at the very edge: columns keep 10 m and 0.001 degrees"
    assert sum(int(row[1]) for row in listed(page, "per_hour")) == shown(page)
    page.get_by_role("button", name="Clear brushes").click()
    assert shown(page) == fast.sizes["conjunction"]


def test_a_rectangle_drawn_by_mouse_holds_what_the_table_shows(page: Page, fast: xr.Dataset) -> None:
    box = figure(page, "miss_speed").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.3 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.7 * box["width"], box["y"] + 0.6 * box["height"], steps=4)
    page.mouse.up()
    some = shown(page)
    assert 0 < some < fast.sizes["conjunction"]
    moved = figure(page, "miss_speed").bounding_box()
    assert moved is not None
    assert abs(moved["y"] - box["y"]) < 1, "what is brushed must not move"
    page.mouse.move(box["x"] + 2, box["y"] + 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 1, box["y"] + box["height"] - 1, steps=4)
    page.mouse.up()
    assert shown(page) == fast.sizes["conjunction"], "the whole plane holds every row"
    page.mouse.click(box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"])
    assert (
        page.get_by_role("button", name="Clear brushes").count() == 0
        or not page.get_by_role("button", name="Clear brushes").is_visible()
    )


def test_a_bar_and_a_cell_show_their_rows_only(page: Page, fast: xr.Dataset) -> None:
    ids, counts = np.unique(np.concatenate([fast.primary, fast.secondary]), return_counts=True)
    figure(page, "busiest").focus()
    keys(page, "ArrowDown", "Enter")
    assert shown(page) == counts.max()
    keys(page, "Enter")
    assert shown(page) == fast.sizes["conjunction"]
    figure(page, "types").focus()
    keys(page, "ArrowRight", "Enter")
    payload = (fast.primary_type == "PAYLOAD") & (fast.secondary_type == "PAYLOAD")
    named = [kinds == "" for kinds in (fast.primary_type, fast.secondary_type)]
    by_name = [kinds == "PAYLOAD" for kinds in (fast.primary_type, fast.secondary_type)]
    both = (by_name[0] | named[0]) & (by_name[1] | named[1])
    assert shown(page) in (int(payload.sum()), int(both.sum())), "objects without a type go by their names"
    assert len(ids) > 0


def test_the_read_out_says_what_a_bar_counts(page: Page, fast: xr.Dataset) -> None:
    counts = data(page, "per_hour")["counts"]
    figure(page, "per_hour").focus()
    keys(page, "ArrowRight", "ArrowRight", "ArrowRight")
    text = page.locator("#per_hour .figure-readout").inner_text()
    assert re.search(rf": {counts[2]}\b", text), text
    assert sum(counts) == fast.sizes["conjunction"]


def test_counts_within_a_distance_are_those_of_the_store(page: Page, fast: xr.Dataset) -> None:
    rows = listed(page, "within")
    miss = fast.miss_distance.to_numpy()
    last = [float(cell) for cell in rows[-1][:2]]
    assert last[1] == np.sum(miss <= last[0] * (1 + 1e-9)) == len(miss)
    half = min(rows, key=lambda row: abs(float(row[0]) - last[0] / 2))
    expected = len(miss) * (float(half[0]) / last[0]) ** 2
    assert abs(float(half[2]) - expected) < 0.01 * expected, "the square law of four-digit numbers"


@pytest.mark.parametrize("ratio", [1, 2])
def test_a_canvas_has_the_pixels_of_the_screen(page_of: Any, opened: Any, ratio: int) -> None:
    page = opened(page_of(write_conjunctions, ROWS), device_scale_factor=ratio)
    figure(page, "per_hour")
    page.wait_for_timeout(200)
    width, shown_width = page.locator("#per_hour .figure-canvas").evaluate("one => [one.width, one.clientWidth]")
    assert width == ratio * shown_width


def test_the_globe_turns_by_keys_and_goes_back(page_of: Any, opened: Any) -> None:
    page = opened(page_of(write_screening), reduced_motion="reduce")
    globe = figure(page, "globe")
    globe.focus()
    page.wait_for_timeout(300)
    frame = page.locator("#globe .figure-canvas")
    before = frame.screenshot()
    keys(page, "ArrowRight", "ArrowUp")
    page.wait_for_timeout(300)
    assert frame.screenshot() != before
    keys(page, "0")
    page.wait_for_timeout(300)
    assert frame.screenshot() == before


def test_values_of_both_orbits_are_those_screened(page_of: Any, opened: Any) -> None:
    page = opened(page_of(write_screening))
    rows = {row[0]: row[1:] for row in listed(page, "globe")}
    shown_angles = [float(angle) for angle in rows["inclination (°)"]]
    ids = [int(page.locator("#event dd").nth(k).inner_text()) for k in _places(page, ("Primary", "Secondary"))]
    catalog = small_catalog()
    for norad_id, angle in zip(ids, shown_angles, strict=True):
        exact = np.degrees(catalog.inclination[catalog.norad_id == norad_id][0])
        assert abs(angle - exact) < 0.01


def _places(page: Page, titles: tuple[str, ...]) -> list[int]:
    heads = page.locator("#event dt").all_inner_texts()
    return [heads.index(title) for title in titles]
