"""Trajectories: flat tables of states, for objects with better data than element sets, such as operators' ephemerides.

One object may have several segments, cut at manoeuvres; nothing is interpolated across the ends of a segment. Columns
are flat: samples of all segments one after another, segments of all objects one after another, and offsets. They hold
numbers and text only and can be stored as they are.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from stmgpu.catalog.trajectories.accuracy import ROUNDING, SPACING, STATE, Accuracy, accuracy
from stmgpu.catalog.trajectories.checks import check_columns
from stmgpu.catalog.trajectories.columns import OBJECT, SAMPLE, SEGMENT, Columns, float_column, int_column, text_column
from stmgpu.catalog.trajectories.covariances import TrajectoryCovariances
from stmgpu.catalog.trajectories.dataset import columns_of_dataset
from stmgpu.catalog.trajectories.interpolation import DEFAULT_DEGREE, MAX_DEGREE, METHODS
from stmgpu.catalog.trajectories.matching import match
from stmgpu.catalog.trajectories.segments import SYNTHETIC_ID, Trajectory, columns_of
from stmgpu.errors import InputError, counted
from stmgpu.time import format_utc

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import xarray as xr

    from stmgpu.catalog.catalog import Catalog
    from stmgpu.typing import Floats, Ints, Strings

MAX_ERROR_KM = 1.0
"""Largest estimated interpolation error that `require_accuracy` accepts [km]."""

_COLUMNS = (*OBJECT, *SEGMENT, "offset", *SAMPLE)
_CURES = {
    SPACING: "samples are too far apart after {at}: give them closer together",
    STATE: "the state at {at} (or one beside it) does not fit its neighbours: get it corrected; a manoeuvre needs "
    "a segment of its own",
    ROUNDING: "states after {at} are rounded too coarsely: give more digits, or a lower degree",
}

_MEASURED: dict[str, Accuracy] = {}
_REMEMBERED = 4
"""Accuracies that a process remembers by digest: a run reads its trajectories again from its store."""

_TEXT = ("name", "object_id", "source", "sha256", "method")


@dataclass(frozen=True, eq=False)
class Trajectories(Columns):
    """Trajectories of n objects as read-only columns: s segments, m samples.

    Build them with `read_oem`, `Trajectories.of` or `Trajectories.from_dataset`; take some with
    ``trajectories[mask, indices or slice]``.

    Parameters
    ----------
    norad_id : int64, shape (n,)
        Unique ids, 1 to 999,999,999; from 900,000,001 on they stand for objects without one.
    name, object_id, source, sha256 : str, shape (n,)
        As in `Trajectory`.
    segment_object : int64, shape (s,)
        Object of each segment, not decreasing.
    usable_start_ns, usable_stop_ns : int64, shape (s,)
        Usable time, both ends included [ns since 1970 UTC]. Where two segments of an object touch, the instant belongs
        to the later one.
    method : str, shape (s,)
        'lagrange', 'hermite' or 'linear'.
    degree : int64, shape (s,)
        Degree of the polynomial. Method and degree are those that the samples allow: see `Segment`.
    offset : int64, shape (s + 1,)
        Where each segment's samples begin.
    time_ns : int64, shape (m,)
        UTC [ns since 1970, days of 86,400 s].
    position, velocity : float64, shape (m, 3)
        TEME [km], [km/s].
    covariance : TrajectoryCovariances
        Covariances of the states, where the source has them.

    Raises
    ------
    InputError
        If a column has the wrong shape, or a value is none that an ephemeris can have; it names object, segment, time.

    Examples
    --------
    >>> from stmgpu.catalog.trajectories import Segment, Trajectory
    >>> angle = np.arange(20) * 60.0 * 0.0010780
    >>> t = np.datetime64("2025-01-01", "ns") + np.arange(20) * np.timedelta64(60, "s")
    >>> circle = np.stack([np.cos(angle), np.sin(angle), 0.0 * angle], axis=1)
    >>> ahead = np.stack([-np.sin(angle), np.cos(angle), 0.0 * angle], axis=1)
    >>> one = Trajectory([Segment(t, 7000.0 * circle, 7.546 * ahead)], name="EXAMPLE")
    >>> trajectories = Trajectories.of([one])
    >>> len(trajectories), int(trajectories.norad_id[0]), str(trajectories.name[0])
    (1, 900000001, 'EXAMPLE')
    """

    covariance: TrajectoryCovariances = field(default_factory=TrajectoryCovariances)

    def __post_init__(self) -> None:
        for name in _COLUMNS:
            convert = text_column if name in _TEXT else float_column if name in SAMPLE[1:] else int_column
            object.__setattr__(self, name, convert(name, getattr(self, name)))
        check_columns(self)
        method, degree = _reduced(self.method, self.degree, self.length)
        object.__setattr__(self, "method", method)
        object.__setattr__(self, "degree", degree)
        last = self.covariance.segment[-1:]
        if len(last) and last[0] >= len(self.segment_object):
            raise InputError(f"a covariance is of segment {last[0]}; there are {len(self.segment_object)} segments")
        for name in _COLUMNS:
            view = getattr(self, name).view()
            view.flags.writeable = False
            object.__setattr__(self, name, view)

    @classmethod
    def of(cls, trajectories: Iterable[Trajectory], *, first_id: int = SYNTHETIC_ID) -> Trajectories:
        """Build columns from objects with segments.

        Parameters
        ----------
        trajectories : iterable of Trajectory
            One an object.
        first_id : int
            First id for objects without one; they get this and the next ones in their order.
        """
        columns: dict[str, Any] = columns_of(list(trajectories), first_id=first_id)
        return cls(**columns)

    @classmethod
    def concatenate(cls, parts: Sequence[Trajectories]) -> Trajectories:
        """Join trajectories; synthetic ids (from 900,000,001) that occur again are replaced by free ones.

        Parameters
        ----------
        parts : sequence of Trajectories
            The trajectories to join, in this order.

        Raises
        ------
        InputError
            If two objects have the same real id.
        """
        if len(parts) == 0:
            return cls.of([])
        ids = np.concatenate([part.norad_id for part in parts])
        _, first = np.unique(ids, return_index=True)
        following = max(int(ids.max(initial=0)), SYNTHETIC_ID - 1) + 1
        for k in np.setdiff1d(np.arange(len(ids)), first).tolist():
            if ids[k] >= SYNTHETIC_ID:
                ids[k], following = following, following + 1
        objects = np.cumsum([0] + [len(part) for part in parts])
        samples = np.cumsum([0] + [len(part.time_ns) for part in parts])
        columns: dict[str, Any] = {
            name: np.concatenate([getattr(part, name) for part in parts]) for name in (*OBJECT, *SEGMENT, *SAMPLE)
        }
        columns["norad_id"] = ids
        columns["segment_object"] = np.concatenate(
            [part.segment_object + k for part, k in zip(parts, objects[:-1], strict=True)]
        )
        columns["offset"] = np.concatenate(
            [[0], *(part.offset[1:] + k for part, k in zip(parts, samples[:-1], strict=True))]
        )
        columns["covariance"] = TrajectoryCovariances.concatenate(
            [part.covariance for part in parts], [len(part.segment_object) for part in parts]
        )
        return cls(**columns)

    @classmethod
    def from_dataset(
        cls, dataset: xr.Dataset, *, method: str = "lagrange", degree: int = DEFAULT_DEGREE
    ) -> Trajectories:
        """Build trajectories from an ephemeris, as `stmgpu.propagate` returns and `stmgpu propagate` stores it.

        Parameters
        ----------
        dataset : xarray.Dataset
            An ephemeris in TEME and UTC.
        method : {'lagrange', 'hermite', 'linear'}
            Method of interpolation. Use 'lagrange' for states of SGP4: its velocity is not the derivative of its
            position.
        degree : int
            Degree of the polynomial, as in `Segment`.

        Raises
        ------
        InputError
            If it is not an ephemeris in TEME and UTC, or no object has two good states in succession.
        """
        columns: dict[str, Any] = columns_of_dataset(dataset, method=method, degree=degree)
        return cls(**columns)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.ArrayLike]) -> Trajectories:
        """Build trajectories from the arrays of `to_arrays`; every value is checked again.

        Parameters
        ----------
        arrays : mapping of str to array_like
            All columns by name.

        Raises
        ------
        InputError
            If an array is missing or unknown, or a value is wrong.
        """
        names = set(_COLUMNS)
        covariance = {name: arrays[name] for name in arrays if name.startswith("covariance_")}
        missing, unknown = sorted(names - set(arrays)), sorted(set(arrays) - names - set(covariance))
        if missing or unknown:
            raise InputError(f"arrays of trajectories: missing {missing}, unknown {unknown}; known are {sorted(names)}")
        return cls(**{name: arrays[name] for name in names}, covariance=TrajectoryCovariances.from_arrays(covariance))  # type: ignore[arg-type]

    def to_arrays(self) -> dict[str, npt.NDArray[np.generic]]:
        """All columns by name, numbers and fixed-width text only, as a store holds them."""
        return {name: getattr(self, name) for name in _COLUMNS} | self.covariance.to_arrays()

    def __repr__(self) -> str:
        segments, samples = counted(len(self.segment_object), "segment"), counted(len(self.time_ns), "sample")
        return f"<Trajectories: {counted(len(self), 'object')}, {segments}, {samples}>"

    def __getitem__(self, key: int | slice | npt.ArrayLike) -> Trajectories:
        """Select objects by position: a mask, an array of indices, a slice, or one index (trajectories of one)."""
        try:
            index: Any = key
            objects = np.atleast_1d(np.arange(len(self))[index])
        except (IndexError, TypeError) as error:
            raise InputError(
                f"cannot take {key!r} of {len(self)} trajectories ({error}); give a mask of that length, "
                "whole-number indices or a slice"
            ) from None
        begin = np.searchsorted(self.segment_object, objects)
        segments, owner = _ranges(begin, np.searchsorted(self.segment_object, objects, side="right"))
        samples, _ = _ranges(self.offset[segments], self.offset[segments + 1])
        columns: dict[str, Any] = {
            name: getattr(self, name)[which]
            for names, which in ((OBJECT, objects), (SEGMENT, segments), (SAMPLE, samples))
            for name in names
        }
        columns["segment_object"] = owner
        columns["offset"] = np.concatenate([[0], np.cumsum(np.diff(self.offset)[segments])])
        columns["covariance"] = self.covariance.of_segments(segments)
        chosen = Trajectories(**columns)
        if "accuracy" in self.__dict__:
            chosen.__dict__["accuracy"] = self.accuracy[segments]
        return chosen

    def equals(self, other: Trajectories) -> bool:
        """Whether every column holds the same values."""
        return self.covariance.equals(other.covariance) and all(
            np.array_equal(getattr(self, name), getattr(other, name)) for name in _COLUMNS
        )

    def digest(self) -> str:
        """SHA-256 over ids, segments and samples: equal where the motion is equal.

        Names, sources and covariances do not count.
        """
        return self._digest(("norad_id", *SEGMENT, "offset", *SAMPLE))

    def _digest(self, names: tuple[str, ...]) -> str:
        total = hashlib.sha256()
        for name in names:
            column = getattr(self, name)
            if name == "method":
                column = np.array([METHODS.index(text) for text in column], np.int64)
            elif column.dtype.kind == "f":
                column = column + 0.0  # one zero
            total.update(name.encode() + b"\0" + np.ascontiguousarray(column, column.dtype.newbyteorder("<")).tobytes())
        return total.hexdigest()

    @cached_property
    def accuracy(self) -> Accuracy:
        """Bounds of the interpolation error of each segment, measured once in a process."""
        digest = self._digest((*SEGMENT, "offset", *SAMPLE))
        if digest not in _MEASURED:
            if len(_MEASURED) >= _REMEMBERED:
                _MEASURED.pop(next(iter(_MEASURED)))
            _MEASURED[digest] = accuracy(self)
        return _MEASURED[digest]

    def interpolation_error_km(self) -> Floats:
        """Bound of each object's interpolation error in its usable time.

        See `stmgpu.catalog.trajectories.accuracy` for what it covers.

        Returns
        -------
        ndarray of float64, shape (n,)
            [km].
        """
        worst = np.zeros(len(self))
        np.maximum.at(worst, self.segment_object, self.accuracy.error_km)
        return worst

    def require_accuracy(self, limit_km: float = MAX_ERROR_KM) -> Floats:
        """Bound interpolation errors and reject those above a limit.

        Parameters
        ----------
        limit_km : float
            Largest error [km].

        Returns
        -------
        ndarray of float64, shape (n,)
            As `interpolation_error_km` [km].

        Raises
        ------
        InputError
            If an error may be larger; it names the worst objects, with time and cause.
        """
        errors = self.interpolation_error_km()
        bad = np.argsort(-errors, kind="stable")[: int((errors > limit_km).sum())]
        if len(bad):
            shown = "; ".join(self._fault(k) for k in bad[:5].tolist())
            raise InputError(
                f"{len(bad)} of {len(self)} trajectories may be off by more than {limit_km:g} km when they are "
                f"interpolated: {shown}; or leave these objects out"
            )
        return errors

    def _fault(self, k: int) -> str:
        """The largest error of an object, with its place and its cure."""
        segments = np.flatnonzero(self.segment_object == k)
        s = segments[self.accuracy.error_km[segments].argmax()]
        error_km, at = self.accuracy.error_km[s], format_utc(self.accuracy.time_ns[s].view("datetime64[ns]"))
        who = f"{self.norad_id[k]} {str(self.name[k])!r}: error up to {error_km:.3g} km"
        return f"{who}, {_CURES[int(self.accuracy.cause[s])].format(at=at)}"

    def matches(self, catalog: Catalog) -> Ints:
        """Match objects with a catalogue, by NORAD id or else by international designator.

        An object screened by its elements and by its trajectory would be in conjunction with itself all the time.

        Parameters
        ----------
        catalog : Catalog
            The catalogue to search.

        Returns
        -------
        ndarray of int64, shape (n,)
            Index in the catalogue, -1 for objects that it does not hold.
        """
        return match(self.norad_id, self.object_id, catalog)


def _ranges(begin: Ints, end: Ints) -> tuple[Ints, Ints]:
    """Numbers of many ranges one after another, and the range of each."""
    count = end - begin
    owner = np.repeat(np.arange(len(begin)), count)
    return np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count) + begin[owner], owner


def _reduced(method: Strings, degree: Ints, length: Ints) -> tuple[Strings, Ints]:
    """Methods and degrees that the samples allow.

    A segment with too few samples for its Lagrange polynomial is interpolated by Hermite. Its degree is odd, at most
    the one given (but at least 3) and at most 2 n - 1 of n samples. Linear has degree 1.
    """
    wanted = np.minimum(degree, MAX_DEGREE)
    method = np.where((method == "lagrange") & (wanted > length - 1), "hermite", method)
    wanted = np.where(method == "hermite", np.minimum(np.maximum(wanted - 1, 2) // 2 * 2 + 1, 2 * length - 1), wanted)
    return method, np.where(method == "linear", 1, wanted)
