"""The real catalogues beside the checkout, against the published SGP4 code's own readers, to the last bit."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from sgp4 import omm
from sgp4.api import Satrec
from support.paths import SHARED

from stmgpu.catalog import Catalog, format_catalog, orbits, read_catalog
from stmgpu.errors import CatalogError

TLE = SHARED / "data" / "catalogs" / "2024-07-05.tle"
CSV = SHARED / "data" / "catalogs" / "2024-11-01_omm.csv"

pytestmark = pytest.mark.skipif(not (TLE.is_file() and CSV.is_file()), reason="the real catalogues are not here")

SGP4_NAMES = {
    "mean_motion": "no_kozai", "eccentricity": "ecco", "inclination": "inclo", "raan": "nodeo", "argp": "argpo",
    "mean_anomaly": "mo", "bstar": "bstar", "mean_motion_dot": "ndot", "mean_motion_ddot": "nddot",
    "epoch_jd": "jdsatepoch", "epoch_fr": "jdsatepochF", "element_set_no": "elnum", "rev_at_epoch": "revnum",
}  # fmt: skip


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="ascii").splitlines()


def _theirs(records: list[Satrec], column: str) -> np.ndarray:
    return np.array([getattr(record, SGP4_NAMES[column]) for record in records])


@pytest.fixture(scope="module")
def from_tle() -> Catalog:
    return read_catalog(TLE)


@pytest.fixture(scope="module")
def tle_records() -> list[Satrec]:
    lines = _lines(TLE)
    return [Satrec.twoline2rv(one, two) for one, two in zip(lines[::2], lines[1::2], strict=True)]


def test_tle_bits(from_tle: Catalog, tle_records: list[Satrec]) -> None:
    assert len(from_tle) == len(tle_records) == 26_389
    assert from_tle.rejected == ()
    assert from_tle.norad_id.tolist() == [record.satnum for record in tle_records]
    for column in SGP4_NAMES:
        np.testing.assert_array_equal(getattr(from_tle, column), _theirs(tle_records, column), err_msg=column)


def test_models_agree(from_tle: Catalog, tle_records: list[Satrec]) -> None:
    period = orbits.sgp4_period_min(from_tle.mean_motion, from_tle.eccentricity, from_tle.inclination)
    assert np.array_equal(period >= 225.0, [record.method == "d" for record in tle_records])


def test_tle_summary(from_tle: Catalog) -> None:
    summary = from_tle.summary()
    share = {name: count / len(from_tle) for name, count in summary["regimes"].items()}
    assert share == pytest.approx({"LEO": 0.82, "MEO": 0.035, "GEO": 0.06, "HEO": 0.08}, abs=0.01)
    assert summary["epoch_median"].startswith("2024-07-05T")


def test_tle_text_comes_back(from_tle: Catalog) -> None:
    """Every byte, down to the signs of zeros."""
    assert format_catalog(from_tle, "tle") == TLE.read_bytes()


@pytest.mark.slow
def test_csv_bits() -> None:
    catalog = read_catalog(CSV)
    assert len(catalog) == 26_834
    assert catalog.rejected == ()
    records = []
    with CSV.open(newline="", encoding="utf-8") as file:
        for fields in csv.DictReader(file):
            record = Satrec()
            omm.initialize(record, fields)
            records.append(record)
    for column in SGP4_NAMES:
        if column == "epoch_fr":  # they sum it up in days since 1949, which costs it 4e-12 d
            np.testing.assert_allclose(catalog.epoch_fr, _theirs(records, column), rtol=0.0, atol=1e-11)
        else:
            np.testing.assert_array_equal(getattr(catalog, column), _theirs(records, column), err_msg=column)


@pytest.mark.slow
def test_csv_round_trip() -> None:
    catalog = read_catalog(CSV)
    assert read_catalog(format_catalog(catalog, "csv")).equals(catalog)


FIELD_CASES = SHARED / "data" / "field_cases"
needs_field_cases = pytest.mark.skipif(
    not FIELD_CASES.is_dir(), reason=f"the field cases are not beside this checkout ({FIELD_CASES})"
)


@needs_field_cases
@pytest.mark.parametrize(
    ("name", "objects", "rejected"),
    [
        ("name_utf8.3le", 2, 0), ("tle_columns_after_69.tle", 2, 0), ("tle_no_checksum_68.tle", 2, 0),
        ("epoch_offset.json", 5, 1), ("c_pandas.csv", 2, 0), ("c_pandas_tz.csv", 2, 0), ("t_bz.tle.bz2", 2, 0),
        ("t_xz.tle.xz", 2, 0), ("t_zip.zip", 2, 0), ("theory_tle.xml", 1, 0),
    ],
)  # fmt: skip
def test_field_cases(name: str, objects: int, rejected: int) -> None:
    cat = read_catalog(FIELD_CASES / name)
    assert (len(cat), cat.rejected_count) == (objects, rejected)


@needs_field_cases
@pytest.mark.parametrize("name", ["cdm_minimal.kvn", "cdm_public_like.json"])
def test_field_cases_of_encounters(name: str) -> None:
    with pytest.raises(CatalogError, match=r"Conjunction Data Messages? \(CDM\)"):
        read_catalog(FIELD_CASES / name)


PEOPLE_CASES = SHARED / "data" / "people_cases"


@pytest.mark.skipif(not PEOPLE_CASES.is_dir(), reason=f"the cases are not beside this checkout ({PEOPLE_CASES})")
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("tle_11_2047_ctrl.tle", r"object \\x004767"), ("3le_11_4863_ctrl.tle", r"object 0476\\x00"),
        ("json_3e6_empty_objects.json.gz", "200 times larger when unpacked"),
    ],
)  # fmt: skip
def test_people_cases(name: str, message: str) -> None:
    with pytest.raises(CatalogError, match=message) as caught:
        read_catalog(PEOPLE_CASES / name)
    assert str(caught.value).isprintable()
