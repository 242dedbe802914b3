"""What acts on every object from outside: the density of the thermosphere over the years, and where the Sun stands."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stmgpu.debris.environment.atmosphere import (
    HEIGHTS_KM,
    LOWEST_KM,
    SPACING_KM,
    Density,
    Exponential,
    Jb2008,
    Nrlmsis,
)
from stmgpu.debris.environment.solar import Recorded, Sinusoid, solar_activity
from stmgpu.debris.specs import EnvironmentSpec
from stmgpu.errors import InputError
from stmgpu.time import YEAR_DAYS

Floats = NDArray[np.float64]

_SLACK_YEARS = 1e-6, 0.1  # before: rounding of sums of steps; after: a table by months ends with a whole month


def sun_direction(year: ArrayLike) -> Floats:
    """Direction to the Sun in the frame of the mean equator and equinox of date.

    Low-precision formulas of the Astronomical Almanac (page C5), which are given for 1950 to 2050. Measured against the
    IAU series of ERFA: 0.015 deg from 1957 to 2125, 0.02 deg to 2225 (tests/debris/environment/test_environment.py).

    Parameters
    ----------
    year
        decimal years (Julian years from J2000), any shape.

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


class Co2Scaling:
    """Factor by which rising CO2 lowers the density: the thermosphere cools and contracts.

    Brown et al. 2021 (doi:10.1029/2021JD034589) and the thesis of 2023: WACCM-X at rising CO2, relative to the year
    2000, for the concentration pathways RCP and SSP. ln(factor) is linear in year, height and F10.7; below and above
    the table's heights (200 to 1000 km) and F10.7 (70 to 200) its edges hold, before its first year the first, after
    the last year that a pathway has (2100, or earlier where its CO2 leaves the simulated range) the last.

    Parameters
    ----------
    path
        netCDF-4 file DEN-CO2scaling2000-2100.
    scenario
        name of a pathway; points, hyphens and underscores do not count: 'RCP4.5', 'SSP2-4.5', 'SSP3_70_lowNTCF'.

    Raises
    ------
    InputError
        no file, another form, a pathway that it does not hold, or h5py is not installed.
    """

    def __init__(self, path: str | Path, scenario: str) -> None:
        self.path = Path(path)
        try:
            h5py: Any = importlib.import_module("h5py")
        except ImportError as error:
            raise InputError(
                f"environment.co2 needs the package h5py, which cannot be imported ({error}); install it "
                "(python -m pip install h5py) or leave co2 out"
            ) from error
        try:
            with h5py.File(self.path, "r") as file:
                content = {
                    name: np.asarray(data, np.float64) for name, data in file.items() if isinstance(data, h5py.Dataset)
                }
        except (OSError, ValueError, TypeError, RuntimeError, KeyError) as error:
            raise InputError(f"cannot read the CO2 scaling {self.path} as netCDF-4: {error}") from error
        axes = [content.get(name) for name in ("alt", "year", "F107")]
        if any(a is None or a.ndim != 1 or len(a) < 2 or not (np.diff(a) > 0.0).all() for a in axes):
            raise InputError(
                f"{self.path} is no table of CO2 scaling: it needs rising alt, year and F107; it holds "
                f"{', '.join(content) or 'nothing'}"
            )
        altitude, year, self._f107 = (np.asarray(a) for a in axes)
        shape = (len(altitude), len(year), len(self._f107))
        pathways = {name: data for name, data in content.items() if data.shape == shape and name != "CO2_only"}
        chosen = [name for name in pathways if _plain(name) == _plain(scenario)]
        if not chosen:
            raise InputError(
                f"CO2 pathway {scenario!r} is not in {self.path}; known: {', '.join(sorted(pathways)) or 'none'}"
            )
        factor = pathways[chosen[0]]
        finite = np.isfinite(factor).min(axis=(0, 2))
        known = int(finite.sum())
        if known < 2 or not finite[:known].all() or not ((factor[:, :known] > 0.0) & (factor[:, :known] < 10.0)).all():
            raise InputError(f"{self.path}: pathway {chosen[0]} must hold factors between 0 and 10, year by year")
        curve = np.log(factor[:, :known]).reshape(len(altitude), -1)
        at = np.array([np.interp(HEIGHTS_KM, altitude, c) for c in curve.T])
        self._table = at.reshape(known, len(self._f107), len(HEIGHTS_KM))
        self._year = year[:known]
        end = f"{year[known - 1]:g}"
        self.notes: tuple[str, ...] = (
            f"CO2: pathway {chosen[0]} of {self.path.name}, factor 1 in 2000; after {end} that of {end}",
        )

    def log_factor(self, years: Floats, f107: Floats) -> Floats:
        """Return ln(factor on rho) on the heights of the tables, float64 [k, heights], at k years and F10.7."""
        row, of_row = _linear(self._year, years)
        column, of_column = _linear(self._f107, f107)
        result = np.zeros((len(years), len(HEIGHTS_KM)))
        for i in (0, 1):
            for j in (0, 1):
                weight = np.abs(1 - i - of_row) * np.abs(1 - j - of_column)
                result += weight[:, np.newaxis] * self._table[row + i, column + j]
        return result


def _plain(name: str) -> str:
    return re.sub(r"[^A-Z0-9]", "", name.upper())


def _linear(nodes: Floats, x: Floats) -> tuple[NDArray[np.int64], Floats]:
    """Row of the node below each x and how far x is on to the next (0 to 1; held at the ends)."""
    row = np.clip(np.searchsorted(nodes, x, side="right") - 1, 0, len(nodes) - 2)
    return row, np.clip((x - nodes[row]) / (nodes[row + 1] - nodes[row]), 0.0, 1.0)


class Environment:
    """Atmosphere and Sun of one scenario.

    Parameters
    ----------
    density
        model of the density.
    first_year, last_year
        decimal years that will be asked for.
    solar
        solar activity; a constant Sun of F10.7 = 123 where it is not given.
    co2
        contraction by CO2, None for none.

    Attributes
    ----------
    heights
        float64 [heights], heights above the equatorial radius [km]: ``lowest_km`` + k ``spacing_km``.
    varies
        whether runs differ, because solar cycles are drawn at random.
    notes
        what the models are and where they were stretched, a line each.

    Raises
    ------
    InputError
        the models do not cover the years or the activity; the message names both ranges.

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
        co2: Co2Scaling | None = None,
    ) -> None:
        if not first_year <= last_year:
            raise InputError(f"environment: the first year {first_year} must not be after the last {last_year}")
        self.heights = HEIGHTS_KM
        self.density, self.co2 = density, co2
        self.first_year, self.last_year = float(first_year), float(last_year)
        used = density.needs_activity or co2 is not None
        self.solar = solar if solar is not None and used else Sinusoid()
        self.solar.check(first_year, last_year)
        density.check(first_year, last_year, self.solar.f107_range, self.solar.ap_range)
        self.varies = self.solar.varies
        self.notes = density.notes + (co2.notes if co2 is not None else ()) + ((self.solar.note,) if used else ())
        self._kept: tuple[bytes, Floats] = (b"", np.empty(0))
        self._by_month: Floats | None = None

    @classmethod
    def build(cls, spec: EnvironmentSpec, first_year: float, last_year: float) -> Environment:
        """Build what a scenario asks for; reads its files and makes the table of NRLMSIS.

        Parameters
        ----------
        spec
            table ``environment`` of the scenario.
        first_year, last_year
            decimal years that will be asked for.

        Raises
        ------
        InputError
            files that cannot be used, models that do not cover the years, packages that are missing.
        """
        density: Density
        needed = spec.density == "nrlmsis" or spec.co2 is not None
        solar = solar_activity(spec.solar) if needed else None
        if spec.density == "jb2008" and spec.path is not None:
            density = Jb2008(spec.path)
        elif spec.density == "nrlmsis":
            density = Nrlmsis(spec.solar.ap if isinstance(solar, Sinusoid) else None)
        else:
            density = Exponential()
        co2 = Co2Scaling(spec.co2, spec.co2_scenario or "") if spec.co2 is not None else None
        return cls(density, first_year, last_year, solar, co2)

    def log_density(self, years: ArrayLike, rng: np.random.Generator | None = None) -> Floats:
        """Natural logarithm of the density at k instants of one run.

        Parameters
        ----------
        years
            decimal years [k], up to a month after the last year (where a table has ended, its last month holds).
        rng
            draws the run's solar cycles where ``varies``; the same generator gives the same cycles for whatever years.
            One call is one run.

        Returns
        -------
        ndarray of float64, shape (k, heights)
            ln(rho [kg/m^3]), read-only; the same array again for the same years where runs do not differ.

        Raises
        ------
        InputError
            years outside those that the environment was built for.
        """
        at = np.array(years, np.float64)
        if at.ndim != 1:
            raise InputError(f"years must have one dimension, got shape {at.shape}")
        low, high = self.first_year - _SLACK_YEARS[0], self.last_year + _SLACK_YEARS[1]
        if not ((at >= low) & (at <= high)).all():
            raise InputError(
                f"density is asked for {at.min():.3f} to {at.max():.3f}, the environment was built for "
                f"{self.first_year:.3f} to {self.last_year:.3f}"
            )
        key = at.tobytes()
        if not self.varies and key == self._kept[0]:
            return self._kept[1]
        if isinstance(self.solar, Recorded):
            weather, months = self.solar.weather, self.solar.months(at, self.last_year, rng)
            f107, ap = weather.f107[months], weather.ap[months]
        else:
            f107, ap = self.solar.activity(at)
        if isinstance(self.density, Nrlmsis) and isinstance(self.solar, Recorded):
            if self._by_month is None:  # whatever cycles are drawn, their months are rows of this
                self._by_month = self.density.log_density(weather.f107, weather.f107, weather.ap)
            result = self._by_month[months]
        else:
            result = self.density.log_density(at, f107, ap)
        result = result + self.co2.log_factor(at, f107) if self.co2 is not None else np.array(result)
        result.flags.writeable = False
        if not self.varies:
            self._kept = (key, result)
        return result
