"""The evolution of one scenario: steps of a few days through decades, for one run or several side by side.

A move advances all mean elements by some steps (:mod:`stmgpu.propagate.secular`) and removes decayed objects. Between
two moves objects meet once in every step, and collisions are applied (:mod:`stmgpu.debris.evolution.impacts`). Every 30
days scheduled operations, explosions and launches take place; once a year the population is recorded and removal
policies are applied. A move ends where one of these is due.

A run depends only on the scenario, the years, the seed and its own number: not on the batch, the worker, the backend
that runs the kernels, or the other scenarios of the study, with which it shares its random numbers.
"""

from __future__ import annotations

import dataclasses
import logging
import math
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.backend import device_entry
from stmgpu.backend.parts import in_parts
from stmgpu.constants import SECONDS_PER_DAY
from stmgpu.debris import streams
from stmgpu.debris.environment.environment import Environment, sun_direction
from stmgpu.debris.environment.lifetime import Lifetime
from stmgpu.debris.evolution.batch import Batch
from stmgpu.debris.evolution.explosions import Explosions
from stmgpu.debris.evolution.impacts import Impacts
from stmgpu.debris.evolution.launches import Launches
from stmgpu.debris.evolution.ledger import Ledger
from stmgpu.debris.evolution.members import Coefficients, Members
from stmgpu.debris.evolution.operations import Operations
from stmgpu.debris.evolution.operators import Fleets
from stmgpu.debris.evolution.present import present_population
from stmgpu.debris.evolution.removals import Removals
from stmgpu.debris.evolution.scheduled import Scheduled
from stmgpu.debris.population.population import Kind, Population, divided
from stmgpu.errors import InputError
from stmgpu.propagate import orbit_table
from stmgpu.propagate.secular import Secular
from stmgpu.propagate.secular_forces import SRP_FROM_M2_KG, SRP_KICKS_FROM_M2_KG, DensityTable
from stmgpu.time import YEAR_DAYS

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from stmgpu.backend import Backend
    from stmgpu.debris.scenario import Scenario
    from stmgpu.typing import BackendArray, Floats

MONTHS = 12
"""Density profiles per year."""

CONTROL_DAYS = 30.0
"""Interval of launches, ends of missions and explosions; checking them costs as much as a step."""

PLANNED_FUTURES = 8
"""Solar futures over which lifetimes are averaged where solar activity is random."""

_LAUNCH_UID = 1 << 40
_PLACE_BITS = 13
_LAST_PLACE = 1.0 - 2.0**-_PLACE_BITS
_BYTES_PER_OBJECT = 600
"""Memory of a device for an object of the initial population: columns, their growth, and cells of the Cube method."""
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunResult:
    """Results of one run of a scenario.

    Attributes
    ----------
    series : dict
        Variables by name, first dimension time, see :mod:`stmgpu.debris.variables`.
    events : dict
        Columns of the event table.
    balances : dict
        Relative errors of count, mass, breakups and momentum.
    truncated_year : float
        Year in which the run was cut off because it held too many objects; NaN if it was not.
    notes : tuple
        Warnings for the reader of the results.
    final : Population, optional
        Objects at the end, where the scenario asks for them and the run was not cut off.
    constellations : tuple of str
        Names of the constellations of the series by constellation.
    """

    series: dict[str, Floats]
    events: dict[str, NDArray[np.generic]]
    balances: dict[str, float]
    truncated_year: float
    notes: tuple[str, ...] = ()
    final: Population | None = None
    constellations: tuple[str, ...] = ()


@dataclass
class Evolution:
    """Evolves runs of a scenario.

    Parameters
    ----------
    scenario : Scenario
        Settings.
    population : Population
        Initial population; its epoch is the start.
    years : float
        Length; the population is recorded at the start and after every whole year.
    seed : int
        Seed of the study.
    run_numbers : list of int
        Runs of the study to evolve, side by side in the same arrays.
    backend : Backend
        Runs the kernels.
    environment : Environment, optional
        Atmosphere; default that of the scenario.
    progress : callable, optional
        Called with the fraction done after every recorded year.
    """

    scenario: Scenario
    population: Population
    _: KW_ONLY
    years: float
    seed: int
    run_numbers: list[int]
    backend: Backend
    environment: Environment | None = None
    progress: Callable[[float], None] | None = None

    @device_entry
    def run(self) -> list[RunResult]:
        """Evolve to the end; return the results in the order of ``run_numbers``.

        As many runs are evolved side by side as the memory of the device holds; those that turn out not to fit begin
        anew in smaller groups.
        """
        runs = len(self.run_numbers)

        def group(part: slice) -> list[RunResult]:
            def report(fraction: float) -> None:
                if self.progress:
                    self.progress((part.start + fraction * (part.stop - part.start)) / runs)

            return Loop(dataclasses.replace(self, run_numbers=self.run_numbers[part], progress=report)).run()

        at_once = self.backend.memory_bytes() // (_BYTES_PER_OBJECT * max(len(self.population), 1))
        return [result for _, results in in_parts(self.backend, runs, at_once, group) for result in results]


def time_span(population: Population, years: float) -> tuple[float, float]:
    """Return the first and last year of an evolution."""
    if not years > 0.0:
        raise InputError(f"years = {years} is invalid; give a positive number")
    return population.epoch_year, population.epoch_year + years


def steps_per_move(scenario: Scenario) -> int:
    """Return how many times objects meet between two moves."""
    return max(1, round(scenario.propagation.step_days / scenario.collisions.step_days))


class Loop:
    """The state of an evolution, and its steps."""

    def __init__(self, task: Evolution) -> None:
        s, backend = task.scenario, task.backend
        population = divided(task.population, s.max_objects)
        self.task, self.scenario, self.backend = task, s, backend
        self.begin, end = time_span(population, task.years)
        numbers = np.array(task.run_numbers, np.int64)
        self.environment = task.environment or Environment.build(s.environment, self.begin, end)
        self.log_density, self.tilt, self.lifetime = self._density(numbers)
        coefficients = Coefficients(
            s.propagation.drag_coefficient, s.propagation.reflectivity if s.propagation.radiation_pressure else 0.0
        )
        self.members = Members(backend, max(16, int(1.5 * len(population)) * len(numbers)), coefficients)
        self.ledger = Ledger(len(numbers), s.output, Fleets.of(s, population))
        self.truncated = np.full(len(numbers), np.nan)
        self.secular = Secular(backend, s.propagation.decay_km, rotating=s.propagation.rotating_atmosphere)
        batch = Batch(s, self.members, self.ledger, task.seed, numbers)
        self.impacts, self.explosions = Impacts(batch), Explosions(batch)
        self.scheduled = Scheduled(batch)
        self.operations, self.removals = Operations(batch, self.lifetime), Removals(batch, self.lifetime)
        self.launches = [
            Launches(s.launches, population, disposal=s.disposal, seed=task.seed, run_number=int(run))
            for run in numbers
        ]
        for run in range(len(numbers)):
            slots = self.members.add(run, np.arange(len(population), dtype=np.int64), population)
            self.ledger.transfer(
                "initial", run, population.weight.sum(), (population.weight * population.mass_kg).sum()
            )
            self.operations.register(slots, population, year=self.begin, launched=False)

    def _density(self, numbers: NDArray[np.int64]) -> tuple[BackendArray, BackendArray, Lifetime]:
        """Return profiles of log density and its change with latitude by month on the backend, and lifetimes."""
        task, environment = self.task, self.environment
        # the middle of each month, since the models change with the calendar's
        months = (np.arange(int(task.years * MONTHS) + 1) + 0.5) / MONTHS + self.begin

        def density(run: int) -> Floats:
            return environment.log_density(months, streams.generator(task.seed, run, streams.SOLAR))

        def tilt(run: int) -> Floats:
            return environment.tilt(months, streams.generator(task.seed, run, streams.SOLAR))

        tables: list[Floats] = []
        for profiles in (density, tilt):
            if environment.varies:
                tables.append(np.stack([profiles(int(run)) for run in numbers], axis=1))
            else:
                tables.append(np.repeat(profiles(0)[:, None], len(numbers), axis=1))
        if environment.sigma > 0.0:
            drawn = [streams.generator(task.seed, int(run), streams.DENSITY).standard_normal() for run in numbers]
            tables[0] += environment.sigma * np.array(drawn)[:, None]
        # operators know neither the factor of the run nor the future: they plan with the mean of some futures, the same
        # ones in every run
        futures = range(PLANNED_FUTURES if environment.varies else 1)
        profile = np.log(np.mean([np.exp(density(future)).mean(axis=0) for future in futures], axis=0))
        lifetime = Lifetime(
            profile,
            environment.lowest_km,
            environment.spacing_km,
            self.scenario.propagation.decay_km,
            tilt=np.mean([tilt(future).mean(axis=0) for future in futures], axis=0),
        )
        return self.backend.put(tables[0]), self.backend.put(tables[1]), lifetime

    def run(self) -> list[RunResult]:
        """Evolve to the end."""
        task = self.task
        per_move = steps_per_move(self.scenario)
        dt = self.scenario.propagation.step_days / per_move
        steps = round(task.years * YEAR_DAYS / dt)
        control_every = max(1, round(CONTROL_DAYS / dt))
        records = {round(year * YEAR_DAYS / dt): year for year in range(int(task.years + 1e-9) + 1)}
        due = {steps, *records, *range(control_every, steps + 1, control_every)}
        due.update(math.ceil((year - self.begin) * YEAR_DAYS / dt) for year in self.scheduled.years)
        self.now = self.begin
        self._record_year(self.begin)
        before = 0
        while before < steps:
            step = before + 1
            while step not in due and step - before < per_move:
                step += 1
            year = self.begin + step * dt / YEAR_DAYS
            self._move(before, step, dt)
            if step % control_every == 0 or step in records:
                self._control(year)
            self.scheduled.step(year, np.isnan(self.truncated), last=step == steps)
            if step in records:
                self._record_year(self.begin + records[step], last=step == max(records))
                if task.progress:
                    task.progress(step / steps)
            if self.members.n > self.scenario.max_objects and self._cut_off(year):
                break
            before = step
        balances = self.ledger.balances(self.members)
        return [
            RunResult(
                self.ledger.series(run),
                self.ledger.events(run),
                {name: float(values[run]) for name, values in balances.items()},
                float(self.truncated[run]),
                (*self.scheduled.notes(run), *self.removals.notes(run), *self.impacts.notes(run)),
                self._final(run, self.begin + steps * dt / YEAR_DAYS),
                self.ledger.fleets.names,
            )
            for run in range(len(task.run_numbers))
        ]

    def _final(self, run: int, year: float) -> Population | None:
        """Return the objects of a run at the end, if the scenario asks for them."""
        if not self.scenario.output.final_population or not np.isnan(self.truncated[run]):
            return None
        return present_population(self.members, run, year=year, scenario=self.scenario, initial=self.task.population)

    def _move(self, before: int, step: int, dt: float) -> None:
        """Let objects meet in the steps after ``before`` up to ``step``, of ``dt`` days, and move them over all."""
        m, environment, steps = self.members, self.environment, step - before
        start = self.begin + before * dt / YEAR_DAYS
        self.impacts.meet(before + 1, steps=steps, year=start, dt_s=dt * SECONDS_PER_DAY)
        month = min(int((before + 0.5 * steps) * dt / YEAR_DAYS * MONTHS), len(self.log_density) - 1)
        self.secular.step(
            m.state,
            steps * dt * SECONDS_PER_DAY,
            density=DensityTable(
                self.log_density[month], environment.lowest_km, environment.spacing_km, self.tilt[month]
            ),
            sun=sun_direction(start + (np.arange(steps) + 0.5) * dt / YEAR_DAYS),
        )
        decayed = m.decayed()
        if len(decayed):
            self.ledger.add_by_class("decays", m.run[decayed], m.kind[decayed], m.weight[decayed])
            self.ledger.transfer("decayed", m.run[decayed], m.weight[decayed], m.weight[decayed] * m.mass_kg[decayed])
            m.drop(decayed)

    def _control(self, year: float) -> None:
        """Let operations, explosions and launches take place that are due."""
        exploding = self.operations.advance(year)
        if len(exploding):
            self.explosions.explode(exploding, year)
        self._launch(self.now, year)
        self.now = year  # the same number ends one interval and begins the next, so no launch falls between

    def _launch(self, since: float, year: float) -> None:
        """Add what is launched from ``since`` on, before ``year``."""
        for run, launches in enumerate(self.launches):
            if not np.isnan(self.truncated[run]):  # cut off: its results must not depend on the rest of the batch
                continue
            arrivals = launches.arrivals(since, year)
            if arrivals is None:
                continue
            population, serial = arrivals
            m = self.members
            slots = m.add(run, _LAUNCH_UID + serial, population, born=year)
            self.ledger.add_by_class("launches", m.run[slots], m.kind[slots], m.weight[slots])
            self.ledger.transfer(
                "launched", run, population.weight.sum(), (population.weight * population.mass_kg).sum()
            )
            self.operations.register(slots, population, year=year, launched=True)

    def _record_year(self, year: float, *, last: bool = False) -> None:
        """Record the population, apply the removal policies (not at the end), and close the gaps between objects."""
        rates = self.removals.rates(year)
        self.ledger.snapshot(year, self.members, rates)
        if not last:
            self.removals.apply(year, ~np.isnan(self.truncated))
        m = self.members
        slots = m.slots()
        # Neighbours in memory share vector lanes and should need the same work: drag or none, radiation pressure or
        # none, and a number of quadrature points that depends on the eccentricity. To two digits that is enough.
        orbit, kept = m.orbits(slots), (m.kind[slots] == Kind.ACTIVE) & (m.controlled[slots] != 0)
        # radiation pressure: none, one kick a move, or several
        reflecting = orbit[orbit_table.SRP]
        work = 3 * kept + (reflecting > SRP_FROM_M2_KG) + (reflecting > SRP_KICKS_FROM_M2_KG)
        place = (work + np.minimum(np.sqrt(orbit[orbit_table.ECC]), _LAST_PLACE)) * (1 << _PLACE_BITS)
        m.compact(slots[np.argsort(place.astype(np.uint16), kind="stable")])  # 16 bits are sorted by counting

    def _cut_off(self, year: float) -> bool:
        """Cut off the runs that hold too many objects; return whether no run is left."""
        m = self.members
        counts = np.bincount(m.run[m.slots()], minlength=len(self.truncated))
        too_many = (counts > self.scenario.max_objects) & np.isnan(self.truncated)
        if not too_many.any():
            return False
        self.truncated[too_many] = year
        for run in np.flatnonzero(too_many):
            _LOG.warning(
                "scenario %s, run %d: more than %d objects in %.1f; the run is cut off there and its results up to "
                "then are kept (raise max_objects in the scenario to continue)",
                self.scenario.name,
                self.task.run_numbers[run],
                self.scenario.max_objects,
                year,
            )
            left = np.flatnonzero((m.run[: m.n] == run) & m.present[: m.n])
            self.ledger.transfer("removed", int(run), m.weight[left].sum(), (m.weight[left] * m.mass_kg[left]).sum())
            m.drop(left)
        return not np.isnan(self.truncated).any()
