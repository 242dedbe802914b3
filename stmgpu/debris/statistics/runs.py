"""Quantiles over runs, tail risk, dispersion of counts, proportions, and the number of runs a study needs.

All functions reduce one dimension, by default ``run``, of in-memory and lazily loaded arrays alike. NaN values (runs
that were cut off or are not finished) are left out or, with ``capped="high"``, count as larger than all others.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, overload

import numpy as np
import xarray as xr
from scipy.special import chdtri, ndtri

from stmgpu.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Hashable

    from numpy.typing import ArrayLike

    from stmgpu.typing import Floats, Ints

NAN_NOTE = "runs without a value (cut off or not finished) are left out; runs_used is the number of runs used"
HIGH_NOTE = "runs without a value (cut off) count as larger than all others"


def whole(da: xr.DataArray, dim: Hashable) -> xr.DataArray:
    """Rechunk a lazy array to hold ``dim`` in one chunk, as reductions along it require."""
    return da if da.chunks is None else da.chunk({dim: -1})


def check_capped(capped: str) -> None:
    """Raise InputError for an unknown treatment of runs that were cut off."""
    if capped not in ("skip", "high"):
        raise InputError(f"capped = {capped!r} is unknown; choose 'skip' or 'high'")


def check_level(level: float) -> None:
    """Raise InputError for a level outside (0, 1)."""
    if not 0.0 < level < 1.0:
        raise InputError(f"level = {level} is out of range; choose a number between 0 and 1, such as 0.95")


def used(*arrays: xr.DataArray, dim: str = "run") -> xr.DataArray:
    """Count the elements along ``dim`` that are finite in all arrays."""
    valid: xr.DataArray = xr.apply_ufunc(np.isfinite, arrays[0], dask="parallelized", output_dtypes=[np.bool_])
    for da in arrays[1:]:
        valid = valid & xr.apply_ufunc(np.isfinite, da, dask="parallelized", output_dtypes=[np.bool_])
    return valid.sum(dim).assign_attrs(units="1", long_name=f"number of {dim}s with a value")


def divided(above: xr.DataArray, below: xr.DataArray) -> xr.DataArray:
    """Divide; infinite or NaN, without a warning, where the divisor is 0."""

    def core(x: Floats, y: Floats) -> Floats:
        with np.errstate(divide="ignore", invalid="ignore"):
            return x / y

    quotient: xr.DataArray = xr.apply_ufunc(core, above, below, dask="parallelized", output_dtypes=[np.float64])
    return quotient


def variance(da: xr.DataArray, dim: str = "run") -> xr.DataArray:
    """Sample variance (n - 1) over runs with a value; NaN for fewer than two."""
    n = used(da, dim=dim)
    mean = divided(da.sum(dim), n)
    result = divided(((da - mean) ** 2).sum(dim), n - 1)
    result = result.where(result > (1e-14 * mean) ** 2, 0.0 * result)  # rounding error of equal values
    return result.where(n > 1)


# ------------------------------------------------------------------------------------------------------- quantiles
def sorted_quantile(ordered: Floats, count: Ints, q: Floats) -> Floats:
    """Compute quantiles of sorted columns by linear interpolation (Hyndman and Fan 1996, type 7).

    Parameters
    ----------
    ordered : float64, shape (n, cells)
        Values, ascending along the first axis, NaN at the end.
    count : int64, shape (cells,)
        Number of values in each column that are not NaN.
    q : float64, shape (cells,) or (m, cells)
        Probabilities.

    Returns
    -------
    float64, shape of ``q``
        NaN where a column is empty.
    """
    place = np.clip(q, 0.0, 1.0) * np.maximum(count - 1, 0)
    below = np.floor(place).astype(np.int64)
    above = np.minimum(below + 1, np.maximum(count - 1, 0))
    cells = np.broadcast_to(np.arange(ordered.shape[1]), below.shape)
    low, high = ordered[below, cells], ordered[above, cells]
    with np.errstate(invalid="ignore"):  # infinity minus infinity, not used
        value = np.where((low == high) | (place == below), low, low + (high - low) * (place - below))
    return np.where(count > 0, value, np.nan)


def quantiles(
    da: xr.DataArray, q: ArrayLike = (0.05, 0.25, 0.5, 0.75, 0.95), *, dim: str = "run", capped: str = "skip"
) -> xr.DataArray:
    """Compute quantiles over runs.

    Parameters
    ----------
    da : DataArray
        Variable of an ensemble.
    q : array_like
        One probability or several.
    dim : str
        Dimension to reduce.
    capped : {'skip', 'high'}
        Treatment of NaN: 'skip' leaves it out; 'high' counts it as larger than all others, as is true of a run that was
        cut off for too many objects. A quantile that falls among these is infinite.

    Returns
    -------
    DataArray
        Dimension ``quantile`` first, with the coordinate ``runs_used``; units as in ``da``.

    Raises
    ------
    InputError
        A probability outside [0, 1], or an unknown ``capped``.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> da = xr.DataArray(np.arange(101.0), dims="run")
    >>> quantiles(da, [0.05, 0.5]).values.tolist()
    [5.0, 50.0]
    """
    levels = np.atleast_1d(np.asarray(q, np.float64))
    if not ((levels >= 0.0) & (levels <= 1.0)).all():
        raise InputError(f"quantiles {levels.tolist()} are out of range; choose probabilities between 0 and 1")
    check_capped(capped)

    def core(values: Floats) -> Floats:
        columns = np.moveaxis(values, -1, 0).reshape(values.shape[-1], -1).astype(np.float64)
        if capped == "high":
            columns = np.where(np.isnan(columns), np.inf, columns)
        count = (~np.isnan(columns)).sum(axis=0)
        result = sorted_quantile(np.sort(columns, axis=0), count, np.repeat(levels[:, None], columns.shape[1], axis=1))
        return np.moveaxis(result.reshape(len(levels), *values.shape[:-1]), 0, -1)

    result: xr.DataArray = xr.apply_ufunc(
        core,
        whole(da, dim),
        input_core_dims=[[dim]],
        output_core_dims=[["quantile"]],
        dask="parallelized",
        output_dtypes=[np.float64],
        dask_gufunc_kwargs={"output_sizes": {"quantile": len(levels)}},
    )
    result = result.assign_coords(quantile=levels, runs_used=used(da, dim=dim)).transpose("quantile", ...)
    note = NAN_NOTE if capped == "skip" else HIGH_NOTE
    return result.assign_attrs(da.attrs, note=note)


# -------------------------------------------------------------------------------------------------------- tail risk
def value_at_risk(da: xr.DataArray, level: float = 0.95, *, dim: str = "run", capped: str = "high") -> xr.DataArray:
    """Compute the value that is exceeded with probability 1 - ``level`` (value at risk).

    Parameters
    ----------
    da : DataArray
        Quantity of which more is worse, such as the final population.
    level : float
        Fraction of runs that stay below.
    dim : str
        Dimension to reduce.
    capped : {'high', 'skip'}
        As for :func:`quantiles`; a run that was cut off belongs to the tail, so the default is 'high'.

    Returns
    -------
    DataArray
    """
    check_level(level)
    result = quantiles(da, level, dim=dim, capped=capped).isel(quantile=0, drop=True)
    return result.assign_attrs(da.attrs, level=level)


def conditional_value_at_risk(
    da: xr.DataArray, level: float = 0.95, *, dim: str = "run", capped: str = "high"
) -> xr.DataArray:
    """Compute the mean of the worst fraction 1 - ``level`` of the runs (conditional value at risk).

    A run on the border of the tail counts in part, so that the fraction is exact for any number of runs (Rockafellar
    and Uryasev 2002, J. Bank. Fin. 26, 1443). Parameters as for :func:`value_at_risk`; infinite where a run that was
    cut off is in the tail.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> round(float(conditional_value_at_risk(xr.DataArray(np.arange(1.0, 101.0), dims="run"))), 6)
    98.0
    """
    check_level(level)
    check_capped(capped)

    def core(values: Floats) -> Floats:
        values = values.astype(np.float64)
        if capped == "high":
            values = np.where(np.isnan(values), np.inf, values)
        ordered = np.sort(values, axis=-1)  # NaN is last
        count = (~np.isnan(ordered)).sum(axis=-1, keepdims=True)
        tail = (1.0 - level) * count
        share = np.clip(np.arange(ordered.shape[-1]) + 1.0 - (count - tail), 0.0, 1.0)
        share = np.where(np.isnan(ordered), 0.0, share)
        weighted = np.where(share > 0.0, share * np.where(share > 0.0, ordered, 0.0), 0.0)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean: Floats = weighted.sum(axis=-1) / tail[..., 0]
        return mean

    result: xr.DataArray = xr.apply_ufunc(
        core, whole(da, dim), input_core_dims=[[dim]], dask="parallelized", output_dtypes=[np.float64]
    )
    note = NAN_NOTE if capped == "skip" else HIGH_NOTE
    return result.assign_coords(runs_used=used(da, dim=dim)).assign_attrs(da.attrs, level=level, note=note)


def index_of_dispersion(counts: xr.DataArray, *, dim: str = "run", level: float = 0.95) -> xr.Dataset:
    """Compute variance over mean of counts, with the interval expected of Poisson counts.

    Parameters
    ----------
    counts : DataArray
        Events of each run, such as collisions until a year.
    dim : str
        Dimension to reduce.
    level : float
        Level of the interval: (n - 1) times the index follows a chi-squared law with n - 1 degrees of freedom (Fisher
        1950).

    Returns
    -------
    Dataset
        ``dispersion``, ``poisson_lower``, ``poisson_upper``, ``runs_used``. An index above the interval shows
        correlated events: collisions that cause collisions.
    """
    check_level(level)
    n = used(counts, dim=dim)
    ratio = divided(variance(counts, dim), divided(counts.sum(dim), n))
    freedom = (n - 1.0).where(n > 1)

    def bound(tail: float) -> xr.DataArray:
        result: xr.DataArray = xr.apply_ufunc(
            lambda k: chdtri(k, tail) / k, freedom, dask="parallelized", output_dtypes=[np.float64]
        )
        return result

    return xr.Dataset(
        {
            "dispersion": ratio.assign_attrs(units="1", long_name="variance over mean"),
            "poisson_lower": bound(0.5 * (1.0 + level)).assign_attrs(units="1"),
            "poisson_upper": bound(0.5 * (1.0 - level)).assign_attrs(units="1"),
            "runs_used": n,
        },
        attrs={"level": level, "note": NAN_NOTE},
    )


# ------------------------------------------------------------------------------------------------------ proportions
@overload
def wilson_interval(
    successes: xr.DataArray, trials: xr.DataArray, *, level: float = 0.95
) -> tuple[xr.DataArray, xr.DataArray]: ...


@overload
def wilson_interval(successes: ArrayLike, trials: ArrayLike, *, level: float = 0.95) -> tuple[Floats, Floats]: ...


def wilson_interval(
    successes: xr.DataArray | ArrayLike, trials: xr.DataArray | ArrayLike, *, level: float = 0.95
) -> tuple[xr.DataArray | Floats, xr.DataArray | Floats]:
    """Compute the confidence interval of a proportion (Wilson 1927, J. Am. Stat. Assoc. 22, 209).

    Parameters
    ----------
    successes, trials : array_like or DataArray
        Counts.
    level : float
        Level of the interval.

    Returns
    -------
    lower, upper
        Like the counts; NaN where a DataArray has no trials.

    Examples
    --------
    >>> low, high = wilson_interval(633, 725)
    >>> round(float(low), 3), round(float(high), 3)
    (0.847, 0.895)
    """
    check_level(level)
    z = float(ndtri(0.5 * (1.0 + level)))
    n = trials.where(trials > 0) if isinstance(trials, xr.DataArray) else np.asarray(trials, np.float64)
    share = (successes if isinstance(successes, xr.DataArray) else np.asarray(successes, np.float64)) / n
    centre = share + z**2 / (2.0 * n)
    half = z * np.sqrt(share * (1.0 - share) / n + z**2 / (4.0 * n**2))
    return (centre - half) / (1.0 + z**2 / n), (centre + half) / (1.0 + z**2 / n)


def required_runs(cv: float, half_width: float, *, level: float = 0.95) -> int:
    """Compute the number of runs for an interval of +- ``half_width``, relative to the mean.

    Parameters
    ----------
    cv : float
        Standard deviation over mean of a run.
    half_width : float
        Half the width of the interval over the mean.
    level : float
        Level of the interval (normal approximation).

    Returns
    -------
    int
        Number of runs, at least 2.

    Raises
    ------
    InputError
        A value that is not positive.

    Examples
    --------
    >>> required_runs(0.35, 0.10)
    48
    """
    check_level(level)
    if not (cv > 0.0 and half_width > 0.0):
        raise InputError(f"cv = {cv} and half_width = {half_width} are out of range; both must be positive")
    return max(2, math.ceil((float(ndtri(0.5 * (1.0 + level))) * cv / half_width) ** 2))
