"""The covariance model of element sets: its table, what lies between and beyond, its files, and wrong ones."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.paths import SHARED

from stmgpu.constants import EARTH
from stmgpu.errors import InputError
from stmgpu.propagate.kepler import elements_of, states_of
from stmgpu.risk.covariance import AGE_BEYOND_MODEL, MISSING, NOT_CALIBRATED, covariance_source
from stmgpu.risk.covariance_model import REGIMES, CovarianceModel, format_model, read_model, shipped_model
from stmgpu.risk.tle_covariance import TleCovariance, rates_of, regimes_of
from stmgpu.typing import Floats

HEIGHTS_KM = {"LEO1": 400.0, "LEO2": 600.0, "LEO3": 900.0, "LEO4": 1500.0, "MEO": 20_000.0, "GEO": 35_786.0}


def orbit(height_km: float, ecc: float = 0.0, anomaly: float = 0.3) -> Floats:
    """State of an orbit with this height of perigee, shape (6,)."""
    r, v = states_of(((6378.135 + height_km) / (1.0 - ecc), ecc, 0.9, 1.0, 2.0, anomaly))
    return np.concatenate([r, v])


def at(source: Any, state: Floats, age_days: Any) -> Any:
    ages = np.atleast_1d(np.asarray(age_days, np.float64))
    n = len(ages)
    return source.at(np.arange(n), np.broadcast_to(state, (n, 6)), (np.zeros(n), np.zeros(n)), ages)


def sigmas(found: Any) -> Floats:
    return np.sqrt(np.diagonal(found.matrix, axis1=1, axis2=2))


def test_the_shipped_table_is_the_published_one() -> None:
    path = SHARED / "data" / "pc" / "tle_consistency_2013.json"
    if not path.is_file():
        pytest.skip("the shared data are not beside this checkout (../shared/data/pc)")
    rows = [row for row in json.loads(path.read_text())["rows"] if row["dt"][0] >= 0.75]
    model = shipped_model()
    assert len(rows) == len(model.stratum) == 35
    for row, stratum in zip(rows, model.stratum, strict=True):
        assert (row["regime"], tuple(row["dt"]), row["n"]) == (stratum.regime, stratum.age_days, stratum.pairs)
        np.testing.assert_allclose(stratum.sigma_m, 1e3 * np.array(row["p68"]), atol=0.051)
        assert stratum.tail_m is not None
        np.testing.assert_allclose(stratum.tail_m, 1e3 * np.array(row["p95"]), atol=0.051)


def test_every_regime_has_its_own_numbers_at_the_ages_of_the_table() -> None:
    source = covariance_source("tle")
    assert (source.name, source.is_model) == ("tle-2013", True)
    orbits = {name: orbit(height) for name, height in HEIGHTS_KM.items()} | {"HEO": orbit(500.0, 0.7)}
    assert list(orbits) == list(REGIMES)
    for name, state in orbits.items():
        rows = shipped_model().of(name)
        found = at(source, state, [row.node_days for row in rows])
        np.testing.assert_allclose(sigmas(found)[:, :3], [row.sigma_m for row in rows], rtol=1e-12)
        assert not found.flags.any()
        assert set(found.source) == {"tle-2013"}


def test_between_ages_against_a_plain_interpolation() -> None:
    """Linear for R and N, logarithms for T, one age after another."""
    rows, rng = shipped_model().of("LEO2"), np.random.default_rng(5)
    ages = rng.uniform(0.0, 9.0, 200)
    found = at(covariance_source("tle"), orbit(600.0), ages)
    for k, age in enumerate(ages.tolist()):
        x = min(max(age, rows[0].node_days), rows[-1].node_days)
        low, high = next((a, b) for a, b in itertools.pairwise(rows) if a.node_days <= x <= b.node_days)
        u = (x - low.node_days) / (high.node_days - low.node_days)
        w = math.log(x / low.node_days) / math.log(high.node_days / low.node_days)
        expected = [a + u * (b - a) for a, b in zip(low.sigma_m, high.sigma_m, strict=True)]
        expected[1] = low.sigma_m[1] * (high.sigma_m[1] / low.sigma_m[1]) ** w
        np.testing.assert_allclose(sigmas(found)[k, :3], expected, rtol=1e-12)
        assert (found.flags[k] == AGE_BEYOND_MODEL) == (age > 8.5)
    np.testing.assert_array_equal(found.age_days, ages)


def test_beyond_the_table_the_last_value_stands_with_a_flag_and_newer_sets_count_like_old_ones() -> None:
    found = at(covariance_source("tle"), orbit(600.0), [8.5, 8.51, 1000.0, -3.0, 3.0, 0.0, -0.0])
    assert found.flags.tolist() == [0, AGE_BEYOND_MODEL, AGE_BEYOND_MODEL, 0, 0, 0, 0]
    np.testing.assert_array_equal(found.matrix[0], found.matrix[2])
    np.testing.assert_array_equal(found.matrix[3], found.matrix[4])
    assert np.isfinite(found.matrix).all()


def test_without_age_state_or_stratum_there_is_no_covariance_but_a_flag() -> None:
    source = covariance_source("tle")
    escape = np.array([7000.0, 0.0, 0.0, 0.0, 12.0, 0.0])
    for state, age in ((orbit(600.0), np.nan), (np.full(6, np.nan), 1.0), (escape, 1.0), (orbit(600.0), np.inf)):
        found = at(source, state, age)
        assert found.flags.tolist() == [MISSING]
        assert np.isnan(found.matrix).all()
    only_high = TleCovariance(model(stratum=[row(regime="GEO")]), "own")
    assert at(only_high, orbit(600.0), 1.0).flags.tolist() == [MISSING]


def test_the_covariance_is_positive_definite_for_any_orbit_and_age() -> None:
    rng = np.random.default_rng(11)
    n = 2000
    ecc, perigee = rng.uniform(0.0, 0.9, n), rng.uniform(150.0, 40_000.0, n)
    state = np.array([orbit(p, e, m) for p, e, m in zip(perigee, ecc, rng.uniform(0.0, 6.28, n), strict=True)])
    found = covariance_source("tle").at(np.arange(n), state, (np.zeros(n),) * 2, rng.uniform(0.0, 12.0, n))
    sigma = sigmas(found)
    scaled = found.matrix / sigma[:, :, None] / sigma[:, None, :]
    np.testing.assert_allclose(np.linalg.eigvalsh(scaled).min(axis=1), 0.1, rtol=1e-6)  # 1 - |correlation|
    np.testing.assert_array_equal(found.matrix, np.swapaxes(found.matrix, 1, 2))


@pytest.mark.parametrize("ecc", [0.0, 0.2, 0.7])
def test_the_velocity_follows_a_drift_along_the_orbit(ecc: float) -> None:
    """An orbit that runs ahead: the errors of its velocity and position are in the ratio mu / (r h), and opposite."""
    for anomaly in (0.0, 1.0, 3.0, 5.0):
        state = orbit(700.0, ecc, anomaly)
        a, e, inc, node, argp, mean = elements_of(state[:3], state[3:])
        ahead = np.concatenate(states_of((a, e, inc, node, argp, mean + 1e-6)))
        radial = state[:3] / np.linalg.norm(state[:3])
        normal = np.cross(state[:3], state[3:])
        normal = normal / np.linalg.norm(normal)
        error = ahead - state
        ratio = (error[3:] @ radial) / (error[:3] @ np.cross(normal, radial))
        assert ratio == pytest.approx(-rates_of(state[None])[0, 0], rel=1e-4)
    circle = orbit(700.0)
    rate = math.sqrt(EARTH.mu_km3_s2 / np.linalg.norm(circle[:3]) ** 3)
    np.testing.assert_allclose(rates_of(circle[None])[0], rate, rtol=1e-9)


def test_regimes_have_the_documented_limits() -> None:
    def regime(height_km: float, ecc: float = 0.0) -> str:
        return REGIMES[regimes_of(orbit(height_km, ecc)[None])[0]]

    assert [regime(h) for h in (499.0, 501.0, 749.0, 751.0, 1199.0, 1201.0)] == [
        "LEO1", "LEO2", "LEO2", "LEO3", "LEO3", "LEO4"]  # fmt: skip
    assert [regime(h) for h in (1999.0, 2001.0, 35_000.0, 37_000.0, 60_000.0)] == ["LEO4", "MEO", "GEO", "GEO", "GEO"]
    assert [regime(600.0, e) for e in (0.2, 0.24, 0.26, 0.7)] == ["LEO2", "LEO2", "HEO", "HEO"]


def row(**changes: Any) -> dict[str, Any]:
    return {"regime": "LEO2", "age_days": [0.5, 1.5], "sigma_m": [100.0, 1000.0, 80.0]} | changes


def model(**changes: Any) -> CovarianceModel:
    document = {"format": 1, "name": "own", "obtained": "for a test", "correlation": -0.8, "stratum": [row()]} | changes
    return CovarianceModel.model_validate(document)


def test_a_model_of_ones_own_is_read_as_it_was_written(tmp_path: Path) -> None:
    judged = model(
        reference='"own" states \u00e9\U0001f6f0\x7f\n',
        stratum=[row(verdict="failed", ratio=[1.0, 5.5, 0.9], compared=44), row(regime="GEO", at_days=1.0)],
    )
    path = tmp_path / "own.toml"
    path.write_text(format_model(judged), encoding="utf-8")
    assert read_model(path) == judged
    source = covariance_source(str(path))
    assert source.name == f"own:{judged.digest()[:8]}"
    assert not source.is_model
    found = at(source, orbit(600.0), [1.0, 2.0])
    assert found.flags.tolist() == [NOT_CALIBRATED, NOT_CALIBRATED | AGE_BEYOND_MODEL]
    np.testing.assert_allclose(sigmas(found)[:, :3], [[100.0, 1000.0, 80.0]] * 2)
    assert covariance_source("tle").notice != source.notice


def test_the_notice_says_what_element_sets_are_worth() -> None:
    source = covariance_source("tle")
    assert "do not suffice for decisions about manoeuvres" in source.notice
    assert "not judged against independent states" in source.notice
    judged = TleCovariance(model(reference="states of an operator"), "own")
    assert "do not suffice for decisions about manoeuvres" in judged.notice
    assert "not judged" not in judged.notice


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "format is missing; name is missing"),
        ("format = ", "is not TOML"),
        ("a = " + "[" * 3000, "is not TOML"),
        ("format = 2", "format: .*got '2'"),
        ("{name}", "stratum is missing"),
        ("{name}stratum = []", "stratum"),
        ("{name}sigma = 1\n{row}", "unknown key sigma .allowed: format, name, obtained"),
        ("{name}{row}sigma = 1", "unknown key stratum.1.sigma .allowed: regime, age_days"),
        ("{name}{row}[[stratum]]\nregime = 'LEO2'\nage_days = [1.0, 2.0]\nsigma_m = [1, 1, 1]", "LEO2 overlap"),
        ("{name}{row}verdict = 'calibrated'", "no reference"),
        ("{name}{row}verdict = 'good'", "stratum.1.verdict"),
        ("{name}[[stratum]]\nregime = 'LEO9'\nage_days = [0, 1]\nsigma_m = [1, 1, 1]", "stratum.1.regime"),
        ("{name}[[stratum]]\nregime = 'LEO2'\nage_days = [1, 1]\nsigma_m = [1, 1, 1]", "two rising ages"),
        ("{name}[[stratum]]\nregime = 'LEO2'\nage_days = [0, 1]\nsigma_m = [1, 1]", "stratum.1.sigma_m"),
        *[
            (f"{{name}}[[stratum]]\nregime = 'LEO2'\nage_days = [0, 1]\nsigma_m = [1, {bad}, 1]", "stratum.1.sigma_m.2")
            for bad in ("0", "-1", "nan", "inf", "'1'", "true", "1e13")
        ],
        ("{name}{row}at_days = 5.0", "at_days is 5"),
    ],
)
def test_wrong_models_are_refused_with_the_key(tmp_path: Path, text: str, expected: str) -> None:
    name = "format = 1\nname = 'own'\nobtained = 'test'\ncorrelation = -0.9\n"
    stratum = "[[stratum]]\nregime = 'LEO2'\nage_days = [0.5, 1.5]\nsigma_m = [100.0, 1000.0, 80.0]\n"
    path = tmp_path / "own.toml"
    path.write_text(text.replace("{name}", name).replace("{row}", stratum))
    with pytest.raises(InputError, match=f"covariance model .*own.toml'.*{expected}"):
        covariance_source(str(path))


def test_other_wrong_keys_of_a_model(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    for change, expected in (
        ({"correlation": -1.0}, "correlation"),
        ({"name": "two words"}, "name"),
        ({"name": ""}, "name"),
        ({"obtained": ""}, "obtained"),
    ):
        text = format_model(model())
        key, value = next(iter(change.items()))
        lines = [f"{key} = {json.dumps(value)}" if line.startswith(f"{key} =") else line for line in text.split("\n")]
        path.write_text("\n".join(lines))
        with pytest.raises(InputError, match=f"own.toml': {expected}: "):
            read_model(path)
    path.write_bytes(b"name = '\xff'")
    with pytest.raises(InputError, match="UTF-8"):
        read_model(path)
    with pytest.raises(InputError, match=r"missing\.toml"):
        covariance_source(str(tmp_path / "missing.toml"))
