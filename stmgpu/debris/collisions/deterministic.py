"""Collisions in a window by the screening engine: every pair, every close approach, no cubes and no random angles.

For validation, for constellations, for the weeks after a breakup: days, not decades. Conjunctions below a threshold
that is wide against the objects but narrow against the spacing of orbits are distributed uniformly over the plane
across the relative velocity, so a conjunction below D is a collision with probability (R / D)^2, R the combined radius.
Summed over all conjunctions of a window that is the expected number of collisions, with an error of a few per cent
where real collisions would have to be waited for through centuries.

How narrow is narrow: satellites of one shell keep common apsides, and where those lie symmetrically to the equator,
orbits that cross do so within hundreds of metres. Of the objects tracked in 2022, 7 days below 5 km give 2.5 collisions
a year, below 1 km 3.7. Hence the default of 1 km, and ``within_km`` to see whether a rate depends on it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from stmgpu.backend import Backend, get_backend
from stmgpu.catalog import Catalog
from stmgpu.catalog.orbits import mean_motion_of_axis
from stmgpu.constants import EARTH
from stmgpu.debris.population.population import Population
from stmgpu.errors import InputError
from stmgpu.propagate.kepler import elements_of
from stmgpu.propagate.sgp4 import SGP4Propagator
from stmgpu.screen.encounters import SLOW
from stmgpu.screen.screening import screen
from stmgpu.time import YEAR_DAYS, Epoch, jd_of_year

SGP4_RHO0 = 0.1570
"""Reference density of B*: rho_0 [kg/m^2 per Earth radius] (Hoots and Roehrich 1980): B* = rho_0 C_d A / (2 m)."""

_ITERATIONS = 30


def collision_rate(
    conjunctions: xr.Dataset,
    norad_id: NDArray[np.int64],
    radius_m: NDArray[np.float64],
    days: float,
    within_km: float | None = None,
) -> dict[str, float]:
    """Expected collisions a year from the conjunctions of a window.

    Parameters
    ----------
    conjunctions
        of :func:`stmgpu.screen`, with its ``threshold_km`` in the attributes.
    norad_id, radius_m
        objects [n] and their radii.
    days
        length of the window.
    within_km
        count conjunctions below this distance only; default the threshold that they were found with.

    Returns
    -------
    dict with 'conjunctions', 'collisions' (miss distance below the combined radius), 'expected' in the window, 'rate'
    [1/a], 'slow' [1/a], the part of the rate from slow pairs (docked, in formation: their distances are no matter of
    chance), and 'sigma' [1/a], the standard error of the rate if conjunctions are independent.

    Raises
    ------
    InputError
        an object of a conjunction has no radius here; a window without length; a distance above the threshold.

    Examples
    --------
    >>> import stmgpu as stm
    >>> cat = stm.synthetic_catalog(n=2000, seed=1)
    >>> con = stm.screen(cat, hours=6, threshold_km=5)
    >>> rate = collision_rate(con, cat.norad_id, np.full(len(cat), 2.0), 0.25)
    >>> rate["conjunctions"] == con.sizes["conjunction"], rate["collisions"]
    (True, 0.0)
    """
    threshold = float(conjunctions.attrs["threshold_km"])
    limit = threshold if within_km is None else float(within_km)
    if not 0.0 < limit <= threshold:
        raise InputError(
            f"conjunctions were found below {threshold:g} km and cannot be counted within {within_km} km; "
            f"give more than 0 and at most {threshold:g}"
        )
    if not 0.0 < days < np.inf:
        raise InputError(f"the window must be a positive number of days, got {days}")
    if len(norad_id) != len(radius_m):
        raise InputError(f"{len(norad_id)} objects and {len(radius_m)} radii; give one an object")
    order = np.argsort(norad_id)
    ids = np.asarray(norad_id)[order]
    near = conjunctions.miss_distance.to_numpy() < limit
    combined = np.zeros(int(near.sum()))
    for name in ("primary", "secondary"):
        wanted = conjunctions[name].to_numpy()[near]
        place = np.searchsorted(ids, wanted)
        missing = wanted[~np.isin(wanted, ids)]
        if len(missing):
            raise InputError(
                f"object {missing[0]} of the conjunctions has no radius; give all objects that were screened"
            )
        combined += np.asarray(radius_m)[order[place]] * 1e-3
    chance = (combined / limit) ** 2
    slow = (conjunctions["flags"].to_numpy()[near] & SLOW) != 0
    year = YEAR_DAYS / days
    return {
        "conjunctions": float(len(chance)),
        "collisions": float((conjunctions.miss_distance.to_numpy()[near] < combined).sum()),
        "expected": float(chance.sum()),
        "rate": float(chance.sum() * year),
        "slow": float(chance[slow].sum() * year),
        "sigma": float(np.sqrt((chance**2).sum()) * year),
    }


def deterministic_collisions(
    population: Population, days: float, threshold_km: float = 1.0, backend: str = "auto"
) -> tuple[xr.Dataset, dict[str, float]]:
    """Screen a population through a window and count.

    Parameters
    ----------
    population
        objects; their mean elements are taken for SGP4's.
    days
        length of the window from the population's epoch.
    threshold_km
        conjunctions below it are found, 0.1 to 200 km; see the head of this module.
    backend
        as for :func:`stmgpu.screen`.

    Returns
    -------
    conjunctions, and what :func:`collision_rate` says of them.
    """
    catalog = catalog_of(population)
    start = Epoch.of(jd_of_year(population.epoch_year), 0.0)
    found = screen(catalog, start=start, days=days, threshold_km=threshold_km, backend=backend)
    return found, collision_rate(found, catalog.norad_id, catalog.hard_body_radius_m, days)


def catalog_of(population: Population, drag_coefficient: float = 2.2) -> Catalog:
    """A population as a catalogue for the screening engine.

    Its mean elements are taken for SGP4's (both are Brouwer's to first order); objects without a NORAD id get one from
    900,000,001 on.
    """
    return _catalog(
        population.ids(),
        jd_of_year(population.epoch_year),
        mean_motion_of_axis(population.a_km),
        population.ecc,
        population.inc_rad,
        population.raan_rad,
        population.argp_rad,
        population.mean_rad,
        0.5 * SGP4_RHO0 * drag_coefficient * population.area_to_mass,
        population.radius_m,
        population.mass_kg,
    )


def fit_catalog(
    position_km: NDArray[np.float64],
    velocity_km_s: NDArray[np.float64],
    epoch: Epoch,
    bstar: NDArray[np.float64],
    radius_m: NDArray[np.float64],
    norad_id: NDArray[np.int64],
    backend: Backend | str = "auto",
) -> tuple[Catalog, NDArray[np.float64]]:
    """SGP4 mean elements whose states at the epoch are the given ones.

    The fixed point of: mean elements plus the difference between the given osculating elements and those that SGP4
    gives, in equinoctial elements, which know neither perigee nor node of circular and equatorial orbits.

    Parameters
    ----------
    position_km, velocity_km_s
        TEME states [n, 3].
    epoch
        of all of them.
    bstar, radius_m, norad_id
        columns [n] of the catalogue.

    Returns
    -------
    catalogue, and how far [km] its positions at the epoch are from the given ones [n].

    Raises
    ------
    InputError
        columns of different length; a state below the ground or on no ellipse, or that no orbit of SGP4 meets within
        0.1 km.

    Examples
    --------
    >>> from stmgpu.time import parse_utc
    >>> epoch, one = parse_utc("2025-01-01T00:00:00"), np.ones(1)
    >>> cat, off = fit_catalog(np.array([[7000.0, 0.0, 0.0]]), np.array([[0.0, 1.0, 7.4]]), epoch, 0.0 * one, one,
    ...                        np.array([1]), backend="reference")
    >>> round(float(np.degrees(cat.inclination[0])), 1), bool(off[0] < 1e-6)
    (82.3, True)
    """
    chosen = get_backend(backend) if isinstance(backend, str) else backend
    _check_states(position_km, velocity_km_s, bstar, radius_m, norad_id)
    wanted = _equinoctial(position_km, velocity_km_s)
    mean, off = wanted.copy(), np.full(len(wanted), np.inf)
    best = mean.copy()
    for _ in range(_ITERATIONS):
        catalog = _from_equinoctial(mean, epoch, bstar, radius_m, norad_id)
        r, v = _states(catalog, chosen, epoch)
        error = np.linalg.norm(r - position_km, axis=1)
        better = error < off
        best[better], off[better] = mean[better], error[better]
        if np.nanmax(off) < 1e-6:
            break
        change = wanted - _equinoctial(r, v)
        change[:, 5] = np.arctan2(np.sin(change[:, 5]), np.cos(change[:, 5]))
        mean = mean + np.where(np.isfinite(change), change, 0.0)
    bad = ~(off < 0.1)
    if bad.any():
        k = int(np.flatnonzero(bad)[0])
        raise InputError(
            f"object {norad_id[k]}: no mean elements of SGP4 give its state (off by {off[k]:.3g} km); is "
            "its perigee above the ground, and the state in TEME?"
        )
    return _from_equinoctial(best, epoch, bstar, radius_m, norad_id), off


def _check_states(r: Any, v: Any, *columns: Any) -> None:
    lengths = {len(column) for column in (r, v, *columns)}
    if len(lengths) != 1 or r.shape[1:] != (3,) or v.shape[1:] != (3,):
        raise InputError(
            f"states have shapes {r.shape} and {v.shape}, columns lengths {[len(c) for c in columns]}; n "
            "states need shapes (n, 3) and columns of n"
        )
    distance = np.linalg.norm(r, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        stray = ~((distance > EARTH.radius_km) & ((v**2).sum(axis=1) < 2.0 * EARTH.mu_km3_s2 / distance))
    if stray.any():
        k = int(np.flatnonzero(stray)[0])
        raise InputError(
            f"object {columns[-1][k]}, {distance[k]:,.0f} km from the Earth's centre and at "
            f"{np.linalg.norm(v[k]):.3g} km/s, is below the ground or on no ellipse; are the states in km "
            "and km/s?"
        )


def _states(catalog: Catalog, backend: Backend, epoch: Epoch) -> tuple[Any, Any]:
    propagator = SGP4Propagator(catalog, backend, (epoch.jd, epoch.fr), (0.0, 0.0))
    states, codes = (backend.get(array) for array in propagator.grid(np.zeros(1)))
    found = np.empty((len(catalog), 6))
    found[propagator.order] = np.where(codes[0, : len(catalog)] == 0, states[0, :, : len(catalog)], np.nan).T
    return found[:, :3], found[:, 3:]


def _equinoctial(r: NDArray[np.float64], v: NDArray[np.float64]) -> NDArray[np.float64]:
    """a, e cos, e sin of the longitude of perigee, tan(i/2) cos, sin of the node, mean longitude [n, 6]."""
    a, e, i, raan, argp, mean = elements_of(r, v)
    tangent, longitude = np.tan(0.5 * i), raan + argp
    return np.stack(
        [
            a,
            e * np.cos(longitude),
            e * np.sin(longitude),
            tangent * np.cos(raan),
            tangent * np.sin(raan),
            longitude + mean,
        ],
        axis=1,
    )


def _from_equinoctial(
    x: NDArray[np.float64],
    epoch: Epoch,
    bstar: NDArray[np.float64],
    radius_m: NDArray[np.float64],
    norad_id: NDArray[np.int64],
) -> Catalog:
    raan, longitude = np.arctan2(x[:, 4], x[:, 3]), np.arctan2(x[:, 2], x[:, 1])
    e = np.minimum(np.hypot(x[:, 1], x[:, 2]), 0.99)
    i = 2.0 * np.arctan(np.hypot(x[:, 3], x[:, 4]))
    return _catalog(
        norad_id,
        epoch.jd + epoch.fr,
        mean_motion_of_axis(x[:, 0]),
        e,
        i,
        raan,
        longitude - raan,
        x[:, 5] - longitude,
        bstar,
        radius_m,
        np.full(len(x), np.nan),
        epoch,
    )


def _catalog(
    norad_id: Any,
    jd: float,
    n: Any,
    e: Any,
    i: Any,
    raan: Any,
    argp: Any,
    mean: Any,
    bstar: Any,
    radius_m: Any,
    mass_kg: Any,
    epoch: Epoch | None = None,
) -> Catalog:
    when = epoch or Epoch.of(jd, 0.0)
    count, turn = len(norad_id), 2.0 * np.pi
    return Catalog.from_columns(
        norad_id=np.asarray(norad_id, np.int64),
        epoch_jd=np.full(count, when.jd),
        epoch_fr=np.full(count, when.fr),
        mean_motion=n,
        eccentricity=e,
        inclination=i,
        raan=np.mod(raan, turn),
        argp=np.mod(argp, turn),
        mean_anomaly=np.mod(mean, turn),
        bstar=bstar,
        hard_body_radius_m=radius_m,
        mass_kg=mass_kg,
    )
