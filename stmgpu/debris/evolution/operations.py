"""What operators do and what objects do by themselves: end of missions, disposal, explosions that are due, launches.

Every date is drawn once, when an object appears, from random numbers that hang on its uid. So scenarios share them, and
a step only has to look who is due.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from stmgpu.constants import EARTH
from stmgpu.debris import streams
from stmgpu.debris.environment.lifetime import Lifetime
from stmgpu.debris.evolution.ledger import Ledger
from stmgpu.debris.evolution.members import NEVER, Members
from stmgpu.debris.population.population import Kind
from stmgpu.debris.scenario import Scenario
from stmgpu.propagate import secular


class Controls:
    """Dates of all objects of a batch, and what happens at them.

    Parameters
    ----------
    scenario, members, book, seed, run_numbers
        as for :class:`stmgpu.debris.evolution.impacts.Impacts`.
    lifetime
        how long orbits last, for disposal orbits.
    """

    def __init__(
        self,
        scenario: Scenario,
        members: Members,
        book: Ledger,
        seed: int,
        run_numbers: NDArray[np.int64],
        lifetime: Lifetime,
    ) -> None:
        self.scenario, self.members, self.book = scenario, members, book
        self.seed, self.run_numbers, self.lifetime = seed, run_numbers, lifetime

    def appear(self, slots: NDArray[np.int64], year: float, launched: bool) -> None:
        """Draw drag and dates of new objects; upper stages that are disposed of leave at once."""
        m, spec = self.members, self.scenario.explosions
        self._spread_drag(slots[m.kind[slots] <= Kind.MISSION_RELATED])
        m.mission_end[slots] = np.where(m.kind[slots] == Kind.ACTIVE, m.mission_end[slots], NEVER)
        rate = np.where(
            m.kind[slots] == Kind.ROCKET_BODY,
            spec.rocket_body,
            np.where(m.kind[slots] == Kind.DERELICT, spec.payload, 0.0),
        )
        self._draw_explosions(slots, rate, year, m.launch_year[slots] + spec.max_age_years)
        if launched:
            stages = slots[m.kind[slots] == Kind.ROCKET_BODY]
            self._dispose(stages, self._uniform(streams.DISPOSAL, stages) < self.scenario.disposal.rocket_body)

    def due(self, year: float) -> NDArray[np.int64]:
        """End the missions that are over; return the slots of objects that explode now."""
        m = self.members
        over = np.flatnonzero(m.mission_end[: m.n] <= year)
        if len(over):
            self._end_missions(over, year)
        return np.flatnonzero(m.explodes[: m.n] <= year)

    def _end_missions(self, slots: NDArray[np.int64], year: float) -> None:
        m, disposal, explosions = self.members, self.scenario.disposal, self.scenario.explosions
        able = m.controlled[slots] != 0  # who cannot keep its orbit cannot leave it either
        m.mission_end[slots] = NEVER
        m.kind[slots], m.controlled[slots] = Kind.DERELICT, 0
        m.set_mode(slots, secular.FREE)
        self._draw_explosions(
            slots, np.full(len(slots), explosions.payload), year, np.full(len(slots), year + explosions.max_age_years)
        )
        ending = slots[able]
        chance = np.where(m.constellation[ending] >= 0, disposal.constellation, disposal.payload)
        self._dispose(ending, self._uniform(streams.DISPOSAL, ending) < chance)

    def _dispose(self, slots: NDArray[np.int64], succeeds: NDArray[np.bool_]) -> None:
        """Remove, or lower so far that the rule is kept, the objects whose disposal succeeds."""
        m, book, spec = self.members, self.book, self.scenario.disposal
        run, kind, weight = m.run[slots], m.kind[slots], m.weight[slots]
        book.by_class("disposals", run[succeeds], kind[succeeds], weight[succeeds])
        book.by_class("disposals_failed", run[~succeeds], kind[~succeeds], weight[~succeeds])
        done = slots[succeeds]
        if not len(done):
            return
        if spec.mode == "remove":
            book.move("disposed", m.run[done], m.weight[done], m.weight[done] * m.mass_kg[done])
            m.drop(done)
        else:
            self._change_orbit(done)
            m.explodes[done] = NEVER  # disposal includes passivation

    def _change_orbit(self, slots: NDArray[np.int64]) -> None:
        """Lower objects, or raise those that are nearer to the graveyard if that is the mode."""
        m, spec, rotating = self.members, self.scenario.disposal, self.scenario.propagation.rotating_atmosphere
        up = np.zeros(len(slots), np.bool_)
        if spec.mode == "graveyard":
            orbit = m.orbits(slots)
            a = orbit[secular.A_KM]
            perigee, apogee = _disposal_orbit(orbit, spec.rule_years, self.lifetime, rotating)
            grave = EARTH.radius_km + spec.graveyard_km
            # by the change of specific energy, to which the impulses from near-circular orbits are proportional
            up = np.abs(1.0 / a - 1.0 / grave) < np.abs(1.0 / a - 2.0 / (perigee + apogee))
            m.set_orbit(secular.A_KM, slots[up], np.full(int(up.sum()), grave))
            m.set_orbit(secular.ECC, slots[up], np.zeros(int(up.sum())))
        lower(m, slots[~up], spec.rule_years, self.lifetime, rotating)

    def _spread_drag(self, slots: NDArray[np.int64]) -> None:
        """Intact objects of equal make differ in how they tumble; the mean stays."""
        m, spread = self.members, self.scenario.propagation.drag_spread
        if spread and len(slots):
            drawn, _ = streams.uniforms(self.seed, self.run_numbers[m.run[slots]], streams.DRAG, 0, m.uid[slots])
            factor = np.exp(spread * ndtri(drawn) - 0.5 * spread**2)
            m.set_orbit(secular.BALLISTIC, slots, m.orbits(slots)[secular.BALLISTIC] * factor)

    def _draw_explosions(
        self, slots: NDArray[np.int64], rate: NDArray[np.float64], year: float, until: NDArray[np.float64]
    ) -> None:
        m = self.members
        at_risk = np.flatnonzero(rate > 0.0)
        if not len(at_risk):
            return
        chosen = slots[at_risk]
        waiting, safe = self._uniforms(streams.EXPLOSION, chosen)
        when = year - np.log(waiting) / rate[at_risk]
        explodes = (when < until[at_risk]) & (safe >= self.scenario.explosions.passivated)
        m.explodes[chosen] = np.where(explodes, when, NEVER)

    def _uniform(self, purpose: int, slots: NDArray[np.int64]) -> NDArray[np.float64]:
        return self._uniforms(purpose, slots)[0]

    def _uniforms(self, purpose: int, slots: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        m = self.members
        # the kind is counted in: a payload draws anew when it becomes a derelict
        return streams.uniforms(
            self.seed, self.run_numbers[m.run[slots]], purpose, m.kind[slots].astype(np.int64), m.uid[slots]
        )


def lower(members: Members, slots: NDArray[np.int64], years: float, lifetime: Lifetime, rotating: bool) -> None:
    """Lower the perigee of objects, their apogee kept, so far that they decay within so many years.

    Objects that do so already stay where they are. ``rotating``: whether the atmosphere turns with the Earth.
    """
    if not len(slots):
        return
    perigee, apogee = _disposal_orbit(members.orbits(slots), years, lifetime, rotating)
    new_a = 0.5 * (perigee + apogee)
    members.set_orbit(secular.A_KM, slots, new_a)
    members.set_orbit(secular.ECC, slots, np.maximum((apogee - perigee) / (apogee + perigee), 0.0))
    members.set_mode(slots, secular.FREE)


def _disposal_orbit(
    orbit: NDArray[np.float64], years: float, lifetime: Lifetime, rotating: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    inclination = orbit[secular.INC] if rotating else None
    perigee, apogee = lifetime.disposal_orbit(
        orbit[secular.A_KM], orbit[secular.ECC], orbit[secular.BALLISTIC], years, inclination
    )
    return perigee, apogee
