"""Encounters with their expected effect, as columns; see ``impacts``, estimator 'expected'."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stmgpu.debris import breakup
from stmgpu.debris.collisions.encounters import Encounters
from stmgpu.debris.evolution.ledger import Ledger
from stmgpu.debris.evolution.members import Members
from stmgpu.debris.population.population import Kind

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Bodies:
    """What breaks in each encounter: mass [kg], length [m] and whether it is a rocket body, [m, 2], the heavier one
    first; M of the breakup model [kg] and the share of it that the lighter one gives, [m]."""

    mass: Floats
    length: Floats
    rocket: NDArray[np.bool_]
    ejected: Floats
    share: Floats


@dataclass(frozen=True)
class Shedding:
    """m encounters of one step.

    Attributes
    ----------
    run, event
        [m].
    slots
        [m, 2], the heavier object first.
    probability, fragments
        expected collisions in the step, and fragments of one [m].
    shattered, remnants
        whether a collision would be catastrophic, and whether its large remnants are put into orbit [m].
    speed
        km/s [m].
    position, velocity
        km, km/s [m, 2, 3].
    """

    run: NDArray[np.int64]
    event: NDArray[np.int64]
    slots: NDArray[np.int64]
    probability: Floats
    fragments: Floats
    shattered: NDArray[np.bool_]
    remnants: NDArray[np.bool_]
    speed: Floats
    position: Floats
    velocity: Floats

    @staticmethod
    def of(
        members: Members,
        met: Encounters,
        probability: Floats,
        fragments: Floats,
        shattered: NDArray[np.bool_],
        drawn: Floats,
        event: NDArray[np.int64],
    ) -> Shedding:
        """The encounters of a step, the heavier object of each first."""
        swap = members.mass_kg[met.second] > members.mass_kg[met.first]
        slots = np.where(
            swap[:, None], np.stack([met.second, met.first], axis=1), np.stack([met.first, met.second], axis=1)
        )
        position, velocity = (
            np.where(swap[:, None, None], np.stack([two, one], axis=1), np.stack([one, two], axis=1))
            for one, two in ((met.r_first, met.r_second), (met.v_first, met.v_second))
        )
        return Shedding(
            met.run,
            event,
            slots,
            probability,
            fragments,
            shattered,
            shattered & (drawn < probability),
            met.speed_km_s,
            position,
            velocity,
        )

    def bodies(self, members: Members) -> Bodies:
        """What breaks, before the step's losses are taken."""
        mass = members.mass_kg[self.slots]
        ejected = np.asarray(breakup.ejecta_mass(mass[:, 0], mass[:, 1], self.speed))
        lighter = np.where(self.shattered, mass[:, 1], np.minimum(mass[:, 1], 0.5 * ejected))
        share = np.divide(lighter, ejected, out=np.full(len(mass), 0.5), where=ejected > 0.0)
        return Bodies(mass, members.length_m[self.slots], members.kind[self.slots] == Kind.ROCKET_BODY, ejected, share)

    def take_losses(self, members: Members, book: Ledger, bodies: Bodies, rows: NDArray[np.int64]) -> None:
        """Take from the objects of these encounters what they are expected to lose.

        An object that would be destroyed loses weight, one that would be cratered loses mass. An object of several
        encounters in one step loses the sum, at most all it has (half its mass where it is cratered).
        """
        lost = np.stack(
            [
                np.where(self.shattered, bodies.mass[:, 0], (1.0 - bodies.share) * bodies.ejected),
                bodies.share * bodies.ejected,
            ],
            axis=1,
        )[rows]
        slots, chance = self.slots[rows], self.probability[rows]
        whole = lost >= bodies.mass[rows] * (1.0 - 1e-12)
        for destroyed in (True, False):
            which = whole == destroyed
            touched, place = np.unique(slots[which], return_inverse=True)
            if not len(touched):
                continue
            weight, mass = members.weight[touched], members.mass_kg[touched]
            run = members.run[touched]
            chances = np.broadcast_to(chance[:, None], slots.shape)[which]
            if destroyed:
                left = np.maximum(weight - _summed(place, chances, len(touched)), 0.0)
                book.move("destroyed", run, weight - left, (weight - left) * mass)
                members.set_weight(touched, left)
            else:
                kilograms = _summed(place, chances * lost[which], len(touched)) / np.maximum(weight, 1e-300)
                members.mass_kg[touched] = np.maximum(mass - kilograms, 0.5 * mass)
                book.move("destroyed", run, 0.0, weight * (mass - members.mass_kg[touched]))


def _summed(place: Any, values: Floats, count: int) -> Floats:
    total: Floats = np.bincount(place, values, count).astype(np.float64)
    return total
