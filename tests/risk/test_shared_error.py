"""Curved methods with an error that both objects share: closed forms, brute sums, samples, symmetry, other rows."""

from __future__ import annotations

import json

import numpy as np
import pytest
from support.paths import SHARED

from stmgpu.backend import Backend, get_backend
from stmgpu.messages.cdm import read_cdm
from stmgpu.risk import curved_probability, encounter_entries, monte_carlo, plane_probability
from stmgpu.risk import variables as v
from stmgpu.risk.cross_correlation import shared_errors
from stmgpu.risk.error_split import changes, without
from stmgpu.risk.messages import message_states
from stmgpu.risk.shared_error import SharedErrors, even_sum
from stmgpu.risk.validity import best_probability
from stmgpu.typing import Floats

CDM = SHARED / "data" / "pc" / "cdm"
SIGMA = np.array([20.0, 60.0, 20.0, 0.06, 0.02, 0.02])


def pairs(n: int, speed_km_s: Floats, seed: int = 3, along: float = 900.0) -> tuple[list[Floats], Floats]:
    """Fields of encounters at 7,000 km and what both objects share: late or early, as drag makes them."""
    rng = np.random.default_rng(seed)
    circular = np.sqrt(398600.4418 / 7000.0)
    angle = 2.0 * np.arcsin(np.broadcast_to(speed_km_s, (n,)) / (2.0 * circular))
    motion = circular / 7000.0
    r1 = np.tile([7000.0, 0.0, 0.0], (n, 1))
    r2 = r1 + 1e-3 * rng.normal(0.0, 40.0, (n, 3))
    v1 = np.tile([0.0, circular, 0.0], (n, 1))
    v2 = circular * np.stack([np.zeros(n), np.cos(angle), np.sin(angle)], axis=1)
    errors = np.zeros((n, 2, 6))
    errors[:, :, 1] = along * rng.uniform(0.3, 1.0, (n, 2))
    errors[:, :, 3] = -motion * errors[:, :, 1]
    covariances = [np.diag(SIGMA**2) + np.einsum("ni,nj->nij", errors[:, k], errors[:, k]) for k in (0, 1)]
    return [r1, v1, covariances[0], r2, v2, covariances[1], np.full(n, 10.0)], errors


def test_the_closed_form_of_the_plane() -> None:
    """A normal position shifted by a normal number is normal: sigmas from a thousandth to ten shifts, radii alike."""
    rng = np.random.default_rng(1)
    n = 200
    shift, rest = 10.0 ** rng.uniform(-1.0, 3.0, n), 10.0 ** rng.uniform(0.0, 1.0, n)
    across, radius = 10.0 ** rng.uniform(0.0, 1.0, n), 10.0 ** rng.uniform(-1.0, 1.5, n)
    miss = rng.normal(0.0, 2.0, (2, n)) * [np.hypot(shift, rest), across]
    precision = 1.0 + (shift / rest) ** 2

    def terms(at: np.ndarray, g: Floats) -> Floats:
        p = plane_probability(miss[0, at] + shift[at] * g, miss[1, at], rest[at], across[at], radius[at], backend="cpu")
        return (p * np.exp(-0.5 * g * g))[np.newaxis] / np.sqrt(2.0 * np.pi)

    step = 1.5 * np.maximum(1.0 / np.sqrt(precision), np.minimum(0.5 * radius / shift, 1.0))
    found, good = even_sum(terms, -miss[0] * shift / rest**2 / precision, step, 1e-12)
    assert good.all()
    expected = plane_probability(*miss, np.hypot(shift, rest), across, radius, backend="cpu")
    np.testing.assert_allclose(found[0], expected, rtol=1e-10)


def test_an_error_taken_out() -> None:
    (_, _, covariance, *_), errors = pairs(3, 5.0)
    rest, held = without(covariance, errors[:, 0])
    assert held.all()
    np.testing.assert_allclose(rest, np.tile(np.diag(SIGMA**2), (3, 1, 1)), atol=1e-9)
    both, _ = without(covariance, np.where([[True], [False], [True]], errors[:, 0], 0.0))
    assert both[1].tobytes() == covariance[1].tobytes()
    rest, held = without(covariance, [[2.0], [1.0], [1.0]] * errors[:, 0])
    assert held.tolist() == [False, True, True]
    assert (np.linalg.eigvalsh(rest) > -1e-6).all()


def test_changes_of_elements_are_those_of_nearby_states() -> None:
    """Differences of elements of states a millionth of the error apart."""
    from stmgpu.risk import equinoctial

    (r, velocity, *_), errors = pairs(2, 5.0)
    axes = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])  # r along x, v along y
    off = 1e-6 * np.hstack([errors[:, 0, :3] @ axes, errors[:, 0, 3:] @ axes])
    state = 1e3 * np.hstack([r, velocity])
    wanted = (equinoctial.elements(state + off) - equinoctial.elements(state - off)) / 2e-6
    np.testing.assert_allclose(changes(r, velocity, errors[:, 0]), wanted, rtol=1e-3, atol=1e-12)


@pytest.mark.parametrize("speed_km_s", [5.0, 0.3])
def test_a_brute_sum_of_curved_probabilities(speed_km_s: float, kernel_backend: Backend) -> None:
    """2D-Nc at 1,201 values of the shared error, some of them far from the nodes that the method takes."""
    fields, errors = pairs(3, speed_km_s, along=3000.0)
    together = SharedErrors(fields, errors, kernel_backend)
    found = together.curved()["probability"]
    g = np.linspace(-8.0, 8.0, 1201)
    for k in range(3):
        each = curved_probability(*together.at(np.full(len(g), k), g), backend=kernel_backend).probability
        brute = (np.nan_to_num(each) * np.exp(-0.5 * g * g)).sum() * (g[1] - g[0]) / np.sqrt(2.0 * np.pi)
        assert 1e-30 < brute < 0.9
        assert found[k] == pytest.approx(brute, rel=1e-5)


def test_fast_encounters_have_the_number_of_the_plane(kernel_backend: Backend) -> None:
    fields, errors = pairs(20, 10.0, along=100.0)
    found = best_probability(*fields, shared=errors, backend=kernel_backend)
    assert (found.method == v.PLANE).all()
    np.testing.assert_allclose(found.curved_probability, found.plane_probability, rtol=2e-3)
    independent = best_probability(*fields, backend=kernel_backend)
    assert (np.abs(independent.curved_probability / found.curved_probability - 1.0) > 0.01).all()
    swapped = best_probability(*fields[3:6], *fields[:3], fields[6], shared=errors[:, ::-1], backend=kernel_backend)
    np.testing.assert_allclose(swapped.curved_probability, found.curved_probability, rtol=1e-6)
    turn = np.array([[0.6, -0.8, 0.0], [0.8, 0.6, 0.0], [0.0, 0.0, 1.0]])
    turned = [x @ turn.T if x.shape[1:] == (3,) else x for x in fields]
    again = best_probability(*turned, shared=errors, backend=kernel_backend)
    np.testing.assert_allclose(again.curved_probability, found.curved_probability, rtol=1e-6)


def test_slow_encounters_against_samples(kernel_backend: Backend) -> None:
    """2D-Nc and 3D-Nc within 99.9 % limits of samples that share one number; independent ones are elsewhere.

    The window is a quarter of the period on both sides: at half of it the orbits cross again.
    """
    fields, errors = pairs(2, np.array([0.004, 0.001]), along=300.0)
    fields[6] = np.array([40.0, 30.0])
    found, alone = (best_probability(*fields, shared=x, backend=kernel_backend) for x in (errors, None))
    samples, independent = (
        monte_carlo(
            *fields, samples=40_000, shared=x, confidence=0.999, start_s=-1457.0, stop_s=1457.0, backend=kernel_backend
        )
        for x in (errors, None)
    )
    assert found.method.tolist() == [v.CURVED_PLANE, v.ENTRIES]
    assert not (found.flags & v.UNCORRELATED).any()
    assert ((samples.lower <= found.probability) & (found.probability <= samples.upper)).all()
    assert ((samples.upper < independent.lower) | (independent.upper < samples.lower)).all()
    assert alone.method.tolist() == found.method.tolist()


def test_a_brute_sum_of_entries() -> None:
    fields, errors = pairs(1, 0.001, along=300.0)
    together = SharedErrors(fields, errors, get_backend("cpu"))
    (found,), (flags,) = together.entries(np.array([0]))
    g = np.linspace(-6.0, 6.0, 61)
    window = encounter_entries(*fields, backend="cpu")
    limits = {"start_s": window.start_s[0], "stop_s": window.stop_s[0]}
    each = encounter_entries(*together.at(np.zeros(61, int), g), **limits, backend="cpu")
    brute = ((each.inside + each.entries) * np.exp(-0.5 * g * g)).sum() * 0.2 / np.sqrt(2.0 * np.pi)
    assert flags == 0
    assert found == pytest.approx(brute, rel=1e-4)


def test_samples_with_a_shared_number(backend: Backend) -> None:
    """The same hits on every backend; those of an encounter without a shared error are not touched by others."""
    fields, errors = pairs(3, 5.0)
    fields[6] = np.full(3, 300.0)
    errors[1, 0] = 0.0
    found = monte_carlo(*fields, samples=600, shared=errors, backend=backend)
    assert found.hits.tolist() == monte_carlo(*fields, samples=600, shared=errors, backend="reference").hits.tolist()
    alone = monte_carlo(*fields, samples=600, backend=backend)
    assert found.hits[1] == alone.hits[1]
    assert found.hits[0] != alone.hits[0]
    errors[2] *= 3.0
    unknown = monte_carlo(*fields, samples=600, shared=errors, backend=backend)
    assert np.isnan(unknown.probability).tolist() == [False, False, True]


def test_other_rows_do_not_matter(kernel_backend: Backend) -> None:
    """Any order and part: the same bytes; rows without a shared error have those of a call without."""
    fields, errors = pairs(4, np.array([5.0, 0.02, 0.001, 0.02]), along=300.0)
    errors[3] = 0.0
    whole = best_probability(*fields, shared=errors, backend=kernel_backend)
    order = np.array([2, 3, 1])
    part = best_probability(*[x[order] for x in fields], shared=errors[order], backend=kernel_backend)
    plain = best_probability(*[x[3:] for x in fields], backend=kernel_backend)
    for name, values in vars(whole).items():
        if name != "encounters":
            assert getattr(part, name).tobytes() == values[order].tobytes(), name
            assert getattr(plain, name).tobytes() == values[3:].tobytes(), name


@pytest.mark.slow
def test_messages_of_cara_against_samples(kernel_backend: Backend) -> None:
    """At most two of 53 outside limits of 99 % (half of one is expected), and none without a number.

    The numbers that CARA prints for them are without the terms; tests/risk/test_messages.py compares with those.
    """
    if not CDM.is_dir():
        pytest.skip("the shared data are not beside this checkout (../shared/data/pc/cdm)")
    names = [case["id"] for case in json.loads((CDM.parent / "cara_53_cdms.json").read_text())["cases"]]
    messages = [read_cdm(CDM / f"{name}.cdm")[0] for name in names]
    radii = np.array([message.hard_body_radius()[0] for message in messages])
    fields, (shared, _) = [*message_states(messages), radii], shared_errors(messages)
    found = best_probability(*fields, shared=shared, backend=kernel_backend)
    assert np.isfinite(found.probability).all()
    assert not (found.flags & v.UNCORRELATED).any()
    few = 400_000 if kernel_backend.name == "cpu" else 20_000
    samples = monte_carlo(*fields, samples=few, shared=shared, confidence=0.99, backend=kernel_backend)
    outside = (found.probability < samples.lower) | (found.probability > samples.upper)
    assert outside.sum() <= 2
