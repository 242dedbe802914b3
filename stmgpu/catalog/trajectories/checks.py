"""Checks of trajectories: shapes first, then every value; the first wrong one is named with its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stmgpu.catalog.limits import MAX_NORAD_ID
from stmgpu.catalog.trajectories.columns import OBJECT, SEGMENT, Columns
from stmgpu.catalog.trajectories.interpolation import METHODS
from stmgpu.constants import WGS72
from stmgpu.errors import InputError, counted
from stmgpu.time import format_utc

if TYPE_CHECKING:
    from collections.abc import Callable

    from stmgpu.typing import Bools, Ints

MIN_RADIUS_KM, MAX_RADIUS_KM = WGS72.radius_km, 1e6
"""Distances from the Earth's centre that a sample may have [km]."""

MAX_SPEED_KM_S = 15.0
"""Largest speed of a sample [km/s]; escape from the Earth's surface takes 11.2."""

MIN_SPACING_NS, MAX_SPACING_NS = 1_000_000, 4 * 3600 * 10**9
"""Smallest and largest time between two samples of a segment [ns]: a millisecond and 4 hours."""

MAX_TEXT = 200
_YEARS = ("1972-01-01", "2200-12-31")
_TIMES_NS = tuple(int(np.datetime64(day, "ns").view(np.int64)) for day in _YEARS)


def check_columns(t: Columns) -> None:
    """Check shapes and values of all columns.

    Parameters
    ----------
    t : Columns
        The columns to check.

    Raises
    ------
    InputError
        For the first wrong value; it names object, segment, sample and time.
    """
    _check_shapes(t)
    _check_objects(t)
    if len(t.segment_object):
        _check_segments(t)
        _check_samples(t)


def _check_shapes(t: Columns) -> None:
    n, s, m = np.size(t.norad_id), np.size(t.segment_object), np.size(t.time_ns)
    expected: dict[str, tuple[int, ...]] = {
        **dict.fromkeys(OBJECT, (n,)),
        **dict.fromkeys(SEGMENT, (s,)),
        "offset": (s + 1,),
        "time_ns": (m,),
        "position": (m, 3),
        "velocity": (m, 3),
    }
    for name, shape in expected.items():
        actual = getattr(t, name).shape
        if actual != shape:
            raise InputError(
                f"column {name!r} of trajectories has shape {actual}, allowed is {shape} "
                f"({counted(n, 'object')}, {counted(s, 'segment')}, {counted(m, 'sample')})"
            )
    offset, owner = t.offset, t.segment_object
    if offset[0] != 0 or offset[-1] != m or (offset[1:] < offset[:-1]).any():
        raise InputError(f"offsets of trajectories must rise from 0 to the number of samples, {m}")
    if (s and ((np.diff(owner) < 0).any() or owner[0] != 0 or (np.diff(owner) > 1).any())) or (n != _last(owner) + 1):
        raise InputError(
            f"segments of trajectories must belong to objects 0 to {n - 1} in their order, each to one; "
            f"got {owner[:20].tolist()}"
        )


def _last(owner: Ints) -> int:
    return int(owner[-1]) if len(owner) else -1


def _check_objects(t: Columns) -> None:
    wrong = np.flatnonzero((t.norad_id < 1) | (t.norad_id > MAX_NORAD_ID))
    if len(wrong):
        raise InputError(
            f"trajectory {str(t.name[wrong[0]])!r} has id {t.norad_id[wrong[0]]}, allowed is 1 to {MAX_NORAD_ID}"
        )
    ids, first = np.unique(t.norad_id, return_index=True)
    if len(ids) < len(t.norad_id):
        again = np.setdiff1d(np.arange(len(t.norad_id)), first)[0]
        raise InputError(
            f"id {t.norad_id[again]} is given to more than one trajectory ({str(t.name[again])!r} is "
            "one of them); ids must be unique, give each object its own"
        )
    for name in ("name", "object_id", "source", "sha256"):
        for text in getattr(t, name).tolist():
            if len(text) > MAX_TEXT or not text.isprintable():
                raise InputError(
                    f"{name} {text[:40]!r} of a trajectory is not printable text of at most {MAX_TEXT} "
                    "characters on one line"
                )


def _where(t: Columns, segment: int, sample: int | None = None) -> str:
    k = int(t.segment_object[segment])
    number = segment - int(np.searchsorted(t.segment_object, k)) + 1
    text = f"trajectory {str(t.name[k])!r} (object {t.norad_id[k]}), segment {number}"
    if sample is not None:
        text += f", sample {sample - int(t.offset[segment]) + 1}"
        if _TIMES_NS[0] <= t.time_ns[sample] <= _TIMES_NS[1]:
            text += f" at {_utc(t.time_ns[sample])}"
    return text


def _utc(time_ns: np.int64) -> str:
    return str(format_utc(np.asarray(time_ns, np.int64).view("datetime64[ns]")))


def _check_segments(t: Columns) -> None:
    def refuse(bad: Bools, message: Callable[[int], str]) -> None:
        if bad.any():
            k = int(np.flatnonzero(bad)[0])
            raise InputError(f"{_where(t, k)}: {message(k)}")

    length = np.diff(t.offset)
    refuse(length < 2, lambda k: f"it has {counted(length[k], 'sample')}; at least 2 are needed to interpolate")
    refuse(
        ~np.isin(t.method, METHODS),
        lambda k: f"interpolation {str(t.method[k])[:40]!r} is unknown; allowed: {', '.join(METHODS)}",
    )
    refuse(t.degree < 1, lambda k: f"interpolation degree is {t.degree[k]}, allowed is 1 or more")
    first, last = t.time_ns[t.offset[:-1]], t.time_ns[t.offset[1:] - 1]
    refuse(
        (first < _TIMES_NS[0]) | (last > _TIMES_NS[1]),
        lambda k: f"its times are outside the years {_YEARS[0][:4]} to {_YEARS[1][:4]}",
    )
    start, stop = t.usable_start_ns, t.usable_stop_ns
    outside = (start < first) | (stop > last)
    refuse(
        outside,
        lambda k: (
            f"its usable time, {_utc(start[k])} to {_utc(stop[k])}, is not covered by its samples, "
            f"{_utc(first[k])} to {_utc(last[k])}"
        ),
    )
    refuse(stop <= start, lambda k: f"its usable time ends at {_utc(stop[k])}, not after its start, {_utc(start[k])}")
    overlap = np.append(False, (np.diff(t.segment_object) == 0) & (start[1:] < stop[:-1]))
    refuse(
        overlap,
        lambda k: (
            f"its usable time begins at {_utc(start[k])}, before that of the segment before ends, "
            f"{_utc(stop[k - 1])}; usable times may touch and must not overlap"
        ),
    )


def _check_samples(t: Columns) -> None:
    segment = np.repeat(np.arange(len(t.segment_object)), np.diff(t.offset))

    def refuse(bad: Bools, message: Callable[[int], str]) -> None:
        if bad.any():
            k = int(np.flatnonzero(bad)[0])
            raise InputError(f"{_where(t, int(segment[k]), k)}: {message(k)}")

    step = np.diff(t.time_ns, prepend=t.time_ns[:1])
    step[t.offset[:-1]] = MIN_SPACING_NS
    refuse(
        step < MIN_SPACING_NS,
        lambda k: (
            f"its time is {step[k] * 1e-9:.9g} s after the one before; times must "
            "rise by a millisecond at least (leave one of the two out; a manoeuvre needs a segment of its own)"
        ),
    )
    refuse(step > MAX_SPACING_NS, lambda k: f"it is {step[k] * 1e-9:.9g} s after the one before; allowed are 4 hours")
    r2 = (t.position * t.position).sum(axis=1)
    v2 = (t.velocity * t.velocity).sum(axis=1)
    refuse(
        ~np.isfinite(r2 + v2),
        lambda k: f"position {t.position[k].tolist()} and velocity {t.velocity[k].tolist()} must be finite",
    )
    refuse(
        (r2 < MIN_RADIUS_KM**2) | (r2 > MAX_RADIUS_KM**2),
        lambda k: (
            f"it is {r2[k] ** 0.5:.6g} km from the Earth's centre; allowed are {MIN_RADIUS_KM:g} to "
            f"{MAX_RADIUS_KM:g} km (check the unit: km)"
        ),
    )
    refuse(
        v2 > MAX_SPEED_KM_S**2,
        lambda k: f"its speed is {v2[k] ** 0.5:.6g} km/s; allowed are {MAX_SPEED_KM_S:g} km/s (check the unit: km/s)",
    )
    # positions and velocities must agree: a chord is at most as long as the speeds allow
    moved = np.diff(t.position, axis=0, prepend=t.position[:1])
    moved[t.offset[:-1]] = 0.0
    speed = np.sqrt((moved * moved).sum(axis=1)) / (step * 1e-9)
    refuse(
        speed > MAX_SPEED_KM_S,
        lambda k: (
            f"it is {speed[k]:.6g} km/s times the spacing away from the one before; allowed are {MAX_SPEED_KM_S:g} km/s"
        ),
    )
