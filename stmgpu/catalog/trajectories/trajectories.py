"""Trajectories: tables of states of objects that are known better than by element sets, such as operators' ephemerides.

One object may have several segments, cut at manoeuvres; nothing is ever interpolated across the ends of a segment.
Columns are flat: samples of all segments one after another, segments of all objects one after another, and offsets.
They hold numbers and text only and can be stored as they are.

Largest interpolation error in metres, measured at 150 random times of 6 h (SGP4: median / worst of 2,000 objects of the
synthetic catalogue, periods of 1.5 to 24 h; J2: a circle at 500 km integrated with flattening). The worst stand in the
first and last intervals of eccentric orbits at perigee, where samples lie on one side only:

    spacing       Lagrange 5      Lagrange 7       Lagrange 9        Lagrange 11       Hermite 7
     60 s SGP4    3e-3 / 0.2      5e-6 / 5e-3      2e-7 / 9e-4       1e-7 / 9e-4       0.2 / 17
          J2      0.01            5e-5             2e-6              3e-6              1e-6
    120 s SGP4    0.7 / 18        0.01 / 5         7e-4 / 3          7e-5 / 2          1.5 / 160
          J2      0.9             0.02             1e-3              1e-4              3e-5
    180 s SGP4    9 / 230         0.3 / 140        0.04 / 130        0.01 / 130        1.9 / 210
          J2      11              0.4              0.05              0.01              7e-4
    300 s SGP4    190 / 3,700     17 / 3,400       6 / 6,100         4 / 14,000        3 / 320
          J2      230             23               6                 4                 0.04

Hermite is the best where velocities are the derivatives of the positions, and bad where SGP4 made them, since its are
not. Lagrange of degree 9 is the default: good for both, up to 120 s.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from stmgpu.catalog.trajectories.checks import check_columns
from stmgpu.catalog.trajectories.columns import (
    SYNTHETIC_ID,
    Segment,
    Trajectory,
    as_column,
    columns_of,
    from_dataset,
    matches,
)
from stmgpu.catalog.trajectories.interpolation import DEFAULT_DEGREE, MAX_DEGREE, METHODS, left_out_errors, sample_count
from stmgpu.errors import InputError

if TYPE_CHECKING:
    import xarray as xr

    from stmgpu.catalog.catalog import Catalog

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

MAX_ERROR_KM = 1.0
"""Estimated interpolation error above which a trajectory is refused by `require_accuracy` [km]."""

__all__ = ["MAX_ERROR_KM", "SYNTHETIC_ID", "Segment", "Trajectories", "Trajectory"]

_LOOKED_AT = 100
_OBJECT = ("norad_id", "name", "object_id", "source", "sha256")
_SEGMENT = ("segment_object", "usable_start_ns", "usable_stop_ns", "method", "degree")
_SAMPLE = ("time_ns", "position", "velocity")
_TEXT = ("name", "object_id", "source", "sha256", "method")


@dataclass(frozen=True, eq=False)
class Trajectories:
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

    Raises
    ------
    InputError
        If a column has the wrong shape, or a value is none that an ephemeris can have; it names object, segment, time.

    Examples
    --------
    >>> angle = np.arange(20) * 60.0 * 0.0010780
    >>> t = np.datetime64("2025-01-01", "ns") + np.arange(20) * np.timedelta64(60, "s")
    >>> circle = np.stack([np.cos(angle), np.sin(angle), 0.0 * angle], axis=1)
    >>> ahead = np.stack([-np.sin(angle), np.cos(angle), 0.0 * angle], axis=1)
    >>> one = Trajectory([Segment(t, 7000.0 * circle, 7.546 * ahead)], name="EXAMPLE")
    >>> trajectories = Trajectories.of([one])
    >>> len(trajectories), int(trajectories.norad_id[0]), str(trajectories.name[0])
    (1, 900000001, 'EXAMPLE')
    """

    norad_id: Ints
    name: npt.NDArray[np.str_]
    object_id: npt.NDArray[np.str_]
    source: npt.NDArray[np.str_]
    sha256: npt.NDArray[np.str_]
    segment_object: Ints
    usable_start_ns: Ints
    usable_stop_ns: Ints
    method: npt.NDArray[np.str_]
    degree: Ints
    offset: Ints
    time_ns: Ints
    position: Floats
    velocity: Floats

    def __post_init__(self) -> None:
        for field in fields(self):
            kind = np.str_ if field.name in _TEXT else np.float64 if field.name in _SAMPLE[1:] else np.int64
            object.__setattr__(self, field.name, as_column(field.name, getattr(self, field.name), kind))
        check_columns(self)
        for name, column in zip(
            ("method", "degree"), _reduced(self.method, self.degree, np.diff(self.offset)), strict=True
        ):
            object.__setattr__(self, name, column)
        for field in fields(self):
            view = getattr(self, field.name).view()
            view.flags.writeable = False
            object.__setattr__(self, field.name, view)

    @classmethod
    def of(cls, trajectories: Iterable[Trajectory], first_id: int = SYNTHETIC_ID) -> Trajectories:
        """Columns of trajectories; those without an id get `first_id`, `first_id` + 1 and so on in their order."""
        return cls(**columns_of(list(trajectories), first_id))

    @classmethod
    def concatenate(cls, parts: Sequence[Trajectories]) -> Trajectories:
        """All objects of several; synthetic ids (from 900,000,001) that are taken are replaced by free ones.

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
        columns = {
            name: np.concatenate([getattr(part, name) for part in parts]) for name in (*_OBJECT, *_SEGMENT, *_SAMPLE)
        }
        columns["norad_id"] = ids
        columns["segment_object"] = np.concatenate(
            [part.segment_object + k for part, k in zip(parts, objects[:-1], strict=True)]
        )
        columns["offset"] = np.concatenate(
            [[0], *(part.offset[1:] + k for part, k in zip(parts, samples[:-1], strict=True))]
        )
        return cls(**columns)

    @classmethod
    def from_dataset(cls, dataset: xr.Dataset, method: str = "lagrange", degree: int = DEFAULT_DEGREE) -> Trajectories:
        """Trajectories of an stmgpu ephemeris, as `stmgpu.propagate` returns and `stmgpu propagate` stores it.

        See `stmgpu.catalog.trajectories.columns.from_dataset`.
        """
        return cls(**from_dataset(dataset, method, degree))

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.ArrayLike]) -> Trajectories:
        """The inverse of `to_arrays`; every value is checked again.

        Raises
        ------
        InputError
            If an array is missing or unknown, or the columns are none of a trajectory.
        """
        names = {field.name for field in fields(cls)}
        missing, unknown = sorted(names - set(arrays)), sorted(set(arrays) - names)
        if missing or unknown:
            raise InputError(f"arrays of trajectories: missing {missing}, unknown {unknown}; known are {sorted(names)}")
        return cls(**{name: arrays[name] for name in names})  # type: ignore[arg-type]

    def to_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """All columns by name, numbers and fixed-width text only: what a store holds of them."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def __len__(self) -> int:
        return len(self.norad_id)

    def __repr__(self) -> str:
        return f"<Trajectories: {len(self)} objects, {len(self.segment_object)} segments, {len(self.time_ns)} samples>"

    def __getitem__(self, key: Any) -> Trajectories:
        """Some of the objects: a boolean mask, an array of indices, a slice, or one index (trajectories of one)."""
        try:
            objects = np.atleast_1d(np.arange(len(self))[key])
        except (IndexError, TypeError) as error:
            raise InputError(
                f"cannot take {key!r} of {len(self)} trajectories ({error}); give a mask of that length, "
                "whole-number indices or a slice"
            ) from None
        begin = np.searchsorted(self.segment_object, objects)
        segments, owner = _ranges(begin, np.searchsorted(self.segment_object, objects, side="right"))
        samples, _ = _ranges(self.offset[segments], self.offset[segments + 1])
        columns = {
            name: getattr(self, name)[which]
            for names, which in ((_OBJECT, objects), (_SEGMENT, segments), (_SAMPLE, samples))
            for name in names
        }
        columns["segment_object"] = owner
        columns["offset"] = np.concatenate([[0], np.cumsum(np.diff(self.offset)[segments])])
        return Trajectories(**columns)

    def equals(self, other: Trajectories) -> bool:
        """Whether every column holds the same values."""
        return all(np.array_equal(getattr(self, f.name), getattr(other, f.name)) for f in fields(self))

    def digest(self) -> str:
        """SHA-256 over ids, segments and samples: equal where the motion is equal; names and sources do not count."""
        total = hashlib.sha256()
        for name in ("norad_id", *_SEGMENT, "offset", *_SAMPLE):
            column = getattr(self, name)
            if name == "method":
                column = np.array([METHODS.index(text) for text in column], np.int64)
            elif column.dtype.kind == "f":
                column = column + 0.0  # one zero
            total.update(name.encode() + b"\0" + np.ascontiguousarray(column, column.dtype.newbyteorder("<")).tobytes())
        return total.hexdigest()

    @property
    def samples_used(self) -> Ints:
        """Samples that take part in one interpolation, shape (s,)."""
        return np.array(
            [sample_count(m, d) for m, d in zip(self.method.tolist(), self.degree.tolist(), strict=True)], np.int64
        )

    def interpolation_error_km(self) -> Floats:
        """Estimate of each object's largest interpolation error in its usable time.

        Every sample is left out in turn and interpolated from its neighbours; twice the difference, scaled to the
        middle of the intervals beside it (`left_out_errors` of the module ``interpolation``), is the estimate. In the
        table above it lies between the true error and 3 times it for Lagrange up to 120 s (Hermite: 100 times); beyond,
        where errors are tens of metres, down to a quarter of it. It sees rounded samples as errors, too. Of a
        segment's samples about 100 are looked at, evenly spread: what is found of one does not depend on the others.

        Returns
        -------
        ndarray of float64, shape (n,)
            [km].
        """
        length, segment = np.diff(self.offset), np.repeat(np.arange(len(self.segment_object)), np.diff(self.offset))
        time_s = np.asarray((self.time_ns - self.time_ns[self.offset[:-1]][segment]) / 1e9, np.float64)
        # samples whose two intervals overlap the usable time
        place = np.arange(len(self.time_ns))
        before = self.time_ns[np.maximum(place - 1, self.offset[:-1][segment])]
        after = self.time_ns[np.minimum(place + 1, self.offset[1:][segment] - 1)]
        counts = (after > self.usable_start_ns[segment]) & (before < self.usable_stop_ns[segment])
        pick = np.flatnonzero(counts)
        each = np.bincount(segment[pick], minlength=len(length))
        number = np.arange(len(pick)) - np.repeat(np.cumsum(each) - each, each)
        pick = pick[(number % np.repeat(-(-each // _LOOKED_AT), each) == 0) | (number == np.repeat(each, each) - 1)]
        worst = np.zeros(len(self))
        used = self.samples_used
        for method in METHODS:
            for samples in np.unique(used[self.method == method]).tolist():
                kind = (self.method == method) & (used == samples)
                rows = pick[kind[segment[pick]]]
                errors = left_out_errors(
                    length, self.offset[:-1], rows, segment[rows], time_s, self.position, self.velocity, method, samples
                )
                np.maximum.at(worst, self.segment_object[segment[rows]], 2.0 * errors)
        return worst

    def require_accuracy(self, limit_km: float = MAX_ERROR_KM) -> Floats:
        """The estimates of `interpolation_error_km`, refused where one is above a limit.

        Raises
        ------
        InputError
            It names the worst objects, and the cure: closer samples.
        """
        errors = self.interpolation_error_km()
        bad = np.argsort(-errors, kind="stable")[: int((errors > limit_km).sum())]
        if len(bad):
            shown = "; ".join(f"{self.norad_id[k]} {str(self.name[k])!r}: {errors[k]:.3g} km" for k in bad[:5])
            raise InputError(
                f"{len(bad)} of {len(self)} trajectories are sampled too coarsely to interpolate: estimated error "
                f"above {limit_km:g} km ({shown}); give samples closer together, or leave these objects out"
            )
        return errors

    def matches(self, catalog: Catalog) -> Ints:
        """The catalogue's object that each trajectory is of, by NORAD id or else by international designator.

        Returns
        -------
        ndarray of int64, shape (n,)
            Index in the catalogue, -1 where there is none. Screened against each other, an object's own elements and
            its trajectory would meet all the time.
        """
        return matches(self.norad_id, self.object_id, catalog)


def _ranges(begin: Ints, end: Ints) -> tuple[Ints, Ints]:
    """All numbers of many ranges one after another, and the range that each is of."""
    count = end - begin
    owner = np.repeat(np.arange(len(begin)), count)
    return np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count) + begin[owner], owner


def _reduced(method: npt.NDArray[np.str_], degree: Ints, length: Ints) -> tuple[npt.NDArray[np.str_], Ints]:
    """Methods and degrees that the samples allow.

    A segment with too few samples for its Lagrange polynomial is interpolated by Hermite, whose degree is odd, at most
    the one that was asked for (3 at least) and at most 2 n - 1 of n samples. Linear has degree 1.
    """
    wanted = np.minimum(degree, MAX_DEGREE)
    method = np.where((method == "lagrange") & (wanted > length - 1), "hermite", method)
    wanted = np.where(method == "hermite", np.minimum(np.maximum(wanted - 1, 2) // 2 * 2 + 1, 2 * length - 1), wanted)
    return method, np.where(method == "linear", 1, wanted)
