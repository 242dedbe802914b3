"""The collision estimator 'expected': every encounter has its expected effect.

With probability P a pair would have shed F fragments, so a number of fragments drawn from a Poisson law of mean P F is
shed at once, and the weights of both parents shrink by the factor 1 - P. Given the population, the expected fragments,
masses and collisions of a step are those of the estimator 'sampled', and the variance of the number of fragments falls
from P F^2 to P F, by the size of a breakup (about a thousand).

Virtual collisions at every encounter, with their effect scaled by their probability, are due to Zucchelli, Jang and
Linares (2025, arXiv:2503.07904); thinning by whole fragments is ours. Over time the mean of a product of weights is
replaced by the product of means, so feedback beyond first order is biased: compare with 'sampled'.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.debris import breakup, streams
from stmgpu.debris.evolution.breakups import NUMBER_BITS, Breakups, Origin
from stmgpu.debris.population.population import Kind

if TYPE_CHECKING:
    from stmgpu.debris.collisions.encounters import Encounters
    from stmgpu.debris.evolution.batch import Batch
    from stmgpu.debris.evolution.ledger import Ledger
    from stmgpu.debris.evolution.members import Members
    from stmgpu.typing import Bools, Floats, Ints


@dataclass(frozen=True)
class Odds:
    """Possible outcomes of m encounters, each of shape (m,).

    Attributes
    ----------
    probability : ndarray of float64
        Expected collisions in the step, at most 1.
    fragments : ndarray of float64
        Expected fragments of one collision.
    catastrophic : ndarray of bool
        Whether a collision would be catastrophic.
    drawn : ndarray of float64
        Random numbers in (0, 1).
    event : ndarray of int64
        Event numbers.
    """

    probability: Floats
    fragments: Floats
    catastrophic: Bools
    drawn: Floats
    event: Ints


@dataclass(frozen=True)
class Bodies:
    """Bodies of m encounters, the heavier one first.

    Attributes
    ----------
    mass, length, rocket : ndarray of float64 or ndarray of bool
        Mass [kg], characteristic length [m], and whether it is a rocket body, shape (m, 2).
    ejected, share : ndarray of float64
        Ejecta mass M of the breakup model [kg], and the share of it that comes from the lighter body, shape (m,).
    """

    mass: Floats
    length: Floats
    rocket: Bools
    ejected: Floats
    share: Floats


@dataclass(frozen=True)
class Effects:
    """Encounters of one step with their expected effect.

    Attributes
    ----------
    odds : float
        Possible outcomes.
    run : ndarray of int64
        Run of each encounter, shape (m,).
    slots : ndarray of int64
        Objects, the heavier one first, shape (m, 2).
    remnants : ndarray of bool
        Whether the large remnants of a catastrophic collision are put into orbit, with probability P, shape (m,).
    speed : ndarray of float64
        Relative speed [km/s], shape (m,).
    position, velocity : ndarray of float64
        States of the objects [km, km/s], shape (m, 2, 3).
    """

    odds: Odds
    run: Ints
    slots: Ints
    remnants: Bools
    speed: Floats
    position: Floats
    velocity: Floats

    @staticmethod
    def of(members: Members, encounters: Encounters, odds: Odds) -> Effects:
        """Order the objects of every encounter, the heavier one first."""
        first, second = encounters.first, encounters.second
        swap = members.mass_kg[second] > members.mass_kg[first]
        slots = np.where(swap[:, None], np.stack([second, first], axis=1), np.stack([first, second], axis=1))
        position, velocity = (
            np.where(swap[:, None, None], np.stack([two, one], axis=1), np.stack([one, two], axis=1))
            for one, two in (
                (encounters.r_first, encounters.r_second),
                (encounters.v_first, encounters.v_second),
            )
        )
        return Effects(
            odds=odds,
            run=encounters.run,
            slots=slots,
            remnants=odds.catastrophic & (odds.drawn < odds.probability),
            speed=encounters.speed_km_s,
            position=position,
            velocity=velocity,
        )

    def bodies(self, members: Members) -> Bodies:
        """Return the bodies of all encounters, before the losses of the step are taken."""
        mass = members.mass_kg[self.slots]
        ejected = np.asarray(breakup.ejecta_mass(mass[:, 0], mass[:, 1], self.speed))
        # a cratering collision ejects as much of the target as of the projectile, at most all of the projectile
        lighter = np.where(self.odds.catastrophic, mass[:, 1], np.minimum(mass[:, 1], 0.5 * ejected))
        share = np.divide(lighter, ejected, out=np.full(len(mass), 0.5), where=ejected > 0.0)
        return Bodies(mass, members.length_m[self.slots], members.kind[self.slots] == Kind.ROCKET_BODY, ejected, share)

    def take_losses(self, members: Members, ledger: Ledger, bodies: Bodies, rows: Ints) -> None:
        """Take their expected losses from the objects of some encounters.

        An object that would be destroyed loses weight, one that would be cratered loses mass. An object of several
        encounters in one step loses the sum, at most all it has (half its mass where it is cratered).
        """
        catastrophic = self.odds.catastrophic
        lost = np.stack(
            [
                np.where(catastrophic, bodies.mass[:, 0], (1.0 - bodies.share) * bodies.ejected),
                bodies.share * bodies.ejected,
            ],
            axis=1,
        )[rows]
        slots, probability = self.slots[rows], self.odds.probability[rows]
        whole = lost >= bodies.mass[rows] * (1.0 - 1e-12)  # equal but for rounding
        for destroyed in (True, False):
            which = whole == destroyed
            touched, place = np.unique(slots[which], return_inverse=True)
            if not len(touched):
                continue
            weight, mass = members.weight[touched], members.mass_kg[touched]
            run = members.run[touched]
            probabilities = np.broadcast_to(probability[:, None], slots.shape)[which]
            if destroyed:
                left = np.maximum(weight - _sums(place, probabilities, len(touched)), 0.0)
                ledger.transfer("destroyed", run, weight - left, (weight - left) * mass)
                members.set_weight(touched, left)
            else:
                kilograms = _sums(place, probabilities * lost[which], len(touched)) / np.maximum(weight, 1e-300)
                members.mass_kg[touched] = np.maximum(mass - kilograms, 0.5 * mass)
                ledger.transfer("destroyed", run, 0.0, weight * (mass - members.mass_kg[touched]))


class ExpectedCollisions:
    """Applies the expected effect of encounters to a batch."""

    def __init__(self, batch: Batch, breakups: Breakups) -> None:
        self.batch, self.breakups = batch, breakups

    def apply(self, encounters: Encounters, odds: Odds, *, step: int, years: Floats) -> None:
        """Shed the expected fragments of the encounters between two moves, and take the losses of their parents.

        Fragments are drawn run by run, keyed by the first ``step``; ``years`` are the dates of the encounters.
        """
        effects = Effects.of(self.batch.members, encounters, odds)
        bodies = effects.bodies(self.batch.members)  # of all runs: what happens in one does not touch another
        possible = odds.probability > 0.0
        for run in np.unique(encounters.run).tolist():
            rng = self.batch.generator(run, streams.BREAKUP, 0, step)
            rows = np.flatnonzero((effects.run == run) & possible)
            self._shed(effects, bodies, rows, rng, years)
            self._insert_remnants(effects, rows[effects.remnants[rows]], rng, years)
            effects.take_losses(self.batch.members, self.batch.ledger, bodies, rows)

    def _shed(self, effects: Effects, bodies: Bodies, rows: Ints, rng: np.random.Generator, years: Floats) -> None:
        """Draw a Poisson number of fragments for every encounter, and insert them."""
        odds = effects.odds
        counts = rng.poisson(odds.probability[rows] * odds.fragments[rows])
        encounter = np.repeat(rows, counts)
        if not len(encounter):
            return
        fragments = breakup.sample_fragments(
            len(encounter),
            total_mass_kg=bodies.ejected[encounter],
            rocket_body=bodies.rocket[encounter, 0],
            rng=rng,
            max_length_m=bodies.length[encounter, 0],
            speed_km_s=effects.speed[encounter],
            share=bodies.share[encounter],
            second_length_m=bodies.length[encounter, 1],
            second_rocket_body=bodies.rocket[encounter, 1],
            **self.breakups.options,
        )
        side = fragments.parent.astype(np.int64)
        origin = Origin(
            run=int(effects.run[rows[0]]),
            year=years[encounter],
            kind=Kind.COLLISION_FRAGMENT,
            event=odds.event[encounter],
            number=np.arange(len(encounter)) - np.repeat(np.cumsum(counts) - counts, counts),
            position_km=effects.position[encounter, side],
            velocity_km_s=effects.velocity[encounter, side],
        )
        self.breakups.insert(fragments, np.arange(len(encounter)), origin)

    def _insert_remnants(self, effects: Effects, rows: Ints, rng: np.random.Generator, years: Floats) -> None:
        """Insert the large remnants of the catastrophic collisions among the encounters that are drawn to happen.

        A few heavy pieces cannot be thinned like fragments, so they appear whole, with probability P.
        """
        for k in rows.tolist():
            heavy, light = (self.breakups.body(int(slot)) for slot in effects.slots[k])
            outcome = breakup.collision(
                heavy, light, speed_km_s=float(effects.speed[k]), rng=rng, **self.breakups.options
            )
            large = np.flatnonzero(outcome.remnant)
            side = outcome.parent[large].astype(np.int64)
            origin = Origin(
                run=int(effects.run[k]),
                year=float(years[k]),
                kind=Kind.COLLISION_FRAGMENT,
                event=int(effects.odds.event[k]),
                number=(1 << NUMBER_BITS) - 1 - np.arange(len(large)),  # from the end, unused by other fragments
                position_km=effects.position[k, side],
                velocity_km_s=effects.velocity[k, side],
            )
            self.breakups.insert(outcome, large, origin)


def _sums(place: Ints, values: Floats, count: int) -> Floats:
    """Sum values by place."""
    sums: Floats = np.bincount(place, values, count).astype(np.float64)
    return sums
