"""Populations from a catalogue of element sets, with sizes from SATCAT or a table."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from support.paths import SHARED

from stmgpu.catalog import format_catalog
from stmgpu.catalog.catalog import Catalog
from stmgpu.catalog.synthetic import synthetic_catalog
from stmgpu.debris.population import FILLED_MASS, Kind
from stmgpu.debris.population.from_catalog import read_gp
from stmgpu.debris.population.sources import load_population
from stmgpu.debris.specs import PopulationSpec
from stmgpu.errors import InputError

DATA = SHARED / "data" / "debris"


def rng() -> np.random.Generator:
    return np.random.default_rng(11)


@pytest.fixture
def catalogue(tmp_path: Path) -> tuple[Path, Catalog]:
    catalog = synthetic_catalog(60, seed=4)
    path = tmp_path / "catalog.csv"
    path.write_bytes(format_catalog(catalog, "csv"))
    return path, catalog


def test_catalogue_with_satcat(tmp_path: Path, catalogue: tuple[Path, Catalog]) -> None:
    path, catalog = catalogue
    kinds, status = ["PAY", "PAY", "R/B", "DEB", "UNK"], ["+", "-", "", "", ""]
    launched = ["1990-01-01", "2020-01-01", "1985-01-01", "1999-05-10", ""]
    lines = ["OBJECT_NAME,OBJECT_ID,NORAD_CAT_ID,OBJECT_TYPE,OPS_STATUS_CODE,OWNER,LAUNCH_DATE,DECAY_DATE,RCS"]
    for k, number in enumerate(catalog.norad_id[:-2].tolist()):
        gone = "2001-01-01" if k == 55 else ""
        lines.append(
            f"X,1999-025A,{number},{kinds[k % 5]},{status[k % 5]},PRC,{launched[k % 5]},{gone},{0.5 * (k % 3)}"
        )
    sizes = tmp_path / "satcat.csv"
    sizes.write_text("\n".join(lines))
    population = read_gp(path, rng(), sizes=sizes)
    keep = np.arange(60) != 55
    assert population.norad_id.tolist() == catalog.norad_id[keep].tolist()
    expected = np.array([Kind.ACTIVE, Kind.DERELICT, Kind.ROCKET_BODY, Kind.UNATTRIBUTED, Kind.UNATTRIBUTED])
    np.testing.assert_array_equal(population.kind[:55], expected[np.arange(55) % 5])
    known = (np.arange(60)[keep] % 3 > 0) & (np.arange(60)[keep] < 58)
    np.testing.assert_allclose(population.radius_m[known], np.sqrt(0.5 * (np.arange(60)[keep] % 3)[known] / np.pi))
    unknown = np.isnan(catalog.mass_kg[keep])
    np.testing.assert_array_equal((population.filled & FILLED_MASS) > 0, unknown)
    assert population.owner[0] == "PRC"
    text = " ".join(population.notes)
    assert "1 object that had decayed left out" in text
    assert "2 objects are not in satcat.csv" in text


def test_catalogue_with_a_table_of_sizes(tmp_path: Path, catalogue: tuple[Path, Catalog]) -> None:
    path, catalog = catalogue
    sizes = tmp_path / "sizes.csv"
    rows = [f"{number},rocket body,{1000 + k},2,1980-01-01" for k, number in enumerate(catalog.norad_id.tolist())]
    sizes.write_text("\n".join(["norad_id,object_type,mass_kg,radius_m,launch_date", *reversed(rows)]))
    population = load_population(PopulationSpec(source="catalog", path=path, sizes=sizes, max_perigee_km=1e6))
    np.testing.assert_array_equal(population.mass_kg, 1000.0 + np.arange(60))
    np.testing.assert_array_equal(population.norad_id, catalog.norad_id)
    assert not population.filled.any()
    # Brouwer's semi-major axis: Kepler's third law for the mean motion, up to J2 (a few km), and the J2 drift of nodes
    axis = (398600.8 / (catalog.mean_motion / 60.0) ** 2) ** (1.0 / 3.0)
    assert 0.0 < np.abs(population.a_km - axis).max() < 10.0
    later = read_gp(path, rng(), sizes=sizes, year=population.epoch_year + 1.0 / 365.25)
    cosine, p = np.cos(catalog.inclination), population.a_km * (1.0 - catalog.eccentricity**2)
    drift = -9.964 * (6378.137 / population.a_km) ** 1.5 * (6378.137 / p) ** 2 * cosine  # deg/day, Wertz (1999)
    moved = np.degrees(np.angle(np.exp(1j * (later.raan_rad - population.raan_rad))))
    np.testing.assert_allclose(moved, drift, rtol=2e-3, atol=1e-6)


def test_types_by_name(tmp_path: Path) -> None:
    """The naming of the public catalogue."""
    catalog = synthetic_catalog(5)
    names = np.array(["STARLINK-1007", "CZ-6A DEB", "SL-16 R/B", "TBA - TO BE ASSIGNED", "COSMOS 2251"])
    renamed = dataclasses.replace(catalog, name=names, object_type=np.full(5, ""))
    file = tmp_path / "named.csv"
    file.write_bytes(format_catalog(renamed, "csv"))
    population = read_gp(file, rng())
    u = Kind.UNATTRIBUTED
    assert np.isin(population.kind[[0, 4]], (Kind.ACTIVE, Kind.DERELICT)).all()
    assert population.kind[1:4].tolist() == [u, Kind.ROCKET_BODY, u]
    assert population.constellation.tolist() == [0, -1, -1, -1, -1]
    assert "types of 5 objects inferred from their names" in population.notes


def test_mistakes_with_catalogues(tmp_path: Path, catalogue: tuple[Path, Catalog]) -> None:
    path, _ = catalogue
    sizes = tmp_path / "sizes.csv"
    sizes.write_text("norad_id,object_type\n999999,payload\n")
    with pytest.raises(InputError, match="no NORAD id in common"):
        read_gp(path, rng(), sizes=sizes)
    sizes.write_text("id,object_type\n999999,payload\n")
    with pytest.raises(InputError, match="lacks norad_id"):
        read_gp(path, rng(), sizes=sizes)
    real = tmp_path / "untyped.tle"
    real.write_bytes(format_catalog(synthetic_catalog(5), "tle"))  # two lines: no names
    with pytest.raises(InputError, match="neither types nor names"):
        read_gp(real, rng())
