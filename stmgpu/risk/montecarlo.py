"""Collision probability by Monte Carlo: samples of both states, moved by two-body motion or along straight lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy

from stmgpu.backend import get_backend
from stmgpu.errors import InputError
from stmgpu.risk import montecarlo_kernels as rows
from stmgpu.risk import montecarlo_reference, sampling
from stmgpu.risk.encounter import check_symmetric, encounter_geometry, shaped
from stmgpu.risk.encounter_kernels import LEVEL
from stmgpu.risk.error_split import changes, without
from stmgpu.validation import whole_number

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from stmgpu.backend import Backend
    from stmgpu.typing import Floats, Ints

MOST_SAMPLES = 10**12
"""Most samples of an event."""

SLOW = 0.2
"""Share of a radian of the orbit from which the spread of an encounter in time makes it a slow one.

Of NASA CARA's 53 messages 12 are slow. Two of them, at 9 and 11 m/s, have all their hits a quarter to half of a period
from TCA; 50,000 samples of the other 41 have the same hits in Coppola's bounds and in the whole period.
"""


@dataclass(frozen=True)
class MonteCarlo:
    """Hits among the samples of n encounters.

    Attributes
    ----------
    hits : int64, shape (n,)
        Samples that came nearer than the radius; 0 where nothing could be sampled.
    samples : int
        Samples of each encounter.
    probability : float64, shape (n,)
        Share of the hits; NaN where nothing could be sampled.
    lower, upper : float64, shape (n,)
        Limits of Clopper and Pearson. Samples that could not be moved count as misses in the lower limit and as hits in
        the upper one.
    confidence : float
        Confidence of the limits.
    unmoved : int64, shape (n,)
        Samples that are no ellipse, or one of an eccentricity above 0.95. They count as misses in `probability`.
    low : int64, shape (n,)
        Samples of which an orbit has its perigee below the Earth's surface; they are moved like all others.
    start_s, stop_s : float64, shape (n,)
        Window in which a hit counts, after the time of the states.
    clipped : float64, shape (n,)
        Smallest eigenvalue of both correlation matrices that was set to zero, in units of the largest one, or 0.
    flags : int64, shape (n,)
        Sum of ``NOT_FINITE``, ``NOT_MOVED``, ``NOT_POSITIVE`` (nothing could be sampled) and ``CLIPPED`` of
        :mod:`stmgpu.risk.sampling`.
    """

    hits: Ints
    samples: int
    probability: Floats
    lower: Floats
    upper: Floats
    confidence: float
    unmoved: Ints
    low: Ints
    start_s: Floats
    stop_s: Floats
    clipped: Floats
    flags: Ints


def monte_carlo(  # noqa: PLR0917  # the fields of two objects, in one order everywhere
    position_1_km: ArrayLike,
    velocity_1_km_s: ArrayLike,
    covariance_1: ArrayLike,
    position_2_km: ArrayLike,
    velocity_2_km_s: ArrayLike,
    covariance_2: ArrayLike,
    radius_m: ArrayLike,
    *,
    samples: int,
    seed: int = 0,
    shared: ArrayLike | None = None,
    start_s: ArrayLike | None = None,
    stop_s: ArrayLike | None = None,
    confidence: float = 0.95,
    backend: str | Backend = "auto",
) -> MonteCarlo:
    """Collision probability of encounters from samples of both states.

    The equinoctial elements of both objects are drawn from normal distributions, whose covariances are those of the
    states to first order, and moved by two-body motion; a sample hits if both come nearer than the radius within the
    window (NASA CARA samples in the same way). An argument of one encounter serves for all.

    Random numbers are functions of the seed, the states of the encounter, and the number of the sample. The same
    encounter therefore has the same hits in whatever batch, order and part, on any backend and with any number of
    threads, and two calls with other radii, covariances or windows share their random numbers.

    Parameters
    ----------
    position_1_km, position_2_km : array_like, shape (n, 3)
        Positions in one inertial frame, near the closest approach.
    velocity_1_km_s, velocity_2_km_s : array_like, shape (n, 3)
        Velocities.
    covariance_1, covariance_2 : array_like, shape (n, 6, 6)
        Covariances of position and inertial velocity, each along the radial, transverse and normal axes of its own
        object [m^2, m^2/s, m^2/s^2]. They may be singular.
    radius_m : array_like, shape (n,)
        Combined hard-body radii; nothing hits one of 0 or less.
    samples : int
        Samples of each encounter.
    seed : int
        Seed from 0 to 2^64 - 1.
    shared : array_like, shape (n, 2, 6), optional
        Changes of both states by one standard deviation of an error that both objects share and both covariances hold,
        each along the object's own axes [m, m/s], see :func:`stmgpu.risk.cross_correlation.shared_errors`. It is one
        more random number of each sample; where a covariance does not hold it, nothing is sampled.
    start_s, stop_s : array_like, shape (n,), optional
        Window after the time of the states. By default Coppola's bounds of the encounter, as
        :func:`encounter_geometry` returns them, widened by half their length on both sides, and cut half of the shorter
        period before and after the time of the states. All of this period where the encounter is slow: where the
        uncertainty of the relative position (8.3 standard deviations) is more than a fifth of the way of relative
        motion in a radian of the orbit, because samples may then meet anywhere.
    confidence : float
        Confidence of the limits.
    backend : str or Backend, optional
        Backend or its name, see :func:`stmgpu.get_backend`.

    Returns
    -------
    MonteCarlo

    Raises
    ------
    InputError
        A shape does not fit, a covariance is not symmetric, the window ends before it starts, or samples, seed or
        confidence are out of range.
    """
    count, seed, runner = _checked(samples, seed, confidence, backend)
    radius = np.atleast_1d(np.asarray(radius_m, np.float64))
    names = ("position_1_km", "velocity_1_km_s", "position_2_km", "velocity_2_km_s")
    vectors = [
        shaped(x, (3,), name)
        for x, name in zip((position_1_km, velocity_1_km_s, position_2_km, velocity_2_km_s), names, strict=True)
    ]
    matrices = [shaped(x, (6, 6), name) for x, name in ((covariance_1, "covariance_1"), (covariance_2, "covariance_2"))]
    for number, matrix in enumerate(matrices, start=1):
        check_symmetric(matrix, f"covariance_{number}")
    given = [None if t is None else np.atleast_1d(np.asarray(t, np.float64)) for t in (start_s, stop_s)]
    common = np.zeros((1, 2, 6)) if shared is None else shaped(shared, (2, 6), "shared")
    n = _number((*vectors, *matrices, radius, common, *(t for t in given if t is not None)))
    r1, v1, r2, v2 = (np.broadcast_to(x, (n, 3)) for x in vectors)
    c1, c2 = (np.broadcast_to(x, (n, 6, 6)) for x in matrices)
    radius, common = np.broadcast_to(radius, (n,)), np.broadcast_to(common, (n, 2, 6))
    common = np.where((common != 0.0).any(axis=2).all(axis=1)[:, np.newaxis, np.newaxis], common, 0.0)
    (own_1, held_1), (own_2, held_2) = without(c1, common[:, 0]), without(c2, common[:, 1])
    one, two = sampling.orbits(r1, v1, own_1), sampling.orbits(r2, v2, own_2)
    flags = one.flags | two.flags | np.where(held_1 & held_2, 0, sampling.NOT_POSITIVE)
    flags |= np.where(np.isnan(radius) | ~np.isfinite(common).all(axis=(1, 2)), sampling.NOT_FINITE, 0)
    start, stop = (np.full(n, np.nan) if t is None else np.broadcast_to(t, (n,)) for t in given)
    if given[0] is None or given[1] is None:
        low, high = _window(r1, v1, c1, r2, v2, c2, radius, runner)
        start, stop = (low if given[0] is None else start), (high if given[1] is None else stop)
    flags = flags | np.where(np.isfinite(start) & np.isfinite(stop), 0, sampling.NOT_FINITE)
    good = np.flatnonzero(sampling.usable(flags))
    _check_window(start[good], stop[good])

    counts = np.zeros((rows.COUNTS, n), np.int64)
    if len(good):
        table = np.zeros((n, rows.COLUMNS))
        tied = good[common[good].any(axis=(1, 2))]
        table[tied, rows.SHARES] = 1.0
        for mean, factor, sense, change, each, fields in (
            (rows.MEAN_1, rows.FACTOR_1, rows.SENSE_1, rows.SHARED_1, one, (r1, v1, common[:, 0])),
            (rows.MEAN_2, rows.FACTOR_2, rows.SENSE_2, rows.SHARED_2, two, (r2, v2, common[:, 1])),
        ):
            table[:, mean : mean + 6] = each.elements
            table[:, factor : factor + 36] = each.factor.reshape(n, 36)
            table[:, sense] = each.sense
            table[tied, change : change + 6] = changes(*(x[tied] for x in fields))
        table[:, rows.RADIUS] = np.maximum(radius, 0.0)
        events = sampling.ids(r1, v1, r2, v2)
        for which, times in sampling.times(one.elements[good], two.elements[good], start[good], stop[good]):
            group = good[which]
            if runner.runs_kernels:
                found = rows.twobody(events[group], table[group], times, samples=count, seed=seed, backend=runner)
            else:
                found = montecarlo_reference.twobody(events[group], table[group], times, samples=count, seed=seed)
            counts[:, group] = found
    clipped = np.minimum(one.clipped, two.clipped)
    return _result(counts, samples=count, confidence=confidence, window=(start, stop), clipped=clipped, flags=flags)


def straight_monte_carlo(
    mean: ArrayLike,
    covariance: ArrayLike,
    radius: ArrayLike,
    start_s: ArrayLike,
    stop_s: ArrayLike,
    *,
    samples: int,
    seed: int = 0,
    confidence: float = 0.95,
    backend: str | Backend = "auto",
) -> MonteCarlo:
    """Collision probability of straight relative motion with uncertain velocity, from samples.

    Parameters
    ----------
    mean : array_like, shape (n, 6)
        Relative position [m] and velocity [m/s] at time 0.
    covariance : array_like, shape (n, 6, 6)
        Their covariance [m^2, m^2/s, m^2/s^2]; it may be singular.
    radius : array_like, shape (n,)
        Combined hard-body radii [m].
    start_s, stop_s : array_like, shape (n,)
        Window in which a hit counts.
    samples, seed, confidence, backend
        As for `monte_carlo`.

    Returns
    -------
    MonteCarlo
        `unmoved` and `low` are 0.

    Raises
    ------
    InputError
        As `monte_carlo` does.
    """
    count, seed, runner = _checked(samples, seed, confidence, backend)
    state = shaped(mean, (6,), "mean")
    matrix = shaped(covariance, (6, 6), "covariance")
    check_symmetric(matrix, "covariance")
    others = [np.atleast_1d(np.asarray(x, np.float64)) for x in (radius, start_s, stop_s)]
    n = _number((state, matrix, *others))
    size, start, stop = (np.broadcast_to(x, (n,)) for x in others)
    state, matrix = np.broadcast_to(state, (n, 6)), np.broadcast_to(matrix, (n, 6, 6))
    found = sampling.factors(matrix)
    finite = np.isfinite(state).all(axis=1) & np.isfinite(start) & np.isfinite(stop) & ~np.isnan(size)
    flags = found.flags | np.where(finite, 0, sampling.NOT_FINITE)
    good = np.flatnonzero(sampling.usable(flags))
    _check_window(start[good], stop[good])
    counts = np.zeros((rows.COUNTS, n), np.int64)
    if len(good):
        table = np.hstack([state, found.matrix.reshape(n, 36), np.stack([np.maximum(size, 0.0), start, stop], axis=1)])
        events, table = sampling.ids(state)[good], np.ascontiguousarray(table[good])
        if runner.runs_kernels:
            counts[:1, good] = rows.straight(events, table, samples=count, seed=seed, backend=runner)
        else:
            counts[:1, good] = montecarlo_reference.straight(events, table, samples=count, seed=seed)
    return _result(
        counts, samples=count, confidence=confidence, window=(start, stop), clipped=found.clipped, flags=flags
    )


def binomial_limits(hits: ArrayLike, samples: ArrayLike, confidence: float = 0.95) -> tuple[Floats, Floats]:
    """Limits of a probability of which `hits` of `samples` trials were seen.

    C. Clopper and E. Pearson, "The use of confidence or fiducial limits illustrated in the case of the binomial",
    Biometrika 26 (1934) 404: at least `confidence` of all such intervals contain the probability.

    Examples
    --------
    >>> lower, upper = binomial_limits(0, 100)
    >>> float(lower), round(float(upper), 6)
    (0.0, 0.036217)
    """
    k, n = np.asarray(hits, np.float64), np.asarray(samples, np.float64)
    tail = 0.5 * (1.0 - confidence)
    lower = np.where(k > 0.0, scipy.stats.beta.ppf(tail, np.maximum(k, 1.0), n - k + 1.0), 0.0)
    upper = np.where(k < n, scipy.stats.beta.ppf(1.0 - tail, k + 1.0, np.maximum(n - k, 1.0)), 1.0)
    return lower, upper


def _window(  # noqa: PLR0917  # the fields of two objects
    r1: Floats, v1: Floats, c1: Floats, r2: Floats, v2: Floats, c2: Floats, radius: Floats, backend: Backend
) -> tuple[Floats, Floats]:
    """Coppola's bounds, widened, within half a period; all of it where an encounter is slow or has no bounds."""
    found = encounter_geometry(r1, v1, c1[:, :3, :3], r2, v2, c2[:, :3, :3], radius, backend=backend)
    half = 0.5 * found.period_s
    start, stop = found.shift_s + found.start_s, found.shift_s + found.stop_s
    more = 0.5 * (stop - start)
    variance = sum(np.einsum("nii->n", c[:, :3, :3]) for c in (c1, c2))
    spread = np.sqrt(2.0 * np.maximum(variance, 0.0)) * LEVEL  # in about 8 sigmas
    known = np.isfinite(start) & np.isfinite(stop) & (spread < SLOW * found.speed_m_s * half / np.pi)
    start = np.where(known, np.clip(start - more, -half, half), -half)
    stop = np.where(known, np.clip(stop + more, -half, half), half)
    return start, stop


def _checked(samples: int, seed: int, confidence: float, backend: str | Backend) -> tuple[int, int, Backend]:
    count, number = whole_number("samples", samples, 1), whole_number("seed", seed, 0)
    if count > MOST_SAMPLES:
        raise InputError(f"samples is {count}, allowed are at most {MOST_SAMPLES}")
    if number >= 2**64:
        raise InputError(f"seed must be a whole number from 0 to 2^64 - 1, got {seed}")
    if not 0.0 < confidence < 1.0:
        raise InputError(f"confidence is {confidence}, allowed are numbers between 0 and 1")
    return count, number, get_backend(backend) if isinstance(backend, str) else backend


def _number(arrays: tuple[Floats, ...]) -> int:
    lengths = {len(x) for x in arrays if len(x) != 1}
    if len(lengths) > 1 or any(x.ndim == 0 for x in arrays):
        raise InputError(f"all arguments must be of one number of encounters, got {sorted(lengths)}")
    return lengths.pop() if lengths else 1


def _check_window(start: Floats, stop: Floats) -> None:
    wrong = np.flatnonzero(start > stop)
    if len(wrong):
        k = wrong[0]
        raise InputError(f"a window starts at {start[k]:g} s and stops at {stop[k]:g} s; give start_s <= stop_s")


def _result(
    counts: Ints, *, samples: int, confidence: float, window: tuple[Floats, Floats], clipped: Floats, flags: Ints
) -> MonteCarlo:
    hits, unmoved = counts[rows.HITS], counts[rows.UNMOVED]
    good = sampling.usable(flags)
    lower, _ = binomial_limits(hits, samples, confidence)
    _, upper = binomial_limits(hits + unmoved, samples, confidence)
    probability, lower, upper = (np.where(good, x, np.nan) for x in (hits / samples, lower, upper))
    return MonteCarlo(
        hits=hits,
        samples=samples,
        probability=probability,
        lower=lower,
        upper=upper,
        confidence=confidence,
        unmoved=unmoved,
        low=counts[rows.LOW],
        start_s=window[0],
        stop_s=window[1],
        clipped=clipped,
        flags=flags,
    )
