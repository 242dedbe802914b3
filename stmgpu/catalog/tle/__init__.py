"""Two-line element sets."""

from stmgpu.catalog.tle.reading import ALPHA5_LETTERS, FIRST_YEAR, LINE_LENGTH, Mask, Matrix, read_tle

__all__ = ["ALPHA5_LETTERS", "FIRST_YEAR", "LINE_LENGTH", "Mask", "Matrix", "read_tle"]
