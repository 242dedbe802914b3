"""Write trajectories as Orbit Ephemeris Messages (CCSDS 502.0-B: OEM 2.0) in KVN."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, get_args

import numpy as np

from stmgpu.choices import OemFrame
from stmgpu.errors import InputError
from stmgpu.frames import from_teme, tai_minus_utc
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
    frame: OemFrame = "teme",
) -> bytes:
    """Format trajectories as OEM 2.0 in KVN, in UTC; `read_oem` reads the same numbers.

    Covariances are written with their states. In another frame than TEME the numbers agree within rounding.

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
    frame : {'teme', 'eme2000', 'gcrf'}
        Frame of the states.

    Raises
    ------
    InputError
        If there is no trajectory, a text is not printable, or the frame is unknown.
    """
    if frame not in get_args(OemFrame):
        raise InputError(f"frame {frame!r} is unknown; choose one of {', '.join(get_args(OemFrame))}")
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
            lines += _meta_lines(t, k, s, frame) + _state_lines(t, s, frame) + _covariance_lines(t, s)
        lines.append("")
    return "\n".join(lines).encode()


def _meta_lines(t: Trajectories, k: int, s: int, frame: OemFrame) -> list[str]:
    system, shift_ns = _writable(t, s)
    times = t.time_ns[[t.offset[s], t.offset[s + 1] - 1]]
    start, usable_start, usable_stop, stop = _stamps(
        np.array([times[0], t.usable_start_ns[s], t.usable_stop_ns[s], times[1]]) + shift_ns
    )
    fields = {
        "OBJECT_NAME": t.name[k] or "UNKNOWN", "OBJECT_ID": t.object_id[k] or t.norad_id[k], "CENTER_NAME": "EARTH",
        "REF_FRAME": frame.upper(), "TIME_SYSTEM": system, "START_TIME": start, "USEABLE_START_TIME": usable_start,
        "USEABLE_STOP_TIME": usable_stop, "STOP_TIME": stop, "INTERPOLATION": str(t.method[s]).upper(),
        "INTERPOLATION_DEGREE": t.degree[s],
    }  # fmt: skip
    return ["", "META_START", *(f"{keyword} = {value}" for keyword, value in fields.items()), "META_STOP"]


def _state_lines(t: Trajectories, s: int, frame: OemFrame) -> list[str]:
    rows = slice(int(t.offset[s]), int(t.offset[s + 1]))
    times = _stamps(t.time_ns[rows] + _writable(t, s)[1])
    turned = from_teme(frame, t.time_ns[rows], t.position[rows], t.velocity[rows])
    states = np.concatenate(turned, axis=1).tolist()
    return [f"{time} {' '.join(map(repr, state))}" for time, state in zip(times, states, strict=True)]


def _covariance_lines(t: Trajectories, s: int) -> list[str]:
    rows = np.flatnonzero(t.covariance.segment == s)
    if not len(rows):
        return []
    lines = ["", "COVARIANCE_START"]
    times = _stamps(t.covariance.time_ns[rows] + _writable(t, s)[1])
    lower = t.covariance.lower[rows].tolist()
    for time, frame, values in zip(times, t.covariance.frame[rows].tolist(), lower, strict=True):
        lines += [f"EPOCH = {time}", f"COV_REF_FRAME = {frame}"]
        lines += [" ".join(map(repr, values[k * (k + 1) // 2 : (k + 1) * (k + 2) // 2])) for k in range(6)]
    return [*lines, "COVARIANCE_STOP"]


def _writable(t: Trajectories, s: int) -> tuple[str, int]:
    """Time system of a segment and the offset of its times [ns]: UTC, or TAI across a leap second."""
    ends = t.time_ns[[t.offset[s], t.offset[s + 1] - 1]]
    leaps = tai_minus_utc(np.array([*ends, t.usable_start_ns[s]]) // NS_PER_DAY)
    return ("UTC", 0) if leaps.min() == leaps.max() else ("TAI", int(leaps[2]) * NS_PER_SECOND)


def _stamps(time_ns: Ints) -> list[str]:
    return [str(text) for text in np.datetime_as_string(np.asarray(time_ns, np.int64).view("datetime64[ns]"))]
