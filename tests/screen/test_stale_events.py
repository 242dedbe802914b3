"""Conjunctions on old elements: counted, and told in Python and on the command line."""

from __future__ import annotations

import json
import math
import warnings
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from support.commands import stmgpu as command

import stmgpu as stm
from stmgpu.catalog import Catalog, synthetic_catalog, write_catalog
from stmgpu.errors import StaleElementsWarning
from stmgpu.report.screening.text import certificate_line, participation_text
from stmgpu.screen.stale_events import StaleEvents, events_text, stale_events


def result(primary: list[float], secondary: list[float]) -> xr.Dataset:
    ages = {"primary_epoch_age_days": primary, "secondary_epoch_age_days": secondary}
    return xr.Dataset({name: ("conjunction", np.array(values)) for name, values in ages.items()})


def test_count() -> None:
    con = result([1.0, 716.2, 14.0, math.nan, 3.0], [2.0, 300.0, 14.1, 13.0, math.nan])
    assert stale_events(con) == StaleEvents(2, 5, 716.2, newer=False)
    assert stale_events(con, 14.5) == StaleEvents(1, 5, 716.2, newer=False)
    assert stale_events(con, math.inf) == StaleEvents(0, 5, 0.0, newer=False)
    assert stale_events(result([-20.0], [1.0])) == StaleEvents(1, 1, 20.0, newer=True)


def test_words() -> None:
    assert events_text(StaleEvents(0, 9, 0.0, newer=False)) == ""
    newer = events_text(StaleEvents(2, 9, 1234.5, newer=True), 7.0)
    assert newer == "2 of 9 events stand on elements more than 7 days from them (up to 1,234 d)"


def one_old() -> Catalog:
    """Two objects; the elements of the first are 700 days old."""
    pair = synthetic_catalog(2, seed=8)
    columns = {name: getattr(pair, name) for name in pair.column_names()}
    columns["epoch_jd"] = pair.epoch_jd - np.array([700.0, 0.0])
    return Catalog(**columns)


def test_screening_warns(tmp_path: Path) -> None:
    old = one_old()
    with pytest.warns(StaleElementsWarning, match="1 of 2 objects .50 %. has elements more than 30 days from it"):
        con = stm.screen(old, start="2025-01-01", hours=1, threshold_km=200.0)
    assert con.attrs["objects_older_than_30_days"] == 1
    assert con.attrs["objects_with_elements"] == 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        stm.screen(old, start="2025-01-01", hours=1, max_age_days=math.inf)
        stm.screen(synthetic_catalog(50), hours=1)
    with pytest.warns(StaleElementsWarning, match="1 of 2 objects"):
        assert stm.screen_to_store(old, tmp_path / "c.zarr", start="2025-01-01", hours=1).complete


@pytest.mark.slow
def test_command_line(tmp_path: Path) -> None:
    path = tmp_path / "old.csv"
    cat = synthetic_catalog(400, seed=8)
    write_catalog(cat, path)
    asked = ("screen", path, "--start", "2025-01-12", "--hours", 2, "--threshold-km", 20, "--max-age-days", 11)
    told = command(*asked, "--json")
    document = json.loads(told.stdout)
    count, events = document["ages"]["events_on_older_elements"], document["events"]
    assert 0 < count <= events
    assert f"warning: {count} of {events} events stand on elements older than 11 days (up to 1" in told.stderr
    assert "for all 400 objects" in command(*asked).stdout
    far = command("screen", path, "--start", "1800-01-01", "--hours", 1)
    assert far.exit_code == 0
    assert "warning: the median age of the elements at the window's middle is -82,1" in far.stderr
    assert "objects took part throughout the window; the certificate says nothing of" in far.stderr


def test_the_certificate_tells_its_share() -> None:
    attrs = {"certificate": json.dumps({"complete": True}), "candidates": 0, "objects": 3, "objects_failed": 0}
    assert certificate_line(xr.Dataset(attrs=attrs)).endswith("for all 3 objects")
    some = xr.Dataset(attrs=attrs | {"objects_failed": 1})
    assert certificate_line(some).endswith("for 2 of 3 objects (66.7 %), which took part throughout the window")
    assert participation_text(some) == ""
    most = xr.Dataset(attrs=attrs | {"objects_failed": 2})
    assert participation_text(most).startswith("only 1 of 3 objects took part")
    rare = xr.Dataset(attrs=attrs | {"objects": 100_000, "objects_failed": 1})
    assert "(99.9 %)" in certificate_line(rare)
