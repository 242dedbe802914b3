"""Conjunction rates and removal value: hand-made conjunctions, and a real screening of synthetic objects."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import xarray as xr
from support.ensembles import population

import stmgpu as stm
from stmgpu.catalog.orbits import semi_major_axis_km
from stmgpu.constants import EARTH
from stmgpu.debris import statistics as st
from stmgpu.debris.breakup.size_law import expected_fragments
from stmgpu.debris.population.population import Population
from stmgpu.debris.statistics import screenings
from stmgpu.errors import InputError


def conjunctions(
    rows: list[Any], start: str = "2025-01-30T12:00:00Z", days: float = 4.0, threshold: float = 5.0
) -> xr.Dataset:
    """From (primary, secondary, days after the start, speed)."""
    first, second, after, speed = (np.array(column) for column in zip(*rows, strict=True)) if rows else np.empty((4, 0))
    tca = np.datetime64(start.rstrip("Z"), "ns") + (after * 86400e9).astype("timedelta64[ns]")
    c = "conjunction"
    return xr.Dataset(
        {
            "primary": (c, first.astype(np.int64)),
            "secondary": (c, second.astype(np.int64)),
            "tca": (c, tca),
            "relative_speed": (c, speed.astype(float)),
        },
        attrs={"start": start, "duration_s": days * 86400.0, "threshold_km": threshold},
    )


ROWS = [
    (1, 2, 0.5, 10.0),
    (1, 2, 1.6, 10.0),
    (1, 3, 3.0, 12.0),
    (3, 4, 3.9, 8.0),
    (2, 3, 1.0, 0.01),  # slow
    (4, 99, 1.0, 9.0),  # 99 is not known
    (5, 6, 2.0, 7.0),
]  # one constellation


def objects() -> Population:
    found = population(
        EARTH.radius_km + np.array([820.0, 815.0, 1450.0, 560.0, 550.0, 550.0]),
        80.0,
        radius_m=[2.0, 1.0, 0.5, 1.0, 1.0, 1.0],
        kind=[2, 1, 5, 0, 0, 0],
    )
    return dataclasses.replace(
        found,
        mass_kg=np.array([9000.0, 1000.0, 5.0, 250.0, 250.0, 250.0]),
        controlled=np.array([0, 0, 0, 1, 1, 1], np.int8),
        constellation=np.array([-1, -1, -1, -1, 3, 3], np.int32),
    )


def test_rates_by_altitude_class_and_month_by_hand() -> None:
    con, of = conjunctions(ROWS), objects()
    shells = st.conjunction_rate(con, of)
    assert shells.conjunctions.sel(shell=825.0).item() == 3
    assert shells.rate.sel(shell=825.0).item() == pytest.approx(0.75)
    assert shells.conjunctions.sel(shell=1475.0).item() == 1
    assert int(shells.conjunctions.sum()) == shells.attrs["counted"] == 5
    assert (shells.attrs["slow"], shells.attrs["unknown"], shells.attrs["outside"]) == (1, 1, 0)
    classes = st.conjunction_rate(con, of, by="class").conjunctions
    assert classes.sel({"class": "derelict payload", "partner": "rocket body"}).item() == 2
    assert classes.sel({"class": "rocket body", "partner": "collision fragment"}).item() == 1
    assert classes.sel({"class": "active payload", "partner": "collision fragment"}).item() == 1
    assert classes.sel({"class": "collision fragment", "partner": "active payload"}).item() == 0
    months = st.conjunction_rate(con, of, by="month")
    assert months.month.values.astype("datetime64[M]").astype(str).tolist() == ["2025-01", "2025-02"]
    assert months.conjunctions.values.tolist() == [1, 4]
    np.testing.assert_allclose(months.rate, [1 / 1.5, 4 / 2.5])  # from 30 January, noon
    both = st.conjunction_rate(con, of, by=("altitude", "month"))
    assert both.conjunctions.dims == ("shell", "month")
    np.testing.assert_array_equal(both.conjunctions.sum("month"), shells.conjunctions)
    narrow = st.conjunction_rate(con, of, altitude_edges_km=[500.0, 600.0])
    assert (narrow.attrs["counted"], narrow.attrs["outside"]) == (1, 4)


def test_removal_value_by_hand() -> None:
    con, of = conjunctions(ROWS), objects()
    found = st.removal_value(con, of, avoidance=0.01)
    per_year = 365.25 / 4.0
    meet = {
        "12": 2 * (3.0e-3 / 5.0) ** 2 * per_year,
        "13": (2.5e-3 / 5.0) ** 2 * per_year,
        "34": 0.01 * (1.5e-3 / 5.0) ** 2 * per_year,
    }
    shed = {
        "12": float(expected_fragments(9000.0, 1000.0, 10.0, min_length_m=0.1)),
        "13": float(expected_fragments(9000.0, 5.0, 12.0, min_length_m=0.1)),
        "34": float(expected_fragments(5.0, 250.0, 8.0, min_length_m=0.1)),
    }
    value = {k: meet[k] * shed[k] for k in meet}
    assert found.norad_id.values.tolist() == [1, 2, 3, 4]
    np.testing.assert_allclose(
        found.value, [value["12"] + value["13"], value["12"], value["13"] + value["34"], value["34"]], rtol=1e-12
    )
    np.testing.assert_allclose(
        found.collision_rate, [meet["12"] + meet["13"], meet["12"], meet["13"] + meet["34"], meet["34"]], rtol=1e-12
    )
    assert found.conjunctions.values.tolist() == [3, 2, 2, 1]
    total = sum(value.values())
    assert found.attrs["total"] == pytest.approx(total)
    without = 1.0 - value["34"] / total  # the first takes both of its pairs away, the second nothing more
    np.testing.assert_allclose(found.share_removed, [without, without, 1.0, 1.0], rtol=1e-12)
    assert (found.attrs["counted"], found.attrs["slow"], found.attrs["constellation"], found.attrs["unknown"]) == (
        4,
        1,
        1,
        1,
    )
    freely = st.removal_value(con, of, avoidance=1.0)
    assert freely.value.sel(object=3).item() == pytest.approx(100.0 * value["34"])


def test_collision_rate_does_not_depend_on_the_threshold() -> None:
    """Uniform in the disc: N within D grows as D^2, and N (R/D)^2 stays."""
    rng = np.random.default_rng(3)
    of = population(np.full(2, 7200.0), 70.0)
    miss = 5.0 * np.sqrt(rng.random(4000))
    rates = []
    for threshold in (5.0, 2.0):
        rows = [(1, 2, 1.0, 11.0)] * int((miss < threshold).sum())
        rates.append(st.removal_value(conjunctions(rows, threshold=threshold), of).collision_rate.values[0])
    assert rates[1] == pytest.approx(rates[0], rel=4.0 / np.sqrt(640))


def test_pieces_and_lazy_loading_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    con, of = conjunctions(ROWS), objects()
    want = st.conjunction_rate(con, of, by=("altitude", "class")), st.removal_value(con, of)
    monkeypatch.setattr(screenings, "_ROWS", 2)
    for part in (con, con.chunk(conjunction=3)):
        xr.testing.assert_identical(st.conjunction_rate(part, of, by=("altitude", "class")), want[0])
        xr.testing.assert_allclose(st.removal_value(part, of), want[1])


def test_a_screening_with_its_catalogue() -> None:
    catalog = stm.synthetic_catalog(1500, seed=4)
    con = stm.screen(catalog, hours=3, threshold_km=15, backend="reference")
    edges = [0.0, 700.0, 1000.0, 50_000.0]
    found = st.conjunction_rate(con, catalog, altitude_edges_km=edges, min_speed_km_s=0.0)
    axis = dict(zip(catalog.norad_id.tolist(), semi_major_axis_km(catalog.mean_motion) - EARTH.radius_km, strict=True))
    want = np.histogram([axis[k] for k in con.primary.values.tolist()], edges)[0]
    assert con.sizes["conjunction"] > 20
    assert found.conjunctions.values.tolist() == want.tolist()
    np.testing.assert_allclose(found.rate, want * 8.0)
    types = st.conjunction_rate(con, catalog, by="class")
    assert int(types.conjunctions.sum()) == types.attrs["counted"]
    assert types["class"].values.tolist() == [name or "unknown" for name in np.unique(catalog.object_type).tolist()]


def test_no_conjunctions_and_impossible_arguments() -> None:
    of = objects()
    nothing = conjunctions([])
    assert int(st.conjunction_rate(nothing, of, by=("altitude", "class", "month")).conjunctions.sum()) == 0
    assert st.removal_value(nothing, of).sizes["object"] == 0
    with pytest.raises(InputError, match="by = 'size' is unknown"):
        st.conjunction_rate(nothing, of, by="size")
    with pytest.raises(InputError, match="lack the attribute duration_s"):
        st.conjunction_rate(nothing.drop_attrs().assign_attrs(start="2025-01-01T00:00:00Z"), of)
    with pytest.raises(InputError, match="avoidance = 2"):
        st.removal_value(nothing, of, avoidance=2)
    bare = nothing.copy()
    del bare.attrs["threshold_km"]
    with pytest.raises(InputError, match="lack the attribute threshold_km"):
        st.removal_value(bare, of)
