"""Stores: what goes in comes out, and what is damaged, unfinished or too new is refused."""

from __future__ import annotations

import errno
import json
import os
import resource
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import zarr

from stmgpu.errors import StoreError
from stmgpu.store import KINDS, SCHEMA_VERSION, check_target, open_dataset, verify, write_dataset
from stmgpu.store.schema import layout

NOT_A_TIME = np.datetime64("NaT", "ns")


def conjunctions(n: int, seed: int = 0) -> xr.Dataset:
    rng = np.random.default_rng(seed)
    each = "conjunction"
    tca = np.datetime64("2024-07-05T00:00:00.123456789", "ns") + np.sort(rng.integers(0, 86_400 * 10**9, n))
    primary = rng.integers(1, 10**9 - 1000, n)
    return xr.Dataset(
        {
            "primary": (each, primary),
            "secondary": (each, primary + rng.integers(1, 999, n)),
            "primary_name": (each, np.array([f"OBJECT {k} Ä" for k in range(n)], dtype="U20")),
            "secondary_name": (each, np.array(["" for _ in range(n)], dtype="U1")),
            "tca": (each, tca),
            "miss_distance": (each, rng.random(n) * 5.0),
            "relative_speed": (each, rng.random(n) * 15.0),
            **{f"miss_{axis}": (each, rng.normal(size=n)) for axis in ("radial", "transverse", "normal")},
            "flags": (each, rng.integers(0, 8, n).astype(np.int32)),
            "entry": (each, np.where(np.arange(n) % 2 == 0, tca, NOT_A_TIME)),
        },
        attrs={
            "threshold_km": 5.0,
            "certificate": json.dumps({"holds": True}),
            "count": np.int64(n),
            "start": np.datetime64("2024-07-05", "ns"),
        },
    )


def ephemeris(objects: int, times: int) -> xr.Dataset:
    rng = np.random.default_rng(1)
    dims = ("object", "time", "axis")
    return xr.Dataset(
        {
            "position": (dims, rng.normal(size=(objects, times, 3)) * 7000.0),
            "velocity": (dims, rng.normal(size=(objects, times, 3))),
            "error_code": (dims[:2], rng.integers(0, 7, (objects, times)).astype(np.int8)),
        },
        coords={
            "object": np.arange(5, 5 + objects),
            "time": np.datetime64("2024-07-05", "ns") + np.arange(times) * np.timedelta64(60, "s"),
            "axis": ["x", "y", "z"],
            "name": ("object", np.array([f"N{k}" for k in range(objects)])),
        },
    )


def assert_same(found: xr.Dataset, expected: xr.Dataset) -> None:
    assert set(found.variables) - {"conjunction"} == set(expected.variables) - {"conjunction"}
    for name, variable in expected.variables.items():
        a, b = found[name].to_numpy(), variable.to_numpy()
        assert a.shape == b.shape, name
        if b.dtype.kind in "TU":
            assert a.tolist() == b.tolist(), name
        else:
            assert a.dtype == b.dtype, name
            assert a.tobytes() == b.tobytes(), name


@pytest.mark.parametrize("n", [0, 1, 7, 40_000])
def test_conjunctions_round_trip(tmp_path: Path, n: int) -> None:
    ds = conjunctions(n)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        path = write_dataset(ds, tmp_path / "a" / "day.zarr", "conjunctions")
        found = open_dataset(path, "conjunctions")
    assert_same(found, ds)
    assert found.attrs["threshold_km"] == 5.0
    assert found.attrs["count"] == n
    assert found.attrs["start"].startswith("2024-07-05")
    for name in set(ds.data_vars) - {"tca", "entry"}:
        assert found[name].attrs.get("units", "") == KINDS["conjunctions"].variables[name].units
        assert found[name].attrs["long_name"]
    verify(path)
    assert [p.name for p in path.parent.iterdir()] == ["day.zarr"]


def test_plain_xarray_opens_it_without_a_warning(tmp_path: Path) -> None:
    ds = ephemeris(10, 300)
    path = write_dataset(ds, tmp_path / "e.zarr", "ephemeris")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_same(xr.open_zarr(path).load(), ds)
        lazy = open_dataset(path)
    assert lazy["position"].sel(object=7).isel(time=slice(3)).shape == (3, 3)
    assert_same(lazy, ds)


@pytest.mark.parametrize("kind", ["conjunctions", "ephemeris"])
def test_plain_xarray_shows_no_number_for_a_lost_chunk(tmp_path: Path, kind: str) -> None:
    path = write_dataset(conjunctions(50) if kind == "conjunctions" else ephemeris(5, 20), tmp_path / "s.zarr", kind)
    chunks = [file for file in path.rglob("*") if file.is_file() and "c" in file.parent.relative_to(path).parts]
    for number, chunk in enumerate(chunks):
        if number % 2:
            chunk.write_bytes(b"")
        else:
            chunk.unlink()
    lost = xr.open_zarr(path).load()
    for name, variable in lost.variables.items():
        values = variable.to_numpy()
        if values.dtype.kind == "f":
            assert np.isnan(values).all(), name
        elif values.dtype.kind == "M":
            assert np.isnat(values).all(), name
        elif values.dtype.kind == "i":
            assert (values == np.iinfo(values.dtype).min).all(), name
        else:
            assert set(values.tolist()) == {"<missing>"}, name


def test_metadata_of_another_variable_is_refused(tmp_path: Path) -> None:
    """With a manifest by its hash, and without one because the root repeats it."""
    path = write_dataset(conjunctions(20), tmp_path / "c.zarr", "conjunctions")
    one, other = path / "miss_radial" / "zarr.json", path / "miss_normal" / "zarr.json"
    one.write_bytes(other.read_bytes())
    with pytest.raises(StoreError, match=r"miss_radial: its file miss_radial/zarr.json has other contents"):
        open_dataset(path)
    shutil.rmtree(path / "run")
    with pytest.raises(StoreError, match=r"miss_radial/zarr.json differs from the metadata in the root"):
        open_dataset(path)


def test_written_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    ds = conjunctions(100)
    one, two = (write_dataset(ds, tmp_path / name, "conjunctions") for name in ("one", "two"))
    files = sorted(p.relative_to(one) for p in one.rglob("*") if p.is_file())
    assert files == sorted(p.relative_to(two) for p in two.rglob("*") if p.is_file())
    assert all((one / f).read_bytes() == (two / f).read_bytes() for f in files)


def test_every_array_is_sharded_and_checksummed(tmp_path: Path) -> None:
    path = write_dataset(conjunctions(3), tmp_path / "c.zarr", "conjunctions")
    for name, array in zarr.open_group(path, mode="r").arrays():
        (shard,) = json.loads((path / name / "zarr.json").read_text())["codecs"]
        assert shard["name"] == "sharding_indexed", name
        inner = [c["name"] for c in shard["configuration"]["codecs"]]
        assert inner == ["vlen-utf8" if array.dtype.kind in "TO" else "bytes", "zstd", "crc32c"], name
        assert [c["name"] for c in shard["configuration"]["index_codecs"]] == ["bytes", "crc32c"]


@pytest.mark.parametrize("variable", ["miss_distance", "tca", "primary_name"])
def test_a_flipped_bit_is_found(tmp_path: Path, variable: str) -> None:
    path = write_dataset(conjunctions(1000), tmp_path / "c.zarr", "conjunctions")
    file = path / variable / "c" / "0"
    whole = file.read_bytes()
    for at in (0, len(whole) // 3, len(whole) - 1):
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 16]) + whole[at + 1 :])
        with pytest.raises(StoreError, match="damaged"):
            open_dataset(path)
        with pytest.raises(
            StoreError, match=rf"(damaged: {variable}: its file {variable}/c/0 has|array {variable} is damaged)"
        ):
            verify(path)
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(StoreError, match="damaged"):
        open_dataset(path)
    file.write_bytes(whole)
    verify(path)


def test_a_missing_file_is_found(tmp_path: Path) -> None:
    """Zarr itself would return fill values: no chunk is ever left out, so a missing file is damage."""
    ds = ephemeris(3, 300)
    ds["error_code"][:] = 0
    path = write_dataset(ds, tmp_path / "e.zarr", "ephemeris")
    (path / "error_code" / "c" / "0" / "1").unlink()
    with pytest.raises(StoreError, match=r"damaged: error_code: its file error_code/c/0/1 is missing;"):
        open_dataset(path)
    shutil.rmtree(path / "run")
    with pytest.raises(
        StoreError, match=r"1 of 3 files of error_code are missing or empty, the first error_code/c/0/1"
    ):
        open_dataset(path)


def _edit_root(path: Path, **attributes: object) -> None:
    document = json.loads((path / "zarr.json").read_text())
    document["attributes"].update(attributes)
    (path / "zarr.json").write_text(json.dumps(document))


def test_what_is_refused(tmp_path: Path) -> None:
    path = write_dataset(conjunctions(5), tmp_path / "c.zarr", "conjunctions")
    shutil.rmtree(path / "run")  # whose manifest would refuse any change of the root
    with pytest.raises(StoreError, match="is a store of kind conjunctions, not ephemeris"):
        open_dataset(path, "ephemeris")
    _edit_root(path, stmgpu_schema=SCHEMA_VERSION + 1)
    with pytest.raises(StoreError, match=f"schema version {SCHEMA_VERSION + 1}.*install a newer stmgpu"):
        open_dataset(path)
    _edit_root(path, stmgpu_schema="one")
    with pytest.raises(StoreError, match="'one'"):
        open_dataset(path)
    _edit_root(path, stmgpu_schema=SCHEMA_VERSION, stmgpu_complete=False)
    with pytest.raises(StoreError, match="left unfinished"):
        open_dataset(path)
    _edit_root(path, stmgpu_complete=True, stmgpu_kind="poem")
    with pytest.raises(StoreError, match="kind of store 'poem' is unknown"):
        open_dataset(path)
    (path / "zarr.json").write_text("{")
    with pytest.raises(StoreError, match="is not a store of stmgpu"):
        open_dataset(path)
    with pytest.raises(StoreError, match="there is no store at"):
        open_dataset(tmp_path / "nowhere.zarr")


def test_unknown_codecs_are_not_opened(tmp_path: Path) -> None:
    path = write_dataset(conjunctions(5), tmp_path / "c.zarr", "conjunctions")
    shutil.rmtree(path / "run")
    for file in (path / "flags" / "zarr.json", path / "zarr.json"):
        document = json.loads(file.read_text())
        array = document.get("consolidated_metadata", {}).get("metadata", {}).get("flags", document)
        array["codecs"][0]["configuration"]["codecs"][1] = {"name": "gzip", "configuration": {"level": 1}}
        file.write_text(json.dumps(document))
    with pytest.raises(StoreError, match="codecs gzip"):
        open_dataset(path)


def test_an_existing_path_is_refused_before_any_work(tmp_path: Path) -> None:
    path = write_dataset(conjunctions(5), tmp_path / "c.zarr", "conjunctions")
    before = {p: p.read_bytes() for p in path.rglob("*") if p.is_file()}
    with pytest.raises(StoreError, match="exists"):
        write_dataset(conjunctions(9), path, "conjunctions")
    assert {p: p.read_bytes() for p in path.rglob("*") if p.is_file()} == before
    write_dataset(conjunctions(9), path, "conjunctions", overwrite=True)
    assert open_dataset(path).sizes["conjunction"] == 9
    assert [p.name for p in tmp_path.iterdir()] == ["c.zarr"]


def test_overwriting_through_a_link_replaces_what_it_points_to(tmp_path: Path) -> None:
    path = write_dataset(conjunctions(5), tmp_path / "disk" / "c.zarr", "conjunctions")
    link = tmp_path / "link.zarr"
    link.symlink_to(Path("disk") / "c.zarr")
    write_dataset(conjunctions(9), link, "conjunctions", overwrite=True)
    assert link.is_symlink()
    assert open_dataset(path).sizes["conjunction"] == 9
    assert sorted(p.name for p in [*tmp_path.iterdir(), *path.parent.iterdir()]) == ["c.zarr", "disk", "link.zarr"]


def test_an_old_store_that_cannot_be_removed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = write_dataset(conjunctions(5), tmp_path / "c.zarr", "conjunctions")

    rmtree = shutil.rmtree

    def refuse(folder: Path, ignore_errors: bool = False) -> None:
        if ".old-" in str(folder):
            raise PermissionError(errno.EACCES, "Permission denied", str(folder))
        rmtree(folder, ignore_errors)

    monkeypatch.setattr("stmgpu.store.writing.shutil.rmtree", refuse)  # as for a write-protected one
    write_dataset(conjunctions(9), path, "conjunctions", overwrite=True)
    assert open_dataset(path).sizes["conjunction"] == 9
    (left,) = tmp_path.glob("c.zarr.old-*")
    assert caplog.messages == [
        f"{path} is replaced, but what is left of the old store could not be removed "
        f"(Permission denied); delete {left} yourself"
    ]


def test_overwriting_spares_what_is_not_ours(tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.tex").write_text("years of work")
    with pytest.raises(StoreError, match="not a store of stmgpu"):
        write_dataset(conjunctions(1), tmp_path / "thesis", "conjunctions", overwrite=True)
    assert (tmp_path / "thesis" / "chapter.tex").read_text() == "years of work"


def test_paths_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="not a folder"):
        write_dataset(conjunctions(1), tmp_path / "file" / "c.zarr", "conjunctions")
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(StoreError, match="permission"):
        check_target(tmp_path / "locked" / "c.zarr")


@contextmanager
def _largest_file(size: int) -> Iterator[None]:
    """The system refuses to let any file grow beyond ``size`` bytes, as a full disk would."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path) -> None:
    ds = conjunctions(40_000)
    with _largest_file(100_000), pytest.raises(StoreError, match=r"cannot write .*c\.zarr: .*free some space"):
        write_dataset(ds, tmp_path / "c.zarr", "conjunctions")
    assert list(tmp_path.iterdir()) == []
    write_dataset(conjunctions(3), tmp_path / "c.zarr", "conjunctions")
    with _largest_file(100_000), pytest.raises(StoreError):
        write_dataset(ds, tmp_path / "c.zarr", "conjunctions", overwrite=True)
    assert open_dataset(tmp_path / "c.zarr").sizes["conjunction"] == 3, "the old store is still there"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda ds: ds.drop_vars("tca"), "needs the variables tca"),
        (lambda ds: ds.assign(flags=ds.flags * 0.5), "'flags' has type float64; convert it to int32"),
        (lambda ds: ds.assign(tca=ds.miss_distance), "'tca' has type float64; convert it to time"),
        (lambda ds: ds.assign(miss_normal=ds.miss_normal.sum()), "'miss_normal' has dimensions"),
        (lambda ds: ds.assign(extra=ds.miss_distance.drop_attrs()), "'extra' is not in the schema"),
        (lambda ds: ds.assign(extra=("conjunction", np.array([object()] * 4))), "Python objects"),
        (lambda ds: ds.assign_attrs(when=object()), "attribute 'when'"),
        (lambda ds: ds.assign_attrs(bad=float("nan")), "attribute 'bad'"),
    ],
)
def test_datasets_that_do_not_fit(tmp_path: Path, change: object, message: str) -> None:
    with pytest.raises(StoreError, match=message):
        write_dataset(change(conjunctions(4)), tmp_path / "c.zarr", "conjunctions")  # type: ignore[operator]
    assert list(tmp_path.iterdir()) == []


def test_variables_of_ones_own_are_kept(tmp_path: Path) -> None:
    ds = conjunctions(4)
    ds["pc"] = ("conjunction", np.linspace(0, 1e-3, 4), {"units": "1", "long_name": "collision probability"})
    found = open_dataset(write_dataset(ds, tmp_path / "c.zarr", "conjunctions"))
    assert np.array_equal(found.pc, ds.pc)
    again = open_dataset(write_dataset(found, tmp_path / "d.zarr", "conjunctions"))
    assert_same(again, found)


@pytest.mark.parametrize("shape", [(0, 0, 3), (1, 1, 3), (255, 127, 3), (256, 64, 3), (30_000, 1441, 3)])
def test_a_shard_is_a_whole_number_of_chunks(shape: tuple[int, int, int]) -> None:
    chunks, shards = layout(KINDS["ephemeris"], ("object", "time", "axis"), shape)
    assert all(s % c == 0 and c > 0 for c, s in zip(chunks, shards, strict=True))
    assert all(s < n + c for c, s, n in zip(chunks, shards, shape, strict=True) if n)
