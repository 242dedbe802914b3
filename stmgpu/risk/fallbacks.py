"""Collision probabilities of conjunctions for which no method of an encounter holds: along a stay, and from samples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from stmgpu.risk import dwell
from stmgpu.risk import variables as v
from stmgpu.risk.encounter_reference import period_s
from stmgpu.risk.error_split import held_by_both
from stmgpu.risk.montecarlo import monte_carlo
from stmgpu.risk.rotations import local_axes, turned
from stmgpu.risk.sampling import usable
from stmgpu.risk.stays import stay_probability

if TYPE_CHECKING:
    from stmgpu.backend import Backend
    from stmgpu.risk.covariance import CovarianceSource
    from stmgpu.risk.pair_states import PairPropagator, Pairs, PairStates
    from stmgpu.risk.stays import Motion
    from stmgpu.typing import Floats

    Columns = dict[str, np.ndarray[Any, Any]]

_OFTEN = 0.5
"""Part of a period from which a trajectory may enter more than once, and sum of probabilities likewise."""


def add_stays(
    columns: Columns, pairs: Pairs, states: PairStates, propagator: PairPropagator, source: CovarianceSource
) -> None:
    """Give slow pairs the probability of their stay within the threshold, where they have none or that of a revolution.

    Parameters
    ----------
    columns : dict of ndarray
        Columns of the assessment, which are changed: ``pc``, its method, flags and limits.
    pairs : Pairs
        The conjunctions, with their stays.
    states : PairStates
        Both objects at TCA.
    propagator : PairPropagator
        Propagation of both objects along the stay.
    source : CovarianceSource
        Source of their covariances at every time.
    """
    if pairs.stay is None:
        return
    radius = columns["hard_body_radius"]
    together = (columns["pc_method"] == v.ENTRIES) & ((columns["pc_flags"] & v.STAYS) != 0)
    wanted = ((columns["pc_method"] == v.NONE) | together) & (radius > 0.0) & np.isfinite(radius)
    slow = wanted & ~np.isnat(pairs.stay).any(axis=1)
    for k in np.flatnonzero(slow).tolist():
        start, stop = propagator.seconds(pairs.stay[k])
        period = min(period_s(x[k, :3], x[k, 3:]) for x in (states.state_1_km, states.state_2_km))
        motion = _motion(int(states.place_1[k]), int(states.place_2[k]), propagator, source)
        if not (stop > start and np.isfinite(period)):
            continue
        found = stay_probability(
            motion, float(radius[k]), float(start), float(stop), period, backend=propagator.backend
        )
        if np.isnan(found.probability[0]) or found.flags[0] & dwell.NOT_CONVERGED:
            continue
        columns["pc"][k] = columns["pc_upper"][k] = found.probability[0]
        columns["pc_lower"][k] = found.inside[0]
        columns["pc_method"][k] = v.STAY
        columns["pc_flags"][k] &= ~(v.STAYS | v.BLENDED)
        if stop - start > _OFTEN * period or found.inside[0] + found.entries[0] > _OFTEN:
            columns["pc_flags"][k] |= v.BLENDED
        if found.flags[0] & dwell.CLIPPED:
            columns["pc_flags"][k] |= v.CLIPPED


def add_samples(
    columns: Columns,
    state_1_km: Floats,
    covariance_1: Floats,
    state_2_km: Floats,
    covariance_2: Floats,
    *,
    samples: int,
    seed: int,
    shared: Floats | None = None,
    backend: str | Backend = "auto",
) -> None:
    """Give conjunctions a probability by Monte Carlo where no method holds, or 3D-Nc is only an upper limit.

    Parameters
    ----------
    columns : dict of ndarray
        Columns of the assessment, which are changed: ``pc``, its method, flags and limits.
    state_1_km, state_2_km : float64, shape (n, 6)
        States near the closest approach [km, km/s].
    covariance_1, covariance_2 : float64, shape (n, 6, 6)
        Their covariances [m2, m2/s, m2/s2]; rows with a number missing get no samples.
    samples, seed, backend
        As for :func:`stmgpu.risk.monte_carlo`.
    shared : float64, shape (n, 2, 6), optional
        As there; objects whose covariances do not hold it are drawn independently, and a flag says so.
    """
    method = columns["pc_method"]
    limit = (method == v.ENTRIES) & ((columns["pc_flags"] & v.BLENDED) != 0)
    whole = np.isfinite(covariance_1).all(axis=(1, 2)) & np.isfinite(covariance_2).all(axis=(1, 2))
    rows = np.flatnonzero(((method == v.NONE) | limit) & whole)
    if not len(rows):
        return
    fields = [
        state_1_km[rows, :3], state_1_km[rows, 3:], covariance_1[rows], state_2_km[rows, :3], state_2_km[rows, 3:],
        covariance_2[rows], columns["hard_body_radius"][rows],
    ]  # fmt: skip
    errors = np.zeros((len(rows), 2, 6)) if shared is None else shared[rows]
    held = held_by_both(covariance_1[rows], covariance_2[rows], errors)
    errors = np.where(held[:, np.newaxis, np.newaxis], errors, 0.0)
    found = monte_carlo(*fields, samples=samples, seed=seed, shared=errors, backend=backend)
    good = usable(found.flags)
    rows, held = rows[good], held[good]
    for name, values in (("pc", found.probability), ("pc_lower", found.lower), ("pc_upper", found.upper)):
        columns[name][rows] = values[good]
    method[rows] = v.SAMPLES
    columns["pc_flags"][rows] &= ~(v.BLENDED | v.STAYS)
    columns["pc_flags"][rows[~held]] |= v.UNCORRELATED


def _motion(place_1: int, place_2: int, propagator: PairPropagator, source: CovarianceSource) -> Motion:
    """Relative motion of two objects [m, m/s] and its covariance, along the axes of TEME."""
    ids = propagator.objects.norad_id

    def motion(times_s: Floats) -> tuple[Floats, Floats]:
        states, covariances = [], []
        for place in (place_1, place_2):
            state, time_jd, age = propagator.moving(place, times_s)
            found = source.at(np.full(len(times_s), ids[place]), state, time_jd, age)
            states.append(1e3 * state)
            covariances.append(turned(local_axes("RTN", state), found.matrix))
        return states[0] - states[1], covariances[0] + covariances[1]

    return motion
