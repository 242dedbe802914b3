"""Curved encounters: NASA CARA's messages, Alfano's cases with their Monte Carlo counts, and what has no number."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from support.paths import SHARED

from stmgpu.backend import Backend
from stmgpu.errors import InputError
from stmgpu.risk import EncounterEntries, encounter_entries, encounter_probability, monte_carlo
from stmgpu.risk.nc3d import BLENDED, NO_ELLIPSE, NOT_CONVERGED, NOT_POSITIVE, STAYS
from stmgpu.risk.rotations import local_axes, turned
from stmgpu.typing import Floats

DATA = SHARED / "data" / "pc"


def _shared(name: str) -> list[dict[str, Any]]:
    if not (DATA / name).is_file():
        pytest.skip("the shared data are not beside this checkout (../shared/data/pc)")
    cases: list[dict[str, Any]] = json.loads((DATA / name).read_text())["cases"]
    return cases


def _messages(cases: list[dict[str, Any]]) -> list[Floats]:
    columns = [
        np.array([np.array(case[key][name], float) for case in cases])
        for key in ("obj1", "obj2")
        for name in ("r_km", "v_kms", "C_RTN_m")
    ]
    columns[2], columns[5] = columns[2][:, :6, :6], columns[5][:, :6, :6]
    return [*columns, np.array([float(case["HBR_m"]) for case in cases])]


def _alfano(cases: list[dict[str, Any]]) -> list[Floats]:
    columns: list[Floats] = []
    for k in "12":
        tca = [case["at_tca"] for case in cases]
        state = np.array([[*one[f"r{k}_m"], *one[f"v{k}_mps"]] for one in tca])
        own = turned(local_axes("RTN", state).transpose(0, 2, 1), np.array([one[f"C{k}_m"] for one in tca], float))
        columns += [1e-3 * state[:, :3], 1e-3 * state[:, 3:], own]
    return [*columns, np.array([float(case["HBR_m"]) for case in cases])]


def test_caras_messages() -> None:
    """53 messages at 1e-3 of CARA's Nc3D, which lies 8e-4 above ours throughout.

    We take that for the error of CARA's 5810 nodes on the sphere at the kink of the inward velocity: CARA's Nc2D, which
    has no such nodes, is met at 1e-5 where orbits hardly bend.
    """
    cases = _shared("cara_53_cdms.json")
    expected = [case["expected"] for case in cases]
    found = encounter_entries(*_messages(cases), backend="cpu")
    assert not (found.flags & (NOT_CONVERGED | NOT_POSITIVE | NO_ELLIPSE)).any()
    theirs = np.array([float(case["Nc3D"]) for case in expected])
    np.testing.assert_allclose(found.probability, theirs, rtol=1e-3)
    planar = np.array([float(case["Nc2D"]) for case in expected])
    assert (np.abs(found.probability / planar - 1.0) < 1e-5).sum() >= 20
    low, high = (np.array([float(case[f"PcSDMC{end}"]) for case in expected]) for end in ("Lo", "Hi"))
    assert ((found.probability < low) | (found.probability > high)).sum() <= 3


def test_alfanos_cases() -> None:
    """At 1e-3 of CARA's numbers, and within 1.2 % of 1e8 samples where the window is known.

    CARA's numbers are the entries over the published time on both sides of the approach, without those who are inside
    at its start. The single encounters that are found here are longer in cases 1 to 8, where nothing enters beyond that
    time, and meet the samples of case 9. Cases 11 and 12 are objects that follow each other, and do not part.
    """
    cases = _shared("alfano2009_cases.json")
    limit = np.array([float(case["t_limit_s"]) for case in cases])
    given = _alfano(cases)
    windowed = encounter_entries(*given, start_s=-limit, stop_s=limit, backend="cpu")
    theirs = np.array([case["Nc3D_Hall_expected"] for case in cases])
    np.testing.assert_allclose(windowed.entries, theirs, rtol=1e-3)
    assert not (windowed.flags & NOT_CONVERGED).any()
    found = encounter_entries(*(x[:10] for x in given), backend="cpu")
    samples = np.array([case["Pc_MC_1e8"] for case in cases[:10]])
    np.testing.assert_allclose(found.probability, samples, rtol=0.012)


def test_leaders_and_followers() -> None:
    """Alfano's cases 11 and 12 do not part: a revolution counts, and over his time the bound is above our samples.

    Written down before the first run: the bound is not below the 99.9 % limit of 100,000 samples.
    """
    given = [x[10:] for x in _alfano(_shared("alfano2009_cases.json"))]
    whole = encounter_entries(*given, backend="cpu")
    assert whole.flags.tolist() == [STAYS | BLENDED] * 2
    np.testing.assert_allclose(whole.stop_s - whole.start_s, 5676.98, rtol=1e-4)
    bound = encounter_entries(*given, start_s=-1420.0, stop_s=[1420.0, 1420.0], backend="cpu")
    assert bound.flags.tolist() == [0, 0]
    assert (bound.probability < whole.probability).all()
    samples = monte_carlo(
        *given, samples=100_000, confidence=0.999, seed=1, start_s=-1420.0, stop_s=1420.0, backend="cpu"
    )
    assert (samples.lower <= bound.probability).all()
    assert (bound.probability < 1.2 * samples.upper).all()


def _fast(n: int, seed: int) -> list[Floats]:
    """Fast encounters with small errors, which straight lines describe."""
    rng = np.random.default_rng(seed)
    position = rng.normal(size=(n, 3))
    position *= 7200.0 / np.linalg.norm(position, axis=1, keepdims=True)
    velocity = [np.cross(position, rng.normal(size=(n, 3))) for _ in range(2)]
    velocity = [7.4 * v / np.linalg.norm(v, axis=1, keepdims=True) for v in velocity]
    own = np.diag([20.0, 40.0, 15.0, 0.04, 0.02, 0.02]) ** 2
    other = position + 0.03 * rng.normal(size=(n, 3))
    return [position, velocity[0], own, other, velocity[1], own, rng.uniform(2.0, 20.0, n)]


def test_fast_encounters_have_the_probability_of_the_plane(backend: Backend) -> None:
    cases = _fast(12 if backend.runs_kernels else 2, 1)
    r1, v1, c1, r2, v2, c2, radius = cases
    expected = encounter_probability(r1, v1, c1[:3, :3], r2, v2, c2[:3, :3], radius, backend="cpu")
    np.testing.assert_allclose(encounter_entries(*cases, backend=backend).probability, expected, rtol=2e-4)


def test_same_in_any_order_and_with_objects_exchanged(kernel_backend: Backend) -> None:
    cases = _fast(6, 2)
    r1, v1, c1, r2, v2, c2, radius = cases
    found = encounter_entries(*cases, backend=kernel_backend).probability
    order = np.array([3, 0, 5, 1, 4, 2])
    moved = encounter_entries(r1[order], v1[order], c1, r2[order], v2[order], c2, radius[order], backend=kernel_backend)
    np.testing.assert_array_equal(moved.probability, found[order])
    swapped = encounter_entries(r2, v2, c2, r1, v1, c1, radius, backend=kernel_backend).probability
    np.testing.assert_allclose(swapped, found, rtol=1e-6)


def _one(**changes: Any) -> EncounterEntries:
    names = ("position_1_km", "velocity_1_km_s", "covariance_1", "position_2_km", "velocity_2_km_s", "covariance_2")
    given = dict(zip((*names, "radius_m"), _fast(1, 3), strict=True)) | {"backend": "cpu"} | changes
    return encounter_entries(**given)


def test_what_has_no_probability() -> None:
    escaping = _one(velocity_1_km_s=[[20.0, 0.0, 0.0]])
    assert escaping.flags.tolist() == [NO_ELLIPSE]
    assert np.isnan(escaping.probability).all()
    cases = _fast(2, 3)
    cases[1][0] = [20.0, 0.0, 0.0]
    both = encounter_entries(*cases, start_s=[-5.0, -5.0], stop_s=[5.0, 5.0], backend="cpu")
    assert both.flags.tolist() == [NO_ELLIPSE, 0]
    negative = _one(covariance_2=np.diag([1.0, 1, 1, 1, 1, -1]))
    assert negative.flags.tolist() == [NOT_POSITIVE]
    assert np.isnan(_one(covariance_2=np.full((6, 6), np.nan)).probability).all()
    assert _one(radius_m=[0.0]).probability.tolist() == [0.0]
    assert _one(radius_m=[np.inf]).probability.tolist() == [1.0]


def test_pairs_that_stay_together_are_flagged() -> None:
    """Docked objects: inside from the start."""
    r, v = _fast(1, 4)[:2]
    own = np.diag([1.0, 2.0, 1.0, 1e-3, 1e-3, 1e-3]) ** 2
    found = _one(
        position_1_km=r,
        velocity_1_km_s=v,
        covariance_1=own,
        position_2_km=r,
        velocity_2_km_s=v,
        covariance_2=own,
        radius_m=10.0,
        start_s=0.0,
        stop_s=60.0,
    )
    assert found.inside[0] > 0.9
    assert found.flags[0] & BLENDED


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"position_1_km": np.zeros(4)}, r"position_1_km must have the shape \(n, 3\), got \(4,\)"),
        ({"covariance_2": np.eye(3)}, r"covariance_2 must have the shape \(n, 6, 6\), got \(3, 3\)"),
        ({"covariance_1": np.eye(6) + np.eye(6, k=1)}, "covariance_1 is not symmetric at encounter 0"),
        ({"radius_m": [np.nan]}, "radius_m of pair 0 is not a number"),
        ({"start_s": 5.0, "stop_s": 4.0}, "no interval may end before it starts"),
        ({"radius_m": [1.0, 2.0], "start_s": [1.0, 2.0, 3.0]}, r"of one number of pairs, got \[2, 3\]"),
    ],
)
def test_wrong_arguments_are_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        _one(**change)
