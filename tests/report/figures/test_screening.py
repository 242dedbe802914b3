"""Figures of conjunctions hold the numbers of the conjunctions."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from stmgpu import plot
from stmgpu.constants import SLOW_PAIR_KM_S
from stmgpu.errors import InputError


def test_miss_distances_are_counted_and_follow_the_square_law(con: xr.Dataset) -> None:
    found, law = plot.miss_distance(con).lines
    fast = con["miss_distance"].to_numpy()[con["relative_speed"].to_numpy() >= SLOW_PAIR_KM_S]
    np.testing.assert_array_equal(found.get_xdata(), np.sort(fast))
    np.testing.assert_array_equal(found.get_ydata(), np.arange(1, len(fast) + 1))
    x, y = law.get_data()
    assert x[-1] == pytest.approx(con.attrs["threshold_km"])
    np.testing.assert_allclose(y, len(fast) * (x / x[-1]) ** 2)
    with pytest.raises(InputError, match=r"faster than 0\.1 km/s, and there are none"):
        plot.miss_distance(con.assign(relative_speed=0.0 * con["relative_speed"]))


def test_a_timeline_has_every_conjunction_at_its_time(con: xr.Dataset) -> None:
    ax = plot.timeline(con)
    hours = (con["tca"].to_numpy() - np.datetime64(con.attrs["start"].rstrip("Z"))) / np.timedelta64(1, "h")
    drawn = np.concatenate([line.get_xydata() for line in ax.lines])
    order = np.argsort(drawn[:, 0], kind="stable")
    np.testing.assert_allclose(drawn[order, 0], hours, atol=1e-9)
    assert sorted(drawn[:, 1]) == sorted(con["miss_distance"].to_numpy())
    assert ax.get_xlabel().startswith("time after 2025-01-01 03:20 UTC [h]")
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["slow pairs", "fast pairs"]


def test_a_timeline_of_assessed_conjunctions_shows_probabilities_by_decision(assessed: xr.Dataset) -> None:
    ax = plot.timeline(assessed)
    known = assessed["pc"].to_numpy() > 0.0
    by_label = {line.get_label(): line for line in ax.lines}
    for code, name in enumerate(("dismiss", "watch", "improve", "act")):
        rows = known & (assessed["triage"].to_numpy() == code)
        if rows.any():
            np.testing.assert_array_equal(by_label[name].get_ydata(), assessed["pc"].to_numpy()[rows])
        else:
            assert name not in by_label
    levels = [line.get_ydata()[0] for line in ax.lines if line.get_label().startswith("_")]
    assert levels == [1e-4, 1e-7]


def test_ages_are_those_of_the_older_and_the_newer_set(con: xr.Dataset) -> None:
    older, newer = (patch.get_data() for patch in plot.ages(con).patches)
    both = np.abs(np.stack([con["primary_epoch_age_days"].to_numpy(), con["secondary_epoch_age_days"].to_numpy()]))
    both = both[:, np.isfinite(both).any(axis=0)]
    for drawn, values in ((older, np.nanmax(both, axis=0)), (newer, np.nanmin(both, axis=0))):
        np.testing.assert_array_equal(drawn.values, np.histogram(values, drawn.edges)[0])
        assert drawn.values.sum() == both.shape[1]
    none = con.assign({f"{who}_epoch_age_days": np.nan * con["miss_distance"] for who in ("primary", "secondary")})
    with pytest.raises(InputError, match="come from trajectories alone"):
        plot.ages(none)


def test_speeds_have_a_panel_for_each_region(con: xr.Dataset) -> None:
    high = con["altitude"].to_numpy() > 2000.0
    (mesh,) = plot.speeds(con).collections
    counts = np.ma.filled(mesh.get_array(), 0.0)
    assert counts.sum() == (~high).sum()
    edges = np.linspace(200.0, 2000.0, 91)
    np.testing.assert_array_equal(counts.sum(axis=0), np.histogram(con["altitude"].to_numpy()[~high], edges)[0])
    (points,) = plot.speeds(con, region="high").lines
    np.testing.assert_array_equal(points.get_xdata(), con["altitude"].to_numpy()[high])
    np.testing.assert_array_equal(points.get_ydata(), con["relative_speed"].to_numpy()[high])
    with pytest.raises(InputError, match="no conjunction is in the region 'high'; choose 'low'"):
        plot.speeds(con.isel(conjunction=~high), region="high")
    with pytest.raises(InputError, match="region = 'geo' is unknown; choose one of low, high"):
        plot.speeds(con, region="geo")
