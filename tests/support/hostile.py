"""Catalogues of a given size that were made to take long or to need much memory."""

from __future__ import annotations

from collections.abc import Callable

from support.samples import LINE1, LINE2, sealed

ONE, TWO = (sealed(line).encode() + b"\n" for line in (LINE1, LINE2))
KEYWORDS = (
    b"EPOCH", b"ECCENTRICITY", b"INCLINATION", b"RA_OF_ASC_NODE", b"ARG_OF_PERICENTER", b"MEAN_ANOMALY",
    b"NORAD_CAT_ID", b"BSTAR", b"MEAN_MOTION",
)  # fmt: skip
GOOD = (b"2024-07-05T00:00:00", b".1", b"1", b"1", b"1", b"1", b"%d", b"1e-5", b"15")
HEADER = b",".join(KEYWORDS) + b"\n"
OBJECT = b"{" + b",".join(b'"%s":"%s"' % pair for pair in zip(KEYWORDS, GOOD, strict=True)) + b"},"
GARBAGE = b"{" + b",".join(b'"%s":"x"' % keyword for keyword in KEYWORDS) + b"},"
ROW = b",".join(GOOD) + b"\n"
OMM = (
    b"<omm><body><segment><metadata><OBJECT_NAME>A</OBJECT_NAME></metadata><data><meanElements><EPOCH>x</EPOCH>"
    b"</meanElements><tleParameters/></data></segment></body></omm>"
)


def _repeated(unit: bytes, head: bytes = b"", tail: bytes = b"") -> Callable[[int], bytes]:
    return lambda size: head + unit * (max(size - len(head) - len(tail), 0) // len(unit)) + tail


def _counted(unit: bytes, head: bytes = b"", tail: bytes = b"") -> Callable[[int], bytes]:
    """Units with numbers from 1 on in place of %d."""

    def content(size: int) -> bytes:
        parts, length, number = [head], len(head) + len(tail), 0
        while length < size:
            number += 1
            parts.append(unit % number)
            length += len(parts[-1])
        return b"".join((*parts, tail))

    return content


HOSTILE: dict[str, Callable[[int], bytes]] = {
    "json: empty objects": _repeated(b"{},", b"[", b"{}]"),
    "json: empty objects, wrapped": _repeated(b"{},", b'{"data":[', b"{}]}"),
    "json: empty objects in a list of a list": _repeated(b"{},", b'{"data":[[', b"{}]]}"),
    "json: empty objects in lines": _repeated(b"{}\n"),
    "json: garbage": _repeated(GARBAGE, b"[", b"{}]"),
    "json: good objects": _counted(OBJECT, b"[", b"{}]"),
    "json: one good, one empty": _counted(OBJECT + b"{},", b"[", b"1]"),
    "json: brackets": _repeated(b"["),
    "json: objects in objects": _repeated(b'{"a":'),
    "json: a long text": _repeated(b"a", b'["', b'"]'),
    "json: an open text": _repeated(b"a", b'["'),
    "json: backslashes": _repeated(b"\\", b'["'),
    "json: many keys": _counted(b'"%d":1,', b"{", b'"a":1}'),
    "json: blanks": _repeated(b" ", b"[", b"]"),
    "json: numbers": _repeated(b"1,", b"[", b"1]"),
    "csv: commas": _repeated(b",", HEADER),
    "csv: a wide header": _counted(b"%d,", b"NORAD_CAT_ID,EPOCH,"),
    "csv: empty lines": _repeated(b"\n", HEADER),
    "csv: garbage": _repeated(b"x,x,x,x,x,x,x,x,x\n", HEADER),
    "csv: short rows": _repeated(b"x\n", HEADER),
    "csv: an open quote": _repeated(b"a\n", HEADER + b'"'),
    "csv: quotes": _repeated(b'"', HEADER),
    "csv: good rows": _counted(ROW, HEADER),
    "csv: wrong epochs": _counted(ROW.replace(b":00,", b":61,"), HEADER),
    "csv: one long name": _counted(
        ROW[:-1] + b",A\n", HEADER[:-1] + b",OBJECT_NAME\n", ROW[:-1] % 1 + b"," + b"n" * 9999
    ),
    "tle: empty lines": _repeated(b"\n", ONE + TWO),
    "tle: names": _repeated(b"x\n", ONE + TWO),
    "tle: short lines": _repeated(b"1 00042\n2 00042\n"),
    "tle: one set again and again": _repeated(ONE + TWO),
    "tle: blanks": _repeated(b" ", ONE),
    "kvn: short lines": _repeated(b"A=\n"),
    "kvn: names": _repeated(b"OBJECT_NAME=\n"),
    "kvn: versions": _repeated(b"CCSDS_OMM_VERS=3\n"),
    "kvn: brackets": _repeated(b"[", b"CCSDS_OMM_VERS = 3.0\nMASS = "),
    "kvn: many keywords": _counted(b"USER_DEFINED_%d=\n", b"CCSDS_OMM_VERS = 3.0\n"),
    "xml: elements outside of messages": _repeated(b'<a b=""/>', b"<ndm>", b"</ndm>"),
    "xml: elements in a message": _repeated(b"<a/>", b"<omm>", b"</omm>"),
    "xml: open elements": _repeated(b"<a>", b"<ndm>"),
    "xml: empty messages": _repeated(b"<omm/>", b"<ndm>", b"</ndm>"),
    "xml: garbage": _repeated(OMM, b"<ndm>", b"</ndm>"),
    "xml: a long text": _repeated(b"x", b"<omm>", b"</omm>"),
    "xml: attributes": _counted(b' a%d=""', b"<omm", b"/>"),
    "zeros": _repeated(b"\0"),
    "UTF-16": _repeated("é".encode("utf-16-le"), b"\xff\xfe"),
}
"""Content of about a size [bytes], by name."""

_CDM = b"CCSDS_CDM_VERS = 1.0\n"
HOSTILE_CDM: dict[str, Callable[[int], bytes]] = {
    "kvn: versions": _repeated(b"CCSDS_CDM_VERS=1.0\n"),
    "kvn: short lines": _repeated(b"A=\n", _CDM),
    "kvn: comments": _repeated(b"COMMENT x\n", _CDM),
    "kvn: many keywords": _counted(b"USER_DEFINED_%d=1\n", _CDM),
    "kvn: digits": _repeated(b"9", _CDM + b"TCA = "),
    "kvn: brackets": _repeated(b"[", _CDM + b"MISS_DISTANCE = "),
    "xml: empty messages": _repeated(b"<cdm/>", b"<ndm>", b"</ndm>"),
    "xml: segments": _repeated(b"<segment/>", b"<cdm version='1.0'>", b"</cdm>"),
    "json: empty objects": _repeated(b"{},", b"[", b"{}]"),
    "json: many keys": _counted(b'"USER_DEFINED_%d":1,', b"{", b'"a":1}'),
}
"""The same of files of which no message can be used."""
