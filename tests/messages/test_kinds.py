"""Files of other kinds are called by their names, and nothing of them is to be deleted."""

from __future__ import annotations

import json
import re

import pytest
from support.samples import fields, kvn_of

from stmgpu.catalog import read_catalog
from stmgpu.errors import CatalogError
from stmgpu.messages.kinds import MESSAGES, kind_of

XML = '<?xml version="1.0"?>\n<!-- made up -->\n'
OTHERS = sorted(set(MESSAGES) - {"OMM"})


def forms(key: str) -> dict[str, str]:
    """A message of a kind in every form that such messages have."""
    lower = key.lower()
    return {
        "kvn": f"\n  CCSDS_{key}_VERS = 1.0\nCREATION_DATE = 2024-07-08T01:00:00\nOBJECT_NAME = A\nBSTAR = 1\n",
        "kvn with a comment": f"COMMENT made up\nCCSDS_{key}_VERS=1.0\n",
        "xml": f'{XML}<{lower} id="CCSDS_{key}_VERS" version="1.0"><header/><body/></{lower}>',
        "xml with a namespace": f'{XML}<ndm:{lower} xmlns:ndm="urn:ccsds"><header/></ndm:{lower}>',
        "ndm": f"{XML}<ndm><{lower}/><{lower}/></ndm>",
        "json": json.dumps({f"CCSDS_{key}_VERS": "1.0", "OBJECT_NAME": "A"}),
        "json of an ndm": json.dumps({"ndm": [{lower: {"header": {}, "body": {}}}]}),
    }


@pytest.mark.parametrize("key", OTHERS)
def test_messages_are_called_by_their_names(key: str) -> None:
    for content in forms(key).values():
        with pytest.raises(
            CatalogError, match=rf"it is an? [\w -]+ \({key}\), which holds .*; (get|give|export)"
        ) as caught:
            read_catalog(content.encode())
        assert not re.search("remove|delete|rename|USER_DEFINED", str(caught.value))


@pytest.mark.parametrize(
    "content",
    [
        json.dumps([{"CDM_ID": "900000001", "TCA": "2024-07-09T12:00:00", "SAT_1_ID": "90001", "MIN_RNG": "12"}]),
        "CDM_ID,CREATED,TCA,MIN_RNG,PC,SAT_1_ID,SAT_1_NAME\n1,2024-07-08,2024-07-09,12,,90001,A\n",
        '"CDM_ID","CREATED","TCA"\n"1","2024-07-08","2024-07-09"\n',
    ],
)
def test_public_lists_of_encounters(content: str) -> None:
    with pytest.raises(
        CatalogError, match=r"it is a list of Conjunction Data Messages \(CDM\), which holds encounters"
    ):
        read_catalog(content.encode())


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"<!DOCTYPE html>\n<html><body>Please log in", "an HTML page, which holds no data; open it in a browser, log"),
        (b"  <html lang='en'><head>", "an HTML page"),
        (b'<?xml version="1.0"?><!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN"><html/>', "an HTML page"),
        (b"%PDF-1.7\n", "a PDF document"),
        (b"\x89HDF\r\n\x1a\n", "an HDF5 or netCDF file"),
        (b"SQLite format 3\0", "an SQLite database"),
        (b"PAR1\x15", "a Parquet file"),
        (b"stk.v.11.0\nBEGIN Ephemeris", "an STK ephemeris"),
        (b"#cP2024  1  1  0  0  0.00000000", "an SP3 file"),
        (b"H1 CPF  2  AIU 2024", "a Consolidated Prediction"),
        (b"created:2024-07-08 01:00:00 UTC\nephemeris_start:", "a Modified ITC ephemeris"),
        (b"DATATYPE CssiSpaceWeather\n", "a space-weather file"),
    ],
)
def test_other_files_are_called_by_their_names(content: bytes, name: str) -> None:
    with pytest.raises(CatalogError, match=f"it is {name}"):
        read_catalog(content)


@pytest.mark.parametrize(
    "content", [b"", b"1 00042U", b"ISS (ZARYA)\n1 25544U", b"[]", b"<ndm/>", b"OBJECT_NAME = CCSDS_"]
)
def test_what_is_not_in_the_table(content: bytes) -> None:
    assert kind_of(content) is None


def test_mean_elements_among_other_messages_are_read() -> None:
    omm = kvn_of(fields())
    cat = read_catalog(omm + b"CCSDS_OMM_VERS = 3.0\n" + omm.split(b"\n", 1)[1])
    assert len(cat) == 1
    mixed = b"<ndm><oem/><omm/></ndm>"
    with pytest.raises(CatalogError, match="no record is valid"):
        read_catalog(mixed)
