"""No text of a CSV that we write is a formula, and the texts come back."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from support.samples import fields

from stmgpu.catalog import Catalog, format_catalog, read_catalog
from stmgpu.csv_cells import protected, unprotected
from stmgpu.debris.formats.csv_tables import read_csv

NAMES = ["=cmd|'/c calc'!A1", "+1", "-SAT", "@SUM(A1)", "'=x", "'quoted'", "plain", "a=b", '=HYPERLINK("x","y")']


def named(names: list[str]) -> Catalog:
    one = read_catalog(json.dumps([fields()]).encode())
    columns = {name: getattr(one, name)[0] for name in Catalog.column_names()}
    return Catalog.from_columns(**{**columns, "norad_id": np.arange(len(names)) + 1, "name": names, "object_id": names})


@given(st.text(alphabet="'=+-@\t\rax ", max_size=6))
def test_texts_come_back(text: str) -> None:
    assert unprotected(protected(text)) == text
    assert protected(text)[:1] not in tuple("=+-@\t\r")


def test_catalogue() -> None:
    catalog = named(NAMES)
    content = format_catalog(catalog, "csv")
    rows = list(csv.DictReader(io.StringIO(content.decode())))
    assert all(cell[:1] not in tuple("=@\t\r") for row in rows for cell in row.values())
    assert [row["OBJECT_NAME"][:2] for row in rows[:4]] == ["'=", "'+", "'-", "'@"]
    again = read_catalog(content)
    assert again.name.tolist() == NAMES
    assert again.object_id.tolist() == NAMES
    assert read_catalog(format_catalog(catalog, "json")).name.tolist() == NAMES


def test_numbers_stay_numbers() -> None:
    catalog = named(["A"])
    columns = {name: getattr(catalog, name) for name in Catalog.column_names()}
    negative = Catalog.from_columns(**{**columns, "bstar": [-1e-5], "mean_motion_dot": [-1e-9]})
    content = format_catalog(negative, "csv")
    assert b",-1e-05," in content
    assert b"'" not in content
    assert read_catalog(content).bstar.tolist() == [-1e-5]


def test_tables_of_debris(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("norad_id,owner,mass\n1,'=x,-5\n2,'tis,3\n")
    table = read_csv(tmp_path / "a.csv", ("norad_id",), None)
    assert table.cells["owner"] == ["=x", "'tis"]
    assert table.numbers("mass").tolist() == [-5.0, 3.0]
