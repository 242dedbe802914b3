"""Gravity of the Earth's point mass and its flattening, on any array namespace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stmgpu.constants import WGS72

if TYPE_CHECKING:
    from types import ModuleType

    from stmgpu.typing import BackendArray


def gravity(xp: ModuleType, r: BackendArray | list[BackendArray]) -> BackendArray:
    """Acceleration of the Earth's point mass and J2 at positions [3, m] km, z along the Earth's axis; [3, m] km/s^2."""
    x, y, z = r
    r2 = x * x + y * y + z * z
    pull = -WGS72.mu_km3_s2 / (r2 * xp.sqrt(r2))
    flat = 1.5 * WGS72.j2 * WGS72.radius_km**2 / r2
    z2 = 5.0 * z * z / r2
    side = pull * (1.0 + flat * (1.0 - z2))
    acceleration: BackendArray = xp.stack([x * side, y * side, z * pull * (1.0 + flat * (3.0 - z2))])
    return acceleration
