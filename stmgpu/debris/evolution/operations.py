"""End of mission, post-mission disposal, and the schedule of explosions.

Every date is drawn once, when an object is registered, from random numbers keyed by its uid. So scenarios share these
dates, and a step only compares them with the clock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtri

from stmgpu.constants import EARTH
from stmgpu.debris import streams
from stmgpu.debris.evolution.members import NEVER, Members
from stmgpu.debris.population.population import Kind
from stmgpu.propagate import orbit_table

if TYPE_CHECKING:
    from stmgpu.debris.environment.lifetime import Lifetime
    from stmgpu.debris.evolution.batch import Batch
    from stmgpu.debris.population.population import Population
    from stmgpu.typing import Bools, Floats, Ints


class Operations:
    """Operations of all objects of a batch.

    Parameters
    ----------
    batch : Batch
        Runs to operate.
    lifetime : Lifetime
        Residual lifetimes, for disposal orbits.
    """

    def __init__(self, batch: Batch, lifetime: Lifetime) -> None:
        self.batch, self.scenario, self.members, self.lifetime = batch, batch.scenario, batch.members, lifetime

    def register(self, slots: Ints, population: Population, *, year: float, launched: bool) -> None:
        """Draw drag and dates of new objects, those of a population that does not state them.

        Upper stages that are launched are disposed of at once, if their disposal succeeds.
        """
        m, spec = self.members, self.scenario.explosions
        self._spread_drag(slots[(m.kind[slots] <= Kind.MISSION_RELATED) & np.isnan(population.ballistic_m2_kg)])
        m.mission_end[slots] = np.where(m.kind[slots] == Kind.ACTIVE, m.mission_end[slots], NEVER)
        rate = np.where(
            m.kind[slots] == Kind.ROCKET_BODY,
            spec.rocket_body,
            np.where(m.kind[slots] == Kind.DERELICT, spec.payload, 0.0),
        )
        rate = np.where(np.isnan(population.explodes_year), rate, 0.0)
        self._draw_explosions(slots, rate, year, m.launch_year[slots] + spec.max_age_years)
        if launched:
            stages = slots[m.kind[slots] == Kind.ROCKET_BODY]
            self._dispose(stages, self._uniform(streams.DISPOSAL, stages) < self.scenario.disposal.rocket_body)

    def advance(self, year: float) -> Ints:
        """End the missions that are over by a year; return the slots of objects that are due to explode."""
        m = self.members
        over = np.flatnonzero(m.mission_end[: m.n] <= year)
        if len(over):
            self._end_missions(over, year)
        return np.flatnonzero(m.explodes[: m.n] <= year)

    def _end_missions(self, slots: Ints, year: float) -> None:
        m = self.members
        disposal, explosions = self.scenario.disposal, self.scenario.explosions
        able = m.controlled[slots] != 0  # without propulsion an object cannot be disposed of
        m.mission_end[slots] = NEVER
        m.kind[slots], m.controlled[slots] = Kind.DERELICT, 0
        m.set_mode(slots, orbit_table.FREE)
        station = able & (m.mass_kg[slots] >= disposal.station_kg)
        re_entering = slots[station]
        if len(re_entering):  # crewed: a controlled re-entry, which is planned and does not fail here
            done = np.ones(len(re_entering), np.bool_)
            self._dispose(re_entering, done, mode="remove")
            slots, able = slots[~station], able[~station]
        self._draw_explosions(
            slots, np.full(len(slots), explosions.payload), year, np.full(len(slots), year + explosions.max_age_years)
        )
        ending = slots[able]
        chance = np.where(m.constellation[ending] >= 0, disposal.constellation, disposal.payload)
        self._dispose(ending, self._uniform(streams.DISPOSAL, ending) < chance)

    def _dispose(self, slots: Ints, succeeds: Bools, mode: str | None = None) -> None:
        """Remove the objects whose disposal succeeds, or move them to orbits that comply with the rule.

        ``mode`` replaces that of the scenario.
        """
        m, ledger, spec = self.members, self.batch.ledger, self.scenario.disposal
        run, kind, weight = m.run[slots], m.kind[slots], m.weight[slots]
        ledger.add_by_class("disposals", run[succeeds], kind[succeeds], weight[succeeds])
        ledger.add_by_class("disposals_failed", run[~succeeds], kind[~succeeds], weight[~succeeds])
        done = slots[succeeds]
        if not len(done):
            return
        if (mode or spec.mode) == "remove":
            ledger.transfer("disposed", m.run[done], m.weight[done], m.weight[done] * m.mass_kg[done])
            m.drop(done)
        else:
            member = m.constellation[done] >= 0
            self._change_orbit(done[~member], spec.rule_years)
            lowered = self._change_orbit(done[member], spec.constellation_rule_years)
            m.controlled[lowered] = spec.avoids_while_lowering  # their operators steer them until they are gone
            m.explodes[done] = NEVER  # disposal includes passivation

    def _change_orbit(self, slots: Ints, years: float) -> Ints:
        """Lower objects, so that they decay within a number of years, and return them.

        With mode 'graveyard' those to which the graveyard is nearer are raised instead.
        """
        m, spec, rotating = self.members, self.scenario.disposal, self.scenario.propagation.rotating_atmosphere
        if not len(slots):
            return slots
        up = np.zeros(len(slots), np.bool_)
        if spec.mode == "graveyard":
            orbit = m.orbits(slots)
            a = orbit[orbit_table.A_KM]
            perigee, apogee = _disposal_orbit(orbit, years=years, lifetime=self.lifetime, rotating=rotating)
            grave = EARTH.radius_km + spec.graveyard_km
            # nearer in specific energy -mu / 2a, whose change is proportional to the impulse from a near-circular orbit
            up = np.abs(1.0 / a - 1.0 / grave) < np.abs(1.0 / a - 2.0 / (perigee + apogee))
            m.set_orbit(orbit_table.A_KM, slots[up], np.full(int(up.sum()), grave))
            m.set_orbit(orbit_table.ECC, slots[up], np.zeros(int(up.sum())))
        lower(m, slots[~up], years=years, lifetime=self.lifetime, rotating=rotating)
        return slots[~up]

    def _spread_drag(self, slots: Ints) -> None:
        """Spread the drag of intact objects, which tumble differently, by a lognormal factor of mean 1."""
        m, spread = self.members, self.scenario.propagation.drag_spread
        if spread and len(slots):
            drawn, _ = self.batch.uniforms(streams.DRAG, slots, 0)
            factor = np.exp(spread * ndtri(drawn) - 0.5 * spread**2)
            m.set_orbit(orbit_table.BALLISTIC, slots, m.orbits(slots)[orbit_table.BALLISTIC] * factor)

    def _draw_explosions(self, slots: Ints, rate: Floats, year: float, until: Floats) -> None:
        """Schedule explosions at a rate [1/a] until some year, unless an object is passivated."""
        m = self.members
        at_risk = np.flatnonzero(rate > 0.0)
        if not len(at_risk):
            return
        chosen = slots[at_risk]
        waiting, safe = self._uniforms(streams.EXPLOSION, chosen)
        when = year - np.log(waiting) / rate[at_risk]
        explodes = (when < until[at_risk]) & (safe >= self.scenario.explosions.passivated)
        m.explodes[chosen] = np.where(explodes, when, NEVER)

    def _uniform(self, purpose: int, slots: Ints) -> Floats:
        return self._uniforms(purpose, slots)[0]

    def _uniforms(self, purpose: int, slots: Ints) -> tuple[Floats, Floats]:
        # the kind is the counter: a payload draws again when it becomes a derelict
        return self.batch.uniforms(purpose, slots, self.members.kind[slots].astype(np.int64))


def lower(members: Members, slots: Ints, *, years: float, lifetime: Lifetime, rotating: bool) -> None:
    """Lower the perigee of objects, at constant apogee, so that they decay within a number of years.

    Objects that do so already keep their orbit.

    Parameters
    ----------
    members : Members
        Objects of a batch.
    slots : int64, shape (n,)
        Objects to lower.
    years : float
        Residual lifetime [a].
    lifetime : Lifetime
        Residual lifetimes of orbits.
    rotating : bool
        Whether the atmosphere rotates with the Earth.
    """
    if not len(slots):
        return
    perigee, apogee = _disposal_orbit(members.orbits(slots), years=years, lifetime=lifetime, rotating=rotating)
    new_a = 0.5 * (perigee + apogee)
    members.set_orbit(orbit_table.A_KM, slots, new_a)
    members.set_orbit(orbit_table.ECC, slots, np.maximum((apogee - perigee) / (apogee + perigee), 0.0))
    members.set_mode(slots, orbit_table.FREE)


def _disposal_orbit(orbit: Floats, *, years: float, lifetime: Lifetime, rotating: bool) -> tuple[Floats, Floats]:
    perigee, apogee = lifetime.disposal_orbit(
        orbit[orbit_table.A_KM],
        orbit[orbit_table.ECC],
        ballistic_m2_kg=orbit[orbit_table.BALLISTIC],
        years=years,
        inc_rad=orbit[orbit_table.INC],
        rotating=rotating,
    )
    return perigee, apogee
