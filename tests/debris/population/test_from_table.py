"""Populations from a table of the user."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.paths import SHARED

from stmgpu.debris.population import FILLED_AREA, FILLED_DATE, FILLED_MASS, FILLED_RADIUS, Kind
from stmgpu.debris.population.assembly import perigee_km
from stmgpu.debris.population.from_table import read_table
from stmgpu.errors import InputError

DATA = SHARED / "data" / "debris"


TABLE = """# epoch = 2025-01-01
norad_id,perigee_km,apogee_km,inc_deg,raan_deg,argp_deg,mean_anomaly_deg,object_type,mass_kg,radius_m,launch_date,owner
1,700,720,98.2,10,20,30,PAYLOAD,500,1.2,2020-06-01,ESA
2,500,500,53,40,50,60,payload,260,2,2005.5,US
3,830,850,71,0,0,0,ROCKET BODY,8226,,1990-01-01,CIS
4,750,900,98.6,0,0,0,collision fragment,,,,PRC
5,780,800,74.0,0,0,0,derelict_payload,56,,2024-01-01,CIS
"""


def rng() -> np.random.Generator:
    return np.random.default_rng(11)


def test_table(tmp_path: Path) -> None:
    file = tmp_path / "objects.csv"
    file.write_text(TABLE)
    population = read_table(file, rng())
    assert population.epoch_year == pytest.approx(2025.0, abs=0.002)
    np.testing.assert_allclose(population.a_km, 6378.137 + np.array([710.0, 500.0, 840.0, 825.0, 790.0]))
    np.testing.assert_allclose(perigee_km(population), [700.0, 500.0, 830.0, 750.0, 780.0])
    np.testing.assert_allclose(np.degrees(population.mean_rad), [30.0, 60.0, 0.0, 0.0, 0.0])
    assert population.kind.tolist() == [
        Kind.ACTIVE,
        Kind.DERELICT,
        Kind.ROCKET_BODY,
        Kind.COLLISION_FRAGMENT,
        Kind.DERELICT,
    ]
    assert population.owner.tolist() == ["ESA", "US", "CIS", "PRC", "CIS"]
    assert population.launch_year[1] == 2005.5
    assert population.filled.tolist() == [
        0,
        0,
        FILLED_RADIUS | FILLED_AREA,
        FILLED_MASS | FILLED_RADIUS | FILLED_AREA | FILLED_DATE,
        FILLED_RADIUS | FILLED_AREA,
    ]
    by_axis = tmp_path / "axis.csv"
    by_axis.write_text(
        "a_km,ecc,inc_deg,object_type,active,mission_end,constellation,weight\n"
        "7000,0.01,98,payload,1,,Starlink,1\n7100,0,98,payload,0,2040,mine,2.5\n"
        "7100,0,98,payload,,2040-01-01,,1\n"
    )
    population = read_table(by_axis, rng(), year=2030.0)
    assert population.kind.tolist() == [Kind.ACTIVE, Kind.DERELICT, Kind.ACTIVE]
    assert population.constellation.tolist() == [0, 100, -1]
    assert population.weight.tolist() == [1.0, 2.5, 1.0]
    assert population.mission_end_year[2] == pytest.approx(2040.0, abs=0.002)
    assert len(np.unique(population.raan_rad)) == 3
    text = " ".join(population.notes)
    assert "raan, argp, mean of all objects drawn at random" in text
    assert "constellations: mine 100" in text


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("# epoch = 2025-01-01\n", "", "no epoch is known"),
        ("inc_deg", "inclination", "lacks inc_deg"),
        ("owner", "mass", "unknown columns mass"),
        ("owner", "mass_kg", "repeats mass_kg"),
        (",apogee_km", ",a_km", "either the columns a_km and ecc, or perigee_km and apogee_km"),
        ("2,500,500,53", "2,5oo,500,53", r"line 4: perigee_km is '5oo'; a number"),
        ("2,500,500,53", "2,510,500,53", r"line 4: perigee_km is '510'; it must not be above apogee_km"),
        ("260,2,2005.5", "260,2,soon", r"line 4: launch_date is 'soon'"),
        ("260,2,2005.5", "-260,2,2005.5", r"line 4: mass_kg is '-260'"),
        ("260,2,2005.5", "nan,2,2005.5", r"line 4: mass_kg is 'nan'; a finite"),
        (",53,40,", ",253,40,", r"inclination \[deg\] of line 4 is 253\.0; allowed is 0 to 180"),
        (",53,40,", ",,40,", r"line 4: inc_deg is ''"),
        ("payload,260", "satellite,260", r"line 4: object_type is 'satellite'; known are"),
        ("2005.5,US", "2005.5,US,x", r"line 4: 13 cells where the header has 12"),
        ("2005.5,US", '2005.5,"U"S', r"line 4: not valid CSV"),
        ("2,500,500", "2.5,500,500", r"line 4: norad_id is '2\.5'; a whole number"),
    ],
)
def test_mistakes_in_tables(tmp_path: Path, old: str, new: str, message: str) -> None:
    file = tmp_path / "objects.csv"
    assert old in TABLE
    file.write_text(TABLE.replace(old, new, 1))
    with pytest.raises(InputError, match=message):
        read_table(file, rng())


def test_tables_that_are_none(tmp_path: Path) -> None:
    file = tmp_path / "objects.csv"
    with pytest.raises(InputError, match="cannot be read"):
        read_table(file, rng())
    file.write_bytes(b"\xff\x00")
    with pytest.raises(InputError, match="not UTF-8"):
        read_table(file, rng())
    file.write_text("a_km,ecc,inc_deg,object_type\n")
    with pytest.raises(InputError, match="holds no row"):
        read_table(file, rng(), year=2030)
