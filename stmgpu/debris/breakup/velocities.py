r"""Velocities of the pieces of one breakup: drawn speeds, balanced momentum, bounded energy.

**Speeds.** log10(dv [m/s]) relative to the parent is normal with a deviation of 0.4 and a mean of 0.9 chi + 2.9
(collision) or 0.2 chi + 1.85 (explosion; Johnson et al. 2001, equations 11 and 12), chi = log10(A/M); directions are
isotropic. Speeds of collisions are drawn below 1.3 times the speed of impact, from the truncated distribution (values
are not clipped to the limit). The model itself has no limit, and explosions get none.

**Momentum.** Drawn velocities do not add up to zero. From the velocities of all pieces of a parent (fragments,
remnants and the mass below ``min_length_m``) their mean, weighted by mass, is subtracted:

    u = sum m_i v_i / (sum m_i + m_below),    v_i' = v_i - u

The mass below moves with -u. Fast light fragments hardly change (u is set by the heavy ones: metres a second against
hundreds); a cratered target recoils. The momentum of each parent, and so of both, is conserved to rounding.

**Energy.** The model draws speeds by A/M, whatever the impact. Where all pieces together would carry more than the
kinetic energy of the impact, m_1 m_2 v^2 / (2 (m_1 + m_2)), all their speeds are scaled by one factor: in 3 of 1,774
collisions, all of them at 0.3 km/s. Explosions have no such bound.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import log_ndtr, ndtri_exp

from stmgpu.debris.breakup.size_law import Event, area_of_length

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from stmgpu.debris.breakup.masses import Parent, Pieces
    from stmgpu.typing import Floats

SPEED_CAP = 1.3
"""Largest speed of a fragment of a collision relative to its parent, in speeds of impact."""

_MEAN_SPEED: dict[Event, tuple[float, float]] = {"collision": (0.9, 2.9), "explosion": (0.2, 1.85)}
_SPEED_SIGMA = 0.4


@dataclass(frozen=True)
class Impact:
    """Bounds on the motion of the pieces; the defaults are those of an explosion.

    Attributes
    ----------
    event : str
        Kind of breakup.
    catastrophic : bool
        Whether the bodies are shattered.
    speed_km_s : float
        Speed of impact.
    kinetic_energy_mj : float
        Kinetic energy in the centre of mass [MJ].
    energy_j_g : float
        Specific energy [J/g].
    """

    event: Event = "explosion"
    catastrophic: bool = True
    speed_km_s: float = math.inf
    kinetic_energy_mj: float = math.inf
    energy_j_g: float = math.nan


@dataclass(frozen=True)
class Motion:
    """Velocities of fragments and remnants relative to their parents, and the momentum before and after balancing.

    Attributes
    ----------
    velocity_km_s : ndarray of float64
        float64 [n, 3]: fragments, then remnants.
    momentum_drawn, momentum_residual : float
        |sum m v| over sum m |v|, as drawn and as balanced.
    """

    velocity_km_s: Floats
    momentum_drawn: float
    momentum_residual: float


def set_in_motion(
    fragments: Pieces, remnants: Pieces, *, parents: tuple[Parent, ...], impact: Impact, rng: np.random.Generator
) -> Motion:
    """Draw velocities, balance the momentum of each parent, and limit the energy to that of the impact."""
    mass = np.concatenate([fragments.mass_kg, remnants.mass_kg])
    of_parent = np.concatenate([fragments.parent, remnants.parent])
    area = area_of_length(np.concatenate([fragments.length_m, remnants.length_m]))
    velocity = draw_velocity(
        np.log10(area / mass), rng=rng, event=impact.event, fastest_km_s=SPEED_CAP * impact.speed_km_s
    )
    if not impact.catastrophic:
        velocity[len(fragments.mass_kg) :] = 0.0  # a cratered body only recoils from its fragments
    scale = max(float(mass @ np.sqrt(np.einsum("kx,kx->k", velocity, velocity))), np.finfo(np.float64).tiny)
    drawn, residual, carried_mj = np.zeros(3), np.zeros(3), 0.0
    for k, parent in enumerate(parents):
        mine = of_parent == k
        momentum = mass[mine] @ velocity[mine]
        mean = momentum / (mass[mine].sum() + parent.below_kg)
        velocity[mine] -= mean
        drawn += momentum
        residual += mass[mine] @ velocity[mine] - parent.below_kg * mean
        carried_mj += 0.5 * (
            float(mass[mine] @ np.einsum("kx,kx->k", velocity[mine], velocity[mine]))
            + parent.below_kg * float(mean @ mean)
        )
    if carried_mj > impact.kinetic_energy_mj:
        # slightly below the bound, so that it holds for any order of summation
        velocity *= np.sqrt(impact.kinetic_energy_mj / carried_mj) * (1.0 - 1e-12)
    return Motion(velocity, float(np.linalg.norm(drawn)) / scale, float(np.linalg.norm(residual)) / scale)


def draw_velocity(chi: Floats, *, rng: np.random.Generator, event: Event, fastest_km_s: ArrayLike) -> Floats:
    """Draw velocities relative to the parent: lognormal speeds up to a limit, isotropic directions.

    Parameters
    ----------
    chi : ndarray of float64, shape (n,)
        log10 of the area-to-mass ratios [m^2/kg].
    rng : Generator
        Random numbers.
    event : str
        Kind of breakup.
    fastest_km_s : array_like
        limit of the speeds, one or one for each fragment [km/s].

    Returns
    -------
    ndarray of float64, shape (n, 3)
        velocities [km/s].
    """
    slope, offset = _MEAN_SPEED[event]
    mean, count = slope * chi + offset - 3.0, len(chi)
    with np.errstate(divide="ignore"):  # a speed of impact of 0 gives speeds of 0
        highest = (np.log10(fastest_km_s) - mean) / _SPEED_SIGMA
        # inverse of the truncated normal distribution: z = Phi^-1((1 - u) Phi(highest)), in logarithms
        below = np.log(1.0 - rng.random(count)) + log_ndtr(highest)
    speed = 10.0 ** (mean + _SPEED_SIGMA * ndtri_exp(below))
    up, turn = rng.uniform(-1.0, 1.0, count), rng.uniform(0.0, 2.0 * np.pi, count)
    level = speed * np.sqrt(1.0 - up * up)
    return np.stack([level * np.cos(turn), level * np.sin(turn), speed * up], axis=1)
