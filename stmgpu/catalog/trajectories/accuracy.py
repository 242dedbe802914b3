"""Bounds of the interpolation error of trajectories, from every sample.

Two bounds are taken, and the smaller one counts. One uses positions alone (`polynomial_errors`), so it suits states of
SGP4, whose velocities are not the derivatives of their positions. The other uses velocities and gravity
(`dynamic_errors`); two states are enough for it. Both add what the polynomial leaves out to the errors of the recorded
states, as far as these contradict each other, times the sum of the weights with which they enter.

What no record contradicts cannot be seen: a burn between two samples and back again, an error that all samples share, a
drift as slow as that of another orbit. docs/design/trajectories-accuracy.md has the figures of random draws.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.catalog.trajectories.dynamic_errors import dynamic_errors, point_mass_errors
from stmgpu.catalog.trajectories.polynomial_errors import fewest_samples, polynomial_errors
from stmgpu.catalog.trajectories.tables import Errors, Table, tables

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from stmgpu.catalog.trajectories.columns import Columns
    from stmgpu.typing import Bools, Floats, Ints

_GOOD_KM = 1e-3
"""Bound from positions below which velocities are not asked [km]."""

SPACING, STATE, ROUNDING = 0, 1, 2
"""Causes of interpolation errors."""

_SPACING_SHARE = 0.05
"""Share of the bound from which on the spacing explains it."""

_STANDS_OUT, _FEW = 30.0, 9
"""Multiple of the median misfit of a state that stands out; samples below which any does."""

_ROUNDING_KM = 1e-9
"""Rounding of the arithmetic [km], added to every bound."""


@dataclass(frozen=True, eq=False)
class Accuracy:
    """Bounds of the interpolation errors of s segments in their usable time.

    Attributes
    ----------
    error_km : float64, shape (s,)
        Bound of the interpolation error [km].
    cause : int8, shape (s,)
        What it comes from: `SPACING` of the samples, one `STATE` that stands out, or the `ROUNDING` of all.
    time_ns : int64, shape (s,)
        Where it is: the time of the state that fits its neighbours least, or the beginning of an interval [ns].
    """

    error_km: Floats
    cause: NDArray[np.int8]
    time_ns: Ints

    def __getitem__(self, segments: Ints) -> Accuracy:
        return Accuracy(self.error_km[segments], self.cause[segments], self.time_ns[segments])


def accuracy(t: Columns) -> Accuracy:
    """Bounds of the interpolation error of every segment in its usable time.

    Parameters
    ----------
    t : Columns
        Trajectories of n objects with s segments.

    Returns
    -------
    Accuracy
        One bound for each segment; it does not depend on other segments.
    """
    count = len(t.segment_object)
    result = Accuracy(np.zeros(count), np.zeros(count, np.int8), np.zeros(count, np.int64))
    for members, table in tables(t, np.arange(count)):
        start, stop = t.usable_start_ns[members[0]], t.usable_stop_ns[members[0]]
        usable = (table.time_ns[1:] > start) & (table.time_ns[:-1] < stop)
        one = _table_accuracy(table, usable)
        result.error_km[members], result.cause[members] = one.error_km, one.cause
        result.time_ns[members] = one.time_ns
    return result


def _table_accuracy(table: Table, usable: Bools) -> Accuracy:
    """Bounds of the g segments of a table, over its usable intervals."""
    best: Accuracy | None = None
    for measure in (polynomial_errors, dynamic_errors, point_mass_errors):
        if measure is polynomial_errors and (table.method == "hermite" or len(table) < fewest_samples(table)):
            continue
        one = _largest(measure(table), table, usable)
        best = one if best is None else _improved(best, one)
        if best.error_km.max() <= _GOOD_KM:
            break
    assert best is not None  # the dynamic bounds need no more than two samples
    return best


def _improved(best: Accuracy, one: Accuracy) -> Accuracy:
    """The smaller bounds where those so far are not good: what is found of a segment must not depend on others."""
    better = (best.error_km > _GOOD_KM) & (one.error_km < best.error_km)
    return Accuracy(
        np.where(better, one.error_km, best.error_km),
        np.where(better, one.cause, best.cause),
        np.where(better, one.time_ns, best.time_ns),
    )


def _largest(errors: Errors, table: Table, usable: Bools) -> Accuracy:
    """The largest bound of each segment, its cause and place."""
    total = np.where(usable[:, None], errors.truncation + errors.states + _ROUNDING_KM, -1.0)
    place, every = total.argmax(axis=0), np.arange(total.shape[1])
    error_km = total[place, every]
    near = np.append(usable, False) | np.append(False, usable)
    misfit = np.where(near[:, None], errors.misfit, 0.0)
    stands_out = (misfit.max(axis=0) > _STANDS_OUT * np.median(errors.misfit, axis=0)) | (len(table) < _FEW)
    cause = np.where(stands_out, STATE, ROUNDING)
    cause = np.where(_left_out(table, place) > _SPACING_SHARE * error_km, SPACING, cause)
    sample = np.where(cause == STATE, misfit.argmax(axis=0), place)
    return Accuracy(error_km, cause.astype(np.int8), table.time_ns[sample])


def _left_out(table: Table, place: Ints) -> Floats:
    """What the polynomial should leave out in one interval of each segment of circular motion [km]."""
    every = np.arange(len(place))
    p, v = table.position[place, :, every], table.velocity[place, :, every]
    size = np.sqrt((p * p).sum(axis=1))
    rate = np.sqrt((v * v).sum(axis=1)) / size
    middle, factors = 0.5 * table.step_s[place], 0
    for _ in range(2 if table.method == "hermite" else 1):
        for j in range(table.samples):
            away = (table.time_ns[table.windows[place, j]] - table.time_ns[place]) / 1e9 - middle
            factors += 1
            size *= rate * np.abs(away) / factors
    return np.asarray(size, np.float64)
