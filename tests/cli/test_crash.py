"""The command crash-clock: what it prints, writes and refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.commands import refused, stmgpu
from support.paths import SHARED

from stmgpu.backend.cpu import usable_levels

CATALOG = SHARED / "data" / "catalogs" / "2024-11-01_omm.csv"


@pytest.mark.slow
def test_the_clock_of_a_catalogue(tmp_path: Path) -> None:
    catalog, table = tmp_path / "objects.csv", tmp_path / "shells.csv"
    assert stmgpu("catalog", "synthesize", catalog, "--objects", 400).exit_code == 0
    command = ("crash-clock", catalog, "--thickness-km", 10, "--backend", "reference")
    text = stmgpu(*command, "--csv", table)
    assert text.exit_code == 0, text.stderr
    assert text.stdout.startswith("CRASH clock   ")
    for words in (
        "satellites with satellites",
        "radii         satellites 4.89 m",
        "no object manoeuvres",
        "5.5 in 2025",
    ):
        assert words in text.stdout
    numbers = json.loads(stmgpu(*command, "--json").stdout)
    rows = [line.split(",") for line in table.read_text().splitlines()]
    assert rows[0] == ["lower_km", "upper_km", "collisions_per_year"]
    assert sum(float(row[2]) for row in rows[1:]) == pytest.approx(numbers["collisions_per_year"], rel=1e-6)
    assert numbers["days"] == pytest.approx(365.25 / numbers["collisions_per_year"])
    parts = [part["collisions_per_year"] for part in numbers["parts"]]
    assert sum(parts) == pytest.approx(numbers["collisions_per_year"])
    refused(stmgpu(*command, "--sizes", table, "--debris-m", 0.2), "--sizes gives the radii; omit")
    refused(stmgpu(*command, "--stage-m", 0), "stage_m = 0.0 is out of range")


@pytest.mark.slow
@pytest.mark.skipif(not CATALOG.is_file(), reason=f"{CATALOG} is not there")
@pytest.mark.skipif(not usable_levels(), reason="the kernels were not compiled here")
def test_the_catalogue_of_november_2024_has_the_days_of_the_guide() -> None:
    """Published are 5.5 days for June 2025, between those of thin and of thick shells."""
    numbers = json.loads(stmgpu("crash-clock", CATALOG, "--threads", 1, "--json").stdout)
    assert numbers["year"] == pytest.approx(2024.83, abs=0.01)
    assert numbers["published_days"] == {"2018": 164.0, "2025.45": 5.5}
    days = numbers["days_by_thickness_km"]
    assert {km: round(value, 1) for km, value in days.items()} == {"1": 3.0, "5": 6.3, "10": 7.9}
