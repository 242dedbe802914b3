"""`stmgpu report`: what it refuses, with the cure, and that nothing half-written is left."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from support.commands import refused, stmgpu
from support.page_stores import write_conjunctions
from support.stores import START, THRESHOLD_KM, run_keywords, small_catalog
from support.studies import evolve, flip, stopping_after

import stmgpu as stm


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_conjunctions(tmp_path_factory.mktemp("store"), 50)


@pytest.fixture(scope="module")
def half(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One of four tiles of a screening is there."""
    path = tmp_path_factory.mktemp("half") / "half.zarr"
    stop = stopping_after(1)
    settings: dict[str, Any] = {"start": START, "hours": 3, "threshold_km": THRESHOLD_KM, "stop": stop}
    stm.screen_to_store(small_catalog(600), path, **settings, **run_keywords(tile_hours=1))
    return path


def document_of(page: Path) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="page">(.*?)</script>', page.read_text("utf-8"), re.DOTALL)
    assert found
    document: dict[str, Any] = json.loads(found[1])
    return document


def test_a_report_is_named_and_described(store: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    result = stmgpu("report", store, "--out", page, "--json")
    assert result.exit_code == 0, result.stderr
    printed = json.loads(result.stdout)
    assert printed["written"] == [str(page)]
    assert printed["kind"] == document_of(page)["kind"] == "screening"
    assert printed["headline"] == document_of(page)["headline"]
    again = tmp_path / "again.html"
    streamed = stmgpu("report", store, "--out", "-")
    assert stmgpu("report", store, "--out", again).exit_code == 0
    assert streamed.stdout_bytes == again.read_bytes() == page.read_bytes()


@pytest.mark.parametrize(("rows", "shown"), [(7, 7), (50, 50), (51, 50)])
def test_the_closest_rows_are_in_the_table(store: Path, tmp_path: Path, rows: int, shown: int) -> None:
    page = tmp_path / "report.html"
    assert stmgpu("report", store, "--out", page, "--rows", rows).exit_code == 0
    document = document_of(page)
    assert (document["rows"], document["rows_total"]) == (shown, 50)
    assert {column["length"] for column in document["columns"] if not column["name"].startswith("object_")} == {shown}


def test_a_screening_without_conjunctions_has_a_report(tmp_path: Path) -> None:
    page = tmp_path / "none.html"
    result = stmgpu("report", write_conjunctions(tmp_path, 0), "--out", page)
    assert result.exit_code == 0, result.stderr
    assert document_of(page)["rows_total"] == 0


def test_an_unfinished_screening_needs_a_word(half: Path, tmp_path: Path) -> None:
    page = tmp_path / "half.html"
    refused(stmgpu("report", half, "--out", page), r"unfinished.*--partial", code=1)
    assert list(tmp_path.iterdir()) == []
    result = stmgpu("report", half, "--out", page, "--partial")
    assert result.exit_code == 0, result.stderr
    document = document_of(page)
    assert document["rows_total"] == stm.open_dataset(half, partial=True).sizes["conjunction"]
    assert any("1 of 4 tiles" in text for text in document["warnings"]), document["warnings"]


def test_an_unfinished_study_needs_a_word(study: Path, tmp_path: Path) -> None:
    path, page = tmp_path / "half.zarr", tmp_path / "half.html"
    evolve(study, path, stop=stopping_after(3))
    refused(stmgpu("report", path, "--out", page), r"unfinished.*--partial", code=1)
    assert not page.exists()
    result = stmgpu("report", path, "--out", page, "--partial")
    assert result.exit_code == 0, result.stderr
    assert any("3 of 6 " in text for text in document_of(page)["warnings"]), document_of(page)["warnings"]


def test_a_damaged_store_is_refused_and_its_file_named(tmp_path: Path) -> None:
    store, page = write_conjunctions(tmp_path, 50), tmp_path / "report.html"
    page.write_text("an earlier report")
    for chunk in sorted((store / "miss_distance" / "c").rglob("*")):
        if chunk.is_file():
            flip(chunk)
    refused(stmgpu("report", store, "--out", page), r"damaged.*miss_distance", code=1)
    assert page.read_text() == "an earlier report"
    (store / "zarr.json").write_text("{}")
    refused(stmgpu("report", store, "--out", page), r"damaged: zarr\.json", code=1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.html", store.name]


def test_other_kinds_are_refused(tmp_path: Path) -> None:
    ephemeris, page = tmp_path / "ephemeris.zarr", tmp_path / "report.html"
    stm.propagate_to_store(small_catalog(5), ephemeris, start=START, hours=1, step_s=600.0, **run_keywords())
    refused(stmgpu("report", ephemeris, "--out", page), r"kind ephemeris.*stmgpu screen", code=2)
    text = tmp_path / "catalog.csv"
    text.write_text("NORAD_CAT_ID\n")
    refused(stmgpu("report", text, "--out", page), "catalog.csv", code=2)
    refused(stmgpu("report", tmp_path / "nothing.zarr", "--out", page), "nothing.zarr", code=2)
    assert not page.exists()


def test_a_place_that_cannot_be_written_is_refused_first(store: Path, tmp_path: Path) -> None:
    refused(stmgpu("report", store, "--out", tmp_path / "no" / "report.html"), "there is no folder.*create it first")
    refused(stmgpu("report", store, "--out", tmp_path), "not an ordinary file; choose another path")
    refused(stmgpu("report", store, "--out", store / "report.html"), "inside the store.*choose another path")
    none = stmgpu("report", store, "--out", tmp_path / "r.html", "--rows", 0)
    assert (none.exit_code, "--rows" in none.stderr) == (2, True), none.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_the_earlier_report(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "report.html"
    page.write_text("an earlier report")

    def full(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "fsync", full)
    result = stmgpu("report", store, "--out", page)
    assert result.exit_code == 1, result.stderr
    assert "report.html" in result.stderr
    assert "No space left" in result.stderr
    assert page.read_text() == "an earlier report"
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
