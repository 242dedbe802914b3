"""A debris study in numbers: what the table, the figure and the JSON of a study say."""

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
from stmgpu.debris.statistics.policy_effects import (
    collisions_avoided_per_removal,
    effective_reduction_factor,
    paired_difference,
)
from stmgpu.debris.statistics.runs import index_of_dispersion, quantiles
from stmgpu.debris.variables import BALANCES
from stmgpu.errors import InputError

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
    """What a study's summary needs, summed over shells and classes, in memory.

    Raises
    ------
    InputError
        the Dataset is no ensemble, or none of its runs is finished.
    """
    missing = [name for name in (*_TOTALS, "truncated_year") if name not in ds]
    if missing:
        raise InputError(f"this is no ensemble of stmgpu.evolve: it has no variable {missing[0]!r}")
    found = xr.Dataset({name: total(ds, name) for name in _TOTALS}, attrs=ds.attrs)
    for name in ("truncated_year", *(name for name in BALANCES if name in ds)):
        found[name] = ds[name]
    found = found.load()
    if not found["population"].isel(time=0).notnull().any():
        raise InputError("no run of this study is finished, so there is nothing to summarise yet")
    return found


def study_summary(ds: xr.Dataset, level: float = 0.95, resamples: int = 2000, seed: int = 0) -> dict[str, Any]:
    """A study as plain numbers, ready for ``json.dumps``.

    Parameters
    ----------
    ds
        an ensemble, in memory or lazily loaded.
    level, resamples, seed
        of the bootstrap intervals.

    Returns
    -------
    dict: ``first_year``, ``last_year``, ``runs``, ``level``, ``baseline``; ``scenarios``, a list with, each at the end
    and with intervals where it is a mean, objects, change, collisions in both channels, paired difference, removals,
    effective reduction factor, probability of growth, time to double; ``balances``, largest relative errors;
    ``cut_off``, runs that were; ``notes``. What is not a number is None.

    Raises
    ------
    InputError
        see :func:`reduced`.
    """
    small = reduced(ds)
    names = [str(name) for name in small["scenario"].to_numpy()]
    time = small["time"].to_numpy()
    how: dict[str, Any] = {"level": level, "resamples": resamples, "seed": seed}
    last = small.isel(time=slice(-1, None))  # ratios and intervals only where they are shown
    parts: dict[str, Any] = {
        "objects": bootstrap_interval(total(last, "population"), **how),
        "objects_start": total(small, "population").isel(time=0).mean("run"),
        "mass_tonnes": bootstrap_interval(total(last, "total_mass") * 1e-3, **how),
        "change_percent": bootstrap_interval(100.0 * (growth_factor(small).isel(time=slice(-1, None)) - 1.0), **how),
        "sampled": bootstrap_interval(collisions(last), **how),
        "expected": bootstrap_interval(collisions(last, channel="expected"), **how),
        "cratering": bootstrap_interval(collisions(last, "cratering", "expected"), **how),
        "difference": paired_difference(last, "population", **how),
        "collision_difference": paired_difference(last, collisions(last, channel="expected"), **how),
        "erf": effective_reduction_factor(last, **how),
        "avoided": collisions_avoided_per_removal(last, **how),
        "growth": growth_probability(small, level).isel(time=[-1]),
        "quantiles": quantiles(total(last, "population"), capped="high"),
        "dispersion": index_of_dispersion(collisions(last)),
        "gain": variance_gain(last),
    }
    doubling = time_to_double(small)
    clock = crash_clock(small).mean("run") if len(time) > 1 else None
    scenarios = []
    for s, name in enumerate(names):
        here = {key: part.isel(scenario=s) for key, part in parts.items()}
        first = s == 0
        scenarios.append(
            {
                "name": name,
                "estimator": _estimators(ds).get(name),
                "runs_used": int(here["objects"].runs_used.isel(time=-1)),
                "runs_finished": int(total(small, "population").isel(scenario=s, time=0).notnull().sum()),
                "runs_cut_off": int(small["truncated_year"].isel(scenario=s).notnull().sum()),
                "objects_start": _number(here["objects_start"]),
                "objects_end": _mean(here["objects"]),
                "objects_end_quantiles": {
                    f"{float(q):g}": _number(here["quantiles"].sel(quantile=q).isel(time=-1))
                    for q in here["quantiles"]["quantile"].to_numpy()
                },
                "mass_end_tonnes": _mean(here["mass_tonnes"]),
                "change_percent": _mean(here["change_percent"]),
                "catastrophic_sampled": _mean(here["sampled"]),
                "catastrophic_expected": _mean(here["expected"]),
                "cratering_expected": _mean(here["cratering"]),
                "variance_gain": _number(here["gain"].isel(time=-1)),
                "index_of_dispersion": {
                    part: _number(here["dispersion"][part].isel(time=-1))
                    for part in ("dispersion", "poisson_lower", "poisson_upper")
                },
                "difference": None
                if first
                else {**_mean(here["difference"]), "gain": _number(here["difference"].gain.isel(time=-1))},
                "catastrophic_difference": None
                if first
                else {
                    **_mean(here["collision_difference"]),
                    "gain": _number(here["collision_difference"].gain.isel(time=-1)),
                },
                "removed": _number(total(small, "removals").isel(scenario=s, time=-1).mean("run")),
                "effective_reduction_factor": None if first else _mean(here["erf"]),
                "collisions_avoided_per_removal": None if first else _mean(here["avoided"]),
                "growth_probability": {
                    part: _number(here["growth"][key].isel(time=-1))
                    for part, key in (("mean", "probability"), ("lower", "lower"), ("upper", "upper"))
                },
                "doubling": {
                    "share": _number(doubling["share"].isel(scenario=s, time=-1)),
                    "median_years": _number(doubling["median_years"].isel(scenario=s)),
                },
                "crash_clock_days": None
                if clock is None
                else {
                    "first_interval": _number(clock.isel(scenario=s, time=0)),
                    "last_interval": _number(clock.isel(scenario=s, time=-1)),
                },
            }
        )
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
    }


def _mean(part: xr.Dataset) -> dict[str, Any]:
    part = part.isel(time=-1) if "time" in part.dims else part
    return {"mean": _number(part["estimate"]), "lower": _number(part["lower"]), "upper": _number(part["upper"])}


def _number(value: Any) -> float | None:
    number = float(value)
    return number if math.isfinite(number) else None


def _estimators(ds: xr.Dataset) -> dict[str, str]:
    """How each scenario counts collisions, as far as the attributes say."""
    try:
        told = json.loads(ds.attrs["scenarios"])
        return {str(s["name"]): str(s["collisions"]["estimator"]) for s in told}
    except (KeyError, TypeError, ValueError):
        return {}


def _notes(ds: xr.Dataset) -> list[str]:
    notes = ds.attrs.get("notes", [])
    return [notes] if isinstance(notes, str) else [str(note) for note in notes]
