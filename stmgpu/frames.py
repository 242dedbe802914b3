"""Convert ephemerides between inertial frames and TEME, the frame of element sets.

TEME is the frame of SGP4: the true equator of date, with the meridian from which Greenwich mean sidereal time of 1982
is counted. Vectors along Earth-fixed axes are turned by that angle (Vallado, Crawford, Hujsak, Kelso, AIAA 2006-6753,
appendix C), and vectors in GCRF by

    TEME = Rz(ERA - GMST82) Q(IAU 2006/2000A) GCRF

with Q the celestial-to-intermediate matrix and ERA the Earth rotation angle (IERS Conventions 2010, chapter 5). Only
the difference of the two angles counts, which changes by 46 arcsec a year, so that UTC may be used for UT1. Neglected
are the observed offset of the celestial pole, below 1 mas (3 cm in low orbits, 20 cm at GEO), and the slow turning of
TEME itself in velocities (0.06 mm/s in low orbits). EME2000 is GCRF turned by the constant frame bias (IAU 2006), as in
today's flight dynamics; "J2000" of older software, by the models of 1976 and 1980 without corrections, is up to 2 m
away in low orbits. TOD has TEME's equator and the true equinox: the two differ by the equation of the equinoxes
(IAU 1994).

Measured: Vallado's example (2004-04-06, r = 10,200 km) within 1 cm of GCRF; astropy 8.0.2 within 0.4 mm and 0.06 mm/s
at 7,000 km (1995 to 2026), skyfield 1.55 within 1 mm and 1 um/s at 7,000 and 42,164 km: tests/test_frames.py.
"""

from __future__ import annotations

import functools
import warnings
from typing import TYPE_CHECKING

import erfa
import numpy as np
import numpy.typing as npt

from stmgpu.errors import InputError
from stmgpu.time import NS_PER_DAY, UNIX_EPOCH_JD, from_datetime64

if TYPE_CHECKING:
    from stmgpu.typing import Floats, Ints, Times

FRAMES = {"TEME": "TEME", "EME2000": "EME2000", "J2000": "EME2000", "GCRF": "GCRF", "ICRF": "GCRF", "TOD": "TOD"}
"""Supported frames, and the frame that each is identical with."""

ROTATION_RAD_S = 2.0 * np.pi * 1.00273781191135448 / 86400.0
"""Rotation of the Earth: the rate of the Earth rotation angle (IERS Conventions 2010, eq. 5.15) [rad/s]."""

_KNOT_NS = NS_PER_DAY // 4
"""Matrices are computed at multiples of 6 h UTC and interpolated with cubics between them: 1e-11 rad."""

_TT_MINUS_TAI_S = 32.184


def known_frame(name: str) -> str:
    """Frame of a name: TEME, EME2000, GCRF or TOD.

    Raises
    ------
    InputError
        For any other frame; the message for Earth-fixed ones names the cure.

    Examples
    --------
    >>> known_frame("J2000"), known_frame("icrf")
    ('EME2000', 'GCRF')
    """
    plain = name.strip().upper()
    if plain in FRAMES:
        return FRAMES[plain]
    shown, allowed = name.strip()[:40], ", ".join(FRAMES)
    if plain.startswith(("ITRF", "WGS", "ECEF", "ECF", "GRC", "TDR", "EFG", "PEF", "TIRS")):
        raise InputError(
            f"reference frame {shown!r} turns with the Earth: it needs measured UT1-UTC and polar motion, which stmgpu "
            f"does not have; convert the ephemeris to GCRF or EME2000 first (allowed: {allowed})"
        )
    raise InputError(f"reference frame {shown!r} is not supported; allowed: {allowed}")


def rotation_to_teme(frame: str, time_ns: npt.ArrayLike) -> Floats:
    """Rotation matrices from a frame to TEME.

    Parameters
    ----------
    frame : str
        One of `FRAMES`.
    time_ns : array_like of int64, shape (m,)
        UTC instants [ns since 1970, days of 86,400 s].

    Returns
    -------
    ndarray of float64, shape (m, 3, 3)
        Matrices M with r_TEME = M r.

    Raises
    ------
    InputError
        For an unknown frame.

    Examples
    --------
    >>> rotation_to_teme("GCRF", np.array([1_720_137_600_000_000_000])).shape
    (1, 3, 3)
    """
    kind = known_frame(frame)
    times = np.asarray(time_ns, np.int64).reshape(-1)
    if kind == "TEME" or len(times) == 0:
        return np.broadcast_to(np.eye(3), (len(times), 3, 3)).copy()
    knot, rest = np.divmod(times, _KNOT_NS)
    wanted, place = np.unique((knot[:, None] + np.arange(-1, 3)).reshape(-1), return_inverse=True)
    matrices = _exact(kind, tuple(wanted.tolist()))[place.reshape(-1, 4)]
    u = rest / float(_KNOT_NS)
    w = np.stack(
        [
            -u * (u - 1.0) * (u - 2.0) / 6.0,
            (u + 1.0) * (u - 1.0) * (u - 2.0) / 2.0,
            -(u + 1.0) * u * (u - 2.0) / 2.0,
            (u + 1.0) * u * (u - 1.0) / 6.0,
        ],
        axis=1,
    )
    return np.asarray(np.einsum("mk,mkij->mij", w, matrices))


def to_teme(
    frame: str, time_ns: npt.ArrayLike, position: npt.ArrayLike, velocity: npt.ArrayLike
) -> tuple[Floats, Floats]:
    """Convert positions and velocities of any supported frame to TEME.

    Parameters
    ----------
    frame : str
        One of `FRAMES`: TEME, EME2000 (J2000), GCRF (ICRF) or TOD.
    time_ns : array_like of int64, shape (m,)
        UTC instants [ns since 1970, days of 86,400 s].
    position, velocity : array_like of float64, shape (m, 3)
        Any unit.

    Returns
    -------
    position, velocity : ndarray of float64, shape (m, 3)
        The same vectors along the axes of TEME; the same numbers if they are in TEME already.

    Raises
    ------
    InputError
        For an unknown frame.

    Examples
    --------
    >>> r, v = to_teme("TEME", np.array([0]), np.array([[7000.0, 0.0, 0.0]]), np.array([[0.0, 7.5, 0.0]]))
    >>> r.tolist()
    [[7000.0, 0.0, 0.0]]
    """
    r, v = np.asarray(position, np.float64), np.asarray(velocity, np.float64)
    if known_frame(frame) == "TEME":
        return r, v
    times = np.asarray(time_ns, np.int64).reshape(-1)
    turned_r, turned_v = np.empty_like(r), np.empty_like(v)
    for k in range(0, len(times), 1 << 16):  # the matrices of four knots an instant are 288 bytes
        s = slice(k, k + (1 << 16))
        matrix = rotation_to_teme(frame, times[s])
        turned_r[s] = np.einsum("mij,mj->mi", matrix, r[s])
        turned_v[s] = np.einsum("mij,mj->mi", matrix, v[s])
    return turned_r, turned_v


def from_teme(
    frame: str, time_ns: npt.ArrayLike, position: npt.ArrayLike, velocity: npt.ArrayLike
) -> tuple[Floats, Floats]:
    """Convert positions and velocities in TEME to any supported frame: the inverse of `to_teme`.

    Parameters
    ----------
    frame : str
        One of `FRAMES`.
    time_ns : array_like of int64, shape (m,)
        UTC instants [ns since 1970, days of 86,400 s].
    position, velocity : array_like of float64, shape (m, 3)
        Any unit.

    Returns
    -------
    position, velocity : ndarray of float64, shape (m, 3)
        The same vectors along the axes of the frame; the same numbers for TEME.

    Raises
    ------
    InputError
        For an unknown frame.

    Examples
    --------
    >>> r, v = np.array([[7000.0, 0.0, 0.0]]), np.array([[0.0, 7.5, 0.0]])
    >>> there = from_teme("EME2000", np.array([0]), r, v)
    >>> bool(np.allclose(to_teme("EME2000", np.array([0]), *there)[0], r, rtol=0, atol=1e-11))
    True
    """
    r, v = np.asarray(position, np.float64), np.asarray(velocity, np.float64)
    if known_frame(frame) == "TEME":
        return r, v
    times = np.asarray(time_ns, np.int64).reshape(-1)
    turned_r, turned_v = np.empty_like(r), np.empty_like(v)
    for k in range(0, len(times), 1 << 16):
        s = slice(k, k + (1 << 16))
        matrix = np.linalg.inv(rotation_to_teme(frame, times[s]))
        turned_r[s] = np.einsum("mij,mj->mi", matrix, r[s])
        turned_v[s] = np.einsum("mij,mj->mi", matrix, v[s])
    return turned_r, turned_v


def without_rotation(position_km: npt.ArrayLike, velocity_km_s: npt.ArrayLike) -> Floats:
    """Velocities of ITRF as those of the inertial frame that has the axes of ITRF at the instant.

    States of one instant may be compared in that frame: distances, relative velocities, and axes of objects need no
    measured orientation of the Earth. Neglected is the tilt of the axis of rotation by polar motion, up to 0.6 arcsec:
    2 mm/s in low orbits, which turns an object's own axes by 3e-7 rad; and the change of the length of the day (5e-8 of
    the rotation).

    Parameters
    ----------
    position_km, velocity_km_s : array_like, shape (n, 3)
        States in ITRF.

    Returns
    -------
    ndarray of float64, shape (n, 3)
        Velocities [km/s]: v + omega x r.

    Examples
    --------
    >>> without_rotation([[42164.0, 0.0, 0.0]], [[0.0, 0.0, 0.0]]).round(4).tolist()
    [[0.0, 3.0746, 0.0]]
    """
    r = np.asarray(position_km, np.float64)
    turning = np.stack([-r[..., 1], r[..., 0], np.zeros(r.shape[:-1])], axis=-1)
    return np.asarray(velocity_km_s, np.float64) + ROTATION_RAD_S * turning


def tai_minus_utc(day: npt.ArrayLike) -> Ints:
    """TAI - UTC on UTC days.

    Parameters
    ----------
    day : array_like of int64
        Days since 1970-01-01.

    Returns
    -------
    ndarray of int64
        Whole seconds. After the end of erfa's table (last entry 2017: 37 s) the last value remains.

    Raises
    ------
    InputError
        For days before 1972, when UTC did not keep whole seconds.

    Examples
    --------
    >>> tai_minus_utc([0 + 365 * 2, 20_000]).tolist()
    [10, 37]
    """
    days = np.asarray(day, np.int64)
    if days.size and int(days.min()) < 730:
        first = np.datetime64(int(days.min()), "D")
        raise InputError(f"{first} is before 1972, when UTC did not keep whole seconds; give later times")
    table = erfa.leap_seconds.get()
    months = 12 * (table["year"].astype(np.int64) - 1970) + table["month"] - 1
    changes = months.view("datetime64[M]").astype("datetime64[D]").view(np.int64)
    offsets = np.rint(table["tai_utc"]).astype(np.int64)
    return np.asarray(offsets[np.searchsorted(changes, days, side="right") - 1])


def geodetic(time: Times, position_km: npt.ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Geodetic coordinates of positions in TEME, on the WGS-84 ellipsoid.

    UTC is used for UT1 and polar motion is left out: longitudes are good to 0.004 degrees.

    Parameters
    ----------
    time : array_like of datetime64, shape (m,)
        UTC instants.
    position_km : array_like of float64, shape (m, 3)
        Positions in TEME [km].

    Returns
    -------
    latitude, longitude : ndarray of float64, shape (m,)
        Geodetic latitude, and longitude from -180 to 180, east positive [degrees].
    altitude_km : ndarray of float64, shape (m,)
        Height above the ellipsoid [km].

    Notes
    -----
    Greenwich mean sidereal time of 1982 (Aoki et al.) turns TEME to the Earth's axes; WGS-84 of NIMA TR8350.2.

    Examples
    --------
    >>> latitude, _, altitude = geodetic(np.array(["2024-07-06"], "M8[ns]"), [[7000.0, 0.0, 0.0]])
    >>> latitude.tolist(), altitude.round(3).tolist()
    ([0.0], [621.863])
    """
    jd, fr = from_datetime64(time)
    position_m = 1000.0 * np.asarray(position_km, np.float64).reshape(-1, 3)
    if not len(position_m):
        return np.empty(0), np.empty(0), np.empty(0)
    right_ascension, latitude, height_m = erfa.gc2gd(1, position_m)
    longitude = erfa.anpm(right_ascension - erfa.gmst82(jd, fr))
    return np.degrees(latitude), np.degrees(longitude), height_m / 1000.0


@functools.lru_cache(maxsize=16)  # short segments follow each other between the same knots
def _exact(kind: str, knots: tuple[int, ...]) -> Floats:
    """Matrices at knots, counted from 1970 in units of 6 h."""
    day, quarter = np.divmod(np.array(knots), NS_PER_DAY // _KNOT_NS)
    jd, fr = day + UNIX_EPOCH_JD, quarter * (_KNOT_NS / NS_PER_DAY)
    leap = tai_minus_utc(np.maximum(day, 730))  # TT to a few seconds is all that the matrices need
    tt = fr + (leap + _TT_MINUS_TAI_S) / 86400.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", erfa.ErfaWarning)
        if kind == "TOD":
            return np.asarray(erfa.rz(erfa.eqeq94(jd, tt), np.eye(3)))
        angle = erfa.anpm(erfa.era00(jd, fr) - erfa.gmst82(jd, fr))
        turned = np.asarray(erfa.rz(angle, erfa.c2i06a(jd, tt)))
        return turned if kind == "GCRF" else np.asarray(turned @ erfa.bp06(2451545.0, 0.0)[0].T)
