"""Arrays of an ephemeris, written in blocks of whole shards."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import zarr

from stmgpu.errors import StoreError
from stmgpu.propagate.variables import AXES
from stmgpu.store.records import Fingerprint
from stmgpu.store.schema import KINDS, layout
from stmgpu.store.writing import create_array, create_group, finish, time_attrs, writing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stmgpu.typing import Ints, Strings, Times

_STATES = ("position", "velocity", "error_code")


def create_ephemeris(folder: Path, objects: Ints, times: Times, *, names: Strings) -> zarr.Group:
    """Create the arrays of an ephemeris in an empty folder and fill the coordinates.

    Parameters
    ----------
    folder : Path
        Empty folder.
    objects, names : ndarray, shape (n,)
        NORAD ids and names of the objects.
    times : ndarray, datetime64, shape (m,)
        UTC times.
    """
    kind = KINDS["ephemeris"]
    group = create_group(folder)
    lengths = {"object": len(objects), "time": len(times), "axis": len(AXES)}
    arrays = {}
    for name, spec in kind.variables.items():
        attrs = {key: value.tolist() if isinstance(value, np.ndarray) else value for key, value in spec.attrs().items()}
        dtype = {"time": "int64", "text": "U"}.get(spec.dtype, spec.dtype)
        arrays[name] = create_array(
            group,
            kind,
            name,
            dtype=dtype,
            shape=tuple(lengths[d] for d in spec.dims),
            dims=spec.dims,
            attrs=time_attrs(attrs) if spec.dtype == "time" else attrs,
        )
    arrays["object"][...] = objects
    arrays["time"][...] = times.astype("datetime64[ns]").view(np.int64)
    arrays["axis"][...] = np.array(AXES, np.dtypes.StringDType())
    arrays["name"][...] = np.asarray(names).astype(np.dtypes.StringDType())
    return group


def finish_ephemeris(group: zarr.Group, attrs: Mapping[str, Any]) -> None:
    """Write the attributes of a complete ephemeris."""
    finish(group, "ephemeris", {"frame": "TEME", "time_system": "UTC", **attrs}, list(KINDS["ephemeris"].extents))


def shard_lengths(objects: int, times: int) -> tuple[int, int]:
    """Numbers of objects and times in a shard of an ephemeris of that size, the unit of writing."""
    shards = layout(KINDS["ephemeris"], ("object", "time", "axis"), (objects, times, 3))[1]
    return shards[0], shards[1]


def write_block(
    folder: Path, begin: tuple[int, int], *, position: np.ndarray, velocity: np.ndarray, error_code: np.ndarray
) -> dict[str, Fingerprint]:
    """Write whole shards of an ephemeris.

    Parameters
    ----------
    folder : Path
        Store with the arrays of :func:`create_ephemeris`.
    begin : tuple of int
        First object and first time of the block; multiples of the shard's lengths.
    position, velocity : ndarray, float64, shape (n, m, 3)
        TEME states [km], [km/s].
    error_code : ndarray, int8, shape (n, m)
        Error codes of the propagation; 0 without error.

    Returns
    -------
    dict
        Fingerprints of the written files, by path below the store.

    Raises
    ------
    StoreError
        If the block does not consist of whole shards: two writers inside one shard would lose data.
    """
    data = dict(zip(_STATES, (position, velocity, error_code), strict=True))
    with writing(folder), ThreadPoolExecutor(len(data)) as pool:  # one array is hashed while others are compressed
        parts = pool.map(lambda name: _write_array(folder, name, begin, data[name]), data)
        return {name: entry for part in parts for name, entry in part.items()}


def _write_array(folder: Path, name: str, begin: tuple[int, int], values: np.ndarray) -> dict[str, Fingerprint]:
    array = zarr.open_array(folder / name, mode="r+", zarr_format=3)
    array = array.with_config({"write_empty_chunks": True})  # not kept in the store, and zeros are data
    shape, shards = array.shape, array.shards or array.chunks
    end = (begin[0] + values.shape[0], begin[1] + values.shape[1])
    for axis, (a, b) in enumerate(zip(begin, end, strict=True)):
        if a % shards[axis] or not 0 <= a < b <= shape[axis] or (b % shards[axis] and b != shape[axis]):
            raise StoreError(
                f"{folder / name}: a block from {a} to {b} along {('object', 'time')[axis]} is not made "
                f"of whole shards of {shards[axis]} (the array has {shape[axis]}); write whole shards"
            )
    if values.shape[2:] != shape[2:]:
        raise StoreError(f"{name} of the block has shape {values.shape}; it must end in {shape[2:]}")
    paths = []
    for place in np.ndindex(*(-(-(b - a) // s) for a, b, s in zip(begin, end, shards[:2], strict=True))):
        shard = [str(a // s + k) for a, s, k in zip(begin, shards[:2], place, strict=True)]
        paths.append(Path(name, "c", *shard, *(["0"] if len(shape) == 3 else [])))
    for path in paths:  # Zarr would read what is there into a shard at the array's end, damaged or not
        (folder / path).unlink(missing_ok=True)
    array[begin[0] : end[0], begin[1] : end[1]] = values
    return {path.as_posix(): _synchronised(folder / path) for path in paths}


def _synchronised(path: Path) -> Fingerprint:
    """Flush a file to the disk and return its fingerprint."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    return Fingerprint.of(path)
