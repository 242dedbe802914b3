"""Unpack gzip, bzip2, xz and zip, told by content, up to a size."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import zipfile
import zlib
from typing import IO, TYPE_CHECKING, NamedTuple, cast

from stmgpu.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAX_RATIO = 200.0
"""Largest ratio of unpacked to packed size; text of catalogues and messages stays below 50."""

ALWAYS_ALLOWED = 1 << 20
"""Unpacked size to which `MAX_RATIO` does not apply [bytes]."""

_CHUNK = 1 << 20
_XZ_CHUNK = 1 << 13
_XZ_MEMORY = 1 << 28  # the settings of `xz -9` need 65 MiB
_SHOWN_MEMBERS = 20
_DEEPEST = 3
_REFUSED = (
    (0, b"\x28\xb5\x2f\xfd", "a zstd file; unpack it with `unzstd`"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive; extract the file from it"),
    (0, b"Rar!\x1a\x07", "a RAR archive; extract the file from it"),
    (0, b"\x1f\x9d", "a file packed with `compress`; unpack it with `uncompress`"),
    (0, b"\x04\x22\x4d\x18", "an lz4 file; unpack it with `unlz4`"),
    (257, b"ustar", "a tar archive; extract the file from it"),
)  # position, signature, name and cure


class Limits(NamedTuple):
    """Limits of unpacking.

    Parameters
    ----------
    max_bytes : int
        Largest unpacked size [bytes].
    max_ratio : float
        Largest ratio of unpacked to packed size, where that allows less.
    raisable : bool
        Whether a user can raise them: messages then name the option and the parameter.
    """

    max_bytes: int
    max_ratio: float = MAX_RATIO
    raisable: bool = False

    def cure(self, parameter: str) -> str:
        """How to raise a limit, as the end of a message."""
        return f", or raise the limit (--max-size-gib, {parameter})" if self.raisable else ""


def unpack(data: bytes, label: str, limits: Limits, *, member: str = "") -> bytes:
    """Unpack data, also packed up to three times; data that is not packed is returned as it is.

    Parameters
    ----------
    data : bytes
        Content of a file.
    label : str
        Kind and name of the file, for messages.
    limits : Limits
        Largest sizes; nothing beyond them is unpacked.
    member : str
        File of a zip archive; its only one by default.

    Raises
    ------
    InputError
        If the data is damaged, of another compression, or larger than allowed when unpacked, or if an archive holds
        several files and `member` is none of them.

    Examples
    --------
    >>> unpack(gzip.compress(b"content"), "catalogue 'a.gz'", Limits(100))
    b'content'
    """
    by_ratio = max(len(data) * limits.max_ratio, ALWAYS_ALLOWED)
    for _ in range(_DEEPEST):
        kind = next((kind for kind in _KINDS if kind.signature.match(data)), None)
        if kind is None:
            break
        try:
            with kind.begin(data, label, member) as stream:
                data = _read(stream, label, limits, by_ratio)
        except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, RuntimeError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"{label} is a damaged {kind.name} file: {error}; download or copy it again") from None
    for position, signature, named in _REFUSED:
        if data.startswith(signature, position):
            raise InputError(f"{label} is {named}, and give that")
    return data


def _read(stream: IO[bytes], label: str, limits: Limits, by_ratio: float) -> bytes:
    most = min(limits.max_bytes, by_ratio)
    unpacked = io.BytesIO()
    while chunk := stream.read(_CHUNK):
        unpacked.write(chunk)
        if unpacked.tell() > most:
            if most == limits.max_bytes:
                raise InputError(
                    f"{label} is larger than {most} bytes when unpacked; check what it is{limits.cure('max_bytes')}"
                )
            raise InputError(
                f"{label} is more than {limits.max_ratio:g} times larger when unpacked, which no catalogue or message "
                f"is; unpack it and check it{limits.cure('max_ratio')}"
            )
    return unpacked.getvalue()


class _XzFile(io.RawIOBase):
    """Content of an xz file, with bounded memory (`lzma.LZMAFile` allots what the file asks for)."""

    def __init__(self, file: io.BytesIO) -> None:
        self._chunks = self._unpacked(file)

    def read(self, size: int = -1, /) -> bytes:
        return next(self._chunks, b"")

    @staticmethod
    def _unpacked(file: io.BytesIO) -> Iterator[bytes]:
        stream = lzma.LZMADecompressor(memlimit=_XZ_MEMORY)
        while packed := file.read(_XZ_CHUNK):
            while packed or not (stream.eof or stream.needs_input):
                if stream.eof:
                    packed = packed.lstrip(b"\0")  # padding between streams
                    if not packed:
                        break
                    stream = lzma.LZMADecompressor(memlimit=_XZ_MEMORY)
                chunk = stream.decompress(packed, _CHUNK)
                packed = stream.unused_data if stream.eof else b""
                if chunk:
                    yield chunk
        if not stream.eof:
            raise EOFError("it ends early")


def _open_zip(data: bytes, label: str, member: str) -> IO[bytes]:
    archive = zipfile.ZipFile(io.BytesIO(data))
    names = [info.filename for info in archive.infolist() if not info.is_dir() and "__MACOSX/" not in info.filename]
    if "xl/workbook.xml" in names:
        raise InputError(f"{label} is an Excel workbook; save its sheet as CSV and give that")
    if member not in names and (member or len(names) != 1):
        wanted = f"no file {member!r}" if member else f"{len(names)} files"
        shown = ", ".join(names[:_SHOWN_MEMBERS]) + (", ..." if len(names) > _SHOWN_MEMBERS else "")
        raise InputError(
            f"{label} is a zip archive with {wanted} ({shown or 'it is empty'}); name one as ARCHIVE.zip/FILE"
        )
    info = archive.getinfo(member or names[0])
    if info.flag_bits & 1:
        raise InputError(f"{label} is a zip archive with a password; extract {info.filename!r} and give that")
    return archive.open(info)


class _Kind(NamedTuple):
    name: str
    signature: re.Pattern[bytes]
    begin: Callable[[bytes, str, str], IO[bytes]]


def _plain(begin: Callable[[io.BytesIO], object]) -> Callable[[bytes, str, str], IO[bytes]]:
    """Opener of a kind that holds one file without a name."""
    return lambda data, label, member: cast("IO[bytes]", begin(io.BytesIO(data)))


_KINDS = (
    _Kind("gzip", re.compile(rb"\x1f\x8b"), _plain(lambda file: gzip.GzipFile(fileobj=file))),
    _Kind("bzip2", re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)"), _plain(bz2.BZ2File)),
    _Kind("xz", re.compile(rb"\xfd7zXZ\0"), _plain(_XzFile)),
    _Kind("zip", re.compile(rb"PK(?:\x03\x04|\x05\x06)"), _open_zip),
)
