"""Plain numbers of a study for its page: rounded, null where there is none, with the runs behind them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from stmgpu.debris.statistics.bootstrap import bootstrap_interval
from stmgpu.debris.statistics.runs import quantiles

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import ArrayLike

    from stmgpu.typing import Floats

FEW_RUNS = 10
"""Number of runs below which intervals are too narrow and every figure says so."""

DIGITS = 7
"""Significant digits of a number on the page."""

RESAMPLES = 1000
"""Bootstrap resamples of the intervals of a series; those at the end of the study have more."""

Curves = list[dict[str, Any]]
"""A curve for each scenario: ``mean``, ``low`` and ``high``, each a list over time."""


def numbers(values: ArrayLike) -> Any:
    """Round to :data:`DIGITS` significant digits, as nested lists; what is not finite becomes None.

    Examples
    --------
    >>> numbers([[1 / 3, float("nan")]])
    [[0.3333333, None]]
    """
    plain = np.asarray(values, np.float64)
    if plain.ndim == 0:
        return float(f"{float(plain):.{DIGITS}g}") if math.isfinite(plain) else None
    return [numbers(part) for part in plain]


def mean_of_runs(values: xr.DataArray) -> xr.DataArray:
    """Mean over the runs that have a value, NaN where none has, without a warning."""
    count = values.notnull().sum("run")
    return values.sum("run") / count.where(count > 0)


def bands(values: xr.DataArray, *, of_mean: tuple[int, ...] = ()) -> Curves:
    """Mean over the runs and a band around it, for each scenario.

    Parameters
    ----------
    values : DataArray
        Over (scenario, run, time).
    of_mean : tuple of int
        Scenarios whose runs have no spread of their own (the estimator 'expected'): the band is the 95 % interval of
        the mean there. Elsewhere it holds 90 % of the runs.
    """
    low, high = (
        part.to_numpy().copy() for part in quantiles(values, (0.05, 0.95)).transpose("quantile", "scenario", ...)
    )
    if of_mean:
        interval = bootstrap_interval(values.isel(scenario=list(of_mean)), resamples=RESAMPLES)
        low[list(of_mean)], high[list(of_mean)] = interval["lower"].to_numpy(), interval["upper"].to_numpy()
    return _curves(mean_of_runs(values).to_numpy(), low, high)


def interval_curves(interval: xr.Dataset) -> Curves:
    """Estimate and interval over time, for each scenario."""
    return _curves(*(interval[name].transpose("scenario", ...).to_numpy() for name in ("estimate", "lower", "upper")))


def interval_at_end(interval: xr.Dataset, scenario: int) -> dict[str, Any]:
    """``mid``, ``low`` and ``high`` of one scenario at the last time, and the ``runs`` behind them."""
    one = interval.isel(scenario=scenario)
    one = one.isel(time=-1) if "time" in one.dims else one
    return {
        "mid": numbers(one["estimate"]),
        "low": numbers(one["lower"]),
        "high": numbers(one["upper"]),
        "runs": int(one["runs_used"]),
    }


def _curves(mean: Floats, low: Floats, high: Floats) -> Curves:
    return [
        {"mean": numbers(m), "low": numbers(lower), "high": numbers(upper)}
        for m, lower, upper in zip(mean, low, high, strict=True)
    ]
