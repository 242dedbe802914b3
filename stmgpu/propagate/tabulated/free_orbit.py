"""Free motion over minutes: the Earth's point mass and its flattening, integrated on any array namespace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stmgpu.catalog.trajectories.gravity import gravity

if TYPE_CHECKING:
    from types import ModuleType

    from stmgpu.typing import BackendArray

_STEPS = 6


def free_orbit(xp: ModuleType, state: BackendArray, t_s: BackendArray | float) -> BackendArray:
    """States after a few minutes under the Earth's point mass and J2: six Runge-Kutta steps of fourth order.

    Parameters
    ----------
    xp : ModuleType
        Array namespace.
    state : array
        [6, m] km, km/s in a frame whose z axis is the Earth's.
    t_s : array or float
        Seconds, [m] or one for all, of either sign.

    Returns
    -------
    [6, m]; over 360 s within 3 m of the same forces integrated exactly, in orbits above 200 km.
    """
    h = t_s / _STEPS
    y = [state[k] for k in range(6)]
    for _ in range(_STEPS):
        k1 = _rates(xp, y)
        k2 = _rates(xp, [a + 0.5 * h * b for a, b in zip(y, k1, strict=True)])
        k3 = _rates(xp, [a + 0.5 * h * b for a, b in zip(y, k2, strict=True)])
        k4 = _rates(xp, [a + h * b for a, b in zip(y, k3, strict=True)])
        y = [a + h / 6.0 * (b + 2.0 * c + 2.0 * d + e) for a, b, c, d, e in zip(y, k1, k2, k3, k4, strict=True)]
    states: BackendArray = xp.stack(y)
    return states


def _rates(xp: ModuleType, y: list[BackendArray]) -> list[BackendArray]:
    return [*y[3:], *gravity(xp, y[:3])]
