"""Batched SGP4/SDP4: positions and velocities of a whole catalogue at many times, on any backend.

The theory is that of Hoots and Roehrich (Spacetrack Report No. 3, 1980) as corrected by Vallado, Crawford, Hujsak and
Kelso (AIAA 2006-6753), with WGS-72, in which element sets are fitted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stmgpu.backend import device_entry
from stmgpu.constants import SECONDS_PER_DAY
from stmgpu.errors import InputError
from stmgpu.propagate.codes import CODE_DECAYED
from stmgpu.propagate.columns import columns_of, one_time_each
from stmgpu.propagate.elements import MeanElements, element_table
from stmgpu.propagate.instants import seconds_of_day
from stmgpu.propagate.sgp4_kernels import KernelModel
from stmgpu.time import Epoch

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from stmgpu.backend import Backend
    from stmgpu.propagate.sgp4_reference import ReferenceModel
    from stmgpu.typing import BackendArray, Floats, Ints


class SGP4Propagator:
    """Batched SGP4/SDP4 over one time span on one backend.

    Parameters
    ----------
    elements : MeanElements
        Anything with columns ``epoch_jd``, ``epoch_fr`` (two-part Julian date, UTC), ``mean_motion`` [rad/min, Kozai],
        ``eccentricity``, ``inclination``, ``raan``, ``argp``, ``mean_anomaly`` [rad], ``bstar`` [1/Earth radius]. A
        column ``decay_jd`` (Julian date of the midnight that begins the day of decay, NaN without one) may be there:
        from the end of that day on an object has no states, and code 11.
    backend : Backend
        Where it runs; see :func:`stmgpu.backend.get_backend`.
    start : tuple
        two-part Julian date (UTC) of t = 0. Days have 86,400 s: no leap second falls inside a span.
    span_s : tuple
        First and last second after ``start`` that will be asked for. Resonant objects can be asked up to 12 h beyond
        and give code 8 farther out; others anywhere.
    mode : str
        ``"i"`` improved (default, as the catalogue's users do) or ``"a"`` as the AFSPC code does.

    Attributes
    ----------
    n : int
        objects.
    n_pad : int
        objects with padding lanes, a multiple of 16. Padding lanes stand at the end and always have code 9.
    order : numpy.ndarray [n] int64
        catalogue index of each internal index: near-earth objects first, then deep space without resonance,
        synchronous, half-day; in catalogue order within a class.
    usable_s : None
        every object can be used at any time.
    meets_next : numpy.ndarray [n] int64
        -1 throughout: an object has one column.

    Raises
    ------
    InputError
        empty or ragged elements, an unknown mode, a span that ends before it begins.

    Notes
    -----
    The minutes from epoch are summed from whole days, the epoch's fraction of a day, and the seconds of the day, in
    this order. An instant whose seconds after midnight are exact (:mod:`stmgpu.propagate.instants`) therefore has the
    same bits for every start.

    Codes (:data:`stmgpu.propagate.codes.CODES`) take precedence in the published order, after 11. With codes 1 to
    4, 8, 9 and 11 the state is NaN; 6 and 7 keep the numbers that the theory gives. Code 7 marks states without a
    published code that are unusable: the polynomial for the shrinking of the orbit has reached zero (beyond it the
    axis grows again, without limit), the radius exceeds 2.1 semi-major axes, or a number is not finite. In two real
    catalogues (53,223 objects, -3 to +14 days) it marks 8 decaying objects that the published codes let pass at up
    to 6.8e8 km; the largest radius of an object that it leaves alone is 1.05 apogee distances.
    """

    @device_entry
    def __init__(
        self,
        elements: MeanElements,
        backend: Backend,
        start: tuple[float, float],
        span_s: tuple[float, float],
        mode: str = "i",
    ) -> None:
        if not np.isfinite([*start, *span_s]).all() or span_s[1] < span_s[0]:
            raise InputError(f"the time span {span_s} s after {start} must be finite and must not end before it begins")
        midnight = Epoch.of(*start)
        self._start_s = seconds_of_day(midnight.fr)
        table = element_table(elements, midnight.jd, mode)
        span_s = (span_s[0] + self._start_s, span_s[1] + self._start_s)
        self.n = len(np.atleast_1d(elements.epoch_jd))
        self.n_pad = table.shape[1]
        self.backend = backend
        self._model: KernelModel | ReferenceModel
        if not backend.runs_kernels:
            from stmgpu.propagate.sgp4_reference import ReferenceModel

            self._model = ReferenceModel(table, self.n, mode)
        else:
            self._model = KernelModel(table, self.n, backend, span_s, mode)
        self.order: Ints = self._model.order
        self.usable_s: tuple[BackendArray, BackendArray] | None = None
        self.meets_next: Ints = np.full(self.n, -1, np.int64)
        self._decays: tuple[BackendArray, BackendArray] | None = None
        leave_s = _leaving_s(elements, midnight.jd, self.n)[self.order]
        if len(columns := np.flatnonzero(leave_s < span_s[1])):
            until = np.full(self.n_pad, np.inf)
            until[: self.n] = leave_s
            self._decays = backend.put(columns), backend.put(until)

    @device_entry
    def pads_km(self, half_step_s: float, node_step_s: float) -> BackendArray:
        """Zeros [n_pad]: SGP4 moves smoothly, so nothing is added to the interpolation error."""
        return self.backend.zeros(self.n_pad)

    def _since_midnight(self, t_s: ArrayLike) -> BackendArray:
        """Times after `start` as times after the midnight before it [s]."""
        xp = self.backend.xp
        times: BackendArray = xp.ascontiguousarray(xp.asarray(t_s, np.float64).reshape(-1))
        return times if self._start_s == 0.0 else times + self._start_s

    @device_entry
    def grid(
        self, t_s: ArrayLike, out: tuple[BackendArray, BackendArray] | None = None
    ) -> tuple[BackendArray, BackendArray]:
        """All objects at all times.

        Parameters
        ----------
        t_s : array_like
            Times [T], seconds after ``start``; host or backend array.
        out : tuple, optional
            Arrays to fill instead of new ones: states [T, 6, n_pad] float64 and code [T, n_pad] int8.

        Returns
        -------
        states, code
            backend arrays: x, y, z [km], vx, vy, vz [km/s] in TEME, float64 [T, 6, n_pad], and int8 [T, n_pad];
            columns in internal order.
        """
        backend = self.backend
        times = self._since_midnight(t_s)
        if out is None:
            out = (backend.empty((len(times), 6, self.n_pad)), backend.empty((len(times), self.n_pad), np.int8))
        states, code = out
        if states.shape != (len(times), 6, self.n_pad) or code.shape != (len(times), self.n_pad):
            raise InputError(
                f"out has shapes {states.shape} and {code.shape}; for {len(times)} times they must be "
                f"{(len(times), 6, self.n_pad)} and {(len(times), self.n_pad)}"
            )
        if len(times):
            self._model.grid(times, states, code)
            if self._decays is not None:
                columns, until = self._decays
                row, k = backend.xp.nonzero(times[:, None] > until[columns])
                states[row, :, columns[k]], code[row, columns[k]] = np.nan, CODE_DECAYED
        return states, code

    @device_entry
    def at(
        self, index: ArrayLike, t_s: ArrayLike, *, trial: bool = False, check: bool = True
    ) -> tuple[BackendArray, BackendArray]:
        """Single objects at single times: the same numbers as :meth:`grid`.

        Parameters
        ----------
        index : array_like
            Internal indices [m], int32 or int64; host or backend array.
        t_s : array_like
            Times [m], seconds after ``start``.
        trial : bool
            Whether objects have states after the day of their decay, too.
        check : bool
            Whether to look for indices outside; see :meth:`stmgpu.propagate.protocol.Propagator.at`.

        Returns
        -------
        states, code
            backend arrays: float64 [6, m] (x, y, z [km], vx, vy, vz [km/s], TEME) and int8 [m].

        Raises
        ------
        InputError
            different lengths, or an index outside [0, n_pad).
        """
        backend = self.backend
        xp = backend.xp
        objects, times = columns_of(xp, index, self.n_pad if check else None), self._since_midnight(t_s)
        one_time_each(objects, times)
        states, code = backend.empty((6, len(times))), backend.empty(len(times), np.int8)
        if len(times):
            self._model.at(xp.ascontiguousarray(objects.astype(np.int32)), times, states, code)
            if self._decays is not None and not trial:
                gone = times > self._decays[1][objects]
                states[:, gone], code[gone] = np.nan, CODE_DECAYED
        return states, code


def _leaving_s(elements: MeanElements, midnight_jd: float, n: int) -> Floats:
    """End of the day of decay of each object [s after midnight], infinite for those in orbit."""
    decay_jd = np.broadcast_to(np.asarray(getattr(elements, "decay_jd", np.nan), np.float64), n)
    return np.where(np.isnan(decay_jd), np.inf, (decay_jd + 1.0 - midnight_jd) * SECONDS_PER_DAY)
