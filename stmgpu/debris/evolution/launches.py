"""Launches of a run: those of a window of past years, repeated or resampled, and constellations.

The random properties of an arrival are keyed by its serial number and the run (Threefry), so that results do not depend
on the step size and scenarios share the arrivals they have in common.
"""

from __future__ import annotations

import dataclasses
from bisect import bisect_left
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy.special import pdtr

from stmgpu.debris import streams
from stmgpu.debris.evolution.constellations import MAX_CONSTELLATIONS, Constellation
from stmgpu.debris.population.missions import CONSTELLATION_YEARS, can_keep_station
from stmgpu.debris.population.population import Kind, Population, history
from stmgpu.errors import InputError

if TYPE_CHECKING:
    from stmgpu.debris.specs import DisposalSpec, LaunchSpec
    from stmgpu.typing import Floats, Ints

_REPEATED = (Kind.ACTIVE, Kind.DERELICT, Kind.ROCKET_BODY, Kind.MISSION_RELATED)
_DRAWN: dict[Literal["payload", "rocket_body", "mission_related"], tuple[Kind, ...]] = {
    "payload": (Kind.ACTIVE, Kind.DERELICT), "rocket_body": (Kind.ROCKET_BODY,),
    "mission_related": (Kind.MISSION_RELATED,),
}  # fmt: skip
_NODE, _ANOMALY, _COPY, _COUNT, _CHOICE = range(5)  # purpose of a draw: the first counter
# Serial numbers. Repeated: cycle (14 bits), copy (20), row of the population (25). Drawn at random: bit 59, class (2
# bits), year of the run (14), number within it (24). Constellations: see
# constellations.py.
_ROW_BITS, _COPY_BITS, _CYCLE_BITS = 25, 20, 14
_NUMBER_BITS, _YEAR_BITS = 24, 14
_DRAWN_BIT = 1 << 59


class Launches:
    """Arrivals of one run.

    Parameters
    ----------
    spec : LaunchSpec
        Launch model.
    population : Population
        Initial population. Arrivals begin at its epoch; the objects in it that were launched in the window are repeated
        or resampled, those that have decayed since are not.
    disposal : DisposalSpec
        Its ``mission_years`` are the lifetime of payloads.
    seed : int
        Seed of the study.
    run_number : int
        Number of the run.

    Raises
    ------
    InputError
        The window ends after the epoch of the population, or no object of the population (of a class to be drawn) was
        launched in it.

    Notes
    -----
    An object launched at L within a window of T years is launched again at L + kT, k = 1, 2, ... (those after the epoch
    count), with growth g in floor(x) copies, x = (1 + g)^(years since the epoch), and one more with probability
    x - floor(x). Orbit, mass and size are the same, node, argument of perigee and anomaly new. Payloads are active at
    birth, and end after ``mission_years``, members of constellations after five.

    With model 'constant' the objects of a class arrive as a Poisson process of rate n (1 + g)^t, t being the years
    since the epoch and n its number in ``per_year``. Each is a copy of an object of its class from the window, drawn
    with replacement, all with the same probability. The number of a year comes from the inverse of its distribution
    function, so that a higher rate brings the same objects at the same times and more besides; a higher growth does
    too, but shifts them within their year.

    A satellite of a :class:`~stmgpu.debris.specs.ConstellationSpec` arrives in its final place, is replaced at the end
    of its life whatever happened to it, and follows the drift of its plane. Places are filled one after the
    other, plane by plane, evenly over ``build_years``. Satellites due before the epoch are left out: the population has
    them.
    """

    def __init__(
        self, spec: LaunchSpec, population: Population, *, disposal: DisposalSpec, seed: int, run_number: int
    ) -> None:
        self.spec, self.epoch = spec, population.epoch_year
        self._seed, self._run = seed, run_number
        self._model: _Repeated | _Constant | None = None
        if spec.model == "repeat":
            self._model = _Repeated(spec, population, disposal)
        elif spec.model == "constant":
            self._model = _Constant(spec, population, disposal)
        self._constellations = [Constellation(c, k, population) for k, c in enumerate(spec.constellations)]
        if len(self._constellations) > MAX_CONSTELLATIONS:
            raise InputError(
                f"{len(self._constellations)} constellations are too many; define at most {MAX_CONSTELLATIONS}"
            )
        self._year = -1
        self._times: list[float] = []
        self._arrivals: tuple[Population, Ints] | None = None

    def arrivals(self, year0: float, year1: float) -> tuple[Population, Ints] | None:
        """Return the objects launched from ``year0`` on, before ``year1``.

        Parameters
        ----------
        year0, year1 : float
            Decimal years; nothing is launched before the epoch of the population. Adjacent intervals neither share nor
            miss an arrival.

        Returns
        -------
        population : Population
            The n objects in the order of their launch, with their elements at launch.
        serial : int64, shape (n,)
            Serial numbers, 0 <= serial < 2^61, unique within the run and the same in other scenarios. None is returned
            where nothing is launched.
        """
        year = max(int(year0 - self.epoch), 0)
        while year and year0 < self._start(year):
            year -= 1
        if year1 <= self._start(year + 1):
            return self._part(year, year0, year1)
        parts = []
        while self._start(year) < year1:
            part = self._part(year, year0, year1)
            year += 1
            if part is not None:
                parts.append(part)
        if not parts:
            return None
        if len(parts) == 1:
            return parts[0]
        return (
            Population.concatenate([population for population, _ in parts]),
            np.concatenate([serial for _, serial in parts]),
        )

    def pools(self) -> list[tuple[float, Population]]:
        """Return what the model launches: objects a year before growth, and the objects that they are copies of.

        Their ``mission_end_year`` is the years from their launch to the end of their mission.
        """
        model = self._model
        if model is None:
            return []
        objects = dataclasses.replace(model.template, mission_end_year=model.life)
        if isinstance(model, _Constant):
            return [(rate, objects[entries]) for _, rate, entries in model.classes]
        return [(len(objects) / model.length, objects)]

    def _start(self, year: int) -> float:
        """Return the start of a year of the run."""
        return self.epoch + year

    def _part(self, year: int, year0: float, year1: float) -> tuple[Population, Ints] | None:
        """Return the arrivals in an interval within the year that begins ``year`` years after the epoch."""
        if year != self._year:
            self._load(year)
        low, high = bisect_left(self._times, year0), bisect_left(self._times, year1)
        if low >= high or self._arrivals is None:
            return None
        population, serial = self._arrivals
        return population[low:high], serial[low:high]

    def _load(self, year: int) -> None:
        """Compute the arrivals of a year, in the order of time and serial number."""
        begin, end = self._start(year), self._start(year + 1)
        parts = []
        if self._model is not None:
            parts.append(self._model.between(begin, end, seed=self._seed, run=self._run))
        parts += [c.between(begin, end) for c in self._constellations]
        parts = [part for part in parts if len(part[1])]
        self._year, self._times, self._arrivals = year, [], None
        if parts:
            population = Population.concatenate([p for p, _ in parts])
            serial = np.concatenate([s for _, s in parts])
            order = np.lexsort((serial, population.launch_year))
            self._times = population.launch_year[order].tolist()
            self._arrivals = population[order], serial[order]


class _Pool:
    """Objects launched in the window, in the state in which they were launched."""

    def __init__(self, spec: LaunchSpec, population: Population, disposal: DisposalSpec) -> None:
        if spec.window is None:
            raise InputError(f"launches: model = {spec.model!r} needs window = [first year, last year]")
        self.growth, self.until, self.epoch = spec.growth, spec.until_year, population.epoch_year
        self.begin, end = spec.window
        self.length = end - self.begin
        if end > self.epoch + 0.01:  # January 1 differs from a whole Julian year by up to a day
            raise InputError(
                f"launches: the window {list(spec.window)} ends after the epoch of the population "
                f"({self.epoch:.2f}), which has no later launches; choose earlier years"
            )
        chosen = np.isin(population.kind, _REPEATED) & (population.launch_year >= self.begin)
        chosen &= population.launch_year < end
        if not spec.repeat_constellations:
            chosen &= population.constellation < 0
        rows = np.flatnonzero(chosen)
        if not len(rows):
            raise InputError(
                f"launches: nothing in the population ({population.source}) was launched in the window "
                f"{list(spec.window)}; choose other years, or model = 'none'"
            )
        self.rows = rows.astype(np.int64)
        template = population[rows]
        payload = template.kind <= Kind.DERELICT
        life = np.where(
            template.constellation >= 0, min(CONSTELLATION_YEARS, disposal.mission_years), disposal.mission_years
        )
        self.life = np.where(payload, life, np.inf)
        self.template = dataclasses.replace(
            template,
            kind=np.where(payload, Kind.ACTIVE, template.kind).astype(np.int8),
            controlled=(payload & can_keep_station(template.mass_kg)).astype(np.int8),
            norad_id=np.zeros(len(rows), np.int64),
            **history(len(rows)),
            source="launches",
            notes=(),
        )

    def born(self, entry: Ints, serial: Ints, *, time: Floats, begin: float, seed: int, run: int) -> Population:
        """Return copies of entries, launched at some times, with random angles."""
        raan, argp = streams.uniforms(seed, run, streams.LAUNCH, _NODE, serial)
        mean, _ = streams.uniforms(seed, run, streams.LAUNCH, _ANOMALY, serial)
        turn = 2.0 * np.pi
        return dataclasses.replace(
            self.template[entry],
            epoch_year=begin,
            launch_year=time,
            raan_rad=turn * raan,
            argp_rad=turn * argp,
            mean_rad=turn * mean,
            mission_end_year=time + self.life[entry],
        )


class _Repeated(_Pool):
    """Launches of the window, repeated."""

    def __init__(self, spec: LaunchSpec, population: Population, disposal: DisposalSpec) -> None:
        super().__init__(spec, population, disposal)
        if len(population) > 1 << _ROW_BITS:
            raise InputError(
                f"launches: a population of {len(population):,} objects is too large to repeat launches; "
                f"at most {1 << _ROW_BITS:,}"
            )

    def between(self, begin: float, end: float, *, seed: int, run: int) -> tuple[Population, Ints]:
        """Return the arrivals from ``begin`` on, before ``end``."""
        launch = self.template.launch_year
        until = min(end, self.until)
        first = max(int((begin - self.begin) / self.length) - 1, 1)
        last = int((end - self.begin) / self.length) + 1
        if last >= 1 << _CYCLE_BITS:
            raise InputError(
                f"launches: a window of {self.length} years is repeated {last} times by {end:.0f}; at "
                f"most {(1 << _CYCLE_BITS) - 1} times are possible: give a longer window"
            )
        which, serials, times = [], [], []
        for cycle in range(first, last + 1):
            time = launch + cycle * self.length
            due = np.flatnonzero((time >= begin) & (time < until) & (time >= self.epoch))
            if len(due):
                copies = self._copies(due, time[due], cycle, seed, run)
                entry = np.repeat(due, copies)
                number = np.arange(len(entry)) - np.repeat(np.cumsum(copies) - copies, copies)
                which.append(entry)
                serials.append(self._serial(cycle, number, entry))
                times.append(time[entry])
        if not which:
            return self.template[:0], np.zeros(0, np.int64)
        entry, serial = np.concatenate(which), np.concatenate(serials)
        return self.born(entry, serial, time=np.concatenate(times), begin=begin, seed=seed, run=run), serial

    def _copies(self, due: Ints, time: Floats, cycle: int, seed: int, run: int) -> Ints:
        """Return the number of copies in which each entry is launched."""
        level = (1.0 + self.growth) ** (time - self.epoch)
        if level.max() >= 1 << _COPY_BITS:
            raise InputError(
                f"launches: growth of {self.growth:g} a year multiplies launches by {level.max():.3g} by "
                f"{time.max():.0f}; lower it, or set until_year"
            )
        whole = np.floor(level).astype(np.int64)
        chance, _ = streams.uniforms(seed, run, streams.LAUNCH, _COPY, self._serial(cycle, whole, due))
        return whole + (chance < level - whole)

    def _serial(self, cycle: int, copy: Ints, entry: Ints) -> Ints:
        return (np.int64(cycle) << (_COPY_BITS + _ROW_BITS)) | (copy << _ROW_BITS) | self.rows[entry]


class _Constant(_Pool):
    """Launches resampled from those of the window, as a Poisson process."""

    def __init__(self, spec: LaunchSpec, population: Population, disposal: DisposalSpec) -> None:
        super().__init__(spec, population, disposal)
        self.classes: list[tuple[int, float, Ints]] = []  # number of the class, objects a year, their entries
        for k, (name, kinds) in enumerate(_DRAWN.items()):
            rate = (spec.per_year or {}).get(name, 0.0)
            entries = np.flatnonzero(np.isin(population.kind[self.rows], kinds))
            if rate and not len(entries):
                raise InputError(
                    f"launches: per_year.{name} is {rate:g}, but nothing of that class in the population "
                    f"({population.source}) was launched in the window [{self.begin}, "
                    f"{self.begin + self.length}]"
                    f"{'' if spec.repeat_constellations else ', constellations left out'}; give other "
                    "years, or 0"
                )
            if rate:
                self.classes.append((k, rate, entries))

    def between(self, begin: float, end: float, *, seed: int, run: int) -> tuple[Population, Ints]:
        """Return the arrivals of one whole year of the run, from ``begin`` on, before ``end``."""
        year, g = round(begin - self.epoch), self.growth
        which, serials, times = [], [], []
        for k, rate, entries in self.classes if begin < self.until else []:
            mean = rate * (1.0 + g) ** year * (g / np.log1p(g) if g else 1.0)
            if mean >= 1 << (_NUMBER_BITS - 1):
                raise InputError(
                    f"launches: growth of {g:g} a year makes {mean:.3g} launches a year by {begin:.0f}; "
                    "lower it, or set until_year"
                )
            first = _DRAWN_BIT | (k << (_YEAR_BITS + _NUMBER_BITS)) | (year << _NUMBER_BITS)
            chance, _ = streams.uniforms(seed, run, streams.LAUNCH, _COUNT, first)
            serial = first + np.arange(_poisson(float(chance), mean), dtype=np.int64)
            when, choice = streams.uniforms(seed, run, streams.LAUNCH, _CHOICE, serial)
            # inverse of the distribution of arrival times within a year, ((1 + g)^t - 1) / g
            passed = np.log1p(g * when) / np.log1p(g) if g else when
            time = np.minimum(begin + passed, np.nextafter(end, begin))
            due = time < self.until
            which.append(entries[(choice[due] * len(entries)).astype(np.int64)])
            serials.append(serial[due])
            times.append(time[due])
        if not which:
            return self.template[:0], np.zeros(0, np.int64)
        entry, serial = np.concatenate(which), np.concatenate(serials)
        return self.born(entry, serial, time=np.concatenate(times), begin=begin, seed=seed, run=run), serial


def _poisson(chance: float, mean: float) -> int:
    """Return the smallest number at which the Poisson distribution function reaches ``chance``."""
    highest = int(mean + 12.0 * np.sqrt(mean) + 40.0)  # the tail beyond has a probability below 2^-52
    return bisect_left(range(highest), chance, key=lambda k: float(pdtr(k, mean)))
