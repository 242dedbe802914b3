"""Ballistic coefficients of a study's population from what its objects sank between the dates of several files."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.catalog import read_catalog
from stmgpu.catalog.orbits import semi_major_axis_km, sgp4_period_min
from stmgpu.debris.environment import Environment
from stmgpu.debris.formats.csv_tables import year_of_days
from stmgpu.debris.population.ballistic import measure, refuse_jumping, shrink, types_of
from stmgpu.debris.population.population import FILLED_AREA, FILLED_MASS, FILLED_RADIUS, Population
from stmgpu.debris.population.sinking import Track, sinking_of
from stmgpu.debris.population.sources import load_population
from stmgpu.errors import InputError, counted

if TYPE_CHECKING:
    from pathlib import Path

    from stmgpu.debris.scenario import Scenario
    from stmgpu.debris.specs import EnvironmentSpec, PopulationSpec

_MOST_LISTED = 5
_FILLED_SIZE = FILLED_MASS | FILLED_RADIUS | FILLED_AREA


def with_fitted_ballistic(population: Population, scenario: Scenario) -> Population:
    """The population with ballistic coefficients and area-to-mass ratios fitted to the histories of a scenario.

    Objects with a fit of their own have no further spread of drag.

    Raises
    ------
    InputError
        a history that cannot be read, no object with elements at two dates, or histories that jump.
    """
    spec = scenario.population
    track = Track.concatenate([_track(spec, population), *(_history(spec, path) for path in spec.histories)])
    chosen = np.isin(track.norad_id, population.norad_id[population.norad_id > 0])
    pairs = sinking_of(Track(*(getattr(track, field.name)[chosen] for field in dataclasses.fields(Track))))
    names = ", ".join(path.name for path in spec.histories) or population.source
    if not len(pairs):
        raise InputError(
            f"{names}: no object of {population.source} has elements at two dates a season apart, in a nearly circular "
            "orbit that it does not keep; give histories of other dates, or use population.ballistic = 'table'"
        )
    order = np.argsort(population.norad_id, kind="stable")
    row = order[np.searchsorted(population.norad_id[order], pairs.norad_id)]
    first, last = float(pairs.begin.min()), float(pairs.end.max())
    motion = scenario.propagation
    stated = np.isfinite(population.ballistic_m2_kg)
    table = population.drag_m2_kg(motion.drag_coefficient)
    found = measure(
        pairs,
        row,
        table,
        Environment.build(_of_the_past(scenario.environment), first, last),
        decay_km=motion.decay_km,
        rotating=motion.rotating_atmosphere,
    )
    refuse_jumping(found, population.source, names)
    sized = (population.filled & _FILLED_SIZE) == 0
    kinds = population.kind.astype(np.int64)
    log_factor, outlying = shrink(found, kinds, types_of(kinds, population.mass_kg, population.radius_m, sized))
    fitted = np.isfinite(found.variance) & ~outlying
    by_type = (log_factor != 0.0) & ~fitted
    notes = [
        f"ballistic coefficients of {counted(int(fitted.sum()), 'object', ',')} fitted to their sinking from "
        f"{first:.1f} to {last:.1f}, of {int(by_type.sum()):,} by type or class; factors {_range(log_factor)} (5 to "
        f"95 %); semi-major axes scatter by {1e3 * found.noise_km:.0f} m"
    ]
    for which, why in ((found.jumps, "jump"), (outlying, "are far from their class")):
        if which.any():
            ids = population.norad_id[which]
            more = ", ..." if len(ids) > _MOST_LISTED else ""
            listed = ", ".join(map(str, ids[:_MOST_LISTED].tolist()))
            notes.append(f"histories of {counted(len(ids), 'object', ',')} not used because they {why}: {listed}{more}")
    return dataclasses.replace(
        population,
        area_to_mass=population.area_to_mass * np.exp(log_factor),
        ballistic_m2_kg=np.where(fitted | stated, table * np.exp(log_factor), np.nan),
        notes=(*population.notes, *notes),
    )


def _of_the_past(spec: EnvironmentSpec) -> EnvironmentSpec:
    """The environment with the Sun as it was observed."""
    if spec.solar.model != "bootstrap":
        return spec
    return spec.model_copy(update={"solar": spec.solar.model_copy(update={"model": "repeat"})})


def _track(spec: PopulationSpec, population: Population) -> Track:
    """Elements of the population itself; of a catalogue all its element sets."""
    if spec.source == "catalog" and spec.path is not None:
        return _catalog_track(spec.path, population.norad_id[population.controlled != 0])
    return _population_track(population)


def _history(spec: PopulationSpec, path: Path) -> Track:
    if spec.source == "catalog":
        return _catalog_track(path, np.empty(0, np.int64))
    own = {"path": path, "year": None, "min_length_m": None, "ballistic": "table", "histories": ()}
    return _population_track(load_population(spec.model_copy(update=own)))


def _population_track(p: Population) -> Track:
    return Track(p.norad_id, np.full(len(p), p.epoch_year), p.a_km, p.ecc, p.inc_rad, p.controlled != 0)


def _catalog_track(path: Path, kept: np.ndarray) -> Track:
    catalog = read_catalog(path)
    sets = catalog if catalog.all_sets is None else catalog.all_sets
    motion = 2.0 * np.pi / sgp4_period_min(sets.mean_motion, sets.eccentricity, sets.inclination)
    year = np.array([year_of_days(jd, fr) for jd, fr in zip(sets.epoch_jd, sets.epoch_fr, strict=True)])
    return Track(
        sets.norad_id,
        year,
        semi_major_axis_km(motion),
        sets.eccentricity,
        sets.inclination,
        np.isin(sets.norad_id, kept),
    )


def _range(log_factor: np.ndarray) -> str:
    changed = log_factor[log_factor != 0.0]
    if not len(changed):
        return "none"
    low, high = np.exp(np.quantile(changed, [0.05, 0.95]))
    return f"{low:.2f} to {high:.2f}"
