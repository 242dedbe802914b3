"""Scheduled breakups: the events of a scenario, each at its date and to the objects it names.

The random numbers of an event are keyed by its date and its objects, so they depend neither on the other events of the
scenario nor on the other runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.constants import EARTH
from stmgpu.debris import breakup, streams
from stmgpu.debris.breakup import Body
from stmgpu.debris.breakup.size_law import length_of_mass
from stmgpu.debris.evolution.breakups import FRAGMENT_UID, NUMBER_BITS, Breakups, Event, Origin
from stmgpu.debris.evolution.event_fragments import EventFragments
from stmgpu.debris.evolution.meeting import meeting_states, nodes_at
from stmgpu.debris.population.population import Kind
from stmgpu.debris.variables import CATASTROPHIC, CRATERING, EXPLOSION
from stmgpu.time import YEAR_S

if TYPE_CHECKING:
    from stmgpu.debris.breakup import Breakup
    from stmgpu.debris.evolution.batch import Batch
    from stmgpu.debris.specs import EventSpec
    from stmgpu.typing import Bools, Floats

WIDE_GAP_KM = 10.0
"""Distance of two orbits at their crossing from which a note tells that their objects would hardly have met."""


@dataclass(frozen=True)
class _Parents:
    """Objects of an event in one run: slots, and their states (shape (n, 3)), of which a projectile's is the last."""

    slots: list[int]
    position_km: Floats
    velocity_km_s: Floats
    speed_km_s: float


class Scheduled:
    """Scheduled events of a batch of runs.

    Parameters
    ----------
    batch : Batch
        Runs.

    Raises
    ------
    InputError
        A table of fragments that cannot be read.
    """

    def __init__(self, batch: Batch) -> None:
        self.batch, self.breakups = batch, Breakups(batch)
        events = enumerate(batch.scenario.events, 1)
        self._waiting = sorted(events, key=lambda item: (item[1].year, item[0]))
        self._fragments = {
            number: EventFragments.read(event, batch.scenario, batch.seed)
            for number, event in self._waiting
            if event.fragments is not None
        }
        self._now = 0.0
        self._notes: list[list[str]] = [[] for _ in range(len(batch))]

    @property
    def years(self) -> list[float]:
        """Dates of the events that wait."""
        return [event.year for _, event in self._waiting]

    def step(self, now: float, running: Bools, *, last: bool = False) -> None:
        """Apply the events up to a date, or in the last step all that are left, to the runs that are not cut off."""
        self._now = now
        while self._waiting and (last or self._waiting[0][1].year <= now):
            number, event = self._waiting.pop(0)
            for run in np.flatnonzero(running).tolist():
                self._apply(number, event, run)

    def notes(self, run: int) -> tuple[str, ...]:
        """Return the warnings of a run."""
        return tuple(self._notes[run])

    def _apply(self, number: int, event: EventSpec, run: int) -> None:
        """Break up the objects of an event in one run, if they are all there."""
        slots = [self._slot(run, norad) for norad in event.ids]
        if gone := [str(norad) for norad, slot in zip(event.ids, slots, strict=True) if slot is None]:
            self._note(number, event, run, f"object {' and '.join(gone)} was no longer there, so nothing broke up")
            return
        drawn, key = self._draw(event, run)
        there = [slot for slot in slots if slot is not None]
        last = FRAGMENT_UID + (key << NUMBER_BITS) + (1 << NUMBER_BITS) - 1
        there = [self.batch.members.split(slot, last - k) for k, slot in enumerate(there)]
        parents = self._parents(number, event, run, key, there)
        if number in self._fragments:
            outcome = self._fragments[number].breakup(self._bodies(event, parents))
        else:
            outcome = self._model(event, parents, run, key)
        # Rows of weight w < 1 stand for objects that exist with probability w (see Explosions). Both of a pair exist
        # with about the product, as weights are near 1.
        if drawn >= np.prod(self.batch.members.weight[there]):
            if outcome.catastrophic:
                self._lose(run, there)
            return
        self._break_up(number, event, run, key=key, parents=parents, outcome=outcome)

    def _slot(self, run: int, norad: int) -> int | None:
        """Return the slot of the object with a NORAD id, the first by uid; None if it is not there."""
        m = self.batch.members
        found = np.flatnonzero((m.norad_id[: m.n] == norad) & (m.run[: m.n] == run) & m.present[: m.n])
        return int(found[np.argmin(m.uid[found])]) if len(found) else None

    def _draw(self, event: EventSpec, run: int) -> tuple[float, int]:
        """Draw a number in (0, 1) and the number of the breakup."""
        first, *second = event.ids
        words = streams.pair_words(
            self.batch.seed,
            self.batch.run_numbers[run : run + 1],
            streams.SCHEDULED,
            step=np.array([round(event.year * 1e6)]),
            resample=0,
            first=np.array([first]),
            second=np.array(second or [0]),
        )
        drawn, keys = streams.pair_draws(*words)
        return float(drawn[0]), int(keys[0])

    def _parents(self, number: int, event: EventSpec, run: int, key: int, slots: list[int]) -> _Parents:
        """Return the objects of an event with their states where they break up."""
        if len(slots) == 2:
            orbits = self.batch.members.orbits(np.array(slots))
            orbits = nodes_at(orbits[:6], (event.year - self._now) * YEAR_S)
            position, velocity, gap = meeting_states(orbits[:, 0], orbits[:, 1])
            if gap > WIDE_GAP_KM:
                first, second = event.ids
                self._note(number, event, run, f"the orbits of {first} and {second} passed {gap:.0f} km apart")
            own = float(np.linalg.norm(velocity[0] - velocity[1]))
            return _Parents(slots, position, velocity, own if event.speed_km_s is None else event.speed_km_s)
        position, velocity = (vector[None] for vector in self.breakups.random_state(slots[0], run, key))
        if event.speed_km_s is not None:
            ahead = velocity / np.linalg.norm(velocity)
            position = np.concatenate([position, position])
            velocity = np.concatenate([velocity, velocity - event.speed_km_s * ahead])
        return _Parents(slots, position, velocity, event.speed_km_s or 0.0)

    def _bodies(self, event: EventSpec, parents: _Parents) -> list[Body]:
        """Return the bodies of an event, the projectile last."""
        bodies = [self.breakups.body(slot) for slot in parents.slots]
        if event.projectile_kg is not None:
            bodies.append(Body(event.projectile_kg, float(length_of_mass(event.projectile_kg))))
        return bodies

    def _model(self, event: EventSpec, parents: _Parents, run: int, key: int) -> Breakup:
        """Break up the bodies by the breakup model."""
        bodies, rng = self._bodies(event, parents), self.breakups.generator(run, key)
        if event.type == "explosion":
            return breakup.explosion(bodies[0], scale=event.scale, rng=rng, **self.breakups.options)
        return breakup.collision(
            bodies[0], bodies[1], speed_km_s=parents.speed_km_s, rng=rng, scale=event.scale, **self.breakups.options
        )

    def _break_up(
        self, number: int, event: EventSpec, run: int, *, key: int, parents: _Parents, outcome: Breakup
    ) -> None:
        """Record a breakup, take its parents, and put its fragments into orbit."""
        m, ledger = self.batch.members, self.batch.ledger
        explosion = event.type == "explosion"
        kind = EXPLOSION if explosion else CATASTROPHIC if outcome.catastrophic else CRATERING
        position = parents.position_km[0]
        altitude, slots = float(np.linalg.norm(position)) - EARTH.radius_km, parents.slots
        second = slots[1] if len(slots) == 2 else None
        self.breakups.record(
            Event(
                run, event.year, kind, key, slots[0], second, position, altitude, parents.speed_km_s,
                projectile_kg=event.projectile_kg or 0.0, scheduled=number,
            ),
            outcome,
        )  # fmt: skip
        places = np.array(slots)
        ledger.add_by_class("scheduled_breakups", m.run[places], m.kind[places], m.weight[places])
        destroyed, rows = list(slots), np.arange(len(outcome.mass_kg))
        if not outcome.catastrophic and number not in self._fragments:
            # the remnant of a cratered object is the object itself; a projectile that is no object leaves a fragment
            for side, slot in enumerate(slots):
                for remnant in np.flatnonzero(outcome.remnant & (outcome.parent == side)).tolist():
                    destroyed.remove(slot)
                    self.breakups.crater(slot, outcome, remnant, parents.position_km[side], parents.velocity_km_s[side])
                    rows = rows[rows != remnant]
        self.breakups.destroy(run, destroyed, outcome)
        fragment = Kind.EXPLOSION_FRAGMENT if explosion else Kind.COLLISION_FRAGMENT
        if number in self._fragments:
            self.breakups.enter(run, self._fragments[number].population, kind=fragment, event=key)
            return
        of = outcome.parent[rows].astype(np.int64)
        origin = Origin(
            run, event.year, fragment, key, rows, parents.position_km[of], parents.velocity_km_s[of]
        )  # fmt: skip
        self.breakups.insert(outcome, rows, origin)

    def _lose(self, run: int, slots: list[int]) -> None:
        """Take rows whose objects turned out not to exist."""
        m, ledger, places = self.batch.members, self.batch.ledger, np.array(slots)
        ledger.transfer("destroyed", run, m.weight[places].sum(), (m.weight[places] * m.mass_kg[places]).sum())
        m.drop(places)

    def _note(self, number: int, event: EventSpec, run: int, text: str) -> None:
        self._notes[run].append(f"event {number} of {event.year:.2f}: {text}")
