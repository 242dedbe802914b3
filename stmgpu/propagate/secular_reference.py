"""Secular step in NumPy: the same equations, integrated densely in small steps; slow and simple, the tests' truth.

Where the kernel chooses between 4 and 10 points a revolution and extrapolates the sinking orbit by its second
derivative, this module takes 128 points everywhere and Runge-Kutta steps of the fourth order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from stmgpu.constants import EARTH
from stmgpu.propagate.orbit_table import A_KM, ABSENT, ARGP, BALLISTIC, ECC, FREE, INC, MEAN, RAAN, SRP, SecularState
from stmgpu.propagate.secular_forces import (
    SOLAR_PRESSURE_N_M2,
    SRP_FROM_M2_KG,
    SRP_KICKS_FROM_M2_KG,
    TILT_SPACING_KM,
    SecularStep,
    height_lift_km,
    latitude_share,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stmgpu.typing import Bools, Floats, Ints

POINTS = 128
_COS = np.cos((np.arange(POINTS) + 0.5) / POINTS * np.pi)[:, None]
_LARGEST_CHANGE = 0.1
_MOST_STEPS = 5000


@dataclass(frozen=True)
class Drag:
    """Drag on some objects: table [runs, heights], run, cos i, C_d A/m [m^2/kg] and rotation of the atmosphere.

    ``ground`` is the radius at which the height is 0 [km].
    """

    table: Floats
    lowest_km: float
    spacing_km: float
    omega_rad_s: float
    run: Ints
    cos_i: Floats
    ballistic: Floats
    ground: Floats

    def take(self, chosen: Bools) -> Drag:
        """Select some of the objects."""
        return Drag(
            self.table,
            self.lowest_km,
            self.spacing_km,
            self.omega_rad_s,
            self.run[chosen],
            self.cos_i[chosen],
            self.ballistic[chosen],
            self.ground[chosen],
        )

    def log_density(self, height_km: Floats) -> tuple[Floats, Floats]:
        """ln of the density [kg/m^3] and its slope [1/km] at heights [..., objects]."""
        t = (height_km - self.lowest_km) / self.spacing_km
        cell = np.clip(np.floor(t), 0, self.table.shape[1] - 2).astype(np.int64)
        low, high = self.table[self.run, cell], self.table[self.run, cell + 1]
        return low + (t - cell) * (high - low), (high - low) / self.spacing_km

    def rates(self, a: Floats, e: Floats) -> tuple[Floats, Floats]:
        """da/dt [km/s] and de/dt [1/s] (King-Hele 1964): means over the eccentric anomaly."""
        x = e * _COS
        rho = np.exp(self.log_density(a * (1.0 - x) - self.ground)[0])
        flow = rho * np.sqrt((1.0 + x) / (1.0 - x))
        perigee = a * (1.0 - e)
        speed = np.sqrt(EARTH.mu_km3_s2 / a * (1.0 + e) / (1.0 - e))
        factor = -1e3 * self.ballistic * (1.0 - self.omega_rad_s * perigee * self.cos_i / speed) ** 2
        da = factor * np.sqrt(EARTH.mu_km3_s2 * a) * (flow * (1.0 + x)).mean(axis=0)
        de = factor * np.sqrt(EARTH.mu_km3_s2 / a) * (1.0 - e * e) * (flow * _COS).mean(axis=0)
        return da, de

    def longest_step(self, a: Floats, e: Floats, da: Floats, de: Floats) -> Floats:
        """Seconds in which what the rates depend on changes by a tenth."""
        slope = np.abs(self.log_density(a * (1.0 - e) - self.ground)[1])
        sinking = np.abs(da * (1.0 - e) - a * de)
        shrinking = np.abs(da * e + a * de) * np.minimum(slope, 1.0 / np.maximum(a * e, 1e-9))
        change = slope * sinking + shrinking + 3.0 * np.abs(da) / a
        with np.errstate(divide="ignore"):
            longest: Floats = _LARGEST_CHANGE / change
        return longest


def advance(state: SecularState, step: SecularStep) -> None:
    """Advance all objects by one step; see :meth:`stmgpu.propagate.secular.Secular.step`."""
    dt_s, decay_km, density = step.dt_s, step.decay_km, step.density
    n = state.n
    o, mode = state.orbit, state.mode[:n]
    state.gone[:n] = 0
    present, free = mode != ABSENT, mode == FREE
    a, e, cos_i = o[A_KM, :n], o[ECC, :n], np.cos(o[INC, :n])
    top_km = density.lowest_km + (density.log_density.shape[1] - 1) * density.spacing_km
    mean_a, mean_e = a.copy(), e.copy()
    ground, perigee_km = np.full(n, EARTH.radius_km), np.full(n, np.inf)
    if step.oblate:
        ground[free] -= height_lift_km(a[free], o[INC, :n][free])
    perigee_km[free] = a[free] * (1.0 - e[free]) - ground[free]
    dragged = np.flatnonzero(perigee_km < top_km)
    drag = Drag(
        np.asarray(density.log_density),
        density.lowest_km,
        density.spacing_km,
        step.omega_rad_s,
        state.run[dragged].astype(np.int64),
        cos_i[dragged],
        o[BALLISTIC, dragged] * _tilted(state, step, dragged, perigee_km[dragged]),
        ground[dragged],
    )
    a[dragged], e[dragged], mean_a[dragged], mean_e[dragged], fallen = _sink(
        drag, a[dragged], e[dragged], dt_s, EARTH.radius_km + decay_km
    )
    state.gone[dragged] = fallen

    occupied = np.flatnonzero(present)
    node, perigee, anomaly = j2_rates(mean_a[occupied], mean_e[occupied], cos_i[occupied])
    pushed = free[occupied] & (o[SRP, occupied] > SRP_FROM_M2_KG)
    angles = [o[row, occupied] for row in (RAAN, ARGP, MEAN)]
    half = [angle + rate * (dt_s / 2) for angle, rate in zip(angles, (node, perigee, anomaly), strict=True)]
    light = o[SRP, occupied] > SRP_KICKS_FROM_M2_KG
    kicks = len(step.directions) - 1
    for which, suns in ((pushed & ~light, step.directions[:1]), (pushed & light, step.directions[1:])):
        kicked, part = occupied[which], dt_s / len(suns)
        for k, angle in enumerate(angles):
            half[k][which] = angle[which] + (node, perigee, anomaly)[k][which] * (part / 2)
        for number, sun in enumerate(suns):
            moved = radiation(
                np.array([a[kicked], e[kicked], o[INC, kicked], *(h[which] for h in half)]), o[SRP, kicked], sun, part
            )
            e[kicked], o[INC, kicked] = moved[1], moved[2]
            on = part if number + 1 < len(suns) else 0.0
            for k, rate in enumerate((node, perigee, anomaly)):
                half[k][which] = moved[3 + k] + rate[which] * on
    rest = np.where(pushed & light, dt_s / kicks / 2, dt_s / 2)
    for k, (row, rate) in enumerate(zip((RAAN, ARGP, MEAN), (node, perigee, anomaly), strict=True)):
        angle = np.mod(half[k] + rate * rest, 2 * np.pi)
        o[row, occupied] = np.where(angle < 2 * np.pi, angle, 0.0)
    state.gone[:n][present & (a * (1.0 - e) < EARTH.radius_km + decay_km)] = 1


def _tilted(state: SecularState, step: SecularStep, slots: Ints, height_km: Floats) -> Floats:
    """Factor exp(s T) by which the density along orbits differs from the mean over the globe at the same height."""
    tilt = step.density.tilt
    if tilt is None or not step.oblate:
        return np.ones(len(slots))
    table = np.asarray(tilt)
    t = np.clip((height_km - step.density.lowest_km) / TILT_SPACING_KM, 0.0, table.shape[1] - 1.0)
    cell = np.minimum(t.astype(np.int64), table.shape[1] - 2)
    run = state.run[slots].astype(np.int64)
    value = table[run, cell] + (t - cell) * (table[run, cell + 1] - table[run, cell])
    factor: Floats = np.exp(latitude_share(state.orbit[INC, slots]) * value)
    return factor


def _sink(
    drag: Drag, a: Floats, e: Floats, dt_s: float, grave_km: float
) -> tuple[Floats, Floats, Floats, Floats, npt.NDArray[np.int8]]:
    """a, e after dt_s, their means, and whether the perigee fell below the radius ``grave_km``."""
    a, e = a.copy(), e.copy()
    left = np.full(len(a), dt_s)
    mean_a, mean_e, fallen = np.zeros_like(a), np.zeros_like(a), np.zeros(len(a), np.int8)
    for _ in range(_MOST_STEPS):
        moving = left > 0.0
        if not moving.any():
            return a, e, mean_a, mean_e, fallen
        d, a0, e0 = drag.take(moving), a[moving], e[moving]
        k1 = d.rates(a0, e0)
        h = np.minimum(left[moving], d.longest_step(a0, e0, *k1))
        k2 = d.rates(a0 + h / 2 * k1[0], np.maximum(e0 + h / 2 * k1[1], 0.0))
        k3 = d.rates(a0 + h / 2 * k2[0], np.maximum(e0 + h / 2 * k2[1], 0.0))
        k4 = d.rates(a0 + h * k3[0], np.maximum(e0 + h * k3[1], 0.0))
        a1, e1 = (x + h / 6 * (p + 2 * q + 2 * r + t) for x, p, q, r, t in zip((a0, e0), k1, k2, k3, k4, strict=True))
        e1 = np.maximum(e1, 0.0)
        down = a1 * (1.0 - e1) < grave_km
        rest = np.where(down, left[moving] - h, 0.0)
        mean_a[moving] += (h * (a0 + a1) / 2 + rest * a1) / dt_s
        mean_e[moving] += (h * (e0 + e1) / 2 + rest * e1) / dt_s
        a[moving], e[moving], fallen[moving] = a1, e1, down
        left[moving] = np.where(down, 0.0, left[moving] - h)
    fallen[left > 0.0] = 1
    return a, e, mean_a, mean_e, fallen


def j2_rates(a: Floats, e: Floats, cos_i: Floats) -> tuple[Floats, Floats, Floats]:
    """Secular rates of node, perigee and mean anomaly [rad/s] (Kozai 1959, first order)."""
    motion = np.sqrt(EARTH.mu_km3_s2 / a**3)
    k = EARTH.j2 * motion * (EARTH.radius_km / (a * (1.0 - e * e))) ** 2
    return (
        -1.5 * k * cos_i,
        0.75 * k * (5.0 * cos_i**2 - 1.0),
        motion + 0.75 * k * np.sqrt(1.0 - e * e) * (3.0 * cos_i**2 - 1.0),
    )


def radiation(elements: Floats, reflecting: Floats, sun: Sequence[float] | Floats, dt_s: float) -> Floats:
    """Elements [6, n] (a, e, i, node, perigee, anomaly) after the averaged radiation pressure of dt_s (Allan 1962)."""
    a, e, i, node, perigee, anomaly = elements
    zero = np.zeros_like(a)
    along_node = np.array([np.cos(node), np.sin(node), zero])
    normal = np.array([np.sin(i) * np.sin(node), -np.sin(i) * np.cos(node), np.cos(i)])
    across = np.cross(normal, along_node, axis=0)
    e_vector = e * (np.cos(perigee) * along_node + np.sin(perigee) * across)
    h_vector = np.sqrt(1.0 - e * e) * normal
    to_sun = np.asarray(sun)[:, None]
    angle = -1.5 * np.sqrt(a / EARTH.mu_km3_s2) * 1e-3 * SOLAR_PRESSURE_N_M2 * reflecting * dt_s
    angle *= sunlit(a, (normal * to_sun).sum(axis=0))
    plus, minus = _turned(h_vector + e_vector, to_sun, angle), _turned(h_vector - e_vector, to_sun, -angle)
    h_vector, e_vector = (plus + minus) / 2, (plus - minus) / 2
    e = np.sqrt((e_vector**2).sum(axis=0))
    level = np.hypot(h_vector[0], h_vector[1])
    new_node = np.arctan2(h_vector[0], -h_vector[1])
    along_node = np.array([np.cos(new_node), np.sin(new_node), zero])
    across = np.cross(h_vector, along_node, axis=0) / np.sqrt((h_vector**2).sum(axis=0))
    new_perigee = np.arctan2((e_vector * across).sum(axis=0), (e_vector * along_node).sum(axis=0))
    node_moved = np.mod(new_node - node + np.pi, 2 * np.pi) - np.pi
    return np.array(
        [
            a,
            e,
            np.arctan2(level, h_vector[2]),
            new_node,
            new_perigee,
            anomaly - (new_perigee - perigee) - np.cos(i) * node_moved,
        ]
    )


def sunlit(a: Floats, sine: Floats) -> Floats:
    """Part of a circular orbit of radius a that lies outside the Earth's cylindrical shadow.

    ``sine``: that of the Sun's height over the orbit's plane.
    """
    edge = (1.0 - (EARTH.radius_km / a) ** 2) / (1.0 - sine**2)
    return 1.0 - np.arccos(np.sqrt(np.clip(edge, 0.0, 1.0))) / np.pi


def _turned(v: Floats, axis: Floats, angle: Floats) -> Floats:
    """Vectors [3, n] turned about a unit vector [3, 1] (Rodrigues)."""
    axis = np.broadcast_to(axis, v.shape)
    turned: Floats = (
        v * np.cos(angle)
        + np.cross(axis, v, axis=0) * np.sin(angle)
        + axis * ((axis * v).sum(axis=0) * (1.0 - np.cos(angle)))
    )
    return turned
