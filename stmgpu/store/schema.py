"""Contents of each kind of store, and their division into chunks and shards.

A shard is one file and the writer's unit: it is written whole, once. A chunk is the reader's unit: compressed and
checksummed by itself inside its shard.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from stmgpu.catalog.columns import COLUMNS
from stmgpu.debris import variables as debris
from stmgpu.errors import StoreError, WrongStoreError
from stmgpu.propagate import variables as ephemeris
from stmgpu.risk import variables as risk
from stmgpu.screen import variables as screening
from stmgpu.variables import Variable

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA_VERSION = 5
"""Version of the layout below; a reader refuses stores of a newer one. Records are sealed from version 4 on, and
conjunctions may have an assessment from version 5 on."""

RUN = "run"
"""Folder of a store with the records of its computation, see :mod:`stmgpu.store.run`."""

ASSESSMENT = "assessment"
"""Folder of a store of conjunctions with their assessment, a store of its own: see :mod:`stmgpu.store.assessment`."""

ENCOUNTERS = "encounters"
"""Group of an assessment with states and covariances."""

MISSING_TEXT = "<missing>"
"""Fill value of texts."""

CODECS = frozenset({"bytes", "crc32c", "sharding_indexed", "vlen-utf8", "zstd"})
"""All codecs that a store may name; none of them can run code."""


@dataclass(frozen=True)
class Kind:
    """A kind of store.

    Parameters
    ----------
    title : str
        Title of a store of this kind.
    variables : mapping
        Variables by name.
    extents : mapping
        Chunk and shard length along each dimension.
    tables : mapping
        Small tables besides the variables, each in a separate group: columns by name of the group.
    since : int
        First schema version that can be read.
    """

    title: str
    variables: Mapping[str, Variable]
    extents: Mapping[str, tuple[int, int]]
    tables: Mapping[str, Mapping[str, Variable]] = field(default_factory=dict)
    since: int = 1

    def arrays(self) -> dict[str, Variable]:
        """All variables by the path of their array: those of a table as ``table/column``."""
        tables = {f"{table}/{name}": spec for table, columns in self.tables.items() for name, spec in columns.items()}
        return {**self.variables, **tables}


LINE = (65_536, 1_048_576)
"""Chunk and shard length of one-dimensional variables."""

KINDS: dict[str, Kind] = {
    "conjunctions": Kind(
        screening.TITLE,
        {**screening.VARIABLES, **risk.VARIABLES},
        {screening.ROW: (32_768, 524_288)},
        {"failures": screening.FAILURES},
        since=3,
    ),
    "assessment": Kind(
        risk.TITLE,
        {name: replace(variable, required=True) for name, variable in risk.VARIABLES.items()},
        {screening.ROW: (32_768, 524_288)},
        {ENCOUNTERS: {**risk.STATES, **risk.COVARIANCES}},
        since=5,
    ),
    "messages": Kind(
        risk.MESSAGES_TITLE,
        risk.MESSAGES,
        {screening.ROW: (32_768, 524_288)},
        {ENCOUNTERS: {**risk.STATES, **risk.COVARIANCES}},
        since=5,
    ),
    "ephemeris": Kind(ephemeris.TITLE, ephemeris.VARIABLES, {"object": (256, 8_192), "time": (64, 128)}),
    "ensemble": Kind(
        debris.TITLE,
        debris.VARIABLES,
        {
            "scenario": (1, 1),
            "run": (64, 4096),
            "time": (4096, 4096),
            "shell": (256, 256),
            "class": (16, 16),
            "size": (32, 32),
            "inclination": (32, 32),
            "constellation": (64, 64),
        },
    ),
    "catalog": Kind(
        "catalogue of SGP4 mean elements",
        {
            name: Variable(
                ("object",), "text" if column.kind == "str" else column.kind, column.long_name, column.units or ""
            )
            for name, column in COLUMNS.items()
        },
        {"object": (65_536, 1_048_576)},
    ),
}


def kind_of(name: str) -> Kind:
    """Kind of a name; raise :class:`WrongStoreError` for an unknown one."""
    try:
        return KINDS[name]
    except (KeyError, TypeError):
        raise WrongStoreError(f"the kind of store {name!r} is unknown; choose one of {', '.join(KINDS)}") from None


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


def fill_value(dtype: np.dtype[Any]) -> float | int | str | bool:
    """Value that Zarr gives for a chunk without a file, none that a result holds.

    NaN, not a time (the least int64), the least or greatest integer, or a text that is no name. Of two truth values
    there is none to spare.
    """
    if dtype.kind in "TUO":
        return MISSING_TEXT
    if dtype.kind == "f":
        return float("nan")
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        return int(limits.min if dtype.kind == "i" else limits.max)
    return False


def check_dtype(name: str, dtype: np.dtype[Any], expected: str) -> None:
    """Raise :class:`StoreError` unless a variable's type fits the one of the schema."""
    fits = {"time": dtype.kind == "M", "text": dtype.kind in "UTO"}.get(expected)
    if fits is None:
        fits = bool(np.can_cast(dtype, np.dtype(expected), casting="safe")) and dtype.kind == np.dtype(expected).kind
    if not fits:
        raise StoreError(f"variable {name!r} has type {dtype}; convert it to {expected}")
