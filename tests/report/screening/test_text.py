"""The result of a screening in a terminal of 80 columns, and names that would command it."""

from __future__ import annotations

import io

import numpy as np
import pytest
import xarray as xr
from rich.console import Console

import stmgpu as stm
from stmgpu.catalog.columns import COLUMNS
from stmgpu.report.screening.text import closest_table, print_result
from stmgpu.screen.variables import FLAGS

NAME = "OBJECT OF 24 [CHARACTERS]"[:24]


@pytest.fixture(scope="module")
def widest() -> xr.Dataset:
    """Conjunctions with the longest names, ids, ages and distances that occur, and all flags."""
    objects = stm.synthetic_catalog(500, seed=1)
    columns = {name: getattr(objects, name) for name in COLUMNS} | {"name": NAME}
    columns["norad_id"] = objects.norad_id + 900_000_000
    ds = stm.screen(objects.from_columns(**columns), hours=1, threshold_km=100)
    ds.miss_distance[:] = 199.9994
    ds.primary_epoch_age_days[:] = -100.04
    ds.secondary_epoch_age_days[:] = np.nan
    ds.flags[:] = sum(FLAGS)
    assert ds.sizes["conjunction"] > 10
    return ds


def printed(ds: xr.Dataset, width: int = 80, terminal: bool = False) -> str:
    out = io.StringIO()
    print_result(ds, Console(file=out, width=width, force_terminal=terminal, color_system=None))
    return out.getvalue()


@pytest.mark.parametrize("terminal", [False, True])
def test_the_table_fits_80_columns(widest: xr.Dataset, terminal: bool) -> None:
    lines = printed(widest, terminal=terminal).splitlines()
    begin, end = lines.index(next(line for line in lines if line.startswith("TCA"))), -2
    table = lines[begin:end]
    assert len(table) > 30
    assert max(map(len, table)) <= 80
    row = "\n".join(table)
    assert "900000" in row
    for word in (NAME, "199.999", "-100.0", " - ", "[km]", "[km/s]", "[d]", "entry_before_start", "exit_after_end"):
        assert word in row, word


def test_names_do_not_command_the_terminal(widest: xr.Dataset) -> None:
    hostile = widest.copy(deep=True)
    hostile["primary_name"] = hostile.primary_name.astype(object)
    hostile.primary_name[:] = "\x1b[31m\x9b2J[bold]"
    text = printed(hostile)
    assert "\x1b" not in text
    assert "\x9b" not in text
    assert "\\x1b[31m\\x9b2J[bold]" in text


def test_rows_are_the_closest_ones(widest: xr.Dataset) -> None:
    assert closest_table(widest, 3).row_count == 3
