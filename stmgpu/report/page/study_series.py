"""What a study counts over the years: objects by class and size, collisions, density by altitude, operators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from stmgpu.debris.statistics.bootstrap import bootstrap_interval
from stmgpu.debris.statistics.density import spatial_density
from stmgpu.debris.statistics.growth import collisions, crash_clock, total
from stmgpu.debris.statistics.operators import manoeuvres_per_satellite
from stmgpu.debris.statistics.policy_effects import paired_difference
from stmgpu.report.page.study_numbers import RESAMPLES, bands, interval_curves, mean_of_runs, numbers

if TYPE_CHECKING:
    from stmgpu.report.page.study_numbers import Curves
    from stmgpu.typing import Floats

KINDS = ("catastrophic", "cratering")
"""Kinds of collisions, in the order of the page."""

_RUNS_AT_ONCE = 8
"""Runs whose counts by shell and class are in memory together."""


def population_series(ds: xr.Dataset, of_mean: tuple[int, ...] = ()) -> list[dict[str, Any]]:
    """Objects of all classes, of each class and of each size, with bands and differences from the first scenario.

    Parameters
    ----------
    ds : Dataset
        An ensemble.
    of_mean : tuple of int
        As for :func:`~stmgpu.report.page.study_numbers.bands`.

    Returns
    -------
    list of dict
        ``by`` ('all', 'class' or 'size'), ``label``, ``values`` and ``differences`` (curves by scenario), and ``gain``
        (scenario, time), the worth in runs of the common random numbers. Classes and sizes without objects are left
        out.
    """
    groups = [("all", "all objects", total(ds, "population"))]
    by_class = ds["population"].astype(np.float64).load()
    groups += [("class", str(name), by_class.sel({"class": name}, drop=True)) for name in ds["class"].to_numpy()]
    if "population_by_size" in ds:  # older stores have none
        by_size = ds["population_by_size"].astype(np.float64).load()
        groups += [("size", str(name), by_size.sel(size=name, drop=True)) for name in ds["size"].to_numpy()]
    return [
        {"by": by, "label": label, "values": bands(values, of_mean=of_mean), **_differences(ds, values)}
        for by, label, values in groups
        if by == "all" or float(values.max()) > 0.0
    ]


def collision_series(ds: xr.Dataset) -> list[dict[str, Any]]:
    """Collisions since the start by kind, in both channels, and their differences from the first scenario.

    Returns
    -------
    list of dict
        ``kind``; ``expected`` and ``sampled``, curves of the mean with its 95 % interval; ``differences`` and ``gain``
        of the expected ones, as for :func:`population_series`.
    """
    series = []
    for kind in KINDS:
        channels = {name: collisions(ds, kind, channel=name).load() for name in ("expected", "sampled")}
        series.append(
            {
                "kind": kind,
                **{
                    name: interval_curves(bootstrap_interval(values, resamples=RESAMPLES))
                    for name, values in channels.items()
                },
                **_differences(ds, channels["expected"]),
            }
        )
    return series


def collisions_by_altitude(ds: xr.Dataset) -> Floats:
    """Expected catastrophic collisions of the whole study by shell, mean over the runs, shape (scenario, shell)."""
    flow = collisions(ds.isel(time=[-1]), channel="expected", by_shell=True).isel(time=0).load()
    return mean_of_runs(flow).transpose("scenario", "shell").to_numpy()


def density_by_year(ds: xr.Dataset) -> tuple[Floats, Floats]:
    """Density of all objects, mean over the runs, and its difference from the first scenario.

    Returns
    -------
    density, difference : float64, shape (scenario, time, shell)
        Objects per (1000 km)^3; the difference is the mean over the runs that both scenarios have.
    """
    densities, differences = [], []
    base = _density(ds, 0)
    for s in range(ds.sizes["scenario"]):
        one = base if s == 0 else _density(ds, s)
        densities.append(mean_of_runs(one).to_numpy())
        differences.append(mean_of_runs(one - base).to_numpy())
    return np.stack(densities), np.stack(differences)


def _density(ds: xr.Dataset, scenario: int) -> xr.DataArray:
    """Density of one scenario over (run, time, shell); the counts by class are read a few runs at a time."""
    parts = [
        spatial_density(ds.isel(scenario=scenario, run=slice(k, k + _RUNS_AT_ONCE))).sum("class", skipna=False).load()
        for k in range(0, ds.sizes["run"], _RUNS_AT_ONCE)
    ]
    whole: xr.DataArray = 1e9 * xr.concat(parts, "run").transpose("run", "time", "shell")
    return whole


def operator_series(small: xr.Dataset) -> dict[str, Any]:
    """Manoeuvres of a satellite a year and the CRASH clock in days, mean over the runs, at the later of two records.

    Parameters
    ----------
    small : Dataset
        The sums of an ensemble, see :func:`stmgpu.report.study.summary.reduced`.

    Returns
    -------
    dict
        ``year``, ``crash_clock`` and, where the study counts them, ``manoeuvres``; empty for a single record.
    """
    if small.sizes["time"] < 2:
        return {}
    clock = crash_clock(small)
    found = {"year": numbers(clock["time"]), "crash_clock": numbers(_by_scenario(clock))}
    if "manoeuvres" in small and "population_steered" in small:
        found["manoeuvres"] = numbers(_by_scenario(manoeuvres_per_satellite(small)))
    return found


def _by_scenario(values: xr.DataArray) -> Floats:
    return mean_of_runs(values.where(np.isfinite(values))).transpose("scenario", "time").to_numpy()


def _differences(ds: xr.Dataset, values: xr.DataArray) -> dict[str, Curves | Any]:
    if ds.sizes["scenario"] < 2:
        return {"differences": [], "gain": []}
    paired = paired_difference(ds, values, resamples=RESAMPLES)
    return {
        "differences": interval_curves(paired),
        "gain": numbers(paired["gain"].transpose("scenario", "time").to_numpy()),
    }
