"""The catalogue type: columns, selection, digest, summary."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import xarray as xr

from stmgpu.catalog import Catalog, synthetic_catalog
from stmgpu.catalog.catalog import COLUMNS
from stmgpu.errors import InputError
from stmgpu.time import Epoch

ONE = {
    "norad_id": [7, 8],
    "epoch_jd": 2460676.5,
    "epoch_fr": [0.25, 0.5],
    "mean_motion": 0.066,
    "eccentricity": 0.001,
    "inclination": 1.7,
    "raan": 0.1,
    "argp": 0.2,
    "mean_anomaly": 0.3,
    "bstar": 1e-5,
}


def test_from_columns_fills_and_broadcasts() -> None:
    cat = Catalog.from_columns(**ONE)
    assert len(cat) == 2
    assert cat.norad_id.dtype == np.int64
    assert cat.classification.tolist() == ["U", "U"]
    assert np.isnan(cat.mass_kg).all()
    assert cat.mean_motion.tolist() == [0.066, 0.066]


def test_one_epoch_for_all() -> None:
    columns = {k: v for k, v in ONE.items() if not k.startswith("epoch")}
    cat = Catalog.from_columns(**columns, epoch="2025-01-01T06:00:00")
    assert (cat.epoch_jd[1], cat.epoch_fr[1]) == (2460676.5, 0.25)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        ({"eccentricity": 1.0}, "eccentricity is 1, allowed is"),
        ({"eccentricity": np.nan}, "eccentricity is nan"),
        ({"mean_motion": 0.0}, "mean motion"),
        ({"mean_motion": np.inf}, "mean motion"),
        ({"inclination": 3.2}, "inclination"),
        ({"raan": -0.1}, "right ascension"),
        ({"argp": 6.4}, "perigee"),
        ({"mean_anomaly": 7.0}, "anomaly"),
        ({"bstar": np.inf}, r"B\*"),
        ({"epoch_jd": 2460676.0}, "midnight"),
        ({"epoch_fr": 1.0}, "fraction"),
        ({"norad_id": [7, 0]}, "NORAD id is 0"),
        ({"norad_id": [7, 10**9]}, "1 to 999999999"),
        ({"norad_id": [7, 7]}, "more than once"),
        ({"norad_id": [7.5, 8]}, "whole numbers"),
        ({"norad_id": ["x", 8]}, "norad_id"),
        ({"mass_kg": -1.0}, "mass"),
        ({"hard_body_radius_m": 0.0}, "hard-body radius"),
        ({"object_type": "SHIP"}, "object type"),
        ({"classification": "X"}, "classification"),
        ({"name": ["a\nb", "c"]}, "name"),
        ({"raan": [0.1, 0.2, 0.3]}, "one n"),
        ({"raan": [[0.1, 0.2]]}, "one n"),
        ({"colour": 1}, "unknown"),
    ],
)
def test_from_columns_refuses(edit: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Catalog.from_columns(**{**ONE, **edit})


def test_from_columns_names_what_is_missing() -> None:
    with pytest.raises(InputError, match=r"missing \['bstar'\]"):
        Catalog.from_columns(**{k: v for k, v in ONE.items() if k != "bstar"})


def test_full_circle_is_allowed() -> None:
    cat = Catalog.from_columns(**{**ONE, "raan": 360.0 * (np.pi / 180.0), "inclination": 180.0 * (np.pi / 180.0)})
    assert len(cat) == 2


def test_selection() -> None:
    cat = synthetic_catalog(50, seed=2)
    mask = cat.eccentricity < np.median(cat.eccentricity)
    assert cat[mask].norad_id.tolist() == cat.norad_id[mask].tolist()
    assert cat[[3, 1]].norad_id.tolist() == [4, 2]
    assert len(cat[::7]) == 8
    assert cat[5].norad_id.tolist() == [6]
    assert len(cat[np.zeros(50, bool)]) == 0
    assert cat[xr.DataArray(mask, dims="object")].equals(cat[mask])
    assert cat[::2].raan.flags.c_contiguous
    for key in (99, np.zeros(3, bool), "x", [[0, 1], [1, 2]]):
        with pytest.raises(InputError):
            cat[key]
    assert cat.index_of(20) == 19
    with pytest.raises(InputError, match="not in the catalogue"):
        cat.index_of(51)


def test_columns_cannot_be_written() -> None:
    cat = synthetic_catalog(5)
    with pytest.raises(ValueError, match="read-only"):
        cat.raan[0] = 1.0


def test_the_callers_arrays_stay_writable() -> None:
    raan = np.array([0.1, 0.2])
    Catalog.from_columns(**{**ONE, "raan": raan})
    raan[0] = 0.3


def test_xarray_has_units_and_long_names() -> None:
    dataset = synthetic_catalog(5).to_xarray()
    assert set(COLUMNS) | {"epoch"} == set(dataset.variables)
    for name, variable in dataset.variables.items():
        assert variable.attrs["long_name"], name
        assert "units" in variable.attrs or name == "epoch"
    assert dataset.epoch.dtype == "datetime64[ns]"


def test_median_epoch_is_one_of_the_epochs() -> None:
    cat = Catalog.from_columns(**ONE)
    assert cat.median_epoch() == Epoch(2460676.5, 0.25)
    with pytest.raises(InputError, match="empty"):
        cat[[]].median_epoch()


def test_summary_counts_regimes_and_ages() -> None:
    rev = np.array([15.5, 2.0, 1.0027, 2.3, 12.5]) / 720.0 * np.pi
    cat = Catalog.from_columns(
        **{
            **ONE,
            "norad_id": np.arange(1, 6),
            "epoch_fr": [0.0, 0.1, 0.2, 0.3, 0.5],
            "mean_motion": rev,
            "eccentricity": [0.001, 0.001, 0.0, 0.7, 0.001],
        }
    )
    summary = cat.summary()
    assert summary["regimes"] == {"LEO": 2, "MEO": 1, "GEO": 1, "HEO": 1}
    assert summary["deep_space"] == 3
    assert summary["epoch_first"] == "2025-01-01T00:00:00.000000Z"
    assert summary["age_days"]["max"] == pytest.approx(0.5)
    assert cat.summary(at="2025-01-02")["age_days"]["max"] == pytest.approx(1.0)


def test_digest_follows_the_physics() -> None:
    cat = Catalog.from_columns(**ONE)
    assert cat.digest() == Catalog.from_columns(**ONE, name=["x", "y"], rev_at_epoch=5, source="s").digest()
    assert cat.digest() != Catalog.from_columns(**{**ONE, "bstar": 2e-5}).digest()
    assert cat.digest() != cat[::-1].digest()


def test_pickle_keeps_all() -> None:
    cat = synthetic_catalog(5)
    again = pickle.loads(pickle.dumps(cat))  # noqa: S301
    assert again.equals(cat)
    assert again.digest() == cat.digest()
