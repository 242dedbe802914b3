"""What a store of each kind holds, and how it is cut into chunks and shards.

A shard is one file and the writer's unit: it is written whole, once. A chunk is the reader's unit: compressed and
checksummed by itself inside its shard.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from stmgpu.catalog.columns import COLUMNS
from stmgpu.debris import variables as debris
from stmgpu.errors import StoreError

SCHEMA_VERSION = 3
"""Version of the layout below; a reader refuses stores of a newer one."""

TIME_UNITS = "nanoseconds since 1970-01-01T00:00:00"
"""CF units of every stored time: int64, exact, UTC."""

CODECS = frozenset({"bytes", "crc32c", "sharding_indexed", "vlen-utf8", "zstd"})
"""All codecs that a store may name; none of them can run code."""


@dataclass(frozen=True)
class Variable:
    """A variable of a kind: dimensions, type ('time' and 'text' besides NumPy's), units and long_name."""

    dims: tuple[str, ...]
    dtype: str
    units: str
    long_name: str
    required: bool = True


@dataclass(frozen=True)
class Kind:
    """A kind of store: its title, its variables, and (chunk, shard) lengths along each dimension."""

    title: str
    variables: dict[str, Variable]
    extents: dict[str, tuple[int, int]]


LINE = (65_536, 1_048_576)
"""Chunk and shard length of one-dimensional variables."""

_EACH, _RTN = ("conjunction",), ("conjunction", "axis")
_STATE = ("object", "time", "axis")

KINDS: dict[str, Kind] = {
    "conjunctions": Kind(
        "conjunctions found by all-vs-all screening",
        {
            "primary": Variable(_EACH, "int64", "1", "NORAD id of the object with the smaller id"),
            "secondary": Variable(_EACH, "int64", "1", "NORAD id of the object with the larger id"),
            "primary_name": Variable(_EACH, "text", "1", "name of the primary", required=False),
            "secondary_name": Variable(_EACH, "text", "1", "name of the secondary", required=False),
            "tca": Variable(_EACH, "time", "ns", "time of closest approach (UTC)"),
            "miss_distance": Variable(_EACH, "float64", "km", "distance at the time of closest approach"),
            "relative_speed": Variable(_EACH, "float64", "km/s", "relative speed at the time of closest approach"),
            "miss_rtn": Variable(_RTN, "float64", "km", "secondary minus primary in the primary's RTN frame"),
            "primary_epoch_age_days": Variable(
                _EACH, "float64", "d", "TCA minus epoch of the primary's elements", required=False
            ),
            "secondary_epoch_age_days": Variable(
                _EACH, "float64", "d", "TCA minus epoch of the secondary's elements", required=False
            ),
            "flags": Variable(_EACH, "integer", "1", "bit flags of the conjunction"),
            "entry": Variable(
                _EACH, "time", "ns", "time at which the distance fell below the threshold (UTC)", required=False
            ),
            "exit": Variable(
                _EACH, "time", "ns", "time at which the distance rose above the threshold (UTC)", required=False
            ),
            "failed_object": Variable(
                ("failed",), "int64", "1", "NORAD id of an object that could not be propagated", required=False
            ),
            "failed_code": Variable(("failed",), "int8", "1", "its propagation error code", required=False),
            "failed_time": Variable(
                ("failed",), "time", "ns", "when its propagation first failed (UTC)", required=False
            ),
        },
        {"conjunction": (32_768, 524_288)},
    ),
    "ephemeris": Kind(
        "ephemeris of objects propagated with SGP4",
        {
            "object": Variable(("object",), "int64", "1", "NORAD id"),
            "time": Variable(("time",), "time", "ns", "time (UTC)"),
            "axis": Variable(("axis",), "text", "1", "axis of the TEME frame", required=False),
            "position": Variable(_STATE, "float64", "km", "position in TEME"),
            "velocity": Variable(_STATE, "float64", "km/s", "velocity in TEME"),
            "error_code": Variable(_STATE[:2], "int8", "1", "propagation error code, 0 where there was none"),
        },
        {"object": (256, 8_192), "time": (64, 128)},
    ),
    "ensemble": Kind(
        "Monte-Carlo evolution of the debris population",
        {
            "scenario": Variable(("scenario",), "text", "1", "scenario"),
            "time": Variable(("time",), "float64", "a", "decimal year (UTC)"),
            "shell": Variable(("shell",), "float64", "km", "altitude of the middle of the shell"),
            "shell_lower": Variable(("shell",), "float64", "km", "altitude of the lower edge of the shell"),
            "shell_upper": Variable(("shell",), "float64", "km", "altitude of the upper edge of the shell"),
            "class": Variable(("class",), "text", "1", "class of objects"),
            **{
                name: Variable(debris.dims_of(name), debris.dtype_of(name), *words)
                for name, words in debris.LONG_NAMES.items()
            },
            **{f"event_{name}": Variable(("event",), *words) for name, words in debris.EVENTS.items()},
        },
        {"scenario": (1, 1), "run": (64, 4096), "time": (4096, 4096), "shell": (256, 256), "class": (16, 16)},
    ),
    "catalog": Kind(
        "catalogue of SGP4 mean elements",
        {
            name: Variable(
                ("object",), "text" if column.kind == "str" else column.kind, column.units or "1", column.long_name
            )
            for name, column in COLUMNS.items()
        },
        {"object": (65_536, 1_048_576)},
    ),
}


def kind_of(name: str) -> Kind:
    """The kind of that name, or a :class:`StoreError` that lists the known ones."""
    try:
        return KINDS[name]
    except (KeyError, TypeError):
        raise StoreError(f"there is no kind of store {name!r}; known: {', '.join(KINDS)}") from None


def layout(kind: Kind, dims: tuple[str, ...], shape: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Chunk and shard shapes for an array.

    A shard is never longer than the array rounded up to whole chunks, and always a whole number of chunks.
    """
    chunks, shards = [], []
    for dim, length in zip(dims, shape, strict=True):
        chunk, shard = LINE if len(dims) == 1 else kind.extents.get(dim, (length, length))
        chunk = max(1, min(chunk, length))
        chunks.append(chunk)
        shards.append(max(chunk, min(shard // chunk * chunk, -(-length // chunk) * chunk)))
    return tuple(chunks), tuple(shards)


def check_dtype(name: str, dtype: np.dtype[Any], expected: str) -> None:
    """Raise :class:`StoreError` unless an array's type fits what the schema says of the variable."""
    fits = {
        "time": dtype.kind == "M",
        "text": dtype.kind in "UTO",
        "integer": dtype.kind in "iu",
    }.get(expected)
    if fits is None:
        fits = bool(np.can_cast(dtype, np.dtype(expected), casting="safe")) and dtype.kind == np.dtype(expected).kind
    if not fits:
        raise StoreError(f"variable {name!r} has type {dtype}; the schema asks for {expected}")
