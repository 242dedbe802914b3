"""The page of a screening: every count and column against the result itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from report.page.test_columns import decoded
from support.page_stores import HOSTILE, conjunctions, write_conjunctions, write_screening

from stmgpu.backend.cpu import usable_levels
from stmgpu.constants import SLOW_PAIR_KM_S
from stmgpu.errors import InputError
from stmgpu.report.page.document import Page
from stmgpu.report.page.objects import PageObjects
from stmgpu.report.page.screening import screening_page
from stmgpu.report.page.screening_words import certificate_parts
from stmgpu.report.page.writing import page_of
from stmgpu.store import open_dataset
from stmgpu.store.run import open_run

pytestmark = pytest.mark.skipif(not usable_levels(), reason="the kernels were not compiled here")

FACTS: dict[str, Any] = {"store": "some/day.zarr", "kind": "conjunctions", "schema": 5, "attributes": {}}


@pytest.fixture(scope="module")
def ds() -> xr.Dataset:
    return conjunctions(3000, objects=400)


@pytest.fixture(scope="module")
def page(ds: xr.Dataset) -> Page:
    return screening_page(ds, FACTS, rows=1000)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_screening(tmp_path_factory.mktemp("page"), assessed=True)


def _values(page: Page) -> dict[str, Any]:
    return {column.description["name"]: decoded(column) for column in page.columns}


def _headline(page: Page) -> dict[str, str]:
    return {fact["label"]: fact["value"] for fact in page.content["headline"]}


def test_the_table_has_the_closest_rows_with_their_values(ds: xr.Dataset, page: Page) -> None:
    values = _values(page)
    closest = np.argsort(ds.miss_distance.to_numpy(), kind="stable")[:1000]
    own = ds.isel(conjunction=closest)
    assert (page.content["rows"], page.content["rows_total"]) == (1000, 3000)
    assert "closest 1,000 of 3,000" in page.content["notes"]["table"]
    for who in ("primary", "secondary"):
        places = values[f"{who}_object"]
        assert values["object_id"][places].tolist() == own[who].to_numpy().tolist()
        for what in ("name", "type", "status"):
            assert values[f"object_{what}"][places].tolist() == own[f"{who}_{what}"].to_numpy().tolist()
        np.testing.assert_allclose(values[f"{who}_epoch_age_days"], own[f"{who}_epoch_age_days"], atol=5.1e-7)
    for name in ("miss_distance", "relative_speed", "miss_radial", "miss_transverse", "miss_normal"):
        np.testing.assert_allclose(values[name], own[name], atol=5.1e-7)
    for name, parts in (("altitude", 0.0051), ("latitude", 0.0051), ("longitude", 0.0051)):
        np.testing.assert_allclose(values[name], own[name], atol=parts)
    assert values["flags"].tolist() == own.flags.to_numpy().tolist()
    milliseconds = (own.tca.to_numpy() - np.datetime64(0, "s")) / np.timedelta64(1, "ms")
    np.testing.assert_allclose(values["tca_ms"], milliseconds, atol=0.5)


def test_figures_count_every_fast_conjunction_once(ds: xr.Dataset, page: Page) -> None:
    figures = page.content["figures"]
    fast = ds.isel(conjunction=np.flatnonzero(ds.relative_speed >= SLOW_PAIR_KM_S))
    n = fast.sizes["conjunction"]
    assert 0 < n < 3000
    assert page.content["fast_total"] == n
    miss, speed = fast.miss_distance.to_numpy(), fast.relative_speed.to_numpy()
    cell = figures["miss_speed"]
    x, y = cell["x"], cell["y"]
    inside = (speed >= x[3]) & (speed < x[4]) & (miss >= y[20]) & (miss < y[21])
    assert cell["counts"].reshape(len(y) - 1, len(x) - 1)[20, 3] == inside.sum()
    for name in ("miss_speed", "miss_age", "altitude_latitude"):
        assert figures[name]["counts"].sum() + figures[name]["outside"] == n
    assert figures["per_hour"]["counts"].sum() == n
    within = figures["within"]
    assert within["counts"][-1] == n
    assert within["counts"][10] == (miss <= within["d"][10]).sum()


def test_ages_are_those_of_the_older_set(ds: xr.Dataset, page: Page) -> None:
    fast = ds.isel(conjunction=np.flatnonzero(ds.relative_speed >= SLOW_PAIR_KM_S))
    figure = page.content["figures"]["miss_age"]
    older = np.fmax(fast.primary_epoch_age_days.to_numpy(), fast.secondary_epoch_age_days.to_numpy())
    columns = figure["counts"].reshape(len(figure["y"]) - 1, -1).sum(axis=0)
    assert columns.tolist() == np.histogram(older[~np.isnan(older)], figure["x"])[0].tolist()


def test_who_meets_whom_is_symmetric_and_complete(ds: xr.Dataset, page: Page) -> None:
    fast = ds.isel(conjunction=np.flatnonzero(ds.relative_speed >= SLOW_PAIR_KM_S))
    types = page.content["figures"]["types"]
    table = types["counts"].reshape(len(types["labels"]), -1)
    assert (table == table.T).all()
    assert np.triu(table).sum() == fast.sizes["conjunction"]
    kinds = [fast[f"{who}_type"].to_numpy() for who in ("primary", "secondary")]
    place = types["labels"].index("debris")
    assert table[place, place] == ((kinds[0] == "DEBRIS") & (kinds[1] == "DEBRIS")).sum()


def test_the_busiest_objects_are_counted_on_both_sides(ds: xr.Dataset, page: Page) -> None:
    fast = ds.isel(conjunction=np.flatnonzero(ds.relative_speed >= SLOW_PAIR_KM_S))
    busiest = page.content["figures"]["busiest"]
    both = np.concatenate([fast.primary.to_numpy(), fast.secondary.to_numpy()])
    assert busiest["counts"].tolist() == sorted(np.unique(both, return_counts=True)[1].tolist(), reverse=True)[:20]
    assert busiest["counts"][0] == (both == busiest["ids"][0]).sum()


def test_the_headline_has_the_numbers_of_the_result(ds: xr.Dataset, page: Page) -> None:
    fast = ds.isel(conjunction=np.flatnonzero(ds.relative_speed >= SLOW_PAIR_KM_S))
    nearest = float(fast.miss_distance.min())
    assert _headline(page) == {
        "Conjunctions": "3,000",
        "Closest fast pair": f"{1e3 * nearest:.0f} m" if nearest < 1.0 else f"{nearest:.3f} km",
        "Objects": "400",
        "Took part throughout": "100 %",
        "Age of elements": f"{ds.attrs['median_age_days']:.1f} d",
        "Window": "5.5 h",
        "Threshold": "20 km",
    }


@pytest.mark.parametrize("rows", [0, 1])
def test_a_result_with_hardly_a_row(rows: int) -> None:
    page = screening_page(conjunctions(rows, objects=10), FACTS, rows=100)
    assert _headline(page)["Conjunctions"] == str(rows)
    assert page.content["rows"] == rows
    assert all(len(values) == rows for name, values in _values(page).items() if not name.startswith("object_"))
    assert page.content["figures"]["within"]["counts"].max() <= rows


def test_an_assessment_that_is_left_out_is_said(ds: xr.Dataset) -> None:
    facts = FACTS | {"assessment": {"complete": False, "attributes": {}}}
    texts = screening_page(ds, facts, rows=10).content["warnings"]
    assert [text for text in texts if "assessment in this store is unfinished" in text]


def test_a_table_without_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="rows is 0, allowed is 1 or more"):
        page_of(tmp_path, rows=0)


def test_hostile_names_reach_the_page_as_they_are(tmp_path: Path) -> None:
    page = page_of(write_conjunctions(tmp_path, 200, names=HOSTILE, objects=60))
    assert set(_values(page)["object_name"].tolist()) <= {name.rstrip("\0") for name in HOSTILE}
    notes = [fact.get("note", "") for fact in page.content["headline"]]
    assert all(note.isprintable() for note in notes)


def test_kinds_follow_from_types_and_then_from_names() -> None:
    names = np.array(["SL-8 R/B", "FENGYUN 1C DEB", "VANGUARD 1", "OBJECT B", "", "X DEB"])
    types = np.array(["", "", "", "", "", "PAYLOAD"])
    objects = PageObjects(np.arange(6), names, types, np.full(6, ""), {})
    kinds, inferred = objects.kinds()
    assert kinds.tolist() == ["rocket body", "debris", "payload", "unknown", "unknown", "payload"]
    assert inferred.tolist() == [True, True, True, False, False, False]


@pytest.mark.slow
def test_an_assessed_store_shows_elements_risks_and_its_certificate(store: Path) -> None:
    ds = open_dataset(store)
    page = page_of(store, rows=10**6)
    values = _values(page)
    order = np.argsort(ds.miss_distance.to_numpy(), kind="stable")
    for name, error in (("pc", 2.0**-16), ("pc_max", 2.0**-16), ("sigma_major", 2.0**-13), ("miss_minor", 2.0**-13)):
        np.testing.assert_allclose(values[name], ds[name].to_numpy()[order], rtol=error, atol=1e-37)
    assert values["triage"].tolist() == ds.triage.to_numpy()[order].tolist()
    catalog = open_run(store).run_input().catalog  # type: ignore[union-attr]
    place = np.searchsorted(catalog.norad_id, values["object_id"])
    seconds = (catalog.epoch_jd[place] - 2440587.5 + catalog.epoch_fr[place]) * 86400.0
    assert np.abs(values["object_epoch"] - seconds).max() <= 0.5001
    moved = catalog.mean_anomaly[place] + catalog.mean_motion[place] * (values["object_epoch"] - seconds) / 60.0
    turns = (values["object_mean_anomaly"] - moved) / (2.0 * np.pi)
    np.testing.assert_allclose(turns, np.rint(turns), atol=1e-7)
    np.testing.assert_allclose(values["object_mean_motion"], catalog.mean_motion[place], atol=1e-10)
    assert {"altitude_inclination", "types"} <= page.content["figures"].keys()
    says, rests, silent = (part["text"] for part in page.content["certificate"])
    assert says.startswith("No conjunction is missing. For all ")
    some = certificate_parts(ds.assign_attrs(objects_failed=7))[0]["text"]
    assert some.startswith(f"Of the {ds.attrs['objects'] - 7:,} of {ds.attrs['objects']:,} objects that took part")
    assert "pairs of its own" in rests
    assert "rest on the covariances" in silent
    facts = {fact["label"]: fact["value"] for fact in page.content["provenance"]}
    assert facts["Digest of the input"] == ds.attrs["catalog_digest"]
    assert facts["Covariances"] == ds.attrs["covariance_model"]
    assert facts["Licence of the data"].startswith("A synthetic catalogue")
    assert not {"user", "host"} & {label.lower() for label in facts}
