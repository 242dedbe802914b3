"""Quantiles over runs, tail risk, dispersion of counts, shares, and how many runs a study needs.

Everything here works along one dimension, as a rule ``run``, on NumPy and on lazily loaded arrays alike. Values that
are not numbers (runs that were cut off, runs that are not there yet) are left out or, where it is said, count as larger
than all others.
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.special import chdtri, ndtri

from stmgpu.errors import InputError

Floats = NDArray[np.float64]

NAN_NOTE = "runs without a value (cut off, or not there yet) are left out; runs_used says how many are in it"
HIGH_NOTE = "runs without a value (cut off) count as larger than all others"


def whole(da: xr.DataArray, dim: Hashable) -> xr.DataArray:
    """The array with ``dim`` in one chunk, where it is lazy: reductions along it need all of it at once."""
    return da if da.chunks is None else da.chunk({dim: -1})


def check_capped(capped: str) -> None:
    """Refuse an unknown way to treat runs that were cut off."""
    if capped not in ("skip", "high"):
        raise InputError(f"capped = {capped!r} is unknown; choose 'skip' or 'high'")


def check_level(level: float) -> None:
    """Refuse a level that is none."""
    if not 0.0 < level < 1.0:
        raise InputError(f"a level of {level} is impossible; give a number between 0 and 1, such as 0.95")


def used(*arrays: xr.DataArray, dim: str = "run") -> xr.DataArray:
    """How many places along ``dim`` have a finite value in all arrays."""
    valid: xr.DataArray = xr.apply_ufunc(np.isfinite, arrays[0], dask="parallelized", output_dtypes=[np.bool_])
    for da in arrays[1:]:
        valid = valid & xr.apply_ufunc(np.isfinite, da, dask="parallelized", output_dtypes=[np.bool_])
    return valid.sum(dim).assign_attrs(units="1", long_name=f"number of {dim}s with a value")


def divided(above: xr.DataArray, below: xr.DataArray) -> xr.DataArray:
    """Quotient; infinite or not a number, without a warning, where the divisor is 0."""

    def core(x: Floats, y: Floats) -> Floats:
        with np.errstate(divide="ignore", invalid="ignore"):
            return x / y

    return xr.apply_ufunc(core, above, below, dask="parallelized", output_dtypes=[np.float64])


def variance(da: xr.DataArray, dim: str = "run") -> xr.DataArray:
    """Variance (n - 1) over runs that have a value; not a number for fewer than two."""
    n = used(da, dim=dim)
    mean = divided(da.sum(dim), n)
    found = divided(((da - mean) ** 2).sum(dim), n - 1)
    found = found.where(found > (1e-14 * mean) ** 2, 0.0 * found)  # what rounding leaves of equal values
    return found.where(n > 1)


# ------------------------------------------------------------------------------------------------------- quantiles
def sorted_quantile(ordered: Floats, count: NDArray[Any], q: Floats) -> Floats:
    """Quantiles with linear interpolation (Hyndman and Fan 1996, type 7) of sorted columns.

    Parameters
    ----------
    ordered
        [n, cells], ascending along the first axis, what is not a number at the end.
    count
        [cells], how many numbers each column holds.
    q
        [cells] or [m, cells], between 0 and 1.

    Returns
    -------
    Like ``q``; not a number where a column is empty.
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
    da: xr.DataArray, q: Any = (0.05, 0.25, 0.5, 0.75, 0.95), dim: str = "run", capped: str = "skip"
) -> xr.DataArray:
    """Quantiles over runs.

    Parameters
    ----------
    da
        any variable of an ensemble.
    q
        one probability or several.
    dim
        dimension that is reduced.
    capped
        what a value that is not a number stands for: 'skip' leaves it out; 'high' counts it as larger than all others,
        which is what a run that was cut off for too many objects is. A quantile that falls among these is infinite.

    Returns
    -------
    DataArray with dimension ``quantile`` first and the coordinate ``runs_used``; units as before.

    Raises
    ------
    InputError
        a probability outside [0, 1], or an unknown ``capped``.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> da = xr.DataArray(np.arange(101.0), dims="run")
    >>> quantiles(da, [0.05, 0.5]).values.tolist()
    [5.0, 50.0]
    """
    levels = np.atleast_1d(np.asarray(q, np.float64))
    if not ((levels >= 0.0) & (levels <= 1.0)).all():
        raise InputError(f"quantiles {levels.tolist()} are impossible; give probabilities between 0 and 1")
    check_capped(capped)

    def core(values: Floats) -> Floats:
        columns = np.moveaxis(values, -1, 0).reshape(values.shape[-1], -1).astype(np.float64)
        if capped == "high":
            columns = np.where(np.isnan(columns), np.inf, columns)
        count = (~np.isnan(columns)).sum(axis=0)
        found = sorted_quantile(np.sort(columns, axis=0), count, np.repeat(levels[:, None], columns.shape[1], axis=1))
        return np.moveaxis(found.reshape(len(levels), *values.shape[:-1]), 0, -1)

    found = xr.apply_ufunc(
        core,
        whole(da, dim),
        input_core_dims=[[dim]],
        output_core_dims=[["quantile"]],
        dask="parallelized",
        output_dtypes=[np.float64],
        dask_gufunc_kwargs={"output_sizes": {"quantile": len(levels)}},
    )
    found = found.assign_coords(quantile=levels, runs_used=used(da, dim=dim)).transpose("quantile", ...)
    note = NAN_NOTE if capped == "skip" else HIGH_NOTE
    return found.assign_attrs(da.attrs, note=note)


# -------------------------------------------------------------------------------------------------------- tail risk
def value_at_risk(da: xr.DataArray, level: float = 0.95, dim: str = "run", capped: str = "high") -> xr.DataArray:
    """Value that is exceeded with probability 1 - ``level``: the quantile of the bad tail.

    Parameters
    ----------
    da
        a quantity of which more is worse, such as the population at the end.
    level
        share of runs that stay below.
    dim
        dimension that is reduced.
    capped
        as for :func:`quantiles`; a run that was cut off belongs to the bad tail, so 'high' is the default here.
    """
    check_level(level)
    found = quantiles(da, level, dim, capped).isel(quantile=0, drop=True)
    return found.assign_attrs(da.attrs, level=level)


def conditional_value_at_risk(
    da: xr.DataArray, level: float = 0.95, dim: str = "run", capped: str = "high"
) -> xr.DataArray:
    """Mean of the worst share 1 - ``level`` of the runs (CVaR; Rockafellar and Uryasev 2002, J. Bank. Fin. 26, 1443).

    A run that lies on the border counts with the part of it that belongs to the tail, so that the share is exact for
    any number of runs. Parameters as for :func:`value_at_risk`; infinite where a run that was cut off is in the tail.

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
        ordered = np.sort(values, axis=-1)  # what is not a number comes last
        count = (~np.isnan(ordered)).sum(axis=-1, keepdims=True)
        tail = (1.0 - level) * count
        share = np.clip(np.arange(ordered.shape[-1]) + 1.0 - (count - tail), 0.0, 1.0)
        share = np.where(np.isnan(ordered), 0.0, share)
        weighted = np.where(share > 0.0, share * np.where(share > 0.0, ordered, 0.0), 0.0)
        with np.errstate(invalid="ignore", divide="ignore"):
            return weighted.sum(axis=-1) / tail[..., 0]

    found = xr.apply_ufunc(
        core, whole(da, dim), input_core_dims=[[dim]], dask="parallelized", output_dtypes=[np.float64]
    )
    note = NAN_NOTE if capped == "skip" else HIGH_NOTE
    return found.assign_coords(runs_used=used(da, dim=dim)).assign_attrs(da.attrs, level=level, note=note)


def index_of_dispersion(counts: xr.DataArray, dim: str = "run", level: float = 0.95) -> xr.Dataset:
    """Variance over mean of counts, and the band in which it lies if they follow Poisson's law.

    Parameters
    ----------
    counts
        events of each run, such as collisions until a year.
    dim
        dimension that is reduced.
    level
        of the band: (n - 1) times the index follows chi squared with n - 1 degrees of freedom (Fisher 1950).

    Returns
    -------
    Dataset: ``dispersion``, ``poisson_lower``, ``poisson_upper``, ``runs_used``. Above the band runs differ more than
    chance allows: collisions beget collisions.
    """
    check_level(level)
    n = used(counts, dim=dim)
    ratio = divided(variance(counts, dim), divided(counts.sum(dim), n))
    few = xr.where(n > 1, n - 1.0, np.nan)

    def bound(tail: float) -> xr.DataArray:
        return xr.apply_ufunc(lambda k: chdtri(k, tail) / k, few, dask="parallelized", output_dtypes=[np.float64])

    return xr.Dataset(
        {
            "dispersion": ratio.assign_attrs(units="1", long_name="variance over mean"),
            "poisson_lower": bound(0.5 * (1.0 + level)).assign_attrs(units="1"),
            "poisson_upper": bound(0.5 * (1.0 - level)).assign_attrs(units="1"),
            "runs_used": n,
        },
        attrs={"level": level, "note": NAN_NOTE},
    )


# ----------------------------------------------------------------------------------------------------------- shares
def wilson_interval(successes: Any, trials: Any, level: float = 0.95) -> tuple[Any, Any]:
    """Interval of a share (Wilson 1927, J. Am. Stat. Assoc. 22, 209); not a number without trials.

    Examples
    --------
    >>> low, high = wilson_interval(633, 725)
    >>> round(float(low), 3), round(float(high), 3)
    (0.847, 0.895)
    """
    check_level(level)
    z = float(ndtri(0.5 * (1.0 + level)))
    trials = xr.where(trials > 0, trials, np.nan) if isinstance(trials, xr.DataArray) else trials
    share = successes / trials
    centre = share + z**2 / (2.0 * trials)
    half = z * np.sqrt(share * (1.0 - share) / trials + z**2 / (4.0 * trials**2))
    return (centre - half) / (1.0 + z**2 / trials), (centre + half) / (1.0 + z**2 / trials)


def required_runs(cv: float, half_width: float, level: float = 0.95) -> int:
    """Runs that bring the interval of a mean to +- ``half_width``, both relative to the mean.

    Parameters
    ----------
    cv
        standard deviation over mean of one run.
    half_width
        half the width of the interval over the mean.
    level
        of the interval (normal law).

    Raises
    ------
    InputError
        a value that is not positive.

    Examples
    --------
    >>> required_runs(0.35, 0.10)
    48
    """
    check_level(level)
    if not (cv > 0.0 and half_width > 0.0):
        raise InputError(f"cv = {cv} and half_width = {half_width} must both be positive")
    return max(2, math.ceil((float(ndtri(0.5 * (1.0 + level))) * cv / half_width) ** 2))
