"""Which collision probability may be believed: the tests of the methods, and the first method that passes its own.

The two-dimensional method takes an encounter for short and its motion for straight; the method 2D-Nc for orbits of two
bodies takes it for single and short against a period; 3D-Nc counts entries, whatever the encounter lasts. The tests and
their limits are those of NASA's CARA (D. Hall, L. Baars and S. Casali, AAS 23-398, 2023, and the defaults of its
PcMultiStep).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from stmgpu.backend import get_backend
from stmgpu.risk import encounter_kernels
from stmgpu.risk import variables as v
from stmgpu.risk.cross_correlation import common_covariance
from stmgpu.risk.curvature import LARGEST, curvature
from stmgpu.risk.curved import curved_probability, curved_tests
from stmgpu.risk.encounter import encounter_geometry
from stmgpu.risk.nc3d import BLENDED, NOT_CONVERGED, STAYS, encounter_entries
from stmgpu.risk.pc import plane_probability
from stmgpu.risk.rotations import local_axes, turned
from stmgpu.risk.shared_error import SharedErrors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from stmgpu.backend import Backend
    from stmgpu.choices import CurvedRows
    from stmgpu.risk.encounter import Encounters
    from stmgpu.typing import Bools, Floats, Ints

LONGEST = 0.02
"""Largest duration of an encounter, in shorter periods, for the two-dimensional method."""

FARTHEST = 0.01
"""Largest offset of its middle from the closest approach, in shorter periods, for the two-dimensional method."""

INACCURATE = 0.02
"""Largest inaccuracy of the two-dimensional method."""

CURVED_LONGEST, CURVED_FARTHEST = 0.05, 0.1
"""Largest duration, and largest distance of an end from the time of the states, in shorter periods, for 2D-Nc."""

REFUTED = (
    v.NOT_POSITIVE | v.NO_SPEED | v.EXTENDED | v.OFFSET | v.SHIFTED | v.CURVED | v.MISSING | v.INDEFINITE | v.NO_OVERLAP
)
"""Flags with which the two-dimensional method does not hold."""

LEAST_SPEED = 3.0
"""Least relative speed, in standard deviations of the relative velocity, for 2D-Nc (a choice of ours).

Below it the objects may meet anywhere, and not once: in S. Alfano's cases 1 and 2 (AAS 09-233), at 1.6 sigmas, 2D-Nc
finds two thirds and two fifths of the collisions, and no test of CARA's speaks against it. CARA's messages to which it
applies have 4 sigmas or more.
"""

CURVED_REFUTED = v.CURVED_EXTENDED | v.CURVED_OFFSET | v.NO_OVERLAP | v.MISSING | v.UNSTEADY
"""Flags with which 2D-Nc does not hold."""

_OF_ENCOUNTERS = {
    encounter_kernels.CLIPPED: v.CLIPPED,
    encounter_kernels.NOT_POSITIVE: v.NOT_POSITIVE,
    encounter_kernels.NO_SPEED: v.NO_SPEED,
    encounter_kernels.NO_MISS: v.NO_MISS,
}
_ROUNDING = 1e-9
"""Determinant of correlations below zero by which a covariance may be off by rounding."""


@dataclass(frozen=True)
class BestProbability:
    """Collision probabilities of n encounters by the method that may be believed, and the numbers behind each flag.

    Attributes
    ----------
    probability : float64, shape (n,)
        The believed one; NaN where no method holds.
    method : int8, shape (n,)
        Its method, see :data:`stmgpu.risk.variables.METHODS`.
    flags : int32, shape (n,)
        Sum of bits of :data:`stmgpu.risk.variables.FLAGS`.
    plane_probability, curved_probability : float64, shape (n,)
        By the two-dimensional method and by 2D-Nc, whatever holds; NaN where they cannot be computed or, 2D-Nc, was not
        asked for.
    entries_probability : float64, shape (n,)
        By 3D-Nc where neither of both holds; NaN elsewhere, and where it was not asked for.
    encounters : Encounters
        Geometry of straight motion.
    duration, offset, shift : float64, shape (n,)
        Of straight motion: Coppola's duration, distance of its middle and of the states from the closest approach, in
        units of the shorter orbital period.
    inaccuracy : float64, shape (n,)
        1 - exp(-|ln f|), f the ratio of the curved and the straight probability of a vanishing radius. Where
        covariances lack velocities, f is a first estimate from the positions (:mod:`stmgpu.risk.curvature`).
    curved_duration, curved_offset : float64, shape (n,)
        Of 2D-Nc: duration at the level of Coppola's bounds, and the larger distance of an end from the states, in the
        same units. Where 2D-Nc is not computed, those of its expansion about the centre of the disc.
    """

    probability: Floats
    method: npt.NDArray[np.int8]
    flags: npt.NDArray[np.int32]
    plane_probability: Floats
    curved_probability: Floats
    entries_probability: Floats
    encounters: Encounters
    duration: Floats
    offset: Floats
    shift: Floats
    inaccuracy: Floats
    curved_duration: Floats
    curved_offset: Floats


def best_probability(  # noqa: PLR0917  # the fields of two objects, in one order everywhere
    position_1_km: Floats,
    velocity_1_km_s: Floats,
    covariance_1: Floats,
    position_2_km: Floats,
    velocity_2_km_s: Floats,
    covariance_2: Floats,
    radius_m: Floats,
    *,
    shared: Floats | None = None,
    curved: CurvedRows = "all",
    slow: bool = True,
    backend: str | Backend = "auto",
) -> BestProbability:
    """Collision probability by the first method that holds: in the plane, then 2D-Nc, then 3D-Nc.

    Parameters
    ----------
    position_1_km, velocity_1_km_s, position_2_km, velocity_2_km_s : float64, shape (n, 3)
        States near the closest approach, in one inertial frame about the Earth.
    covariance_1, covariance_2 : float64, shape (n, 6, 6) or (n, 3, 3)
        Covariances in each object's own radial, transverse and normal axes [m, m/s]. Where velocities are missing, not
        a number or without variance, curved methods cannot be applied, and a flag says so; where numbers of the
        position are missing, nothing can.
    radius_m : float64, shape (n,)
        Combined hard-body radii.
    shared : float64, shape (n, 2, 6), optional
        Changes of both states by one standard deviation of an error that both objects share and both covariances hold,
        see :func:`stmgpu.risk.cross_correlation.shared_errors`. Curved methods go without it where a covariance lacks
        velocities or does not hold it, and a flag says so.
    curved : {'all', 'refuted', 'tests', 'none'}, optional
        Encounters of which 2D-Nc is computed: all; those for which the two-dimensional method does not hold; or none
        of them. Whether it holds is tested by the expansion of 2D-Nc about the centre of the disc in any case but
        'none', in which curvature is estimated from the positions alone. Where objects share an error, 2D-Nc is the
        test, and computed in any case but 'none'.
    slow : bool, optional
        Whether 3D-Nc is computed where neither of the others holds: milliseconds to seconds for each encounter.
    backend : str or Backend, optional
        Backend or its name, see :func:`stmgpu.get_backend`.

    Returns
    -------
    BestProbability

    Raises
    ------
    InputError
        A shape does not fit, or a covariance is not symmetric.
    """
    runner = get_backend(backend) if isinstance(backend, str) else backend
    states = position_1_km, velocity_1_km_s, position_2_km, velocity_2_km_s
    common = None if shared is None or not shared.any() else _common(states, shared)
    given = _Given(states, (covariance_1, covariance_2), radius_m, common, runner)
    straight = _straight(given)
    flags = straight.flags
    complete = _has_velocities(covariance_1) & _has_velocities(covariance_2)
    flags[~complete & ((flags & v.MISSING) == 0)] |= v.NO_VELOCITIES
    tested = complete & (curved != "none") & ((flags & v.NO_SPEED) == 0)
    ties = _ties(given, shared, tested)
    bent = _bent(given, ties, tested, curved, flags)
    curved_duration, curved_offset = _curved_bounds(bent, straight.encounters.period_s, flags)
    flags[_unsteady(given, tested & ((flags & REFUTED) != 0))] |= v.UNSTEADY
    probability, method = _believed(straight.probability, bent["probability"], flags)
    counted = complete & (curved != "none") & (method == v.NONE) & slow  # no relative velocity is needed
    entries = _entries(given, ties, counted, flags)
    holds = np.isfinite(entries)
    probability, method = np.where(holds, entries, probability), np.where(holds, v.ENTRIES, method).astype(np.int8)
    if common is not None:
        shares = complete & common.any(axis=(1, 2))
        flags[shares & ~ties.held & (method != v.PLANE) & (method != v.NONE)] |= v.UNCORRELATED
    return BestProbability(
        probability,
        method,
        flags,
        straight.probability,
        bent["probability"],
        entries,
        straight.encounters,
        straight.duration,
        straight.offset,
        straight.shift,
        bent["inaccuracy"],
        curved_duration,
        curved_offset,
    )


@dataclass(frozen=True)
class _Given:
    """Both objects of n encounters, and what their covariances share [n, 6, 6], if anything."""

    states: tuple[Floats, Floats, Floats, Floats]
    covariances: tuple[Floats, Floats]
    radius_m: Floats
    common: Floats | None
    backend: Backend

    def of(self, rows: Ints | Bools) -> list[Floats]:
        """Arguments of the methods for some encounters, in their order; numbers of rows ascend."""
        r1, v1, r2, v2 = self.states
        fields = [r1, v1, self.covariances[0], r2, v2, self.covariances[1], self.radius_m]
        everyone = rows.all() if rows.dtype == bool else len(rows) == len(r1)  # covariances are large
        return fields if everyone else [x[rows] for x in fields]

    def own_positions(self) -> list[Floats]:
        """Covariances of the positions of both objects [n, 3, 3], zero where numbers are missing."""
        return [np.where(lacks_position(c)[:, np.newaxis, np.newaxis], 0.0, c[:, :3, :3]) for c in self.covariances]

    def positions(self) -> list[Floats]:
        """As `own_positions`, the first without what both share: their sum is that of the relative position."""
        one, two = self.own_positions()
        return [one if self.common is None else one - self.common[:, :3, :3], two]


@dataclass(frozen=True)
class _Straight:
    """Encounters of straight motion: geometry, probability, bounds in shorter periods, and flags."""

    encounters: Encounters
    probability: Floats
    duration: Floats
    offset: Floats
    shift: Floats
    flags: npt.NDArray[np.int32]


@dataclass(frozen=True)
class _Ties:
    """Encounters of which both objects share an error that curved methods may take.

    `tied` are those, `held` those of them whose covariances hold it; `errors` has the tied ones alone.
    """

    tied: Bools
    held: Bools
    errors: SharedErrors | None


def _straight(given: _Given) -> _Straight:
    """The two-dimensional method, and the flags of its tests that need no curved motion."""
    r1, v1, r2, v2 = given.states
    (one, two), radius, backend = given.positions(), given.radius_m, given.backend
    found = encounter_geometry(r1, v1, one, r2, v2, two, radius, backend=backend)
    plane = plane_probability(
        found.miss_major_m, found.miss_minor_m, found.sigma_major_m, found.sigma_minor_m, radius, backend=backend
    )
    duration = (found.stop_s - found.start_s) / found.period_s
    offset, shift = np.abs(found.stop_s + found.start_s) / 2.0 / found.period_s, np.abs(found.shift_s) / found.period_s
    flags = np.zeros(len(plane), np.int32)
    for bit, word in _OF_ENCOUNTERS.items():
        flags[(found.flags & bit) != 0] |= word
    for covariance, position in zip(given.covariances, given.own_positions(), strict=True):
        flags[lacks_position(covariance)] |= v.MISSING
        flags[_indefinite(position)] |= v.INDEFINITE
    for values, largest, word in (
        (duration, LONGEST, v.EXTENDED), (offset, FARTHEST, v.OFFSET), (shift, FARTHEST, v.SHIFTED)
    ):  # fmt: skip
        flags[values > largest] |= word
    return _Straight(found, plane, duration, offset, shift, flags)


def _ties(given: _Given, shared: Floats | None, tested: Bools) -> _Ties:
    """Shared errors of the encounters that are tested."""
    tied, held = np.zeros(len(tested), bool), np.zeros(len(tested), bool)
    if shared is None or given.common is None:
        return _Ties(tied, held, None)
    tied[tested] = given.common[tested].any(axis=(1, 2))
    if not tied.any():
        return _Ties(tied, held, None)
    errors = SharedErrors(given.of(tied), shared[tied], given.backend)
    held[tied] = errors.held
    return _Ties(tied, held, errors)


def _bent(
    given: _Given, ties: _Ties, tested: Bools, curved: CurvedRows, flags: npt.NDArray[np.int32]
) -> dict[str, Floats]:
    """2D-Nc or its tests, by the names of :class:`CurvedEncounters`, and 'inaccuracy'; flags of both are added."""
    names = ("probability", "time_s", "width_s", "correction")
    bent = {name: np.full(len(tested), np.nan) for name in names}

    def add(rows: Ints, values: Mapping[str, Floats]) -> None:
        for name in bent.keys() & values.keys():
            bent[name][rows] = values[name]

    rows = np.flatnonzero(tested)
    if len(rows):
        fields, whole = given.of(rows), curved == "all"
        add(rows, _whole(fields, given.backend) if whole else curved_tests(fields, given.backend))
    if ties.errors is not None:
        add(np.flatnonzero(ties.held), {name: x[ties.errors.held] for name, x in ties.errors.curved().items()})
    inaccuracy = _inaccuracy(given, tested, bent["correction"], flags)
    known = np.where(ties.held | (curved == "all"), bent["probability"], bent["correction"])
    flags[tested & np.isnan(known)] |= v.NO_OVERLAP
    refuted = tested & ~ties.held & ((flags & REFUTED) != 0)
    if curved == "refuted" and refuted.any():
        rows = np.flatnonzero(refuted)
        add(rows, _whole(given.of(rows), given.backend))
        flags[refuted & np.isnan(bent["probability"])] |= v.NO_OVERLAP
    return bent | {"inaccuracy": inaccuracy}


def _whole(fields: Sequence[Floats], backend: Backend) -> dict[str, Floats]:
    """2D-Nc by the names of :class:`CurvedEncounters`."""
    return vars(curved_probability(*fields, backend=backend))


def _inaccuracy(given: _Given, tested: Bools, correction: Floats, flags: npt.NDArray[np.int32]) -> Floats:
    """Inaccuracy of straight motion, estimated from the positions where it is not tested; its flag is added."""
    with np.errstate(invalid="ignore"):
        inaccuracy: Floats = -np.expm1(-np.abs(correction))
        flags[inaccuracy > INACCURATE] |= v.CURVED
    guessed = ~tested
    if guessed.any():
        r1, v1, r2, v2 = given.states
        one, two = given.positions()
        estimate = curvature(*(x[guessed] for x in (r1, v1, one, r2, v2, two)))
        inaccuracy[guessed] = -np.expm1(-np.abs(estimate))
        flags[guessed] |= np.where(estimate > LARGEST, v.CURVED, 0).astype(np.int32)
    return inaccuracy


def _curved_bounds(bent: Mapping[str, Floats], period_s: Floats, flags: npt.NDArray[np.int32]) -> tuple[Floats, Floats]:
    """Duration and farther end of curved encounters in shorter periods; their flags are added."""
    half = np.sqrt(2.0) * encounter_kernels.LEVEL * bent["width_s"]
    duration, offset = 2.0 * half / period_s, (np.abs(bent["time_s"]) + half) / period_s
    with np.errstate(invalid="ignore"):
        flags[duration > CURVED_LONGEST] |= v.CURVED_EXTENDED
        flags[offset > CURVED_FARTHEST] |= v.CURVED_OFFSET
    return duration, offset


def _believed(plane: Floats, curved: Floats, flags: npt.NDArray[np.int32]) -> tuple[Floats, npt.NDArray[np.int8]]:
    """The first of the two-dimensional method and 2D-Nc that holds, and which."""
    straight = ((flags & REFUTED) == 0) & np.isfinite(plane)
    curves = ~straight & ((flags & CURVED_REFUTED) == 0) & np.isfinite(curved)
    method = np.where(straight, v.PLANE, np.where(curves, v.CURVED_PLANE, v.NONE)).astype(np.int8)
    return np.where(straight, plane, np.where(curves, curved, np.nan)), method


def _entries(given: _Given, ties: _Ties, counted: Bools, flags: npt.NDArray[np.int32]) -> Floats:
    """3D-Nc of some encounters, NaN elsewhere and where it has not converged; its flags are added."""
    entries = np.full(len(counted), np.nan)
    if not counted.any():
        return entries
    alone, with_others = np.flatnonzero(counted & ~ties.held), np.flatnonzero(counted & ties.held)
    found = encounter_entries(*given.of(alone), backend=given.backend)
    entered = [(alone, found.probability, found.flags)]
    if ties.errors is not None:
        place = np.cumsum(ties.tied) - 1
        entered.append((with_others, *ties.errors.entries(place[with_others])))
    for rows, expected, bits in entered:
        entries[rows] = np.where(bits & NOT_CONVERGED, np.nan, expected)
        for bit, word in ((BLENDED, v.BLENDED), (STAYS, v.STAYS)):
            flags[rows[(bits & bit) != 0]] |= word
    return entries


def _common(states: tuple[Floats, Floats, Floats, Floats], shared: Floats) -> Floats:
    """What both covariances share [n, 6, 6]; zeros where one of both errors is zero."""
    return common_covariance(np.hstack(states[:2]), np.hstack(states[2:]), shared[:, 0], shared[:, 1])


def _unsteady(given: _Given, rows: Bools) -> Bools:
    """Where the relative speed is below `LEAST_SPEED` standard deviations of the relative velocity, among some rows."""
    found, some = np.zeros(len(rows), bool), np.flatnonzero(rows)
    if len(some):
        r1, v1, r2, v2 = (1e3 * x[some] for x in given.states)
        joint = sum(
            turned(local_axes("RTN", np.hstack([r, velocity])), covariance[some][:, :6, :6])[:, 3:, 3:]
            for r, velocity, covariance in ((r1, v1, given.covariances[0]), (r2, v2, given.covariances[1]))
        )
        if given.common is not None:
            joint = joint - turned(local_axes("RTN", np.hstack([r1, v1])), given.common[some])[:, 3:, 3:]
        found[some] = np.linalg.norm(v1 - v2, axis=1) < LEAST_SPEED * np.sqrt(np.linalg.eigvalsh(joint)[:, -1])
    return found


def lacks_position(covariance: Floats) -> Bools:
    """Where covariances [n, k, k] have no number for the position."""
    lacks: Bools = np.asarray(np.isnan(covariance[:, :3, :3]).any(axis=(1, 2)))
    return lacks


def _has_velocities(covariance: Floats) -> Bools:
    if covariance.shape[1] < 6:
        return np.zeros(len(covariance), bool)
    variances = np.einsum("nii->ni", covariance[:, 3:6, 3:6])
    complete: Bools = np.asarray(np.isfinite(covariance).all(axis=(1, 2)) & (variances > 0.0).all(axis=1))
    return complete


def _indefinite(covariance: Floats) -> Bools:
    """Where covariances of position have a negative eigenvalue: by the minors of their correlations (Sylvester)."""
    variance = np.einsum("nii->ni", covariance)
    with np.errstate(all="ignore"):
        sigma = np.sqrt(np.where(variance > 0.0, variance, 1.0))
        x, y, z = (covariance[:, i, j] / (sigma[:, i] * sigma[:, j]) for i, j in ((1, 0), (2, 0), (2, 1)))
        whole = 1.0 + 2.0 * x * y * z - x * x - y * y - z * z
    least: Any = np.minimum(whole, 1.0 - np.maximum(np.maximum(x * x, y * y), z * z))
    indefinite: Bools = np.asarray((variance < 0.0).any(axis=1) | ((variance > 0.0).all(axis=1) & (least < -_ROUNDING)))
    return indefinite
