"""Missions of payloads: their ends, and whether a payload keeps its orbit and avoids others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stmgpu.debris.population.population import Kind

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from stmgpu.typing import Bools, Floats, Ints

MISSION_YEARS = 8.0
"""Life of a payload where no source states one [years] (IADC-12-08, MOCAT-MC)."""

CONSTELLATION_YEARS = 5.0
"""Life of a member of a large constellation [years]."""

UNPROPELLED_KG = 10.0
"""Mass below which payloads usually lack propulsion: they are active, but neither keep their orbit nor avoid [kg]."""

STATION_KG = 50_000.0
"""Mass from which payloads are crewed stations, which stay active beyond the life of a payload [kg]."""


def can_keep_station(mass_kg: ArrayLike) -> Bools:
    """Whether payloads of these masses keep their orbit and avoid others while they are active.

    Examples
    --------
    >>> can_keep_station([4.0, 260.0]).tolist()
    [False, True]
    """
    return np.asarray(np.asarray(mass_kg, np.float64) >= UNPROPELLED_KG)


def assign_missions(
    kind: ArrayLike,
    launch_year: ArrayLike,
    constellation: ArrayLike,
    epoch_year: float,
    rng: np.random.Generator,
    *,
    mission_years: float = MISSION_YEARS,
    stated_active: ArrayLike | None = None,
    stated_end: ArrayLike | None = None,
) -> tuple[NDArray[np.int8], Floats]:
    """Classify payloads as active or derelict, and date the ends of missions.

    A payload is active while it is not older than its life: ``mission_years``, or five years in a constellation (the
    rule of MOCAT-MC). Statements of the source on activity or end of mission take precedence. The mission of a payload
    that is stated active beyond its life ends at a random date within the next ``mission_years``.

    Parameters
    ----------
    kind : array_like
        :class:`Kind` of each object [n]; ACTIVE and DERELICT both mean payload here.
    launch_year, constellation : array_like
        [n], as in a population.
    epoch_year : float
        Epoch of the classification, decimal year.
    rng : Generator
        Random numbers for ends of missions beyond the stated life.
    mission_years : float
        Life of payloads that are in no constellation.
    stated_active : array_like, optional
        [n]: 1 active, 0 not, -1 not stated.
    stated_end : array_like, optional
        [n]: decimal year; not finite where not stated.

    Returns
    -------
    kind, mission_end_year
        [n] each; the end is infinite for all but payloads, and in the past for derelict payloads.
    """
    kinds = np.asarray(kind).astype(np.int8)
    launch = np.asarray(launch_year, np.float64)
    payload = (kinds == Kind.ACTIVE) | (kinds == Kind.DERELICT)
    life = np.where(np.asarray(constellation) >= 0, min(CONSTELLATION_YEARS, mission_years), mission_years)
    end = launch + life
    if stated_end is not None:
        stated = np.asarray(stated_end, np.float64)
        end = np.where(np.isfinite(stated), stated, end)
    active = payload & (end > epoch_year)
    if stated_active is not None:
        stated_now: Ints = np.asarray(stated_active, np.int64)
        late = payload & (stated_now == 1) & ~active
        end = np.where(late, epoch_year + mission_years * (1.0 - rng.random(len(kinds))), end)
        active = (active & (stated_now != 0)) | late
        end = np.where(payload & ~active, np.minimum(end, epoch_year), end)
    kinds = np.where(payload, np.where(active, Kind.ACTIVE, Kind.DERELICT), kinds).astype(np.int8)
    return kinds, np.where(payload, end, np.inf)
