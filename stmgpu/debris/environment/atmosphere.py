"""Models of the density of the thermosphere: tables of ln(rho) on one grid of heights, linear between them.

Heights are above the Earth's equatorial radius (r - 6378.137 km), as orbital elements give them. The grid is uniform,
120 to 2000 km by 10 km, so that a kernel finds the interval by one multiplication. Between 150 and 1000 km the error
against the density of the model itself is at most (tests/debris/environment/test_environment.py)

=================  =====================================================================
exponential        0.01 %: the layers of the model begin at heights of the grid
four exponentials  0.4 %, 0.1 % above 180 km
JB2008 table       0.25 %
NRLMSIS table      0.5 %, 0.2 % above 200 km, including averaging and interpolation in F10.7, Ap
=================  =====================================================================

and up to 3.5 % between 120 and 150 km, where an object decays within a day.
"""

from __future__ import annotations

import importlib
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

import numpy as np
from scipy.interpolate import CubicSpline

from stmgpu.constants import EARTH_BULGE_KM
from stmgpu.debris.environment.space_weather import month_name, months_of
from stmgpu.debris.formats.matlab import read_mat
from stmgpu.errors import InputError
from stmgpu.propagate.secular_forces import TILT_SPACING_KM

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from stmgpu.typing import Floats, Ints

LOWEST_KM, SPACING_KM = 120.0, 10.0
HEIGHTS_KM: Floats = LOWEST_KM + SPACING_KM * np.arange(189, dtype=np.float64)
"""Heights of every table [km]."""

TILT_HEIGHTS_KM: Floats = LOWEST_KM + TILT_SPACING_KM * np.arange(19, dtype=np.float64)
"""Heights of the change with latitude, which is smooth [km]."""


class Density(Protocol):
    """A model of the density.

    Attributes
    ----------
    needs_activity : bool
        whether it depends on F10.7 and Ap.
    notes : tuple of str
        lines for the record of a study.
    """

    needs_activity: bool
    notes: tuple[str, ...]

    def check(self, first_year: float, last_year: float, f107: tuple[float, float], ap: tuple[float, float]) -> None:
        """Raise :class:`InputError` if the years or the activity are not covered."""

    def log_density(self, years: Floats, f107: Floats, ap: Floats) -> Floats:
        """Return ln(rho [kg/m^3]) on the grid for k instants, float64 [k, heights], possibly read-only."""

    def tilt(self, years: Floats, f107: Floats, ap: Floats) -> Floats:
        """Return the change of ln(rho) with latitude at `TILT_HEIGHTS_KM`, float64 [k, tilts]; 0 where unknown.

        It is that of the mean over longitude, day and year at equal height above the ellipsoid, by unit of
        :func:`stmgpu.propagate.secular_forces.latitude_share`.
        """


# ------------------------------------------------------------------------------------------------ closed forms
_VALLADO = np.array(
    [  # base of the layer [km], density there [kg/m^3], scale height [km]
        (0, 1.225, 7.249),
        (25, 3.899e-2, 6.349),
        (30, 1.774e-2, 6.682),
        (40, 3.972e-3, 7.554),
        (50, 1.057e-3, 8.382),
        (60, 3.206e-4, 7.714),
        (70, 8.770e-5, 6.549),
        (80, 1.905e-5, 5.799),
        (90, 3.396e-6, 5.382),
        (100, 5.297e-7, 5.877),
        (110, 9.661e-8, 7.263),
        (120, 2.438e-8, 9.473),
        (130, 8.484e-9, 12.636),
        (140, 3.845e-9, 16.149),
        (150, 2.070e-9, 22.523),
        (180, 5.464e-10, 29.740),
        (200, 2.789e-10, 37.105),
        (250, 7.248e-11, 45.546),
        (300, 2.418e-11, 53.628),
        (350, 9.518e-12, 53.298),
        (400, 3.725e-12, 58.515),
        (450, 1.585e-12, 60.828),
        (500, 6.967e-13, 63.822),
        (600, 1.454e-13, 71.835),
        (700, 3.614e-14, 88.667),
        (800, 1.170e-14, 124.64),
        (900, 5.245e-15, 181.05),
        (1000, 3.019e-15, 268.00),
    ]
)


def exponential_log_density(height_km: ArrayLike) -> Floats:
    """Return ln(rho [kg/m^3]) of Vallado's layered exponential atmosphere.

    Vallado, Fundamentals of Astrodynamics and Applications, table 8-4 (from the US Standard Atmosphere 1976 and
    CIRA-72). At 350 km the printed 9.158e-12 is 9.518e-12: with the printed value the density would jump by 4 % at
    both ends of that layer, and by less than 0.2 % everywhere else.

    Parameters
    ----------
    height_km : array_like
        Heights from 0 km; the last layer continues above 1000 km.

    Examples
    --------
    >>> f"{np.exp(exponential_log_density(500.0)):.4g}"
    '6.967e-13'
    """
    height = np.asarray(height_km, np.float64)
    base, density, scale = _VALLADO[np.maximum(np.searchsorted(_VALLADO[:, 0], height, side="right") - 1, 0)].T
    log_density: Floats = np.log(density.T) - (height - base.T) / scale.T
    return log_density


def four_exponential_log_density(height_km: ArrayLike) -> Floats:
    """Return ln(rho [kg/m^3]) of the atmosphere of esa/cascade, a sum of four exponentials.

    It is fitted to NRLMSISE-00 of February 2021, at solar minimum (a tenth of the mean density at 500 km).

    Examples
    --------
    >>> f"{np.exp(four_exponential_log_density(500.0)):.2g}"
    '4.1e-14'
    """
    height = np.asarray(height_km, np.float64)[..., np.newaxis]
    value = np.array([1.01709935e-6, 0.786443375, 7.50341883e-9, 8.63934252e-14])
    per_km = np.array([0.0463822910, 0.186080048, 0.0248667176, 0.00481080852])
    base_km = np.array([5.01594516, 22.8429809, 4.27957829, 0.156291673])
    log_density: Floats = np.log((value * np.exp(-per_km * (height - base_km))).sum(axis=-1))
    return log_density


class _Static:
    """A density that depends on the height only."""

    needs_activity = False

    def __init__(self, table: Floats, note: str) -> None:
        self._table = table
        self.notes: tuple[str, ...] = (note,)

    def check(self, first_year: float, last_year: float, f107: tuple[float, float], ap: tuple[float, float]) -> None:
        """Accept all years and any activity."""

    def log_density(self, years: Floats, f107: Floats, ap: Floats) -> Floats:
        """See :class:`Density`."""
        return np.broadcast_to(self._table, (len(years), len(HEIGHTS_KM)))

    def tilt(self, years: Floats, f107: Floats, ap: Floats) -> Floats:
        """See :class:`Density`: the same at all latitudes."""
        return np.zeros((len(years), len(TILT_HEIGHTS_KM)))


class Exponential(_Static):
    """Vallado's table, see :func:`exponential_log_density`: no solar activity."""

    def __init__(self) -> None:
        super().__init__(exponential_log_density(HEIGHTS_KM), "density: Vallado's exponential table, no solar activity")


class FourExponentials(_Static):
    """The fit of esa/cascade, see :func:`four_exponential_log_density`: constant solar minimum."""

    def __init__(self) -> None:
        super().__init__(
            _balanced(four_exponential_log_density(HEIGHTS_KM)),
            "density: four exponentials fitted to NRLMSISE-00 of February 2021 (solar minimum)",
        )


def _balanced(table: Floats) -> Floats:
    """Shift grid values of a curve [..., heights] to balance the error of linear interpolation between them.

    Chords through the curve are too high by f'' h^2 / 8 in the middle of an interval and exact at its ends. The values
    are lowered by f'' h^2 / 18, a little less than half of that, because f'' falls with height.
    """
    bend = np.diff(table, 2, axis=-1)
    bend = np.concatenate([bend[..., :1], bend, bend[..., -1:]], axis=-1)
    moved: Floats = table - bend / 18.0
    return moved


# ------------------------------------------------------------------------------------------------ table of a file
_MAT_FIELDS = ("dens", "year", "month", "alt")
_MUST_REACH_KM = (300.0, 2000.0)


class Jb2008:
    """Density by month and altitude from a .mat file of MOCAT-MC (JB2008 averaged over the Earth).

    A month's column is valid from its first to its last day. Between the file's altitudes (51 km apart) ln(rho) follows
    a cubic spline: fitted to every other altitude, it reproduces the rest to 0.3 % above 300 km, linear interpolation
    to 4 to 9 %. Below the file's lowest altitude (200 km) the shape of Vallado's table continues, scaled to the file's
    density there. The file's altitudes are taken as heights above the equator. It contains its own solar activity.

    Parameters
    ----------
    path : str or Path
        MAT-file (version 7 or older) with a structure that has the fields ``dens`` [altitudes, months] in kg/m^3,
        ``year``, ``month`` [months] and ``alt`` [altitudes] in km.

    Raises
    ------
    InputError
        missing file, another format, months that are not consecutive, or altitudes that do not cover 300 to 2000 km.
    """

    needs_activity = False

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        fields = self._fields()
        density, altitude = fields["dens"], fields["alt"].ravel()
        month = fields["year"].ravel() * 12 + fields["month"].ravel() - 1 - 1970 * 12
        if density.shape != (len(altitude), len(month)) or len(month) == 0:
            self._refuse(f"dens has shape {density.shape}, expected ({len(altitude)}, {len(month)}) from alt and year")
        if not (np.isfinite(density) & (density > 0.0)).all():
            self._refuse("dens must hold positive values")
        if not (
            np.isfinite(month).all()
            and np.array_equal(np.diff(month), np.ones(len(month) - 1))
            and month[0] % 1.0 == 0.0
            and abs(month[0]) < 12 * 8000
        ):
            self._refuse("year and month must hold consecutive months")
        if not (len(altitude) >= 4 and (np.diff(altitude) > 0.0).all() and altitude[0] >= 0.0):
            self._refuse("alt must hold at least four increasing altitudes")
        low, high = _MUST_REACH_KM
        if altitude[0] > low or altitude[-1] < high - 1e-6:
            raise InputError(
                f"the density table {self.path} covers altitudes from {altitude[0]:g} to {altitude[-1]:g} "
                f"km; it must cover {low:g} to {high:g} km"
            )
        self.first_month, self.months = int(month[0]), len(month)
        curve = np.log(density)
        inside = altitude[0] <= HEIGHTS_KM
        table = np.empty((len(HEIGHTS_KM), len(month)))
        table[inside] = CubicSpline(altitude, curve, axis=0)(HEIGHTS_KM[inside])
        shape = exponential_log_density(HEIGHTS_KM[~inside]) - exponential_log_density(altitude[0])
        table[~inside] = shape[:, np.newaxis] + curve[0]
        self._table = np.ascontiguousarray(table.T)
        self.notes: tuple[str, ...] = (
            f"density: table {self.path.name}, {self.covers}; below {altitude[0]:g} km with "
            "the shape of Vallado's table",
        )

    @property
    def covers(self) -> str:
        """First and last month as text."""
        return f"{month_name(self.first_month)} to {month_name(self.first_month + self.months - 1)}"

    def _refuse(self, why: str) -> NoReturn:
        raise InputError(f"{self.path} is not a density table of MOCAT-MC: {why}")

    def _fields(self) -> dict[str, Floats]:
        """The fields of the structure that has all four."""
        try:
            content = read_mat(self.path)
            for name, value in content.items():
                names = getattr(getattr(value, "dtype", None), "names", None)
                if not name.startswith("__") and value.size == 1 and set(_MAT_FIELDS) <= set(names or ()):
                    record = value.ravel()[0]
                    return {field: np.asarray(record[field], np.float64) for field in _MAT_FIELDS}
        except InputError:
            raise
        except (ValueError, TypeError) as error:
            raise InputError(
                f"{self.path} is not a density table of MOCAT-MC: it cannot be read as a MAT-file ({error})"
            ) from error
        names = ", ".join(name for name in content if not name.startswith("__")) or "nothing"
        raise InputError(
            f"{self.path} is not a density table of MOCAT-MC: it holds {names}, and no structure with the "
            f"fields {', '.join(_MAT_FIELDS)}"
        )

    def check(self, first_year: float, last_year: float, f107: tuple[float, float], ap: tuple[float, float]) -> None:
        """Raise :class:`InputError` if the months of the file do not cover the years."""
        first, last = months_of([first_year, last_year]) - self.first_month
        if first < 0 or last >= self.months:
            raise InputError(
                f"the density table {self.path} covers {self.covers}, the run needs {first_year:.2f} to "
                f"{last_year:.2f}; use fewer years or density = 'nrlmsis'"
            )

    def log_density(self, years: Floats, f107: Floats, ap: Floats) -> Floats:
        """See :class:`Density`; outside the months of the file the nearest month."""
        return self._table[np.clip(months_of(years) - self.first_month, 0, self.months - 1)]

    def tilt(self, years: Floats, f107: Floats, ap: Floats) -> Floats:
        """See :class:`Density`: not in the file, thus 0."""
        return np.zeros((len(years), len(TILT_HEIGHTS_KM)))


# ------------------------------------------------------------------------------------------------ NRLMSIS by pymsis
_F107 = np.array([60, 70, 80, 90, 100, 120, 140, 160, 180, 200, 225, 250, 300], np.float64)
_AP = np.array([0, 5, 10, 15, 22, 30, 40, 50], np.float64)
_NODES_KM = np.r_[120:150:5, 150:200:10, 200:300:20, 300:800:50, 800:1000:100, 1000:2001:200].astype(np.float64)
_POINTS, _SHIFT_LOCAL, _SHIFT_UNIVERSAL, _LATITUDES = 32, 5, 25, 6


class Nrlmsis:
    """Density of NRLMSIS 2.1 (Emmert et al. 2022) by F10.7 and Ap, averaged over the Earth, the day and the year.

    The table is computed once per process by pymsis, which downloads nothing: F10.7 (also as its 81-day mean) and Ap
    are always given. The mean is that of rho at equal height above the equatorial radius, not above the ellipsoid,
    whose surface is up to 21 km lower along an orbit. (At equal geodetic altitude the mean would be higher by 19 to
    26 % at 200 km, 9 to 14 % at 500 km, 3 to 5 % at 1000 km.)

    Six Gauss latitudes by 32 points of a lattice rule over day of year, local time and universal time (Sloan and Joe
    1994) reproduce the mean over 27,000 points to 0.04 %. The same points give the change with latitude: the second
    Legendre coefficient of the density at equal height above the ellipsoid. Near the minimum of the Sun the density
    above 500 km is higher at high latitudes (helium gathers over the winter pole), near its maximum at low ones, which
    the Sun heats more: -8 to +3 % along an equatorial orbit, +5 to -2 % along a polar one, at 400 to 800 km.

    Between the values of F10.7 and Ap, ln(rho) follows cubics through the four nearest (F10.7: 0.12 %, below 250 0.03
    %; Ap: 0.05 %), between heights a cubic spline.

    Parameters
    ----------
    ap : float, optional
        Compute the table for this Ap only, in an eighth of the time; None for 0 to 50.

    Raises
    ------
    InputError
        pymsis is not installed.
    """

    needs_activity = True
    notes: tuple[str, ...] = ("density: NRLMSIS 2.1 (pymsis), mean over latitude, longitude, local time and season",)

    def __init__(self, ap: float | None = None) -> None:
        self.ap = _AP if ap is None else np.array([ap], np.float64)
        self._table, self._tilt = _msis_table(tuple(self.ap.tolist()))

    def check(self, first_year: float, last_year: float, f107: tuple[float, float], ap: tuple[float, float]) -> None:
        """Raise :class:`InputError` if F10.7 or Ap leave the table."""
        for name, (low, high), nodes, cure in (
            ("F10.7", f107, _F107, "solar.f107 and solar.amplitude"),
            ("Ap", ap, self.ap, "solar.ap"),
        ):
            if not nodes[0] <= low <= high <= nodes[-1]:
                raise InputError(
                    f"{name} goes from {low:g} to {high:g} between {first_year:.2f} and {last_year:.2f}, "
                    f"the density table covers {nodes[0]:g} to {nodes[-1]:g}; change {cure}"
                )

    def log_density(self, years: Floats, f107: Floats, ap: Floats) -> Floats:
        """See :class:`Density`."""
        return self._between(self._table, f107, ap)

    def tilt(self, years: Floats, f107: Floats, ap: Floats) -> Floats:
        """See :class:`Density`."""
        return self._between(self._tilt, f107, ap)

    def _between(self, table: Floats, f107: Floats, ap: Floats) -> Floats:
        """Interpolate a table [Ap, F10.7, rows] between its values of F10.7 and Ap."""
        result = np.zeros((len(f107), table.shape[2]))
        flux_rows, flux_weights = _cubic(_F107, f107)
        index_rows, index_weights = _cubic(self.ap, ap)
        for i in range(flux_rows.shape[1]):
            for j in range(index_rows.shape[1]):
                weight = flux_weights[:, i] * index_weights[:, j]
                result += weight[:, np.newaxis] * table[index_rows[:, j], flux_rows[:, i]]
        return result


def _cubic(nodes: Floats, x: Floats) -> tuple[Ints, Floats]:
    """Rows of the four nodes around each x, and the weights of Lagrange's cubic through them [k, 4].

    The weight of node i is prod_{j != i} (x - x_j) / (x_i - x_j). A single node has the weight 1, [k, 1].
    """
    if len(nodes) == 1:
        return np.zeros((len(x), 1), np.int64), np.ones((len(x), 1))
    rows = np.clip(np.searchsorted(nodes, x, side="right") - 2, 0, len(nodes) - 4)[:, np.newaxis] + np.arange(4)
    at = nodes[rows]
    weights = np.ones(at.shape)
    for i in range(4):
        for j in set(range(4)) - {i}:
            weights[:, i] *= (x - at[:, j]) / (at[:, i] - at[:, j])
    return rows, weights


@lru_cache(maxsize=8)
def _msis_table(aps: tuple[float, ...]) -> tuple[Floats, Floats]:
    """Return ln(mean rho) [Ap, F10.7, heights] and its change with latitude [Ap, F10.7, tilts] from pymsis."""
    try:
        pymsis: Any = importlib.import_module("pymsis")
    except ImportError as error:
        raise InputError(
            f"density = 'nrlmsis' needs the package pymsis, which cannot be imported ({error}); install "
            "it (python -m pip install pymsis) or use density = 'exponential' or 'jb2008'"
        ) from error
    point = np.arange(_POINTS)
    # rank-1 lattice: point k at the fractions k/N, 5k/N, 25k/N (mod 1) of year, local and universal time
    local_h, universal_h = (24.0 * (point * shift / _POINTS % 1.0) for shift in (_SHIFT_LOCAL, _SHIFT_UNIVERSAL))
    seconds = np.floor((point + 0.5) / _POINTS * 365.0) * 86_400.0 + universal_h * 3600.0
    date = np.datetime64("2023-01-01T00:00:00", "s") + seconds.astype(np.int64)
    longitude = 15.0 * (local_h - universal_h) % 360.0
    sine, weight = np.polynomial.legendre.leggauss(_LATITUDES)
    f, k, m, n = (
        a.ravel() for a in np.meshgrid(_F107, point, np.arange(_LATITUDES), np.arange(len(_NODES_KM)), indexing="ij")
    )
    height = _NODES_KM[n] + EARTH_BULGE_KM * sine[m] ** 2
    latitude = np.degrees(np.arcsin(sine))[m]
    shape = (len(_F107), _POINTS, _LATITUDES, len(_NODES_KM))
    table = np.empty((len(aps), len(_F107), len(HEIGHTS_KM)))
    tilt = np.empty((len(aps), len(_F107), len(TILT_HEIGHTS_KM)))
    for row, ap in enumerate(aps):
        density = pymsis.calculate(date[k], longitude[k], latitude, height, f, f, np.full((len(f), 7), ap), version=2.1)
        mean = np.einsum("fkmn,m->fn", density[:, 0].reshape(shape), weight / (2.0 * _POINTS))
        table[row] = _balanced(CubicSpline(_NODES_KM, np.log(mean), axis=1)(HEIGHTS_KM))
        tilt[row] = _tilt_of(density[:, 0].reshape(shape).mean(axis=1), sine, weight)
    table.flags.writeable = tilt.flags.writeable = False
    return table, tilt


def _tilt_of(density: Floats, sine: Floats, weight: Floats) -> Floats:
    """Change of ln(rho) with latitude [F10.7, tilts] from rho [F10.7, latitudes, heights] at equal radius.

    Along an orbit the second Legendre polynomial P_2 of the sine of latitude has the mean 3/2 s with s =
    :func:`~stmgpu.propagate.secular_forces.latitude_share`, and over the globe 0. So a density rho_0 + rho_2 P_2 is
    rho_0 (1 + 3/2 s rho_2 / rho_0) along it: the change is 3/2 rho_2 / rho_0.
    """
    curve = CubicSpline(_NODES_KM, np.log(density), axis=2)
    # at equal height above the ellipsoid, which is the mean one where sin^2(latitude) is 1/3
    same = np.stack(
        [
            np.exp(curve(np.maximum(TILT_HEIGHTS_KM - EARTH_BULGE_KM * (x**2 - 1.0 / 3.0), LOWEST_KM))[:, m])
            for m, x in enumerate(sine)
        ],
        axis=1,
    )
    mean = np.einsum("fmh,m->fh", same, weight / 2.0)
    second = np.einsum("fmh,m->fh", same, weight / 2.0 * 5.0 * (1.5 * sine**2 - 0.5))
    tilt: Floats = 1.5 * second / mean
    return tilt
