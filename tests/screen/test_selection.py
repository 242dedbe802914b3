"""Selections from a result, in memory and from a store alike."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from support.orbits import START, catalog_of, join, passing, random_rows

import stmgpu as stm
from stmgpu.constants import SLOW_PAIR_KM_S
from stmgpu.errors import InputError
from stmgpu.screen.row_index import index_rows
from stmgpu.screen.variables import VARIABLES

BEGIN = "2025-01-01T06:00"
_MACHINE = ("backend", "device", "seconds")


def _decaying() -> stm.Catalog:
    """One object that decays within two days, and others that pass it before."""
    rng = np.random.default_rng(81)
    row = random_rows(rng, 1)[0]
    row[0], row[1] = 60.0 * np.sqrt(398600.8 / (6378.135 + 160.0) ** 3), 1e-4
    return join(catalog_of(row, bstar=0.02), passing(rng, row, 60.0, 1.0))


@pytest.fixture(scope="module", params=["synthetic", "decaying", "empty"])
def results(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[xr.Dataset, xr.Dataset]:
    """A result in memory, and the same computed in a store."""
    catalog, window = {
        "synthetic": (
            stm.synthetic_catalog(3000, seed=5),
            {"start": "2025-01-01T06:00", "hours": 4, "threshold_km": 10.0},
        ),
        "decaying": (_decaying(), {"start": START, "hours": 48, "threshold_km": 25.0}),
        "empty": (stm.synthetic_catalog(3, seed=5), {"start": "2025-01-01T06:00", "hours": 1, "threshold_km": 1.0}),
    }[request.param]
    path = tmp_path_factory.mktemp("store") / "s.zarr"
    stm.screen_to_store(catalog, path, **window, backend="cpu", tiling=stm.Tiling(tile_hours=1.0))
    return stm.screen(catalog, **window, backend="cpu"), stm.open_dataset(path)


def _of_run(ds: xr.Dataset) -> xr.Dataset:
    """Without what memory and store say of the machine and of themselves."""
    ds = ds.copy()
    ds.attrs = {name: value for name, value in ds.attrs.items() if name not in _MACHINE}
    return ds


def test_times_may_become_the_dimension(results: tuple[xr.Dataset, xr.Dataset]) -> None:
    for con in results:
        swapped, indexed = con.swap_dims(conjunction="tca"), con.drop_indexes("tca").swap_dims(conjunction="tca")
        half = slice(None, con.sizes["conjunction"] // 2)
        first = con.isel(conjunction=half).miss_distance.to_numpy().tolist()
        assert swapped.isel(tca=half).miss_distance.to_numpy().tolist() == first
        assert swapped.isel(tca=half).sel(tca=slice("2000", "2100")).miss_distance.to_numpy().tolist() == first
        assert indexed.isel(tca=half).sel(tca=slice("2000", "2100")).miss_distance.to_numpy().tolist() == first
        if con.sizes["conjunction"]:
            hours = [ds.resample(tca="1h").count().miss_distance.to_numpy().tolist() for ds in (con, swapped, indexed)]
            assert hours[0] == hours[1] == hours[2]


def test_swapped_rows_can_be_sorted(results: tuple[xr.Dataset, xr.Dataset]) -> None:
    for con in results:
        by_distance = con.swap_dims(conjunction="tca").sortby("miss_distance")
        assert dict(by_distance.sizes) == {"tca": con.sizes["conjunction"]}
        expected = con.sortby("miss_distance")
        assert np.array_equal(by_distance.miss_distance, expected.miss_distance)
        assert np.array_equal(by_distance.tca, expected.tca)
        assert by_distance.primary.dims == by_distance.tca.dims == ("tca",)


def test_rows_are_dropped_by_position_and_by_time() -> None:
    """Times that two rows share do not tell them apart."""
    hours = np.array([0, 1, 2, 2, 3])
    times = np.datetime64("2025-01-01", "ns") + hours * np.timedelta64(1, "h")
    table = xr.Dataset({"number": ("row", np.arange(5))}, {"time": ("row", times)}).pipe(index_rows, "row", "time")
    assert table.drop_isel(row=[0, 4]).number.to_numpy().tolist() == [1, 2, 3]
    assert table.drop_isel(row=[2, 3]).number.to_numpy().tolist() == [0, 1, 4]
    assert table.drop_sel(row=times[[0, 2]]).number.to_numpy().tolist() == [1, 4]
    with pytest.raises(ValueError, match="cannot be dropped one by one; keep the others with"):
        table.drop_isel(row=2)
    with pytest.raises(ValueError, match="rows of two results cannot be aligned"):
        table.reindex_like(table.isel(row=[0, 1]))


def test_memory_and_store_are_identical(results: tuple[xr.Dataset, xr.Dataset]) -> None:
    memory, store = map(_of_run, results)
    xr.testing.assert_identical(memory, store)
    assert list(memory.variables) == list(store.variables)
    assert list(memory.attrs) == list(store.attrs)
    assert memory.xindexes["tca"].equals(store.xindexes["tca"])
    for name, variable in memory.variables.items():
        assert variable.dtype == store[name].dtype, name
        assert variable.encoding == store[name].encoding, name
        assert {k: type(v) for k, v in variable.attrs.items()} == {k: type(v) for k, v in store[name].attrs.items()}
        if name != "conjunction":
            assert name in VARIABLES


def test_selection_by_time(results: tuple[xr.Dataset, xr.Dataset]) -> None:
    for con in results:
        half = slice("2025-01-01T07:00", "2025-01-01T08:00")
        inside = (con.tca.values >= np.datetime64(half.start)) & (
            con.tca.values <= np.datetime64("2025-01-01T08:00:59.999999999")
        )
        assert con.sel(tca=half).primary.values.tolist() == con.primary.values[inside].tolist()


def test_rows_by_condition_and_bins(results: tuple[xr.Dataset, xr.Dataset]) -> None:
    for con in results:
        low = con.where(con.altitude < 800.0, drop=True)
        assert low.sizes["conjunction"] == int((con.altitude < 800.0).sum())
        assert low.primary.dtype == np.int64
        if con.sizes["conjunction"] > 1:
            counts = con.groupby_bins("altitude", [0.0, 800.0, 50_000.0]).count().miss_distance
            assert counts.values.tolist() == [
                low.sizes["conjunction"],
                con.sizes["conjunction"] - low.sizes["conjunction"],
            ]


def test_tables_are_alike(results: tuple[xr.Dataset, xr.Dataset]) -> None:
    memory, store = (ds.to_dataframe() for ds in results)
    assert memory.equals(store)
    assert memory.dtypes.equals(store.dtypes)
    assert memory.index.name == "tca"
    assert ["tca", *memory] == [name for name in VARIABLES if not name.endswith(("_status", "_owner"))]


def test_columns_can_be_added_and_rows_queried(results: tuple[xr.Dataset, xr.Dataset]) -> None:
    for con in results:
        more = con.assign(twice=2.0 * con.altitude)
        assert list(more.to_dataframe())[-1] == "twice"
        assert more.query(conjunction="altitude < 800").sizes["conjunction"] == int((con.altitude < 800.0).sum())
        assert "tca" not in con.drop_vars("tca")
        assert (
            xr.concat([con, con], "conjunction")
            .to_dataframe()
            .index.equals(con.tca.to_index().append(con.tca.to_index()))
        )


def test_closest_are_the_fast_pairs_by_distance(results: tuple[xr.Dataset, xr.Dataset]) -> None:
    for con in results:
        nearest = stm.closest(con, 5)
        fast = np.sort(con.miss_distance.values[con.relative_speed.values >= SLOW_PAIR_KM_S])
        assert nearest.miss_distance.values.tolist() == fast[:5].tolist()
        assert stm.closest(con).sizes["conjunction"] == min(10, len(fast))
        with pytest.raises(InputError, match="negative"):
            stm.closest(con, -1)


def test_involving_takes_one_id_or_several(results: tuple[xr.Dataset, xr.Dataset]) -> None:
    for con in results:
        if not con.sizes["conjunction"]:
            assert stm.involving(con, 5).sizes["conjunction"] == 0
            continue
        one, two = int(con.primary[0]), int(con.secondary[-1])
        rows = np.array(
            [{a, b} for a, b in zip(con.primary.values.tolist(), con.secondary.values.tolist(), strict=True)]
        )
        assert stm.involving(con, one).tca.values.tolist() == con.tca.values[[one in row for row in rows]].tolist()
        both = stm.involving(con, [one, two])
        assert both.sizes["conjunction"] == sum(bool({one, two} & row) for row in rows)
    with pytest.raises(InputError, match="whole numbers"):
        stm.involving(results[0], "ISS")


def test_failures_are_listed(results: tuple[xr.Dataset, xr.Dataset]) -> None:
    memory, store = map(stm.failures, results)
    assert memory.equals(store)
    assert len(memory) == results[0].attrs["objects_failed"]
    assert memory["time"].is_monotonic_increasing
    assert all(memory["meaning"].str.len() > 0)
    with pytest.raises(InputError, match="no attribute 'failed_norad_id'"):
        stm.failures(results[0].drop_attrs())


def test_rows_written_again_are_numbered_anew(results: tuple[xr.Dataset, xr.Dataset], tmp_path: Path) -> None:
    last = results[0].isel(conjunction=slice(-3, None))
    again = stm.open_dataset(stm.write_dataset(last, tmp_path / "last.zarr", "conjunctions"))
    assert again.to_dataframe().equals(last.to_dataframe())
    assert again.conjunction.values.tolist() == list(range(last.sizes["conjunction"]))
    assert stm.failures(again).equals(stm.failures(last))
