"""Read input of bounded size from paths, bytes and streams; write files atomically."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import tempfile
import tomllib
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from stmgpu.compression import Limits, unpack
from stmgpu.errors import InputError, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_BYTES = 1 << 30
"""Largest size of an input, before and after unpacking [bytes]."""

LIMITS = Limits(MAX_BYTES)
"""Limits of inputs whose readers have none of their own."""

_BOM = b"\xef\xbb\xbf"
_ENCODINGS = (  # the mark of UTF-32 begins with that of UTF-16
    (re.compile(rb"\xff\xfe\0\0|\0\0\xfe\xff"), "utf-32"),
    (re.compile(rb"\xff\xfe|\xfe\xff"), "utf-16"),
    (re.compile(rb"(?:[\t\n\r -~]\0){8}"), "utf-16-le"),
    (re.compile(rb"(?:\0[\t\n\r -~]){8}"), "utf-16-be"),
)
_ARCHIVE = re.compile(r"\.zip/", re.IGNORECASE)
_URL = re.compile(r"([a-z][a-z0-9+.-]+):/{1,2}(.*)", re.IGNORECASE | re.DOTALL)  # a Path keeps one slash


class Readable(Protocol):
    """A stream of bytes or text."""

    def read(self, size: int, /) -> bytes | str:
        """Up to `size` bytes or characters."""
        ...


Source = str | os.PathLike[str] | bytes | bytearray | memoryview | Readable
"""Input: a file's path, its content, or an open stream."""


@dataclass(frozen=True)
class Content:
    """Content of a source.

    Parameters
    ----------
    data : bytes
        Decompressed, without a byte order mark.
    name : str
        Path, name of the stream, or '<bytes>'.
    sha256 : str
        Digest of the bytes as given, before decompression.
    """

    data: bytes
    name: str
    sha256: str


def read_content(source: Source, *, kind: str, limits: Limits = LIMITS, text: bool = True) -> Content:
    """Read a source, plain or packed by gzip, bzip2, xz or zip, up to a size.

    Parameters
    ----------
    source : path, bytes or file-like
        A file's path, its content, or an object with `read()`. ``archive.zip/name`` is a file of a zip archive.
    kind : str
        Name of the input in messages, such as 'catalogue'.
    limits : Limits
        Largest size before and after unpacking, and largest ratio of both; no more is read or unpacked. Up to 1 MiB may
        be unpacked whatever the ratio.
    text : bool
        Whether the content is text: UTF-16 and UTF-32 are then converted to UTF-8.

    Raises
    ------
    InputError
        If the source cannot be read, is larger than allowed, damaged, or packed otherwise.

    Examples
    --------
    >>> import gzip
    >>> read_content(gzip.compress(b"content"), kind="catalogue", limits=Limits(100)).data
    b'content'
    """
    raw, name, member = _load(source, kind, limits)
    label = f"{kind} {name!r}"
    data = unpack(raw, label, limits, member=member)
    return Content(_as_utf8(data, label) if text else data, name, hashlib.sha256(raw).hexdigest())


def read_toml(source: Source, *, kind: str, limits: Limits) -> dict[str, Any]:
    """Read a TOML file; arguments as for :func:`read_content`.

    Raises
    ------
    InputError
        If the source cannot be read, is larger than allowed, or no TOML.

    Examples
    --------
    >>> read_toml(b"years = 100", kind="scenario", limits=Limits(100))
    {'years': 100}
    """
    content = read_content(source, kind=kind, limits=limits)
    try:
        return tomllib.loads(content.data.decode("utf-8"))
    except RecursionError:
        raise InputError(f"{content.name} is not TOML: its values are nested too deeply") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{content.name} is not TOML: it is not UTF-8 text ({error.reason})") from error
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{content.name} is not TOML: {error}") from error


def _as_utf8(data: bytes, label: str) -> bytes:
    """UTF-8 without a byte order mark."""
    for mark, encoding in _ENCODINGS:
        if mark.match(data):
            try:
                data = data.decode(encoding).encode("utf-8")
            except ValueError as error:
                raise InputError(f"{label} begins as {encoding.upper()} text but is not: {error}") from None
            break
    return data.removeprefix(_BOM)


def _load(source: Source, kind: str, limits: Limits) -> tuple[bytes, str, str]:
    """Content, name, and name of the file in an archive."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _within(bytes(source), "<bytes>", kind, limits), "<bytes>", ""
    if isinstance(source, (str, os.PathLike)):
        return _load_file(source, kind, limits)
    if not hasattr(source, "read"):
        raise InputError(f"{kind} source is a {type(source).__name__}; give a path, bytes or an open file")
    name = str(getattr(source, "name", "<stream>"))
    try:
        content = source.read(limits.max_bytes + 1)
    except (OSError, ValueError) as error:
        raise InputError(f"{kind} {name!r} cannot be read: {error}") from None
    if isinstance(content, str):
        content = content.encode("utf-8", "surrogateescape")
    if not isinstance(content, bytes):
        raise InputError(f"{kind} {name!r} gives {type(content).__name__} when read; allowed are bytes or text")
    return _within(content, name, kind, limits), name, ""


def _load_file(source: str | os.PathLike[str], kind: str, limits: Limits) -> tuple[bytes, str, str]:
    name = os.fsdecode(source)
    archive, member = archive_and_member(name)
    try:
        with open(archive or source, "rb") as file:  # noqa: PTH123 - Path drops a slash at the end
            return _within(file.read(limits.max_bytes + 1), name, kind, limits), name, member
    except (OSError, ValueError) as error:
        url = _URL.fullmatch(name)
        if url and isinstance(error, FileNotFoundError):
            address = f"{url[1]}://{url[2]}"
            raise InputError(
                f"{kind} {address!r} is a URL, and stmgpu does not download; "
                f"fetch it first, as in: curl -o FILE {shlex.quote(address)}"
            ) from None
        shown = name if len(name) <= 200 and "\n" not in name else name[:60] + "..."
        reason = getattr(error, "strerror", None) or error
        hint = "pass content as bytes, not as text" if shown != name or "\n" in name else "check the path"
        raise InputError(f"{kind} file {shown!r} cannot be read: {reason}; {hint}") from None


def archive_and_member(name: str) -> tuple[str, str]:
    """Path of a zip archive, and the file in it, that a name such as ``archive.zip/file`` means; else two ''."""
    for end in _ARCHIVE.finditer(name):
        archive, member = name[: end.end() - 1], name[end.end() :]
        if member and os.path.isfile(archive):  # noqa: PTH113 - False for any text
            return archive, member
    return "", ""


def exists(path: str | os.PathLike[str]) -> bool:
    """Whether a path leads to something that can be opened, or into a zip archive, whatever that holds."""
    name = os.fsdecode(path)
    return os.path.exists(name) or bool(archive_and_member(name)[0])  # noqa: PTH110 - False for any text


def _within(data: bytes, name: str, kind: str, limits: Limits) -> bytes:
    if len(data) > limits.max_bytes:
        article = "an" if kind[0] in "aeiou" else "a"
        raise InputError(
            f"{kind} {name!r} is larger than {limits.max_bytes} bytes; check that it is {article} {kind}"
            + limits.cure("max_bytes")
        )
    return data


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Write a new file that replaces `path` once it is complete.

    The file is written beside `path` under another name, synchronised and renamed. After an error the old file is
    unchanged and nothing new is left.

    Parameters
    ----------
    path : path
        The file to write; its folder must exist.

    Yields
    ------
    binary file
        Open for writing.

    Raises
    ------
    InputError
        If `path` exists and is not an ordinary file: renaming would replace a link such as /dev/stdout, or a device.
    StoreError
        If the disk is full, or writing fails otherwise.
    OSError
        If the folder is missing or not writable.
    """
    target = Path(path)
    if os.path.lexists(target) and (target.is_symlink() or not target.is_file()):
        raise InputError(f"cannot write {target}: it exists and is not an ordinary file; choose another path")
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        temporary.replace(target)
    except BaseException as error:
        temporary.unlink()
        if isinstance(error, OSError):
            raise StoreError(f"cannot write {target}: {error.strerror or error}; no partial file was left") from error
        raise


@contextmanager
def writing(target: str | os.PathLike[str] | BinaryIO) -> Iterator[BinaryIO]:
    """Write a file, see :func:`replacing`, or into one that is already open, such as standard output.

    Parameters
    ----------
    target : path or binary file
        The file to write.

    Yields
    ------
    binary file
        Open for writing.

    Raises
    ------
    InputError, StoreError, OSError
        As :func:`replacing`.
    """
    if isinstance(target, (str, os.PathLike)):
        with replacing(target) as file:
            yield file
    else:
        yield target
        target.flush()


def file_hash(path: Path) -> tuple[int, str]:
    """Size and SHA-256 of a file."""
    with path.open("rb") as file:
        return os.fstat(file.fileno()).st_size, hashlib.file_digest(file, "sha256").hexdigest()
