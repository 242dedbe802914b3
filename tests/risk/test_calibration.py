"""Models learned from histories whose errors are known, and their verdicts against true states."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.stats import binomtest
from sgp4.api import WGS72, Satrec
from support.histories import AXIS_KM, EPOCH, MOTION, Noise, predicted_of, sets_of, states_of, truth_of

from stmgpu.backend import Backend
from stmgpu.catalog import Catalog, synthetic_catalog
from stmgpu.errors import InputError
from stmgpu.propagate.elements import PAD
from stmgpu.risk.calibration import CRITERION, EDGES_DAYS, ONE_SIGMA, judge, learn, verdict
from stmgpu.risk.covariance_files import EphemerisCovariance
from stmgpu.risk.covariance_model import NO_REFERENCE, CovarianceModel
from stmgpu.risk.histories import ElementSets, Errors, _later, against, consistency, of_ephemerides, propagated
from stmgpu.risk.rotations import local_axes
from stmgpu.typing import Floats

NOISE = Noise(start_km=0.05, drift_km_day=1.0, plane_km=0.1)


@pytest.fixture(scope="module")
def truth() -> list[Satrec]:
    return truth_of(60, seed=1)


@pytest.fixture(scope="module")
def sets(truth: list[Satrec]) -> ElementSets:
    return ElementSets.of(sets_of(truth, NOISE, sets=25, every_days=0.5, seed=2))


@pytest.fixture(scope="module")
def errors(sets: ElementSets) -> Errors:
    return consistency(sets, EDGES_DAYS)


def learned(errors: Errors) -> CovarianceModel:
    return learn(errors, EDGES_DAYS, name="known", obtained="made for a test")[0]


def known_m(noise: Noise, age_days: float, newer: float) -> Floats:
    """Sigmas [m] of older sets against newer ones (newer = 1) or the truth (0).

    A mean motion that is wrong by dn changes the axis by -2/3 a dn / n; the rest is as `Noise` has it.
    """
    axis_km = 2.0 / 3.0 * noise.drift_km_day / 1440.0 / MOTION
    along_km = math.sqrt(noise.start_km**2 * (1.0 + newer) + (noise.drift_km_day * age_days) ** 2)
    return 1e3 * np.array([axis_km * math.sqrt(1.0 + newer), along_km, noise.plane_km * math.sqrt(1.0 + newer)])


def test_the_growth_that_was_put_in_is_recovered(errors: Errors) -> None:
    """At least 800 pairs of 60 objects a stratum: the standard error of sigma is below 4 %."""
    model = learned(errors)
    assert [row.regime for row in model.stratum] == ["LEO2"] * 5
    for row in model.stratum:
        assert row.pairs is not None
        assert row.pairs >= 800
        assert row.objects == 60
        np.testing.assert_allclose(row.sigma_m, known_m(NOISE, row.node_days, 1.0), rtol=0.12)
        assert row.tail_m is not None
        tails = (np.array(row.tail_m) / row.sigma_m)[1:]  # those of the radius hold the bend of the orbit
        np.testing.assert_allclose(tails, 2.0, rtol=0.15)  # normal errors
    assert model.correlation < -0.9  # errors along the orbit turn the velocity
    assert (model.reference, model.notice) == ("", NO_REFERENCE)


def test_errors_against_the_sgp4_package_pair_by_pair(
    sets: ElementSets, truth: list[Satrec], errors: Errors, backend: Backend
) -> None:
    """Every pair of the first object by hand: which sets, at which time, along which axes."""
    own = sets[np.flatnonzero(sets.norad_id == 1)]
    found = consistency(own, EDGES_DAYS, backend=backend)
    row = 0
    for low, high in itertools.pairwise(EDGES_DAYS):
        for k in range(len(own)):
            ages = own.days - own.days[k]
            inside = np.flatnonzero((ages >= low) & (ages < high))
            if not len(inside):
                continue
            best = inside[np.argmin(np.abs(ages[inside] - 0.5 * (low + high)).round(9))]
            old, new = (_state(own, set_, own.epoch_jd[best], own.epoch_fr[best]) for set_ in (k, best))
            axes = local_axes("RTN", new[None])[0]
            expected = 1e3 * np.concatenate([axes.T @ (old - new)[:3], axes.T @ (old - new)[3:]])
            np.testing.assert_allclose(found.error_m[row], expected, rtol=1e-6, atol=1e-5)
            assert found.age_days[row] == pytest.approx(ages[best])
            row += 1
    assert row == len(found) == int((errors.norad_id == 1).sum())


def _state(sets: ElementSets, row: int, jd: float, fr: float) -> Floats:
    sat = Satrec()
    days = sets.epoch_jd[row] - 2433281.5 + sets.epoch_fr[row]
    elements = (sets.bstar, sets.eccentricity, sets.argp, sets.inclination, sets.mean_anomaly, sets.mean_motion)
    bstar, ecc, argp, inc, mean, motion = (float(x[row]) for x in elements)
    sat.sgp4init(WGS72, "i", 1, days, bstar, 0.0, 0.0, ecc, argp, inc, mean, motion, float(sets.raan[row]))
    code, r, v = sat.sgp4(jd, fr)
    assert code == 0
    return np.array([*r, *v])


def test_against_the_truth_a_right_model_is_calibrated(truth: list[Satrec], sets: ElementSets, errors: Errors) -> None:
    model = learned(errors)
    found = against(sets, states_of(truth, days=13.0, step_s=1800.0), EDGES_DAYS)
    judged = judge(model, found, reference="the truth")
    assert {row.verdict for row in judged.stratum} == {"calibrated"}
    assert (judged.reference, judged.criterion, judged.notice) == ("the truth", CRITERION, "")
    for row in judged.stratum:
        age = row.node_days
        assert row.ratio is not None
        np.testing.assert_allclose(row.ratio, known_m(NOISE, age, 0.0) / known_m(NOISE, age, 1.0), rtol=0.15)
        assert row.compared is not None
        assert row.compared > 900
    assert [row.sigma_m for row in judged.stratum] == [row.sigma_m for row in model.stratum]


def test_what_all_sets_of_an_object_share_fails_against_the_truth_only(truth: list[Satrec]) -> None:
    """A bias of 20 km along the orbit does not show between sets of one object."""
    noise = Noise(start_km=0.05, drift_km_day=0.2, plane_km=0.1, bias_km=20.0)
    sets = ElementSets.of(sets_of(truth, noise, sets=20, every_days=0.5, seed=3))
    model = learned(consistency(sets, EDGES_DAYS))
    np.testing.assert_allclose(model.stratum[0].sigma_m[1], known_m(noise, 1.0, 1.0)[1], rtol=0.15)
    judged = judge(model, against(sets, states_of(truth, days=11.0, step_s=1800.0), EDGES_DAYS), reference="the truth")
    assert {row.verdict for row in judged.stratum} == {"failed"}
    assert judged.stratum[0].ratio is not None
    assert judged.stratum[0].ratio[1] > 30.0


def test_a_few_sets_are_too_few(truth: list[Satrec], sets: ElementSets, errors: Errors) -> None:
    few = sets[np.flatnonzero((sets.norad_id == 1) & (sets.days < sets.days.min() + 2.0))]
    judged = judge(
        learned(errors), against(few, states_of(truth[:1], days=13.0, step_s=1800.0), EDGES_DAYS), reference="a few"
    )
    assert {row.verdict for row in judged.stratum} == {"too few"}
    assert {row.compared for row in judged.stratum} == {4}


@pytest.mark.parametrize("scale", [0.1, 0.3, 0.45, 0.7, 1.0, 1.5, 1.9, 2.5, 5.0])
@pytest.mark.parametrize("n", [5, 12, 40, 400])
def test_verdicts_against_scipys_binomial_interval(scale: float, n: int) -> None:
    rng = np.random.default_rng(n)
    scaled = scale * np.abs(rng.normal(size=(n, 3)))
    states = []
    for axis in range(3):
        within_two, within_half = ((scaled[:, axis] <= limit).sum() for limit in (2.0, 0.5))
        two, half = (binomtest(int(k), n).proportion_ci(0.95, method="exact") for k in (within_two, within_half))
        out = two.high < ONE_SIGMA or half.low > ONE_SIGMA
        states.append(-1 if out else int(two.low > ONE_SIGMA and half.high < ONE_SIGMA))
    expected = "failed" if min(states) < 0 else "calibrated" if min(states) > 0 else "too few"
    assert verdict(scaled) == expected
    if n == 400:
        assert expected == ("calibrated" if 0.6 < scale < 1.7 else "failed" if not 0.45 < scale < 2.2 else expected)


def test_no_errors_are_too_few() -> None:
    assert verdict(np.empty((0, 3))) == "too few"


def test_strata_with_few_pairs_are_left_out_by_name(truth: list[Satrec]) -> None:
    short = ElementSets.of(sets_of(truth, NOISE, sets=4, every_days=0.8, seed=5))
    model, left_out = learn(consistency(short, (0.5, 1.0, 2.0)), (0.5, 1.0, 2.0), name="short", obtained="test")
    assert [row.age_days for row in model.stratum] == [(0.5, 1.0), (1.0, 2.0)]
    assert left_out == []
    few = short[np.flatnonzero(short.norad_id <= 10)]
    model, left_out = learn(consistency(few, (0.5, 1.0, 2.0)), (0.5, 1.0, 2.0), name="short", obtained="test")
    assert left_out == ["LEO2, 1 to 2 days: 20 pairs"]
    with pytest.raises(
        InputError, match=r"no regime and age has 30 pairs of element sets .LEO2, 0.5 to 1 days: 6 pairs"
    ):
        learned_few = short[np.flatnonzero(short.norad_id <= 2)]
        learn(consistency(learned_few, (0.5, 1.0)), (0.5, 1.0), name="short", obtained="test")


def test_sets_are_collected_from_histories_and_daily_catalogues(truth: list[Satrec]) -> None:
    """A file with all sets, files of days, and the same set twice."""
    days = sets_of(truth[:3], NOISE, sets=3, every_days=1.0, seed=7)
    sets = ElementSets.of(days)
    assert sets.norad_id.tolist() == [1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert (np.diff(sets.days.reshape(3, 3), axis=1) > 0.0).all()
    again = ElementSets.of([*days, days[1]])
    np.testing.assert_array_equal(again.days, sets.days)
    assert len(ElementSets.of([Catalog.empty(), days[0]])) == 3


def test_histories_without_pairs_and_states_of_others_are_refused(truth: list[Satrec], sets: ElementSets) -> None:
    single = ElementSets.of([synthetic_catalog(50, seed=1)])
    with pytest.raises(
        InputError, match=r"none of 50 element sets has a newer one of the same object 0.75 to 8.5 days"
    ):
        consistency(single, EDGES_DAYS)
    with pytest.raises(
        InputError, match="states are of 0 objects of the histories, and none of their sets has a state"
    ):
        against(single, states_of(truth_of(60, 1)[55:], days=1.0, step_s=1800.0), EDGES_DAYS)


def test_sets_beyond_a_month_and_sets_that_fail(truth: list[Satrec]) -> None:
    """Long histories are propagated in parts; a decayed state is left out and counted."""
    days = sets_of(truth[:2], NOISE, sets=4, every_days=40.0, seed=9)
    sets = ElementSets.of(days)
    time_jd = sets.epoch_jd, sets.epoch_fr
    states = propagated(sets, np.arange(len(sets)), time_jd)
    for k in range(len(sets)):
        np.testing.assert_allclose(states[k], _state(sets, k, sets.epoch_jd[k], sets.epoch_fr[k]), rtol=1e-9, atol=1e-9)
    assert len(sets) < PAD
    falling = ElementSets.of(sets_of(truth[:1], NOISE, sets=2, every_days=1.0, seed=9))
    bad = ElementSets(**{**vars(falling), "bstar": np.array([5.0, 0.0])})
    found = consistency(bad, EDGES_DAYS)
    assert (len(found), found.failed) == (0, 1)
    assert EPOCH.jd == sets.epoch_jd.min()
    assert AXIS_KM > 6378.0


def test_errors_of_ephemerides_are_those_that_were_put_in(truth: list[Satrec], backend: Backend) -> None:
    """At every epoch of a covariance, along the axes of the prediction; epochs beyond the reference are counted."""
    states = states_of(truth[:3], days=1.0, step_s=600.0)
    predicted, put_in = predicted_of(states, (10.0, 100.0, 10.0), every=6, seed=3)
    shorter = states_of(truth[:2], days=0.5, step_s=450.0)
    found = of_ephemerides(predicted, shorter, backend=backend)
    assert (len(found), found.failed) == (2 * 13, 3 * 25 - 2 * 13)
    assert found.norad_id.tolist() == [1] * 13 + [2] * 13
    np.testing.assert_allclose(found.age_days, np.tile(np.arange(13) / 24.0, 2), atol=1e-9)
    np.testing.assert_allclose(found.error_m[:, :3], np.repeat(put_in[:2], 13, axis=0), atol=0.05)
    covariances = EphemerisCovariance(predicted, "p").at(found.norad_id, found.state_km, found.time_jd, found.age_days)
    assert not covariances.flags.any()
    np.testing.assert_allclose(covariances.matrix[:, 1, 1], 1e4, rtol=1e-6)
    with pytest.raises(InputError, match="states are of 0 objects of the ephemerides, and at none of the 75 epochs"):
        of_ephemerides(predicted, states_of(truth[5:6], days=0.5, step_s=450.0), backend=backend)


@pytest.mark.parametrize("seed", range(30))
def test_choice_of_later_rows_against_every_pair(seed: int) -> None:
    """Irregular times, equal ones, objects of one table only, and none at all."""
    rng = np.random.default_rng(seed)
    n, m = (int(x) for x in rng.integers(0, 40, 2))
    ids, other_ids = np.sort(rng.integers(1, 6, n)), np.sort(rng.integers(3, 9, m))
    days, other_days = np.round(rng.uniform(0.0, 9.0, n) * 4.0) / 4.0, np.round(rng.uniform(0.0, 9.0, m) * 8.0) / 8.0
    order = np.lexsort((other_days, other_ids))
    other_ids, other_days = other_ids[order], other_days[order]
    low, high = float(rng.uniform(0.1, 2.0)), float(rng.uniform(2.0, 6.0))
    rows, chosen = _later((ids, days), (other_ids, other_days), (low, high))
    found = dict(zip(rows.tolist(), chosen.tolist(), strict=True))
    for k in range(n):
        ages = other_days - days[k]
        inside = [j for j in range(m) if other_ids[j] == ids[k] and low <= ages[j] < high]
        assert (k in found) == bool(inside)
        if inside:
            assert found[k] in inside
            off = [abs(ages[j] - 0.5 * (low + high)) for j in inside]
            assert abs(ages[found[k]] - 0.5 * (low + high)) == pytest.approx(min(off), abs=1e-9)
