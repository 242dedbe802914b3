"""The command that checks the claims of the project anew."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.commands import refused, stmgpu
from support.paths import ROOT

from stmgpu.report.claims import read_claims

TABLE = read_claims(ROOT)
BARE = [name for name, claim in TABLE.claims.items() if not claim.data]


@pytest.fixture(autouse=True)
def without_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("STMGPU_DATA", raising=False)
    monkeypatch.chdir(tmp_path)


def test_list() -> None:
    shown = stmgpu("reproduce", "--list")
    assert shown.exit_code == 0
    assert [line.split()[0] for line in shown.stdout.splitlines()] == list(TABLE.claims)
    document = json.loads(stmgpu("reproduce", "--list", "cara", "--json").stdout)
    (row,) = document["claims"]
    assert row["lacking"] == {"cara": list(TABLE.data["cara"].files)}
    text = stmgpu("reproduce", "--list", "cara").stdout
    for part in ("NOSA", "github.com/nasa/CARA_Analysis_Tools", *TABLE.data["cara"].files.values(), "missing"):
        assert part in text


def test_refusals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refused(stmgpu("reproduce"), "name the claims to check, or give --all; --list shows them")
    refused(stmgpu("reproduce", "kara"), "there is no claim 'kara'; choose from sgp4-verification")
    refused(stmgpu("reproduce", "cara", "--all"), "give either names or --all")
    refused(stmgpu("reproduce", "cara"), r"cara \(.*\) is not there: pc/cara_53_cdms.json")
    refused(stmgpu("reproduce", "cara", "--data", "none"), "none is no folder")
    (tmp_path / "taken").touch()
    refused(stmgpu("reproduce", BARE[0], "--out", "taken"), "taken is a file")
    monkeypatch.setattr("stmgpu.report.claims.__file__", str(tmp_path / "a" / "b" / "claims.py"))
    refused(stmgpu("reproduce", "--list"), "from a clone of the repository, where `make demo` installs it")


@pytest.mark.slow
def test_every_claim_that_needs_no_data(tmp_path: Path) -> None:
    """All scripts run as a user runs them, and give the stored figures."""
    done = stmgpu("reproduce", "--all", "--json")
    rows = {row["name"]: row for row in json.loads(done.stdout)["claims"]}
    assert {name: rows[name]["differences"] for name in BARE} == {name: [] for name in BARE}
    assert {row["state"] for name, row in rows.items() if name not in BARE} == {"data missing"}
    assert done.exit_code == 0
    assert sorted(file.name for file in (tmp_path / "reproduced").iterdir()) == sorted(
        f"{name}{ending}" for name in BARE for ending in (".json", ".txt")
    )


@pytest.mark.slow
def test_a_claim_that_parts_from_what_is_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    claim = TABLE.claims["sgp4-verification"].model_copy(update={"unstable": (), "tolerance": 0.0})
    altered = TABLE.model_copy(update={"claims": {"sgp4-verification": claim}})
    monkeypatch.setattr("stmgpu.report.claims.read_claims", lambda root: altered)
    monkeypatch.setattr("stmgpu.report.reproduction._equal", lambda stored, ours, tolerance: "666" not in ours)
    done = stmgpu("reproduce", "sgp4-verification")
    assert done.exit_code == 1
    assert "reference: states compared: 666, stored 666" in done.stdout
    assert "0 of 1 claims reproduced" in done.stdout
