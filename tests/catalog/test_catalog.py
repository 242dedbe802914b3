"""The catalogue type: columns, selection, digest, summary."""

from __future__ import annotations

import dataclasses
import pickle
import re

import numpy as np
import pytest
import xarray as xr

from stmgpu.catalog import Catalog, synthetic_catalog
from stmgpu.catalog.columns import COLUMNS, DERIVED
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


def test_xarray_has_cf_attributes() -> None:
    cat = synthetic_catalog(5)
    dataset = cat.to_xarray()
    assert set(COLUMNS) | set(DERIVED) | {"epoch"} == set(dataset.variables)
    assert dataset.attrs["Conventions"] == "CF-1.11"
    for name, variable in dataset.variables.items():
        assert variable.attrs["long_name"], name
        is_number = variable.dtype.kind in "if"
        assert ("units" in variable.attrs) == is_number, name
        assert not set("^/") & set(variable.attrs.get("units", "")), name
    assert dataset.epoch.dtype == "datetime64[ns]"
    assert set(dataset.coords) == {"norad_id", "name", "epoch"}
    np.testing.assert_array_equal(dataset.perigee_km, cat.perigee_km)
    assert dataset.where(dataset.regime == "GEO", drop=True).sizes["object"] == int((cat.regime == "GEO").sum())


def test_dataframe_has_the_objects_in_their_order() -> None:
    cat = synthetic_catalog(20, seed=3)
    frame = cat.to_dataframe()
    assert list(frame.columns[:3]) == ["norad_id", "name", "epoch"]
    assert set(frame.columns) == set(COLUMNS) | set(DERIVED) | {"epoch"}
    assert len(frame) == len(cat)
    for name in frame.columns:
        np.testing.assert_array_equal(frame[name].to_numpy(), getattr(cat, name), err_msg=name)
    assert frame[frame.regime == "LEO"].index.tolist() == np.flatnonzero(cat.regime == "LEO").tolist()
    assert len(cat[[]].to_dataframe()) == 0


def test_derived_columns() -> None:
    """ISS-like, GPS-like and geostationary orbits: periods and heights from any textbook, to their digits."""
    rev = np.array([15.5, 2.00565, 1.0027379])
    cat = Catalog.from_columns(
        **{
            **ONE,
            "norad_id": [1, 2, 3],
            "epoch_fr": 0.0,
            "mean_motion": rev / 720.0 * np.pi,
            "eccentricity": [0.0, 0.01, 0.0],
        }
    )
    np.testing.assert_allclose(cat.period_min, 1440.0 / rev, rtol=1e-14)
    np.testing.assert_allclose(cat.perigee_km[[0, 2]], [416.0, 35_786.0], atol=2.0)
    np.testing.assert_allclose((cat.perigee_km[1] + cat.apogee_km[1]) / 2.0, 20_182.0, atol=2.0)
    np.testing.assert_allclose(cat.apogee_km[1] - cat.perigee_km[1], 0.02 * 26_560.0, rtol=1e-3)
    assert cat.regime.tolist() == ["LEO", "MEO", "GEO"]


def test_select_by_id() -> None:
    cat = synthetic_catalog(50, seed=2)
    assert cat.sel(norad_id=7).norad_id.tolist() == [7]
    assert cat.sel(norad_id=[40, 3, 40]).norad_id.tolist() == [40, 3]
    assert cat.sel(norad_id=np.array([9], np.int32)).norad_id.tolist() == [9]
    assert len(cat.sel(norad_id=[])) == 0
    with pytest.raises(InputError, match="object 51 is not in the catalogue of 50 objects"):
        cat.sel(norad_id=[1, 51])
    for wrong in ("7", [1.5], True, [[1, 2]], None):
        with pytest.raises(InputError, match=r"norad_id|nothing to select by"):
            cat.sel(norad_id=wrong)


NAMES = ["ISS (ZARYA)", "iss deb", "COSMOS 1", "A*B", "[X]", "ÉTOILE\u2028"]


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("ISS*", NAMES[:2]),
        ("iss (zarya)", NAMES[:1]),
        ("*o*", ["COSMOS 1", "ÉTOILE\u2028"]),
        ("COSMOS ?", NAMES[2:3]),
        ("?[*]?", ["A*B"]),
        ("[[]X]", ["[X]"]),
        ("étoile?", NAMES[5:]),
        ("*", NAMES),
    ],
)
def test_select_by_name(pattern: str, names: list[str]) -> None:
    cat = dataclasses.replace(synthetic_catalog(len(NAMES)), name=np.array(NAMES))
    assert cat.sel(name=pattern).name.tolist() == names


def test_select_by_name_needs_a_match() -> None:
    cat = synthetic_catalog(30)
    assert cat.sel(norad_id=[1, 2, 25], name="*2?").norad_id.tolist() == [25]
    for pattern in ("ISS", "", "(a+)+$", "[", "*" * 50 + "!"):
        with pytest.raises(InputError, match="none of 30 names matches"):
            cat.sel(name=pattern)
    with pytest.raises(InputError, match="nothing to select by; give norad_id or name"):
        cat.sel()


def test_membership_is_by_id() -> None:
    cat = synthetic_catalog(30)
    assert 30 in cat
    assert np.int64(1) in cat
    for other in (0, 31, "1", "SYN-00001", True, None, 1.0):
        assert other not in cat


def test_an_index_out_of_range_names_sel() -> None:
    cat = synthetic_catalog(30)
    assert cat[25].norad_id.tolist() == [26]
    assert cat[-1].norad_id.tolist() == [30]
    for key in (25544, np.int64(30), [0, 25544]):
        with pytest.raises(InputError, match=r"by position, 0 to 29 .*sel\(norad_id=\.\.\.\)"):
            cat[key]
    assert [one.norad_id.tolist() for one in cat[:3]] == [[1], [2], [3]]


def test_html_is_short_and_escaped() -> None:
    hostile = "<script>alert('x')</script><img src=x onerror=\"y\">&"
    cat = dataclasses.replace(
        synthetic_catalog(500), name=np.full(500, hostile), object_type=np.full(500, hostile), source=hostile
    )
    html = cat._repr_html_()
    for part in ("<script", "<img", 'onerror="', "alert('", "&<"):
        assert part not in html
    assert html.count("&lt;script&gt;") >= 11
    assert html.count("<tr>") == 12
    assert "Catalog: 500 objects" in html
    assert len(html) < 20_000
    assert synthetic_catalog(3)._repr_html_().count("<tr>") == 4
    assert Catalog.empty()._repr_html_().count("<tr>") == 1
    tags = set(re.findall(r"</?(\w+)", html))
    assert tags == {"div", "table", "thead", "tbody", "tr", "th", "td"}


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
