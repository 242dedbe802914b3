"""The comparison with a run of SOCRATES, on runs whose answer is known."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from support.scripts import script

import stmgpu as stm
from stmgpu.messages.socrates import SocratesTable
from stmgpu.risk import socrates_table


@pytest.fixture
def socrates() -> ModuleType:
    return script("socrates")


def chosen(table: SocratesTable, rows: Any) -> SocratesTable:
    return SocratesTable(*(getattr(table, field.name)[rows] for field in dataclasses.fields(table)))


def test_a_run_with_rows_left_out_moved_and_invented(socrates: ModuleType, tmp_path: Path) -> None:
    """Of the rows in scope 5 are left out, 1 is moved by a minute, 1 invented; ranges are 2 m longer."""
    catalog = stm.synthetic_catalog(260, seed=8, epoch="2026-03-10T00:00:00")
    stm.write_catalog(catalog, tmp_path / "gp.csv")
    catalog = stm.read_catalog(tmp_path / "gp.csv")
    con = stm.screen(catalog, start="2026-03-10", hours=6, threshold_km=30, backend="reference")
    con = con.isel(conjunction=np.flatnonzero(con.flags.values == 0))
    table = socrates_table(con, catalog, backend="reference")
    n = len(table)
    active = set(catalog.norad_id[catalog.norad_id % 2 == 0].tolist())
    lines = [f"{k},PAY,{'+' if k in active else '-'},US," for k in catalog.norad_id.tolist()]
    satcat = tmp_path / "satcat.csv"
    satcat.write_text("\n".join(["NORAD_CAT_ID,OBJECT_TYPE,OPS_STATUS_CODE,OWNER,DECAY_DATE", *lines]))
    scope = socrates.in_scope(table, active)
    assert n > 25
    inner = np.flatnonzero(scope)[1:-1]
    assert len(inner) > 8
    keep = np.setdiff1d(np.arange(n), inner[:5])
    keep = np.append(keep, 0)  # the first row once more, a minute later than anything
    rows = chosen(table, keep)
    moved = int(np.flatnonzero(keep == inner[6])[0])
    rows.tca[moved] += np.timedelta64(60, "s")
    rows.range_km[:] += 2e-3
    rows.tca[-1] = table.tca[n // 2] + np.timedelta64(7, "m")
    stm.write_socrates(rows, tmp_path / "rows.csv")
    report = socrates.compare(
        tmp_path / "gp.csv",
        tmp_path / "rows.csv",
        satcat=satcat,
        radii="socrates",
        threshold_km=30.0,
        backend="reference",
    )
    found = {row.name: row for row in report.rows}
    assert found["rows"].ours == str(len(rows))
    assert float(found["recall"].ours) == pytest.approx((len(rows) - 2) / len(rows), abs=1e-4)
    assert found["recall"].note == "2 rows not found"
    assert found["recall"].passed is False
    within = scope & (table.tca >= rows.tca.min()) & (table.tca <= rows.tca.max())
    assert float(found["precision in scope"].ours) == pytest.approx(1 - 6 / within.sum(), abs=1e-4)
    assert found["range [m], 95 %, 0.1 km/s and faster"].passed
    assert float(found["range [m]: median / 95 % / largest"].ours.split(" / ")[0]) == pytest.approx(2.0, abs=0.4)
    assert float(found["TCA [ms], 95 %, 0.1 km/s and faster"].ours) <= 0.51
    assert sum(name.startswith(("LEO, ", "MEO, ", "GEO, ", "HEO, ")) for name in found) > 0
    assert sum("not found" in note for note in report.notes) == 2


def test_rows_are_matched_once_and_by_the_nearest_time(socrates: ModuleType) -> None:
    base = np.datetime64("2026-03-10", "ns")

    def table(seconds: list[float], speed: float) -> SocratesTable:
        n = len(seconds)
        ones, names = np.ones(n), np.full(n, "A")
        tca = base + (np.array(seconds) * 1e9).astype("m8[ns]")
        ids = np.ones(n, np.int64)
        return SocratesTable(ids, names, names, ones, ids + 1, names, names, ones, tca, ones, ones * speed, ones, ones)

    fast = socrates.match(table([0.0, 0.5, 9.0], 7.0), table([0.4, 0.1, 5.0], 7.0))
    assert dict(zip(fast.theirs.tolist(), fast.ours.tolist(), strict=True)) == {0: 1, 1: 0}
    assert fast.lost.tolist() == [2]
    slow = socrates.match(table([0.0, 500.0], 0.01), table([100.0], 0.01))
    assert (slow.theirs.tolist(), slow.ours.tolist(), slow.lost.tolist()) == ([0], [0], [1])


def test_fleets(socrates: ModuleType) -> None:
    assert socrates.fleet("STARLINK-1548") == socrates.fleet("STARLINK-11117 [DTC]") != socrates.fleet("GRUS-1E")
    assert socrates.fleet("OBJECT P") != socrates.fleet("OBJECT BC")
