"""The table: its numbers are the store's, and sorting, filtering and selecting do what they say."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from playwright.sync_api import Page
from support.page_stores import HOSTILE, write_conjunctions, write_million, write_screening
from support.page_table import DIGITS, Table, disagreements, rows_of, sorted_rows, words_of

pytestmark = pytest.mark.slow

ROWS, TALL = 90, 4000
"""Rows of a small table, and a height [px] in which they are all in sight."""


def store_of(file: Path) -> Path:
    (store,) = file.parent.glob("*.zarr")
    return store


@pytest.fixture
def small(page_of, opened) -> tuple[Page, Table, xr.Dataset]:
    """A table that is in sight as a whole, with slow pairs."""
    file = page_of(write_conjunctions, ROWS, names=HOSTILE, objects=len(HOSTILE))
    page = opened(file)
    table = Table(page)
    table.show_slow()
    table.stretch(TALL)
    ds = rows_of(store_of(file))
    assert table.order() == list(range(ROWS))
    return page, table, ds


def test_random_rows_are_the_store_s(page_of, opened) -> None:
    file = page_of(write_conjunctions, 700, names=HOSTILE)
    page, ds = opened(file), rows_of(store_of(file))
    table = Table(page)
    table.show_slow()
    assert table.count == 700
    assert set(table.columns) >= {"tca", *DIGITS, "primary", "secondary", "primary_name", "secondary_name", "flags"}
    places = random.Random(3).sample(range(700), 50)
    lines = table.lines(places)
    assert [line.place for line in lines] == [line.row for line in lines] == places
    assert [wrong for line in lines for wrong in disagreements(ds, line.row, line.cells)] == []
    assert {tuple(line.cells) for line in lines} == {tuple(table.columns)}


def test_rows_of_an_assessed_screening_are_the_store_s(page_of, opened) -> None:
    file = page_of(write_screening, assessed=True)
    page, ds = opened(file), rows_of(store_of(file))
    table = Table(page)
    table.show_slow()
    assert {"triage", "pc", "pc_max"} <= set(table.columns)
    lines = table.lines(random.Random(4).sample(range(table.count), 50))
    assert len(lines) == 50
    assert [wrong for line in lines for wrong in disagreements(ds, line.row, line.cells)] == []


def test_slow_pairs_are_hidden_until_asked_for(page_of, opened) -> None:
    file = page_of(write_conjunctions, ROWS, names=HOSTILE, objects=len(HOSTILE))
    page, ds = opened(file), rows_of(store_of(file))
    table = Table(page)
    table.stretch(TALL)
    fast = np.flatnonzero(ds.relative_speed.values >= 0.1).tolist()
    assert 0 < len(fast) < ROWS
    assert table.order() == fast
    assert table.status == f"{len(fast)} of {ROWS} conjunctions shown"
    box = page.locator("[data-filter=slow]")
    box.focus()
    page.keyboard.press("Space")
    assert table.order() == list(range(ROWS))
    page.keyboard.press("Space")
    assert table.order() == fast


def test_the_closest_rows_alone(page_of, opened) -> None:
    file = page_of(write_conjunctions, 700, names=HOSTILE, report={"rows": 9})
    page, ds = opened(file), rows_of(store_of(file))
    table = Table(page)
    table.show_slow()
    assert table.order() == list(range(9))
    assert [wrong for line in table.lines() for wrong in disagreements(ds, line.row, line.cells)] == []
    assert "closest 9 of 700" in page.locator("#events").inner_text()


def test_every_column_sorts_both_ways(small) -> None:
    page, table, ds = small
    for k, name in enumerate(table.columns):
        button = table.header(name).get_by_role("button")
        orders = {}
        for _ in range(2):
            if k % 2:
                button.click()
            else:
                button.focus()
                page.keyboard.press("Enter")
            orders[table.header(name).get_attribute("aria-sort")] = table.order()
        assert set(orders) == {"ascending", "descending"}, name
        others = table.grid.get_by_role("columnheader").evaluate_all("all => all.map(one => one.ariaSort)")
        assert others.count("none") == len(others) - 1, name
        for way, order in orders.items():
            check_order(ds, name, order, descending=way == "descending")


def check_order(ds: xr.Dataset, name: str, order: list[int], *, descending: bool) -> None:
    values = ds[name].values
    if values.dtype.kind in "fiM" and not name.endswith("flags"):
        numbers = values.astype("datetime64[ms]").astype(float) if values.dtype.kind == "M" else values.astype(float)
        if name in DIGITS:  # as the page keeps them
            steps = {"altitude": 1e2, "latitude": 1e2, "longitude": 1e2}
            numbers = np.rint(numbers * steps.get(name, 1e6))
        assert order == sorted_rows(numbers, descending=descending).tolist(), name
        return
    words = [words_of(ds, name)[row] for row in order]
    assert sorted(order) == list(range(ROWS)), name
    filled = [word for word in words if word]
    assert words == filled + [""] * (len(words) - len(filled)), f"{name}: what is empty comes last"
    runs = [word for k, word in enumerate(filled) if k == 0 or filled[k - 1] != word]
    assert len(set(runs)) == len(runs), f"{name}: equal words are together"
    plain = [word for word in runs if word.isascii() and word.replace(" ", "").isalpha()]
    assert plain == sorted(plain, key=str.upper, reverse=descending), name


def test_sorting_keeps_rows_of_equal_keys_in_order(small) -> None:
    _, table, ds = small
    table.header("primary_type").get_by_role("button").click()
    types = ds.primary_type.values
    for word in set(types.tolist()):
        rows = [row for row in table.order() if types[row] == word]
        assert rows == sorted(rows)


def open_filters(page: Page) -> None:
    details = page.locator("details.more-filters")
    details.locator("summary").focus()
    page.keyboard.press("Enter")
    assert details.get_attribute("open") is not None


def test_every_bound_filters(small) -> None:
    page, table, ds = small
    open_filters(page)
    names = [name for name in table.columns if name in DIGITS or name in ("primary", "secondary")]
    assert len(names) == len(DIGITS) + 2
    for name in names:
        values = ds[name].values.astype(float)
        third, two = np.round(np.nanquantile(values, (0.3, 0.7)), 2) + 0.001
        least, most = (page.locator(f"[data-filter={name}][data-bound={bound}]") for bound in ("min", "max"))
        least.focus()
        page.keyboard.type(f"{third:.3f}")
        assert table.order() == np.flatnonzero(values >= third).tolist(), name
        most.focus()
        page.keyboard.type(f"{two:.3f}")
        assert table.order() == np.flatnonzero((values >= third) & (values <= two)).tolist(), name
        least.fill("")
        assert table.order() == np.flatnonzero(values <= two).tolist(), name
        most.fill("")
        assert table.count == ROWS, name


def test_times_filter(small) -> None:
    page, table, ds = small
    open_filters(page)
    page.locator("[data-filter=tca][data-bound=min]").fill("2025-01-01T04:30:00")
    page.locator("[data-filter=tca][data-bound=max]").fill("2025-01-01T06:00:01")
    tca = ds.tca.values
    within = (tca >= np.datetime64("2025-01-01T04:30:00")) & (tca <= np.datetime64("2025-01-01T06:00:01"))
    assert 0 < within.sum() < ROWS
    assert table.order() == np.flatnonzero(within).tolist()


def test_names_filter_as_they_are(small) -> None:
    page, table, ds = small
    open_filters(page)
    for word in ("<SCRIPT>", "+SUM(", "back\\slash", "e\u0301", "ÄÖ", "עברית", "'", "🛰"):
        for who in ("primary", "secondary"):
            names = ds[f"{who}_name"].values.tolist()
            expected = [k for k, name in enumerate(names) if word.upper() in name.upper()]
            if expected:
                page.locator(f"[data-filter={who}_name]").fill(word)
                assert table.order() == expected, word
                page.locator(f"[data-filter={who}_name]").fill("")
        assert any(
            word.upper() in name.upper() for who in ("primary", "secondary") for name in ds[f"{who}_name"].values
        )


def test_types_states_and_flags_filter(small) -> None:
    page, table, ds = small
    open_filters(page)
    for name, word in (("secondary_type", "rocket"), ("primary_status", "nonop"), ("flags", "slow")):
        box = page.locator(f"[data-filter={name}]")
        box.fill(word)
        expected = [k for k, text in enumerate(words_of(ds, name)) if word.upper() in text.upper()]
        assert 0 < len(expected) < ROWS
        assert table.order() == expected
        box.fill("")


def test_search_looks_at_both_objects(small) -> None:
    page, table, ds = small
    search = page.get_by_role("searchbox")
    one = int(ds.secondary.values[7])
    search.fill(str(one))
    texts = [str(a) + " " + str(b) for a, b in zip(ds.primary.values, ds.secondary.values, strict=True)]
    assert table.order() == [k for k, text in enumerate(texts) if str(one) in text]
    search.fill("no such object")
    assert table.count == 0
    assert table.lines() == []
    assert table.status.startswith("0 of")
    page.get_by_role("button", name="Clear all filters").click()
    assert table.count == ROWS
    assert search.input_value() == ""


def test_filters_add_up_and_are_cleared(small) -> None:
    page, table, ds = small
    open_filters(page)
    page.locator("[data-filter=miss_distance][data-bound=max]").fill("15")
    page.locator("[data-filter=primary_type]").fill("debris")
    expected = (ds.miss_distance.values <= 15.0) & (ds.primary_type.values == "DEBRIS")
    table.header("relative_speed").get_by_role("button").click()
    order = table.order()
    assert sorted(order) == np.flatnonzero(expected).tolist()
    assert np.all(np.diff(ds.relative_speed.values[order]) >= -1e-6)
    assert table.status == f"{len(order)} of {ROWS} conjunctions shown"
    page.get_by_role("button", name="Clear all filters").focus()
    page.keyboard.press("Enter")
    assert table.count == ROWS
    assert np.all(np.diff(ds.relative_speed.values[table.order()]) >= -1e-6), "the order stays"


def test_the_whole_table_is_reached_by_keyboard(page_of, opened) -> None:
    file = page_of(write_conjunctions, 700, names=HOSTILE)
    page = opened(file)
    table = Table(page)
    table.show_slow()
    table.grid.focus()

    def active() -> tuple[int, str]:
        return tuple(
            page.evaluate(
                """() => { const cell = document.activeElement.ariaActiveDescendantElement;
                const row = cell.closest('[role=row]'), box = row.getBoundingClientRect();
                const grid = document.activeElement.getBoundingClientRect();
                if (box.bottom > grid.bottom + 1 || box.top < grid.top) throw new Error('out of sight');
                return [Number(row.getAttribute('aria-rowindex')) - 2, cell.dataset.column]; }"""
            )
        )

    keys = {"End": 699, "ArrowUp": 698, "Home": 0, "ArrowDown": 1}
    for key, place in keys.items():
        page.keyboard.press(key)
        assert active() == (place, "tca")
    page.keyboard.press("PageDown")
    assert 5 < active()[0] < 60
    for name in table.columns[1:]:
        page.keyboard.press("ArrowRight")
        assert active()[1] == name
    page.keyboard.press("ArrowRight")
    assert active()[1] == table.columns[-1]


def test_no_row_and_one_row(page_of, opened) -> None:
    page = opened(page_of(write_conjunctions, 0))
    assert page.get_by_role("grid").count() == 0
    assert page.get_by_role("button", name="CSV").count() == 0
    assert "No two objects came within 20 km" in page.locator("#events").inner_text()
    file = page_of(write_conjunctions, 1)
    table = Table(opened(file))
    table.grid.focus()
    for key in ("ArrowDown", "End", "Enter", "PageUp"):
        table.page.keyboard.press(key)
    table.header("relative_speed").get_by_role("button").click()
    (line,) = table.lines()
    assert disagreements(rows_of(store_of(file)), 0, line.cells) == []


def test_a_million_rows(page_of, opened) -> None:
    """Every row is reached, beyond the height that a browser can scroll; sorting and filtering are of all of them."""
    file = page_of(write_million, report={"rows": 1_000_000})
    page, ds = opened(file), rows_of(store_of(file))
    table = Table(page)
    table.show_slow()
    assert table.count == 1_000_000
    speed = ds.relative_speed.values
    places = [0, 3, 399_999, 400_001, 500_000, 765_432, 999_990]
    assert [line.row for line in table.lines(places)] == places
    table.grid.focus()
    page.keyboard.press("End")
    last = table.lines()[-1]
    assert (last.place, last.row) == (999_999, 999_999)
    assert disagreements(ds, last.row, last.cells) == []
    table.header("relative_speed").get_by_role("button").click()
    page.keyboard.press("Home")
    order = sorted_rows(np.rint(speed * 1e6), descending=False)
    lines = table.lines(places)
    assert [line.row for line in lines] == order[places].tolist()
    assert [wrong for line in lines for wrong in disagreements(ds, line.row, line.cells)] == []
    open_filters(page)
    page.locator("[data-filter=miss_distance][data-bound=max]").fill("0.5")
    assert table.count == np.count_nonzero(ds.miss_distance.values <= 0.5)
