"""Random ephemerides of known orbits: spacings, roundings, faults, methods and degrees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.integrate import solve_ivp

from stmgpu.catalog.trajectories import Segment, Trajectories, Trajectory
from stmgpu.catalog.trajectories.gravity import gravity
from stmgpu.catalog.trajectories.interpolation import weights, windows
from stmgpu.constants import WGS72
from stmgpu.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

T0 = int(np.datetime64("2025-01-01", "ns").view(np.int64))
REVOLUTIONS = 4.0
KINDS = ("even", "uneven", "wild", "burst", "twins", "jitter")
FAULTS = ("none", "none", "none", "position", "velocity", "state", "axis", "two", "run")


class Orbits:
    """Some orbits under the point mass and J2, integrated together, each over four revolutions."""

    def __init__(self, count: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        kind = np.arange(count) % 4
        perigee = np.where(
            kind == 3, rng.uniform(20_000, 42_000, count), WGS72.radius_km + rng.uniform(200, 1500, count)
        )
        e = np.choose(
            kind,
            [
                rng.uniform(0, 0.002, count),
                rng.uniform(0, 0.1, count),
                rng.uniform(0.2, 0.75, count),
                rng.uniform(0, 0.02, count),
            ],
        )
        self.axis_km = perigee / (1.0 - e)
        self.period_s = 2.0 * np.pi * np.sqrt(self.axis_km**3 / WGS72.mu_km3_s2)
        nu, p = rng.uniform(-np.pi, np.pi, count), self.axis_km * (1.0 - e * e)
        r, speed = p / (1.0 + e * np.cos(nu)), np.sqrt(WGS72.mu_km3_s2 / p)
        turns = np.array([np.linalg.qr(rng.normal(size=(3, 3)))[0] for _ in range(count)])
        flat = (
            np.stack([r * np.cos(nu), r * np.sin(nu), 0.0 * r]),
            np.stack([-speed * np.sin(nu), speed * (e + np.cos(nu)), 0.0 * r]),
        )
        state = np.concatenate([np.einsum("kij,jk->ik", turns, part) for part in flat])

        def rates(_: float, y: Any) -> Any:
            y = y.reshape(6, count)
            return (np.concatenate([y[3:], gravity(np, y[:3])]) * self.period_s).reshape(-1)

        self._solution = solve_ivp(
            rates, (0.0, REVOLUTIONS), state.reshape(-1), method="DOP853", rtol=1e-12, atol=1e-10, dense_output=True
        ).sol
        self.count = count

    def states(self, k: int, t_s: Any) -> Any:
        """States of an orbit [6, m]."""
        return self._solution(np.asarray(t_s) / self.period_s[k]).reshape(6, self.count, -1)[:, k]


@dataclass(frozen=True)
class Draw:
    """One ephemeris, its description, and its true states as a function of seconds after its first sample."""

    trajectories: Trajectories
    truth: Callable[[Any], Any]
    fault: str
    text: str

    def error_km(self) -> float:
        """Largest true error of the interpolated position, at eight instants of every interval."""
        t = self.trajectories
        time_s, samples = (t.time_ns - T0) / 1e9, int(t.samples_used[0])
        k = np.repeat(np.arange(len(time_s) - 1), 8)
        at = time_s[k] + np.tile([0.0, 0.08, 0.21, 0.4, 0.5, 0.65, 0.9, 1.0], len(time_s) - 1) * np.diff(time_s)[k]
        nodes = windows(t.time_ns, samples)[k]
        method = "lagrange" if t.method[0] == "linear" else str(t.method[0])
        weight = weights(method, [time_s[nodes[:, j]] for j in range(samples)], at)
        value = np.zeros((len(at), 3))
        for table, part in zip((t.position, t.velocity), weight[:2], strict=True):
            for j, w in enumerate(part):
                value += table[nodes[:, j]] * w[:, None]
        return float(np.linalg.norm(value - self.truth(at)[:3].T, axis=1).max())


def steps_of(rng: np.random.Generator, kind: str, base_s: float, count: int) -> Any:
    """Steps between samples [s]."""
    steps = np.full(count - 1, base_s)
    if kind == "uneven":
        steps *= np.exp(rng.uniform(-1.0, 1.0, count - 1))
    elif kind == "wild":
        steps *= np.exp(rng.uniform(np.log(1e-3), np.log(2.0), count - 1))
    elif kind == "burst" and count > 5:
        begin, length = rng.integers(1, count - 2), rng.integers(1, count // 2 + 1)
        steps[begin : begin + length] *= rng.choice([1 / 60, 1 / 30, 1 / 10])
    elif kind == "twins" and count > 2:
        steps[rng.integers(0, count - 1, rng.integers(1, 4))] = rng.choice([1e-3, 0.1, 1.0])
    elif kind == "jitter":
        steps *= 1.0 + 1e-7 * rng.normal(size=count - 1)
    return steps


def draw(orbits: Orbits, seed: int) -> Draw | None:
    """One random ephemeris of one of the orbits; None if its faults are so large that it is refused as it is built."""
    rng = np.random.default_rng(seed)
    k = int(rng.integers(orbits.count))
    is_low = orbits.period_s[k] < 30_000.0
    base_s = float(rng.choice([1, 10, 30, 60, 60, 120, 180, 300] if is_low else [60, 180, 300, 900, 1800]))
    count = int(rng.choice([2, 3, 4, 5, 7, 10, 15, 25, 60, 120], p=[*[0.05] * 5, 0.1, 0.15, 0.2, 0.2, 0.1]))
    kind = str(rng.choice(KINDS))
    steps = steps_of(rng, kind, base_s, count)
    steps *= min(1.0, 0.9 * REVOLUTIONS * orbits.period_s[k] / steps.sum())
    time_ns = np.concatenate([[0], np.cumsum(np.maximum(np.round(steps * 1e6), 1000))]).astype(np.int64) * 1000
    begin_s = rng.uniform(0.0, REVOLUTIONS * orbits.period_s[k] - time_ns[-1] / 1e9)

    def truth(t_s: Any) -> Any:
        return orbits.states(k, begin_s + np.asarray(t_s))

    digits = int(rng.choice([3, 4, 6, 9, 12]))
    more = int(rng.choice([digits, 6, 9, 12]))
    states = truth(time_ns / 1e9)
    position, velocity = np.round(states[:3].T, digits), np.round(states[3:].T, max(digits, more))
    fault, size = str(rng.choice(FAULTS)), 10.0 ** rng.uniform(-4.0, 1.5)
    _spoil(rng, position, velocity, fault, size)
    method = str(rng.choice(["lagrange", "lagrange", "hermite", "hermite", "linear"]))
    degree = int(rng.integers(1, 16)) if rng.random() < 0.6 else 9 if method == "lagrange" else 7
    try:
        trajectories = Trajectories.of(
            [Trajectory([Segment(T0 + time_ns, position, velocity, None, None, method, degree)])]
        )
    except InputError:
        if fault == "none":
            raise
        return None
    text = (
        f"seed {seed}: {count} samples, {kind}, {base_s:g} s, {digits} digits, {fault} {size:.3g} km, {method} {degree}"
    )
    return Draw(trajectories, truth, fault, text)


def _spoil(rng: np.random.Generator, position: Any, velocity: Any, fault: str, size: float) -> None:
    """Make records wrong, in place; never most of them, for those would be another orbit."""
    count = len(position)
    k = int(rng.integers(count)) if rng.random() < 0.8 else int(rng.choice([0, count - 1]))
    away = rng.normal(size=3)
    away /= np.linalg.norm(away)
    if fault in ("position", "state"):
        position[k] += size * away
    if fault == "velocity":
        velocity[k] += 1e-2 * size * away
    if fault == "state":
        velocity[k] += 1e-3 * size * rng.normal(size=3)
    if fault == "axis":
        position[k, rng.integers(3)] += size
    if fault == "two":
        for j in rng.integers(0, count, 2):
            position[j] += size * rng.normal(size=3)
    if fault == "run":
        position[k : k + max(1, min(int(rng.integers(2, 6)), count // 3))] += size * away
