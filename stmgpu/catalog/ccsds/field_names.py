"""Names of fields: the keywords of OMM, and how common sites spell them.

Names are compared without case, blanks and punctuation, so that `meanMotion` and `mean_motion` are MEAN_MOTION. Other
spellings stand in a table. Elements have the units of OMM (degrees, revolutions per day) under every name in it.
"""

from __future__ import annotations

import re
from functools import lru_cache

from stmgpu.catalog.object_data import DECAY_KEYWORD, OWNER_KEYWORD, STATUS_KEYWORD

REQUIRED = (
    "EPOCH", "ECCENTRICITY", "INCLINATION", "RA_OF_ASC_NODE", "ARG_OF_PERICENTER", "MEAN_ANOMALY", "NORAD_CAT_ID",
    "BSTAR",
)  # fmt: skip
"""Keywords without which no record can be used; besides, one of `MOTION`."""

MOTION = ("MEAN_MOTION", "SEMI_MAJOR_AXIS")
"""Keywords of which each record has one."""

TLE_LINES = ("TLE_LINE1", "TLE_LINE2")
"""Fields that hold a two-line set instead; TLE_LINE0 is its name line, and TLE holds all lines in one text."""

USER = "USER_DEFINED_"
"""Beginning of keywords for values that OMM has no keyword for."""

RADIUS_KEYWORD = USER + "HARD_BODY_RADIUS_M"
COMMON_KEYWORDS = ("OBJECT_TYPE", STATUS_KEYWORD, OWNER_KEYWORD, DECAY_KEYWORD)
"""Keywords that are common in CSV and JSON; KVN and XML hold them as user-defined ones."""

TEXTS = (
    "OBJECT_NAME", "OBJECT_ID", *COMMON_KEYWORDS, *(USER + keyword for keyword in COMMON_KEYWORDS),
    "CLASSIFICATION_TYPE",
)  # fmt: skip
"""Keywords whose values are free text."""

USED = frozenset({
    *REQUIRED, *MOTION, *TEXTS, RADIUS_KEYWORD, "CENTER_NAME", "REF_FRAME", "TIME_SYSTEM", "MEAN_ELEMENT_THEORY",
    "MASS", "EPHEMERIS_TYPE", "ELEMENT_SET_NO", "REV_AT_EPOCH", "MEAN_MOTION_DOT", "MEAN_MOTION_DDOT", "BTERM", "AGOM",
    *TLE_LINES, "TLE_LINE0", "TLE",
})  # fmt: skip
"""Every keyword that is looked at."""

SPELLINGS = {
    "NORAD_CAT_ID": (
        "norad_id", "norad", "satelliteId", "satid", "satNo", "satnum", "catalog_number", "norad_catalog_number",
        "satellite_number",
    ),
    "OBJECT_NAME": ("name", "satname", "satellite_name"),
    "OBJECT_ID": ("intldes", "intl_designator", "international_designator", "cospar_id", "cospar"),
    "RA_OF_ASC_NODE": ("raan",),
    "ARG_OF_PERICENTER": ("argOfPerigee", "arg_perigee", "argument_of_perigee"),
    "REV_AT_EPOCH": ("revNo",),
    "EPHEMERIS_TYPE": ("ephemType",),
    "TLE_LINE0": ("tle0", "line0"),
    "TLE_LINE1": ("tle1", "line1"),
    "TLE_LINE2": ("tle2", "line2"),
}  # fmt: skip
"""Other spellings of keywords: CelesTrak, Space-Track, N2YO, SatNOGS, tle.ivanstanojevic.me, Unified Data Library."""

_IGNORED = re.compile(r"[\s_\-.]+")


def _plain(name: str) -> str:
    return _IGNORED.sub("", name).upper()


_KEYWORDS = {_plain(spelling): keyword for keyword, names in SPELLINGS.items() for spelling in names}
_KEYWORDS |= {_plain(keyword): keyword for keyword in USED}


@lru_cache(maxsize=4096)
def keyword_of(name: str) -> str:
    """Keyword of `USED` that a name means; other names in capitals.

    Examples
    --------
    >>> keyword_of("meanMotion"), keyword_of("satelliteId"), keyword_of("tle1"), keyword_of("colour")
    ('MEAN_MOTION', 'NORAD_CAT_ID', 'TLE_LINE1', 'COLOUR')
    """
    return _KEYWORDS.get(_plain(name[:64]), name[:64].strip().upper())


def is_exact(name: str) -> bool:
    """Whether a name is its keyword, but for case and punctuation: such a name goes before other spellings."""
    return _plain(name[:64]) == _plain(keyword_of(name))
