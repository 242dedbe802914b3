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
