"""How many objects a scenario will hold, before it is run: launches, ends of missions, disposal and decay.

Collisions, explosions and removal are left out, and densities are means over the years of the run. The forecast serves
estimates of time and memory, and a warning where a run would be cut off.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.debris import streams
from stmgpu.debris.environment.lifetime import Lifetime
from stmgpu.debris.evolution.constellations import Constellation
from stmgpu.debris.evolution.launches import Launches
from stmgpu.debris.population.population import Kind, Population, divided

if TYPE_CHECKING:
    from stmgpu.debris.environment.environment import Environment
    from stmgpu.debris.scenario import Scenario
    from stmgpu.debris.specs import ConstellationSpec
    from stmgpu.typing import Floats, Ints

PER_YEAR = 12
"""Instants of a forecast per year."""

MOST_DRAWN = 200_000
"""Arrivals of one kind that are drawn for a population at a date."""

_MOST_GENERATIONS = 2000


@dataclass(frozen=True)
class _Stay:
    """Years from their arrival that objects stay if their disposal succeeds and if not, and its probability, (n,)."""

    succeeds: Floats
    fails: Floats
    chance: Floats

    def there(self, age: Floats, drawn: Floats) -> np.ndarray:
        """Whether objects of these ages are still there, by a number in (0, 1) for each."""
        return age < np.where(drawn < self.chance, self.succeeds, self.fails)

    def surviving(self, weight: Floats, months: int) -> Floats:
        """Number of objects that are left at the age of 0, 1, ... months, shape (months,)."""
        left = np.zeros(months + 1)
        for years, share in ((self.succeeds, self.chance), (self.fails, 1.0 - self.chance)):
            month = np.minimum(np.ceil(np.minimum(years, 1e4) * PER_YEAR), months).astype(np.int64)
            left += np.bincount(month, weight * share, months + 1)
        return np.cumsum(left[::-1])[::-1][1:]


@dataclass(frozen=True)
class _Stream:
    """Arrivals of one kind: expected number in each month, and the objects that they are copies of, at age 0."""

    arrivals: Floats
    objects: Population
    stay: _Stay


class Forecast:
    """Expected course of a scenario without collisions.

    Parameters
    ----------
    scenario : Scenario
        Settings.
    population : Population
        Initial population.
    environment : Environment
        Atmosphere over the years of the run.
    years : float
        Length.
    seed : int
        Seed of the study.

    Attributes
    ----------
    times, numbers : ndarray of float64
        Decimal years, twelve a year, and expected numbers of rows.
    """

    def __init__(
        self, scenario: Scenario, population: Population, environment: Environment, years: float, seed: int
    ) -> None:
        self.scenario, self.seed = scenario, seed
        self.initial = divided(population, scenario.max_objects)
        self.begin, self.months = population.epoch_year, max(int(years * PER_YEAR), 1)
        self.times = self.begin + np.arange(self.months) / PER_YEAR
        instants = self.begin + (np.arange(int(years * PER_YEAR) + 1) + 0.5) / PER_YEAR
        density = environment.log_density(instants, streams.generator(seed, 0, streams.SOLAR))
        self._lifetime = Lifetime(
            np.log(np.exp(density).mean(axis=0)),
            environment.lowest_km,
            environment.spacing_km,
            scenario.propagation.decay_km,
            tilt=environment.tilt(instants, streams.generator(seed, 0, streams.SOLAR)).mean(axis=0),
        )
        self._stay = self._stays(self.initial, launched=False)
        self.streams = [*self._launches(population), *self._constellations(population)]
        self.numbers = self._stay.surviving(np.ones(len(self.initial)), self.months)
        for stream in self.streams:
            share = stream.stay.surviving(np.full(len(stream.objects), 1.0 / len(stream.objects)), self.months)
            # arrivals are spread over their month, so their ages are half a month from a whole number
            mean = 0.5 * (share[1:] + share[:-1])
            self.numbers[1:] += np.convolve(stream.arrivals, mean)[: self.months - 1]

    @property
    def most(self) -> int:
        """Largest number of objects, at most ``max_objects``, above which runs are cut off."""
        return int(min(max(self.numbers.max(), len(self.initial)), self.scenario.max_objects))

    @property
    def full_year(self) -> float:
        """Year in which the number passes ``max_objects``; infinity for never."""
        over = np.flatnonzero(self.numbers > self.scenario.max_objects)
        return float(self.times[over[0]]) if len(over) else np.inf

    def population(self, year: float, most: int) -> Population:
        """Draw a population at a date, of at most ``most`` objects; its number is to be scaled to that of the date."""
        rng = streams.generator(self.seed, 0, streams.POPULATION, round(year * 1e3))
        age = np.full(len(self.initial), year - self.begin)
        left = np.flatnonzero(self._stay.there(age, rng.random(len(age))))
        parts = [self.initial[left]]
        for stream in self.streams:
            past = stream.arrivals[: int((year - self.begin) * PER_YEAR)]
            count = min(round(float(past.sum())), MOST_DRAWN)
            if count:
                parts.append(self._drawn(stream, past, count, year, rng))
        together = Population.concatenate([part for part in parts if len(part)] or [self.initial[:1]])
        if len(together) > most:
            together = together[np.sort(rng.choice(len(together), most, replace=False))]
        over = together.mission_end_year <= year
        payload = together.kind <= Kind.DERELICT
        return dataclasses.replace(
            together,
            epoch_year=year,
            kind=np.where(over & payload, Kind.DERELICT, together.kind).astype(np.int8),
            controlled=np.where(over, 0, together.controlled).astype(np.int8),
            mission_end_year=np.where(over, np.inf, together.mission_end_year),
        )

    def _drawn(self, stream: _Stream, past: Floats, count: int, year: float, rng: np.random.Generator) -> Population:
        """Draw arrivals of a stream, and return those that are still there."""
        month: Ints = rng.choice(len(past), count, p=past / past.sum())
        entry: Ints = rng.integers(len(stream.objects), size=count)
        time = self.begin + (month + rng.random(count)) / PER_YEAR
        stay = _Stay(stream.stay.succeeds[entry], stream.stay.fails[entry], stream.stay.chance[entry])
        there = stay.there(year - time, rng.random(count))
        objects, time = stream.objects[entry[there]], time[there]
        raan, argp, mean = rng.uniform(0.0, 2.0 * np.pi, (3, len(time)))
        return dataclasses.replace(
            objects,
            launch_year=time,
            mission_end_year=time + objects.mission_end_year,
            raan_rad=raan,
            argp_rad=argp,
            mean_rad=mean,
        )

    def _stays(self, population: Population, *, launched: bool) -> _Stay:
        """Return how long objects stay from the epoch of the run, or from their launch."""
        p, spec, motion = population, self.scenario.disposal, self.scenario.propagation
        life = self._lifetime.years(
            p.a_km,
            p.ecc,
            ballistic_m2_kg=p.drag_m2_kg(motion.drag_coefficient),
            inc_rad=p.inc_rad,
            rotating=motion.rotating_atmosphere,
        )
        kept = (p.kind == Kind.ACTIVE) & (p.controlled != 0)
        mission = p.mission_end_year - (0.0 if launched else self.begin)
        end = np.where(kept, np.maximum(mission, 0.0), 0.0)
        rule = np.where(p.constellation >= 0, spec.constellation_rule_years, spec.rule_years)
        station = kept & (p.mass_kg >= spec.station_kg)
        after = np.where(station | (spec.mode == "remove"), 0.0, np.minimum(rule, life))
        chance = np.where(kept, np.where(p.constellation >= 0, spec.constellation, spec.payload), 0.0)
        if launched:
            chance = np.where(p.kind == Kind.ROCKET_BODY, spec.rocket_body, chance)
        return _Stay(end + after, end + life, np.where(station, 1.0, chance))

    def _launches(self, population: Population) -> list[_Stream]:
        """Return the launches of the window, by kind."""
        spec = self.scenario.launches
        launches = Launches(spec, population, disposal=self.scenario.disposal, seed=self.seed, run_number=0)
        since = self.times - self.begin
        level = np.where(self.times < spec.until_year, (1.0 + spec.growth) ** since, 0.0) / PER_YEAR
        return [
            _Stream(rate * level, objects, self._stays(objects, launched=True)) for rate, objects in launches.pools()
        ]

    def _constellations(self, population: Population) -> list[_Stream]:
        """Return the satellites of constellations; one for each plane stands for all of it."""
        found = []
        for number, spec in enumerate(self.scenario.launches.constellations):
            sample = {"from_year": self.begin, "until_year": self.begin + 1.0, "build_years": 0.0, "life_years": 1.0}
            one = spec.model_copy(update={**sample, "per_plane": 1, "spares": 0})
            objects, _ = Constellation(one, number, population).between(self.begin, self.begin + 1e-3)
            objects = dataclasses.replace(objects, mission_end_year=np.full(len(objects), spec.life_years))
            found.append(_Stream(self._filled(spec), objects, self._stays(objects, launched=True)))
        return found

    def _filled(self, spec: ConstellationSpec) -> Floats:
        """Return the satellites that are launched in each month."""
        edges = self.begin + np.arange(self.months + 1) / PER_YEAR
        edges = np.minimum(edges, spec.until_year)
        count = spec.planes * (spec.per_plane + spec.spares)
        generations = int(max(edges[-1] - spec.from_year, 0.0) / spec.life_years) + 1
        if generations > _MOST_GENERATIONS:  # replaced all the time
            return np.diff(np.maximum(edges, spec.from_year)) * count / spec.life_years
        total = np.zeros(len(edges))
        for generation in range(generations):
            since = edges - (spec.from_year + generation * spec.life_years)
            total += np.clip(since / spec.build_years, 0.0, 1.0) if spec.build_years else since > 0.0
        return count * np.diff(total)


def growth_notes(forecast: Forecast) -> list[str]:
    """Warn where launches alone make a run exceed ``max_objects``."""
    year = forecast.full_year
    if not np.isfinite(year):
        return []
    return [
        f"{forecast.scenario.name}: launches pass max_objects = {forecast.scenario.max_objects:,} in {year:.0f}, where "
        f"the runs are cut off ({forecast.numbers.max():,.0f} objects by {forecast.times[-1]:.0f}); raise it, or "
        "launch less"
    ]
