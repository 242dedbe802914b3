"""Bootstrap intervals over runs, vectorised over all other dimensions.

An interval is bias-corrected and accelerated (BCa; Efron 1987, J. Am. Stat. Assoc. 82, 171), with its levels widened
for few runs as Hesterberg (2015, Am. Stat. 69, 371) proposes: the normal quantile z becomes sqrt(n / (n - 1)) t(n - 1);
without that, percentile intervals of 20 runs cover 92 instead of 95 %. NaN values (runs that were cut off or are not
finished) are left out, and every result states the number of runs used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from scipy.special import ndtr, ndtri, stdtrit

from stmgpu.debris.statistics.runs import NAN_NOTE, check_level, sorted_quantile, used, whole
from stmgpu.errors import InputError
from stmgpu.typing import Floats

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

Statistic = Callable[..., Floats]
"""Function(weights (m, n), values (cells, n), ...) -> (m, cells); weights are the number of times a run was drawn."""

_BLOCK_BYTES = 32 * 2**20


# -------------------------------------------------------------------------------------------------- weighted forms
def weighted_mean(weights: Floats, values: Floats) -> Floats:
    """Mean over runs with a value."""
    valid = np.isfinite(values)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean: Floats = (weights @ np.where(valid, values, 0.0).T) / (weights @ valid.T.astype(np.float64))
    return mean


def weighted_ratio(weights: Floats, above: Floats, below: Floats) -> Floats:
    """Ratio of two sums over runs with both values."""
    valid = np.isfinite(above) & np.isfinite(below)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio: Floats = (weights @ np.where(valid, above, 0.0).T) / (weights @ np.where(valid, below, 0.0).T)
    return ratio


def weighted_variance(weights: Floats, values: Floats) -> Floats:
    """Sample variance (n - 1) over runs with a value."""
    centre = weighted_mean(np.ones((1, values.shape[1])), values)[0]
    centred = values - np.nan_to_num(centre)[:, None]  # sums of squares of values far from zero lose digits
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
"""Named statistics, as functions of weights and values."""


def _of_function(function: Callable[..., ArrayLike]) -> Statistic:
    """Turn a function(values, axis=-1) into one of weights, which must be integers with equal sums."""

    def statistic(weights: Floats, values: Floats) -> Floats:
        result = np.empty((len(weights), len(values)))
        columns = np.arange(weights.shape[1])
        for k, row in enumerate(weights):
            result[k] = function(values[:, np.repeat(columns, row.astype(np.int64))], axis=-1)
        return result

    return statistic


# --------------------------------------------------------------------------------------------------------- bootstrap
@dataclass(frozen=True)
class Resampling:
    """Settings of a bootstrap interval, see :func:`bootstrap_interval`.

    Raises
    ------
    InputError
        A level out of range, too few resamples, or an unknown method.
    """

    level: float = 0.95
    resamples: int = 2000
    seed: int = 0
    method: str = "bca"

    def __post_init__(self) -> None:
        check_level(self.level)
        if self.resamples < 100:
            raise InputError(f"resamples = {self.resamples} is too few; choose 100 or more (2000 is usual)")
        if self.method not in ("bca", "bca-plain", "percentile"):
            raise InputError(f"method {self.method!r} is unknown; choose 'bca', 'bca-plain' or 'percentile'")


def bootstrap_interval(
    da: xr.DataArray,
    statistic: str | Callable[..., ArrayLike] = "mean",
    *,
    dim: str = "run",
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
    method: str = "bca",
) -> xr.Dataset:
    """Compute a statistic over runs with its bootstrap interval.

    Parameters
    ----------
    da : DataArray
        Variable of an ensemble; every element of the other dimensions has its interval, all from the same resamples.
    statistic : str or callable
        'mean', 'variance', 'std', 'dispersion' (variance over mean), or a function(values, axis) that accepts NaN, such
        as ``numpy.nanmedian``.
    dim : str
        Dimension to resample.
    level : float
        Level of the interval.
    resamples : int
        Number of resamples.
    seed : int
        Seed of the resampling.
    method : {'bca', 'percentile', 'bca-plain'}
        'bca' and 'percentile' have their levels widened for few runs; 'bca-plain' is BCa as published.

    Returns
    -------
    Dataset
        ``estimate``, ``lower``, ``upper`` in the units of ``da``, and ``runs_used``.

    Raises
    ------
    InputError
        An unknown statistic or method, a level out of range, or too few resamples.

    Notes
    -----
    The interval is that of sampling: the distance of the statistic of these runs from that of infinitely many. It does
    not include model errors. With fewer than about 10 runs intervals are too narrow.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> da = xr.DataArray(np.random.default_rng(1).normal(5.0, 1.0, 100), dims="run")
    >>> interval = bootstrap_interval(da)
    >>> bool(interval.lower < 5.0 < interval.upper)
    True
    """
    if isinstance(statistic, str):
        if statistic not in STATISTICS:
            raise InputError(f"statistic {statistic!r} is unknown; choose {', '.join(STATISTICS)} or a function")
        chosen, name = STATISTICS[statistic], statistic
    else:
        chosen, name = _of_function(statistic), getattr(statistic, "__name__", "function")
    result = interval_of(chosen, (da,), Resampling(level, resamples, seed, method), dim=dim)
    units = str(da.attrs.get("units", "1"))
    units = {"variance": f"({units})2", "dispersion": "1"}.get(name, units)
    for part in ("estimate", "lower", "upper"):
        result[part].attrs["units"] = units
    return result.assign_attrs(result.attrs, statistic=name)


def interval_of(
    statistic: Statistic,
    arrays: tuple[xr.DataArray, ...],
    resampling: Resampling,
    *,
    dim: str = "run",
) -> xr.Dataset:
    """Compute the interval of a statistic of several arrays whose runs are resampled together.

    Parameters
    ----------
    statistic : callable
        Of the type :data:`Statistic`, with as many arrays as are given.
    arrays : tuple of DataArray
        Broadcast against each other; all have ``dim``. A run is used where all of them have a value.
    resampling : Resampling
        Level, resamples, seed and method.
    dim : str
        Dimension to resample.

    Returns
    -------
    Dataset
        ``estimate``, ``lower``, ``upper``, ``runs_used``.
    """
    level = resampling.level

    def core(*parts: Floats) -> Floats:
        parts = tuple(np.broadcast_arrays(*parts))
        shape, n = parts[0].shape[:-1], parts[0].shape[-1]
        flat = [part.reshape(-1, n).astype(np.float64) for part in parts]
        bounds = np.empty((len(flat[0]), 3))
        for rows in blocks(len(flat[0]), resampling.resamples):
            bounds[rows] = _interval(statistic, [part[rows] for part in flat], resampling)
        return bounds.reshape(*shape, 3)

    result = xr.apply_ufunc(
        core,
        *(whole(da, dim) for da in arrays),
        input_core_dims=[[dim]] * len(arrays),
        output_core_dims=[["bound"]],
        dask="parallelized",
        output_dtypes=[np.float64],
        dask_gufunc_kwargs={"output_sizes": {"bound": 3}},
    )
    intervals = xr.Dataset({name: result.isel(bound=k) for k, name in enumerate(("estimate", "lower", "upper"))})
    intervals["runs_used"] = used(*arrays, dim=dim)
    intervals["lower"].attrs["long_name"] = f"lower end of the {100 * level:g} % interval"
    intervals["upper"].attrs["long_name"] = f"upper end of the {100 * level:g} % interval"
    return intervals.assign_attrs(**asdict(resampling), note=NAN_NOTE)


def blocks(cells: int, resamples: int) -> Iterator[slice]:
    """Yield blocks of cells small enough for their resampled statistics to fit into memory."""
    size = max(1, _BLOCK_BYTES // (8 * resamples))
    for k in range(0, cells, size):
        yield slice(k, k + size)


def draws(n: int, resamples: int, seed: int) -> Iterator[tuple[slice, Floats]]:
    """Yield how often each of n runs is drawn, some resamples at a time; the draws do not depend on the block size."""
    rng = np.random.default_rng(seed)
    size = max(1, _BLOCK_BYTES // (8 * max(n, 1)))
    for k in range(0, resamples, size):
        rows = min(size, resamples - k)
        drawn = rng.integers(0, n, (rows, n)) + np.arange(rows)[:, None] * n
        yield slice(k, k + rows), np.bincount(drawn.ravel(), minlength=rows * n).reshape(rows, n).astype(np.float64)


def _interval(statistic: Statistic, parts: list[Floats], resampling: Resampling) -> Floats:
    """Compute estimate, lower and upper bound, shape (cells, 3)."""
    level, resamples, method = resampling.level, resampling.resamples, resampling.method
    cells, n = parts[0].shape
    count = np.logical_and.reduce([np.isfinite(part) for part in parts]).sum(axis=1)
    estimate = statistic(np.ones((1, n)), *parts)[0]
    if n < 2:
        return np.stack([estimate, np.full(cells, np.nan), np.full(cells, np.nan)], axis=1)
    drawn = np.empty((resamples, cells))
    for rows, weights in draws(n, resamples, resampling.seed):
        drawn[rows] = statistic(weights, *parts)
    ordered = np.sort(drawn, axis=0)
    valid = (~np.isnan(ordered)).sum(axis=0)
    few = np.maximum(count, 2)
    z = -ndtri(0.5 * (1.0 - level)) * np.ones(cells)
    if method != "bca-plain":
        z = -np.sqrt(few / (few - 1.0)) * stdtrit(few - 1.0, 0.5 * (1.0 - level))
    if method == "percentile":
        q = np.stack([ndtr(-z), ndtr(z)])
    else:
        with np.errstate(invalid="ignore"):
            below = 0.5 * ((ordered < estimate).sum(axis=0) + (ordered <= estimate).sum(axis=0))
        share = below / np.maximum(valid, 1)
        bias = ndtri(np.clip(share, 0.5 / resamples, 1.0 - 0.5 / resamples))
        # Efron (1987): the bias z0 and the acceleration a shift the levels
        acceleration = _acceleration(statistic, parts)
        q = np.stack([ndtr(bias + (bias + s * z) / (1.0 - acceleration * (bias + s * z))) for s in (-1.0, 1.0)])
    lower, upper = np.where(count > 1, sorted_quantile(ordered, valid, q), np.nan)
    return np.stack([estimate, lower, upper], axis=1)


def _acceleration(statistic: Statistic, parts: list[Floats]) -> Floats:
    """Compute the acceleration: the skewness of the jackknife values over six, shape (cells,)."""
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
    deviation = np.where(valid, mean - np.where(valid, without, 0.0), 0.0)
    square = (deviation**2).sum(axis=0)
    return np.where(square > 0.0, (deviation**3).sum(axis=0) / (6.0 * np.where(square > 0.0, square, 1.0) ** 1.5), 0.0)
