"""States of both objects of each conjunction at its closest approach."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stmgpu.backend import get_backend
from stmgpu.backend.parts import in_parts
from stmgpu.catalog import Catalog
from stmgpu.errors import InputError, counted
from stmgpu.propagate.instants import seconds_of_ns
from stmgpu.propagate.screening_objects import ScreeningObjects
from stmgpu.time import NS_PER_DAY, UNIX_EPOCH_JD, parse_utc
from stmgpu.window import Window

if TYPE_CHECKING:
    import xarray as xr

    from stmgpu.backend import Backend
    from stmgpu.typing import Floats, Ints

AGREEMENT_KM = 1e-6
"""Largest difference between the distance of the states and the miss distance of a conjunction [km]."""

_TOGETHER = 200_000


def conjunction_states(
    conjunctions: xr.Dataset,
    objects: Catalog | ScreeningObjects,
    *,
    mode: str = "i",
    backend: str | Backend = "auto",
) -> tuple[Floats, Floats]:
    """States of both objects of each conjunction at TCA, from what was screened.

    Parameters
    ----------
    conjunctions : xr.Dataset
        From `stmgpu.screen`, or from a store; also some of its rows. Its attributes tell the window, which chooses
        among several element sets of an object.
    objects : Catalog or ScreeningObjects
        The catalogue, or catalogue and trajectories, that was screened.
    mode : str
        Operation mode of SGP4 of the screening, 'i' or 'a'.
    backend : str or Backend, optional
        Backend or its name, see :func:`stmgpu.get_backend`.

    Returns
    -------
    primary, secondary : float64, shape (n, 6)
        Positions [km] and velocities [km/s] in TEME.

    Raises
    ------
    InputError
        If an object of a conjunction is not among the objects, has no state at TCA, or the states are not as far apart
        as the conjunction says: then other elements were screened.

    Examples
    --------
    >>> primary, secondary = conjunction_states(con, cat)  # doctest: +SKIP
    """
    objects = ScreeningObjects(objects) if isinstance(objects, Catalog) else objects
    objects = objects.for_window(_window(conjunctions))
    ids = [conjunctions[name].values.astype(np.int64) for name in ("primary", "secondary")]
    ns = conjunctions["tca"].values.astype("datetime64[ns]").astype(np.int64)
    if not len(ns):
        return np.empty((0, 6)), np.empty((0, 6))
    midnight = int(ns.min()) // NS_PER_DAY * NS_PER_DAY
    seconds = seconds_of_ns(ns - midnight)
    runner = get_backend(backend) if isinstance(backend, str) else backend
    with runner.on_device():
        propagator = objects.propagator(
            runner,
            (midnight // NS_PER_DAY + UNIX_EPOCH_JD, 0.0),
            (float(seconds.min()), float(seconds.max())),
            mode=mode,
            by_object=True,
        )
        states = []
        for wanted in ids:
            column = _columns(wanted, objects.norad_id[np.asarray(propagator.order)])
            parts = in_parts(
                runner,
                len(ns),
                _TOGETHER,
                lambda part, column=column: runner.get(propagator.at(column[part], seconds[part])[0]),  # type: ignore[misc]
            )
            states.append(np.concatenate([found for _, found in parts], axis=1).T)
    _check(conjunctions, ids, *states)
    return states[0], states[1]


def _window(conjunctions: xr.Dataset) -> Window:
    try:
        return Window(parse_utc(str(conjunctions.attrs["start"])), float(conjunctions.attrs["duration_s"]))
    except KeyError as error:
        raise InputError(f"the conjunctions have no attribute {error}; give a result of stmgpu.screen") from None


def _columns(wanted: Ints, ids: Ints) -> Ints:
    """Column of the propagator of each object."""
    order = np.argsort(ids)
    place = order[np.minimum(np.searchsorted(ids, wanted, sorter=order), len(ids) - 1)]
    if len(lost := wanted[ids[place] != wanted]):
        raise InputError(
            f"object {lost[0]} of a conjunction is not among the objects; give the catalogue that was screened"
        )
    return place


def _check(conjunctions: xr.Dataset, ids: list[Ints], primary: Floats, secondary: Floats) -> None:
    """Refuse other elements than those that were screened."""
    distance = np.linalg.norm(primary[:, :3] - secondary[:, :3], axis=1)
    stated = conjunctions["miss_distance"].values
    wrong = np.flatnonzero(~(np.abs(distance - stated) <= AGREEMENT_KM))
    if len(wrong):
        k = int(wrong[0])
        raise InputError(
            f"objects {ids[0][k]} and {ids[1][k]} are {distance[k]:.9g} km apart at TCA, while the conjunction "
            f"says {stated[k]:.9g} km ({counted(len(wrong), 'such row')}); give the catalogue that was screened, and "
            "its mode"
        )
