"""Two-line element sets."""

from stmgpu.catalog.tle.columns import ALPHA5_LETTERS, FIRST_YEAR, LINE_LENGTH
from stmgpu.catalog.tle.reading import read_tle

__all__ = ["ALPHA5_LETTERS", "FIRST_YEAR", "LINE_LENGTH", "read_tle"]
