"""Figures of a screening: their values are the store's, and brushing one filters the table and the others."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from playwright.sync_api import Locator, Page
from support.page_stores import write_conjunctions, write_screening
from support.page_table import Table, rows_of

pytestmark = pytest.mark.slow

NAMES = ("STARLINK-1", "STARLINK-2", "COSMOS 3 DEB", "CZ-4C R/B", "ISS")
ROWS = 700
PANELS = ("miss_speed", "miss_age", "per_hour", "within", "altitude_latitude", "types", "busiest")


@pytest.fixture
def shown(page_of, opened) -> tuple[Page, Table, xr.Dataset]:
    file = page_of(write_conjunctions, ROWS, names=NAMES)
    (store,) = Path(file).parent.glob("*.zarr")
    page = opened(file)
    return page, Table(page), rows_of(store)


def values_of(page: Page, panel: str) -> list[list[str]]:
    """The list of values of a figure, opened by keyboard: its head and its rows."""
    details = page.locator(f"#{panel} details")
    if details.get_attribute("open") is None:
        details.locator("summary").focus()
        page.keyboard.press("Enter")
    details.locator("table tr").first.wait_for()
    return details.locator("table tr").evaluate_all("rows => rows.map(row => [...row.cells].map(c => c.textContent))")


def number(text: str) -> float:
    return float(re.sub(r"[ ,\u202f]", "", text).replace("−", "-"))


def canvas(page: Page, panel: str) -> Locator:
    """The canvas of a figure, drawn."""
    overlay = page.locator(f"#{panel}").get_by_role("img")
    overlay.scroll_into_view_if_needed()
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return overlay


def drag(page: Page, panel: str, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Drag the mouse between two places, in shares of the canvas."""
    box = canvas(page, panel).bounding_box()
    assert box is not None
    points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (start, end)]
    page.mouse.move(*points[0])
    page.mouse.down()
    page.mouse.move(*points[1], steps=3)
    page.mouse.up()


def painted(page: Page, panel: str) -> int:
    """Number of colours in a figure; a blank one has one."""
    return page.locator(f"#{panel} canvas").first.evaluate(
        """canvas => { const data = new Uint32Array(canvas.getContext('2d', {willReadFrequently: true})
          .getImageData(0, 0, canvas.width, canvas.height).data.buffer); return new Set(data).size }"""
    )


def test_every_figure_is_drawn_and_named(page_of, opened) -> None:
    page = opened(page_of(write_screening, assessed=True))
    panels = page.locator("section.panel").evaluate_all("all => all.map(one => one.id)")
    assert set(panels) >= {*PANELS, "altitude_inclination", "globe", "encounter", "encounter_plane"}
    for panel in panels:
        overlay = canvas(page, panel)
        assert len(overlay.get_attribute("aria-label") or "") > 10, panel
        assert painted(page, panel) > 5, panel
        assert page.locator(f"#{panel} h3").inner_text()
        assert len(values_of(page, panel)) > 1, panel


def test_counts_are_the_store_s(shown) -> None:
    page, _, ds = shown
    fast = ds.isel(conjunction=np.flatnonzero(ds.relative_speed.values >= 0.1))
    total = fast.sizes["conjunction"]
    hours = values_of(page, "per_hour")
    counts = [number(row[-1]) for row in hours[1:]]
    assert sum(counts) == total
    start = np.datetime64("2025-01-01T03:20", "us")
    step = np.timedelta64(19_800_000_000 // len(counts), "us")
    tca = (fast.tca.values.astype("datetime64[us]") - start) // step
    assert counts == np.bincount(tca.astype(int), minlength=len(counts)).tolist()
    within = values_of(page, "within")
    for distance, count, _ in within[1:]:  # distances have four digits
        low, high = (np.count_nonzero(fast.miss_distance.values <= number(distance) * (1 + s)) for s in (-5e-4, 5e-4))
        assert low <= number(count) <= high, distance
    assert number(within[-1][1]) == total
    _, times = np.unique(np.concatenate([fast.primary.values, fast.secondary.values]), return_counts=True)
    busiest = values_of(page, "busiest")
    assert [number(row[-1]) for row in busiest[1:]] == np.sort(times)[::-1][: len(busiest) - 1].tolist()
    assert len(times) > len(busiest) > 5


def test_types_meet_as_the_store_says(shown) -> None:
    page, _, ds = shown
    fast = np.flatnonzero(ds.relative_speed.values >= 0.1)
    table = values_of(page, "types")[1:]
    kinds = {"PAYLOAD": "payload", "DEBRIS": "debris", "ROCKET BODY": "rocket body"}
    named = {"STARLINK-1": "payload", "STARLINK-2": "payload", "COSMOS 3 DEB": "debris", "CZ-4C R/B": "rocket body"}

    def kind(who: str, row: int) -> str:
        said = str(ds[f"{who}_type"].values[row])
        return kinds.get(said) or named.get(str(ds[f"{who}_name"].values[row]), "payload")

    pairs = Counter(tuple(sorted((kind("primary", row), kind("secondary", row)))) for row in fast)
    told = {}
    for words, count in table:
        one, _, other = words.partition(" and ")
        pair = (one.removeprefix("among "),) * 2 if not other else tuple(sorted((one, other)))
        told[pair] = number(count)
    assert told == pairs


def shown_rows(table: Table) -> list[int]:
    table.stretch(30 * ROWS + 200)
    return sorted(table.order())


def test_an_interval_of_time_filters_table_and_figures(shown) -> None:
    page, table, ds = shown
    fast = ds.relative_speed.values >= 0.1
    overlay = canvas(page, "per_hour")
    before = values_of(page, "busiest")
    drag(page, "per_hour", (0.35, 0.5), (0.65, 0.5))
    rows = shown_rows(table)
    assert 0 < len(rows) < fast.sum()
    times = ds.tca.values[rows]
    inside = (ds.tca.values >= times.min()) & (ds.tca.values <= times.max()) & fast
    assert rows == np.flatnonzero(inside).tolist(), "an interval: nothing within it is left out"
    assert table.status == f"{len(rows)} of {ROWS} conjunctions shown"
    after = values_of(page, "busiest")
    _, counts = np.unique(np.concatenate([ds.primary.values[rows], ds.secondary.values[rows]]), return_counts=True)
    assert [number(row[-1]) for row in after[1:]] == np.sort(counts)[::-1][: len(after) - 1].tolist()
    assert before != after
    assert sum(number(row[-1]) for row in values_of(page, "per_hour")[1:]) == fast.sum(), "its own figure keeps all"
    overlay.focus()
    page.keyboard.press("Escape")
    assert len(shown_rows(table)) == fast.sum()
    assert values_of(page, "busiest") == before


def test_brushed_ranges_filter_the_table(shown) -> None:
    page, table, ds = shown
    fast = ds.relative_speed.values >= 0.1
    older = np.fmax(np.abs(ds.primary_epoch_age_days.values), np.abs(ds.secondary_epoch_age_days.values))
    axes = {
        "miss_speed": (ds.relative_speed.values, ds.miss_distance.values),
        "miss_age": (older, ds.miss_distance.values),
        "altitude_latitude": (ds.latitude.values, ds.altitude.values),
        "within": (ds.miss_distance.values,),
    }
    for panel, columns in axes.items():
        drag(page, panel, (0.12, 0.3), (0.75, 0.75))
        rows = shown_rows(table)
        assert 0 < len(rows) < fast.sum(), panel
        inside = fast.copy()
        for values in columns:
            inside &= (values >= np.nanmin(values[rows])) & (values <= np.nanmax(values[rows]))
        assert rows == np.flatnonzero(inside).tolist(), panel
        page.get_by_role("button", name="Clear all filters").click()
        assert table.count == fast.sum(), panel


def test_two_brushes_add_up_and_picks_come_off(shown) -> None:
    page, table, ds = shown
    fast = ds.relative_speed.values >= 0.1
    drag(page, "miss_speed", (0.3, 0.3), (0.75, 0.75))
    first = set(shown_rows(table))
    drag(page, "per_hour", (0.3, 0.5), (0.6, 0.5))
    both = set(shown_rows(table))
    assert both < first
    page.get_by_role("button", name="Clear all filters").click()
    drag(page, "per_hour", (0.3, 0.5), (0.6, 0.5))
    assert both == first & set(shown_rows(table))
    canvas(page, "per_hour").focus()
    page.keyboard.press("Escape")
    overlay = canvas(page, "busiest")
    overlay.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    rows = shown_rows(table)
    together = [{int(ds.primary.values[row]), int(ds.secondary.values[row])} for row in rows]
    (one,) = set.intersection(*together)
    assert rows == np.flatnonzero(fast & ((ds.primary.values == one) | (ds.secondary.values == one))).tolist()
    page.keyboard.press("Enter")
    assert len(shown_rows(table)) == fast.sum()


def test_a_point_selects_its_event(shown) -> None:
    page, table, ds = shown
    before = page.evaluate("location.hash")
    box = canvas(page, "miss_speed").bounding_box()
    assert box is not None
    for share in np.linspace(0.5, 0.9, 41):
        page.mouse.click(box["x"] + share * box["width"], box["y"] + 0.2 * box["height"])
        if page.evaluate("location.hash") != before:
            break
    assert "#event=" in page.url
    assert len(shown_rows(table)) == (ds.relative_speed.values >= 0.1).sum()


def test_encounter_and_orbits_are_those_of_the_row(page_of, opened) -> None:
    file = page_of(write_screening, assessed=True)
    (store,) = Path(file).parent.glob("*.zarr")
    page, ds = opened(file), rows_of(store)
    table = Table(page)
    for _ in range(2):
        table.grid.focus()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        (row,) = [line.row for line in table.lines() if line.selected]
        words: dict[str, Any] = {}
        for panel in ("globe", "encounter", "encounter_plane"):
            page.locator(f"#{panel}").scroll_into_view_if_needed()
            values_of(page, panel)
            words[panel] = page.locator(f"#{panel} .values").inner_text()
        for name in ("miss_radial", "miss_transverse", "miss_normal"):
            assert near(float(ds[name].values[row]), words["encounter"]), name
        for name in ("latitude", "longitude", "altitude"):
            assert near(float(ds[name].values[row]), words["globe"]), name
        if np.isfinite(ds.sigma_major.values[row]):
            for name in ("sigma_major", "sigma_minor"):
                assert near(float(ds[name].values[row]), words["encounter_plane"]), name


def near(value: float, text: str) -> bool:
    """Whether a number stands in a text to three digits."""
    found = [number(one) for one in re.findall(r"[−-]?\d[\d,\u202f]*(?:\.\d+)?(?:e[−-]?\d+)?", text)]
    return any(abs(one - value) <= 2e-3 * abs(value) + 1e-9 for one in found)


def test_figures_count_all_rows_of_a_shorter_table(page_of, opened) -> None:
    """With fewer rows in the table than in the store, figures are still over all, and the page says so."""
    file = page_of(write_conjunctions, ROWS, names=NAMES, report={"rows": 50})
    (store,) = Path(file).parent.glob("*.zarr")
    page, ds = opened(file), rows_of(store)
    fast = int((ds.relative_speed.values >= 0.1).sum())
    assert sum(number(row[-1]) for row in values_of(page, "per_hour")[1:]) == fast
    assert number(values_of(page, "within")[-1][1]) == fast
    assert f"all {fast} conjunctions" in page.locator("#figures").inner_text()
    assert f"closest 50 of {ROWS}" in page.locator("#events").inner_text()


def test_lists_of_values_count_all_rows_of_a_shorter_table(page_of, opened) -> None:
    file = page_of(write_conjunctions, 300, names=NAMES, report={"rows": 50})
    (store,) = Path(file).parent.glob("*.zarr")
    page, ds = opened(file), rows_of(store)
    fast = int((ds.relative_speed.values >= 0.1).sum())
    assert sum(number(row[-1]) for row in values_of(page, "miss_speed")[1:]) == fast


def test_a_finger_that_scrolls_over_a_figure_filters_nothing(page_of, opened) -> None:
    page = opened(page_of(write_conjunctions, ROWS, names=NAMES), width=360, has_touch=True, is_mobile=True)
    count = page.locator("#events [role=status]").inner_text()
    box = canvas(page, "miss_speed").bounding_box()
    assert box is not None
    x, y, top = box["x"] + 150.0, box["y"] + box["height"] - 40.0, page.evaluate("scrollY")
    touch = page.context.new_cdp_session(page)
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for k in range(1, 13):
        point = {"x": x + 0.5 * k, "y": y - 8.0 * k}
        touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.wait_for_timeout(300)
    assert page.evaluate("scrollY") > top + 40.0
    assert page.locator("#events [role=status]").inner_text() == count


def test_no_law_is_drawn_where_no_row_is_shown(shown) -> None:
    page, _, _ = shown
    page.get_by_role("searchbox").fill("no such object")
    assert page.locator("#events [role=status]").inner_text().startswith("0 of ")
    assert len(values_of(page, "within")[0]) == 2
    page.get_by_role("searchbox").fill("")
    assert len(values_of(page, "within")[0]) == 3
