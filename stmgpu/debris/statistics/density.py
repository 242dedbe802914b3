"""Spatial density, relative speed and flux by altitude and latitude, of ensembles and of populations.

Objects of a population are spread over their orbits as time spreads them: over radius by Kepler's equation, over
latitude by the inclination, with node, perigee and anomaly anywhere (Kessler 1981, Icarus 48, 39). The share of time in
a shell is [M(r2) - M(r1)]/pi with M = E - e sin E, cos E = (1 - r/a)/e; the share below latitude b is
1/2 + asin(sin b / sin i)/pi. Both are exact integrals over the cell, so the singular edges of Kessler's density do no
harm. Speeds take orbits for circular, which errs by about the eccentricity.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from stmgpu.constants import EARTH
from stmgpu.debris.population.population import CLASS_NAMES, Population
from stmgpu.debris.shells import SHELL_EDGES_KM, shell_shares
from stmgpu.errors import InputError
from stmgpu.time import YEAR_S

Floats = NDArray[np.float64]

LATITUDE_EDGES_DEG = np.arange(-90.0, 90.1, 5.0)
"""Latitudes between the cells, unless others are given."""

_INCLINATION_STEP_DEG = 1.0
_ROWS = 65_536


def latitude_time_share(inc_rad: Any, latitude_edges_rad: Any) -> Floats:
    """Share of the period that circular orbits spend between latitudes [n, cells].

    Examples
    --------
    >>> latitude_time_share([np.pi / 2], np.radians([-90.0, 0.0, 45.0, 90.0])).round(3).tolist()
    [[0.5, 0.25, 0.25]]
    """
    sine = np.sin(np.asarray(inc_rad, np.float64))[:, None]
    edges = np.sin(np.asarray(latitude_edges_rad, np.float64))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.clip(edges / sine, -1.0, 1.0)
    ratio = np.where(sine > 1e-12, ratio, np.where(edges > 0.0, 1.0, -1.0))  # equatorial: all in the cell of zero
    share: Floats = np.diff(0.5 + np.arcsin(ratio) / np.pi, axis=1)
    return share


def shell_volume(lower_km: Any, upper_km: Any) -> Any:
    """Volume of shells between altitudes [km^3]."""
    return 4.0 / 3.0 * np.pi * ((EARTH.radius_km + upper_km) ** 3 - (EARTH.radius_km + lower_km) ** 3)


def cell_volume(altitude_edges_km: Any, latitude_edges_rad: Any) -> Floats:
    """Volume of cells between altitudes and latitudes [shells, latitudes] [km^3]."""
    edges = np.asarray(altitude_edges_km, np.float64)
    zones = 0.5 * np.diff(np.sin(np.asarray(latitude_edges_rad, np.float64)))
    volume: Floats = np.multiply.outer(shell_volume(edges[:-1], edges[1:]), zones)
    return volume


def spatial_density(source: xr.Dataset | Population, altitude_edges_km: Any = SHELL_EDGES_KM) -> xr.DataArray:
    """Objects per volume [1/km^3], by shell.

    Parameters
    ----------
    source
        an ensemble, which has its own shells, or a population.
    altitude_edges_km
        edges of the shells for a population.

    Returns
    -------
    DataArray (scenario, run, time, shell, class) of an ensemble, (shell, class) of a population.
    """
    if isinstance(source, xr.Dataset):
        found = source["number"].astype(np.float64) / shell_volume(source["shell_lower"], source["shell_upper"])
    else:
        edges = _edges("altitude_edges_km", altitude_edges_km)
        volume = shell_volume(edges[:-1], edges[1:])
        moments = _by_class(source, lambda rows: shell_shares(rows.a_km, rows.ecc, edges + EARTH.radius_km))
        found = xr.DataArray(moments.T / volume[:, None], dims=("shell", "class"), coords=_shells(edges))
        found = found.assign_coords({"class": list(CLASS_NAMES)})
    return found.assign_attrs(units="km-3", long_name="spatial density")


def latitude_density(
    population: Population, altitude_edges_km: Any = SHELL_EDGES_KM, latitude_edges_deg: Any = LATITUDE_EDGES_DEG
) -> xr.DataArray:
    """Objects per volume [1/km^3], by shell, latitude and class.

    Parameters
    ----------
    population
        n objects.
    altitude_edges_km, latitude_edges_deg
        edges of the cells.

    Returns
    -------
    DataArray (shell, latitude, class); coordinates in the middle of the cells, latitude in degrees.
    """
    edges, zones = _edges("altitude_edges_km", altitude_edges_km), _zones(latitude_edges_deg)

    def share(rows: Population) -> Floats:
        shell = shell_shares(rows.a_km, rows.ecc, edges + EARTH.radius_km)
        return (shell[:, :, None] * latitude_time_share(rows.inc_rad, zones)[:, None, :]).reshape(len(rows), -1)

    number = _by_class(population, share).reshape(len(CLASS_NAMES), len(edges) - 1, len(zones) - 1)
    density = number.transpose(1, 2, 0) / cell_volume(edges, zones)[:, :, None]
    coords = {**_shells(edges), **_latitudes(latitude_edges_deg), "class": list(CLASS_NAMES)}
    return xr.DataArray(
        density,
        dims=("shell", "latitude", "class"),
        coords=coords,
        attrs={"units": "km-3", "long_name": "spatial density"},
    )


def relative_speed(
    population: Population, altitude_edges_km: Any = SHELL_EDGES_KM, latitude_edges_deg: Any = LATITUDE_EDGES_DEG
) -> xr.DataArray:
    """Mean relative speed of pairs of objects that meet [km/s], by shell and latitude.

    Two circular orbits that cross at a latitude b do so northbound or southbound, at headings with
    sin(heading) = cos i / cos b; the mean is over both, and over all pairs by their numbers in the cell.

    Parameters
    ----------
    population
        n objects.
    altitude_edges_km, latitude_edges_deg
        edges of the cells.

    Returns
    -------
    DataArray (shell, latitude); not a number where nobody is.
    """
    edges, zones = _edges("altitude_edges_km", altitude_edges_km), _zones(latitude_edges_deg)
    number = _by_inclination(population, edges, zones)
    speed = _pair_speeds(zones)
    pairs = np.einsum("sik,ijk,sjk->sk", number, speed, number, optimize=True)
    everybody = number.sum(axis=1) ** 2
    radius = 0.5 * (edges[:-1] + edges[1:]) + EARTH.radius_km
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(everybody > 0.0, pairs / everybody, np.nan) * np.sqrt(EARTH.mu_km3_s2 / radius)[:, None]
    return xr.DataArray(
        mean,
        dims=("shell", "latitude"),
        coords={**_shells(edges), **_latitudes(latitude_edges_deg)},
        attrs={"units": "km s-1", "long_name": "mean relative speed of pairs"},
    )


def flux(
    source: xr.Dataset | Population,
    speed_km_s: Any = None,
    altitude_edges_km: Any = SHELL_EDGES_KM,
    latitude_edges_deg: Any = LATITUDE_EDGES_DEG,
) -> xr.DataArray:
    """Objects through an area a year [1/(m^2 a)]: density times relative speed.

    Parameters
    ----------
    source
        an ensemble, or a population.
    speed_km_s
        relative speed, a number or an array that broadcasts; default 10 km/s for an ensemble, and
        :func:`relative_speed` for a population.
    altitude_edges_km, latitude_edges_deg
        edges of the cells for a population.

    Returns
    -------
    DataArray (scenario, run, time, shell, class) of an ensemble, (shell, latitude, class) of a population.
    """
    if isinstance(source, xr.Dataset):
        density = spatial_density(source)
        speed = 10.0 if speed_km_s is None else speed_km_s
    else:
        density = latitude_density(source, altitude_edges_km=altitude_edges_km, latitude_edges_deg=latitude_edges_deg)
        speed = (
            relative_speed(source, altitude_edges_km=altitude_edges_km, latitude_edges_deg=latitude_edges_deg)
            if speed_km_s is None
            else speed_km_s
        )
    if isinstance(speed, (int, float)) and not speed > 0.0:
        raise InputError(f"a relative speed of {speed} km/s is impossible; give a positive number")
    found = density * speed
    return (found.where(density > 0.0, 0.0 * density) * 1e-6 * YEAR_S).assign_attrs(
        units="m-2 a-1", long_name="flux on a surface that faces it"
    )


def _pair_speeds(zones: Floats) -> Floats:
    """Mean relative speed over orbital speed of two inclinations at each latitude [i, j, latitudes]."""
    inclination = np.radians(np.arange(0.0, 180.0, _INCLINATION_STEP_DEG) + 0.5 * _INCLINATION_STEP_DEG)
    middle = np.arcsin(0.5 * (np.sin(zones[:-1]) + np.sin(zones[1:])))
    sine = np.clip(np.cos(inclination)[:, None] / np.cos(middle), -1.0, 1.0)
    cosine = np.sqrt(1.0 - sine**2)
    east, north = sine[:, None] * sine[None], cosine[:, None] * cosine[None]
    same, opposite = (np.sqrt(np.maximum(2.0 * (1.0 - east - sign * north), 0.0)) for sign in (1.0, -1.0))
    return 0.5 * (same + opposite)


def _inclination_bin(population: Population) -> NDArray[np.int64]:
    bins = int(180.0 / _INCLINATION_STEP_DEG)
    return np.minimum((np.degrees(population.inc_rad) / _INCLINATION_STEP_DEG).astype(np.int64), bins - 1)


def _by_inclination(population: Population, edges: Floats, zones: Floats) -> Floats:
    """Effective numbers by shell, inclination and latitude [shells, inclinations, latitudes]."""
    bins, shells, cells = int(180.0 / _INCLINATION_STEP_DEG), len(edges) - 1, len(zones) - 1
    found = np.zeros((bins, shells * cells))
    for k in range(0, len(population), _ROWS):
        rows = population[k : k + _ROWS]
        where = _inclination_bin(rows)
        shell = shell_shares(rows.a_km, rows.ecc, edges + EARTH.radius_km) * rows.weight[:, None]
        zone = latitude_time_share(rows.inc_rad, zones)
        for b in np.unique(where):
            own = where == b
            found[b] += (shell[own].T @ zone[own]).ravel()
    return found.reshape(bins, shells, cells).transpose(1, 0, 2)


def _by_class(population: Population, share: Any) -> Floats:
    """Sums of weight times share [classes, ...] in pieces of the population."""
    total: Any = 0.0
    for k in range(0, max(len(population), 1), _ROWS):
        rows = population[k : k + _ROWS]
        member = (rows.kind[None, :] == np.arange(len(CLASS_NAMES))[:, None]) * rows.weight
        total = total + member @ share(rows)
    found: Floats = total
    return found


def _edges(name: str, edges: Any) -> Floats:
    found = np.asarray(edges, np.float64)
    if found.ndim != 1 or len(found) < 2 or not (np.diff(found) > 0.0).all():
        raise InputError(f"{name} must be at least two ascending numbers, got {np.asarray(edges).tolist()}")
    return found


def _zones(latitude_edges_deg: Any) -> Floats:
    found = _edges("latitude_edges_deg", latitude_edges_deg)
    if found[0] < -90.0 or found[-1] > 90.0:
        raise InputError(f"latitudes from {found[0]:g} to {found[-1]:g} degrees are impossible; -90 to 90 is allowed")
    return np.radians(found)


def _shells(edges: Floats) -> dict[str, Any]:
    return {
        "shell": ("shell", 0.5 * (edges[:-1] + edges[1:]), {"units": "km"}),
        "shell_lower": ("shell", edges[:-1], {"units": "km"}),
        "shell_upper": ("shell", edges[1:], {"units": "km"}),
    }


def _latitudes(edges_deg: Any) -> dict[str, Any]:
    edges = np.asarray(edges_deg, np.float64)
    return {
        "latitude": ("latitude", 0.5 * (edges[:-1] + edges[1:]), {"units": "degree_north"}),
        "latitude_lower": ("latitude", edges[:-1]),
        "latitude_upper": ("latitude", edges[1:]),
    }
