"""Provenance of a page: what it names, and what it keeps to itself."""

from __future__ import annotations

from typing import Any

import pytest

from stmgpu.report.page.provenance import provenance_facts

SESSION = {
    "begin": "2026-01-02T03:04:05.678Z",
    "command": ["/home/somebody/bin/stmgpu", "evolve", "my study.toml", "--out", "x.zarr"],
    "user": "somebody",
    "host": "node17",
    "device": "x86_64, 2 threads",
    "python": "3.12.1",
    "packages": {"numpy": "2.1"},
    "code": {"version": "1.2.3"},
}


def shown(catalog: dict[str, Any]) -> dict[str, str]:
    facts = {"store": "/data/x.zarr", "kind": "ensemble", "schema": 5, "attributes": {}, "sessions": [SESSION] * 2}
    return {one["label"]: one["value"] for one in provenance_facts({**facts, "catalog": catalog}, "CC0")}


def test_neither_user_nor_machine_is_named() -> None:
    rows = shown({})
    assert rows["Command that makes it again"] == "stmgpu evolve 'my study.toml' --out x.zarr"
    assert rows["Computed"] == "2026-01-02 03:04:05 UTC, 2 sessions"
    assert rows["Versions"] == "stmgpu 1.2.3, Python 3.12.1, numpy 2.1"
    assert not any("somebody" in value or "node17" in value for value in rows.values())


@pytest.mark.parametrize(
    ("catalog", "has"),
    [({"digest": "e3b0", "files": {}}, False), ({"digest": "5f1a", "files": {"launches.csv": "77"}}, True)],
)
def test_the_digest_of_the_input_stands_only_where_files_were_read(catalog: dict[str, Any], has: bool) -> None:
    rows = shown(catalog)
    assert ("Digest of the input" in rows) == has
    assert ("SHA-256 of launches.csv" in rows) == has
