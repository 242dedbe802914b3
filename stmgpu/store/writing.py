"""Write and open Zarr 3 stores.

A store is built beside its final path and renamed when complete, so that a path holds either a whole store or nothing.
Every chunk is compressed with zstd and carries a CRC-32C. Every shard is written, empty ones too, so that a missing
file is detected as damage.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import secrets
import shutil
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import zarr
from zarr.codecs import BytesCodec, Crc32cCodec, VLenUTF8Codec, ZstdCodec

from stmgpu.errors import InputError, StoreError, WrongStoreError
from stmgpu.files import replacing
from stmgpu.screen.selection import failures
from stmgpu.screen.variables import FAILED, FAILURES, ROW
from stmgpu.store.lazy import DAMAGE
from stmgpu.store.manifest import MANIFEST, SEALED_SINCE, Manifest, check_files, fingerprints, manifest_of, walk
from stmgpu.store.schema import ASSESSMENT, KINDS, RUN, SCHEMA_VERSION, Kind, check_dtype, fill_value, kind_of, layout
from stmgpu.variables import CALENDAR, CONVENTIONS, TIME_UNITS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import xarray as xr
    from numpy.typing import DTypeLike

KIND, SCHEMA, _COMPLETE = "stmgpu_kind", "stmgpu_schema", "stmgpu_complete"

MARKS = frozenset({KIND, SCHEMA, _COMPLETE})
"""Attributes of the root that belong to the store and not to the result."""

_LOG = logging.getLogger(__name__)

PARTIAL = "result.partial-"
"""Begin of the names of temporary folders among the records of a run."""

ROOT = "zarr.json"
"""Metadata of the root, below the store; written last."""


def write_dataset(ds: xr.Dataset, path: str | os.PathLike[str], kind: str, *, overwrite: bool = False) -> Path:
    """Write a Dataset as a store.

    Parameters
    ----------
    ds : xr.Dataset
        Result of :func:`stmgpu.screen.screen` or :func:`stmgpu.propagate.propagate`, or a Dataset of the same form.
        Variables that are not in the schema are kept; they need ``units`` and ``long_name``.
    path : path-like
        Folder of the store, by convention ``something.zarr``.
    kind : str
        Kind of the store, such as 'conjunctions' or 'ephemeris'.
    overwrite : bool
        Replace an existing store of this package.

    Returns
    -------
    Path
        Folder of the store.

    Raises
    ------
    StoreError
        If the path exists, the Dataset does not fit the schema, or writing fails; nothing is left behind.

    Examples
    --------
    >>> write_dataset(con, "day.zarr", "conjunctions")  # doctest: +SKIP
    PosixPath('day.zarr')
    """
    prepared = prepare(ds, kind)
    with staged(path, overwrite=overwrite) as folder:
        write_group(folder, prepared, kind, ds)
        create_group(folder / RUN)
        Manifest(fingerprints(folder, walk(folder))).write(folder)
    return Path(path)


_ARRAYS_AT_ONCE = 4

Prepared = dict[str, tuple[np.ndarray, tuple[str, ...], dict[str, Any]]]
"""Variables in the form in which they are stored: data, dimensions, attributes."""


def prepare(ds: xr.Dataset, kind: str) -> Prepared:
    """Convert a Dataset to the arrays of a store, by path; :class:`StoreError` if they do not fit the schema."""
    spec = kind_of(kind)
    variables = {str(name): variable for name, variable in ds.variables.items() if name != ROW}
    if "failures" in spec.tables and any(str(name).startswith(FAILED) for name in ds.attrs):
        table = failures(ds)
        variables |= {f"failures/{name}": column.of(table[name]) for name, column in FAILURES.items()}
    arrays = {name: _prepare(name, variable, spec) for name, variable in variables.items()}
    missing = [name for name, v in spec.variables.items() if v.required and name not in arrays]
    if missing:
        raise StoreError(f"a store of kind {kind!r} needs the variables {', '.join(missing)}, which the Dataset lacks")
    return arrays


def write_group(folder: Path, prepared: Prepared, kind: str, ds: xr.Dataset) -> None:
    """Write a whole result into a new folder."""
    group = create_group(folder)
    for table in {name.partition("/")[0] for name in prepared if "/" in name}:
        group.create_group(table)

    def write(name: str) -> None:
        data, dims, attrs = prepared[name]
        create_array(group, kind_of(kind), name, dtype=data.dtype, shape=data.shape, dims=dims, attrs=attrs)[...] = data

    with ThreadPoolExecutor(_ARRAYS_AT_ONCE) as pool:
        list(pool.map(write, prepared))
    attrs = {str(name): value for name, value in ds.attrs.items() if not str(name).startswith(FAILED)}
    finish(group, kind, attrs, [str(c) for c in ds.coords if c != ROW])


def result_files(folder: Path) -> list[str]:
    """Paths below a store of all files of its result, sorted; an assessment has files of its own."""
    return sorted(
        path.relative_to(folder).as_posix()
        for entry in folder.iterdir()
        if entry.name not in (RUN, ASSESSMENT)
        for path in ([entry] if entry.is_file() else entry.rglob("*"))
        if path.is_file()
    )


def check_target(path: str | os.PathLike[str], *, overwrite: bool = False, part: bool = False) -> None:
    """Raise :class:`StoreError` if a store could not be written there; call it before a long computation.

    A place inside another store is an :class:`InputError`, see :func:`check_outside`, unless it is a `part` of it.
    """
    target = Path(path)
    if not part:
        check_outside(target)
    if os.path.lexists(target):
        if not overwrite:
            raise WrongStoreError(f"{target} exists; choose another path or pass overwrite=True")
        if not part and not is_ours(target):
            raise WrongStoreError(
                f"{target} exists and is not a store of stmgpu, so it is not overwritten; choose another path"
            )
    parent = target.resolve().parent
    while not parent.exists():
        parent = parent.parent
    if not parent.is_dir():
        raise StoreError(f"cannot write {target}: {parent} is not a folder")
    if not os.access(parent, os.W_OK):
        raise StoreError(f"cannot write {target}: no permission to write in {parent}")


def check_outside(path: str | os.PathLike[str]) -> None:
    """Raise :class:`InputError` if a path lies inside a store, which would be damaged by what it did not write."""
    target = Path(path)
    store = next((folder for folder in target.resolve().parents if is_ours(folder)), None)
    if store is not None:
        raise InputError(f"cannot write {target}: it lies inside the store {store}; choose another path")


@contextmanager
def staged(path: str | os.PathLike[str], *, overwrite: bool, part: bool = False) -> Iterator[Path]:
    """Temporary folder beside ``path`` that replaces it if the block succeeds and is removed otherwise.

    If ``path`` is a symbolic link, its target is replaced. For a `part` of a store the temporary folder stands among
    the records of that store's run, where what is left by a kill is known.
    """
    check_target(path, overwrite=overwrite, part=part)
    target = Path(path).resolve()
    token = secrets.token_hex(4)
    folder, old = (
        target.parent / RUN / f"{PARTIAL}{token}-{suffix}"
        if part
        else target.with_name(f"{target.name}.{suffix}-{token}")
        for suffix in ("partial", "old")
    )
    try:
        with writing(target):
            folder.mkdir(parents=True)
            yield folder
            check_target(path, overwrite=overwrite, part=part)  # another process may have been faster
            if target.exists():
                target.rename(old)
            folder.rename(target)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    try:
        if old.exists():
            shutil.rmtree(old)
    except OSError as error:  # the new store is complete nevertheless
        _LOG.warning(
            "%s is replaced, but what is left of the old store could not be removed (%s); delete %s yourself",
            target,
            error.strerror or error,
            old,
        )


def create_group(folder: Path) -> zarr.Group:
    """Create an empty root group."""
    return zarr.open_group(folder, mode="w", zarr_format=3)


def create_array(
    group: zarr.Group,
    kind: Kind,
    name: str,
    *,
    dtype: DTypeLike,
    shape: tuple[int, ...],
    dims: tuple[str, ...],
    attrs: Mapping[str, Any],
) -> zarr.Array[Any]:
    """Create an array with the chunks, shards and codecs of its kind; ``dtype`` 'T' or 'U' is variable-length text."""
    chunks, shards = layout(kind, dims, shape)
    text = np.dtype(dtype).kind in "TU"
    return group.create_array(
        name,
        shape=shape,
        dtype="string" if text else np.dtype(dtype),
        chunks=chunks,
        shards=shards,
        filters=[],
        serializer=VLenUTF8Codec() if text else BytesCodec(endian="little"),
        compressors=[ZstdCodec(level=3), Crc32cCodec()],
        fill_value=fill_value(np.dtype("U") if text else np.dtype(dtype)),
        attributes=dict(attrs),
        dimension_names=dims,
        config={"write_empty_chunks": True},
    )


def finish(group: zarr.Group, kind: str, attrs: Mapping[str, Any], coordinates: list[str]) -> None:
    """Write the root's attributes, among them the mark of completeness, and the consolidated metadata."""
    auxiliary = [c for c in coordinates if c not in KINDS[kind].extents and c != "axis"]
    group.attrs.update(
        {
            "Conventions": CONVENTIONS,
            "title": KINDS[kind].title,
            **{name: _plain(name, value) for name, value in attrs.items()},
            **({"coordinates": " ".join(auxiliary)} if auxiliary else {}),
            KIND: kind,
            SCHEMA: SCHEMA_VERSION,
            _COMPLETE: True,
        }
    )
    with warnings.catch_warnings():
        # xarray warns on every plain open without it; it is an extension that other readers ignore
        warnings.filterwarnings("ignore", message="Consolidated metadata")
        zarr.consolidate_metadata(group.store)


def time_attrs(attrs: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes of a time variable stored as int64 nanoseconds."""
    return {"standard_name": "time", **attrs, "units": TIME_UNITS, "calendar": CALENDAR}


def _prepare(name: str, variable: xr.Variable, kind: Kind) -> tuple[np.ndarray, tuple[str, ...], dict[str, Any]]:
    """Convert a variable: data in a storable type, dimensions in the order of the schema, attributes."""
    spec = kind.arrays().get(name)
    dims = tuple(str(d) for d in variable.dims)
    if spec is not None:
        if sorted(dims) != sorted(spec.dims):
            raise StoreError(f"variable {name!r} has dimensions {dims}; give it the dimensions {spec.dims}")
        variable, dims = variable.transpose(*spec.dims), spec.dims
    data = variable.to_numpy()
    attrs = {str(k): _plain(f"{name}.{k}", v) for k, v in variable.attrs.items()}
    if spec is not None:
        check_dtype(name, data.dtype, spec.dtype)
        attrs = {name: _plain(name, value) for name, value in spec.attrs().items()} | attrs
    if data.dtype.kind == "M":
        return data.astype("datetime64[ns]").view(np.int64), dims, time_attrs(attrs)
    if data.dtype.kind in "OTU":
        if data.dtype.kind == "O" and not all(isinstance(item, str) for item in data.flat):
            raise StoreError(
                f"variable {name!r} holds Python objects other than text; only numbers, times and text are stored"
            )
        return data.astype(np.dtypes.StringDType()), dims, attrs
    if data.dtype.kind not in "biuf":
        raise StoreError(f"variable {name!r} has type {data.dtype}; only numbers, times and text are stored")
    if spec is None and not {"units", "long_name"} <= attrs.keys():
        raise StoreError(f"variable {name!r} is not in the schema and lacks units or long_name; set both in its attrs")
    if spec is not None and spec.dtype not in ("time", "text"):
        data = data.astype(spec.dtype)
    return np.ascontiguousarray(data), dims, attrs


def _plain(name: str, value: object) -> Any:
    """Convert an attribute to a value that JSON can represent."""
    if isinstance(value, np.datetime64):
        return str(value)
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise StoreError(
            f"attribute {name!r} = {value!r} cannot be stored ({error}); give numbers, text, lists or "
            "dictionaries of them"
        ) from None
    return value


def _metadata(folder: Path) -> dict[str, Any]:
    try:
        document = json.loads((folder / ROOT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}


def is_ours(folder: Path) -> bool:
    """Whether a folder is a store of this package, finished or not."""
    attributes = _metadata(folder).get("attributes")
    return isinstance(attributes, dict) and KIND in attributes


def check_root(folder: Path, *, unfinished: bool = False) -> tuple[dict[str, Any], bool]:
    """Root attributes of a store, and whether it is complete; an unfinished one is refused unless allowed.

    The root of a complete store is compared with its manifest, that of another with the text that it must have.
    """
    attributes, complete = read_root(folder)
    if not complete and not unfinished:
        raise StoreError(
            f"{folder} was left unfinished; rerun the command that made the store, without --overwrite, or see "
            f"`stmgpu status {folder}`"
        )
    try:
        _verify_root(folder, attributes, complete=complete)
    except StoreError:
        if read_root(folder) == (attributes, complete):
            raise
        return check_root(folder, unfinished=unfinished)  # a run finished or reopened the store at this moment
    return attributes, complete


def _verify_root(folder: Path, attributes: dict[str, Any], *, complete: bool) -> None:
    """Raise :class:`StoreError` if the root with these attributes is not the one that was written last."""
    schema = attributes[SCHEMA]
    if not complete:
        if schema >= SEALED_SINCE and (folder / ROOT).read_bytes() != unfinished_root(attributes[KIND], schema):
            raise StoreError(f"{folder} is damaged: {ROOT} has other contents; see `stmgpu check`")
        return
    manifest = manifest_of(folder, schema)
    if manifest is None:
        return
    if ROOT not in manifest.files:
        raise StoreError(f"{folder} is damaged: {ROOT} says that it is complete, its manifest that it is not")
    check_files(folder, {ROOT: manifest.files[ROOT]})


def read_root(folder: Path) -> tuple[dict[str, Any], bool]:
    """Root attributes of a store, and whether they say that it is complete."""
    if not folder.is_dir():
        from stmgpu.store.not_a_store import no_store  # loads the readers of catalogues

        raise no_store(folder)
    root = _metadata(folder)
    attributes = root.get("attributes")
    if root.get("zarr_format") != 3 or not isinstance(attributes, dict) or KIND not in attributes:
        if (folder / MANIFEST).exists():
            raise StoreError(f"{folder} is damaged: {ROOT} is missing or cannot be read; see `stmgpu check`")
        raise WrongStoreError(f"{folder} is not a store of stmgpu (no readable {ROOT} with {KIND!r}); check the path")
    version = attributes.get(SCHEMA)
    if not isinstance(version, int) or version < 1:
        raise StoreError(f"{folder} names the schema version {version!r}; a whole number from 1 is allowed")
    if version > SCHEMA_VERSION:
        raise WrongStoreError(
            f"{folder} has schema version {version}, this stmgpu reads up to {SCHEMA_VERSION}; install a newer stmgpu"
        )
    kind = kind_of(attributes[KIND])
    if version < kind.since:
        raise WrongStoreError(
            f"{folder} has schema version {version}; {attributes[KIND]} are read from version {kind.since} on: compute "
            "the store again"
        )
    return attributes, attributes.get(_COMPLETE) is True


def mark_root(folder: Path, kind: str) -> None:
    """Write the root of an unfinished store."""
    with replacing(folder / ROOT) as file:
        file.write(unfinished_root(kind, SCHEMA_VERSION))


def unfinished_root(kind: str, schema: int) -> bytes:
    """Root of an unfinished store."""
    attributes = {KIND: kind, SCHEMA: schema, _COMPLETE: False}
    document = {"zarr_format": 3, "node_type": "group", "attributes": attributes}
    return (json.dumps(document, indent=2) + "\n").encode()


@contextmanager
def reading(folder: Path, array: str | None = None) -> Iterator[None]:
    """Convert Zarr's errors about damaged files to :class:`StoreError`."""
    where = f"{folder}: array {array}" if array else str(folder)
    try:
        yield
    except StoreError:
        raise
    except DAMAGE as error:
        raise StoreError(f"{where} is damaged or cannot be read: {error}") from error


@contextmanager
def writing(target: Path) -> Iterator[None]:
    """Convert errors of the operating system to :class:`StoreError` with a cure."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            cure = "free some space or choose another disk"
        elif error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            cure = "choose a folder that you may write to"
        else:
            cure = "choose another path"
        raise StoreError(f"cannot write {target}: {error.strerror or error}; {cure}") from error
