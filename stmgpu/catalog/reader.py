"""Read a catalogue from a file, bytes or a stream, whatever its form."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import re
import zlib
from collections.abc import Callable
from typing import Any

from stmgpu.catalog.assemble import Records, assemble
from stmgpu.catalog.catalog import Catalog
from stmgpu.catalog.ccsds import ndm, omm, omm_tables
from stmgpu.catalog.tle import reading as tle
from stmgpu.errors import CatalogError, InputError

MAX_BYTES = 2 * 1024**3
"""Largest catalogue that is read, after decompression [bytes]."""

_READERS: dict[str, Callable[[bytes], Records]] = {
    "tle": tle.read_tle,
    "3le": tle.read_tle,
    "csv": lambda data: omm.convert(omm_tables.read_csv(data)),
    "json": lambda data: omm.convert(omm_tables.read_json(data)),
    "kvn": lambda data: omm.convert(ndm.read_kvn(data)),
    "xml": lambda data: omm.convert(ndm.read_xml(data)),
}
FORMATS = tuple(_READERS)
_HEAD = 1 << 16
_GZIP_MAGIC = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
_KVN_LINE = re.compile(rb"^[ \t]*[A-Z][A-Z0-9_]*[ \t]*=", re.MULTILINE)
_TLE_LINE = re.compile(rb"^[12] [ 0-9A-Z][ 0-9]{4}", re.MULTILINE)


def read_catalog(source: Any, *, format: str | None = None, max_bytes: int = MAX_BYTES) -> Catalog:
    """Read a catalogue of TLE, 3LE, or OMM in CSV, JSON, XML or KVN, plain or gzipped.

    Parameters
    ----------
    source : path, bytes or file-like
        A file's path, its content, or an object with `read()`.
    format : {'tle', '3le', 'csv', 'json', 'xml', 'kvn'}, optional
        The form, where it should not be told by the content.
    max_bytes : int
        Largest size after decompression [bytes].

    Returns
    -------
    Catalog
        The valid objects in the order read. Every other record is in `rejected` with its place and the reason; of
        several sets of one object the one with the newest epoch is kept.

    Raises
    ------
    InputError
        If the source cannot be read or is too large, or the format is unknown.
    CatalogError
        If the form is not recognised, nothing in it is valid, or more than half of its records are rejected.

    Examples
    --------
    >>> from stmgpu.catalog.synthetic import synthetic_catalog
    >>> from stmgpu.catalog.writer import format_catalog
    >>> len(read_catalog(format_catalog(synthetic_catalog(10), "csv")))
    10
    """
    if format is not None and format not in _READERS:
        raise InputError(f"catalogue format {format!r} is unknown; allowed: {', '.join(FORMATS)}, or None to detect it")
    raw, name = _load(source, max_bytes)
    data = _decompress(raw, max_bytes, name).removeprefix(_BOM)
    try:
        records = _READERS[format or detect_format(data)](data)
        return assemble(records, name, hashlib.sha256(raw).hexdigest())
    except CatalogError as error:
        prefix = "" if repr(name) in str(error) else f"catalogue {name!r}: "
        raise CatalogError(f"{prefix}{error}") from None


def detect_format(data: bytes) -> str:
    """The form of a catalogue, told from its first 64 KiB.

    Raises
    ------
    CatalogError
        If it is none of the known ones.

    Examples
    --------
    >>> detect_format(b"CCSDS_OMM_VERS = 3.0")
    'kvn'
    """
    head = data[:_HEAD].lstrip()
    if not head:
        raise CatalogError("it is empty; give a file with at least one element set")
    if head[:1] == b"<":
        return "xml"
    if head[:1] in (b"{", b"["):
        return "json"
    first_line = head.split(b"\n", 1)[0].upper()
    if b"," in first_line and (b"NORAD_CAT_ID" in first_line or b"MEAN_ANOMALY" in first_line):
        return "csv"
    if _TLE_LINE.search(head):
        return "tle"
    if _KVN_LINE.search(head):
        return "kvn"
    start = head[:30].decode("ascii", "replace")
    raise CatalogError(
        f"its form is not recognised (it starts {start!r}); allowed: TLE, 3LE, or OMM in CSV, JSON, XML or KVN"
    )


def _load(source: Any, max_bytes: int) -> tuple[bytes, str]:
    """The bytes of a source and a name for it."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _within(bytes(source), max_bytes, "<bytes>"), "<bytes>"
    if hasattr(source, "read"):
        name = str(getattr(source, "name", "<stream>"))
        try:
            content = source.read(max_bytes + 1)
        except (OSError, ValueError) as error:
            raise InputError(f"catalogue {name!r} cannot be read: {error}") from None
        if isinstance(content, str):
            content = content.encode("utf-8", "surrogateescape")
        if not isinstance(content, bytes):
            raise InputError(f"catalogue {name!r} gives {type(content).__name__} when read; allowed are bytes or text")
        return _within(content, max_bytes, name), name
    if not isinstance(source, (str, os.PathLike)):
        raise InputError(f"catalogue source is a {type(source).__name__}; give a path, bytes or an open file")
    path = os.fspath(source)
    name = os.fsdecode(path)
    try:
        with open(path, "rb") as file:
            return _within(file.read(max_bytes + 1), max_bytes, name), name
    except (OSError, ValueError) as error:
        shown = name if len(name) <= 200 and "\n" not in name else name[:60] + "..."
        reason = getattr(error, "strerror", None) or error
        hint = "pass content as bytes, not as text" if shown != name or "\n" in name else "check the path"
        raise InputError(f"catalogue file {shown!r} cannot be read: {reason}; {hint}") from None


def _within(data: bytes, max_bytes: int, name: str) -> bytes:
    if len(data) > max_bytes:
        raise InputError(
            f"catalogue {name!r} is larger than {max_bytes} bytes; check that it is a catalogue, or raise max_bytes"
        )
    return data


def _decompress(data: bytes, max_bytes: int, name: str) -> bytes:
    if data[:2] != _GZIP_MAGIC:
        return data
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            return _within(file.read(max_bytes + 1), max_bytes, name)
    except (OSError, EOFError, zlib.error) as error:
        raise CatalogError(f"catalogue {name!r} is a damaged gzip file: {error}; get it again") from None
