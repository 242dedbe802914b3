"""The evolution of one scenario: steps of a few days through decades, for one run or several side by side.

A step moves all mean elements (:mod:`stmgpu.propagate.secular`), takes away what decayed, and lets encounters happen
(``impacts.py``). Every 30 days what is due happens and launches are added; once a year the population is
written down and the removal policies choose.

A run depends on the scenario, the years, the seed and its own number alone: not on the batch, the worker, the backend
that runs the kernels, or the other scenarios of the study, with which it shares its random numbers.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stmgpu.backend import Backend
from stmgpu.debris import streams
from stmgpu.debris.environment.environment import Environment, sun_direction
from stmgpu.debris.environment.lifetime import Lifetime
from stmgpu.debris.evolution.impacts import Impacts
from stmgpu.debris.evolution.launches import Launches
from stmgpu.debris.evolution.ledger import Ledger
from stmgpu.debris.evolution.members import Coefficients, Members
from stmgpu.debris.evolution.operations import Controls
from stmgpu.debris.evolution.removals import Removals
from stmgpu.debris.population.population import Kind, Population, divided
from stmgpu.debris.scenario import Scenario
from stmgpu.errors import InputError
from stmgpu.propagate import secular
from stmgpu.propagate.secular import Secular
from stmgpu.time import YEAR_DAYS

MONTHS = 12
"""Density profiles a year."""

CONTROL_DAYS = 30.0
"""How often launches, ends of missions and explosions are looked at; one look costs as much as a step."""

PLANNED_FUTURES = 8
"""Courses of the Sun over which lifetimes are averaged where runs draw their own."""

_LAUNCH_UID = 1 << 40
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunResult:
    """What one run of a scenario came to.

    Attributes
    ----------
    series
        variables by name, first dimension time: see :mod:`stmgpu.debris.evolution.ledger`.
    events
        columns of its event table.
    balances
        relative errors of count, mass, breakups and momentum.
    truncated_year
        when it was cut off because it held too many objects; NaN where it was not.
    notes
        what a reader should know of it.
    """

    series: dict[str, NDArray[np.float64]]
    events: dict[str, NDArray[Any]]
    balances: dict[str, float]
    truncated_year: float
    notes: tuple[str, ...] = ()


@dataclass
class Evolution:
    """Evolves runs of a scenario.

    Parameters
    ----------
    scenario
        what happens.
    population
        n objects to begin with; its epoch is the start.
    years
        how long; a record is kept at the start and after every whole year.
    seed, run_numbers
        of the study, and which of its runs these are (they lie side by side in the same arrays).
    backend
        where the kernels run.
    environment
        the atmosphere; made from the scenario where it is not given.
    """

    scenario: Scenario
    population: Population
    years: float
    seed: int
    run_numbers: list[int]
    backend: Backend
    environment: Environment | None = None
    progress: Callable[[float], None] | None = None

    def run(self) -> list[RunResult]:
        """Evolve to the end; the results in the order of ``run_numbers``."""
        return _Loop(self).run()


def start_of(population: Population, years: float) -> tuple[float, float]:
    """First and last year of an evolution, for its environment."""
    if not years > 0.0:
        raise InputError(f"{years} years are impossible; give a positive number")
    return population.epoch_year, population.epoch_year + years


class _Loop:
    def __init__(self, task: Evolution) -> None:
        s, backend = task.scenario, task.backend
        population = divided(task.population, s.max_objects)
        self.task, self.scenario, self.backend = task, s, backend
        self.begin, end = start_of(population, task.years)
        numbers = np.array(task.run_numbers, np.int64)
        self.environment = task.environment or Environment.build(s.environment, self.begin, end)
        # the middle of each month, since the models change with the calendar's
        months = (np.arange(int(np.ceil(task.years * MONTHS)) + 1) + 0.5) / MONTHS + self.begin

        def density(run: int) -> NDArray[np.float64]:
            return self.environment.log_density(months, streams.generator(task.seed, run, streams.SOLAR))

        if self.environment.varies:
            table = np.stack([density(int(run)) for run in numbers], axis=1)
        else:
            table = np.repeat(density(0)[:, None], len(numbers), axis=1)
        self.log_density = backend.put(table)
        # what operators plan with: the mean of some futures, the same ones in every run
        futures = range(PLANNED_FUTURES if self.environment.varies else 1)
        profile = np.log(np.mean([np.exp(density(future)).mean(axis=0) for future in futures], axis=0))
        self.lifetime = Lifetime(
            profile, self.environment.lowest_km, self.environment.spacing_km, s.propagation.decay_km
        )
        coefficients = Coefficients(
            s.propagation.drag_coefficient, s.propagation.reflectivity if s.propagation.radiation_pressure else 0.0
        )
        self.members = Members(backend, max(16, int(1.5 * len(population)) * len(numbers)), coefficients)
        self.book = Ledger(len(numbers))
        self.truncated = np.full(len(numbers), np.nan)
        self.secular = Secular(backend, s.propagation.decay_km, s.propagation.rotating_atmosphere)
        shared = (s, self.members, self.book, task.seed, numbers)
        self.impacts = Impacts(*shared, backend)
        self.controls = Controls(*shared, self.lifetime)
        self.removals = Removals(*shared, self.lifetime)
        self.launches = [Launches(s.launches, population, s.disposal, task.seed, int(run)) for run in numbers]
        for run in range(len(numbers)):
            slots = self.members.add(run, np.arange(len(population), dtype=np.int64), population)
            self.book.move("initial", run, population.weight.sum(), (population.weight * population.mass_kg).sum())
            self.controls.appear(slots, self.begin, launched=False)

    def run(self) -> list[RunResult]:
        task, dt = self.task, self.scenario.propagation.step_days
        steps = round(task.years * YEAR_DAYS / dt)
        self.control_every = max(1, round(CONTROL_DAYS / dt))
        self.records = records = {round(year * YEAR_DAYS / dt): year for year in range(int(task.years + 1e-9) + 1)}
        self.now = self.begin
        self._yearly(self.begin)
        for step in range(1, steps + 1):
            year = self.begin + step * dt / YEAR_DAYS
            self._step(step, year, dt)
            if step in records:
                self._yearly(self.begin + records[step], last=step == max(records))
                if task.progress:
                    task.progress(step / steps)
            if self.members.n > self.scenario.max_objects and self._too_many(year):
                break
        balances = self.book.balances(self.members)
        return [
            RunResult(
                self.book.series(run),
                self.book.events(run),
                {name: float(values[run]) for name, values in balances.items()},
                float(self.truncated[run]),
                (*self.removals.notes(run), *self.impacts.notes(run)),
            )
            for run in range(len(task.run_numbers))
        ]

    def _step(self, step: int, year: float, dt: float) -> None:
        m, environment = self.members, self.environment
        month = min(int((year - self.begin) * MONTHS), len(self.log_density) - 1)
        self.secular.step(
            m.state,
            dt * 86_400.0,
            self.log_density[month],
            environment.lowest_km,
            environment.spacing_km,
            sun_direction(year - 0.5 * dt / YEAR_DAYS),
        )
        gone = m.gone()
        if len(gone):
            self.book.by_class("decays", m.run[gone], m.kind[gone], m.weight[gone])
            self.book.move("decayed", m.run[gone], m.weight[gone], m.weight[gone] * m.mass_kg[gone])
            m.drop(gone)
        if step % self.control_every == 0 or step in self.records:
            exploding = self.controls.due(year)
            if len(exploding):
                self.impacts.explode(exploding, year)
            self._launch(self.now, year)
            self.now = year  # the same number ends one interval and begins the next, so no launch falls between
        self.impacts.step(step, year, dt * 86_400.0)

    def _launch(self, since: float, year: float) -> None:
        for run, launches in enumerate(self.launches):
            if not np.isnan(self.truncated[run]):  # cut off: nothing happens in it any more, whatever runs beside it
                continue
            arrived = launches.arrivals(since, year)
            if arrived is None:
                continue
            population, serial = arrived
            m = self.members
            slots = m.add(run, _LAUNCH_UID + serial, population, born=year)
            self.book.by_class("launches", m.run[slots], m.kind[slots], m.weight[slots])
            self.book.move("launched", run, population.weight.sum(), (population.weight * population.mass_kg).sum())
            self.controls.appear(slots, year, launched=True)

    def _yearly(self, year: float, last: bool = False) -> None:
        """Write the population down, remove what the policies choose (no more at the end), close the gaps."""
        rates = self.removals.yearly(year)
        self.book.snapshot(year, self.members, rates)
        if not last:
            self.removals.act(year, ~np.isnan(self.truncated))
        m = self.members
        slots = m.slots()
        # neighbours in memory need the same work: drag or none, radiation pressure or none, and a number of quadrature
        # points that goes by the eccentricity
        orbit, kept = m.orbits(slots), (m.kind[slots] == Kind.ACTIVE) & (m.controlled[slots] != 0)
        pushed = orbit[secular.SRP] > secular.SRP_FROM_M2_KG
        m.compact(slots[np.lexsort((orbit[secular.ECC], pushed, kept))])

    def _too_many(self, year: float) -> bool:
        m = self.members
        counts = np.bincount(m.run[m.slots()], minlength=len(self.truncated))
        too_many = (counts > self.scenario.max_objects) & np.isnan(self.truncated)
        if not too_many.any():
            return False
        self.truncated[too_many] = year
        for run in np.flatnonzero(too_many):
            _LOG.warning(
                "scenario %s, run %d: more than %d objects in %.1f; it is cut off there and kept up to then "
                "(max_objects in the scenario allows more)",
                self.scenario.name,
                self.task.run_numbers[run],
                self.scenario.max_objects,
                year,
            )
            left = np.flatnonzero((m.run[: m.n] == run) & m.present[: m.n])
            self.book.move("removed", int(run), m.weight[left].sum(), (m.weight[left] * m.mass_kg[left]).sum())
            m.drop(left)
        return not np.isnan(self.truncated).any()
