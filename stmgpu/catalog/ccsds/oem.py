"""Orbit Ephemeris Messages (CCSDS 502.0-B: OEM 1.0, 2.0 and 3.0) as trajectories.

Frame, time system, usable time, interpolation and covariances are taken from the file, and what is not supported is
rejected. One wrong line rejects the whole file: an ephemeris with a gap would look like an object that is absent.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from stmgpu.catalog.trajectories.reading import MAX_BYTES, ReadOptions, read_one
from stmgpu.catalog.trajectories.segments import SYNTHETIC_ID
from stmgpu.compression import MAX_RATIO

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stmgpu.catalog.trajectories.trajectories import Trajectories
    from stmgpu.files import Source

_LOG = logging.getLogger("stmgpu.catalog")


def read_oem(
    source: Source,
    *,
    norad_ids: Mapping[str, int] | int | None = None,
    first_id: int = SYNTHETIC_ID,
    max_bytes: int = MAX_BYTES,
    max_ratio: float = MAX_RATIO,
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
        Largest size, before and after unpacking [bytes].
    max_ratio : float
        Largest ratio of unpacked to packed size; up to 1 MiB may be unpacked whatever the ratio.

    Returns
    -------
    Trajectories
        One object for each OBJECT_ID (OBJECT_NAME where that is unknown), one segment for each META block, in TEME and
        UTC. USEABLE_START_TIME and USEABLE_STOP_TIME bound the usable time; the first and the last state are the
        default. A segment across a leap second becomes two that meet there. INTERPOLATION may be LAGRANGE, HERMITE
        or LINEAR; the default is Lagrange of degree 9. Degrees above 15 are read as 15; a segment with too few
        states for its Lagrange polynomial is interpolated by Hermite. Segments that follow each other without a shared
        state become one where the states show no manoeuvre between them; a log line tells.

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
    <Trajectories: 1 object, 1 segment, 2 samples>
    """
    trajectories, notes = read_one(
        source, ReadOptions(norad_ids, max_bytes=max_bytes, max_ratio=max_ratio), first_id=first_id
    )
    for note in notes:
        _LOG.warning("%s", note)
    return trajectories
