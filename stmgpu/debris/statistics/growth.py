"""What an ensemble says of growth and collisions: rates, gains in variance, growth, doubling, debris-years.

All functions take the Dataset of :func:`stmgpu.evolve`, in memory or lazily loaded from a store, and return plain
xarray objects. Runs that were cut off because they held too many objects have no values after that; they are left out
of means, which makes these means low, and count as grown where growth is asked for.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from stmgpu.debris.collisions.mean_field import MeanField
from stmgpu.debris.population.population import CLASS_NAMES, Kind
from stmgpu.debris.statistics.runs import NAN_NOTE, divided, used, variance, whole, wilson_interval
from stmgpu.errors import InputError
from stmgpu.time import YEAR_DAYS

Floats = NDArray[np.float64]

KINDS = {"catastrophic": ("catastrophic",), "cratering": ("cratering",), "all": ("catastrophic", "cratering")}
"""Kinds of collisions and what they take together."""

DEBRIS_CLASSES = tuple(name for kind, name in enumerate(CLASS_NAMES) if kind != Kind.ACTIVE)
"""Everything that nobody controls."""


def total(ds: xr.Dataset, name: str) -> xr.DataArray:
    """A variable summed over shells and classes, as float64; not a number where a run was cut off.

    Raises
    ------
    InputError
        there is no such variable.
    """
    if name not in ds.data_vars:
        raise InputError(f"the ensemble has no variable {name!r}; it has {', '.join(map(str, ds.data_vars))}")
    da = ds[name]
    along = [dim for dim in ("shell", "class") if dim in da.dims]
    return da.astype(np.float64).sum(along, skipna=False).assign_attrs(da.attrs)


def cut_off(ds: xr.Dataset) -> xr.DataArray:
    """Whether a run was cut off for too many objects (scenario, run)."""
    return ds["truncated_year"].notnull()


def collisions(
    ds: xr.Dataset, kind: str = "catastrophic", channel: str = "sampled", by_shell: bool = False
) -> xr.DataArray:
    """Collisions since the start.

    Parameters
    ----------
    ds
        an ensemble.
    kind
        'catastrophic', 'cratering' or 'all'.
    channel
        'sampled': those that happened. 'expected': the sum of all probabilities on the way, which has the same mean and
        varies less.
    by_shell
        keep the shells instead of their sum.

    Returns
    -------
    DataArray (scenario, run, time[, shell]).
    """
    if kind not in KINDS:
        raise InputError(f"kind = {kind!r} is unknown; choose {', '.join(KINDS)}")
    if channel not in ("sampled", "expected"):
        raise InputError(f"channel = {channel!r} is unknown; choose 'sampled' or 'expected'")
    prefix = "collisions" if channel == "sampled" else "expected"
    parts = [ds[f"{prefix}_{part}"].astype(np.float64) for part in KINDS[kind]]
    found = parts[0] if len(parts) == 1 else parts[0] + parts[1]
    found = found if by_shell or "shell" not in found.dims else found.sum("shell", skipna=False)
    return found.assign_attrs(units="1", long_name=f"{channel} collisions since the start ({kind})")


def collision_rate(ds: xr.Dataset, window_years: float = 10.0, kind: str = "catastrophic") -> xr.Dataset:
    """Collisions a year in windows that follow each other, from both channels.

    Parameters
    ----------
    ds
        an ensemble.
    window_years
        length of a window; its ends are put to the nearest records, and what is left at the end is not used unless it
        is the only window.
    kind
        'catastrophic', 'cratering' or 'all'.

    Returns
    -------
    Dataset with dimension ``window`` (middle, decimal year) in the place of time: ``sampled`` and ``expected``
    (scenario, run, window, shell) [1/a]; coordinates ``window_start`` and ``window_end``.

    Raises
    ------
    InputError
        a window that is not positive, or an ensemble with a single record.
    """
    if not window_years > 0.0:
        raise InputError(f"a window of {window_years} years is impossible; give a positive number")
    time = ds["time"].to_numpy()
    if len(time) < 2:
        raise InputError("the ensemble has a single record in time; a rate needs two")
    count = max(1, int((time[-1] - time[0]) / window_years + 1e-9))
    edges = time[0] + np.arange(count + 1) * window_years
    index = np.unique(np.abs(time[:, None] - edges).argmin(axis=0))
    span = xr.DataArray(np.diff(time[index]), dims="window")
    middle = 0.5 * (time[index[:-1]] + time[index[1:]])
    found = {}
    for channel in ("sampled", "expected"):
        flow = collisions(ds, kind, channel, by_shell=True)
        first, last = (flow.isel(time=part).drop_vars("time").rename(time="window") for part in (index[:-1], index[1:]))
        found[channel] = ((last - first) / span).assign_attrs(
            units="1/a", long_name=f"{channel} collisions a year ({kind})"
        )
    coords = {
        "window": ("window", middle, {"units": "a", "long_name": "middle of the window"}),
        "window_start": ("window", time[index[:-1]], {"units": "a"}),
        "window_end": ("window", time[index[1:]], {"units": "a"}),
    }
    return xr.Dataset(found).assign_coords(coords).assign_attrs(kind=kind, note=NAN_NOTE)


def variance_gain(ds: xr.Dataset, kind: str = "catastrophic") -> xr.DataArray:
    """How many times as many runs the sampled channel would need for the precision of the expected one.

    Variance over runs of the sampled collisions since the start over that of the expected ones. Where nothing breaks
    (estimator 'none') the sampled channel is empty; with the estimator 'expected' both are the same and the gain is 1.

    Returns
    -------
    DataArray (scenario, time); not a number where neither varies, as at the start.
    """
    sampled, expected = (variance(collisions(ds, kind, channel)) for channel in ("sampled", "expected"))
    gain = divided(sampled, expected)
    return gain.assign_attrs(
        units="1", long_name=f"variance of sampled over variance of expected collisions ({kind})", note=NAN_NOTE
    )


def steadied(ds: xr.Dataset, values: xr.DataArray, kind: str = "catastrophic") -> xr.DataArray:
    """Values of runs with part of the luck of their collisions taken out, for means with narrower intervals.

    Sampled minus expected collisions have mean zero in every run whatever the model does (the expected ones are their
    compensator), so they are a control variate (Lavenberg and Welch 1981, Manag. Sci. 27, 322): from each run's value
    its regression on that difference is taken. The mean keeps its expectation up to terms of order 1/runs, the variance
    falls by the squared correlation.

    Parameters
    ----------
    ds
        an ensemble with sampled collisions.
    values
        (scenario, run, ...), such as ``total(ds, "population")``; with or without time.
    kind
        collisions whose luck is taken out.

    Returns
    -------
    DataArray like ``values``: use its mean and interval of the mean, not its spread.
    """
    luck = collisions(ds, kind, "sampled") - collisions(ds, kind, "expected")
    if "time" not in values.dims:
        luck = luck.isel(time=-1, drop=True)
    n = used(values, luck)
    luck = luck.where(np.isfinite(values))
    away = values - divided(values.where(np.isfinite(luck)).sum("run"), n)
    luck_away = luck - divided(luck.sum("run"), n)
    square = (luck_away**2).sum("run")
    slope = xr.where(square > 0.0, divided((away * luck_away).sum("run"), square), 0.0)
    return (values - slope * luck).assign_attrs(values.attrs)


# ------------------------------------------------------------------------------------------------------------ growth
def growth_factor(ds: xr.Dataset) -> xr.DataArray:
    """Population over that at the start (scenario, run, time)."""
    n = total(ds, "population")
    return divided(n, n.isel(time=0, drop=True)).assign_attrs(units="1", long_name="population over that at the start")


def growth_probability(ds: xr.Dataset, level: float = 0.95) -> xr.Dataset:
    """Share of runs whose population is larger than at the start, by time.

    A run that was cut off for too many objects counts as grown from then on.

    Parameters
    ----------
    ds
        an ensemble.
    level
        of Wilson's interval.

    Returns
    -------
    Dataset (scenario, time): ``probability``, ``lower``, ``upper``, ``runs_used``, ``runs_cut_off``.
    """
    n = total(ds, "population")
    start = n.isel(time=0, drop=True)
    cut = cut_off(ds) & (ds["time"] >= ds["truncated_year"]) & start.notnull()
    decided = n.notnull() | cut
    grown = ((n > start) | cut).sum("run")
    trials = decided.sum("run")
    lower, upper = wilson_interval(grown, trials, level)
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
    """When the population first is ``factor`` times that at the start.

    Between records the population is taken as linear. A run that ends, or is cut off, before it has grown so far says
    only that it took longer: it is censored, and the shares are those of Kaplan and Meier (1958, J. Am. Stat. Assoc.
    53, 457), which for runs of the same length without cut-offs are plain shares.

    Parameters
    ----------
    ds
        an ensemble.
    factor
        larger than 1.

    Returns
    -------
    Dataset: ``years`` (scenario, run), years until then, not a number where it did not happen; ``followed`` (scenario,
    run), years that the run was followed until then or its end; ``share`` (scenario, time), probability to have grown
    so far; ``median_years`` (scenario), years after which half of the runs have, not a number where fewer do.

    Raises
    ------
    InputError
        a factor that is not larger than 1.
    """
    if not factor > 1.0:
        raise InputError(f"factor = {factor} is no growth; give a number larger than 1")
    since = ds["time"].to_numpy() - ds["time"].to_numpy()[0]
    n = whole(growth_factor(ds), "time")

    def first(grown: Floats) -> Floats:
        reached = grown >= factor
        k = reached.argmax(axis=-1)
        before = np.maximum(k - 1, 0)
        low, high = (np.take_along_axis(grown, at[..., None], -1)[..., 0] for at in (before, k))
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
    followed = xr.where(years.notnull(), years, followed)
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


def _kaplan_meier(followed: Floats, happened: NDArray[np.bool_], grid: Floats) -> tuple[Floats, float]:
    """Probability that it has happened by each time of ``grid``, and the median; runs without a length do not count."""
    there = np.isfinite(followed)
    followed, happened = followed[there], happened[there]
    if not len(followed):
        return np.full(len(grid), np.nan), np.nan
    order = np.lexsort((~happened, followed))  # at the same time what happens comes before what ends
    followed, happened = followed[order], happened[order]
    survive = np.concatenate([[1.0], np.cumprod(1.0 - happened / np.arange(len(followed), 0, -1))])
    share = 1.0 - survive[np.searchsorted(followed, grid, side="right")]
    half = np.flatnonzero(survive[1:] <= 0.5 + 1e-12)
    return share, float(followed[half[0]]) if len(half) else np.nan


def debris_years(ds: xr.Dataset, classes: tuple[str, ...] | list[str] = DEBRIS_CLASSES) -> xr.DataArray:
    """Number of debris integrated over time (scenario, run) [object years], by trapezoids between records.

    Parameters
    ----------
    ds
        an ensemble.
    classes
        what counts as debris; default everything but active payloads.

    Raises
    ------
    InputError
        an unknown class.
    """
    known = ds["class"].to_numpy().tolist()
    unknown = [name for name in classes if name not in known]
    if unknown:
        raise InputError(f"class {unknown[0]!r} is unknown; the ensemble has {', '.join(known)}")
    n = ds["population"].astype(np.float64).sel({"class": list(classes)}).sum("class", skipna=False)
    return n.integrate("time").assign_attrs(units="a", long_name="objects times years", note=NAN_NOTE)


def crash_clock(source: Any) -> xr.DataArray:
    """Days until a collision is to be expected if nobody manoeuvres (CRASH clock; Thiele et al. 2025,
    arXiv:2512.09643).

    Parameters
    ----------
    source
        collisions a year without manoeuvres [1/a] as a number or a DataArray; what
        ``mean_field`` found for a population; or an ensemble: there all expected collisions and
        those that manoeuvres avoided are counted between records.

    Returns
    -------
    Days: 365.25 over the rate. For an ensemble (scenario, run, time), at the later record of each two.
    """
    if isinstance(source, MeanField):
        source = source.total_without_avoidance
    if isinstance(source, xr.Dataset):
        flow = collisions(source, "all", "expected") + source["expected_avoided"].astype(np.float64)
        span = source["time"].diff("time")
        source = flow.diff("time") / span
    rate = source if isinstance(source, xr.DataArray) else xr.DataArray(source)
    days = divided(xr.full_like(rate, YEAR_DAYS, np.float64), rate)
    return days.assign_attrs(units="d", long_name="days to an expected collision without manoeuvres")
