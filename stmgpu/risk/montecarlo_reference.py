"""Collisions among samples, each looked at at many times: the slow twin of ``kernels/twobody_mc.cu``.

The random numbers are the same, the search is another: the distance of all samples at times an eighth of a step apart,
then each of its minima by golden section.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stmgpu.constants import EARTH
from stmgpu.counter_random import normal_pair, threefry, uniform
from stmgpu.risk import equinoctial
from stmgpu.risk import montecarlo_kernels as rows

if TYPE_CHECKING:
    from stmgpu.typing import Floats, Ints

_TOGETHER = 1024
_FINER = 8
_SECTIONS = 50
_GOLDEN = 0.5 * (np.sqrt(5.0) - 1.0)


def deviates(seed: int, event: int, samples: Ints, pairs: int) -> Floats:
    """Normal deviates of samples of an event.

    Returns
    -------
    float64, shape (len(samples), 2 pairs)
    """
    counter = event * 8 + np.arange(pairs)
    first, second = threefry(seed, rows.PURPOSE << 32, samples[:, np.newaxis], counter)
    both = normal_pair(uniform(first), uniform(second))
    return np.stack(both, axis=-1).reshape(len(samples), 2 * pairs)


def twobody(events: Ints, table: Floats, times: Floats, *, samples: int, seed: int) -> Ints:
    """Count the samples of two-body motion that hit; as :func:`stmgpu.risk.montecarlo_kernels.twobody`."""
    found = np.zeros((rows.COUNTS, len(events)), np.int64)
    for k, (event, row, nodes) in enumerate(zip(events.tolist(), table, times, strict=True)):
        steps = np.linspace(0.0, 1.0, _FINER, endpoint=False)
        fine = np.append((nodes[:-1, np.newaxis] + np.diff(nodes)[:, np.newaxis] * steps).ravel(), nodes[-1])
        for first in range(0, samples, _TOGETHER):
            numbers = np.arange(first, min(first + _TOGETHER, samples))
            z = deviates(seed, event, numbers, 6)
            orbits = [
                row[mean : mean + 6] + z[:, part] @ row[factor : factor + 36].reshape(6, 6).T
                for mean, factor, part in (
                    (rows.MEAN_1, rows.FACTOR_1, slice(0, 6)),
                    (rows.MEAN_2, rows.FACTOR_2, slice(6, 12)),
                )
            ]
            if row[rows.SHARES]:
                common = deviates(seed, event, numbers, rows.SHARED_PAIR + 1)[:, 2 * rows.SHARED_PAIR, np.newaxis]
                orbits = [
                    orbit + common * row[change : change + 6]
                    for orbit, change in zip(orbits, (rows.SHARED_1, rows.SHARED_2), strict=True)
                ]
            found[:, k] += _hits(orbits, (row[rows.SENSE_1], row[rows.SENSE_2]), row[rows.RADIUS], fine)
    return found


def straight(events: Ints, table: Floats, *, samples: int, seed: int) -> Ints:
    """Count the samples of straight motion that hit; as :func:`stmgpu.risk.montecarlo_kernels.straight`."""
    found = np.zeros((1, len(events)), np.int64)
    for k, (event, row) in enumerate(zip(events.tolist(), table, strict=True)):
        factor = row[rows.LINE_FACTOR : rows.LINE_RADIUS].reshape(6, 6)
        x = row[: rows.LINE_FACTOR] + deviates(seed, event, np.arange(samples), 3) @ factor.T
        r, v = x[:, :3], x[:, 3:]
        speed2 = np.maximum((v * v).sum(axis=1), np.finfo(np.float64).tiny)
        t = np.clip(-(r * v).sum(axis=1) / speed2, row[rows.LINE_START], row[rows.LINE_STOP])
        distance = np.linalg.norm(r + t[:, np.newaxis] * v, axis=1)
        found[0, k] = np.count_nonzero(distance < row[rows.LINE_RADIUS])
    return found


def _hits(orbits: list[Floats], senses: tuple[float, float], radius: float, times: Floats) -> Ints:
    """Hits, orbits that cannot be moved, and perigees below the surface."""
    eccentric = [np.hypot(orbit[:, 1], orbit[:, 2]) for orbit in orbits]
    moves = np.ones(len(orbits[0]), bool)
    for orbit, e in zip(orbits, eccentric, strict=True):
        moves &= (e <= rows.ECCENTRICITY) & (orbit[:, 0] > 0.0)
    if not moves.any():
        return np.array([0, len(moves), 0])
    orbits, eccentric = [orbit[moves] for orbit in orbits], [e[moves] for e in eccentric]
    low = np.zeros(len(orbits[0]), bool)
    for orbit, e in zip(orbits, eccentric, strict=True):
        low |= np.cbrt(equinoctial.MU_M3_S2 / orbit[:, 0] ** 2) * (1.0 - e) < 1e3 * EARTH.radius_km

    def square(which: Ints, t: Floats) -> Floats:
        one, two = (equinoctial.state(o[which], t, s)[..., :3] for o, s in zip(orbits, senses, strict=True))
        found: Floats = ((one - two) ** 2).sum(axis=-1)
        return found

    every = np.arange(len(orbits[0]))
    grid = np.stack([square(every, np.full(len(every), t)) for t in times], axis=1)
    best = grid.min(axis=1)
    inner = (grid[:, 1:-1] <= grid[:, :-2]) & (grid[:, 1:-1] <= grid[:, 2:])
    who, where = np.nonzero(inner)
    low_t, high_t = times[where], times[where + 2]
    for _ in range(_SECTIONS):
        width = _GOLDEN * (high_t - low_t)
        one, two = high_t - width, low_t + width
        left = square(who, one) < square(who, two)
        low_t, high_t = np.where(left, low_t, one), np.where(left, two, high_t)
    np.minimum.at(best, who, square(who, 0.5 * (low_t + high_t)))
    return np.array([np.count_nonzero(best < radius * radius), np.count_nonzero(~moves), np.count_nonzero(low)])
