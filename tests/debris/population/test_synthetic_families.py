"""The families of the synthetic population, and mistakes in their file."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from stmgpu.debris.population.synthetic_families import read_families, synthetic_families
from stmgpu.errors import InputError

TEXT = (files("stmgpu.debris.population") / "synthetic_families.toml").read_text(encoding="utf-8")


def test_published_counts() -> None:
    families = synthetic_families()
    counts = [sum(group.number for group in groups) for groups in families]
    assert sum(counts) == 19_085
    assert sum(counts[1:]) == 15_263
    assert {shell.constellation for shell in families.constellation_shells} == {0, 1}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("number = 1510", "number = 0", r"constellation_shells.0.number"),
        ('constellation = "Starlink"', 'constellation = "Skynet"', "must be one of Starlink"),
        ("inclination = [41.48, 41.48, 41.48]", "inclination = [41.48, 40.0, 41.48]", "quantiles must not decrease"),
        ("mass = 96000.0", "mass = 96000.0\nweight = 1", r"payloads.1.weight"),
        ("mass = 96000.0", "mass = nan", r"payloads.1.mass"),
        ("[[payloads]]", "[[payload]]", "payloads"),
        ("[[payloads]]", "[payloads", "synthetic_families.toml"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in TEXT
    file = tmp_path / "synthetic_families.toml"
    file.write_text(TEXT.replace(old, new), encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_families(file)
