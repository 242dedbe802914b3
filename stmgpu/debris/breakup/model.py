r"""Breakups: collisions and explosions by the NASA Standard Breakup Model (Johnson et al. 2001; Krisko 2011).

Numbers, lengths and limits are those of :mod:`stmgpu.debris.breakup.size_law`, area-to-mass ratios those of
:mod:`stmgpu.debris.breakup.area_to_mass`. Speeds relative to the parent: log10(dv [m/s]) is normal, deviation 0.4
and mean 0.9 chi + 2.9 (collision) or 0.2 chi + 1.85 (explosion; equations 11 and 12), directions isotropic. Speeds of
collisions are drawn below 1.3 times the speed of impact (the truncated law, not values cut down to the limit); the
model itself has no limit, and explosions get none.

**What stays closed.** Only fragments of ``min_length_m`` and longer are made; the expected mass of the shorter ones,
``mass_below_kg``, is taken from each parent in proportion to what it sheds. Then, parent by parent:

* *Catastrophic collision, explosion.* Fragments and a few large remnants make up what is left of the parent. From 2
  to 8 remnants are drawn, but no more than the mass is worth, in mean fragments of the largest length; too little for
  one goes to the heaviest fragment. Remnants have the density of their parent, so L_c = L_parent (m / m_parent)^(1/3).
  (Krisko 2011 says so of catastrophic collisions; for explosions the same is done here.)
* *Cratering.* What the fragments do not carry away stays in the target: one remnant. A projectile gives half of M and
  at most itself; so above 1.41 km/s nothing is left of it (what its fragments lack goes to their heaviest, or into the
  cloud below), while in slower bumps it stays behind as a second remnant: the model, made for fast impacts, would weld
  both together.
* *Overdraw.* Where the fragments of a parent weigh more than its budget, the heaviest are cut to one common mass so
  that the sum fits. Their number and lengths stay as drawn; keeping the smallest first would lose fragments. Where all
  of it is worth less than one fragment, a fragment that is drawn nevertheless takes its mass from the cloud below.

**Parents.** A fragment longer than the lighter body is one of the heavier body. Of the others the lighter body gets, at
random, as many as make its fragments' expected mass proportional to what it sheds; every fragment follows the
area-to-mass law of its own parent. (ESA's implementation fills the heavier body first: with rocket bodies, whose
fragments make up a quarter of the mass, the lighter one would then shed nothing at all. NASA's own results at the 2006
comparison of the IADC have 97 % and 3 % of the fragments from 1,000 and 10 kg.)

**Momentum.** Drawn speeds do not add up to zero. From all that a parent became, remnants, fragments and the cloud below
``min_length_m``, the mass-weighted mean velocity is taken away. Light fragments, fast as they are, hardly notice
(the mean is that of the heavy ones: metres a second, where they have hundreds); a cratered target recoils. Each
parent's momentum, and so that of both, is conserved to rounding; ``momentum_drawn`` and ``momentum_residual`` state it
before and after.

**Energy.** The model draws speeds by A/M, whatever the impact. Where all pieces together would carry more than its
kinetic energy, m_1 m_2 v^2 / (2 (m_1 + m_2)), all their speeds are lowered by one factor: 3 of 1,774 collisions, the
same one at 0.3 km/s in three scenarios. Explosions have no such bound.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from stmgpu.debris.breakup.area_to_mass import BRIDGES, Bridge
from stmgpu.debris.breakup.fragments import Body, Breakup, Fragments
from stmgpu.debris.breakup.sampling import (
    SPEED_CAP,
    Law,
    Side,
    deposit,
    finish,
    remnants_of_crater,
    remnants_of_shattered,
    sampled,
)
from stmgpu.debris.breakup.size_law import (
    CATASTROPHIC_J_G,
    LARGEST_M,
    SMALLEST_M,
    Event,
    ejecta_mass,
    specific_energy,
)
from stmgpu.errors import InputError


def collision(
    target: Body,
    projectile: Body,
    speed_km_s: float,
    rng: np.random.Generator,
    min_length_m: float = 0.1,
    bridge: Bridge = "linear",
) -> Breakup:
    """Break two bodies that collide.

    Parameters
    ----------
    target, projectile
        the bodies; whichever is heavier takes the part of the target in the model, ``parent`` counts as given here.
    speed_km_s
        speed of impact [km/s].
    rng
        random numbers.
    min_length_m
        shortest fragment that is made [m], 1 mm to 1 m.
    bridge
        law of A/M between 8 and 11 cm: 'linear' or 'logarithmic'.

    Raises
    ------
    InputError
        a speed, length or bridge that makes no sense.

    Examples
    --------
    >>> debris = collision(Body(950.0, 3.0), Body(560.0, 2.0), 11.7, np.random.default_rng(1))
    >>> debris.catastrophic, abs(debris.closure) < 1e-12, abs(int((~debris.remnant).sum()) - 1218) <= 1
    (True, True, True)
    """
    if not (math.isfinite(speed_km_s) and speed_km_s >= 0.0):
        raise InputError(f"speed of impact {speed_km_s} km/s; it must be finite and not negative")
    _check(min_length_m, bridge)
    swapped = projectile.mass_kg > target.mass_kg
    heavy, light = (projectile, target) if swapped else (target, projectile)
    energy = float(specific_energy(heavy.mass_kg, light.mass_kg, speed_km_s))
    catastrophic = energy >= CATASTROPHIC_J_G
    mass = float(ejecta_mass(heavy.mass_kg, light.mass_kg, speed_km_s))
    from_light = light.mass_kg if catastrophic else min(light.mass_kg, 0.5 * mass)
    share = from_light / mass if mass > 0.0 else 0.5
    sides = (Side(heavy, 1.0 - share, mass - from_light), Side(light, share, from_light))
    law = Law.of(mass, mass, heavy, "collision", min_length_m, bridge)
    pieces = deposit(law, sides, rng)
    left = remnants_of_shattered(law, sides, pieces, rng) if catastrophic else remnants_of_crater(sides, pieces)
    available = 0.5 * heavy.mass_kg * light.mass_kg / (heavy.mass_kg + light.mass_kg) * speed_km_s**2
    return finish(law, sides, pieces, left, rng, SPEED_CAP * speed_km_s, available, catastrophic, energy, swapped)


def explosion(
    body: Body, scale: float, rng: np.random.Generator, min_length_m: float = 0.1, bridge: Bridge = "linear"
) -> Breakup:
    """Explode a body: 6 S L_c^-1.6 fragments, and 2 to 8 large remnants of what is left of its mass.

    Parameters
    ----------
    body
        what explodes.
    scale
        S: 1 for rocket bodies of 600 to 1,000 kg; 0.1 to 2 for other kinds (Klinkrad 2006).
    rng, min_length_m, bridge
        as in :func:`collision`.

    Raises
    ------
    InputError
        a scale, length or bridge that makes no sense.

    Examples
    --------
    >>> debris = explosion(Body(800.0, 3.5, rocket_body=True), 1.0, np.random.default_rng(1))
    >>> int((~debris.remnant).sum()) in (232, 233), 2 <= int(debris.remnant.sum()) <= 8
    (True, True)
    """
    if not (math.isfinite(scale) and scale > 0.0):
        raise InputError(f"scale {scale} of an explosion; it must be positive and finite (1 for a rocket body)")
    _check(min_length_m, bridge)
    sides = (Side(body, 1.0, body.mass_kg),)
    law = Law.of(scale, body.mass_kg, body, "explosion", min_length_m, bridge)
    pieces = deposit(law, sides, rng)
    left = remnants_of_shattered(law, sides, pieces, rng)
    return finish(law, sides, pieces, left, rng, math.inf, math.inf, True, math.nan, False)


def sample_fragments(
    count: int,
    total_mass_kg: ArrayLike,
    rocket_body: ArrayLike,
    rng: np.random.Generator,
    *,
    min_length_m: float = 0.1,
    max_length_m: ArrayLike = LARGEST_M,
    speed_km_s: ArrayLike = np.inf,
    share: ArrayLike = 0.0,
    second_length_m: ArrayLike = np.inf,
    second_rocket_body: ArrayLike | None = None,
    bridge: Bridge = "linear",
    event: Event = "collision",
) -> Fragments:
    """Draw a given number of single fragments, each of its own breakup: no remnants, nothing is balanced.

    For estimators that spread fragments over many virtual collisions: arguments are one for all or one for each.

    Parameters
    ----------
    count
        number n of fragments.
    total_mass_kg
        M of the collision (:func:`ejecta_mass`) [kg]; S for explosions, whose ``max_length_m`` must be limited by the
        caller (:func:`largest_length`).
    rocket_body
        whether the heavier body is a rocket body.
    rng
        random numbers.
    min_length_m, max_length_m
        shortest fragment, and length of the heavier body [m]; 1 m and :func:`largest_length` limit it further.
    speed_km_s
        speed of impact, which limits that of fragments.
    share, second_length_m, second_rocket_body
        the lighter body: its share of M, length [m] and kind (default: that of the heavier one).
    bridge, event
        as in :func:`expected_mass`.

    Returns
    -------
    Fragments [n]; no heavier than ``total_mass_kg`` in a collision. Where no fragment of ``min_length_m`` exists (see
    :func:`expected_fragments`) fragments have that length.

    Examples
    --------
    >>> debris = sample_fragments(3, [1500.0, 1500.0, 20.0], False, np.random.default_rng(1), share=0.1)
    >>> debris.delta_v_km_s.shape, bool(debris.length_m.min() >= 0.1)
    ((3, 3), True)
    """
    _check(min_length_m, bridge)
    mass, longest, speed, part, length_2 = (
        np.broadcast_to(np.asarray(x, np.float64), (count,))
        for x in (total_mass_kg, max_length_m, speed_km_s, share, second_length_m)
    )
    kinds = (rocket_body, rocket_body if second_rocket_body is None else second_rocket_body)
    rocket, rocket_2 = (np.broadcast_to(np.asarray(x, np.bool_), (count,)) for x in kinds)
    return sampled(count, mass, rocket, longest, speed, (part, length_2, rocket_2), rng, min_length_m, bridge, event)


def _check(min_length_m: float, bridge: str) -> None:
    if not SMALLEST_M <= min_length_m <= LARGEST_M:
        raise InputError(
            f"shortest fragment {min_length_m} m; the breakup model holds from {SMALLEST_M} to {LARGEST_M} m"
        )
    if bridge not in BRIDGES:
        raise InputError(
            f"bridge {bridge!r} between small and large fragments is not known; choose one of {', '.join(BRIDGES)}"
        )
