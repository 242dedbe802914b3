"""Ballistic coefficients fitted from what objects sank, with shrinkage to the type of the object.

The coefficient B of an object is multiplied by exp(d). d makes what the model sinks between the dates of the object, in
sum, what it really sank; sums weigh years of high activity, in which most of the sinking happens. Measured values are
uncertain by the scatter of semi-major axes. Empirical Bayes in ln B (normal, two levels; Efron and Morris 1975,
doi:10.1080/01621459.1975.10479864; variances between objects and types by Paule and Mandel 1982,
doi:10.6028/jres.087.022)::

    measured d ~ N(d of the object, v),  d of the object ~ N(mean of its type, tau^2)
    mean of the type ~ N(mean of its class, omega^2)

An object gets the mean of its posterior; one without a usable history that of its type, or of its class. Objects whose
mass or size was filled in form one type of their class; fragments without a history keep what was drawn for them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.debris.population.population import Kind
from stmgpu.debris.population.sinking import modelled_sinking
from stmgpu.errors import InputError, counted

if TYPE_CHECKING:
    from stmgpu.debris.environment import Environment
    from stmgpu.debris.population.sinking import Sinking
    from stmgpu.typing import Bools, Floats, Ints

NOISE_KM = 0.1
"""Standard deviation of a semi-major axis where too few objects without drag are there to measure it [km]."""

JUMP = 4.0
"""Factor between the sinking of an object and the model with its own coefficient beyond which its history jumps: a
manoeuvre, or another object. Errors of the density over years are below 2."""

FARTHEST = 5.0
"""Standard deviations from the middle of its class beyond which a measured ln B is rejected."""

_SIGMAS = 5.0  # sinking, and jumps, are measured where they exceed so many standard deviations
_CALM_KM = 0.02  # pairs that the model sinks less show the noise
_ENOUGH_CALM, _ENOUGH_OF_CLASS = 50, 5
_ROUNDS, _LARGEST_CHANGE, _CONVERGED = 20, 1.5, 1e-3
_MOST_JUMPS = 0.5  # share of objects above which the histories are refused
_MAD = 1.4826  # standard deviation of a normal distribution over its median absolute deviation


@dataclass(frozen=True)
class Measured:
    """What the histories say of n objects.

    Attributes
    ----------
    log_factor, variance : ndarray of float64
        ln(B / B of the table), and the variance of its error [n]; 0 and infinity where nothing is measured.
    jumps : ndarray of bool
        bool [n], objects whose histories were rejected.
    noise_km : float
        Standard deviation of a semi-major axis.
    """

    log_factor: Floats
    variance: Floats
    jumps: Bools
    noise_km: float


def measure(
    pairs: Sinking,
    row: Ints,
    ballistic_m2_kg: Floats,
    air: Environment,
    *,
    decay_km: float,
    rotating: bool,
) -> Measured:
    """Fit ln B of objects to the sums of their sinking.

    Parameters
    ----------
    pairs : Sinking
        Pairs of dates.
    row : ndarray of int64
        Object of each pair [p].
    ballistic_m2_kg : ndarray of float64
        C_d A/m of the table [n].
    air : Environment
        Density of the dates.
    decay_km, rotating : float and bool
        As for :class:`stmgpu.propagate.secular.Secular`.
    """
    n = len(ballistic_m2_kg)
    log_factor = np.zeros(n)

    def model(which: Bools) -> Floats:
        b = ballistic_m2_kg[row[which]] * np.exp(log_factor[row[which]])
        return modelled_sinking(pairs[which], b, air, decay_km=decay_km, rotating=rotating)

    sank = np.bincount(row, pairs.sank_km, n)
    lower = model(np.ones(len(pairs), np.bool_))
    calm = np.abs(lower) < _CALM_KM
    noise = _spread(pairs.sank_km[calm]) / np.sqrt(2.0) if calm.sum() >= _ENOUGH_CALM else NOISE_KM
    noise = max(noise, 1e-6)
    # ends of successive pairs of one object are one measurement: they cancel in the sum
    broken = np.ones(len(pairs), np.bool_)
    broken[1:] = (row[1:] != row[:-1]) | (pairs.begin[1:] != pairs.end[:-1])
    error = noise * np.sqrt(2.0 * np.bincount(row, broken, n))
    measurable = (error > 0.0) & (sank > _SIGMAS * error)
    search = _Search(n)
    for _ in range(_ROUNDS):
        total = np.bincount(row, lower, n)
        fit = measurable & (total > 0.0)
        lacks = np.zeros(n)
        lacks[fit] = np.log(sank[fit] / total[fit])
        moving = np.abs(lacks) > _CONVERGED
        if not moving.any():
            break
        log_factor[:] = np.where(moving, search.next(log_factor, lacks), log_factor)
        lower[moving[row]] = model(moving[row])
    slack = _SIGMAS * np.sqrt(2.0) * noise
    strange = (pairs.sank_km > JUMP * lower + slack) | (pairs.sank_km < lower / JUMP - slack)
    # without a coefficient of its own an object may sink by any factor; rising it may not
    strange = np.where(measurable[row], strange, pairs.sank_km < -slack)
    jumps = np.bincount(row, strange, n) > 0
    good = fit & ~moving & ~jumps
    return Measured(
        np.where(good, log_factor, 0.0),
        np.where(good, (error / np.where(good, sank, 1.0)) ** 2, np.inf),
        jumps,
        float(noise),
    )


class _Search:
    """Zeros of n falling functions, each by secants that stay between the values known to be too small and too large.

    The sinking grows faster than B where an orbit is about to decay, so that steps by ratios alone would swing.
    """

    def __init__(self, n: int) -> None:
        self.low, self.high = np.full(n, -np.inf), np.full(n, np.inf)
        self.before, self.value = np.full(n, np.nan), np.full(n, np.nan)

    def next(self, x: Floats, value: Floats) -> Floats:
        """Better places than x [n], at which the functions have these values."""
        self.low = np.where(value > 0.0, x, self.low)
        self.high = np.where(value < 0.0, x, self.high)
        with np.errstate(invalid="ignore", divide="ignore"):
            slope = (self.value - value) / (x - self.before)
            slope = np.where(slope > 1.0, slope, 1.0)  # sinking is at least proportional to B
            place = x + np.clip(value / slope, -_LARGEST_CHANGE, _LARGEST_CHANGE)
            middle = 0.5 * (self.low + self.high)
        self.before, self.value = x.copy(), value
        result: Floats = np.where((place > self.low) & (place < self.high), place, middle)
        return result


def shrink(measured: Measured, kind: Ints, type_: Ints) -> tuple[Floats, Bools]:
    """Posterior means of ln(B / B of the table).

    Parameters
    ----------
    measured : Measured
        Of n objects.
    kind : ndarray of int8
        Class of each object [n].
    type_ : ndarray of int64
        Its type [n]; types do not cross classes.

    Returns
    -------
    log_factor : ndarray of float64
        [n]
    outlying : ndarray of bool
        bool [n], measured values that were rejected, being far from those of their class.
    """
    result = np.zeros(len(kind))
    outlying = np.zeros(len(kind), np.bool_)
    for k in np.unique(kind):
        members = np.flatnonzero(kind == k)
        used = members[np.isfinite(measured.variance[members])]
        if len(used) < _ENOUGH_OF_CLASS:
            result[used] = measured.log_factor[used]
            continue
        d, v = measured.log_factor[used], measured.variance[used]
        far = np.abs(d - np.median(d)) > FARTHEST * np.sqrt(_spread(d) ** 2 + v)
        outlying[used[far]] = True
        used, d, v = used[~far], d[~far], v[~far]
        result[members] = _posterior(d, v, type_[used], type_[members], np.searchsorted(members, used))
        if k > Kind.MISSION_RELATED:
            unseen = np.setdiff1d(members, used)
            result[unseen] = 0.0
    return result, outlying


def _posterior(d: Floats, v: Floats, types: Ints, types_of_all: Ints, place: Ints) -> Floats:
    """Posterior means of all objects of a class; ``place`` says which of them were measured."""
    names, group = np.unique(types, return_inverse=True)
    tau2 = _variance_between(d, v, group)
    precision = np.bincount(group, 1.0 / (tau2 + v))
    mean = np.bincount(group, d / (tau2 + v)) / precision
    omega2 = _variance_between(mean, 1.0 / precision, np.zeros(len(names), np.int64))
    level = 1.0 / (omega2 + 1.0 / precision)
    of_class = (level * mean).sum() / level.sum()
    # both forms of the posterior also hold for a variance of zero
    of_type = (omega2 * precision * mean + of_class) / (omega2 * precision + 1.0)
    position = np.minimum(np.searchsorted(names, types_of_all), len(names) - 1)
    result: Floats = np.where(names[position] == types_of_all, of_type[position], of_class)
    result[place] = (tau2 * d + v * of_type[group]) / (tau2 + v)
    return result


def _variance_between(d: Floats, v: Floats, group: Ints) -> float:
    """Variance among the true values of a group, given measured values and their variances.

    That for which the weighted squares of residuals from the means of the groups have their expected sum.
    """
    freedom = len(d) - (int(group.max()) + 1)
    if freedom < 1:
        return 0.0

    def excess(between: float) -> float:
        weight = 1.0 / (between + v)
        mean = np.bincount(group, weight * d) / np.bincount(group, weight)
        return float((weight * (d - mean[group]) ** 2).sum()) - freedom

    low, high = 0.0, float(d.var()) + 1e-12
    if excess(low) <= 0.0:
        return 0.0
    while excess(high) > 0.0:
        high *= 2.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if excess(middle) > 0.0 else (low, middle)
    return high


def types_of(kind: Ints, mass_kg: Floats, radius_m: Floats, stated: Bools) -> Ints:
    """Number of the type of each object: same class, mass to 1 kg and radius to 1 cm; what is filled in is one type.

    Examples
    --------
    >>> types_of(np.array([2, 2, 2]), np.array([1388.0, 1388.3, 1427.0]), np.ones(3), np.ones(3, bool)).tolist()
    [0, 0, 1]
    """
    key = np.stack([kind, np.where(stated, np.rint(mass_kg), -1.0), np.where(stated, np.rint(radius_m * 100.0), -1.0)])
    _, number = np.unique(key, axis=1, return_inverse=True)
    return np.asarray(number).ravel()


def refuse_jumping(measured: Measured, source: str, histories: str) -> None:
    """Raise :class:`InputError` if most histories jump."""
    seen = np.isfinite(measured.variance) | measured.jumps
    if measured.jumps.sum() > _MOST_JUMPS * seen.sum():
        raise InputError(
            f"the histories {histories} do not fit {source}: {counted(int(measured.jumps.sum()), 'object', ',')} of "
            f"{int(seen.sum()):,} jump between dates; use files of one source, with the same kind of mean elements"
        )


def _spread(values: Floats) -> float:
    """Robust standard deviation."""
    return float(_MAD * np.median(np.abs(values - np.median(values)))) if len(values) else 0.0
