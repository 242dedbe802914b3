"""Files that appear complete or not at all."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from stmgpu.errors import InputError, StoreError


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a new file for writing bytes that takes the place of ``path`` once everything is written.

    It is written beside ``path`` under a name of its own, synchronised and renamed. After an error the old file is as
    it was and nothing new is left.

    Raises
    ------
    InputError
        ``path`` is there and is no ordinary file: renaming would replace a link such as /dev/stdout, or a device.
    StoreError
        the disk is full, or writing failed otherwise.
    OSError
        the folder is missing or not writable.
    """
    target = Path(path)
    if os.path.lexists(target) and (target.is_symlink() or not target.is_file()):
        raise InputError(f"cannot write {target}: it is there and is no ordinary file; choose another path")
    handle, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)
        os.replace(temporary, target)
    except BaseException as error:
        os.unlink(temporary)
        if isinstance(error, OSError):
            raise StoreError(f"cannot write {target}: {error.strerror or error}; nothing was left behind") from error
        raise


def file_hash(path: Path) -> tuple[int, str]:
    """Size and SHA-256 of a file."""
    with path.open("rb") as file:
        return os.fstat(file.fileno()).st_size, hashlib.file_digest(file, "sha256").hexdigest()
