"""What a policy changes: paired differences, effective reduction, collisions avoided, what they cost.

Run k of every scenario shares its random numbers, so scenarios are compared run by run: what luck does to both cancels,
and the interval of the mean difference is narrower than that of a difference of means. Ratios are ratios of means over
runs, with the runs drawn together. Runs that were cut off in either scenario are left out of both; as these are the
runs that grew most, differences between policies are then too small.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from stmgpu.debris.statistics.bootstrap import interval_of, weighted_mean, weighted_ratio
from stmgpu.debris.statistics.growth import collisions, total
from stmgpu.debris.statistics.runs import divided, used, variance
from stmgpu.debris.variables import REMOVAL
from stmgpu.errors import InputError

PRICES = ("per_removal", "per_kg", "per_campaign", "fixed", "per_collision", "discount_rate")
"""Keys of prices: money for each removed object, each removed kilogram, each year with a removal, once at the start;
what a collision costs everybody; and the discount a year (0.05 for 5 %)."""


def baseline_of(ds: xr.Dataset, baseline: str | None) -> str:
    """The scenario that others are compared with: the given one, or the first."""
    names = [str(name) for name in ds["scenario"].to_numpy()]
    if baseline is None:
        return names[0]
    if baseline not in names:
        raise InputError(f"there is no scenario {baseline!r} to compare with; there are {', '.join(names)}")
    return baseline


def _values(ds: xr.Dataset, variable: str | xr.DataArray) -> xr.DataArray:
    if isinstance(variable, str):
        return total(ds, variable)
    return variable.astype(np.float64).assign_attrs(variable.attrs)


def _avoided(values: xr.DataArray, baseline: str) -> xr.DataArray:
    """What the baseline has more than each scenario, run by run."""
    return values.sel(scenario=baseline, drop=True) - values


def paired_difference(
    ds: xr.Dataset,
    variable: str | xr.DataArray = "population",
    baseline: str | None = None,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
    method: str = "bca",
) -> xr.Dataset:
    """Each scenario minus the baseline, run by run.

    Parameters
    ----------
    ds
        an ensemble with common random numbers.
    variable
        name of a variable, which is summed over shells and classes, or an array with dimensions scenario and run.
    baseline
        scenario that is subtracted; default the first.
    level, resamples, seed, method
        of the interval, see :func:`stmgpu.debris.statistics.bootstrap.bootstrap_interval`.

    Returns
    -------
    Dataset (scenario, ...): ``estimate`` (mean difference), ``lower``, ``upper``, ``runs_used``, and ``gain``: variance
    of a difference of independent runs over that of paired runs, which says how many times as many runs it would take
    without common random numbers; not a number for the baseline itself.

    Raises
    ------
    InputError
        an unknown variable or scenario.
    """
    name = baseline_of(ds, baseline)
    values = _values(ds, variable)
    base = values.sel(scenario=name, drop=True)
    difference = values - base
    found = interval_of(weighted_mean, (difference,), "run", level, resamples, seed, method)
    paired = difference.notnull()
    apart = variance(values.where(paired)) + variance(base.where(paired))
    together = variance(difference)
    found["gain"] = (
        divided(apart, together)
        .where(found["scenario"] != name)
        .assign_attrs(units="1", long_name="variance of an unpaired over that of the paired difference")
    )
    for part in ("estimate", "lower", "upper"):
        found[part].attrs["units"] = values.attrs.get("units", "1")
    return found.assign_attrs(baseline=name, variable=variable if isinstance(variable, str) else str(variable.name))


def effective_reduction_factor(
    ds: xr.Dataset,
    baseline: str | None = None,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
    method: str = "bca",
) -> xr.Dataset:
    """Objects fewer than without the policy, for each object removed (ERF; Liou and Johnson 2009, Adv. Space Res. 43).

    Parameters
    ----------
    ds
        an ensemble with common random numbers.
    baseline
        scenario without the policy; default the first.
    level, resamples, seed, method
        of the interval, see :func:`stmgpu.debris.statistics.bootstrap.bootstrap_interval`.

    Returns
    -------
    Dataset (scenario, time): ``estimate``, ``lower``, ``upper``, ``runs_used``, ``removed`` (mean objects removed
    beyond the baseline's). Not a number where nothing was removed. A value of 1 says that a removal is worth the object
    itself; what lies above are fragments that were never made.
    """
    name = baseline_of(ds, baseline)
    fewer = _avoided(total(ds, "population"), name)
    return _per_removal(ds, fewer, name, level, resamples, seed, method, "objects fewer per object removed")


def collisions_avoided_per_removal(
    ds: xr.Dataset,
    baseline: str | None = None,
    kind: str = "catastrophic",
    channel: str = "expected",
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
    method: str = "bca",
) -> xr.Dataset:
    """Collisions fewer than without the policy, for each object removed.

    Parameters
    ----------
    ds, baseline
        as for :func:`effective_reduction_factor`.
    kind, channel
        which collisions, see :func:`stmgpu.debris.statistics.growth.collisions`; the expected ones have the narrower
        interval.
    level, resamples, seed, method
        of the interval.

    Returns
    -------
    Dataset (scenario, time) as for :func:`effective_reduction_factor`.
    """
    name = baseline_of(ds, baseline)
    fewer = _avoided(collisions(ds, kind, channel), name)
    return _per_removal(ds, fewer, name, level, resamples, seed, method, f"{kind} collisions fewer per object removed")


def _per_removal(
    ds: xr.Dataset, fewer: xr.DataArray, baseline: str, level: float, resamples: int, seed: int, method: str, text: str
) -> xr.Dataset:
    removed = -_avoided(total(ds, "removals"), baseline)
    found = interval_of(weighted_ratio, (fewer, removed), "run", level, resamples, seed, method)
    mean = divided(removed.where(fewer.notnull()).sum("run"), used(fewer, removed))
    any_removed = mean > 0.0
    for part in ("estimate", "lower", "upper"):
        found[part] = found[part].where(any_removed).assign_attrs(units="1")
    found["estimate"].attrs["long_name"] = text
    found["removed"] = mean.assign_attrs(units="1", long_name="mean objects removed beyond the baseline's")
    return found.assign_attrs(baseline=baseline)


# ------------------------------------------------------------------------------------------------------------- costs
def removal_costs(ds: xr.Dataset, prices: Mapping[str, float]) -> xr.DataArray:
    """What the removals of every run cost until the end (scenario, run), discounted to the start.

    ``removals`` and ``removals_failed`` between two records are paid in the middle between them; masses come from the
    event table.

    Parameters
    ----------
    ds
        an ensemble.
    prices
        keys :data:`PRICES`; missing ones are 0.

    Raises
    ------
    InputError
        an unknown key or a negative price; a price per kilogram for an ensemble without an event table.
    """
    prices = _checked(prices)
    time = ds["time"].to_numpy()
    removed = (total(ds, "removals") + total(ds, "removals_failed")).diff("time", label="lower")
    worth = _worth(time, prices)
    cost = prices["per_removal"] * removed + prices["per_campaign"] * (removed > 0.0).where(removed.notnull())
    found = (cost * worth).sum("time", skipna=False) + prices["fixed"] * (removed > 0.0).any("time")
    if prices["per_kg"]:
        found = found + prices["per_kg"] * _masses(ds, time, worth.to_numpy())
    return found.assign_attrs(units="money", long_name="discounted cost of removals")


def _checked(prices: Mapping[str, float]) -> dict[str, float]:
    unknown = sorted(set(prices) - set(PRICES))
    if unknown:
        raise InputError(f"price {unknown[0]!r} is unknown; known are {', '.join(PRICES)}")
    full = {key: float(prices.get(key, 0.0)) for key in PRICES}
    bad = [key for key, value in full.items() if not (np.isfinite(value) and value >= 0.0)]
    if bad:
        raise InputError(f"price {bad[0]} = {full[bad[0]]} is impossible; give 0 or a positive number")
    return full


def _worth(time: Any, prices: Mapping[str, float]) -> xr.DataArray:
    """What money paid in the middle between two records is worth at the start."""
    middle = 0.5 * (time[1:] + time[:-1]) - time[0]
    return xr.DataArray((1.0 + prices["discount_rate"]) ** -middle, dims="time", coords={"time": time[:-1]})


def _masses(ds: xr.Dataset, time: Any, worth: Any) -> xr.DataArray:
    """Discounted mass of the removed objects [kg] (scenario, run)."""
    if "event_type" not in ds:
        raise InputError("the ensemble has no event table, so removed masses are not known; leave per_kg out")
    removal = ds["event_type"].to_numpy() == REMOVAL
    scenario, run, when, mass = (
        ds[f"event_{name}"].to_numpy()[removal] for name in ("scenario", "run", "time", "first_mass")
    )
    k = np.clip(np.searchsorted(time, when, side="right") - 1, 0, len(worth) - 1)
    sums = np.zeros((ds.sizes["scenario"], ds.sizes["run"]))
    np.add.at(sums, (scenario, run), mass * worth[k])
    coords = {dim: ds[dim] for dim in ("scenario", "run") if dim in ds.coords}
    return xr.DataArray(sums, dims=("scenario", "run"), coords=coords)


def cost_per_collision_avoided(
    ds: xr.Dataset,
    prices: Mapping[str, float],
    baseline: str | None = None,
    kind: str = "catastrophic",
    channel: str = "expected",
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> xr.Dataset:
    """What a policy costs for each collision that it avoids, until the end of the ensemble.

    Parameters
    ----------
    ds, baseline
        an ensemble with common random numbers, and its scenario without the policy (default the first).
    prices
        in any one unit of money; keys ``per_removal``, ``per_kg``, ``per_campaign`` (each interval between records with
        a removal, as a rule a year), ``fixed`` (once), ``per_collision`` (what a collision costs everybody) and
        ``discount_rate`` (a year; 0.05 for 5 %). Missing ones are 0.
    kind, channel
        which collisions, see :func:`stmgpu.debris.statistics.growth.collisions`.
    level, resamples, seed
        of the intervals (percentiles of runs drawn together).

    Returns
    -------
    Dataset (scenario): ``cost_per_collision``, ``avoided`` (collisions, not discounted), ``cost`` and
    ``net_present_value`` (discounted damage avoided minus cost; without ``per_collision`` minus the cost), each with
    ``_lower`` and ``_upper``; ``runs_used``. A draw of runs in which nothing is avoided has an infinite cost per
    collision: an upper end of infinity says that so many runs do not show that the policy avoids any. Not a number for
    scenarios that remove nothing.

    Raises
    ------
    InputError
        see :func:`removal_costs`.
    """
    name, checked = baseline_of(ds, baseline), _checked(prices)
    cost = -_avoided(removal_costs(ds, prices), name)
    flow = _avoided(collisions(ds, kind, channel), name)
    avoided = flow.isel(time=-1, drop=True)
    damage = (flow.diff("time", label="lower") * _worth(ds["time"].to_numpy(), checked)).sum("time", skipna=False)
    value = checked["per_collision"] * damage - cost

    def price(weights: Any, paid: Any, fewer: Any) -> Any:
        below = weighted_mean(weights, fewer)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = weighted_ratio(weights, paid, fewer)
        return np.where(below > 0.0, ratio, np.where(np.isnan(below), np.nan, np.inf))

    found = {}
    for part, statistic, arrays in (
        ("cost_per_collision", price, (cost, avoided)),
        ("avoided", weighted_mean, (avoided,)),
        ("cost", weighted_mean, (cost,)),
        ("net_present_value", weighted_mean, (value,)),
    ):
        one = interval_of(statistic, arrays, "run", level, resamples, seed, "percentile")
        active = total(ds, "removals").isel(time=-1, drop=True).max("run") > 0.0
        for end, suffix in (("estimate", ""), ("lower", "_lower"), ("upper", "_upper")):
            found[part + suffix] = (
                one[end]
                .where(active)
                .assign_attrs(units="1" if part == "avoided" else "money", long_name=part.replace("_", " "))
            )
    found["runs_used"] = used(cost, avoided)
    return xr.Dataset(found, attrs={"baseline": name, "level": level, "prices": str(dict(prices))})
