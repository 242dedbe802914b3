"""From objects with their segments, and from ephemeris Datasets, to the columns of trajectories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from stmgpu.catalog.trajectories.interpolation import DEFAULT_DEGREE
from stmgpu.errors import InputError

if TYPE_CHECKING:
    import xarray as xr

    from stmgpu.catalog.catalog import Catalog

SYNTHETIC_ID = 900_000_001
"""First of the ids that objects without a NORAD number get, in the order read. Real ones are far below."""


@dataclass(frozen=True, eq=False)
class Segment:
    """One stretch of a trajectory that may be interpolated as a whole.

    Parameters
    ----------
    time_ns : int64, shape (m,)
        UTC [ns since 1970, days of 86,400 s], strictly increasing, m >= 2.
    position, velocity : float64, shape (m, 3)
        TEME [km], [km/s].
    usable_start_ns, usable_stop_ns : int, optional
        When it may be used [ns, as `time_ns`]; by default from the first to the last sample.
    method : {'lagrange', 'hermite', 'linear'}
        How to interpolate.
    degree : int
        Degree of the polynomial, 1 to 15 (more is read as 15). A segment with too few samples for its Lagrange
        polynomial is interpolated by Hermite, of at most this degree and at least 3; Hermite's degree is odd.
    """

    time_ns: npt.ArrayLike
    position: npt.ArrayLike
    velocity: npt.ArrayLike
    usable_start_ns: int | None = None
    usable_stop_ns: int | None = None
    method: str = "lagrange"
    degree: int = DEFAULT_DEGREE


@dataclass(frozen=True, eq=False)
class Trajectory:
    """One object's segments in the order of time, with what is known of the object.

    Parameters
    ----------
    segments : sequence of Segment
        At least one; their usable times may touch and must not overlap.
    norad_id : int, optional
        1 to 999,999,999; None where there is none.
    name, object_id : str
        Name and international designator.
    source, sha256 : str
        Where it comes from: file name and digest of its bytes.
    """

    segments: Sequence[Segment]
    norad_id: int | None = None
    name: str = ""
    object_id: str = ""
    source: str = ""
    sha256: str = ""


def from_dataset(dataset: xr.Dataset, method: str, degree: int) -> dict[str, Any]:
    """Columns of `Trajectories` from an ephemeris Dataset.

    Parameters
    ----------
    dataset
        `position` [km] and `velocity` [km/s] (object, time, axis) in TEME, `error_code` (object, time), coordinates
        `object` (NORAD ids) and `time` (datetime64, UTC); `name` (object) if there is one.
    method, degree
        how to interpolate; see `Segment`. SGP4's velocity is not the derivative of its position, so positions alone
        (Lagrange) are the better choice for what SGP4 made.

    Returns
    -------
    dict
        All columns. Samples with an error code are left out, and an object is cut into segments there; stretches of
        less than two samples, and objects without any other, are left out, too.

    Raises
    ------
    InputError
        If it is no ephemeris in TEME and UTC, or no object has two good states after one another.
    """
    missing = [name for name in ("position", "velocity", "error_code", "object", "time") if name not in dataset]
    if missing:
        raise InputError(
            f"the Dataset is no ephemeris: it has no {', '.join(missing)}; give what stmgpu.propagate "
            "returns or `stmgpu propagate` stores"
        )
    for attribute, wanted in (("frame", "TEME"), ("time_system", "UTC")):
        found = str(dataset.attrs.get(attribute, wanted))
        if found != wanted:
            raise InputError(f"the ephemeris has {attribute} {found[:40]!r}, allowed is {wanted}")
    time = np.asarray(dataset["time"].values)
    if time.dtype.kind != "M" or np.isnat(time).any():
        raise InputError(f"times of the ephemeris must be datetime64 without gaps, got {time.dtype}")
    states = ("object", "time", "axis")
    position, velocity = (
        np.asarray(dataset[name].transpose(*states).values, np.float64) for name in ("position", "velocity")
    )
    code = np.asarray(dataset["error_code"].transpose(*states[:2]).values)
    objects, count = code.shape
    good = code == 0
    # runs of good samples: where one begins, and where it has ended
    edge = np.zeros((objects, 1), bool)
    changes = np.diff(np.concatenate([edge, good, edge], axis=1).astype(np.int8), axis=1)
    owner, begin = np.nonzero(changes == 1)
    _, end = np.nonzero(changes == -1)
    long = end - begin >= 2
    owner, begin, length = owner[long], begin[long], (end - begin)[long]
    if len(owner) == 0:
        raise InputError(
            f"none of {objects} objects has two good states after one another in {count} times; give an "
            "ephemeris with more times, or of other objects"
        )
    kept, segment_object = np.unique(owner, return_inverse=True)
    offset = np.concatenate([[0], np.cumsum(length)])
    if len(owner) == objects and (length == count).all():
        rows: Any = slice(None)
        times_ns = np.tile(time.astype("datetime64[ns]").view(np.int64), objects)
    else:
        rows = np.repeat(owner * count + begin - offset[:-1], length) + np.arange(offset[-1])
        times_ns = time.astype("datetime64[ns]").view(np.int64)[rows % count]
    n, s = len(kept), len(segment_object)
    name = np.array(dataset["name"].values[kept].tolist() if "name" in dataset else [""] * n, np.str_)
    source = str(dataset.attrs.get("catalog_source", dataset.attrs.get("source", "ephemeris")))
    return {
        "norad_id": np.asarray(dataset["object"].values)[kept],
        "name": name,
        "object_id": np.full(n, "", np.str_),
        "source": np.full(n, "".join(c if c.isprintable() else "?" for c in source[-200:])),
        "sha256": np.full(n, str(dataset.attrs.get("catalog_digest", ""))[:64]),
        "segment_object": segment_object.reshape(-1),
        "method": np.full(s, method),
        "degree": np.full(s, degree),
        "usable_start_ns": times_ns[offset[:-1]],
        "usable_stop_ns": times_ns[offset[1:] - 1],
        "offset": offset,
        "time_ns": times_ns,
        "position": position.reshape(-1, 3)[rows],
        "velocity": velocity.reshape(-1, 3)[rows],
    }


def as_column(name: str, value: Any, kind: Any) -> npt.NDArray[Any]:
    """One column in its own type, or an InputError that names it; a copy only where the type changes."""
    try:
        array = np.asarray(value)
        if kind is np.str_:
            return array.astype(np.str_)
        if kind is np.int64 and array.dtype.kind == "M":
            return array.astype("datetime64[ns]").view(np.int64)
        if kind is np.int64 and array.dtype.kind not in "iu" and array.size:
            raise ValueError(f"it has type {array.dtype}")
        return np.ascontiguousarray(array, kind)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"column {name!r} of trajectories cannot be used: {error}") from None


def columns_of(objects: Sequence[Trajectory], first_id: int) -> dict[str, Any]:
    """Columns of `Trajectories`; objects without an id get `first_id` and the next ones that are free."""
    taken = {one.norad_id for one in objects if one.norad_id is not None}
    ids, following = [], first_id
    for one in objects:
        while one.norad_id is None and following in taken:
            following += 1
        ids.append(following if one.norad_id is None else one.norad_id)
        following += one.norad_id is None
    segments: list[Segment] = []
    owner: list[int] = []
    times: list[npt.NDArray[np.int64]] = []
    for k, one in enumerate(objects):
        if not len(one.segments):
            raise InputError(f"trajectory {one.name!r} (number {k + 1}) has no segment; give at least one")
        for segment in one.segments:
            times.append(as_column("time_ns", segment.time_ns, np.int64).reshape(-1))
            if len(times[-1]) < 2:
                raise InputError(
                    f"a segment of trajectory {one.name!r} has {len(times[-1])} samples; 2 at least are "
                    "needed to interpolate"
                )
            segments.append(segment)
            owner.append(k)
    vectors = {
        name: [as_column(name, getattr(segment, name), np.float64) for segment in segments]
        for name in ("position", "velocity")
    }
    for parts in vectors.values():
        for part, time in zip(parts, times, strict=True):
            if part.shape != (len(time), 3):
                raise InputError(
                    f"states of a segment have shape {part.shape} beside {len(time)} times; they must be "
                    f"({len(time)}, 3)"
                )
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
            name: np.array([getattr(one, name) for one in objects], np.str_)
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
    }


def matches(
    norad_id: npt.NDArray[np.int64], object_id: npt.NDArray[np.str_], catalog: Catalog
) -> npt.NDArray[np.int64]:
    """Index in the catalogue of each object, by NORAD id or else by international designator; -1 where it has none."""
    by_id = {int(value): k for k, value in enumerate(catalog.norad_id)}
    by_name = {_designator(text): k for k, text in enumerate(catalog.object_id.tolist()) if text}
    return np.array(
        [
            by_id.get(int(number), by_name.get(_designator(text), -1) if text else -1)
            for number, text in zip(norad_id, object_id.tolist(), strict=True)
        ],
        np.int64,
    )


def _designator(text: str) -> str:
    """An international designator in one form: 1998067A for 1998-067A, 1998-067-A and 98067A."""
    plain = text.strip().upper().replace("-", "").replace(" ", "")
    if len(plain) >= 6 and plain[:5].isdigit() and plain[5].isalpha():
        plain = ("19" if int(plain[:2]) >= 57 else "20") + plain
    return plain
