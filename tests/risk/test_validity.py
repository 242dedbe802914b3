"""Which number is believed: every flag by an encounter that has it, and what lacks velocities or numbers."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from support.paths import SHARED

from stmgpu.backend import Backend
from stmgpu.choices import CurvedRows
from stmgpu.messages.cdm import read_cdm
from stmgpu.risk import monte_carlo
from stmgpu.risk import variables as v
from stmgpu.risk.messages import message_states
from stmgpu.risk.validity import BestProbability, best_probability
from stmgpu.typing import Floats

DATA = SHARED / "data" / "pc"
SIGMA = np.array([20.0, 300.0, 20.0, 0.3, 0.02, 0.02])


def _given(speed_km_s: float, sigma: Floats = SIGMA, radius: float = 10.0) -> list[Floats]:
    """Two objects on circular orbits 7,000 km from the Earth's centre, 30 m apart, which pass with a speed."""
    circular = np.sqrt(398600.4418 / 7000.0)
    angle = 2.0 * np.arcsin(speed_km_s / (2.0 * circular))
    covariance = np.diag(sigma**2)[np.newaxis]
    return [
        np.array([[7000.0, 0.0, 0.0]]),
        np.array([[0.0, circular, 0.0]]),
        covariance,
        np.array([[7000.03, 0.0, 0.0]]),
        circular * np.array([[0.0, np.cos(angle), np.sin(angle)]]),
        covariance,
        np.array([radius]),
    ]


def _pair(speed_km_s: float = 5.0, sigma: Floats = SIGMA, radius: float = 10.0, **options: Any) -> BestProbability:
    given = _given(speed_km_s, sigma, radius)
    for place, value in options.pop("replace", {}).items():
        given[place] = value
    return best_probability(*given, **options)


def test_a_fast_encounter_is_believed_in_the_plane(backend: Backend) -> None:
    found = _pair(backend=backend)
    assert (found.method[0], found.flags[0]) == (v.PLANE, 0)
    assert found.probability[0] == found.plane_probability[0] > 0.0
    assert found.curved_probability[0] == pytest.approx(found.plane_probability[0], rel=2e-3)
    assert found.inaccuracy[0] < 0.02
    assert 0.0 < found.duration[0] < 1e-3
    assert found.curved_duration[0] == pytest.approx(found.duration[0], rel=0.05)


def _ahead(factor: float, km: float = 30.0) -> dict[int, Floats]:
    """The second object ahead on a circle, which the first one's longer errors reach only along its own."""
    sigma = SIGMA * np.array([1.0, factor, 1.0, factor, 1.0, 1.0])
    covariance = np.diag(sigma**2)
    covariance[1, 3] = covariance[3, 1] = -0.999 * sigma[1] * sigma[3]
    circular, angle = np.sqrt(398600.4418 / 7000.0), km / 7000.0
    ahead = np.array([np.cos(angle), np.sin(angle), 0.0])
    across = np.array([-0.75 * np.sin(angle), 0.75 * np.cos(angle), np.sqrt(1.0 - 0.75**2)])
    return {2: covariance[np.newaxis], 3: 7000.0 * ahead[np.newaxis], 4: circular * across[np.newaxis]}


def test_long_errors_along_the_track_curve(backend: Backend) -> None:
    found = _pair(replace=_ahead(100.0), backend=backend)
    assert found.flags[0] & v.CURVED
    assert found.method[0] == v.CURVED_PLANE
    assert found.probability[0] == found.curved_probability[0] != found.plane_probability[0]
    assert found.inaccuracy[0] > 0.02


def test_slow_encounters(backend: Backend) -> None:
    slow, slower = (_pair(speed, backend=backend) for speed in (3e-3, 1e-3))
    without = _pair(1e-3, slow=False, backend=backend)
    assert (slow.flags[0], slow.method[0]) == (v.EXTENDED, v.CURVED_PLANE)
    assert (slower.flags[0], slower.method[0]) == (v.EXTENDED | v.CURVED_EXTENDED | v.UNSTEADY, v.ENTRIES)
    assert (without.flags[0], without.method[0]) == (v.EXTENDED | v.CURVED_EXTENDED | v.UNSTEADY, v.NONE)
    assert slow.duration[0] > 0.02
    assert slow.curved_duration[0] < 0.05 < slower.curved_duration[0]
    assert np.isnan(slow.entries_probability[0])
    assert np.isnan(without.probability[0])
    assert slower.probability[0] == slower.entries_probability[0]
    assert slower.probability[0] == pytest.approx(slower.curved_probability[0], rel=0.2)


@pytest.mark.parametrize("curved", ["refuted", "tests"])
def test_what_decides_nothing_may_be_left_out(curved: CurvedRows, kernel_backend: Backend) -> None:
    """Same tests and same believed number as with 2D-Nc of every row, on CARA's 53 messages and our hard pairs."""
    pairs = [_given(speed) for speed in (0.0, 1e-3, 3e-3, 5.0)]
    for given in (_ahead(100.0), _ahead(1.0)):
        pairs.append([given.get(place, x) for place, x in enumerate(_given(5.0))])
    fields = [np.concatenate(x) for x in zip(*pairs, strict=True)]
    if (DATA / "cara_53_cdms.json").is_file():
        cases = json.loads((DATA / "cara_53_cdms.json").read_text())["cases"]
        names = [(key, name) for key in ("obj1", "obj2") for name in ("r_km", "v_kms", "C_RTN_m")]
        columns = [np.array([case[key][name] for case in cases]) for key, name in names]
        columns.append(np.array([case["HBR_m"] for case in cases]))
        fields = [np.concatenate(x) for x in zip(fields, columns, strict=True)]
    whole, found = (
        best_probability(*fields, curved=rows, slow=False, backend=kernel_backend) for rows in ("all", curved)
    )
    assert {v.PLANE, v.CURVED_PLANE, v.NONE} == set(whole.method.tolist())
    for name in ("flags", "plane_probability", "inaccuracy", "duration", "offset", "shift"):
        np.testing.assert_array_equal(getattr(found, name), getattr(whole, name), err_msg=name)
    if curved == "refuted":
        np.testing.assert_array_equal(found.probability, whole.probability)
        np.testing.assert_array_equal(found.method, whole.method)
    else:
        plane = whole.method == v.PLANE
        assert np.array_equal(found.method, np.where(plane, v.PLANE, v.NONE))
        np.testing.assert_array_equal(found.probability, np.where(plane, whole.probability, np.nan))
    assert np.isnan(found.curved_probability[found.method == v.PLANE]).all()


def test_a_slow_encounter_against_samples(kernel_backend: Backend) -> None:
    """An encounter at 1 m/s within 99.9 % limits."""
    found = _pair(1e-3, backend=kernel_backend)
    samples = monte_carlo(*_given(1e-3), samples=20_000, confidence=0.999, backend=kernel_backend)
    assert samples.lower[0] <= found.probability[0] <= samples.upper[0]


def test_a_shared_error_that_the_covariances_do_not_hold(backend: Backend) -> None:
    """Curved methods then take both covariances as they are, and say so; the plane takes the relative one."""
    shared = np.zeros((1, 2, 6))
    shared[0, :, 1] = 1.5 * SIGMA[1]
    found, without = (_pair(1e-3, shared=given, backend=backend) for given in (shared, None))
    assert found.flags[0] & v.UNCORRELATED
    assert not without.flags[0] & v.UNCORRELATED
    assert found.probability[0] == without.probability[0]


def test_a_shared_error_where_no_curved_method_can_be_applied(kernel_backend: Backend) -> None:
    """The plane has it all the same."""
    shared = np.zeros((1, 2, 6))
    shared[0, :, 0] = 0.5 * SIGMA[0]
    for options in ({"curved": "none"}, {"replace": {2: np.diag(SIGMA[:3] ** 2)[np.newaxis]}}):
        found, without = (_pair(shared=x, backend=kernel_backend, **options) for x in (shared, None))
        assert (found.method[0], found.flags[0]) == (v.PLANE, without.flags[0])
        assert found.probability[0] != without.probability[0]


def test_alfanos_cases(kernel_backend: Backend) -> None:
    """Within 1.4 % of his 1e8 samples, as far as rounded messages go; those of 11 and 12 stay together."""
    file = DATA / "alfano2009_cases.json"
    if not file.is_file():
        pytest.skip("the shared data are not beside this checkout (../shared/data/pc)")
    known = json.loads(file.read_text())["cases"]
    chosen = [case for case in known if case["case"] not in (11, 12)]
    messages = [read_cdm(DATA / "cdm" / f"AlfanoTestCase{case['case']:02d}.cdm")[0] for case in chosen]
    radii = np.array([message.hard_body_radius()[0] for message in messages])
    found = best_probability(*message_states(messages), radii, backend=kernel_backend)
    expected = np.array([case["Pc_MC_1e8"] for case in chosen])
    np.testing.assert_allclose(found.probability, expected, rtol=0.014)


def test_pairs_that_stay_together(kernel_backend: Backend) -> None:
    """On one orbit, 30 m apart in radius or without any speed: an upper limit over one revolution, with its flags."""
    for speed in (0.0, 1e-7):
        found = _pair(speed, backend=kernel_backend)
        assert found.method[0] == v.ENTRIES
        assert bool(found.flags[0] & v.NO_SPEED) == (speed == 0.0)
        assert found.flags[0] & v.STAYS
        assert found.flags[0] & v.BLENDED
        assert 0.0 < found.probability[0] < 1.0
        assert np.isnan(_pair(speed, slow=False, backend=kernel_backend).probability[0])


def test_missing_numbers(backend: Backend) -> None:
    unknown = np.full((1, 6, 6), np.nan)
    found = _pair(replace={2: unknown}, backend=backend)
    assert np.isnan(found.probability[0])
    assert found.method[0] == v.NONE
    assert _pair(replace={5: unknown}, backend=backend).flags[0] & v.MISSING


@pytest.mark.parametrize("kind", ["none", "nan", "zero"])
def test_without_velocities_no_curved_method_is_applied(kind: str, backend: Backend) -> None:
    """The flag says so, and curvature is estimated from the positions."""
    for km, method in ((0.03, v.PLANE), (30.0, v.NONE)):
        fields = _ahead(100.0, km)
        whole = fields[2]
        lacking = whole.copy()
        lacking[:, 3:, :] = lacking[:, :, 3:] = np.nan if kind == "nan" else 0.0
        if kind == "none":
            lacking = lacking[:, :3, :3]
        found = _pair(replace=fields | {2: lacking}, backend=backend)
        assert found.flags[0] & v.NO_VELOCITIES
        assert bool(found.flags[0] & v.CURVED) == (method == v.NONE)
        assert found.method[0] == method
        assert np.isnan(found.curved_probability[0])


def test_without_the_curved_method(backend: Backend) -> None:
    found = _pair(replace=_ahead(100.0), curved="none", backend=backend)
    assert found.flags[0] == v.CURVED
    assert np.isnan(found.probability[0])


def test_a_covariance_that_is_not_positive_definite(backend: Backend) -> None:
    twisted = np.diag(SIGMA**2)[np.newaxis].copy()
    twisted[0, 0, 1] = twisted[0, 1, 0] = 1.5 * SIGMA[0] * SIGMA[1]
    found = _pair(replace={2: twisted}, backend=backend)
    assert found.flags[0] & v.INDEFINITE
    assert found.method[0] != v.PLANE
    singular = np.diag(SIGMA**2)[np.newaxis].copy()
    singular[0, 0, 1] = singular[0, 1, 0] = SIGMA[0] * SIGMA[1]
    assert not _pair(replace={2: singular}, backend=backend).flags[0] & v.INDEFINITE


def test_rows_do_not_depend_on_each_other(kernel_backend: Backend) -> None:
    """An encounter alone and among others of all kinds: the same bytes."""
    single = _pair(backend=kernel_backend)
    circular = np.sqrt(398600.4418 / 7000.0)
    many = {0: np.tile([[7000.0, 0.0, 0.0]], (3, 1)), 1: np.tile([[0.0, circular, 0.0]], (3, 1))}
    many[2] = np.stack([np.diag(SIGMA**2), np.full((6, 6), np.nan), np.diag(SIGMA**2 * [1, 1e4, 1, 1e4, 1, 1])])
    angle = 2.0 * np.arcsin(5.0 / (2.0 * circular))
    many[3] = np.tile([[7000.03, 0.0, 0.0]], (3, 1))
    many[4] = np.tile(circular * np.array([[0.0, np.cos(angle), np.sin(angle)]]), (3, 1))
    many[5], many[6] = np.tile(np.diag(SIGMA**2), (3, 1, 1)), np.full(3, 10.0)
    among = _pair(replace=many, backend=kernel_backend)
    for name, values in vars(single).items():
        if name != "encounters":
            assert getattr(among, name)[:1].tobytes() == values.tobytes(), name
