"""Rate of entries into a sphere by halving patches of it: the slow twin of ``kernels/rate3d.cu``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy

from stmgpu.risk import rate3d_kernels as rows

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from stmgpu.typing import Floats

    Flags = npt.NDArray[np.int32]

_DEEPEST = 24
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(8)


def rates(
    state: Floats, covariance: Floats, radius_m: Floats, tolerance: float, *, patches: int = 6
) -> tuple[Floats, Flags]:
    """Rates and flags; arguments as for :func:`stmgpu.risk.rate3d_kernels.rates`.

    The sphere is cut into `patches` each way before any is halved. A sliver of it that is entered and lies between the
    nodes of a patch and its edge is not seen: 20 see all that matters to 1e-6.
    """
    found, flags = np.empty(len(radius_m)), np.zeros(len(radius_m), np.int32)
    for k, radius in enumerate(radius_m.tolist()):
        found[k], flags[k] = _one(state[k], covariance[k], radius, tolerance, patches)
    return found, flags


class Spheres:
    """As :class:`stmgpu.risk.rate3d_kernels.Spheres`: rates that are as exact as they are asked for."""

    def __init__(self, state: Floats, covariance: Floats, radius_m: Floats, tolerance: float) -> None:
        self.rate, self.flags = rates(state, covariance, radius_m, tolerance)
        self.change = np.zeros(len(self.rate))

    def refine(self, floor: Floats | float) -> None:
        """Nothing is left to refine."""


def _one(state: Floats, covariance: Floats, radius: float, tolerance: float, patches: int) -> tuple[float, int]:
    values, axes = np.linalg.eigh(covariance[:3, :3])
    least = (rows.CLIP * radius) ** 2
    sigma2 = np.maximum(values, least)
    a, b, c = axes * sigma2 @ axes.T, covariance[3:, :3], covariance[3:, 3:]
    gain = b @ (axes / sigma2 @ axes.T)
    spread = c - gain @ a @ gain.T
    factor = radius**2 / np.sqrt((2.0 * np.pi) ** 3 * sigma2.prod())

    def inflow(theta: Floats, phi: Floats) -> Floats:
        n = np.stack([np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)], axis=-1) @ axes.T
        off = radius * n - state[:3]
        v = (n * (state[3:] + off @ gain.T)).sum(axis=-1)
        s = np.sqrt(np.maximum(0.0, (n @ spread * n).sum(axis=-1)))
        x = np.divide(np.abs(v), s, out=np.full_like(s, 1e3), where=np.abs(v) < 1e3 * s)
        mixed = (
            s
            / np.sqrt(2.0 * np.pi)
            * np.exp(-0.5 * x * x)
            * (1.0 - np.sqrt(0.5 * np.pi) * x * scipy.special.erfcx(x / np.sqrt(2)))
        )
        inward = mixed + np.maximum(0.0, -v)
        density = np.exp(-0.5 * ((off @ axes) ** 2 / sigma2).sum(axis=-1))
        found: Floats = factor * density * inward * np.sin(theta)
        return found

    return _integral(inflow, tolerance, patches), rows.CLIPPED if (values < least).any() else 0


def _integral(function: Callable[[Floats, Floats], Floats], tolerance: float, patches: int) -> float:
    """Integral over both angles of the sphere, of whose patches those are halved where halving changes them."""
    dx, dy = np.pi / patches, 2.0 * np.pi / patches
    x, y = (corner.ravel() for corner in np.meshgrid(dx * np.arange(patches), dy * np.arange(patches)))
    whole, done = _sums(function, x, y, dx, dy), 0.0
    for _ in range(_DEEPEST):
        dx, dy = 0.5 * dx, 0.5 * dy
        x, y = (np.stack(p, axis=1).ravel() for p in ((x, x + dx, x, x + dx), (y, y, y + dy, y + dy)))
        parts = _sums(function, x, y, dx, dy)
        halved = parts.reshape(-1, 4).sum(axis=1)
        total = done + halved.sum()
        open_ = np.abs(halved - whole) > tolerance * total / np.sqrt(patches**2 + 4.0 * len(whole))
        done += halved[~open_].sum()
        if not open_.any():
            break
        chosen = np.repeat(open_, 4)
        x, y, whole = x[chosen], y[chosen], parts[chosen]
    else:
        done += whole.sum()
    return float(done)


def _sums(function: Callable[[Floats, Floats], Floats], x: Floats, y: Floats, dx: float, dy: float) -> Floats:
    at = [corner[:, np.newaxis] + 0.5 * d * (1.0 + _NODES) for corner, d in ((x, dx), (y, dy))]
    values = function(*np.broadcast_arrays(at[0][:, :, np.newaxis], at[1][:, np.newaxis, :]))
    sums: Floats = 0.25 * dx * dy * np.einsum("nij,i,j->n", values, _WEIGHTS, _WEIGHTS)
    return sums
