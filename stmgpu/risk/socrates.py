"""Maximum probabilities of conjunctions as SOCRATES of CelesTrak states them.

SOCRATES takes a covariance of which only the shape is known: sigmas of 100, 300 and 100 m along the radial, transverse
and normal axes of both objects. Their sum, projected on the encounter plane, has an aspect ratio; its major axis is
laid along the miss, and the probability is maximised over the size (S. Alfano, J. Astronaut. Sci. 53 (2005) 193).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from stmgpu.backend import get_backend
from stmgpu.catalog import Catalog
from stmgpu.catalog.object_data import STATUS_CODES
from stmgpu.errors import InputError
from stmgpu.messages.socrates import SocratesTable
from stmgpu.propagate.screening_objects import ScreeningObjects
from stmgpu.propagate.settings import operation_mode
from stmgpu.risk.assessment import pairs_of, window_of
from stmgpu.risk.encounter import encounter_geometry
from stmgpu.risk.maximum import maximum_probability
from stmgpu.risk.pair_states import PairPropagator
from stmgpu.risk.radii import radius_rule

if TYPE_CHECKING:
    from collections.abc import Mapping

    import xarray as xr
    from numpy.typing import ArrayLike

    from stmgpu.backend import Backend
    from stmgpu.risk.radii import RadiusRule
    from stmgpu.typing import Floats, Strings

SIGMAS_M = (100.0, 300.0, 100.0)
"""Radial, transverse and normal standard deviations of every object."""

_CODES = {name: code for code, name in STATUS_CODES.items() if code}


def socrates_maximum(
    primary: ArrayLike, secondary: ArrayLike, radius_m: ArrayLike, *, backend: str | Backend = "auto"
) -> tuple[Floats, Floats]:
    """Maximum probability and dilution threshold of encounters, as SOCRATES defines them.

    Parameters
    ----------
    primary, secondary : array_like, shape (n, 6)
        Positions [km] and velocities [km/s] at the closest approach, in one inertial frame.
    radius_m : array_like, shape (n,)
        Combined hard-body radii; one number serves for all.
    backend : str or Backend, optional
        Backend or its name, see :func:`stmgpu.get_backend`.

    Returns
    -------
    probability, sigma_m : float64, shape (n,)
        MAX_PROB, and the minor standard deviation at which it is reached (DILUTION): 1 and 0 where the distance is
        below the radius; NaN without a relative velocity, since there is no encounter plane then.
    """
    first, second = np.asarray(primary, np.float64), np.asarray(secondary, np.float64)
    runner = get_backend(backend) if isinstance(backend, str) else backend
    radius = np.broadcast_to(np.asarray(radius_m, np.float64), first.shape[:1])
    shape = np.diag(np.square(SIGMAS_M))
    found = encounter_geometry(
        first[:, :3], first[:, 3:], shape, second[:, :3], second[:, 3:], shape, radius, backend=runner
    )
    miss = 1e3 * np.linalg.norm(first[:, :3] - second[:, :3], axis=1)
    with np.errstate(invalid="ignore"):
        aspect = found.sigma_major_m / found.sigma_minor_m
    hit = miss < radius  # without a plane, too
    aspect = np.where(hit, 1.0, aspect)
    return maximum_probability(miss, 0.0, aspect, 1.0, radius, backend=runner)


def socrates_table(
    conjunctions: xr.Dataset,
    objects: Catalog | ScreeningObjects,
    *,
    radii: str | RadiusRule = "socrates",
    radius_m: ArrayLike | None = None,
    mode: str = "i",
    backend: str | Backend = "auto",
) -> SocratesTable:
    """Conjunctions as a table of SOCRATES.

    Parameters
    ----------
    conjunctions : xr.Dataset
        From `stmgpu.screen`, or from a store; also some of its rows. Its attributes tell the window, which chooses
        among several element sets of an object.
    objects : Catalog or ScreeningObjects
        What was screened.
    radii : str or RadiusRule
        Rule of the hard-body radii, or its name, see :func:`stmgpu.risk.radii.radius_rule`.
    radius_m : array_like, shape (n,), optional
        Combined hard-body radii of the conjunctions instead of the rule; one number serves for all.
    mode : str
        Operation mode of SGP4 in the screening.
    backend : str or Backend, optional
        Backend or its name, see :func:`stmgpu.get_backend`.

    Returns
    -------
    SocratesTable
        A row for each conjunction, in its order. Status codes stand there if the catalogue has them (from a SATCAT).

    Raises
    ------
    InputError
        If a radius is not a number of 0 or more, or the conjunctions do not follow from these objects.

    Examples
    --------
    >>> table = socrates_table(con, cat)  # doctest: +SKIP
    >>> stm.write_socrates(table, "socrates.csv")  # doctest: +SKIP
    """
    objects = ScreeningObjects(objects) if isinstance(objects, Catalog) else objects
    values = {str(name): variable.values for name, variable in conjunctions.variables.items()}
    radius = np.asarray(_by_rule(values, objects, radii) if radius_m is None else radius_m, np.float64)
    if radius.shape not in ((), conjunctions["tca"].shape) or not (radius >= 0.0).all():
        raise InputError(f"radii must be one number of 0 or more [m], or one for each of {conjunctions.sizes}")
    runner = get_backend(backend) if isinstance(backend, str) else backend
    window = window_of(conjunctions)
    states = PairPropagator(objects.for_window(window), window, operation_mode(mode), runner).at(pairs_of(conjunctions))
    probability, sigma_m = socrates_maximum(states.state_1_km, states.state_2_km, radius, backend=runner)
    unknown = np.full(len(values["tca"]), "")
    status = [_codes(values.get(f"{role}_status", unknown)) for role in ("primary", "secondary")]
    return SocratesTable(
        values["primary"],
        values["primary_name"],
        status[0],
        values["primary_epoch_age_days"],
        values["secondary"],
        values["secondary_name"],
        status[1],
        values["secondary_epoch_age_days"],
        values["tca"],
        values["miss_distance"],
        values["relative_speed"],
        probability,
        sigma_m / 1e3,
    )


def _codes(names: Strings) -> Strings:
    return np.array([_CODES.get(name, "") for name in names.tolist()], np.str_)


def _by_rule(values: Mapping[str, Any], objects: ScreeningObjects, radii: str | RadiusRule) -> Floats:
    """Combined radii of the conjunctions by a rule [m]."""
    rule = radius_rule(radii) if isinstance(radii, str) else radii
    import pandas as pd

    catalog = objects.catalog
    unknown = np.full(len(values["tca"]), "")
    of = []
    for role in ("primary", "secondary"):
        stated = pd.Series(catalog.hard_body_radius_m, catalog.norad_id)
        of.append(
            rule.of(
                values[role], values[f"{role}_name"], values.get(f"{role}_type", unknown),
                stated_m=stated.reindex(values[role]).to_numpy(),
            )
        )  # fmt: skip
    return rule.combined(*of)[0]
