"""Loading, whatever the source, and its repeatability."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.paths import SHARED
from support.populations import mocat_file

from stmgpu.debris.population.assembly import perigee_km, select
from stmgpu.debris.population.sources import load_population
from stmgpu.debris.specs import PopulationSpec
from stmgpu.errors import InputError

DATA = SHARED / "data" / "debris"


def test_selection_and_its_notes() -> None:
    population = load_population(PopulationSpec(objects=3000, seed=1, max_perigee_km=800.0, min_length_m=0.5))
    assert perigee_km(population).max() < 800.0
    assert population.length_m.min() >= 0.5
    assert any("with perigees at 800 km or higher left out" in note for note in population.notes)
    assert any("shorter than 0.5 m left out" in note for note in population.notes)
    with pytest.raises(InputError, match="nothing is left of"):
        load_population(PopulationSpec(objects=100, max_perigee_km=150.0))
    whole = load_population(PopulationSpec(objects=100, max_perigee_km=1e6))
    assert select(whole).notes == whole.notes


def test_loading_is_repeatable(tmp_path: Path) -> None:
    file = mocat_file(tmp_path / "2020.mat", c7=0.0)
    one, two = (load_population(PopulationSpec(source="mocat", path=file, seed=3)) for _ in range(2))
    np.testing.assert_array_equal(one.raan_rad, two.raan_rad)
    np.testing.assert_array_equal(one.mass_kg, two.mass_kg)
    other = load_population(PopulationSpec(source="mocat", path=file, seed=4))
    assert (one.raan_rad != other.raan_rad).all()
