"""Checks of output paths before the work begins."""

from __future__ import annotations

import os
from pathlib import Path

from stmgpu.errors import InputError, StoreError

PICTURES = (".png", ".pdf", ".svg")
"""File endings of pictures."""


def check_outputs(store: Path | None, *files: Path | None) -> None:
    """Raise :class:`InputError` for paths that cannot be written.

    A store that is already there may be resumed or replaced; other files and folders are left alone.
    """
    from stmgpu.store import check_target
    from stmgpu.store.writing import check_outside

    if store is not None:
        try:
            check_target(store, overwrite=True)
        except StoreError as error:
            raise InputError(f"{error} (--out)") from error
    given = [path.absolute() for path in (store, *files) if path is not None]
    if len(set(given)) < len(given):
        raise InputError("two results have the same path; give each its own")
    for file in files:
        if file is None:
            continue
        folder = file.absolute().parent
        if not folder.is_dir():
            raise InputError(f"cannot write {file}: there is no folder {folder}; create it first")
        if os.path.lexists(file) and (file.is_symlink() or not file.is_file()):
            # files are renamed into place: that would replace a link such as /dev/stdout, or a device
            raise InputError(f"cannot write {file}: it exists and is not an ordinary file; choose another path")
        check_outside(file)
        if not os.access(folder, os.W_OK):
            raise InputError(f"cannot write {file}: no permission to write in {folder}; choose another folder")


def check_picture(plot: Path | None) -> None:
    """Raise :class:`InputError` for a picture format that is not supported."""
    if plot is not None and plot.suffix.lower() not in PICTURES:
        raise InputError(
            f"cannot write {plot}: {plot.suffix!r} is not a figure format; choose one of {', '.join(PICTURES)}"
        )
