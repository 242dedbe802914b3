"""Catalogues for the screening engine, made from populations or from states."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from stmgpu.backend import Backend, get_backend
from stmgpu.catalog import Catalog
from stmgpu.catalog.orbits import mean_motion_of_axis
from stmgpu.constants import EARTH
from stmgpu.errors import InputError
from stmgpu.propagate.kepler import elements_of
from stmgpu.propagate.sgp4 import SGP4Propagator
from stmgpu.time import Epoch, jd_of_year

if TYPE_CHECKING:
    from stmgpu.debris.population.population import Population
    from stmgpu.typing import Floats, Ints

SGP4_RHO0 = 0.1570
"""Reference density of B*: rho_0 [kg/m^2 per Earth radius] (Hoots and Roehrich 1980): B* = rho_0 C_d A / (2 m)."""

_ITERATIONS = 30


class _Elements(NamedTuple):
    """Mean elements [n each] in the units of a catalogue."""

    mean_motion: Floats
    eccentricity: Floats
    inclination: Floats
    raan: Floats
    argp: Floats
    mean_anomaly: Floats


class _Objects(NamedTuple):
    """Columns [n] of a catalogue beside the elements."""

    norad_id: Ints
    bstar: Floats
    radius_m: Floats
    mass_kg: Floats


def catalog_of(population: Population, *, drag_coefficient: float = 2.2) -> Catalog:
    """Convert a population to a catalogue for the screening engine.

    Its mean elements are taken as those of SGP4 (both are Brouwer's to first order). Objects without a NORAD id get ids
    from 900,000,001.
    """
    elements = _Elements(
        mean_motion=np.asarray(mean_motion_of_axis(population.a_km)),
        eccentricity=population.ecc,
        inclination=population.inc_rad,
        raan=population.raan_rad,
        argp=population.argp_rad,
        mean_anomaly=population.mean_rad,
    )
    objects = _Objects(
        norad_id=population.ids(),
        bstar=0.5 * SGP4_RHO0 * drag_coefficient * population.area_to_mass,
        radius_m=population.radius_m,
        mass_kg=population.mass_kg,
    )
    return _catalog(elements, objects, Epoch.of(jd_of_year(population.epoch_year), 0.0))


def fit_catalog(
    position_km: Floats,
    velocity_km_s: Floats,
    *,
    epoch: Epoch,
    bstar: Floats,
    radius_m: Floats,
    norad_id: Ints,
    backend: Backend | str = "auto",
) -> tuple[Catalog, Floats]:
    """Fit SGP4 mean elements to states at one epoch.

    Fixed-point iteration: the difference between the osculating elements of the given states and of SGP4's states is
    added to the mean elements. Equinoctial elements are used, which have no singularity at circular and equatorial
    orbits.

    Parameters
    ----------
    position_km, velocity_km_s : ndarray of float64, shape (n, 3)
        TEME states.
    epoch : Epoch
        epoch of all states.
    bstar, radius_m, norad_id : ndarray, shape (n,)
        columns of the catalogue.
    backend : Backend or str
        Backend or its name.

    Returns
    -------
    Catalog
        the catalogue.
    ndarray of float64, shape (n,)
        distances of its positions at the epoch from the given ones [km].

    Raises
    ------
    InputError
        columns of different lengths; a state below the ground or not on an ellipse, or that no orbit of SGP4 matches
        within 0.1 km.

    Examples
    --------
    >>> from stmgpu.time import parse_utc
    >>> cat, error_km = fit_catalog(
    ...     np.array([[7000.0, 0.0, 0.0]]), np.array([[0.0, 1.0, 7.4]]), epoch=parse_utc("2025-01-01T00:00:00"),
    ...     bstar=np.zeros(1), radius_m=np.ones(1), norad_id=np.array([1]), backend="reference",
    ... )
    >>> round(float(np.degrees(cat.inclination[0])), 1), bool(error_km[0] < 1e-6)
    (82.3, True)
    """
    chosen = get_backend(backend) if isinstance(backend, str) else backend
    _check_states(position_km, velocity_km_s, bstar, radius_m, norad_id)
    objects = _Objects(norad_id, bstar, radius_m, np.full(len(norad_id), np.nan))
    target = _equinoctial(position_km, velocity_km_s)
    mean, smallest_km = target.copy(), np.full(len(target), np.inf)
    best = mean.copy()
    for _ in range(_ITERATIONS):
        r, v = _states(_catalog(_mean_elements(mean), objects, epoch), chosen, epoch)
        error_km = np.linalg.norm(r - position_km, axis=1)
        better = error_km < smallest_km
        best[better], smallest_km[better] = mean[better], error_km[better]
        if np.nanmax(smallest_km) < 1e-6:
            break
        change = target - _equinoctial(r, v)
        change[:, 5] = np.arctan2(np.sin(change[:, 5]), np.cos(change[:, 5]))
        mean = mean + np.where(np.isfinite(change), change, 0.0)
    bad = ~(smallest_km < 0.1)
    if bad.any():
        k = int(np.flatnonzero(bad)[0])
        raise InputError(
            f"object {norad_id[k]}: no mean elements of SGP4 match its state (error {smallest_km[k]:.3g} km); check "
            "that its perigee is above the ground and the state in TEME"
        )
    return _catalog(_mean_elements(best), objects, epoch), smallest_km


def _check_states(r: Floats, v: Floats, *columns: Floats | Ints) -> None:
    lengths = {len(column) for column in (r, v, *columns)}
    if len(lengths) != 1 or r.shape[1:] != (3,) or v.shape[1:] != (3,):
        raise InputError(
            f"states have shapes {r.shape} and {v.shape}, columns have lengths {[len(c) for c in columns]}; "
            "give n states of shape (n, 3) and columns of length n"
        )
    distance = np.linalg.norm(r, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        stray = ~((distance > EARTH.radius_km) & ((v**2).sum(axis=1) < 2.0 * EARTH.mu_km3_s2 / distance))
    if stray.any():
        k = int(np.flatnonzero(stray)[0])
        raise InputError(
            f"object {columns[-1][k]}, {distance[k]:,.0f} km from the Earth's centre and at "
            f"{np.linalg.norm(v[k]):.3g} km/s, is below the ground or not on an ellipse; check that states "
            "are in km and km/s"
        )


def _states(catalog: Catalog, backend: Backend, epoch: Epoch) -> tuple[Floats, Floats]:
    """TEME positions and velocities of the catalogue at an epoch; NaN where SGP4 fails."""
    propagator = SGP4Propagator(catalog, backend, (epoch.jd, epoch.fr), (0.0, 0.0))
    states, codes = (backend.get(array) for array in propagator.grid(np.zeros(1)))
    by_object = np.empty((len(catalog), 6))
    by_object[propagator.order] = np.where(codes[0, : len(catalog)] == 0, states[0, :, : len(catalog)], np.nan).T
    return by_object[:, :3], by_object[:, 3:]


def _equinoctial(r: Floats, v: Floats) -> Floats:
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


def _mean_elements(equinoctial: Floats) -> _Elements:
    """Keplerian elements of equinoctial ones [n, 6]."""
    x = equinoctial
    raan, longitude = np.arctan2(x[:, 4], x[:, 3]), np.arctan2(x[:, 2], x[:, 1])
    return _Elements(
        mean_motion=np.asarray(mean_motion_of_axis(x[:, 0])),
        eccentricity=np.minimum(np.hypot(x[:, 1], x[:, 2]), 0.99),
        inclination=2.0 * np.arctan(np.hypot(x[:, 3], x[:, 4])),
        raan=raan,
        argp=longitude - raan,
        mean_anomaly=x[:, 5] - longitude,
    )


def _catalog(elements: _Elements, objects: _Objects, epoch: Epoch) -> Catalog:
    count, turn = len(objects.norad_id), 2.0 * np.pi
    return Catalog.from_columns(
        norad_id=np.asarray(objects.norad_id, np.int64),
        epoch_jd=np.full(count, epoch.jd),
        epoch_fr=np.full(count, epoch.fr),
        mean_motion=elements.mean_motion,
        eccentricity=elements.eccentricity,
        inclination=elements.inclination,
        raan=np.mod(elements.raan, turn),
        argp=np.mod(elements.argp, turn),
        mean_anomaly=np.mod(elements.mean_anomaly, turn),
        bstar=objects.bstar,
        hard_body_radius_m=objects.radius_m,
        mass_kg=objects.mass_kg,
    )
