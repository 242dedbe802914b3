"""Covariance models learned from errors of element sets, and judged against independent states.

Learned are percentiles of the absolute errors by regime and age. The velocity needs one correlation: Blomqvist's
quadrant coefficient (1950), which outliers cannot move, of radial error and transverse velocity and of transverse error
and radial velocity, turned into that of normal variables by sin(pi q / 2).

A stratum is judged by covariance consistency (J. Horwood et al., SPIE 9092, 2014), axis by axis and without assuming a
law of the errors: let k be their 68.27 % percentile in units of sigma. If the exact 95 % interval of Clopper and
Pearson (Biometrika 26, 1934) shows that k lies between 1/2 and 2 on all three axes, the stratum is calibrated; if it
shows that k lies outside on one axis, it failed; else there are too few element sets to tell. The factor 2 is a choice:
it tells such models from those that are wrong by 4 to 90, as models from element sets alone were found to be.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, get_args

import numpy as np
import scipy

from stmgpu.errors import InputError, counted
from stmgpu.risk.covariance_model import NO_REFERENCE, REGIMES, CovarianceModel, Regime, Stratum
from stmgpu.risk.tle_covariance import TleCovariance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stmgpu.risk.covariance_model import Verdict
    from stmgpu.risk.histories import Errors
    from stmgpu.typing import Floats

EDGES_DAYS = (0.75, 1.5, 2.5, 3.5, 5.5, 8.5)
"""Limits of the ages of the strata [d]."""

LEAST_PAIRS = 30
"""Pairs from which a stratum is learned: the standard error of sigma is then 18 % for normal errors."""

FACTOR = 2.0
"""Largest factor between sigma and the percentile of the errors in a calibrated stratum."""

CONFIDENCE = 0.95
"""Of the interval that decides."""

ONE_SIGMA = math.erf(1.0 / math.sqrt(2.0))
"""Share of normal errors within one sigma."""

TWO_SIGMAS = math.erf(2.0 / math.sqrt(2.0))
"""Share of normal errors within two sigmas."""

CRITERION = (
    f"calibrated: the {100 * ONE_SIGMA:.2f} % percentile of the errors is within a factor {FACTOR:g} of sigma on all "
    f"axes, shown at {100 * CONFIDENCE:g} % confidence; failed: it is shown not to be on one axis; too few: neither"
)
"""Criterion of the verdicts, as models state it."""


def learn(
    errors: Errors, edges_days: Sequence[float], *, name: str, obtained: str
) -> tuple[CovarianceModel, list[str]]:
    """Learn a model.

    Parameters
    ----------
    errors : Errors
        Of element sets, from :func:`stmgpu.risk.histories.consistency`.
    edges_days : sequence of float
        Limits of the ages of the strata [d].
    name, obtained : str
        Name of the model, and from which data it is.

    Returns
    -------
    model : CovarianceModel
        Without verdicts; it says that nobody judged it.
    left_out : list of str
        Strata with too few pairs, in words.

    Raises
    ------
    InputError
        If no stratum has enough pairs.
    """
    regimes, strata, left_out = errors.regime, [], []
    for index, regime in enumerate(get_args(Regime)):
        for low, high in itertools.pairwise(edges_days):
            rows = np.flatnonzero((regimes == index) & (errors.age_days >= low) & (errors.age_days < high))
            if len(rows) == 0:
                continue
            size = np.abs(errors.error_m[rows, :3])
            sigma = np.percentile(size, 100.0 * ONE_SIGMA, axis=0)
            if len(rows) < LEAST_PAIRS or not (sigma > 0.0).all():
                why = counted(len(rows), "pair") if (sigma > 0.0).all() else "no differences at all"
                left_out.append(f"{regime}, {low:g} to {high:g} days: {why}")
                continue
            strata.append(
                Stratum(
                    regime=regime,
                    age_days=(float(low), float(high)),
                    at_days=_rounded(float(np.median(errors.age_days[rows]))),
                    sigma_m=_axes(sigma),
                    tail_m=_axes(np.percentile(size, 100.0 * TWO_SIGMAS, axis=0)),
                    pairs=len(rows),
                    objects=len(np.unique(errors.norad_id[rows])),
                )
            )
    if not strata:
        raise InputError(
            f"no regime and age has {LEAST_PAIRS} pairs of element sets ({'; '.join(left_out[:4]) or 'none at all'}); "
            "give longer histories or those of more objects"
        )
    model = CovarianceModel(
        format=1,
        name=name,
        obtained=obtained,
        notice=NO_REFERENCE,
        correlation=_correlation(errors.error_m),
        stratum=tuple(strata),
    )
    return model, left_out


def judge(model: CovarianceModel, errors: Errors, *, reference: str) -> CovarianceModel:
    """Judge a model against independent states.

    Parameters
    ----------
    model : CovarianceModel
        The model.
    errors : Errors
        Of element sets against independent states, from :func:`stmgpu.risk.histories.against`.
    reference : str
        What the states are.

    Returns
    -------
    CovarianceModel
        The same numbers, each stratum with its verdict.
    """
    found = TleCovariance(model, model.name).at(errors.norad_id, errors.state_km, errors.time_jd, errors.age_days)
    sigma = np.sqrt(np.diagonal(found.matrix[:, :3, :3], axis1=1, axis2=2))
    scaled, regimes = np.abs(errors.error_m[:, :3]) / sigma, errors.regime
    strata = []
    for row in model.stratum:
        low, high = row.age_days
        rows = (regimes == REGIMES.index(row.regime)) & (errors.age_days >= low) & (errors.age_days < high)
        part = scaled[rows]
        ratio = np.percentile(part, 100.0 * ONE_SIGMA, axis=0) if len(part) else None
        strata.append(
            row.model_copy(
                update={
                    "verdict": verdict(part),
                    "ratio": None if ratio is None or not (ratio > 0.0).all() else _axes(ratio),
                    "compared": len(part),
                }
            )
        )
    return model.judged(reference, CRITERION, tuple(strata))


def verdict(scaled: Floats) -> Verdict:
    """Verdict on one stratum; the module says how.

    Parameters
    ----------
    scaled : float64, shape (n, 3)
        Absolute errors in units of sigma.

    Examples
    --------
    >>> verdict(np.abs(np.random.default_rng(1).normal(size=(200, 3))))
    'calibrated'
    >>> verdict(5.0 * np.abs(np.random.default_rng(1).normal(size=(200, 3))))
    'failed'
    """
    n = len(scaled)
    if n == 0:
        return "too few"
    low_two, high_two = _limits((scaled <= FACTOR).sum(axis=0), n)
    low_half, high_half = _limits((scaled <= 1.0 / FACTOR).sum(axis=0), n)
    if (high_two < ONE_SIGMA).any() or (low_half > ONE_SIGMA).any():
        return "failed"
    return "calibrated" if ((low_two > ONE_SIGMA) & (high_half < ONE_SIGMA)).all() else "too few"


def _limits(count: np.ndarray, n: int) -> tuple[Floats, Floats]:
    """Limits of Clopper and Pearson of a share."""
    tail = 0.5 * (1.0 - CONFIDENCE)
    low = np.where(count > 0, scipy.stats.beta.ppf(tail, np.maximum(count, 1), n - count + 1), 0.0)
    high = np.where(count < n, scipy.stats.beta.isf(tail, count + 1, np.maximum(n - count, 1)), 1.0)
    return low, high


def _correlation(error_m: Floats) -> float:
    pairs = ((0, 4), (1, 3))
    quadrant = np.mean([np.sign(error_m[:, one]) * np.sign(error_m[:, other]) for one, other in pairs])
    return _rounded(float(np.clip(np.sin(0.5 * np.pi * quadrant), -0.99, 0.99)))


def _axes(values: Floats) -> tuple[float, float, float]:
    one, two, three = (_rounded(float(x)) for x in values)
    return one, two, three


def _rounded(value: float) -> float:
    """Four digits: more would be noise."""
    return float(f"{value:.4g}")
