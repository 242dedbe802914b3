"""Trajectories as objects with segments, the form in which readers give them; ids for objects without one."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from stmgpu.catalog.trajectories.columns import float_column, int_column
from stmgpu.catalog.trajectories.covariances import TrajectoryCovariances
from stmgpu.catalog.trajectories.interpolation import DEFAULT_DEGREE
from stmgpu.catalog.trajectories.thinning import RATIO, kept_samples
from stmgpu.errors import InputError, counted
from stmgpu.time import format_utc

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stmgpu.typing import Ints

_LOG = logging.getLogger(__name__)

SYNTHETIC_ID = 900_000_001
"""First id for objects without a NORAD number, in the order read; real ids are far below."""


MARGIN = 16
"""States on either side of a window that are kept, as interpolation needs."""


@dataclass(frozen=True, eq=False)
class Segment:
    """Part of a trajectory between manoeuvres, interpolated as a whole.

    Parameters
    ----------
    time_ns : int64, shape (m,)
        UTC [ns since 1970, days of 86,400 s], strictly increasing, m >= 2. Steps may change by a factor of 8 at a time:
        states that are closer together are left out, with a warning in the log.
    position, velocity : float64, shape (m, 3)
        TEME [km], [km/s].
    usable_start_ns, usable_stop_ns : int, optional
        Usable time [ns, as `time_ns`]; from the first to the last sample by default.
    method : {'lagrange', 'hermite', 'linear'}
        Method of interpolation.
    degree : int
        Degree of the polynomial, 1 to 15 (more is read as 15). A segment with too few samples for its Lagrange
        polynomial is interpolated by Hermite, of at most this degree and at least 3; Hermite's degree is odd.
    covariance : TrajectoryCovariances, optional
        Covariances of the states, all of segment 0; none by default.
    """

    time_ns: npt.ArrayLike
    position: npt.ArrayLike
    velocity: npt.ArrayLike
    usable_start_ns: int | None = None
    usable_stop_ns: int | None = None
    method: str = "lagrange"
    degree: int = DEFAULT_DEGREE
    covariance: TrajectoryCovariances = field(default_factory=TrajectoryCovariances)


@dataclass(frozen=True, eq=False)
class Trajectory:
    """Segments of one object in the order of time, and its identification.

    Parameters
    ----------
    segments : sequence of Segment
        At least one; their usable times may touch and must not overlap.
    norad_id : int, optional
        1 to 999,999,999; None if the object has none.
    name, object_id : str
        Name and international designator.
    source, sha256 : str
        File name and digest of its bytes.
    """

    segments: Sequence[Segment]
    norad_id: int | None = None
    name: str = ""
    object_id: str = ""
    source: str = ""
    sha256: str = ""


def clipped(trajectory: Trajectory, begin_ns: int, end_ns: int) -> Trajectory:
    """Trajectory with the states of a window and 16 on either side; each segment keeps two at least.

    Parameters
    ----------
    trajectory : Trajectory
        Any trajectory.
    begin_ns, end_ns : int
        First and last instant of the window [ns since 1970 UTC].
    """
    return replace(trajectory, segments=[_clipped(segment, begin_ns, end_ns) for segment in trajectory.segments])


def without_covariances(trajectory: Trajectory) -> Trajectory:
    """The trajectory with its states alone."""
    return replace(
        trajectory, segments=[replace(part, covariance=TrajectoryCovariances()) for part in trajectory.segments]
    )


def _clipped(segment: Segment, begin_ns: int, end_ns: int) -> Segment:
    time_ns = int_column("time_ns", segment.time_ns)
    first = max(int(np.searchsorted(time_ns, begin_ns, side="right")) - 1 - MARGIN, 0)
    last = min(int(np.searchsorted(time_ns, end_ns)) + 1 + MARGIN, len(time_ns))
    start = time_ns[0] if segment.usable_start_ns is None else segment.usable_start_ns
    stop = time_ns[-1] if segment.usable_stop_ns is None else segment.usable_stop_ns
    if (first, last) == (0, len(time_ns)) or min(stop, time_ns[last - 1]) <= max(start, time_ns[first]):
        return segment
    covariance = segment.covariance
    near = (covariance.time_ns >= time_ns[first]) & (covariance.time_ns <= time_ns[last - 1])
    return replace(
        segment,
        time_ns=time_ns[first:last],
        position=float_column("position", segment.position)[first:last],
        velocity=float_column("velocity", segment.velocity)[first:last],
        usable_start_ns=max(int(start), int(time_ns[first])),
        usable_stop_ns=min(int(stop), int(time_ns[last - 1])),
        covariance=covariance[near],
    )


def columns_of(trajectories: Sequence[Trajectory], *, first_id: int) -> dict[str, Any]:
    """Columns of many trajectories.

    Parameters
    ----------
    trajectories : sequence of Trajectory
        One an object.
    first_id : int
        First id for objects without one; they get this and the next ones that are free.

    Raises
    ------
    InputError
        If an object has no segment, a segment less than two samples, or states have the wrong shape.
    """
    taken_ids = {one.norad_id for one in trajectories if one.norad_id is not None}
    ids, following = [], first_id
    for one in trajectories:
        while one.norad_id is None and following in taken_ids:
            following += 1
        ids.append(following if one.norad_id is None else one.norad_id)
        following += one.norad_id is None
    segments: list[Segment] = []
    owner: list[int] = []
    times: list[Ints] = []
    for k, one in enumerate(trajectories):
        if not len(one.segments):
            raise InputError(f"trajectory {one.name!r} (number {k + 1}) has no segment; give at least one")
        for given in one.segments:
            segment = _thinned(given, one.name)
            times.append(int_column("time_ns", segment.time_ns))
            segments.append(segment)
            owner.append(k)
    vectors = {
        name: [float_column(name, getattr(segment, name)) for segment in segments] for name in ("position", "velocity")
    }
    usable = [
        (
            t[0] if s.usable_start_ns is None else s.usable_start_ns,
            t[-1] if s.usable_stop_ns is None else s.usable_stop_ns,
        )
        for s, t in zip(segments, times, strict=True)
    ]
    return {
        "norad_id": np.array(ids, np.int64),
        **{
            name: np.array([getattr(one, name) for one in trajectories], np.str_)
            for name in ("name", "object_id", "source", "sha256")
        },
        "segment_object": np.array(owner, np.int64),
        "usable_start_ns": np.array([start for start, _ in usable], np.int64),
        "usable_stop_ns": np.array([stop for _, stop in usable], np.int64),
        "method": np.array([s.method for s in segments], np.str_),
        "degree": np.array([s.degree for s in segments], np.int64),
        "offset": np.concatenate([[0], np.cumsum([len(t) for t in times])]).astype(np.int64),
        "time_ns": np.concatenate([*times, np.empty(0, np.int64)]),
        **{name: np.concatenate([*parts, np.empty((0, 3))]) for name, parts in vectors.items()},
        "covariance": TrajectoryCovariances.concatenate([s.covariance for s in segments], [1] * len(segments)),
    }


def _thinned(segment: Segment, name: str) -> Segment:
    """A segment without states that are too close to others to be interpolated through; they are noted."""
    time_ns = int_column("time_ns", segment.time_ns).reshape(-1)
    if len(time_ns) < 2:
        raise InputError(
            f"a segment of trajectory {name!r} has {counted(len(time_ns), 'sample')}; 2 at least are needed to "
            "interpolate"
        )
    position, velocity = (float_column(column, getattr(segment, column)) for column in ("position", "velocity"))
    for part in (position, velocity):
        if part.shape != (len(time_ns), 3):
            raise InputError(
                f"states of a segment have shape {part.shape} beside {counted(len(time_ns), 'time')}; they must be "
                f"({len(time_ns)}, 3)"
            )
    keep = kept_samples(time_ns) if (np.diff(time_ns) > 0).all() else np.ones(len(time_ns), bool)
    if not keep.all():
        dropped = time_ns[~keep]
        _LOG.warning(
            "trajectory %r: %d of %d states left out, less than 1/%d of a neighbouring step apart: %s%s",
            name,
            len(dropped),
            len(time_ns),
            RATIO,
            ", ".join(np.atleast_1d(format_utc(dropped[:3].view("datetime64[ns]"))).tolist()),
            ", ..." if len(dropped) > 3 else "",
        )
        time_ns, position, velocity = time_ns[keep], position[keep], velocity[keep]
    return replace(segment, time_ns=time_ns, position=position, velocity=velocity)
