"""Solar and geomagnetic activity over decades: monthly means of F10.7 and Ap, observed or generated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.debris.environment.space_weather import SpaceWeather, month_name, months_of, read_space_weather
from stmgpu.errors import InputError

if TYPE_CHECKING:
    from stmgpu.debris.specs import SolarSpec
    from stmgpu.typing import Floats, Ints

MAXIMUM_YEAR = 2024.8
"""Maximum of the sinusoid, that of cycle 25, October 2024 (SILSO, Royal Observatory of Belgium: 13-month smoothed
sunspot number 160.9). The smoothed F10.7 has its maximum in the same month."""

CYCLE_YEARS = 11.0
"""Period of the sinusoid [a]."""

MINIMA = ("1954-04", "1964-10", "1976-03", "1986-09", "1996-08", "2008-12", "2019-12")
"""Months in which solar cycles 19 to 25 began: minima of the 13-month smoothed sunspot number (SILSO)."""


@dataclass(frozen=True)
class Sinusoid:
    """Sinusoidal F10.7 = ``f107`` + ``amplitude`` cos(2 pi (year - 2024.8) / 11), constant Ap."""

    f107: float = 123.0
    amplitude: float = 0.0
    ap: float = 12.8

    varies = False

    @property
    def note(self) -> str:
        """A line for the record of a study."""
        swing = f" + {self.amplitude:g} cos(2 pi (year - {MAXIMUM_YEAR}) / {CYCLE_YEARS:g})" if self.amplitude else ""
        return f"solar activity: F10.7 = {self.f107:g}{swing}, Ap = {self.ap:g}"

    @property
    def f107_range(self) -> tuple[float, float]:
        """Smallest and largest F10.7."""
        return self.f107 - abs(self.amplitude), self.f107 + abs(self.amplitude)

    @property
    def ap_range(self) -> tuple[float, float]:
        """Smallest and largest Ap."""
        return self.ap, self.ap

    def check(self, first_year: float, last_year: float) -> None:
        """Accept all years."""

    def activity(self, years: Floats) -> tuple[Floats, Floats]:
        """F10.7 and Ap at decimal years, two float64 [k]."""
        phase = 2.0 * np.pi * (years - MAXIMUM_YEAR) / CYCLE_YEARS
        return self.f107 + self.amplitude * np.cos(phase), np.full(len(years), self.ap)


class Recorded:
    """Observed months, and past cycles after the last of them.

    The cycle in which the record ends is continued at the same phase, by the last complete cycle or, if ``drawn``, by a
    random one. Complete cycles follow: the last one repeatedly, or random ones with equal probability.

    Parameters
    ----------
    weather : SpaceWeather
        The record.
    drawn : bool
        Whether cycles are drawn at random.

    Raises
    ------
    InputError
        the record contains no complete cycle.
    """

    def __init__(self, weather: SpaceWeather, *, drawn: bool) -> None:
        self.weather = weather
        self.varies = drawn
        starts = np.array(MINIMA, "datetime64[M]").astype(np.int64) - weather.first_month
        inside = starts[(starts >= 0) & (starts <= len(weather))]
        if len(inside) < 2:
            raise InputError(
                f"{weather.source}: {weather.covers} does not contain a complete solar cycle; "
                f"cycles began in {', '.join(MINIMA)}"
            )
        self.starts, self.lengths = inside[:-1], np.diff(inside)
        self.elapsed = len(weather) - int(inside[-1])

    @property
    def note(self) -> str:
        """A line for the record of a study."""
        last = month_name(int(self.starts[-1]) + self.weather.first_month)
        after = f"{len(self.starts)} past cycles drawn at random" if self.varies else f"the cycle from {last} repeated"
        return f"solar activity: observed {self.weather.covers}, then {after}"

    @property
    def f107_range(self) -> tuple[float, float]:
        """Smallest and largest F10.7."""
        return float(self.weather.f107.min()), float(self.weather.f107.max())

    @property
    def ap_range(self) -> tuple[float, float]:
        """Smallest and largest Ap."""
        return float(self.weather.ap.min()), float(self.weather.ap.max())

    def check(self, first_year: float, last_year: float) -> None:
        """Raise :class:`InputError` if a run would begin before the record."""
        if int(months_of(first_year)) < self.weather.first_month:
            raise InputError(
                f"{self.weather.source} covers {self.weather.covers} (and past cycles from there on), the "
                f"run needs {first_year:.2f} to {last_year:.2f}; begin later or use solar.model = "
                "'sinusoid'"
            )

    def months(self, years: Floats, last_year: float, rng: np.random.Generator | None) -> Ints:
        """Rows of ``weather`` for decimal years.

        Parameters
        ----------
        years : ndarray of float64
            Decimal years [k], none before the record.
        last_year : float
            End of the run; cycles are drawn up to it, independent of ``years``.
        rng : Generator, optional
            Generator, needed if cycles are drawn.

        Returns
        -------
        ndarray of int64, shape (k,)
        """
        month = months_of(years) - self.weather.first_month
        known = len(self.weather)
        missing = int(months_of(last_year)) - self.weather.first_month + 1 - known
        if missing <= 0:
            return np.clip(month, 0, known - 1)
        count = missing // int(self.lengths.min()) + 2
        if not self.varies:
            drawn = np.full(count, len(self.starts) - 1)
        elif rng is None:
            raise InputError("solar activity is drawn at random (bootstrap); give a numpy Generator as rng")
        else:
            drawn = rng.integers(len(self.starts), size=count)
        parts = [np.arange(known)]
        skip = self.elapsed % int(self.lengths[drawn[0]])
        for k in drawn:
            parts.append(self.starts[k] + np.arange(skip, self.lengths[k]))
            skip = 0
        rows = np.concatenate(parts)
        return rows[np.clip(month, 0, len(rows) - 1)]


def solar_activity(spec: SolarSpec) -> Sinusoid | Recorded:
    """Solar activity of a scenario.

    Raises
    ------
    InputError
        an unusable space-weather file.
    """
    if spec.space_weather is not None and spec.model in ("repeat", "bootstrap"):
        return Recorded(read_space_weather(spec.space_weather), drawn=spec.model == "bootstrap")
    return Sinusoid(spec.f107, spec.amplitude if spec.model == "sinusoid" else 0.0, spec.ap)
