"""Orbit Ephemeris Messages (CCSDS 502.0-B: OEM 1.0, 2.0 and 3.0) as trajectories, and back.

Frame, time system, usable time and interpolation are taken from the file, and what is not supported is rejected. One
wrong line rejects the whole file: an ephemeris with a gap would look like an object that is absent.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.catalog.limits import MAX_NORAD_ID
from stmgpu.catalog.trajectories.interpolation import DEFAULT_DEGREE, MAX_DEGREE
from stmgpu.catalog.trajectories.segments import SYNTHETIC_ID, Segment, Trajectory
from stmgpu.catalog.trajectories.trajectories import Trajectories
from stmgpu.errors import InputError
from stmgpu.files import Source, read_content
from stmgpu.frames import known_frame, tai_minus_utc, to_teme
from stmgpu.messages import kvn, xml
from stmgpu.messages.fields import OEM, fail
from stmgpu.messages.times import EPOCH_FORMS, parse_epochs, to_tai, utc_intervals
from stmgpu.time import NS_PER_DAY
from stmgpu.typing import Ints, is_whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stmgpu.messages.states import StateSegment

MAX_BYTES = 512 * 1024**2
"""Largest OEM that is read, after decompression [bytes]: about 4 million states."""

_REQUIRED = ("OBJECT_NAME", "OBJECT_ID", "CENTER_NAME", "REF_FRAME", "TIME_SYSTEM", "START_TIME", "STOP_TIME")
_METHODS = {"LAGRANGE": "lagrange", "HERMITE": "hermite", "LINEAR": "linear"}
_NO_ID = ("", "UNKNOWN", "NONE", "N/A", "TBD")
_SECOND_NS = 1_000_000_000


def read_oem(
    source: Source,
    *,
    norad_ids: Mapping[str, int] | int | None = None,
    first_id: int = SYNTHETIC_ID,
    max_bytes: int = MAX_BYTES,
) -> Trajectories:
    """Read the trajectories of an OEM, or of an NDM of several, in KVN or XML, plain or packed (gzip, bzip2, xz, zip).

    Parameters
    ----------
    source : path, bytes or file-like
        A file's path, its content, or an object with `read()`.
    norad_ids : int or mapping of str to int, optional
        NORAD ids of the objects by OBJECT_ID or OBJECT_NAME; one number where the file holds one object. An OBJECT_ID
        of digits alone is used as NORAD id. All others get ids from `first_id` on.
    first_id : int
        First id of objects without one.
    max_bytes : int
        Largest size after decompression [bytes].

    Returns
    -------
    Trajectories
        One object for each OBJECT_ID (OBJECT_NAME where that is unknown), one segment for each META block, in TEME and
        UTC. USEABLE_START_TIME and USEABLE_STOP_TIME bound the usable time; the first and the last state are the
        default. A segment across a leap second becomes two that meet there. INTERPOLATION may be LAGRANGE, HERMITE
        or LINEAR; the default is Lagrange of degree 9. Degrees above 15 are read as 15; a segment with too few
        states for its Lagrange polynomial is interpolated by Hermite.

    Raises
    ------
    InputError
        If the source cannot be read or is too large, or anything in it is wrong or not supported: the message names
        line or record, the value, and what is allowed.

    Examples
    --------
    >>> text = '''CCSDS_OEM_VERS = 2.0
    ... CREATION_DATE = 2024-07-05T00:00:00
    ... ORIGINATOR = EXAMPLE
    ... META_START
    ... OBJECT_NAME = SAT
    ... OBJECT_ID = 2024-001A
    ... CENTER_NAME = EARTH
    ... REF_FRAME = TEME
    ... TIME_SYSTEM = UTC
    ... START_TIME = 2024-07-05T00:00:00
    ... STOP_TIME = 2024-07-05T00:01:00
    ... META_STOP
    ... 2024-07-05T00:00:00 7000.0 0.0 0.0 0.0 7.5 1.0
    ... 2024-07-05T00:01:00 6985.3 449.8 60.0 -0.488 7.484 1.0
    ... '''
    >>> read_oem(text.encode())
    <Trajectories: 1 objects, 1 segments, 2 samples>
    """
    content = read_content(source, kind="ephemeris", max_bytes=max_bytes)
    name, data = content.name, content.data
    try:
        head = data[: 1 << 16].lstrip()[:1]
        segments = xml.read_segments(data, OEM) if head == b"<" else kvn.read_segments(data, OEM)
        if not segments:
            raise InputError("it holds no segment; an OEM has CCSDS_OEM_VERS, then META_START, META_STOP and states")
        shown = "".join(c if c.isprintable() else "?" for c in name[-200:])
        return Trajectories.of(_objects(segments, norad_ids, shown, content.sha256), first_id=first_id)
    except InputError as error:
        raise InputError(f"ephemeris {name[-200:]!r}: {error}") from None


def _objects(
    raw: list[StateSegment], norad_ids: Mapping[str, int] | int | None, source: str, sha256: str
) -> list[Trajectory]:
    """Trajectories of a file's segments, in the order in which their objects appear."""
    segments: dict[tuple[str, str], list[Segment]] = {}
    names: dict[tuple[str, str], str] = {}
    for segment in raw:
        _check_fields(segment)
        object_id, name = segment.meta["OBJECT_ID"].strip(), segment.meta["OBJECT_NAME"].strip()
        key = ("", name) if object_id.upper() in _NO_ID else (object_id, "")
        names.setdefault(key, name)
        segments.setdefault(key, []).extend(_segments(segment))
    if isinstance(norad_ids, int) and len(segments) > 1:
        raise InputError(
            f"one id, {norad_ids}, is given for {len(segments)} objects ({', '.join(names.values())[:200]}); "
            "give a mapping of OBJECT_ID to id"
        )
    return [
        Trajectory(
            sorted(parts, key=lambda part: part.usable_start_ns or 0),
            _id(key[0], names[key], norad_ids),
            names[key],
            key[0],
            source,
            sha256,
        )
        for key, parts in segments.items()
    ]


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


def _segments(segment: StateSegment) -> list[Segment]:
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
    begin, end = _usable(segment, tai)
    intervals = utc_intervals(int(tai[0]), int(tai[-1]))
    position, velocity = to_teme(
        meta["REF_FRAME"], tai - intervals[0].offset_ns, segment.states[:, :3], segment.states[:, 3:]
    )
    method, degree = _interpolation(segment)
    parts = []
    for interval in intervals:
        start, stop = max(begin - interval.offset_ns, interval.begin_ns), min(end - interval.offset_ns, interval.end_ns)
        if stop > start:
            parts.append(Segment(tai - interval.offset_ns, position, velocity, start, stop, method, degree))
    return parts


def _usable(segment: StateSegment, tai: Ints) -> tuple[int, int]:
    """Usable time [ns TAI], after a check of the metadata's four times against the states."""
    times = {}
    for keyword in ("START_TIME", "USEABLE_START_TIME", "USEABLE_STOP_TIME", "STOP_TIME"):
        text = segment.meta.get(keyword, "").strip()
        if text:
            day, nanosecond, valid = parse_epochs([text.encode("utf-8", "replace").replace(b" ", b"T", 1)])
            if not valid[0]:
                fail(segment.where(), f"{keyword} is {text[:60]!a}, allowed are times such as {EPOCH_FORMS}")
            try:
                times[keyword] = int(to_tai(segment.meta["TIME_SYSTEM"], day, nanosecond)[0])
            except InputError as error:
                fail(segment.where(), f"{keyword}: {error}")
    first, last, widest = int(tai[0]), int(tai[-1]), int(np.diff(tai).max(initial=0))
    start, stop = times["START_TIME"], times["STOP_TIME"]
    if first < start - _SECOND_NS or last > stop + _SECOND_NS:
        fail(
            segment.where(),
            f"its states run from {_ago(first - start)} START_TIME to {_ago(last - stop)} STOP_TIME; "
            "all must lie between the two",
        )
    if first > start + widest + _SECOND_NS or last < stop - widest - _SECOND_NS:
        fail(
            segment.where(),
            f"its states run from {_ago(first - start)} START_TIME to {_ago(last - stop)} STOP_TIME "
            "and do not fill the time between; the file is cut, or its metadata is of another",
        )
    begin, end = times.get("USEABLE_START_TIME", first), times.get("USEABLE_STOP_TIME", last)
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


def format_oem(
    trajectories: Trajectories,
    *,
    originator: str = "STMGPU",
    creation_date: dt.datetime | None = None,
    message_id: str | None = None,
) -> bytes:
    """Format trajectories as OEM 2.0 in KVN, in TEME and UTC; `read_oem` reads the same numbers.

    Parameters
    ----------
    trajectories : Trajectories
        Trajectories to write; each object becomes one message.
    originator : str
        Originator of the messages.
    creation_date : datetime, optional
        UTC; now by default.
    message_id : str, optional
        Ignored by OEM 2.0; written as a comment.

    Raises
    ------
    InputError
        If there is no trajectory, or a text is not printable.
    """
    if len(trajectories) == 0:
        raise InputError("there are no trajectories to write; give at least one")
    for what, text in (("originator", originator), ("message_id", message_id or "")):
        if not text.isprintable():
            raise InputError(f"{what} {text[:40]!r} must be printable text on one line")
    when = (creation_date or dt.datetime.now(dt.UTC)).strftime("%Y-%m-%dT%H:%M:%S")
    lines: list[str] = []
    t = trajectories
    for k in range(len(t)):
        lines += [
            "CCSDS_OEM_VERS = 2.0",
            *([f"COMMENT {message_id}"] if message_id else []),
            f"CREATION_DATE = {when}",
            f"ORIGINATOR = {originator}",
        ]
        for s in np.flatnonzero(t.segment_object == k).tolist():
            lines += _meta_lines(t, k, s) + _state_lines(t, s)
        lines.append("")
    return "\n".join(lines).encode()


def _meta_lines(t: Trajectories, k: int, s: int) -> list[str]:
    system, shift_ns = _writable(t, s)
    times = t.time_ns[[t.offset[s], t.offset[s + 1] - 1]]
    start, usable_start, usable_stop, stop = _stamps(
        np.array([times[0], t.usable_start_ns[s], t.usable_stop_ns[s], times[1]]) + shift_ns
    )
    fields = {
        "OBJECT_NAME": t.name[k] or "UNKNOWN", "OBJECT_ID": t.object_id[k] or t.norad_id[k], "CENTER_NAME": "EARTH",
        "REF_FRAME": "TEME", "TIME_SYSTEM": system, "START_TIME": start, "USEABLE_START_TIME": usable_start,
        "USEABLE_STOP_TIME": usable_stop, "STOP_TIME": stop, "INTERPOLATION": str(t.method[s]).upper(),
        "INTERPOLATION_DEGREE": t.degree[s],
    }  # fmt: skip
    return ["", "META_START", *(f"{keyword} = {value}" for keyword, value in fields.items()), "META_STOP"]


def _state_lines(t: Trajectories, s: int) -> list[str]:
    rows = slice(int(t.offset[s]), int(t.offset[s + 1]))
    times = _stamps(t.time_ns[rows] + _writable(t, s)[1])
    states = np.concatenate([t.position[rows], t.velocity[rows]], axis=1).tolist()
    return [f"{time} {' '.join(map(repr, state))}" for time, state in zip(times, states, strict=True)]


def _writable(t: Trajectories, s: int) -> tuple[str, int]:
    """Time system of a segment and the offset of its times [ns]: UTC, or TAI across a leap second."""
    ends = t.time_ns[[t.offset[s], t.offset[s + 1] - 1]]
    leaps = tai_minus_utc(np.array([*ends, t.usable_start_ns[s]]) // NS_PER_DAY)
    return ("UTC", 0) if leaps.min() == leaps.max() else ("TAI", int(leaps[2]) * _SECOND_NS)


def _stamps(time_ns: Ints) -> list[str]:
    return [str(text) for text in np.datetime_as_string(np.asarray(time_ns, np.int64).view("datetime64[ns]"))]
