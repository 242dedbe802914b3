"""The environment of a scenario: density of the thermosphere over the years, and direction to the Sun."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stmgpu.debris.environment.atmosphere import (
    HEIGHTS_KM,
    LOWEST_KM,
    SPACING_KM,
    Density,
    Exponential,
    Jb2008,
    Nrlmsis,
)
from stmgpu.debris.environment.co2 import Co2Scaling
from stmgpu.debris.environment.co2_pathways import Co2Pathway
from stmgpu.debris.environment.solar import Recorded, Sinusoid, solar_activity
from stmgpu.errors import InputError
from stmgpu.time import YEAR_DAYS

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from stmgpu.debris.specs import EnvironmentSpec
    from stmgpu.typing import Floats

_SLACK_YEARS = 1e-6, 0.1  # before: rounding of summed steps; after: monthly tables end with a whole month


def sun_direction(year: ArrayLike) -> Floats:
    """Direction to the Sun in the frame of the mean equator and equinox of date.

    Low-precision formulas of the Astronomical Almanac (page C5), stated for 1950 to 2050. Errors against the IAU series
    of ERFA: 0.015 deg from 1957 to 2125, 0.02 deg to 2225 (tests/debris/environment/test_environment.py).

    Parameters
    ----------
    year : array_like
        Decimal years (Julian years from J2000), any shape.

    Returns
    -------
    ndarray of float64, shape (..., 3)
        unit vectors.

    Examples
    --------
    >>> sun_direction(2000.0).round(3).tolist()
    [0.18, -0.902, -0.391]
    """
    days = (np.asarray(year, np.float64) - 2000.0) * YEAR_DAYS
    anomaly = np.radians(357.528 + 0.9856003 * days)
    longitude = np.radians(280.460 + 0.9856474 * days + 1.915 * np.sin(anomaly) + 0.020 * np.sin(2.0 * anomaly))
    obliquity = np.radians(23.439 - 0.0000004 * days)
    east = np.sin(longitude)
    return np.stack([np.cos(longitude), np.cos(obliquity) * east, np.sin(obliquity) * east], axis=-1)


class Environment:
    """Atmosphere and Sun of one scenario.

    Parameters
    ----------
    density : Density
        Density model.
    first_year, last_year : float
        Range of decimal years.
    solar : Sinusoid or Recorded, optional
        Solar activity; default a constant F10.7 of 123.
    co2 : Co2Pathway or Co2Scaling, optional
        Contraction by CO2; default none.
    sigma : float
        Standard deviation of the logarithm of a factor on the density, one for each run, which :meth:`log_density` does
        not contain (see ``EnvironmentSpec.density_sigma``).

    Attributes
    ----------
    heights : ndarray of float64
        float64 [heights], heights above the equatorial radius [km]: ``lowest_km`` + k ``spacing_km``.
    varies : bool
        whether runs differ because their solar cycles are drawn at random.
    notes : tuple of str
        descriptions of the models and their extrapolations, a line each.

    Raises
    ------
    InputError
        the models do not cover the years or the activity.

    Examples
    --------
    >>> environment = Environment(Exponential(), 2025.0, 2125.0)
    >>> environment.log_density([2030.0, 2100.0]).shape
    (2, 189)
    """

    lowest_km, spacing_km = LOWEST_KM, SPACING_KM

    def __init__(
        self,
        density: Density,
        first_year: float,
        last_year: float,
        solar: Sinusoid | Recorded | None = None,
        co2: Co2Pathway | Co2Scaling | None = None,
        *,
        sigma: float = 0.0,
    ) -> None:
        if not first_year <= last_year:
            raise InputError(f"environment: the first year {first_year} is after the last, {last_year}; swap them")
        self.heights = HEIGHTS_KM
        self.density, self.co2, self.sigma = density, co2, sigma
        self.first_year, self.last_year = float(first_year), float(last_year)
        used = density.needs_activity or co2 is not None
        self.solar = solar if solar is not None and used else Sinusoid()
        self.solar.check(first_year, last_year)
        density.check(first_year, last_year, self.solar.f107_range, self.solar.ap_range)
        self.varies = self.solar.varies
        spread = (f"density: one factor a run, log-normal with sigma {sigma:g}",) if sigma > 0.0 else ()
        self.notes = (
            density.notes + (co2.notes if co2 is not None else ()) + spread + ((self.solar.note,) if used else ())
        )
        self._last: tuple[bytes, Floats] = (b"", np.empty(0))
        self._by_month: Floats | None = None

    @classmethod
    def build(cls, spec: EnvironmentSpec, first_year: float, last_year: float) -> Environment:
        """Build the environment of a scenario: read its files and compute the table of NRLMSIS.

        Parameters
        ----------
        spec : EnvironmentSpec
            Table ``environment`` of the scenario.
        first_year, last_year : float
            Range of decimal years.

        Raises
        ------
        InputError
            unusable files, models that do not cover the years, missing packages.
        """
        density: Density
        needed = spec.density == "nrlmsis" or spec.co2_pathway is not None
        solar = solar_activity(spec.solar) if needed else None
        if spec.density == "jb2008" and spec.path is not None:
            density = Jb2008(spec.path)
        elif spec.density == "nrlmsis":
            density = Nrlmsis(spec.solar.ap if isinstance(solar, Sinusoid) else None)
        else:
            density = Exponential()
        co2: Co2Pathway | Co2Scaling | None = None
        if spec.co2_pathway is not None:
            co2 = Co2Pathway(spec.co2_pathway) if spec.co2 is None else Co2Scaling(spec.co2, spec.co2_pathway)
        return cls(density, first_year, last_year, solar, co2, sigma=spec.density_sigma)

    def log_density(self, years: ArrayLike, rng: np.random.Generator | None = None) -> Floats:
        """Natural logarithm of the density at k instants of one run.

        Parameters
        ----------
        years : array_like
            Decimal years [k], up to a month after the last year, for which the last month of a table is used.
        rng : Generator, optional
            Generator of the solar cycles of the run if ``varies``; the same generator gives the same cycles for any
            years. One call is one run.

        Returns
        -------
        ndarray of float64, shape (k, heights)
            ln(rho [kg/m^3]), read-only; the same array for the same years if runs do not differ.

        Raises
        ------
        InputError
            years outside the range of the environment.
        """
        at = self._instants(years)
        key = at.tobytes()
        if not self.varies and key == self._last[0]:
            return self._last[1]
        if isinstance(self.solar, Recorded):
            weather, months = self.solar.weather, self.solar.months(at, self.last_year, rng)
            f107, ap = weather.f107[months], weather.ap[months]
        else:
            f107, ap = self.solar.activity(at)
        if isinstance(self.density, Nrlmsis) and isinstance(self.solar, Recorded):
            if self._by_month is None:  # drawn cycles are rows of this table
                self._by_month = self.density.log_density(weather.f107, weather.f107, weather.ap)
            result = self._by_month[months]
        else:
            result = self.density.log_density(at, f107, ap)
        result = result + self.co2.log_factor(at, f107) if self.co2 is not None else np.array(result)
        result.flags.writeable = False
        if not self.varies:
            self._last = (key, result)
        return result

    def tilt(self, years: ArrayLike, rng: np.random.Generator | None = None) -> Floats:
        """Change of ln(rho) with latitude at k instants of one run, see :class:`Density`.

        Parameters
        ----------
        years : array_like
            Decimal years [k], as for :meth:`log_density`.
        rng : Generator, optional
            As for :meth:`log_density`: with a generator of the same key, the same solar cycles.

        Returns
        -------
        ndarray of float64, shape (k, tilts)
            At `TILT_HEIGHTS_KM`.
        """
        at = self._instants(years)
        if isinstance(self.solar, Recorded):
            weather, months = self.solar.weather, self.solar.months(at, self.last_year, rng)
            return self.density.tilt(at, weather.f107[months], weather.ap[months])
        return self.density.tilt(at, *self.solar.activity(at))

    def _instants(self, years: ArrayLike) -> Floats:
        """Return decimal years as an array, if the environment covers them."""
        at = np.array(years, np.float64)
        if at.ndim != 1:
            raise InputError(f"years must have one dimension, got shape {at.shape}")
        low, high = self.first_year - _SLACK_YEARS[0], self.last_year + _SLACK_YEARS[1]
        if not ((at >= low) & (at <= high)).all():
            raise InputError(
                f"density of {at.min():.3f} to {at.max():.3f} is outside the years of the environment, "
                f"{self.first_year:.3f} to {self.last_year:.3f}; build it for all years"
            )
        return at
