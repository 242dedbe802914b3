"""Orbits that bring two objects together, most likely under their errors, in NumPy: the twin of ``overlap.cu``.

With means E, covariances Q, states x(E) and derivatives J of the positions, the next orbits are E1 - Q1 J1' M w and
E2 + Q2 J2' M w, where M is the inverse of the combined covariance of position along its principal axes, and w leads to
the mean relative position from the point of the sphere that is nearest in sigmas.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.risk import equinoctial, rate3d_kernels, rate3d_reference
from stmgpu.risk.overlap_kernels import EVEN, FAR, LONGEST_M, LOOSE, TURNS
from stmgpu.risk.rotations import local_axes, turned

if TYPE_CHECKING:
    import numpy.typing as npt

    from stmgpu.backend import Backend
    from stmgpu.typing import Floats

    Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Orbits:
    """As :class:`stmgpu.risk.overlap_kernels.Orbits`, with the relative states."""

    far: Floats
    state: Floats
    covariance: Floats


class Overlaps:
    """As :class:`stmgpu.risk.overlap_kernels.Overlaps`."""

    def __init__(self, states: list[Floats], covariances: list[Floats], radius_m: Floats, backend: Backend) -> None:
        del backend  # runs no kernels
        self._radius = radius_m
        self._sense = [equinoctial.sense_of(x) for x in states]
        self._mean = [equinoctial.elements(x, s) for x, s in zip(states, self._sense, strict=True)]
        self._spread = []
        for state, orbit, sense, own in zip(states, self._mean, self._sense, covariances, strict=True):
            by_state = equinoctial.inverse_jacobian(orbit, equinoctial.jacobian(orbit, 0.0, sense))
            covariance = turned(local_axes("RTN", state), own)
            self._spread.append(by_state @ covariance @ by_state.transpose(0, 2, 1))

    def orbits(self, pair: Integers, time_s: Floats) -> Orbits:
        """The orbits at times of pairs, shapes (k,) and (k, w)."""
        at, times = np.repeat(pair, time_s.shape[1]), time_s.ravel()
        mean, spread, sense = ([x[at] for x in each] for each in (self._mean, self._spread, self._sense))
        radius, orbit, n = self._radius[at], [x.copy() for x in mean], len(at)
        far, last, open_ = np.full(n, np.inf), np.full(n, np.inf), np.arange(n)
        with np.errstate(all="ignore"):
            for _ in range(TURNS):
                k = open_
                here = [x[k] for x in orbit]
                means, spreads, senses = ([x[k] for x in each] for each in (mean, spread, sense))
                state, covariance, partials = _relative(here, means, spreads, senses, times[k])
                pull, now = _towards(state, covariance, radius[k])
                even = np.abs(now - last[k]) < EVEN + LOOSE * np.maximum(now - FAR, 0.0)
                far[k[even]] = now[even]
                last[k] = now
                for i, sign in ((0, -1.0), (1, 1.0)):
                    aim = mean[i][k] + sign * np.einsum("nij,nkj,nk->ni", spread[i][k], partials[i][:, :3], pull)
                    change = aim - here[i]
                    length = np.linalg.norm(np.einsum("nij,nj->ni", partials[i][:, :3], change), axis=1)
                    orbit[i][k] += change * np.minimum(1.0, LONGEST_M / np.maximum(length, 1.0))[:, np.newaxis]
                open_ = k[~even & np.isfinite(now)]
                if not len(open_):
                    break
            state, covariance, _ = _relative(orbit, mean, spread, sense, times)
        shape = time_s.shape
        return Orbits(far.reshape(shape), state.reshape(*shape, 6), covariance.reshape(*shape, 6, 6))

    @staticmethod
    def states(orbits: Orbits, chosen: tuple[Integers, Integers]) -> tuple[Floats, Floats]:
        """Mean relative states and covariances, shapes (n, 6) and (n, 6, 6)."""
        return orbits.state[chosen], orbits.covariance[chosen]

    def spheres(
        self, orbits: Orbits, chosen: tuple[Integers, Integers], pair: Integers, tolerance: float
    ) -> rate3d_reference.Spheres:
        """Rates of entry at times chosen by row and column of `orbits`, of these pairs."""
        return rate3d_reference.Spheres(*self.states(orbits, chosen), self._radius[pair], tolerance)


def _relative(
    orbit: list[Floats], mean: list[Floats], spread: list[Floats], sense: list[Floats], time_s: Floats
) -> tuple[Floats, Floats, list[Floats]]:
    """Mean relative states, linear about orbits, their covariances, and the derivatives of both states."""
    partials = [equinoctial.jacobian(orbit[i], time_s, sense[i]) for i in (0, 1)]
    means = [
        equinoctial.state(orbit[i], time_s, sense[i]) + np.einsum("nij,nj->ni", partials[i], mean[i] - orbit[i])
        for i in (0, 1)
    ]
    moved = [partials[i] @ spread[i] @ partials[i].transpose(0, 2, 1) for i in (0, 1)]
    return means[0] - means[1], moved[0] + moved[1], partials


def _towards(state: Floats, covariance: Floats, radius: Floats) -> tuple[Floats, Floats]:
    """M w of the module's text, and the square of the distance in sigmas between the sphere and the mean."""
    n = len(radius)
    fine = np.isfinite(covariance).all(axis=(1, 2)) & np.isfinite(state).all(axis=1)
    variance, axes = np.full((n, 3), np.nan), np.full((n, 3, 3), np.nan)
    variance[fine], axes[fine] = np.linalg.eigh(covariance[fine, :3, :3])
    variance += ((rate3d_kernels.CLIP * radius) ** 2)[:, np.newaxis]
    off = np.einsum("nij,ni->nj", axes, state[:, :3])
    outside = (off * off).sum(axis=1) > radius**2
    shrink = np.zeros(n)
    for _ in range(TURNS):  # Newton's method for the multiplier with which the nearest point lies on the sphere
        near = off / (1.0 + shrink[:, np.newaxis] * variance)
        length = np.sqrt((near * near).sum(axis=1))
        slope = -(near * near * variance / (1.0 + shrink[:, np.newaxis] * variance)).sum(axis=1) / length
        better = np.maximum(0.0, shrink - (length / radius) * (length - radius) / slope)
        shrink = np.where(outside, better, 0.0)
    near = off / (1.0 + shrink[:, np.newaxis] * variance)
    pull = (off - near) / variance
    return np.einsum("nij,nj->ni", axes, pull), ((off - near) * pull).sum(axis=1)
