"""Spatial density, relative speed and flux by altitude and latitude, of ensembles and of populations.

Objects are distributed over their orbits by residence time, with node, argument of perigee and mean anomaly uniform
(Kessler 1981, Icarus 48, 39): over radius by Kepler's equation, over latitude by the inclination. The share of time in
a shell is [M(r2) - M(r1)]/pi with M = E - e sin E, cos E = (1 - r/a)/e; the share below latitude b is
1/2 + asin(sin b / sin i)/pi. Both are exact integrals over the cell, so the singularities of Kessler's density cause
no error. Speeds assume circular orbits, with an error of about the eccentricity.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np
import xarray as xr

from stmgpu.constants import EARTH
from stmgpu.debris.population.population import CLASS_NAMES, Population
from stmgpu.debris.shells import SHELL_EDGES_KM, shell_shares
from stmgpu.errors import InputError
from stmgpu.time import YEAR_S
from stmgpu.typing import Floats, Ints

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike

LATITUDE_EDGES_DEG = np.arange(-90.0, 90.1, 5.0)
"""Default edges of latitude cells [deg]."""

_INCLINATION_STEP_DEG = 1.0
_ROWS = 65_536


def latitude_time_share(inc_rad: ArrayLike, latitude_edges_rad: ArrayLike) -> Floats:
    """Compute the share of the period that circular orbits spend between latitudes, shape (n, cells).

    Examples
    --------
    >>> latitude_time_share([np.pi / 2], np.radians([-90.0, 0.0, 45.0, 90.0])).round(3).tolist()
    [[0.5, 0.25, 0.25]]
    """
    sine = np.sin(np.asarray(inc_rad, np.float64))[:, None]
    edges = np.sin(np.asarray(latitude_edges_rad, np.float64))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.clip(edges / sine, -1.0, 1.0)
    ratio = np.where(sine > 1e-12, ratio, np.where(edges > 0.0, 1.0, -1.0))  # equatorial: always in the cell of 0
    share: Floats = np.diff(0.5 + np.arcsin(ratio) / np.pi, axis=1)
    return share


Altitudes = TypeVar("Altitudes", float, Floats, xr.DataArray)


def shell_volume(lower_km: Altitudes, upper_km: Altitudes) -> Altitudes:
    """Compute the volume of shells between altitudes [km^3]."""
    return 4.0 / 3.0 * np.pi * ((EARTH.radius_km + upper_km) ** 3 - (EARTH.radius_km + lower_km) ** 3)


def cell_volume(altitude_edges_km: ArrayLike, latitude_edges_rad: ArrayLike) -> Floats:
    """Compute the volume of cells between altitudes and latitudes [km^3], shape (shells, latitudes)."""
    edges = np.asarray(altitude_edges_km, np.float64)
    zones = 0.5 * np.diff(np.sin(np.asarray(latitude_edges_rad, np.float64)))
    volume: Floats = np.multiply.outer(shell_volume(edges[:-1], edges[1:]), zones)
    return volume


def spatial_density(source: xr.Dataset | Population, altitude_edges_km: ArrayLike = SHELL_EDGES_KM) -> xr.DataArray:
    """Compute the spatial density by shell and class.

    Parameters
    ----------
    source : Dataset or Population
        An ensemble, which has its own shells, or a population.
    altitude_edges_km : array_like
        Edges of the shells for a population [km].

    Returns
    -------
    DataArray
        Objects per km^3 over (scenario, run, time, shell, class), or over (shell, class) for a population.
    """
    if isinstance(source, xr.Dataset):
        density = source["number"].astype(np.float64) / shell_volume(source["shell_lower"], source["shell_upper"])
    else:
        edges = _edges("altitude_edges_km", altitude_edges_km)
        volume = shell_volume(edges[:-1], edges[1:])
        moments = _by_class(source, lambda rows: shell_shares(rows.a_km, rows.ecc, edges + EARTH.radius_km))
        density = xr.DataArray(moments.T / volume[:, None], dims=("shell", "class"), coords=_shells(edges))
        density = density.assign_coords({"class": list(CLASS_NAMES)})
    density = density.assign_attrs(units="km-3", long_name="spatial density")
    return density


def latitude_density(
    population: Population,
    *,
    altitude_edges_km: ArrayLike = SHELL_EDGES_KM,
    latitude_edges_deg: ArrayLike = LATITUDE_EDGES_DEG,
) -> xr.DataArray:
    """Compute the spatial density by shell, latitude and class.

    Parameters
    ----------
    population : Population
        Objects.
    altitude_edges_km, latitude_edges_deg : array_like
        Edges of the cells [km, deg].

    Returns
    -------
    DataArray
        Objects per km^3 over (shell, latitude, class); coordinates are the middles of the cells.
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
    population: Population,
    *,
    altitude_edges_km: ArrayLike = SHELL_EDGES_KM,
    latitude_edges_deg: ArrayLike = LATITUDE_EDGES_DEG,
) -> xr.DataArray:
    """Compute the mean relative speed of pairs of objects [km/s], by shell and latitude.

    A circular orbit crosses latitude b northbound or southbound, at a heading with sin(heading) = cos i / cos b; the
    mean is over both, and over all pairs weighted by their numbers in the cell.

    Parameters
    ----------
    population : Population
        Objects.
    altitude_edges_km, latitude_edges_deg : array_like
        Edges of the cells [km, deg].

    Returns
    -------
    DataArray
        Over (shell, latitude); NaN in empty cells.
    """
    edges, zones = _edges("altitude_edges_km", altitude_edges_km), _zones(latitude_edges_deg)
    number = _by_inclination(population, edges, zones)
    speed = _pair_speeds(zones)
    pairs = np.einsum("sik,ijk,sjk->sk", number, speed, number, optimize=True)
    all_pairs = number.sum(axis=1) ** 2
    radius = 0.5 * (edges[:-1] + edges[1:]) + EARTH.radius_km
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(all_pairs > 0.0, pairs / all_pairs, np.nan) * np.sqrt(EARTH.mu_km3_s2 / radius)[:, None]
    return xr.DataArray(
        mean,
        dims=("shell", "latitude"),
        coords={**_shells(edges), **_latitudes(latitude_edges_deg)},
        attrs={"units": "km s-1", "long_name": "mean relative speed of pairs"},
    )


def flux(
    source: xr.Dataset | Population,
    speed_km_s: float | xr.DataArray | None = None,
    *,
    altitude_edges_km: ArrayLike = SHELL_EDGES_KM,
    latitude_edges_deg: ArrayLike = LATITUDE_EDGES_DEG,
) -> xr.DataArray:
    """Compute the flux of objects, density times relative speed [1/(m^2 a)].

    Parameters
    ----------
    source : Dataset or Population
        An ensemble, or a population.
    speed_km_s : float or DataArray, optional
        Relative speed [km/s]; default 10 km/s for an ensemble, and :func:`relative_speed` for a population.
    altitude_edges_km, latitude_edges_deg : array_like
        Edges of the cells for a population [km, deg].

    Returns
    -------
    DataArray
        Over (scenario, run, time, shell, class), or over (shell, latitude, class) for a population.
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
        raise InputError(f"speed_km_s = {speed} is out of range; choose a positive number")
    product = density * speed
    return (product.where(density > 0.0, 0.0 * density) * 1e-6 * YEAR_S).assign_attrs(
        units="m-2 a-1", long_name="flux on a surface that faces it"
    )


def _pair_speeds(zones: Floats) -> Floats:
    """Compute mean relative over orbital speed of two inclinations by latitude, shape (i, j, latitudes)."""
    inclination = np.radians(np.arange(0.0, 180.0, _INCLINATION_STEP_DEG) + 0.5 * _INCLINATION_STEP_DEG)
    middle = np.arcsin(0.5 * (np.sin(zones[:-1]) + np.sin(zones[1:])))
    sine = np.clip(np.cos(inclination)[:, None] / np.cos(middle), -1.0, 1.0)
    cosine = np.sqrt(1.0 - sine**2)
    east, north = sine[:, None] * sine[None], cosine[:, None] * cosine[None]
    same, opposite = (np.sqrt(np.maximum(2.0 * (1.0 - east - sign * north), 0.0)) for sign in (1.0, -1.0))
    return 0.5 * (same + opposite)


def _inclination_bin(population: Population) -> Ints:
    bins = int(180.0 / _INCLINATION_STEP_DEG)
    return np.minimum((np.degrees(population.inc_rad) / _INCLINATION_STEP_DEG).astype(np.int64), bins - 1)


def _by_inclination(population: Population, edges: Floats, zones: Floats) -> Floats:
    """Sum effective numbers, shape (shells, inclinations, latitudes)."""
    bins, shells, cells = int(180.0 / _INCLINATION_STEP_DEG), len(edges) - 1, len(zones) - 1
    sums = np.zeros((bins, shells * cells))
    for k in range(0, len(population), _ROWS):
        rows = population[k : k + _ROWS]
        inclination = _inclination_bin(rows)
        shell = shell_shares(rows.a_km, rows.ecc, edges + EARTH.radius_km) * rows.weight[:, None]
        zone = latitude_time_share(rows.inc_rad, zones)
        for b in np.unique(inclination):
            inside = inclination == b
            sums[b] += (shell[inside].T @ zone[inside]).ravel()
    return sums.reshape(bins, shells, cells).transpose(1, 0, 2)


def _by_class(population: Population, share: Callable[[Population], Floats]) -> Floats:
    """Sum weight times share, shape (classes, ...), over blocks of the population."""
    total: Floats | float = 0.0
    for k in range(0, max(len(population), 1), _ROWS):
        rows = population[k : k + _ROWS]
        member = (rows.kind[None, :] == np.arange(len(CLASS_NAMES))[:, None]) * rows.weight
        total = total + member @ share(rows)
    return np.asarray(total)


def _edges(name: str, edges: ArrayLike) -> Floats:
    checked = np.asarray(edges, np.float64)
    if checked.ndim != 1 or len(checked) < 2 or not (np.diff(checked) > 0.0).all():
        raise InputError(f"{name} must be at least two ascending numbers, got {np.asarray(edges).tolist()}")
    return checked


def _zones(latitude_edges_deg: ArrayLike) -> Floats:
    edges = _edges("latitude_edges_deg", latitude_edges_deg)
    if edges[0] < -90.0 or edges[-1] > 90.0:
        raise InputError(f"latitude_edges_deg from {edges[0]:g} to {edges[-1]:g} is out of range; choose -90 to 90")
    radians: Floats = np.radians(edges)
    return radians


def _shells(edges: Floats) -> dict[str, tuple[str, Floats, dict[str, str]]]:
    return {
        "shell": ("shell", 0.5 * (edges[:-1] + edges[1:]), {"units": "km"}),
        "shell_lower": ("shell", edges[:-1], {"units": "km"}),
        "shell_upper": ("shell", edges[1:], {"units": "km"}),
    }


def _latitudes(edges_deg: ArrayLike) -> dict[str, tuple[str, Floats, dict[str, str]]]:
    edges = np.asarray(edges_deg, np.float64)
    return {
        "latitude": ("latitude", 0.5 * (edges[:-1] + edges[1:]), {"units": "degree_north"}),
        "latitude_lower": ("latitude", edges[:-1], {}),
        "latitude_upper": ("latitude", edges[1:], {}),
    }
