"""Outputs of a command: checks of their paths before the work begins, and `-` for standard output."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from typing import BinaryIO

from stmgpu.cli.invocation import INVOCATION
from stmgpu.errors import InputError, StoreError
from stmgpu.report.figures.kinds import FORMATS


def check_outputs(store: Path | None, *files: Path | None) -> None:
    """Raise :class:`InputError` for paths that cannot be written.

    A store that is already there may be resumed or replaced; other files and folders are left alone. The file `-` is
    standard output.
    """
    from stmgpu.store import check_target
    from stmgpu.store.writing import check_outside

    if store is not None:
        if is_standard_output(store):
            raise InputError("a store is a folder and cannot go to standard output; give --out a path")
        try:
            check_target(store, overwrite=True)
        except StoreError as error:
            raise InputError(f"{error} (--out)") from error
        INVOCATION.computes_into(store)
    for file in files:
        if file is not None and is_standard_output(file):
            INVOCATION.take_standard_output("-")
    paths = [file for file in files if file is not None and not is_standard_output(file)]
    given = [path.absolute() for path in (store, *paths) if path is not None]
    if len(set(given)) < len(given):
        raise InputError("two results have the same path; give each its own")
    for file in paths:
        folder = file.absolute().parent
        if not folder.is_dir():
            raise InputError(f"cannot write {file}: there is no folder {folder}; create it first")
        if os.path.lexists(file) and (file.is_symlink() or not file.is_file()):
            # files are renamed into place: that would replace a link such as /dev/stdout, or a device
            raise InputError(f"cannot write {file}: it exists and is not an ordinary file; choose another path")
        check_outside(file)
        if not os.access(folder, os.W_OK):
            raise InputError(f"cannot write {file}: no permission to write in {folder}; choose another folder")


def is_standard_output(path: Path) -> bool:
    """Whether a path stands for standard output."""
    return str(path) == "-"


def name_of(path: Path) -> str:
    """Path as messages name it."""
    return "standard output" if is_standard_output(path) else str(path)


def opened(path: Path) -> Path | BinaryIO:
    """Standard output for `-`, otherwise the path itself."""
    return sys.stdout.buffer if is_standard_output(path) else path


def check_picture(plot: Path | None) -> None:
    """Raise :class:`InputError` for a figure format that is not supported, or if matplotlib is missing."""
    if plot is not None and plot.suffix.lower() not in FORMATS:
        raise InputError(
            f"cannot write {plot}: {plot.suffix!r} is not a figure format; choose one of {', '.join(FORMATS)}"
        )
    if plot is not None and importlib.util.find_spec("matplotlib") is None:
        raise InputError("figures need matplotlib; install it: pip install 'stmgpu[plot]'")
