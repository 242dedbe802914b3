"""Collision probabilities on curved orbits with an error that both objects share.

The elements of object k are E_k + c_k g + x_k: g is one standard normal error of both objects, such as that of the
density forecast; c_k is the change of the elements to first order for g = 1; x_k are the errors of its own, with what
the covariance of the elements holds beside c_k c_k^T. For a given g the objects are independent, with the mean elements
E_k + c_k g, and every method for independent errors applies. The probability is its mean over g.

The mean is a sum over evenly spaced values of g, around the one at which a disc of vanishing radius is hit most. The
integrand is almost a normal density, for which that rule converges exponentially; its step is halved until the sum
stands.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.risk import equinoctial, sampling
from stmgpu.risk.cross_correlation import common_covariance
from stmgpu.risk.curved import curved_probability
from stmgpu.risk.error_split import changes, without
from stmgpu.risk.nc3d import BLENDED, NOT_CONVERGED, STAYS, encounter_entries
from stmgpu.risk.nc3d import TOLERANCE as ENTRIES_TOLERANCE
from stmgpu.risk.rotations import local_axes, turned

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from stmgpu.backend import Backend
    from stmgpu.risk.quadrature import Integers
    from stmgpu.risk.rate3d_kernels import Flags
    from stmgpu.typing import Bools, Floats

TOLERANCE = 1e-6
"""Relative error of the mean of 2D-Nc over the shared error that the sum aims at."""

_STEP, _REACH, _HALVINGS = 1.5, 4, 9
_EXTENSIONS = 60
_NEGLIGIBLE = 1e-7
"""Weight of a node without a number, in units of the largest one, at which its term is taken as zero."""

_COUNTS = 1e-3
"""Term of a sum, in largest ones, from which its flags count."""

_TURNS, _STILL, _ALIKE, _LONGEST = 20, 0.05, 0.1, 3.0
_TOGETHER = 1024


@dataclass(frozen=True)
class _Peak:
    """Where discs of vanishing radius are hit most: a shared error, the width of the peak, and logarithms there."""

    centre: Floats
    width: Floats
    straight: Floats
    curved: Floats

    def of(self, rows: Integers) -> _Peak:
        return _Peak(self.centre[rows], self.width[rows], self.straight[rows], self.curved[rows])


class SharedErrors:
    """Encounters whose objects share an error.

    Parameters
    ----------
    fields : sequence of float64
        Positions [n, 3] km, velocities [n, 3] km/s and covariances [n, 6, 6] of the first object, those of the second
        one, and radii [n] m, as for :func:`stmgpu.risk.curved_probability`.
    errors : float64, shape (n, 2, 6)
        Changes of both states by one standard deviation of the shared error, each along the object's own radial,
        transverse and normal axes [m, m/s].
    backend : Backend
        Backend that computes the methods.

    Attributes
    ----------
    held : bool, shape (n,)
        Whether both covariances hold their error and both states have elements. Elsewhere nothing below has a number.
    """

    def __init__(self, fields: Sequence[Floats], errors: Floats, backend: Backend) -> None:
        self._given, self._radius, self._backend = list(fields), fields[6], backend
        self._orbits, self._change, moved = [], [], []
        held = np.ones(len(errors), bool)
        for k in (0, 1):
            r, v, covariance = fields[3 * k : 3 * k + 3]
            rest, holds = without(covariance, errors[:, k])
            orbits = sampling.orbits(r, v, rest)
            held &= holds & sampling.usable(orbits.flags)
            self._orbits.append(orbits)
            self._change.append(changes(r, v, errors[:, k]))
            moved.append(np.einsum("nij,nj->ni", local_axes("RTN", np.hstack([r, v])), errors[:, k, :3]))
        self.held: Bools = held
        self._moved = moved[0] - moved[1]
        one, two = (np.hstack(fields[k : k + 2]) for k in (0, 3))
        self._common = common_covariance(one, two, errors[:, 0], errors[:, 1])
        self._peak = self._found_peak()

    def at(self, rows: Integers, shared: Floats) -> list[Floats]:
        """Fields of encounters for given values of the shared error."""
        found: list[Floats] = []
        for orbits, change in zip(self._orbits, self._change, strict=True):
            sense = orbits.sense[rows]
            elements = orbits.elements[rows] + shared[:, np.newaxis] * change[rows]
            state = equinoctial.state(elements, 0.0, sense)
            to_own = local_axes("RTN", state).transpose(0, 2, 1)
            factor = equinoctial.jacobian(elements, 0.0, sense) @ orbits.factor[rows]
            found += [1e-3 * state[:, :3], 1e-3 * state[:, 3:], turned(to_own, factor @ factor.transpose(0, 2, 1))]
        return [*found, self._radius[rows]]

    def curved(self) -> dict[str, Floats]:
        """2D-Nc of all encounters.

        Returns
        -------
        dict of float64, shape (n,)
            ``probability``, ``time_s``, ``width_s`` and ``correction`` as in
            :class:`stmgpu.risk.curved.CurvedEncounters`; not a number where there is none.
        """
        found = {name: np.full(len(self.held), np.nan) for name in ("probability", "time_s", "width_s", "correction")}
        straight = _straight_log([*self._given[:2], self._given[2] - self._common, *self._given[3:]])
        for rows in self._parts(self.held & np.isfinite(self._peak.curved)):
            sums, good = even_sum(self._curved_terms(rows), *self._nodes(rows), TOLERANCE)
            with np.errstate(divide="ignore", invalid="ignore"):
                time = sums[2] / sums[1]
                found["probability"][rows] = np.where(good, np.minimum(sums[0], 1.0), np.nan)
                found["time_s"][rows] = time
                found["width_s"][rows] = np.sqrt(np.maximum(sums[3] / sums[1] - time * time, 0.0))
                found["correction"][rows] = np.log(sums[1]) + self._peak.curved[rows] - straight[rows]
        return found

    def entries(self, chosen: Integers) -> tuple[Floats, Flags]:
        """3D-Nc of some encounters, over the interval that it takes without a shared error.

        Parameters
        ----------
        chosen : int64, shape (m,)
            Their places.

        Returns
        -------
        probability : float64, shape (m,)
            Not a number where there is none.
        flags : int32, shape (m,)
            Sum of ``BLENDED``, ``NOT_CONVERGED`` and ``STAYS`` of :mod:`stmgpu.risk.nc3d`.
        """
        probability, flags = np.full(len(chosen), np.nan), np.zeros(len(chosen), np.int32)
        window = encounter_entries(*[x[chosen] for x in self._given], backend=self._backend)
        flags[(window.flags & STAYS) != 0] = STAYS | BLENDED
        for part in self._parts(self.held[chosen]):
            rows = chosen[part]
            met: list[tuple[Integers, Floats, Flags]] = []

            def terms(
                at: Integers,
                shared: Floats,
                part: Integers = part,
                rows: Integers = rows,
                met: list[tuple[Integers, Floats, Flags]] = met,
            ) -> Floats:
                limits = {"start_s": window.start_s[part[at]], "stop_s": window.stop_s[part[at]]}
                one = encounter_entries(*self.at(rows[at], shared), **limits, backend=self._backend)
                values = (one.inside + one.entries) * _normal(shared)
                met.append((at, values, one.flags))
                return values[np.newaxis]

            sums, good = even_sum(terms, *self._nodes(rows), ENTRIES_TOLERANCE)
            at, values, bits = (np.concatenate(x) for x in zip(*met, strict=True))
            largest = np.zeros(len(rows))
            np.fmax.at(largest, at, values)
            counts = values > _COUNTS * largest[at]
            np.bitwise_or.at(flags, part[at[counts]], bits[counts] & (BLENDED | NOT_CONVERGED))
            flags[part[~good]] |= NOT_CONVERGED
            probability[part] = np.minimum(sums[0], 1.0)
        return probability, flags

    def _curved_terms(self, rows: Integers) -> Callable[[Integers, Floats], Floats]:
        """Terms of 2D-Nc: probability, weight of a vanishing radius, and that times the time and its square."""
        peak = self._peak.of(rows)

        def terms(at: Integers, shared: Floats) -> Floats:
            fields = self.at(rows[at], shared)
            one = curved_probability(*fields, backend=self._backend)
            with np.errstate(invalid="ignore", over="ignore", under="ignore"):
                log = _straight_log(fields) - 0.5 * shared * shared
                weight = np.exp(log + one.correction - peak.curved[at]) / np.sqrt(2.0 * np.pi)
                square = one.time_s * one.time_s + one.width_s * one.width_s
                values = np.stack([one.probability * _normal(shared), weight, weight * one.time_s, weight * square])
                lost = np.isnan(values).any(axis=0) & (log - peak.straight[at] < np.log(_NEGLIGIBLE))
            values[:, lost] = 0.0
            return values

        return terms

    def _nodes(self, rows: Integers) -> tuple[Floats, Floats]:
        """Middle and step of the values of the shared error; a disc much wider than the peak widens the step."""
        peak = self._peak.of(rows)
        v = self._given[1][rows] - self._given[4][rows]
        along = (self._moved[rows] * v).sum(axis=1) / np.maximum((v * v).sum(axis=1), 1e-300)
        across = np.linalg.norm(self._moved[rows] - along[:, np.newaxis] * v, axis=1)
        disc = np.minimum(0.5 * self._radius[rows] / np.maximum(across, 1e-300), 1.0)
        return peak.centre, _STEP * np.maximum(peak.width, disc)

    def _found_peak(self) -> _Peak:
        """By steps of Newton, from the peak of straight motion; not a number where 2D-Nc has none there."""
        n = len(self.held)
        centre, width, straight, curved = np.zeros(n), np.ones(n), np.full(n, np.nan), np.full(n, np.nan)
        for rows in self._parts(self.held):
            begin = self._straight_peak(rows)
            centre[rows], width[rows] = begin
            moving = rows
            for _ in range(_TURNS):
                below, now, above = (self._logs(moving, centre[moving] + k * width[moving]) for k in (-1.0, 0.0, 1.0))
                with np.errstate(invalid="ignore", divide="ignore"):
                    slope, bend = 0.5 * (above[1] - below[1]), 2.0 * now[1] - above[1] - below[1]
                    wide = np.where(bend > 0.0, 1.0 / np.sqrt(bend), 1.0)
                    shift = np.where(bend > 0.0, slope / bend, _LONGEST * np.sign(slope))
                    there = (bend > 0.0) & (np.abs(shift) < _STILL * wide) & (np.abs(wide - 1.0) < _ALIKE)
                done = moving[there]
                straight[done], curved[done] = now[0][there], now[1][there]
                go = ~there & np.isfinite(shift)
                moving = moving[go]
                if not len(moving):
                    break
                centre[moving] += np.clip(shift[go], -_LONGEST, _LONGEST) * width[moving]
                width[moving] *= np.clip(wide[go], 1.0 / _LONGEST, _LONGEST)
            lost = np.isnan(curved[rows])
            centre[rows[lost]], width[rows[lost]] = begin[0][lost], begin[1][lost]
        return _Peak(centre, width, straight, curved)

    def _logs(self, rows: Integers, shared: Floats) -> tuple[Floats, Floats]:
        """Logarithms of the straight and the curved weight of a vanishing radius, to a constant."""
        fields = self.at(rows, shared)
        straight = _straight_log(fields) - 0.5 * shared * shared
        return straight, straight + curved_probability(*fields, backend=self._backend).correction

    def _straight_peak(self, rows: Integers) -> tuple[Floats, Floats]:
        """Peak and width for straight motion without errors of velocity."""
        inverse, r, v, _ = _relative(self.at(rows, np.zeros(len(rows))))
        moved = self._moved[rows]
        vv = np.einsum("ni,nij,nj->n", v, inverse, v)
        left = [np.einsum("nij,nj->ni", inverse, x) for x in (moved, v)]
        with np.errstate(invalid="ignore", divide="ignore"):
            along = (left[1] * moved).sum(axis=1) / vv
            across = left[0] - along[:, np.newaxis] * left[1]
            precision = 1.0 + (across * moved).sum(axis=1)
            centre, width = -(across * r).sum(axis=1) / precision, 1.0 / np.sqrt(precision)
        known = np.isfinite(centre) & np.isfinite(width)
        return np.where(known, centre, 0.0), np.where(known, width, 1.0)

    @staticmethod
    def _parts(chosen: Bools) -> list[Integers]:
        rows = np.flatnonzero(chosen)
        return [rows[k : k + _TOGETHER] for k in range(0, len(rows), _TOGETHER)]


def even_sum(
    terms: Callable[[Integers, Floats], Floats], centre: Floats, step: Floats, tolerance: float
) -> tuple[Floats, Bools]:
    """Integrals over a line by sums of evenly spaced terms.

    Halving the step squares the error of an analytic integrand, so that a sum stands once its change is below the
    square root of the tolerance.

    Parameters
    ----------
    terms : callable
        Terms [k, m] at m nodes, from the integral [m] that each belongs to and its place [m]. The first of the k is the
        one that is not negative and has to converge.
    centre, step : float64, shape (n,)
        Middle and first step of each integral, of about 1.5 standard deviations of a peak.
    tolerance : float
        Relative error.

    Returns
    -------
    integral : float64, shape (k, n)
    good : bool, shape (n,)
        Whether the first one has converged.
    """
    n = len(centre)
    every = np.arange(n)

    def added(at: Integers, place: Floats) -> tuple[Floats, Floats]:
        values = terms(at, centre[at] + step[at] * place)
        return np.stack([np.bincount(at, row, minlength=n) for row in values]), values[0]

    steps = np.arange(-_REACH, _REACH + 1.0)
    sums, first = added(np.repeat(every, len(steps)), np.tile(steps, n))
    ends, reach = first.reshape(n, -1)[:, [0, -1]], np.full((n, 2), float(_REACH))
    for side, sign in ((0, -1.0), (1, 1.0)):
        for _ in range(_EXTENSIONS):
            open_ = np.flatnonzero(ends[:, side] > 0.1 * tolerance * sums[0])
            if not len(open_):
                break
            reach[open_, side] += 1.0
            more, ends[open_, side] = added(open_, sign * reach[open_, side])
            sums += more
    good, size = ~(sums[0] > 0.0), np.ones(n)  # nothing to converge, or not a number
    for level in range(1, _HALVINGS + 1):
        rows = np.flatnonzero(~good)
        if not len(rows):
            break
        count = ((reach[rows].sum(axis=1)) * 2 ** (level - 1)).astype(np.int64)
        at = np.repeat(rows, count)
        inner = np.arange(len(at)) - np.repeat(np.cumsum(count) - count, count)
        before = sums[0, rows]
        sums += added(at, -reach[at, 0] + (inner + 0.5) * 2.0 ** (1 - level))[0]
        size[rows] *= 0.5
        with np.errstate(invalid="ignore"):
            good[rows] = ~(np.abs(0.5 * sums[0, rows] / before - 1.0) >= np.sqrt(tolerance))
    return sums * (size * step), good


def _normal(shared: Floats) -> Floats:
    found: Floats = np.exp(-0.5 * shared * shared) / np.sqrt(2.0 * np.pi)
    return found


def _relative(fields: Sequence[Floats]) -> tuple[Floats, Floats, Floats, Floats]:
    """Inverse of the combined covariance of position [1/m2], relative position and velocity, logarithm of its size."""
    one, two = (turned(local_axes("RTN", np.hstack(fields[k : k + 2])), fields[k + 2]) for k in (0, 3))
    joint = one[:, :3, :3] + two[:, :3, :3]
    r, v = 1e3 * (fields[0] - fields[3]), 1e3 * (fields[1] - fields[4])
    sign, size = np.linalg.slogdet(joint)
    good = (sign > 0.0) & np.isfinite(joint).all(axis=(1, 2))
    inverse = np.full(joint.shape, np.nan)
    inverse[good] = np.linalg.inv(joint[good])
    return inverse, r, v, np.where(good, size, np.nan)


def _straight_log(fields: Sequence[Floats]) -> Floats:
    """Logarithm of the probability of straight motion for a vanishing radius R, over R^2 / 2."""
    inverse, r, v, size = _relative(fields)
    vv, rv, rr = (np.einsum("ni,nij,nj->n", x, inverse, y) for x, y in ((v, v), (r, v), (r, r)))
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Floats = -0.5 * (rr - rv * rv / vv + size) + np.log(np.linalg.norm(v, axis=1)) - 0.5 * np.log(vv)
    return found
