"""Growth and collisions of an ensemble: rates, variance gains, growth, doubling time, debris-years, CRASH clock.

All functions take the Dataset of :func:`stmgpu.evolve`, in memory or lazily loaded from a store. Runs that were cut off
because they held too many objects have no values from then on: means leave them out, and are therefore low; growth
counts them as grown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from stmgpu.debris.collisions.mean_field import MeanField
from stmgpu.debris.population.population import CLASS_NAMES, Kind
from stmgpu.debris.statistics.runs import NAN_NOTE, divided, used, variance, whole, wilson_interval
from stmgpu.errors import InputError
from stmgpu.time import YEAR_DAYS

if TYPE_CHECKING:
    from stmgpu.typing import Bools, Floats

KINDS = {"catastrophic": ("catastrophic",), "cratering": ("cratering",), "all": ("catastrophic", "cratering")}
"""Kinds of collisions, and the types that each comprises."""

DEBRIS_CLASSES = tuple(name for kind, name in enumerate(CLASS_NAMES) if kind != Kind.ACTIVE)
"""Classes of uncontrolled objects."""


def total(ds: xr.Dataset, name: str) -> xr.DataArray:
    """Sum a variable over shells and classes.

    Parameters
    ----------
    ds : Dataset
        An ensemble.
    name : str
        Name of a variable.

    Returns
    -------
    DataArray
        float64 over (scenario, run[, time]); NaN where a run was cut off.

    Raises
    ------
    InputError
        The variable does not exist.
    """
    if name not in ds.data_vars:
        raise InputError(f"the ensemble has no variable {name!r}; it has {', '.join(map(str, ds.data_vars))}")
    da = ds[name]
    dims = [dim for dim in ("shell", "class") if dim in da.dims]
    return da.astype(np.float64).sum(dims, skipna=False).assign_attrs(da.attrs)


def cut_off(ds: xr.Dataset) -> xr.DataArray:
    """Return whether each run was cut off for too many objects (scenario, run)."""
    return ds["truncated_year"].notnull()


def collisions(
    ds: xr.Dataset, kind: str = "catastrophic", *, channel: str = "sampled", by_shell: bool = False
) -> xr.DataArray:
    """Count collisions since the start.

    Parameters
    ----------
    ds : Dataset
        An ensemble.
    kind : {'catastrophic', 'cratering', 'all'}
        Kind of collisions.
    channel : {'sampled', 'expected'}
        'sampled': collisions that happened. 'expected': the sum of all collision probabilities, which has the same mean
        and a smaller variance.
    by_shell : bool
        Keep the shells instead of their sum.

    Returns
    -------
    DataArray
        Over (scenario, run, time[, shell]).
    """
    if kind not in KINDS:
        raise InputError(f"kind = {kind!r} is unknown; choose {', '.join(KINDS)}")
    if channel not in ("sampled", "expected"):
        raise InputError(f"channel = {channel!r} is unknown; choose 'sampled' or 'expected'")
    prefix = "collisions" if channel == "sampled" else "expected"
    parts = [ds[f"{prefix}_{part}"].astype(np.float64) for part in KINDS[kind]]
    count = parts[0] if len(parts) == 1 else parts[0] + parts[1]
    count = count if by_shell or "shell" not in count.dims else count.sum("shell", skipna=False)
    return count.assign_attrs(units="1", long_name=f"{channel} collisions since the start ({kind})")


def collision_rate(ds: xr.Dataset, *, window_years: float = 10.0, kind: str = "catastrophic") -> xr.Dataset:
    """Compute collision rates in consecutive windows, by both channels.

    Parameters
    ----------
    ds : Dataset
        An ensemble.
    window_years : float
        Length of a window [a]. Its ends are moved to the nearest records; an incomplete window at the end is used only
        if it is the only one.
    kind : {'catastrophic', 'cratering', 'all'}
        Kind of collisions.

    Returns
    -------
    Dataset
        ``sampled`` and ``expected`` over (scenario, run, window, shell) [1/a], ``window`` being its middle as a decimal
        year; coordinates ``window_start`` and ``window_end``.

    Raises
    ------
    InputError
        A window that is not positive, or an ensemble with a single record.
    """
    if not window_years > 0.0:
        raise InputError(f"window_years = {window_years} is out of range; choose a positive number")
    time = ds["time"].to_numpy()
    if len(time) < 2:
        raise InputError("the ensemble has a single record in time; use one with two or more")
    count = max(1, int((time[-1] - time[0]) / window_years + 1e-9))
    edges = time[0] + np.arange(count + 1) * window_years
    index = np.unique(np.abs(time[:, None] - edges).argmin(axis=0))
    span = xr.DataArray(np.diff(time[index]), dims="window")
    middle = 0.5 * (time[index[:-1]] + time[index[1:]])
    rates = {}
    for channel in ("sampled", "expected"):
        flow = collisions(ds, kind, channel=channel, by_shell=True)
        first, last = (flow.isel(time=part).drop_vars("time").rename(time="window") for part in (index[:-1], index[1:]))
        rates[channel] = ((last - first) / span).assign_attrs(
            units="1/a", long_name=f"{channel} collisions a year ({kind})"
        )
    coords = {
        "window": ("window", middle, {"units": "a", "long_name": "middle of the window"}),
        "window_start": ("window", time[index[:-1]], {"units": "a"}),
        "window_end": ("window", time[index[1:]], {"units": "a"}),
    }
    return xr.Dataset(rates).assign_coords(coords).assign_attrs(kind=kind, note=NAN_NOTE)


def variance_gain(ds: xr.Dataset, kind: str = "catastrophic") -> xr.DataArray:
    """Compute the variance of sampled over that of expected collisions.

    The sampled channel needs this many times as many runs for the precision of the expected one. With the estimator
    'none' the sampled channel is empty; with 'expected' both channels are equal and the gain is 1.

    Parameters
    ----------
    ds : Dataset
        An ensemble.
    kind : {'catastrophic', 'cratering', 'all'}
        Kind of collisions.

    Returns
    -------
    DataArray
        Over (scenario, time); NaN where neither channel varies, as at the start.
    """
    sampled, expected = (variance(collisions(ds, kind, channel=channel)) for channel in ("sampled", "expected"))
    gain = divided(sampled, expected)
    return gain.assign_attrs(
        units="1", long_name=f"variance of sampled over variance of expected collisions ({kind})", note=NAN_NOTE
    )


def smoothed(ds: xr.Dataset, values: xr.DataArray, *, kind: str = "catastrophic") -> xr.DataArray:
    """Reduce the variance of values by the control variate of collisions.

    Sampled minus expected collisions have mean zero in every run (the expected ones are their compensator), so their
    difference is a control variate (Lavenberg and Welch 1981, Manag. Sci. 27, 322): the regression of the values on it
    is subtracted. The mean keeps its expectation up to terms of order 1/runs; its variance falls by the squared
    correlation.

    Parameters
    ----------
    ds : Dataset
        An ensemble with sampled collisions.
    values : DataArray
        Over (scenario, run, ...), such as ``total(ds, "population")``, with or without time.
    kind : {'catastrophic', 'cratering', 'all'}
        Kind of collisions that the control variate counts.

    Returns
    -------
    DataArray
        Like ``values``. Use its mean and the interval of its mean, not its spread.
    """
    control = collisions(ds, kind, channel="sampled") - collisions(ds, kind, channel="expected")
    if "time" not in values.dims:
        control = control.isel(time=-1, drop=True)
    n = used(values, control)
    control = control.where(np.isfinite(values))
    deviation = values - divided(values.where(np.isfinite(control)).sum("run"), n)
    control_deviation = control - divided(control.sum("run"), n)
    square = (control_deviation**2).sum("run")
    slope = divided((deviation * control_deviation).sum("run"), square).where(square > 0.0, 0.0)
    smooth: xr.DataArray = values - slope * control
    return smooth.assign_attrs(values.attrs)


# ------------------------------------------------------------------------------------------------------------ growth
def growth_factor(ds: xr.Dataset) -> xr.DataArray:
    """Compute the population relative to the start (scenario, run, time)."""
    n = total(ds, "population")
    return divided(n, n.isel(time=0, drop=True)).assign_attrs(units="1", long_name="population over that at the start")


def growth_probability(ds: xr.Dataset, *, level: float = 0.95) -> xr.Dataset:
    """Compute the fraction of runs whose population is larger than at the start.

    A run that was cut off for too many objects counts as grown from then on.

    Parameters
    ----------
    ds : Dataset
        An ensemble.
    level : float
        Level of Wilson's interval.

    Returns
    -------
    Dataset
        Over (scenario, time): ``probability``, ``lower``, ``upper``, ``runs_used``, ``runs_cut_off``.
    """
    n = total(ds, "population")
    start = n.isel(time=0, drop=True)
    cut = cut_off(ds) & (ds["time"] >= ds["truncated_year"]) & start.notnull()
    decided = n.notnull() | cut
    grown = ((n > start) | cut).sum("run")
    trials = decided.sum("run")
    lower, upper = wilson_interval(grown, trials, level=level)
    share = divided(grown, trials)
    name = "share of runs with more objects than at the start"
    return xr.Dataset(
        {
            "probability": share.assign_attrs(units="1", long_name=name),
            "lower": lower.assign_attrs(units="1"),
            "upper": upper.assign_attrs(units="1"),
            "runs_used": trials,
            "runs_cut_off": cut.sum("run"),
        },
        attrs={"level": level, "note": "runs that were cut off count as grown from then on"},
    )


def time_to_double(ds: xr.Dataset, factor: float = 2.0) -> xr.Dataset:
    """Compute the time at which the population first reaches ``factor`` times that at the start.

    The population is interpolated linearly between records. A run that ends or is cut off before is censored;
    probabilities are the estimates of Kaplan and Meier (1958, J. Am. Stat. Assoc. 53, 457), which equal the fractions
    of runs where all have the same length.

    Parameters
    ----------
    ds : Dataset
        An ensemble.
    factor : float
        Growth, larger than 1.

    Returns
    -------
    Dataset
        ``years`` (scenario, run): time to the growth, NaN where it did not happen; ``followed`` (scenario, run): years
        to the growth or the end of the run; ``share`` (scenario, time): probability of the growth by then;
        ``median_years`` (scenario): time after which half of the runs have grown, NaN where fewer have.

    Raises
    ------
    InputError
        A factor that is not larger than 1.
    """
    if not factor > 1.0:
        raise InputError(f"factor = {factor} is out of range; choose a number larger than 1")
    since = ds["time"].to_numpy() - ds["time"].to_numpy()[0]
    n = whole(growth_factor(ds), "time")

    def first(grown: Floats) -> Floats:
        reached = grown >= factor
        k = reached.argmax(axis=-1)
        before = np.maximum(k - 1, 0)
        low, high = (np.take_along_axis(grown, index[..., None], -1)[..., 0] for index in (before, k))
        with np.errstate(invalid="ignore", divide="ignore"):
            part = np.clip((factor - low) / (high - low), 0.0, 1.0)
        return np.where(reached.any(axis=-1), since[before] + part * (since[k] - since[before]), np.nan)

    def length(grown: Floats) -> Floats:
        last = grown.shape[-1] - 1 - np.isfinite(grown)[..., ::-1].argmax(axis=-1)
        return np.where(np.isfinite(grown).any(axis=-1), since[last], np.nan)

    years, followed = (
        xr.apply_ufunc(f, n, input_core_dims=[["time"]], dask="parallelized", output_dtypes=[np.float64])
        for f in (first, length)
    )
    followed = years.where(years.notnull(), followed)
    share, median = xr.apply_ufunc(
        _kaplan_meier,
        whole(followed, "run"),
        whole(years.notnull(), "run"),
        kwargs={"grid": since},
        input_core_dims=[["run"], ["run"]],
        output_core_dims=[["time"], []],
        vectorize=True,
        dask="parallelized",
        output_dtypes=[np.float64, np.float64],
        dask_gufunc_kwargs={"output_sizes": {"time": len(since)}},
    )
    text = f"population {factor:g} times that at the start"
    return xr.Dataset(
        {
            "years": years.assign_attrs(units="a", long_name=f"years until {text}"),
            "followed": followed.assign_attrs(units="a", long_name="years followed until then or the end"),
            "share": share.assign_coords(time=ds["time"]).assign_attrs(
                units="1", long_name=f"probability of {text} (Kaplan-Meier)"
            ),
            "median_years": median.assign_attrs(units="a", long_name=f"median of years until {text}"),
        },
        attrs={"factor": factor, "note": "runs that end before are censored"},
    )


def _kaplan_meier(followed: Floats, happened: Bools, grid: Floats) -> tuple[Floats, float]:
    """Return the probability of the event by each time of a grid, and its median; NaN lengths are left out."""
    valid = np.isfinite(followed)
    followed, happened = followed[valid], happened[valid]
    if not len(followed):
        return np.full(len(grid), np.nan), np.nan
    order = np.lexsort((~happened, followed))  # at equal times events come before censoring
    followed, happened = followed[order], happened[order]
    survive = np.concatenate([[1.0], np.cumprod(1.0 - happened / np.arange(len(followed), 0, -1))])
    share = 1.0 - survive[np.searchsorted(followed, grid, side="right")]
    half = np.flatnonzero(survive[1:] <= 0.5 + 1e-12)
    return share, float(followed[half[0]]) if len(half) else np.nan


def debris_years(ds: xr.Dataset, classes: tuple[str, ...] | list[str] = DEBRIS_CLASSES) -> xr.DataArray:
    """Integrate the number of debris over time by the trapezoidal rule.

    Parameters
    ----------
    ds : Dataset
        An ensemble.
    classes : sequence of str
        Classes that count as debris; default all but active payloads.

    Returns
    -------
    DataArray
        Object-years over (scenario, run).

    Raises
    ------
    InputError
        An unknown class.
    """
    known = ds["class"].to_numpy().tolist()
    unknown = [name for name in classes if name not in known]
    if unknown:
        raise InputError(f"class {unknown[0]!r} is unknown; the ensemble has {', '.join(known)}")
    n = ds["population"].astype(np.float64).sel({"class": list(classes)}).sum("class", skipna=False)
    return n.integrate("time").assign_attrs(units="a", long_name="objects times years", note=NAN_NOTE)


def crash_clock(source: float | xr.DataArray | MeanField | xr.Dataset) -> xr.DataArray:
    """Compute the days to an expected collision if no object manoeuvres (CRASH clock).

    Thiele et al. (2025, arXiv:2512.09643) define it as the inverse of the collision rate without manoeuvres.

    Parameters
    ----------
    source : float, DataArray, MeanField or Dataset
        Collision rate without manoeuvres [1/a]; the mean field of a population; or an ensemble, whose expected
        collisions and avoided ones are counted between records.

    Returns
    -------
    DataArray
        Days: 365.25 over the rate. For an ensemble over (scenario, run, time), at the later of two records.
    """
    if isinstance(source, MeanField):
        source = source.total_without_avoidance
    if isinstance(source, xr.Dataset):
        flow = collisions(source, "all", channel="expected") + source["expected_avoided"].astype(np.float64)
        span = source["time"].diff("time")
        source = flow.diff("time") / span
    rate = source if isinstance(source, xr.DataArray) else xr.DataArray(source)
    days = divided(xr.full_like(rate, YEAR_DAYS, np.float64), rate)
    return days.assign_attrs(units="d", long_name="days to an expected collision without manoeuvres")
