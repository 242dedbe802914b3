"""Forecast of the decision about encounters, from states and the covariances now and then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.risk.encounter_kernels import CLIP
from stmgpu.risk.forecast import covariance_grows, forecast_probability, principal
from stmgpu.risk.rotations import local_axes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stmgpu.backend import Backend
    from stmgpu.typing import Bools, Floats


@dataclass(frozen=True, eq=False)
class Forecast:
    """Forecast of n decisions.

    Attributes
    ----------
    p_act : float64, shape (n,)
        Probability that the collision probability will be at or above the red line; NaN where there is no encounter
        plane, or a covariance that has none.
    grows : bool, shape (n,)
        Whether the combined covariance then is larger than the one now along some direction of the plane.
    """

    p_act: Floats
    grows: Bools


def encounter_forecast(
    states_km: tuple[Floats, Floats],
    now_m2: tuple[Floats, Floats],
    then_m2: tuple[Floats, Floats],
    *,
    radius_m: Floats,
    line: Floats | float,
    backend: str | Backend = "auto",
) -> Forecast:
    """Forecast whether the two-dimensional probability of encounters will be at or above a line.

    Parameters
    ----------
    states_km : two of float64, shape (n, 6)
        States of both objects near their closest approach, in one inertial frame [km, km/s].
    now_m2, then_m2 : two of float64, shape (n, 3, 3)
        Covariances of both positions at the closest approach, as they are now and as they are expected when the
        decision is due, along each object's own radial, transverse and normal axes [m^2].
    radius_m : float64, shape (n,)
        Combined hard-body radii [m].
    line : float64
        The red line.
    backend : str or Backend, optional
        Backend or its name, see :func:`stmgpu.get_backend`.

    Returns
    -------
    Forecast

    Raises
    ------
    InputError
        As :func:`stmgpu.risk.forecast.forecast_probability`.

    Notes
    -----
    As in :func:`stmgpu.risk.encounter_geometry`, the axes of the objects are those of the states as
    given, and the plane is that of the closest approach of straight relative motion.
    """
    one, two = states_km
    r, v = 1e3 * (one[:, :3] - two[:, :3]), 1e3 * (one[:, 3:] - two[:, 3:])
    with np.errstate(divide="ignore", invalid="ignore"):
        along = v / np.linalg.norm(v, axis=1)[:, np.newaxis]
        normal = np.cross(r, v)
        normal /= np.linalg.norm(normal, axis=1)[:, np.newaxis]
    across = np.cross(along, normal)  # the direction of the miss
    plane = np.stack([across, normal], axis=1)
    own = [plane @ local_axes("RTN", state) for state in states_km]
    now, then = (_combined(own, both) for both in (now_m2, then_m2))
    major, minor, angle = principal(now[:, 0, 0], now[:, 0, 1], now[:, 1, 1])
    least = CLIP * radius_m
    sigma_major, sigma_minor = (np.maximum(np.sqrt(np.maximum(value, 0.0)), least) for value in (major, minor))
    c, s = np.cos(angle), np.sin(angle)
    turn = np.stack([np.stack([c, s], axis=-1), np.stack([-s, c], axis=-1)], axis=-2)
    later = turn @ then @ turn.swapaxes(1, 2)
    later = 0.5 * (later + later.swapaxes(1, 2))
    miss = (r * across).sum(axis=1)
    p_act = forecast_probability(c * miss, -s * miss, sigma_major, sigma_minor, later, radius_m, line, backend=backend)
    return Forecast(p_act, covariance_grows(sigma_major, sigma_minor, later))


def _combined(axes: Sequence[Floats], covariances: tuple[Floats, Floats]) -> Floats:
    """Sum of both covariances in the plane whose axes are given in the objects' own axes."""
    first, second = (a @ c @ a.swapaxes(1, 2) for a, c in zip(axes, covariances, strict=True))
    total: Floats = first + second
    return total
