"""Monte Carlo of conjunction data messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stmgpu.risk import sampling
from stmgpu.risk.cross_correlation import shared_errors
from stmgpu.risk.error_split import held_by_both
from stmgpu.risk.messages import message_states
from stmgpu.risk.montecarlo import MonteCarlo, monte_carlo

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stmgpu.backend import Backend
    from stmgpu.risk.messages import MessageRisk
    from stmgpu.typing import Bools, Floats

_WORDS = {
    sampling.NOT_FINITE: "a number of the states, of the covariances or of the window is not finite",
    sampling.NOT_MOVED: "an orbit is no ellipse, or one of an eccentricity above 0.95",
    sampling.NOT_POSITIVE: "a covariance is far from positive definite",
}


def message_samples(
    risks: Sequence[MessageRisk],
    samples: int,
    *,
    seed: int = 0,
    confidence: float = 0.95,
    backend: str | Backend = "auto",
) -> MonteCarlo:
    """Collision probabilities of messages by Monte Carlo, with the full covariances of position and velocity.

    Both objects are drawn with the common error of the density where the risk has it (see :func:`message_risks`), and
    independently but for that.

    Parameters
    ----------
    risks : sequence of MessageRisk
        From :func:`message_risks`, whose radii are used.
    samples, seed, confidence, backend
        As for :func:`monte_carlo`.

    Returns
    -------
    MonteCarlo
        Arrays with one element for each risk.

    Raises
    ------
    InputError
        As :func:`monte_carlo` does.

    Examples
    --------
    >>> found = message_samples(message_risks(stm.read_cdm("event.cdm")), 1_000_000)  # doctest: +SKIP
    """
    messages = [risk.message for risk in risks]
    r1, v1, c1, r2, v2, c2 = message_states(messages)
    radius = np.array([risk.radius_m for risk in risks])
    shared, _ = _drawn_together(risks)
    return monte_carlo(
        r1,
        v1,
        c1,
        r2,
        v2,
        c2,
        radius,
        samples=samples,
        seed=seed,
        shared=shared,
        confidence=confidence,
        backend=backend,
    )


def _drawn_together(risks: Sequence[MessageRisk]) -> tuple[Floats, Bools]:
    """Errors that both objects of risks share [n, 2, 6], and where they are left out though the risk has them."""
    messages = [risk.message for risk in risks]
    shared, _ = shared_errors(messages)
    correlated = np.array([risk.correlated for risk in risks], bool)
    _, _, c1, _, _, c2 = message_states(messages)
    held = held_by_both(c1, c2, shared)
    shared[~(correlated & held)] = 0.0
    return shared, np.asarray(correlated & ~held)


def remarks(found: MonteCarlo, risks: Sequence[MessageRisk]) -> list[list[str]]:
    """What a reader should know about each Monte Carlo number, in words."""
    said: list[list[str]] = []
    _, left_out = _drawn_together(risks)
    for k, flags in enumerate(found.flags.tolist()):
        texts = [words for bit, words in _WORDS.items() if flags & bit]
        if flags & sampling.CLIPPED:
            texts.append(f"an eigenvalue of {float(found.clipped[k]):.1e} of the largest one was set to zero")
        if found.unmoved[k]:
            texts.append(f"{found.unmoved[k]} samples could not be moved; the upper limit takes them for hits")
        if found.low[k]:
            texts.append(f"{found.low[k]} samples have a perigee below the surface; they were moved all the same")
        if left_out[k]:
            texts.append("both objects are drawn independently: a covariance does not hold the error of the density")
        said.append(texts)
    return said
