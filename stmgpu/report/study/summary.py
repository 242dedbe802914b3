"""The summary of a debris study in plain numbers, from which table and JSON are made."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import xarray as xr

from stmgpu.debris.statistics.bootstrap import bootstrap_interval
from stmgpu.debris.statistics.growth import (
    collisions,
    crash_clock,
    growth_factor,
    growth_probability,
    time_to_double,
    total,
    variance_gain,
)
from stmgpu.debris.statistics.operators import manoeuvres_per_satellite
from stmgpu.debris.statistics.policy_effects import (
    collisions_avoided_per_removal,
    effective_reduction_factor,
    paired_difference,
)
from stmgpu.debris.statistics.runs import index_of_dispersion, quantiles
from stmgpu.debris.variables import BALANCES
from stmgpu.errors import InputError
from stmgpu.report.study.settings import settings, stored_scenarios

_TOTALS = (
    "population",
    "total_mass",
    "removals",
    "explosions",
    "launches",
    "decays",
    "collisions_catastrophic",
    "collisions_cratering",
    "expected_catastrophic",
    "expected_cratering",
    "expected_avoided",
)


def reduced(ds: xr.Dataset) -> xr.Dataset:
    """Sum the variables of an ensemble over shells and classes, and load them.

    Raises
    ------
    InputError
        The Dataset is not an ensemble, or no run is finished.
    """
    missing = [name for name in (*_TOTALS, "truncated_year") if name not in ds]
    if missing:
        raise InputError(f"not an ensemble of stmgpu.evolve: variable {missing[0]!r} is missing")
    totals = xr.Dataset({name: total(ds, name) for name in _TOTALS}, attrs=ds.attrs)
    for name in ("truncated_year", *(name for name in BALANCES if name in ds)):
        totals[name] = ds[name]
    for name in ("population_by_size", "population_steered"):  # older stores have none
        if name in ds:
            totals[name] = ds[name]
    for name in ("expected_active_losses", "manoeuvres"):
        if name in ds:
            totals[name] = total(ds, name)
    totals = totals.load()
    if not totals["population"].isel(time=0).notnull().any():
        raise InputError("no run of this study is finished; wait for the first run, or evolve the study")
    return totals


def study_summary(ds: xr.Dataset, *, level: float = 0.95, resamples: int = 2000, seed: int = 0) -> dict[str, Any]:
    """Summarise a study in plain numbers, ready for ``json.dumps``.

    Parameters
    ----------
    ds : Dataset
        An ensemble, in memory or lazily loaded.
    level : float
        Level of the bootstrap intervals.
    resamples : int
        Number of bootstrap resamples.
    seed : int
        Seed of the bootstrap.

    Returns
    -------
    dict
        ``first_year``, ``last_year``, ``runs``, ``level``, ``baseline``; ``scenarios``: for each scenario at the end of
        the study, means with intervals of objects, relative change, collisions by both estimators, paired difference,
        removals, effective reduction factor, probability of growth and doubling time; ``balances``: largest relative
        errors; ``cut_off``: runs that exceeded ``max_objects``; ``notes``; ``settings_that_differ``: for each key its
        ``values`` by scenario; ``density_sigma``: that of each scenario, where the ensemble records it. Values that are
        not finite are None.

    Raises
    ------
    InputError
        As :func:`reduced`.
    """
    small = reduced(ds)
    names = [str(name) for name in small["scenario"].to_numpy()]
    time = small["time"].to_numpy()
    estimators = _estimators(ds)
    parts = _statistics(small, {"level": level, "resamples": resamples, "seed": seed})
    scenarios = [
        _scenario_summary(
            small.isel(scenario=s),
            {key: part.isel(scenario=s) for key, part in parts.items()},
            estimator=estimators.get(name),
            is_baseline=s == 0,
        )
        for s, name in enumerate(names)
    ]
    cut = np.argwhere(small["truncated_year"].notnull().to_numpy())
    return {
        "first_year": float(time[0]),
        "last_year": float(time[-1]),
        "runs": int(small.sizes["run"]),
        "level": level,
        "baseline": names[0],
        "scenarios": scenarios,
        "balances": {name: _number(abs(small[name]).max()) for name in BALANCES if name in small},
        "cut_off": [
            {"scenario": names[s], "run": int(small["run"][r]), "year": float(small["truncated_year"][s, r])}
            for s, r in cut
        ],
        "notes": _notes(ds),
        "settings_that_differ": settings(ds)["differ"],
        "density_sigma": [
            one["environment"]["density_sigma"]
            for one in stored_scenarios(ds)
            if "density_sigma" in one.get("environment", {})
        ],
    }


def _statistics(small: xr.Dataset, interval: dict[str, Any]) -> dict[str, Any]:
    """Compute the statistics of a study over (scenario, ...), with intervals only where they are reported."""
    last = small.isel(time=slice(-1, None))
    parts: dict[str, Any] = {
        "objects": bootstrap_interval(total(last, "population"), **interval),
        "objects_start": total(small, "population").isel(time=0).mean("run"),
        "mass_tonnes": bootstrap_interval(total(last, "total_mass") * 1e-3, **interval),
        "change_percent": bootstrap_interval(
            100.0 * (growth_factor(small).isel(time=slice(-1, None)) - 1.0), **interval
        ),
        "sampled": bootstrap_interval(collisions(last), **interval),
        "expected": bootstrap_interval(collisions(last, channel="expected"), **interval),
        "cratering": bootstrap_interval(collisions(last, "cratering", channel="expected"), **interval),
        "difference": paired_difference(last, "population", **interval),
        "collision_difference": paired_difference(last, collisions(last, channel="expected"), **interval),
        "erf": effective_reduction_factor(last, **interval),
        "avoided": collisions_avoided_per_removal(last, **interval),
        "growth": growth_probability(small, level=interval["level"]).isel(time=[-1]),
        "quantiles": quantiles(total(last, "population"), capped="high"),
        "dispersion": index_of_dispersion(collisions(last)),
        "gain": variance_gain(last),
        "doubling": time_to_double(small),
    }
    if "population_by_size" in small:
        parts["sizes"] = bootstrap_interval(last["population_by_size"], **interval)
    if "manoeuvres" in small:
        parts["losses"] = bootstrap_interval(last["expected_active_losses"], **interval)
    if small.sizes["time"] > 1 and "manoeuvres" in small:
        parts["manoeuvres"] = manoeuvres_per_satellite(small).isel(time=-1).mean("run")
    if small.sizes["time"] > 1:
        parts["clock"] = crash_clock(small).mean("run")
    return parts


def _scenario_summary(
    small: xr.Dataset, parts: dict[str, Any], *, estimator: str | None, is_baseline: bool
) -> dict[str, Any]:
    """Summarise one scenario; what is compared with the baseline is None for the baseline itself."""
    return {
        "name": str(small["scenario"].item()),
        "estimator": estimator,
        "runs_used": int(parts["objects"].runs_used.isel(time=-1)),
        "runs_finished": int(total(small, "population").isel(time=0).notnull().sum()),
        "runs_cut_off": int(small["truncated_year"].notnull().sum()),
        "objects_start": _number(parts["objects_start"]),
        "objects_end": _mean(parts["objects"]),
        "objects_end_quantiles": {
            f"{float(q):g}": _number(parts["quantiles"].sel(quantile=q).isel(time=-1))
            for q in parts["quantiles"]["quantile"].to_numpy()
        },
        "objects_end_by_size": None
        if "sizes" not in parts
        else {str(name): _mean(parts["sizes"].sel(size=name)) for name in parts["sizes"]["size"].to_numpy()},
        "mass_end_tonnes": _mean(parts["mass_tonnes"]),
        "change_percent": _mean(parts["change_percent"]),
        "catastrophic_sampled": _mean(parts["sampled"]),
        "catastrophic_expected": _mean(parts["expected"]),
        "cratering_expected": _mean(parts["cratering"]),
        "variance_gain": _number(parts["gain"].isel(time=-1)),
        "index_of_dispersion": {
            part: _number(parts["dispersion"][part].isel(time=-1))
            for part in ("dispersion", "poisson_lower", "poisson_upper")
        },
        "difference": None
        if is_baseline
        else {**_mean(parts["difference"]), "gain": _number(parts["difference"].gain.isel(time=-1))},
        "catastrophic_difference": None
        if is_baseline
        else {
            **_mean(parts["collision_difference"]),
            "gain": _number(parts["collision_difference"].gain.isel(time=-1)),
        },
        "removed": _number(total(small, "removals").isel(time=-1).mean("run")),
        "effective_reduction_factor": None if is_baseline else _mean(parts["erf"]),
        "collisions_avoided_per_removal": None if is_baseline else _mean(parts["avoided"]),
        "growth_probability": {
            part: _number(parts["growth"][key].isel(time=-1))
            for part, key in (("mean", "probability"), ("lower", "lower"), ("upper", "upper"))
        },
        "doubling": {
            "share": _number(parts["doubling"]["share"].isel(time=-1)),
            "median_years": _number(parts["doubling"]["median_years"]),
        },
        "active_losses_expected": _mean(parts["losses"]) if "losses" in parts else None,
        "manoeuvres_per_satellite": _number(parts["manoeuvres"]) if "manoeuvres" in parts else None,
        "crash_clock_days": None
        if "clock" not in parts
        else {
            "first_interval": _number(parts["clock"].isel(time=0)),
            "last_interval": _number(parts["clock"].isel(time=-1)),
        },
    }


def _mean(part: xr.Dataset) -> dict[str, Any]:
    part = part.isel(time=-1) if "time" in part.dims else part
    return {"mean": _number(part["estimate"]), "lower": _number(part["lower"]), "upper": _number(part["upper"])}


def _number(value: xr.DataArray) -> float | None:
    number = float(value)
    return number if math.isfinite(number) else None


def _estimators(ds: xr.Dataset) -> dict[str, str]:
    """Collision estimator of each scenario, if the attributes record it."""
    try:
        scenarios = json.loads(ds.attrs["scenarios"])
        return {str(s["name"]): str(s["collisions"]["estimator"]) for s in scenarios}
    except (KeyError, TypeError, ValueError):
        return {}


def _notes(ds: xr.Dataset) -> list[str]:
    notes = ds.attrs.get("notes", [])
    return [notes] if isinstance(notes, str) else [str(note) for note in notes]
