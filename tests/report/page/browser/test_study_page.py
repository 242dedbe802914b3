"""The page of a study in a browser: its tables hold the document's numbers, and the choice reaches every figure."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import xarray as xr
from playwright.sync_api import Page as Tab
from support import ensembles
from support.npm_tools import installed

from stmgpu.debris import statistics
from stmgpu.debris.population.population import Kind
from stmgpu.debris.variables import REMOVAL
from stmgpu.report.page.assemble import assemble
from stmgpu.report.page.columns import encode
from stmgpu.report.page.document import Page
from stmgpu.report.page.study import study_document

pytestmark = pytest.mark.slow

HOSTILE = "</script><b>removal & 'more'"


def study(runs: int = 12, years: int = 6) -> xr.Dataset:
    """Two scenarios with removals and a family of three breakups; the second has a name full of markup."""
    ds = ensembles.study(runs=runs, years=years)
    base = {"second": 8, "first_class": int(Kind.ROCKET_BODY), "second_class": 5}
    rows = [
        {**base, "id": 1, "time": 2026.5, "first": 4, "altitude": 801.0, "fragments": 50.0},
        {**base, "id": 2, "time": 2028.0, "first": 5, "second_cause": 1, "altitude": 802.0},
        {**base, "id": 3, "time": 2029.0, "first": 6, "second_cause": 2, "altitude": 803.0, "type": 1},
        *(
            {"scenario": 1, "run": r, "time": 2026.0, "type": REMOVAL, "first": 7, "first_class": 2}
            for r in range(runs)
        ),
    ]
    return ensembles.with_events(ds, rows).assign_coords(scenario=["no removal", HOSTILE])


def write(ds: xr.Dataset, folder: Path) -> tuple[Path, dict[str, Any]]:
    """Write the page of an ensemble in memory; return the file and the document."""
    document, arrays = study_document(ds, {"per_removal": 2e7})
    words = {name: value for name, value in document.items() if name not in ("kind", "title")}
    columns = [encode(name, array) for name, array in arrays.items()]
    target = folder / "study.html"
    with target.open("wb") as file:
        assemble(Page("study", document["title"], {"provenance": [], **words}, columns), file)
    return target, document


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    return write(study(), tmp_path_factory.mktemp("study"))


def cells(tab: Tab, table: str) -> list[list[str]]:
    rows = tab.locator(f"#{table} tbody tr").all()
    return [[cell.inner_text() for cell in row.locator("th, td").all()] for row in rows]


def values(tab: Tab, panel: str) -> list[list[str]]:
    """The list of values below a figure."""
    details = tab.locator(f"#{panel} details")
    if details.get_attribute("open") is None:
        details.locator("summary").click()
    details.locator("tbody tr").first.wait_for()
    return [[cell.inner_text() for cell in row.locator("th, td").all()] for row in details.locator("tbody tr").all()]


def number(text: str) -> float:
    return float(re.sub("[,+%]", "", text.split("\n")[0].split(" (")[0]).replace("−", "-").strip())


def test_tables_hold_the_numbers_of_the_document(made: tuple[Path, dict[str, Any]], opened: Any) -> None:
    file, document = made
    tab = opened(file)
    summary, content = document["study"]["summary"], document["study"]
    rows = cells(tab, "ends-table")
    assert [row[0] for row in rows] == ["no removal", HOSTILE]
    for row, one in zip(rows, summary["scenarios"], strict=True):
        assert number(row[1]) == pytest.approx(one["objects_end"]["mean"], rel=5e-3, abs=0.5)
        assert number(row[3]) == pytest.approx(one["catastrophic_expected"]["mean"], rel=5e-3)
    assert number(rows[1][5]) == pytest.approx(summary["scenarios"][1]["difference"]["mean"], rel=5e-3)
    gain = content["differences"][0]["rows"][0]["gain"]
    assert number(cells(tab, "gains")[0][2]) == pytest.approx(gain, rel=0.05)
    assert number(cells(tab, "cost-table")[0][1]) == pytest.approx(content["costs"]["rows"][0]["cost"]["mid"] / 1e6)
    assert cells(tab, "chosen")[0][0] == "row 7"
    flows = content["balances"]["flows"][0]
    assert [row[0] for row in cells(tab, "flows")] == [row["label"] for row in flows]
    assert number(cells(tab, "flows")[-1][1]) == pytest.approx(flows[-1]["all"], abs=0.5)
    facts = tab.locator("#headline dd.big").all_inner_texts()
    assert facts == [fact["value"] for fact in document["headline"]]
    assert tab.locator("#certificate h2").inner_text() == document["certificate_title"]


def test_figures_list_the_means_and_follow_the_choice(made: tuple[Path, dict[str, Any]], opened: Any) -> None:
    file, document = made
    tab = opened(file)
    everything = document["study"]["population"][0]
    listed = values(tab, "objects")
    assert [number(row[1]) for row in listed] == pytest.approx(everything["values"][0]["mean"], rel=1e-3)
    assert [number(row[2]) for row in listed] == pytest.approx(everything["values"][1]["mean"], rel=1e-3)
    tab.locator("#study-scenario").select_option("1")
    tab.get_by_role("button", name="Differences from no removal").press("Enter")
    tab.wait_for_function("document.querySelectorAll('#objects thead th').length === 2")
    listed = values(tab, "objects")
    assert [number(row[1]) for row in listed] == pytest.approx(everything["differences"][1]["mean"], rel=1e-3, abs=1e-3)
    assert tab.get_by_role("button", name="Values").first.get_attribute("aria-pressed") == "false"
    assert tab.locator("#flows caption").inner_text() == f"Objects of {HOSTILE}, by class"


def test_density_is_read_from_its_columns(made: tuple[Path, dict[str, Any]], opened: Any) -> None:
    file, _ = made
    listed = values(opened(file), "density-heat")
    density = 1e9 * statistics.spatial_density(study()).sum("class").mean("run").isel(scenario=0)
    filled = density.to_numpy()[density.to_numpy() > 0.0]
    assert len(listed) == len(filled) == 2 * 7  # two shells with objects, seven years
    assert [number(row[2]) for row in listed] == pytest.approx(sorted(filled, reverse=True), rel=1e-3)
    assert listed[0][:2] == ["2030.5 to 2031.5", "800 to 850"]


def test_a_family_is_drawn_and_listed(made: tuple[Path, dict[str, Any]], opened: Any) -> None:
    file, _ = made
    tab = opened(file)
    assert tab.locator("#family svg g.breakup").count() == 3
    assert tab.locator("#family svg path.edge").count() == 2
    tab.locator("#family summary").click()
    tab.locator("#family .study-family li").first.wait_for()  # the list is made when it opens, a moment later
    items = tab.locator("#family .study-family li").all_inner_texts()
    assert items[0].startswith(
        "2026.5: catastrophic collision at 801 km, 50 fragments; row 4 (rocket body, 100 kg) and"
    )
    assert tab.locator("#family .study-family ul ul ul li").inner_text().startswith("2029.0: cratering collision")
    tab.locator("#study-scenario").select_option("1")
    assert "No breakup of this scenario" in tab.locator("#family").inner_text()


def test_few_runs_are_said_inside_every_figure(tmp_path: Path, opened: Any) -> None:
    file, document = write(study(runs=4, years=3), tmp_path)
    tab = opened(file)
    said = document["study"]["warning"]
    assert said.startswith("Only 4 runs")
    panels = tab.locator("section.panel:has(.figure-canvas)")
    assert panels.count() > 12
    for panel in panels.all():
        panel.locator("summary").click()
        panel.locator("details table").wait_for()
        assert said in panel.locator("details").inner_text()


@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_is_wider_than_the_window(made: tuple[Path, dict[str, Any]], opened: Any, width: int) -> None:
    file, _ = made
    tab = opened(file, width=width)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_passes_axe(made: tuple[Path, dict[str, Any]], opened: Any, scheme: str) -> None:
    file, _ = made
    tab = opened(file, color_scheme=scheme)
    tab.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    tab.locator("#objects details table").wait_for()
    tab.evaluate((installed() / "axe-core" / "axe.min.js").read_text("utf-8") + "; 0")
    found = tab.evaluate("axe.run().then(({ violations }) => violations.map(({ id, nodes }) => [id, nodes[0].html]))")
    assert found == []


def test_one_scenario_has_no_choice(tmp_path: Path, opened: Any) -> None:
    file, _ = write(study().isel(scenario=[0]).isel(event=slice(0, 3)), tmp_path)
    tab = opened(file)
    assert tab.locator("#study-scenario").count() == 0
    assert tab.locator("#differences, #reduction, #costs").count() == 0
    assert len(values(tab, "objects")) == 7


def test_document_in_the_page_is_that_of_python(made: tuple[Path, dict[str, Any]], opened: Any) -> None:
    file, document = made
    inside = json.loads(opened(file).locator("#page").inner_text() or opened(file).locator("#page").text_content())
    assert inside["study"] == document["study"]
