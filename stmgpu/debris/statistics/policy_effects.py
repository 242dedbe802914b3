"""Effects of removal policies: paired differences, effective reduction, collisions avoided, costs.

Run k of every scenario shares its random numbers, so scenarios are compared run by run: common fluctuations cancel, and
the interval of the mean difference is narrower than that of a difference of means. Ratios are ratios of means over runs
that are resampled together. Runs that were cut off in either scenario are left out of both; since these grew most,
differences between policies are then too small.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from stmgpu.debris.statistics.bootstrap import Resampling, interval_of, weighted_mean, weighted_ratio
from stmgpu.debris.statistics.growth import collisions, total
from stmgpu.debris.statistics.runs import divided, used, variance
from stmgpu.debris.variables import REMOVAL
from stmgpu.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stmgpu.typing import Floats

PRICES = ("per_removal", "per_kg", "per_campaign", "fixed", "per_collision", "discount_rate")
"""Keys of prices: cost per object removed, per kilogram removed, per year with a removal, and once at the start; damage
per collision; annual discount rate (0.05 for 5 %)."""


def baseline_of(ds: xr.Dataset, baseline: str | None) -> str:
    """Return the scenario to compare with: the given one, or the first."""
    names = [str(name) for name in ds["scenario"].to_numpy()]
    if baseline is None:
        return names[0]
    if baseline not in names:
        raise InputError(f"baseline {baseline!r} is not a scenario; choose one of {', '.join(names)}")
    return baseline


def _values(ds: xr.Dataset, variable: str | xr.DataArray) -> xr.DataArray:
    if isinstance(variable, str):
        return total(ds, variable)
    return variable.astype(np.float64).assign_attrs(variable.attrs)


def _avoided(values: xr.DataArray, baseline: str) -> xr.DataArray:
    """Subtract each scenario from the baseline, run by run."""
    return values.sel(scenario=baseline, drop=True) - values


def paired_difference(
    ds: xr.Dataset,
    variable: str | xr.DataArray = "population",
    *,
    baseline: str | None = None,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
    method: str = "bca",
) -> xr.Dataset:
    """Subtract the baseline from each scenario, run by run.

    Parameters
    ----------
    ds : Dataset
        An ensemble with common random numbers.
    variable : str or DataArray
        Name of a variable, to be summed over shells and classes, or an array over scenario and run.
    baseline : str, optional
        Scenario to subtract; default the first.
    level : float
        Level of the interval.
    resamples : int
        Number of bootstrap resamples.
    seed : int
        Seed of the bootstrap.
    method : str
        As for :func:`~stmgpu.debris.statistics.bootstrap.bootstrap_interval`.

    Returns
    -------
    Dataset
        Over (scenario, ...): ``estimate`` (mean difference), ``lower``, ``upper``, ``runs_used``, and ``gain``: the
        variance of the difference of independent runs over that of paired runs, hence the factor in runs that common
        random numbers save; NaN for the baseline.

    Raises
    ------
    InputError
        An unknown variable or scenario.
    """
    name = baseline_of(ds, baseline)
    values = _values(ds, variable)
    base = values.sel(scenario=name, drop=True)
    difference = values - base
    result = interval_of(weighted_mean, (difference,), Resampling(level, resamples, seed, method))
    paired = difference.notnull()
    unpaired_variance = variance(values.where(paired)) + variance(base.where(paired))
    paired_variance = variance(difference)
    result["gain"] = (
        divided(unpaired_variance, paired_variance)
        .where(result["scenario"] != name)
        .assign_attrs(units="1", long_name="variance of an unpaired over that of the paired difference")
    )
    for part in ("estimate", "lower", "upper"):
        result[part].attrs["units"] = values.attrs.get("units", "1")
    return result.assign_attrs(baseline=name, variable=variable if isinstance(variable, str) else str(variable.name))


def effective_reduction_factor(
    ds: xr.Dataset,
    *,
    baseline: str | None = None,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
    method: str = "bca",
) -> xr.Dataset:
    """Compute the reduction in objects per object removed (effective reduction factor, ERF).

    Liou and Johnson (2009, Adv. Space Res. 43). A value of 1 is the removed object itself; the excess over 1 is
    fragments that were not generated.

    Parameters
    ----------
    ds : Dataset
        An ensemble with common random numbers.
    baseline : str, optional
        Scenario without the policy; default the first.
    level : float
        Level of the interval.
    resamples : int
        Number of bootstrap resamples.
    seed : int
        Seed of the bootstrap.
    method : str
        As for :func:`~stmgpu.debris.statistics.bootstrap.bootstrap_interval`.

    Returns
    -------
    Dataset
        Over (scenario, time): ``estimate``, ``lower``, ``upper``, ``runs_used``, ``removed`` (mean objects removed in
        excess of the baseline). NaN where nothing was removed.
    """
    name = baseline_of(ds, baseline)
    fewer = _avoided(total(ds, "population"), name)
    text = "objects fewer per object removed"
    return _per_removal(ds, fewer, baseline=name, resampling=Resampling(level, resamples, seed, method), text=text)


def collisions_avoided_per_removal(
    ds: xr.Dataset,
    *,
    baseline: str | None = None,
    kind: str = "catastrophic",
    channel: str = "expected",
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
    method: str = "bca",
) -> xr.Dataset:
    """Compute the reduction in collisions per object removed.

    Parameters
    ----------
    ds : Dataset
        An ensemble with common random numbers.
    baseline : str, optional
        Scenario without the policy; default the first.
    kind, channel : str
        Collisions to count, as for :func:`~stmgpu.debris.statistics.growth.collisions`; the expected ones have the
        narrower interval.
    level : float
        Level of the interval.
    resamples : int
        Number of bootstrap resamples.
    seed : int
        Seed of the bootstrap.
    method : str
        As for :func:`~stmgpu.debris.statistics.bootstrap.bootstrap_interval`.

    Returns
    -------
    Dataset
        As for :func:`effective_reduction_factor`.
    """
    name = baseline_of(ds, baseline)
    fewer = _avoided(collisions(ds, kind, channel=channel), name)
    text = f"{kind} collisions fewer per object removed"
    return _per_removal(ds, fewer, baseline=name, resampling=Resampling(level, resamples, seed, method), text=text)


def _per_removal(
    ds: xr.Dataset, fewer: xr.DataArray, *, baseline: str, resampling: Resampling, text: str
) -> xr.Dataset:
    removed = -_avoided(total(ds, "removals"), baseline)
    result = interval_of(weighted_ratio, (fewer, removed), resampling)
    mean = divided(removed.where(fewer.notnull()).sum("run"), used(fewer, removed))
    any_removed = mean > 0.0
    for part in ("estimate", "lower", "upper"):
        result[part] = result[part].where(any_removed).assign_attrs(units="1")
    result["estimate"].attrs["long_name"] = text
    result["removed"] = mean.assign_attrs(units="1", long_name="mean objects removed beyond the baseline's")
    return result.assign_attrs(baseline=baseline)


# ------------------------------------------------------------------------------------------------------------- costs
def removal_costs(ds: xr.Dataset, prices: Mapping[str, float]) -> xr.DataArray:
    """Compute the cost of the removals of every run, discounted to the start.

    ``removals`` and ``removals_failed`` between two records are paid in the middle between them; masses come from the
    event table.

    Parameters
    ----------
    ds : Dataset
        An ensemble.
    prices : mapping of str to float
        Prices by the keys :data:`PRICES`; missing ones are 0.

    Returns
    -------
    DataArray
        Over (scenario, run).

    Raises
    ------
    InputError
        An unknown key or a negative price; a price per kilogram for an ensemble without an event table.
    """
    prices = _checked(prices)
    time = ds["time"].to_numpy()
    removed = (total(ds, "removals") + total(ds, "removals_failed")).diff("time", label="lower")
    worth = _worth(time, prices)
    cost = prices["per_removal"] * removed + prices["per_campaign"] * (removed > 0.0).where(removed.notnull())
    costs = (cost * worth).sum("time", skipna=False) + prices["fixed"] * (removed > 0.0).any("time")
    if prices["per_kg"]:
        costs = costs + prices["per_kg"] * _masses(ds, time, worth.to_numpy())
    return costs.assign_attrs(units="money", long_name="discounted cost of removals")


def _checked(prices: Mapping[str, float]) -> dict[str, float]:
    unknown = sorted(set(prices) - set(PRICES))
    if unknown:
        raise InputError(f"price {unknown[0]!r} is unknown; choose {', '.join(PRICES)}")
    full = {key: float(prices.get(key, 0.0)) for key in PRICES}
    bad = [key for key, value in full.items() if not (np.isfinite(value) and value >= 0.0)]
    if bad:
        raise InputError(f"price {bad[0]} = {full[bad[0]]} is out of range; choose 0 or a positive number")
    return full


def _worth(time: Floats, prices: Mapping[str, float]) -> xr.DataArray:
    """Compute the discount factors of payments in the middle between records."""
    middle = 0.5 * (time[1:] + time[:-1]) - time[0]
    return xr.DataArray((1.0 + prices["discount_rate"]) ** -middle, dims="time", coords={"time": time[:-1]})


def _masses(ds: xr.Dataset, time: Floats, worth: Floats) -> xr.DataArray:
    """Sum the discounted mass of the removed objects [kg] (scenario, run)."""
    if "event_type" not in ds:
        raise InputError("the ensemble has no event table, so removed masses are unknown; omit per_kg")
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
    *,
    baseline: str | None = None,
    kind: str = "catastrophic",
    channel: str = "expected",
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> xr.Dataset:
    """Compute the cost of a policy per collision avoided, over the whole ensemble.

    Parameters
    ----------
    ds : Dataset
        An ensemble with common random numbers.
    prices : mapping of str to float
        In one currency; keys ``per_removal``, ``per_kg``, ``per_campaign`` (per interval between records with a
        removal, usually a year), ``fixed`` (once), ``per_collision`` (damage of a collision) and ``discount_rate`` (per
        year; 0.05 for 5 %). Missing ones are 0.
    baseline : str, optional
        Scenario without the policy; default the first.
    kind, channel : str
        Collisions to count, as for :func:`~stmgpu.debris.statistics.growth.collisions`.
    level : float
        Level of the interval.
    resamples : int
        Number of bootstrap resamples.
    seed : int
        Seed of the bootstrap.

    Returns
    -------
    Dataset
        Over (scenario): ``cost_per_collision``, ``avoided`` (collisions, not discounted), ``cost`` and
        ``net_present_value`` (discounted damage avoided minus cost), each with ``_lower`` and ``_upper`` (percentile
        bootstrap); ``runs_used``. A resample in which nothing is avoided has an infinite cost per collision, so an
        infinite upper bound means that these runs do not show that the policy avoids any. NaN for scenarios that
        remove nothing.

    Raises
    ------
    InputError
        As :func:`removal_costs`.
    """
    name, checked = baseline_of(ds, baseline), _checked(prices)
    cost = -_avoided(removal_costs(ds, prices), name)
    flow = _avoided(collisions(ds, kind, channel=channel), name)
    avoided = flow.isel(time=-1, drop=True)
    damage = (flow.diff("time", label="lower") * _worth(ds["time"].to_numpy(), checked)).sum("time", skipna=False)
    value = checked["per_collision"] * damage - cost

    def price(weights: Floats, paid: Floats, fewer: Floats) -> Floats:
        below = weighted_mean(weights, fewer)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = weighted_ratio(weights, paid, fewer)
        return np.where(below > 0.0, ratio, np.where(np.isnan(below), np.nan, np.inf))

    columns = {}
    for part, statistic, arrays in (
        ("cost_per_collision", price, (cost, avoided)),
        ("avoided", weighted_mean, (avoided,)),
        ("cost", weighted_mean, (cost,)),
        ("net_present_value", weighted_mean, (value,)),
    ):
        bounds = interval_of(statistic, arrays, Resampling(level, resamples, seed, "percentile"))
        active = total(ds, "removals").isel(time=-1, drop=True).max("run") > 0.0
        for end, suffix in (("estimate", ""), ("lower", "_lower"), ("upper", "_upper")):
            columns[part + suffix] = (
                bounds[end]
                .where(active)
                .assign_attrs(units="1" if part == "avoided" else "money", long_name=part.replace("_", " "))
            )
    columns["runs_used"] = used(cost, avoided)
    return xr.Dataset(columns, attrs={"baseline": name, "level": level, "prices": str(dict(prices))})
