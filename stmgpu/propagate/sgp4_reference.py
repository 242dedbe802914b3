"""SGP4/SDP4 through the ``sgp4`` package, object by object: the reference backend's model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sgp4.api import WGS72 as SGP4_WGS72
from sgp4.api import Satrec

from stmgpu.constants import SECONDS_PER_DAY, WGS72
from stmgpu.propagate import elements as el
from stmgpu.propagate.codes import CODE_DUMMY, CODE_SENSELESS

if TYPE_CHECKING:
    from numpy.typing import NDArray


class ReferenceModel:
    """One ``Satrec`` per object; see :class:`stmgpu.propagate.sgp4_kernels.KernelModel` for the parameters."""

    def __init__(self, table: NDArray[np.float64], n: int, mode: str) -> None:
        self._n = n
        satrecs = [_satrec(table[:, k], mode) for k in range(n)]
        self.order = np.argsort([_kind(s) for s in satrecs], kind="stable")
        self._satrecs = [satrecs[k] for k in self.order]
        self._midnight, self._offset = table[el.MIDNIGHT, self.order], table[el.OFFSET, self.order]
        self._drag = drag_polynomial(
            table[:, self.order],
            np.array([s.method == "d" for s in self._satrecs]),
            np.array([s.a for s in self._satrecs]),
        )
        self._reach_km = np.array([el.LARGEST_RADIUS * WGS72.radius_km * s.a for s in self._satrecs])

    def grid(self, t_s: NDArray[np.float64], states: NDArray[np.float64], code: NDArray[np.int8]) -> None:
        """Fill ``states`` [T, 6, n_pad] and ``code`` [T, n_pad] for times ``t_s`` [T]."""
        states[:, :, self._n :] = np.nan
        code[:, self._n :] = CODE_DUMMY
        for k in range(self._n):
            states[:, :, k], code[:, k] = self._propagate(k, t_s)

    def at(
        self, index: NDArray[np.int32], t_s: NDArray[np.float64], states: NDArray[np.float64], code: NDArray[np.int8]
    ) -> None:
        """Fill ``states`` [6, m] and ``code`` [m] for entries (``index`` int32 [m], ``t_s`` [m])."""
        by_object = np.argsort(index, kind="stable")
        starts = np.flatnonzero(np.diff(index[by_object], prepend=-1))
        for entries in np.split(by_object, starts[1:]):
            k = index[entries[0]]
            if k >= self._n:
                states[:, entries] = np.nan
                code[entries] = CODE_DUMMY
                continue
            propagated, codes = self._propagate(k, t_s[entries])
            states[:, entries] = propagated.T
            code[entries] = codes

    def _propagate(self, k: int, t_s: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int8]]:
        days = np.floor(t_s / SECONDS_PER_DAY)
        rest = (t_s - days * SECONDS_PER_DAY) / 60.0
        minutes = ((self._midnight[k] + days * 1440.0) + self._offset[k]) + rest
        errors, position, velocity = self._satrecs[k].sgp4_array(np.zeros(len(minutes)), minutes / 1440.0)
        states = np.concatenate([position, velocity], axis=1)
        radius = np.sqrt((position * position).sum(axis=1))
        shrink = 1.0 - minutes * np.polyval(self._drag[::-1, k], minutes)
        sensible = (shrink > 0.0) & (radius <= self._reach_km[k]) & np.isfinite(states).all(axis=1)
        return states, np.where((errors == 0) & ~sensible, CODE_SENSELESS, errors).astype(np.int8)


def _satrec(column: NDArray[np.float64], mode: str) -> Satrec:
    satrec = Satrec()
    satrec.sgp4init(
        SGP4_WGS72,
        mode,
        0,
        column[el.DAYS],
        column[el.BSTAR],
        0.0,
        0.0,
        column[el.ECC],
        column[el.ARGP],
        column[el.INC],
        column[el.ANOM],
        column[el.MOTION],
        column[el.NODE],
    )
    # with an epoch of zero, Satrec's "date" is minutes since epoch / 1440 and loses nothing to a Julian date
    satrec.jdsatepoch = 0.0
    satrec.jdsatepochF = 0.0
    return satrec


def _kind(satrec: Satrec) -> int:
    """Model class as in ``sgp4.h``: 0 near-earth, 1 deep space, 2 synchronous, 3 half-day resonance."""
    if satrec.method != "d":
        return 0
    motion = el.XKE * satrec.a**-1.5
    if 0.0034906585 < motion < 0.0052359877:
        return 2
    return 3 if 8.26e-3 <= motion <= 9.24e-3 and satrec.ecco >= 0.5 else 1


def drag_polynomial(
    table: NDArray[np.float64], deep: NDArray[np.bool_], axis: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Coefficients of the orbit's shrinking by drag: sqrt(a(t) / a0) = 1 - c1 t - c2 t^2 - c3 t^3 - c4 t^4.

    Parameters
    ----------
    table : ndarray of float64
        Element table [12, n].
    deep : ndarray of bool
        deep-space objects [n]; they use the first coefficient only.
    axis : ndarray of float64
        semi-major axis [n] in Earth radii, from the Brouwer mean motion.

    Returns
    -------
    array [4, n]
        c1 .. c4 [1/min^k], Hoots and Roehrich 1980, section 6 (C1, D2, D3, D4).
    """
    ecc, a, motion = table[el.ECC], axis, el.XKE * np.asarray(axis) ** -1.5
    with np.errstate(all="ignore"):
        perigee_km = (a * (1.0 - ecc) - 1.0) * WGS72.radius_km
        s_km = np.where(perigee_km < 156.0, np.where(perigee_km < 98.0, 20.0, perigee_km - 78.0), 78.0)
        q = (120.0 - s_km) / WGS72.radius_km
        s = s_km / WGS72.radius_km + 1.0
        xi = 1.0 / (a - s)
        eta = a * ecc * xi
        psi = np.abs(1.0 - eta * eta)
        con41 = 3.0 * np.cos(table[el.INC]) ** 2 - 1.0
        c2 = (
            q**4
            * xi**4
            / psi**3.5
            * motion
            * (
                a * (1.0 + 1.5 * eta**2 + ecc * eta * (4.0 + eta**2))
                + 0.375 * WGS72.j2 * xi / psi * con41 * (8.0 + 3.0 * eta**2 * (8.0 + eta**2))
            )
        )
        c1 = table[el.BSTAR] * c2
        d2 = 4.0 * a * xi * c1**2
        d3 = d2 * xi * c1 / 3.0 * (17.0 * a + s)
        d4 = d2 * xi * c1 / 6.0 * a * xi * (221.0 * a + 31.0 * s) * c1
        full = ~deep & (perigee_km >= 220.0)
    return np.stack([c1, *(np.where(full, d, 0.0) for d in (d2, d3, d4))])
