"""Sizes of objects from the radar cross-sections that satellite catalogues state.

A radar cross-section is not a size: it depends on shape, attitude and wavelength. Both rules here give an order of
magnitude.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from stmgpu.typing import Floats

SIZE_CLASS_RADIUS_M = {"SMALL": 0.15, "MEDIUM": 0.55, "LARGE": 2.0}
"""Radii of the classes of radar cross-section that Space-Track publishes [m], as esa/cascade takes them."""

SIZE_CLASS_SOURCE = "radii of the classes of radar cross-section of Space-Track as in esa/cascade (commit 100d8e7)"

SMALLEST_RADIUS_M = 0.042
"""Radius of the cross-section of a 10 cm fragment, about the smallest catalogued objects [m]."""

CROSS_SECTION_SOURCE = (
    f"sphere with the radar cross-section of the SATCAT in the optical limit, RCS = pi r^2, not below "
    f"{SMALLEST_RADIUS_M:g} m"
)


def radius_of_rcs(cross_section_m2: ArrayLike) -> Floats:
    """Radius [m] of a sphere of this radar cross-section [m^2] in the optical limit; 0 (unknown) for 0.

    Examples
    --------
    >>> radius_of_rcs([0.0, 1e-4, 3.1416]).round(3).tolist()
    [0.0, 0.042, 1.0]
    """
    section = np.asarray(cross_section_m2, np.float64)
    return np.where(section > 0.0, np.maximum(np.sqrt(np.maximum(section, 0.0) / np.pi), SMALLEST_RADIUS_M), 0.0)
