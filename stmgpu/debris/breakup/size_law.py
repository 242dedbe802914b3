r"""Numbers, sizes and expected masses of fragments in the NASA Standard Breakup Model.

Cumulative number of fragments with a characteristic length of at least L_c [m] (Johnson et al. 2001, Adv. Space Res.
28, 1377, equations 2 to 4; corrected by Krisko 2011, Orbital Debris Quarterly News 15-4):

    collision  N = 0.1 M^0.75 L_c^-1.71        explosion  N = 6 S L_c^-1.6

A collision is catastrophic if the projectile's energy per mass of the target, m_p v^2 / (2 m_t) with the heavier body
as target, reaches 40 J/g: then M = m_t + m_p. Below, M = m_p v^2 [kg (km/s)^2] (the print of 2001 has v; corrected in
2011), which then is less than 0.08 m_t. S is a factor for the kind of exploding body, 1 for rocket bodies of 600 to
1,000 kg.

The law holds from 1 mm to 1 m. Expected masses follow from it, the area of a fragment (equations 8 and 9) and
E[10^-chi] of :mod:`stmgpu.debris.breakup.area_to_mass`; they are exact to 1e-6 (tabulated integrals).

**Conservation of mass.** Fragments are deposited from 1 mm upward until the mass M is used up (Krisko 2011). The law's
expected mass grows like M^0.75, so for small M it passes M before 1 m: below 965 kg for spacecraft, 34 kg for rocket
bodies. :func:`largest_length` is that length. No fragment is longer than it, or than the target: a collision of two
1 kg objects sheds no 1 m fragments of 20 kg.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from stmgpu.debris.breakup.area_to_mass import Bridge, mean_mass_to_area
from stmgpu.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from stmgpu.typing import Bools, Floats

Event = Literal["collision", "explosion"]

EXPONENT: dict[Event, float] = {"collision": 1.71, "explosion": 1.6}
SMALLEST_M, LARGEST_M = 1e-3, 1.0
"""Range of the power law [m]."""

CATASTROPHIC_J_G = 40.0
"""Specific energy above which both bodies are shattered [J/g]."""

_AREA_BREAK_M = 0.00167
_SOLID_KG_M3, _SOLID_EXPONENT = 92.937, -0.74
_STEP = 1e-4


def specific_energy(mass_1_kg: ArrayLike, mass_2_kg: ArrayLike, speed_km_s: ArrayLike) -> Floats:
    """Kinetic energy of the lighter body per mass of the heavier one [J/g], in the order of Johnson et al. (2001).

    Examples
    --------
    >>> round(float(specific_energy(1000.0, 1.0, 10.0)), 6)
    50.0
    """
    m1, m2 = np.asarray(mass_1_kg, np.float64), np.asarray(mass_2_kg, np.float64)
    return np.asarray(500.0 * np.minimum(m1, m2) / np.maximum(m1, m2) * np.asarray(speed_km_s, np.float64) ** 2)


def is_catastrophic(mass_1_kg: ArrayLike, mass_2_kg: ArrayLike, speed_km_s: ArrayLike) -> Bools:
    """Whether collisions shatter both bodies (40 J/g or more); vectorised.

    Examples
    --------
    >>> is_catastrophic([1000.0, 1000.0], [1.0, 0.5], 10.0).tolist()
    [True, False]
    """
    return np.asarray(specific_energy(mass_1_kg, mass_2_kg, speed_km_s) >= CATASTROPHIC_J_G)


def ejecta_mass(mass_1_kg: ArrayLike, mass_2_kg: ArrayLike, speed_km_s: ArrayLike) -> Floats:
    """M of the collision law [kg]: both masses if catastrophic, else m_p v^2 (km/s), never more than both masses.

    Examples
    --------
    >>> ejecta_mass(950.0, 560.0, [11.7, 0.1]).round(6).tolist()
    [1510.0, 5.6]
    """
    m1, m2 = np.asarray(mass_1_kg, np.float64), np.asarray(mass_2_kg, np.float64)
    both = m1 + m2
    crater = np.minimum(np.minimum(m1, m2) * np.asarray(speed_km_s, np.float64) ** 2, both)
    return np.where(is_catastrophic(m1, m2, speed_km_s), both, crater)


def coefficient(strength: ArrayLike, event: Event = "collision") -> Floats:
    """Factor of the power law: 0.1 M^0.75 of a collision, 6 S of an explosion.

    Examples
    --------
    >>> round(float(coefficient(1510.0)), 2), float(coefficient(1.0, "explosion"))
    (24.22, 6.0)
    """
    x = np.asarray(strength, np.float64)
    if event == "collision":
        return 0.1 * x**0.75
    if event == "explosion":
        return 6.0 * x
    raise InputError(f"event {event!r} is unknown; choose one of {', '.join(get_args(Event))}")


def expected_count(
    strength: ArrayLike, low_m: ArrayLike, *, high_m: ArrayLike = np.inf, event: Event = "collision"
) -> Floats:
    """Number of fragments between two lengths by the power law; vectorised.

    Parameters
    ----------
    strength : array_like
        M [kg] of a collision (:func:`ejecta_mass`) or S of an explosion.
    low_m, high_m : array_like
        Characteristic lengths [m]; the default of ``high_m`` gives the cumulative number.
    event : str
        'collision' or 'explosion'.

    Examples
    --------
    >>> int(expected_count(1510.0, 0.05)), int(expected_count(1.0, 0.05, event="explosion"))
    (4064, 724)
    """
    factor, b = coefficient(strength, event), EXPONENT[event]
    low, high = np.asarray(low_m, np.float64), np.asarray(high_m, np.float64)
    return np.asarray(factor * np.maximum(low**-b - high**-b, 0.0))


def area_of_length(length_m: ArrayLike) -> Floats:
    """Mean cross-section [m^2] of fragments of a characteristic length [m] (Johnson et al. 2001, equations 8 and 9).

    Examples
    --------
    >>> area_of_length([0.001, 0.1]).round(9).tolist()
    [5.4e-07, 0.005509404]
    """
    length = np.asarray(length_m, np.float64)
    return np.where(length < _AREA_BREAK_M, 0.540424 * length**2, 0.556945 * length**2.0047077)


def length_of_mass(mass_kg: ArrayLike) -> Floats:
    """Characteristic length [m] of an intact object of a mass [kg], for use where nothing else is known.

    The density of 92.937 L_c^-0.74 kg/m^3 in a sphere of diameter L_c (as used by ESA's implementation of the breakup
    model) gives L_c = (6 m / (92.937 pi))^(1 / 2.26).

    Examples
    --------
    >>> round(float(length_of_mass(1000.0)), 2)
    3.81
    """
    volume = 6.0 / np.pi * np.asarray(mass_kg, np.float64) / _SOLID_KG_M3
    return np.asarray(volume ** (1.0 / (3.0 + _SOLID_EXPONENT)))


def mass_of_length(length_m: ArrayLike) -> Floats:
    """Mass [kg] of an intact object of a characteristic length [m]: the inverse of :func:`length_of_mass`.

    Examples
    --------
    >>> round(float(mass_of_length(length_of_mass(1000.0))), 6)
    1000.0
    """
    return np.asarray(np.pi / 6.0 * _SOLID_KG_M3 * np.asarray(length_m, np.float64) ** (3.0 + _SOLID_EXPONENT))


@lru_cache(maxsize=8)
def _table(*, rocket_body: bool, event: Event, bridge: Bridge) -> tuple[Floats, Floats]:
    """log10 of lengths from 1 mm to 1 m, and the expected mass from 1 mm up to them for a coefficient of 1 [kg].

    The mass is the integral of b L^-b A(L) E[10^-chi | L] d(ln L), by the trapezoidal rule.
    """
    lam = np.linspace(-3.0, 0.0, round(3.0 / _STEP) + 1)
    length = 10.0**lam
    b = EXPONENT[event]
    density = (
        b
        * np.log(10.0)
        * length**-b
        * area_of_length(length)
        * mean_mass_to_area(length, rocket_body=rocket_body, bridge=bridge)
    )
    cumulative = np.concatenate([[0.0], np.cumsum(0.5 * (density[1:] + density[:-1]) * np.diff(lam))])
    return lam, cumulative


def unit_mass(low_m: ArrayLike, high_m: ArrayLike, *, rocket_body: bool, event: Event, bridge: Bridge) -> Floats:
    """Expected mass between two lengths of 1 mm to 1 m for a coefficient of 1 [kg]."""
    lam, cumulative = _table(rocket_body=rocket_body, event=event, bridge=bridge)
    at_low, at_high = (np.interp(np.log10(np.clip(x, SMALLEST_M, LARGEST_M)), lam, cumulative) for x in (low_m, high_m))
    return np.asarray(np.maximum(at_high - at_low, 0.0))


def expected_mass(
    strength: ArrayLike,
    *,
    rocket_body: ArrayLike,
    low_m: ArrayLike = SMALLEST_M,
    high_m: ArrayLike = LARGEST_M,
    event: Event = "collision",
    bridge: Bridge = "linear",
) -> Floats:
    """Expected mass of the fragments between two lengths by the power law [kg]; vectorised.

    It may exceed the mass of the bodies: see :func:`largest_length`.

    Parameters
    ----------
    strength : array_like
        M [kg] of a collision (:func:`ejecta_mass`) or S of an explosion.
    rocket_body : array_like
        Whether the fragments are of a rocket body, not of a spacecraft.
    low_m, high_m : array_like
        Characteristic lengths [m]; lengths outside 1 mm to 1 m are ignored.
    event, bridge : str
        Kind of breakup, and law between 8 and 11 cm.

    Examples
    --------
    >>> round(float(expected_mass(1010.0, rocket_body=False)))
    998
    >>> round(float(expected_mass(1010.0, rocket_body=False, low_m=0.1)))
    808
    """
    rocket = np.asarray(rocket_body, np.bool_)
    factor = coefficient(strength, event)
    if rocket.all() or not rocket.any():
        return np.asarray(factor * unit_mass(low_m, high_m, rocket_body=bool(rocket.all()), event=event, bridge=bridge))
    return np.asarray(
        factor
        * np.where(
            rocket,
            unit_mass(low_m, high_m, rocket_body=True, event=event, bridge=bridge),
            unit_mass(low_m, high_m, rocket_body=False, event=event, bridge=bridge),
        )
    )


def largest_length(
    strength: ArrayLike,
    mass_kg: ArrayLike,
    *,
    rocket_body: ArrayLike,
    event: Event = "collision",
    bridge: Bridge = "linear",
) -> Floats:
    """Length at which the expected mass from 1 mm upward reaches the available mass [m], at most 1 m; vectorised.

    Parameters
    ----------
    strength : array_like
        M [kg] of a collision, S of an explosion.
    mass_kg : array_like
        Mass that may become fragments: M of a collision, mass of the exploding body.
    rocket_body, event, bridge : array_like or str
        As in :func:`expected_mass`.

    Examples
    --------
    >>> largest_length([1.0, 2000.0], [1.0, 2000.0], rocket_body=False).round(3).tolist()
    [0.094, 1.0]
    """
    rocket = np.asarray(rocket_body, np.bool_)
    factor = coefficient(strength, event)
    with np.errstate(divide="ignore", invalid="ignore"):
        wanted = np.where(factor > 0.0, np.asarray(mass_kg, np.float64) / factor, 0.0)
    by_kind: dict[bool, Floats] = {}
    for kind in {bool(rocket.any()), bool(rocket.all())}:
        lam, cumulative = _table(rocket_body=kind, event=event, bridge=bridge)
        by_kind[kind] = np.asarray(10.0 ** np.interp(wanted, cumulative, lam))
    if len(by_kind) == 1:
        (length,) = by_kind.values()
        return np.asarray(length + np.zeros(rocket.shape))
    return np.where(rocket, by_kind[True], by_kind[False])


def expected_fragments(
    mass_1_kg: ArrayLike,
    mass_2_kg: ArrayLike,
    speed_km_s: ArrayLike,
    *,
    min_length_m: float = 0.1,
    max_length_m: ArrayLike = LARGEST_M,
    rocket_body: ArrayLike = False,
    bridge: Bridge = "linear",
) -> Floats:
    """Mean number of fragments of :func:`stmgpu.debris.breakup.collision`, without remnants; vectorised.

    Parameters
    ----------
    mass_1_kg, mass_2_kg : array_like
        Masses [kg], in any order.
    speed_km_s : array_like
        Speeds of impact [km/s].
    min_length_m : float
        Shortest fragment [m].
    max_length_m : array_like
        Characteristic length of the heavier body [m], which no fragment exceeds; 1 m is the limit in any case.
    rocket_body : array_like
        Whether the heavier body is a rocket body.
    bridge : str
        Law between 8 and 11 cm.

    Examples
    --------
    >>> expected_fragments([1000.0, 1000.0, 1.0], [10.0, 0.1, 1.0], 10.0).round(1).tolist()
    [900.9, 19.9, 1.7]
    """
    mass = ejecta_mass(mass_1_kg, mass_2_kg, speed_km_s)
    high = np.minimum(
        largest_length(mass, mass, rocket_body=rocket_body, event="collision", bridge=bridge), max_length_m
    )
    return expected_count(mass, min_length_m, high_m=high)


def draw_length(
    count: int, *, low_m: ArrayLike, high_m: ArrayLike, rng: np.random.Generator, event: Event = "collision"
) -> Floats:
    """Draw characteristic lengths between two limits [m] by the inverse of the distribution function; [count].

    Examples
    --------
    >>> length = draw_length(5, low_m=0.1, high_m=1.0, rng=np.random.default_rng(1))
    >>> bool(((length >= 0.1) & (length <= 1.0)).all())
    True
    """
    b = EXPONENT[event]
    low, high = np.asarray(low_m, np.float64), np.asarray(high_m, np.float64)
    long, short = high**-b, low**-b
    return np.clip((short + rng.random(count) * (long - short)) ** (-1.0 / b), low, high)
