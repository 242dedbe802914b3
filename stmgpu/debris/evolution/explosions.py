"""Explosions of objects in a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stmgpu.constants import EARTH
from stmgpu.debris import breakup, streams
from stmgpu.debris.evolution.breakups import Breakups, Event, Origin
from stmgpu.debris.population.population import Kind
from stmgpu.debris.variables import EXPLOSION

if TYPE_CHECKING:
    from stmgpu.debris.evolution.batch import Batch
    from stmgpu.typing import Ints


class Explosions:
    """Explodes objects of a batch; :class:`~stmgpu.debris.evolution.operations.Operations` schedules them."""

    def __init__(self, batch: Batch) -> None:
        self.batch, self.breakups = batch, Breakups(batch)

    def explode(self, slots: Ints, year: float) -> None:
        """Explode the objects in these slots."""
        m = self.batch.members
        # by run and uid: the order of slots depends on what else is in the batch
        for slot in slots[np.lexsort((m.uid[slots], m.run[slots]))].tolist():
            self._explode(slot, year)

    def _explode(self, slot: int, year: float) -> None:
        batch, m, ledger = self.batch, self.batch.members, self.batch.ledger
        run, zero, row = int(m.run[slot]), np.zeros(1, np.int64), slice(slot, slot + 1)
        words = streams.pair_words(
            batch.seed,
            batch.run_numbers[m.run[row]],
            streams.EXPLOSION,
            step=0,
            resample=zero,
            first=m.uid[row],
            second=zero,
        )
        drawn, events = streams.pair_draws(*words)
        event = int(events[0])
        if drawn[0] >= m.weight[slot]:
            # A row of weight w < 1 stands for an object that exists with probability w: it makes fragments with
            # probability w, and is used up either way.
            ledger.add_by_class("explosions", m.run[row], m.kind[row], m.weight[row])
            ledger.transfer("destroyed", run, m.weight[row].sum(), (m.weight[row] * m.mass_kg[row]).sum())
            m.drop(np.array([slot]))
            return
        outcome = breakup.explosion(
            self.breakups.body(slot),
            scale=batch.scenario.explosions.scale,
            rng=self.breakups.generator(run, event),
            **self.breakups.options,
        )
        position, velocity = self.breakups.random_state(slot, run, event)
        altitude = float(np.linalg.norm(position)) - EARTH.radius_km
        self.breakups.record(Event(run, year, EXPLOSION, event, slot, None, position, altitude), outcome)
        ledger.add_by_class("explosions", m.run[row], m.kind[row], m.weight[row])
        self.breakups.destroy(run, [slot], outcome)
        rows = np.arange(len(outcome.mass_kg))
        positions, velocities = (np.broadcast_to(vector, (len(rows), 3)) for vector in (position, velocity))
        self.breakups.insert(
            outcome, rows, Origin(run, year, Kind.EXPLOSION_FRAGMENT, event, rows, positions, velocities)
        )
