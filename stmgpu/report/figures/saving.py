"""Figures as files: complete or not at all, and the same bytes for the same figure."""

from __future__ import annotations

import io
import logging
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matplotlib import style as mpl_style

from stmgpu.errors import InputError, StmgpuError
from stmgpu.files import replacing
from stmgpu.report.figures.kinds import FORMATS
from stmgpu.report.figures.style import STYLE

if TYPE_CHECKING:
    import os

    from matplotlib.figure import Figure

# what matplotlib writes by itself are its version and the time
_METADATA: dict[str, dict[str, Any]] = {
    ".png": {"Software": None},
    ".svg": {"Date": None, "Creator": "stmgpu"},
    ".pdf": {"CreationDate": None, "Producer": None, "Creator": "stmgpu"},
}


def save(figure: Figure, path: str | os.PathLike[str]) -> Path:
    """Write a figure.

    Parameters
    ----------
    figure : Figure
        From this package, or any other figure of matplotlib.
    path : path-like
        File; its ending names the format: .png, .svg or .pdf. An existing one is replaced once the new one is complete.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        For another ending.
    StmgpuError
        If the file cannot be written; nothing is left behind.
    """
    file = Path(path)
    ending = file.suffix.lower()
    if ending not in FORMATS:
        raise InputError(
            f"cannot write {file}: {file.suffix!r} is not a figure format; choose one of {', '.join(FORMATS)}"
        )
    pixels = io.BytesIO()
    fonts = logging.getLogger("matplotlib")  # it logs the machine's fonts on its first run
    level = fonts.level
    fonts.setLevel(logging.ERROR)
    try:
        with mpl_style.context(STYLE), warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Glyph .* missing from font")  # it draws a box instead
            figure.savefig(pixels, format=ending[1:], metadata=_METADATA[ending])
    finally:
        fonts.setLevel(level)
    try:
        with replacing(file) as target:
            target.write(pixels.getvalue())
    except OSError as error:
        raise StmgpuError(f"cannot write the figure {file}: {error.strerror or error}; choose another path") from error
    return file
