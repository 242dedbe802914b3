"""Constellations that are built up and replenished: Walker patterns whose planes drift under J2."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from stmgpu.constants import EARTH
from stmgpu.debris.breakup.size_law import length_of_mass
from stmgpu.debris.population.missions import can_keep_station
from stmgpu.debris.population.population import Kind, Population
from stmgpu.errors import InputError
from stmgpu.time import YEAR_S

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from stmgpu.debris.specs import ConstellationSpec
    from stmgpu.typing import Floats, Ints

FIRST_CONSTELLATION = 1000
"""Number of the first constellation of a scenario in the column ``constellation``; the others follow."""

# Serial numbers: bit 60, index of the constellation (9 bits), generation (20), place (27). Other
# launches have bit 60 clear.
_PLACE_BITS, _GENERATION_BITS, _INDEX_BITS = 27, 20, 9
_CONSTELLATION_BIT = np.int64(1 << 60)

J3 = -2.53265649e-6
"""Third zonal harmonic of the Earth, unnormalised (EGM-96: Lemoine et al. 1998, NASA/TP-1998-206861)."""

MAX_CONSTELLATIONS = (1 << _INDEX_BITS) - 1
"""Constellations of a scenario that serial numbers can tell apart."""


@dataclass
class Constellation:
    """A constellation: the dates at which its places are filled, and the orbits of its planes.

    Node and argument of latitude of a circular orbit drift under J2 by -3/2 k cos i and n + 3/2 k (4 cos^2 i - 1), with
    k = J2 n (R / a)^2 (Vallado 2013, Fundamentals of Astrodynamics and Applications). Plane k of n has the altitude
    ``altitude_km + spread_km (k - (n - 1) / 2)``, and drifts as fits it. Satellites arrive with the frozen eccentricity
    (:func:`frozen_eccentricity`) and their perigee in the north; without J3 in the propagation the perigee then turns.
    """

    spec: ConstellationSpec
    index: int
    population: Population

    def __post_init__(self) -> None:
        spec = self.spec
        each = spec.per_plane + spec.spares
        count = spec.planes * each
        if count > 1 << _PLACE_BITS:
            raise InputError(
                f"constellation {spec.name!r} has {count:,} satellites; at most {1 << _PLACE_BITS:,} are possible"
            )
        known = self.population.constellation_number(spec.name)  # the same fleet as in the population
        self.number = known if known >= 0 else FIRST_CONSTELLATION + self.index
        place = np.arange(count)
        self.filled = spec.from_year + spec.build_years * (place + 0.5) / count
        plane, slot = place // each, place % each
        self.raan = 2.0 * np.pi * plane / spec.planes
        self.mean = 2.0 * np.pi * (slot / each + plane / count)  # Walker phasing factor 1: 1 / count of a turn a plane
        self.inclination = np.radians(spec.inclination_deg)
        self.axis = EARTH.radius_km + spec.altitude_km + spec.spread_km * (plane - 0.5 * (spec.planes - 1))
        self.ecc = frozen_eccentricity(self.axis, self.inclination)
        cosine = np.cos(self.inclination)
        motion = np.sqrt(EARTH.mu_km3_s2 / self.axis**3)
        rate = 0.75 * EARTH.j2 * motion * (EARTH.radius_km / self.axis) ** 2
        self.raan_rate = -2.0 * rate * cosine * YEAR_S
        self.mean_rate = (motion + rate * (8.0 * cosine**2 - 2.0)) * YEAR_S  # of the argument of latitude

    def between(self, begin: float, end: float) -> tuple[Population, Ints]:
        """Return the arrivals from ``begin`` on, before ``end``."""
        spec = self.spec
        until = min(end, spec.until_year)
        first = max(int((begin - self.filled.max()) / spec.life_years) - 1, 0)
        last = int((end - self.filled.min()) / spec.life_years) + 1
        if last >= 1 << _GENERATION_BITS:
            raise InputError(
                f"constellation {spec.name!r}: life_years = {spec.life_years} is too short; give a longer life"
            )
        places, serials, times = [], [], []
        for generation in range(first, last + 1):
            time = self.filled + generation * spec.life_years
            due = np.flatnonzero((time >= begin) & (time < until) & (time >= self.population.epoch_year))
            places.append(due)
            times.append(time[due])
            head = (self.index << (_GENERATION_BITS + _PLACE_BITS)) | (generation << _PLACE_BITS)
            serials.append(_CONSTELLATION_BIT | np.int64(head) | due)
        place = np.concatenate(places) if places else np.zeros(0, np.int64)
        if not len(place):
            return self.population[:0], np.zeros(0, np.int64)
        return self._satellites(place, np.concatenate(times), begin), np.concatenate(serials)

    def _satellites(self, place: Ints, time: Floats, begin: float) -> Population:
        """Return new satellites at some places, launched at some times."""
        spec, n = self.spec, len(place)
        ratio = spec.area_to_mass or np.pi * spec.radius_m**2 / spec.mass_kg
        since = time - spec.from_year
        values: dict[str, Any] = {
            "norad_id": np.int64(0), "kind": np.int8(Kind.ACTIVE), "a_km": self.axis[place], "ecc": self.ecc[place],
            "inc_rad": self.inclination, "argp_rad": 0.5 * np.pi, "mass_kg": spec.mass_kg, "radius_m": spec.radius_m,
            "area_to_mass": ratio, "length_m": float(length_of_mass(spec.mass_kg)),
            "controlled": np.int8(can_keep_station(spec.mass_kg)), "owner": "", "weight": 1.0, "filled": np.int8(0),
            "constellation": np.int32(self.number),
        }  # fmt: skip
        satellites: dict[str, Any] = {name: np.full(n, value) for name, value in values.items()}
        satellites["raan_rad"] = np.mod(self.raan[place] + self.raan_rate[place] * since, 2.0 * np.pi)
        latitude = self.mean[place] + self.mean_rate[place] * since
        satellites["mean_rad"] = np.mod(latitude - satellites["argp_rad"], 2.0 * np.pi)
        satellites["launch_year"], satellites["mission_end_year"] = time, time + spec.life_years
        return Population(epoch_year=begin, source="launches", **satellites)


def frozen_eccentricity(a_km: ArrayLike, inc_rad: ArrayLike) -> Floats:
    """Eccentricity that J2 and J3 hold while the perigee stays at its greatest latitude, -J3 / (2 J2) (R / a) sin i.

    To first order (G. Cook 1966, Planetary and Space Science 14, 433; Vallado 2013).

    Examples
    --------
    >>> frozen_eccentricity(7178.0, np.radians(98.6)).round(6).item()
    0.001028
    """
    ecc: Floats = -0.5 * J3 / EARTH.j2 * EARTH.radius_km / np.asarray(a_km, np.float64) * np.sin(inc_rad)
    return ecc
