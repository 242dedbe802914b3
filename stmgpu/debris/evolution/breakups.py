"""Effect of a breakup on a batch: parents leave, fragments become objects, the ledger records both."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypedDict

import numpy as np

from stmgpu.constants import EARTH
from stmgpu.debris import streams
from stmgpu.debris.breakup import Body, Breakup, Fragments
from stmgpu.debris.population.population import Kind, Population
from stmgpu.propagate import orbit_table
from stmgpu.propagate.kepler import elements_of, states_of

if TYPE_CHECKING:
    from stmgpu.debris.evolution.batch import Batch
    from stmgpu.typing import Floats, Ints

FRAGMENT_UID = 1 << 62
"""Uids of fragments have this bit, then the number of their event, then their own number within it."""

NUMBER_BITS = 20
"""Bits of the number of a fragment within its event."""

FARTHEST_KM = 384_400.0
"""Fragments with a higher apogee reach the distance of the Moon and are not followed."""


class _ModelOptions(TypedDict):
    """Options of the breakup model that a scenario sets."""

    min_length_m: float
    bridge: Literal["linear", "logarithmic"]


@dataclass(frozen=True)
class Event:
    """One breakup, for the event table.

    Attributes
    ----------
    run, year, kind : int or float
        Run in the batch, decimal year, and type (see :mod:`stmgpu.debris.variables`).
    number : int
        Number of the event, which its fragments have as their cause.
    first, second : int, optional
        Slots of the target (or the object that exploded) and of the projectile; None for explosions.
    position_km : ndarray of float64
        Position, shape (3,).
    altitude_km, speed_km_s : float
        Altitude, and relative speed (0 for explosions).
    projectile_kg : float
        Mass of a projectile that is no object of the run; 0 for none.
    scheduled : int
        Number of the scheduled event of the scenario, 0 for none.
    """

    run: int
    year: float
    kind: int
    number: int
    first: int
    second: int | None
    position_km: Floats
    altitude_km: float
    speed_km_s: float = 0.0
    projectile_kg: float = 0.0
    scheduled: int = 0


@dataclass(frozen=True)
class Origin:
    """Origin of n fragments of one run.

    Attributes
    ----------
    run, kind : int or Kind
        Run in the batch, and class of the fragments.
    year : float or ndarray of float64
        Decimal year of the breakup: one, or one for each fragment, shape (n,).
    event : ndarray of int64 or int
        Number of the event that made them: one, or one for each fragment, shape (n,).
    number : ndarray of int64
        Number of each fragment within its event, shape (n,).
    position_km, velocity_km_s : ndarray of float64
        States of the parents, shape (n, 3).
    """

    run: int
    year: float | Floats
    kind: Kind
    event: Ints | int
    number: Ints
    position_km: Floats
    velocity_km_s: Floats


class Breakups:
    """Applies breakups to the objects and the ledger of a batch."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        spec = batch.scenario.breakups
        self.options: _ModelOptions = {"min_length_m": spec.min_length_m, "bridge": spec.bridge}

    def body(self, slot: int) -> Body:
        """Return an object in the form that the breakup model takes."""
        m = self.batch.members
        return Body(float(m.mass_kg[slot]), float(m.length_m[slot]), rocket_body=bool(m.kind[slot] == Kind.ROCKET_BODY))

    def generator(self, run: int, event: int) -> np.random.Generator:
        """Return the random generator of an event."""
        return self.batch.generator(run, streams.BREAKUP, event)

    def random_state(self, slot: int, run: int, event: int) -> tuple[Floats, Floats]:
        """Draw the state of an object at a random mean anomaly of its orbit [km, km/s]."""
        a, e, i, raan, argp = self.batch.members.orbits(np.array([slot]))[:5]
        anomaly = self.generator(run, event + 1).uniform(0.0, 2.0 * np.pi, 1)
        position, velocity = states_of((a, e, i, raan, argp, anomaly))
        return position[0], velocity[0]

    def destroy(self, run: int, slots: list[int], breakup: Breakup) -> None:
        """Remove objects that broke up, and record the residuals of the breakup's mass and momentum."""
        m, ledger, destroyed = self.batch.members, self.batch.ledger, np.array(slots, np.int64)
        ledger.transfer("destroyed", run, m.weight[destroyed].sum(), (m.weight[destroyed] * m.mass_kg[destroyed]).sum())
        m.drop(destroyed)
        ledger.momentum[run] = max(ledger.momentum[run], breakup.momentum_residual)
        ledger.closure[run] = max(ledger.closure[run], abs(breakup.closure))

    def crater(self, slot: int, outcome: Breakup, row: int, position: Floats, velocity: Floats) -> None:
        """Reduce a cratered object to its remnant, and apply the recoil to its orbit.

        Parameters
        ----------
        slot, row : int
            The object, and its remnant among the pieces of the breakup.
        outcome : Breakup
            The breakup.
        position, velocity : ndarray of float64
            State of the object [km, km/s], shape (3,).
        """
        m = self.batch.members
        before, after = float(m.mass_kg[slot]), float(outcome.mass_kg[row])
        m.mass_kg[slot] = after
        self.batch.ledger.transfer("destroyed", int(m.run[slot]), 0.0, m.weight[slot] * (before - after))
        orbit = elements_of(position[None], (velocity + outcome.delta_v_km_s[row])[None])
        slots = np.array([slot])
        if orbit[0][0] > 0.0 and orbit[1][0] < 1.0:  # bound; else the old orbit is kept
            for element, values in enumerate(orbit):
                m.set_orbit(element, slots, values)
        if m.kind[slot] == Kind.ACTIVE or m.controlled[slot]:  # the hit ends its mission, or its control
            m.kind[slot], m.controlled[slot], m.mission_end[slot] = Kind.DERELICT, 0, np.inf
            m.set_mode(slots, orbit_table.FREE)

    def insert(self, fragments: Fragments, rows: Ints, origin: Origin) -> None:
        """Put fragments into orbit; record those that re-enter or escape at once as decayed.

        Parameters
        ----------
        fragments : Fragments
            Fragments of a breakup.
        rows : int64, shape (n,)
            Those of them to insert.
        origin : Origin
            Origin of these n fragments.
        """
        ledger, members, count = self.batch.ledger, self.batch.members, len(rows)
        a, e, i, raan, argp, mean = elements_of(origin.position_km, origin.velocity_km_s + fragments.delta_v_km_s[rows])
        # followed: bound, within the Moon's distance, and above the altitude at which objects count as decayed
        perigee = a * (1.0 - e) - EARTH.radius_km
        stays = (
            (a > 0.0) & (e < 1.0) & (a * (1.0 + e) < FARTHEST_KM) & (perigee > self.batch.scenario.propagation.decay_km)
        )
        kinds = np.full(count, origin.kind, np.int8)
        mass = fragments.mass_kg[rows]
        runs = np.full(count, origin.run, np.int32)
        # fragments that do not stay are booked in and out, so that the balance of mass covers all of a breakup
        ledger.add_by_class("fragments", runs, kinds, np.ones(count))
        ledger.transfer("fragments", origin.run, float(count), mass.sum())
        ledger.add_by_class("decays", runs[~stays], kinds[~stays], np.ones(int((~stays).sum())))
        ledger.transfer("decayed", origin.run, float((~stays).sum()), mass[~stays].sum())
        kept = np.flatnonzero(stays)
        if not len(kept):
            return
        n = len(kept)
        year = np.broadcast_to(np.asarray(origin.year, np.float64), (count,))[kept]
        population = Population(
            epoch_year=float(year.max()),
            norad_id=np.zeros(n, np.int64),
            kind=kinds[kept],
            a_km=a[kept],
            ecc=e[kept],
            inc_rad=i[kept],
            raan_rad=raan[kept],
            argp_rad=argp[kept],
            mean_rad=mean[kept],
            mass_kg=mass[kept],
            radius_m=np.sqrt(fragments.area_m2[rows][kept] / np.pi),
            area_to_mass=fragments.area_to_mass[rows][kept],
            length_m=fragments.length_m[rows][kept],
            launch_year=year,
            born_year=year,
            mission_end_year=np.full(n, np.inf),
            controlled=np.zeros(n, np.int8),
            constellation=np.full(n, -1, np.int32),
            owner=np.full(n, ""),
            weight=np.ones(n),
            filled=np.zeros(n, np.int8),
        )
        cause = np.broadcast_to(np.asarray(origin.event, np.int64), (count,))[kept]
        uid = FRAGMENT_UID + (cause << NUMBER_BITS) + origin.number[kept]
        members.add(origin.run, uid, population, cause=cause)

    def enter(self, run: int, fragments: Population, *, kind: Kind, event: int) -> None:
        """Put fragments with known orbits into a run.

        Parameters
        ----------
        run : int
            Run in the batch.
        fragments : Population
            The n fragments; their epoch is the date of the breakup.
        kind : Kind
            Class that they get.
        event : int
            Number of the breakup.
        """
        ledger, n = self.batch.ledger, len(fragments)
        population = dataclasses.replace(
            fragments,
            norad_id=np.zeros(n, np.int64),
            kind=np.full(n, kind, np.int8),
            mission_end_year=np.full(n, np.inf),
            launch_year=np.full(n, fragments.epoch_year),
            controlled=np.zeros(n, np.int8),
            constellation=np.full(n, -1, np.int32),
            explodes_year=np.full(n, np.inf),
            born_year=np.full(n, fragments.epoch_year),
        )
        runs = np.full(n, run, np.int32)
        ledger.add_by_class("fragments", runs, population.kind, population.weight)
        ledger.transfer("fragments", run, population.weight.sum(), (population.weight * population.mass_kg).sum())
        uid = FRAGMENT_UID + (np.int64(event) << NUMBER_BITS) + np.arange(n)
        self.batch.members.add(run, uid, population, cause=np.full(n, event, np.int64))

    def record(self, event: Event, breakup: Breakup) -> None:
        """Add a breakup to the event table."""
        m, first, second = self.batch.members, event.first, event.second
        position = event.position_km
        self.batch.ledger.add_event(
            run=event.run,
            time=event.year,
            type=event.kind,
            id=event.number,
            first=m.uid[first],
            second=-1 if second is None else m.uid[second],
            first_norad=m.norad_id[first],
            second_norad=0 if second is None else m.norad_id[second],
            first_class=m.kind[first],
            second_class=-1 if second is None else m.kind[second],
            first_mass=m.mass_kg[first],
            second_mass=event.projectile_kg if second is None else m.mass_kg[second],
            speed=event.speed_km_s,
            energy=breakup.energy_j_g,
            altitude=event.altitude_km,
            latitude=np.arcsin(position[2] / np.linalg.norm(position)),
            fragments=len(breakup.mass_kg),
            first_cause=max(m.cause[first], 0),  # negative: a breakup before the start, which no table holds
            second_cause=0 if second is None else max(m.cause[second], 0),
            scheduled=event.scheduled,
        )
