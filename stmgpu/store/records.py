"""Fingerprints of the files of a store, and sealed records: JSON files that prove that they are whole and in place.

A record ends with its *seal*, the SHA-256 of its path in the store and of its text. A damaged record, one that was
replaced by that of another tile, and one that was edited by hand are noticed when they are read. The fingerprint of a
file has its size, its SHA-256 and a digest of its last bytes. In a shard these hold the index and the checksum of the
last chunk, so size and tail tell one shard from another without reading either of them whole.
"""

from __future__ import annotations

import hashlib
import json
import re
import stat
from typing import TYPE_CHECKING, Any, NamedTuple

from stmgpu.errors import StoreError
from stmgpu.files import replacing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

TAIL_BYTES = 4096
"""Length of the end of a file that is compared when a store is opened [bytes]; the index of a shard is shorter."""

FILES = "files"
"""Field of a record with the fingerprints of the files that it vouches for, by path below the store."""

_SEAL = re.compile(rb',\n "seal": "([0-9a-f]{64})"\n\}\n\Z')


class Fingerprint(NamedTuple):
    """Size, SHA-256 of the whole and digest of the last bytes of a file; an empty digest agrees with every file.

    Examples
    --------
    >>> Fingerprint.of_bytes(b"abc").size
    3
    """

    size: int
    sha256: str
    tail: str = ""

    @classmethod
    def of(cls, path: Path) -> Fingerprint:
        """Fingerprint of a file."""
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            size = file.tell()
            file.seek(max(size - TAIL_BYTES, 0))
            return cls(size, digest, _digest(file.read()))

    @classmethod
    def of_bytes(cls, data: bytes) -> Fingerprint:
        """Fingerprint of a file with that content."""
        return cls(len(data), hashlib.sha256(data).hexdigest(), _digest(data[-TAIL_BYTES:]))

    @classmethod
    def from_json(cls, value: Any) -> Fingerprint:
        """Fingerprint from plain values; ValueError or TypeError if they are not those of one."""
        size, digest, *tail = value
        return cls(int(size), str(digest), *(str(text) for text in tail))

    def difference(self, path: Path, *, whole: bool = False) -> str:
        """Difference of a file from the fingerprint as the end of a sentence, empty if there is none.

        Parameters
        ----------
        path : Path
            The file.
        whole : bool
            Compare every byte; default the size and the last bytes.
        """
        try:
            mode = path.stat().st_mode
            if not stat.S_ISREG(mode):
                return "is a folder" if stat.S_ISDIR(mode) else "is not a file"
            with path.open("rb") as file:
                size = file.seek(0, 2)
                if size != self.size:
                    return f"has {size:,} bytes instead of {self.size:,}"
                file.seek(max(size - TAIL_BYTES, 0))
                if self.tail and _digest(file.read()) != self.tail:
                    return "has other contents"
            if whole and Fingerprint.of(path).sha256 != self.sha256:
                return "has other contents (its hash does not match)"
        except FileNotFoundError:
            return "is missing"
        except OSError as error:
            return f"cannot be read ({error.strerror or error})"
        return ""


def _digest(tail: bytes) -> str:
    return hashlib.sha256(tail).hexdigest()[:16]


def sealed(name: str, document: Mapping[str, Any]) -> bytes:
    """Text of a record with its seal.

    Parameters
    ----------
    name : str
        Path of the record below the store.
    document : mapping
        Its fields, at least one.
    """
    fields = {key: value for key, value in document.items() if key != "seal"}
    body = json.dumps(fields, indent=1, allow_nan=False).removesuffix("\n}").encode()
    return body + f',\n "seal": "{_seal(name, body)}"\n}}\n'.encode()


def write_record(folder: Path, name: str, document: Mapping[str, Any]) -> None:
    """Write a sealed record of a store; it appears whole or not at all."""
    with replacing(folder / name) as file:
        file.write(sealed(name, document))


def read_record(folder: Path, name: str, *, seal: bool = True) -> dict[str, Any]:
    """Fields of a record of a store.

    Parameters
    ----------
    folder : Path
        Folder of the store.
    name : str
        Path of the record below the store.
    seal : bool
        Refuse a record without a seal, as older versions wrote them; a wrong seal is always refused.

    Raises
    ------
    StoreError
        If the record is missing, or damaged.
    """
    try:
        data = (folder / name).read_bytes()
        end = _SEAL.search(data)
        if (end is None and seal) or (end is not None and end[1].decode() != _seal(name, data[: end.start()])):
            raise _damaged(folder, f"{name} has other contents (its seal does not match)")
        document = json.loads(data)
    except FileNotFoundError:
        raise _damaged(folder, f"{name} is missing") from None
    except (OSError, ValueError) as error:
        raise _damaged(folder, f"{name} cannot be read ({getattr(error, 'strerror', None) or error})") from error
    if not isinstance(document, dict):
        raise _damaged(folder, f"{name} cannot be read (not a JSON object)")
    document.pop("seal", None)
    return document


def _damaged(folder: Path, what: str) -> StoreError:
    return StoreError(f"{folder} is damaged: {what}; see `stmgpu check`")


def files_of(folder: Path, name: str, document: Mapping[str, Any]) -> dict[str, Fingerprint]:
    """Fingerprints in a record, by path below the store; :class:`StoreError` if they are wrong or leave the store."""
    try:
        files = {str(path): Fingerprint.from_json(value) for path, value in document.get(FILES, {}).items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise _damaged(folder, f"{name} cannot be read ({error})") from error
    outside = [path for path in files if path.startswith("/") or ".." in path.split("/")]
    if outside:
        raise _damaged(folder, f"{name} names {outside[0]!r}, a file outside the store")
    return files


def _seal(name: str, body: bytes) -> str:
    return hashlib.sha256(name.encode() + b"\0" + body).hexdigest()
