"""Text cells of CSV files that a spreadsheet must not take for a formula.

A text that begins with = + - @, a tab or CR gets a leading apostrophe. So does one that begins with apostrophes and
then one of these, so that removing one apostrophe always gives the text back. Numbers are never changed.
"""

from __future__ import annotations

import re

_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_PROTECTED = re.compile(r"'+[=+\-@\t\r]")


def protected(text: str) -> str:
    """Text as a cell that no spreadsheet executes.

    Examples
    --------
    >>> protected("=1+1"), protected("ISS"), protected("'=x")
    ("'=1+1", 'ISS', "''=x")
    """
    return "'" + text if _FORMULA.match(text) else text


def unprotected(cell: str) -> str:
    """Text of a cell that `protected` wrote.

    Examples
    --------
    >>> unprotected("'=1+1"), unprotected("ISS"), unprotected("'tis")
    ('=1+1', 'ISS', "'tis")
    """
    return cell[1:] if _PROTECTED.match(cell) else cell
