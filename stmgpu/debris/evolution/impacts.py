"""Collisions in a batch: probabilities, and their outcome by one of three estimators.

All estimators start from the encounters of :class:`stmgpu.debris.collisions.cube.Cube`:

'sampled'
    A pair collides if its probability P exceeds a random number. The compensator, the running sum of P, is recorded
    too: the number of collisions minus its compensator is a martingale (Doob and Meyer), so both have the same
    expectation in every run, and the compensator has the smaller variance.
'expected'
    Every encounter has its expected effect, see :mod:`stmgpu.debris.evolution.expected`.
'none'
    Probabilities are summed and nothing breaks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.constants import EARTH
from stmgpu.debris import breakup, streams
from stmgpu.debris.collisions.cube import Cube
from stmgpu.debris.evolution.breakups import FRAGMENT_UID, NUMBER_BITS, Breakups, Event, Origin
from stmgpu.debris.evolution.expected import ExpectedCollisions, Odds
from stmgpu.debris.evolution.operators import count_encounters
from stmgpu.debris.population.population import Kind
from stmgpu.debris.shells import shell_of
from stmgpu.debris.variables import CATASTROPHIC, CRATERING
from stmgpu.time import YEAR_DAYS, YEAR_S

if TYPE_CHECKING:
    from stmgpu.debris.collisions.encounters import Encounters
    from stmgpu.debris.evolution.batch import Batch
    from stmgpu.typing import Floats


@dataclass(frozen=True)
class _Pair:
    """Two objects that collide, the heavier one first: slots, run, relative speed [km/s], states [km, km/s]."""

    target: int
    projectile: int
    run: int
    speed: float
    position: tuple[Floats, Floats]
    velocity: tuple[Floats, Floats]


class Impacts:
    """Collisions of a batch of runs."""

    def __init__(self, batch: Batch) -> None:
        self.batch, self.breakups = batch, Breakups(batch)
        self.expected = ExpectedCollisions(batch, self.breakups)
        self._largest_probability = np.zeros(len(batch))
        spec = batch.scenario.collisions
        self.cube = Cube(
            batch.members.backend,
            seed=batch.seed,
            run_numbers=batch.run_numbers,
            cube_km=spec.cube_km,
            resamples=spec.resamples,
            lattice=spec.lattice,
        )

    def meet(self, step: int, *, steps: int, year: float, dt_s: float) -> None:
        """Find the encounters of some steps between two moves and apply their outcome.

        Parameters
        ----------
        step : int
            Number of the first step.
        steps : int
            Number of steps.
        year : float
            Decimal year of the elements, at which the first step begins.
        dt_s : float
            Length of a step [s].
        """
        spec, m, ledger = self.batch.scenario.collisions, self.batch.members, self.batch.ledger
        if not spec.enabled:
            return
        encounters = self.cube.encounters(m.state, step, steps=steps, interval_s=dt_s)
        if not len(encounters.first):
            return
        i, j, run = encounters.first, encounters.second, encounters.run
        years = np.asarray(year + (encounters.step + 1.0) * (dt_s / YEAR_S), np.float64)
        probability, avoided, steered = self._probability(encounters, years, dt_s)
        altitude = np.sqrt(np.einsum("kx,kx->k", encounters.position_km, encounters.position_km)) - EARTH.radius_km
        catastrophic = breakup.is_catastrophic(m.mass_kg[i], m.mass_kg[j], encounters.speed_km_s)
        heavier = np.where(m.mass_kg[i] >= m.mass_kg[j], i, j)
        fragments = breakup.expected_fragments(
            m.mass_kg[i],
            m.mass_kg[j],
            encounters.speed_km_s,
            max_length_m=m.length_m[heavier],
            rocket_body=m.kind[heavier] == Kind.ROCKET_BODY,
            **self.breakups.options,
        )
        # the compensator is recorded whatever the estimator: it is the variance-reduced count of collisions
        by_type = {"catastrophic": probability * catastrophic, "cratering": probability * ~catastrophic}
        compensator = {f"expected_{name}": amount for name, amount in by_type.items()}
        ledger.add_by_shell(run, altitude, {"expected_fragments": probability * fragments, **compensator})
        inside = shell_of(altitude) >= 0
        np.add.at(ledger.flows["expected_avoided"], run, avoided * inside)
        fleet = (m.constellation[i] == m.constellation[j]) & (m.constellation[i] >= 0)
        fleet &= (m.kind[i] == Kind.DERELICT) & (m.kind[j] == Kind.DERELICT)
        np.add.at(ledger.flows["expected_within_fleets"], run, probability * (inside & fleet))
        count_encounters(ledger, m, encounters, probability=probability, steered=steered, altitude_km=altitude)
        if spec.estimator == "none":
            return
        # a number in (0, 1) and an event number for each pair, keyed by its uids: the same in every scenario
        drawn, events = streams.pair_draws(*encounters.words)
        if spec.estimator == "sampled":
            for k in np.flatnonzero(drawn < probability).tolist():
                if m.present[i[k]] and m.present[j[k]]:  # an earlier collision of this step may have destroyed one
                    self._collide(encounters, k, int(events[k]), float(years[k]), altitude[k])
        else:
            hits = (m.kind[i] == Kind.ACTIVE).astype(np.float64) + (m.kind[j] == Kind.ACTIVE)
            sums = {f"collisions_{name}": amount for name, amount in by_type.items()}
            ledger.add_by_shell(run, altitude, {**sums, "active_losses": probability * hits})
            odds = Odds(probability, fragments, catastrophic, drawn, events)
            self.expected.apply(encounters, odds, step=step, years=years)

    def notes(self, run: int) -> tuple[str, ...]:
        """Return the warnings of a run."""
        largest = self._largest_probability[run]
        if largest <= 1.0:
            return ()
        return (f"a collision probability of {largest:.3g} was limited to 1: use larger cells or shorter steps",)

    def _probability(self, encounters: Encounters, years: Floats, dt_s: float) -> tuple[Floats, Floats, Floats]:
        """Return the expected collisions of each encounter in its step, those avoided, and those by operators alone.

        The rate of Cube (Liou et al. 2003) is that of two single objects, so it is multiplied with both weights.
        """
        m, spec = self.batch.members, self.batch.scenario.collisions
        pair = np.stack([encounters.first, encounters.second])
        kind, cause, weight = m.kind[pair], m.cause[pair], m.weight[pair]
        # Fragments of one event leave the same point: until their orbits have spread, the assumption of independent
        # anomalies behind Cube does not hold for them.
        siblings = (cause[0] == cause[1]) & (cause[0] != 0)
        if siblings.any():
            siblings &= years - m.born[pair].max(axis=0) < spec.protected_days / YEAR_DAYS
        rate = encounters.rate_per_s * dt_s * weight[0] * weight[1] * ~siblings
        # a controlled object (active, or being lowered) avoids what can be tracked; two of them coordinate
        steers, trackable = m.controlled[pair] != 0, m.length_m[pair] >= spec.trackable_m
        avoids = steers & trackable[::-1]
        kept = np.where(
            steers[0] & steers[1], spec.avoidance_both, np.where(avoids[0] | avoids[1], spec.avoidance, 1.0)
        )
        # policies may keep an object out of the way of intact ones (just-in-time avoidance)
        spared = np.where(kind[::-1] <= Kind.MISSION_RELATED, m.avoidance[pair], 1.0)
        factor = kept * spared[0] * spared[1]
        probability = rate * factor
        np.maximum.at(self._largest_probability, encounters.run, probability)
        return np.minimum(probability, 1.0), rate * (1.0 - factor), rate * (1.0 - kept)

    def _collide(self, encounters: Encounters, k: int, event: int, year: float, altitude: float) -> None:
        """Break up the objects of encounter k."""
        batch, m, pair = self.batch, self.batch.members, self._pair(encounters, k)
        run, speed = pair.run, pair.speed
        # Of a row that stands for several objects one takes part. It is numbered from the end of the event's range,
        # which fragments, numbered from 0, do not reach.
        last = FRAGMENT_UID + (event << NUMBER_BITS) + (1 << NUMBER_BITS) - 1
        target, projectile = m.split(pair.target, last), m.split(pair.projectile, last - 1)
        outcome = breakup.collision(
            self.breakups.body(target),
            self.breakups.body(projectile),
            speed_km_s=speed,
            rng=self.breakups.generator(run, event),
            **self.breakups.options,
        )
        kind = CATASTROPHIC if outcome.catastrophic else CRATERING
        position = encounters.position_km[k]
        self.breakups.record(Event(run, year, kind, event, target, projectile, position, altitude, speed), outcome)
        name = "collisions_catastrophic" if outcome.catastrophic else "collisions_cratering"
        hits = np.array([np.sum(m.kind[[target, projectile]] == Kind.ACTIVE)], np.float64)
        batch.ledger.add_by_shell(
            encounters.run[k : k + 1], np.array([altitude]), {name: np.ones(1), "active_losses": hits}
        )
        # Energy that the fragments carry in the frame of their parents, over that of the impact in the frame of the
        # centre of mass, m1 m2 / (m1 + m2) v^2 / 2: above 1 the breakup model would create energy.
        carried = 0.5 * float(outcome.mass_kg @ (outcome.delta_v_km_s**2).sum(axis=1))
        available = 0.5 * speed**2 / (1.0 / m.mass_kg[target] + 1.0 / m.mass_kg[projectile])
        batch.ledger.energy[run] = max(batch.ledger.energy[run], carried / available - 1.0)
        destroyed = [target, projectile]
        rows = np.arange(len(outcome.mass_kg))
        if not outcome.catastrophic:
            # the remnant of a cratered object is the object itself, with less mass, so it keeps its slot and its uid
            rows = np.flatnonzero(~outcome.remnant)
            for side, slot in enumerate((target, projectile)):
                remnant = np.flatnonzero(outcome.remnant & (outcome.parent == side))
                if len(remnant):
                    destroyed.remove(slot)
                    self.breakups.crater(slot, outcome, int(remnant[0]), pair.position[side], pair.velocity[side])
        self.breakups.destroy(run, destroyed, outcome)
        parent = outcome.parent[rows].astype(np.int64)
        positions, velocities = np.stack(pair.position)[parent], np.stack(pair.velocity)[parent]
        self.breakups.insert(
            outcome, rows, Origin(run, year, Kind.COLLISION_FRAGMENT, event, rows, positions, velocities)
        )

    def _pair(self, encounters: Encounters, k: int) -> _Pair:
        """Return encounter k with its heavier object first."""
        mass, i, j = self.batch.members.mass_kg, int(encounters.first[k]), int(encounters.second[k])
        sides = [
            (i, encounters.r_first[k], encounters.v_first[k]),
            (j, encounters.r_second[k], encounters.v_second[k]),
        ]
        if mass[j] > mass[i]:
            sides.reverse()
        (target, r0, v0), (projectile, r1, v1) = sides
        return _Pair(target, projectile, int(encounters.run[k]), float(encounters.speed_km_s[k]), (r0, r1), (v0, v1))
