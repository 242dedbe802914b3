r"""Collisions and explosions by the NASA Standard Breakup Model (Johnson et al. 2001; Krisko 2011).

The parts of the model have a module each:

* :mod:`stmgpu.debris.breakup.size_law`: numbers and lengths of fragments, limits of the power law;
* :mod:`stmgpu.debris.breakup.area_to_mass`: area-to-mass ratios;
* :mod:`stmgpu.debris.breakup.masses`: conservation of mass, remnants, and the parent of each fragment;
* :mod:`stmgpu.debris.breakup.velocities`: speeds, conservation of momentum, bound on the energy.
"""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.debris.breakup.area_to_mass import BRIDGES, Bridge, draw_chi
from stmgpu.debris.breakup.fragments import Body, Breakup, Fragments
from stmgpu.debris.breakup.masses import (
    FragmentLaw,
    Parent,
    Pieces,
    crater_remnants,
    draw_fragments,
    shattered_remnants,
)
from stmgpu.debris.breakup.size_law import (
    CATASTROPHIC_J_G,
    LARGEST_M,
    SMALLEST_M,
    Event,
    area_of_length,
    draw_length,
    ejecta_mass,
    largest_length,
    specific_energy,
    unit_mass,
)
from stmgpu.debris.breakup.velocities import SPEED_CAP, Impact, draw_velocity, set_in_motion
from stmgpu.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def collision(
    target: Body,
    projectile: Body,
    *,
    speed_km_s: float,
    rng: np.random.Generator,
    scale: float = 1.0,
    min_length_m: float = 0.1,
    bridge: Bridge = "linear",
) -> Breakup:
    """Break up two bodies that collide.

    Parameters
    ----------
    target, projectile : Body
        the bodies. The heavier one is the target of the model; ``parent`` of the fragments counts as given here.
    speed_km_s : float
        speed of impact [km/s].
    rng : numpy.random.Generator
        random numbers.
    scale : float
        factor on the number of fragments; where they would weigh more than the bodies, the heaviest are made lighter.
    min_length_m : float
        shortest fragment [m], 1 mm to 1 m.
    bridge : {'linear', 'logarithmic'}
        law of A/M between 8 and 11 cm.

    Returns
    -------
    Breakup

    Raises
    ------
    InputError
        a speed, scale or length out of range, or an unknown bridge.

    Examples
    --------
    >>> debris = collision(Body(950.0, 3.0), Body(560.0, 2.0), speed_km_s=11.7, rng=np.random.default_rng(1))
    >>> debris.catastrophic, abs(debris.closure) < 1e-12, abs(int((~debris.remnant).sum()) - 1218) <= 1
    (True, True, True)
    """
    if not (math.isfinite(speed_km_s) and speed_km_s >= 0.0):
        raise InputError(f"speed of impact is {speed_km_s} km/s; it must be finite and not negative")
    if not (math.isfinite(scale) and scale > 0.0):
        raise InputError(f"scale of a collision is {scale}; it must be positive and finite")
    _check(min_length_m, bridge)
    swapped = projectile.mass_kg > target.mass_kg
    heavy, light = (projectile, target) if swapped else (target, projectile)
    energy = float(specific_energy(heavy.mass_kg, light.mass_kg, speed_km_s))
    mass = float(ejecta_mass(heavy.mass_kg, light.mass_kg, speed_km_s))
    impact = Impact(
        event="collision",
        catastrophic=energy >= CATASTROPHIC_J_G,
        speed_km_s=speed_km_s,
        kinetic_energy_mj=0.5 * heavy.mass_kg * light.mass_kg / (heavy.mass_kg + light.mass_kg) * speed_km_s**2,
        energy_j_g=energy,
    )
    from_light = light.mass_kg if impact.catastrophic else min(light.mass_kg, 0.5 * mass)
    share = from_light / mass if mass > 0.0 else 0.5
    parents = (Parent(heavy, 1.0 - share, mass - from_light), Parent(light, share, from_light))
    law = FragmentLaw.of(mass, mass_kg=mass, body=heavy, event="collision", min_length_m=min_length_m, bridge=bridge)
    law = dataclasses.replace(law, factor=scale * law.factor)
    fragments = draw_fragments(law, parents, rng)
    if impact.catastrophic:
        remnants = shattered_remnants(law, parents, fragments, rng)
    else:
        remnants = crater_remnants(parents, fragments)
    breakup = _breakup(fragments, remnants, parents=parents, impact=impact, rng=rng)
    return dataclasses.replace(breakup, parent=1 - breakup.parent) if swapped else breakup


def explosion(
    body: Body, *, scale: float, rng: np.random.Generator, min_length_m: float = 0.1, bridge: Bridge = "linear"
) -> Breakup:
    """Explode a body into 6 S L_c^-1.6 fragments and 2 to 8 large remnants of the rest of its mass.

    Parameters
    ----------
    body : Body
        the body.
    scale : float
        S: 1 for rocket bodies of 600 to 1,000 kg; 0.1 to 2 for other kinds (Klinkrad 2006).
    rng, min_length_m, bridge : Generator or float or str
        As in :func:`collision`.

    Returns
    -------
    Breakup

    Raises
    ------
    InputError
        a scale or length out of range, or an unknown bridge.

    Examples
    --------
    >>> stage = Body(800.0, 3.5, rocket_body=True)
    >>> debris = explosion(stage, scale=1.0, rng=np.random.default_rng(1))
    >>> int((~debris.remnant).sum()) in (232, 233), 2 <= int(debris.remnant.sum()) <= 8
    (True, True)
    """
    if not (math.isfinite(scale) and scale > 0.0):
        raise InputError(f"scale of an explosion is {scale}; it must be positive and finite (1 for a rocket body)")
    _check(min_length_m, bridge)
    parents = (Parent(body, 1.0, body.mass_kg),)
    law = FragmentLaw.of(
        scale, mass_kg=body.mass_kg, body=body, event="explosion", min_length_m=min_length_m, bridge=bridge
    )
    fragments = draw_fragments(law, parents, rng)
    remnants = shattered_remnants(law, parents, fragments, rng)
    return _breakup(fragments, remnants, parents=parents, impact=Impact(), rng=rng)


def _breakup(
    fragments: Pieces, remnants: Pieces, *, parents: tuple[Parent, ...], impact: Impact, rng: np.random.Generator
) -> Breakup:
    """Set the pieces in motion and put everything together."""
    motion = set_in_motion(fragments, remnants, parents=parents, impact=impact, rng=rng)
    length = np.concatenate([fragments.length_m, remnants.length_m])
    mass = np.concatenate([fragments.mass_kg, remnants.mass_kg])
    area = area_of_length(length)
    return Breakup(
        length_m=length,
        area_m2=area,
        area_to_mass=area / mass,
        mass_kg=mass,
        delta_v_km_s=motion.velocity_km_s,
        parent=np.concatenate([fragments.parent, remnants.parent]),
        remnant=np.arange(len(mass)) >= len(fragments.mass_kg),
        catastrophic=impact.catastrophic,
        energy_j_g=impact.energy_j_g,
        mass_in_kg=sum(parent.body.mass_kg for parent in parents),
        mass_below_kg=sum(parent.below_kg for parent in parents),
        momentum_drawn=motion.momentum_drawn,
        momentum_residual=motion.momentum_residual,
    )


def sample_fragments(
    count: int,
    *,
    total_mass_kg: ArrayLike,
    rocket_body: ArrayLike,
    rng: np.random.Generator,
    min_length_m: float = 0.1,
    max_length_m: ArrayLike = LARGEST_M,
    speed_km_s: ArrayLike = np.inf,
    share: ArrayLike = 0.0,
    second_length_m: ArrayLike = np.inf,
    second_rocket_body: ArrayLike | None = None,
    bridge: Bridge = "linear",
    event: Event = "collision",
) -> Fragments:
    """Draw single fragments, each of a breakup of its own, without remnants and without any balance.

    For estimators that spread fragments over expected collisions. Arguments are one for all or one for each fragment.

    Parameters
    ----------
    count : int
        number n of fragments.
    total_mass_kg : array_like
        M of the collision (:func:`ejecta_mass`) [kg]. For explosions it is S, and the caller has to limit
        ``max_length_m`` (:func:`largest_length`).
    rocket_body : array_like
        whether the heavier body is a rocket body.
    rng : numpy.random.Generator
        random numbers.
    min_length_m : float
        shortest fragment [m].
    max_length_m : array_like
        length of the heavier body [m]; 1 m and :func:`largest_length` limit it further.
    speed_km_s : array_like
        speed of impact, which limits the speeds of fragments.
    share, second_length_m, second_rocket_body : array_like
        the lighter body: its share of M, length [m] and kind (default: that of the heavier one).
    bridge, event : str
        As in :func:`expected_mass`.

    Returns
    -------
    Fragments
        n fragments; in a collision none is heavier than ``total_mass_kg``. Where no fragment of ``min_length_m`` exists
        (see :func:`expected_fragments`) fragments have that length.

    Examples
    --------
    >>> debris = sample_fragments(
    ...     3, total_mass_kg=[1500.0, 1500.0, 20.0], rocket_body=False, rng=np.random.default_rng(1), share=0.1
    ... )
    >>> debris.delta_v_km_s.shape, bool(debris.length_m.min() >= 0.1)
    ((3, 3), True)
    """
    _check(min_length_m, bridge)
    mass, longest, speed, second_share, second_length = (
        np.broadcast_to(np.asarray(x, np.float64), (count,))
        for x in (total_mass_kg, max_length_m, speed_km_s, share, second_length_m)
    )
    kinds = (rocket_body, rocket_body if second_rocket_body is None else second_rocket_body)
    rocket, second_rocket = (np.broadcast_to(np.asarray(x, np.bool_), (count,)) for x in kinds)
    high = np.minimum(longest, LARGEST_M)
    if event == "collision":
        high = np.minimum(high, largest_length(mass, mass, rocket_body=rocket, event=event, bridge=bridge))
    high = np.maximum(high, min_length_m)
    length = draw_length(count, low_m=min_length_m, high_m=high, rng=rng, event=event)
    # A fragment no longer than the lighter body is one of it with the probability share * m(high) / m(limit), where
    # m(x) is the expected mass up to the length x: the expected mass of its fragments is then its share of all.
    limit = np.clip(second_length, min_length_m, high)
    whole, eligible = (
        np.where(
            second_rocket,
            unit_mass(min_length_m, top, rocket_body=True, event=event, bridge=bridge),
            unit_mass(min_length_m, top, rocket_body=False, event=event, bridge=bridge),
        )
        for top in (high, limit)
    )
    odds = np.divide(second_share * whole, eligible, out=np.zeros(count), where=eligible > 0.0)
    of_second = (length <= limit) & (rng.random(count) < odds)
    area = area_of_length(length)
    chi = draw_chi(length, rocket_body=np.where(of_second, second_rocket, rocket), rng=rng, bridge=bridge)
    fragment_mass = area / 10.0**chi
    if event == "collision":
        fragment_mass = np.minimum(fragment_mass, mass)
    ratio = area / fragment_mass
    fastest = SPEED_CAP * speed if event == "collision" else np.inf
    return Fragments(
        length_m=length,
        area_m2=area,
        area_to_mass=ratio,
        mass_kg=fragment_mass,
        delta_v_km_s=draw_velocity(np.log10(ratio), rng=rng, event=event, fastest_km_s=fastest),
        parent=of_second.astype(np.int8),
    )


def _check(min_length_m: float, bridge: str) -> None:
    if not SMALLEST_M <= min_length_m <= LARGEST_M:
        raise InputError(
            f"shortest fragment {min_length_m} m is outside the range of the model; use {SMALLEST_M} to {LARGEST_M} m"
        )
    if bridge not in BRIDGES:
        raise InputError(
            f"bridge {bridge!r} between small and large fragments is unknown; choose one of {', '.join(BRIDGES)}"
        )
