"""Selecting a conjunction, the link to it, and the ways out of the page: copy, CSV, SOCRATES, print."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pypdf
import pytest
import xarray as xr
from playwright.sync_api import Page, expect
from support.page_stores import FORMULAS, HOSTILE, write_conjunctions, write_screening
from support.page_table import DIGITS, KEPT, Table, disagreements, printable, rows_of

from stmgpu.csv_cells import protected, unprotected
from stmgpu.messages.socrates import COLUMNS, read_socrates
from stmgpu.screen.csv_table import write_csv

pytestmark = pytest.mark.slow

ROWS = 90


def store_of(file: Path) -> Path:
    (store,) = file.parent.glob("*.zarr")
    return store


@pytest.fixture
def named(page_of, opened) -> tuple[Page, Table, xr.Dataset]:
    file = page_of(write_conjunctions, ROWS, names=HOSTILE, objects=len(HOSTILE))
    page = opened(file)
    return page, Table(page), rows_of(store_of(file))


def id_of(ds: xr.Dataset, row: int) -> str:
    micros = ds.tca.values[row].astype("datetime64[us]").astype(int)
    return f"{ds.primary.values[row]}-{ds.secondary.values[row]}-{np.datetime64((int(micros) + 500) // 1000, 'ms')}Z"


def selected_of(table: Table) -> list[int]:
    return [line.row for line in table.lines() if line.selected]


def test_a_row_is_selected_by_mouse_and_keyboard(named) -> None:
    page, table, ds = named
    shown = [line.row for line in table.lines()]
    table.grid.locator(f"[data-row='{shown[3]}'] [data-column=miss_distance]").click()
    assert selected_of(table) == [shown[3]]
    assert unquote(page.evaluate("location.hash")) == f"#event={id_of(ds, shown[3])}"
    card = page.locator("#event")
    for who in ("primary", "secondary"):
        assert printable(str(ds[f"{who}_name"].values[shown[3]])) in card.locator("#event-title").text_content()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert selected_of(table) == [shown[5]]
    assert unquote(page.evaluate("location.hash")) == f"#event={id_of(ds, shown[5])}"
    facts = dict(
        card.locator(".event-card dl > div").evaluate_all(
            "all => all.map(one => [...one.children].map(part => part.textContent))"
        )
    )
    miss = float(ds.miss_distance.values[shown[5]])
    assert abs(float(facts["Miss"].removesuffix(" km")) - miss) < 6e-4
    assert float(facts["Primary"]) == ds.primary.values[shown[5]]


def test_a_link_shows_its_event(page_of, opened) -> None:
    """Also one of a slow pair, and one far down the table."""
    file = page_of(write_conjunctions, 700, names=HOSTILE)
    ds = rows_of(store_of(file))
    slow = int(np.flatnonzero(ds.relative_speed.values < 0.1)[2])
    for row in (650, slow):
        page = opened(file, fragment=f"event={id_of(ds, row)}")
        table = Table(page)
        assert printable(str(ds.primary_name.values[row])) in page.locator("#event-title").text_content(), row
        if row == slow:  # hidden in the table until asked for
            table.show_slow()
            assert table.lines([slow])[0].selected
        else:
            assert selected_of(table) == [row], "the row of the link is in sight"
            assert disagreements(ds, row, next(line.cells for line in table.lines() if line.selected)) == []
    page.evaluate("id => { location.hash = `#event=${id}` }", id_of(ds, 600))
    expect(page.locator("#event-title")).to_contain_text(printable(str(ds.primary_name.values[600])))


@pytest.mark.parametrize(
    "fragment", ["event=1-2-2025-01-01T00:00:00.000Z", "event=", "event=%E0%A4%A", "x", "event=<b>"]
)
def test_a_link_to_nothing_says_so(fragment: str, page_of, opened) -> None:
    page = opened(page_of(write_conjunctions, 700, names=HOSTILE), fragment=fragment)
    assert page.get_by_role("alert").count() == 0
    assert Table(page).count > 600
    if fragment.startswith("event="):
        assert "not in the table" in page.locator(".toast[role=status]").inner_text()


def test_the_link_is_copied_and_leads_back(named, page_of, opened) -> None:
    page, table, _ = named
    table.grid.focus()
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    (row,) = selected_of(table)
    page.get_by_role("button", name=re.compile("link", re.IGNORECASE)).click()
    link = pasted(page)
    assert link == page.url
    other = opened(
        page_of(write_conjunctions, ROWS, names=HOSTILE, objects=len(HOSTILE)), fragment=link.partition("#")[2]
    )
    assert selected_of(Table(other)) == [row]


def pasted(page: Page) -> str:
    """What is in the clipboard, pasted into a field of a page of its own."""
    expect(page.locator(".toast[role=status]")).to_contain_text("copied")
    page.evaluate(
        "document.body.append(Object.assign(document.createElement('textarea'), {id: 'paste', ariaLabel: 'paste'}))"
    )
    page.locator("#paste").focus()
    page.keyboard.press("Control+V")
    return page.locator("#paste").input_value()


def saved(page: Page, name: str, *, by_key: bool = False) -> str:
    button = page.get_by_role("button", name=name, exact=True)
    with page.expect_download() as download:
        if by_key:
            button.focus()
            page.keyboard.press("Enter")
        else:
            button.click()
    assert download.value.suggested_filename.endswith(".csv")
    return Path(download.value.path()).read_bytes().decode("utf-8")


def test_the_csv_is_the_one_of_the_store(named) -> None:
    """Row by row and cell by cell what ``stmgpu export`` writes, but for what the page keeps fewer digits of."""
    page, table, ds = named
    table.show_slow()
    rows = list(csv.DictReader(io.StringIO(saved(page, "Save CSV"), newline="")))
    assert rows == list(csv.DictReader(io.StringIO(saved(page, "Save CSV", by_key=True), newline="")))
    whole = io.BytesIO()
    write_csv(ds, whole)
    truth = list(csv.DictReader(io.StringIO(whole.getvalue().decode(), newline="")))
    assert len(rows) == len(truth) == ROWS
    heads = {name.removesuffix("_km").removesuffix("_km_s").removesuffix("_deg") for name in rows[0]}
    assert heads >= {"tca", "flags", "primary", "secondary", "primary_name", "primary_type", "primary_status", *DIGITS}
    assert set(rows[0]) <= set(truth[0])
    for row, right in zip(rows, truth, strict=True):
        for name, text in row.items():
            variable = name.removesuffix("_km").removesuffix("_km_s").removesuffix("_deg")
            if name == "tca":
                assert abs(np.datetime64(text[:-1], "us") - np.datetime64(right[name][:-1], "us")) <= np.timedelta64(
                    500, "us"
                )
            elif variable in DIGITS:
                step = KEPT.get(variable, 5e-7) + 5e-6
                assert text == right[name] or abs(float(text) - float(right[name])) <= step, name
            else:
                assert text == right[name], name
    cells = {row["primary_name"] for row in rows} | {row["secondary_name"] for row in rows}
    assert {protected(name) for name in FORMULAS} <= cells
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in cells)
    assert {unprotected(cell) for cell in cells} == set(HOSTILE)


def test_the_csv_has_what_is_shown_in_its_order(named) -> None:
    page, table, ds = named
    page.get_by_role("searchbox").fill("script")
    table.header("relative_speed").get_by_role("button").click()
    table.header("relative_speed").get_by_role("button").click()
    rows = list(csv.DictReader(io.StringIO(saved(page, "Save CSV"), newline="")))
    names = [f"{a} {b}".upper() for a, b in zip(ds.primary_name.values, ds.secondary_name.values, strict=True)]
    expected = [k for k, name in enumerate(names) if "SCRIPT" in name and ds.relative_speed.values[k] >= 0.1]
    assert 0 < len(expected) < ROWS
    assert len(rows) == table.count == len(expected)
    speeds = [float(row["relative_speed_km_s"]) for row in rows]
    assert speeds == sorted(speeds, reverse=True)
    np.testing.assert_allclose(speeds, np.sort(ds.relative_speed.values[expected])[::-1], atol=6e-7)


def test_copied_rows_are_those_shown(named) -> None:
    page, table, ds = named
    page.get_by_role("searchbox").fill("formula")
    page.get_by_role("searchbox").fill("")
    page.get_by_role("button", name="Copy", exact=True).click()
    text = pasted(page)
    lines = [line.split("\t") for line in text.rstrip("\n").split("\n")]
    assert len(lines) == table.count + 1
    assert {len(line) for line in lines} == {len(table.columns)}
    name = lines[0].index("primary_name")
    assert not any(line[name].startswith(("=", "+", "-", "@")) for line in lines[1:])
    miss = lines[0].index("miss_distance_km")
    fast = ds.miss_distance.values[ds.relative_speed.values >= 0.1]
    np.testing.assert_allclose([float(line[miss]) for line in lines[1:]], fast, atol=6e-7)


def test_socrates_reads_its_columns_back(page_of, opened) -> None:
    file = page_of(write_screening, assessed=True)
    page, ds = opened(file), rows_of(store_of(file))
    Table(page).show_slow()
    text = saved(page, "Save SOCRATES CSV")
    assert text.splitlines()[0] == ",".join(COLUMNS)
    read = read_socrates(text.encode())
    assert len(read) == ds.sizes["conjunction"]
    np.testing.assert_array_equal(read.norad_id_1, ds.primary.values)
    np.testing.assert_array_equal(read.norad_id_2, ds.secondary.values)
    np.testing.assert_array_equal(read.name_1, ds.primary_name.values)
    np.testing.assert_allclose(read.range_km, ds.miss_distance.values, atol=5.1e-4)
    np.testing.assert_allclose(read.speed_km_s, ds.relative_speed.values, atol=5.1e-4)
    np.testing.assert_allclose(read.age_days_1, ds.primary_epoch_age_days.values, atol=6e-4)
    assert np.abs(read.tca - ds.tca.values).max() <= np.timedelta64(500, "us")


def test_socrates_names_carry_their_status_and_are_protected(named) -> None:
    page, table, ds = named
    table.show_slow()
    rows = list(csv.DictReader(io.StringIO(saved(page, "Save SOCRATES CSV"), newline="")))
    codes = {"OPERATIONAL": " [+]", "NONOPERATIONAL": " [-]", "PARTIALLY OPERATIONAL": " [P]", "": ""}
    for k, row in enumerate(rows):
        for number, who in ((1, "primary"), (2, "secondary")):
            name, status = (str(ds[f"{who}_{what}"].values[k]) for what in ("name", "status"))
            assert row[f"OBJECT_NAME_{number}"] == protected(name + codes[status])


def test_print_is_a_document_on_a4(page_of, opened) -> None:
    file = page_of(write_conjunctions, 700, names=("SATELLITE ONE", "DEBRIS TWO"))
    page, ds = opened(file, color_scheme="dark"), rows_of(store_of(file))
    fast = np.flatnonzero(ds.relative_speed.values >= 0.1)
    reader = pypdf.PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True, print_background=True)))
    sizes = {(round(float(one.mediabox.width)), round(float(one.mediabox.height))) for one in reader.pages}
    assert sizes in ({(595, 842)}, {(595, 842), (842, 595)}), sizes
    texts = [one.extract_text() for one in reader.pages]
    whole = unicodedata.normalize("NFKC", "\n".join(texts))  # ligatures
    assert not [number for number, text in enumerate(texts) if len(text.strip()) < 20], "no page is empty"
    assert "Conjunction screening" in texts[0]
    assert f"first 100 of the {len(fast)} conjunctions" in whole
    times = re.findall(r"2025-01-01\s(\d\d:\d\d:\d\d\.\d{3})", whole)
    stamps = [str(np.datetime64(one, "ms"))[11:] for one in (ds.tca.values[fast[:101]] + np.timedelta64(500, "us"))]
    listed = [time for time in times if time in set(stamps)]
    assert set(stamps[:100]) <= set(listed)
    assert stamps[100] not in listed
    for words in ("Certificate", "Provenance", "Licence of the data"):
        assert words in whole
    for words in ("Save CSV", "Search", "Clear all"):
        assert words not in whole
    assert page.evaluate("document.documentElement.dataset.theme") == "dark", "the theme is back after printing"
