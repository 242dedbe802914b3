"""Syntax of "Modified ITC" ephemerides, the text files in which operators share states and covariances of one object.

Starlink's public ephemerides have this form (Spaceflight Safety Handbook for Satellite Operators, 18 and 19 SDS). Three
lines of `key:value` and one with the frame of the covariances are followed, for each state, by a line of UTC as
yyyyDDDhhmmss.sss, position [km] and velocity [km/s], and by three lines with 21 elements of the lower triangle of its
covariance [km2, km2/s, km2/s2], row by row. The name of the file states the rest:

    MEME_44713_STARLINK-1007_1900000_Operational_1404432000_UNCLASSIFIED.txt

is a mean equator, mean equinox (EME2000) ephemeris of object 44713.
"""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, NoReturn

import numpy as np

from stmgpu.errors import InputError, counted
from stmgpu.messages.covariances import COUNT, DIAGONAL, ELEMENTS, CovarianceTable, finite_numbers
from stmgpu.messages.fields import STATE, Record, fail, shown
from stmgpu.messages.states import Place, StateSegment
from stmgpu.messages.times import parse_epochs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stmgpu.typing import Floats

BEGINS = b"created:"
"""First characters of every file."""

_NAME = re.compile(r"MEME_(\d{1,9})_(.+?)_(\d{7})_.*")
_KEYS = re.compile(rb"([a-z_]+):[ \t]*(.*?)(?=[ \t]+[a-z_]+:|$)")
_TIMES = ("ephemeris_start", "ephemeris_stop")
_EPOCH = "yyyyDDDhhmmss.sss, such as 2024190000042.000"
_WIDTH = 7
"""Numbers on each line of a state and its covariance."""

_FIELDS = ("EPOCH", *STATE, *ELEMENTS)


def read_segment(data: bytes, file_name: str) -> tuple[StateSegment, list[str]]:
    """Read the states and covariances of a file.

    Parameters
    ----------
    data : bytes
        Content of the file.
    file_name : str
        Name of the file, which states object and frame.

    Returns
    -------
    segment : StateSegment
        States and covariances in EME2000 and UTC, with metadata as in an OEM.
    notes : list of str
        What a user should know: states that do not fill the time which the header states.

    Raises
    ------
    InputError
        For the first line that is wrong, and if the name of the file states neither object nor frame.

    Examples
    --------
    >>> text = b'''created:2024-07-08 00:10:00 UTC
    ... ephemeris_start:2024-07-08 00:00:42 UTC ephemeris_stop:2024-07-08 00:01:42 UTC step_size:60
    ... ephemeris_source:blend
    ... 2024190000042.000 7000.0 0.0 0.0 0.0 7.5 1.0
    ... 2024190000142.000 6985.3 449.8 60.0 -0.488 7.484 1.0
    ... '''
    >>> segment, notes = read_segment(text, "MEME_44713_SAT_1900000_Operational_0_UNCLASSIFIED.txt")
    >>> segment.meta["OBJECT_ID"], len(segment.states)
    ('44713', 2)
    """
    named = _NAME.fullmatch(re.split(r"[/\\]", file_name)[-1])
    if named is None:
        raise InputError(
            "it is a Modified ITC ephemeris, and only the name of such a file states object and frame; keep the name "
            "that the operator gave it, MEME_<number>_<name>_<day and time>_..."
        )
    top = data.split(b"\n", 4)
    header = _header(top[:3])
    frame = top[3].strip().decode("ascii", "replace") if len(top) > 3 else ""
    if frame[:1].isdigit():  # states without covariances
        frame, body, first = "", b"\n".join(top[3:]), 4
    else:
        body, first = top[4] if len(top) > 4 else b"", 5
    width = _WIDTH + COUNT if frame else _WIDTH
    lines = body.split(b"\n")
    while lines and not lines[-1].strip():
        lines.pop()
    if not lines:
        raise InputError(f"it holds no state; after line {first - 1} come lines of {_EPOCH}, X Y Z X_DOT Y_DOT Z_DOT")
    step = width // _WIDTH
    values = _numbers(body, lines, first, step).reshape(-1, width)

    def where(k: int) -> str:
        return f"line {first + k * step}"

    epochs = [line.split(None, 1)[0] for line in lines[::step]]
    day, nanosecond, valid = parse_epochs(_spaced(epochs))
    if not valid.all():
        k = int(np.flatnonzero(~valid)[0])
        fail(where(k), f"EPOCH is {shown(epochs[k])}, allowed are UTC times {_EPOCH}")
    covariance = None
    if frame:
        lower = np.ascontiguousarray(values[:, _WIDTH:])
        negative = np.argwhere(lower[:, DIAGONAL] < 0.0)
        if len(negative):
            k, row = negative[0].tolist()
            fail(where(k), f"variance {ELEMENTS[DIAGONAL[row]]} is {lower[k, DIAGONAL[row]]:g}, below 0")
        covariance = CovarianceTable(day, nanosecond, (frame.upper(),) * len(day), lower)
    ends = [str(np.datetime64(int(day[k]), "D") + np.timedelta64(int(nanosecond[k]), "ns")) for k in (0, -1)]
    meta: Record = {
        "OBJECT_NAME": named[2], "OBJECT_ID": named[1], "CENTER_NAME": "EARTH", "REF_FRAME": "EME2000",
        "TIME_SYSTEM": "UTC", "START_TIME": ends[0], "STOP_TIME": ends[1],
    }  # fmt: skip
    positions = first + np.arange(len(values)) * step
    segment = StateSegment(
        meta, Place("line", first), day, nanosecond, np.ascontiguousarray(values[:, 1:_WIDTH]), positions, covariance
    )
    return segment, _uncovered(header, ends)


def _header(lines: Sequence[bytes]) -> dict[str, str]:
    fields: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        found = _KEYS.findall(line.strip())
        if not found:
            fail(
                f"line {number}", f"it is {shown(line)}; a Modified ITC ephemeris begins with three lines of key:value"
            )
        fields.update((key.decode(), value.decode("ascii", "replace").strip()) for key, value in found)
    missing = [key for key in _TIMES if not fields.get(key)]
    if missing:
        raise InputError(f"its header has no {', '.join(missing)}; it states created, {', '.join(_TIMES)}, step_size")
    return fields


def _spaced(texts: Sequence[bytes]) -> list[bytes]:
    """Times of states with separators: 2024190000042.000 is 2024-190T00:00:42.000."""
    raw = np.array(texts, np.bytes_)
    raw = raw.astype(f"S{max(raw.itemsize, 13)}").reshape(-1, 1).view("S1")
    parts = [raw[:, :4], raw[:, 4:7], raw[:, 7:9], raw[:, 9:11], raw[:, 11:]]
    spaced = [parts[0]]
    for mark, part in zip((b"-", b"T", b":", b":"), parts[1:], strict=True):
        spaced += [np.full((len(raw), 1), mark), part]
    joined = np.ascontiguousarray(np.concatenate(spaced, axis=1))
    return [bytes(text) for text in joined.view(f"S{joined.shape[1]}").reshape(-1).tolist()]


def _numbers(body: bytes, lines: Sequence[bytes], first: int, step: int) -> Floats:
    """All numbers, seven a line; an InputError names the first line without."""
    try:
        values = np.loadtxt(io.BytesIO(body), np.float64, comments=None, encoding="latin-1", ndmin=2)
    except ValueError:  # text that is not a number, or lines of different lengths
        values = np.empty((0, 0))
    if values.shape == (len(lines), _WIDTH) and len(lines) % step == 0 and np.isfinite(values).all():
        return values
    rows = []
    for number, line in enumerate(lines):
        rows.append(line.split())
        if len(rows[-1]) != _WIDTH:
            what = "7 numbers of a covariance" if number % step else "EPOCH and 6 numbers"
            fail(f"line {first + number}", f"it has {counted(len(rows[-1]), 'field')}, allowed are {_WIDTH}: {what}")
    if len(lines) % step:
        fail(f"line {first + len(lines) - 1}", f"the file is cut: a state has {step} lines")

    def reject(k: int, column: int) -> NoReturn:
        field = _FIELDS[k % step * _WIDTH + column]
        fail(f"line {first + k}", f"{field} is {shown(rows[k][column])}, allowed is a finite decimal number")

    return finite_numbers(rows, reject).reshape(-1)


def _uncovered(header: dict[str, str], ends: Sequence[str]) -> list[str]:
    """Note on states that begin after, or end before, the time that the header states."""
    stated = [header[key].removesuffix("UTC").strip().replace(" ", "T") for key in _TIMES]
    day, nanosecond, valid = parse_epochs([text.encode() for text in stated])
    for key, good in zip(_TIMES, valid.tolist(), strict=True):
        if not good:
            raise InputError(f"{key} is {shown(header[key])}, allowed are times such as 2024-07-08 00:00:42 UTC")
    wanted = day.astype("datetime64[D]") + nanosecond.astype("timedelta64[ns]")
    actual = np.array(ends, "datetime64[ns]")
    second = np.timedelta64(1, "s")
    if wanted[0] < actual[0] - second or wanted[1] > actual[1] + second:
        first, last = (end.rstrip("0").rstrip(".") for end in ends)
        return [f"its states run from {first} to {last}, its header says {stated[0]} to {stated[1]}; it is cut"]
    return []
