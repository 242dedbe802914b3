"""The CSV table of a screening."""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from support.orbits import START, catalog_of, random_rows

import stmgpu as stm
from stmgpu.catalog import Catalog
from stmgpu.screen.conjunctions import flag_names
from stmgpu.screen.csv_table import CSV_COLUMNS, write_csv
from stmgpu.screen.variables import REGIME_CODES


@pytest.fixture(scope="module")
def events() -> tuple[Catalog, xr.Dataset]:
    catalog = stm.synthetic_catalog(3000, seed=5)
    known = catalog.norad_id % 3 == 0
    catalog = dataclasses.replace(catalog, status=np.where(known, "SPARE", ""), owner=np.where(known, "A, B", "US"))
    return catalog, stm.screen(catalog, start="2025-01-01T06:00:00", hours=4, threshold_km=10, backend="cpu")


def test_csv_holds_what_the_dataset_holds(events: tuple[Catalog, xr.Dataset], tmp_path: Path) -> None:
    _, con = events
    write_csv(con, tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == tuple(CSV_COLUMNS.values())
    assert len(rows) == con.sizes["conjunction"]
    assert [int(r["primary"]) for r in rows] == con.primary.values.tolist()
    np.testing.assert_allclose([float(r["miss_distance_km"]) for r in rows], con.miss_distance.values, atol=1e-9)
    tca = np.array([np.datetime64(r["tca"].rstrip("Z")) for r in rows])
    assert np.abs((tca - con.tca.values) / np.timedelta64(1, "ns")).max() <= 500
    assert [r["flags"] for r in rows] == [flag_names(int(f)) for f in con.flags.values]
    assert list(tmp_path.iterdir()) == [tmp_path / "out.csv"]


def test_csv_quotes_names(tmp_path: Path) -> None:
    rows = np.repeat(random_rows(np.random.default_rng(1), 1), 2, axis=0)
    catalog = catalog_of(rows)
    columns: dict[str, Any] = {f: getattr(catalog, f) for f in Catalog.column_names()}
    columns["name"] = np.array(['A, "B"', "=1+1"])
    con = stm.screen(Catalog.from_columns(**columns), start=START, hours=1, backend="cpu")
    write_csv(con, tmp_path / "o.csv")
    with (tmp_path / "o.csv").open(newline="") as file:
        row = next(csv.DictReader(file))
    assert (row["primary_name"], row["secondary_name"]) == ('A, "B"', "'=1+1")


def test_the_data_frame_is_the_csv_table(events: tuple[Catalog, xr.Dataset], tmp_path: Path) -> None:
    """Row for row and column for column; only in the CSV names of columns carry units and codes are names."""
    _, con = events
    frame = con.to_dataframe().reset_index()
    write_csv(con, tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    assert [CSV_COLUMNS[name] for name in frame] == header
    assert len(rows) == len(frame) == con.sizes["conjunction"]
    table = dict(zip(header, zip(*rows, strict=True), strict=True))
    for name in frame:
        texts, values = table[CSV_COLUMNS[name]], frame[name].to_numpy()
        if values.dtype.kind == "f":
            np.testing.assert_allclose(np.array(texts, float), values, atol=6e-4, rtol=0.0)
        elif values.dtype.kind == "M":
            assert np.abs((np.array([t[:-1] for t in texts], "M8[ns]") - values).astype(int)).max() <= 500
        elif name == "flags":
            assert list(texts) == [flag_names(int(value)) for value in values]
        elif name.endswith("regime"):
            assert list(texts) == [REGIME_CODES[int(value)] for value in values]
        else:
            assert list(texts) == [str(value) for value in values]


def test_some_rows_can_be_written(events: tuple[Catalog, xr.Dataset], tmp_path: Path) -> None:
    _, con = events
    write_csv(stm.closest(con, 4), tmp_path / "four.csv")
    assert len((tmp_path / "four.csv").read_text().splitlines()) == 5
    write_csv(con.isel(conjunction=slice(0)), tmp_path / "none.csv")
    assert (tmp_path / "none.csv").read_text().splitlines() == [",".join(CSV_COLUMNS.values())]
