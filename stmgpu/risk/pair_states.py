"""States of both objects of conjunctions at their closest approach, from the objects that were screened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.backend.parts import in_parts
from stmgpu.errors import InputError
from stmgpu.frames import from_teme
from stmgpu.propagate.instants import seconds_of_ns
from stmgpu.time import NS_PER_DAY, UNIX_EPOCH_JD, Epoch, from_datetime64

if TYPE_CHECKING:
    from stmgpu.backend import Backend
    from stmgpu.choices import OperationMode
    from stmgpu.propagate.screening_objects import ScreeningObjects
    from stmgpu.typing import Floats, Ints, Times
    from stmgpu.window import Window

AGREE_KM = 1e-5
"""Largest difference from the stored miss distance [km]: times of results are whole nanoseconds (1e-8 km), and the
reference backend differs by some 1e-8 km from the kernels."""

_AT_ONCE = 200_000
_MARGIN_S = 60.0


@dataclass(frozen=True)
class Pairs:
    """Conjunctions to assess, as columns.

    Attributes
    ----------
    tca : datetime64, shape (n,)
        Times of closest approach, UTC.
    primary, secondary : int64, shape (n,)
        NORAD ids.
    miss_km : float64, shape (n,)
        Miss distances that were found by the screening.
    stay : datetime64, shape (n, 2), optional
        Start and end of the stay within the threshold of slow pairs, NaT for all others.
    """

    tca: Times
    primary: Ints
    secondary: Ints
    miss_km: Floats
    stay: Times | None = None

    def __len__(self) -> int:
        return len(self.tca)

    def __getitem__(self, rows: slice) -> Pairs:
        stay = None if self.stay is None else self.stay[rows]
        return Pairs(self.tca[rows], self.primary[rows], self.secondary[rows], self.miss_km[rows], stay)


@dataclass(frozen=True)
class PairStates:
    """Both objects of n conjunctions at TCA.

    Attributes
    ----------
    place_1, place_2 : int64, shape (n,)
        Positions of the primary and the secondary among the screened objects.
    state_1_km, state_2_km : float64, shape (n, 6)
        Positions and velocities in TEME [km, km/s].
    age_1_days, age_2_days : float64, shape (n,)
        TCA minus the epoch of the element set [d], NaN for a trajectory.
    """

    place_1: Ints
    place_2: Ints
    state_1_km: Floats
    state_2_km: Floats
    age_1_days: Floats
    age_2_days: Floats

    def gcrf(self, tca: Times) -> dict[str, Floats]:
        """States in GCRF by the names of :data:`stmgpu.risk.variables.STATES`."""
        time_ns = tca.astype("datetime64[ns]").view(np.int64)
        states = {"state_1": self.state_1_km, "state_2": self.state_2_km}
        return {name: np.hstack(from_teme("GCRF", time_ns, s[:, :3], s[:, 3:])) for name, s in states.items()}


class PairPropagator:
    """Propagation of the two objects of conjunctions to their closest approach.

    Parameters
    ----------
    objects : ScreeningObjects
        What was screened: catalogue, with one element set an object, and trajectories.
    window : Window
        Window of the screening.
    mode : str
        Operation mode of SGP4 in the screening.
    backend : Backend
        Backend to run on.
    """

    def __init__(self, objects: ScreeningObjects, window: Window, mode: OperationMode, backend: Backend) -> None:
        self.objects, self.backend = objects, backend
        midnight = Epoch.of(window.start.jd, window.start.fr)
        self._midnight_ns = round(midnight.jd - UNIX_EPOCH_JD) * NS_PER_DAY
        begin_s = midnight.fr * NS_PER_DAY * 1e-9
        span_s = begin_s - _MARGIN_S, begin_s + window.duration_s + _MARGIN_S
        with backend.on_device():
            self._propagator = objects.propagator(backend, (midnight.jd, 0.0), span_s, mode=mode, by_object=True)
        self._column = np.full(len(objects), -1, np.int64)
        self._column[self._propagator.order] = np.arange(self._propagator.n)
        self._ids = objects.norad_id
        self._sorted = np.argsort(self._ids, kind="stable")

    def at(self, pairs: Pairs) -> PairStates:
        """States of both objects of conjunctions.

        Raises
        ------
        InputError
            If an object is not there, or the states disagree with the stored miss distance.
        """
        one, two = self._places(pairs.primary), self._places(pairs.secondary)
        n = len(pairs)
        states = self._states(np.concatenate([one, two]), np.tile(self.seconds(pairs.tca), 2))
        first, second = states[:n], states[n:]
        self._compare(pairs, first, second)
        jd, fr = from_datetime64(pairs.tca)
        ages = [(jd - self.objects.epoch_jd[k]) + (fr - self.objects.epoch_fr[k]) for k in (one, two)]
        return PairStates(one, two, first, second, ages[0], ages[1])

    def seconds(self, time: Times) -> Floats:
        """Seconds after the midnight before the window."""
        return seconds_of_ns(time.astype("datetime64[ns]").view(np.int64) - self._midnight_ns)

    def moving(self, place: int, times_s: Floats) -> tuple[Floats, tuple[Floats, Floats], Floats]:
        """States of an object at times in seconds after that midnight, these as Julian dates, and the elements' ages.

        Returns
        -------
        state_km : float64, shape (m, 6)
            In TEME [km, km/s].
        time_jd : two float64, shape (m,)
            Two-part Julian dates, UTC [d].
        age_days : float64, shape (m,)
            Time after the epoch of the element set [d], NaN for a trajectory.
        """
        whole = np.full(len(times_s), self._midnight_ns, np.int64) + np.rint(1e9 * times_s).astype(np.int64)
        jd, fr = from_datetime64(whole.view("datetime64[ns]"))
        age = (jd - self.objects.epoch_jd[place]) + (fr - self.objects.epoch_fr[place])
        return self._states(np.full(len(times_s), place), times_s), (jd, fr), age

    def _states(self, objects: Ints, times_s: Floats) -> Floats:
        """States [m, 6] of objects, each at its time after midnight."""
        columns, n = self._column[objects], len(objects)
        states = np.empty((n, 6))
        put, get = self.backend.put, self.backend.get

        def some(part: slice) -> Floats:
            found, _ = self._propagator.at(put(columns[part]), put(times_s[part]), check=False)
            host: Floats = get(found)
            return host

        for part, found in in_parts(self.backend, n, _AT_ONCE, some):
            states[part] = found.T
        return states

    def _places(self, ids: Ints) -> Ints:
        """Positions of objects by their ids."""
        at = np.searchsorted(self._ids, ids, sorter=self._sorted)
        places = self._sorted[np.minimum(at, len(self._ids) - 1)]
        unknown = np.flatnonzero((self._ids[places] != ids) | (self._column[places] < 0))
        if len(unknown):
            raise InputError(
                f"object {ids[unknown[0]]} of the conjunctions is not among the objects given (nor are "
                f"{len(np.unique(ids[unknown])) - 1} others); give the catalogue and trajectories that were screened"
            )
        return np.asarray(places, np.int64)

    @staticmethod
    def _compare(pairs: Pairs, first: Floats, second: Floats) -> None:
        """Raise :class:`InputError` where the distance is not the one that the screening found."""
        d = second[:, :3] - first[:, :3]
        miss_km = np.sqrt(d[:, 0] * d[:, 0] + d[:, 1] * d[:, 1] + d[:, 2] * d[:, 2])
        wrong = np.flatnonzero(~(np.abs(miss_km - pairs.miss_km) <= AGREE_KM))
        if len(wrong):
            k = wrong[0]
            raise InputError(
                f"{len(wrong)} of {len(pairs)} conjunctions do not follow from the objects given: {pairs.primary[k]} "
                f"and {pairs.secondary[k]} are {miss_km[k]:.6f} km apart at {pairs.tca[k]}, and the screening found "
                f"{pairs.miss_km[k]:.6f} km; give the catalogue, the trajectories and the mode that were screened"
            )
