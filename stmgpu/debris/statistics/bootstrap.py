"""Intervals by drawing runs anew (bootstrap), vectorised over all other dimensions.

An interval is bias-corrected and accelerated (BCa; Efron 1987, J. Am. Stat. Assoc. 82, 171), with its levels widened
for few runs as Hesterberg (2015, Am. Stat. 69, 371) proposes: the normal quantile z becomes sqrt(n / (n - 1)) t(n - 1),
without which the percentiles of 20 runs cover 92 instead of 95 %. Values that are not numbers (runs that were cut off,
runs that are not there yet) are left out, and every result says how many runs are in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri, stdtrit

from stmgpu.debris.statistics.runs import NAN_NOTE, check_level, sorted_quantile, used, whole
from stmgpu.errors import InputError

Floats = NDArray[np.float64]
Statistic = Callable[..., Floats]
"""statistic(weights [m, n], values [cells, n], ...) -> [m, cells]; weights count how often a run was drawn."""

_BLOCK_BYTES = 32 * 2**20


# -------------------------------------------------------------------------------------------------- weighted forms
def weighted_mean(weights: Floats, values: Floats) -> Floats:
    """Mean of the runs that have a value."""
    valid = np.isfinite(values)
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Floats = (weights @ np.where(valid, values, 0.0).T) / (weights @ valid.T.astype(np.float64))
    return found


def weighted_ratio(weights: Floats, above: Floats, below: Floats) -> Floats:
    """Ratio of two sums over the runs that have both values."""
    valid = np.isfinite(above) & np.isfinite(below)
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Floats = (weights @ np.where(valid, above, 0.0).T) / (weights @ np.where(valid, below, 0.0).T)
    return found


def weighted_variance(weights: Floats, values: Floats) -> Floats:
    """Variance (n - 1) of the runs that have a value."""
    centre = weighted_mean(np.ones((1, values.shape[1])), values)[0]
    centred = values - np.nan_to_num(centre)[:, None]  # sums of squares lose digits far from zero
    count = weights @ np.isfinite(values).T.astype(np.float64)
    mean, square = weighted_mean(weights, centred), weighted_mean(weights, centred**2)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(count > 1.0, np.maximum(square - mean**2, 0.0) * count / (count - 1.0), np.nan)


def weighted_dispersion(weights: Floats, values: Floats) -> Floats:
    """Variance over mean."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return weighted_variance(weights, values) / weighted_mean(weights, values)


STATISTICS: dict[str, Statistic] = {
    "mean": weighted_mean,
    "variance": weighted_variance,
    "std": lambda weights, values: np.sqrt(weighted_variance(weights, values)),
    "dispersion": weighted_dispersion,
}
"""Statistics with a name, in the form that resampling uses."""


def _of_function(function: Callable[..., Any]) -> Statistic:
    """A function(values, axis=-1) in the form of weights; weights must be whole and sum to the same number."""

    def statistic(weights: Floats, values: Floats) -> Floats:
        found = np.empty((len(weights), len(values)))
        columns = np.arange(weights.shape[1])
        for k, row in enumerate(weights):
            found[k] = function(values[:, np.repeat(columns, row.astype(np.int64))], axis=-1)
        return found

    return statistic


# --------------------------------------------------------------------------------------------------------- bootstrap
def bootstrap_interval(
    da: xr.DataArray,
    statistic: str | Callable[..., Any] = "mean",
    dim: str = "run",
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
    method: str = "bca",
) -> xr.Dataset:
    """Statistic over runs with its bootstrap interval.

    Parameters
    ----------
    da
        any variable of an ensemble; every element of the other dimensions gets its interval, all from the same draws.
    statistic
        'mean', 'variance', 'std', 'dispersion' (variance over mean), or function(values, axis) such as
        ``numpy.nanmedian``, which must cope with what is not a number.
    dim
        dimension that is drawn from.
    level
        of the interval.
    resamples, seed
        number of draws, and of the random numbers; the result depends on nothing else.
    method
        'bca' or 'percentile', both with the levels widened for few runs; 'bca-plain', the former as published.

    Returns
    -------
    Dataset: ``estimate``, ``lower``, ``upper`` [units of da], ``runs_used``.

    Raises
    ------
    InputError
        an unknown statistic or method, an impossible level, too few resamples.

    Notes
    -----
    The interval says how far the statistic of so many runs may be from that of infinitely many. It says nothing of the
    model's own errors. With fewer than about 10 runs no interval holds what it promises.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> da = xr.DataArray(np.random.default_rng(1).normal(5.0, 1.0, 100), dims="run")
    >>> found = bootstrap_interval(da)
    >>> bool(found.lower < 5.0 < found.upper)
    True
    """
    if isinstance(statistic, str):
        if statistic not in STATISTICS:
            raise InputError(f"statistic {statistic!r} is unknown; choose {', '.join(STATISTICS)}, or give a function")
        chosen, name = STATISTICS[statistic], statistic
    else:
        chosen, name = _of_function(statistic), getattr(statistic, "__name__", "function")
    found = interval_of(chosen, (da,), dim, level, resamples, seed, method)
    units = str(da.attrs.get("units", "1"))
    units = {"variance": f"({units})2", "dispersion": "1"}.get(name, units)
    for part in ("estimate", "lower", "upper"):
        found[part].attrs["units"] = units
    return found.assign_attrs(found.attrs, statistic=name)


def interval_of(
    statistic: Statistic,
    arrays: tuple[xr.DataArray, ...],
    dim: str = "run",
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
    method: str = "bca",
) -> xr.Dataset:
    """Interval of a statistic of several arrays whose runs are drawn together.

    Parameters
    ----------
    statistic
        in the form :data:`Statistic`, with as many arrays as are given.
    arrays
        broadcast against each other; all have ``dim``. A run counts where all of them have a value.
    dim, level, resamples, seed, method
        as for :func:`bootstrap_interval`.

    Returns
    -------
    Dataset: ``estimate``, ``lower``, ``upper``, ``runs_used``.
    """
    check_interval(level, resamples, method)

    def core(*parts: Floats) -> Floats:
        parts = tuple(np.broadcast_arrays(*parts))
        shape, n = parts[0].shape[:-1], parts[0].shape[-1]
        flat = [part.reshape(-1, n).astype(np.float64) for part in parts]
        found = np.empty((len(flat[0]), 3))
        for rows in blocks(len(flat[0]), resamples):
            found[rows] = _interval(statistic, [part[rows] for part in flat], level, resamples, seed, method)
        return found.reshape(*shape, 3)

    result = xr.apply_ufunc(
        core,
        *(whole(da, dim) for da in arrays),
        input_core_dims=[[dim]] * len(arrays),
        output_core_dims=[["bound"]],
        dask="parallelized",
        output_dtypes=[np.float64],
        dask_gufunc_kwargs={"output_sizes": {"bound": 3}},
    )
    found = xr.Dataset({name: result.isel(bound=k) for k, name in enumerate(("estimate", "lower", "upper"))})
    found["runs_used"] = used(*arrays, dim=dim)
    found["lower"].attrs["long_name"] = f"lower end of the {100 * level:g} % interval"
    found["upper"].attrs["long_name"] = f"upper end of the {100 * level:g} % interval"
    return found.assign_attrs(level=level, resamples=resamples, seed=seed, method=method, note=NAN_NOTE)


def check_interval(level: float, resamples: int, method: str) -> None:
    """Refuse an interval that cannot be made."""
    check_level(level)
    if resamples < 100:
        raise InputError(f"{resamples} resamples are too few for an interval; give 100 or more (2000 are usual)")
    if method not in ("bca", "bca-plain", "percentile"):
        raise InputError(f"method {method!r} is unknown; choose 'bca', 'bca-plain' or 'percentile'")


def blocks(cells: int, resamples: int) -> Iterator[slice]:
    """Pieces of so many cells that the resampled statistics of one piece stay small."""
    size = max(1, _BLOCK_BYTES // (8 * resamples))
    for k in range(0, cells, size):
        yield slice(k, k + size)


def draws(n: int, resamples: int, seed: int) -> Iterator[tuple[slice, Floats]]:
    """How often each of n runs is drawn, a few resamples at a time, the same ones whatever the memory."""
    rng = np.random.default_rng(seed)
    size = max(1, _BLOCK_BYTES // (8 * max(n, 1)))
    for k in range(0, resamples, size):
        rows = min(size, resamples - k)
        drawn = rng.integers(0, n, (rows, n)) + np.arange(rows)[:, None] * n
        yield slice(k, k + rows), np.bincount(drawn.ravel(), minlength=rows * n).reshape(rows, n).astype(np.float64)


def _interval(
    statistic: Statistic, parts: list[Floats], level: float, resamples: int, seed: int, method: str
) -> Floats:
    """Estimate, lower and upper end [cells, 3]."""
    cells, n = parts[0].shape
    count = np.logical_and.reduce([np.isfinite(part) for part in parts]).sum(axis=1)
    estimate = statistic(np.ones((1, n)), *parts)[0]
    if n < 2:
        return np.stack([estimate, np.full(cells, np.nan), np.full(cells, np.nan)], axis=1)
    drawn = np.empty((resamples, cells))
    for rows, weights in draws(n, resamples, seed):
        drawn[rows] = statistic(weights, *parts)
    ordered = np.sort(drawn, axis=0)
    there = (~np.isnan(ordered)).sum(axis=0)
    few = np.maximum(count, 2)
    z = -ndtri(0.5 * (1.0 - level)) * np.ones(cells)
    if method != "bca-plain":
        z = -np.sqrt(few / (few - 1.0)) * stdtrit(few - 1.0, 0.5 * (1.0 - level))
    if method == "percentile":
        q = np.stack([ndtr(-z), ndtr(z)])
    else:
        with np.errstate(invalid="ignore"):
            below = 0.5 * ((ordered < estimate).sum(axis=0) + (ordered <= estimate).sum(axis=0))
        share = below / np.maximum(there, 1)
        bias = ndtri(np.clip(share, 0.5 / resamples, 1.0 - 0.5 / resamples))
        bend = _acceleration(statistic, parts)
        q = np.stack([ndtr(bias + (bias + s * z) / (1.0 - bend * (bias + s * z))) for s in (-1.0, 1.0)])
    lower, upper = np.where(count > 1, sorted_quantile(ordered, there, q), np.nan)
    return np.stack([estimate, lower, upper], axis=1)


def _acceleration(statistic: Statistic, parts: list[Floats]) -> Floats:
    """Skewness of the jackknife over six [cells]."""
    cells, n = parts[0].shape
    without = np.empty((n, cells))
    size = max(1, _BLOCK_BYTES // (8 * n))
    for k in range(0, n, size):
        rows = np.arange(k, min(k + size, n))
        weights = np.ones((len(rows), n))
        weights[np.arange(len(rows)), rows] = 0.0
        without[rows] = statistic(weights, *parts)
    valid = np.logical_and.reduce([np.isfinite(part) for part in parts]).T & np.isfinite(without)
    mean = np.where(valid, without, 0.0).sum(axis=0) / np.maximum(valid.sum(axis=0), 1)
    away = np.where(valid, mean - np.where(valid, without, 0.0), 0.0)
    square = (away**2).sum(axis=0)
    return np.where(square > 0.0, (away**3).sum(axis=0) / (6.0 * np.where(square > 0.0, square, 1.0) ** 1.5), 0.0)
