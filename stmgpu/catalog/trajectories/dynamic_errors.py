"""Interpolation errors from positions, velocities and gravity: every interval is compared with an orbit."""

from __future__ import annotations

from math import comb, factorial
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.catalog.trajectories.gravity import gravity
from stmgpu.catalog.trajectories.tables import Errors, Table, norm
from stmgpu.constants import WGS72

if TYPE_CHECKING:
    from stmgpu.typing import Floats

_FRACTIONS = (0.3, 0.7)
_TRUNCATION_FACTOR, _STATE_FACTOR, _VELOCITY_SHARE = 2.0, 3.0, 0.3
_PAIR_FACTOR = 2.0
"""Further factor of the states' errors where there are two only, whose errors may agree by chance."""


def dynamic_errors(table: Table) -> Errors:
    """Errors estimated from positions, velocities, and gravity with J2.

    Two successive states fix position, velocity, acceleration and its rate at both ends of their interval, twice what a
    cubic needs. What is left over measures how far the two are off one orbit, and the polynomial of degree 7 through
    all of it is the orbit to compare with. An error that is not explained by gravity grows with the square of the step,
    so a burn recorded second by second passes.

    Parameters
    ----------
    table : Table
        Any method, two samples or more.
    """
    return _errors(table, flattening=True)


def point_mass_errors(table: Table) -> Errors:
    """As `dynamic_errors` without J2, for tables that were computed so."""
    return _errors(table, flattening=False)


def _errors(table: Table, *, flattening: bool) -> Errors:
    p, v, h = table.position, table.velocity, table.step_s[:, None, None]
    a, jerk = _forces(p, v, flattening=flattening)
    moved = 0.5 * h * (v[:-1] + v[1:]) - h**2 / 10.0 * (a[1:] - a[:-1]) + h**3 / 120.0 * (jerk[:-1] + jerk[1:])
    turned = 0.5 * h * (a[:-1] + a[1:]) - h**2 / 12.0 * (jerk[1:] - jerk[:-1])
    misfit = norm(p[1:] - p[:-1] - moved)
    misfit += _VELOCITY_SHARE * table.step_s[:, None] * norm(v[1:] - v[:-1] - turned)
    method = "lagrange" if table.method == "linear" else table.method
    interval, nodes, off = np.arange(len(table) - 1), table.windows, np.zeros_like(misfit)
    for u in _FRACTIONS:
        weight, pattern = table.weights(nodes, interval, u * table.step_s, method)
        gap = table.combine(nodes, pattern, weight[:2])
        for side, sign, part in ((slice(None, -1), 1.0, u), (slice(1, None), -1.0, 1.0 - u)):
            for order, values in enumerate((p, v, a, jerk)):
                gap -= _basis(order, part) * (sign * h) ** order * values[side]
        np.maximum(off, norm(gap), out=off)
    around = misfit.copy()
    np.maximum(around[1:], misfit[:-1], out=around[1:])
    np.maximum(around[:-1], misfit[1:], out=around[:-1])
    around *= _STATE_FACTOR * (_PAIR_FACTOR if len(table) == 2 else 1.0)
    both = np.concatenate([misfit[:1], np.minimum(misfit[:-1], misfit[1:]), misfit[-1:]])
    return Errors(_TRUNCATION_FACTOR * off, around, both)


def _forces(p: Floats, v: Floats, *, flattening: bool) -> tuple[Floats, Floats]:
    """Acceleration [n, 3, g] [km/s^2] and its rate along the orbit [km/s^3]."""
    if flattening:

        def pull(r: Floats) -> Floats:
            return np.moveaxis(gravity(np, np.moveaxis(r, 1, 0)), 0, 1)

        return pull(p), 0.5 * (pull(p + v) - pull(p - v))
    r = norm(p)[:, None]
    rate = -WGS72.mu_km3_s2 / r**3
    return rate * p, rate * (v - 3.0 * (p * v).sum(axis=1, keepdims=True) / r**2 * p)


def _basis(order: int, u: float) -> float:
    """Weight of a derivative at the beginning of a unit interval, with three derivatives known at both ends."""
    return u**order / factorial(order) * (1.0 - u) ** 4 * sum(comb(3 + k, k) * u**k for k in range(4 - order))
