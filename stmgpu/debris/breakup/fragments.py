"""Types of the breakup model: a body that breaks up, and its fragments."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from stmgpu.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from stmgpu.typing import Bools, Floats


@dataclass(frozen=True)
class Body:
    """An object that breaks up.

    Parameters
    ----------
    mass_kg : float
        Mass [kg].
    length_m : float
        Characteristic length [m]; no fragment is longer. If unknown, use
        :func:`stmgpu.debris.breakup.size_law.length_of_mass`.
    rocket_body : bool
        Whether it is a rocket body or part of one; otherwise the laws of spacecraft apply.

    Raises
    ------
    InputError
        a mass or length that is not positive and finite.
    """

    mass_kg: float
    length_m: float
    rocket_body: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        for name, value, unit in (("mass", self.mass_kg, "kg"), ("length", self.length_m, "m")):
            if not (math.isfinite(value) and value > 0.0):
                raise InputError(f"{name} of a body that breaks up is {value} {unit}; it must be positive and finite")


@dataclass(frozen=True)
class Fragments:
    """Fragments of breakups, as columns of n rows.

    Attributes
    ----------
    length_m, area_m2, area_to_mass, mass_kg : ndarray of float64
        float64 [n]: characteristic length, mean cross-section, their ratio to the mass [m^2/kg], and the mass.
    delta_v_km_s : ndarray of float64
        float64 [n, 3]: velocity relative to the parent.
    parent : ndarray of int8
        int8 [n]: 0 the first body, 1 the second.
    """

    length_m: Floats
    area_m2: Floats
    area_to_mass: Floats
    mass_kg: Floats
    delta_v_km_s: Floats
    parent: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.mass_kg)


@dataclass(frozen=True)
class Breakup(Fragments):
    """Fragments and remnants of one collision or explosion.

    Attributes
    ----------
    remnant : ndarray of bool
        Large remnants, after the fragments.
    catastrophic : bool
        Whether the bodies were shattered (true for explosions).
    energy_j_g : float
        Specific energy [J/g] (NaN for explosions).
    mass_in_kg, mass_below_kg : float
        Mass of the bodies, and mass of the fragments shorter than ``min_length_m`` [kg].
    momentum_drawn, momentum_residual : float
        |sum of mass times dv| over sum of mass times |dv|, as drawn and as returned, including the mass below.
    """

    remnant: Bools
    catastrophic: bool
    energy_j_g: float
    mass_in_kg: float
    mass_below_kg: float
    momentum_drawn: float
    momentum_residual: float

    @property
    def closure(self) -> float:
        """Relative error of the mass: (fragments + below - bodies) / bodies."""
        return float((self.mass_kg.sum() + self.mass_below_kg) / self.mass_in_kg - 1.0)
