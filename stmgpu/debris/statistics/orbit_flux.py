"""Flux of objects on a given orbit, by year."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from stmgpu.constants import EARTH
from stmgpu.debris.collisions.crossing import crossing_kernel
from stmgpu.debris.shells import shell_shares
from stmgpu.debris.statistics.density import shell_volume
from stmgpu.errors import InputError
from stmgpu.time import YEAR_S

if TYPE_CHECKING:
    from stmgpu.typing import Floats

_NODES = 8


def orbit_flux(
    ds: xr.Dataset, *, perigee_km: float, apogee_km: float, inclination_deg: float, by_size: bool = False
) -> xr.DataArray:
    """Compute the flux of all objects on an orbit [1/(m^2 a)].

    The relative speed of every bin of inclination with the orbit is that of near-circular orbits with nodes at random
    (:mod:`stmgpu.debris.collisions.crossing`, after Kessler 1981); the orbit spends the share of its period in each
    shell that Kepler's equation gives.

    Parameters
    ----------
    ds : Dataset
        An ensemble.
    perigee_km, apogee_km : float
        Altitudes of the orbit [km]. What lies outside the shells of the ensemble meets nothing.
    inclination_deg : float
        Inclination of the orbit [deg].
    by_size : bool
        Whether to divide the flux by size. An ensemble has sizes and inclinations by shell, not together: sizes are
        taken as alike at all inclinations of a shell.

    Returns
    -------
    DataArray
        Over (scenario, run, time[, size]). Times the area pi (R + r)^2 it is a rate of collisions.

    Raises
    ------
    InputError
        An impossible orbit, or an ensemble made before inclinations were counted.

    Examples
    --------
    >>> flux = orbit_flux(ds, perigee_km=780, apogee_km=790, inclination_deg=98.6)  # doctest: +SKIP
    """
    for name in ("number_by_inclination", *(("number_by_size",) if by_size else ())):
        if name not in ds:
            raise InputError(f"the ensemble has no variable {name!r}; evolve the study again with this version")
    if not -EARTH.radius_km < perigee_km <= apogee_km < np.inf:
        raise InputError(f"an orbit from {perigee_km:g} to {apogee_km:g} km is impossible; give perigee and apogee")
    if not 0.0 <= inclination_deg <= 180.0:
        raise InputError(f"inclination_deg = {inclination_deg:g} is out of range; choose 0 to 180")
    lower, upper = ds["shell_lower"], ds["shell_upper"]
    edges = np.append(lower.to_numpy(), upper.to_numpy()[-1]) + EARTH.radius_km
    axis = EARTH.radius_km + 0.5 * (perigee_km + apogee_km)
    share = shell_shares([axis], [0.5 * (apogee_km - perigee_km) / axis], edges)[0]
    circular = np.sqrt(EARTH.mu_km3_s2 / (0.5 * (edges[:-1] + edges[1:])))
    weight = xr.DataArray(share * circular, dims="shell") / shell_volume(lower, upper)
    speeds = xr.DataArray(
        _mean_kernel(inclination_deg, ds["inclination_lower"].to_numpy(), ds["inclination_upper"].to_numpy()),
        dims="inclination",
    )
    by_shell = (ds["number_by_inclination"].astype(np.float64) * speeds).sum("inclination", skipna=False) * weight
    if by_size:
        sizes = ds["number_by_size"].astype(np.float64)
        there = sizes.sum("size", skipna=False)
        by_shell = by_shell * (sizes / there.where(there > 0.0, 1.0))
    flux: xr.DataArray = by_shell.sum("shell", skipna=False) * (1e-6 * YEAR_S)
    coords = {name: ds[name] for name in ("size", "size_lower", "size_upper") if by_size and name in ds.coords}
    return flux.assign_coords(coords).assign_attrs(units="m-2 a-1", long_name="flux of objects on the orbit")


def _mean_kernel(inclination_deg: float, lower_deg: Floats, upper_deg: Floats) -> Floats:
    """Mean relative over circular speed, with the crossing of the orbits, over bins of inclination [bins]."""
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    middle, half = 0.5 * (lower_deg + upper_deg)[:, None], 0.5 * (upper_deg - lower_deg)[:, None]
    others = np.radians(middle + half * nodes)
    own = np.radians(inclination_deg)
    own += 1e-6 * bool((np.abs(own + others - np.pi) < 1e-9).any())  # the kernel is infinite there, its mean is not
    kernel, _ = crossing_kernel(np.full_like(others, own), others)
    mean: Floats = (kernel.sum(axis=0) * 0.5 * weights).sum(axis=-1)
    return mean
