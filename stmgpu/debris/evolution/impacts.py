"""What encounters do: probabilities, sampled collisions, expected fragments; explosions; fragments become objects.

Three ways to count collisions, from the same encounters of :class:`stmgpu.debris.collisions.cube.Cube`:

'sampled'
    A pair collides where its probability P exceeds a number drawn for it. Beside it stands the compensator, the running
    sum of P: N(t) minus its compensator is a martingale (Doob and Meyer), so both have the same expectation in every
    run, and the compensator varies less.
'expected'
    Nothing is drawn for the pair: with probability P it would have shed F fragments, so a number of fragments drawn
    from a Poisson law of mean P F is shed at once, and the weights of both parents shrink by the factor 1 - P. Given
    the population the expected fragments, masses and collisions of a step are those of the sampled way, and the
    variance of the number of fragments falls from P F^2 to P F, by the size of a breakup (about a thousand). The idea,
    virtual collisions everywhere and always with their effect scaled, is that of Zucchelli, Jang and Linares (2025,
    arXiv:2503.07904); the thinning by whole fragments is ours. Over time the mean of a product of weights is replaced
    by the product of means, so feedback beyond first order is biased: compare with 'sampled'.
'none'
    Rates are summed and nothing happens.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stmgpu.backend import Backend
from stmgpu.constants import EARTH
from stmgpu.debris import breakup, streams
from stmgpu.debris.breakup.model import Body, Breakup, Fragments
from stmgpu.debris.collisions.cube import Cube
from stmgpu.debris.collisions.encounters import Encounters
from stmgpu.debris.evolution.expected import Shedding
from stmgpu.debris.evolution.ledger import Ledger
from stmgpu.debris.evolution.members import Members
from stmgpu.debris.population.population import Kind, Population
from stmgpu.debris.scenario import Scenario
from stmgpu.debris.shells import shell_of
from stmgpu.debris.variables import CATASTROPHIC, CRATERING, EXPLOSION
from stmgpu.propagate import secular
from stmgpu.propagate.kepler import elements_of, states_of
from stmgpu.time import YEAR_DAYS

INTACT = (Kind.ACTIVE, Kind.DERELICT, Kind.ROCKET_BODY, Kind.MISSION_RELATED)
FARTHEST_KM = 384_400.0
"""Fragments with a higher apogee come under the Moon's influence and are not followed."""

_FRAGMENT_UID = 1 << 62
_NUMBER_BITS = 20


@dataclass(frozen=True)
class _Pair:
    """Two objects that meet, the heavier one first: slots, run, relative speed, states."""

    target: int
    projectile: int
    run: int
    speed: float
    position: tuple[NDArray[np.float64], NDArray[np.float64]]
    velocity: tuple[NDArray[np.float64], NDArray[np.float64]]


class Impacts:
    """Collisions and explosions of a batch of runs.

    Parameters
    ----------
    scenario
        what happens how often.
    members, book
        objects, and where it is written down.
    seed, run_numbers
        of the study, and the runs of this batch.
    backend
        where encounters are searched.
    """

    def __init__(
        self,
        scenario: Scenario,
        members: Members,
        book: Ledger,
        seed: int,
        run_numbers: NDArray[np.int64],
        backend: Backend,
    ) -> None:
        c = scenario.collisions
        self.scenario, self.members, self.book = scenario, members, book
        self.seed, self.run_numbers = seed, run_numbers
        self._cut = np.zeros(len(run_numbers))
        self.cube = Cube(
            backend, seed=seed, run_numbers=run_numbers, cube_km=c.cube_km, resamples=c.resamples, lattice=c.lattice
        )

    # ------------------------------------------------------------------------------------------------ collisions
    def step(self, step: int, year: float, dt_s: float) -> None:
        """Let a step's encounters happen."""
        if not self.scenario.collisions.enabled:
            return
        met = self.cube.encounters(self.members.state, step)
        if not len(met.first):
            return
        m, book = self.members, self.book
        i, j, run = met.first, met.second, met.run
        probability, avoided = self._probability(met, year, dt_s)
        altitude = np.sqrt(np.einsum("kx,kx->k", met.position_km, met.position_km)) - EARTH.radius_km
        shattered = breakup.is_catastrophic(m.mass_kg[i], m.mass_kg[j], met.speed_km_s)
        heavier = np.where(m.mass_kg[i] >= m.mass_kg[j], i, j)
        shed = breakup.expected_fragments(
            m.mass_kg[i],
            m.mass_kg[j],
            met.speed_km_s,
            min_length_m=self._smallest,
            max_length_m=m.length_m[heavier],
            rocket_body=m.kind[heavier] == Kind.ROCKET_BODY,
            bridge=self.scenario.breakups.bridge,
        )
        broken = {"catastrophic": probability * shattered, "cratering": probability * ~shattered}
        book.by_shell(
            run,
            altitude,
            {
                "expected_fragments": probability * shed,
                **{f"expected_{kind}": amount for kind, amount in broken.items()},
            },
        )
        np.add.at(book.flows["expected_avoided"], run, avoided * (shell_of(altitude) >= 0))
        estimator = self.scenario.collisions.estimator
        if estimator == "none":
            return
        drawn, events = streams.pair_draws(*met.words)
        if estimator == "sampled":
            for k in np.flatnonzero(drawn < probability):
                if m.present[i[k]] and m.present[j[k]]:
                    self._collide(met, int(k), int(events[k]), year, altitude[k])
        else:
            book.by_shell(run, altitude, {f"collisions_{kind}": amount for kind, amount in broken.items()})
            shedding = Shedding.of(m, met, probability, shed, shattered, drawn, events)
            for number in np.unique(run):
                self._shed(shedding, int(number), step, year)

    def _probability(self, met: Encounters, year: float, dt_s: float) -> tuple[Any, Any]:
        """Expected collisions [m] of each encounter in this step, and those that were avoided."""
        m, spec = self.members, self.scenario.collisions
        pair = np.stack([met.first, met.second])
        kind, cause, weight = m.kind[pair], m.cause[pair], m.weight[pair]
        siblings = (cause[0] == cause[1]) & (cause[0] != 0)
        if siblings.any():
            siblings &= year - m.born[pair].max(axis=0) < spec.protected_days / YEAR_DAYS
        rate = met.rate_per_s * dt_s * weight[0] * weight[1] * ~siblings
        steers, seen = (kind == Kind.ACTIVE) & (m.controlled[pair] != 0), m.length_m[pair] >= spec.trackable_m
        avoids = steers & seen[::-1]
        factor = np.where(
            steers[0] & steers[1], spec.avoidance_both, np.where(avoids[0] | avoids[1], spec.avoidance, 1.0)
        )
        spared = np.where(kind[::-1] <= Kind.MISSION_RELATED, m.avoidance[pair], 1.0)
        factor = factor * spared[0] * spared[1]
        probability = rate * factor
        np.maximum.at(self._cut, met.run, probability)
        return np.minimum(probability, 1.0), rate * (1.0 - factor)

    def notes(self, run: int) -> tuple[str, ...]:
        """What a reader of a run should know."""
        if self._cut[run] <= 1.0:
            return ()
        return (f"a probability of collision of {self._cut[run]:.3g} was cut to 1: take larger cells or shorter steps",)

    def _collide(self, met: Encounters, k: int, event: int, year: float, altitude: float) -> None:
        """One collision, and what is left of both objects."""
        m, pair = self.members, self._pair(met, k)
        run, speed = pair.run, pair.speed
        # of rows that stand for several objects one takes part; named from the end, where no fragment's name is
        last = _FRAGMENT_UID + (event << _NUMBER_BITS) + (1 << _NUMBER_BITS) - 1
        target, projectile = m.split(pair.target, last), m.split(pair.projectile, last - 1)
        found = breakup.collision(
            self._body(target),
            self._body(projectile),
            speed_km_s=speed,
            rng=self._generator(run, event),
            min_length_m=self._smallest,
            bridge=self.scenario.breakups.bridge,
        )
        self._note(
            run,
            year,
            CATASTROPHIC if found.catastrophic else CRATERING,
            event,
            target,
            projectile,
            found,
            altitude,
            met.position_km[k],
            speed,
        )
        self.book.by_shell(
            met.run[k : k + 1],
            np.array([altitude]),
            {"collisions_catastrophic" if found.catastrophic else "collisions_cratering": np.ones(1)},
        )
        carried = 0.5 * float(found.mass_kg @ (found.delta_v_km_s**2).sum(axis=1))
        available = 0.5 * speed**2 / (1.0 / m.mass_kg[target] + 1.0 / m.mass_kg[projectile])
        self.book.energy[run] = max(self.book.energy[run], carried / available - 1.0)
        gone = [target, projectile]
        rows = np.arange(len(found.mass_kg))
        if not found.catastrophic:
            rows = np.flatnonzero(~found.remnant)
            for side, slot in enumerate((target, projectile)):
                rest = np.flatnonzero(found.remnant & (found.parent == side))
                if len(rest):
                    gone.remove(slot)
                    self._survive(slot, found, int(rest[0]), pair.position[side], pair.velocity[side])
        self._destroy(run, gone, found)
        of = found.parent[rows].astype(np.int64)
        self._insert(
            run,
            found,
            rows,
            np.stack(pair.position)[of],
            np.stack(pair.velocity)[of],
            event,
            rows,
            year,
            Kind.COLLISION_FRAGMENT,
        )

    def _survive(
        self, slot: int, found: Breakup, row: int, position: NDArray[np.float64], velocity: NDArray[np.float64]
    ) -> None:
        """A cratered object goes on with the mass that is left, and with its recoil."""
        m = self.members
        before, after = float(m.mass_kg[slot]), float(found.mass_kg[row])
        m.mass_kg[slot] = after
        self.book.move("destroyed", int(m.run[slot]), 0.0, m.weight[slot] * (before - after))
        orbit = elements_of(position[None], (velocity + found.delta_v_km_s[row])[None])
        one = np.array([slot])
        if orbit[0][0] > 0.0 and orbit[1][0] < 1.0:
            for element, values in enumerate(orbit):
                m.set_orbit(element, one, values)
        if m.kind[slot] == Kind.ACTIVE:  # hit by something that it did not survive working
            m.kind[slot], m.controlled[slot], m.mission_end[slot] = Kind.DERELICT, 0, np.inf
            m.set_mode(one, secular.FREE)

    def _shed(self, shedding: Shedding, run: int, step: int, year: float) -> None:
        """The expected effect of a step's encounters in one run, see the head of this module."""
        spec = self.scenario.breakups
        rng = streams.generator(self.seed, int(self.run_numbers[run]), streams.BREAKUP, 0, step)
        rows = np.flatnonzero((shedding.run == run) & (shedding.probability > 0.0))
        counts = rng.poisson(shedding.probability[rows] * shedding.fragments[rows])
        of = np.repeat(rows, counts)
        bodies = shedding.bodies(self.members)
        if len(of):
            made = breakup.sample_fragments(
                len(of),
                total_mass_kg=bodies.ejected[of],
                rocket_body=bodies.rocket[of, 0],
                rng=rng,
                min_length_m=spec.min_length_m,
                max_length_m=bodies.length[of, 0],
                speed_km_s=shedding.speed[of],
                share=bodies.share[of],
                second_length_m=bodies.length[of, 1],
                second_rocket_body=bodies.rocket[of, 1],
                bridge=spec.bridge,
            )
            side = made.parent.astype(np.int64)
            number = np.arange(len(of)) - np.repeat(np.cumsum(counts) - counts, counts)
            self._insert(
                run,
                made,
                np.arange(len(of)),
                shedding.position[of, side],
                shedding.velocity[of, side],
                shedding.event[of],
                number,
                year,
                Kind.COLLISION_FRAGMENT,
            )
        for k in rows[shedding.remnants[rows]]:
            heavy, light = (self._body(int(slot)) for slot in shedding.slots[k])
            found = breakup.collision(
                heavy,
                light,
                speed_km_s=float(shedding.speed[k]),
                rng=rng,
                min_length_m=spec.min_length_m,
                bridge=spec.bridge,
            )
            large = np.flatnonzero(found.remnant)
            side = found.parent[large].astype(np.int64)
            # numbered from the end, where no fragment of the same event is
            self._insert(
                run,
                found,
                large,
                shedding.position[k, side],
                shedding.velocity[k, side],
                shedding.event[k],
                (1 << _NUMBER_BITS) - 1 - np.arange(len(large)),
                year,
                Kind.COLLISION_FRAGMENT,
            )
        shedding.take_losses(self.members, self.book, bodies, rows)

    def _pair(self, met: Encounters, k: int) -> _Pair:
        """One encounter with its heavier object first."""
        i, j = int(met.first[k]), int(met.second[k])
        sides = [(i, met.r_first[k], met.v_first[k]), (j, met.r_second[k], met.v_second[k])]
        if self.members.mass_kg[j] > self.members.mass_kg[i]:
            sides.reverse()
        (target, r0, v0), (projectile, r1, v1) = sides
        return _Pair(target, projectile, int(met.run[k]), float(met.speed_km_s[k]), (r0, r1), (v0, v1))

    # ------------------------------------------------------------------------------------------------ explosions
    def explode(self, slots: NDArray[np.int64], year: float) -> None:
        """Explode these objects."""
        m = self.members
        for slot in slots[np.lexsort((m.uid[slots], m.run[slots]))]:
            run = int(m.run[slot])
            nothing = np.zeros(1, np.int64)
            one = slice(int(slot), int(slot) + 1)
            drawn, events = streams.pair_draws(
                *streams.pair_words(
                    self.seed, self.run_numbers[m.run[one]], streams.EXPLOSION, 0, nothing, m.uid[one], nothing
                )
            )
            event = int(events[0])
            if drawn[0] >= m.weight[slot]:  # what is there in part has fragments in as many cases, and is gone in all
                self.book.by_class("explosions", m.run[one], m.kind[one], m.weight[one])
                self.book.move("destroyed", run, m.weight[one].sum(), (m.weight[one] * m.mass_kg[one]).sum())
                m.drop(slots[slots == slot])
                continue
            found = breakup.explosion(
                self._body(int(slot)),
                scale=self.scenario.explosions.scale,
                rng=self._generator(run, event),
                min_length_m=self._smallest,
                bridge=self.scenario.breakups.bridge,
            )
            r, v = self._state_of(int(slot), run, event)
            self._note(
                run, year, EXPLOSION, event, int(slot), -1, found, float(np.linalg.norm(r)) - EARTH.radius_km, r, 0.0
            )
            self.book.by_class("explosions", m.run[one], m.kind[one], m.weight[one])
            self._destroy(run, [int(slot)], found)
            rows = np.arange(len(found.mass_kg))
            here, moving = (np.broadcast_to(x, (len(rows), 3)) for x in (r, v))
            self._insert(run, found, rows, here, moving, event, rows, year, Kind.EXPLOSION_FRAGMENT)

    def _state_of(self, slot: int, run: int, event: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Where an object is when it explodes: anywhere on its orbit."""
        a, e, i, raan, argp = self.members.orbits(np.array([slot]))[:5]
        anomaly = self._generator(run, event + 1).uniform(0.0, 2.0 * np.pi, 1)
        r, v = states_of(a, e, i, raan, argp, anomaly)
        return r[0], v[0]

    # ------------------------------------------------------------------------------------------------- fragments
    def _destroy(self, run: int, slots: list[int], found: Breakup) -> None:
        """Take away what broke up, and write down how well the breakup closed."""
        m, book, gone = self.members, self.book, np.array(slots, np.int64)
        book.move("destroyed", run, m.weight[gone].sum(), (m.weight[gone] * m.mass_kg[gone]).sum())
        m.drop(gone)
        book.momentum[run] = max(book.momentum[run], found.momentum_residual)
        book.closure[run] = max(book.closure[run], abs(found.closure))

    def _insert(
        self,
        run: int,
        found: Fragments,
        rows: NDArray[np.int64],
        position: NDArray[np.float64],
        velocity: NDArray[np.float64],
        event: Any,
        number: NDArray[np.int64],
        year: float,
        kind: Kind,
    ) -> None:
        """Put fragments into orbit; those that fall or fly away at once are written down as decayed.

        ``position`` and ``velocity`` [rows, 3] are those of their parents, ``number`` counts within their event.
        """
        book, count = self.book, len(rows)
        r, v = position, velocity + found.delta_v_km_s[rows]
        a, e, i, raan, argp, mean = elements_of(r, v)
        perigee = a * (1.0 - e) - EARTH.radius_km
        stays = (a > 0.0) & (e < 1.0) & (a * (1.0 + e) < FARTHEST_KM) & (perigee > self.scenario.propagation.decay_km)
        kinds = np.full(count, kind, np.int8)
        mass = found.mass_kg[rows]
        runs = np.full(count, run, np.int32)
        book.by_class("fragments", runs, kinds, np.ones(count))
        book.move("fragments", run, float(count), mass.sum())
        book.by_class("decays", runs[~stays], kinds[~stays], np.ones(int((~stays).sum())))
        book.move("decayed", run, float((~stays).sum()), mass[~stays].sum())
        kept = np.flatnonzero(stays)
        if not len(kept):
            return
        n = len(kept)
        zero, none = np.zeros(n, np.int64), np.full(n, np.inf)
        population = Population(
            epoch_year=year,
            norad_id=zero,
            kind=kinds[kept],
            a_km=a[kept],
            ecc=e[kept],
            inc_rad=i[kept],
            raan_rad=raan[kept],
            argp_rad=argp[kept],
            mean_rad=mean[kept],
            mass_kg=mass[kept],
            radius_m=np.sqrt(found.area_m2[rows][kept] / np.pi),
            area_to_mass=found.area_to_mass[rows][kept],
            length_m=found.length_m[rows][kept],
            launch_year=np.full(n, year),
            mission_end_year=none,
            controlled=np.zeros(n, np.int8),
            constellation=np.full(n, -1, np.int32),
            owner=np.full(n, ""),
            weight=np.ones(n),
            filled=np.zeros(n, np.int8),
        )
        cause = np.broadcast_to(np.asarray(event, np.int64), (count,))[kept]
        self.members.add(run, _FRAGMENT_UID + (cause << _NUMBER_BITS) + number[kept], population, cause=cause)

    def _note(
        self,
        run: int,
        year: float,
        kind: int,
        event: int,
        first: int,
        second: int,
        found: Breakup,
        altitude: float,
        position: NDArray[np.float64],
        speed: float,
    ) -> None:
        m = self.members
        other = second >= 0
        self.book.event(
            run=run,
            time=year,
            type=kind,
            id=event,
            first=m.uid[first],
            second=m.uid[second] if other else -1,
            first_norad=m.norad_id[first],
            second_norad=m.norad_id[second] if other else 0,
            first_class=m.kind[first],
            second_class=m.kind[second] if other else -1,
            first_mass=m.mass_kg[first],
            second_mass=m.mass_kg[second] if other else 0.0,
            speed=speed,
            energy=found.energy_j_g,
            altitude=altitude,
            latitude=np.arcsin(position[2] / np.linalg.norm(position)),
            fragments=len(found.mass_kg),
            first_cause=m.cause[first],
            second_cause=m.cause[second] if other else 0,
        )

    # ---------------------------------------------------------------------------------------------------- details
    @property
    def _smallest(self) -> float:
        return self.scenario.breakups.min_length_m

    def _body(self, slot: int) -> Body:
        m = self.members
        return Body(float(m.mass_kg[slot]), float(m.length_m[slot]), rocket_body=bool(m.kind[slot] == Kind.ROCKET_BODY))

    def _generator(self, run: int, event: int) -> np.random.Generator:
        return streams.generator(self.seed, int(self.run_numbers[run]), streams.BREAKUP, event)
