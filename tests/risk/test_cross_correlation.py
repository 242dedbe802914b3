"""The common error of the density forecast: against the joint covariance, samples, and CARA's messages."""

from __future__ import annotations

import numpy as np
import pytest
from support.messages import kvn
from support.paths import SHARED

from stmgpu.backend import Backend
from stmgpu.messages.cdm import ConjunctionMessage, read_cdm
from stmgpu.messages.cdm.density import density_sensitivity
from stmgpu.risk import encounter_probability, message_risks
from stmgpu.risk.cross_correlation import common_covariance, shared_errors
from stmgpu.risk.message_assessment import assess_messages
from stmgpu.risk.messages import message_states
from stmgpu.risk.triage import lines
from stmgpu.risk.variables import CORRELATED

CDM = SHARED / "data" / "pc" / "cdm"
R1, V1 = np.array([6800.0, 300.0, 100.0]), np.array([-0.4, 5.2, 5.5])
R2, V2 = R1 + np.array([0.02, -0.05, 0.06]), np.array([0.2, 5.6, -5.1])
DCP = [
    "COMMENT DCP Density Forecast Uncertainty = 1.8e-01",
    "COMMENT DCP Sensitivity Vector RTN Pos = -2.0e+01 1.5e+03 -3.0e+00 [m]",
    "COMMENT DCP Sensitivity Vector RTN Vel = -1.5e+00 2.0e-02 6.0e-03 [m/sec]",
]


def axes(r: np.ndarray, v: np.ndarray) -> np.ndarray:
    radial, normal = r / np.linalg.norm(r), np.cross(r, v)
    normal = normal / np.linalg.norm(normal)
    return np.column_stack([radial, np.cross(normal, radial), normal])


def test_the_joint_covariance() -> None:
    """J holds s1 s2 G1 G2^T off its diagonal; the relative covariance is (I, -I) J (I, -I)^T."""
    rng = np.random.default_rng(3)
    turn = [np.kron(np.eye(2), axes(r, v)) for r, v in ((R1, V1), (R2, V2))]
    g, s = rng.normal(0, 100, (2, 6)), np.array([0.2, 0.35])
    own = [a @ a.T + s[k] ** 2 * np.outer(g[k], g[k]) for k, a in enumerate(rng.normal(0, 30, (2, 6, 6)))]
    joint = np.zeros((12, 12))
    for i in range(2):
        joint[6 * i : 6 * i + 6, 6 * i : 6 * i + 6] = turn[i] @ own[i] @ turn[i].T
    cross = s[0] * s[1] * np.outer(turn[0] @ g[0], turn[1] @ g[1])
    joint[:6, 6:], joint[6:, :6] = cross, cross.T
    difference = np.hstack([np.eye(6), -np.eye(6)])
    wanted = difference @ joint @ difference.T
    shared = common_covariance([np.hstack([R1, V1])], [np.hstack([R2, V2])], s[0] * g[:1], s[1] * g[1:])[0]
    found = turn[0] @ (own[0] - shared) @ turn[0].T + turn[1] @ own[1] @ turn[1].T
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-9)
    assert np.linalg.eigvalsh(wanted)[0] > 0.0


def test_samples_with_one_density_error(kernel_backend: Backend) -> None:
    """400,000 pairs that share their density error, moved along straight lines: hits within 4 standard errors."""
    rng = np.random.default_rng(8)
    n, radius = 400_000, 60.0
    q = [axes(R1, V1), axes(R2, V2)]
    g, s = np.array([[-5.0, 400.0, 1.0], [-3.0, 250.0, 2.0]]), np.array([0.3, 0.3])
    base = [np.diag([20.0, 40.0, 15.0]) ** 2, np.diag([25.0, 30.0, 20.0]) ** 2]
    own = [base[k] + s[k] ** 2 * np.outer(g[k], g[k]) for k in range(2)]
    common = rng.normal(0, 1, n)
    points = [
        1e3 * mean + (rng.normal(0, 1, (n, 3)) @ np.sqrt(base[k]) + s[k] * common[:, None] * g[k]) @ q[k].T
        for k, mean in enumerate((R1, R2))
    ]
    relative, along = points[0] - points[1], (V1 - V2) / np.linalg.norm(V1 - V2)
    hits = np.linalg.norm(relative - (relative @ along)[:, None] * along, axis=1) < radius
    six = np.zeros((2, 6))
    six[:, :3] = g
    shared = common_covariance([np.hstack([R1, V1])], [np.hstack([R2, V2])], s[0] * six[:1], s[1] * six[1:])
    correlated, independent = (
        encounter_probability([R1], [V1], [c], [R2], [V2], [own[1]], [radius], backend=kernel_backend)[0]
        for c in (own[0] - shared[0, :3, :3], own[0])
    )
    error = np.sqrt(correlated * (1 - correlated) / n)
    assert abs(hits.mean() - correlated) < 4 * error
    assert abs(hits.mean() - independent) > 20 * error


def with_terms(first: list[str], second: list[str]) -> ConjunctionMessage:
    text = kvn().replace("COMMENT of object 1\n", "\n".join(first) + "\n")
    (message,) = read_cdm(text.replace("COMMENT of object 2\n", "\n".join(second) + "\n").encode())
    return message


def test_messages_state_the_terms_in_comments_and_fields() -> None:
    message = with_terms(DCP, [DCP[0].replace("DCP ", "DCP\u00a0"), *DCP[1:]])
    for one in message.objects:
        found = density_sensitivity(one)
        assert found is not None
        assert found.sigma == 0.18
        assert found.vector.tolist() == [-20.0, 1500.0, -3.0, -1.5, 0.02, 0.006]
    assert density_sensitivity(with_terms([], DCP).objects[0]) is None
    fields = ["MASS = 5 [kg]", "DENSITY_FORECAST_UNCERTAINTY = 0.3", "DCP_SENSITIVITY_VECTOR_POSITION = 1 2 3 [m]"]
    given = kvn().replace("MASS = 251.6 [kg]", "\n".join([*fields, "DCP_SENSITIVITY_VECTOR_VELOCITY = 4 5 6 [m/s]"]))
    found = density_sensitivity(read_cdm(given.encode())[0].objects[0])
    assert found is not None
    assert (found.sigma, found.vector.tolist()) == (0.3, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0])


def test_probabilities_of_messages_with_the_terms(kernel_backend: Backend) -> None:
    message = with_terms(DCP, DCP)
    both, one_side, plain = (
        message_risks([m], backend=kernel_backend, **options)[0]
        for m, options in ((message, {}), (with_terms(DCP, []), {}), (message, {"cross_correlation": False}))
    )
    said = "correlated: the common error of the density forecast (DCP) is taken into account"
    assert said in both.flags
    assert said not in plain.flags
    assert (both.correlated, plain.correlated, one_side.correlated) == (True, False, False)
    assert "not correlated: only one object states its DCP terms" in one_side.flags
    assert one_side.plane_probability == plain.plane_probability
    assert abs(both.plane_probability / plain.plane_probability - 1.0) > 1e-3
    table, _ = assess_messages([message], lines("cara"), backend=kernel_backend)
    np.testing.assert_allclose(table.pc_max.values[0], both.maximum, rtol=1e-7)
    assert table.pc_flags.values[0] & CORRELATED
    one, two = message.objects
    states = [np.hstack([x.position_km, x.velocity_km_s])[None] for x in (one, two)]
    terms = density_sensitivity(one)
    assert terms is not None
    shared = common_covariance(*states, [0.18 * terms.vector], [0.18 * terms.vector])[0, :3, :3]
    wanted = encounter_probability(
        states[0][:, :3], states[0][:, 3:], [one.covariance[:3, :3] - shared], states[1][:, :3], states[1][:, 3:],
        [two.covariance[:3, :3]], [10.0], backend=kernel_backend,
    )  # fmt: skip
    np.testing.assert_allclose(both.plane_probability, wanted[0], rtol=1e-12)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (DCP[:2], "of the DCP terms it states no sensitivity vector of velocity; all three belong together"),
        ([DCP[0].replace("1.8e-01", "-1"), *DCP[1:]], "its density forecast uncertainty is -1, allowed is 0 or more"),
        ([DCP[0].replace("1.8e-01", "x"), *DCP[1:]], "its density forecast uncertainty is 'x', allowed is a number"),
        ([*DCP[:2], DCP[2].replace("[m/sec]", "[km]")], "its sensitivity vector of velocity is '-1.5e+00"),
        ([DCP[0], DCP[1].replace("1.5e+03", ""), DCP[2]], "its sensitivity vector of position is '-2.0e+01 -3.0e+"),
        ([DCP[0], DCP[1].replace("1.5e+03", "1e999"), DCP[2]], "allowed is three numbers in m"),
        ([*DCP, DCP[0].replace("1.8", "1.9")], "it states its density forecast uncertainty twice, as '1.8e-01' an"),
    ],
)  # fmt: skip
def test_wrong_terms_are_named_and_not_applied(lines: list[str], message: str) -> None:
    given = with_terms(lines, DCP)
    (risk,) = message_risks([given], backend="reference")
    assert any(flag.startswith("not correlated: ") and message in flag for flag in risk.flags), risk.flags
    (plain,) = message_risks([given], cross_correlation=False, backend="reference")
    assert risk.plane_probability == plain.plane_probability


def test_terms_of_cara_are_part_of_their_covariances() -> None:
    """53 messages: P - s^2 G G^T is a covariance for each of 106 objects, and Pc changes by up to six decades;
    by more than a tenth for 37 messages."""
    if not CDM.is_dir():
        pytest.skip("the shared data are not beside this checkout (../shared/data/pc/cdm)")
    messages = [read_cdm(path)[0] for path in sorted(CDM.glob("0*.cdm"))]
    for message in messages:
        for one in message.objects:
            terms = density_sensitivity(one)
            assert terms is not None
            left = one.covariance[:3, :3] - terms.sigma**2 * np.outer(terms.vector[:3], terms.vector[:3])
            scale = np.sqrt(one.covariance.diagonal()[:3])
            assert np.linalg.eigvalsh(left / np.outer(scale, scale))[0] > -1e-9
    states = message_states(messages)
    radii = np.array([message.hard_body_radius()[0] for message in messages])
    shared, _ = shared_errors(messages)
    common = common_covariance(np.hstack(states[:2]), np.hstack(states[3:5]), shared[:, 0], shared[:, 1])
    with_them, without = (
        encounter_probability(
            *states[:2], states[2][:, :3, :3] - x, *states[3:5], states[5][:, :3, :3], radii, backend="reference"
        )
        for x in (common[:, :3, :3], 0.0)
    )
    ratio = with_them / without
    assert ratio.min() == pytest.approx(1.04e-6, rel=0.01)
    assert ratio.max() == pytest.approx(3.21, rel=0.01)
    assert (np.abs(ratio - 1.0) > 0.1).sum() == 37
