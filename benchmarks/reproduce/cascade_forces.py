"""Numerical integration of cascade's equations of motion (R5 --integrate).

Forces: point mass, J2, C22, S22, and drag in an atmosphere at rest.

Constants as in cascade's dynamics (after Celletti et al. 2017); Runge-Kutta of the eighth order (Dormand, Prince) in
fixed steps: with 180 s the error after a day is 0.5 mm (median) and 15 cm (largest), with 240 s some metres.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from cascade_orbits import REENTRY_KM, States
from numpy.typing import NDArray
from scipy.integrate import DOP853

from stmgpu.catalog.trajectories import Trajectories
from stmgpu.debris.environment.atmosphere import four_exponential_log_density

Array = NDArray[np.float64]
GM_KM3_S2, RADIUS_KM = 398600.4407799724, 6378.1363
C20, C22, S22 = -4.84165371736e-4, 2.43914352398e-6, -1.40016683654e-6  # normalised
THETA, SPIN = np.radians(280.4606), np.radians(4.178074622024230e-3)  # of the Earth at t = 0 [rad], [rad/s]
STEP_S = 240.0
_LOWEST_KM = 80.0
_BLOCK = 1024
_BEYOND = 3


def acceleration(drag_per_m: Array) -> Callable[[float, Array], Array]:
    """d/dt of states [6, n] (km, km/s) at a time [s]."""
    k_20 = 0.5 * np.sqrt(5.0) * C20 * GM_KM3_S2 * RADIUS_KM**2
    k_22 = np.sqrt(15.0) * GM_KM3_S2 * RADIUS_KM**2
    dragged = np.flatnonzero(drag_per_m > 0.0)
    per_density = 1e3 * drag_per_m[dragged] * (RADIUS_KM * 1e3 / 0.1570)
    heights = np.arange(_LOWEST_KM, 8000.0, 0.5)
    density = np.exp(four_exponential_log_density(heights))

    def derivative(t: float, y: Array) -> Array:
        (px, py, pz), v = y[:3], y[3:]
        r2 = px * px + py * py + pz * pz
        r = np.sqrt(r2)
        r_5 = 1.0 / (r2 * r2 * r)
        s = 15.0 * pz * pz / r2
        round_, flat = -GM_KM3_S2 / (r2 * r), k_20 * r_5
        c, sn = np.cos(THETA + SPIN * t), np.sin(THETA + SPIN * t)
        x, z = px * c + py * sn, pz  # in the frame that turns with the Earth
        y_ = py * c - px * sn
        w = 2.5 / r2 * (C22 * (y_ * y_ - x * x) - 2.0 * S22 * x * y_)
        fx, fy, fz = (k_22 * r_5 * f for f in (w * x + C22 * x + S22 * y_, w * y_ - C22 * y_ + S22 * x, w * z))
        out = np.empty_like(y)
        out[:3] = v
        out[3] = px * (round_ + flat * (3.0 - s)) + fx * c - fy * sn
        out[4] = py * (round_ + flat * (3.0 - s)) + fx * sn + fy * c
        out[5] = pz * (round_ + flat * (9.0 - s)) + fz
        slow = v[:, dragged]
        rho = np.interp(r[dragged] - RADIUS_KM, heights, density)
        out[3:, dragged] -= per_density * rho * np.sqrt((slow * slow).sum(axis=0)) * slow
        return out

    return derivative


def integrated(states: Array, drag_per_m: Array, start_s: float, steps: int) -> Array:
    """States [n, steps + 1, 6] from states [n, 6]."""
    a, b, c = DOP853.A, DOP853.B, DOP853.C
    out = np.empty((len(states), steps + 1, 6))
    for first in range(0, len(states), _BLOCK):
        block = slice(first, first + _BLOCK)
        y, f = states[block].T.copy(), acceleration(drag_per_m[block])
        out[block, 0] = y.T
        for step in range(steps):
            t = start_s + step * STEP_S
            slopes: list[Array] = []
            for i in range(len(c)):
                moved = sum((a[i, j] * slopes[j] for j in range(i) if a[i, j]), np.zeros_like(y))
                slopes.append(f(t + c[i] * STEP_S, y + STEP_S * moved))
            y = y + STEP_S * sum(b[i] * slopes[i] for i in range(len(b)) if b[i])
            out[block, step + 1] = y.T
    return out


class Flight:
    """Trajectories of all objects, day by day; objects end where they fall below 150 km.

    Parameters
    ----------
    states
        at the epoch.
    epoch_ns
        the epoch [ns since 1970].
    """

    def __init__(self, states: States, epoch_ns: int) -> None:
        self._states = np.concatenate([states.position, states.velocity], axis=1)
        self._drag, self._epoch_ns = states.drag_per_m, epoch_ns
        self._id = np.arange(1, len(self._drag) + 1)
        self.days = 0

    def next_day(self) -> Trajectories:
        """The coming day, and a little beyond it for the interpolation."""
        steps = round(86_400.0 / STEP_S)
        states = integrated(self._states, self._drag, self.days * 86_400.0, steps + _BEYOND)
        low = np.linalg.norm(states[:, : steps + 1, :3], axis=2) < 6378.137 + REENTRY_KM
        length = np.where(low.any(axis=1), low.argmax(axis=1), steps + _BEYOND + 1)
        time_ns = self._epoch_ns + round(self.days * 86_400e9) + np.arange(steps + _BEYOND + 1) * round(STEP_S * 1e9)
        flying = length >= 4
        kept = (np.arange(len(time_ns)) < length[:, np.newaxis]) & flying[:, np.newaxis]
        n, offset = int(flying.sum()), np.concatenate([[0], np.cumsum(length[flying])])
        times, empty = np.broadcast_to(time_ns, kept.shape)[kept], np.full(n, "")
        made = Trajectories(
            norad_id=self._id[flying],
            name=empty,
            object_id=empty,
            source=empty,
            sha256=empty,
            segment_object=np.arange(n),
            usable_start_ns=times[offset[:-1]],
            usable_stop_ns=times[offset[1:] - 1],
            method=np.full(n, "hermite"),
            degree=np.full(n, 7),
            offset=offset,
            time_ns=times,
            position=states[kept][:, :3],
            velocity=states[kept][:, 3:],
        )
        left = ~low.any(axis=1)
        self._states, self._drag, self._id = states[left, steps], self._drag[left], self._id[left]
        self.days += 1
        rough = made.interpolation_error_km() > 1.0  # one or two that fall and are sampled too coarsely: left out
        return made[~rough] if rough.any() else made
