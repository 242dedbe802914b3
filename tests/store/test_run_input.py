"""Input of a run: the columns of its catalogue, also of runs that were made before a column existed."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
import zarr

from stmgpu.catalog import synthetic_catalog
from stmgpu.errors import StoreError
from stmgpu.propagate.screening_objects import ScreeningObjects
from stmgpu.store.run_input import identity_of, read_run_input, write_run_input


def test_columns_and_sets_are_kept(tmp_path: Path) -> None:
    cat = dataclasses.replace(
        synthetic_catalog(4),
        owner=np.array(["US", "", "PRC", ""]),
        status=np.array(["OPERATIONAL", "", "", "DECAYED"]),
        decay_jd=np.array([np.nan, np.nan, np.nan, 2460496.5]),
        sets="newest",
        sets_not_used=3,
    )
    objects = ScreeningObjects(cat)
    write_run_input(objects, tmp_path)
    read = read_run_input(tmp_path, identity_of(objects))
    assert isinstance(read, ScreeningObjects)
    assert read.catalog.equals(cat)
    assert (read.catalog.sets, read.catalog.sets_not_used) == ("newest", 3)


def test_runs_from_before_a_column_existed(tmp_path: Path) -> None:
    objects = ScreeningObjects(synthetic_catalog(4))
    write_run_input(objects, tmp_path)
    identity = identity_of(objects)
    shutil.rmtree(tmp_path / "catalog" / "owner")
    with pytest.raises(StoreError, match="owner"):
        read_run_input(tmp_path, identity)
    group = zarr.open_group(tmp_path / "catalog")
    del group.attrs["columns"]
    read = read_run_input(tmp_path, identity)
    assert isinstance(read, ScreeningObjects)
    assert read.catalog.equals(objects.catalog)
    shutil.rmtree(tmp_path / "catalog" / "raan")
    with pytest.raises(StoreError, match="raan"):
        read_run_input(tmp_path, identity)
