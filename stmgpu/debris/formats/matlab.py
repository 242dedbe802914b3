"""Reader of MAT-files of level 5 that checks their structure first, since SciPy can crash on damaged files.

MathWorks, "MAT-File Format" (2023): a header of 128 bytes, then elements with a tag of type and length, in which arrays
hold further elements; an element of up to 4 bytes may be stored in its tag.
"""

from __future__ import annotations

import io
import math
import struct
import zlib
from typing import TYPE_CHECKING, Any

from scipy.io import loadmat
from scipy.io.matlab import MatReadError

from stmgpu.compression import ALWAYS_ALLOWED, MAX_RATIO
from stmgpu.files import read_content

if TYPE_CHECKING:
    import os

_HEADER = 128
_INT8, _INT32, _UINT32, _MATRIX, _COMPRESSED = 1, 5, 6, 14, 15
_SIZES = {1: 1, 2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 7: 4, 9: 8, 12: 8, 13: 8}
"""Bytes of a number by type of element."""

_TEXTS = {1: 1, 2: 1, 4: 2, 16: 1, 17: 2, 18: 4}
_CELL, _STRUCT, _TEXT = 1, 2, 4
_NUMERIC = range(6, 16)
_COMPLEX = 0x0800
_DEEPEST, _MOST_DIMENSIONS, _LONGEST_NAME = 8, 32, 64
_MOST_BYTES = 1 << 30
"""Largest size of all compressed elements when unpacked; besides, 200 times the file."""


def read_mat(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read the numbers, texts, cells and structures of a MAT-file; variables of other classes are skipped.

    Raises
    ------
    InputError
        the file cannot be read, or is too large.
    ValueError
        the file is not a MAT-file of level 5, or damaged.
    """
    checked = _checked(read_content(path, kind="MAT", text=False).data)
    try:
        content: dict[str, Any] = loadmat(io.BytesIO(checked))
    except (MatReadError, OSError, TypeError, LookupError, NotImplementedError, OverflowError, MemoryError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error
    return content


def _checked(raw: bytes) -> bytes:
    """The file, unpacked, with the variables that are read; ValueError if its parts are inconsistent."""
    order = {b"IM": "<", b"MI": ">"}.get(raw[126:128])
    if order is None or len(raw) < _HEADER:
        raise ValueError("it has no header of a MAT-file")
    (version,) = struct.unpack(f"{order}H", raw[124:126])
    if version != 0x0100:
        raise ValueError(
            "it is of version 7.3; save it with -v7" if version == 0x0200 else f"its version {version:#x} is unknown"
        )
    parts, at = [raw[:_HEADER]], _HEADER
    left = min(_MOST_BYTES, max(int(MAX_RATIO * len(raw)), ALWAYS_ALLOWED))
    while at < len(raw):
        kind, begin, size, end = _element(raw, at, len(raw), order)
        data, first = raw, at
        if kind == _COMPRESSED:
            at = begin + size  # compressed elements are not padded
            data, first = _unpacked(raw[begin:at], left), 0
            left -= len(data)
            kind, begin, size, end = _element(data, 0, len(data), order)
        else:
            at = end
        if kind != _MATRIX:
            raise ValueError(f"it holds an element of type {kind} where a variable should be")
        if _array(data, begin, begin + size, order):
            parts.append(data[first:end] + bytes((first - end) % 8))
    return b"".join(parts)


def _unpacked(data: bytes, most: int) -> bytes:
    """Content of a compressed element."""
    unpacker = zlib.decompressobj()
    try:
        unpacked = unpacker.decompress(data, most + 1)
    except zlib.error as error:
        raise ValueError(f"a compressed variable is damaged ({error})") from error
    if len(unpacked) > most:
        raise ValueError(f"its variables are larger than 1 GiB, or than {MAX_RATIO:g} times the file, when unpacked")
    if not unpacker.eof:
        raise ValueError("a compressed variable is cut off")
    return unpacked


def _element(data: bytes, at: int, end: int, order: str) -> tuple[int, int, int, int]:
    """Type, first byte and length of an element, and first byte of the next one."""
    if end - at < 8:
        raise ValueError("an element is cut off")
    kind, size = struct.unpack_from(f"{order}II", data, at)
    begin = at + 8
    if kind >> 16:
        kind, size, begin = kind & 0xFFFF, kind >> 16, at + 4
        if size > 4:
            raise ValueError(f"a short element has {size} bytes")
        return kind, begin, size, at + 8
    if begin + size > end:
        raise ValueError(f"an element of {size} bytes reaches beyond its end")
    return kind, begin, size, min(begin + size + (-size) % 8, end)


def _array(data: bytes, at: int, end: int, order: str, depth: int = 0) -> bool:
    """Whether the class of an array is read; ValueError if its parts are inconsistent."""
    if depth > _DEEPEST:
        raise ValueError(f"structures lie within each other more than {_DEEPEST} deep")
    if at == end:
        return True
    kind, begin, size, at = _element(data, at, end, order)
    if kind != _UINT32 or size != 8:
        raise ValueError("an array has no flags")
    (flags,) = struct.unpack_from(f"{order}I", data, begin)
    of = flags & 0xFF
    if of not in (*_NUMERIC, _TEXT, _STRUCT, _CELL):
        return False
    kind, begin, size, at = _element(data, at, end, order)
    if kind != _INT32 or size % 4 or not 8 <= size <= 4 * _MOST_DIMENSIONS:
        raise ValueError("an array has no dimensions")
    shape = struct.unpack_from(f"{order}{size // 4}i", data, begin)
    if min(shape) < 0:
        raise ValueError(f"an array has the shape {shape}")
    kind, _, _, at = _element(data, at, end, order)
    if kind != _INT8:
        raise ValueError("an array has no name")
    count = math.prod(shape)
    if of in _NUMERIC or of == _TEXT:
        for _ in range(2 if flags & _COMPLEX else 1):
            kind, _, size, at = _element(data, at, end, order)
            bytes_each = (_TEXTS if of == _TEXT else _SIZES).get(kind)
            if bytes_each is None or (size != count * bytes_each and kind != 16):  # UTF-8: as many as it needs
                raise ValueError(f"an array of {count} values holds {size} bytes of type {kind}")
        return True
    if of == _STRUCT:
        kind, begin, size, at = _element(data, at, end, order)
        (length,) = struct.unpack_from(f"{order}i", data, begin) if (kind, size) == (_INT32, 4) else (0,)
        kind, begin, size, at = _element(data, at, end, order)
        if kind != _INT8 or not 0 < length <= _LONGEST_NAME or size % length:
            raise ValueError("the fields of a structure have no names")
        count *= size // length
    if count > (end - at) // 8:
        raise ValueError(f"a structure of {count} arrays has {end - at} bytes")
    for _ in range(count):
        kind, begin, size, at = _element(data, at, end, order)
        if kind != _MATRIX or not _array(data, begin, begin + size, order, depth + 1):
            raise ValueError("a structure contains something other than arrays of numbers, text or structures")
    return True
