"""Made-up objects in every catalogue form; no element is a real one's."""

from __future__ import annotations

import gzip

from stmgpu.catalog import Catalog, format_catalog, synthetic_catalog
from stmgpu.catalog.tle.lines import checksum

FORMATS = ("tle", "3le", "csv", "json", "kvn", "xml")

LINE1 = "1 00042U 11002B   24187.50000000  .00001234  00000-0  12345-3 0  9990"
LINE2 = "2 00042  51.6000 120.5000 0012345  90.2500 270.7500 15.50000000  1230"


def sealed(line: str) -> str:
    """The line with its checksum made right."""
    return line[:68] + str(checksum(line[:68]))


def tle(norad: str = "00042", epoch: str = "24187.50000000", **edits: str) -> list[str]:
    """A valid set with another id and epoch; edits such as one_53=' 11111-4' overwrite text from a column (from 0)."""
    one, two = LINE1, LINE2
    one = one[:2] + norad + one[7:18] + epoch + one[32:]
    two = two[:2] + norad + two[7:]
    for key, text in edits.items():
        name, column = key.split("_")
        start = int(column)
        if name == "one":
            one = one[:start] + text + one[start + len(text) :]
        else:
            two = two[:start] + text + two[start + len(text) :]
    return [sealed(one), sealed(two)]


def text(*sets: list[str]) -> bytes:
    return "\n".join(line for lines in sets for line in lines).encode() + b"\n"


FIELDS = {
    "OBJECT_NAME": "MADE UP",
    "OBJECT_ID": "2011-002B",
    "EPOCH": "2024-07-05T12:00:00.000000",
    "MEAN_MOTION": "15.5",
    "ECCENTRICITY": ".0012345",
    "INCLINATION": "51.6",
    "RA_OF_ASC_NODE": "120.5",
    "ARG_OF_PERICENTER": "90.25",
    "MEAN_ANOMALY": "270.75",
    "EPHEMERIS_TYPE": "0",
    "CLASSIFICATION_TYPE": "U",
    "NORAD_CAT_ID": "42",
    "ELEMENT_SET_NO": "999",
    "REV_AT_EPOCH": "123",
    "BSTAR": ".12345E-3",
    "MEAN_MOTION_DOT": ".1234E-4",
    "MEAN_MOTION_DDOT": "0",
}


def fields(norad: int | str = 42, **edits: str | None) -> dict[str, str]:
    """Fields of a valid OMM with another id and some fields replaced, or left out where None."""
    merged = {**FIELDS, "NORAD_CAT_ID": str(norad), **edits}
    return {key: value for key, value in merged.items() if value is not None}


def csv_of(*records: dict[str, str]) -> bytes:
    header = list(dict.fromkeys(key for record in records for key in record))
    lines = [",".join(header)] + [",".join(record.get(key, "") for key in header) for record in records]
    return "\n".join(lines).encode() + b"\n"


METADATA = {"CENTER_NAME": "EARTH", "REF_FRAME": "TEME", "TIME_SYSTEM": "UTC", "MEAN_ELEMENT_THEORY": "SGP4"}


def kvn_of(*records: dict[str, str]) -> bytes:
    lines = []
    for record in records:
        lines.append("CCSDS_OMM_VERS = 3.0")
        lines += [f"{key} = {value}" for key, value in {**METADATA, **record}.items()]
    return "\n".join(lines).encode() + b"\n"


def small() -> Catalog:
    return synthetic_catalog(12, seed=5)


def every_form() -> dict[str, bytes]:
    catalog = small()
    forms = {name: format_catalog(catalog, name) for name in FORMATS}
    forms["gz"] = gzip.compress(forms["tle"])
    return forms
