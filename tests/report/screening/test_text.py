"""The result of a screening in a terminal of 80 columns, and names that would command it."""

from __future__ import annotations

import io

import numpy as np
import pytest
import xarray as xr
from rich.console import Console

import stmgpu as stm
from stmgpu.catalog.columns import COLUMNS
from stmgpu.catalog.trajectories import Trajectories
from stmgpu.report.screening.text import closest_table, interpolation_line, print_result
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


@pytest.mark.parametrize(("threshold_km", "is_printed"), [(1.0, True), (100.0, False)])
def test_interpolation_errors_above_a_hundredth_of_the_threshold_are_printed(
    threshold_km: float, is_printed: bool
) -> None:
    """Positions in whole ten metres, so errors of some ten metres."""
    eph = stm.propagate(stm.synthetic_catalog(2, seed=5), "2025-01-01", hours=2, step_s=60, backend="reference")
    eph["position"] = eph.position.round(2)
    t = Trajectories.from_dataset(eph)
    error_km = t.interpolation_error_km()
    assert 0.01 < error_km.max() < 1.0
    con = stm.screen(
        stm.Catalog.empty(), ephemeris=t, start="2025-01-01T00:30", hours=1, threshold_km=threshold_km,
        backend="reference",
    )  # fmt: skip
    line = interpolation_line(con)
    assert bool(line) == is_printed
    worst = int(t.norad_id[np.argmax(error_km)])
    assert not line or line.startswith(f"trajectories: interpolated to within {error_km.max():.3g} km (object {worst} ")


def test_an_age_of_an_hour_has_no_sign(widest: xr.Dataset) -> None:
    fresh = widest.copy(deep=True)
    fresh.primary_epoch_age_days[:] = -0.04
    text = printed(fresh)
    assert " 0.0 " in text
    assert "-0.0" not in text
