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
    from stmgpu.catalog.trajectories.columns import Columns
    from stmgpu.typing import Bools, Floats, Ints

_GOOD_KM = 1e-3
"""Bound from positions below which velocities are not asked [km]."""

_STANDS_OUT = 30.0
"""Multiple of the median misfit above which a state is named as wrong although the truncation it brings is larger."""

_ROUNDING_KM = 1e-9
"""Rounding of the arithmetic [km], added to every bound."""


@dataclass(frozen=True, eq=False)
class Accuracy:
    """Bounds of the interpolation errors of s segments in their usable time.

    Attributes
    ----------
    error_km : float64, shape (s,)
        Bound of the interpolation error [km].
    of_states : bool, shape (s,)
        Whether the recorded states contradict each other, or else the polynomial leaves too much out.
    time_ns : int64, shape (s,)
        Where it is: the time of the state that fits its neighbours least, or the beginning of an interval [ns].
    """

    error_km: Floats
    of_states: Bools
    time_ns: Ints

    def __getitem__(self, segments: Ints) -> Accuracy:
        return Accuracy(self.error_km[segments], self.of_states[segments], self.time_ns[segments])


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
    result = Accuracy(np.zeros(count), np.zeros(count, bool), np.zeros(count, np.int64))
    for members, table in tables(t, np.arange(count)):
        one = members[0]
        usable = (table.time_ns[1:] > t.usable_start_ns[one]) & (table.time_ns[:-1] < t.usable_stop_ns[one])
        for column, values in zip(_values(result), _values(_table_accuracy(table, usable)), strict=True):
            column[members] = values
    return result


def _table_accuracy(table: Table, usable: Bools) -> Accuracy:
    """Bounds of the g segments of a table, over its usable intervals."""
    best = Accuracy(*(np.empty(0) for _ in range(3)))  # type: ignore[arg-type]
    for number, measure in enumerate((polynomial_errors, dynamic_errors, point_mass_errors)):
        if number == 0 and (table.method == "hermite" or len(table) < fewest_samples(table)):
            continue
        one = _largest(measure(table), table.time_ns, usable)
        if len(best.error_km) == 0:
            best = one
        else:
            better = one.error_km < best.error_km
            best = Accuracy(*(np.where(better, a, b) for a, b in zip(_values(one), _values(best), strict=True)))
        if best.error_km.max() <= _GOOD_KM:
            break
    return best


def _values(one: Accuracy) -> tuple[Floats, Bools, Ints]:
    return one.error_km, one.of_states, one.time_ns


def _largest(errors: Errors, time_ns: Ints, usable: Bools) -> Accuracy:
    """The largest bound of each segment, its kind and place."""
    total = np.where(usable[:, None], errors.truncation + errors.states + _ROUNDING_KM, -1.0)
    place, every = total.argmax(axis=0), np.arange(total.shape[1])
    near = np.append(usable, False) | np.append(False, usable)
    state = np.where(near[:, None], errors.misfit, -1.0).argmax(axis=0)
    left_out, recorded = errors.truncation[place, every], errors.states[place, every]
    stands_out = errors.misfit.max(axis=0) > _STANDS_OUT * np.median(errors.misfit, axis=0)
    of_states = (recorded > left_out) | ((recorded > 0.1 * left_out) & stands_out)
    return Accuracy(total[place, every], of_states, time_ns[np.where(of_states, state, place)])
