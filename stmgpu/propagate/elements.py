"""Table of mean elements, epochs and offsets: the input of the propagation models.

Rows follow ``EL_`` in ``kernels/include/sgp4.h``. Everything here is computed on the host, once per object, so that it
is the same for every backend.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from stmgpu.backend.tables import table
from stmgpu.errors import InputError, counted
from stmgpu.propagate.codes import CODE_DUMMY
from stmgpu.time import normalise

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_HEADER = table("sgp4_init.h")

XKE = _HEADER.number("WGS72_XKE")
"""Square root of mu in Earth radii^1.5 per minute, WGS-72."""

PAD = 16
"""Tables are padded to a multiple of this many objects: the widest vector and whole cache lines."""

LARGEST_RADIUS = _HEADER.number("LARGEST_RADIUS")
"""Largest radius of a state in semi-major axes. No orbit is farther out than twice its semi-major axis; a state beyond
this is senseless."""

MOTION, ECC, INC, NODE, ARGP, ANOM, BSTAR, DAYS, GST, MIDNIGHT, OFFSET, STATUS, ROWS = _HEADER.integers(
    "EL_", "MOTION ECC INC NODE ARGP ANOM BSTAR DAYS GST MIDNIGHT OFFSET STATUS ROWS"
)
"""Rows of the element table, and their number."""

_JD_1950 = 2433281.5
_JD_2000 = 2451545.0
# padding lanes propagate a plain low orbit; their states are never given out
_DUMMY = {MOTION: 0.06, ECC: 0.001, INC: 1.0, STATUS: float(CODE_DUMMY)}


class MeanElements(Protocol):
    """Columns that a catalogue provides, one value per object."""

    @property
    def epoch_jd(self) -> ArrayLike:
        """First part of the Julian date of the epoch, UTC [d]."""

    @property
    def epoch_fr(self) -> ArrayLike:
        """Second part [d]."""

    @property
    def mean_motion(self) -> ArrayLike:
        """Kozai mean motion [rad/min]."""

    @property
    def eccentricity(self) -> ArrayLike:
        """Eccentricity."""

    @property
    def inclination(self) -> ArrayLike:
        """Inclination [rad]."""

    @property
    def raan(self) -> ArrayLike:
        """Right ascension of the ascending node [rad]."""

    @property
    def argp(self) -> ArrayLike:
        """Argument of perigee [rad]."""

    @property
    def mean_anomaly(self) -> ArrayLike:
        """Mean anomaly [rad]."""

    @property
    def bstar(self) -> ArrayLike:
        """B* [1/Earth radius]."""


def element_table(elements: MeanElements, midnight_jd: float, mode: str) -> NDArray[np.float64]:
    """Elements, epochs and offsets of all objects.

    Parameters
    ----------
    elements : MeanElements
        Columns of one length n: epoch (two-part Julian date, UTC), mean motion [rad/min], eccentricity, angles [rad],
        B* [1/Earth radius].
    midnight_jd : float
        Julian date of t = 0, a midnight (UTC) [d].
    mode : str
        ``"i"`` (improved) or ``"a"`` (as AFSPC), which differ in the sidereal time.

    Returns
    -------
    array [12, n_pad]
        rows as ``EL_`` in ``sgp4.h``; columns from n on are padding with status 9.

    Raises
    ------
    InputError
        no objects, columns of different lengths, or an unknown mode.
    """
    if mode not in ("i", "a"):
        raise InputError(f"SGP4 operation mode {mode!r} is unknown; choose 'i' (improved, the default) or 'a' (AFSPC)")
    columns = {
        MOTION: elements.mean_motion,
        ECC: elements.eccentricity,
        INC: elements.inclination,
        NODE: elements.raan,
        ARGP: elements.argp,
        ANOM: elements.mean_anomaly,
        BSTAR: elements.bstar,
    }
    jd, fr = (np.atleast_1d(np.asarray(c, np.float64)) for c in (elements.epoch_jd, elements.epoch_fr))
    n = len(jd)
    if n == 0:
        raise InputError("there are no objects to propagate; the catalogue is empty")
    table = np.zeros((ROWS, -(-n // PAD) * PAD))
    for row, value in _DUMMY.items():
        table[row, n:] = value
    for row, column in columns.items():
        values = np.atleast_1d(np.asarray(column, np.float64))
        if values.shape != (n,) or fr.shape != (n,):
            raise InputError(
                f"element columns differ in length: {values.shape} and {fr.shape} beside {counted(n, 'epoch')}"
            )
        table[row, :n] = values
    table[DAYS, :n] = (jd + fr) - _JD_1950
    table[DAYS, n:] = table[DAYS, 0]
    table[GST] = sidereal_time(table[DAYS]) if mode == "i" else sidereal_time_afspc(table[DAYS])
    whole, part = normalise(jd, fr)
    table[MIDNIGHT, :n] = (midnight_jd - whole) * 1440.0
    table[OFFSET, :n] = part * -1440.0
    return table


def sidereal_time(days: NDArray[np.float64]) -> NDArray[np.float64]:
    """Greenwich mean sidereal time [rad] in [0, 2 pi) of UT1 days since 1949-12-31 (Vallado 2004, eq. 3-45; IAU-82)."""
    century = (days + _JD_1950 - _JD_2000) / 36525.0
    seconds = (
        -6.2e-6 * century * century * century
        + 0.093104 * century * century
        + (876600.0 * 3600.0 + 8640184.812866) * century
        + 67310.54841
    )
    angle = np.fmod(np.deg2rad(1.0) * seconds / 240.0, 2.0 * np.pi)
    return _positive(angle)


def sidereal_time_afspc(days: NDArray[np.float64]) -> NDArray[np.float64]:
    """Greenwich sidereal time [rad] from the series of 1970 of the operational code (AIAA 2006-6753, mode 'a')."""
    since_1970 = days - 7305.0
    whole = np.floor(since_1970 + 1.0e-8)
    rate = 1.72027916940703639e-2
    angle = (
        1.7321343856509374
        + rate * whole
        + (rate + 2.0 * np.pi) * (since_1970 - whole)
        + since_1970 * since_1970 * 5.07551419432269442e-15
    )
    angle = np.fmod(angle, 2.0 * np.pi)
    return _positive(angle)


def _positive(angle: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.where(angle < 0.0, angle + 2.0 * np.pi, angle))
