"""Several element sets of one object: which one is used, and that the others are counted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.commands import stmgpu as command
from support.samples import csv_of, fields, text, tle

import stmgpu as stm
from stmgpu.catalog import Catalog, read_catalog, synthetic_catalog
from stmgpu.catalog.element_sets import best_of_each
from stmgpu.errors import InputError
from stmgpu.propagate.screening_objects import ScreeningObjects

EPOCHS = ("2024-07-01", "2024-07-05", "2024-07-05", "2024-07-11", "2024-07-03")


def history() -> Catalog:
    """Object 42 five times, its name telling the place in the file, among objects that occur once."""
    sets = [fields(42, EPOCH=f"{day}T00:00:00", OBJECT_NAME=f"SET {k}") for k, day in enumerate(EPOCHS, 1)]
    return read_catalog(csv_of(fields(7, OBJECT_NAME="A LONG NAME"), *sets[:3], fields(9), *sets[3:]))


def test_newest_set_until_the_window_is_known() -> None:
    cat = history()
    assert (cat.norad_id.tolist(), cat.name[2], len(cat.rejected)) == ([7, 9, 42], "SET 4", 0)
    assert (cat.sets_not_used, cat.sets) == (4, "")
    assert cat.summary()["sets_not_used"] == 4
    assert cat.all_sets is not None
    assert cat.all_sets.name.tolist() == [f"SET {k}" for k in range(1, 6)]


@pytest.mark.parametrize(
    ("near", "chosen"),
    [
        ("1999-01-01", "SET 1"),
        ("2024-07-02", "SET 5"),  # equally far from 1 and 5: the newer
        ("2024-07-05", "SET 3"),  # two of one epoch: the later in the file
        ("2024-07-09", "SET 4"),
    ],
)
def test_nearest_set(near: str, chosen: str) -> None:
    cat = history().with_sets("nearest", near=near)
    assert (cat.norad_id.tolist(), cat.name.tolist()) == ([7, 9, 42], ["A LONG NAME", "MADE UP", chosen])
    again = cat.with_sets("newest").with_sets("nearest", near="2024-07-02").with_sets("nearest", near=near)
    assert again.equals(cat)
    assert (again.sets_not_used, again.sets) == (4, f"nearest to {near}T00:00:00.000000Z")


def test_best_of_each_is_what_a_loop_finds() -> None:
    rng = np.random.default_rng(3)
    ids, days = rng.integers(1, 40, 500), rng.integers(0, 9, 500) + 0.5
    distance = np.abs(days - 4.5)
    expected = [
        max((-distance[k], days[k], k) for k in np.flatnonzero(ids == one))[2] for one in np.unique(ids).tolist()
    ]
    assert best_of_each(ids, days, np.zeros(500), distance).tolist() == expected


def test_selections_keep_the_sets_of_their_objects() -> None:
    cat = history()
    assert (cat[:2].all_sets, cat[:2].sets_not_used) == (None, 0)
    assert cat[2].with_sets("nearest", near="2024-07-09").name.tolist() == ["SET 4"]
    assert cat.sel(norad_id=42).sets_not_used == 4


@pytest.mark.parametrize("key", [7, slice(3, 37, 4), [38, 2, 2, 20], [], np.arange(40) % 3 == 0])
def test_any_selection_keeps_the_sets_in_the_order_of_the_source(key: Any) -> None:
    rng = np.random.default_rng(5)
    ids = rng.permutation(np.concatenate([np.arange(1, 41), rng.integers(1, 41, 80)])).tolist()
    cat = read_catalog(csv_of(*(fields(number, OBJECT_NAME=f"SET {k}") for k, number in enumerate(ids))))
    assert cat.all_sets is not None
    part = cat[key]
    wanted = np.isin(cat.all_sets.norad_id, part.norad_id)
    if not wanted.any():
        assert (part.all_sets, part.sets_not_used) == (None, 0)
        return
    assert part.all_sets is not None
    assert part.all_sets.name.tolist() == cat.all_sets.name[wanted].tolist()
    assert part.sets_not_used == wanted.sum() - len(np.unique(cat.all_sets.norad_id[wanted]))


def test_each_object_looks_up_its_own_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    """All sets are ordered once, not searched for every object."""
    cat, calls, sort = history(), [], np.argsort
    monkeypatch.setattr(np, "argsort", lambda *args, **options: calls.append(args) or sort(*args, **options))
    monkeypatch.setattr(np, "isin", None)
    assert [one.sets_not_used for one in cat] == [0, 0, 4]
    assert len(calls) == 1


def test_rules_are_checked() -> None:
    with pytest.raises(InputError, match="'oldest' is unknown; choose 'nearest' or 'newest'"):
        synthetic_catalog(3).with_sets("oldest")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="none is given; use near"):
        synthetic_catalog(3).with_sets("nearest")
    with pytest.raises(InputError, match="'oldest' is unknown"):
        stm.screen(synthetic_catalog(3), hours=1, sets="oldest")  # type: ignore[arg-type]


def test_a_choice_made_before_is_kept_by_a_window() -> None:
    cat = history().with_sets("nearest", near="2024-07-09")
    window = stm.screen.screening.screening_settings(ScreeningObjects(cat), start="2024-07-01", hours=1).window
    assert ScreeningObjects(cat).for_window(window).catalog.name[2] == "SET 4"
    assert ScreeningObjects(cat).for_window(window, "nearest").catalog.name[2] == "SET 1"


def meeting() -> tuple[Catalog, bytes, dict[str, object]]:
    """Catalogue with a conjunction, its file with a forecast set of the primary nine days later, and the window."""
    cat = synthetic_catalog(400, seed=8)
    window: dict[str, object] = {"start": "2025-01-01", "hours": 2, "threshold_km": 20.0}
    con = stm.screen(cat, **window)  # type: ignore[arg-type]
    pair = cat.sel(norad_id=[int(con.primary[0]), int(con.secondary[0])])
    forecast = Catalog(**{**{name: getattr(pair, name)[:1] for name in pair.column_names()},
                          "epoch_jd": pair.epoch_jd[:1] + 9.0, "mean_anomaly": np.array([1.0])})  # fmt: skip
    lines = stm.catalog.writer.format_catalog(pair, "csv") + b"\n".join(
        stm.catalog.writer.format_catalog(forecast, "csv").splitlines()[1:]
    )
    return pair, lines, window


def test_a_forecast_set_loses_no_conjunction(tmp_path: Path) -> None:
    pair, lines, window = meeting()
    truth, cat = stm.screen(pair, **window), read_catalog(lines)  # type: ignore[arg-type]
    con = stm.screen(cat, **window)  # type: ignore[arg-type]
    assert con.sizes["conjunction"] > 0
    assert con.drop_attrs().identical(truth.drop_attrs())
    assert con.attrs["element_sets_not_used"] == 1
    assert con.attrs["element_sets"] == "nearest to 2025-01-01T01:00:00.000000Z"
    newest = stm.screen(cat, sets="newest", **window)  # type: ignore[arg-type]
    assert newest.attrs["catalog_digest"] == cat.digest() != con.attrs["catalog_digest"] == pair[[1, 0]].digest()

    ephemeris = {sets: stm.propagate(cat, "2025-01-01", hours=1, sets=sets) for sets in (None, "nearest", "newest")}
    assert ephemeris[None].identical(ephemeris["nearest"])
    assert not ephemeris["newest"].position.equals(ephemeris["nearest"].position)


@pytest.mark.slow
def test_a_store_keeps_the_choice(tmp_path: Path) -> None:
    _, lines, window = meeting()
    cat, path = read_catalog(lines), tmp_path / "c.zarr"
    assert stm.screen_to_store(cat, path, **window).complete  # type: ignore[arg-type]
    con = stm.open_dataset(path)
    assert con.attrs["element_sets"] == "nearest to 2025-01-01T01:00:00.000000Z"
    assert con.attrs["element_sets_not_used"] == 1
    assert stm.screen_to_store(cat, path, **window).computed == 0  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"catalog.sets: stored 'nearest to .*', requested 'newest'"):
        stm.screen_to_store(cat, path, sets="newest", **window)  # type: ignore[arg-type]
    eph = tmp_path / "e.zarr"
    assert stm.propagate_to_store(cat, eph, start="2025-01-01", hours=1).complete
    assert stm.open_dataset(eph).attrs["element_sets_not_used"] == 1


@pytest.mark.slow
def test_command_line(tmp_path: Path) -> None:
    _, lines, _ = meeting()
    path = tmp_path / "history.csv"
    path.write_bytes(lines)
    asked = ("screen", path, "--start", "2025-01-01", "--hours", 2, "--threshold-km", 20)
    nearest, newest = command(*asked), command(*asked, "--sets", "newest")
    assert "1 object has several element sets, 2 in all" in nearest.stderr
    assert "1 element set is not used: of an object with several, the one nearest to 2025-01-01T01:00" in nearest.stderr
    assert "the newest is taken" in newest.stderr
    assert "2 objects read, 0 rejected" in nearest.stdout
    assert "0 events" not in nearest.stdout
    assert command("catalog", "summary", path).stdout.splitlines()[2].split() == ["sets", "not", "used", "1"]


def test_two_line_sets() -> None:
    cat = read_catalog(text(tle(epoch="24187.50000000"), tle(epoch="24190.50000000"), tle(norad="00007")))
    assert (cat.norad_id.tolist(), cat.sets_not_used) == ([42, 7], 1)
    assert cat.with_sets("nearest", near="2024-07-04").epoch_jd.tolist()[0] == 2460496.5
