"""Final populations of a study: as columns of its result, and of one run as a population again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from stmgpu.debris.population.population import (
    CONSTELLATION_NAMES,
    FIRST_OTHER_CONSTELLATION,
    Population,
    columns,
)
from stmgpu.debris.variables import FINAL
from stmgpu.errors import InputError
from stmgpu.typing import is_whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    import xarray as xr
    from numpy.typing import NDArray


def final_table(
    finals: Mapping[tuple[int, int], Population | None], shape: tuple[int, int]
) -> dict[str, NDArray[np.generic]]:
    """Columns of the final populations of a study, one below the other.

    Parameters
    ----------
    finals : mapping of (int, int) to Population
        Final populations by (scenario, run), None where there is none.
    shape : tuple of int
        Number of scenarios and of runs.

    Returns
    -------
    dict of str to ndarray
        ``final_year``, shape (scenarios, runs), and the columns of :data:`stmgpu.debris.variables.FINAL`, with the
        prefix ``final_``, each of the length of all populations.
    """
    years = np.full(shape, np.nan)
    kept = {place: population for place, population in sorted(finals.items()) if population is not None}
    parts: dict[str, list[Any]] = {name: [] for name in FINAL}
    for (scenario, run), population in kept.items():
        years[scenario, run] = population.epoch_year
        n = len(population)
        numbers, of = np.unique(population.constellation, return_inverse=True)
        names = np.array([population.constellation_name(number) for number in numbers.tolist()], np.str_)
        own = {"scenario": np.full(n, scenario), "run": np.full(n, run), "constellation": names[of] if n else names}
        for name, part in parts.items():
            part.append(own[name] if name in own else getattr(population, name))
    table = {}
    for name, (dtype, _, _) in FINAL.items():
        kind = np.str_ if dtype == "text" else np.dtype(dtype)
        table[f"final_{name}"] = np.concatenate(parts[name]).astype(kind) if parts[name] else np.zeros(0, kind)
    return {"final_year": years, **table}


def final_population(ds: xr.Dataset, scenario: str | int = 0, run: int = 0) -> Population:
    """Return the objects at the end of one run of a study, with which another study can start.

    Parameters
    ----------
    ds : Dataset
        An ensemble whose scenarios set ``output.final_population``.
    scenario : str or int
        Name or index of the scenario.
    run : int
        Number of the run.

    Returns
    -------
    Population
        All that the future of the objects depends on: orbits, weights, drag, ends of missions, constellations and
        explosions that are due. Write it with :func:`stmgpu.debris.population.write_table`, or evolve it as it is.

    Raises
    ------
    InputError
        The ensemble holds no final populations, there is no such scenario or run, or the run has none.

    Examples
    --------
    >>> population = final_population(ds, "no removal", run=3)  # doctest: +SKIP
    """
    if "final_year" not in ds:
        raise InputError(
            "the study keeps no final populations; evolve it with final_population = true in [output] of its file"
        )
    names = [str(name) for name in ds["scenario"].to_numpy()]
    if isinstance(scenario, str):
        if scenario not in names:
            raise InputError(f"there is no scenario {scenario!r}; choose one of {', '.join(names)}")
        number = names.index(scenario)
    else:
        number = scenario
    for what, value, count in (("scenario", number, len(names)), ("run", run, ds.sizes["run"])):
        if not is_whole(value) or not 0 <= value < count:
            raise InputError(f"there is no {what} {value}; choose 0 to {count - 1}")
    year = float(ds["final_year"][number, run])
    if np.isnan(year):
        raise InputError(
            f"run {run} of {names[number]} has no final population: it is not finished, or was cut off for too many "
            "objects; choose another run"
        )
    rows = np.flatnonzero((ds["final_scenario"].to_numpy() == number) & (ds["final_run"].to_numpy() == run))
    found: dict[str, Any] = {name: ds[f"final_{name}"].to_numpy()[rows] for name in columns()}
    fleets, of = np.unique(found["constellation"].astype(np.str_), return_inverse=True)
    known = list(CONSTELLATION_NAMES)
    others = [str(name) for name in fleets if name and name not in known]
    numbers = [
        known.index(name) if name in known else FIRST_OTHER_CONSTELLATION + others.index(name) if name else -1
        for name in map(str, fleets)
    ]
    found["constellation"] = np.array(numbers, np.int32)[of] if len(rows) else np.zeros(0, np.int32)
    found["owner"] = found["owner"].astype(np.str_)
    source = f"scenario {names[number]}, run {run} in {year:.2f}"
    return Population(epoch_year=year, constellation_names=tuple(others), source=source, **found)
