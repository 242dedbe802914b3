"""Every kind of result follows the CF conventions, and goes to netCDF and Parquet and back."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from compliance_checker.runner import CheckSuite, ComplianceChecker
from support.studies import BASE, write_study

import stmgpu as stm
from stmgpu.store.schema import KINDS

ACCEPTED = {
    # a result that is reproducible byte for byte has no time at which it was made
    "§2.6.2 global attribute history should exist and be a non-empty string",
    # objects are the outer dimension: an object's states lie side by side
    "position's spatio-temporal dimensions are not in the recommended order",
    "velocity's spatio-temporal dimensions are not in the recommended order",
    # studies count decimal years, which are no time "since" an epoch
    "Coordinate variable 'time' should have standard_name='time'",
}
"""Findings of the checker that are known and stay, by their beginning."""


@pytest.fixture(scope="module", params=["conjunctions", "assessed conjunctions", "ephemeris", "ensemble"])
def results(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[xr.Dataset]:
    """A result of each kind in memory, and from a store."""
    catalog = stm.synthetic_catalog(1000, seed=5)
    kind = request.param.rpartition(" ")[2]
    if kind == "conjunctions":
        result = stm.screen(catalog, start="2025-01-01T06:00", hours=2, threshold_km=20.0)
        if request.param != kind:
            result = stm.assess(result, catalog)
    elif request.param == "ephemeris":
        result = stm.propagate(catalog[:5], start="2025-01-01", hours=1)
    else:
        result = stm.evolve(write_study(tmp_path_factory.mktemp("study"), BASE), seed=1)
    path = stm.write_dataset(result, tmp_path_factory.mktemp("store") / "r.zarr", kind)
    return [result, stm.open_dataset(path, load=True)]


def test_memory_and_store_are_identical(results: list[xr.Dataset]) -> None:
    memory, store = results
    xr.testing.assert_identical(memory, store)
    for name, variable in memory.variables.items():
        assert variable.dtype == store[name].dtype, name
        assert variable.encoding == store[name].encoding, name


def test_the_checker_of_the_cf_conventions_is_content(results: list[xr.Dataset], tmp_path: Path) -> None:
    CheckSuite.load_all_available_checkers()
    for k, ds in enumerate(results):
        ds.to_netcdf(tmp_path / f"{k}.nc", engine="h5netcdf")
        out = str(tmp_path / f"{k}.json")
        ComplianceChecker.run_checker(
            str(tmp_path / f"{k}.nc"), ["cf:1.11"], 0, "normal", output_filename=out, output_format="json"
        )
        report = json.loads((tmp_path / f"{k}.json").read_text())["cf:1.11"]
        findings = [finding for level in ("high", "medium", "low") for finding in report[f"{level}_priorities"]]
        messages = [text for finding in findings for text in finding["msgs"]]
        assert messages, "the checker has run: it names the missing history at least"
        assert not [text for text in messages if not text.startswith(tuple(ACCEPTED))]


def test_netcdf_and_back(results: list[xr.Dataset], tmp_path: Path) -> None:
    for k, ds in enumerate(results):
        ds.to_netcdf(tmp_path / f"{k}.nc", engine="h5netcdf")
        with xr.open_dataset(tmp_path / f"{k}.nc", engine="h5netcdf") as back:
            for name in ds.variables:
                if ds[name].dtype.kind == "f":
                    np.testing.assert_array_equal(back[name], ds[name])
                else:
                    assert back[name].values.tolist() == ds[name].values.tolist(), name
            if "miss_distance" in ds:
                assert stm.failures(back).equals(stm.failures(ds))
    sizes = [(tmp_path / f"{k}.nc").stat().st_size for k in (0, 1)]
    assert sizes[0] == pytest.approx(sizes[1], rel=0.1)  # HDF5 puts attributes into blocks by their order


def test_parquet_and_back(results: list[xr.Dataset], tmp_path: Path) -> None:
    if "miss_distance" not in results[0]:
        return
    for k, ds in enumerate(results):
        table = ds.to_dataframe()
        table.to_parquet(tmp_path / f"{k}.parquet")
        pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / f"{k}.parquet"), table)
    assert (tmp_path / "0.parquet").read_bytes() == (tmp_path / "1.parquet").read_bytes()


@pytest.mark.parametrize("kind", KINDS)
def test_units_are_in_cf_style(kind: str) -> None:
    """Products of powers such as ``km s-1``; no slashes, no carets."""
    for name, spec in KINDS[kind].arrays().items():
        assert spec.long_name, name
        assert not set(spec.units) & set("/^*"), (name, spec.units)
        assert all(word.replace("_", "").isalnum() for word in (spec.flags or {}).values()), name
