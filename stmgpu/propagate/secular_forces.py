"""Forces of a secular step: density of the atmosphere by height, direction to the Sun, and constants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.backend.tables import table
from stmgpu.constants import EARTH, EARTH_BULGE_KM
from stmgpu.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from stmgpu.typing import BackendArray, Floats

SOLAR_PRESSURE_N_M2 = table("secular.h").number("SOLAR_PRESSURE_N_M2")
"""Radiation pressure of the Sun at 1 au on an absorbing surface [N/m^2]."""

OMEGA_RAD_S = 7.292115e-5
"""Rotation of the Earth, and of the atmosphere with it [rad/s]."""

SRP_FROM_M2_KG = 0.05
"""C_r A/m up to which radiation pressure is neglected [m^2/kg]. The neglected motion is a circle of radius 6e-5 of the
eccentricity vector in low orbits, 0.4 km at perigee (more where perigee and Sun keep pace)."""

SRP_KICKS_FROM_M2_KG = 0.2
"""C_r A/m above which a step has several kicks of radiation pressure, if several directions to the Sun are given. One
kick in 30 days moves the perigee of a lighter orbit by up to 2 km, with an error of the same size."""

LIFT_KM2 = 0.75 * EARTH.j2 * EARTH.radius_km**2
"""3/4 J2 R^2, see :func:`height_lift_km`."""

TILT_SPACING_KM = 100.0
"""Spacing of the rows of a table of tilts."""


def latitude_share(inc_rad: ArrayLike) -> Floats:
    """Mean of sin^2(latitude) along orbits of these inclinations, less that over the globe: sin^2 i / 2 - 1/3."""
    share: Floats = 0.5 * np.sin(inc_rad) ** 2 - 1.0 / 3.0
    return share


def height_lift_km(a_km: ArrayLike, inc_rad: ArrayLike) -> Floats:
    """Height above a - R at which an orbit meets the density that is averaged over the globe at that height [km].

    The ellipsoid lies 21.385 km (sin^2 i / 2 - 1/3) further below an orbit than below the average place at the same
    distance from the centre, and J2 lifts the mean radius by -3/4 J2 R^2 / a (3 cos^2 i - 1) over Brouwer's mean axis
    (derivation and sources: ``kernels/include/secular.h``).

    Parameters
    ----------
    a_km, inc_rad : array_like
        Brouwer's mean semi-major axis, and inclination.

    Examples
    --------
    >>> height_lift_km(6778.137, np.radians([0.0, 53.0, 98.0])).round(1).tolist()
    [-16.9, -0.7, 7.9]
    """
    lift: Floats = EARTH_BULGE_KM * latitude_share(inc_rad) - LIFT_KM2 / np.asarray(a_km, np.float64) * (
        3.0 * np.cos(inc_rad) ** 2 - 1.0
    )
    return lift


@dataclass(frozen=True)
class DensityTable:
    """Density of the atmosphere at equidistant heights, one row per run.

    Parameters
    ----------
    log_density : backend array, float64, shape (runs, heights)
        ln of the density [kg/m^3] at ``lowest_km + k * spacing_km``, linear between. Below the first height and above
        the last the slope of the nearest cell continues; an object whose perigee is above the last has no drag.
    lowest_km, spacing_km : float
        heights [km].
    tilt : backend array, float64, shape (runs, tilts), optional
        change of ln of the density with :func:`latitude_share`, at ``lowest_km + k * TILT_SPACING_KM``; linear between,
        constant outside. Default none.

    Raises
    ------
    InputError
        an array of another shape, or heights that do not rise.
    """

    log_density: BackendArray
    lowest_km: float
    spacing_km: float
    tilt: BackendArray | None = None

    def __post_init__(self) -> None:
        shape = getattr(self.log_density, "shape", None)
        if shape is None or len(shape) != 2 or shape[1] < 2:
            raise InputError(f"log_density must have shape [runs, heights] with at least 2 heights, got {shape}")
        if not (0.0 < self.spacing_km < np.inf and np.isfinite(self.lowest_km)):
            raise InputError(
                f"heights of the density must be finite and rise, got {self.lowest_km} + k * {self.spacing_km} km"
            )
        if self.tilt is not None and not (len(self.tilt.shape) == 2 and self.tilt.shape[1] >= 2):
            raise InputError(f"tilt must have shape [runs, heights] with at least 2 heights, got {self.tilt.shape}")


@dataclass(frozen=True)
class SecularStep:
    """Length of a step and the forces during it.

    Parameters
    ----------
    dt_s : float
        length of the step [s].
    density : DensityTable
        density of the atmosphere.
    sun : array_like, shape (3,) or (kicks, 3)
        directions to the Sun at the middles of as many equal parts of the step, in the frame of the elements; any
        length.
    decay_km : float
        perigee altitude below which an object has decayed [km].
    omega_rad_s : float
        rotation of the atmosphere [rad/s].
    oblate : bool
        whether drag sees the oblate Earth, see :func:`height_lift_km`, and the tilt of the density.

    Raises
    ------
    InputError
        a step that is not positive, or a direction that is none.
    """

    dt_s: float
    density: DensityTable
    sun: Sequence[float] | Floats
    decay_km: float
    omega_rad_s: float
    oblate: bool = True

    def __post_init__(self) -> None:
        if not 0.0 < self.dt_s < np.inf:
            raise InputError(f"the step must be a positive number of seconds, got {self.dt_s}")
        kicks = np.atleast_2d(np.asarray(self.sun, np.float64))
        size = np.sqrt((kicks**2).sum(axis=-1, keepdims=True))
        if kicks.ndim != 2 or kicks.shape[1] != 3 or not len(kicks) or not ((size > 0.0) & (size < np.inf)).all():
            raise InputError(f"a direction to the Sun must be 3 finite numbers, not all 0, got {self.sun}")
        kicks = kicks / size
        middle = kicks.mean(axis=0) if len(kicks) > 1 else kicks[0]
        size = np.sqrt((middle**2).sum())
        middle = middle / size if len(kicks) > 1 and size > 0.0 else kicks[len(kicks) // 2]
        object.__setattr__(self, "sun", np.concatenate([middle[None], kicks]))

    @property
    def directions(self) -> Floats:
        """Unit vectors to the Sun [kicks + 1, 3]: of the whole step, then of each kick."""
        return np.asarray(self.sun)
