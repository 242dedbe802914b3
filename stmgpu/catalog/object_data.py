"""Type, status, owner and decay date of an object, as catalogues write them.

Codes: CelesTrak, SATCAT format documentation (celestrak.org/satcat/satcat-format.php and status.php), and the classes
`satcat` and `gp` of Space-Track's interface.
"""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.messages.times import parse_utc_many

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stmgpu.typing import Bools, Floats

TYPE_NAMES = {
    "PAYLOAD": "PAYLOAD", "PAY": "PAYLOAD", "ROCKET BODY": "ROCKET BODY", "R/B": "ROCKET BODY", "DEBRIS": "DEBRIS",
    "DEB": "DEBRIS", "UNKNOWN": "UNKNOWN", "UNK": "UNKNOWN", "TBA": "UNKNOWN", "OTHER": "UNKNOWN", "": "",
}  # fmt: skip
"""Object types by the words and codes in use."""

STATUS_CODES = {
    "+": "OPERATIONAL", "-": "NONOPERATIONAL", "P": "PARTIALLY OPERATIONAL", "B": "BACKUP", "S": "SPARE",
    "X": "EXTENDED MISSION", "D": "DECAYED", "?": "UNKNOWN", "": "",
}  # fmt: skip
"""Operational status by CelesTrak's code."""

OWNER_KEYWORD, STATUS_KEYWORD, DECAY_KEYWORD = "COUNTRY_CODE", "OPS_STATUS_CODE", "DECAY_DATE"
"""Keywords beside those of OMM."""

DATE = "a date such as 2024-07-05, or nothing"
"""Allowed texts of a decay date."""

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ][0-9:.]*Z?)?", re.ASCII)


def status_name(code: str | None) -> str:
    """Operational status of a code, or of a status itself; 'UNKNOWN' for any other text.

    Examples
    --------
    >>> status_name("+"), status_name("spare"), status_name("Q")
    ('OPERATIONAL', 'SPARE', 'UNKNOWN')
    """
    text = (code or "").strip().upper()
    return STATUS_CODES.get(text, text if text in STATUS_CODES.values() else "UNKNOWN")


def is_date(text: str) -> bool:
    """Whether a text is a date, with or without a time of day.

    Examples
    --------
    >>> is_date("2024-02-29"), is_date("2024-02-30")
    (True, False)
    """
    stripped = text.strip()
    if not _DATE.fullmatch(stripped):
        return False
    try:
        date.fromisoformat(stripped[:10])
    except ValueError:
        return False
    return True


def decay_days(texts: Sequence[str | None]) -> tuple[Floats, Bools]:
    """Julian dates of the midnights that begin the days of decay; a time of day is left out.

    Parameters
    ----------
    texts : sequence of str or None
        n dates, empty or None where the object has not decayed.

    Returns
    -------
    ndarray of float64, shape (n,)
        Days [d], NaN without a date.
    ndarray of bool, shape (n,)
        Texts that are no date.

    Examples
    --------
    >>> decay_days(["2024-07-05", None, "soon"])
    (array([2460496.5,       nan,       nan]), array([False, False,  True]))
    """
    jd, broken = np.full(len(texts), np.nan), np.zeros(len(texts), np.bool_)
    given = [k for k, text in enumerate(texts) if text and text.strip()]
    if given:
        dates = [(texts[k] or "").strip() for k in given]
        jd[given] = parse_utc_many([text[:10] + "T00:00:00" for text in dates])[0]
        broken[given] = [not is_date(text) for text in dates]
    return np.where(broken, np.nan, jd), broken
