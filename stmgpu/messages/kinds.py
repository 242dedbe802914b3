"""Kinds of files that are not what was asked for, told by their beginning, and what to do with each."""

from __future__ import annotations

import re
from typing import NamedTuple


class Kind(NamedTuple):
    """A kind of file.

    Parameters
    ----------
    key : str
        Short name, such as 'CDM'.
    name : str
        Name with its article.
    content : str
        What a file of the kind holds.
    cure : str
        What to give instead, as an imperative.
    """

    key: str
    name: str
    content: str
    cure: str

    def __str__(self) -> str:
        return f"it is {self.name}, which holds {self.content}; {self.cure}"


_ELEMENTS = "get the element sets (TLE or OMM) of its objects"
_RISK = f"give it to `stmgpu pc --cdm` or `stmgpu cdm read` (read_cdm in Python), or {_ELEMENTS}"
_AS_EPHEMERIS = "give it with --ephemeris (read_trajectories in Python), not as the catalogue"
_FETCH_AGAIN = "open it in a browser, log in if it asks, and fetch the file again"

MESSAGES = {
    kind.key: kind
    for kind in (
        Kind("OMM", "an Orbit Mean-Elements Message (OMM)", "mean elements", "give it as the catalogue"),
        Kind("OEM", "an Orbit Ephemeris Message (OEM)", "states at many times", _AS_EPHEMERIS),
        Kind("CDM", "a Conjunction Data Message (CDM)", "one encounter and no mean elements", _RISK),
        Kind("OPM", "an Orbit Parameter Message (OPM)", "one state and no mean elements", _ELEMENTS),
        Kind(
            "OCM", "an Orbit Comprehensive Message (OCM)", "blocks of states, manoeuvres and more",
            "export its trajectory as OEM and give that with --ephemeris",
        ),
        Kind("AEM", "an Attitude Ephemeris Message (AEM)", "attitudes and no orbit", _ELEMENTS),
        Kind("APM", "an Attitude Parameter Message (APM)", "an attitude and no orbit", _ELEMENTS),
        Kind("ACM", "an Attitude Comprehensive Message (ACM)", "attitudes and no orbit", _ELEMENTS),
        Kind("TDM", "a Tracking Data Message (TDM)", "observations and no orbit", _ELEMENTS),
        Kind("RDM", "a Re-entry Data Message (RDM)", "a predicted re-entry and no mean elements", _ELEMENTS),
    )
}  # fmt: skip
"""Messages of CCSDS by their short names."""

SATCAT = Kind(
    "SATCAT", "a SATCAT", "types, owners and decays but no elements", "give it with --satcat beside a catalogue"
)
"""Satellite catalogue of CelesTrak or Space-Track."""

_PUBLIC_CDM = MESSAGES["CDM"]._replace(name="a list of Conjunction Data Messages (CDM)", content="encounters")
_OTHERS = (
    (r"(?:<\?xml[^>]*>\s*)?<(?:!doctype\s+html|html)\b", Kind("HTML", "an HTML page", "no data", _FETCH_AGAIN)),
    (r"%PDF-", Kind("PDF", "a PDF document", "no data", "get the data as TLE or OMM")),
    (r"(?:\x89HDF|CDF[\x01\x02\x05])", Kind("HDF5", "an HDF5 or netCDF file", "arrays", "get the data as TLE or OMM")),
    (r"SQLite format 3\0", Kind("SQLite", "an SQLite database", "tables", "export the element sets as CSV")),
    (r"PAR1", Kind("Parquet", "a Parquet file", "a table", "export the element sets as CSV")),
    (r"created:\s*\d{4}-\d\d", Kind("ITC", "a Modified ITC ephemeris (MEME)", "states at many times", _AS_EPHEMERIS)),
    (r"stk\.v\.\d", Kind("STK", "an STK ephemeris (.e)", "states at many times", "export it as OEM")),
    (r"#[a-d][PV]\d{4}", Kind("SP3", "an SP3 file", "states of navigation satellites", "convert it to OEM")),
    (r"H1\s+CPF", Kind("CPF", "a Consolidated Prediction Format file", "predicted positions", "convert it to OEM")),
    (r"DATATYPE\s+CssiSpaceWeather|DATE,BSRN,", Kind(
        "space weather", "a space-weather file", "solar flux and geomagnetic indices", "name it in a scenario file",
    )),
)  # fmt: skip
_OTHER_PATTERNS = tuple((re.compile(pattern, re.IGNORECASE), kind) for pattern, kind in _OTHERS)
_NAMES = "|".join(MESSAGES)
_KVN = re.compile(rf"^[ \t]*CCSDS_({_NAMES})_VERS[ \t]*=", re.MULTILINE)
_XML = re.compile(rf"<(?:\w+:)?({_NAMES.lower()})[\s>/]")
_JSON = re.compile(rf'"(?:CCSDS_({_NAMES})_VERS|({_NAMES}|{_NAMES.lower()}))"\s*:')
_TABLES = (({"CDM_ID"}, _PUBLIC_CDM), ({"OPS_STATUS_CODE", "COMMENTCODE"}, SATCAT))
"""Kinds of tables by the columns of CSV and the keys of JSON that only they have."""

_JSON_KEY = re.compile(r'"(\w{1,40})"\s*:')
_HEAD = 1 << 14


def kind_of(data: bytes) -> Kind | None:
    """Kind of a file as its first 16 KiB show it, or None if they show none of the table.

    Parameters
    ----------
    data : bytes
        Content of a file.

    Examples
    --------
    >>> print(kind_of(b"<html><title>Log in"))
    it is an HTML page, which holds no data; open it in a browser, log in if it asks, and fetch the file again
    """
    head = data[:_HEAD].decode("latin-1").lstrip("\ufeff \t\r\n")
    for pattern, kind in _OTHER_PATTERNS:
        if pattern.match(head):
            return kind
    names: set[str] = set()
    if head.startswith("<"):
        match = _XML.search(head)
    elif head.startswith(("{", "[")):
        match = _JSON.search(head)
        names = set(_JSON_KEY.findall(head))
    else:
        match = _KVN.search(head)
        names = {cell.strip(' "\r').upper() for cell in re.split(r"[,;\t]", head.partition("\n")[0])}
    if match:
        return MESSAGES[next(filter(None, match.groups())).upper()]
    return next((kind for keys, kind in _TABLES if keys & names), None)
