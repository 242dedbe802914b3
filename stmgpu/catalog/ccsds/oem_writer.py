"""Write trajectories as Orbit Ephemeris Messages (CCSDS 502.0-B: OEM 2.0) in KVN."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.errors import InputError
from stmgpu.frames import tai_minus_utc
from stmgpu.time import NS_PER_DAY, NS_PER_SECOND

if TYPE_CHECKING:
    from stmgpu.catalog.trajectories.trajectories import Trajectories
    from stmgpu.typing import Ints


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
    return ("UTC", 0) if leaps.min() == leaps.max() else ("TAI", int(leaps[2]) * NS_PER_SECOND)


def _stamps(time_ns: Ints) -> list[str]:
    return [str(text) for text in np.datetime_as_string(np.asarray(time_ns, np.int64).view("datetime64[ns]"))]
