"""Where two orbits come nearest to meeting: on the line in which their planes intersect."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stmgpu.propagate.kepler import states_of
from stmgpu.propagate.secular_reference import j2_rates

if TYPE_CHECKING:
    from stmgpu.typing import Floats

_COPLANAR = 1e-6


def meeting_states(first: Floats, second: Floats) -> tuple[Floats, Floats, float]:
    """States of two objects in the direction in which their planes intersect and their radii differ less.

    Parameters
    ----------
    first, second : ndarray of float64
        Elements [km, rad], shape (6,), in the order of :func:`stmgpu.propagate.kepler.elements_of`; the mean anomaly is
        not used.

    Returns
    -------
    position_km, velocity_km_s : float64, shape (2, 3)
        States of both. In one plane they are those at the perigee of the first.
    gap_km : float
        Difference of the radii.

    Examples
    --------
    >>> polar, equator = np.array([7000.0, 0, np.pi / 2, 0, 0, 0]), np.array([7001.0, 0, 0.0, 0, 0, 0])
    >>> position, velocity, gap = meeting_states(polar, equator)
    >>> round(gap, 6), round(float(np.linalg.norm(velocity[0] - velocity[1])), 2)
    (1.0, 10.67)
    """
    line = np.cross(_normal(first), _normal(second))
    length = float(np.linalg.norm(line))
    if length < _COPLANAR:
        directions = [np.array(states_of((*first[:5], 0.0))[0])]
    else:
        directions = [line, -line]
    best = None
    for direction in directions:
        states = [_state(elements, direction) for elements in (first, second)]
        radii = [float(np.linalg.norm(position)) for position, _ in states]
        gap = abs(radii[0] - radii[1])
        if best is None or gap < best[2]:
            best = np.stack([position for position, _ in states]), np.stack([v for _, v in states]), gap
    assert best is not None
    return best


def nodes_at(elements: Floats, seconds: float) -> Floats:
    """Turn node and perigee by J2 over a time, which may be negative.

    Parameters
    ----------
    elements : ndarray of float64
        Elements [km, rad], shape (6, n).
    seconds : float
        Time [s].
    """
    node, perigee, _ = j2_rates(elements[0], elements[1], np.cos(elements[2]))
    turned = elements.copy()
    turned[3] += node * seconds
    turned[4] += perigee * seconds
    return turned


def _normal(elements: Floats) -> Floats:
    """Return the normal of the plane of an orbit."""
    inclination, node = elements[2], elements[3]
    return np.array(
        [np.sin(node) * np.sin(inclination), -np.cos(node) * np.sin(inclination), np.cos(inclination)]
    )  # fmt: skip


def _state(elements: Floats, direction: Floats) -> tuple[Floats, Floats]:
    """Return the state of an object where it passes a direction in its plane."""
    ecc, node, argp = elements[1], elements[3], elements[4]
    along = np.array([np.cos(node), np.sin(node), 0.0])
    across = np.cross(_normal(elements), along)
    true = np.arctan2(direction @ across, direction @ along) - argp
    eccentric = 2.0 * np.arctan2(np.sqrt(1.0 - ecc) * np.sin(0.5 * true), np.sqrt(1.0 + ecc) * np.cos(0.5 * true))
    position, velocity = states_of((*elements[:5], eccentric - ecc * np.sin(eccentric)))
    return np.asarray(position), np.asarray(velocity)
