"""The initial population of a study, from whichever source its scenario names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stmgpu.debris.population.assembly import select
from stmgpu.debris.population.cascade import read_cascade
from stmgpu.debris.population.from_catalog import read_gp
from stmgpu.debris.population.from_table import read_table
from stmgpu.debris.population.missions import MISSION_YEARS
from stmgpu.debris.population.mocat import read_mocat
from stmgpu.debris.population.synthetic import synthetic_population
from stmgpu.debris.streams import POPULATION, generator

if TYPE_CHECKING:
    import numpy as np

    from stmgpu.debris.population.population import Population
    from stmgpu.debris.specs import PopulationSpec


def load_population(
    spec: PopulationSpec, rng: np.random.Generator | None = None, *, mission_years: float = MISSION_YEARS
) -> Population:
    """Load the initial population of a scenario.

    Parameters
    ----------
    spec : PopulationSpec
        Table ``[population]`` of the scenario.
    rng : Generator, optional
        Random numbers; default a generator from ``spec.seed``.
    mission_years : float
        Life of payloads that are in no constellation.

    Returns
    -------
    Population
        its notes state everything that was filled in, drawn or left out. Ballistic coefficients are those of the
        table: `initial_population` of a scenario fits them, since that takes its atmosphere.

    Raises
    ------
    InputError
        a missing file or one in another format, values out of range, or no object left.

    Examples
    --------
    >>> from stmgpu.debris.specs import PopulationSpec
    >>> len(load_population(PopulationSpec(source="synthetic", objects=500, seed=3)))
    500
    """
    random = generator(spec.seed, 0, POPULATION) if rng is None else rng
    path, life = spec.path, mission_years
    if spec.source == "synthetic" or path is None:
        population = synthetic_population(
            spec.objects,
            spec.seed,
            spec.year,
            constellations=spec.constellations,
            mission_years=life,
            rng=random,
            min_length_m=spec.min_length_m,
        )
    elif spec.source == "mocat":
        population = read_mocat(path, random, year=spec.year, mission_years=life)
    elif spec.source == "cascade":
        population = read_cascade(path, random, par=spec.sizes, year=spec.year, mission_years=life)
    elif spec.source == "table":
        population = read_table(path, random, year=spec.year, mission_years=life)
    else:
        population = read_gp(path, random, sizes=spec.sizes, year=spec.year, mission_years=life)
    return select(population, max_perigee_km=spec.max_perigee_km, min_length_m=spec.min_length_m)
