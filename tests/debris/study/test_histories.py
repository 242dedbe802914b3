"""Fitted ballistic coefficients of a study: from tables of several dates, from a catalogue, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.paths import SHARED

from stmgpu.constants import EARTH
from stmgpu.debris.environment import Environment, Exponential
from stmgpu.debris.population import Kind
from stmgpu.debris.population.sinking import Sinking, modelled_sinking
from stmgpu.debris.scenario import Scenario
from stmgpu.debris.study.histories import _catalog_track
from stmgpu.debris.study.preparation import initial_population
from stmgpu.debris.study.scenario_file import study_from_document
from stmgpu.errors import InputError

DATA = SHARED / "data" / "debris"
YEARS = (2005.0, 2010.0, 2015.0)
COUNT, FACTOR = 60, 1.8
"""Rocket bodies that sink 1.8 times as fast as their size says."""


def write_files(folder: Path, raised_km: float = 0.0) -> list[Path]:
    """Tables of three dates, the earliest last, in which all objects were raised before the second."""
    rng = np.random.default_rng(3)
    a = EARTH.radius_km + rng.uniform(600.0, 720.0, COUNT)
    n, inc = COUNT, np.full(COUNT, np.radians(81.0))
    files = []
    for k, year in enumerate(YEARS):
        file = folder / f"{year:.0f}.csv"
        lines = [f"{i + 1},rocket body,{x:.6f},0.001,81,1400,1.0,0.00224" for i, x in enumerate(a)]
        header = "norad_id,object_type,a_km,ecc,inc_deg,mass_kg,radius_m,area_to_mass"
        file.write_text("\n".join([f"# epoch = {year:.0f}-01-01", header, *lines]) + "\n", encoding="ascii")
        files.append(file)
        leg = Sinking(np.arange(n), np.full(n, year), np.full(n, year + 5.0), a, np.full(n, 1e-3), inc, np.zeros(n))
        air = Environment(Exponential(), year, year + 5.0)
        b = np.full(n, 2.2 * FACTOR * 0.00224)
        a = a - modelled_sinking(leg, b, air, decay_km=150.0, rotating=True) + rng.normal(0.0, 0.03, n)
        a += raised_km * (k == 0)
    return files[::-1]


def scenario(files: list[Path], **population: Any) -> Scenario:
    document = {
        "population": {"source": "table", "path": str(files[0]), "ballistic": "fitted", **population},
        "environment": {"density": "exponential"},
    }
    return study_from_document(document, folder=files[0].parent, where="study").scenarios[0]


def test_coefficients_follow_the_histories(tmp_path: Path) -> None:
    files = write_files(tmp_path)
    found = initial_population(scenario(files, histories=[f.name for f in files[1:]]))
    np.testing.assert_allclose(found.area_to_mass / 0.00224, FACTOR, rtol=0.02)
    np.testing.assert_allclose(found.ballistic_m2_kg, 2.2 * found.area_to_mass, rtol=1e-12)  # no spread besides
    (note,) = (note for note in found.notes if "ballistic coefficients" in note)
    assert "of 60 objects fitted to their sinking from 2005.0 to 2015.0, of 0 by type" in note


def test_histories_that_do_not_serve(tmp_path: Path) -> None:
    files = write_files(tmp_path, raised_km=25.0)
    with pytest.raises(InputError, match=r"2005\.csv do not fit 2015\.csv: 60 objects of 60 jump between dates"):
        initial_population(scenario(files, histories=[f.name for f in files[1:]]))
    with pytest.raises(InputError, match=r"no object of 2015\.csv has elements at two dates a season apart"):
        initial_population(scenario(files, histories=[files[0].name]))


def test_a_catalogue_may_hold_its_own_history(tmp_path: Path) -> None:
    """Both element sets of an object count, each at its own epoch."""
    rows = [
        "OBJECT_NAME,OBJECT_ID,EPOCH,MEAN_MOTION,ECCENTRICITY,INCLINATION,RA_OF_ASC_NODE,ARG_OF_PERICENTER,"
        "MEAN_ANOMALY,EPHEMERIS_TYPE,CLASSIFICATION_TYPE,NORAD_CAT_ID,ELEMENT_SET_NO,REV_AT_EPOCH,BSTAR,"
        "MEAN_MOTION_DOT,MEAN_MOTION_DDOT",
        "A R/B,1980-001A,2020-01-01T00:00:00,14.80,.001,81,1,2,3,0,U,7,999,1,0,0,0",
        "A R/B,1980-001A,2024-07-01T00:00:00,14.83,.001,81,1,2,3,0,U,7,999,1,0,0,0",
    ]
    file = tmp_path / "gp.csv"
    file.write_text("\n".join(rows) + "\n", encoding="ascii")
    track = _catalog_track(file, np.array([9]))
    order = np.argsort(track.year)
    assert track.norad_id.tolist() == [7, 7]
    assert track.year[order] == pytest.approx([2020.0, 2024.5], abs=0.01)
    assert not track.kept.any()
    a, lower = track.a_km[order]
    assert a == pytest.approx((EARTH.mu_km3_s2 * (86400.0 / (14.80 * 2.0 * np.pi)) ** 2) ** (1.0 / 3.0), abs=10.0)
    assert a - lower == pytest.approx(a * 2.0 / 3.0 * 0.03 / 14.815, rel=0.01)


@pytest.mark.slow
def test_mocat_populations() -> None:
    """SL-16 stages (above 8 t at 71 degrees) sink faster than their cross-sections say, SL-14 slower."""
    files = [DATA / "mocat_mc" / f"{year}.mat" for year in (2020, 2010, 2015)]
    weather = DATA / "space_weather" / "sw19571001.txt"
    for file in (*files, weather):
        if not file.is_file():
            pytest.skip(f"{file} is not there")
    document = {
        "population": {"source": "mocat", "path": str(files[0])},
        "environment": {"solar": {"model": "bootstrap", "space_weather": str(weather)}},
    }
    table = initial_population(study_from_document(document, folder=files[0].parent, where="study").scenarios[0])
    document["population"] |= {"ballistic": "fitted", "histories": [f.name for f in files[1:]]}
    fitted = initial_population(study_from_document(document, folder=files[0].parent, where="study").scenarios[0])
    factor = fitted.area_to_mass / table.area_to_mass
    stage = (table.kind == Kind.ROCKET_BODY) & (table.a_km < EARTH.radius_km + 900.0)
    inc = np.degrees(table.inc_rad)
    assert 1.1 < np.median(factor[stage & (table.mass_kg > 8000.0) & (np.abs(inc - 71.0) < 0.1)]) < 1.5
    assert 0.45 < np.median(factor[stage & (np.abs(table.mass_kg - 1388.0) < 3.0) & (np.abs(inc - 82.5) < 0.3)]) < 0.7
