"""Spellings of keywords, and the layouts of common sites, with made-up objects."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from support.samples import csv_of, fields, text, tle

from stmgpu.catalog import Catalog, read_catalog
from stmgpu.catalog.ccsds.field_names import SPELLINGS, USED, keyword_of
from stmgpu.errors import CatalogError

ONE, TWO = tle()
RECORD = fields()
CAMEL = {
    "satNo": 42, "epoch": "2024-07-05T12:00:00.000000Z", "meanMotion": 15.5, "eccentricity": 0.0012345,
    "inclination": 51.6, "raan": 120.5, "argOfPerigee": 90.25, "meanAnomaly": 270.75, "bStar": 0.00012345,
    "revNo": 123, "ephemType": 0, "idElset": "a-1", "sourceDL": [1, 2], "uct": False, "meanMotionDot": 1.234e-5,
}  # fmt: skip
NDM = {
    "header": {"CREATION_DATE": "2024-07-05T00:00:00", "ORIGINATOR": "X"},
    "body": {
        "segment": {
            "metadata": {"OBJECT_NAME": "MADE UP", "OBJECT_ID": "2011-002B", "REF_FRAME": "TEME"},
            "data": {
                "meanElements": {k: RECORD[k] for k in list(RECORD)[2:9]},
                "tleParameters": {k: RECORD[k] for k in list(RECORD)[9:]},
            },
        }
    },
}
LAYOUTS: dict[str, Any] = {
    "small letters": [{key.lower(): value for key, value in RECORD.items()}],
    "wrapped": {"count": 1, "next": None, "data": [RECORD]},
    "wrapped deeper down": {"meta": {"page": {"number": 1}}, "objects": [RECORD], "links": {"self": "x"}},
    "a library of element sets": [CAMEL],
    "messages in JSON": {"ndm": [{"omm": NDM}]},
    "one message": NDM,
    "lines in a class of public sets": [{"OBJECT_NAME": "MADE UP", "TLE_LINE0": "0 MADE UP", "TLE_LINE1": ONE,
                                         "TLE_LINE2": TWO}],
    "an interface for single satellites": {"@context": "https://example.org", "@id": "x", "@type": "Tle",
                                           "satelliteId": 42, "name": "MADE UP", "date": "2024-07-05", "line1": ONE,
                                           "line2": TWO},
    "its collection": {"@type": "Collection", "totalItems": 1,
                       "member": [{"satelliteId": 42, "name": "MADE UP", "line1": ONE, "line2": TWO}]},
    "a network of stations": [{"tle0": "0 MADE UP", "tle1": ONE, "tle2": TWO, "tle_source": "x",
                               "sat_id": "ABCD-1234", "norad_cat_id": 42, "updated": "2024-07-05T00:00:00+0000"}],
    "both lines in one text": {"info": {"satid": 42, "satname": "MADE UP", "transactionscount": 1},
                               "tle": f"{ONE}\r\n{TWO}"},
    "a list of lines": [{"name": "MADE UP", "tle": [ONE, TWO]}],
}  # fmt: skip


def elements(catalog: Catalog) -> list[float]:
    return [float(getattr(catalog, name)[0]) for name in ("epoch_jd", "epoch_fr", "inclination", "raan", "bstar")]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(layout: str) -> None:
    cat = read_catalog(json.dumps(LAYOUTS[layout]).encode())
    assert cat.norad_id.tolist() == [42]
    assert cat.name.tolist() == ([""] if layout == "a library of element sets" else ["MADE UP"])
    np.testing.assert_allclose(elements(cat), elements(read_catalog(text(tle()))), rtol=1e-15)
    assert cat.rejected == ()


def test_lines_of_objects() -> None:
    records = [fields(i) for i in range(1, 5)]
    for content in ("\n".join(map(json.dumps, records)), "\r\n\r\n".join(map(json.dumps, records)) + "\n"):
        assert read_catalog(content.encode()).norad_id.tolist() == [1, 2, 3, 4]
    with pytest.raises(CatalogError, match=r"line 2, character 1 is 'x'"):
        read_catalog((json.dumps(records[0]) + "\nx").encode())


def test_a_damaged_set_in_fields_is_rejected_by_its_record() -> None:
    good = [{"name": f"S{i}", "line1": (lines := tle(f"{i:05d}"))[0], "line2": lines[1]} for i in range(1, 4)]
    cat = read_catalog(
        json.dumps([*good, {"name": "BAD", "line1": ONE[:-1] + "1", "line2": TWO}, {"name": "NO"}]).encode()
    )
    assert cat.name.tolist() == ["S1", "S2", "S3"]
    assert [str(r)[:40] for r in cat.rejected] == [
        "record 4 (object 00042): checksum of lin", "record 5: TLE_LINE1, TLE_LINE2 are missi",
    ]  # fmt: skip


@pytest.mark.parametrize("delimiter", [";", "\t", ","])
def test_delimiters(delimiter: str) -> None:
    content = csv_of(fields(1), fields(2)).replace(b",", delimiter.encode())
    assert read_catalog(content).norad_id.tolist() == [1, 2]


def test_decimal_commas_between_semicolons() -> None:
    record = {
        key: value.replace(".", ",") if key not in ("EPOCH", "OBJECT_NAME") else value for key, value in RECORD.items()
    }
    content = ";".join(record) + "\n" + ";".join(record.values())
    assert elements(read_catalog(content.encode())) == elements(read_catalog(csv_of(RECORD)))


def test_two_line_sets_in_a_table() -> None:
    content = f"name,line1,line2\nMADE UP,{ONE},{TWO}\n".encode()
    cat = read_catalog(content)
    assert (cat.norad_id.tolist(), cat.name.tolist()) == ([42], ["MADE UP"])


def test_the_keyword_itself_goes_before_other_spellings() -> None:
    record = {"name": "WRONG", **fields(), "satid": "77", "norad": "78"}
    assert read_catalog(json.dumps([record]).encode()).norad_id.tolist() == [42]
    assert read_catalog(json.dumps([dict(reversed(record.items()))]).encode()).name.tolist() == ["MADE UP"]
    assert read_catalog(csv_of(record)).name.tolist() == ["MADE UP"]


@pytest.mark.parametrize("form", ["json", "csv"])
def test_ids_as_tables_of_numbers_write_them(form: str) -> None:
    record = fields("90001.0", ELEMENT_SET_NO="999.0", REV_AT_EPOCH="", EPHEMERIS_TYPE="0.0")
    cat = read_catalog(json.dumps([record]).encode() if form == "json" else csv_of(record))
    assert cat.norad_id.tolist() == [90001]
    assert cat.element_set_no.tolist() == [999]


@pytest.mark.parametrize(
    ("epoch", "stamp"),
    [
        ("2024-07-05T12:00:00.000000+00:00", "2024-07-05T12:00:00.000000000"),
        ("2024-07-05 12:00:00.5+00:00", "2024-07-05T12:00:00.500000000"),
        ("2024-07-05T01:30:00+02:00", "2024-07-04T23:30:00.000000000"),
    ],
)
def test_epochs_with_an_offset(epoch: str, stamp: str) -> None:
    assert str(read_catalog(csv_of(fields(EPOCH=epoch))).epoch[0]) == stamp


def test_every_spelling_means_one_keyword() -> None:
    names = [name for spellings in SPELLINGS.values() for name in spellings]
    assert len({keyword_of(name) for name in names}) == len(SPELLINGS)
    assert all(keyword_of(keyword.lower().replace("_", "-")) == keyword for keyword in USED)
