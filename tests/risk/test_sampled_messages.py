"""Monte Carlo of messages: the same numbers as from their states, and what is said about them."""

from __future__ import annotations

import numpy as np
from support.messages import kvn

from stmgpu.backend import Backend
from stmgpu.messages.cdm import read_cdm
from stmgpu.risk import message_risks, message_samples, monte_carlo
from stmgpu.risk.sampled_messages import remarks


def test_a_message_is_sampled_with_all_of_its_covariance(backend: Backend) -> None:
    (message,) = read_cdm(kvn().encode())
    (risk,) = message_risks([message], radius_m=300.0, backend=backend)
    found = message_samples([risk], 1500, seed=3, confidence=0.999, backend=backend)
    states = [
        x for one in message.objects for x in (one.position_km, one.velocity_km_s, np.array(one.covariance)[:6, :6])
    ]
    same = monte_carlo(*[*states, 300.0], samples=1500, seed=3, backend=backend)
    assert found.hits.tolist() == same.hits.tolist()
    assert found.lower[0] < risk.probability < found.upper[0]
    assert remarks(found, [risk]) == [[]]


def test_a_message_is_sampled_with_its_common_error_of_the_density(kernel_backend: Backend) -> None:
    """Its samples meet the correlated number and miss the other one; an error that is not in a covariance is not."""
    terms = ["COMMENT DCP Density Forecast Uncertainty = 0.2"] + [
        f"COMMENT DCP Sensitivity Vector RTN {word}" for word in ("Pos = {} {} 0 [m]", "Vel = 0 0 0 [m/sec]")
    ]
    text = kvn()
    for number, *size in ((1, 1.0, 240.0), (2, -135.0, 7000.0)):
        lines = "\n".join(terms).format(*size)
        text = text.replace(f"COMMENT of object {number}\n", f"{lines}\n")
    messages = read_cdm(text.encode())
    (risk,) = message_risks(messages, radius_m=100.0, backend=kernel_backend)
    (alone,) = message_risks(messages, radius_m=100.0, cross_correlation=False, backend=kernel_backend)
    found, independent = (
        message_samples([x], 100_000, confidence=0.999, backend=kernel_backend) for x in (risk, alone)
    )
    assert found.lower[0] < risk.probability < found.upper[0]
    assert independent.lower[0] < alone.probability < independent.upper[0]
    assert found.hits.tolist() != independent.hits.tolist()
    (wrong,) = message_risks(read_cdm(text.replace("240.0", "2400.0").encode()), radius_m=100.0, backend="reference")
    (said,) = remarks(message_samples([wrong], 100, backend="reference"), [wrong])
    assert said[-1].startswith("both objects are drawn independently: a covariance does not hold the error")


def test_no_message_is_an_empty_result(backend: Backend) -> None:
    found = message_samples([], 100, backend=backend)
    assert (found.samples, found.probability.shape, found.hits.shape) == (100, (0,), (0,))
    assert remarks(found, []) == []


def test_remarks() -> None:
    (message,) = read_cdm(kvn(replace={"CRDOT_RDOT": "CRDOT_RDOT = 2.5e7 [m**2/s**2]"}).encode())
    risks = message_risks([message])
    found = message_samples(risks, 200, backend="reference")
    unmoved, low = remarks(found, risks)[0]
    assert unmoved == f"{found.unmoved[0]} samples could not be moved; the upper limit takes them for hits"
    assert low.startswith(f"{found.low[0]} samples have a perigee below the surface")
