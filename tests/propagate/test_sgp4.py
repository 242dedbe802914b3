"""Objects that leave on their decay date: no states afterwards, and no conjunctions."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

import stmgpu as stm
from stmgpu.catalog import Catalog, synthetic_catalog
from stmgpu.propagate.codes import CODE_DECAYED
from stmgpu.propagate.screening_objects import ScreeningObjects
from stmgpu.report.screening.text import failing_lines, summary_line
from stmgpu.screen.settings import ScreeningSettings
from stmgpu.time import Epoch
from stmgpu.window import Window

DAY_JD, MIDNIGHT = 2460676.5, np.datetime64("2025-01-02", "ns")  # 2025-01-01, and its end
WINDOW = {"start": "2025-01-01T21:00:00", "hours": 6.0, "threshold_km": 25.0}


def with_decays(catalog: Catalog, days: dict[int, float]) -> Catalog:
    column = np.array([days.get(norad_id, np.nan) for norad_id in catalog.norad_id.tolist()])
    return dataclasses.replace(catalog, decay_jd=column)


def test_states_end_with_the_day_of_decay(backend: stm.backend.Backend) -> None:
    cat = with_decays(synthetic_catalog(40, seed=8), {5: DAY_JD, 9: DAY_JD - 3.0, 11: DAY_JD + 1.0})
    start, times = (DAY_JD, 0.875), np.array([0.0, 3.0 * 3600.0 - 1.0, 3.0 * 3600.0, 3.0 * 3600.0 + 1.0])
    p = stm.SGP4Propagator(cat, backend, start, (0.0, 20_000.0))
    free = stm.SGP4Propagator(synthetic_catalog(40, seed=8), backend, start, (0.0, 20_000.0))
    states, codes = (backend.get(a)[..., np.argsort(p.order)] for a in p.grid(times))
    expected, _ = (backend.get(a)[..., np.argsort(p.order)] for a in free.grid(times))
    gone = np.zeros((4, 40), bool)
    gone[3, 4], gone[:, 8] = True, True
    assert np.array_equal(codes == CODE_DECAYED, gone)
    assert np.array_equal(np.isnan(states).all(axis=1), gone)
    assert np.array_equal(np.where(gone[:, None], 0.0, states), np.where(gone[:, None], 0.0, expected))
    column = int(np.flatnonzero(p.order == 4)[0])
    single, code = (backend.get(a) for a in p.at(np.full(4, column), times))
    assert np.array_equal(single, states[:, :, 4].T, equal_nan=True)
    assert code.tolist() == codes[:, 4].tolist() == [0, 0, 0, CODE_DECAYED]


def test_no_conjunction_after_the_decay(kernel_backend: stm.backend.Backend) -> None:
    cat = synthetic_catalog(300, seed=8)
    settings = ScreeningSettings(Window(Epoch(DAY_JD, 0.875), 6 * 3600.0), 60.0)

    def screened(catalog: Catalog) -> stm.xr.Dataset:
        return stm.screen.screening.screen_objects(ScreeningObjects(catalog), settings, backend=kernel_backend.name)

    whole = screened(cat)
    tca, pairs = whole.tca.values, np.stack([whole.primary.values, whole.secondary.values])
    late = np.unique(pairs[:, tca > MIDNIGHT])[:3]
    early = int(pairs[0, np.flatnonzero(tca < MIDNIGHT)[0]])
    decays = {**dict.fromkeys(late.tolist(), DAY_JD), early: DAY_JD - 1.0}
    left = screened(with_decays(cat, decays))
    dropped = (np.isin(pairs, late).any(axis=0) & (tca > MIDNIGHT)) | (pairs == early).any(axis=0)
    assert 0 < dropped.sum() < len(tca)
    expected = whole.isel(conjunction=~dropped).drop_vars("conjunction")
    assert left.drop_vars("conjunction").drop_attrs().identical(expected.drop_attrs())
    table = stm.failures(left)
    assert dict(zip(table.norad_id, table.code, strict=True)) == dict.fromkeys(decays, CODE_DECAYED)
    assert table.norad_id.tolist()[0] == early
    assert table.time[table.norad_id != early].unique().tolist() == [MIDNIGHT + np.timedelta64(120, "s")]


@pytest.mark.parametrize("before_s", [0.0625, 0.3, 14.7])
def test_the_last_day_counts_to_its_end(backend: stm.backend.Backend, before_s: float) -> None:
    """Differences around a minimum, and samples of slow pairs, reach beyond the midnight at which objects go."""
    cat = synthetic_catalog(300, seed=8)
    cat = cat[cat.period_min < 225.0]  # their orbits do not depend on the date
    two = cat[[1, 1]]
    slow = dataclasses.replace(
        two, norad_id=np.array([901, 902]), eccentricity=two.eccentricity + np.array([0.0, 2e-4])
    )
    every = Catalog.from_columns(
        **{name: np.concatenate([getattr(cat, name), getattr(slow, name)]) for name in Catalog.column_names()}
    )
    whole = stm.screen(every, start="2025-01-01T23:00:00", hours=1.5, threshold_km=60.0)
    whole = whole.isel(conjunction=(whole.flags.to_numpy() & 6) == 0)
    moved, count = {}, 0
    for is_slow, wanted in ((True, 1), (False, 6)):
        for row in np.flatnonzero((whole.flags.to_numpy() & 1 == 1) == is_slow).tolist():
            pair = [int(whole[name][row]) for name in ("primary", "secondary")]
            if wanted and not moved.keys() & set(pair):
                moved |= dict.fromkeys(pair, (MIDNIGHT - whole.tca.to_numpy()[row]) / np.timedelta64(86400, "s"))
                wanted, count = wanted - 1, count + 1
    chosen = every.sel(norad_id=list(moved))
    shift_d = np.array([moved[k] for k in chosen.norad_id.tolist()]) - before_s / 86400.0
    chosen = dataclasses.replace(chosen, epoch_fr=chosen.epoch_fr + shift_d)
    settings = ScreeningSettings(Window(Epoch(DAY_JD, 23.5 / 24.0), 3600.0), 60.0)

    def screened(catalog: Catalog) -> stm.xr.Dataset:
        return stm.screen.screening.screen_objects(ScreeningObjects(catalog), settings, backend=backend.name)

    free, left = screened(chosen), screened(with_decays(chosen, dict.fromkeys(chosen.norad_id[::2].tolist(), DAY_JD)))
    early = free.isel(conjunction=free.tca.to_numpy() <= MIDNIGHT)
    near = (MIDNIGHT - early.tca.to_numpy()) / np.timedelta64(1, "s") < before_s + 0.01
    assert near.sum() >= count == 7
    names = ["tca", "primary", "secondary", "miss_distance", "relative_speed", "miss_radial"]
    assert early[names].drop_vars("conjunction").equals(left[names].drop_vars("conjunction"))
    assert left.attrs["candidates_unrefined"] == 0


def test_decays_are_told_by_their_code(tmp_path: Path) -> None:
    cat = with_decays(synthetic_catalog(300, seed=8), {7: DAY_JD - 1.0, 3: DAY_JD})
    con = stm.screen(cat, **WINDOW)  # type: ignore[arg-type]
    assert "300 objects read, 0 rejected, 0 failing propagation, 2 decayed, " in summary_line(con)
    told = "decayed: 2 with code 11 (after its decay date: no longer in orbit by the catalogue): 3, 7"
    assert failing_lines(con) == [told]
    eph = stm.propagate(cat[:8], "2025-01-01T23:00:00", hours=2, step_s=3600)
    assert eph.error_code.sel(object=[3, 7, 8]).values.tolist() == [[0, 0, 11], [11, 11, 11], [0, 0, 0]]
    path = tmp_path / "e.zarr"
    assert stm.propagate_to_store(cat[:8], path, start="2025-01-01T23:00:00", hours=2, step_s=3600).complete
    assert np.array_equal(stm.open_dataset(path).error_code.values, eph.error_code.values)


@pytest.mark.slow
def test_tiles_and_stores_know_of_decays(tmp_path: Path) -> None:
    cat = with_decays(synthetic_catalog(300, seed=8), {7: DAY_JD - 1.0, 3: DAY_JD})
    whole, path = stm.screen(cat, **WINDOW), tmp_path / "c.zarr"  # type: ignore[arg-type]
    tiling = stm.Tiling(tile_hours=3, chunk_objects=150)
    assert stm.screen_to_store(cat, path, tiling=tiling, **WINDOW).complete  # type: ignore[arg-type]
    stored = stm.open_dataset(path)
    assert stored.miss_distance.values.tolist() == whole.miss_distance.values.tolist()
    assert stm.failures(stored).equals(stm.failures(whole))


def test_digest_knows_of_decays() -> None:
    cat = synthetic_catalog(5)
    assert with_decays(cat, {}).digest() == cat.digest() != with_decays(cat, {3: DAY_JD}).digest()
