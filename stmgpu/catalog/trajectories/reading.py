"""Read trajectories from one file of any known form; other forms are named.

Forms are told apart by content: OEM in KVN or XML, and Modified ITC, the form of Starlink's public ephemerides.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stmgpu.catalog.trajectories.conversion import trajectories_of
from stmgpu.catalog.trajectories.segments import SYNTHETIC_ID, clipped, without_covariances
from stmgpu.catalog.trajectories.trajectories import Trajectories
from stmgpu.compression import MAX_RATIO, Limits
from stmgpu.errors import InputError
from stmgpu.files import Content, Source, read_content
from stmgpu.messages import itc, kvn, xml
from stmgpu.messages.fields import OEM
from stmgpu.messages.kinds import kind_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stmgpu.messages.states import StateSegment

MAX_BYTES = 512 * 1024**2
"""Largest file that is read, after decompression [bytes]: about 4 million states."""

_TABLES = ("STK", "SP3", "CPF")
_OEM = re.compile(rb"CCSDS_OEM_VERS|<(?:\w+:)?oem\b")
_OTHERS = (
    (rb"(?:0 [^\n]{0,80}\n)?1 [ 0-9A-Z]{5}[USC ] ", "it holds two-line elements; give it as the catalogue"),
    (rb"[\[{]", "it is JSON; give an OEM in KVN or XML, or a Modified ITC (MEME_...txt) file"),
)


@dataclass(frozen=True)
class ReadOptions:
    """Options of reading ephemeris files.

    Parameters
    ----------
    norad_ids : int or mapping of str to int, optional
        NORAD ids of the objects by OBJECT_ID or OBJECT_NAME; one number where a file holds one object.
    window_ns : tuple of int, optional
        First and last instant that is needed [ns since 1970 UTC]; default all. States around it are kept, too, as
        interpolation needs.
    max_bytes : int
        Largest size of a file, before and after unpacking [bytes].
    max_ratio : float
        Largest ratio of unpacked to packed size.
    covariances : bool
        Whether covariances are kept; they are checked in any case.
    """

    norad_ids: Mapping[str, int] | int | None = None
    window_ns: tuple[int, int] | None = None
    max_bytes: int = MAX_BYTES
    max_ratio: float = MAX_RATIO
    covariances: bool = True


def read_one(source: Source, options: ReadOptions, *, first_id: int = SYNTHETIC_ID) -> tuple[Trajectories, list[str]]:
    """Read one file.

    Parameters
    ----------
    source : path, bytes or file-like
        A file's path, its content, or an object with `read()`.
    options : ReadOptions
        Ids, window and limit.
    first_id : int
        First id of objects without one.

    Returns
    -------
    trajectories : Trajectories
        In TEME and UTC, with covariances.
    notes : list of str
        What a user should know, with the name of the file.

    Raises
    ------
    InputError
        If the source cannot be read or is too large, or anything in it is wrong or not supported: the message names
        file, line or record, the value, and what is allowed.
    """
    limits = Limits(options.max_bytes, options.max_ratio, raisable=True)
    content = read_content(source, kind="ephemeris", limits=limits)
    label = f"ephemeris {content.name[-200:]!r}"
    try:
        segments, notes = _segments(content)
        shown = "".join(c if c.isprintable() else "?" for c in content.name[-200:])
        objects, gaps = trajectories_of(segments, norad_ids=options.norad_ids, source=shown, sha256=content.sha256)
        if not options.covariances:
            objects = [without_covariances(one) for one in objects]
        if options.window_ns is not None:
            objects = [clipped(one, *options.window_ns) for one in objects]
        return Trajectories.of(objects, first_id=first_id), [f"{label}: {note}" for note in (*notes, *gaps)]
    except InputError as error:
        raise InputError(f"{label}: {error}") from None


def _segments(content: Content) -> tuple[list[StateSegment], list[str]]:
    """Segments of a file of any known form, and notes."""
    data = content.data
    head = data[: 1 << 16].lstrip()
    if head.startswith(itc.BEGINS):
        segment, notes = itc.read_segment(data, content.name)
        return [segment], notes
    kind = kind_of(data)
    if kind is not None and kind.key != "OEM" and not _OEM.search(data):
        raise InputError(str(kind if kind.key in _TABLES else kind._replace(cure="give an OEM")))
    for pattern, problem in _OTHERS:
        if re.match(pattern, head):
            raise InputError(problem)
    segments = xml.read_segments(data, OEM) if head[:1] == b"<" else kvn.read_segments(data, OEM)
    if not segments:
        raise InputError("it holds no segment; an OEM has CCSDS_OEM_VERS, then META_START, META_STOP and states")
    return segments, []
