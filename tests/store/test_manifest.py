"""Stores of the schema before records were sealed are read and checked by what they have."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.stores import screen, small_catalog

import stmgpu as stm
from stmgpu.backend.cpu import usable_levels
from stmgpu.errors import StoreError
from stmgpu.files import file_hash
from stmgpu.store import check_store, provenance
from stmgpu.store.writing import result_files

pytestmark = pytest.mark.skipif(not usable_levels(), reason="the kernels were not compiled here")


def unseal(store: Path) -> None:
    """Make a store what version 3 of the schema wrote: no seals, and a manifest of the result alone."""
    for path in (store / "run").rglob("*.json"):
        if path.name != "zarr.json":
            document = json.loads(path.read_text())
            document.pop("seal")
            document["files"] = {name: entry[:2] for name, entry in document.get("files", {}).items()}
            path.write_text(json.dumps(document))
    root = json.loads((store / "zarr.json").read_text())
    root["attributes"]["stmgpu_schema"] = 3
    (store / "zarr.json").write_text(json.dumps(root))
    run = json.loads((store / "run" / "run.json").read_text())
    del run["files"]
    (store / "run" / "run.json").write_text(json.dumps(run))
    files = {name: file_hash(store / name) for name in result_files(store)}
    (store / "run" / "manifest.json").write_text(json.dumps({"files": files}))


def test_stores_of_version_3(tmp_path: Path) -> None:
    store = tmp_path / "s.zarr"
    screen(small_catalog(250), store, 2.5, tile_hours=1.0)
    truth = stm.open_dataset(store)
    unseal(store)
    assert stm.open_dataset(store).identical(truth)
    assert check_store(store) == []
    assert provenance(store)["tiles_done"] == 3
    assert len(provenance(store)["sessions"]) == 1
    (store / "miss_distance" / "c" / "0").write_bytes(b"")
    with pytest.raises(StoreError, match="miss_distance: its file miss_distance/c/0 has 0 bytes instead of"):
        stm.open_dataset(store)
    (store / "run" / "manifest.json").unlink()
    with pytest.raises(StoreError, match="1 of 1 files of miss_distance are missing or empty"):
        stm.open_dataset(store)
