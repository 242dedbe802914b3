"""Assessment of rows: their risk from states, covariances and radii, and what to do about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from stmgpu.backend import get_backend
from stmgpu.risk import variables as v
from stmgpu.risk.covariance import AGE_BEYOND_MODEL, MISSING, NOT_CALIBRATED, REMEDIED
from stmgpu.risk.decision import encounter_forecast
from stmgpu.risk.fallbacks import add_samples, add_stays
from stmgpu.risk.maximum import frisbee_probability, maximum_probability
from stmgpu.risk.settings import DECISION_HOURS, check_samples
from stmgpu.risk.triage import triage
from stmgpu.risk.validity import best_probability, lacks_position
from stmgpu.time import from_datetime64

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stmgpu.backend import Backend
    from stmgpu.choices import SlowMethods
    from stmgpu.risk.covariance import Covariances, CovarianceSource
    from stmgpu.risk.pair_states import PairPropagator, Pairs, PairStates
    from stmgpu.risk.radii import Radii, RadiusRule
    from stmgpu.risk.triage import Lines
    from stmgpu.typing import Floats

_OF_COVARIANCES = {
    AGE_BEYOND_MODEL: v.AGE_BEYOND_MODEL,
    REMEDIED: v.REMEDIED,
    MISSING: v.MISSING,
    NOT_CALIBRATED: v.NOT_CALIBRATED,
}


@dataclass(frozen=True)
class Assessment:
    """Risks of n conjunctions, and what they were computed from.

    Attributes
    ----------
    columns : mapping of ndarray, shape (n,)
        Values by the names of :data:`stmgpu.risk.variables.VARIABLES`.
    states : PairStates
        Both objects at TCA.
    covariance_1, covariance_2 : Covariances
        Of both objects.
    """

    columns: Mapping[str, np.ndarray[Any, Any]]
    states: PairStates
    covariance_1: Covariances
    covariance_2: Covariances


class Assessor:
    """Assessment of the conjunctions of a screening.

    Parameters
    ----------
    pairs : PairPropagator
        Propagation to the closest approaches.
    source : CovarianceSource
        Source of the covariances.
    rule : RadiusRule
        Rule of the hard-body radii.
    limits : Lines
        Lines of the triage.
    decision_hours : float
        Time before TCA at which a decision is made [h].
    slow : {'stated', 'all'}
        Whether methods for curved and slow encounters are used for stated covariances alone, or for all.
    samples, seed : int
        Samples of each conjunction for which no method holds, 0 for none, and the seed of their random numbers.

    Raises
    ------
    InputError
        If samples are asked for covariances that no curved method is used for.
    """

    def __init__(
        self,
        pairs: PairPropagator,
        source: CovarianceSource,
        rule: RadiusRule,
        limits: Lines,
        *,
        decision_hours: float = DECISION_HOURS,
        slow: SlowMethods = "stated",
        samples: int = 0,
        seed: int = 0,
    ) -> None:
        self.plane_only = slow == "stated" and bool(source.notice)
        check_samples(samples, slow, source)
        self.samples, self.seed = samples, seed
        self.pairs, self.source, self.rule, self.limits, self.backend = pairs, source, rule, limits, pairs.backend
        self.decision_hours = decision_hours
        objects, others = pairs.objects, len(pairs.objects.trajectories)
        types = np.concatenate([objects.catalog.object_type, np.full(others, "")])
        stated_m = np.concatenate([objects.catalog.hard_body_radius_m, np.full(others, np.nan)])
        self._ids = objects.norad_id
        self._radii: Radii = rule.of(self._ids, objects.name, types, stated_m=stated_m)

    def run(self, pairs: Pairs) -> Assessment:
        """Assess conjunctions; every number of a row depends on that row alone.

        Raises
        ------
        InputError
            If the conjunctions do not follow from the objects.
        """
        states = self.pairs.at(pairs)
        time_jd = from_datetime64(pairs.tca)
        one, two = (
            self.source.at(self._ids[place], state, time_jd, age)
            for place, state, age in (
                (states.place_1, states.state_1_km, states.age_1_days),
                (states.place_2, states.state_2_km, states.age_2_days),
            )
        )
        radius, radius_source = self.rule.combined(self._radii[states.place_1], self._radii[states.place_2])
        columns = risk_columns(
            states.state_1_km, one, states.state_2_km, two, radius, plane_only=self.plane_only, backend=self.backend
        )
        if not self.plane_only:
            add_stays(columns, pairs, states, self.pairs, self.source)
        if self.samples:
            given = (states.state_1_km, one.matrix, states.state_2_km, two.matrix)
            add_samples(columns, *given, samples=self.samples, seed=self.seed, backend=self.backend)
        columns["hard_body_source"] = radius_source
        columns["p_act"] = self._outlook(states, time_jd, (one, two), radius, columns["pc_method"])
        add_triage(columns, self.limits)
        return Assessment(columns, states, one, two)

    def _outlook(
        self,
        states: PairStates,
        time_jd: tuple[Floats, Floats],
        now: tuple[Covariances, Covariances],
        radius_m: Floats,
        method: np.ndarray[Any, np.dtype[np.int8]],
    ) -> Floats:
        """Forecast of rows with a two-dimensional probability.

        At the decision the data behind an object are as old at TCA as the decision is early, unless they already are
        younger; their covariance is that of the same source for that age.
        """
        found = np.full(len(method), np.nan)
        rows = np.flatnonzero(method == v.PLANE)
        if not len(rows):
            return found
        times, lead = (time_jd[0][rows], time_jd[1][rows]), self.decision_hours / 24.0
        first, second = states.state_1_km[rows], states.state_2_km[rows]
        then = [
            self.source.at(self._ids[place[rows]], state, times, np.where(np.abs(age[rows]) > lead, lead, age[rows]))
            for place, state, age in (
                (states.place_1, first, states.age_1_days),
                (states.place_2, second, states.age_2_days),
            )
        ]
        found[rows] = encounter_forecast(
            (first, second),
            (now[0].matrix[rows, :3, :3], now[1].matrix[rows, :3, :3]),
            (then[0].matrix[:, :3, :3], then[1].matrix[:, :3, :3]),
            radius_m=radius_m[rows],
            line=self.limits.act,
            backend=self.backend,
        ).p_act
        return found


def risk_columns(
    state_1_km: Floats,
    covariance_1: Covariances,
    state_2_km: Floats,
    covariance_2: Covariances,
    radius_m: Floats,
    *,
    shared: Floats | None = None,
    plane_only: bool = False,
    backend: str | Backend = "auto",
) -> dict[str, np.ndarray[Any, Any]]:
    """Columns of an assessment that follow from states, covariances and radii.

    Parameters
    ----------
    state_1_km, state_2_km : float64, shape (n, 6)
        States of both objects near their closest approach, in one inertial frame [km, km/s].
    covariance_1, covariance_2 : Covariances
        Covariances of both objects.
    radius_m : float64, shape (n,)
        Combined hard-body radii [m].
    shared : float64, shape (n, 2, 6), optional
        Errors that both objects share, see :func:`stmgpu.risk.validity.best_probability`.
    plane_only : bool
        Whether a row for which the two-dimensional method does not hold has no probability.
    backend : str or Backend, optional
        Backend or its name, see :func:`stmgpu.get_backend`.

    Returns
    -------
    dict
        Values by the names of :data:`stmgpu.risk.variables.VARIABLES`, but for the source of the radius, the forecast
        and the triage.
    """
    runner = get_backend(backend) if isinstance(backend, str) else backend
    best = best_probability(
        state_1_km[:, :3],
        state_1_km[:, 3:],
        covariance_1.matrix,
        state_2_km[:, :3],
        state_2_km[:, 3:],
        covariance_2.matrix,
        radius_m,
        shared=shared,
        curved="tests" if plane_only else "refuted",
        slow=not plane_only,
        backend=runner,
    )
    found, flags = best.encounters, best.flags
    plane = (found.miss_major_m, found.miss_minor_m, found.sigma_major_m, found.sigma_minor_m, radius_m)
    largest, scale = maximum_probability(*plane, backend=runner)
    for bit, word in _OF_COVARIANCES.items():
        flags[((covariance_1.flags | covariance_2.flags) & bit) != 0] |= word
    lacks = [lacks_position(c.matrix) for c in (covariance_1, covariance_2)]
    one_lacks, both_lack = lacks[0] != lacks[1], lacks[0] & lacks[1]
    if one_lacks.any():
        largest = largest.copy()
        largest[one_lacks] = frisbee_probability(*(x[one_lacks] for x in plane), backend=runner)
    largest = np.where(both_lack, np.nan, largest)
    known = ~(one_lacks | both_lack)
    taken = (best.method == v.PLANE) | (not plane_only)
    pc = np.where(taken, best.probability, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        in_sigmas = np.hypot(found.miss_major_m / found.sigma_major_m, found.miss_minor_m / found.sigma_minor_m)
    return {
        "pc": pc,
        "pc_method": np.where(taken, best.method, v.NONE).astype(np.int8),
        "pc_flags": flags,
        "pc_lower": np.where((flags & v.BLENDED) != 0, np.nan, pc),
        "pc_upper": pc.copy(),
        "pc_max": largest,
        "pc_max_sigma": np.where(known, scale * found.sigma_minor_m, np.nan),
        "diluted": (known & (scale < 1.0)).astype(np.int8),
        "hard_body_radius": radius_m,
        "covariance_source_1": covariance_1.source,
        "covariance_source_2": covariance_2.source,
        "covariance_age_1": covariance_1.age_days,
        "covariance_age_2": covariance_2.age_days,
        "sigma_major": np.where(known, found.sigma_major_m, np.nan),
        "sigma_minor": np.where(known, found.sigma_minor_m, np.nan),
        "miss_major": np.where(known, found.miss_major_m, np.nan),
        "miss_minor": np.where(known, found.miss_minor_m, np.nan),
        "mahalanobis": np.where(known, in_sigmas, np.nan),
        "approach_angle": np.degrees(found.angle_rad),
        "encounter_duration": np.where(known, best.duration, np.nan),
        "encounter_offset": np.where(known, best.offset, np.nan),
    }


def add_triage(columns: dict[str, np.ndarray[Any, Any]], limits: Lines) -> None:
    """Add the decisions of a triage to the columns of an assessment that they follow from, and why."""
    together = (columns["pc_flags"] & v.NO_SPEED) != 0
    columns["triage"], columns["triage_reason"] = triage(
        columns["pc"],
        columns["pc_max"],
        columns["diluted"] == 1,
        (columns["pc_method"] != v.NONE) & ~together,
        limits,
        together=together,
        upper=columns["pc_upper"],
    )
