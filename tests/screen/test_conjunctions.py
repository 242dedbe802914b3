"""The Dataset: order, names, RTN, ages, flags, dwell times, place, regimes, failures."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import xarray as xr
from support.orbits import START, catalog_of, fit, join, passing, random_rows, sgp4_state
from support.plans import plan_for

import stmgpu as stm
from stmgpu.backend import Backend, get_backend
from stmgpu.catalog import Catalog
from stmgpu.catalog.orbits import REGIMES, apsis_heights_km, regime_of
from stmgpu.errors import InputError
from stmgpu.propagate.screening_objects import ScreeningObjects
from stmgpu.screen.conjunctions import flag_names
from stmgpu.screen.engine import run
from stmgpu.screen.screening import default_start
from stmgpu.screen.variables import REGIME_CODES


@pytest.fixture(scope="module")
def events() -> tuple[Catalog, xr.Dataset]:
    catalog = stm.synthetic_catalog(3000, seed=5)
    return catalog, stm.screen(catalog, start="2025-01-01T06:00:00", hours=4, threshold_km=10, backend="cpu")


def test_sorted_complete_and_described(events: tuple[Catalog, xr.Dataset]) -> None:
    catalog, con = events
    assert con.sizes["conjunction"] > 80
    keys = list(zip(con.tca.values.tolist(), con.primary.values.tolist(), con.secondary.values.tolist(), strict=True))
    assert keys == sorted(keys)
    assert np.all(con.primary.values < con.secondary.values)
    for name, variable in con.variables.items():
        assert "long_name" in variable.attrs, name
        assert variable.dtype.kind == "M" or variable.dtype.kind in "iU" or "units" in variable.attrs, name
        assert variable.dims == ("conjunction",), name
    names = dict(zip(catalog.norad_id.tolist(), catalog.name.tolist(), strict=True))
    assert con.primary_name.values.tolist() == [names[i] for i in con.primary.values.tolist()]
    plan = json.loads(con.attrs["certificate"])["plan"]
    assert plan["threshold_km"] == 10.0
    assert con.attrs["objects"] == 3000


def test_states_at_tca_come_from_sgp4_itself(events: tuple[Catalog, xr.Dataset]) -> None:
    """Miss, speed, RTN and ages recomputed with the published code at the reported (ns) time."""
    from sgp4.api import WGS72, Satrec

    catalog, con = events
    at = {int(i): k for k, i in enumerate(catalog.norad_id)}

    def state(norad, tca):
        k = at[norad]
        sat = Satrec()
        sat.sgp4init(
            WGS72,
            "i",
            0,
            catalog.epoch_jd[k] + catalog.epoch_fr[k] - 2433281.5,
            catalog.bstar[k],
            0.0,
            0.0,
            catalog.eccentricity[k],
            catalog.argp[k],
            catalog.inclination[k],
            catalog.mean_anomaly[k],
            catalog.mean_motion[k],
            catalog.raan[k],
        )
        days = (tca - np.datetime64("2025-01-01")) / np.timedelta64(1, "ns") / 86400e9
        age = (2460676.5 - catalog.epoch_jd[k]) + (days - catalog.epoch_fr[k])
        code, r, v = sat.sgp4_tsince(age * 1440.0)
        assert code == 0
        return np.array(r), np.array(v), age

    for k in range(0, con.sizes["conjunction"], 7):
        e = con.isel(conjunction=k)
        (ra, va, age_a), (rb, vb, age_b) = (state(int(n), e.tca.values) for n in (e.primary, e.secondary))
        assert float(e.miss_distance) == pytest.approx(np.linalg.norm(rb - ra), abs=1e-5)
        assert float(e.relative_speed) == pytest.approx(np.linalg.norm(vb - va), abs=1e-6)
        radial = ra / np.linalg.norm(ra)
        normal = np.cross(ra, va) / np.linalg.norm(np.cross(ra, va))
        expected = [(rb - ra) @ axis for axis in (radial, np.cross(normal, radial), normal)]
        miss = [float(e[f"miss_{axis}"]) for axis in ("radial", "transverse", "normal")]
        np.testing.assert_allclose(miss, expected, atol=2e-5)
        assert float(e.primary_epoch_age_days) == pytest.approx(age_a, abs=1e-9)
        assert float(e.secondary_epoch_age_days) == pytest.approx(age_b, abs=1e-9)


def test_place_of_the_encounter(events: tuple[Catalog, xr.Dataset]) -> None:
    """Against the Earth-fixed midpoint computed from the ephemerides of both objects, in the formulas of a textbook."""
    catalog, con = events
    row = {int(i): k for k, i in enumerate(catalog.norad_id)}
    for k in range(0, con.sizes["conjunction"], 11):
        e = con.isel(conjunction=k)
        pair = catalog[np.array([row[int(e.primary)], row[int(e.secondary)]])]
        at = stm.propagate(pair, start=e.tca.values, hours=0.01, step_s=60.0, backend="reference").position.isel(time=0)
        x, y, z = at.mean("object").values
        days = (e.tca.values - np.datetime64("2000-01-01T12:00")) / np.timedelta64(1, "ns") / 86400e9
        turn = np.radians((280.46061837 + 360.98564736629 * days) % 360.0)  # Meeus (1998), chapter 12
        longitude = (np.degrees(np.arctan2(y, x) - turn) + 180.0) % 360.0 - 180.0
        assert float(e.longitude) == pytest.approx(longitude, abs=2e-3)
        flattening, equator = 1.0 / 298.257223563, 6378.137
        e2, phi = flattening * (2.0 - flattening), np.radians(float(e.latitude))
        curvature = equator / np.sqrt(1.0 - e2 * np.sin(phi) ** 2)
        height = float(e.altitude)
        assert (curvature * (1.0 - e2) + height) * np.sin(phi) == pytest.approx(z, abs=2e-3)
        assert (curvature + height) * np.cos(phi) == pytest.approx(np.hypot(x, y), abs=2e-3)


def test_regimes_and_types_are_those_of_the_catalogue(events: tuple[Catalog, xr.Dataset]) -> None:
    catalog, con = events
    regimes = regime_of(*apsis_heights_km(catalog.mean_motion, catalog.eccentricity))
    names = dict(zip(catalog.norad_id.tolist(), regimes.tolist(), strict=True))
    types = dict(zip(catalog.norad_id.tolist(), catalog.object_type.tolist(), strict=True))
    for which in ("primary", "secondary"):
        ids = con[which].values.tolist()
        assert [REGIME_CODES[c] for c in con[f"{which}_regime"].values.tolist()] == [names[i] for i in ids]
        assert con[f"{which}_type"].values.tolist() == [types[i] for i in ids]
    assert np.array_equal(con.regime, np.minimum(con.primary_regime, con.secondary_regime))
    assert con.regime.attrs["flag_meanings"].split() == list(REGIMES)


def test_trajectories_have_the_regime_of_their_orbit() -> None:
    catalog = stm.synthetic_catalog(60, seed=3)
    eph = stm.propagate(catalog, "2025-01-01", hours=2, step_s=60.0, backend="reference")
    tracks = stm.Trajectories.from_dataset(eph.isel(object=slice(20, None)))
    both = stm.screen(catalog[:20], start="2025-01-01T00:20", hours=1, ephemeris=tracks, threshold_km=200.0)
    regimes = regime_of(*apsis_heights_km(catalog.mean_motion, catalog.eccentricity))
    names = dict(zip(catalog.norad_id.tolist(), regimes.tolist(), strict=True))
    assert both.sizes["conjunction"] > 5
    ids = both.secondary.values.tolist()
    assert [REGIME_CODES[c] for c in both.secondary_regime.values.tolist()] == [names[i] for i in ids]


def test_entry_and_exit_of_fast_pairs_lie_on_the_threshold(events: tuple[Catalog, xr.Dataset]) -> None:
    """The chord of the straight line: |distance - threshold| at entry and exit stays below a metre."""
    catalog, con = events
    fast = con.isel(conjunction=np.flatnonzero((con.flags.values & 1 == 0) & (con.relative_speed.values > 5.0))[:40])
    assert fast.sizes["conjunction"] > 20
    plan = plan_for((2460676.5, 0.25), 4 * 3600.0, 10.0, len(catalog))
    result = run(ScreeningObjects(catalog), plan, get_backend("cpu"))
    at = {int(i): k for k, i in enumerate(catalog.norad_id[result.refiner.propagator.order])}
    i, j = (np.array([at[int(n)] for n in fast[name].values]) for name in ("primary", "secondary"))
    for name in ("entry", "exit"):
        t = (fast[name].values - np.datetime64("2025-01-01")) / np.timedelta64(1, "ns") * 1e-9
        _, rel, _ = result.refiner.relative(i, j, t)
        np.testing.assert_allclose(np.linalg.norm(rel[:3], axis=0), 10.0, atol=1e-3)


def slow_pair(offset_km: float, drift_km_s: float) -> Catalog:
    row = random_rows(np.random.default_rng(71), 1)[0]
    state = sgp4_state(row, START)
    along = state[3:] / np.linalg.norm(state[3:])
    other = state + np.concatenate([along * offset_km, along * drift_km_s])
    return join(catalog_of(row), catalog_of(fit(other, START)))


def test_slow_pairs_carry_entry_and_exit(backend: Backend) -> None:
    """Two objects drift through each other's sphere; its crossings are checked on the distance itself."""
    catalog = slow_pair(-4.0, 3e-4)
    con = stm.screen(catalog, start="2025-03-01T00:00:00", hours=8, threshold_km=5.0, backend=backend.name)
    slow = con.isel(conjunction=np.flatnonzero(con.flags.values & 1))
    assert slow.sizes["conjunction"] >= 2
    assert np.all(slow.entry <= slow.tca)
    assert np.all(slow.tca <= slow.exit)
    first, last = slow.isel(conjunction=0), slow.isel(conjunction=-1)
    assert "entry_before_start" in flag_names(int(first.flags))
    assert first.entry.values == np.datetime64("2025-03-01T00:00:00")
    assert "exit_after_end" not in flag_names(int(last.flags))
    eph = stm.propagate(catalog, start="2025-03-01T00:00:00", hours=8, step_s=1.0, backend="reference")
    distance = np.linalg.norm(eph.position.values[1] - eph.position.values[0], axis=1)
    for event in (slow.isel(conjunction=k) for k in range(slow.sizes["conjunction"])):
        if "exit_after_end" in flag_names(int(event.flags)):
            continue
        leave = (event.exit.values - np.datetime64("2025-03-01T00:00:00")) / np.timedelta64(1, "ns") * 1e-9
        assert distance[int(leave)] <= 5.0 + 1e-3 < distance[int(leave) + 2] + 2e-3
        tca = int((event.tca.values - np.datetime64("2025-03-01")) / np.timedelta64(1, "s"))
        assert np.all(distance[tca + 1 : int(leave)] < 5.0)


def test_docked_pairs_stay_inside_for_the_whole_window(backend: Backend) -> None:
    catalog = slow_pair(0.05, 0.0)
    con = stm.screen(catalog, start="2025-03-01T00:00:00", hours=6, threshold_km=5.0, backend=backend.name)
    assert 1 <= con.sizes["conjunction"] <= 20
    for flags in con.flags.values:
        assert {"slow", "entry_before_start", "exit_after_end"} <= set(flag_names(int(flags)).split("|"))
    assert np.all(con.entry.values == np.datetime64("2025-03-01T00:00:00"))
    assert np.all(con.exit.values == np.datetime64("2025-03-01T06:00:00"))


def test_decaying_objects_take_part_until_they_fail(backend: Backend) -> None:
    """An object that decays is listed with code and time, and its earlier conjunctions are still found."""
    rng = np.random.default_rng(81)
    row = random_rows(rng, 1)[0]
    a = 6378.135 + 160.0
    row[0], row[1] = 60.0 * np.sqrt(398600.8 / a**3), 1e-4
    falling = catalog_of(row, bstar=0.02)
    reference = sgp4_state(row, START, 60.0)
    other = passing(rng, row, 60.0, 1.0)
    assert np.isfinite(reference).all()
    con = stm.screen(join(falling, other), start=START, hours=48, threshold_km=25.0, backend=backend.name)
    failed = stm.failures(con)
    assert failed["norad_id"].tolist() == [1]
    assert int(failed["code"][0]) in (1, 6, 7)
    assert con.sizes["conjunction"] >= 1
    assert np.all(con.tca.values <= failed["time"].to_numpy()[0])


@pytest.mark.parametrize(
    ("kwargs", "word"),
    [
        ({"hours": 1, "days": 1}, "one of the two"),
        ({"hours": -1}, "not possible"),
        ({"hours": float("nan")}, "not possible"),
        ({"hours": 1, "mode": "x"}, "mode"),
        ({"hours": 1, "backend": "tpu"}, "backend"),
        ({"days": 40}, "window"),
        ({"hours": 1, "threshold_km": None}, "threshold_km must be a number"),
        ({"hours": "3"}, "hours must be a number"),
        ({"hours": 1, "threads": 0}, "threads"),
        ({"hours": 1, "threads": 1.5}, "threads"),
        ({"hours": 1, "start": "yesterday"}, "yesterday"),
        ({"hours": 1, "threshold_km": -3.0}, "threshold"),
    ],
)
def test_impossible_requests(kwargs: dict[str, Any], word: str) -> None:
    with pytest.raises(InputError, match=word):
        stm.screen(stm.synthetic_catalog(10, seed=1), **kwargs)


def test_not_a_catalogue() -> None:
    with pytest.raises(InputError, match="takes a Catalog, got list"):
        stm.screen([1, 2], hours=1)


def test_empty_and_single_object() -> None:
    catalog = stm.synthetic_catalog(10, seed=1)
    with pytest.raises(InputError, match="empty"):
        stm.screen(catalog[:0], hours=1)
    con = stm.screen(catalog[:1], hours=1, backend="cpu")
    assert isinstance(con, xr.Dataset)
    assert con.sizes["conjunction"] == 0


def test_default_start_is_the_median_epoch_rounded_up() -> None:
    rows = random_rows(np.random.default_rng(1), 3)
    assert str(default_start(catalog_of(rows, START, [0.0, 1800.0, 90000.0]))).startswith("2025-03-01T01:00:00")
    assert str(default_start(catalog_of(rows, START, [0.0, 3600.0, 90000.0]))).startswith("2025-03-01T01:00:00")
    assert str(default_start(catalog_of(rows, START, [0.0, 86300.0, 90000.0]))).startswith("2025-03-02T00:00:00")


def test_progress_ends_at_one() -> None:
    seen = []
    stm.screen(stm.synthetic_catalog(50, seed=1), hours=5, backend="cpu", progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
