"""Assessment of conjunctions: against sgp4 and the functions on arrays, row by row, and what no row may depend on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr
from sgp4.api import WGS72, Satrec
from support.stores import small_catalog

import stmgpu as stm
from stmgpu.backend import Backend
from stmgpu.catalog.trajectories import Trajectories
from stmgpu.errors import InputError
from stmgpu.risk import encounter_geometry, encounter_probability, maximum_probability
from stmgpu.risk.covariance import covariance_source
from stmgpu.risk.triage import lines as triage_lines
from stmgpu.risk.triage import triage
from stmgpu.risk.variables import FLAGS, METHODS, VARIABLES
from stmgpu.time import from_datetime64
from stmgpu.typing import Floats

START = "2025-01-01T03:20:00"
ASSUMED: dict[str, Any] = {"covariance": "rtn:1000,3000,1000", "radii": "fixed:20"}


@pytest.fixture(scope="module")
def catalog() -> stm.Catalog:
    return small_catalog()


@pytest.fixture(scope="module")
def conjunctions(catalog: stm.Catalog) -> xr.Dataset:
    return stm.screen(catalog, start=START, hours=6, threshold_km=20.0)


def bytes_of(ds: xr.Dataset) -> dict[str, bytes]:
    return {name: ds[name].values.tobytes() for name in VARIABLES if name in ds and ds[name].dtype.kind != "U"}


def state_of(catalog: stm.Catalog, norad_id: int, time: np.datetime64) -> Floats:
    """State by the sgp4 package alone [km, km/s]."""
    (k,) = np.flatnonzero(catalog.norad_id == norad_id)
    satrec = Satrec()
    days = catalog.epoch_jd[k] - 2433281.5 + catalog.epoch_fr[k]
    names = ("bstar", "mean_motion_dot", "mean_motion_ddot", "eccentricity", "argp", "inclination", "mean_anomaly")
    values = [float(getattr(catalog, name)[k]) for name in (*names, "mean_motion", "raan")]
    satrec.sgp4init(WGS72, "i", int(k), days, *values)
    code, position, velocity = satrec.sgp4(*(float(part) for part in from_datetime64(time)))
    assert code == 0
    return np.array([*position, *velocity])


def test_each_row_against_sgp4_and_the_functions_on_arrays(
    catalog: stm.Catalog, conjunctions: xr.Dataset, backend: Backend
) -> None:
    rows = conjunctions.isel(conjunction=slice(None, None, max(1, conjunctions.sizes["conjunction"] // 25)))
    risks = stm.assess(rows, catalog, **ASSUMED, backend=backend.name)
    covariance = np.diag([1e6, 9e6, 1e6])
    valid = 0
    for k in range(rows.sizes["conjunction"]):
        row, risk = rows.isel(conjunction=k), risks.isel(conjunction=k)
        one, two = (state_of(catalog, int(row[who]), row.tca.values) for who in ("primary", "secondary"))
        event = (one[:3], one[3:], covariance, two[:3], two[3:], covariance, [20.0])
        found = encounter_geometry(*event, backend="reference")
        plane = [getattr(found, name)[0] for name in ("miss_major_m", "miss_minor_m", "sigma_major_m", "sigma_minor_m")]
        names = ("miss_major", "miss_minor", "sigma_major", "sigma_minor")
        np.testing.assert_allclose([float(risk[name]) for name in names], plane, rtol=1e-7, atol=1e-3)
        largest, scale = maximum_probability(*plane, 20.0, backend="reference")
        assert float(risk.pc_max) == pytest.approx(float(largest), rel=1e-5)
        assert float(risk.pc_max_sigma) == pytest.approx(float(scale) * plane[3], rel=1e-4)
        assert int(risk.diluted) == (scale < 1.0)
        assert float(risk.approach_angle) == pytest.approx(np.degrees(found.angle_rad[0]), rel=1e-7)
        if int(risk.pc_method):
            valid += 1
            exact = encounter_probability(*event, backend="reference")[0]
            assert float(risk.pc) == float(risk.pc_lower) == float(risk.pc_upper)
            assert float(risk.pc) == pytest.approx(exact, rel=1e-5)
        else:
            assert np.isnan(risk.pc)
            assert int(risk.pc_flags)
    assert valid > 10


def test_a_number_never_stands_alone(catalog: stm.Catalog, conjunctions: xr.Dataset) -> None:
    risks = stm.assess(conjunctions, catalog, radii="socrates")
    assert set(VARIABLES) <= set(risks.variables)
    known = np.isfinite(risks.pc.values)
    assert known.any()
    assert (known == (risks.pc_method.values != 0)).all()
    assert (known | (risks.pc_flags.values != 0)).all()
    for name in ("hard_body_source", "covariance_source_1", "covariance_source_2"):
        assert (risks[name].values != "").all()
    pc = risks.pc.values[known]
    assert ((pc >= 0.0) & (pc <= risks.pc_max.values[known] * (1.0 + 1e-9))).all()
    valid = risks.pc_method.values != 0
    codes, reasons = triage(risks.pc, risks.pc_max, risks.diluted == 1, valid, triage_lines("cara"))
    assert (risks.triage.values == codes).all()
    assert (risks.triage_reason.values == reasons).all()
    ages = conjunctions.primary_epoch_age_days.values
    np.testing.assert_allclose(risks.covariance_age_1.values, ages, rtol=0, atol=1e-9)
    assert risks.attrs["covariance_model"] == covariance_source("tle").name
    assert "do not suffice" in risks.attrs["covariance_notice"]
    for name in (name for name in VARIABLES if name in risks):
        attrs = risks[name].attrs
        assert attrs["long_name"]
        assert "units" in attrs or "flag_meanings" in attrs or risks[name].dtype.kind == "U"
    assert risks.pc_flags.attrs["flag_meanings"].split() == list(FLAGS.values())
    assert risks.pc_method.attrs["flag_meanings"].split() == list(METHODS.values())
    xr.testing.assert_identical(risks[list(conjunctions.variables)].drop_attrs(), conjunctions.drop_attrs())


def test_no_row_depends_on_the_others(catalog: stm.Catalog, conjunctions: xr.Dataset, kernel_backend: Backend) -> None:
    """The same bytes in any order and in any parts."""
    options: dict[str, Any] = {"radii": "socrates", "backend": kernel_backend.name}
    some = conjunctions.isel(conjunction=slice(0, 300))
    whole = stm.assess(some, catalog, **options)
    order = np.random.default_rng(3).permutation(some.sizes["conjunction"])
    shuffled = stm.assess(some.isel(conjunction=order), catalog, **options)
    assert bytes_of(shuffled) == bytes_of(whole.isel(conjunction=order))
    for k in (0, 7):
        part = slice(k, k + 1 + 2 * k)
        alone = stm.assess(some.isel(conjunction=part), catalog, **options)
        assert bytes_of(alone) == bytes_of(whole.isel(conjunction=part))


def test_the_forecast_follows_the_age_of_the_elements(catalog: stm.Catalog, conjunctions: xr.Dataset) -> None:
    """Elements younger than the decision stay as they are, so that it is made already; older ones leave it open."""
    now = stm.assess(conjunctions, catalog, decision_hours=720.0, lines="1e-6")
    known = np.isfinite(now.pc.values)
    clear = known & (np.abs(now.pc.values - 1e-6) > 1e-12)
    np.testing.assert_allclose(now.p_act.values[clear], (now.pc.values >= 1e-6)[clear], rtol=0, atol=1e-6)
    assert (np.isnan(now.p_act.values) == ~known).all()
    later = stm.assess(conjunctions, catalog, decision_hours=1.0, lines="1e-6")
    old = known & (conjunctions.primary_epoch_age_days.values > 0.1)
    assert ((later.p_act.values[old] > 0.0) & (later.p_act.values[old] < 1.0)).any()
    assert later.attrs["decision_hours"] == 1.0


def test_assessing_again_replaces(catalog: stm.Catalog, conjunctions: xr.Dataset) -> None:
    once = stm.assess(conjunctions, catalog, **ASSUMED)
    again = stm.assess(stm.assess(conjunctions, catalog), catalog, **ASSUMED)
    xr.testing.assert_identical(once, again)


def test_trajectories_have_states_and_no_covariance_of_element_sets(catalog: stm.Catalog) -> None:
    ephemeris = Trajectories.from_dataset(stm.propagate(catalog[:40], START, hours=6, step_s=60))
    con = stm.screen(catalog, ephemeris=ephemeris, start=START, hours=5, threshold_km=50.0)
    assert con.sizes["conjunction"] > 20
    risks = stm.assess(con, catalog, ephemeris=ephemeris)
    assert np.isnan(risks.pc.values).all()
    assert (risks.pc_flags.values & next(bit for bit, word in FLAGS.items() if word == "covariance_missing")).all()
    one_missing = np.isnan(risks.covariance_age_1.values) != np.isnan(risks.covariance_age_2.values)
    assert one_missing.any()
    assert (risks.pc_max.values[one_missing] >= 0.0).all()
    assumed = stm.assess(con, catalog, ephemeris=ephemeris, **ASSUMED)
    assert np.isfinite(assumed.pc.values).any()


def test_without_conjunctions(catalog: stm.Catalog) -> None:
    con = stm.screen(catalog, start=START, hours=1, threshold_km=20.0).isel(conjunction=slice(0, 0))
    risks = stm.assess(con, catalog)
    assert risks.pc.shape == (0,)
    assert set(VARIABLES) <= set(risks.variables)


def test_wrong_arguments(catalog: stm.Catalog, conjunctions: xr.Dataset) -> None:
    with pytest.raises(InputError, match=r"do not follow from the objects given: .* km apart .* the screening found"):
        stm.assess(conjunctions, small_catalog(seed=4), **ASSUMED)
    with pytest.raises(InputError, match=r"object \d+ of the conjunctions is not among the objects given"):
        stm.assess(conjunctions, catalog[:100], **ASSUMED)
    with pytest.raises(InputError, match="not a result of a screening"):
        stm.assess(conjunctions.drop_vars("miss_distance"), catalog, **ASSUMED)
    with pytest.raises(InputError, match="lack the attribute 'start'"):
        stm.assess(conjunctions.drop_attrs(), catalog, **ASSUMED)
    with pytest.raises(InputError, match="covariance source 'guess' is unknown"):
        stm.assess(conjunctions, catalog, covariance="guess")
    with pytest.raises(InputError, match="lines 'guess' are unknown"):
        stm.assess(conjunctions, catalog, lines="guess")
    with pytest.raises(InputError, match="decision_hours is -1, allowed is above 0"):
        stm.assess(conjunctions, catalog, decision_hours=-1)
    with pytest.raises(InputError, match="radius rule 'guess' is unknown"):
        stm.assess(conjunctions, catalog, radii="guess")
