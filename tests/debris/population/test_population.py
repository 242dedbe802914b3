"""Readers of populations, what they fill in, and what they refuse."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.io import savemat
from support.paths import SHARED

from stmgpu.catalog import format_catalog
from stmgpu.catalog.synthetic import synthetic_catalog
from stmgpu.debris.population import FILLED_AREA, FILLED_DATE, FILLED_MASS, FILLED_RADIUS, Kind
from stmgpu.debris.population.assembly import assemble, perigee_km, select
from stmgpu.debris.population.from_catalog import read_gp
from stmgpu.debris.population.from_table import read_table
from stmgpu.debris.population.sources import load_population, read_cascade, read_mocat
from stmgpu.debris.specs import PopulationSpec
from stmgpu.errors import InputError
from stmgpu.propagate.kepler import states_of
from stmgpu.time import jd_of_year

DATA = SHARED / "data" / "debris"


def rng():
    return np.random.default_rng(11)


# ---------------------------------------------------------------------------------------------- MOCAT-MC
def mocat(path, **changes):
    """A file of 11 objects, one of each class 1 to 11, unless ``changes`` (column: values) say otherwise."""
    sats = np.zeros((11, 24))
    sats[:, 0], sats[:, 1], sats[:, 2] = 1.125, 0.001, 1.7
    sats[:, 3] = sats[:, 5] = 0.25 * np.arange(11)
    sats[:, 4] = 1.0
    sats[:, 7], sats[:, 8] = 100.0, 0.5
    sats[:, 14] = np.nan
    sats[:, 15], sats[:, 22], sats[:, 23] = jd_of_year(2015.0), np.arange(1, 12), 1000 + np.arange(11)
    for column, values in changes.items():
        sats[:, int(column[1:])] = values
    savemat(path, {"mat_sats": sats})
    return path


def test_classes_of_mocat(tmp_path):
    population = read_mocat(mocat(tmp_path / "2020.mat"), rng())
    assert population.epoch_year == 2020.0
    u = Kind.UNATTRIBUTED
    assert population.kind.tolist() == [
        Kind.ACTIVE,
        Kind.MISSION_RELATED,
        u,
        u,
        Kind.ROCKET_BODY,
        Kind.MISSION_RELATED,
        u,
        u,
        u,
        u,
        u,
    ]
    np.testing.assert_allclose(population.a_km, 1.125 * 6378.137)
    np.testing.assert_allclose(population.mean_rad, 0.25 * np.arange(11))
    assert not np.isclose(population.raan_rad, population.mean_rad, atol=1e-3).any()  # column 4 is not the node
    np.testing.assert_allclose(population.area_to_mass, np.pi * 0.25 / 100.0)
    np.testing.assert_allclose(population.launch_year, 2015.0)
    assert population.mission_end_year[0] == pytest.approx(2023.0)
    assert not population.filled.any()
    assert any("does not say whether a collision or an explosion" in note for note in population.notes)


def test_payloads_are_active_for_their_life(tmp_path):
    changes = {
        "c22": 1,
        "c15": jd_of_year(np.array([2000.0, 2011.9, 2012.1, 2019.0, 2016.0, 1998.9, *[2000.0] * 5])),
        "c10": [0] * 10 + [1],
        "c12": [0, 0, 0, 0, 3.0, *[0] * 6],
        "c7": [100.0] * 3 + [4.0, 100, 450_000.0] + [100.0] * 5,
    }
    population = read_mocat(mocat(tmp_path / "2020.mat", **changes), rng())
    active = population.kind == Kind.ACTIVE
    # 8.1 years old, 7.9 years old, new; a life of three years is stated; a crewed station; stated to be controlled
    assert active.tolist()[:6] == [False, False, True, True, False, True]
    assert active[10]
    assert 2020.0 < population.mission_end_year[10] <= 2028.0
    assert population.controlled.tolist()[:4] == [0, 0, 1, 0]  # 4 kg carry no engine
    assert (population.mission_end_year[~active] <= 2020.0).all()
    short = read_mocat(mocat(tmp_path / "2020.mat", **changes), rng(), mission_years=2.0)
    assert (short.kind == Kind.ACTIVE).tolist()[:4] == [False, False, False, True]


def test_constellations_of_mocat(tmp_path):
    changes = {
        "c22": [1] * 10 + [5],
        "c15": jd_of_year(2019.9),
        "c7": [260.0] * 4 + [148.0] * 3 + [261.0] * 3 + [260.0],
    }
    population = read_mocat(mocat(tmp_path / "2023.mat", **changes), rng())
    assert population.constellation.tolist() == [0] * 4 + [1] * 3 + [-1] * 4
    assert population.mission_end_year[0] == pytest.approx(2024.9)
    assert any("4 Starlink and 3 OneWeb" in note for note in population.notes)


def test_gaps_of_mocat(tmp_path):
    changes = {
        "c7": [100.0] * 2 + [0.0] * 2 + [100.0] * 7,
        "c15": [*jd_of_year(np.full(10, 2015.0)), np.nan],
        "c22": [*range(1, 11), np.nan],
    }
    population = read_mocat(mocat(tmp_path / "2020.mat", **changes), rng())
    assert population.filled.tolist()[2:4] == [FILLED_MASS | FILLED_AREA] * 2
    assert population.filled[10] == FILLED_DATE
    assert population.launch_year[10] == 2000.0
    text = " ".join(population.notes)
    assert "mass of 2 from these" in text
    assert "launch date of 1 taken as 20 years before the epoch" in text
    assert "1 objects without a class" in text


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"c1": [0.001] * 10 + [1.2]}, r"eccentricity of row 11 of mat_sats \(NORAD id 1010\) is 1\.2"),
        ({"c7": [100.0] * 4 + [-3.0] + [100.0] * 6}, r"mass_kg of row 5 .* is -3"),
        ({"c0": [1.1] * 3 + [np.nan] + [1.1] * 7}, r"a_km of row 4 .* is nan"),
        ({"c2": [1.0, 4.0] + [1.0] * 9}, r"inclination \[deg\] of row 2 .* is 229\.18"),
        ({"c0": 0.9}, r"height of the apogee .* row 1 .*and 10 more"),
        ({"c22": [1] * 10 + [12]}, r"class in row 11 of mat_sats is 12"),
    ],
)
def test_what_cannot_be_is_refused_by_row(tmp_path, changes, message):
    with pytest.raises(InputError, match=message):
        read_mocat(mocat(tmp_path / "2020.mat", **changes), rng())


def test_files_that_are_no_population_of_mocat(tmp_path):
    with pytest.raises(InputError, match="cannot read the population"):
        read_mocat(tmp_path / "2020.mat", rng())
    (tmp_path / "2021.mat").write_text("no MATLAB file")
    with pytest.raises(InputError, match="no MATLAB file"):
        read_mocat(tmp_path / "2021.mat", rng())
    savemat(tmp_path / "2022.mat", {"mat_sats": np.zeros((3, 5))})
    with pytest.raises(InputError, match=r"mat_sats is \(3, 5\)"):
        read_mocat(tmp_path / "2022.mat", rng())
    with pytest.raises(InputError, match="does not begin with the year"):
        read_mocat(mocat(tmp_path / "population.mat"), rng())
    assert read_mocat(mocat(tmp_path / "population.mat"), rng(), year=2020.0).epoch_year == 2020.0


@pytest.mark.parametrize(("year", "count"), [(2000, 5_847), (2010, 10_213), (2020, 14_041), (2023, 19_085)])
def test_published_counts_of_mocat(year, count):
    """Perigees from 200 to 2,000 km: the counts that MOCAT-MC's authors give for their populations."""
    file = DATA / "mocat_mc" / f"{year}.mat"
    if not file.is_file():
        pytest.skip(f"{file} is not there")
    population = load_population(PopulationSpec(source="mocat", path=file, seed=1))
    height = perigee_km(population)
    assert (height >= 200.0).sum() == count
    assert height.max() < 2000.0
    if year == 2023:
        inside = population[height >= 200.0]
        assert (inside.kind <= Kind.DERELICT).sum() == 7_911
        assert (inside.kind == Kind.ROCKET_BODY).sum() == 1_111
        assert (inside.kind == Kind.MISSION_RELATED).sum() == 259 + 776
        assert (inside.constellation == 0).sum() == 3_320


# ---------------------------------------------------------------------------------------------- cascade
def cascade(path, radius=(0.15, 0.55, 2.0)):
    elements = (
        [7000.0, 7200.0, 7500.0],
        [0.001, 0.02, 0.1],
        [1.7, 0.9, 1.2],
        [1.0, 2.0, 3.0],
        [0.5, 1.5, 2.5],
        [0.1, 3.0, 5.0],
    )
    r, v = states_of(*elements, 398600.4418)
    rows = np.column_stack([r * 1e3, v * 1e3, radius])
    path.write_text("\n".join(repr(float(x)) for x in rows.ravel()) + "\n")
    return elements


def test_states_of_cascade(tmp_path):
    elements = cascade(tmp_path / "ic.txt")
    population = read_cascade(tmp_path / "ic.txt", rng())
    for name, values in zip(("a_km", "ecc", "inc_rad", "raan_rad", "argp_rad", "mean_rad"), elements, strict=True):
        np.testing.assert_allclose(getattr(population, name), values, rtol=1e-7)
    assert population.radius_m.tolist() == [0.15, 0.55, 2.0]
    assert (population.kind == Kind.UNATTRIBUTED).all()
    assert ((population.filled & FILLED_MASS) > 0).all()
    # 92.937 L^-0.74 pi L^3 / 6 with L = 4 m
    assert population.mass_kg[2] == pytest.approx(92.937 * 4.0**-0.74 * np.pi * 64.0 / 6.0)
    # B* = rho0 C_d A / (2 m) with rho0 = 0.157 kg/m^2 per Earth radius
    b_star = np.array([1e-4, 0.0, -1e-5])
    (tmp_path / "par.txt").write_text("\n".join(str(b / 6378135.0) for b in b_star))
    with_drag = read_cascade(tmp_path / "ic.txt", rng(), par=tmp_path / "par.txt")
    np.testing.assert_allclose(with_drag.area_to_mass, [2.0 * 1e-4 / (0.157 * 2.2), 1e-9, 1e-9])


def test_mistakes_in_files_of_cascade(tmp_path):
    file = tmp_path / "ic.txt"
    with pytest.raises(InputError, match="cannot read"):
        read_cascade(file, rng())
    file.write_text("1\n2\nthree\n")
    with pytest.raises(InputError, match=r"line 3: 'three' is no number"):
        read_cascade(file, rng())
    file.write_text("1\n2\n")
    with pytest.raises(InputError, match="2 numbers; 7 an object"):
        read_cascade(file, rng())
    cascade(file, (0.15, -1.0, 2.0))
    with pytest.raises(InputError, match="line 14: a radius of -1"):
        read_cascade(file, rng())
    cascade(file)
    (tmp_path / "par.txt").write_text("1e-11\n2e-11\n")
    with pytest.raises(InputError, match="2 numbers for the 3 objects"):
        read_cascade(file, rng(), par=tmp_path / "par.txt")
    file.write_text("\n".join(str(float(line) * 1e-3) for line in file.read_text().split()))
    with pytest.raises(InputError, match="m and m/s"):
        read_cascade(file, rng())


def test_published_states_of_cascade():
    file = DATA / "cascade" / "test_ic_19647.txt"
    if not file.is_file():
        pytest.skip(f"{file} is not there")
    population = load_population(PopulationSpec(source="cascade", path=file, max_perigee_km=1e5))
    assert len(population) == 19_647
    np.testing.assert_allclose(
        np.percentile(population.radius_m, [5, 25, 50, 75, 95]), [0.043, 0.069, 0.15, 0.69, 2.0], rtol=0.03
    )


# ---------------------------------------------------------------------------------------------- tables
TABLE = """# epoch = 2025-01-01
norad_id,perigee_km,apogee_km,inc_deg,raan_deg,argp_deg,mean_anomaly_deg,object_type,mass_kg,radius_m,launch_date,owner
1,700,720,98.2,10,20,30,PAYLOAD,500,1.2,2020-06-01,ESA
2,500,500,53,40,50,60,payload,260,2,2005.5,US
3,830,850,71,0,0,0,ROCKET BODY,8226,,1990-01-01,CIS
4,750,900,98.6,0,0,0,collision fragment,,,,PRC
5,780,800,74.0,0,0,0,derelict_payload,56,,2024-01-01,CIS
"""


def test_table(tmp_path):
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
        ("2005.5,US", '2005.5,"U"S', r"line 4: no CSV"),
        ("2,500,500", "2.5,500,500", r"line 4: norad_id is '2\.5'; a whole number"),
    ],
)
def test_mistakes_in_tables(tmp_path, old, new, message):
    file = tmp_path / "objects.csv"
    assert old in TABLE
    file.write_text(TABLE.replace(old, new, 1))
    with pytest.raises(InputError, match=message):
        read_table(file, rng())


def test_tables_that_are_none(tmp_path):
    file = tmp_path / "objects.csv"
    with pytest.raises(InputError, match="cannot read"):
        read_table(file, rng())
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not UTF-8"):
        read_table(file, rng())
    file.write_text("a_km,ecc,inc_deg,object_type\n")
    with pytest.raises(InputError, match="holds no row"):
        read_table(file, rng(), year=2030)


# ---------------------------------------------------------------------------------------------- catalogues
@pytest.fixture
def catalogue(tmp_path):
    catalog = synthetic_catalog(60, seed=4)
    path = tmp_path / "catalog.csv"
    path.write_bytes(format_catalog(catalog, "csv"))
    return path, catalog


def test_catalogue_with_satcat(tmp_path, catalogue):
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
    assert "1 objects that had decayed left out" in text
    assert "2 objects are not in satcat.csv" in text


def test_catalogue_with_a_table_of_sizes(tmp_path, catalogue):
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


def test_types_by_name(tmp_path):
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
    assert "types of 5 objects told by their names" in population.notes


def test_mistakes_with_catalogues(tmp_path, catalogue):
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


# ---------------------------------------------------------------------------------------------- the rest
def test_selection_and_its_notes():
    population = load_population(PopulationSpec(objects=3000, seed=1, max_perigee_km=800.0, min_length_m=0.5))
    assert perigee_km(population).max() < 800.0
    assert population.length_m.min() >= 0.5
    assert any("with perigees at 800 km or higher left out" in note for note in population.notes)
    assert any("shorter than 0.5 m left out" in note for note in population.notes)
    with pytest.raises(InputError, match="nothing is left of"):
        load_population(PopulationSpec(objects=100, max_perigee_km=150.0))
    whole = load_population(PopulationSpec(objects=100, max_perigee_km=1e6))
    assert select(whole).notes == whole.notes


def test_loading_is_repeatable(tmp_path):
    file = mocat(tmp_path / "2020.mat", c7=0.0)
    one, two = (load_population(PopulationSpec(source="mocat", path=file, seed=3)) for _ in range(2))
    np.testing.assert_array_equal(one.raan_rad, two.raan_rad)
    np.testing.assert_array_equal(one.mass_kg, two.mass_kg)
    other = load_population(PopulationSpec(source="mocat", path=file, seed=4))
    assert (one.raan_rad != other.raan_rad).all()


def test_nothing_is_no_population():
    with pytest.raises(InputError, match="no object is in it"):
        assemble(2020.0, {name: np.zeros(0) for name in ("kind", "a_km", "ecc", "inc_rad")}, rng(), "empty")
