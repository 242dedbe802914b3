"""Ensembles with known statistics, in the form of ``stmgpu.evolve``, and small populations."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from stmgpu.debris.population import CLASS_NAMES, Population
from stmgpu.debris.shells import SHELL_EDGES_KM
from stmgpu.debris.variables import (
    BALANCES,
    BY_CLASS,
    BY_FLEET,
    BY_RUN,
    BY_SHELL,
    EVENTS,
    LONG_NAMES,
    NOW_BY_CLASS,
    NOW_BY_FLEET,
    NOW_BY_RUN,
    NOW_BY_SHELL,
    NOW_BY_SHELL_AND,
    RATES,
    dims_of,
    dtype_of,
)

BEGIN = 2025.0
MORE = (*NOW_BY_SHELL_AND, *NOW_BY_RUN, *NOW_BY_FLEET, *BY_FLEET, "population_by_size")
DERELICT, FRAGMENT = CLASS_NAMES[1], CLASS_NAMES[5]


def empty(scenarios: tuple[str, str] = ("base",), runs: int = 4, years: int = 10) -> xr.Dataset:
    """Zeros everywhere, no events, no run cut off."""
    edges = SHELL_EDGES_KM
    coords = {
        "scenario": list(scenarios),
        "run": np.arange(runs),
        "time": BEGIN + np.arange(years + 1.0),
        "shell": 0.5 * (edges[:-1] + edges[1:]),
        "shell_lower": ("shell", edges[:-1]),
        "shell_upper": ("shell", edges[1:]),
        "class": list(CLASS_NAMES),
        "size": ["below 0.1 m", "0.1 to 1 m", "1 m and larger"],
        "size_lower": ("size", [0.0, 0.1, 1.0]),
        "size_upper": ("size", [0.1, 1.0, np.inf]),
        "constellation": ["Starlink", "Own"],
        "inclination": 5.0 + 10.0 * np.arange(18),
        "inclination_lower": ("inclination", 10.0 * np.arange(18)),
        "inclination_upper": ("inclination", 10.0 * np.arange(1, 19)),
    }
    sizes = {
        "scenario": len(scenarios),
        "run": runs,
        "time": years + 1,
        "shell": len(edges) - 1,
        "class": len(CLASS_NAMES),
        "size": 3,
        "inclination": 18,
        "constellation": 2,
    }
    data = {}
    for name in (
        *BY_SHELL,
        *BY_CLASS,
        *BY_RUN,
        *RATES,
        *NOW_BY_SHELL,
        *NOW_BY_CLASS,
        *MORE,
        *BALANCES,
        "truncated_year",
    ):
        dims = dims_of(name)
        units, long_name = LONG_NAMES[name]
        data[name] = (
            dims,
            np.zeros([sizes[d] for d in dims], dtype_of(name)),
            {"units": units, "long_name": long_name},
        )
    data["truncated_year"][1][...] = np.nan
    ds = xr.Dataset(data, coords=coords, attrs={"seed": 1, "years": float(years), "runs": runs, "notes": []})
    return with_events(ds, [])


def with_events(ds: xr.Dataset, rows: list[Any]) -> xr.Dataset:
    """Put an event table in; each row is a dict of columns, the others get harmless values."""
    usual = {
        "scenario": 0,
        "run": 0,
        "time": BEGIN,
        "type": 0,
        "second": -1,
        "second_class": -1,
        "first_mass": 100.0,
        "second_mass": 10.0,
        "speed": 10.0,
        "fragments": 100.0,
    }
    columns = {
        f"event_{name}": ("event", np.array([row.get(name, usual.get(name, 0)) for row in rows], dtype))
        for name, (dtype, _, _) in EVENTS.items()
    }
    return ds.drop_vars([name for name in columns if name in ds]).assign(columns)


def cut(ds: xr.Dataset, scenario: int, run: int, year: float) -> xr.Dataset:
    """Cut a run off: no values from that year on."""
    ds = ds.copy(deep=True)
    ds["truncated_year"][scenario, run] = year
    gone = ds.time.to_numpy() >= year
    for name, da in ds.data_vars.items():
        if "time" in da.dims:
            ds[name].values[scenario, run, gone] = np.nan
    return ds


def study(
    runs: int = 60, years: int = 20, seed: int = 3, rate: float = 0.5, per_year: int = 5, effect: float = 1.4
) -> xr.Dataset:
    """Two scenarios, 'no removal' and 'removal'.

    The population starts at 1,000 and grows linearly, by 10 a year on the average (standard deviation of the growth
    until the end: 40, common to both scenarios), less ``effect`` for each of the ``per_year`` objects removed each
    year (and a private standard deviation of 4). Collisions: of each run a rate drawn from a gamma law with mean
    ``rate`` and coefficient of variation 0.2; the expected channel is its integral, the sampled one Poisson's.
    """
    rng = np.random.default_rng(seed)
    ds = empty(("no removal", "removal"), runs, years)
    t = np.arange(years + 1.0)
    common = rng.normal(0.0, 40.0, runs)
    intensity = rng.gamma(25.0, rate / 25.0, runs)
    steps = rng.poisson(intensity[:, None], (runs, years))
    shell = int(np.searchsorted(SHELL_EDGES_KM, 850.0) - 1)
    fragment, derelict = CLASS_NAMES.index(FRAGMENT), CLASS_NAMES.index(DERELICT)
    for s, on in enumerate((0.0, 1.0)):
        growth = 10.0 * t + (common[:, None] + on * rng.normal(0.0, 4.0, (runs, 1))) * t / years
        population = 1000.0 + growth - on * effect * per_year * t
        ds["population"].values[s, :, :, fragment] = population - 400.0
        ds["population"].values[s, :, :, derelict] = 400.0
        ds["population_by_size"].values[s, :, :, 1] = population - 400.0
        ds["population_by_size"].values[s, :, :, 2] = 400.0
        ds["number"].values[s, :, :, shell, fragment] = population - 400.0
        ds["number"].values[s, :, :, shell - 4, derelict] = 400.0
        ds["total_mass"].values[s, ..., derelict] = 4.0e5
        ds["removals"].values[s, ..., derelict] = on * per_year * t
        kept = rng.random(steps.shape) < (1.0 - 0.4 * on)
        sampled = np.concatenate([np.zeros((runs, 1)), np.cumsum(np.where(kept, steps, 0), axis=1)], axis=1)
        ds["collisions_catastrophic"].values[s, ..., shell] = sampled
        ds["expected_catastrophic"].values[s, ..., shell] = intensity[:, None] * (1.0 - 0.4 * on) * t
        ds["expected_cratering"].values[s, ..., shell] = 0.25 * intensity[:, None] * t
        ds["expected_avoided"].values[s] = 0.75 * intensity[:, None] * t
    return ds


def population(
    a_km: Any, inc_deg: Any, ecc: ArrayLike = 0.0, radius_m: ArrayLike = 1.0, kind: Any = 1, weight: ArrayLike = 1.0
) -> Population:
    """Derelicts of 100 kg, unless said otherwise, with NORAD ids 1, 2, ..."""
    a = np.atleast_1d(np.asarray(a_km, float))
    n = len(a)

    def column(value, dtype=float):
        return np.broadcast_to(np.asarray(value, dtype), n).copy()

    zero = np.zeros(n)
    return Population(
        epoch_year=2025.0,
        norad_id=np.arange(1, n + 1),
        kind=column(kind, np.int8),
        a_km=a,
        ecc=column(ecc),
        inc_rad=np.radians(column(inc_deg)),
        raan_rad=zero,
        argp_rad=zero,
        mean_rad=zero,
        mass_kg=column(100.0),
        radius_m=column(radius_m),
        area_to_mass=column(0.01),
        length_m=column(1.0),
        launch_year=column(2000.0),
        mission_end_year=column(np.inf),
        controlled=column(0, np.int8),
        constellation=column(-1, np.int32),
        owner=np.full(n, ""),
        weight=column(weight),
        filled=column(0, np.int8),
    )
