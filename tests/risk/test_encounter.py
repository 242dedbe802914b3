"""Encounter geometry: against NASA CARA's cases, the twin, and the rules for what has no plane."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import scipy
from support.paths import SHARED

from stmgpu.backend import Backend
from stmgpu.errors import InputError
from stmgpu.risk import Encounters, encounter_geometry, encounter_probability
from stmgpu.risk import encounter_kernels as rows
from stmgpu.typing import Floats

DATA = SHARED / "data" / "pc"


def _random(n: int, seed: int) -> list[Floats]:
    """Pairs near each other on low orbits, with needle-shaped covariances."""
    rng = np.random.default_rng(seed)
    position = rng.normal(size=(n, 3))
    position *= (7000.0 + rng.uniform(0, 1000, (n, 1))) / np.linalg.norm(position, axis=1, keepdims=True)
    velocities = []
    for _ in range(2):
        direction = np.cross(position, rng.normal(size=(n, 3)))
        velocities.append(7.5 * direction / np.linalg.norm(direction, axis=1, keepdims=True))
    shapes = [rng.normal(size=(n, 3, 3)) * [[20.0], [2000.0], [10.0]] for _ in range(2)]
    covariances = [a @ a.transpose(0, 2, 1) for a in shapes]
    other = position + rng.normal(size=(n, 3)) * 0.5
    return [position, velocities[0], covariances[0], other, velocities[1], covariances[1], rng.uniform(1, 20, n)]


def _fields(found: Encounters) -> dict[str, Any]:
    return dict(vars(found).items())


def test_level_of_coppolas_bounds() -> None:
    assert pytest.approx(float(scipy.special.erfcinv(1e-16)), rel=1e-15) == rows.LEVEL


def test_kernel_agrees_with_its_twin(kernel_backend: Backend) -> None:
    cases = _random(200, 1)
    found = _fields(encounter_geometry(*cases, backend=kernel_backend))
    for name, expected in _fields(encounter_geometry(*cases, backend="reference")).items():
        tolerance = {"rtol": 1e-9, "atol": 1e-9} if name != "angle_rad" else {"atol": 1e-14}
        np.testing.assert_allclose(found[name], expected, **tolerance, err_msg=name)


def _cara() -> tuple[list[Floats], list[str]]:
    file = DATA / "cara_53_cdms.json"
    if not file.is_file():
        pytest.skip("the shared data are not beside this checkout (../shared/data/pc)")
    cases = json.loads(file.read_text())["cases"]
    columns = [
        np.array([np.array(case[key][name], float)[:3, :3] if name == "C_RTN_m" else case[key][name] for case in cases])
        for key in ("obj1", "obj2")
        for name in ("r_km", "v_kms", "C_RTN_m")
    ]
    return [*columns, np.array([float(case["HBR_m"]) for case in cases])], [case["id"] for case in cases]


def test_probability_of_caras_messages(backend: Backend) -> None:
    """53 messages, against 40-digit arithmetic from the same numbers."""
    cases, ids = _cara()
    truth = json.loads((DATA / "cara_truth.json").read_text())["cases"]
    exact = np.array([float(truth[name]["Pc2D"]) for name in ids])
    np.testing.assert_allclose(encounter_probability(*cases, backend=backend), exact, rtol=1e-8)


def test_miss_speed_and_angle_of_caras_messages(backend: Backend) -> None:
    cases, _ = _cara()
    printed = [case["expected"] for case in json.loads((DATA / "cara_53_cdms.json").read_text())["cases"]]
    found = encounter_geometry(*cases, backend=backend)
    np.testing.assert_allclose(found.speed_m_s, [case["Vrel_mps"] for case in printed], rtol=1e-11)
    np.testing.assert_allclose(np.degrees(found.angle_rad), [case["Vang_deg"] for case in printed], atol=1e-9)


def test_independent_of_order_and_batch(kernel_backend: Backend) -> None:
    cases = _random(100, 2)
    found = encounter_probability(*cases, backend=kernel_backend)
    order = np.random.default_rng(3).permutation(100)
    assert np.array_equal(encounter_probability(*(x[order] for x in cases), backend=kernel_backend), found[order])
    r1, v1, c1, r2, v2, c2, radius = cases
    swapped = encounter_probability(r2, v2, c2, r1, v1, c1, radius, backend=kernel_backend)
    np.testing.assert_allclose(swapped, found, rtol=1e-10)


def test_invariant_to_rotation(kernel_backend: Backend) -> None:
    r1, v1, c1, r2, v2, c2, radius = _random(100, 4)
    turn = np.linalg.qr(np.random.default_rng(5).normal(size=(3, 3)))[0]
    turn *= np.sign(np.linalg.det(turn))
    found = encounter_probability(r1, v1, c1, r2, v2, c2, radius, backend=kernel_backend)
    turned = encounter_probability(r1 @ turn, v1 @ turn, c1, r2 @ turn, v2 @ turn, c2, radius, backend=kernel_backend)
    np.testing.assert_allclose(turned, found, rtol=1e-6)


def test_no_relative_velocity(backend: Backend) -> None:
    cases = _random(1, 6)
    cases[4] = cases[1]
    found = encounter_geometry(*cases, backend=backend)
    assert found.flags.tolist() == [rows.NO_SPEED]
    assert np.isnan(encounter_probability(*cases, backend=backend)).all()


def test_zero_miss(backend: Backend) -> None:
    cases = _random(20, 7)
    cases[3] = cases[0]
    found = encounter_geometry(*cases, backend=backend)
    assert (found.flags == rows.NO_MISS).all()
    assert (found.miss_m <= 2e-5).all()
    cases[3] = cases[0] + 1e-9 * np.cross(cases[1], cases[4])
    near = encounter_probability(*cases, backend=backend)
    np.testing.assert_allclose(encounter_probability(*_at_zero(cases), backend=backend), near, rtol=1e-4)


def _at_zero(cases: list[Floats]) -> list[Floats]:
    return [*cases[:3], cases[0], *cases[4:]]


def test_covariance_that_is_not_positive(backend: Backend) -> None:
    cases = _random(3, 8)
    cases[2], cases[5] = -np.abs(cases[2]) * np.eye(3), np.zeros((3, 3, 3))
    found = encounter_geometry(*cases, backend=backend)
    assert (found.flags == rows.NOT_POSITIVE).all()
    assert np.isnan(encounter_probability(*cases, backend=backend)).all()


def test_needle_is_clipped(backend: Backend) -> None:
    """No spread across a line: the minor sigma is a ten-thousandth of the radius."""
    cases = _random(3, 9)
    cases[2] = np.zeros((3, 3, 3))
    cases[5] = np.zeros((3, 3, 3))
    cases[2][:, 1, 1] = 1e6
    found = encounter_geometry(*cases, backend=backend)
    assert (found.flags == rows.CLIPPED).all()
    np.testing.assert_allclose(found.sigma_minor_m, 1e-4 * cases[6])
    assert np.isfinite(encounter_probability(*cases, backend=backend)).all()


def test_radius_of_zero_and_infinity(backend: Backend) -> None:
    cases = _random(3, 10)
    cases[6] = np.array([0.0, -1.0, np.inf])
    assert encounter_probability(*cases, backend=backend).tolist() == [0.0, 0.0, 1.0]


def test_one_argument_serves_all(backend: Backend) -> None:
    cases = _random(4, 11)
    cases[2], cases[6] = np.diag([100.0, 1e4, 50.0]), np.array(5.0)
    repeated = [*cases[:2], np.broadcast_to(cases[2], (4, 3, 3)), *cases[3:6], np.full(4, 5.0)]
    found = encounter_probability(*cases, backend=backend)
    assert np.array_equal(found, encounter_probability(*repeated, backend=backend))


def test_period_is_that_of_the_states_as_given(backend: Backend) -> None:
    """At 1 cm/s the closest approach of straight motion is a day away, where neither object would be in orbit."""
    cases = _random(1, 13)
    cases[4] = cases[1] + 1e-5 * np.array([[1.0, 0.0, 0.0]])
    cases[3] = cases[0] + np.array([[1.0, 0.0, 0.0]])
    found = encounter_geometry(*cases, backend=backend)
    assert abs(found.shift_s[0]) > 8e4
    assert 5000.0 < found.period_s[0] < 8000.0


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (0, np.zeros((2, 2)), r"position_1_km must have the shape \(n, 3\), got \(2, 2\)"),
        (5, np.eye(6)[np.newaxis], r"covariance_2_m2 must have the shape \(n, 3, 3\)"),
        (2, np.array([[1.0, 0.5, 0], [0.4, 1, 0], [0, 0, 1]]), "covariance_1_m2 is not symmetric at encounter 0"),
        (6, np.ones(3), r"one number of encounters, got \[3, 4\]"),
    ],
)
def test_wrong_arguments_are_named(place: int, value: Floats, message: str) -> None:
    cases = _random(4, 12)
    cases[place] = value
    with pytest.raises(InputError, match=message):
        encounter_probability(*cases, backend="reference")
