"""Segments of messages as trajectories in TEME and UTC.

Frame, time system, usable time and interpolation are taken from the metadata, and what is not supported is rejected.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.catalog.limits import MAX_NORAD_ID
from stmgpu.catalog.trajectories.covariances import TrajectoryCovariances, lower_of
from stmgpu.catalog.trajectories.interpolation import DEFAULT_DEGREE, MAX_DEGREE
from stmgpu.catalog.trajectories.joining import join_segments
from stmgpu.catalog.trajectories.segments import Segment, Trajectory
from stmgpu.catalog.trajectories.thinning import RATIO, kept_samples
from stmgpu.errors import InputError, counted
from stmgpu.frames import FRAMES, known_frame, rotation_to_teme, to_teme
from stmgpu.messages.fields import STATE, fail
from stmgpu.messages.times import EPOCH_FORMS, UtcInterval, parse_epochs, to_tai, utc_intervals
from stmgpu.typing import Ints, is_whole

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from stmgpu.messages.states import StateSegment

_REQUIRED = ("OBJECT_NAME", "OBJECT_ID", "CENTER_NAME", "REF_FRAME", "TIME_SYSTEM", "START_TIME", "STOP_TIME")
_TIMES = ("START_TIME", "USEABLE_START_TIME", "USEABLE_STOP_TIME", "STOP_TIME")
_METHODS = {"LAGRANGE": "lagrange", "HERMITE": "hermite", "LINEAR": "linear"}
_NO_ID = ("", "UNKNOWN", "NONE", "N/A", "TBD")
_LOCAL_FRAMES = {
    **dict.fromkeys(("RTN", "RSW", "RIC", "UVW", "QSW", "RSW_INERTIAL"), "RTN"),
    **dict.fromkeys(("TNW", "TNW_INERTIAL"), "TNW"),
}
_SECOND_NS = 1_000_000_000
_HUGE = 1e30
_NOTES = 10
"""Gaps of an object that are told one by one."""


def trajectories_of(
    raw: Sequence[StateSegment], *, norad_ids: Mapping[str, int] | int | None, source: str, sha256: str
) -> tuple[list[Trajectory], list[str]]:
    """Trajectories of a file's segments, in the order in which their objects appear.

    Parameters
    ----------
    raw : sequence of StateSegment
        Segments of the file.
    norad_ids : int or mapping of str to int, optional
        As in `stmgpu.catalog.ccsds.oem.read_oem`.
    source, sha256 : str
        As in `Trajectory`.

    Returns
    -------
    trajectories : list of Trajectory
        One an object.
    notes : list of str
        Gaps between segments that were bridged, those that were not, and states outside the stated time.

    Raises
    ------
    InputError
        If anything is wrong or not supported: the message names line or record, the value, and what is allowed.
    """
    notes: list[str] = []
    segments: dict[tuple[str, str], list[Segment]] = {}
    names: dict[tuple[str, str], str] = {}
    stated = _stated_times(raw)
    for segment in raw:
        _check_fields(segment)
        object_id, name = segment.meta["OBJECT_ID"].strip(), segment.meta["OBJECT_NAME"].strip()
        key = ("", name) if object_id.upper() in _NO_ID else (object_id, "")
        names.setdefault(key, name)
        segments.setdefault(key, []).extend(_segments(segment, stated, notes))
    if isinstance(norad_ids, int) and len(segments) > 1:
        raise InputError(
            f"one id, {norad_ids}, is given for {len(segments)} objects ({', '.join(names.values())[:200]}); "
            "give a mapping of OBJECT_ID to id"
        )
    trajectories = []
    for key, parts in segments.items():
        joined, remarks = join_segments(sorted(parts, key=lambda part: part.usable_start_ns or 0))
        notes += [f"{names[key] or key[0]}: {remark}" for remark in remarks[:_NOTES]]
        if len(remarks) > _NOTES:
            notes.append(f"{names[key] or key[0]}: {counted(len(remarks) - _NOTES, 'more gap')} between segments")
        trajectories.append(Trajectory(joined, _id(key[0], names[key], norad_ids), names[key], key[0], source, sha256))
    return trajectories, notes


def _id(object_id: str, name: str, norad_ids: Mapping[str, int] | int | None) -> int | None:
    given = norad_ids if isinstance(norad_ids, int) else (norad_ids or {}).get(object_id, (norad_ids or {}).get(name))
    if given is not None and (not is_whole(given) or not 1 <= given <= MAX_NORAD_ID):
        raise InputError(f"id {given!r} of {name!r} is not a whole number; use 1 to {MAX_NORAD_ID}")
    if given is None and re.fullmatch(r"\d{1,9}", object_id, re.ASCII) and 1 <= int(object_id) <= MAX_NORAD_ID:
        return int(object_id)
    return given


def _check_fields(segment: StateSegment) -> None:
    meta = segment.meta
    missing = [keyword for keyword in _REQUIRED if not meta.get(keyword, "").strip()]
    if missing:
        fail(segment.where(), f"metadata has no {', '.join(missing)}; required are {', '.join(_REQUIRED)}")
    if meta["CENTER_NAME"].strip().upper() != "EARTH":
        fail(segment.where(), f"CENTER_NAME is {meta['CENTER_NAME'][:40]!a}, allowed is EARTH")
    try:
        frame = known_frame(meta["REF_FRAME"])
    except InputError as error:
        fail(segment.where(), f"REF_FRAME: {error}")
    if meta.get("REF_FRAME_EPOCH", "").strip() and frame in ("TEME", "TOD"):
        fail(
            segment.where(),
            f"REF_FRAME_EPOCH fixes {frame} at one instant, which is not supported; give the frame "
            "of date, or EME2000 or GCRF",
        )


def _stated_times(raw: Sequence[StateSegment]) -> dict[bytes, tuple[Ints, Ints, bool]]:
    """Day, nanosecond and validity of all times in metadata, by their texts: read at once, as few are slow to read."""
    texts = list({text for segment in raw for keyword in _TIMES if (text := _time_text(segment, keyword))})
    day, nanosecond, valid = parse_epochs(texts)
    return {
        text: (day[k : k + 1], nanosecond[k : k + 1], valid_one)
        for k, (text, valid_one) in enumerate(zip(texts, valid.tolist(), strict=True))
    }


def _time_text(segment: StateSegment, keyword: str) -> bytes:
    return segment.meta.get(keyword, "").strip().encode("utf-8", "replace").replace(b" ", b"T", 1)


def _segments(
    segment: StateSegment, stated: Mapping[bytes, tuple[Ints, Ints, bool]], notes: list[str]
) -> list[Segment]:
    """Convert a segment of a message to TEME and UTC; a leap second splits it in two."""
    meta = segment.meta
    try:
        tai = to_tai(meta["TIME_SYSTEM"], segment.day, segment.nanosecond)
    except InputError as error:
        fail(segment.where(), f"TIME_SYSTEM: {error}")
    late = np.flatnonzero(np.diff(tai) <= 0)
    if len(late):
        k = int(late[0]) + 1
        fail(
            segment.where(k),
            f"its time is {(tai[k] - tai[k - 1]) * 1e-9:.9g} s after that of the state before; "
            "times must rise (a manoeuvre needs a segment of its own)",
        )
    _check_sizes(segment)
    begin, end = _usable(segment, tai, stated, notes)
    keep = kept_samples(tai)
    if not keep.all():
        notes.append(_left_out(segment, np.flatnonzero(~keep), tai))
    tai, states = tai[keep], segment.states[keep]
    intervals = utc_intervals(int(tai[0]), int(tai[-1]))
    position, velocity = to_teme(meta["REF_FRAME"], tai - intervals[0].offset_ns, states[:, :3], states[:, 3:])
    method, degree = _interpolation(segment)
    covariance_tai = None if segment.covariance is None else _covariance_times(segment)
    parts = []
    for interval in intervals:
        start, stop = max(begin - interval.offset_ns, interval.begin_ns), min(end - interval.offset_ns, interval.end_ns)
        if stop > start:
            covariance = (
                TrajectoryCovariances() if covariance_tai is None else _covariances(segment, covariance_tai, interval)
            )
            times_ns = tai - interval.offset_ns
            parts.append(Segment(times_ns, position, velocity, start, stop, method, degree, covariance))
    return parts


def _left_out(segment: StateSegment, rows: Ints, tai: Ints) -> str:
    """Note about states that are too close to others."""
    steps = [min(tai[k] - tai[k - 1], tai[k + 1] - tai[k]) * 1e-9 for k in rows[:3].tolist()]
    shown = ", ".join(f"{segment.where(k)} ({s:.6g} s)" for k, s in zip(rows[:3].tolist(), steps, strict=True))
    rest = f" and {len(rows) - 3} more" if len(rows) > 3 else ""
    why = f"less than 1/{RATIO} of a neighbouring step from another"
    return f"{len(rows)} of {len(tai)} states left out, {why}: {shown}{rest}"


def _check_sizes(segment: StateSegment) -> None:
    """Refuse numbers whose squares are none; the checks of trajectories name all others that are wrong."""
    huge = np.argwhere(np.abs(segment.states) > _HUGE)
    if len(huge):
        row, column = huge[0].tolist()
        value = segment.states[row, column]
        fail(segment.where(row), f"{STATE[column]} is {value:g}; allowed are km and km/s of an object in orbit")
    if segment.covariance is not None and np.abs(segment.covariance.values).max(initial=0.0) > _HUGE:
        fail(segment.where(), f"a covariance holds a number above {_HUGE:g}; allowed are km2, km2/s and km2/s2")


def _covariance_times(segment: StateSegment) -> Ints:
    """TAI of the covariances of a segment [ns]; they must rise."""
    table = segment.covariance
    assert table is not None
    tai = to_tai(segment.meta["TIME_SYSTEM"], table.day, table.nanosecond)
    late = np.flatnonzero(np.diff(tai) <= 0)
    if len(late):
        fail(segment.where(), f"the epoch of covariance {late[0] + 2} is not after that of the one before")
    return tai


def _covariances(segment: StateSegment, tai: Ints, interval: UtcInterval) -> TrajectoryCovariances:
    """Covariances of a segment within an interval without leap second, inertial ones turned to TEME."""
    table = segment.covariance
    assert table is not None
    utc = tai - interval.offset_ns
    rows = np.flatnonzero((utc >= interval.begin_ns) & (utc < interval.end_ns))
    given = np.array(table.frame)[rows]
    frames = np.array([_LOCAL_FRAMES.get(name, "TEME" if name in FRAMES else name) for name in np.unique(given)])
    frame = frames[np.unique(given, return_inverse=True)[1]] if len(rows) else given
    covariances = TrajectoryCovariances(np.zeros(len(rows), np.int64), utc[rows], frame, table.values[rows])
    for name in np.unique(given).tolist():
        if name in FRAMES and FRAMES[name] != "TEME":
            covariances = _turned(covariances, np.flatnonzero(given == name), name)
    return covariances


def _turned(covariances: TrajectoryCovariances, rows: Ints, frame: str) -> TrajectoryCovariances:
    """Covariances with some rows turned from a frame to TEME: M C M^T for positions and velocities alike."""
    rotation = np.zeros((len(rows), 6, 6))
    rotation[:, :3, :3] = rotation[:, 3:, 3:] = rotation_to_teme(frame, covariances.time_ns[rows])
    turned = np.einsum("cij,cjk,clk->cil", rotation, covariances.matrices()[rows], rotation, optimize=True)
    lower = covariances.lower.copy()
    lower[rows] = lower_of(turned)
    return replace(covariances, lower=lower)


def _usable(
    segment: StateSegment, tai: Ints, stated: Mapping[bytes, tuple[Ints, Ints, bool]], notes: list[str]
) -> tuple[int, int]:
    """Usable time [ns TAI], after a check of the metadata's four times against the states."""
    times = {}
    for keyword in _TIMES:
        text = _time_text(segment, keyword)
        if text:
            day, nanosecond, valid = stated[text]
            if not valid:
                shown = segment.meta[keyword].strip()[:60]
                fail(segment.where(), f"{keyword} is {shown!a}, allowed are times such as {EPOCH_FORMS}")
            try:
                times[keyword] = int(to_tai(segment.meta["TIME_SYSTEM"], day, nanosecond)[0])
            except InputError as error:
                fail(segment.where(), f"{keyword}: {error}")
    first, last, widest = int(tai[0]), int(tai[-1]), int(np.diff(tai).max(initial=0))
    start, stop = times["START_TIME"], times["STOP_TIME"]
    if first < start - widest - _SECOND_NS or last > stop + widest + _SECOND_NS:
        fail(
            segment.where(),
            f"its states run from {_ago(first - start)} START_TIME to {_ago(last - stop)} STOP_TIME; "
            "all must lie between the two, or one step outside",
        )
    if first > start + widest + _SECOND_NS or last < stop - widest - _SECOND_NS:
        fail(
            segment.where(),
            f"its states run from {_ago(first - start)} START_TIME to {_ago(last - stop)} STOP_TIME "
            "and do not fill the time between; the file is cut, or its metadata is of another",
        )
    begin, end = times.get("USEABLE_START_TIME", first), times.get("USEABLE_STOP_TIME", last)
    if first < start - _SECOND_NS or last > stop + _SECOND_NS:
        notes.append(
            f"{segment.where()}: its states run from {_ago(first - start)} START_TIME to {_ago(last - stop)} "
            "STOP_TIME; the time between the two is used"
        )
        begin, end = max(begin, start), min(end, stop)
    if begin < first or end > last:
        fail(
            segment.where(),
            f"usable time runs from {_ago(begin - first)} the first state to {_ago(end - last)} the "
            "last; the states must cover it",
        )
    if end <= begin:
        fail(segment.where(), "USEABLE_STOP_TIME is not after USEABLE_START_TIME")
    return begin, end


def _ago(nanoseconds: int) -> str:
    return f"{abs(nanoseconds) * 1e-9:.9g} s {'before' if nanoseconds < 0 else 'after'}"


def _interpolation(segment: StateSegment) -> tuple[str, int]:
    meta = segment.meta
    text, number = (meta.get(keyword, "").strip() for keyword in ("INTERPOLATION", "INTERPOLATION_DEGREE"))
    method = _METHODS.get(text.upper() or "LAGRANGE")
    if method is None:
        fail(segment.where(), f"INTERPOLATION is {text[:40]!a}, allowed: {', '.join(_METHODS)}")
    if not number:
        return method, 7 if method == "hermite" else DEFAULT_DEGREE
    if not re.fullmatch(r"\d{1,3}", number, re.ASCII) or int(number) < 1:
        fail(segment.where(), f"INTERPOLATION_DEGREE is {number[:40]!a}, allowed is a whole number from 1 on")
    return method, min(int(number), MAX_DEGREE)
